// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet/armtemplate"
)

func TestModules(t *testing.T) {
	c := compile(t, "main.bicep", "module a 'sub/a.bicep' = {\n name: 'a'\n}\nmodule b 'sub/a.bicep' = {\n name: 'b'\n}\nmodule j 'sub/j.json' = {\n name: 'j'\n params: {\n  p: 1\n }\n}\noutput k string = j.outputs.k\n",
		"sub/a.bicep", "module c '../c.bicep' = {\n name: 'c'\n}\n", "c.bicep", "output o string = 'x'\n",
		"sub/j.json", `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
			"parameters": {"p": {"type": "int"}}, "resources": [], "outputs": {"k": {"type": "securestring", "value": "v"}}}`)
	if got := strings.Join(c.Sources, " "); got != "c.bicep main.bicep sub/a.bicep sub/j.json" {
		t.Errorf("sources are %s", got)
	}
	a := at(c.Template, "resources", "a", "properties", "template")
	if a == nil || a != at(c.Template, "resources", "b", "properties", "template") {
		t.Error("a file that is a module twice is compiled once")
	}
	o := at(a, "resources", "c", "properties", "template", "outputs", "o", "value")
	if show(o) != "x" || o.Pos.File != "c.bicep" || o.Pos.Line != 1 || o.Pos.Column != 19 {
		t.Errorf("the output is %s at %s", show(o), o.Pos)
	}
	if got := show(at(c.Template, "outputs", "k", "value")); got != "[listOutputsWithSecureValues('j', '2025-04-01').k]" {
		t.Errorf("the output of the template is %s", got)
	}
}

func TestModuleFaults(t *testing.T) {
	f := func(want string, files ...string) {
		t.Helper()
		if got := faults(compileFaulty(t, files...).Diagnostics); got != want {
			t.Errorf("%s\n got %s\nwant %s", files[1], got, want)
		}
	}
	m := func(path string) string { return "module a '" + path + "' = {\n name: 'a'\n}\n" }
	f("BCP091@1:10", "main.bicep", m("none.bicep"))
	f("BCP091@1:10", "main.bicep", m("none.json"))
	f("BCP051@1:10", "main.bicep", m("/none.bicep"))
	f("BCP051@1:10", "main.bicep", m("../none.bicep"))
	f("BCP051@1:10", "main.bicep", m(`a\\b.bicep`))
	f("BCP051@1:10", "main.bicep", m(""))
	f("BCP092@1:10", "main.bicep", "module a '${'b'}' = {\n name: 'a'\n}\n")
	f("BCP095@1:10", "main.bicep", m("main.bicep"))
	f("BCP095@1:10", "main.bicep", m("b.bicep"), "b.bicep", m("main.bicep"))
	f("BCP188@1:10", "main.bicep", m("b.json"), "b.json", "{")
	f("BCP189@1:10", "main.bicep", m("oci:a/b:c"))
	f("BCP190@1:10", "main.bicep", m("br:a.azurecr.io/b:1"))
	f("BCP190@1:10", "main.bicep", m("br/none:b:1"))
	f("BCP190@1:10", "main.bicep", m("br:nothing"))
	f("BCP190@1:10", "main.bicep", m("ts/none:b:1"))
	f("BCP190@1:10", "main.bicep", m("ts:b"))
	f("BCP037@4:3", "main.bicep", "module a 'b.bicep' = {\n name: 'a'\n params: {\n  p: 1\n }\n}\n", "b.bicep", "")
	f("BCP401@3:2", "main.bicep", "module a 'b.bicep' = {\n name: 'a'\n ...{}\n}\n", "b.bicep", "")
	f("BCP420@3:9", "main.bicep", "module a 'b.bicep' = {\n name: 'a'\n scope: 'x'\n}\n", "b.bicep", "")
	f("BCP028@4:8", "main.bicep", m("b.bicep")+m("b.bicep"), "b.bicep", "")
}

func TestDeepModules(t *testing.T) {
	files := fstest.MapFS{}
	for i := range maxModules + 5 {
		files[fmt.Sprintf("m%d.bicep", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "module a 'm%d.bicep' = {\n name: 'a'\n}\n", i+1)}
	}
	files[fmt.Sprintf("m%d.bicep", maxModules+5)] = &fstest.MapFile{}
	c, err := Compile("m0.bicep", Options{Files: files})
	if err != nil || !c.Faulty() {
		t.Errorf("modules %d deep: %v %v", maxModules+5, err, c.Diagnostics)
	}
}

