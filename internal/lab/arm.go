// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// armRequest is a request to Resource Manager, taken apart.
type armRequest struct {
	s      *view
	w      *recorder
	r      *http.Request
	c      *caller
	fault  *Fault
	path   string     // without a slash at its end
	query  url.Values // with names in small letters
	filter string
	asked  asked
	// said is the body as the activity log holds it; "" where it does not.
	said string
}

// asked is the right that a write was decided by.
type asked struct {
	check
	target arm.ID // what is written
	// evidence is the role assignment that gives the right, as the activity log names it.
	evidence object
}

// serveARM answers as management.azure.com does.
func (s *view) serveARM(w *recorder, r *http.Request, f *Fault) {
	path := strings.TrimRight(r.URL.Path, "/")
	if strings.EqualFold(path, "/metadata/endpoints") {
		s.serveMetadata(w, r)
		return
	}
	if changes(r) {
		if err := keepBody(r); err != nil {
			writeError(w, http.StatusRequestEntityTooLarge, "RequestContentTooLarge", err.Error())
			return
		}
		s.writing.Lock()
		defer s.writing.Unlock()
		s = s.view() // the newest, which nobody changes meanwhile
	}
	c, err := s.authenticate(w, r, forARM)
	if err != nil {
		s.refuseARM(w, err)
		return
	}
	w.caller = c.OID
	q := &armRequest{s: s, w: w, r: r, c: c, fault: f, path: path, query: url.Values{}}
	for k, v := range r.URL.Query() {
		q.query[strings.ToLower(k)] = v
	}
	q.filter = q.query.Get("$filter")
	if !changes(r) && !s.takeARM(w, c, subscriptionOf(path)) { // the quotas are those of reads
		return
	}
	if q.query.Get("api-version") == "" {
		badVersion(w, "", "", "", nil)
		return
	}
	q.route()
}

// subscriptionOf returns the subscription that a path names, "" if it names none.
func subscriptionOf(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) < 2 || !strings.EqualFold(parts[0], "subscriptions") {
		return ""
	}
	return strings.ToLower(parts[1])
}

// serveMetadata tells SDKs, az and Terraform where the lab's sides are
// (Azure/azure-cli-core cloud.py, hashicorp/go-azure-sdk sdk/environments).
func (s *view) serveMetadata(w http.ResponseWriter, r *http.Request) {
	base := s.URL()
	login := base
	if r.URL.Query().Get("login") == adfsTenant {
		login += "/" + adfsTenant
	}
	one := object{
		"name": "MivetLab", "portal": base, "resourceManager": base + "/", "microsoftGraphResourceId": base + "/", "graphAudience": base + "/",
		"graph": base + "/", "activeDirectoryDataLake": base, "batch": base, "media": base, "gallery": base, "sqlManagement": base,
		"vmImageAliasDoc": base + "/lab/none", "appInsightsResourceId": base, "logAnalyticsResourceId": base,
		"authentication": object{
			"loginEndpoint": login, "audiences": []any{base, forARM, forARM + "/"}, "tenant": "common", "identityProvider": "AAD",
		},
		// The hosts that the lab stands for; else names that nobody has, so that no token of the
		// lab goes anywhere else.
		"suffixes": object{
			"keyVaultDns": "vault.azure.net", "storage": "core.windows.net", "sqlServerHostname": "database.lab.invalid",
			"acrLoginServer": "azurecr.lab.invalid", "mhsmDns": strings.TrimPrefix(hsmSuffix, "."), "azureFrontDoorEndpointSuffix": "azurefd.lab.invalid",
		},
	}
	if v := r.URL.Query().Get("api-version"); v >= "2019-05-01" && v < "2022-09-01" {
		writeJSON(w, http.StatusOK, []any{one})
		return
	}
	writeJSON(w, http.StatusOK, one)
}

// target is what a path names, beyond its scope.
type target struct {
	scope arm.ID
	typ   string // the resource type, with its provider
	name  string // of the last part; "" for a collection
	// last is the last type alone, and parent the resource above it in a path with several.
	last   string
	parent arm.ID
}

