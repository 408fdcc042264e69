// SPDX-License-Identifier: Apache-2.0

package change

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// Over lays a change over what is known of the whole tenant. Both sides of what it returns
// hold the tenant: before with what the change read of it, after with what the change
// makes of it. Facts of the tenant that the change does not manage carry no address.
//
// What ends with a resource that the change deletes or makes anew (what is below it,
// assignments on it, policies in it) is gone after, whoever made it. That a change holds
// only what it manages is no gap any more: the tenant has the rest. A principal that the
// tenant has, and the change has another in its place, ceased outside of the change.
func Over(p *Plan, tenant *mivet.Snapshot, c *catalog.Catalog) *Plan {
	o := &overlay{plan: p, catalog: c, rest: foreign(tenant), ended: map[arm.Key]bool{}, before: newSide(p.Before), after: newSide(p.After)}
	out := &Plan{Tenant: tenant, Steps: slices.Clone(p.Steps), managedTenant: p.After.TenantID}
	for i := range out.Steps {
		s := &out.Steps[i]
		o.drifted(s)
		if r := o.before.resources[s.Address]; r != nil && o.ends(s, r) {
			o.ended[r.ID.Key()] = true
		}
	}
	out.Before = Merge([]*mivet.Snapshot{o.rest, o.managed(p.Before)})
	out.After = Merge([]*mivet.Snapshot{o.remaining(), o.managed(p.After)})
	o.stale(out)
	return out
}

// overlay is what it takes to lay a change over a tenant.
type overlay struct {
	plan          *Plan
	catalog       *catalog.Catalog
	rest          *mivet.Snapshot // the tenant, without addresses of other files
	before, after side
	ended         map[arm.Key]bool // resources that cease, or are made anew
	byOwner       map[string][]*mivet.Identity
	custom        map[string]mivet.RoleID // the tenant's roles by their lower-case names
}

// managed is one side of a change without the gaps that the tenant closes, and with the
// roles that it only names: an assignment without an ID is told from others by its role.
func (o *overlay) managed(s *mivet.Snapshot) *mivet.Snapshot {
	c := *s
	c.RoleAssignments = slices.Clone(s.RoleAssignments)
	for i := range c.RoleAssignments {
		a := &c.RoleAssignments[i]
		a.Role = o.roleOf(a)
	}
	c.Gaps = slices.DeleteFunc(slices.Clone(s.Gaps), func(g mivet.Gap) bool { return g.Inherent && g.Facts != mivet.FactInput })
	return &c
}

// foreign is a tenant whose facts carry no address: those of another file are not those of
// the change.
func foreign(s *mivet.Snapshot) *mivet.Snapshot {
	c := *s
	c.Declarations = nil
	x := stripper{}
	c.Resources = strip(x, s.Resources, func(f *mivet.Resource) *mivet.Source { return &f.Source })
	c.Identities = strip(x, s.Identities, func(f *mivet.Identity) *mivet.Source { return &f.Source })
	c.Memberships = strip(x, s.Memberships, func(f *mivet.Membership) *mivet.Source { return &f.Source })
	c.FederatedCredentials = strip(x, s.FederatedCredentials, func(f *mivet.FederatedCredential) *mivet.Source { return &f.Source })
	c.RoleAssignments = strip(x, s.RoleAssignments, func(f *mivet.RoleAssignment) *mivet.Source { return &f.Source })
	c.AccessPolicies = strip(x, s.AccessPolicies, func(f *mivet.AccessPolicy) *mivet.Source { return &f.Source })
	c.LocalGrants = strip(x, s.LocalGrants, func(f *mivet.LocalAssignment) *mivet.Source { return &f.Source })
	return &c
}

// stripper holds origins without their address, by the origin that has one.
type stripper map[*mivet.Origin]*mivet.Origin

func strip[T any](x stripper, list []T, source func(*T) *mivet.Source) []T {
	if !slices.ContainsFunc(list, func(f T) bool { return address(*source(&f)) != "" }) {
		return list
	}
	out := slices.Clone(list)
	for i := range out {
		s := source(&out[i])
		if address(*s) == "" {
			continue
		}
		if x[s.Origin] == nil {
			bare := *s.Origin
			bare.Address = ""
			x[s.Origin] = &bare
		}
		s.Origin = x[s.Origin]
	}
	return out
}

// ends reports whether a resource ceases under its ID, for good or for a time.
func (o *overlay) ends(s *Step, r *mivet.Resource) bool {
	if !s.existed() || s.forgotten() {
		return false
	}
	now := o.after.resources[s.Address]
	return !s.stays() || s.replaced() || now != nil && !now.ID.Equal(r.ID)
}

// drifted adds the principals that the tenant has for the object, and the change has not.
func (o *overlay) drifted(s *Step) {
	m := o.before.owners[s.Address]
	if m == nil || m.Principal == "" {
		return
	}
	for _, old := range o.identitiesAt(m.Kind, m.Resource) {
		if old.Principal != "" && old.Principal != m.Principal && !slices.Contains(s.Drifted, old.Principal) {
			s.Drifted = append(slices.Clone(s.Drifted), old.Principal)
		}
	}
}

func (o *overlay) identitiesAt(kind mivet.IdentityKind, id arm.ID) []*mivet.Identity {
	if o.byOwner == nil {
		o.byOwner = make(map[string][]*mivet.Identity, len(o.rest.Identities))
		for i := range o.rest.Identities {
			m := &o.rest.Identities[i]
			key := keyOf(string(m.Kind), m.Resource)
			o.byOwner[key] = append(o.byOwner[key], m)
		}
	}
	return o.byOwner[keyOf(string(kind), id)]
}

