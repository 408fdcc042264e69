// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// graphRequest is a request to Microsoft Graph, taken apart.
type graphRequest struct {
	s       *view
	w       http.ResponseWriter
	r       *http.Request
	c       *caller
	fault   *Fault
	version string
	parts   []string // of the path, without the version
	query   url.Values
	cast    string // a type that the elements of a list are narrowed to; often empty
}

// serveGraph answers as graph.microsoft.com does.
func (s *view) serveGraph(w *recorder, r *http.Request, f *Fault) {
	c, err := s.authenticate(w, r, forGraph)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="", authorization_uri="`+s.URL()+`/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`)
		s.graphError(w, http.StatusUnauthorized, "InvalidAuthenticationToken", err.Error())
		return
	}
	w.caller = c.OID
	q := &graphRequest{s: s, w: w, r: r, c: c, fault: f}
	if strings.HasSuffix(r.URL.Path, "/$batch") {
		q.batch()
		return
	}
	q.serve()
}

// graphError writes an error in Graph's form
// (learn.microsoft.com/graph/errors).
func (s *view) graphError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, errorBody{errorDetail{Code: code, Message: message, Inner: object{
		"date": s.now().UTC().Format("2006-01-02T15:04:05"), "request-id": w.Header().Get("request-id"), "client-request-id": w.Header().Get("request-id"),
	}}})
}

func (q *graphRequest) fail(status int, code, message string) {
	q.s.graphError(q.w, status, code, message)
}

// serve answers one request, also one of a batch.
func (q *graphRequest) serve() {
	path := strings.Trim(q.r.URL.Path, "/")
	q.version, path, _ = strings.Cut(path, "/")
	q.parts = strings.Split(alternateKeys(path), "/")
	if last := q.parts[len(q.parts)-1]; len(q.parts) > 3 && castTypes[strings.ToLower(last)] {
		q.cast, q.parts = "#"+last, q.parts[:len(q.parts)-1]
	}
	q.query = q.r.URL.Query()
	if !q.take() || !q.knownOptions() {
		return
	}
	route := q.find()
	if route == nil {
		q.fail(http.StatusBadRequest, "BadRequest", fmt.Sprintf("Resource not found for the segment '%s'.", q.parts[0]))
		return
	}
	if !q.permitted(route.permissions) {
		q.fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
		return
	}
	route.serve(q)
}

// alternateKeys writes "servicePrincipals(appId='x')" as "servicePrincipals/appId='x'".
func alternateKeys(path string) string {
	before, after, ok := strings.Cut(path, "(")
	if !ok {
		return path
	}
	return strings.Replace(before+"/"+after, ")", "", 1)
}

// graphCosts are the resource units of requests that cost more than one
// (learn.microsoft.com/graph/throttling-limits, identity and access service limits).
var graphCosts = map[string]int{
	"GET applications": 2, "GET users": 2, "GET groups/{id}/members": 3, "GET groups/{id}/transitiveMembers": 5,
	"GET servicePrincipals/{id}/appRoleAssignments": 2, "POST directoryObjects/getByIds": 3,
}

// take charges the request.
func (q *graphRequest) take() bool {
	cost := 1
	pattern := q.parts[0]
	switch {
	case len(q.parts) == 2 && q.parts[1] == "getByIds":
		pattern += "/getByIds"
	case len(q.parts) > 2:
		pattern += "/{id}/" + q.parts[2]
	case len(q.parts) == 2:
		pattern += "/{id}"
	}
	if n := graphCosts[q.r.Method+" "+pattern]; n > 0 {
		cost = n
	}
	if q.query.Has("$select") {
		cost--
	}
	if q.query.Has("$expand") {
		cost++
	}
	if n, err := strconv.Atoi(q.query.Get("$top")); err == nil && n < 20 {
		cost--
	}
	cost = max(1, cost)
	q.w.Header().Set("x-ms-resource-unit", strconv.Itoa(cost))
	wait := q.s.takeGraph(q.c, cost)
	if wait == 0 {
		return true
	}
	q.w.Header().Set("Retry-After", strconv.Itoa(wait))
	q.w.Header().Set("x-ms-throttle-scope", "Tenant_Application/ReadWrite/"+q.c.AppID+"/"+q.s.world.tenant)
	q.w.Header().Set("x-ms-throttle-information", "ResourceUnitLimitExceeded")
	q.fail(http.StatusTooManyRequests, "TooManyRequests", "Too many requests. Please retry again later.")
	return false
}

