// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func id(t testing.TB, s string) arm.ID {
	t.Helper()
	v, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const vaultID = "/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"

const (
	siteID     = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.Web/sites/orders"
	slotID     = siteID + "/slots/staging"
	userID     = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs"
	busID      = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.ServiceBus/namespaces/orders"
	systemGUID = "11111111-0000-4000-8000-000000000001"
	jobsGUID   = "11111111-0000-4000-8000-000000000002"
	annGUID    = "11111111-0000-4000-8000-000000000003"
	clientGUID = "22222222-0000-4000-8000-000000000002"
)

func testResolver(t *testing.T) *resolver {
	t.Helper()
	return newResolver(&mivet.Snapshot{
		Subscriptions:    []mivet.Subscription{{ID: id(t, "/subscriptions/1"), Name: "Shop Production"}},
		ManagementGroups: []mivet.ManagementGroup{{ID: id(t, "/providers/Microsoft.Management/managementGroups/all"), Name: "Everything"}},
		Resources: []mivet.Resource{
			{ID: id(t, siteID), Identity: &mivet.Attachment{System: true, SystemPrincipal: systemGUID, User: nil}},
			{ID: id(t, slotID), Identity: &mivet.Attachment{System: true, SystemPrincipal: "slot-principal"}},
			{ID: id(t, userID)},
			{ID: id(t, busID)},
			{ID: id(t, vaultID), Identity: &mivet.Attachment{User: nil}},
		},
		Identities: []mivet.Identity{
			{Kind: mivet.SystemAssigned, Resource: id(t, siteID), Principal: systemGUID},
			{Kind: mivet.UserAssigned, Resource: id(t, userID), Principal: jobsGUID, ClientID: clientGUID},
		},
		Principals: []mivet.Principal{
			{ID: systemGUID, Name: "orders", Managed: true},
			{ID: annGUID, Name: "Ann", Type: mivet.TypeUser},
			{ID: "lower", Name: "twin"},
			{ID: "upper", Name: "TWIN"},
			{ID: "x1", Name: "double", Type: mivet.TypeUser},
			{ID: "x2", Name: "double", Type: mivet.TypeGroup},
		},
		RoleAssignments: []mivet.RoleAssignment{{Principal: "only-granted"}, {Principal: mivet.SymbolicPrincipal("azurerm_linux_web_app.new")}},
		Declarations: []mivet.Declaration{
			{Address: "azurerm_linux_web_app.orders", Resource: id(t, siteID)},
			{Address: "azurerm_linux_web_app.new"},
		},
	})
}

func TestResolveIdentity(t *testing.T) {
	r := testResolver(t)
	f := func(word string, want mivet.PrincipalID) {
		t.Helper()
		if got, known, err := r.identity(word); err != nil || got != want || !known {
			t.Errorf("identity %q: %q, known %v, error %v; want %q", word, got, known, err, want)
		}
	}
	f(systemGUID, systemGUID)
	f(strings.ToUpper(jobsGUID), jobsGUID)
	f(strings.ToUpper(clientGUID), jobsGUID)
	f(userID, jobsGUID)
	f(strings.ToUpper(siteID)+"/", systemGUID)
	f(slotID, "slot-principal")
	f("orders", systemGUID)
	f("Orders", systemGUID)
	f(" jobs ", jobsGUID)
	f("staging", "slot-principal")
	f("ann", annGUID)
	f("twin", "lower")
	f("TWIN", "upper")
	f("only-granted", "only-granted")
	f("azurerm_linux_web_app.orders", systemGUID)
	f("azurerm_linux_web_app.new", mivet.SymbolicPrincipal("azurerm_linux_web_app.new"))

	if got, known, err := r.identity("99999999-0000-4000-8000-000000000009"); err != nil || known || got != "99999999-0000-4000-8000-000000000009" {
		t.Errorf("a foreign GUID: %q, known %v, error %v", got, known, err)
	}
}

func TestUnresolvedIdentity(t *testing.T) {
	r := testResolver(t)
	f := func(word, message string, hints ...string) {
		t.Helper()
		_, _, err := r.identity(word)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Fatalf("identity %q: error %v, want one with %q", word, err, message)
		}
		all := strings.Join(hintsOf(err), "\n")
		for _, h := range hints {
			if !strings.Contains(all, h) {
				t.Errorf("identity %q: hints %q do not have %q", word, all, h)
			}
		}
	}
	f("double", `identity "double" is ambiguous: 2 have that name`, "User double (x1)", "Group double (x2)")
	f("Twin", `identity "Twin" is ambiguous: 2`, "twin (lower)", "TWIN (upper)")
	f("oders", `there is no identity "oders"`, "did you mean orders?")
	f(vaultID, "there is no identity")
}

