// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"fmt"
	"strings"
	"testing"
)

// sketch writes a tree in brackets.
func sketch(e Expr) string {
	list := func(head string, args ...Expr) string {
		parts := []string{head}
		for _, a := range args {
			parts = append(parts, sketch(a))
		}
		return "(" + strings.Join(parts, " ") + ")"
	}
	switch e := e.(type) {
	case nil:
		return "-"
	case *Bad:
		return "BAD"
	case *Ident:
		return e.Name
	case *Int:
		return fmt.Sprint(e.Value)
	case *Bool:
		return fmt.Sprint(e.Value)
	case *Null:
		return "null"
	case *String:
		return list(fmt.Sprintf("%q", e.Parts), e.Holes...)
	case *Array:
		return "[" + sketchItems(e.Items) + "]"
	case *Object:
		return "{" + sketchItems(e.Items) + "}"
	case *Call:
		return list(e.Name.Text, e.Args...)
	case *MethodCall:
		return list("call "+sketch(e.Base)+" "+e.Name.Text, e.Args...)
	case *Property:
		return fmt.Sprintf("(. %s %s%s)", sketch(e.Base), mark(e.Safe, "?"), e.Name.Text)
	case *Index:
		return fmt.Sprintf("(at%s%s %s %s)", mark(e.Safe, "?"), mark(e.FromEnd, "^"), sketch(e.Base), sketch(e.Index))
	case *Nested:
		return fmt.Sprintf("(:: %s %s)", sketch(e.Base), e.Name.Text)
	case *NonNull:
		return list("!!", e.Base)
	case *Unary:
		return list(e.Op.String(), e.Base)
	case *Binary:
		return list(e.Op.String(), e.Left, e.Right)
	case *Ternary:
		return list("if", e.Cond, e.Yes, e.No)
	case *Paren:
		return "<" + sketch(e.Inner) + ">"
	case *Lambda:
		names := make([]string, len(e.Params))
		for i, p := range e.Params {
			names[i] = p.Text
		}
		return list("\\"+strings.Join(names, ","), e.Body)
	case *For:
		return list("for "+e.Item.Text+","+e.Index.Text, e.In, e.Body)
	case *If:
		return list("when", e.Cond, e.Body)
	}
	return sketchType(e, list)
}

func sketchType(e Expr, list func(string, ...Expr) string) string {
	entries := func(all []Decorated) string {
		parts := make([]string, len(all))
		for i, d := range all {
			key := "*"
			if !d.Any {
				key = sketch(d.Key)
			}
			parts[i] = strings.Repeat("@", len(d.List)) + key + ":" + sketch(d.Type)
		}
		return strings.Join(parts, " ")
	}
	switch e := e.(type) {
	case *Union:
		return list("or", e.Members...)
	case *Nullable:
		return list("?", e.Base)
	case *ArrayOf:
		return list("list", e.Item)
	case *ObjectType:
		return "{" + entries(e.Entries) + "}"
	case *TupleType:
		return "[" + entries(e.Entries) + "]"
	case *Generic:
		return list("<> "+sketch(e.Base)+" "+e.Name.Text, e.Args...)
	case *Element:
		return list("each "+e.Star.String(), e.Base)
	case *ResourceType:
		return list("resource", e.Type)
	}
	return fmt.Sprintf("%T", e)
}

func mark(b bool, s string) string {
	if b {
		return s
	}
	return ""
}

func sketchItems(items []Item) string {
	parts := make([]string, len(items))
	for i, item := range items {
		switch {
		case item.Resource != nil:
			parts[i] = "resource " + item.Resource.Name.Text
		case item.Spread:
			parts[i] = "..." + sketch(item.Value)
		case item.Key != nil:
			parts[i] = sketch(item.Key) + ":" + sketch(item.Value)
		default:
			parts[i] = sketch(item.Value)
		}
	}
	return strings.Join(parts, " ")
}

