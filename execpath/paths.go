// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Path leads from somebody to a target, step by step.
type Path struct {
	Level Level
	Steps []Step
	// Goal is what the last one may do, where paths were asked for that.
	Goal *Goal
}

// Goal is an operation at a resource; a zero resource stands for anywhere.
type Goal struct {
	Operation arm.Operation
	Resource  arm.ID
}

// PathQuery asks for paths.
type PathQuery struct {
	// From is who begins; none: anybody.
	From []mivet.PrincipalID
	// To is where paths end.
	To []mivet.PrincipalID
	// Level is how sure every step must be.
	Level Level
	// Max is how many paths are wanted; 0 is one.
	Max int
}

// maxTries bounds how many beginnings of paths are weighed for one question.
const maxTries = 1 << 16

// Paths returns paths, the shortest first. From one place they differ in whom they lead
// over; from anywhere each begins with somebody else.
func (g *Graph) Paths(q PathQuery) []Path {
	k := max(q.Max, 1)
	targets := g.known(q.To)
	next := map[int32]hop{}
	dist := map[int32]int{}
	for _, t := range targets {
		dist[t] = 0
	}
	var order []int32
	g.backward(targets, q.Level, func(h hop) bool {
		next[h.from], dist[h.from] = h, dist[h.to]+1
		order = append(order, h.from)
		return true
	})
	if len(q.From) == 0 {
		return g.nearest(order, next, k)
	}
	var out []Path
	for _, from := range g.known(q.From) {
		if _, ok := dist[from]; ok && !slices.Contains(targets, from) {
			out = append(out, g.between(from, dist, q.Level, k)...)
		}
	}
	slices.SortStableFunc(out, func(a, b Path) int { return len(a.Steps) - len(b.Steps) })
	return out[:min(len(out), k)]
}

// nearest are the shortest paths of those who are nearest, without groups: their members
// count by themselves.
func (g *Graph) nearest(order []int32, next map[int32]hop, k int) []Path {
	var out []Path
	for _, p := range order {
		if len(out) == k {
			break
		}
		if !g.isGroup(g.principals[p]) {
			out = append(out, g.pathOf(chain(p, next)))
		}
	}
	return out
}

// chain are the hops from somebody to the end of a search.
func chain(from int32, next map[int32]hop) []hop {
	var hops []hop
	for {
		h, ok := next[from]
		if !ok {
			return hops
		}
		hops = append(hops, h)
		from = h.to
	}
}

func (g *Graph) pathOf(hops []hop) Path {
	p := Path{Level: Certain}
	for _, h := range hops {
		s := g.step(h)
		p.Level = min(p.Level, s.Level)
		p.Steps = append(p.Steps, s)
	}
	return p
}

// attempt is the beginning of a path.
type attempt struct {
	hops []hop
	at   int32
}

// attempts are beginnings, by the fewest steps that the whole path can have.
type attempts [][]attempt

func (a *attempts) push(least int, x attempt) {
	for len(*a) <= least {
		*a = append(*a, nil)
	}
	(*a)[least] = append((*a)[least], x)
}

// pop returns one of the shortest.
func (a attempts) pop() (attempt, bool) {
	for i := range a {
		if len(a[i]) > 0 {
			x := a[i][0]
			a[i] = a[i][1:]
			return x, true
		}
	}
	return attempt{}, false
}

// between finds the shortest simple paths from one principal, the distance to the end
// being known.
func (g *Graph) between(from int32, dist map[int32]int, level Level, k int) []Path {
	var out []Path
	var open attempts
	open.push(dist[from], attempt{at: from})
	direct := map[int32][]hop{}
	for tries := 0; len(out) < k && tries < maxTries; tries++ {
		a, ok := open.pop()
		if !ok {
			break
		}
		if dist[a.at] == 0 && len(a.hops) > 0 {
			out = append(out, g.pathOf(a.hops))
			continue
		}
		hops, ok := direct[a.at]
		if !ok {
			hops = g.hopsInto(a.at, dist, level)
			direct[a.at] = hops
		}
		for _, h := range hops {
			if h.to == from || slices.ContainsFunc(a.hops, func(b hop) bool { return b.to == h.to }) {
				continue
			}
			open.push(len(a.hops)+1+dist[h.to], attempt{append(slices.Clone(a.hops), h), h.to})
		}
	}
	return out
}

// hopsInto are the first hops of a principal to those from whom the end can be reached.
func (g *Graph) hopsInto(p int32, dist map[int32]int, level Level) []hop {
	var out []hop
	seen := map[int32]bool{}
	g.hops(p, level, func(h hop) {
		if _, ok := dist[h.to]; ok && !seen[h.to] && h.to != p {
			seen[h.to] = true
			out = append(out, h)
		}
	})
	return out
}

// hops calls visit for every direct hop of a principal.
func (g *Graph) hops(p int32, level Level, visit func(hop)) {
	if int(p) < len(g.plainOut) {
		for _, i := range g.plainOut[p] {
			if e := &g.plain[i]; g.open(e, level) {
				visit(hop{p, e.to, i, -1, -1})
			}
		}
	}
	if int(p) >= len(g.byHolder) {
		return
	}
	for _, authority := range []bool{false, true} {
		for _, i := range g.byHolder[p] {
			e := &g.entries[i]
			if (e.typ == typeAny) != authority {
				continue
			}
			for _, n := range g.below(e.typ, e.node) {
				o := &g.objects[n]
				m := g.satisfied(e, o, level)
				if m == 0 {
					continue
				}
				each := func(to int32) { visit(hop{p, to, -1, i, n}) }
				g.leads(e, o, m, each)
				g.swapped(e, o, level, each)
			}
		}
	}
}
