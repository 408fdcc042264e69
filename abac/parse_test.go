// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"errors"
	"strings"
	"testing"
)

func TestParsePrint(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		e := mustParse(t, in)
		got := Print(e)
		if got != want {
			t.Errorf("Print(Parse(%s)) =\n%s, want\n%s", in, got, want)
		}
		again, err := Parse(got)
		if err != nil {
			t.Fatalf("parsing what was printed: %v", err)
		}
		if !Equal(e, again) {
			t.Errorf("%s is another tree when printed and parsed again", in)
		}
	}
	same := func(in string) { t.Helper(); f(in, in) }

	// Function forms: braces attached or not, any letter case.
	same(`ActionMatches{'Microsoft.Storage/*/read'}`)
	f(`actionmatches {'a/b'}`, `ActionMatches{'a/b'}`)
	f("SUBOPERATIONMATCHES\n{ 'Blob.List'\t}", `SubOperationMatches{'Blob.List'}`)
	f(`exists @request[a]`, `Exists @Request[a]`)
	f(`Not Exists @Request[a]`, `NOT Exists @Request[a]`)
	f(`!Exists @Request[a]`, `NOT Exists @Request[a]`)
	f(`not suboperationmatches{'x'}`, `NOT SubOperationMatches{'x'}`)
	same(`Foo{'a', 1, true, 1c0163c0-47e6-4577-8991-ea5c82e286e4}`)

	// Logic.
	f(`(ActionMatches{'a/b'})`, `ActionMatches{'a/b'}`)
	f(`!ActionMatches{'a/b'}`, `!(ActionMatches{'a/b'})`)
	f(`!!(ActionMatches{'a/b'})`, `!(!(ActionMatches{'a/b'}))`)
	f(`Exists @Request[a] && Exists @Request[b] and Exists @Request[c]`,
		`Exists @Request[a] AND Exists @Request[b] AND Exists @Request[c]`)
	f(`Exists @Request[a] || Exists @Request[b]`, `Exists @Request[a] OR Exists @Request[b]`)
	f(`Exists @Request[a] OR Exists @Request[b] AND Exists @Request[c]`,
		`Exists @Request[a] OR (Exists @Request[b] AND Exists @Request[c])`)
	f(`NOT Exists @Request[a] AND Exists @Request[b]`, `NOT Exists @Request[a] AND Exists @Request[b]`)
	same(`(Exists @Request[a] AND Exists @Request[b]) AND Exists @Request[c]`)
	same(`!(Exists @Request[a] OR Exists @Request[b])`)

	// Operands on either side.
	same(`@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'a'`)
	same(`'a' StringEquals @Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Set_Attr]`)
	same(`{'red', 'blue'} ForAnyOfAnyValues:StringEquals {'blue', 'green'}`)
	f(`@RESOURCE[HasObotoken] boolequals TRUE`, `@Resource[HasObotoken] BoolEquals true`)
	f(`@Environment[isPrivateLink] boolnotequals False`, `@Environment[isPrivateLink] BoolNotEquals false`)
	f(`@Resource[ x y ] StringEquals'a'`, `@Resource[x y] StringEquals 'a'`)
	same(`@Resource[b/tags:Project<$key_case_sensitive$>] StringEquals 'Cascade'`)
	same(`@Request[b/tags&$keys$&] ForAllOfAnyValues:StringEquals {'Project', 'Program'}`)
	same(`@Resource[n] NumericLessThan -5`)
	same(`@Resource[n] NumericEquals -9223372036854775808`)
	same(`@Resource[n] NumericEquals 9223372036854775807`)

	// GUIDs: unquoted, with and without dashes; quoted ones stay strings.
	f(`@Resource[r] ForAnyOfAnyValues:GuidEquals{08d4c71acc634ce4a9c85dd251b4d619,B24988AC-6180-42A0-AB88-20F7382DD24C}`,
		`@Resource[r] ForAnyOfAnyValues:GuidEquals {08d4c71a-cc63-4ce4-a9c8-5dd251b4d619, b24988ac-6180-42a0-ab88-20f7382dd24c}`)
	f(`@Resource[r] guidequals 00000000000000000000000000000001`, `@Resource[r] GuidEquals 00000000-0000-0000-0000-000000000001`)
	same(`@Resource[r] GuidEquals 'B24988AC-6180-42A0-AB88-20F7382DD24C'`)

	// Strings: \' is a quote, every other backslash stays.
	same(`@Resource[x] StringEquals 'it\'s'`)
	same(`@Resource[x] StringLike 'a\*b\?c\\'`)
	same(`@Resource[x] StringEquals 'C:\temp'`)
	same(`@Resource[x] StringEquals ''`)
	same(`@Resource[x] StringEquals 'é ( AND ) {'`)
	same(`@Resource[x] StringEquals '\\\'\\'`)

	// What no page documents keeps its spelling.
	same(`@Environment[UtcNow] TimeOfDayGreaterThan '12:00'`)
	same(`@Resource[x] ForNoneOfAnyValues:stringequals {'a'}`)
	f(`@Resource[x] foranyofanyvalues:ipmatch {'a'}`, `@Resource[x] ForAnyOfAnyValues:ipmatch {'a'}`)
	f(`@Resource[x] In {'a'}`, `@Resource[x] In {'a'}`)
	f(`@Resource[x] forallofallvalues:stringnotlikeignorecase {'a'}`, `@Resource[x] ForAllOfAllValues:StringNotLikeIgnoreCase {'a'}`)
}

