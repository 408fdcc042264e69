// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/execpath"
)

// checked is what a plan does, for people and machines.
type checked struct {
	*change.World
	plan   *change.Plan
	file   string
	tests  []change.TestOutcome
	actors []broadActors
	agreed *held // nil without a contract
}

// broadActors are those who could act through a broad grant.
type broadActors struct {
	Address  string              `json:"address"`
	Holder   mivet.PrincipalID   `json:"holder"`
	Surely   []mivet.PrincipalID `json:"surely"`
	Possibly []mivet.PrincipalID `json:"possibly"`
	names    map[mivet.PrincipalID]string
}

// code is the exit code: something that somebody has to look at, or cannot be decided.
func (c *checked) code() (int, error) {
	undecided := false
	if c.agreed != nil {
		failing, open, err := c.agreed.failing()
		if failing || err != nil {
			return exitFound, err
		}
		undecided = open
	}
	for _, t := range c.tests {
		if t.Verdict == change.Failed {
			return exitFound, nil
		}
		undecided = undecided || t.Verdict == change.Undecided
	}
	for _, l := range [][]string{c.Stranded, c.Impossible, c.Gap, c.Lost, c.SelectorsBroken, c.Broad, c.Swept} {
		if len(l) > 0 {
			return exitFound, nil
		}
	}
	if undecided {
		return exitUndecided, nil
	}
	return exitOK, nil
}

// findActors finds who could act through the broad grants, where the tenant is known.
func (c *checked) findActors(a *app) error {
	if c.plan.Tenant == nil || len(c.Broad) == 0 {
		return nil
	}
	table, err := execpath.Builtin()
	if err != nil {
		return err
	}
	cat, err := a.catalog()
	if err != nil {
		return err
	}
	after, engine := c.After()
	g := execpath.New(after, engine, execpath.Options{Catalog: cat, Table: table, At: after.TakenAt})
	p := paths{&questions{app: a, at: after.TakenAt, resolver: newResolver(after), engine: engine}, g}
	for i := range after.RoleAssignments {
		ra := &after.RoleAssignments[i]
		if ra.Source.Origin == nil || !slices.Contains(c.Broad, ra.Source.Origin.Address) {
			continue
		}
		found := g.ActorsOf(ra.Principal)
		b := broadActors{Address: ra.Source.Origin.Address, Holder: ra.Principal, Surely: listed(found.Reaching), Possibly: listed(found.Possibly), names: map[mivet.PrincipalID]string{}}
		for _, id := range slices.Concat([]mivet.PrincipalID{ra.Principal}, b.Surely, b.Possibly) {
			name, kind := p.names(id)
			b.names[id] = name + " (" + kind + ")"
		}
		c.actors = append(c.actors, b)
	}
	return nil
}

func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// checkJSON is a report for machines.
type checkJSON struct {
	SchemaVersion int      `json:"schemaVersion"`
	Plan          string   `json:"plan"`
	Against       []string `json:"against"`
	*change.Report
	Gained      []string             `json:"gained"`
	Swept       []string             `json:"swept"`
	Grants      []change.GrantEffect `json:"grants"`
	Tests       []change.TestOutcome `json:"tests"`
	BroadActors []broadActors        `json:"broadActors"`
	Procedures  []change.Procedure   `json:"procedures"`
	Details     []detailJSON         `json:"details"`
	Gaps        []mivet.Gap          `json:"gaps"`
	// Contract is what the contract says of the plan; absent without one.
	Contract *agreedJSON `json:"contract,omitzero"`
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
	{
		"swept", "!", "grant of others that ends with its resource", "whoever holds it is refused from then on",
		"keep the resource, or make the assignments on it again after the apply",
	},
	{"recycled", "-/+", "recycled principal", "", ""},
	{"destroyed", "-", "principal that ends", "", ""},
	{"created", "+", "first principal", "", ""},
	{"rebound", "~", "grant that follows", "", ""},
	{"gained", "+", "gained access", "", ""},
	{"unmanaged", "?", "left to itself", "", ""},
}

func (c *checked) write(w io.Writer, format string, colour bool) error {
	switch format {
	case formatJSON:
		return c.writeJSON(w)
	case formatMarkdown:
		return c.writeMarkdown(w)
	}
	p := newPrinter(w, colour)
	p.printf("%s: %s", c.file, counted(len(c.plan.Steps), "object"))
	if c.plan.Tenant != nil {
		p.printf(", over %s", strings.Join(c.plan.Tenant.Inputs, ", "))
	}
	p.printf("\n")
	c.printTests(p)
	if c.agreed != nil {
		c.agreed.printTo(p)
	}
	if c.Quiet {
		p.printf("\nNo principal, grant, identity, selector or management of these changes.\n")
		return p.err
	}
	if c.printEffects(p) == 0 {
		p.printf("\nGrants, attachments or selectors change; nothing is lost, stranded or interrupted.\n")
	}
	c.printActors(p)
	if c.plan.Tenant != nil {
		c.printGrants(p)
	}
	for _, x := range c.Procedures() {
		p.printf("\n%s  %s\n", bold("without a gap: "+x.Title), x.Address)
		for i, s := range x.Steps {
			p.printf("    %d. %s\n", i+1, s)
		}
	}
	return p.err
}

