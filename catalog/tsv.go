// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxTableBytes bounds what a table may unpack to; the largest has 1.3 MB.
const maxTableBytes = 64 << 20

// reader unpacks tables and hands over their rows.
type reader struct {
	fsys   fs.FS
	zstd   *zstd.Decoder
	tables map[string]*Table
}

func newReader(fsys fs.FS, tables []Table) (*reader, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxTableBytes))
	if err != nil {
		return nil, fmt.Errorf("preparing to unpack the catalogue: %w", err)
	}
	r := &reader{fsys: fsys, zstd: dec, tables: make(map[string]*Table, len(tables))}
	for i := range tables {
		r.tables[tables[i].Name] = &tables[i]
	}
	return r, nil
}

// errNotInManifest says that the manifest lacks a table that this version needs.
var errNotInManifest = errors.New("the manifest does not list it")

// table calls row for each line after the header. The fields are valid during the call
// only; the strings in them stay. begin is told the number of rows before the first.
func (r *reader) table(name, columns string, begin func(rows int), row func(f []string) error) error {
	want := strings.Count(columns, "\t") + 1
	open := strings.HasSuffix(columns, "…")
	var fields []string
	return r.lines(name, columns, begin, func(line string) error {
		fields = splitFields(fields[:0], line)
		if len(fields) < want || len(fields) > want && !open {
			return fmt.Errorf("%d fields, expected %d", len(fields), want)
		}
		return row(fields)
	})
}

// lines calls each for every line after the first, which must be columns. A trailing "…"
// there says that more fields may follow.
func (r *reader) lines(name, columns string, begin func(rows int), each func(line string) error) error {
	t := r.tables[name]
	if t == nil {
		return fmt.Errorf("reading table %s: %w", name, errNotInManifest)
	}
	text, err := r.unpack(t)
	if err != nil {
		return fmt.Errorf("reading table %s: %w", name, err)
	}
	header, rest, _ := strings.Cut(text, "\n")
	if header != columns {
		return fmt.Errorf("reading table %s: %s: line 1: columns %q, expected %q", name, t.File, header, columns)
	}
	begin(t.Rows)
	n := 0
	for rest != "" {
		n++
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if err := each(line); err != nil {
			return fmt.Errorf("reading table %s: %s: line %d: %w", name, t.File, n+1, err)
		}
	}
	if n != t.Rows {
		return fmt.Errorf("reading table %s: %s: %d rows, the manifest says %d", name, t.File, n, t.Rows)
	}
	return nil
}

func (r *reader) unpack(t *Table) (string, error) {
	packed, err := t.packed(r.fsys)
	if err != nil {
		return "", err
	}
	text, err := r.zstd.DecodeAll(packed, nil)
	if err != nil {
		return "", fmt.Errorf("unpacking %s: %w", t.File, err)
	}
	return string(text), nil
}

func splitFields(fields []string, line string) []string {
	escaped := strings.IndexByte(line, '\\') >= 0
	for more := true; more; {
		var f string
		f, line, more = strings.Cut(line, "\t")
		if escaped {
			f = unescape.Replace(f)
		}
		fields = append(fields, f)
	}
	return fields
}

// unescape undoes what the generator does to a tab, a line end and a backslash.
var unescape = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r")

// list splits a field that holds several names; an empty field holds none.
func list(field string) []string {
	if field == "" {
		return nil
	}
	return strings.Split(field, ",")
}

// flag reads a field that is "1" or empty.
func flag(field string) (bool, error) {
	switch field {
	case "":
		return false, nil
	case "1":
		return true, nil
	}
	return false, fmt.Errorf("%q, expected 1 or nothing", field)
}
