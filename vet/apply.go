// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/contract"
)

// Apply makes the changes of a fix on a copy of the snapshot, in order. The snapshot
// itself stays as it is. It is an error if something that an edit removes or changes is
// not there. Facts that an edit does not name keep their gaps: the copy knows no more
// than the original.
func Apply(s *mivet.Snapshot, edits []mivet.Edit) (*mivet.Snapshot, error) {
	c := *s
	c.Resources = slices.Clone(s.Resources)
	c.Identities = slices.Clone(s.Identities)
	c.Principals = slices.Clone(s.Principals)
	c.RoleAssignments = slices.Clone(s.RoleAssignments)
	c.AccessPolicies = slices.Clone(s.AccessPolicies)
	c.LocalGrants = slices.Clone(s.LocalGrants)
	c.FederatedCredentials = slices.Clone(s.FederatedCredentials)
	c.Memberships = slices.Clone(s.Memberships)
	c.AppRoles = slices.Clone(s.AppRoles)
	c.DirectoryRoles = slices.Clone(s.DirectoryRoles)
	c.PathACLs = slices.Clone(s.PathACLs)
	c.Declarations = slices.Clone(s.Declarations)
	for i := range edits {
		if err := applyEdit(&c, &edits[i]); err != nil {
			return nil, fmt.Errorf("applying edit %d (%s): %w", i+1, edits[i].Kind, err)
		}
	}
	return &c, nil
}

var errAbsent = errors.New("what it names is not in the input")

func applyEdit(s *mivet.Snapshot, e *mivet.Edit) error {
	switch e.Kind {
	case mivet.EditRemoveAssignment:
		return remove(&s.RoleAssignments, func(a *mivet.RoleAssignment) bool { return SameAssignment(a, e.Assignment) })
	case mivet.EditAddAssignment:
		s.RoleAssignments = append(s.RoleAssignments, *e.Assignment)
		return nil
	case mivet.EditDescribeAssignment:
		return describe(s, e.Assignment)
	case mivet.EditRemovePolicy:
		return remove(&s.AccessPolicies, func(p *mivet.AccessPolicy) bool {
			return p.Vault.Equal(e.Policy.Vault) && p.Principal == e.Policy.Principal && p.ApplicationID == e.Policy.ApplicationID
		})
	case mivet.EditRemoveLocalGrant:
		return remove(&s.LocalGrants, func(g *mivet.LocalAssignment) bool {
			return g.System == e.Grant.System && g.Account.Equal(e.Grant.Account) && g.Scope == e.Grant.Scope &&
				g.Role == e.Grant.Role && g.Principal == e.Grant.Principal
		})
	case mivet.EditRemoveFederation:
		return remove(&s.FederatedCredentials, func(c *mivet.FederatedCredential) bool {
			return c.Identity.Equal(e.Federation.Identity) && c.Name == e.Federation.Name && c.AppObjectID == e.Federation.AppObjectID
		})
	case mivet.EditAddPolicy, mivet.EditAddLocalGrant, mivet.EditAddFederation, mivet.EditAddMember, mivet.EditAddAppRole, mivet.EditAddDirectory, mivet.EditAddPathACL:
		addFact(s, e)
		return nil
	case mivet.EditRemoveMember, mivet.EditRemoveAppRole, mivet.EditRemoveDirectory, mivet.EditRemovePathACL:
		return removeInDirectory(s, e)
	case mivet.EditSetSetting, mivet.EditSetTag:
		return setDetail(s, e)
	case mivet.EditAttachIdentity, mivet.EditDetachIdentity:
		return attach(s, e)
	case mivet.EditDeleteIdentity:
		return deleteIdentity(s, e.Resource)
	case mivet.EditRemoveSuppression, mivet.EditContract:
		return nil // no fact: see ApplySuppressions and ApplyContract
	case mivet.EditApplyFirst:
		return applyFirst(s, e.Name)
	case mivet.EditNameByPrincipal:
		return nameByPrincipal(s, e.Name)
	case mivet.EditSetAPIVersion:
		return setAPIVersion(s, e)
	case mivet.EditRaiseProvider:
		return raiseProvider(s, e)
	}
	return fmt.Errorf("%q is no kind of edit", e.Kind)
}

