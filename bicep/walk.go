// SPDX-License-Identifier: Apache-2.0

package bicep

import "strings"

// A use is a place where an expression uses a name or calls a function.
type use struct {
	sym    *symbol // nil with call
	index  Expr    // of one element of a loop, nil: all of it or no loop
	scope  *scope  // of index
	prop   string  // property that is taken of it, "" for all
	method string  // method that is called on it
	call   string  // a function that is no symbol
	named  bool    // only its name is asked for
	at     Span
}

// uses finds what an expression uses, in the names that hold at its place. Nested resources are statements of their own
// and are passed over.
func uses(e Expr, s *scope, visit func(use)) {
	w := walker{visit}
	w.expr(e, s)
}

type walker struct{ visit func(use) }

func (w walker) list(s *scope, list ...Expr) {
	for _, e := range list {
		w.expr(e, s)
	}
}

func (w walker) expr(e Expr, s *scope) {
	switch e := e.(type) {
	case *Ident, *Nested:
		w.symbol(e, s, use{})
	case *Property:
		w.property(e, s)
	case *Index:
		w.index(e, s)
	case *MethodCall:
		w.method(e, s)
	case *Call:
		if _, sym := s.find(e.Name.Text); sym != nil {
			w.visit(use{sym: sym, at: e.Name.Span})
		} else {
			w.visit(use{call: e.Name.Text, at: e.Name.Span})
		}
		if e.Name.Text == "nameof" {
			outer := w.visit
			w.visit = func(u use) { u.named = true; outer(u) }
		}
		w.list(s, e.Args...)
	case *String:
		w.list(s, e.Holes...)
	case *Array:
		w.items(e.Items, s)
	case *Object:
		w.items(e.Items, s)
	case *NonNull:
		w.expr(e.Base, s)
	case *Unary:
		w.expr(e.Base, s)
	case *Binary:
		w.list(s, e.Left, e.Right)
	case *Ternary:
		w.list(s, e.Cond, e.Yes, e.No)
	case *Paren:
		w.expr(e.Inner, s)
	case *If:
		w.list(s, e.Cond, e.Body)
	case *Lambda:
		for _, p := range e.Params {
			s = s.with(p.Text, &binding{})
		}
		w.expr(e.Body, s)
	case *For:
		w.expr(e.In, s)
		w.expr(e.Body, s.with(e.Item.Text, &binding{}).with(e.Index.Text, &binding{}))
	}
}

func (w walker) items(list []Item, s *scope) {
	for _, item := range list {
		if item.Resource == nil {
			w.list(s, computedKey(item), item.Value)
		}
	}
}

// computedKey is the key of an item if it has holes, nil if it is a plain name.
func computedKey(i Item) Expr {
	if text, ok := i.Key.(*String); ok {
		return text
	}
	return nil
}

// symbol visits what e stands for if it is a symbol, and says whether it is one.
func (w walker) symbol(e Expr, s *scope, u use) bool {
	sym, index := symbolOf(e, s)
	if sym == nil {
		return false
	}
	u.sym, u.index, u.scope, u.at = sym, index, s, e.Place()
	w.visit(u)
	if index != nil {
		w.expr(index, s)
	}
	return true
}

func (w walker) property(e *Property, s *scope) {
	if !w.symbol(e.Base, s, use{prop: e.Name.Text}) {
		w.expr(e.Base, s)
	}
}

func (w walker) index(e *Index, s *scope) {
	if key, ok := keyText(e.Index); ok && isText(e.Index) {
		if w.symbol(e.Base, s, use{prop: key}) {
			return
		}
	}
	if !w.symbol(e, s, use{}) {
		w.list(s, e.Base, e.Index)
	}
}

func (w walker) method(e *MethodCall, s *scope) {
	switch ns, ok := e.Base.(*Ident); {
	case ok && isNamespace(ns.Name) && (s.unit.symbols[ns.Name] == nil || s.unit.symbols[ns.Name].kind == symExtension):
		w.visit(use{call: e.Name.Text, at: e.Name.Span})
	case w.symbol(e.Base, s, use{method: e.Name.Text}):
	default:
		w.expr(e.Base, s)
	}
	w.list(s, e.Args...)
}

func isText(e Expr) bool {
	_, ok := e.(*String)
	return ok
}

