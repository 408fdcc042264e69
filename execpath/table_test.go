// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet/catalog"
)

func builtin(t testing.TB) *Table {
	t.Helper()
	table, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func openCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// Each operation is in the catalogue, or marked as unverified.
func TestOperationsAreKnown(t *testing.T) {
	table, cat := builtin(t), openCatalog(t)
	for i := range table.rows {
		row := &table.rows[i]
		for _, w := range row.Ways {
			for _, n := range w.Needs {
				if n.Plane == OnExternal {
					continue
				}
				if _, known := cat.FindOperation(n.op); known == n.Unverified {
					t.Errorf("%s: %s: in the catalogue: %v, marked unverified: %v; run go generate ./execpath", row.ID, n.Operation, known, n.Unverified)
				}
			}
		}
	}
	if m := table.Manifest(); m.Catalog != cat.Date() {
		t.Errorf("the manifest is of the catalogue of %s, and it is of %s", m.Catalog, cat.Date())
	}
}

// The file is in the form that the command writes.
func TestTableIsSettled(t *testing.T) {
	table := builtin(t)
	want, err := embedded.ReadFile("data/" + TableFile)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := table.Write(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("the table is not as written by the command; run go generate ./execpath")
	}
}

func TestRowsThatAreRefused(t *testing.T) {
	f := func(row, want string) {
		t.Helper()
		_, err := ReadTable("own.jsonl", strings.NewReader("# my rows\n\n"+row+"\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "own.jsonl:3: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q at own.jsonl:3", row, err, want)
		}
	}
	good := `{"id":"X-1","kind":"exec","result":"host","hosts":["Microsoft.Foo/bars"],"certainty":"published","ways":[{"needs":[{"operation":"Microsoft.Foo/bars/run/action","plane":"control","on":"host"}]}],"how":"","identity":"","about":"","sources":["here"]}`
	if _, err := ReadTable("own.jsonl", strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	with := func(old, now string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not there", old)
		}
		return strings.Replace(good, old, now, 1)
	}
	f(with(`"X-1"`, `""`), "no id")
	f(with(`"exec"`, `"magic"`), `the kind "magic"`)
	f(with(`"host",`, `"all",`), `the result "all"`)
	f(with(`"published"`, `"sure"`), `the certainty "sure"`)
	f(with(`["here"]`, `[]`), "at least one source")
	f(with(`["Microsoft.Foo/bars"]`, `["bars"]`), `"bars" is not a resource type`)
	f(with(`["Microsoft.Foo/bars"]`, `[]`), "no host is named")
	f(with(`"control"`, `"left"`), `the plane "left"`)
	f(with(`"on":"host"`, `"on":"moon"`), `the object "moon"`)
	f(with(`"on":"host"`, `"on":"outside"`), "is checked outside")
	f(with(`bars/run/action`, `*/action`), "operation")
	f(with(`[{"needs":[{"operation":"Microsoft.Foo/bars/run/action","plane":"control","on":"host"}]}]`, `[]`), "at least one way")
	f(with(`[{"operation":"Microsoft.Foo/bars/run/action","plane":"control","on":"host"}]`, `[]`), "needs no right")
	f(with(`"needs"`, `"gates":["none"],"needs"`), `no gate "none"`)
	f(with(`"how"`, `"why":"","how"`), `unknown field "why"`)
	f(good+good, "more than one")
}

func TestTwiceTheSameName(t *testing.T) {
	row := `{"id":"X-1","kind":"exec","result":"none","certainty":"low","ways":[{"needs":[{"operation":"a push","plane":"external","on":"outside"}]}],"how":"","identity":"","about":"","sources":["here"]}`
	_, err := ReadTable("own.jsonl", strings.NewReader(row+"\n"+strings.Replace(row, "X-1", "x-1", 1)))
	if err == nil || !strings.Contains(err.Error(), "own.jsonl:2: x-1 stands there twice") {
		t.Error(err)
	}
}

// Rows of a user take the place of those of the same name, and follow otherwise.
func TestRowsOfOnesOwn(t *testing.T) {
	table := builtin(t)
	own, err := ReadTable("own.jsonl", strings.NewReader(`{"id":"vm-01","kind":"not-a-path","result":"none","certainty":"low","ways":[{"needs":[{"operation":"nothing","plane":"external","on":"outside"}]}],"how":"","identity":"","about":"","sources":["here"]}
{"id":"OWN-01","kind":"exec","result":"none","certainty":"low","ways":[{"needs":[{"operation":"nothing","plane":"external","on":"outside"}]}],"how":"","identity":"","about":"","sources":["here"]}`))
	if err != nil {
		t.Fatal(err)
	}
	joined := table.Join(own)
	if len(joined.rows) != len(table.rows)+1 || joined.Technique("VM-01").Kind != KindNoPath || joined.Technique("own-01") == nil || joined.Technique("OWN-02") != nil {
		t.Errorf("%d rows of %d", len(joined.rows), len(table.rows))
	}
	if table.Technique("VM-01").Kind != KindExec {
		t.Error("the table itself was changed")
	}
}

func TestDamagedTable(t *testing.T) {
	row := `{"id":"X-1","kind":"exec","result":"none","certainty":"low","ways":[{"needs":[{"operation":"a push","plane":"external","on":"outside"}]}],"how":"","identity":"","about":"","sources":["here"]}`
	f := func(table, manifest, want string) {
		t.Helper()
		fsys := fstest.MapFS{}
		if table != "" {
			fsys[TableFile] = &fstest.MapFile{Data: []byte(table)}
		}
		if manifest != "" {
			fsys[ManifestFile] = &fstest.MapFile{Data: []byte(manifest)}
		}
		if _, err := OpenTable(fsys); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f("", "", "reading the table")
	f("{", "", "techniques.jsonl:1")
	f(row, "", "reading the manifest")
	f(row, `{"rowz":1}`, "rowz")
	f(row, `{"rows":1,"sha256":"0"}`, "damaged")
	f(row+"\n", `{"rows":2,"sha256":"`+sumOf(row+"\n")+`"}`, "has 1 rows and the manifest says 2")
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func FuzzReadTable(f *testing.F) {
	text, err := embedded.ReadFile("data/" + TableFile)
	if err != nil {
		f.Fatal(err)
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if i%20 == 0 {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := ReadTable("fuzz", bytes.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := table.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ReadTable("again", bytes.NewReader(out.Bytes()))
		if err != nil || len(again.rows) != len(table.rows) {
			t.Fatalf("what was written is not read: %v", err)
		}
	})
}
