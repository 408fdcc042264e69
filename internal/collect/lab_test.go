// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/tenant"
)

// demo reads the demo tenant from its text.
func demo(t testing.TB) *mivet.Snapshot {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	name, text := tenants.Demo()
	s, err := tenant.Parse(name, bytes.NewReader(text), tenant.Options{
		Role: func(name string) (mivet.RoleID, bool) {
			r := cat.RoleByName(name)
			if r == nil {
				return "", false
			}
			return r.ID, true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve starts a lab for a snapshot.
func serve(t testing.TB, s *mivet.Snapshot, o lab.Options) *lab.Server {
	t.Helper()
	srv, err := lab.Start(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// configFor is how a collector reaches a lab, signed in as its operator.
func configFor(t testing.TB, srv *lab.Server, with ...collect.Option) *collect.Config {
	t.Helper()
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(client.CloseIdleConnections)
	cloud, err := collect.FindCloud(t.Context(), srv.URL(), client)
	if err != nil {
		t.Fatal(err)
	}
	cloud.Graph = srv.GraphURL()
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
	return &collect.Config{
		Cloud: cloud, Credential: cred, Redactor: r, Version: "test", Now: time.Now, With: with, Transport: client,
		Switches: func(string) []string { return nil }, RetryDelay: time.Millisecond,
	}
}

func TestDemo(t *testing.T) {
	s := demo(t)
	seen := map[string]int{}
	srv := serve(t, s, lab.Options{Observe: func(e lab.Exchange) {
		if e.Status >= 400 {
			seen[fmt.Sprintf("%d %s %s %s", e.Status, e.API, e.Method, e.Path)]++
		}
	}})
	res, err := collect.Collect(context.Background(), configFor(t, srv, collect.Options()...))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	for k, n := range seen {
		t.Log(n, k)
	}
	for _, g := range res.Snapshot.Gaps {
		t.Logf("gap %+v", g)
	}
	t.Logf("%+v", res.Effort)
	got := res.Snapshot
	t.Log(len(s.ManagementGroups), len(got.ManagementGroups), len(s.Subscriptions), len(got.Subscriptions), len(s.Resources), len(got.Resources), len(s.Identities), len(got.Identities), len(s.Principals), len(got.Principals),
		len(s.Memberships), len(got.Memberships), len(s.RoleAssignments), len(got.RoleAssignments), len(s.DenyAssignments), len(got.DenyAssignments))
	var a, b strings.Builder
	strip := *got
	var own []mivet.RoleDefinition
	for _, d := range strip.RoleDefinitions {
		if !d.BuiltIn {
			own = append(own, d)
		}
	}
	strip.RoleDefinitions = own
	if err := tenant.Write(&a, s); err != nil {
		t.Fatal(err)
	}
	if err := tenant.Write(&b, &strip); err != nil {
		t.Fatal(err)
	}
	la, lb := map[string]bool{}, map[string]bool{}
	for l := range strings.Lines(a.String()) {
		la[l] = true
	}
	for l := range strings.Lines(b.String()) {
		lb[l] = true
		if !la[l] {
			t.Log("+", l)
		}
	}
	for l := range strings.Lines(a.String()) {
		if !lb[l] {
			t.Log("-", l)
		}
	}
}
