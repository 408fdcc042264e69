// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/review"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/vet"
)

type reviewApplyFlags struct {
	in       inputFlags
	out      output
	contract contractFlags
	complete bool
}

func (a *app) reviewApplyCommand() *cobra.Command {
	var f reviewApplyFlags
	cmd := &cobra.Command{
		Use:   "apply DECISIONS [INPUT...]",
		Short: "the change that follows from the decisions of a review, for review itself",
		Example: "  mivet review apply review.csv prod.mivet\n" +
			"  mivet review apply review.csv prod.mivet --format terraform\n" +
			"  mivet review apply review.csv prod.mivet --format rollback\n" +
			"  mivet review apply review.csv prod.mivet --format contract >> mivet.yaml",
		Long: "DECISIONS is the CSV or the JSON of mivet review with decisions filled in; a short JSON file with\n" +
			"\"facts\" and \"decisions\" does as well. INPUT is what the pack was made of: decisions about other\n" +
			"facts are refused. What is wrong is told with line and column, and then nothing is written.\n\n" +
			"keep leaves a grant, with until it becomes an exception for the contract, where a finding is about\n" +
			"it; reduce puts a smaller assignment in its place, which is proved to give nothing new; remove takes\n" +
			"it away, and of an identity everything that it holds; ask is listed. Each change stands below who\n" +
			"decided it, when and why. Nothing is changed by mivet.\n\n" +
			"Exit code 1: the change would break an access test; 4 with --require-complete: rows are not decided.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.reviewApply(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON, review.FormAz, review.FormTerraform, review.FormBicep, review.FormRollback, review.FormContract)
	f.contract.register(cmd, "the contract that exceptions are for")
	cmd.Flags().BoolVar(&f.complete, "require-complete", false, "exit 4 if a row is not decided, or asked about")
	return cmd
}

func (a *app) reviewApply(ctx context.Context, f *reviewApplyFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	var sheet *review.Sheet
	err := a.withInput(args[0], func(in io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(in, review.MaxSheet+1))
		if err != nil {
			return err
		}
		sheet, err = review.ReadSheet(args[0], data)
		return err
	})
	if err != nil {
		return exitFailed, decisionError(err)
	}
	x, err := a.prepareReview(ctx, &f.in, &f.contract, args[1:])
	if err != nil {
		return exitFailed, err
	}
	plan, err := a.planReview(ctx, x, sheet)
	if err != nil {
		return exitFailed, decisionError(err)
	}
	err = a.emit(&f.out, func(w io.Writer, format string, colour bool) error {
		switch format {
		case formatJSON:
			return writeAnswer(w, "review-apply", planJSON(plan))
		case formatText:
			return planText(newPrinter(w, colour), plan)
		}
		text, err := plan.Text(format)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, cleanStyled(text))
		return err
	})
	switch {
	case err != nil:
		return exitFailed, err
	case len(plan.Broken) > 0:
		return exitFound, nil
	case f.complete && plan.Blank+len(plan.Asked) > 0:
		return exitUndecided, nil
	}
	return exitOK, nil
}

// decisionError adds what to do to faults of decisions.
func decisionError(err error) error {
	var faults review.SheetErrors
	if !errors.As(err, &faults) {
		return err
	}
	return errorWithHint(faults, "nothing was written; mend the file and apply it again")
}

// planReview holds decisions against the facts. Rules run where a decision is about a finding.
func (a *app) planReview(ctx context.Context, x *reviewing, sheet *review.Sheet) (*review.Plan, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	policy, err := a.config.policy()
	if err != nil {
		return nil, err
	}
	o := &review.ApplyOptions{
		Snapshot: x.snap, Catalog: cat, Bound: x.bound(), Now: a.Clock().UTC(), MaxDays: policy.MaxDays,
		Scope: func(word string) (arm.ID, error) { return x.scope(ctx, word, "") },
	}
	if o.MaxDays == 0 {
		o.MaxDays = vet.DefaultMaxDays
	}
	if o.Results, err = a.vetAgreed(x.read, rules.All(), nil, x.terms); err != nil {
		return nil, err
	}
	return review.Apply(sheet, o)
}

// reviewApplyJSON is the change that follows from decisions, for machines.
type reviewApplyJSON struct {
	SchemaVersion int    `json:"schemaVersion"`
	Facts         string `json:"facts"`
	// Changes are decisions with the edits that follow, Kept and Asked those without.
	Changes []review.Change `json:"changes"`
	Kept    []review.Change `json:"kept"`
	Asked   []review.Change `json:"asked"`
	// Exceptions are for the contract.
	Exceptions []review.Accepted `json:"exceptions"`
	// Blank is how many rows are not decided.
	Blank int `json:"blank"`
	// Broken are the access tests that hold before the change and not after.
	Broken []mivet.AccessTest `json:"broken"`
	// Rollback undoes the change; Lost is what it does not bring back.
	Rollback []mivet.Edit `json:"rollback"`
	Lost     []mivet.Edit `json:"lost"`
}

func planJSON(p *review.Plan) *reviewApplyJSON {
	back, lost := vet.Inverse(p.Edits())
	return &reviewApplyJSON{
		SchemaVersion: 1, Facts: p.Facts, Changes: list(p.Changes), Kept: list(p.Kept), Asked: list(p.Asked), Exceptions: list(p.Accepted), Blank: p.Blank,
		Broken: list(p.Broken), Rollback: list(back), Lost: list(lost),
	}
}

func planText(p *printer, k *review.Plan) error {
	p.printf("%s, %s kept, %s to ask, %s for the contract, %s not decided\n", bold(counted(len(k.Changes), "change")),
		counted(len(k.Kept), "row"), counted(len(k.Asked), "row"), counted(len(k.Accepted), "exception"), counted(k.Blank, "row"))
	for i := range k.Broken {
		t := &k.Broken[i]
		p.printf("  %s the access test at %s: %s at %s\n", red("breaks"), t.Source, t.Operation, t.Resource)
	}
	for i := range k.Changes {
		c := &k.Changes[i]
		p.printf("\n%s  %s: %s\n", verdictWord(c.Decision.Decision), bold(c.Named), c.What)
		p.printf("        %s on %s: %s\n", c.Reviewer, c.Date, c.Reason)
		for _, command := range vet.AzCommands(c.Edits) {
			p.printf("        %s\n", command)
		}
	}
	writeChanges(p, "To ask", k.Asked)
	if len(k.Accepted) > 0 {
		p.printf("\n%s\n", bold("Exceptions"))
		for _, e := range k.Accepted {
			p.printf("  %s until %s: %s\n      %s: %s\n", e.Rule, e.Expires.Format(time.DateOnly), e.About, e.Owner, e.Reason)
		}
	}
	for i := range k.Lost {
		p.printf("\n%s %s %s: made again it has another principal\n", yellow("cannot be undone:"), k.Lost[i].Kind, k.Lost[i].Resource)
	}
	p.printf("\n--format az, terraform and bicep write the change, --format rollback the way back, --format contract the\nexceptions. Nothing is changed by mivet.\n")
	return p.err
}

func verdictWord(v review.Verdict) painted {
	if v == review.VerdictRemove {
		return red(fmt.Sprintf("%-6s", v))
	}
	return yellow(fmt.Sprintf("%-6s", v))
}

func writeChanges(p *printer, title string, list []review.Change) {
	if len(list) == 0 {
		return
	}
	p.printf("\n%s\n", bold(title))
	for i := range list {
		c := &list[i]
		p.printf("  %s: %s\n      %s: %s\n", c.Named, c.What, c.Reviewer, c.Reason)
	}
}
