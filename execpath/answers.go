// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Steps returns the first steps of a principal to everybody that it can act as directly:
// itself, or as a member of its groups.
func (g *Graph) Steps(from mivet.PrincipalID, level Level) []Step {
	n, ok := g.numbers[from]
	if !ok {
		return nil
	}
	var out []Step
	g.forward(n, level, func(h hop) bool {
		out = append(out, g.step(h))
		return h.plain >= 0 && g.plain[h.plain].kind == plainMember
	})
	return out
}

// AuthorityOf returns the scopes at which a principal can give itself rights, itself or as
// anybody that it can come to act as, the widest first.
func (g *Graph) AuthorityOf(who mivet.PrincipalID, level Level) []arm.ID {
	n, ok := g.numbers[who]
	if !ok {
		return nil
	}
	nodes := g.authorityAt(nil, n, level)
	g.forward(n, level, func(h hop) bool {
		nodes = g.authorityAt(nodes, h.to, level)
		return true
	})
	slices.SortFunc(nodes, func(a, b arm.Node) int { return cmp.Compare(a, b) })
	var out []arm.ID
	for _, node := range slices.Compact(nodes) {
		out = append(out, g.tree.ID(node))
	}
	return out
}

func (g *Graph) authorityAt(nodes []arm.Node, n int32, level Level) []arm.Node {
	if int(n) >= len(g.byHolder) {
		return nodes
	}
	for _, i := range g.byHolder[n] {
		e := &g.entries[i]
		if e.by == noAuthority || e.by == byAttach || e.by == byCondition && e.typ != typeAny || level == Certain && e.certain == 0 {
			continue
		}
		nodes = append(nodes, e.node)
	}
	return nodes
}
