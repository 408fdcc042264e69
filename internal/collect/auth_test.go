// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificateFile writes a certificate with its key.
func certificateFile(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cert.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLogins makes a credential of every way to sign in.
func TestLogins(t *testing.T) {
	const id = "22222222-0000-4000-8000-000000000000"
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("assertion"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"AZURE_TENANT_ID": id, "AZURE_CLIENT_ID": id, "AZURE_CLIENT_SECRET": "secret", "AZURE_FEDERATED_TOKEN_FILE": token,
		"AZURE_CLIENT_CERTIFICATE_PATH": certificateFile(t), "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": id, "SYSTEM_ACCESSTOKEN": "x",
	}
	for k, v := range env {
		t.Setenv(k, v) // azidentity reads these itself
	}
	t.Setenv("SYSTEM_OIDCREQUESTURI", "https://dev.azure.example/oidc")
	for _, m := range append(LoginMethods(), "") {
		for _, c := range clouds {
			l := Login{Method: m, Env: os.Getenv}
			if cred, err := l.Credential(c); err != nil || cred == nil {
				t.Errorf("%s in %s: %v", m, c.Name, err)
			}
		}
	}
	for _, client := range []string{id, "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"} {
		l := Login{Method: "managed-identity", ClientID: client}
		if _, err := l.Credential(clouds[0]); err != nil {
			t.Error(err)
		}
	}
	if len(LoginHelp()) != len(LoginMethods()) {
		t.Error("a way to sign in has no help")
	}
	f := func(method, want string, change map[string]string) {
		t.Helper()
		l := Login{Method: method, Env: func(n string) string {
			if v, ok := change[n]; ok {
				return v
			}
			return env[n]
		}}
		if _, err := l.Credential(clouds[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", method, err)
		}
	}
	f("magic", "none of default, environment", nil)
	f("client-secret", "AZURE_CLIENT_SECRET is not set", map[string]string{"AZURE_CLIENT_SECRET": ""})
	f("client-certificate", "AZURE_CLIENT_CERTIFICATE_PATH is not set", map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": ""})
	f("client-certificate", "no such file", map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": "missing"})
	f("client-certificate", "no PEM or PKCS#12", map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": token})
	f("client-assertion", "AZURE_FEDERATED_TOKEN_FILE is not set", map[string]string{"AZURE_FEDERATED_TOKEN_FILE": ""})
	none := Login{Method: "client-secret"}
	if _, err := none.Credential(clouds[0]); err == nil {
		t.Error("a secret was found without an environment")
	}
}

func TestFindCloud(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		c, err := FindCloud(t.Context(), name, nil)
		if err != nil || c.Name != want || c.GraphAudience != c.Graph || c.Private {
			t.Errorf("%q: %+v %v", name, c, err)
		}
	}
	f("", "public")
	f("China", "china")
	f("usgov", "usgov")
	if names := strings.Join(CloudNames(), " "); names != "public china usgov" {
		t.Error(names)
	}
	answer := ""
	status := http.StatusOK
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer srv.Close()
	ask := func(body string) (Cloud, error) {
		answer = body
		return FindCloud(t.Context(), srv.URL+"/", srv.Client())
	}
	c, err := ask(`{"authentication":{"loginEndpoint":"https://login.example/","audiences":["https://arm.example"]},"resourceManager":"https://arm.example/",
		"microsoftGraphResourceId":"https://graph.example/","suffixes":{"mhsmDns":".hsm.example"}}`)
	want := Cloud{
		Name: srv.URL, Login: "https://login.example", ResourceManager: "https://arm.example", Graph: "https://graph.example", GraphAudience: "https://graph.example",
		Audience: "https://arm.example", HSMSuffix: "hsm.example", Private: true,
	}
	if err != nil || c != want {
		t.Errorf("%+v %v", c, err)
	}
	c, err = ask(`{"authentication":{"loginEndpoint":"https://login.example"},"microsoftGraphResourceId":"https://graph.example"}`)
	if err != nil || c.ResourceManager != srv.URL || c.Audience != srv.URL {
		t.Errorf("%+v %v", c, err)
	}
	bad := func(body, want string) {
		t.Helper()
		if _, err := ask(body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	bad(`no`, "no JSON")
	bad(`{}`, "sign-in address")
	bad(`{"resourceManager":"http://x"}`, "address of Resource Manager")
	bad(`{"authentication":{"loginEndpoint":"https://login.example"}}`, "address of Microsoft Graph")
	status = http.StatusNotFound
	bad(`{}`, "404")
	for _, name := range []string{"mars", "http://x", "https://", "https://u@x", "https://x/?y", ":"} {
		if _, err := FindCloud(t.Context(), name, nil); err == nil || !strings.Contains(err.Error(), "none of public, china, usgov") {
			t.Errorf("%q: %v", name, err)
		}
	}
	srv.Close()
}
