// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// writeEntry answers with one thing.
func (q *armRequest) writeEntry(value func() (any, error)) {
	v, err := value()
	if err != nil {
		writeError(q.w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	q.write(v)
}

// child serves a collection below a resource, and its items by name.
func (q *armRequest) child(t target, operation string, all []entry) {
	if q.s.world.find(t.parent) == nil {
		q.getThing(t.parent)
		return
	}
	if !q.allowed(operation, t.parent) {
		return
	}
	if t.name == "" {
		q.list(all)
		return
	}
	for _, e := range all {
		if strings.EqualFold(e.id.Name(), t.name) {
			q.writeEntry(e.value)
			return
		}
	}
	writeError(q.w, http.StatusNotFound, "NotFound", fmt.Sprintf("The resource '%s' was not found.", q.path))
}

const federatedType = identityType + "/federatedIdentityCredentials"

// federatedCredentials serves those of a user-assigned identity (API version 2023-01-31).
func (q *armRequest) federatedCredentials(t target) {
	var all []entry
	for _, f := range q.s.world.directory.identityFeds[string(t.parent.Key())] {
		id := f.ID
		if id.IsZero() {
			id = mustID(t.parent.String() + "/federatedIdentityCredentials/" + f.Name)
		}
		p := object{"issuer": f.Issuer, "audiences": textList(f.Audiences)}
		setText(p, "subject", f.Subject)
		if f.Expression != "" {
			p["claimsMatchingExpression"] = object{"value": f.Expression, "languageVersion": 1}
		}
		all = append(all, entry{id, fixed(object{"id": id.String(), "name": f.Name, "type": federatedType, "properties": p})})
	}
	q.child(t, federatedType+"/read", all)
}

const diagnosticType = "Microsoft.Insights/diagnosticSettings"

// diagnosticSettings serves the settings that send logs away: those that the snapshot has
// among its resources.
func (q *armRequest) diagnosticSettings(t target) {
	w := q.s.world
	if w.find(t.scope) == nil {
		q.getThing(t.scope)
		return
	}
	if !q.allowed(diagnosticType+"/read", t.scope) {
		return
	}
	var all []entry
	for i := range w.resources {
		one := &w.resources[i]
		if !strings.EqualFold(one.typ, diagnosticType) || !one.id.Parent().Equal(t.scope) {
			continue
		}
		value := func() (any, error) { return w.resource(one) }
		if strings.EqualFold(one.id.Name(), t.name) {
			q.writeEntry(value)
			return
		}
		all = append(all, entry{one.id, value})
	}
	if t.name != "" {
		writeError(q.w, http.StatusNotFound, "ResourceNotFound", fmt.Sprintf("The resource '%s' was not found.", q.path))
		return
	}
	q.list(all)
}

const cosmosType = "Microsoft.DocumentDB/databaseAccounts"

// cosmosAssignments serves the role assignments of an account's own data plane
// (API version 2024-05-15).
func (q *armRequest) cosmosAssignments(t target) {
	w := q.s.world
	var all []entry
	for i := range w.snap.LocalGrants {
		g := &w.snap.LocalGrants[i]
		if g.System != mivet.LocalCosmos || !g.Account.Equal(t.parent) {
			continue
		}
		id := w.cosmosGrantID(g)
		scope := g.Account.String()
		if g.Scope != "" && g.Scope != "/" {
			scope += g.Scope
		}
		all = append(all, entry{id, fixed(object{"id": id.String(), "name": id.Name(), "type": cosmosType + "/sqlRoleAssignments", "properties": object{
			"roleDefinitionId": g.Account.String() + "/sqlRoleDefinitions/" + lastOf(g.Role), "principalId": string(g.Principal), "scope": scope,
		}})})
	}
	q.child(t, cosmosType+"/sqlRoleAssignments/read", all)
}

// cosmosGrantID is the ID of a role assignment of an account's own.
func (w *world) cosmosGrantID(g *mivet.LocalAssignment) arm.ID {
	return mustID(g.Account.String() + "/sqlRoleAssignments/" + guidOf("cosmos", string(g.Account.Key()), g.Scope, g.Role, string(g.Principal)))
}

func lastOf(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// cosmosDefinitions serves the roles of an account's own data plane, the two built-in ones
// among them (learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-roles).
func (q *armRequest) cosmosDefinitions(t target) {
	roles := map[string]object{}
	var order []string
	add := func(id, name string, builtIn bool, actions, notActions []string) {
		kind := "CustomRole"
		if builtIn {
			kind = "BuiltInRole"
		}
		if _, there := roles[strings.ToLower(id)]; !there {
			order = append(order, strings.ToLower(id))
		}
		roles[strings.ToLower(id)] = object{"id": t.parent.String() + "/sqlRoleDefinitions/" + id, "name": id, "type": cosmosType + "/sqlRoleDefinitions", "properties": object{
			"roleName": name, "type": kind, "assignableScopes": []any{t.parent.String()},
			"permissions": []any{object{"dataActions": textList(actions), "notDataActions": textList(notActions)}},
		}}
	}
	const db = "Microsoft.DocumentDB/databaseAccounts/"
	add(cosmosReader, "Cosmos DB Built-in Data Reader", true, []string{
		db + "readMetadata", db + "sqlDatabases/containers/items/read", db + "sqlDatabases/containers/executeQuery", db + "sqlDatabases/containers/readChangeFeed",
	}, nil)
	add(cosmosContributor, "Cosmos DB Built-in Data Contributor", true, []string{
		db + "readMetadata", db + "sqlDatabases/containers/*", db + "sqlDatabases/containers/items/*",
	}, nil)
	for i := range q.s.world.snap.LocalRoles {
		r := &q.s.world.snap.LocalRoles[i]
		if r.System == mivet.LocalCosmos && (r.Account.IsZero() || r.Account.Equal(t.parent)) {
			id := lastOf(r.ID)
			add(id, r.Name, strings.EqualFold(id, cosmosReader) || strings.EqualFold(id, cosmosContributor), r.DataActions, r.NotDataActions)
		}
	}
	var all []entry
	for _, k := range order {
		all = append(all, entry{mustID(fmt.Sprint(roles[k]["id"])), fixed(roles[k])})
	}
	q.child(t, cosmosType+"/sqlRoleDefinitions/read", all)
}

const (
	cosmosReader      = "00000000-0000-0000-0000-000000000001"
	cosmosContributor = "00000000-0000-0000-0000-000000000002"
)

const (
	registrationType = "Microsoft.ManagedServices/registrationAssignments"
	delegationType   = "Microsoft.ManagedServices/registrationDefinitions"
)

// delegationsAt lists the delegations of Azure Lighthouse at a scope and below.
func (q *armRequest) delegationsAt(t target, typ string, value func(*mivet.Delegation) object) {
	if !q.allowed(typ+"/read", t.scope) {
		return
	}
	var all []entry
	for i := range q.s.world.snap.Delegations {
		d := &q.s.world.snap.Delegations[i]
		if !t.scope.Contains(d.Scope) {
			continue
		}
		o := value(d)
		if t.name == "" {
			all = append(all, entry{d.Scope, fixed(o)})
		} else if strings.EqualFold(fmt.Sprint(o["name"]), t.name) {
			q.write(o)
			return
		}
	}
	if t.name != "" {
		writeError(q.w, http.StatusNotFound, "RegistrationNotFound", fmt.Sprintf("The registration '%s' is not found.", t.name))
		return
	}
	q.list(all)
}

func (q *armRequest) registrationAssignments(t target) {
	expand := strings.EqualFold(q.query.Get("$expandregistrationdefinition"), "true")
	q.delegationsAt(t, registrationType, func(d *mivet.Delegation) object { return q.s.world.registration(d, expand) })
}

func (q *armRequest) registrationDefinitions(t target) {
	q.delegationsAt(t, delegationType, q.s.world.delegation)
}

// delegationName is the GUID of a delegation's definition.
func delegationName(d *mivet.Delegation) string {
	return guidOf("delegation", d.ManagingTenant, d.Name, string(d.Scope.Key()))
}

// definitionScope is the subscription in which a delegation's definition lies.
func definitionScope(scope arm.ID) string {
	if sub := scope.Subscription(); !sub.IsZero() {
		return sub.String()
	}
	return strings.TrimSuffix(scope.String(), "/")
}

// registration returns the assignment of a delegation (API version 2022-10-01).
func (w *world) registration(d *mivet.Delegation, expand bool) object {
	id := extensionID(d.ID, d.Scope, registrationType, d.ManagingTenant, d.Name)
	p := object{"registrationDefinitionId": definitionScope(d.Scope) + "/providers/" + delegationType + "/" + delegationName(d), "provisioningState": "Succeeded"}
	if expand {
		p["registrationDefinition"] = w.delegation(d)
	}
	return object{"id": id.String(), "name": id.Name(), "type": registrationType, "properties": p}
}

// delegation returns the definition of a delegation (API version 2022-10-01).
func (w *world) delegation(d *mivet.Delegation) object {
	permanent, eligible := []any{}, []any{}
	for _, g := range d.Grants {
		o := object{"principalId": string(g.Principal), "roleDefinitionId": string(g.Role)}
		setText(o, "principalIdDisplayName", g.Name)
		if len(g.AssignableRoles) > 0 {
			ids := []any{}
			for _, r := range g.AssignableRoles {
				ids = append(ids, string(r))
			}
			o["delegatedRoleDefinitionIds"] = ids
		}
		if g.Eligible {
			o["justInTimeAccessPolicy"] = object{"multiFactorAuthProvider": "None", "maximumActivationDuration": "PT8H"}
			eligible = append(eligible, o)
		} else {
			permanent = append(permanent, o)
		}
	}
	name := delegationName(d)
	return object{"id": definitionScope(d.Scope) + "/providers/" + delegationType + "/" + name, "name": name, "type": delegationType, "properties": object{
		"registrationDefinitionName": d.Name, "managedByTenantId": d.ManagingTenant, "manageeTenantId": w.tenant, "provisioningState": "Succeeded",
		"authorizations": permanent, "eligibleAuthorizations": eligible,
	}}
}
