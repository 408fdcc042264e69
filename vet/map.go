// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
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
	// places holds, by resource type, the lowest scope that is asked about and holds the
	// resource, in order: one number a resource.
	places map[string][]arm.Node
	types  []string
}

// newPlaceMap reads the snapshot once. Only the scopes of grants are kept as scopes.
func newPlaceMap(s *mivet.Snapshot) *placeMap {
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
	m := &placeMap{tree: b.Build(), places: map[string][]arm.Node{}}
	seen := make(map[string]string) // spelling → folded
	for i := range s.Resources {
		t, ok := topType(s.Resources[i].ID, seen)
		if !ok {
			continue
		}
		n, _ := m.tree.Find(s.Resources[i].ID)
		m.places[t] = append(m.places[t], n)
	}
	for t, nodes := range m.places {
		slices.Sort(nodes)
		m.types = append(m.types, t)
	}
	slices.Sort(m.types)
	return m
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

// count returns how many resources of a type lie below the nodes, none counted twice.
// The nodes must be in order and not hold one another.
func (m *placeMap) count(resourceType string, nodes []arm.Node) int {
	places := m.places[resourceType]
	sum := 0
	for _, n := range nodes {
		last := m.tree.Last(n)
		from := sort.Search(len(places), func(i int) bool { return places[i] >= n })
		to := sort.Search(len(places), func(i int) bool { return places[i] > last })
		sum += to - from
	}
	return sum
}

// widest drops the nodes that lie below others, and sorts the rest.
func (m *placeMap) widest(nodes []arm.Node) []arm.Node {
	slices.SortFunc(nodes, func(a, b arm.Node) int { return cmp.Compare(a, b) })
	var out []arm.Node
	for _, n := range nodes {
		if len(out) == 0 || !m.tree.Contains(out[len(out)-1], n) {
			out = append(out, n)
		}
	}
	return out
}

// ReachOf counts what a set of holdings can touch. What a holding may do under a
// condition is not counted.
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
	secrets := func(role *Role, _ string) bool { return role.Powers.Has(ReadsSecrets) }
	for _, t := range m.types {
		r.Changes += m.reach(t, at, holdings, p.changes)
		r.Data += m.reach(t, tops, holdings, p.usesData)
		if t == vaultType {
			r.Secrets += m.reach(t, tops, holdings, secrets)
		}
	}
	return r
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

func (m *placeMap) reach(t string, at []arm.Node, holdings []Holding, has func(*Role, string) bool) int {
	var nodes []arm.Node
	for i := range holdings {
		if holdings[i].Surely && has(holdings[i].Role, t) {
			nodes = append(nodes, at[i])
		}
	}
	if len(nodes) == 0 {
		return 0
	}
	return m.count(t, m.widest(nodes))
}
