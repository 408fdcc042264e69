// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strings"
)

// symbolKind says what a name stands for.
type symbolKind uint8

const (
	symParam symbolKind = iota
	symVar
	symResource
	symModule
	symFunc
	symType
	symImport    // a name of another file
	symWildcard  // all exported names of another file
	symExtension // the namespace of an extension
	symOther     // a test or assertion: it has a name, and nothing can be said of it
)

// A symbol is a declared name.
type symbol struct {
	kind symbolKind
	name string
	at   Span
	unit *unit
	decl Statement

	// decl, as what it is
	param     *Param
	variable  *Var
	function  *Func
	typeDecl  *TypeDecl
	resource  *Resource
	module    *Module
	imports   *Import
	extension *Extension

	// of resources and modules
	loop     *For
	conds    Expr    // the condition, nil: none
	body     *Object // nil if the body is no object
	outer    *symbol // the resource that this one is nested in
	nested   map[string]*symbol
	children []*symbol // nested ones, in order
	typeName string    // with the segments of outer
	version  string
	foreign  bool   // its type belongs to an extension
	alias    string // name of that extension

	imported string // of an import: the name in the other file

	inline state // whether a variable must be replaced by its value, or an existing resource has no place in the template
}

// state is that of a question that may hang on itself.
type state uint8

const (
	unasked state = iota
	asking
	no
	yes
)

// A unit is a file with its names bound.
type unit struct {
	c       *compiler
	file    *File
	name    string
	scope   string // targetScope
	symbols map[string]*symbol
	order   []*symbol
	outputs map[string]*Output
	exports map[string]*symbol // names with @export()
	base    *unit              // of a parameter file: the one that it extends

	symbolic state // whether the file needs symbolic names
}

// bind parses a file and finds its names.
func (c *compiler) bind(name, text string) *unit {
	f := parse(c.shown(name), text, strings.HasSuffix(strings.ToLower(name), ".bicepparam"))
	c.diagnostics = append(c.diagnostics, f.Diagnostics...)
	u := &unit{c: c, file: f, name: name, scope: "resourceGroup", symbols: map[string]*symbol{}, outputs: map[string]*Output{}, exports: map[string]*symbol{}}
	c.units[name] = u
	for _, s := range f.Statements {
		u.declare(s)
	}
	return u
}

func (u *unit) fault(at Span, code, message string) { u.c.fault(u.file, at, code, message) }

func (u *unit) declare(s Statement) {
	switch s := s.(type) {
	case *TargetScope:
		u.targetScope(s)
	case *Param:
		u.add(symParam, s.Name, s)
	case *Var:
		u.add(symVar, s.Name, s)
	case *Func:
		u.add(symFunc, s.Name, s)
	case *TypeDecl:
		u.add(symType, s.Name, s)
	case *Test:
		u.add(symOther, s.Name, s)
	case *Assert:
		u.add(symOther, s.Name, s)
	case *Output:
		if u.outputs[s.Name.Text] != nil {
			u.fault(s.Name.Span, "BCP145", "there is another output with this name")
		}
		u.outputs[s.Name.Text] = s
	case *Resource:
		u.resource(s, nil)
	case *Module:
		sym := u.add(symModule, s.Name, s)
		sym.unfold(s.Body)
	case *Import:
		u.imports(s)
	case *Extension:
		u.extension(s)
	case *Metadata, *Using, *Extends, *ExtensionConfig, *BadStatement:
	}
}

// add declares a name in the file. A name that is missing in the text declares nothing, but the statement stays.
func (u *unit) add(kind symbolKind, name Name, decl Statement) *symbol {
	sym := u.symbol(kind, name, decl)
	u.order = append(u.order, sym)
	if name.Text == "" {
		return sym
	}
	if u.symbols[name.Text] != nil {
		u.fault(name.Span, "BCP028", "the name "+name.Text+" is declared more than once")
		return sym
	}
	u.symbols[name.Text] = sym
	if decorator(decl, "export") != nil {
		u.exports[name.Text] = sym
	}
	return sym
}

