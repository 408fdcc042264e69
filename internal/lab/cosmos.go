// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

const cosmosContainerType = cosmosType + "/sqlDatabases/containers"

// cosmosContainer is a container of items, by partition key and ID.
type cosmosContainer struct {
	items map[[2]string]*cosmosItem
	// partition is the path of the partition key, as far as the snapshot knows it.
	partition string
}

type cosmosItem struct {
	body object
	etag string
}

// cosmosName is the key of a container within an account. Names of databases and containers
// differ by letter case in Azure; Resource Manager's do not.
func cosmosName(database, container string) string {
	return strings.ToLower(database + "/" + container)
}

// plainBearer turns the form in which Cosmos DB wants a token into that of everybody else
// (learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources). Clients
// escape it, or do not.
func plainBearer(h http.Header) {
	text := h.Get("Authorization")
	if decoded, err := url.QueryUnescape(text); err == nil && strings.HasPrefix(text, "type%3D") {
		text = decoded
	}
	if token, ok := strings.CutPrefix(text, "type=aad&ver=1.0&sig="); ok {
		h.Set("Authorization", "Bearer "+token)
		return
	}
	if strings.HasPrefix(text, "Bearer ") {
		h.Set("Authorization", "Bare "+text) // the service does not know this form
	}
}

// cosmosFail writes an error (learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb).
// The substatus tells errors of one status apart.
func (q *dataRequest) cosmosFail(status int, substatus, code, message string) {
	if substatus != "" {
		q.w.Header().Set("x-ms-substatus", substatus)
	}
	writeJSON(q.w, status, object{"code": code, "message": fmt.Sprintf("%s\r\nActivityId: %s, Microsoft.Azure.Documents.Common/2.14.0", message, q.w.Header().Get("x-ms-activity-id"))})
}

// cosmosRequest is a request to Cosmos DB for NoSQL, taken apart.
type cosmosRequest struct {
	*dataRequest
	database, container, item string
	feed                      bool // of items
	// path is the resource as the service names it.
	path string
	// kind is what the log calls the resource.
	kind string
}

// serveCosmos answers as NAME.documents.azure.com does to a token of Entra ID: items, one
// by one and all of a container. The gateway's side alone is spoken, not the direct mode
// of the SDKs, and no queries but one for everything.
func (q *dataRequest) serveCosmos(err error) {
	q.w.Header().Set("x-ms-activity-id", q.w.Header().Get("x-ms-request-id"))
	c := &cosmosRequest{dataRequest: q}
	switch {
	case q.at == nil:
		// In Azure there would be no such host.
		q.cosmosFail(http.StatusNotFound, "", "NotFound", "The lab has no account '"+q.name+"'.")
	case q.outside() != "":
		// Azure/azure-tools-for-java issue 7123 shows the body whole.
		q.cosmosFail(http.StatusForbidden, "", "Forbidden", "Request originated from IP "+loggedAddress+
			" through public internet. This is blocked by your Cosmos DB account firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden")
	case err != nil:
		q.cosmosRefuse(err)
	case !c.parse():
		q.cosmosFail(http.StatusBadRequest, "", "BadRequest", "The lab has no "+q.r.Method+" "+q.r.URL.Path+" of Cosmos DB.")
	default:
		c.serve()
	}
}

func (q *dataRequest) cosmosRefuse(err error) {
	message := "Required Header authorization is missing. Ensure a valid Authorization token is passed."
	if f := new(authError); errors.As(err, &f) && f.kind != tokenMissing {
		message = "The input authorization token can't serve the request. Please check that the expected payload is built as per the protocol: " + f.message
	}
	if v, _ := q.at.setting("disableLocalAuth"); strings.Contains(q.r.Header.Get("Authorization"), "type%3Dmaster") && strings.EqualFold(v, "true") {
		message = "Local Authorization is disabled. Use an AAD token to authorize all requests."
	}
	q.cosmosFail(http.StatusUnauthorized, "", "Unauthorized", message)
}

