// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
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
	// Custom are roles of exactly the operations that are needed, for those who prefer them;
	// CustomRisk is what they carry.
	Custom     []customJSON `json:"customRoles"`
	CustomRisk int64        `json:"customRisk"`
	// Lost are operations that the identity loses, by scope; PathsCut is how many others it
	// no longer comes to act as, AuthorityCut at how many scopes it can no longer give
	// itself rights.
	Lost         []lostJSON `json:"lost"`
	PathsCut     int        `json:"pathsCut"`
	AuthorityCut int        `json:"authorityCut"`
	// Replay tests on the last third of the logs what the first two thirds teach; absent
	// where the logs are too short.
	Replay *replay      `json:"replay,omitzero"`
	Edits  []mivet.Edit `json:"edits"`
}

type trimGrantJSON struct {
	Role   string       `json:"role"`
	RoleID mivet.RoleID `json:"roleId"`
	Scope  arm.ID       `json:"scope"`
	// MadeFor is the product that the role is made for, where that is not one of those whose
	// operations are needed; "several" where it is made for no single one.
	MadeFor string `json:"madeForOther,omitzero"`
}

// alternativeJSON is a proposal that is better in one respect: fewer grants, fewer roles
// of other products, or less risk.
type alternativeJSON struct {
	Better string          `json:"better"`
	Risk   int64           `json:"risk"`
	Proven bool            `json:"proven"`
	Grants []trimGrantJSON `json:"grants"`
}

// customJSON is a role of the operations that are needed at each of some scopes.
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
		Before: t.before, After: t.after, Proven: t.proposal.Proven, Bound: t.proposal.Bound, Grants: t.grantsJSON(t.proposal),
		Alternatives: []alternativeJSON{}, Custom: t.custom(), CustomRisk: t.exact, Lost: []lostJSON{}, PathsCut: t.pathsCut, AuthorityCut: t.authorityCut, Replay: t.replayed, Edits: list(t.edits),
	}
	for _, p := range t.others {
		j.Alternatives = append(j.Alternatives, alternativeJSON{t.better(p), p.Risk, p.Proven, t.grantsJSON(p)})
	}
	for i := range t.difference.OnlyA {
		x := &t.difference.OnlyA[i]
		j.Lost = append(j.Lost, lostJSON{x.Scope, x.Plane, len(x.Operations)})
	}
	return j
}

// list is a list that is never null.
func list[T any](l []T) []T { return append([]T{}, l...) }

func (t *trimming) grantsJSON(p *minimize.Proposal) []trimGrantJSON {
	out := []trimGrantJSON{}
	for _, g := range p.Grants {
		out = append(out, trimGrantJSON{g.Role.Name, g.Role.ID, g.Scope, t.madeForOther(p, g)})
	}
	return out
}

// madeForOther names the product that a role of a proposal is made for, if that is another
// than those whose operations it is for.
func (t *trimming) madeForOther(p *minimize.Proposal, g minimize.Grant) string {
	if !slices.ContainsFunc(p.Foreign, func(f minimize.Grant) bool { return f.Role == g.Role && f.Scope.Equal(g.Scope) }) {
		return ""
	}
	return cmp.Or(t.roles.MadeFor(g.Role), "several")
}

// better says in what an alternative is better than the proposal.
func (t *trimming) better(p *minimize.Proposal) string {
	switch {
	case len(p.Foreign) < len(t.proposal.Foreign):
		return "fewer roles of other products"
	case len(p.Grants) < len(t.proposal.Grants):
		return "fewer grants"
	}
	return "less risk, with roles of other products"
}

// custom are roles of the needs themselves: one for all scopes at which the same operations
// are needed, so that none gives more anywhere than is needed there.
func (t *trimming) custom() []customJSON {
	type exact struct {
		scope         arm.ID
		actions, data []arm.Operation
	}
	var scopes []*exact
	at := map[arm.Key]*exact{}
	for _, n := range t.open {
		x := at[n.Scope.Key()]
		if x == nil {
			x = &exact{scope: n.Scope}
			at[n.Scope.Key()] = x
			scopes = append(scopes, x)
		}
		if n.Plane == mivet.PlaneData {
			x.data = append(x.data, n.Operation)
		} else {
			x.actions = append(x.actions, n.Operation)
		}
	}
	out := []customJSON{}
	found := map[string]int{}
	for _, x := range scopes {
		for _, l := range [][]arm.Operation{x.actions, x.data} {
			slices.SortFunc(l, func(a, b arm.Operation) int { return cmp.Compare(a.Key(), b.Key()) })
		}
		key := fmt.Sprint(x.actions, x.data)
		i, ok := found[key]
		if !ok {
			i = len(out)
			found[key] = i
			out = append(out, customJSON{list(x.actions), list(x.data), nil})
		}
		out[i].Scopes = append(out[i].Scopes, x.scope)
	}
	return out
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
	t.alternatives(p)
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

// alternatives lists what is better in one respect, and roles of exactly what is needed.
func (t *trimming) alternatives(p *printer) {
	for _, x := range t.others {
		p.printf("\n%s: %s of risk %d\n", bold("Alternative with "+t.better(x)), counted(len(x.Grants), "grant"), x.Risk)
		for _, g := range x.Grants {
			p.printf("  %s at %s\n", g.Role.Name, g.Scope)
			t.writeForeign(p, x, g)
		}
	}
	roles := t.custom()
	if len(roles) == 0 || t.exact >= t.proposal.Risk {
		return
	}
	scopes := 0
	for i := range roles {
		scopes += len(roles[i].Scopes)
	}
	p.printf("\n%s: %s at %s of risk %d; --format json has them\n", bold("Alternative of exactly what is needed"), counted(len(roles), "custom role"), counted(scopes, "scope"), t.exact)
	for i := range roles {
		for _, l := range [][]arm.Operation{roles[i].Actions, roles[i].DataActions} {
			for _, op := range l {
				p.printf("  %s\n", op)
			}
		}
	}
}

func (t *trimming) writeForeign(p *printer, x *minimize.Proposal, g minimize.Grant) {
	if other := t.madeForOther(x, g); other != "" {
		p.printf("    made for %s: what it gives may change with that product\n", strings.Replace(other, "several", "several other products", 1))
	}
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
		a := t.edits[i].Assignment
		p.printf("  %s %s at %s\n", mark, t.roleWords(a), a.Scope)
		if t.edits[i].Kind == mivet.EditAddAssignment {
			t.writeForeign(p, t.proposal, minimize.Grant{Role: t.roles.Find(a.Role), Scope: a.Scope})
		}
	}
}

func searchWords(nodes int) string {
	if nodes == 0 {
		return "told by its bound, without a choice"
	}
	return counted(nodes, "step") + " of search"
}

// maxLost is how many scopes a text names.
const maxLost = 5

func (t *trimming) proof(p *printer) {
	p.printf("\n%s\n", bold("Proof"))
	p.printf("  %s and all access tests hold on a copy; nothing is granted that is not granted today\n", counted(len(t.needs), "need"))
	if t.proposal.Proven {
		p.printf("  no set of roles that covers the needs costs less (%s)\n", searchWords(t.proposal.Nodes))
	} else {
		p.printf("  the search was given up (%s): any set of roles costs at least %d, this one %d\n", searchWords(t.proposal.Nodes), t.proposal.Bound, t.proposal.Cost)
	}
	t.writeReplay(p)
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
