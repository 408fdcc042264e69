// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// FactKind is the sort of something that can be taken away.
type FactKind string

// The sorts of removable facts.
const (
	FactAssignment FactKind = "role assignment"
	FactMembership FactKind = "membership"
	FactPolicy     FactKind = "access policy"
	FactOwner      FactKind = "ownership"
	FactDirectory  FactKind = "directory role"
	FactAppRole    FactKind = "application permission"
	FactFederated  FactKind = "federated credential"
	FactSetting    FactKind = "setting"
)

// Fact is something that can be taken away, or a setting that can be changed.
type Fact struct {
	Kind FactKind
	// Index is its place in the snapshot's slice; -1 for a setting.
	Index int
	// Resource, Setting and Value are what is set where.
	Resource       arm.ID
	Setting, Value string
	// Cost is what taking it away costs: more where an access test hangs on it alone.
	Cost int
	// Tests are the access tests that hang on it alone.
	Tests []int
}

// key is the comparable name of a fact.
func (f *Fact) key() string {
	return fmt.Sprint(f.Kind, f.Index, f.Resource.Key(), f.Setting)
}

// The costs of facts. One that an access test hangs on is dearer than all others together
// that a cut is likely to have.
const (
	costPlain   = 1
	costSetting = 3
	costTest    = 1000
)

// ChokeQuery asks for the cheapest cut.
type ChokeQuery struct {
	// To are the principals that nobody else may come to act as.
	To []mivet.PrincipalID
	// Allow are those who may.
	Allow []mivet.PrincipalID
}

// Cut is a set of facts without which no certain path from elsewhere is left.
type Cut struct {
	Facts []Fact
	Cost  int
	// Bound is a cost below which no set is enough, and Exact says that this one is that
	// cheap.
	Bound int
	Exact bool
	// Proved says that a new search, in what is left, found no certain path.
	Proved bool
	// Before are those who had a certain path, Uncut those who keep one because nothing in it
	// can be taken away, and Possible those who keep a possible one.
	Before, Uncut, Possible []mivet.PrincipalID
	// Broken are the access tests that hold before and not after.
	Broken []mivet.AccessTest
	// Rounds is how often paths were searched.
	Rounds int
}

// maxRounds bounds how often a cut is extended.
const maxRounds = 64

// Choke finds the cheapest set of facts that cuts every certain path of everybody else. It
// collects paths, finds the cheapest facts that meet all of them, searches again without
// these, and so on until nothing is found. What it found last is proved by building the
// graph anew from what is left.
func (g *Graph) Choke(q ChokeQuery) Cut {
	c := &choker{g: g, targets: g.known(q.To), facts: map[string]int{}, stuck: map[int32]bool{}, allowed: map[int32]bool{}, steps: map[hop][]int{}}
	for _, n := range g.known(q.Allow) {
		c.allowed[n] = true
	}
	for _, t := range c.targets {
		c.allowed[t] = true
	}
	c.tests()
	c.cone = g.cone(c.targets)
	cut := Cut{Exact: true}
	for _, p := range c.sources(g, Certain) {
		cut.Before = append(cut.Before, g.principals[p])
	}
	removed := map[int]bool{}
	var after *Graph
	for cut.Rounds = 1; cut.Rounds <= maxRounds; cut.Rounds++ {
		grown := c.collect(g, removed)
		if !grown {
			after = c.without(removed)
			if left := c.collectFrom(after); !left {
				cut.Proved = true
				break
			}
		}
		chosen, cost, bound, exact := hit(c.sets, c.costs())
		removed, cut.Cost, cut.Bound, cut.Exact = chosen, cost, bound, exact
	}
	for _, i := range slices.Sorted(maps.Keys(removed)) {
		cut.Facts = append(cut.Facts, c.all[i])
	}
	if after == nil {
		after = c.without(removed)
	}
	c.finish(&cut, after)
	return cut
}

type choker struct {
	g       *Graph
	targets []int32
	allowed map[int32]bool
	all     []Fact
	facts   map[string]int
	sets    [][]int
	stuck   map[int32]bool // sources with a path in which nothing can be taken away
	carries map[string][]int
	steps   map[hop][]int
	places  map[*mivet.RoleAssignment]int
	byKey   map[assignmentKey]int
	members map[[2]mivet.PrincipalID]int
	// cone are all principals that come to a target in any way, with their groups.
	cone map[int32]bool
	// narrowed is what of a large tenant bears on the cone, with the former places of its
	// assignments and memberships.
	narrowed                     *mivet.Snapshot
	keptAssignments, keptMembers []int
}

