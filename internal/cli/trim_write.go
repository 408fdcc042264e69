// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/minimize"
	"github.com/mivet/mivet/vet"
)

// trimJSON is a proposal for machines.
type trimJSON struct {
	SchemaVersion int           `json:"schemaVersion"`
	Principal     principalJSON `json:"principal"`
	// Needs are the rights that stay; Kept are those of them that grants give which are not
	// replaced.
	Needs []minimize.Need `json:"needs"`
	Kept  []minimize.Need `json:"kept"`
	// NotHeld are needs that the identity does not hold today, Undecided those of which it
	// is not known. Nothing is proposed for either.
	NotHeld   []minimize.Need `json:"notHeld"`
	Undecided []minimize.Need `json:"undecided"`
	Before    weighed         `json:"before"`
	After     weighed         `json:"after"`
	// Proven is true where no cheaper proposal exists; Bound is what any costs at least.
	Proven       bool              `json:"proven"`
	Bound        int64             `json:"bound"`
	Grants       []trimGrantJSON   `json:"grants"`
	Alternatives []alternativeJSON `json:"alternatives"`
	// Custom is a role of exactly the operations that are needed, for those who prefer one.
	Custom customJSON `json:"customRole"`
	// Lost are operations that the identity loses, by scope; PathsCut is how many others it
	// no longer comes to act as, AuthorityCut at how many scopes it can no longer give
	// itself rights.
	Lost         []lostJSON   `json:"lost"`
	PathsCut     int          `json:"pathsCut"`
	AuthorityCut int          `json:"authorityCut"`
	Edits        []mivet.Edit `json:"edits"`
}

type trimGrantJSON struct {
	Role   string       `json:"role"`
	RoleID mivet.RoleID `json:"roleId"`
	Scope  arm.ID       `json:"scope"`
}

type alternativeJSON struct {
	Risk   int64           `json:"risk"`
	Grants []trimGrantJSON `json:"grants"`
}

type customJSON struct {
	Actions     []arm.Operation `json:"actions"`
	DataActions []arm.Operation `json:"dataActions"`
	Scopes      []arm.ID        `json:"scopes"`
}

type lostJSON struct {
	Scope      arm.ID      `json:"scope"`
	Plane      mivet.Plane `json:"plane"`
	Operations int         `json:"operations"`
}

func (t *trimming) write(w io.Writer, format string, colour bool) error {
	switch format {
	case formatJSON:
		return writeAnswer(w, "trim", t.json())
	case fixAz:
		return t.commands(w, "# ", t.edits)
	case fixTerraform:
		_, err := io.WriteString(w, cleanStyled(t.head("# ")+vet.Terraform(t.edits)))
		return err
	case fixBicep:
		_, err := io.WriteString(w, cleanStyled(t.head("// ")+vet.Bicep(t.edits)))
		return err
	case formatRollback:
		back, _ := vet.Inverse(t.edits) // of assignments alone, which all can be undone
		return t.commands(w, "# back: ", back)
	}
	return t.text(newPrinter(w, colour))
}

func (t *trimming) commands(w io.Writer, mark string, edits []mivet.Edit) error {
	var text strings.Builder
	text.WriteString(t.head(mark))
	for _, c := range vet.AzCommands(edits) {
		text.WriteString(c + "\n")
	}
	_, err := io.WriteString(w, cleanStyled(text.String()))
	return err
}

// head says above commands what they do and that they were checked.
func (t *trimming) head(mark string) string {
	return fmt.Sprintf("%s%s: %d grants of risk %d become %d of risk %d\n%schecked on a copy: %s hold, no access test breaks, nothing is given that is not given today\n",
		mark, strings.ReplaceAll(t.title(t.who), "\n", " "), t.before.Grants, t.before.Risk, t.after.Grants, t.after.Risk, mark, counted(len(t.needs), "need"))
}

func (t *trimming) json() *trimJSON {
	j := &trimJSON{
		SchemaVersion: 1, Principal: t.principalJSON(t.who), Needs: list(t.needs), Kept: list(t.kept), NotHeld: list(t.notHeld), Undecided: list(t.undecided),
		Before: t.before, After: t.after, Proven: t.proposal.Proven, Bound: t.proposal.Bound, Grants: grantsJSON(t.proposal.Grants),
		Alternatives: []alternativeJSON{}, Custom: t.custom(), Lost: []lostJSON{}, PathsCut: t.pathsCut, AuthorityCut: t.authorityCut, Edits: list(t.edits),
	}
	for _, p := range t.front[:len(t.front)-1] {
		j.Alternatives = append(j.Alternatives, alternativeJSON{p.Risk, grantsJSON(p.Grants)})
	}
	for i := range t.difference.OnlyA {
		x := &t.difference.OnlyA[i]
		j.Lost = append(j.Lost, lostJSON{x.Scope, x.Plane, len(x.Operations)})
	}
	return j
}

