// SPDX-License-Identifier: Apache-2.0

package kusto

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// Answers as both services write them.
const (
	tables = `{"tables":[{"name":"PrimaryResult","columns":[{"name":"Day","type":"datetime"},{"name":"Entries","type":"long"}],"rows":[["2026-11-02T00:00:00Z",3],["2026-11-03T00:00:00Z",4]]}]}`
	frames = `[{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"},
{"FrameType":"DataTable","TableId":0,"TableKind":"QueryProperties","TableName":"@ExtendedProperties","Columns":[{"ColumnName":"Key","ColumnType":"string"}],"Rows":[["x"]]},
{"FrameType":"DataTable","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":[{"ColumnName":"Day","ColumnType":"datetime"},{"ColumnName":"Entries","ColumnType":"long"}],"Rows":[["2026-11-02T00:00:00Z",3],["2026-11-03T00:00:00Z",4]]},
{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}]`
)

func TestReadAnswer(t *testing.T) {
	for name, text := range map[string]string{"Log Analytics": tables, "Data Explorer": frames} {
		a, err := ReadAnswer([]byte(text))
		if err != nil {
			t.Fatal(name, err)
		}
		days, err := Days(a)
		if err != nil {
			t.Fatal(name, err)
		}
		day := usage.DayOf(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
		if diff := cmp.Diff(map[usage.Day]int64{day: 3, day + 1: 4}, days); diff != "" || a.Partial != "" {
			t.Errorf("%s: %q (-want +got):\n%s", name, a.Partial, diff)
		}
	}
}

// What is not all there is says so.
func TestPartial(t *testing.T) {
	const error1 = `{"code":"PartialError","message":"There were some errors","details":[{"code":"EngineError","message":"Something went wrong","innererror":{"code":"-2133196797","message":"E_QUERY_RESULT_SET_TOO_LARGE"}}]}`
	for name, c := range map[string]struct{ text, want string }{
		"error beside the table":   {strings.Replace(tables, `{"tables"`, `{"error":`+error1+`,"tables"`, 1), "-2133196797 E_QUERY_RESULT_SET_TOO_LARGE"},
		"error without details":    {strings.Replace(tables, `{"tables"`, `{"error":{"code":"PartialError","message":"some"},"tables"`, 1), "PartialError some"},
		"error at the end":         {strings.Replace(frames, `"HasErrors":false,`, `"HasErrors":true,"OneApiErrors":[{"error":{"code":"LimitsExceeded","message":"m","@message":"too many"}}],`, 1), "LimitsExceeded too many"},
		"error without a word":     {strings.Replace(frames, `"HasErrors":false,`, `"HasErrors":true,`, 1), "did not come to its end"},
		"cancelled":                {strings.Replace(frames, `"Cancelled":false`, `"Cancelled":true`, 1), "did not come to its end"},
		"error in place of a row":  {strings.Replace(frames, `["2026-11-03T00:00:00Z",4]`, `{"OneApiErrors":[{"error":{"code":"LimitsExceeded","@message":"too large"}}]}`, 1), "LimitsExceeded too large"},
		"the end is missing":       {strings.Replace(frames, `"DataSetCompletion"`, `"Progress"`, 1), "has no end"},
		"error before the missing": {strings.Replace(strings.Replace(frames, `"DataSetCompletion"`, `"Progress"`, 1), `["2026-11-03T00:00:00Z",4]`, `{"OneApiErrors":[]}`, 1), "did not come to its end"},
	} {
		a, err := ReadAnswer([]byte(c.text))
		if err != nil || !strings.Contains(a.Partial, c.want) {
			t.Errorf("%s: %v, %+v", name, err, a)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	for _, text := range []string{
		"", "{}", "[]", "[1]", `{"tables":[{"name":"Other","columns":[],"rows":[]}]}`, "<html>", `{"tables":1}`,
		`[{"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[],"Rows":[1]},{"FrameType":"DataSetCompletion"}]`,
		`[{"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[],"Rows":[{"OneApiErrors":1}]},{"FrameType":"DataSetCompletion"}]`,
		strings.Replace(tables, `,3]`, `]`, 1), strings.Replace(frames, `,3]`, `,3,4]`, 1),
	} {
		if a, err := ReadAnswer([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, a)
		}
	}
	if _, err := ReadAnswer([]byte("{}")); !errors.Is(err, ErrNoAnswer) {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"": "", "{}": "", "[": "",
		`{"error":{"code":"A","message":"b"}}`: "A b",
		`{"error":{"code":"BadArgumentError","message":"m","innererror":{"code":"SemanticError","message":"n","innererror":{"code":"SEM0100","message":"no table"}}}}`: "SEM0100 no table",
	} {
		if got := ReadError([]byte(text)); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
	for text, want := range map[string]bool{"SEM0100 x": true, "Failed to resolve table or column": true, "Forbidden": false} {
		if NoTable(text) != want {
			t.Errorf("%s: no table: %v", text, !want)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(tables))
	f.Add([]byte(frames))
	f.Add([]byte(`{"error":{"code":"A","innererror":{"code":"B"}},"tables":[{"name":"PrimaryResult"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = ReadError(text) // must not panic
		a, err := ReadAnswer(text)
		if err != nil {
			return
		}
		k, err := NewTaker()
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range Tables()[:2] {
			if err := k.Take(&table, a); err == nil && len(a.Rows) == 0 && k.entries > 0 {
				t.Error("entries of no rows")
			}
		}
		_, _ = Days(a) // as above
	})
}

func TestDays(t *testing.T) {
	for _, text := range []string{
		strings.Replace(tables, `"Day"`, `"Night"`, 1), strings.Replace(tables, `"2026-11-02T00:00:00Z"`, `"yesterday"`, 1), strings.Replace(tables, `,3]`, `,-3]`, 1),
		strings.Replace(tables, `,3]`, `,"3"]`, 1),
	} {
		a, err := ReadAnswer([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if days, err := Days(a); err == nil {
			t.Errorf("%s: %v", text, days)
		}
	}
}

// tableNamed returns a table.
func tableNamed(t *testing.T, name string) *Table {
	t.Helper()
	for _, k := range Tables() {
		if k.Name == name {
			return &k
		}
	}
	t.Fatalf("no table %s", name)
	return nil
}

// group makes an answer of one row.
func group(table *Table, n int64, first, last string, values map[string]any) *Answer {
	a := Answer{Columns: []string{"Entries", "First", "Last", "Day"}}
	row := []any{n, first, last, first}
	for _, c := range table.columns {
		a.Columns = append(a.Columns, c.name)
		v := values[c.name]
		if v == nil {
			v = ""
		}
		row = append(row, v)
	}
	var texts []json.RawMessage
	for _, v := range row {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		texts = append(texts, b)
	}
	a.Rows = append(a.Rows, texts)
	return &a
}

const (
	morning, noon = "2026-11-02T08:00:00Z", "2026-11-02T12:00:00.1234567Z"
	vault         = "/subscriptions/1/resourcegroups/s/providers/microsoft.keyvault/vaults/v"
)

func TestTake(t *testing.T) {
	k, err := NewTaker()
	if err != nil {
		t.Fatal(err)
	}
	take := func(table string, n int64, first, last string, values map[string]any) {
		t.Helper()
		if err := k.Take(tableNamed(t, table), group(tableNamed(t, table), n, first, last, values)); err != nil {
			t.Fatal(err)
		}
	}
	get := map[string]any{"OperationName": "SecretGet", "_ResourceId": vault, "Oid": "P", "Object": "https://v.vault.azure.net/secrets/A", "Rbac": "true", "Code": "200", "CallerIpAddress": "1", "Host": "/h"}
	take("AZKVAuditLogs", 3, morning, noon, get)
	take("AZKVAuditLogs", 2, noon, noon, get)
	get["OperationName"] = "Dance"
	take("AZKVAuditLogs", 4, morning, morning, get)
	take("AZMSRunTimeAuditLogs", 2, morning, noon, map[string]any{"ActivityName": "SendMessage", "_ResourceId": "/subscriptions/1/providers/microsoft.servicebus/namespaces/b", "Status": "Success", "AuthType": "AAD", "AuthKey": "40000000-0000-4000-8000-00000000000A", "Count": 10})
	take("AADManagedIdentitySignInLogs", 5, morning, noon, map[string]any{"ServicePrincipalId": "P", "FederatedCredentialId": "f", "_ResourceId": "/tenants/t/providers/Microsoft.aadiam"})
	write := map[string]any{"CorrelationId": "c", "CategoryValue": "Administrative", "Action": "Microsoft.Web/sites/write", "Scope": "/s", "Oid": "P", "ActivityStatusValue": "Start"}
	take("AzureActivity", 1, morning, morning, write)
	write["ActivityStatusValue"], write["StatusCode"] = "Failure", "Forbidden"
	take("AzureActivity", 1, "2026-11-02T08:30:00Z", "2026-11-02T08:30:00Z", write)
	write["ActivityStatusValue"] = "Start"
	take("AzureActivity", 1, "2026-11-02T08:40:00Z", "2026-11-02T08:40:00Z", write)

	l := usage.NewLedger()
	l.Put(&usage.Part{Summary: k.Summary()})
	got := l.Total()
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	day := usage.DayOf(at(morning))
	want := []usage.Fact{
		{App: "40000000-0000-4000-8000-00000000000a", Log: logs.ServiceBus, Action: "Microsoft.ServiceBus/namespaces/messages/send/action", Plane: mivet.PlaneData, Scope: "/subscriptions/1/providers/microsoft.servicebus/namespaces/b", Day: day, Counts: usage.Counts{Granted: 20, First: at(morning), Last: at(noon)}},
		{Principal: "p", Log: logs.Activity, Action: "Microsoft.Web/sites/write", Plane: mivet.PlaneControl, Scope: "/s", Day: day, Counts: usage.Counts{Refused: 1, First: at(morning), Last: at("2026-11-02T08:40:00Z")}},
		{Principal: "p", Log: logs.KeyVault, Action: "Microsoft.KeyVault/vaults/secrets/getSecret/action", Plane: mivet.PlaneData, Scope: vault + "/secrets/a", Day: day, Counts: usage.Counts{Granted: 5, First: at(morning), Last: at(noon)}},
	}
	if diff := cmp.Diff(want, got.Facts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Entries != 3+2+4+2+5+3 {
		t.Errorf("%d entries", got.Entries)
	}
	if n := len(got.Origins); n != 4 {
		t.Errorf("%d origins: %+v", n, got.Origins)
	}
	if n := len(got.Unmapped); n != 2 || got.Unmapped[0].Entries != 4 || got.Unmapped[0].Operation != "Dance" || got.Unmapped[1].Entries != 5 {
		t.Errorf("unmapped %+v", got.Unmapped)
	}
	if n := len(got.Seen); n != 4 || got.Seen[len(got.Seen)-1].Log != logs.SignIn {
		t.Errorf("seen %+v", got.Seen)
	}
}

// Origins beyond the bound are one, which is none of the others.
func TestManyOrigins(t *testing.T) {
	k, err := NewTaker()
	if err != nil {
		t.Fatal(err)
	}
	table := tableNamed(t, "AADManagedIdentitySignInLogs")
	for i := range maxOrigins + 3 {
		if err := k.Take(table, group(table, 1, morning, noon, map[string]any{"ServicePrincipalId": "P", "IPAddress": strings.Repeat("1", i)})); err != nil {
			t.Fatal(err)
		}
	}
	more := 0
	s := k.Summary()
	for _, o := range s.Origins {
		if o.More {
			more += int(o.Undecided)
		}
	}
	if len(s.Origins) != maxOrigins+1 || more != 3 {
		t.Errorf("%d origins, %d are more", len(s.Origins), more)
	}
}

func TestTakeRefuses(t *testing.T) {
	table := tableNamed(t, "StorageBlobLogs")
	good := func() *Answer { return group(table, 1, morning, noon, nil) }
	for name, change := range map[string]func(*Answer){
		"a column is missing":  func(a *Answer) { a.Columns[len(a.Columns)-1] = "x" },
		"no count":             func(a *Answer) { a.Columns[0] = "x" },
		"a count is none":      func(a *Answer) { a.Rows[0][0] = json.RawMessage(`"x"`) },
		"the first is no time": func(a *Answer) { a.Rows[0][1] = json.RawMessage(`1`) },
		"the last is no time":  func(a *Answer) { a.Rows[0][2] = json.RawMessage(`"x"`) },
		"no text":              func(a *Answer) { a.Rows[0][len(a.Rows[0])-3] = json.RawMessage(`1`) },
		"no JSON in a text":    func(a *Answer) { a.Rows[0][len(a.Rows[0])-3] = json.RawMessage(`"{"`) },
	} {
		k, err := NewTaker()
		if err != nil {
			t.Fatal(err)
		}
		a := good()
		change(a)
		if err := k.Take(table, a); err == nil || !strings.Contains(err.Error(), "reading an answer") {
			t.Errorf("%s: %v", name, err)
		}
		if err := k.Take(table, good()); err != nil {
			t.Errorf("%s: a good one: %v", name, err)
		}
	}
}
