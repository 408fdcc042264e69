// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// entry is a symbolic edge: a holder of rights, a scope with everything below it, and the
// ways that are open to it at the resources of one type there.
type entry struct {
	holder int32
	node   arm.Node
	typ    int16 // typeAny: authority over everything below
	// by is the right that gives authority.
	by authority
	// exact says that what holds at the scope holds at every resource below; otherwise each
	// has to be asked about.
	exact bool
	// certain and possible are the variants whose rights are all held, surely or possibly.
	certain, possible uint64
	// free are the variants whose rights at other objects are surely held: what is asked of
	// the engine at one object is no answer for those.
	free uint64
}

// authority says how a holder can give itself rights.
type authority uint8

const (
	noAuthority  authority = iota
	byGrant                // roleAssignments/write
	byDefinition           // roleDefinitions/write on a role that it holds
	byTable                // another technique of the table
	byCondition            // roleAssignments/write under a condition: the roles that it permits
	byAttach               // the right to attach the identity, and a resource to attach it to
	byElevation            // Global Administrator, who takes User Access Administrator at the root
)

// grantOf is one role that a holder has at a scope.
type grantOf struct {
	node  arm.Node
	role  *compiled
	plain bool // it holds now, and without a condition
	fact  int32
}

// compiled is a role as operations of the plan.
type compiled struct {
	def *mivet.RoleDefinition // nil: it is not known, and may give anything
	ops bitset
}

// join makes the entries: for each holder by itself, then for each set of holders that
// principals have, as far as rights of several add up to more.
func (g *Graph) join() {
	g.readMemberships()
	first := newJoiner(g)
	g.grants = first.grants
	workers := []*joiner{first}
	if len(g.snap.RoleAssignments) >= manyAssignments {
		for range runtime.GOMAXPROCS(0) - 1 {
			workers = append(workers, first.beside())
		}
	}
	var all sync.WaitGroup
	for i, j := range workers {
		all.Go(func() { j.joinEach(i, len(workers)) })
	}
	all.Wait()
	for _, j := range workers {
		g.entries = append(g.entries, j.entries...)
	}
	slices.SortStableFunc(g.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.holder, b.holder), cmp.Compare(a.node, b.node), cmp.Compare(a.typ, b.typ))
	})
	g.byHolder = make([][]int32, len(g.principals))
	for i := range g.entries {
		e := &g.entries[i]
		g.byHolder[e.holder] = append(g.byHolder[e.holder], int32(i))
		k := nodeType{e.node, e.typ}
		g.byNode[k] = append(g.byNode[k], int32(i))
	}
}

// manyAssignments is from when on the join uses all cores.
const manyAssignments = 5000

// beside is a joiner that works on other principals at the same time.
func (j *joiner) beside() *joiner {
	return &joiner{
		g: j.g, grants: j.grants, roles: maps.Clone(j.roles), any: j.any, typesOf: map[*compiled][]int16{},
		granted: map[string]*grantable{}, requests: map[abac.RoleAssignment]*abac.Env{}, mark: make([]int32, len(j.mark)),
	}
}

// joinEach joins the rights of every so many-th principal.
func (j *joiner) joinEach(first, step int) {
	for p := first; p < len(j.grants); p += step {
		if len(j.grants[p]) > 0 {
			j.run(int32(p), [][]grantOf{j.grants[p]})
		}
		holders := j.holders(int32(p))
		if len(holders) < 2 {
			continue
		}
		lists := make([][]grantOf, len(holders))
		for i, h := range holders {
			lists[i] = j.grants[h]
		}
		j.run(int32(p), lists)
	}
}

// readMemberships keeps who is directly in which group.
func (g *Graph) readMemberships() {
	g.groupsOf = make([][]int32, len(g.principals))
	for i := range g.snap.Memberships {
		m := &g.snap.Memberships[i]
		group, member := g.number(m.Group), g.number(m.Member)
		g.groupsOf[member] = append(g.groupsOf[member], group)
	}
}

