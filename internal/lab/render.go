// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// object is a JSON object.
type object = map[string]any

// resource returns a thing as Resource Manager returns it.
func (w *world) resource(t *thing) (object, error) {
	if body, ok := w.bodies[t.key]; ok {
		return w.writtenResource(t, body), nil
	}
	if w.raw != nil {
		raw, err := w.raw(t.id)
		if err != nil {
			return nil, err
		}
		var o object
		if len(raw) > 0 && json.Unmarshal(raw, &o) == nil {
			o["id"], o["name"], o["type"] = t.id.String(), t.id.Name(), t.typ
			return o, nil
		}
	}
	o := object{"id": t.id.String(), "name": t.id.Name(), "type": t.typ, "properties": w.properties(t)}
	if t.node == nil {
		return o, nil
	}
	setText(o, "location", t.node.Location)
	if d := t.node.Detail; d != nil {
		setText(o, "kind", d.Kind)
		setText(o, "managedBy", d.ManagedBy.String())
		if len(d.Tags) > 0 {
			o["tags"] = tagsOf(d.Tags)
		}
	}
	if id := w.identity(t); id != nil {
		o["identity"] = id
	}
	return o, nil
}

func setText(o object, key, text string) {
	if text != "" {
		o[key] = text
	}
}

func tagsOf(tags map[string]string) object {
	o := object{}
	for k, v := range tags {
		o[k] = v
	}
	return o
}

// identity is the identity block of a resource
// (Azure/azure-rest-api-specs common-types/resource-management/v5/managedidentity.json).
func (w *world) identity(t *thing) object {
	a := t.node.Identity
	if a == nil || !a.System && len(a.User) == 0 {
		return nil
	}
	var kinds []string
	o := object{}
	if a.System {
		kinds = append(kinds, "SystemAssigned")
		setText(o, "principalId", string(a.SystemPrincipal))
		o["tenantId"] = w.tenant
	}
	if len(a.User) > 0 {
		kinds = append(kinds, "UserAssigned")
		all := object{}
		for _, u := range a.User {
			one := object{}
			if id := w.identities[u.Key()]; id != nil {
				setText(one, "principalId", string(id.Principal))
				setText(one, "clientId", id.ClientID)
			}
			all[u.String()] = one
		}
		o["userAssignedIdentities"] = all
	}
	o["type"] = strings.Join(kinds, ", ")
	return o
}

// properties are those that are known of a thing: its settings, and what follows from
// other facts.
func (w *world) properties(t *thing) object {
	o := object{}
	if t.node != nil && t.node.Detail != nil {
		for _, path := range slices.Sorted(maps.Keys(t.node.Detail.Settings)) {
			if v := t.node.Detail.Settings[path]; v != "null" && !isAppSetting(path) && !strings.HasPrefix(path, stickyPrefix) {
				place(o, steps(path), settingValue(v))
			}
		}
	}
	switch arm.Fold(t.typ) {
	case arm.Fold(identityType):
		if id := w.identities[t.id.Key()]; id != nil {
			o["tenantId"] = w.tenant
			setText(o, "principalId", string(id.Principal))
			setText(o, "clientId", id.ClientID)
		}
		return o
	case arm.Fold(vaultType):
		o["tenantId"] = w.tenant
		o["vaultUri"] = "https://" + strings.ToLower(t.id.Name()) + ".vault.azure.net/"
		o["accessPolicies"] = w.accessPolicies(t.id)
	default:
	}
	if _, there := o["provisioningState"]; !there {
		o["provisioningState"] = "Succeeded"
	}
	return o
}

func (w *world) accessPolicies(vault arm.ID) []any {
	list := []any{}
	for _, p := range w.policies[vault.Key()] {
		tenant := p.TenantID
		if tenant == "" {
			tenant = w.tenant
		}
		one := object{"tenantId": tenant, "objectId": string(p.Principal), "permissions": object{
			"keys": textList(p.Keys), "secrets": textList(p.Secrets), "certificates": textList(p.Certificates), "storage": textList(p.Storage),
		}}
		setText(one, "applicationId", p.ApplicationID)
		list = append(list, one)
	}
	return list
}

func textList(texts []string) []any {
	list := []any{}
	for _, t := range texts {
		list = append(list, t)
	}
	return list
}

