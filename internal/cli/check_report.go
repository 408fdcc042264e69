// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/report"
	"github.com/mivet/mivet/vet"
)

// The forms for pipelines: a comment of a pull request, and what forges show in the code.

// accessFirst are the effects that are changes of access, in the order of a comment.
var accessFirst = []string{"lost", "gap", "gained", "stranded", "impossible", "broad", "swept", "selectors_broken", "recycled", "destroyed", "created", "rebound", "unmanaged"}

func effectTitle(list string) string {
	for _, e := range effects {
		if e.list == list {
			return e.title
		}
	}
	return list
}

// writeMarkdown writes a short report for a pull request, the change in access first.
func (c *checked) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	code, err := c.code()
	if err != nil {
		return err
	}
	verdict := map[int]string{exitOK: "nothing to look at", exitFound: "somebody has to look", exitUndecided: "something is not decided"}[code]
	fmt.Fprintf(&b, "## mivet: %s\n\n", verdict)
	if c.agreed != nil {
		c.agreed.markdown(&b)
	}
	rows := 0
	for _, list := range accessFirst {
		for _, d := range c.Details {
			if d.What != list {
				continue
			}
			if rows++; rows == 1 {
				b.WriteString("| change | where | what |\n|---|---|---|\n")
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", effectTitle(list), report.MarkdownText(d.Address), report.MarkdownText(d.Text))
		}
	}
	if rows == 0 {
		b.WriteString("No principal, grant or selector changes in a way that somebody has to look at.\n")
	}
	fmt.Fprintf(&b, "\n%s in %s", counted(len(c.plan.Steps), "object"), report.MarkdownText(c.file))
	if c.plan.Tenant != nil {
		fmt.Fprintf(&b, ", over %s", report.MarkdownText(strings.Join(c.plan.Tenant.Inputs, ", ")))
	}
	b.WriteString(".\n")
	_, err = io.WriteString(w, b.String())
	return err
}

func (h *held) markdown(b *strings.Builder) {
	passed := 0
	var rows []string
	for i := range h.tests {
		t := &h.tests[i]
		if t.Verdict == change.Passed {
			passed++
			continue
		}
		rows = append(rows, fmt.Sprintf("| **%s** | %s %s | %s | %s | %s |", t.Verdict, report.MarkdownText(t.Identity), report.MarkdownText(t.Test), t.Before, t.During, t.After))
	}
	if len(rows) > 0 {
		b.WriteString("| access test | | before | during | after |\n|---|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n\n")
	}
	if len(h.tests) > 0 {
		fmt.Fprintf(b, "%d of %s of %s pass.\n\n", passed, counted(len(h.tests), "access test"), report.MarkdownText(h.terms.contract.Title()))
		if h.stuck() {
			fmt.Fprintf(b, "Undecided: %s.\n\n", onlyPlan)
		}
	}
	for _, w := range h.waits {
		fmt.Fprintf(b, "- **stage before**: %s\n", report.MarkdownText(w))
	}
	for _, f := range h.results.Findings() {
		fmt.Fprintf(b, "- **%s**: %s. Fix: %s.\n", f.Rule, report.MarkdownText(f.Message), report.MarkdownText(f.Fix.Summary))
	}
	for _, d := range h.differs {
		fmt.Fprintf(b, "- only in %s: %s: %s\n", report.MarkdownText(d.Stage), report.MarkdownText(d.Identity), report.MarkdownText(d.Access))
	}
	if len(h.waits)+len(h.differs)+len(h.results.Findings()) > 0 {
		b.WriteString("\n")
	}
}

// asResults turns what a plan does into results of rules, for the forms that show findings in
// the code. Places are those in the HCL beside the plan where they are found.
func (c *checked) asResults(a *app) (*vet.Results, error) {
	res := &vet.Results{Now: a.Clock().UTC(), TakenAt: c.plan.After.TakenAt, Inputs: []string{c.file}}
	if c.agreed != nil {
		*res = *c.agreed.results
		res.Rules = slices.Clone(res.Rules)
	}
	for _, e := range effects {
		if e.leads == "" {
			continue
		}
		r := vet.Result{Rule: effectRule(e.list, e.title, e.leads, e.fix)}
		for _, d := range c.Details {
			if d.What == e.list {
				r.Findings = append(r.Findings, effectFinding(r.Rule, &d, e.leads, e.fix))
			}
		}
		res.Rules = append(res.Rules, r)
	}
	if c.agreed != nil {
		res.Rules = append(res.Rules, c.agreed.testResult())
	}
	places, err := hclPlaces(c.file)
	if err != nil {
		return nil, err
	}
	for i := range res.Rules {
		res.Rules[i].Findings = slices.Clone(res.Rules[i].Findings)
		for j := range res.Rules[i].Findings {
			f := &res.Rules[i].Findings[j]
			f.Source = places.of(f.Source)
		}
	}
	return res, nil
}

// effectRule is a rule that stands for one effect of a plan.
func effectRule(list, title, leads, fix string) *vet.Rule {
	id := "plan-" + strings.ReplaceAll(list, "_", "-")
	return &vet.Rule{
		ID: id, Title: title, Category: "change", Severity: mivet.SeverityHigh, Class: "contract-violated", Since: "0.1.0",
		Needs: []mivet.FactKind{mivet.FactResources},
		Doc: fmt.Sprintf("# %s\n\n%s.\n\n## Why it matters\n\n%s.\n\n## How to fix it\n\n%s.\n\n## When it is right\n\nWhen it is meant.\n\n## Sources\n\ndocs/contract.md\n",
			id, title, leads, fix),
	}
}

func effectFinding(r *vet.Rule, d *change.Detail, leads, fix string) mivet.Finding {
	s := mivet.Subject{Address: d.Address, Name: d.Address}
	return mivet.Finding{
		Rule: r.ID, Severity: r.Severity, Subject: s, Source: d.Source, Fingerprint: vet.Fingerprint(r.ID, s, d.Text),
		Message: fmt.Sprintf("%s: %s", r.Title, d.Text), Consequence: leads,
		Evidence: []mivet.Evidence{{Kind: mivet.Predicted, Fact: d.Text, Source: d.Source}},
		Fix:      mivet.Fix{Summary: fix, Command: "mivet check"},
	}
}

// testResult are the access tests of a contract that fail, as findings.
func (h *held) testResult() vet.Result {
	r := effectRule("access-test", "access test of the contract that fails", "the workload is refused, or can do what was ruled out", "let the grants follow without a gap, or change the test")
	out := vet.Result{Rule: r}
	for i := range h.tests {
		t := &h.tests[i]
		s := mivet.Subject{Name: t.Identity, Address: t.Identity}
		switch t.Verdict {
		case change.Failed:
			text := fmt.Sprintf("%s %s: it is %s before, %s during and %s after", t.Identity, t.Test, t.Before, t.During, t.After)
			out.Findings = append(out.Findings, mivet.Finding{
				Rule: r.ID, Severity: r.Severity, Subject: s, Source: t.Source, Fingerprint: vet.Fingerprint(r.ID, s, t.Test), Message: text,
				Consequence: "the workload is refused, or can do what was ruled out",
				Evidence:    []mivet.Evidence{{Kind: mivet.Predicted, Fact: text, Source: t.Source}},
				Fix:         mivet.Fix{Summary: "let the grants follow without a gap, or change the test", Command: "mivet check"},
			})
		case change.Undecided:
			out.Undecided = append(out.Undecided, vet.Undecided{Rule: r.ID, Subject: s, Reason: t.Test + ": " + t.Why, Source: t.Source})
		case change.Passed:
			out.Passed++
		}
	}
	return out
}