// joiner is the state of the join.
type joiner struct {
	g       *Graph
	entries []entry
	grants  [][]grantOf
	roles   map[*mivet.RoleDefinition]*compiled
	any     *compiled
	// typesOf are the types at which a role may open a way.
	typesOf  map[*compiled][]int16
	granted  map[string]*grantable
	requests map[abac.RoleAssignment]*abac.Env
	closure  []int32 // scratch
	mark     []int32
	stamp    int32
}

func newJoiner(g *Graph) *joiner {
	j := &joiner{
		g: g, grants: make([][]grantOf, len(g.principals)), roles: map[*mivet.RoleDefinition]*compiled{},
		typesOf: map[*compiled][]int16{}, granted: map[string]*grantable{}, requests: map[abac.RoleAssignment]*abac.Env{}, mark: make([]int32, len(g.principals)),
	}
	j.any = &compiled{ops: newBitset(len(g.plan.ops))}
	for i := range g.plan.ops {
		j.any.ops.set(i)
	}
	for i := range g.snap.RoleAssignments {
		a := &g.snap.RoleAssignments[i]
		n, exact := g.tree.Find(a.Scope)
		if !exact {
			continue
		}
		j.add(a.Principal, grantOf{
			node: n, role: j.role(a.Role, a.RoleName), fact: int32(i),
			plain: !a.Eligible && a.Condition == "" && !a.ConditionUnknown && a.Start.IsZero() && a.End.IsZero(),
		})
	}
	for i := range g.snap.Delegations {
		d := &g.snap.Delegations[i]
		n, exact := g.tree.Find(d.Scope)
		for k := range d.Grants {
			if exact {
				j.add(d.Grants[k].Principal, grantOf{node: n, role: j.role(d.Grants[k].Role, ""), fact: -1})
			}
		}
	}
	return j
}

func (j *joiner) add(p mivet.PrincipalID, gr grantOf) {
	if gr.role.ops == nil {
		return
	}
	n := j.g.number(p)
	j.grants[n] = append(j.grants[n], gr)
}

// role compiles a role once. One that gives no operation of the plan has no set.
func (j *joiner) role(id mivet.RoleID, name string) *compiled {
	def := j.definition(id, name)
	if def == nil {
		return j.any
	}
	if c, ok := j.roles[def]; ok {
		return c
	}
	c := &compiled{def: def}
	role := authz.CompileRole(def)
	ops := newBitset(len(j.g.plan.ops))
	some := false
	for i := range j.g.plan.ops {
		if op := &j.g.plan.ops[i]; role.Gives(op.op, op.plane) != authz.Denied {
			ops.set(i)
			some = true
		}
	}
	if some {
		c.ops = ops
	}
	j.roles[def] = c
	return c
}

// definition finds a role as the engine does: the tenant's own before the catalogue's.
func (j *joiner) definition(id mivet.RoleID, name string) *mivet.RoleDefinition {
	if id != "" {
		if d := j.g.idx.Role(id); d != nil || j.g.cat == nil {
			return d
		}
		return j.g.cat.Role(id)
	}
	for i := range j.g.snap.RoleDefinitions {
		if d := &j.g.snap.RoleDefinitions[i]; arm.Fold(d.Name) == arm.Fold(name) {
			return d
		}
	}
	if j.g.cat == nil {
		return nil
	}
	return j.g.cat.RoleByName(name)
}

// types are the types at which a role, alone or with others, may open a way.
func (j *joiner) types(c *compiled) []int16 {
	if t, ok := j.typesOf[c]; ok {
		return t
	}
	var out []int16
	for i := 1; i < len(j.g.plan.types); i++ {
		if t := &j.g.plan.types[i]; c.ops.meets(t.ops) && len(j.g.byType[i]) > 0 {
			out = append(out, int16(i))
		}
	}
	j.typesOf[c] = out
	return out
}

// holders are the principal and all groups that it is in, directly or not, as far as they
// hold something.
func (j *joiner) holders(p int32) []int32 {
	if len(j.g.groupsOf[p]) == 0 {
		return nil
	}
	j.stamp++
	j.closure = append(j.closure[:0], p)
	j.mark[p] = j.stamp
	var out []int32
	for i := 0; i < len(j.closure); i++ {
		h := j.closure[i]
		if len(j.grants[h]) > 0 {
			out = append(out, h)
		}
		for _, up := range j.g.groupsOf[h] {
			if j.mark[up] != j.stamp {
				j.mark[up] = j.stamp
				j.closure = append(j.closure, up)
			}
		}
	}
	return out
}

