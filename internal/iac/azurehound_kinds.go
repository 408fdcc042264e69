// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// houndResources are the kinds of items that are resources, with their ARM type.
var houndResources = map[string]string{
	"AZVM": "Microsoft.Compute/virtualMachines", "AZVMScaleSet": "Microsoft.Compute/virtualMachineScaleSets",
	"AZWebApp": "Microsoft.Web/sites", "AZFunctionApp": "Microsoft.Web/sites", "AZLogicApp": "Microsoft.Logic/workflows",
	"AZStorageAccount": "Microsoft.Storage/storageAccounts", "AZAutomationAccount": "Microsoft.Automation/automationAccounts",
	"AZContainerRegistry": "Microsoft.ContainerRegistry/registries", "AZManagedCluster": "Microsoft.ContainerService/managedClusters",
	"AZStorageContainer": "Microsoft.Storage/storageAccounts/blobServices/default/containers",
	"AZResourceGroup":    "Microsoft.Resources/resourceGroups",
}

// houndLists are the members of an item that list role assignments, and the member of
// their elements that is one.
var houndLists = map[string]string{
	"owners": "owner", "contributors": "contributor", "userAccessAdmins": "userAccessAdmin", "kvContributors": "kvContributor",
	"vmContributors": "vmContributor", "avereContributors": "avereContributor", "adminLogins": "adminLogin",
	"assignees": "assignee", "roleAssignments": "roleAssignment",
}

// houndAssignmentKinds are the kinds of items that hold such lists.
var houndAssignmentKinds = []string{
	"AZKeyVaultContributor", "AZKeyVaultKVContributor", "AZKeyVaultOwner", "AZKeyVaultRoleAssignment", "AZKeyVaultUserAccessAdmin",
	"AZManagementGroupRoleAssignment", "AZManagementGroupContributor", "AZManagementGroupOwner", "AZManagementGroupUserAccessAdmin",
	"AZResourceGroupRoleAssignment", "AZResourceGroupContributor", "AZResourceGroupOwner", "AZResourceGroupUserAccessAdmin",
	"AZSubscriptionRoleAssignment", "AZSubscriptionContributor", "AZSubscriptionOwner", "AZSubscriptionUserAccessAdmin",
	"AZVMAdminLogin", "AZVMAvereContributor", "AZVMContributor", "AZVMOwner", "AZVMRoleAssignment", "AZVMUserAccessAdmin", "AZVMVMContributor",
	"AZStorageAccountRoleAssignment", "AZAutomationAccountRoleAssignment", "AZLogicAppRoleAssignment", "AZFunctionAppRoleAssignment",
	"AZContainerRegistryRoleAssignment", "AZWebAppRoleAssignment", "AZManagedClusterRoleAssignment", "AZVMScaleSetRoleAssignment",
}

// houndFields lists the members of items that are kept.
func houndFields() []string {
	f := []string{
		"id", "name", "location", "kind", "tags", "type", "displayName", "appId", "appOwnerOrganizationId", "servicePrincipalType",
		"alternativeNames", "accountEnabled", "userPrincipalName", "tenantId", "collected", "objectId", "applicationId", "permissions",
		"keyVaultId", "groupId", "servicePrincipalId", "members.member.id", "owners.owner.id", "membershipRule", "templateId", "principalId", "appRoleId", "resourceId", "resourceDisplayName",
		"roleDefinitionId", "directoryScopeId", "startDateTime",
		"identity.type", "identity.principalId", "identity.tenantId", "identity.userAssignedIdentities",
		"properties.displayName", "properties.parent.id", "properties.details.parent.id",
		"properties.accessPolicies.objectId", "properties.accessPolicies.applicationId", "properties.accessPolicies.tenantId",
		"properties.accessPolicies.permissions", "properties.deviceId",
		"fics.fic.id", "fics.fic.name", "fics.fic.issuer", "fics.fic.subject", "fics.fic.audiences",
		"roleAssignments.principalId", "roleAssignments.directoryScopeId", "roleAssignments.roleDefinitionId",
	}
	for _, p := range armSettings() {
		f = append(f, "properties."+p)
	}
	for list, one := range houndLists {
		for _, p := range []string{"id", "properties.principalId", "properties.roleDefinitionId", "properties.scope", "properties.principalType"} {
			f = append(f, list+"."+one+"."+p)
		}
	}
	return f
}

