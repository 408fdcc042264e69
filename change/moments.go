// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A factKind says how facts of one sort are found in a snapshot and told apart.
type factKind[T any] struct {
	list      func(*mivet.Snapshot) *[]T
	source    func(*T) mivet.Source
	principal func(*T) *mivet.PrincipalID
	key       func(*T) string
}

func (k *comparison) assignments() factKind[mivet.RoleAssignment] {
	return factKind[mivet.RoleAssignment]{
		func(s *mivet.Snapshot) *[]mivet.RoleAssignment { return &s.RoleAssignments },
		func(f *mivet.RoleAssignment) mivet.Source { return f.Source },
		func(f *mivet.RoleAssignment) *mivet.PrincipalID { return &f.Principal },
		func(f *mivet.RoleAssignment) string {
			return joinKey(string(f.Principal), k.roleName(&k.after, f), string(f.Scope.Key()), eligibility(f.Eligible))
		},
	}
}

var policies = factKind[mivet.AccessPolicy]{
	func(s *mivet.Snapshot) *[]mivet.AccessPolicy { return &s.AccessPolicies },
	func(f *mivet.AccessPolicy) mivet.Source { return f.Source },
	func(f *mivet.AccessPolicy) *mivet.PrincipalID { return &f.Principal },
	policyKey,
}

var localGrants = factKind[mivet.LocalAssignment]{
	func(s *mivet.Snapshot) *[]mivet.LocalAssignment { return &s.LocalGrants },
	func(f *mivet.LocalAssignment) mivet.Source { return f.Source },
	func(f *mivet.LocalAssignment) *mivet.PrincipalID { return &f.Principal },
	localKey,
}

var members = factKind[mivet.Membership]{
	func(s *mivet.Snapshot) *[]mivet.Membership { return &s.Memberships },
	func(f *mivet.Membership) mivet.Source { return f.Source },
	func(f *mivet.Membership) *mivet.PrincipalID { return &f.Member },
	membershipKey,
}

// settled is what Azure holds afterwards: the grants of the plan as they will really be
// (see settle), everything else as planned.
func (k *comparison) settled() *mivet.Snapshot {
	s := *k.After
	settleFacts(k, &s, k.assignments())
	settleFacts(k, &s, policies)
	settleFacts(k, &s, localGrants)
	return &s
}

// settleFacts does for facts what settle does for what they give.
func settleFacts[T any](k *comparison, s *mivet.Snapshot, kind factKind[T]) {
	all := *kind.list(s)
	out := make([]T, 0, len(all))
	seen := map[string]bool{}
	for _, f := range all {
		a := address(kind.source(&f))
		x := k.steps[a]
		switch {
		case x == nil || x.Grant == nil:
		case k.absentAfter(x) || k.lists[impossible][a]:
			continue
		default:
			seen[a] = true
			*kind.principal(&f) = k.boundAfter(x)
		}
		out = append(out, f)
	}
	for _, f := range *kind.list(k.Before) {
		a := address(kind.source(&f))
		x := k.steps[a]
		if x == nil || x.Grant == nil || seen[a] || k.absentAfter(x) {
			continue
		}
		if !k.lists[impossible][a] {
			*kind.principal(&f) = k.boundAfter(x)
		}
		out = append(out, f)
	}
	*kind.list(s) = out
}

// during is what holds at every time between before and after: what is made is not yet
// there, what is deleted is gone already, and of what is made before its predecessor is
// deleted both are there. What is changed in place is as it is after, where it was there
// before.
func (k *comparison) during(after *mivet.Snapshot) *mivet.Snapshot {
	s := *after
	duringFacts(k, &s, k.assignments())
	duringFacts(k, &s, policies)
	duringFacts(k, &s, localGrants)
	duringFacts(k, &s, members)
	s.DenyAssignments = slices.Concat(k.Before.DenyAssignments, s.DenyAssignments)
	return &s
}

func duringFacts[T any](k *comparison, s *mivet.Snapshot, kind factKind[T]) {
	before := *kind.list(k.Before)
	was := make(map[string]bool, len(before))
	var out []T
	for i := range before {
		was[kind.key(&before[i])] = true
		if x := k.steps[address(kind.source(&before[i]))]; x != nil && x.createdFirst() {
			out = append(out, before[i])
		}
	}
	for _, f := range *kind.list(s) {
		x := k.steps[address(kind.source(&f))]
		switch {
		case x != nil && x.createdFirst():
		case x != nil && x.does("create"), !was[kind.key(&f)]:
			continue
		}
		out = append(out, f)
	}
	*kind.list(s) = out
}

// bearer is an identity that somebody presents.
type bearer struct {
	principal mivet.PrincipalID
	owner     string
}

// outlives reports whether the identity of a bearer is there without a break until its
// successor is.
func (k *comparison) outlives(b bearer) bool {
	s := k.steps[b.owner]
	return s == nil || !s.replaced() || s.createdFirst()
}

// bearersOf are the identities that a resource carries.
func (k *comparison) bearersOf(d *side, r *mivet.Resource) []bearer {
	if r == nil || r.Identity == nil {
		return nil
	}
	var out []bearer
	for _, w := range carried(d, r) {
		out = append(out, bearer{w.principal, w.owner})
	}
	return out
}

// ownBearer is the identity of an owner: a user-assigned identity, or the system-assigned
// one of a resource.
func ownBearer(d *side, id arm.ID) []bearer {
	if m := d.index.UserAssigned(id); m != nil && m.Principal != "" {
		return []bearer{{m.Principal, address(m.Source)}}
	}
	if r := d.index.Resource(id); r != nil && r.Identity != nil && r.Identity.SystemPrincipal != "" {
		return []bearer{{r.Identity.SystemPrincipal, address(r.Source)}}
	}
	return nil
}