// expandOwners asks for the owners of each object of a list.
const expandOwners = "owners($select=id)"

var graphOptions = []string{"$select", "$top", "$filter", "$count", "$skiptoken", "$expand"}

// knownOptions refuses options of OData that the lab would leave unheeded.
func (q *graphRequest) knownOptions() bool {
	for k := range q.query {
		if strings.HasPrefix(k, "$") && !slices.Contains(graphOptions, k) {
			q.fail(http.StatusBadRequest, "BadRequest", fmt.Sprintf("The query option '%s' is not supported by the lab.", k))
			return false
		}
	}
	e, set := q.query.Get("$expand"), strings.ToLower(q.parts[0])
	known := e == "federatedIdentityCredentials" && set == "applications" || e == expandOwners && (set == "applications" || set == "serviceprincipals")
	if e != "" && (!known || len(q.parts) > 2) {
		q.fail(http.StatusBadRequest, "BadRequest", fmt.Sprintf("The lab does not expand '%s' here.", e))
		return false
	}
	return true
}

// readerRoles are roles of the directory whose holders may read it: Directory Readers,
// Global Reader, Global Administrator, Security Reader
// (learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference).
var readerRoles = []string{
	"88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
	"62e90394-69f5-4237-9190-012177145e10", "5d6b6bb7-de71-4623-b4af-96380a352509",
}

// permitted reports whether the caller holds one of the permissions. People may read the
// directory by default (learn.microsoft.com/entra/fundamentals/users-default-permissions).
func (q *graphRequest) permitted(oneOf []string) bool {
	if q.c.operator || q.c.IDTyp == "user" {
		return true
	}
	return slices.ContainsFunc(q.c.Roles, func(r string) bool { return slices.Contains(oneOf, r) }) ||
		slices.ContainsFunc(q.c.Wids, func(r string) bool { return slices.Contains(readerRoles, r) })
}

func (d *directory) ownersOf(p mivet.PrincipalID) []mivet.PrincipalID { return d.owners[p] }

func (d *directory) directGroups(p mivet.PrincipalID) []mivet.PrincipalID { return d.parents[p] }

// person returns a principal in the form of Graph.
func (d *directory) person(p *mivet.Principal) object {
	o := object{"id": string(p.ID), "displayName": p.Name}
	switch p.Type {
	case mivet.TypeUser:
		o["@odata.type"] = "#microsoft.graph.user"
		o["userPrincipalName"] = strings.ToLower(strings.ReplaceAll(p.Name, " ", ".")) + "@lab.invalid"
		o["accountEnabled"] = !p.Disabled
		o["userType"] = "Member"
	case mivet.TypeGroup:
		o["@odata.type"] = "#microsoft.graph.group"
		o["securityEnabled"], o["mailEnabled"], o["groupTypes"], o["isAssignableToRole"] = true, false, []any{}, nil
		if p.MembershipRule != "" {
			o["groupTypes"], o["membershipRule"] = []any{"DynamicMembership"}, p.MembershipRule
		}
	case mivet.TypeDevice:
		o["@odata.type"] = "#microsoft.graph.device"
		o["accountEnabled"] = !p.Disabled
	default:
		o["@odata.type"] = "#microsoft.graph.servicePrincipal"
		o["accountEnabled"], o["appId"], o["appDisplayName"] = !p.Disabled, p.ClientID, p.Name
		o["servicePrincipalType"] = "Application"
		o["alternativeNames"], o["appRoles"], o["tags"] = []any{}, []any{}, []any{}
		o["servicePrincipalNames"] = []any{p.ClientID}
		o["appOwnerOrganizationId"] = d.tenant
		if p.HomeTenant != "" {
			o["appOwnerOrganizationId"] = p.HomeTenant
		}
		if p.Managed {
			o["servicePrincipalType"] = "ManagedIdentity"
			o["appOwnerOrganizationId"], o["appDisplayName"] = nil, nil
			explicit := "False"
			if d.explicit[p.ID] {
				explicit = "True"
			}
			if r := d.resource[p.ID]; r != "" {
				o["alternativeNames"] = []any{"isExplicit=" + explicit, r}
			}
		}
		o["appRoles"] = d.rolesOfAPI(p)
	}
	return o
}

