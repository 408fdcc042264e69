// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// writeTenant has callers of several rights, and little else.
const writeTenant = `tenant write id=aaaaaaaa-0000-4000-8000-000000000003 taken=2026-11-20
subscription prod id=/subscriptions/11111111-0000-4000-8000-000000000001
rg app in prod location=westeurope
rg shut in prod location=westeurope
lock ReadOnly at shut
rg kept in prod location=westeurope
storage precious in kept location=westeurope
lock CanNotDelete at precious
identity worker-id in app
user alice id=dddddddd-0000-4000-8000-000000000001
group devs id=dddddddd-0000-4000-8000-000000000002
sp owner client=cccccccc-0000-4000-8000-000000000011
sp contributor client=cccccccc-0000-4000-8000-000000000012
sp delegate client=cccccccc-0000-4000-8000-000000000013
sp denied client=cccccccc-0000-4000-8000-000000000014
assign owner Owner at prod
assign contributor "Website Contributor" at app
assign delegate "Role Based Access Control Administrator" at app condition=` + "`" + `((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {4633458b-17de-408a-b874-0445c86b69e6})) AND ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {4633458b-17de-408a-b874-0445c86b69e6}))` + "`" + `
assign denied Owner at prod
deny "no sites" at app principals=denied {
	actions Microsoft.Web/sites/write
}
`

const (
	wOwner, wContributor = "cccccccc-0000-4000-8000-000000000011", "cccccccc-0000-4000-8000-000000000012"
	wDelegate, wDenied   = "cccccccc-0000-4000-8000-000000000013", "cccccccc-0000-4000-8000-000000000014"

	wSub   = "/subscriptions/11111111-0000-4000-8000-000000000001"
	wApp   = wSub + "/resourceGroups/app"
	wSite  = wApp + "/providers/Microsoft.Web/sites/api"
	wVault = wApp + "/providers/Microsoft.KeyVault/vaults/kv"
	wID    = wApp + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker-id"
	wv     = "?api-version=2023-12-01"

	secretsUser = "4633458b-17de-408a-b874-0445c86b69e6"
	alice       = "dddddddd-0000-4000-8000-000000000001"
)

// expect checks a status and what the answer must hold.
func (c *client) expect(status int, method, path, body string, wants ...string) *reply {
	c.t.Helper()
	r := c.do(method, path, body)
	if r.status != status {
		c.t.Errorf("%s %s: %d, want %d: %s", method, path, r.status, status, r.text)
	}
	for _, want := range wants {
		if !strings.Contains(r.text, want) {
			c.t.Errorf("%s %s lacks %q: %s", method, path, want, r.text)
		}
	}
	return r
}

// principalOf is the principal of a system-assigned identity in an answer.
func principalOf(t *testing.T, r *reply) string {
	t.Helper()
	id, _ := r.body["identity"].(map[string]any)
	p, _ := id["principalId"].(string)
	return p
}

func assignmentAt(scope, name string) string {
	return scope + "/providers/Microsoft.Authorization/roleAssignments/" + name + "?api-version=2022-04-01"
}

func guid(n int) string { return fmt.Sprintf("eeeeeeee-0000-4000-8000-%012d", n) }

