// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/forensics"
	"github.com/mivet/mivet/provenance"
)

// forensicsJSON is the answer for machines.
type forensicsJSON struct {
	SchemaVersion int           `json:"schemaVersion"`
	Principal     principalJSON `json:"principal"`
	From          time.Time     `json:"from"`
	To            time.Time     `json:"to"`
	// Contract is what it was held against; empty for access tests alone.
	Contract string             `json:"contract,omitzero"`
	Entries  int64              `json:"entries"`
	Baseline forensics.Baseline `json:"baseline"`
	// Grants are the role assignments that were there in the window, removed ones too;
	// Intervals which of them held together.
	Grants    []tenureJSON   `json:"grants"`
	Intervals []intervalJSON `json:"intervals"`
	// Counts are the operations of each class.
	Counts  map[forensics.Class]int64 `json:"counts"`
	Lines   []lineJSON                `json:"lines"`
	Changes []loggedChangeJSON        `json:"changes"`
	Gaps    []forensics.Gap           `json:"gaps"`
}

// intervalJSON is a time in which nothing changed. Grants are places in the list of grants.
type intervalJSON struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Grants   []int     `json:"grants"`
	Possible []int     `json:"possible,omitzero"`
}

type lineJSON struct {
	forensics.Line
	// By is the grant that gives it: its role and scope.
	By *heldJSON `json:"by,omitzero"`
	// Place is the first entry for people.
	Place string `json:"place"`
	// AfterChange is the place in the list of changes, from 0, of the last change of content
	// before what was new; AfterSeconds is how long before.
	AfterChange  *int   `json:"afterChange,omitzero"`
	AfterSeconds *int64 `json:"afterSeconds,omitzero"`
}

type heldJSON struct {
	ID    arm.ID `json:"id,omitzero"`
	Role  string `json:"role"`
	Scope arm.ID `json:"scope"`
}

func (l *lookback) json() forensicsJSON {
	r := l.report
	j := forensicsJSON{
		SchemaVersion: 1, Principal: l.principalJSON(l.who), From: l.from, To: l.to, Contract: l.contract, Entries: l.entries, Baseline: r.Baseline,
		Grants: []tenureJSON{}, Intervals: []intervalJSON{}, Counts: map[forensics.Class]int64{}, Lines: []lineJSON{}, Changes: []loggedChangeJSON{}, Gaps: r.Gaps,
	}
	for i := range r.Tenures {
		j.Grants = append(j.Grants, l.tenureJSON(&r.Tenures[i]))
	}
	for i := range r.Intervals {
		v := &r.Intervals[i]
		j.Intervals = append(j.Intervals, intervalJSON{v.From, v.To, l.numbers(v.Grants), l.numbers(v.Possible)})
	}
	for i := range r.Lines {
		x := lineJSON{Line: r.Lines[i], Place: r.Lines[i].Source.String()}
		j.Counts[x.Class] += x.Count
		if x.Line.By != nil {
			x.By = &heldJSON{x.Line.By.ID, heldRole(x.Line.By), x.Line.By.Scope}
		}
		if a := x.Line.After; a != nil {
			seconds := int64(a.Delay / time.Second)
			x.AfterChange, x.AfterSeconds = &a.Number, &seconds
		}
		j.Lines = append(j.Lines, x)
	}
	for i := range r.Changes {
		j.Changes = append(j.Changes, l.loggedChangeJSON(&r.Changes[i]))
	}
	return j
}

// numbers are the places of assignments in the list of grants.
func (l *lookback) numbers(list []mivet.RoleAssignment) []int {
	out := []int{}
	for i := range list {
		if n := slices.IndexFunc(l.report.Tenures, func(t provenance.Tenure) bool {
			return t.Grant.ID.Equal(list[i].ID) && t.Grant.Role == list[i].Role && t.Grant.Principal == list[i].Principal
		}); n >= 0 {
			out = append(out, n)
		}
	}
	return out
}

