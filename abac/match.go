// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldRune lowers a letter. One outside ASCII never becomes one of ASCII, as in package
// arm: taking two values for one could turn a missing grant into access.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}
	if l := unicode.ToLower(r); l >= utf8.RuneSelf {
		return l
	}
	return r
}

// firstRune is utf8.DecodeRuneInString, short for ASCII.
func firstRune(s string) (rune, int) {
	if s != "" && s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	return utf8.DecodeRuneInString(s)
}

func sameRune(a, b rune, fold bool) bool {
	return a == b || fold && foldRune(a) == foldRune(b)
}

// prefixLength returns how many bytes of s the prefix covers, or -1 if it is none.
func prefixLength(s, prefix string, fold bool) int {
	if !fold {
		if strings.HasPrefix(s, prefix) {
			return len(prefix)
		}
		return -1
	}
	at := 0
	for _, p := range prefix {
		if at == len(s) {
			return -1
		}
		r, width := firstRune(s[at:])
		if !sameRune(r, p, true) {
			return -1
		}
		at += width
	}
	return at
}

func equalText(a, b string, fold bool) bool {
	return prefixLength(a, b, fold) == len(a)
}

// isWord reports whether s is the ASCII word, in any letter case. Nothing outside ASCII folds
// into it, so other lengths are other words.
func isWord(s, word string) bool {
	return len(s) == len(word) && equalText(s, word, true)
}

func hasPrefixText(s, prefix string, fold bool) bool {
	return prefixLength(s, prefix, fold) >= 0
}

// like reports whether s matches the pattern: "*" stands for any run of characters, "?" for
// one, and a backslash before "*", "?" or a backslash takes the meaning away
// (conditions-format.md#stringlike). Another backslash stands for itself.
func like(pattern, s string, fold bool) bool {
	p, at := 0, 0
	star, mark := -1, 0
	for at < len(s) {
		if p < len(pattern) && pattern[p] == s[at] && isPlainByte(s[at]) {
			p++
			at++
			continue
		}
		kind, want, width := patternRune(pattern[p:])
		r, size := firstRune(s[at:])
		switch {
		case kind == anyRun:
			p += width
			star, mark = p, at
		case kind == anyOne, kind == oneRune && sameRune(want, r, fold):
			p += width
			at += size
		case star >= 0:
			_, size = firstRune(s[mark:])
			mark += size
			p, at = star, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// isPlainByte reports whether a byte is a character that stands for itself in a pattern.
func isPlainByte(c byte) bool { return c < utf8.RuneSelf && c != '*' && c != '?' && c != '\\' }

type patternKind uint8

const (
	patternEnd patternKind = iota
	oneRune
	anyOne
	anyRun
)

// patternRune reads the first element of a pattern.
func patternRune(p string) (kind patternKind, r rune, width int) {
	if p == "" {
		return patternEnd, 0, 0
	}
	switch p[0] {
	case '*':
		return anyRun, 0, 1
	case '?':
		return anyOne, 0, 1
	case '\\':
		if len(p) > 1 && strings.IndexByte(`*?\`, p[1]) >= 0 {
			return oneRune, rune(p[1]), 2
		}
	}
	r, width = firstRune(p)
	return oneRune, r, width
}

// containsTerm reports whether term stands in s as a whole: no letter or digit goes on
// before its first or after its last letter or digit. It is the operator "has" of Kusto.
func containsTerm(s, term string, fold bool) bool {
	first, _ := firstRune(term)
	last, _ := utf8.DecodeLastRuneInString(term)
	before := rune(' ')
	for at, r := range s {
		n := prefixLength(s[at:], term, fold)
		if n >= 0 && !joined(before, first) {
			after, size := firstRune(s[at+n:])
			if size == 0 || !joined(last, after) {
				return true
			}
		}
		before = r
	}
	return term == ""
}

// joined reports whether two neighbours belong to one word.
func joined(a, b rune) bool { return isWordRune(a) && isWordRune(b) }

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
