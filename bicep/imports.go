// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"slices"
	"strconv"

	"github.com/mivet/mivet/armtemplate"
)

// imports declares the names that an import statement takes from another file.
func (u *unit) imports(s *Import) {
	if s.Wildcard.Text != "" {
		u.add(symWildcard, s.Wildcard, s)
		return
	}
	for _, item := range s.Items {
		sym := u.add(symImport, item.Alias, s)
		sym.imported = item.Name
	}
}

// importTarget is the file of an import statement.
func (c *compiler) importTarget(u *unit, s *Import) *target {
	if t, ok := c.imported[s]; ok {
		return t
	}
	t := u.module(s.From)
	c.imported[s] = t
	return t
}

// resolveImport finds what an imported name stands for: a symbol of a Bicep file; nil where it is one of a compiled
// template, or does not exist, which is reported.
func (l *lowerer) resolveImport(sym *symbol) *symbol {
	s := sym.imports
	t := l.c.importTarget(sym.unit, s)
	switch {
	case t == nil:
		return nil
	case t.unit == nil:
		if !t.external.exports(sym.imported) {
			sym.unit.fault(sym.at, "BCP360", "the template exports nothing with the name "+sym.imported)
		}
		return nil
	}
	got := t.unit.exports[sym.imported]
	if got == nil {
		sym.unit.fault(sym.at, "BCP360", "the file exports nothing with the name "+sym.imported)
		return nil
	}
	if sym.unit == l.u && l.names[got] == "" && l.aliases[got] == "" {
		l.aliases[got] = sym.name
	}
	return got
}

// importedValue makes the value of an imported variable.
func (l *lowerer) importedValue(sym *symbol, p armtemplate.Pos, at Span, s *scope) *armtemplate.Expr {
	if got := l.resolveImport(sym); got != nil {
		return l.symbol(got, nil, p, at, s)
	}
	if t := l.c.importTarget(sym.unit, sym.imports); t != nil && t.external != nil && t.external.exports(sym.imported) {
		return l.externalValue(t.external, sym.imported, p)
	}
	return l.faulty(p)
}

// importedCall makes a call of an imported function.
func (l *lowerer) importedCall(sym *symbol, e *Call, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	args := l.args(e.Args, s)
	if got := l.resolveImport(sym); got != nil {
		if got.kind == symFunc {
			return l.call(p, l.declareFunction(got), args...)
		}
		s.unit.fault(e.Name.Span, "BCP059", "the name "+e.Name.Text+" stands for no function")
		return l.faulty(p)
	}
	if t := l.c.importTarget(sym.unit, sym.imports); t != nil && t.external != nil {
		return l.externalCall(t.external, sym.imported, args, p)
	}
	return l.faulty(p)
}

// wildcardSymbol finds an exported name of a file that is imported as a whole.
func (l *lowerer) wildcardSymbol(sym *symbol, name Name) *symbol {
	t := l.c.importTarget(sym.unit, sym.imports)
	if t == nil || t.unit == nil {
		return nil
	}
	got := t.unit.exports[name.Text]
	if got == nil {
		sym.unit.fault(name.Span, "BCP052", "the file exports nothing with the name "+name.Text)
	}
	return got
}

func (l *lowerer) wildcardValue(sym *symbol, name string, p armtemplate.Pos, at Span, s *scope) *armtemplate.Expr {
	t := l.c.importTarget(sym.unit, sym.imports)
	if t == nil {
		return l.faulty(p)
	}
	if t.unit == nil {
		return l.externalValue(t.external, name, p)
	}
	if got := l.wildcardSymbol(sym, Name{at, name}); got != nil {
		return l.symbol(got, nil, p, at, s)
	}
	return l.faulty(p)
}

func (l *lowerer) wildcardCall(sym *symbol, e *MethodCall, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	args := l.args(e.Args, s)
	t := l.c.importTarget(sym.unit, sym.imports)
	if t == nil {
		return l.faulty(p)
	}
	if t.unit == nil {
		return l.externalCall(t.external, e.Name.Text, args, p)
	}
	if got := l.wildcardSymbol(sym, e.Name); got != nil && got.kind == symFunc {
		return l.call(p, l.declareFunction(got), args...)
	}
	return l.faulty(p)
}

// An external is a compiled template as a source of names.
type external struct {
	root      *armtemplate.Node
	exported  map[string]bool
	variables map[string]*armtemplate.Node // the value, or the copy loop
	loops     map[string]bool
	functions map[string]*armtemplate.Node // by namespace and name
	spaces    map[string]string            // namespace of an exported function
}

const exportMark = "__bicep_export!" // what the compiler writes into the metadata of what is exported

func newExternal(root *armtemplate.Node) *external {
	e := &external{
		root: root, exported: map[string]bool{}, variables: map[string]*armtemplate.Node{}, loops: map[string]bool{},
		functions: map[string]*armtemplate.Node{}, spaces: map[string]string{},
	}
	for _, m := range members(root.Get("variables")) {
		if m.Name != "copy" {
			e.variables[m.Name] = m.Value
			continue
		}
		for _, loop := range m.Value.Items {
			name := plain(loop.Get("name"))
			e.variables[name], e.loops[name] = loop, true
		}
	}
	if list := root.Get("metadata").Get("__bicep_exported_variables!"); list != nil {
		for _, item := range list.Items {
			e.exported[plain(item.Get("name"))] = true
		}
	}
	for _, m := range members(root.Get("definitions")) {
		if m.Value.Get("metadata").Get(exportMark) != nil {
			e.exported[m.Name] = true
		}
	}
	if list := root.Get("functions"); list != nil {
		for _, space := range list.Items {
			e.addFunctions(plain(space.Get("namespace")), space.Get("members"))
		}
	}
	return e
}

