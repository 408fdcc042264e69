// SPDX-License-Identifier: Apache-2.0

package tenants

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

func openCatalog(t *testing.T) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// read parses a scenario; every role in it must be declared or built in.
func read(t *testing.T, cat *catalog.Catalog, name string, text []byte) *mivet.Snapshot {
	t.Helper()
	s, err := tenant.Parse(name, bytes.NewReader(text), tenant.Options{Role: func(role string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(role); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The scenarios are texts without gaps, whose access tests hold.
func TestScenarios(t *testing.T) {
	cat := openCatalog(t)
	f := func(name string, text []byte) {
		t.Helper()
		if !tenant.Is(text[:min(len(text), 4096)]) {
			t.Errorf("%s is not recognised", name)
		}
		s := read(t, cat, name, text)
		if len(s.Gaps) > 0 || len(s.AccessTests) == 0 {
			t.Errorf("%s has %d gaps and %d access tests", name, len(s.Gaps), len(s.AccessTests))
		}
		e := authz.New(s, authz.Options{Catalog: cat})
		for _, q := range s.AccessTests {
			want := authz.Denied
			if q.Allowed {
				want = authz.Allowed
			}
			if _, known := cat.FindOperation(q.Operation); !known {
				t.Errorf("%s: Azure has no operation %s", q.Source, q.Operation)
			}
			d := e.Check(authz.Request{Principal: q.Principal, Operation: q.Operation, Plane: q.Plane, Resource: q.Resource})
			if d.Effect != want {
				t.Errorf("%s: %s (%s), want %s", q.Source, d.Effect, d.Cause, want)
			}
		}
	}
	f(Demo())
	f(FirstSteps())
	f(Quiet())
	f(VaultMove())
}

func scan(t *testing.T, name string, text []byte) []mivet.Finding {
	t.Helper()
	cat := openCatalog(t)
	s := read(t, cat, name, text)
	res, err := vet.Run(s, rules.All(), vet.Options{Catalog: cat, Now: s.TakenAt})
	if err != nil {
		t.Fatal(err)
	}
	var found []mivet.Finding
	for _, r := range res.Rules {
		if r.Err != nil || len(r.Undecided) > 0 {
			t.Errorf("%s: %v, %v", r.Rule.ID, r.Err, r.Undecided)
		}
		found = append(found, r.Findings...)
	}
	return found
}

// The demo says that mivet is silent about what it does not call a mistake.
func TestDemoFindingsAreMistakes(t *testing.T) {
	name, text := Demo()
	mistake := map[int]bool{}
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		inside = line != "" && (inside || strings.HasPrefix(line, "# Mistake "))
		mistake[i+1] = inside
	}
	found := scan(t, name, text)
	for _, f := range found {
		if !mistake[f.Source.Line] {
			t.Errorf("%s: %s, which the story does not call a mistake", f.Source, f.Message)
		}
	}
	if len(found) == 0 {
		t.Error("nothing was found")
	}
}

func TestQuietIsQuiet(t *testing.T) {
	for _, f := range scan(t, "quiet.tenant", []byte(quiet)) {
		t.Errorf("%s: %s", f.Source, f.Message)
	}
}

// The rules keep nothing between runs: several scans may run at once, of one snapshot and
// with one catalogue. Run with -race.
func TestScansAtOnce(t *testing.T) {
	cat := openCatalog(t)
	name, text := Demo()
	s := read(t, cat, name, text)
	want := findings(t, cat, s)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if got := findings(t, cat, s); !slices.Equal(got, want) {
				t.Errorf("a scan beside others finds\n%q\nalone\n%q", got, want)
			}
		})
	}
	all.Wait()
}

func findings(t *testing.T, cat *catalog.Catalog, s *mivet.Snapshot) []string {
	t.Helper()
	res, err := vet.Run(s, rules.All(), vet.Options{Catalog: cat, Now: s.TakenAt})
	if err != nil {
		t.Error(err)
		return nil
	}
	var out []string
	for _, r := range res.Rules {
		for i := range r.Findings {
			out = append(out, r.Findings[i].Fingerprint+" "+r.Findings[i].Message)
		}
	}
	return out
}

// The demo numbers its mistakes, has every part of the story, and can be read in one go.
func TestDemoStory(t *testing.T) {
	name, text := Demo()
	found := regexp.MustCompile(`(?m)^# Mistake (\d+):`).FindAllStringSubmatch(string(text), -1)
	for i, m := range found {
		if m[1] != fmt.Sprint(i+1) {
			t.Errorf("mistake %s is the %d. one", m[1], i+1)
		}
	}
	if len(found) < 12 {
		t.Errorf("%d mistakes", len(found))
	}
	if len(text) > 18<<10 {
		t.Errorf("%d bytes are too much to read", len(text))
	}
	s := read(t, openCatalog(t), name, text)
	types := map[string]bool{}
	for i := range s.Resources {
		types[strings.ToLower(s.Resources[i].ID.Type())] = true
	}
	for _, want := range []string{
		"Microsoft.Web/sites", "Microsoft.Web/sites/slots", "Microsoft.Compute/virtualMachineScaleSets", "Microsoft.ContainerService/managedClusters",
		"Microsoft.App/containerApps", "Microsoft.KeyVault/vaults", "Microsoft.Storage/storageAccounts", "Microsoft.ServiceBus/namespaces",
		"Microsoft.CognitiveServices/accounts", "Microsoft.Sql/servers", "Microsoft.DocumentDB/databaseAccounts", "Microsoft.ContainerRegistry/registries",
		"Microsoft.Automation/automationAccounts",
	} {
		if !types[strings.ToLower(want)] {
			t.Errorf("the shop has no %s", want)
		}
	}
	if len(s.DenyAssignments)*len(s.AccessPolicies)*len(s.LocalGrants)*len(s.PathACLs)*len(s.FederatedCredentials)*len(s.Memberships)*len(s.Locks) == 0 {
		t.Error("a kind of fact is missing")
	}
}

// A caller may change what it is given.
func TestTextsAreCopies(t *testing.T) {
	_, one := Demo()
	one[0] = 'x'
	if _, two := Demo(); two[0] == 'x' {
		t.Error("changed")
	}
}

// TestDemoLogs: each file of the demo's logs holds entries of the log that its name says.
func TestDemoLogs(t *testing.T) {
	want := map[string]string{
		"insights-activity-logs.json": "activity", "insights-logs-auditevent.json": "key-vault",
		"insights-logs-storageread.json": "storage", "insights-logs-storagewrite.json": "storage",
	}
	for _, f := range DemoLogs() {
		r, err := logs.NewReader(bytes.NewReader(f.Text))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for e, err := r.Next(); !errors.Is(err, io.EOF); e, err = r.Next() {
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if n++; e.Log.String() != want[f.Name] {
				t.Errorf("%s:%d: an entry of %s", f.Name, n, e.Log)
			}
		}
		if n == 0 {
			t.Errorf("%s is empty", f.Name)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
