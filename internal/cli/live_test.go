// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mivet/mivet/internal/cli"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/tenant"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// labFor serves a tenant text and returns the environment that leads mivet there.
func labFor(t *testing.T, name string, text []byte, o lab.Options) (*lab.Server, map[string]string) {
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
	return srv, map[string]string{
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

func TestSnapshotLive(t *testing.T) {
	name, text := tenants.Demo()
	_, env := labFor(t, name, text, lab.Options{})
	dir := t.TempDir()
	live, file := filepath.Join(dir, "live.mivet"), filepath.Join(dir, "demo.tenant")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runLive(env, "snapshot", "--with", "settings,children", "--output", live)
	if code != 0 || stdout != "" {
		t.Fatalf("%d %s %s", code, stdout, stderr)
	}
	t.Log(stderr)
	for _, in := range []string{live, file} {
		_, stdout, stderr := runLive(nil, "scan", in, "--format", "json")
		os.WriteFile("/tmp/collect-"+filepath.Base(in)+".json", []byte(stdout), 0o600)
		t.Log(stderr)
	}
}
