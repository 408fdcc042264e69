// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// dataTenant has one of each resource with a data plane, under each model of permissions.
const dataTenant = `tenant data id=aaaaaaaa-0000-4000-8000-000000000002 taken=2026-11-20
subscription prod id=/subscriptions/11111111-0000-4000-8000-000000000001
rg app in prod location=westeurope
webapp api in app system
identity worker-id in app
vm box in app user=worker-id
keyvault kv in app location=westeurope .enableRbacAuthorization=true
secret one in kv
secret two in kv
key signer in kv
keyvault old in app location=westeurope .enableRbacAuthorization=false
secret one-old in old name=one
keyvault shut in app .enableRbacAuthorization=true .publicNetworkAccess=Disabled
keyvault walled in app .enableRbacAuthorization=true .networkAcls.defaultAction=Deny
storage files in app .allowSharedKeyAccess=false
container pics in files
container docs in files
queue jobs in files
storage keyed in app .publicNetworkAccess=Disabled
servicebus bus in app .disableLocalAuth=true
sbqueue orders in bus
servicebus far in app .publicNetworkAccess=Disabled

sp reader client=cccccccc-0000-4000-8000-000000000002
sp writer client=cccccccc-0000-4000-8000-000000000003
sp nobody client=cccccccc-0000-4000-8000-000000000004
sp part client=cccccccc-0000-4000-8000-000000000005
sp denied client=cccccccc-0000-4000-8000-000000000006
assign api "Key Vault Secrets User" at one
assign reader "Key Vault Reader" at kv
assign writer "Key Vault Administrator" at app
assign denied "Key Vault Administrator" at app
policy reader on old secrets=get,list
assign reader "Storage Blob Data Reader" at files
assign writer "Storage Blob Data Contributor" at files
assign reader "Storage Queue Data Reader" at files
assign writer "Storage Queue Data Contributor" at files
assign part "Storage Queue Data Message Processor" at files
assign reader "Azure Service Bus Data Receiver" at orders
assign writer "Azure Service Bus Data Sender" at bus
role adder at prod {
	dataActions Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action, Microsoft.Storage/storageAccounts/queueServices/queues/messages/read, Microsoft.Storage/storageAccounts/queueServices/queues/messages/delete
}
assign denied adder at files
assign part "Storage Blob Data Contributor" at pics condition=` + "`" + `((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'thumbs/*'))` + "`" + `
deny "no keys" at kv principals=denied {
	dataActions Microsoft.KeyVault/vaults/keys/*
}
`

const (
	dataReader = "cccccccc-0000-4000-8000-000000000002"
	dataWriter = "cccccccc-0000-4000-8000-000000000003"
	dataNobody = "cccccccc-0000-4000-8000-000000000004"
	dataPart   = "cccccccc-0000-4000-8000-000000000005"
	dataDenied = "cccccccc-0000-4000-8000-000000000006"

	vaultAud = "https://vault.azure.net"
	blobAud  = "https://storage.azure.com"
	busAud   = "https://servicebus.azure.net"
)

// dataClient asks data planes.
type dataClient struct {
	t     *testing.T
	s     *Server
	http  *http.Client
	token string
	// header is sent with every request.
	header map[string]string
}