// houndReaders returns the readers by kind. A nil reader is a kind that is understood and
// says nothing that a fact could hold.
func houndReaders() map[string]houndReader {
	m := map[string]houndReader{
		"AZTenant":                          (*hound).tenant,
		"AZManagementGroup":                 (*hound).managementGroup,
		"AZManagementGroupDescendant":       (*hound).descendant,
		"AZSubscription":                    (*hound).subscription,
		"AZUser":                            (*hound).user,
		"AZGroup":                           (*hound).group,
		"AZGroupMember":                     (*hound).members,
		"AZDevice":                          (*hound).device,
		"AZServicePrincipal":                (*hound).servicePrincipal,
		"AZApp":                             (*hound).app,
		"AZFederatedIdentityCredential":     (*hound).credentials,
		"AZKeyVault":                        (*hound).vault,
		"AZKeyVaultAccessPolicy":            (*hound).accessPolicy,
		"AZRole":                            (*hound).directoryRole,
		"AZRoleAssignment":                  (*hound).directoryAssignments,
		"AZRoleEligibilityScheduleInstance": (*hound).directoryEligible,
		"AZAppRoleAssignment":               (*hound).appRole,
		"AZRoleManagementPolicyAssignment":  nil,
		"AZOAuth2PermissionGrant":           nil, // permissions of users through an application
	}
	for _, k := range []string{"AZAppOwner", "AZGroupOwner", "AZServicePrincipalOwner"} {
		m[k] = (*hound).owners
	}
	m["AZAppMember"] = nil
	for k, typ := range houndResources {
		m[k] = func(h *hound, a attrs) { h.resource(a, typ) }
	}
	for _, k := range houndAssignmentKinds {
		m[k] = (*hound).assignmentLists
	}
	return m
}

func (h *hound) assignmentLists(a attrs) {
	for _, list := range sortedKeys(houndLists) {
		one := houndLists[list]
		for _, e := range a.blocks(list) {
			if m, ok := e[one].(map[string]any); ok {
				h.assignment(m)
			}
		}
	}
}

// owners reads who owns a group, a service principal or an application. An application is
// put down by the ID that the item gives, and settled when all service principals are read
// (SpecterOps/AzureHound models/app-owner.go, group-owner.go, service-principal-owner.go).
func (h *hound) owners(a attrs) {
	owned := mivet.NewPrincipalID(firstOf(a.str("groupId"), a.str("servicePrincipalId"), a.str("appId")))
	for _, o := range a.blocks("owners") {
		if id := mivet.NewPrincipalID(o.str("owner", "id")); id != "" && owned != "" {
			h.snap.Ownerships = append(h.snap.Ownerships, mivet.Ownership{Owned: owned, Owner: id, Source: h.src})
		}
	}
}

// settleOwners puts the service principal in the place of its application, which items
// name by its object ID or its client ID, and drops what is told twice.
func (h *hound) settleOwners() {
	byClient := map[string]mivet.PrincipalID{}
	for i := range h.snap.Principals {
		if p := &h.snap.Principals[i]; p.ClientID != "" {
			byClient[p.ClientID] = p.ID
		}
	}
	for client, object := range h.apps {
		if id, ok := byClient[client]; ok {
			byClient[object] = id
		}
	}
	seen := map[[2]mivet.PrincipalID]bool{}
	list := h.snap.Ownerships
	h.snap.Ownerships = nil
	for _, o := range list {
		if id, ok := byClient[string(o.Owned)]; ok {
			o.Owned = id
		}
		if key := [2]mivet.PrincipalID{o.Owned, o.Owner}; !seen[key] {
			seen[key] = true
			h.snap.Ownerships = append(h.snap.Ownerships, o)
		}
	}
}

func (h *hound) tenant(a attrs) {
	if on, _ := a["collected"].(bool); on || h.snap.TenantID == "" {
		h.snap.TenantID = strings.ToLower(a.str("tenantId"))
	}
}

func (h *hound) managementGroup(a attrs) {
	id := spelled(a.str("id"), "", a.str("name"))
	if id.IsZero() {
		return
	}
	g := h.groupAt(id)
	g.Name = a.str("properties", "displayName")
	h.setParent(&g.Parent, a.str("properties", "details", "parent", "id"))
}

