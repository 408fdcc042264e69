// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
)

// A setting says which argument of a provider's type holds a property of Azure that
// decides something for identities. Arguments are those of azurerm 3 to 5
// (hashicorp/terraform-provider-azurerm website/docs/r), properties those of
// Azure/bicep-types-az.
type setting struct {
	types string // without "azurerm_", with commas between
	from  string // the argument
	to    string // the path below "properties"
	how   settingForm
	unset string // what an argument without a value means; empty: not known
}

type settingForm byte

const (
	asIs     settingForm = iota
	negated              // true means false
	switched             // true means "Enabled", false "Disabled"
	enforced             // true means "Default", false "DoNotEnforce"
)

const siteTypes = "linux_web_app,windows_web_app,linux_function_app,windows_function_app,function_app_flex_consumption,logic_app_standard," +
	"linux_web_app_slot,windows_web_app_slot,linux_function_app_slot,windows_function_app_slot,app_service,app_service_slot,function_app,function_app_slot"

const policyTypes = "resource_policy_assignment,resource_group_policy_assignment,subscription_policy_assignment,management_group_policy_assignment"

var settings = []setting{
	{"key_vault", "rbac_authorization_enabled", "enableRbacAuthorization", asIs, "false"},
	{"key_vault", "enable_rbac_authorization", "enableRbacAuthorization", asIs, "false"},
	{"key_vault", "enabled_for_deployment", "enabledForDeployment", asIs, ""},
	{"key_vault", "enabled_for_template_deployment", "enabledForTemplateDeployment", asIs, ""},
	{"key_vault", "enabled_for_disk_encryption", "enabledForDiskEncryption", asIs, ""},
	{"storage_account", "shared_access_key_enabled", "allowSharedKeyAccess", asIs, ""},
	{"storage_account", "allow_nested_items_to_be_public", "allowBlobPublicAccess", asIs, ""},
	{"storage_account", "allow_blob_public_access", "allowBlobPublicAccess", asIs, ""},
	{"storage_account", "sftp_enabled", "isSftpEnabled", asIs, ""},
	{"storage_account", "local_user_enabled", "isLocalUserEnabled", asIs, ""},
	{"storage_account", "is_hns_enabled", "isHnsEnabled", asIs, ""},
	{"storage_account", "default_to_oauth_authentication", "defaultToOAuthAuthentication", asIs, ""},
	{"cosmosdb_account", "local_authentication_disabled", "disableLocalAuth", asIs, ""},
	{"cosmosdb_account", "access_key_metadata_writes_enabled", "disableKeyBasedMetadataWriteAccess", negated, ""},
	{"cosmosdb_account,eventhub_namespace,search_service,maps_account,automation_account,iothub,ai_services,bot_service_azure_bot", "local_authentication_enabled", "disableLocalAuth", negated, ""},
	{"servicebus_namespace,eventgrid_topic,eventgrid_domain,app_configuration,cognitive_account,signalr_service,web_pubsub,web_pubsub_socketio", "local_auth_enabled", "disableLocalAuth", negated, ""},
	{"log_analytics_workspace", "local_authentication_disabled", "features.disableLocalAuth", asIs, ""},
	{"log_analytics_workspace", "local_authentication_enabled", "features.disableLocalAuth", negated, ""},
	{"application_insights", "local_authentication_disabled", "DisableLocalAuth", asIs, ""},
	{"application_insights", "local_authentication_enabled", "DisableLocalAuth", negated, ""},
	{"container_registry", "admin_enabled", "adminUserEnabled", asIs, ""},
	{"container_registry", "anonymous_pull_enabled", "anonymousPullEnabled", asIs, ""},
	{"container_registry", "role_assignment_mode", "roleAssignmentMode", asIs, ""},
	{"redis_cache", "access_keys_authentication_enabled", "disableAccessKeyAuthentication", negated, ""},
	{"batch_account", "allowed_authentication_modes", "allowedAuthenticationModes", asIs, ""},
	{"kubernetes_cluster,kubernetes_automatic_cluster", "local_account_disabled", "disableLocalAccounts", asIs, ""},
	{"kubernetes_cluster,kubernetes_automatic_cluster", "oidc_issuer_enabled", "oidcIssuerProfile.enabled", asIs, ""},
	{"kubernetes_cluster,kubernetes_automatic_cluster", "oidc_issuer_url", "oidcIssuerProfile.issuerURL", asIs, ""},
	{"kubernetes_cluster,kubernetes_automatic_cluster", "workload_identity_enabled", "securityProfile.workloadIdentity.enabled", asIs, ""},
	{"kubernetes_cluster,kubernetes_automatic_cluster", "role_based_access_control_enabled", "enableRBAC", asIs, ""},
	{"kubernetes_cluster", "role_based_access_control.enabled", "enableRBAC", asIs, ""}, // azurerm before 2.99
	{"kubernetes_cluster,kubernetes_automatic_cluster", "azure_active_directory_role_based_access_control.azure_rbac_enabled", "aadProfile.enableAzureRBAC", asIs, ""},
	{"kubernetes_cluster,kubernetes_automatic_cluster", "node_resource_group", "nodeResourceGroup", asIs, ""},
	{"mssql_server", "azuread_administrator.azuread_authentication_only", "administrators.azureADOnlyAuthentication", asIs, ""},
	{"mssql_managed_instance", "azure_active_directory_administrator.azuread_authentication_only_enabled", "administrators.azureADOnlyAuthentication", asIs, ""},
	{"synapse_workspace", "azuread_authentication_only", "azureADOnlyAuthentication", asIs, ""},
	{"postgresql_flexible_server", "authentication.active_directory_auth_enabled", "authConfig.activeDirectoryAuth", switched, ""},
	{"postgresql_flexible_server", "authentication.password_auth_enabled", "authConfig.passwordAuth", switched, ""},
	{siteTypes, "key_vault_reference_identity_id", "keyVaultReferenceIdentity", asIs, ""},
	{siteTypes, "site_config.container_registry_use_managed_identity", "siteConfig.acrUseManagedIdentityCreds", asIs, ""},
	{siteTypes, "site_config.container_registry_managed_identity_client_id", "siteConfig.acrUserManagedIdentityID", asIs, ""},
	{policyTypes, "policy_definition_id", "policyDefinitionId", asIs, ""},
	{policyTypes, "enforce", "enforcementMode", enforced, ""},
}

