// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

// Words of an access list. "list" is less than "get": the operation that reads a key
// reads more than its name. A word that nobody knows leaves open what its list may give,
// and nothing else. "all" was taken away when "purge" came, so that nobody gives it
// unknowingly (Azure/azure-rest-api-specs issue 1394).
func TestAccessPolicyWords(t *testing.T) {
	f := func(p mivet.AccessPolicy, operation string, effect Effect, cause Cause) {
		t.Helper()
		p.Vault, p.Principal = id(vault), "p"
		s := small(func(s *mivet.Snapshot) {
			s.Resources = []mivet.Resource{vaultWith("false")}
			s.AccessPolicies = []mivet.AccessPolicy{p}
		})
		r := ask("p", operation, secret)
		r.Plane = mivet.PlaneData
		wants(t, s, r, effect, cause)
	}
	secrets := func(words ...string) mivet.AccessPolicy { return mivet.AccessPolicy{Secrets: words} }
	keys := func(words ...string) mivet.AccessPolicy { return mivet.AccessPolicy{Keys: words} }
	f(secrets("get"), getSecret, Allowed, CauseGrant)
	f(secrets(" GET "), getSecret, Allowed, CauseGrant)
	f(secrets("get"), listSecrets, Denied, CauseNoGrant)
	f(secrets("list"), listSecrets, Allowed, CauseGrant)
	f(secrets("list"), getSecret, Denied, CauseNoGrant)
	f(secrets("set"), "Microsoft.KeyVault/vaults/secrets/update/action", Allowed, CauseGrant)
	f(keys("get"), readKey, Allowed, CauseGrant)
	f(keys("list"), readKey, Unknown, CauseCondition)
	f(keys("list", "get"), readKey, Allowed, CauseGrant)
	f(keys("get"), getSecret, Denied, CauseNoGrant)
	f(secrets("all"), getSecret, Allowed, CauseGrant)
	f(secrets("all"), purgeSecret, Denied, CauseNoGrant)
	f(secrets("all", "purge"), purgeSecret, Allowed, CauseGrant)
	f(keys("all"), readKey, Allowed, CauseGrant)
	f(secrets("get", "gett"), getSecret, Allowed, CauseGrant)
	f(secrets("get", "gett"), listSecrets, Unknown, CauseCondition)
	f(secrets("gett"), readKey, Denied, CauseNoGrant)
	f(keys("gett"), "Microsoft.KeyVault/vaults/keyrotationpolicies/read", Unknown, CauseCondition)
	f(mivet.AccessPolicy{Certificates: []string{"manageissuers"}}, "Microsoft.KeyVault/vaults/certificatecas/delete", Allowed, CauseGrant)
	f(mivet.AccessPolicy{Certificates: []string{"listissuers"}}, "Microsoft.KeyVault/vaults/certificatecas/read", Unknown, CauseCondition)
	f(mivet.AccessPolicy{Certificates: []string{"x"}}, "Microsoft.KeyVault/vaults/certificatecontacts/write", Unknown, CauseCondition)
	f(mivet.AccessPolicy{Storage: []string{"get"}}, "Microsoft.KeyVault/vaults/storageaccounts/read", Unknown, CauseCondition)
	f(mivet.AccessPolicy{Storage: []string{"get"}}, getSecret, Denied, CauseNoGrant)
	f(mivet.AccessPolicy{Secrets: []string{"get"}, ApplicationID: "app"}, getSecret, Unknown, CauseCondition)
	f(mivet.AccessPolicy{Secrets: []string{"get"}, ApplicationID: "app"}, readKey, Denied, CauseNoGrant)
}

// Each doubt of an entry is told where it is the one that counts.
func TestAccessPolicyDoubts(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Resources = []mivet.Resource{vaultWith("false")}
		s.AccessPolicies = []mivet.AccessPolicy{{
			Vault: id(vault), Principal: "p", Keys: []string{"list"}, Storage: []string{"get"}, Secrets: []string{"odd"},
		}}
	})
	e := New(s, Options{})
	f := func(operation, want string) {
		t.Helper()
		r := ask("p", operation, vault)
		r.Plane = mivet.PlaneData
		x := e.Explain(r)
		if len(x.Missing) != 1 || !strings.Contains(x.Missing[0].What, want) {
			t.Errorf("%s: %+v, want %q", operation, x.Missing, want)
		}
	}
	f(readKey, listingDoubt)
	f("Microsoft.KeyVault/vaults/storageaccounts/read", storageDoubt)
	f(getSecret, `"odd"`)
}

// The permission model: with true roles alone decide, with false or null the list alone,
// and Resource Manager is always under roles
// (azure-security-docs articles/key-vault/general/access-control-default.md).
func TestVaultModels(t *testing.T) {
	f := func(model string, role, list Effect) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.Resources = []mivet.Resource{vaultWith(model)}
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("role", "all", rg)}
			s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "list", Secrets: []string{"get"}}}
		})
		e := New(s, Options{})
		for who, want := range map[mivet.PrincipalID]Effect{"role": role, "list": list} {
			if got := e.Check(ask(who, getSecret, secret)); got.Effect != want {
				t.Errorf("model %q, %s: %s, want %s", model, who, got.Effect, want)
			}
		}
		if got := e.Check(ask("role", "Microsoft.KeyVault/vaults/write", vault)); got.Effect != Allowed {
			t.Errorf("model %q: Resource Manager says %s", model, got.Effect)
		}
		if got := e.Check(ask("list", "Microsoft.KeyVault/vaults/read", vault)); got.Effect != Denied {
			t.Errorf("model %q: Resource Manager says %s", model, got.Effect)
		}
		// Above the vault only what vaults inherit counts: roles.
		if got := e.Check(ask("list", getSecret, rg)); got.Effect != Denied {
			t.Errorf("model %q: the list counts for the group: %s", model, got.Effect)
		}
	}
	f("true", Allowed, Denied)
	f("True", Allowed, Denied)
	f("false", Denied, Allowed)
	f("null", Denied, Allowed)
	f("", Unknown, Unknown)
}
