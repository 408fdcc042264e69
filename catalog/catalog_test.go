// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func TestTablesHoldWhatTheManifestSays(t *testing.T) {
	c := open(t)
	controls := 0
	for _, f := range c.Frameworks() {
		controls += len(f.Controls)
	}
	switches := 0
	for _, s := range c.switches {
		switches += len(s)
	}
	read := map[string]int{
		tableRoles: len(c.Roles()), tableOperations: c.NumOperations(), tableRequests: len(c.requests),
		tableTypes: c.NumResourceTypes(), tableSwitches: switches, tableBypasses: len(c.KeyBypasses()),
		tableDirectory: len(c.DirectoryRoles()), tableAppRoles: len(c.AppRoles()), tableDangerous: len(c.DangerousAppRoles()),
		tableHSM: len(c.HSMRoles()), tableFrameworks: controls, tableClasses: len(c.FindingClasses()),
		tableSuccessions: len(c.CSFSuccessions()),
	}
	listed := map[string]int{}
	for _, table := range c.Tables() {
		listed[table.Name] = table.Rows
	}
	if diff := cmp.Diff(listed, read); diff != "" {
		t.Errorf("manifest and tables differ (-manifest +read):\n%s", diff)
	}
	// What the sources of 2026-08-22 hold; renew them with the data.
	want := map[string]int{tableRoles: 928, tableOperations: 17220, tableTypes: 3405, tableBypasses: 168, tableDirectory: 145, tableDangerous: 48, tableHSM: 9, tableClasses: 21}
	for name, n := range want {
		if listed[name] != n {
			t.Errorf("%s has %d rows, want %d", name, listed[name], n)
		}
	}
}

func TestEveryFileIsInTheManifest(t *testing.T) {
	files, err := fs.Glob(embedded, "data/*")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"data/" + ManifestFile}
	for _, table := range open(t).Tables() {
		want = append(want, "data/"+table.File)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("(-manifest +files):\n%s", diff)
	}
}

var pinned = regexp.MustCompile(`^[\w.-]+/[\w.-]+@[0-9a-f]{40} \S`)

func TestSourcesAreDatedAndLicensed(t *testing.T) {
	notice, err := os.ReadFile("../NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range open(t).Tables() {
		if len(table.Sources) == 0 {
			t.Errorf("%s has no source", table.Name)
		}
		for _, s := range table.Sources {
			if s.Date != "" {
				if _, err := time.Parse(time.DateOnly, s.Date); err != nil {
					t.Errorf("%s: %v", table.Name, err)
				}
			}
			switch s.License {
			case "Apache-2.0":
				continue
			case "MIT", "CC-BY-4.0":
			default:
				t.Errorf("%s: license %q", table.Name, s.License)
			}
			if !pinned.MatchString(s.Source) || s.Date == "" || s.Notice == "" {
				t.Errorf("%s: %+v lacks a commit, a date or a notice", table.Name, s)
			}
			repository, _, _ := strings.Cut(s.Source, "@")
			if !strings.Contains(string(notice), repository) || !strings.Contains(string(notice), s.Notice) {
				t.Errorf("NOTICE does not name %s with %q", repository, s.Notice)
			}
		}
	}
}

func TestNoticeNamesWhatIsEmbeddedOnly(t *testing.T) {
	notice, err := os.ReadFile("../NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, table := range open(t).Tables() {
		sources.WriteString(table.Source() + "\n")
	}
	for _, m := range regexp.MustCompile(`[\w-]+/[\w-]+\n`).FindAllString(string(notice), -1) {
		if !strings.Contains(sources.String(), strings.TrimSpace(m)+"@") {
			t.Errorf("NOTICE names %s, from which no table is made", strings.TrimSpace(m))
		}
	}
}

func TestTableInOneLine(t *testing.T) {
	table := Table{Sources: []TableSource{{"a", "2026-01-02", "MIT", "n"}, {"b", "2026-01-01", "MIT", ""}, {"a", "", "CC-BY-4.0", ""}}}
	if table.Date() != "2026-01-02" || table.Source() != "a; b" || table.License() != "MIT AND CC-BY-4.0" {
		t.Errorf("%s, %s, %s", table.Date(), table.Source(), table.License())
	}
	if empty := new(Table); empty.Date() != "" || empty.Source() != "" {
		t.Error("a table without sources has a date or a source")
	}
}

