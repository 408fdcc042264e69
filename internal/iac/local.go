// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// localGrant says how a provider type gives a right in an authorization system that a
// service keeps by itself.
type localGrant struct {
	typ       string
	system    mivet.LocalSystem
	account   string // a row that makes the ID of what keeps the system
	principal string // the argument
	role      string // the argument, or "=" and the role's name
	scope     string // the argument, or "/" and a path of {argument}s; empty: all of it
	clientOK  bool   // the service also takes client IDs
}

// administrator is the role of an Entra administrator of a database server.
const administrator = "=administrator"

var localGrants = []localGrant{
	{"azurerm_cosmosdb_sql_role_assignment", mivet.LocalCosmos, "R\tMicrosoft.DocumentDB/databaseAccounts/{account_name}", "principal_id", "role_definition_id", "scope", false},
	{"azurerm_key_vault_managed_hardware_security_module_role_assignment", mivet.LocalManagedHSM, "R\tMicrosoft.KeyVault/managedHSMs/{?}\tmanaged_hsm_id", "principal_id", "role_definition_id", "scope", false},
	{"azurerm_kusto_cluster_principal_assignment", mivet.LocalKusto, "R\tMicrosoft.Kusto/clusters/{cluster_name}", "principal_id", "role", "", true},
	{"azurerm_kusto_database_principal_assignment", mivet.LocalKusto, "R\tMicrosoft.Kusto/clusters/{cluster_name}", "principal_id", "role", "/databases/{database_name}", true},
	{"azurerm_kusto_database_principal", mivet.LocalKusto, "R\tMicrosoft.Kusto/clusters/{cluster_name}", "object_id", "role", "/databases/{database_name}", true},
	{"azurerm_redis_cache_access_policy_assignment", mivet.LocalRedis, "R\tMicrosoft.Cache/redis/{?}\tredis_cache_id", "object_id", "access_policy_name", "", false},
	{"azurerm_managed_redis_access_policy_assignment", mivet.LocalRedis, "R\tMicrosoft.Cache/redisEnterprise/{?}\tmanaged_redis_id", "object_id", "=default", "", false},
	{"azurerm_sql_active_directory_administrator", mivet.LocalSQLAdmin, "R\tMicrosoft.Sql/servers/{server_name}", "object_id", administrator, "", false},
	{"azurerm_sql_managed_instance_active_directory_administrator", mivet.LocalSQLAdmin, "R\tMicrosoft.Sql/managedInstances/{managed_instance_name}", "object_id", administrator, "", false},
	{"azurerm_mssql_managed_instance_active_directory_administrator", mivet.LocalSQLAdmin, "R\tMicrosoft.Sql/managedInstances/{?}\tmanaged_instance_id", "object_id", administrator, "", false},
	{"azurerm_mysql_active_directory_administrator", mivet.LocalMySQL, "R\tMicrosoft.DBforMySQL/servers/{server_name}", "object_id", administrator, "", false},
	{"azurerm_mysql_flexible_server_aad_administrator", mivet.LocalMySQL, "R\tMicrosoft.DBforMySQL/flexibleServers/{?}\tserver_id", "object_id", administrator, "", false},
	{"azurerm_mysql_flexible_server_active_directory_administrator", mivet.LocalMySQL, "R\tMicrosoft.DBforMySQL/flexibleServers/{?}\tserver_id", "object_id", administrator, "", false},
	{"azurerm_postgresql_active_directory_administrator", mivet.LocalPostgreSQL, "R\tMicrosoft.DBforPostgreSQL/servers/{server_name}", "object_id", administrator, "", false},
	{"azurerm_postgresql_flexible_server_active_directory_administrator", mivet.LocalPostgreSQL, "R\tMicrosoft.DBforPostgreSQL/flexibleServers/{server_name}\tserver_id", "object_id", administrator, "", false},
}

// inlineAdmins are blocks inside of a server that name its Entra administrator.
var inlineAdmins = map[string]string{
	"azurerm_mssql_server":           "azuread_administrator",
	"azurerm_mssql_managed_instance": "azure_active_directory_administrator",
}

func addLocalReaders(m map[string]typeReader) {
	for _, g := range localGrants {
		m[g.typ] = func(b *builder, v *view) { b.localGrant(v, g) }
	}
	for typ, block := range inlineAdmins {
		m[typ] = func(b *builder, v *view) { b.inlineAdmin(v, block) }
	}
	m["azurerm_cosmosdb_sql_role_definition"] = (*builder).cosmosRole
	m["azurerm_key_vault_managed_hardware_security_module_role_definition"] = (*builder).hsmRole
	m["azurerm_redis_cache_access_policy"] = (*builder).redisPolicy
}

