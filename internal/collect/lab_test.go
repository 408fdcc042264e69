// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
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

// TestDemo reads the demo tenant from a lab: each kind of fact comes back whole.
func TestDemo(t *testing.T) {
	want := demo(t)
	srv := serve(t, want, lab.Options{})
	res, err := collect.Collect(t.Context(), configFor(t, srv, collect.WithSettings, collect.WithLogs))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	got := res.Snapshot
	f := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	f("management groups", len(got.ManagementGroups), len(want.ManagementGroups)+1) // and the root
	f("subscriptions", len(got.Subscriptions), len(want.Subscriptions))
	f("identities", len(got.Identities), len(want.Identities))
	f("principals", len(got.Principals), len(want.Principals)+1) // and Microsoft Graph
	f("members", len(got.Memberships), len(want.Memberships))
	f("role assignments", len(got.RoleAssignments), len(want.RoleAssignments))
	f("deny assignments", len(got.DenyAssignments), len(want.DenyAssignments))
	f("access policies", len(got.AccessPolicies), len(want.AccessPolicies))
	f("local grants", len(got.LocalGrants), len(want.LocalGrants))
	f("application permissions", len(got.AppRoles), len(want.AppRoles))
	f("directory roles", len(got.DirectoryRoles), len(want.DirectoryRoles))
	f("locks", len(got.Locks), len(want.Locks))
	if res.Caller.Tenant != srv.TenantID() || got.TenantID != srv.TenantID() || got.TakenAt.IsZero() {
		t.Errorf("caller %+v, tenant %s, taken %s", res.Caller, got.TenantID, got.TakenAt)
	}
	for _, a := range got.RoleAssignments {
		if a.RoleName == "" || a.Source.IsZero() || a.Source.Origin.ReadAt.IsZero() {
			t.Errorf("%+v", a)
		}
	}
	var file bytes.Buffer
	if err := res.Write(&file, "test"); err != nil {
		t.Fatal(err)
	}
	kept, err := snapshot.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Resources {
		if _, ok, err := kept.Properties(got.Resources[i].ID); err != nil || !ok {
			t.Errorf("%s: raw form %v %v", got.Resources[i].ID, ok, err)
		}
	}
}
