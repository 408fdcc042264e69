// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// planesTenant has a table, a container of items, a store and a model, and a caller for each
// sort of right to them.
const planesTenant = `tenant planes id=aaaaaaaa-0000-4000-8000-000000000003 taken=2026-11-20
subscription prod id=/subscriptions/11111111-0000-4000-8000-000000000001
rg app in prod location=westeurope
storage files in app .allowSharedKeyAccess=false
table log in files
storage wall in app .networkAcls.defaultAction=Deny
cosmos db in app .disableLocalAuth=true
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases shop in db
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers orders in shop
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers bills in shop
appconfig conf in app
resource Microsoft.AppConfiguration/configurationStores/keyValues colour$dark in conf
openai gpt in app
aideployment d in gpt
cosmos shut in app .publicNetworkAccess=Disabled
appconfig off in app .publicNetworkAccess=Disabled
openai near in app .publicNetworkAccess=Disabled
openai far in app .networkAcls.defaultAction=Deny
sp reader client=cccccccc-0000-4000-8000-000000000002
sp writer client=cccccccc-0000-4000-8000-000000000003
sp nobody client=cccccccc-0000-4000-8000-000000000004
sp part client=cccccccc-0000-4000-8000-000000000005
sp owner client=cccccccc-0000-4000-8000-000000000006
assign owner Owner at prod
assign reader "Storage Table Data Reader" at log
assign writer "Storage Table Data Contributor" at files
role updater at prod {
	dataActions Microsoft.Storage/storageAccounts/tableServices/tables/entities/update/action
}
role adder at prod {
	dataActions Microsoft.Storage/storageAccounts/tableServices/tables/entities/add/action
}
assign part updater at log
local cosmos reader "Cosmos DB Built-in Data Reader" on db
local cosmos writer "Cosmos DB Built-in Data Contributor" on db scope=/dbs/shop/colls/orders
localrole cosmos pusher on db dataActions=Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create
local cosmos part pusher on db scope=/dbs/shop
assign nobody "Cosmos DB Account Reader Role" at db
assign reader "App Configuration Data Reader" at conf
assign writer "App Configuration Data Owner" at conf
assign reader "Cognitive Services OpenAI User" at gpt
assign part "Cognitive Services OpenAI User" at d
`

const (
	tableHost = "https://files.table.core.windows.net"
	shopHost  = "https://db.documents.azure.com"
	docs      = shopHost + "/dbs/shop/colls/orders/docs"
	confHost  = "https://conf.azconfig.io"
	gptHost   = "https://gpt.openai.azure.com/openai/deployments/"
	v1        = "?api-version=1.0"
	planesAt  = "/subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/app/providers/"
)

// planes are clients of one service for each caller, by name.
func planes(t *testing.T, s *Server, aud string) map[string]*dataClient {
	t.Helper()
	out := map[string]*dataClient{}
	for name, client := range map[string]string{"reader": dataReader, "writer": dataWriter, "nobody": dataNobody, "part": dataPart, "owner": dataDenied, "operator": OperatorID} {
		out[name] = dataCaller(t, s, client, aud)
	}
	return out
}