// A principal belongs to a generation of its resource.
func TestWriteIdentities(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	const plain = `{"location":"West Europe","kind":"app","tags":{"a":"b"},"identity":{"type":"SystemAssigned"},"properties":{"httpsOnly":true}}`
	first := owner.expect(200, "PUT", wSite+wv, plain, `"provisioningState":"Succeeded"`, `"httpsOnly":true`, `"kind":"app"`, `"a":"b"`, `"defaultHostName":"api.azurewebsites.net"`)
	p1 := principalOf(t, first)
	if again := owner.expect(200, "PUT", wSite+wv, plain); p1 == "" || principalOf(t, again) != p1 {
		t.Errorf("an update changed the principal %s to %s", p1, principalOf(t, again))
	}
	if kept := owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope","properties":{}}`); principalOf(t, kept) != p1 {
		t.Errorf("a PUT without the block changed the identity: %s", kept.text)
	}
	owner.expect(200, "PATCH", wSite+wv, `{"tags":{"c":"d"}}`, `"c":"d"`)
	off := owner.expect(200, "PATCH", wSite+wv, `{"identity":{"type":"None"}}`)
	if off.body["identity"] != nil {
		t.Errorf("%s", off.text)
	}
	p2 := principalOf(t, owner.expect(200, "PATCH", wSite+wv, `{"identity":{"type":"SystemAssigned"}}`))
	owner.expect(200, "DELETE", wSite+wv, "")
	owner.expect(204, "DELETE", wSite+wv, "")
	owner.expect(404, "GET", wSite+wv, "", "ResourceNotFound")
	p3 := principalOf(t, owner.expect(200, "PUT", wSite+wv, plain))
	if p2 == "" || p3 == "" || p1 == p2 || p2 == p3 || p1 == p3 {
		t.Errorf("principals %q %q %q", p1, p2, p3)
	}
	// The directory knows the last one alone.
	graph := newClient(t, s, OperatorID)
	graph.expect(404, "GET", "/v1.0/servicePrincipals/"+p1, "")
	graph.expect(200, "GET", "/v1.0/servicePrincipals/"+p3, "", `"displayName":"api"`)

	// User-assigned ones, attached and detached.
	both := owner.expect(200, "PATCH", wSite+wv, `{"identity":{"type":"SystemAssigned, UserAssigned","userAssignedIdentities":{"`+wID+`":{}}}}`, `"type":"SystemAssigned, UserAssigned"`, wID, "clientId")
	if principalOf(t, both) != p3 {
		t.Errorf("%s", both.text)
	}
	owner.expect(200, "PATCH", wSite+wv, `{"identity":{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":{"`+wID+`":null}}}`, `"type":"SystemAssigned"`)
	owner.expect(200, "PATCH", wSite+wv, `{"identity":{"type":"UserAssigned","userAssignedIdentities":{"`+wID+`":{}}}}`, `"type":"UserAssigned"`)
	graph.expect(404, "GET", "/v1.0/servicePrincipals/"+p3, "")
	owner.expect(400, "PATCH", wSite+wv, `{"identity":{"type":"Mine"}}`, "InvalidIdentityType")
	owner.expect(400, "PATCH", wSite+wv, `{"identity":{"type":"UserAssigned","userAssignedIdentities":{"`+wApp+`/providers/Microsoft.ManagedIdentity/userAssignedIdentities/none":{}}}}`, "FailedIdentityOperation")
	contributor := newClient(t, s, wContributor)
	contributor.expect(403, "PATCH", wSite+wv, `{"identity":{"type":"UserAssigned","userAssignedIdentities":{"`+wID+`":{}}}}`,
		"LinkedAuthorizationFailed", "has permission to perform action 'Microsoft.Web/sites/write'", "'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '"+wID+"'")
	contributor.expect(200, "PATCH", wSite+wv, `{"tags":{"x":"y"}}`)

	// An identity of its own is born anew as well.
	before := owner.expect(200, "GET", wID+wv, "", `"principalId"`)
	owner.expect(200, "DELETE", wID+wv, "")
	after := owner.expect(201, "PUT", wID+wv, `{"location":"westeurope"}`, `"principalId"`, `"clientId"`)
	if fmt.Sprint(before.body["properties"]) == fmt.Sprint(after.body["properties"]) {
		t.Errorf("the same principal: %s", after.text)
	}
	again := owner.expect(200, "PUT", wID+wv, `{"location":"westeurope","tags":{"a":"b"}}`)
	if fmt.Sprint(again.body["properties"]) != fmt.Sprint(after.body["properties"]) {
		t.Errorf("an update changed the principal: %s", again.text)
	}
}

