// SPDX-License-Identifier: Apache-2.0

package attest_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mivet/mivet/internal/attest"
)

const (
	tenantID = "99999999-0000-4000-8000-000000000001"
	audience = "api://mivet"
)

var (
	now  = time.Unix(1700000000, 0)
	keys = sync.OnceValue(func() [2]*rsa.PrivateKey {
		var out [2]*rsa.PrivateKey
		for i := range out {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				return out
			}
			out[i] = key
		}
		return out
	})
)

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// sign makes a token.
func sign(t *testing.T, key *rsa.PrivateKey, head, claims map[string]any) string {
	t.Helper()
	signed := encode(head) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func goodHead() map[string]any { return map[string]any{"alg": "RS256", "kid": "one"} }

func goodClaims() map[string]any {
	return map[string]any{
		"iss": "https://sts.windows.net/" + tenantID + "/", "aud": audience, "tid": tenantID, "oid": "11111111-0000-4000-8000-00000000000A", "appid": "app",
		"idtyp": "app", "xms_mirid": "/subscriptions/1/x", "xms_az_rid": "/subscriptions/1/host", "iat": now.Unix() - 60, "nbf": now.Unix() - 60, "exp": now.Unix() + 3600,
	}
}

// issuer serves the configuration and the keys of an issuer.
func issuer(t *testing.T) *httptest.Server {
	t.Helper()
	var s *httptest.Server
	answer := func(w http.ResponseWriter, v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/openid", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"issuer": "https://sts.windows.net/{tenantid}/", "jwks_uri": s.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		n := base64.RawURLEncoding.EncodeToString(keys()[0].N.Bytes())
		e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(keys()[0].E)).Bytes())
		answer(w, map[string]any{"keys": []map[string]string{
			{"kty": "RSA", "kid": "one", "n": n, "e": e, "use": "sig"}, {"kty": "EC", "kid": "two"}, {"kty": "RSA", "kid": "short", "n": "AQAB", "e": e},
		}})
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{}) })
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { answer(w, "text") })
	s = httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s
}

func verifier(s *httptest.Server, path string) *attest.Verifier {
	return &attest.Verifier{Discovery: s.URL + path, Audience: audience, Tenant: tenantID, Client: s.Client(), Now: func() time.Time { return now }}
}

func TestVerify(t *testing.T) {
	v := verifier(issuer(t), "/openid")
	c, err := v.Verify(t.Context(), sign(t, keys()[0], goodHead(), goodClaims()))
	if err != nil || c.Principal != "11111111-0000-4000-8000-00000000000a" || c.Resource != "/subscriptions/1/x" || c.Host == "" || c.IssuedAt.Unix() != now.Unix()-60 {
		t.Fatalf("a genuine token: %+v, %v", c, err)
	}
	refused := func(why string, key int, head map[string]any, claims map[string]any) {
		t.Helper()
		h, cl := goodHead(), goodClaims()
		maps.Copy(h, head)
		maps.Copy(cl, claims)
		_, err := v.Verify(t.Context(), sign(t, keys()[key], h, cl))
		var refusal *attest.RefusalError
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v %v: %v, want a refusal for %q", head, claims, err, why)
		}
	}
	refused("signature", 1, nil, nil)
	refused("key that the issuer does not have", 0, map[string]any{"kid": "two"}, nil)
	refused("key that the issuer does not have", 0, map[string]any{"kid": "short"}, nil)
	refused("RS256", 0, map[string]any{"alg": "none"}, nil)
	refused("RS256", 0, map[string]any{"alg": "HS256"}, nil)
	refused("RS256", 0, map[string]any{"crit": []string{"b64"}}, nil)
	refused("audience", 0, nil, map[string]any{"aud": "https://vault.azure.net"})
	refused("tenant", 0, nil, map[string]any{"tid": "other"})
	refused("issuer", 0, nil, map[string]any{"iss": "https://sts.windows.net/other/"})
	refused("expired", 0, nil, map[string]any{"exp": now.Unix() - 3600})
	refused("not valid yet", 0, nil, map[string]any{"nbf": now.Unix() + 3600})
	refused("not valid yet", 0, nil, map[string]any{"iat": now.Unix() + 3600})
	refused("does not say when", 0, nil, map[string]any{"exp": 0})
	refused("no principal", 0, nil, map[string]any{"oid": ""})
	refused("a person", 0, nil, map[string]any{"scp": "user_impersonation"})
	for _, bad := range []string{"", "a.b", "!.!.!", "e30.e30.!", strings.Repeat("a", 40<<10)} {
		if _, err := v.Verify(t.Context(), bad); err == nil || len(bad) > 100 && strings.Contains(err.Error(), bad) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	claims := goodClaims()
	delete(claims, "appid")
	claims["azp"] = "client"
	if c, err := v.Verify(t.Context(), sign(t, keys()[0], goodHead(), claims)); err != nil || c.ClientID != "client" {
		t.Errorf("a token of version 2: %+v, %v", c, err)
	}
}

