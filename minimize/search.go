// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// searcher is the state of a branch and bound.
type searcher struct {
	*instance
	perGrant  int64
	maxGrants int
	maxNodes  int
	covers    [][]int   // of a need: the candidates that cover it
	share     []float64 // of a cell: its weight divided by the needs that could pay for it

	chosen []int
	best   []int
	cost   int64 // of best
	nodes  int
	open   int64 // the lowest bound of a branch that was given up
}

// search finds the cheapest choice; nil if there is none with so few grants.
func (in *instance) search() *Proposal {
	s := &searcher{instance: in, perGrant: int64(in.PerGrant), maxGrants: in.MaxGrants, maxNodes: in.MaxNodes, cost: math.MaxInt64, open: math.MaxInt64}
	if s.perGrant == 0 {
		s.perGrant = defaultPerGrant
	}
	if s.maxGrants == 0 {
		s.maxGrants = len(in.needs)
	}
	if s.maxNodes == 0 {
		s.maxNodes = defaultMaxNodes
	}
	s.covers = make([][]int, len(in.needs))
	for i := range in.candidates {
		in.candidates[i].needs.each(func(n int) { s.covers[n] = append(s.covers[n], i) })
	}
	s.shares()
	all := newSet(len(in.needs))
	for n := range in.needs {
		all.add(n)
	}
	s.greedy(slices.Clone(all))
	s.branch(all, newSet(len(in.weights)), 0)
	if s.best == nil {
		return nil
	}
	p := &Proposal{Cost: s.cost, Proven: s.open >= s.cost, Bound: min(s.cost, s.open), Nodes: s.nodes}
	p.Risk = s.cost - s.perGrant*int64(len(s.best))
	slices.SortFunc(s.best, func(a, b int) int {
		x, y := &in.candidates[a], &in.candidates[b]
		return cmp.Or(cmp.Compare(in.scopes[x.scope].Key(), in.scopes[y.scope].Key()), cmp.Compare(x.role, y.role))
	})
	for _, i := range s.best {
		c := &in.candidates[i]
		p.Grants = append(p.Grants, Grant{in.Roles.defs[c.role], in.scopes[c.scope]})
	}
	return p
}

// shares divides the weight of each cell by the needs that could pay for it: those of
// which some candidate holds the cell. So what each need pays at least, added up, is no
// more than what all grants together cost.
func (s *searcher) shares() {
	s.share = make([]float64, len(s.weights))
	payers := make([]int, len(s.weights))
	for n := range s.needs {
		held := newSet(len(s.weights))
		for _, i := range s.covers[n] {
			held.union(s.candidates[i].cells)
		}
		held.each(func(cell int) { payers[cell]++ })
	}
	for cell, n := range payers {
		if n > 0 {
			s.share[cell] = float64(s.weights[cell]) / float64(n)
		}
	}
}

// more is what a candidate adds to the cells that are paid, and the part of it that falls
// to one need.
func (s *searcher) more(c *candidate, paid set) (cost int64, share float64) {
	for i, w := range c.cells {
		for w &^= paid[i]; w != 0; w &= w - 1 {
			cell := i*64 + bits.TrailingZeros64(w)
			cost += s.weights[cell]
			share += s.share[cell]
		}
	}
	return cost, share
}

// greedy gives the first choice: each time the candidate that costs least for each need
// that it covers newly.
func (s *searcher) greedy(left set) {
	paid := newSet(len(s.weights))
	chosen := []int{}
	var total int64
	for !left.empty() {
		best, price := -1, math.Inf(1)
		for i := range s.candidates {
			c := &s.candidates[i]
			n := overlap(c.needs, left)
			if n == 0 {
				continue
			}
			cost, _ := s.more(c, paid)
			if each := float64(cost+s.perGrant) / float64(n); each < price {
				best, price = i, each
			}
		}
		cost, _ := s.more(&s.candidates[best], paid)
		total += cost + s.perGrant
		chosen = append(chosen, best)
		left.subtract(s.candidates[best].needs)
		paid.union(s.candidates[best].cells)
	}
	if len(chosen) <= s.maxGrants {
		s.best, s.cost = chosen, total
	}
}

func overlap(a, b set) int {
	n := 0
	for i, w := range a {
		n += bits.OnesCount64(w & b[i])
	}
	return n
}

// option is a way to cover a need.
type option struct {
	candidate int
	cost      int64
}

// branch completes a choice in every way that may be cheaper than the best.
func (s *searcher) branch(left, paid set, cost int64) {
	if left.empty() {
		if cost < s.cost {
			s.best, s.cost = append([]int{}, s.chosen...), cost
		}
		return
	}
	if len(s.chosen) == s.maxGrants {
		return
	}
	options, bound := s.options(left, paid, cost)
	if bound >= s.cost {
		return
	}
	if s.nodes++; s.nodes > s.maxNodes {
		s.open = min(s.open, bound)
		return
	}
	for _, o := range options {
		c := &s.candidates[o.candidate]
		if cost+o.cost >= s.cost {
			break // the others cost more
		}
		nextLeft, nextPaid := slices.Clone(left), slices.Clone(paid)
		nextLeft.subtract(c.needs)
		nextPaid.union(c.cells)
		s.chosen = append(s.chosen, o.candidate)
		s.branch(nextLeft, nextPaid, cost+o.cost)
		s.chosen = s.chosen[:len(s.chosen)-1]
	}
}

// options lists how the need with the fewest ways can be covered, the cheapest first, and
// what any completion costs at least.
func (s *searcher) options(left, paid set, cost int64) (best []option, bound int64) {
	costs := make([]int64, len(s.candidates))
	parts := make([]float64, len(s.candidates))
	for i := range s.candidates {
		c := &s.candidates[i]
		if n := overlap(c.needs, left); n > 0 {
			costs[i], parts[i] = s.more(c, paid)
			costs[i] += s.perGrant
			parts[i] += float64(s.perGrant) / float64(n)
		}
	}
	var dearest int64
	sum := 0.0
	fewest := math.MaxInt
	need := -1
	left.each(func(n int) {
		least, part := int64(math.MaxInt64), math.Inf(1)
		for _, i := range s.covers[n] {
			least, part = min(least, costs[i]), min(part, parts[i])
		}
		dearest = max(dearest, least)
		sum += part
		if len(s.covers[n]) < fewest {
			fewest, need = len(s.covers[n]), n
		}
	})
	for _, i := range s.covers[need] {
		best = append(best, option{i, costs[i]})
	}
	slices.SortFunc(best, func(a, b option) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.candidate, b.candidate))
	})
	// The costs are whole numbers, so a bound may be rounded up, less what sums of floats err.
	return best, cost + max(dearest, int64(math.Ceil(sum-1e-6*(1+sum))))
}