// parse takes the path apart: dbs/D/colls/C/docs/I
// (learn.microsoft.com/rest/api/cosmos-db/cosmosdb-resource-uri-syntax-for-rest).
func (c *cosmosRequest) parse() bool {
	names := []struct {
		word string
		to   *string
	}{{"dbs", &c.database}, {"colls", &c.container}, {"docs", &c.item}}
	parts := slices.Clone(c.parts)
	if len(parts) == 1 && parts[0] == "" {
		c.kind = "DatabaseAccount"
		return true
	}
	c.kind = "Database"
	for i := 0; i < len(parts); i += 2 {
		switch {
		case i/2 < len(names) && parts[i] == names[i/2].word && i+1 < len(parts):
			name, err := url.PathUnescape(parts[i+1])
			if err != nil || name == "" {
				return false
			}
			*names[i/2].to = name
		case i == 4 && parts[i] == "docs":
			c.feed = true
		case i == 4 && parts[i] == "pkranges" && len(parts) == 5:
			c.kind = "PartitionKeyRange"
		case parts[i] == names[min(i/2, 2)].word: // a list of databases or containers
			c.kind += "Feed"
		default:
			return false
		}
	}
	switch {
	case c.feed || c.item != "":
		c.kind = "Document"
	case c.container != "" && c.kind == "Database":
		c.kind = "Collection"
	}
	if c.database != "" {
		c.path = "dbs/" + c.database
	}
	if c.container != "" {
		c.path += "/colls/" + c.container
	}
	return true
}

// cosmosVerbs are what can be done to items: the operation in the log, and the right
// (learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-actions).
var cosmosVerbs = map[string][2]string{
	"GET item": {"Read", "items/read"}, "PUT item": {"Replace", "items/replace"}, "DELETE item": {"Delete", "items/delete"},
	"POST feed": {"Create", "items/create"}, "POST upsert": {"Upsert", "items/upsert"}, "POST query": {"Query", "executeQuery"},
}

// verb says what is asked for: an operation, and the right for it. It is false for what a
// token of Entra ID cannot have at all, whoever shows it.
func (c *cosmosRequest) verb() (name, right string, ok bool) {
	do := c.r.Method + " feed"
	switch {
	case c.kind != "Document":
		return "Read", cosmosType + "/readMetadata", c.r.Method == http.MethodGet
	case c.item != "":
		do = c.r.Method + " item"
	case strings.EqualFold(c.r.Header.Get("x-ms-documentdb-isquery"), "true"), strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/query+json"):
		do = "POST query"
	case strings.EqualFold(c.r.Header.Get("x-ms-documentdb-is-upsert"), "true"):
		do = "POST upsert"
	}
	words, ok := cosmosVerbs[do]
	return words[0], cosmosContainerType + "/" + words[1], ok
}

func (c *cosmosRequest) serve() {
	name, right, ok := c.verb()
	if !ok {
		c.cosmosFail(http.StatusForbidden, "5300", "Forbidden", fmt.Sprintf(
			"Request blocked by Auth %s : The given request [%s /%s] cannot be authorized by AAD token in data plane. Learn more: https://aka.ms/cosmos-native-rbac.",
			c.at.id.Name(), c.r.Method, strings.Join(c.parts, "/")))
		return
	}
	c.act.name, c.act.target = name, c.kind
	scope := c.at.id
	if c.database != "" {
		scope = c.child("sqlDatabases/" + c.database)
		if c.container != "" {
			scope = c.child("sqlDatabases/" + c.database + "/containers/" + c.container)
		}
	}
	if !c.may(right, mivet.PlaneData, scope, nil) {
		// Azure/azure-cosmos-dotnet-v3 issues 2891 and 3110.
		c.cosmosFail(http.StatusForbidden, "5301", "Forbidden", fmt.Sprintf(
			"Request blocked by Auth %s : Request is blocked because principal [%s] does not have required RBAC permissions to perform action [%s] on resource [%s]. Learn more: https://aka.ms/cosmos-native-rbac.",
			c.at.id.Name(), c.c.OID, right, "/"+c.path))
		return
	}
	c.contents.mu.Lock()
	defer c.contents.mu.Unlock()
	if c.kind == "Document" {
		c.serveItems(name)
		return
	}
	c.describe()
}

// containers are those of the account. The caller holds the lock.
func (c *cosmosRequest) containers() map[string]*cosmosContainer {
	all := c.contents.items[c.at.id.Key()]
	if all == nil {
		all = map[string]*cosmosContainer{}
		c.contents.items[c.at.id.Key()] = all
	}
	for _, t := range c.world.childrenOf(c.at.id, cosmosContainerType) {
		name := cosmosName(t.id.Parent().Name(), t.id.Name())
		if all[name] == nil {
			path, _ := t.setting("resource.partitionKey.paths[0]")
			all[name] = &cosmosContainer{map[[2]string]*cosmosItem{}, path}
		}
	}
	return all
}

