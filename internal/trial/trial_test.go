// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
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
	f(st+"tableServices/tables/entities/read", files, "GET files.table.core.windows.net/mivettest3f9c1d7e52ab()?$top=1")
	f(st+"tableServices/tables/entities/update/action", table, "MERGE files.table.core.windows.net/log(PartitionKey='"+nb+"',RowKey='"+nb+"')")
	f(st+"tableServices/tables/entities/write", table, "")
	f("Microsoft.ServiceBus/namespaces/messages/receive/action", bus+"/queues/orders", "PUT bus.servicebus.windows.net/orders/messages/00000000-0000-4000-8000-3f9c1d7e52ab/00000000-0000-4000-8000-3f9c1d7e52ac")
	f("Microsoft.ServiceBus/namespaces/messages/receive/action", bus, "")
	f("Microsoft.ServiceBus/namespaces/messages/send/action", bus+"/queues/orders", "")
	f("Microsoft.EventHub/namespaces/messages/send/action", group+"Microsoft.EventHub/namespaces/hub", "")
	items := "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/"
	doc := " db.documents.azure.com/dbs/shop/colls/items/docs/" + nb
	f(items+"read", cosmos+"/sqlDatabases/shop/containers/items", "GET"+doc)
	f(items+"replace", cosmos+"/sqlDatabases/shop/containers/items", "PUT"+doc)
	f(items+"delete", cosmos+"/sqlDatabases/shop/containers/items", "DELETE"+doc)
	f(items+"create", cosmos+"/sqlDatabases/shop/containers/items", "")
	f(items+"read", cosmos, "")
	values := "Microsoft.AppConfiguration/configurationStores/keyValues/"
	f(values+"read", config, "GET conf.azconfig.io/kv/"+nb+"?api-version=1.0")
	f(values+"write", config, "PUT conf.azconfig.io/kv/"+nb+"?api-version=1.0")
	f(values+"delete", config, "DELETE conf.azconfig.io/kv/"+nb+"?api-version=1.0")
	f(values+"action", config, "")
	calls := "Microsoft.CognitiveServices/accounts/OpenAI/deployments/"
	f(calls+"chat/completions/action", openai+"/deployments/d", "POST gpt.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21")
	f(calls+"embeddings/action", openai+"/deployments/d", "POST gpt.openai.azure.com/openai/deployments/d/embeddings?api-version=2024-10-21")
	f(calls+"embeddings/action", openai, "")
	f(calls+"completions/action", openai+"/deployments/d", "POST gpt.openai.azure.com/openai/deployments/d/completions?api-version=2024-10-21")
	f(calls+"write", openai+"/deployments/d", "")
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
table log in files
cosmos db in app
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases shop in db
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers items in shop
appconfig conf in app
openai gpt in app
aideployment d in gpt
storage wall in app .networkAcls.defaultAction=Deny
cosmos shut in app .publicNetworkAccess=Disabled
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases closed in shut
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers c in closed
appconfig off in app .publicNetworkAccess=Disabled
openai far in app .networkAcls.defaultAction=Deny
aideployment far-d in far
keyvault walled in app .enableRbacAuthorization=true .networkAcls.defaultAction=Deny
sp reader client=cccccccc-0000-4000-8000-000000000002
sp nobody client=cccccccc-0000-4000-8000-000000000004
assign reader "Key Vault Secrets User" at one
assign reader "Storage Blob Data Contributor" at files
assign reader "Storage Queue Data Reader" at files
assign reader "Azure Service Bus Data Receiver" at orders
assign reader "Storage Table Data Contributor" at log
local cosmos reader "Cosmos DB Built-in Data Contributor" on db scope=/dbs/shop
assign reader "App Configuration Data Owner" at conf
assign reader "Cognitive Services OpenAI User" at gpt
sp viewer client=cccccccc-0000-4000-8000-000000000005
assign viewer "Storage Table Data Reader" at files
local cosmos viewer "Cosmos DB Built-in Data Reader" on db
assign viewer "App Configuration Data Reader" at conf
assign viewer "Cognitive Services OpenAI User" at d
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
	var watched atomic.Bool
	server, err := lab.Start(s, lab.Options{Outside: true, Observe: func(e lab.Exchange) {
		if watched.Load() && e.Method != http.MethodGet && e.Method != http.MethodHead && e.Status < 300 && !strings.Contains(e.Path, "token") {
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
	operator := runner(lab.OperatorID)
	fill(t, operator)
	before := state(t, operator, server.Client())
	watched.Store(true)
	viewer := runner("cccccccc-0000-4000-8000-000000000005")
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
	// writes are allowed to the reader, denied to the viewer, and change nothing.
	g := func(op, target string, theirs Answer) {
		t.Helper()
		f(op, target, Allowed)
		q, err := For(h, operation(t, op), id(t, target))
		if err != nil {
			t.Fatal(err)
		}
		if o, err := viewer.Run(t.Context(), q); err != nil || o.Answer != theirs {
			t.Errorf("the viewer, %s on %s: %+v %v, want %s", op, target, o, err, theirs)
		}
	}
	const entities = "Microsoft.Storage/storageAccounts/tableServices/tables/entities/"
	const items = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/"
	const values = "Microsoft.AppConfiguration/configurationStores/keyValues/"
	const calls = "Microsoft.CognitiveServices/accounts/OpenAI/deployments/"
	orders := cosmos + "/sqlDatabases/shop/containers/items"
	g(entities+"read", table, Allowed)
	g(entities+"update/action", table, Denied)
	g(entities+"delete", table, Denied)
	g(items+"read", orders, Allowed)
	g(items+"replace", orders, Denied)
	g(items+"delete", orders, Denied)
	g(values+"read", config, Allowed)
	g(values+"write", config, Denied)
	g(values+"delete", config, Denied)
	g(calls+"chat/completions/action", openai+"/deployments/d", Allowed)
	g(calls+"embeddings/action", openai+"/deployments/d", Allowed)
	f(entities+"read", files, Denied) // the right is at one table alone
	f(items+"read", cosmos+"/sqlDatabases/shop/containers/none", Unclear)
	f(calls+"completions/action", openai+"/deployments/none", Unclear)
	// firewalls
	f(entities+"read", strings.Replace(table, "/files/", "/wall/", 1), Unclear)
	f(items+"read", strings.TrimSuffix(cosmos, "db")+"shut"+"/sqlDatabases/closed/containers/c", Unclear)
	f(values+"read", strings.TrimSuffix(config, "conf")+"off", Unclear)
	f(calls+"chat/completions/action", strings.TrimSuffix(openai, "gpt")+"far"+"/deployments/far-d", Unclear)
	watched.Store(false)
	if after := state(t, operator, server.Client()); after != before {
		t.Errorf("it changed from\n%s\nto\n%s", before, after)
	}
}

// fill puts one thing into each service.
func fill(t *testing.T, operator *Runner) {
	t.Helper()
	f := func(method, address, body, aud string, header http.Header, service Service) {
		t.Helper()
		q := &Request{Method: method, URL: address, Body: body, Audience: aud, Header: header, Service: service}
		if a, err := operator.send(t.Context(), q); err != nil || a.status >= 300 {
			t.Fatalf("%s %s: %+v %v", method, address, a, err)
		}
	}
	json := http.Header{"Content-Type": {"application/json"}}
	f(http.MethodPost, "https://files.table.core.windows.net/log", `{"PartitionKey":"p","RowKey":"r","n":1}`, "https://storage.azure.com", json, Common)
	f(http.MethodPost, "https://db.documents.azure.com/dbs/shop/colls/items/docs", `{"id":"o1"}`, "https://db.documents.azure.com",
		http.Header{"Content-Type": {"application/json"}, "X-Ms-Documentdb-Partitionkey": {`["o1"]`}}, Cosmos)
	f(http.MethodPut, "https://conf.azconfig.io/kv/colour?api-version=1.0", `{"value":"red"}`, "https://conf.azconfig.io", json, Config)
}

// state is what the services hold.
func state(t *testing.T, operator *Runner, client *http.Client) string {
	t.Helper()
	var out []string
	for _, q := range []*Request{
		{Method: http.MethodGet, URL: "https://files.table.core.windows.net/log()", Audience: "https://storage.azure.com"},
		{
			Method: http.MethodPost, URL: "https://db.documents.azure.com/dbs/shop/colls/items/docs", Audience: "https://db.documents.azure.com", Service: Cosmos,
			Body: `{"query":"SELECT * FROM c"}`, Header: http.Header{"Content-Type": {"application/query+json"}},
		},
		{Method: http.MethodGet, URL: "https://conf.azconfig.io/kv?api-version=1.0", Audience: "https://conf.azconfig.io"},
		{Method: http.MethodGet, URL: "https://files.table.core.windows.net/Tables", Audience: "https://storage.azure.com"},
	} {
		token, err := operator.credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{q.Audience + "/.default"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), q.Method, q.URL, strings.NewReader(q.Body))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(r.Header, q.Header)
		r.Header.Set("Authorization", "Bearer "+token.Token)
		if q.Service == Cosmos {
			r.Header.Set("Authorization", "type=aad&ver=1.0&sig="+token.Token)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s %v", q.URL, res.StatusCode, text, err)
		}
		out = append(out, string(text))
	}
	return strings.Join(out, "\n")
}

// fixed is a credential that needs no service.
type fixed struct{ err error }

func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "secret-token", ExpiresOn: time.Now().Add(time.Hour)}, f.err
}

