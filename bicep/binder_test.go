// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strings"
	"testing"
)

func TestSemanticFaults(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if got := faults(compileFaulty(t, "main.bicep", source+"\n", "mod.bicep", "").Diagnostics); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("var a = b", "BCP057@1:9")
	f("var a = sys", "BCP057@1:9")
	f("var a = b()", "BCP057@1:9")
	f("var a = sys.b()", "BCP057@1:13")
	f("var a = 1\nvar b = a()", "BCP059@2:9")
	f("var b = map([1], x => x())", "BCP059@1:23")
	f("var a = 1\nvar b = a.c()", "BCP109@2:11")
	f("var a = 1\nparam a int", "BCP028@2:7")
	f("output a int = 1\noutput a int = 2", "BCP145@2:8")
	f("var a = b\nvar b = a", "BCP080@2:9")
	f("var a = a", "BCP080@1:9")
	f("var a = '${b}${reference('x').y}'\nvar b = a", "BCP080@2:9")
	f("targetScope = 'planet'", "BCP033@1:15")
	f("targetScope = 1", "")
	f("targetScope = 'local'", "")
	f("type a = string\nvar b = a", "BCP063@2:9")
	f("param a b", "BCP302@1:9")
	f("param a (b | { c: d, e: [f] })[]?", "BCP302@1:10 BCP302@1:19 BCP302@1:26")
	f("resource a 'b' = {\n name: 'x'\n}", "BCP029@1:12")
	f("resource a 'b${1}' = {\n name: 'x'\n}", "BCP047@1:12")
	f("resource a 'A.B/c@1' = {\n location: 'x'\n}", "BCP035@1:10")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n name: 'y'\n}", "")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n tags: {}\n tags: {}\n}", "BCP025@4:2")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n ...{}\n}", "BCP401@3:2")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n resource b 'd' = {\n  name: 'y'\n }\n resource b 'd' = {\n  name: 'z'\n }\n}", "BCP028@6:11")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n}\nvar b = a::c.id", "BCP159@4:12")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n}\nvar b = a.getSecret('x')", "BCP180@4:11")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n}\nvar b = a.other()", "BCP109@4:11")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n parent: b\n}\nresource b 'A.B/c@1' = {\n name: 'x'\n parent: a\n}", "BCP080@5:10 BCP080@1:10")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n scope: b\n}\nresource b 'A.B/c@1' = {\n name: 'x'\n scope: a\n}", "BCP080@5:10 BCP080@1:10")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n scope: 1\n}", "BCP420@3:9")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n scope: toLower('x')\n}", "BCP420@3:9")
	f("param c bool\nresource a 'A.B/c@1' = {\n name: 'x'\n scope: c ? tenant() : subscription()\n}", "BCP420@4:9")
	f("param c bool\nresource a 'A.B/c@1' existing = {\n name: 'x'\n scope: c ? resourceGroup('a') : resourceGroup('b')\n}", "BCP420@4:9")
	f("param c bool\nvar g = c ? resourceGroup('a') : resourceGroup('b')\nresource a 'A.B/c@1' existing = {\n name: 'x'\n scope: g\n}", "@5:9")
	f("var a = readEnvironmentVariable('x')", "BCP057@1:9")
	f("var a = nameof(1)", "BCP408@1:16")
	f("resource", "BCP017@1:9 BCP035@1:9")
	f("assert a = b", "BCP057@1:12")
	f("test a 'b.bicep' = {}\nvar c = a", "BCP063@2:9")
	f("func a(b int) int => c", "BCP057@1:22")
	f("import { a } from 'mod.bicep'\noutput b int = a", "BCP360@1:10")
}

func TestLateVariables(t *testing.T) {
	c := compile(t, "var a = {\n x: [site.properties.y, 1]\n z: 'w'\n}\nvar b = a\nvar c = toUpper(string(a))\nresource site 'A.B/c@1' = {\n name: 'n'\n properties: b\n}\nresource other 'A.B/c@1' = {\n name: 'm'\n properties: a.x\n tags: { t: c }\n}\noutput v string = a.z\n")
	f := func(want string, names ...string) {
		t.Helper()
		if got := show(at(c.Template, names...)); got != want {
			t.Errorf("%s\n got %s\nwant %s", names, got, want)
		}
	}
	f("{}", "variables")
	f("[createObject('x', createArray(reference('site').y, 1), 'z', 'w').x]", "resources", "other", "properties")
	f("[toUpper(string(createObject('x', createArray(reference('site').y, 1), 'z', 'w')))]", "resources", "other", "tags", "t")
	f("{x: ([reference('site').y], 1), z: w}", "resources", "site", "properties")
}

// Values that are put in place of names do not make a template without end.
func TestLongChains(t *testing.T) {
	var b strings.Builder
	b.WriteString("resource s 'A.B/c@1' existing = {\n name: 'n'\n}\nvar v0 = s.properties.x\n")
	for i := range 3000 {
		b.WriteString("var v" + itoa(i+1) + " = '${v" + itoa(i) + "}${v" + itoa(i) + "}'\n")
	}
	b.WriteString("output o string = v3000\n")
	c := compileFaulty(t, b.String())
	if !c.Faulty() {
		t.Error("a chain of 3000 variables has no limit")
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
