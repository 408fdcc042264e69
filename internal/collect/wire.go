// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/mivet/mivet/kusto"
	"github.com/mivet/mivet/redact"
)

// client sends requests: signed in, within the quotas, again where that helps.
type client struct {
	cloud     Cloud
	cred      azcore.TokenCredential
	pipelines [numAPIs]runtime.Pipeline
	buckets   *buckets
	slots     [numAPIs]chan struct{}
	allowance *allowance // nil: as many requests as it takes
	stats     *statistics
}

const (
	// maxBody is the largest answer that is read. A page of Resource Graph has 1000 rows.
	maxBody = 64 << 20
	// maxTries is how often one request is sent before its facts become a gap.
	maxTries = 6
	// maxFlight is how many requests are under way at once to one API.
	maxFlight = 32
)

// newClient makes the pipelines. retryDelay is the first pause after a failure that
// does not say how long to wait.
func newClient(o *Config) *client {
	c := &client{
		cloud: o.Cloud, cred: o.Credential,
		buckets: &buckets{now: time.Now, m: map[bucketKey]*bucket{}},
		stats:   newStatistics(time.Now),
	}
	transport := o.Transport
	if transport == nil {
		transport = Transport(nil)
	}
	audiences := [numAPIs]string{
		resourceGraph: c.cloud.Audience, resourceManager: c.cloud.Audience,
		graph: c.cloud.GraphAudience, managedHSM: "https://" + c.cloud.HSMSuffix,
		logAnalytics: c.cloud.Logs, dataExplorer: c.cloud.explorer,
	}
	for a := range numAPIs {
		c.slots[a] = make(chan struct{}, flight(a))
		options := &policy.ClientOptions{
			Transport: transport,
			Retry:     policy.RetryOptions{MaxRetries: maxTries - 1, RetryDelay: o.retryDelay(), MaxRetryDelay: longestPause, StatusCodes: retried(a)},
			Telemetry: policy.TelemetryOptions{Disabled: true},
		}
		bearer := runtime.NewBearerTokenPolicy(c.cred, []string{strings.TrimRight(audiences[a], "/") + "/.default"}, nil)
		c.pipelines[a] = runtime.NewPipeline("mivet", o.Version, runtime.PipelineOptions{
			PerRetry: []policy.Policy{&pacing{c: c, api: a}, bearer, bounded{}},
		}, options)
	}
	return c
}

// flight is how many requests are under way at once to an API.
func flight(a api) int {
	if a == logAnalytics || a == dataExplorer {
		return 5
	}
	return maxFlight
}

// retried are the statuses after which a request is sent again; nil for those of azcore. A
// query of logs that took too long is not sent again as it is.
func retried(a api) []int {
	if a == logAnalytics || a == dataExplorer {
		return []int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}
	}
	return nil
}

