// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"unicode"

	"github.com/mivet/mivet"
)

// kept holds the messages of a run for formats that cannot be written as they come.
type kept struct {
	run       *Run
	rules     []*RuleMessage
	findings  []*FindingMessage
	undecided []*UndecidedMessage
	summary   *Summary
}

// keep takes a message and reports whether it was the last.
func (k *kept) keep(m Message) (last bool) {
	switch m := m.(type) {
	case *Run:
		k.run = m
	case *RuleMessage:
		k.rules = append(k.rules, m)
	case *FindingMessage:
		k.findings = append(k.findings, m)
	case *UndecidedMessage:
		k.undecided = append(k.undecided, m)
	case *Summary:
		k.summary = m
		if k.run == nil {
			k.run = &Run{}
		}
		return true
	}
	return false
}

// rule returns the rule of an ID, or an empty one.
func (k *kept) rule(id string) *RuleMessage {
	for _, r := range k.rules {
		if r.ID == id {
			return r
		}
	}
	return &RuleMessage{ID: id}
}

// clean replaces what a terminal would obey and what would turn the direction of text:
// names come from others.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func cleanAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = clean(s)
	}
	return out
}

func cleanSubject(s mivet.Subject) mivet.Subject {
	s.Name, s.Address, s.Principal = clean(s.Name), clean(s.Address), mivet.PrincipalID(clean(string(s.Principal)))
	return s
}

func cleanFix(f mivet.Fix) mivet.Fix {
	f.Summary, f.Check, f.Command = clean(f.Summary), clean(f.Check), clean(f.Command)
	return f
}

func cleanSource(s mivet.Source) mivet.Source {
	if s.Origin != nil {
		o := *s.Origin
		o.File, o.API, o.Address = clean(o.File), clean(o.API), clean(o.Address)
		s.Origin = &o
	}
	return s
}

// cleanFinding returns a finding whose texts are clean.
func cleanFinding(m *FindingMessage) *FindingMessage {
	c, f := *m, *m.Finding
	c.Finding = &f
	c.Subject, c.Fix, c.Source = cleanSubject(m.Subject), cleanFix(m.Fix), cleanSource(m.Source)
	c.Message, c.Consequence = clean(m.Message), clean(m.Consequence)
	c.Evidence = make([]mivet.Evidence, len(m.Evidence))
	for i, e := range m.Evidence {
		c.Evidence[i] = mivet.Evidence{Kind: e.Kind, Fact: clean(e.Fact), Source: cleanSource(e.Source)}
	}
	return &c
}