func TestWriteResources(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner, contributor, operator := newClient(t, s, wOwner), newClient(t, s, wContributor), newClient(t, s, OperatorID)
	f := func(c *client, status int, method, path, body string, wants ...string) *reply {
		t.Helper()
		return c.expect(status, method, path+wv, body, wants...)
	}
	f(owner, 201, "PUT", wSub+"/resourceGroups/fresh", `{"location":"westeurope","tags":{"a":"b"}}`, `"name":"fresh"`, `"a":"b"`, `"location":"westeurope"`)
	f(owner, 200, "PUT", wSub+"/resourceGroups/fresh", `{"location":"westeurope"}`)
	f(owner, 200, "PATCH", wSub+"/resourceGroups/fresh", `{"tags":{"a":"c"}}`, `"location":"westeurope"`)
	f(owner, 404, "PATCH", wSub+"/resourceGroups/none", `{}`, "ResourceGroupNotFound")
	f(owner, 400, "PUT", wSub+"/resourceGroups/bare", `{}`, "LocationRequired")
	f(owner, 404, "PUT", "/subscriptions/none/resourceGroups/x", `{"location":"westeurope"}`, "SubscriptionNotFound")
	f(contributor, 403, "PUT", wSub+"/resourceGroups/x", `{"location":"westeurope"}`, "AuthorizationFailed", "Microsoft.Resources/subscriptions/resourceGroups/write")
	f(owner, 201, "PUT", wVault, `{"location":"westeurope","properties":{"sku":{"name":"standard"}}}`, `"enableRbacAuthorization":false`, `"vaultUri":"https://kv.vault.azure.net/"`)
	f(owner, 200, "PUT", wApp+"/providers/Microsoft.Storage/storageAccounts/files", `{"location":"westeurope","sku":{"name":"Standard_LRS"},"kind":"StorageV2"}`, `"allowSharedKeyAccess":true`, `"blob":"https://files.blob.core.windows.net/"`, `"name":"Standard_LRS"`)
	f(owner, 201, "PUT", wApp+"/providers/Microsoft.ServiceBus/namespaces/bus", `{"location":"westeurope"}`, "servicebus.windows.net:443")
	f(owner, 201, "PUT", wApp+"/providers/Microsoft.ServiceBus/namespaces/bus/queues/orders", `{"properties":{"lockDuration":"PT1M"}}`, "PT1M")
	f(owner, 404, "PUT", wApp+"/providers/Microsoft.ServiceBus/namespaces/none/queues/orders", `{}`, "ParentResourceNotFound")
	f(owner, 400, "PUT", wApp+"/providers/Microsoft.ServiceBus/namespaces/other", `{}`, "LocationRequired")
	f(owner, 409, "PUT", wVault, `{"location":"northeurope"}`, "InvalidResourceLocation", "already exists in location 'westeurope'")
	f(owner, 404, "PUT", wSub+"/resourceGroups/none/providers/Microsoft.Web/sites/x", `{}`, "ResourceGroupNotFound")
	f(owner, 400, "PUT", wSite, `{`, "InvalidRequestContent")
	f(owner, 404, "PATCH", wSite, `{}`, "ResourceNotFound")
	f(owner, 405, "PUT", wApp+"/providers/Microsoft.Web/sites", `{}`, "MethodNotAllowed")
	f(owner, 405, "PUT", wApp+"/providers/Microsoft.Authorization/permissions/x", `{}`, "MethodNotAllowed")
	f(contributor, 403, "PUT", wVault, `{"location":"westeurope"}`, "AuthorizationFailed", "Microsoft.KeyVault/vaults/write")
	denied := newClient(t, s, wDenied)
	f(denied, 403, "PUT", wSite, `{"location":"westeurope"}`, "DenyAssignmentAuthorizationFailed", "the access is denied because of the deny assignment with name 'no sites'", "at scope '"+wApp+"'")

	// Containers always have the lists that providers go through.
	group := f(owner, 201, "PUT", wApp+"/providers/Microsoft.ContainerInstance/containerGroups/job", `{"location":"westeurope","properties":{"containers":[{"name":"a"},{"name":"b","properties":{"ports":[{"port":80}]}}]}}`, `"environmentVariables":[]`, `"ports":[]`, `"port":80`)
	operation := group.header.Get("Azure-AsyncOperation")
	if group.header.Get("X-Go-Azure-Sdk-Skip-Polling-Delay") != "true" {
		t.Errorf("the provider of Terraform waits for what is over at once: %v", group.header)
	}
	owner.expect(200, "GET", operation, "", `"status":"Succeeded"`)
	owner.expect(404, "GET", wSub+"/providers/Microsoft.Resources/operationStatuses/none"+wv, "", "OperationNotFound")
	if r := f(owner, 202, "DELETE", wApp+"/providers/Microsoft.ContainerInstance/containerGroups/job", ""); r.header.Get("Location") == "" {
		t.Errorf("%v", r.header)
	}

	// What was written is found everywhere.
	if got := owner.query("resources | where name == 'kv' | project id, name, properties").list(t); len(got) != 1 || !strings.Contains(fmt.Sprint(got[0]["properties"]), "enableRbacAuthorization:false") {
		t.Errorf("%v", got)
	}
	// Settings of an app: those that nobody speaks of stay.
	f(owner, 200, "PUT", wSite, `{"location":"westeurope","properties":{"siteConfig":{"appSettings":[{"name":"A","value":"1"}],"alwaysOn":true}}}`, `"alwaysOn":true`)
	f(owner, 200, "PUT", wSite, `{"location":"westeurope","properties":{}}`)
	f(owner, 200, "POST", wSite+"/config/appsettings/list", "", `"A":"1"`)
	f(owner, 200, "PUT", wSite+"/config/appsettings", `{"properties":{"B":"2"}}`, `"B":"2"`)
	if r := f(owner, 200, "POST", wSite+"/config/appsettings/list", "", `"B":"2"`); strings.Contains(r.text, `"A"`) {
		t.Errorf("%s", r.text)
	}
	f(owner, 405, "PUT", wSite+"/config/other", `{}`, "MethodNotAllowed")
	f(owner, 404, "PUT", wApp+"/providers/Microsoft.Web/sites/none/config/appsettings", `{}`, "ResourceNotFound")
	f(owner, 201, "PUT", wVault+"/secrets/db", `{"properties":{"value":"hidden","contentType":"x"}}`)
	if r := f(owner, 200, "GET", wVault+"/secrets/db", ""); strings.Contains(r.text, "hidden") {
		t.Errorf("%s", r.text)
	}
	dataCaller(t, s, OperatorID, vaultAud).expect(200, "GET", kvHost+"/secrets/db"+v7, "", `"value":"hidden"`)

	// A group goes with all that is in it.
	f(owner, 202, "DELETE", wSub+"/resourceGroups/app", "")
	f(owner, 404, "GET", wVault, "", "ResourceGroupNotFound")
	f(owner, 404, "DELETE", wSub+"/resourceGroups/app", "", "ResourceGroupNotFound")
	dataCaller(t, s, OperatorID, vaultAud).expect(404, "GET", kvHost+"/secrets/db"+v7, "", "VaultNotFound")
	_ = operator
}

