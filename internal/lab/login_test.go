// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/mivet/mivet/arm"
)

var armScope = policy.TokenRequestOptions{Scopes: []string{forARM + "/.default"}}

// token asks a credential, and returns the claims of what it gets.
func token(t testing.TB, cred azcore.TokenCredential) (claims, error) {
	t.Helper()
	got, err := cred.GetToken(context.Background(), armScope)
	if err != nil {
		return claims{}, err
	}
	j, err := parseToken(got.Token)
	if err != nil {
		t.Fatal(err)
	}
	var c claims
	if err := json.Unmarshal(j.claims, &c); err != nil {
		t.Fatal(err)
	}
	return c, nil
}

// azidentity signs in with a certificate, with and without its chain.
func TestClientCertificate(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	f := func(client, of string, chain bool, want string) {
		t.Helper()
		text, err := s.ClientCertificate(of)
		if err != nil {
			t.Fatal(err)
		}
		certs, key, err := azidentity.ParseCertificates(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if chain { // the lab has forgotten the certificate and knows its own signature
			clear(s.certs)
		}
		cred, err := azidentity.NewClientCertificateCredential(s.TenantID(), client, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options(s), DisableInstanceDiscovery: true, SendCertificateChain: chain})
		if err != nil {
			t.Fatal(err)
		}
		c, err := token(t, cred)
		switch {
		case want == "" && (err != nil || c.AppID != client):
			t.Errorf("%s: %v %v", client, c, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", client, err, want)
		}
	}
	f(ciClient, ciClient, false, "")
	f(ciClient, ciClient, true, "")
	f(OperatorID, OperatorID, false, "")
	f(ciClient, readerClient, false, "AADSTS700027")
}

// azidentity signs in with the token of an issuer that the application or the identity
// trusts; what does not match to the letter is refused.
func TestFederation(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	worker := clientOf(newClient(t, s, OperatorID), "worker-id")
	const github, sub, aud = "https://token.actions.githubusercontent.com", "repo:x/y:ref:refs/heads/main", "api://AzureADTokenExchange"
	f := func(client, issuer, subject, audience, want string) {
		t.Helper()
		cred, err := azidentity.NewClientAssertionCredential(s.TenantID(), client, func(context.Context) (string, error) {
			return s.FederatedToken(issuer, subject, audience)
		}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: options(s), DisableInstanceDiscovery: true})
		if err != nil {
			t.Fatal(err)
		}
		c, err := token(t, cred)
		switch {
		case want == "" && (err != nil || c.AppID != client):
			t.Errorf("%s: %v %v", subject, c, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s %s: got %v, want %s", issuer, subject, err, want)
		}
	}
	f(ciClient, github, sub, aud, "")
	f(worker, "https://aks.example/1/", "system:serviceaccount:a:b", aud, "")
	f(ciClient, "https://gitlab.example", sub, aud, "AADSTS700211")
	f(ciClient, github, strings.ToUpper(sub), aud, "AADSTS700213")
	f(ciClient, github, sub, "api://other", "AADSTS700212")
	f(nobodyClient, github, sub, aud, "AADSTS70025")
}

// The token endpoint refuses in Entra ID's words.
func TestTokenEndpoint(t *testing.T) {
	clock := NewClock(time.Now())
	s := start(t, parse(t, everything), Options{Now: clock.Now, Secret: "s"})
	c := newClient(t, s, OperatorID)
	worker := clientOf(c, "worker-id")
	post := func(form url.Values) (int, map[string]any) {
		t.Helper()
		res, err := c.http.PostForm(s.URL()+"/"+s.TenantID()+"/oauth2/v2.0/token", form)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body map[string]any
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, body
	}
	f := func(code float64, pairs ...string) {
		t.Helper()
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {ciClient}, "client_secret": {"s"}, "scope": {forARM + "/.default"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		status, body := post(form)
		codes, _ := body["error_codes"].([]any)
		if code == 0 && status != http.StatusOK || code != 0 && (len(codes) != 1 || codes[0] != code) {
			t.Errorf("%v: %d %v, want %v", pairs, status, body, code)
		}
	}
	f(0)
	f(0, "scope", "", "resource", "https://management.core.windows.net/")
	f(0, "scope", "openid "+s.URL()+"/.default")
	f(500011, "scope", "https://unknown.example/.default")
	f(900144, "grant_type", "")
	f(70003, "grant_type", "password")
	f(900144, "client_id", "")
	f(700016, "client_id", "11111111-1111-1111-1111-111111111111")
	f(7000112, "client_id", "cccccccc-0000-4000-8000-000000000004")
	f(7000215, "client_secret", "wrong")
	f(7000218, "client_secret", "")
	f(7000215, "client_id", worker) // a managed identity has no secret
	const kind = "client_assertion_type"
	f(50027, kind, clientAssertionType, "client_assertion", "a.b.c")
	f(50027, kind, clientAssertionType, "client_assertion", "x")
	f(50027, kind, clientAssertionType, "client_assertion", strings.Repeat("x", maxToken+1))
	old, err := s.FederatedToken("https://token.actions.githubusercontent.com", "repo:x/y:ref:refs/heads/main", "api://AzureADTokenExchange")
	if err != nil {
		t.Fatal(err)
	}
	f(0, kind, clientAssertionType, "client_assertion", old)
	forged := old[:len(old)-8] + "AAAAAAAA"
	f(700211, kind, clientAssertionType, "client_assertion", forged)
	clock.Advance(2 * time.Hour)
	f(700024, kind, clientAssertionType, "client_assertion", old)

	g := func(path string, status int) *reply {
		t.Helper()
		r := c.get(path)
		if r.status != status {
			t.Errorf("%s: %d, want %d: %s", path, r.status, status, r.text)
		}
		return r
	}
	g("/bbbbbbbb-0000-4000-8000-000000000001/v2.0/.well-known/openid-configuration", 400)
	g("/common/none", 404)
	g("/common/userrealm/x", 200)
	r := g("/common/discovery/instance", 200)
	endpoint, _ := r.body["tenant_discovery_endpoint"].(string)
	r = g(endpoint, 200)
	keys, _ := r.body["jwks_uri"].(string)
	if r.body["issuer"] != s.URL()+"/"+s.TenantID()+"/v2.0" {
		t.Errorf("the issuer is %v", r.body["issuer"])
	}
	list, _ := g(keys, 200).body["keys"].([]any)
	if len(list) != 1 || find(list[0], "kty") != "RSA" {
		t.Errorf("keys %v", list)
	}
	r = g("/adfs/.well-known/openid-configuration", 200)
	if r.body["token_endpoint"] != s.URL()+"/adfs/oauth2/token" {
		t.Errorf("the token endpoint of AD FS is %v", r.body["token_endpoint"])
	}
	if r := g("/metadata/endpoints?api-version=2022-09-01&login=adfs", 200); find(r.body, "authentication", "loginEndpoint") != s.URL()+"/adfs" {
		t.Errorf("metadata: %s", r.text)
	}
}

// Tokens that are not the lab's, or not for it, are refused.
func TestBearer(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	c := newClient(t, s, OperatorID)
	f := func(token, code string) {
		t.Helper()
		c.token[forARM] = token
		r := c.get("/subscriptions?api-version=2022-12-01")
		r.wants(t, 401, code)
		if !strings.Contains(r.header.Get("WWW-Authenticate"), `authorization_uri="`+s.URL()+"/"+s.TenantID()+`"`) {
			t.Errorf("the challenge is %q", r.header.Get("WWW-Authenticate"))
		}
	}
	good := c.token[forARM]
	f(c.token[forGraph], "InvalidAuthenticationTokenAudience")
	f("", "InvalidAuthenticationToken")
	f("a.b", "InvalidAuthenticationToken")
	f("!.b.c", "InvalidAuthenticationToken")
	f("e30.!.c", "InvalidAuthenticationToken")
	f("e30.e30.!", "InvalidAuthenticationToken")
	f("e30.e30.e30", "InvalidAuthenticationToken")
	parts := strings.Split(good, ".")
	f(base64url.EncodeToString([]byte(`{"alg":"none"}`))+"."+parts[1]+".", "InvalidAuthenticationToken")
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := signToken(key, claims{Aud: forARM, TID: "bbbbbbbb-0000-4000-8000-000000000001", Exp: time.Now().Add(time.Hour).Unix(), OID: OperatorID})
	if err != nil {
		t.Fatal(err)
	}
	f(other, "InvalidAuthenticationTokenTenant")
	c.token[forARM] = good
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/subscriptions?api-version=2022-12-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Do(r)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("without a token: %v %v", res, err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
}

// Keys of both kinds are checked; an algorithm that does not fit the key is refused.
func TestVerify(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	j := &jwt{header: header{Alg: "ES256"}, signed: "a.b"}
	sum := sha256.Sum256([]byte(j.signed))
	r, sig, err := ecdsa.Sign(rand.Reader, ec, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	j.sig = append(r.FillBytes(make([]byte, 32)), sig.FillBytes(make([]byte, 32))...)
	f := func(want string, key crypto.PublicKey) {
		t.Helper()
		err := j.verify(key)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%T: %v, want %q", key, err, want)
		}
	}
	f("", &ec.PublicKey)
	j.sig[0] ^= 1
	f("not that of the key", &ec.PublicKey)
	j.header.Alg = "RS256"
	f("is not accepted", &ec.PublicKey)
	f("no known kind", nil)
}

// Managed identities get tokens from the endpoints of their hosts, which choose as Azure's
// do.
func TestManagedIdentity(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	site, box, plain := mustID(appGroup+"/providers/Microsoft.Web/sites/api"), mustID(appGroup+"/providers/Microsoft.Compute/virtualMachines/box"), mustID(kv)
	worker := clientOf(newClient(t, s, OperatorID), "worker-id")
	workerResource := appGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker-id"

	get := func(host arm.ID, query string) (int, map[string]any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="+forARM+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Metadata", "true")
		res, err := s.IMDS(host).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body map[string]any
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, body
	}
	f := func(host arm.ID, query string, status int, want string) {
		t.Helper()
		got, body := get(host, query)
		said, _ := body["client_id"].(string)
		if got != http.StatusOK {
			said, _ = body["error_description"].(string)
		}
		if got != status || !strings.HasPrefix(said, want) {
			t.Errorf("%s %s: %d %v, want %d %s", host.Name(), query, got, body, status, want)
		}
	}
	system := s.view().world.systems[site.Key()].ClientID
	f(site, "", 200, system)
	f(site, "&client_id="+worker, 200, worker)
	f(site, "&msi_res_id="+workerResource, 200, worker)
	f(site, "&object_id="+string(s.view().world.identities[mustID(workerResource).Key()].Principal), 200, worker)
	f(site, "&client_id=11111111-1111-1111-1111-111111111111", 400, "Identity not found")
	f(box, "", 400, "Multiple user assigned identities exist, please specify the clientId / resourceId")
	f(box, "&client_id="+worker, 200, worker)
	f(box, "&client_id="+system, 400, "Identity not found")
	f(plain, "", 400, "Identity not found")
	f(mustID(appGroup+"/providers/Microsoft.App/containerApps/box2"), "", 200, worker)
	if status, body := get(site, "&resource=x"); status != 200 { // the first one counts
		t.Errorf("%d %v", status, body)
	}

	c := newClient(t, s, OperatorID)
	imds := "/imds" + site.String() + "/metadata/identity/oauth2/token?resource=" + forARM
	if r := c.get(imds); r.status != 400 || !strings.Contains(r.text, "Required metadata header not specified") {
		t.Errorf("without the header: %d %s", r.status, r.text)
	}
	if r := c.get("/imds" + site.String() + "/metadata/instance"); r.status != 404 {
		t.Errorf("the instance: %d", r.status)
	}
	if r := c.get("/msi" + site.String() + "?resource=" + forARM); r.status != 401 {
		t.Errorf("App Service without its header: %d", r.status)
	}

	// azidentity, as on App Service.
	for k, v := range s.HostEnv(site) {
		t.Setenv(k, v)
	}
	cred, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options(s), ID: azidentity.ClientID(worker)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := token(t, cred)
	if err != nil || got.AppID != worker || !strings.HasSuffix(got.MIRID, "/worker-id") {
		t.Errorf("azidentity on App Service: %v %v", got, err)
	}
}

// azidentity finds the instance metadata service of a machine.
func TestIMDS(t *testing.T) {
	s := start(t, parse(t, everything), Options{})
	worker := clientOf(newClient(t, s, OperatorID), "second-id")
	o := options(s)
	transport, ok := s.IMDS(mustID(appGroup + "/providers/Microsoft.Compute/virtualMachines/box")).(policy.Transporter)
	if !ok {
		t.Fatal("the transport does not fit azcore")
	}
	o.Transport = transport
	cred, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: o, ID: azidentity.ClientID(worker)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := token(t, cred)
	if err != nil || got.AppID != worker {
		t.Errorf("azidentity on a machine: %v %v", got, err)
	}
	res, err := s.IMDS(mustID(kv)).RoundTrip(mustRequest(t, s.URL()+"/lab/ca"))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("other hosts: %v %v", res, err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
}

func mustRequest(t testing.TB, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCA(t *testing.T) {
	s := start(t, parse(t, everything), Options{Addr: "localhost:0"})
	block, _ := pem.Decode(s.CA())
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !cert.IsCA {
		t.Errorf("%v %v", cert, err)
	}
	if !strings.HasPrefix(s.URL(), "https://localhost:") || s.GraphURL() != s.URL() {
		t.Errorf("%s and %s", s.URL(), s.GraphURL())
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("e30.e30.e30")
	f.Add("eyJhbGciOiJSUzI1NiJ9.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		j, err := parseToken(text)
		if err != nil {
			return
		}
		key, err := signingKey()
		if err != nil {
			t.Fatal(err)
		}
		if j.verify(&key.PublicKey) == nil {
			t.Fatal("a token that nobody signed is accepted")
		}
	})
}
