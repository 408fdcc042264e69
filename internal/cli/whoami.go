// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/internal/probe"
)

type whoamiFlags struct {
	out      output
	as       []string
	class    string
	expect   string
	resource string
	options  effective.Options
	serve    string
	every    time.Duration
}

// The classes of credentials that code uses, by the words of the command line.
var credentialClasses = map[string]effective.API{
	"default": effective.Default, "managed": effective.Managed, "workload": effective.Workload, "managed,cli": effective.ManagedThenCLI,
}

func (a *app) whoamiCommand() *cobra.Command {
	var f whoamiFlags
	cmd := &cobra.Command{
		Use:     "whoami",
		Short:   "which identity does this workload really present",
		GroupID: groupInside,
		Example: "  mivet whoami                                          as Go, JavaScript and Python would\n" +
			"  mivet whoami --as js@4.9.1 --expect 11111111-...      the exit code says whether it is that principal\n" +
			"  mivet whoami --class managed --client-id 22222222-... code that uses ManagedIdentityCredential\n" +
			"  mivet whoami --serve :8711 --expect 11111111-...      GET / for probes, slots and sidecars",
		Long: "Run it in the workload: in the same container, as the same user. It detects the host, asks its\n" +
			"endpoints as the client libraries would, in their order, and prints the chain, the attempts, the\n" +
			"winner and what its token says. The token itself is never printed, stored or sent on.\n\n" +
			"It needs no configuration and no network but the endpoints that the variables of the process lead\n" +
			"to. Where a federated token or a client secret is configured, it is used as the library would.",
		Args: a.args(0, 0),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) { return a.whoami(ctx, &f) }),
	}
	f.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.StringSliceVar(&f.as, "as", []string{"go", "js", "python"}, "client libraries to ask as, with a version if it matters: go, js, python, dotnet, java; js@4.9.1")
	fl.Var(&choice{&f.class, []string{"default", "managed", "workload", "managed,cli"}}, "class", `what the code uses: "default" (DefaultAzureCredential), "managed", "workload", "managed,cli" (a chain of two)`)
	f.class = "default"
	fl.StringVar(&f.expect, "expect", "", "the principal (object) ID that it should be")
	fl.StringVar(&f.resource, "resource", "https://management.azure.com/", "what a token is asked for; the identity does not depend on it")
	fl.StringVar(&f.options.ClientID, "client-id", "", "client ID that the code sets (default chain: managedIdentityClientId)")
	fl.StringVar(&f.options.ResourceID, "resource-id", "", "resource ID that the code sets")
	fl.StringVar(&f.options.ObjectID, "object-id", "", "object ID that the code sets")
	fl.StringVar(&f.serve, "serve", "", "answer GET / on this address: 200 as expected, 503 otherwise")
	fl.DurationVar(&f.every, "every", time.Minute, "with --serve: ask again at most this often")
	return cmd
}

func (a *app) whoami(ctx context.Context, f *whoamiFlags) (int, error) {
	if f.expect != "" && !mivet.IsGUID(strings.TrimSpace(f.expect)) {
		return exitUsage, usagef("--expect %q is no principal ID: it has the form 8-4-4-4-12, and is neither a client ID nor a resource ID", f.expect)
	}
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	ask := func(ctx context.Context) (*probe.Report, error) { return probe.Whoami(ctx, a.whoamiQuestion(f)) }
	if f.serve != "" {
		return a.serveWhoami(ctx, f, ask)
	}
	report, err := ask(ctx)
	if err != nil {
		return exitFailed, err
	}
	if !a.silent(&f.out) {
		if err := a.emit(&f.out, whoamiWriter{report}.write); err != nil {
			return exitFailed, err
		}
	}
	return whoamiCode(report.Verdict), nil
}

func (a *app) whoamiQuestion(f *whoamiFlags) *probe.Question {
	o := f.options
	o.ManagedIdentityClientID, o.ManagedIdentityResourceID = o.ClientID, o.ResourceID
	return &probe.Question{
		Env: probe.Variables(a.Environ()), As: f.as, API: credentialClasses[f.class], Resource: f.resource,
		Expected: mivet.NewPrincipalID(f.expect), Options: o, Now: a.Clock(),
	}
}