func (l *lookback) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "forensics", l.json())
	}
	p := newPrinter(w, colour)
	r := l.report
	p.printf("%s from %s to %s\n", bold(l.title(l.who)), when(l.from), when(l.to))
	p.printf("  %-10s %s\n", "in short", l.short())
	p.printf("  %-10s %s\n", "usual", baselineWords(&r.Baseline))
	l.writePossible(p)
	l.writeChanges(p)
	l.writeLines(p, forensics.Outside, yellow("Allowed, and outside of its pattern or of what was agreed on"))
	l.writeLines(p, forensics.Unexplained, red("Granted by Azure, and by nothing that is known"))
	l.writeLines(p, forensics.Refused, bold("Refused"))
	l.writeLines(p, forensics.Undecided, bold("Not told whether it was granted"))
	usual := "Allowed and usual"
	if r.Baseline.Entries == 0 {
		usual = "Allowed; what is usual is not known"
	}
	l.writeLines(p, forensics.Expected, green(usual))
	l.writeAdvice(p)
	if len(r.Gaps) > 0 {
		p.printf("\n%s\n", bold("Not covered"))
	}
	for _, g := range r.Gaps {
		p.printf("  %s\n", g.What)
		if g.Fix != "" {
			p.printf("    %s\n", g.Fix)
		}
	}
	return p.err
}

// short is the answer in one line.
func (l *lookback) short() string {
	usual := "allowed and usual"
	if l.report.Baseline.Entries == 0 {
		usual = "allowed"
	}
	var parts []string
	for _, c := range []struct {
		class forensics.Class
		words string
	}{
		{forensics.Expected, usual},
		{forensics.Outside, "allowed and outside of the pattern or the agreement"},
		{forensics.Refused, "refused"},
		{forensics.Unexplained, "not explained"},
		{forensics.Undecided, "not told"},
	} {
		if n := l.report.Count(c.class); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.words))
		}
	}
	if len(parts) == 0 {
		return "no entry of it in the window"
	}
	return strings.Join(parts, ", ")
}

func baselineWords(b *forensics.Baseline) string {
	if b.Entries == 0 {
		return "not known: no entry before the window"
	}
	text := fmt.Sprintf("%s on %s since %s", counted(int(b.Entries), "entry"), dayWords(b.Days), when(b.From))
	if len(b.Networks) > 0 {
		text += ", from " + someOf(b.Networks)
	}
	if len(b.Hours) > 0 && len(b.Hours) < 24 {
		text += ", at " + hourWords(b.Hours) + " UTC"
	}
	return text
}

// hourWords names hours of the day, runs of them together.
func hourWords(hours []int) string {
	var parts []string
	for i := 0; i < len(hours); {
		k := i
		for k+1 < len(hours) && hours[k+1] == hours[k]+1 {
			k++
		}
		parts = append(parts, fmt.Sprintf("%02d:00-%02d:59", hours[i], hours[k]))
		i = k + 1
	}
	return strings.Join(parts, ", ")
}

// writePossible tells which grants there were.
func (l *lookback) writePossible(p *printer) {
	p.printf("\n%s\n", bold("What was possible"))
	if len(l.report.Tenures) == 0 {
		p.printf("  no role assignment of it is known in this time\n")
	}
	for i := range l.report.Tenures {
		t := &l.report.Tenures[i]
		p.printf("  %s at %s\n", bold(heldRole(&t.Grant)), t.Grant.Scope)
		if t.Grant.Principal != l.who {
			group, _ := l.describe(t.Grant.Principal)
			p.printf("    %-8s the group %s\n", "through", group)
		}
		p.printf("    %-8s %s\n", "from", l.begin(t))
		switch {
		case t.Lasts:
		case t.To.Exact():
			p.printf("    %-8s %s%s\n", "until", when(t.To.Latest), l.removal(t))
		default:
			p.printf("    %-8s between %s and %s; %s\n", "until", when(t.To.Earliest), when(t.To.Latest), t.Gap)
		}
		if t.Grant.Description != "" {
			p.printf("    %-8s %q\n", "saying", t.Grant.Description)
		}
	}
}

// begin says when a grant began, and who made it.
func (l *lookback) begin(t *provenance.Tenure) string {
	var text string
	switch {
	case t.From.Exact():
		text = when(t.From.Latest)
	case t.Made != nil:
		text = when(t.From.Latest) + ", or changed then"
	case t.From.Earliest.IsZero() && t.From.Latest.IsZero():
		text = "a time that is not known"
	case t.From.Earliest.IsZero():
		text = "before " + when(t.From.Latest)
	default:
		text = "between " + when(t.From.Earliest) + " and " + when(t.From.Latest)
	}
	switch {
	case t.Made != nil:
		text += " by " + l.caller(t.Made.By) + "  [" + t.Made.Source.String() + "]"
	case t.Grant.CreatedBy != "":
		text += " by " + l.caller(provenance.Caller{ID: t.Grant.CreatedBy}) + "  [" + t.Grant.Source.String() + "]"
	}
	return text
}

