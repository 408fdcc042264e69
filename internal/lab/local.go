// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// ownCollection is a collection of roles or of administrators that a service keeps itself:
// how one grant of the snapshot is written.
type ownCollection struct {
	system mivet.LocalSystem
	// write returns the name and the properties of a grant.
	write func(w *world, g *mivet.LocalAssignment) (name string, properties object)
	// below is set for grants at a scope below the account.
	below bool
}

// ownCollections are those collections by their types in small letters. Shapes:
// Azure/azure-rest-api-specs azure-kusto 2023-08-15, redis 2024-11-01, sql 2021-11-01,
// postgresql 2024-08-01, mysql 2023-12-30.
var ownCollections = map[string]ownCollection{
	"microsoft.kusto/clusters/principalassignments":           {mivet.LocalKusto, kustoGrant, false},
	"microsoft.kusto/clusters/databases/principalassignments": {mivet.LocalKusto, kustoGrant, true},
	"microsoft.cache/redis/accesspolicyassignments": {mivet.LocalRedis, func(w *world, g *mivet.LocalAssignment) (string, object) {
		return "", object{"objectId": string(g.Principal), "objectIdAlias": w.nameOf(g.Principal), "accessPolicyName": g.Role, "provisioningState": "Succeeded"}
	}, false},
	"microsoft.sql/servers/administrators":          {mivet.LocalSQLAdmin, sqlGrant, false},
	"microsoft.sql/managedinstances/administrators": {mivet.LocalSQLAdmin, sqlGrant, false},
	"microsoft.dbforpostgresql/flexibleservers/administrators": {mivet.LocalPostgreSQL, func(w *world, g *mivet.LocalAssignment) (string, object) {
		return string(g.Principal), object{"objectId": string(g.Principal), "principalName": w.nameOf(g.Principal), "principalType": w.kindOf(g.Principal), "tenantId": w.tenant}
	}, false},
	"microsoft.dbformysql/flexibleservers/administrators": {mivet.LocalMySQL, sqlGrant, false},
}

func kustoGrant(w *world, g *mivet.LocalAssignment) (string, object) {
	typ := "App"
	switch w.kindOf(g.Principal) {
	case "User", "Group":
		typ = w.kindOf(g.Principal)
	}
	return "", object{
		"principalId": string(g.Principal), "aadObjectId": string(g.Principal), "role": g.Role, "principalType": typ,
		"principalName": w.nameOf(g.Principal), "tenantId": w.tenant, "provisioningState": "Succeeded",
	}
}

func sqlGrant(w *world, g *mivet.LocalAssignment) (string, object) {
	return "ActiveDirectory", object{"administratorType": "ActiveDirectory", "login": w.nameOf(g.Principal), "sid": string(g.Principal), "tenantId": w.tenant}
}

func (w *world) nameOf(id mivet.PrincipalID) string {
	if p := w.directory.byID[id]; p != nil {
		return p.Name
	}
	return ""
}

func (w *world) kindOf(id mivet.PrincipalID) string {
	if p := w.directory.byID[id]; p != nil && p.Type != "" {
		return string(p.Type)
	}
	return "Unknown"
}

// own serves a collection of a service's own authorization; ok is false for a type that is
// none.
func (q *armRequest) own(t target) (ok bool) {
	c, ok := ownCollections[strings.ToLower(t.typ)]
	if !ok {
		return false
	}
	account := t.parent
	if c.below {
		account = t.parent.Parent()
	}
	w := q.s.world
	var all []entry
	for i := range w.snap.LocalGrants {
		g := &w.snap.LocalGrants[i]
		if g.System != c.system || !g.Account.Equal(account) || !c.at(g, t.parent) {
			continue
		}
		name, p := c.write(w, g)
		if name == "" {
			name = guidOf(string(g.System), string(g.Account.Key()), g.Scope, g.Role, string(g.Principal))
		}
		id := mustID(t.parent.String() + "/" + t.last + "/" + name)
		all = append(all, entry{id, fixed(object{"id": id.String(), "name": name, "type": t.typ, "properties": p})})
	}
	q.child(t, t.typ+"/read", all)
	return true
}

// at reports whether a grant is one of those at a resource: the account itself, or a
// database of it.
func (c *ownCollection) at(g *mivet.LocalAssignment, resource arm.ID) bool {
	scope := strings.Trim(g.Scope, "/")
	if c.below {
		return arm.Fold(scope) == arm.Fold("databases/"+resource.Name())
	}
	return scope == ""
}

// redisPolicies serves the access policies of a cache: the built-in ones, and those of the
// snapshot (learn.microsoft.com/azure/azure-cache-for-redis/cache-configure-role-based-access-control).
func (q *armRequest) redisPolicies(t target) {
	var all []entry
	add := func(name, kind, permissions string) {
		id := mustID(t.parent.String() + "/accessPolicies/" + name)
		all = append(all, entry{id, fixed(object{
			"id": id.String(), "name": name, "type": "Microsoft.Cache/redis/accessPolicies",
			"properties": object{"permissions": permissions, "type": kind, "provisioningState": "Succeeded"},
		})})
	}
	add("Data Owner", "BuiltIn", "+@all allkeys")
	add("Data Contributor", "BuiltIn", "+@all -@dangerous +cluster|info +cluster|nodes +cluster|slots allkeys")
	add("Data Reader", "BuiltIn", "+@read +@connection +cluster|info +cluster|nodes +cluster|slots allkeys")
	for i := range q.s.world.snap.LocalRoles {
		r := &q.s.world.snap.LocalRoles[i]
		if r.System == mivet.LocalRedis && r.Account.Equal(t.parent) && r.ID != "Data Owner" && r.ID != "Data Contributor" && r.ID != "Data Reader" {
			add(lastOf(r.ID), "Custom", "")
		}
	}
	q.child(t, "Microsoft.Cache/redis/accessPolicies/read", all)
}

