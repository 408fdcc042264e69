// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func arrayOf(c *call) (Value, error) {
	if u, ok := c.args[0].(*Unknown); ok && u.typ == KindAny {
		return c.unknown(KindArray), nil
	}
	if c.args[0].Kind() == KindArray {
		return c.args[0], nil
	}
	return c.ev.array(Array{c.args[0]})
}

func createArray(c *call) (Value, error) { return c.ev.array(Array(c.args)) }

// concat joins lists, or texts. A list of which a part is not known keeps its parts.
func concat(c *call) (Value, error) {
	lists, open := 0, false
	for _, a := range c.args {
		switch x := a.(type) {
		case Array:
			lists++
		case *Unknown:
			open = true
			if x.typ == KindArray {
				lists++
			}
		}
	}
	switch {
	case lists == 0 && open && slices.ContainsFunc(c.args, func(v Value) bool { return v.Kind() == KindAny }) && len(c.args) == 1:
		return c.args[0], nil
	case lists == 0:
		return c.joined(c.args)
	}
	var all Array
	for i, a := range c.args {
		switch x := a.(type) {
		case Array:
			all = append(all, x...)
		case *Unknown:
		default:
			return nil, c.wrong(i, "an array like the others")
		}
	}
	if open {
		u := c.unknown(KindArray)
		u.parts = flatParts(c.args, KindArray)
		return u, nil
	}
	if all == nil {
		all = Array{}
	}
	return c.ev.array(all)
}

// flatParts returns the parts of which values of a kind are put together.
func flatParts(vs []Value, kind Kind) []Value {
	var out []Value
	for _, v := range vs {
		if u, ok := v.(*Unknown); ok && u.parts != nil && u.typ == kind {
			out = append(out, u.parts...)
		} else {
			out = append(out, v)
		}
	}
	if len(out) > maxOrigins {
		return nil
	}
	return out
}

// contains looks for a value in a list, a key in an object, or a piece in a text
// (template-functions-array.md#contains).
func contains(c *call) (Value, error) {
	item := c.args[1]
	if err := c.ev.spend(c.ev.info(c.args[0]).size / 256); err != nil {
		return nil, err
	}
	var bad error
	ask := func(v Value) (bool, bool) {
		switch x := v.(type) {
		case String:
			s, ok := item.(String)
			if !ok && item.Kind() != KindAny && item.Kind() != KindString {
				bad = c.wrong(1, "a string like the first")
			}
			return ok && strings.Contains(string(x), string(s)), ok
		case *Object:
			s, ok := item.(String)
			return ok && x.find(string(s)) >= 0, ok || item.Kind() == KindNull || x.Len() == 0
		case Array:
			return anyEqual(x, item)
		case *Unknown:
			return partsContain(x, item)
		case Null:
			return false, true
		default:
			bad = c.wrong(0, "a string, an array or an object")
			return false, false
		}
	}
	answer, decided := decide(c.args[0], ask)
	switch {
	case bad != nil:
		return nil, bad
	case decided:
		return Bool(answer), nil
	}
	return c.unknown(KindBool), nil
}

func anyEqual(a Array, item Value) (answer, decided bool) {
	decided = true
	for _, v := range a {
		eq, ok := surelyEqual(v, item)
		if eq && ok {
			return true, true
		}
		decided = decided && ok
	}
	return false, decided
}

// partsContain is surely true if a known part has it.
func partsContain(u *Unknown, item Value) (answer, decided bool) {
	for _, p := range u.parts {
		switch x := p.(type) {
		case Array:
			if eq, ok := anyEqual(x, item); eq && ok {
				return true, true
			}
		case *Object:
			if s, ok := item.(String); ok && x.find(string(s)) >= 0 {
				return true, true
			}
		case String:
			if s, ok := item.(String); ok && strings.Contains(string(x), string(s)) {
				return true, true
			}
		}
	}
	return false, false
}

