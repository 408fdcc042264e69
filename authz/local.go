// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// localOperations is how the data operations start that a service decides by roles of its
// own alone: the items of Cosmos DB, and the keys of a managed HSM. Role assignments do
// not reach them (MicrosoftDocs/azure-docs articles/cosmos-db/how-to-setup-rbac.md;
// MicrosoftDocs/azure-security-docs articles/key-vault/managed-hsm/access-control.md).
var localOperations = map[string]mivet.LocalSystem{
	cosmosOperations: mivet.LocalCosmos,
	hsmOperations:    mivet.LocalManagedHSM,
}

const (
	hsmOperations    = "microsoft.keyvault/managedhsm/"
	hsmKeyOperations = hsmOperations + "keys/"
)

// localSystem returns the system that decides a data operation, or "".
func localSystem(op arm.Operation) mivet.LocalSystem {
	for prefix, system := range localOperations {
		if strings.HasPrefix(string(op.Key()), prefix) {
			return system
		}
	}
	return ""
}

// cosmosData are the data operations of Cosmos DB below an account, and how those on items
// start; what else has the account's prefix is Resource Manager's
// (MicrosoftDocs/azure-docs articles/cosmos-db/how-to-setup-rbac.md).
const (
	cosmosOperations = "microsoft.documentdb/databaseaccounts/"
	cosmosContainers = cosmosOperations + "sqldatabases/containers/"
	cosmosItems      = cosmosContainers + "items/"
)

var cosmosData = []string{
	cosmosOperations + "readmetadata", cosmosContainers + "executequery", cosmosContainers + "readchangefeed",
	cosmosContainers + "executestoredprocedure", cosmosContainers + "manageconflicts",
}

// messageOperations are the operations on messages that built-in roles hold by a wildcard alone,
// among their data actions: Microsoft.ServiceBus/*/send/action, for example
// (MicrosoftDocs/azure-docs articles/role-based-access-control/built-in-roles/integration.md
// and built-in-roles/analytics.md).
var messageOperations = []string{
	"microsoft.servicebus/namespaces/messages/", "microsoft.eventhub/namespaces/messages/", "microsoft.relay/namespaces/messages/",
}

// PlaneOf returns the plane of an operation, on which it is asked about where a question
// names none: as the catalogue knows it, which may be nil, or else as the service's
// documentation does.
//
// Neither the built-in roles nor the REST map tell the plane of what only the roles of a
// service's own system hold. All that a managed HSM has below its own prefix are data
// operations: Resource Manager spells its type managedHSMs
// (MicrosoftDocs/azure-security-docs articles/key-vault/managed-hsm/built-in-roles.md).
func PlaneOf(cat *catalog.Catalog, op arm.Operation) mivet.Plane {
	if cat != nil {
		if i, ok := cat.FindOperation(op); ok {
			if plane, _ := cat.Plane(i); plane != mivet.PlaneUnknown {
				return plane
			}
		}
	}
	key := string(op.Key())
	begins := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
	if begins(hsmOperations) || begins(cosmosItems) || slices.Contains(cosmosData, key) || slices.ContainsFunc(messageOperations, begins) {
		return mivet.PlaneData
	}
	return mivet.PlaneUnknown
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
		scope, rest := localScope(g)
		def := e.findLocalRole(g)
		doubt := ""
		switch {
		case rest == "":
		case g.System == mivet.LocalManagedHSM && strings.EqualFold(rest, "keys") && def != nil:
			def, doubt = keysOnly(def)
		default:
			doubt = "of its scope " + g.Scope + " the end is not understood"
		}
		out = append(out, draft{
			person: e.people.find(g.Principal), scope: scope, role: rs.internLocal(g, def), class: classLocal,
			fact: int32(i), rider: doubted(scope, doubt),
		})
	}
	return out
}

// keysOnly returns what a role gives at the scope "/keys": its operations on keys. What a
// pattern that reaches further gives there is doubtful.
func keysOnly(def *mivet.LocalRole) (only *mivet.LocalRole, doubt string) {
	cut := *def
	cut.DataActions = nil
	for _, a := range def.DataActions {
		switch {
		case strings.HasPrefix(string(arm.Fold(a)), hsmKeyOperations):
			cut.DataActions = append(cut.DataActions, a)
		case strings.Contains(a, "*"):
			return def, "its role reaches beyond its scope, the keys"
		}
	}
	return &cut, ""
}

// internLocal compiles the role of an assignment; def is nil where it is not known.
func (rs *roleSet) internLocal(g *mivet.LocalAssignment, def *mivet.LocalRole) uint32 {
	if def == nil {
		name := g.Role + " of " + string(g.System)
		return rs.internAs(roleKey{kind: roleLocal, text: name}, func() role { return role{name: name} })
	}
	key := fmt.Sprintf("%s %q %q %q %q %q", def.System, def.Account.Key(), def.ID, def.Name, def.DataActions, def.NotDataActions)
	return rs.internAs(roleKey{kind: roleLocal, text: key}, func() role {
		perm := mivet.Permission{DataActions: def.DataActions, NotDataActions: def.NotDataActions}
		full := &mivet.RoleDefinition{ID: mivet.NewRoleID(def.ID), Name: def.Name, Permissions: []mivet.Permission{perm}, Source: def.Source}
		return role{def: full, name: def.Name, perms: compilePermissions(full.Permissions)}
	})
}

// findLocalRole looks for the account's own definition, then for one of the service.
// Later definitions are the newer ones.
func (e *Engine) findLocalRole(g *mivet.LocalAssignment) *mivet.LocalRole {
	var own, shared *mivet.LocalRole
	for i := range e.snap.LocalRoles {
		r := &e.snap.LocalRoles[i]
		switch {
		case r.System != g.System || !sameLocalRole(r, g.Role):
		case r.Account.IsZero():
			shared = r
		case r.Account.Equal(g.Account):
			own = r
		}
	}
	switch {
	case own != nil:
		return own
	case shared != nil:
		return shared
	default:
		return e.serviceRole(g)
	}
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
	return named != "" && (mivet.NewRoleID(r.ID) == mivet.NewRoleID(named) || arm.Fold(r.Name) == arm.Fold(named))
}

// localSegments are the words of Cosmos DB's own scopes and the types that Resource
// Manager has for them (MicrosoftDocs/azure-docs articles/cosmos-db/how-to-setup-rbac.md).
var localSegments = map[arm.Key]string{"dbs": "sqlDatabases", "colls": "containers"}

// localScope returns the scope in Resource Manager's words, the account or a child, and
// the end of the service's own path that names no scope there.
func localScope(g *mivet.LocalAssignment) (scope arm.ID, rest string) {
	path := g.Scope
	if full, err := arm.ParseID(path); err == nil && g.Account.Contains(full) {
		path = full.String()[len(g.Account.String()):]
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	at := g.Account
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
	return at, strings.Join(parts, "/")
}
