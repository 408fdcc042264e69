// SPDX-License-Identifier: Apache-2.0

// Package privilege holds the rules about rights that are wider than they need to be.
//
// What a role can do is read from its patterns, never from its name or its privileged
// flag, and how bad it is from what lies below the scope. The package does not say which
// rights a workload needs: access tests and logs do.
package privilege

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{BroadScope, GrantsItself, PrivilegedWorkload, SharedIdentity, VaultMixedPlanes}
}

// Pages that several rules cite.
var (
	overview = vet.Citation{
		Title: "What is Azure role-based access control (Azure RBAC)?", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/azure-docs/blob/02d00dc8728a58aaf3d8af94e7223857d9a6155f/articles/role-based-access-control/overview.md",
	}
	scopes = vet.Citation{
		Title: "Understand scope for Azure RBAC", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/azure-docs/blob/0c82e52f109442ae597379e8deb394e57df4d9b9/articles/role-based-access-control/scope-overview.md",
	}
	identityPractice = vet.Citation{
		Title: "Managed identity best practice recommendations", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/entra-docs/blob/15730cf6c6088cb1aa101c2348f5dc1e4a5b4c6d/docs/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations.md",
	}
	delegation = vet.Citation{
		Title: "Examples to delegate Azure role assignment management with conditions", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/azure-docs/blob/3b9d7e48ea5eb9114907dbaa09ae2823a5a4d8b2/articles/role-based-access-control/delegate-role-assignments-examples.md",
	}
	vaultGuide = vet.Citation{
		Title: "Provide access to Key Vault keys, certificates, and secrets with Azure RBAC", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/azure-security-docs/blob/1c4310bed2b90b37d9500bd26dc00a314becfa9f/articles/key-vault/general/rbac-guide.md",
	}
)
