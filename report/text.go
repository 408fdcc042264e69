// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

// MaxLines is how many lines the text of one finding may have.
const MaxLines = 12

// maxFindings is how many findings a person may read at one time, and maxOthers how many
// that the fix of another one removes.
const (
	maxFindings = 200
	maxOthers   = 5
)

// TextOptions say how text looks.
type TextOptions struct {
	// Color turns ANSI colours on. They repeat what a word beside them says.
	Color bool
	// Width is where lines are broken, in characters; zero: 100. Commands are not broken,
	// so that they can be copied.
	Width int
	// Fixes is how many fixes are listed first; zero: 10.
	Fixes int
	// Findings is how many findings are written; zero: 200, below zero: all. How many more
	// there are is said at the end.
	Findings int
	// Undecided lists each thing that could not be decided, not only the sum.
	Undecided bool
}

// Text writes a run for people. Findings are kept until the summary comes, since the
// text opens with what was decided, what was not, and what to do first. Findings that the
// same fix removes stand together: the first in full, the others in a line.
type Text struct {
	w io.Writer
	o TextOptions
	kept
}

// NewText returns a handler that writes to w.
func NewText(w io.Writer, o TextOptions) *Text {
	if o.Width == 0 {
		o.Width = 100
	}
	if o.Fixes == 0 {
		o.Fixes = 10
	}
	switch {
	case o.Findings == 0:
		o.Findings = maxFindings
	case o.Findings < 0:
		o.Findings = math.MaxInt
	}
	return &Text{w: w, o: o}
}

// Handle takes one message, and writes when it is the summary.
func (t *Text) Handle(m Message) error {
	if !t.keep(m) {
		return nil
	}
	return t.write(t.summary)
}

func (t *Text) write(s *Summary) error {
	p := &printer{w: t.w, o: t.o, left: t.o.Findings}
	t.opening(p, s)
	t.fixes(p, s)
	byPrint := map[string]*FindingMessage{}
	for _, f := range t.findings {
		byPrint[f.Fingerprint] = f
	}
	for i := 0; i < len(s.Fixes) && p.left > 0; i++ {
		p.group(&s.Fixes[i], byPrint)
	}
	for _, f := range t.findings { // those that no fix of the summary names
		if p.left > 0 && byPrint[f.Fingerprint] != nil && f.State == Open {
			p.line("")
			p.finding(f.Finding, nil)
			p.left--
		}
	}
	t.more(p)
	t.rest(p)
	t.closing(p, s)
	if p.err != nil {
		return fmt.Errorf("writing text: %w", p.err)
	}
	return nil
}

// group writes the findings of one fix, and takes them from the map.
func (p *printer) group(g *vet.FixGroup, byPrint map[string]*FindingMessage) {
	var all []*mivet.Finding
	for _, fp := range g.Fingerprints {
		if f := byPrint[fp]; f != nil && f.State == Open {
			all = append(all, f.Finding)
			delete(byPrint, fp)
		}
	}
	if len(all) == 0 {
		return
	}
	room := p.left
	if p.o.Findings != math.MaxInt {
		room = min(room, 1+maxOthers)
	}
	shown := all[:min(len(all), room)]
	p.line("")
	p.finding(shown[0], shown[1:])
	if more := len(all) - len(shown); more > 0 {
		p.line(partIndent + "and " + vet.Count(more, "finding") + " more that this fix removes (--all lists them)")
	}
	p.left -= len(shown)
}

// open counts the findings that are neither suppressed nor known.
func (t *Text) open() int {
	n := 0
	for _, f := range t.findings {
		if f.State == Open {
			n++
		}
	}
	return n
}

// more says how many findings were left out, and how to see them.
func (t *Text) more(p *printer) {
	if left := t.open() - (t.o.Findings - p.left); left > 0 {
		p.line("")
		p.wrap("", "  ", "%s not shown: --all lists every one, and so do all other formats, as --format json.", areMore(left))
	}
}

func areMore(n int) string {
	if n == 1 {
		return "1 finding more is"
	}
	return vet.Count(n, "finding") + " more are"
}

// opening says what was decided, what was not, and what would decide most.
func (t *Text) opening(p *printer, s *Summary) {
	r := t.run
	if r == nil {
		r = &Run{}
	}
	p.wrap("", "  ", "Looked at %s%s: %s, %s, %s.", clean(strings.Join(r.Inputs, ", ")), age(r),
		vet.Count(r.Counts.Resources, "resource"), vet.Count(r.Counts.Identities, "identity"), vet.Count(r.Counts.Assignments, "role assignment"))
	total := 0
	for _, n := range s.Findings {
		total += n
	}
	p.wrap("", "  ", "Decided: %s passed, %s (%s)%s.", vet.Count(s.Passed, "check"), vet.Count(total, "finding"), bySeverity(s.Findings), accepted(s))
	if s.Undecided == 0 {
		p.wrap("", "  ", "Not decided: nothing; %s ran.", vet.Count(len(t.rules), "rule"))
		return
	}
	p.wrap("", "  ", "Not decided: %s of %s.", vet.Count(len(questions(t.undecided)), "question"), vet.Count(s.Rules[vet.NotAssessed]+undecidedRules(t.rules), "rule"))
	if len(s.Wanted) > 0 {
		p.wrap("", "  ", "%s", clean(wanted(&s.Wanted[0])))
	}
}

