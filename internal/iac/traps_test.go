// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/change"
)

// Values of the plans below.
const (
	oldP  = "11111111-0000-4000-8000-000000000001"
	newP  = "11111111-0000-4000-8000-000000000002"
	userP = "11111111-0000-4000-8000-000000000003"
	vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"
	appID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app"
	uaID  = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"
)

type m = map[string]any

// one is an element of resource_changes.
func one(address, actions string, before, after, unknown m) m {
	typ := address[:strings.IndexByte(address, '.')]
	if i := strings.Index(address, "azurerm_"); i > 0 {
		typ = address[i : i+strings.IndexByte(address[i:], '.')]
	}
	provider := "registry.terraform.io/hashicorp/azurerm"
	if strings.HasPrefix(typ, "azapi_") {
		provider = "registry.terraform.io/azure/azapi"
	}
	c := m{"actions": strings.Fields(actions), "before": nil, "after": nil}
	if before != nil {
		c["before"] = before
	}
	if after != nil {
		c["after"] = after
	}
	if unknown != nil {
		c["after_unknown"] = unknown
	}
	return m{"address": address, "mode": "managed", "type": typ, "provider_name": provider, "change": c}
}

func app(name, typ, principal string, ids ...string) m {
	identity := m{"type": typ}
	if principal != "" {
		identity["principal_id"] = principal
	}
	if ids != nil {
		identity["identity_ids"] = ids
	}
	return m{
		"id": strings.Replace(appID, "/app", "/"+name, 1), "name": name, "resource_group_name": "g",
		"identity": []m{identity}, "key_vault_reference_identity_id": "SystemAssigned",
	}
}

func assignment(principal string) m {
	a := m{"scope": vault, "role_definition_name": "Key Vault Secrets User"}
	if principal != "?" {
		a["principal_id"] = principal
	}
	return a
}

func identity(principal string) m {
	u := m{"id": uaID, "name": "id", "resource_group_name": "g"}
	if principal != "" {
		u["principal_id"], u["client_id"] = principal, "22222222"+principal[8:]
	}
	return u
}

var (
	unknownSystem    = m{"id": true, "identity": []m{{"principal_id": true}}, "key_vault_reference_identity_id": true}
	unknownPrincipal = m{"id": true, "principal_id": true}
)

// refs are the expressions of a configuration: by address of a resource, attribute, and
// what it refers to.
type refs map[string]map[string]string

