// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// Counted says which grants of a side count.
type Counted uint8

// The sorts of counting.
const (
	// CountInForce counts what counts today: see [Engine.Check].
	CountInForce Counted = iota
	// CountRoles counts role assignments as if every vault were under them.
	CountRoles
	// CountPolicies counts access policies alone, as if every vault were under them.
	CountPolicies
)

// Side is one of two sets of grants that are compared.
type Side struct {
	Engine  *Engine
	Counted Counted
	// Principals are those whose access is compared, each with the one in the same place of
	// the other side. If it is empty on both sides, everyone is compared who holds a grant
	// on either.
	Principals []mivet.PrincipalID
	// At is the time; zero: the engine's.
	At time.Time
}

// Extent bounds a comparison.
type Extent struct {
	// Scope bounds it to a scope and what is below; zero: everywhere.
	Scope arm.ID
	// Plane bounds it to a plane; unknown: both. Where access policies alone count on a
	// side, only the data of vaults is compared.
	Plane mivet.Plane
}

// Extra is what one side gives and the other does not: some operations at a scope and
// below it. Each stands at the highest scope at which it holds.
type Extra struct {
	// A and B are the principal on each side; one is empty where a side has none for it.
	A, B       mivet.PrincipalID
	Scope      arm.ID
	Plane      mivet.Plane
	Operations []arm.Operation
	// Except are scopes below at which it does not hold, or not in the same way.
	Except []arm.ID
	// By names the grants that give it, or may: roles, "access policy", and the like.
	By []string
	// Why says of an undecided one what it hangs on.
	Why string
}

// Difference is what two sets of grants do not have in common.
type Difference struct {
	OnlyA, OnlyB []Extra
	// Undecided is what one side may give: under a condition, once it is activated, or for
	// all that was read.
	Undecided []Extra
	// Compared is how many operations were compared at how many places: those that the
	// catalogue knows, and those that a role names in full.
	Compared int
}

// Same says whether both sides give the same: Unknown if they do but for what is
// undecided.
func (d *Difference) Same() abac.Truth {
	switch {
	case len(d.OnlyA)+len(d.OnlyB) > 0:
		return abac.False
	case len(d.Undecided) > 0:
		return abac.Unknown
	default:
		return abac.True
	}
}

// Equivalent compares what two sets of grants give, operation by operation, at every
// scope at which either says something. It answers as [Engine.Check] would: deny
// assignments, conditions and gaps count. Use it for the move from access policies to
// roles (one engine, [CountPolicies] against [CountRoles]), for a change of assignments
// (two engines), or for one identity taking the place of another (two principals).
func Equivalent(a, b Side, within Extent) Difference {
	c := comparison{sides: [2]*Side{&a, &b}, within: within}
	if a.Counted == CountPolicies || b.Counted == CountPolicies {
		c.vaultsOnly, c.within.Plane = true, mivet.PlaneData
	}
	c.operations()
	for _, pair := range c.pairs() {
		c.compare(pair)
		c.gather()
	}
	c.finish()
	return c.out
}

// comparison is one run.
type comparison struct {
	sides      [2]*Side
	within     Extent
	vaultsOnly bool
	// rows are the operations on each side, in the same order. plain are those that are
	// compared at every place, on the planes on which a role speaks of them; special those
	// for which settings and access lists decide.
	rows           [2][]*row
	plain, special []asked
	// found is what differs for the pair at hand, an operation each.
	found []*difference
	out   Difference
}

// asked is an operation, by its number, on a plane.
type asked struct {
	n     int
	plane mivet.Plane
}

// difference is one operation that differs at a scope.
type difference struct {
	sort finding
	Extra
}

// operations collects what is compared: the operations of both catalogues that were seen
// somewhere, and those that roles name in full.
func (c *comparison) operations() {
	var all []arm.Operation
	for _, s := range c.sides {
		if cat := s.Engine.cat; cat != nil {
			for i := range cat.NumOperations() {
				if cat.Origins(i) != catalog.OriginDerived { // those may not exist
					all = append(all, cat.Operation(i))
				}
			}
		}
		for i := range s.Engine.roles {
			all = append(all, s.Engine.roles[i].named()...)
		}
	}
	slices.SortFunc(all, func(x, y arm.Operation) int { return cmp.Compare(x.Key(), y.Key()) })
	all = slices.CompactFunc(all, arm.Operation.Equal)
	for _, o := range all {
		if c.vaultsOnly && !strings.HasPrefix(string(o.Key()), vaultOperations) {
			continue
		}
		for i, s := range c.sides {
			c.rows[i] = append(c.rows[i], s.Engine.rows.get(o))
		}
	}
	for n := range c.rows[0] {
		for _, plane := range c.planes(n) {
			c.plain = append(c.plain, asked{n, plane})
			if c.sides[0].Engine.decidedBeside(c.rows[0][n], plane) || c.sides[1].Engine.decidedBeside(c.rows[1][n], plane) {
				c.special = append(c.special, asked{n, plane})
			}
		}
	}
}