// tests finds the facts on which an access test hangs alone.
func (c *choker) tests() {
	c.carries = map[string][]int{}
	c.places = make(map[*mivet.RoleAssignment]int, len(c.g.snap.RoleAssignments))
	for i := range c.g.snap.RoleAssignments {
		c.places[&c.g.snap.RoleAssignments[i]] = i
	}
	for i := range c.g.snap.AccessTests {
		t := &c.g.snap.AccessTests[i]
		if !t.Allowed {
			continue
		}
		x := c.g.engine.Explain(authz.Request{Principal: t.Principal, Operation: t.Operation, Plane: t.Plane, Resource: t.Resource, At: c.g.o.At})
		var grants []authz.Reason
		for _, r := range x.Reasons {
			if r.Outcome == authz.Grants {
				grants = append(grants, r)
			}
		}
		if len(grants) != 1 {
			continue
		}
		for _, f := range c.ofReason(&grants[0]) {
			c.carries[f.key()] = append(c.carries[f.key()], i)
		}
	}
}

// sources are those from elsewhere who reach a target.
func (c *choker) sources(g *Graph, level Level) []int32 {
	var out []int32
	g.backward(g.known(c.ids(c.targets)), level, func(h hop) bool {
		if n, ok := c.g.numbers[g.principals[h.from]]; (!ok || !c.allowed[n]) && !g.isGroup(g.principals[h.from]) {
			out = append(out, h.from)
		}
		return true
	})
	return out
}

func (c *choker) ids(list []int32) []mivet.PrincipalID {
	out := make([]mivet.PrincipalID, len(list))
	for i, n := range list {
		out[i] = c.g.principals[n]
	}
	return out
}

// collect adds the paths of all sources that do not need a removed fact.
func (c *choker) collect(g *Graph, removed map[int]bool) bool {
	next := map[int32]hop{}
	var order []int32
	s := g.backwards(c.targets, Certain)
	s.accept = func(h hop) bool {
		return !slices.ContainsFunc(c.factsOf(h), func(f int) bool { return removed[f] })
	}
	s.run(func(h hop) bool {
		next[h.from] = h
		order = append(order, h.from)
		return true
	})
	return c.addPaths(g, order, next, c.factsOf)
}

// collectFrom adds the paths that are left in a graph that was built anew.
func (c *choker) collectFrom(after *Graph) bool {
	next := map[int32]hop{}
	var order []int32
	after.backward(after.known(c.ids(c.targets)), Certain, func(h hop) bool {
		next[h.from] = h
		order = append(order, h.from)
		return true
	})
	return c.addPaths(after, order, next, func(h hop) []int { return c.indexes(after, h) })
}

// addPaths adds the facts of each source's path. It reports whether a set is new.
func (c *choker) addPaths(g *Graph, order []int32, next map[int32]hop, facts func(hop) []int) bool {
	grown := false
	for _, from := range order {
		own, known := c.g.numbers[g.principals[from]]
		if g.isGroup(g.principals[from]) || known && (c.allowed[own] || c.stuck[own]) {
			continue
		}
		var set []int
		for _, h := range chain(from, next) {
			set = append(set, facts(h)...)
		}
		slices.Sort(set)
		set = slices.Compact(set)
		if len(set) == 0 {
			if known {
				c.stuck[own] = true
			}
			continue
		}
		if !slices.ContainsFunc(c.sets, func(s []int) bool { return subset(s, set) }) {
			c.sets = slices.DeleteFunc(c.sets, func(s []int) bool { return subset(set, s) })
			c.sets = append(c.sets, set)
			grown = true
		}
	}
	return grown
}

// subset reports whether every element of a is in b; both are sorted.
func subset(a, b []int) bool {
	i := 0
	for _, x := range b {
		if i < len(a) && a[i] == x {
			i++
		}
	}
	return i == len(a)
}

func (c *choker) factsOf(h hop) []int {
	if f, ok := c.steps[h]; ok {
		return f
	}
	f := c.indexes(c.g, h)
	c.steps[h] = f
	return f
}

// indexes are the removable facts that a hop rests on.
func (c *choker) indexes(g *Graph, h hop) []int {
	var out []int
	for _, f := range c.removable(g, h) {
		k := f.key()
		i, ok := c.facts[k]
		if !ok {
			i = len(c.all)
			c.facts[k] = i
			f.Tests = c.carries[k]
			f.Cost += costTest * len(f.Tests)
			c.all = append(c.all, f)
		}
		out = append(out, i)
	}
	return out
}

