// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"math"
	"slices"
)

// dual bounds what a choice costs from below. The cost of each cell, and each candidate's
// own, is divided among the needs that may pay for it. Each need then pays at least for its
// cheapest candidate, so the sum over the needs is no more than any choice costs. The
// division is bettered step by step: a cost moves to the needs whose cheapest candidates
// would pay it.
type dual struct {
	*model
	ways  [][]int32
	place [][]int32 // of a way: the place of the need among the candidate's
	cells []float64 // of a need and a cell: its part of the weight
	owns  [][]float64
	least []float64 // of a need: what it pays at least, at the best division
	best  float64
	chose []int32 // of a need: its cheapest candidate

	bestCells []float64
	bestOwns  [][]float64

	choice []int // the cheapest choice that was found on the way
	cost   int64
}

const maxDivision = 1 << 22 // above so many needs times cells the division is not bettered

// divide makes a bound in so many steps.
func (m *model) divide(steps int) *dual {
	d := &dual{model: m, ways: m.ways(), best: math.Inf(-1), cost: unlimited}
	d.place = make([][]int32, m.needs)
	for c, needs := range m.covers {
		for i, n := range needs {
			d.place[n] = append(d.place[n], int32(i))
		}
		d.owns = append(d.owns, make([]float64, len(needs)))
		for i := range needs {
			d.owns[c][i] = float64(m.own[c]) / float64(len(needs))
		}
	}
	d.chose = make([]int32, m.needs)
	d.start()
	d.choose()
	for t := range steps {
		if d.bound() >= d.cost {
			break
		}
		d.move(2 / float64(t+4)) // it must fall as 1/t, or the division does not settle
		d.choose()
	}
	return d
}

// start divides each weight evenly among the needs of which some candidate has the cell.
func (d *dual) start() {
	k := len(d.weights)
	d.cells = make([]float64, d.needs*k)
	payers := make([]int, k)
	for n := range d.needs {
		for _, c := range d.ways[n] {
			for _, cell := range d.model.cells[c] {
				if d.cells[n*k+int(cell)] == 0 {
					d.cells[n*k+int(cell)] = 1
					payers[cell]++
				}
			}
		}
	}
	for n := range d.needs {
		for cell := range k {
			if d.cells[n*k+cell] > 0 {
				d.cells[n*k+cell] = float64(d.weights[cell]) / float64(payers[cell])
			}
		}
	}
}

// part is what a need pays for a candidate.
func (d *dual) part(n int, c int32, place int32) float64 {
	sum := d.owns[c][place]
	row := d.cells[n*len(d.weights) : (n+1)*len(d.weights)]
	for _, k := range d.model.cells[c] {
		sum += row[k]
	}
	return sum
}

// choose finds the cheapest candidate of each need, and keeps the division if it is the
// best, and the choice if it is the cheapest.
func (d *dual) choose() {
	least := make([]float64, d.needs)
	sum := 0.0
	for n := range d.needs {
		least[n] = math.Inf(1)
		for i, c := range d.ways[n] {
			if p := d.part(n, c, d.place[n][i]); p < least[n] {
				least[n], d.chose[n] = p, c
			}
		}
		sum += least[n]
	}
	if sum > d.best {
		d.best, d.least = sum, least
		d.bestCells = append(d.bestCells[:0], d.cells...)
		if d.bestOwns == nil {
			d.bestOwns = make([][]float64, len(d.owns))
		}
		for c := range d.owns {
			d.bestOwns[c] = append(d.bestOwns[c][:0], d.owns[c]...)
		}
	}
	d.consider()
}

// consider prices the candidates that the needs chose, without those that others make
// superfluous.
func (d *dual) consider() {
	var list []int
	count := make([]int, d.needs) // how many of the list cover a need
	for _, c := range d.chose {
		if slices.Contains(list, int(c)) {
			continue
		}
		list = append(list, int(c))
		for _, n := range d.covers[c] {
			count[n]++
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return int(min(1, max(-1, d.own[b]-d.own[a]))) })
	kept := list[:0]
	for _, c := range list {
		if slices.ContainsFunc(d.covers[c], func(n int32) bool { return count[n] == 1 }) {
			kept = append(kept, c)
			continue
		}
		for _, n := range d.covers[c] {
			count[n]--
		}
	}
	if cost := d.costOf(kept); cost < d.cost {
		d.cost, d.choice = cost, slices.Clone(kept)
	}
}

// costOf is what a choice costs.
func (m *model) costOf(list []int) int64 {
	paid := newSet(len(m.weights))
	var sum int64
	for _, c := range list {
		sum += m.own[c]
		for _, k := range m.cells[c] {
			if !paid.has(int(k)) {
				paid.add(int(k))
				sum += m.weights[k]
			}
		}
	}
	return sum
}

// move gives a part of each cost to the needs that would pay it.
func (d *dual) move(part float64) {
	k := len(d.weights)
	payers := make([]int, k)
	pays := make([]bool, d.needs*k)
	takers := make(map[int32]int, d.needs)
	for n, c := range d.chose {
		takers[c]++
		for _, cell := range d.model.cells[c] {
			payers[cell]++
			pays[n*k+int(cell)] = true
		}
	}
	for n := range d.needs {
		row, mine := d.cells[n*k:(n+1)*k], pays[n*k:(n+1)*k]
		for cell, number := range payers {
			if number == 0 {
				continue
			}
			row[cell] *= 1 - part
			if mine[cell] {
				row[cell] += part * float64(d.weights[cell]) / float64(number)
			}
		}
	}
	for c, number := range takers {
		for i, n := range d.covers[c] {
			d.owns[c][i] *= 1 - part
			if d.chose[n] == c {
				d.owns[c][i] += part * float64(d.own[c]) / float64(number)
			}
		}
	}
}

// bound is what any choice costs at least. Costs are whole numbers, so it is rounded up,
// less what sums of such numbers err.
func (d *dual) bound() int64 { return roundUp(d.best) }

func roundUp(x float64) int64 { return int64(math.Ceil(x - 1e-6*(1+x))) }

// tooDear marks candidates with which every choice costs as much as the limit, or more; nil
// if there are none.
func (d *dual) tooDear(limit int64) []bool {
	k := len(d.weights)
	var out []bool
	for c := range d.ids {
		sum := float64(d.own[c])
		for _, cell := range d.model.cells[c] {
			sum += float64(d.weights[cell])
		}
		next := 0
		for n := range d.needs {
			if next < len(d.covers[c]) && int(d.covers[c][next]) == n {
				next++
				continue
			}
			rest := d.least[n]
			row := d.bestCells[n*k : (n+1)*k]
			for _, cell := range d.model.cells[c] {
				rest -= row[cell]
			}
			sum += max(0, rest)
		}
		if roundUp(sum) >= limit {
			if out == nil {
				out = make([]bool, len(d.ids))
			}
			out[c] = true
		}
	}
	return out
}
