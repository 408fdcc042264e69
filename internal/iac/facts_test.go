// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// has checks that each text is part of a line of the printed facts; "!" before it: of none.
func has(t *testing.T, text string, want ...string) {
	t.Helper()
	got := stripped(read(t, text))
	for _, w := range want {
		if rest, not := strings.CutPrefix(w, "!"); not {
			if strings.Contains(got, rest) {
				t.Errorf("%q is there", rest)
			}
		} else if !strings.Contains(got, w) {
			t.Errorf("%q is not in\n%s", w, withoutCommon(got))
		}
	}
}

func withoutCommon(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !strings.Contains(line, "only what it manages") && !strings.HasPrefix(line, "declared") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// config makes a configuration of root resources: address and expressions, in turn.
func config(pairs ...string) string {
	var list []string
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, fmt.Sprintf(`{"address":%q,"expressions":{%s}}`, pair[0], pair[1]))
	}
	return `{"provider_config":{"azurerm":{"expressions":{"subscription_id":{"constant_value":"` + testSub + `"}}}},"root_module":{"resources":[` + strings.Join(list, ",") + `]}}`
}

const (
	testSub   = "11111111-2222-4333-8444-555555555555"
	testGroup = "/subscriptions/" + testSub + "/resourceGroups/g"
	ann       = "aaaaaaaa-0000-4000-8000-000000000001"
	userID    = `{"name":"id","resource_group_name":"g","principal_id":null,"client_id":null}`
)

// from writes an expression that refers to something.
func from(attr string, refs ...string) string {
	return fmt.Sprintf(`%q:{"references":["%s"]}`, attr, strings.Join(refs, `","`))
}

func TestRoleAssignments(t *testing.T) {
	const grant = "azurerm_role_assignment.x"
	f := func(after, exprs string, want ...string) {
		t.Helper()
		has(t, planOf(changes("azurerm_user_assigned_identity.id", userID, "azurerm_key_vault.kv", `{"name":"kv","resource_group_name":"g"}`,
			"azurerm_kubernetes_cluster.aks", `{"name":"aks","resource_group_name":"g","identity":[{"type":"SystemAssigned"}],"kubelet_identity":null}`,
			"azurerm_role_definition.r", `{"name":"Ours","scope":"/subscriptions/1","permissions":[]}`, grant, after), config(grant, exprs)), want...)
	}
	const byID = `"principal_id":"` + ann + `"`
	f(`{"scope":"/","role_definition_name":"Reader",`+byID+`}`, ``, `of "" "Reader" to "`+ann+`" () at / `)
	f(`{"scope":"nonsense","role_definition_name":"Reader",`+byID+`}`, ``, "!\nassignment", "its scope is no resource ID")
	f(`{"role_definition_name":"Reader",`+byID+`}`, ``, "!\nassignment", "its scope is not set")
	f(`{"scope":"/subscriptions/1",`+byID+`,"role_definition_id":null,"role_definition_name":null}`, from("role_definition_id", "local.role"), "!\nassignment", "its role is known only after apply")
	f(`{"scope":"/subscriptions/1",`+byID+`,"role_definition_name":"ours"}`, ``, `of "{azurerm_role_definition.r}" "ours"`)
	f(`{"scope":"/subscriptions/1","role_definition_name":"Reader"}`, ``, "!\nassignment", "its principal is not set")
	f(`{"scope":"/subscriptions/1","role_definition_name":"Reader","principal_id":"  "}`, ``, "!\nassignment", "planned as an empty text")

	const late = `{"scope":null,"role_definition_name":"Reader","principal_id":null}`
	scope := from("scope", "azurerm_key_vault.kv.id", "azurerm_key_vault.kv")
	f(late, scope+","+from("principal_id", "azurerm_user_assigned_identity.id"), `to "principal of azurerm_user_assigned_identity.id" () at `+testGroup+"/providers/Microsoft.KeyVault/vaults/kv ")
	f(late, scope+","+from("principal_id", "azurerm_user_assigned_identity.id.client_id"), "its principal names a client ID", `to "principal of azurerm_role_assignment.x"`)
	f(late, scope+","+from("principal_id", "azurerm_user_assigned_identity.id.name"), "its principal is known only after apply", `to "principal of azurerm_role_assignment.x"`)
	f(late, scope+","+from("principal_id", "azurerm_kubernetes_cluster.aks"), "its principal may be one of several objects")
	f(late, scope+","+from("principal_id", "azurerm_kubernetes_cluster.aks.identity[0].principal_id"), `to "principal of azurerm_kubernetes_cluster.aks"`)
	f(late, scope+","+from("principal_id", "azurerm_kubernetes_cluster.aks.kubelet_identity[0].object_id"), `to "principal of azurerm_kubernetes_cluster.aks.kubelet_identity"`)
	f(late, scope+","+from("principal_id", "azurerm_kubernetes_cluster.aks.identity[0].principal_id", "azurerm_user_assigned_identity.id.principal_id"), "its principal may be one of several")
	f(late, scope+","+from("principal_id", "azurerm_user_assigned_identity.id.principal_id", "local.x"), "its principal may be one of several")
	f(late, scope+`,"principal_id":{"constant_value":"`+ann+`"}`, `to "`+ann+`"`)
	f(late, from("scope", "azurerm_key_vault.kv.id", "azurerm_user_assigned_identity.id.name"), "its scope may be one of several")
	f(late, from("scope", "azurerm_key_vault.kv.id", "local.suffix"), "its scope may be one of several")
	f(late, from("scope", "azurerm_key_vault.kv.name"), "!\nassignment", "its scope is known only after apply")
	f(late, from("scope", "azurerm_role_assignment.x.scope"), "!\nassignment", "its scope is known only after apply")
}

