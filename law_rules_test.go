// SPDX-License-Identifier: Apache-2.0

package mivet_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	modulePath = "github.com/mivet/mivet"
	spdxHeader = "// SPDX-License-Identifier: Apache-2.0\n\n"

	maxRootLines     = 2500 // non-test lines of the root package
	maxFileLines     = 700
	maxFunctionLines = 150
)

// A layer is a row of the import order: packages of the same rank. A package may import packages of lower layers only.
type layer struct {
	pkgs []string // folders, "." for the root; "x/*" stands for each folder right below x
	pure bool     // no I/O, no clock, no panic
	only []string // when set: the packages of this module that may be imported, and no others
}

// The import order, lowest layer first. A package that is in no layer fails the test: put it where it belongs.
var layers = []layer{
	{pkgs: []string{"arm"}, pure: true},
	{pkgs: []string{"."}, pure: true},
	{pkgs: []string{"snapshot", "catalog", "abac", "logs"}, pure: true},
	{pkgs: []string{"tenant", "redact", "authz", "provenance"}, pure: true},
	{pkgs: []string{"effective"}, pure: true},
	{pkgs: []string{"execpath"}, pure: true},
	{pkgs: []string{"lifecycle"}, pure: true},
	{pkgs: []string{"usage", "contract"}, pure: true},
	{pkgs: []string{"change", "minimize", "denial"}, pure: true},
	{pkgs: []string{"vet"}, pure: true},
	{pkgs: []string{"vet/vettest"}, pure: true},
	{pkgs: []string{"rules/*"}, pure: true},
	{pkgs: []string{"rules"}, pure: true},
	{pkgs: []string{"report"}, pure: true},
	{pkgs: []string{"review", "forensics"}, pure: true},
	{pkgs: []string{"armtemplate"}, pure: true, only: []string{"arm"}},
	{pkgs: []string{"bicep"}, pure: true, only: []string{"arm", "armtemplate"}},
	{pkgs: []string{"internal/*"}},
	{pkgs: []string{"internal/cli", "internal/engines"}},
	{pkgs: []string{"cmd/*"}},
}

// Imports between packages of one layer that are allowed in production code.
var sideways = map[[2]string]bool{
	{"internal/server", "internal/store"}: true,
}

// What a pure package may not import, with the reason.
var impureImports = map[string]string{
	"database/sql": "pure packages do no I/O",
	"io/ioutil":    "pure packages do no I/O",
	"log":          "pure packages return what they have to say",
	"log/slog":     "pure packages return what they have to say",
	"net":          "pure packages do no I/O",
	"net/http":     "pure packages do no I/O",
	"os":           "pure packages take an io.Reader or an io.Writer",
	"os/exec":      "pure packages start no process",
	"os/signal":    "pure packages do no I/O",
	"os/user":      "pure packages do no I/O",
	"syscall":      "pure packages do no I/O",
}

// vettest is a test harness: it alone reads the testdata of the rules.
var fileReaders = map[string]bool{"vet/vettest": true}

// Calls that read or wait for the clock.
var clockCalls = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true,
	"AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true,
}

// Modules that only one package may know, with the reason; an empty package means nobody.
var confined = map[string]struct{ to, reason string }{
	"github.com/spf13/cobra":      {"internal/cli", "the command line is a function; its library stays behind it"},
	"github.com/spf13/pflag":      {"internal/cli", "the command line is a function; its library stays behind it"},
	"github.com/stretchr/testify": {"", "tests compare with go-cmp and small helpers of their own"},
}

// Names that say nothing about what a package is for.
var emptyNames = []string{
	"util", "utils", "common", "helper", "helpers", "type", "types", "model", "models",
	"manager", "service", "core", "engine", "pkg", "base", "misc", "shared", "lib",
}

// A source is one parsed Go file.
type source struct {
	path      string
	text      string
	file      *ast.File
	fset      *token.FileSet
	test      bool
	generated bool
	nested    bool // belongs to a module of its own below the root (tools, bench)
}

