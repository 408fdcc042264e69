// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// tableContent are the tables of a storage account.
type tableContent struct {
	tables map[string]*storedTable
	gone   map[string]bool // tables of the snapshot that were deleted
}

// storedTable is one table: its entities by their keys.
type storedTable struct {
	name     string
	entities map[[2]string]*entity
}

type entity struct {
	properties object
	etag       string
	changed    time.Time
}

const (
	tableType  = storageType + "/tableServices/tables"
	entityType = tableType + "/entities"
)

// tablePath is what a path names: a table, and in brackets an entity or nothing.
var (
	tablePath  = regexp.MustCompile(`^([^()]+)(?:\((.*)\))?$`)
	tableName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2,62}$`)
	entityKeys = regexp.MustCompile(`^PartitionKey='((?:[^']|'')*)',\s*RowKey='((?:[^']|'')*)'$`)
)

// tableFail writes an error of Table Storage, which has it in its body alone
// (learn.microsoft.com/rest/api/storageservices/table-service-error-codes;
// Azure/azure-sdk-for-net issue 35633 shows a refusal with all its headers).
func (q *dataRequest) tableFail(status int, code, message string) {
	body, err := json.Marshal(object{"odata.error": object{"code": code, "message": object{"lang": "en-US", "value": message}}})
	if err != nil {
		http.Error(q.w, err.Error(), http.StatusInternalServerError)
		return
	}
	q.writeTable(status, "application/json;odata=minimalmetadata;streaming=true;charset=utf-8", body)
}

func (q *dataRequest) writeTable(status int, kind string, body []byte) {
	q.w.Header().Set("Content-Type", kind)
	q.w.WriteHeader(status)
	_, _ = q.w.Write(body) // a caller that is gone needs no answer
}

// writeOData writes an answer with as much metadata as was asked for.
func (q *dataRequest) writeOData(status int, v object) {
	level := "minimalmetadata"
	if strings.Contains(q.r.Header.Get("Accept"), "odata=nometadata") {
		level = "nometadata"
		delete(v, "odata.metadata")
	}
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(q.w, err.Error(), http.StatusInternalServerError)
		return
	}
	q.writeTable(status, "application/json;odata="+level+";streaming=true;charset=utf-8", body)
}

// tableRequest is a request to Table Storage.
type tableRequest struct {
	*dataRequest
	all  *tableContent
	name string
	one  *storedTable
	keys [2]string
}

// serveTable answers as NAME.table.core.windows.net does, without filters, batches and
// access policies of tables
// (learn.microsoft.com/rest/api/storageservices/table-service-rest-api). Rights:
// learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory.
func (q *dataRequest) serveTable(err error) {
	if !q.storageOpen(err) {
		return
	}
	path, pathErr := url.PathUnescape(strings.Join(q.parts, "/"))
	m := tablePath.FindStringSubmatch(path)
	do := q.r.Method
	if pathErr != nil || m == nil {
		q.fail(http.StatusBadRequest, "InvalidUri", "The requested URI does not represent any resource on the server.", "")
		return
	}
	t := &tableRequest{dataRequest: q, name: m[1]}
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	t.all = q.tables()
	key := m[2]
	switch {
	case t.name == "Tables" && key == "" && do == http.MethodGet:
		t.list()
	case t.name == "Tables" && key == "" && do == http.MethodPost:
		t.create()
	case t.name == "Tables" && key != "" && do == http.MethodDelete:
		t.name = strings.Trim(key, "'")
		t.remove()
	case !tableName.MatchString(t.name):
		q.fail(http.StatusBadRequest, "InvalidResourceName", "The specified resource name contains invalid characters.", "")
	case key == "" && do == http.MethodGet:
		t.query()
	case key == "" && do == http.MethodPost:
		t.insert()
	case key != "":
		k := entityKeys.FindStringSubmatch(key)
		if k == nil {
			q.fail(http.StatusBadRequest, "InvalidInput", "Bad Request - Error in query syntax.", "")
			return
		}
		for i := range t.keys {
			t.keys[i] = strings.ReplaceAll(k[i+1], "''", "'")
		}
		t.serveEntity()
	default:
		q.fail(http.StatusNotImplemented, "NotImplemented", "The lab has no "+do+" "+q.r.URL.Path+" of Table Storage.", "")
	}
}

// tables returns the content of the account that is asked. The caller holds the lock.
func (q *dataRequest) tables() *tableContent {
	c := q.contents.tables[q.at.id.Key()]
	if c == nil {
		c = &tableContent{map[string]*storedTable{}, map[string]bool{}}
		q.contents.tables[q.at.id.Key()] = c
	}
	for _, t := range q.world.childrenOf(q.at.id, tableType) {
		if name := strings.ToLower(t.id.Name()); c.tables[name] == nil && !c.gone[name] {
			c.tables[name] = &storedTable{t.id.Name(), map[[2]string]*entity{}}
		}
	}
	return c
}

// allows decides about a table, in one of several ways: each is a list of rights that must all
// be there. It finds the table.
func (t *tableRequest) allows(name string, plane mivet.Plane, ways ...[]string) bool {
	scope := t.at.id
	if t.name != "Tables" {
		t.act.target, scope = "/"+t.name, t.child("tableServices/default/tables/"+t.name)
		t.one = t.all.tables[strings.ToLower(t.name)]
	}
	t.act.name = name
	given := t.env(func(*abac.Env) {})
	for _, way := range ways {
		if !slices.ContainsFunc(way, func(operation string) bool { return !t.may(operation, plane, scope, given(operation)) }) {
			return true
		}
	}
	t.fail(http.StatusForbidden, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.", "")
	return false
}

// exists answers 404 where there is no such table.
func (t *tableRequest) exists() bool {
	if t.one != nil {
		return true
	}
	t.fail(http.StatusNotFound, "TableNotFound", "The table specified does not exist.", "")
	return false
}

func (t *tableRequest) metadata(of string) string { return "https://" + t.host + "/$metadata#" + of }

func (t *tableRequest) list() {
	if !t.allows("QueryTables", mivet.PlaneControl, []string{tableType + "/read"}) {
		return
	}
	rows := []any{}
	for _, name := range slices.Sorted(maps.Keys(t.all.tables)) {
		rows = append(rows, object{"TableName": t.all.tables[name].name})
	}
	t.writeOData(http.StatusOK, object{"odata.metadata": t.metadata("Tables"), "value": rows})
}

func (t *tableRequest) create() {
	var body struct{ TableName string }
	if err := json.NewDecoder(t.r.Body).Decode(&body); err != nil || body.TableName == "" {
		t.fail(http.StatusBadRequest, "InvalidInput", "One of the request inputs is not valid.", "")
		return
	}
	t.name = body.TableName
	if !t.allows("CreateTable", mivet.PlaneControl, []string{tableType + "/write"}) {
		return
	}
	switch {
	case !tableName.MatchString(t.name):
		t.fail(http.StatusBadRequest, "InvalidResourceName", "The specified resource name contains invalid characters.", "")
	case t.one != nil:
		t.fail(http.StatusConflict, "TableAlreadyExists", "The table specified already exists.", "")
	default:
		t.all.tables[strings.ToLower(t.name)] = &storedTable{t.name, map[[2]string]*entity{}}
		t.created(object{"odata.metadata": t.metadata("Tables/@Element"), "TableName": t.name})
	}
}

// created answers what was made, or with nothing where the client wants nothing.
func (t *tableRequest) created(v object) {
	if prefer := t.r.Header.Get("Prefer"); prefer == "return-no-content" {
		t.w.Header().Set("Preference-Applied", prefer)
		t.w.WriteHeader(http.StatusNoContent)
		return
	}
	t.writeOData(http.StatusCreated, v)
}

func (t *tableRequest) remove() {
	if !t.allows("DeleteTable", mivet.PlaneControl, []string{tableType + "/delete"}) || !t.exists() {
		return
	}
	delete(t.all.tables, strings.ToLower(t.name))
	t.all.gone[strings.ToLower(t.name)] = true
	t.w.WriteHeader(http.StatusNoContent)
}

// query lists the entities of a table, in pages.
func (t *tableRequest) query() {
	if !t.allows("QueryEntities", mivet.PlaneData, []string{entityType + "/read"}) || !t.exists() {
		return
	}
	query := t.r.URL.Query()
	if query.Get("$filter") != "" {
		t.fail(http.StatusNotImplemented, "NotImplemented", "The lab knows no filters of Table Storage.", "")
		return
	}
	order := func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }
	keys := slices.SortedFunc(maps.Keys(t.one.entities), order)
	from, _ := slices.BinarySearchFunc(keys, [2]string{query.Get("NextPartitionKey"), query.Get("NextRowKey")}, order)
	const most = 1000
	size := most
	if n, err := strconv.Atoi(query.Get("$top")); err == nil && n > 0 {
		size = min(n, most)
	}
	to := min(from+size, len(keys))
	if to < len(keys) {
		t.w.Header().Set("x-ms-continuation-NextPartitionKey", keys[to][0])
		t.w.Header().Set("x-ms-continuation-NextRowKey", keys[to][1])
	}
	rows := []any{}
	for _, k := range keys[from:to] {
		rows = append(rows, t.row(t.one.entities[k]))
	}
	t.writeOData(http.StatusOK, object{"odata.metadata": t.metadata(t.one.name), "value": rows})
}

// row is an entity as the service writes it.
func (t *tableRequest) row(e *entity) object {
	o := maps.Clone(e.properties)
	o["Timestamp"] = e.changed.UTC().Format("2006-01-02T15:04:05.0000000Z")
	if !strings.Contains(t.r.Header.Get("Accept"), "odata=nometadata") {
		o["odata.etag"] = e.etag
	}
	return o
}

// read reads the properties of an entity from the body.
func (t *tableRequest) read() (object, bool) {
	var o object
	if err := json.NewDecoder(t.r.Body).Decode(&o); err != nil {
		t.fail(http.StatusBadRequest, "InvalidInput", "One of the request inputs is not valid.", "")
		return nil, false
	}
	if o == nil {
		o = object{}
	}
	maps.DeleteFunc(o, func(k string, _ any) bool { return k == "Timestamp" || k == "odata.etag" })
	return o, true
}

// put keeps an entity, and tells its tag.
func (t *tableRequest) put(o object) *entity {
	now := t.now()
	e := &entity{o, fmt.Sprintf(`W/"datetime'%s%%3A%07dZ'"`, now.UTC().Format("2006-01-02T15%3A04"), t.contents.next()), now}
	t.one.entities[t.keys] = e
	t.w.Header().Set("ETag", e.etag)
	return e
}

func (t *tableRequest) insert() {
	if !t.allows("InsertEntity", mivet.PlaneData, []string{entityType + "/add/action"}, []string{entityType + "/write"}) || !t.exists() {
		return
	}
	o, ok := t.read()
	if !ok {
		return
	}
	partition, ok1 := o["PartitionKey"].(string)
	row, ok2 := o["RowKey"].(string)
	t.keys = [2]string{partition, row}
	switch {
	case !ok1 || !ok2:
		t.fail(http.StatusBadRequest, "PropertiesNeedValue", "The values are not specified for all properties in the entity.", "")
	case t.one.entities[t.keys] != nil:
		t.fail(http.StatusConflict, "EntityAlreadyExists", "The specified entity already exists.", "")
	default:
		v := t.row(t.put(o))
		v["odata.metadata"] = t.metadata(t.one.name + "/@Element")
		t.created(v)
	}
}

// serveEntity reads, changes and deletes one entity. Without If-Match an entity is put
// whether it is there or not.
func (t *tableRequest) serveEntity() {
	match := t.r.Header.Get("If-Match")
	merge := t.r.Method == "MERGE" || t.r.Method == http.MethodPatch
	var name string
	var ways [][]string
	switch {
	case t.r.Method == http.MethodGet:
		name, ways = "QueryEntity", [][]string{{entityType + "/read"}}
	case t.r.Method == http.MethodDelete && match == "":
		t.fail(http.StatusBadRequest, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified.", "")
		return
	case t.r.Method == http.MethodDelete:
		name, ways = "DeleteEntity", [][]string{{entityType + "/delete"}}
	case !merge && t.r.Method != http.MethodPut:
		t.fail(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.", "")
		return
	case match == "":
		name, ways = "InsertOrReplaceEntity", [][]string{{entityType + "/write"}, {entityType + "/add/action", entityType + "/update/action"}}
	default:
		name, ways = "UpdateEntity", [][]string{{entityType + "/update/action"}, {entityType + "/write"}}
	}
	if merge {
		name = map[string]string{"InsertOrReplaceEntity": "InsertOrMergeEntity", "UpdateEntity": "MergeEntity"}[name]
	}
	if !t.allows(name, mivet.PlaneData, ways...) || !t.exists() {
		return
	}
	e := t.one.entities[t.keys]
	switch {
	case e == nil && (match != "" || name == "QueryEntity"):
		t.fail(http.StatusNotFound, "ResourceNotFound", "The specified resource does not exist.", "")
	case match != "" && match != "*" && match != e.etag:
		t.fail(http.StatusPreconditionFailed, "UpdateConditionNotSatisfied", "The update condition specified in the request was not satisfied.", "")
	case name == "QueryEntity":
		t.w.Header().Set("ETag", e.etag)
		v := t.row(e)
		v["odata.metadata"] = t.metadata(t.one.name + "/@Element")
		t.writeOData(http.StatusOK, v)
	case name == "DeleteEntity":
		delete(t.one.entities, t.keys)
		t.w.WriteHeader(http.StatusNoContent)
	default:
		t.change(e, merge)
	}
}

// change puts an entity, over what there is of it or in its place.
func (t *tableRequest) change(e *entity, merge bool) {
	o, ok := t.read()
	if !ok {
		return
	}
	if merge && e != nil {
		old := maps.Clone(e.properties)
		maps.Copy(old, o)
		o = old
	}
	o["PartitionKey"], o["RowKey"] = t.keys[0], t.keys[1]
	t.put(o)
	t.w.WriteHeader(http.StatusNoContent)
}