func TestVaultSettings(t *testing.T) {
	f := func(after, want string) {
		t.Helper()
		has(t, planOf(changes("azurerm_key_vault.kv", after), config()), want)
	}
	f(`{"name":"kv","resource_group_name":"g","rbac_authorization_enabled":true,"enable_rbac_authorization":null}`, "enableRbacAuthorization=true")
	f(`{"name":"kv","resource_group_name":"g","enable_rbac_authorization":true}`, "enableRbacAuthorization=true")
	f(`{"name":"kv","resource_group_name":"g","enable_rbac_authorization":false}`, "enableRbacAuthorization=false")
	f(`{"name":"kv","resource_group_name":"g","rbac_authorization_enabled":null}`, "!enableRbacAuthorization")
}

func TestSettings(t *testing.T) {
	f := func(typ, attrs, want string) {
		t.Helper()
		has(t, planOf(changes("azurerm_"+typ+".x", `{"name":"x","resource_group_name":"g",`+attrs+`}`), config()), want)
	}
	f("cosmosdb_account", `"local_authentication_disabled":true`, "disableLocalAuth=true")
	f("cosmosdb_account", `"local_authentication_enabled":true`, "disableLocalAuth=false")
	f("servicebus_namespace", `"local_auth_enabled":false`, "disableLocalAuth=true")
	f("postgresql_flexible_server", `"authentication":[{"active_directory_auth_enabled":true,"password_auth_enabled":false}]`, "authConfig.activeDirectoryAuth=Enabled authConfig.passwordAuth=Disabled")
	f("subscription_policy_assignment", `"policy_definition_id":"/providers/Microsoft.Authorization/policyDefinitions/d","enforce":true`, "enforcementMode=Default policyDefinitionId=/providers/Microsoft.Authorization/policyDefinitions/d")
	f("management_group_policy_assignment", `"management_group_id":"/providers/Microsoft.Management/managementGroups/m","enforce":false`, "enforcementMode=DoNotEnforce")
	f("batch_account", `"allowed_authentication_modes":["AAD","SharedKey"]`, "allowedAuthenticationModes=AAD,SharedKey")
	f("kubernetes_cluster", `"local_account_disabled":true,"azure_active_directory_role_based_access_control":[{"azure_rbac_enabled":true}],"oidc_issuer_url":null`, "aadProfile.enableAzureRBAC=true disableLocalAccounts=true")
	f("log_analytics_workspace", `"local_authentication_enabled":false`, "features.disableLocalAuth=true")
}

