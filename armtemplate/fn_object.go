// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

func createObject(c *call) (Value, error) {
	if len(c.args)%2 != 0 {
		return nil, errors.New("it takes names and values in turn")
	}
	o := &Object{fields: make([]Field, 0, len(c.args)/2)}
	for i := 0; i < len(c.args); i += 2 {
		name, ok := c.args[i].(String)
		if !ok {
			if u, isUnknown := c.args[i].(*Unknown); isUnknown {
				name = String(Text(u)) // in braces, as the name of a property that is not known
			} else {
				return nil, c.wrong(i, "a string")
			}
		}
		pos := c.expr.Args[i+1].Pos
		o.set(Field{Name: string(name), Value: c.args[i+1], Pos: pos})
	}
	return c.ev.object(o)
}

// union merges objects, whose nested objects are merged too, or lists, of which equal
// elements are kept once (template-functions-object.md#union).
func union(c *call) (Value, error) {
	kind := KindAny
	open := false
	for i, a := range c.args {
		_, isUnknown := a.(*Unknown)
		open = open || isUnknown
		switch k := a.Kind(); {
		case k != KindArray && k != KindObject && k != KindAny && (k != KindNull || !isUnknown):
			return nil, c.wrong(i, "an object or an array")
		case k == KindArray || k == KindObject:
			if kind != KindAny && kind != k {
				return nil, c.wrong(i, withArticle(kind)+" like the others")
			}
			kind = k
		}
	}
	if open {
		u := c.unknown(kind)
		u.parts = flatParts(c.args, kind)
		return u, nil
	}
	if kind == KindArray {
		return c.unionOfLists()
	}
	all := make([]*Object, len(c.args))
	for i := range c.args {
		o, err := c.obj(i)
		if err != nil {
			return nil, err
		}
		all[i] = o
	}
	return c.ev.merge(all, true)
}

func (c *call) unionOfLists() (Value, error) {
	var out Array
	seen := map[string]bool{}
	for _, a := range c.args {
		list, _ := a.(Array)
		if err := c.ev.spend(c.ev.info(a).size / nodeSize); err != nil {
			return nil, err
		}
		for _, v := range list {
			if key := valueKey(v); !seen[key] {
				seen[key] = true
				out = append(out, v)
			}
		}
	}
	if out == nil {
		out = Array{}
	}
	return c.ev.array(out)
}

// valueKey is equal for values that are equal.
func valueKey(v Value) string {
	if _, ok := v.(*Unknown); ok {
		return "?" + string(JSON(v))
	}
	return string(JSON(v))
}

// merge merges objects; of two fields with one name the later wins, and nested objects are
// merged too if deep.
func (ev *evaluator) merge(all []*Object, deep bool) (Value, error) {
	out := &Object{}
	for _, o := range all {
		if err := ev.spend(o.Len()); err != nil {
			return nil, err
		}
		for _, f := range o.fields {
			have := out.Get(f.Name)
			if deep && have != nil && mergeable(have) && mergeable(f.Value) {
				v, err := ev.mergeValues(have, f.Value)
				if err != nil {
					return nil, err
				}
				f.Value = v
			}
			out.set(f)
		}
	}
	return ev.object(out)
}

func mergeable(v Value) bool {
	u, ok := v.(*Unknown)
	return v.Kind() == KindObject || ok && u.typ == KindAny
}

func (ev *evaluator) mergeValues(a, b Value) (Value, error) {
	x, ok := a.(*Object)
	y, isObject := b.(*Object)
	if ok && isObject {
		return ev.merge([]*Object{x, y}, true)
	}
	u := computed(KindAny, "union", a, b)
	if isObject || b.Kind() == KindObject {
		u.typ = KindObject
		u.parts = flatParts([]Value{a, b}, KindObject)
	}
	return u, nil
}

// shallowMerge merges a list of objects, without what is nested in them.
func shallowMerge(c *call) (Value, error) {
	a, ok := c.args[0].(Array)
	if !ok {
		if _, isUnknown := c.args[0].(*Unknown); isUnknown {
			return c.unknown(KindObject), nil
		}
		return nil, c.wrong(0, "an array")
	}
	var all []*Object
	open := false
	for _, v := range a {
		switch x := v.(type) {
		case *Object:
			all = append(all, x)
		case *Unknown:
			open = true
		case Null:
		default:
			return nil, errors.New("it takes an array of objects")
		}
	}
	if open {
		u := c.unknown(KindObject)
		u.parts = flatParts(a, KindObject)
		return u, nil
	}
	return c.ev.merge(all, false)
}

// intersection keeps what all have: elements of lists, or fields with equal values.
func intersection(c *call) (Value, error) {
	if c.args[0].Kind() == KindArray {
		return c.intersectionOfLists()
	}
	first, err := c.obj(0)
	if err != nil {
		return nil, c.wrong(0, "an object or an array")
	}
	out := &Object{}
	for _, f := range first.fields {
		inAll := true
		for i := range c.args[1:] {
			other, err := c.obj(i + 1)
			if err != nil {
				return nil, err
			}
			have := other.Get(f.Name)
			if have == nil {
				inAll = false
				break
			}
			if eq, _ := Equal(have, f.Value); !eq {
				inAll = false
				break
			}
		}
		if inAll {
			out.set(f)
		}
	}
	return c.ev.object(out)
}

func (c *call) intersectionOfLists() (Value, error) {
	counts := map[string]int{}
	for i := range c.args {
		list, err := c.list(i)
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			if key := valueKey(v); counts[key] == i {
				counts[key]++
			}
		}
	}
	out := Array{}
	list, _ := c.args[0].(Array)
	for _, v := range list {
		if key := valueKey(v); counts[key] == len(c.args) {
			counts[key] = 0
			out = append(out, v)
		}
	}
	return c.ev.array(out)
}

// itemsOf turns an object into a list of its keys and values, sorted by key
// (template-functions-object.md#items).
func itemsOf(c *call) (Value, error) {
	o, ok := c.args[0].(*Object)
	if !ok {
		if _, isUnknown := c.args[0].(*Unknown); isUnknown {
			return c.unknown(KindArray), nil
		}
		return nil, c.wrong(0, "an object")
	}
	fields := slices.Clone(o.fields)
	slices.SortStableFunc(fields, func(a, b Field) int {
		return strings.Compare(string(arm.Fold(a.Name)), string(arm.Fold(b.Name)))
	})
	a := make(Array, 0, len(fields))
	for _, f := range fields {
		item, err := c.ev.object(&Object{fields: []Field{{Name: "key", Value: String(f.Name)}, {Name: "value", Value: f.Value, Pos: f.Pos}}})
		if err != nil {
			return nil, err
		}
		a = append(a, item)
	}
	return c.ev.array(a)
}

func objectKeys(c *call) (Value, error) {
	o, ok := c.args[0].(*Object)
	if !ok {
		if _, isUnknown := c.args[0].(*Unknown); isUnknown {
			return c.unknown(KindArray), nil
		}
		return nil, c.wrong(0, "an object")
	}
	a := make(Array, 0, o.Len())
	for f := range o.Fields() {
		a = append(a, String(f.Name))
	}
	return c.ev.array(a)
}

// lambdaVariables is replaced by its value where a lambda is called.
func lambdaVariables(c *call) (Value, error) {
	name, err := c.str(0)
	if err != nil {
		return nil, err
	}
	for b := c.env.lambda; b != nil; b = b.outer {
		if sameName(b.name, name) {
			return b.value, nil
		}
	}
	return nil, fmt.Errorf("there is no lambda with the variable %q around this place", cut(name, 80))
}