// parseTarget takes apart what stands behind the last "providers" of a path.
func parseTarget(path string) (t target, ok bool) {
	lower := strings.ToLower(path)
	at := strings.LastIndex(lower, "/providers/")
	if at < 0 {
		return t, false
	}
	scope, err := arm.ParseID(path[:at] + "/")
	if err != nil {
		return t, false
	}
	parts := strings.Split(path[at+len("/providers/"):], "/")
	if len(parts) < 2 || slices.Contains(parts, "") {
		return t, false
	}
	t.scope, t.parent = scope, scope
	types := []string{parts[0]}
	for i := 1; i < len(parts); i += 2 {
		t.last = parts[i]
		types = append(types, t.last)
		t.name = ""
		if i+1 < len(parts) {
			t.name = parts[i+1]
		}
		if i+2 < len(parts) {
			t.parent = mustID(path[:at] + "/providers/" + strings.Join(parts[:i+2], "/"))
		}
	}
	t.typ = strings.Join(types, "/")
	return t, true
}

// route finds who answers.
func (q *armRequest) route() {
	parts := strings.Split(strings.ToLower(strings.Trim(q.path, "/")), "/")
	if changes(q.r) {
		defer q.logActivity()
		q.modify()
		return
	}
	if q.r.Method == http.MethodPost {
		q.post(parts)
		return
	}
	switch {
	case len(parts) == 1 && parts[0] == "subscriptions":
		q.listSubscriptions()
	case len(parts) == 1 && parts[0] == "tenants":
		q.list([]entry{{value: fixed(object{"id": "/tenants/" + q.s.world.tenant, "tenantId": q.s.world.tenant, "displayName": "mivet lab", "tenantCategory": "Home", "defaultDomain": "lab.invalid"})}})
	case len(parts) == 2 && parts[0] == "subscriptions":
		q.getThing(mustID(q.path))
	case len(parts) == 3 && parts[0] == "subscriptions" && parts[2] == "resourcegroups":
		q.listThings(mustID("/subscriptions/"+parts[1]), groupType)
	case len(parts) == 3 && parts[0] == "subscriptions" && parts[2] == "resources":
		q.listThings(mustID("/subscriptions/"+parts[1]), "")
	case len(parts) == 3 && parts[0] == "subscriptions" && parts[2] == "locations":
		q.list([]entry{{value: fixed(object{"id": q.path + "/westeurope", "name": "westeurope", "displayName": "West Europe"})}})
	case len(parts) == 3 && parts[0] == "subscriptions" && parts[2] == "providers":
		q.providers(mustID("/subscriptions/"+parts[1]), "")
	case len(parts) == 4 && parts[0] == "subscriptions" && parts[2] == "providers":
		q.providers(mustID("/subscriptions/"+parts[1]), parts[3])
	case len(parts) == 4 && parts[0] == "subscriptions" && parts[2] == "resourcegroups":
		q.getThing(mustID(q.path))
	case len(parts) == 5 && parts[0] == "subscriptions" && parts[2] == "resourcegroups" && parts[4] == "resources":
		q.listThings(mustID("/"+strings.Join(strings.Split(strings.Trim(q.path, "/"), "/")[:4], "/")), "")
	default:
		q.routeProviders()
	}
}

// collections are the types that are served from facts of their own.
var collections = map[string]func(*armRequest, target){
	"microsoft.management/managementgroups":                                         (*armRequest).managementGroups,
	"microsoft.management/managementgroups/descendants":                             (*armRequest).descendants,
	"microsoft.authorization/roleassignments":                                       (*armRequest).roleAssignments,
	"microsoft.authorization/roledefinitions":                                       (*armRequest).roleDefinitions,
	"microsoft.authorization/denyassignments":                                       (*armRequest).denyAssignments,
	"microsoft.authorization/roleeligibilityscheduleinstances":                      (*armRequest).eligibleInstances,
	"microsoft.authorization/roleassignmentscheduleinstances":                       (*armRequest).activeInstances,
	"microsoft.authorization/policyassignments":                                     (*armRequest).policyAssignments,
	"microsoft.authorization/locks":                                                 (*armRequest).locks,
	"microsoft.keyvault/locations/deletedvaults":                                    (*armRequest).deletedVaults,
	"microsoft.keyvault/deletedvaults":                                              (*armRequest).deletedVaults,
	"microsoft.resources/operationstatuses":                                         (*armRequest).operationStatus,
	"microsoft.authorization/permissions":                                           (*armRequest).permissions,
	"microsoft.managedidentity/userassignedidentities/federatedidentitycredentials": (*armRequest).federatedCredentials,
	"microsoft.documentdb/databaseaccounts/sqlroleassignments":                      (*armRequest).cosmosAssignments,
	"microsoft.documentdb/databaseaccounts/sqlroledefinitions":                      (*armRequest).cosmosDefinitions,
	"microsoft.cache/redis/accesspolicies":                                          (*armRequest).redisPolicies,
	"microsoft.insights/diagnosticsettings":                                         (*armRequest).diagnosticSettings,
	"microsoft.managedservices/registrationassignments":                             (*armRequest).registrationAssignments,
	"microsoft.managedservices/registrationdefinitions":                             (*armRequest).registrationDefinitions,
}

