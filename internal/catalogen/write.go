// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet/catalog"
)

// A table is one table of the catalogue and how to make it.
type table struct {
	name string
	// columns are the names of the first line; a trailing "…" stands for further fields.
	columns string
	sources []catalog.TableSource
	// rows makes the fields of all rows from the data folder, in a fixed order.
	rows func(fsys fs.FS) ([][]string, error)
}

// generate writes the tables and their manifest. The same data gives the same bytes.
func generate(data fs.FS, out string, tables []table) error {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("preparing to pack: %w", err)
	}
	var manifest struct {
		Tables []catalog.Table `json:"tables"`
	}
	for _, t := range tables {
		rows, err := t.rows(data)
		if err != nil {
			return fmt.Errorf("making table %s: %w", t.name, err)
		}
		packed := enc.EncodeAll(encode(t.columns, rows), nil)
		sum := sha256.Sum256(packed)
		entry := catalog.Table{
			Name: t.name, File: t.name + ".tsv.zst", Rows: len(rows), SHA256: hex.EncodeToString(sum[:]), Sources: t.sources,
		}
		if err := write(out, entry.File, packed); err != nil {
			return err
		}
		manifest.Tables = append(manifest.Tables, entry)
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("making the manifest: %w", err)
	}
	return write(out, catalog.ManifestFile, append(text, '\n'))
}

func write(dir, name string, b []byte) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("writing %s: %w (and closing it: %w)", name, err, f.Close())
	}
	return f.Close()
}

// escape keeps a field on its line and in its column.
var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func encode(columns string, rows [][]string) []byte {
	var b bytes.Buffer
	b.WriteString(columns + "\n")
	for _, row := range rows {
		for i, field := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(escape.Replace(field))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// readJSON reads a file of the data folder; an unknown field is an error, because it may
// be one that the tables ought to keep.
func readJSON[T any](fsys fs.FS, name string) (T, error) {
	var v T
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return v, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return v, fmt.Errorf("%s: byte %d: %w", name, dec.InputOffset(), err)
	}
	return v, nil
}

// join makes a list field and refuses an element that would not come back.
func join(elems []string) (string, error) { return joinWith(",", elems) }

func joinWith(sep string, elems []string) (string, error) {
	for _, e := range elems {
		if e == "" || strings.Contains(e, sep) {
			return "", fmt.Errorf("list element %q is empty or holds %q", e, sep)
		}
	}
	return strings.Join(elems, sep), nil
}

func flag1(b bool) string {
	if b {
		return "1"
	}
	return ""
}
