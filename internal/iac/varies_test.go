// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

func varied(s *mivet.Snapshot) string {
	var out []string
	for i := range s.Declarations {
		if d := &s.Declarations[i]; len(d.Varies) > 0 {
			out = append(out, d.Address+": "+strings.Join(d.Varies, " "))
		}
	}
	return strings.Join(out, "\n")
}

// What a name hangs on is followed to the variables of the root module.
func TestVariesOfSource(t *testing.T) {
	s := readSource(t, map[string]string{
		"main.tf": `
variable "pr_number" { default = "0" }
variable "run_id" {}
variable "fixed" { default = "shop" }
variable "pull_requests" { type = set(string) }
locals { suffix = "pr-${var.pr_number}" }
resource "azurerm_resource_group" "g" {
  name     = "shop-${terraform.workspace}"
  location = "westeurope"
}
resource "azurerm_linux_web_app" "one" {
  name                = "api-${local.suffix}"
  resource_group_name = "fixed"
  identity { type = "SystemAssigned" }
}
resource "azurerm_linux_web_app" "two" {
  name                = "api-${var.fixed}"
  resource_group_name = azurerm_resource_group.g.name
  identity { type = "SystemAssigned" }
}
resource "azurerm_linux_web_app" "each" {
  for_each            = var.pull_requests
  name                = "api-${each.key}"
  resource_group_name = "fixed"
  identity { type = "SystemAssigned" }
}
resource "azurerm_linux_web_app" "still" {
  name                = "api"
  resource_group_name = "fixed"
  identity { type = "SystemAssigned" }
}
resource "azurerm_linux_web_app" "without" {
  name                = "api-${var.pr_number}"
  resource_group_name = "fixed"
}
module "app" {
  source = "./app"
  run    = var.run_id
}
`,
		"app/main.tf": `
variable "run" {}
resource "azurerm_linux_function_app" "inner" {
  name                = "f-${var.run}"
  resource_group_name = "fixed"
  identity { type = "SystemAssigned" }
}
`,
	})
	want := strings.TrimSpace(`
module.app.azurerm_linux_function_app.inner: var.run_id
azurerm_linux_web_app.one: var.pr_number
azurerm_linux_web_app.two: terraform.workspace var.fixed
azurerm_linux_web_app.each: var.pull_requests
`)
	if got := varied(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestVariesOfPlan(t *testing.T) {
	s := read(t, planOf(
		changes("azurerm_linux_web_app.a", `{"name":"a-7","resource_group_name":"g","identity":[{"type":"SystemAssigned"}]}`),
		`{"root_module":{"resources":[{"address":"azurerm_linux_web_app.a","expressions":{"name":{"references":["var.run_id","terraform.workspace"]},"resource_group_name":{"references":["local.group"]}},"count_expression":{"references":["var.prs"]}}]}}`))
	if got, want := varied(s), "azurerm_linux_web_app.a: local.group terraform.workspace var.prs var.run_id"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
