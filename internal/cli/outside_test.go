// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// From a push to a repository, over its token, to the identity that trusts it.
func TestOutside(t *testing.T) {
	answers := map[string]string{
		"/repos/shop/infra":                                `{"full_name":"shop/infra","default_branch":"main"}`,
		"/repos/shop/infra/collaborators":                  `[{"login":"octo","permissions":{"push":true}}]`,
		"/repos/shop/infra/branches/main/protection":       `{"enforce_admins":{"enabled":true}}`,
		"/repos/shop/infra/environments":                   `{"environments":[]}`,
		"/repos/shop/infra/actions/runners":                `{"runners":[{"name":"builder_0"}]}`,
		"/repos/shop/infra/actions/oidc/customization/sub": `{"use_default":true}`,
		"/org/_apis/projects/web":                          `{"id":"p"}`,
		"/org/web/_apis/serviceendpoint/endpoints":         `{"value":[]}`,
		"/org/_apis/distributedtask/pools":                 `{"value":[]}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if _, password, _ := r.BasicAuth(); !ok || r.Header.Get("Authorization") != "Bearer one" && password != "two" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	defer server.Close()
	dir := t.TempDir()
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		c := Command{Stdout: &out, Stderr: &errs, Env: func(name string) string {
			return map[string]string{gitHubToken: "one", devOpsToken: "two"}[name]
		}}
		if code := c.Main(args); code != want {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, &out, &errs)
		}
		return out.String() + errs.String()
	}
	file := filepath.Join(dir, "outside.mivet")
	text := filepath.Join(dir, "shop.tenant")
	const tenant = `tenant shop
subscription main
rg g in main
identity deploy in g
identity build in g
vmss builder in g user=build
federated main on deploy issuer=https://token.actions.githubusercontent.com subject=repo:shop/infra:ref:refs/heads/main
federated other on build issuer=https://token.actions.githubusercontent.com subject=repo:shop/other:ref:refs/heads/main
`
	if err := os.WriteFile(text, []byte(tenant), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "infra", ".github", "workflows")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.yml"), []byte("on: [pull_request_target]\npermissions: write-all\njobs: {a: {environment: prod}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(0, "outside", "--github", "shop/infra", "--github-api", server.URL+"/", "--azure-devops", "org/web", "--azure-devops-api", server.URL,
		"--repository", "shop/infra="+filepath.Join(dir, "infra"), "--output", file)
	got := run(0, "path", "--from", "github:octo", "--to", "deploy", text, file)
	for _, want := range []string{"certain path, 2 steps", "github:octo can act as", "brings a workflow to main of shop/infra", "trusts tokens of that issuer"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	got = run(0, "path", "--from", "github:octo", "--to", "build", text, file)
	for _, want := range []string{"possible path, 1 step", "has a job run on the runner builder_0", "told by its name alone"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if got = run(0, "who-can-act-as", "deploy", text, file); !strings.Contains(got, "pull_request_target") {
		t.Errorf("the gap is not told:\n%s", got)
	}
	run(2, "outside", "--output", file)
	run(2, "outside", "--github", "shop/infra")
	run(2, "outside", "--repository", "shop/infra", "--output", file)
	run(3, "outside", "--repository", "shop/infra="+text, "--output", file)
	run(3, "outside", "--repository", "wrong="+dir, "--output", file)
	run(3, "outside", "--github", "shop/none", "--github-api", server.URL, "--output", file)
	run(3, "outside", "--azure-devops", "org/none", "--azure-devops-api", server.URL, "--output", file)
}
