// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/log"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/canary"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/report"
)

// leaking stands before a lab and puts secrets where the lab has none: into errors, links
// to next pages, and headers. It returns the environment that leads mivet to it.
func leaking(t *testing.T, srv *lab.Server, c *canary.Secrets, leaks bool) map[string]string {
	t.Helper()
	var mu sync.Mutex
	next := func() string {
		mu.Lock()
		defer mu.Unlock()
		return c.Next()
	}
	refused := func(w http.ResponseWriter, status int) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{ // the reader may be gone
			"code": next(), "message": "The token '" + next() + "' of " + next() + " was refused", "details": []any{map[string]any{"code": "x", "message": next()}},
		}})
	}
	var proxy *httptest.Server
	proxy = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.ToLower(r.URL.Path)
		switch {
		case !leaks:
		case strings.HasSuffix(path, "/denyassignments"):
			refused(w, http.StatusForbidden)
			return
		case strings.HasSuffix(path, "/roleeligibilityscheduleinstances"):
			refused(w, http.StatusBadRequest)
			return
		case strings.HasSuffix(path, "/appsettings/list"):
			_, _ = fmt.Fprintf(w, `{"id": %q, "properties": %q`, next(), next()) // cut in the middle
			return
		case strings.HasSuffix(path, "/locks"):
			_ = json.NewEncoder(w).Encode(map[string]any{"value": []any{}, "nextLink": "https://user:" + next() + "@elsewhere.example/?sig=" + next()})
			return
		case strings.HasSuffix(path, "/roledefinitions") && strings.Contains(path, "rolemanagement"):
			refused(w, http.StatusForbidden)
			return
		}
		asked, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		asked = bytes.ReplaceAll(asked, []byte(url.QueryEscape(proxy.URL)), []byte(url.QueryEscape(srv.URL())))             // the audience of a token
		req, err := http.NewRequestWithContext(r.Context(), r.Method, srv.URL()+r.URL.RequestURI(), bytes.NewReader(asked)) //nolint:gosec // the lab of this test
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		req.Header = r.Header.Clone()
		req.Header.Del("Accept-Encoding")
		resp, err := srv.Client().Do(req) //nolint:gosec // the lab of this test
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		for k, v := range resp.Header {
			if k != "Content-Length" {
				w.Header()[k] = v
			}
		}
		w.Header().Set("x-ms-failure-cause", strings.ReplaceAll(next(), "\n", " "))
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(bytes.ReplaceAll(body, []byte(srv.URL()), []byte(proxy.URL)))
	}))
	t.Cleanup(proxy.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"MIVET_CLOUD": proxy.URL, "MIVET_GRAPH": proxy.URL, "MIVET_CA_FILE": ca, "MIVET_AUTH": "client-secret",
		"AZURE_TENANT_ID": srv.TenantID(), "AZURE_CLIENT_ID": lab.OperatorID, "AZURE_CLIENT_SECRET": srv.Secret(),
	}
}

// TestCanaries: of more than a thousand secrets of all kinds and in all places none comes out
// anywhere: not in the snapshot, the journal, the debug log, on either stream of any command,
// or in a report of any form.
func TestCanaries(t *testing.T) {
	name, text := tenants.Demo()
	s := parsedTenant(t, name, text)
	var c canary.Secrets
	raw, err := c.Strew(s)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := lab.Start(s, lab.Options{Raw: func(id arm.ID) (json.RawMessage, error) {
		if len(id.String())%2 == 0 { // the others are made from the snapshot
			return raw[id.Key()], nil
		}
		return nil, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	var mu sync.Mutex
	var debug bytes.Buffer
	log.SetListener(func(e log.Event, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&debug, e, text)
	})
	defer log.SetListener(nil)

	dir := t.TempDir()
	file, journal, key := filepath.Join(dir, "t.mivet"), filepath.Join(dir, "journal"), filepath.Join(dir, "key")
	outputs := map[string]string{}
	run := func(env map[string]string, args ...string) {
		t.Helper()
		code, stdout, stderr := runLive(env, args...)
		outputs[strings.Join(args, " ")] = fmt.Sprintf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	honest, leaky := leaking(t, srv, &c, false), leaking(t, srv, &c, true)
	for _, env := range []map[string]string{leaky, honest} { // the last file is the fuller one
		run(env, "snapshot", "--verbose", "--with", "settings,logs,children", "--digest-key", key, "--output", file)
		outputs["snapshot file"] += unpacked(t, file)
	}
	run(leaky, "snapshot", "--verbose", "--journal", journal, "--output", filepath.Join(dir, "no", "such", "folder"))
	outputs["journal"] = unpacked(t, journal)
	run(leaky, "snapshot", "--for", "orders-api", "--output", filepath.Join(dir, "now.mivet"))
	run(leaky, "doctor", "--with", "settings")
	run(leaky, "doctor", "--format", "json")
	run(leaky, "doctor", "--self-check", "--save", filepath.Join(dir, "cases.jsonl"))
	for _, f := range report.Formats() {
		run(nil, "scan", file, "--format", f)
	}
	run(nil, "scan", file, "--verbose", "--all")
	run(nil, "can", "orders-api", "Microsoft.KeyVault/vaults/secrets/getSecret/action", "stripe-key", "--in", file, "--explain")
	run(nil, "who-can", "Microsoft.Web/sites/write", "orders-api", "--in", file)
	run(nil, "identity", "lake-export", "--in", file)
	run(nil, "path", "--from", "shop-deploy", "--to", "orders-api", "--in", file)
	mu.Lock()
	outputs["debug log"] = debug.String()
	mu.Unlock()

	if c.Len() < 1000 {
		t.Errorf("only %d secrets", c.Len())
	}
	for what, text := range outputs {
		if len(text) < 100 {
			t.Errorf("%s is not what was meant: %s", what, text)
		}
		for _, place := range c.Find(text) {
			t.Errorf("%s holds a secret: %s", what, place)
		}
	}
	for what, want := range map[string]string{
		"snapshot file": "orders-worker-test", "journal": "orders-worker-test", "debug log": "denyAssignments", "doctor --with settings": "deny assignments",
		"scan " + file + " --format html": "orders-api",
	} {
		if !strings.Contains(outputs[what], want) {
			t.Errorf("%s lacks %q", what, want)
		}
	}
}

// unpacked returns a file with everything in it that is a zstd frame.
func unpacked(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := canary.Unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
