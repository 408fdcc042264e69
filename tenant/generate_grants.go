// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"fmt"
	"math/rand/v2"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func (g *generator) principal(kind, i int) mivet.PrincipalID {
	return mivet.PrincipalID(guid(g.rand(kind, i)))
}

func (g *generator) user(i int) {
	g.part.Principals = append(g.part.Principals, mivet.Principal{
		ID: g.principal(kindUser, i), Type: mivet.TypeUser, Name: fmt.Sprintf("User %d", i), Source: g.people,
	})
}

// application makes a service principal; one of twenty comes from another tenant.
func (g *generator) application(i int) {
	r := g.rand(kindApplication, i)
	p := mivet.Principal{ID: mivet.PrincipalID(guid(r)), Type: mivet.TypeServicePrincipal, Name: fmt.Sprintf("app-%d", i), ClientID: guid(r), HomeTenant: g.tenant, Source: g.people}
	if chance(r, 20) {
		p.HomeTenant = guid(r)
	}
	g.part.Principals = append(g.part.Principals, p)
}

// group makes a group and its members: users, identities, and groups of higher numbers,
// so that none holds itself.
func (g *generator) group(i int) {
	r := g.rand(kindGroup, i)
	id := mivet.PrincipalID(guid(r))
	g.part.Principals = append(g.part.Principals, mivet.Principal{ID: id, Type: mivet.TypeGroup, Name: fmt.Sprintf("grp-%04d", i), Source: g.people})
	seen := map[mivet.PrincipalID]bool{}
	for range few(r, memberSpan*g.size.Members+1) {
		member := mivet.PrincipalID("")
		switch n := r.IntN(10); {
		case n == 0 && i+1 < g.size.Groups:
			member = g.principal(kindGroup, i+1+r.IntN(g.size.Groups-i-1))
		case n < 3 && g.size.Identities > 0:
			member, _ = g.principalOf(r.IntN(g.size.Identities))
		case g.size.Users > 0:
			member = g.principal(kindUser, r.IntN(g.size.Users))
		}
		if member == "" || seen[member] {
			continue
		}
		seen[member] = true
		g.part.Memberships = append(g.part.Memberships, mivet.Membership{Group: id, Member: member, Source: g.people})
	}
}

