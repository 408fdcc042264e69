// SPDX-License-Identifier: Apache-2.0

package review

import "slices"

const (
	bestPractice = "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations"
	workloadCAE  = "https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation-workload"
	roleTrouble  = "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting"
	lifetimes    = "https://learn.microsoft.com/entra/identity-platform/access-tokens"
	delegation   = "https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas"
)

// The facts about tokens; read on 2026-11-30.
var (
	tokenManaged = []TokenFact{
		{"a token of a managed identity counts for up to 24 hours: the platform keeps it for each resource and gives the same one out again; nothing makes it anew before", bestPractice},
		{"continuous access evaluation does not cover managed identities: no event ends a token early", workloadCAE},
	}
	tokenService = []TokenFact{
		{"for service principals continuous access evaluation ends tokens of Microsoft Graph when they are disabled or deleted, where the client asks for it; no other API does", workloadCAE},
	}
	tokenRoles    = TokenFact{"role assignments are no part of a token: once one is removed, requests are refused within about ten minutes, whatever the token", roleTrouble}
	tokenClaims   = TokenFact{"groups and application permissions are part of the token: they count until it ends, up to 24 hours for a managed identity", bestPractice}
	tokenOutside  = TokenFact{"a token that was got with a federated credential counts for 60 to 90 minutes; the outside party asks for a new one each time", lifetimes}
	tokenDelegate = TokenFact{"a signed URL made with a user delegation key counts for up to 7 days, and ends when the keys are revoked or the right of the identity is gone", delegation}
)

// tokens says how long what was issued still counts, as far as it bears on what is held.
func (r *revoker) tokens() {
	has := func(kinds ...Kind) bool {
		return slices.ContainsFunc(r.rows, func(row *Row) bool { return slices.Contains(kinds, row.Kind) })
	}
	if r.id != nil {
		r.out.Tokens = slices.Clone(tokenManaged)
	} else {
		r.out.Tokens = slices.Clone(tokenService)
	}
	r.out.Tokens = append(r.out.Tokens, tokenRoles)
	if has(KindMember, KindAppRole, KindDirectory) {
		r.out.Tokens = append(r.out.Tokens, tokenClaims)
	}
	if has(KindFederation) {
		r.out.Tokens = append(r.out.Tokens, tokenOutside)
	}
	r.out.Tokens = append(r.out.Tokens, tokenDelegate)
}
