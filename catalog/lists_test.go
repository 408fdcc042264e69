// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func TestKeyBypasses(t *testing.T) {
	c := open(t)
	open, listed := 0, false
	for i := range c.KeyBypasses() {
		b := &c.KeyBypasses()[i]
		if _, ok := c.FindOperation(b.Action); !ok {
			t.Errorf("%s is not a known operation", b.Action)
		}
		if c.KeyBypass(parse(t, strings.ToUpper(b.Action.String()))) != b {
			t.Errorf("%s in capitals is not found", b.Action)
		}
		if b.Service == "" || b.Yields == "" || !strings.Contains(b.ResourceType, "/") {
			t.Errorf("%s is not whole: %+v", b.Action, b)
		}
		switch {
		case b.ClosedBy == nil:
			open++
		case !strings.HasPrefix(b.ClosedBy.Property, "properties.") || b.ClosedBy.Value == "":
			t.Errorf("%s is closed by %+v", b.Action, b.ClosedBy)
		case b.ClosedBy.Absent:
			listed = true
		}
	}
	if open != 90 || !listed {
		t.Errorf("%d bypasses that nothing closes, want 90; one closed by a list: %t", open, listed)
	}
	f := func(action string, kind BypassKind, closed string) {
		t.Helper()
		b := c.KeyBypass(parse(t, action))
		got := ""
		if b != nil && b.ClosedBy != nil {
			got = b.ClosedBy.String()
		}
		if b == nil || b.Kind != kind || got != closed {
			t.Errorf("%s: %+v closed by %q", action, b, got)
		}
	}
	f("microsoft.storage/storageaccounts/listkeys/action", BypassKey, "properties.allowSharedKeyAccess = false")
	f("Microsoft.Batch/batchAccounts/listKeys/action", BypassKey, `properties.allowedAuthenticationModes without "SharedKey"`)
	f("Microsoft.Web/sites/publish/action", BypassCredential, "Microsoft.Web/sites/basicPublishingCredentialsPolicies/{scm|ftp} properties.allow = false")
	f("Microsoft.Cache/redisEnterprise/databases/listKeys/action", BypassKey, `properties.accessKeysAuthentication = "Disabled"`)
	f("Microsoft.Authorization/roleAssignments/write", BypassGrant, "")
	if c.KeyBypass(parse(t, "Microsoft.Storage/storageAccounts/read")) != nil || c.KeyBypass(arm.Operation{}) != nil {
		t.Error("found a bypass that is none")
	}
}

func TestEveryKindOfBypassIsUsed(t *testing.T) {
	used := map[BypassKind]bool{}
	for _, b := range open(t).KeyBypasses() {
		used[b.Kind] = true
	}
	for _, k := range bypassKinds {
		if !used[k] {
			t.Errorf("no bypass is of kind %s", k)
		}
	}
}

