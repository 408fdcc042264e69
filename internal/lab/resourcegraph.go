// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/lab/kql"
)

// queryRequest is the body of a query
// (Azure/azure-rest-api-specs resourcegraph 2024-04-01, QueryRequest).
type queryRequest struct {
	Subscriptions    []string     `json:"subscriptions"`
	ManagementGroups []string     `json:"managementGroups"`
	Query            string       `json:"query"`
	Options          queryOptions `json:"options"`
	Facets           []any        `json:"facets"`
}

type queryOptions struct {
	SkipToken          string `json:"$skipToken"`
	Top                *int   `json:"$top"`
	Skip               *int   `json:"$skip"`
	ResultFormat       string `json:"resultFormat"`
	AllowPartialScopes bool   `json:"allowPartialScopes"`
	ScopeFilter        string `json:"authorizationScopeFilter"`
}

// Limits of Resource Graph (learn.microsoft.com/azure/governance/resource-graph/concepts/
// paging-results and …/concepts/work-with-data).
const (
	maxPage          = 1000
	maxSubscriptions = 10_000
	maxPayload       = 16 << 20
)

// resourceGraphVersions are the API versions of Resource Graph that are served.
var resourceGraphVersions = []string{"2019-04-01", "2020-04-01-preview", "2021-03-01", "2021-06-01-preview", "2022-10-01", "2024-04-01"}

func (s *view) serveResourceGraph(w *recorder, r *http.Request, f *Fault) {
	c, err := s.authenticate(w, r, forARM)
	if err != nil {
		s.refuseARM(w, err)
		return
	}
	w.caller = c.OID
	switch {
	case !strings.EqualFold(strings.TrimSuffix(r.URL.Path, "/"), "/providers/Microsoft.ResourceGraph/resources"):
		writeError(w, http.StatusNotFound, "NotFound", "The lab has nothing at "+r.URL.Path+".")
		return
	case r.Method != http.MethodPost:
		writeError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "The method "+r.Method+" is not allowed here.")
		return
	case !slices.Contains(resourceGraphVersions, r.URL.Query().Get("api-version")):
		badVersion(w, "Microsoft.ResourceGraph", "resources", r.URL.Query().Get("api-version"), resourceGraphVersions)
		return
	}
	if !s.takeARM(w, c, "") || !s.takeResourceGraph(w, c) {
		return
	}
	var q queryRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.queryError(w, "InvalidRequest", "The request body is no query: "+err.Error())
		return
	}
	a, err := s.answer(c, &q, f)
	if err != nil {
		s.queryFault(w, err)
		return
	}
	if f != nil && f.Kind == FaultLimit || len(q.Subscriptions) > maxSubscriptions {
		w.Header().Set("x-ms-tenant-subscription-limit-hit", "true")
	}
	body, err := json.Marshal(a)
	switch {
	case err != nil:
		writeError(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	case len(body) > maxPayload:
		s.queryError(w, "ResponsePayloadTooLarge", fmt.Sprintf(
			"Response payload size is %d, and has exceeded the limit of %d. Please consider querying less data at a time and make paginated call if needed.", len(body), maxPayload))
		return
	}
	writeBody(w, http.StatusOK, body)
}