func TestIDs(t *testing.T) {
	f := func(want string, exprs string, pairs ...string) {
		t.Helper()
		has(t, planOf(changes(pairs...), config(pairs[len(pairs)-2], exprs)), "resource "+want+" in")
	}
	g := testGroup + "/providers/"
	f(g+"Microsoft.ServiceBus/namespaces/ns/queues/q", from("namespace_id", "azurerm_servicebus_namespace.ns.id"),
		"azurerm_servicebus_namespace.ns", `{"name":"ns","resource_group_name":"g"}`, "azurerm_servicebus_queue.q", `{"name":"q","namespace_id":null}`)
	f(g+"Microsoft.ServiceBus/namespaces/ns/queues/q", ``, "azurerm_servicebus_queue.q", `{"name":"q","namespace_name":"ns","resource_group_name":"g"}`)
	f(g+"Microsoft.KeyVault/vaults/kv/secrets/s", ``, "azurerm_key_vault_secret.s", `{"name":"s","key_vault_id":"`+g+`Microsoft.KeyVault/vaults/kv"}`)
	f(g+"Microsoft.Storage/storageAccounts/sa/blobServices/default/containers/c", ``,
		"azurerm_storage_container.c", `{"name":"c","storage_account_id":"`+g+`Microsoft.Storage/storageAccounts/sa"}`)
	f(g+"Microsoft.MachineLearningServices/workspaces/p", ``, "azurerm_ai_foundry_project.p", `{"name":"p","ai_services_hub_id":"`+g+`Microsoft.MachineLearningServices/workspaces/hub"}`)
	f(testGroup+"/providers/Microsoft.Authorization/policyAssignments/a", ``, "azurerm_resource_group_policy_assignment.a", `{"name":"a","resource_group_id":"`+testGroup+`"}`)
	f("/subscriptions/"+testSub+"/providers/Microsoft.Authorization/policyAssignments/a", ``, "azurerm_subscription_policy_assignment.a", `{"name":"a","subscription_id":"/subscriptions/`+testSub+`"}`)
	f("/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Authorization/policyAssignments/a", ``,
		"azurerm_management_group_policy_assignment.a", `{"name":"a","management_group_id":"/providers/Microsoft.Management/managementGroups/m"}`)
	f("/subscriptions/"+testSub+"/resourceGroups/{azurerm_resource_group.late}/providers/Microsoft.KeyVault/vaults/{azurerm_key_vault.kv}", from("resource_group_name", "azurerm_resource_group.late.name"),
		"azurerm_resource_group.late", `{"name":null}`, "azurerm_key_vault.kv", `{"name":null,"resource_group_name":null}`)
	f("/subscriptions/"+testSub+"/resourceGroups/{azurerm_key_vault.kv}/providers/Microsoft.KeyVault/vaults/kv", from("resource_group_name", "local.group"),
		"azurerm_key_vault.kv", `{"name":"kv","resource_group_name":null}`)
	has(t, planOf(changes("azurerm_servicebus_queue.q", `{"name":"q","namespace_id":null}`), config()), "does not tell the ID of objects of this type: 1 (azurerm_servicebus_queue.q)")
	has(t, planOf(changes(`azurerm_key_vault.kv["eu/west"]`, `{"name":null,"resource_group_name":"g"}`), config()), `vaults/{azurerm_key_vault.kv["eu_west"]} `)
}

func TestAttachments(t *testing.T) {
	f := func(identity, exprs string, want ...string) {
		t.Helper()
		has(t, planOf(changes("azurerm_user_assigned_identity.id", userID, "azurerm_linux_web_app.a", `{"name":"a","resource_group_name":"g","identity":`+identity+`}`),
			config("azurerm_linux_web_app.a", exprs)), want...)
	}
	uami := testGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	f(`[{"type":"UserAssigned","identity_ids":["`+uami+`known","`+strings.ToUpper(uami+`known`)+`"]}]`, ``, "carries system false \"\" user ["+uami+"known]")
	f(`null`, `"identity":[{"type":{"constant_value":"UserAssigned"},`+from("identity_ids", "azurerm_user_assigned_identity.id.id")+`}]`, "carries system false \"\" user ["+uami+"id]")
	f(`null`, `"identity":[{`+from("type", "local.t")+`}]`, "!carries", "the type of its identity is known only after apply")
	f(`[{"type":"UserAssigned","identity_ids":null}]`, from("identity", "local.ids"), "user []")
	f(`[]`, ``, "!carries", "!the type of its identity")
	f(`[{"type":"None"}]`, ``, "!carries")
}

// An attribute that is unknown although nobody wrote it is a default of the service.
func TestNoIdentityInSource(t *testing.T) {
	has(t, planOf(changes("azurerm_storage_account.a", `{"name":"a","resource_group_name":"g","identity":null}`), config("azurerm_storage_account.a", `"name":{"constant_value":"a"}`)),
		"storageAccounts/a in", "!carries", "!the type of its identity")
}

