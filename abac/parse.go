// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxLength is the longest text that Parse reads, in bytes: eight times what Azure stores.
const MaxLength = 8 * DocumentedLength

// DocumentedLength is the longest condition that Azure accepts, in bytes
// (MicrosoftDocs/azure-docs includes/role-based-access-control/limits.md).
const DocumentedLength = 8 * 1024

// MaxDepth is how deep parentheses and negations may nest.
const MaxDepth = 100

// Parse reads a condition of version 1.0 or 2.0, which share one grammar as far as is
// known. Every error is a [*SyntaxError].
//
// AND binds more than OR, and NOT more than both. Microsoft asks for parentheses where AND
// and OR meet and does not say which comes first; [Lint] reports such places.
func Parse(text string) (Expr, error) {
	if len(text) > MaxLength {
		return nil, syntaxError(text, MaxLength, fmt.Sprintf("at most %d bytes", MaxLength),
			fmt.Sprintf("%d bytes", len(text)), "")
	}
	if !utf8.ValidString(text) {
		return nil, syntaxError(text, invalidOffset(text), "text in UTF-8", "a byte that is none", "")
	}
	p := parser{lex: lexer{text: text}}
	p.advance()
	e := p.or()
	if p.tok.kind != tokenEnd {
		p.fail("AND, OR or the end of the condition", "")
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

// invalidOffset returns the place of the first byte that is not UTF-8, or the end.
func invalidOffset(text string) int {
	at := 0
	for {
		r, size := utf8.DecodeRuneInString(text[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// parser builds the tree by recursive descent. After the first error every token is
// tokenEnd, so all loops end; what is built then is thrown away.
type parser struct {
	lex   lexer
	tok   token
	last  int // end of the token before tok
	depth int
	err   *SyntaxError
}

func (p *parser) advance() {
	p.last = p.tok.at.End
	if p.err != nil {
		return
	}
	tok, err := p.lex.next()
	if err != nil {
		p.err = err
		tok = token{kind: tokenEnd}
	}
	p.tok = tok
}

// fail records the first error, at the current token.
func (p *parser) fail(expected, hint string) {
	p.failAt(p.tok, expected, hint)
}

func (p *parser) failAt(tok token, expected, hint string) {
	if p.err == nil {
		p.err = syntaxError(p.lex.text, tok.at.Start, expected, showToken(tok), hint)
	}
	p.tok = token{kind: tokenEnd}
}

func showToken(t token) string {
	switch t.kind {
	case tokenEnd:
		return "the end of the text"
	case tokenAttribute:
		return "@" + t.source.String() + "[" + t.text + "]"
	case tokenString:
		return "the string " + strconv.Quote(t.text)
	default:
		return strconv.Quote(t.text)
	}
}

func (p *parser) or() Expr {
	start := p.tok.at.Start
	first, bare := p.and()
	if p.tok.kind != tokenOr {
		return first
	}
	terms := []Expr{first}
	for {
		if bare != nil {
			bare.mixed = true
		}
		if p.tok.kind != tokenOr {
			return &Or{Terms: terms, At: Span{start, p.last}}
		}
		p.advance()
		first, bare = p.and()
		terms = append(terms, first)
	}
}

// and returns an expression, and the same again if it is an AND without parentheses.
func (p *parser) and() (Expr, *And) {
	start := p.tok.at.Start
	first := p.unary()
	if p.tok.kind != tokenAnd {
		return first, nil
	}
	terms := []Expr{first}
	for p.tok.kind == tokenAnd {
		p.advance()
		terms = append(terms, p.unary())
	}
	e := &And{Terms: terms, At: Span{start, p.last}}
	return e, e
}

func (p *parser) unary() Expr {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > MaxDepth {
		p.fail(fmt.Sprintf("at most %d parentheses and negations inside each other", MaxDepth), "")
	}
	start := p.tok.at.Start
	switch p.tok.kind {
	case tokenNot:
		p.advance()
		x := p.unary()
		return &Not{X: x, At: Span{start, p.last}}
	case tokenOpen:
		p.advance()
		e := p.or()
		p.expect(tokenClose, ")")
		return e
	default:
		return p.leaf()
	}
}

func (p *parser) expect(kind tokenKind, name string) {
	if p.tok.kind != kind {
		p.fail(name, "")
		return
	}
	p.advance()
}

// leaf reads a function form or a comparison.
func (p *parser) leaf() Expr {
	if p.tok.kind != tokenWord {
		return p.comparison(p.operand())
	}
	word := p.tok
	p.advance()
	switch {
	case isWord(word.text, "ActionMatches"):
		pattern := p.stringArgument()
		return &ActionMatches{Pattern: pattern, At: Span{word.at.Start, p.last}}
	case isWord(word.text, "SubOperationMatches"):
		pattern := p.stringArgument()
		return &SubOperationMatches{Pattern: pattern, At: Span{word.at.Start, p.last}}
	case isWord(word.text, "Exists"):
		attribute := Attribute{Source: p.tok.source, Name: p.tok.text, At: p.tok.at}
		p.expect(tokenAttribute, "an attribute after Exists")
		return &Exists{Attribute: attribute, At: Span{word.at.Start, p.last}}
	case p.tok.kind == tokenOpenBrace && isName(word.text):
		args := p.set().Items
		return &UnknownFunction{Name: word.text, Args: args, At: Span{word.at.Start, p.last}}
	}
	return p.comparison(p.literalWord(word))
}

// stringArgument reads {'text'}.
func (p *parser) stringArgument() string {
	p.expect(tokenOpenBrace, "{ after the name of the function")
	text := p.tok.text
	p.expect(tokenString, "a string in single quotes")
	p.expect(tokenCloseBrace, "}")
	return text
}

// comparison reads an operator and the right side.
func (p *parser) comparison(left Operand) Expr {
	op := p.tok
	if op.kind != tokenWord || !isOperatorName(op.text) {
		hint := ""
		if isWord(op.text, "null") {
			hint = "the portal writes null where it lost an operator; a missing attribute is tested by NOT Exists"
		}
		p.fail("a comparison operator such as StringEquals", hint)
	}
	p.advance()
	right := p.operand()
	if p.err != nil {
		return nil
	}
	quantifier, name := splitOperator(op.text)
	return &Compare{
		Left: left, Quantifier: quantifier, Operator: name, OperatorAt: op.at, Right: right,
		At: Span{left.Span().Start, p.last},
	}
}

// operand reads an attribute, a literal or a set of literals.
func (p *parser) operand() Operand {
	tok := p.tok
	switch tok.kind {
	case tokenAttribute:
		p.advance()
		return Attribute{Source: tok.source, Name: tok.text, At: tok.at}
	case tokenOpenBrace:
		return p.set()
	default:
		return p.literal()
	}
}

// set reads {literal, literal, ...}.
func (p *parser) set() Set {
	start := p.tok.at.Start
	p.expect(tokenOpenBrace, "{")
	items := []Operand{p.literal()}
	for p.tok.kind == tokenComma {
		p.advance()
		items = append(items, p.literal())
	}
	p.expect(tokenCloseBrace, ", or }")
	return Set{Items: items, At: Span{start, p.last}}
}

func (p *parser) literal() Operand {
	tok := p.tok
	switch tok.kind {
	case tokenString:
		p.advance()
		return StringLiteral{Value: tok.text, At: tok.at}
	case tokenWord:
		p.advance()
		return p.literalWord(tok)
	default:
		p.fail("an attribute or a value", "")
		return nil
	}
}

// literalWord reads a boolean, a GUID or a whole number from a word. 32 digits are a GUID.
func (p *parser) literalWord(tok token) Operand {
	if b, ok := parseBool(tok.text); ok {
		return BoolLiteral{Value: b, At: tok.at}
	}
	if g, ok := parseGUID(tok.text); ok {
		return GUIDLiteral{Value: g.String(), At: tok.at}
	}
	if n, ok := parseInt(tok.text); ok {
		return IntLiteral{Value: n, At: tok.at}
	}
	hint := ""
	if isName(tok.text) {
		hint = "strings stand in single quotes"
	}
	p.failAt(tok, "an expression, an attribute or a value", hint)
	return nil
}

// isName reports whether a word can be the name of a function.
func isName(word string) bool {
	for i := 0; i < len(word); i++ {
		if !isLetter(word[i]) && (i == 0 || !isDigit(word[i])) {
			return false
		}
	}
	_, isBool := parseBool(word)
	_, isGUID := parseGUID(word)
	return word != "" && !isBool && !isGUID
}

// isOperatorName reports whether a word can be an operator: a name, or two with a colon.
func isOperatorName(word string) bool {
	if isWord(word, "null") {
		return false
	}
	before, after, found := strings.Cut(word, ":")
	return isName(before) && (!found || isName(after))
}

// splitOperator finds the quantifier and the canonical spelling of an operator. A word that
// is not documented is the operator as it stands, a prefix that is none included.
func splitOperator(word string) (Quantifier, Operator) {
	prefix, name, found := strings.Cut(word, ":")
	if !found {
		name = prefix
	}
	quantifier, ok := lookupQuantifier(prefix)
	if found && !ok {
		return NoQuantifier, Operator(word)
	}
	if op, ok := lookupOperator(name); ok {
		return quantifier, op.name
	}
	return quantifier, Operator(name)
}
