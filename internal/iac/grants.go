// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// reader of one provider type: it adds facts beside the resource itself.
type typeReader func(b *builder, v *view)

// typeReaders returns the readers of types that say more than that a resource exists.
// Types that bind rights to a principal are listed in grantTypes too.
func typeReaders() map[string]typeReader {
	m := map[string]typeReader{
		"azurerm_role_assignment":              (*builder).roleAssignment,
		"azurerm_pim_active_role_assignment":   (*builder).pimAssignment,
		"azurerm_pim_eligible_role_assignment": (*builder).pimAssignment,
		"azurerm_role_definition":              (*builder).roleDefinition,
		"azurerm_key_vault":                    (*builder).inlinePolicies,
		"azurerm_key_vault_access_policy":      (*builder).accessPolicy,
		"azurerm_federated_identity_credential": func(b *builder, v *view) {
			b.federatedCredential(v, "user_assigned_identity_id", "parent_id")
		},
		"azurerm_management_group":                          (*builder).managementGroup,
		"azurerm_management_group_subscription_association": (*builder).subscriptionParent,
		"azurerm_subscription":                              (*builder).subscriptionFact,
		"azurerm_management_lock":                           (*builder).lock,
		"azurerm_lighthouse_assignment":                     (*builder).delegation,
		"azurerm_marketplace_role_assignment":               unreadGrant("roles of the marketplace are not evaluated"),
		"azurerm_role_assignment_marketplace":               unreadGrant("roles of the marketplace are not evaluated"),
		"azurerm_synapse_role_assignment":                   unreadGrant("Synapse roles are not evaluated"),
		"azurerm_synapse_workspace_aad_admin":               unreadGrant("Synapse roles are not evaluated"),
		"azurerm_synapse_workspace_sql_aad_admin":           unreadGrant("Synapse roles are not evaluated"),
		"azurerm_mongo_cluster_user":                        unreadGrant("users of MongoDB clusters are not evaluated"),
		"azurerm_storage_data_lake_gen2_filesystem":         (*builder).pathACLs,
		"azurerm_storage_data_lake_gen2_path":               (*builder).pathACLs,
		"azapi_resource":                                    (*builder).azapiFacts,
		"azapi_update_resource":                             (*builder).azapiFacts,
	}
	for _, t := range []string{"resource_group", "subscription", "management_group", "tenant"} {
		m["azurerm_"+t+"_template_deployment"] = (*builder).templateDeployment
	}
	m["azurerm_template_deployment"] = (*builder).templateDeployment
	addLocalReaders(m)
	addDirectoryReaders(m)
	return m
}

// isGrant reports whether an object of a plan binds rights to a principal by an object of
// its own: the types of the schema of azurerm 5.2.0 whose principal_id or object_id is an
// argument at the top, their earlier names, and those of azuread.
func isGrant(typ string) bool {
	switch typ {
	case "azurerm_role_assignment",
		"azurerm_role_assignment_marketplace",
		"azurerm_marketplace_role_assignment",
		"azurerm_pim_active_role_assignment",
		"azurerm_pim_eligible_role_assignment",
		"azurerm_key_vault_access_policy",
		"azurerm_key_vault_managed_hardware_security_module_role_assignment",
		"azurerm_cosmosdb_sql_role_assignment",
		"azurerm_kusto_cluster_principal_assignment",
		"azurerm_kusto_database_principal_assignment",
		"azurerm_kusto_database_principal",
		"azurerm_redis_cache_access_policy_assignment",
		"azurerm_managed_redis_access_policy_assignment",
		"azurerm_mongo_cluster_user",
		"azurerm_synapse_role_assignment",
		"azurerm_synapse_workspace_aad_admin",
		"azurerm_synapse_workspace_sql_aad_admin",
		"azurerm_sql_active_directory_administrator",
		"azurerm_sql_managed_instance_active_directory_administrator",
		"azurerm_mssql_managed_instance_active_directory_administrator",
		"azurerm_mysql_active_directory_administrator",
		"azurerm_mysql_flexible_server_aad_administrator",
		"azurerm_mysql_flexible_server_active_directory_administrator",
		"azurerm_postgresql_active_directory_administrator",
		"azurerm_postgresql_flexible_server_active_directory_administrator",
		"azuread_app_role_assignment",
		"azuread_directory_role_assignment",
		"azuread_directory_role_member",
		"azuread_directory_role_eligibility_schedule_request":
		return true
	default:
		return false
	}
}

// isFederatedCredential reports whether a type lets tokens of an outside issuer act as an
// identity.
func isFederatedCredential(typ string) bool {
	switch typ {
	case "azurerm_federated_identity_credential",
		"azuread_application_federated_identity_credential",
		"azuread_application_flexible_federated_identity_credential":
		return true
	default:
		return false
	}
}

// unreadGrant reads a grant that no engine evaluates: it becomes a gap.
func unreadGrant(reason string) typeReader {
	return func(b *builder, v *view) {
		b.gaps.tally(mivet.FactLocalGrants, reason, v.typ, v.address, v.src)
	}
}

func (b *builder) roleAssignment(v *view) {
	a := mivet.RoleAssignment{
		ID:               knownID(v.attrs.str("id")),
		PrincipalType:    mivet.PrincipalType(v.attrs.str("principal_type")),
		Condition:        v.attrs.str("condition"),
		ConditionVersion: v.attrs.str("condition_version"),
		ConditionUnknown: v.unknown.unknown("condition"),
		Description:      v.attrs.str("description"),
		Source:           v.src,

		DescriptionUnknown: v.unknown.unknown("description"),
	}
	a.DelegatedIdentity = knownID(v.attrs.str("delegated_managed_identity_resource_id"))
	if b.bind(v, &a, mivet.FactRoleAssignments) {
		b.snap.RoleAssignments = append(b.snap.RoleAssignments, a)
	}
}