// badVersion refuses an API version as Resource Manager does.
func badVersion(w http.ResponseWriter, provider, typ, version string, supported []string) {
	if version == "" {
		writeError(w, http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
		return
	}
	writeError(w, http.StatusBadRequest, "InvalidResourceType", fmt.Sprintf(
		"The resource type '%s' could not be found in the namespace '%s' for api version '%s'. The supported api-versions are '%s'.",
		typ, provider, version, strings.Join(supported, ",")))
}

// queryAnswer is what a query is answered with (QueryResponse).
type queryAnswer struct {
	TotalRecords    int    `json:"totalRecords"`
	Count           int    `json:"count"`
	Data            any    `json:"data"`
	Facets          []any  `json:"facets"`
	ResultTruncated string `json:"resultTruncated"`
	SkipToken       string `json:"$skipToken,omitzero"`
}

// badQueryError is a request that is refused before its query is run.
type badQueryError struct{ code, message string }

func (e *badQueryError) Error() string { return e.message }

// skipToken is what a page knows of where it stopped. It is opaque to callers.
type skipToken struct {
	Query string `json:"q"` // the digest of caller and query
	At    int    `json:"at"`
}

func (s *view) answer(c *caller, q *queryRequest, f *Fault) (*queryAnswer, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	key := q.key(c)
	at := 0
	if q.Options.Skip != nil {
		at = *q.Options.Skip
	}
	if q.Options.SkipToken != "" {
		var t skipToken
		raw, err := base64.StdEncoding.DecodeString(q.Options.SkipToken)
		if err != nil || json.Unmarshal(raw, &t) != nil || t.Query != key {
			return nil, &badQueryError{"InvalidSkipToken", "The skip token does not belong to this query."}
		}
		at = t.At
	}
	result, err := s.run(c, q, key, at == 0, f)
	if err != nil {
		return nil, err
	}
	top := maxPage
	if q.Options.Top != nil {
		top = min(top, *q.Options.Top)
	}
	total := result.Len()
	from, to := min(at, total), min(at+top, total)
	a := &queryAnswer{TotalRecords: total, Count: to - from, Facets: []any{}, ResultTruncated: "false"}
	if to < total {
		if f != nil && f.Kind == FaultTruncate || !pageable(result) {
			a.ResultTruncated = "true"
		} else {
			raw, err := json.Marshal(skipToken{key, to})
			if err != nil {
				return nil, fmt.Errorf("writing a skip token: %w", err)
			}
			a.SkipToken = base64.StdEncoding.EncodeToString(raw)
		}
	} else if f != nil && f.Kind == FaultTruncate {
		a.ResultTruncated = "true"
		to = from + (to-from)/2
		a.Count = to - from
	}
	a.Data = data(result, from, to, q.Options.ResultFormat)
	return a, nil
}

func (q *queryRequest) check() error {
	switch {
	case strings.TrimSpace(q.Query) == "":
		return &badQueryError{"InvalidQuery", "The query is empty."}
	case len(q.Facets) > 0:
		return &badQueryError{"UnsupportedFacets", "The lab computes no facets."}
	case len(q.Subscriptions) > 0 && len(q.ManagementGroups) > 0:
		return &badQueryError{"InvalidScope", "Either subscriptions or managementGroups may be given, not both."}
	case q.Options.Top != nil && (*q.Options.Top < 1 || *q.Options.Top > maxPage):
		return &badQueryError{"InvalidTop", fmt.Sprintf("$top must be between 1 and %d.", maxPage)}
	case q.Options.Skip != nil && *q.Options.Skip < 0:
		return &badQueryError{"InvalidSkip", "$skip must not be negative."}
	case !slices.Contains([]string{"", "table", "objectArray"}, q.Options.ResultFormat):
		return &badQueryError{"InvalidResultFormat", "resultFormat must be table or objectArray."}
	case !slices.Contains([]string{"", "AtScopeAndBelow", "AtScopeAndAbove", "AtScopeExact", "AtScopeAboveAndBelow"}, q.Options.ScopeFilter):
		return &badQueryError{"InvalidAuthorizationScopeFilter", "authorizationScopeFilter has no value " + q.Options.ScopeFilter + "."}
	}
	return nil
}

// key is the digest of what decides the result of a query.
func (q *queryRequest) key(c *caller) string {
	h := sha256.New()
	for _, part := range slices.Concat([]string{c.key(), q.Query, q.Options.ScopeFilter}, q.Subscriptions, []string{"\x00"}, q.ManagementGroups) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// pageable reports whether Resource Graph hands out the rest of a result: not if the query
// limits it, and not if no column has a type that pages can be told by.
func pageable(r *kql.Result) bool {
	return !r.Limited && slices.ContainsFunc(r.Columns, func(c kql.Column) bool { return c.Type != kql.Dynamic })
}

// data writes rows in one of the two formats.
func data(r *kql.Result, from, to int, format string) any {
	if format == "table" {
		columns, rows := []any{}, []any{}
		for _, c := range r.Columns {
			columns = append(columns, object{"name": c.Name, "type": tableTypes[c.Type]})
		}
		for i := from; i < to; i++ {
			rows = append(rows, r.Row(i))
		}
		return object{"columns": columns, "rows": rows}
	}
	list := []any{}
	for i := from; i < to; i++ {
		o := object{}
		for c, v := range r.Row(i) {
			o[r.Columns[c].Name] = v
		}
		list = append(list, o)
	}
	return list
}

// tableTypes are the types of columns in the format table (ColumnDataType).
var tableTypes = map[kql.Type]string{
	kql.String: "string", kql.Long: "integer", kql.Real: "number", kql.Bool: "boolean", kql.Datetime: "datetime", kql.Dynamic: "object",
}

// keptResults are the results of queries whose pages are being read.
type keptResults struct {
	mu   sync.Mutex
	list []keptResult
}

type keptResult struct {
	key    string
	at     time.Time
	result *kql.Result
}

// maxKept is how many results are kept: as many queries can be paged through at a time
// without being run anew.
const maxKept = 32

// run runs a query, or finds its result from the page before; a first page has none.
func (s *view) run(c *caller, q *queryRequest, key string, first bool, f *Fault) (*kql.Result, error) {
	hidden := f != nil && (f.Kind == FaultForbid || f.Kind == FaultStale || f.Kind == FaultLimit)
	if !hidden && !first {
		if r := s.kept.find(key, s.now()); r != nil {
			return r, nil
		}
	}
	scopes, err := s.scopesOf(c, q)
	if err != nil {
		return nil, err
	}
	result, err := kql.Run(q.Query, func(name string) kql.Table {
		t := s.table(c, name, scopes, f)
		if t == nil { // a nil *table in a kql.Table would not be nil
			return nil
		}
		s.shuffle(t.rows)
		return t
	})
	if err != nil {
		return nil, err
	}
	if !hidden && result.Ordered && result.Len() > maxPage {
		s.kept.keep(key, s.now(), result)
	}
	return result, nil
}

// shuffle puts rows in an order that differs from query to query: a result that the query
// does not order has none (MicrosoftDocs/azure-docs@be98a79 articles/governance/
// resource-graph/concepts/paging-results.md).
func (s *view) shuffle(rows []row) {
	n := s.queries.Add(1)
	random := rand.New(rand.NewPCG(n, n)) //nolint:gosec // repeatable, and no secret
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
}

func (k *keptResults) find(key string, now time.Time) *kql.Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.list {
		if e := &k.list[i]; e.key == key && now.Sub(e.at) < time.Minute && !now.Before(e.at) {
			return e.result
		}
	}
	return nil
}

func (k *keptResults) keep(key string, now time.Time, r *kql.Result) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = slices.DeleteFunc(k.list, func(e keptResult) bool { return e.key == key })
	if len(k.list) == maxKept {
		k.list = slices.Delete(k.list, 0, 1)
	}
	k.list = append(k.list, keptResult{key, now, r})
}

