// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// catalogDate returns the newest day of the catalogue's data.
func catalogDate(c *catalog.Catalog) string { return c.Date() }

// Holding is one role that a principal holds at a scope, by itself or through a group.
type Holding struct {
	// Holder is the principal that was asked about.
	Holder     mivet.PrincipalID
	Assignment *mivet.RoleAssignment
	Role       *Role
	// Via are the groups between the holder and the assignment, nearest first, with the
	// assignment's principal at the end; empty for a direct assignment.
	Via []mivet.PrincipalID
	// Surely is false where more than the role decides: a condition of the assignment.
	Surely bool
	rank   int32 // of the assignment among all
}

// Scope returns the scope of the assignment.
func (h *Holding) Scope() arm.ID { return h.Assignment.Scope }

// ledger finds role assignments by principal, in their order, and groups by member.
type ledger struct {
	assignments map[mivet.PrincipalID][]int32
	rank        []int32 // of each assignment, in the order of orderAssignments
	groups      map[mivet.PrincipalID][]mivet.PrincipalID
}

func newLedger(s *mivet.Snapshot, order []int32) *ledger {
	l := &ledger{
		rank:        make([]int32, len(order)),
		assignments: make(map[mivet.PrincipalID][]int32, len(s.Principals)),
		groups:      map[mivet.PrincipalID][]mivet.PrincipalID{},
	}
	for place, i := range order {
		l.rank[i] = int32(place)
		p := s.RoleAssignments[i].Principal
		l.assignments[p] = append(l.assignments[p], i)
	}
	for i := range s.Memberships {
		m := &s.Memberships[i]
		l.groups[m.Member] = append(l.groups[m.Member], m.Group)
	}
	for _, list := range l.groups {
		slices.Sort(list)
	}
	return l
}

// Holdings returns the roles that a principal holds now, by itself and through groups,
// ordered by scope and role. Eligible assignments are left out, since they give nothing
// until somebody activates them, and those whose time is over or has not come.
// The result must not be changed.
func (p *Pass) Holdings(id mivet.PrincipalID) []Holding {
	last := &p.memo.last
	if last.holder != id || last.holdings == nil {
		last.holder, last.holdings = id, p.findHoldings(id)
	}
	return last.holdings
}

func (p *Pass) findHoldings(id mivet.PrincipalID) []Holding {
	l := p.shared.ledger()
	out := p.addHoldings(make([]Holding, 0, len(l.assignments[id])), id, id, nil)
	if len(l.groups[id]) == 0 {
		return out // they are in order
	}
	via := map[mivet.PrincipalID][]mivet.PrincipalID{id: nil}
	for queue := []mivet.PrincipalID{id}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != id {
			out = p.addHoldings(out, id, at, via[at])
		}
		for _, g := range l.groups[at] {
			if _, ok := via[g]; !ok {
				via[g] = append(slices.Clone(via[at]), g)
				queue = append(queue, g)
			}
		}
	}
	slices.SortFunc(out, func(a, b Holding) int { return cmp.Compare(a.rank, b.rank) })
	return out
}

// addHoldings adds what a group, or the holder itself, is assigned.
func (p *Pass) addHoldings(out []Holding, holder, at mivet.PrincipalID, via []mivet.PrincipalID) []Holding {
	l := p.shared.ledger()
	for _, i := range l.assignments[at] {
		if a := &p.Snapshot.RoleAssignments[i]; p.Holds(a) {
			out = append(out, Holding{Holder: holder, Assignment: a, Role: p.Role(a), Via: via, Surely: a.Condition == "", rank: l.rank[i]})
		}
	}
	return out
}

// Holds reports whether an assignment gives something at the time of the snapshot: it is
// not eligible, and its time has come and is not over.
func (p *Pass) Holds(a *mivet.RoleAssignment) bool {
	return !a.Eligible && inTime(a, p.Snapshot.TakenAt)
}

func inTime(a *mivet.RoleAssignment, at time.Time) bool {
	if at.IsZero() {
		return true
	}
	return !a.Start.After(at) && (a.End.IsZero() || a.End.After(at))
}

// Assignments returns the snapshot's role assignments in an order that does not depend
// on the order of its facts.
func (p *Pass) Assignments() []*mivet.RoleAssignment {
	order := p.shared.order()
	out := make([]*mivet.RoleAssignment, len(order))
	for place, i := range order {
		out[place] = &p.Snapshot.RoleAssignments[i]
	}
	return out
}

// orderAssignments sorts by scope, role, principal and place.
func orderAssignments(s *mivet.Snapshot) []int32 {
	type keyed struct {
		scope arm.Key
		index int32
	}
	all := make([]keyed, len(s.RoleAssignments))
	for i := range s.RoleAssignments {
		all[i] = keyed{s.RoleAssignments[i].Scope.Key(), int32(i)}
	}
	slices.SortFunc(all, func(x, y keyed) int {
		a, b := &s.RoleAssignments[x.index], &s.RoleAssignments[y.index]
		if c := cmp.Compare(x.scope, y.scope); c != 0 {
			return c
		}
		if c := cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.RoleName, b.RoleName), cmp.Compare(a.Principal, b.Principal)); c != 0 {
			return c
		}
		return cmp.Or(compareSources(a.Source, b.Source), cmp.Compare(a.ID.Key(), b.ID.Key()), cmp.Compare(x.index, y.index))
	})
	out := make([]int32, len(all))
	for i, k := range all {
		out[i] = k.index
	}
	return out
}

// Nature is what a principal is, as far as the snapshot tells.
type Nature uint8

// The natures of principals.
const (
	NatureUnknown  Nature = iota
	NaturePerson          // a user
	NatureGroup           // a group
	NatureIdentity        // a managed identity
	NatureService         // another service principal
	NatureDevice
)

// String returns the nature in words.
func (n Nature) String() string {
	switch n {
	case NaturePerson:
		return "user"
	case NatureGroup:
		return "group"
	case NatureIdentity:
		return "managed identity"
	case NatureService:
		return "service principal"
	case NatureDevice:
		return "device"
	case NatureUnknown:
		return "principal of unknown kind"
	}
	return "invalid"
}

// Nature says what a principal is: by the directory if it was read, else by what the
// assignment says.
func (p *Pass) Nature(id mivet.PrincipalID, said mivet.PrincipalType) Nature {
	if p.Index().Identity(id) != nil {
		return NatureIdentity
	}
	if d := p.Index().Principal(id); d != nil {
		if d.Managed {
			return NatureIdentity
		}
		if d.Type != "" {
			said = d.Type
		}
	}
	switch said {
	case mivet.TypeUser, mivet.TypeAgentUser:
		return NaturePerson
	case mivet.TypeGroup, mivet.TypeForeignGroup:
		return NatureGroup
	case mivet.TypeServicePrincipal, mivet.TypeAgentPrincipal:
		return NatureService
	case mivet.TypeDevice:
		return NatureDevice
	}
	if _, symbolic := id.Symbolic(); symbolic {
		return NatureIdentity
	}
	return NatureUnknown
}