func (b *builder) localGrant(v *view, g localGrant) {
	a := mivet.LocalAssignment{System: g.system, Account: b.rowID(v, parseRow(g.account)), Source: v.src}
	if a.Account.IsZero() {
		b.gap(v, mivet.FactLocalGrants, arm.ID{}, "the plan does not tell which resource it belongs to")
		return
	}
	var problem string
	if a.Principal, problem = b.principal(v, g.clientOK, g.principal); problem != "" || a.Principal == "" {
		b.gap(v, mivet.FactLocalGrants, a.Account, "its principal "+problem)
		return
	}
	if a.Role = b.localRole(v, g); a.Role == "" {
		b.gap(v, mivet.FactLocalGrants, a.Account, "its role "+whyNotFollow)
		return
	}
	var ok bool
	if a.Scope, ok = b.localScope(v, g, a.Account); !ok {
		b.gap(v, mivet.FactLocalGrants, a.Account, "its scope "+whyNotFollow)
		return
	}
	b.snap.LocalGrants = append(b.snap.LocalGrants, a)
}

// localRole returns the role as facts name it: by its GUID or name, without what is above.
func (b *builder) localRole(v *view, g localGrant) string {
	if fixed, ok := strings.CutPrefix(g.role, "="); ok {
		return fixed
	}
	if s := v.attrs.str(g.role); s != "" {
		return bareRole(s)
	}
	t := b.trail(v, g.role)
	if len(t.targets) != 1 || len(t.lost) > 0 {
		return ""
	}
	if t.targets[0].object == nil {
		return bareRole(t.targets[0].literal)
	}
	return b.localRoleID(b.view(t.targets[0].object))
}

func bareRole(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// localRoleID returns the ID of a local role that the plan makes: the known one, or the
// address in braces.
func (b *builder) localRoleID(v *view) string {
	for _, attr := range []string{"role_definition_id", "resource_manager_id", "id"} {
		if s := v.attrs.str(attr); s != "" {
			return bareRole(s)
		}
	}
	if v.typ == "azurerm_redis_cache_access_policy" || strings.Contains(v.typ, "hardware_security_module") {
		return b.name(v, "name")
	}
	return inBraces(v.address)
}

// localScope returns the scope below the account. Cosmos DB writes it as a full ID.
func (b *builder) localScope(v *view, g localGrant, account arm.ID) (string, bool) {
	switch {
	case g.scope == "":
		return "", true
	case g.scope[0] == '/':
		path := g.scope
		open := strings.IndexByte(path, '{')
		return path[:open] + b.name(v, strings.Trim(path[open:], "{}")), true
	}
	if s := v.attrs.str(g.scope); s != "" {
		return scopeBelow(s, account), true
	}
	id, problem := b.scope(v, g.scope)
	return scopeBelow(id.String(), account), problem == ""
}

func scopeBelow(s string, account arm.ID) string {
	if id := parsed(s); !id.IsZero() && account.Contains(id) {
		s = s[len(account.String()):]
	}
	if s == "" {
		return "/"
	}
	return s
}

func (b *builder) inlineAdmin(v *view, block string) {
	if len(v.attrs.blocks(block)) == 0 {
		return
	}
	account := b.ownID(v)
	p, problem := b.principal(v, false, block, "object_id")
	if problem != "" || p == "" || account.IsZero() {
		b.gap(v, mivet.FactLocalGrants, account, "its Entra administrator "+problem)
		return
	}
	b.snap.LocalGrants = append(b.snap.LocalGrants, mivet.LocalAssignment{
		System: mivet.LocalSQLAdmin, Account: account, Role: administrator[1:], Principal: p, Source: v.src,
	})
}

func (b *builder) cosmosRole(v *view) {
	r := mivet.LocalRole{
		System: mivet.LocalCosmos, Account: b.rowID(v, parseRow("R\tMicrosoft.DocumentDB/databaseAccounts/{account_name}")),
		ID: b.localRoleID(v), Name: v.attrs.str("name"), Source: v.src,
	}
	for _, p := range v.attrs.blocks("permissions") {
		r.DataActions = append(r.DataActions, p.list("data_actions")...)
	}
	b.localRoleFact(v, r, "permissions")
}

func (b *builder) hsmRole(v *view) {
	r := mivet.LocalRole{
		System: mivet.LocalManagedHSM, Account: b.idArgument(v, "managed_hsm_id"),
		ID: b.localRoleID(v), Name: v.attrs.str("role_name"), Source: v.src,
	}
	for _, p := range v.attrs.blocks("permission") {
		r.DataActions = append(r.DataActions, p.list("data_actions")...)
		r.NotDataActions = append(r.NotDataActions, p.list("not_data_actions")...)
	}
	b.localRoleFact(v, r, "permission")
}

func (b *builder) redisPolicy(v *view) {
	name := b.name(v, "name")
	b.localRoleFact(v, mivet.LocalRole{
		System: mivet.LocalRedis, Account: b.idArgument(v, "redis_cache_id"), ID: name, Name: name, Source: v.src,
	}, "permissions")
}

func (b *builder) localRoleFact(v *view, r mivet.LocalRole, permissions string) {
	if r.Account.IsZero() || anyUnknown(v.unknown[permissions]) {
		b.gap(v, mivet.FactLocalGrants, r.Account, "the local role "+whyNotFollow)
		return
	}
	b.snap.LocalRoles = append(b.snap.LocalRoles, r)
}
