// SPDX-License-Identifier: Apache-2.0

package hosts_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet/internal/lab/hosts"
)

const (
	clientSys = "5ca0ffee-0000-4000-8000-0000000000aa"
	clientOne = "aaaaaaaa-1111-4111-8111-111111111111"
	clientTwo = "bbbbbbbb-2222-4222-8222-222222222222"
)

// world attaches identities by name.
func world(names string) *hosts.World {
	w := &hosts.World{TenantID: "tenant", Secret: "right", Workload: "/subscriptions/1/vm", Clock: func() time.Time { return time.Unix(1000, 0) }}
	for n := range strings.FieldsSeq(names) {
		switch n {
		case "sys":
			w.System = &hosts.Identity{Name: "sys", ClientID: clientSys, Principal: "p-sys"}
		case "one":
			w.User = append(w.User, hosts.Identity{Name: "one", ClientID: clientOne, Principal: "p-one", Resource: "/id/one"})
		case "two":
			w.User = append(w.User, hosts.Identity{Name: "two", ClientID: clientTwo, Principal: "p-two", Resource: "/id/two"})
		}
	}
	return w
}

// request is a request for a token in a few words: a query, and headers after blanks.
func request(t *testing.T, words string) *http.Request {
	t.Helper()
	fields := strings.Fields(words)
	method, target := http.MethodGet, "/?"+fields[0]
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for _, h := range fields[1:] {
		name, value, _ := strings.Cut(h, "=")
		r.Header.Set(name, value)
	}
	return r
}

// claims reads a token.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("token %q has no three parts", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// asked sends a request and says in short what came back: the principal of the token, or
// the status with a part of the body.
func asked(t *testing.T, serve func(http.ResponseWriter, *http.Request), r *http.Request) string {
	t.Helper()
	rec := httptest.NewRecorder()
	serve(rec, r)
	var body struct {
		Token string `json:"access_token"`
	}
	text := rec.Body.String()
	if rec.Code == http.StatusOK && json.Unmarshal([]byte(text), &body) == nil && body.Token != "" {
		return fmt.Sprint(claims(t, body.Token)["oid"])
	}
	return http.StatusText(rec.Code) + ": " + text
}

const imdsQuery = "api-version=2018-02-01&resource=https://vault.azure.net"

func TestIMDS(t *testing.T) {
	f := func(identities, words, want string) {
		t.Helper()
		if got := asked(t, world(identities).ServeIMDS, request(t, words)); !strings.Contains(got, want) {
			t.Errorf("%s, %s: %s, want %s", identities, words, got, want)
		}
	}
	f("sys one", imdsQuery+" Metadata=true", "p-sys")
	f("one", imdsQuery+" Metadata=true", "p-one")
	f("one two", imdsQuery+" Metadata=true", "Multiple user assigned identities exist")
	f("", imdsQuery+" Metadata=true", "Identity not found")
	f("sys one", imdsQuery+"&client_id="+strings.ToUpper(clientOne)+" Metadata=true", "p-one")
	f("sys one", imdsQuery+"&client_id="+clientTwo+" Metadata=true", "Identity not found")
	f("sys one", imdsQuery+"&msi_res_id=/ID/one Metadata=true", "p-one")
	f("sys one", imdsQuery+"&object_id=p-one Metadata=true", "p-one")
	f("sys one", imdsQuery+"&client_id="+clientSys+" Metadata=true", "p-sys")
	f("sys", imdsQuery, "Required metadata header")
	f("sys", "resource=x Metadata=true", "Required query variables")
}

func TestIMDSModes(t *testing.T) {
	w := world("sys")
	w.IMDS = hosts.Mode{Status: http.StatusForbidden, Body: "no", Type: "text/plain"}
	if got := asked(t, w.ServeIMDS, request(t, imdsQuery+" Metadata=true")); got != "Forbidden: no" {
		t.Error(got)
	}
	if got := asked(t, w.ServeIMDS, request(t, imdsQuery)); !strings.Contains(got, "Required metadata header") {
		t.Errorf("the probe is answered with %s", got)
	}
	w.IMDS.All = true
	if got := asked(t, w.ServeIMDS, request(t, imdsQuery)); got != "Forbidden: no" {
		t.Errorf("the probe is answered with %s", got)
	}
	w.IMDS = hosts.Mode{Once: http.StatusTooManyRequests, RetryAfter: "1"}
	rec := httptest.NewRecorder()
	w.ServeIMDS(rec, request(t, imdsQuery+" Metadata=true"))
	if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "1" {
		t.Errorf("first answer: %d, %v", rec.Code, rec.Header())
	}
	if got := asked(t, w.ServeIMDS, request(t, imdsQuery+" Metadata=true")); got != "p-sys" {
		t.Errorf("second answer: %s", got)
	}
}

func TestApp(t *testing.T) {
	f := func(identities, words, want string) {
		t.Helper()
		if got := asked(t, world(identities).ServeApp, request(t, words)); !strings.Contains(got, want) {
			t.Errorf("%s, %s: %s, want %s", identities, words, got, want)
		}
	}
	f("sys one", "resource=r X-Identity-Header=right", "p-sys")
	f("one", "resource=r X-Identity-Header=right", "Unable to load the proper Managed Identity.")
	f("one", "resource=r&client_id="+clientOne+" X-Identity-Header=right", "p-one")
	f("one", "resource=r&principal_id=p-one X-Identity-Header=right", "p-one")
	f("one", "resource=r&mi_res_id=/id/one X-Identity-Header=right", "p-one")
	f("sys", "resource=r X-Identity-Header=wrong", "Unauthorized")
	w := world("sys")
	w.AppStatus = http.StatusInternalServerError
	if got := asked(t, w.ServeApp, request(t, "resource=r X-Identity-Header=right")); !strings.HasPrefix(got, "Internal Server Error") {
		t.Error(got)
	}
}

