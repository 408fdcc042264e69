// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strconv"

	"github.com/mivet/mivet/armtemplate"
)

// A shape is as much of a type as evaluation needs.
type shape struct {
	base     string // string, int, bool, object, array; "" if it is not known or may be several
	secure   bool
	nullable bool
	values   []*armtemplate.Node // the values that it has, where it is made of literals
}

// shape finds the shape of a type.
func (l *lowerer) shape(e Expr, u *unit, level int) shape {
	if level > maxAncestors {
		return shape{}
	}
	p := func() armtemplate.Pos { return u.pos(e.Place()) }
	switch e := e.(type) {
	case *Ident:
		return l.namedShape(e, u, level)
	case *Paren:
		return l.shape(e.Inner, u, level+1)
	case *NonNull:
		sh := l.shape(e.Base, u, level+1)
		sh.nullable = false
		return sh
	case *Nullable:
		sh := l.shape(e.Base, u, level+1)
		sh.nullable = true
		return sh
	case *ArrayOf, *TupleType:
		return shape{base: "array"}
	case *ObjectType, *Generic:
		return shape{base: "object"}
	case *ResourceType:
		return shape{base: "string"}
	case *String:
		if len(e.Holes) == 0 {
			return shape{base: "string", values: []*armtemplate.Node{textNode(p(), e.Parts[0])}}
		}
	case *Int:
		return shape{base: "int", values: []*armtemplate.Node{number(p(), int64(e.Value))}}
	case *Unary:
		if n, ok := e.Base.(*Int); ok {
			return shape{base: "int", values: []*armtemplate.Node{number(p(), -int64(n.Value))}}
		}
		return shape{base: "bool"}
	case *Bool:
		return shape{base: "bool", values: []*armtemplate.Node{{Kind: armtemplate.NodeBool, Bool: e.Value, Pos: p()}}}
	case *Null:
		return shape{nullable: true}
	case *Union:
		return l.unionShape(e, u, level)
	case *Property, *Index, *Element:
		if sub, at := l.typePart(e, u, level); sub != nil {
			return l.shape(sub, at, level+1)
		}
	}
	return shape{}
}

func number(p armtemplate.Pos, n int64) *armtemplate.Node {
	return &armtemplate.Node{Kind: armtemplate.NodeNumber, Text: strconv.FormatInt(n, 10), Pos: p}
}

func (l *lowerer) namedShape(e *Ident, u *unit, level int) shape {
	decl, at := l.typeDecl(e, u)
	if decl != nil {
		sh := l.shape(decl.Value, at, level+1)
		sh.secure = sh.secure || decorator(decl, "secure") != nil
		return sh
	}
	switch e.Name {
	case "string", "int", "bool", "object", "array":
		return shape{base: e.Name}
	}
	return shape{}
}

// typeDecl finds the declaration of a named type, here or in another file.
func (l *lowerer) typeDecl(e *Ident, u *unit) (*TypeDecl, *unit) {
	sym := u.symbols[e.Name]
	if sym != nil && sym.kind == symImport {
		sym = l.resolveImport(sym)
	}
	if sym == nil || sym.kind != symType {
		return nil, nil
	}
	return sym.typeDecl, sym.unit
}

func (l *lowerer) unionShape(e *Union, u *unit, level int) shape {
	var sh shape
	literals := true
	for i, m := range e.Members {
		one := l.shape(m, u, level+1)
		if i == 0 || sh.base == "" {
			sh.base = one.base
		}
		sh.secure = sh.secure || one.secure
		sh.nullable = sh.nullable || one.nullable
		literals = literals && (len(one.values) > 0 || one.base == "" && one.nullable)
		sh.values = append(sh.values, one.values...)
	}
	if !literals {
		sh.values = nil
	}
	return sh
}

// typePart finds the type that a path into another type leads to: base.name, base[0], base[*], base.*.
func (l *lowerer) typePart(e Expr, u *unit, level int) (Expr, *unit) {
	if level > maxAncestors {
		return nil, nil
	}
	switch e := e.(type) {
	case *Property:
		return l.typeProperty(e, u, level)
	case *Index:
		base, at := l.typeBody(e.Base, u, level+1)
		if tuple, ok := base.(*TupleType); ok {
			if i, ok := e.Index.(*Int); ok && i.Value < uint64(len(tuple.Entries)) {
				return tuple.Entries[i.Value].Type, at
			}
		}
		if name, ok := keyText(e.Index); ok {
			return entry(base, name), at
		}
	case *Element:
		base, at := l.typeBody(e.Base, u, level+1)
		if list, ok := base.(*ArrayOf); ok && e.Star == LeftSquare {
			return list.Item, at
		}
		if e.Star == Dot {
			return entry(base, "*"), at
		}
	}
	return nil, nil
}

