// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// Figures counts the cases of one kind. Agree + Disagree + Unanswered = Cases.
type Figures struct {
	Cases      int `json:"cases"`
	Agree      int `json:"agree"`
	Disagree   int `json:"disagree"`
	Unanswered int `json:"unanswered"`
}

func (f *Figures) add(o Outcome) {
	f.Cases++
	switch o {
	case Agreed:
		f.Agree++
	case Disagreed:
		f.Disagree++
	case Unanswered:
		f.Unanswered++
	}
}

// KindReport is what came out for one kind.
type KindReport struct {
	Kind string `json:"kind"`
	// Supported is false for a kind that no engine knows.
	Supported bool `json:"supported"`
	Figures
	// Inferred counts the cases whose expected answer no source confirms. They are not in
	// the figures above.
	Inferred Figures `json:"inferred"`
}

// Outcome is what became of a case.
type Outcome string

// The outcomes.
const (
	Agreed     Outcome = "agree"
	Disagreed  Outcome = "disagree"
	Unanswered Outcome = "unanswered"
)

// Difference is a case without the expected answer.
type Difference struct {
	File     string          `json:"file"`
	Line     int             `json:"line"`
	ID       json.RawMessage `json:"id"`
	Kind     string          `json:"kind"`
	Outcome  Outcome         `json:"outcome"`
	Inferred bool            `json:"inferred,omitzero"`
	Expected json.RawMessage `json:"expected"`
	Answer   any             `json:"answer"`
	// Why is the reason why there is no answer.
	Why    string          `json:"why,omitzero"`
	Source json.RawMessage `json:"source,omitzero"`
	Note   string          `json:"note,omitzero"`
}

// Report is what came out of one or several files of cases.
type Report struct {
	SchemaVersion int          `json:"schemaVersion"`
	Files         []string     `json:"files"`
	Kinds         []KindReport `json:"kinds"`
	Differences   []Difference `json:"differences"`
	// Faults are the lines that are no cases.
	Faults []string `json:"faults,omitzero"`
}

// Add runs the cases of a file. It returns an error only where the file cannot be read
// to its end; lines that are no cases are faults in the report.
func (p *Report) Add(ctx context.Context, r *Runner, file string, in io.Reader) error {
	p.SchemaVersion = 1
	p.Files = append(p.Files, file)
	for c, err := range Cases(file, in) {
		if err != nil {
			p.Faults = append(p.Faults, err.Error())
			continue
		}
		if err := p.run(ctx, r, c); err != nil {
			return err
		}
	}
	slices.SortFunc(p.Kinds, func(a, b KindReport) int { return strings.Compare(a.Kind, b.Kind) })
	return nil
}

// run answers a case and notes what became of it.
func (p *Report) run(ctx context.Context, r *Runner, c *Case) error {
	answer, why := r.Answer(ctx, c)
	if err := ctx.Err(); err != nil {
		return err
	}
	d := Difference{
		File: c.File, Line: c.Line, ID: c.ID, Kind: c.Kind, Inferred: c.Inferred(),
		Expected: c.Expected, Answer: answer, Source: c.Source, Note: c.Note,
	}
	d.Outcome, d.Why = outcome(r, c, answer, why)
	k := p.kind(c.Kind, r)
	if c.Inferred() {
		k.Inferred.add(d.Outcome)
	} else {
		k.add(d.Outcome)
	}
	if d.Outcome != Agreed {
		p.Differences = append(p.Differences, d)
	}
	return nil
}

func outcome(r *Runner, c *Case, answer any, why error) (Outcome, string) {
	if why != nil {
		return Unanswered, why.Error()
	}
	ok, err := r.Agrees(c, answer)
	switch {
	case err != nil:
		return Unanswered, err.Error()
	case ok:
		return Agreed, ""
	}
	return Disagreed, ""
}

func (p *Report) kind(name string, r *Runner) *KindReport {
	for i := range p.Kinds {
		if p.Kinds[i].Kind == name {
			return &p.Kinds[i]
		}
	}
	_, known := r.kinds[name]
	p.Kinds = append(p.Kinds, KindReport{Kind: name, Supported: known})
	return &p.Kinds[len(p.Kinds)-1]
}

// Total sums up the kinds, inferred cases apart.
func (p *Report) Total() (confirmed, inferred Figures) {
	for _, k := range p.Kinds {
		confirmed = sum(confirmed, k.Figures)
		inferred = sum(inferred, k.Inferred)
	}
	return confirmed, inferred
}

func sum(a, b Figures) Figures {
	return Figures{a.Cases + b.Cases, a.Agree + b.Agree, a.Disagree + b.Disagree, a.Unanswered + b.Unanswered}
}