// settingValue is the value of a setting: the JSON text of a boolean or a number, or a
// plain text.
func settingValue(text string) any {
	switch text {
	case "true":
		return true
	case "false":
		return false
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(n, 'f', -1, 64) == text {
		return n
	}
	return text
}

// namedLists are lists of objects with a name and a value, whose settings are written
// below the list by their names.
var namedLists = []string{"appSettings", "env", "environmentVariables"}

// appSettingsPrefix is where the settings of an App Service app stand. Resource Manager
// does not return them with the app.
const appSettingsPrefix = "siteConfig.appSettings."

func isAppSetting(path string) bool {
	return len(path) > len(appSettingsPrefix) && strings.EqualFold(path[:len(appSettingsPrefix)], appSettingsPrefix)
}

// stickyPrefix is where the names of settings stand that a swap leaves; they are no property
// of the site.
const stickyPrefix = "slotConfigNames.appSettingNames"

// step is a part of a path: a key, an index, or the name of an entry of a named list.
type step struct {
	key   string
	index int // from 0; -1 for a key
	named bool
}

// steps takes a path apart: "template.containers[0].env.AZURE_CLIENT_ID".
func steps(path string) []step {
	var list []step
	for path != "" {
		if n := len(list); n > 0 && slices.Contains(namedLists, list[n-1].key) {
			return append(list, step{key: path, index: -1, named: true})
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		if end > 0 {
			list = append(list, step{key: path[:end], index: -1})
		}
		rest := path[end:]
		for strings.HasPrefix(rest, "[") {
			number, after, ok := strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(number)
			if !ok || err != nil || n < 0 || n > maxIndex {
				return append(list, step{key: rest, index: -1})
			}
			list = append(list, step{index: n})
			rest = after
		}
		path = strings.TrimPrefix(rest, ".")
	}
	return list
}

// maxIndex bounds the lists that a path can make.
const maxIndex = 1000

// place puts a value at a path, and makes what is missing on the way.
func place(o object, path []step, value any) {
	if len(path) == 0 {
		return
	}
	first, rest := path[0], path[1:]
	if len(rest) == 0 {
		o[first.key] = value
		return
	}
	if rest[0].index < 0 && !rest[0].named {
		below, _ := o[first.key].(object)
		if below == nil {
			below = object{}
			o[first.key] = below
		}
		place(below, rest, value)
		return
	}
	list, _ := o[first.key].([]any)
	if rest[0].named {
		o[first.key] = append(list, object{"name": rest[0].key, "value": value})
		return
	}
	for len(list) <= rest[0].index {
		list = append(list, object{})
	}
	o[first.key] = list
	if len(rest) == 1 {
		list[rest[0].index] = value
		return
	}
	if below, isObject := list[rest[0].index].(object); isObject {
		place(below, rest[1:], value)
	}
}

// timeText writes a time as Resource Manager does; "" for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.0000000Z")
}

func setTime(o object, key string, t time.Time) { setText(o, key, timeText(t)) }

// subscription returns a subscription as GET /subscriptions does.
func (w *world) subscription(t *thing) object {
	name := t.id.Name()
	o := object{
		"id": t.id.String(), "subscriptionId": t.id.Name(), "tenantId": w.tenant, "state": "Enabled",
		"authorizationSource": "RoleBased", "managedByTenants": []any{},
		"subscriptionPolicies": object{"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
	}
	if t.sub != nil {
		if t.sub.Name != "" {
			name = t.sub.Name
		}
		if len(t.sub.Tags) > 0 {
			o["tags"] = tagsOf(t.sub.Tags)
		}
	}
	o["displayName"] = name
	return o
}

// resourceGroup returns a group as Resource Manager does.
func (w *world) resourceGroup(t *thing) (object, error) {
	o, err := w.resource(t)
	if err != nil {
		return nil, err
	}
	o["type"] = groupType
	o["properties"] = object{"provisioningState": "Succeeded"}
	if _, there := o["location"]; !there {
		o["location"] = "westeurope"
	}
	return o, nil
}

const (
	assignmentType = "Microsoft.Authorization/roleAssignments"
	definitionType = "Microsoft.Authorization/roleDefinitions"
	denyType       = "Microsoft.Authorization/denyAssignments"
	lockType       = "Microsoft.Authorization/locks"
)

// extensionID is the ID of an object at a scope, where the snapshot does not give it.
func extensionID(given, scope arm.ID, typ string, parts ...string) arm.ID {
	if !given.IsZero() {
		return given
	}
	return mustID(strings.TrimSuffix(scope.String(), "/") + "/providers/" + typ + "/" + guidOf(append([]string{typ, string(scope.Key())}, parts...)...))
}

func (w *world) assignmentID(a *mivet.RoleAssignment) arm.ID {
	return extensionID(a.ID, a.Scope, assignmentType, string(a.Principal), string(a.Role), a.RoleName, a.Condition)
}

// definitionID is the ID of a role as Resource Manager writes it at a scope.
func definitionID(scope arm.ID, role mivet.RoleID) string {
	sub := ""
	if !scope.IsZero() {
		sub = scope.Subscription().String()
	}
	return sub + "/providers/" + definitionType + "/" + string(role)
}

// roleAssignment returns an assignment as Resource Manager does
// (API version 2022-04-01).
func (w *world) roleAssignment(a *mivet.RoleAssignment) object {
	id := w.assignmentID(a)
	p := object{
		"roleDefinitionId": definitionID(a.Scope, w.roleOf(a)), "principalId": string(a.Principal), "scope": a.Scope.String(),
		"condition": nil, "conditionVersion": nil, "delegatedManagedIdentityResourceId": nil, "description": nil,
		"createdBy": string(a.CreatedBy), "updatedBy": string(a.CreatedBy), "createdOn": nil, "updatedOn": nil,
	}
	p["principalType"] = string(w.typeOf(a))
	setText(p, "condition", a.Condition)
	setText(p, "conditionVersion", a.ConditionVersion)
	setText(p, "description", a.Description)
	setText(p, "delegatedManagedIdentityResourceId", a.DelegatedIdentity.String())
	setTime(p, "createdOn", a.CreatedOn)
	setTime(p, "updatedOn", a.CreatedOn)
	return object{"id": id.String(), "name": id.Name(), "type": assignmentType, "properties": p}
}

// longAgo is when roles came to be, which no snapshot says.
var longAgo = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// roleOf returns the ID of an assignment's role, also where only its name is known.
func (w *world) roleOf(a *mivet.RoleAssignment) mivet.RoleID {
	if a.Role != "" {
		return a.Role
	}
	for i := range w.roles {
		if strings.EqualFold(w.roles[i].Name, a.RoleName) {
			return w.roles[i].ID
		}
	}
	return mivet.RoleID(guidOf("role", a.RoleName))
}

// typeOf returns the type of an assignment's principal, "Unknown" where neither the
// assignment nor the directory tells: so Azure shows one that was deleted.
func (w *world) typeOf(a *mivet.RoleAssignment) mivet.PrincipalType {
	if a.PrincipalType != "" {
		return a.PrincipalType
	}
	if p := w.directory.byID[a.Principal]; p != nil && p.Type != "" {
		return p.Type
	}
	return "Unknown"
}

func permissionOf(p *mivet.Permission) object {
	o := object{
		"actions": textList(p.Actions), "notActions": textList(p.NotActions), "dataActions": textList(p.DataActions), "notDataActions": textList(p.NotDataActions),
	}
	if p.Condition != "" {
		o["condition"], o["conditionVersion"] = p.Condition, p.ConditionVersion
	}
	return o
}

func permissionsOf(list []mivet.Permission) []any {
	all := []any{}
	for i := range list {
		all = append(all, permissionOf(&list[i]))
	}
	return all
}

// roleDefinition returns a role as Resource Manager does at a scope.
func (w *world) roleDefinition(r *mivet.RoleDefinition, scope arm.ID) object {
	kind, scopes := "CustomRole", textList(r.AssignableScopes)
	if r.BuiltIn {
		kind = "BuiltInRole"
		if len(scopes) == 0 {
			scopes = []any{"/"}
		}
	}
	return object{"id": definitionID(scope, r.ID), "name": string(r.ID), "type": definitionType, "properties": object{
		"roleName": r.Name, "type": kind, "description": r.Description, "assignableScopes": scopes, "permissions": permissionsOf(r.Permissions),
		"createdOn": timeText(longAgo), "updatedOn": timeText(longAgo), "createdBy": nil, "updatedBy": nil,
	}}
}

// denyAssignment returns a deny assignment as Resource Manager does
// (API version 2022-04-01).
func (w *world) denyAssignment(d *mivet.DenyAssignment) object {
	id := extensionID(d.ID, d.Scope, denyType, d.Name)
	principals := func(list []mivet.PrincipalID) []any {
		all := []any{}
		for _, p := range list {
			typ := "SystemDefined" // everyone
			if p != mivet.Everyone {
				typ = "Unknown"
				if known := w.directory.byID[p]; known != nil && known.Type != "" {
					typ = string(known.Type)
				}
			}
			all = append(all, object{"id": string(p), "type": typ, "displayName": ""})
		}
		return all
	}
	p := object{
		"denyAssignmentName": d.Name, "description": d.Description, "permissions": permissionsOf(d.Permissions), "scope": d.Scope.String(),
		"doNotApplyToChildScopes": d.ThisScopeOnly, "principals": principals(d.Principals), "excludePrincipals": principals(d.Excluded),
		"isSystemProtected": d.SystemProtected,
	}
	setText(p, "condition", d.Condition)
	setText(p, "conditionVersion", d.ConditionVersion)
	setText(p, "denyAssignmentEffect", string(d.Effect))
	return object{"id": id.String(), "name": id.Name(), "type": denyType, "properties": p}
}