func TestDate(t *testing.T) {
	if got := open(t).Date(); got != "2026-08-22" {
		t.Errorf("Date() = %q", got)
	}
	if got := new(Catalog).Date(); got != "" {
		t.Errorf("Date() of nothing = %q", got)
	}
}

func TestRolesAreWhole(t *testing.T) {
	c := open(t)
	conditions, withConditions, privileged := 0, 0, 0
	for i, r := range c.Roles() {
		if i > 0 && r.ID <= c.Roles()[i-1].ID {
			t.Errorf("%s is out of order", r.ID)
		}
		if r.ID != mivet.NewRoleID(string(r.ID)) || len(r.ID) != 36 {
			t.Errorf("%s is not a GUID in lower case", r.ID)
		}
		if r.Name == "" || !r.BuiltIn || len(r.Permissions) == 0 || r.Source.IsZero() {
			t.Errorf("%s is not whole: %+v", r.ID, r)
		}
		if c.Privileged(r.ID) {
			privileged++
		}
		before := conditions
		for _, p := range r.Permissions {
			for _, pattern := range slices.Concat(p.Actions, p.NotActions, p.DataActions, p.NotDataActions) {
				if _, err := arm.ParsePattern(pattern); err != nil {
					t.Errorf("%s: %v", r.Name, err)
				}
			}
			if (p.Condition == "") != (p.ConditionVersion == "") {
				t.Errorf("%s: condition without version or the reverse", r.Name)
			}
			if p.Condition != "" {
				conditions++
			}
		}
		if conditions > before {
			withConditions++
		}
	}
	if conditions != 31 || withConditions != 29 || privileged != 88 {
		t.Errorf("%d conditions in %d roles, %d privileged; want 31, 29, 88", conditions, withConditions, privileged)
	}
}

func TestRoleLookup(t *testing.T) {
	c := open(t)
	for i := range c.Roles() {
		want := &c.Roles()[i]
		f := func(got *mivet.RoleDefinition, how string) {
			t.Helper()
			if got != want {
				t.Errorf("%s is not found by %s", want.Name, how)
			}
		}
		f(c.Role(want.ID), "ID")
		f(c.Role(mivet.RoleID(strings.ToUpper(string(want.ID)))), "ID in capitals")
		f(c.Role("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/"+want.ID), "ID with a scope")
		f(c.RoleByName(want.Name), "name")
		f(c.RoleByName("  "+strings.ToUpper(want.Name)+"\t"), "name in capitals with blanks")
	}
	if c.Role("") != nil || c.Role("00000000-0000-0000-0000-000000000000") != nil || c.RoleByName("No Such Role") != nil {
		t.Error("found a role that is none")
	}
	if c.Privileged("00000000-0000-0000-0000-000000000000") || !c.Privileged("8E3AF657-A8FF-443C-A75C-2FE8C4BCB635") {
		t.Error("privileged: a role that is none is, or Owner is not")
	}
}

func TestRoleContent(t *testing.T) {
	r := open(t).RoleByName("Key Vault Secrets User")
	want := &mivet.RoleDefinition{
		ID: "4633458b-17de-408a-b874-0445c86b69e6", Name: "Key Vault Secrets User", BuiltIn: true,
		AssignableScopes: []string{"/"},
		Permissions: []mivet.Permission{{DataActions: []string{
			"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
		}}},
	}
	got := *r
	got.Description, got.Source = "", mivet.Source{}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
	if s := r.Source.String(); s != "GET /providers/Microsoft.Authorization/roleDefinitions (built-in roles of 2026-08-22)" {
		t.Errorf("source %q", s)
	}
	several := 0
	for _, r := range open(t).Roles() {
		if len(r.Permissions) > 1 {
			several++
		}
	}
	if several != 16 {
		t.Errorf("%d roles with several permission objects, want 16", several)
	}
}

