// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
)

// A grant to an empty principal is declared as refused, with the objects that it waits
// for; what is known after apply is not.
func TestRefusedGrants(t *testing.T) {
	f := func(address, after, exprs string, refused bool, waitsFor ...string) {
		t.Helper()
		const app = "azurerm_linux_web_app.app"
		plan := planOf(changes(app, `{"name":"app","resource_group_name":"g","identity":[{"type":"SystemAssigned"}]}`, address, after), config(address, exprs))
		s, err := ReadTerraform(t.Context(), "plan.json", strings.NewReader(plan))
		if err != nil {
			t.Fatal(err)
		}
		var got *mivet.Declaration
		for i := range s.Declarations {
			if d := &s.Declarations[i]; d.Address == address {
				got = d
			} else if d.Refused != "" {
				t.Errorf("%s is refused as well: %s", d.Address, d.Refused)
			}
		}
		if got == nil {
			t.Fatalf("%s is not declared", address)
		}
		if (got.Refused != "") != refused {
			t.Errorf("%s: refused %q", after, got.Refused)
		}
		if d := cmp.Diff(waitsFor, got.WaitsFor); d != "" {
			t.Errorf("%s waits for other objects: %s", after, d)
		}
	}
	const app = "azurerm_linux_web_app.app"
	principal := from("principal_id", app+".identity[0].principal_id", app)
	f("azurerm_role_assignment.x", `{"scope":"/subscriptions/1","role_definition_name":"Reader","principal_id":""}`, principal, true, app)
	f("azurerm_role_assignment.x", `{"scope":"/subscriptions/1","role_definition_name":"Reader","principal_id":""}`, ``, true)
	f("azurerm_role_assignment.x", `{"scope":"/subscriptions/1","role_definition_name":"Reader","principal_id":null}`, principal, false)
	f("azurerm_role_assignment.x", `{"scope":"/subscriptions/1","role_definition_name":"Reader","principal_id":"`+ann+`"}`, principal, false)
	f("azurerm_key_vault_access_policy.p", `{"key_vault_id":"`+testGroup+`/providers/Microsoft.KeyVault/vaults/kv","object_id":""}`,
		from("object_id", app+".identity[0].principal_id", app), true, app)
	f("azurerm_key_vault.kv", `{"name":"kv","resource_group_name":"g","access_policy":[{"object_id":"","secret_permissions":["Get"]}]}`, ``, true)
}
