// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/kusto"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/usage"
)

// A tenant that has nothing but a place for logs, and the place.
const (
	logTenant = `tenant t id=20000000-0000-4000-8000-000000000001
subscription main id=10000000-0000-4000-8000-000000000001
rg ops in=main
resource Microsoft.OperationalInsights/workspaces logs in=ops .customerId=90000000-0000-4000-8000-000000000001
resource Microsoft.Kusto/clusters adx in=ops
resource /subscriptions/10000000-0000-4000-8000-000000000001/resourceGroups/ops/providers/Microsoft.Kusto/clusters/adx/databases/audit
identity reader in=ops principal=30000000-0000-4000-8000-0000000000aa client=40000000-0000-4000-8000-0000000000aa
`
	workspace = "90000000-0000-4000-8000-000000000001"
)

// served starts a lab whose logs are those of a folder.
func served(t *testing.T, dir string) (*lab.Server, *collect.Config) {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Parse("t.txt", bytes.NewReader([]byte(logTenant)), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := lab.Start(s, lab.Options{Catalog: cat, Logs: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(client.CloseIdleConnections)
	cloud, err := collect.FindCloud(t.Context(), srv.URL(), client)
	if err != nil {
		t.Fatal(err)
	}
	login := collect.Login{
		Method: "client-secret", Tenant: srv.TenantID(), ClientID: lab.OperatorID, Transport: client,
		Env: func(name string) string { return map[string]string{"AZURE_CLIENT_SECRET": srv.Secret()}[name] },
	}
	cred, err := login.Credential(cloud)
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return srv, &collect.Config{
		Cloud: cloud, Credential: cred, Redactor: r, Version: "test", Now: func() time.Time { return now }, Transport: client,
		Switches: func(string) []string { return nil }, RetryDelay: time.Millisecond,
	}
}

// elsewhere are lines about logs that no table that is asked holds.
var elsewhere = regexp.MustCompile(`"log":"(unknown|other|operational)"`)

// agreeWithoutRest compares what the tables say with the answer in a file, less what they
// do not hold. Repeated entries do not leave the workspace.
func agreeWithoutRest(t *testing.T, file string, s *usage.Summary) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(text string) []string {
		return slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(l, "entries ") || elsewhere.MatchString(l) })
	}
	if diff := cmp.Diff(keep(string(text)), keep(lines(t, s))); diff != "" {
		t.Errorf("(-the answer +got):\n%s", diff)
	}
}

func places(srv *lab.Server) map[string]collect.LogPlace {
	return map[string]collect.LogPlace{"Log Analytics": {Workspace: workspace}, "Data Explorer": {Cluster: srv.URL(), Database: "audit"}}
}

func query(t *testing.T, o *collect.Config, place collect.LogPlace, l *usage.Ledger) *collect.LogReport {
	t.Helper()
	r, err := collect.QueryLogs(t.Context(), o, &collect.LogQuery{Place: place, First: usage.DayOf(now) - 2, Last: usage.DayOf(now), Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The queries, run over the tables that a workspace makes of the same entries, give the
// answers of the embedded engine; days that got more entries are asked for again.
func TestKusto(t *testing.T) {
	dir := t.TempDir()
	unpack(t, dir, exports)
	srv, o := served(t, dir)
	for name, place := range places(srv) {
		t.Run(name, func(t *testing.T) {
			unpack(t, dir, exports)
			l := usage.NewLedger()
			r := query(t, o, place, l)
			if r.Entries != 79 || r.Unchanged != 0 || len(r.Absent) != 0 {
				t.Errorf("%+v", r)
			}
			agreeWithoutRest(t, golden, l.Total())
			unpack(t, dir, again)
			if r := query(t, o, place, l); r.Days != 1 {
				t.Errorf("read again: %+v", r)
			}
			agreeWithoutRest(t, renewed, l.Total())
		})
	}
}

// Answers that are cut are asked for in parts, and the parts say the same.
func TestKustoParts(t *testing.T) {
	dir := t.TempDir()
	unpack(t, dir, exports)
	srv, o := served(t, dir)
	for name, place := range places(srv) {
		t.Run(name, func(t *testing.T) {
			// The first answers are those to how many entries there are.
			if err := srv.AddFault(lab.Fault{Kind: lab.FaultLimit, API: lab.APILogs, After: len(kusto.Tables()), Count: 4}); err != nil {
				t.Fatal(err)
			}
			l := usage.NewLedger()
			r := query(t, o, place, l)
			if r.Entries != 79 {
				t.Errorf("%+v", r)
			}
			agreeWithoutRest(t, golden, l.Total())
		})
	}
}