// describe answers what SDKs ask for before they do anything: the account with its regions,
// databases and containers.
func (c *cosmosRequest) describe() {
	all := c.containers()
	switch one := all[cosmosName(c.database, c.container)]; {
	case c.kind == "DatabaseAccount":
		region := []any{object{"name": "Lab", "databaseAccountEndpoint": "https://" + c.host + ":443/"}}
		writeJSON(c.w, http.StatusOK, object{
			"_self": "", "id": c.at.id.Name(), "_rid": c.host, "media": "//media/", "addresses": "//addresses/", "_dbs": "//dbs/",
			"writableLocations": region, "readableLocations": region, "enableMultipleWriteLocations": false,
			"userConsistencyPolicy": object{"defaultConsistencyLevel": "Session"}, "queryEngineConfiguration": "{}",
		})
	case c.kind == "Database" && slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(k string) bool { return strings.HasPrefix(k, cosmosName(c.database, "")) }):
		writeJSON(c.w, http.StatusOK, object{"id": c.database, "_rid": "lab=", "_self": "dbs/lab=/", "_colls": "colls/", "_users": "users/"})
	case c.kind == "Collection" && one != nil:
		path := one.partition
		if path == "" {
			path = "/id"
		}
		writeJSON(c.w, http.StatusOK, object{
			"id": c.container, "_rid": "lab=", "_self": "dbs/lab=/colls/lab=/", "partitionKey": object{"paths": []any{path}, "kind": "Hash", "version": 2},
		})
	case c.kind == "PartitionKeyRange" && one != nil:
		writeJSON(c.w, http.StatusOK, object{"_rid": "lab=", "PartitionKeyRanges": []any{object{"id": "0", "minInclusive": "", "maxExclusive": "FF", "status": "online"}}, "_count": 1})
	case strings.HasSuffix(c.kind, "Feed"):
		c.cosmosFail(http.StatusBadRequest, "", "BadRequest", "The lab lists no databases and no containers of Cosmos DB.")
	default:
		c.cosmosFail(http.StatusNotFound, "", "NotFound", `Message: {"Errors":["Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found"]}`)
	}
}

// serveItems does what was asked for to the items of a container.
func (c *cosmosRequest) serveItems(do string) {
	one := c.containers()[cosmosName(c.database, c.container)]
	if one == nil {
		c.cosmosFail(http.StatusNotFound, "1003", "NotFound", `Message: {"Errors":["Owner resource does not exist"]}`)
		return
	}
	c.w.Header().Set("x-ms-request-charge", "1")
	c.w.Header().Set("x-ms-session-token", "0:-1#1")
	if do == "Query" {
		c.everything(one)
		return
	}
	var body object
	if c.r.Method == http.MethodPost || c.r.Method == http.MethodPut {
		if err := json.NewDecoder(c.r.Body).Decode(&body); err != nil || body == nil {
			c.cosmosFail(http.StatusBadRequest, "", "BadRequest", `Message: {"Errors":["The request payload is invalid. Ensure to provide a valid request payload."]}`)
			return
		}
		id, _ := body["id"].(string)
		if c.item == "" {
			c.item = id
		}
		if id == "" || id != c.item {
			c.cosmosFail(http.StatusBadRequest, "", "BadRequest", `Message: {"Errors":["One of the specified inputs is invalid"]}`)
			return
		}
	}
	c.change(one, do, body)
}

