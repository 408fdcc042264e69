// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"testing"
)

func TestVaultOperation(t *testing.T) {
	f := func(permission, want string) {
		t.Helper()
		op, ok := VaultOperation(permission)
		if op.String() != want || ok != (want != "") {
			t.Errorf("VaultOperation(%q) = %s, %v; want %q", permission, op, ok, want)
		}
	}
	f("secrets/get", "Microsoft.KeyVault/vaults/secrets/getSecret/action")
	f(" Keys/UnwrapKey ", "Microsoft.KeyVault/vaults/keys/unwrap/action")
	f("secrets/set", "Microsoft.KeyVault/vaults/secrets/setSecret/action")
	f("certificates/manageissuers", "")
	f("secrets/nothing", "")
	f("nothing/get", "")
	f("get", "")
}

func TestPolicyWords(t *testing.T) {
	for _, list := range []string{"secrets", "keys", "certificates"} {
		words := PolicyWords(list)
		if !slices.Contains(words, "get") || !slices.Contains(words, "all") || slices.Contains(words, "") {
			t.Errorf("%s: %q", list, words)
		}
	}
	if words := PolicyWords("storage"); words != nil {
		t.Errorf("of storage nothing is known, but %q", words)
	}
}

func TestVaultRoleBased(t *testing.T) {
	for version, want := range map[string]bool{
		"2026-02-01": true, "2026-03-01-preview": true, "2027-01-01": true,
		"2025-05-01": false, "2023-07-01": false, "": false, "2026": false,
	} {
		if got := VaultRoleBased(version); got != want {
			t.Errorf("VaultRoleBased(%q) = %v", version, got)
		}
	}
}
