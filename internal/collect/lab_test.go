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
	f("principals", len(got.Principals), len(want.Principals))
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

// TestUnlisted reads what carries identities and what says where logs go, and is in no
// table of Resource Graph.
func TestUnlisted(t *testing.T) {
	const text = `tenant small taken=2026-11-20
subscription prod
rg app in prod
ml models in app
resource Microsoft.MachineLearningServices/workspaces/computes trainer id=/subscriptions/prod/resourceGroups/app/providers/Microsoft.MachineLearningServices/workspaces/models/computes/trainer system
keyvault kv in app
resource Microsoft.Insights/diagnosticSettings audit id=/subscriptions/prod/resourceGroups/app/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Insights/diagnosticSettings/audit \
	.workspaceId=/subscriptions/prod/resourceGroups/app/providers/Microsoft.OperationalInsights/workspaces/logs .logs[0].categoryGroup=audit .logs[0].enabled=true
assign trainer Reader at app
`
	want, err := tenant.Parse("small.tenant", strings.NewReader(text), tenant.Options{
		Role: func(string) (mivet.RoleID, bool) { return "acdd72a7-3385-48ef-bd42-f606fba81ae7", true },
	})
	if err != nil {
		t.Fatal(err)
	}
	res, all := collected(t, configFor(t, serve(t, want, lab.Options{}), collect.WithLogs))
	found := map[string]*mivet.Resource{}
	for i := range res.Snapshot.Resources {
		found[res.Snapshot.Resources[i].ID.Name()] = &res.Snapshot.Resources[i]
	}
	trainer, audit := found["trainer"], found["audit"]
	if trainer == nil || trainer.Identity == nil || !trainer.Identity.System || trainer.Identity.SystemPrincipal == "" {
		t.Fatalf("the compute has no identity: %+v", trainer)
	}
	if p := trainer.Identity.SystemPrincipal; len(res.Snapshot.RoleAssignments) != 1 || res.Snapshot.RoleAssignments[0].Principal != p {
		t.Errorf("the grants of %s are %+v", p, res.Snapshot.RoleAssignments)
	}
	if audit == nil {
		t.Fatal("the diagnostic settings of the vault are missing")
	}
	for path, value := range map[string]string{"workspaceId": "/subscriptions/prod/resourceGroups/app/providers/Microsoft.OperationalInsights/workspaces/logs", "logs[0].categoryGroup": "audit", "logs[0].enabled": "true"} {
		if got, _ := audit.Setting(path); got != value {
			t.Errorf("%s is %q, want %q; there are %v", path, got, value, audit.Detail)
		}
	}
	raw := rawForms(t, all)
	for _, r := range []*mivet.Resource{trainer, audit} {
		if !strings.Contains(raw[r.ID.Key()], r.ID.Name()) {
			t.Errorf("the raw form of %s is missing", r.ID)
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
	f := func(fault string, named ...string) {
		t.Helper()
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			parsed, err := lab.ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			srv := serve(t, want, lab.Options{Faults: []lab.Fault{parsed}})
			res, err := collect.Collect(t.Context(), configFor(t, srv))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Close()
			gaps := gapTexts(res.Snapshot)
			for _, gap := range named {
				if !strings.Contains(gaps, gap) {
					t.Errorf("no gap says %q:\n%s", gap, gaps)
				}
			}
			if got := facts(t, res.Snapshot); len(named) == 0 && (got != wanted || gaps != calm) {
				t.Errorf("another result\n%s\n%s", cmp.Diff(wanted, got), cmp.Diff(calm, gaps))
			}
		})
	}
	f("throttle,api=resourcegraph,count=1")
	f("throttle,api=arm,path=/subscriptions/,count=3")
	f("throttle,api=graph,count=1")
	f("error,api=arm,path=/subscriptions/,count=5,status=500")
	f("error,api=resourcegraph,count=2,status=503")
	f("error,api=graph,probability=0.2,seed=7,status=502")
	f("slow,api=arm,path=/subscriptions/,count=3,delay=50ms")
	f("cut,api=resourcegraph,count=2")
	f("cut,api=graph,count=2,delay=-1s")
	f("truncate,api=arm,path=/subscriptions/,count=2")
	f("truncate,api=graph,count=2")
	f("skew,delay=2h,api=arm,path=/locks,count=5", "locks could not be read: the service does not accept the token")
	f("truncate,api=resourcegraph", "Resource Graph cut the result off")
	f("subscription-limit,api=resourcegraph", "more subscriptions than Resource Graph covers")
	f("forbid,path=/subscriptions/shop-test", "deny assignments | /subscriptions/shop-test | deny assignments may not be read",
		"role assignments | /subscriptions/shop-test | Resource Manager lists the subscription and Resource Graph shows nothing of it")
	f("forbid,api=graph,path=/members", "group members |  | group members may not be read")
	f("stale,api=resourcegraph,share=0.3", "Resource Graph is behind: Resource Manager knows", "resources | /subscriptions/shop-prod | Resource Graph is behind, or they were deleted a moment ago: it does not show")
	f("error,api=graph,path=servicePrincipals,status=500", "principals |  | service principals could not be read: the service answers 500")
}

