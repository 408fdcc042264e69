// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

const patchTenant = `tenant t taken=2026-11-20
subscription s
rg r in s
webapp a in r system user=one,two tag.owner=x  # "the" app
identity one in r
identity two in r
storage st in r \
  .allowSharedKeyAccess=true
assign a Reader at r  # reads
assign a Owner \
  at r
role own name=Own {
  actions *
}
`

func TestPatchTenant(t *testing.T) {
	s := parse(t, strings.TrimPrefix(patchTenant, "tenant t taken=2026-11-20\n"))
	res := func(name string) *mivet.Resource {
		for i := range s.Resources {
			if s.Resources[i].ID.Name() == name {
				return &s.Resources[i]
			}
		}
		t.Fatalf("no %s", name)
		return nil
	}
	a := res("a").ID
	f := func(e mivet.Edit, want string) {
		t.Helper()
		got, err := vet.PatchTenant(s, "t.tenant", []byte(patchTenant), []mivet.Edit{e})
		if want == "" {
			if !errors.Is(err, vet.ErrNoPatch) {
				t.Errorf("%s: %v and %s, want no patch", e.Kind, err, got)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var changed []string
		for line := range strings.Lines(vet.Diff("t", []byte(patchTenant), got)) {
			if strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+++") || strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "---") {
				changed = append(changed, strings.TrimRight(line, "\n"))
			}
		}
		if d := cmp.Diff(want, strings.Join(changed, "\n")); d != "" {
			t.Errorf("%s: %s", e.Kind, d)
		}
	}
	reader, owner := &s.RoleAssignments[0], &s.RoleAssignments[1]
	f(mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: reader}, "-assign a Reader at r  # reads")
	f(mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: owner}, "-assign a Owner \\\n-  at r")
	described := *owner
	described.Description = `say "why"`
	f(mivet.Edit{Kind: mivet.EditDescribeAssignment, Assignment: &described}, "-assign a Owner \\\n+assign a Owner description=\"say \\\"why\\\"\" \\")
	f(mivet.Edit{Kind: mivet.EditSetTag, Resource: a, Name: "owner", Value: "y"},
		"-webapp a in r system user=one,two tag.owner=x  # \"the\" app\n+webapp a in r system user=one,two tag.owner=y  # \"the\" app")
	f(mivet.Edit{Kind: mivet.EditSetTag, Resource: a, Name: "team", Value: "a b"},
		"-webapp a in r system user=one,two tag.owner=x  # \"the\" app\n+webapp a in r system user=one,two tag.owner=x tag.team=\"a b\"  # \"the\" app")
	f(mivet.Edit{Kind: mivet.EditSetSetting, Resource: res("st").ID, Name: "allowSharedKeyAccess", Value: "false"},
		"-  .allowSharedKeyAccess=true\n+  .allowSharedKeyAccess=false")
	f(mivet.Edit{Kind: mivet.EditSetSetting, Resource: res("st").ID, Name: "isHnsEnabled", Value: "true"},
		"-storage st in r \\\n+storage st in r .isHnsEnabled=true \\")
	f(mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: a, Identity: res("one").ID},
		"-webapp a in r system user=one,two tag.owner=x  # \"the\" app\n+webapp a in r system user=two tag.owner=x  # \"the\" app")
	f(mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: a},
		"-webapp a in r system user=one,two tag.owner=x  # \"the\" app\n+webapp a in r user=one,two tag.owner=x  # \"the\" app")
	f(mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: a, Identity: res("st").ID}, "")
	f(mivet.Edit{Kind: mivet.EditDeleteIdentity, Resource: res("one").ID}, "-identity one in r")
	f(mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{Principal: "p", RoleName: "Reader", Scope: a, Source: reader.Source}},
		"+assign p Reader at /subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a")
	elsewhere := *reader
	elsewhere.Principal = "nobody"
	f(mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: &elsewhere}, "")
	f(mivet.Edit{Kind: mivet.EditRemoveSuppression}, "")
}

const patchTF = `resource "azurerm_storage_account" "files" {
  name                      = "files"
  shared_access_key_enabled = true # for the old job
}

resource "azurerm_storage_account" "plain" {
  name = "plain"
}

resource "azurerm_role_assignment" "owner" {
  role_definition_name = "Owner"
}

output "x" { value = 1 }
`

