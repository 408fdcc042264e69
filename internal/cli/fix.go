// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/iac"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

// The forms of a fix.
const (
	fixAz        = "az"
	fixTerraform = "terraform"
	fixBicep     = "bicep"
	fixPatch     = "patch"
)

type fixFlags struct {
	in  inputFlags
	out output
}

func (a *app) fixCommand() *cobra.Command {
	var f fixFlags
	cmd := &cobra.Command{
		Use:     "fix FINDING INPUT...",
		Short:   "the fix of one finding as commands, Terraform, Bicep, or a patch of your file, checked again",
		GroupID: groupFirst,
		Example: "  mivet fix 4e9019fb262d prod.mivet                       as commands of az\n" +
			"  mivet fix 4e9019fb262d plan.json --format terraform\n" +
			"  mivet fix 4e9019fb262d plan.json infra/ --format patch | git apply",
		Long: "FINDING is the number that scan prints behind a finding, or its first digits; INPUT is what scan\n" +
			"read. The fix is made on a copy of what was read first: the finding must be gone and no access\n" +
			"test may break, or nothing is printed and the exit code is 1. Nothing is changed by mivet itself.\n\n" +
			"A patch is for the tenant text that the finding points into, which is read and checked again, or\n" +
			"for a Terraform source among the inputs: plan again before you use that one.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.fix(ctx, &f, args[0], args[1:]) }),
	}
	f.in.registerDemo(cmd)
	f.out.register(cmd, fixAz, fixTerraform, fixBicep, fixPatch)
	return cmd
}

// fixing is a finding with what is needed to check its fix.
type fixing struct {
	app     *app
	read    *reading
	finding *mivet.Finding
	rule    *vet.Rule
}

func (a *app) fix(ctx context.Context, f *fixFlags, digits string, inputs []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	r, err := a.read(ctx, &f.in, inputs)
	if err != nil {
		return exitFailed, err
	}
	results, err := a.vet(r, rules.All(), nil)
	if err != nil {
		return exitFailed, err
	}
	x := &fixing{app: a, read: r}
	if x.finding, err = findingOf(results, digits); err != nil {
		return exitUsage, err
	}
	x.rule = vet.Lookup(rules.All(), x.finding.Rule)
	if err := x.check(r); err != nil {
		return exitFound, err
	}
	targets, err := f.out.targets()
	if err != nil {
		return exitUsage, err
	}
	texts := map[string]string{}
	for _, t := range targets {
		if texts[t.format], err = x.text(ctx, &f.in, inputs, t.format); err != nil {
			return exitFailed, err
		}
	}
	return exitOK, a.emit(&f.out, func(w io.Writer, format string, _ bool) error {
		_, err := io.WriteString(w, cleanStyled(texts[format]))
		return err
	})
}

// leastDigits is how many digits of a finding's number must be given.
const leastDigits = 6

// findingOf finds a finding by the first digits of its number, accepted ones too.
func findingOf(results *vet.Results, digits string) (*mivet.Finding, error) {
	var all, meant []*mivet.Finding
	for i := range results.Rules {
		r := &results.Rules[i]
		for j := range r.Findings {
			all = append(all, &r.Findings[j])
		}
		for j := range r.Suppressed {
			all = append(all, &r.Suppressed[j].Finding)
		}
	}
	for _, f := range all {
		if len(digits) >= leastDigits && strings.HasPrefix(f.Fingerprint, strings.ToLower(digits)) {
			meant = append(meant, f)
		}
	}
	switch {
	case len(meant) == 1:
		return meant[0], nil
	case len(meant) > 1:
		return nil, errorWithHint(usagef("%d findings begin with %q", len(meant), digits), "give more digits")
	case len(digits) < leastDigits:
		return nil, usagef("%q is no number of a finding: give its first %d digits at least", digits, leastDigits)
	}
	return nil, errorWithHint(usagef("none of %s has the number %q", counted(len(all), "finding"), digits),
		"mivet scan with the same inputs prints the numbers of all")
}

// errNotFixed says that a fix does not do what it should.
var errNotFixed = errors.New("the fix was checked and does not hold, so it is not shown")

// check makes the fix on a copy of the facts, and looks again.
func (x *fixing) check(r *reading) error {
	if len(x.finding.Fix.Edits) == 0 {
		return nil // a person has to decide first
	}
	after, err := vet.Apply(r.snap, x.finding.Fix.Edits)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotFixed, err)
	}
	return x.look(&reading{snap: after, ignores: r.ignores})
}

