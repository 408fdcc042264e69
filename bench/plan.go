// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

const planSubscription = "/subscriptions/11111111-2222-4333-8444-555555555555"

// settingsOfSite are arguments of a web app that say nothing of identities; real ones have
// as many.
var settingsOfSite = []string{
	"always_on", "api_definition_url", "api_management_api_id", "app_command_line", "auto_heal_enabled", "default_documents", "ftps_state",
	"health_check_path", "http2_enabled", "load_balancing_mode", "local_mysql_enabled", "managed_pipeline_mode", "minimum_tls_version",
	"remote_debugging_enabled", "scm_minimum_tls_version", "scm_use_main_ip_restriction", "use_32_bit_worker", "vnet_route_all_enabled",
	"websockets_enabled", "worker_count", "detailed_error_logging_enabled", "ip_restriction_default_action", "linux_fx_version",
}

// writePlan writes a Terraform plan of about that many megabytes: of every nine objects
// three web apps with a system-assigned identity, of which each seventh is made anew, two
// user-assigned identities, three role assignments, and a vault.
func writePlan(name string, megabytes int) error {
	f, err := os.Create(name) //nolint:gosec // the user names the file
	if err != nil {
		return fmt.Errorf("creating the plan: %w", err)
	}
	w := &tally{w: bufio.NewWriterSize(f, 1<<20)}
	fmt.Fprint(w, `{"format_version":"1.2","terraform_version":"1.11.4","resource_changes":[`)
	for i := 0; w.n < int64(megabytes)<<20 && w.err == nil; i++ {
		if i > 0 {
			fmt.Fprint(w, ",\n")
		}
		writeGroup(w, i)
	}
	fmt.Fprint(w, `],"configuration":{"root_module":{}}}`)
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return f.Close()
}

// tally counts what is written, and keeps the first error.
type tally struct {
	w   *bufio.Writer
	n   int64
	err error
}

func (c *tally) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.n += int64(n); c.err == nil {
		c.err = err
	}
	return n, err
}

func writeGroup(w io.Writer, i int) {
	group := fmt.Sprintf("%s/resourceGroups/g%d", planSubscription, i%100)
	for j := range 3 {
		n := 3*i + j
		principal := fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n)
		site := siteOf(group, n, principal)
		actions, after := `["no-op"]`, site
		if n%7 == 0 {
			actions, after = `["delete","create"]`, strings.Replace(site, `"principal_id":"`+principal+`",`, "", 1)
		}
		writeChange(w, "azurerm_linux_web_app", fmt.Sprintf("app[%d]", n), actions, site, after)
		fmt.Fprint(w, ",\n")
		grant := fmt.Sprintf(`{"id":"%s/providers/Microsoft.Authorization/roleAssignments/cccccccc-0000-4000-8000-%012d","name":"cccccccc-0000-4000-8000-%012d","scope":%q,"role_definition_name":"Reader","role_definition_id":"%s/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principal_id":%q,"principal_type":"ServicePrincipal","condition":"","description":"","skip_service_principal_aad_check":null,"timeouts":null}`,
			group, n, n, group, planSubscription, principal)
		writeChange(w, "azurerm_role_assignment", fmt.Sprintf("app[%d]", n), `["no-op"]`, grant, grant)
		fmt.Fprint(w, ",\n")
	}
	for j := range 2 {
		n := 2*i + j
		identity := fmt.Sprintf(`{"id":"%s/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u%d","name":"u%d","resource_group_name":"g%d","location":"westeurope","principal_id":"dddddddd-0000-4000-8000-%012d","client_id":"eeeeeeee-0000-4000-8000-%012d","tags":{"team":"t%d"}}`, group, n, n, i%100, n, n, n%20)
		writeChange(w, "azurerm_user_assigned_identity", fmt.Sprintf("u[%d]", n), `["no-op"]`, identity, identity)
		fmt.Fprint(w, ",\n")
	}
	vault := fmt.Sprintf(`{"id":"%s/providers/Microsoft.KeyVault/vaults/v%d","name":"v%d","resource_group_name":"g%d","location":"westeurope","rbac_authorization_enabled":true,"sku_name":"standard","tags":{}}`, group, i, i, i%100)
	writeChange(w, "azurerm_key_vault", fmt.Sprintf("v[%d]", i), `["no-op"]`, vault, vault)
}

func siteOf(group string, n int, principal string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":"%s/providers/Microsoft.Web/sites/app%d","name":"app%d","resource_group_name":%q,"location":"westeurope","identity":[{"type":"SystemAssigned","principal_id":%q,"tenant_id":"ffffffff-0000-4000-8000-000000000000","identity_ids":[]}],"key_vault_reference_identity_id":"SystemAssigned","app_settings":{`,
		group, n, n, group[strings.LastIndexByte(group, '/')+1:], principal)
	for i := range 30 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"SETTING_%d":"a value that says nothing of identities, %d"`, i, n)
	}
	b.WriteString(`},"site_config":[{`)
	for i, s := range settingsOfSite {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `%q:null`, s)
	}
	b.WriteString(`}],"site_credential":[{"name":"$app","password":"not a password"}],"tags":{"team":"web"}}`)
	return b.String()
}

func writeChange(w io.Writer, typ, name, actions, before, after string) {
	base, index, _ := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	fmt.Fprintf(w, `{"address":"%s.%s","mode":"managed","type":%q,"name":%q,"index":%s,"provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":%s,"before":%s,"after":%s,"after_unknown":{},"before_sensitive":{},"after_sensitive":{}}}`,
		typ, name, typ, base, index, actions, before, after)
}
