// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Actor is somebody who can act as an identity in one step, or use it.
type Actor struct {
	Principal mivet.PrincipalID
	Step      Step
	// Path leads to the identity from those who reach it over others; nil for one step.
	Path *Path
}

// Actors are those who can act as an identity.
type Actors struct {
	// Direct can do it in one step, with the step that is surest.
	Direct []Actor
	// Reaching is everybody who comes to it in the end, Possibly those for whom that is only
	// possible; without groups, whose members count by themselves.
	Reaching, Possibly []mivet.PrincipalID
	// Using can have the identity used, and cannot act as it: by running code that is there,
	// by a service that acts for them, or by a way that nobody has shown.
	Using []Use
}

// Use is a weaker hold on an identity.
type Use struct {
	Principal mivet.PrincipalID
	Technique *Technique
	Host      arm.ID
	Effect    authz.Effect
}

// ActorsOf lists those who can act as an identity.
func (g *Graph) ActorsOf(id mivet.PrincipalID) Actors {
	var out Actors
	n, ok := g.numbers[id]
	if !ok {
		return out
	}
	seen := map[int32]bool{}
	for _, level := range []Level{Certain, Possible} {
		g.backward([]int32{n}, level, func(h hop) bool {
			if h.to == n && !seen[h.from] {
				seen[h.from] = true
				out.Direct = append(out.Direct, Actor{Principal: g.principals[h.from], Step: g.step(h)})
			}
			return false
		})
	}
	sure := map[mivet.PrincipalID]bool{}
	for _, p := range g.Reaching([]mivet.PrincipalID{id}, Certain) {
		if sure[p] = true; !g.isGroup(p) {
			out.Reaching = append(out.Reaching, p)
		}
	}
	for _, p := range g.Reaching([]mivet.PrincipalID{id}, Possible) {
		if !sure[p] && !g.isGroup(p) {
			out.Possibly = append(out.Possibly, p)
		}
	}
	out.Using = g.users(n)
	return out
}

// users are those with a weaker hold: rows that lead to no token.
func (g *Graph) users(n int32) []Use {
	if int(n) >= len(g.carriers) {
		return nil
	}
	var out []Use
	seen := map[string]bool{}
	for _, k := range g.carriers[n] {
		o := &g.objects[k]
		if o.typ == typeOther {
			continue
		}
		vs := g.plan.types[o.typ].variants
		for i := range vs {
			v := &vs[i]
			if v.kind != KindInvoke && v.kind != KindDeputy && v.kind != KindConditional || !g.leadsByVariant(o, v, n) {
				continue
			}
			for _, u := range g.usersBy(o, v) {
				key := string(u.Principal) + "\x00" + v.row.ID + "\x00" + string(o.id.Key())
				if !seen[key] {
					seen[key] = true
					out = append(out, u)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Use) int {
		return strings.Compare(a.Technique.ID+string(a.Principal), b.Technique.ID+string(b.Principal))
	})
	return out
}

func (g *Graph) leadsByVariant(o *object, v *variant, n int32) bool {
	if v.row.resultOf(v.way) == ResultConsumers {
		return slices.Contains(o.content, n)
	}
	return slices.Contains(o.runs, n)
}

// usersBy are those who hold all rights of a variant at an object.
func (g *Graph) usersBy(o *object, v *variant) []Use {
	if _, possible := g.through(v, o); !possible || len(v.needs) == 0 {
		return nil
	}
	first := &g.plan.ops[v.needs[0].op]
	var out []Use
	for h := range g.engine.WhoCan(authz.WhoCanQuery{Operation: first.op, Plane: first.plane, Resource: o.id, At: g.o.At}) {
		u := Use{Principal: h.Principal, Technique: v.row, Host: o.id, Effect: h.Effect}
		if g.isGroup(h.Principal) {
			continue
		}
		for _, need := range v.needs[1:] {
			switch g.ask(g.numberOf(h.Principal), need.op, o.id) {
			case no:
				u.Effect = authz.Denied
			case maybe:
				if u.Effect == authz.Allowed {
					u.Effect = authz.Unknown
				}
			case yes:
			}
		}
		if u.Effect != authz.Denied {
			out = append(out, u)
		}
	}
	return out
}

// numberOf is the number of a principal that the graph knows, else one that holds nothing.
func (g *Graph) numberOf(p mivet.PrincipalID) int32 {
	if n, ok := g.numbers[p]; ok {
		return n
	}
	return 0
}

// Blast is what somebody comes to.
type Blast struct {
	// Paths lead to everybody that it comes to act as, surely or possibly, nearest first; the
	// shortest of each, without groups.
	Paths []Path
	// Authority are the scopes at which it can give itself rights in the end.
	Authority []arm.ID
}

// BlastOf says what somebody comes to act as.
func (g *Graph) BlastOf(who mivet.PrincipalID) Blast {
	var out Blast
	n, ok := g.numbers[who]
	if !ok {
		return out
	}
	seen := map[int32]bool{}
	for _, level := range []Level{Certain, Possible} {
		before := map[int32]hop{}
		g.forward(n, level, func(h hop) bool {
			before[h.to] = h
			if seen[h.to] || g.isGroup(g.principals[h.to]) {
				return true
			}
			seen[h.to] = true
			var hops []hop
			for at := h.to; at != n; at = before[at].from {
				hops = append(hops, before[at])
			}
			slices.Reverse(hops)
			out.Paths = append(out.Paths, g.pathOf(hops))
			return true
		})
	}
	out.Authority = g.AuthorityOf(who, Certain)
	return out
}

// Symbolic is one symbolic edge, for those who want them all.
type Symbolic struct {
	Holder mivet.PrincipalID
	Scope  arm.ID
	// Type is the type of the resources below the scope; empty for authority over all.
	Type string
	// Certain and Possible name the techniques.
	Certain, Possible []string
	// Resources is how many there are.
	Resources int
}

// Edges calls yield for every symbolic edge.
func (g *Graph) Edges(yield func(Symbolic) bool) {
	for i := range g.entries {
		e := &g.entries[i]
		s := Symbolic{Holder: g.principals[e.holder], Scope: g.tree.ID(e.node), Resources: len(g.below(e.typ, e.node))}
		switch {
		case e.typ == typeAny:
			s.Possible = []string{"AUTHZ"}
		case e.by == byAttach:
			s.Type, s.Possible = g.plan.types[e.typ].name, []string{"UAMI-02"}
		default:
			t := &g.plan.types[e.typ]
			s.Type = t.name
			s.Certain, s.Possible = t.names(e.certain), t.names(e.possible)
		}
		if (e.typ == typeAny || e.by == byAttach) && e.certain != 0 {
			s.Certain = s.Possible
		}
		if !yield(s) {
			return
		}
	}
}

func (t *hostType) names(mask uint64) []string {
	var out []string
	for i := range t.variants {
		if id := t.variants[i].row.ID; mask>>i&1 != 0 && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
