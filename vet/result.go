// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mivet/mivet"
)

// Outcome is what became of a rule, or of one subject of it.
type Outcome uint8

// The outcomes. Of several, the later one names the rule's result.
const (
	NotApplicable Outcome = iota // there was nothing to look at
	Passed                       // looked at, and right
	NotAssessed                  // facts that decide were not read
	Found                        // at least one finding
	Failed                       // the rule could not run
)

var outcomeNames = [...]string{"not applicable", "pass", "not assessed", "finding", "error"}

// String returns the outcome in words.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "invalid"
}

// MarshalText returns the outcome in words.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the words of an outcome.
func (o *Outcome) UnmarshalText(b []byte) error {
	i := slices.Index(outcomeNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("reading outcome %q: it must be one of %q", b, outcomeNames)
	}
	*o = Outcome(i)
	return nil
}

// Undecided is something that a rule could not decide, and what would decide it.
type Undecided struct {
	Rule    string        `json:"rule"`
	Subject mivet.Subject `json:"subject"`
	// Reason says what is not known, a short sentence without a full stop.
	Reason string `json:"reason"`
	// Facts is the kind of fact that is missing; empty where no fact of the snapshot
	// would help.
	Facts mivet.FactKind `json:"facts,omitzero"`
	// Permission is what would close the gap; empty where no permission does.
	Permission string       `json:"permission,omitzero"`
	Source     mivet.Source `json:"source,omitzero"`
}

// Result is what one rule said.
type Result struct {
	Rule *Rule
	// Findings are what is left after suppressions and the baseline, in order.
	Findings []mivet.Finding
	// Suppressed are findings that somebody accepted for a time.
	Suppressed []Suppressed
	// Known are findings that the baseline held already and that are not overdue.
	Known []mivet.Finding
	// Passed is how many subjects were looked at and found right.
	Passed int
	// Undecided is what could not be decided.
	Undecided []Undecided
	// Err says why the rule could not run to its end; nil when it did.
	Err error
}

// Outcome sums the result up.
func (r *Result) Outcome() Outcome {
	switch {
	case r.Err != nil:
		return Failed
	case len(r.Findings) > 0:
		return Found
	case len(r.Undecided) > 0:
		return NotAssessed
	case r.Passed > 0 || len(r.Suppressed) > 0 || len(r.Known) > 0:
		return Passed
	}
	return NotApplicable
}

// Results are what all rules said about one snapshot.
type Results struct {
	// Now is the time that expiries were measured against, TakenAt that of the snapshot.
	Now, TakenAt time.Time
	TenantID     string
	Inputs       []string
	// CatalogDate is the day of the catalogue's data, as yyyy-mm-dd.
	CatalogDate string
	// Counts says how much was looked at.
	Counts Counts
	// Rules are in the order of their IDs.
	Rules []Result
	// Gaps are the snapshot's.
	Gaps []mivet.Gap
}

// Counts says how much a snapshot holds of what rules look at.
type Counts struct {
	Resources   int `json:"resources"`
	Identities  int `json:"identities"`
	Principals  int `json:"principals"`
	Assignments int `json:"roleAssignments"`
	Policies    int `json:"accessPolicies"`
	Gaps        int `json:"gaps"`
}

func countFacts(s *mivet.Snapshot) Counts {
	return Counts{
		Resources: len(s.Resources), Identities: len(s.Identities), Principals: len(s.Principals),
		Assignments: len(s.RoleAssignments), Policies: len(s.AccessPolicies), Gaps: len(s.Gaps),
	}
}

// Findings returns the findings of all rules, the most severe first, then by rule,
// subject and source. They are those of the results, and must not be changed.
func (r *Results) Findings() []*mivet.Finding {
	var out []*mivet.Finding
	for i := range r.Rules { // in order, and so are the findings of each
		for j := range r.Rules[i].Findings {
			out = append(out, &r.Rules[i].Findings[j])
		}
	}
	slices.SortStableFunc(out, func(a, b *mivet.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return out
}

// Undecided returns what no rule could decide, by rule and subject.
func (r *Results) Undecided() []Undecided {
	var all []Undecided
	for i := range r.Rules {
		all = append(all, r.Rules[i].Undecided...)
	}
	return all
}

// Failing returns how many findings fail a run: all but advice.
func (r *Results) Failing() int {
	n := 0
	for i := range r.Rules {
		for j := range r.Rules[i].Findings {
			if !r.Rules[i].Findings[j].Advice {
				n++
			}
		}
	}
	return n
}

// findingOrder compares findings by their numbers: by rule, subject, source and
// discriminator. The keys of the subjects are folded once.
func findingOrder(fs []mivet.Finding) func(x, y int) int {
	keys := make([]string, len(fs))
	for i := range fs {
		keys[i] = fs[i].Subject.Key()
	}
	return func(x, y int) int {
		a, b := &fs[x], &fs[y]
		if c := cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(keys[x], keys[y])); c != 0 {
			return c
		}
		return cmp.Or(compareSources(a.Source, b.Source), cmp.Compare(a.Discriminator, b.Discriminator))
	}
}

func compareSources(a, b mivet.Source) int {
	if a.Origin == b.Origin {
		return cmp.Compare(a.Line, b.Line)
	}
	x, y := origin(a), origin(b)
	return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.API, y.API), cmp.Compare(x.Address, y.Address), cmp.Compare(a.Line, b.Line))
}

func origin(s mivet.Source) *mivet.Origin {
	if s.Origin == nil {
		return &mivet.Origin{}
	}
	return s.Origin
}
