// SPDX-License-Identifier: Apache-2.0

package report

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed page.html.tmpl
var pageTemplate string

// HTML writes a run as one page without scripts, pictures or anything else to load. It
// works from a file and prints well. Findings that the same fix removes stand together.
type HTML struct {
	w io.Writer
	kept
}

// NewHTML returns a handler that writes to w.
func NewHTML(w io.Writer) *HTML { return &HTML{w: w} }

// Handle keeps messages and writes with the last.
func (h *HTML) Handle(m Message) error {
	if !h.keep(m) {
		return nil
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"count": vet.Count, "time": htmlTime, "day": csvDay, "list": strings.Join, "short": func(s string) string { return s[:min(12, len(s))] },
		"reach": func(r *mivet.Reach) string {
			if r == nil || !r.Grants && r.Changes+r.Data+r.Secrets == 0 {
				return ""
			}
			return vet.ReachWords(r)
		},
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("reading the template of the page: %w", err)
	}
	if err := t.Execute(h.w, h.page()); err != nil {
		return fmt.Errorf("writing HTML: %w", err)
	}
	return nil
}

func htmlTime(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

type htmlPage struct {
	Run        *Run
	Summary    *Summary
	Severities []htmlCount
	Total      int
	Wanted     string
	Groups     []htmlGroup
	Others     []*FindingMessage // known and suppressed
	Undecided  []htmlQuestion
	Rules      []*RuleMessage
}

type htmlQuestion struct {
	Rules, Subjects, Facts, Reason, Permission string
}

type htmlCount struct {
	Severity mivet.Severity
	Count    int
}

type htmlGroup struct {
	Number   int
	Fix      vet.FixGroup
	Findings []*FindingMessage
}

func (h *HTML) page() *htmlPage {
	run := *h.run
	run.Inputs = cleanAll(run.Inputs)
	p := &htmlPage{Run: &run, Summary: h.summary, Rules: h.rules}
	for _, u := range unknowns(questions(h.undecided)) {
		p.Undecided = append(p.Undecided, htmlQuestion{
			Rules: vet.List(u.rules), Subjects: vet.AtMost(u.subjects, maxSubjects), Facts: factWords(u.facts),
			Reason: clean(u.reason), Permission: clean(u.permission),
		})
	}
	for _, s := range slices.Backward(slices.Sorted(maps.Keys(h.summary.Findings))) {
		p.Severities = append(p.Severities, htmlCount{s, h.summary.Findings[s]})
		p.Total += h.summary.Findings[s]
	}
	if len(h.summary.Wanted) > 0 {
		p.Wanted = clean(wanted(&h.summary.Wanted[0]))
	}
	byPrint := map[string]*FindingMessage{}
	for _, f := range h.findings {
		f = cleanFinding(f)
		if f.State != Open {
			p.Others = append(p.Others, f)
			continue
		}
		byPrint[f.Fingerprint] = f
	}
	for i, g := range h.summary.Fixes {
		g.Subject, g.Fix = cleanSubject(g.Subject), cleanFix(g.Fix)
		group := htmlGroup{Number: i + 1, Fix: g}
		for _, fp := range g.Fingerprints {
			if f := byPrint[fp]; f != nil {
				group.Findings = append(group.Findings, f)
			}
		}
		p.Groups = append(p.Groups, group)
	}
	return p
}
