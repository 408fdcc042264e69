// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strings"
	"testing"
)

func TestLex(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		tokens, faulty := Lex(source)
		var got []string
		for _, tok := range tokens {
			got = append(got, tok.Kind.String()+" "+tok.Text(source))
		}
		all := strings.TrimSuffix(strings.Join(got, "|"), "|EndOfFile ")
		if len(faulty) > 0 {
			all += " ! " + faults(faulty)
		}
		if all != want {
			t.Errorf("Lex(%q)\n got %s\nwant %s", source, all, want)
		}
	}
	f("", "EndOfFile ")
	f("\ufeffvar", "Identifier var")
	f("var a_1 = 10", "Identifier var|Identifier a_1|Assignment =|Integer 10")
	f("true false null trueish", "TrueKeyword true|FalseKeyword false|NullKeyword null|Identifier trueish")
	f("a\n\r\n\rb", "Identifier a|NewLine \n\r\n\r|Identifier b")
	f("{}[]()@,;+-*/%^", "LeftBrace {|RightBrace }|LeftSquare [|RightSquare ]|LeftParen (|RightParen )|At @|Comma ,|Semicolon ;|Plus +|Minus -|Asterisk *|Slash /|Modulo %|Hat ^")
	f(". .. ...", "Dot .|Dot .|Dot .|Ellipsis ...")
	f("? ?? : :: ! != !~", "Question ?|DoubleQuestion ??|Colon :|DoubleColon ::|Exclamation !|NotEquals !=|NotEqualsInsensitive !~")
	f("< <= > >= = == =~ =>", "LeftChevron <|LessThanOrEqual <=|RightChevron >|GreaterThanOrEqual >=|Assignment =|Equals ==|EqualsInsensitive =~|Arrow =>")
	f("&& || |", "LogicalAnd &&|LogicalOr |||Pipe |")
	f("& $ # é", "Unrecognized &|Unrecognized $|Unrecognized #|Unrecognized é ! BCP001@1:1 BCP001@1:3 BCP001@1:5 BCP001@1:7")
	f("a // b\nc /* d\n e */ f", "Identifier a|NewLine \n|Identifier c|Identifier f")
	f("a /* b", "Identifier a ! BCP002@1:3")
	f("//", "EndOfFile ")
	f(strings.Repeat("a", 256), "Identifier "+strings.Repeat("a", 256)+" ! BCP024@1:1")
}

func TestLexStrings(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		tokens, faulty := Lex(source)
		var got []string
		for _, tok := range tokens[:len(tokens)-1] {
			got = append(got, strings.TrimPrefix(tok.Kind.String(), "String")+" "+tok.Text(source))
		}
		all := strings.Join(got, "|")
		if len(faulty) > 0 {
			all += " ! " + faults(faulty)
		}
		if all != want {
			t.Errorf("Lex(%q)\n got %s\nwant %s", source, all, want)
		}
	}
	f("''", "Complete ''")
	f(`'a\'b'`, `Complete 'a\'b'`)
	f(`'\n\r\t\\\$\u{1F600}'`, `Complete '\n\r\t\\\$\u{1F600}'`)
	f("'a${b}c'", "LeftPiece 'a${|Identifier b|RightPiece }c'")
	f("'a${b}c${d}e'", "LeftPiece 'a${|Identifier b|MiddlePiece }c${|Identifier d|RightPiece }e'")
	f("'${'${a}'}'", "LeftPiece '${|LeftPiece '${|Identifier a|RightPiece }'|RightPiece }'")
	f("'a", "Complete 'a ! BCP003@1:1")
	f("'a\nb", "Complete 'a|NewLine \n|Identifier b ! BCP004@1:1")
	f("'a${b\nc", "LeftPiece 'a${|Identifier b|RightPiece |NewLine \n|Identifier c ! BCP004@1:6")
	f(`'\q'`, `Complete '\q' ! BCP006@1:2`)
	f(`'\u{}'`, `Complete '\u{}' ! BCP133@1:2`)
	f(`'\u1'`, `Complete '\u1' ! BCP133@1:2`)
	f(`'\u{110000}'`, `Complete '\u{110000}' ! BCP133@1:2`)
	f(`'\`, `Complete '\ ! BCP003@1:1`)
	f("'''a'b''c'''", "Complete '''a'b''c'''")
	f("'''a''''", "Complete '''a''''")
	f("'''${a}'''", "Complete '''${a}'''")
	f("$'''a${b}c'''", "LeftPiece $'''a${|Identifier b|RightPiece }c'''")
	f("$$'''${a}$${b}$$${c}'''", "LeftPiece $$'''${a}$${|Identifier b|MiddlePiece }$$${|Identifier c|RightPiece }'''")
	f("'''a", "Complete '''a ! BCP140@1:1")
	f("$'a'", "Unrecognized $|Complete 'a' ! BCP001@1:1")
}

func TestLexDirectives(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		tokens, faulty := Lex(source)
		var got []string
		for _, tok := range tokens[:len(tokens)-1] {
			if tok.Kind != NewLine {
				got = append(got, tok.Text(source))
			}
		}
		all := strings.Join(got, " ")
		if len(faulty) > 0 {
			all += " ! " + faults(faulty)
		}
		if all != want {
			t.Errorf("Lex(%q)\n got %s\nwant %s", source, all, want)
		}
	}
	f("#disable-next-line a-b BCP1\nvar", "var")
	f("  #disable-diagnostics a\n#restore-diagnostics a // why\nvar", "var")
	f("#disable-next-line\nvar", "var ! BCP226@1:1")
	f("#disable-next-line a|\nvar", "| var")
	f("a #disable-next-line b", "a # disable - next - line b ! BCP001@1:3")
	f("#unknown a", "# unknown a ! BCP001@1:1")
}

func TestKindNames(t *testing.T) {
	for k := Unrecognized; k <= Pipe; k++ {
		if k.String() == "" || k != Unrecognized && k.String() == "Unrecognized" {
			t.Errorf("kind %d has no name", k)
		}
	}
	if got := Kind(255).String(); got != "Unrecognized" {
		t.Errorf("a kind that is none is called %s", got)
	}
	if Error.String() != "error" || Warning.String() != "warning" {
		t.Error("severities have other names")
	}
}

func TestPosition(t *testing.T) {
	file := Parse("a.bicep", "\ufeffvar a = 1\r\nvar b = 2\rvar c = 3\n")
	f := func(offset, line, column int) {
		t.Helper()
		if l, c := file.Position(offset); l != line || c != column {
			t.Errorf("offset %d is at %d:%d, want %d:%d", offset, l, c, line, column)
		}
	}
	f(0, 1, 1)
	f(3, 1, 1)
	f(7, 1, 5)
	f(14, 2, 1)
	f(24, 3, 1)
	f(28, 3, 5)
}
