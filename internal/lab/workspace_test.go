// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet/internal/lab/kql"
)

const workspaceTenant = `tenant t id=bbbbbbbb-0000-4000-8000-000000000001
subscription main id=11111111-0000-4000-8000-000000000001
rg ops in=main
resource Microsoft.OperationalInsights/workspaces logs in=ops .customerId=90000000-0000-4000-8000-00000000000A
resource /subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/ops/providers/Microsoft.Kusto/clusters/adx/databases/audit
identity reader in=ops principal=33333333-0000-4000-8000-000000000001 client=44444444-0000-4000-8000-000000000001
identity nobody in=ops principal=33333333-0000-4000-8000-000000000002 client=44444444-0000-4000-8000-000000000002
assign reader "Log Analytics Reader" ops
`

// exportedFiles are entries in their containers.
var exportedFiles = map[string]string{
	"insights-activity-logs/resourceId=/S/y=2026/m=11/d=02/h=08/m=00/PT1H.json":   `{"time":"2026-11-02T08:00:00Z","resourceId":"/SUBSCRIPTIONS/1/X","operationName":"A/B","category":"Administrative","resultType":"Failure","resultSignature":"Failed.Forbidden","correlationId":"c","identity":{"authorization":{"action":"a/b","scope":"/s"},"claims":{"appid":"a","http://schemas.microsoft.com/identity/claims/objectidentifier":"p"}},"properties":{"statusCode":"Forbidden"}}` + "\n",
	"insights-logs-auditevent/resourceId=/K/y=2026/m=11/d=02/h=08/m=00/PT1H.json": `{"time":"2026-11-02T08:00:00.5Z","category":"AuditEvent","operationName":"KeyGet","resourceId":"/H","httpStatusCode":200,"requestUri":"u","identity":"{\"claim\":{\"appid\":\"a\"}}","properties":{"isRbacAuthorized":true}}` + "\n",
	"insights-logs-storageread/resourceId=/B/PT1H.json":                           `{"time":"2026-11-02T08:00:00Z","category":"StorageRead","operationName":"GetBlob","resourceId":"/x/blobServices/default","statusCode":200,"identity":{"type":"OAuth","authorization":[{"action":"r"}],"requester":{"objectId":"p"}},"properties":{"objectKey":"/a/b","operationCount":0}}` + "\n" + `{"time":"2026-11-02T08:00:00Z","category":"StorageRead","resourceId":"/x"}` + "\n",
	"insights-logs-other/resourceId=/B/PT1H.json":                                 `{"time":"2026-11-02T08:00:00Z"}` + "\n",
	"insights-logs-storageread/resourceId=/B/README.txt":                          "no log",
}

func exportsFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range exportedFiles {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func logClient(t *testing.T, s *Server, clientID string) *client {
	t.Helper()
	c := newClient(t, s, clientID)
	text, _, err := s.view().issue(s.view().account(clientID), forLogs, s.now(), tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	c.token[forARM] = text
	return c
}

// A workspace and a database answer queries over what was exported.
func TestWorkspace(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	s := start(t, parse(t, workspaceTenant), Options{Now: clock.Now, Logs: exportsFolder(t)})
	reader, nobody := logClient(t, s, "44444444-0000-4000-8000-000000000001"), logClient(t, s, "44444444-0000-4000-8000-000000000002")
	const at = "/v1/workspaces/90000000-0000-4000-8000-00000000000a/query"
	ask := func(query string) string { return `{"query":"` + query + `"}` }
	for query, want := range map[string]string{
		"AzureActivity | project TimeGenerated, ActivitySubstatusValue, x = tostring(Claims_d.appid), Caller, _ResourceId": `"rows":[["2026-11-02T08:00:00.0000000Z","Forbidden","a","p","/subscriptions/1/x"]]`,
		"AZKVAuditLogs | project x = tostring(Identity.claim.appid), HttpStatusCode, IsRbacAuthorized, RequestUri":         `"rows":[["a",200,true,"u"]]`,
		"StorageBlobLogs | project RequesterObjectId, StatusCode, ObjectKey, OperationCount":                               `"rows":[["p","200","/a/b",0]]`,
		"StorageQueueLogs | count": `"rows":[[0]]`,
	} {
		reader.expect(200, "POST", at, ask(query), want, `"name":"PrimaryResult"`)
	}
	nobody.expect(403, "POST", at, ask("AzureActivity | count"), "InsufficientAccessError")
	reader.expect(404, "POST", "/v1/workspaces/90000000-0000-4000-8000-00000000000b/query", ask("AzureActivity | count"), "WorkspaceNotFoundError")
	reader.expect(404, "POST", "/v1/apps/x/query", ask("x"), "PathNotFoundError")
	reader.expect(405, "GET", at, "", "MethodNotAllowed")
	reader.expect(400, "POST", at, "{", "BadArgumentError")
	reader.expect(400, "POST", at, ask("NoTable | count"), "SEM0100", "there is no table")
	reader.expect(400, "POST", at, ask("AzureActivity | dance"), "SYN0002")
	stranger := newClient(t, s, "44444444-0000-4000-8000-000000000001")
	stranger.expect(401, "POST", at, ask("x"), "InvalidTokenError")

	const adx = "/v2/rest/query"
	database := func(query string) string { return `{"db":"audit","csl":"` + query + `"}` }
	reader.expect(200, "POST", adx, database("AzureActivity | count"), `"TableKind":"PrimaryResult"`, `"Rows":[[1]]`, `"HasErrors":false`)
	nobody.expect(403, "POST", adx, database("AzureActivity | count"), "is not authorized to access database")
	reader.expect(403, "POST", adx, `{"db":"none","csl":"AzureActivity"}`, "'none'")
	reader.expect(400, "POST", adx, database("NoTable | count"), "SEM0100")

	// Too many rows: half of them come, and an error.
	if err := s.AddFault(Fault{Kind: FaultLimit, API: APILogs}); err != nil {
		t.Fatal(err)
	}
	reader.expect(200, "POST", at, ask("AzureActivity | project Caller"), `"rows":[]`, "PartialError", "E_QUERY_RESULT_SET_TOO_LARGE")
	reader.expect(200, "POST", adx, database("AzureActivity | project Caller"), `"Rows":[]`, `"HasErrors":true`, "E_QUERY_RESULT_SET_TOO_LARGE")
}

// A folder that cannot be read is no empty table.
func TestExportsThatCannotBeRead(t *testing.T) {
	if e, err := readExports(""); err != nil || e.table("azureactivity").Len() != 0 {
		t.Error(err)
	}
	if _, err := readExports(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there was read")
	}
	dir := exportsFolder(t)
	if err := os.WriteFile(filepath.Join(dir, "insights-activity-logs", "x.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readExports(dir); err == nil || !strings.Contains(err.Error(), "x.json") {
		t.Error(err)
	}
	s := start(t, parse(t, workspaceTenant), Options{Logs: dir})
	reader := logClient(t, s, "44444444-0000-4000-8000-000000000001")
	reader.expect(500, "POST", "/v1/workspaces/90000000-0000-4000-8000-00000000000a/query", `{"query":"AzureActivity"}`, "reading the logs of the lab")
}

func TestReadColumns(t *testing.T) {
	for text, want := range map[string]string{"a\tb\n": "line 1 has 2 fields", "# x\na\tb\tmoney\n": `line 2: "money" is no type`} {
		if c, err := readColumns(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, c, err)
		}
	}
	if c, err := TableColumns(); err != nil || len(c) != 13 {
		t.Errorf("%d tables, %v", len(c), err)
	}
}

func TestTyped(t *testing.T) {
	for _, c := range []struct {
		typ       kql.Type
		v, expect any
	}{
		{kql.String, nil, ""},
		{kql.String, int64(5), "5"},
		{kql.String, "x", "x"},
		{kql.String, map[string]any{"a": true}, `{"a":true}`},
		{kql.Long, "200", int64(200)},
		{kql.Long, int64(7), int64(7)},
		{kql.Long, "x", nil},
		{kql.Long, nil, nil},
		{kql.Real, int64(1), 1.0},
		{kql.Real, "1.5", 1.5},
		{kql.Real, "x", nil},
		{kql.Bool, true, true},
		{kql.Bool, "true", nil},
		{kql.Dynamic, "x", "x"},
		{kql.Datetime, "2026-11-02T08:00:00+01:00", "2026-11-02T07:00:00.0000000Z"},
		{kql.Datetime, "x", nil},
	} {
		if got := typed(c.typ, c.v); got != c.expect {
			t.Errorf("%v as %s: %v, expected %v", c.v, c.typ, got, c.expect)
		}
	}
}
