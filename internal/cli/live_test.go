// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/cli"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/tenant"
)

// labFor serves a tenant text and returns the environment that leads mivet there.
func labFor(t *testing.T, name string, text []byte, o lab.Options) map[string]string {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Parse(name, bytes.NewReader(text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := lab.Start(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"MIVET_CLOUD": srv.URL(), "MIVET_GRAPH": srv.GraphURL(), "MIVET_CA_FILE": ca, "MIVET_AUTH": "client-secret",
		"AZURE_TENANT_ID": srv.TenantID(), "AZURE_CLIENT_ID": lab.OperatorID, "AZURE_CLIENT_SECRET": srv.Secret(),
	}
}

// runLive runs mivet with an environment and the clock of the machine.
func runLive(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	c := cli.Command{Stdout: &out, Stderr: &errs, Env: func(n string) string { return env[n] }, Clock: time.Now}
	code = c.Main(args)
	return code, out.String(), errs.String()
}

// scanned is what a scan found, without the places where facts were read.
type scanned struct {
	findings  map[string]string // by fingerprint
	undecided string
}

func scan(t *testing.T, input string) scanned {
	t.Helper()
	_, stdout, stderr := runLive(nil, "scan", input, "--format", "json")
	var r struct {
		Findings  []map[string]any `json:"findings"`
		Undecided []map[string]any `json:"undecided"`
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	out := scanned{findings: map[string]string{}}
	for _, f := range r.Findings {
		key, _ := f["fingerprint"].(string)
		out.findings[key] = jsonOf(t, withoutSources(f))
	}
	out.undecided = jsonOf(t, r.Undecided)
	return out
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func withoutSources(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "source")
		for k, e := range v {
			v[k] = withoutSources(e)
		}
	case []any:
		for i, e := range v {
			v[i] = withoutSources(e)
		}
	}
	return v
}

// TestSnapshotLive reads the demo tenant from a lab. Nothing is found that its text does not
// tell, and what is not found is named as undecided.
func TestSnapshotLive(t *testing.T) {
	name, text := tenants.Demo()
	env := labFor(t, name, text, lab.Options{})
	dir := t.TempDir()
	live, file := filepath.Join(dir, "live.mivet"), filepath.Join(dir, "demo.tenant")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runLive(env, "snapshot", "--with", "settings,children", "--digest-key", filepath.Join(dir, "key"), "--output", live)
	if code != 0 || stdout != "" || !strings.Contains(stderr, "note: read 3 subscriptions") {
		t.Fatalf("%d %s %s", code, stdout, stderr)
	}
	if _, err := os.Stat(live + ".journal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal of a finished run is still there: %v", err)
	}
	got, want := scan(t, live), scan(t, file)
	for key, f := range got.findings {
		if want.findings[key] == "" {
			t.Errorf("found in the live tenant and not in its text:\n%s", f)
		}
	}
	for key, f := range want.findings {
		var about struct {
			Rule string `json:"rule"`
		}
		if err := json.Unmarshal([]byte(f), &about); err != nil {
			t.Fatal(err)
		}
		if got.findings[key] == "" && !strings.Contains(got.undecided, strconv.Quote(about.Rule)) {
			t.Errorf("neither found in the live tenant nor undecided there:\n%s", f)
		}
	}
}

func TestSnapshotLiveFails(t *testing.T) {
	f := func(want string, env map[string]string, args ...string) {
		t.Helper()
		code, _, stderr := runLive(env, append([]string{"snapshot", "--output", filepath.Join(t.TempDir(), "x.mivet")}, args...)...)
		if code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	f(`--with "nothing" is none of settings, logs, children`, nil, "--with", "nothing")
	f(`it is none of public, china, usgov`, nil, "--cloud", "mars")
	f(`it must be one of`, nil, "--auth", "magic")
	f(`AZURE_CLIENT_SECRET is not set`, nil, "--auth", "client-secret")
	f(`does not begin with https://`, nil, "--graph", "http://x")
	f(`no such file`, nil, "--ca-file", "missing.pem")
	pem := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(pem, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(`holds no certificate`, nil, "--ca-file", pem)
	f(`hexadecimal`, map[string]string{"AZURE_CLIENT_SECRET": "x", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, "--auth", "client-secret", "--digest-key", pem)
	name, text := tenants.Demo()
	env := labFor(t, name, text, lab.Options{})
	env["AZURE_CLIENT_SECRET"] = "wrong"
	f(`signing in: `, env)
}
