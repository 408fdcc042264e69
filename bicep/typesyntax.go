// SPDX-License-Identifier: Apache-2.0

package bicep

import "strconv"

// typed reads the type of a parameter, variable or output. The type of a resource may be left out where bare is set.
func (p *parser) typed(bare bool) Expr {
	t := p.peek()
	if !p.isWord(t, "resource") || p.ahead(1).Kind == LeftChevron {
		return p.typeExpression()
	}
	p.pos++
	e := &ResourceType{Span: t.Span}
	if k := p.kind(); bare && k != StringComplete && k != StringLeftPiece {
		return e
	}
	e.Type = p.pathString(false, "BCP068", "the type of the resource, as 'Provider/type@version'", Assignment)
	e.Span = p.from(t.Start)
	return e
}

func (p *parser) unionFollows() bool {
	return p.kind() == Pipe || p.kind() == NewLine && p.ahead(1).Kind == Pipe
}

func (p *parser) typeExpression() Expr {
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	begin := p.peek().Start
	union := p.unionFollows()
	if union {
		p.newLines()
		p.pos++
	}
	first := p.nullableType()
	if first == nil {
		return nil
	}
	if !union && !p.unionFollows() {
		return first
	}
	members := []Expr{first}
	for p.unionFollows() {
		p.newLines()
		p.pos++
		if p.kind() == NewLine {
			p.here("BCP286", "here should be a type")
			continue
		}
		start := p.pos
		members = append(members, p.or(start, p.nullableType(), false))
	}
	return &Union{p.from(begin), members}
}

func (p *parser) nullableType() Expr {
	begin := p.peek().Start
	e := p.signedType()
	for links := 0; e != nil && links < maxDepth; links++ {
		switch {
		case p.accept(Question):
			e = &Nullable{p.from(begin), e}
		case p.accept(Exclamation):
			e = &NonNull{p.from(begin), e}
		default:
			return e
		}
	}
	return e
}

func (p *parser) signedType() Expr {
	op := p.peek()
	if op.Kind != Exclamation && op.Kind != Minus && op.Kind != Plus {
		return p.memberType()
	}
	p.pos++
	start := p.pos
	base := p.or(start, p.memberType(), false, expressionStops...)
	return &Unary{p.from(op.Start), op.Kind, base}
}

func (p *parser) memberType() Expr {
	begin := p.peek().Start
	e := p.primaryType()
	for links := 0; e != nil; links++ {
		if k := p.kind(); links > maxDepth && (k == LeftSquare || k == Dot) {
			p.fail("", "more than "+strconv.Itoa(maxDepth)+" properties follow one another")
			return nil
		}
		switch p.kind() {
		case LeftSquare:
			e = p.indexedType(begin, e)
		case Dot:
			p.pos++
			if p.accept(Asterisk) {
				e = &Element{p.from(begin), e, Dot}
				continue
			}
			name := p.nameOrNothing()
			if p.kind() == LeftChevron {
				e = p.generic(begin, e, name)
			} else {
				e = &Property{p.from(begin), e, false, name}
			}
		default:
			return e
		}
	}
	return nil
}

// indexedType reads [], [*] or [index] behind a type.
func (p *parser) indexedType(begin int, base Expr) Expr {
	p.pos++
	switch {
	case p.accept(RightSquare):
		return &ArrayOf{p.from(begin), base}
	case p.accept(Asterisk):
		if !p.char(RightSquare, "]") {
			return nil
		}
		return &Element{p.from(begin), base, LeftSquare}
	}
	index := p.expression(0)
	if index == nil || !p.char(RightSquare, "]") {
		return nil
	}
	return &Index{Span: p.from(begin), Base: base, Index: index}
}

func (p *parser) primaryType() Expr {
	switch t := p.peek(); t.Kind {
	case Integer, NullKeyword, TrueKeyword, FalseKeyword:
		return p.literal()
	case StringComplete, StringLeftPiece:
		return p.stringLiteral()
	case LeftBrace:
		return p.objectType()
	case LeftSquare:
		return p.tupleType()
	case LeftParen:
		return p.parenType()
	case Identifier:
		p.pos++
		if p.kind() == LeftChevron {
			return p.generic(t.Start, nil, Name{t.Span, p.text(t)})
		}
		return &Ident{t.Span, p.text(t)}
	default:
	}
	p.fail("BCP279", "here should be a type")
	return nil
}

func (p *parser) generic(begin int, base Expr, name Name) Expr {
	args, ok := p.arguments(LeftChevron, RightChevron, ">", func() Expr {
		start := p.pos
		return p.or(start, p.typeExpression(), false, NewLine, Comma, RightChevron)
	})
	if !ok {
		return nil
	}
	return &Generic{p.from(begin), base, name, args}
}

func (p *parser) parenType() Expr {
	begin := p.peek().Start
	var list []Expr
	p.parenthesized(false, func() Expr {
		e := p.typeExpression()
		if e != nil {
			list = append(list, e)
		}
		return e
	})
	span := p.from(begin)
	if len(list) == 1 {
		return &Paren{span, list[0]}
	}
	if len(list) > 0 || !p.faulty(begin) {
		p.report(span, "BCP243", "between parentheses must be one type")
	}
	return &Bad{span}
}

func (p *parser) objectType() Expr {
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	e := &ObjectType{}
	begin := p.read().Start
	p.elements(RightBrace, func() {
		entry := Decorated{Decorators: Decorators{p.decoratorList()}}
		start := p.pos
		if entry.Any = p.accept(Asterisk); !entry.Any {
			entry.Key = p.or(start, p.key("BCP294"), false, Colon, NewLine, RightBrace)
		}
		silent := p.needChar(Colon, ":", hollow(entry.Key), NewLine, RightBrace)
		start = p.pos
		entry.Type = p.or(start, p.typeExpression(), silent, NewLine, RightBrace)
		e.Entries = append(e.Entries, entry)
	})
	if !p.char(RightBrace, "}") {
		return nil
	}
	e.Span = p.from(begin)
	return e
}

func (p *parser) tupleType() Expr {
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	e := &TupleType{}
	begin := p.read().Start
	p.elements(RightSquare, func() {
		entry := Decorated{Decorators: Decorators{p.decoratorList()}}
		start := p.pos
		entry.Type = p.or(start, p.typeExpression(), false, NewLine, RightSquare)
		e.Entries = append(e.Entries, entry)
	})
	if !p.char(RightSquare, "]") {
		return nil
	}
	e.Span = p.from(begin)
	return e
}