func TestParseErrors(t *testing.T) {
	f := func(in string, offset int, expected, found, hint string) {
		t.Helper()
		e, err := Parse(in)
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Fatalf("Parse(%s) = %v, %v; want a SyntaxError", in, e, err)
		}
		if se.Offset != offset || !strings.Contains(se.Expected, expected) ||
			!strings.Contains(se.Found, found) || !strings.Contains(se.Hint, hint) || (hint == "") != (se.Hint == "") {
			t.Errorf("Parse(%s)\n got %d, expected %q, found %q, hint %q\nwant %d, expected %q, found %q, hint %q",
				in, se.Offset, se.Expected, se.Found, se.Hint, offset, expected, found, hint)
		}
		if !strings.Contains(se.Error(), se.Expected) {
			t.Errorf("the error %q does not say what was expected", se)
		}
	}
	end := "the end of the text"
	f(``, 0, "an attribute or a value", end, "")
	f(" \n\t", 3, "an attribute or a value", end, "")
	f(`(Exists @Request[a]`, 19, ")", end, "")
	f(`Exists @Request[a])`, 18, "AND, OR or the end", `")"`, "")
	f(`Exists @Request[a] Exists @Request[b]`, 19, "AND, OR or the end", `"Exists"`, "")
	f(`Exists @Request[a] AND`, 22, "an attribute or a value", end, "")
	f(`OR Exists @Request[a]`, 0, "an attribute or a value", `"OR"`, "")
	f(`Exists 'a'`, 7, "an attribute after Exists", `the string "a"`, "")
	f(`ActionMatches('a')`, 13, "{ after", `"("`, "")
	f(`ActionMatches{a}`, 14, "a string in single quotes", `"a"`, "")
	f(`ActionMatches{'a', 'b'}`, 17, "}", `","`, "")
	f(`@Request[a]`, 11, "a comparison operator", end, "")
	f(`@Request[a] AND @Request[b]`, 12, "a comparison operator", `"AND"`, "")
	f(`@Request[a] null`, 12, "a comparison operator", `"null"`, "NOT Exists")
	f(`@Request[a] 5 'b'`, 12, "a comparison operator", `"5"`, "")
	f(`@Request[a] a-b 'b'`, 12, "a comparison operator", `"a-b"`, "")
	f(`@Request[a] a: 'b'`, 12, "a comparison operator", `"a:"`, "")
	f(`@Request[a] true 'b'`, 12, "a comparison operator", `"true"`, "")
	f(`@Request[a] StringEquals`, 24, "an attribute or a value", end, "")
	f(`@Request[a] StringEquals @Request[b`, 33, "]", end, "")
	f(`@Request[a] StringEquals b`, 25, "a value", `"b"`, "single quotes")
	f(`@Request[a] NumericEquals 1.5`, 26, "a value", `"1.5"`, "")
	f(`@Request[a] NumericEquals 9223372036854775808`, 26, "a value", `"9223372036854775808"`, "")
	f(`@Request[a] NumericEquals -`, 26, "a value", `"-"`, "")
	f(`@Request[a] GuidEquals b24988ac-6180-42a0-ab88-20f7382dd24`, 23, "a value", "b24988ac", "")
	f(`@Request[a] GuidEquals {}`, 24, "an attribute or a value", `"}"`, "")
	f(`@Request[a] GuidEquals {@Request[b]}`, 24, "an attribute or a value", "@Request[b]", "")
	f(`@Request[a] GuidEquals {{'b'}}`, 24, "an attribute or a value", `"{"`, "")
	f(`@Request[a] GuidEquals {'b'`, 27, ", or }", end, "")
	f(`@Request[a] GuidEquals {'b' 'c'}`, 28, ", or }", `the string "c"`, "")
	f(`@Request[a] StringEquals 'b`, 25, "a closing quote", end, `\'`)
	f(`@Request[a] StringEquals 'b\'`, 25, "a closing quote", end, `\'`)
	f(`@Subject[a] StringEquals 'b'`, 1, "Resource, Request, Principal or Environment", `"S"`, "")
	f(`@`, 1, "Resource, Request", end, "")
	f(`@Request a`, 8, "[ after @Request", "U+0020", "")
	f(`@Request`, 8, "[ after @Request", end, "")
	f(`@Request[ ] StringEquals 'b'`, 9, "the name of an attribute", "U+0020", "")
	f("@Request[a\x01] StringEquals 'b'", 9, "without control characters", `"a"`, "")
	f(`@Request[a] = 'b'`, 12, "an operator", `"="`, "words such as")
	f(`@Request[a] StringEquals "b"`, 25, "a value", `"\""`, "plain single quotes")
	f("@Request[a] StringEquals \u2018b\u2019", 25, "a value", "U+2018", "plain single quotes")
	f("Exists\u00a0@Request[a]", 6, "an expression", "U+00A0", "invisible character")
	f(`Exists @Request[a] & Exists @Request[b]`, 19, "an operator", `"&"`, "logical operators")
	f(`Exists @Request[a] | Exists @Request[b]`, 19, "an operator", `"|"`, "logical operators")
	f(`\(Exists @Request[a])`, 0, "an expression", `"\\"`, "escapes of a shell")
	f(`Exists @Request[a] ; `, 19, "an operator", `";"`, "")
	f("Exists @Request[a] \xff", 19, "UTF-8", "a byte", "")
	f("Exists @Request[\uFFFD] \xff", 21, "UTF-8", "a byte", "")
	f("\x7f", 0, "an expression", "U+007F", "")
}