func (c *checked) writeJSON(w io.Writer) error {
	j := checkJSON{
		SchemaVersion: 1, Plan: c.file, Report: c.Report, Gained: c.Gained, Swept: c.Swept, Grants: listed(c.Grants()),
		Tests: listed(c.tests), BroadActors: listed(c.actors), Procedures: listed(c.Procedures()), Details: []detailJSON{}, Gaps: c.plan.After.Gaps, Against: []string{},
	}
	if c.plan.Tenant != nil {
		j.Against = c.plan.Tenant.Inputs
	}
	for _, d := range c.Details {
		j.Details = append(j.Details, detailJSON(d))
	}
	if c.agreed != nil {
		j.Contract = c.agreed.json()
	}
	return writeAnswer(w, "check", j)
}

// printEffects prints what the plan does, the gravest first, and returns how much that was.
func (c *checked) printEffects(p *printer) (shown int) {
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
			switch {
			case d.Source.Origin != nil && d.Source.Origin.File != c.file && d.Source.Origin.File != "" && d.Source.Line > 0 && c.file != "-":
				p.printf(" [%s:%d]", d.Source.Origin.File, d.Source.Line)
			case d.Source.Line > 1:
				p.printf(" [line %d]", d.Source.Line)
			}
			p.printf("\n")
			first = false
		}
		if !first && e.leads != "" {
			p.printf("    leads to  %s\n    fix       %s\n", e.leads, e.fix)
		}
	}
	return shown
}

// printTests prints the access tests, those that pass in one line.
func (c *checked) printTests(p *printer) {
	n := 0
	for _, t := range c.tests {
		if t.Verdict == change.Passed {
			n++
			continue
		}
		sign := mark("!")
		if t.Verdict == change.Undecided {
			sign = mark("?")
		}
		want := "denied"
		if t.Test.Allowed {
			want = "allowed"
		}
		p.printf("\n%-3s %s  %s %s at %s\n", sign, bold("access test "+string(t.Verdict)), string(t.Test.Principal), t.Test.Operation, t.Test.Resource)
		p.printf("    because   it is %s before, %s during and %s after; it must be %s [%s]\n", t.Before, t.During, t.After, want, t.Test.Source)
		for _, m := range t.Missing {
			p.printf("    not known %s\n", m.What)
		}
	}
	if len(c.tests) > 0 {
		p.printf("\n%d of %s pass\n", n, counted(len(c.tests), "access test"))
	}
}

func (c *checked) printActors(p *printer) {
	for _, b := range c.actors {
		p.printf("\n%s  %s, held by %s\n", bold("who could act through it"), b.Address, b.names[b.Holder])
		for _, l := range []struct {
			word string
			ids  []mivet.PrincipalID
		}{{"surely", b.Surely}, {"possibly", b.Possibly}} {
			for i, id := range l.ids {
				if i == maxNames {
					p.printf("    %-9s and %d more\n", l.word, len(l.ids)-i)
					break
				}
				p.printf("    %-9s %s\n", l.word, b.names[id])
			}
		}
		if len(b.Surely)+len(b.Possibly) == 0 {
			p.printf("    nobody else\n")
		}
	}
}

// printGrants prints what becomes of each grant, and who presents its identity.
func (c *checked) printGrants(p *printer) {
	for i, g := range c.Grants() {
		if i == 0 {
			p.printf("\n%s\n", bold("grants: before, during, after"))
		}
		p.printf("    %-8s %-8s %-8s  %s: %s", string(g.Before), string(g.During), string(g.After), g.Address, g.What)
		if !g.Scope.IsZero() {
			p.printf(" at %s", g.Scope)
		}
		p.printf("\n")
		for _, x := range g.Presenters {
			name := x.Trust
			if name == "" {
				name = x.Resource.String()
			}
			if x.Address == "" {
				name += " (outside of the plan)"
			}
			p.printf("    %28s presented by %s%s\n", "", name, presentedWhen(x))
		}
	}
}

// presentedWhen says on which side something presents an identity, if not on both.
func presentedWhen(x change.Presenter) string {
	switch {
	case !x.After:
		return ", before"
	case !x.Before:
		return ", after"
	default:
		return ""
	}
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
