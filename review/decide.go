// SPDX-License-Identifier: Apache-2.0

package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
)

// Verdict is what a reviewer decides.
type Verdict string

// The verdicts. An empty one is no decision.
const (
	VerdictKeep   Verdict = "keep"
	VerdictReduce Verdict = "reduce"
	VerdictRemove Verdict = "remove"
	VerdictAsk    Verdict = "ask"
)

// verdicts are all of them, for messages.
const verdicts = "keep, reduce, remove or ask"

// Decision is what was decided about one row.
type Decision struct {
	Row string `json:"row"`
	// About says what the row is; it is for people and not read back.
	About    string  `json:"about,omitzero"`
	Decision Verdict `json:"decision"`
	// TargetRole and TargetScope are what is reduced to; an empty scope is today's.
	TargetRole  string `json:"targetRole"`
	TargetScope string `json:"targetScope"`
	// Until is the last day of an exception, as yyyy-mm-dd.
	Until    string `json:"until"`
	Reviewer string `json:"reviewer"`
	// Date is the day of the decision, as yyyy-mm-dd.
	Date   string `json:"date"`
	Reason string `json:"reason"`

	at map[string]contract.Place // by the name of the field; "" is the decision itself
}

// Place is where a field of the decision was read.
func (d *Decision) Place(field string) contract.Place {
	if p, ok := d.at[field]; ok {
		return p
	}
	return d.at[""]
}

// empty reports whether nothing was filled in.
func (d *Decision) empty() bool {
	return d.Decision == "" && d.TargetRole+d.TargetScope+d.Until+d.Reviewer+d.Date+d.Reason == ""
}

// Sheet is what was read of a file of decisions.
type Sheet struct {
	File string
	// Facts is the digest that the pack named.
	Facts string
	// FactsAt is where that stands.
	FactsAt   contract.Place
	Decisions []Decision
	// Blank is how many rows have nothing filled in.
	Blank int
}

// SheetError is one thing that is wrong with decisions.
type SheetError struct {
	contract.Place
	// Message says what is wrong, without a full stop; Hint what to write instead.
	Message, Hint string
}

// Error returns place and message on one line.
func (f SheetError) Error() string { return f.Place.String() + ": " + f.Message }

// SheetErrors are all that is wrong, in the order of their places.
type SheetErrors []SheetError

// Error returns one line for each fault.
func (fs SheetErrors) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
		if f.Hint != "" {
			lines[i] += "; " + f.Hint
		}
	}
	return strings.Join(lines, "\n")
}

func (fs *SheetErrors) add(at contract.Place, hint, format string, args ...any) {
	*fs = append(*fs, SheetError{Place: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (fs SheetErrors) sorted() SheetErrors {
	slices.SortStableFunc(fs, func(a, b SheetError) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return fs
}

// blank lists a decision for each row, to be filled in.
func (p *Pack) blank() {
	for i := range p.Identities {
		x := &p.Identities[i]
		p.Decisions = append(p.Decisions, Decision{Row: x.Row, About: "identity " + x.Name})
		for j := range x.Grants {
			if g := &x.Grants[j]; g.Row != "" {
				about := x.Name + ": " + string(g.Kind) + " " + g.What
				if g.Scope != "" {
					about += " at " + g.Scope
				}
				p.Decisions = append(p.Decisions, Decision{Row: g.Row, About: about})
			}
		}
		for j := range x.Findings {
			p.Decisions = append(p.Decisions, Decision{Row: x.Findings[j].Row, About: x.Name + ": finding " + x.Findings[j].Rule})
		}
	}
}

// judged is what one decision is held against.
type judged struct {
	*Decision
	row     *Row
	finding *mivet.Finding
	until   time.Time
}

// form checks a decision by itself: words, days, and what must be said with it.
func (j *judged) form(now time.Time, maxDays int, faults *SheetErrors) {
	switch j.Decision.Decision {
	case VerdictKeep, VerdictReduce, VerdictRemove, VerdictAsk:
	case "":
		faults.add(j.Place(""), "write "+verdicts+" under decision", "something is filled in and nothing is decided about %s", j.Row)
		return
	default:
		faults.add(j.Place("decision"), "write "+verdicts, "%q is no decision", j.Decision.Decision)
		return
	}
	if j.Reviewer == "" {
		faults.add(j.Place("reviewer"), "", "the decision about %s names no reviewer", j.Row)
	}
	j.days(now, maxDays, faults)
	if j.Reason == "" && (j.Decision.Decision != VerdictKeep || j.Until != "") {
		faults.add(j.Place("reason"), "", "the decision %s about %s gives no reason", j.Decision.Decision, j.Row)
	}
	if j.TargetRole+j.TargetScope != "" && j.Decision.Decision != VerdictReduce {
		faults.add(j.Place("targetRole"), "write reduce, or leave the target empty", "a target is given and the decision is %s", j.Decision.Decision)
	}
	if j.Until != "" && j.Decision.Decision != VerdictKeep {
		faults.add(j.Place("until"), "write keep, or leave until empty", "an exception has a last day and the decision is %s", j.Decision.Decision)
	}
}

func (j *judged) days(now time.Time, maxDays int, faults *SheetErrors) {
	const hint = "write it as yyyy-mm-dd; a spreadsheet keeps that in a cell of text"
	switch date, ok := dayOf(j.Date); {
	case j.Date == "":
		faults.add(j.Place("date"), "", "the decision about %s has no date", j.Row)
	case !ok:
		faults.add(j.Place("date"), hint, "the date %q is no day", j.Date)
	case !now.IsZero() && date.After(now):
		faults.add(j.Place("date"), "", "the date %s is in the future", j.Date)
	}
	if j.Until == "" {
		return
	}
	until, ok := dayOf(j.Until)
	switch j.until = until; {
	case !ok:
		faults.add(j.Place("until"), hint, "the last day %q is no day", j.Until)
	case !now.IsZero() && now.After(until.AddDate(0, 0, 1)):
		faults.add(j.Place("until"), "", "the last day %s is over", j.Until)
	case maxDays > 0 && !now.IsZero() && until.After(now.AddDate(0, 0, maxDays)):
		faults.add(j.Place("until"), "", "the last day %s is more than %d days ahead, the most that an exception may run", j.Until, maxDays)
	}
}

// dayOf reads a day. A spreadsheet may have written it with dots or with a time.
func dayOf(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2006/01/02", "02.01.2006", "2.1.2006", time.DateTime, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(24 * time.Hour), true
		}
	}
	return time.Time{}, false
}

// day writes a day; "" for the zero time.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