// remaining is what the tenant holds that the change does not manage, and that does not
// end with what it manages.
func (o *overlay) remaining() *mivet.Snapshot {
	c, p := *o.rest, o.plan.Before
	c.Resources = slices.DeleteFunc(slices.Clone(c.Resources), func(f mivet.Resource) bool { return o.below(f.ID) })
	c.Identities = o.identities()
	c.Memberships = unmanagedOf(c.Memberships, p.Memberships, membershipKey, nil)
	c.FederatedCredentials = unmanagedOf(c.FederatedCredentials, p.FederatedCredentials, federationKey, func(f *mivet.FederatedCredential) bool { return o.below(f.Identity) })
	c.RoleDefinitions = unmanagedOf(c.RoleDefinitions, p.RoleDefinitions, roleKey, nil)
	c.RoleAssignments = unmanagedOf(c.RoleAssignments, p.RoleAssignments, assignmentKey, nil)
	c.RoleAssignments = unmanagedOf(c.RoleAssignments, p.RoleAssignments, o.tripleKey, func(f *mivet.RoleAssignment) bool { return o.below(f.Scope) })
	c.DenyAssignments = unmanagedOf(c.DenyAssignments, nil, nil, func(f *mivet.DenyAssignment) bool { return o.below(f.Scope) })
	c.AccessPolicies = unmanagedOf(c.AccessPolicies, p.AccessPolicies, policyKey, func(f *mivet.AccessPolicy) bool { return o.below(f.Vault) })
	c.LocalGrants = unmanagedOf(c.LocalGrants, p.LocalGrants, localKey, func(f *mivet.LocalAssignment) bool { return o.below(f.Account) })
	c.PathACLs = unmanagedOf(c.PathACLs, nil, nil, func(f *mivet.PathACL) bool { return o.below(f.Container) })
	c.AppRoles = unmanagedOf(c.AppRoles, p.AppRoles, appRoleKey, nil)
	c.DirectoryRoles = unmanagedOf(c.DirectoryRoles, p.DirectoryRoles, directoryRoleKey, nil)
	c.Locks = unmanagedOf(c.Locks, p.Locks, lockKey, func(f *mivet.Lock) bool { return o.below(f.Scope) })
	return &c
}

// identities are those of the tenant that the change leaves as they are.
func (o *overlay) identities() []mivet.Identity {
	was, now := map[string]bool{}, map[string]mivet.PrincipalID{}
	for i := range o.plan.Before.Identities {
		was[identityKey(&o.plan.Before.Identities[i])] = true
	}
	for i := range o.plan.After.Identities {
		m := &o.plan.After.Identities[i]
		now[identityKey(m)] = m.Principal
	}
	return slices.DeleteFunc(slices.Clone(o.rest.Identities), func(m mivet.Identity) bool {
		key := identityKey(&m)
		return o.below(m.Resource) || was[key] && (now[key] != m.Principal || m.Principal == "")
	})
}

// tripleKey is what Azure keeps once, whatever names the role.
func (o *overlay) tripleKey(a *mivet.RoleAssignment) string {
	role := cmp.Or(string(o.roleOf(a)), strings.ToLower(a.RoleName))
	return joinKey(string(a.Principal), role, string(a.Scope.Key()), eligibility(a.Eligible))
}

// roleOf is the role of an assignment, by its name where that is all there is; empty where
// the name is that of no role that is known. A custom role has a name of its own in its tenant
// (https://learn.microsoft.com/azure/role-based-access-control/custom-roles).
func (o *overlay) roleOf(a *mivet.RoleAssignment) mivet.RoleID {
	if a.Role != "" || a.RoleName == "" {
		return a.Role
	}
	if r := o.catalog.RoleByName(a.RoleName); r != nil {
		return r.ID
	}
	if o.custom == nil {
		o.custom = make(map[string]mivet.RoleID, len(o.rest.RoleDefinitions))
		for i := range o.rest.RoleDefinitions {
			r := &o.rest.RoleDefinitions[i]
			o.custom[strings.ToLower(r.Name)] = r.ID
		}
	}
	return o.custom[strings.ToLower(a.RoleName)]
}

// below reports whether a place is a resource that ceases, or below one.
func (o *overlay) below(id arm.ID) bool {
	if len(o.ended) == 0 {
		return false
	}
	for at := id; !at.IsZero() && at.Level() >= arm.LevelResourceGroup; at = at.Parent() {
		if o.ended[at.Key()] {
			return true
		}
	}
	return false
}

// unmanagedOf leaves out of a list what the change manages, and what gone reports.
func unmanagedOf[T any](list, managed []T, key func(*T) string, gone func(*T) bool) []T {
	mine := make(map[string]bool, len(managed))
	for i := range managed {
		if k := key(&managed[i]); k != "" {
			mine[k] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(f T) bool {
		return len(mine) > 0 && mine[key(&f)] || gone != nil && gone(&f)
	})
}

// stale tells where the tenant was read after the change was planned, and holds other
// principals: the plan speaks of what is there no more.
func (o *overlay) stale(out *Plan) {
	if out.Tenant.TakenAt.IsZero() || !out.Tenant.TakenAt.After(o.plan.After.TakenAt) || o.plan.After.TakenAt.IsZero() {
		return
	}
	for i := range out.Steps {
		s := &out.Steps[i]
		if len(s.Drifted) > len(o.plan.Steps[i].Drifted) {
			out.After.Gaps = append(out.After.Gaps, mivet.Gap{
				Facts: mivet.FactInput, Subject: s.Address, Source: s.Source,
				Reason: "the tenant was read after the plan was made and holds another principal: make the plan again",
			})
		}
	}
}
