// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/lab/kql"
	"github.com/mivet/mivet/tenant"
)

const graphPath = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"

// ask sends a query with options.
func (c *client) ask(body map[string]any) *reply {
	c.t.Helper()
	return c.do("POST", graphPath, string(mustJSON(c.t, body)))
}

func generated(t testing.TB, resources int) *mivet.Snapshot {
	t.Helper()
	s, err := tenant.Generate(tenant.SizeOf(resources))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Pages follow one another until every row was seen once.
func TestGraphPaging(t *testing.T) {
	s := start(t, generated(t, 3000), Options{})
	c := newClient(t, s, OperatorID)
	seen := map[string]bool{}
	options := map[string]any{"resultFormat": "objectArray"}
	var total, pages int
	for {
		r := c.ask(map[string]any{"query": "resources | project id | order by id asc", "options": options})
		for _, o := range r.list(t) {
			id, _ := o["id"].(string)
			if seen[id] {
				t.Fatalf("%s comes twice", id)
			}
			seen[id] = true
		}
		pages++
		n, _ := r.body["totalRecords"].(float64)
		total = int(n)
		token, _ := r.body["$skipToken"].(string)
		if token == "" {
			if r.body["resultTruncated"] != "false" {
				t.Errorf("the last page: %v", r.body["resultTruncated"])
			}
			break
		}
		options["$skipToken"] = token
	}
	if len(seen) != total || pages != (total+999)/1000 || total < 2000 {
		t.Errorf("%d rows of %d in %d pages", len(seen), total, pages)
	}

	// A skip token belongs to its query and its caller.
	c.ask(map[string]any{"query": "resources | project name | order by id asc", "options": options}).wants(t, 400, "BadRequest")
	options["$skipToken"] = "x"
	c.ask(map[string]any{"query": "resources | project id | order by id asc", "options": options}).wants(t, 400, "BadRequest")

	skip := c.ask(map[string]any{"query": "resources | project id | order by id asc", "options": map[string]any{"$skip": total - 3, "$top": 2}})
	if got := len(skip.list(t)); got != 2 || skip.body["$skipToken"] == nil {
		t.Errorf("the last but one: %s", skip.text)
	}
	// What a query limits itself, and what has no column to tell pages by, has no next page.
	for _, q := range []string{"resources | project id | take 1500", "resources | project properties", "resources | project properties, tags"} {
		r := c.ask(map[string]any{"query": q})
		if r.body["$skipToken"] != nil || r.body["resultTruncated"] != "true" || len(r.list(t)) != 1000 {
			t.Errorf("%s: %v %v", q, r.body["$skipToken"], r.body["resultTruncated"])
		}
	}
	if r := c.ask(map[string]any{"query": "resources | project id | take 10"}); r.body["resultTruncated"] != "false" || len(r.list(t)) != 10 {
		t.Errorf("ten rows: %v", r.body["resultTruncated"])
	}
	// A result without an order has none.
	a, b := c.ask(map[string]any{"query": "resources | project id"}), c.ask(map[string]any{"query": "resources | project id"})
	if slices.EqualFunc(a.list(t), b.list(t), func(x, y map[string]any) bool { return x["id"] == y["id"] }) {
		t.Error("two results without an order have the same one")
	}
}

// A query asks within its scopes.
func TestGraphScopes(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	const one, two = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
	f := func(body map[string]any, want ...string) {
		t.Helper()
		body["query"] = "resources | where type =~ 'microsoft.keyvault/vaults' or type =~ 'microsoft.keyvault/managedhsms' | project name"
		got := names(c.ask(body).list(t))
		if !slices.Equal(got, want) {
			t.Errorf("%v: %q, want %q", body, got, want)
		}
	}
	f(map[string]any{}, "hsm", "kv")
	f(map[string]any{"subscriptions": []string{one}}, "kv")
	f(map[string]any{"subscriptions": []string{one, two}}, "hsm", "kv")
	f(map[string]any{"managementGroups": []string{"top"}}, "kv")
	f(map[string]any{"subscriptions": []string{two, "none"}, "options": map[string]any{"allowPartialScopes": true}}, "hsm")
	reader := newClient(t, s, readerClient)
	reader.ask(map[string]any{"query": "resources", "subscriptions": []string{two}}).wants(t, 400, "BadRequest")

	count := func(filter string, subscriptions []string, want int) {
		t.Helper()
		body := map[string]any{
			"query":   "authorizationresources | where type =~ 'microsoft.authorization/roleassignments' | project id",
			"options": map[string]any{"authorizationScopeFilter": filter},
		}
		if subscriptions != nil {
			body["subscriptions"] = subscriptions
		}
		if got := len(c.ask(body).list(t)); got != want {
			t.Errorf("%s %v: %d, want %d", filter, subscriptions, got, want)
		}
	}
	count("", nil, 6)
	count("AtScopeAndBelow", []string{one}, 4)
	count("AtScopeAndAbove", []string{one}, 3)
	count("AtScopeExact", []string{one}, 1)
	count("AtScopeAboveAndBelow", []string{one}, 6)
	count("AtScopeAboveAndBelow", []string{two}, 1)

	g := func(body map[string]any, want string) {
		t.Helper()
		r := c.ask(body)
		r.wants(t, 400, "BadRequest")
		if !strings.Contains(r.text, want) {
			t.Errorf("%v: %s, want %q", body, r.text, want)
		}
	}
	g(map[string]any{"query": " "}, "The query is empty")
	g(map[string]any{"query": "resources", "facets": []any{1}}, "no facets")
	g(map[string]any{"query": "resources", "subscriptions": []string{one}, "managementGroups": []string{"top"}}, "not both")
	g(map[string]any{"query": "resources", "options": map[string]any{"$top": 5000}}, "between 1 and 1000")
	g(map[string]any{"query": "resources", "options": map[string]any{"$skip": -1}}, "must not be negative")
	g(map[string]any{"query": "resources", "options": map[string]any{"resultFormat": "csv"}}, "must be table or objectArray")
	g(map[string]any{"query": "resources", "options": map[string]any{"authorizationScopeFilter": "All"}}, "has no value All")
	g(map[string]any{"query": "resources", "subscriptions": []string{"none"}}, "are not found")
	g(map[string]any{"query": "resources | join x"}, `"code":"ParserFailure"`)
	g(map[string]any{"query": "secrets"}, "there is no table")
	if r := c.do("POST", graphPath, "["); r.status != 400 {
		t.Errorf("no JSON: %d", r.status)
	}
	c.do("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2015-01-01", "{}").wants(t, 400, "InvalidResourceType")
	c.do("POST", "/providers/Microsoft.ResourceGraph/resources", "{}").wants(t, 400, "MissingApiVersionParameter")
	c.do("GET", graphPath, "").wants(t, 405, "MethodNotAllowed")
	c.do("POST", "/providers/Microsoft.ResourceGraph/operations?api-version=2024-04-01", "{}").wants(t, 404, "NotFound")
}

// The rows of every table have what Resource Graph would show, in the forms it uses.
func TestGraphRows(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	f := func(query, want string) {
		t.Helper()
		r := c.ask(map[string]any{"query": query, "options": map[string]any{"resultFormat": "table"}})
		got := string(mustJSON(t, find(r.body, "data", "rows")))
		if r.status != http.StatusOK || got != want {
			t.Errorf("%s: %d %s, want %s", query, r.status, r.text, want)
		}
	}
	f("resourcecontainers | where type == 'microsoft.resources/subscriptions/resourcegroups' | project name, resourceGroup, location, tags | order by name asc",
		`[["app","app","westeurope",{"owner":"team"}],["far","far","",null]]`)
	f("resourcecontainers | where type == 'microsoft.resources/subscriptions' | extend up = tostring(properties.managementGroupAncestorsChain[0].name) | project name, subscriptionId, up | order by name asc",
		`[["Production","11111111-0000-4000-8000-000000000001","live"],["other","22222222-0000-4000-8000-000000000002","aaaaaaaa-0000-4000-8000-000000000001"]]`)
	f("resourcecontainers | where type == 'microsoft.management/managementgroups' | project name, p = tostring(properties.details.parent.name) | order by name asc",
		`[["aaaaaaaa-0000-4000-8000-000000000001",""],["live","top"],["top","aaaaaaaa-0000-4000-8000-000000000001"]]`)
	f("resources | where name == 'api' | project type, kind, resourceGroup, managedBy, i = tostring(identity.type), tenantId, zones, sku",
		`[["microsoft.web/sites","app,linux","app","","SystemAssigned, UserAssigned","aaaaaaaa-0000-4000-8000-000000000001",null,null]]`)
	f("resources | where name == 'staging' | project type", `[["microsoft.web/sites/slots"]]`)
	f("resources | where name in ('one', 'pics', 'guard') | count", `[[0]]`) // children, and a policy assignment
	f("policyresources | project name, i = tostring(identity.type)", `[["guard","SystemAssigned"]]`)
	f("appserviceresources | order by id asc | project type, name, c = tobool(properties.acrUseManagedIdentityCreds)",
		`[["microsoft.web/sites/config","web",true],["microsoft.web/sites/slots/config","web",null]]`)
	f("managedserviceresources | project type | order by type asc",
		`[["microsoft.managedservices/registrationassignments"],["microsoft.managedservices/registrationdefinitions"]]`)
	f("authorizationresources | where properties.principalId == 'dddddddd-0000-4000-8000-000000000001' | project type, r = tostring(properties.roleDefinitionId), p = tostring(properties.principalType), subscriptionId",
		`[["microsoft.authorization/roleassignments","/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","Unknown","11111111-0000-4000-8000-000000000001"]]`)
	f("authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' and properties.type == 'CustomRole' | project n = tostring(properties.roleName), a = tostring(properties.permissions[0].actions[1])",
		`[["Restarter","Microsoft.Web/sites/restart/action"]]`)
	r := c.ask(map[string]any{"query": "resources | summarize n = count() by type | project type, n, big = n > 1", "options": map[string]any{"resultFormat": "table"}})
	if got := string(mustJSON(t, find(r.body, "data", "columns"))); got != `[{"name":"type","type":"string"},{"name":"n","type":"integer"},{"name":"big","type":"boolean"}]` {
		t.Errorf("columns %s", got)
	}
}

// Every table has its columns, each with a type and a source.
func TestColumnSchema(t *testing.T) {
	tenant := parse(t, everything)
	s := start(t, tenant, Options{Changes: []Change{{time.Now(), tenant.Resources[len(tenant.Resources)-1].ID, ChangeUpdate}}})
	c := newClient(t, s, OperatorID)
	byTable := map[string][]string{}
	for _, col := range Columns() {
		if col.Source == "" || col.Name == "" {
			t.Errorf("%+v lacks something", col)
		}
		byTable[col.Table] = append(byTable[col.Table], col.Name)
	}
	if len(byTable) != 7 {
		t.Errorf("%d tables", len(byTable))
	}
	for table, columns := range byTable {
		rows := c.query(table).list(t)
		if len(rows) == 0 {
			t.Errorf("%s is empty", table)
			continue
		}
		slices.Sort(columns)
		for _, row := range rows {
			var got []string
			for k := range row {
				got = append(got, k)
			}
			slices.Sort(got)
			if !slices.Equal(got, columns) {
				t.Fatalf("%s has the columns %v, want %v", table, got, columns)
			}
		}
		for _, col := range Columns() {
			if col.Table != table {
				continue
			}
			for _, row := range rows {
				if _, isText := row[col.Name].(string); isText != (col.Type == kql.String) && row[col.Name] != nil || row[col.Name] == nil && col.Type == kql.String {
					t.Errorf("%s.%s is %v, want a %s", table, col.Name, row[col.Name], col.Type)
					break
				}
			}
		}
	}
}

// A resource whose raw form is known is served in it.
func TestRaw(t *testing.T) {
	s := start(t, parse(t, everything), Options{Raw: func(id arm.ID) (json.RawMessage, error) {
		switch id.Name() {
		case "kv":
			return json.RawMessage(`{"id":"x","sku":{"name":"standard"},"location":"northeurope","properties":{"sku":{"name":"premium"}}}`), nil
		case "broken":
			return nil, fmt.Errorf("the file is damaged")
		}
		return nil, nil
	}})
	c := newClient(t, s, OperatorID)
	r := c.get(kv + "?api-version=2024-01-01")
	if find(r.body, "properties", "sku", "name") != "premium" || r.body["id"] != kv || r.body["type"] != "Microsoft.KeyVault/vaults" {
		t.Errorf("%s", r.text)
	}
	rows := c.query("resources | where location == 'northeurope' | project id, sku, kind, n = tostring(properties.sku.name)").list(t)
	if len(rows) != 1 || rows[0]["n"] != "premium" || find(rows[0]["sku"], "name") != "standard" || rows[0]["kind"] != "" {
		t.Errorf("%v", rows)
	}
}

// An answer that is too large is refused.
func TestPayload(t *testing.T) {
	s := start(t, parse(t, everything), Options{Raw: func(id arm.ID) (json.RawMessage, error) {
		return json.RawMessage(`{"properties":{"text":"` + strings.Repeat("x", 5<<18) + `"}}`), nil
	}})
	c := newClient(t, s, OperatorID)
	if r := c.query("resources"); r.status != 400 || !strings.Contains(r.text, "ResponsePayloadTooLarge") {
		t.Errorf("%d %.300s", r.status, r.text)
	}
	if r := c.query("resources | take 2"); r.status != 200 {
		t.Errorf("%d %.300s", r.status, r.text)
	}
}

// BenchmarkGraphPages reads all resources of a large tenant, page by page.
func BenchmarkGraphPages(b *testing.B) {
	s := start(b, generated(b, 200_000), Options{})
	c := newClient(b, s, OperatorID)
	for b.Loop() {
		options := map[string]any{"resultFormat": "objectArray"}
		for token := ""; ; {
			if token != "" {
				options["$skipToken"] = token
			}
			r := c.ask(map[string]any{"query": "resources | project id, name, type, kind, location, tags, identity, managedBy, sku, zones, extendedLocation, properties | order by id asc", "options": options})
			if token, _ = r.body["$skipToken"].(string); token == "" {
				break
			}
		}
	}
}

func BenchmarkStart(b *testing.B) {
	snap := generated(b, 200_000)
	for b.Loop() {
		s, err := Start(snap, Options{Catalog: testCatalog})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
