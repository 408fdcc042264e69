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
	"time"

	"github.com/mivet/mivet"
)

// keyValue is a setting of an App Configuration store.
type keyValue struct {
	key, label  string
	value, kind string
	tags        map[string]string
	etag        string
	changed     time.Time
}

const keyValueType = configType + "/keyValues"

// configName is the key of a setting within its store.
func configName(key, label string) string { return key + "\x00" + label }

// problem writes an error with a body
// (learn.microsoft.com/azure/azure-app-configuration/rest-api-key-value and rest-api-versioning).
func (q *dataRequest) problem(status int, kind, title, name, detail string) {
	o := object{"type": "https://azconfig.io/errors/" + kind, "title": title, "status": status}
	setText(o, "name", name)
	setText(o, "detail", detail)
	body, err := json.Marshal(o)
	if err != nil {
		http.Error(q.w, err.Error(), http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	q.w.WriteHeader(status)
	_, _ = q.w.Write(body) // a caller that is gone needs no answer
}

// serveConfig answers as NAME.azconfig.io does for settings: no snapshots, locks and
// revisions (learn.microsoft.com/azure/azure-app-configuration/rest-api). Rights:
// rest-api-authorization-azure-ad.
func (q *dataRequest) serveConfig(err error) {
	switch {
	case q.at == nil:
		// In Azure there would be no such host.
		q.problem(http.StatusNotFound, "lab", "The lab has no store '"+q.name+"'.", "", "")
		return
	case q.outside() != "":
		// Its status is known (MicrosoftDocs/azure-docs issue 86986), its body is not.
		q.problem(http.StatusForbidden, "lab", "Public access is disabled for the store.", "", "")
		return
	case err != nil:
		q.configRefuse(err)
		return
	case q.r.URL.Query().Get("api-version") == "":
		q.problem(http.StatusBadRequest, "invalid-argument", "API version is not specified", "api-version", "An API version is required, but was not specified.")
		return
	}
	key, err := url.PathUnescape(strings.Join(q.parts[1:], "/"))
	right, ok := map[string]string{http.MethodGet: "read", http.MethodHead: "read", http.MethodPut: "write", http.MethodDelete: "delete"}[q.r.Method]
	if q.parts[0] != "kv" || !ok || err != nil || key == "" && right != "read" {
		q.problem(http.StatusNotFound, "lab", "The lab has no "+q.r.Method+" "+q.r.URL.Path+" of App Configuration.", "", "")
		return
	}
	q.act.name = q.r.Method + " /kv"
	q.w.Header().Set("Sync-Token", "lab=MA==;sn=1") // clients count on it
	if !q.may(keyValueType+"/"+right, mivet.PlaneData, q.at.id, nil) {
		// A refusal has no body: Azure/AppConfiguration issues 410 and 413.
		q.w.Header().Set("Content-Length", "0")
		q.w.WriteHeader(http.StatusForbidden)
		return
	}
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	all := q.keyValues()
	if key == "" {
		q.listValues(all)
		return
	}
	q.serveValue(all, key, strings.TrimSuffix(q.r.URL.Query().Get("label"), "\x00"))
}

// configRefuse answers a token that is not accepted
// (learn.microsoft.com/azure/azure-app-configuration/rest-api-authentication-azure-ad).
func (q *dataRequest) configRefuse(err error) {
	challenge := "HMAC-SHA256, Bearer"
	if f := new(authError); errors.As(err, &f) && f.kind != tokenMissing {
		said := "Authorization token failed validation"
		if f.kind == tokenForeign {
			said = "The access token is from the wrong issuer. It must match the AD tenant associated with the subscription to which the configuration store belongs. " +
				"If you just transferred your subscription and see this error message, please try back later."
		}
		challenge += fmt.Sprintf(` error="invalid_token", error_description="%s"`, said)
	}
	q.w.Header().Set("WWW-Authenticate", challenge)
	q.w.WriteHeader(http.StatusUnauthorized)
}

// keyValues are those of the store: what the snapshot names, and what was written. The
// caller holds the lock.
func (q *dataRequest) keyValues() map[string]*keyValue {
	all := q.contents.values[q.at.id.Key()]
	if all == nil {
		all = map[string]*keyValue{}
		q.contents.values[q.at.id.Key()] = all
		for _, t := range q.world.childrenOf(q.at.id, keyValueType) { // named KEY$LABEL
			key, label, _ := strings.Cut(t.id.Name(), "$")
			all[configName(key, label)] = &keyValue{key: key, label: label, value: "lab value of " + key, etag: q.configTag(), changed: q.now()}
		}
	}
	return all
}

func (q *dataRequest) configTag() string { return fmt.Sprintf("lab%029x", q.contents.next()) }

func (v *keyValue) object() object {
	o := object{
		"etag": v.etag, "key": v.key, "label": nil, "content_type": nil, "value": v.value, "tags": tagsOf(v.tags), "locked": false,
		"last_modified": v.changed.UTC().Format("2006-01-02T15:04:05+00:00"),
	}
	setText(o, "label", v.label)
	setText(o, "content_type", v.kind)
	return o
}

func (q *dataRequest) giveValue(v *keyValue) {
	h := q.w.Header()
	h.Set("ETag", `"`+v.etag+`"`)
	h.Set("Last-Modified", httpTime(v.changed))
	q.writeConfig("kv", v.object())
}

func (q *dataRequest) writeConfig(kind string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(q.w, err.Error(), http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "application/vnd.microsoft.appconfig."+kind+"+json; charset=utf-8")
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(body) // a caller that is gone needs no answer
	}
}

// listValues lists the settings that filters leave: names, and beginnings before a star.
func (q *dataRequest) listValues(all map[string]*keyValue) {
	query := q.r.URL.Query()
	fits := func(filter, text string) bool {
		if filter == "" || filter == "*" {
			return true
		}
		return slices.ContainsFunc(strings.Split(filter, ","), func(one string) bool {
			begin, open := strings.CutSuffix(one, "*")
			return open && strings.HasPrefix(text, begin) || strings.TrimSuffix(one, "\x00") == text
		})
	}
	items := []any{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if v := all[name]; fits(query.Get("key"), v.key) && fits(query.Get("label"), v.label) {
			items = append(items, v.object())
		}
	}
	q.writeConfig("kvset", object{"items": items})
}

// matches decides the headers that bind a request to a state of the setting.
func (q *dataRequest) matches(old *keyValue) bool {
	is := func(tag string) bool { return old != nil && (tag == "*" || strings.Trim(tag, `"`) == old.etag) }
	match, none := q.r.Header.Get("If-Match"), q.r.Header.Get("If-None-Match")
	return (match == "" || is(match)) && (none == "" || !is(none))
}

func (q *dataRequest) serveValue(all map[string]*keyValue, key, label string) {
	name := configName(key, label)
	old := all[name]
	reads := q.r.Method == http.MethodGet || q.r.Method == http.MethodHead
	switch {
	case reads && old == nil:
		q.w.WriteHeader(http.StatusNotFound)
	case reads && !q.matches(old):
		q.w.WriteHeader(http.StatusNotModified)
	case reads:
		q.giveValue(old)
	case !q.matches(old):
		q.w.WriteHeader(http.StatusPreconditionFailed)
	case q.r.Method == http.MethodDelete && old == nil:
		q.w.WriteHeader(http.StatusNoContent)
	case q.r.Method == http.MethodDelete:
		delete(all, name)
		q.giveValue(old)
	default:
		var body struct {
			Value       string            `json:"value"`
			ContentType string            `json:"content_type"`
			Tags        map[string]string `json:"tags"`
		}
		if err := json.NewDecoder(q.r.Body).Decode(&body); err != nil {
			q.problem(http.StatusBadRequest, "invalid-argument", "Invalid request body", "", err.Error())
			return
		}
		all[name] = &keyValue{key, label, body.Value, body.ContentType, body.Tags, q.configTag(), q.now()}
		q.giveValue(all[name])
	}
}

// logConfig writes a request as the category HttpRequest has it
// (learn.microsoft.com/azure/azure-monitor/reference/tables/aachttprequest).
func (q *dataRequest) logConfig() {
	if q.act.name == "" {
		return // it is not known what it is, or who asked
	}
	q.journal.add("insights-logs-httprequest", resourcePath(q.at.id), q.now(), object{
		"time": logTime(q.now()), "resourceId": strings.ToUpper(q.at.id.String()), "category": "HttpRequest", "operationName": q.act.name,
		"properties": object{
			"clientObjectId": q.c.OID, "clientTenantId": q.c.TID, "clientIPAddress": loggedAddress, "method": q.r.Method, "statusCode": q.w.status,
			"requestURI": "https://" + q.host + q.r.URL.RequestURI(), "requestId": q.w.Header().Get("x-ms-request-id"), "userAgent": q.r.UserAgent(), "hitCount": 1,
		},
	})
}