// size returns the number of elements; at least what is known of it, and whether that is
// all.
func size(v Value) (n int, exact, ok bool) {
	switch x := v.(type) {
	case String:
		return textLength(string(x)), true, true
	case Array:
		return len(x), true, true
	case *Object:
		return x.Len(), true, true
	case *Unknown:
		for _, p := range x.parts {
			if _, open := p.(*Unknown); open {
				continue
			}
			k, _, _ := size(p)
			if x.typ == KindObject {
				n = max(n, k)
			} else {
				n += k
			}
		}
		return n, false, x.typ == KindAny || x.typ == KindString || x.typ == KindArray || x.typ == KindObject
	default:
		return 0, true, v.Kind() == KindNull
	}
}

func empty(c *call) (Value, error) {
	if _, _, ok := size(c.args[0]); !ok {
		return nil, c.wrong(0, "a string, an array or an object")
	}
	answer, decided := decide(c.args[0], func(v Value) (bool, bool) {
		n, exact, ok := size(v)
		return n == 0, ok && (exact || n > 0)
	})
	if decided {
		return Bool(answer), nil
	}
	return c.unknown(KindBool), nil
}

func length(c *call) (Value, error) {
	n, exact, ok := size(c.args[0])
	switch {
	case !ok || c.args[0].Kind() == KindNull:
		return nil, c.wrong(0, "a string, an array or an object")
	case !exact:
		return c.unknown(KindInt), nil
	}
	return Int(n), nil
}

func first(c *call) (Value, error) { return c.end(false) }
func last(c *call) (Value, error)  { return c.end(true) }

func (c *call) end(atEnd bool) (Value, error) {
	switch x := c.args[0].(type) {
	case Array:
		if len(x) == 0 {
			return Null{}, nil
		}
		if atEnd {
			return x[len(x)-1], nil
		}
		return x[0], nil
	case String:
		n := textLength(string(x))
		switch {
		case n == 0:
			return x, nil
		case atEnd:
			return String(slice(string(x), n-1, n)), nil
		}
		return String(slice(string(x), 0, 1)), nil
	case *Unknown:
		if x.typ == KindString {
			return c.unknown(KindString), nil
		}
		return c.unknown(KindAny), nil
	default:
		return nil, c.wrong(0, "an array or a string")
	}
}

// part is take (the first n) or skip (all but the first n).
func (c *call) part(rest bool) (Value, error) {
	_, countKnown := c.args[1].(Int)
	if u, ok := c.args[0].(*Unknown); ok || c.args[1].Kind() == KindAny || !countKnown && c.args[1].Kind() == KindInt {
		kind := c.args[0].Kind()
		if ok {
			kind = u.typ
		}
		return c.unknown(kind), nil
	}
	n, err := c.int(1)
	if err != nil {
		return nil, err
	}
	have, _, _ := size(c.args[0])
	from, to := 0, int(max(0, min(n, int64(have))))
	if rest {
		from, to = to, have
	}
	switch x := c.args[0].(type) {
	case Array:
		return c.ev.array(slices.Clone(x[from:to]))
	case String:
		return String(slice(string(x), from, to)), nil
	default:
		return nil, c.wrong(0, "an array or a string")
	}
}

func take(c *call) (Value, error) { return c.part(false) }
func skip(c *call) (Value, error) { return c.part(true) }

func indexOf(c *call) (Value, error) {
	return c.position(strings.Index, func(a Array, v Value) int {
		return slices.IndexFunc(a, func(item Value) bool { eq, _ := Equal(item, v); return eq })
	})
}

func lastIndexOf(c *call) (Value, error) {
	return c.position(strings.LastIndex, func(a Array, v Value) int {
		for i, item := range slices.Backward(a) {
			if eq, _ := Equal(item, v); eq {
				return i
			}
		}
		return -1
	})
}

