// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// cone are all principals that come to one of the targets in any way, with the groups that
// they are in: whatever is taken away, nobody else comes there.
func (g *Graph) cone(targets []int32) map[int32]bool {
	in := map[int32]bool{}
	var queue []int32
	add := func(n int32) {
		if !in[n] {
			in[n] = true
			queue = append(queue, n)
		}
	}
	for _, t := range targets {
		add(t)
	}
	g.backward(targets, Possible, func(h hop) bool {
		add(h.from)
		return true
	})
	for i := 0; i < len(queue); i++ {
		if n := queue[i]; int(n) < len(g.groupsOf) {
			for _, up := range g.groupsOf[n] {
				add(up)
			}
		}
	}
	return in
}

// without builds the graph anew from what is left when facts are taken away. Of a large
// tenant it takes what bears on the principals of the cone.
func (c *choker) without(removed map[int]bool) *Graph {
	g := c.g
	base, large := *g.snap, c.narrowed != nil
	if !large && len(base.Resources)+len(base.RoleAssignments) > coneFrom {
		n := *g.snap
		n.Resources, n.Identities = g.narrowResources(&n, c.cone)
		c.keptAssignments, c.keptMembers = g.narrow(&n, c.cone)
		c.narrowed, large = &n, true
	}
	if large {
		base = *c.narrowed
	}
	s := reduced(&base, c.all, removed, func(f *Fact) int {
		var list []int
		switch {
		case large && f.Kind == FactAssignment:
			list = c.keptAssignments
		case large && f.Kind == FactMembership:
			list = c.keptMembers
		default:
			return f.Index
		}
		i, ok := slices.BinarySearch(list, f.Index)
		if !ok {
			return -1 // it bears on nobody who is left
		}
		return i
	})
	return New(s, authz.New(s, authz.Options{Catalog: g.cat, At: g.o.At}), g.o)
}

// coneFrom is from which size on a tenant is narrowed to what bears on a question.
const coneFrom = 20_000

// narrow drops what does not bear on the principals of a cone. It returns the former places
// of the assignments and memberships that stay.
func (g *Graph) narrow(s *mivet.Snapshot, cone map[int32]bool) (assignments, memberships []int) {
	in := func(p mivet.PrincipalID) bool {
		n, ok := g.numbers[p]
		return ok && cone[n]
	}
	s.RoleAssignments, assignments = only(s.RoleAssignments, func(a *mivet.RoleAssignment) bool { return in(a.Principal) })
	s.Memberships, memberships = only(s.Memberships, func(m *mivet.Membership) bool { return in(m.Member) && in(m.Group) })
	s.Principals, _ = only(s.Principals, func(p *mivet.Principal) bool { return in(p.ID) })
	return assignments, memberships
}

