// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/internal/iac"
	"github.com/mivet/mivet/snapshot"
	"github.com/mivet/mivet/tenant"
)

// headSize is how many of a file's first bytes are looked at to recognise it.
const headSize = 64 << 10

// source is one file or stream.
type source struct {
	name string
	head []byte
	text io.Reader
	// at and size are set for what can be read at any place.
	at   io.ReaderAt
	size int64
	info os.FileInfo
	need *need // what is read of a snapshot; nil: all

	template *templateFlags
}

// inputFormat is a sort of file that was recognised.
type inputFormat struct {
	what string // with its article: "a snapshot"
	// read is nil for files that are recognised and cannot be read; advice says what to
	// give instead, if there is something.
	read   func(ctx context.Context, a *app, s *source) (*mivet.Snapshot, error)
	advice string
	// comments is true for texts whose comments may accept findings.
	comments bool
	// parts is true where the need is heeded.
	parts bool
	// bicep is true for files that are read with those that they refer to.
	bicep bool
	// source is true for Terraform source, of which a folder is one module; plan for plans
	// and states, beside which it is not read.
	source, plan bool
	// template is true for ARM templates.
	template bool
}

// why says why a file of the format was left out.
func (f *inputFormat) why() string {
	if f.advice == "" {
		return "which cannot be read yet"
	}
	return "which cannot be read; " + f.advice
}

// formatOf recognises a file by its content, or returns nil.
func formatOf(s *source) *inputFormat {
	switch {
	case snapshot.Is(s.head):
		return &inputFormat{what: "a snapshot", read: readSnapshot, parts: true}
	case beginsAsTenant(s.head):
		return &inputFormat{what: "a tenant text", read: readTenantText, comments: true}
	}
	kind := iac.Recognise(s.head)
	if isBicepName(s.name) && len(bytes.TrimSpace(s.head)) > 0 {
		kind = iac.KindBicep
	}
	switch kind {
	case iac.KindUnknown:
	case iac.KindTerraformPlan, iac.KindTerraformState, iac.KindTerraformRawState:
		return &inputFormat{what: kind.String(), read: readTerraform, plan: true}
	case iac.KindTerraformBinaryPlan:
		return &inputFormat{what: kind.String(), read: readBinaryPlan, plan: true}
	case iac.KindAzureHound:
		return &inputFormat{what: kind.String(), read: readAzureHound}
	case iac.KindARMTemplate:
		return &inputFormat{what: kind.String(), read: readTemplate, template: true}
	case iac.KindWhatIf:
		return &inputFormat{what: kind.String(), read: readWhatIf}
	case iac.KindBicepSnapshot:
		return &inputFormat{what: kind.String(), read: readPredicted}
	case iac.KindBicep:
		return &inputFormat{what: kind.String(), comments: true, bicep: true}
	case iac.KindTerraformSource:
		return &inputFormat{what: kind.String(), comments: true, source: true}
	default:
		return &inputFormat{what: kind.String(), advice: kind.Advice()}
	}
	if tenant.Is(s.head) {
		return &inputFormat{what: "a tenant text", read: readTenantText, comments: true}
	}
	return nil
}

// beginsAsTenant reports whether a text says on its first line that it is a tenant. A
// tenant text need not; one that does not may look like a source of Terraform.
func beginsAsTenant(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return bytes.HasPrefix(line, []byte("tenant ")) && tenant.Is(head)
		}
	}
	return false
}

// readable names what can be read, for messages.
const readable = "mivet reads snapshots, tenant texts, Terraform plans and states in JSON, Terraform source, ARM templates, Bicep files, what-if output, Bicep snapshots, AzureHound output, and folders of these"

// readTerraform reads a state, or a plan with what it does to access.
func readTerraform(ctx context.Context, a *app, s *source) (*mivet.Snapshot, error) {
	if iac.Recognise(s.head) != iac.KindTerraformPlan {
		return iac.ReadTerraform(ctx, s.name, s.text)
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	plan, err := iac.ReadPlan(ctx, s.name, s.text)
	if err != nil {
		return nil, err
	}
	change.Compare(plan, nil, cat).Mark(plan.After)
	tellLock(s, plan.After)
	return plan.After, nil
}

// readBinaryPlan reads a plan file, with what it does to access.
func readBinaryPlan(ctx context.Context, a *app, s *source) (*mivet.Snapshot, error) {
	if s.at == nil {
		return nil, errorWithHint(fmt.Errorf("reading %s: a binary plan is read from a file, not from a stream", s.name), "name the file that terraform plan -out wrote")
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	plan, err := iac.ReadBinaryPlan(ctx, s.name, s.at, s.size)
	if err != nil {
		return nil, err
	}
	change.Compare(plan, nil, cat).Mark(plan.After)
	return plan.After, nil
}

func readAzureHound(ctx context.Context, _ *app, s *source) (*mivet.Snapshot, error) {
	return iac.ReadAzureHound(ctx, s.name, s.text)
}

// readSnapshot reads a snapshot. It needs to be read at any place, so a stream is first
// copied to a file that nobody else sees.
func readSnapshot(_ context.Context, _ *app, s *source) (snap *mivet.Snapshot, err error) {
	if s.at == nil {
		spool, err := os.CreateTemp("", "mivet-*")
		if err != nil {
			return nil, fmt.Errorf("copying %s: %w", s.name, err)
		}
		defer os.Remove(spool.Name()) //nolint:errcheck // a copy of nothing that is lost
		defer spool.Close()           //nolint:errcheck // it was only read since
		if s.size, err = io.Copy(spool, s.text); err != nil {
			return nil, fmt.Errorf("copying %s: %w", s.name, err)
		}
		s.at = spool
	}
	snap, err = snapshot.Read(s.at, s.size, s.need.options())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.name, err)
	}
	return snap, nil
}

// readTenantText reads a text, with the built-in roles at hand.
func readTenantText(_ context.Context, a *app, s *source) (*mivet.Snapshot, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range cat.Roles() {
		names = append(names, r.Name)
	}
	role := func(name string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}
	snap, err := tenant.Parse(s.name, s.text, tenant.Options{Role: role, RoleNames: names})
	if err != nil {
		return nil, err
	}
	a.tellOddities(snap)
	return snap, nil
}
