// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/vet"
)

// SchemaVersion is the version of the JSON formats. Within one major version fields are
// only added.
const SchemaVersion = "1.0"

// Message is one message of a run: a [*Run], a [*RuleMessage], a [*FindingMessage], an
// [*UndecidedMessage] or a [*Summary], in this order.
//
//sumtype:decl
type Message interface{ message() }

// Handler takes the messages of one run, in their order. A handler writes what it can at
// once and the rest when the summary comes, which is the last message.
type Handler interface {
	Handle(Message) error
}

// Run says what was looked at. It is the first message.
type Run struct {
	// Version is that of mivet.
	Version string `json:"version"`
	// Now is the time of the run, TakenAt that of the snapshot.
	Now      time.Time `json:"now,omitzero"`
	TakenAt  time.Time `json:"takenAt,omitzero"`
	TenantID string    `json:"tenantId,omitzero"`
	Inputs   []string  `json:"inputs"`
	// CatalogDate is the day of the data on what Azure itself defines.
	CatalogDate string     `json:"catalogDate"`
	Counts      vet.Counts `json:"counts"`
}

// RuleMessage says what became of a rule.
type RuleMessage struct {
	ID       string             `json:"id"`
	Title    string             `json:"title"`
	Category string             `json:"category"`
	Severity mivet.Severity     `json:"severity"`
	Outcome  vet.Outcome        `json:"outcome"`
	Controls []ControlReference `json:"controls"`
	// Help is the rule's page in Markdown.
	Help       string `json:"help"`
	Passed     int    `json:"passed"`
	Findings   int    `json:"findings"`
	Undecided  int    `json:"undecided"`
	Suppressed int    `json:"suppressed"`
	// Known is how many findings the baseline held already.
	Known int `json:"known"`
	// Error says why the rule could not run to its end.
	Error string `json:"error,omitzero"`
}

// ControlReference is a control that a rule speaks for. The mapping is mivet's own
// judgement: no publisher maps these findings.
type ControlReference struct {
	Framework string `json:"framework"`
	ID        string `json:"id"`
	Title     string `json:"title"`
	// Formerly is the control of the framework's version before that it took the place of.
	Formerly string `json:"formerly,omitzero"`
}

// FindingMessage is one finding.
type FindingMessage struct {
	*mivet.Finding
	// Category is the rule's.
	Category string `json:"category"`
	// State tells open findings from those that are not counted.
	State State `json:"state"`
	// Suppression is why a suppressed finding is not counted.
	Suppression *vet.Suppression `json:"suppression,omitzero"`
}

// State is what becomes of a finding in the run.
type State string

// The states.
const (
	Open            State = "open"       // it counts
	Known           State = "known"      // the baseline holds it, and it is not overdue
	SuppressedState State = "suppressed" // somebody accepted it for a time
)

// UndecidedMessage is something that could not be decided.
type UndecidedMessage struct{ vet.Undecided }

// Summary sums the run up. It is the last message.
type Summary struct {
	// Findings counts by severity; Advice are those of them that fail no run yet.
	Findings map[mivet.Severity]int `json:"findings"`
	Advice   int                    `json:"advice"`
	// Passed counts the subjects that were looked at and found right.
	Passed     int `json:"passed"`
	Undecided  int `json:"undecided"`
	Suppressed int `json:"suppressed"`
	Known      int `json:"known"`
	// Rules counts the rules by outcome.
	Rules map[vet.Outcome]int `json:"rules"`
	// Wanted are the permissions that would decide something, the one that would decide
	// most first.
	Wanted []vet.Want `json:"wanted,omitzero"`
	// Fixes are what to do, the fix that removes most first. Their edits are those of the
	// first finding that each removes.
	Fixes []vet.FixGroup `json:"fixes,omitzero"`
}

func (*Run) message()              {}
func (*RuleMessage) message()      {}
func (*FindingMessage) message()   {}
func (*UndecidedMessage) message() {}
func (*Summary) message()          {}

// Options say what a stream tells of its surroundings.
type Options struct {
	// Version is that of mivet.
	Version string
	// Catalog gives the titles of controls; nil: rules map to none.
	Catalog *catalog.Catalog
}

