// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
)

// isPropertyCopy reports whether a member iterates over properties: "copy" with a list of
// loops (copy-properties.md). The copy of a resource is an object.
func isPropertyCopy(m Member) bool {
	if !sameName(m.Name, "copy") || !m.Value.isArray() || len(m.Value.Items) == 0 {
		return false
	}
	for _, l := range m.Value.Items {
		if l.Get("name").text() == "" || l.Get("count") == nil || l.Get("input") == nil {
			return false
		}
	}
	return true
}

// count evaluates how often a loop runs; an Unknown if it is not known.
func (ev *evaluator) count(n *Node, e *env) (Value, error) {
	switch v := ev.node(n, e).(type) {
	case *Unknown:
		return v, nil
	case Int:
		if v < 0 {
			return nil, fmt.Errorf("the loop runs %d times", v)
		}
		if int64(v) > int64(ev.limits.Copies) {
			return nil, fmt.Errorf("the loop runs %d times; at most %d are evaluated, and Resource Manager takes 800", v, ev.limits.Copies)
		}
		return v, nil
	default:
		return nil, fmt.Errorf("the count of a loop is an integer, not %s", withArticle(v.Kind()))
	}
}

// unknownIndex is the index in a loop whose length is not known.
func unknownIndex(name string, count Value) Value {
	u := NewUnknown("copyIndex('"+name+"')", KindInt, Origin{Kind: OriginLoop, Name: name})
	u.direct, u.segment = false, true
	u.origins = append(u.origins, originsOf(count)...)
	return u
}

// resourceLoop calls add once, or for each turn of the loop of a resource; once, with an
// index that is not known, if the number is not known.
func (ev *evaluator) resourceLoop(n *Node, e *env, add func(e *env, index Value)) {
	c := n.Get("copy")
	if !c.isObject() {
		add(e, nil)
		return
	}
	name := Text(ev.node(c.Get("name"), e))
	count, err := ev.count(c.Get("count"), e)
	if err != nil {
		count = ev.fault(c.Pos, err)
	}
	k, ok := count.(Int)
	if !ok {
		index := unknownIndex(name, count)
		add(e.in(&loop{name: name, index: index, count: count}), index)
		return
	}
	for i := range k {
		if ev.resources > ev.limits.Resources {
			return
		}
		add(e.in(&loop{name: name, index: i}), i)
	}
}

// propertyLoop evaluates a loop of a property, a variable or an output to a list.
func (ev *evaluator) propertyLoop(l *Node, e *env) Value {
	name := l.Get("name").text()
	count, err := ev.count(l.Get("count"), e)
	if err != nil {
		return ev.fault(l.Pos, err)
	}
	n, ok := count.(Int)
	if !ok {
		in := e.in(&loop{name: name, index: unknownIndex(name, count), property: true})
		u := computed(KindArray, "copy", count, ev.node(l.Get("input"), in))
		return u
	}
	a := make(Array, 0, n)
	for i := range n {
		a = append(a, ev.node(l.Get("input"), e.in(&loop{name: name, index: i, property: true})))
		if ev.steps > ev.limits.Steps {
			break
		}
	}
	return ev.settle(l.Pos, func() (Value, error) { return ev.array(a) })
}

// copyIndex finds the index: of the loop of that name, or of the nearest one that is not
// of a property (template-functions-array? numeric.md#copyindex).
func (e *env) copyIndex(name string) (Value, error) {
	if e.loops == nil {
		return nil, errors.New("copyIndex is used outside of a loop")
	}
	for l := e.loops; l != nil; l = l.outer {
		if name == "" && !l.property || name != "" && sameName(l.name, name) {
			return l.index, nil
		}
	}
	if name == "" {
		return e.loops.index, nil
	}
	return nil, fmt.Errorf("there is no loop with the name %q around this place", name)
}
