// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

// VaultOperation returns the data operation that a permission of an access list stands
// for, written as its list and its word, such as "secrets/get", in any letter case. It
// reports false for words that nobody knows, and for those that stand for several.
func VaultOperation(permission string) (arm.Operation, bool) {
	list, word, _ := strings.Cut(strings.ToLower(strings.TrimSpace(permission)), "/")
	names := policyOperations[list][word]
	if len(names) == 0 || strings.Contains(names[0], "*") {
		return arm.Operation{}, false
	}
	return operationOf(vaultType + "/" + names[0]), true
}

// PolicyWords returns the permissions that a list of an access policy ("secrets", "keys",
// "certificates") may hold, in small letters and in order; nil for other lists.
func PolicyWords(list string) []string {
	if policyOperations[list] == nil {
		return nil
	}
	return append(slices.Sorted(maps.Keys(policyOperations[list])), "all")
}

// VaultRoleBased reports whether a new vault that leaves enableRbacAuthorization unset is
// under role assignments: so it is from API version 2026-02-01 on
// (MicrosoftDocs/azure-security-docs articles/key-vault/general/access-control-default.md).
// API versions begin with a day, so they compare as texts.
func VaultRoleBased(apiVersion string) bool {
	const since = "2026-02-01"
	return len(apiVersion) >= len(since) && apiVersion[:len(since)] >= since
}