// whoamiCode turns a verdict into an exit code.
func whoamiCode(v probe.Verdict) int {
	switch v {
	case probe.AsExpected, probe.Agree:
		return exitOK
	case probe.Other, probe.NoToken:
		return exitFound
	case probe.Undecided, probe.Disagree:
	}
	return exitUndecided
}

// serveWhoami answers over HTTP until it is interrupted.
func (a *app) serveWhoami(ctx context.Context, f *whoamiFlags, ask func(context.Context) (*probe.Report, error)) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", f.serve)
	if err != nil {
		return exitFailed, fmt.Errorf("listening on %s: %w", f.serve, err)
	}
	a.note("answering on http://%s/", l.Addr())
	server := &http.Server{Handler: probe.Handler(ask, f.every, a.Clock), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return exitFailed, fmt.Errorf("answering on %s: %w", f.serve, err)
	}
	return exitOK, nil
}

// whoamiJSON is a report for machines.
type whoamiJSON struct {
	SchemaVersion int `json:"schemaVersion"`
	*probe.Report
}

type whoamiWriter struct{ report *probe.Report }

func (w whoamiWriter) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(out, "whoami", whoamiJSON{1, w.report})
	}
	p := newPrinter(out, colour)
	w.head(p)
	for i := range w.report.Clients {
		w.client(p, &w.report.Clients[i])
	}
	p.printf("\nrequests that were sent\n")
	for _, at := range w.report.Attempts {
		p.printf("  %s %s %s: %s\n", string(at.Source), string(at.Kind), orElse(at.Selector, "without a selector"), joined(at.Answer, at.Text))
	}
	if len(w.report.Attempts) == 0 {
		p.printf("  none\n")
	}
	return p.err
}

func (w whoamiWriter) head(p *printer) {
	r := w.report
	verdict := green(string(r.Verdict))
	switch whoamiCode(r.Verdict) {
	case exitFound:
		verdict = red(string(r.Verdict))
	case exitUndecided:
		verdict = yellow(string(r.Verdict))
	}
	p.printf("%s\n", verdict)
	if r.Expected != "" {
		p.printf("  expected   principal %s\n", string(r.Expected))
	}
	p.printf("  host       %s%s\n", r.Host.Kind, because(r.Host.Because))
	p.printf("  variables  %s\n", orElse(strings.Join(r.Given, ", "), "none that selects an identity"))
	p.printf("  at         %s\n", r.Time.Format(time.RFC3339))
}

// because tells by which variables a host is known.
func because(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// joined puts a text behind a word.
func joined(word, text string) string {
	if text == "" {
		return word
	}
	return word + ", " + text
}

func (w whoamiWriter) client(p *printer, c *probe.Client) {
	p.printf("\n%s %s, %s (%s)\n", c.SDK, c.Version, string(c.API), string(c.Basis))
	switch {
	case c.Claims != nil:
		p.printf("  presents   %s\n", bold(c.Claims.Name()))
		p.printf("  principal  %s%s\n", string(c.Claims.Principal), verdictMark(c.Verdict))
		p.printf("  client ID  %s\n", c.Claims.ClientID)
		p.printf("  tenant     %s\n", c.Claims.TenantID)
		if c.Claims.IdentityResource != "" {
			p.printf("  resource   %s\n", c.Claims.IdentityResource)
		}
	case c.Outcome == effective.Unknown:
		p.printf("  presents   %s: %s\n", yellow("unknown"), c.Missing)
	case c.Outcome == effective.Refused:
		p.printf("  presents   %s: the credential cannot be built\n", red("nothing"))
	default:
		p.printf("  presents   %s: no credential gives a token\n", red("nothing"))
	}
	for _, s := range c.Chain {
		p.printf("  %-10s %s %s\n", s.Then, faint(string(s.Credential)), s.Did)
	}
}

func verdictMark(v probe.Verdict) string {
	if v == "" {
		return ""
	}
	return " (" + string(v) + ")"
}