// An issuer that cannot be asked is no refusal of the token.
func TestIssuerNotThere(t *testing.T) {
	s := issuer(t)
	for _, path := range []string{"/nowhere", "/empty", "/text"} {
		_, err := verifier(s, path).Verify(t.Context(), sign(t, keys()[0], goodHead(), goodClaims()))
		var refusal *attest.RefusalError
		if err == nil || errors.As(err, &refusal) {
			t.Errorf("%s: %v", path, err)
		}
	}
	v := verifier(s, "/openid")
	for _, address := range []string{"http://127.0.0.1/", "https://127.0.0.1:1/", ":"} {
		v.Discovery = address
		if _, err := v.Verify(t.Context(), sign(t, keys()[0], goodHead(), goodClaims())); err == nil {
			t.Errorf("%s was asked", address)
		}
	}
}

func post(t *testing.T, h http.Handler, token string) (int, attest.Answer) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	var a attest.Answer
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v", rec.Body, err)
	}
	return rec.Code, a
}

func TestLedger(t *testing.T) {
	s := issuer(t)
	var file bytes.Buffer
	l, err := attest.OpenLedger("proof", strings.NewReader(""), &file)
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(s, "/openid")
	clock := now
	v.Now = func() time.Time { return clock }
	h := attest.Handler(v, l)
	token := sign(t, keys()[0], goodHead(), goodClaims())
	code, first := post(t, h, token)
	if code != http.StatusOK || !first.First || first.ReceivedAt.Unix() != now.Unix() {
		t.Fatalf("%d, %+v", code, first)
	}
	// The same token later, with another signature over the same, and after a restart.
	clock = now.Add(time.Minute)
	for i, tok := range []string{token, sign(t, keys()[0], goodHead(), goodClaims())} {
		code, again := post(t, h, tok)
		if code != http.StatusOK || again.First || again.Record != first.Record {
			t.Errorf("%d: %d, %+v, want the first record %+v", i, code, again, first.Record)
		}
	}
	if strings.Count(file.String(), "\n") != 1 || strings.Contains(file.String(), token) {
		t.Errorf("records: %s", file.String())
	}
	l, err = attest.OpenLedger("proof", bytes.NewReader(file.Bytes()), &file)
	if err != nil {
		t.Fatal(err)
	}
	if code, again := post(t, attest.Handler(v, l), token); code != http.StatusOK || again.First || again.Record != first.Record {
		t.Errorf("after a restart: %d, %+v", code, again)
	}
	if code, _ := post(t, h, ""); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", code)
	}
	if code, _ := post(t, h, "a.b.c"); code != http.StatusUnauthorized {
		t.Errorf("with no token: %d", code)
	}
	if code, _ := post(t, attest.Handler(verifier(s, "/nowhere"), l), token); code != http.StatusBadGateway {
		t.Errorf("without an issuer: %d", code)
	}
	full, err := attest.OpenLedger("x", strings.NewReader(""), failing{})
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := post(t, attest.Handler(v, full), token); code != http.StatusInternalServerError {
		t.Errorf("on a full disk: %d", code)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestDamagedLedger(t *testing.T) {
	for _, text := range []string{"nonsense", "{}", `{"digest":"a"}` + "\n{", strings.Repeat("x", 1<<17)} {
		if _, err := attest.OpenLedger("proof.jsonl", strings.NewReader(text), nil); err == nil || !strings.Contains(err.Error(), "proof.jsonl") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("a.b.c")
	f.Add(encode(goodHead()) + "." + encode(goodClaims()) + ".AA")
	v := &attest.Verifier{Discovery: "https://127.0.0.1:1/", Audience: audience, Tenant: tenantID, Client: &http.Client{Timeout: time.Millisecond}, Now: func() time.Time { return now }}
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := v.Verify(t.Context(), token); err == nil {
			t.Errorf("%q is taken: %+v", token, c)
		}
	})
}

func FuzzOpenLedger(f *testing.F) {
	f.Add([]byte(`{"digest":"a","principalId":"p"}`))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := attest.OpenLedger("l", bytes.NewReader(text), nil); err == nil && l == nil {
			t.Error("no ledger and no error")
		}
	})
}