func (s *source) dir() string { return path.Dir(s.path) }

func (s *source) line(p token.Pos) int { return s.fset.Position(p).Line }

func (s *source) lines() int { return strings.Count(s.text, "\n") }

// unit is the folder by which the import order knows the package: below internal and cmd the first two elements, so that
// the packages of one internal component may import one another.
func unit(dir string) string {
	elems := strings.Split(dir, "/")
	if len(elems) > 2 && (elems[0] == "internal" || elems[0] == "cmd") {
		return elems[0] + "/" + elems[1]
	}
	return dir
}

// layerOf returns the rank of a unit, or -1. An exact entry wins over a pattern.
func layerOf(u string) int {
	byPattern := -1
	for i, l := range layers {
		if slices.Contains(l.pkgs, u) {
			return i
		}
		if slices.Contains(l.pkgs, path.Dir(u)+"/*") {
			byPattern = i
		}
	}
	return byPattern
}

func pure(dir string) bool {
	i := layerOf(unit(dir))
	return i >= 0 && layers[i].pure
}

func unitName(u string) string {
	if u == "." {
		return "mivet"
	}
	return u
}

// loadTree parses every Go file that the go command would see, and those of nested modules.
func loadTree(fsys fs.FS) ([]*source, error) {
	var tree []*source
	nested := map[string]bool{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipDir(p) {
				return fs.SkipDir
			}
			_, err := fs.Stat(fsys, path.Join(p, "go.mod"))
			nested[p] = nested[path.Dir(p)] || (err == nil && p != ".")
			return nil
		}
		if path.Ext(p) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		s, err := parseSource(p, string(text))
		if err != nil {
			return err
		}
		s.nested = nested[s.dir()]
		tree = append(tree, s)
		return nil
	})
	return tree, err
}

func skipDir(p string) bool {
	base := path.Base(p)
	return p != "." && (base == "testdata" || base == "vendor" || base == "build" || base[0] == '.' || base[0] == '_')
}

func parseSource(p, text string) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", p, err)
	}
	return &source{
		path: p, text: text, file: file, fset: fset,
		test:      strings.HasSuffix(p, "_test.go"),
		generated: ast.IsGenerated(file),
	}, nil
}

// imports yields the import paths of a file.
func (s *source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, "`\""))
	}
	return paths
}

// ownPackage returns the folder of an import of this module.
func ownPackage(imp string) (dir string, ok bool) {
	if imp == modulePath {
		return ".", true
	}
	return strings.CutPrefix(imp, modulePath+"/")
}

// Law: imports point down, never up or sideways, and every package has its place in the order.
func lawImports(tree []*source) []string {
	var bad []string
	for _, s := range tree {
		if s.nested {
			continue
		}
		if layerOf(unit(s.dir())) < 0 {
			bad = append(bad, fmt.Sprintf("%s: package %s is in no layer; add it to the table in law_rules_test.go", s.path, s.dir()))
			continue
		}
		for _, imp := range s.imports() {
			if dir, own := ownPackage(imp); own {
				bad = append(bad, checkImport(s, dir)...)
			}
		}
	}
	return bad
}

func checkImport(s *source, dir string) []string {
	from, to := unit(s.dir()), unit(dir)
	if from == to || (s.test && testMayImport(from, to)) {
		return nil
	}
	i, j := layerOf(from), layerOf(to)
	if j < 0 {
		return []string{fmt.Sprintf("%s: imports %s, which is in no layer", s.path, dir)}
	}
	only := layers[i].only
	switch {
	case only != nil && !slices.Contains(only, to), j > i, j == i && !sideways[[2]string{from, to}]:
		return []string{fmt.Sprintf("%s: %s (layer %d) may not import %s (layer %d)", s.path, unitName(from), i, unitName(to), j)}
	}
	return nil
}