func (q *armRequest) routeProviders() {
	t, ok := parseTarget(q.path)
	if !ok {
		q.nothingHere()
		return
	}
	if !q.scopeExists(t.scope) {
		return
	}
	if serve := collections[strings.ToLower(t.typ)]; serve != nil {
		serve(q, t)
		return
	}
	if q.own(t) {
		return
	}
	switch {
	case strings.HasSuffix(strings.ToLower(q.path), secretList):
		q.siteConfig()
	case q.publishingPolicies(t), q.storageService(t):
	case t.name == "":
		q.listType(t)
	case strings.EqualFold(t.last, "config") && t.name != "" && isSite(q.s.world.find(t.parent)):
		q.siteFile(t)
	default:
		q.getThing(mustID(q.path))
	}
}

func (q *armRequest) nothingHere() {
	writeError(q.w, http.StatusNotFound, "NotFound", "The lab has nothing at "+q.r.Method+" "+q.path+".")
}

// scopeExists answers a request below a subscription, a group or a resource that there is
// not.
func (q *armRequest) scopeExists(scope arm.ID) bool {
	switch scope.Level() { //nolint:exhaustive // the others are below a subscription
	case arm.LevelRoot, arm.LevelNone, arm.LevelTenantResource:
		return true
	case arm.LevelManagementGroup:
		if _, ok := q.s.world.groupAt[scope.Key()]; ok {
			return true
		}
		writeError(q.w, http.StatusNotFound, "NotFound", fmt.Sprintf("The management group '%s' was not found.", scope.Name()))
		return false
	}
	w := q.s.world
	if w.find(scope.Subscription()) == nil {
		writeError(q.w, http.StatusNotFound, "SubscriptionNotFound", fmt.Sprintf("The subscription '%s' could not be found.", scope.SubscriptionID()))
		return false
	}
	if g := scope.ResourceGroupID(); !g.IsZero() && w.find(g) == nil {
		writeError(q.w, http.StatusNotFound, "ResourceGroupNotFound", fmt.Sprintf("Resource group '%s' could not be found.", g.Name()))
		return false
	}
	return true
}

// allowed decides, and answers with 403 what is refused.
func (q *armRequest) allowed(operation string, at arm.ID) bool {
	ok, why := q.s.may(q.c, operation, at)
	if !ok {
		forbid(q.w, q.c, operation, at, why)
	}
	return ok
}

// entry is an element of a list, before it is written.
type entry struct {
	id    arm.ID
	value func() (any, error)
}

func fixed(v any) func() (any, error) { return func() (any, error) { return v, nil } }

// armPage is how many elements a page of a list of Resource Manager has at most.
const armPage = 1000

// list writes a page of a list, with the link to the next.
func (q *armRequest) list(all []entry) {
	from := 0
	if t := q.query.Get("$skiptoken"); t != "" {
		var err error
		if from, err = strconv.Atoi(t); err != nil || from < 0 || from > len(all) {
			writeError(q.w, http.StatusBadRequest, "InvalidSkipToken", "The skip token is not one of this list.")
			return
		}
	}
	size := armPage
	if top := q.query.Get("$top"); top != "" {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 {
			writeError(q.w, http.StatusBadRequest, "InvalidTop", "$top is not a number of elements.")
			return
		}
		size = min(size, n)
	}
	to := min(from+size, len(all))
	values := []any{}
	for i := range all[from:to] {
		v, err := all[from+i].value()
		if err != nil {
			writeError(q.w, http.StatusInternalServerError, "InternalServerError", err.Error())
			return
		}
		values = append(values, v)
	}
	body := object{"value": values}
	if to < len(all) {
		next := *q.r.URL
		v := next.Query()
		v.Set("$skiptoken", strconv.Itoa(to))
		next.RawQuery = v.Encode()
		body["nextLink"] = q.s.URL() + next.RequestURI()
	}
	q.write(body)
}

