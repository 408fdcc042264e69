// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxQuery is the longest query that is read, in bytes.
const MaxQuery = 64 << 10

// Error is a query that was not understood, with its place.
type Error struct {
	// Line and Column begin at 1.
	Line, Column int
	// Token is what stands there; "" at the end of the query.
	Token string
	// Reason says what is wrong.
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenNumber
	tokenSign
)

type token struct {
	kind tokenKind
	text string // of a string: its value
	at   int    // the offset in bytes
}

// is reports whether the token is that sign, or that word in any letter case of ASCII.
func (t token) is(text string) bool {
	switch t.kind {
	case tokenSign, tokenName:
		return t.text == text
	default:
		return false
	}
}

type lexer struct {
	text   string
	at     int
	tokens []token
}

// fail is an error at a place of the text.
func fail(text string, at int, tok, format string, args ...any) *Error {
	before := text[:min(at, len(text))]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return &Error{line, column, tok, fmt.Sprintf(format, args...)}
}

func lex(text string) ([]token, error) {
	l := lexer{text: text}
	for {
		l.blanks()
		if l.at == len(text) {
			l.tokens = append(l.tokens, token{tokenEnd, "", l.at})
			return l.tokens, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) blanks() {
	for l.at < len(l.text) {
		switch {
		case strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0:
			l.at++
		case strings.HasPrefix(l.text[l.at:], "//"):
			end := strings.IndexByte(l.text[l.at:], '\n')
			if end < 0 {
				end = len(l.text) - l.at
			}
			l.at += end
		default:
			return
		}
	}
}

// signs are the longest first.
var signs = []string{"!~", "=~", "==", "!=", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", ",", ".", "|", "-", "+", ":"}

func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '$'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (l *lexer) next() error {
	begin, c := l.at, l.text[l.at]
	switch {
	case isLetter(c):
		for l.at < len(l.text) && (isLetter(l.text[l.at]) || isDigit(l.text[l.at])) {
			l.at++
		}
		l.hyphenated(begin)
		l.add(tokenName, l.text[begin:l.at], begin)
		return nil
	case isDigit(c):
		for l.at < len(l.text) && (isDigit(l.text[l.at]) || l.text[l.at] == '.') {
			l.at++
		}
		l.add(tokenNumber, l.text[begin:l.at], begin)
		return nil
	case c == '\'' || c == '"':
		return l.quoted(begin, false)
	case c == '@' && l.at+1 < len(l.text) && (l.text[l.at+1] == '\'' || l.text[l.at+1] == '"'):
		l.at++
		return l.quoted(begin, true)
	case c == '!' && l.at+1 < len(l.text) && isLetter(l.text[l.at+1]):
		l.at++
		for l.at < len(l.text) && isLetter(l.text[l.at]) {
			l.at++
		}
		l.add(tokenSign, l.text[begin:l.at], begin)
		return nil
	}
	for _, s := range signs {
		if strings.HasPrefix(l.text[l.at:], s) {
			l.at += len(s)
			l.add(tokenSign, s, begin)
			return nil
		}
	}
	r, _ := utf8.DecodeRuneInString(l.text[l.at:])
	return fail(l.text, begin, string(r), "the character %q has no meaning here", r)
}

// hyphenated takes in the rest of the names of operators that have a hyphen, and the
// tilde of in~ and !in~.
func (l *lexer) hyphenated(begin int) {
	word := l.text[begin:l.at]
	rest := l.text[l.at:]
	for _, w := range []string{"project-away", "project-rename"} {
		if first, _, _ := strings.Cut(w, "-"); word == first && strings.HasPrefix(rest, w[len(first):]) {
			l.at = begin + len(w)
			return
		}
	}
	if word == "in" && strings.HasPrefix(rest, "~") {
		l.at++
	}
}

func (l *lexer) add(kind tokenKind, text string, at int) {
	if kind == tokenSign && text == "!in" && strings.HasPrefix(l.text[l.at:], "~") {
		text += "~"
		l.at++
	}
	l.tokens = append(l.tokens, token{kind, text, at})
}

// quoted reads a string. A verbatim one knows no escapes; its quote is doubled.
func (l *lexer) quoted(begin int, verbatim bool) error {
	quote := l.text[l.at]
	var b strings.Builder
	for i := l.at + 1; i < len(l.text); i++ {
		c := l.text[i]
		switch {
		case c == quote && verbatim && i+1 < len(l.text) && l.text[i+1] == quote:
			b.WriteByte(quote)
			i++
		case c == quote:
			l.at = i + 1
			l.tokens = append(l.tokens, token{tokenString, b.String(), begin})
			return nil
		case c == '\n':
			return fail(l.text, begin, string(quote), "the string does not end on its line")
		case c == '\\' && !verbatim:
			if i+1 == len(l.text) {
				return fail(l.text, begin, string(quote), "the string does not end")
			}
			i++
			e, ok := escapes[l.text[i]]
			if !ok {
				return fail(l.text, i-1, l.text[i-1:i+1], "the escape %q is not known", l.text[i-1:i+1])
			}
			b.WriteByte(e)
		default:
			b.WriteByte(c)
		}
	}
	return fail(l.text, begin, string(quote), "the string does not end")
}

var escapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 't': '\t', 'r': '\r'}
