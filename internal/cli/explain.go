// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/report"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/vet"
)

func (a *app) explainCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:     "explain [RULE]",
		Short:   "the page of a rule: why it matters, how to fix it, when it is right",
		GroupID: groupOther,
		Example: "  mivet explain               all rules in a list\n" +
			"  mivet explain broad-scope   the page of one",
		Args: a.args(0, 1),
		RunE: a.run(func(_ context.Context, args []string) (int, error) { return a.explain(&out, args) }),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var ids []cobra.Completion
			for _, r := range rules.All() {
				ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Title))
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	out.register(cmd, formatText, formatJSON)
	return cmd
}

func (a *app) explain(out *output, ids []string) (int, error) {
	chosen, err := chooseRules(ids)
	if err != nil {
		return exitUsage, err
	}
	if _, err := a.catalog(); err != nil {
		return exitFailed, err
	}
	var pages []rulePage
	for _, r := range chosen {
		pages = append(pages, a.page(r))
	}
	return exitOK, a.emit(out, func(w io.Writer, format string, colour bool) error {
		if format == formatJSON {
			return writeAnswer(w, "explain", explainJSON{1, pages})
		}
		p := newPrinter(w, colour)
		if len(ids) == 0 {
			listRules(p, pages)
		} else {
			pages[0].show(p)
		}
		return p.err
	})
}

// explainJSON are rules for machines.
type explainJSON struct {
	SchemaVersion int        `json:"schemaVersion"`
	Rules         []rulePage `json:"rules"`
}

// rulePage is a rule as it is explained.
type rulePage struct {
	ID       string                    `json:"id"`
	Title    string                    `json:"title"`
	Category string                    `json:"category"`
	Severity mivet.Severity            `json:"severity"`
	Needs    []mivet.FactKind          `json:"needs"`
	Since    string                    `json:"since"`
	Aliases  []string                  `json:"aliases,omitzero"`
	Controls []report.ControlReference `json:"controls"`
	// Page is the rule's page in Markdown.
	Page string `json:"page"`
}

func (a *app) page(r *vet.Rule) rulePage {
	return rulePage{
		ID: r.ID, Title: r.Title, Category: r.Category, Severity: r.Severity, Needs: r.Needs, Since: r.Since,
		Aliases: r.Aliases, Controls: append([]report.ControlReference{}, report.Controls(a.facts.catalog, r)...), Page: r.Doc,
	}
}

func (r *rulePage) show(p *printer) {
	p.printf("%s\n", strings.TrimSpace(r.Page))
	p.printf("\nCategory %s, severity %s where nothing of the reach is known, since %s.\n", r.Category, r.Severity.String(), r.Since)
	for _, c := range r.Controls {
		p.printf("  %s %s  %s\n", c.Framework, c.ID, c.Title)
	}
}

func listRules(p *printer, pages []rulePage) {
	width := 0
	for i := range pages {
		width = max(width, len(pages[i].ID))
	}
	for i := range pages {
		p.printf("%-*s  %s\n", width, pages[i].ID, pages[i].Title)
	}
}