func TestLocalGrants(t *testing.T) {
	f := func(typ, attrs string, want ...string) {
		t.Helper()
		has(t, planOf(changes(typ+".x", attrs), config()), want...)
	}
	g := testGroup + "/providers/"
	f("azurerm_key_vault_managed_hardware_security_module_role_assignment",
		`{"managed_hsm_id":"`+g+`Microsoft.KeyVault/managedHSMs/h","scope":"/keys","role_definition_id":"/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b","principal_id":"`+ann+`"}`,
		`local grant managedhsm of "21dbd100-6940-42c2-9190-5d6cb909625b" to "`+ann+`" in `+g+`Microsoft.KeyVault/managedHSMs/h at "/keys"`)
	f("azurerm_redis_cache_access_policy_assignment", `{"name":"x","redis_cache_id":"`+g+`Microsoft.Cache/redis/r","access_policy_name":"Data Reader","object_id":"`+ann+`"}`,
		`local grant redis of "Data Reader" to "`+ann+`" in `+g+`Microsoft.Cache/redis/r`)
	f("azurerm_managed_redis_access_policy_assignment", `{"managed_redis_id":"`+g+`Microsoft.Cache/redisEnterprise/r","object_id":"`+ann+`"}`, `local grant redis of "default"`)
	f("azurerm_postgresql_flexible_server_active_directory_administrator", `{"server_name":"p","resource_group_name":"g","object_id":"`+ann+`"}`, `local grant postgresql of "administrator" to "`+ann+`" in `+g+`Microsoft.DBforPostgreSQL/flexibleServers/p`)
	f("azurerm_mysql_flexible_server_active_directory_administrator", `{"server_id":"`+g+`Microsoft.DBforMySQL/flexibleServers/m","object_id":"`+ann+`"}`, `local grant mysql of "administrator"`)
	f("azurerm_mssql_managed_instance_active_directory_administrator", `{"managed_instance_id":"`+g+`Microsoft.Sql/managedInstances/m","object_id":"`+ann+`"}`, `local grant sqladmin of "administrator"`)
	f("azurerm_kusto_cluster_principal_assignment", `{"cluster_name":"c","resource_group_name":"g","role":"AllDatabasesViewer","principal_id":"`+ann+`"}`, `local grant kusto of "AllDatabasesViewer" to "`+ann+`" in `+g+`Microsoft.Kusto/clusters/c at ""`)
	f("azurerm_cosmosdb_sql_role_definition", `{"name":"ours","account_name":"a","resource_group_name":"g","role_definition_id":"84cf3a8b-4122-4448-bce2-fa423cfe0a15","permissions":[{"data_actions":["Microsoft.DocumentDB/*"]}]}`,
		`local role cosmos 84cf3a8b-4122-4448-bce2-fa423cfe0a15 "ours" in `+g+`Microsoft.DocumentDB/databaseAccounts/a: [Microsoft.DocumentDB/*]`)
	f("azurerm_redis_cache_access_policy", `{"name":"ours","redis_cache_id":"`+g+`Microsoft.Cache/redis/r","permissions":"+@read"}`, `local role redis ours`)
	f("azurerm_key_vault_managed_hardware_security_module_role_definition", `{"name":"21dbd100-6940-42c2-9190-5d6cb909625b","role_name":"ours","managed_hsm_id":"`+g+`Microsoft.KeyVault/managedHSMs/h","permission":[{"data_actions":["a"],"not_data_actions":["b"]}]}`,
		`local role managedhsm 21dbd100-6940-42c2-9190-5d6cb909625b "ours"`)
	f("azurerm_synapse_role_assignment", `{"principal_id":"`+ann+`"}`, "Synapse roles are not evaluated: 1")
	f("azurerm_redis_cache_access_policy_assignment", `{"redis_cache_id":null}`, "does not tell which resource it belongs to")
	f("azurerm_kusto_cluster_principal_assignment", `{"cluster_name":"c","resource_group_name":"g","role":null,"principal_id":"`+ann+`"}`, "its role is known only after apply")
	f("azurerm_kusto_cluster_principal_assignment", `{"cluster_name":"c","resource_group_name":"g","role":"x","principal_id":null}`, "its principal is known only after apply")
}