// testMayImport says what tests may import beyond the order. Those at the root are the tests of the whole repository and may
// import everything; tests of internal packages may speak to the simulated Azure; engine tests may read their tenants as
// text and may use pure packages of the same layer.
func testMayImport(from, to string) bool {
	switch {
	case from == ".", to == "tenant":
		return true
	case to == "internal/lab":
		return strings.HasPrefix(from, "internal/")
	}
	return pure(from) && layerOf(from) == layerOf(to)
}

// Law: pure packages do no I/O, read no clock and do not panic.
func lawPure(tree []*source) []string {
	var bad []string
	for _, s := range tree {
		if s.nested || s.test || !pure(s.dir()) {
			continue
		}
		for _, imp := range s.imports() {
			if reason := impureImports[imp]; reason != "" && !fileReaders[s.dir()] {
				bad = append(bad, fmt.Sprintf("%s: imports %s: %s", s.path, imp, reason))
			}
		}
		bad = append(bad, impureCalls(s)...)
	}
	return bad
}

func impureCalls(s *source) []string {
	clock := importName(s, "time")
	var bad []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && clock != "" && x.Name == clock && clockCalls[n.Sel.Name] {
				bad = append(bad, fmt.Sprintf("%s:%d: time.%s: pure packages are given the time", s.path, s.line(n.Pos()), n.Sel.Name))
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "panic" {
				bad = append(bad, fmt.Sprintf("%s:%d: panic: pure packages return errors", s.path, s.line(n.Pos())))
			}
		}
		return true
	})
	return bad
}

// importName returns the name under which a file knows a package of the standard library, or "".
func importName(s *source, imp string) string {
	for _, spec := range s.file.Imports {
		if strings.Trim(spec.Path.Value, "`\"") != imp {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(imp)
	}
	return ""
}

// Law: some modules are known to one package only, or to none.
func lawConfined(tree []*source) []string {
	var bad []string
	for _, s := range tree {
		for _, imp := range s.imports() {
			for mod, rule := range confined {
				inside := imp == mod || strings.HasPrefix(imp, mod+"/")
				if inside && (rule.to == "" || unit(s.dir()) != rule.to) {
					bad = append(bad, fmt.Sprintf("%s: imports %s: %s", s.path, imp, rule.reason))
				}
			}
		}
	}
	return bad
}

// Law: no init functions; what runs, runs because somebody called it.
func lawNoInit(tree []*source) []string {
	var bad []string
	for _, s := range tree {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				bad = append(bad, fmt.Sprintf("%s:%d: init function", s.path, s.line(f.Pos())))
			}
		}
	}
	return bad
}

var providesWord = regexp.MustCompile(`(?i)\bprovides\b`)

// Law: each package has exactly one package comment, which begins as go doc expects and says more than "provides".
func lawPackageDoc(tree []*source) []string {
	docs := map[string][]*source{}
	for _, s := range tree {
		if s.nested || s.test {
			continue
		}
		if docs[s.dir()] == nil {
			docs[s.dir()] = []*source{}
		}
		if s.file.Doc != nil {
			docs[s.dir()] = append(docs[s.dir()], s)
		}
	}
	var bad []string
	for dir, files := range docs {
		switch len(files) {
		case 0:
			bad = append(bad, fmt.Sprintf("%s: package without a package comment", dir))
		case 1:
			bad = append(bad, checkSynopsis(files[0])...)
		default:
			bad = append(bad, fmt.Sprintf("%s: package comment in both %s and %s", dir, files[0].path, files[1].path))
		}
	}
	return bad
}

func checkSynopsis(s *source) []string {
	synopsis := new(doc.Package).Synopsis(s.file.Doc.Text())
	want := "Package " + s.file.Name.Name + " "
	if s.file.Name.Name == "main" {
		want = "Command " + path.Base(s.dir()) + " "
	}
	var bad []string
	if !strings.HasPrefix(synopsis, want) {
		bad = append(bad, fmt.Sprintf("%s: package comment does not begin with %q", s.path, want))
	}
	if providesWord.MatchString(synopsis) {
		bad = append(bad, fmt.Sprintf("%s: first sentence of the package comment says %q; say what the package does", s.path, "provides"))
	}
	return bad
}

