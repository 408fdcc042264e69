// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
)

func TestExcess(t *testing.T) {
	const base = `tenant t
subscription prod
rg orders in prod
keyvault kv in orders .enableRbacAuthorization=true
keyvault old in orders .enableRbacAuthorization=false
storage files in orders
cosmos db in orders
localrole cosmos reader on db dataActions=Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read
role own name="Our Role" at prod actions=Microsoft.Web/sites/read
webapp api in orders system
`
	f := func(grants, ceiling string, extras int, problem bool) {
		t.Helper()
		s, cat := parse(t, base+grants)
		b := bind(t, s, "  api: {address: api, type: SystemAssigned, ceiling: ["+ceiling+"]}\n")
		allowed := authz.New(b.Allowed(cat), authz.Options{Catalog: cat})
		d, err := b.Bindings[0].Excess(authz.New(s, authz.Options{Catalog: cat}), allowed)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.OnlyA) != extras || len(d.Undecided) > 0 {
			t.Errorf("%s, %s: beyond %+v, undecided %+v", grants, ceiling, d.OnlyA, d.Undecided)
		}
		bad := false
		for _, g := range b.Bindings[0].Ceiling {
			bad = bad || g.Err != nil
		}
		if bad != problem {
			t.Errorf("%s: %+v", ceiling, b.Bindings[0].Ceiling)
		}
	}
	f("", "", 0, false)
	f("assign api Reader at kv\n", "", 1, false)
	f("assign api Reader at kv\n", "{role: Reader, at: orders}", 0, false)
	f("assign api own at kv\n", "{role: Our Role, at: orders}", 0, false)
	f("assign api Reader at orders\n", "{role: Reader, at: kv}", 1, false)
	f("assign api Reader at kv\n", "{role: Emperor, at: kv}", 1, true)
	f("assign api Reader at kv\n", "{role: Reader, at: nowhere}", 1, true)
	f("assign api \"Key Vault Secrets User\" at kv\n", "{operations: ['Microsoft.KeyVault/vaults/secrets/*'], at: kv}", 0, false)
	f("policy api on old secrets=get\n", "{access: read secret, at: old}", 0, false)
	f("policy api on old secrets=get,list keys=get\n", "{access: read secret, at: old}", 1, false)
	f("policy api on old secrets=get,list keys=sign certificates=get\n", "{policy: {secrets: [get, list], keys: sign, certificates: get}, at: old}", 0, false)
	f("local cosmos api reader on db scope=/dbs/shop/colls/orders\n", "{access: read item, at: db/sqlDatabases/shop/containers/orders}", 0, false)
	f("local cosmos api reader on db scope=/dbs/shop\n", "{access: read item, at: db/sqlDatabases/other}", 1, false)
	f("local cosmos api reader on db\n", "{local: cosmos, local-role: reader, at: db}", 0, false)
	f("assign api Reader at kv\n", "{operations: ['*/read'], plane: control, at: orders}", 0, false)
	f("assign api \"Storage Blob Data Reader\" at files condition=\"(@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'x')\"\n",
		"{role: Storage Blob Data Reader, at: files}", 0, false)

	s, _ := parse(t, base)
	b := bind(t, s, "  api: {address: nowhere, type: SystemAssigned, ceiling: []}\n")
	if _, err := b.Bindings[0].Excess(nil, nil); err == nil {
		t.Error("an identity without a principal is compared")
	}
}

func TestRoleOf(t *testing.T) {
	s, cat := parse(t, "tenant t\nsubscription prod\nrole own name=\"Our Role\" at prod actions=*/read\n")
	f := func(name, want string) {
		t.Helper()
		got := ""
		if r := RoleOf(name, s, cat); r != nil {
			got = r.Name
		}
		if got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	f("our role", "Our Role")
	f(string(s.RoleDefinitions[0].ID), "Our Role")
	f("reader", "Reader")
	f("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader")
	f("/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader")
	f("Emperor", "")
	if kindName(mivet.UserAssigned) == kindName(mivet.SystemAssigned) {
		t.Error("the types have one name")
	}
}