// write writes an answer; a fault may cut it short.
func (q *armRequest) write(body any) {
	if q.fault != nil && q.fault.Kind == FaultTruncate {
		writeHalf(q.w, body)
		return
	}
	writeJSON(q.w, http.StatusOK, body)
}

func (q *armRequest) listSubscriptions() {
	w := q.s.world
	var all []entry
	for _, i := range q.s.visible(q.c) {
		if t := &w.resources[i]; t.typ == subscriptionType {
			all = append(all, entry{t.id, fixed(w.subscription(t))})
		}
	}
	q.list(all)
}

// getThing answers with one resource, group or subscription.
func (q *armRequest) getThing(id arm.ID) {
	if id.IsZero() {
		q.nothingHere()
		return
	}
	w := q.s.world
	t := w.find(id)
	if t == nil {
		if !q.scopeExists(id) || !q.allowed(readOperation(id.Type()), id) {
			return
		}
		writeError(q.w, http.StatusNotFound, "ResourceNotFound", fmt.Sprintf(
			"The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
			id.Type(), id.Name(), id.ResourceGroup()))
		return
	}
	if t.typ == subscriptionType && q.s.sees(q.c, id) {
		q.write(w.subscription(t))
		return
	}
	if !q.allowed(readOperation(t.typ), id) {
		return
	}
	o, err := w.whole(t)
	if err != nil {
		writeError(q.w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	q.write(o)
}

// whole is a thing as its own GET returns it.
func (w *world) whole(t *thing) (object, error) {
	switch t.typ {
	case subscriptionType:
		return w.subscription(t), nil
	case groupType:
		return w.resourceGroup(t)
	}
	return w.resource(t)
}

// listThings lists what a caller may read below a scope: all resources, or those of a
// type. Resource Manager leaves out the properties of resources in a list.
func (q *armRequest) listThings(scope arm.ID, typ string) {
	if !q.scopeExists(scope) {
		return
	}
	w := q.s.world
	if scope.Level() == arm.LevelSubscription && !q.s.sees(q.c, scope) {
		forbid(q.w, q.c, "Microsoft.Resources/subscriptions/resources/read", scope, "nothing of the subscription can be read")
		return
	}
	want, ok := typeFilter(q.filter)
	if !ok {
		writeError(q.w, http.StatusBadRequest, "InvalidFilterInQueryString", fmt.Sprintf("Invalid $filter '%s' specified in the query string.", q.filter))
		return
	}
	var all []entry
	for _, i := range q.visibleBelow(scope) {
		t := &w.resources[i]
		switch {
		case typ == groupType && t.typ != groupType,
			typ == "" && (t.typ == groupType || isChild(t.typ) || want != "" && !strings.EqualFold(t.typ, want)):
			continue
		}
		all = append(all, entry{t.id, func() (any, error) {
			o, err := w.whole(t)
			if typ == "" && err == nil {
				delete(o, "properties")
			}
			return o, err
		}})
	}
	q.list(all)
}

// visibleBelow returns the numbers of the things below a scope that the caller may read.
func (q *armRequest) visibleBelow(scope arm.ID) []int32 {
	from, to := q.s.world.below(scope)
	seen := q.s.visible(q.c)
	a, _ := slices.BinarySearch(seen, int32(from))
	b, _ := slices.BinarySearch(seen, int32(to))
	return seen[a:b]
}

// typeFilter reads the one filter on resources that the lab knows: by their type.
func typeFilter(filter string) (typ string, ok bool) {
	if filter == "" {
		return "", true
	}
	rest, ok := strings.CutPrefix(filter, "resourceType eq '")
	if !ok || !strings.HasSuffix(rest, "'") || strings.Count(rest, "'") != 1 {
		return "", false
	}
	return strings.TrimSuffix(rest, "'"), true
}

// listType lists the resources of one type, with their properties.
func (q *armRequest) listType(t target) {
	w := q.s.world
	above := t.parent
	for above.Name() == "default" && w.find(above) == nil { // a part that every resource of the type has
		above = above.Parent()
	}
	switch above.Level() {
	case arm.LevelSubscription, arm.LevelResourceGroup, arm.LevelResource:
	default:
		q.nothingHere()
		return
	}
	if above.Level() == arm.LevelResource && w.find(above) == nil {
		q.getThing(above)
		return
	}
	if above.Level() == arm.LevelResource && !q.allowed(t.typ+"/read", above) {
		return
	}
	var all []entry
	for _, i := range q.visibleBelow(above) {
		one := &w.resources[i]
		if strings.EqualFold(one.typ, t.typ) {
			all = append(all, entry{one.id, func() (any, error) { return w.whole(one) }})
		}
	}
	if above.Level() == arm.LevelSubscription && !q.s.sees(q.c, above) && !q.allowed(t.typ+"/read", above) {
		return
	}
	q.list(all)
}

// providers lists the providers of the types that a subscription holds, or answers with the
// one that is named, which is registered whatever it holds: az and Terraform ask for them.
func (q *armRequest) providers(sub arm.ID, named string) {
	if !q.scopeExists(sub) {
		return
	}
	w := q.s.world
	types := map[string][]string{}
	from, to := w.below(sub)
	for i := from; i < to; i++ {
		ns, typ, _ := strings.Cut(w.resources[i].typ, "/")
		if strings.EqualFold(ns, named) {
			named = ns
		}
		if !slices.Contains(types[ns], typ) {
			types[ns] = append(types[ns], typ)
		}
	}
	provider := func(ns string) object {
		list := []any{}
		slices.Sort(types[ns])
		for _, t := range types[ns] {
			list = append(list, object{"resourceType": t, "locations": []any{"West Europe"}, "apiVersions": []any{"2024-01-01"}})
		}
		return object{
			"id": sub.String() + "/providers/" + ns, "namespace": ns, "registrationState": "Registered", "registrationPolicy": "RegistrationRequired", "resourceTypes": list,
		}
	}
	if named != "" {
		q.write(provider(named))
		return
	}
	var all []entry
	for _, ns := range slices.Sorted(maps.Keys(types)) {
		all = append(all, entry{value: fixed(provider(ns))})
	}
	q.list(all)
}

// post answers the few requests that read with POST.
func (q *armRequest) post(parts []string) {
	_, ok := parseTarget(q.path)
	switch {
	case strings.EqualFold(q.path, "/providers/Microsoft.Management/getEntities"):
		q.entities()
	case len(parts) == 5 && parts[0] == "subscriptions" && parts[2] == "providers" && parts[4] == "register":
		// Every provider is registered, so that this changes nothing.
		q.write(object{"id": "/subscriptions/" + parts[1] + "/providers/" + parts[3], "namespace": parts[3], "registrationState": "Registered", "resourceTypes": []any{}})
	case len(parts) == 5 && parts[0] == "subscriptions" && parts[4] == "checknameavailability":
		q.nameAvailable(parts)
	case ok && parts[len(parts)-1] == "listkeys":
		q.accountKeys()
	case ok && len(parts) > 3 && parts[len(parts)-1] == "list" && parts[len(parts)-3] == "config":
		q.siteConfig()
	default:
		writeError(q.w, http.StatusMethodNotAllowed, "MethodNotAllowed", "The lab has no POST "+q.path+".")
	}
}

// entities answers POST /providers/Microsoft.Management/getEntities: management groups and
// subscriptions with their parents.
func (q *armRequest) entities() {
	w := q.s.world
	var all []entry
	for i := range w.groups {
		g := &w.groups[i]
		if ok, _ := q.s.may(q.c, "Microsoft.Management/managementGroups/read", g.ID); ok {
			all = append(all, entry{g.ID, fixed(object{"id": g.ID.String(), "name": g.ID.Name(), "type": managementType, "properties": object{
				"displayName": groupName(g), "tenantId": w.tenant, "parent": parentRef(g.Parent), "permissions": "view",
			}})})
		}
	}
	for _, i := range q.s.visible(q.c) {
		if t := &w.resources[i]; t.typ == subscriptionType {
			all = append(all, entry{t.id, fixed(object{"id": t.id.String(), "name": t.id.Name(), "type": "/subscriptions", "properties": object{
				"displayName": w.subscription(t)["displayName"], "tenantId": w.tenant, "parent": parentRef(w.parents[t.id.Key()]), "permissions": "view",
			}})})
		}
	}
	q.list(all)
}

func groupName(g *mivet.ManagementGroup) string {
	if g.Name != "" {
		return g.Name
	}
	return g.ID.Name()
}

func parentRef(id arm.ID) any {
	if id.IsZero() {
		return nil
	}
	return object{"id": id.String()}
}
