// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// placeMap counts the resources below scopes. Resources within resources are not counted.
type placeMap struct {
	tree *arm.Tree
	// types are the resource types, and places holds for each the lowest scope that is asked
	// about and holds the resource, in order: one number a resource.
	types  []string
	places [][]arm.Node
	// vaults are those of the places that are key vaults, by what decides about their data.
	vaults [ModelRoles + 1][]arm.Node
	// outside are the resources that grants name and of which nothing else is known.
	outside []arm.Node
}

// newPlaceMap reads the snapshot once. Only the scopes of grants are kept as scopes.
func newPlaceMap(s *mivet.Snapshot, x *mivet.Index) *placeMap {
	var b arm.TreeBuilder
	for i := range s.RoleAssignments {
		b.Add(s.RoleAssignments[i].Scope)
	}
	for i := range s.Subscriptions {
		b.Add(s.Subscriptions[i].ID)
		link(&b, s.Subscriptions[i].ID, s.Subscriptions[i].Parent)
	}
	for i := range s.ManagementGroups {
		b.Add(s.ManagementGroups[i].ID)
		link(&b, s.ManagementGroups[i].ID, s.ManagementGroups[i].Parent)
	}
	m := &placeMap{tree: b.Build()}
	places := map[string][]arm.Node{}
	seen := make(map[string]string) // spelling → folded
	for i := range s.Resources {
		t, ok := topType(s.Resources[i].ID, seen)
		if !ok {
			continue
		}
		n, _ := m.tree.Find(s.Resources[i].ID)
		places[t] = append(places[t], n)
		if t == vaultType {
			model := VaultModelOf(&s.Resources[i])
			m.vaults[model] = append(m.vaults[model], n)
		}
	}
	m.addOutside(s, x, places, seen)
	m.types = slices.Sorted(maps.Keys(places))
	for _, t := range m.types {
		slices.Sort(places[t])
		m.places = append(m.places, places[t])
	}
	for i := range m.vaults {
		slices.Sort(m.vaults[i])
	}
	return m
}

// addOutside adds the resources that role assignments name and the snapshot does not hold:
// they exist, since Azure assigns no role at what is not there.
func (m *placeMap) addOutside(s *mivet.Snapshot, x *mivet.Index, places map[string][]arm.Node, seen map[string]string) {
	named := map[arm.Key]arm.ID{}
	for i := range s.RoleAssignments {
		if top := topResource(s.RoleAssignments[i].Scope); !top.IsZero() && x.Resource(top) == nil {
			named[top.Key()] = top
		}
	}
	for _, id := range named {
		n, exact := m.tree.Find(id)
		t, ok := topType(id, seen)
		if !ok || !exact {
			continue
		}
		m.outside = append(m.outside, n)
		places[t] = append(places[t], n)
		if t == vaultType {
			m.vaults[ModelUnknown] = append(m.vaults[ModelUnknown], n)
		}
	}
	slices.Sort(m.outside)
}

// topResource returns the resource that a scope is, or is in; zero for other scopes.
func topResource(id arm.ID) arm.ID {
	if id.Level() != arm.LevelResource {
		return arm.ID{}
	}
	for up := id.Parent(); up.Level() == arm.LevelResource; up = id.Parent() {
		id = up
	}
	return id
}

// link puts a scope below a management group; a circle in the facts is left out, which
// the engine reports of the decisions that it touches.
func link(b *arm.TreeBuilder, child, parent arm.ID) {
	if parent.IsZero() {
		return
	}
	if err := b.Link(child, parent); err != nil {
		b.Add(child)
	}
}

// topType returns the folded type of a resource that is in no other resource.
func topType(id arm.ID, seen map[string]string) (string, bool) {
	t := id.Type()
	key, ok := seen[t]
	if !ok {
		key = string(arm.Fold(t))
		if strings.Count(key, "/") != 1 || strings.HasPrefix(key, "microsoft.resources/") {
			key = ""
		}
		seen[t] = key
	}
	return key, key != ""
}

// count returns how many places lie below the nodes, none counted twice. The nodes must be
// in order and not hold one another.
func (m *placeMap) count(places, nodes []arm.Node) int {
	sum := 0
	for _, n := range nodes {
		last := m.tree.Last(n)
		from := sort.Search(len(places), func(i int) bool { return places[i] >= n })
		to := sort.Search(len(places), func(i int) bool { return places[i] > last })
		sum += to - from
	}
	return sum
}