func TestExpressions(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		file := Parse("a.bicep", "var v = "+source+"\n")
		v, ok := file.Statements[0].(*Var)
		if !ok || len(file.Diagnostics) > 0 {
			t.Errorf("%s: %T %s", source, file.Statements[0], faults(file.Diagnostics))
			return
		}
		if got := sketch(v.Value); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("1 + 2 * 3", "(Plus 1 (Asterisk 2 3))")
	f("1 - 2 - 3", "(Minus (Minus 1 2) 3)")
	f("a || b && c == d ?? e", "(DoubleQuestion (LogicalOr a (LogicalAnd b (Equals c d))) e)")
	f("a < b == c >= d", "(Equals (LeftChevron a b) (GreaterThanOrEqual c d))")
	f("-1 % +2 / !a", "(Slash (Modulo (Minus 1) (Plus 2)) (Exclamation a))")
	f("a ? b : c ? d : e", "(if a b (if c d e))")
	f("a\n  ? b\n  : c", "(if a b c)")
	f("(a)", "<a>")
	f("(\na\n)", "<a>")
	f("a.b.?c['d'][0][?1][^2][?^3]!", `(!! (at?^ (at^ (at? (at (at (. (. a b) ?c) (["d"])) 0) 1) 2) 3))`)
	f("a::b.c", "(. (:: a b) c)")
	f("f()", "(f)")
	f("f(1, 'a')", `(f 1 (["a"]))`)
	f("f(\n  1,\n  2\n)", "(f 1 2)")
	f("sys.f(1).g(2)", "(call (call sys f 1) g 2)")
	f("x => x", `(\x x)`)
	f("(x, y) => x + y", `(\x,y (Plus x y))`)
	f("() => 1", `(\ 1)`)
	f("map(a, x =>\n  x)", `(map a (\x x))`)
	f("[]", "[]")
	f("[1, 2]", "[1 2]")
	f("[\n  1\n  ...a\n]", "[1 ...a]")
	f("{}", "{}")
	f("{ a: 1, 'b': 2 }", `{a:1 (["b"]):2}`)
	f("{\n  a: 1\n\n  '${b}': 2\n  ...c\n}", `{a:1 (["" ""] b):2 ...c}`)
	f("[for x in a: x]", "(for x, a x)")
	f("[for (x, i) in a: {\n  b: i\n}]", "(for x,i a {b:i})")
	f("[\n  for x in a: x\n]", "(for x, a x)")
	f("'a${b}c${1}'", `(["a" "c" ""] b 1)`)
	f(`'\n\'\u{41}\${x}\\'`, `(["\n'A${x}\\"])`)
	f("'''\na\n'''", `(["a\n"])`)
	f("$'''${a}b'''", `(["" "b"] a)`)
	f("9223372036854775807", "9223372036854775807")
	f("null ?? true", "(DoubleQuestion null true)")
	f("resource", "resource")
	f("'''a''''", `(["a'"])`)
}

func TestStatements(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		file := Parse("a.bicep", source)
		if len(file.Diagnostics) > 0 {
			t.Errorf("%s: %s", source, faults(file.Diagnostics))
		}
		if got := sketchFile(file); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("targetScope = 'subscription'", `scope (["subscription"])`)
	f("metadata a = 1", "metadata a 1")
	f("param a string", "param a string -")
	f("param a string = 'b'\nparam c int", `param a string (["b"]); param c int -`)
	f("@secure()\n@sys.description('a')\nparam a string", "@@param a string -")
	f("var a = 1", "var a - 1")
	f("var a int = 1", "var a int 1")
	f("type a = string", "type a string")
	f("func a(b string, c int) bool => true", "func a b:string c:int -> bool true")
	f("func a() int =>\n  1", "func a -> int 1")
	f("resource a 'b@c' = {}", `resource a (["b@c"]) {}`)
	f("resource a 'b@c' existing = {\n  name: 'd'\n}", `resource a existing (["b@c"]) {name:(["d"])}`)
	f("resource a 'b@c' = if (x) {}", `resource a (["b@c"]) (when <x> {})`)
	f("resource a 'b@c' =\nif (x) {}", `resource a (["b@c"]) (when <x> {})`)
	f("resource a 'b@c' = [for x in y: if (x) {}]", `resource a (["b@c"]) (for x, y (when <x> {}))`)
	f("resource a 'b@c' = {\n  @batchSize(1)\n  resource d 'e' = {}\n  resource: 1\n}", `resource a (["b@c"]) {resource d resource:1}`)
	f("module a 'b.bicep' = {}", `module a (["b.bicep"]) {}`)
	f("module a 'b.bicep' = [for x in y: {}]", `module a (["b.bicep"]) (for x, y {})`)
	f("output a string = b", "output a string b")
	f("output a resource = b", "output a (resource -) b")
	f("assert a = true", "assert a true")
	f("test a 'b.bicep' = {}", `test a (["b.bicep"]) {}`)
	f("extension a", "extension a -  -")
	f("extension 'a@1' with {\n  b: 1\n} as c", `extension (["a@1"]) {b:1} c -`)
	f("extension a as b", "extension a - b -")
	f("import 'a' as b", `extension (["a"]) - b -`)
	f("import { a, b as c, 'd' as e } from 'f.bicep'", `import a=a b=c d=e  (["f.bicep"])`)
	f("import {\n  a\n  b\n} from 'f.bicep'", `import a=a b=b  (["f.bicep"])`)
	f("import * as a from 'b.bicep'", `import a (["b.bicep"])`)
}