var customPermissions = []mivet.Permission{
	{Actions: []string{"Microsoft.Web/sites/*"}, NotActions: []string{"Microsoft.Web/sites/Delete"}},
	{Actions: []string{"*/read"}, DataActions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"}},
	{Actions: []string{"*"}, NotActions: []string{"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"}},
	{Actions: []string{"Microsoft.KeyVault/vaults/read"}, DataActions: []string{"Microsoft.KeyVault/vaults/secrets/getSecret/action"}},
}

func (g *generator) customRole(i int) {
	r := g.rand(kindCustomRole, i)
	g.part.RoleDefinitions = append(g.part.RoleDefinitions, mivet.RoleDefinition{
		ID: mivet.RoleID(guid(r)), Name: fmt.Sprintf("Custom role %d", i), AssignableScopes: []string{g.subscriptionText(i % g.size.Subscriptions)},
		Permissions: []mivet.Permission{customPermissions[i%len(customPermissions)]}, Source: g.rbac,
	})
}

// role returns a role that is assigned.
func (g *generator) role(r *rand.Rand) mivet.RoleID {
	if g.size.CustomRoles > 0 && chance(r, 12) {
		return mivet.RoleID(guid(g.rand(kindCustomRole, few(r, g.size.CustomRoles))))
	}
	return g.roles[few(r, len(g.roles))]
}

// holder returns who gets an assignment, and a resource that is near it.
func (g *generator) holder(r *rand.Rand, i int) (p mivet.PrincipalID, typ mivet.PrincipalType, near int) {
	near = r.IntN(max(g.size.Resources, 1))
	switch n := r.IntN(20); {
	case i%cycle == 1: // deleted since
		return g.principal(kindDeleted, i), mivet.TypeServicePrincipal, near
	case n < 12 && g.size.Identities > 0:
		k := r.IntN(g.size.Identities)
		p, _ = g.principalOf(k)
		return p, mivet.TypeServicePrincipal, g.resourceOf(k)
	case n < 16 && g.size.Groups > 0:
		return g.principal(kindGroup, few(r, g.size.Groups)), mivet.TypeGroup, near
	case n < 18 && g.size.Applications > 0:
		return g.principal(kindApplication, r.IntN(g.size.Applications)), mivet.TypeServicePrincipal, near
	case g.size.Users > 0:
		return g.principal(kindUser, r.IntN(g.size.Users)), mivet.TypeUser, near
	}
	return g.principal(kindDeleted, i), mivet.TypeServicePrincipal, near
}

// scopeNear returns where an assignment is made: in 100, one management group, 14
// subscriptions, 30 resource groups, 50 resources and 5 children.
func (g *generator) scopeNear(r *rand.Rand, near int) arm.ID {
	if g.size.Resources == 0 {
		return g.id(g.subscriptionText(r.IntN(g.size.Subscriptions)))
	}
	// Most grants are made next door.
	first, last := max(near-20*groupSize, 0), min(near+20*groupSize, g.size.Resources-1)
	i := first + r.IntN(last-first+1)
	switch n := r.IntN(100); {
	case n == 0:
		return g.managementGroupID(r.IntN(g.size.ManagementGroups + 1))
	case n < 15:
		return g.id(g.subscriptionText(g.subscriptionOf(i)))
	case n < 45:
		return g.id(g.groupText(i))
	}
	d := g.describe(i)
	if d.kind != nil && d.kind.child != "" && chance(r, 2) {
		return g.id(d.text + "/" + d.kind.child)
	}
	return g.id(d.text)
}

var conditions = []string{
	"((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'orders'))",
	"((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal'))",
	"((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'})) OR (@Request[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringStartsWith 'in/'))",
}

func (g *generator) assignment(i int) {
	r := g.rand(kindAssignment, i)
	name := guid(r)
	p, typ, near := g.holder(r, i)
	scope := g.scopeNear(r, near)
	a := mivet.RoleAssignment{
		ID:        g.id(extensionText(scope, "Microsoft.Authorization/roleAssignments", name)),
		Role:      g.role(r),
		Principal: p, PrincipalType: typ, Scope: scope,
		CreatedOn: g.size.TakenAt.AddDate(0, 0, -r.IntN(900)), Source: g.rbac,
	}
	if g.size.Users > 0 {
		a.CreatedBy = g.principal(kindUser, few(r, g.size.Users))
	}
	if g.conditioned(i) {
		a.Condition, a.ConditionVersion = conditions[r.IntN(len(conditions))], "2.0"
	}
	switch i % cycle {
	case 2:
		a.Eligible = true
	case 3:
		a.End = g.size.TakenAt.AddDate(0, 0, r.IntN(120)-30)
	}
	if chance(r, 5) {
		a.Description = fmt.Sprintf("needed by team-%02d", few(r, 60))
	}
	g.part.RoleAssignments = append(g.part.RoleAssignments, a)
}

// conditioned spreads the conditions over the assignments.
func (g *generator) conditioned(i int) bool {
	n := min(g.size.Conditions, g.size.Assignments)
	return (i+1)*n/g.size.Assignments > i*n/g.size.Assignments
}

func (g *generator) deny(i int) {
	r := g.rand(kindDeny, i)
	name := guid(r)
	scope := g.scopeNear(r, r.IntN(max(g.size.Resources, 1)))
	d := mivet.DenyAssignment{
		ID: g.id(extensionText(scope, "Microsoft.Authorization/denyAssignments", name)), Name: fmt.Sprintf("deny-%d", i), Scope: scope,
		Principals:  []mivet.PrincipalID{mivet.Everyone},
		Permissions: []mivet.Permission{{Actions: []string{"*/delete"}, NotActions: []string{"Microsoft.Compute/*/delete"}}},
		Source:      g.rbac, SystemProtected: chance(r, 2),
	}
	if g.size.Identities > 0 {
		k, _ := g.principalOf(r.IntN(g.size.Identities))
		d.Excluded = []mivet.PrincipalID{k}
	}
	g.part.DenyAssignments = append(g.part.DenyAssignments, d)
}

// find returns a resource that is asked for, near a random place; one without a kind if
// there is none.
func (g *generator) find(r *rand.Rand, wanted func(described) bool) described {
	if g.size.Resources == 0 {
		return described{}
	}
	const tries = 20 * groupSize
	from := r.IntN(g.size.Resources)
	for n := range min(tries, g.size.Resources) {
		if d := g.describe((from + n) % g.size.Resources); wanted(d) {
			return d
		}
	}
	return described{}
}

func (g *generator) accessPolicy(i int) {
	r := g.rand(kindPolicy, i)
	d := g.find(r, func(d described) bool { return d.kind != nil && d.kind.typ == vaultType })
	if d.kind == nil {
		return
	}
	p, _, _ := g.holder(r, i)
	g.part.AccessPolicies = append(g.part.AccessPolicies, mivet.AccessPolicy{
		Vault: g.id(d.text), Principal: p, TenantID: g.tenant, Secrets: []string{"get", "list"}, Source: g.graph,
	})
}

func (g *generator) federated(i int) {
	r := g.rand(kindFederated, i)
	d := g.find(r, func(d described) bool { return d.identity >= 0 && userAssigned(d.identity) })
	if d.kind == nil {
		return
	}
	name := fmt.Sprintf("gh-%d", i)
	g.part.FederatedCredentials = append(g.part.FederatedCredentials, mivet.FederatedCredential{
		ID: g.id(d.text + "/federatedIdentityCredentials/" + name), Identity: g.id(d.text), Name: name,
		Issuer: "https://token.actions.githubusercontent.com", Subject: fmt.Sprintf("repo:shop/service-%d:ref:refs/heads/main", few(r, 500)),
		Audiences: []string{defaultAudience}, Source: g.graph,
	})
}

func (g *generator) lock(i int) {
	scope := g.id(g.subscriptionText(i % g.size.Subscriptions))
	if g.size.Resources > 0 {
		scope = g.id(g.groupText(i * groupSize % g.size.Resources))
	}
	g.part.Locks = append(g.part.Locks, mivet.Lock{
		ID:    g.id(extensionText(scope, "Microsoft.Authorization/locks", fmt.Sprintf("lock-%d", i))),
		Scope: scope, Level: lockLevels[i%len(lockLevels)], Source: g.graph,
	})
}