// rolesOfAPI are the application permissions that an API offers: those that the catalogue
// knows, and those that somebody holds.
func (d *directory) rolesOfAPI(p *mivet.Principal) []any {
	list := []any{}
	seen := map[string]bool{}
	add := func(id, value, name string, enabled bool) {
		if !seen[id] {
			seen[id] = true
			list = append(list, object{
				"id": id, "value": value, "displayName": name, "description": name, "isEnabled": enabled,
				"allowedMemberTypes": []any{"Application"}, "origin": "Application",
			})
		}
	}
	held := d.byAPI[p.ID]
	if p.ClientID == catalog.GraphAppID {
		for _, r := range d.cat.AppRoles() {
			if r.API == catalog.GraphAppID {
				add(r.ID, r.Value, r.Name, !r.Disabled)
			}
		}
	}
	for _, n := range held {
		add(strings.ToLower(d.appRoles[n].RoleID), d.appRoles[n].Role, d.appRoles[n].Role, true)
	}
	return list
}

func graphType(p *mivet.Principal) string {
	switch p.Type { //nolint:exhaustive // the others are service principals
	case mivet.TypeUser:
		return "#microsoft.graph.user"
	case mivet.TypeGroup:
		return "#microsoft.graph.group"
	case mivet.TypeDevice:
		return "#microsoft.graph.device"
	}
	return "#microsoft.graph.servicePrincipal"
}

// Pages of Graph: 100 elements unless $top asks for up to 999.
const (
	graphPage    = 100
	graphMaxPage = 999
)

// list writes a page of objects.
func (q *graphRequest) list(n int, at func(i int) object) {
	keep, ok := q.filterOf()
	if !ok {
		return
	}
	if keep != nil {
		var kept []object
		for i := range n {
			if o := at(i); keep(o) {
				kept = append(kept, o)
			}
		}
		n, at = len(kept), func(i int) object { return kept[i] }
	}
	size, from := graphPage, 0
	var err error
	if t := q.query.Get("$top"); t != "" {
		if size, err = strconv.Atoi(t); err != nil || size < 1 || size > graphMaxPage {
			q.fail(http.StatusBadRequest, "Request_UnsupportedQuery", fmt.Sprintf("Invalid page size specified: '%s'. Must be between 1 and 999 inclusive.", t))
			return
		}
	}
	if t := q.query.Get("$skiptoken"); t != "" {
		if from, err = strconv.Atoi(t); err != nil || from < 0 || from > n {
			q.fail(http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
			return
		}
	}
	to := min(from+size, n)
	values := []any{}
	for i := from; i < to; i++ {
		values = append(values, q.choose(at(i)))
	}
	body := object{"@odata.context": q.s.URL() + "/" + q.version + "/$metadata#" + q.parts[0], "value": values}
	if q.query.Get("$count") == "true" && strings.EqualFold(q.r.Header.Get("ConsistencyLevel"), "eventual") {
		body["@odata.count"] = n
	}
	if to < n {
		v := q.r.URL.Query()
		v.Set("$skiptoken", strconv.Itoa(to))
		body["@odata.nextLink"] = q.s.URL() + "/" + q.version + "/" + strings.Trim(strings.TrimPrefix(strings.Trim(q.r.URL.Path, "/"), q.version), "/") + "?" + v.Encode()
	}
	q.write(body)
}

func (q *graphRequest) write(body object) {
	if q.fault != nil && q.fault.Kind == FaultTruncate {
		writeHalf(q.w, body)
		return
	}
	writeJSON(q.w, http.StatusOK, body)
}

// choose leaves of an object what $select names. The type and the ID stay.
func (q *graphRequest) choose(o object) object {
	want := q.query.Get("$select")
	if want == "" {
		return o
	}
	out := object{}
	expanded, _, _ := strings.Cut(q.query.Get("$expand"), "(")
	for k, v := range o {
		if k == "@odata.type" || k == "id" || k == expanded || slices.ContainsFunc(strings.Split(want, ","), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), k) }) {
			out[k] = v
		}
	}
	return out
}