// applyFirst makes an object before those that wait for it: what is refused of them only
// because it is not there, is not refused any more.
func applyFirst(s *mivet.Snapshot, address string) error {
	found := false
	for i := range s.Declarations {
		d := &s.Declarations[i]
		at := slices.Index(d.WaitsFor, address)
		if at < 0 {
			continue
		}
		found = true
		d.WaitsFor = slices.Delete(slices.Clone(d.WaitsFor), at, at+1)
		if len(d.WaitsFor) == 0 {
			d.Refused = ""
		}
	}
	if !found {
		return errAbsent
	}
	return nil
}

// nameByPrincipal lets the name of an assignment hang on its principal: a template then
// makes another one, and a plan does not change the principal in place.
func nameByPrincipal(s *mivet.Snapshot, address string) error {
	cannot := func(e string) bool { return strings.HasPrefix(e, "impossible: ") }
	i := slices.IndexFunc(s.Declarations, func(d mivet.Declaration) bool {
		return d.Address == address && (d.FixedName || slices.ContainsFunc(d.Effects, cannot))
	})
	if i < 0 {
		return errAbsent
	}
	s.Declarations[i].FixedName = false
	s.Declarations[i].Effects = slices.DeleteFunc(slices.Clone(s.Declarations[i].Effects), cannot)
	return nil
}

// setAPIVersion lets an object be written with another version of the interface.
func setAPIVersion(s *mivet.Snapshot, e *mivet.Edit) error {
	i := slices.IndexFunc(s.Declarations, func(d mivet.Declaration) bool {
		return d.Address == e.Name && d.Resource.Equal(e.Resource) && d.APIVersion != ""
	})
	if i < 0 {
		return errAbsent
	}
	s.Declarations[i].APIVersion = e.Value
	return nil
}

// raiseProvider lets a provider have a newer version in all code.
func raiseProvider(s *mivet.Snapshot, e *mivet.Edit) error {
	found := errAbsent
	for i := range s.Declarations {
		if d := &s.Declarations[i]; d.ProviderVersions != "" && strings.HasPrefix(d.Type, e.Name+"_") {
			d.ProviderVersions, found = ">= "+e.Value, nil
		}
	}
	return found
}

// SameAssignment reports whether two facts are about the same role assignment: Azure
// allows one for a principal, a role and a scope
// (MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md).
func SameAssignment(a, b *mivet.RoleAssignment) bool {
	sameRole := a.Role == b.Role && (a.Role != "" || arm.Fold(a.RoleName) == arm.Fold(b.RoleName))
	return a.Principal == b.Principal && sameRole && a.Scope.Equal(b.Scope) && a.Eligible == b.Eligible
}

func remove[T any](facts *[]T, is func(*T) bool) error {
	before := len(*facts)
	*facts = slices.DeleteFunc(*facts, func(f T) bool { return is(&f) })
	if len(*facts) == before {
		return errAbsent
	}
	return nil
}

func describe(s *mivet.Snapshot, a *mivet.RoleAssignment) error {
	found := errAbsent
	for i := range s.RoleAssignments {
		if SameAssignment(&s.RoleAssignments[i], a) {
			s.RoleAssignments[i].Description = a.Description
			found = nil
		}
	}
	return found
}

func resourceAt(s *mivet.Snapshot, id arm.ID) *mivet.Resource {
	i := slices.IndexFunc(s.Resources, func(r mivet.Resource) bool { return r.ID.Equal(id) })
	if i < 0 {
		return nil
	}
	return &s.Resources[i]
}

func setDetail(s *mivet.Snapshot, e *mivet.Edit) error {
	r := resourceAt(s, e.Resource)
	if r == nil {
		return errAbsent
	}
	var d mivet.Detail
	if r.Detail != nil {
		d = *r.Detail
	}
	into := &d.Settings
	if e.Kind == mivet.EditSetTag {
		into = &d.Tags
	}
	*into = maps.Clone(*into)
	if *into == nil {
		*into = map[string]string{}
	}
	(*into)[e.Name] = e.Value
	r.Detail = &d
	return nil
}