func TestWriteLocks(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	const shut, kept = wSub + "/resourceGroups/shut", wSub + "/resourceGroups/kept"
	const precious = kept + "/providers/Microsoft.Storage/storageAccounts/precious"
	owner.expect(409, "PUT", shut+"/providers/Microsoft.Web/sites/x"+wv, `{"location":"westeurope"}`, "ScopeLocked", "cannot perform write operation because following scope(s) are locked: '"+shut+"'")
	owner.expect(409, "PUT", assignmentAt(shut, guid(1)), `{"properties":{"roleDefinitionId":"`+secretsUser+`","principalId":"`+alice+`"}}`, "ScopeLocked")
	owner.expect(409, "DELETE", precious+wv, "", "ScopeLocked", "cannot perform delete operation")
	owner.expect(409, "DELETE", kept+wv, "", "ScopeLocked", precious)
	owner.expect(200, "PATCH", precious+wv, `{"tags":{"a":"b"}}`)
	const lock = "/providers/Microsoft.Authorization/locks/mine?api-version=2020-05-01"
	owner.expect(201, "PUT", wApp+lock, `{"properties":{"level":"CanNotDelete"}}`, `"level":"CanNotDelete"`)
	owner.expect(200, "PUT", wApp+lock, `{"properties":{"level":"ReadOnly"}}`)
	owner.expect(409, "PUT", wSite+wv, `{"location":"westeurope"}`, "ScopeLocked")
	owner.expect(400, "PUT", wApp+lock, `{"properties":{"level":"Some"}}`, "InvalidLockLevel")
	newClient(t, s, wContributor).expect(403, "DELETE", wApp+lock, "", "Microsoft.Authorization/locks/delete")
	newClient(t, s, wContributor).expect(403, "PUT", wApp+lock, `{}`, "Microsoft.Authorization/locks/write")
	owner.expect(200, "DELETE", wApp+lock, "")
	owner.expect(204, "DELETE", wApp+lock, "")
	owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope"}`)
}