// filterOf reads $filter: comparisons with eq and in, joined by and. It answers what it
// does not know.
func (q *graphRequest) filterOf() (keep func(object) bool, ok bool) {
	text := q.query.Get("$filter")
	if text == "" {
		return nil, true
	}
	var tests []func(object) bool
	for part := range strings.SplitSeq(text, " and ") {
		test := odataTest(strings.TrimSpace(part))
		if test == nil {
			q.fail(http.StatusBadRequest, "Request_UnsupportedQuery", fmt.Sprintf("Unsupported or invalid query filter clause: '%s'.", part))
			return nil, false
		}
		tests = append(tests, test)
	}
	return func(o object) bool {
		return !slices.ContainsFunc(tests, func(t func(object) bool) bool { return !t(o) })
	}, true
}

// anyOf is the comparison of each element of a list with one text, as az sends it.
var anyOf = regexp.MustCompile(`^(\w+)/any\(c:\s?c eq '((?:[^']|'')*)'\)$`)

// odataTest reads one comparison, or returns nil.
func odataTest(text string) func(object) bool {
	if m := anyOf.FindStringSubmatch(text); m != nil {
		return func(o object) bool {
			list, _ := o[m[1]].([]any)
			return slices.ContainsFunc(list, func(v any) bool { return strings.EqualFold(fmt.Sprint(v), strings.ReplaceAll(m[2], "''", "'")) })
		}
	}
	name, rest, _ := strings.Cut(text, " ")
	op, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	rest = strings.TrimSpace(rest)
	var values []string
	switch {
	case op == "eq":
		values = []string{rest}
	case op == "in" && strings.HasPrefix(rest, "(") && strings.HasSuffix(rest, ")"):
		values = strings.Split(rest[1:len(rest)-1], ",")
	default:
		return nil
	}
	for i, v := range values {
		v = strings.TrimSpace(v)
		switch {
		case len(v) >= 2 && v[0] == '\'' && v[len(v)-1] == '\'':
			values[i] = strings.ReplaceAll(v[1:len(v)-1], "''", "'")
		case v == "true" || v == "false" || mivet.IsGUID(v):
			values[i] = v
		default:
			return nil
		}
	}
	if name == "" || strings.ContainsAny(name, "()/'") {
		return nil
	}
	return func(o object) bool {
		for k, v := range o {
			if strings.EqualFold(k, name) {
				return slices.ContainsFunc(values, func(want string) bool { return strings.EqualFold(fmt.Sprint(v), want) })
			}
		}
		return false
	}
}

func (q *graphRequest) listPeople(typ string) {
	var list []*mivet.Principal
	for _, p := range q.s.world.directory.people {
		if graphType(p) == typ {
			list = append(list, p)
		}
	}
	q.list(len(list), func(i int) object {
		o := q.s.world.directory.person(list[i])
		if q.query.Get("$expand") == expandOwners {
			o["owners"] = q.ownersOf(list[i].ID)
		}
		return o
	})
}

// lookup finds the principal that the second part of the path names; it answers if there
// is none of that type.
func (q *graphRequest) lookup(typ string) *mivet.Principal {
	key := q.parts[1]
	d := q.s.world.directory
	p := d.byID[mivet.NewPrincipalID(key)]
	if client, ok := strings.CutPrefix(key, "appId="); ok {
		p = d.byClient[strings.ToLower(strings.Trim(client, "'"))]
	}
	if p == nil || typ != "" && graphType(p) != typ {
		q.fail(http.StatusNotFound, "Request_ResourceNotFound", fmt.Sprintf(
			"Resource '%s' does not exist or one of its queried reference-property objects are not present.", key))
		return nil
	}
	return p
}

func (q *graphRequest) onePerson(typ string) {
	if p := q.lookup(typ); p != nil {
		q.write(q.choose(q.s.world.directory.person(p)))
	}
}

// castTypes are the types to which a list can be narrowed by the last part of its path.
var castTypes = map[string]bool{"microsoft.graph.group": true, "microsoft.graph.user": true, "microsoft.graph.serviceprincipal": true}

