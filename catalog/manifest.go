// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

// ManifestFile is the name of the manifest among the tables.
const ManifestFile = "manifest.json"

// Table describes a table of the catalogue: what it was made from, and when.
type Table struct {
	// Name says what it holds, such as "roles".
	Name string `json:"name"`
	// File is its file beside the manifest: tab-separated values, packed with zstd. The
	// first line names the columns.
	File string `json:"file"`
	// Rows is the number of lines after the first.
	Rows int `json:"rows"`
	// SHA256 is the checksum of the file, in lower-case hexadecimal digits.
	SHA256 string `json:"sha256"`
	// Sources are what it was made from, the main one first.
	Sources []TableSource `json:"sources"`
}

// TableSource is one origin of a table.
type TableSource struct {
	// Source is a repository, commit and path, "owner/name@commit path", or a sentence
	// where there is none.
	Source string `json:"source"`
	// Date is the day of the data, as 2006-01-02; empty where the source gives none.
	Date string `json:"date,omitzero"`
	// License is an SPDX expression.
	License string `json:"license"`
	// Notice is the copyright line to carry; empty for tables of our own.
	Notice string `json:"notice,omitzero"`
}

// Date returns the day of the table's main source, as 2006-01-02, or "".
func (t *Table) Date() string {
	if len(t.Sources) == 0 {
		return ""
	}
	return t.Sources[0].Date
}

// Source returns all sources in one line.
func (t *Table) Source() string {
	return t.join("; ", func(s TableSource) string { return s.Source })
}

// License returns the licences of all sources as one SPDX expression.
func (t *Table) License() string {
	return t.join(" AND ", func(s TableSource) string { return s.License })
}

// join joins a property of the sources, each value once.
func (t *Table) join(sep string, of func(TableSource) string) string {
	var parts []string
	seen := map[string]bool{}
	for _, s := range t.Sources {
		if v := of(s); v != "" && !seen[v] {
			seen[v] = true
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, sep)
}

// readManifest reads the list of tables. An unknown field is an error: the manifest was
// written for another version.
func readManifest(fsys fs.FS) ([]Table, error) {
	text, err := fs.ReadFile(fsys, ManifestFile)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of the catalogue: %w", err)
	}
	var m struct {
		Tables []Table `json:"tables"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("reading the manifest of the catalogue: %s, byte %d: %w", ManifestFile, dec.InputOffset(), err)
	}
	return m.Tables, nil
}

// packed returns the file of a table after comparing its checksum.
func (t *Table) packed(fsys fs.FS) ([]byte, error) {
	b, err := fs.ReadFile(fsys, t.File)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != t.SHA256 {
		return nil, fmt.Errorf("%s has the checksum %s and the manifest says %s: the file is damaged or of another version", t.File, got, t.SHA256)
	}
	return b, nil
}