func TestPatchTerraform(t *testing.T) {
	at := func(address string) mivet.Source {
		return mivet.Source{Origin: &mivet.Origin{File: "plan.json", Address: address}}
	}
	files, plain := id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/files"),
		id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/plain")
	s := &mivet.Snapshot{Resources: []mivet.Resource{
		{ID: files, Source: at("module.m.azurerm_storage_account.files[0]")}, {ID: plain, Source: at("azurerm_storage_account.plain")},
	}}
	f := func(e mivet.Edit, want ...string) {
		t.Helper()
		got, err := vet.PatchTerraform(s, []byte(patchTF), []mivet.Edit{e})
		if len(want) == 0 {
			if !errors.Is(err, vet.ErrNoPatch) {
				t.Errorf("%s: %v, want no patch", e.Kind, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		diff := vet.Diff("main.tf", []byte(patchTF), got)
		for _, w := range want {
			if !strings.Contains(diff, w) {
				t.Errorf("%s: %q is not in\n%s", e.Kind, w, diff)
			}
		}
	}
	owner := &mivet.RoleAssignment{Source: at("azurerm_role_assignment.owner")}
	f(mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: owner}, "-resource \"azurerm_role_assignment\" \"owner\" {\n-  role_definition_name = \"Owner\"\n-}\n-\n")
	f(mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: &mivet.RoleAssignment{Source: at("azurerm_role_assignment.other")}})
	f(mivet.Edit{Kind: mivet.EditSetSetting, Resource: files, Name: "allowSharedKeyAccess", Value: "false"}, "+  shared_access_key_enabled = false # for the old job\n")
	f(mivet.Edit{Kind: mivet.EditSetSetting, Resource: plain, Name: "allowSharedKeyAccess", Value: "false"}, "+  shared_access_key_enabled = false\n }")
	f(mivet.Edit{Kind: mivet.EditSetSetting, Resource: plain, Name: "unheardOf", Value: "false"})
	f(mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{RoleName: "Reader", Principal: mivet.SymbolicPrincipal("azurerm_linux_web_app.api"), Scope: files}},
		"+  role_definition_name = \"Reader\"\n", "+  principal_id         = azurerm_linux_web_app.api.identity[0].principal_id\n")
	f(mivet.Edit{Kind: mivet.EditSetTag})
}

// A diff makes one file of the other.
func TestDiffPatches(t *testing.T) {
	line := rapid.StringMatching(`[a-c]{0,2}`)
	rapid.Check(t, func(rt *rapid.T) {
		join := func(label string) string {
			return strings.Join(rapid.SliceOfN(line, 0, 12).Draw(rt, label), "\n") + "\n"
		}
		before, after := join("before"), join("after")
		diff := vet.Diff("f", []byte(before), []byte(after))
		if (diff == "") != (before == after) {
			rt.Fatalf("diff %q", diff)
		}
		if diff == "" {
			return
		}
		if got := applyDiff(rt, before, diff); got != after {
			rt.Fatalf("%q applied to %q gives %q, want %q", diff, before, got, after)
		}
	})
}

// applyDiff is a slow and obvious reading of a diff with one hunk.
func applyDiff(t *rapid.T, before, diff string) string {
	lines := strings.SplitAfter(before, "\n")
	hunk := strings.SplitAfter(diff, "\n")[2:]
	from, out := 0, []string{}
	for i, c := range hunk[0][4:] {
		if c == ',' {
			for _, d := range hunk[0][4 : 4+i] {
				from = from*10 + int(d-'0')
			}
			break
		}
	}
	out = append(out, lines[:from-1]...)
	at := from - 1
	for _, h := range hunk[1:] {
		if h == "" {
			continue
		}
		switch h[0] {
		case ' ', '-':
			if lines[at] != h[1:] {
				t.Fatalf("%q is not %q", lines[at], h[1:])
			}
			if h[0] == ' ' {
				out = append(out, h[1:])
			}
			at++
		case '+':
			out = append(out, h[1:])
		}
	}
	return strings.Join(append(out, lines[at:]...), "")
}

