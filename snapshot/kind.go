// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"unsafe"

	"github.com/mivet/mivet"
)

// Kinds that this package treats on their own.
const (
	kindHeader         = "header"
	kindOrigin         = "origin"
	kindProperties     = "properties"
	kindGap            = "gap"
	kindRoleAssignment = "roleAssignment"
	kindResource       = "resource"
)

// kind is one sort of facts: how a file names it, and how its facts get in and out.
type kind struct {
	name  string
	facts mivet.FactKind
	size  int64 // of one fact in memory, without what it points to
	// grow makes room for n more facts and returns the place of the first one.
	grow func(s *mivet.Snapshot, n int) int
	// read decodes the records of a frame into the facts from place at on.
	read func(d *decoder, s *mivet.Snapshot, at int, e *entry) error
	// write appends the facts of s to the file.
	write func(w *Writer, s *mivet.Snapshot) error
}

// list describes the facts of type T. fast may be nil; it decodes what this package
// writes and returns false for anything else that JSON permits.
type list[T any] struct {
	of     func(*mivet.Snapshot) *[]T
	source func(*T) *mivet.Source
	fast   func(*cursor, *T) bool
}

func kindOf[T any](name string, facts mivet.FactKind, l list[T]) kind {
	var zero T
	return kind{
		name: name, facts: facts, size: int64(unsafe.Sizeof(zero)), //nolint:gosec // a size, no pointer
		grow: func(s *mivet.Snapshot, n int) int {
			rows := l.of(s)
			at := len(*rows)
			*rows = append(*rows, make([]T, n)...)
			return at
		},
		read: func(d *decoder, s *mivet.Snapshot, at int, e *entry) error {
			return readList(d, l, (*l.of(s))[at:at+int(e.Records)], e)
		},
		write: func(w *Writer, s *mivet.Snapshot) error { return writeList(w, name, l, *l.of(s)) },
	}
}

func resources() list[mivet.Resource] {
	return list[mivet.Resource]{
		of:     func(s *mivet.Snapshot) *[]mivet.Resource { return &s.Resources },
		source: func(f *mivet.Resource) *mivet.Source { return &f.Source },
		fast:   fastResource,
	}
}

func roleAssignments() list[mivet.RoleAssignment] {
	return list[mivet.RoleAssignment]{
		of:     func(s *mivet.Snapshot) *[]mivet.RoleAssignment { return &s.RoleAssignments },
		source: func(f *mivet.RoleAssignment) *mivet.Source { return &f.Source },
		fast:   fastRoleAssignment,
	}
}

