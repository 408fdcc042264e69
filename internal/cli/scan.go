// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/report"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/vet"
)

type scanFlags struct {
	in        inputFlags
	out       output
	rules     []string
	baseline  string
	complete  bool
	undecided bool
	all       bool
	evidence  []string
}

func (a *app) scanCommand() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:     "scan INPUT...",
		Short:   "what is wrong, why it is believed, what it leads to, and how it is fixed",
		GroupID: groupFirst,
		Example: "  mivet scan plan.json                        a Terraform plan (terraform show -json)\n" +
			"  mivet scan main.json --deploy-to shop       an ARM template, for the resource group shop\n" +
			"  mivet scan prod.mivet infra/                several inputs, read together\n" +
			"  mivet scan --demo                           the tenant that is built in\n" +
			"  mivet scan prod.mivet -o - -o found.sarif    text to the terminal, SARIF to a file",
		Long: "INPUT is a snapshot, a tenant text, a Terraform plan or state in JSON, an ARM template, a Bicep file, what-if\n" +
			"output, a Bicep snapshot, AzureHound output, or a folder of any of these; it is recognised by content. What is not understood is listed. Where\n" +
			"several inputs tell of the same object, the later one counts.\n\n" +
			"The exit code is 1 if there is a finding. A rule that could not look at everything says so;\n" +
			"with --require-complete the exit code is 4 then, if nothing was found.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.scan(ctx, &f, args) }),
	}
	f.in.registerDemo(cmd)
	f.out.byName = report.FormatOf
	f.out.register(cmd, report.Formats()...)
	cmd.Flags().StringVar(&f.baseline, "baseline", "", "report only what this earlier result (JSON) does not have")
	cmd.Flags().StringArrayVar(&f.rules, "rule", nil, "run this rule alone; may be repeated")
	cmd.Flags().StringArrayVar(&f.evidence, "evidence", nil, "hold records of attest, reports of whoami and logs of Azure against the workloads; may be repeated")
	cmd.Flags().BoolVar(&f.undecided, "undecided", false, "list everything that could not be decided (JSON always does)")
	cmd.Flags().BoolVar(&f.all, "all", false, "list every finding as text, not the 200 that matter most (other forms always do)")
	cmd.Flags().BoolVar(&f.complete, "require-complete", false, "exit 4 if something could not be decided and nothing was found")
	return cmd
}

func (a *app) scan(ctx context.Context, f *scanFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	chosen, err := chooseRules(f.rules)
	if err != nil {
		return exitUsage, err
	}
	for _, name := range f.evidence {
		file, err := a.readEvidence(ctx, name)
		if err != nil {
			return exitFailed, err
		}
		a.evidence = append(a.evidence, file)
	}
	work := a.newProgress()
	work.say(strings.TrimSpace("reading " + strings.Join(args, ", ")))
	r, err := a.read(ctx, &f.in, args)
	work.clear()
	if err != nil {
		return exitFailed, err
	}
	a.tellGaps(r.snap)
	baseline, err := a.readBaseline(f.baseline)
	if err != nil {
		return exitFailed, err
	}
	work.say(fmt.Sprintf("checking %s with %s", counted(len(r.snap.Resources), "resource"), counted(len(chosen), "rule")))
	results, err := a.vet(r, chosen, baseline)
	work.clear()
	if err != nil {
		return exitFailed, err
	}
	err = a.emit(&f.out, func(w io.Writer, format string, colour bool) error {
		look := report.TextOptions{Color: colour, Width: width(w), Undecided: f.undecided, Findings: shown(f.all)}
		return a.writeResults(w, format, look, func(h report.Handler) error {
			return report.Send(h, results, report.Options{Version: a.version(), Catalog: a.facts.catalog})
		})
	})
	if err != nil {
		return exitFailed, err
	}
	return scanVerdict(results, f.complete)
}

// vet runs rules over what was read, with the words of the organisation.
func (a *app) vet(r *reading, chosen []*vet.Rule, baseline *vet.Baseline) (*vet.Results, error) {
	return a.vetAgreed(r, chosen, baseline, &terms{})
}

// vetAgreed is vet under a contract.
func (a *app) vetAgreed(r *reading, chosen []*vet.Rule, baseline *vet.Baseline, agreed *terms) (*vet.Results, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	settings, err := a.vetSettings()
	if err != nil {
		return nil, err
	}
	policy, err := a.config.policy()
	if err != nil {
		return nil, err
	}
	return vet.Run(r.snap, chosen, vet.Options{
		Catalog: cat, Now: a.Clock().UTC(), Settings: settings, Policy: policy,
		Suppressions: slices.Concat(a.config.suppressions, r.ignores), Baseline: baseline,
		Contract: agreed.contract, Captured: agreed.captured,
	})
}

// scanVerdict turns results into an exit code. A rule that could not run is no result.
func scanVerdict(results *vet.Results, complete bool) (int, error) {
	for i := range results.Rules {
		if err := results.Rules[i].Err; err != nil {
			return exitFailed, err
		}
	}
	switch {
	case results.Failing() > 0:
		return exitFound, nil
	case complete && len(results.Undecided()) > 0:
		return exitUndecided, nil
	}
	return exitOK, nil
}

// writeResults writes results in one form. Text is cleaned as everything that comes out
// of an input is; the other forms have their own ways to quote.
func (a *app) writeResults(w io.Writer, format string, look report.TextOptions, send func(report.Handler) error) error {
	var text strings.Builder
	to := w
	if format == formatText {
		to = &text
	}
	h, err := report.New(format, to, look)
	if err != nil {
		return err
	}
	if err := send(h); err != nil {
		return err
	}
	_, err = io.WriteString(w, cleanStyled(text.String()))
	return err
}

// shown is how many findings a text lists: all, or as many as it does by itself.
func shown(all bool) int {
	if all {
		return -1
	}
	return 0
}

// width is how wide a terminal is, 0 for what is no terminal.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(f) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return min(max(columns, 60), 120)
}

// chooseRules finds rules by their IDs; without any it is all of them.
func chooseRules(ids []string) ([]*vet.Rule, error) {
	all := rules.All()
	if len(ids) == 0 {
		return all, nil
	}
	var chosen []*vet.Rule
	for _, id := range ids {
		r := vet.Lookup(all, id)
		if r == nil {
			return nil, noRule(all, id)
		}
		chosen = append(chosen, r)
	}
	return chosen, nil
}

func noRule(all []*vet.Rule, id string) error {
	var ids []string
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	err := usagef("there is no rule %q", id)
	if meant := near(id, ids, 1); len(meant) > 0 {
		return errorWithHint(err, fmt.Sprintf("did you mean %s?", meant[0]))
	}
	return errorWithHint(err, "the rules are "+strings.Join(ids, ", "))
}

// tellGaps lists what of the inputs was not understood.
func (a *app) tellGaps(s *mivet.Snapshot) {
	var lines []string
	for i := range s.Gaps {
		if g := &s.Gaps[i]; g.Facts == mivet.FactInput {
			lines = append(lines, gapLine(g))
		}
	}
	for i, l := range lines {
		if i == maxListed && !a.verbose {
			a.note("%s more were not understood; --verbose lists them", counted(len(lines)-i, "thing"))
			return
		}
		a.note("not understood: %s", l)
	}
}

func gapLine(g *mivet.Gap) string {
	line := g.Reason
	if g.Subject != "" {
		line = g.Subject + ": " + line
	}
	if !g.Source.IsZero() {
		line += " (" + g.Source.String() + ")"
	}
	return line
}