func TestDirectory(t *testing.T) {
	f := func(want string, exprs string, pairs ...string) {
		t.Helper()
		has(t, planOf(changes(pairs...), config(pairs[len(pairs)-2], exprs)), want)
	}
	sp := []string{"azuread_service_principal.app", `{"object_id":null,"client_id":null,"display_name":"app","account_enabled":false}`}
	f(`principal "principal of azuread_service_principal.app" ServicePrincipal "app" client "" managed false disabled true`, ``, sp...)
	f(`principal "`+ann+`" User "Ann"`, ``, "azuread_user.ann", `{"object_id":"`+ann+`","display_name":"Ann"}`)
	f(`app role r of "bbb" "Graph" to "principal of azuread_service_principal.app"`, from("principal_object_id", "azuread_service_principal.app.object_id"),
		append(sp[:2:2], "azuread_app_role_assignment.x", `{"app_role_id":"r","resource_object_id":"bbb","resource_display_name":"Graph","principal_object_id":null}`)...)
	f(`directory role r "" to "`+ann+`" at / eligible false`, ``, "azuread_directory_role_assignment.x", `{"role_id":"r","directory_scope_id":"/","principal_object_id":"`+ann+`"}`)
	f(`directory role r "" to "`+ann+`" at / eligible true`, ``, "azuread_directory_role_eligibility_schedule_request.x", `{"role_definition_id":"r","directory_scope_id":"/","principal_id":"`+ann+`"}`)
	f(`directory role t "" to "`+ann+`"`, from("role_object_id", "azuread_directory_role.r.object_id"), "azuread_directory_role.r", `{"template_id":"t","object_id":null}`,
		"azuread_directory_role_member.x", `{"member_object_id":"`+ann+`","role_object_id":null}`)
	f("its principal or its role is known only after apply", ``, "azuread_directory_role_member.x", `{"member_object_id":"`+ann+`","role_object_id":null}`)
	f(`member "principal of azuread_service_principal.app" of "principal of azuread_group.g"`, from("members", "azuread_service_principal.app.object_id"),
		append(sp[:2:2], "azuread_group.g", `{"object_id":null,"members":null}`)...)
	f("a member is known only after apply", from("members", "local.all"), "azuread_group.g", `{"object_id":null,"members":null}`)
	f("its group or its member is known only after apply", from("group_object_id", "local.g"), "azuread_group_member.m", `{"group_object_id":null,"member_object_id":"`+ann+`"}`)
	f("credential gh of {azuread_application.app}: https://i s [a]", from("application_id", "azuread_application.app.id"), "azuread_application.app", `{"client_id":null}`,
		"azuread_application_federated_identity_credential.c", `{"application_id":null,"display_name":"gh","issuer":"https://i","subject":"s","audiences":["a"]}`)
	f("its issuer is known only after apply", ``, "azuread_application_federated_identity_credential.c", `{"application_id":"/applications/x","display_name":"gh","issuer":null,"subject":"s"}`)
	f(`local grant kusto of "Viewer" to "principal of azuread_service_principal.app"`, from("principal_id", "azuread_service_principal.app.object_id"),
		append(sp[:2:2], "azurerm_kusto_cluster_principal_assignment.x", `{"cluster_name":"c","resource_group_name":"g","role":"Viewer","principal_id":null}`)...)
}