// groupAt returns the management group of that ID, which it adds first if need be.
func (h *hound) groupAt(id arm.ID) *mivet.ManagementGroup {
	i, ok := h.groups[id.Key()]
	if !ok {
		i = len(h.snap.ManagementGroups)
		h.groups[id.Key()] = i
		h.snap.ManagementGroups = append(h.snap.ManagementGroups, mivet.ManagementGroup{ID: id, Source: h.src})
	}
	return &h.snap.ManagementGroups[i]
}

func (h *hound) subscriptionAt(id arm.ID) *mivet.Subscription {
	i, ok := h.subs[id.Key()]
	if !ok {
		i = len(h.snap.Subscriptions)
		h.subs[id.Key()] = i
		h.snap.Subscriptions = append(h.snap.Subscriptions, mivet.Subscription{ID: id, Source: h.src})
	}
	return &h.snap.Subscriptions[i]
}

func (h *hound) setParent(to *arm.ID, text string) {
	if id := spelled(text, "", ""); !id.IsZero() {
		*to = id
	}
}

func (h *hound) descendant(a attrs) {
	id := spelled(a.str("id"), "", a.str("name"))
	parent := a.str("properties", "parent", "id")
	switch id.Level() {
	case arm.LevelSubscription:
		h.setParent(&h.subscriptionAt(id).Parent, parent)
	case arm.LevelManagementGroup:
		g := h.groupAt(id)
		h.setParent(&g.Parent, parent)
		g.Name = firstOf(g.Name, a.str("properties", "displayName"))
	default:
	}
}

func (h *hound) subscription(a attrs) {
	if id := spelled(a.str("id"), "", ""); id.Level() == arm.LevelSubscription {
		s := h.subscriptionAt(id)
		s.Name, s.Source = a.str("displayName"), h.src
	}
}

func (h *hound) person(a attrs, typ mivet.PrincipalType) *mivet.Principal {
	p := mivet.Principal{ID: mivet.NewPrincipalID(a.str("id")), Type: typ, Name: a.str("displayName"), Source: h.src}
	if on, ok := a["accountEnabled"].(bool); ok {
		p.Disabled = !on
	}
	if p.ID == "" {
		return &p
	}
	h.snap.Principals = append(h.snap.Principals, p)
	return &h.snap.Principals[len(h.snap.Principals)-1]
}

func (h *hound) user(a attrs) {
	p := h.person(a, mivet.TypeUser)
	p.Name = firstOf(a.str("userPrincipalName"), p.Name)
}

func (h *hound) group(a attrs)  { h.person(a, mivet.TypeGroup).MembershipRule = a.str("membershipRule") }
func (h *hound) device(a attrs) { h.person(a, mivet.TypeDevice) }

// servicePrincipal reads a service principal. That of a managed identity names its
// resource in alternativeNames, and with isExplicit=True that it is a user-assigned one.
func (h *hound) servicePrincipal(a attrs) {
	p := h.person(a, mivet.TypeServicePrincipal)
	p.ClientID = strings.ToLower(a.str("appId"))
	p.HomeTenant = strings.ToLower(a.str("appOwnerOrganizationId"))
	p.Managed = a.str("servicePrincipalType") == "ManagedIdentity"
	if !p.Managed {
		return
	}
	m := mivet.Identity{Kind: mivet.SystemAssigned, Principal: p.ID, ClientID: p.ClientID, Source: h.src}
	for _, n := range a.list("alternativeNames") {
		if strings.EqualFold(n, "isExplicit=True") {
			m.Kind = mivet.UserAssigned
		} else if id := parsed(n); !id.IsZero() {
			m.Resource = id
		}
	}
	if !m.Resource.IsZero() {
		h.bare(m.Resource)
		h.identity(m)
	}
}

func (h *hound) members(a attrs) {
	group := mivet.NewPrincipalID(a.str("groupId"))
	for _, m := range a.blocks("members") {
		if id := mivet.NewPrincipalID(m.str("member", "id")); id != "" && group != "" {
			h.snap.Memberships = append(h.snap.Memberships, mivet.Membership{Group: group, Member: id, Source: h.src})
		}
	}
}

func (h *hound) app(a attrs) {
	h.apps[strings.ToLower(a.str("appId"))] = strings.ToLower(a.str("id"))
}

