// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	someForced = `{"provider":"hashicorp/azurerm","version":"5.2.0","resources":{
"azurerm_b":{"identity":true,"customize_diff":false,"force_new":["name","identity"]},
"azurerm_a":{"identity":false,"customize_diff":true,"force_new":["name"]},
"azurerm_c":{"force_new":["location","name"]}}}`
	someSchema = `{"version":"5.2.0","resources":[{"resource":"azurerm_b","identity_types":["SystemAssigned"]},
{"resource":"azurerm_a","identity_types":["SystemAssigned","SystemAssigned, UserAssigned"]},{"resource":"azurerm_x"}]}`
)

func facts(forced, schema string) fstest.MapFS {
	return fstest.MapFS{forceNewFile: {Data: []byte(forced)}, schemaFile: {Data: []byte(schema)}}
}

func TestGenerate(t *testing.T) {
	text, m, err := generate(facts(someForced, someSchema))
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(text, "blocks joined by dots.\n")
	if want := "a\tSBC\tname\nb\tSI\tidentity,name\nc\t-\tlocation,name\n"; rows != want {
		t.Errorf("%q, want %q", rows, want)
	}
	if m.Types != 3 || m.Attributes != 5 || m.Version != "5.2.0" || m.SHA256 != digest([]byte(text)) || m.Inputs[schemaFile] != digest([]byte(someSchema)) {
		t.Errorf("%+v", m)
	}
	if again, _, _ := generate(facts(someForced, someSchema)); again != text {
		t.Error("the same facts give another table")
	}
}

func TestFaults(t *testing.T) {
	f := func(forced, schema, want string) {
		t.Helper()
		if _, _, err := generate(facts(forced, schema)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(`{`, someSchema, "reading "+forceNewFile)
	f(someForced, `[]`, "reading "+schemaFile)
	f(someForced, `{"version":"4.0.0"}`, "one release")
	f(strings.Replace(someForced, "azurerm\"", "aws\"", 1), someSchema, "one release")
	f(strings.Replace(someForced, `["location","name"]`, `[]`, 1), someSchema, "another form")
	f(strings.Replace(someForced, "azurerm_c", "aws_c", 1), someSchema, "another form")
	for _, args := range [][]string{nil, {"-data", "x"}, {"-data", "x", "-out", "y", "z"}, {"-nonsense"}, {"-data", t.TempDir(), "-out", t.TempDir()}} {
		if err := run(args); err == nil {
			t.Errorf("%q is no error", args)
		}
	}
}

func TestRun(t *testing.T) {
	data, out := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{forceNewFile: someForced, schemaFile: someSchema} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run([]string{"-data", data, "-out", out}); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-data", data, "-out", filepath.Join(out, "none")}); err == nil {
		t.Error("a folder that is not there is written to")
	}
	bound(t, out)
}

// The table that is built in is the one that its manifest tells of.
func TestProvenance(t *testing.T) { bound(t, "../../lifecycle") }

func bound(t *testing.T, folder string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, tableFile))
	if err != nil {
		t.Fatal(err)
	}
	about, err := os.ReadFile(filepath.Join(folder, manifestFile))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(about, &m); err != nil {
		t.Fatal(err)
	}
	types, attributes := 0, 0
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); line[0] != '#' {
			types++
			attributes += strings.Count(f[len(f)-1], ",") + 1
		}
	}
	if m.SHA256 != digest(text) || m.Types != types || m.Attributes != attributes || m.Table != tableFile {
		t.Errorf("the manifest tells of %d types, %d attributes and %s; the table has %d, %d and %s", m.Types, m.Attributes, m.SHA256, types, attributes, digest(text))
	}
	p := provenance
	if m.Source != p.Source || m.Date != p.Date || m.License != p.License || m.Provider != p.Provider || len(m.Inputs) != 2 || !strings.Contains(string(text), m.Version+" ("+m.Date+")") {
		t.Errorf("another origin: %+v", m)
	}
}