func TestAzapi(t *testing.T) {
	f := func(typ, parent, body string, want ...string) {
		t.Helper()
		has(t, planOf(changes("azapi_resource.x", `{"type":"`+typ+`@2024-01-01","name":"n","parent_id":"`+parent+`","body":`+body+`}`), config()), want...)
	}
	role := "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
	g := testGroup + "/providers/"
	f("Microsoft.Authorization/roleAssignments", testGroup, `{"properties":{"principalId":"`+ann+`","roleDefinitionId":"`+role+`","condition":"c"}}`,
		`assignment  of "acdd72a7-3385-48ef-bd42-f606fba81ae7" "" to "`+ann+`" () at `+testGroup+` eligible false from 0 to 0 condition "c"`)
	f("Microsoft.Authorization/roleEligibilityScheduleRequests", testGroup, `{"properties":{"principalId":"`+ann+`","roleDefinitionId":"`+role+`","requestType":"AdminAssign"}}`, "eligible true")
	f("Microsoft.Authorization/roleEligibilityScheduleRequests", testGroup, `{"properties":{"principalId":"`+ann+`","roleDefinitionId":"`+role+`","requestType":"AdminRemove"}}`, "!\nassignment")
	f("Microsoft.Authorization/roleAssignments", testGroup, `{"properties":{"roleDefinitionId":"`+role+`"}}`, "!\nassignment", "its principal is not set")
	f("Microsoft.Authorization/roleAssignments", testGroup, `{"properties":{"principalId":"`+ann+`"}}`, "!\nassignment", "its role is known only after apply")
	f("Microsoft.Authorization/roleDefinitions", testGroup, `{"properties":{"roleName":"Ours","assignableScopes":["/"],"permissions":[{"actions":["*"],"notDataActions":["x"]}]}}`, `role n "Ours" [{[*] [] [] [x]  }] at [/]`)
	f("Microsoft.Authorization/locks", testGroup, `{"properties":{"level":"ReadOnly"}}`, "lock ReadOnly at "+testGroup)
	f("Microsoft.KeyVault/vaults/accessPolicies", g+"Microsoft.KeyVault/vaults/kv", `{"properties":{"accessPolicies":[{"objectId":"`+ann+`","permissions":{"keys":["get"]}}]}}`, "policy in "+g+"Microsoft.KeyVault/vaults/kv for \""+ann+"\": keys [get]")
	f("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", g+"Microsoft.ManagedIdentity/userAssignedIdentities/u", `{"properties":{"issuer":"i","subject":"s","audiences":["a"]}}`,
		"credential n of "+g+"Microsoft.ManagedIdentity/userAssignedIdentities/u: i s [a]")
	f("Microsoft.Management/managementGroups", "/", `{"properties":{"displayName":"N","details":{"parent":{"id":"/providers/Microsoft.Management/managementGroups/root"}}}}`,
		`management group /providers/Microsoft.Management/managementGroups/n "N" below /providers/Microsoft.Management/managementGroups/root`)
	f("Microsoft.Management/managementGroups/subscriptions", "/providers/Microsoft.Management/managementGroups/m", `{}`, `subscription /subscriptions/n "" below /providers/Microsoft.Management/managementGroups/m`)
	f("Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments", g+"Microsoft.DocumentDB/databaseAccounts/a", `{"properties":{"principalId":"`+ann+`","roleDefinitionId":"x/00000000-0000-0000-0000-000000000001","scope":"`+g+`Microsoft.DocumentDB/databaseAccounts/a"}}`,
		`local grant cosmos of "00000000-0000-0000-0000-000000000001" to "`+ann+`" in `+g+`Microsoft.DocumentDB/databaseAccounts/a at "/"`)
	f("Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions", g+"Microsoft.DocumentDB/databaseAccounts/a", `{"properties":{"roleName":"r","permissions":[{"dataActions":["d"]}]}}`, `local role cosmos n "r"`)
	f("Microsoft.Kusto/clusters/databases/principalAssignments", g+"Microsoft.Kusto/clusters/c/databases/d", `{"properties":{"principalId":"`+ann+`","role":"Admin"}}`, `local grant kusto of "Admin" to "`+ann+`" in `+g+`Microsoft.Kusto/clusters/c at "/databases/d"`)
	f("Microsoft.Sql/servers/administrators", g+"Microsoft.Sql/servers/s", `{"properties":{"sid":"`+ann+`"}}`, `local grant sqladmin of "administrator" to "`+ann+`" in `+g+`Microsoft.Sql/servers/s`)
	f("Microsoft.DBforPostgreSQL/flexibleServers/administrators", g+"Microsoft.DBforPostgreSQL/flexibleServers/s", `{}`, "its principal or its role is not set")
	f("Microsoft.Synapse/workspaces/administrators", g+"Microsoft.Synapse/workspaces/s", `{}`, "grants of this type are not evaluated: 1")
	f("Microsoft.Resources/resourceGroups", "/subscriptions/"+testSub, `{}`, "resource /subscriptions/"+testSub+"/resourceGroups/n in")
	f("Microsoft.Web/sites/slots", g+"Microsoft.Web/sites/s", `{"identity":{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":{"`+g+`Microsoft.ManagedIdentity/userAssignedIdentities/u":{}}}}`,
		"resource "+g+"Microsoft.Web/sites/s/slots/n in  carries system true \"principal of azapi_resource.x\" user ["+g+"Microsoft.ManagedIdentity/userAssignedIdentities/u]")
	f("Microsoft.Cache/redis", testGroup, `null`, "resource "+g+"Microsoft.Cache/redis/n in", "the body is known only after apply")
}