func TestParameterStatements(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		file := ParseParameters("a.bicepparam", source)
		if len(file.Diagnostics) > 0 {
			t.Errorf("%s: %s", source, faults(file.Diagnostics))
		}
		if got := sketchFile(file); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("using 'a.bicep'", `using (["a.bicep"]) -`)
	f("using none", "using none - -")
	f("using 'a.bicep' with {\n  b: 1\n}", `using (["a.bicep"]) {b:1}`)
	f("extends 'a.bicepparam'", `extends (["a.bicepparam"])`)
	f("param a = 1", "param a - 1")
	f("var a = 1", "var a - 1")
	f("type a = string", "type a string")
	f("import { a } from 'b.bicep'", `import a=a  (["b.bicep"])`)
	f("extensionConfig a with {\n  b: 1\n}", "config a {b:1}")
	f("extension a", "extension a -  -")
}

func sketchFile(file *File) string {
	parts := make([]string, len(file.Statements))
	for i, s := range file.Statements {
		parts[i] = strings.Repeat("@", len(s.decorators())) + sketchStatement(s)
	}
	return strings.Join(parts, "; ")
}

func sketchStatement(s Statement) string {
	switch s := s.(type) {
	case *TargetScope:
		return "scope " + sketch(s.Value)
	case *Metadata:
		return "metadata " + s.Name.Text + " " + sketch(s.Value)
	case *Param:
		return "param " + s.Name.Text + " " + sketch(s.Type) + " " + sketch(s.Default)
	case *Var:
		return "var " + s.Name.Text + " " + sketch(s.Type) + " " + sketch(s.Value)
	case *TypeDecl:
		return "type " + s.Name.Text + " " + sketch(s.Value)
	case *Func:
		var params strings.Builder
		for _, p := range s.Params {
			params.WriteString(" " + p.Name.Text + ":" + sketch(p.Type))
		}
		return "func " + s.Name.Text + params.String() + " -> " + sketch(s.Result) + " " + sketch(s.Body)
	case *Resource:
		return "resource " + s.Name.Text + mark(s.Existing, " existing") + " " + sketch(s.Type) + " " + sketch(s.Body)
	case *Module:
		return "module " + s.Name.Text + " " + sketch(s.Path) + " " + sketch(s.Body)
	case *Test:
		return "test " + s.Name.Text + " " + sketch(s.Path) + " " + sketch(s.Body)
	case *Assert:
		return "assert " + s.Name.Text + " " + sketch(s.Value)
	case *Output:
		return "output " + s.Name.Text + " " + sketch(s.Type) + " " + sketch(s.Value)
	case *Extension:
		return "extension " + sketch(s.Spec) + " " + sketch(s.Config) + " " + s.Alias.Text + " -"
	case *Import:
		var items strings.Builder
		for _, i := range s.Items {
			items.WriteString(i.Name + "=" + i.Alias.Text + " ")
		}
		return "import " + items.String() + s.Wildcard.Text + " " + sketch(s.From)
	case *Using:
		return "using " + mark(s.None, "none ") + sketch(s.Path) + " " + sketch(s.Config)
	case *Extends:
		return "extends " + sketch(s.Path)
	case *ExtensionConfig:
		return "config " + s.Alias.Text + " " + sketch(s.Config)
	}
	return "BAD"
}