func TestTables(t *testing.T) {
	s := start(t, parse(t, planesTenant), Options{Outside: true})
	c := planes(t, s, blobAud)
	w, r := c["writer"].with("Accept", "application/json"), c["reader"].with("Accept", "application/json;odata=nometadata")
	one := tableHost + "/log(PartitionKey='p',RowKey='r''s')"
	w.expect(200, "GET", tableHost+"/Tables", "", `{"TableName":"log"}`, "$metadata#Tables")
	r.expect(403, "GET", tableHost+"/Tables", "", "AuthorizationPermissionMismatch") // its right is at the table
	w.expect(201, "POST", tableHost+"/log", `{"PartitionKey":"p","RowKey":"r's","n":1,"odata.etag":"x"}`, `"n":1`, `"Timestamp":"`, `"odata.etag":"W/`)
	w.expect(409, "POST", tableHost+"/log", `{"PartitionKey":"p","RowKey":"r's"}`, "EntityAlreadyExists")
	w.expect(400, "POST", tableHost+"/log", `{"PartitionKey":"p"}`, "PropertiesNeedValue")
	w.expect(400, "POST", tableHost+"/log", `{`, "InvalidInput")
	got := r.expect(200, "GET", tableHost+"/log()", "", `"value":[{"PartitionKey":"p","RowKey":"r's",`)
	if strings.Contains(got.text, "odata.") {
		t.Errorf("metadata that nobody wants: %s", got.text)
	}
	tag := r.expect(200, "GET", one, "", `"n":1`).header.Get("ETag")
	// A change needs the entity; what has no If-Match does not.
	w.with("If-Match", `W/"x"`).expect(412, "PUT", one, `{"n":2}`, "UpdateConditionNotSatisfied")
	w.with("If-Match", tag).expect(204, "MERGE", one, `{"m":3}`)
	r.expect(200, "GET", one, "", `"m":3`, `"n":1`)
	w.with("If-Match", "*").expect(204, "PUT", one, `{"n":2}`)
	if got := r.do("GET", one, ""); strings.Contains(got.text, `"m"`) {
		t.Errorf("replaced, and still there: %s", got.text)
	}
	w.with("If-Match", "*").expect(404, "PATCH", tableHost+"/log(PartitionKey='p',RowKey='none')", `{}`, "ResourceNotFound")
	w.expect(204, "PUT", tableHost+"/log(PartitionKey='q',RowKey='1')", `{"n":5}`)
	w.expect(204, "MERGE", tableHost+"/log(PartitionKey='q',RowKey='2')", ``+`{"n":6}`)
	page := r.expect(200, "GET", tableHost+"/log()?$top=2", "", `"n":2`, `"n":5`)
	next := "NextPartitionKey=" + page.header.Get("x-ms-continuation-NextPartitionKey") + "&NextRowKey=" + page.header.Get("x-ms-continuation-NextRowKey")
	if rest := r.expect(200, "GET", tableHost+"/log()?"+next, "", `"n":6`); strings.Contains(rest.text, `"n":5`) {
		t.Errorf("the second page: %s", rest.text)
	}
	// Each right alone.
	for _, who := range []string{"reader", "nobody", "owner"} {
		c[who].with("If-Match", "*").expect(403, "MERGE", one, `{}`, "AuthorizationPermissionMismatch")
		c[who].with("If-Match", "*").expect(403, "DELETE", one, "", "AuthorizationPermissionMismatch")
		c[who].expect(403, "POST", tableHost+"/log", `{"PartitionKey":"x","RowKey":"x"}`, "AuthorizationPermissionMismatch")
	}
	c["part"].with("If-Match", "*").expect(204, "MERGE", one, `{"k":1}`)
	c["part"].expect(403, "MERGE", one, `{"k":2}`, "AuthorizationPermissionMismatch") // it may not add
	c["part"].expect(403, "GET", one, "")
	if h := c["part"].do("GET", one, "").header; h.Get("x-ms-error-code") != "" || h.Get(decisionHeader) != "denied: no grant" {
		t.Errorf("%v", h)
	}
	w.with("If-Match", "*").expect(204, "DELETE", one, "")
	w.with("If-Match", "*").expect(404, "DELETE", one, "", "ResourceNotFound")
	w.expect(404, "GET", one, "", "ResourceNotFound")
	// Tables.
	w.expect(201, "POST", tableHost+"/Tables", `{"TableName":"Fresh"}`, `"TableName":"Fresh"`)
	w.with("Prefer", "return-no-content").expect(204, "POST", tableHost+"/Tables", `{"TableName":"Other"}`)
	w.expect(409, "POST", tableHost+"/Tables", `{"TableName":"fresh"}`, "TableAlreadyExists")
	w.expect(400, "POST", tableHost+"/Tables", `{"TableName":"a-b"}`, "InvalidResourceName")
	w.expect(400, "POST", tableHost+"/Tables", `{}`, "InvalidInput")
	w.expect(204, "DELETE", tableHost+"/Tables('fresh')", "")
	w.expect(404, "DELETE", tableHost+"/Tables('fresh')", "", "TableNotFound")
	r.expect(403, "DELETE", tableHost+"/Tables('log')", "")
	w.expect(204, "DELETE", tableHost+"/Tables('log')", "")
	w.expect(404, "GET", tableHost+"/log()", "", "TableNotFound")
	// What is not spoken.
	w.expect(501, "GET", tableHost+"/Other?$filter=x", "", "NotImplemented")
	w.expect(400, "GET", tableHost+"/a-b()", "", "InvalidResourceName")
	w.expect(400, "GET", tableHost+"/Other(x)", "", "InvalidInput")
	w.expect(400, "GET", tableHost+"/a(b", "", "InvalidUri")
	w.expect(400, "DELETE", tableHost+"/Other(PartitionKey='a',RowKey='b')", "", "MissingRequiredHeader")
	w.expect(405, "POST", tableHost+"/Other(PartitionKey='a',RowKey='b')", "", "UnsupportedHttpVerb")
	w.expect(400, "PUT", tableHost+"/Other(PartitionKey='a',RowKey='b')", "{", "InvalidInput")
	w.expect(501, "PUT", tableHost+"/Other", "", "NotImplemented")
	w.expect(403, "GET", "https://wall.table.core.windows.net/log()", "", "AuthorizationFailure")
	c["nobody"].token = ""
	c["nobody"].expect(401, "GET", tableHost+"/Tables", "", "NoAuthenticationInformation")
}

