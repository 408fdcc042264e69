// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// allGaps returns the gaps of the snapshot and, behind them, those that its facts leave
// themselves: a fact that does not say whom it names may name anyone, and a management
// group that stands below itself has no known place.
func allGaps(s *mivet.Snapshot, misplaced []arm.ID) []mivet.Gap {
	out := slices.Clip(s.Gaps)
	lacks := func(facts mivet.FactKind, scope arm.ID, src mivet.Source, i int) {
		out = append(out, mivet.Gap{
			Facts: facts, Scope: scope, Source: src, Reason: fmt.Sprintf("number %d of the %s does not say whom it names", i+1, facts),
		})
	}
	for i := range s.RoleAssignments {
		if a := &s.RoleAssignments[i]; a.Principal == "" {
			lacks(mivet.FactRoleAssignments, a.Scope, a.Source, i)
		}
	}
	for i := range s.DenyAssignments {
		if d := &s.DenyAssignments[i]; slices.Contains(d.Principals, "") {
			lacks(mivet.FactDenyAssignments, d.Scope, d.Source, i)
		}
	}
	for i := range s.AccessPolicies {
		if p := &s.AccessPolicies[i]; p.Principal == "" {
			lacks(mivet.FactAccessPolicies, p.Vault, p.Source, i)
		}
	}
	for i := range s.LocalGrants {
		if g := &s.LocalGrants[i]; g.Principal == "" {
			lacks(mivet.FactLocalGrants, g.Account, g.Source, i)
		}
	}
	for i := range s.PathACLs {
		if a := &s.PathACLs[i]; a.Container.IsZero() {
			out = append(out, mivet.Gap{
				Facts: mivet.FactPathACLs, Source: a.Source,
				Reason: fmt.Sprintf("number %d of the %s does not say in which container it is", i+1, mivet.FactPathACLs),
			})
		}
	}
	for i := range s.Delegations {
		if d := &s.Delegations[i]; slices.ContainsFunc(d.Grants, func(g mivet.DelegatedGrant) bool { return g.Principal == "" }) {
			lacks(mivet.FactDelegations, d.Scope, d.Source, i)
		}
	}
	return append(append(out, memberGaps(s)...), placeGaps(misplaced)...)
}

func memberGaps(s *mivet.Snapshot) []mivet.Gap {
	var out []mivet.Gap
	for i := range s.Memberships {
		m := &s.Memberships[i]
		if known := m.Group + m.Member; m.Group == "" || m.Member == "" {
			out = append(out, mivet.Gap{
				Facts: mivet.FactMemberships, Subject: string(known), Source: m.Source,
				Reason: fmt.Sprintf("number %d of the %s names one side only", i+1, mivet.FactMemberships),
			})
		}
	}
	return out
}

func placeGaps(misplaced []arm.ID) []mivet.Gap {
	out := make([]mivet.Gap, len(misplaced))
	for i, id := range misplaced {
		out[i] = mivet.Gap{
			Facts: mivet.FactManagementGroups, Scope: id,
			Reason: "what is said to be above " + id.String() + " cannot be above it",
		}
	}
	return out
}

// linkGroups puts management groups and subscriptions below their parents. It returns
// those for which it cannot: what stands above them is not known. No member of a circle
// is linked, so that the order of the facts does not decide.
func linkGroups(b *arm.TreeBuilder, s *mivet.Snapshot) (misplaced []arm.ID) {
	parents := map[arm.Key]arm.ID{}
	for i := range s.ManagementGroups {
		g := &s.ManagementGroups[i]
		b.Add(g.ID)
		if !g.ID.IsZero() && !g.Parent.IsZero() {
			parents[g.ID.Key()] = g.Parent
		}
	}
	circled := circles(parents)
	link := func(child, parent arm.ID) {
		if child.IsZero() || parent.IsZero() {
			return
		}
		if circled[child.Key()] || b.Link(child, parent) != nil {
			misplaced = append(misplaced, child)
		}
	}
	for i := range s.ManagementGroups {
		link(s.ManagementGroups[i].ID, s.ManagementGroups[i].Parent)
	}
	for i := range s.Subscriptions {
		link(s.Subscriptions[i].ID, s.Subscriptions[i].Parent)
	}
	return misplaced
}

// circles returns the scopes from which the way up leads back to themselves.
func circles(parents map[arm.Key]arm.ID) map[arm.Key]bool {
	const (
		onTheWay = 1
		done     = 2
	)
	circled, state := map[arm.Key]bool{}, map[arm.Key]uint8{}
	for start := range parents {
		var way []arm.Key
		at := start
		for state[at] == 0 {
			state[at] = onTheWay
			way = append(way, at)
			at = parents[at].Key()
		}
		if i := slices.Index(way, at); state[at] == onTheWay && i >= 0 {
			for _, k := range way[i:] {
				circled[k] = true
			}
		}
		for _, k := range way {
			state[k] = done
		}
	}
	return circled
}
