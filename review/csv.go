// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mivet/mivet/report"
)

// WriteCSV writes a row for everything that is to be decided, and for what comes through
// groups, with columns to fill in. Cells that a spreadsheet would take for formulas are made
// inert.
func (p *Pack) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	write := func(row map[string]string) {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = report.Inert(row[c])
		}
		_ = w.Write(cells) // its error comes again from Error
	}
	_ = w.Write(columns)
	for i := range p.Identities {
		x := &p.Identities[i]
		row := map[string]string{
			"row": x.Row, "kind": string(KindIdentity), "what": string(x.Type), "scope": x.Resource.String(), "holds": "yes",
			"justification": x.Why, "use": x.Use.Word, "lastUsed": day(x.Use.Last), "risk": strings.Join(x.Risk.Words, "; "),
		}
		p.common(row, x)
		write(row)
		for j := range x.Grants {
			row := x.Grants[j].cells()
			p.common(row, x)
			write(row)
		}
		for j := range x.Findings {
			f := &x.Findings[j]
			row := map[string]string{"row": f.Row, "kind": string(KindFinding), "what": f.Rule + ": " + f.Message, "justification": f.Fix, "risk": f.Severity}
			p.common(row, x)
			write(row)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

func (p *Pack) common(row map[string]string, x *Identity) {
	row["identity"], row["owner"], row["principal"], row["facts"] = x.Name, x.Owner, string(x.Principal), p.Facts
}

func (g *Grant) cells() map[string]string {
	row := map[string]string{
		"row": g.Row, "kind": string(g.Kind), "what": g.What, "scope": g.Scope, "via": strings.Join(g.Via, " > "), "holds": g.Holds,
		"limits": strings.Join(g.Limits, "; "), "justification": g.Justification, "created": day(g.CreatedOn), "createdBy": g.CreatedBy,
		"risk": g.Promise, "use": g.Use.Word, "evidence": g.Use.words(), "lastUsed": day(g.Use.Last),
	}
	if g.AgeDays != nil {
		row["ageDays"] = strconv.Itoa(*g.AgeDays)
	}
	return row
}

// words say what the word for use rests on.
func (u *Used) words() string {
	var parts []string
	if u.Evidence != "" {
		parts = append(parts, u.Evidence)
	}
	if u.Why != "" {
		parts = append(parts, u.Why)
	}
	if u.Times > 0 {
		parts = append(parts, times(u.Times))
	}
	if u.Unused > 0 && u.Word == UseUsed {
		parts = append(parts, fmt.Sprintf("%d other operations not used", u.Unused))
	}
	return strings.Join(parts, ": ")
}
