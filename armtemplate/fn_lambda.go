// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mivet/mivet/arm"
)

// lambda is a function that stands as an argument: lambda('x', 'y', body)
// (template-functions-lambda.md).
type lambda struct {
	c     *call
	names []string
	body  *Expr
}

// lambdaArg reads an argument that must be a lambda of at least min and at most max
// variables.
func (c *call) lambdaArg(i, most int) (lambda, error) {
	x := c.expr.Args[i]
	if x.Kind != ExprCall || !sameName(x.Text, "lambda") || len(x.Args) == 0 {
		return lambda{}, fmt.Errorf("argument %d must be a lambda", i+1)
	}
	l := lambda{c: c, body: x.Args[len(x.Args)-1]}
	for _, n := range x.Args[:len(x.Args)-1] {
		if n.Kind != ExprString {
			return lambda{}, errors.New("the variables of a lambda are named by strings")
		}
		l.names = append(l.names, n.Text)
	}
	if len(l.names) > most {
		return lambda{}, fmt.Errorf("argument %d is a lambda of %d variables; it takes at most %d", i+1, len(l.names), most)
	}
	return l, nil
}

func (l lambda) call(args ...Value) (Value, error) {
	in := *l.c.env
	for i, n := range l.names {
		if i < len(args) {
			in.lambda = &binding{name: n, value: args[i], outer: in.lambda}
		}
	}
	return l.c.ev.expr(l.body, &in)
}

// over evaluates the list and the lambda of a call. If the list is not known, ok is false
// and the result of the lambda for an element that is not known tells the origins.
func (c *call) over(most int) (a Array, l lambda, open *Unknown, err error) {
	v, err := c.eval(0)
	if err != nil {
		return nil, lambda{}, nil, err
	}
	if l, err = c.lambdaArg(1, most); err != nil {
		return nil, lambda{}, nil, err
	}
	switch x := v.(type) {
	case Array:
		return x, l, nil, nil
	case *Unknown:
		return nil, l, c.mapped(x, l), nil
	default:
		return nil, lambda{}, nil, fmt.Errorf("argument 1 must be an array and is %s", withArticle(v.Kind()))
	}
}

// mapped is the result over a list that is not known: it hangs on the list and on what the
// lambda makes of an element.
func (c *call) mapped(list *Unknown, l lambda) *Unknown {
	c.ev.quiet++
	defer func() { c.ev.quiet-- }()
	item := &Unknown{text: boundText("item(" + list.text + ")"), origins: list.origins}
	body := c.ev.settle(l.body.Pos, func() (Value, error) { return l.call(item, item) })
	return computed(KindArray, c.name, list, body)
}

func mapOf(c *call) (Value, error) {
	a, l, open, err := c.over(2)
	if err != nil || open != nil {
		return unknownOrNil(open), err
	}
	out := make(Array, 0, len(a))
	for i, item := range a {
		v, err := l.call(item, Int(i))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return c.ev.array(out)
}

// unknownOrNil keeps a nil pointer from becoming a value.
func unknownOrNil(u *Unknown) Value {
	if u == nil {
		return nil
	}
	return u
}

func filter(c *call) (Value, error) {
	a, l, open, err := c.over(2)
	if err != nil || open != nil {
		return unknownOrNil(open), err
	}
	out, parts := Array{}, []Value(nil)
	for i, item := range a {
		v, err := l.call(item, Int(i))
		if err != nil {
			return nil, err
		}
		keep, err := toBool(v)
		if err != nil {
			return nil, err
		}
		switch {
		case keep == Bool(true) && parts == nil:
			out = append(out, item)
		case keep == Bool(true):
			parts = append(parts, Array{item})
		case keep != Bool(false):
			if parts == nil {
				parts = []Value{out}
			}
			parts = append(parts, computed(KindArray, c.name, item, keep))
		}
	}
	if parts == nil {
		return c.ev.array(out)
	}
	u := computed(KindArray, c.name, append(slices.Clone(parts), a)...)
	if len(parts) <= maxOrigins {
		u.parts = parts
	}
	return u, nil
}

func reduce(c *call) (Value, error) {
	v, err := c.eval(0)
	if err != nil {
		return nil, err
	}
	acc, err := c.eval(1)
	if err != nil {
		return nil, err
	}
	l, err := c.lambdaArg(2, 3)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case Array:
		for i, item := range x {
			if acc, err = l.call(acc, item, Int(i)); err != nil {
				return nil, err
			}
		}
		return acc, nil
	case *Unknown:
		u := c.mapped(x, l)
		return computed(KindAny, c.name, acc, u), nil
	default:
		return nil, fmt.Errorf("argument 1 must be an array and is %s", withArticle(v.Kind()))
	}
}

