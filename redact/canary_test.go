// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
)

var _ snapshot.Redactor = (*redact.Redactor)(nil)

// canaries are secrets of several kinds; the part that must not survive comes with each.
var canaries = []struct{ text, secret string }{
	{"Password=C4n4ry-one", "C4n4ry-one"},
	{"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Q2FuYXJ5VHdvQ2FuYXJ5VHdvQ2FuYXJ5VHdv;EndpointSuffix=x", "Q2FuYXJ5VHdv"},
	{"https://a.blob.core.windows.net/c?sv=1&sig=C4n4rythree%3D", "C4n4rythree"},
	{"eyJhbGciOiJSUzI1NiJ9.eyJDYW5hcnlGb3VyIjoxfQ.c2ln", "eyJDYW5hcnlGb3Vy"},
	{"9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c"},
	{"abC8Q~CanarySixCanarySixCanarySixCanaryS", "CanarySix"},
	{"ghp_CanarySevenCanarySevenCanarySeven012", "CanarySeven"},
	{"kQ3zV8mB1xT6yR0wN5pL2sJ7dF4gH9", "kQ3zV8mB1x"},
}

// words are keys that resources have, on the allow-list and not.
var words = []string{
	"id", "name", "properties", "tags", "identity", "type", "siteConfig", "appSettings", "value", "secretRef", "env", "template", "containers",
	"userAssignedIdentities", "principalId", "accessPolicies", "permissions", "secrets", "adminPassword", "customData", "networkAcls", "description",
	"condition", "connectionString", "linuxFxVersion", "networkRuleSet", "AZURE_CLIENT_ID", "keyVaultReferenceIdentity", "sku", "zones", "foo",
}

var resourceTypes = []string{
	"Microsoft.Web/sites", "Microsoft.Web/sites/config", "Microsoft.App/containerApps", "Microsoft.KeyVault/vaults", "Microsoft.Compute/virtualMachines",
	"Microsoft.Authorization/roleAssignments", "Microsoft.Logic/workflows", "No.Such/type", "",
}

// anyJSON makes a value with canaries in texts and in keys.
func anyJSON(t *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.Bool().Draw(t, "bool")
	case 1:
		return nil
	case 2, 3:
		c := rapid.SampledFrom(canaries).Draw(t, "canary").text
		return rapid.SampledFrom([]string{"", "see ", "/subscriptions/1/", "@Microsoft.KeyVault("}).Draw(t, "before") + c
	case 4:
		var list []any
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			list = append(list, anyJSON(t, depth-1))
		}
		return list
	default:
		object := map[string]any{}
		for range rapid.IntRange(0, 5).Draw(t, "len") {
			key := rapid.SampledFrom(words).Draw(t, "key")
			if rapid.IntRange(0, 9).Draw(t, "canary key") == 0 {
				key = rapid.SampledFrom(canaries).Draw(t, "key").text
			}
			object[key] = anyJSON(t, depth-1)
		}
		return object
	}
}

func survivors(text string) []string {
	var found []string
	for _, c := range canaries {
		if strings.Contains(text, c.secret) {
			found = append(found, c.secret)
		}
	}
	return found
}

func TestNoCanarySurvivesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, err := redact.New(redact.Options{})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(map[string]any{
			"name": "web/appsettings", "properties": anyJSON(t, 6), "tags": anyJSON(t, 2), "identity": anyJSON(t, 3), "sku": anyJSON(t, 2),
			rapid.SampledFrom(words).Draw(t, "key"): anyJSON(t, 3),
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.Properties(rapid.SampledFrom(resourceTypes).Draw(t, "type"), raw)
		if err != nil || !json.Valid(out) {
			t.Fatalf("%s, %v", out, err)
		}
		if found := survivors(string(out) + fmt.Sprint(r.Report())); found != nil {
			t.Fatalf("%v survived in\n%s\nof\n%s\nreport %v", found, out, raw, r.Report())
		}
	})
}