// Send sends results to a handler, message by message, and stops at its first error.
func Send(h Handler, r *vet.Results, o Options) error {
	if err := h.Handle(runOf(r, o)); err != nil {
		return err
	}
	category := map[string]string{}
	for i := range r.Rules {
		category[r.Rules[i].Rule.ID] = r.Rules[i].Rule.Category
		if err := h.Handle(ruleOf(&r.Rules[i], o)); err != nil {
			return err
		}
	}
	for _, m := range findingsOf(r) {
		m.Category = category[m.Rule]
		if err := h.Handle(m); err != nil {
			return err
		}
	}
	for _, u := range r.Undecided() {
		if err := h.Handle(&UndecidedMessage{u}); err != nil {
			return err
		}
	}
	return h.Handle(summaryOf(r))
}

// findingsOf returns the open findings, then the known ones, then those suppressed.
func findingsOf(r *vet.Results) []*FindingMessage {
	var open, known, suppressed []*FindingMessage
	for _, f := range r.Findings() {
		open = append(open, &FindingMessage{Finding: f, State: Open})
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		for j := range rule.Known {
			known = append(known, &FindingMessage{Finding: &rule.Known[j], State: Known})
		}
		for j := range rule.Suppressed {
			s := &rule.Suppressed[j]
			suppressed = append(suppressed, &FindingMessage{Finding: &s.Finding, State: SuppressedState, Suppression: &s.By})
		}
	}
	return slices.Concat(open, known, suppressed)
}

func runOf(r *vet.Results, o Options) *Run {
	return &Run{
		Version: o.Version, Now: r.Now, TakenAt: r.TakenAt, TenantID: r.TenantID, Inputs: r.Inputs,
		CatalogDate: r.CatalogDate, Counts: r.Counts,
	}
}

func ruleOf(r *vet.Result, o Options) *RuleMessage {
	m := &RuleMessage{
		ID: r.Rule.ID, Title: r.Rule.Title, Category: r.Rule.Category, Severity: r.Rule.Severity,
		Outcome: r.Outcome(), Controls: []ControlReference{}, Help: r.Rule.Doc,
		Passed: r.Passed, Findings: len(r.Findings), Undecided: len(r.Undecided),
		Suppressed: len(r.Suppressed), Known: len(r.Known),
	}
	if r.Err != nil {
		m.Error = r.Err.Error()
	}
	if o.Catalog != nil {
		m.Controls = append(m.Controls, Controls(o.Catalog, r.Rule)...)
	}
	return m
}

// Controls returns the controls that a rule speaks for, in the order of the frameworks.
func Controls(c *catalog.Catalog, r *vet.Rule) []ControlReference {
	class := c.FindingClass(r.Class)
	if class == nil {
		return nil
	}
	var out []ControlReference
	for _, f := range c.Frameworks() {
		for _, ref := range class.Controls {
			if ref.Framework != f.ID {
				continue
			}
			control, _ := c.Control(ref)
			out = append(out, ControlReference{Framework: f.Name, ID: ref.ID, Title: control.Title, Formerly: formerly(c, ref)})
		}
	}
	return out
}

// formerly names the control of NIST CSF 1.1 that one of 2.0 took the place of, where a
// published mapping says so.
func formerly(c *catalog.Catalog, ref catalog.ControlRef) string {
	if ref.Framework != catalog.FrameworkCSF {
		return ""
	}
	for _, s := range c.CSFSuccessions() {
		if s.Confirmed && slices.Contains(s.New, ref.ID) {
			return "CSF 1.1: " + s.Old
		}
	}
	return ""
}

func summaryOf(r *vet.Results) *Summary {
	s := &Summary{
		Findings: map[mivet.Severity]int{}, Rules: map[vet.Outcome]int{},
		Wanted: r.Wanted(), Fixes: r.Fixes(),
	}
	for i := range s.Fixes {
		s.Fixes[i].Fix.Edits = nil
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		s.Rules[rule.Outcome()]++
		s.Passed += rule.Passed
		s.Undecided += len(rule.Undecided)
		s.Suppressed += len(rule.Suppressed)
		s.Known += len(rule.Known)
		for j := range rule.Findings {
			s.Findings[rule.Findings[j].Severity]++
			if rule.Findings[j].Advice {
				s.Advice++
			}
		}
	}
	return s
}