// list is a list that is never null.
func list[T any](l []T) []T { return append([]T{}, l...) }

func grantsJSON(grants []minimize.Grant) []trimGrantJSON {
	out := []trimGrantJSON{}
	for _, g := range grants {
		out = append(out, trimGrantJSON{g.Role.Name, g.Role.ID, g.Scope})
	}
	return out
}

// custom is a role of the needs themselves.
func (t *trimming) custom() customJSON {
	c := customJSON{[]arm.Operation{}, []arm.Operation{}, []arm.ID{}}
	add := func(to *[]arm.Operation, op arm.Operation) {
		if !slices.ContainsFunc(*to, op.Equal) {
			*to = append(*to, op)
		}
	}
	for _, n := range t.needs {
		if n.Plane == mivet.PlaneData {
			add(&c.DataActions, n.Operation)
		} else {
			add(&c.Actions, n.Operation)
		}
		if !slices.ContainsFunc(c.Scopes, n.Scope.Equal) {
			c.Scopes = append(c.Scopes, n.Scope)
		}
	}
	return c
}

func (t *trimming) text(p *printer) error {
	verdict := green("nothing to trim")
	if len(t.edits) > 0 {
		verdict = yellow("to trim")
	}
	p.printf("%s: %s holds %s of its own of risk %d, and needs %s of risk %d\n", verdict, bold(t.title(t.who)),
		counted(t.before.Grants, "grant"), t.before.Risk, counted(t.after.Grants, "grant"), t.after.Risk)
	var from []string
	for _, s := range slices.Sorted(maps.Keys(t.from)) {
		from = append(from, fmt.Sprintf("%d from %s", t.from[s], s))
	}
	p.printf("  needs      %s\n", strings.Join(from, ", "))
	if len(t.kept) > 0 {
		p.printf("  %-10s %s by grants that are not replaced (of groups, with conditions, access policies)\n", "covered", counted(len(t.kept), "need"))
	}
	for _, n := range t.notHeld {
		p.printf("  %-10s %s at %s\n", "not held", n.Operation, n.Scope)
	}
	for _, n := range t.undecided {
		p.printf("  %-10s %s at %s\n", "undecided", n.Operation, n.Scope)
	}
	for i := range t.stay {
		p.printf("  %-10s %s at %s: it has a condition, or its role is not known\n", "left alone", t.roleWords(&t.stay[i]), t.stay[i].Scope)
	}
	t.changes(p)
	t.proof(p)
	for _, x := range t.front[:len(t.front)-1] {
		p.printf("\n%s with %s, risk %d\n", bold("Fewer grants"), counted(len(x.Grants), "grant"), x.Risk)
		for _, g := range x.Grants {
			p.printf("  %s at %s\n", g.Role.Name, g.Scope)
		}
	}
	if len(t.edits) > 0 {
		p.printf("\n--format az prints the commands, --format rollback those that undo them. Remove in steps: add, watch the\nlogs for refusals, then remove.\n")
	}
	return p.err
}

func (t *trimming) roleWords(a *mivet.RoleAssignment) string {
	if d := t.definition(a); d != nil {
		return d.Name
	}
	return string(a.Role)
}

func (t *trimming) changes(p *printer) {
	if len(t.edits) == 0 {
		return
	}
	p.printf("\n%s\n", bold("Change"))
	for i := range t.edits {
		mark := green("+")
		if t.edits[i].Kind == mivet.EditRemoveAssignment {
			mark = red("-")
		}
		p.printf("  %s %s at %s\n", mark, t.roleWords(t.edits[i].Assignment), t.edits[i].Assignment.Scope)
	}
}

// maxLost is how many scopes a text names.
const maxLost = 5

func (t *trimming) proof(p *printer) {
	p.printf("\n%s\n", bold("Proof"))
	p.printf("  %s and all access tests hold on a copy; nothing is granted that is not granted today\n", counted(len(t.needs), "need"))
	if t.proposal.Proven {
		p.printf("  no set of roles with less risk covers the needs (%s of search)\n", counted(t.proposal.Nodes, "step"))
	} else {
		p.printf("  the search was given up after %s: any set of roles costs at least %d, this one %d\n", counted(t.proposal.Nodes, "step"), t.proposal.Bound, t.proposal.Cost)
	}
	for i := range t.difference.OnlyA {
		if i == maxLost {
			p.printf("  and more at %s\n", counted(len(t.difference.OnlyA)-i, "scope"))
			break
		}
		x := &t.difference.OnlyA[i]
		p.printf("  %s (%s) no longer at %s\n", counted(len(x.Operations), "operation"), planeWords(x.Plane), x.Scope)
	}
	if t.pathsCut > 0 {
		p.printf("  it comes to act as %s less\n", counted(t.pathsCut, "other principal"))
	}
	if t.authorityCut > 0 {
		p.printf("  it can give itself rights at %s less\n", counted(t.authorityCut, "scope"))
	}
}