// change reads or writes one item.
func (c *cosmosRequest) change(one *cosmosContainer, do string, body object) {
	partition := c.r.Header.Get("x-ms-documentdb-partitionkey")
	if partition == "" {
		c.cosmosFail(http.StatusBadRequest, "", "BadRequest", "PartitionKey value must be supplied for this operation.")
		return
	}
	at := [2]string{partition, c.item}
	old := one.items[at]
	match, none := c.r.Header.Get("If-Match"), c.r.Header.Get("If-None-Match")
	switch {
	case old == nil && (do == "Read" || do == "Replace" || do == "Delete"):
		c.cosmosFail(http.StatusNotFound, "", "NotFound", `Message: {"Errors":["Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found"]}`)
	case old != nil && do == "Create":
		c.cosmosFail(http.StatusConflict, "", "Conflict", `Message: {"Errors":["Resource with specified id or name already exists."]}`)
	case old != nil && do != "Read" && match != "" && match != "*" && match != old.etag:
		c.cosmosFail(http.StatusPreconditionFailed, "", "PreconditionFailed", "Operation cannot be performed because one of the specified precondition is not met.")
	case do == "Read" && none != "" && none == old.etag:
		c.w.Header().Set("ETag", old.etag)
		c.w.WriteHeader(http.StatusNotModified)
	case do == "Read":
		c.give(http.StatusOK, old)
	case do == "Delete":
		delete(one.items, at)
		c.w.WriteHeader(http.StatusNoContent)
	default:
		now := c.now().Unix()
		etag := `"` + guidOf("item", randomText(12)) + `"`
		body = maps.Clone(body)
		body["_etag"], body["_ts"], body["_rid"], body["_self"], body["_attachments"] = etag, now, "lab=", "dbs/lab=/colls/lab=/docs/lab=/", "attachments/"
		one.items[at] = &cosmosItem{body, etag}
		status := http.StatusCreated
		if old != nil {
			status = http.StatusOK
		}
		c.give(status, one.items[at])
	}
}

func (c *cosmosRequest) give(status int, item *cosmosItem) {
	c.w.Header().Set("ETag", item.etag)
	if c.r.Method != http.MethodGet && strings.EqualFold(c.r.Header.Get("Prefer"), "return=minimal") {
		c.w.WriteHeader(status)
		return
	}
	writeJSON(c.w, status, item.body)
}

// everything answers the one query that is known.
func (c *cosmosRequest) everything(one *cosmosContainer) {
	var body struct {
		Query string `json:"query"`
	}
	err := json.NewDecoder(c.r.Body).Decode(&body)
	if words := strings.Fields(body.Query); err != nil || len(words) != 4 || !strings.EqualFold(strings.Join(words[:3], " "), "select * from") {
		c.cosmosFail(http.StatusBadRequest, "", "BadRequest", "The lab knows no query but SELECT * FROM c.")
		return
	}
	partition := c.r.Header.Get("x-ms-documentdb-partitionkey")
	rows := []any{}
	for _, k := range slices.SortedFunc(maps.Keys(one.items), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		if partition == "" || k[0] == partition {
			rows = append(rows, one.items[k].body)
		}
	}
	writeJSON(c.w, http.StatusOK, object{"_rid": "lab=", "Documents": rows, "_count": len(rows)})
}

// logCosmos writes a request as the category DataPlaneRequests has it
// (learn.microsoft.com/azure/azure-monitor/reference/tables/cdbdataplanerequests; the JSON
// has the columns' names with a small first letter).
func (q *dataRequest) logCosmos() {
	if q.act.name == "" || q.c == nil {
		return // it is not known what it is, or who asked
	}
	p := object{
		"activityId": q.w.Header().Get("x-ms-activity-id"), "requestResourceType": q.act.target, "requestResourceId": "/" + strings.Join(q.parts, "/"),
		"statusCode": fmt.Sprint(q.w.status), "duration": "0", "requestCharge": "1", "userAgent": q.r.UserAgent(), "clientIpAddress": loggedAddress,
		"authTokenType": "AadToken", "aadPrincipalId": q.c.OID, "connectionMode": "Gateway", "databaseName": partOf(q.parts, 1), "collectionName": partOf(q.parts, 3),
	}
	for _, k := range q.act.checks {
		if d := k.decision; k.granted && d.Fact >= 0 && d.Fact < len(q.world.snap.LocalGrants) {
			p["aadAppliedRoleAssignmentId"] = q.world.cosmosGrantID(&q.world.snap.LocalGrants[d.Fact]).Name()
		}
	}
	q.journal.add("insights-logs-dataplanerequests", resourcePath(q.at.id), q.now(), object{
		"time": logTime(q.now()), "resourceId": strings.ToUpper(q.at.id.String()), "category": "DataPlaneRequests", "operationName": q.act.name, "properties": p,
	})
}

func partOf(parts []string, at int) string {
	if at < len(parts) {
		return parts[at]
	}
	return ""
}
