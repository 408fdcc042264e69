// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
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
	// subs are the subscriptions that a query covers; nil for all.
	subs []string
	// rank is how much is left of it; see [waiter].
	rank int
}

func (l *listing) key() string {
	k := l.call.what + "\x00" + l.id + "\x00" + l.query + l.where + strings.Join(l.subs, ",")
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

// reply is a page whose rows have not passed the door yet.
type reply struct {
	page *page
	rows []json.RawMessage
	kept bool // it is from the journal
	err  error
}

// ahead is how many pages are asked for while one is looked through.
const ahead = 2

// pages reads a list and hands out its pages, in their order. The next page is asked for
// while one is looked through. The error is a [RequestError], or one that ends the
// collection.
func (r *run) pages(ctx context.Context, l *listing, each func(*page)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	replies := make(chan *reply, ahead)
	r.wg.Go(func() {
		defer close(replies)
		r.readPages(ctx, l, replies)
	})
	n := 0
	for a := range replies {
		if a.err != nil {
			return a.err
		}
		if err := r.take(l, n, a, each); err != nil {
			return err
		}
		n++
	}
	return ctx.Err()
}

// take lets a page through the door, keeps it, and hands it out.
func (r *run) take(l *listing, n int, a *reply, each func(*page)) error {
	r.work.enter(l.call.api == resourceGraph)
	defer r.work.leave()
	r.clean(l, a)
	if !a.kept {
		if err := r.journal.put(pageKey{l.key(), n}, a.page); err != nil {
			return err
		}
	}
	r.progress.page(l.call, len(a.page.Rows), a.page.Total, a.kept)
	if a.page.Fail != nil {
		return a.page.Fail
	}
	each(a.page)
	return nil
}

// readPages asks for one page after the other, of the journal as far as that goes.
func (r *run) readPages(ctx context.Context, l *listing, to chan<- *reply) {
	key, next, links, rows := l.key(), "", map[string]bool{}, 0
	l.rank = math.MaxInt // what is not known yet is asked for first
	for n := range maxPages {
		a := r.readPage(ctx, l, pageKey{key, n}, next)
		if a.err == nil {
			rows += len(a.rows) + len(a.page.Rows)
			l.rank = max(0, a.page.Total-rows)
		}
		select {
		case to <- a:
		case <-ctx.Done():
			return
		}
		if a.err != nil || a.page.Next == "" {
			return
		}
		if links[a.page.Next] {
			break
		}
		links[a.page.Next], next = true, a.page.Next
	}
	select {
	case to <- &reply{err: &RequestError{What: l.what(), Message: errCircle.Error(), cause: errCircle}}:
	case <-ctx.Done():
	}
}

func (r *run) readPage(ctx context.Context, l *listing, k pageKey, next string) *reply {
	p, ok, err := r.journal.get(k)
	switch {
	case err != nil:
		return &reply{err: err}
	case ok:
		return &reply{page: p, kept: true}
	}
	a, err := r.ask(ctx, l, next)
	if err != nil {
		return &reply{err: err}
	}
	return a
}

// lasting are the statuses that another request would get as well.
var lasting = []int{
	http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity, http.StatusNotImplemented,
}

// fetch asks for one page and lets its rows through the door.
func (r *run) fetch(ctx context.Context, l *listing, next string) (*page, error) {
	a, err := r.ask(ctx, l, next)
	if err != nil {
		return nil, err
	}
	r.clean(l, a)
	return a.page, nil
}

// ask asks for one page.
func (r *run) ask(ctx context.Context, l *listing, next string) (*reply, error) {
	req := &request{call: l.call, url: r.client.address(l.call, l.id, l.query), body: l.body, rank: l.rank}
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
	name, err := asked(req)
	if err != nil {
		return nil, err
	}
	var e envelope
	req.into = &e
	a, err := r.client.send(ctx, req)
	var f *RequestError
	if errors.As(err, &f) {
		f.What = l.what()
		if slices.Contains(lasting, f.Status) {
			return &reply{page: &page{At: r.now(), Asked: name, Fail: f}}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if a.odd {
		return &reply{page: &page{At: r.now(), Asked: name, Odd: 1}}, nil
	}
	out := r.open(l, a.body, &e)
	out.page.Asked = name
	if out.page.Next != "" && l.call.api != resourceGraph {
		// A link that is not followed is not kept either: who knows what it holds.
		if _, err := follow(req.url, out.page.Next); err != nil {
			out.page.Next, out.page.Cut = "", l.call.what+" were not read to their end: "+err.Error()
		}
	}
	if a.header.Get("x-ms-tenant-subscription-limit-hit") == "true" {
		out.page.Cut = "there are more subscriptions than Resource Graph covers in one query; those beyond 10,000 were left out"
	}
	return out, nil
}

// asked names a request: its method, its path with its query, and a digest of its body.
func asked(req *request) (string, error) {
	u, err := url.Parse(req.url)
	if err != nil {
		return "", &RequestError{What: req.call.what, Message: "the address is none", cause: err}
	}
	name := req.method() + " " + u.RequestURI()
	if req.body == nil {
		return name, nil
	}
	b, err := json.Marshal(req.body)
	if err != nil {
		return "", err
	}
	req.body = json.RawMessage(b)
	sum := sha256.Sum256(b)
	return name + " " + hex.EncodeToString(sum[:8]), nil
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
	if l.call.tail != "" {
		q = append(q, l.call.tail)
	} else {
		q = append(q, "project "+l.call.columns, "order by id asc")
	}
	options := map[string]any{"resultFormat": "objectArray", "$top": graphTop}
	if token != "" {
		options["$skipToken"] = token
	}
	if l.call == callAuthorization || l.call == callPolicies {
		options["authorizationScopeFilter"] = "AtScopeAboveAndBelow"
	}
	body := map[string]any{"query": strings.Join(q, " | "), "options": options}
	if l.subs != nil {
		body["subscriptions"] = l.subs
	}
	return body
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
func (r *run) open(l *listing, body []byte, e *envelope) *reply {
	p := &page{At: r.now()}
	rows := e.Value
	switch {
	case l.call.api == resourceGraph:
		rows, p.Next, p.Total = e.Data, e.Token, e.Total
		if t := strings.ToLower(textOf(e.Truncated)); t == "true" && p.Next == "" {
			p.Cut = "Resource Graph cut the result off and gave no way to read on"
		}
	case l.call.single || l.call.method == http.MethodPost && e.Value == nil:
		rows = []json.RawMessage{body}
	default:
		p.Next = first(e.NextLink, e.ODataURL)
	}
	return &reply{page: p, rows: rows}
}

// clean lets the rows of a page through the door.
func (r *run) clean(l *listing, a *reply) {
	for _, raw := range a.rows {
		kept, err := r.door.row(l.call, raw)
		if err != nil {
			a.page.Odd++
			continue
		}
		a.page.Rows = append(a.page.Rows, kept)
	}
	a.rows = nil
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
