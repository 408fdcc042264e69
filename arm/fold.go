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

// Fold returns the key of a name. Letters are lowered; a letter outside ASCII never
// becomes an ASCII one (so the Kelvin sign stays apart from "k"), because treating two
// different names as one could turn a missing grant into access.
//
// Resource Manager compares names without regard to case
// (MicrosoftDocs/azure-docs articles/azure-resource-manager/management/resource-name-rules.md).
func Fold(s string) Key {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return Key(strings.Map(foldRune, s))
		}
	}
	return Key(s)
}

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return rune(foldByte(byte(r)))
	}
	if l := unicode.ToLower(r); l >= utf8.RuneSelf {
		return l
	}
	return r
}

func foldByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// equalFold reports whether a and b are the same name, without allocating for ASCII.
func equalFold(a, b string) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] >= utf8.RuneSelf || b[i] >= utf8.RuneSelf {
			return Fold(a[i:]) == Fold(b[i:])
		}
		if foldByte(a[i]) != foldByte(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
