// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"fmt"

	"github.com/mivet/mivet"
)

// houndLimits is what AzureHound never collects (SpecterOps/AzureHound@23735c8, its
// folders cmd and client).
var houndLimits = []struct {
	facts  mivet.FactKind
	reason string
}{
	{mivet.FactRoleDefinitions, "AzureHound lists no definitions of Azure roles: roles are known by GUID only, custom roles not at all"},
	{mivet.FactRoleAssignments, "AzureHound keeps only some roles (Owner, Contributor, User Access Administrator and a few of the type) at management groups, subscriptions, " +
		"resource groups, vaults and virtual machines, lists assignments of ten types of resources only, and none with its condition"},
	{mivet.FactDenyAssignments, "AzureHound lists no deny assignments"},
	{mivet.FactEligibleAssignments, "AzureHound lists no eligible assignments of Azure roles"},
	{mivet.FactResources, "AzureHound lists eleven types of resources only"},
	{mivet.FactIdentities, "AzureHound lists identities on the types of resources that it knows, and user-assigned ones where they are attached"},
	{mivet.FactFederatedCredentials, "AzureHound lists no federated credentials of user-assigned identities"},
	{mivet.FactLocalGrants, "AzureHound lists no roles that services keep by themselves"},
	{mivet.FactPathACLs, "AzureHound lists no access lists of files"},
	{mivet.FactLocks, "AzureHound lists no locks"},
	{mivet.FactDelegations, "AzureHound lists no delegations"},
	{mivet.FactAppSettings, "AzureHound lists no app settings"},
}

// houndExpected are kinds of which a tenant has some. The collector writes its errors into
// its log and not into its output, so a kind that is missing may have failed.
var houndExpected = []struct {
	facts mivet.FactKind
	kinds []string
}{
	{mivet.FactPrincipals, []string{"AZUser"}},
	{mivet.FactPrincipals, []string{"AZServicePrincipal"}},
	{mivet.FactMemberships, []string{"AZGroup"}},
	{mivet.FactMemberships, []string{"AZGroupMember"}},
	{mivet.FactDirectoryRoles, []string{"AZRoleAssignment"}},
	{mivet.FactAppRoles, []string{"AZAppRoleAssignment"}},
	{mivet.FactSubscriptions, []string{"AZSubscription"}},
	{mivet.FactManagementGroups, []string{"AZManagementGroup", "AZManagementGroupDescendant"}},
	{mivet.FactAccessPolicies, []string{"AZKeyVault"}},
}

func (h *hound) limits() {
	src := mivet.Source{Origin: &mivet.Origin{File: h.file}}
	for _, l := range houndLimits {
		h.gaps.add(mivet.Gap{Facts: l.facts, Source: src, Reason: l.reason, Inherent: true})
	}
	for _, e := range houndExpected {
		found := 0
		for _, k := range e.kinds {
			found += h.kinds[k]
		}
		if found == 0 {
			h.gaps.add(mivet.Gap{
				Facts: e.facts, Source: src,
				Reason: "the file holds no item of kind " + e.kinds[0] + ": there is none, or it was not collected or not readable",
			})
		}
	}
	if h.count >= 0 && h.count != h.items {
		h.gaps.add(mivet.Gap{
			Facts: mivet.FactInput, Source: src,
			Reason: fmt.Sprintf("the file says that it holds %d items, and holds %d", h.count, h.items),
		})
	}
}
