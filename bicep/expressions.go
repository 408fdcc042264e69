// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"slices"
	"strconv"
)

// exprFlags say what an expression may be made of at its place.
type exprFlags uint8

const (
	complexLiterals exprFlags = 1 << iota // objects and arrays
	nestedResources                       // resources within objects
)

// Where reading goes on after a fault inside an expression.
var expressionStops = []Kind{StringRightPiece, RightBrace, RightParen, RightSquare, NewLine}

// expression reads an expression, or returns nil with the reason pending.
func (p *parser) expression(flags exprFlags) Expr {
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	e := p.binary(flags, 0)
	if e == nil {
		return nil
	}
	if next := p.beyond(p.pos); p.tokens[next].Kind == Question {
		p.pos = next + 1
		return p.ternary(e, flags)
	}
	return e
}

// ternary reads on behind the question mark.
func (p *parser) ternary(cond Expr, flags exprFlags) Expr {
	start := p.pos
	yes := p.or(start, p.expression(flags), false, append([]Kind{Colon}, expressionStops...)...)
	if _, bad := yes.(*Bad); !bad {
		if next := p.beyond(p.pos); p.tokens[next].Kind == Colon {
			p.pos = next
		}
	}
	silent := p.needChar(Colon, ":", hollow(yes), expressionStops...)
	start = p.pos
	no := p.or(start, p.expression(flags), silent, expressionStops...)
	return &Ternary{p.from(cond.Place().Start), cond, yes, no}
}

// precedence of binary operators; higher binds closer.
func precedence(k Kind) int {
	switch k {
	case Modulo, Asterisk, Slash:
		return 100
	case Plus, Minus:
		return 90
	case LeftChevron, LessThanOrEqual, RightChevron, GreaterThanOrEqual:
		return 80
	case Equals, NotEquals, EqualsInsensitive, NotEqualsInsensitive:
		return 70
	case LogicalAnd:
		return 50
	case LogicalOr:
		return 40
	case DoubleQuestion:
		return 30
	default:
		return 0
	}
}

func (p *parser) binary(flags exprFlags, above int) Expr {
	left := p.unary(flags)
	if left == nil {
		return nil
	}
	// A chain of operators leans to the left, so that every link lies one level deeper.
	for links := 0; ; links++ {
		op := p.peek()
		rank := precedence(op.Kind)
		if rank <= above {
			return left
		}
		if links > maxDepth {
			p.fail("", "more than "+strconv.Itoa(maxDepth)+" operators follow one another: give a part of it a name of its own")
			return nil
		}
		p.pos++
		start := p.pos
		var right Expr
		if p.deeper() {
			right = p.binary(flags, rank)
			p.shallower()
		}
		right = p.or(start, right, false, expressionStops...)
		left = &Binary{left.Place().cover(right.Place()), op.Kind, left, right}
	}
}

func (p *parser) unary(flags exprFlags) Expr {
	op := p.peek()
	if op.Kind != Exclamation && op.Kind != Minus && op.Kind != Plus {
		return p.member(flags)
	}
	p.pos++
	start := p.pos
	base := p.or(start, p.member(flags), false, expressionStops...)
	return &Unary{op.Span.cover(base.Place()), op.Kind, base}
}

// member reads a value and what is taken of it.
func (p *parser) member(flags exprFlags) Expr {
	e := p.primary(flags)
	for links := 0; e != nil; links++ {
		begin := e.Place().Start
		k := p.kind()
		if links > maxDepth && (k == LeftSquare || k == Dot || k == DoubleColon || k == Exclamation) {
			p.fail("", "more than "+strconv.Itoa(maxDepth)+" properties follow one another: give a part of it a name of its own")
			return nil
		}
		switch k {
		case LeftSquare:
			e = p.index(e, flags)
		case Dot:
			e = p.property(e, flags)
		case DoubleColon:
			p.pos++
			name := p.nameOrNothing()
			e = &Nested{p.from(begin), e, name}
		case Exclamation:
			p.pos++
			e = &NonNull{p.from(begin), e}
		default:
			return e
		}
	}
	return nil
}

// nameOrNothing reads a name behind a dot; a fault is reported where it is missing.
func (p *parser) nameOrNothing() Name {
	if t := p.peek(); t.Kind == Identifier {
		p.pos++
		return Name{t.Span, p.text(t)}
	}
	p.here("BCP020", "here should be the name of a function or property")
	at := p.peek().Start
	return Name{Span: Span{at, at}}
}

