// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/review"
)

func (a *app) revokeCommand() *cobra.Command {
	var in inputFlags
	var out output
	cmd := &cobra.Command{
		Use:     "revoke IDENTITY [INPUT...]",
		Short:   "plan the offboarding of an identity: what to take, in which order, and what still counts after",
		GroupID: groupQuestions,
		Example: "  mivet revoke orders-api --in prod.mivet\n" +
			"  mivet revoke orders-api --in prod.mivet --format az > revoke.sh\n" +
			"  mivet revoke orders-api --in prod.mivet --format rollback > back.sh",
		Long: "Lists everything that an identity holds: role assignments, eligible ones too, access policies, roles\n" +
			"of Cosmos DB and managed HSMs, groups, application permissions, roles of the directory, federated\n" +
			"credentials; what presents it and stops working; databases that may have a user for it; how long\n" +
			"tokens that were issued still count; what it could read and may have kept; and what cannot be seen.\n\n" +
			"The steps are in an order in which nothing that was taken can be used or given back by what is still\n" +
			"there, and the identity goes last. Nothing is changed by mivet.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.revoke(ctx, &in, &out, args) }),
	}
	in.register(cmd)
	out.register(cmd, formatText, formatJSON, review.FormAz, review.FormRollback)
	cmd.ValidArgsFunction = a.completeArgs(&in, completeIdentity)
	return cmd
}

func (a *app) revoke(ctx context.Context, in *inputFlags, out *output, args []string) (int, error) {
	if _, err := out.targets(); err != nil {
		return exitUsage, err
	}
	x, err := a.prepareReview(ctx, in, &contractFlags{}, args[1:])
	if err != nil {
		return exitFailed, err
	}
	who, err := x.principal(ctx, args[0])
	if err != nil {
		return exitFailed, err
	}
	cat, err := a.catalog()
	if err != nil {
		return exitFailed, err
	}
	plan := review.Revoke(who, &review.RevokeOptions{Snapshot: x.snap, Catalog: cat, Engine: x.engine, At: x.at})
	return exitOK, a.emit(out, func(w io.Writer, format string, colour bool) error {
		switch format {
		case formatJSON:
			return writeAnswer(w, "revoke", plan)
		case review.FormAz:
			return revokeScript(w, plan)
		case review.FormRollback:
			return revokeBack(w, plan)
		}
		return revokeText(newPrinter(w, colour), plan, x.title(who))
	})
}

func revokeText(p *printer, o *review.Offboarding, title string) error {
	held := 0
	for i := range o.Steps {
		for j := range o.Steps[i].Actions {
			if o.Steps[i].Actions[j].Edit != nil {
				held++
			}
		}
	}
	p.printf("%s: %s in %s\n", bold(title), counted(held, "change"), counted(len(o.Steps), "step"))
	if len(o.Breaks) > 0 {
		p.printf("\n%s\n", bold("Stops working"))
		for _, b := range o.Breaks {
			p.printf("  %s\n", b)
		}
	}
	for i := range o.Steps {
		s := &o.Steps[i]
		p.printf("\n%s\n  %s\n", bold(fmt.Sprintf("%d. %s", i+1, s.Title)), s.Why)
		for _, x := range s.Actions {
			p.printf("  - %s\n      %s\n", x.What, x.Command)
		}
	}
	if len(o.Databases) > 0 {
		p.printf("\n%s\n", bold("In databases, before the identity is deleted"))
		for i := range o.Databases {
			d := &o.Databases[i]
			p.printf("  %s\n      %s\n      %s;\n      %s;\n", d.Database, d.Known, d.Find, d.Drop)
		}
	}
	p.printf("\n%s\n", bold("How long what was issued still counts"))
	for _, t := range o.Tokens {
		p.printf("  %s\n      %s\n", t.Fact, t.Source)
	}
	revokeList(p, "What it could read, and may have kept", o.Copies)
	revokeList(p, "Deny assignments that name it: they stay, and do no harm", o.Denies)
	revokeList(p, "Not seen", o.NotSeen)
	revokeList(p, "The way back does not bring back", o.Lost)
	p.printf("\n--format az writes the script, --format rollback the way back. Nothing is changed by mivet.\n")
	return p.err
}

func revokeList(p *printer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.printf("\n%s\n", bold(title))
	for _, l := range lines {
		p.printf("  %s\n", l)
	}
}

// revokeScript writes the commands step by step. What a person has to do is a comment.
func revokeScript(w io.Writer, o *review.Offboarding) error {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(oneLine(fmt.Sprintf(format, args...)) + "\n") }
	b.WriteString("#!/bin/sh\n")
	line("# offboarding of %s (%s), facts %s", o.Name, o.Principal, o.Facts)
	b.WriteString("# Read it first: it stops at the first error. The last steps come a day later, with the word last: sh revoke.sh last\n" +
		"set -eu\nif [ \"${1:-}\" != last ]; then\n")
	for i := range o.Steps {
		s := &o.Steps[i]
		b.WriteString("\n")
		line("# %d. %s: %s", i+1, s.Title, s.Why)
		if s.Title == review.WaitStep {
			for i := range o.Databases {
				d := &o.Databases[i]
				line("# database %s: %s; then %s", d.Database, d.Find, d.Drop)
			}
			b.WriteString("echo 'wait 24 hours, look at the logs, then run the last steps'; exit 0\nfi\n")
			continue
		}
		for _, x := range s.Actions {
			line("# %s", x.What)
			b.WriteString(x.Command + "\n")
		}
	}
	for _, n := range o.NotSeen {
		line("# not seen: %s", n)
	}
	_, err := io.WriteString(w, cleanStyled(b.String()))
	return err
}

// revokeBack undoes the steps, the last first.
func revokeBack(w io.Writer, o *review.Offboarding) error {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# way back of the offboarding of " + oneLine(o.Name) + " (" + string(o.Principal) + ")\nset -eu\n")
	for _, l := range o.Lost {
		b.WriteString("# " + oneLine(l) + "\n")
	}
	for _, s := range slices.Backward(o.Steps) {
		for _, x := range slices.Backward(s.Actions) {
			if x.Undo != "" {
				b.WriteString("# " + oneLine(x.What) + "\n" + x.Undo + "\n")
			}
		}
	}
	_, err := io.WriteString(w, cleanStyled(b.String()))
	return err
}
