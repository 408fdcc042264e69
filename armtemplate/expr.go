// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"strconv"
	"strings"
)

// ExprKind is the sort of an [Expr].
type ExprKind uint8

// The kinds of expressions.
const (
	ExprString   ExprKind = iota // a literal: Text
	ExprInt                      // a literal: Int
	ExprCall                     // a call of the function Text with Args; Text may hold a namespace: "contoso.name"
	ExprProperty                 // the property Text of Args[0]
	ExprIndex                    // the element Args[1] of Args[0]
)

// Expr is a parsed expression of the template language.
type Expr struct {
	Kind ExprKind
	Text string
	Int  int64
	Args []*Expr
	Pos  Pos
}

const (
	maxExpression = 256 << 10 // bytes; Resource Manager takes 24,576 characters
	maxExprDepth  = 150
)

// IsExpression reports whether a string of a template is an expression: it stands in
// brackets, and the first is not doubled.
func IsExpression(s string) bool {
	return len(s) >= 2 && s[0] == '[' && s[1] != '[' && s[len(s)-1] == ']'
}

// literalText returns the value of a string that is no expression: the bracket of an
// escaped one is doubled.
func literalText(s string) string {
	if strings.HasPrefix(s, "[[") {
		return s[1:]
	}
	return s
}

// ParseExpression reads an expression, which stands in brackets. The place is the one of
// the string; the places inside of it count on from there on the same line.
func ParseExpression(s string, pos Pos) (*Expr, error) {
	if !IsExpression(s) {
		return nil, &Error{Pos: pos, Reason: "an expression stands in brackets"}
	}
	if len(s) > maxExpression {
		return nil, &Error{Pos: pos, Reason: "the expression is longer than " + strconv.Itoa(maxExpression) + " bytes"}
	}
	x := &exprParser{src: s[:len(s)-1], pos: 1, at: pos}
	e, err := x.expression()
	if err != nil {
		return nil, err
	}
	if x.blanks(); x.pos < len(x.src) {
		return nil, x.fail("there is more text after the expression" + x.found())
	}
	return e, nil
}

type exprParser struct {
	src   string
	pos   int
	depth int
	at    Pos
}

func (x *exprParser) here(offset int) Pos {
	p := x.at
	p.Column += int32(offset) + 1 // the quote before the string
	return p
}

func (x *exprParser) fail(reason string) error {
	return &Error{Pos: x.here(x.pos), Reason: reason + " in the expression " + strconv.Quote(cut(x.src+"]", 120))}
}

func (x *exprParser) found() string {
	if x.pos >= len(x.src) {
		return ": it ends here"
	}
	return ": found " + strconv.QuoteRune(rune(x.src[x.pos]))
}

func (x *exprParser) blanks() {
	for x.pos < len(x.src) {
		switch x.src[x.pos] {
		case ' ', '\t', '\r', '\n':
			x.pos++
		default:
			return
		}
	}
}

// accept takes a character, after blanks, if it is there.
func (x *exprParser) accept(c byte) bool {
	x.blanks()
	if x.pos < len(x.src) && x.src[x.pos] == c {
		x.pos++
		return true
	}
	return false
}

// expression reads an operand and the properties and elements that are taken of it.
func (x *exprParser) expression() (*Expr, error) {
	if x.depth++; x.depth > maxExprDepth {
		return nil, x.fail("calls are nested deeper than " + strconv.Itoa(maxExprDepth))
	}
	e, err := x.operand()
	for taken := 0; err == nil; taken++ {
		if taken > maxExprDepth {
			return nil, x.fail("more than " + strconv.Itoa(maxExprDepth) + " properties follow one another")
		}
		at := x.here(x.pos)
		switch {
		case x.accept('.'):
			name, bad := x.identifier()
			if bad != nil {
				return nil, bad
			}
			e = &Expr{Kind: ExprProperty, Text: name, Args: []*Expr{e}, Pos: at}
		case x.accept('['):
			index, bad := x.expression()
			if bad != nil {
				return nil, bad
			}
			if !x.accept(']') {
				return nil, x.fail("expected ']'" + x.found())
			}
			e = &Expr{Kind: ExprIndex, Args: []*Expr{e, index}, Pos: at}
		default:
			x.depth--
			return e, nil
		}
	}
	return nil, err
}

