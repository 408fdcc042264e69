// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/tenant"
)

const (
	group  = "/subscriptions/prod/resourceGroups/app/providers/"
	vault  = group + "Microsoft.KeyVault/vaults/kv"
	files  = group + "Microsoft.Storage/storageAccounts/files"
	blobs  = files + "/blobServices/default/containers/pics"
	queue  = files + "/queueServices/default/queues/jobs"
	table  = files + "/tableServices/default/tables/log"
	bus    = group + "Microsoft.ServiceBus/namespaces/bus"
	cosmos = group + "Microsoft.DocumentDB/databaseAccounts/db"
	config = group + "Microsoft.AppConfiguration/configurationStores/conf"
	openai = group + "Microsoft.CognitiveServices/accounts/gpt"
)

func operation(t *testing.T, text string) arm.Operation {
	t.Helper()
	op, err := arm.ParseOperation(text)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func id(t *testing.T, text string) arm.ID {
	t.Helper()
	id, err := arm.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What is sent for each access; "" where nothing can be.
func TestFor(t *testing.T) {
	h := HostsOf("public", "https://management.azure.com", "https://management.azure.com")
	f := func(op, target, want string) {
		t.Helper()
		q, err := For(h, operation(t, op), id(t, target))
		if want == "" {
			if !errors.Is(err, ErrNoRequest) {
				t.Errorf("%s on %s: %+v %v", op, target, q, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Method + " " + strings.TrimPrefix(q.URL, "https://"); got != want {
			t.Errorf("%s on %s:\n%s\nwant\n%s", op, target, got, want)
		}
	}
	const kv, st, nb = "Microsoft.KeyVault/vaults/", "Microsoft.Storage/storageAccounts/", "mivet-test-3f9c1d7e52ab"
	f(kv+"secrets/getSecret/action", vault+"/secrets/db", "GET kv.vault.azure.net/secrets/db?api-version=7.4")
	f(kv+"secrets/getSecret/action", vault, "GET kv.vault.azure.net/secrets/"+nb+"?api-version=7.4")
	f(kv+"secrets/readMetadata/action", vault, "GET kv.vault.azure.net/secrets?api-version=7.4&maxresults=1")
	f(kv+"secrets/readMetadata/action", vault+"/secrets/db", "GET kv.vault.azure.net/secrets/db/versions?api-version=7.4&maxresults=1")
	f(kv+"secrets/delete", vault, "DELETE kv.vault.azure.net/secrets/"+nb+"?api-version=7.4")
	f(kv+"secrets/delete", vault+"/secrets/db", "")
	f(kv+"secrets/setSecret/action", vault, "")
	f(kv+"keys/read", vault+"/keys/k", "GET kv.vault.azure.net/keys/k?api-version=7.4")
	for op, verb := range map[string]string{"sign": "sign", "verify": "verify", "encrypt": "encrypt", "decrypt": "decrypt", "wrap": "wrapkey", "unwrap": "unwrapkey"} {
		f(kv+"keys/"+op+"/action", vault+"/keys/k", "POST kv.vault.azure.net/keys/k/"+verb+"?api-version=7.4")
	}
	f(kv+"keys/create/action", vault, "")
	f(kv+"certificates/read", vault+"/certificates/c", "GET kv.vault.azure.net/certificates/c?api-version=7.4")
	f(kv+"certificates/create/action", vault, "")
	f(kv+"read", vault, "GET management.azure.com"+vault+"?api-version=2021-04-01")
	f(kv+"write", vault, "")
	f("Microsoft.Resources/subscriptions/resourceGroups/read", "/subscriptions/prod/resourceGroups/app", "GET management.azure.com/subscriptions/prod/resourceGroups/app?api-version=2021-04-01")
	f(st+"blobServices/containers/blobs/read", blobs, "GET files.blob.core.windows.net/pics?restype=container&comp=list&maxresults=1")
	f(st+"blobServices/containers/blobs/read", blobs+"/blobs/a b", "HEAD files.blob.core.windows.net/pics/a%20b")
	f(st+"blobServices/containers/blobs/read", files, "HEAD files.blob.core.windows.net/"+nb+"/"+nb)
	f(st+"blobServices/containers/blobs/write", blobs, "PUT files.blob.core.windows.net/pics/"+nb)
	f(st+"blobServices/containers/blobs/delete", blobs, "DELETE files.blob.core.windows.net/pics/"+nb)
	f(st+"blobServices/containers/blobs/move/action", blobs, "")
	f(st+"queueServices/queues/messages/read", queue, "GET files.queue.core.windows.net/jobs/messages?peekonly=true&numofmessages=1")
	f(st+"queueServices/queues/messages/add/action", queue, "")
	f(st+"queueServices/queues/messages/process/action", queue, "")
	f(st+"queueServices/queues/messages/add/action", files, "POST files.queue.core.windows.net/"+nb+"/messages")
	f(st+"queueServices/queues/messages/process/action", files, "GET files.queue.core.windows.net/"+nb+"/messages?numofmessages=1")
	f(st+"tableServices/tables/entities/read", table, "GET files.table.core.windows.net/log()?$top=1")
	f(st+"tableServices/tables/entities/delete", table, "DELETE files.table.core.windows.net/log(PartitionKey='"+nb+"',RowKey='"+nb+"')")
	f(st+"tableServices/tables/entities/write", table, "")
	f("Microsoft.ServiceBus/namespaces/messages/receive/action", bus+"/queues/orders", "PUT bus.servicebus.windows.net/orders/messages/00000000-0000-4000-8000-3f9c1d7e52ab/00000000-0000-4000-8000-3f9c1d7e52ac")
	f("Microsoft.ServiceBus/namespaces/messages/receive/action", bus, "")
	f("Microsoft.ServiceBus/namespaces/messages/send/action", bus+"/queues/orders", "")
	f("Microsoft.EventHub/namespaces/messages/send/action", group+"Microsoft.EventHub/namespaces/hub", "")
	items := "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/"
	doc := " db.documents.azure.com/dbs/shop/colls/orders/docs/" + nb
	f(items+"read", cosmos+"/sqlDatabases/shop/containers/orders", "GET"+doc)
	f(items+"replace", cosmos+"/sqlDatabases/shop/containers/orders", "PUT"+doc)
	f(items+"delete", cosmos+"/sqlDatabases/shop/containers/orders", "DELETE"+doc)
	f(items+"create", cosmos, "")
	values := "Microsoft.AppConfiguration/configurationStores/keyValues/"
	f(values+"read", config, "GET conf.azconfig.io/kv/"+nb+"?api-version=1.0")
	f(values+"write", config, "PUT conf.azconfig.io/kv/"+nb+"?api-version=1.0")
	f(values+"delete", config, "DELETE conf.azconfig.io/kv/"+nb+"?api-version=1.0")
	f(values+"action", config, "")
	calls := "Microsoft.CognitiveServices/accounts/OpenAI/deployments/"
	f(calls+"chat/completions/action", openai+"/deployments/d", "POST gpt.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21")
	f(calls+"embeddings/action", openai, "POST gpt.openai.azure.com/openai/deployments/"+nb+"/embeddings?api-version=2024-10-21")
	f(calls+"completions/action", openai+"/deployments/d", "POST gpt.openai.azure.com/openai/deployments/d/completions?api-version=2024-10-21")
	f(calls+"write", openai, "")
	if g := HostsOf("usgov", "", ""); g.Vault != "vault.usgovcloudapi.net" {
		t.Errorf("another cloud: %+v", g)
	}
	if g := HostsOf("https://localhost", "x", "y"); g.Vault != "vault.azure.net" || g.ResourceManager != "x" || g.Audience != "y" {
		t.Errorf("an unknown cloud: %+v", g)
	}
}

const labTenant = `tenant data id=aaaaaaaa-0000-4000-8000-000000000002 taken=2026-11-20
subscription prod
rg app in prod location=westeurope
keyvault kv in app .enableRbacAuthorization=true
secret one in kv
key signer in kv
storage files in app .allowSharedKeyAccess=false
container pics in files
queue jobs in files
servicebus bus in app .disableLocalAuth=true
sbqueue orders in bus
keyvault walled in app .enableRbacAuthorization=true .networkAcls.defaultAction=Deny
sp reader client=cccccccc-0000-4000-8000-000000000002
sp nobody client=cccccccc-0000-4000-8000-000000000004
assign reader "Key Vault Secrets User" at one
assign reader "Storage Blob Data Contributor" at files
assign reader "Storage Queue Data Reader" at files
assign reader "Azure Service Bus Data Receiver" at orders
assign reader Reader at app
assign reader "Key Vault Secrets User" at walled
`

// The simulated Azure answers every request that it knows as the engine decides, and holds
// the same afterwards as before.
func TestAgainstLab(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) (mivet.RoleID, bool) { return cat.RoleByName(name).ID, true }
	s, err := tenant.Parse("lab", strings.NewReader(labTenant), tenant.Options{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	changes := 0
	server, err := lab.Start(s, lab.Options{Outside: true, Observe: func(e lab.Exchange) {
		if e.Method != http.MethodGet && e.Method != http.MethodHead && e.Status < 300 && !strings.Contains(e.Path, "token") {
			changes++
			t.Errorf("a request changed something: %s %s, %d", e.Method, e.Path, e.Status)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	h := HostsOf("lab", server.URL(), server.Cloud().Services["resourceManager"].Audience)
	runner := func(client string) *Runner {
		cred, err := azidentity.NewClientSecretCredential(server.TenantID(), client, server.Secret(), &azidentity.ClientSecretCredentialOptions{
			ClientOptions: policy.ClientOptions{Cloud: server.Cloud(), Transport: server.Client()}, DisableInstanceDiscovery: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return NewRunner(cred, server.Client(), "test", time.Now)
	}
	reader, nobody := runner("cccccccc-0000-4000-8000-000000000002"), runner("cccccccc-0000-4000-8000-000000000004")
	f := func(op, target string, want Answer) {
		t.Helper()
		q, err := For(h, operation(t, op), id(t, target))
		if err != nil {
			t.Fatal(err)
		}
		o, err := reader.Run(t.Context(), q)
		if err != nil || o.Answer != want {
			t.Errorf("%s on %s: %+v %v, want %s", op, target, o, err, want)
		}
		if want == Unclear {
			return
		}
		if o, err := nobody.Run(t.Context(), q); err != nil || o.Answer != Denied {
			t.Errorf("nobody, %s on %s: %+v %v", op, target, o, err)
		}
	}
	f("Microsoft.KeyVault/vaults/secrets/getSecret/action", vault+"/secrets/one", Allowed)
	f("Microsoft.KeyVault/vaults/secrets/delete", vault, Denied)
	f("Microsoft.KeyVault/vaults/keys/read", vault+"/keys/signer", Denied)
	f("Microsoft.KeyVault/vaults/secrets/getSecret/action", strings.Replace(vault, "/kv", "/walled", 1), Unclear)
	f("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", blobs, Allowed)
	f("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", blobs, Allowed)
	f("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", blobs, Allowed)
	f("Microsoft.Storage/storageAccounts/queueServices/queues/messages/read", queue, Allowed)
	f("Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action", files, Denied)
	f("Microsoft.ServiceBus/namespaces/messages/receive/action", bus+"/queues/orders", Allowed)
	f("Microsoft.KeyVault/vaults/read", vault, Allowed)
	f("Microsoft.Resources/subscriptions/resourceGroups/read", "/subscriptions/prod/resourceGroups/app", Allowed)
}

// fixed is a credential that needs no service.
type fixed struct{ err error }

func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "secret-token", ExpiresOn: time.Now().Add(time.Hour)}, f.err
}

// What each answer of a service means.
func TestJudge(t *testing.T) {
	f := func(status int, header, body string, q Request, want Answer) {
		t.Helper()
		var authorization string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			authorization = r.Header.Get("Authorization")
			if header != "" {
				w.Header().Set("x-ms-error-code", header)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		defer server.Close()
		q.Method, q.URL, q.Audience = http.MethodGet, server.URL+"/x", "https://x"
		r := NewRunner(fixed{}, plain{server.Client()}, "test", time.Now)
		o, err := r.Run(t.Context(), &q)
		if err != nil {
			t.Fatal(err)
		}
		if o.Answer != want || o.Why == "" || strings.Contains(fmt.Sprint(o), "secret") {
			t.Errorf("%d %s %s: %+v, want %s", status, header, body, o, want)
		}
		if q.Cosmos != strings.HasPrefix(authorization, "type%3Daad") {
			t.Errorf("the token is sent as %q", authorization)
		}
	}
	f(200, "", "secret", Request{}, Allowed)
	f(200, "", "{}", Request{Cosmos: true}, Allowed)
	f(404, "", "", Request{}, Allowed)
	f(412, "ConditionNotMet", "", Request{}, Allowed)
	f(409, "", "", Request{}, Allowed)
	f(400, "", "", Request{Wrong: true}, Allowed)
	f(400, "", "", Request{}, Unclear)
	f(401, "", "", Request{}, Unclear)
	f(401, "", "", Request{Bus: true}, Denied)
	f(403, "AuthorizationPermissionMismatch", "", Request{}, Denied)
	f(403, "AuthorizationFailure", "", Request{}, Unclear)
	f(403, "", `{"error": {"code": "Forbidden", "innererror": {"code": "ForbiddenByRbac"}}}`, Request{}, Denied)
	f(403, "", `{"error": {"code": "Forbidden", "innererror": {"code": "ForbiddenByFirewall"}}}`, Request{}, Unclear)
	f(403, "", `{"code": "Forbidden"}`, Request{}, Denied)
	f(403, "", `no JSON`, Request{}, Denied)
	f(400, "", `The supported api-versions are 'x'`, Request{Versions: true}, Unclear)
}

// plain lets a test server be asked without TLS.
type plain struct{ *http.Client }

func (p plain) Do(r *http.Request) (*http.Response, error) { return p.Client.Do(r) } //nolint:gosec // the server of the test

// Resource Manager names the versions that it knows.
func TestVersions(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("api-version"))
		if len(asked) == 1 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"code":"NoRegisteredProviderFound","message":"The supported api-versions are '2019-01-01, 2023-02-01, 2024-01-01-preview'."}}`)
		}
	}))
	defer server.Close()
	q := &Request{Method: http.MethodGet, URL: server.URL + "/x?api-version=2021-04-01", Audience: "https://x", Versions: true}
	o, err := NewRunner(fixed{}, plain{server.Client()}, "test", time.Now).Run(t.Context(), q)
	if err != nil || o.Answer != Allowed || strings.Join(asked, " ") != "2021-04-01 2023-02-01" {
		t.Errorf("%+v %v, asked for %q", o, err, asked)
	}
	if got := supported([]byte("api-versions are '2024-01-01-preview'")); got != "2024-01-01-preview" {
		t.Errorf("a preview alone: %q", got)
	}
	if got := supported([]byte("api-versions are ', '")); got != "" {
		t.Errorf("none: %q", got)
	}
}

func TestErrors(t *testing.T) {
	q := &Request{Method: http.MethodPut, URL: "http://127.0.0.1:1/x", Audience: "https://x", Body: "{}", Header: http.Header{"Content-Type": {"application/json"}}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := NewRunner(fixed{errors.New("no identity")}, nil, "test", time.Now).Run(ctx, q); err == nil || !strings.Contains(err.Error(), "no identity") {
		t.Errorf("without a token: %v", err)
	}
	if _, err := NewRunner(fixed{}, plain{&http.Client{}}, "test", time.Now).Run(ctx, q); err == nil {
		t.Error("nobody listens, and there is an answer")
	}
	q.URL = "::"
	if _, err := NewRunner(fixed{}, nil, "test", time.Now).Run(ctx, q); err == nil {
		t.Error("no address is one")
	}
}
