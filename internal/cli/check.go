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
)

type checkFlags struct {
	out     output
	state   string
	against []string
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:     "check PLAN",
		Short:   "what a Terraform plan does to principals, grants and workloads",
		GroupID: groupFirst,
		Example: "  terraform show -json plan.tfplan | mivet check -\n" +
			"  mivet check plan.json --against prod.mivet\n" +
			"  mivet check plan.json --state state.json",
		Long: "Reads a plan (terraform show -json) as a change: which principals are recycled or end, which\n" +
			"grants strand, follow or cannot be applied, which workloads lose an access, for good or for a\n" +
			"time, which selectors will point at nothing, which grants are broad, and what leaves management.\n\n" +
			"--against lays the plan over the whole tenant: a snapshot, or any other input. Then grants and\n" +
			"workloads that the plan does not manage count too, access tests and all grants that change are\n" +
			"evaluated before, during and after, and those who can act through a broad grant are named.\n\n" +
			"--state is the state before the plan (terraform show -json): with it a principal is seen that was\n" +
			"replaced outside of the plan.\n\n" +
			"The exit code is 1 if an access is lost or interrupted, a grant strands, ends with its resource or\n" +
			"cannot be applied, a selector breaks, a broad grant is made, or an access test fails; 4 if an access\n" +
			"test cannot be decided.",
		Args: a.args(1, 1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.check(ctx, &f, args[0]) }),
	}
	f.out.register(cmd, formatText, formatJSON)
	cmd.Flags().StringVar(&f.state, "state", "", "the state before the plan, in JSON")
	cmd.Flags().StringArrayVar(&f.against, "against", nil, "the tenant that the plan changes: a snapshot or another input; may be repeated")
	return cmd
}

func (a *app) check(ctx context.Context, f *checkFlags, file string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	cat, err := a.catalog()
	if err != nil {
		return exitFailed, err
	}
	plan, err := readNamed(ctx, a, file, iac.ReadPlan)
	if err != nil {
		return exitFailed, err
	}
	var state *mivet.Snapshot
	if f.state != "" {
		if state, err = readNamed(ctx, a, f.state, iac.ReadTerraform); err != nil {
			return exitFailed, err
		}
	}
	if plan, err = a.layOver(ctx, plan, f.against); err != nil {
		return exitFailed, err
	}
	a.tellGaps(plan.After)
	c := checked{World: change.NewWorld(plan, state, cat), plan: plan, file: file}
	c.tests = c.Tests()
	if err := c.findActors(a); err != nil {
		return exitFailed, err
	}
	return c.code(), a.emit(&f.out, c.write)
}

// layOver lays a plan over the tenant that was named, if one was.
func (a *app) layOver(ctx context.Context, plan *change.Plan, against []string) (*change.Plan, error) {
	if len(against) == 0 {
		return plan, nil
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	r, err := a.read(ctx, &inputFlags{}, against)
	if err != nil {
		return nil, err
	}
	return change.Over(plan, r.snap, cat), nil
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
