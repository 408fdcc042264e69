// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// localOperations is how operations start that a service decides by roles of its own,
// beside role assignments (Cosmos DB for NoSQL) or instead of them (Managed HSM).
var localOperations = []string{"microsoft.documentdb/databaseaccounts/", "microsoft.keyvault/managedhsm/"}

func hasLocalSystem(op arm.Operation) bool {
	for _, prefix := range localOperations {
		if strings.HasPrefix(string(op.Key()), prefix) {
			return true
		}
	}
	return false
}

// builtInCosmosRoles are the two roles that every account has
// (MicrosoftDocs/azure-docs articles/cosmos-db/how-to-setup-rbac.md).
var builtInCosmosRoles = map[string]mivet.LocalRole{
	"00000000-0000-0000-0000-000000000001": {
		System: mivet.LocalCosmos, ID: "00000000-0000-0000-0000-000000000001", Name: "Cosmos DB Built-in Data Reader",
		DataActions: []string{
			"Microsoft.DocumentDB/databaseAccounts/readMetadata",
			"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read",
			"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery",
			"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/readChangeFeed",
		},
	},
	"00000000-0000-0000-0000-000000000002": {
		System: mivet.LocalCosmos, ID: "00000000-0000-0000-0000-000000000002", Name: "Cosmos DB Built-in Data Contributor",
		DataActions: []string{
			"Microsoft.DocumentDB/databaseAccounts/readMetadata",
			"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/*",
			"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/*",
		},
	},
}

// localDrafts reads the assignments of services' own systems. Systems whose roles are not
// made of data operations (SQL, Data Explorer, Redis) decide nothing that can be asked
// for by an operation, so they are left to the rules.
func (e *Engine) localDrafts(rs *roleSet) []draft {
	var out []draft
	for i := range e.snap.LocalGrants {
		g := &e.snap.LocalGrants[i]
		if g.System != mivet.LocalCosmos && g.System != mivet.LocalManagedHSM {
			continue
		}
		out = append(out, draft{
			person: e.people.find(g.Principal), scope: localScope(g), role: rs.internLocal(e.localRole(g)),
			class: classLocal, fact: int32(i), //nolint:gosec // fewer than 2^31
		})
	}
	return out
}

func (e *Engine) localRole(g *mivet.LocalAssignment) role {
	def := e.findLocalRole(g)
	if def == nil {
		return role{name: string(g.System) + " role " + g.Role}
	}
	perm := mivet.Permission{DataActions: def.DataActions, NotDataActions: def.NotDataActions}
	return role{
		def:   &mivet.RoleDefinition{ID: mivet.NewRoleID(def.ID), Name: def.Name, Permissions: []mivet.Permission{perm}, Source: def.Source},
		name:  def.Name,
		perms: compilePermissions([]mivet.Permission{perm}),
	}
}

// findLocalRole looks for the account's own definition, then for one of the service.
func (e *Engine) findLocalRole(g *mivet.LocalAssignment) *mivet.LocalRole {
	var found *mivet.LocalRole
	for i := range e.snap.LocalRoles {
		r := &e.snap.LocalRoles[i]
		if r.System != g.System || !sameLocalRole(r, g.Role) {
			continue
		}
		if r.Account.Equal(g.Account) {
			return r
		}
		if r.Account.IsZero() {
			found = r
		}
	}
	if found != nil {
		return found
	}
	return e.serviceRole(g)
}

// serviceRole looks for a role that the service itself defines.
func (e *Engine) serviceRole(g *mivet.LocalAssignment) *mivet.LocalRole {
	if g.System == mivet.LocalCosmos {
		for _, r := range builtInCosmosRoles {
			if sameLocalRole(&r, g.Role) {
				return &r
			}
		}
	}
	if g.System == mivet.LocalManagedHSM && e.cat != nil {
		for _, r := range e.cat.HSMRoles() {
			if sameLocalRole(&r, g.Role) {
				return &r
			}
		}
	}
	return nil
}

// sameLocalRole compares by GUID, whatever stands before it, and by name.
func sameLocalRole(r *mivet.LocalRole, named string) bool {
	return mivet.NewRoleID(r.ID) == mivet.NewRoleID(named) || r.Name != "" && arm.Fold(r.Name) == arm.Fold(named)
}

// localSegments are the words of Cosmos DB's own scopes and the types that Resource
// Manager has for them (MicrosoftDocs/azure-docs articles/cosmos-db/how-to-setup-rbac.md).
var localSegments = map[arm.Key]string{"dbs": "sqlDatabases", "colls": "containers"}

// localScope returns the scope in Resource Manager's words: the account, or a child.
func localScope(g *mivet.LocalAssignment) arm.ID {
	path := g.Scope
	if n := len(g.Account.String()); len(path) >= n && arm.Fold(path[:n]) == g.Account.Key() {
		path = path[n:]
	}
	return childScope(g.Account, path)
}

// childScope walks down the pairs of a service's own path.
func childScope(account arm.ID, path string) arm.ID {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	at := account
	for len(parts) >= 2 {
		word := parts[0]
		if mapped, ok := localSegments[arm.Fold(word)]; ok {
			word = mapped
		}
		child, err := at.Child(word, parts[1])
		if err != nil {
			break
		}
		at, parts = child, parts[2:]
	}
	return at
}