// listMembers lists the direct members of a group. Version 1.0 leaves service principals
// out, as Graph itself says of it (learn.microsoft.com/graph/api/group-list-members).
func (q *graphRequest) listMembers() {
	d := q.s.world.directory
	q.related("#microsoft.graph.group", func(g mivet.PrincipalID) []mivet.PrincipalID {
		if q.version == "beta" || q.cast != "" {
			return d.members[g]
		}
		return slices.DeleteFunc(slices.Clone(d.members[g]), func(m mivet.PrincipalID) bool {
			p := d.byID[m]
			return p != nil && graphType(p) == "#microsoft.graph.servicePrincipal"
		})
	})
}

// related lists what a principal is connected with. A connection to something that the
// directory does not know is not shown.
func (q *graphRequest) related(typ string, of func(mivet.PrincipalID) []mivet.PrincipalID) {
	p := q.lookup(typ)
	if p == nil {
		return
	}
	d := q.s.world.directory
	var list []*mivet.Principal
	for _, id := range of(p.ID) {
		if one := d.byID[id]; one != nil && (q.cast == "" || strings.EqualFold(graphType(one), q.cast)) {
			list = append(list, one)
		}
	}
	q.list(len(list), func(i int) object { return d.person(list[i]) })
}

func (q *graphRequest) appRoleAssignments(toAPI bool) {
	p := q.lookup("")
	if p == nil {
		return
	}
	d := q.s.world.directory
	numbers := d.byHolder[p.ID]
	if toAPI {
		numbers = d.byAPI[p.ID]
	}
	q.list(len(numbers), func(i int) object {
		a := d.appRoles[numbers[i]]
		o := object{"id": a.id, "appRoleId": a.RoleID, "principalId": string(a.Principal), "resourceId": string(a.api), "createdDateTime": "2020-01-01T00:00:00Z"}
		if api := d.byID[a.api]; api != nil {
			o["resourceDisplayName"] = api.Name
		}
		if who := d.byID[a.Principal]; who != nil {
			o["principalDisplayName"] = who.Name
			o["principalType"] = strings.TrimPrefix(graphType(who), "#microsoft.graph.")
			if who.Type == mivet.TypeServicePrincipal {
				o["principalType"] = "ServicePrincipal"
			}
		}
		return o
	})
}

func applicationObject(a *application) object {
	return object{"id": a.id, "appId": a.client, "displayName": a.name, "signInAudience": "AzureADMyOrg"}
}

func (q *graphRequest) listApplications() {
	list := q.s.world.directory.applications
	q.list(len(list), func(i int) object {
		o := applicationObject(&list[i])
		if q.query.Has("$expand") {
			q.expand(o, &list[i])
		}
		return o
	})
}

// ownersOf are the owners of an object, at most 20 of them as Graph shows where they are
// expanded (learn.microsoft.com/graph/query-parameters, expand).
func (q *graphRequest) ownersOf(p mivet.PrincipalID) []any {
	all := []any{}
	for _, id := range q.s.world.directory.owners[p] {
		if one := q.s.world.directory.byID[id]; one != nil && len(all) < 20 {
			all = append(all, object{"@odata.type": graphType(one), "id": string(id)})
		}
	}
	return all
}

// expand adds the federated credentials of an application to it, or its owners.
func (q *graphRequest) expand(o object, a *application) {
	all := []any{}
	if q.query.Get("$expand") == expandOwners {
		if p := q.s.world.directory.byClient[strings.ToLower(a.client)]; p != nil {
			all = q.ownersOf(p.ID)
		}
		o["owners"] = all
		return
	}
	for _, f := range q.s.world.directory.federated[a.id] {
		all = append(all, credentialObject(a, f))
	}
	o["federatedIdentityCredentials"] = all
}