// Transport is the default one of net/http, with its proxies from the environment, for
// more connections, and without following redirects: they lead away from the host. roots
// are the authorities to trust; nil for those of the system.
func Transport(roots *x509.CertPool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert,errcheck // documented type
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.MaxIdleConnsPerHost = maxFlight
	t.ResponseHeaderTimeout = 2 * time.Minute
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// pacing keeps one API's requests within its quota, for every try.
type pacing struct {
	c   *client
	api api
}

// Do implements [policy.Policy].
func (p *pacing) Do(req *policy.Request) (*http.Response, error) {
	var pace pace
	req.OperationValue(&pace)
	b := p.c.buckets.of(bucketKey{p.api, pace.scope})
	if err := b.take(req.Raw().Context(), pace.units, pace.rank); err != nil {
		return nil, err
	}
	if err := p.c.allowance.try(); err != nil {
		return nil, err
	}
	p.c.stats.sent(p.api)
	resp, err := req.Next()
	if err == nil && b.learn(resp.StatusCode, resp.Header) {
		p.c.stats.throttled(p.api)
	}
	return resp, err
}

// pace is what a request takes of which quota.
type pace struct {
	scope string
	units float64
	rank  int
}

// bounded refuses answers that are too large to be meant.
type bounded struct{}

// Do implements [policy.Policy].
func (bounded) Do(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	if err == nil {
		resp.Body = &limited{ReadCloser: resp.Body, left: maxBody}
	}
	return resp, err
}

var errTooLarge = fmt.Errorf("the answer has more than %d MiB", maxBody>>20)

type limited struct {
	io.ReadCloser
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// request is one question, before it is sent.
type request struct {
	call *call
	url  string // absolute
	body any    // sent as JSON; nil for none
	into any    // what the answer is decoded into
	// units is what it takes of the quota; 0 stands for that of the call.
	units float64
	// rank says who goes first; see [waiter].
	rank int
}

func (r *request) units1() float64 {
	if r.units > 0 {
		return r.units
	}
	return max(1, r.call.units)
}

// A RequestError is a request that was answered with an error, or not at all.
type RequestError struct {
	// What was asked for, such as "deny assignments of /subscriptions/…".
	What string `json:"what"`
	// Status is that of HTTP; 0 where there was no answer.
	Status int `json:"status"`
	// Code and Message are the service's own, without what looks like a secret.
	Code    string `json:"code,omitzero"`
	Message string `json:"message,omitzero"`
	// cause is what went wrong where there was no answer.
	cause error
}

// Error implements error.
func (f *RequestError) Error() string {
	s := "reading " + f.What + ": "
	switch {
	case f.Status == 0:
		return s + f.Message
	case f.Code != "" && f.Message != "":
		return fmt.Sprintf("%s%s (%d %s)", s, f.Message, f.Status, f.Code)
	default:
		return fmt.Sprintf("%sthe service answers %d %s", s, f.Status, first(f.Code, http.StatusText(f.Status)))
	}
}

// Unwrap returns what went wrong where there was no answer.
func (f *RequestError) Unwrap() error { return f.cause }

// Forbidden reports whether a permission is missing.
func (f *RequestError) Forbidden() bool { return f.Status == http.StatusForbidden }

// answer is a successful one.
type answer struct {
	body   []byte
	header http.Header
	odd    bool // it is JSON of another form than expected
}

// send sends a request. The error is a [RequestError], or that of the context.
func (c *client) send(ctx context.Context, r *request) (*answer, error) {
	select {
	case c.slots[r.call.api] <- struct{}{}:
		defer func() { <-c.slots[r.call.api] }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := c.allowance.take(r.call); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		a, err := c.once(ctx, r)
		// An answer that is cut in the middle may still have a good status.
		if err == nil {
			a.odd = json.Unmarshal(a.body, r.into) != nil
		}
		if err == nil && a.odd && !json.Valid(a.body) {
			err = &RequestError{What: r.call.what, Message: "the answer is no JSON: it was cut off, or something between here and Azure answered instead"}
			if try < maxTries/2 {
				continue
			}
		}
		if err == nil {
			c.stats.answered(r.call.api, r.units1(), c.scope(r))
		}
		return a, err
	}
}

func (c *client) once(ctx context.Context, r *request) (*answer, error) {
	req, err := runtime.NewRequest(ctx, r.method(), r.url)
	if err != nil {
		return nil, &RequestError{What: r.call.what, Message: redact.Text(err.Error()), cause: err}
	}
	req.Raw().Header.Set("Accept", "application/json")
	if r.call.prefer != "" {
		req.Raw().Header.Set("Prefer", r.call.prefer)
	}
	req.SetOperationValue(pace{scope: c.scope(r), units: r.units1(), rank: r.rank})
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		if err := req.SetBody(streaming.NopCloser(bytes.NewReader(b)), "application/json"); err != nil {
			return nil, err
		}
	}
	resp, err := c.pipelines[r.call.api].Do(req) //nolint:bodyclose // Payload closes it
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &RequestError{What: r.call.what, Message: unanswered(err), cause: err}
	}
	body, err := runtime.Payload(resp)
	if err != nil {
		return nil, &RequestError{What: r.call.what, Message: unanswered(err), cause: err}
	}
	if resp.StatusCode != http.StatusOK {
		f := failure(r.call.what, resp.StatusCode, body)
		if said := kusto.ReadError(body); said != "" && (r.call.api == logAnalytics || r.call.api == dataExplorer) {
			f.Message = clip(redact.Text(said))
		}
		return nil, f
	}
	return &answer{body: body, header: resp.Header}, nil
}

func (r *request) method() string {
	if r.call.api == resourceGraph {
		return http.MethodPost
	}
	return r.call.method
}

// unanswered says why there was no answer. Errors of the network name the URL, whose
// query may hold a token of paging.
func unanswered(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	text := redact.Text(err.Error())
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return clip(text)
}

const maxMessage = 300

func clip(s string) string {
	if len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}

