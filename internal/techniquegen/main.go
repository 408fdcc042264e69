// SPDX-License-Identifier: Apache-2.0

// Command techniquegen checks the table of techniques and writes it in its one form, with
// a manifest.
//
// It adds no technique: rows are written by hand, with their sources. go generate runs it.
//
//	go run ./internal/techniquegen FOLDER PAGE
//
// PAGE is written too: what each built-in role satisfies alone.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("techniquegen: ")
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// sources.json lists what the keys in the rows stand for, with the version and the day.
type sources struct {
	Version int                        `json:"version"`
	Date    string                     `json:"date"`
	Sources map[string]execpath.Source `json:"sources"`
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: techniquegen FOLDER PAGE; the folder holds " + execpath.TableFile + " and sources.json")
	}
	dir := args[0]
	text, err := os.ReadFile(filepath.Join(dir, execpath.TableFile)) //nolint:gosec // the folder is named on the command line
	if err != nil {
		return err
	}
	table, err := execpath.ReadTable(execpath.TableFile, bytes.NewReader(text))
	if err != nil {
		return err
	}
	var about sources
	if err := readJSON(filepath.Join(dir, "sources.json"), &about); err != nil {
		return err
	}
	if err := about.covers(table); err != nil {
		return err
	}
	cat, err := catalog.Open()
	if err != nil {
		return err
	}
	m := execpath.Manifest{
		Version: about.Version, Date: about.Date, Rows: len(table.Techniques()), Sources: about.Sources,
		Catalog: cat.Date(), Unverified: table.Settle(cat),
	}
	var out bytes.Buffer
	if err := table.Write(&out); err != nil {
		return err
	}
	sum := sha256.Sum256(out.Bytes())
	m.SHA256 = hex.EncodeToString(sum[:])
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, execpath.TableFile), out.Bytes(), 0o644); err != nil { //nolint:gosec // a file of the repository
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, execpath.ManifestFile), append(manifest, '\n'), 0o644); err != nil { //nolint:gosec // a file of the repository
		return err
	}
	return os.WriteFile(args[1], page(table, cat, m.Date), 0o644) //nolint:gosec // a file of the repository
}

// covers reports a source of a row that no key names.
func (s *sources) covers(t *execpath.Table) error {
	rows := t.Techniques()
	for i := range rows {
		for _, text := range rows[i].Sources {
			if !s.knows(text) {
				return fmt.Errorf("%s: no key of sources.json begins the source %q", rows[i].ID, text)
			}
		}
	}
	return nil
}

func (s *sources) knows(text string) bool {
	for key := range s.Sources {
		if text == key || strings.HasPrefix(text, key+" ") || strings.HasPrefix(text, key+"/") || strings.HasPrefix(text, key+"#") {
			return true
		}
	}
	return false
}

func readJSON(file string, v any) error {
	text, err := os.ReadFile(file) //nolint:gosec // the folder is named on the command line
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
