// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/redact"
)

// Options say how a lab behaves.
type Options struct {
	// Addr is where it listens; "" stands for a free port of 127.0.0.1.
	Addr string
	// Now is its clock; nil stands for that of the machine. See [Clock].
	Now func() time.Time
	// Catalog knows the built-in roles; nil: the one that is built in is opened.
	Catalog *catalog.Catalog
	// Secret is the client secret of every application; "": one is drawn.
	Secret string
	// Raw returns a resource as Resource Manager returns it: the whole object. It may be
	// nil, and return nil for resources of which nothing more is known than the snapshot
	// says; they are then made from it.
	Raw func(id arm.ID) (json.RawMessage, error)
	// Quotas are enforced if they are set; see [AzureQuotas].
	Quotas *Quotas
	// Changes happened to resources before the lab began.
	Changes []Change
	// Faults happen from the beginning.
	Faults []Fault
	// Latency is added to every answer.
	Latency time.Duration
	// Outside puts the callers of data planes outside of every network: resources whose
	// firewall or private link keeps the public out refuse them. Else they are let in.
	Outside bool
	// Propagation is how long a role assignment that is made or taken away is not known to
	// those who decide, and a new principal to those who look for it.
	Propagation time.Duration
	// Logs is the folder to which the lab writes what happens in it, as Azure exports it to
	// a storage account; "" for none.
	Logs string
	// Observe is called after each request was answered, if it is set, also by several
	// goroutines at once.
	Observe func(Exchange)
}

// API names a side of the lab.
type API string

// The sides of the lab.
const (
	APILogin         API = "login"
	APIManagement    API = "arm"
	APIResourceGraph API = "resourcegraph"
	APIGraph         API = "graph"
	APIIdentity      API = "identity" // the endpoints of hosts with managed identities
	APIManagedHSM    API = "hsm"
	APILogs          API = "logs" // queries of logs
	APIAdmin         API = "admin"
)

// Exchange is a request and what became of it.
type Exchange struct {
	API    API
	Method string
	// Path is the path with its query.
	Path string
	// Body is what came with it, as far as it was read.
	Body []byte
	// Caller is the object ID of the caller; empty where there was none.
	Caller string
	// Status is that of the answer; 0 where the connection was cut.
	Status int
	// Fault is the kind of the fault that was played, if any.
	Fault FaultKind
}

// Server is a running lab. [Start] makes it.
type Server struct {
	options   Options
	authority *authority
	listener  net.Listener
	http      *http.Server
	live      atomic.Pointer[world]
	secret    string
	done      chan struct{}

	faults faults
	quota  quotaState
	kept   keptResults

	contents contents
	// writing is held by who writes to the world; it is taken before the lock of contents.
	writing sync.Mutex
	settler settler
	journal journal
	pending sync.Map // operations that were begun, by their IDs
	// queries counts what Resource Graph was asked.
	queries atomic.Uint64

	certMu sync.Mutex
	certs  map[string]clientCert

	changesMu sync.Mutex
	changes   []Change
}

// view is the lab as one request sees it: the world is the one that there was when the
// request came, whatever is written meanwhile.
type view struct {
	*Server
	world *world
}

// view returns what a request sees that comes now.
func (s *Server) view() *view { return &view{s, s.live.Load()} }

