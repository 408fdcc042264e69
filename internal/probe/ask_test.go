// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/sha1" //nolint:gosec // Service Fabric names its certificate by it
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/internal/lab/hosts"
)

func reportText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestArcKey(t *testing.T) {
	s := newStage(t, "arc sys one")
	keys := t.TempDir()
	s.asker.keys = keys
	s.world.KeyPath, s.world.KeyFile = filepath.Join(keys, "a.key"), filepath.Join(keys, "a.key")
	ask := func(selector string) effective.Met {
		t.Helper()
		n := effective.Need{Kind: effective.NeedToken, Source: effective.AzureArc}
		if selector != "" {
			n.SelectorKind, n.Selector = "client", selector
		}
		m, _ := s.asker.ask(t.Context(), n)
		return m
	}
	if m := ask(""); m.Answer != effective.MetKeyUnreadable || !strings.Contains(m.Text, "himds") {
		t.Errorf("without a key: %+v", m)
	}
	if err := os.WriteFile(s.world.KeyFile, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m := ask(""); m.Answer != effective.MetToken || m.Kind != effective.SystemAssigned {
		t.Errorf("with a key: %+v", m)
	}
	if m := ask(clientOne); m.Answer != effective.MetToken || m.Confirmed {
		t.Errorf("an old agent: %+v", m)
	}
	s.world.AgentSelects = true
	if m := ask(clientOne); m.Identity.ClientID != clientOne || !m.Confirmed {
		t.Errorf("a new agent: %+v", m)
	}
	// An endpoint cannot have another file read.
	for _, path := range []string{"/etc/passwd", filepath.Join(keys, "..", "x.key"), filepath.Join(keys, "a.txt")} {
		s.world.KeyPath = path
		if m := ask(""); m.Answer != effective.MetKeyUnreadable {
			t.Errorf("%s: %+v", path, m)
		}
	}
	if err := os.WriteFile(s.world.KeyFile, make([]byte, maxKey+1), 0o600); err != nil {
		t.Fatal(err)
	}
	s.world.KeyPath = s.world.KeyFile
	if m := ask(""); !strings.Contains(m.Text, "too long") {
		t.Errorf("a long key: %+v", m)
	}
	if _, err := s.asker.arcKey("Bearer"); err == nil {
		t.Error("another challenge is taken for that of Azure Arc")
	}
}

func TestFabric(t *testing.T) {
	s := newStage(t, "sys")
	srv := httptest.NewTLSServer(http.HandlerFunc(s.world.ServeFabric))
	t.Cleanup(srv.Close)
	sum := sha1.Sum(srv.Certificate().Raw) //nolint:gosec // the protocol's
	s.env["IDENTITY_ENDPOINT"], s.env["IDENTITY_HEADER"], s.env["IDENTITY_SERVER_THUMBPRINT"] = srv.URL, "right", strings.ToUpper(hex.EncodeToString(sum[:]))
	n := effective.Need{Kind: effective.NeedToken, Source: effective.ServiceFabric}
	if m, c := s.asker.ask(t.Context(), n); m.Answer != effective.MetToken || c == nil {
		t.Errorf("the right certificate: %+v", m)
	}
	s.env["IDENTITY_SERVER_THUMBPRINT"] = strings.Repeat("0", 40)
	if m, _ := s.asker.ask(t.Context(), n); m.Answer != effective.MetBadCertificate {
		t.Errorf("another certificate: %+v", m)
	}
}

func TestEntra(t *testing.T) {
	s := newStage(t, "")
	srv := httptest.NewTLSServer(http.HandlerFunc(s.world.ServeEntra))
	t.Cleanup(srv.Close)
	s.asker.login = srv.Client()
	s.env["AZURE_AUTHORITY_HOST"], s.env["AZURE_CLIENT_SECRET"] = srv.URL, "s"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("assertion\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(n effective.Need, want string) {
		t.Helper()
		if m, _ := s.asker.ask(t.Context(), n); m.Answer != want {
			t.Errorf("%+v: %+v, want %s", n, m, want)
		}
	}
	federated := effective.Need{Kind: effective.NeedExchange, Client: "app", Tenant: "tenant", File: file}
	secret := effective.Need{Kind: effective.NeedSecret, Source: effective.EntraSecret, Client: "app", Tenant: "tenant"}
	f(federated, effective.MetToken)
	f(secret, effective.MetToken)
	f(effective.Need{Kind: effective.NeedExchange, File: file + "-not"}, effective.MetFileMissing)
	f(effective.Need{Kind: effective.NeedSecret, Source: effective.EntraCert}, effective.MetExchangeRefused)
	s.world.AssertionRefused = true
	f(federated, effective.MetUnauthorized)
	s.env["AZURE_AUTHORITY_HOST"] = "http://login.example"
	f(federated, effective.MetUnreachable)
	s.env["AZURE_AUTHORITY_HOST"] = "https://"
	f(federated, effective.MetUnreachable)
	s.env["AZURE_AUTHORITY_HOST"] = "https://127.0.0.1:1"
	f(federated, effective.MetUnreachable)
}

func TestAnswers(t *testing.T) {
	f := func(status int, body, selector, want string) {
		t.Helper()
		n := effective.Need{SelectorKind: selector, Selector: "x"}
		if m, _ := new(asker).readAnswer(status, []byte(body), n); m.Answer != want {
			t.Errorf("%d %s: %+v, want %s", status, body, m, want)
		}
	}
	f(200, "<html>", "", effective.MetNotJSON)
	f(200, `{"access_token":"a.b.c"}`, "", effective.MetNotJSON)
	f(400, `{"error":"e"}`, "", effective.MetRefusedDefault)
	f(400, `{"message":"m"}`, "client", effective.MetRefusedSelector)
	f(401, "", "", effective.MetUnauthorized)
	f(403, "connectex: unreachable network", "", effective.MetForbiddenUnreachable)
	f(403, `{"error":{"code":"x"}}`, "", effective.MetForbidden)
	f(404, "", "", effective.MetNotFound)
	f(410, "", "", effective.MetGone)
	f(429, "", "", effective.MetThrottled)
	f(503, strings.Repeat("x", 1000), "", effective.MetServerError)
	if m, _ := new(asker).readAnswer(503, []byte(strings.Repeat("x", 1000)), effective.Need{}); len(m.Text) > maxText+10 {
		t.Errorf("a text of %d bytes is kept", len(m.Text))
	}
	if m := failure(errors.New("x509: certificate signed by unknown authority")); m.Answer != effective.MetBadCertificate {
		t.Errorf("%+v", m)
	}
}

func TestTool(t *testing.T) {
	s := newStage(t, "")
	ask := func(script string) effective.Met {
		t.Helper()
		if err := os.WriteFile(filepath.Join(s.env["PATH"], "az"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		m, _ := s.asker.tool(t.Context())
		return m
	}
	if m, _ := s.asker.tool(t.Context()); !strings.Contains(m.Text, "no az") {
		t.Errorf("%+v", m)
	}
	for _, script := range []string{"exit 1", "echo nonsense", `echo '{"accessToken":"nonsense"}'`} {
		if m := ask(script); m.Answer != effective.MetNoTool {
			t.Errorf("%s: %+v", script, m)
		}
	}
}

func TestDetect(t *testing.T) {
	f := func(environ, want string) {
		t.Helper()
		if got := Detect(Variables(strings.Fields(environ))); got.Kind != want {
			t.Errorf("%s: %+v, want %s", environ, got, want)
		}
	}
	f("WEBSITE_SITE_NAME=a FUNCTIONS_WORKER_RUNTIME=node IDENTITY_ENDPOINT=x IDENTITY_HEADER=y", "Azure Functions")
	f("CONTAINER_APP_NAME=a IDENTITY_ENDPOINT=x IDENTITY_HEADER=y", "Azure Container Apps")
	f("IDENTITY_ENDPOINT=x IDENTITY_HEADER=y IDENTITY_SERVER_THUMBPRINT=z", "Azure Service Fabric")
	f("KUBERNETES_SERVICE_HOST=k AZURE_FEDERATED_TOKEN_FILE=f", "Kubernetes with workload identity")
	f("KUBERNETES_SERVICE_HOST=k", "a pod without workload identity")
	f("MSI_ENDPOINT=x", "Azure Cloud Shell")
	f("nothing", "a virtual machine, a node, a container group, or no host of Azure")
	got := strings.Join(Given(map[string]string{"AZURE_CLIENT_ID": "", "AZURE_TENANT_ID": "t", "HOME": "/", "IDENTITY_HEADER": "h"}), " ")
	if got != "AZURE_CLIENT_ID (empty) AZURE_TENANT_ID IDENTITY_HEADER" {
		t.Error(got)
	}
}

func TestClaims(t *testing.T) {
	f := func(claims map[string]any, kind effective.PresentedKind, name string) {
		t.Helper()
		c, err := ReadClaims(hosts.Unsigned(claims))
		if err != nil || c.Kind != kind || c.Name() != name {
			t.Errorf("%v: %+v, %v; want %s, %s", claims, c, err, kind, name)
		}
	}
	f(map[string]any{"xms_mirid": "/subscriptions/1/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs"}, effective.UserAssigned, "user-assigned identity jobs")
	f(map[string]any{"xms_mirid": subscript + "Microsoft.Compute/virtualMachines/vm"}, effective.SystemAssigned, "system-assigned identity of vm")
	f(map[string]any{"idtyp": "app", "azp": "client"}, effective.Application, "application client")
	f(map[string]any{"scp": "x", "upn": "ann"}, effective.Person, "a person")
	for _, bad := range []string{"", "a.b", "a.!.c", "a.bm8.c", strings.Repeat("x", maxToken+1)} {
		if c, err := ReadClaims(bad); err == nil {
			t.Errorf("%.20q has claims %+v", bad, c)
		}
	}
}

func FuzzReadClaims(f *testing.F) {
	f.Add(hosts.Unsigned(map[string]any{"oid": "o", "aud": []string{"a"}, "iat": 1}))
	f.Add("a.e30.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := ReadClaims(token)
		if err == nil && c.Name() == "" {
			t.Error("claims without a name")
		}
		if err != nil && len(token) > 20 && strings.Contains(err.Error(), token) {
			t.Error("an error shows the token")
		}
	})
}

func TestArcPaths(t *testing.T) {
	f := func(system string, env map[string]string, agent, keys string) {
		t.Helper()
		if a, k := arcPaths(system, env); a != agent || k != keys {
			t.Errorf("on %s: %s and %s, want %s and %s", system, a, k, agent, keys)
		}
	}
	f("linux", map[string]string{"ProgramFiles": "x"}, "/opt/azcmagent/bin/himds", "/var/opt/azcmagent/tokens")
	f("windows", nil, `C:\Program Files\AzureConnectedMachineAgent\himds.exe`, `C:\ProgramData\AzureConnectedMachineAgent\Tokens`)
	f("windows", map[string]string{"ProgramFiles": `D:\P`, "ProgramData": `D:\D`}, `D:\P\AzureConnectedMachineAgent\himds.exe`, `D:\D\AzureConnectedMachineAgent\Tokens`)
}
