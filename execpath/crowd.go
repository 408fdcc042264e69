// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Crowd answers for one identity after the other, for those who ask about all of them: what
// leads to a principal in one step is looked for once. One goroutine uses it.
type Crowd struct {
	g  *Graph
	in [2]map[int32][]int32
}

// Crowd returns one without answers.
func (g *Graph) Crowd() *Crowd {
	return &Crowd{g: g, in: [2]map[int32][]int32{{}, {}}}
}

// Around is who can act as an identity, and what it comes to itself.
type Around struct {
	// Direct is how many can act as it in one step, and Steps are some of these steps, the
	// certain ones first.
	Direct int
	Steps  []Step
	// Reaching and Possibly are those of [Actors].
	Reaching, Possibly []mivet.PrincipalID
	// Comes are whom it surely comes to act as, without groups, and Authority the scopes at
	// which it surely can give itself rights in the end.
	Comes     []mivet.PrincipalID
	Authority []arm.ID
}

// Around tells what is around an identity, with at most so many steps.
func (c *Crowd) Around(id mivet.PrincipalID, steps int) Around {
	var out Around
	g := c.g
	n, ok := g.numbers[id]
	if !ok {
		return out
	}
	seen := map[int32]bool{}
	for _, level := range []Level{Certain, Possible} {
		g.backward([]int32{n}, level, func(h hop) bool {
			if h.to == n && !seen[h.from] {
				seen[h.from] = true
				if out.Direct++; len(out.Steps) < steps {
					out.Steps = append(out.Steps, g.step(h))
				}
			}
			return false
		})
	}
	sure := map[int32]bool{}
	for _, p := range c.behind(n, Certain) {
		if sure[p] = true; !g.isGroup(g.principals[p]) {
			out.Reaching = append(out.Reaching, g.principals[p])
		}
	}
	for _, p := range c.behind(n, Possible) {
		if !sure[p] && !g.isGroup(g.principals[p]) {
			out.Possibly = append(out.Possibly, g.principals[p])
		}
	}
	nodes := g.authorityAt(nil, n, Certain)
	g.forward(n, Certain, func(h hop) bool {
		nodes = g.authorityAt(nodes, h.to, Certain)
		if p := g.principals[h.to]; !g.isGroup(p) {
			out.Comes = append(out.Comes, p)
		}
		return true
	})
	slices.SortFunc(nodes, func(a, b arm.Node) int { return cmp.Compare(a, b) })
	for _, node := range slices.Compact(nodes) {
		out.Authority = append(out.Authority, g.tree.ID(node))
	}
	return out
}

// behind lists everybody who comes to a principal, nearest first.
func (c *Crowd) behind(n int32, level Level) []int32 {
	var out []int32
	seen := map[int32]bool{n: true}
	queue := []int32{n}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, from := range c.before(p, level) {
			if !seen[from] {
				seen[from] = true
				out = append(out, from)
				queue = append(queue, from)
			}
		}
	}
	return out
}

// before lists those who come to a principal in one step.
func (c *Crowd) before(p int32, level Level) []int32 {
	if list, ok := c.in[level][p]; ok {
		return list
	}
	list := []int32{}
	c.g.backward([]int32{p}, level, func(h hop) bool {
		list = append(list, h.from)
		return false
	})
	c.in[level][p] = list
	return list
}
