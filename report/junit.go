// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// JUnit writes a run as JUnit XML: a suite a rule, a test case a finding. A rule without
// findings is one case that passes; one that could not be assessed is skipped, with the
// reason; one that failed is an error. Advice, known and suppressed findings are skipped.
type JUnit struct {
	w io.Writer
	kept
}

// NewJUnit returns a handler that writes to w.
func NewJUnit(w io.Writer) *JUnit { return &JUnit{w: w} }

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	File    string     `xml:"file,attr,omitempty"`
	Line    int        `xml:"line,attr,omitempty"`
	Failure *junitText `xml:"failure,omitempty"`
	Error   *junitText `xml:"error,omitempty"`
	Skipped *junitText `xml:"skipped,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Handle keeps messages and writes with the last.
func (j *JUnit) Handle(m Message) error {
	if !j.keep(m) {
		return nil
	}
	all := junitSuites{Name: "mivet"}
	for _, r := range j.rules {
		s := j.suite(r)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(j.w, "%s%s\n", xml.Header, b)
	}
	if err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	return nil
}

func (j *JUnit) suite(r *RuleMessage) junitSuite {
	s := junitSuite{Name: r.ID}
	if r.Error != "" {
		s.add(junitCase{Name: r.Title, Class: r.ID, Error: &junitText{Message: clean(r.Error), Type: "error"}})
	}
	for _, f := range j.findings {
		if f.Rule == r.ID {
			s.add(junitFinding(f))
		}
	}
	for _, u := range j.undecided {
		if u.Rule == r.ID {
			s.add(junitCase{Name: clean(u.Subject.String()), Class: r.ID, Skipped: &junitText{Message: clean("not assessed: " + u.Reason)}})
		}
	}
	if s.Tests == 0 {
		s.add(junitCase{Name: r.Title, Class: r.ID})
	}
	return s
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func junitFinding(f *FindingMessage) junitCase {
	c := junitCase{Name: clean(f.Subject.String() + " " + short(f.Finding)), Class: f.Rule}
	if f.Source.Origin != nil {
		c.File, c.Line = clean(f.Source.Origin.File), f.Source.Line
	}
	text := &junitText{Message: clean(f.Message), Type: f.Severity.String(), Text: clean(details(f))}
	switch {
	case f.State == SuppressedState:
		text.Message = "suppressed: " + text.Message
		c.Skipped = text
	case f.State == Known:
		text.Message = "known from the baseline: " + text.Message
		c.Skipped = text
	case f.Advice:
		text.Message = "advice: " + text.Message
		c.Skipped = text
	default:
		c.Failure = text
	}
	return c
}

// details is a finding in plain lines.
func details(f *FindingMessage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", f.Message)
	for _, e := range f.Evidence {
		fmt.Fprintf(&b, "%s: %s [%s]\n", e.Kind, e.Fact, e.Source)
	}
	fmt.Fprintf(&b, "leads to: %s\nfix: %s\n", f.Consequence, f.Fix.Summary)
	if f.Fix.Check != "" {
		fmt.Fprintf(&b, "check: %s\n", f.Fix.Check)
	}
	if f.Fix.Command != "" {
		fmt.Fprintf(&b, "run:\n%s\n", f.Fix.Command)
	}
	return b.String()
}
