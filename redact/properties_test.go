// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newRedactor(t testing.TB, o Options) *Redactor {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProperties(t *testing.T) {
	f := func(typ, in, want string) {
		t.Helper()
		r := newRedactor(t, Options{})
		got, err := r.Properties(typ, json.RawMessage(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			return
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
			t.Errorf("no JSON: %s, %s", got, want)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%s\n%s", in, diff)
		}
		again, err := r.Properties(typ, got)
		if err != nil || string(again) != string(got) {
			t.Errorf("again: %s becomes %s, %v", got, again, err)
		}
	}
	// The general list, whatever the type and the letter case.
	f("Some.New/thing", `{"id":"/subscriptions/1","sku":{"name":"S1","x":1},"properties":{"ProvisioningState":"Succeeded","adminPassword":"x","disableLocalAuth":true}}`,
		`{"id":"/subscriptions/1","sku":{"name":"S1"},"properties":{"ProvisioningState":"Succeeded","disableLocalAuth":true}}`)
	f("a.b/c", `{"properties":{"secret":{"name":"x"}}}`, `{}`)
	f("a.b/c", `{"properties":null,"id":null}`, `{"properties":null,"id":null}`)
	f("a.b/c", `{}`, `{}`)
	// A value of another form than the list expects is dropped, not guessed.
	f("a.b/c", `{"properties":"text","id":{"a":"b"},"zones":"1","location":["x"],"identity":["a"],"tags":["x"]}`, `{}`)
	// Identities: the keys are what is wanted.
	f("a.b/c", `{"identity":{"type":"UserAssigned","userAssignedIdentities":{"/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a":{},
		"/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/b":{"clientId":"11111111-1111-1111-1111-111111111111","x":1},"password=x":{}}}}`,
		`{"identity":{"type":"UserAssigned","userAssignedIdentities":{"/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a":{},
		"/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/b":{"clientId":"11111111-1111-1111-1111-111111111111"}}}}`)
	// By type.
	f("microsoft.keyvault/VAULTS", `{"properties":{"enableRbacAuthorization":false,"accessPolicies":[{"objectId":"o","permissions":{"secrets":["get"]},"x":1},{"y":1}],"vaultUri":"https://kv.vault.azure.net/"}}`,
		`{"properties":{"enableRbacAuthorization":false,"accessPolicies":[{"objectId":"o","permissions":{"secrets":["get"]}},{}],"vaultUri":"https://kv.vault.azure.net/"}}`)
	f("Microsoft.Storage/storageAccounts", `{"properties":{"isHnsEnabled":true,"vaultUri":"x"}}`, `{"properties":{"isHnsEnabled":true}}`)
	// Allowed places are still looked through.
	f("Microsoft.Web/sites", `{"properties":{"siteConfig":{"linuxFxVersion":"DOCKER|https://u:p@acr/x"},"defaultHostName":"web.azurewebsites.net"}}`,
		`{"properties":{"siteConfig":{"linuxFxVersion":"[redacted]"},"defaultHostName":"web.azurewebsites.net"}}`)
	// Slots are sites.
	f("Microsoft.Web/sites/slots", `{"properties":{"serverFarmId":"/subscriptions/1","keyVaultReferenceIdentity":"SystemAssigned","x":1}}`, `{"properties":{"serverFarmId":"/subscriptions/1","keyVaultReferenceIdentity":"SystemAssigned"}}`)
	// Trees keep everything, with texts looked through.
	f("Microsoft.Authorization/roleAssignments", `{"properties":{"condition":"@Resource[a] StringEquals 'b'","description":"password=x","n":[1,{"a":null}]}}`,
		`{"properties":{"condition":"@Resource[a] StringEquals 'b'","description":"password=[redacted]","n":[1,{"a":null}]}}`)
	// Tags.
	f("a.b/c", `{"tags":{"env":"prod","db-password":"hunter2","key":"c+f/9kqX2mB7vL0pZr4TnYw8GhJ1sKd3=","x":1,"ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":"y","token":"true"}}`, `{"tags":{"env":"prod","token":"true"}}`)
	// Deep nesting ends somewhere.
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	f("Microsoft.Authorization/roleAssignments", `{"properties":`+deep+`}`, `{"properties":`+strings.Repeat(`{"a":`, maxDepth-1)+"{}"+strings.Repeat("}", maxDepth-1)+`}`)
}