// A thousand secrets in all places of a snapshot: none reaches the file.
func TestNoCanaryReachesTheFile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	canary := func() string { return canaries[r.IntN(len(canaries))].text }
	s := &mivet.Snapshot{Inputs: []string{canary()}}
	scope, err := arm.ParseID("/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers/Microsoft.Web/sites/web")
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		src := mivet.Source{Origin: &mivet.Origin{File: canary(), API: "GET /x?" + canary(), Address: canary()}}
		s.Resources = append(s.Resources, mivet.Resource{ID: scope, Location: canary(), Source: src, Detail: &mivet.Detail{
			Kind: canary(), Tags: map[string]string{"a": canary(), canary(): "b"},
			Settings: map[string]string{"siteConfig.appSettings.A": canary(), "publicNetworkAccess": canary(), canary(): "true"},
		}})
		s.Principals = append(s.Principals, mivet.Principal{ID: "p", Name: canary(), ClientID: canary(), Source: src})
		s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{Principal: "p", RoleName: canary(), Scope: scope, Condition: canary(), Description: "for " + canary()})
		s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "r", Name: canary(), Description: canary(), Permissions: []mivet.Permission{{Actions: []string{canary()}}}})
		s.Declarations = append(s.Declarations, mivet.Declaration{Address: canary(), Type: canary(), Actions: []string{canary()}})
		s.Gaps = append(s.Gaps, mivet.Gap{Facts: mivet.FactLocks, Subject: canary(), Reason: "403: " + canary(), Permission: canary()})
	}
	red, err := redact.New(redact.Options{Key: []byte("0123456789abcdef"), KeyID: "k"})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w, err := snapshot.NewWriter(&file, snapshot.Header{Inputs: s.Inputs, TenantID: canary(), Tool: canary(), KeyID: "k"}, red)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(s); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		raw, err := json.Marshal(map[string]any{
			"tags":       map[string]string{"x": canary(), canary(): "y"},
			"properties": map[string]any{"defaultHostName": canary(), "password": canary(), "siteConfig": map[string]any{"appSettings": []any{map[string]any{"name": "A", "value": canary()}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Properties(scope, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	stream, err := zstd.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	plain, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	if found := survivors(string(plain)); found != nil {
		t.Errorf("%v survived in\n%s", found, plain)
	}
	if n := bytes.Count(plain, []byte(redact.Marker)); n < 500 {
		t.Errorf("only %d places were redacted, so the test shows nothing", n)
	}
}

func FuzzProperties(f *testing.F) {
	f.Add("Microsoft.Web/sites", []byte(`{"properties":{"siteConfig":{"appSettings":[{"name":"A","value":"x"}]},"x":[1]},"tags":{"a":"b"}}`))
	f.Add("Microsoft.Web/sites/config", []byte(`{"name":"a/connectionstrings","properties":{"A":{"value":"x"}}}`))
	f.Add("Microsoft.Authorization/roleAssignments", []byte(`{"properties":{"a":[{"b":"password=x"}]}}`))
	r, err := redact.New(redact.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, typ string, raw []byte) {
		out, err := r.Properties(typ, raw)
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%s gives %s", raw, out)
		}
		if again, err := r.Properties(typ, out); err != nil || !bytes.Equal(again, out) {
			t.Errorf("%s gives %s and then %s, %v", raw, out, again, err)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, c := range canaries {
		f.Add(c.text)
	}
	f.Add(`"token": 'a b' %3d Bearer ://x:y@ eyJabcdef..`)
	f.Add("0000000000000000000000000000A00=A00a00A0000000000000000A")
	f.Fuzz(func(t *testing.T, s string) {
		once := redact.Text(s)
		if twice := redact.Text(once); twice != once {
			t.Errorf("%q becomes %q and then %q", s, once, twice)
		}
	})
}

func Example() {
	r, err := redact.New(redact.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	raw := json.RawMessage(`{"properties": {"enableRbacAuthorization": true, "adminPassword": "hunter2"}, "tags": {"env": "prod"}}`)
	kept, err := r.Properties("Microsoft.KeyVault/vaults", raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(kept))
	fmt.Println(r.Report().Dropped)
	fmt.Println(r.Text("403 for https://st.blob.core.windows.net/c?sig=abc"))
	// Output:
	// {"properties":{"enableRbacAuthorization":true},"tags":{"env":"prod"}}
	// map[{Microsoft.KeyVault/vaults properties.adminPassword}:1]
	// 403 for https://st.blob.core.windows.net/c?sig=[redacted]
}

func BenchmarkProperties(b *testing.B) {
	r, err := redact.New(redact.Options{})
	if err != nil {
		b.Fatal(err)
	}
	raw := json.RawMessage(`{"id":"/subscriptions/1/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/st","name":"st","type":"Microsoft.Storage/storageAccounts",
		"location":"westeurope","tags":{"env":"prod","owner":"team-payments"},"sku":{"name":"Standard_LRS","tier":"Standard"},
		"properties":{"provisioningState":"Succeeded","allowSharedKeyAccess":true,"networkAcls":{"bypass":"AzureServices","ipRules":[],"defaultAction":"Allow"},
		"encryption":{"services":{"file":{"enabled":true},"blob":{"enabled":true}},"keySource":"Microsoft.Storage"},"primaryEndpoints":{"blob":"https://st.blob.core.windows.net/","file":"https://st.file.core.windows.net/"},"statusOfPrimary":"available"}}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := r.Properties("Microsoft.Storage/storageAccounts", raw); err != nil {
			b.Fatal(err)
		}
	}
}
