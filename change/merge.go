// SPDX-License-Identifier: Apache-2.0

package change

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Merge joins snapshots in the order of the inputs. Where two inputs tell of the same
// object the later one counts, and takes over what it leaves out from the earlier one:
// the user names the newer input last. A single input is left as it is.
func Merge(snaps []*mivet.Snapshot) *mivet.Snapshot {
	if len(snaps) == 1 {
		return snaps[0]
	}
	s := &mivet.Snapshot{}
	for _, o := range snaps {
		newDeletions(o).apply(s)
		s.Append(bindDeployed(s, o))
	}
	mergePlaces(s)
	mergePeople(s)
	mergeGrants(s)
	mergeLocal(s)
	return s
}

// deletions are the grants that a plan deletes. Other facts of the same object are met by
// the plan's own.
type deletions struct {
	ids       map[arm.Key]bool
	addresses map[string]bool
	// ended are the principals that end with the plan: their grants are told apart from
	// those of another template by them, since addresses repeat.
	ended map[mivet.PrincipalID]bool
}

func newDeletions(plan *mivet.Snapshot) deletions {
	d := deletions{map[arm.Key]bool{}, map[string]bool{}, map[mivet.PrincipalID]bool{}}
	for i := range plan.Declarations {
		x := &plan.Declarations[i]
		for _, id := range x.FormerPrincipals {
			d.ended[id] = true
		}
		if !x.Grant || !slices.Contains(x.Actions, "delete") {
			continue
		}
		d.addresses[x.Address] = true
		if !x.Resource.IsZero() {
			d.ids[x.Resource.Key()] = true
		}
	}
	return d
}

// apply takes the deleted grants out of what earlier inputs say.
func (d deletions) apply(s *mivet.Snapshot) {
	if len(d.addresses) == 0 {
		return
	}
	gone := func(source mivet.Source, principal mivet.PrincipalID) bool {
		return source.Origin != nil && d.addresses[source.Origin.Address] && d.ended[principal]
	}
	s.RoleAssignments = slices.DeleteFunc(s.RoleAssignments, func(a mivet.RoleAssignment) bool {
		return d.ids[a.ID.Key()] || gone(a.Source, a.Principal)
	})
	s.AccessPolicies = slices.DeleteFunc(s.AccessPolicies, func(p mivet.AccessPolicy) bool { return gone(p.Source, p.Principal) })
	s.LocalGrants = slices.DeleteFunc(s.LocalGrants, func(g mivet.LocalAssignment) bool { return gone(g.Source, g.Principal) })
}

func mergePlaces(s *mivet.Snapshot) {
	s.ManagementGroups = latest(s.ManagementGroups, func(g *mivet.ManagementGroup) string { return string(g.ID.Key()) },
		func(g, old *mivet.ManagementGroup) {
			g.Name = cmp.Or(g.Name, old.Name)
			g.Parent = orID(g.Parent, old.Parent)
		})
	s.Subscriptions = latest(s.Subscriptions, func(x *mivet.Subscription) string { return string(x.ID.Key()) },
		func(x, old *mivet.Subscription) {
			x.Name = cmp.Or(x.Name, old.Name)
			x.Parent = orID(x.Parent, old.Parent)
			x.Tags = orMap(x.Tags, old.Tags)
		})
	s.Resources = latest(s.Resources, func(r *mivet.Resource) string { return string(r.ID.Key()) },
		func(r, old *mivet.Resource) {
			r.Location = cmp.Or(r.Location, old.Location)
			r.Detail = joinDetail(r.Detail, old.Detail)
		})
	s.Locks = latest(s.Locks, lockKey, nil)
}

func mergePeople(s *mivet.Snapshot) {
	s.Identities = latest(s.Identities, identityKey,
		func(i, old *mivet.Identity) {
			if i.Principal != "" && old.Principal != "" && i.Principal != old.Principal {
				s.Declarations = append(s.Declarations, former(old))
			}
			i.Principal = cmp.Or(i.Principal, old.Principal)
			i.ClientID = cmp.Or(i.ClientID, old.ClientID)
			i.TenantID = cmp.Or(i.TenantID, old.TenantID)
		})
	s.Principals = latest(s.Principals, func(p *mivet.Principal) string { return string(p.ID) },
		func(p, old *mivet.Principal) {
			p.Type = cmp.Or(p.Type, old.Type)
			p.Name = cmp.Or(p.Name, old.Name)
			p.ClientID = cmp.Or(p.ClientID, old.ClientID)
			p.HomeTenant = cmp.Or(p.HomeTenant, old.HomeTenant)
			p.Managed = p.Managed || old.Managed
			p.MembershipRule = cmp.Or(p.MembershipRule, old.MembershipRule)
		})
	s.Memberships = latest(s.Memberships, membershipKey, nil)
	s.Ownerships = latest(s.Ownerships, ownershipKey, nil)
	s.FederatedCredentials = latest(s.FederatedCredentials, federationKey, nil)
	s.OutsideRights = latest(s.OutsideRights, outsideKey, nil)
	s.AppRoles = latest(s.AppRoles, appRoleKey, nil)
	s.DirectoryRoles = latest(s.DirectoryRoles, directoryRoleKey, nil)
}

// former keeps the principal that an identity had in an earlier input.
func former(old *mivet.Identity) mivet.Declaration {
	return mivet.Declaration{
		Type: old.Resource.Type(), Resource: old.Resource, UserAssigned: old.Kind == mivet.UserAssigned,
		FormerPrincipals: []mivet.PrincipalID{old.Principal}, Source: old.Source,
	}
}

