// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/internal/attest"
	"github.com/mivet/mivet/internal/probe"
)

type attestFlags struct {
	out      output
	to       string
	audience string
	as       string
	class    string
	expect   string
	options  effective.Options

	serve     string
	tenant    string
	discovery string
	records   string
}

// mivetAudience is the application that tokens of attestations are for.
const mivetAudience = "api://mivet"

func (a *app) attestCommand() *cobra.Command {
	var f attestFlags
	cmd := &cobra.Command{
		Use:     "attest",
		Short:   "prove which identity this workload presents, or take such proofs",
		GroupID: groupInside,
		Example: "  mivet attest --to https://attest.example.com/                    in the workload\n" +
			"  mivet attest --serve :8712 --tenant TENANT-ID --records proof.jsonl    where proofs are kept",
		Long: "In the workload: gets the token that the workload presents to mivet's own audience, as one client\n" +
			"library would, and sends it to --to, and nowhere else. It is printed and stored nowhere.\n\n" +
			"With --serve: verifies signature, issuer, audience, times and tenant of each token by the issuer's\n" +
			"OpenID configuration, and records principal, resource and the time of issue. A token that was seen\n" +
			"before gets its first record and refreshes nothing. The audience needs an application in the tenant.",
		Args: a.args(0, 0),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) { return a.attest(ctx, &f) }),
	}
	f.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.StringVar(&f.to, "to", "", "send the proof to this address (https, or http to this machine)")
	fl.StringVar(&f.audience, "audience", mivetAudience, "the application that the token is for")
	fl.StringVar(&f.as, "as", "go", "the client library to get the token as, such as js@4.9.1")
	fl.Var(&choice{&f.class, []string{"default", "managed", "workload"}}, "class", `what the code uses: "default" (DefaultAzureCredential), "managed", "workload"`)
	f.class = "managed"
	fl.StringVar(&f.expect, "expect", "", "the principal (object) ID that it should be")
	fl.StringVar(&f.options.ClientID, "client-id", "", "client ID that the code sets")
	fl.StringVar(&f.serve, "serve", "", "take proofs on this address")
	fl.StringVar(&f.tenant, "tenant", "", "with --serve: the tenant whose tokens are taken")
	fl.StringVar(&f.discovery, "discovery", "", "with --serve: the OpenID configuration of the issuer (default: Entra ID's for the tenant)")
	fl.StringVar(&f.records, "records", "", "with --serve: append records to this file, and know again what stands there")
	cmd.MarkFlagsMutuallyExclusive("to", "serve")
	cmd.MarkFlagsOneRequired("to", "serve")
	return cmd
}

func (a *app) attest(ctx context.Context, f *attestFlags) (int, error) {
	if f.expect != "" && !mivet.IsGUID(strings.TrimSpace(f.expect)) {
		return exitUsage, usagef("--expect %q is no principal ID: it has the form 8-4-4-4-12", f.expect)
	}
	if f.serve != "" {
		return a.serveAttest(ctx, f)
	}
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	target, err := proofTarget(f.to)
	if err != nil {
		return exitUsage, err
	}
	client, err := a.proofClient()
	if err != nil {
		return exitFailed, err
	}
	answer := new(attest.Answer)
	o := f.options
	o.ManagedIdentityClientID = o.ClientID
	q := &probe.Question{Env: probe.Variables(a.Environ()), As: []string{f.as}, API: credentialClasses[f.class], Resource: f.audience, Options: o, Now: a.Clock()}
	_, err = probe.WithToken(ctx, q, func(token string) error { return sendProof(ctx, client, target, token, answer) })
	if err != nil {
		return exitFailed, err
	}
	write := func(w io.Writer, format string, colour bool) error { return writeProof(w, format, colour, answer) }
	if !a.silent(&f.out) {
		if err := a.emit(&f.out, write); err != nil {
			return exitFailed, err
		}
	}
	if f.expect != "" && answer.Principal != mivet.NewPrincipalID(f.expect) {
		return exitFound, nil
	}
	return exitOK, nil
}

