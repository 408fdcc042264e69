// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/mivet/mivet/internal/lab/kql"
)

// The resources that tokens for queries of logs are for: Log Analytics, and the address of
// a cluster of Azure Data Explorer.
const forLogs = "https://api.loganalytics.io"

const (
	workspaceType = "Microsoft.OperationalInsights/workspaces"
	databaseType  = "Microsoft.Kusto/clusters/databases"
)

// serveLogs answers queries of logs: what the lab wrote into its folder of exports, in the
// tables that Azure makes of them. Log Analytics is asked at /v1/workspaces/ID/query, Azure
// Data Explorer at /v2/rest/query
// (learn.microsoft.com/rest/api/loganalytics/query/execute, kusto/api/rest/request).
func (s *view) serveLogs(w *recorder, r *http.Request, f *Fault) {
	c, err := s.authenticate(w, r, forLogs, s.URL())
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="`+s.URL()+`/common"`)
		writeError(w, http.StatusUnauthorized, "InvalidTokenError", err.Error())
		return
	}
	w.caller = c.OID
	if r.Method != http.MethodPost {
		writeError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "Queries are sent with POST here.")
		return
	}
	var q struct {
		Query    string `json:"query"` // Log Analytics
		Database string `json:"db"`    // Data Explorer
		CSL      string `json:"csl"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		writeError(w, http.StatusBadRequest, "BadArgumentError", "The request had some invalid properties: "+err.Error())
		return
	}
	path := strings.Split(strings.Trim(strings.ToLower(r.URL.Path), "/"), "/")
	switch {
	case len(path) == 4 && path[1] == "workspaces" && path[3] == "query":
		s.workspace(w, c, path[2], q.Query, f)
	case strings.Join(path, "/") == "v2/rest/query":
		s.database(w, c, q.Database, q.CSL, f)
	default:
		writeError(w, http.StatusNotFound, "PathNotFoundError", "The requested path does not exist")
	}
}

// workspace answers a query of a workspace, which is named by its customer ID.
func (s *view) workspace(w *recorder, c *caller, id, query string, f *Fault) {
	at := s.logHome(workspaceType, func(t *thing) bool {
		v, _ := t.setting("customerId")
		return strings.EqualFold(v, id)
	})
	if at == nil {
		writeError(w, http.StatusNotFound, "WorkspaceNotFoundError", "The workspace could not be found")
		return
	}
	if ok, _ := s.may(c, "Microsoft.OperationalInsights/workspaces/query/read", at.id); !ok {
		writeError(w, http.StatusForbidden, "InsufficientAccessError", "The provided credentials have insufficient access to perform the requested operation")
		return
	}
	result, err := s.runLogs(query)
	if s.unread(w, err) {
		return
	}
	if err != nil {
		s.semantic(w, err)
		return
	}
	columns, rows := s.shown(result)
	answer := object{}
	if f != nil && f.Kind == FaultLimit {
		rows = rows[:len(rows)/2]
		answer["error"] = object{"code": "PartialError", "message": "There were some errors when processing your query.", "details": []any{object{
			"code": "EngineError", "message": "Something went wrong processing your query on the server.",
			"innererror": object{"code": "-2133196797", "message": tooLarge},
		}}}
	}
	answer["tables"] = []any{object{"name": "PrimaryResult", "columns": columns, "rows": rows}}
	writeJSON(w, http.StatusOK, answer)
}

// tooLarge is what Kusto says of an answer with too many rows
// (learn.microsoft.com/kusto/concepts/query-limits).
const tooLarge = "Query result set has exceeded the internal record count limit 500000 (E_QUERY_RESULT_SET_TOO_LARGE)."

