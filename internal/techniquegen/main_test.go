// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
)

const (
	row   = `{"id":"X-1","kind":"exec","result":"host","hosts":["Microsoft.Compute/virtualMachines"],"certainty":"published","ways":[{"needs":[{"operation":"Microsoft.Compute/virtualMachines/runCommand/action","plane":"control","on":"host"},{"operation":"Microsoft.Compute/virtualMachines/dream/action","plane":"control","on":"host"}]}],"how":"<code>","identity":"","about":"","sources":["HT vm"]}`
	about = `{"version":3,"date":"2026-11-30","sources":{"HT":{"name":"somebody","license":"MIT"}}}`
)

// folder writes files into a new folder. A text that is empty is no file.
func folder(t *testing.T, table, sources string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{execpath.TableFile: table, "sources.json": sources} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What is written is opened as a table, with its marks and its manifest.
func TestRun(t *testing.T) {
	dir := folder(t, "# by hand\n"+row, about)
	doc := filepath.Join(dir, "page.md")
	if err := run([]string{dir, doc}); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range []string{execpath.TableFile, execpath.ManifestFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	table, err := execpath.OpenTable(files)
	if err != nil {
		t.Fatal(err)
	}
	needs := table.Technique("X-1").Ways[0].Needs
	if m := table.Manifest(); m.Version != 3 || m.Unverified != 1 || needs[0].Unverified || !needs[1].Unverified {
		t.Errorf("got %+v, %+v", m, needs)
	}
	if !strings.Contains(string(files[execpath.TableFile].Data), "<code>") {
		t.Error("a text was escaped")
	}
}

func TestRefused(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f("usage")
	f("usage", t.TempDir())
	f("no such file", t.TempDir(), "page.md")
	f("techniques.jsonl:1", folder(t, "{", about), "page.md")
	f("no such file", folder(t, row, ""), "page.md")
	f("sources.json", folder(t, row, `{"verzion":1}`), "page.md")
	f(`begins the source "HT vm"`, folder(t, row, `{"sources":{"MS":{}}}`), "page.md")
}

// The page in the repository is the one that the command writes.
func TestPageIsCurrent(t *testing.T) {
	table, err := execpath.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/role-techniques.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := page(table, cat, table.Manifest().Date); !bytes.Equal(got, want) {
		t.Error("docs/role-techniques.md is not current; run go generate ./execpath")
	}
	for _, line := range []string{"| Reader | ", "| Virtual Machine Contributor | VM-01 "} {
		if !bytes.Contains(got, []byte("\n"+line)) {
			t.Errorf("no row begins %q", line)
		}
	}
}