func (l *lowerer) typeProperty(e *Property, u *unit, level int) (Expr, *unit) {
	if id, ok := e.Base.(*Ident); ok {
		sym := u.symbols[id.Name]
		switch {
		case sym == nil && isNamespace(id.Name):
			return &Ident{e.Name.Span, e.Name.Text}, &unit{c: u.c, file: u.file, name: u.name} // built-in types, no declared ones
		case sym != nil && sym.kind == symWildcard:
			if other := l.wildcardSymbol(sym, e.Name); other != nil && other.kind == symType {
				return other.typeDecl.Value, other.unit
			}
			return nil, nil
		}
	}
	base, at := l.typeBody(e.Base, u, level+1)
	return entry(base, e.Name.Text), at
}

// typeBody follows names and paths to the type that they stand for.
func (l *lowerer) typeBody(e Expr, u *unit, level int) (Expr, *unit) {
	for ; e != nil && level <= maxAncestors; level++ {
		switch inner := e.(type) {
		case *Ident:
			decl, at := l.typeDecl(inner, u)
			if decl == nil {
				return nil, nil
			}
			e, u = decl.Value, at
		case *Paren:
			e = inner.Inner
		case *NonNull:
			e = inner.Base
		case *Nullable:
			e = inner.Base
		case *Property, *Index, *Element:
			e, u = l.typePart(e, u, level+1)
		default:
			return e, u
		}
	}
	return nil, nil
}

// entry is the type of a property of an object type; * is that of all others.
func entry(t Expr, name string) Expr {
	o, ok := t.(*ObjectType)
	if !ok {
		return nil
	}
	for _, e := range o.Entries {
		key, plain := keyText(e.Key)
		if e.Any && name == "*" || plain && key == name {
			return e.Type
		}
	}
	return nil
}

// Decorators whose argument a parameter keeps.
var limits = []string{"minLength", "maxLength", "minValue", "maxValue"}

// typeMembers makes the members of a parameter or output that come from its type and its decorators.
func (l *lowerer) typeMembers(t Expr, u *unit, decorators []Decorator, p armtemplate.Pos) []armtemplate.Member {
	sh := shape{}
	if t != nil {
		l.checkType(t, u)
		sh = l.shape(t, u, 0)
	}
	if findDecorator(decorators, "secure") != nil {
		sh.secure = true
	}
	name := sh.base
	switch {
	case sh.secure && name == "string":
		name = "securestring"
	case sh.secure && name == "object":
		name = "secureObject"
	}
	var list []armtemplate.Member
	if name != "" {
		list = append(list, named("type", armtemplate.StringNode(p, name)))
	}
	if sh.nullable {
		list = append(list, named("nullable", &armtemplate.Node{Kind: armtemplate.NodeBool, Bool: true, Pos: p}))
	}
	if d := findDecorator(decorators, "allowed"); d != nil {
		if _, args := decoratorCall(d); len(args) == 1 {
			list = append(list, named("allowedValues", l.node(args[0], u.root())))
		}
	} else if len(sh.values) > 0 {
		list = append(list, named("allowedValues", armtemplate.ArrayNode(p, sh.values...)))
	}
	for _, limit := range limits {
		if d := findDecorator(decorators, limit); d != nil {
			if _, args := decoratorCall(d); len(args) == 1 {
				list = append(list, named(limit, l.node(args[0], u.root())))
			}
		}
	}
	return list
}

// checkType reports names in a type that stand for no type.
func (l *lowerer) checkType(t Expr, u *unit) {
	switch t := t.(type) {
	case *Ident:
		switch t.Name {
		case "string", "int", "bool", "object", "array", "any":
			return
		}
		if sym := u.symbols[t.Name]; sym == nil || sym.kind != symType && sym.kind != symImport {
			u.fault(t.Span, "BCP302", "there is no type with the name "+t.Name)
		}
	case *ArrayOf:
		l.checkType(t.Item, u)
	case *Nullable:
		l.checkType(t.Base, u)
	case *Paren:
		l.checkType(t.Inner, u)
	case *Union:
		for _, m := range t.Members {
			l.checkType(m, u)
		}
	case *ObjectType:
		for _, e := range t.Entries {
			l.checkType(e.Type, u)
		}
	case *TupleType:
		for _, e := range t.Entries {
			l.checkType(e.Type, u)
		}
	}
}