func TestSettings(t *testing.T) {
	f := func(name, value, want string) {
		t.Helper()
		r := newRedactor(t, Options{})
		in := fmt.Sprintf(`{"name":"web/appsettings","properties":{%q:%q}}`, name, value)
		got, err := r.Properties("Microsoft.Web/sites/config", json.RawMessage(in))
		var v struct{ Properties map[string]string }
		if err != nil || json.Unmarshal(got, &v) != nil || v.Properties[name] != want {
			t.Errorf("%s=%s: got %s, %v", name, value, got, err)
		}
		list := fmt.Sprintf(`{"properties":{"template":{"containers":[{"env":[{"name":%q,"value":%q},{"name":"B","secretRef":"b","x":1}]}]}}}`, name, value)
		got, err = r.Properties("Microsoft.App/containerApps", json.RawMessage(list))
		b, _ := json.Marshal(want)
		wantList := fmt.Sprintf(`{"properties":{"template":{"containers":[{"env":[{"name":%q,"value":%s},{"name":"B","secretRef":"b"}]}]}}}`, name, b)
		if err != nil || string(got) != wantList {
			t.Errorf("%s=%s: got %s, %v\nwant %s", name, value, got, err, wantList)
		}
		if kept, ok := r.Value("Microsoft.Web/sites", "properties.siteConfig.appSettings."+name, value); !ok || kept != want {
			t.Errorf("Value of %s=%s is %q, %v", name, value, kept, ok)
		}
	}
	kept := func(name, value string) { t.Helper(); f(name, value, value) }
	gone := func(name, value string) { t.Helper(); f(name, value, Marker) }
	const guid = "11111111-1111-1111-1111-111111111111"
	const uai = "/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a"
	kept("AZURE_CLIENT_ID", guid)
	kept("AZURE_CLIENT_ID", "")
	gone("AZURE_CLIENT_ID", "a secret in the wrong place")
	gone("AZURE_CLIENT_SECRET", "x")
	kept("AZURE_CLIENT_SECRET", "")
	const keys = "DefaultEndpointsProtocol=https;AccountName=shopfn;AccountKey=Q2FuYXJ5VHdvQ2FuYXJ5VHdvQ2FuYXJ5VHdv;EndpointSuffix=core.windows.net"
	f("AzureWebJobsStorage", keys, "AccountName=shopfn;"+Marker)
	f("AzureWebJobsStorage", "AccountName=shopfn;"+Marker, "AccountName=shopfn;"+Marker)
	f("WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", keys, "AccountName=shopfn;"+Marker)
	gone("OTHER_CONNECTION", keys)
	gone("AzureWebJobsStorage", "AccountName=Not An Account;AccountKey=x")
	kept("WEBSITE_CONTENTSHARE", "shopfn-a1b2")
	gone("WEBSITE_CONTENTSHARE", "Not a share")
	kept("azure_tenant_id", guid)
	kept("AZURE_TENANT_ID", "contoso.onmicrosoft.com")
	kept("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token")
	kept("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")
	gone("AZURE_AUTHORITY_HOST", "https://me:x@login.microsoftonline.com/")
	kept("AZURE_TOKEN_CREDENTIALS", "prod")
	kept("AzureWebJobsStorage__credential", "managedidentity")
	kept("AzureWebJobsStorage__clientId", guid)
	kept("AzureWebJobsStorage__managedIdentityResourceId", uai)
	kept("AzureWebJobsStorage__blobServiceUri", "https://st.blob.core.windows.net")
	gone("AzureWebJobsStorage__blobServiceUri", "https://st.blob.core.windows.net/?sig=x")
	kept("Bus__fullyQualifiedNamespace", "bus.servicebus.windows.net")
	gone("AzureWebJobsStorage", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=b==")
	kept("MY_CLIENT_ID", guid)
	gone("MY_ID", guid)
	kept("WEBSITE_RUN_FROM_PACKAGE", "1")
	kept("WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID", "SystemAssigned")
	kept("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "Authorization=AAD;ClientId="+guid)
	gone("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "Authorization=AAD;ClientId="+strings.Repeat("a", 36))
	gone("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey="+guid)
	kept("FUNCTIONS_EXTENSION_VERSION", "~4")
	kept("FEATURE", "true")
	gone("FEATURE", "blue")
	kept("DB", "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/db/)")
	kept("DB", "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/db/0123456789abcdef0123456789abcdef)")
	kept("DB", "@Microsoft.KeyVault(VaultName=kv;SecretName=db)")
	kept("DB", "@Microsoft.AppConfiguration(Endpoint=https://a.azconfig.io; Key=db; Label=prod)")
	gone("DB", "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/db) and more")
	gone("DB", "@Microsoft.KeyVault(password)")
}

func TestConfigOfSites(t *testing.T) {
	f := func(typ, in, want string) {
		t.Helper()
		got, err := newRedactor(t, Options{}).Properties(typ, json.RawMessage(in))
		if err != nil || string(got) != want {
			t.Errorf("%s\n got %s, %v\nwant %s", in, got, err, want)
		}
	}
	f("Microsoft.Web/sites/slots/config", `{"name":"web/staging/connectionstrings","properties":{"A":{"value":"Password=x","type":"SQLAzure"},"B":{"value":"@Microsoft.KeyVault(VaultName=kv;SecretName=b)","type":"!"},"C":1}}`,
		`{"name":"web/staging/connectionstrings","properties":{"A":{"type":"SQLAzure","value":"[redacted]"},"B":{"type":"","value":"@Microsoft.KeyVault(VaultName=kv;SecretName=b)"}}}`)
	f("Microsoft.Web/sites/config", `{"name":"slotConfigNames","properties":{"appSettingNames":["A"],"x":["B"]}}`, `{"name":"slotConfigNames","properties":{"appSettingNames":["A"]}}`)
	f("Microsoft.Web/sites/config", `{"name":"web","properties":{"linuxFxVersion":"PYTHON|3.12","appSettings":[{"name":"A","value":"x"},{"value":"no name"},7],"publishingUsername":"u"}}`,
		`{"name":"web","properties":{"linuxFxVersion":"PYTHON|3.12","appSettings":[{"name":"A","value":"[redacted]"},{},{}]}}`)
	f("Microsoft.Web/sites/config", `{"name":7,"properties":{"A":"x"}}`, `{"name":7}`)
	f("Microsoft.Web/sites/config", `{"name":"web/appsettings","properties":{"N":7,"L":["x"],"O":{"a":"b"},"password=x":"y","T":true,"Z":null}}`,
		`{"name":"web/appsettings","properties":{"N":"[redacted]","T":"true","Z":"[redacted]"}}`)
}

func TestPropertiesOfNoObject(t *testing.T) {
	for _, in := range []string{"", "[]", `"SECRET"`, `{"a":SECRET}`} {
		_, err := newRedactor(t, Options{}).Properties("a.b/c", json.RawMessage(in))
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error is %v", in, err)
		}
	}
}

func TestValue(t *testing.T) {
	r := newRedactor(t, Options{})
	f := func(typ, path, value string, want bool) {
		t.Helper()
		got, ok := r.Value(typ, path, value)
		if ok != want || ok && got != value {
			t.Errorf("%s %s=%s: %q, %v", typ, path, value, got, ok)
		}
	}
	f("", "tags.env", "prod", true)
	f("", "tags.password", "prod", false)
	f("", "tags.env", "sv=1&sig=abcdef", false)
	f("", "tags.Password=x", "y", false)
	f("a.b/c", "properties.disableLocalAuth", "true", true)
	f("a.b/c", "properties.publicNetworkAccess", "Disabled", true)
	f("a.b/c", "properties.publicNetworkAccess", "password=x", false)
	f("a.b/c", "properties.anything", "text", false)
	f("a.b/c", "properties.anything", "null", true)
	f("a.b/c", "properties.anything", "true", true)
	f("a.b/c", "properties.password=x", "true", false)
	f("Microsoft.ContainerService/managedClusters", "properties.identityProfile.kubeletidentity.clientId", "11111111-1111-1111-1111-111111111111", true)
	f("Microsoft.KeyVault/vaults", "properties.accessPolicies[0].objectId", "x", true)
	f("Microsoft.Authorization/roleAssignments", "properties.description", "x", true)
}

func TestReport(t *testing.T) {
	r := newRedactor(t, Options{Key: []byte("0123456789abcdef"), KeyID: "k1"})
	for range 2 {
		if _, err := r.Properties("Microsoft.Web/sites", json.RawMessage(`{"properties":{"a":{"b":1},"c d!":2,"siteConfig":{"appSettings":[{"name":"A","value":"x","slotSetting":false}]}},"tags":{"password":"x"}}`)); err != nil {
			t.Fatal(err)
		}
	}
	r.Text("password=x")
	r.Text("nothing")
	const site = "Microsoft.Web/sites"
	want := Report{
		Dropped: map[Place]int{
			{site, "properties.a"}:                                    2,
			{site, "properties.{*}"}:                                  2,
			{site, "properties.siteConfig.appSettings[].slotSetting"}: 2,
		},
		Secrets:  map[Place]int{{site, "tags.password"}: 2},
		Settings: 2, Texts: 1, KeyID: "k1",
	}
	if diff := cmp.Diff(want, r.Report()); diff != "" {
		t.Error(diff)
	}
}

// Many may use one redactor at once, and the report counts them all. Run with -race.
func TestManyRedactAtOnce(t *testing.T) {
	r := newRedactor(t, Options{Key: []byte("0123456789abcdef"), KeyID: "k1"})
	const in = `{"properties":{"a":1,"siteConfig":{"appSettings":[{"name":"A","value":"x"}]}}}`
	want, err := newRedactor(t, Options{Key: []byte("0123456789abcdef"), KeyID: "k1"}).Properties("Microsoft.Web/sites", json.RawMessage(in))
	if err != nil {
		t.Fatal(err)
	}
	const goroutines, times = 4, 50
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range times {
				if got, err := r.Properties("Microsoft.Web/sites", json.RawMessage(in)); err != nil || string(got) != string(want) {
					t.Errorf("%s, %v; want %s", got, err, want)
				}
				r.Text("password=x")
				r.Report()
			}
		})
	}
	all.Wait()
	const n = goroutines * times
	if got := r.Report(); got.Settings != n || got.Texts != n || got.Dropped[Place{"Microsoft.Web/sites", "properties.a"}] != n {
		t.Errorf("after %d times the report counts %+v", n, got)
	}
}