func TestResolveResource(t *testing.T) {
	r := testResolver(t)
	f := func(word, provider, want string) {
		t.Helper()
		got, err := r.resource(word, provider)
		if err != nil || !got.Equal(id(t, want)) {
			t.Errorf("resource %q: %s, error %v; want %s", word, got, err, want)
		}
	}
	f("kv", "", vaultID)
	f("KV", "", vaultID)
	f("kv/secrets/db", "", vaultID+"/secrets/db")
	f("/subscriptions/9/resourceGroups/x", "", "/subscriptions/9/resourceGroups/x")
	f("/", "", "/")
	f("shop", "", "/subscriptions/1/resourceGroups/shop")
	f("shop production", "", "/subscriptions/1")
	f("1", "", "/subscriptions/1")
	f("Everything", "", "/providers/Microsoft.Management/managementGroups/all")
	f("all", "", "/providers/Microsoft.Management/managementGroups/all")
	f("azurerm_linux_web_app.orders", "", siteID)
	// Two have the name: the operation's provider decides.
	f("orders", "microsoft.servicebus", busID)
	f("orders", "Microsoft.Web", siteID)
	f("orders/queues/new", "Microsoft.ServiceBus", busID+"/queues/new")
}

func TestUnresolvedResource(t *testing.T) {
	r := testResolver(t)
	f := func(word, want string) {
		t.Helper()
		if got, err := r.resource(word, "Microsoft.Sql"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("resource %q: %s, error %v; want an error with %q", word, got, err, want)
		}
	}
	f("orders", `resource "orders" is ambiguous: 2 have that name`)
	f("nothing", `there is no resource "nothing"`)
	f("nothing/below/it", `there is no resource "nothing/below/it"`)
	f("kv/secrets", "parsing resource ID")
	f("/elsewhere", "parsing resource ID")
}

func TestDescribe(t *testing.T) {
	r := testResolver(t)
	f := func(principal mivet.PrincipalID, want string) {
		t.Helper()
		if name, kind := r.describe(principal); name+", "+kind != want {
			t.Errorf("describe %s: %s, %s; want %s", principal, name, kind, want)
		}
	}
	f(systemGUID, "orders, system-assigned identity")
	f(jobsGUID, "jobs, user-assigned identity")
	f(annGUID, "Ann, user")
	f("x2", "double, group")
	f("lower", "twin, principal")
	f("nobody", "nobody, principal")
	f(mivet.Everyone, "everyone, everyone")
}

// An address that lacks its module or its key is answered with those that have them.
func TestNearAddresses(t *testing.T) {
	r := newResolver(&mivet.Snapshot{Declarations: []mivet.Declaration{
		{Address: `module.app["a.b]\"c"].azurerm_linux_web_app.api[0]`, Type: "azurerm_linux_web_app", IdentityType: "SystemAssigned"},
		{Address: "module.app[1].azurerm_linux_web_app.api", Type: "azurerm_linux_web_app", IdentityType: "SystemAssigned"},
		{Address: "azurerm_user_assigned_identity.jobs", Type: "azurerm_user_assigned_identity", UserAssigned: true},
		{Address: "azurerm_key_vault.kv", Type: "azurerm_key_vault"},
	}})
	f := func(word string, want ...string) {
		t.Helper()
		_, _, err := r.identity(word)
		hints := strings.Join(hintsOf(err), "\n")
		wanted := strings.Join(want, ", or ")
		if err == nil || wanted != "" && !strings.Contains(hints, "did you mean "+wanted+"?") || wanted == "" && strings.Contains(hints, "did you mean") {
			t.Errorf("%s: error %v, hints %q; want %q", word, err, hints, wanted)
		}
	}
	f("azurerm_linux_web_app.api", `module.app["a.b]\"c"].azurerm_linux_web_app.api[0]`, "module.app[1].azurerm_linux_web_app.api")
	f("module.app[7].azurerm_linux_web_app.api[3]", `module.app["a.b]\"c"].azurerm_linux_web_app.api[0]`, "module.app[1].azurerm_linux_web_app.api")
	f("azurerm_linux_web_app.other", `module.app["a.b]\"c"].azurerm_linux_web_app.api[0]`, "module.app[1].azurerm_linux_web_app.api")
	f("azurerm_user_assigned_identity.job", "azurerm_user_assigned_identity.jobs")
	f("azurerm_key_vault.kv")
	f("azurerm_key_vault.")
	f("nothing")
}
