// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/mivet/mivet/catalog"
)

// The names of the table and of its manifest.
const (
	TableFile    = "techniques.jsonl"
	ManifestFile = "manifest.json"
)

//go:generate go run ../internal/techniquegen data ../docs/role-techniques.md

//go:embed data/techniques.jsonl data/manifest.json
var embedded embed.FS

// maxRow is the longest row that is read, in bytes, and maxRows how many.
const (
	maxRow  = 1 << 20
	maxRows = 1 << 16
)

// Manifest describes the table: what it was made from, and when.
type Manifest struct {
	// Version rises when rows or their meaning change.
	Version int `json:"version"`
	// Date is the day of the sources, as 2006-01-02.
	Date string `json:"date"`
	Rows int    `json:"rows"`
	// SHA256 is the checksum of the table, in lower-case hexadecimal digits.
	SHA256 string `json:"sha256"`
	// Catalog is the day of the catalogue that the operations were looked up in, and
	// Unverified how many it does not have.
	Catalog    string `json:"catalog"`
	Unverified int    `json:"unverified"`
	// Sources are the keys that the rows name.
	Sources map[string]Source `json:"sources"`
}

// Source is where facts about techniques are from.
type Source struct {
	Name    string `json:"name"`
	License string `json:"license"`
}

// Table is a list of techniques with unique names.
type Table struct {
	rows     []Technique
	byID     map[string]int
	manifest Manifest
}

// Techniques returns the rows in their order. They belong to the table.
func (t *Table) Techniques() []Technique { return t.rows }

// Manifest returns the description of the embedded rows.
func (t *Table) Manifest() Manifest { return t.manifest }

// Technique returns the row of that name, or nil.
func (t *Table) Technique(id string) *Technique {
	if i, ok := t.byID[strings.ToUpper(id)]; ok {
		return &t.rows[i]
	}
	return nil
}

// Builtin returns the embedded table. An error means that the program was built from
// damaged data.
func Builtin() (*Table, error) {
	sub, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, err
	}
	return OpenTable(sub)
}

// OpenTable reads a table with its manifest, as the program carries it. A checksum or a
// number of rows that differs from the manifest's is an error.
func OpenTable(fsys fs.FS) (*Table, error) {
	text, err := fs.ReadFile(fsys, TableFile)
	if err != nil {
		return nil, fmt.Errorf("reading the table of techniques: %w", err)
	}
	t, err := ReadTable(TableFile, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	about, err := fs.ReadFile(fsys, ManifestFile)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of the techniques: %w", err)
	}
	if err := strictly(about, &t.manifest); err != nil {
		return nil, fmt.Errorf("reading the manifest of the techniques: %w", err)
	}
	sum := sha256.Sum256(text)
	switch got := hex.EncodeToString(sum[:]); {
	case got != t.manifest.SHA256:
		return nil, fmt.Errorf("%s has the checksum %s and the manifest says %s: the file is damaged or of another version", TableFile, got, t.manifest.SHA256)
	case t.manifest.Rows != len(t.rows):
		return nil, fmt.Errorf("%s has %d rows and the manifest says %d", TableFile, len(t.rows), t.manifest.Rows)
	}
	return t, nil
}

// ReadTable reads rows, one JSON object a line. Blank lines, and lines that begin with
// "#", are left out. Errors name the file and the line.
func ReadTable(name string, r io.Reader) (*Table, error) {
	t := &Table{byID: map[string]int{}}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxRow)
	line := 0
	for in.Scan() {
		line++
		text := bytes.TrimSpace(in.Bytes())
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		var row Technique
		err := strictly(text, &row)
		if err == nil {
			err = t.add(row)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w; a row has at most %d bytes", name, line+1, err, maxRow)
	}
	return t, nil
}

func (t *Table) add(row Technique) error {
	if err := row.check(); err != nil {
		return err
	}
	key := strings.ToUpper(row.ID)
	if _, twice := t.byID[key]; twice {
		return fmt.Errorf("%s stands there twice", row.ID)
	}
	if len(t.rows) == maxRows {
		return fmt.Errorf("there are more than %d rows", maxRows)
	}
	t.byID[key] = len(t.rows)
	t.rows = append(t.rows, row)
	return nil
}

// Join returns the table with the rows of another: those of the same name take the place
// of its own, the others follow.
func (t *Table) Join(o *Table) *Table {
	out := &Table{byID: map[string]int{}, manifest: t.manifest}
	for _, rows := range [][]Technique{t.rows, o.rows} {
		for i := range rows {
			key := strings.ToUpper(rows[i].ID)
			if n, ok := out.byID[key]; ok {
				out.rows[n] = rows[i]
				continue
			}
			out.byID[key] = len(out.rows)
			out.rows = append(out.rows, rows[i])
		}
	}
	return out
}

// Settle looks the operations up in the catalogue and marks those that it does not have.
func (t *Table) Settle(cat *catalog.Catalog) (unverified int) {
	seen := map[string]bool{}
	for i := range t.rows {
		for j := range t.rows[i].Ways {
			needs := t.rows[i].Ways[j].Needs
			for k := range needs {
				n := &needs[k]
				if n.Plane == OnExternal {
					continue
				}
				_, known := cat.FindOperation(n.op)
				n.Unverified = !known
				if key := string(n.op.Key()); !known && !seen[key] {
					seen[key] = true
					unverified++
				}
			}
		}
	}
	return unverified
}

// Write writes the rows as [ReadTable] reads them.
func (t *Table) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range t.rows {
		if err := enc.Encode(&t.rows[i]); err != nil {
			return fmt.Errorf("writing %s: %w", t.rows[i].ID, err)
		}
	}
	return nil
}

// strictly reads one JSON value whose fields are all known.
func strictly(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("more than one JSON value stands there")
	}
	return nil
}
