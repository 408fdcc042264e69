// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/denial"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

type whyFlags struct {
	in  inputFlags
	out output

	file, log                                 string
	identity, expect, operation, resource, on string

	as       string
	evidence evidenceFlags
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
			"one. Without TEXT the text is read from --file or from standard input.\n\n" +
			"Most services name no caller. With --host mivet takes the identity that the workload presents:\n" +
			"what it attested, what was observed of it (--evidence), else what is predicted.",
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
	fl.StringVar(&f.on, "host", "", "the workload that was refused; where the text names nobody, who it presents is worked out")
	fl.StringVar(&f.as, "as", "", "the client library of that workload's code, such as go@1.15.0")
	f.evidence.register(cmd)
	cmd.MarkFlagsMutuallyExclusive("file", "log")
	return cmd
}

func (a *app) why(ctx context.Context, f *whyFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	if f.log != "" {
		return a.whySeries(ctx, f, args)
	}
	text, err := a.whyText(f, args)
	if err != nil {
		return exitFailed, err
	}
	var t *whyTenant
	if a.hasInput(&f.in) {
		if t, err = a.whyTenant(ctx, f); err != nil {
			return exitFailed, err
		}
	}
	d := denial.Parse(text)
	w, err := t.answer(ctx, a, f, d)
	if err != nil {
		return exitFailed, err
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

// whyTenant is the input that denials are held against, with what the flags say.
type whyTenant struct {
	*questions
	given  denial.Given
	tenant *denial.Tenant
}

// hasInput reports whether there is something to hold denials against.
func (a *app) hasInput(f *inputFlags) bool {
	return f.demo || len(f.files) > 0 || a.Env("MIVET_INPUT") != ""
}

// whyTenant reads the inputs, and what the flags name in them.
func (a *app) whyTenant(ctx context.Context, f *whyFlags) (*whyTenant, error) {
	q, err := a.prepare(ctx, &questionFlags{in: f.in, out: f.out}, nil, nil)
	if err != nil {
		return nil, err
	}
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
	return &whyTenant{q, given, &denial.Tenant{
		Snapshot: q.snap, Index: q.index, Engine: q.engine,
		SmallestRole: func(op arm.Operation, plane mivet.Plane) *mivet.RoleDefinition {
			return vet.SmallestRole(cat, op, plane)
		},
	}}, nil
}

// answer holds a denial against the inputs; t is nil where there are none.
func (t *whyTenant) answer(ctx context.Context, a *app, f *whyFlags, d *denial.Denial) (*whyAnswer, error) {
	if t == nil {
		return &whyAnswer{Verdict: denial.Explain(d, nil, denial.Given{})}, nil
	}
	w := &whyAnswer{resolver: t.resolver}
	given := t.given
	if err := a.whyCaller(ctx, f, t.questions, d, &given, w); err != nil {
		return nil, err
	}
	w.Verdict = denial.Explain(d, t.tenant, given)
	w.Unresolved = append(w.Unresolved, w.notKnown...)
	return w, nil
}

// whyCaller finds out who called, where the text names nobody and the workload is given.
func (a *app) whyCaller(ctx context.Context, f *whyFlags, q *questions, d *denial.Denial, given *denial.Given, w *whyAnswer) error {
	resource := q.index.Resource(given.Host)
	if given.Caller != "" || resource == nil || d.Caller.Named() || !d.RolesEvaluated() {
		return nil
	}
	var library presentedBy
	if err := library.library(f.as); err != nil {
		return &usageError{err}
	}
	carrier := effective.NewCarrier(q.index, resource)
	consumers, err := carrier.Consumers(library.SDK, library.Version)
	if err != nil {
		return err
	}
	e, err := a.weigh(ctx, &f.evidence, carrier, consumers, q.snap.TakenAt)
	if err != nil {
		return err
	}
	var by *effective.Weighed
	if given.Caller, by = e.Presenter(); by != nil {
		w.callerBy = fmt.Sprintf("%s (%s): %s", by.Kind, by.Age, by.Fact)
		return nil
	}
	w.notKnown = append(w.notKnown, "who "+resource.ID.Name()+" presents is not clear; mivet identity "+resource.ID.Name()+" tells what is known")
	return nil
}

// whyAnswer is a verdict with the names of its tenant.
type whyAnswer struct {
	*denial.Verdict
	*resolver // nil without an input

	callerBy string   // how it is known who called, where the text does not say
	notKnown []string // what else is not known
}

// whyJSON is a verdict for machines.
type whyJSON struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Denial        *denial.Denial      `json:"denial"`
	CallerBy      string              `json:"callerBy,omitzero"`
	Question      *questionJSON       `json:"question,omitzero"`
	Answer        string              `json:"answer,omitzero"`
	Hypotheses    []denial.Hypothesis `json:"hypotheses"`
	Fix           *denial.Fix         `json:"fix,omitzero"`
	Unresolved    []string            `json:"unresolved"`
}

func (w *whyAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		j := whyJSON{SchemaVersion: 1, CallerBy: w.callerBy, Denial: w.Denial, Hypotheses: w.Hypotheses, Fix: w.Fix, Unresolved: orNone(w.Unresolved)}
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
		if w.Fix.Remove != "" {
			p.printf("  and take away what was left behind\n  %s\n", w.Fix.Remove)
		}
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
	line("known by", w.callerBy)
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