// credentials reads the federated credentials of an application, which is named by its
// client ID.
func (h *hound) credentials(a attrs) {
	for _, e := range a.blocks("fics") {
		fic, _ := e["fic"].(map[string]any)
		f := attrs(fic)
		h.snap.FederatedCredentials = append(h.snap.FederatedCredentials, mivet.FederatedCredential{
			AppObjectID: strings.ToLower(a.str("appId")), // settled when all applications are read
			Name:        f.str("name"), Issuer: f.str("issuer"), Subject: f.str("subject"), Audiences: f.list("audiences"), Source: h.src,
		})
	}
}

// vault reads a vault with its access list. The list is complete here, while the items of
// kind AZKeyVaultAccessPolicy leave some entries out.
func (h *hound) vault(a attrs) {
	id := h.resource(a, "Microsoft.KeyVault/vaults")
	if at(a, "properties", "accessPolicies") == nil && !id.IsZero() {
		if on, _ := at(a, "properties", "enableRbacAuthorization").(bool); !on {
			h.gaps.add(mivet.Gap{Facts: mivet.FactAccessPolicies, Scope: id, Source: h.src, Reason: "the item of the vault does not list its access policies"})
		}
	}
	for _, p := range a.blocks("properties", "accessPolicies") {
		h.policy(lowered(armPolicy(p, id, h.src)))
	}
}

func (h *hound) accessPolicy(a attrs) {
	h.policy(lowered(armPolicy(a, spelled(a.str("keyVaultId"), "Microsoft.KeyVault/vaults", ""), h.src)))
}

// lowered writes the IDs of a policy in lower case: the two places that repeat one differ.
func lowered(p mivet.AccessPolicy) mivet.AccessPolicy {
	p.ApplicationID, p.TenantID = strings.ToLower(p.ApplicationID), strings.ToLower(p.TenantID)
	return p
}

func (h *hound) directoryRole(a attrs) {
	h.roles[strings.ToLower(a.str("id"))] = a.str("displayName")
}

func (h *hound) directoryAssignments(a attrs) {
	for _, e := range a.blocks("roleAssignments") {
		h.directoryFact(e, firstOf(e.str("roleDefinitionId"), a.str("roleDefinitionId")), false)
	}
}

func (h *hound) directoryEligible(a attrs) { h.directoryFact(a, a.str("roleDefinitionId"), true) }

func (h *hound) directoryFact(a attrs, role string, eligible bool) {
	d := mivet.DirectoryRoleAssignment{
		Principal: mivet.NewPrincipalID(a.str("principalId")), RoleID: strings.ToLower(role),
		DirectoryScope: strings.ToLower(a.str("directoryScopeId")), Eligible: eligible, Source: h.src,
	}
	if t, err := time.Parse(time.RFC3339, a.str("startDateTime")); err == nil {
		d.Start = t
	}
	if d.Principal != "" && d.RoleID != "" {
		h.snap.DirectoryRoles = append(h.snap.DirectoryRoles, d)
	}
}

func (h *hound) appRole(a attrs) {
	r := mivet.AppRoleAssignment{
		Principal: mivet.NewPrincipalID(a.str("principalId")), API: mivet.NewPrincipalID(a.str("resourceId")),
		APIName: a.str("resourceDisplayName"), RoleID: strings.ToLower(a.str("appRoleId")), Source: h.src,
	}
	if r.Principal != "" && r.RoleID != "" {
		h.snap.AppRoles = append(h.snap.AppRoles, r)
	}
}

// finish settles what needs the whole file, and adds what the collector does not see.
func (h *hound) finish() *mivet.Snapshot {
	for i := range h.snap.DirectoryRoles {
		d := &h.snap.DirectoryRoles[i]
		d.Role = h.roles[d.RoleID]
	}
	h.settleOwners()
	for i := range h.snap.FederatedCredentials {
		c := &h.snap.FederatedCredentials[i]
		if id, ok := h.apps[c.AppObjectID]; ok {
			c.AppObjectID = id
			continue
		}
		h.gaps.tally(mivet.FactFederatedCredentials, "credentials of applications that are not in the file", "", c.Name, c.Source)
		c.AppObjectID = ""
	}
	for i := range h.snap.AccessPolicies {
		p := &h.snap.AccessPolicies[i]
		if at, ok := h.resources[p.Vault.Key()]; ok {
			p.Vault = h.snap.Resources[at].ID // as the vault's own item spells it
		}
	}
	h.limits()
	h.snap.Gaps = h.gaps.list()
	return h.snap
}