func (e *external) addFunctions(space string, list *armtemplate.Node) {
	for _, m := range members(list) {
		e.functions[space+"."+m.Name] = m.Value
		if m.Value.Get("metadata").Get(exportMark) != nil {
			e.exported[m.Name] = true
			e.spaces[m.Name] = space
		}
	}
}

func members(n *armtemplate.Node) []armtemplate.Member {
	if n == nil {
		return nil
	}
	return n.Members
}

func (e *external) exports(name string) bool { return e.exported[name] }

// secure says whether an output of the template is secret; without a name, whether any is.
func (e *external) secure(name string) bool {
	for _, m := range members(e.root.Get("outputs")) {
		t := plain(m.Value.Get("type"))
		if (name == "" || m.Name == name) && (t == "securestring" || t == "secureString" || t == "secureObject") {
			return true
		}
	}
	return false
}

// externalKey is what was taken from a compiled template.
type externalKey struct {
	from *external
	name string
}

// externalValue puts a variable of a compiled template, and those that it uses, into this one.
func (l *lowerer) externalValue(e *external, name string, p armtemplate.Pos) *armtemplate.Expr {
	value := e.variables[name]
	if value == nil {
		return l.faulty(p)
	}
	key := externalKey{e, name}
	own, ok := l.externals[key]
	if !ok {
		own = l.freshName(name)
		l.externals[key] = own
		r := rewriter{l, e, map[string]string{name: own}, 0}
		if e.loops[name] {
			loop := r.node(value)
			list := slices.DeleteFunc(slices.Clone(loop.Members), func(m armtemplate.Member) bool { return m.Name == "name" })
			list = append(list, named("name", armtemplate.StringNode(p, own)))
			l.copies = append(l.copies, armtemplate.ObjectNode(loop.Pos, list...))
		} else {
			l.variables = append(l.variables, armtemplate.Member{Name: own, Value: r.node(value), Pos: value.Pos})
		}
	}
	return l.call(p, "variables", text(p, own))
}

// externalCall calls a function of a compiled template, which is put into this one.
func (l *lowerer) externalCall(e *external, name string, args []*armtemplate.Expr, p armtemplate.Pos) *armtemplate.Expr {
	space, ok := e.spaces[name]
	if !ok {
		return l.faulty(p)
	}
	return l.call(p, l.externalFunction(e, space+"."+name, name), args...)
}

func (l *lowerer) externalFunction(e *external, full, name string) string {
	key := externalKey{e, full}
	if own, ok := l.externals[key]; ok {
		return own
	}
	own := l.freshName(name)
	l.externals[key] = own
	space, short := splitName(own)
	value := rewriter{l, e, nil, 0}.node(e.functions[full])
	l.addFunction(space, armtemplate.Member{Name: short, Value: value, Pos: value.Pos})
	return own
}

// A rewriter copies values of a compiled template and gives what they use its name in this one.
type rewriter struct {
	l      *lowerer
	from   *external
	copies map[string]string // new names of copy loops
	depth  int
}

func (r rewriter) node(n *armtemplate.Node) *armtemplate.Node {
	if r.depth++; n == nil || r.depth > maxLowering {
		return n
	}
	switch n.Kind {
	case armtemplate.NodeString:
		if !armtemplate.IsExpression(n.Text) {
			return n
		}
		e, err := armtemplate.ParseExpression(n.Text, n.Pos)
		if err != nil {
			return n // the evaluator reports it
		}
		return armtemplate.ExprNode(r.expr(e))
	case armtemplate.NodeArray:
		items := make([]*armtemplate.Node, len(n.Items))
		for i, item := range n.Items {
			items[i] = r.node(item)
		}
		return armtemplate.ArrayNode(n.Pos, items...)
	case armtemplate.NodeObject:
		list := make([]armtemplate.Member, len(n.Members))
		for i, m := range n.Members {
			list[i] = armtemplate.Member{Name: m.Name, Value: r.node(m.Value), Pos: m.Pos}
		}
		return armtemplate.ObjectNode(n.Pos, list...)
	default:
		return n
	}
}

func (r rewriter) expr(e *armtemplate.Expr) *armtemplate.Expr {
	if r.depth++; r.depth > maxLowering {
		return e
	}
	out := *e
	out.Args = make([]*armtemplate.Expr, len(e.Args))
	for i, a := range e.Args {
		out.Args[i] = r.expr(a)
	}
	if e.Kind != armtemplate.ExprCall {
		return &out
	}
	literal := len(e.Args) == 1 && e.Args[0].Kind == armtemplate.ExprString
	switch {
	case e.Text == "variables" && literal && r.from.variables[e.Args[0].Text] != nil:
		return r.l.externalValue(r.from, e.Args[0].Text, e.Pos)
	case e.Text == "copyIndex" && literal && r.copies[e.Args[0].Text] != "":
		out.Args[0] = text(e.Pos, r.copies[e.Args[0].Text])
	case r.from.functions[e.Text] != nil:
		_, name := splitName(e.Text)
		out.Text = r.l.externalFunction(r.from, e.Text, name)
	}
	return &out
}

// freshName is a name in this template for something of another file.
func (l *lowerer) freshName(name string) string {
	full := "_" + strconv.Itoa(len(l.taken)+1) + "." + name
	l.taken[full] = true
	return full
}