// dataCaller is a client with a token of an application, or of the operator.
func dataCaller(t *testing.T, s *Server, client, aud string) *dataClient {
	t.Helper()
	v := s.view()
	who := v.account(client)
	if who == nil {
		t.Fatalf("there is no account %s", client)
	}
	text, _, err := v.issue(who, aud, s.now(), tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	c := &dataClient{t: t, s: s, http: s.Client(), token: text}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func (c *dataClient) with(pairs ...string) *dataClient {
	out := *c
	out.header = map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.header[pairs[i]] = pairs[i+1]
	}
	return &out
}

func (c *dataClient) do(method, address, body string) *reply {
	c.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range c.header {
		r.Header.Set(k, v)
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	out := &reply{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &out.body) // XML and plain answers have none
	return out
}

// expect checks a status and what the answer must hold.
func (c *dataClient) expect(status int, method, address, body string, wants ...string) *reply {
	c.t.Helper()
	r := c.do(method, address, body)
	if r.status != status {
		c.t.Errorf("%s %s: %d, want %d: %s", method, address, r.status, status, r.text)
	}
	for _, want := range wants {
		if !strings.Contains(r.text, want) {
			c.t.Errorf("%s %s lacks %q: %s", method, address, want, r.text)
		}
	}
	return r
}

const (
	kvHost  = "https://kv.vault.azure.net"
	oldHost = "https://old.vault.azure.net"
	v7      = "?api-version=7.6"
)

func TestVaultSecrets(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	writer, reader, nobody := dataCaller(t, s, dataWriter, vaultAud), dataCaller(t, s, dataReader, vaultAud), dataCaller(t, s, dataNobody, vaultAud)
	writer.expect(200, "GET", kvHost+"/secrets/one"+v7, "", `"value":"lab value of one"`)
	writer.expect(200, "GET", kvHost+"/secrets/one/"+v7, "", `"value":"lab value of one"`)
	writer.expect(200, "GET", "https://kv.vault.lab.invalid/secrets/one"+v7, "", `"value":"lab value of one"`)
	first := writer.expect(200, "PUT", kvHost+"/secrets/new"+v7, `{"value":"a","contentType":"text/plain","tags":{"x":"y"}}`, `"value":"a"`, `"contentType":"text/plain"`, `"x":"y"`)
	second := writer.expect(200, "PUT", kvHost+"/secrets/new"+v7, `{"value":"b"}`)
	if first.body["id"] == second.body["id"] {
		t.Errorf("two versions with one ID: %v", first.body["id"])
	}
	writer.expect(200, "GET", fmt.Sprint(first.body["id"])+v7, "", `"value":"a"`)
	writer.expect(200, "GET", kvHost+"/secrets/new"+v7, "", `"value":"b"`)
	writer.expect(404, "GET", kvHost+"/secrets/new/0123"+v7, "", "SecretNotFound")
	if got := len(writer.do("GET", kvHost+"/secrets/new/versions"+v7, "").list(t)); got != 2 {
		t.Errorf("%d versions", got)
	}
	writer.expect(404, "GET", kvHost+"/secrets/none/versions"+v7, "", "SecretNotFound")
	writer.expect(200, "PATCH", fmt.Sprint(second.body["id"])+v7, `{"attributes":{"enabled":false},"contentType":"x","tags":{"p":"q"}}`, `"enabled":false`, `"p":"q"`)
	writer.expect(403, "GET", kvHost+"/secrets/new"+v7, "", "SecretDisabled")
	writer.expect(404, "PATCH", kvHost+"/secrets/none/0"+v7, `{}`, "SecretNotFound")
	writer.expect(400, "PATCH", kvHost+"/secrets/none/0"+v7, `{`, "BadParameter")
	writer.expect(400, "PUT", kvHost+"/secrets/new"+v7, `{}`, "BadParameter")
	writer.expect(400, "GET", kvHost+"/secrets/new", "", "api-version must be specified")
	writer.expect(404, "GET", kvHost+"/nothing"+v7, "", "The lab has nothing at GET /nothing")
	writer.expect(404, "GET", "https://none.vault.azure.net/secrets"+v7, "", "VaultNotFound")

	// A reader of the vault sees names and no values.
	if got := reader.do("GET", kvHost+"/secrets"+v7, "").list(t); len(got) != 3 || got[0]["value"] != nil || got[0]["id"] != kvHost+"/secrets/new" {
		t.Errorf("%v", got)
	}
	r := reader.expect(403, "GET", kvHost+"/secrets/one"+v7, "", `"innererror":{"code":"ForbiddenByRbac"}`, `Caller: appid=`+dataReader+`;oid=`, `iss=https://sts.windows.net/aaaaaaaa-0000-4000-8000-000000000002/`,
		`Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'`, `/resourcegroups/app/providers/microsoft.keyvault/vaults/kv/secrets/one'`, `Assignment: (not found)`, `Vault: kv;location=westeurope`)
	if got := r.header.Get(decisionHeader); got != "denied: no grant" {
		t.Errorf("the decision is %q", got)
	}
	nobody.expect(403, "GET", kvHost+"/secrets"+v7, "", "ForbiddenByRbac")

	// Deleted secrets can be had back until they are purged.
	writer.expect(200, "DELETE", kvHost+"/secrets/two"+v7, "", "recoveryId", "scheduledPurgeDate")
	writer.expect(404, "DELETE", kvHost+"/secrets/two"+v7, "", "SecretNotFound")
	writer.expect(404, "GET", kvHost+"/secrets/two"+v7, "", "SecretNotFound")
	writer.expect(409, "PUT", kvHost+"/secrets/two"+v7, `{"value":"b"}`, "ObjectIsDeletedButRecoverable")
	if got := len(writer.do("GET", kvHost+"/deletedsecrets"+v7, "").list(t)); got != 1 {
		t.Errorf("%d deleted", got)
	}
	writer.expect(200, "GET", kvHost+"/deletedsecrets/two"+v7, "", "deletedDate")
	writer.expect(200, "POST", kvHost+"/deletedsecrets/two/recover"+v7, "", `/secrets/two/`)
	writer.expect(200, "GET", kvHost+"/secrets/two"+v7, "", "lab value of two")
	writer.expect(200, "DELETE", kvHost+"/secrets/two"+v7, "")
	writer.expect(204, "DELETE", kvHost+"/deletedsecrets/two"+v7, "")
	writer.expect(404, "GET", kvHost+"/deletedsecrets/two"+v7, "", "SecretNotFound")
	writer.expect(404, "GET", kvHost+"/secrets/two"+v7, "", "SecretNotFound")
	writer.expect(200, "PUT", kvHost+"/secrets/two"+v7, `{"value":"c"}`, `"value":"c"`)
}

func TestVaultPages(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	writer := dataCaller(t, s, dataWriter, vaultAud)
	for i := range 30 {
		writer.expect(200, "PUT", fmt.Sprintf("%s/secrets/s%02d%s", kvHost, i, v7), `{"value":"a"}`)
	}
	count, next := 0, kvHost+"/secrets"+v7+"&maxresults=10"
	for pages := 0; next != "" && pages < 10; pages++ {
		r := writer.expect(200, "GET", next, "")
		count += len(r.list(t))
		next, _ = r.body["nextLink"].(string)
	}
	if count != 32 {
		t.Errorf("%d secrets on all pages", count)
	}
}

func TestVaultKeys(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	writer := dataCaller(t, s, dataWriter, vaultAud)
	writer.expect(200, "GET", kvHost+"/keys/signer"+v7, "", `"kty":"RSA"`, `"n":`)
	made := writer.expect(200, "POST", kvHost+"/keys/fresh/create"+v7, `{"kty":"RSA"}`, `"kid":"`+kvHost+`/keys/fresh/`)
	key, _ := made.body["key"].(map[string]any)
	writer.expect(200, "GET", fmt.Sprint(key["kid"])+v7, "", `"e":"AQAB"`)
	if got := len(writer.do("GET", kvHost+"/keys"+v7, "").list(t)); got != 2 {
		t.Errorf("%d keys", got)
	}
	if got := len(writer.do("GET", kvHost+"/keys/fresh/versions"+v7, "").list(t)); got != 1 {
		t.Errorf("%d versions", got)
	}
	writer.expect(404, "GET", kvHost+"/keys/none"+v7, "", "KeyNotFound")
	writer.expect(404, "GET", kvHost+"/keys/fresh/0"+v7, "", "KeyNotFound")
	writer.expect(200, "DELETE", kvHost+"/keys/fresh"+v7, "", "recoveryId")
	writer.expect(404, "GET", kvHost+"/keys/fresh"+v7, "", "KeyNotFound")
	// A deny assignment is named.
	dataCaller(t, s, dataDenied, vaultAud).expect(403, "GET", kvHost+"/keys/signer"+v7, "", "DenyAssignmentId: '", "DeniedByDenyAssignment")
}

// Under access policies a role counts for nothing.
func TestVaultPolicies(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	dataCaller(t, s, dataReader, vaultAud).expect(200, "GET", oldHost+"/secrets/one"+v7, "", "lab value of one")
	dataCaller(t, s, dataReader, vaultAud).expect(403, "DELETE", oldHost+"/secrets/one"+v7, "",
		"The user, group or application 'appid="+dataReader+";oid=", "does not have secrets delete permission on key vault 'old;location=westeurope'", `"innererror":{"code":"AccessDenied"}`)
	dataCaller(t, s, dataWriter, vaultAud).expect(403, "GET", oldHost+"/secrets/one"+v7, "", "does not have secrets get permission on key vault")
}

// What a token must be is the business of each service.
func TestDataTokens(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	s := start(t, parse(t, dataTenant), Options{Now: clock.Now})
	arm, none := dataCaller(t, s, dataWriter, forARM), dataCaller(t, s, dataWriter, vaultAud)
	none.token = ""
	forged := dataCaller(t, s, dataWriter, vaultAud)
	forged.token = forged.token[:len(forged.token)-8] + "AAAAAAAA"
	foreign := func(aud string) *dataClient {
		c := dataCaller(t, s, dataWriter, aud)
		v := s.view()
		other := &world{tenant: "bbbbbbbb-0000-4000-8000-000000000001"}
		text, _, err := (&view{s, other}).issue(v.account(dataWriter), aud, s.now(), tokenLife)
		if err != nil {
			t.Fatal(err)
		}
		c.token = text
		return c
	}
	const blobs, queues, bus = "https://files.blob.core.windows.net/pics/x", "https://files.queue.core.windows.net/jobs/messages", "https://bus.servicebus.windows.net/orders/messages/head"
	r := none.expect(401, "GET", kvHost+"/secrets/one"+v7, "", "AKV10000: Request is missing a Bearer or PoP token.")
	if got := r.header.Get("WWW-Authenticate"); got != fmt.Sprintf(`Bearer authorization="%s/%s", resource="https://vault.azure.net"`, s.URL(), s.TenantID()) {
		t.Errorf("the challenge is %s", got)
	}
	none.expect(401, "GET", "https://kv.vault.lab.invalid/secrets/one"+v7, "")
	arm.expect(401, "GET", kvHost+"/secrets/one"+v7, "", "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com.")
	foreign(vaultAud).expect(401, "GET", kvHost+"/secrets/one"+v7, "", "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/aaaaaaaa-")
	forged.expect(401, "GET", kvHost+"/secrets/one"+v7, "", "AKV10001")
	r = none.expect(401, "GET", blobs, "", "<Code>NoAuthenticationInformation</Code>")
	if got := r.header.Get("WWW-Authenticate"); !strings.Contains(got, "authorization_uri="+s.URL()) || !strings.Contains(got, "resource_id=https://storage.azure.com") {
		t.Errorf("the challenge is %s", got)
	}
	arm.expect(401, "GET", blobs, "", "<Code>InvalidAuthenticationInfo</Code>", "Audience validation failed. Audience did not match.")
	foreign(blobAud).expect(401, "GET", queues, "", "Issuer validation failed. Issuer did not match.")
	forged.expect(401, "GET", queues, "", "Signature validation failed")
	none.expect(401, "POST", bus, "", "<Code>401</Code>", "MissingToken")
	arm.expect(401, "POST", bus, "", "InvalidAudience: Invalid authorization token audience.")
	foreign(busAud).expect(401, "POST", bus, "", "InvalidIssuer")
	forged.expect(401, "POST", bus, "", "InvalidToken")
	none.with("Authorization", "SharedAccessSignature sr=x").expect(401, "POST", bus, "", "LocalAuthDisabled")
	none.with("Authorization", "SharedAccessSignature sr=x").expect(401, "POST", "https://far.servicebus.windows.net/x/messages/head", "", "InvalidSignature")
	none.with("Authorization", "SharedKey x:y").expect(403, "GET", blobs, "", "<Code>KeyBasedAuthenticationNotPermitted</Code>")
	none.expect(403, "GET", "https://keyed.blob.core.windows.net/a/b?sig=x", "", "<Code>AuthenticationFailed</Code>")

	// The name of the account is an audience of its own, with and without a slash.
	for _, aud := range []string{"https://files.blob.core.windows.net", "https://files.blob.core.windows.net/", blobAud, blobAud + "/"} {
		dataCaller(t, s, dataWriter, aud).expect(404, "GET", blobs, "", "BlobNotFound")
	}
	dataCaller(t, s, dataWriter, "https://keyed.blob.core.windows.net").expect(401, "GET", blobs, "", "Audience validation failed")

	old := map[string]*dataClient{vaultAud: nil, blobAud: nil, busAud: nil}
	for aud := range old {
		old[aud] = dataCaller(t, s, dataWriter, aud)
	}
	clock.Advance(2 * time.Hour)
	old[vaultAud].expect(401, "GET", kvHost+"/secrets/one"+v7, "", "AKV10015")
	old[blobAud].expect(401, "GET", blobs, "", "Lifetime validation failed. The token is expired.")
	old[busAud].expect(401, "POST", bus, "", "ExpiredToken")
}

// Callers from outside are refused before rights are looked at, if the lab is told to put
// them there.
func TestDataOutside(t *testing.T) {
	f := func(outside bool, client, aud, method, address string, status int, wants ...string) {
		t.Helper()
		s := start(t, parse(t, dataTenant), Options{Outside: outside})
		dataCaller(t, s, client, aud).expect(status, method, address, "", wants...)
	}
	f(false, dataWriter, vaultAud, "GET", "https://shut.vault.azure.net/secrets"+v7, 200)
	f(true, dataWriter, vaultAud, "GET", "https://shut.vault.azure.net/secrets"+v7, 403, "Public network access is disabled", "ForbiddenByConnection", "Vault: shut;")
	f(true, dataWriter, vaultAud, "GET", "https://walled.vault.azure.net/secrets"+v7, 403, "Client address is not authorized and caller is not a trusted service.", "ForbiddenByFirewall")
	f(true, dataWriter, vaultAud, "GET", kvHost+"/secrets"+v7, 200)
	f(true, dataWriter, blobAud, "GET", "https://keyed.blob.core.windows.net/?comp=list", 403, "AuthorizationFailure")
	f(true, dataWriter, blobAud, "GET", "https://keyed.queue.core.windows.net/?comp=list", 403, "AuthorizationFailure")
	f(true, dataWriter, busAud, "POST", "https://far.servicebus.windows.net/x/messages", 401, "Ip has been prevented to connect to the endpoint.")
	f(false, dataWriter, busAud, "POST", "https://far.servicebus.windows.net/x/messages", 401, "'Send' claim(s) are required")
}

const files = "https://files.blob.core.windows.net"

func TestBlobs(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	writer, reader, nobody := dataCaller(t, s, dataWriter, blobAud), dataCaller(t, s, dataReader, blobAud), dataCaller(t, s, dataNobody, blobAud)
	block := writer.with("x-ms-blob-type", "BlockBlob", "x-ms-blob-content-type", "text/plain", "x-ms-meta-why", "test")
	made := block.expect(201, "PUT", files+"/pics/a/b%20c.txt", "hello world")
	etag := made.header.Get("ETag")
	got := reader.expect(200, "GET", files+"/pics/a/b%20c.txt", "", "hello world")
	if got.header.Get("ETag") != etag || got.header.Get("Content-Type") != "text/plain" || got.header.Get("x-ms-meta-why") != "test" || got.header.Get("x-ms-blob-type") != "BlockBlob" {
		t.Errorf("%v", got.header)
	}
	if r := reader.expect(200, "HEAD", files+"/pics/a/b%20c.txt", ""); r.text != "" || r.header.Get("Content-Length") != "11" {
		t.Errorf("%v", r.header)
	}
	if r := reader.with("x-ms-range", "bytes=6-").expect(206, "GET", files+"/pics/a/b%20c.txt", "", "world"); r.header.Get("Content-Range") != "bytes 6-10/11" {
		t.Errorf("%v", r.header)
	}
	reader.with("Range", "bytes=0-4").expect(206, "GET", files+"/pics/a/b%20c.txt", "", "hello")
	reader.with("Range", "bytes=99-").expect(200, "GET", files+"/pics/a/b%20c.txt", "", "hello world")
	reader.expect(404, "GET", files+"/pics/none", "", "BlobNotFound")
	reader.expect(404, "GET", files+"/none/none", "", "ContainerNotFound")

	// Headers that bind a request to a state.
	block.with("x-ms-blob-type", "BlockBlob", "If-None-Match", "*").expect(409, "PUT", files+"/pics/a/b%20c.txt", "x", "BlobAlreadyExists")
	block.with("x-ms-blob-type", "BlockBlob", "If-Match", `"0x0"`).expect(412, "PUT", files+"/pics/a/b%20c.txt", "x", "ConditionNotMet")
	writer.with("If-Match", `"0x0"`).expect(412, "DELETE", files+"/pics/a/b%20c.txt", "", "ConditionNotMet")
	writer.with("If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT").expect(412, "DELETE", files+"/pics/a/b%20c.txt", "", "ConditionNotMet")
	writer.with("If-None-Match", etag).expect(304, "GET", files+"/pics/a/b%20c.txt", "")
	writer.with("If-None-Match", etag).expect(412, "DELETE", files+"/pics/a/b%20c.txt", "", "ConditionNotMet")
	block.with("x-ms-blob-type", "BlockBlob", "If-Match", etag).expect(201, "PUT", files+"/pics/a/b%20c.txt", "again")

	// Lists.
	block.expect(201, "PUT", files+"/pics/top.txt", "x")
	reader.expect(200, "GET", files+"/pics?restype=container&comp=list", "", "<Name>a/b c.txt</Name>", "<Name>top.txt</Name>", "<Content-Length>5</Content-Length>")
	folders := reader.expect(200, "GET", files+"/pics?restype=container&comp=list&delimiter=/", "", "<BlobPrefix><Name>a/</Name></BlobPrefix>", "top.txt")
	if strings.Contains(folders.text, "b c.txt") {
		t.Error(folders.text)
	}
	page := reader.expect(200, "GET", files+"/pics?restype=container&comp=list&maxresults=1", "", "<NextMarker>top.txt</NextMarker>")
	if strings.Contains(page.text, "<Name>top.txt</Name>") {
		t.Error(page.text)
	}
	reader.expect(200, "GET", files+"/pics?restype=container&comp=list&marker=top.txt&prefix=t&include=metadata", "", "<Name>top.txt</Name>", "<NextMarker></NextMarker>")
	reader.expect(404, "GET", files+"/none?restype=container&comp=list", "", "ContainerNotFound")
	reader.expect(200, "GET", files+"/?comp=list", "", "<Name>docs</Name>", "<Name>pics</Name>")
	reader.expect(200, "GET", files+"/?comp=list&prefix=p", "", "<Name>pics</Name>")

	writer.expect(202, "DELETE", files+"/pics/top.txt", "")
	writer.expect(404, "DELETE", files+"/pics/top.txt", "", "BlobNotFound")
	const mismatch = "<Code>AuthorizationPermissionMismatch</Code><Message>This request is not authorized to perform this operation using this permission.\nRequestId:"
	reader.with("x-ms-blob-type", "BlockBlob").expect(403, "PUT", files+"/pics/x", "x", mismatch)
	reader.expect(403, "DELETE", files+"/pics/x", "", "AuthorizationPermissionMismatch")
	nobody.expect(403, "GET", files+"/pics/x", "", "AuthorizationPermissionMismatch")
	nobody.expect(403, "GET", files+"/pics?restype=container&comp=list", "", "AuthorizationPermissionMismatch")
	nobody.expect(403, "GET", files+"/?comp=list", "", "AuthorizationPermissionMismatch")
	if r := nobody.expect(403, "HEAD", files+"/pics/x", ""); r.header.Get("x-ms-error-code") != "AuthorizationPermissionMismatch" {
		t.Errorf("%v", r.header)
	}

	// What is not spoken is refused as such.
	writer.with("x-ms-blob-type", "PageBlob").expect(501, "PUT", files+"/pics/x", "", "block blobs alone")
	writer.expect(501, "PUT", files+"/pics/x?comp=block&blockid=x", "", "comp=block")
	writer.expect(405, "PATCH", files+"/pics/x", "", "UnsupportedHttpVerb")
	writer.expect(405, "PATCH", files+"/pics?restype=container", "", "UnsupportedHttpVerb")
	writer.expect(404, "GET", "https://none.blob.core.windows.net/pics/x", "", "no storage account 'none'")
}

func TestBlobRights(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	// A condition on the path of the blob.
	part := dataCaller(t, s, dataPart, blobAud).with("x-ms-blob-type", "BlockBlob")
	part.expect(201, "PUT", files+"/pics/thumbs/1.png", "x")
	part.expect(201, "PUT", files+"/pics/thumbs/1.png", "y")
	part.expect(200, "GET", files+"/pics/thumbs/1.png", "", "y")
	dataCaller(t, s, dataWriter, blobAud).with("x-ms-blob-type", "BlockBlob").expect(201, "PUT", files+"/pics/other.png", "x")
	part.expect(403, "PUT", files+"/pics/other.png", "y", "AuthorizationPermissionMismatch")
	part.expect(403, "GET", files+"/docs/x", "", "AuthorizationPermissionMismatch")
	// The right to add is enough for what is not there yet.
	adder := dataCaller(t, s, dataDenied, blobAud).with("x-ms-blob-type", "BlockBlob")
	adder.expect(201, "PUT", files+"/docs/new", "x")
	adder.expect(403, "PUT", files+"/docs/new", "y", "AuthorizationPermissionMismatch")
	// Containers are under actions of the control plane.
	writer := dataCaller(t, s, dataWriter, blobAud)
	writer.expect(201, "PUT", files+"/extra?restype=container", "")
	writer.expect(409, "PUT", files+"/extra?restype=container", "", "ContainerAlreadyExists")
	writer.expect(200, "GET", files+"/extra?restype=container", "")
	writer.expect(202, "DELETE", files+"/extra?restype=container", "")
	writer.expect(404, "HEAD", files+"/extra?restype=container", "")
	writer.expect(202, "DELETE", files+"/docs?restype=container", "")
	writer.expect(404, "GET", files+"/docs/new", "", "ContainerNotFound")
	dataCaller(t, s, dataReader, blobAud).expect(403, "PUT", files+"/more?restype=container", "", "AuthorizationPermissionMismatch")
}

const jobs = "https://files.queue.core.windows.net"

// tag is the text of an element.
func tag(t *testing.T, text, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "<"+name+">")
	if !ok {
		t.Fatalf("no %s in %s", name, text)
	}
	value, _, _ := strings.Cut(rest, "<")
	return value
}

func TestQueues(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	s := start(t, parse(t, dataTenant), Options{Now: clock.Now})
	writer, reader, part, both := dataCaller(t, s, dataWriter, blobAud), dataCaller(t, s, dataReader, blobAud), dataCaller(t, s, dataPart, blobAud), dataCaller(t, s, dataDenied, blobAud)
	const body = "<QueueMessage><MessageText>hello</MessageText></QueueMessage>"
	writer.expect(201, "POST", jobs+"/jobs/messages", body, "<MessageId>", "<PopReceipt>")
	writer.expect(201, "POST", jobs+"/jobs/messages?visibilitytimeout=60&messagettl=120", body)
	reader.expect(403, "POST", jobs+"/jobs/messages", body, "AuthorizationPermissionMismatch")
	reader.expect(200, "GET", jobs+"/jobs/messages?peekonly=true", "", "<MessageText>hello</MessageText>", "<DequeueCount>0</DequeueCount>")
	reader.expect(403, "GET", jobs+"/jobs/messages", "", "AuthorizationPermissionMismatch")
	got := part.expect(200, "GET", jobs+"/jobs/messages?numofmessages=5&visibilitytimeout=10", "", "<DequeueCount>1</DequeueCount>")
	if strings.Count(got.text, "<QueueMessage>") != 1 {
		t.Errorf("%s", got.text)
	}
	if r := part.expect(200, "GET", jobs+"/jobs/messages", ""); strings.Contains(r.text, "<QueueMessage>") {
		t.Errorf("a hidden message was given: %s", r.text)
	}
	id, receipt := tag(t, got.text, "MessageId"), tag(t, got.text, "PopReceipt")
	clock.Advance(11 * time.Second)
	again := both.expect(200, "GET", jobs+"/jobs/messages", "", "<DequeueCount>2</DequeueCount>")
	part.expect(404, "DELETE", jobs+"/jobs/messages/"+id+"?popreceipt="+url.QueryEscape(receipt), "", "MessageNotFound")
	reader.expect(403, "DELETE", jobs+"/jobs/messages/"+id+"?popreceipt=x", "", "AuthorizationPermissionMismatch")
	both.expect(204, "DELETE", jobs+"/jobs/messages/"+id+"?popreceipt="+tag(t, again.text, "PopReceipt"), "")
	if r := reader.expect(200, "GET", jobs+"/jobs?comp=metadata", ""); r.header.Get("x-ms-approximate-messages-count") != "1" {
		t.Errorf("%v", r.header)
	}
	clock.Advance(10 * time.Minute)
	fresh := dataCaller(t, s, dataWriter, blobAud)
	if r := fresh.expect(200, "GET", jobs+"/jobs/messages", ""); strings.Contains(r.text, "<QueueMessage>") {
		t.Errorf("a message outlived its time: %s", r.text)
	}
	fresh.expect(400, "POST", jobs+"/jobs/messages", "<", "InvalidXmlDocument")
	fresh.expect(204, "DELETE", jobs+"/jobs/messages", "")
	fresh.expect(405, "PATCH", jobs+"/jobs/messages", "", "UnsupportedHttpVerb")
	fresh.expect(404, "POST", jobs+"/none/messages", body, "QueueNotFound")
	fresh.expect(404, "DELETE", jobs+"/none/messages/x?popreceipt=x", "", "QueueNotFound")
	fresh.expect(201, "PUT", jobs+"/more", "")
	fresh.expect(204, "PUT", jobs+"/more", "")
	fresh.expect(200, "GET", jobs+"/?comp=list", "", "<Name>jobs</Name>", "<Name>more</Name>")
	fresh.expect(204, "DELETE", jobs+"/jobs", "")
	fresh.expect(404, "GET", jobs+"/jobs?comp=metadata", "", "QueueNotFound")
	fresh.expect(405, "PATCH", jobs+"/more", "", "UnsupportedHttpVerb")
	fresh.expect(501, "GET", jobs+"/more/else", "", "of Queue Storage")
	dataCaller(t, s, dataNobody, blobAud).expect(403, "PUT", jobs+"/evil", "", "AuthorizationPermissionMismatch")
	dataCaller(t, s, dataNobody, blobAud).expect(403, "GET", jobs+"/?comp=list", "", "AuthorizationPermissionMismatch")
}

func TestServiceBus(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	s := start(t, parse(t, dataTenant), Options{Now: clock.Now})
	const orders = "https://bus.servicebus.windows.net/orders/messages"
	sender, receiver := dataCaller(t, s, dataWriter, busAud), dataCaller(t, s, dataReader, busAud)
	sender.with("Content-Type", "text/plain", "BrokerProperties", `{"MessageId":"m1"}`).expect(201, "POST", orders, "first")
	sender.expect(201, "POST", orders, "second")
	sender.with("BrokerProperties", "{").expect(400, "POST", orders, "x", "could not be deserialized")
	sender.expect(401, "POST", orders+"/head?timeout=1", "", "Unauthorized access. 'Listen' claim(s) are required to perform this operation. Resource: 'sb://bus.servicebus.windows.net/orders'.", "TrackingId:", "SystemTracker:", "Timestamp:2026-11-20T12:00:00")
	receiver.expect(401, "POST", orders, "x", "'Send' claim(s) are required")
	got := receiver.expect(201, "POST", orders+"/head?timeout=1", "", "first")
	lock := got.header.Get("Location")
	if !strings.HasPrefix(lock, orders+"/m1/") || got.header.Get("Content-Type") != "text/plain" || !strings.Contains(got.header.Get("BrokerProperties"), `"LockToken"`) {
		t.Errorf("%v", got.header)
	}
	receiver.expect(200, "POST", lock, "") // renew
	receiver.expect(200, "PUT", lock, "")  // abandon
	lock = receiver.expect(201, "POST", orders+"/head", "", "first").header.Get("Location")
	receiver.expect(200, "DELETE", lock, "")
	receiver.expect(404, "DELETE", lock, "", "The lock supplied is invalid")
	receiver.expect(404, "PUT", lock, "", "The lock supplied is invalid")
	receiver.expect(200, "DELETE", orders+"/head", "", "second")
	receiver.expect(204, "DELETE", orders+"/head", "")
	sender.expect(404, "POST", "https://bus.servicebus.windows.net/none/messages", "x", "The messaging entity 'sb://bus.servicebus.windows.net/none' could not be found.")
	sender.expect(404, "GET", orders, "", "of Service Bus")
	sender.expect(404, "POST", "https://bus.servicebus.windows.net/messages", "", "of Service Bus")
	sender.expect(404, "POST", "https://none.servicebus.windows.net/a/messages", "", "no namespace 'none'")
}

// The operator may do what it wants, so that a lab can be furnished.
func TestDataOperator(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	dataCaller(t, s, OperatorID, vaultAud).expect(200, "PUT", kvHost+"/secrets/seed"+v7, `{"value":"x"}`)
	dataCaller(t, s, OperatorID, blobAud).with("x-ms-blob-type", "BlockBlob").expect(201, "PUT", files+"/pics/seed", "x")
}

// Many may ask at once.
func TestDataTogether(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			dataCaller(t, s, dataWriter, vaultAud).expect(200, "PUT", fmt.Sprintf("%s/secrets/p%d%s", kvHost, i, v7), `{"value":"x"}`)
			dataCaller(t, s, dataWriter, blobAud).with("x-ms-blob-type", "BlockBlob").expect(201, "PUT", fmt.Sprintf("%s/pics/p%d", files, i), "x")
			dataCaller(t, s, dataWriter, blobAud).expect(201, "POST", jobs+"/jobs/messages", "<QueueMessage><MessageText>x</MessageText></QueueMessage>")
			dataCaller(t, s, dataWriter, busAud).expect(201, "POST", "https://bus.servicebus.windows.net/orders/messages", "x")
		})
	}
	wg.Wait()
	if got := len(dataCaller(t, s, dataWriter, vaultAud).do("GET", kvHost+"/secrets"+v7, "").list(t)); got != 10 {
		t.Errorf("%d secrets", got)
	}
}

