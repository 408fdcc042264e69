// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/kusto"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/usage"
)

func TestParseLogPlace(t *testing.T) {
	const id = "90000000-0000-4000-8000-00000000000A"
	for text, want := range map[string]collect.LogPlace{
		id:                                    {Workspace: strings.ToLower(id)},
		"https://adx.example:8080/db/":        {Cluster: "https://adx.example:8080", Database: "db"},
		"https://help.kusto.windows.net/d%20": {Cluster: "https://help.kusto.windows.net", Database: "d "},
	} {
		got, err := collect.ParseLogPlace(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := collect.ParseLogPlace(strings.ReplaceAll(got.String(), " ", "%20")); err != nil || again != got {
			t.Errorf("%s: again %+v, %v", text, again, err)
		}
	}
	for _, text := range []string{"", "moon", "https://adx", "https://adx/", "https://adx/a/b", "http://adx/db", "https://eva@adx/db", "https://adx/db?x=1", "https://adx/db#x", "https:///db", id + "0"} {
		if got, err := collect.ParseLogPlace(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// service stands for Log Analytics or Data Explorer: it answers by the table that a query
// begins with. An answer that begins with a status has it.
type service struct {
	mu      sync.Mutex
	asked   []string
	prefer  string
	days    map[string]string
	answers map[string]func(query string) (int, string)
}

const noRows = `{"tables":[{"name":"PrimaryResult","columns":[{"name":"Day"},{"name":"Entries"}],"rows":[]}]}`

func (s *service) Do(req *http.Request) (*http.Response, error) {
	var q struct{ Query, CSL, Timespan string }
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	query := q.Query + q.CSL
	table, _, _ := strings.Cut(query, "\n")
	if from, to, ok := strings.Cut(q.Timespan, "/"); q.Query != "" && (!ok || !strings.Contains(query, ">= datetime("+from+") and TimeGenerated < datetime("+to+")")) {
		return nil, fmt.Errorf("the span %q is not that of the query", q.Timespan)
	}
	s.mu.Lock()
	s.asked, s.prefer = append(s.asked, query), req.Header.Get("Prefer")
	s.mu.Unlock()
	status, text := http.StatusOK, noRows
	switch {
	case strings.Contains(query, "Day = startofday(TimeGenerated)") && !strings.Contains(query, "distinct"):
		if rows := s.days[table]; rows != "" {
			text = strings.Replace(noRows, `"rows":[]`, `"rows":`+rows, 1)
		}
		if a := s.answers[table+" days"]; a != nil {
			status, text = a(query)
		}
	case s.answers[table] != nil:
		status, text = s.answers[table](query)
	}
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	if _, err := w.WriteString(text); err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

var twoDays = usage.DayOf(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))

func queryService(t *testing.T, s *service, place collect.LogPlace, l *usage.Ledger) (*collect.LogReport, error) {
	t.Helper()
	r, err := redact.New(redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := collect.FindCloud(t.Context(), "public", nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &collect.Config{Cloud: cloud, Credential: fixedToken{}, Redactor: r, Version: "test", Now: time.Now, Transport: s, RetryDelay: time.Millisecond}
	return collect.QueryLogs(t.Context(), o, &collect.LogQuery{Place: place, First: twoDays, Last: twoDays + 1, Ledger: l})
}

var ofWorkspace = collect.LogPlace{Workspace: "90000000-0000-4000-8000-000000000001"}

// graphGroups answers for Graph, whose query has the fewest columns.
func graphGroups(entries string) string {
	return `{"tables":[{"name":"PrimaryResult","columns":[{"name":"Day"},{"name":"_ResourceId"},{"name":"Entries"},{"name":"First"},{"name":"Last"}],"rows":[["2026-11-02T00:00:00Z","/tenants/t",` +
		entries + `,"2026-11-02T08:00:00Z","2026-11-02T09:00:00Z"]]}]}`
}

const graphLog = "MicrosoftGraphActivityLogs"

// A day that is too much for one answer is asked for in parts of hours; tables that are not
// there are told.
func TestQueryLogsInParts(t *testing.T) {
	tooLarge := strings.Replace(graphGroups("1"), `{"tables"`, `{"error":{"code":"PartialError","message":"E_QUERY_RESULT_SET_TOO_LARGE"},"tables"`, 1)
	absent := func(string) (int, string) {
		return 400, `{"error":{"code":"BadArgumentError","message":"m","innererror":{"code":"SemanticError","message":"s","innererror":{"code":"SEM0100","message":"'where' operator: Failed to resolve table or column expression named 'AACHttpRequest'"}}}}`
	}
	for name, refuse := range map[string]func() (int, string){
		"cut":   func() (int, string) { return 200, tooLarge },
		"slow":  func() (int, string) { return 504, `{"error":{"code":"GatewayTimeout","message":"too slow"}}` },
		"large": func() (int, string) { return 200, graphGroups("1") + strings.Repeat(" ", 65<<20) },
	} {
		s := &service{days: map[string]string{graphLog: `[["2026-11-02T00:00:00Z",4]]`}}
		s.answers = map[string]func(string) (int, string){
			"AACHttpRequest days": absent,
			graphLog: func(query string) (int, string) {
				if strings.Contains(query, "datetime(2026-11-02T00:00:00Z) and TimeGenerated < datetime(2026-11-03") || strings.Contains(query, "datetime(2026-11-02T12:00:00Z) and TimeGenerated < datetime(2026-11-03") && name == "cut" {
					return refuse()
				}
				return 200, graphGroups("1")
			},
		}
		l := usage.NewLedger()
		r, err := queryService(t, s, ofWorkspace, l)
		if err != nil {
			t.Fatal(name, err)
		}
		want := int64(2)
		if name == "cut" {
			want = 3
		}
		if r.Entries != want || r.Days != 1 || len(r.Absent) != 1 || r.Absent[0] != "AACHttpRequest" || l.Total().Entries != want {
			t.Errorf("%s: %+v", name, r)
		}
		if s.prefer != "wait=100" {
			t.Errorf("%s: Prefer: %q", name, s.prefer)
		}
	}
}

// What is not answered is an error, and what was answered stays.
func TestQueryLogsFaults(t *testing.T) {
	partial := func(string) (int, string) {
		return 200, strings.Replace(noRows, `{"tables"`, `{"error":{"code":"PartialError","message":"out of memory"},"tables"`, 1)
	}
	answer := func(status int, text string) func(string) (int, string) {
		return func(string) (int, string) { return status, text }
	}
	for name, c := range map[string]struct {
		answers map[string]func(string) (int, string)
		want    string
	}{
		"forbidden":       {map[string]func(string) (int, string){"AzureActivity days": answer(403, `{"error":{"code":"InsufficientAccessError","message":"insufficient access"}}`)}, "reading logs of the workspace: InsufficientAccessError insufficient access (403"},
		"days are cut":    {map[string]func(string) (int, string){"AzureActivity days": partial}, "asking how many entries AzureActivity has: PartialError out of memory"},
		"no days":         {map[string]func(string) (int, string){"AzureActivity days": answer(200, graphGroups(`"x"`))}, "is no number"},
		"no answer":       {map[string]func(string) (int, string){"AzureActivity days": answer(200, `{}`)}, "no answer to a query"},
		"an hour is cut":  {map[string]func(string) (int, string){graphLog: partial}, "reading MicrosoftGraphActivityLogs from 2026-11-02T00:00:00Z to 2026-11-02T01:00:00Z: PartialError out of memory"},
		"a group is none": {map[string]func(string) (int, string){graphLog: answer(200, graphGroups(`-1`))}, "is no number of entries"},
		"a bad request":   {map[string]func(string) (int, string){graphLog: answer(400, `{"error":{"code":"BadArgumentError","message":"no"}}`)}, "BadArgumentError no"},
		"a web page":      {map[string]func(string) (int, string){graphLog: answer(200, `<html>`)}, "no JSON"},
	} {
		s := &service{answers: c.answers}
		if c.answers[graphLog] != nil {
			s.days = map[string]string{graphLog: `[["2026-11-02T00:00:00Z",4]]`}
		}
		l := usage.NewLedger()
		_, err := queryService(t, s, ofWorkspace, l)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", name, err, c.want)
		}
		if n := len(l.Parts()); n != 0 {
			t.Errorf("%s: %d days were kept", name, n)
		}
	}
}

func TestQueryDataExplorer(t *testing.T) {
	s := &service{answers: map[string]func(string) (int, string){"AzureActivity days": func(string) (int, string) {
		return 403, `{"error":{"code":"Forbidden","message":"Caller is not authorized","@message":"Principal 'x' is not authorized to access database 'db'."}}`
	}}}
	_, err := queryService(t, s, collect.LogPlace{Cluster: "https://adx", Database: "db"}, usage.NewLedger())
	var f *collect.RequestError
	if !errors.As(err, &f) || !f.Forbidden() || !strings.Contains(f.Message, "not authorized to access database") {
		t.Error(err)
	}
	if n := len(s.asked); n == 0 || n > len(kusto.Tables()) {
		t.Errorf("%d queries", n)
	}
	if s.prefer != "" {
		t.Error("Data Explorer is told what to prefer")
	}
}

func TestQueryLogsOfNoCloud(t *testing.T) {
	o := &collect.Config{Credential: fixedToken{}, Now: time.Now, Cloud: collect.Cloud{Name: "own"}}
	if _, err := collect.QueryLogs(t.Context(), o, &collect.LogQuery{Place: ofWorkspace}); err == nil || !strings.Contains(err.Error(), "does not say where Log Analytics is") {
		t.Error(err)
	}
	o.Cloud.Logs, o.Credential = "https://logs", fixedToken{errors.New("no password")}
	if _, err := collect.QueryLogs(t.Context(), o, &collect.LogQuery{Place: ofWorkspace}); err == nil || !strings.Contains(err.Error(), "signing in: no password") {
		t.Error(err)
	}
}

// fixedToken is a credential without a service behind it.
type fixedToken struct{ err error }

func (f fixedToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, f.err
}