// armSettings are the properties that are kept of resources which are written in Azure's
// own form (azapi, AzureHound): the same ones.
func armSettings() []string {
	paths := []string{"accessKeysAuthentication", "authConfig.activeDirectoryAuth", "authConfig.passwordAuth", "storageAccountRequired"}
	for _, s := range settings {
		if !slices.Contains(paths, s.to) {
			paths = append(paths, s.to)
		}
	}
	return paths
}

// settingsByType lists the settings of each provider type.
func settingsByType() map[string][]setting {
	byType := map[string][]setting{}
	for _, s := range settings {
		for t := range strings.SplitSeq(s.types, ",") {
			byType["azurerm_"+t] = append(byType["azurerm_"+t], s)
		}
	}
	return byType
}

// settingsOf returns the settings that an object has, by the property's path. What is
// known only after apply is left out: it was not read.
func (b *builder) settingsOf(v *view) map[string]string {
	out := map[string]string{}
	for _, s := range b.settings[v.typ] {
		path := strings.Split(s.from, ".")
		if _, there := v.attrs[path[0]]; !there || v.unknown.unknown(path...) {
			continue
		}
		value := at(v.attrs, path...)
		text, ok := s.text(value)
		if value == nil {
			if out[s.to] != "" {
				continue // an earlier name of the argument has the value
			}
			text = firstOf(s.unset, text)
		}
		if ok {
			out[s.to] = text
		}
	}
	return out
}

// appSettingsPath is where the settings of an app stand, by their names.
const appSettingsPath = "siteConfig.appSettings."

// appSettings adds the settings of an app; of one that is hidden it is known that it is
// there. Where one that selects an identity is known only after apply, what the code
// presents is not known, and none is told.
func (b *builder) appSettings(v *view, out map[string]string) {
	if _, site := siteKinds[v.typ]; !site {
		return
	}
	values, _ := v.attrs["app_settings"].(map[string]any)
	unknown, _ := v.unknown["app_settings"].(map[string]any)
	for _, name := range sortedKeys(unknown) {
		if on, _ := unknown[name].(bool); on && selectsIdentity(name) {
			b.gap(v, mivet.FactAppSettings, b.ownID(v), "its app setting "+name+" is known only after apply")
			return
		}
	}
	if v.unknown.unknown("app_settings") {
		b.gap(v, mivet.FactAppSettings, b.ownID(v), "its app settings are known only after apply")
		return
	}
	for name, value := range values {
		if text, ok := value.(string); ok && unknown[name] == nil {
			out[appSettingsPath+name] = text
		}
	}
}

