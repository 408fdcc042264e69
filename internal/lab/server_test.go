// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/tenant"
)

var testCatalog, testCatalogErr = catalog.Open()

// parse reads a tenant text.
func parse(t testing.TB, text string) *mivet.Snapshot {
	t.Helper()
	if testCatalogErr != nil {
		t.Fatal(testCatalogErr)
	}
	s, err := tenant.Parse("test.tenant", strings.NewReader(text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if r := testCatalog.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func demo(t testing.TB) *mivet.Snapshot {
	t.Helper()
	_, text := tenants.Demo()
	return parse(t, string(text))
}

// start starts a lab that ends with the test.
func start(t testing.TB, s *mivet.Snapshot, o Options) *Server {
	t.Helper()
	o.Catalog = testCatalog
	l, err := Start(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// client is a caller of a lab in a test.
type client struct {
	t     testing.TB
	s     *Server
	http  *http.Client
	token map[string]string
	who   string // client ID
}

func newClient(t testing.TB, s *Server, clientID string) *client {
	t.Helper()
	c := &client{t: t, s: s, http: s.Client(), token: map[string]string{}, who: clientID}
	t.Cleanup(c.http.CloseIdleConnections)
	for _, aud := range []string{forARM, forGraph} {
		a := s.view().account(clientID)
		if a == nil {
			t.Fatalf("there is no account %s", clientID)
		}
		text, _, err := s.view().issue(a, aud, s.now(), tokenLife)
		if err != nil {
			t.Fatal(err)
		}
		c.token[aud] = text
	}
	return c
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (c *client) do(method, path, body string) *reply {
	c.t.Helper()
	r, err := c.try(method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c *client) try(method, path, body string) (*reply, error) {
	c.t.Helper()
	url := path
	if !strings.HasPrefix(url, "https://") {
		url = c.s.URL() + path
	}
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	aud := forARM
	if apiOf(r) == APIGraph {
		aud = forGraph
	}
	r.Header.Set("Authorization", "Bearer "+c.token[aud])
	r.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	out := &reply{status: res.StatusCode, header: res.Header, text: string(text)}
	if bytes.HasPrefix(text, []byte("{")) {
		if err := json.Unmarshal(text, &out.body); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *client) get(path string) *reply { c.t.Helper(); return c.do("GET", path, "") }

// value is the list of an answer, whose status must be 200.
func (r *reply) list(t testing.TB) []map[string]any {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("status %d: %s", r.status, r.text)
	}
	key := "value"
	if _, ok := r.body["data"]; ok {
		key = "data"
	}
	all, ok := r.body[key].([]any)
	if !ok {
		t.Fatalf("no list in %s", r.text)
	}
	var list []map[string]any
	for _, v := range all {
		o, _ := v.(map[string]any)
		list = append(list, o)
	}
	return list
}

func (c *client) query(kql string) *reply {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"query": kql, "options": map[string]any{"resultFormat": "objectArray"}})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01", string(body))
}

func options(s *Server) azcore.ClientOptions {
	return azcore.ClientOptions{Cloud: s.Cloud(), Transport: s.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}
}

// azidentity signs in with a secret.
func TestClientSecret(t *testing.T) {
	s := start(t, demo(t), Options{})
	f := func(client, secret, want string) {
		t.Helper()
		cred, err := azidentity.NewClientSecretCredential(s.TenantID(), client, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options(s), DisableInstanceDiscovery: true})
		if err != nil {
			t.Fatal(err)
		}
		token, err := cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", client, err)
		case want == "" && token.ExpiresOn.Before(time.Now()):
			t.Errorf("%s: the token has expired at %s", client, token.ExpiresOn)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", client, err, want)
		}
	}
	f(OperatorID, s.Secret(), "")
	f(OperatorID, "wrong", "AADSTS7000215")
	f("11111111-1111-1111-1111-111111111111", s.Secret(), "AADSTS700016")
}

// The operator sees the whole tenant on every side.
func TestOperator(t *testing.T) {
	snap := demo(t)
	c := newClient(t, start(t, snap, Options{}), OperatorID)
	if got := len(c.get("/subscriptions?api-version=2022-12-01").list(t)); got != len(snap.Subscriptions) {
		t.Errorf("%d subscriptions, want %d", got, len(snap.Subscriptions))
	}
	rows := c.query("resourcecontainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups' or type =~ 'microsoft.resources/resourcegroups' | project id").list(t)
	if len(rows) == 0 {
		t.Error("no resource groups in Resource Graph")
	}
	rows = c.query("authorizationresources | where type =~ 'microsoft.authorization/roleassignments' | project id, properties | order by id asc").list(t)
	active := 0
	for _, a := range snap.RoleAssignments {
		if !a.Eligible {
			active++
		}
	}
	if len(rows) != active {
		t.Errorf("%d role assignments, want %d", len(rows), active)
	}
	people := c.get("/v1.0/servicePrincipals?$top=999").list(t)
	if len(people) == 0 {
		t.Error("no service principals")
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