// named are the operations that a role grants or subtracts by their full names.
func (r *role) named() []arm.Operation {
	var out []arm.Operation
	for i := range r.perms {
		for _, rules := range []*rules{&r.perms[i].control, &r.perms[i].data} {
			for _, list := range [][]arm.Pattern{rules.grant, rules.subtract} {
				for _, p := range list {
					if o := operationOf(p.String()); !o.IsZero() {
						out = append(out, o)
					}
				}
			}
		}
	}
	return out
}

// pairs are the principals to compare.
func (c *comparison) pairs() [][2]mivet.PrincipalID {
	a, b := c.sides[0].Principals, c.sides[1].Principals
	var out [][2]mivet.PrincipalID
	for i := range max(len(a), len(b)) {
		var pair [2]mivet.PrincipalID
		if i < len(a) {
			pair[0] = a[i]
		}
		if i < len(b) {
			pair[1] = b[i]
		}
		out = append(out, pair)
	}
	if len(out) > 0 {
		return out
	}
	seen := map[mivet.PrincipalID]bool{}
	for _, s := range c.sides {
		for _, id := range s.Engine.holders() {
			if !seen[id] {
				seen[id] = true
				out = append(out, [2]mivet.PrincipalID{id, id})
			}
		}
	}
	slices.SortFunc(out, func(x, y [2]mivet.PrincipalID) int { return comparePrincipals(x[0], y[0]) })
	return out
}

// holders are all who hold a grant, themselves or through a group. A group whose members
// are known stands for nobody but them.
func (e *Engine) holders() []mivet.PrincipalID {
	found := map[int32]bool{}
	stack := slices.Clone(e.grants.owner)
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !found[n] {
			found[n] = true
			stack = append(stack, e.people.members.of(n)...)
		}
	}
	var out []mivet.PrincipalID
	for n := range found {
		if len(e.people.members.of(n)) == 0 || e.gaps.allMembers >= 0 {
			out = append(out, e.people.ids[n])
		}
	}
	return out
}

// cell is a place at which access is compared: a scope at which something is said. At a
// special one only operations are compared for which settings and access lists decide.
type cell struct {
	scope   arm.ID
	special bool
	depth   int
	// unread says that something was not read that bears on answers there.
	unread bool
	// found holds what differs, by the number of the operation and the plane.
	found map[[2]int]*difference
}

// finding is the sort of a difference.
type finding uint8

const (
	same finding = iota
	onlyA
	onlyB
	undecided
)

// cells lists the places for one pair, ancestors first.
func (c *comparison) cells(pair [2]mivet.PrincipalID) []*cell {
	byKey := map[arm.Key]*cell{}
	add := func(id arm.ID, special bool) {
		if !c.within.Scope.IsZero() && !c.contains(c.within.Scope, id) {
			return
		}
		if id.IsZero() {
			return
		}
		if known := byKey[id.Key()]; known == nil {
			byKey[id.Key()] = &cell{scope: id, special: special, found: map[[2]int]*difference{}}
		} else {
			known.special = known.special && special
		}
	}
	add(c.within.Scope, false)
	for i, s := range c.sides {
		s.Engine.saidOf(pair[i], s.Counted, add)
	}
	var out []*cell
	for _, x := range byKey {
		x.depth = c.depth(x.scope)
		out = append(out, x)
	}
	slices.SortFunc(out, func(x, y *cell) int {
		return cmp.Or(cmp.Compare(x.depth, y.depth), cmp.Compare(x.scope.Key(), y.scope.Key()))
	})
	return out
}

