// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// Version of the resource type that a module is deployed as.
// https://learn.microsoft.com/azure/templates/microsoft.resources/deployments
const (
	deploymentType    = "Microsoft.Resources/deployments"
	deploymentVersion = "2025-04-01"
)

// property makes base.name and base.?name.
func (l *lowerer) property(e *Property, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	return l.take(taken{base: e.Base, name: e.Name.Text, safe: e.Safe}, p, s)
}

// taken is a property that is taken of an expression.
type taken struct {
	base Expr
	name string
	safe bool
}

func (l *lowerer) take(t taken, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	if id, ok := t.base.(*Ident); ok {
		local, sym := s.find(id.Name)
		switch {
		case sym != nil && sym.kind == symWildcard:
			return l.wildcardValue(sym, t.name, p, id.Span, s)
		case sym == nil && local == nil && id.Name == "base" && s.unit.file.Parameters:
			return l.baseValue(s.unit, t.name, p, id.Span, s)
		}
	}
	if sym, index, ok := l.denoted(t.base, s); ok {
		if sym.kind == symResource {
			return l.resourceProperty(sym, index, t, p)
		}
		return l.moduleProperty(sym, index, t, p)
	}
	if param := resourceParam(t.base, s); param != nil {
		return l.resourceParamProperty(param, t, p)
	}
	if outputs, ok := unwrap(t.base).(*Property); ok && outputs.Name.Text == "outputs" && l.isModule(outputs.Base, s) {
		return l.moduleOutput(outputs, t, p, s)
	}
	base := l.expr(t.base, s)
	return l.access(base, text(p, t.name), accessFlags{safe: t.safe, chained: isAccess(t.base)}, p)
}

// unwrap takes off what has no meaning at run time.
func unwrap(e Expr) Expr {
	for {
		switch inner := e.(type) {
		case *NonNull:
			e = inner.Base
		case *Paren:
			e = inner.Inner
		default:
			return e
		}
	}
}

// denoted says which resource or module an expression stands for as a whole, and the index of the element of a loop.
// Variables that are replaced by their values stand for what these do.
func (l *lowerer) denoted(e Expr, s *scope) (sym *symbol, index *armtemplate.Expr, ok bool) {
	for range maxDepth {
		at, i := symbolOf(e, s)
		switch {
		case at == nil:
			return nil, nil, false
		case at.kind == symVar && i == nil && at.mustInline():
			e, s = at.variable.Value, at.unit.root()
			continue
		case at.kind != symResource && at.kind != symModule:
			return nil, nil, false
		case i != nil:
			index = l.expr(i, s)
		}
		return at, index, true
	}
	return nil, nil, false
}

// isModule says whether an expression surely gives a module, so that its outputs are wrapped in objects.
func (l *lowerer) isModule(e Expr, s *scope) bool {
	switch e := unwrap(e).(type) {
	case *Ternary:
		return l.isModule(e.Yes, s) && l.isModule(e.No, s)
	case *Ident:
		if local, _ := s.find(e.Name); local != nil {
			return local.element != nil && local.element.kind == symModule
		}
	}
	sym, _, ok := l.denoted(e, s)
	return ok && sym.kind == symModule
}

type accessFlags struct{ safe, fromEnd, chained bool }

// isAccess says whether a base is itself a property or element, so that a missing one before it makes all of it null.
func isAccess(e Expr) bool {
	switch e := e.(type) {
	case *Property, *Index:
		return true
	case *NonNull:
		return isAccess(e.Base)
	case *Call:
		return e.Name.Text == "any" && len(e.Args) == 1 && isAccess(e.Args[0])
	}
	return false
}

func isTry(e *armtemplate.Expr) bool {
	return e.Kind == armtemplate.ExprCall && (e.Text == "tryGet" || e.Text == "tryIndexFromEnd")
}

// access takes a property or element of a value.
func (l *lowerer) access(base, key *armtemplate.Expr, f accessFlags, p armtemplate.Pos) *armtemplate.Expr {
	switch {
	case f.safe && f.fromEnd:
		return l.call(p, "tryIndexFromEnd", base, key)
	case f.safe:
		return l.call(p, "tryGet", base, key)
	case f.chained && isTry(base):
		if f.fromEnd {
			key = l.call(p, "createObject", text(p, "value"), key, text(p, "fromEnd"), l.call(p, "true"))
		}
		args := append(append([]*armtemplate.Expr{}, base.Args...), key)
		return l.call(p, base.Text, args...)
	case f.fromEnd:
		return l.call(p, "indexFromEnd", base, key)
	case key.Kind == armtemplate.ExprString:
		return member(p, base, key.Text)
	}
	return element(p, base, key)
}