func (p *parser) index(base Expr, flags exprFlags) Expr {
	p.pos++
	e := &Index{Base: base, Safe: p.accept(Question), FromEnd: p.accept(Hat)}
	if p.kind() == RightSquare {
		p.here("BCP117", "between the brackets should be an index")
		at := p.peek().Start
		e.Index = &Bad{Span{at, at}}
	} else if e.Index = p.expression(flags); e.Index == nil {
		return nil
	}
	if !p.char(RightSquare, "]") {
		return nil
	}
	e.Span = p.from(base.Place().Start)
	return e
}

func (p *parser) property(base Expr, flags exprFlags) Expr {
	begin := base.Place().Start
	p.pos++
	marker := p.peek()
	safe := p.accept(Question)
	name := p.nameOrNothing()
	if p.kind() != LeftParen {
		return &Property{p.from(begin), base, safe, name}
	}
	if safe {
		p.report(marker.Span, "BCP322", "a function cannot be called with .?")
	}
	e := &MethodCall{Span{begin, begin}, base, name, nil}
	if !p.finishCall(e, flags) {
		return nil
	}
	return e
}

// finishCall reads the arguments of a Call or MethodCall and ends its span.
func (p *parser) finishCall(e Expr, flags exprFlags) bool {
	args, ok := p.arguments(LeftParen, RightParen, ")", func() Expr {
		start := p.pos
		return p.or(start, p.expression(flags), false, NewLine, Comma, RightParen)
	})
	switch e := e.(type) {
	case *Call:
		e.Args, e.Span = args, p.from(e.Start)
	case *MethodCall:
		e.Args, e.Span = args, p.from(e.Start)
	}
	return ok
}

// arguments reads what stands between parentheses or chevrons, with commas. Line ends may stand after the opening, after
// commas and before the closing.
func (p *parser) arguments(open, end Kind, endText string, read func() Expr) (list []Expr, ok bool) {
	if !p.deeper() {
		return nil, false
	}
	defer p.shallower()
	if !p.char(open, "(") {
		return nil, false
	}
	if p.accept(end) {
		return nil, true
	}
	p.newLines()
	for p.kind() != EndOfFile && p.kind() != end {
		before := p.pos
		list = append(list, read())
		switch p.kind() {
		case end, EndOfFile:
		case NewLine:
			next := p.tokens[p.beyond(p.pos)].Kind
			if next == EndOfFile {
				p.here("BCP018", "here should be "+endText)
				return list, true
			}
			if next != end {
				p.here("BCP237", "here should be a comma")
			}
			p.newLines()
		case Comma:
			p.pos++
			p.newLines()
			if p.kind() == end {
				list = append(list, read()) // a comma and nothing behind it: the fault is reported there
			}
		default:
			p.here("BCP236", "here should be a comma or the end of the line")
		}
		if p.pos == before {
			break // nothing can be read here
		}
	}
	if !p.accept(end) {
		p.here("BCP018", "here should be "+endText)
	}
	return list, true
}

// elements reads what stands between braces or brackets; each is followed by a line end or a comma. The closing is left.
func (p *parser) elements(end Kind, read func()) {
	if p.kind() == end {
		return
	}
	p.newLines()
	for p.kind() != EndOfFile && p.kind() != end {
		before := p.pos
		read()
		switch p.kind() {
		case end, EndOfFile:
		case NewLine:
			p.newLines()
		case Comma:
			p.pos++
			if p.kind() == NewLine {
				p.here("BCP238", "a line must not end with a comma: leave the comma out")
				p.pos++
			}
		default:
			p.here("BCP236", "here should be a comma or the end of the line")
			if p.pos == before {
				p.pos++
			}
		}
	}
}

// parenthesized reads expressions with commas between parentheses.
func (p *parser) parenthesized(lines bool, read func() Expr) bool {
	if !p.char(LeftParen, "(") {
		return false
	}
	newLines := func() {
		if lines {
			p.newLines()
		}
	}
	newLines()
	var last Expr
	for p.kind() != RightParen {
		start := p.pos
		last = p.or(start, read(), false, StringRightPiece, RightBrace, RightParen, RightSquare, NewLine, Comma)
		newLines()
		if !p.accept(Comma) {
			break
		}
		newLines()
	}
	p.needChar(RightParen, ")", hollow(last), StringRightPiece, RightBrace, RightSquare, NewLine)
	return true
}

func (p *parser) primary(flags exprFlags) Expr {
	t := p.peek()
	switch t.Kind {
	case Integer, NullKeyword, TrueKeyword, FalseKeyword:
		return p.literal()
	case StringComplete, StringLeftPiece:
		return p.stringLiteral()
	case LeftBrace, LeftSquare:
		if flags&complexLiterals == 0 {
			p.fail("BCP086", "an object or array cannot stand here: give it a name of its own")
			return nil
		}
		if t.Kind == LeftBrace {
			return p.object(flags)
		}
		if p.isWord(p.tokens[p.beyond(min(p.pos+1, len(p.tokens)-1))], "for") {
			return p.loop(flags, false)
		}
		return p.array()
	case LeftParen:
		return p.parenOrLambda(flags)
	case Identifier:
		return p.nameOrCall(flags)
	default:
	}
	p.fail("BCP009", "here should be a value")
	return nil
}