func (c *choker) costs() []int {
	out := make([]int, len(c.all))
	for i := range c.all {
		out[i] = c.all[i].Cost
	}
	return out
}

// removable are the facts of one hop.
func (c *choker) removable(g *Graph, h hop) []Fact {
	if h.plain >= 0 {
		return c.removablePlain(g, &g.plain[h.plain])
	}
	e, o := &g.entries[h.entry], &g.objects[h.object]
	v, rights := g.rightsOf(h)
	var out []Fact
	for _, r := range rights {
		out = append(out, c.ofRight(g, e.holder, r)...)
	}
	if v == nil {
		if e.by == byElevation {
			out = append(out, c.ofDirectory(g.principals[e.holder])...)
		}
		return out
	}
	for _, gate := range v.gates {
		at := g.gateAt(o)
		r := gate.read(at, g.idx.Resource)
		if at != nil && r.state == Open && len(gate.Shut) > 0 && gate.Shut[0] != "*" && !gate.Weak && gate.Child == "" && r.setting != "" {
			out = append(out, Fact{Kind: FactSetting, Index: -1, Resource: at.ID, Setting: r.setting, Value: gate.Shut[0], Cost: costSetting})
		}
	}
	return out
}

// ofRight are the facts that give one right: the grant that decides, and memberships.
func (c *choker) ofRight(g *Graph, who int32, r askedRight) []Fact {
	o := &g.plan.ops[r.op]
	at := g.engine.Resource(r.at)
	d := g.engine.CheckRef(g.engine.Principal(g.principals[who]), o.ref, &at, o.plane, g.o.At)
	if d.Effect == authz.Allowed && d.Local == authz.NotLocal && d.Fact >= 0 {
		if a := &g.snap.RoleAssignments[d.Fact]; a.Principal == g.principals[who] {
			if i, ok := c.place(a); ok {
				return []Fact{{Kind: FactAssignment, Index: i, Cost: costPlain}}
			}
		}
	}
	if f, ok := c.onlyGrant(g, who, r); ok {
		return f
	}
	x := g.explainRight(who, r)
	for k := range x.Reasons {
		if x.Reasons[k].Outcome == authz.Grants || x.Reasons[k].Outcome == authz.MayGrant {
			return c.ofReason(&x.Reasons[k])
		}
	}
	return nil
}

// onlyGrant is the one role that can give a right, the principal's own or one of a group's,
// with the memberships that lead there. It reports false where there are several.
func (c *choker) onlyGrant(g *Graph, who int32, r askedRight) ([]Fact, bool) {
	node, _ := g.tree.Find(r.at)
	found, holder := -1, who
	before := map[int32]int32{who: who}
	queue := []int32{who}
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		if int(p) >= len(g.groupsOf) {
			continue
		}
		for _, gr := range g.grants[p] {
			if !g.tree.Contains(gr.node, node) || !gr.role.ops.has(r.op) {
				continue
			}
			if found >= 0 || gr.fact < 0 {
				return nil, false
			}
			found, holder = int(gr.fact), p
		}
		for _, up := range g.groupsOf[p] {
			if _, twice := before[up]; twice {
				return nil, false // two ways there: a membership more or less does not decide
			}
			before[up] = p
			queue = append(queue, up)
		}
	}
	if found < 0 {
		return nil, false
	}
	i, ok := c.place(&g.snap.RoleAssignments[found])
	out := []Fact{{Kind: FactAssignment, Index: i, Cost: costPlain}}
	for at := holder; at != who; at = before[at] {
		out = append(out, c.ofMembership(g.principals[before[at]], g.principals[at])...)
	}
	return out, ok
}

// ofReason are the facts that one grant rests on: the grant, and the memberships that lead
// to it.
func (c *choker) ofReason(r *authz.Reason) []Fact {
	var out []Fact
	switch {
	case r.Assignment != nil:
		if i, ok := c.place(r.Assignment); ok {
			out = append(out, Fact{Kind: FactAssignment, Index: i, Cost: costPlain})
		}
	case r.Policy != nil:
		for i := range c.g.snap.AccessPolicies {
			if p := &c.g.snap.AccessPolicies[i]; p.Vault.Equal(r.Policy.Vault) && p.Principal == r.Policy.Principal && p.ApplicationID == r.Policy.ApplicationID {
				out = append(out, Fact{Kind: FactPolicy, Index: i, Cost: costPlain})
			}
		}
	}
	for i := 0; i+1 < len(r.Via); i++ {
		out = append(out, c.ofMembership(r.Via[i], r.Via[i+1])...)
	}
	return out
}