// cosmosClient sends its token in the form of Cosmos DB, and a partition key.
func cosmosClient(c *dataClient, pairs ...string) *dataClient {
	out := c.with(append([]string{"Authorization", "type%3Daad%26ver%3D1.0%26sig%3D" + c.token, "x-ms-documentdb-partitionkey", `["1"]`}, pairs...)...)
	return out
}

func TestCosmosItems(t *testing.T) {
	s := start(t, parse(t, planesTenant), Options{Outside: true})
	c := planes(t, s, "https://db.documents.azure.com")
	w, r, part := cosmosClient(c["writer"]), cosmosClient(c["reader"]), cosmosClient(c["part"])
	r.expect(200, "GET", shopHost+"/", "", `"databaseAccountEndpoint":"https://db.documents.azure.com:443/"`)
	r.expect(200, "GET", shopHost+"/dbs/shop", "", `"id":"shop"`)
	r.expect(200, "GET", shopHost+"/dbs/shop/colls/orders", "", `"paths":["/id"]`)
	r.expect(200, "GET", shopHost+"/dbs/shop/colls/orders/pkranges", "", "PartitionKeyRanges")
	r.expect(404, "GET", shopHost+"/dbs/none", "", "NotFound")
	r.expect(400, "GET", shopHost+"/dbs", "", "lists no databases")
	w.expect(403, "GET", shopHost+"/", "", "readMetadata] on resource [/]") // its role is at one container
	w.expect(403, "GET", shopHost+"/dbs/shop", "", "resource [/dbs/shop]")
	made := w.expect(201, "POST", docs, `{"id":"o1","n":1}`, `"_etag":"`, `"n":1`)
	w.expect(409, "POST", docs, `{"id":"o1"}`, "Conflict")
	w.expect(400, "POST", docs, `{"n":1}`, "BadRequest")
	w.expect(400, "POST", docs, `{`, "BadRequest")
	cosmosClient(c["writer"], "x-ms-documentdb-is-upsert", "True").expect(200, "POST", docs, `{"id":"o1","n":2}`, `"n":2`)
	cosmosClient(c["writer"], "Prefer", "return=minimal", "x-ms-documentdb-is-upsert", "true").expect(201, "POST", docs, `{"id":"o2"}`)
	tag := r.expect(200, "GET", docs+"/o1", "", `"n":2`).header.Get("ETag")
	cosmosClient(c["reader"], "If-None-Match", tag).expect(304, "GET", docs+"/o1", "")
	cosmosClient(c["writer"], "If-Match", made.header.Get("ETag")).expect(412, "PUT", docs+"/o1", `{"id":"o1"}`, "PreconditionFailed")
	cosmosClient(c["writer"], "If-Match", tag).expect(200, "PUT", docs+"/o1", `{"id":"o1","n":3}`, `"n":3`)
	w.expect(400, "PUT", docs+"/o1", `{"id":"o2"}`, "BadRequest")
	w.expect(404, "PUT", docs+"/none", `{"id":"none"}`, "NotFound")
	cosmosClient(c["reader"], "Content-Type", "application/query+json").expect(200, "POST", docs, `{"query":"SELECT * FROM c"}`, `"n":3`, `"_count":2`)
	cosmosClient(c["reader"], "x-ms-documentdb-isquery", "True").expect(400, "POST", docs, `{"query":"SELECT c.id FROM c"}`, "no query but")
	// Refusals have a substatus, and name principal and action.
	no := r.expect(403, "POST", docs, `{"id":"x"}`, "Request blocked by Auth db", "containers/items/create] on resource [/dbs/shop/colls/orders]", "ActivityId: ")
	if no.header.Get("x-ms-substatus") != "5301" {
		t.Errorf("%v", no.header)
	}
	r.expect(403, "DELETE", docs+"/o1", "", "items/delete]")
	r.expect(403, "PUT", docs+"/o1", `{"id":"o1"}`, "items/replace]")
	part.expect(201, "POST", docs, `{"id":"p"}`)
	part.expect(201, "POST", shopHost+"/dbs/shop/colls/bills/docs", `{"id":"p"}`)
	part.expect(403, "GET", docs+"/p", "", "items/read]")
	w.expect(403, "POST", shopHost+"/dbs/shop/colls/bills/docs", `{"id":"p"}`)
	// Roles of Azure do not reach items.
	for _, who := range []string{"nobody", "owner"} {
		cosmosClient(c[who]).expect(403, "GET", docs+"/o1", "", "items/read]")
	}
	cosmosClient(c["operator"]).expect(200, "GET", docs+"/o1", "")
	// What no token of Entra ID can do.
	if r := w.expect(403, "POST", shopHost+"/dbs", `{"id":"x"}`, "[POST /dbs] cannot be authorized by AAD token in data plane"); r.header.Get("x-ms-substatus") != "5300" {
		t.Errorf("%v", r.header)
	}
	w.expect(204, "DELETE", docs+"/o1", "")
	w.expect(404, "DELETE", docs+"/o1", "", "NotFound")
	if r := r.expect(404, "GET", shopHost+"/dbs/shop/colls/none/docs/x", ""); r.header.Get("x-ms-substatus") != "1003" {
		t.Errorf("%v", r.header)
	}
	c["reader"].with("Authorization", "type=aad&ver=1.0&sig="+c["reader"].token).expect(400, "GET", docs+"/o2", "", "PartitionKey value must be supplied")
	w.expect(400, "GET", shopHost+"/dbs/shop/sprocs/x", "", "The lab has no GET")
	w.expect(400, "GET", shopHost+"/dbs/shop/colls/%20/docs/a/b", "", "The lab has no GET")
	// Tokens.
	c["reader"].expect(401, "GET", docs+"/o2", "", "Required Header authorization is missing") // Bearer is not its form
	c["reader"].with("Authorization", "type%3Dmaster%26ver%3D1.0%26sig%3Dx").expect(401, "GET", docs+"/o2", "", "Local Authorization is disabled")
	c["reader"].with("Authorization", "type=aad&ver=1.0&sig=x").expect(401, "GET", docs+"/o2", "", "can't serve the request")
	r.expect(403, "GET", "https://shut.documents.azure.com/dbs/shop", "", `"code":"Forbidden"`, "firewall settings")
	r.expect(404, "GET", "https://none.documents.azure.com/", "", "The lab has no account")
}

