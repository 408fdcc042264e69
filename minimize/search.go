// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"cmp"
	"slices"
)

// searcher is a branch and bound. It divides a model into parts where it can.
type searcher struct {
	work, end int64 // what was done, and when to give up
	nodes     int
}

// outcome is what is known of a model: the cheapest choice below a limit that was found, or
// none, and what every choice costs at least, as far as that is below the limit.
type outcome struct {
	chosen []int // by the caller's numbers; nil with a cost of unlimited: none was found
	cost   int64
	bound  int64
}

// The steps of a bound: where the search begins, and below.
const (
	firstSteps = 60
	laterSteps = 20
)

// solve looks for a choice that costs less than the limit.
func (s *searcher) solve(m *model, limit int64) outcome {
	var chosen []int
	var base, bound int64 // what is fixed costs; what any choice costs at least
	best := outcome{cost: unlimited}
	// done puts what is fixed before the outcome of the rest.
	done := func(o outcome) outcome {
		if o.cost < unlimited {
			best = outcome{cost: base + o.cost, chosen: append(chosen, o.chosen...)}
		}
		best.bound = min(max(bound, base+o.bound), best.cost)
		return best
	}
	for {
		if base >= min(limit, best.cost) {
			return done(outcome{cost: unlimited})
		}
		if m.needs == 0 {
			return done(outcome{})
		}
		s.work += m.work()
		if dropped := m.dominated(); dropped != nil {
			m = m.without(dropped, nil, nil)
			continue
		}
		c, dead := m.forced()
		if dead {
			return done(outcome{cost: unlimited, bound: unlimited})
		}
		if c >= 0 {
			base += m.price(c)
			chosen = append(chosen, m.ids[c])
			m = m.take(c, nil)
			continue
		}
		rest := min(limit, best.cost) - base
		if parts := m.parts(); len(parts) > 1 {
			return done(s.sum(parts, rest))
		}
		d := s.divide(m)
		bound = max(bound, base+d.bound())
		if d.cost < rest {
			rest = d.cost
			o := d.outcome()
			best = outcome{cost: base + o.cost, chosen: append(slices.Clone(chosen), o.chosen...)}
		}
		if d.bound() >= rest || s.work > s.end {
			return done(outcome{cost: unlimited, bound: d.bound()})
		}
		if dropped := d.tooDear(rest); dropped != nil {
			m = m.without(dropped, nil, nil)
			continue
		}
		return done(s.branch(d, rest))
	}
}

// divide makes a bound: a good one at first, one that is at hand when time is short.
func (s *searcher) divide(m *model) *dual {
	each := m.work() + int64(m.needs*len(m.weights))/2
	steps := int64(laterSteps)
	if s.nodes == 0 {
		steps = firstSteps
	}
	steps = max(0, min(steps, (s.end-s.work)/each))
	if m.needs*len(m.weights) > maxDivision {
		steps = 0
	}
	s.work += (steps + 1) * each
	return m.divide(int(steps))
}

// outcome is the choice that was found with the bound.
func (d *dual) outcome() outcome {
	o := outcome{cost: d.cost}
	for _, c := range d.choice {
		o.chosen = append(o.chosen, d.ids[c])
	}
	return o
}

// forced finds a candidate that alone covers some need; -1 if there is none. It is dead
// where nothing covers one.
func (m *model) forced() (c int, dead bool) {
	count := make([]int, m.needs)
	only := make([]int, m.needs)
	for c, needs := range m.covers {
		for _, n := range needs {
			count[n]++
			only[n] = c
		}
	}
	c = -1
	for n, k := range count {
		if k == 0 {
			return -1, true
		}
		if k == 1 && c < 0 {
			c = only[n]
		}
	}
	return c, false
}

// sum solves parts that have nothing to do with each other.
func (s *searcher) sum(parts []*model, limit int64) outcome {
	bounds := make([]int64, len(parts))
	var all outcome
	for i, m := range parts {
		s.work += m.work()
		bounds[i] = m.divide(0).bound()
		all.bound += bounds[i]
	}
	end := s.end
	defer func() { s.end = end }()
	for i, m := range parts {
		if all.bound >= limit {
			return outcome{cost: unlimited, bound: all.bound}
		}
		s.end = s.work + max(0, end-s.work)/int64(len(parts)-i)
		o := s.solve(m, limit-(all.bound-bounds[i]))
		all.bound += max(o.bound, bounds[i]) - bounds[i]
		if o.cost == unlimited {
			all.cost = unlimited
		}
		if all.cost < unlimited {
			all.cost += o.cost
			all.chosen = append(all.chosen, o.chosen...)
		}
	}
	if all.cost >= limit {
		all.cost, all.chosen = unlimited, nil
	}
	return all
}

// branch covers the need with the fewest ways by each of them in turn. What was tried is
// not tried again in the later ones.
func (s *searcher) branch(d *dual, limit int64) outcome {
	best := outcome{cost: unlimited, bound: d.bound()}
	s.nodes++
	n := 0
	for i := range d.needs {
		if c := cmp.Compare(len(d.ways[i]), len(d.ways[n])); c < 0 || c == 0 && d.least[i] > d.least[n] {
			n = i
		}
	}
	ways := slices.Clone(d.ways[n])
	rest := make([]float64, len(d.ids))
	for i, c := range ways {
		rest[c] = d.part(n, c, d.place[n][i])
	}
	slices.SortStableFunc(ways, func(a, b int32) int { return cmp.Compare(rest[a], rest[b]) })
	bound := int64(unlimited)
	dropped := make([]bool, len(d.ids))
	for _, w := range ways {
		c := int(w)
		cost := d.price(c)
		dropped[c] = true
		if cost >= limit {
			bound = min(bound, cost)
			continue
		}
		o := s.solve(d.take(c, dropped), limit-cost)
		bound = min(bound, cost+o.bound)
		if o.cost < unlimited && cost+o.cost < limit {
			limit = cost + o.cost
			best = outcome{chosen: append([]int{d.ids[c]}, o.chosen...), cost: limit}
		}
	}
	best.bound = max(d.bound(), min(bound, limit))
	return best
}
