// SPDX-License-Identifier: Apache-2.0

package bicep

import "strings"

// stringLiteral reads a string with its holes. One that the lexer could not read to its end becomes Bad, without a fault
// of its own.
func (p *parser) stringLiteral() Expr {
	first := p.peek()
	pieces := []Token{p.read()}
	if first.Kind == StringComplete {
		return p.finishString(first, pieces, nil)
	}
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	var holes []Expr
	for {
		start := p.pos
		hole := p.or(start, p.expression(0), false, StringMiddlePiece, StringRightPiece, NewLine)
		if k := p.kind(); k != StringMiddlePiece && k != StringRightPiece && k != NewLine {
			p.fail("BCP064", "this cannot stand in a string between ${ and }")
			p.skipTo(p.pos, false, StringMiddlePiece, StringRightPiece, NewLine)
			hole = &Bad{p.from(p.tokens[start].Start)}
		}
		holes = append(holes, hole)
		if k := p.kind(); k != StringMiddlePiece && k != StringRightPiece {
			return &Bad{p.from(first.Start)}
		}
		piece := p.read()
		pieces = append(pieces, piece)
		if piece.Kind == StringRightPiece {
			return p.finishString(first, pieces, holes)
		}
	}
}

func (p *parser) finishString(first Token, pieces []Token, holes []Expr) Expr {
	e := &String{Span: p.from(first.Start), Parts: make([]string, len(pieces)), Holes: holes}
	opening := p.text(first)
	dollars := len(opening) - len(strings.TrimLeft(opening, "$"))
	block := dollars > 0 || strings.HasPrefix(opening, "'''")
	for i, t := range pieces {
		value, ok := pieceValue(p.text(t), t.Kind, block, dollars)
		if !ok {
			return &Bad{e.Span}
		}
		e.Parts[i] = value
	}
	return e
}

// pieceValue is the text of a piece of a string without its delimiters, escape sequences read.
func pieceValue(text string, kind Kind, block bool, dollars int) (string, bool) {
	quote, hole := "'", "${"
	if block {
		quote, hole = "'''", strings.Repeat("$", dollars)+"{"
	}
	begin, end := quote, quote
	if block {
		begin = strings.Repeat("$", dollars) + quote
	}
	switch kind {
	case StringLeftPiece:
		end = hole
	case StringMiddlePiece:
		begin, end = "}", hole
	case StringRightPiece:
		begin = "}"
	default:
	}
	if len(text) < len(begin)+len(end) || !strings.HasPrefix(text, begin) || !strings.HasSuffix(text, end) {
		return "", false
	}
	text = text[len(begin) : len(text)-len(end)]
	if !block {
		return unescapeAll(text)
	}
	if kind == StringComplete || kind == StringLeftPiece {
		text = strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n")
	}
	return text, true
}

func unescapeAll(text string) (string, bool) {
	if !strings.Contains(text, `\`) {
		return text, true
	}
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexByte(text, '\\')
		if n < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:n])
		value, length := unescape(text[n:])
		if length == 0 {
			return "", false
		}
		b.WriteString(value)
		text = text[n+length:]
	}
	return b.String(), true
}
