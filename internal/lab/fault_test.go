// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Each fault does what its name says, where and as often as it was asked for.
func TestFaults(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	arm := func(f Fault) {
		t.Helper()
		s.ClearFaults()
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	const path = "/subscriptions?api-version=2022-12-01"

	arm(Fault{Kind: FaultThrottle, API: APIManagement, After: 1, Count: 2, RetryAfter: 1500 * time.Millisecond})
	var statuses []int
	for range 5 {
		r := c.get(path)
		statuses = append(statuses, r.status)
		if r.status == 429 && r.header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
		}
	}
	if want := []int{200, 429, 429, 200, 200}; !slices.Equal(statuses, want) {
		t.Errorf("statuses %v, want %v", statuses, want)
	}

	arm(Fault{Kind: FaultError, Path: "/SUBSCRIPTIONS?*version"})
	if r := c.get(path); r.status != 500 {
		t.Errorf("an error: %d", r.status)
	}
	if r := c.get(kv + "?api-version=2024-01-01"); r.status != 200 {
		t.Errorf("another path: %d", r.status)
	}
	arm(Fault{Kind: FaultError, Method: "POST", Status: 503})
	if r := c.query("resources | count"); r.status != 503 || c.get(path).status != 200 {
		t.Errorf("an error of POST: %d", r.status)
	}
	arm(Fault{Kind: FaultSlow, Delay: time.Millisecond})
	if r := c.get(path); r.status != 200 {
		t.Errorf("slow: %d", r.status)
	}

	arm(Fault{Kind: FaultCut})
	if r, err := c.try("GET", path, ""); err == nil {
		t.Errorf("a connection that is cut answers %d", r.status)
	}
	arm(Fault{Kind: FaultCut, Delay: -1})
	if _, err := c.try("GET", path, ""); err == nil {
		t.Error("a connection that is cut within the answer gives a whole one")
	}
	arm(Fault{Kind: FaultTruncate})
	var syntax *json.SyntaxError
	if _, err := c.try("GET", path, ""); !errors.As(err, &syntax) {
		t.Errorf("half an answer of Resource Manager: %v", err)
	}
	if _, err := c.try("GET", "/v1.0/users", ""); !errors.As(err, &syntax) {
		t.Errorf("half an answer of Graph: %v", err)
	}
	r := c.query("resources | project id")
	if total, _ := r.body["totalRecords"].(float64); r.body["resultTruncated"] != "true" || len(r.list(t)) >= int(total) {
		t.Errorf("half an answer of Resource Graph: %s", r.text)
	}

	arm(Fault{Kind: FaultForbid, Path: prod})
	c.get(kv+"?api-version=2024-01-01").wants(t, 403, "AuthorizationFailed")
	if r := c.get("/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups?api-version=2024-01-01"); r.status != 200 {
		t.Errorf("the other subscription: %d", r.status)
	}
	if got := len(c.get(path).list(t)); got != 2 {
		t.Errorf("a forbidden subscription is not listed any more: %d", got)
	}
	if got := names(c.query("resources | project name").list(t)); !slices.Equal(got, []string{"hsm"}) {
		t.Errorf("Resource Graph shows %v", got)
	}

	s.ClearFaults()
	whole := len(c.query("resources | project id").list(t))
	arm(Fault{Kind: FaultStale, API: APIResourceGraph, Share: 0.5, Seed: 7})
	part := len(c.query("resources | project id").list(t))
	if again := len(c.query("resources | project id").list(t)); part == 0 || part >= whole || again != part {
		t.Errorf("%d, then %d of %d rows of an older state", part, again, whole)
	}
	arm(Fault{Kind: FaultLimit, Share: 1})
	if r := c.query("resources | project id"); r.header.Get("x-ms-tenant-subscription-limit-hit") != "true" || len(r.list(t)) != 0 {
		t.Errorf("beyond the limit of subscriptions: %v %s", r.header, r.text)
	}

	s.ClearFaults()
	if got := s.Faults(); got != nil {
		t.Errorf("faults are left: %v", got)
	}
}

// A clock that is off shows in dates and in tokens.
func TestSkew(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	s := start(t, parse(t, everything), Options{Now: clock.Now})
	c := newClient(t, s, OperatorID)
	if err := s.AddFault(Fault{Kind: FaultSkew, API: APIManagement, Delay: 2 * time.Hour, Count: 1}); err != nil {
		t.Fatal(err)
	}
	r := c.get("/subscriptions?api-version=2022-12-01")
	r.wants(t, 401, "ExpiredAuthenticationToken")
	if got := r.header.Get("Date"); got != "Fri, 20 Nov 2026 14:00:00 GMT" {
		t.Errorf("the date is %s", got)
	}
	if r := c.get("/subscriptions?api-version=2022-12-01"); r.status != 200 {
		t.Errorf("afterwards: %d", r.status)
	}
	clock.Advance(-2 * time.Hour)
	c.get("/subscriptions?api-version=2022-12-01").wants(t, 401, "InvalidAuthenticationToken")
	clock.Advance(4 * time.Hour)
	c.get("/subscriptions?api-version=2022-12-01").wants(t, 401, "ExpiredAuthenticationToken")
}

