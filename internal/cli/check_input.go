// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/internal/iac"
)

// deployFlags say where and how a template is deployed, as the command line of Azure does.
type deployFlags struct {
	templateFlags
	group, subscription, management string
	mode                            string
}

const (
	modeIncremental = "incremental"
	modeComplete    = "complete"
)

func (f *deployFlags) register(cmd *cobra.Command) {
	f.templateFlags.register(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.group, "resource-group", "g", "", "of a template: the resource group that it is deployed to")
	fl.StringVar(&f.subscription, "subscription", "", "of a template: the subscription, by ID or by its name in the tenant")
	fl.StringVarP(&f.management, "management-group", "m", "", "of a template: the management group that it is deployed to")
	fl.StringVar(&f.mode, "mode", modeIncremental, "of a template: incremental, or complete, which deletes the rest of the resource group")
}

// given reports whether a flag was used that says something of a deployment.
func (f *deployFlags) given() bool {
	return f.group != "" || f.subscription != "" || f.management != "" || f.deployTo != "" || f.mode != modeIncremental || len(f.parameters) > 0
}

// settle finds out where the template goes, with what the tenant tells: the only subscription, or the one that has the group.
func (f *deployFlags) settle(tenant *mivet.Snapshot) (iac.Deployment, error) {
	dep := iac.Deployment{Tenant: tenant, Complete: f.mode == modeComplete}
	if f.mode != modeComplete && f.mode != modeIncremental {
		return dep, usagef("--mode: %q is neither incremental nor complete", f.mode)
	}
	t, err := f.place()
	if err != nil {
		return dep, err
	}
	t.Cloud = f.cloud
	if f.group != "" {
		t.ResourceGroup = f.group
	}
	if f.management != "" {
		t.ManagementGroup = f.management
	}
	if f.subscription != "" {
		t.Subscription = f.subscription
	}
	if tenant != nil {
		if t, err = locate(t, tenant); err != nil {
			return dep, err
		}
	}
	f.settled = &t
	if dep.Complete {
		if t.ResourceGroup == "" || t.Subscription == "" {
			return dep, usagef("--mode complete deletes what a resource group has beside the template: name it with --resource-group and --subscription")
		}
		if dep.Group, err = arm.ParseID("/subscriptions/" + t.Subscription + "/resourceGroups/" + t.ResourceGroup); err != nil {
			return dep, usagef("--resource-group: %v", err)
		}
	}
	return dep, nil
}

// locate completes a target with what is known of the tenant.
func locate(t armtemplate.Target, tenant *mivet.Snapshot) (armtemplate.Target, error) {
	t.Tenant = tenant.TenantID
	var with []string // subscriptions that have the group
	for i := range tenant.Subscriptions {
		s := &tenant.Subscriptions[i]
		if strings.EqualFold(s.Name, t.Subscription) {
			t.Subscription = s.ID.SubscriptionID()
		}
	}
	for i := range tenant.Resources {
		id := tenant.Resources[i].ID
		if id.Level() != arm.LevelResourceGroup || arm.Fold(id.ResourceGroup()) != arm.Fold(t.ResourceGroup) {
			continue
		}
		if t.Subscription == "" || strings.EqualFold(t.Subscription, id.SubscriptionID()) {
			with = append(with, id.SubscriptionID())
			t.Location = tenant.Resources[i].Location
		}
	}
	switch {
	case t.Subscription != "" || t.ManagementGroup != "":
	case len(with) == 1:
		t.Subscription = with[0]
	case len(with) > 1:
		return t, usagef("--resource-group: %d subscriptions have a group %s: name one with --subscription", len(with), t.ResourceGroup)
	case len(tenant.Subscriptions) == 1:
		t.Subscription = tenant.Subscriptions[0].ID.SubscriptionID()
	}
	return t, nil
}

// tenantAgainst reads the tenant that a change is held against; nil without one.
func (a *app) tenantAgainst(ctx context.Context, against []string) (*mivet.Snapshot, error) {
	if len(against) == 0 {
		return nil, nil
	}
	r, err := a.read(ctx, &inputFlags{}, against)
	if err != nil {
		return nil, err
	}
	return r.snap, nil
}

// readChange reads what is to be done: a plan, or a template as a change of the tenant.
func (a *app) readChange(ctx context.Context, f *checkFlags, file string, tenant *mivet.Snapshot) (p *change.Plan, err error) {
	s := &source{name: file, template: &f.deploy.templateFlags}
	var in io.Reader = a.Stdin
	if file == "-" {
		s.name = "standard input"
	} else {
		opened, err := os.Open(filepath.Clean(file))
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, opened.Close()) }()
		in, s.at = opened, opened
		if s.info, err = opened.Stat(); err != nil {
			return nil, err
		}
	}
	text := bufio.NewReaderSize(in, headSize)
	if s.head, err = text.Peek(headSize); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", s.name, err)
	}
	s.text = text
	kind := iac.Recognise(s.head)
	if isBicepName(file) && len(bytes.TrimSpace(s.head)) > 0 {
		kind = iac.KindBicep
	}
	switch kind {
	case iac.KindARMTemplate, iac.KindBicep, iac.KindBicepSnapshot, iac.KindWhatIf:
		return a.readDeployment(ctx, f, s, kind, tenant)
	case iac.KindTerraformBinaryPlan:
		if s.at == nil || !s.info.Mode().IsRegular() {
			return nil, errorWithHint(errors.New("a plan file cannot be read from a stream"), "name the file, or pipe \"terraform show -json\" of it")
		}
		return iac.ReadBinaryPlan(ctx, s.name, s.at, s.info.Size())
	default:
		if f.deploy.given() {
			return nil, usagef("where a template is deployed was said, and %s is %s", s.name, kind)
		}
		return iac.ReadPlan(ctx, s.name, s.text)
	}
}

func (a *app) readDeployment(ctx context.Context, f *checkFlags, s *source, kind iac.Kind, tenant *mivet.Snapshot) (*change.Plan, error) {
	dep, err := f.deploy.settle(tenant)
	if err != nil {
		return nil, err
	}
	if tenant == nil && kind != iac.KindWhatIf {
		a.note("%s: without --against nothing is known of what is there, and all counts as new", s.name)
	}
	switch kind {
	case iac.KindBicep:
		in := &intake{app: a, template: s.template}
		file := bicepFile{name: s.name}
		if s.info == nil {
			if file.text, err = io.ReadAll(io.LimitReader(s.text, maxBicep)); err != nil {
				return nil, fmt.Errorf("reading %s: %w", s.name, err)
			}
		}
		b, _, err := in.compileBicep(file, "")
		if err != nil {
			return nil, err
		}
		return b.Change(ctx, dep)
	case iac.KindBicepSnapshot:
		return iac.ReadPredictedChange(ctx, s.name, s.text, dep)
	case iac.KindWhatIf:
		return iac.ReadWhatIfChange(ctx, s.name, s.text, dep)
	default:
		opts, err := templateOptions(a, s)
		if err != nil {
			return nil, err
		}
		return iac.ReadTemplateChange(ctx, s.name, s.text, opts, dep)
	}
}
