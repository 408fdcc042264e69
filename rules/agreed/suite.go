// SPDX-License-Identifier: Apache-2.0

// Package agreed holds the rules about what people agreed on: reasons, owners,
// environments, exceptions, and contracts about identities.
//
// The package believes what is written down, in tags, descriptions, owners of files and
// suppressions and contracts. It guesses nothing from names.
package agreed

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return append(Contract(), CrossesEnvironments, ExpiredSuppression, OutlivedPromise, OwnerMissing, UnrecordedGrant)
}

// Contract returns the rules that hold a contract against a tenant. Without a contract they
// have nothing to look at.
func Contract() []*vet.Rule {
	return []*vet.Rule{
		ContractAccessForbidden, ContractAccessMissing, ContractExceeded, ContractIdentityMissing, ContractOwnerMissing,
		ContractPrincipalDiffers, ContractReviewOverdue, ContractRoleForbidden, ContractSeparationBroken, ContractSharedWidely, ContractTypeDiffers,
		ContractTypeUnfounded, ContractWorkloadUnlisted,
	}
}

// Pages that several rules cite.
var (
	identityPractice = vet.Citation{
		Title: "Managed identity best practice recommendations", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/entra-docs/blob/15730cf6c6088cb1aa101c2348f5dc1e4a5b4c6d/docs/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations.md",
	}
	limits = vet.Citation{
		Title: "Azure RBAC limits", Read: "2026-11-21",
		URL: "https://github.com/MicrosoftDocs/azure-docs/blob/02d00dc8728a58aaf3d8af94e7223857d9a6155f/includes/role-based-access-control/limits.md",
	}
)