// sortOf sorts with a lambda that tells whether the first of two stands before the second.
func sortOf(c *call) (Value, error) {
	a, l, open, err := c.over(2)
	if err != nil || open != nil {
		return unknownOrNil(open), err
	}
	var bad error
	undecided := false
	less := func(x, y Value) bool {
		if bad != nil || undecided {
			return false
		}
		v, err := l.call(x, y)
		if err == nil {
			v, err = toBool(v)
		}
		if err != nil {
			bad = err
			return false
		}
		b, ok := v.(Bool)
		undecided = !ok
		return bool(b)
	}
	out := slices.Clone(a)
	slices.SortStableFunc(out, func(x, y Value) int {
		switch {
		case less(x, y):
			return -1
		case less(y, x):
			return 1
		default:
			return 0
		}
	})
	switch {
	case bad != nil:
		return nil, bad
	case undecided:
		return computed(KindArray, c.name, a), nil
	}
	return c.ev.array(out)
}

func toObject(c *call) (Value, error) {
	a, key, open, err := c.over(1)
	if err != nil {
		return nil, err
	}
	var value lambda
	if len(c.expr.Args) == 3 {
		if value, err = c.lambdaArg(2, 1); err != nil {
			return nil, err
		}
	}
	if open != nil {
		open.typ = KindObject
		return open, nil
	}
	o := &Object{fields: make([]Field, 0, len(a))}
	for _, item := range a {
		name, err := key.text(item)
		if err != nil {
			return nil, err
		}
		v := item
		if value.body != nil {
			if v, err = value.call(item); err != nil {
				return nil, err
			}
		}
		o.set(Field{Name: name, Value: v})
	}
	return c.ev.object(o)
}

// text calls a lambda that gives a key.
func (l lambda) text(args ...Value) (string, error) {
	v, err := l.call(args...)
	if err != nil {
		return "", err
	}
	switch v.(type) {
	case String, Int, *Unknown:
		return Text(v), nil
	default:
		return "", fmt.Errorf("a key is a string, not %s", withArticle(v.Kind()))
	}
}

func groupBy(c *call) (Value, error) {
	a, key, open, err := c.over(1)
	if err != nil {
		return nil, err
	}
	if open != nil {
		open.typ = KindObject
		return open, nil
	}
	groups := map[arm.Key]Array{}
	o := &Object{}
	for _, item := range a {
		name, err := key.text(item)
		if err != nil {
			return nil, err
		}
		k := arm.Fold(name)
		if _, ok := groups[k]; !ok {
			o.set(Field{Name: name, Value: Null{}})
		}
		groups[k] = append(groups[k], item)
	}
	for i, f := range o.fields {
		v, err := c.ev.array(groups[arm.Fold(f.Name)])
		if err != nil {
			return nil, err
		}
		o.fields[i].Value = v
	}
	return c.ev.object(o)
}

func mapValues(c *call) (Value, error) {
	v, err := c.eval(0)
	if err != nil {
		return nil, err
	}
	l, err := c.lambdaArg(1, 1)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case *Object:
		o := &Object{fields: make([]Field, 0, x.Len())}
		for f := range x.Fields() {
			m, err := l.call(f.Value)
			if err != nil {
				return nil, err
			}
			o.set(Field{Name: f.Name, Value: m, Pos: f.Pos})
		}
		return c.ev.object(o)
	case *Unknown:
		u := c.mapped(x, l)
		u.typ = KindObject
		return u, nil
	default:
		return nil, fmt.Errorf("argument 1 must be an object and is %s", withArticle(v.Kind()))
	}
}
