// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet/armtemplate"
)

// Texts to begin with: something of everything.
var seeds = []string{
	"",
	prelude,
	"targetScope = 'subscription'\nmetadata a = 1\n@description('x')\n@secure()\nparam a string?\nparam b { x: int, *: string }[] = [{ x: 1 }]\ntype t = 'a' | 'b' | null\ntype u = [string, (int)?]\n",
	"var a = $'''${1} ''' \nvar b = '''x'''\nvar c = '\\u{41}${'${c}'}'\nvar d = a ?? b ? c : !d\nvar e = [for (x, i) in a: i]\nvar f = { a: 1, ...b, '${c}': [1, ...d] }\n",
	"func f(a string, b int) string => '${a}${b}'\nimport { a as b, c } from 'lib.bicep'\nimport * as lib from 'lib.bicep'\noutput o string = f(lib.v, lib.g(1))\n",
	"resource a 'A.B/c@1' existing = {\n name: 'x'\n scope: resourceGroup('g')\n}\nresource b 'A.B/c/d@1' = [for i in range(0, 3): if (i > 1) {\n parent: a\n name: '${i}'\n resource e 'f' = {\n  name: 'y'\n }\n}]\noutput o array = map(b, x => x.id)\noutput p string = b[1].properties.q!.?r[^1]\n",
	"module m 'lib.bicep' = {\n name: 'm'\n scope: subscription()\n params: {\n  p: [for x in []: x]\n  s: v.getSecret('x')\n }\n}\nresource v 'A.B/c@1' existing = {\n name: 'v'\n}\noutput o string = m.outputs.x\n",
	"extension k as e\nextension 'br:x/y:1' with {\n a: 1\n}\nassert a = true\ntest t 'main.bicep' = {}\n#disable-next-line a b\n/* c */ // d\n",
	"var a = loadJsonContent('data.json')\nvar b = loadYamlContent('data.yaml', '$.a[0]')\nvar c = loadTextContent('data.json', 'utf-16')\n",
	"using 'main.bicep'\nextends 'b.bicepparam'\nparam a = readEnvironmentVariable('x')\nparam b = base.a\nparam c = az.getSecret('a', 'b', 'c', 'd')\nvar d = externalInput('x')\nparam e = [for i in d: i]\n",
	"param a\n@\nvar = \nresource x 'y\n${'\noutput a array = [\n 1,\n",
}

func FuzzLex(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		tokens, _ := Lex(source)
		end := 0
		for _, tok := range tokens {
			if tok.Start < end || tok.End < tok.Start || tok.End > len(source) {
				t.Fatalf("token %s at %d to %d comes after %d of %d", tok.Kind, tok.Start, tok.End, end, len(source))
			}
			end = tok.End
		}
		if last := tokens[len(tokens)-1]; last.Kind != EndOfFile || last.Start != len(source) {
			t.Fatalf("the last token is %s at %d of %d", last.Kind, last.Start, len(source))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, source string, params bool) {
		file := parse("a", source, params)
		if len(file.Diagnostics) > maxFaults {
			t.Fatalf("%d diagnostics", len(file.Diagnostics))
		}
		for _, d := range file.Diagnostics {
			if d.Line < 1 || d.Column < 1 || d.Span.Start > d.Span.End || d.Span.End > len(source) {
				t.Fatalf("a diagnostic at %d:%d, %v", d.Line, d.Column, d.Span)
			}
		}
		for _, s := range file.Statements {
			if at := s.Place(); at.Start < 0 || at.Start > at.End || at.End > len(source) {
				t.Fatalf("%T at %v of %d", s, at, len(source))
			}
		}
	})
}

// small bounds the evaluation, so that the fuzzer gets on.
var small = armtemplate.Limits{Steps: 20_000, Resources: 100, Copies: 50, Depth: 5, Text: 10_000}

func fuzzTree(name, source, lib string) fstest.MapFS {
	return fstest.MapFS{
		name:           {Data: []byte(source)},
		"lib.bicep":    {Data: []byte(lib)},
		"data.json":    {Data: []byte(`{"a": ["[x]"]}`)},
		"data.yaml":    {Data: []byte("a: [1]\n")},
		"lib.json":     {Data: []byte(`{"variables": {"a": "[variables('a')]"}, "metadata": {"__bicep_exported_variables!": [{"name": "a"}]}, "resources": []}`)},
		"b.bicepparam": {Data: []byte("using none\nparam a = 1\n")},
	}
}

func FuzzCompile(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, seeds[(i+3)%len(seeds)])
	}
	f.Fuzz(func(t *testing.T, source, lib string) {
		c, err := Compile("main.bicep", Options{Files: fuzzTree("main.bicep", source, lib)})
		if err != nil {
			t.Fatal(err)
		}
		template, err := armtemplate.FromNode(c.Template)
		if err != nil {
			t.Fatalf("what is compiled is no template: %v", err)
		}
		template.Evaluate(armtemplate.Options{Limits: small})
	})
}

func FuzzCompileParameters(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, seeds[(i+3)%len(seeds)])
	}
	f.Fuzz(func(t *testing.T, source, lib string) {
		if _, err := CompileParameters("a.bicepparam", Options{Files: fuzzTree("a.bicepparam", source, lib)}); err != nil {
			t.Fatal(err)
		}
	})
}

// A path into JSON is a language of its own.
func FuzzSelectPath(f *testing.F) {
	for _, path := range []string{"$.a.b[0]", "..n", "p[?(@.v > 3 && (@.n == 'x' || $.a))].n", "a.b[-1:], [::2]", "a['b',\"c\"][*]", "p[?(", "..*..*..*", ""} {
		f.Add(path)
	}
	root, err := armtemplate.ParseJSON("a.json", []byte(`{"a": {"b": [1, 2, 3, 4]}, "p": [{"n": "x", "v": 3}, {"n": "y", "v": null}]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := selectPath(root, path)
		if got != nil && len(got.Items) > maxSelected {
			t.Errorf("%d nodes are selected", len(got.Items))
		}
	})
}