// writeChanges tells what changed in what runs with the identity within the window.
func (l *lookback) writeChanges(p *printer) {
	first := true
	for i := range l.report.Changes {
		c := &l.report.Changes[i]
		if c.At.Before(l.from) {
			continue
		}
		if first {
			p.printf("\n%s\n", bold("What changed in what runs with it"))
			first = false
		}
		p.printf("  %s\n", l.changed(c))
		p.printf("    %-8s %s\n", "at", c.Scope)
		if c.Link != nil {
			p.printf("    %-8s %s: %s = %s\n", "loads", c.Link.Workload.Name(), c.Link.Setting, c.Link.Value)
		}
		if c.Known == execpath.Unexplained {
			p.printf("    %-8s %s\n", "known", yellow("no right in the input lets them do that"))
		}
	}
}

// changed tells a change in one line.
func (l *lookback) changed(c *execpath.Change) string {
	text := fmt.Sprintf("%s %s: %s (%s)", when(c.At), who(l, c), c.Row.Operation, c.Row.What)
	if c.Refused {
		text += ", in vain"
	}
	return text
}

var oddWords = map[forensics.Oddity]string{
	forensics.NewOperation: "never done before", forensics.NewScope: "never done there before", forensics.NewAddress: "from a network that is new",
	forensics.NewHour: "at an hour that is new", forensics.NotAgreed: "beyond the contract", forensics.Forbidden: "an access test says that it must not be possible",
}

// maxLines is how many lines of a class the text tells.
const maxLines = 25

func (l *lookback) writeLines(p *printer, class forensics.Class, heading painted) {
	n := 0
	for i := range l.report.Lines {
		x := &l.report.Lines[i]
		if x.Class != class {
			continue
		}
		if n++; n == 1 {
			p.printf("\n%s\n", heading)
		}
		if n <= maxLines {
			l.line(p, x)
		}
	}
	if n > maxLines {
		p.printf("  and %s more; --format json lists all\n", counted(n-maxLines, "line"))
	}
}

// line tells one right at one scope.
func (l *lookback) line(p *printer, x *forensics.Line) {
	p.printf("  %s  %s, %s at %s\n", spanOf(x.First, x.Last), timesWords(x.Count), orElse(x.Action, x.Operation), orElse(x.Scope.String(), "a place that is not told"))
	p.printf("    %-8s %s in the log %s, first %s\n", "seen", x.Operation, x.Log, x.Source)
	if len(x.Addresses) > 0 {
		p.printf("    %-8s %s\n", "from", someOf(x.Addresses))
	}
	if x.By != nil && x.Class != forensics.Refused {
		p.printf("    %-8s %s at %s\n", "by", heldRole(x.By), x.By.Scope)
	}
	if len(x.Odd) > 0 {
		var words []string
		for _, o := range x.Odd {
			words = append(words, oddWords[o])
		}
		p.printf("    %-8s %s\n", "odd", yellow(strings.Join(words, "; ")))
	}
	if x.Note != "" {
		p.printf("    %-8s %s\n", "note", x.Note)
	}
	if a := x.After; a != nil {
		p.printf("    %-8s %s after %s\n", "after", spanWords(a.Delay), l.changed(&a.Change))
	}
}

// spanOf is a time, or the first and the last one.
func spanOf(first, last time.Time) string {
	if first.Equal(last) {
		return when(first)
	}
	return when(first) + " to " + when(last)
}

// writeAdvice says what to do about what was new, with the commands.
func (l *lookback) writeAdvice(p *printer) {
	var lines []string
	add := func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	name, _ := l.describe(l.who)
	for i := range l.report.Lines {
		x := &l.report.Lines[i]
		if x.Class != forensics.Outside && x.Class != forensics.Unexplained {
			continue
		}
		if strings.HasSuffix(strings.ToLower(x.Action), "/getsecret/action") {
			add("renew %s at %s: its value may be known", x.Scope.Name(), x.Scope.Parent().Name())
		}
		if x.After != nil {
			c := &x.After.Change
			add("look at what %s changed at %s, and put back the content that was reviewed", who(l, c), when(c.At))
			if !c.Workload.IsZero() {
				add("mivet shapers %s    who else can change what runs with it", c.Workload.Name())
			}
		}
		if x.By != nil && x.Class == forensics.Outside {
			add("mivet trim %s --need \"OPERATION RESOURCE\"    the smallest grants for what it needs", name)
		}
	}
	for i, line := range lines {
		if i == 0 {
			p.printf("\n%s\n", bold("What to do"))
		}
		p.printf("  %s\n", line)
	}
}

func who(l *lookback, c *execpath.Change) string {
	if c.Principal == "" {
		return "somebody"
	}
	name, _ := l.names(c.Principal)
	return name
}
