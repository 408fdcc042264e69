// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"

	"github.com/mivet/mivet"
)

// noPerson marks a principal that no fact of the snapshot names.
const noPerson int32 = -1

// people are the interned principals and the groups that each is in.
type people struct {
	roster
	ids   []mivet.PrincipalID
	group []groupness
	// own is how many, the first ones, other facts than delegations name.
	own int32
	// direct holds, per principal, the groups that it is directly in.
	direct lists
	// members holds, per principal, those who are directly in it.
	members lists
	// subjects holds, per principal, itself and every group that it is in, transitively,
	// and that some grant, deny or policy names.
	subjects lists
}

// groupness says whether a principal can have members.
type groupness uint8

const (
	maybeGroup groupness = iota
	isGroup
	notGroup
)

// lists is a list per number, stored in one piece.
type lists struct {
	start []int32
	items []int32
}

func (l *lists) of(i int32) []int32 { return l.items[l.start[i]:l.start[i+1]] }

// listsOf groups values by number; pairs are (number, value). Order within a number is
// the order of the pairs.
func listsOf(n int, pairs [][2]int32) lists {
	l := lists{start: make([]int32, n+1), items: make([]int32, len(pairs))}
	for _, p := range pairs {
		l.start[p[0]+1]++
	}
	for i := 1; i <= n; i++ {
		l.start[i] += l.start[i-1]
	}
	next := slices.Clone(l.start)
	for _, p := range pairs {
		l.items[next[p[0]]] = p[1]
		next[p[0]]++
	}
	return l
}

// add interns a principal. The empty ID is none: a fact without a principal is not about
// the one who asks without one.
func (p *people) add(id mivet.PrincipalID) int32 {
	if n := p.find(id); n != noPerson || id == "" {
		return n
	}
	n := int32(len(p.ids))
	p.roster.add(id, n)
	p.ids = append(p.ids, id)
	p.group = append(p.group, maybeGroup)
	return n
}

// setHolderType sets a type that an assignment gives. Where assignments disagree the
// principal is taken for a group, in whatever order they come.
func (p *people) setHolderType(id mivet.PrincipalID, t mivet.PrincipalType) {
	if n := p.add(id); n == noPerson || p.group[n] != isGroup {
		p.setType(id, t)
	}
}

func (p *people) setType(id mivet.PrincipalID, t mivet.PrincipalType) {
	n := p.add(id)
	switch {
	case n == noPerson || t == "":
	case t == mivet.TypeGroup || t == mivet.TypeForeignGroup:
		p.group[n] = isGroup
	default:
		p.group[n] = notGroup
	}
}

// newPeople interns everyone whom a fact names. Types of the directory win over types of
// assignments, because an assignment keeps the type that it was created with.
func newPeople(s *mivet.Snapshot) *people {
	p := &people{}
	for i := range s.RoleAssignments {
		p.setHolderType(s.RoleAssignments[i].Principal, s.RoleAssignments[i].PrincipalType)
	}
	for i := range s.DenyAssignments {
		for _, id := range s.DenyAssignments[i].Principals {
			p.add(id)
		}
		for _, id := range s.DenyAssignments[i].Excluded {
			p.add(id)
		}
	}
	for i := range s.AccessPolicies {
		p.add(s.AccessPolicies[i].Principal)
	}
	for i := range s.LocalGrants {
		p.add(s.LocalGrants[i].Principal)
	}
	for i := range s.PathACLs {
		p.add(s.PathACLs[i].Principal)
		p.add(s.PathACLs[i].Owner)
	}
	for i := range s.Identities {
		p.setType(s.Identities[i].Principal, mivet.TypeServicePrincipal)
	}
	for i := range s.Memberships {
		p.add(s.Memberships[i].Member)
		p.setType(s.Memberships[i].Group, mivet.TypeGroup)
	}
	for i := range s.Principals {
		p.setType(s.Principals[i].ID, s.Principals[i].Type)
	}
	p.own = int32(len(p.ids))
	for i := range s.Delegations {
		for j := range s.Delegations[i].Grants {
			p.add(s.Delegations[i].Grants[j].Principal)
		}
	}
	for i := range s.Gaps {
		if s.Gaps[i].Facts == mivet.FactMemberships && isPrincipalID(s.Gaps[i].Subject) {
			p.add(mivet.NewPrincipalID(s.Gaps[i].Subject))
		}
	}
	return p
}

// isPrincipalID reports whether the subject of a gap is surely a principal, even if no
// fact names it, and not the address of an object in an input.
func isPrincipalID(subject string) bool {
	id := mivet.NewPrincipalID(subject)
	_, symbolic := id.Symbolic()
	return symbolic || mivet.IsGUID(string(id))
}

// close follows memberships upwards. Only groups for which relevant holds are kept, as
// the others cannot change an answer.
func (p *people) close(s *mivet.Snapshot, relevant func(int32) bool) {
	pairs := make([][2]int32, 0, len(s.Memberships))
	for i := range s.Memberships {
		member, group := p.find(s.Memberships[i].Member), p.find(s.Memberships[i].Group)
		if member != noPerson && group != noPerson {
			pairs = append(pairs, [2]int32{member, group})
		}
	}
	n := len(p.ids)
	p.direct = listsOf(n, pairs)
	for i := range pairs {
		pairs[i][0], pairs[i][1] = pairs[i][1], pairs[i][0]
	}
	p.members = listsOf(n, pairs)
	p.subjects.start = make([]int32, n+1)
	seen := make([]int32, n) // the last principal for which a group was visited, from 1
	var stack []int32
	for i := range int32(n) {
		p.subjects.items = append(p.subjects.items, i)
		seen[i] = i + 1
		stack = append(stack[:0], p.direct.of(i)...)
		for len(stack) > 0 {
			g := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[g] == i+1 {
				continue
			}
			seen[g] = i + 1
			if relevant(g) {
				p.subjects.items = append(p.subjects.items, g)
			}
			stack = append(stack, p.direct.of(g)...)
		}
		p.subjects.start[i+1] = int32(len(p.subjects.items))
	}
}

// via returns the shortest chain of memberships from a principal to a group, both
// included; nil if there is none.
func (p *people) via(from, to int32) []int32 {
	if from == to {
		return []int32{from}
	}
	before := map[int32]int32{from: noPerson}
	queue := []int32{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, g := range p.direct.of(at) {
			if _, ok := before[g]; ok {
				continue
			}
			before[g] = at
			if g == to {
				return p.unwind(before, to)
			}
			queue = append(queue, g)
		}
	}
	return nil
}

func (p *people) unwind(before map[int32]int32, to int32) []int32 {
	var chain []int32
	for at := to; at != noPerson; at = before[at] {
		chain = append(chain, at)
	}
	slices.Reverse(chain)
	return chain
}

func (p *people) names(chain []int32) []mivet.PrincipalID {
	out := make([]mivet.PrincipalID, len(chain))
	for i, n := range chain {
		out[i] = p.ids[n]
	}
	return out
}
