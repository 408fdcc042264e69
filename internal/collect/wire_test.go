// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/redact"
)

// fixed is a credential with claims of our choice.
type fixed struct{ claims string }

func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if f.claims == "" {
		return azcore.AccessToken{}, errors.New("DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tpassword=hunter2hunter2hunter2")
	}
	return azcore.AccessToken{Token: tokenOf(f.claims), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func tokenOf(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

const testClaims = `{"tid":"11111111-0000-4000-8000-000000000000","oid":"22222222-0000-4000-8000-000000000000","appid":"33333333-0000-4000-8000-000000000000","app_displayname":"test"}`

// standIn is a service of which a test says what it answers. Requests without an answer
// get an empty list.
type standIn struct {
	*httptest.Server

	mu      sync.Mutex
	asked   []string
	answers map[string]http.HandlerFunc
}

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{answers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		line := r.Method + " " + r.URL.Path
		if r.Header.Get("Authorization") == "" {
			t.Errorf("%s came without a token", line)
		}
		s.mu.Lock()
		s.asked = append(s.asked, line+" "+string(body))
		h := s.answers[line]
		s.mu.Unlock()
		if h == nil {
			h = always(`{"value":[],"data":[]}`)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) on(line string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[line] = h
}

func (s *standIn) count(part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if strings.Contains(a, part) {
			n++
		}
	}
	return n
}

// always answers the same.
func always(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

// inTurn answers one after the other, and the last one from then on.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := handlers[min(n, len(handlers)-1)]
		n++
		mu.Unlock()
		h(w, r)
	}
}

func refuse(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%q,"message":%q}}`, code, message)
	}
}

func throttle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("retry-after-ms", "5")
	refuse(http.StatusTooManyRequests, "TooManyRequests", "slow down")(w, r)
}

func redirect(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Location", "https://example.com/")
	w.WriteHeader(http.StatusFound)
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"value":[`)
	panic(http.ErrAbortHandler)
}