// scopes are the places that a query is about; none: the whole tenant.
type scopes struct {
	nodes  []arm.Node
	filter string
}

// scopesOf finds the places. A subscription that the caller cannot see is an error unless
// the request allows for some that are missing.
func (s *view) scopesOf(c *caller, q *queryRequest) (scopes, error) {
	sc := scopes{filter: q.Options.ScopeFilter}
	var missing []string
	add := func(text, name string) {
		id := mustID(text)
		n, ok := s.world.tree.Find(id)
		if !ok || id.IsZero() || id.Level() == arm.LevelSubscription && !s.sees(c, id) {
			missing = append(missing, name)
			return
		}
		sc.nodes = append(sc.nodes, n)
	}
	for _, sub := range q.Subscriptions {
		add("/subscriptions/"+sub, sub)
	}
	for _, g := range q.ManagementGroups {
		add("/providers/"+managementType+"/"+g, g)
	}
	if len(missing) > 0 && (!q.Options.AllowPartialScopes || len(sc.nodes) == 0) {
		return sc, &badQueryError{"InvalidSubscriptionId", "Some of the scopes are not found, or the caller cannot see them: " + strings.Join(missing, ", ") + "."}
	}
	return sc, nil
}

// sees reports whether a subscription is among the things that a caller may read.
func (s *view) sees(c *caller, sub arm.ID) bool {
	i, ok := s.world.byKey[sub.Key()]
	if !ok {
		return false
	}
	_, ok = slices.BinarySearch(s.visible(c), i)
	return ok
}

// holds reports whether something at a node is asked for. Only facts about authorization
// and policies can be asked for from above.
func (sc *scopes) holds(t *arm.Tree, n arm.Node, inherited bool) bool {
	if len(sc.nodes) == 0 {
		return true
	}
	return slices.ContainsFunc(sc.nodes, func(at arm.Node) bool {
		below, above, exact := t.Contains(at, n), t.Contains(n, at), at == n
		if !inherited {
			return below
		}
		switch sc.filter {
		case "AtScopeAndAbove":
			return above
		case "AtScopeExact":
			return exact
		case "AtScopeAboveAndBelow":
			return above || below
		}
		return below
	})
}