func TestWriteAssignments(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	body := func(role, principal, more string) string {
		return `{"properties":{"roleDefinitionId":"` + wSub + `/providers/Microsoft.Authorization/roleDefinitions/` + role + `","principalId":"` + principal + `"` + more + `}}`
	}
	put := func(c *client, status int, scope, name, body string, wants ...string) {
		t.Helper()
		c.expect(status, "PUT", assignmentAt(scope, name), body, wants...)
	}
	const nobody = "99999999-0000-4000-8000-000000000001"
	put(owner, 201, wApp, guid(1), body(secretsUser, alice, ""), `"principalType":"User"`, `"createdBy":"`, `"scope":"`+wApp+`"`)
	owner.expect(200, "GET", assignmentAt(wApp, guid(1)), "", alice)
	put(owner, 201, wApp, guid(1), body(secretsUser, alice, `,"description":"why"`), `"description":"why"`)
	put(owner, 409, wApp, guid(2), body(secretsUser, alice, ""), "RoleAssignmentExists", "The role assignment already exists.")
	put(owner, 400, wApp, guid(1), body(secretsUser, guid(7), `,"principalType":"ServicePrincipal"`), "RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
	put(owner, 400, wApp, guid(3), body(secretsUser, nobody, ""), "PrincipalNotFound", "Principal 999999990000", "does not exist in the directory aaaaaaaa-0000-4000-8000-000000000003")
	put(owner, 201, wApp, guid(3), body(secretsUser, nobody, `,"principalType":"ServicePrincipal"`))
	put(owner, 400, wApp, guid(4), body(secretsUser, alice, `,"principalType":"ServicePrincipal"`), "UnmatchedPrincipalType", "has type 'User' ")
	put(owner, 400, wApp, guid(4), body(secretsUser, "worker-id", ""), "InvalidPrincipalId", "Principal ID must be a GUID.")
	put(owner, 400, wApp, guid(4), body(nobody, alice, ""), "RoleDefinitionDoesNotExist")
	put(owner, 400, wApp, "mine", body(secretsUser, alice, ""), "InvalidRoleAssignmentId")
	put(owner, 400, wApp, guid(4), body(secretsUser, guid(8), `,"principalType":"ServicePrincipal","condition":"nonsense"`), "BadRequest")
	put(owner, 400, wApp, guid(4), `{"properties":{"principalId":7}}`, "InvalidRequestContent")
	put(newClient(t, s, wContributor), 403, wApp, guid(4), body(secretsUser, alice, ""), "AuthorizationFailed", "Microsoft.Authorization/roleAssignments/write")

	// Whoever may delegate one role delegates that one alone.
	delegate := newClient(t, s, wDelegate)
	put(delegate, 201, wApp, guid(5), body(secretsUser, "dddddddd-0000-4000-8000-000000000002", ""), `"principalType":"Group"`)
	put(delegate, 403, wApp, guid(6), body("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", alice, ""), "has an authorization with ABAC condition that is not fulfilled to perform action 'Microsoft.Authorization/roleAssignments/write'")
	put(owner, 201, wApp, guid(6), body("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", alice, ""))
	delegate.expect(403, "DELETE", assignmentAt(wApp, guid(6)), "", "ABAC condition")
	delegate.expect(200, "DELETE", assignmentAt(wApp, guid(5)), "", `"principalType":"Group"`)
	delegate.expect(403, "DELETE", assignmentAt(wApp, guid(5)), "")
	owner.expect(204, "DELETE", assignmentAt(wApp, guid(5)), "")
	owner.expect(404, "GET", assignmentAt(wApp, guid(5)), "", "RoleAssignmentNotFound")
}

// A subscription has room for so many role assignments.
func TestWriteAssignmentLimit(t *testing.T) {
	var b strings.Builder
	b.WriteString(writeTenant)
	for i := range 3998 {
		fmt.Fprintf(&b, "assign %s Reader at app\n", fmt.Sprintf("77777777-0000-4000-8000-%012d", i))
	}
	s := start(t, parse(t, b.String()), Options{})
	newClient(t, s, wOwner).expect(400, "PUT", assignmentAt(wApp, guid(1)), `{"properties":{"roleDefinitionId":"`+secretsUser+`","principalId":"`+alice+`"}}`, "RoleAssignmentLimitExceeded")
}

func TestWriteDefinitions(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	at := func(name string) string {
		return wSub + "/providers/Microsoft.Authorization/roleDefinitions/" + name + "?api-version=2022-04-01"
	}
	role := func(name, scope string) string {
		return `{"properties":{"roleName":"` + name + `","type":"CustomRole","assignableScopes":["` + scope + `"],"permissions":[{"actions":["Microsoft.Web/sites/restart/action"]}]}}`
	}
	owner.expect(201, "PUT", at(guid(1)), role("Restarter", wApp), `"roleName":"Restarter"`, `"type":"CustomRole"`, "Microsoft.Web/sites/restart/action")
	owner.expect(200, "GET", at(guid(1)), "", "Restarter")
	owner.expect(201, "PUT", at(guid(1)), role("Restarter 2", wApp), "Restarter 2")
	owner.expect(409, "PUT", at(guid(2)), role("Restarter 2", wApp), "RoleDefinitionWithSameNameExists")
	owner.expect(409, "PUT", at(guid(2)), role("Reader", wApp), "RoleDefinitionWithSameNameExists")
	owner.expect(400, "PUT", at(guid(2)), `{"properties":{"roleName":"x","assignableScopes":[]}}`, "assignable scope")
	owner.expect(400, "PUT", at("x"), role("y", wApp), "InvalidRoleDefinitionId")
	owner.expect(400, "PUT", at(secretsUser), role("y", wApp), "built in")
	owner.expect(400, "DELETE", at(secretsUser), "", "built in")
	owner.expect(400, "PUT", at(guid(2)), `{"properties":{"roleName":7}}`, "InvalidRequestContent")
	newClient(t, s, wContributor).expect(403, "PUT", at(guid(2)), role("z", wApp), "Microsoft.Authorization/roleDefinitions/write")
	newClient(t, s, wContributor).expect(403, "DELETE", at(guid(1)), "", "Microsoft.Authorization/roleDefinitions/delete")
	owner.expect(201, "PUT", assignmentAt(wApp, guid(3)), `{"properties":{"roleDefinitionId":"`+guid(1)+`","principalId":"`+alice+`"}}`)
	owner.expect(400, "DELETE", at(guid(1)), "", "RoleDefinitionHasAssignments")
	owner.expect(200, "DELETE", assignmentAt(wApp, guid(3)), "")
	owner.expect(200, "DELETE", at(guid(1)), "", "Restarter 2")
	owner.expect(204, "DELETE", at(guid(1)), "")
}

func TestWriteDenies(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	const at = wApp + "/providers/Microsoft.Authorization/denyAssignments/eeeeeeee-0000-4000-8000-000000000001?api-version=2024-07-01-preview"
	body := func(principal, action string) string {
		return `{"properties":{"denyAssignmentName":"no","permissions":[{"actions":["` + action + `"]}],"principals":[{"id":"` + principal + `","type":"User"}]}}`
	}
	owner.expect(201, "PUT", at, body(alice, "Microsoft.Web/sites/write"), `"denyAssignmentName":"no"`)
	owner.expect(201, "PUT", at, body(alice, "Microsoft.Web/sites/delete"))
	owner.expect(400, "PUT", at, body(alice, "*/read"), "read actions cannot be denied")
	owner.expect(400, "PUT", at, strings.Replace(body(alice, "Microsoft.Web/sites/write"), `"User"`, `"Group"`, 1), "cannot be denied")
	owner.expect(400, "PUT", at, `{"properties":{"principals":7}}`, "InvalidRequestContent")
	newClient(t, s, wContributor).expect(403, "PUT", at, body(alice, "Microsoft.Web/sites/write"), "Microsoft.Authorization/denyAssignments/write")
	newClient(t, s, wContributor).expect(403, "DELETE", at, "", "Microsoft.Authorization/denyAssignments/delete")
	if got := len(owner.get(wApp + "/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01").list(t)); got != 2 {
		t.Errorf("%d deny assignments", got)
	}
	owner.expect(200, "DELETE", at, "")
	owner.expect(204, "DELETE", at, "")
}

func TestWriteFederated(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	at := func(name string) string {
		return wID + "/federatedIdentityCredentials/" + name + "?api-version=2023-01-31"
	}
	const body = `{"properties":{"issuer":"https://token.example","subject":"repo:a","audiences":["api://AzureADTokenExchange"]}}`
	owner.expect(201, "PUT", at("one"), body, "repo:a")
	owner.expect(200, "PUT", at("one"), body)
	owner.expect(409, "PUT", at("two"), body, "exists on the identity already")
	owner.expect(400, "PUT", at("two"), `{"properties":{"issuer":"x"}}`, "needs an issuer")
	owner.expect(400, "PUT", at("two"), `{"properties":7}`, "InvalidRequestContent")
	for i := range 19 {
		owner.expect(201, "PUT", at(fmt.Sprint("more", i)), strings.Replace(body, "repo:a", fmt.Sprint("repo:", i), 1))
	}
	owner.expect(400, "PUT", at("two"), strings.Replace(body, "repo:a", "repo:b", 1), "has 20 federated identity credentials already")
	owner.expect(200, "DELETE", at("one"), "")
	owner.expect(204, "DELETE", at("one"), "")
	owner.expect(404, "PUT", wApp+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/none/federatedIdentityCredentials/x?api-version=2023-01-31", body, "ParentResourceNotFound")
	newClient(t, s, wContributor).expect(403, "PUT", at("x"), body, "federatedIdentityCredentials/write")
	newClient(t, s, wContributor).expect(403, "DELETE", at("x"), "", "federatedIdentityCredentials/delete")
}

func TestWritePolicies(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	entry := func(secrets string) string {
		return `{"tenantId":"aaaaaaaa-0000-4000-8000-000000000003","objectId":"` + alice + `","permissions":{"secrets":[` + secrets + `]}}`
	}
	owner.expect(201, "PUT", wVault+wv, `{"location":"westeurope","properties":{"accessPolicies":[`+entry(`"get"`)+`]}}`, `"secrets":["get"]`)
	at := func(kind string) string { return wVault + "/accessPolicies/" + kind + wv }
	body := func(secrets string) string { return `{"properties":{"accessPolicies":[` + entry(secrets) + `]}}` }
	owner.expect(200, "PUT", at("add"), body(`"list"`), `"secrets":["get","list"]`)
	owner.expect(200, "PUT", at("remove"), body(`"get"`), `"secrets":["list"]`)
	owner.expect(200, "PUT", at("replace"), body(`"set"`), `"secrets":["set"]`)
	owner.expect(200, "PUT", at("remove"), body(`"set"`), `"accessPolicies":[]`)
	owner.expect(200, "PUT", at("remove"), body(`"set"`), `"accessPolicies":[]`)
	owner.expect(200, "PUT", at("add"), body(`"get"`), alice)
	owner.expect(200, "PATCH", wVault+wv, `{"tags":{"a":"b"}}`, alice)
	owner.expect(400, "PUT", at("other"), body(`"get"`), "not one of add, replace and remove")
	owner.expect(400, "PUT", at("add"), `{"properties":{"accessPolicies":7}}`, "InvalidRequestContent")
	owner.expect(404, "PUT", wApp+"/providers/Microsoft.KeyVault/vaults/none/accessPolicies/add"+wv, body(`"get"`), "ParentResourceNotFound")
	newClient(t, s, wContributor).expect(403, "PUT", at("add"), body(`"get"`), "Microsoft.KeyVault/vaults/accessPolicies/write")
}

// Grants, and new principals, are not known everywhere at once.
func TestWritePropagation(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	s := start(t, parse(t, writeTenant), Options{Now: clock.Now, Propagation: 5 * time.Minute})
	owner := newClient(t, s, wOwner)
	owner.expect(201, "PUT", wVault+wv, `{"location":"westeurope","properties":{"enableRbacAuthorization":true}}`)
	owner.expect(201, "PUT", wVault+"/secrets/one"+wv, `{"properties":{"value":"x"}}`)
	p := principalOf(t, owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope","identity":{"type":"SystemAssigned"}}`))
	body := func(more string) string {
		return `{"properties":{"roleDefinitionId":"` + secretsUser + `","principalId":"` + p + `"` + more + `}}`
	}
	owner.expect(400, "PUT", assignmentAt(wVault, guid(1)), body(""), "PrincipalNotFound")
	owner.expect(201, "PUT", assignmentAt(wVault, guid(1)), body(`,"principalType":"ServicePrincipal"`))
	owner.expect(200, "GET", assignmentAt(wVault, guid(1)), "", p)
	env := s.HostEnv(mustID(wSite))
	site := &dataClient{t: t, s: s, http: s.Client()}
	t.Cleanup(site.http.CloseIdleConnections)
	reads := func(status int) {
		t.Helper()
		r := (&dataClient{t: t, s: s, http: site.http}).with("X-IDENTITY-HEADER", env["IDENTITY_HEADER"]).expect(200, "GET", env["IDENTITY_ENDPOINT"]+"?resource="+vaultAud, "")
		site.token, _ = r.body["access_token"].(string)
		site.expect(status, "GET", kvHost+"/secrets/one"+v7, "")
	}
	reads(403)
	clock.Advance(4 * time.Minute)
	reads(403)
	clock.Advance(2 * time.Minute)
	reads(200)
	owner.expect(200, "DELETE", assignmentAt(wVault, guid(1)), "")
	owner.expect(404, "GET", assignmentAt(wVault, guid(1)), "")
	reads(200)
	clock.Advance(6 * time.Minute)
	reads(403)
	owner.expect(201, "PUT", assignmentAt(wVault, guid(2)), body(""))
}

// Writers and readers together leave one world.
func TestWriteTogether(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			owner := newClient(t, s, wOwner)
			site := fmt.Sprintf("%s/providers/Microsoft.Web/sites/s%d", wApp, i)
			p := principalOf(t, owner.expect(http.StatusOK, "PUT", site+wv, `{"location":"westeurope","identity":{"type":"SystemAssigned"}}`))
			owner.expect(201, "PUT", assignmentAt(site, guid(i)), `{"properties":{"roleDefinitionId":"`+secretsUser+`","principalId":"`+p+`"}}`)
			owner.query("resources | project id").list(t)
			owner.expect(200, "GET", site+wv, "", p)
		})
	}
	wg.Wait()
	owner := newClient(t, s, wOwner)
	if got := len(owner.get(wSub + "/providers/Microsoft.Web/sites" + wv).list(t)); got != 6 {
		t.Errorf("%d sites", got)
	}
	if got := len(owner.get(wApp + "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01").list(t)); got < 6 {
		t.Errorf("%d role assignments", got)
	}
}