// assignmentKey tells assignments apart.
type assignmentKey struct {
	principal mivet.PrincipalID
	role      mivet.RoleID
	name      string
	scope, id arm.Key
	condition string
}

func keyOf(a *mivet.RoleAssignment) assignmentKey {
	return assignmentKey{a.Principal, a.Role, a.RoleName, a.Scope.Key(), a.ID.Key(), a.Condition}
}

// place finds an assignment of this or of a reduced snapshot.
func (c *choker) place(a *mivet.RoleAssignment) (int, bool) {
	if i, ok := c.places[a]; ok {
		return i, true
	}
	if c.byKey == nil {
		c.byKey = map[assignmentKey]int{}
		for i := range c.g.snap.RoleAssignments {
			b := &c.g.snap.RoleAssignments[i]
			if n, ok := c.g.numbers[b.Principal]; ok && c.cone[n] {
				c.byKey[keyOf(b)] = i
			}
		}
	}
	i, ok := c.byKey[keyOf(a)]
	if ok {
		c.places[a] = i
	}
	return i, ok
}

func (c *choker) ofMembership(member, group mivet.PrincipalID) []Fact {
	if c.members == nil {
		c.members = make(map[[2]mivet.PrincipalID]int, len(c.g.snap.Memberships))
		for i := range c.g.snap.Memberships {
			m := &c.g.snap.Memberships[i]
			c.members[[2]mivet.PrincipalID{m.Member, m.Group}] = i
		}
	}
	if i, ok := c.members[[2]mivet.PrincipalID{member, group}]; ok {
		return []Fact{{Kind: FactMembership, Index: i, Cost: costPlain}}
	}
	return nil
}

// ofDirectory are the rights of the directory that let a principal take any role.
func (c *choker) ofDirectory(p mivet.PrincipalID) []Fact {
	var out []Fact
	for i := range c.g.snap.DirectoryRoles {
		if c.g.snap.DirectoryRoles[i].Principal == p {
			out = append(out, Fact{Kind: FactDirectory, Index: i, Cost: costPlain})
		}
	}
	for i := range c.g.snap.AppRoles {
		if c.g.snap.AppRoles[i].Principal == p {
			out = append(out, Fact{Kind: FactAppRole, Index: i, Cost: costPlain})
		}
	}
	return out[:min(len(out), 1)]
}

func (c *choker) removablePlain(g *Graph, e *plainEdge) []Fact {
	from, to := g.principals[e.from], g.principals[e.to]
	switch e.kind {
	case plainMember:
		return c.ofMembership(from, to)
	case plainOwner:
		for i := range c.g.snap.Ownerships {
			if o := &c.g.snap.Ownerships[i]; o.Owner == from && o.Owned == to {
				return []Fact{{Kind: FactOwner, Index: i, Cost: costPlain}}
			}
		}
	case plainApplication, plainGroup:
		return c.ofDirectory(from)
	case plainFederated:
		for i := range c.g.snap.FederatedCredentials {
			if f := &c.g.snap.FederatedCredentials[i]; strings.Contains(string(from), f.Issuer) && f.Name == e.right {
				return []Fact{{Kind: FactFederated, Index: i, Cost: costPlain}}
			}
		}
	case plainOutside: // what stands outside of Azure is not taken away here
	case plainCredential:
		if op, err := arm.ParseOperation(e.right); err == nil {
			right := g.explained(e.from, op, e.at)
			for k := range right.Reasons {
				if right.Reasons[k].Outcome == authz.Grants {
					return c.ofReason(&right.Reasons[k])
				}
			}
		}
	}
	return nil
}

// finish tells what is left, and which access tests break.
func (c *choker) finish(cut *Cut, after *Graph) {
	for n := range c.stuck {
		cut.Uncut = append(cut.Uncut, c.g.principals[n])
	}
	slices.Sort(cut.Uncut)
	for _, p := range c.sources(after, Possible) {
		cut.Possible = append(cut.Possible, after.principals[p])
	}
	for i := range c.g.snap.AccessTests {
		t := &c.g.snap.AccessTests[i]
		if n, ok := c.g.numbers[t.Principal]; !ok || !c.cone[n] {
			continue // no fact that was taken away bears on it
		}
		r := authz.Request{Principal: t.Principal, Operation: t.Operation, Plane: t.Plane, Resource: t.Resource, At: c.g.o.At}
		want := authz.Denied
		if t.Allowed {
			want = authz.Allowed
		}
		if c.g.engine.Check(r).Effect == want && after.engine.Check(r).Effect != want {
			cut.Broken = append(cut.Broken, *t)
		}
	}
}
