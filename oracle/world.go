// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha1" //nolint:gosec // Service Fabric names certificates by it
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet/internal/lab/hosts"
)

// The addresses of the simulated host, as docs/conformance.md has them.
const (
	imdsAddress   = "169.254.169.254:80"
	podAddress    = "127.0.0.1:2579"
	appAddress    = "127.0.0.1:41741"
	msiAddress    = "127.0.0.1:50342"
	arcAddress    = "127.0.0.1:40342"
	fabricAddress = "127.0.0.1:2377"
	loginAddress  = "127.0.0.1:443"
	otherLogin    = "127.0.0.1:8443"
)

// hostInput is the host of a case.
type hostInput struct {
	IMDS       string `json:"imds"`
	Identities string `json:"identities"`
	CLI        bool   `json:"azOnPath"`
	Entra      string `json:"entra"`
	ArcAgent   string `json:"arcAgent"`
	ArcKeyFile *bool  `json:"arcKeyFile"`
	AgentFile  bool   `json:"himdsFile"`
	AppService string `json:"appservice"`
}

var identities = map[string]hosts.Identity{
	"sys": {Name: "system", ClientID: "5ca0ffee-0000-4000-8000-0000000000aa", Principal: "5ca0ffee-0000-4000-8000-0000000000ab"},
	"ua1": {Name: "user:ua1", ClientID: "aaaaaaaa-1111-4111-8111-111111111111", Principal: "aaaaaaaa-1111-4111-8111-11111111111f", Resource: resourceOf("ua1")},
	"ua2": {Name: "user:ua2", ClientID: "bbbbbbbb-2222-4222-8222-222222222222", Principal: "bbbbbbbb-2222-4222-8222-22222222222f", Resource: resourceOf("ua2")},
}

func resourceOf(name string) string {
	return "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name
}

const (
	tenantID  = "11111111-2222-3333-4444-555555555555"
	appSecret = "hdr-secret"
	arcSecret = "arc-secret"
	keyPath   = "/var/opt/azcmagent/tokens/oracle.key"
	agentPath = "/opt/azcmagent/bin/himds"
	personID  = "az-user"
)

var modes = map[string]hosts.Mode{
	"normal": {}, "absent": {}, "blackhole": {},
	"docker403":  {Status: 403, All: true, Type: "text/plain", Body: "connecting to 169.254.169.254:80: connecting to 169.254.169.254:80: dial tcp 169.254.169.254:80: connectex: A socket operation was attempted to an unreachable network."},
	"html200":    {Status: 200, All: true, Type: "text/html", Body: "<html><body>Please sign in</body></html>"},
	"502":        {Status: 502, All: true, Type: "text/plain", Body: "bad gateway"},
	"slow5":      {Delay: 5 * time.Second},
	"403json":    {Status: 403, Type: "application/json", Body: `{"error":"forbidden","error_description":"no"}`},
	"400weird":   {Status: 400, Type: "application/json", Body: `{"error":"bad_request_102","error_description":"Required metadata header not specified"}`},
	"429always":  {Status: 429, Type: "application/json", Body: `{"error":"throttled"}`},
	"500once":    {Once: 500},
	"429once":    {Once: 429},
	"429ra1once": {Once: 429, RetryAfter: "1"},
	"404once":    {Once: 404},
	"410once":    {Once: 410},
}

// newWorld builds the host of a case.
func newWorld(h *hostInput) (*hosts.World, error) {
	mode, ok := modes[h.IMDS]
	if !ok {
		return nil, fmt.Errorf("imds %q is not known", h.IMDS)
	}
	w := &hosts.World{TenantID: tenantID, IMDS: mode, Secret: appSecret, KeyPath: keyPath, KeyFile: keyPath, AgentSelects: h.ArcAgent == "new"}
	w.SecretRefused, w.AssertionRefused = h.Entra == "badsecret", h.Entra == "nofic"
	switch h.AppService {
	case "404":
		w.AppStatus = 404
	case "500":
		w.AppStatus = 500
	}
	if h.Identities == "none" {
		return w, nil
	}
	for name := range strings.SplitSeq(h.Identities, "+") {
		id, ok := identities[name]
		if !ok {
			return nil, fmt.Errorf("identity %q is not known", name)
		}
		if name == "sys" {
			w.System = &id
			continue
		}
		w.User = append(w.User, id)
	}
	return w, nil
}