// A program finds the hosts through the lab as its proxy, and no others.
func TestProxy(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	proxy, err := url.Parse(s.ProxyURL())
	if err != nil {
		t.Fatal(err)
	}
	transport, _ := s.Client().Transport.(*http.Transport)
	transport.Proxy, transport.DialContext = http.ProxyURL(proxy), nil
	c := dataCaller(t, s, dataWriter, vaultAud)
	c.http = &http.Client{Transport: transport}
	t.Cleanup(c.http.CloseIdleConnections)
	c.expect(200, "GET", kvHost+"/secrets/one"+v7, "", "lab value of one")
	for _, address := range []string{"https://management.azure.com/metadata/endpoints?api-version=2022-09-01", "https://login.microsoftonline.com/common/discovery/instance"} {
		c.expect(200, "GET", address, "")
	}
	refused := func(address, want string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.http.Do(r)
		if err == nil {
			defer res.Body.Close()
			text, _ := io.ReadAll(res.Body)
			if !strings.Contains(string(text), want) || want == "" {
				t.Errorf("%s: %s", address, text)
			}
		} else if want != "" {
			t.Errorf("%s: %v", address, err)
		}
	}
	refused("https://example.com/", "")
	refused("https://a.b.vault.azure.net/", "")
	refused("http://example.com/", "The lab speaks HTTPS.")

	// Whoever says nothing that can be understood is hung up on.
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.ProxyURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("\n\n\x00\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(conn); len(text) != 0 && err == nil {
		t.Errorf("%q", text)
	}
}