// bind fills in scope, role and principal of an assignment, and reports whether it can be
// stated. What is missing becomes a gap.
func (b *builder) bind(v *view, a *mivet.RoleAssignment, facts mivet.FactKind) bool {
	var problem string
	if a.Scope, problem = b.scope(v, "scope"); problem != "" {
		b.gap(v, facts, arm.ID{}, "its scope "+problem)
		return false
	}
	if a.Role, a.RoleName, problem = b.role(v); problem != "" {
		b.gap(v, facts, a.Scope, "its role "+problem)
		return false
	}
	a.Principal, problem = b.principal(v, false, "principal_id")
	if problem == "" && a.Principal == "" {
		problem = "is not in the file"
	}
	if problem == "" {
		return true
	}
	b.gap(v, facts, a.Scope, "its principal "+problem)
	if problem == whyEmpty || problem == whyAbsent {
		return false
	}
	a.Principal = mivet.SymbolicPrincipal(v.address) // whoever it will be
	return true
}

// pimAssignment reads an assignment of Privileged Identity Management. One that is bound
// by a duration from the time of apply is stated without an end, since that time is not
// in the plan.
func (b *builder) pimAssignment(v *view) {
	facts := mivet.FactRoleAssignments
	a := mivet.RoleAssignment{Eligible: strings.Contains(v.typ, "eligible"), Source: v.src}
	if a.Eligible {
		facts = mivet.FactEligibleAssignments
	}
	a.Condition, a.ConditionVersion = v.attrs.str("condition"), v.attrs.str("condition_version")
	a.ConditionUnknown = v.unknown.unknown("condition")
	a.Start = timeOf(v.attrs.str("schedule", "start_date_time"))
	a.End = timeOf(v.attrs.str("schedule", "expiration", "end_date_time"))
	if a.End.IsZero() && !a.Start.IsZero() {
		a.End = a.Start.Add(durationOf(at(v.attrs, "schedule", "expiration", "duration_days"), 24) +
			durationOf(at(v.attrs, "schedule", "expiration", "duration_hours"), 1))
		if a.End.Equal(a.Start) {
			a.End = time.Time{}
		}
	}
	if b.bind(v, &a, facts) {
		b.snap.RoleAssignments = append(b.snap.RoleAssignments, a)
	}
}

func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil { // absent, or a form that Azure does not write: without bound
		return time.Time{}
	}
	return t
}

const maxDurationHours = 24 * 366 * 100

func durationOf(v any, hours float64) time.Duration {
	n, _ := v.(float64)
	if n *= hours; n <= 0 || n > maxDurationHours {
		return 0
	}
	return time.Duration(n) * time.Hour
}

func (b *builder) roleDefinition(v *view) {
	if v.data && v.attrs.str("type") != "CustomRole" {
		return // what Azure defines is known without the plan
	}
	d := mivet.RoleDefinition{
		ID: b.roleID(v), Name: v.attrs.str("name"), Description: v.attrs.str("description"),
		AssignableScopes: v.attrs.list("assignable_scopes"), Source: v.src,
	}
	if len(d.AssignableScopes) == 0 {
		if scope, _ := b.scope(v, "scope"); !scope.IsZero() {
			d.AssignableScopes = []string{scope.String()}
		}
	}
	for _, p := range v.attrs.blocks("permissions") {
		d.Permissions = append(d.Permissions, mivet.Permission{
			Actions: p.list("actions"), NotActions: p.list("not_actions"),
			DataActions: p.list("data_actions"), NotDataActions: p.list("not_data_actions"),
			Condition: p.str("condition"), ConditionVersion: p.str("condition_version"),
		})
	}
	if anyUnknown(v.unknown["permissions"]) {
		b.gap(v, mivet.FactRoleDefinitions, arm.ID{}, "its permissions are known only after apply")
		return
	}
	b.snap.RoleDefinitions = append(b.snap.RoleDefinitions, d)
}

// federatedCredential reads a credential of a user-assigned identity, which one of the
// arguments names.
func (b *builder) federatedCredential(v *view, args ...string) {
	c := mivet.FederatedCredential{
		ID: b.ownID(v), Name: b.name(v, "name"), Issuer: v.attrs.str("issuer"),
		Subject: v.attrs.str("subject"), Audiences: v.attrs.list("audience"), Source: v.src,
	}
	problem := whyAbsent
	for _, arg := range args {
		if id, why := b.scope(v, arg); why == "" {
			c.Identity, problem = id, ""
			break
		} else if why != whyAbsent {
			problem = why
		}
	}
	if problem != "" {
		b.gap(v, mivet.FactFederatedCredentials, arm.ID{}, "its identity "+problem)
		return
	}
	b.credential(v, c)
}

// credential adds a federated credential, and gaps for what is not known of it.
func (b *builder) credential(v *view, c mivet.FederatedCredential) {
	for _, part := range []struct{ name, value string }{{"issuer", c.Issuer}, {"subject", c.Subject}} {
		if part.value == "" && v.unknown.unknown(part.name) {
			b.gap(v, mivet.FactFederatedCredentials, c.Identity, "its "+part.name+" is known only after apply")
		}
	}
	b.snap.FederatedCredentials = append(b.snap.FederatedCredentials, c)
}