// symbolOf is the symbol that an expression stands for, and the index where it is one element of a loop; nil if it is
// none. Parentheses and ! change nothing.
func symbolOf(e Expr, s *scope) (*symbol, Expr) {
	switch e := e.(type) {
	case *Ident:
		_, sym := s.find(e.Name)
		return sym, nil
	case *Nested:
		base, index := symbolOf(e.Base, s)
		if base == nil || base.nested == nil {
			return nil, nil
		}
		return base.nested[e.Name.Text], index
	case *Index:
		base, index := symbolOf(e.Base, s)
		if base == nil || index != nil || e.FromEnd || e.Safe || !base.isCollection() || isText(e.Index) {
			return nil, nil
		}
		return base, e.Index
	case *Paren:
		return symbolOf(e.Inner, s)
	case *NonNull:
		return symbolOf(e.Base, s)
	}
	return nil, nil
}

func (s *symbol) isCollection() bool {
	return (s.kind == symResource || s.kind == symModule) && s.loop != nil || s.outer != nil && s.outer.isCollection()
}

func (s *symbol) isExisting() bool {
	return s.resource != nil && s.resource.Existing
}

// isInfo says of a property of a resource whether it is known before the resource is there.
func isInfo(name string) bool {
	switch name {
	case "id", "name", "type", "apiVersion":
		return true
	}
	return false
}

// runsLate says of a function whether its result is known only while the deployment runs, so that no variable may hold it.
func runsLate(name string) bool {
	switch name {
	case "reference", "toLogicalZone", "toLogicalZones", "toPhysicalZone", "toPhysicalZones", "externalInput", "getSecret":
		return true
	}
	return strings.HasPrefix(name, "list")
}

// mustInline says of a variable whether each use is to be replaced by its value, because the value is known only while
// the deployment runs; and of an existing resource whether its name is such a value, so that it has no place in the
// template and is named by its ID.
func (s *symbol) mustInline() bool {
	switch s.inline {
	case yes:
		return true
	case no, asking: // a cycle is reported where the value is made
		return false
	default:
	}
	s.inline = asking
	late := false
	visit := func(u use) { late = late || u.late() }
	switch {
	case s.kind == symVar:
		uses(s.variable.Value, s.unit.root(), visit)
	case s.isExisting():
		late = s.lateExisting(visit, &late)
	}
	s.inline = no
	if late {
		s.inline = yes
	}
	return late
}

// late says whether a use is known only while the deployment runs.
func (u use) late() bool {
	if u.named {
		return false
	}
	if u.sym == nil {
		return runsLate(u.call)
	}
	switch u.sym.kind {
	case symVar:
		return u.sym.mustInline()
	case symModule:
		return u.prop != "name"
	case symResource:
		if u.method != "" || !isInfo(u.prop) {
			return true
		}
		return (u.prop == "id" || u.prop == "name") && u.sym.isExisting() && u.sym.mustInline()
	default:
		return false
	}
}

func (s *symbol) lateExisting(visit func(use), late *bool) bool {
	if p := s.parent(); p != nil && p.isExisting() && p.mustInline() {
		return true
	}
	if s.body == nil {
		return false
	}
	names := s.names()
	if e := s.body.property("scope"); e != nil {
		if target, _ := symbolOf(e, names); target != nil && target.isExisting() && target.mustInline() {
			return true
		}
	}
	for _, item := range s.body.Items {
		switch key, _ := keyText(item.Key); key {
		case "dependsOn", "parent", "scope":
		default:
			walker{visit}.items([]Item{item}, names)
		}
	}
	return *late
}

// parent is the resource that this one is a child of: the one it is nested in, or the one its property parent names.
func (s *symbol) parent() *symbol {
	if s.outer != nil {
		return s.outer
	}
	if s.body == nil {
		return nil
	}
	if e := s.body.property("parent"); e != nil {
		if p, _ := symbolOf(e, s.names()); p != nil && p.kind == symResource && p != s {
			return p
		}
	}
	return nil
}

// names is the scope of the body, as far as names go.
func (s *symbol) names() *scope {
	sc := s.unit.root()
	if s.outer != nil {
		sc = s.outer.names()
	}
	if s.kind == symResource {
		sc = &scope{up: sc, unit: s.unit, res: s}
	}
	if s.loop != nil {
		sc = sc.with(s.loop.Item.Text, &binding{}).with(s.loop.Index.Text, &binding{})
	}
	return sc
}