const hsmType = "Microsoft.KeyVault/managedHSMs"

// hsmSuffix is how the hosts of managed HSMs end. No host outside of the lab has such a
// name; the lab's client finds them at the lab.
const hsmSuffix = ".managedhsm.lab.invalid"

// serveHSM answers the data plane of a managed HSM as far as its own roles go
// (learn.microsoft.com/rest/api/keyvault, role assignments and role definitions, 7.4).
func (s *view) serveHSM(w *recorder, r *http.Request) {
	c, err := s.authenticate(w, r, forHSM)
	if err != nil {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization="%s/%s", resource="%s"`, s.URL(), s.world.tenant, forHSM))
		writeError(w, http.StatusUnauthorized, "Unauthorized", err.Error())
		return
	}
	w.caller = c.OID
	name := strings.TrimSuffix(hostOf(r), hsmSuffix)
	hsm := s.world.hsm(name)
	kind := strings.ToLower(strings.TrimPrefix(strings.TrimRight(r.URL.Path, "/"), "/providers/Microsoft.Authorization/"))
	action := map[string]string{"roleassignments": "roleAssignments", "roledefinitions": "roleDefinitions"}[kind]
	switch {
	case hsm == nil:
		writeError(w, http.StatusNotFound, "NotFound", fmt.Sprintf("There is no managed HSM '%s'.", name))
		return
	case action == "" || r.Method != http.MethodGet:
		writeError(w, http.StatusNotFound, "NotFound", "The lab has nothing at "+r.Method+" "+r.URL.Path+".")
		return
	case r.URL.Query().Get("api-version") == "":
		badVersion(w, "", "", "", nil)
		return
	}
	operation := "Microsoft.KeyVault/managedHsm/" + action + "/read/action"
	if ok, why := s.mayOn(c, operation, hsm.id, mivet.PlaneData); !ok {
		w.Header().Set(decisionHeader, why)
		writeError(w, http.StatusForbidden, "Forbidden", fmt.Sprintf("User %s does not have permission to perform the operation '%s' on '/'.", c.OID, operation))
		return
	}
	values := s.world.hsmRoles(hsm.id)
	if action == "roleAssignments" {
		values = s.world.hsmGrants(hsm.id)
	}
	writeJSON(w, http.StatusOK, object{"value": values})
}

func (w *world) hsm(name string) *thing {
	for i := range w.resources {
		if t := &w.resources[i]; strings.EqualFold(t.typ, hsmType) && strings.EqualFold(t.id.Name(), name) {
			return t
		}
	}
	return nil
}

// hsmRoles lists the roles of an HSM: the built-in ones, and those of the snapshot.
func (w *world) hsmRoles(account arm.ID) []any {
	values := []any{}
	add := func(r *mivet.LocalRole, kind string) {
		name := lastOf(r.ID)
		values = append(values, object{
			"id": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/" + name, "name": name, "type": "Microsoft.Authorization/roleDefinitions",
			"properties": object{"roleName": r.Name, "description": "", "type": kind, "assignableScopes": []any{"/"}, "permissions": []any{object{
				"actions": []any{}, "notActions": []any{}, "dataActions": textList(r.DataActions), "notDataActions": textList(r.NotDataActions),
			}}},
		})
	}
	builtIn := w.cat.HSMRoles()
	for i := range builtIn {
		add(&builtIn[i], "AKVBuiltInRole")
	}
	for i := range w.snap.LocalRoles {
		if r := &w.snap.LocalRoles[i]; r.System == mivet.LocalManagedHSM && r.Account.Equal(account) {
			add(r, "CustomRole")
		}
	}
	return values
}

func (w *world) hsmGrants(account arm.ID) []any {
	values := []any{}
	for i := range w.snap.LocalGrants {
		g := &w.snap.LocalGrants[i]
		if g.System != mivet.LocalManagedHSM || !g.Account.Equal(account) {
			continue
		}
		scope := g.Scope
		if scope == "" {
			scope = "/"
		}
		name := guidOf("hsm", string(account.Key()), scope, g.Role, string(g.Principal))
		values = append(values, object{
			"id": strings.TrimSuffix(scope, "/") + "/providers/Microsoft.Authorization/roleAssignments/" + name, "name": name, "type": "Microsoft.Authorization/roleAssignments",
			"properties": object{"scope": scope, "principalId": string(g.Principal), "roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/" + w.hsmRole(g.Role)},
		})
	}
	return values
}

// hsmRole returns the ID of a role that a grant names by ID or by name.
func (w *world) hsmRole(role string) string {
	for _, r := range w.cat.HSMRoles() {
		if strings.EqualFold(r.Name, role) {
			return lastOf(r.ID)
		}
	}
	return lastOf(role)
}
