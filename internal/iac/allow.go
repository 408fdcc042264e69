// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"

	"github.com/mivet/mivet/redact"
)

// allowed are the attributes of resources that are kept, as dotted paths. Everything else
// in a plan or a state is skipped while it streams by, secrets included.
var allowed = []string{
	"id", "name", "location", "kind", "managed_by", "tags", "resource_group_name", "resource_id",
	"resource_manager_id", "resource_versionless_id", "parent_id", "type", "scope", "tenant_id", "client_id",
	"identity.type", "identity.principal_id", "identity.tenant_id", "identity.identity_ids",

	// Role assignments and definitions.
	"principal_id", "principal_type", "role_definition_id", "role_definition_name", "role_definition_resource_id",
	"condition", "condition_version", "description", "delegated_managed_identity_resource_id",
	"schedule.start_date_time", "schedule.expiration.duration_days", "schedule.expiration.duration_hours", "schedule.expiration.end_date_time",
	"permissions.actions", "permissions.not_actions", "permissions.data_actions", "permissions.not_data_actions",
	"permissions.condition", "permissions.condition_version", "assignable_scopes",
	"permission.actions", "permission.not_actions", "permission.data_actions", "permission.not_data_actions", "role_name",

	// Vaults.
	"key_vault_id", "object_id", "application_id",
	"key_permissions", "secret_permissions", "certificate_permissions", "storage_permissions",
	"access_policy.object_id", "access_policy.application_id", "access_policy.tenant_id", "access_policy.key_permissions",
	"access_policy.secret_permissions", "access_policy.certificate_permissions", "access_policy.storage_permissions",

	// Federated credentials.
	"user_assigned_identity_id", "issuer", "subject", "audience", "audiences", "claims_matching_expression",

	// Authorization that services keep by themselves.
	"access_policy_name", "role",
	"azuread_administrator.object_id", "azuread_administrator.azuread_authentication_only",
	"azure_active_directory_administrator.object_id", "azure_active_directory_administrator.azuread_authentication_only_enabled",
	"ace.scope", "ace.type", "ace.id", "ace.permissions", "path", "filesystem_name", "resource",

	// Identities that a cluster reports.
	"kubelet_identity.client_id", "kubelet_identity.object_id", "kubelet_identity.user_assigned_identity_id",
	"key_vault_secrets_provider.secret_identity", "oms_agent.oms_agent_identity", "web_app_routing.web_app_routing_identity",
	"ingress_application_gateway.ingress_application_gateway_identity", "aci_connector_linux.connector_identity",

	// The tree above resources, locks, Lighthouse.
	"display_name", "parent_management_group_id", "management_group_id", "subscription_ids", "subscription_id", "subscription_name", "lock_level",
	"managing_tenant_id", "lighthouse_definition_id",
	"authorization.principal_id", "authorization.principal_display_name", "authorization.role_definition_id", "authorization.delegated_role_definition_ids",
	"eligible_authorization.principal_id", "eligible_authorization.principal_display_name", "eligible_authorization.role_definition_id",

	// The directory.
	"members", "group_object_id", "member_object_id", "application_object_id", "application_tenant_id", "account_enabled",
	"app_role_id", "principal_object_id", "resource_object_id", "resource_display_name",
	"role_id", "role_object_id", "template_id", "directory_scope_id",
}

// allowedInBody are the members of a resource in Azure's own form that are kept, as
// azapi has it in "body".
var allowedInBody = []string{
	"location", "kind", "tags", "managedBy",
	"identity.type", "identity.principalId", "identity.tenantId", "identity.userAssignedIdentities",
	"properties.principalId", "properties.principalType", "properties.roleDefinitionId", "properties.scope", "properties.condition",
	"properties.conditionVersion", "properties.description", "properties.delegatedManagedIdentityResourceId", "properties.requestType",
	"properties.roleName", "properties.assignableScopes",
	"properties.permissions.actions", "properties.permissions.notActions", "properties.permissions.dataActions",
	"properties.permissions.notDataActions", "properties.permissions.condition", "properties.permissions.conditionVersion",
	"properties.accessPolicies.objectId", "properties.accessPolicies.applicationId", "properties.accessPolicies.tenantId",
	"properties.accessPolicies.permissions",
	"properties.issuer", "properties.subject", "properties.audiences", "properties.claimsMatchingExpression.value",
	"properties.level", "properties.displayName", "properties.details.parent.id",
	"properties.objectId", "properties.accessPolicyName", "properties.role", "properties.sid", "properties.user.objectId",
	"properties.tenantId",
}

// allowedInOutput are the members of what azapi reports back.
var allowedInOutput = []string{
	"identity.principalId", "identity.tenantId", "properties.principalId", "properties.clientId", "properties.tenantId",
}

// attributeFields returns the allow-list for attributes of resources.
func attributeFields(types typeTable) *fields {
	f := newFields(allowed...)
	for _, s := range settings {
		f.add(s.from)
	}
	for _, list := range selectorsByType() {
		for _, attribute := range list {
			f.add(attribute)
		}
	}
	types.arguments(func(arg string) { f.add(arg) })
	for _, g := range localGrants {
		parseRow(g.account).arguments(func(arg string) { f.add(arg) })
	}
	body := f.add("body")
	body.all, body.text = false, true
	for _, p := range allowedInBody {
		body.add(p)
	}
	for _, p := range armSettings() {
		body.add("properties." + p)
	}
	f.add("app_settings").setting = settingFilter()
	f.add("container.environment_variables").setting = settingFilter()
	env := f.add("template.container.env")
	env.setting, env.named = settingFilter(), true
	output := f.add("output")
	output.all, output.text = false, true
	for _, p := range allowedInOutput {
		output.add(p)
	}
	return f
}

// settingFilter says what may be kept of an app setting: names that select an identity,
// and a mark in place of everything else.
func settingFilter() func(name, value string) string {
	r, err := redact.New(redact.Options{})
	return func(name, value string) string {
		if err != nil {
			return redact.Marker
		}
		v, ok := r.Value("Microsoft.Web/sites", appSettingsPath+name, value)
		if !ok {
			return redact.Marker
		}
		return v
	}
}

// expressionFields returns the allow-list for expressions: the same paths, with what an
// expression says at each of them. Of bodies only the references are kept.
func expressionFields(attributes *fields) *fields {
	f := &fields{kids: map[string]*fields{}}
	for name, sub := range attributes.kids {
		switch {
		case name == "body" || name == "output":
			f.add(name + ".references")
		case sub.setting != nil:
			f.add(name + ".references")
		case len(sub.kids) == 0:
			f.add(name + ".references")
			f.add(name + ".constant_value")
		default:
			f.kids[name] = expressionFields(sub)
			f.add(name + ".references")
		}
	}
	return f
}

// providerName returns the short name of a provider: "azurerm" of
// "registry.terraform.io/hashicorp/azurerm". Old files do not name it with the object; the
// type does then.
func providerName(o *object) string {
	if o.provider != "" {
		return o.provider[strings.LastIndexByte(o.provider, '/')+1:]
	}
	name, _, _ := strings.Cut(o.typ, "_")
	return name
}