// containerVariables adds the variables of containers, as those of Azure's own form are
// told: of container apps and their jobs, and of container groups. Where one that selects
// an identity is known only after apply, what the code presents is not known, and none is
// told.
func (b *builder) containerVariables(v *view, out map[string]string) {
	found := map[string]string{}
	add := func(path, name string, value, unknown any) bool {
		if on, _ := unknown.(bool); on {
			if !selectsIdentity(name) {
				return true
			}
			b.gap(v, mivet.FactAppSettings, b.ownID(v), "the variable "+name+" of a container is known only after apply")
			return false
		}
		if text, ok := value.(string); ok {
			found[path+name] = text
		}
		return true
	}
	switch v.typ {
	case "azurerm_container_app", "azurerm_container_app_job":
		for i, c := range v.attrs.blocks("template", "container") {
			where := []string{"template", "0", "container", strconv.Itoa(i), "env"}
			if v.unknown.unknown(where...) {
				b.gap(v, mivet.FactAppSettings, b.ownID(v), "the variables of a container are known only after apply")
				return
			}
			for n, one := range c.blocks("env") {
				name := one.str("name")
				if name != "" && !add(fmt.Sprintf("template.containers[%d].env.", i), name, one["value"], at(v.unknown, append(where, strconv.Itoa(n), "value")...)) {
					return
				}
			}
		}
	case "azurerm_container_group":
		for i, c := range v.attrs.blocks("container") {
			where := []string{"container", strconv.Itoa(i), "environment_variables"}
			if v.unknown.unknown(where...) {
				b.gap(v, mivet.FactAppSettings, b.ownID(v), "the variables of a container are known only after apply")
				return
			}
			values, _ := c["environment_variables"].(map[string]any)
			unknown, _ := at(v.unknown, where...).(map[string]any)
			for _, name := range sortedKeys(unknown) {
				if !add("", name, nil, unknown[name]) {
					return
				}
			}
			for _, name := range sortedKeys(values) {
				if !add(fmt.Sprintf("containers[%d].properties.environmentVariables.", i), name, values[name], unknown[name]) {
					return
				}
			}
		}
	}
	maps.Copy(out, found)
}

// selectsIdentity reports whether a value of a setting of that name may name an identity.
func selectsIdentity(name string) bool {
	keep := settingFilter()
	for _, value := range []string{"11111111-1111-4111-8111-111111111111", "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u"} {
		if keep(name, value) == value {
			return true
		}
	}
	return false
}

func (s setting) text(value any) (string, bool) {
	on, isBool := value.(bool)
	switch {
	case s.how == negated && isBool:
		return scalarText(!on)
	case s.how == switched && isBool && on:
		return "Enabled", true
	case s.how == switched && isBool:
		return "Disabled", true
	case s.how == enforced && isBool && on:
		return "Default", true
	case s.how == enforced && isBool:
		return "DoNotEnforce", true
	default:
		return scalarText(value)
	}
}

// armSettingsOf returns the kept properties of a resource in Azure's own form, out of
// those paths.
func armSettingsOf(paths []string, properties map[string]any) map[string]string {
	out := map[string]string{}
	for _, path := range paths {
		first, _, _ := strings.Cut(path, ".")
		if _, ok := properties[first]; !ok {
			continue
		}
		v := at(properties, strings.Split(path, ".")...)
		if v == nil {
			continue
		}
		if text, ok := scalarText(v); ok {
			out[path] = text
		}
	}
	return out
}

// siteKinds are the kinds that Azure gives to the resources of Microsoft.Web/sites.
var siteKinds = map[string]string{
	"azurerm_linux_web_app": "app,linux", "azurerm_linux_web_app_slot": "app,linux",
	"azurerm_windows_web_app": "app", "azurerm_windows_web_app_slot": "app",
	"azurerm_app_service": "app", "azurerm_app_service_slot": "app",
	"azurerm_linux_function_app": "functionapp,linux", "azurerm_linux_function_app_slot": "functionapp,linux",
	"azurerm_function_app_flex_consumption": "functionapp,linux",
	"azurerm_windows_function_app":          "functionapp", "azurerm_windows_function_app_slot": "functionapp",
	"azurerm_function_app": "functionapp", "azurerm_function_app_slot": "functionapp",
	"azurerm_logic_app_standard": "functionapp,workflowapp",
}

// detail returns what is kept of a resource beside its name, or nil.
func (b *builder) detail(v *view) *mivet.Detail {
	d := mivet.Detail{Kind: v.attrs.str("kind"), Settings: b.settingsOf(v)}
	b.appSettings(v, d.Settings)
	b.containerVariables(v, d.Settings)
	if k, ok := siteKinds[v.typ]; ok && d.Kind == "" {
		d.Kind = k
	}
	d.Tags = textMap(at(v.attrs, "tags"))
	d.ManagedBy = knownID(v.attrs.str("managed_by"))
	if isAzapi(v.typ) {
		d = b.mergedAzapiDetail(v, d)
	}
	return orNil(d)
}

// orNil returns nil for a detail that says nothing.
func orNil(d mivet.Detail) *mivet.Detail {
	if len(d.Tags) == 0 {
		d.Tags = nil
	}
	if len(d.Settings) == 0 {
		d.Settings = nil
	}
	if d.Kind == "" && d.Tags == nil && d.Settings == nil && d.ManagedBy.IsZero() {
		return nil
	}
	return &d
}

func textMap(v any) map[string]string {
	m, _ := v.(map[string]any)
	out := make(map[string]string, len(m))
	for k, e := range m {
		if s, ok := e.(string); ok {
			out[k] = s
		}
	}
	return out
}