func (u *unit) symbol(kind symbolKind, name Name, decl Statement) *symbol {
	sym := &symbol{kind: kind, name: name.Text, at: name.Span, unit: u, decl: decl}
	switch decl := decl.(type) {
	case *Param:
		sym.param = decl
	case *Var:
		sym.variable = decl
	case *Func:
		sym.function = decl
	case *TypeDecl:
		sym.typeDecl = decl
	case *Resource:
		sym.resource = decl
	case *Module:
		sym.module = decl
	case *Import:
		sym.imports = decl
	case *Extension:
		sym.extension = decl
	}
	return sym
}

func (u *unit) targetScope(s *TargetScope) {
	text, ok := s.Value.(*String)
	if !ok || len(text.Holes) > 0 {
		return
	}
	switch text.Parts[0] {
	case "resourceGroup", "subscription", "managementGroup", "tenant":
		u.scope = text.Parts[0]
	case "local":
	default:
		u.fault(text.Span, "BCP033", "a file is deployed to a resourceGroup, subscription, managementGroup or tenant")
	}
}

// resource declares a resource and those nested in it.
func (u *unit) resource(s *Resource, outer *symbol) {
	var sym *symbol
	if outer == nil {
		sym = u.add(symResource, s.Name, s)
	} else {
		sym = u.symbol(symResource, s.Name, s)
		sym.outer = outer
		u.order = append(u.order, sym)
		outer.children = append(outer.children, sym)
		if outer.nested[sym.name] != nil {
			u.fault(s.Name.Span, "BCP028", "the name "+sym.name+" is declared more than once")
		} else if sym.name != "" {
			if outer.nested == nil {
				outer.nested = map[string]*symbol{}
			}
			outer.nested[sym.name] = sym
		}
	}
	sym.unfold(s.Body)
	u.resourceType(sym, s)
	if u.c.opts.TypeName != nil && !sym.foreign {
		if name := u.c.opts.TypeName(sym.typeName); name != "" {
			sym.typeName = name
		}
	}
	if sym.body == nil {
		return
	}
	for _, item := range sym.body.Items {
		if item.Resource != nil {
			u.resource(item.Resource, sym)
		}
	}
}

// unfold finds the loop, the condition and the object of a body.
func (s *symbol) unfold(body Expr) {
	if loop, ok := body.(*For); ok {
		s.loop = loop
		body = loop.Body
	}
	if cond, ok := body.(*If); ok {
		s.conds = cond.Cond
		body = cond.Body
	}
	s.body, _ = body.(*Object)
}

// resourceType splits 'Provider/type@version'. A nested resource names only its own part of the type.
func (u *unit) resourceType(sym *symbol, s *Resource) {
	text, ok := s.Type.(*String)
	if !ok {
		return
	}
	if len(text.Holes) > 0 {
		u.fault(text.Span, "BCP047", "the type of a resource cannot have holes")
		return
	}
	sym.typeName, sym.version, _ = strings.Cut(text.Parts[0], "@")
	if sym.outer != nil && !(strings.Contains(sym.typeName, "/") && strings.Contains(sym.typeName, ".")) {
		if sym.version == "" {
			sym.version = sym.outer.version
		}
		outer, _, _ := strings.Cut(sym.outer.typeName, "@")
		sym.typeName = outer + "/" + sym.typeName
		if sym.foreign, sym.alias = sym.outer.foreign, sym.outer.alias; sym.foreign {
			sym.typeName += "@" + sym.version
		}
		return
	}
	prefix, name, found := strings.Cut(sym.typeName, ":")
	if found {
		sym.typeName = name
		if prefix != "az" {
			sym.foreign, sym.typeName, sym.alias = true, text.Parts[0][len(prefix)+1:], prefix
			return
		}
	}
	if ext := u.graphExtension(sym.typeName, sym.version); ext != "" {
		sym.foreign, sym.typeName, sym.alias = true, text.Parts[0], ext
		return
	}
	provider, rest, found := strings.Cut(sym.typeName, "/")
	if found && strings.Contains(provider, ".") && rest != "" && sym.version != "" {
		return
	}
	if ext := u.extensionName(); ext != "" {
		sym.foreign, sym.typeName, sym.alias = true, text.Parts[0], ext
		return
	}
	u.fault(text.Span, "BCP029", "a type of resource is written 'Provider/type@version'")
}

