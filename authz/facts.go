// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"
	"unicode"
)

// Facts about Azure's authorization that no evaluation yields (how many, what becomes of,
// may it be created) are tables. A question in words finds its row by the words that name
// it, whatever else is said. A question that names two rows equally well finds none.

// wording is what a text must say to mean a row.
type wording struct {
	// all holds the things that must be said, each in one of several ways: phrases of words
	// in the singular. A word that ends in "*" stands for all that start so.
	all []string
	// none are phrases, in the same form, that mean another row.
	none string
}

// says returns how many things a wording asks for, if the text says all of them.
func (w *wording) says(text []string) (things int, ok bool) {
	for _, ways := range w.all {
		if !saysOne(text, ways) {
			return 0, false
		}
	}
	return len(w.all), w.none == "" || !saysOne(text, w.none)
}

// saysOne reports whether the text has one of the phrases that "|" separates.
func saysOne(text []string, ways string) bool {
	for phrase := range strings.SplitSeq(ways, "|") {
		if saysPhrase(text, together(strings.Fields(phrase))) {
			return true
		}
	}
	return false
}

func saysPhrase(text, phrase []string) bool {
	for i := 0; i+len(phrase) <= len(text); i++ {
		if slices.EqualFunc(text[i:i+len(phrase)], phrase, sameWord) {
			return true
		}
	}
	return false
}

func sameWord(word, pattern string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(word, start)
	}
	return word == pattern
}

// bestRow returns the row that the text names with the most things, or -1 if none is
// named or two are named alike.
func bestRow(text []string, rows int, of func(int) *wording) int {
	best, most, tie := -1, 0, false
	for i := range rows {
		things, ok := of(i).says(text)
		switch {
		case !ok || things < most:
		case things == most:
			tie = true
		default:
			best, most, tie = i, things, false
		}
	}
	if tie {
		return -1
	}
	return best
}

// abbreviations are short forms that pages and people use.
var abbreviations = map[string]string{
	"mg": "management group", "rg": "resource group", "kv": "key vault", "mi": "managed identity",
	"msi": "managed identity", "uami": "user assigned identity", "uai": "user assigned identity", "sp": "service principal",
	"acl": "access list", "hsm": "managed hsm", "adls": "data lake", "sub": "subscription", "pim": "privileged identity management",
	"aad": "entra", "id": "id", "fic": "federated credential",
}

// wordsOf takes a text apart into lower-case words in the singular. Words that are
// written together, such as assignableScopes, are taken apart.
func wordsOf(text string) []string {
	var out []string
	for _, field := range strings.FieldsFunc(apart(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		word := singular(strings.ToLower(field))
		if long, ok := abbreviations[strings.TrimSuffix(word, "s")]; ok {
			out = append(out, strings.Fields(long)...)
			continue
		}
		out = append(out, word)
	}
	return together(out)
}

// scopeWords start the names of scopes that end in "group" and are no groups of principals.
var scopeWords = []string{"resource", "management"}

// together makes one word of the name of such a scope, so that a text about it says
// neither of the two alone.
func together(words []string) []string {
	var out []string
	for i, w := range words {
		if w == "group" && i > 0 && slices.Contains(scopeWords, words[i-1]) {
			out[len(out)-1] += "-group"
			continue
		}
		out = append(out, w)
	}
	return out
}

// apart puts a blank before a capital that starts a word inside of another.
func apart(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		if i > 0 && i+1 < len(runes) && unicode.IsUpper(r) && unicode.IsLower(runes[i-1]) && unicode.IsLower(runes[i+1]) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func singular(word string) string {
	switch {
	case len(word) <= 3, strings.HasSuffix(word, "ss"), strings.HasSuffix(word, "us"), strings.HasSuffix(word, "is"):
		return word
	case strings.HasSuffix(word, "ies"):
		return word[:len(word)-3] + "y"
	case strings.HasSuffix(word, "sses"):
		return word[:len(word)-2]
	default:
		return strings.TrimSuffix(word, "s")
	}
}

// excluding are the words after which a text says what it does not mean.
var excluding = []string{"not", "without", "except", "excluding", "excl"}

// meant returns the words of a text without what it excludes: from such a word to the
// next sign of punctuation.
func meant(text string) []string {
	var out []string
	for _, clause := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",;:.()[]\n", r) }) {
		words := wordsOf(clause)
		if i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(excluding, w) }); i >= 0 {
			words = words[:i]
		}
		out = append(out, words...)
	}
	return out
}
