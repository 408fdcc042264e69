// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/vet"
)

// demo adds the tenant that is built in.
func (in *intake) demo(ctx context.Context) {
	name, text := tenants.Demo()
	in.err = in.stream(ctx, name, bytes.NewReader(text))
}

func (a *app) demoCommand() *cobra.Command {
	var text bool
	cmd := &cobra.Command{
		Use:         "demo",
		Short:       "a walk through a tenant in which every mistake has happened once",
		GroupID:     groupFirst,
		Annotations: map[string]string{unconfigured: "yes"},
		Example: "  mivet demo\n" +
			"  mivet demo --tenant > shop.tenant     the tenant as text, to change and ask again",
		Long: "Nothing is read from Azure and nothing is sent. The exit code is always 0.",
		Args: a.args(0, 0),
	}
	cmd.Flags().BoolVar(&text, "tenant", false, "print the text of the tenant instead")
	cmd.RunE = a.run(func(ctx context.Context, _ []string) (int, error) {
		a.lenient = true
		if text {
			_, tenant := tenants.Demo()
			_, err := a.Stdout.Write(tenant)
			return exitOK, err
		}
		return exitOK, a.tour(ctx)
	})
	return cmd
}

// tour is the walk: what there is, what is wrong, who can do what, and what to do next.
func (a *app) tour(ctx context.Context) error {
	q, err := a.prepare(ctx, &questionFlags{in: inputFlags{demo: true}}, nil, nil)
	if err != nil {
		return err
	}
	results, err := a.vet(&reading{snap: q.snap}, rules.All(), nil)
	if err != nil {
		return err
	}
	p := newPrinter(a.Stdout, a.coloured(a.Stdout))
	t := tour{app: a, q: q, p: p}
	t.opening()
	t.findings(results)
	for _, s := range stops() {
		if err := t.stop(ctx, &s); err != nil {
			return err
		}
	}
	if err := t.logs(ctx); err != nil {
		return err
	}
	t.closing()
	return p.err
}

type tour struct {
	app *app
	q   *questions
	p   *printer
}

func (t *tour) heading(text string) { t.p.printf("\n%s\n\n", bold("== "+text)) }

func (t *tour) opening() {
	s := t.q.snap
	workloads, people := 0, 0
	for i := range s.Resources {
		if s.Resources[i].Identity != nil {
			workloads++
		}
	}
	for i := range s.Principals {
		if s.Principals[i].Type == mivet.TypeUser {
			people++
		}
	}
	t.p.printf("%s\n\n", bold("mivet: a walk through the demo tenant"))
	t.p.printf("A web shop on Azure: %s that carry identities, %s, %s and %s.\n",
		counted(workloads, "resource"), counted(len(s.Identities), "managed identity"),
		counted(people, "person"), counted(len(s.RoleAssignments), "role assignment"))
	t.p.printf("It works, and on the way each mistake that happens with identities has happened once.\n")
	t.p.printf("The tenant is built into mivet: nothing is read from Azure, and nothing is sent.\n")
}

// maxToured is how many subjects with findings the walk shows.
const maxToured = 5

// findings shows the worst of what the rules say, one finding a subject.
func (t *tour) findings(results *vet.Results) {
	t.heading("What is wrong?  mivet scan --demo")
	found := results.Findings()
	count := map[mivet.Severity]int{}
	for i := range found {
		count[found[i].Severity]++
	}
	t.p.printf("%s from %s", counted(len(found), "finding"), counted(len(results.Rules), "rule"))
	for s := mivet.SeverityCritical; s > mivet.SeverityUnset; s-- {
		if count[s] > 0 {
			t.p.printf(", %d %s", count[s], s.String())
		}
	}
	t.p.printf(". The first of them:\n")
	shown := map[string]bool{}
	for i := range found {
		if key := found[i].Subject.Key(); len(shown) < maxToured && !shown[key] {
			shown[key] = true
			t.finding(found[i])
		}
	}
	if more := len(found) - len(shown); more > 0 {
		t.p.printf("\n  and %d more. The full report has the evidence, the consequence and the fix of each.\n", more)
	}
}

func (t *tour) finding(f *mivet.Finding) {
	paint := yellow
	if f.Severity >= mivet.SeverityHigh {
		paint = red
	}
	t.p.printf("\n  %s  %s  %s\n", paint(f.Severity.String()), bold(f.Subject.String()), faint(f.Rule))
	t.p.printf("    %s\n", f.Message)
	if len(f.Evidence) > 0 {
		t.p.printf("    because %s, %s\n", f.Evidence[0].Fact, f.Evidence[0].Source.String())
	}
}

// stop is a question on the way, with what it teaches.
type stop struct {
	title, lesson string
	who           string // empty: who can do it at all
	operation     string
	where         string
}

