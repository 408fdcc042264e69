// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Every caller sees what its roles let it see, and is refused in Azure's words.
func TestCallers(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	reader, nobody, ci := newClient(t, s, readerClient), newClient(t, s, nobodyClient), newClient(t, s, ciClient)
	const v = "?api-version=2024-01-01"

	if got := names(reader.get("/subscriptions" + v).list(t)); len(got) != 1 {
		t.Errorf("the reader of a group sees the subscriptions %v", got)
	}
	if got := len(nobody.get("/subscriptions" + v).list(t)); got != 0 {
		t.Errorf("nobody sees %d subscriptions", got)
	}
	if got := len(ci.get("/subscriptions" + v).list(t)); got != 2 {
		t.Errorf("the owner of all sees %d subscriptions", got)
	}
	if r := reader.get(kv + v); r.status != 200 {
		t.Errorf("the reader does not see the vault: %d %s", r.status, r.text)
	}
	r := nobody.get(kv + v)
	r.wants(t, 403, "AuthorizationFailed")
	for _, part := range []string{
		"The client '" + nobodyClient + "' with object id '", "does not have authorization to perform action 'Microsoft.KeyVault/vaults/read'",
		"over scope '" + kv + "' or the scope is invalid", "please refresh your credentials",
	} {
		if !strings.Contains(r.text, part) {
			t.Errorf("the refusal lacks %q: %s", part, r.text)
		}
	}
	if got := r.header.Get(decisionHeader); !strings.HasPrefix(got, "denied: ") {
		t.Errorf("the decision is %q", got)
	}
	f := func(c *client, path string, status int) {
		t.Helper()
		method := "GET"
		if strings.HasSuffix(path, "/list") {
			method = "POST"
		}
		if r := c.do(method, path+v, ""); r.status != status {
			t.Errorf("%s: %d, want %d: %s", path, r.status, status, r.text)
		}
	}
	f(nobody, prod+"/resourceGroups", 403)
	f(nobody, prod+"/providers/Microsoft.KeyVault/vaults", 403)
	f(nobody, prod+"/providers/Microsoft.Authorization/roleAssignments", 403)
	f(nobody, prod+"/providers/Microsoft.Authorization/roleDefinitions", 403)
	f(nobody, prod+"/providers/Microsoft.Authorization/denyAssignments", 403)
	f(nobody, prod+"/providers/Microsoft.Authorization/roleEligibilityScheduleInstances", 403)
	f(nobody, prod+"/providers/Microsoft.Authorization/locks", 403)
	f(nobody, prod+"/providers/Microsoft.Authorization/policyAssignments", 403)
	f(nobody, prod+"/providers/Microsoft.ManagedServices/registrationAssignments", 403)
	f(nobody, "/providers/Microsoft.Management/managementGroups/top", 403)
	f(nobody, "/providers/Microsoft.Management/managementGroups/top/descendants", 403)
	f(nobody, kv+"/providers/Microsoft.Insights/diagnosticSettings", 403)
	f(nobody, kv+"/secrets", 403)
	f(nobody, appGroup+"/providers/Microsoft.Web/sites/api/config/web", 403)
	f(nobody, appGroup+"/providers/Microsoft.DocumentDB/databaseAccounts/db/sqlRoleAssignments", 403)
	f(nobody, appGroup+"/providers/Microsoft.KeyVault/vaults/none", 403)
	f(reader, appGroup+"/providers/Microsoft.Web/sites/api/config/appsettings/list", 403) // a POST action, which Reader has not
	f(ci, appGroup+"/providers/Microsoft.Web/sites/api/config/appsettings/list", 200)
	f(reader, appGroup+"/providers/Microsoft.Authorization/roleAssignments", 200)

	rows := reader.query("resources | project id, name").list(t)
	if got := names(rows); slices.Contains(got, "hsm") || !slices.Contains(got, "kv") {
		t.Errorf("the reader of a group finds %v", got)
	}
	if got := nobody.query("resources | project id").list(t); len(got) != 0 {
		t.Errorf("nobody finds %v", got)
	}
	if got := len(nobody.query("managedserviceresources | project id").list(t)); got != 0 {
		t.Errorf("nobody finds %d delegations", got)
	}
	if got := len(nobody.query("authorizationresources | where type =~ 'microsoft.authorization/roleassignments'").list(t)); got != 0 {
		t.Errorf("nobody finds %d assignments", got)
	}
	if got := names(nobody.get(prod + "/providers/Microsoft.Authorization/permissions" + v).list(t)); len(got) != 0 {
		t.Errorf("nobody has permissions: %v", got)
	}
	mine := ci.get(appGroup + "/providers/Microsoft.Web/sites/api/providers/Microsoft.Authorization/permissions" + v).list(t)
	if len(mine) != 2 {
		t.Errorf("ci has %d permission objects, want those of Owner and of its own role: %v", len(mine), mine)
	}
}

