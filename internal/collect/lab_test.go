// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// facts writes what was collected as text, without times and requests: two collections of
// one tenant give the same.
func facts(t testing.TB, s *mivet.Snapshot) string {
	t.Helper()
	plain := *s
	plain.TakenAt, plain.Gaps, plain.RoleDefinitions = time.Time{}, nil, nil
	for i := range s.RoleDefinitions {
		if !s.RoleDefinitions[i].BuiltIn {
			plain.RoleDefinitions = append(plain.RoleDefinitions, s.RoleDefinitions[i])
		}
	}
	var b strings.Builder
	if err := tenant.Write(&b, &plain); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gapTexts(s *mivet.Snapshot) string {
	var b strings.Builder
	for _, g := range s.Gaps {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", g.Facts, g.Scope, g.Reason, g.Permission)
	}
	return b.String()
}

// TestFaults: with each fault of the lab the same facts come out, or a gap says what is
// missing.
func TestFaults(t *testing.T) {
	want := demo(t)
	clean := serve(t, want, lab.Options{})
	res, err := collect.Collect(t.Context(), configFor(t, clean))
	if err != nil {
		t.Fatal(err)
	}
	wanted, calm := facts(t, res.Snapshot), gapTexts(res.Snapshot)
	if err := res.Close(); err != nil {
		t.Fatal(err)
	}
	f := func(fault, gap string) {
		t.Helper()
		parsed, err := lab.ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		srv := serve(t, want, lab.Options{Faults: []lab.Fault{parsed}})
		res, err := collect.Collect(t.Context(), configFor(t, srv))
		if err != nil {
			t.Fatalf("%s: %v", fault, err)
		}
		defer res.Close()
		t.Log(fault, res.Effort.Wall)
		got, gaps := facts(t, res.Snapshot), gapTexts(res.Snapshot)
		switch {
		case gap == "" && (got != wanted || gaps != calm):
			t.Errorf("%s: another result\n%s\n%s", fault, cmp.Diff(wanted, got), cmp.Diff(calm, gaps))
		case gap != "" && !strings.Contains(gaps, gap):
			t.Errorf("%s: no gap says %q:\n%s", fault, gap, gaps)
		}
	}
	f("throttle,api=resourcegraph,count=1", "")
	f("throttle,api=arm,path=/subscriptions/,count=3", "")
	f("throttle,api=graph,count=1", "")
	f("error,api=arm,path=/subscriptions/,count=5,status=500", "")
	f("error,api=resourcegraph,count=2,status=503", "")
	f("error,api=graph,probability=0.2,seed=7,status=502", "")
	f("slow,api=arm,path=/subscriptions/,count=3,delay=50ms", "")
	f("cut,api=resourcegraph,count=2", "")
	f("cut,api=graph,count=2,delay=-1s", "")
	f("truncate,api=arm,path=/subscriptions/,count=2", "")
	f("truncate,api=graph,count=2", "")
	f("skew,delay=2h,api=arm,path=/locks,count=5", "locks could not be read: the service does not accept the token")
	f("truncate,api=resourcegraph", "Resource Graph cut the result off")
	f("subscription-limit,api=resourcegraph", "more subscriptions than Resource Graph covers")
	f("forbid,path=/subscriptions/shop-test", "deny assignments | /subscriptions/shop-test | deny assignments may not be read")
	f("forbid,path=/subscriptions/shop-test", "role assignments | /subscriptions/shop-test | Resource Manager lists the subscription and Resource Graph shows nothing of it")
	f("forbid,api=graph,path=/members", "group members |  | group members may not be read")
	f("stale,api=resourcegraph,share=0.3", "Resource Graph is behind")
	f("error,api=graph,path=servicePrincipals,status=500", "principals |  | service principals could not be read: the service answers 500")
}
