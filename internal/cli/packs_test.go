// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/rogpeppe/go-internal/testscript"
)

// packs writes a file of JSON Lines in another form: gzip, zstd, or parquet with a column of
// text for each key.
func packs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: packs gzip|zstd|parquet FILE TO")
	}
	text, to := ts.ReadFile(args[1]), ts.MkAbs(args[2])
	ts.Check(os.MkdirAll(filepath.Dir(to), 0o700))
	f, err := os.Create(to)
	ts.Check(err)
	defer func() { ts.Check(f.Close()) }()
	var out io.WriteCloser
	switch args[0] {
	case "gzip":
		out = gzip.NewWriter(f)
	case "zstd":
		out, err = zstd.NewWriter(f)
	case "parquet":
		err = writeParquet(f, text)
	default:
		ts.Fatalf("there is no form %s", args[0])
	}
	ts.Check(err)
	if out != nil {
		_, err = io.WriteString(out, text)
		ts.Check(err)
		ts.Check(out.Close())
	}
}

func writeParquet(out io.Writer, text string) error {
	var rows []map[string]any
	columns := parquet.Group{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var entry map[string]json.RawMessage
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			return err
		}
		row := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(entry)) {
			columns[name] = parquet.Optional(parquet.String())
			value := string(entry[name])
			var s string
			if json.Unmarshal(entry[name], &s) == nil {
				value = s
			}
			row[name] = value
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	w := parquet.NewGenericWriter[map[string]any](out, parquet.NewSchema("entries", columns))
	if _, err := w.Write(rows); err != nil {
		return err
	}
	return w.Close()
}
