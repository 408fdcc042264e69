// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// roleAllows says which data actions a built-in role gives, for the table.
func roleAllows(t testing.TB, cat *catalog.Catalog, name string) func(arm.Operation) bool {
	t.Helper()
	if name == "" {
		return func(arm.Operation) bool { return false }
	}
	def := cat.RoleByName(name)
	if def == nil {
		t.Fatalf("no role %s", name)
	}
	perms := compilePermissions(def.Permissions)
	return func(o arm.Operation) bool {
		return slices.ContainsFunc(perms, func(p permission) bool { return matchesAny(p.data.grant, o) && !matchesAny(p.data.subtract, o) })
	}
}

// The permissions table of MicrosoftDocs/azure-docs
// articles/storage/blobs/data-lake-storage-access-control-model.md, row by row. "N/A" in
// every column is nil here.
func TestPathNeeds(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	const (
		owner       = "Storage Blob Data Owner"
		contributor = "Storage Blob Data Contributor"
		reader      = "Storage Blob Data Reader"
		file        = "/Oregon/Portland/Data.txt"
	)
	f := func(o PathOperation, path, role, want string) {
		t.Helper()
		var got []string
		for _, n := range PathNeeds(o, path, roleAllows(t, cat, role)) {
			if n.Permissions == "" {
				n.Permissions = "N/A"
			}
			got = append(got, n.Path+" "+strings.ToUpper(n.Permissions))
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%s %s with %q needs %q, want %q", o, path, role, text, want)
		}
	}
	for _, role := range []string{owner, contributor} {
		for o := ReadFile; o <= DeleteFile; o++ {
			f(o, file, role, "")
		}
		for _, dir := range []string{"/", "/Oregon/", "/Oregon/Portland/"} {
			f(ListDirectory, dir, role, "")
		}
	}
	f(ReadFile, file, reader, "")
	f(ReadFile, file, "", "/ --X, /Oregon/ --X, /Oregon/Portland/ --X, /Oregon/Portland/Data.txt R--")
	f(AppendFile, file, reader, "/ --X, /Oregon/ --X, /Oregon/Portland/ --X, /Oregon/Portland/Data.txt -W-")
	f(AppendFile, file, "", "/ --X, /Oregon/ --X, /Oregon/Portland/ --X, /Oregon/Portland/Data.txt RW-")
	for _, role := range []string{reader, ""} {
		f(DeleteFile, file, role, "/ --X, /Oregon/ --X, /Oregon/Portland/ -WX, /Oregon/Portland/Data.txt N/A")
		f(CreateFile, file, role, "/ --X, /Oregon/ --X, /Oregon/Portland/ -WX, /Oregon/Portland/Data.txt N/A")
	}
	f(ListDirectory, "/", reader, "")
	f(ListDirectory, "/Oregon/", reader, "")
	f(ListDirectory, "/Oregon/Portland/", reader, "")
	f(ListDirectory, "/", "", "/ R-X")
	f(ListDirectory, "/Oregon/", "", "/ --X, /Oregon/ R-X")
	f(ListDirectory, "/Oregon/Portland/", "", "/ --X, /Oregon/ --X, /Oregon/Portland/ R-X")
	// Roles of other data, and of the control plane, give nothing of a blob's.
	f(ReadFile, "/a", "Storage Queue Data Contributor", "/ --X, /a R--")
	f(ReadFile, "/a", "Owner", "/ --X, /a R--")
	// "Which permissions are required to recursively delete a directory and its contents?"
	// of data-lake-storage-access-control.md.
	f(DeleteDirectory, "/Oregon/Portland/", "", "/ --X, /Oregon/ -WX, /Oregon/Portland/ RWX")
	f(DeleteDirectory, "/Oregon/", contributor, "")
	f(CreateFile, "/", "", "") // the root is there already
}

// A role that only writes leaves what it takes to read.
func TestPathNeedsOfAWriter(t *testing.T) {
	writes := func(o arm.Operation) bool { return o.Equal(operationOf(blobAdd)) }
	want := []PathNeed{{"/", "--x"}, {"/a", "r--"}}
	if d := cmp.Diff(want, PathNeeds(AppendFile, "/a", writes)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	super := func(o arm.Operation) bool { return o.Equal(operationOf(blobSuperUser)) }
	if got := PathNeeds(DeleteFile, "/a", super); got != nil {
		t.Errorf("a super-user needs %v", got)
	}
}

func TestMetBy(t *testing.T) {
	f := func(need, have string, want bool, fails bool) {
		t.Helper()
		got, err := PathNeed{"/", need}.MetBy(have)
		if got != want || (err != nil) != fails {
			t.Errorf("%q met by %q: %v, %v", need, have, got, err)
		}
	}
	f("r-x", "RWX", true, false)
	f("r-x", "--x", false, false)
	f("", "---", true, false)
	f("", "x", false, true)
	f("r--", "rw", false, true)
	f("r--", "xwr", false, true)
	f("q--", "rwx", false, true)
}

func TestPathWords(t *testing.T) {
	if DeleteDirectory.String() != "delete recursively" || PathOperation(9).String() != "invalid" {
		t.Error(DeleteDirectory, PathOperation(9))
	}
	if !operationOf("no operation").IsZero() {
		t.Error("a text became an operation")
	}
}

func ExamplePathNeeds() {
	noRole := func(arm.Operation) bool { return false }
	for _, n := range PathNeeds(AppendFile, "/raw/log.txt", noRole) {
		fmt.Println(n.Permissions, n.Path)
	}
	// Output:
	// --x /
	// --x /raw/
	// rw- /raw/log.txt
}
