// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"
)

// copyData returns a copy of the embedded tables that a test may damage.
func copyData(t *testing.T) fstest.MapFS {
	t.Helper()
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err = fs.WalkDir(data, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(data, p)
		files[p] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func manifestOf(t *testing.T, files fstest.MapFS) map[string][]Table {
	t.Helper()
	m := map[string][]Table{}
	if err := json.Unmarshal(files[ManifestFile].Data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func setManifest(t *testing.T, files fstest.MapFS, m any) {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	files[ManifestFile].Data = b
}

// replace writes a table anew, with a manifest that agrees.
func replace(t *testing.T, files fstest.MapFS, name string, lines ...string) {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := enc.EncodeAll([]byte(strings.Join(lines, "\n")+"\n"), nil)
	m := manifestOf(t, files)
	for i := range m["tables"] {
		if table := &m["tables"][i]; table.Name == name {
			sum := sha256.Sum256(packed)
			table.SHA256, table.Rows = hex.EncodeToString(sum[:]), len(lines)-1
			files[table.File].Data = packed
		}
	}
	setManifest(t, files, m)
}

func wantError(t *testing.T, files fstest.MapFS, want ...string) {
	t.Helper()
	_, err := Read(files)
	if err == nil {
		t.Fatalf("read without an error, want %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	f := func(damage func(files fstest.MapFS), want ...string) {
		t.Helper()
		files := copyData(t)
		damage(files)
		wantError(t, files, want...)
	}
	f(func(files fstest.MapFS) { files["roles.tsv.zst"].Data[5000] ^= 1 }, "reading table roles", "checksum", "damaged")
	f(func(files fstest.MapFS) { delete(files, "operations.tsv.zst") }, "reading table operations", "operations.tsv.zst")
	f(func(files fstest.MapFS) { delete(files, ManifestFile) }, "reading the manifest")
	f(func(files fstest.MapFS) { files[ManifestFile].Data = []byte(`{"tables": [{"name": 1}]}`) }, "reading the manifest", "byte")
	f(func(files fstest.MapFS) { files[ManifestFile].Data = []byte(`{"tables": [], "more": 1}`) }, "reading the manifest", "more")
	f(func(files fstest.MapFS) { setManifest(t, files, map[string][]Table{}) }, "reading table roles", "manifest does not list")
	f(func(files fstest.MapFS) {
		m := manifestOf(t, files)
		m["tables"][0].Rows--
		setManifest(t, files, m)
	}, "reading table roles", "928 rows, the manifest says 927")
	f(func(files fstest.MapFS) {
		m := manifestOf(t, files)
		sum := sha256.Sum256([]byte("no zstd"))
		m["tables"][0].SHA256 = hex.EncodeToString(sum[:])
		setManifest(t, files, m)
		files["roles.tsv.zst"].Data = []byte("no zstd")
	}, "reading table roles", "unpacking roles.tsv.zst")
}

func TestDamagedRows(t *testing.T) {
	f := func(name string, lines []string, want ...string) {
		t.Helper()
		files := copyData(t)
		replace(t, files, name, lines...)
		wantError(t, files, append(want, "reading table "+name)...)
	}
	rows := func(columns string, lines ...string) []string { return append([]string{columns}, lines...) }

	f(tableRoles, rows("other"), "line 1", "columns")
	const good = "id\tname\t1\twords\tA/b\t\t\t\t\t"
	f(tableRoles, rows(roleColumns, "id\tname"), "line 2", "2 fields, expected 10")
	f(tableRoles, rows(roleColumns, good+"\tA/b"), "line 2", "7 permission fields")
	f(tableRoles, rows(roleColumns, strings.Replace(good, "1", "yes", 1)), "line 2", "privileged")
	f(tableRoles, rows(roleColumns, good, good), "line 3", "id is there twice")
	f(tableRoles, rows(roleColumns, good, strings.NewReplacer("id", "other", "name", "NAME").Replace(good)), "line 3", "NAME is there twice")

	f(tableOperations, rows(operationColumns, "A/b"), "line 2", "expected an operation and facts")
	f(tableOperations, rows(operationColumns, "A/b\t"), "line 2", "expected a plane")
	f(tableOperations, rows(operationColumns, "A/b\t3r"), "line 2", "plane")
	f(tableOperations, rows(operationColumns, "A/b\t0q"), "line 2", "origin")
	f(tableOperations, rows(operationColumns, "A/b\t0r", "a/B\t0r"), "line 3", "twice or out of order")
	f(tableOperations, rows(operationColumns, "A/c\t0r", "A/b\t0r"), "line 3", "twice or out of order")
	for _, name := range []string{"", "A", "A/", "/b", "A//b", "A/*", "A/b c", "A/\u212a", "A/" + strings.Repeat("b", 1100)} {
		f(tableOperations, rows(operationColumns, name+"\t0r"), "line 2", "operation")
	}

	f(tableRequests, rows(requestColumns, "GET\ta/{}\t"), "line 2", "no action")
	f(tableRequests, rows(requestColumns, "GET\ta/{}\tA"), "line 2", "operation")
	f(tableTypes, rows(typeColumns, "A/b\t1\t\tx\t\t"), "line 2", "letters of isu")
	f(tableTypes, rows(typeColumns, "A/b\t1"), "line 2", "2 fields")
	f(tableTypes, rows(typeColumns, "A/b\t1\t\t\t\t", "A/b\t1\t\t\t\t"), "line 3", "twice")
	f(tableSwitches, rows(switchColumns, "A/b"), "line 2", "1 fields")

	f(tableBypasses, rows(bypassColumns, "A\tS\tA/b\tkey\ty\t\t\t\t\t"), "line 2", "operation")
	f(tableBypasses, rows(bypassColumns, "A/b\tS\tA/b\tmagic\ty\t\t\t\t\t"), "line 2", `kind "magic"`)
	f(tableBypasses, rows(bypassColumns, "A/b\tS\tA/b\tkey\ty\t\t\tp\tbut\ttrue"), "line 2", `test "but"`)
	f(tableBypasses, rows(bypassColumns, "A/b\tS\tA/b\tkey\ty\t\t\t\t\t", "A/b\tS\tA/b\tkey\ty\t\t\t\t\t"), "line 3", "twice")

	f(tableDirectory, rows(directoryColumns, "i\tn\tx\t0\t"), "line 2", "privileged")
	f(tableDirectory, rows(directoryColumns, "i\tn\t1\t7\t"), "line 2", "tier")
	f(tableDirectory, rows(directoryColumns, "i\tn\t1\t0\t", "I\tm\t1\t0\t"), "line 3", "I is there twice")
	f(tableDirectory, rows(directoryColumns, "i\tn\t1\t0\t", "j\tN\t1\t0\t"), "line 3", "N is there twice")
	f(tableAppRoles, rows(appRoleColumns, "a\ti\tv\tn\tx\t0"), "line 2", "disabled")
	f(tableAppRoles, rows(appRoleColumns, "a\ti\tv\tn\t\tx"), "line 2", "tier")
	f(tableDangerous, rows(dangerousColumns, "i\tv\tn\tbad\tw"), "line 2", "class")
	f(tableClasses, rows(classColumns, "c\towasp:NHI99\t"), "line 2", "owasp:NHI99")
	f(tableSuccessions, rows(successionColumns, "o\tn\tperhaps"), "line 2", "confirmed")
	f(tableHSM, rows(hsmColumns, "i"), "line 2", "1 fields")
	f(tableFrameworks, rows(frameworkColumns, "f"), "line 2", "1 fields")
}

func TestFieldsComeBack(t *testing.T) {
	got := splitFields(nil, `a\tb`+"\t"+`c\\td\n\r`+"\t\t")
	want := []string{"a\tb", "c\\td\n\r", "", ""}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRolesWithoutDate(t *testing.T) {
	files := copyData(t)
	m := manifestOf(t, files)
	m["tables"][0].Sources[0].Date = ""
	setManifest(t, files, m)
	c, err := Read(files)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Roles()[0].Source; s.Origin.Address != "built-in roles" || !s.Origin.ReadAt.IsZero() {
		t.Errorf("source %+v", s.Origin)
	}
}

func TestHashIndexOfNothing(t *testing.T) {
	var x hashIndex
	if _, ok := x.find(nil, "a"); ok {
		t.Error("found something in nothing")
	}
	x = newHashIndex(nil)
	if _, ok := x.find(nil, "a"); ok {
		t.Error("found something in an index of nothing")
	}
}
