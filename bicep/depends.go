// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"slices"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// A dependency is a resource or module that must be there before another one.
type dependency struct {
	sym   *symbol
	index *armtemplate.Expr // of one element, nil: all
}

// dependencies finds what a resource or module hangs on: what its text uses, itself or through variables.
func (l *lowerer) dependencies(sym *symbol, s *scope) []dependency {
	var list []dependency
	put := func(d dependency) {
		if d.sym != sym {
			list = append(list, d)
		}
	}
	sym.eachUse(func(u use) {
		if !l.isTerminal(u) {
			for _, target := range l.closure(u.sym) {
				put(dependency{sym: target})
			}
			return
		}
		d := dependency{sym: u.sym}
		if u.index != nil && !usesInner(u.index, u.scope, sym) {
			d.index = l.expr(u.index, s)
		}
		put(d)
	})
	return tidy(list)
}

// tidy sorts dependencies and drops what is there twice: an element, where all of its loop is there.
func tidy(list []dependency) []dependency {
	key := func(d dependency) string {
		if d.index == nil {
			return d.sym.symbolic()
		}
		return d.sym.symbolic() + "[" + d.index.String() + "]"
	}
	whole := map[*symbol]bool{}
	for _, d := range list {
		if d.index == nil {
			whole[d.sym] = true
		}
	}
	list = slices.DeleteFunc(list, func(d dependency) bool { return d.index != nil && whole[d.sym] })
	slices.SortStableFunc(list, func(a, b dependency) int { return strings.Compare(key(a), key(b)) })
	return slices.CompactFunc(list, func(a, b dependency) bool { return key(a) == key(b) })
}

// isTerminal says whether a use itself is what must be there before. An existing resource is only where its state is read:
// of its ID and name it is enough to know what they hang on.
func (l *lowerer) isTerminal(u use) bool {
	switch u.sym.kind {
	case symModule:
		return true
	case symResource:
		return !u.sym.isExisting() || !u.weak() && !(u.sym.mustInline() && !u.sym.foreign)
	default:
		return false
	}
}

// weak says whether a use reads nothing of the state of a resource.
func (u use) weak() bool { return u.method != "" || isInfo(u.prop) }

// eachUse visits the variables, resources and modules that a declaration uses.
func (s *symbol) eachUse(visit func(use)) {
	only := func(u use) {
		if u.sym != nil && (u.sym.kind == symVar || u.sym.kind == symModule || u.sym.kind == symResource) {
			visit(u)
		}
	}
	switch decl := s.decl.(type) {
	case *Var:
		uses(decl.Value, s.unit.root(), only)
	case *Resource, *Module:
		s.bodyUses(only)
	}
}

// bodyUses visits the uses of a body. What stands in parent and scope names a resource and reads nothing of it.
func (s *symbol) bodyUses(visit func(use)) {
	outer := s.unit.root()
	if s.outer != nil {
		outer = s.outer.names()
		visit(use{sym: s.outer, prop: "id"})
	}
	names := s.names()
	if s.loop != nil {
		uses(s.loop.In, outer, visit)
	}
	if s.conds != nil {
		uses(s.conds, names, visit)
	}
	if s.body == nil {
		return
	}
	for _, item := range s.body.Items {
		see := visit
		if key, _ := keyText(item.Key); key == "parent" || key == "scope" {
			see = func(u use) {
				if u.prop == "" && u.method == "" {
					u.prop = "id"
				}
				visit(u)
			}
		}
		walker{see}.items([]Item{item}, names)
	}
}

// closure are the resources and modules that a variable or an existing resource hangs on.
func (l *lowerer) closure(sym *symbol) []*symbol {
	if list, ok := l.closures[sym]; ok {
		return list
	}
	l.closures[sym] = nil // a cycle adds nothing
	if sym.kind == symVar && !sym.mustInline() && sym.unit != l.u {
		return nil
	}
	seen := map[*symbol]bool{}
	var list []*symbol
	put := func(s *symbol) {
		if !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	sym.eachUse(func(u use) {
		if l.isTerminal(u) {
			put(u.sym)
			return
		}
		for _, s := range l.closure(u.sym) {
			put(s)
		}
	})
	l.closures[sym] = list
	return list
}

// usesInner says whether an index uses a variable that is not one of the loop of the resource itself, so that it means
// nothing outside of the place where it stands.
func usesInner(index Expr, at *scope, sym *symbol) bool {
	inner := false
	own := sym.names()
	check := func(name string) {
		b, _ := at.find(name)
		if b == nil {
			return
		}
		if o, _ := own.find(name); o == nil {
			inner = true
		}
	}
	idents(index, check)
	return inner
}

// idents visits the names in an index.
func idents(e Expr, visit func(string)) {
	switch e := e.(type) {
	case *Ident:
		visit(e.Name)
	case *Property:
		idents(e.Base, visit)
	case *Index:
		idents(e.Base, visit)
		idents(e.Index, visit)
	case *Binary:
		idents(e.Left, visit)
		idents(e.Right, visit)
	case *Unary:
		idents(e.Base, visit)
	case *Paren:
		idents(e.Inner, visit)
	case *NonNull:
		idents(e.Base, visit)
	case *Ternary:
		idents(e.Cond, visit)
		idents(e.Yes, visit)
		idents(e.No, visit)
	case *Call:
		for _, a := range e.Args {
			idents(a, visit)
		}
	case *MethodCall:
		idents(e.Base, visit)
		for _, a := range e.Args {
			idents(a, visit)
		}
	case *String:
		for _, h := range e.Holes {
			idents(h, visit)
		}
	}
}
