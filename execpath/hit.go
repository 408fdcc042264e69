// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"slices"
)

// maxBranches bounds the exact search for the cheapest cut.
const maxBranches = 200_000

// hit finds facts that meet every set. The result is the cheapest if exact is true; bound
// is a cost that no choice is below: the sum over sets that have nothing in common.
func hit(sets [][]int, costs []int) (chosen map[int]bool, cost, bound int, exact bool) {
	h := &hitter{sets: slices.Clone(sets), costs: costs, best: -1}
	slices.SortStableFunc(h.sets, func(a, b []int) int { return len(a) - len(b) })
	for _, f := range h.greedy() {
		h.choice = append(h.choice, f)
		h.best = max(h.best, 0) + costs[f]
	}
	if h.best < 0 {
		return map[int]bool{}, 0, 0, true
	}
	bound = h.packing(map[int]bool{}, map[int]bool{})
	h.search(map[int]bool{}, map[int]bool{}, 0)
	chosen = map[int]bool{}
	for _, f := range h.choice {
		chosen[f] = true
	}
	if exact = h.branches <= maxBranches; exact {
		bound = h.best
	}
	return chosen, h.best, bound, exact
}

type hitter struct {
	sets     [][]int
	costs    []int
	best     int
	choice   []int
	branches int
}

// greedy takes again and again the fact that meets most sets for its cost, and drops at
// the end what turned out to be of no use.
func (h *hitter) greedy() []int {
	left := slices.Clone(h.sets)
	var out []int
	for len(left) > 0 {
		count := map[int]int{}
		for _, s := range left {
			for _, f := range s {
				count[f]++
			}
		}
		best := -1
		for f, n := range count {
			if best < 0 || n*h.costs[best] > count[best]*h.costs[f] || n*h.costs[best] == count[best]*h.costs[f] && f < best {
				best = f
			}
		}
		out = append(out, best)
		left = slices.DeleteFunc(left, func(s []int) bool { return slices.Contains(s, best) })
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(h.costs[b], h.costs[a]) })
	for i := 0; i < len(out); {
		rest := slices.Delete(slices.Clone(out), i, i+1)
		if h.meets(rest) {
			out = rest
			continue
		}
		i++
	}
	return out
}

func (h *hitter) meets(choice []int) bool {
	return !slices.ContainsFunc(h.sets, func(s []int) bool {
		return !slices.ContainsFunc(s, func(f int) bool { return slices.Contains(choice, f) })
	})
}

// packing is a cost that the sets not met yet need at least.
func (h *hitter) packing(in, out map[int]bool) int {
	used := map[int]bool{}
	sum := 0
	for _, s := range h.sets {
		least := -1
		for _, f := range s {
			if in[f] || used[f] {
				least = -1
				break
			}
			if !out[f] && (least < 0 || h.costs[f] < least) {
				least = h.costs[f]
			}
		}
		if least < 0 {
			continue
		}
		for _, f := range s {
			used[f] = true
		}
		sum += least
	}
	return sum
}

// search tries each fact of the first set that is not met; what was tried before is left
// out further on.
func (h *hitter) search(in, out map[int]bool, cost int) {
	if h.branches++; h.branches > maxBranches {
		return
	}
	open := slices.IndexFunc(h.sets, func(s []int) bool { return !slices.ContainsFunc(s, func(f int) bool { return in[f] }) })
	if open < 0 {
		if cost < h.best {
			h.best = cost
			h.choice = h.choice[:0]
			for f := range in {
				h.choice = append(h.choice, f)
			}
		}
		return
	}
	if cost+h.packing(in, out) >= h.best {
		return
	}
	facts := slices.DeleteFunc(slices.Clone(h.sets[open]), func(f int) bool { return out[f] })
	slices.SortStableFunc(facts, func(a, b int) int { return cmp.Compare(h.costs[a], h.costs[b]) })
	for _, f := range facts {
		in[f] = true
		h.search(in, out, cost+h.costs[f])
		delete(in, f)
		out[f] = true
	}
	for _, f := range facts {
		delete(out, f)
	}
}