func (s *standIn) config(t *testing.T) *Config {
	t.Helper()
	r, err := redact.New(redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Config{
		Cloud:      Cloud{Name: "test", Login: s.URL, ResourceManager: s.URL, Graph: s.URL, Audience: s.URL, GraphAudience: s.URL, Private: true},
		Credential: fixed{testClaims}, Redactor: r, Version: "test", Now: time.Now, Transport: client,
		Switches: func(string) []string { return nil }, RetryDelay: time.Millisecond,
	}
}

// one reads one list of a scope and returns its rows and its gaps.
func (s *standIn) one(t *testing.T, l *listing) (rows []string, gaps []mivet.Gap) {
	t.Helper()
	r, _, err := begin(t.Context(), s.config(t), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	r.cancel = cancel
	r.list(ctx, l, func(p *page, src mivet.Source) {
		if l.call == callLocks {
			r.facts.locks(p, src)
		}
		for _, raw := range p.Rows {
			rows = append(rows, string(raw))
		}
	})
	if err := r.ended(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.journal.close(); err != nil {
		t.Fatal(err)
	}
	return rows, r.facts.finish().Gaps
}

const (
	locksOf  = "GET /subscriptions/s1/providers/Microsoft.Authorization/locks"
	lockRow  = `{"id":"/subscriptions/s1/providers/Microsoft.Authorization/locks/l%d","name":"l%d","type":"Microsoft.Authorization/locks","properties":{"level":"ReadOnly","secret":"x"}}`
	lockKept = `{"id":"/subscriptions/s1/providers/Microsoft.Authorization/locks/l%d","name":"l%d","type":"Microsoft.Authorization/locks","properties":{"level":"ReadOnly"}}`
)

func locksListing() *listing { return &listing{call: callLocks, id: "/subscriptions/s1"} }

func lock(form string, n int) string { return fmt.Sprintf(form, n, n) }

// TestFaultsPass: what goes wrong once or twice changes nothing.
func TestFaultsPass(t *testing.T) {
	good := always(`{"value":[` + lock(lockRow, 1) + `]}`)
	f := func(name string, faults ...http.HandlerFunc) {
		t.Helper()
		s := newStandIn(t)
		s.on(locksOf, inTurn(append(faults, good)...))
		rows, gaps := s.one(t, locksListing())
		if len(rows) != 1 || rows[0] != lock(lockKept, 1) || len(gaps) != 0 {
			t.Errorf("%s: %v %+v", name, rows, gaps)
		}
		if n := s.count(locksOf); n != len(faults)+1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	f("none")
	f("throttled", throttle, throttle)
	f("server error", refuse(500, "InternalServerError", ""), refuse(503, "", ""))
	f("cut", cut)
	f("half an answer", always(`{"value":[{"id":`))
}

// TestFaultsStay: what goes wrong each time is a gap with its reason.
func TestFaultsStay(t *testing.T) {
	f := func(h http.HandlerFunc, tries int, reason, permission string) {
		t.Helper()
		s := newStandIn(t)
		s.on(locksOf, h)
		rows, gaps := s.one(t, locksListing())
		if len(rows) != 0 || len(gaps) != 1 {
			t.Fatalf("%v %+v", rows, gaps)
		}
		g := gaps[0]
		if g.Facts != mivet.FactLocks || g.Scope.String() != "/subscriptions/s1" || !strings.Contains(g.Reason, reason) || g.Permission != permission {
			t.Errorf("%+v", g)
		}
		if n := s.count(locksOf); n != tries {
			t.Errorf("%s: asked %d times, want %d", reason, n, tries)
		}
	}
	f(refuse(403, "AuthorizationFailed", "The client does not have authorization"), 1, "may not be read: The client", "Microsoft.Authorization/locks/read")
	f(refuse(404, "ResourceNotFound", ""), 1, "not there any more", "")
	f(refuse(400, "BadRequest", "token=abcdefABCDEF0123456789abcdefABCDEF01"), 1, "the service answers 400 BadRequest: token="+redact.Marker, "")
	f(refuse(500, "", ""), maxTries, "the service answers 500", "")
	f(throttle, maxTries, "refused every try", "")
	f(always(`<html>sign in to the proxy</html>`), maxTries/2, "no JSON", "")
	f(redirect, 1, "302", "")
}

// TestOddRows: what cannot be understood is counted, and the rest is taken.
func TestOddRows(t *testing.T) {
	s := newStandIn(t)
	s.on(locksOf, always(`{"value":[5,{"id":7},{"id":"x"},{"id":"/subscriptions/s1/providers/Microsoft.Authorization/locks/a"},`+lock(lockRow, 1)+`]}`))
	_, gaps := s.one(t, locksListing())
	if len(gaps) != 1 || gaps[0].Facts != mivet.FactLocks || gaps[0].Reason != "4 rows of the list of locks could not be understood" {
		t.Errorf("%+v", gaps)
	}
	s.on(locksOf, always(`[]`))
	if _, gaps := s.one(t, locksListing()); len(gaps) != 1 || !strings.HasPrefix(gaps[0].Reason, "1 row of") {
		t.Errorf("%+v", gaps)
	}
}

func TestPagesOfOtherHosts(t *testing.T) {
	f := func(link, reason string) {
		t.Helper()
		s := newStandIn(t)
		s.on(locksOf, always(`{"value":[],"nextLink":`+strconv.Quote(strings.ReplaceAll(link, "HOST", s.URL))+`}`))
		_, gaps := s.one(t, locksListing())
		if len(gaps) != 1 || !strings.Contains(gaps[0].Reason, reason) {
			t.Errorf("%s: %+v", link, gaps)
		}
	}
	f("https://evil.example/steal?token=1", "leads to another host, evil.example")
	f("http://127.0.0.1/x", "another host")
	f("https://u:p@127.0.0.1/x", "another host")
	f("://", "no address")
	f("HOST/subscriptions/s1/providers/Microsoft.Authorization/locks?page=1", "lead in a circle")
}

func TestPages(t *testing.T) {
	s := newStandIn(t)
	s.on(locksOf, func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Query().Get("page"))
		if err != nil {
			n = 1
		}
		next := ""
		if n < 3 {
			next = s.URL + r.URL.Path + "?page=" + strconv.Itoa(n+1)
		}
		fmt.Fprintf(w, `{"value":[%s],"nextLink":%q}`, lock(lockRow, n), next) //nolint:gosec // a test that answers itself
	})
	rows, gaps := s.one(t, locksListing())
	if len(rows) != 3 || len(gaps) != 0 {
		t.Errorf("%v %+v", rows, gaps)
	}
}

func TestResourceGraphPages(t *testing.T) {
	const line = "POST /providers/Microsoft.ResourceGraph/resources"
	row := `{"id":"/subscriptions/s1/resourceGroups/g/providers/Microsoft.Web/sites/w%d","type":"microsoft.web/sites","properties":{"publishingPassword":"x"}}`
	s := newStandIn(t)
	s.on(line, func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Query   string         `json:"query"`
			Options map[string]any `json:"options"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(q.Query, "resources | project id, name, ") || !strings.HasSuffix(q.Query, " | order by id asc") {
			t.Errorf("asked %s", q.Query)
		}
		if q.Options["$skipToken"] == nil {
			fmt.Fprintf(w, `{"totalRecords":2,"resultTruncated":"true","$skipToken":"t","data":[%s]}`, fmt.Sprintf(row, 1))
			return
		}
		fmt.Fprintf(w, `{"totalRecords":2,"resultTruncated":"false","data":[%s]}`, fmt.Sprintf(row, 2))
	})
	rows, gaps := s.one(t, &listing{call: callResources})
	if len(rows) != 2 || len(gaps) != 0 || strings.Contains(strings.Join(rows, ""), "publishing") {
		t.Errorf("%v %+v", rows, gaps)
	}
	f := func(h http.HandlerFunc, reason string) {
		t.Helper()
		s.on(line, h)
		_, gaps := s.one(t, &listing{call: callResources})
		if len(gaps) != len(callResources.facts) || !strings.Contains(gaps[0].Reason, reason) {
			t.Errorf("%s: %+v", reason, gaps)
		}
	}
	f(always(`{"totalRecords":9,"resultTruncated":"true","data":[]}`), "cut the result off")
	f(always(`{"totalRecords":9,"resultTruncated":false,"data":[]}`), "says that there are 9 resources and gave 0")
	f(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-tenant-subscription-limit-hit", "true")
		fmt.Fprint(w, `{"totalRecords":0,"data":[]}`)
	}, "more subscriptions than Resource Graph covers")
}

func TestTooLarge(t *testing.T) {
	l := limited{ReadCloser: io.NopCloser(strings.NewReader("0123456789")), left: 5}
	if _, err := io.ReadAll(&l); err == nil {
		t.Error("more was read than is allowed")
	}
}

func TestWhoIs(t *testing.T) {
	c, err := whoIs(tokenOf(testClaims))
	want := Caller{"11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000", "33333333-0000-4000-8000-000000000000", "test"}
	if err != nil || c != want {
		t.Errorf("%+v %v", c, err)
	}
	for _, bad := range []string{"", "a.b", "a.!.c", "a." + base64.RawURLEncoding.EncodeToString([]byte("no")) + ".c"} {
		if _, err := whoIs(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSigningInFails(t *testing.T) {
	s := newStandIn(t)
	o := s.config(t)
	o.Credential = fixed{}
	_, err := Collect(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "signing in") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	o.Credential = fixed{"nothing"}
	if _, err := Collect(t.Context(), o); err == nil {
		t.Error("a token without claims was taken")
	}
	o.Credential, o.Journal = fixed{testClaims}, t.TempDir()
	if _, err := Collect(t.Context(), o); err == nil {
		t.Error("a folder was taken for a journal")
	}
}

func TestFailureTexts(t *testing.T) {
	f := func(status int, body, want string) {
		t.Helper()
		if got := failure("locks", status, []byte(body)).Error(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	f(403, `{"error":{"code":"A","message":"b  c\nd"}}`, "reading locks: b c d (403 A)")
	f(400, `{"error":{"code":"BadRequest","message":"Please","details":[{"code":"InvalidQuery","message":"column x"}]}}`, "reading locks: column x (400 InvalidQuery)")
	f(500, `<html>`, "reading locks: the service answers 500 Internal Server Error")
	f(500, `{"error":{"code":"X"}}`, "reading locks: the service answers 500 X")
	cause := errors.New("gone")
	if err := (&RequestError{What: "x", Message: "m", cause: cause}); !errors.Is(err, cause) || err.Error() != "reading x: m" {
		t.Error(err)
	}
	if s := clip(strings.Repeat("x", 1000)); len(s) > maxMessage+len("…") {
		t.Error(len(s))
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"value":[` + lock(lockRow, 1) + `],"nextLink":"x"}`))
	f.Add([]byte(`{"data":[{}],"$skipToken":5,"resultTruncated":"true"}`))
	f.Add([]byte(`[]`))
	red, err := redact.New(redact.Options{})
	if err != nil {
		f.Fatal(err)
	}
	src := mivet.Source{Origin: &mivet.Origin{API: "fuzz"}}
	f.Fuzz(func(_ *testing.T, body []byte) {
		facts := newFacts(red, func(string) []string { return []string{"x"} })
		r := &run{config: &Config{Now: time.Now}, door: door{red}, facts: facts}
		for _, c := range table() {
			l := &listing{call: c}
			p := r.answered(l, body)
			switch c.api {
			case graph:
				facts.objects(p, c.what, "", src, nil)
				facts.applications(p, src)
				facts.appAssignments(p, src)
				facts.directoryRoles(p)
				facts.directoryAssignments(p, true, src)
			default:
				facts.containers(p, src)
				facts.carriers(p, c.what, src)
				facts.authorization(p, c.what, src)
				facts.denies(p, src)
				facts.eligible(p, src)
				facts.active(p, src)
				facts.locks(p, src)
				facts.delegations(p, src)
				facts.siteConfigs(p)
				for _, id := range p.ids() {
					facts.settingsList(id, p)
					facts.federated(id, p, src)
					facts.local(id, c.what, p, src)
					facts.hsm(id, true, p, src)
					break
				}
			}
		}
		facts.finish()
	})
}
