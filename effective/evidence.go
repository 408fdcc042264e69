// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"slices"
	"time"

	"github.com/mivet/mivet"
)

// Statement says which principal a workload presents: one of several, where it hangs on
// what is not known.
type Statement struct {
	Kind       mivet.EvidenceKind  `json:"kind"`
	Principals []mivet.PrincipalID `json:"principals"`
	// At is the time of the evidence: when settings were read, a token was issued, an entry
	// was logged.
	At time.Time `json:"at"`
	// Revision is the workload's revision, slot or image that it was about; empty where the
	// evidence does not tell.
	Revision string `json:"revision,omitzero"`
	// Fact is the statement in words.
	Fact   string       `json:"fact"`
	Source mivet.Source `json:"source,omitzero"`
}

// Age is whether a statement is about the workload as it is now.
type Age string

// The ages.
const (
	Fresh      Age = "fresh"
	Stale      Age = "stale"       // older than the last change, or about another revision
	UnknownAge Age = "age unknown" // it is not known when the workload changed last
)

// Weighed is a statement with its age.
type Weighed struct {
	Statement
	Age Age    `json:"age"`
	Why string `json:"why"`
}

// Disagreement is a pair of statements that cannot both hold.
type Disagreement struct {
	First, Second int // indexes of the statements
	// Sure is true where both are fresh.
	Sure bool   `json:"sure"`
	Why  string `json:"why"`
}

// Evidence is all that is known of the identity of a workload, by four kinds of which none
// overrides another.
type Evidence struct {
	Statements    []Weighed      `json:"statements"`
	Disagreements []Disagreement `json:"disagreements,omitzero"`
}

// Weigh compares statements about one workload. Changed is when it or its settings changed
// last, and revision the one that runs; zero and empty where that is not known.
func Weigh(list []Statement, changed time.Time, revision string) *Evidence {
	e := &Evidence{}
	for _, s := range list {
		age, why := ageOf(&s, changed, revision)
		e.Statements = append(e.Statements, Weighed{s, age, why})
	}
	slices.SortStableFunc(e.Statements, func(a, b Weighed) int { return a.At.Compare(b.At) })
	for i := range e.Statements {
		for j := i + 1; j < len(e.Statements); j++ {
			a, b := &e.Statements[i], &e.Statements[j]
			if a.Age == Stale || b.Age == Stale || (seen(a.Kind) && seen(b.Kind)) || agree(&a.Statement, &b.Statement) {
				continue
			}
			e.Disagreements = append(e.Disagreements, Disagreement{
				First: i, Second: j, Sure: a.Age == Fresh && b.Age == Fresh,
				Why: fmt.Sprintf("%s: %s; but %s: %s", a.Kind, a.Fact, b.Kind, b.Fact),
			})
		}
	}
	return e
}

// kindOrder holds the kinds of evidence, that which is nearest to the running code first.
var kindOrder = []mivet.EvidenceKind{mivet.Attested, mivet.Observed, mivet.Predicted, mivet.Configured}

// Presenter returns the principal that the workload presents and the statement that says
// so: the nearest one to the running code that names one principal and is not stale. It is
// nil where none does, and where fresh statements disagree.
func (e *Evidence) Presenter() (mivet.PrincipalID, *Weighed) {
	for _, d := range e.Disagreements {
		if d.Sure {
			return "", nil
		}
	}
	for _, kind := range kindOrder {
		for i := len(e.Statements) - 1; i >= 0; i-- { // the last one first
			if s := &e.Statements[i]; s.Kind == kind && s.Age != Stale && len(s.Principals) == 1 {
				return s.Principals[0], s
			}
		}
	}
	return "", nil
}

func ageOf(s *Statement, changed time.Time, revision string) (age Age, why string) {
	switch {
	case s.Revision != "" && revision != "" && s.Revision != revision:
		return Stale, fmt.Sprintf("it is about revision %s, and %s runs", s.Revision, revision)
	case s.At.IsZero():
		return UnknownAge, "it does not say when"
	case changed.IsZero():
		return UnknownAge, "it is not known when the workload changed last"
	case s.At.Before(changed):
		return Stale, "it is older than the last change of the workload, at " + changed.UTC().Format(time.RFC3339)
	}
	return Fresh, "it is not older than the last change of the workload"
}

// seen reports whether a kind is of the run time. Two such statements can both hold: code
// may present one identity here and another there.
func seen(k mivet.EvidenceKind) bool { return k == mivet.Observed || k == mivet.Attested }

// agree reports whether one principal fits both statements.
func agree(a, b *Statement) bool {
	return slices.ContainsFunc(a.Principals, func(p mivet.PrincipalID) bool { return slices.Contains(b.Principals, p) })
}

// Statements are what a snapshot says of the workload: what is attached to it, and what
// its code presents by prediction, where that is known.
func (w *Carrier) Statements(consumers []Consumer, at time.Time) []Statement {
	attached := w.Principals()
	var out []Statement
	if len(attached) > 0 {
		out = append(out, Statement{Kind: mivet.Configured, Principals: attached, At: at, Fact: "it carries these identities and no other", Source: w.Resource.Source})
	}
	if len(consumers) > 0 && consumers[0].Status == Presents && consumers[0].Identity.Principal != "" && RunsCode(w.Resource.ID.Type()) {
		c := &consumers[0]
		out = append(out, Statement{
			Kind: mivet.Predicted, Principals: []mivet.PrincipalID{c.Identity.Principal}, At: at,
			Fact: "its code presents the " + c.Identity.String(), Source: w.Resource.Source,
		})
	}
	return out
}

// Principals are the principals of the attached identities, as far as they are known.
func (w *Carrier) Principals() []mivet.PrincipalID {
	var out []mivet.PrincipalID
	if w.System != nil && w.System.Principal != "" {
		out = append(out, w.System.Principal)
	}
	for _, m := range w.User {
		if m.Principal != "" {
			out = append(out, m.Principal)
		}
	}
	return out
}