func wanted(w *vet.Want) string {
	switch {
	case w.Permission == "" && w.Facts == "":
		return fmt.Sprintf("The first reason: %s.", w.Reason)
	case w.Permission == "":
		return fmt.Sprintf("Most of it hangs on %s that are not known: %s.", w.Facts, w.Reason)
	}
	return fmt.Sprintf("One permission decides most of it: %s (%s of %s).", w.Permission, vet.Count(w.Decides, "question"), vet.Count(len(w.Rules), "rule"))
}

// undecidedRules counts the rules with findings that could not decide everything.
func undecidedRules(rules []*RuleMessage) int {
	n := 0
	for _, r := range rules {
		if r.Outcome != vet.NotAssessed && r.Undecided > 0 {
			n++
		}
	}
	return n
}

func accepted(s *Summary) string {
	var parts []string
	if s.Suppressed > 0 {
		parts = append(parts, fmt.Sprintf("%d suppressed", s.Suppressed))
	}
	if s.Known > 0 {
		parts = append(parts, fmt.Sprintf("%d known from the baseline", s.Known))
	}
	if s.Advice > 0 {
		parts = append(parts, fmt.Sprintf("%d of them advice", s.Advice))
	}
	if len(parts) == 0 {
		return ""
	}
	return ", " + strings.Join(parts, ", ")
}

func age(r *Run) string {
	if r.TakenAt.IsZero() {
		return ""
	}
	text := " (of " + r.TakenAt.UTC().Format(time.RFC3339)
	if days := int(r.Now.Sub(r.TakenAt).Hours() / 24); !r.Now.IsZero() && days > 0 {
		text += ", " + vet.Count(days, "day") + " ago"
	}
	return text + ")"
}

func bySeverity(n map[mivet.Severity]int) string {
	var parts []string
	for _, s := range slices.Backward(slices.Sorted(maps.Keys(n))) {
		parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// fixes lists what to do first.
func (t *Text) fixes(p *printer, s *Summary) {
	if len(s.Fixes) < 2 {
		return
	}
	p.line("")
	p.line("Fix first:")
	for i := range s.Fixes[:min(len(s.Fixes), t.o.Fixes)] {
		g := &s.Fixes[i]
		p.wrap(fmt.Sprintf("%3d. ", i+1), "     ", "%s %s: %s%s", p.severity(g.Severity), clean(g.Subject.String()), clean(g.Fix.Summary), removes(g))
	}
	if more := len(s.Fixes) - t.o.Fixes; more > 0 {
		where := ", each below its finding"
		if t.open() > t.o.Findings {
			where = ""
		}
		p.line("     and " + vet.Count(more, "fix") + " more" + where)
	}
}

func removes(g *vet.FixGroup) string {
	if len(g.Fingerprints) == 1 {
		return ""
	}
	return fmt.Sprintf("; this removes %s", vet.Count(len(g.Fingerprints), "finding"))
}

// rest lists rules that failed and, if asked for, what could not be decided.
func (t *Text) rest(p *printer) {
	for _, r := range t.rules {
		if r.Error != "" {
			p.line("")
			p.wrap("", "  ", "ERROR %s: %s", r.ID, clean(r.Error))
		}
	}
	if !t.o.Undecided || len(t.undecided) == 0 {
		return
	}
	p.line("")
	p.line("Not decided:")
	for _, u := range unknowns(questions(t.undecided)) {
		permission, facts := "", ""
		if u.permission != "" {
			permission = "; needs " + clean(u.permission)
		}
		if len(u.facts) > 0 {
			facts = ", " + factWords(u.facts)
		}
		p.wrap("  ", "    ", "%s%s: %s%s (%s)", vet.AtMost(u.subjects, maxSubjects), facts, clean(u.reason), permission, vet.List(u.rules))
	}
}

// maxSubjects is how many subjects of one reason are named.
const maxSubjects = 6

func (t *Text) closing(p *printer, s *Summary) {
	if len(t.findings) > 0 {
		p.line("")
		p.line("More about a rule: mivet explain RULE")
		p.line("A fix as az, Terraform, Bicep or patch, checked again: mivet fix NUMBER INPUT")
	}
	if s.Undecided > 0 && !t.o.Undecided {
		p.line("")
		p.line("Everything that was not decided: mivet scan --undecided")
	}
}

// printer writes lines and keeps the first error.
type printer struct {
	w   io.Writer
	o   TextOptions
	err error
	// left is how many findings may still be written.
	left int
}

func (p *printer) line(s string) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(s, " "))
	}
}