// extensionName is the name of the first extension of the file, "" if it has none.
func (u *unit) extensionName() string {
	for _, s := range u.file.Statements {
		if ext, ok := s.(*Extension); ok {
			return ext.name()
		}
	}
	return ""
}

// graphExtension is the name of the extension that a type of Microsoft Graph is of, "" if the type is of no such: the one
// that has the version in its name, or else the first.
// https://learn.microsoft.com/graph/templates/bicep/how-to-reference-extension
func (u *unit) graphExtension(typeName, version string) string {
	if !strings.HasPrefix(strings.ToLower(typeName), "microsoft.graph/") {
		return ""
	}
	first := ""
	same := strings.NewReplacer(".", "", "_", "")
	for _, s := range u.file.Statements {
		ext, ok := s.(*Extension)
		if !ok {
			continue
		}
		spec, _ := keyText(ext.Spec)
		label := strings.ToLower(ext.Alias.Text + " " + spec)
		if !strings.Contains(label, "graph") {
			continue
		}
		if strings.Contains(same.Replace(label), strings.ToLower(same.Replace(version))) {
			return ext.name()
		}
		if first == "" {
			first = ext.name()
		}
	}
	return first
}

// name is the name of an extension in the file.
func (s *Extension) name() string {
	if s.Alias.Text != "" {
		return s.Alias.Text
	}
	spec, _ := keyText(s.Spec)
	spec, _, _ = strings.Cut(spec, "@")
	return spec
}

func (u *unit) extension(s *Extension) {
	if name := s.name(); name != "" {
		u.add(symExtension, Name{s.Spec.Place(), name}, s)
	}
}

// decorator finds a decorator by its name, with or without the namespace sys or az; nil if there is none.
func decorator(s Statement, name string) *Decorator {
	return findDecorator(s.decorators(), name)
}

func findDecorator(list []Decorator, name string) *Decorator {
	for i := range list {
		if n, _ := decoratorCall(&list[i]); n == name {
			return &list[i]
		}
	}
	return nil
}

// decoratorCall is the name and the arguments of a decorator.
func decoratorCall(d *Decorator) (name string, args []Expr) {
	switch call := d.Call.(type) {
	case *Call:
		return call.Name.Text, call.Args
	case *MethodCall:
		if ns, ok := call.Base.(*Ident); ok && isNamespace(ns.Name) {
			return call.Name.Text, call.Args
		}
	}
	return "", nil
}

func isNamespace(name string) bool { return name == "sys" || name == "az" }

// A scope is the names that hold at a place, innermost first.
type scope struct {
	up   *scope
	unit *unit
	name string   // of a variable of a loop, lambda or function
	bind *binding // of name
	res  *symbol  // a resource whose nested ones have names here
}

// root is the scope of a file.
func (u *unit) root() *scope { return &scope{unit: u} }

func (s *scope) with(name string, b *binding) *scope {
	return &scope{up: s, unit: s.unit, name: name, bind: b}
}

// find looks a name up: a local variable, or a symbol, or neither.
func (s *scope) find(name string) (*binding, *symbol) {
	for at := s; at != nil; at = at.up {
		if at.bind != nil && at.name == name {
			return at.bind, nil
		}
		if at.res != nil {
			if sym := at.res.nested[name]; sym != nil {
				return nil, sym
			}
		}
	}
	return nil, s.unit.symbols[name]
}