func TestOthers(t *testing.T) {
	f := func(typ, attrs string, want ...string) {
		t.Helper()
		has(t, planOf(changes(typ+".x", attrs), config()), want...)
	}
	g := testGroup + "/providers/"
	f("azurerm_resource_group_template_deployment", `{"name":"t","resource_group_name":"g"}`, "gap role assignments at \""+testGroup+"\" about \"azurerm_resource_group_template_deployment.x\": the ARM template that it deploys is not read")
	f("azurerm_storage_data_lake_gen2_filesystem", `{"name":"f","storage_account_id":"`+g+`Microsoft.Storage/storageAccounts/sa","ace":[{"scope":"access","type":"user","id":"`+ann+`","permissions":"rwx"},{"scope":"default","type":"other","permissions":"---"}]}`,
		"path "+g+"Microsoft.Storage/storageAccounts/sa/blobServices/default/containers/f /: user \""+ann+"\" rwx", "!path "+g+"Microsoft.Storage/storageAccounts/sa/blobServices/default/containers/f /: other")
	f("azurerm_storage_data_lake_gen2_path", `{"path":"a/b","filesystem_name":"f","resource":"directory","storage_account_id":"`+g+`Microsoft.Storage/storageAccounts/sa","ace":[{"type":"mask","permissions":"r-x"}]}`,
		"containers/f /a/b/: mask \"\" r-x")
	f("azurerm_pim_active_role_assignment", `{"scope":"/subscriptions/1","principal_id":"`+ann+`","role_definition_id":"/x/y","schedule":[{"start_date_time":"2026-01-01T00:00:00Z","expiration":[{"duration_hours":8}]}]}`,
		"eligible false from 1767225600 to 1767254400")
	f("azurerm_pim_active_role_assignment", `{"scope":"/subscriptions/1","principal_id":"`+ann+`","role_definition_id":"/x/y","schedule":[{"expiration":[{"end_date_time":"2026-01-01T00:00:00Z"}]}]}`, "from 0 to 1767225600")
	f("azurerm_subscription", `{"subscription_name":"shop","alias":"shop","subscription_id":null}`, `subscription /subscriptions/{azurerm_subscription.x} "shop"`)
	f("azurerm_management_lock", `{"name":"l","lock_level":"ReadOnly","scope":null}`, "gap locks", "!lock ReadOnly")
	f("azurerm_key_vault_access_policy", `{"key_vault_id":null,"object_id":"`+ann+`"}`, "its vault is known only after apply", "!policy in")
	f("azurerm_federated_identity_credential", `{"name":"c","issuer":null,"subject":"s","parent_id":"`+g+`Microsoft.ManagedIdentity/userAssignedIdentities/u"}`, "its issuer is known only after apply", "credential c of")
	f("azurerm_federated_identity_credential", `{"name":"c","user_assigned_identity_id":null}`, "its identity is known only after apply", "!credential c")
	f("azurerm_kubernetes_cluster", `{"name":"k","resource_group_name":"g","kubelet_identity":[{"object_id":"`+ann+`","client_id":"c","user_assigned_identity_id":"`+g+`Microsoft.ManagedIdentity/userAssignedIdentities/k-agentpool"}]}`,
		`identity UserAssigned of `+g+`Microsoft.ManagedIdentity/userAssignedIdentities/k-agentpool: principal "`+ann+`" client "c"`)
	has(t, planOf(changes("azurerm_lighthouse_definition.d", `{"name":"msp","managing_tenant_id":"t","authorization":[{"principal_id":"`+ann+`","principal_display_name":"Ops","role_definition_id":"acdd72a7-3385-48ef-bd42-f606fba81ae7"}]}`,
		"azurerm_lighthouse_assignment.a", `{"scope":"/subscriptions/1","lighthouse_definition_id":null}`),
		config("azurerm_lighthouse_assignment.a", from("lighthouse_definition_id", "azurerm_lighthouse_definition.d.id"))), "delegation at /subscriptions/1 to t: [{"+ann+" Ops acdd72a7-3385-48ef-bd42-f606fba81ae7 false []}]")
}
