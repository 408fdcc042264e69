// SPDX-License-Identifier: Apache-2.0

package review

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/mivet/mivet/contract"
)

// MaxSheet is how large a file of decisions may be, in bytes.
const MaxSheet = 256 << 20

// ReadSheet reads decisions from the CSV or the JSON of a pack, as a spreadsheet or an editor
// wrote it back. The error is [SheetErrors] where a place can be told.
func ReadSheet(file string, data []byte) (*Sheet, error) {
	if len(data) > MaxSheet {
		return nil, fmt.Errorf("%s: more than %d MiB", file, MaxSheet>>20)
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, SheetErrors{{Place: contract.Place{File: file, Line: 1, Column: 1}, Message: "it is UTF-16", Hint: "save it as CSV in UTF-8"}}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) > 0 && t[0] == '{' {
		return readJSON(file, data)
	}
	return readCSV(file, data)
}

// columns are the names in the first row of a CSV, in their order.
var columns = []string{
	"row", "kind", "identity", "owner", "what", "scope", "via", "holds", "limits", "justification", "created", "createdBy", "ageDays",
	"use", "evidence", "lastUsed", "risk", "decision", "targetRole", "targetScope", "until", "reviewer", "date", "reason", "principal", "facts",
}

// field sets a field of a decision by the name of its column.
func (d *Decision) field(name, value string) {
	value = strings.TrimSpace(value)
	switch name {
	case "row":
		d.Row = value
	case "decision":
		d.Decision = Verdict(strings.ToLower(value))
	case "targetRole":
		d.TargetRole = value
	case "targetScope":
		d.TargetScope = value
	case "until":
		d.Until = value
	case "reviewer":
		d.Reviewer = value
	case "date":
		d.Date = value
	case "reason":
		d.Reason = value
	}
}

func readCSV(file string, data []byte) (*Sheet, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord = delimiter(data), -1
	s := &Sheet{File: file}
	var faults SheetErrors
	names, err := r.Read()
	if err != nil {
		return nil, csvFault(file, err)
	}
	for i := range names {
		names[i] = columnOf(names[i])
	}
	for _, must := range []string{"row", "decision", "facts"} {
		if !slices.Contains(names, must) {
			faults.add(contract.Place{File: file, Line: 1, Column: 1}, "keep the first row as mivet review --format csv wrote it", "the first row has no column %q", must)
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, csvFault(file, err)
		}
		s.record(r, names, cells, &faults)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return s, nil
}

// record takes one row of a CSV.
func (s *Sheet) record(r *csv.Reader, names, cells []string, faults *SheetErrors) {
	d := Decision{at: map[string]contract.Place{}}
	place := func(i int) contract.Place {
		line, column := r.FieldPos(i)
		return contract.Place{File: s.File, Line: line, Column: column}
	}
	d.at[""] = place(0)
	for i, cell := range cells {
		if i >= len(names) {
			break
		}
		d.at[names[i]] = place(i)
		if !utf8.ValidString(cell) {
			faults.add(place(i), "save the file as CSV in UTF-8", "the cell %s is no UTF-8", names[i])
			return
		}
		if names[i] == "facts" && cell != "" {
			s.facts(strings.TrimSpace(cell), place(i), faults)
			continue
		}
		d.field(names[i], cell)
	}
	switch {
	case d.empty():
		if d.Row != "" {
			s.Blank++
		}
	case d.Row == "":
		faults.add(d.at[""], "leave the column row as it was", "a decision names no row")
	default:
		s.Decisions = append(s.Decisions, d)
	}
}

func (s *Sheet) facts(digest string, at contract.Place, faults *SheetErrors) {
	switch {
	case s.Facts == "":
		s.Facts, s.FactsAt = digest, at
	case s.Facts != digest:
		faults.add(at, "decide about one pack at a time", "the row is of another pack than the rows above: facts %s and %s", short(digest), short(s.Facts))
	}
}

func short(digest string) string { return digest[:min(len(digest), 12)] }

// columnOf is the column that a name stands for, in any letter case.
func columnOf(name string) string {
	name = strings.TrimSpace(name)
	if i := slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, name) }); i >= 0 {
		return columns[i]
	}
	return name
}

