// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/attest"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/tenant"
)

const proofTenant = `tenant t taken=2026-11-01T06:00:00Z
subscription main id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01
rg shop in=main
webapp web in=shop system principal=11111111-0000-4000-8000-000000000001
`

// proofStage is a lab with an app, and a server that takes proofs of its tenant.
type proofStage struct {
	lab     *lab.Server
	env     map[string]string
	ca      string
	records string
	server  string
}

func newProofStage(t *testing.T) *proofStage {
	t.Helper()
	snap, err := tenant.Parse("t", strings.NewReader(proofTenant), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.Start(snap, lab.Options{Catalog: cat})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	web, err := arm.ParseID("/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01/resourceGroups/shop/providers/Microsoft.Web/sites/web")
	if err != nil {
		t.Fatal(err)
	}
	// The lab's endpoint is https with an authority of its own; that of App Service is http.
	local := hostEndpoint(t, l, web)
	s := &proofStage{
		lab: l, env: map[string]string{"IDENTITY_ENDPOINT": local, "IDENTITY_HEADER": l.HostEnv(web)["IDENTITY_HEADER"]},
		ca: filepath.Join(t.TempDir(), "ca.pem"), records: filepath.Join(t.TempDir(), "proof.jsonl"),
	}
	if err := os.WriteFile(s.ca, l.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.serve(t)
	return s
}

// run runs mivet on the simulated host.
func (s *proofStage) run(ctx context.Context, args ...string) outcome {
	var stdout, stderr strings.Builder
	a := newApp(Command{
		Stdout: &stdout, Stderr: &stderr,
		Env: func(name string) string { return map[string]string{"MIVET_CA_FILE": s.ca}[name] },
		Environ: func() []string {
			var out []string
			for k, v := range s.env {
				out = append(out, k+"="+v)
			}
			return out
		},
	})
	root := a.rootCommand()
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		return outcome{exitFailed, stdout.String(), err.Error()}
	}
	return outcome{a.code, stdout.String(), stderr.String()}
}

// serve takes proofs on a free port until the test ends.
func (s *proofStage) serve(t *testing.T) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan outcome, 1)
	go func() {
		done <- s.run(ctx, "attest", "--serve", address, "--tenant", s.lab.TenantID(), "--records", s.records,
			"--discovery", s.lab.URL()+"/"+s.lab.TenantID()+"/.well-known/openid-configuration")
	}()
	t.Cleanup(func() {
		stop()
		if got := <-done; got.code != exitOK {
			t.Errorf("the server ended with %+v", got)
		}
	})
	s.server = "http://" + address + "/"
	for range 500 {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the server does not come up")
}

func TestAttest(t *testing.T) {
	s := newProofStage(t)
	got := s.run(t.Context(), "attest", "--to", s.server, "--format", "json", "--expect", "11111111-0000-4000-8000-000000000001")
	var first attest.Answer
	if err := json.Unmarshal([]byte(got.stdout), &first); got.code != exitOK || err != nil || !first.First || !strings.HasSuffix(first.Resource, "/sites/web") {
		t.Fatalf("%+v, %v", got, err)
	}
	if got := s.run(t.Context(), "attest", "--to", s.server, "--expect", "11111111-0000-4000-8000-000000000002"); got.code != exitFound || !strings.Contains(got.stdout, "attested") {
		t.Errorf("another principal: %+v", got)
	}
	// A token for another audience is refused.
	got = s.run(t.Context(), "attest", "--to", s.server, "--audience", "https://vault.azure.net")
	if got.code != exitFailed || !strings.Contains(got.stderr, `the audience is "https://vault.azure.net", not "api://mivet"`) {
		t.Errorf("another audience: %+v", got)
	}
	text, err := os.ReadFile(s.records)
	if err != nil || strings.Contains(string(text), "eyJ") || strings.Count(string(text), "\n") != 2 {
		t.Errorf("records: %s, %v", text, err)
	}
	s.env = map[string]string{"MSI_ENDPOINT": "http://127.0.0.1:1/"}
	if got := s.run(t.Context(), "attest", "--to", s.server); got.code != exitFailed || !strings.Contains(got.stderr, "gets no token") {
		t.Errorf("without an identity: %+v", got)
	}
}

func TestAttestUsage(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		got := runMain(args...)
		if got.code != exitUsage && got.code != exitFailed || !strings.Contains(got.stderr, want) {
			t.Errorf("%v: %+v, want %q", args, got, want)
		}
	}
	f("[to serve]", "attest")
	f("must be https", "attest", "--to", "http://example.com/")
	f("no address", "attest", "--to", "somewhere")
	f("no principal ID", "attest", "--to", "https://example.com", "--expect", "me")
	f("--tenant", "attest", "--serve", ":0")
	f("listening on", "attest", "--serve", "nowhere:port", "--tenant", "t")
	f("opening the records", "attest", "--serve", ":0", "--tenant", "t", "--records", "/nowhere/at/all")
	f("reading MIVET_CA_FILE", "MIVET_CA_FILE=/nowhere", "attest", "--to", "https://example.com")
}

// hostEndpoint is the plain endpoint of a host in front of the lab's.
func hostEndpoint(t *testing.T, l *lab.Server, resource arm.ID) string {
	t.Helper()
	client := l.Client()
	t.Cleanup(client.CloseIdleConnections)
	srv := newProxy(t, client, l.HostEnv(resource)["IDENTITY_ENDPOINT"])
	return srv.URL
}

func newProxy(t *testing.T, client *http.Client, target string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := http.NewRequestWithContext(r.Context(), r.Method, target+"?"+r.URL.RawQuery, http.NoBody) //nolint:gosec // to the lab
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		out.Header = r.Header
		res, err := client.Do(out) //nolint:gosec // to the lab
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		text, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(res.StatusCode)
		if _, err := w.Write(text); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}
