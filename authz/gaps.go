// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// cover is where facts of one kind were not read.
type cover struct {
	any   bool
	facts []int32 // per scope: the gap that covers it, -1 for none
	// people are gaps that concern one principal, and those who are in it.
	people []placedGap
	// high are gaps at management groups, for resources whose place is not known.
	high []placedGap
}

// placedGap is a gap at a scope and everything below.
type placedGap struct {
	number int32
	person int32 // noPerson: everyone
	node   arm.Node
}

// gaps are the gaps that bear on answers.
type gaps struct {
	// list are all gaps: those of the snapshot first.
	list                             []mivet.Gap
	grants, denies, policies, locals cover
	delegations, paths               cover
	// groups covers scopes above which management groups were not read, and subscriptions
	// those of which no fact says where they are.
	groups, subscriptions cover
	// members are the gaps of single groups and principals: whose members, or whose groups,
	// were not read. subjects are their keys in the order of the gaps.
	members  map[int32]int32
	subjects []int32
	// open holds, per principal, the gap that leaves open who is in that group, directly or
	// through a group inside; -1: none. It is nil where no group is open.
	open []int32
	// allMembers is the gap that says that no membership was read, or -1.
	allMembers int32
}

func newGaps(list []mivet.Gap, t *arm.Tree, p *people) *gaps {
	g := &gaps{list: list, members: map[int32]int32{}, allMembers: -1}
	g.grants = newCover(list, t, p, mivet.FactRoleAssignments)
	g.denies = newCover(list, t, p, mivet.FactDenyAssignments)
	g.policies = newCover(list, t, p, mivet.FactAccessPolicies)
	g.locals = newCover(list, t, p, mivet.FactLocalGrants)
	g.delegations = newCover(list, t, p, mivet.FactDelegations)
	g.paths = newCover(list, t, p, mivet.FactPathACLs)
	nobody := &people{} // a place is nobody's, whatever the subject of the gap is
	g.groups = newCover(list, t, nobody, mivet.FactManagementGroups)
	g.subscriptions = newCover(list, t, nobody, mivet.FactSubscriptions)
	for i := range list {
		if list[i].Facts != mivet.FactMemberships {
			continue
		}
		number := int32(i)
		if n := p.find(mivet.NewPrincipalID(list[i].Subject)); n != noPerson {
			g.members[n] = number
			g.subjects = append(g.subjects, n)
		} else {
			g.allMembers = number
		}
	}
	g.openUp(p)
	return g
}

// openUp marks the groups whose members were not read, and all groups above them.
func (g *gaps) openUp(p *people) {
	if len(g.members) == 0 {
		return
	}
	g.open = make([]int32, len(p.ids))
	for i := range g.open {
		g.open[i] = -1
	}
	for _, n := range g.subjects {
		if p.group[n] == notGroup {
			continue
		}
		stack := []int32{n}
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if g.open[at] >= 0 {
				continue
			}
			g.open[at] = g.members[n]
			stack = append(stack, p.direct.of(at)...)
		}
	}
}

// membership returns the gap that leaves open whether the person is in the group, or -1.
func (g *gaps) membership(p *people, person, group int32) int32 {
	if p.group[group] == notGroup {
		return -1
	}
	if g.allMembers >= 0 {
		return g.allMembers
	}
	if gap, ok := g.members[person]; ok {
		return gap
	}
	if g.open != nil {
		return g.open[group]
	}
	return -1
}

// newCover collects the gaps of one kind. A gap whose subject is a principal that a fact
// names is about that one; any other subject is an object that may be about anyone.
func newCover(list []mivet.Gap, t *arm.Tree, p *people, kind mivet.FactKind) cover {
	var c cover
	for i := range list {
		gap := &list[i]
		if gap.Facts != kind {
			continue
		}
		if !c.any {
			c.any = true
			c.facts = make([]int32, t.Len())
			for n := range c.facts {
				c.facts[n] = -1
			}
		}
		at, _ := t.Find(gap.Scope)
		placed := placedGap{number: int32(i), person: p.find(mivet.NewPrincipalID(gap.Subject)), node: at}
		switch {
		case placed.person != noPerson:
			c.people = append(c.people, placed)
		case gap.Scope.Level() == arm.LevelManagementGroup:
			c.high = append(c.high, placed)
			c.facts[at] = placed.number
		default:
			c.facts[at] = placed.number
		}
	}
	for n := 1; n < len(c.facts); n++ {
		if c.facts[n] < 0 {
			c.facts[n] = c.facts[t.Parent(arm.Node(n))]
		}
	}
	return c
}

// gap returns the number of the gap that covers the question, or -1.
func (q *question) gap(c *cover) int32 {
	if !c.any {
		return -1
	}
	if n := c.facts[q.node]; n >= 0 {
		return n
	}
	for i := range c.people {
		g := &c.people[i]
		if (q.e.tree.Contains(g.node, q.node) || q.mayBeBelow(g.node)) && q.isIn(g.person) != abac.False {
			return g.number
		}
	}
	for i := range c.high {
		if q.mayBeBelow(c.high[i].node) {
			return c.high[i].number
		}
	}
	return -1
}

// any reports whether anything was not read that bears on answers.
func (g *gaps) any() bool {
	return g.grants.any || g.denies.any || g.policies.any || g.locals.any || g.delegations.any || g.groups.any || g.subscriptions.any ||
		g.allMembers >= 0 || len(g.members) > 0
}

// persons are the principals of whom something was not read.
func (g *gaps) persons() map[int32]bool {
	out := map[int32]bool{}
	for _, c := range []*cover{&g.grants, &g.denies, &g.policies, &g.locals, &g.delegations, &g.paths} {
		for i := range c.people {
			out[c.people[i].person] = true
		}
	}
	for n := range g.members {
		out[n] = true
	}
	return out
}
