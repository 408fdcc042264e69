// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"slices"
	"strconv"
)

const (
	// maxDepth bounds how deep expressions, types and nested resources may lie in one another. ARM itself takes no
	// template whose expressions go deeper.
	maxDepth = 200
	// maxFaults bounds the diagnostics of one file; what comes after so many helps nobody.
	maxFaults = 500
)

// A parser makes a tree of tokens. A function that finds no way on records a fault in p.pending and returns nil; the
// nearest caller that can go on turns the tokens up to a place it knows into Bad and reports the fault there.
type parser struct {
	src     string
	tokens  []Token
	pos     int
	depth   int
	pending fault
	faults  []Diagnostic
	params  bool
}

type fault struct {
	code, message string
	at            Span
}

// Parse reads the text of a .bicep file.
func Parse(name, source string) *File { return parse(name, source, false) }

// ParseParameters reads the text of a .bicepparam file.
func ParseParameters(name, source string) *File { return parse(name, source, true) }

func parse(name, source string, params bool) *File {
	tokens, faults := Lex(source)
	p := &parser{src: source, tokens: tokens, params: params}
	f := &File{Name: name, Source: source, Parameters: params, lines: newLineTable(source)}
	f.Statements = p.program()
	f.Diagnostics = append(faults, p.faults...)
	slices.SortStableFunc(f.Diagnostics, func(a, b Diagnostic) int { return a.Span.Start - b.Span.Start })
	if len(f.Diagnostics) > maxFaults {
		f.Diagnostics = f.Diagnostics[:maxFaults]
	}
	f.lines.locate(f.Diagnostics)
	for i := range f.Diagnostics {
		f.Diagnostics[i].File = name
	}
	return f
}

func (p *parser) peek() Token { return p.tokens[p.pos] }

func (p *parser) kind() Kind { return p.tokens[p.pos].Kind }

// ahead is the token n after the next one, the end of the file where there are fewer.
func (p *parser) ahead(n int) Token {
	return p.tokens[min(p.pos+n, len(p.tokens)-1)]
}

// beyond is the index of the first token from i on that is no line end.
func (p *parser) beyond(i int) int {
	for p.tokens[min(i, len(p.tokens)-1)].Kind == NewLine {
		i++
	}
	return min(i, len(p.tokens)-1)
}

func (p *parser) read() Token {
	t := p.tokens[p.pos]
	if t.Kind != EndOfFile {
		p.pos++
	}
	return t
}

func (p *parser) accept(k Kind) bool {
	if p.kind() == k && k != EndOfFile {
		p.pos++
		return true
	}
	return false
}

func (p *parser) text(t Token) string { return p.src[t.Start:t.End] }

func (p *parser) isWord(t Token, word string) bool {
	return t.Kind == Identifier && p.src[t.Start:t.End] == word
}

// last is the end of the token before the current one.
func (p *parser) last() int {
	if p.pos == 0 {
		return p.tokens[0].Start
	}
	return p.tokens[p.pos-1].End
}

func (p *parser) from(start int) Span { return Span{start, max(start, p.last())} }

// fail records why there is no way on at the current token.
func (p *parser) fail(code, message string) {
	p.pending = fault{code, message, p.peek().Span}
}

// report adds a fault. More than maxFaults are counted by nobody.
func (p *parser) report(at Span, code, message string) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, Diagnostic{Code: code, Message: message, Span: at})
	}
}

// here reports a fault at the current token, without extent.
func (p *parser) here(code, message string) {
	at := p.peek().Start
	p.report(Span{at, at}, code, message)
}

func (p *parser) expect(k Kind, code, message string) bool {
	if p.accept(k) {
		return true
	}
	p.fail(code, message)
	return false
}

func (p *parser) char(k Kind, c string) bool {
	return p.expect(k, "BCP018", "here should be "+c)
}

func (p *parser) word(word string) bool {
	if p.isWord(p.peek(), word) {
		p.pos++
		return true
	}
	p.fail("BCP012", "here should be the word "+word)
	return false
}

// skipTo passes over tokens to one of the given kinds, which it leaves, and reports the pending fault. With quiet set the
// fault follows from one that is reported already.
func (p *parser) skipTo(start int, quiet bool, stops ...Kind) *Bad {
	for p.kind() != EndOfFile && !slices.Contains(stops, p.kind()) {
		p.pos++
	}
	at := Span{p.tokens[start].Start, p.tokens[start].Start}
	if p.pos > start {
		at.End = p.tokens[p.pos-1].End
	}
	if !quiet {
		p.report(p.pending.at, p.pending.code, p.pending.message)
	}
	return &Bad{at}
}

// or is e, or what is skipped if there is no e.
func (p *parser) or(start int, e Expr, quiet bool, stops ...Kind) Expr {
	if e != nil {
		return e
	}
	return p.skipTo(start, quiet, stops...)
}

// needChar reads a token of a kind, or skips to a place from where reading can go on. It says whether a fault follows
// from here on that need not be reported.
func (p *parser) needChar(k Kind, c string, quiet bool, stops ...Kind) (silent bool) {
	start := p.pos
	if p.char(k, c) {
		return false
	}
	return hollow(p.skipTo(start, quiet, stops...))
}

// hollow says of a node whether it is missing text: faults behind it are of the same cause.
func hollow(e Expr) bool {
	bad, ok := e.(*Bad)
	return ok && bad.Start == bad.End
}

// name reads a name, or skips to a place from where reading can go on.
func (p *parser) name(code, what string, stops ...Kind) (n Name, silent bool) {
	start := p.pos
	if t := p.peek(); t.Kind == Identifier {
		p.pos++
		return Name{t.Span, p.text(t)}, false
	}
	p.fail(code, "here should be the name of "+what)
	bad := p.skipTo(start, false, stops...)
	return Name{Span: bad.Span}, hollow(bad)
}

// deeper guards recursion; the caller must call shallower when it says yes.
func (p *parser) deeper() bool {
	if p.depth >= maxDepth {
		p.fail("", "this lies deeper in other expressions than "+strconv.Itoa(maxDepth)+" levels: give a part of it a name of its own")
		return false
	}
	p.depth++
	return true
}

func (p *parser) shallower() { p.depth-- }

func (p *parser) newLines() {
	for p.accept(NewLine) {
	}
}