// proofTarget checks that a token goes over a line that nobody reads.
func proofTarget(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", usagef("--to %q is no address", address)
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return "", usagef("--to must be https: a token is sent there")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), nil
}

// proofClient follows no redirect, so that the token goes nowhere else. An authority of
// one's own is named by MIVET_CA_FILE.
func (a *app) proofClient() (*http.Client, error) {
	c := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	file := a.Env("MIVET_CA_FILE")
	if file == "" {
		return c, nil
	}
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, fmt.Errorf("reading MIVET_CA_FILE: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("MIVET_CA_FILE %s holds no certificate", file)
	}
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // the standard library's own
	t.TLSClientConfig.RootCAs = pool
	c.Transport = t
	return c, nil
}

// maxProof is the longest answer that is read.
const maxProof = 1 << 16

func sendProof(ctx context.Context, client *http.Client, target, token string, into *attest.Answer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, http.NoBody)
	if err != nil {
		return fmt.Errorf("sending the proof: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("sending the proof: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxProof))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", target, err)
	}
	if res.StatusCode != http.StatusOK {
		var refused struct{ Error string }
		if json.Unmarshal(text, &refused) != nil {
			refused.Error = res.Status
		}
		return fmt.Errorf("the proof is refused: %s", refused.Error)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", target, err)
	}
	return nil
}

// attestJSON is the answer to a proof for machines.
type attestJSON struct {
	SchemaVersion int `json:"schemaVersion"`
	*attest.Answer
}

func writeProof(w io.Writer, format string, colour bool, r *attest.Answer) error {
	if format == formatJSON {
		return writeAnswer(w, "attest", attestJSON{1, r})
	}
	p := newPrinter(w, colour)
	if r.First {
		p.printf("%s\n", green("attested"))
	} else {
		p.printf("%s\n", yellow("attested before: this token refreshes nothing"))
	}
	p.printf("  principal  %s\n", string(r.Principal))
	p.printf("  client ID  %s\n", r.ClientID)
	p.printf("  tenant     %s\n", r.TenantID)
	if r.Resource != "" {
		p.printf("  resource   %s\n", r.Resource)
	}
	p.printf("  issued     %s\n", r.IssuedAt.Format(time.RFC3339))
	p.printf("  received   %s\n", r.ReceivedAt.Format(time.RFC3339))
	return p.err
}

// serveAttest takes proofs until it is interrupted.
func (a *app) serveAttest(ctx context.Context, f *attestFlags) (int, error) {
	if f.tenant == "" {
		return exitUsage, usagef("--serve needs --tenant: tokens of every other one are refused")
	}
	client, err := a.proofClient()
	if err != nil {
		return exitFailed, err
	}
	ledger, closeLedger, err := openRecords(f.records)
	if err != nil {
		return exitFailed, err
	}
	discovery := f.discovery
	if discovery == "" {
		discovery = "https://login.microsoftonline.com/" + url.PathEscape(f.tenant) + "/.well-known/openid-configuration"
	}
	v := &attest.Verifier{Discovery: discovery, Audience: f.audience, Tenant: f.tenant, Client: client, Now: a.Clock}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", f.serve)
	if err != nil {
		return exitFailed, errors.Join(fmt.Errorf("listening on %s: %w", f.serve, err), closeLedger())
	}
	a.note("taking proofs for %s on http://%s/", f.audience, l.Addr())
	server := &http.Server{Handler: attest.Handler(v, ledger), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 16}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return exitFailed, errors.Join(fmt.Errorf("taking proofs on %s: %w", f.serve, err), closeLedger())
	}
	return exitOK, closeLedger()
}

// openRecords opens a file of records, or keeps them in memory alone.
func openRecords(file string) (l *attest.Ledger, closing func() error, err error) {
	if file == "" {
		l, err := attest.OpenLedger("", bytes.NewReader(nil), io.Discard)
		return l, func() error { return nil }, err
	}
	out, err := os.OpenFile(filepath.Clean(file), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the records: %w", err)
	}
	l, err = attest.OpenLedger(file, out, out)
	if err != nil {
		return nil, nil, errors.Join(err, out.Close())
	}
	return l, out.Close, nil
}