func TestTemplates(t *testing.T) {
	kv := id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.KeyVault/vaults/kv")
	rg := id(t, "/subscriptions/s/resourceGroups/r")
	role := &mivet.RoleAssignment{
		Role: "4633458b-17de-408a-b874-0445c86b69e6", RoleName: "Key Vault Secrets User", Principal: "11111111-2222-3333-4444-555555555555",
		PrincipalType: mivet.TypeServicePrincipal, Scope: kv, Description: "it's ${mine}",
	}
	edits := []mivet.Edit{
		{Kind: mivet.EditRemoveAssignment, Assignment: role},
		{Kind: mivet.EditAddAssignment, Assignment: role},
		{Kind: mivet.EditDescribeAssignment, Assignment: role},
		{Kind: mivet.EditRemovePolicy, Policy: &mivet.AccessPolicy{Vault: kv, Principal: "p"}},
		{Kind: mivet.EditRemoveLocalGrant, Grant: &mivet.LocalAssignment{System: mivet.LocalCosmos, Account: kv, Role: "r", Principal: "p"}},
		{Kind: mivet.EditSetSetting, Resource: kv, Name: "disableLocalAuth", Value: "true"},
		{Kind: mivet.EditSetSetting, Resource: kv, Name: "unheardOf", Value: "x"},
		{Kind: mivet.EditSetTag, Resource: kv, Name: "owner", Value: "team"},
		{Kind: mivet.EditAttachIdentity, Resource: kv},
		{Kind: mivet.EditDetachIdentity, Resource: kv, Identity: rg},
		{Kind: mivet.EditDeleteIdentity, Resource: kv},
		{Kind: mivet.EditRemoveSuppression, Name: "f:1"},
	}
	planned := &mivet.RoleAssignment{RoleName: "Reader", Principal: "p", Scope: kv, Source: mivet.Source{Origin: &mivet.Origin{Address: "azurerm_role_assignment.x"}}}
	if got := vet.AzCommands([]mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: planned}})[0]; got != "# take azurerm_role_assignment.x out of its source: it is not made yet" {
		t.Errorf("what is only planned is removed by %q", got)
	}
	tf, bicep, az := vet.Terraform(edits), vet.Bicep(edits), strings.Join(vet.AzCommands(edits), "\n")
	for _, want := range []string{
		`role_definition_name = "Key Vault Secrets User"`, `description = "it's $${mine}"`, "local_authentication_enabled = false",
		"# properties.unheardOf = x", `owner = "team"`, "add the system-assigned identity", "take away /subscriptions/s", "remove the suppression at f:1",
	} {
		if !strings.Contains(tf, want) {
			t.Errorf("Terraform lacks %q:\n%s", want, tf)
		}
	}
	for _, want := range []string{
		"resource mivetAssignment2 'Microsoft.Authorization/roleAssignments@2022-04-01'", "scope: mivetScope2", `description: 'it\'s \${mine}'`,
		"disableLocalAuth: true", "unheardOf: 'x'", "'owner': 'team'", "principalType: 'ServicePrincipal'",
	} {
		if !strings.Contains(bicep, want) {
			t.Errorf("Bicep lacks %q:\n%s", want, bicep)
		}
	}
	for _, want := range []string{
		"az role assignment delete --assignee 11111111-2222-3333-4444-555555555555 --role 'Key Vault Secrets User' --scope " + kv.String(),
		"az role assignment create --assignee-object-id", `--description 'it'\''s ${mine}'`, "az keyvault delete-policy --name kv --object-id p",
		"az cosmosdb sql role assignment list", "--set properties.disableLocalAuth=true", "az tag update", "az identity delete --ids",
	} {
		if !strings.Contains(az, want) {
			t.Errorf("az lacks %q:\n%s", want, az)
		}
	}
}

func TestIdentityCommands(t *testing.T) {
	f := func(typ, name string, identity bool, want string) {
		t.Helper()
		e := mivet.Edit{Kind: mivet.EditAttachIdentity, Resource: id(t, "/subscriptions/s/resourceGroups/r/providers/"+typ+"/"+name)}
		if identity {
			e.Identity = id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i")
		}
		if got := vet.AzCommands([]mivet.Edit{e})[0]; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", typ, got, want)
		}
	}
	f("Microsoft.Web/sites", "a", false, "az webapp identity assign --name a --resource-group r --identities '[system]'")
	f("Microsoft.Web/sites", "a/slots/b", false, "az webapp identity assign --name a --slot b")
	f("Microsoft.Compute/virtualMachines", "v", true, "az vm identity assign --name v --resource-group r --identities /subscriptions/s")
	f("Microsoft.Compute/virtualMachineScaleSets", "v", true, "az vmss identity assign")
	f("Microsoft.App/containerApps", "c", false, "az containerapp identity assign --name c --resource-group r --system-assigned")
	f("Microsoft.App/containerApps", "c", true, "az containerapp identity assign --name c --resource-group r --user-assigned /sub")
	f("Microsoft.Logic/workflows", "w", false, "# assign [system] in the identity block of")
}

func TestApplyRefuses(t *testing.T) {
	s := parse(t, "subscription s\nrg r in s\nwebapp a in r\nidentity i in r\n")
	a := s.Resources[1].ID
	other := id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/other")
	for _, e := range []mivet.Edit{
		{Kind: mivet.EditRemoveAssignment, Assignment: &mivet.RoleAssignment{Principal: "x"}},
		{Kind: mivet.EditDescribeAssignment, Assignment: &mivet.RoleAssignment{Principal: "x"}},
		{Kind: mivet.EditRemovePolicy, Policy: &mivet.AccessPolicy{}},
		{Kind: mivet.EditRemoveLocalGrant, Grant: &mivet.LocalAssignment{}},
		{Kind: mivet.EditSetTag, Resource: other, Name: "a", Value: "b"},
		{Kind: mivet.EditAttachIdentity, Resource: other},
		{Kind: mivet.EditDetachIdentity, Resource: a},
		{Kind: mivet.EditDetachIdentity, Resource: a, Identity: other},
		{Kind: mivet.EditDeleteIdentity, Resource: other},
		{Kind: mivet.EditSetAPIVersion, Name: "kv", Value: "2026-02-01"},
		{Kind: mivet.EditRaiseProvider, Name: "azurerm", Value: "4.81.0"},
		{Kind: "paint"},
	} {
		if _, err := vet.Apply(s, []mivet.Edit{e}); err == nil {
			t.Errorf("%s of something absent is no error", e.Kind)
		}
	}
}