// failure reads an error as Resource Manager, Resource Graph and Graph write it.
func failure(what string, status int, body []byte) *RequestError {
	var e struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Details []struct {
				Code    string `json:"code"`
				Message string `json:"message"`
			} `json:"details"`
		} `json:"error"`
	}
	f := &RequestError{What: what, Status: status}
	if json.Unmarshal(body, &e) != nil {
		return f
	}
	f.Code, f.Message = e.Error.Code, e.Error.Message
	if len(e.Error.Details) > 0 && f.Code == "BadRequest" {
		f.Code, f.Message = e.Error.Details[0].Code, first(e.Error.Details[0].Message, f.Message)
	}
	f.Code, f.Message = clip(redact.Text(f.Code)), clip(redact.Text(strings.Join(strings.Fields(f.Message), " ")))
	return f
}

// scope is the subscription whose quota a request takes from; "" for the tenant.
func (c *client) scope(r *request) string {
	if r.call.api != resourceManager {
		return ""
	}
	path := strings.TrimPrefix(r.url, c.cloud.ResourceManager)
	rest, ok := strings.CutPrefix(strings.ToLower(path), "/subscriptions/")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// base is the host of an API.
func (c *client) base(a api) string {
	switch a {
	case graph:
		return c.cloud.Graph
	default:
		return c.cloud.ResourceManager
	}
}

// address returns the URL of a call at a resource or scope. For the root scope and for
// calls without {id}, id is "".
func (c *client) address(k *call, id, query string) string {
	if k.api == resourceGraph {
		return c.cloud.ResourceManager + "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
	}
	path := strings.ReplaceAll(k.path, "{id}", escapePath(strings.TrimRight(id, "/")))
	if k.version != "" {
		query = strings.TrimPrefix(query+"&api-version="+k.version, "&")
	}
	if query == "" {
		return c.base(k.api) + path
	}
	return c.base(k.api) + path + "?" + query
}

// escapePath escapes the segments of a resource ID.
func escapePath(id string) string {
	parts := strings.Split(id, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// follow checks a link to a next page: it must lead to the same host.
func follow(from, link string) (string, error) {
	a, err := url.Parse(from)
	if err != nil {
		return "", errors.New("the address of the page before is none")
	}
	b, err := a.Parse(link)
	if err != nil {
		return "", errors.New("the link to the next page is no address")
	}
	if b.Scheme != a.Scheme || !strings.EqualFold(b.Host, a.Host) || b.User != nil {
		return "", fmt.Errorf("the link to the next page leads to another host, %s", redact.Text(b.Hostname()))
	}
	return b.String(), nil
}

// statistics counts requests.
type statistics struct {
	now   func() time.Time
	mu    sync.Mutex
	start time.Time
	count [numAPIs]Count
	units map[bucketKey]float64
}

// Count is how many requests an API got.
type Count struct {
	// Sent counts every try, Throttled those that the service refused for its quota, and
	// Answered the requests that were answered in the end.
	Sent, Throttled, Answered int
}

func newStatistics(now func() time.Time) *statistics {
	return &statistics{now: now, start: now(), units: map[bucketKey]float64{}}
}

func (s *statistics) sent(a api)      { s.add(a, Count{Sent: 1}) }
func (s *statistics) throttled(a api) { s.add(a, Count{Throttled: 1}) }

func (s *statistics) add(a api, c Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[a].Sent += c.Sent
	s.count[a].Throttled += c.Throttled
	s.count[a].Answered += c.Answered
}

func (s *statistics) answered(a api, units float64, scope string) {
	s.add(a, Count{Answered: 1})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units[bucketKey{a, scope}] += units
}

// Effort is what a collection cost, beside what it had to cost.
type Effort struct {
	Requests map[string]Count `json:"requests"`
	// Wall is how long it took. Bound is the least time that the quotas allow for the
	// requests that were answered: the largest, over the quotas, of units ÷ rate, without
	// what may be spent at once. Least is Bound less that. Limit names the quota.
	Wall  time.Duration `json:"wall"`
	Bound time.Duration `json:"bound"`
	Least time.Duration `json:"least"`
	Limit string        `json:"limit"`
}

func (s *statistics) effort() Effort {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := Effort{Requests: map[string]Count{}, Wall: s.now().Sub(s.start)}
	for a := range numAPIs {
		if s.count[a] != (Count{}) {
			e.Requests[a.String()] = s.count[a]
		}
	}
	for k, units := range s.units {
		q := quotas[k.api]
		bound := time.Duration(units / q.rate * float64(time.Second))
		if bound > e.Bound {
			e.Bound, e.Limit = bound, k.api.String()
			e.Least = time.Duration(max(0, units-q.burst) / q.rate * float64(time.Second))
		}
	}
	return e
}