func TestOperationsParseAndAreFound(t *testing.T) {
	c := open(t)
	placeholders := 0
	for i := range c.NumOperations() {
		op := c.Operation(i)
		if op.IsZero() {
			t.Fatalf("operation %d, %q, does not parse", i, c.operations.names[i])
		}
		if i > 0 && op.Key() <= c.Operation(i-1).Key() {
			t.Errorf("%s is out of order", op)
		}
		if string(op.Key()) != c.operations.keys[i] {
			t.Errorf("key of %s is %q", op, c.operations.keys[i])
		}
		if n, ok := c.FindOperation(parse(t, strings.ToUpper(op.String()))); !ok || n != i {
			t.Errorf("%s in capitals is found at %d, %t", op, n, ok)
		}
		if strings.ContainsAny(op.String(), "{}") {
			placeholders++
		}
	}
	if placeholders != 1 {
		t.Errorf("%d operations with placeholders, want 1", placeholders)
	}
	if _, ok := c.FindOperation(parse(t, "Microsoft.KeyVault/vaults/secrets/getSecret")); ok {
		t.Error("found a part of an operation")
	}
	if _, ok := c.FindOperation(arm.Operation{}); ok {
		t.Error("found the zero operation")
	}
	for _, i := range []int{-1, c.NumOperations()} {
		if p, b := c.Plane(i); !c.Operation(i).IsZero() || p != mivet.PlaneUnknown || b != BasisNone || c.Origins(i) != 0 {
			t.Errorf("number %d names an operation", i)
		}
	}
}

func TestPlanes(t *testing.T) {
	c := open(t)
	f := func(op string, plane mivet.Plane, basis Basis) {
		t.Helper()
		i, ok := c.FindOperation(parse(t, op))
		p, b := c.Plane(i)
		if !ok || p != plane || b != basis {
			t.Errorf("%s: %t, %s, %s", op, ok, p, b)
		}
	}
	f("Microsoft.KeyVault/vaults/secrets/getSecret/action", mivet.PlaneData, BasisPublished)
	f("Microsoft.Storage/storageAccounts/listKeys/action", mivet.PlaneControl, BasisPublished)
	f("Microsoft.ContainerRegistry/registries/pull/read", mivet.PlaneControl, BasisPublished)
	f("Microsoft.Storage/storageAccounts/localUsers/listKeys/action", mivet.PlaneControl, BasisServed)
	f("Microsoft.Experimentation/experimentWorkspaces/read", mivet.PlaneUnknown, BasisBoth)

	type count struct {
		plane mivet.Plane
		basis Basis
	}
	got := map[count]int{}
	for i := range c.NumOperations() {
		p, b := c.Plane(i)
		got[count{p, b}]++
		if c.Origins(i) == 0 {
			t.Errorf("%s comes from nowhere", c.Operation(i))
		}
		if b == BasisServed && !c.Origins(i).Has(OriginREST) {
			t.Errorf("%s is served and not in the map", c.Operation(i))
		}
	}
	want := map[count]int{
		{mivet.PlaneControl, BasisPublished}: 3169, {mivet.PlaneData, BasisPublished}: 875,
		{mivet.PlaneControl, BasisServed}: 7963, {mivet.PlaneUnknown, BasisBoth}: 2, {mivet.PlaneUnknown, BasisNone}: 5211,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A plane that is published agrees with every role that writes the operation out.
func TestPlanesAgreeWithRoles(t *testing.T) {
	c := open(t)
	f := func(r *mivet.RoleDefinition, patterns []string, want mivet.Plane) {
		t.Helper()
		for _, p := range patterns {
			op, err := arm.ParseOperation(p)
			if err != nil {
				continue // a wildcard
			}
			i, ok := c.FindOperation(op)
			plane, basis := c.Plane(i)
			if !ok || basis != BasisBoth && (plane != want || basis != BasisPublished) {
				t.Errorf("%s: %s is found %t, %s, %s", r.Name, p, ok, plane, basis)
			}
		}
	}
	for i := range c.Roles() {
		r := &c.Roles()[i]
		for _, p := range r.Permissions {
			f(r, slices.Concat(p.Actions, p.NotActions), mivet.PlaneControl)
			f(r, slices.Concat(p.DataActions, p.NotDataActions), mivet.PlaneData)
		}
	}
}

func TestWords(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(BasisNone.String()+" "+BasisBoth.String()+" "+BasisServed.String()+" "+BasisPublished.String()+" "+Basis(9).String(), "none both served published invalid")
	f((OriginRole | OriginREST | OriginPrivileged | OriginSeen | OriginDerived).String(), "role, REST map, privileged list, seen, derived")
	f(Origins(0).String(), "")
	f(TierUnknown.String()+"; "+TierControl.String()+"; "+TierUser.String()+"; "+Tier(9).String(), "unknown; control plane (tier 0); user access (tier 2); invalid")
	f(ControlRef{FrameworkCSF, "PR.AA-05"}.String(), "csf:PR.AA-05")
	f((&Closure{Property: "properties.p", Value: "true"}).String(), "properties.p = true")
	f((&Closure{Resource: "A/b", Property: "p", Value: `"x"`, Absent: true}).String(), `A/b p without "x"`)
}
