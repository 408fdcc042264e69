// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/change"
)

// What a plan does to one object each: an app that is made anew with a grant and a
// selector that follow, an identity that stays, and one that was moved and forgotten.
const changePlan = `{"format_version":"1.2","resource_changes":[
{"address":"azurerm_user_assigned_identity.id","mode":"managed","type":"azurerm_user_assigned_identity","provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["delete","create"],
 "before":{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/old","name":"old","resource_group_name":"g","principal_id":"p-old","client_id":"c-old"},
 "after":{"name":"new","resource_group_name":"g"},"after_unknown":{"id":true,"principal_id":true,"client_id":true}}},
{"address":"azurerm_linux_web_app.app","previous_address":"azurerm_linux_web_app.was","mode":"managed","type":"azurerm_linux_web_app","provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["update"],
 "before":{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app","name":"app","resource_group_name":"g","identity":[{"type":"UserAssigned","identity_ids":["/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/old"]}],
  "key_vault_reference_identity_id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/old","site_config":[{"container_registry_managed_identity_client_id":"c-old"}]},
 "after":{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app","name":"app","resource_group_name":"g","identity":[{"type":"UserAssigned"}],"site_config":[{"container_registry_managed_identity_client_id":"c-old"}]},
 "after_unknown":{"identity":[{"identity_ids":true}],"key_vault_reference_identity_id":true,"site_config":[{}]}}},
{"address":"azurerm_role_assignment.ra","mode":"managed","type":"azurerm_role_assignment","provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["delete","create"],
 "before":{"scope":"/subscriptions/s","role_definition_name":"Reader","principal_id":"p-old"},"after":{"scope":"/subscriptions/s","role_definition_name":"Reader"},"after_unknown":{"principal_id":true}}},
{"address":"azurerm_key_vault_access_policy.empty","mode":"managed","type":"azurerm_key_vault_access_policy","provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["create"],
 "before":null,"after":{"key_vault_id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv","object_id":""},"after_unknown":{}}},
{"address":"data.azurerm_client_config.me","mode":"data","type":"azurerm_client_config","change":{"actions":["read"],"before":null,"after":{}}}],
"configuration":{"root_module":{"resources":[
 {"address":"azurerm_linux_web_app.app","mode":"managed","type":"azurerm_linux_web_app","name":"app","expressions":{"key_vault_reference_identity_id":{"references":["azurerm_user_assigned_identity.id.id","azurerm_user_assigned_identity.id"]},"identity":[{"identity_ids":{"references":["azurerm_user_assigned_identity.id.id","azurerm_user_assigned_identity.id"]}}]}},
 {"address":"azurerm_role_assignment.ra","mode":"managed","type":"azurerm_role_assignment","name":"ra","expressions":{"principal_id":{"references":["azurerm_user_assigned_identity.id.principal_id","azurerm_user_assigned_identity.id"]}}}]}}}`

func TestReadPlan(t *testing.T) {
	p, err := ReadPlan(t.Context(), "plan.json", strings.NewReader(changePlan))
	if err != nil {
		t.Fatal(err)
	}
	const old = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/old"
	steps := map[string]change.Step{}
	for _, s := range p.Steps {
		steps[s.Address] = s
	}
	if len(steps) != 4 {
		t.Fatalf("%d steps", len(steps))
	}
	want := &change.Grant{
		Role: true, Before: change.Bound{Principal: "p-old"}, After: change.Bound{Principal: mivet.SymbolicPrincipal("azurerm_user_assigned_identity.id")},
	}
	if diff := cmp.Diff(want, steps["azurerm_role_assignment.ra"].Grant); diff != "" {
		t.Errorf("the grant (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&change.Grant{After: change.Bound{Empty: true}}, steps["azurerm_key_vault_access_policy.empty"].Grant); diff != "" {
		t.Errorf("the empty grant (-want +got):\n%s", diff)
	}
	app := steps["azurerm_linux_web_app.app"]
	if app.Previous != "azurerm_linux_web_app.was" || len(app.Selectors) != 2 {
		t.Fatalf("the app is %+v", app)
	}
	by := func(a, b arm.ID) bool { return a.Equal(b) }
	byName := map[string]change.Selector{}
	for _, s := range app.Selectors {
		byName[s.Attribute] = s
	}
	ref := byName["key_vault_reference_identity_id"]
	if diff := cmp.Diff(change.Choice{Values: []string{old}}, ref.Before, cmp.Comparer(by)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if !ref.After.Open || len(ref.After.Identities) != 1 || ref.After.Identities[0].Name() != "new" {
		t.Errorf("after it is %+v", ref.After)
	}
	if c := byName["site_config.container_registry_managed_identity_client_id"]; c.After.Open || len(c.After.Values) != 1 || c.After.Values[0] != "c-old" {
		t.Errorf("after it is %+v", c.After)
	}
	if n := len(p.Before.RoleAssignments); n != 1 || p.Before.RoleAssignments[0].Principal != "p-old" {
		t.Errorf("%d assignments before", n)
	}
	if n := len(p.After.RoleAssignments); n != 1 || p.After.RoleAssignments[0].Principal == "p-old" {
		t.Errorf("%d assignments after", n)
	}
}

func TestReadPlanRefuses(t *testing.T) {
	if _, err := ReadPlan(t.Context(), "x", strings.NewReader(`{"a":1}`)); err == nil {
		t.Error("no error for what is no plan")
	}
}
