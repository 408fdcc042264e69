// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Key is a name folded for comparison: two names are the same to Azure exactly when
// their keys are equal. Use it as a map key; never show it to a person.
type Key string

// Fold returns the key of a name. A letter is lowered if it is the one capital of its
// small letter, so the Kelvin sign stays apart from "k" and the Ohm sign from omega,
// because treating two different names as one could turn a missing grant into access.
// Bytes that are not UTF-8 stay as they are.
//
// Resource Manager compares names without regard to case
// (MicrosoftDocs/azure-docs articles/azure-resource-manager/management/resource-name-rules.md).
// How it treats letters outside ASCII is not published; keeping such pairs apart is what
// a comparison by the capitals of single letters does.
func Fold(s string) Key {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && foldByte(s[i]) == s[i] {
		i++
	}
	if i == len(s) {
		return Key(s)
	}
	var stack [stackPath]byte
	if key, ok := foldInto(&stack, s); ok {
		return Key(key)
	}
	return foldRunes(s)
}

// foldRunes folds a text of any letters and length.
func foldRunes(s string) Key {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			b.WriteByte(foldByte(c))
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if l := unicode.ToLower(r); l != r && unicode.ToUpper(l) == r {
			b.WriteRune(l)
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return Key(b.String())
}

func foldByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// equalFold reports whether a and b are the same name, without allocating for ASCII.
func equalFold(a, b string) bool {
	rest, ok := cutPrefixFold(a, b)
	return ok && rest == ""
}

// cutPrefixFold returns what stands in s behind the prefix, and whether s starts with
// it. Only ASCII is compared byte by byte; from the first other byte on both are folded,
// and so is the rest that is returned, because a letter and its capital can differ in
// length.
func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	for i := 0; i < len(prefix); i++ {
		if i == len(s) {
			return "", false
		}
		if s[i] >= utf8.RuneSelf || prefix[i] >= utf8.RuneSelf {
			return strings.CutPrefix(string(Fold(s[i:])), string(Fold(prefix[i:])))
		}
		if foldByte(s[i]) != foldByte(prefix[i]) {
			return "", false
		}
	}
	return s[len(prefix):], true
}
