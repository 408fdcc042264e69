// SPDX-License-Identifier: Apache-2.0

package mivet_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// treeLaws are the laws on Go files. Each is shown to fail in TestTreeLawsCanFail.
var treeLaws = []struct {
	name string
	law  func([]*source) []string
}{
	{"imports", lawImports},
	{"pure", lawPure},
	{"confined", lawConfined},
	{"init", lawNoInit},
	{"doc", lawPackageDoc},
	{"licence", lawLicence},
	{"sizes", lawSizes},
	{"names", lawNames},
}

func TestTreeLaws(t *testing.T) {
	tree, err := loadTree(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree) < 2 {
		t.Fatalf("found %d Go files; the laws would hold of anything", len(tree))
	}
	for _, l := range treeLaws {
		t.Run(l.name, func(t *testing.T) { report(t, l.law(tree)) })
	}
}

func TestExitCodeLaw(t *testing.T) {
	tree, err := loadTree(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	report(t, lawExitCodes(tree, read(t, "docs/exit-codes.md")))
}

func TestModuleLaws(t *testing.T) {
	goMod, page := read(t, "go.mod"), read(t, "docs/dependencies.md")
	report(t, lawNoReplace("go.mod", goMod))
	report(t, lawDependencies(goMod, page))
	tools, err := filepath.Glob("tools/*/go.mod")
	if err != nil || len(tools) == 0 {
		t.Fatalf("found no tools: %v", err)
	}
	for _, file := range tools {
		text := read(t, file)
		report(t, lawNoReplace(file, text))
		report(t, lawTool(filepath.Base(filepath.Dir(file)), text, page))
	}
}

func TestWordLaw(t *testing.T) {
	for _, name := range repositoryFiles(t) {
		report(t, lawWords(name, read(t, name)))
	}
}

// report fails the test once per breach.
func report(t *testing.T, breaches []string) {
	t.Helper()
	for _, b := range sorted(breaches) {
		t.Error(b)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// repositoryFiles lists what git tracks or would track; without git (a module zip), every file.
func repositoryFiles(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return walkFiles(t, os.DirFS("."))
	}
	var names []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	return names
}

func walkFiles(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (p == ".git" || p == "build"):
			return fs.SkipDir
		case d.Type().IsRegular():
			names = append(names, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// lawNamed finds a law of treeLaws.
func lawNamed(t *testing.T, name string) func([]*source) []string {
	t.Helper()
	for _, l := range treeLaws {
		if l.name == name {
			return l.law
		}
	}
	t.Fatalf("no law named %q", name)
	return nil
}

// breaches applies one law to a small tree. The files are given without licence header, which is added.
func breaches(t *testing.T, law string, files map[string]string) []string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		if path.Ext(name) == ".go" {
			text = spdxHeader + text
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := loadTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return sorted(lawNamed(t, law)(tree))
}

// expect compares the breaches of a small tree with those wanted.
func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("breaches:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// importing is a Go file of package p with imports; own packages are given as folders with a leading slash.
func importing(p string, imports ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n", p)
	for _, imp := range imports {
		if dir, own := strings.CutPrefix(imp, "/"); own {
			imp = path.Join(modulePath, dir)
		}
		fmt.Fprintf(&b, "\t_ %q\n", imp)
	}
	b.WriteString(")\n")
	return b.String()
}

func TestImportLawCanFail(t *testing.T) {
	f := func(file string, imports []string, want ...string) {
		t.Helper()
		got := breaches(t, "imports", map[string]string{file: importing("p", imports...)})
		expect(t, got, want...)
	}
	// Up, sideways, and out of the order.
	f("authz/authz.go", []string{"/internal/store"}, "authz/authz.go: authz (layer 3) may not import internal/store (layer 17)")
	f("mivet.go", []string{"/authz"}, "mivet.go: mivet (layer 1) may not import authz (layer 3)")
	f("arm/arm.go", []string{"/"}, "arm/arm.go: arm (layer 0) may not import mivet (layer 1)")
	f("abac/a.go", []string{"/catalog"}, "abac/a.go: abac (layer 2) may not import catalog (layer 2)")
	f("rules/path/a.go", []string{"/rules/privilege"}, "rules/path/a.go: rules/path (layer 11) may not import rules/privilege (layer 11)")
	f("internal/iac/a.go", []string{"/internal/lab"}, "internal/iac/a.go: internal/iac (layer 17) may not import internal/lab (layer 17)")
	f("internal/store/a.go", []string{"/internal/server"}, "internal/store/a.go: internal/store (layer 17) may not import internal/server (layer 17)")
	f("internal/iac/a.go", []string{"/internal/cli"}, "internal/iac/a.go: internal/iac (layer 17) may not import internal/cli (layer 18)")
	f("armtemplate/a.go", []string{"/"}, "armtemplate/a.go: armtemplate (layer 15) may not import mivet (layer 1)")
	f("bicep/a.go", []string{"/authz"}, "bicep/a.go: bicep (layer 16) may not import authz (layer 3)")
	f("stray/a.go", nil, "stray/a.go: package stray is in no layer; add it to the table in law_rules_test.go")
	f("authz/deep/a.go", nil, "authz/deep/a.go: package authz/deep is in no layer; add it to the table in law_rules_test.go")
	f("vet/a.go", []string{"/stray"}, "vet/a.go: imports stray, which is in no layer")
	// Tests: fixtures and siblings, no more.
	f("abac/a_test.go", []string{"/vet"}, "abac/a_test.go: abac (layer 2) may not import vet (layer 9)")
	f("authz/a_test.go", []string{"/internal/lab"}, "authz/a_test.go: authz (layer 3) may not import internal/lab (layer 17)")
	f("internal/iac/a_test.go", []string{"/internal/store"}, "internal/iac/a_test.go: internal/iac (layer 17) may not import internal/store (layer 17)")
}

func TestImportLawPermits(t *testing.T) {
	f := func(file string, imports ...string) {
		t.Helper()
		expect(t, breaches(t, "imports", map[string]string{file: importing("p", imports...)}))
	}
	f("authz/authz.go", "fmt", "/", "/arm", "/abac", "/catalog")
	f("bicep/a.go", "/arm", "/armtemplate")
	f("rules/rules.go", "/rules/path", "/vet")
	f("internal/iac/a.go", "/bicep", "/report", "/internal/iac/plan")
	f("internal/store/sqlite/a.go", "/internal/store")
	f("internal/server/a.go", "/internal/store")
	f("internal/cli/a.go", "/internal/server", "/internal/iac", "/internal/lab")
	f("cmd/mivet/main.go", "/internal/cli")
	f("abac/a_test.go", "/tenant")
	f("authz/a_test.go", "/tenant", "/redact")
	f("internal/iac/a_test.go", "/internal/lab")
	f("example_test.go", "/internal/cli")
}

func TestNestedModulesAreOutsideTheOrder(t *testing.T) {
	expect(t, breaches(t, "imports", map[string]string{
		"bench/go.mod":  "module bench\n",
		"bench/a/a.go":  importing("a", "/internal/cli"),
		"testdata/x.go": "package broken (",
		".hidden/x.go":  "package broken (",
	}))
}

func TestTreeLawsCanFail(t *testing.T) {
	f := func(law, file, text string, want ...string) {
		t.Helper()
		expect(t, breaches(t, law, map[string]string{file: text}), want...)
	}
	f("pure", "authz/a.go", importing("authz", "os", "net/http"),
		"authz/a.go: imports net/http: pure packages do no I/O",
		"authz/a.go: imports os: pure packages take an io.Reader or an io.Writer")
	f("pure", "arm/a.go", "package arm\n\nimport clock \"time\"\n\nvar now = clock.Now\n", "arm/a.go:7: time.Now: pure packages are given the time")
	f("pure", "vet/vettest/a.go", "package vettest\n\nimport \"os\"\n\nfunc f() { os.Exit(1); panic(1) }\n", "vet/vettest/a.go:7: panic: pure packages return errors")
	f("pure", "internal/cli/a.go", importing("cli", "os"))
	f("pure", "authz/a_test.go", importing("authz", "os"))

	f("confined", "report/a.go", importing("report", "github.com/spf13/cobra"),
		"report/a.go: imports github.com/spf13/cobra: the command line is a function; its library stays behind it")
	f("confined", "arm/a_test.go", importing("arm", "github.com/stretchr/testify/require"),
		"arm/a_test.go: imports github.com/stretchr/testify/require: tests compare with go-cmp and small helpers of their own")
	f("confined", "internal/cli/a.go", importing("cli", "github.com/spf13/cobra"))

	f("init", "arm/a.go", "package arm\n\nfunc init() {}\n", "arm/a.go:5: init function")
	f("init", "arm/a.go", "package arm\n\ntype t int\n\nfunc (t) init() {}\n")

	f("doc", "arm/a.go", "package arm\n", "arm: package without a package comment")
	f("doc", "arm/a.go", "// Package arm provides names.\npackage arm\n",
		`arm/a.go: first sentence of the package comment says "provides"; say what the package does`)
	f("doc", "arm/a.go", "// Names.\npackage arm\n", `arm/a.go: package comment does not begin with "Package arm "`)
	f("doc", "cmd/mivet/main.go", "// Command mivet vets. It provides nothing.\npackage main\n")
	expect(t, breaches(t, "doc", map[string]string{
		"arm/a.go": "// Package arm is one.\npackage arm\n", "arm/b.go": "// Package arm is another.\npackage arm\n",
	}), "arm: package comment in both arm/a.go and arm/b.go")

	f("names", "internal/util/a.go", "package util\n", `internal/util: "util" says nothing about what the package is for`)
	f("names", "arm/a.go", "package helpers\n", `arm: "helpers" says nothing about what the package is for`)
}

func TestLicenceLawCanFail(t *testing.T) {
	for _, text := range []string{"package arm\n", "// SPDX-License-Identifier: MIT\n\npackage arm\n", "// SPDX-License-Identifier: Apache-2.0\npackage arm\n"} {
		s, err := parseSource("arm/a.go", text)
		if err != nil {
			t.Fatal(err)
		}
		if len(lawLicence([]*source{s})) != 1 {
			t.Errorf("%q passes as licensed", text)
		}
	}
}

func TestSizeLawCanFail(t *testing.T) {
	const header = 2 // lines of the licence header
	blank := func(n int) string { return strings.Repeat("\n", n) }
	f := func(file, text string, want ...string) {
		t.Helper()
		expect(t, breaches(t, "sizes", map[string]string{file: text}), want...)
	}
	f("arm/a.go", "package arm\n"+blank(maxFileLines-header-1))
	f("arm/a.go", "package arm\n"+blank(maxFileLines-header), "arm/a.go: 701 lines, more than 700")
	f("arm/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage arm\n"+blank(maxFileLines))
	f("arm/a_test.go", "package arm\nfunc f() {"+blank(maxFunctionLines-1)+"}\n")
	f("arm/a_test.go", "package arm\nfunc f() {"+blank(maxFunctionLines)+"}\n", "arm/a_test.go:4: f has 151 lines, more than 150")

	root := map[string]string{"a_test.go": "package mivet\n" + blank(600)}
	for _, name := range []string{"a.go", "b.go", "c.go", "d.go"} {
		root[name] = "package mivet\n" + blank(maxRootLines/4-header-1)
	}
	expect(t, breaches(t, "sizes", root))
	root["e.go"] = "package mivet\n"
	expect(t, breaches(t, "sizes", root), "mivet: the root package has 2503 lines, more than 2500; it holds nouns only")
}

func TestModuleLawsCanFail(t *testing.T) {
	const goMod = "module m\n\ngo 1.26.0\n\nrequire example.com/a v1.0.0 // indirect\n\nrequire (\n\texample.com/b v2.0.0\n)\n"
	const row = "| `example.com/a` | `v1.0.0` | direct | reads the a format |\n"
	f := func(page string, want ...string) {
		t.Helper()
		expect(t, sorted(lawDependencies(goMod, "# D\n\n## Modules of go.mod\n\n"+page+"\n## Tools\n\n| `example.com/z` | `v1.0.0` | x | not a module here |\n")), want...)
	}
	f(row + "| `example.com/b` | `v2.0.0` | indirect | needed by a here |\n")
	f(row, "docs/dependencies.md: no row for example.com/b v2.0.0")
	f(row+"| `example.com/b` | `v2.0.1` | direct | reads the b format |\n", "docs/dependencies.md: example.com/b is at v2.0.0 in go.mod and at v2.0.1 here")
	f(row+"| `example.com/b` | `v2.0.0` | direct |  |\n", "docs/dependencies.md: example.com/b has no reason")
	f(row+"| `example.com/b` | `v2.0.0` | direct | reads the b format |\n| `example.com/c` | `v1.0.0` | direct | reads the c format |\n",
		"docs/dependencies.md: example.com/c is no longer in go.mod")

	expect(t, lawNoReplace("go.mod", goMod+"replace example.com/a => ../a\n"), "go.mod: replace example.com/a => ../a")
	expect(t, lawNoReplace("go.mod", goMod+"replace (\n\texample.com/a => ../a // here\n)\n"), "go.mod: replace example.com/a => ../a")
	expect(t, lawNoReplace("go.mod", goMod))

	page := "\n## Tools\n\n| `b` | `example.com/b` | `v2.0.0` | checks |\n"
	expect(t, lawTool("b", goMod, page))
	expect(t, lawTool("b", strings.ReplaceAll(goMod, "v2.0.0", "v2.0.1"), page),
		"docs/dependencies.md: no row for tool b with a module and version of its go.mod")
}

func TestExitCodeLawCanFail(t *testing.T) {
	s, err := parseSource("internal/cli/exit.go", "package cli\n\nconst (\n\texitOK = 0 // clean\n\texitFound = 1\n)\n\nconst other = 7\n")
	if err != nil {
		t.Fatal(err)
	}
	tree := []*source{s}
	expect(t, lawExitCodes(tree, "| `0` | clean |\n| `1` | found |\n"))
	expect(t, lawExitCodes(tree, "| `0` | clean |\n"), "docs/exit-codes.md: no row for exit code 1 of internal/cli")
	expect(t, lawExitCodes(tree, "| `0` | clean |\n| `1` | found |\n| `9` | odd |\n"), "docs/exit-codes.md: 9 is no constant of internal/cli")
}

func TestWordLawCanFail(t *testing.T) {
	for _, w := range append(slices.Clone(foreignWords), besideTree) {
		expect(t, lawWords("docs/a.md", "one\ntwo "+w+"x\n"), fmt.Sprintf("docs/a.md:2: contains %q", w))
	}
	expect(t, lawWords(".ci/run", "cases="+besideTree+"\n"))
	expect(t, lawWords(".ci/run", foreignWords[0]), fmt.Sprintf(".ci/run:1: contains %q", foreignWords[0]))
	expect(t, lawWords("docs/a.md", "nothing of the kind\n"))
}