// look reports whether the finding is gone, and every access test passes that did.
func (x *fixing) look(after *reading) error {
	left := *after
	left.ignores = vet.ApplySuppressions(after.ignores, x.finding.Fix.Edits)
	results, err := x.app.vet(&left, []*vet.Rule{x.rule}, nil)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(results.Rules[0].Findings, func(f mivet.Finding) bool { return f.Fingerprint == x.finding.Fingerprint }) {
		return fmt.Errorf("%w: it is found after it as well", errNotFixed)
	}
	cat, err := x.app.catalog()
	if err != nil {
		return err
	}
	if broken := vet.BrokenTests(x.read.snap, left.snap, cat); len(broken) > 0 {
		return fmt.Errorf("%w: it breaks %s, the first at %s", errNotFixed, counted(len(broken), "access test"), broken[0].Source)
	}
	return nil
}

// text writes the fix in one form.
func (x *fixing) text(ctx context.Context, in *inputFlags, inputs []string, format string) (string, error) {
	edits := x.finding.Fix.Edits
	if len(edits) == 0 && format != fixAz {
		return "", errorWithHint(errors.New("a person has to decide something before anything can be written: "+x.finding.Fix.Summary),
			"without --format the command that shows what has to be decided is printed")
	}
	switch format {
	case fixTerraform:
		return x.head("# ") + vet.Terraform(edits), nil
	case fixBicep:
		return x.head("// ") + vet.Bicep(edits), nil
	case fixPatch:
		return x.patch(ctx, in, inputs)
	}
	return x.head("# ") + x.finding.Fix.Command + "\n", nil
}

// head says above the fix, as comments, what it is for.
func (x *fixing) head(mark string) string {
	f := x.finding
	var b strings.Builder
	line := func(label, text string) {
		if text != "" {
			b.WriteString(mark + label + strings.ReplaceAll(text, "\n", " ") + "\n")
		}
	}
	line("", f.Rule+": "+f.Message)
	line("fix: ", f.Fix.Summary)
	line("check before: ", f.Fix.Check)
	if len(f.Fix.Edits) > 0 {
		line("", "made on a copy of the input, the finding is gone"+x.tests())
	}
	return b.String()
}

func (x *fixing) tests() string {
	if n := len(x.read.snap.AccessTests); n > 0 {
		return " and none of " + counted(n, "access test") + " breaks"
	}
	return ""
}

// patch writes the change of the file that declares what is wrong.
func (x *fixing) patch(ctx context.Context, in *inputFlags, inputs []string) (string, error) {
	for _, n := range x.read.notes {
		text, err := os.ReadFile(filepath.Clean(n.file))
		if err != nil {
			continue // a stream, or the demo: neither is a file of the user
		}
		after, err := x.patched(n, text)
		switch {
		case errors.Is(err, vet.ErrNoPatch):
			continue
		case err != nil:
			return "", err
		case !bytes.Equal(text, after):
			return vet.Diff(filepath.ToSlash(n.file), text, after), x.checkFile(ctx, in, inputs, n.file, after)
		}
	}
	return "", errorWithHint(errors.New("no file among the inputs declares all that the fix changes"),
		"a patch is made of tenant texts, and of Terraform sources named beside their plan", "the other forms are az, terraform and bicep")
}

func (x *fixing) patched(n inputNote, text []byte) ([]byte, error) {
	switch {
	case n.kind == iac.KindTerraformSource.String():
		return vet.PatchTerraform(x.read.snap, text, x.finding.Fix.Edits)
	case n.why == "" && tenant.Is(text):
		return vet.PatchTenant(x.read.snap, n.file, text, x.finding.Fix.Edits)
	}
	return nil, vet.ErrNoPatch
}

// checkFile reads the inputs once more with the new text of a file, and looks again. What a
// Terraform source comes to is known only after the next plan.
func (x *fixing) checkFile(ctx context.Context, in *inputFlags, inputs []string, file string, text []byte) error {
	mute := *x.app
	mute.quiet, mute.Stderr = true, io.Discard
	r, err := mute.readWith(ctx, in, inputs, file, text)
	if err != nil {
		return fmt.Errorf("%w: reading %s after it: %w", errNotFixed, file, err)
	}
	if slices.ContainsFunc(r.notes, func(n inputNote) bool { return n.file == file && n.why != "" }) {
		x.app.note("%s is read by Terraform alone: plan again, and scan the plan", file)
		return nil
	}
	return x.look(r)
}