// table makes what a caller sees of a table; nil for one that there is not.
func (s *view) table(c *caller, name string, sc scopes, f *Fault) *table {
	columns := columnsOf(name)
	if columns == nil {
		return nil
	}
	t := &table{w: s.world, columns: columns}
	switch name {
	case "resources":
		s.addThings(t, c, sc, f, inResources)
	case "resourcechanges":
		s.addChanges(t, c, sc, f)
	case "resourcecontainers":
		s.addThings(t, c, sc, f, func(typ string) bool { return typ == subscriptionType || typ == groupType })
		s.addManagementGroups(t, c, sc)
	case "authorizationresources":
		s.addAssignments(t, c, sc, f)
		s.addDefinitions(t, sc)
	case "policyresources":
		s.addThings(t, c, sc, f, func(typ string) bool { return strings.EqualFold(typ, policyType) })
	case "managedserviceresources":
		s.addDelegations(t, c, sc, f)
	case "appserviceresources":
		s.addSiteConfigs(t, c, sc, f)
	}
	return t
}

const (
	policyType = "Microsoft.Authorization/policyAssignments"
	siteType   = "Microsoft.Web/sites"
)

// addDelegations adds the assignments and definitions of Azure Lighthouse.
func (s *view) addDelegations(t *table, c *caller, sc scopes, f *Fault) {
	w := s.world
	for i := range w.snap.Delegations {
		d := &w.snap.Delegations[i]
		n, _ := w.tree.Find(d.Scope)
		if f.hides(d.Scope) || !sc.holds(w.tree, n, false) {
			continue
		}
		if ok, _ := s.may(c, registrationType+"/read", d.Scope); !ok {
			continue
		}
		for _, one := range []object{w.registration(d, false), w.delegation(d)} {
			text, _ := one["id"].(string)
			typ, _ := one["type"].(string)
			t.rows = append(t.rows, row{id: mustID(text), scope: d.Scope, typ: typ, value: func() (object, error) { return one, nil }})
		}
	}
}

// addSiteConfigs adds the configuration of each App Service app and slot: what the settings
// of the snapshot say of it.
func (s *view) addSiteConfigs(t *table, c *caller, sc scopes, f *Fault) {
	w := s.world
	sites := &table{w: w}
	s.addThings(sites, c, sc, f, func(typ string) bool {
		return strings.EqualFold(typ, siteType) || strings.EqualFold(typ, siteType+"/slots")
	})
	for i := range sites.rows {
		r := sites.rows[i]
		site := r.thing
		id := mustID(r.id.String() + "/config/web")
		t.rows = append(t.rows, row{id: id, scope: r.id, typ: r.typ + "/config", value: func() (object, error) {
			o, err := w.resource(site)
			if err != nil {
				return nil, err
			}
			p, _ := o["properties"].(object)
			config, _ := p["siteConfig"].(object)
			if config == nil {
				config = object{}
			}
			return object{"properties": config}, nil
		}})
	}
}

// isChild reports whether the lab keeps a type out of the table resources: children are
// served by Resource Manager alone, save for those that the table of Resource Graph lists.
func isChild(typ string) bool {
	if strings.Count(typ, "/") < 2 {
		return false
	}
	return !slices.ContainsFunc(childrenInGraph, func(t string) bool { return strings.EqualFold(t, typ) })
}

// childrenInGraph are the types of children that are in the table resources
// (MicrosoftDocs/azure-docs articles/governance/resource-graph/reference/
// supported-tables-resources.md).
var childrenInGraph = []string{
	"Microsoft.Web/sites/slots", "Microsoft.Automation/automationAccounts/runbooks", "Microsoft.Sql/servers/databases",
	"Microsoft.Compute/virtualMachines/extensions", "Microsoft.CognitiveServices/accounts/projects",
}

func (s *view) addThings(t *table, c *caller, sc scopes, f *Fault, wanted func(typ string) bool) {
	w := s.world
	var last arm.ID
	var node arm.Node
	for _, i := range s.visible(c) {
		one := &w.resources[i]
		if !wanted(one.typ) || f.hides(one.id) {
			continue
		}
		if sub := one.id.Subscription(); !sub.Equal(last) {
			last = sub
			node, _ = w.tree.Find(sub)
		}
		if !sc.holds(w.tree, node, false) {
			continue
		}
		typ := one.typ
		if typ == groupType {
			typ = graphGroupType
		}
		t.rows = append(t.rows, row{id: one.id, thing: one, scope: one.id, typ: typ})
	}
}

// graphResource is a thing as Resource Graph shows it.
func (w *world) graphResource(t *thing) (object, error) {
	if t.typ == subscriptionType {
		return w.subscriptionRow(t), nil
	}
	if t.typ == groupType {
		return w.resourceGroup(t)
	}
	return w.resource(t)
}

// graphGroupType is the type of groups in Resource Graph
// (…/resource-graph/concepts/query-language, ResourceContainers).
const graphGroupType = "Microsoft.Resources/subscriptions/resourceGroups"