func TestRestoredModules(t *testing.T) {
	template := `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": [], "outputs": {"o": {"type": "string", "value": "%s"}}}`
	cache := tree(t,
		"br/mcr.microsoft.com/bicep$avm$res$a/1.0.0$/main.json", fmt.Sprintf(template, "public"),
		"br/my.azurecr.io/x$y/2$/main.json", fmt.Sprintf(template, "direct"),
		"br/my.azurecr.io$5000/y/sha256#ab/main.json", fmt.Sprintf(template, "digest"),
		"ts/sub/group/spec/3/main.json", fmt.Sprintf(template, "spec"),
	)
	files := tree(t, "app/main.bicep", strings.Join([]string{
		"module a 'br/public:avm/res/a:1.0.0' = {\n name: 'a'\n}",
		"module b 'br:my.azurecr.io/x/y:2' = {\n name: 'b'\n}",
		"module c 'br/mine:y:2' = {\n name: 'c'\n}",
		"module d 'br:my.azurecr.io:5000/y@sha256:ab' = {\n name: 'd'\n}",
		"module e 'ts:sub/group/spec:3' = {\n name: 'e'\n}",
		"module f 'ts/specs:spec:3' = {\n name: 'f'\n}",
		"module g 'br/bare:y:2' = {\n name: 'g'\n}",
	}, "\n"), "bicepconfig.json", `{
		// comments are fine
		"moduleAliases": {"br": {"mine": {"registry": "my.azurecr.io", "modulePath": "x"}, "bare": {"registry": "my.azurecr.io/x"}}, "ts": {"specs": {"subscription": "sub", "resourceGroup": "group"}}}
	}`)
	c, err := Compile("app/main.bicep", Options{Files: files, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Diagnostics) > 0 {
		t.Errorf("diagnostics: %v", c.Diagnostics)
	}
	for symbol, want := range map[string]string{"a": "public", "b": "direct", "c": "direct", "d": "digest", "e": "spec", "f": "spec", "g": "direct"} {
		if got := show(at(c.Template, "resources", symbol, "properties", "template", "outputs", "o", "value")); got != want {
			t.Errorf("module %s is %s, want %s", symbol, got, want)
		}
	}
	c, err = Compile("app/main.bicep", Options{Files: tree(t, "app/main.bicep", "module a 'br/mine:x:1' = {\n name: 'a'\n}\n", "app/bicepconfig.json", "{")})
	if err != nil || faults(c.Diagnostics) != "BCP190@1:10" {
		t.Errorf("a broken configuration: %v %v", err, c.Diagnostics)
	}
}

func TestImports(t *testing.T) {
	c := compile(t, "main.bicep", "import { a, f as g, 'b' as c, loop } from 'lib/x.bicep'\nimport * as x from 'lib/x.bicep'\nvar d = x.a\n"+
		"output o array = [a, c, g(1), x.f(2), x.b, d, loop]\n",
		"lib/x.bicep", "import { deep } from 'y.bicep'\nvar hidden = 'h'\n@export()\nvar a = '${hidden}${deep}'\n@export()\nvar b = 2\n@export()\nvar loop = [for i in range(0, 2): i]\n@export()\nfunc f(n int) int => other(n)\nfunc other(n int) int => n\n",
		"lib/y.bicep", "@export()\nvar deep = 'd'\n")
	if got, want := show(at(c.Template, "outputs", "o", "value")),
		"([variables('a')], [variables('c')], [__bicep.g(1)], [__bicep.g(2)], [variables('c')], [variables('d')], [variables('loop')])"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	vars := show(c.Template.Get("variables"))
	for _, want := range []string{"a: [format('{0}{1}', variables('_", "c: 2", "deep: d", "hidden: h", "name: loop"} {
		if !strings.Contains(vars, want) {
			t.Errorf("%s is not in %s", want, vars)
		}
	}
}

func TestImportFaults(t *testing.T) {
	f := func(want string, files ...string) {
		t.Helper()
		if got := faults(compileFaulty(t, files...).Diagnostics); got != want {
			t.Errorf("%s\n got %s\nwant %s", files[1], got, want)
		}
	}
	f("BCP091@1:19", "main.bicep", "import { a } from 'b.bicep'")
	f("BCP360@1:10", "main.bicep", "import { a } from 'b.bicep'", "b.bicep", "var a = 1")
	f("BCP360@1:10", "main.bicep", "import { a } from 'b.json'", "b.json", "{}")
	f("BCP052@2:9", "main.bicep", "import * as b from 'b.bicep'\nvar c = b.d", "b.bicep", "")
	f("BCP059@2:9", "main.bicep", "import { a } from 'b.bicep'\nvar c = a(1)", "b.bicep", "@export()\nvar a = 1")
	f("BCP080@3:9", "main.bicep", "import { a } from 'b.bicep'\noutput o string = a", "b.bicep", "import { c } from 'c.bicep'\n@export()\nvar a = c", "c.bicep", "import { a } from 'b.bicep'\n@export()\nvar c = a")
}

func TestImportsOfTemplates(t *testing.T) {
	lib := `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "languageVersion": "2.0", "contentVersion": "1.0.0.0",
		"metadata": {"__bicep_exported_variables!": [{"name": "a"}, {"name": "loop"}]},
		"definitions": {"t": {"type": "string", "metadata": {"__bicep_export!": true}}},
		"functions": [{"namespace": "__bicep", "members": {
			"f": {"parameters": [{"type": "int", "name": "n"}], "output": {"type": "int", "value": "[__bicep.g(parameters('n'))]"}, "metadata": {"__bicep_export!": true}},
			"g": {"parameters": [{"type": "int", "name": "n"}], "output": {"type": "int", "value": "[parameters('n')]"}}}}],
		"variables": {"a": "[concat(variables('b'), 'x')]", "b": ["[variables('c')]", 1], "c": {"d": "e", "bad": "[nothing(]"},
			"copy": [{"name": "loop", "count": 2, "input": "[copyIndex('loop')]"}]},
		"resources": {}}`
	c := compile(t, "main.bicep", "import { a, f, loop, t } from 'lib.json'\nimport * as lib from 'lib.json'\noutput o array = [a, lib.a, f(1), lib.f(2), loop]\n", "lib.json", lib)
	if got, want := show(at(c.Template, "outputs", "o", "value")), "([variables('_1.a')], [variables('_1.a')], [_4.f(1)], [_4.f(2)], [variables('_6.loop')])"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want := "{_3.c: {d: e, bad: [nothing(]}, _2.b: ([variables('_3.c')], 1), _1.a: [concat(variables('_2.b'), 'x')], copy: ({count: 2, input: [copyIndex('_6.loop')], name: _6.loop})}"
	if got := show(c.Template.Get("variables")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := show(c.Template.Get("functions")); !strings.Contains(got, "[_5.g(parameters('n'))]") {
		t.Errorf("functions are %s", got)
	}
}

func TestLoad(t *testing.T) {
	utf16le := "\xff\xfea\x00\xe9\x00"
	f := func(source, want string) {
		t.Helper()
		c := compile(t, "dir/x.bicep", "", "main.bicep", "module m 'dir/main.bicep' = {\n name: 'm'\n}\n", "dir/main.bicep", "var name = 'text'\noutput o object = "+source+"\n",
			"dir/text.txt", "hello", "dir/bom.txt", "\xef\xbb\xbfé", "dir/wide.txt", utf16le, "dir/big.txt", "\x00a\x00b", "dir/latin.txt", "\xe9", "dir/b.bin", "\x00\x01",
			"dir/a.json", `{"a": ["[x]", {"copy": 1, "[k]": null}], "s": "t"}`, "dir/a.yaml", "a: &x [1, 2.5, true, null, 'y']\nb: *x\n", "dir/sub/one.txt", "1", "dir/sub/two.md", "2")
		template := at(c.Template, "resources", "m", "properties", "template")
		got := show(at(template, "outputs", "o", "value"))
		if v := show(at(template, "variables", "$fxv#0")); v != "nothing" {
			got += " " + v
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("loadTextContent('text.txt')", "['hello']")
	f("loadTextContent('${name}.txt')", "['hello']")
	f("loadTextContent('bom.txt')", "['é']")
	f("loadTextContent('wide.txt')", "['aé']")
	f("loadTextContent('big.txt', 'utf-16BE')", "['ab']")
	f("loadTextContent('latin.txt', 'iso-8859-1')", "['é']")
	f("loadFileAsBase64('b.bin')", "['"+base64.StdEncoding.EncodeToString([]byte{0, 1})+"']")
	f("loadJsonContent('a.json')", "[variables('$fxv#0')] {a: (['[x]'], {[string('copy')]: 1, [[k]: null}), s: t}")
	f("loadJsonContent('a.json').s", "[variables('$fxv#0').s] {a: (['[x]'], {[string('copy')]: 1, [[k]: null}), s: t}")
	f("loadJsonContent('a.json', 's')", "[variables('$fxv#0')] t")
	f("loadJsonContent('a.json', '$.a[1].copy', 'utf-8')", "[variables('$fxv#0')] 1")
	f("loadJsonContent('a.json', '.a[1][\\'copy\\']')", "[variables('$fxv#0')] 1")
	f("loadYamlContent('a.yaml')", "[variables('$fxv#0')] {a: (1, 2.5, true, null, y), b: (1, 2.5, true, null, y)}")
	f("loadYamlContent('text.txt')", "[variables('$fxv#0')] hello")
	f("loadDirectoryFileInfo('sub')", "[variables('$fxv#0')] ({relativePath: sub/one.txt, baseName: one.txt, extension: .txt}, {relativePath: sub/two.md, baseName: two.md, extension: .md})")
	f("loadDirectoryFileInfo('sub', '*.md')", "[variables('$fxv#0')] ({relativePath: sub/two.md, baseName: two.md, extension: .md})")
}

func TestLoadFaults(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		c := compileFaulty(t, "main.bicep", "param p string\nvar a = "+source+"\n", "a.txt", "x", "bad.json", "{", "ok.json", "{}", "bad.yaml", "a: [", "bomb.yaml", bomb())
		if got := faults(c.Diagnostics); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("loadTextContent('none.txt')", "BCP091@2:25")
	f("loadTextContent('../a.txt')", "BCP091@2:25")
	f("loadTextContent(p)", "BCP032@2:9")
	f("loadTextContent()", "BCP032@2:9")
	f("loadTextContent('a.txt', 'ebcdic')", "BCP184@2:25")
	f("loadJsonContent('bad.json')", "BCP186@2:25")
	f("loadJsonContent('ok.json', 'x')", "BCP186@2:36")
	f("loadJsonContent('ok.json', '[x')", "BCP186@2:36")
	f("loadJsonContent('ok.json', '', 'ebcdic')", "BCP186@2:25")
	f("loadYamlContent('bad.yaml')", "BCP186@2:25")
	f("loadYamlContent('bomb.yaml')", "BCP186@2:25")
	f("loadDirectoryFileInfo('none')", "BCP186@2:31")
	f("loadDirectoryFileInfo('.', '[')", "BCP186@2:31")
}

func TestSelectPath(t *testing.T) {
	root, err := armtemplate.ParseJSON("a.json", []byte(`{"a": {"b": [1, 2, 3, 4]}, "A": 9, "p": [{"n": "x", "v": 3, "t": true}, {"n": "y", "v": 5.5}, {"n": "z", "v": null, "w": {"n": "q"}}], "x y": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	f := func(path, want string) {
		t.Helper()
		if got := show(selectPath(root, path)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	f("$.a.b[1]", "2")
	f("a.b", "(1, 2, 3, 4)")
	f("A", "9")
	f(".a['b'][0]", "1")
	f("['x y']", "1")
	f("a.b[*]", "(1, 2, 3, 4)")
	f("a.*[0]", "1")
	f("a.b[0,3]", "(1, 4)")
	f("a.b[1:3]", "(2, 3)")
	f("a.b[-1:]", "4")
	f("a.b[::2]", "(1, 3)")
	f("..n", "(x, y, z, q)")
	f("$..['n']", "(x, y, z, q)")
	f(".p[?(@.v > 3)].n", "y")
	f("p[?(@.v >= 3)].n", "(x, y)")
	f("p[?(@.v < 4)].n", "x")
	f("p[?(@.v <= 3)].n", "x")
	f("p[?(@.n == 'x' || @.n == \"z\")].v", "(3, null)")
	f("p[?(@.t)].n", "x")
	f("p[?(@.t == true)].n", "x")
	f("p[?(@.v == null)].n", "z")
	f("p[?(@.n != 'x' && (@.v))].n", "(y, z)")
	f("p[?(@.v == $.a.b[2])].n", "x")
	f("p[?(@.w.n == 'q')].n", "z")
	for _, none := range []string{"b", "a.b[7]", "a.b[", "a.b[x]", "a['b", "p[?(@.v > )]", "p[?(@.v > 3]", "p[?(@.v)", "p[?(((@.v)]", "a.b[1:2:0]", "a b", "a..", "p[?(=)]", "p[?", "a[]"} {
		f(none, "nothing")
	}
	f(strings.Repeat("..*", 40), "nothing")
	f("p[?("+strings.Repeat("(", 1000), "nothing")
}

// bomb is YAML whose values repeat others, tenfold and tenfold again.
func bomb() string {
	var s strings.Builder
	s.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 8 {
		fmt.Fprintf(&s, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return s.String()
}

func TestRelativeTo(t *testing.T) {
	f := func(folder, file, want string) {
		t.Helper()
		if got := relativeTo(folder, file); got != want {
			t.Errorf("%s from %s is %s, want %s", file, folder, got, want)
		}
	}
	f(".", "a/b", "a/b")
	f("a", "a/b", "b")
	f("a/c", "a/b", "../b")
	f("c", "a/b", "../a/b")
	f("a/b/c", "a/d/e", "../../d/e")
}

// A broken file system is an error, not an empty file.
type brokenFS struct{ fs.FS }

func (b brokenFS) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	return brokenFile{f}, err
}

type brokenFile struct{ fs.File }

var errBroken = errors.New("the disk is gone")

func (brokenFile) Read([]byte) (int, error) { return 0, errBroken }

func TestUnreadable(t *testing.T) {
	if _, err := Compile("none.bicep", Options{Files: fstest.MapFS{}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := CompileParameters("none.bicepparam", Options{Files: fstest.MapFS{}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Compile("a.bicep", Options{}); err == nil {
		t.Error("without files there is nothing to compile")
	}
	if _, err := Compile("../a.bicep", Options{Files: fstest.MapFS{}}); err == nil {
		t.Error("a file outside of the tree is read")
	}
	if _, err := Compile("a", Options{Files: tree(t, "a/b.bicep", "")}); err == nil {
		t.Error("a folder is read")
	}
	if _, err := Compile("a.bicep", Options{Files: brokenFS{tree(t, "a.bicep", "x")}}); !errors.Is(err, errBroken) {
		t.Errorf("a broken disk: %v", err)
	}
	if _, err := Compile("a.bicep", Options{Files: fstest.MapFS{"a.bicep": {Data: make([]byte, maxSource+1)}}}); err == nil {
		t.Error("a file too large is read")
	}
}

func TestFolder(t *testing.T) {
	c, err := Compile("a.bicep", Options{Files: tree(t, "a.bicep", "output o int = x\n"), Folder: "../infra"})
	if err != nil || len(c.Diagnostics) != 1 || c.Diagnostics[0].File != "../infra/a.bicep" || c.Sources[0] != "a.bicep" {
		t.Errorf("%v %v", err, c)
	}
	if p := at(c.Template, "outputs", "o").Pos; p.File != "../infra/a.bicep" {
		t.Errorf("the output is at %s", p)
	}
}

func TestTypeName(t *testing.T) {
	spell := func(name string) string {
		if strings.EqualFold(name, "Microsoft.Web/sites") {
			return "Microsoft.Web/sites"
		}
		return ""
	}
	c, err := Compile("a.bicep", Options{
		Files:    tree(t, "a.bicep", "resource a 'microsoft.WEB/Sites@1' = {\n name: 'x'\n}\nresource b 'my.RP/x@1' = {\n name: 'y'\n}\n"),
		TypeName: spell,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := show(at(c.Template, "resources", "a", "type")) + " " + show(at(c.Template, "resources", "b", "type")); got != "Microsoft.Web/sites my.RP/x" {
		t.Errorf("types are %s", got)
	}
}

func TestExtensions(t *testing.T) {
	c := compile(t, "main.bicep", "extension kubernetes with {\n namespace: 'n'\n} as k8s\nextension graphV1\nextension 'br:x/graphBeta:1' as graphBeta\nextension az\n"+
		"resource a 'core/Service@v1' = {\n metadata: { name: 'x' }\n}\nresource b 'k8s:core/Pod@v1' = {\n x: a.spec.y\n dependsOn: [a]\n}\nresource c 'az:A.B/c@1' = {\n name: 'c'\n}\n"+
		"resource d 'Microsoft.Graph/applications@beta' = {\n uniqueName: 'd'\n resource e 'federatedIdentityCredentials' = {\n  name: 'e'\n }\n}\nresource f 'Microsoft.Graph/groups@v1.0' existing = {\n uniqueName: 'f'\n}\n"+
		"output o object = [az.resourceGroup().id, a.post('x'), k8s.config, f.id]\n"+
		"module m 'mod.bicep' = {\n name: 'm'\n extensionConfigs: {\n  k8s: {\n   a: 'x'\n   b: k8s.config.b\n   c: true ? 'y' : k8s.config.c\n   d: v.getSecret('s')\n  }\n  other: k8s.config\n }\n}\n"+
		"resource v 'Microsoft.KeyVault/vaults@2023-07-01' existing = {\n name: 'v'\n}\n", "mod.bicep", "")
	f := func(want string, names ...string) {
		t.Helper()
		if got := show(at(c.Template, names...)); got != want {
			t.Errorf("%s\n got %s\nwant %s", names, got, want)
		}
	}
	f("{k8s: {provider: kubernetes, config: {namespace: n}}, graphV1: {provider: graphV1}, graphBeta: {provider: br:x/graphBeta:1}, az: {provider: az}}", "imports")
	f("{import: k8s, type: core/Service@v1, properties: {metadata: {name: x}}}", "resources", "a")
	f("{import: k8s, type: core/Pod@v1, properties: {x: [reference('a').spec.y]}, dependsOn: (['a'])}", "resources", "b")
	f("{type: A.B/c, apiVersion: 1, name: c}", "resources", "c")
	f("{import: graphBeta, type: Microsoft.Graph/applications@beta, properties: {uniqueName: d}}", "resources", "d")
	f("{import: graphBeta, type: Microsoft.Graph/applications/federatedIdentityCredentials@beta, properties: {name: e}, dependsOn: (['d'])}", "resources", "d::e")
	f("{existing: true, import: graphV1, type: Microsoft.Graph/groups@v1.0, properties: {uniqueName: f}}", "resources", "f")
	f("([resourceGroup().id], [invokeResourceMethod('a', 'post', createArray('x'))], [extensions('k8s').config], [reference('f').id])", "outputs", "o", "value")
	f("{k8s: {a: {value: x}, b: [extensions('k8s').config.b], c: [if(true(), createObject('value', 'y'), extensions('k8s').config.c)], "+
		"d: {keyVaultReference: {keyVault: {id: [resourceId('Microsoft.KeyVault/vaults', 'v')]}, secretName: s}}}, other: [extensions('k8s').config]}",
		"resources", "m", "properties", "extensionConfigs")
}

// The template of a whole file, evaluated: identity, assignment and module come together.
func TestEvaluated(t *testing.T) {
	c := compile(t, "main.bicep", "resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {\n name: 'reader'\n location: resourceGroup().location\n}\n"+
		"module grant 'grant.bicep' = {\n name: 'grant'\n params: {\n  principal: id.properties.principalId\n }\n}\n",
		"grant.bicep", "param principal string\nvar role = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'\nresource a 'Microsoft.Authorization/roleAssignments@2022-04-01' = {\n name: guid(resourceGroup().id, principal, role)\n"+
			" properties: {\n  principalId: principal\n  roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)\n }\n}\n")
	template, err := armtemplate.FromNode(c.Template)
	if err != nil {
		t.Fatal(err)
	}
	result := template.Evaluate(armtemplate.Options{Target: armtemplate.Target{Subscription: "s", ResourceGroup: "g"}})
	if len(result.Diagnostics) > 0 {
		t.Errorf("diagnostics: %v", result.Diagnostics)
	}
	for _, r := range result.Resources {
		if r.Type != "Microsoft.Authorization/roleAssignments" {
			continue
		}
		u, ok := armtemplate.At(r.Body, "properties", "principalId").(*armtemplate.Unknown)
		if !ok || len(u.Origins()) != 1 || u.Origins()[0].Path != "properties.principalId" || !strings.HasSuffix(u.Origins()[0].Resource, "/userAssignedIdentities/reader") {
			t.Errorf("the principal is %v", u)
		}
		if r.Pos.File != "grant.bicep" || r.Pos.Line != 3 {
			t.Errorf("the assignment is at %s", r.Pos)
		}
		return
	}
	t.Error("there is no assignment")
}