func (p *printer) wrap(first, next, format string, args ...any) {
	for _, l := range wrapText(first, next, fmt.Sprintf(format, args...), p.o.Width) {
		p.line(l)
	}
}

// finding writes one finding in at most MaxLines lines: what cannot be left out first,
// then as much evidence as fits. Others that the same fix removes follow, a line each.
func (p *printer) finding(f *mivet.Finding, others []*mivet.Finding) {
	head := []string{p.severity(f.Severity) + " " + f.Rule + "  " + clean(f.Subject.String()) + "  " + short(f) + p.due(f)}
	head = append(head, p.part("what", f.Message, 2)...)
	tail := p.part("leads to", f.Consequence, 2)
	tail = append(tail, p.part("fix", f.Fix.Summary, 2)...)
	tail = append(tail, p.part("check", f.Fix.Check, 1)...)
	tail = append(tail, commands(f)...)
	for _, l := range head {
		p.line(l)
	}
	for _, l := range p.evidence(f.Evidence, MaxLines-len(head)-len(tail)) {
		p.line(l)
	}
	for _, l := range tail {
		p.line(l)
	}
	for _, o := range others {
		for _, l := range cut(wrapText("  and       ", partIndent, clean(o.Rule+" ("+o.Severity.String()+", "+short(o)+"): "+o.Message), p.o.Width), 2) {
			p.line(l)
		}
	}
}

// short is the beginning of a fingerprint, long enough to name the finding.
func short(f *mivet.Finding) string { return f.Fingerprint[:min(12, len(f.Fingerprint))] }

const partIndent = "            "

// part writes a labelled text in at most n lines.
func (p *printer) part(label, text string, n int) []string {
	if text == "" {
		return nil
	}
	return cut(wrapText(fmt.Sprintf("  %-10s", label), partIndent, clean(text), p.o.Width), n)
}

// cut keeps n lines; what is left out is marked.
func cut(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	lines = lines[:n]
	lines[n-1] += " …"
	return lines
}

func (p *printer) evidence(es []mivet.Evidence, room int) []string {
	var out []string
	label := "because"
	for i, e := range es {
		text := e.Fact
		if !e.Source.IsZero() {
			text += " [" + e.Source.String() + "]"
		}
		if e.Kind != mivet.Configured {
			text = string(e.Kind) + ": " + text
		}
		left := room - len(out)
		more := len(es) - i
		lines := p.part(label, text, 2)
		if i == 0 && more > 1 && len(lines) >= left {
			lines = cut(lines, max(1, left-1)) // at least one fact is always said
		}
		if len(lines) > left || (len(lines) == left && more > 1) {
			if left > 0 {
				out = append(out, fmt.Sprintf("  %-10sand %s more (--format json shows all)", label, vet.Count(more, "fact")))
			}
			return out
		}
		out = append(out, lines...)
		label = ""
	}
	return out
}

// commands shows at most two lines of a finding's command.
func commands(f *mivet.Finding) []string {
	if f.Fix.Command == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(clean(f.Fix.Command)), "\n")
	label := "run"
	var out []string
	for i, l := range lines {
		if i == 1 && len(lines) > 2 {
			return append(out, fmt.Sprintf("%sand %s more (--format json shows all)", partIndent, vet.Count(len(lines)-1, "command")))
		}
		out = append(out, fmt.Sprintf("  %-10s%s", label, l))
		label = ""
	}
	return out
}

func (p *printer) due(f *mivet.Finding) string {
	text := ""
	if !f.FirstSeen.IsZero() {
		text += "  since " + f.FirstSeen.UTC().Format(time.DateOnly)
	}
	if !f.Due.IsZero() {
		text += "  due " + f.Due.UTC().Format(time.DateOnly)
	}
	if f.Advice {
		text += "  advice"
	}
	return text
}

var severityColor = map[mivet.Severity]string{
	mivet.SeverityCritical: "1;31", mivet.SeverityHigh: "31", mivet.SeverityMedium: "33", mivet.SeverityLow: "36",
}

// severity writes the word in capitals, coloured if wanted.
func (p *printer) severity(s mivet.Severity) string {
	word := strings.ToUpper(s.String())
	if c := severityColor[s]; p.o.Color && c != "" {
		return "\x1b[" + c + "m" + word + "\x1b[0m"
	}
	return word
}

// wrapText breaks a text at blanks. A word that is longer than a line stands alone.
func wrapText(first, next, text string, width int) []string {
	var out []string
	line, used := first, false
	for word := range strings.FieldsSeq(text) {
		if used && visible(line)+1+visible(word) > width {
			out = append(out, line)
			line, used = next, false
		}
		if used {
			line += " "
		}
		line += word
		used = true
	}
	return append(out, line)
}

// visible counts the characters that a terminal shows.
func visible(s string) int {
	n, escape := 0, false
	for _, r := range s {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			n++
		}
	}
	return n
}