// index makes base[index] in its four forms.
func (l *lowerer) index(e *Index, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	if name, ok := keyText(e.Index); ok && isText(e.Index) && !e.FromEnd {
		return l.take(taken{base: e.Base, name: name, safe: e.Safe}, p, s)
	}
	if sym, index, ok := l.denoted(e, s); ok {
		return l.symbol(sym, index, p, e.Span, s)
	}
	base := l.expr(e.Base, s)
	return l.access(base, l.expr(e.Index, s), accessFlags{e.Safe, e.FromEnd, isAccess(e.Base)}, p)
}

// nested makes the value of base::name.
func (l *lowerer) nested(e *Nested, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	if sym, index, ok := l.denoted(e, s); ok {
		return l.symbol(sym, index, p, e.Span, s)
	}
	s.unit.fault(e.Name.Span, "BCP159", "the resource before :: has no nested resource with the name "+e.Name.Text)
	return l.faulty(p)
}

// handle is the symbolic name by which the template knows a resource or module, with the index of an element.
func (l *lowerer) handle(sym *symbol, index *armtemplate.Expr, p armtemplate.Pos) *armtemplate.Expr {
	name := sym.symbolic()
	if index == nil {
		return text(p, name)
	}
	return l.call(p, "format", text(p, name+"[{0}]"), index)
}

// symbolic is the name of a resource in the template: nested ones have those of the outer ones before it.
func (s *symbol) symbolic() string {
	if s.outer == nil {
		return s.name
	}
	return s.outer.symbolic() + "::" + s.name
}

// reference makes the call that gives the state of a resource: all of it, or its properties.
func (l *lowerer) reference(sym *symbol, index *armtemplate.Expr, p armtemplate.Pos, full bool) *armtemplate.Expr {
	if sym.isCollection() && index == nil {
		if full && !sym.foreign {
			return l.call(p, "references", l.handle(sym, nil, p), text(p, "full"))
		}
		return l.call(p, "references", l.handle(sym, nil, p))
	}
	byID := !sym.foreign && (index != nil && !l.u.usesSymbols() || sym.isExisting() && sym.mustInline())
	target := l.handle(sym, index, p)
	if byID {
		target = l.resourceID(sym, index, p)
	}
	switch {
	case sym.foreign:
		return l.call(p, "reference", target)
	case full:
		return l.call(p, "reference", target, text(p, sym.version), text(p, "full"))
	case byID:
		return l.call(p, "reference", target, text(p, sym.version))
	}
	return l.call(p, "reference", target)
}

func (l *lowerer) moduleReference(sym *symbol, index *armtemplate.Expr, p armtemplate.Pos) *armtemplate.Expr {
	if sym.isCollection() && index == nil {
		return l.call(p, "references", l.handle(sym, nil, p))
	}
	if index != nil && !l.u.usesSymbols() {
		return l.call(p, "reference", l.moduleID(sym, index, p), text(p, deploymentVersion))
	}
	return l.call(p, "reference", l.handle(sym, index, p))
}

// moduleID makes the ID of the deployment that a module is.
func (l *lowerer) moduleID(sym *symbol, index *armtemplate.Expr, p armtemplate.Pos) *armtemplate.Expr {
	s := l.bodyScope(sym, index)
	return l.placedID(l.placeOf(sym, s, 0), p, text(p, deploymentType), l.moduleName(sym, s, index, p))
}

// guard makes a value null where the resource or module it is of is not deployed; only .? asks for it.
func (l *lowerer) guard(sym *symbol, index, value *armtemplate.Expr, safe bool, p armtemplate.Pos) *armtemplate.Expr {
	if !safe {
		return value
	}
	cond := l.condition(sym, l.bodyScope(sym, index))
	if cond == nil {
		return value
	}
	return l.call(p, "if", cond, value, l.call(p, "null"))
}

// resourceProperty makes a property of a resource: what the template says itself, or what only its state tells.
func (l *lowerer) resourceProperty(sym *symbol, index *armtemplate.Expr, t taken, p armtemplate.Pos) *armtemplate.Expr {
	if sym.foreign {
		return l.access(l.reference(sym, index, p, false), text(p, t.name), accessFlags{safe: t.safe}, p)
	}
	if sym.isCollection() && index == nil {
		return l.access(l.reference(sym, nil, p, true), text(p, t.name), accessFlags{safe: t.safe}, p)
	}
	switch t.name {
	case "id":
		return l.guard(sym, index, l.resourceID(sym, index, p), t.safe, p)
	case "name":
		return l.guard(sym, index, l.ownName(sym, l.bodyScope(sym, index), p), t.safe, p)
	case "type":
		return text(p, sym.typeName)
	case "apiVersion":
		return text(p, sym.version)
	case "properties":
		if !t.safe {
			return l.reference(sym, index, p, false)
		}
	}
	state := l.guard(sym, index, l.reference(sym, index, p, true), t.safe, p)
	return l.access(state, text(p, t.name), accessFlags{safe: t.safe}, p)
}