// Equal seeds give equal sequences.
func TestProbability(t *testing.T) {
	sequence := func(seed uint64) (list []int) {
		s := start(t, parse(t, everything), Options{Faults: []Fault{{Kind: FaultError, Probability: 0.5, Seed: seed}}})
		c := newClient(t, s, OperatorID)
		for range 30 {
			list = append(list, c.get("/subscriptions?api-version=2022-12-01").status)
		}
		return list
	}
	a, b, other := sequence(1), sequence(1), sequence(2)
	if !slices.Equal(a, b) || slices.Equal(a, other) || !slices.Contains(a, 200) || !slices.Contains(a, 500) {
		t.Errorf("%v, %v and %v", a, b, other)
	}
}

func TestParseFault(t *testing.T) {
	f := func(text string, want Fault) {
		t.Helper()
		got, err := ParseFault(text)
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", text, diff)
		}
	}
	f("cut", Fault{Kind: FaultCut})
	f("throttle,api=resourcegraph,method=post,path=/x*y,after=1,count=2,probability=0.5,seed=7,retry-after=2s",
		Fault{Kind: FaultThrottle, API: APIResourceGraph, Method: "POST", Path: "/x*y", After: 1, Count: 2, Probability: 0.5, Seed: 7, RetryAfter: 2 * time.Second})
	f("kind=error,status=503,delay=1ms,share=0.1", Fault{Kind: FaultError, Status: 503, Delay: time.Millisecond, Share: 0.1})

	g := func(text, want string) {
		t.Helper()
		if _, err := ParseFault(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	g("", "is no kind of fault")
	g("boom", "is no kind of fault")
	g("cut,often", `"often" is no field; fields are kind, api`)
	g("cut,x=1", `"x=1" is no field`)
	g("cut,api=x", "is no side of the lab")
	g("cut,count=x", "count=x")
	g("cut,count=-1", "is negative")
	g("cut,probability=2", "not between 0 and 1")
	g("stale,share=2", "not between 0 and 1")
	g("error,status=200", "none of an error")
	g("slow,delay=soon", "delay=soon")
}

func FuzzParseFault(f *testing.F) {
	f.Add("throttle,api=arm,count=3,retry-after=2s")
	f.Add("kind=cut,probability=0.5,path=*")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseFault(text)
		if err != nil {
			return
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again Fault
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if got.Path == strings.ToValidUTF8(got.Path, "\ufffd") && got.Method == strings.ToValidUTF8(got.Method, "\ufffd") && !cmp.Equal(got, again) {
			t.Fatalf("%v becomes %v", got, again)
		}
	})
}

// The lab's own side arms and disarms faults, and hands out what signs in.
func TestAdmin(t *testing.T) {
	var mu sync.Mutex
	var seen []Exchange
	s := start(t, parse(t, everything), Options{Observe: func(e Exchange) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, e)
	}})
	c := newClient(t, s, OperatorID)
	if r := c.do("POST", "/lab/faults", `{"kind":"throttle","api":"graph","count":1,"retryAfter":"3s"}`); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := c.get("/lab/faults"); strings.TrimSpace(r.text) != `[{"kind":"throttle","api":"graph","count":1,"retryAfter":"3s"}]` {
		t.Errorf("faults: %s", r.text)
	}
	if r := c.get("/v1.0/users"); r.status != 429 || r.header.Get("Retry-After") != "3" {
		t.Errorf("the fault: %d %v", r.status, r.header)
	}
	if r := c.do("DELETE", "/lab/faults", ""); r.status != 204 {
		t.Errorf("disarming: %d", r.status)
	}
	if r := c.get("/lab/faults"); strings.TrimSpace(r.text) != `[]` {
		t.Errorf("faults: %s", r.text)
	}
	f := func(method, path, body string, status int, text string) {
		t.Helper()
		if r := c.do(method, path, body); r.status != status || !strings.Contains(r.text, text) {
			t.Errorf("%s %s: %d %s, want %d and %q", method, path, r.status, r.text, status, text)
		}
	}
	f("POST", "/lab/faults", `{"kind":"boom"}`, 400, "is no kind of fault")
	f("POST", "/lab/faults", `{"kind":"cut","often":1}`, 400, "often")
	f("POST", "/lab/faults", `{"kind":"cut","delay":"soon"}`, 400, "soon")
	f("GET", "/lab/ca", "", 200, "BEGIN CERTIFICATE")
	f("POST", "/lab/certificate?clientId="+ciClient, "", 200, "BEGIN PRIVATE KEY")
	f("POST", "/lab/certificate?clientId=none", "", 400, "no application")
	f("POST", "/lab/federated-token?issuer=i&subject=s", "", 200, "ey")
	f("GET", "/lab/none", "", 404, "nothing at")

	mu.Lock()
	defer mu.Unlock()
	throttled := slices.IndexFunc(seen, func(e Exchange) bool { return e.Fault == FaultThrottle })
	if throttled < 0 || seen[throttled].API != APIGraph || seen[throttled].Status != 429 || seen[throttled].Path != "/v1.0/users" {
		t.Errorf("observed %v", seen)
	}
}

