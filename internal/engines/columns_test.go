// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/kql"
	"github.com/mivet/mivet/kusto"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// rows is a table of made-up rows.
type rows struct {
	columns []kql.Column
	values  [][]any
}

func (r *rows) Columns() []kql.Column     { return r.columns }
func (r *rows) Len() int                  { return len(r.values) }
func (r *rows) Value(row, column int) any { return r.values[row][column] }

const (
	account = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/Data"
	vaultID = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/Kv"
	oidURI  = "http://schemas.microsoft.com/identity/claims/objectidentifier"
)

// pools are the values of columns that decide something, also odd ones. Other texts are
// drawn from a few.
var pools = map[string][]any{
	"CallerIpAddress":        {"", "10.0.0.4", "10.0.0.4:443", "[2001:db8::7]:443", "[2001:db8::7]", "2001:db8::7", "10.0.0.4:x", ":", "a:b:1"},
	"ClientInfo":             {"", "azsdk", "AzureResourceGraph.IngestionWorkerService.x"},
	"HttpStatusCode":         {nil, int64(200), int64(201), int64(401), int64(403), int64(404), int64(500)},
	"ResultSignature":        {"", "OK", "Forbidden", "Not Found", "Odd"},
	"IsRbacAuthorized":       {nil, true, false},
	"IsAccessPolicyMatch":    {nil, nil, true, false},
	"IsAddressAuthorized":    {nil, true, false},
	"Id":                     {"", "https://kv.vault.azure.net/secrets/db/1", "https://kv.vault.azure.net/Secrets/DB", "https://kv.vault.azure.net/keys/k?x=/secrets/y", "https://kv.vault.azure.net/deletedsecrets/db", "https://kv.vault.azure.net/certificates/", "kv"},
	"RequestUri":             {"", "https://kv.vault.azure.net/secrets?api-version=7.4", "https://kv.vault.azure.net/keys/k/1?api-version=7.4", "https://kv.vault.azure.net/certificates/c#x"},
	"Identity":               {nil, map[string]any{"claim": map[string]any{"oid": "P1", "appid": "a1", "xms_mirid": "/h"}}, map[string]any{"claim": map[string]any{oidURI: "p2"}}, map[string]any{"claim": map[string]any{"appid": "a2"}}, map[string]any{"claim": map[string]any{"http_schemas_microsoft_com_identity": map[string]any{"claims": map[string]any{"objectidentifier": "p3"}}}}},
	"AuthenticationType":     {"", "OAuth", "OAuth", "oauth", "Kerberos", "SAS", "AccountKey"},
	"ObjectKey":              {"", "/data", "/data/box", "/data/Box/a/b", `"/data/box/a"`, "https://data.blob.core.windows.net/box/a?sv=1", "https://other.blob.core.windows.net/box/a", "https://data.blob.core.windows.net/box?x=/y", "box", "/", "//"},
	"RequesterObjectId":      {"", "P1", "p1", "p2"},
	"AuthorizationDetails":   {nil, []any{}, []any{map[string]any{"action": "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "roleAssignmentId": "r"}}, []any{map[string]any{"action": "A/b"}, map[string]any{"action": "C/d"}}, []any{map[string]any{"denyAssignmentId": "d"}}},
	"CategoryValue":          {"Administrative", "Policy", "ServiceHealth", "Security"},
	"OperationNameValue":     {"", "Microsoft.Web/sites/write", "MICROSOFT.WEB/SITES/WRITE", "Update web site"},
	"ActivityStatusValue":    {"", "Start", "Started", "Accept", "Success", "Succeeded", "Failure", "Failed"},
	"ActivitySubstatusValue": {"", "Forbidden", "Conflict (HTTP Status Code: 409)", "OK (HTTP Status Code: 200)", "Failed.Conflict"},
	"Authorization_d":        {nil, map[string]any{"action": "Microsoft.Web/sites/write", "scope": "/subscriptions/1/resourceGroups/Shop"}, map[string]any{"action": "Microsoft.Web/sites/write", "scope": "/"}, map[string]any{"scope": "/subscriptions/1"}},
	"Claims_d":               {nil, map[string]any{oidURI: "P1", "appid": "a1", "xms_mirid": "/h"}, map[string]any{"oid": "p2"}, map[string]any{"oid": "p2", oidURI: "p3"}},
	"Properties_d":           {nil, map[string]any{"statusCode": "Forbidden"}, map[string]any{"statusCode": "Conflict", "entity": "/subscriptions/1/x"}, map[string]any{"statusMessage": `{"error":{"code":"AuthorizationFailed"}}`}, map[string]any{"statusMessage": "authorizationfailed"}},
	"Caller":                 {"", "eva@example.com", "30000000-0000-4000-8000-000000000001"},
	"StatusCode":             {"", "200", "403", "404", "500"},
	"ActivityName":           {"SendMessage", "ReceiveMessage", "ConnectionOpen", "Authorization", "Odd"},
	"AuthType":               {"", "AAD", "Azure Active Directory", "SAS"},
	"AuthKey":                {"", "40000000-0000-4000-8000-000000000001", "RootKey"},
	"Status":                 {"", "Success", "Failure"},
	"Provider":               {"", "SERVICEBUS", "EVENTHUB"},
	"Count":                  {nil, int64(0), int64(1), int64(30)},
	"HitCount":               {nil, int64(1), int64(7)},
	"Method":                 {"", "GET", "PUT"},
	"RequestURI":             {"", "https://c.azconfig.io/kv/a?x=1", "/kv/a", "kv", "https://c.azconfig.io", "https://c.azconfig.io/dance/a"},
	"RequestResourceType":    {"", "Document", "Collection"},
}

// operations by table, known and unknown ones.
var operations = map[string][]any{
	"AZKVAuditLogs":   {"SecretGet", "secretget", "SecretList", "KeySign", "CertificateGet", "VaultGet", "Authentication", "SecretNearExpiryEventGridNotification", "Dance"},
	"StorageBlobLogs": {"GetBlob", "PutBlob", "ListContainers", "Dance"}, "StorageQueueLogs": {"PutMessage", "PeekMessages", "Dance"},
	"StorageTableLogs": {"QueryEntities", "Dance"}, "StorageFileLogs": {"GetFile", "Dance"}, "CDBDataPlaneRequests": {"Query", "Upsert", "Dance"},
}

// resources by table.
var resources = map[string][]any{
	"AZKVAuditLogs":   {vaultID, "", "/subscriptions/1/resourceGroups/shop/providers/Microsoft.KeyVault/managedHSMs/hsm"},
	"StorageBlobLogs": {account + "/blobServices/default", account, account + "/blobServices/default/"}, "StorageQueueLogs": {account + "/queueServices/default", account},
	"StorageTableLogs": {account + "/tableServices/default", account}, "StorageFileLogs": {account + "/fileServices/default", account},
	"AZMSRunTimeAuditLogs": {"/subscriptions/1/providers/Microsoft.ServiceBus/namespaces/bus", "/subscriptions/1/providers/Microsoft.EventHub/namespaces/hub", ""},
	"CDBDataPlaneRequests": {"/subscriptions/1/providers/Microsoft.DocumentDB/databaseAccounts/db"},
	"AACHttpRequest":       {"/subscriptions/1/providers/Microsoft.AppConfiguration/configurationStores/c"},
	"AzureActivity":        {"", "/subscriptions/1/resourceGroups/Shop/providers/Microsoft.Web/sites/a"},
}

// texts are the values of all other texts.
var texts = []any{"", "x", "Y"}

// made makes a row of a table. Entries of one call have one caller, and are of one hour.
func made(r *rand.Rand, table string, columns []kql.Column, n int) []any {
	at := time.Date(2026, 11, 2+n%2, r.IntN(24), r.IntN(60), 0, r.IntN(1e7)*100, time.UTC)
	call := r.IntN(20)
	values := make([]any, len(columns))
	for i, c := range columns {
		pool := pools[c.Name]
		switch c.Name {
		case "OperationName":
			pool = operations[table]
		case "_ResourceId":
			pool = resources[table]
		}
		if pool == nil && c.Type == kql.String {
			pool = texts
		}
		if len(pool) > 0 {
			values[i] = pool[r.IntN(len(pool))]
		}
		switch c.Name {
		case "TimeGenerated":
			values[i] = at.Format("2006-01-02T15:04:05.0000000Z")
		case "EventDataId", "ActivityId", "RequestId", "Id":
			if c.Name != "Id" || table != "AZKVAuditLogs" {
				values[i] = fmt.Sprint(n)
			}
		case "CorrelationId":
			values[i] = fmt.Sprint(n)
			if table == "AzureActivity" {
				values[i] = fmt.Sprintf("%d at %s", call, at.Format("02T15"))
			}
		case "Claims_d":
			values[i] = pool[call%len(pool)]
		case "Caller":
			values[i] = pool[call/4%len(pool)]
		case "Type":
			values[i] = table
		case "Category":
			switch {
			case table == "AACHttpRequest":
				values[i] = "HttpRequest"
			case strings.HasPrefix(table, "Storage"):
				values[i] = "StorageRead"
			default:
				values[i] = strings.TrimPrefix(table, "AAD")
			}
		case "Authorization", "Claims", "Properties", "HTTPRequest", "OperationId":
			values[i] = any(nil)
			if c.Type == kql.String {
				values[i] = ""
			}
		}
	}
	return values
}

// What the queries group by is all that package logs reads: groups mean what their entries
// mean one by one, in the form of the table.
func TestColumnsSuffice(t *testing.T) {
	columns, err := lab.TableColumns()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range kusto.Tables() {
		if table.Name == "AzureDiagnostics" {
			continue // its columns depend on the workspace
		}
		t.Run(table.Name, func(t *testing.T) {
			const entries = 400
			r := rand.New(rand.NewPCG(1, 2))
			data := &rows{columns: columns[table.Name]}
			for n := range entries {
				data.values = append(data.values, made(r, table.Name, data.columns, n))
			}
			one, all := oneByOne(t, data), grouped(t, &table, data)
			if diff := cmp.Diff(one.Facts, all.Facts, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("facts (-one by one +groups):\n%s", diff)
			}
			if diff := cmp.Diff(one.Origins, all.Origins, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("origins (-one by one +groups):\n%s", diff)
			}
			if all.Entries != entries {
				t.Errorf("%d entries, expected %d", all.Entries, entries)
			}
		})
	}
}

// oneByOne reads rows as entries.
func oneByOne(t *testing.T, data *rows) *usage.Summary {
	t.Helper()
	p, err := logs.NewParser()
	if err != nil {
		t.Fatal(err)
	}
	agg := usage.NewAggregator()
	for _, v := range data.values {
		entry := map[string]any{}
		for i, c := range data.columns {
			if v[i] != nil {
				entry[c.Name] = v[i]
			}
		}
		text, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		e, err := p.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		agg.Add(e)
	}
	l := usage.NewLedger()
	l.Put(&usage.Part{Summary: *agg.Summary()}) // brings it into order
	return l.Total()
}

// grouped runs the query of a table over rows.
func grouped(t *testing.T, table *kusto.Table, data *rows) *usage.Summary {
	t.Helper()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	result, err := kql.Run(table.Query(from, from.AddDate(0, 0, 9)), func(string) kql.Table { return data })
	if err != nil {
		t.Fatal(err)
	}
	var a kusto.Answer
	for _, c := range result.Columns {
		a.Columns = append(a.Columns, c.Name)
	}
	for i := range result.Len() {
		var row []json.RawMessage
		for _, v := range result.Row(i) {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, b)
		}
		a.Rows = append(a.Rows, row)
	}
	k, err := kusto.NewTaker()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Take(table, &a); err != nil {
		t.Fatal(err)
	}
	l := usage.NewLedger()
	l.Put(&usage.Part{Summary: k.Summary()})
	return l.Total()
}
