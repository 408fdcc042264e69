// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// atom is a set of operations of one provider that the same roles give.
type atom struct {
	provider string
	roles    set // by their place in the list of roles that are candidates
	weight   int64
}

// price cuts what candidates give into cells: operations that the same candidates give in
// the same region. A region is a scope without the scopes of the list below it. A cell
// costs its weight once, however many grants give it.
func (in *instance) price() {
	roles := map[int]int{}
	var order []int
	for i := range in.candidates {
		if r := in.candidates[i].role; !hasKey(roles, r) {
			roles[r] = len(order)
			order = append(order, r)
		}
	}
	atoms := in.atoms(order)
	found := map[string]int{}
	var members []set
	key := make([]byte, 8*len(newSet(len(in.candidates))))
	for s := range in.scopes {
		sizes := in.sizes(s, atoms)
		for _, a := range atoms {
			by := newSet(len(in.candidates))
			for i := range in.candidates {
				if c := &in.candidates[i]; in.holds[c.scope][s] && a.roles.has(roles[c.role]) {
					by.add(i)
				}
			}
			if by.empty() {
				continue
			}
			for i, w := range by {
				binary.LittleEndian.PutUint64(key[8*i:], w)
			}
			cell, ok := found[string(key)]
			if !ok {
				cell = len(members)
				found[string(key)] = cell
				members, in.weights = append(members, by), append(in.weights, 0)
			}
			in.weights[cell] += a.weight * sizes[a.provider]
		}
	}
	for i := range in.candidates {
		in.candidates[i].cells = newSet(len(members))
	}
	for cell, by := range members {
		by.each(func(i int) { in.candidates[i].cells.add(cell) })
	}
}

func hasKey[K comparable, V any](m map[K]V, k K) bool {
	_, ok := m[k]
	return ok
}

// atoms groups the operations that some of the roles give by provider and by which roles
// give them.
func (in *instance) atoms(roles []int) []atom {
	weigh := in.Weight
	if weigh == nil {
		weigh = Weight
	}
	n := len(in.Roles.ops)
	given := newSet(2 * n)
	for _, r := range roles {
		given.union(in.Roles.gives[r])
	}
	out := map[string]*atom{}
	by := newSet(len(roles))
	key := make([]byte, 8*len(by))
	given.each(func(bit int) {
		clear(by)
		for i, r := range roles {
			if in.Roles.gives[r].has(bit) {
				by.add(i)
			}
		}
		for i, w := range by {
			binary.LittleEndian.PutUint64(key[8*i:], w)
		}
		op, plane := in.Roles.ops[bit%n], mivet.PlaneControl
		if bit >= n {
			plane = mivet.PlaneData
		}
		provider := strings.ToLower(op.Provider())
		name := provider + "\x00" + string(key)
		a := out[name]
		if a == nil {
			a = &atom{provider: provider, roles: slices.Clone(by)}
			out[name] = a
		}
		a.weight += int64(weigh(op, plane))
	})
	var list []atom
	for _, name := range slices.Sorted(maps.Keys(out)) {
		list = append(list, *out[name])
	}
	return list
}

// sizes counts the resources of each provider in the region of a scope: one at least,
// because something may be created there later.
func (in *instance) sizes(s int, atoms []atom) map[string]int64 {
	out := map[string]int64{}
	for _, a := range atoms {
		if hasKey(out, a.provider) {
			continue
		}
		n := in.count(s, a.provider)
		for _, b := range in.topsBelow(s) {
			n -= in.count(b, a.provider)
		}
		out[a.provider] = int64(max(1, n))
	}
	return out
}

func (in *instance) count(s int, provider string) int {
	if in.Count == nil {
		return 1
	}
	return in.Count(in.scopes[s], provider)
}

// topsBelow lists the scopes of the list right below a scope.
func (in *instance) topsBelow(s int) []int {
	var out []int
	for b := range in.scopes {
		if b == s || !in.holds[s][b] || in.holds[b][s] {
			continue
		}
		between := func(m []bool) bool { return m[b] }
		top := true
		for m := range in.scopes {
			top = top && (m == s || m == b || !in.holds[s][m] || in.holds[m][s] || !between(in.holds[m]))
		}
		if top {
			out = append(out, b)
		}
	}
	return out
}

// prune drops candidates for which another covers as much and gives no more, at whatever
// scope.
func (in *instance) prune() {
	var out []candidate
	for i := range in.candidates {
		c := &in.candidates[i]
		drop := false
		for j := range in.candidates {
			d := &in.candidates[j]
			if i == j || !c.needs.within(d.needs) || !d.cells.within(c.cells) {
				continue
			}
			drop = drop || j < i || !d.needs.within(c.needs) || !c.cells.within(d.cells)
		}
		if !drop {
			out = append(out, *c)
		}
	}
	in.candidates = out
}