// moduleProperty makes a property of a module.
func (l *lowerer) moduleProperty(sym *symbol, index *armtemplate.Expr, t taken, p armtemplate.Pos) *armtemplate.Expr {
	switch {
	case t.name == "name":
		return l.guard(sym, index, l.moduleName(sym, l.bodyScope(sym, index), index, p), t.safe, p)
	case t.name == "outputs" && l.secureOutputs(sym, ""):
		call := l.call(p, "listOutputsWithSecureValues", l.handle(sym, index, p), text(p, deploymentVersion))
		return l.guard(sym, index, call, t.safe, p)
	}
	base := l.guard(sym, index, l.moduleReference(sym, index, p), t.safe, p)
	return l.access(base, text(p, t.name), accessFlags{safe: t.safe}, p)
}

// moduleOutput makes the value of module.outputs.name. The state of a deployment has it in an object of its own.
func (l *lowerer) moduleOutput(outputs *Property, t taken, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	tail := []string{t.name, "value"}
	var base *armtemplate.Expr
	if sym, index, ok := l.denoted(outputs.Base, s); ok && sym.kind == symModule {
		if l.secureOutputs(sym, t.name) {
			tail = tail[:1]
			base = l.call(p, "listOutputsWithSecureValues", l.handle(sym, index, p), text(p, deploymentVersion))
			base = l.guard(sym, index, base, outputs.Safe, p)
		} else {
			base = l.guard(sym, index, l.moduleReference(sym, index, p), outputs.Safe, p)
			base = l.access(base, text(p, "outputs"), accessFlags{safe: outputs.Safe}, p)
		}
	} else {
		base = l.access(l.expr(outputs.Base, s), text(p, "outputs"), accessFlags{safe: outputs.Safe, chained: isAccess(outputs.Base)}, p)
	}
	if !t.safe && isGuarded(base) {
		return l.call(p, "tryGet", append([]*armtemplate.Expr{base}, texts(p, tail)...)...)
	}
	for _, name := range tail {
		base = l.access(base, text(p, name), accessFlags{safe: t.safe, chained: true}, p)
	}
	return base
}

// isGuarded recognises if(…, …, null()).
func isGuarded(e *armtemplate.Expr) bool {
	return e.Kind == armtemplate.ExprCall && e.Text == "if" && len(e.Args) == 3 &&
		e.Args[2].Kind == armtemplate.ExprCall && e.Args[2].Text == "null"
}

func texts(p armtemplate.Pos, list []string) []*armtemplate.Expr {
	out := make([]*armtemplate.Expr, len(list))
	for i, s := range list {
		out[i] = text(p, s)
	}
	return out
}

// resourceParam is the parameter that an expression stands for if its type is that of a resource.
func resourceParam(e Expr, s *scope) *symbol {
	sym, _ := symbolOf(e, s)
	if sym == nil || sym.kind != symParam {
		return nil
	}
	if _, ok := sym.param.Type.(*ResourceType); !ok {
		return nil
	}
	return sym
}

// resourceParamProperty makes a property of a resource that is passed as a parameter: the parameter holds its ID.
func (l *lowerer) resourceParamProperty(sym *symbol, t taken, p armtemplate.Pos) *armtemplate.Expr {
	id := l.call(p, "parameters", text(p, sym.name))
	typeName, version := "", ""
	if text, ok := sym.param.Type.(*ResourceType).Type.(*String); ok && len(text.Holes) == 0 {
		typeName, version, _ = strings.Cut(text.Parts[0], "@")
	}
	switch t.name {
	case "id":
		return id
	case "type":
		return text(p, typeName)
	case "apiVersion":
		return text(p, version)
	case "name":
		return l.call(p, "last", l.call(p, "split", id, text(p, "/")))
	case "properties":
		if !t.safe {
			return l.call(p, "reference", id, text(p, version))
		}
	}
	state := l.call(p, "reference", id, text(p, version), text(p, "full"))
	return l.access(state, text(p, t.name), accessFlags{safe: t.safe}, p)
}