func TestPosition(t *testing.T) {
	f := func(text string, offset, line, column int) {
		t.Helper()
		if l, c := Position(text, offset); l != line || c != column {
			t.Errorf("Position(%q, %d) = %d, %d, want %d, %d", text, offset, l, c, line, column)
		}
	}
	f("", 0, 1, 1)
	f("ab", 1, 1, 2)
	f("a\nb", 2, 2, 1)
	f("é\néx", 5, 2, 2)
	f("ab", 9, 1, 3)
	f("ab", -1, 1, 1)

	_, err := Parse("Exists @Request[a]\nAND\n  é")
	var se *SyntaxError
	if !errors.As(err, &se) || se.Line != 3 || se.Column != 3 || se.Offset != 25 {
		t.Errorf("got %v, want line 3, column 3, byte 25", err)
	}
}

func TestParseLimits(t *testing.T) {
	long := `@Request[a] StringEquals '` + strings.Repeat("x", MaxLength) + `'`
	if _, err := Parse(long); err == nil || !strings.Contains(err.Error(), "at most 65536 bytes") {
		t.Errorf("a long text: got %v", err)
	}
	atLimit := `@Request[a] StringEquals '` + strings.Repeat("x", MaxLength-27) + `'`
	if _, err := Parse(atLimit); err != nil || len(atLimit) != MaxLength {
		t.Errorf("a text of %d bytes: got %v", len(atLimit), err)
	}
	nest := func(n int) string {
		return strings.Repeat("!(", n/2) + `Exists @Request[a]` + strings.Repeat(")", n/2)
	}
	if _, err := Parse(nest(MaxDepth - 2)); err != nil {
		t.Errorf("nested as deep as permitted: %v", err)
	}
	if _, err := Parse(nest(MaxDepth + 2)); err == nil || !strings.Contains(err.Error(), "inside each other") {
		t.Errorf("nested too deep: got %v", err)
	}
	if _, err := Parse(strings.Repeat("(", MaxLength)); err == nil {
		t.Error("only parentheses: no error")
	}
	flat := strings.Repeat("Exists @Request[a] AND ", 2000) + "Exists @Request[a]"
	if _, err := Parse(flat); err != nil {
		t.Errorf("a flat AND: %v", err)
	}
}