// Law: every Go file begins with the licence header.
func lawLicence(tree []*source) []string {
	var bad []string
	for _, s := range tree {
		if !strings.HasPrefix(s.text, spdxHeader) {
			bad = append(bad, fmt.Sprintf("%s: does not begin with %q and a blank line", s.path, strings.TrimSpace(spdxHeader)))
		}
	}
	return bad
}

// Law: files, functions and the root package stay small enough to read.
func lawSizes(tree []*source) []string {
	var bad []string
	root := 0
	for _, s := range tree {
		if s.generated {
			continue
		}
		if s.dir() == "." && !s.test {
			root += s.lines()
		}
		if n := s.lines(); n > maxFileLines {
			bad = append(bad, fmt.Sprintf("%s: %d lines, more than %d", s.path, n, maxFileLines))
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > maxFunctionLines {
				bad = append(bad, fmt.Sprintf("%s:%d: %s has %d lines, more than %d", s.path, s.line(f.Pos()), f.Name.Name, n, maxFunctionLines))
			}
		}
	}
	if root > maxRootLines {
		bad = append(bad, fmt.Sprintf("mivet: the root package has %d lines, more than %d; it holds nouns only", root, maxRootLines))
	}
	return bad
}

// Law: a package is named for what it is about.
func lawNames(tree []*source) []string {
	seen := map[string]bool{}
	var bad []string
	for _, s := range tree {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		for _, n := range []string{name, path.Base(s.dir())} {
			if slices.Contains(emptyNames, n) && !seen[s.dir()] {
				seen[s.dir()] = true
				bad = append(bad, fmt.Sprintf("%s: %q says nothing about what the package is for", s.dir(), n))
			}
		}
	}
	return bad
}

// A requirement is one module of a go.mod file.
type requirement struct{ path, version string }

// readGoMod returns the required modules and the lines of replace directives. It knows as much of the format as the go
// command writes.
func readGoMod(text string) (required []requirement, replaced []string) {
	block := ""
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
			continue
		case len(fields) == 2 && fields[1] == "(":
			block = fields[0]
			continue
		case fields[0] == ")":
			block = ""
			continue
		case block == "":
			if len(fields) < 2 {
				continue
			}
			replaced, required = addDirective(fields[0], fields[1:], replaced, required)
		default:
			replaced, required = addDirective(block, fields, replaced, required)
		}
	}
	return required, replaced
}

func addDirective(verb string, args, replaced []string, required []requirement) ([]string, []requirement) {
	switch {
	case verb == "replace":
		replaced = append(replaced, strings.Join(args, " "))
	case verb == "require" && len(args) >= 2:
		required = append(required, requirement{args[0], args[1]})
	}
	return replaced, required
}

// Law: no replace directive; whoever imports mivet as a library builds what we build.
func lawNoReplace(name, goMod string) []string {
	_, replaced := readGoMod(goMod)
	var bad []string
	for _, r := range replaced {
		bad = append(bad, fmt.Sprintf("%s: replace %s", name, r))
	}
	return bad
}

// A row of docs/dependencies.md: | `module` | `version` | … | reason |.
var dependencyRow = regexp.MustCompile("^\\| `([^`]+)` \\| `(v[^`]+)` \\|.*\\| *([^|]*?) *\\|$")

// Law: every module of go.mod stands in the page of dependencies with its version and a reason, and no other does.
func lawDependencies(goMod, page string) []string {
	required, _ := readGoMod(goMod)
	rows := map[string][]string{}
	for line := range strings.Lines(section(page, "## Modules of go.mod")) {
		if m := dependencyRow.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			rows[m[1]] = m[2:]
		}
	}
	var bad []string
	for _, r := range required {
		row := rows[r.path]
		switch {
		case row == nil:
			bad = append(bad, fmt.Sprintf("docs/dependencies.md: no row for %s %s", r.path, r.version))
		case row[0] != r.version:
			bad = append(bad, fmt.Sprintf("docs/dependencies.md: %s is at %s in go.mod and at %s here", r.path, r.version, row[0]))
		case len(strings.Fields(row[1])) < 3:
			bad = append(bad, fmt.Sprintf("docs/dependencies.md: %s has no reason", r.path))
		}
		delete(rows, r.path)
	}
	for mod := range rows {
		bad = append(bad, fmt.Sprintf("docs/dependencies.md: %s is no longer in go.mod", mod))
	}
	return bad
}

