// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/denial"
	"github.com/mivet/mivet/vet"
)

type whyFlags struct {
	in  inputFlags
	out output

	file, log                                 string
	identity, expect, operation, resource, on string
}

func (a *app) whyCommand() *cobra.Command {
	var f whyFlags
	cmd := &cobra.Command{
		Use:     "why [TEXT...]",
		Short:   "why this was refused: the causes of an error text, and the smallest fix",
		GroupID: groupQuestions,
		Example: "  mivet why 'Caller is not authorized to perform action on resource. ...' --in prod.mivet\n" +
			"  az keyvault secret show ... 2>&1 | mivet why --in prod.mivet\n" +
			"  mivet why --file error.json --expect orders-api --in prod.mivet\n" +
			"  mivet why --log app.log",
		Long: "Reads an error text, a log line or a JSON body: which service refused whom what where, and the\n" +
			"causes that such a text has. With an input (--in) each cause is held against the tenant: what\n" +
			"speaks for it, what rules it out, and which command tells it from the others.\n\n" +
			"A refusal by a network rule, an audience or a tenant comes before roles, and mivet says so. The\n" +
			"fix is the smallest built-in role at the resource itself, and only where the caller is the right\n" +
			"one. Without TEXT the text is read from --file or from standard input.",
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.why(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.StringVar(&f.file, "file", "", `read the text from this file, "-" for standard input`)
	fl.StringVar(&f.log, "log", "", `read a log line by line, "-" for standard input, and tell its refusals apart`)
	fl.StringVar(&f.identity, "identity", "", "who called, where the text does not say")
	fl.StringVar(&f.expect, "expect", "", "who should have called")
	fl.StringVar(&f.operation, "operation", "", "what was refused, where the text does not say")
	fl.StringVar(&f.resource, "resource", "", "where it was refused, where the text does not say")
	fl.StringVar(&f.on, "host", "", "the resource on which the client runs")
	cmd.MarkFlagsMutuallyExclusive("file", "log")
	return cmd
}

func (a *app) why(ctx context.Context, f *whyFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	if f.log != "" {
		return a.whySeries(f, args)
	}
	text, err := a.whyText(f, args)
	if err != nil {
		return exitFailed, err
	}
	d := denial.Parse(text)
	w := whyAnswer{}
	if f.in.demo || len(f.in.files) > 0 || a.Env("MIVET_INPUT") != "" {
		if w.Verdict, err = a.whyInTenant(ctx, f, d, &w); err != nil {
			return exitFailed, err
		}
	} else {
		w.Verdict = denial.Explain(d, nil, denial.Given{})
	}
	code := exitOK
	if !d.Recognised() {
		code = exitFailed
	}
	return code, a.emit(&f.out, w.write)
}

// whyText is the text of the arguments, of a file or of standard input.
func (a *app) whyText(f *whyFlags, args []string) (string, error) {
	if len(args) > 0 {
		if f.file != "" {
			return "", usagef("the text is given twice, as an argument and by --file")
		}
		return strings.Join(args, " "), nil
	}
	r, closeIt, err := a.openText(f.file)
	if err != nil {
		return "", err
	}
	defer closeIt()
	b, err := io.ReadAll(io.LimitReader(r, denial.MaxText))
	if err != nil {
		return "", fmt.Errorf("reading the text: %w", err)
	}
	if strings.TrimSpace(string(b)) == "" {
		return "", errorWithHint(usagef("there is no text"), "give the error text as an argument, by --file, or on standard input")
	}
	return string(b), nil
}

// openText opens a file, or standard input for "-" and "".
func (a *app) openText(name string) (io.Reader, func(), error) {
	if name == "" || name == "-" {
		return a.Stdin, func() {}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	return file, func() { _ = file.Close() }, nil
}

// whyInTenant holds a denial against the inputs.
func (a *app) whyInTenant(ctx context.Context, f *whyFlags, d *denial.Denial, w *whyAnswer) (*denial.Verdict, error) {
	q, err := a.prepare(ctx, &questionFlags{in: f.in, out: f.out}, nil, nil)
	if err != nil {
		return nil, err
	}
	w.resolver = q.resolver
	var given denial.Given
	for _, p := range []struct {
		word string
		to   *mivet.PrincipalID
	}{{f.identity, &given.Caller}, {f.expect, &given.Expected}} {
		if p.word == "" {
			continue
		}
		if *p.to, err = q.principal(ctx, p.word); err != nil {
			return nil, err
		}
	}
	if f.operation != "" {
		if given.Operation, err = q.operation(f.operation); err != nil {
			return nil, err
		}
	}
	for _, p := range []struct {
		word string
		to   *arm.ID
	}{{f.resource, &given.Resource}, {f.on, &given.Host}} {
		if p.word == "" {
			continue
		}
		if *p.to, err = q.scope(ctx, p.word, given.Operation.Provider()); err != nil {
			return nil, err
		}
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	return denial.Explain(d, &denial.Tenant{
		Snapshot: q.snap, Index: q.index, Engine: q.engine,
		SmallestRole: func(op arm.Operation, plane mivet.Plane) *mivet.RoleDefinition {
			return vet.SmallestRole(cat, op, plane)
		},
	}, given), nil
}

// whyAnswer is a verdict with the names of its tenant.
type whyAnswer struct {
	*denial.Verdict
	*resolver // nil without an input
}

// whyJSON is a verdict for machines.
type whyJSON struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Denial        *denial.Denial      `json:"denial"`
	Question      *questionJSON       `json:"question,omitzero"`
	Answer        string              `json:"answer,omitzero"`
	Hypotheses    []denial.Hypothesis `json:"hypotheses"`
	Fix           *denial.Fix         `json:"fix,omitzero"`
	Unresolved    []string            `json:"unresolved"`
}

func (w *whyAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		j := whyJSON{SchemaVersion: 1, Denial: w.Denial, Hypotheses: w.Hypotheses, Fix: w.Fix, Unresolved: orNone(w.Unresolved)}
		if w.resolver != nil && w.Answer != nil {
			who := w.principalJSON(w.Who)
			j.Question = &questionJSON{&who, w.What, w.Answer.Plane, w.Where, w.At, w.snap.Inputs}
			j.Answer = w.Answer.Effect.String()
		}
		return writeAnswer(out, "why", j)
	}
	p := newPrinter(out, colour)
	w.writeHead(p)
	w.writeCauses(p)
	if w.Fix != nil {
		p.printf("\n%s\n  give %s\n    %s\n    at %s\n  %s\n", bold("Fix"), w.name(w.Fix.Principal), bold(w.Fix.Role), w.Fix.Scope, w.Fix.Command)
	}
	if len(w.Unresolved) > 0 && w.Recognised() {
		p.printf("\n%s\n", bold("Not known"))
		for _, u := range w.Unresolved {
			p.printf("  ? %s\n", u)
		}
	}
	if w.resolver == nil && w.Recognised() {
		p.printf("\nFrom the text alone. --in FILE holds the causes against a tenant.\n")
	}
	return p.err
}

func (w *whyAnswer) writeHead(p *printer) {
	if !w.Recognised() {
		p.printf("%s: no service writes an error like this one, as far as mivet knows\n", yellow("not recognised"))
		return
	}
	service := string(w.Service)
	if w.Either != "" {
		service += " or " + string(w.Either)
	}
	p.printf("%s from %s", bold(w.Code), service)
	if w.Status != 0 {
		p.printf(", HTTP %d", w.Status)
	}
	p.printf("\n")
	line := func(label, text string) {
		if text != "" {
			p.printf("  %-10s %s\n", label, text)
		}
	}
	line("caller", w.callerWords())
	line("operation", w.Operation)
	line("resource", w.Resource)
	line("also", strings.TrimSpace(w.LinkedOperation+" "+w.LinkedResource))
	line("token of", w.Credential)
	line("deny", w.Deny)
	for _, x := range w.Proves {
		line("proves", x)
	}
}

// callerWords names the caller: as the tenant knows it, else as the text writes it.
func (w *whyAnswer) callerWords() string {
	if w.Who != "" && w.resolver != nil {
		return w.title(w.Who)
	}
	c := w.Caller
	var parts []string
	for _, x := range []struct{ label, text string }{
		{"", c.Name},
		{"", c.User},
		{"", c.Client},
		{"", c.Principal},
		{"application ", c.AppID},
		{"object ID ", c.OID},
		{"issuer ", c.Issuer},
		{"subject ", c.Subject},
		{"audience ", c.Audience},
	} {
		if x.text != "" {
			parts = append(parts, x.label+x.text)
		}
	}
	if tool := c.Tool(); tool != "" {
		parts = append(parts, "a person who signed in with "+tool)
	}
	if len(parts) == 0 {
		return "the text names nobody"
	}
	return strings.Join(parts, ", ")
}

func (w *whyAnswer) name(id mivet.PrincipalID) string {
	if w.resolver == nil {
		return string(id)
	}
	return w.title(id)
}

func (w *whyAnswer) writeCauses(p *printer) {
	if !w.Recognised() {
		p.printf("  Give the whole text, with its code and the line that names the caller.\n")
		return
	}
	n, excluded := 0, 0
	for i := range w.Hypotheses {
		h := &w.Hypotheses[i]
		if h.Certainty == denial.Excluded {
			if excluded++; excluded == 1 {
				p.printf("\n%s\n", bold("Not the cause"))
			}
			p.printf("  - %s", string(h.Cause))
			if len(h.Because) > 0 {
				p.printf(": %s", h.Because[len(h.Because)-1])
			}
			p.printf("\n")
			continue
		}
		if n++; n == 1 {
			p.printf("\n%s\n", bold("Causes, the likeliest first"))
		}
		p.printf("  %d. %s (%s): %s\n", n, bold(string(h.Cause)), string(h.Certainty), h.Cause.Meaning())
		for _, because := range h.Because {
			p.printf("       because  %s\n", because)
		}
		if h.Certainty != denial.Settled {
			p.printf("       to tell  %s\n", h.Cause.Decided())
		}
		if h.Next != "" {
			p.printf("       run      %s\n", h.Next)
		}
	}
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// whySeries reads a log and tells its refusals apart.
func (a *app) whySeries(f *whyFlags, args []string) (int, error) {
	if len(args) > 0 {
		return exitUsage, usagef("--log takes no text")
	}
	r, closeIt, err := a.openText(f.log)
	if err != nil {
		return exitFailed, err
	}
	defer closeIt()
	s, err := denial.ReadSeries(r)
	if err != nil {
		return exitFailed, fmt.Errorf("%s: %w", f.log, err)
	}
	code := exitOK
	if s.Refusals == 0 {
		code = exitFailed
	}
	return code, a.emit(&f.out, func(w io.Writer, format string, colour bool) error { return writeSeries(w, format, colour, s) })
}

func writeSeries(w io.Writer, format string, colour bool, s *denial.Series) error {
	if format == formatJSON {
		return writeAnswer(w, "why-log", newSeriesJSON(s))
	}
	p := newPrinter(w, colour)
	p.printf("%s, %s of %s\n", counted(s.Lines, "line"), counted(s.Refusals, "refusal"), counted(len(s.Groups), "sort"))
	for _, g := range s.Groups {
		v := whyAnswer{Verdict: denial.Explain(g.Denial, nil, denial.Given{})}
		p.printf("\n%dx ", g.Count)
		v.writeHead(p)
		if g.Revision != "" {
			p.printf("  %-10s %s\n", "revision", g.Revision)
		}
		p.printf("  %-10s %s\n", "first", momentWords(g.First))
		p.printf("  %-10s %s\n", "last", momentWords(g.Last))
		p.printf("  %-10s %s: %s\n", "likeliest", string(g.Causes[0]), g.Causes[0].Meaning())
	}
	for _, c := range s.Changes {
		from, to := whyAnswer{Verdict: &denial.Verdict{Denial: c.From.Denial}}, whyAnswer{Verdict: &denial.Verdict{Denial: c.To.Denial}}
		p.printf("\n%s at %s\n  from       %s\n  to         %s\n", bold("The caller changed"), momentWords(c.At), from.callerWords(), to.callerWords())
		if c.Beside != "" {
			p.printf("  before it  line %d: %s\n", c.BesideLine, c.Beside)
		}
	}
	if s.Dropped > 0 {
		p.printf("\n%s of further sorts are not told apart.\n", counted(s.Dropped, "refusal"))
	}
	return p.err
}

func momentWords(m denial.Moment) string {
	if m.Time.IsZero() {
		return fmt.Sprintf("line %d", m.Line)
	}
	return fmt.Sprintf("line %d, %s", m.Line, m.Time.Format(time.RFC3339))
}

// seriesJSON is a log for machines.
type seriesJSON struct {
	SchemaVersion int          `json:"schemaVersion"`
	Lines         int          `json:"lines"`
	Refusals      int          `json:"refusals"`
	Groups        []groupJSON  `json:"groups"`
	Changes       []changeJSON `json:"changes"`
	Dropped       int          `json:"dropped"`
}

type groupJSON struct {
	Denial   *denial.Denial `json:"denial"`
	Revision string         `json:"revision,omitzero"`
	Count    int            `json:"count"`
	First    denial.Moment  `json:"first"`
	Last     denial.Moment  `json:"last"`
}

type changeJSON struct {
	From   denial.Caller `json:"from"`
	To     denial.Caller `json:"to"`
	At     denial.Moment `json:"at"`
	Beside string        `json:"beside,omitzero"`
}

func newSeriesJSON(s *denial.Series) seriesJSON {
	j := seriesJSON{SchemaVersion: 1, Lines: s.Lines, Refusals: s.Refusals, Groups: []groupJSON{}, Changes: []changeJSON{}, Dropped: s.Dropped}
	for _, g := range s.Groups {
		j.Groups = append(j.Groups, groupJSON{g.Denial, g.Revision, g.Count, g.First, g.Last})
	}
	for _, c := range s.Changes {
		j.Changes = append(j.Changes, changeJSON{c.From.Caller, c.To.Caller, c.At, c.Beside})
	}
	return j
}