func (x *exprParser) operand() (*Expr, error) {
	x.blanks()
	if x.pos >= len(x.src) {
		return nil, x.fail("expected a value or a function" + x.found())
	}
	switch c := x.src[x.pos]; {
	case c == '\'':
		return x.stringLiteral()
	case c == '-' || c == '+' || '0' <= c && c <= '9':
		return x.intLiteral()
	default:
		return x.call()
	}
}

func (x *exprParser) stringLiteral() (*Expr, error) {
	e := &Expr{Kind: ExprString, Pos: x.here(x.pos)}
	x.pos++
	from := x.pos
	doubled := false
	for {
		end := strings.IndexByte(x.src[x.pos:], '\'')
		if end < 0 {
			x.pos = from - 1
			return nil, x.fail("the string that begins here does not end")
		}
		x.pos += end + 1
		if x.pos >= len(x.src) || x.src[x.pos] != '\'' {
			break
		}
		doubled = true
		x.pos++
	}
	e.Text = x.src[from : x.pos-1]
	if doubled {
		e.Text = strings.ReplaceAll(e.Text, "''", "'")
	}
	return e, nil
}

func (x *exprParser) intLiteral() (*Expr, error) {
	from := x.pos
	x.pos++
	for x.pos < len(x.src) && '0' <= x.src[x.pos] && x.src[x.pos] <= '9' {
		x.pos++
	}
	n, err := strconv.ParseInt(x.src[from:x.pos], 10, 64)
	if err != nil {
		return nil, x.fail(strconv.Quote(x.src[from:x.pos]) + " is no integer")
	}
	return &Expr{Kind: ExprInt, Int: n, Pos: x.here(from)}, nil
}

func (x *exprParser) identifier() (string, error) {
	x.blanks()
	from := x.pos
	for x.pos < len(x.src) && isNameByte(x.src[x.pos]) {
		x.pos++
	}
	if x.pos == from {
		return "", x.fail("expected a name" + x.found())
	}
	return x.src[from:x.pos], nil
}

func isNameByte(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// call reads a function with its arguments; a user function has a namespace.
func (x *exprParser) call() (*Expr, error) {
	e := &Expr{Kind: ExprCall, Pos: x.here(x.pos)}
	name, err := x.identifier()
	if err != nil {
		return nil, err
	}
	for x.accept('.') {
		member, err := x.identifier()
		if err != nil {
			return nil, err
		}
		name += "." + member
	}
	e.Text = name
	if !x.accept('(') {
		return nil, x.fail("expected '(' after the function " + strconv.Quote(cut(name, 60)) + x.found())
	}
	for !x.accept(')') {
		if len(e.Args) > 0 && !x.accept(',') {
			return nil, x.fail("expected ',' or ')'" + x.found())
		}
		arg, err := x.expression()
		if err != nil {
			return nil, err
		}
		e.Args = append(e.Args, arg)
	}
	return e, nil
}

// String returns the expression as it is written in a template, without the brackets.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Expr) write(b *strings.Builder) {
	switch e.Kind {
	case ExprString:
		b.WriteString("'" + strings.ReplaceAll(e.Text, "'", "''") + "'")
	case ExprInt:
		b.WriteString(strconv.FormatInt(e.Int, 10))
	case ExprCall:
		b.WriteString(e.Text + "(")
		for i, a := range e.Args {
			if i > 0 {
				b.WriteString(", ")
			}
			a.write(b)
		}
		b.WriteString(")")
	case ExprProperty:
		e.Args[0].write(b)
		b.WriteString("." + e.Text)
	case ExprIndex:
		e.Args[0].write(b)
		b.WriteString("[")
		e.Args[1].write(b)
		b.WriteString("]")
	}
}
