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
	out   output
	state string
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:     "check PLAN",
		Short:   "what a Terraform plan does to principals, grants and workloads",
		GroupID: groupFirst,
		Example: "  terraform show -json plan.tfplan | mivet check -\n" +
			"  mivet check plan.json --state state.json",
		Long: "Reads a plan (terraform show -json) as a change: which principals are recycled or end, which\n" +
			"grants strand, follow or cannot be applied, which workloads lose an access, for good or for a\n" +
			"time, which selectors will point at nothing, which grants are broad, and what leaves management.\n\n" +
			"--state is the state before the plan (terraform show -json): with it a principal is seen that was\n" +
			"replaced outside of the plan.\n\n" +
			"The exit code is 1 if an access is lost or interrupted, a grant strands or cannot be applied, a\n" +
			"selector breaks, or a broad grant is made.",
		Args: a.args(1, 1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.check(ctx, &f, args[0]) }),
	}
	f.out.register(cmd, formatText, formatJSON)
	cmd.Flags().StringVar(&f.state, "state", "", "the state before the plan, in JSON")
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
	a.tellGaps(plan.After)
	c := checked{Report: change.Compare(plan, state, cat), plan: plan, file: file}
	code := exitOK
	if c.found() {
		code = exitFound
	}
	return code, a.emit(&f.out, c.write)
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

// checked is what a plan does, for people and machines.
type checked struct {
	*change.Report
	plan *change.Plan
	file string
}

// found reports whether the plan does something that somebody has to look at.
func (c *checked) found() bool {
	for _, l := range [][]string{c.Stranded, c.Impossible, c.Gap, c.Lost, c.SelectorsBroken, c.Broad} {
		if len(l) > 0 {
			return true
		}
	}
	return false
}

// checkJSON is a report for machines.
type checkJSON struct {
	SchemaVersion int    `json:"schemaVersion"`
	Plan          string `json:"plan"`
	*change.Report
	Details []detailJSON `json:"details"`
	Gaps    []mivet.Gap  `json:"gaps"`
}

type detailJSON struct {
	Address string       `json:"address"`
	What    string       `json:"what"`
	Text    string       `json:"text"`
	Source  mivet.Source `json:"source,omitzero"`
}

// effects are the parts of a report in the order of their weight: how each is marked, what
// it leads to, and how it is put right.
var effects = []struct{ list, mark, title, leads, fix string }{
	{"lost", "!", "lost access", "requests of the workload are refused from then on", "bind the grant to the new principal by reference"},
	{
		"gap", "!", "interrupted access", "requests of the workload are refused until the successor is there",
		"give it a user-assigned identity that outlives it, or create before destroy for identity and grant alike",
	},
	{"stranded", "!", "stranded grant", "nobody holds it any more, and the new principal does not get it", "take principal_id from the identity, not a literal"},
	{
		"impossible", "!", "grant that cannot be applied", "Azure refuses it, and the apply stops there",
		"make the assignment anew with the principal (replace_triggered_by, or a name that hangs on it), or apply in two runs",
	},
	{"selectors_broken", "!", "selector without identity", "what is read with it (secrets, images, keys) is refused", "point it at an identity that the resource carries"},
	{"broad", "!", "broad grant", "whoever can act as the holder can change all of it", "give the role that the workload needs, at the resource"},
	{"recycled", "-/+", "recycled principal", "", ""},
	{"destroyed", "-", "principal that ends", "", ""},
	{"created", "+", "first principal", "", ""},
	{"rebound", "~", "grant that follows", "", ""},
	{"unmanaged", "?", "left to itself", "", ""},
}

func (c *checked) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		j := checkJSON{SchemaVersion: 1, Plan: c.file, Report: c.Report, Details: []detailJSON{}, Gaps: c.plan.After.Gaps}
		for _, d := range c.Details {
			j.Details = append(j.Details, detailJSON(d))
		}
		return writeAnswer(w, "check", j)
	}
	p := newPrinter(w, colour)
	p.printf("%s: %s\n", c.file, counted(len(c.plan.Steps), "object"))
	if c.Quiet {
		p.printf("\nNo principal, grant, identity, selector or management of these changes.\n")
		return p.err
	}
	shown := 0
	for _, e := range effects {
		first := true
		for _, d := range c.Details {
			if d.What != e.list {
				continue
			}
			if shown++; first {
				p.printf("\n")
			}
			p.printf("%-3s %s  %s\n", mark(e.mark), bold(e.title), d.Address)
			p.printf("    because   %s", d.Text)
			if d.Source.Line > 1 {
				p.printf(" [line %d]", d.Source.Line)
			}
			p.printf("\n")
			first = false
		}
		if !first && e.leads != "" {
			p.printf("    leads to  %s\n    fix       %s\n", e.leads, e.fix)
		}
	}
	if shown == 0 {
		p.printf("\nGrants, attachments or selectors change; nothing is lost, stranded or interrupted.\n")
	}
	return p.err
}

// mark paints the sign of a change.
func mark(s string) painted {
	switch s {
	case "!", "-", "-/+":
		return red(s)
	case "+":
		return green(s)
	default:
		return yellow(s)
	}
}
