// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"sync"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// The names of the small tenants.
const (
	tenantID = "11111111-1111-1111-1111-111111111111"
	groupA   = "/providers/Microsoft.Management/managementGroups/a"
	groupB   = "/providers/Microsoft.Management/managementGroups/b"
	groupC   = "/providers/Microsoft.Management/managementGroups/c"
	tenantMG = "/providers/Microsoft.Management/managementGroups/" + tenantID
	sub      = "/subscriptions/00000000-0000-0000-0000-000000000001"
	sub2     = "/subscriptions/00000000-0000-0000-0000-000000000002"
	rg       = sub + "/resourceGroups/rg"
	account  = rg + "/providers/Microsoft.Storage/storageAccounts/st"
	blobs    = account + "/blobServices/default/containers/c"
	vault    = rg + "/providers/Microsoft.KeyVault/vaults/kv"
	secret   = vault + "/secrets/s"
	hsm      = rg + "/providers/Microsoft.KeyVault/managedHSMs/h"
	hsmKey   = hsm + "/keys/k"
	cosmos   = rg + "/providers/Microsoft.DocumentDB/databaseAccounts/db"

	readAccount = "Microsoft.Storage/storageAccounts/read"
	readBlob    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	getSecret   = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	listSecrets = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
	purgeSecret = "Microsoft.KeyVault/vaults/secrets/purge/action"
	readKey     = "Microsoft.KeyVault/vaults/keys/read"
	signHSM     = "Microsoft.KeyVault/managedHsm/keys/sign/action"
	readItem    = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read"
	writeRole   = "Microsoft.Authorization/roleAssignments/write"
)

// The roles that every small tenant defines itself. Names are IDs, for short.
func smallRoles() []mivet.RoleDefinition {
	def := func(id mivet.RoleID, perms ...mivet.Permission) mivet.RoleDefinition {
		return mivet.RoleDefinition{ID: id, Name: string(id), Permissions: perms}
	}
	return []mivet.RoleDefinition{
		def("owner", mivet.Permission{Actions: []string{"*"}}),
		def("reader", mivet.Permission{Actions: []string{"*/read"}}),
		def("data", mivet.Permission{DataActions: []string{"*"}}),
		def("all", mivet.Permission{Actions: []string{"*"}, DataActions: []string{"*"}}),
		def("none", mivet.Permission{}),
	}
}

// id reads an ID that a test wrote.
func id(s string) arm.ID {
	if s == "" {
		return arm.ID{}
	}
	v, err := arm.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}

// op reads an operation that a test wrote.
func op(s string) arm.Operation {
	if s == "" {
		return arm.Operation{}
	}
	v, err := arm.ParseOperation(s)
	if err != nil {
		panic(err)
	}
	return v
}

func grantOf(who mivet.PrincipalID, role mivet.RoleID, scope string) mivet.RoleAssignment {
	return mivet.RoleAssignment{Principal: who, Role: role, Scope: id(scope)}
}

// denyOf denies everything to some principals.
func denyOf(scope string, who ...mivet.PrincipalID) mivet.DenyAssignment {
	return mivet.DenyAssignment{
		Scope: id(scope), Principals: who,
		Permissions: []mivet.Permission{{Actions: []string{"*"}, DataActions: []string{"*"}}},
	}
}

// vaultWith is a vault with a permission model: "true", "false", "null", or "" for one that
// was not read.
func vaultWith(model string) mivet.Resource {
	r := mivet.Resource{ID: id(vault)}
	if model != "" {
		r.Detail = &mivet.Detail{Settings: map[string]string{modelSetting: model}}
	}
	return r
}

// small returns a tenant with two subscriptions in no management group and the small
// roles.
func small(change func(*mivet.Snapshot)) *mivet.Snapshot {
	s := &mivet.Snapshot{
		TakenAt:         time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
		Subscriptions:   []mivet.Subscription{{ID: id(sub)}, {ID: id(sub2)}},
		RoleDefinitions: smallRoles(),
	}
	if change != nil {
		change(s)
	}
	return s
}

// ask makes a request on the plane that suits most operations of the small tenants.
func ask(who mivet.PrincipalID, operation, resource string) Request {
	plane := mivet.PlaneControl
	switch operation {
	case readBlob, getSecret, listSecrets, purgeSecret, readKey, signHSM, readItem:
		plane = mivet.PlaneData
	}
	return Request{Principal: who, Operation: op(operation), Plane: plane, Resource: id(resource)}
}

// wants asks one question in every way and compares the answer.
func wants(t *testing.T, s *mivet.Snapshot, r Request, effect Effect, cause Cause) {
	t.Helper()
	e := New(s, Options{})
	got := e.Check(r)
	if got.Effect != effect || got.Cause != cause {
		t.Errorf("got %s because of %s, want %s because of %s", got.Effect, got.Cause, effect, cause)
	}
	if x := e.Explain(r); x.Decision != got {
		t.Errorf("Check says %+v, Explain %+v", got, x.Decision)
	}
}

var openCatalog = sync.OnceValues(catalog.Open)

func theCatalog(tb testing.TB) *catalog.Catalog {
	tb.Helper()
	c, err := openCatalog()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