func TestAuthSwitches(t *testing.T) {
	c := open(t)
	got := c.AuthSwitches(" Microsoft.Storage/storageAccounts")
	var names []string
	for _, s := range got {
		names = append(names, s.Property)
		if s.APIVersion != "2026-04-01" {
			t.Errorf("%s since %s", s.Property, s.APIVersion)
		}
	}
	want := []string{"properties.allowBlobPublicAccess", "properties.allowSharedKeyAccess", "properties.isLocalUserEnabled", "properties.isSftpEnabled"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if len(c.switches) != 46 || c.AuthSwitches("Microsoft.Storage/none") != nil {
		t.Errorf("%d types with switches, want 46", len(c.switches))
	}
}

func TestResourceTypes(t *testing.T) {
	c := open(t)
	identity, system, user := 0, 0, 0
	for i := range c.types.lines {
		name, _, _ := strings.Cut(c.types.lines[i], "\t")
		rt, ok := c.ResourceType(strings.ToUpper(name))
		if !ok || rt.Name != name || rt.Latest == "" {
			t.Errorf("%s is found %t: %+v", name, ok, rt)
		}
		if (rt.System || rt.User) && !rt.Identity {
			t.Errorf("%s has a kind of identity and no identity", name)
		}
		for _, n := range []struct {
			on bool
			to *int
		}{{rt.Identity, &identity}, {rt.System, &system}, {rt.User, &user}} {
			if n.on {
				*n.to++
			}
		}
	}
	if identity != 339 || system != 323 || user != 284 {
		t.Errorf("%d types with an identity, %d system-assigned, %d user-assigned; want 339, 323, 284", identity, system, user)
	}
	got, _ := c.ResourceType("microsoft.appconfiguration/configurationstores")
	got.Latest, got.LatestStable = "", ""
	want := ResourceType{
		Name: "Microsoft.AppConfiguration/configurationStores", Identity: true, System: true, User: true,
		IdentityTypes: []string{"None", "SystemAssigned", "SystemAssigned,UserAssigned", "UserAssigned"},
		Functions:     got.Functions,
	}
	if diff := cmp.Diff(want, got); diff != "" || !slices.Contains(got.Functions, "listKeys") {
		t.Errorf("functions %v, diff %s", got.Functions, diff)
	}
	if _, ok := c.ResourceType("Microsoft.AppConfiguration"); ok {
		t.Error("found a type that is none")
	}
	if _, ok := new(Catalog).ResourceType("a/b"); ok {
		t.Error("an empty catalogue knows a type")
	}
}

func TestDirectoryRoles(t *testing.T) {
	c := open(t)
	tiers := map[Tier]int{}
	privileged := 0
	for i := range c.DirectoryRoles() {
		r := &c.DirectoryRoles()[i]
		tiers[r.Tier]++
		if r.Privileged {
			privileged++
		}
		if c.DirectoryRole(strings.ToUpper(r.ID)) != r || c.DirectoryRoleByName(" "+strings.ToUpper(r.Name)) != r {
			t.Errorf("%s is not found", r.Name)
		}
	}
	if diff := cmp.Diff(map[Tier]int{TierControl: 67, TierManagement: 70, TierUser: 5, TierUnknown: 3}, tiers); diff != "" || privileged != 35 {
		t.Errorf("%d privileged, want 35; tiers %s", privileged, diff)
	}
	if r := c.DirectoryRole("62e90394-69f5-4237-9190-012177145e10"); r == nil || r.Name != "Global Administrator" || !r.Privileged || r.Tier != TierControl {
		t.Errorf("Global Administrator is %+v", r)
	}
	if c.DirectoryRole("x") != nil || c.DirectoryRoleByName("") != nil {
		t.Error("found a role that is none")
	}
}

func TestAppRoles(t *testing.T) {
	c := open(t)
	type key struct{ api, name string }
	seen := map[key]bool{}
	graph, disabled := 0, 0
	for i := range c.AppRoles() {
		r := &c.AppRoles()[i]
		for _, k := range []key{{r.API, r.ID}, {r.API, strings.ToLower(r.Value)}} {
			if seen[k] {
				t.Errorf("%v is there twice", k)
			}
			seen[k] = true
		}
		if r.API == GraphAppID && r.Name != "" {
			graph++
		}
		if r.Disabled {
			disabled++
		}
		if c.AppRole(strings.ToUpper(r.API), strings.ToUpper(r.ID)) != r || c.AppRoleByValue(r.API, strings.ToUpper(r.Value)) != r {
			t.Errorf("%s of %s is not found", r.Value, r.API)
		}
	}
	if graph != 716 || disabled != 2 {
		t.Errorf("%d permissions of Graph, %d disabled; want 716, 2", graph, disabled)
	}
	if r := c.AppRole(GraphAppID, "06b708a9-e830-4db3-a914-8e69da51d44f"); r == nil || r.Value != "AppRoleAssignment.ReadWrite.All" || r.Tier != TierControl {
		t.Errorf("AppRoleAssignment.ReadWrite.All is %+v", r)
	}
	if c.AppRole("x", "06b708a9-e830-4db3-a914-8e69da51d44f") != nil {
		t.Error("found a permission of an API that is none")
	}
}

func TestDangerousAppRoles(t *testing.T) {
	c := open(t)
	control := 0
	for i, r := range c.DangerousAppRoles() {
		known := c.AppRole(GraphAppID, r.ID)
		if known == nil || known.Value != r.Value || r.Why == "" {
			t.Errorf("%+v is %+v in Graph", r, known)
		}
		if r.Control {
			control++
			if i >= control {
				t.Errorf("%s leads to control and comes after one that does not", r.Value)
			}
		}
	}
	if control != 41 {
		t.Errorf("%d lead to control, want 41", control)
	}
}

func TestHSMRoles(t *testing.T) {
	for _, r := range open(t).HSMRoles() {
		if r.System != mivet.LocalManagedHSM || r.Name == "" || len(r.ID) != 36 || len(r.DataActions) == 0 || r.Source.IsZero() {
			t.Errorf("%+v is not whole", r)
		}
		for _, a := range r.DataActions {
			if _, err := arm.ParseOperation(a); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	}
}

func TestFrameworks(t *testing.T) {
	c := open(t)
	got := map[string]int{}
	for _, f := range c.Frameworks() {
		got[f.ID] = len(f.Controls)
		if f.Name == "" || f.Source == "" {
			t.Errorf("%s has no name or no source", f.ID)
		}
	}
	want := map[string]int{FrameworkOWASP: 10, FrameworkCSF: 21, FrameworkMAESTRO: 15, FrameworkATTACK: 24, FrameworkMCSB: 10, FrameworkCIS: 10}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if control, ok := c.Control(ControlRef{FrameworkOWASP, "NHI5:2025"}); !ok || control.Title != "Overprivileged NHI" {
		t.Errorf("NHI5:2025 is %+v", control)
	}
	for _, ref := range []ControlRef{{FrameworkOWASP, "NHI11:2025"}, {"none", "NHI5:2025"}, {}} {
		if _, ok := c.Control(ref); ok {
			t.Errorf("found %s", ref)
		}
	}
}

func TestFindingClasses(t *testing.T) {
	c := open(t)
	class := c.FindingClass("access-broad-scope")
	if class == nil {
		t.Fatal("access-broad-scope is not there")
	}
	want := []ControlRef{{FrameworkOWASP, "NHI5:2025"}, {FrameworkCSF, "PR.AA-05"}, {FrameworkMAESTRO, "L6"}, {FrameworkMAESTRO, "T3"}, {FrameworkMCSB, "PA-7"}, {FrameworkCIS, "5.3.7"}}
	if diff := cmp.Diff(want, class.Controls); diff != "" {
		t.Error(diff)
	}
	if c.FindingClass("none") != nil || c.FindingClass("logs-missing").Note == "" {
		t.Error("found a class that is none, or lost a note")
	}
	for _, class := range c.FindingClasses() {
		if len(class.Controls) == 0 {
			t.Errorf("%s maps to nothing", class.ID)
		}
	}
	for _, s := range c.CSFSuccessions() {
		if s.Confirmed != (s.Old == "PR.AC-4") || len(s.New) == 0 {
			t.Errorf("%+v", s)
		}
		for _, id := range s.New {
			if _, ok := c.Control(ControlRef{FrameworkCSF, id}); !ok {
				t.Errorf("%s has the successor %s, which is not there", s.Old, id)
			}
		}
	}
}

func TestOperationsOf(t *testing.T) {
	c := open(t)
	f := func(method, path string, want ...string) {
		t.Helper()
		ops, err := c.OperationsOf(method, path)
		if err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
		var got []string
		for _, op := range ops {
			got = append(got, op.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", method, path, diff)
		}
	}
	const rg = "/subscriptions/s/resourceGroups/g"
	f("GET", rg+"/providers/Microsoft.KeyVault/vaults/kv?api-version=1", "Microsoft.KeyVault/vaults/read")
	f("GET", "https://management.azure.com"+rg+"/providers/microsoft.keyvault/vaults", "Microsoft.KeyVault/vaults/read")
	f("HEAD", rg, "Microsoft.Resources/subscriptions/resourceGroups/read")
	f("DELETE", rg+"/", "Microsoft.Resources/subscriptions/resourceGroups/delete")
	f("GET", "/subscriptions/s", "Microsoft.Resources/subscriptions/read")
	f("GET", "/subscriptions/s/providers", "Microsoft.Resources/providers/read")
	f("GET", "/subscriptions/s/providers/Microsoft.Web", "Microsoft.Resources/providers/read")
	f("PATCH", rg+"/providers/Microsoft.Storage/storageAccounts/a", "Microsoft.Storage/storageAccounts/write")
	f("POST", rg+"/providers/Microsoft.Storage/storageAccounts/a/listKeys", "Microsoft.Storage/storageAccounts/listKeys/action")
	f("PUT", rg+"/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Authorization/roleAssignments/r", "Microsoft.Authorization/roleAssignments/write")
	f("POST", rg+"/providers/Microsoft.ServiceBus/namespaces/n/topics/t/authorizationRules/r", "Microsoft.ServiceBus/namespaces/topics/authorizationRules/write")
	f("GET", rg+"/providers/Microsoft.Migrate/assessmentProjects/p/assessments", "Microsoft.Migrate/assessmentProjects/assessments/read", "Microsoft.Migrate/projects/assessments/read")
	f("POST", "/subscriptions/s/providers/Microsoft.Capacity/register", "Microsoft.Capacity/register/action", "Microsoft.Capacity/tenants/register/action")
	f("DELETE", rg+"/providers/Any.Thing/x/y/providers/Microsoft.Advisor/recommendations/r/suppressions/s", "Microsoft.Advisor/suppressions/delete")
	f("GET", rg+"/providers/Not.Known/things/t", "Not.Known/things/read")
}

func TestOperationsOfWhatIsNoRequest(t *testing.T) {
	f := func(method, path string) {
		t.Helper()
		if ops, err := open(t).OperationsOf(method, path); err == nil {
			t.Errorf("%s %q is %v", method, path, ops)
		}
	}
	f("GET", "")
	f("GET", "https://management.azure.com")
	f("GET", "/subscriptions//providers")
	f("OPTIONS", "/subscriptions/s")
	f("get", "/subscriptions/s")
	f("POST", "/subscriptions/s/resourceGroups/g/providers/Not.Known/things/t")
	f("GET", "/subscriptions/s/providers/Not.Known/thi*ngs/t")
}