// saidOf calls add for every scope at which something is said of a principal, and for
// every resource that decides by settings or access lists of its own.
func (e *Engine) saidOf(id mivet.PrincipalID, counted Counted, add func(arm.ID, bool)) {
	q := question{e: e, who: e.Principal(id)}
	var held []*grant
	for _, s := range q.subjects(-1) {
		for i := range e.grants.of(s) {
			g := &e.grants.of(s)[i]
			held = append(held, g)
			add(e.tree.ID(g.scope), false)
		}
	}
	for i := range e.denies.all {
		add(e.tree.ID(e.denies.all[i].scope), false)
	}
	for i := range e.gaps.list {
		add(e.gaps.list[i].Scope, false)
	}
	if counted != CountInForce {
		return
	}
	// Without a grant at or above it, and with everything read, a model decides nothing.
	reaches := func(n arm.Node) bool {
		return e.unread || slices.ContainsFunc(held, func(g *grant) bool { return g.covers(n) })
	}
	for n := range e.vaults.models {
		if reaches(n) {
			add(e.tree.ID(n), true)
		}
	}
	for n := range e.models {
		if reaches(n) {
			add(e.tree.ID(n), true)
		}
	}
	for n := range e.lakes.containers {
		add(e.tree.ID(n), true)
	}
}

// contains reports whether either side knows that a scope is at or above another.
func (c *comparison) contains(outer, inner arm.ID) bool {
	if outer.Contains(inner) {
		return true
	}
	for _, s := range c.sides {
		t := s.Engine.tree
		at, exact := t.Find(outer)
		below, _ := t.Find(inner)
		if exact && t.Contains(at, below) {
			return true
		}
	}
	return false
}

// depth is how far a scope is from the root, on the side that knows more of it.
func (c *comparison) depth(id arm.ID) int {
	deepest := 0
	for _, s := range c.sides {
		t := s.Engine.tree
		n, _ := t.Find(id)
		d := strings.Count(id.String(), "/")
		for ; n != arm.RootNode; n = t.Parent(n) {
			d += 100
		}
		deepest = max(deepest, d)
	}
	return deepest
}

// compare compares one pair of principals everywhere.
func (c *comparison) compare(pair [2]mivet.PrincipalID) {
	cells := c.cells(pair)
	var held [2][]uint32
	for k, s := range c.sides {
		held[k] = s.Engine.rolesOf(pair[k])
	}
	spoken := c.spokenBy(held)
	var before []*cell // those that are not special
	for _, x := range cells {
		above := c.above(before, x)
		var q [2]question
		for k, s := range c.sides {
			r := Request{Principal: pair[k], Resource: x.scope, At: s.At}
			q[k].ask(s.Engine, &r)
		}
		for _, o := range c.asks(&q, x, above, spoken) {
			q[0].row, q[1].row = c.rows[0][o.n], c.rows[1][o.n]
			c.compareOne(&q, pair, x, above, o.n, o.plane)
		}
		if !x.special {
			before = append(before, x)
		}
	}
}

// spokenBy are the operations of which a role speaks that the pair holds, and those for
// which settings and access lists decide.
func (c *comparison) spokenBy(held [2][]uint32) []asked {
	var out []asked
	for _, o := range c.plain {
		for k, s := range c.sides {
			row := c.rows[k][o.n]
			if s.Engine.decidedBeside(row, o.plane) || row.spokenBy(held[k], o.plane) {
				out = append(out, o)
				break
			}
		}
	}
	return out
}

// asks are the operations to compare at a place: all where something was not read, since
// a grant may be there that nobody knows of.
func (c *comparison) asks(q *[2]question, x, above *cell, spoken []asked) []asked {
	unread := false
	for k := range q {
		unread = unread || q[k].e.unread || q[k].place != placeKnown
	}
	switch {
	case x.special:
		return c.special
	case unread, above != nil && above.unread:
		x.unread = unread
		return c.plain
	default:
		return spoken
	}
}