// section returns the part of a Markdown page from a heading to the next one of the same level.
func section(page, heading string) string {
	_, rest, ok := strings.Cut("\n"+page, "\n"+heading+"\n")
	if !ok {
		return ""
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	return body
}

// Law: every tool is listed in the page of dependencies with the version that its go.mod pins.
func lawTool(name, goMod, page string) []string {
	required, _ := readGoMod(goMod)
	tools := section(page, "## Tools")
	for _, r := range required {
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(name) + "` \\| `" + regexp.QuoteMeta(r.path) + "` \\| `" + regexp.QuoteMeta(r.version) + "` \\|")
		if row.MatchString(tools) {
			return nil
		}
	}
	return []string{fmt.Sprintf("docs/dependencies.md: no row for tool %s with a module and version of its go.mod", name)}
}

// exitCodes returns the constants of package internal/cli whose names begin with exit, as numbers in text.
func exitCodes(tree []*source) []string {
	var codes []string
	for _, s := range tree {
		if s.dir() != "internal/cli" || s.test {
			continue
		}
		for _, d := range s.file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				codes = append(codes, exitConstants(g)...)
			}
		}
	}
	return codes
}

func exitConstants(g *ast.GenDecl) []string {
	var codes []string
	for _, spec := range g.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range v.Names {
			if !strings.HasPrefix(name.Name, "exit") || i >= len(v.Values) {
				continue
			}
			if lit, ok := v.Values[i].(*ast.BasicLit); ok {
				codes = append(codes, lit.Value)
			}
		}
	}
	return codes
}

var exitRow = regexp.MustCompile("(?m)^\\| `([0-9]+)` \\|")

// Law: docs/exit-codes.md lists the exit codes of the command, all of them and no others.
func lawExitCodes(tree []*source, page string) []string {
	codes := exitCodes(tree)
	var bad, documented []string
	for _, m := range exitRow.FindAllStringSubmatch(page, -1) {
		documented = append(documented, m[1])
		if !slices.Contains(codes, m[1]) {
			bad = append(bad, fmt.Sprintf("docs/exit-codes.md: %s is no constant of internal/cli", m[1]))
		}
	}
	for _, c := range codes {
		if !slices.Contains(documented, c) {
			bad = append(bad, fmt.Sprintf("docs/exit-codes.md: no row for exit code %s of internal/cli", c))
		}
	}
	return bad
}

// Words that must not be in the tree. They are written in two parts so that this file does not contain them.
var foreignWords = []string{
	"/wor" + "k/", "/tmp/bash" + "_jobs", "/root" + "/go",
	"proxy.golang" + ".org", "sum.golang" + ".org", "registry.npm" + "js.org",
	"deb.debian" + ".org", "security.debian" + ".org", "pypi" + ".org", "files.pythonhosted" + ".org", "crates" + ".io",
}

const besideTree = "../" + "shared"

// Law: no file depends on the machine where it was written, on a registry, or on what lies beside the repository.
func lawWords(name, text string) []string {
	var bad []string
	words := foreignWords
	if name != ".ci/run" {
		words = append(slices.Clone(words), besideTree)
	}
	for _, w := range words {
		if before, _, found := strings.Cut(text, w); found {
			bad = append(bad, fmt.Sprintf("%s:%d: contains %q", name, 1+strings.Count(before, "\n"), w))
		}
	}
	return bad
}

// sorted makes the reports of laws independent of the order of maps.
func sorted(breaches []string) []string {
	slices.Sort(breaches)
	return breaches
}