func attach(s *mivet.Snapshot, e *mivet.Edit) error {
	r := resourceAt(s, e.Resource)
	if r == nil {
		return errAbsent
	}
	var a mivet.Attachment
	if r.Identity != nil {
		a = *r.Identity
		a.User = slices.Clone(a.User)
	}
	has := slices.ContainsFunc(a.User, e.Identity.Equal)
	switch {
	case e.Kind == mivet.EditAttachIdentity && e.Identity.IsZero():
		attachSystem(s, r, &a)
	case e.Kind == mivet.EditAttachIdentity:
		if !has {
			a.User = append(a.User, e.Identity)
		}
	case e.Identity.IsZero():
		if !a.System {
			return errAbsent
		}
		dropSystem(s, r, &a)
	default:
		if !has {
			return errAbsent
		}
		a.User = slices.DeleteFunc(a.User, e.Identity.Equal)
	}
	r.Identity = &a
	if !a.System && len(a.User) == 0 {
		r.Identity = nil
	}
	return nil
}

// SystemPrincipal returns the principal that a resource's system-assigned identity has,
// or the symbol of the one it will get.
func SystemPrincipal(r *mivet.Resource) mivet.PrincipalID {
	if r.Identity != nil && r.Identity.System && r.Identity.SystemPrincipal != "" {
		return r.Identity.SystemPrincipal
	}
	return mivet.SymbolicPrincipal(r.ID.String())
}

func attachSystem(s *mivet.Snapshot, r *mivet.Resource, a *mivet.Attachment) {
	if a.System {
		return
	}
	a.System, a.SystemPrincipal = true, mivet.SymbolicPrincipal(r.ID.String())
	s.Identities = append(s.Identities, mivet.Identity{
		Kind: mivet.SystemAssigned, Resource: r.ID, Principal: a.SystemPrincipal, Source: r.Source,
	})
}

func dropSystem(s *mivet.Snapshot, r *mivet.Resource, a *mivet.Attachment) {
	a.System, a.SystemPrincipal = false, ""
	s.Identities = slices.DeleteFunc(s.Identities, func(i mivet.Identity) bool {
		return i.Kind == mivet.SystemAssigned && i.Resource.Equal(r.ID)
	})
}

// deleteIdentity removes a user-assigned identity as Azure does: its grants stay behind.
func deleteIdentity(s *mivet.Snapshot, id arm.ID) error {
	var gone []mivet.PrincipalID
	err := remove(&s.Identities, func(i *mivet.Identity) bool {
		is := i.Kind == mivet.UserAssigned && i.Resource.Equal(id)
		if is {
			gone = append(gone, i.Principal)
		}
		return is
	})
	s.Resources = slices.DeleteFunc(s.Resources, func(r mivet.Resource) bool { return r.ID.Equal(id) })
	s.Principals = slices.DeleteFunc(s.Principals, func(p mivet.Principal) bool { return slices.Contains(gone, p.ID) })
	s.FederatedCredentials = slices.DeleteFunc(s.FederatedCredentials, func(f mivet.FederatedCredential) bool {
		return f.Identity.Equal(id)
	})
	return err
}

// ApplyContract makes the changes of a fix that are changes of the contract, on a copy. A
// contract that is nil, and an edit that is not about it, stay as they are.
func ApplyContract(c *contract.Contract, edits []mivet.Edit) *contract.Contract {
	for i := range edits {
		if e := &edits[i]; c != nil && e.Kind == mivet.EditContract {
			c = c.With(e.Name, e.Value)
		}
	}
	return c
}

// ApplySuppressions returns the suppressions that are left after a fix.
func ApplySuppressions(list []Suppression, edits []mivet.Edit) []Suppression {
	var out []Suppression
	for i := range list {
		gone := slices.ContainsFunc(edits, func(e mivet.Edit) bool {
			return e.Kind == mivet.EditRemoveSuppression && e.Name == list[i].Place()
		})
		if !gone {
			out = append(out, list[i])
		}
	}
	return out
}
