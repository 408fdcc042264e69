// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// addFact adds what an edit gives back, or gives anew.
func addFact(s *mivet.Snapshot, e *mivet.Edit) {
	switch e.Kind {
	case mivet.EditAddPolicy:
		s.AccessPolicies = append(s.AccessPolicies, *e.Policy)
	case mivet.EditAddLocalGrant:
		s.LocalGrants = append(s.LocalGrants, *e.Grant)
	case mivet.EditAddFederation:
		s.FederatedCredentials = append(s.FederatedCredentials, *e.Federation)
	case mivet.EditAddMember:
		s.Memberships = append(s.Memberships, *e.Membership)
	case mivet.EditAddAppRole:
		s.AppRoles = append(s.AppRoles, *e.AppRole)
	case mivet.EditAddDirectory:
		s.DirectoryRoles = append(s.DirectoryRoles, *e.Directory)
	case mivet.EditAddPathACL:
		s.PathACLs = append(s.PathACLs, *e.PathACL)
	default: // what is added otherwise is added by its own
	}
}

// removeInDirectory removes what is held in the directory, or by a list of a path.
func removeInDirectory(s *mivet.Snapshot, e *mivet.Edit) error {
	switch e.Kind {
	case mivet.EditRemoveMember:
		return remove(&s.Memberships, func(m *mivet.Membership) bool {
			return m.Group == e.Membership.Group && m.Member == e.Membership.Member
		})
	case mivet.EditRemoveAppRole:
		return remove(&s.AppRoles, func(a *mivet.AppRoleAssignment) bool { return sameAppRole(a, e.AppRole) })
	case mivet.EditRemoveDirectory:
		return remove(&s.DirectoryRoles, func(a *mivet.DirectoryRoleAssignment) bool {
			return a.Principal == e.Directory.Principal && a.RoleID == e.Directory.RoleID && a.Role == e.Directory.Role &&
				a.DirectoryScope == e.Directory.DirectoryScope && a.Eligible == e.Directory.Eligible
		})
	default:
		return remove(&s.PathACLs, func(a *mivet.PathACL) bool {
			return a.Container.Equal(e.PathACL.Container) && a.Path == e.PathACL.Path && a.Tag == e.PathACL.Tag && a.Principal == e.PathACL.Principal
		})
	}
}

func sameAppRole(a, b *mivet.AppRoleAssignment) bool {
	return a.Principal == b.Principal && a.API == b.API && arm.Fold(a.RoleID) == arm.Fold(b.RoleID) && a.Role == b.Role && a.APIName == b.APIName
}

// inverses are the kinds that undo one another.
var inverses = [][2]mivet.EditKind{
	{mivet.EditRemoveAssignment, mivet.EditAddAssignment},
	{mivet.EditRemovePolicy, mivet.EditAddPolicy},
	{mivet.EditRemoveLocalGrant, mivet.EditAddLocalGrant},
	{mivet.EditRemoveFederation, mivet.EditAddFederation},
	{mivet.EditRemoveMember, mivet.EditAddMember},
	{mivet.EditRemoveAppRole, mivet.EditAddAppRole},
	{mivet.EditRemoveDirectory, mivet.EditAddDirectory},
	{mivet.EditRemovePathACL, mivet.EditAddPathACL},
	{mivet.EditDetachIdentity, mivet.EditAttachIdentity},
}

// Inverse returns the edits that undo others, the last first, and those that cannot be
// undone: an identity that is made again, or switched on again, has another principal, and
// what a setting was before is not known.
func Inverse(edits []mivet.Edit) (back, lost []mivet.Edit) {
	for _, e := range slices.Backward(edits) {
		kind := inverseOf(e.Kind)
		system := e.Identity.IsZero() && e.Kind == mivet.EditDetachIdentity
		if kind == "" || system {
			lost = append(lost, e)
			continue
		}
		e.Kind = kind
		back = append(back, e)
	}
	return back, lost
}

func inverseOf(k mivet.EditKind) mivet.EditKind {
	for _, p := range inverses {
		switch k {
		case p[0]:
			return p[1]
		case p[1]:
			return p[0]
		default:
		}
	}
	return ""
}