func TestTypes(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		file := Parse("a.bicep", "type t = "+source+"\n")
		d, ok := file.Statements[0].(*TypeDecl)
		if !ok || len(file.Diagnostics) > 0 {
			t.Errorf("%s: %s", source, faults(file.Diagnostics))
			return
		}
		if got := sketch(d.Value); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("string", "string")
	f("string[]", "(list string)")
	f("string?", "(? string)")
	f("a!", "(!! a)")
	f("(string | int)[]?", "(? (list <(or string int)>))")
	f("'a' | 'b'", `(or (["a"]) (["b"]))`)
	f("\n  | 'a'\n  | 'b'", `(or (["a"]) (["b"]))`)
	f("| 'a' | null", `(or (["a"]) null)`)
	f("-1 | 2 | !true", "(or (Minus 1) 2 (Exclamation true))")
	f("{}", "{}")
	f("{\n  a: string\n  @secure()\n  'b': int?\n  *: any\n}", `{a:string @(["b"]):(? int) *:any}`)
	f("[\n  string\n  @secure()\n  int\n]", "[-:string @-:int]")
	f("a.b.c", "(. (. a b) c)")
	f("a[0]", "(at a 0)")
	f("a[*].b.*", "(each Dot (. (each LeftSquare a) b))")
	f("resourceInput<'a@b'>.properties", `(. (<> - resourceInput (["a@b"])) properties)`)
	f("sys.resourceOutput<'a@b'>", `(<> sys resourceOutput (["a@b"]))`)
}

func TestSyntaxFaults(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if got := faults(Parse("a.bicep", source).Diagnostics); got != want {
			t.Errorf("%q\n got %s\nwant %s", source, got, want)
		}
	}
	f("nonsense\nvar a = 1", "BCP007@1:1")
	f("var", "BCP015@1:4")
	f("var a", "BCP018@1:6")
	f("var a =", "BCP009@1:8")
	f("var a = 1 2", "BCP019@1:11")
	f("param a", "BCP279@1:8")
	f("param a string x", "BCP008@1:16")
	f("output a", "BCP279@1:9")
	f("resource a", "BCP068@1:11")
	f("resource a 'b@c'", "BCP018@1:17")
	f("resource a 'b@c' = 1", "BCP118@1:20")
	f("resource a 'b@c' = [for x in y: 1]", "BCP167@1:33")
	f("module a", "BCP097@1:9")
	f("module a b = {}", "BCP097@1:10")
	f("@secure()", "BCP132@1:10")
	f("@\nparam a string", "BCP123@1:2")
	f("@a() param b string", "BCP019@1:6 BCP132@1:20")
	f("var a = [1, 2", "BCP018@1:14")
	f("var a = {\n b 1\n}", "BCP018@2:4 BCP009@2:5")
	f("var a = {\n 1: 2\n}", "BCP022@2:2")
	f("var a = [\n 1,\n 2\n]", "BCP238@2:4")
	f("var a = [1 2]", "BCP236@1:12")
	f("var a = f(1", "BCP018@1:12")
	f("var a = f(1 2)", "BCP236@1:13")
	f("var a = f(1,)", "BCP009@1:13")
	f("var a = f(1\n 2)", "BCP237@1:12")
	f("var a = (1, 2)", "BCP243@1:9")
	f("var a = ()", "BCP243@1:9")
	f("var a = b.", "BCP020@1:11")
	f("var a = b[]", "BCP117@1:11")
	f("var a = b[1", "BCP018@1:12")
	f("var a = b ? c", "BCP018@1:14")
	f("var a = '${1 2}'", "BCP064@1:14")
	f("var a = '${{}}'", "BCP086@1:12 BCP003@1:15 BCP064@1:16")
	f("var a = [for x y: x]", "BCP012@1:16 BCP009@1:20")
	f("var a = [for in y: x]", "BCP012@1:17 BCP009@1:21")
	f("var a = [for 1 in y: x]", "BCP162@1:14 BCP009@1:23")
	f("var a = [for (x) in y: x]", "BCP249@1:14")
	f("var a = 99999999999999999999", "BCP010@1:9")
	f("var a = 18446744073709551615", "BCP010@1:9")
	f("var a = x => ", "BCP009@1:14")
	f("var a = (1) => 1", "BCP015@1:10")
	f("var a = b.?c()", "BCP322@1:11")
	f("type a =", "BCP279@1:9")
	f("type a = 'b' |\nvar c = 1", "BCP286@1:15")
	f("type a = {\n 1: string\n}", "BCP294@2:2")
	f("type a = (string, int)", "BCP243@1:10")
	f("func a", "BCP018@1:7")
	f("func a(b) string => 1", "BCP279@1:9")
	f("func a(1 string) string => 1", "BCP015@1:8 BCP018@1:10 BCP279@1:29 BCP018@1:29 BCP009@1:29")
	f("import a from 'b'", "BCP350@1:8 BCP012@1:8")
	f("import { 1 } from 'b'", "BCP355@1:10")
	f("import { 'a' } from 'b'", "BCP377@1:10")
	f("import * from 'b'", "BCP012@1:10 BCP012@1:18")
	f("import { a }", "BCP012@1:13")
	f("extension 1", "BCP201@1:11")
	f("extension a b", "BCP012@1:13")
	f("test a 'b' = 1", "BCP018@1:14")
	f("resource a 'b@c' = if x {}", "BCP018@1:23")
	f("resource a 'b@c' = if () {}", "BCP243@1:23")
	f("assert", "BCP344@1:7")
	f("targetScope", "BCP018@1:12")
}