// narrowResources keeps the resources and identities that bear on a cone.
func (g *Graph) narrowResources(s *mivet.Snapshot, cone map[int32]bool) ([]mivet.Resource, []mivet.Identity) {
	seen := map[*mivet.Resource]bool{}
	var out []mivet.Resource
	add := func(r *mivet.Resource) {
		if r != nil && !seen[r] {
			seen[r] = true
			out = append(out, *r)
		}
	}
	above := func(id arm.ID) {
		for ; id.Level() == arm.LevelResource; id = id.Parent() {
			add(g.idx.Resource(id))
		}
	}
	for n, keep := range g.objectsOf(cone) {
		if !keep {
			continue
		}
		o := &g.objects[n]
		add(o.res)
		above(o.id.Parent())
		if o.typ == typeOther {
			continue
		}
		for _, child := range g.plan.types[o.typ].children {
			typ, name, _ := strings.Cut(child, "/")
			add(g.idx.Resource(below(o.id, typ, name)))
		}
	}
	for i := range g.snap.AccessTests {
		above(g.snap.AccessTests[i].Resource)
	}
	for i := range g.links {
		if w, ok := g.byKey[g.links[i].Workload.Key()]; ok && seen[g.objects[w].res] {
			above(g.links[i].Content)
		}
	}
	slices.SortFunc(out, func(a, b mivet.Resource) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
	identities, _ := only(s.Identities, func(m *mivet.Identity) bool {
		n, ok := g.numbers[m.Principal]
		return ok && cone[n]
	})
	return out, identities
}

// objectsOf are the objects that bear on a cone: those that lead to its principals, and the
// first of each type at which one could put an identity.
func (g *Graph) objectsOf(cone map[int32]bool) []bool {
	out := make([]bool, len(g.objects))
	seen := make([]bool, g.tree.Len())
	var types []int16
	for i := range g.plan.hosting {
		if t := g.plan.hosting[i].typ; !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	for n := range cone {
		if int(n) < len(g.carriers) {
			for _, k := range g.carriers[n] {
				out[k] = true
			}
		}
		if int(n) >= len(g.byHolder) || !g.attaches(n) {
			continue
		}
		for _, node := range g.scopesOf(n) {
			if seen[node] {
				continue
			}
			seen[node] = true
			for _, t := range types {
				for _, k := range g.placesBelow(t, node) {
					out[k] = true
				}
			}
		}
	}
	return out
}

// attaches reports whether a principal may attach identities.
func (g *Graph) attaches(n int32) bool {
	for _, i := range g.byHolder[n] {
		if g.entries[i].by == byAttach {
			return true
		}
	}
	return false
}

// only keeps some elements of a list, and tells where they were.
func only[T any](list []T, keep func(*T) bool) (out []T, places []int) {
	for i := range list {
		if keep(&list[i]) {
			out, places = append(out, list[i]), append(places, i)
		}
	}
	return out, places
}

// reduced is a snapshot without some facts.
func reduced(base *mivet.Snapshot, all []Fact, removed map[int]bool, place func(*Fact) int) *mivet.Snapshot {
	gone := map[FactKind]map[int]bool{}
	settings := map[arm.Key]map[string]string{}
	for i := range removed {
		f := &all[i]
		if f.Kind == FactSetting {
			k := f.Resource.Key()
			if settings[k] == nil {
				settings[k] = map[string]string{}
			}
			settings[k][f.Setting] = f.Value
			continue
		}
		if gone[f.Kind] == nil {
			gone[f.Kind] = map[int]bool{}
		}
		gone[f.Kind][place(f)] = true
	}
	s := *base
	s.RoleAssignments = kept(s.RoleAssignments, gone[FactAssignment])
	s.Memberships = kept(s.Memberships, gone[FactMembership])
	s.Ownerships = kept(s.Ownerships, gone[FactOwner])
	s.AccessPolicies = kept(s.AccessPolicies, gone[FactPolicy])
	s.DirectoryRoles = kept(s.DirectoryRoles, gone[FactDirectory])
	s.AppRoles = kept(s.AppRoles, gone[FactAppRole])
	s.FederatedCredentials = kept(s.FederatedCredentials, gone[FactFederated])
	s.Resources = changed(s.Resources, settings)
	return &s
}

// kept is a list without some of its elements.
func kept[T any](list []T, gone map[int]bool) []T {
	if len(gone) == 0 {
		return list
	}
	out := make([]T, 0, len(list))
	for i := range list {
		if !gone[i] {
			out = append(out, list[i])
		}
	}
	return out
}

// changed is a list of resources with some settings changed.
func changed(list []mivet.Resource, settings map[arm.Key]map[string]string) []mivet.Resource {
	if len(settings) == 0 {
		return list
	}
	out := make([]mivet.Resource, len(list))
	copy(out, list)
	for i := range out {
		now := settings[out[i].ID.Key()]
		if now == nil || out[i].Detail == nil {
			continue
		}
		d := *out[i].Detail
		d.Settings = maps.Clone(d.Settings)
		maps.Copy(d.Settings, now)
		out[i].Detail = &d
	}
	return out
}