// kinds lists every sort of facts, in the order in which they are written.
func kinds() []kind {
	type (
		S = *mivet.Snapshot
		O = *mivet.Source
	)
	return []kind{
		kindOf("managementGroup", mivet.FactManagementGroups, list[mivet.ManagementGroup]{
			of:     func(s S) *[]mivet.ManagementGroup { return &s.ManagementGroups },
			source: func(f *mivet.ManagementGroup) O { return &f.Source },
		}),
		kindOf("subscription", mivet.FactSubscriptions, list[mivet.Subscription]{
			of:     func(s S) *[]mivet.Subscription { return &s.Subscriptions },
			source: func(f *mivet.Subscription) O { return &f.Source },
		}),
		kindOf(kindResource, mivet.FactResources, resources()),
		kindOf("identity", mivet.FactIdentities, list[mivet.Identity]{
			of:     func(s S) *[]mivet.Identity { return &s.Identities },
			source: func(f *mivet.Identity) O { return &f.Source },
			fast:   fastIdentity,
		}),
		kindOf("principal", mivet.FactPrincipals, list[mivet.Principal]{
			of:     func(s S) *[]mivet.Principal { return &s.Principals },
			source: func(f *mivet.Principal) O { return &f.Source },
			fast:   fastPrincipal,
		}),
		kindOf("membership", mivet.FactMemberships, list[mivet.Membership]{
			of:     func(s S) *[]mivet.Membership { return &s.Memberships },
			source: func(f *mivet.Membership) O { return &f.Source },
			fast:   fastMembership,
		}),
		kindOf("ownership", mivet.FactOwners, list[mivet.Ownership]{
			of:     func(s S) *[]mivet.Ownership { return &s.Ownerships },
			source: func(f *mivet.Ownership) O { return &f.Source },
		}),
		kindOf("federatedCredential", mivet.FactFederatedCredentials, list[mivet.FederatedCredential]{
			of:     func(s S) *[]mivet.FederatedCredential { return &s.FederatedCredentials },
			source: func(f *mivet.FederatedCredential) O { return &f.Source },
		}),
		kindOf("outsideRight", mivet.FactOutsideRights, list[mivet.OutsideRight]{
			of:     func(s S) *[]mivet.OutsideRight { return &s.OutsideRights },
			source: func(f *mivet.OutsideRight) O { return &f.Source },
		}),
		kindOf("roleDefinition", mivet.FactRoleDefinitions, list[mivet.RoleDefinition]{
			of:     func(s S) *[]mivet.RoleDefinition { return &s.RoleDefinitions },
			source: func(f *mivet.RoleDefinition) O { return &f.Source },
		}),
		kindOf(kindRoleAssignment, mivet.FactRoleAssignments, roleAssignments()),
		kindOf("denyAssignment", mivet.FactDenyAssignments, list[mivet.DenyAssignment]{
			of:     func(s S) *[]mivet.DenyAssignment { return &s.DenyAssignments },
			source: func(f *mivet.DenyAssignment) O { return &f.Source },
		}),
		kindOf("accessPolicy", mivet.FactAccessPolicies, list[mivet.AccessPolicy]{
			of:     func(s S) *[]mivet.AccessPolicy { return &s.AccessPolicies },
			source: func(f *mivet.AccessPolicy) O { return &f.Source },
			fast:   fastAccessPolicy,
		}),
		kindOf("localRole", mivet.FactLocalGrants, list[mivet.LocalRole]{
			of:     func(s S) *[]mivet.LocalRole { return &s.LocalRoles },
			source: func(f *mivet.LocalRole) O { return &f.Source },
		}),
		kindOf("localGrant", mivet.FactLocalGrants, list[mivet.LocalAssignment]{
			of:     func(s S) *[]mivet.LocalAssignment { return &s.LocalGrants },
			source: func(f *mivet.LocalAssignment) O { return &f.Source },
		}),
		kindOf("pathACL", mivet.FactPathACLs, list[mivet.PathACL]{
			of:     func(s S) *[]mivet.PathACL { return &s.PathACLs },
			source: func(f *mivet.PathACL) O { return &f.Source },
		}),
		kindOf("appRole", mivet.FactAppRoles, list[mivet.AppRoleAssignment]{
			of:     func(s S) *[]mivet.AppRoleAssignment { return &s.AppRoles },
			source: func(f *mivet.AppRoleAssignment) O { return &f.Source },
		}),
		kindOf("directoryRole", mivet.FactDirectoryRoles, list[mivet.DirectoryRoleAssignment]{
			of:     func(s S) *[]mivet.DirectoryRoleAssignment { return &s.DirectoryRoles },
			source: func(f *mivet.DirectoryRoleAssignment) O { return &f.Source },
		}),
		kindOf("delegation", mivet.FactDelegations, list[mivet.Delegation]{
			of:     func(s S) *[]mivet.Delegation { return &s.Delegations },
			source: func(f *mivet.Delegation) O { return &f.Source },
		}),
		kindOf("lock", mivet.FactLocks, list[mivet.Lock]{
			of:     func(s S) *[]mivet.Lock { return &s.Locks },
			source: func(f *mivet.Lock) O { return &f.Source },
		}),
		kindOf("declaration", mivet.FactInput, list[mivet.Declaration]{
			of:     func(s S) *[]mivet.Declaration { return &s.Declarations },
			source: func(f *mivet.Declaration) O { return &f.Source },
		}),
		kindOf("accessTest", mivet.FactInput, list[mivet.AccessTest]{
			of:     func(s S) *[]mivet.AccessTest { return &s.AccessTests },
			source: func(f *mivet.AccessTest) O { return &f.Source },
		}),
		kindOf(kindGap, "", list[mivet.Gap]{
			of:     func(s S) *[]mivet.Gap { return &s.Gaps },
			source: func(f *mivet.Gap) O { return &f.Source },
		}),
	}
}

// kindNamed returns the kind of that name, or nil.
func kindNamed(all []kind, name string) *kind {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}