// What each answer of a service means.
func TestJudge(t *testing.T) {
	substatus := ""
	f := func(status int, header, body string, q Request, want Answer) {
		t.Helper()
		var authorization string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			authorization = r.Header.Get("Authorization")
			if header != "" {
				w.Header().Set("x-ms-error-code", header)
			}
			if substatus != "" {
				w.Header().Set("x-ms-substatus", substatus)
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
		if (q.Service == Cosmos) != strings.HasPrefix(authorization, "type%3Daad") {
			t.Errorf("the token is sent as %q", authorization)
		}
	}
	f(200, "", "secret", Request{}, Allowed)
	f(200, "", "{}", Request{Service: Cosmos}, Allowed)
	f(404, "", "", Request{}, Allowed)
	f(412, "ConditionNotMet", "", Request{}, Allowed)
	f(409, "", "", Request{}, Allowed)
	f(400, "", "", Request{Wrong: true}, Allowed)
	f(400, "", "", Request{}, Unclear)
	f(401, "", "", Request{}, Unclear)
	f(401, "", "<Error><Code>401</Code><Detail>Unauthorized access. 'Listen' claim(s) are required to perform this operation.</Detail></Error>", Request{Service: Bus}, Denied)
	f(401, "", "<Error><Code>401</Code><Detail>InvalidIssuer: Token issuer is invalid.</Detail></Error>", Request{Service: Bus}, Unclear)
	f(401, "", "<Error><Code>401</Code><Detail>Ip has been prevented to connect to the endpoint.</Detail></Error>", Request{Service: Bus}, Unclear)
	f(401, "", `{"error":{"code":"PermissionDenied","message":"Principal does not have access to API/Operation."}}`, Request{Service: Model}, Denied)
	f(401, "", `{"error":{"code":"401","message":"Access token is missing"}}`, Request{Service: Model}, Unclear)
	f(401, "", `{"error":{"code":"PermissionDenied"}}`, Request{}, Unclear)
	f(403, "", `{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}`, Request{Service: Model}, Unclear)
	f(403, "", `{"error":{"code":"403","message":"Public access is disabled. Please configure private endpoint."}}`, Request{Service: Model}, Unclear)
	f(403, "", `{"error":{"code":"Blocked"}}`, Request{Service: Model}, Unclear)
	f(404, "", `{"error":{"code":"DeploymentNotFound"}}`, Request{Service: Model}, Unclear)
	f(400, "", `{"error":{"message":"'messages' is a required property"}}`, Request{Service: Model, Wrong: true}, Allowed)
	f(403, "", "", Request{Service: Config}, Denied)
	f(403, "", `{"title":"no way in"}`, Request{Service: Config}, Unclear)
	f(403, "", `{"code":"Forbidden","message":"Request originated from IP 1.2.3.4 through public internet. This is blocked by your Cosmos DB account firewall settings."}`, Request{Service: Cosmos}, Unclear)
	f(403, "", `{"code":"Forbidden","message":"The authorization token expired"}`, Request{Service: Cosmos}, Unclear)
	f(403, "", `{"code":"Forbidden","message":"principal [x] does not have required RBAC permissions to perform action"}`, Request{Service: Cosmos}, Denied)
	substatus = "5301"
	f(403, "", `{"code":"Forbidden"}`, Request{Service: Cosmos}, Denied)
	substatus = "1003"
	f(404, "", `{"code":"NotFound"}`, Request{Service: Cosmos}, Unclear)
	substatus = ""
	f(404, "", `{"code":"NotFound"}`, Request{Service: Cosmos}, Allowed)
	f(403, "", `{"odata.error":{"code":"AuthorizationPermissionMismatch"}}`, Request{}, Denied)
	f(403, "", `{"odata.error":{"code":"AuthorizationFailure"}}`, Request{}, Unclear)
	f(501, "", "", Request{}, Unclear)
	f(403, "AuthorizationPermissionMismatch", "", Request{}, Denied)
	f(403, "AuthorizationFailure", "", Request{}, Unclear)
	f(403, "", `{"error": {"code": "Forbidden", "innererror": {"code": "ForbiddenByRbac"}}}`, Request{}, Denied)
	f(403, "", `{"error": {"code": "Forbidden", "innererror": {"code": "ForbiddenByFirewall"}}}`, Request{}, Unclear)
	f(403, "", `{"code": "Forbidden"}`, Request{}, Denied)
	f(403, "", `no JSON, but the page of a proxy`, Request{}, Unclear)
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