func (w *world) subscriptionRow(t *thing) object {
	o := w.subscription(t)
	return object{"name": o["displayName"], "tags": o["tags"], "properties": object{
		"state": "Enabled", "managementGroupAncestorsChain": w.ancestors(t.id), "subscriptionPolicies": o["subscriptionPolicies"], "managedByTenants": []any{},
	}}
}

// ancestors are the management groups above a subscription, the nearest first.
func (w *world) ancestors(id arm.ID) []any {
	list := []any{}
	for up, ok := w.parents[id.Key()]; ok && len(list) <= len(w.groups); up, ok = w.parents[up.Key()] {
		name := up.Name()
		if at, there := w.groupAt[up.Key()]; there && w.groups[at].Name != "" {
			name = w.groups[at].Name
		}
		list = append(list, object{"name": up.Name(), "displayName": name})
	}
	return list
}

func (s *view) addManagementGroups(t *table, c *caller, sc scopes) {
	for i := range s.world.groups {
		g := &s.world.groups[i]
		n, _ := s.world.tree.Find(g.ID)
		if ok, _ := s.may(c, "Microsoft.Management/managementGroups/read", g.ID); !ok || !sc.holds(s.world.tree, n, false) {
			continue
		}
		t.rows = append(t.rows, row{id: g.ID, scope: g.ID, typ: managementType, value: func() (object, error) {
			return object{"properties": object{
				"displayName": g.Name, "tenantId": s.world.tenant,
				"details": object{"parent": s.world.parentOf(g), "managementGroupAncestorsChain": s.world.ancestors(g.ID)},
			}}, nil
		}})
	}
}

// parentOf describes the management group above another; nil for the root.
func (w *world) parentOf(g *mivet.ManagementGroup) any {
	if g.Parent.IsZero() {
		return nil
	}
	name := g.Parent.Name()
	if at, there := w.groupAt[g.Parent.Key()]; there && w.groups[at].Name != "" {
		name = w.groups[at].Name
	}
	return object{"id": g.Parent.String(), "name": g.Parent.Name(), "displayName": name}
}

func (s *view) addAssignments(t *table, c *caller, sc scopes, f *Fault) {
	w := s.world
	may := map[arm.Node]bool{}
	for i := range w.snap.RoleAssignments {
		a := &w.snap.RoleAssignments[i]
		n := w.assignments[i]
		if a.Eligible || f.hides(a.Scope) || f.hides(w.assignmentID(a)) || !sc.holds(w.tree, n, true) {
			continue
		}
		ok, known := may[n]
		if !known {
			ok, _ = s.may(c, assignmentType+"/read", a.Scope)
			may[n] = ok
		}
		if ok {
			t.rows = append(t.rows, row{id: w.assignmentID(a), scope: a.Scope, typ: assignmentType, value: func() (object, error) {
				o := w.roleAssignment(a)
				p, _ := o["properties"].(object)
				p["roleDefinitionId"] = definitionID(arm.ID{}, w.roleOf(a)) // as the rows of roles are named
				return o, nil
			}})
		}
	}
}

func (s *view) addDefinitions(t *table, _ scopes) {
	w := s.world
	for i := range w.roles {
		r := &w.roles[i]
		id := mustID("/providers/" + definitionType + "/" + string(r.ID))
		t.rows = append(t.rows, row{id: id, typ: definitionType, value: func() (object, error) { return w.roleDefinition(r, arm.ID{}), nil }})
	}
}

// queryFault answers a query that cannot be run.
func (s *view) queryFault(w http.ResponseWriter, err error) {
	var e *kql.Error
	var b *badQueryError
	switch {
	case errors.As(err, &e):
		s.queryError(w, "InvalidQuery", "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.",
			object{"code": "ParserFailure", "message": e.Reason, "line": e.Line, "characterPositionInLine": e.Column, "token": e.Token})
	case errors.As(err, &b):
		s.queryError(w, b.code, b.message)
	default:
		writeError(w, http.StatusInternalServerError, "InternalServerError", err.Error())
	}
}

func (s *view) queryError(w http.ResponseWriter, code, message string, more ...any) {
	writeJSON(w, http.StatusBadRequest, errorBody{errorDetail{
		Code: "BadRequest",
		Message: fmt.Sprintf("Please provide below info when asking for support: timestamp = %s, correlationId = %s.",
			s.now().UTC().Format(time.RFC3339Nano), w.Header().Get("x-ms-correlation-request-id")),
		Details: append([]any{errorDetail{Code: code, Message: message}}, more...),
	}})
}