// region is a scope at which a holder has roles, with what holds there and below.
type region struct {
	node   arm.Node
	parent int // the region around it, or -1
	roles  []grantOf
	ops    bitset
	res    authz.ResourceRef
	asked  map[int]verdict
	loose  bool // a deny assignment stands here and not below
	wide   bool // resources can be made here
}

// verdict is what is known of a right.
type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

// runner joins the rights of one principal.
type runner struct {
	*joiner
	who     int32
	ref     authz.PrincipalRef
	several bool // the rights come from several holders
	regions []region
	sat     []map[int16]pair // per region and type
	global  map[int]verdict  // the best answer anywhere
	apart   map[*variant]verdict
	host    verdict // it can put an identity onto a resource of its own
	hostSet bool
}

type pair struct{ certain, possible uint64 }

// run makes the entries of one principal from the grants of its holders.
func (j *joiner) run(p int32, lists [][]grantOf) {
	r := &runner{joiner: j, who: p, ref: j.g.engine.Principal(j.g.principals[p]), several: len(lists) > 1, global: map[int]verdict{}}
	r.layOut(lists)
	r.sat = make([]map[int16]pair, len(r.regions))
	for k := range r.regions {
		r.region(k)
	}
	for k := range r.regions {
		r.identities(k)
	}
}

// layOut orders the grants by scope, each region inside the one around it.
func (r *runner) layOut(lists [][]grantOf) {
	all := slices.Concat(lists...) // a copy, which is sorted
	slices.SortStableFunc(all, func(a, b grantOf) int { return int(a.node - b.node) })
	tree := r.g.tree
	var open []int
	for i := 0; i < len(all); {
		node := all[i].node
		for len(open) > 0 && !tree.Contains(r.regions[open[len(open)-1]].node, node) {
			open = open[:len(open)-1]
		}
		reg := region{node: node, parent: -1}
		own := i
		for ; i < len(all) && all[i].node == node; i++ {
		}
		reg.roles = all[own:i:i]
		reg.ops = reg.roles[0].role.ops
		if len(open) > 0 {
			reg.parent = open[len(open)-1]
		}
		if reg.parent >= 0 || len(reg.roles) > 1 {
			reg.ops = newBitset(len(r.g.plan.ops))
			for _, gr := range reg.roles {
				reg.ops.or(gr.role.ops)
			}
			if reg.parent >= 0 {
				reg.ops.or(r.regions[reg.parent].ops)
			}
		}
		id := tree.ID(node)
		reg.res, reg.wide = r.g.engine.Resource(id), id.Level() <= arm.LevelResourceGroup
		open = append(open, len(r.regions))
		r.regions = append(r.regions, reg)
	}
}

// holds asks the engine about an operation at a region.
func (r *runner) holds(k, op int) verdict {
	reg := &r.regions[k]
	if !reg.ops.has(op) {
		return no
	}
	if v, ok := reg.asked[op]; ok {
		return v
	}
	o := &r.g.plan.ops[op]
	d := r.g.engine.CheckRef(r.ref, o.ref, &reg.res, o.plane, r.g.o.At)
	v := settled(d)
	if d.Cause == authz.CauseDeny && d.Fact >= 0 && r.g.snap.DenyAssignments[d.Fact].ThisScopeOnly {
		v, reg.loose = yes, true // it may hold below
	}
	if reg.asked == nil {
		reg.asked = map[int]verdict{}
	}
	reg.asked[op] = v
	return v
}

// settled is what an answer of the engine means for a path: eligible and undecided rights
// make it possible.
func settled(d authz.Decision) verdict {
	switch {
	case d.Effect == authz.Allowed:
		return yes
	case d.Effect == authz.Unknown || d.Cause == authz.CauseEligible:
		return maybe
	default:
		return no
	}
}

// anywhere is the best answer for an operation at any scope of the principal.
func (r *runner) anywhere(op int) verdict {
	if v, ok := r.global[op]; ok {
		return v
	}
	best := no
	for k := range r.regions {
		if best = max(best, r.holds(k, op)); best == yes {
			break
		}
	}
	r.global[op] = best
	return best
}