// Quotas are those of Azure's pages, on the lab's clock.
func TestQuotas(t *testing.T) {
	clock := NewClock(time.Now())
	s := start(t, parse(t, everything), Options{Now: clock.Now, Quotas: AzureQuotas()})
	c, other := newClient(t, s, OperatorID), newClient(t, s, readerClient)
	until := func(most int, ask func() *reply) (passed int, refusal *reply) {
		t.Helper()
		for ; passed <= most; passed++ {
			if r := ask(); r.status == 429 {
				return passed, r
			}
		}
		t.Fatalf("more than %d requests pass", most)
		return 0, nil
	}

	n, r := until(20, func() *reply { return c.query("resources | count") })
	if n != 15 || r.header.Get("x-ms-user-quota-remaining") != "0" || r.header.Get("x-ms-user-quota-resets-after") != "00:00:05" || r.header.Get("Retry-After") != "5" {
		t.Errorf("%d queries, then %v", n, r.header)
	}
	if !strings.Contains(r.text, "RateLimiting") {
		t.Errorf("the refusal is %s", r.text)
	}
	if r := other.query("resources | count"); r.status != 200 || r.header.Get("x-ms-user-quota-remaining") != "14" {
		t.Errorf("another caller: %d %v", r.status, r.header)
	}
	clock.Advance(5 * time.Second)
	if r := c.query("resources | count"); r.status != 200 {
		t.Errorf("in the next window: %d", r.status)
	}

	n, r = until(300, func() *reply { return c.get(kv + "?api-version=2024-01-01") })
	if n != 250 || r.header.Get("Retry-After") != "1" {
		t.Errorf("%d reads, then %v", n, r.header)
	}
	r.wants(t, 429, "SubscriptionRequestsThrottled")
	if r := c.get("/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups?api-version=2024-01-01"); r.status != 200 || r.header.Get("x-ms-ratelimit-remaining-subscription-reads") != "249" {
		t.Errorf("another subscription: %d %v", r.status, r.header)
	}
	clock.Advance(time.Second)
	if n, _ = until(30, func() *reply { return c.get(kv + "?api-version=2024-01-01") }); n != 25 {
		t.Errorf("%d reads after a second, want 25", n)
	}
	n, r = until(300, func() *reply { return c.get("/subscriptions?api-version=2022-12-01") })
	if n < 225 || n > 250 {
		t.Errorf("%d reads of the tenant", n)
	}
	r.wants(t, 429, "TenantRequestsThrottled")

	clock.Advance(time.Minute)
	s.quota.quotas.Graph = Window{20, 10 * time.Second}
	n, r = until(30, func() *reply { return c.get("/v1.0/groups/" + idOf(t, s, "devs") + "/transitiveMembers") })
	if n != 4 || r.header.Get("Retry-After") != "10" || r.header.Get("x-ms-throttle-information") != "ResourceUnitLimitExceeded" {
		t.Errorf("%d requests of five units, then %v", n, r.header)
	}
	clock.Advance(10 * time.Second)
	f := func(path, units string) {
		t.Helper()
		if r := c.get(path); r.header.Get("x-ms-resource-unit") != units {
			t.Errorf("%s costs %s, want %s", path, r.header.Get("x-ms-resource-unit"), units)
		}
	}
	f("/v1.0/users", "2")
	f("/v1.0/users?$select=id&$top=5", "1")
	f("/v1.0/applications?$expand=federatedIdentityCredentials", "3")
	f("/v1.0/groups/"+idOf(t, s, "devs"), "1")
	f("/v1.0/groups/"+idOf(t, s, "devs")+"/members", "3")
}

// A lab that is closed is gone.
func TestClose(t *testing.T) {
	s, err := Start(parse(t, everything), Options{Catalog: testCatalog})
	if err != nil {
		t.Fatal(err)
	}
	client := s.Client()
	defer client.CloseIdleConnections()
	res, err := client.Get(s.URL() + "/metadata/endpoints?api-version=2019-05-01")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil || !strings.HasPrefix(string(text), "[{") {
		t.Errorf("metadata: %s %v", text, err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res, err := client.Get(s.URL()); err == nil {
		t.Errorf("it still answers: %v", res.Body.Close())
	}
	for _, o := range []Options{{Addr: "nowhere", Catalog: testCatalog}, {Addr: "192.0.2.1:1", Catalog: testCatalog}, {Faults: []Fault{{Kind: "boom"}}}} {
		if s, err := Start(parse(t, everything), o); err == nil {
			t.Cleanup(func() { _ = s.Close() })
			t.Errorf("%+v starts", o)
		}
	}
}

var _ http.RoundTripper = (*imdsTransport)(nil)
