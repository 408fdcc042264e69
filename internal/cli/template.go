// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/internal/iac"
)

// templateFlags say what a template does not say itself.
type templateFlags struct {
	parameters []string
	deployTo   string
	cloud      string
	cache      string

	settled *armtemplate.Target // where it goes, if that was found out otherwise
}

func (f *templateFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.parameters, "parameters", nil,
		"of a template: a parameter file, or NAME=VALUE; may be repeated (default: NAME.parameters.json beside it)")
	cmd.Flags().StringVar(&f.deployTo, "deploy-to", "",
		"where a template is deployed: a resource group, or the ID of one, of a subscription or of a management group")
	cmd.Flags().StringVar(&f.cloud, "template-cloud", "",
		"of a template: the cloud that environment() describes, such as AzureUSGovernment or AzureChinaCloud (default: AzureCloud)")
	cmd.Flags().StringVar(&f.cache, "bicep-cache", "",
		"folder of restored Bicep modules (default: ~/.bicep, where it is there)")
}

// bicepCache is the folder of restored modules, "" if there is none.
func (f *templateFlags) bicepCache(a *app) string {
	if f.cache != "" {
		return f.cache
	}
	home := a.Env("HOME")
	if home == "" {
		return ""
	}
	folder := filepath.Join(home, ".bicep")
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return ""
	}
	return folder
}

// target reads --deploy-to and --template-cloud.
func (f *templateFlags) target() (armtemplate.Target, error) {
	if f.settled != nil {
		return *f.settled, nil
	}
	t, err := f.place()
	t.Cloud = f.cloud
	return t, err
}

func (f *templateFlags) place() (armtemplate.Target, error) {
	if f.deployTo == "" || !strings.Contains(f.deployTo, "/") {
		return armtemplate.Target{ResourceGroup: f.deployTo}, nil
	}
	id, err := arm.ParseID(f.deployTo)
	if err != nil {
		return armtemplate.Target{}, usagef("--deploy-to: %v", err)
	}
	switch id.Level() {
	case arm.LevelManagementGroup:
		return armtemplate.Target{ManagementGroup: id.Name()}, nil
	case arm.LevelSubscription, arm.LevelResourceGroup:
		return armtemplate.Target{Subscription: id.SubscriptionID(), ResourceGroup: id.ResourceGroup()}, nil
	default:
		return armtemplate.Target{}, usagef("--deploy-to: nothing is deployed to %s: name a resource group, a subscription or a management group", f.deployTo)
	}
}

// given reads --parameters; nil if there are none.
func (f *templateFlags) given() (map[string]armtemplate.Value, error) {
	var all map[string]armtemplate.Value
	for _, p := range f.parameters {
		name, text, pair := strings.Cut(p, "=")
		if _, err := os.Stat(strings.TrimPrefix(p, "@")); err == nil {
			pair = false
		}
		values := map[string]armtemplate.Value{}
		if pair {
			values[name] = argument(text)
		} else {
			var err error
			if values, err = readParameters(strings.TrimPrefix(p, "@")); err != nil {
				return nil, err
			}
		}
		if all == nil {
			all = map[string]armtemplate.Value{}
		}
		maps.Copy(all, values)
	}
	return all, nil
}

// argument is a value on the command line: JSON, or else a text.
func argument(text string) armtemplate.Value {
	values, err := armtemplate.ParseParameters("", fmt.Appendf(nil, `{"x": {"value": %s}}`, text))
	if err != nil {
		return armtemplate.String(text)
	}
	return values["x"]
}

func readParameters(file string) (map[string]armtemplate.Value, error) {
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return iac.ReadTemplateParameters(file, f)
}

// readTemplate reads a template with its parameters: those given, else those of the file
// that lies beside it.
func readTemplate(ctx context.Context, a *app, s *source) (*mivet.Snapshot, error) {
	opts, err := templateOptions(a, s)
	if err != nil {
		return nil, err
	}
	return iac.ReadTemplate(ctx, s.name, s.text, opts)
}

func templateOptions(a *app, s *source) (opts iac.TemplateOptions, err error) {
	opts.Load = linked(s)
	if opts.Target, err = s.template.target(); err != nil {
		return opts, err
	}
	if opts.Parameters, err = s.template.given(); err != nil {
		return opts, err
	}
	if beside := parametersBeside(s); opts.Parameters == nil && beside != "" {
		if opts.Parameters, err = readParameters(beside); err != nil {
			return opts, err
		}
		a.note("%s: read with the parameters of %s", s.name, beside)
	}
	return opts, nil
}

// parametersBeside returns the parameter file that belongs to a template by its name:
// main.parameters.json to main.json, as deployment tools have it.
func parametersBeside(s *source) string {
	if s.info == nil {
		return ""
	}
	base := strings.TrimSuffix(s.name, filepath.Ext(s.name))
	name := base + ".parameters.json"
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // it was only read
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && n == 0 || iac.Recognise(head[:n]) != iac.KindARMParameters {
		return ""
	}
	return name
}

const maxLinked = 16 << 20

// linked loads linked templates from the folder of a template, and from nowhere else.
func linked(s *source) func(string) ([]byte, error) {
	if s.info == nil {
		return nil
	}
	folder := filepath.Dir(s.name)
	return func(name string) ([]byte, error) {
		f, err := os.OpenInRoot(folder, filepath.FromSlash(path.Clean(name)))
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // it was only read
		return io.ReadAll(io.LimitReader(f, maxLinked))
	}
}

func readWhatIf(ctx context.Context, _ *app, s *source) (*mivet.Snapshot, error) {
	return iac.ReadWhatIf(ctx, s.name, s.text)
}

func readPredicted(ctx context.Context, _ *app, s *source) (*mivet.Snapshot, error) {
	return iac.ReadPredicted(ctx, s.name, s.text)
}
