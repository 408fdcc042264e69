// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// grantable is what roles that can be given under a condition would give.
type grantable struct{ surely, possibly bitset }

// authorityAt makes the entry of a principal that can give itself rights at a region.
func (r *runner) authorityAt(k int) {
	reg := &r.regions[k]
	emit := func(v verdict, by authority) {
		e := entry{holder: r.who, node: reg.node, typ: typeAny, by: by, possible: 1, exact: r.exact(reg, typeAny)}
		if v == yes {
			e.certain = 1
		}
		r.entries = append(r.entries, e)
	}
	if r.inherits(k, r.g.plan.grant) && r.inherits(k, r.g.plan.define) && !r.someAuthority(reg) {
		return
	}
	switch r.holds(k, r.g.plan.grant) {
	case yes:
		emit(yes, byGrant)
		return
	case maybe:
		if r.conditioned(k) {
			return
		}
		emit(maybe, byGrant)
	case no:
	}
	if v := r.redefines(k); v != no {
		emit(v, byDefinition)
	}
	for i := range r.g.plan.authority {
		v := &r.g.plan.authority[i]
		if slices.ContainsFunc(v.needs, func(n variantNeed) bool { return n.op == r.g.plan.grant || n.op == r.g.plan.define }) && !v.multi {
			continue // weighed above
		}
		held := r.held(k, v)
		if len(v.gates) > 0 {
			held = min(held, maybe)
		}
		if !v.kind.Acts() || held == no || r.gated(k, v) {
			continue
		}
		emit(held, byTable)
		return
	}
}

// gated reports whether a technique hangs on something about the caller that it lacks:
// Global Administrator, or an eligible assignment.
func (r *runner) gated(k int, v *variant) bool {
	for _, gate := range v.gates {
		switch gate.ID {
		case "global-administrator":
			return true // known from the directory
		case "eligible-assignment":
			return !r.eligible()
		case "owner-rights":
			return r.holds(k, r.g.plan.grant) == no
		}
	}
	return false
}

func (r *runner) eligible() bool {
	for i := range r.regions {
		for _, gr := range r.regions[i].roles {
			if gr.fact >= 0 && r.g.snap.RoleAssignments[gr.fact].Eligible {
				return true
			}
		}
	}
	return false
}

// inherits reports whether a region gives an operation no more than the one around it.
func (r *runner) inherits(k, op int) bool {
	reg := &r.regions[k]
	return !slices.ContainsFunc(reg.roles, func(gr grantOf) bool { return gr.role.ops.has(op) })
}

// someAuthority reports whether a role at the region has a part in a technique of
// authority.
func (r *runner) someAuthority(reg *region) bool {
	for i := range r.g.plan.authority {
		for _, n := range r.g.plan.authority[i].needs {
			if slices.ContainsFunc(reg.roles, func(gr grantOf) bool { return gr.role.ops.has(n.op) }) {
				return true
			}
		}
	}
	return false
}

// conditioned makes the entries of a principal that can give itself some roles, as its
// condition permits. It reports false where no condition decides.
func (r *runner) conditioned(k int) bool {
	reg := &r.regions[k]
	o := &r.g.plan.ops[r.g.plan.grant]
	id := r.g.tree.ID(reg.node)
	key := r.conditionKey(k)
	ask := func(role mivet.RoleID, self bool) verdict {
		return settled(r.g.engine.Check(authz.Request{
			Principal: r.g.principals[r.who], Operation: o.op, Plane: o.plane, Resource: id, Given: r.given(role, self, key != ""), At: r.g.o.At,
		}))
	}
	d := r.g.engine.CheckRef(r.ref, o.ref, &reg.res, o.plane, r.g.o.At)
	if d.Cause != authz.CauseCondition {
		return false
	}
	if known, ok := r.granted[key]; ok && key != "" {
		r.conditionEntries(k, known)
		return true
	}
	give := &grantable{surely: newBitset(len(r.g.plan.ops)), possibly: newBitset(len(r.g.plan.ops))}
	each := func(defs []mivet.RoleDefinition) {
		for i := range defs {
			c := r.role(defs[i].ID, "")
			if c.ops == nil {
				continue
			}
			v := ask(defs[i].ID, true)
			if v == no && ask(defs[i].ID, false) != no {
				v = maybe // to a principal that it controls
			}
			switch v {
			case yes:
				give.surely.or(c.ops)
				give.possibly.or(c.ops)
			case maybe:
				give.possibly.or(c.ops)
			case no:
			}
		}
	}
	each(r.g.snap.RoleDefinitions)
	if r.g.cat != nil {
		each(r.g.cat.Roles())
	}
	if r.holds(k, r.g.plan.define) != no { // a new role stands on no list of forbidden ones
		if v := min(ask("00000000-0000-4000-8000-00000000ffff", true), r.holds(k, r.g.plan.define)); v != no {
			give.possibly.or(r.any.ops)
			if v == yes {
				give.surely.or(r.any.ops)
			}
		}
	}
	if key != "" {
		r.granted[key] = give
	}
	r.conditionEntries(k, give)
	return true
}