func (q *graphRequest) application() *application {
	key := q.parts[1]
	for i := range q.s.world.directory.applications {
		a := &q.s.world.directory.applications[i]
		if client, ok := strings.CutPrefix(key, "appId="); ok && strings.EqualFold(strings.Trim(client, "'"), a.client) || strings.EqualFold(key, a.id) {
			return a
		}
	}
	q.fail(http.StatusNotFound, "Request_ResourceNotFound", fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", key))
	return nil
}

func (q *graphRequest) oneApplication() {
	if a := q.application(); a != nil {
		o := applicationObject(a)
		if q.query.Has("$expand") {
			q.expand(o, a)
		}
		q.write(q.choose(o))
	}
}

func (q *graphRequest) applicationCredentials() {
	a := q.application()
	if a == nil {
		return
	}
	list := q.s.world.directory.federated[a.id]
	q.list(len(list), func(i int) object { return credentialObject(a, list[i]) })
}

func credentialObject(a *application, f *mivet.FederatedCredential) object {
	o := object{"id": guidOf("federated", a.id, f.Name), "name": f.Name, "issuer": f.Issuer, "subject": nil, "audiences": textList(f.Audiences), "description": nil}
	setText(o, "subject", f.Subject)
	if f.Expression != "" {
		o["claimsMatchingExpression"] = object{"value": f.Expression, "languageVersion": 1}
	}
	return o
}

func (q *graphRequest) organization() {
	q.list(1, func(int) object {
		return object{"id": q.s.world.tenant, "displayName": "mivet lab", "tenantType": "AAD", "verifiedDomains": []any{object{"name": "lab.invalid", "isDefault": true, "isInitial": true}}}
	})
}

// maxIDs is how many IDs getByIds takes
// (learn.microsoft.com/graph/api/directoryobject-getbyids).
const maxIDs = 1000

func (q *graphRequest) getByIDs() {
	var body struct {
		IDs   []string `json:"ids"`
		Types []string `json:"types"`
	}
	if err := json.NewDecoder(q.r.Body).Decode(&body); err != nil || len(body.IDs) == 0 || len(body.IDs) > maxIDs {
		q.fail(http.StatusBadRequest, "Request_BadRequest", "The request must name between 1 and 1000 ids.")
		return
	}
	d := q.s.world.directory
	values := []any{}
	seen := map[mivet.PrincipalID]bool{}
	for _, text := range body.IDs {
		p := d.byID[mivet.NewPrincipalID(text)]
		if p == nil || seen[p.ID] {
			continue
		}
		seen[p.ID] = true
		typ := strings.TrimPrefix(graphType(p), "#microsoft.graph.")
		if len(body.Types) == 0 || slices.Contains(body.Types, typ) || slices.Contains(body.Types, "directoryObject") {
			values = append(values, q.choose(d.person(p)))
		}
	}
	q.write(object{"@odata.context": q.s.URL() + "/" + q.version + "/$metadata#directoryObjects", "value": values})
}

// directoryRoles lists the roles of the directory that the catalogue knows, and those that
// somebody holds.
func (q *graphRequest) directoryRoles() {
	d := q.s.world.directory
	var list []object
	seen := map[string]bool{}
	add := func(id, name string, builtIn bool) {
		if !seen[id] {
			seen[id] = true
			list = append(list, object{"id": id, "templateId": id, "displayName": name, "isBuiltIn": builtIn, "isEnabled": true, "rolePermissions": []any{}})
		}
	}
	for _, r := range d.cat.DirectoryRoles() {
		add(r.ID, r.Name, true)
	}
	for i := range d.roles {
		add(strings.ToLower(d.roles[i].RoleID), d.roles[i].Role, false)
	}
	q.list(len(list), func(i int) object { return list[i] })
}

// roleAssignments lists the assignments of roles of the directory: all active ones, or
// those of Privileged Identity Management.
func (q *graphRequest) roleAssignments(kind string) {
	d := q.s.world.directory
	var list []*mivet.DirectoryRoleAssignment
	for i := range d.roles {
		if d.roles[i].Eligible == (kind == "roleEligibilityScheduleInstances") {
			list = append(list, &d.roles[i])
		}
	}
	q.list(len(list), func(i int) object {
		a := list[i]
		scope := a.DirectoryScope
		if scope == "" {
			scope = "/"
		}
		o := object{"id": guidOf(kind, string(a.Principal), a.RoleID, scope), "principalId": string(a.Principal), "roleDefinitionId": a.RoleID, "directoryScopeId": scope}
		if kind != "roleAssignments" {
			o["memberType"], o["startDateTime"], o["endDateTime"] = "Direct", nil, nil
			if !a.Start.IsZero() {
				o["startDateTime"] = a.Start.UTC().Format("2006-01-02T15:04:05Z")
			}
			if !a.End.IsZero() {
				o["endDateTime"] = a.End.UTC().Format("2006-01-02T15:04:05Z")
			}
			if kind == "roleAssignmentScheduleInstances" {
				o["assignmentType"] = "Assigned"
			}
		}
		return o
	})
}
