// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"encoding/binary"
	"slices"
)

// atom is a set of rights of one provider that the same roles give.
type atom struct {
	provider int32
	roles    set // by their place in the list of roles
	weight   int64
}

// price makes the model of a part: what candidates give is cut into cells, rights that the
// same candidates give in the same places. A cell costs its weight once, however many
// grants give it; what one candidate alone gives is its own cost.
func (in *instance) price(part []int) *model {
	m := &model{}
	roles := map[int]int{}
	var order []int
	needs := map[int32]int32{}
	for _, i := range part {
		c := &in.candidates[i]
		if _, ok := roles[c.role]; !ok {
			roles[c.role] = len(order)
			order = append(order, c.role)
		}
		var covers []int32
		for _, n := range c.needs {
			if _, ok := needs[n]; !ok {
				needs[n] = int32(len(needs))
			}
			covers = append(covers, needs[n])
		}
		slices.Sort(covers)
		m.ids, m.own, m.covers = append(m.ids, i), append(m.own, c.own), append(m.covers, covers)
	}
	m.needs = len(needs)
	m.cells = make([][]int32, len(part))
	if len(part) == 0 {
		return m
	}
	atoms := in.atoms(order)
	top := in.candidates[part[0]].scope
	by := make([]set, len(order)) // of a role: the candidates that give it in the region
	for i := range by {
		by[i] = newSet(len(part))
	}
	found := map[string]int{}
	var members []set
	key := make([]byte, 8*len(newSet(len(part))))
	for s := top; s <= in.last[top]; s++ {
		for i := range by {
			clear(by[i])
		}
		for i, c := range part {
			if in.holds(in.candidates[c].scope, s) {
				by[roles[in.candidates[c].role]].add(i)
			}
		}
		for _, a := range atoms {
			w := a.weight * in.size[s][a.provider]
			if w == 0 {
				continue
			}
			all := newSet(len(part))
			a.roles.each(func(r int) { all.union(by[r]) })
			for i, w := range all {
				binary.LittleEndian.PutUint64(key[8*i:], w)
			}
			cell, ok := found[string(key)]
			if !ok {
				cell = len(members)
				found[string(key)] = cell
				members, m.weights = append(members, all), append(m.weights, 0)
			}
			m.weights[cell] += w
		}
	}
	for cell, by := range members {
		by.each(func(i int) { m.cells[i] = append(m.cells[i], int32(cell)) })
	}
	return m.without(nil, nil, nil) // it makes cells of one candidate its own
}

// atoms groups the rights that some of the roles give by provider and by which roles give
// them.
func (in *instance) atoms(roles []int) []atom {
	n := len(in.Roles.ops)
	words := len(newSet(len(roles)))
	rows := make([]int32, 2*n) // of a right: where its roles are, plus one
	var rights []int
	var givers []uint64
	for i, r := range roles {
		in.Roles.gives[r].each(func(right int) {
			if rows[right] == 0 {
				rights = append(rights, right)
				rows[right] = int32(len(rights))
				givers = append(givers, make([]uint64, words)...)
			}
			set(givers[int(rows[right]-1)*words:]).add(i)
		})
	}
	found := map[string]int{}
	key := make([]byte, 8*words+4)
	var out []atom
	for row, right := range rights {
		by := set(givers[row*words : (row+1)*words])
		provider := in.Roles.provider[right%n]
		for i, w := range by {
			binary.LittleEndian.PutUint64(key[8*i:], w)
		}
		binary.LittleEndian.PutUint32(key[8*words:], uint32(provider))
		at, ok := found[string(key)]
		if !ok {
			at = len(out)
			found[string(key)] = at
			out = append(out, atom{provider: provider, roles: by})
		}
		out[at].weight += in.Roles.weights[right]
	}
	return out
}