// widest drops the nodes that lie below others, and sorts the rest, in place.
func (m *placeMap) widest(nodes []arm.Node) []arm.Node {
	slices.SortFunc(nodes, func(a, b arm.Node) int { return cmp.Compare(a, b) })
	out := nodes[:0]
	for _, n := range nodes {
		if len(out) == 0 || !m.tree.Contains(out[len(out)-1], n) {
			out = append(out, n)
		}
	}
	return out
}

// ReachOf counts what a set of holdings can touch. What a holding may do under a
// condition is not counted, and neither are data of key vaults that ignore role
// assignments; see [Pass.ReachBy] for their access lists.
func (p *Pass) ReachOf(holdings []Holding) mivet.Reach {
	m := p.shared.places()
	var r mivet.Reach
	at := make([]arm.Node, len(holdings))
	for i := range holdings {
		at[i], _ = m.tree.Find(holdings[i].Scope())
		r.Possibly = r.Possibly || !holdings[i].Surely || holdings[i].Role.Definition == nil
		r.Grants = r.Grants || p.GrantsFreely(&holdings[i]) == authz.Allowed
	}
	for _, n := range m.widest(slices.Clone(at)) {
		r.Scopes = append(r.Scopes, m.tree.ID(n))
	}
	tops := make([]arm.Node, len(at))
	for i, n := range at {
		tops[i] = m.top(n)
	}
	does := make([]*roleTypes, len(holdings))
	for i := range holdings {
		does[i] = p.typesOf(holdings[i].Role)
	}
	var nodes []arm.Node
	for t := range m.types {
		all := m.places[t]
		ruled := all
		if m.types[t] == vaultType {
			ruled = m.vaults[ModelRoles]
		}
		count := func(places, at []arm.Node, has func(*roleTypes) bool) int {
			nodes = nodes[:0]
			for i := range holdings {
				if holdings[i].Surely && has(does[i]) {
					nodes = append(nodes, at[i])
				}
			}
			return m.count(places, m.widest(nodes))
		}
		uses := func(d *roleTypes) bool { return d.data[t] }
		r.Changes += count(all, at, func(d *roleTypes) bool { return d.changes[t] })
		r.Data += count(ruled, tops, uses)
		if m.types[t] == vaultType {
			r.Secrets += count(ruled, tops, func(d *roleTypes) bool { return d.secrets })
			r.Possibly = r.Possibly || count(m.vaults[ModelUnknown], tops, uses) > 0
		}
	}
	for i := range holdings {
		if holdings[i].Role.Powers.Any(Writes | UsesData) {
			r.Outside = m.addNamed(r.Outside, holdings[i].Scope(), tops[i])
		}
	}
	return r
}

// addNamed adds the resource that a scope names, if nothing else is known of it.
func (m *placeMap) addNamed(list []arm.ID, scope arm.ID, top arm.Node) []arm.ID {
	if _, found := slices.BinarySearch(m.outside, top); !found || scope.Level() != arm.LevelResource {
		return list
	}
	if id := topResource(scope); !slices.ContainsFunc(list, id.Equal) {
		list = append(list, id)
	}
	return list
}

// roleTypes says of each type of the map whether a role changes such resources, and
// whether it uses their data.
type roleTypes struct {
	changes, data []bool
	secrets       bool
}

func (p *Pass) typesOf(role *Role) *roleTypes {
	if d := p.memo.roleTypes[role]; d != nil {
		return d
	}
	types := p.shared.places().types
	d := &roleTypes{changes: make([]bool, len(types)), data: make([]bool, len(types)), secrets: role.Powers.Has(ReadsSecrets)}
	for i, t := range types {
		d.changes[i], d.data[i] = p.changes(role, t), p.usesData(role, t)
	}
	p.memo.roleTypes[role] = d
	return d
}

const vaultType = "microsoft.keyvault/vaults"

// top returns the resource that a scope within it belongs to: what is granted at a
// container reaches data of the account.
func (m *placeMap) top(n arm.Node) arm.Node {
	for up := m.tree.Parent(n); m.tree.ID(up).Level() == arm.LevelResource; up = m.tree.Parent(n) {
		n = up
	}
	return n
}
