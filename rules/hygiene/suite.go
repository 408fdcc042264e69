// SPDX-License-Identifier: Apache-2.0

// Package hygiene holds the rules about what is left over or counts for nothing.
//
// The package does not call something unused because no log was read: it looks at what
// is configured alone.
package hygiene

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{PowerlessIdentity, ProviderRetired, UnattachedIdentity, VaultAPIRetiring, VaultModelMixed}
}

// Pages that several rules cite.
var (
	identityPractice = vet.Citation{
		Title: "Managed identity best practice recommendations", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/entra-docs/blob/15730cf6c6088cb1aa101c2348f5dc1e4a5b4c6d/docs/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations.md",
	}
	vaultMigration = vet.Citation{
		Title: "Migrate from vault access policy to an Azure role-based access control permission model", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/azure-security-docs/blob/1c4310bed2b90b37d9500bd26dc00a314becfa9f/articles/key-vault/general/rbac-migration.md",
	}
	graphRetirement = vet.Citation{
		Title: "Action required: Azure AD Graph API retirement", Read: "2026-11-30",
		URL: "https://techcommunity.microsoft.com/blog/microsoft-entra-blog/action-required-azure-ad-graph-api-retirement/4090533",
	}
	graphProvider = vet.Citation{
		Title: "Azure Active Directory Provider: version 2.0 upgrade guide", Read: "2026-11-30",
		URL: "https://github.com/hashicorp/terraform-provider-azuread/blob/main/docs/guides/microsoft-graph.md",
	}
	vaultVersions = vet.Citation{
		Title: "Update the Azure Key Vault API version that you use", Read: "2026-11-30",
		URL: "https://learn.microsoft.com/azure/key-vault/general/migrate-api-version",
	}
	vaultDefault = vet.Citation{
		Title: "Prepare for Key Vault API version 2026-02-01 and later: Azure RBAC as default access control", Read: "2026-11-30",
		URL: "https://learn.microsoft.com/azure/key-vault/general/access-control-default",
	}
)
