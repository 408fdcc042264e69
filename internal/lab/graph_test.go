// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

func newRole(s string) mivet.RoleID { return mivet.NewRoleID(s) }

// shown lists the display names of a list's elements, sorted.
func shown(list []map[string]any) []string {
	var all []string
	for _, o := range list {
		name, _ := o["displayName"].(string)
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// idOf is the ID of a principal by its name.
func idOf(t testing.TB, s *Server, name string) string {
	t.Helper()
	for _, p := range s.view().world.directory.people {
		if p.Name == name {
			return string(p.ID)
		}
	}
	t.Fatalf("there is no %s", name)
	return ""
}

func TestGraphLists(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	devs, all, worker, ci := idOf(t, s, "devs"), idOf(t, s, "all"), idOf(t, s, "worker-id"), idOf(t, s, "CI")
	f := func(path string, want ...string) {
		t.Helper()
		slices.Sort(want)
		if got := shown(c.get(path).list(t)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	f("/v1.0/users", "Alice Meyer", "bruno")
	f("/v1.0/groups?$select=displayName", "devs", "all")
	f("/v1.0/groups/"+devs+"/members", "Alice Meyer", "bruno")
	f("/v1.0/groups/"+all+"/members", "devs") // version 1.0 leaves service principals out
	f("/beta/groups/"+all+"/members", "devs", "worker-id")
	f("/v1.0/groups/"+all+"/members/microsoft.graph.servicePrincipal", "worker-id")
	f("/v1.0/groups/"+all+"/transitiveMembers", "devs", "worker-id", "Alice Meyer", "bruno")
	f("/v1.0/groups/"+devs+"/memberOf", "all")
	f("/v1.0/groups/"+devs+"/transitiveMemberOf", "all")
	f("/v1.0/directoryObjects/"+worker+"/transitiveMemberOf/microsoft.graph.group", "all")
	f("/v1.0/directoryObjects/"+worker+"/memberOf", "all")
	f("/v1.0/servicePrincipals/"+worker+"/memberOf", "all")
	f("/v1.0/servicePrincipals/"+worker+"/transitiveMemberOf", "all")
	f("/v1.0/users/"+idOf(t, s, "Alice Meyer")+"/memberOf", "devs")
	f("/v1.0/users/"+idOf(t, s, "Alice Meyer")+"/transitiveMemberOf", "devs", "all")
	f("/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+ciClient+"'"), "CI")
	f("/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId in ('"+ciClient+"','"+readerClient+"') and accountEnabled eq true"), "CI", "reader")
	f("/v1.0/servicePrincipals?$filter="+url.QueryEscape("servicePrincipalNames/any(c:c eq '"+ciClient+"')"), "CI")
	f("/v1.0/servicePrincipals?$filter="+url.QueryEscape("servicePrincipalType eq 'ManagedIdentity'"), "worker-id", "second-id", "api", "guard")
	f("/v1.0/applications?$select=displayName&$expand=federatedIdentityCredentials", "CI", "reader", "nobody", "off")
	f("/v1.0/organization", "mivet lab")
	f("/v1.0/roleManagement/directory/roleDefinitions?$top=1&$filter="+url.QueryEscape("displayName eq 'Global Reader'"), "Global Reader")

	count := func(path string, want int) []map[string]any {
		t.Helper()
		got := c.get(path).list(t)
		if len(got) != want {
			t.Errorf("%s: %d, want %d", path, len(got), want)
		}
		return got
	}
	mine := count("/v1.0/servicePrincipals/"+ci+"/appRoleAssignments", 2)
	if mine[0]["resourceDisplayName"] != "Microsoft Graph" || mine[0]["principalType"] != "ServicePrincipal" {
		t.Errorf("application permissions %v", mine)
	}
	count("/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')/appRoleAssignedTo", 2)
	count("/v1.0/users/"+idOf(t, s, "bruno")+"/appRoleAssignments", 0)
	count("/v1.0/groups/"+devs+"/appRoleAssignments", 0)
	count("/v1.0/roleManagement/directory/roleAssignments", 1)
	eligible := count("/v1.0/roleManagement/directory/roleEligibilityScheduleInstances", 1)
	if eligible[0]["endDateTime"] != "2027-01-01T00:00:00Z" || eligible[0]["directoryScopeId"] != "/" {
		t.Errorf("eligible roles %v", eligible)
	}
	count("/v1.0/roleManagement/directory/roleAssignmentScheduleInstances", 1)
	app := c.get("/v1.0/applications(appId='" + ciClient + "')?$expand=federatedIdentityCredentials")
	creds, _ := app.body["federatedIdentityCredentials"].([]any)
	if len(creds) != 2 || find(creds[0], "subject") != "repo:x/y:ref:refs/heads/main" || find(creds[1], "claimsMatchingExpression", "value") == nil {
		t.Errorf("federated credentials %v", creds)
	}
	id, _ := app.body["id"].(string)
	count("/v1.0/applications/"+id+"/federatedIdentityCredentials", 2)

	identity := c.get("/v1.0/servicePrincipals/" + worker)
	names, _ := identity.body["alternativeNames"].([]any)
	if len(names) != 2 || names[0] != "isExplicit=True" || !strings.HasSuffix(fmt.Sprint(names[1]), "/worker-id") || identity.body["servicePrincipalType"] != "ManagedIdentity" {
		t.Errorf("the service principal of an identity: %s", identity.text)
	}
	guest := c.get("/v1.0/servicePrincipals(appId='cccccccc-0000-4000-8000-000000000005')?$select=appOwnerOrganizationId")
	if guest.body["appOwnerOrganizationId"] != "bbbbbbbb-0000-4000-8000-000000000001" || guest.body["appId"] != nil {
		t.Errorf("a guest: %s", guest.text)
	}
}

// Pages follow one another, and counts are given where they are asked for.
func TestGraphPages(t *testing.T) {
	s := start(t, demo(t), Options{})
	c := newClient(t, s, OperatorID)
	seen := map[any]bool{}
	path := "/v1.0/servicePrincipals?$top=7&$select=id"
	pages := 0
	for path != "" {
		r := c.get(path)
		for _, o := range r.list(t) {
			if seen[o["id"]] {
				t.Fatalf("%v comes twice", o["id"])
			}
			seen[o["id"]] = true
		}
		path, _ = r.body["@odata.nextLink"].(string)
		pages++
	}
	want := len(c.get("/v1.0/servicePrincipals?$top=999").list(t))
	if len(seen) != want || pages != (want+6)/7 {
		t.Errorf("%d in %d pages, want %d", len(seen), pages, want)
	}
}

func TestGraphByIDs(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	post := func(body any) *reply {
		t.Helper()
		return c.do("POST", "/v1.0/directoryObjects/getByIds", string(mustJSON(t, body)))
	}
	ids := []string{idOf(t, s, "devs"), idOf(t, s, "CI"), "dddddddd-0000-4000-8000-000000000001", idOf(t, s, "CI")}
	if got := shown(post(map[string]any{"ids": ids}).list(t)); !slices.Equal(got, []string{"CI", "devs"}) {
		t.Errorf("by IDs: %q", got)
	}
	if got := shown(post(map[string]any{"ids": ids, "types": []string{"group"}}).list(t)); !slices.Equal(got, []string{"devs"}) {
		t.Errorf("groups by IDs: %q", got)
	}
	post(map[string]any{"ids": []string{}}).wants(t, 400, "Request_BadRequest")
	post(map[string]any{"ids": make([]string, 1001)}).wants(t, 400, "Request_BadRequest")
}

func TestGraphRefuses(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	f := func(path string, status int, code string) {
		t.Helper()
		c.get(path).wants(t, status, code)
	}
	f("/v1.0/groups/dddddddd-0000-4000-8000-000000000001", 404, "Request_ResourceNotFound")
	f("/v1.0/groups/"+idOf(t, s, "CI"), 404, "Request_ResourceNotFound")
	f("/v1.0/applications/dddddddd-0000-4000-8000-000000000001", 404, "Request_ResourceNotFound")
	f("/v1.0/applications/dddddddd-0000-4000-8000-000000000001/federatedIdentityCredentials", 404, "Request_ResourceNotFound")
	f("/v1.0/servicePrincipals/dddddddd-0000-4000-8000-000000000001/appRoleAssignments", 404, "Request_ResourceNotFound")
	f("/v1.0/groups/dddddddd-0000-4000-8000-000000000001/members", 404, "Request_ResourceNotFound")
	f("/v1.0/devices", 400, "BadRequest")
	f("/v1.0/users?$orderby=displayName", 400, "BadRequest")
	f("/v1.0/users?$expand=manager", 400, "BadRequest")
	f("/v1.0/users?$top=1000", 400, "Request_UnsupportedQuery")
	f("/v1.0/users?$skiptoken=x", 400, "Directory_ExpiredPageToken")
	f("/v1.0/users?$filter="+url.QueryEscape("startswith(displayName,'A')"), 400, "Request_UnsupportedQuery")
	f("/v1.0/users?$filter="+url.QueryEscape("displayName eq Alice"), 400, "Request_UnsupportedQuery")
	f("/v1.0/users?$filter="+url.QueryEscape("displayName ne 'Alice'"), 400, "Request_UnsupportedQuery")
}

// Graph asks for its own permissions, which roles of Azure do not give.
func TestGraphPermissions(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	f := func(client, path string, status int) {
		t.Helper()
		if r := newClient(t, s, client).get(path); r.status != status {
			t.Errorf("%s %s: %d, want %d: %s", client, path, r.status, status, r.text)
		}
	}
	f(readerClient, "/v1.0/servicePrincipals", 200) // Application.Read.All
	f(readerClient, "/v1.0/groups", 403)
	f(readerClient, "/v1.0/directoryObjects/"+idOf(t, s, "devs"), 200)
	f(ciClient, "/v1.0/users", 200) // User.Read.All
	f(ciClient, "/v1.0/applications", 403)
	f(ciClient, "/v1.0/roleManagement/directory/roleAssignments", 403)
	f(nobodyClient, "/v1.0/organization", 403)
	newClient(t, s, nobodyClient).get("/v1.0/users").wants(t, 403, "Authorization_RequestDenied")

	// People may read the directory; a role of the directory lets others do so.
	alice := &account{id: mivet.PrincipalID(idOf(t, s, "Alice Meyer")), user: true}
	text, _, err := s.view().issue(alice, forGraph, s.now(), tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s, nobodyClient)
	c.token[forGraph] = text
	if r := c.get("/v1.0/groups"); r.status != 200 {
		t.Errorf("alice: %d %s", r.status, r.text)
	}
	if got := s.view().world.directory.roleIDs(alice.id); !slices.Equal(got, []string{"f2ef992c-3afb-46b9-b7cf-a126ee74c451"}) {
		t.Errorf("the active roles of alice are %v", got)
	}
	c.token[forGraph] = c.token[forARM]
	c.get("/v1.0/groups").wants(t, 401, "InvalidAuthenticationToken")
}

func TestBatch(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	if err := s.AddFault(Fault{Kind: FaultThrottle, API: APIGraph, Path: "/users/busy"}); err != nil {
		t.Fatal(err)
	}
	r := c.do("POST", "/v1.0/$batch", `{"requests":[
		{"id":"a","method":"GET","url":"/groups?$select=displayName"},
		{"id":"b","method":"GET","url":"/groups/none"},
		{"id":"c","method":"POST","url":"directoryObjects/getByIds","headers":{"Content-Type":"application/json"},"body":{"ids":["`+idOf(t, s, "CI")+`"]}},
		{"id":"d","method":"GET","url":"/users/busy"},
		{"id":"e","method":"BAD METHOD","url":"/users"}]}`)
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	var body struct {
		Responses []struct {
			ID      string
			Status  int
			Headers map[string]string
			Body    map[string]any
		}
	}
	if err := json.Unmarshal([]byte(r.text), &body); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"a": 200, "b": 404, "c": 200, "d": 429, "e": 400}
	for _, one := range body.Responses {
		if one.Status != want[one.ID] {
			t.Errorf("%s: %d, want %d: %v", one.ID, one.Status, want[one.ID], one.Body)
		}
		if one.ID == "d" && one.Headers["Retry-After"] != "1" {
			t.Errorf("the throttled request says %v", one.Headers)
		}
		delete(want, one.ID)
	}
	if len(want) > 0 {
		t.Errorf("no answers to %v", want)
	}
	f := func(body string) {
		t.Helper()
		c.do("POST", "/v1.0/$batch", body).wants(t, 400, "BadRequest")
	}
	f(`x`)
	f(`{"requests":[]}`)
	f(`{"requests":[` + strings.Repeat(`{"id":"1","method":"GET","url":"/users"},`, 20) + `{"id":"x","method":"GET","url":"/users"}]}`)
	f(`{"requests":[{"id":"1","method":"GET","url":"/users"},{"id":"1","method":"GET","url":"/users"}]}`)
}
