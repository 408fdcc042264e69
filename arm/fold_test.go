// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := Fold(in); string(got) != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("abc-@[`{09", "abc-@[`{09") // the neighbours of the letters in ASCII
	f("AZaz", "azaz")
	f("Microsoft.Web/Sites", "microsoft.web/sites")
	f("STRA\u00dfE \u00c9", "stra\u00dfe \u00e9")
	f("\u00c9a\u00c9A", "\u00e9a\u00e9a")
	f("\u023a", "\u2c65")
	f("\u212a", "\u212a")               // Kelvin sign, not k
	f("\u0130", "\u0130")               // capital I with a dot, not i
	f("\u2126 \u212b", "\u2126 \u212b") // Ohm, Angstrom
	f("\u01c5", "\u01c5")               // a digraph with only its first letter a capital
	f("A\xff\xc3", "a\xff\xc3")
	f("A\ufffd", "a\ufffd")
}

func TestFoldOfEveryLetter(t *testing.T) {
	capitals := make(map[Key][]rune)
	for r := rune(0); r <= unicode.MaxRune; r++ {
		text := string(r)
		k := Fold(text)
		if string(k) == text {
			continue
		}
		capitals[k] = append(capitals[k], r)
		if Fold(string(k)) != k {
			t.Errorf("folding %U twice gives another key", r)
		}
		if r >= utf8.RuneSelf && len(k) == 1 {
			t.Errorf("%U became the ASCII letter %q", r, k)
		}
		if string(k) != string(unicode.ToLower(r)) {
			t.Errorf("%U became %q", r, k)
		}
	}
	for k, runes := range capitals {
		if len(runes) != 1 {
			t.Errorf("the key %q stands for the capitals %U", k, runes)
		}
	}
	if len(capitals) < 1400 {
		t.Errorf("%d letters have a capital; there are more", len(capitals))
	}
}

func TestFoldOfBytesThatAreNotText(t *testing.T) {
	seen := make(map[Key]byte)
	for c := 0x80; c <= 0xff; c++ {
		k := Fold("A" + string([]byte{byte(c)}))
		if before, ok := seen[k]; ok {
			t.Fatalf("the bytes %#x and %#x have the same key", before, c)
		}
		seen[k] = byte(c)
	}
}

func foldText() *rapid.Generator[string] {
	return rapid.OneOf(name(), rapid.String(), rapid.StringMatching(`[A-Za-z/]{0,6}`))
}

func TestFoldLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := foldText().Draw(t, "a"), foldText().Draw(t, "b")
		if Fold(string(Fold(a))) != Fold(a) {
			t.Errorf("folding %q twice gives another key", a)
		}
		if Fold(a+b) != Fold(a)+Fold(b) {
			t.Errorf("the key of %q+%q is not that of its parts", a, b)
		}
		if got, want := equalFold(a, b), Fold(a) == Fold(b); got != want {
			t.Errorf("equalFold(%q, %q) = %v, their keys say %v", a, b, got, want)
		}
		if r := respell(t, a); Fold(r) != Fold(a) || !equalFold(r, a) {
			t.Errorf("%q and %q are not the same", r, a)
		}
		if isASCII(a) && string(Fold(a)) != strings.ToLower(a) {
			t.Errorf("Fold(%q) = %q", a, Fold(a))
		}
		rest, ok := cutPrefixFold(respell(t, a+b), a)
		if !ok || Fold(rest) != Fold(b) {
			t.Errorf("%q+%q without the first is %q, %v", a, b, rest, ok)
		}
		if _, ok := cutPrefixFold(b, a); ok != strings.HasPrefix(string(Fold(b)), string(Fold(a))) {
			t.Errorf("cutPrefixFold(%q, %q) = %v", b, a, ok)
		}
	})
}

func TestFoldAllocates(t *testing.T) {
	noAlloc(t, "Fold of a folded name", func() { Fold("microsoft.web/sites") })
	noAlloc(t, "equalFold", func() { equalFold("microsoft.web/sites", "Microsoft.Web/Sites") })
}