func TestParameterFaults(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if got := faults(ParseParameters("a.bicepparam", source).Diagnostics); got != want {
			t.Errorf("%q\n got %s\nwant %s", source, got, want)
		}
	}
	f("resource a 'b@c' = {}", "BCP007@1:1")
	f("param a", "BCP018@1:8")
	f("using", "BCP259@1:6")
	f("using 'a' x", "BCP012@1:11")
	f("extends 1", "BCP406@1:9")
	f("@a()\nwhat", "BCP007@2:1")
	f("extensionConfig a", "BCP012@1:18")
}

// The parser goes on after a fault: what follows is read.
func TestRecovery(t *testing.T) {
	file := Parse("a.bicep", "var = 1\nparam\nresource a 'x\nvar b = [\n  {\n    c: \n    d: 2\n  }\n]\noutput e string = f(\nvar g = 3\n")
	got := sketchFile(file)
	for _, want := range []string{"var b - [{c:BAD d:2}]", "output e string (f var g BAD)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestDepth(t *testing.T) {
	deep := func(open, end string) string {
		return "var a = " + strings.Repeat(open, 3000) + "1" + strings.Repeat(end, 3000) + "\n"
	}
	for _, source := range []string{
		deep("(", ")"), deep("[", "]"), deep("{a:", "}"), deep("f(", ")"), deep("!(", ")"), deep("'${", "}'"), deep("x => ", ""), deep("[for a in b: ", "]"),
		"var a = b" + strings.Repeat(".c", 3000), "var a = 1" + strings.Repeat(" + 1", 3000), "var a = 1" + strings.Repeat(" ?? a ? b : c", 3000),
		"type a = " + strings.Repeat("(", 3000) + "b", "type a = " + strings.Repeat("{a:", 3000), "type a = b" + strings.Repeat(".c", 3000), "type a = b" + strings.Repeat("?", 3000),
		"type a = " + strings.Repeat("b<", 3000), "resource a 'b@c' = {\n" + strings.Repeat("resource a 'b' = {\n", 3000),
	} {
		file := Parse("a.bicep", source)
		if len(file.Diagnostics) == 0 {
			t.Errorf("%.40s…: there is no limit", source)
		}
		if len(file.Diagnostics) > maxFaults {
			t.Errorf("%.40s…: %d diagnostics", source, len(file.Diagnostics))
		}
	}
}