func TestReportIsBounded(t *testing.T) {
	r := newRedactor(t, Options{})
	for i := range maxPlaces + 10 {
		r.dropped(Place{"a.b/c", fmt.Sprint("p", i)})
	}
	if got := r.Report().Dropped; len(got) != maxPlaces+1 || got[Place{}] != 10 {
		t.Errorf("there are %d places, and %d more", len(got), got[Place{}])
	}
}

func TestDigests(t *testing.T) {
	digest := func(key, name, value string) string {
		t.Helper()
		r := newRedactor(t, Options{Key: []byte(key), KeyID: "k1"})
		got, ok := r.Value("Microsoft.Web/sites", "properties.siteConfig.appSettings."+name, value)
		if !ok || !strings.HasPrefix(got, "hmac:k1:") || len(got) != len("hmac:k1:")+32 || strings.Contains(got, value) {
			t.Errorf("the digest is %q, %v", got, ok)
		}
		return got
	}
	const a, b = "0123456789abcdef", "0123456789abcdeF"
	first := digest(a, "DB", "hunter2")
	if digest(a, "DB", "hunter2") != first {
		t.Error("equal values have different digests")
	}
	if digest(a, "DB", "hunter3") == first || digest(b, "DB", "hunter2") == first || digest(a, "DC", "hunter2") == first {
		t.Error("different values, keys or names have equal digests")
	}
}

func TestNew(t *testing.T) {
	f := func(o Options, text string) {
		t.Helper()
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v and should say %q", err, text)
		}
	}
	f(Options{KeyID: "k"}, "no key")
	f(Options{Key: []byte("0123456789abcdef")}, "no ID")
	f(Options{Key: []byte("short"), KeyID: "k"}, "guessed")
}

func TestTable(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := newTable("\n# comment\n" + text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%s: the error is %v", text, err)
		}
	}
	f("keep a", "2 words")
	f("show a *", `"show"`)
	f("keep a..b *", "empty part")
	f("keep a[1] *", "brackets")
	f("keep a{x} *", "brackets")
	f("keep a sites", "no resource type")
	if _, err := newTable("keep a a.b/c\ntree a a.b/c"); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("the error is %v", err)
	}
	if _, err := newTable("keep a a.b/c a.b/c\nkeep a *\n"); err != nil {
		t.Error(err)
	}
}