// TestDiagnosis: the operator of the lab reads everything, and one who owns a single
// subscription learns what the directory keeps from him.
func TestDiagnosis(t *testing.T) {
	srv := serve(t, demo(t), lab.Options{})
	d, err := collect.Diagnose(t.Context(), configFor(t, srv, collect.WithSettings))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Missing) != 0 || len(d.Checked) < 20 || d.Effort.Wall == 0 {
		t.Errorf("%+v", d)
	}
	srv = serve(t, demo(t), lab.Options{Faults: []lab.Fault{
		{Kind: lab.FaultForbid, API: lab.APIManagement, Path: "/denyAssignments"},
		{Kind: lab.FaultForbid, API: lab.APIGraph},
		{Kind: lab.FaultForbid, API: lab.APIManagement, Path: "appsettings/list"},
	}})
	d, err = collect.Diagnose(t.Context(), configFor(t, srv, collect.WithSettings))
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]collect.Missing{}
	for _, m := range d.Missing {
		missing[m.What] = m
	}
	if m := missing["deny assignments"]; len(m.Where) != 3 || m.Needs[0] != "Microsoft.Authorization/denyAssignments/read" || !strings.Contains(m.Unknown, "denied") {
		t.Errorf("%+v", m)
	}
	for _, what := range []string{"service principals", "group members", "app settings"} {
		if missing[what].Reason == "" || missing[what].Unknown == "" {
			t.Errorf("%s: %+v", what, missing[what])
		}
	}
}

// TestFor reads what questions about one identity hang on.
func TestFor(t *testing.T) {
	srv := serve(t, demo(t), lab.Options{})
	res, err := collect.For(t.Context(), configFor(t, srv), "orders-worker")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	sent := 0
	for _, c := range res.Effort.Requests {
		sent += c.Sent
	}
	if sent > 20 || len(res.Snapshot.RoleAssignments) == 0 || !strings.Contains(gapTexts(res.Snapshot), "role assignments | /subscriptions/shop-test") {
		t.Errorf("%d requests\n%s", sent, gapTexts(res.Snapshot))
	}
	for _, target := range []string{"nobody", "/", "shop-jobs-not-there"} {
		if _, err := collect.For(t.Context(), configFor(t, srv), target); err == nil {
			t.Errorf("%s was found", target)
		}
	}
	// A principal that is gone: what it still holds can be told.
	gone, err := collect.For(t.Context(), configFor(t, srv), "7d0c2c3e-6f0a-4a6e-9d3c-2f5b8a10c4e1")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if !strings.Contains(facts(t, gone.Snapshot), "assign 7d0c2c3e-6f0a-4a6e-9d3c-2f5b8a10c4e1") {
		t.Error("the grants of a deleted principal are missing")
	}
	// Every try counts: where much goes wrong, the rest is a gap.
	srv = serve(t, demo(t), lab.Options{Faults: []lab.Fault{{Kind: lab.FaultError, API: lab.APIManagement, Path: "/subscriptions/", Status: 500}}})
	poor, err := collect.For(t.Context(), configFor(t, srv), "orders-worker")
	if err != nil {
		t.Fatal(err)
	}
	defer poor.Close()
	if !strings.Contains(gapTexts(poor.Snapshot), "the 20 requests of --for are used up") {
		t.Error(gapTexts(poor.Snapshot))
	}
}

// TestCheckSelf compares the engine with what the lab says of its caller.
func TestCheckSelf(t *testing.T) {
	s := demo(t)
	srv := serve(t, s, lab.Options{})
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	check, err := collect.CheckSelf(t.Context(), configFor(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	c, err := check.Compare(cat)
	if err != nil {
		t.Fatal(err)
	}
	// The operator reads everything without an assignment: that must be noticed.
	if c.Scopes == 0 || c.Compared == 0 || len(c.Differences) == 0 || !c.Differences[0].Azure || c.Differences[0].Case == nil {
		t.Fatalf("%d scopes, %d compared, %d differences", c.Scopes, c.Compared, len(c.Differences))
	}
	for _, d := range c.Differences {
		if strings.Contains(string(d.Case), "shop") || strings.Contains(string(d.Case), lab.OperatorID) {
			t.Errorf("the case names somebody: %s", d.Case)
		}
	}
	// With the grant that it has, the engine agrees.
	for _, sub := range check.Snapshot.Subscriptions {
		check.Snapshot.RoleAssignments = append(check.Snapshot.RoleAssignments, mivet.RoleAssignment{
			Role: "acdd72a7-3385-48ef-bd42-f606fba81ae7", Principal: mivet.PrincipalID(check.Caller.Principal), Scope: sub.ID,
		})
	}
	reader := mivet.Permission{Actions: []string{"*/read"}}
	for i := range check.Reported {
		check.Reported[i].Permissions = []mivet.Permission{reader}
	}
	if c, err = check.Compare(cat); err != nil || len(c.Differences) != 0 || c.Compared == 0 {
		t.Errorf("%v: %d differences of %d", err, len(c.Differences), c.Compared)
	}
	check.Reported[0].Permissions = []mivet.Permission{{Actions: []string{"*"}, Condition: "x"}, {Actions: []string{"\x00"}}}
	if _, err := check.Compare(cat); err == nil {
		t.Error("a pattern that is none was taken")
	}
}