// database answers a query of a database of Data Explorer. Who may ask is kept in the
// database itself; the lab goes by who may read it.
func (s *view) database(w *recorder, c *caller, name, query string, f *Fault) {
	at := s.logHome(databaseType, func(t *thing) bool { return strings.EqualFold(t.id.Name(), name) })
	if at != nil {
		if ok, _ := s.may(c, databaseType+"/read", at.id); !ok {
			at = nil
		}
	}
	if at == nil {
		writeJSON(w, http.StatusForbidden, object{"error": object{
			"code": "Forbidden", "message": "Caller is not authorized to perform this action", "@type": "Kusto.DataNode.Exceptions.UnauthorizedDatabaseAccessException",
			"@message": "Principal '" + c.OID + "' is not authorized to access database '" + name + "'.", "@permanent": true,
		}})
		return
	}
	result, err := s.runLogs(query)
	if s.unread(w, err) {
		return
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, object{"error": object{
			"code": "General_BadRequest", "message": "Request is invalid and cannot be executed.", "@type": "Kusto.Data.Exceptions.SemanticException",
			"@message": semanticText(err), "@permanent": true,
		}})
		return
	}
	columns, rows := s.shown(result)
	renamed := make([]any, len(columns))
	for i, c := range columns {
		renamed[i] = object{"ColumnName": c["name"], "ColumnType": c["type"]}
	}
	end := object{"FrameType": "DataSetCompletion", "HasErrors": false, "Cancelled": false}
	if f != nil && f.Kind == FaultLimit {
		rows = rows[:len(rows)/2]
		end["HasErrors"] = true
		end["OneApiErrors"] = []any{object{"error": object{"code": "LimitsExceeded", "message": "Request is invalid and cannot be executed.", "@message": tooLarge}}}
	}
	writeJSON(w, http.StatusOK, []any{
		object{"FrameType": "DataSetHeader", "IsProgressive": false, "Version": "v2.0"},
		object{"FrameType": "DataTable", "TableId": 0, "TableKind": "QueryProperties", "TableName": "@ExtendedProperties", "Columns": []any{}, "Rows": []any{}},
		object{"FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult", "Columns": renamed, "Rows": rows},
		end,
	})
}

// logHome finds a resource that keeps logs; nil if there is none.
func (s *view) logHome(typ string, is func(*thing) bool) *thing {
	for i := range s.world.resources {
		if t := &s.world.resources[i]; strings.EqualFold(t.typ, typ) && is(t) {
			return t
		}
	}
	return nil
}

// runLogs runs a query over the folder of exports.
func (s *view) runLogs(query string) (*kql.Result, error) {
	rows, err := readExports(s.journal.dir)
	if err != nil {
		return nil, err
	}
	return kql.Run(query, func(name string) kql.Table { return rows.table(name) })
}

// unread answers where it is the folder that cannot be read, and not the query.
func (s *view) unread(w *recorder, err error) bool {
	var k *kql.Error
	if err == nil || errors.As(err, &k) {
		return false
	}
	writeError(w, http.StatusInternalServerError, "InternalServerError", err.Error())
	return true
}

// shown writes a result as both services do: columns with types, and rows.
func (s *view) shown(r *kql.Result) (columns []object, rows [][]any) {
	for _, c := range r.Columns {
		columns = append(columns, object{"name": c.Name, "type": c.Type.String()})
	}
	rows = make([][]any, r.Len())
	for i := range rows {
		rows[i] = r.Row(i)
	}
	return columns, rows
}

// semanticText is what Kusto says of a query with a mistake.
func semanticText(err error) string {
	if strings.Contains(err.Error(), "there is no table") {
		return "SEM0100: 'where' operator: Failed to resolve table or column expression: " + err.Error()
	}
	return "SYN0002: " + err.Error()
}

func (s *view) semantic(w *recorder, err error) {
	code, message, _ := strings.Cut(semanticText(err), ": ")
	writeJSON(w, http.StatusBadRequest, object{"error": object{
		"code": "BadArgumentError", "message": "The request had some invalid properties",
		"innererror": object{"code": "SemanticError", "message": "A semantic error occurred.", "innererror": object{"code": code, "message": message}},
	}})
}
