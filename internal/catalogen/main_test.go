// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

const testData = "testdata/data"

// made runs the command on the small data folder and reads the result.
func made(t *testing.T) (*catalog.Catalog, string) {
	t.Helper()
	out := t.TempDir()
	if err := run([]string{"-data", testData, "-out", out}); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Read(os.DirFS(out))
	if err != nil {
		t.Fatal(err)
	}
	return c, out
}

func TestRolesComeBack(t *testing.T) {
	c, _ := made(t)
	got := c.Roles()
	for i := range got {
		got[i].Source = mivet.Source{}
	}
	want := []mivet.RoleDefinition{
		{
			ID: "11111111-0000-4000-8000-000000000001", Name: "Till Reader", BuiltIn: true, AssignableScopes: []string{"/"},
			Permissions: []mivet.Permission{{Actions: []string{"Contoso.Shop/tills/read", "Contoso.Shop/shelves/read"}}},
		},
		{
			ID: "22222222-0000-4000-8000-000000000002", Name: "Shelf Keeper", BuiltIn: true, AssignableScopes: []string{"/"},
			Description: "Keeps shelves.\tBack\\slash,\nand a second line.",
			Permissions: []mivet.Permission{
				{Actions: []string{"Contoso.Shop/*/read", "Contoso.Shop/shelves/write "}, NotActions: []string{"Contoso.Shop/tills/read"}},
				{
					DataActions: []string{"Contoso.Shop/shelves/read"}, NotDataActions: []string{"Contoso.Shop/shelves/goods/delete"},
					Condition: "@Resource[Contoso.Shop/shelves:name] StringEquals 'a, b'", ConditionVersion: "2.0",
				},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.Privileged(got[0].ID) || !c.Privileged(got[1].ID) {
		t.Error("privileged is lost")
	}
}

func TestOperationsComeBack(t *testing.T) {
	c, _ := made(t)
	type row struct {
		Name    string
		Plane   mivet.Plane
		Basis   catalog.Basis
		Origins string
	}
	var got []row
	for i := range c.NumOperations() {
		p, b := c.Plane(i)
		got = append(got, row{c.Operation(i).String(), p, b, c.Origins(i).String()})
	}
	want := []row{
		{"Contoso.Shop/shelves/goods/delete", mivet.PlaneData, catalog.BasisPublished, "role"},
		{"contoso.shop/Shelves/read", mivet.PlaneUnknown, catalog.BasisBoth, "role"},
		{"Contoso.Shop/tills/count/action", mivet.PlaneControl, catalog.BasisServed, "REST map, seen"},
		{"Contoso.Shop/tills/delete", mivet.PlaneUnknown, catalog.BasisNone, "privileged list, derived"},
		{"Contoso.Shop/tills/read", mivet.PlaneControl, catalog.BasisPublished, "role, REST map"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRequestsComeBack(t *testing.T) {
	c, _ := made(t)
	f := func(method, path string, want ...string) {
		t.Helper()
		ops, err := c.OperationsOf(method, path)
		if err != nil {
			t.Error(err)
		}
		if !same(ops, want) {
			t.Errorf("%s %s is %v, want %v", method, path, ops, want)
		}
	}
	f("GET", "/subscriptions/s/resourceGroups/g/providers/Contoso.Shop/tills/t", "Contoso.Shop/tills/read")
	f("GET", "/subscriptions/s/resourceGroups/g/providers/Contoso.Shop/tills/t/parts/p", "Contoso.Shop/tills/parts/read")
	f("GET", "/subscriptions/s/resourceGroups/g/providers/Contoso.Shop/marks/m", "Contoso.Shop/labels/read")
	f("GET", "/subscriptions/s/providers/Contoso.Shop/shelves", "Contoso.Shop/racks/read", "Contoso.Shop/shelves/read")
	f("POST", "/subscriptions/s/providers/Contoso.Shop/register", "Contoso.Shop/register/action")
	f("POST", "/subscriptions/s/providers/Contoso.Bank/register", "Contoso.Bank/tenants/register/action")
	if rows, err := requestRows(os.DirFS(testData)); err != nil || len(rows) != 3 {
		t.Errorf("%d exceptions, %v; want the marks, the shelves and one registration: %v", len(rows), err, rows)
	}
}

func TestListsComeBack(t *testing.T) {
	c, _ := made(t)
	tills, _ := c.ResourceType("contoso.shop/tills")
	shelves, _ := c.ResourceType("contoso.shop/shelves")
	bypass := func(action string) *catalog.KeyBypass {
		op, err := arm.ParseOperation(action)
		if err != nil {
			t.Fatal(err)
		}
		return c.KeyBypass(op)
	}
	run := bypass("Contoso.Shop/shelves/run/action")
	f := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	f("tills", tills, catalog.ResourceType{
		Name: "Contoso.Shop/tills", Latest: "2026-01-01-preview", LatestStable: "2025-01-01", Identity: true, System: true,
		IdentityTypes: []string{"None", "SystemAssigned,UserAssigned"}, Functions: []string{"count", "listKeys"},
	})
	f("shelves", shelves, catalog.ResourceType{Name: "Contoso.Shop/Shelves", Latest: "2026-01-01-preview"})
	f("switches", c.AuthSwitches("Contoso.Shop/tills"), []catalog.AuthSwitch{{Property: "properties.a.allow", APIVersion: "2026-01-01-preview"}, {Property: "properties.disableKeys", APIVersion: "2025-01-01"}})
	f("key", bypass("Contoso.Shop/tills/listKeys/action").ClosedBy, &catalog.Closure{Property: "properties.disableKeys", Value: "true"})
	f("run", run.ClosedBy, &catalog.Closure{Resource: "Contoso.Shop/locks", Property: "properties.modes", Value: `"Night"`, Absent: true})
	f("note", run.Note, "by night")
	f("write", bypass("Contoso.Shop/tills/write").ClosedBy, (*catalog.Closure)(nil))
	f("directory roles", c.DirectoryRoles(), []catalog.DirectoryRole{
		{ID: "aaaaaaaa-0000-4000-8000-000000000002", Name: "Guest of the Shop"},
		{ID: "aaaaaaaa-0000-4000-8000-000000000001", Name: "Shop Administrator", Privileged: true, Tier: catalog.TierControl, Categories: []string{"identity", "other"}},
	})
	f("app roles", c.AppRoles(), []catalog.AppRole{
		{API: catalog.GraphAppID, ID: "bbbbbbbb-0000-4000-8000-000000000002", Value: "Till.Open", Name: "Open tills", Disabled: true},
		{API: catalog.GraphAppID, ID: "bbbbbbbb-0000-4000-8000-000000000001", Value: "Till.Read.All", Name: "Read tills", Tier: catalog.TierManagement},
		{API: "cccccccc-0000-4000-8000-000000000001", ID: "bbbbbbbb-0000-4000-8000-000000000001", Value: "Shelf.Read", Tier: catalog.TierUser},
	})
	f("dangerous", c.DangerousAppRoles()[0], catalog.DangerousAppRole{ID: "bbbbbbbb-0000-4000-8000-000000000002", Value: "Till.Open", Name: "Open tills", Control: true, Why: "takes the money"})
	f("local roles", c.HSMRoles()[0].DataActions, []string{"Contoso.Shop/safes/open/action", "Contoso.Shop/safes/read/action"})
	f("framework", c.Frameworks()[2], catalog.Framework{ID: catalog.FrameworkMAESTRO, Name: "CSA MAESTRO", Source: "a post", Controls: []catalog.Control{{ID: "L1", Title: "Layer"}, {ID: "T1", Title: "Threat"}}})
	f("class", c.FindingClass("shop-open"), &catalog.FindingClass{ID: "shop-open", Note: "by night", Controls: []catalog.ControlRef{{Framework: "owasp", ID: "NHI1:2025"}, {Framework: "maestro", ID: "L1"}, {Framework: "maestro", ID: "T1"}}})
	f("successions", c.CSFSuccessions(), []catalog.Succession{{Old: "PR.AC-1", New: []string{"PR.AA-05"}}, {Old: "PR.AC-4", New: []string{"PR.AA-05"}, Confirmed: true}})
}

func TestSameDataSameBytes(t *testing.T) {
	_, one := made(t)
	_, two := made(t)
	files, err := filepath.Glob(filepath.Join(one, "*"))
	if err != nil || len(files) != len(tables)+1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		a, errA := os.ReadFile(file)
		b, errB := os.ReadFile(filepath.Join(two, filepath.Base(file)))
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s differs from run to run", filepath.Base(file))
		}
	}
}

// The committed tables carry the sources that stand here: nobody changed one alone.
func TestSourcesAreThoseOfTheCommittedTables(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string][]catalog.TableSource{}, map[string][]catalog.TableSource{}
	for _, table := range c.Tables() {
		got[table.Name] = table.Sources
	}
	for _, table := range tables {
		want[table.name] = table.sources
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run catalogen again (-sources.go +committed):\n%s", diff)
	}
}

func TestBadData(t *testing.T) {
	f := func(file, old, text string, want ...string) {
		t.Helper()
		data := fstest.MapFS{}
		err := fs.WalkDir(os.DirFS(testData), ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(filepath.Join(testData, p))
			data[p] = &fstest.MapFile{Data: b}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		before := string(data[file].Data)
		after := strings.ReplaceAll(before, old, text)
		if before == after {
			t.Fatalf("%s does not hold %q", file, old)
		}
		data[file].Data = []byte(after)
		err = generate(data, t.TempDir(), tables)
		if err == nil {
			t.Fatalf("%s with %q is taken", file, text)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
	}
	f(rolesFile, `"isPrivileged"`, `"isPrivileged2"`, "table roles", rolesFile, "isPrivileged2")
	f(rolesFile, "Contoso.Shop/*/read", "a,b", "Shelf Keeper", `"a,b"`)
	f(operationsFile, "isDataAction", "dataAction", operationsFile, "line 1")
	f(operationsFile, "\t?\tsynth", "\tx\tsynth", operationsFile, "line 7")
	f(operationsFile, "synth", "hearsay", operationsFile, "line 7", "hearsay")
	f(restFile, "Contoso.Shop/racks/read", "a,b", "request-exceptions", "a,b")
	f("resource-types.json", "count", "", "functions of Contoso.Shop/tills")
	f("resource-types.json", "None", "a|b", "identity types of Contoso.Shop/tills")
	f("key-bypass.json", `"value": true`, `"value": true, "valueWithout": 1`, "closedBy of Contoso.Shop/tills/listKeys/action")
	f("managed-hsm-roles.json", "Contoso.Shop/safes/read/action", "", "Safe Opener")
	f("frameworks.json", "owaspNhi2025", "owaspNhi2026", "owaspNhi2026")
	f("frameworks.json", `"maestro": ["L1", "T1"]`, `"mastero": ["L1"]`, "shop-open", "mastero")
	f("frameworks.json", `"layers": [["L1", "Layer"]]`, `"layers": 1`, "frameworks.json", "maestro")
	f("frameworks.json", `"PR.AC-1": ["PR.AA-05"]`, `"PR.AC-1": 1`, "PR.AC-1")
	for _, file := range []string{"auth-switch-properties.json", "entra-directory-roles.json", "graph-app-roles.json", "app-role-tiers.json", "graph-dangerous-app-roles.json"} {
		f(file, `": `, `" `, file, "byte")
	}
}

func TestCheckRequestsSeesADifference(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkRequests(c, os.DirFS(testData)); err == nil || !strings.Contains(err.Error(), "the map") {
		t.Errorf("the committed catalogue passes for one of other data: %v", err)
	}
}

func TestArguments(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run(%q) = %v, want %q", args, err, want)
		}
	}
	f("give -data DIR")
	f("give -data DIR", "-data", testData)
	f("give -data DIR", "-data", testData, "-out", t.TempDir(), "more")
	f("no such file", "-data", t.TempDir(), "-out", t.TempDir())
	f("no such file", "-data", testData, "-out", filepath.Join(t.TempDir(), "none"))
}