func TestOtherHosts(t *testing.T) {
	post := func(form url.Values) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	f := func(got, want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(asked(t, world("sys one").ServeMSI, post(url.Values{"resource": {"r"}})), "p-sys")
	f(asked(t, world("sys one").ServeMSI, post(url.Values{"resource": {"r"}, "client_id": {clientOne}})), "p-one")
	f(asked(t, world("one").ServeMSI, post(url.Values{"resource": {"r"}})), "No managed identity")
	f(asked(t, world("one").ServeMSI, request(t, "resource=r&clientid="+clientOne)), "p-one")
	f(asked(t, world("one").ServeMSI, request(t, "a=%zz")), "cannot be read")
	f(asked(t, world("sys one").ServeFabric, request(t, "resource=r Secret=right")), "p-sys")
	f(asked(t, world("one").ServeFabric, request(t, "resource=r Secret=right")), "p-one")
	f(asked(t, world("").ServeFabric, request(t, "resource=r Secret=right")), "Identity not found")
	f(asked(t, world("sys").ServeFabric, request(t, "resource=r Secret=wrong")), "Unauthorized")
}

func TestArc(t *testing.T) {
	key := filepath.Join(t.TempDir(), "agent.key")
	if err := os.WriteFile(key, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(identities string, selects bool, words, want string) {
		t.Helper()
		w := world(identities)
		w.KeyFile, w.KeyPath, w.AgentSelects = key, "/agent.key", selects
		r := request(t, words)
		if a := r.Header.Get("Authorization"); a != "" {
			r.Header.Set("Authorization", "Basic "+a)
		}
		rec := httptest.NewRecorder()
		w.ServeArc(rec, r)
		if rec.Code == http.StatusUnauthorized && rec.Header().Get("WWW-Authenticate") != "Basic realm=/agent.key" {
			t.Errorf("no challenge: %v", rec.Header())
		}
		if got := asked(t, w.ServeArc, r); !strings.Contains(got, want) {
			t.Errorf("%s, %s: %s, want %s", identities, words, got, want)
		}
	}
	f("sys", false, "resource=r", "Unauthorized")
	f("sys", false, "resource=r Authorization=wrong", "Unauthorized")
	f("sys", false, "resource=r Authorization=key", "p-sys")
	f("sys one", false, "resource=r&client_id="+clientOne+" Authorization=key", "p-sys") // an old agent
	f("sys one", true, "resource=r&client_id="+clientOne+" Authorization=key", "p-one")
	f("sys", true, "resource=r&client_id="+clientOne+" Authorization=key", "Identity not found")
}

func TestTokens(t *testing.T) {
	w := world("sys one")
	token := func(query string) map[string]any {
		t.Helper()
		rec := httptest.NewRecorder()
		w.ServeIMDS(rec, request(t, query+" Metadata=true"))
		var body struct {
			Token   string `json:"access_token"`
			Client  string `json:"client_id"`
			Expires string `json:"expires_on"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil || body.Expires != "87400" || body.Client == "" {
			t.Fatalf("%s: %v", rec.Body, err)
		}
		return claims(t, body.Token)
	}
	c := token(imdsQuery)
	if c["xms_mirid"] != "/subscriptions/1/vm" || c["idtyp"] != "app" || c["exp"] != 87400.0 || c["aud"] != "https://vault.azure.net" {
		t.Errorf("claims of the system-assigned identity: %v", c)
	}
	c = token(imdsQuery + "&client_id=" + clientOne)
	if c["xms_mirid"] != "/id/one" || c["xms_az_rid"] != "/subscriptions/1/vm" || c["appid"] != clientOne {
		t.Errorf("claims of the user-assigned identity: %v", c)
	}
	w.Sign = func(map[string]any) string {
		return "a." + base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"signed"}`)) + ".c"
	}
	if got := asked(t, w.ServeIMDS, request(t, imdsQuery+" Metadata=true")); got != "signed" {
		t.Error(got)
	}
}

func TestEntra(t *testing.T) {
	f := func(prepare func(w *hosts.World), path string, form url.Values, want string) {
		t.Helper()
		w := world("")
		w.Clock = nil
		if prepare != nil {
			prepare(w)
		}
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := asked(t, w.ServeEntra, r); !strings.Contains(got, want) {
			t.Errorf("%s %v: %s, want %s", path, form, got, want)
		}
	}
	f(nil, "/common/discovery/instance", nil, "tenant_discovery_endpoint")
	f(nil, "/t/v2.0/.well-known/openid-configuration", nil, "https://example.com/t/oauth2/v2.0/token")
	f(nil, "/elsewhere", nil, "Not Found")
	secret := url.Values{"client_id": {"app"}, "client_secret": {"s"}, "scope": {"x/.default"}}
	assertion := url.Values{"client_id": {"app"}, "client_assertion": {"a"}, "scope": {"x/.default"}}
	f(nil, "/t/oauth2/v2.0/token", secret, "sp-of-app")
	f(nil, "/t/oauth2/v2.0/token", assertion, "sp-of-app")
	f(nil, "/t/oauth2/v2.0/token", url.Values{"client_id": {"app"}}, "AADSTS900144")
	f(func(w *hosts.World) { w.SecretRefused = true }, "/t/oauth2/v2.0/token", secret, "AADSTS7000215")
	f(func(w *hosts.World) { w.AssertionRefused = true }, "/t/oauth2/v2.0/token", assertion, "AADSTS700213")
	f(nil, "/t/oauth2/v2.0/token?a=%zz", assertion, "cannot be read")
}