// A provider is raised for all that it writes.
func TestRaiseProvider(t *testing.T) {
	s := parse(t, "declare a azurerm_key_vault provider-versions=\"~> 3.0\"\ndeclare b azuread_group provider-versions=\"~> 1.0\"\ndeclare c azurerm_key_vault_key provider-versions=\"~> 3.0\"\n")
	edits := []mivet.Edit{{Kind: mivet.EditRaiseProvider, Name: "azurerm", Value: "4.81.0"}}
	now, err := vet.Apply(s, edits)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{">= 4.81.0", "~> 1.0", ">= 4.81.0"} {
		if got := now.Declarations[i].ProviderVersions; got != want {
			t.Errorf("%s: %q, want %q", now.Declarations[i].Address, got, want)
		}
	}
	for form, text := range map[string]string{
		"az": strings.Join(vet.AzCommands(edits), ""), "terraform": vet.Terraform(edits), "bicep": vet.Bicep(edits),
	} {
		if !strings.Contains(text, "azurerm") || !strings.Contains(text, ">= 4.81.0") {
			t.Errorf("%s: %q", form, text)
		}
	}
}

// Another version of the interface is written where the object is declared.
func TestSetAPIVersion(t *testing.T) {
	s := parse(t, "declare kv Microsoft.KeyVault/vaults api-version=2019-09-01\n")
	edits := []mivet.Edit{{Kind: mivet.EditSetAPIVersion, Name: "kv", Value: "2026-02-01"}}
	now, err := vet.Apply(s, edits)
	if err != nil {
		t.Fatal(err)
	}
	if now.Declarations[0].APIVersion != "2026-02-01" || s.Declarations[0].APIVersion != "2019-09-01" {
		t.Errorf("now %q, before %q", now.Declarations[0].APIVersion, s.Declarations[0].APIVersion)
	}
	for form, text := range map[string]string{
		"az": strings.Join(vet.AzCommands(edits), ""), "terraform": vet.Terraform(edits), "bicep": vet.Bicep(edits),
	} {
		if !strings.Contains(text, "kv") || !strings.Contains(text, "2026-02-01") {
			t.Errorf("%s: %q", form, text)
		}
	}
	if _, err := vet.PatchTenant(s, "t", nil, edits); err == nil {
		t.Error("a tenant is patched")
	}
}

// Applying edits leaves the original as it is.
func TestApplyCopies(t *testing.T) {
	s := parse(t, "subscription s\nrg r in s\nidentity i in r\nwebapp a in r user=i tag.k=v\nassign i Reader at r\n")
	app := s.Resources[len(s.Resources)-1].ID
	identity := s.Identities[0].Resource
	before := *s
	before.Resources = append([]mivet.Resource{}, s.Resources...)
	got, err := vet.Apply(s, []mivet.Edit{
		{Kind: mivet.EditAttachIdentity, Resource: app},
		{Kind: mivet.EditAttachIdentity, Resource: app},
		{Kind: mivet.EditDetachIdentity, Resource: app, Identity: identity},
		{Kind: mivet.EditSetTag, Resource: app, Name: "k", Value: "w"},
		{Kind: mivet.EditSetSetting, Resource: app, Name: "x", Value: "true"},
		{Kind: mivet.EditRemoveAssignment, Assignment: &s.RoleAssignments[0]},
		{Kind: mivet.EditDeleteIdentity, Resource: identity},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := s.Resources[len(s.Resources)-1]
	if len(s.RoleAssignments) != 1 || len(s.Identities) != 1 || r.Detail.Tags["k"] != "v" || len(r.Identity.User) != 1 || r.Identity.System {
		t.Errorf("the original changed: %+v", r)
	}
	var c mivet.Resource
	for _, x := range got.Resources {
		if x.ID.Equal(app) {
			c = x
		}
	}
	if c.Detail.Tags["k"] != "w" || !c.Identity.System || len(c.Identity.User) != 0 || len(got.RoleAssignments) != 0 || len(got.Identities) != 1 {
		t.Errorf("the copy: %+v, %+v", c, got.Identities)
	}
	back, err := vet.Apply(got, []mivet.Edit{{Kind: mivet.EditDetachIdentity, Resource: app}})
	if err != nil || len(back.Identities) != 0 {
		t.Errorf("taking the system-assigned identity away: %v, %+v", err, back.Identities)
	}
}
