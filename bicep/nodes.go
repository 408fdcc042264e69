// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strconv"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// node makes the JSON of a value: objects and lists stay what they are, all else becomes an expression.
func (l *lowerer) node(e Expr, s *scope) *armtemplate.Node {
	p := s.unit.pos(e.Place())
	if !l.enter(s.unit, e.Place()) {
		return armtemplate.ExprNode(l.faulty(p))
	}
	defer l.leave()
	switch e := e.(type) {
	case *Paren:
		return l.node(e.Inner, s)
	case *NonNull:
		return l.node(e.Base, s)
	case *Null:
		return &armtemplate.Node{Kind: armtemplate.NodeNull, Pos: p}
	case *Bool:
		return &armtemplate.Node{Kind: armtemplate.NodeBool, Bool: e.Value, Pos: p}
	case *Int:
		return &armtemplate.Node{Kind: armtemplate.NodeNumber, Text: strconv.FormatUint(e.Value, 10), Pos: p}
	case *String:
		if len(e.Holes) == 0 {
			return textNode(p, e.Parts[0])
		}
	case *Array:
		if !spreads(e.Items) {
			items := make([]*armtemplate.Node, len(e.Items))
			for i, item := range e.Items {
				items[i] = l.node(item.Value, s)
			}
			return armtemplate.ArrayNode(p, items...)
		}
	case *Object:
		if !spreads(e.Items) {
			return armtemplate.ObjectNode(p, l.members(e, s, nil)...)
		}
	case *Call:
		if e.Name.Text == "any" && len(e.Args) == 1 && s.unit.symbols["any"] == nil {
			return l.node(e.Args[0], s)
		}
	case *Ident:
		if n := l.inlinedNode(e, s); n != nil {
			return n
		}
	}
	return armtemplate.ExprNode(l.expr(e, s))
}

// inlinedNode makes the JSON of a variable that is replaced by its value, where this is an object or a list; else nil.
func (l *lowerer) inlinedNode(e *Ident, s *scope) *armtemplate.Node {
	local, sym := s.find(e.Name)
	if local != nil || sym == nil || sym.kind != symVar || !sym.mustInline() {
		return nil
	}
	if n, ok := l.nodes[sym]; ok {
		return n // nil while it is being made: the expression reports the cycle
	}
	var n *armtemplate.Node
	l.nodes[sym] = nil
	root := sym.unit.root()
	switch value := unwrap(sym.variable.Value).(type) {
	case *Object, *Array:
		n = l.node(value, root)
	case *Ident:
		n = l.inlinedNode(value, root)
	}
	l.nodes[sym] = n
	return n
}

// textNode is a text that is no expression, whatever it looks like.
func textNode(p armtemplate.Pos, s string) *armtemplate.Node {
	if strings.HasPrefix(s, "[") {
		return armtemplate.ExprNode(text(p, s))
	}
	return armtemplate.StringNode(p, s)
}

func spreads(items []Item) bool {
	for _, item := range items {
		if item.Spread {
			return true
		}
	}
	return false
}

// members makes the members of an object; those of omit are left out. Properties that are loops become copy loops.
func (l *lowerer) members(e *Object, s *scope, omit func(string) bool) []armtemplate.Member {
	list := make([]armtemplate.Member, 0, len(e.Items))
	var loops []*armtemplate.Node
	seen := make(map[string]int, len(e.Items))
	for _, item := range e.Items {
		if item.Resource != nil || item.Spread || item.Key == nil {
			continue
		}
		name, plain := keyText(item.Key)
		if plain && omit != nil && omit(name) {
			continue
		}
		p := s.unit.pos(item.Span)
		if loop, ok := unwrap(item.Value).(*For); ok && plain {
			loops = append(loops, l.copyNode(name, loop, s, copyName{name, true}))
			continue
		}
		m := armtemplate.Member{Name: l.memberName(item.Key, s), Value: l.node(item.Value, s), Pos: p}
		if at, dup := seen[m.Name]; dup {
			if plain {
				s.unit.fault(item.Key.Place(), "BCP025", "the property "+name+" is given more than once")
			}
			list[at] = m
			continue
		}
		seen[m.Name] = len(list)
		list = append(list, m)
	}
	if len(loops) > 0 {
		p := s.unit.pos(e.Span)
		list = append(list, armtemplate.Member{Name: "copy", Value: armtemplate.ArrayNode(p, loops...), Pos: p})
	}
	return list
}

// memberName is a key as it stands in a template. A property with the name copy is written so that it is no loop.
func (l *lowerer) memberName(key Expr, s *scope) string {
	name, ok := keyText(key)
	switch {
	case !ok:
		return "[" + l.expr(key, s).String() + "]"
	case strings.EqualFold(name, "copy"):
		return "[string('" + name + "')]"
	case strings.HasPrefix(name, "["):
		return "[" + name
	}
	return name
}

// copyName says how the index of a copy loop is asked for.
type copyName struct {
	name  string
	named bool // copyIndex('name'), not copyIndex()
}

// loopScope is the scope inside of a loop whose index is given.
func (l *lowerer) loopScope(f *For, s *scope, index *armtemplate.Expr) *scope {
	item := &binding{value: func() *armtemplate.Expr {
		return element(index.Pos, l.expr(f.In, s), index)
	}}
	if sym, i := symbolOf(f.In, s); sym != nil && i == nil && sym.isCollection() {
		item.element = sym
	}
	return s.with(f.Item.Text, item).with(f.Index.Text, &binding{cached: index})
}

func (l *lowerer) copyIndex(p armtemplate.Pos, c copyName) *armtemplate.Expr {
	if !c.named {
		return l.call(p, "copyIndex")
	}
	return l.call(p, "copyIndex", text(p, c.name))
}

// copyNode makes a copy loop of values: name, count and input. An empty name is left out.
func (l *lowerer) copyNode(name string, f *For, s *scope, c copyName) *armtemplate.Node {
	p := s.unit.pos(f.Span)
	list := make([]armtemplate.Member, 0, 3)
	if name != "" {
		list = append(list, armtemplate.Member{Name: "name", Value: armtemplate.StringNode(p, name), Pos: p})
	}
	list = append(list, l.countMember(f, s))
	inner := l.loopScope(f, s, l.copyIndex(p, c))
	input := l.node(f.Body, inner)
	switch input.Kind {
	case armtemplate.NodeObject, armtemplate.NodeString, armtemplate.NodeExpr:
	default:
		input = armtemplate.ExprNode(l.expr(f.Body, inner))
	}
	list = append(list, armtemplate.Member{Name: "input", Value: input, Pos: s.unit.pos(f.Body.Place())})
	return armtemplate.ObjectNode(p, list...)
}

func (l *lowerer) countMember(f *For, s *scope) armtemplate.Member {
	p := s.unit.pos(f.In.Place())
	return armtemplate.Member{Name: "count", Value: armtemplate.ExprNode(l.call(p, "length", l.expr(f.In, s))), Pos: p}
}

// named makes a member.
func named(name string, value *armtemplate.Node) armtemplate.Member {
	return armtemplate.Member{Name: name, Value: value, Pos: value.Pos}
}