func changeOf(t *testing.T, drift []m, r refs, changes ...m) *change.Plan {
	t.Helper()
	var resources []m
	for address, exprs := range r {
		typ, name, _ := strings.Cut(address, ".")
		e := m{}
		for attribute, ref := range exprs {
			var x any = m{"references": []string{ref, strings.Join(strings.SplitN(ref, ".", 3)[:2], ".")}}
			if block, inner, nested := strings.Cut(attribute, "."); nested {
				attribute, x = block, []m{{inner: x}}
			}
			e[attribute] = x
		}
		resources = append(resources, m{"address": address, "mode": "managed", "type": typ, "name": name, "expressions": e})
	}
	text, err := json.Marshal(m{
		"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": changes, "resource_drift": drift,
		"configuration": m{"root_module": m{"resources": resources}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPlan(t.Context(), "plan.json", strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compare(t *testing.T, p *change.Plan, state *mivet.Snapshot, want change.Report) {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	got := change.Compare(p, state, c)
	lists := func(r *change.Report) map[string][]string {
		return map[string][]string{
			"recycled": r.Recycled, "destroyed": r.Destroyed, "created": r.Created, "stranded": r.Stranded, "rebound": r.Rebound,
			"impossible": r.Impossible, "gap": r.Gap, "lost": r.Lost, "broad": r.Broad, "selectors": r.SelectorsBroken, "unmanaged": r.Unmanaged,
		}
	}
	have, asked := lists(got), lists(&want)
	for name := range have {
		if strings.Join(have[name], " ") != strings.Join(asked[name], " ") {
			t.Errorf("%s: %q, want %q", name, have[name], asked[name])
		}
	}
	if got.Quiet != want.Quiet {
		t.Errorf("quiet is %v", got.Quiet)
	}
	for _, d := range got.Details {
		if d.Text == "" || d.Source.Origin == nil || d.Source.Origin.File != "plan.json" {
			t.Errorf("the detail %+v has no text, or no place", d)
		}
	}
}

const (
	appAddress   = "azurerm_linux_web_app.app"
	grantAddress = "azurerm_role_assignment.kv"
	idAddress    = "azurerm_user_assigned_identity.id"
)

var (
	toApp  = refs{grantAddress: {"principal_id": appAddress + ".identity[0].principal_id"}}
	toUser = refs{grantAddress: {"principal_id": idAddress + ".principal_id"}, appAddress: {"identity.identity_ids": idAddress + ".id"}}
	list   = func(s ...string) []string { return s }
)

// The traps of plans: what a plan does not say by itself.
func TestTraps(t *testing.T) {
	replaced := func(actions string) m {
		return one(appAddress, actions, app("app", "SystemAssigned", oldP), app("new", "SystemAssigned", ""), unknownSystem)
	}
	follows := func(actions string) m {
		return one(grantAddress, actions, assignment(oldP), assignment("?"), unknownPrincipal)
	}

	// a literal principal: the grant is left behind, and the plan is silent about it
	compare(t, changeOf(t, nil, nil, replaced("delete create"), one(grantAddress, "no-op", assignment(oldP), assignment(oldP), nil)), nil,
		change.Report{Recycled: list(appAddress), Stranded: list(grantAddress), Lost: list(appAddress)})

	// create before destroy does not spread to the grant
	compare(t, changeOf(t, nil, toApp, replaced("create delete"), follows("delete create")), nil,
		change.Report{Recycled: list(appAddress), Rebound: list(grantAddress), Gap: list(appAddress)})
	// where it is spread, there is no gap
	compare(t, changeOf(t, nil, toApp, replaced("create delete"), follows("create delete")), nil,
		change.Report{Recycled: list(appAddress), Rebound: list(grantAddress)})

	// azapi updates the principal of an assignment, which Azure refuses
	body := func(principal string) m {
		p := m{"roleDefinitionId": "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6"}
		if principal != "" {
			p["principalId"] = principal
		}
		return m{
			"type": "Microsoft.Authorization/roleAssignments@2022-04-01", "name": "33333333-0000-4000-8000-000000000001",
			"parent_id": vault, "body": m{"properties": p},
		}
	}
	compare(t, changeOf(t, nil, refs{"azapi_resource.ra": {"body": appAddress + ".identity[0].principal_id"}}, replaced("delete create"),
		one("azapi_resource.ra", "update", body(oldP), body(""), m{"body": m{"properties": m{"principalId": true}}})), nil,
		change.Report{
			Recycled: list(appAddress), Impossible: list("azapi_resource.ra"), Stranded: list("azapi_resource.ra"), Lost: list(appAddress),
		})

	// the system identity is dropped; its principal_id stays in the plan
	compare(t, changeOf(t, nil, nil,
		one(appAddress, "update", app("app", "SystemAssigned, UserAssigned", oldP, uaID), app("app", "UserAssigned", oldP, uaID), nil),
		one(idAddress, "no-op", identity(userP), identity(userP), nil),
		one(grantAddress, "no-op", assignment(oldP), assignment(oldP), nil)), nil,
		change.Report{Destroyed: list(appAddress), Stranded: list(grantAddress), Lost: list(appAddress), SelectorsBroken: list(appAddress)})

	// none to system; the grant cannot name a principal that is empty
	bare := app("app", "", "")
	delete(bare, "identity")
	compare(t, changeOf(t, nil, nil, one(appAddress, "update", bare, app("app", "SystemAssigned", ""), m{"identity": []m{{"principal_id": true}}}),
		one(grantAddress, "create", nil, assignment(""), m{"id": true})), nil,
		change.Report{Created: list(appAddress), Impossible: list(grantAddress)})

	// a shared identity is recycled; apps take it by reference
	second := "azurerm_linux_function_app.fn"
	r := refs{second: {"identity.identity_ids": idAddress + ".id"}}
	maps.Copy(r, toUser)
	unknownIDs := m{"identity": []m{{"identity_ids": true}}}
	renamed := identity("")
	renamed["name"] = "id2"
	delete(renamed, "id")
	compare(t, changeOf(t, nil, r, one(idAddress, "delete create", identity(userP), renamed, m{"id": true, "principal_id": true, "client_id": true}),
		one(appAddress, "update", app("app", "UserAssigned", "", uaID), app("app", "UserAssigned", ""), unknownIDs),
		one(second, "update", app("fn", "UserAssigned", "", uaID), app("fn", "UserAssigned", ""), unknownIDs),
		one(grantAddress, "delete create", assignment(userP), assignment("?"), unknownPrincipal)), nil,
		change.Report{Recycled: list(idAddress), Rebound: list(grantAddress), Gap: list(second, appAddress)})
	// with literal IDs the apps point at nothing
	compare(t, changeOf(t, nil, toUser, one(idAddress, "delete create", identity(userP), renamed, m{"id": true, "principal_id": true, "client_id": true}),
		one(second, "no-op", app("fn", "UserAssigned", "", uaID), app("fn", "UserAssigned", "", uaID), nil),
		one(grantAddress, "delete create", assignment(userP), assignment("?"), unknownPrincipal)), nil,
		change.Report{Recycled: list(idAddress), Rebound: list(grantAddress), Lost: list(second)})

	// a grant that is taken away, and one that is made for an identity that was there
	compare(t, changeOf(t, nil, nil, one(appAddress, "no-op", app("app", "SystemAssigned", oldP), app("app", "SystemAssigned", oldP), nil),
		one(grantAddress, "delete", assignment(oldP), nil, nil)), nil, change.Report{Lost: list(appAddress)})
	compare(t, changeOf(t, nil, nil, one(appAddress, "no-op", app("app", "SystemAssigned", oldP), app("app", "SystemAssigned", oldP), nil),
		one(grantAddress, "create", nil, assignment(oldP), nil)), nil, change.Report{})

	// an app that is forgotten keeps its access; one that is deleted loses nothing, it is gone
	compare(t, changeOf(t, nil, nil, one(appAddress, "forget", app("app", "SystemAssigned", oldP), nil, nil),
		one(grantAddress, "no-op", assignment(oldP), assignment(oldP), nil)), nil, change.Report{Unmanaged: list(appAddress)})
	compare(t, changeOf(t, nil, nil, one(appAddress, "delete", app("app", "SystemAssigned", oldP), nil, nil),
		one(grantAddress, "no-op", assignment(oldP), assignment(oldP), nil)), nil,
		change.Report{Destroyed: list(appAddress), Stranded: list(grantAddress)})

	// a shift of count: every later instance is another
	compare(t, changeOf(t, nil, nil,
		one("azurerm_linux_web_app.app[0]", "delete create", app("a", "SystemAssigned", oldP), app("b", "SystemAssigned", ""), unknownSystem),
		one("azurerm_linux_web_app.app[1]", "delete", app("b", "SystemAssigned", newP), nil, nil)), nil,
		change.Report{Recycled: list("azurerm_linux_web_app.app[0]"), Destroyed: list("azurerm_linux_web_app.app[1]")})

	// noise is no change
	noisy := app("app", "SystemAssigned", oldP)
	noisy["tags"] = m{"a": "b"}
	compare(t, changeOf(t, nil, nil, one(appAddress, "update", app("app", "SystemAssigned", oldP), noisy, nil),
		one(grantAddress, "no-op", assignment(oldP), assignment(oldP), nil)), nil, change.Report{Quiet: true})
	compare(t, changeOf(t, nil, nil, one("azurerm_linux_web_app.app", "create", nil, bare, m{"id": true, "key_vault_reference_identity_id": true})), nil,
		change.Report{Quiet: true})
}

// What was made anew outside of the plan: the plan reads the new principal as its before.
func TestDrift(t *testing.T) {
	drift := []m{one(appAddress, "update", app("app", "SystemAssigned", oldP), app("app", "SystemAssigned", newP), nil)}
	now := one(appAddress, "no-op", app("app", "SystemAssigned", newP), app("app", "SystemAssigned", newP), nil)
	literal := one(grantAddress, "no-op", assignment(oldP), assignment(oldP), nil)
	follows := one(grantAddress, "delete create", assignment(oldP), assignment(newP), nil)

	compare(t, changeOf(t, drift, nil, now, literal), nil,
		change.Report{Recycled: list(appAddress), Stranded: list(grantAddress), Lost: list(appAddress)})
	compare(t, changeOf(t, drift, nil, now, follows), nil,
		change.Report{Recycled: list(appAddress), Rebound: list(grantAddress)})

	text, err := json.Marshal(m{"format_version": "1.0", "values": m{"root_module": m{"resources": []m{
		{"address": appAddress, "mode": "managed", "type": "azurerm_linux_web_app", "values": app("app", "SystemAssigned", oldP)},
		{"address": grantAddress, "mode": "managed", "type": "azurerm_role_assignment", "values": assignment(oldP)},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	state, err := ReadTerraform(t.Context(), "state.json", strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, changeOf(t, nil, nil, now, literal), state,
		change.Report{Recycled: list(appAddress), Stranded: list(grantAddress), Lost: list(appAddress)})
	compare(t, changeOf(t, nil, nil, now, follows), state,
		change.Report{Recycled: list(appAddress), Rebound: list(grantAddress)})
}

func TestBroad(t *testing.T) {
	f := func(role, scope, actions string, want bool) {
		t.Helper()
		a := m{"scope": scope, "role_definition_name": role, "principal_id": oldP}
		var before m
		if !strings.HasPrefix(actions, "create") || strings.Contains(actions, "delete") {
			before = a
		}
		w := change.Report{Quiet: actions == "no-op"}
		if want {
			w.Broad = list(grantAddress)
		}
		compare(t, changeOf(t, nil, nil, one(grantAddress, actions, before, a, nil)), nil, w)
	}
	const group, all = "/subscriptions/s/resourceGroups/g", "/subscriptions/s"
	f("Owner", group, "create", true)
	f("Contributor", all, "create", true)
	f("User Access Administrator", group, "delete create", true)
	f("Role Based Access Control Administrator", "/providers/Microsoft.Management/managementGroups/m", "create", true)
	f("Owner", vault, "create", false)
	f("Reader", all, "create", false)
	f("Contributor", all, "no-op", false)
	f("Key Vault Administrator", group, "create", false)
}

func TestSelectors(t *testing.T) {
	f := func(before, after m, unknown m, want bool) {
		t.Helper()
		p := changeOf(t, nil, nil, one(appAddress, "update", before, after, unknown), one(idAddress, "no-op", identity(userP), identity(userP), nil))
		r := change.Compare(p, nil, func() *catalog.Catalog { c, _ := catalog.Open(); return c }())
		if got := len(r.SelectorsBroken) == 1; got != want {
			t.Errorf("broken is %q", r.SelectorsBroken)
		}
	}
	with := func(a m, attribute, value string) m {
		if block, inner, nested := strings.Cut(attribute, "."); nested {
			a[block] = []m{{inner: value}}
			return a
		}
		a[attribute] = value
		return a
	}
	const other = uaID + "2"
	client := "22222222" + userP[8:]
	both, user := "SystemAssigned, UserAssigned", "UserAssigned"
	f(app("a", both, oldP, uaID), app("a", user, oldP, uaID), nil, true)
	f(app("a", both, oldP, uaID), with(app("a", user, oldP, uaID), "key_vault_reference_identity_id", uaID), nil, false)
	f(with(app("a", user, "", uaID), "key_vault_reference_identity_id", uaID), with(app("a", user, "", other), "key_vault_reference_identity_id", uaID), nil, true)
	f(with(app("a", user, "", uaID), "key_vault_reference_identity_id", other), with(app("a", user, "", uaID), "key_vault_reference_identity_id", other), nil, false)
	f(with(app("a", user, "", uaID), "site_config.container_registry_managed_identity_client_id", client),
		with(app("a", "SystemAssigned", oldP), "site_config.container_registry_managed_identity_client_id", client), nil, true)
	f(with(app("a", user, "", uaID), "site_config.container_registry_managed_identity_client_id", client),
		with(app("a", user, "", uaID), "site_config.container_registry_managed_identity_client_id", client), nil, false)
}
