// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"strconv"
	"strings"
)

// scalar is a compiled expression: a type and a way to its value in a row.
type scalar struct {
	typ   Type
	value func(row int) any
	// name is the column's own name, where the expression is nothing but a column or a
	// path into one.
	name string
	// constant is set for literals.
	constant bool
}

type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
	// limited is set once the query says how many rows it wants at most.
	limited bool
	ordered bool // set once the query orders rows
}

// maxDepth is how deep expressions may nest.
const maxDepth = 64

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if !p.accept(text) {
		return p.fail("%q is expected", text)
	}
	return nil
}

// fail is an error at the next token.
func (p *parser) fail(format string, args ...any) error {
	t := p.peek()
	return fail(p.text, t.at, t.text, format, args...)
}

func (p *parser) name() (string, error) {
	t := p.peek()
	if t.kind != tokenName {
		return "", p.fail("a name is expected")
	}
	p.at++
	return t.text, nil
}

// expression reads an expression over the columns of a relation.
func (p *parser) expression(r *relation) (scalar, error) {
	if p.depth++; p.depth > maxDepth {
		return scalar{}, p.fail("the expression nests deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	return p.either(r)
}

// condition reads an expression that is true or false.
func (p *parser) condition(r *relation) (scalar, error) {
	begin := p.peek()
	e, err := p.expression(r)
	if err == nil && e.typ != Bool {
		err = fail(p.text, begin.at, begin.text, "the expression is of type %s and must be true or false", e.typ)
	}
	return e, err
}

func (p *parser) either(r *relation) (scalar, error) {
	return p.chain(r, "or", p.both, func(a, b scalar, row int) any {
		x, y := a.value(row), b.value(row)
		switch {
		case x == true || y == true:
			return true
		case isMismatch(x):
			return x
		case isMismatch(y):
			return y
		case x == nil || y == nil:
			return nil
		}
		return false
	})
}

func (p *parser) both(r *relation) (scalar, error) {
	return p.chain(r, "and", p.comparison, func(a, b scalar, row int) any {
		x := a.value(row)
		if x == false {
			return false
		}
		y := b.value(row)
		switch {
		case y == false:
			return false
		case isMismatch(x):
			return x
		case isMismatch(y):
			return y
		case x == nil || y == nil:
			return nil
		}
		return true
	})
}

// chain reads operands of or, or of and.
func (p *parser) chain(r *relation, word string, operand func(*relation) (scalar, error), join func(a, b scalar, row int) any) (scalar, error) {
	begin := p.peek()
	left, err := operand(r)
	if err != nil {
		return left, err
	}
	for p.accept(word) {
		next := p.peek()
		right, err := operand(r)
		if err != nil {
			return right, err
		}
		if left.typ != Bool {
			return left, fail(p.text, begin.at, begin.text, "what stands beside %q must be true or false, and is of type %s", word, left.typ)
		}
		if right.typ != Bool {
			return right, fail(p.text, next.at, next.text, "what stands beside %q must be true or false, and is of type %s", word, right.typ)
		}
		a, b := left, right
		left = scalar{typ: Bool, value: func(row int) any { return join(a, b, row) }}
	}
	return left, nil
}

func (p *parser) comparison(r *relation) (scalar, error) {
	left, err := p.operand(r)
	if err != nil {
		return left, err
	}
	op := p.peek()
	switch {
	case op.is("in"), op.is("in~"), op.is("!in"), op.is("!in~"):
		p.at++
		return p.membership(r, left, op)
	case op.is("between"):
		return left, p.fail("the operator %q is not supported", op.text)
	}
	test, known := comparisons[op.text]
	if !known || op.kind == tokenString {
		return left, nil
	}
	p.at++
	begin := p.peek()
	right, err := p.operand(r)
	if err != nil {
		return right, err
	}
	if test.text && (!textual(left.typ) || !textual(right.typ)) || !comparable2(left.typ, right.typ) || test.order && (left.typ == String || right.typ == String) {
		return left, fail(p.text, begin.at, begin.text, "values of the types %s and %s cannot be compared with %q", left.typ, right.typ, op.text)
	}
	a, b := left, right
	return scalar{typ: Bool, value: func(row int) any { return test.do(a.value(row), b.value(row)) }}, nil
}

func textual(t Type) bool { return t == String || t == Dynamic }

func comparable2(a, b Type) bool {
	number := func(t Type) bool { return t == Long || t == Real }
	switch {
	case a == b, number(a) && number(b):
		return true
	case a == Datetime || b == Datetime: // a time in a dynamic value is a text that is not read
		return false
	}
	return a == Dynamic || b == Dynamic
}

// comparisonOp is an operator between two values.
type comparisonOp struct {
	text  bool // of texts alone
	order bool // of numbers and times alone
	do    func(a, b any) any
}

var comparisons = map[string]comparisonOp{
	"==": {do: func(a, b any) any { return equality(a, b, false, false) }},
	"!=": {do: func(a, b any) any { return equality(a, b, false, true) }},
	"=~": {text: true, do: func(a, b any) any { return equality(a, b, true, false) }},
	"!~": {text: true, do: func(a, b any) any { return equality(a, b, true, true) }},
	"<":  ordering(func(c int) bool { return c < 0 }),
	"<=": ordering(func(c int) bool { return c <= 0 }),
	">":  ordering(func(c int) bool { return c > 0 }),
	">=": ordering(func(c int) bool { return c >= 0 }),

	"contains":    textTest(strings.Contains, false),
	"!contains":   textTest(strings.Contains, true),
	"startswith":  textTest(strings.HasPrefix, false),
	"!startswith": textTest(strings.HasPrefix, true),
	"endswith":    textTest(strings.HasSuffix, false),
	"!endswith":   textTest(strings.HasSuffix, true),
	"contains_cs": {text: true, do: func(a, b any) any { return strings.Contains(textOf(a), textOf(b)) }},
	"has":         textTest(hasTerm, false),
	"!has":        textTest(hasTerm, true),
}

// mismatch stands for the answer to a comparison of a text with a boolean or a number that
// a dynamic value holds: no page says what Kusto makes of it.
type mismatch struct{ value any }

func isMismatch(v any) bool {
	_, is := v.(mismatch)
	return is
}

// mixes returns the value of two that is no text where the other one is.
func mixes(a, b any) (mismatch, bool) {
	_, textA := a.(string)
	_, textB := b.(string)
	switch {
	case textA == textB:
		return mismatch{}, false
	case textA:
		a = b
	}
	switch a.(type) {
	case bool, int64, float64:
		return mismatch{a}, true
	}
	return mismatch{}, false
}

func equality(a, b any, fold, negated bool) any {
	if m, mixed := mixes(a, b); mixed {
		return m
	}
	same, ok := equal(a, b, fold)
	if !ok {
		return nil
	}
	return same != negated
}

// ordered reports whether a value has a place in an order: lists and bags have none.
func ordered(v any) bool {
	switch v.(type) {
	case []any, map[string]any, bool:
		return false
	}
	return true
}

func ordering(holds func(int) bool) comparisonOp {
	return comparisonOp{order: true, do: func(a, b any) any {
		if a == nil || b == nil {
			return nil
		}
		if m, mixed := mixes(a, b); mixed {
			return m
		}
		if !ordered(a) || !ordered(b) {
			return nil
		}
		return holds(compare(a, b))
	}}
}

// textTest is a test of texts without regard to letter case.
func textTest(test func(s, part string) bool, negated bool) comparisonOp {
	return comparisonOp{text: true, do: func(a, b any) any {
		return test(strings.ToLower(textOf(a)), strings.ToLower(textOf(b))) != negated
	}}
}

// hasTerm reports whether the part stands in s as a whole term: between characters that
// are no letters and digits.
func hasTerm(s, part string) bool {
	if part == "" {
		return true
	}
	alphanumeric := func(c byte) bool { return isLetter(c) && c != '_' && c != '$' || isDigit(c) || c >= 0x80 }
	for from := 0; ; {
		i := strings.Index(s[from:], part)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(part)
		if (i == 0 || !alphanumeric(s[i-1]) || !alphanumeric(part[0])) &&
			(end == len(s) || !alphanumeric(s[end]) || !alphanumeric(part[len(part)-1])) {
			return true
		}
		from = i + 1
	}
}

// membership reads the list of in, !in, in~ and !in~.
func (p *parser) membership(r *relation, left scalar, op token) (scalar, error) {
	fold, negated := strings.HasSuffix(op.text, "~"), op.text[0] == '!'
	if fold && !textual(left.typ) {
		return left, fail(p.text, op.at, op.text, "a value of type %s cannot be compared with %q", left.typ, op.text)
	}
	if err := p.expect("("); err != nil {
		return left, err
	}
	texts := map[string]bool{}
	var others []any
	for {
		begin := p.peek()
		e, err := p.operand(r)
		if err != nil {
			return e, err
		}
		if !e.constant || !comparable2(left.typ, e.typ) {
			return e, fail(p.text, begin.at, begin.text, "the list of %q holds literals of the type that is compared, and nothing else", op.text)
		}
		if s, isText := e.value(0).(string); isText {
			if fold {
				s = strings.ToLower(s)
			}
			texts[s] = true
		} else {
			others = append(others, e.value(0))
		}
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return left, err
	}
	found := func(v any) bool {
		if s, isText := v.(string); isText {
			if fold {
				s = strings.ToLower(s)
			}
			return texts[s]
		}
		for _, o := range others {
			if same, _ := equal(v, o, false); same {
				return true
			}
		}
		return false
	}
	return scalar{typ: Bool, value: func(row int) any {
		v := left.value(row)
		_, isText := v.(string)
		if !isText && len(texts) > 0 {
			if m, mixed := mixes(v, ""); mixed {
				return m
			}
		}
		return found(v) != negated
	}}, nil
}

// operand reads a literal, a column with a path into it, a call, or a group.
func (p *parser) operand(r *relation) (scalar, error) {
	t := p.peek()
	switch {
	case t.kind == tokenString:
		p.at++
		return literal(String, t.text), nil
	case t.kind == tokenNumber:
		return p.number("")
	case t.is("-"):
		p.at++
		return p.number("-")
	case t.is("("):
		p.at++
		e, err := p.expression(r)
		if err == nil {
			err = p.expect(")")
		}
		e.name = ""
		return e, err
	case t.is("true"), t.is("false"):
		p.at++
		return literal(Bool, t.text == "true"), nil
	case t.kind == tokenName && p.tokens[p.at+1].is("("):
		return p.call(r)
	case t.kind == tokenName:
		return p.column(r)
	}
	return scalar{}, p.fail("a value is expected")
}

func literal(t Type, v any) scalar {
	return scalar{typ: t, value: func(int) any { return v }, constant: true}
}

func (p *parser) number(sign string) (scalar, error) {
	t := p.peek()
	if t.kind != tokenNumber {
		return scalar{}, p.fail("a number is expected")
	}
	p.at++
	if n, err := strconv.ParseInt(sign+t.text, 10, 64); err == nil {
		return literal(Long, n), nil
	}
	f, err := strconv.ParseFloat(sign+t.text, 64)
	if err != nil {
		return scalar{}, fail(p.text, t.at, t.text, "%q is no number", t.text)
	}
	return literal(Real, f), nil
}

// column reads a column, and a path into a dynamic one.
func (p *parser) column(r *relation) (scalar, error) {
	t := p.take()
	i := r.find(t.text)
	if i < 0 {
		return scalar{}, fail(p.text, t.at, t.text, "there is no column %q", t.text)
	}
	e := scalar{typ: r.columns[i].Type, value: r.columns[i].get, name: t.text}
	return p.path(e)
}

// path reads what follows a value: .name and ['name'] and [0].
func (p *parser) path(e scalar) (scalar, error) {
	for {
		t := p.peek()
		switch {
		case t.is("."):
			p.at++
			key, err := p.name()
			if err != nil {
				return e, err
			}
			if e.typ != Dynamic {
				return e, fail(p.text, t.at, t.text, "a value of type %s has nothing below it", e.typ)
			}
			e = member(e, key)
		case t.is("["):
			p.at++
			k := p.take()
			if err := p.expect("]"); err != nil {
				return e, err
			}
			if e.typ != Dynamic {
				return e, fail(p.text, t.at, t.text, "a value of type %s has nothing below it", e.typ)
			}
			switch k.kind {
			case tokenString:
				e = member(e, k.text)
			case tokenNumber:
				i, err := strconv.Atoi(k.text)
				if err != nil {
					return e, fail(p.text, k.at, k.text, "%q is no index", k.text)
				}
				e = elementOf(e, i)
			default:
				return e, fail(p.text, k.at, k.text, "a text or a number is expected")
			}
		default:
			return e, nil
		}
	}
}

func member(e scalar, key string) scalar {
	name := ""
	if e.name != "" {
		name = e.name + "_" + key
	}
	return scalar{typ: Dynamic, name: name, value: func(row int) any {
		m, _ := e.value(row).(map[string]any)
		return m[key]
	}}
}

func elementOf(e scalar, i int) scalar {
	return scalar{typ: Dynamic, value: func(row int) any {
		if list, _ := e.value(row).([]any); i < len(list) {
			return list[i]
		}
		return nil
	}}
}