// held is the answer for all rights of a variant at a region.
func (r *runner) held(k int, v *variant) verdict {
	all := yes
	for _, n := range v.needs {
		switch n.on {
		case AtHost, AtScope, AtIdentity:
			all = min(all, r.holds(k, n.op))
		case AtElsewhere, AtGroup, AtOutside:
		}
		if all == no {
			return no
		}
	}
	return min(all, r.heldElsewhere(v))
}

// heldElsewhere is the answer for the rights of a variant that are not checked on the
// resource itself.
func (r *runner) heldElsewhere(v *variant) verdict {
	if !v.elsewhere {
		return yes
	}
	if held, ok := r.apart[v]; ok {
		return held
	}
	held := r.askElsewhere(v)
	if r.apart == nil {
		r.apart = map[*variant]verdict{}
	}
	r.apart[v] = held
	return held
}

func (r *runner) askElsewhere(v *variant) verdict {
	all := yes
	for _, n := range v.needs {
		switch n.on {
		case AtElsewhere:
			all = min(all, r.anywhere(n.op))
		case AtGroup:
			all = min(all, r.inOneGroup(v))
		case AtHost, AtIdentity, AtScope, AtOutside:
		}
	}
	return all
}

// inOneGroup is the best answer for all rights of a variant that are checked on a resource
// group of the caller's choice.
func (r *runner) inOneGroup(v *variant) verdict {
	best := no
	for k := range r.regions {
		if !r.regions[k].wide {
			continue
		}
		all := yes
		for _, n := range v.needs {
			if n.on == AtGroup {
				all = min(all, r.holds(k, n.op))
			}
		}
		best = max(best, all)
	}
	return best
}

// region makes the entries of one region.
func (r *runner) region(k int) {
	for up := k; up >= 0; up = r.regions[up].parent {
		for _, gr := range r.regions[up].roles {
			for _, t := range r.types(gr.role) {
				r.typeAt(k, t)
			}
		}
		if !r.several {
			break // what is around it has its own entries
		}
	}
	r.authorityAt(k)
}

// typeAt makes the entry of a type at a region, if there is something new in it.
func (r *runner) typeAt(k int, t int16) {
	if _, done := r.sat[k][t]; done {
		return
	}
	if r.sat[k] == nil {
		r.sat[k] = map[int16]pair{}
	}
	reg := &r.regions[k]
	var now pair
	var free uint64
	if len(r.g.below(t, reg.node)) > 0 {
		typ := &r.g.plan.types[t]
		for i := range typ.variants {
			v := &typ.variants[i]
			if r.several && r.alone(k, v) {
				continue
			}
			if r.heldElsewhere(v) == yes {
				free |= 1 << i
			}
			switch r.held(k, v) {
			case yes:
				now.certain |= 1 << i
				now.possible |= 1 << i
			case maybe:
				now.possible |= 1 << i
			case no:
			}
		}
	}
	r.sat[k][t] = now
	if up := reg.parent; up >= 0 {
		before := r.sat[up][t]
		if now.certain&^before.certain == 0 && now.possible&^before.possible == 0 {
			return
		}
	}
	if now.possible == 0 {
		return
	}
	r.entries = append(r.entries, entry{
		holder: r.who, node: reg.node, typ: t, certain: now.certain, possible: now.possible, free: free, exact: r.exact(reg, t),
	})
}

// exact reports whether an answer at a scope holds at the resources of a type below.
func (r *runner) exact(reg *region, t int16) bool {
	return !r.g.plan.types[t].settings && !reg.loose && !r.g.deniedBelow(reg.node)
}

// alone reports whether one plain grant around a region gives all rights of a variant, so
// that its holder has the entry.
func (r *runner) alone(k int, v *variant) bool {
	if !v.multi {
		return true
	}
	for up := k; up >= 0; up = r.regions[up].parent {
		for _, gr := range r.regions[up].roles {
			if gr.plain && !slices.ContainsFunc(v.needs, func(n variantNeed) bool { return !gr.role.ops.has(n.op) }) {
				return true
			}
		}
	}
	return false
}
