// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

var newGolden = flag.Bool("new-golden", false, "write a golden file for a version that has none")

const goldenName = "testdata/v1.0.mivet"

// golden is the content of the golden file. It must not change: later versions must read
// what version 1.0 wrote.
func golden(t testing.TB) *mivet.Snapshot {
	t.Helper()
	at := time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC)
	api := mivet.Source{Origin: &mivet.Origin{API: "GET /subscriptions/s1/resources", ReadAt: at}}
	plan := mivet.Source{Origin: &mivet.Origin{File: "plan.json", Address: "azurerm_key_vault.kv"}, Line: 12}
	sub, vault := id(t, "/subscriptions/s1"), id(t, "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/kv")
	app := id(t, "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.Web/sites/web")
	uai := id(t, "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/web")
	op, err := arm.ParseOperation("Microsoft.KeyVault/vaults/secrets/getSecret/action")
	if err != nil {
		t.Fatal(err)
	}
	perms := []mivet.Permission{{Actions: []string{"*"}, NotActions: []string{"a/b/write"}, DataActions: []string{"c/d/read"}, Condition: "true", ConditionVersion: "2.0"}}
	return &mivet.Snapshot{
		TakenAt: at, TenantID: "11111111-1111-1111-1111-111111111111", Inputs: []string{"azure", "plan.json"},
		ManagementGroups: []mivet.ManagementGroup{{ID: id(t, "/providers/Microsoft.Management/managementGroups/root"), Name: "Root", Source: api}},
		Subscriptions:    []mivet.Subscription{{ID: sub, Name: "Shop \"prod\"", Parent: id(t, "/providers/Microsoft.Management/managementGroups/root"), Tags: map[string]string{"env": "prod"}, Source: api}},
		Resources: []mivet.Resource{
			{ID: vault, Location: "westeurope", Detail: &mivet.Detail{Settings: map[string]string{"enableRbacAuthorization": "true"}}, Source: plan},
			{ID: app, Location: "westeurope", Identity: &mivet.Attachment{System: true, SystemPrincipal: "p1", User: []arm.ID{uai}}, Detail: &mivet.Detail{Kind: "app,linux", Tags: map[string]string{"owner": "caf\u00e9"}, ManagedBy: sub}, Source: api},
		},
		Identities:           []mivet.Identity{{Kind: mivet.UserAssigned, Resource: uai, Principal: "p2", ClientID: "c2", TenantID: "t", Source: api}},
		Principals:           []mivet.Principal{{ID: "p1", Type: mivet.TypeServicePrincipal, Name: "web", ClientID: "c1", HomeTenant: "t", Managed: true, Disabled: true, Source: api}},
		Memberships:          []mivet.Membership{{Group: "g1", Member: "p1", Source: api}},
		FederatedCredentials: []mivet.FederatedCredential{{ID: id(t, uai.String()+"/federatedIdentityCredentials/gh"), Identity: uai, Name: "gh", Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:o/r:ref:refs/heads/main", Audiences: []string{"api://AzureADTokenExchange"}, Source: api}},
		RoleDefinitions:      []mivet.RoleDefinition{{ID: "r1", Name: "Custom", Description: "d", AssignableScopes: []string{"/subscriptions/s1"}, Permissions: perms, Source: api}},
		RoleAssignments: []mivet.RoleAssignment{{
			ID: id(t, "/subscriptions/s1/providers/Microsoft.Authorization/roleAssignments/a1"), Role: "r1", RoleName: "Custom", Principal: "p1",
			PrincipalType: mivet.TypeServicePrincipal, Scope: sub, Condition: "a\nb", ConditionVersion: "2.0", Description: "why", Eligible: true,
			Start: at, End: at.AddDate(1, 0, 0), CreatedOn: at, CreatedBy: "u1", DelegatedIdentity: uai, Source: api,
		}},
		DenyAssignments: []mivet.DenyAssignment{{ID: id(t, "/subscriptions/s1/providers/Microsoft.Authorization/denyAssignments/d1"), Name: "d", Scope: sub, ThisScopeOnly: true, Principals: []mivet.PrincipalID{mivet.Everyone}, Excluded: []mivet.PrincipalID{"p1"}, Permissions: perms, SystemProtected: true, Effect: mivet.DenyAudit, Source: api}},
		AccessPolicies:  []mivet.AccessPolicy{{Vault: vault, Principal: "p1", ApplicationID: "x", TenantID: "t", Keys: []string{"get"}, Secrets: []string{"all"}, Certificates: []string{"list"}, Storage: []string{"get"}, Source: plan}},
		LocalRoles:      []mivet.LocalRole{{System: mivet.LocalCosmos, ID: "l1", Name: "Reader", DataActions: []string{"x/read"}, Source: api}},
		LocalGrants:     []mivet.LocalAssignment{{System: mivet.LocalCosmos, Account: vault, Scope: "/dbs/shop", Role: "l1", Principal: "p1", Source: api}},
		PathACLs:        []mivet.PathACL{{Container: vault, Path: "/a/", Tag: "user", Principal: "p1", Permissions: "r-x", Source: api}},
		AppRoles:        []mivet.AppRoleAssignment{{Principal: "p1", API: "p9", APIName: "Microsoft Graph", RoleID: "ar", Role: "User.Read.All", Source: api}},
		DirectoryRoles:  []mivet.DirectoryRoleAssignment{{Principal: "p1", RoleID: "dr", Role: "Reader", DirectoryScope: "/", Eligible: true, Source: api}},
		Delegations:     []mivet.Delegation{{Scope: sub, ManagingTenant: "m", Grants: []mivet.DelegatedGrant{{Principal: "p8", Role: "r1", AssignableRoles: []mivet.RoleID{"r2"}}}, Source: api}},
		Locks:           []mivet.Lock{{Scope: sub, Level: "ReadOnly", Source: api}},
		Declarations:    []mivet.Declaration{{Address: "azurerm_key_vault.kv", Type: "azurerm_key_vault", Resource: vault, Actions: []string{"create"}, InlinePolicies: 1, Source: plan}},
		AccessTests:     []mivet.AccessTest{{Principal: "p1", Operation: op, Plane: mivet.PlaneData, Resource: vault, Allowed: true, Source: mivet.Source{Line: 3}}},
		Gaps:            []mivet.Gap{{Facts: mivet.FactLocks, Scope: sub, Subject: "s", Reason: "403", Permission: "x/read", Source: api}},
	}
}

// newest is the golden snapshot with the kinds of facts that came after version 1.0.
func newest(t testing.TB) *mivet.Snapshot {
	s := golden(t)
	s.Ownerships = []mivet.Ownership{{Owned: "g1", Owner: "p1", Source: s.Memberships[0].Source}}
	s.OutsideRights = []mivet.OutsideRight{{Holder: "github:a", Issuer: "i", Subject: "s", Runner: "r", Certain: true, How: "pushes", Source: s.Memberships[0].Source}}
	return s
}

func goldenFile(t testing.TB, s *mivet.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{TakenAt: s.TakenAt, TenantID: s.TenantID, Inputs: s.Inputs, Tool: "mivet v0.1.0", KeyID: "k1"}, keepAll{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(s); err != nil {
		t.Fatal(err)
	}
	if err := w.Properties(s.Resources[0].ID, json.RawMessage(`{"properties": {"enableRbacAuthorization": true}}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Files that version 1.0 wrote stay readable.
func TestGoldenVersion1(t *testing.T) {
	if *newGolden {
		if _, err := os.Stat(goldenName); err == nil {
			t.Fatal("there is a golden file of this version already, and it must not change")
		}
		if err := os.WriteFile(goldenName, goldenFile(t, golden(t)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(goldenName)
	if err != nil {
		t.Fatal(err)
	}
	want := golden(t)
	if diff := cmp.Diff(want, read(t, file), sameFacts); diff != "" {
		t.Errorf("the golden file is read (+) otherwise than it was written (-):\n%s", diff)
	}
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	raw, ok, err := f.Properties(want.Resources[0].ID)
	if err != nil || !ok || string(raw) != `{"properties":{"enableRbacAuthorization":true}}` {
		t.Errorf("the properties are %s, %v, %v", raw, ok, err)
	}
	all := 0
	err = f.EachProperties(func(id arm.ID, each json.RawMessage) error {
		if all++; !id.Equal(want.Resources[0].ID) || !bytes.Equal(each, raw) {
			t.Errorf("%s: %s", id, each)
		}
		return nil
	})
	if err != nil || all != 1 {
		t.Errorf("%d raw forms, %v", all, err)
	}
	if err := f.EachProperties(func(arm.ID, json.RawMessage) error { return io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the error of the caller is lost: %v", err)
	}
	if h := f.Header(); h.KeyID != "k1" || h.Tool != "mivet v0.1.0" {
		t.Errorf("the header is %+v", h)
	}
}

// The file is a zstd stream of JSON Lines to everyone.
func TestStandardTools(t *testing.T) {
	file := goldenFile(t, newest(t))
	stream, err := zstd.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	counts := map[string]int{}
	var plain bytes.Buffer
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		var r struct {
			Kind string          `json:"kind"`
			Fact json.RawMessage `json:"fact"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if counts[r.Kind]++; counts["header"] != 1 {
			t.Fatalf("%s comes before the header", r.Kind)
		}
		plain.Write(append(lines.Bytes(), '\n'))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"header": 1, "origin": 2, "resource": 2, "properties": 1, "index": len(kinds()) + 3}
	for _, k := range kinds() {
		want[k.name] = max(want[k.name], 1)
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skip("there is no zstd here")
	}
	cmd := exec.Command("zstd", "-dc")
	cmd.Stdin = bytes.NewReader(file)
	out, err := cmd.Output()
	if err != nil || !bytes.Equal(out, plain.Bytes()) {
		t.Errorf("zstd -dc gives %d bytes, not %d: %v", len(out), plain.Len(), err)
	}
}