// Start serves a snapshot until [Server.Close] is called. The snapshot must not be changed
// any more.
func Start(snap *mivet.Snapshot, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Catalog == nil {
		cat, err := catalog.Open()
		if err != nil {
			return nil, fmt.Errorf("opening the catalogue of Azure's roles: %w", err)
		}
		o.Catalog = cat
	}
	s := &Server{options: o, secret: o.Secret, done: make(chan struct{}), certs: map[string]clientCert{}, changes: o.Changes}
	if s.secret == "" {
		s.secret = "lab~" + randomText(24)
	}
	w, err := newWorld(snap, o.Catalog)
	if err != nil {
		return nil, fmt.Errorf("preparing what the lab serves: %w", err)
	}
	w.raw = o.Raw
	s.live.Store(w)
	s.contents.init()
	s.journal.dir = o.Logs
	if s.settler.r, err = redact.New(redact.Options{}); err != nil {
		return nil, fmt.Errorf("preparing the lab: %w", err)
	}
	for _, f := range o.Faults {
		if err := s.AddFault(f); err != nil {
			return nil, err
		}
	}
	s.quota.init(o.Quotas)
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) listen() error {
	// Certificates follow the clock of the machine, as those who check them do.
	a, err := newAuthority(time.Now())
	if err != nil {
		return err
	}
	s.authority = a
	addr := s.options.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("reading the address %q: %w", addr, err)
	}
	hosts := append([]string{"localhost", "127.0.0.1", "::1", "*" + hsmSuffix}, slices.Concat(dataHosts(), cloudHosts)...)
	if host != "" && host != "localhost" && host != "127.0.0.1" {
		hosts = append(hosts, host)
	}
	cert, err := a.server(time.Now(), hosts)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	s.listener = l
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 30 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}},
		ErrorLog:  silent(),
	}
	go func() {
		defer close(s.done)
		if err := s.http.ServeTLS(newTwoTongues(l), "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.observe(Exchange{API: APIAdmin, Method: "LISTEN", Path: err.Error()})
		}
	}()
	return nil
}

// Close ends the lab and cuts the connections that are open. It tells what went wrong with
// the logs, if anything did.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	if err != nil {
		err = fmt.Errorf("closing the lab: %w", err)
	}
	return errors.Join(err, s.journal.fault())
}

// Shutdown ends the lab once the requests that are under way are answered.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("ending the lab: %w", err)
	}
	return errors.Join(err, s.Close())
}

// URL is where every side of the lab is reached: "https://localhost:PORT".
func (s *Server) URL() string {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost"
	}
	return "https://" + net.JoinHostPort(host, port)
}

// ProxyURL is where programs find the hosts of data planes, if they take it for a proxy.
func (s *Server) ProxyURL() string { return "http" + strings.TrimPrefix(s.URL(), "https") }

// GraphURL is where Microsoft Graph is reached, without a version.
func (s *Server) GraphURL() string { return s.URL() }

// Cloud is the configuration with which azcore and azidentity reach the lab. azidentity
// needs DisableInstanceDiscovery beside it.
func (s *Server) Cloud() cloud.Configuration {
	return cloud.Configuration{
		ActiveDirectoryAuthorityHost: s.URL(),
		Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: s.URL(), Audience: forARM},
		},
	}
}

// Client returns an HTTP client that trusts the lab and finds the hosts of data planes
// there. Its idle connections are the caller's to close.
func (s *Server) Client() *http.Client {
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, _, _ := strings.Cut(addr, ":"); leadsHere(host) {
			addr = s.listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	return &http.Client{Transport: &http.Transport{
		DialContext:       dial,
		TLSClientConfig:   &tls.Config{RootCAs: s.authority.pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
	}}
}

// CA is the certificate of the lab's authority, as PEM.
func (s *Server) CA() []byte { return s.authority.pem() }

// TenantID is the ID of the directory: the snapshot's, or one derived from it where that
// is no GUID.
func (s *Server) TenantID() string { return s.live.Load().tenant }

// Secret is the client secret of every application and of the operator.
func (s *Server) Secret() string { return s.secret }

func (s *Server) now() time.Time { return s.options.Now() }

// nowFor is the time for one request.
func (s *Server) nowFor(w *recorder) time.Time { return s.now().Add(w.skew) }

func (s *Server) observe(e Exchange) {
	if s.options.Observe != nil {
		s.options.Observe(e)
	}
}

// guidOf derives a GUID from texts, the same in every run.
func guidOf(parts ...string) string {
	sum := sha256.Sum256([]byte("mivet lab\x00" + strings.Join(parts, "\x00")))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// randomText draws a text of n bytes of randomness.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails; see crypto/rand
	return base64url.EncodeToString(b)
}
