// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// CSV writes the findings of a run as comma-separated values, a row each, below a row of
// names. It writes as messages come. A cell that a spreadsheet would take for a formula
// gets an apostrophe in front.
type CSV struct {
	w     *csv.Writer
	begun bool
}

// NewCSV returns a handler that writes to w.
func NewCSV(w io.Writer) *CSV { return &CSV{w: csv.NewWriter(w)} }

var csvColumns = []string{
	"severity", "rule", "state", "subject", "resource", "principal", "message", "consequence", "fix", "command",
	"file", "line", "fingerprint", "firstSeen", "due", "canGrant", "canChange", "canReadData", "suppressionReason", "suppressionOwner",
}

// Handle writes a finding.
func (c *CSV) Handle(m Message) error {
	switch m := m.(type) {
	case *FindingMessage:
		c.begin()
		c.write(csvRow(m))
	case *Summary:
		c.begin()
		c.w.Flush()
	case *Run, *RuleMessage, *UndecidedMessage:
	}
	if err := c.w.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

func (c *CSV) begin() {
	if !c.begun {
		c.begun = true
		c.write(csvColumns)
	}
}

func (c *CSV) write(row []string) {
	safe := make([]string, len(row))
	for i, cell := range row {
		safe[i] = Inert(cell)
	}
	_ = c.w.Write(safe)
}

// Inert keeps a spreadsheet from reading a cell as a formula.
func Inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func csvRow(f *FindingMessage) []string {
	file, line := "", ""
	if f.Source.Origin != nil {
		file = f.Source.Origin.File
	}
	if f.Source.Line > 0 {
		line = strconv.Itoa(f.Source.Line)
	}
	row := []string{
		f.Severity.String(), f.Rule, string(f.State), f.Subject.String(), f.Subject.Resource.String(), string(f.Subject.Principal),
		f.Message, f.Consequence, f.Fix.Summary, f.Fix.Command, file, line, f.Fingerprint, csvDay(f.FirstSeen), csvDay(f.Due),
	}
	if f.Reach == nil {
		row = append(row, "", "", "")
	} else {
		row = append(row, strconv.FormatBool(f.Reach.Grants), strconv.Itoa(f.Reach.Changes), strconv.Itoa(f.Reach.Data))
	}
	if f.Suppression == nil {
		return append(row, "", "")
	}
	return append(row, f.Suppression.Reason, f.Suppression.Owner)
}

func csvDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