// stage serves the endpoints of whatever world is on it, and remembers which of them gave
// the last token.
type stage struct {
	mu         sync.Mutex
	world      *hosts.World
	source     string
	thumbprint string
	authority  []byte // the certificate of the authority, PEM
	imds       net.Listener
}

func (s *stage) set(w *hosts.World) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world, s.source = w, ""
}

func (s *stage) lastSource() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source
}

// endpoint serves one of the endpoints.
func (s *stage) endpoint(source string, serve func(*hosts.World, http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		w := s.world
		s.mu.Unlock()
		if w == nil {
			http.Error(rw, "no case is running", http.StatusServiceUnavailable)
			return
		}
		name := source
		if name == "entra" {
			if err := r.ParseForm(); err != nil {
				http.Error(rw, err.Error(), http.StatusBadRequest)
				return
			}
			name = entraSource(r)
		}
		watch := &watcher{ResponseWriter: rw}
		serve(w, watch, r)
		if watch.status == http.StatusOK && name != "" {
			s.mu.Lock()
			s.source = name
			s.mu.Unlock()
		}
	})
}

func entraSource(r *http.Request) string {
	switch {
	case r.Method != http.MethodPost:
		return ""
	case r.Form.Get("client_assertion") != "":
		return "Entra token endpoint (client_assertion)"
	case r.Form.Get("client_secret") != "":
		return "Entra token endpoint (client_secret)"
	}
	return "entra:password"
}

// watcher remembers the status of an answer.
type watcher struct {
	http.ResponseWriter
	status int
}

func (w *watcher) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// open starts all endpoints but IMDS, whose address comes and goes.
func (s *stage) open() error {
	authority, login, err := newAuthority("login.microsoftonline.com", "localhost")
	if err != nil {
		return err
	}
	s.authority = authority
	fabric, err := selfSigned("fabric")
	if err != nil {
		return err
	}
	s.thumbprint = fmt.Sprintf("%X", sha1.Sum(fabric.Certificate[0])) //nolint:gosec // the protocol's
	serve := func(address string, h http.Handler, c *tls.Certificate) error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("listening at %s: %w", address, err)
		}
		if c != nil {
			l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*c}, MinVersion: tls.VersionTLS12})
		}
		go serveAll(l, h)
		return nil
	}
	entra := s.endpoint("entra", (*hosts.World).ServeEntra)
	return errors.Join(
		serve(podAddress, s.endpoint("IMDS", (*hosts.World).ServeIMDS), nil),
		serve(appAddress, s.endpoint("AppService", (*hosts.World).ServeApp), nil),
		serve(msiAddress, s.endpoint("MSI_ENDPOINT", (*hosts.World).ServeMSI), nil),
		serve(arcAddress, s.endpoint("AzureArc", (*hosts.World).ServeArc), nil),
		serve(fabricAddress, s.endpoint("ServiceFabric", (*hosts.World).ServeFabric), fabric),
		serve(loginAddress, entra, login),
		serve(otherLogin, entra, login),
	)
}

func serveAll(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: quiet()}
	if err := server.Serve(l); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		return // the listener is gone with its address
	}
}

// identityOf names the identity of a token by its claims.
func identityOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("the token has no three parts")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	var claims struct{ Oid, Appid string }
	if err := json.Unmarshal(text, &claims); err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	if claims.Oid == personID {
		return "az-cli-user", nil
	}
	for _, id := range identities {
		if id.Principal == claims.Oid {
			return id.Name, nil
		}
	}
	return "client:" + claims.Appid, nil
}