func TestSpans(t *testing.T) {
	const text = ` ( !(ActionMatches{'a/b'} AND SubOperationMatches{'s'}) OR ` +
		`Exists @Request[c] ) AND {1, true} ForAnyOfAllValues:NumericEquals 08d4c71acc634ce4a9c85dd251b4d619 AND f{'x'}`
	var got []string
	Walk(mustParse(t, text), func(e Expr) {
		got = append(got, text[e.Span().Start:e.Span().End])
		switch e := e.(type) {
		case *Exists:
			got = append(got, text[e.Attribute.Span().Start:e.Attribute.Span().End])
		case *Compare:
			got = append(got, text[e.OperatorAt.Start:e.OperatorAt.End])
			for _, o := range []Operand{e.Left, e.Right} {
				got = append(got, text[o.Span().Start:o.Span().End])
			}
			if set, ok := e.Left.(Set); ok {
				for _, o := range set.Items {
					got = append(got, text[o.Span().Start:o.Span().End])
				}
			}
		case *UnknownFunction:
			got = append(got, text[e.Args[0].Span().Start:e.Args[0].Span().End])
		default:
		}
	})
	want := []string{
		text[1:],
		`!(ActionMatches{'a/b'} AND SubOperationMatches{'s'}) OR Exists @Request[c]`,
		`!(ActionMatches{'a/b'} AND SubOperationMatches{'s'})`,
		`ActionMatches{'a/b'} AND SubOperationMatches{'s'}`,
		`ActionMatches{'a/b'}`, `SubOperationMatches{'s'}`,
		`Exists @Request[c]`, `@Request[c]`,
		`{1, true} ForAnyOfAllValues:NumericEquals 08d4c71acc634ce4a9c85dd251b4d619`,
		`ForAnyOfAllValues:NumericEquals`, `{1, true}`, `08d4c71acc634ce4a9c85dd251b4d619`, `1`, `true`,
		`f{'x'}`, `'x'`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEqual(t *testing.T) {
	texts := []string{
		`Exists @Request[a]`, `Exists @Request[b]`, `Exists @Resource[a]`, `NOT Exists @Request[a]`,
		`ActionMatches{'a/b'}`, `ActionMatches{'a/c'}`, `SubOperationMatches{'a'}`, `SubOperationMatches{'b'}`,
		`f{'a'}`, `f{'b'}`, `g{'a'}`, `f{'a', 'a'}`,
		`Exists @Request[a] AND Exists @Request[b]`, `Exists @Request[a] OR Exists @Request[b]`,
		`@Request[a] NumericEquals 1`, `@Request[a] NumericEquals 2`, `@Request[a] NumericNotEquals 1`,
		`@Request[a] NumericEquals true`, `@Request[a] NumericEquals false`, `@Request[a] NumericEquals 'x'`,
		`@Request[a] NumericEquals {1}`, `@Request[a] NumericEquals {2}`, `@Request[a] NumericEquals {1, 2}`,
		`@Request[a] NumericEquals 08d4c71acc634ce4a9c85dd251b4d619`, `@Request[a] NumericEquals 08d4c71acc634ce4a9c85dd251b4d610`,
		`@Request[a] ForAnyOfAnyValues:NumericEquals 1`, `1 NumericEquals 1`,
	}
	for i, a := range texts {
		for j, b := range texts {
			if got := Equal(mustParse(t, a), mustParse(t, "( "+b+" )")); got != (i == j) {
				t.Errorf("Equal(%s, %s) = %v", a, b, got)
			}
		}
	}
	if !Equal(nil, nil) || Equal(nil, mustParse(t, texts[0])) {
		t.Error("Equal of no expression")
	}
	if !equalOperand(nil, nil) {
		t.Error("equalOperand of no operand")
	}
}

func TestHintFor(t *testing.T) {
	for _, r := range "\u2018\u2019\u201c\u201d\"`\u00a0\u200b\ufeff\u2028&|=<>\\$" {
		if hintFor(r) == "" {
			t.Errorf("no hint for %q", r)
		}
	}
}