// Role assignments are listed at a scope, above and below it, as the filter says.
func TestAssignmentFilters(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	alice, worker := "", ""
	for _, p := range s.view().world.snap.Principals {
		switch p.Name {
		case "Alice Meyer":
			alice = string(p.ID)
		case "worker-id":
			worker = string(p.ID)
		}
	}
	f := func(scope, kind, filter string, want ...string) {
		t.Helper()
		path := strings.TrimSuffix(scope, "/") + "/providers/Microsoft.Authorization/" + kind + "?api-version=2022-04-01"
		if filter != "" {
			path += "&$filter=" + url.QueryEscape(filter)
		}
		var got []string
		for _, o := range c.get(path).list(t) {
			role, _ := find(o, "properties", "roleDefinitionId").(string)
			scope, _ := find(o, "properties", "scope").(string)
			got = append(got, s.view().world.roles[s.view().world.roleAt[newRole(role)]].Name+" "+scope[strings.LastIndexByte(scope, '/')+1:])
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s at %s, %q: %q, want %q", kind, scope, filter, got, want)
		}
	}
	f(kv, "roleAssignments", "", "Contributor kv", "Reader app", "Reader 11111111-0000-4000-8000-000000000001", "Reader live", "Owner ")
	f(kv, "roleAssignments", "atScope()", "Contributor kv", "Reader app", "Reader 11111111-0000-4000-8000-000000000001", "Reader live", "Owner ")
	f(appGroup, "roleAssignments", "atScope()", "Reader app", "Reader 11111111-0000-4000-8000-000000000001", "Reader live", "Owner ")
	f(appGroup, "roleAssignments", "", "Contributor kv", "Restarter api", "Reader app", "Reader 11111111-0000-4000-8000-000000000001", "Reader live", "Owner ")
	f(appGroup, "roleAssignments", "principalId eq '"+worker+"'", "Contributor kv")
	f(appGroup, "roleAssignments", "assignedTo('"+worker+"')", "Contributor kv", "Reader live")
	f(prod, "roleAssignments", "atScope() and assignedTo('"+alice+"')", "Reader live")
	f("/subscriptions/22222222-0000-4000-8000-000000000002", "roleAssignments", "", "Owner ")
	f("/", "roleAssignments", "atScope()", "Owner ")
	f(prod, "roleEligibilityScheduleInstances", "", "Owner top")
	f(prod, "roleEligibilityScheduleInstances", "assignedTo('"+alice+"')", "Owner top")
	f("/", "roleEligibilityScheduleInstances", "atScope()")
	f(kv, "roleAssignmentScheduleInstances", "principalId eq '"+worker+"'", "Contributor kv")

	one := c.get(kv + "/providers/Microsoft.Authorization/roleAssignmentScheduleInstances?api-version=2020-10-01&$filter=" + url.QueryEscape("principalId eq '"+worker+"'")).list(t)[0]
	if got := find(one, "properties", "endDateTime"); got != "2027-01-01T00:00:00.0000000Z" {
		t.Errorf("the schedule ends at %v", got)
	}
	denies := c.get(appGroup + "/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01").list(t)
	if len(denies) != 1 || find(denies[0], "properties", "isSystemProtected") != true {
		t.Errorf("deny assignments %v", denies)
	}
	far := c.get("/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups/far/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01&$filter=" +
		url.QueryEscape("principalId eq '"+alice+"'")).list(t)
	if len(far) != 1 || find(far[0], "properties", "denyAssignmentEffect") != "audit" || find(far[0], "properties", "doNotApplyToChildScopes") != true {
		t.Errorf("deny assignments of alice %v", far)
	}
	roles := func(filter string) []string {
		t.Helper()
		return names(c.get(prod + "/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter=" + url.QueryEscape(filter)).list(t))
	}
	if got := roles("roleName eq 'Reader'"); !slices.Equal(got, []string{"acdd72a7-3385-48ef-bd42-f606fba81ae7"}) {
		t.Errorf("the role Reader is %v", got)
	}
	if got := roles("type eq 'CustomRole'"); len(got) != 1 {
		t.Errorf("custom roles %v", got)
	}
	if got := roles("atScopeAndBelow() and type eq 'BuiltInRole'"); len(got) < 500 {
		t.Errorf("%d built-in roles", len(got))
	}
	if got := names(c.get("/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter=type%20eq%20'CustomRole'").list(t)); len(got) != 0 {
		t.Errorf("roles of a subscription at the root: %v", got)
	}
}

// A managed HSM answers at its own host, by its own roles.
func TestManagedHSM(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	f := func(client, path string, status, want int) {
		t.Helper()
		c := newClient(t, s, client)
		a := s.view().account(client)
		text, _, err := s.view().issue(a, forHSM, s.now(), tokenLife)
		if err != nil {
			t.Fatal(err)
		}
		c.token[forARM] = text
		r := c.do("GET", "https://hsm"+hsmSuffix+path, "")
		if r.status != status {
			t.Fatalf("%s: %d, want %d: %s", path, r.status, status, r.text)
		}
		if status == http.StatusOK {
			if got := len(r.list(t)); got != want {
				t.Errorf("%s: %d, want %d: %s", path, got, want, r.text)
			}
		}
	}
	const at = "/providers/Microsoft.Authorization/"
	f(OperatorID, at+"roleAssignments?api-version=7.4", 200, 2)
	f(OperatorID, at+"roleDefinitions?api-version=7.4", 200, len(testCatalog.HSMRoles())+1)
	f(OperatorID, at+"roleDefinitions", 400, 0)
	f(OperatorID, "/keys?api-version=7.4", 404, 0)
	f(nobodyClient, at+"roleAssignments?api-version=7.4", 403, 0)
	c := newClient(t, s, OperatorID)
	if r := c.do("GET", "https://hsm"+hsmSuffix+at+"roleAssignments?api-version=7.4", ""); r.status != 401 || !strings.Contains(r.header.Get("WWW-Authenticate"), forHSM) {
		t.Errorf("a token for Resource Manager: %d %v", r.status, r.header)
	}
}
