// SPDX-License-Identifier: Apache-2.0

package forensics_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/tenant"
)

const shop = `tenant t taken=2026-11-20T06:00:00Z
subscription main id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01
rg shop in=main
keyvault kv in=shop .enableRbacAuthorization=true
secret db in=kv
keyvault old in=shop .enableRbacAuthorization=false
user alice id=11111111-0000-4000-8000-00000000000a name="Alice Meyer"
webapp web in=shop system principal=11111111-0000-4000-8000-000000000001
webapp other in=shop system principal=11111111-0000-4000-8000-000000000002
group team id=11111111-0000-4000-8000-00000000000b members=web
`

const (
	web   = mivet.PrincipalID("11111111-0000-4000-8000-000000000001")
	other = mivet.PrincipalID("11111111-0000-4000-8000-000000000002")
	team  = mivet.PrincipalID("11111111-0000-4000-8000-00000000000b")
	alice = mivet.PrincipalID("11111111-0000-4000-8000-00000000000a")

	sub    = "/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01"
	group  = sub + "/resourceGroups/shop"
	vault  = group + "/providers/Microsoft.KeyVault/vaults/kv"
	secret = vault + "/secrets/db"

	secretsUser = "4633458b-17de-408a-b874-0445c86b69e6"
	contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	owner       = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	vaultAdmin  = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
	reader      = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

var cat = sync.OnceValue(func() *catalog.Catalog {
	c, err := catalog.Open()
	if err != nil {
		return &catalog.Catalog{} // every test would see it
	}
	return c
})

func read(t *testing.T, text string) *mivet.Snapshot {
	t.Helper()
	s, err := tenant.Parse("t.tenant", strings.NewReader(text), tenant.Options{Role: func(n string) (mivet.RoleID, bool) {
		if r := cat().RoleByName(n); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each gives the entries of a text to a function.
func each(t *testing.T, text string, take func(*logs.Entry, []byte, mivet.Source)) {
	t.Helper()
	r, err := logs.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	file := &mivet.Origin{File: "log.json"}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		take(e, r.Text(), mivet.Source{Origin: file, Line: r.Line()})
	}
}

func when(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func id(t *testing.T, s string) arm.ID {
	t.Helper()
	v, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// secretCall is an audit event of the vault.
func secretCall(at string, who mivet.PrincipalID, operation, name string, status int, address string) string {
	flag := status != 403
	return fmt.Sprintf(`{"time":%q,"category":"AuditEvent","operationName":%q,"resourceId":%q,"callerIpAddress":%q,"resultType":"Success","identity":{"claim":{"oid":%q}},"properties":{"id":"https://kv.vault.azure.net/secrets/%s","httpStatusCode":%d,"isRbacAuthorized":%v}}`+"\n",
		at, operation, strings.ToUpper(vault), address, who, name, status, flag)
}

// refused are refusals of a secret to web, a minute apart, the last at noon.
func refused(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		b.WriteString(secretCall(when(t, noon).Add(time.Duration(i-n+1)*time.Minute).Format(time.RFC3339), web, "SecretGet", "db", 403, "10.0.0.4"))
	}
	return b.String()
}

// assignment is the name of the grant of a role at a scope in the tests.
func assignment(role, scope string) string {
	return scope + "/providers/Microsoft.Authorization/roleAssignments/" + role[:8] + "-0000-4000-8000-" + fmt.Sprintf("%012x", len(scope))
}

// grant is a role assignment that was made, revoke one that was removed by its ID alone.
func grant(at string, who mivet.PrincipalID, role, scope string) string {
	body := fmt.Sprintf(`{"Id":"x","Properties":{"PrincipalId":%q,"RoleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","Scope":%q}}`, who, role, scope)
	return admin(at, "Microsoft.Authorization/roleAssignments/write", assignment(role, scope), "Created", body)
}

func revoke(at, role, scope string) string {
	return admin(at, "Microsoft.Authorization/roleAssignments/delete", assignment(role, scope), "OK", "")
}

// admin is a call through Resource Manager.
func admin(at, operation, target, code, body string) string {
	return fmt.Sprintf(`{"time":%q,"resourceId":%q,"operationName":%q,"category":"Administrative","resultType":"Success","callerIpAddress":"198.51.100.7","correlationId":%q,"identity":{"authorization":{"action":%q,"scope":%q},"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":%q}},"properties":{"statusCode":%q,"requestbody":%q}}`+"\n",
		at, strings.ToUpper(target), strings.ToUpper(operation), at+operation, operation, target, alice, code, body)
}
