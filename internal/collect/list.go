// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listing is one list that is read page by page, from the journal as far as that goes.
type listing struct {
	call *call
	// id is the scope or resource; "" for calls without one.
	id string
	// query are further parameters, such as a filter.
	query string
	// host stands in place of the API's own; for services at hosts of their own.
	host string
	// where narrows a query to Resource Graph; body is what is posted elsewhere.
	where string
	body  any
}

func (l *listing) key() string {
	k := l.call.what + "\x00" + l.id + "\x00" + l.query + l.where
	if l.body != nil {
		b, _ := json.Marshal(l.body) //nolint:errchkjson // a list of IDs
		k += "\x00" + string(b)
	}
	return k
}

// origin names the request, as sources of facts show it.
func (l *listing) origin() string {
	if l.call.api == resourceGraph {
		return "POST /providers/Microsoft.ResourceGraph/resources (" + l.call.table + ")"
	}
	path, _, _ := strings.Cut(l.call.path, "?")
	return l.call.method + " " + strings.ReplaceAll(path, "{id}", strings.TrimRight(l.id, "/"))
}

// what says in words what is read.
func (l *listing) what() string {
	if l.id == "" {
		return l.call.what
	}
	return l.call.what + " of " + l.id
}

// errCircle is the fault of a service whose pages lead back to pages before.
var errCircle = errors.New("its pages lead in a circle")

// maxPages bounds a list.
const maxPages = 100_000

// pages reads a list and hands out its pages. The error is a [RequestError], or one that ends
// the collection.
func (r *run) pages(ctx context.Context, l *listing, each func(*page)) error {
	key, next, links := l.key(), "", map[string]bool{}
	for n := range maxPages {
		p, ok, err := r.journal.get(pageKey{key, n})
		if err != nil {
			return err
		}
		if !ok {
			if p, err = r.fetch(ctx, l, next); err != nil {
				return err
			}
			if err := r.journal.put(pageKey{key, n}, p); err != nil {
				return err
			}
		}
		r.progress.page(l.call, len(p.Rows), p.Total, ok)
		if p.Fail != nil {
			return p.Fail
		}
		each(p)
		if p.Next == "" {
			return nil
		}
		if links[p.Next] {
			break
		}
		links[p.Next], next = true, p.Next
	}
	return &RequestError{What: l.what(), Message: errCircle.Error(), cause: errCircle}
}

// lasting are the statuses that another request would get as well.
var lasting = []int{
	http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity, http.StatusNotImplemented,
}

// fetch asks for one page and lets its rows through the redactor.
func (r *run) fetch(ctx context.Context, l *listing, next string) (*page, error) {
	req := &request{call: l.call, url: r.client.address(l.call, l.id, l.query), body: l.body}
	if l.host != "" {
		req.url = "https://" + l.host + l.call.path + "?api-version=" + l.call.version
	}
	switch {
	case l.call.api == resourceGraph:
		req.body = graphBody(l, next)
	case next != "":
		link, err := follow(req.url, next)
		if err != nil {
			return nil, &RequestError{What: l.what(), Message: err.Error(), cause: err}
		}
		req.url = link
	}
	a, err := r.client.send(ctx, req)
	var f *RequestError
	if errors.As(err, &f) {
		f.What = l.what()
		if slices.Contains(lasting, f.Status) {
			return &page{At: r.now(), Fail: f}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	p := r.open(l, a.body)
	if a.header.Get("x-ms-tenant-subscription-limit-hit") == "true" {
		p.Cut = "there are more subscriptions than Resource Graph covers in one query; those beyond 10,000 were left out"
	}
	return p, nil
}

// graphBody is a query to Resource Graph. Without a list of subscriptions it covers all
// that the caller can read; the filter adds what lies above them.
func graphBody(l *listing, token string) map[string]any {
	q := []string{l.call.table}
	for _, w := range []string{l.call.where, l.where} {
		if w != "" {
			q = append(q, "where "+w)
		}
	}
	q = append(q, "project "+l.call.columns, "order by id asc")
	options := map[string]any{"resultFormat": "objectArray", "$top": graphTop}
	if token != "" {
		options["$skipToken"] = token
	}
	if l.call == callAuthorization || l.call == callPolicies {
		options["authorizationScopeFilter"] = "AtScopeAboveAndBelow"
	}
	return map[string]any{"query": strings.Join(q, " | "), "options": options}
}

// graphTop is the most rows that Resource Graph gives in one page.
const graphTop = 1000

// envelope is what lists come in: "value" with a link at Resource Manager and Graph,
// "data" with a token at Resource Graph. Some lists of settings are one object.
type envelope struct {
	Value    []json.RawMessage `json:"value"`
	NextLink string            `json:"nextLink"`
	ODataURL string            `json:"@odata.nextLink"`

	Data      []json.RawMessage `json:"data"`
	Token     string            `json:"$skipToken"`
	Total     int               `json:"totalRecords"`
	Truncated any               `json:"resultTruncated"`
}

// open reads an answer. What is no list is one row.
func (r *run) open(l *listing, body []byte) *page {
	p := &page{At: r.now()}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		p.Odd++
		return p
	}
	rows := e.Value
	switch {
	case l.call.api == resourceGraph:
		rows, p.Next, p.Total = e.Data, e.Token, e.Total
		if t := strings.ToLower(textOf(e.Truncated)); t == "true" && p.Next == "" {
			p.Cut = "Resource Graph cut the result off and gave no way to read on"
		}
	case l.call.method == http.MethodPost && e.Value == nil:
		rows = []json.RawMessage{body}
	default:
		p.Next = first(e.NextLink, e.ODataURL)
	}
	p.Rows = make([]json.RawMessage, 0, len(rows))
	for _, raw := range rows {
		clean, err := r.door.row(l.call, raw)
		if err != nil {
			p.Odd++
			continue
		}
		p.Rows = append(p.Rows, clean)
	}
	return p
}

// textOf returns the text of a JSON text, boolean or number.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
