// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// toBool returns a condition as a Bool or an Unknown.
func toBool(v Value) (Value, error) {
	switch x := v.(type) {
	case Bool, *Unknown:
		return v, nil
	case Int:
		return Bool(x != 0), nil
	case String:
		switch strings.ToLower(strings.TrimSpace(string(x))) {
		case "true", "1":
			return Bool(true), nil
		case "false", "0":
			return Bool(false), nil
		}
	}
	return nil, fmt.Errorf("%s is no boolean", withArticle(v.Kind()))
}

func boolOf(c *call) (Value, error) { return toBool(c.args[0]) }

// ifOf evaluates only the branch that is chosen; both where the choice is not known.
func ifOf(c *call) (Value, error) {
	v, err := c.eval(0)
	if err != nil {
		return nil, err
	}
	b, err := toBool(v)
	if err != nil {
		return nil, fmt.Errorf("the condition: %w", err)
	}
	switch b {
	case Bool(true):
		return c.eval(1)
	case Bool(false):
		return c.eval(2)
	}
	return choice("if", []Value{b}, []Value{c.attempt(1), c.attempt(2)}), nil
}

// logical is and (stop at false) or or (stop at true).
func logical(c *call, stop Bool) (Value, error) {
	var open []Value
	for i := range c.expr.Args {
		var v Value
		var err error
		if open != nil {
			v = c.attempt(i)
		} else if v, err = c.eval(i); err != nil {
			return nil, err
		}
		b, err := toBool(v)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		if b == stop {
			return stop, nil
		}
		if _, ok := b.(*Unknown); ok {
			open = append(open, b)
		}
	}
	switch len(open) {
	case 0:
		return !stop, nil
	case 1:
		return open[0], nil
	default:
		return computed(KindBool, c.name, open...), nil
	}
}

func and(c *call) (Value, error) { return logical(c, false) }
func or(c *call) (Value, error)  { return logical(c, true) }

func not(c *call) (Value, error) {
	v, err := toBool(c.args[0])
	if err != nil {
		return nil, err
	}
	if b, ok := v.(Bool); ok {
		return !b, nil
	}
	return c.unknown(KindBool), nil
}

// decide answers a question about a value that may be one of several: it is decided if
// all give the same answer.
func decide(v Value, ask func(Value) (answer, decided bool)) (answer, decided bool) {
	if answer, decided = ask(v); decided {
		return answer, true
	}
	u, ok := v.(*Unknown)
	if !ok || len(u.choices) == 0 {
		return false, false
	}
	for i, o := range u.choices {
		a, ok := ask(o)
		if !ok || i > 0 && a != answer {
			return false, false
		}
		answer = a
	}
	return answer, true
}

// notNull reports whether a value is surely not null.
func notNull(v Value) bool {
	if u, ok := v.(*Unknown); ok {
		if u.choices != nil {
			return !slices.ContainsFunc(u.choices, func(v Value) bool { return !notNull(v) })
		}
		return u.typ != KindAny && u.typ != KindNull
	}
	return v.Kind() != KindNull
}

func equals(c *call) (Value, error) {
	a, b := c.args[0], c.args[1]
	if err := c.ev.spend(min(c.ev.info(a).size, c.ev.info(b).size) / 64); err != nil {
		return nil, err
	}
	answer, decided := decide(a, func(a Value) (bool, bool) {
		return decide(b, func(b Value) (bool, bool) { return surelyEqual(a, b) })
	})
	if decided {
		return Bool(answer), nil
	}
	return c.unknown(KindBool), nil
}

// surelyEqual is Equal, and knows that a value of one type is none of another.
func surelyEqual(a, b Value) (equal, decided bool) {
	if a.Kind() == KindNull && notNull(b) || b.Kind() == KindNull && notNull(a) {
		return false, true
	}
	ua, isA := a.(*Unknown)
	ub, isB := b.(*Unknown)
	if (isA && ua.typ == KindString && longer(ua, b)) || (isB && ub.typ == KindString && longer(ub, a)) {
		return false, true
	}
	return Equal(a, b)
}

// longer reports whether a text with unknown pieces has more known ones than another text
// has letters.
func longer(u *Unknown, than Value) bool {
	s, ok := than.(String)
	known := 0
	for _, p := range u.parts {
		if text, ok := p.(String); ok {
			known += len(text)
		}
	}
	return ok && known > len(s)
}

// compare orders two numbers, or two strings by their code points
// (template-functions-comparison.md).
func compare(c *call) (int, error) {
	if a, ok := number(c.args[0]); ok {
		b, ok := number(c.args[1])
		if !ok {
			return 0, c.wrong(1, "a number like the first")
		}
		switch {
		case a < b:
			return -1, nil
		case a > b:
			return 1, nil
		}
		return 0, nil
	}
	a, err := c.str(0)
	if err != nil {
		return 0, c.wrong(0, "a number or a string")
	}
	b, err := c.str(1)
	if err != nil {
		return 0, c.wrong(1, "a string like the first")
	}
	return strings.Compare(a, b), nil
}

func less(c *call) (Value, error) {
	n, err := compare(c)
	return Bool(n < 0), err
}

func lessOrEquals(c *call) (Value, error) {
	n, err := compare(c)
	return Bool(n <= 0), err
}

func greater(c *call) (Value, error) {
	n, err := compare(c)
	return Bool(n > 0), err
}

func greaterOrEquals(c *call) (Value, error) {
	n, err := compare(c)
	return Bool(n >= 0), err
}

// coalesce returns the first value that is not null.
func coalesce(c *call) (Value, error) {
	var open []Value
	for i := range c.expr.Args {
		var v Value
		var err error
		if open != nil {
			v = c.attempt(i)
		} else if v, err = c.eval(i); err != nil {
			return nil, err
		}
		if v.Kind() == KindNull {
			continue
		}
		open = append(open, v)
		if notNull(v) {
			break
		}
	}
	switch len(open) {
	case 0:
		return Null{}, nil
	case 1:
		return open[0], nil
	default:
		return choice(c.name, nil, open), nil
	}
}

func fail(c *call) (Value, error) { return nil, errors.New(Text(c.args[0])) }

func parameters(c *call) (Value, error) {
	return c.named(c.env.frame.params, "parameter")
}

func variables(c *call) (Value, error) {
	if c.env.inner {
		return nil, errors.New("a function of the template cannot read variables")
	}
	return c.named(c.env.frame.vars, "variable")
}
