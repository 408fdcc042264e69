// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// cover is a set of scopes with all that is below them.
type cover struct {
	any   bool
	facts []int32 // per scope: the gap that covers it, -1 for none
	// people are gaps that concern one principal.
	people map[int32]int32
}

// gap returns the number of the gap that covers a scope or a principal, or -1.
func (c *cover) gap(n arm.Node, person int32) int32 {
	if !c.any {
		return -1
	}
	if i, ok := c.people[person]; ok {
		return i
	}
	return c.facts[n]
}

// gaps are the gaps that bear on answers.
type gaps struct {
	grants, denies, policies, locals cover
	// place covers subscriptions whose management group is not known.
	place cover
	// members are the gaps of single groups and principals: whose members, or whose groups,
	// were not read.
	members map[int32]int32
	// open holds, per principal, the gap that leaves open who is in that group, directly or
	// through a group inside; -1: none. It is nil where no group is open.
	open []int32
	// allMembers is the gap that says that no membership was read, or -1.
	allMembers int32
}

func newGaps(s *mivet.Snapshot, t *arm.Tree, p *people) *gaps {
	g := &gaps{members: map[int32]int32{}, allMembers: -1}
	g.grants = newCover(s, t, p, mivet.FactRoleAssignments)
	g.denies = newCover(s, t, p, mivet.FactDenyAssignments)
	g.policies = newCover(s, t, p, mivet.FactAccessPolicies)
	g.locals = newCover(s, t, p, mivet.FactLocalGrants)
	g.place = newCover(s, t, p, mivet.FactManagementGroups)
	for i := range s.Gaps {
		if s.Gaps[i].Facts != mivet.FactMemberships {
			continue
		}
		number := int32(i) //nolint:gosec // fewer gaps than 2^31
		if n := p.find(mivet.NewPrincipalID(s.Gaps[i].Subject)); n != noPerson {
			g.members[n] = number
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
	for n, gap := range g.members {
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
			g.open[at] = gap
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

func newCover(s *mivet.Snapshot, t *arm.Tree, p *people, kind mivet.FactKind) cover {
	c := cover{people: map[int32]int32{}}
	for i := range s.Gaps {
		gap := &s.Gaps[i]
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
		number := int32(i) //nolint:gosec // fewer gaps than 2^31
		if n := p.find(mivet.NewPrincipalID(gap.Subject)); n != noPerson {
			c.people[n] = number
			continue
		}
		at, _ := t.Find(gap.Scope)
		c.facts[at] = number
	}
	for n := 1; n < len(c.facts); n++ {
		if c.facts[n] < 0 {
			c.facts[n] = c.facts[t.Parent(arm.Node(n))] //nolint:gosec // a node fits
		}
	}
	return c
}

// any reports whether anything was not read that bears on answers.
func (g *gaps) any() bool {
	return g.grants.any || g.denies.any || g.policies.any || g.locals.any || g.place.any ||
		g.allMembers >= 0 || len(g.members) > 0
}

// persons are the principals of whom something was not read.
func (g *gaps) persons() map[int32]bool {
	out := map[int32]bool{}
	for _, c := range []*cover{&g.grants, &g.denies, &g.policies, &g.locals} {
		for n := range c.people {
			out[n] = true
		}
	}
	for n := range g.members {
		out[n] = true
	}
	return out
}
