// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mivet/mivet"
)

// server is a simulated interface: answers by path and query. A path that it does not know is
// not there.
type server struct {
	answers map[string]string
	asked   []string
	// busy is how often the next requests are told to wait, by the headers.
	busy   int
	status int
	header map[string]string
	slept  []time.Duration
}

func (s *server) start(t *testing.T, token string) Config {
	t.Helper()
	at := ""
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, r.URL.RequestURI())
		if _, password, basic := r.BasicAuth(); r.Header.Get("Authorization") != "Bearer "+token && !(basic && password == token) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if s.busy > 0 {
			s.busy--
			for k, v := range s.header {
				w.Header().Set(k, v)
			}
			w.WriteHeader(s.status)
			return
		}
		answer, ok := s.answers[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"message":"Not Found"}`))
			return
		}
		if status, rest, ok := strings.Cut(answer, "!"); ok {
			n := 0
			_, _ = fmt.Sscan(status, &n)
			w.WriteHeader(n)
			_, _ = w.Write([]byte(rest))
			return
		}
		if next, rest, ok := strings.Cut(answer, ">>"); ok { // a page with another one after it
			if token, ok := strings.CutPrefix(next, "token:"); ok {
				w.Header().Set("X-Ms-Continuationtoken", token)
			} else {
				w.Header().Set("Link", fmt.Sprintf(`<%s/first>; rel="first", <%s%s>; rel="next"`, at, at, next))
			}
			answer = rest
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(h.Close)
	at = h.URL
	return Config{
		Base: h.URL, Token: token, Client: h.Client(), Now: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		Sleep: func(_ context.Context, d time.Duration) error {
			s.slept = append(s.slept, d)
			return nil
		},
	}
}

// told lists the rights and gaps of a snapshot.
func told(s *mivet.Snapshot) string {
	var b strings.Builder
	for _, r := range s.OutsideRights {
		sure := "may"
		if r.Certain {
			sure = "can"
		}
		what := strings.TrimPrefix(r.Subject, "repo:o/r:")
		if r.Runner != "" {
			what = "runner " + r.Runner
		}
		fmt.Fprintf(&b, "%s %s %s\n", r.Holder, sure, what)
	}
	for _, g := range s.Gaps {
		fmt.Fprintf(&b, "? %s\n", g.Reason)
	}
	return b.String()
}

func repository(more map[string]string) *server {
	s := &server{answers: map[string]string{
		"/repos/o/r":                                   `{"full_name":"o/r","default_branch":"main"}`,
		"/repos/o/r/collaborators?per_page=100":        `/repos/o/r/collaborators?per_page=100&page=2>>[{"login":"ann","permissions":{"push":true,"admin":true}}]`,
		"/repos/o/r/collaborators?per_page=100&page=2": `[{"login":"bob","permissions":{"push":true}},{"login":"reader","permissions":{"pull":true}}]`,
		"/repos/o/r/actions/oidc/customization/sub":    `{"use_default":true}`,
		"/repos/o/r/branches/main/protection":          `404!{"message":"Branch not protected"}`,
		"/repos/o/r/rules/branches/main":               `[]`,
		"/repos/o/r/environments?per_page=100":         `{"total_count":0,"environments":[]}`,
		"/repos/o/r/actions/runners?per_page=100":      `{"runners":[]}`,
	}}
	for k, v := range more {
		s.answers["/repos/o/r"+k] = v
	}
	return s
}

func TestReadGitHub(t *testing.T) {
	f := func(more map[string]string, want string) {
		t.Helper()
		s := repository(more)
		got, err := ReadGitHub(t.Context(), s.start(t, "secret"), "o/r")
		if err != nil {
			t.Error(err)
			return
		}
		if told(got) != want {
			t.Errorf("%v: got\n%swant\n%s", more, told(got), want)
		}
		if strings.Contains(fmt.Sprint(got), "secret") {
			t.Error("the token is in the snapshot")
		}
	}
	const open = "github:ann can ref:refs/heads/main\ngithub:ann can pull_request\ngithub:bob can ref:refs/heads/main\ngithub:bob can pull_request\n"
	f(nil, open)
	const reviewed = "github:ann can ref:refs/heads/main\ngithub:ann can pull_request\ngithub:bob may ref:refs/heads/main\ngithub:bob can pull_request\n"
	f(map[string]string{"/branches/main/protection": `{"required_pull_request_reviews":{},"enforce_admins":{"enabled":false}}`}, reviewed)
	f(map[string]string{"/branches/main/protection": `{"required_pull_request_reviews":{},"enforce_admins":{"enabled":true}}`},
		strings.Replace(reviewed, "ann can ref", "ann may ref", 1))
	f(map[string]string{"/branches/main/protection": `{"restrictions":{"users":[{"login":"ann"}],"teams":[]},"enforce_admins":{"enabled":true}}`},
		"github:ann can ref:refs/heads/main\ngithub:ann can pull_request\ngithub:bob can pull_request\n")
	f(map[string]string{"/branches/main/protection": `{"restrictions":{"users":[],"teams":[{"slug":"ops"}]}}`},
		strings.ReplaceAll(open, "can ref", "may ref"))
	f(map[string]string{"/rules/branches/main": `[{"type":"pull_request"}]`}, strings.ReplaceAll(open, "can ref", "may ref"))
	f(map[string]string{"/branches/main/protection": `403!{"message":"Resource not accessible"}`},
		strings.ReplaceAll(open, "can ref", "may ref")+"? protection of main of o/r: 403 Forbidden\n")
	f(map[string]string{"/collaborators?per_page=100": `403!{}`}, "? collaborators of o/r: 403 Forbidden\n")
	f(map[string]string{"/actions/oidc/customization/sub": `{"use_default":false,"include_claim_keys":["repo","job_workflow_ref"]}`},
		open+"? tokens have subjects of the repository's own, made of repo, job_workflow_ref\n")
	f(map[string]string{"/actions/runners?per_page=100": `{"runners":[{"name":"build-1"}]}`}, open+"github:ann may runner build-1\ngithub:bob may runner build-1\n")
}

func TestEnvironments(t *testing.T) {
	f := func(protection, want string) {
		t.Helper()
		s := repository(map[string]string{
			"/environments?per_page=100":  `{"environments":[{"name":"prod"` + protection + `}]}`,
			"/branches/main/protection":   `{"restrictions":{"users":[{"login":"ann"}],"teams":[]},"enforce_admins":{"enabled":true}}`,
			"/collaborators?per_page=100": `[{"login":"ann","permissions":{"push":true}},{"login":"bob","permissions":{"push":true}}]`,
		})
		got, err := ReadGitHub(t.Context(), s.start(t, "x"), "o/r")
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(told(got)) {
			if strings.Contains(line, "environment:") {
				lines = append(lines, strings.TrimSpace(strings.ReplaceAll(line, "environment:", "")))
			}
		}
		if text := strings.Join(lines, ", "); text != want {
			t.Errorf("%s: got %s, want %s", protection, text, want)
		}
	}
	f(``, "github:ann can prod, github:bob can prod")
	f(`,"deployment_branch_policy":{"protected_branches":true}`, "github:ann can prod")
	f(`,"deployment_branch_policy":{"custom_branch_policies":true}`, "github:ann may prod, github:bob may prod")
	f(`,"protection_rules":[{"type":"required_reviewers","reviewers":[{"type":"User","reviewer":{"login":"ann"}},{"type":"Team","reviewer":{"slug":"ops"}}]}]`,
		"github:ann can prod, github:bob may prod")
	f(`,"protection_rules":[{"type":"required_reviewers","prevent_self_review":true,"reviewers":[{"type":"User","reviewer":{"login":"ann"}}]}]`,
		"github:ann may prod, github:bob may prod")
	f(`,"protection_rules":[{"type":"wait_timer"}]`, "github:ann can prod, github:bob can prod")
}

func TestGitHubFaults(t *testing.T) {
	f := func(repo string, more map[string]string, want string) {
		t.Helper()
		_, err := ReadGitHub(t.Context(), repository(more).start(t, "x"), repo)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %v: %v, want %s", repo, more, err, want)
		}
	}
	f("nothing", nil, "write OWNER/NAME")
	f("o/other", nil, "404 Not Found: Not Found")
	f("o/r", map[string]string{"": `{`}, "unexpected end")
	f("o/r", map[string]string{"/collaborators?per_page=100": `{}`}, "cannot unmarshal")
	f("o/r", map[string]string{"/environments?per_page=100": `[]`}, "cannot unmarshal")
	f("o/r", map[string]string{"/actions/runners?per_page=100": `[]`}, "cannot unmarshal")
	f("o/r", map[string]string{"/collaborators?per_page=100": `400!{}`}, "400 Bad Request")
}

// A server that is busy is asked again when it says; the token goes to no other server.
func TestWaiting(t *testing.T) {
	f := func(busy, status int, header map[string]string, slept, fault string) {
		t.Helper()
		s := repository(nil)
		s.busy, s.status, s.header = busy, status, header
		_, err := ReadGitHub(t.Context(), s.start(t, "x"), "o/r")
		if fmt.Sprint(s.slept) != slept || (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%d times %d %v: slept %v, %v", busy, status, header, s.slept, err)
		}
	}
	f(2, 429, map[string]string{"Retry-After": "3"}, "[3s 3s]", "")
	f(1, 403, map[string]string{"Retry-After": "0"}, "[0s]", "")
	f(1, 403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795132810"}, "[10s]", "")
	f(2, 502, nil, "[1s 2s]", "")
	f(9, 503, nil, "[1s 2s 4s 8s 16s]", "503 Service Unavailable")
	f(1, 403, nil, "[]", "403 Forbidden")
	f(1, 429, map[string]string{"Retry-After": "4000"}, "[]", "try again later")

	s := repository(nil)
	s.answers["/repos/o/r/environments?per_page=100"] = `@evil.example/x>>{}`
	if _, err := ReadGitHub(t.Context(), s.start(t, "x"), "o/r"); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("it goes on at another server: %v", err)
	}
	config := repository(nil).start(t, "x")
	config.Token = "wrong"
	if _, err := ReadGitHub(t.Context(), config, "o/r"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong token: %v", err)
	}
	config = Config{Base: "http://127.0.0.1:1", Sleep: config.Sleep}
	if _, err := ReadGitHub(t.Context(), config, "o/r"); err == nil {
		t.Error("a server that is not there answers")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&client{}).sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sleeping ends with %v", err)
	}
	if err := (&client{}).sleep(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
}

func project(more map[string]string) *server {
	const roles = "/org/_apis/securityroles/scopes/distributedtask.serviceendpointrole/roleassignments/resources/p1_c1?api-version=7.1-preview.1"
	const checks = "/org/web/_apis/pipelines/checks/configurations?resourceType=endpoint&resourceId=c1&api-version=7.1-preview.1"
	s := &server{answers: map[string]string{
		"/org/_apis/projects/web?api-version=7.1": `{"id":"p1","name":"web"}`,
		"/org/web/_apis/serviceendpoint/endpoints?api-version=7.1": `token:two>>{"value":[{"id":"c1","name":"azure","type":"azurerm","authorization":{"scheme":"WorkloadIdentityFederation",` +
			`"parameters":{"workloadIdentityFederationIssuer":"https://vstoken.dev.azure.com/1","workloadIdentityFederationSubject":"sc://org/web/azure"}}},{"id":"c2","name":"docker","type":"dockerregistry"}]}`,
		"/org/web/_apis/serviceendpoint/endpoints?api-version=7.1&continuationToken=two": `{"value":[{"id":"c3","name":"old","type":"azurerm","authorization":{"scheme":"ServicePrincipal"}}]}`,
		roles: `{"value":[{"identity":{"uniqueName":"ann@x"},"role":{"name":"Administrator"}},{"identity":{"displayName":"[web]\\Contributors"},"role":{"name":"User"}},` +
			`{"identity":{"uniqueName":"carl@x"},"role":{"name":"Reader"}}]}`,
		checks: `{"value":[]}`,
		"/org/_apis/distributedtask/pools?api-version=7.1":          `{"value":[{"id":1,"name":"Default"},{"id":2,"name":"Azure Pipelines","isHosted":true}]}`,
		"/org/_apis/distributedtask/pools/1/agents?api-version=7.1": `{"value":[{"name":"build_000001"}]}`,
	}}
	for k, v := range more {
		switch k {
		case "roles":
			k = roles
		case "checks":
			k = checks
		}
		s.answers[k] = v
	}
	return s
}

func TestReadAzureDevOps(t *testing.T) {
	f := func(more map[string]string, want string) {
		t.Helper()
		config := project(more).start(t, "secret")
		config.Basic = true
		got, err := ReadAzureDevOps(t.Context(), config, "org/web")
		if err != nil {
			t.Error(err)
			return
		}
		if told(got) != want {
			t.Errorf("%v: got\n%swant\n%s", more, told(got), want)
		}
	}
	const plain = `azuredevops:ann@x can sc://org/web/azure
azuredevops:[web]\Contributors can sc://org/web/azure
azuredevops:pipelines of web may runner build_000001
? who can change a pipeline that uses azure already was not read
? it signs in by ServicePrincipal, so no token tells who uses it
`
	f(nil, plain)
	f(map[string]string{"checks": `{"value":[{"id":1}]}`}, strings.Replace(plain, "Contributors can", "Contributors may", 1))
	f(map[string]string{"checks": `403!{}`}, strings.Replace(strings.Replace(plain, "Contributors can", "Contributors may", 1), "? who", "? checks of the service connection azure: 403 Forbidden\n? who", 1))
	f(map[string]string{"roles": `403!{}`}, "azuredevops:pipelines of web may runner build_000001\n? roles on the service connection azure: 403 Forbidden\n? it signs in by ServicePrincipal, so no token tells who uses it\n")
	f(map[string]string{"/org/_apis/distributedtask/pools?api-version=7.1": `401!{}`},
		strings.Replace(plain, "azuredevops:pipelines of web may runner build_000001\n", "", 1)+"? agent pools of org: 401 Unauthorized\n")

	fails := func(name string, more map[string]string, want string) {
		t.Helper()
		if _, err := ReadAzureDevOps(t.Context(), project(more).start(t, "x"), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	fails("org", nil, "write ORGANISATION/PROJECT")
	fails("org/other", nil, "404")
	fails("org/web", map[string]string{"/org/web/_apis/serviceendpoint/endpoints?api-version=7.1": `[]`}, "cannot unmarshal")
	fails("org/web", map[string]string{"checks": `500!{}`}, "500")
}

func TestReadRepository(t *testing.T) {
	files := fstest.MapFS{
		".github/CODEOWNERS": {Data: []byte("* @everybody\n/.github/ @ops # those who keep the pipelines\n")},
		".github/workflows/deploy.yml": {Data: []byte(`on:
  push:
    branches: [main, "release/**"]
  pull_request_target:
permissions:
  id-token: write
jobs:
  build: {}
  prod:
    environment: { name: prod, url: "https://x" }
  test:
    permissions: { contents: read }
    environment: test
`)},
		".github/workflows/check.yaml":  {Data: []byte("on: [pull_request]\njobs:\n  a:\n    permissions: write-all\n")},
		".github/workflows/quiet.yml":   {Data: []byte("on: push\njobs:\n  a: {}\n")},
		".github/workflows/broken.yml":  {Data: []byte("on: [push\n")},
		".github/workflows/dynamic.yml": {Data: []byte("on: push\npermissions: write-all\njobs:\n  a:\n    environment: ${{ inputs.env }}\n")},
	}
	f := func(want string) {
		t.Helper()
		s, err := ReadRepository("folder", "o/r", files)
		if err != nil {
			t.Fatal(err)
		}
		got := told(s)
		if i := strings.Index(got, "? it is no workflow"); i >= 0 {
			got = got[:i] + "? it is no workflow\n" + got[i+strings.Index(got[i:], "\n")+1:]
		}
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
	f(`github:ops may pull_request
github:ops may environment:prod
github:ops may ref:refs/heads/main
github:ops may ref:refs/heads/release/**
? it is no workflow
? it fetches tokens for pull requests of others (pull_request_target): whoever opens one may have code of theirs run with them
`)
	delete(files, ".github/CODEOWNERS")
	delete(files, ".github/workflows/broken.yml")
	f(`? it fetches tokens, and nobody has to agree to its changes (CODEOWNERS)
? it fetches tokens for pull requests of others (pull_request_target): whoever opens one may have code of theirs run with them
`)
	if _, err := ReadRepository("folder", "wrong", files); err == nil {
		t.Error("wrong is a repository")
	}
	files[".github/workflows/long.yml"] = &fstest.MapFile{Data: make([]byte, maxWorkflow+1)}
	if s, err := ReadRepository("folder", "o/r", files); err != nil || !strings.Contains(told(s), "longer than") {
		t.Errorf("a long workflow: %v", err)
	}
}

func TestOwnsPath(t *testing.T) {
	f := func(pattern string, want bool) {
		t.Helper()
		if got := ownsPath(pattern, ".github/workflows/deploy.yml"); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	for _, p := range []string{"*", "/.github/", ".github", ".github/workflows/", "*.yml", "deploy.yml", "/.github/**/*.yml", "**/workflows", "/.github/workflows/*"} {
		f(p, true)
	}
	for _, p := range []string{"/workflows/", "/deploy.yml", "*.go", "/.github/*", "[", "docs/"} {
		f(p, false)
	}
}

func FuzzWorkflow(f *testing.F) {
	f.Add([]byte("on: push\npermissions: write-all\njobs:\n  a:\n    environment: x\n"), "/.github/**/*.yml @a")
	f.Add([]byte("on: {push: {branches: [a]}}\njobs: {a: {permissions: {id-token: write}}}"), "* @a @b")
	f.Fuzz(func(t *testing.T, text []byte, owners string) {
		parseOwners(owners).of(".github/workflows/a.yml")
		w, err := parseWorkflow(text)
		if err != nil {
			return
		}
		for _, s := range w.subjects("o/r") {
			if !strings.HasPrefix(s, "repo:o/r:") {
				t.Errorf("%q", s)
			}
		}
	})
}

func FuzzGitHub(f *testing.F) {
	f.Add(`[{"login":"ann","permissions":{"push":true}}]`, `{"environments":[{"name":"prod","protection_rules":[{"type":"required_reviewers","reviewers":[{}]}]}]}`, `{"restrictions":{"users":[{"login":"a"}]}}`)
	f.Fuzz(func(t *testing.T, people, environments, protection string) {
		answers := map[string]string{
			"/repos/o/r": `{"full_name":"o/r","default_branch":"main"}`, "/repos/o/r/collaborators?per_page=100": people,
			"/repos/o/r/environments?per_page=100": environments, "/repos/o/r/branches/main/protection": protection,
		}
		config := Config{Base: "http://x", Client: &http.Client{Transport: answering(answers)}}
		s, err := ReadGitHub(t.Context(), config, "o/r")
		if err == nil && s == nil {
			t.Error("there is neither a snapshot nor an error")
		}
	})
}

// answering is a transport that answers by path.
type answering map[string]string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if text, ok := a[r.URL.RequestURI()]; ok {
		_, _ = w.WriteString(text)
	} else {
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), nil
}