// given is the request that assigns a role: to the principal itself, or to somebody who is
// not known. Where nothing asks for the principal's ID it is left out, and the request is
// kept for the next one.
func (r *runner) given(role mivet.RoleID, self, anybody bool) *abac.Env {
	a := abac.RoleAssignment{RoleDefinitionID: string(role)}
	if self {
		a.PrincipalType = r.principalType()
	}
	if self && !anybody {
		a.PrincipalID = string(r.g.principals[r.who])
		return a.WriteEnv()
	}
	env := r.requests[a]
	if env == nil {
		env = a.WriteEnv()
		r.requests[a] = env
	}
	return env
}

// conditionKey names what decides which roles can be given at a region: the conditions of
// the grants that give the right, and the sort of the principal. It is empty where one asks
// who gets the role.
func (r *runner) conditionKey(k int) string {
	var key strings.Builder
	key.WriteString(r.principalType())
	if r.holds(k, r.g.plan.define) != no {
		key.WriteString(" defines")
	}
	for up := k; up >= 0; up = r.regions[up].parent {
		for _, gr := range r.regions[up].roles {
			if !gr.role.ops.has(r.g.plan.grant) {
				continue
			}
			if gr.fact < 0 || gr.role.def == nil {
				return ""
			}
			a := &r.g.snap.RoleAssignments[gr.fact]
			if strings.Contains(a.Condition, "PrincipalId") {
				return ""
			}
			key.WriteString("\x00" + string(gr.role.def.ID) + "\x00" + a.Condition)
			if a.Eligible || a.ConditionUnknown || !a.Start.IsZero() || !a.End.IsZero() {
				key.WriteString("\x00" + a.ID.String()) // something else than the condition decides too
			}
		}
	}
	return key.String()
}

func (r *runner) principalType() string {
	id := r.g.principals[r.who]
	if p := r.g.idx.Principal(id); p != nil && p.Type != "" {
		return string(p.Type)
	}
	if r.g.idx.Identity(id) != nil {
		return string(mivet.TypeServicePrincipal)
	}
	return ""
}

// conditionEntries are the ways that open with the roles that can be given.
func (r *runner) conditionEntries(k int, give *grantable) {
	reg := &r.regions[k]
	emit := func(t int16, p pair) {
		if p.possible != 0 {
			r.entries = append(r.entries, entry{
				holder: r.who, node: reg.node, typ: t, by: byCondition, certain: p.certain, possible: p.possible,
				exact: r.exact(reg, t),
			})
		}
	}
	if give.possibly.has(r.g.plan.grant) { // Owner and its like, without a condition
		p := pair{possible: 1}
		if give.surely.has(r.g.plan.grant) {
			p.certain = 1
		}
		emit(typeAny, p)
	}
	has := func(v *variant, s bitset) bool {
		return !slices.ContainsFunc(v.needs, func(n variantNeed) bool { return !s.has(n.op) && r.holds(k, n.op) != yes })
	}
	for t := 1; t < len(r.g.plan.types); t++ {
		typ := &r.g.plan.types[t]
		if len(typ.variants) == 0 || len(r.g.below(int16(t), reg.node)) == 0 {
			continue
		}
		var p pair
		for i := range typ.variants {
			if has(&typ.variants[i], give.surely) {
				p.certain |= 1 << i
			}
			if has(&typ.variants[i], give.possibly) {
				p.possible |= 1 << i
			}
		}
		emit(int16(t), p)
	}
}

// redefines says whether the principal can change a role of the tenant's own that it has
// here: that takes the right at every scope at which the role may be assigned.
func (r *runner) redefines(k int) verdict {
	best := no
	for _, gr := range r.regions[k].roles {
		def := gr.role.def
		if def == nil || def.BuiltIn || !r.g.isOwn(def) || len(def.AssignableScopes) == 0 {
			continue
		}
		all := yes
		if !gr.plain {
			all = maybe
		}
		for _, text := range def.AssignableScopes {
			id, err := arm.ParseID(text)
			if err != nil {
				all = min(all, maybe)
				continue
			}
			o := &r.g.plan.ops[r.g.plan.define]
			at := r.g.engine.Resource(id)
			all = min(all, settled(r.g.engine.CheckRef(r.ref, o.ref, &at, o.plane, r.g.o.At)))
		}
		best = max(best, all)
	}
	return best
}

// isOwn reports whether a role is one that the snapshot defines.
func (g *Graph) isOwn(def *mivet.RoleDefinition) bool { return g.idx.Role(def.ID) == def }