// position finds a piece of a text without regard to case, or an element of a list.
func (c *call) position(inText func(string, string) int, inList func(Array, Value) int) (Value, error) {
	switch x := c.args[0].(type) {
	case Array:
		return Int(inList(x, c.args[1])), nil
	case String:
		s, err := c.str(1)
		if err != nil {
			return nil, err
		}
		text := strings.ToLower(string(x))
		i := inText(text, strings.ToLower(s))
		if i < 0 {
			return Int(-1), nil
		}
		return Int(textLength(text[:i])), nil
	default:
		return nil, c.wrong(0, "an array or a string")
	}
}

// fromEnd counts from the end of a list, 1 being the last element.
func (c *call) fromEnd() (Value, error) {
	a, ok := c.args[0].(Array)
	n, isInt := c.args[1].(Int)
	if !ok || !isInt {
		if v, err := c.unknownOr(errors.New("it takes an array and an integer")); err != nil {
			return nil, err
		} else if u, ok := v.(*Unknown); ok {
			u.typ = KindAny
			return u, nil
		}
	}
	if n < 1 || int64(n) > int64(len(a)) {
		return nil, nil
	}
	return a[len(a)-int(n)], nil
}

func indexFromEnd(c *call) (Value, error) {
	v, err := c.fromEnd()
	if v == nil && err == nil {
		return nil, fmt.Errorf("the list has no element %s from its end", Text(c.args[1]))
	}
	return v, err
}

func tryIndexFromEnd(c *call) (Value, error) {
	v, err := c.fromEnd()
	if v == nil && err == nil {
		return Null{}, nil
	}
	return v, err
}

// tryGet follows keys and stops with null where there is nothing.
func tryGet(c *call) (Value, error) {
	v := c.args[0]
	for _, key := range c.args[1:] {
		if v.Kind() == KindNull {
			return Null{}, nil
		}
		next, err := tryElement(v, key)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return Null{}, nil
		}
		v = next
	}
	return v, nil
}

func flatten(c *call) (Value, error) {
	a, ok := c.args[0].(Array)
	if !ok {
		v, err := c.unknownOr(c.wrong(0, "an array"))
		if err != nil {
			return nil, err
		}
		return v, nil
	}
	all, open := Array{}, false
	for _, item := range a {
		switch x := item.(type) {
		case Array:
			all = append(all, x...)
		case *Unknown:
			open = true
		default:
			return nil, errors.New("it takes an array of arrays")
		}
	}
	if open {
		u := c.unknown(KindArray)
		u.parts = flatParts(a, KindArray)
		return u, nil
	}
	return c.ev.array(all)
}

const maxRange = 10000

func rangeOf(c *call) (Value, error) {
	from, err := c.int(0)
	if err != nil {
		return nil, err
	}
	n, err := c.int(1)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxRange || from < -1<<31 || from+n > 1<<31 {
		return nil, fmt.Errorf("the range takes 0 to %d numbers of 32 bits", maxRange)
	}
	a := make(Array, n)
	for i := range a {
		a[i] = Int(from + int64(i))
	}
	return c.ev.array(a)
}

// extreme returns the least or the greatest of the arguments, or of a list.
func (c *call) extreme(better func(a, b float64) bool) (Value, error) {
	all := c.args
	if a, ok := c.args[0].(Array); ok && len(c.args) == 1 {
		all = a
	}
	var best Value
	for _, v := range all {
		n, ok := number(v)
		if !ok {
			return nil, errors.New("it takes integers, or one array of them")
		}
		if best == nil {
			best = v
		} else if b, _ := number(best); better(n, b) {
			best = v
		}
	}
	if best == nil {
		return nil, errors.New("the array is empty")
	}
	return best, nil
}

func minOf(c *call) (Value, error) {
	return c.extreme(func(a, b float64) bool { return a < b })
}

func maxOf(c *call) (Value, error) {
	return c.extreme(func(a, b float64) bool { return a > b })
}
