// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/internal/iac"
	"github.com/mivet/mivet/report"
)

type checkFlags struct {
	out      output
	state    string
	against  []string
	deploy   deployFlags
	contract contractFlags
	record   recordFlags
	replay   string
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:     "check [PLAN|TEMPLATE]",
		Short:   "what a plan or a template does to principals, grants and workloads",
		GroupID: groupFirst,
		Example: "  terraform show -json plan.tfplan | mivet check -\n" +
			"  mivet check plan.json --against prod.mivet\n" +
			"  mivet check plan.json --state state.json\n" +
			"  mivet check main.bicep --against prod.mivet --resource-group shop\n" +
			"  az deployment group what-if -g shop -f main.bicep --no-pretty-print -o json | mivet check - --against prod.mivet\n" +
			"  mivet check plan.json --against prod.mivet --contract mivet.yaml --stage prod -o - -o report.md",
		Long: "Reads a plan (terraform show -json, or the file of terraform plan -out) as a change: which principals are recycled or end, which\n" +
			"grants strand, follow or cannot be applied, which workloads lose an access, for good or for a\n" +
			"time, which selectors will point at nothing, which grants are broad, and what leaves management.\n\n" +
			"--against lays the plan over the whole tenant: a snapshot, or any other input. Then grants and\n" +
			"workloads that the plan does not manage count too, access tests and all grants that change are\n" +
			"evaluated before, during and after, and those who can act through a broad grant are named.\n\n" +
			"An ARM template, a Bicep file, a Bicep snapshot or what-if output is a change too: what is there is\n" +
			"deployed again in place, and keeps its principal. --resource-group, --subscription and\n" +
			"--management-group say where it goes; --mode complete deletes what the group has beside it.\n\n" +
			"--state is the state before the plan (terraform show -json): with it a principal is seen that was\n" +
			"replaced outside of the plan.\n\n" +
			"--contract holds the plan against what was agreed on: its access tests before, during and after, its\n" +
			"ceilings and the rest afterwards; with --stage also that the stages before have passed with the same\n" +
			"contract, and how access differs from theirs.\n\n" +
			"The exit code is 1 if an access is lost or interrupted, a grant strands, ends with its resource or\n" +
			"cannot be applied, a selector breaks, a broad grant is made, or an access test fails; 4 if an access\n" +
			"test cannot be decided.",
		Args: a.args(0, 1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.check(ctx, &f, args) }),
	}
	f.out.byName = report.FormatOf
	f.out.register(cmd, formatText, formatJSON, formatMarkdown, "sarif", "junit")
	f.contract.register(cmd, "hold the plan against this contract")
	f.record.registerFolder(cmd)
	cmd.Flags().StringVar(&f.replay, "replay", "", "in place of a PLAN: check every plan in this folder, and tell how many would have been stopped")
	cmd.Flags().StringVar(&f.state, "state", "", "the state before the plan, in JSON")
	f.deploy.register(cmd)
	cmd.Flags().StringArrayVar(&f.against, "against", nil, "the tenant that the plan changes: a snapshot or another input; may be repeated")
	return cmd
}

func (a *app) check(ctx context.Context, f *checkFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	if (f.replay == "") == (len(args) == 0) {
		return exitUsage, usagef("either a PLAN or --replay is needed")
	}
	terms, err := a.agreedTerms(f)
	if err != nil {
		return exitFailed, err
	}
	if f.replay != "" {
		return a.replay(ctx, f, terms)
	}
	c, err := a.checkPlan(ctx, f, args[0], terms)
	if err != nil {
		return exitFailed, err
	}
	code, err := c.code()
	if err != nil {
		return exitFailed, err
	}
	return code, a.emitCheck(f, c)
}

// checkPlan works out what one plan does, under a contract if there is one.
func (a *app) checkPlan(ctx context.Context, f *checkFlags, file string, terms *terms) (*checked, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	tenant, err := a.tenantAgainst(ctx, f.against)
	if err != nil {
		return nil, err
	}
	plan, err := a.readChange(ctx, f, file, tenant)
	if err != nil {
		return nil, err
	}
	var state *mivet.Snapshot
	if f.state != "" {
		if state, err = readNamed(ctx, a, f.state, iac.ReadTerraform); err != nil {
			return nil, err
		}
	}
	if tenant != nil {
		plan = change.Over(plan, tenant, cat)
	}
	a.tellGaps(plan.After)
	c := &checked{World: change.NewWorld(plan, state, cat), plan: plan, file: file}
	c.tests = c.Tests()
	if err := c.findActors(a); err != nil {
		return nil, err
	}
	if terms != nil {
		return c, c.hold(a, f, terms)
	}
	return c, nil
}

// agreedTerms are those of the contract that the flags ask for; nil where none is asked for.
func (a *app) agreedTerms(f *checkFlags) (*terms, error) {
	if f.contract.file == "" && f.contract.stage == "" {
		return nil, nil //nolint:nilnil // a plan can be checked without a contract
	}
	return a.terms(&f.contract)
}

// emitCheck writes what a plan does. Forms that show findings are written as those of a scan.
func (a *app) emitCheck(f *checkFlags, c *checked) error {
	return a.emit(&f.out, func(w io.Writer, format string, colour bool) error {
		switch format {
		case formatText, formatJSON, formatMarkdown:
			return c.write(w, format, colour)
		}
		results, err := c.asResults(a)
		if err != nil {
			return err
		}
		return a.writeResults(w, format, report.TextOptions{}, func(h report.Handler) error {
			return report.Send(h, results, report.Options{Version: a.version(), Catalog: a.facts.catalog})
		})
	})
}

// readNamed reads a file, or standard input for "-".
func readNamed[T any](ctx context.Context, a *app, name string, read func(context.Context, string, io.Reader) (T, error)) (what T, err error) {
	if name == "-" {
		return read(ctx, "standard input", a.Stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return what, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return read(ctx, name, file)
}
