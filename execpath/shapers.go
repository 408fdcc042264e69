// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Selves returns, for each principal that surely acts as itself through a workload, the
// first step: it can change the code, the settings or the content of what it runs in.
func (g *Graph) Selves() []Step {
	var out []Step
	for n := range g.carriers {
		if n >= len(g.byHolder) || len(g.byHolder[n]) == 0 {
			continue
		}
		if h, ok := g.self(int32(n)); ok {
			out = append(out, g.step(h))
		}
	}
	return out
}

// self is a hop from a principal to itself.
func (g *Graph) self(n int32) (hop, bool) {
	for _, authority := range []bool{false, true} {
		for _, k := range g.carriers[n] {
			o := &g.objects[k]
			for _, i := range g.byHolder[n] {
				e := &g.entries[i]
				if (e.typ == typeAny) != authority || e.by == byAttach || e.typ != typeAny && e.typ != o.typ || !g.tree.Contains(e.node, o.node) {
					continue
				}
				h := hop{n, n, -1, i, k}
				if g.levelOf(h, Certain) {
					return h, true
				}
			}
		}
	}
	return hop{}, false
}

// Direct calls yield for each principal that somebody surely can act as in one step, itself or
// as a member of its groups, with the workload where that is, until it returns false. A step
// is only made when it is asked for.
func (g *Graph) Direct(from mivet.PrincipalID, yield func(at arm.ID, to mivet.PrincipalID, step func() Step) bool) {
	n, ok := g.numbers[from]
	if !ok {
		return
	}
	going := true
	g.forward(n, Certain, func(h hop) bool {
		if h.plain >= 0 {
			return going && g.plain[h.plain].kind == plainMember
		}
		at := g.objects[h.object].id
		if l := g.linkOf(&g.objects[h.object], h.to); l != nil && !slices.Contains(g.objects[h.object].runs, h.to) {
			at = l.Workload
		}
		going = going && yield(at, g.principals[h.to], func() Step { return g.step(h) })
		return false
	})
}

// Writers returns, for each workload whose content somebody else surely can change without
// being able to change the workload itself, a step for each of them: shaping and running
// are not separated there.
func (g *Graph) Writers() []Step {
	var out []Step
	seen := map[[2]int32]bool{}
	for k := range g.objects {
		o := &g.objects[k]
		if len(o.content) == 0 || o.typ == typeOther {
			continue
		}
		g.entriesAbove(o, func(i int32) {
			e := &g.entries[i]
			for _, to := range o.content {
				h := hop{e.holder, to, -1, i, int32(k)}
				key := [2]int32{e.holder, to}
				if e.holder == to || seen[key] || g.satisfied(e, o, Certain)&g.plan.types[e.typ].content == 0 || g.changes(e.holder, to) {
					continue
				}
				seen[key] = true
				out = append(out, g.step(h))
			}
		})
	}
	slices.SortStableFunc(out, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From))
	})
	return out
}

// entriesAbove calls visit for the entries of an object's own type at and above it.
func (g *Graph) entriesAbove(o *object, visit func(int32)) {
	for node := o.node; ; node = g.tree.Parent(node) {
		for _, i := range g.byNode[nodeType{node, o.typ}] {
			if e := &g.entries[i]; e.by == noAuthority {
				visit(i)
			}
		}
		if node == 0 {
			return
		}
	}
}

// changes reports whether a principal surely can change a workload of another: it has no
// need of the content then.
func (g *Graph) changes(who, to int32) bool {
	for _, k := range g.carriers[to] {
		o := &g.objects[k]
		if !slices.Contains(o.runs, to) || o.typ == typeOther {
			continue
		}
		for _, i := range g.byHolder[who] {
			e := &g.entries[i]
			if (e.typ == o.typ || e.typ == typeAny) && g.tree.Contains(e.node, o.node) && g.satisfied(e, o, Certain) != 0 {
				return true
			}
		}
	}
	return false
}

// Runs reports whether code on a resource gets a principal's tokens: it carries the identity,
// and is of a type on which techniques run code.
func (g *Graph) Runs(resource arm.ID, p mivet.PrincipalID) bool {
	n, known := g.numbers[p]
	k, ok := g.byKey[resource.Key()]
	if !known || !ok || g.objects[k].typ == typeOther {
		return false
	}
	t := &g.plan.types[g.objects[k].typ]
	return t.acts&t.runs != 0 && slices.Contains(g.objects[k].runs, n)
}

// Links returns what workloads load, as far as their settings tell.
func (g *Graph) Links() []Link { return g.links }

// Assignment returns the assignment by which a step's right is given, the first of them; nil if
// it is none.
func (s *Step) Assignment() *mivet.RoleAssignment {
	for i := range s.Rights {
		for k := range s.Rights[i].Reasons {
			if a := s.Rights[i].Reasons[k].Assignment; a != nil {
				return a
			}
		}
	}
	return nil
}