// stops are the questions of the walk.
func stops() []stop {
	const getSecret = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	return []stop{
		{
			title: "Does Contributor let the orders app read any secret of its vault?", who: "orders-api", operation: getSecret, where: "erp-token",
			lesson: "Contributor holds no data actions. A scanner that looks at role names would have said yes.",
		},
		{
			title: "How does the chat reach the model?", who: "chat-id",
			operation: "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action", where: "shop-openai",
			lesson: "Through a group: nothing at the resource names this identity.",
		},
		{
			title: "May the resizer overwrite a picture?", who: "resizer-id",
			operation: "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", where: "pictures",
			lesson: "It depends on the folder, which the question does not give. What is not known is never a yes or a no;\n" +
				"--attr '@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]=thumbs/1.png' decides it.",
		},
		{
			title: "Who can read the key of the payment provider?", operation: getSecret, where: "stripe-key",
			lesson: "The mail sender is among them: it was given the whole vault for one password.",
		},
	}
}

// stop asks one question as the user would.
func (t *tour) stop(ctx context.Context, s *stop) error {
	command := "mivet who-can " + s.operation + " " + s.where + " --demo"
	if s.who != "" {
		command = "mivet can " + s.who + " " + s.operation + " " + s.where + " --demo"
	}
	t.heading(s.title)
	t.p.printf("$ %s\n\n", faint(command))
	if err := t.ask(ctx, s); err != nil {
		return fmt.Errorf("asking %q: %w", s.title, err)
	}
	t.p.printf("\n%s\n", s.lesson)
	return nil
}

func (t *tour) ask(ctx context.Context, s *stop) error {
	operation, err := t.q.operation(s.operation)
	if err != nil {
		return err
	}
	where, err := t.q.resource(s.where, operation.Provider())
	if err != nil {
		return err
	}
	indented := &indenter{w: t.app.Stdout, prefix: "  ", atStart: true}
	if s.who == "" {
		answer := whoCanAnswer{questions: t.q, query: authz.WhoCanQuery{Operation: operation, Resource: where}}
		if err := answer.ask(ctx); err != nil {
			return err
		}
		return errors.Join(t.p.err, answer.write(indented, formatText, t.p.colour))
	}
	answer := canAnswer{questions: t.q, operation: operation, where: where}
	if answer.who, err = t.q.principal(ctx, s.who); err != nil {
		return err
	}
	answer.ask()
	return errors.Join(t.p.err, answer.write(indented, formatText, t.p.colour))
}

// logs tells in a line each what the logs of the demo tenant hold.
func (t *tour) logs(ctx context.Context) error {
	t.heading("What do its logs tell?")
	u, err := t.app.lookForUrgency(ctx, &urgencyFlags{in: inputFlags{demo: true}}, nil)
	if err != nil {
		return err
	}
	t.p.printf("$ %s\n\n", faint("mivet urgency --demo"))
	for i := range u.report.Urgent {
		x := &u.report.Urgent[i]
		name, _ := u.describe(x.Principal)
		t.p.printf("  %s was refused %s, was given %s over %s, and has it after %s.\n", bold(name), timesWords(x.Count), heldRole(&x.Grant), x.Grant.Scope.Name(), spanWords(x.Lasted))
		t.p.printf("  Did it help? %s.\n", helpWords(x))
		for _, g := range x.Smallest {
			t.p.printf("  What was enough: %s at %s.\n", g.RoleName, g.Scope.Name())
		}
	}
	const night = "--from 2026-11-08 --to 2026-11-09"
	f := forensicsFlags{in: inputFlags{demo: true}, from: "2026-11-08", to: "2026-11-09"}
	l, _, err := t.app.lookBack(ctx, &f, []string{"settlement"})
	if err != nil {
		return err
	}
	t.p.printf("\n$ %s\n\n", faint("mivet forensics settlement "+night+" --demo"))
	t.p.printf("  %s\n", l.short())
	for i := range l.report.Lines {
		if x := &l.report.Lines[i]; x.After != nil {
			t.p.printf("  the first of it that was new: %s after %s\n", spanWords(x.After.Delay), l.changed(&x.After.Change))
			break
		}
	}
	return nil
}

func (t *tour) closing() {
	t.heading("What next")
	for _, line := range []string{
		"mivet scan --demo                    the full report",
		"mivet demo --tenant > shop.tenant    the tenant as text: change it, and ask again with --in shop.tenant",
		"mivet scan plan.json                 your own Terraform plan: terraform show -json FILE > plan.json",
		"mivet help                           all commands",
	} {
		t.p.printf("  %s\n", line)
	}
}

// indenter puts a prefix before each line that is not empty.
type indenter struct {
	w       io.Writer
	prefix  string
	atStart bool
}

func (i *indenter) Write(b []byte) (int, error) {
	var out bytes.Buffer
	for _, c := range b {
		if i.atStart && c != '\n' {
			out.WriteString(i.prefix)
		}
		i.atStart = c == '\n'
		out.WriteByte(c)
	}
	if _, err := i.w.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}