// Workloads get tokens for data planes, and the token says on whose behalf.
func TestWorkloadReachesVault(t *testing.T) {
	s := start(t, parse(t, dataTenant), Options{})
	site := mustID("/subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/app/providers/Microsoft.Web/sites/api")
	box := mustID("/subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/app/providers/Microsoft.Compute/virtualMachines/box")
	env := s.HostEnv(site)
	c := &dataClient{t: t, s: s, http: s.Client()}
	t.Cleanup(c.http.CloseIdleConnections)
	token := func(address string, header ...string) string {
		t.Helper()
		r := c.with(header...).expect(200, "GET", address, "")
		text, _ := r.body["access_token"].(string)
		return text
	}
	c.token = token(env["IDENTITY_ENDPOINT"]+"?api-version=2019-08-01&resource="+vaultAud, "X-IDENTITY-HEADER", env["IDENTITY_HEADER"])
	c.expect(200, "GET", kvHost+"/secrets/one"+v7, "", "lab value of one")
	c.expect(403, "GET", kvHost+"/secrets/two"+v7, "", ";xms_mirid="+site.String(), "ForbiddenByRbac")
	c.token = token(s.URL()+"/imds"+box.String()+"/metadata/identity/oauth2/token?api-version=2018-02-01&resource="+vaultAud, "Metadata", "true")
	c.expect(403, "GET", kvHost+"/secrets/two"+v7, "", "/userAssignedIdentities/worker-id;xms_az_rid="+box.String())
}

func TestAudiences(t *testing.T) {
	f := func(aud string, want API) {
		t.Helper()
		got := API("")
		if p := planeOfAudience(aud); p != nil {
			got = p.api
		}
		if got != want {
			t.Errorf("%s: %q, want %q", aud, got, want)
		}
	}
	f("https://vault.azure.net", APIVault)
	f("https://storage.azure.com", APIBlob)
	f("https://x.blob.core.windows.net", APIBlob)
	f("https://x.queue.core.windows.net", APIQueue)
	f("https://.queue.core.windows.net", "")
	f("https://a.b.queue.core.windows.net", "")
	f("https://x.servicebus.windows.net", APIServiceBus)
	f("https://x.table.core.windows.net", APITable)
	f("https://x.documents.azure.com", APICosmos)
	f("https://azconfig.io", APIAppConfig)
	f("https://cognitiveservices.azure.com", APIOpenAI)
	f("https://kv.vault.azure.net", "") // a frequent mistake
	f("https://example.com", "")
	if got := FaultAPIs(); !slices.Contains(got, APIVault) || slices.Contains(got, APIAdmin) {
		t.Errorf("%v", got)
	}
}
