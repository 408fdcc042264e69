// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/mivet/mivet/vet"
)

// Markdown writes a run for a job summary or a comment of a pull request: counts, the
// fixes that matter first, then each finding folded up.
type Markdown struct {
	w io.Writer
	kept
}

// NewMarkdown returns a handler that writes to w.
func NewMarkdown(w io.Writer) *Markdown { return &Markdown{w: w} }

// Handle keeps messages and writes with the last.
func (m *Markdown) Handle(msg Message) error {
	if !m.keep(msg) {
		return nil
	}
	var b strings.Builder
	m.head(&b)
	m.fixes(&b)
	m.list(&b)
	m.open(&b)
	if _, err := io.WriteString(m.w, b.String()); err != nil {
		return fmt.Errorf("writing Markdown: %w", err)
	}
	return nil
}

func (m *Markdown) head(b *strings.Builder) {
	s, r := m.summary, m.run
	total := 0
	for _, n := range s.Findings {
		total += n
	}
	fmt.Fprintf(b, "## mivet: %s (%s)\n\n", vet.Count(total, "finding"), bySeverity(s.Findings))
	fmt.Fprintf(b, "Looked at %s: %s, %s, %s. %s passed%s.\n\n", md(strings.Join(r.Inputs, ", ")),
		vet.Count(r.Counts.Resources, "resource"), vet.Count(r.Counts.Identities, "identity"),
		vet.Count(r.Counts.Assignments, "role assignment"), vet.Count(s.Passed, "check"), accepted(s))
	if s.Undecided > 0 {
		fmt.Fprintf(b, "Not decided: %s.", vet.Count(len(questions(m.undecided)), "question"))
		if len(s.Wanted) > 0 {
			b.WriteString(" " + md(wanted(&s.Wanted[0])))
		}
		b.WriteString("\n\n")
	}
}

func (m *Markdown) fixes(b *strings.Builder) {
	if len(m.summary.Fixes) == 0 {
		return
	}
	b.WriteString("| | severity | what | fix | removes |\n|---|---|---|---|---|\n")
	for i := range m.summary.Fixes[:min(10, len(m.summary.Fixes))] {
		g := &m.summary.Fixes[i]
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s |\n", i+1, g.Severity, md(g.Subject.String()), md(g.Fix.Summary),
			vet.Count(len(g.Fingerprints), "finding"))
	}
	b.WriteString("\n")
}

func (m *Markdown) list(b *strings.Builder) {
	for _, f := range m.findings {
		if f.State != Open {
			continue
		}
		fmt.Fprintf(b, "<details><summary><b>%s</b> %s: %s</summary>\n\n", f.Severity, f.Rule, md(f.Message))
		for _, e := range f.Evidence {
			fmt.Fprintf(b, "- %s: %s (%s)\n", e.Kind, md(e.Fact), md(e.Source.String()))
		}
		fmt.Fprintf(b, "\nLeads to: %s.\n\nFix: %s.\n", md(f.Consequence), md(f.Fix.Summary))
		if f.Fix.Check != "" {
			fmt.Fprintf(b, "\nCheck: %s.\n", md(f.Fix.Check))
		}
		if f.Fix.Command != "" {
			fence := "```"
			for strings.Contains(f.Fix.Command, fence) {
				fence += "`"
			}
			fmt.Fprintf(b, "\n%ssh\n%s\n%s\n", fence, clean(f.Fix.Command), fence)
		}
		fmt.Fprintf(b, "\n`%s`\n\n</details>\n\n", f.Fingerprint)
	}
}

func (m *Markdown) open(b *strings.Builder) {
	if len(m.undecided) == 0 {
		return
	}
	b.WriteString("<details><summary>Not decided</summary>\n\n")
	for _, u := range unknowns(questions(m.undecided)) {
		facts := ""
		if len(u.facts) > 0 {
			facts = ", " + factWords(u.facts)
		}
		fmt.Fprintf(b, "- %s%s: %s (%s)\n", md(vet.AtMost(u.subjects, maxSubjects)), facts, md(u.reason), vet.List(u.rules))
	}
	b.WriteString("\n</details>\n")
}

var mdEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`,
	"@", "@\u200b", "\n", " ", "\r", " ",
)

// md writes a text so that Markdown shows it as it is, and no name in it becomes a link,
// a mention or a table cell.
func md(s string) string { return mdEscapes.Replace(clean(s)) }

// MarkdownText writes a text so that Markdown shows it as it is, for reports of other
// commands.
func MarkdownText(s string) string { return md(s) }