func TestKeyValues(t *testing.T) {
	s := start(t, parse(t, planesTenant), Options{Outside: true})
	c := planes(t, s, confHost)
	w, r := c["writer"], c["reader"]
	r.expect(200, "GET", confHost+"/kv/colour"+v1+"&label=dark", "", `"value":"lab value of colour"`, `"label":"dark"`)
	r.expect(404, "GET", confHost+"/kv/colour"+v1, "")
	tag := w.expect(200, "PUT", confHost+"/kv/size"+v1, `{"value":"L","content_type":"text/plain","tags":{"a":"b"}}`, `"value":"L"`, `"label":null`, `"tags":{"a":"b"}`).header.Get("ETag")
	r.with("If-None-Match", tag).expect(304, "GET", confHost+"/kv/size"+v1, "")
	r.expect(200, "HEAD", confHost+"/kv/size"+v1, "")
	w.with("If-Match", `"x"`).expect(412, "PUT", confHost+"/kv/size"+v1, `{"value":"M"}`)
	w.with("If-Match", `"x"`).expect(412, "PUT", confHost+"/kv/none"+v1, `{"value":"M"}`)
	w.with("If-Match", `"x"`).expect(412, "DELETE", confHost+"/kv/none"+v1, "")
	w.with("If-None-Match", "*").expect(412, "PUT", confHost+"/kv/size"+v1, `{"value":"M"}`)
	w.with("If-Match", tag).expect(200, "PUT", confHost+"/kv/size"+v1, `{"value":"M"}`)
	w.expect(400, "PUT", confHost+"/kv/size"+v1, `{`, "invalid-argument")
	w.expect(200, "PUT", confHost+"/kv/a%2Fb"+v1+"&label=x", `{"value":"1"}`, `"key":"a/b"`)
	keys := func(query string, want ...string) {
		t.Helper()
		list, _ := r.expect(200, "GET", confHost+"/kv"+v1+query, "").body["items"].([]any)
		var got []string
		for _, v := range list {
			o, _ := v.(map[string]any)
			got = append(got, fmt.Sprint(o["key"]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	keys("", "a/b", "colour", "size")
	keys("&key=*&label=%00", "size")
	keys("&key=co*,size", "colour", "size")
	keys("&label=x,dark", "a/b", "colour")
	w.expect(200, "DELETE", confHost+"/kv/size"+v1, "", `"value":"M"`)
	w.expect(204, "DELETE", confHost+"/kv/size"+v1, "")
	// A refusal says nothing.
	for _, who := range []string{"nobody", "owner"} {
		if no := c[who].expect(403, "GET", confHost+"/kv"+v1, ""); no.text != "" {
			t.Errorf("%q", no.text)
		}
	}
	r.expect(403, "PUT", confHost+"/kv/x"+v1, `{}`)
	r.expect(403, "DELETE", confHost+"/kv/x"+v1, "")
	w.expect(400, "GET", confHost+"/kv", "", "API version is not specified")
	w.expect(404, "GET", confHost+"/labels"+v1, "", "The lab has no GET")
	w.expect(404, "PUT", confHost+"/kv"+v1, "{}", "The lab has no PUT")
	w.expect(403, "GET", "https://off.azconfig.io/kv"+v1, "", "Public access is disabled")
	w.expect(404, "GET", "https://none.azconfig.io/kv"+v1, "", "The lab has no store")
	stranger := dataCaller(t, s, dataReader, blobAud)
	if no := stranger.expect(401, "GET", confHost+"/kv"+v1, ""); !strings.Contains(no.header.Get("WWW-Authenticate"), "Authorization token failed validation") {
		t.Errorf("%v", no.header)
	}
	stranger.token = ""
	if no := stranger.expect(401, "GET", confHost+"/kv"+v1, ""); no.header.Get("WWW-Authenticate") != "HMAC-SHA256, Bearer" {
		t.Errorf("%v", no.header)
	}
}

func TestModels(t *testing.T) {
	s := start(t, parse(t, planesTenant), Options{Outside: true})
	c := planes(t, s, "https://cognitiveservices.azure.com")
	r, v := c["reader"], "?api-version=2024-10-21"
	for _, who := range []string{"reader", "part", "operator"} {
		c[who].expect(200, "POST", gptHost+"d/chat/completions"+v, `{"messages":[]}`, "The lab has no model.")
	}
	r.expect(200, "POST", gptHost+"d/completions"+v, `{"prompt":"x"}`, "text_completion")
	r.expect(200, "POST", gptHost+"d/embeddings"+v, `{"input":"x"}`, "embedding")
	r.expect(200, "POST", "https://gpt.cognitiveservices.azure.com/openai/deployments/d/embeddings"+v, `{"input":"x"}`, "embedding")
	r.expect(400, "POST", gptHost+"d/chat/completions"+v, `{}`, "'messages' is a required property")
	r.expect(400, "POST", gptHost+"d/embeddings"+v, `{`, "'input' is a required property")
	r.expect(404, "POST", gptHost+"none/chat/completions"+v, `{}`, "DeploymentNotFound")
	for _, who := range []string{"writer", "owner"} { // Owner has no data action
		c[who].expect(401, "POST", gptHost+"d/chat/completions"+v, `{}`, `"code":"PermissionDenied"`, "lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action`")
		c[who].expect(401, "POST", gptHost+"none/chat/completions"+v, `{}`, "PermissionDenied")
	}
	c["part"].expect(401, "POST", gptHost+"none/chat/completions"+v, `{}`, "PermissionDenied")
	r.expect(404, "GET", gptHost+"d/chat/completions"+v, "", "Resource not found")
	r.expect(404, "POST", gptHost+"d/paint"+v, "", "Resource not found")
	r.expect(403, "POST", "https://far.openai.azure.com/openai/deployments/d/embeddings"+v, "{}", "Virtual Network/Firewall rules")
	r.expect(403, "POST", "https://near.openai.azure.com/openai/deployments/d/embeddings"+v, "{}", "Public access is disabled")
	r.expect(404, "POST", "https://none.openai.azure.com/openai/deployments/d/embeddings"+v, "{}", "The lab has no account")
	dataCaller(t, s, dataReader, blobAud).expect(401, "POST", gptHost+"d/embeddings"+v, "{}", "audience is incorrect")
}

// What happens in these services is read back from the logs as the use of rights.
func TestPlaneLogs(t *testing.T) {
	dir := t.TempDir()
	clock := NewClock(time.Date(2026, 11, 20, 12, 34, 56, 0, time.UTC))
	s := start(t, parse(t, planesTenant), Options{Now: clock.Now, Logs: dir})
	id := func(client string) string { return string(s.view().account(client).id) }
	tables, items, conf := planes(t, s, blobAud), planes(t, s, shopHost), planes(t, s, confHost)
	tables["writer"].expect(201, "POST", tableHost+"/log", `{"PartitionKey":"p","RowKey":"r"}`)
	tables["reader"].expect(200, "GET", tableHost+"/log()", "")
	tables["reader"].with("If-Match", "*").expect(403, "DELETE", tableHost+"/log(PartitionKey='p',RowKey='r')", "")
	tables["writer"].expect(501, "GET", tableHost+"/log?$filter=x", "")
	cosmosClient(items["writer"]).expect(201, "POST", docs, `{"id":"o1"}`)
	cosmosClient(items["reader"]).expect(200, "GET", docs+"/o1", "")
	cosmosClient(items["reader"]).expect(200, "GET", shopHost+"/dbs/shop", "")
	cosmosClient(items["nobody"]).expect(403, "DELETE", docs+"/o1", "")
	cosmosClient(items["writer"]).expect(403, "POST", shopHost+"/dbs", "{}") // no operation of anybody's
	conf["writer"].expect(200, "PUT", confHost+"/kv/a"+v1, `{"value":"x"}`)
	conf["nobody"].expect(403, "GET", confHost+"/kv/a"+v1, "")
	conf["nobody"].expect(404, "GET", confHost+"/labels"+v1, "")

	got := entries(t, dir)
	f := func(path string, wants ...string) {
		t.Helper()
		path = strings.Replace(path, "AT", "resourceId="+strings.ToUpper(planesAt), 1) + "/y=2026/m=11/d=20/h=12/m=00/PT1H.json"
		var lines []string
		for _, e := range got[path] {
			lines = append(lines, said(e)+" by "+string(e.Assignment))
		}
		if !slices.Equal(lines, wants) {
			t.Errorf("%s:\n%s\nwant\n%s", path, strings.Join(lines, "\n"), strings.Join(wants, "\n"))
		}
		delete(got, path)
	}
	w, r, n := id(dataWriter), id(dataReader), id(dataNobody)
	lower := strings.ToLower(planesAt)
	log := lower + "microsoft.storage/storageaccounts/files/tableservices/default/tables/log"
	const entity = "Microsoft.Storage/storageAccounts/tableServices/tables/entities/"
	const item = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/"
	assigned := func(who string) string {
		for i := range s.view().world.snap.RoleAssignments {
			if a := &s.view().world.snap.RoleAssignments[i]; string(a.Principal) == who && strings.Contains(string(a.Scope.Key()), "storageaccounts") {
				return s.view().world.assignmentID(a).Name()
			}
		}
		return ""
	}
	own := func(who string) string {
		for i := range s.view().world.snap.LocalGrants {
			if g := &s.view().world.snap.LocalGrants[i]; string(g.Principal) == who {
				return s.view().world.cosmosGrantID(g).Name()
			}
		}
		return ""
	}
	f("insights-logs-storagewrite/ATMICROSOFT.STORAGE/STORAGEACCOUNTS/FILES/TABLESERVICES/DEFAULT",
		"storage "+w+" InsertEntity "+entity+"add/action at "+log+": granted by "+assigned(w))
	f("insights-logs-storageread/ATMICROSOFT.STORAGE/STORAGEACCOUNTS/FILES/TABLESERVICES/DEFAULT",
		"storage "+r+" QueryEntities "+entity+"read at "+log+": granted by "+assigned(r),
		"storage "+w+" QueryEntities "+entity+"read at "+log+": undecided by "+assigned(w)) // refused for its filter
	f("insights-logs-storagedelete/ATMICROSOFT.STORAGE/STORAGEACCOUNTS/FILES/TABLESERVICES/DEFAULT",
		"storage "+r+" DeleteEntity "+entity+"delete at "+log+": refused by ")
	account := lower + "microsoft.documentdb/databaseaccounts/db"
	f("insights-logs-dataplanerequests/ATMICROSOFT.DOCUMENTDB/DATABASEACCOUNTS/DB",
		"cosmos-db "+w+" Create "+item+"create at "+account+"/dbs/shop/colls/orders: granted by "+own(w),
		"cosmos-db "+r+" Read "+item+"read at "+account+"/dbs/shop/colls/orders: granted by "+own(r),
		"cosmos-db "+r+" Read Microsoft.DocumentDB/databaseAccounts/readMetadata at "+account+"/dbs/shop: granted by "+own(r),
		"cosmos-db "+n+" Delete "+item+"delete at "+account+"/dbs/shop/colls/orders: refused by ")
	store := lower + "microsoft.appconfiguration/configurationstores/conf"
	f("insights-logs-httprequest/ATMICROSOFT.APPCONFIGURATION/CONFIGURATIONSTORES/CONF",
		"app-configuration "+w+" PUT https://conf.azconfig.io/kv/a"+v1+" Microsoft.AppConfiguration/configurationStores/keyValues/write at "+store+": granted by ",
		"app-configuration "+n+" GET https://conf.azconfig.io/kv/a"+v1+" Microsoft.AppConfiguration/configurationStores/keyValues/read at "+store+": refused by ")
	for path := range got {
		t.Errorf("nobody asked for %s", path)
	}
}

// What is deleted through Resource Manager is gone from the service.
func TestPlanesDeleted(t *testing.T) {
	s := start(t, parse(t, planesTenant), Options{})
	op := newClient(t, s, OperatorID)
	tables, items, conf := planes(t, s, blobAud)["operator"], cosmosClient(planes(t, s, shopHost)["operator"]), planes(t, s, confHost)["operator"]
	tables.expect(201, "POST", tableHost+"/log", `{"PartitionKey":"p","RowKey":"r"}`)
	items.expect(201, "POST", docs, `{"id":"o1"}`)
	conf.expect(200, "PUT", confHost+"/kv/a"+v1, `{"value":"x"}`)
	op.expect(200, "DELETE", planesAt+"Microsoft.Storage/storageAccounts/files/tableServices/default/tables/log"+wv, "")
	op.expect(200, "DELETE", planesAt+"Microsoft.DocumentDB/databaseAccounts/db/sqlDatabases/shop/containers/orders"+wv, "")
	op.expect(200, "DELETE", planesAt+"Microsoft.AppConfiguration/configurationStores/conf"+wv, "")
	tables.expect(404, "GET", tableHost+"/log()", "", "TableNotFound")
	items.expect(http.StatusNotFound, "GET", docs+"/o1", "")
	conf.expect(404, "GET", confHost+"/kv/a"+v1, "", "The lab has no store")
}
