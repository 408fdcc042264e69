// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet"
)

func readSource(t testing.TB, files map[string]string) *mivet.Snapshot {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	s, err := ReadSource(context.Background(), "shop", tree, SourceFiles(tree, "."))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const providerBlock = `provider "azurerm" {
  features {}
  subscription_id = "11111111-2222-4333-8444-555555555555"
}
`

// said is what a snapshot says, in short: grants, identities, settings and what is not known.
func said(s *mivet.Snapshot) string {
	var b strings.Builder
	for _, r := range s.Resources {
		if r.Identity != nil {
			fmt.Fprintf(&b, "%s system=%v user=%d\n", r.ID.Name(), r.Identity.System, len(r.Identity.User))
		}
	}
	for _, a := range s.RoleAssignments {
		fmt.Fprintf(&b, "%s: %s at %s\n", a.Principal, a.RoleName, a.Scope.Name())
	}
	for _, g := range s.Gaps {
		if !g.Inherent {
			fmt.Fprintf(&b, "? %s: %s\n", g.Subject, g.Reason)
		}
	}
	return b.String()
}

// Source is evaluated as far as that goes without a run; the rest refers to what it comes
// from.
func TestReadSource(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := said(readSource(t, map[string]string{"main.tf": providerBlock + text})); got != want {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	}
	app := `resource "azurerm_linux_web_app" "app" {
  name                = "app"
  resource_group_name = "g"
  identity { type = "SystemAssigned" }
}
`
	f(app+`resource "azurerm_role_assignment" "a" {
  scope                = azurerm_linux_web_app.app.id
  role_definition_name = "Reader"
  principal_id         = azurerm_linux_web_app.app.identity[0].principal_id
}`, "app system=true user=0\nprincipal of azurerm_linux_web_app.app: Reader at app\n")
	f(`variable "names" { default = ["a", "b"] }
locals { prefix = "shop-${lower("X")}" }
resource "azurerm_user_assigned_identity" "u" {
  for_each            = toset(var.names)
  name                = "${local.prefix}-${each.key}"
  resource_group_name = "g"
}
resource "azurerm_linux_web_app" "app" {
  count               = 2
  name                = "app${count.index}"
  resource_group_name = "g"
  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.u["a"].id]
  }
}`, "app0 system=false user=1\napp1 system=false user=1\n")
	f(app+`variable "roles" { default = { r = "Reader" } }
resource "azurerm_role_assignment" "a" {
  for_each             = var.roles
  scope                = "/subscriptions/s/resourceGroups/g"
  role_definition_name = each.value
  principal_id         = local.who
}
locals {
  who   = local.other
  other = "aaaaaaaa-0000-4000-8000-000000000001"
}`, "app system=true user=0\naaaaaaaa-0000-4000-8000-000000000001: Reader at g\n")
	f(`variable "n" {}
resource "azurerm_user_assigned_identity" "u" {
  count               = var.n
  name                = "u"
  resource_group_name = "g"
}`, "? azurerm_user_assigned_identity.u: how many there are by count is known only to a run: it is taken for one\n")
	f(`variable "on" { default = true }
resource "azurerm_linux_web_app" "app" {
  name                = "app"
  resource_group_name = "g"
  dynamic "identity" {
    for_each = var.on ? ["SystemAssigned"] : []
    content { type = identity.value }
  }
}`, "app system=true user=0\n")
	f(`module "far" { source = "hashicorp/x/azurerm" }`, "? module.far: the module \"hashicorp/x/azurerm\" is not in the tree, and what it deploys is not known\n")
	f("resource \"azurerm_linux_web_app\" \"app\" {\n  name = \n}\n", "? : it is no valid source here, and what stands around may be left out: Invalid expression\n")
}

// Modules in the tree are evaluated with their arguments, and their outputs followed.
func TestReadSourceModules(t *testing.T) {
	s := readSource(t, map[string]string{
		"main.tf": providerBlock + `module "app" {
  source = "./modules/app"
  name   = "orders"
  count  = 1
}
resource "azurerm_role_assignment" "a" {
  scope                = "/subscriptions/s/resourceGroups/g"
  role_definition_name = "Reader"
  principal_id         = module.app[0].principal
}`,
		"modules/app/main.tf": `variable "name" {}
resource "azurerm_linux_web_app" "this" {
  name                = var.name
  resource_group_name = "g"
  identity { type = "SystemAssigned" }
}
output "principal" { value = azurerm_linux_web_app.this.identity[0].principal_id }`,
	})
	want := "orders system=true user=0\nprincipal of module.app[0].azurerm_linux_web_app.this: Reader at g\n"
	if got := said(s); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	i := slices.IndexFunc(s.Resources, func(r mivet.Resource) bool { return r.Identity != nil })
	if src := s.Resources[i].Source; src.Origin.File != "shop/modules/app/main.tf" || src.Line != 2 {
		t.Errorf("its place is %s", src)
	}
}

// What is not written has its default, and is not unread.
func TestReadSourceDefaults(t *testing.T) {
	s := readSource(t, map[string]string{"main.tf": providerBlock + `resource "azurerm_storage_account" "st" {
  name                = "st"
  resource_group_name = "g"
}`})
	i := slices.IndexFunc(s.Resources, func(r mivet.Resource) bool { return r.ID.Name() == "st" })
	if v, ok := s.Resources[i].Setting("allowSharedKeyAccess"); !ok || v != "null" {
		t.Errorf("got %q, %v", v, ok)
	}
}

// Examples that stand side by side may share a name: they are told apart, and that is said.
func TestReadSourceSameName(t *testing.T) {
	s := readSource(t, map[string]string{"main.tf": providerBlock + `resource "azurerm_container_registry" "a" {
  name                = "x"
  resource_group_name = "g"
  admin_enabled       = true
}
resource "azurerm_container_registry" "b" {
  name                = "x"
  resource_group_name = "g"
  admin_enabled       = false
}`})
	have := map[string]string{}
	for _, r := range s.Resources {
		if v, ok := r.Setting("adminUserEnabled"); ok {
			have[r.ID.Name()] = v
		}
	}
	if have["x"] != "true" || have["{azurerm_container_registry.b}"] != "false" {
		t.Errorf("got %v", have)
	}
	if !slices.ContainsFunc(s.Gaps, func(g mivet.Gap) bool { return g.Subject == "azurerm_container_registry.b" }) {
		t.Error("nothing is said of it")
	}
}

func TestReadMocks(t *testing.T) {
	m, err := ReadMocks(t.Context(), "m.json", strings.NewReader(`{"mock":{"a":{"resource_changes":[]},"b":{"resource_changes":[
{"address":"azurerm_container_registry.x","type":"azurerm_container_registry","change":{"actions":["create"],"after":{"admin_enabled":true}}}]}}}`))
	if err != nil || len(m) != 2 || len(m["b"].Resources) == 0 {
		t.Errorf("got %v, %v", m, err)
	}
	for _, text := range []string{`x`, `{"mock":{"a":{"resource_changes":1}}}`} {
		if _, err := ReadMocks(t.Context(), "m.json", strings.NewReader(text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

func TestReadSourceRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := ReadSource(t.Context(), "x.tf", fstest.MapFS{"x.tf": {Data: []byte(text)}}, []string{"x.tf"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
	f("locals { a = "+strings.Repeat("(", 1000)+"1"+strings.Repeat(")", 1000)+" }", "nested deeper")
	f("locals { a = "+strings.Repeat("!", 1000)+"true }", "nested deeper")
	f(strings.Repeat("# a\n", 1<<19), "larger than 1 MiB")
	if _, err := ReadSource(t.Context(), "x", fstest.MapFS{}, []string{"none.tf"}); err == nil {
		t.Error("a file that is not there was read")
	}
}

// Values that grow out of all proportion are not known.
func TestReadSourceGrowth(t *testing.T) {
	var b strings.Builder
	b.WriteString(providerBlock + "locals {\n  s0 = \"0123456789\"\n  l0 = [1, 2]\n")
	for i := range 40 {
		fmt.Fprintf(&b, "  s%d = \"${local.s%d}${local.s%d}\"\n  l%d = [local.l%d, local.l%d]\n", i+1, i, i, i+1, i, i)
	}
	b.WriteString("  f = format(\"%099999999d\", 1)\n  x = [for a in local.l0 : [for b in local.l0 : [for c in local.l0 : c]]]\n}\n")
	b.WriteString("resource \"azurerm_user_assigned_identity\" \"u\" {\n  name = local.s40\n  resource_group_name = local.f\n}\n")
	if s := readSource(t, map[string]string{"main.tf": b.String()}); len(s.Identities) != 1 {
		t.Errorf("%d identities", len(s.Identities))
	}
}

func FuzzSource(f *testing.F) {
	f.Add(providerBlock + `resource "azurerm_role_assignment" "a" { scope = azurerm_x.y.id }`)
	f.Add(`locals { a = [for x in ["a"] : upper(x)] }` + "\n" + `module "m" { source = "./" }`)
	f.Add(`resource "azurerm_key_vault" "kv" { dynamic "access_policy" { for_each = { a = 1 } content { object_id = access_policy.key } } }`)
	f.Add(`resource "azapi_resource" "r" { type = "Microsoft.Authorization/roleAssignments@1" body = { properties = { principalId = var.x } } }`)
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = ReadSource(context.Background(), "x.tf", fstest.MapFS{"x.tf": {Data: []byte(text)}}, []string{"x.tf"}) // it must return
	})
}