// rolesOf are the roles that a principal and its groups hold anywhere.
func (e *Engine) rolesOf(id mivet.PrincipalID) []uint32 {
	q := question{e: e, who: e.Principal(id)}
	var out []uint32
	for _, s := range q.subjects(-1) {
		for _, g := range e.grants.of(s) {
			out = append(out, g.roleNumber())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// spokenBy reports whether one of the roles speaks of the operation.
func (r *row) spokenBy(held []uint32, plane mivet.Plane) bool {
	return slices.ContainsFunc(held, func(role uint32) bool { return r.code(role, plane) != codeNo })
}

// above returns the lowest place above another, or nil.
func (c *comparison) above(before []*cell, x *cell) *cell {
	for i := len(before) - 1; i >= 0; i-- {
		if c.contains(before[i].scope, x.scope) {
			return before[i]
		}
	}
	return nil
}

// planes are those on which an operation is compared: its own, and both where the
// catalogues do not know it, as far as a role on either side speaks of it.
func (c *comparison) planes(n int) []mivet.Plane {
	var out []mivet.Plane
	for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
		known := cmp.Or(c.rows[0][n].plane, c.rows[1][n].plane, plane)
		if known != plane || c.within.Plane != mivet.PlaneUnknown && c.within.Plane != plane {
			continue
		}
		if c.rows[0][n].spoken(plane) || c.rows[1][n].spoken(plane) {
			out = append(out, plane)
		}
	}
	return out
}

// spoken reports whether any role of the engine speaks of the operation on a plane, or an
// access list could.
func (r *row) spoken(plane mivet.Plane) bool {
	if r.blob && plane == mivet.PlaneData {
		return true
	}
	for i := range r.codes {
		if r.code(uint32(i), plane) != codeNo {
			return true
		}
	}
	return false
}

func (c *comparison) compareOne(q *[2]question, pair [2]mivet.PrincipalID, x, above *cell, n int, plane mivet.Plane) {
	c.out.Compared++
	a, b := q[0].count(c.sides[0].Counted, plane), q[1].count(c.sides[1].Counted, plane)
	f := differ(&q[0], &q[1], a, b)
	key := [2]int{n, int(plane)}
	if above != nil {
		if known := above.found[key]; known != nil && known.sort == f {
			x.found[key] = known
			return
		} else if known != nil {
			known.Except = append(known.Except, x.scope)
		}
	}
	if f == same {
		return
	}
	d := &difference{sort: f, Extra: Extra{A: pair[0], B: pair[1], Scope: x.scope, Plane: plane, Operations: []arm.Operation{q[0].row.op}}}
	switch f {
	case onlyA:
		d.By = []string{q[0].e.labelOf(a)}
	case onlyB:
		d.By = []string{q[1].e.labelOf(b)}
	default:
		d.By = slices.DeleteFunc(slices.Compact([]string{q[0].e.labelOf(a), q[1].e.labelOf(b)}), func(s string) bool { return s == "" })
		d.Why = whyUndecided(a, b)
	}
	x.found[key] = d
	c.found = append(c.found, d)
}

// gather joins what was found for one pair.
func (c *comparison) gather() {
	for _, d := range c.found {
		list := &c.out.Undecided
		switch d.sort {
		case onlyA:
			list = &c.out.OnlyA
		case onlyB:
			list = &c.out.OnlyB
		default:
		}
		*list = join(*list, d.Extra)
	}
	c.found = nil
}

// count answers on one plane with the grants that a side counts.
func (q *question) count(counted Counted, plane mivet.Plane) Decision {
	if counted == CountInForce {
		return q.decide(plane)
	}
	q.on(plane)
	vault := q.row.vault && plane == mivet.PlaneData
	switch {
	case counted == CountPolicies:
		q.weight = [numClasses]abac.Truth{classRBAC: abac.False, classPolicy: abac.True, classLocal: abac.False, classDelegated: abac.False}
	case vault:
		q.weight[classRBAC], q.weight[classPolicy] = abac.True, abac.False
	}
	return q.weighed()
}

// differ says how two answers differ. Two that are not certain are the same if they hang
// on the same.
func differ(qa, qb *question, a, b Decision) finding {
	switch {
	case a.Effect == Allowed && b.Effect == Denied && b.Cause != CauseEligible:
		return onlyA
	case b.Effect == Allowed && a.Effect == Denied && a.Cause != CauseEligible:
		return onlyB
	case a.Effect == Allowed && b.Effect == Allowed:
		return same
	case a.Effect == Denied && b.Effect == Denied && (a.Cause == CauseEligible) == (b.Cause == CauseEligible):
		return same
	case a.Effect == Unknown && b.Effect == Unknown && slices.Equal(qa.hangsOn(), qb.hangsOn()):
		return same
	default:
		return undecided
	}
}

// hangsOn tells what the grants of a question that are not certain rest on, so that it can
// be compared with another's. Gaps are told by their reasons.
func (q *question) hangsOn() []string {
	var v verdict
	v.deny = abac.False
	v.weighDenies(q)
	var out []string
	for _, s := range q.subjects(-1) {
		for i := range q.e.grants.of(s) {
			g := &q.e.grants.of(s)[i]
			if !g.covers(q.node) {
				continue
			}
			if w := q.weigh(g, v.deny); w.truth == abac.Unknown {
				out = append(out, q.e.signature(g)+" "+w.why.String())
			}
		}
	}
	if gap := q.gap(&q.e.gaps.grants); gap >= 0 {
		out = append(out, "gap: "+q.e.gaps.list[gap].Reason)
	}
	if gap := q.gap(&q.e.gaps.policies); gap >= 0 && q.row.vault {
		out = append(out, "gap: "+q.e.gaps.list[gap].Reason)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// signature tells what a grant gives under which circumstances, whoever holds it.
func (e *Engine) signature(g *grant) string {
	ro := &e.roles[g.roleNumber()]
	parts := []string{ro.label()}
	if ro.def != nil {
		parts = append(parts, string(ro.def.ID))
		for _, p := range ro.def.Permissions {
			parts = append(parts, p.Condition, strings.Join(p.Actions, " "), strings.Join(p.NotActions, " "),
				strings.Join(p.DataActions, " "), strings.Join(p.NotDataActions, " "))
		}
	}
	if g.slow() {
		rd := e.grants.rider(g)
		if rd.condition != nil {
			parts = append(parts, rd.condition.text)
		}
		parts = append(parts, rd.doubt, rd.start.UTC().String(), rd.end.UTC().String())
	}
	return strings.Join(parts, "\x00")
}

// labelOf names the grant that a decision rests on.
func (e *Engine) labelOf(d Decision) string {
	switch {
	case d.Fact < 0 || d.Cause == CauseDeny || d.Cause == CauseNoGrant:
		return ""
	case d.Local == LocalPolicy:
		return "access policy"
	case d.Local == LocalPathACL:
		return "access list of " + e.snap.PathACLs[d.Fact].Path
	case d.Local == LocalGrant:
		return e.snap.LocalGrants[d.Fact].Role
	case d.Local == LocalDelegation:
		_, g := e.Delegated(d.Fact)
		return e.roleLabel(g.Role, "")
	default:
		a := &e.snap.RoleAssignments[d.Fact]
		return e.roleLabel(a.Role, a.RoleName)
	}
}

func (e *Engine) roleLabel(id mivet.RoleID, name string) string {
	for i := range e.snap.RoleDefinitions {
		if d := &e.snap.RoleDefinitions[i]; id != "" && d.ID == id {
			return cmp.Or(d.Name, string(id))
		}
	}
	if e.cat != nil {
		if d := e.cat.Role(id); d != nil {
			return d.Name
		}
	}
	return cmp.Or(name, string(id))
}

func whyUndecided(a, b Decision) string {
	var out []string
	for _, d := range []Decision{a, b} {
		if d.Effect == Unknown || d.Cause == CauseEligible {
			out = append(out, d.Cause.String())
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

// join adds an operation to what was found of the same principals at the same place by the
// same grants, or begins anew.
func join(list []Extra, e Extra) []Extra {
	for i := len(list) - 1; i >= 0 && list[i].A == e.A && list[i].B == e.B && list[i].Scope.Equal(e.Scope); i-- {
		if x := &list[i]; x.Plane == e.Plane && x.Why == e.Why && slices.Equal(x.By, e.By) && slices.EqualFunc(x.Except, e.Except, arm.ID.Equal) {
			x.Operations = append(x.Operations, e.Operations...)
			return list
		}
	}
	return append(list, e)
}

// finish puts a principal that only one side was asked for into its own field alone.
func (c *comparison) finish() {
	if len(c.sides[0].Principals)+len(c.sides[1].Principals) > 0 {
		return
	}
	for _, list := range [][]Extra{c.out.OnlyA, c.out.OnlyB, c.out.Undecided} {
		for i := range list {
			e := &list[i]
			if c.sides[0].Engine.people.find(e.A) == noPerson {
				e.A = ""
			}
			if c.sides[1].Engine.people.find(e.B) == noPerson {
				e.B = ""
			}
		}
	}
}