func (p *parser) literal() Expr {
	t := p.peek()
	var e Expr
	switch t.Kind {
	case TrueKeyword, FalseKeyword:
		e = &Bool{t.Span, t.Kind == TrueKeyword}
	case NullKeyword:
		e = &Null{t.Span}
	default:
		n, err := strconv.ParseUint(p.text(t), 10, 64)
		if err != nil || n > 1<<63 {
			p.fail("BCP010", "this number is greater than 64 bits can hold")
			return nil
		}
		e = &Int{t.Span, n}
	}
	p.pos++
	return e
}

func (p *parser) nameOrCall(flags exprFlags) Expr {
	t := p.read()
	name := Name{t.Span, p.text(t)}
	switch p.kind() {
	case LeftParen:
		e := &Call{t.Span, name, nil}
		if !p.finishCall(e, flags) {
			return nil
		}
		return e
	case Arrow:
		return p.lambda(t.Start, []Name{name})
	default:
		return &Ident{t.Span, name.Text}
	}
}

// lambda reads on at the arrow.
func (p *parser) lambda(begin int, params []Name) Expr {
	p.pos++
	if next := p.beyond(p.pos); !p.beginsStatement(p.tokens[next]) {
		p.pos = next
	}
	start := p.pos
	body := p.or(start, p.expression(complexLiterals), false, NewLine, RightParen)
	return &Lambda{p.from(begin), params, body}
}

func (p *parser) parenOrLambda(flags exprFlags) Expr {
	begin := p.peek().Start
	var list []Expr
	p.parenthesized(true, func() Expr {
		e := p.expression(flags)
		if e != nil {
			list = append(list, e)
		}
		return e
	})
	if p.kind() == Arrow {
		return p.lambda(begin, p.namesOf(list))
	}
	span := p.from(begin)
	if len(list) == 1 {
		return &Paren{span, list[0]}
	}
	if len(list) == 0 && p.faulty(begin) {
		return &Bad{span}
	}
	p.report(span, "BCP243", "between parentheses must be one expression")
	return &Bad{span}
}

// faulty says whether a fault was reported from an offset on.
func (p *parser) faulty(begin int) bool {
	return len(p.faults) > 0 && p.faults[len(p.faults)-1].Span.Start >= begin
}

// namesOf turns expressions into the names that they are, where they stand for the variables of a lambda.
func (p *parser) namesOf(list []Expr) []Name {
	names := make([]Name, 0, len(list))
	for _, e := range list {
		if id, ok := e.(*Ident); ok {
			names = append(names, Name{id.Span, id.Name})
			continue
		}
		p.report(e.Place(), "BCP015", "here should be the name of a variable")
	}
	return names
}

func (p *parser) array() Expr {
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	e := &Array{}
	begin := p.read().Start
	p.elements(RightSquare, func() {
		start, at := p.pos, p.peek().Start
		item := Item{}
		if p.accept(Ellipsis) {
			item.Spread = true
			start = p.pos
		}
		item.Value = p.or(start, p.expression(complexLiterals), false, NewLine, RightSquare)
		item.Span = p.from(at)
		e.Items = append(e.Items, item)
	})
	if !p.char(RightSquare, "]") {
		return nil
	}
	e.Span = p.from(begin)
	return e
}

func (p *parser) object(flags exprFlags) Expr {
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	e := &Object{}
	begin := p.peek().Start
	if !p.char(LeftBrace, "{") {
		return nil
	}
	p.elements(RightBrace, func() { e.Items = append(e.Items, p.objectItem(flags)) })
	if !p.char(RightBrace, "}") {
		return nil
	}
	e.Span = p.from(begin)
	return e
}

func (p *parser) objectItem(flags exprFlags) Item {
	t := p.peek()
	if flags&nestedResources != 0 && (t.Kind == At || p.isWord(t, "resource") && p.ahead(1).Kind == Identifier) {
		return p.nestedResource()
	}
	item := Item{}
	start := p.pos
	if p.accept(Ellipsis) {
		start = p.pos
		item.Spread = true
		item.Value = p.or(start, p.expression(complexLiterals), false, Comma, NewLine, RightBrace)
		item.Span = p.from(t.Start)
		return item
	}
	item.Key = p.or(start, p.key("BCP022"), false, Colon, NewLine, RightBrace)
	silent := p.needChar(Colon, ":", hollow(item.Key), NewLine, RightBrace)
	start = p.pos
	item.Value = p.or(start, p.expression(complexLiterals), silent, NewLine, RightBrace)
	item.Span = p.from(t.Start)
	return item
}