// delimiter is what a spreadsheet separates by: that of the first row.
func delimiter(data []byte) rune {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

func csvFault(file string, err error) error {
	if errors.Is(err, io.EOF) {
		return SheetErrors{{Place: contract.Place{File: file, Line: 1, Column: 1}, Message: "it is empty"}}
	}
	var p *csv.ParseError
	if errors.As(err, &p) {
		return SheetErrors{{Place: contract.Place{File: file, Line: p.Line, Column: p.Column}, Message: p.Err.Error(), Hint: "quotes in a cell are doubled"}}
	}
	return fmt.Errorf("%s: %w", file, err)
}

// lines turns offsets into lines and columns.
type lines struct {
	file   string
	data   []byte
	starts []int
}

func newLines(file string, data []byte) *lines {
	l := &lines{file: file, data: data, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

func (l *lines) place(offset int) contract.Place {
	offset = min(max(offset, 0), len(l.data))
	i := sort.SearchInts(l.starts, offset+1) - 1
	return contract.Place{File: l.file, Line: i + 1, Column: offset - l.starts[i] + 1}
}

// jsonReader walks over a pack with the places of what it reads.
type jsonReader struct {
	*lines
	dec *json.Decoder
}

// readJSON reads "facts" and "decisions" of a pack, or of a shorter file with just these.
func readJSON(file string, data []byte) (*Sheet, error) {
	r := &jsonReader{newLines(file, data), json.NewDecoder(bytes.NewReader(data))}
	s := &Sheet{File: file}
	if err := r.members(func(name string) error {
		switch name {
		case "facts":
			s.FactsAt = r.next()
			return r.decode(&s.Facts)
		case "decisions":
			return r.decisions(s)
		}
		var skipped json.RawMessage
		return r.decode(&skipped)
	}); err != nil {
		return nil, err
	}
	if s.Facts == "" {
		return nil, SheetErrors{{Place: r.place(0), Message: `it has no "facts"`, Hint: "keep the member facts of the pack"}}
	}
	return s, nil
}

// next is the place of the next value: what separates it from the one before is skipped.
func (r *jsonReader) next() contract.Place {
	i := int(r.dec.InputOffset())
	for i < len(r.data) && strings.IndexByte(" \t\r\n:,", r.data[i]) >= 0 {
		i++
	}
	return r.place(i)
}

func (r *jsonReader) decode(into any) error {
	at := r.next()
	if err := r.dec.Decode(into); err != nil {
		return r.fault(at, err)
	}
	return nil
}

func (r *jsonReader) fault(at contract.Place, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = r.place(int(syntax.Offset) - 1)
	}
	return SheetErrors{{Place: at, Message: "it is no pack in JSON: " + strings.TrimPrefix(err.Error(), "json: ")}}
}

// members calls take for each member of the next object.
func (r *jsonReader) members(take func(name string) error) error {
	at := r.next()
	t, err := r.dec.Token()
	if err != nil {
		return r.fault(at, err)
	}
	if t != json.Delim('{') {
		return SheetErrors{{Place: at, Message: "an object must stand here"}}
	}
	for r.dec.More() {
		at := r.next()
		t, err := r.dec.Token()
		if err != nil {
			return r.fault(at, err)
		}
		name, _ := t.(string)
		if err := take(name); err != nil {
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return r.fault(r.next(), err)
	}
	return nil
}

func (r *jsonReader) decisions(s *Sheet) error {
	at := r.next()
	t, err := r.dec.Token()
	if err != nil {
		return r.fault(at, err)
	}
	if t != json.Delim('[') {
		return SheetErrors{{Place: at, Message: "decisions must be a list"}}
	}
	for r.dec.More() {
		d := Decision{at: map[string]contract.Place{"": r.next()}}
		if err := r.members(func(name string) error {
			d.at[name] = r.next()
			if !slices.Contains(columns, name) && name != "about" {
				return SheetErrors{{Place: d.at[name], Message: fmt.Sprintf("a decision has no member %q", name), Hint: "its members are row, decision, targetRole, targetScope, until, reviewer, date and reason"}}
			}
			var text string
			if err := r.decode(&text); err != nil {
				return err
			}
			d.field(name, text)
			return nil
		}); err != nil {
			return err
		}
		switch {
		case d.empty():
			s.Blank++
		case d.Row == "":
			return SheetErrors{{Place: d.at[""], Message: "a decision names no row"}}
		default:
			s.Decisions = append(s.Decisions, d)
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return r.fault(r.next(), err)
	}
	return nil
}
