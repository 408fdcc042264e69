// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
)

// JSONLines writes a run as one JSON object a line, each with its type: "run", "rule",
// "finding", "undecided" and "summary". It writes as messages come and keeps none.
type JSONLines struct{ w io.Writer }

// NewJSONLines returns a handler that writes to w.
func NewJSONLines(w io.Writer) *JSONLines { return &JSONLines{w} }

// The types of lines.
const (
	lineRun       = "run"
	lineRule      = "rule"
	lineFinding   = "finding"
	lineUndecided = "undecided"
	lineSummary   = "summary"
)

// Handle writes one message.
func (j *JSONLines) Handle(m Message) error {
	var v any
	switch m := m.(type) {
	case *Run:
		v = struct {
			Type          string `json:"type"`
			SchemaVersion string `json:"schemaVersion"`
			*Run
		}{lineRun, SchemaVersion, m}
	case *RuleMessage:
		v = struct {
			Type string `json:"type"`
			*RuleMessage
		}{lineRule, m}
	case *FindingMessage:
		v = struct {
			Type string `json:"type"`
			*FindingMessage
		}{lineFinding, m}
	case *UndecidedMessage:
		v = struct {
			Type string `json:"type"`
			*UndecidedMessage
		}{lineUndecided, m}
	case *Summary:
		v = struct {
			Type string `json:"type"`
			*Summary
		}{lineSummary, m}
	}
	b, err := marshal(v)
	if err == nil {
		_, err = j.w.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing JSON Lines: %w", err)
	}
	return nil
}