// mergeGrants joins assignments by their own ID, and then by principal, role and scope:
// Azure keeps such a triple once
// (MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md).
func mergeGrants(s *mivet.Snapshot) {
	s.RoleDefinitions = latest(s.RoleDefinitions, roleKey, nil)
	s.RoleAssignments = latest(s.RoleAssignments, assignmentKey, joinAssignment)
	s.RoleAssignments = latest(s.RoleAssignments, func(a *mivet.RoleAssignment) string {
		role := cmp.Or(string(a.Role), strings.ToLower(a.RoleName))
		return joinKey(string(a.Principal), role, string(a.Scope.Key()), eligibility(a.Eligible))
	}, joinAssignment)
	s.DenyAssignments = latest(s.DenyAssignments, func(d *mivet.DenyAssignment) string { return string(d.ID.Key()) }, nil)
	s.Delegations = latest(s.Delegations, func(d *mivet.Delegation) string { return string(d.ID.Key()) }, nil)
}

func joinAssignment(a, old *mivet.RoleAssignment) {
	a.ID = orID(a.ID, old.ID)
	a.Role = cmp.Or(a.Role, old.Role)
	a.RoleName = cmp.Or(a.RoleName, old.RoleName)
	a.PrincipalType = cmp.Or(a.PrincipalType, old.PrincipalType)
	a.Description = cmp.Or(a.Description, old.Description)
	a.CreatedBy = cmp.Or(a.CreatedBy, old.CreatedBy)
	if a.CreatedOn.IsZero() {
		a.CreatedOn = old.CreatedOn
	}
}

func mergeLocal(s *mivet.Snapshot) {
	s.AccessPolicies = latest(s.AccessPolicies, policyKey, nil)
	s.LocalRoles = latest(s.LocalRoles, func(r *mivet.LocalRole) string {
		return joinKey(string(r.System), string(r.Account.Key()), strings.ToLower(r.ID))
	}, nil)
	s.LocalGrants = latest(s.LocalGrants, localKey, nil)
	s.PathACLs = latest(s.PathACLs, func(p *mivet.PathACL) string {
		return joinKey(string(p.Container.Key()), p.Path, p.Tag, string(p.Principal))
	}, nil)
}

// latest keeps one element per key, the last one, at the place of the first. Elements
// with an empty key are all kept. The join function, if there is one, completes an
// element from the one that it replaces.
func latest[T any](list []T, key func(*T) string, join func(element, old *T)) []T {
	at := make(map[string]int, len(list))
	out := list[:0:0]
	for i := range list {
		k := key(&list[i])
		old, seen := at[k]
		if k == "" || !seen {
			at[k] = len(out)
			out = append(out, list[i])
			continue
		}
		element := list[i]
		if join != nil {
			join(&element, &out[old])
		}
		out[old] = element
	}
	return out
}

// What tells facts of a kind apart, whoever wrote them.
func identityKey(f *mivet.Identity) string { return keyOf(string(f.Kind), f.Resource) }

func membershipKey(f *mivet.Membership) string { return joinKey(string(f.Group), string(f.Member)) }

func ownershipKey(f *mivet.Ownership) string { return joinKey(string(f.Owned), string(f.Owner)) }

func outsideKey(f *mivet.OutsideRight) string {
	return joinKey(string(f.Holder), f.Issuer, f.Subject, f.Runner)
}

func federationKey(f *mivet.FederatedCredential) string {
	return joinKey(string(f.Identity.Key()), f.AppObjectID, strings.ToLower(f.Name))
}

func roleKey(f *mivet.RoleDefinition) string { return string(f.ID) }

func assignmentKey(f *mivet.RoleAssignment) string { return string(f.ID.Key()) }

func policyKey(f *mivet.AccessPolicy) string {
	return joinKey(string(f.Vault.Key()), string(f.Principal), strings.ToLower(f.ApplicationID))
}

func localKey(f *mivet.LocalAssignment) string {
	return joinKey(string(f.System), string(f.Account.Key()), f.Scope, strings.ToLower(f.Role), string(f.Principal))
}

func appRoleKey(f *mivet.AppRoleAssignment) string {
	return joinKey(string(f.Principal), cmp.Or(string(f.API), f.APIName), strings.ToLower(f.RoleID))
}

func directoryRoleKey(f *mivet.DirectoryRoleAssignment) string {
	return joinKey(string(f.Principal), strings.ToLower(f.RoleID), f.DirectoryScope, eligibility(f.Eligible))
}

func lockKey(f *mivet.Lock) string { return string(f.ID.Key()) }

func keyOf(kind string, id arm.ID) string {
	if id.IsZero() {
		return ""
	}
	return joinKey(kind, string(id.Key()))
}

func joinKey(parts ...string) string { return strings.Join(parts, "\x00") }

func eligibility(eligible bool) string {
	if eligible {
		return "eligible"
	}
	return "active"
}

func orID(id, old arm.ID) arm.ID {
	if id.IsZero() {
		return old
	}
	return id
}

func orMap(m, old map[string]string) map[string]string {
	if m == nil {
		return old
	}
	return m
}

// joinDetail adds the settings that only the older detail has. Details are shared between
// resources, so a new one is made.
func joinDetail(d, old *mivet.Detail) *mivet.Detail {
	if d == nil || old == nil {
		return cmp.Or(d, old)
	}
	joined := *d
	joined.Kind = cmp.Or(d.Kind, old.Kind)
	joined.Tags = orMap(d.Tags, old.Tags)
	joined.ManagedBy = orID(d.ManagedBy, old.ManagedBy)
	joined.Settings = maps.Clone(old.Settings)
	if joined.Settings == nil {
		joined.Settings = d.Settings
		return &joined
	}
	maps.Copy(joined.Settings, d.Settings)
	return &joined
}