// key reads the name of a property.
func (p *parser) key(code string) Expr {
	switch t := p.peek(); t.Kind {
	case Identifier:
		p.pos++
		return &Ident{t.Span, p.text(t)}
	case StringComplete, StringLeftPiece:
		if s, ok := p.stringLiteral().(*String); ok {
			return s
		}
	default:
	}
	p.fail(code, "here should be the name of a property")
	return nil
}

func (p *parser) nestedResource() Item {
	begin := p.peek().Start
	if !p.deeper() {
		p.skipTo(p.pos, false, NewLine)
		return Item{Span: p.from(begin), Value: &Bad{p.from(begin)}}
	}
	defer p.shallower()
	if r, ok := p.statement("resource").(*Resource); ok {
		return Item{Span: r.Span, Resource: r}
	}
	return Item{Span: p.from(begin), Value: &Bad{p.from(begin)}}
}

// condition reads if (…) {…}.
func (p *parser) condition(flags exprFlags, inLoop bool) Expr {
	begin := p.peek().Start
	p.pos++
	stops := []Kind{LeftBrace, NewLine}
	bodyStops := []Kind{NewLine}
	if inLoop {
		stops = append(stops, RightSquare)
		bodyStops = append(bodyStops, RightSquare)
	}
	start, faults := p.pos, len(p.faults)
	var cond Expr
	if p.kind() == LeftParen {
		cond = p.parenOrLambda(flags &^ nestedResources)
	} else {
		p.char(LeftParen, "(")
	}
	cond = p.or(start, cond, false, stops...)
	silent := hollow(cond) || len(p.faults) > faults
	start = p.pos
	body := p.or(start, p.object(flags), silent, bodyStops...)
	return &If{p.from(begin), cond, body}
}

// loop reads [for … in …: …].
func (p *parser) loop(flags exprFlags, ofResource bool) Expr {
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	begin := p.peek().Start
	p.pos++
	p.newLines()
	if !p.word("for") {
		return nil
	}
	e := &For{}
	faults := len(p.faults)
	p.loopVariables(e)
	start := p.pos
	silent := len(p.faults) > faults
	if !p.word("in") {
		silent = hollow(p.skipTo(start, silent, RightSquare, NewLine))
	} else {
		silent = false
	}
	start = p.pos
	e.In = p.or(start, p.expression(complexLiterals), silent, Colon, RightSquare, NewLine)
	silent = p.needChar(Colon, ":", hollow(e.In), RightSquare, NewLine)
	start = p.pos
	e.Body = p.or(start, p.loopBody(flags, ofResource), silent, RightSquare, NewLine)
	if _, bad := e.Body.(*Bad); !bad {
		p.newLines()
	}
	p.needChar(RightSquare, "]", hollow(e.Body), RightSquare, NewLine)
	e.Span = p.from(begin)
	return e
}

func (p *parser) loopBody(flags exprFlags, ofResource bool) Expr {
	if !ofResource {
		return p.expression(flags | complexLiterals)
	}
	switch t := p.peek(); {
	case t.Kind == LeftBrace:
		return p.object(flags)
	case p.isWord(t, "if"):
		return p.condition(flags, true)
	}
	p.fail("BCP167", "here should be { or the word if")
	return nil
}

func (p *parser) loopVariables(e *For) {
	switch t := p.peek(); t.Kind {
	case Identifier:
		p.pos++
		e.Item = Name{t.Span, p.text(t)}
	case LeftParen:
		var list []Expr
		faults := len(p.faults)
		p.parenthesized(false, func() Expr {
			v := p.expression(0)
			if v != nil {
				list = append(list, v)
			}
			return v
		})
		names := p.namesOf(list)
		if len(names) == 2 {
			e.Item, e.Index = names[0], names[1]
		} else if len(p.faults) == faults {
			p.report(p.from(t.Start), "BCP249", "between the parentheses must be two names, of the item and of its index")
		}
	default:
		p.here("BCP162", "here should be the name of a loop variable, or two of them in parentheses")
	}
}

// keyText is the name that an expression gives as the key of a property; one with holes gives none.
func keyText(e Expr) (string, bool) {
	switch e := e.(type) {
	case *Ident:
		return e.Name, true
	case *String:
		if len(e.Holes) == 0 && len(e.Parts) == 1 {
			return e.Parts[0], true
		}
	}
	return "", false
}

// property is the value of a property of an object literal, nil where there is none of that name.
func (o *Object) property(name string) Expr {
	i := slices.IndexFunc(o.Items, func(i Item) bool {
		key, ok := keyText(i.Key)
		return ok && key == name
	})
	if i < 0 {
		return nil
	}
	return o.Items[i].Value
}
