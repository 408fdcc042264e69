// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenOpen
	tokenClose
	tokenOpenBrace
	tokenCloseBrace
	tokenComma
	tokenAnd
	tokenOr
	tokenNot
	tokenAttribute
	tokenString
	tokenWord // a name, a number or a GUID
)

// token is one element of the text. text is the value of a string, the name of an
// attribute, or the word.
type token struct {
	kind   tokenKind
	text   string
	source Source
	at     Span
}

// lexer cuts a text into tokens.
type lexer struct {
	text string
	at   int
}

// next returns the next token, or an error that names the place.
func (l *lexer) next() (token, *SyntaxError) {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
	if l.at == len(l.text) {
		return token{kind: tokenEnd, at: Span{l.at, l.at}}, nil
	}
	c := l.text[l.at]
	switch {
	case c == '\'':
		return l.stringToken()
	case c == '@':
		return l.attributeToken()
	case isWordByte(c):
		return l.wordToken(), nil
	}
	return l.symbolToken(c)
}

func (l *lexer) symbolToken(c byte) (token, *SyntaxError) {
	switch c {
	case '(':
		return l.take(tokenOpen, 1), nil
	case ')':
		return l.take(tokenClose, 1), nil
	case '{':
		return l.take(tokenOpenBrace, 1), nil
	case '}':
		return l.take(tokenCloseBrace, 1), nil
	case ',':
		return l.take(tokenComma, 1), nil
	case '!':
		return l.take(tokenNot, 1), nil
	}
	rest := l.text[l.at:]
	switch {
	case strings.HasPrefix(rest, "&&"):
		return l.take(tokenAnd, 2), nil
	case strings.HasPrefix(rest, "||"):
		return l.take(tokenOr, 2), nil
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, syntaxError(l.text, l.at, "an expression, an operator or a value", showRune(r), hintFor(r))
}

func (l *lexer) take(kind tokenKind, width int) token {
	start := l.at
	l.at += width
	return token{kind: kind, text: l.text[start:l.at], at: Span{start, l.at}}
}

func isWordByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '-' || c == ':' || c == '.'
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// wordToken reads a word and finds the logical operators among the words.
func (l *lexer) wordToken() token {
	end := l.at
	for end < len(l.text) && isWordByte(l.text[end]) {
		end++
	}
	t := l.take(tokenWord, end-l.at)
	switch {
	case isWord(t.text, "AND"):
		t.kind = tokenAnd
	case isWord(t.text, "OR"):
		t.kind = tokenOr
	case isWord(t.text, "NOT"):
		t.kind = tokenNot
	}
	return t
}

// stringToken reads a text in single quotes. \' stands for a quote; a backslash before
// another backslash keeps both, so that neither can escape what follows.
func (l *lexer) stringToken() (token, *SyntaxError) {
	start := l.at
	var b strings.Builder
	for i := start + 1; i < len(l.text); i++ {
		c := l.text[i]
		escape := c == '\\' && i+1 < len(l.text)
		switch {
		case c == '\'':
			l.at = i + 1
			return token{kind: tokenString, text: b.String(), at: Span{start, l.at}}, nil
		case escape && l.text[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case escape && l.text[i+1] == '\\':
			b.WriteString(`\\`)
			i++
		default:
			b.WriteByte(c)
		}
	}
	return token{}, syntaxError(l.text, start, "a closing quote", "the end of the text",
		`a quote inside a string is written \'`)
}

// attributeToken reads @Source[name].
func (l *lexer) attributeToken() (token, *SyntaxError) {
	start := l.at
	open := start + 1
	for open < len(l.text) && isLetter(l.text[open]) {
		open++
	}
	source, ok := ParseSource(l.text[start+1 : open])
	if !ok {
		return token{}, syntaxError(l.text, start+1, "Resource, Request, Principal or Environment after @",
			l.show(start+1), "")
	}
	if open == len(l.text) || l.text[open] != '[' {
		return token{}, syntaxError(l.text, open, "[ after @"+source.String(), l.show(open), "")
	}
	length := strings.IndexByte(l.text[open:], ']')
	if length < 0 {
		return token{}, syntaxError(l.text, open, "] after the name of an attribute", "the end of the text", "")
	}
	name := strings.Trim(l.text[open+1:open+length], " \t\r\n")
	if bad := badNameByte(name); name == "" || bad >= 0 {
		return token{}, syntaxError(l.text, open+1, "the name of an attribute without control characters",
			l.show(open+1), "")
	}
	l.at = open + length + 1
	return token{kind: tokenAttribute, text: name, source: source, at: Span{start, l.at}}, nil
}

func badNameByte(name string) int {
	for i := 0; i < len(name); i++ {
		if name[i] < ' ' {
			return i
		}
	}
	return -1
}

// show describes what stands at a place of the text.
func (l *lexer) show(at int) string {
	if at == len(l.text) {
		return "the end of the text"
	}
	r, _ := utf8.DecodeRuneInString(l.text[at:])
	return showRune(r)
}

func showRune(r rune) string {
	if r > ' ' && r < utf8.RuneSelf-1 {
		return fmt.Sprintf("%q", string(r))
	}
	return fmt.Sprintf("%q (U+%04X)", string(r), r)
}

// hintFor says what to do about characters that get into conditions by copying.
// Editors add them (conditions-troubleshoot.md, "error when copying and pasting").
func hintFor(r rune) string {
	switch r {
	case '\u2018', '\u2019', '\u201c', '\u201d', '"', '`':
		return "write strings in plain single quotes"
	case '\u00a0', '\u200b', '\ufeff', '\u2028':
		return "an editor added an invisible character; type the blank again"
	case '&', '|':
		return "the logical operators are &&, ||, ! or AND, OR, NOT"
	case '=', '<', '>':
		return "comparisons are words such as StringEquals"
	case '\\', '$':
		return "escapes of a shell do not belong to the condition"
	}
	return ""
}
