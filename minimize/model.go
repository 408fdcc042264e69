// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"encoding/binary"
	"math"
	"slices"
)

// model is a problem of choosing candidates so that each need is covered: a chosen one
// costs its own cost, and each cell of a chosen one costs its weight, once.
type model struct {
	needs   int
	ids     []int     // of a candidate: the number by which the caller knows it
	own     []int64   // of a candidate
	covers  [][]int32 // of a candidate: needs, rising
	cells   [][]int32 // of a candidate: cells, rising
	weights []int64   // of a cell
}

const unlimited = math.MaxInt64 / 4

// price is what a candidate costs alone.
func (m *model) price(c int) int64 {
	sum := m.own[c]
	for _, k := range m.cells[c] {
		sum += m.weights[k]
	}
	return sum
}

// work is how much there is to look at.
func (m *model) work() int64 {
	n := 0
	for c := range m.covers {
		n += (1 + len(m.covers[c])) * (1 + len(m.cells[c]))
	}
	return int64(n)
}

// ways lists for each need the candidates that cover it.
func (m *model) ways() [][]int32 {
	out := make([][]int32, m.needs)
	for c, needs := range m.covers {
		for _, n := range needs {
			out[n] = append(out[n], int32(c))
		}
	}
	return out
}

// without makes the model that is left when candidates are dropped, needs covered and
// cells paid. A candidate without a need is dropped; a cell that one candidate alone has
// becomes its own cost, and cells with the same candidates become one.
func (m *model) without(dropped, covered, paid []bool) *model {
	out := &model{}
	need := make([]int32, m.needs)
	for n := range need {
		if need[n] = -1; covered == nil || !covered[n] {
			need[n] = int32(out.needs)
			out.needs++
		}
	}
	members := make([][]int32, len(m.weights))
	for c := range m.ids {
		if dropped != nil && dropped[c] {
			continue
		}
		var covers []int32
		for _, n := range m.covers[c] {
			if need[n] >= 0 {
				covers = append(covers, need[n])
			}
		}
		if covers == nil {
			continue
		}
		for _, k := range m.cells[c] {
			if paid == nil || !paid[k] {
				members[k] = append(members[k], int32(len(out.ids)))
			}
		}
		out.ids, out.own, out.covers = append(out.ids, m.ids[c]), append(out.own, m.own[c]), append(out.covers, covers)
	}
	out.cells = make([][]int32, len(out.ids))
	out.join(members, m.weights)
	return out
}

// join puts cells with the same members together.
func (m *model) join(members [][]int32, weights []int64) {
	found := map[string]int32{}
	var key []byte
	for k, by := range members {
		switch len(by) {
		case 0:
			continue
		case 1:
			m.own[by[0]] += weights[k]
			continue
		}
		key = key[:0]
		for _, c := range by {
			key = binary.LittleEndian.AppendUint32(key, uint32(c))
		}
		cell, ok := found[string(key)]
		if !ok {
			cell = int32(len(m.weights))
			found[string(key)] = cell
			m.weights = append(m.weights, 0)
			for _, c := range by {
				m.cells[c] = append(m.cells[c], cell)
			}
		}
		m.weights[cell] += weights[k]
	}
}

// take makes the model that is left when a candidate was chosen, and others were dropped.
func (m *model) take(c int, dropped []bool) *model {
	covered, paid := make([]bool, m.needs), make([]bool, len(m.weights))
	for _, n := range m.covers[c] {
		covered[n] = true
	}
	for _, k := range m.cells[c] {
		paid[k] = true
	}
	return m.without(dropped, covered, paid)
}

// dominated marks candidates that no cheapest choice needs: another covers as much, and
// what it costs beyond the cells of both is no more than what the first costs alone. Nil if
// there are none.
func (m *model) dominated() []bool {
	var out []bool
	ways := m.ways()
	prices := make([]int64, len(m.ids))
	for c := range m.ids {
		prices[c] = m.price(c)
	}
	mine := make([]int, len(m.weights))
	for c := range m.ids {
		for _, k := range m.cells[c] {
			mine[k] = c + 1
		}
		// Those that cover the need with the fewest ways are all that may cover as much.
		rare := slices.MinFunc(m.covers[c], func(a, b int32) int { return len(ways[a]) - len(ways[b]) })
		for _, w := range ways[rare] {
			d := int(w)
			if d == c || out != nil && out[d] || m.own[d] > m.own[c] || prices[d] > prices[c] || !isWithin(m.covers[c], m.covers[d]) {
				continue
			}
			more := m.own[d]
			for _, k := range m.cells[d] {
				if mine[k] != c+1 {
					more += m.weights[k]
				}
			}
			if more <= m.own[c] {
				if out == nil {
					out = make([]bool, len(m.ids))
				}
				out[c] = true
				break
			}
		}
	}
	return out
}

// parts divides a model into those that share neither needs nor cells.
func (m *model) parts() []*model {
	group := make([]int, m.needs+len(m.weights)) // needs, then cells
	for i := range group {
		group[i] = i
	}
	find := func(i int) int {
		for group[i] != i {
			group[i] = group[group[i]]
			i = group[i]
		}
		return i
	}
	for c, needs := range m.covers {
		first := find(int(needs[0]))
		for _, n := range needs[1:] {
			group[find(int(n))] = first
		}
		for _, k := range m.cells[c] {
			group[find(m.needs+int(k))] = first
		}
	}
	var tops []int
	for n := range m.needs {
		if top := find(n); !slices.Contains(tops, top) {
			tops = append(tops, top)
		}
	}
	if len(tops) < 2 {
		return []*model{m}
	}
	var out []*model
	for _, top := range tops {
		dropped, covered := make([]bool, len(m.ids)), make([]bool, m.needs)
		for c, needs := range m.covers {
			dropped[c] = find(int(needs[0])) != top
		}
		for n := range m.needs {
			covered[n] = find(n) != top
		}
		out = append(out, m.without(dropped, covered, nil))
	}
	slices.SortStableFunc(out, func(a, b *model) int { return len(a.ids) - len(b.ids) })
	return out
}
