// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strconv"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// maxLowering bounds how deep values lie in one another once variables are replaced by their values.
const maxLowering = 1000

// FaultFunction is called in a template where a value could not be compiled: no such function exists, so that the value is
// unknown to the evaluator and not a guess. What it says of that follows from an error among the diagnostics.
const FaultFunction = "bicepFault"

// A binding is a variable of a loop, a lambda or a function.
type binding struct {
	value   func() *armtemplate.Expr // the value; nil where only names count
	cached  *armtemplate.Expr
	element *symbol // resource or module of a loop that the variable is an element of
}

func (b *binding) expr() *armtemplate.Expr {
	if b.cached == nil && b.value != nil {
		b.cached = b.value()
	}
	return b.cached
}

// A lowerer makes one template. Files it imports from have their values in it too.
type lowerer struct {
	c         *compiler
	u         *unit
	variables []armtemplate.Member
	copies    []*armtemplate.Node
	names     map[*symbol]string // of variables and functions that are in the template
	taken     map[string]bool
	functions map[string][]armtemplate.Member // by namespace
	spaces    []string                        // namespaces of functions, in order
	inlined   map[*symbol]*inlined
	nodes     map[*symbol]*armtemplate.Node // the same as JSON
	closures  map[*symbol][]*symbol
	aliases   map[*symbol]string // names under which things of other files were imported
	externals map[externalKey]string
	external  map[string]armtemplate.Pos // what a parameter file asks of the outside
	depth     int
	deepest   int
	loaded    int
}

// inlined is the value of a variable that is put in place of it.
type inlined struct {
	expr   *armtemplate.Expr
	height int
	busy   bool
}

func newLowerer(c *compiler, u *unit) *lowerer {
	return &lowerer{
		c: c, u: u,
		names:     map[*symbol]string{},
		taken:     map[string]bool{},
		functions: map[string][]armtemplate.Member{},
		inlined:   map[*symbol]*inlined{},
		nodes:     map[*symbol]*armtemplate.Node{},
		closures:  map[*symbol][]*symbol{},
		aliases:   map[*symbol]string{},
		externals: map[externalKey]string{},
	}
}

func (u *unit) pos(at Span) armtemplate.Pos {
	line, column := u.file.Position(at.Start)
	return armtemplate.Pos{File: u.file.Name, Line: int32(line), Column: int32(column)}
}

// enter guards recursion over values; leave must follow where it says yes.
func (l *lowerer) enter(u *unit, at Span) bool {
	if l.depth >= maxLowering {
		u.fault(at, "", "values lie more than "+strconv.Itoa(maxLowering)+" levels deep in one another")
		return false
	}
	l.depth++
	l.deepest = max(l.deepest, l.depth)
	return true
}

func (l *lowerer) leave() { l.depth-- }

func (l *lowerer) call(p armtemplate.Pos, name string, args ...*armtemplate.Expr) *armtemplate.Expr {
	return &armtemplate.Expr{Kind: armtemplate.ExprCall, Text: name, Args: args, Pos: p}
}

func text(p armtemplate.Pos, s string) *armtemplate.Expr {
	return &armtemplate.Expr{Kind: armtemplate.ExprString, Text: s, Pos: p}
}

func integer(p armtemplate.Pos, n int64) *armtemplate.Expr {
	return &armtemplate.Expr{Kind: armtemplate.ExprInt, Int: n, Pos: p}
}

// member takes a property; one whose name is no plain word is taken as an element, so that it can be written down.
func member(p armtemplate.Pos, base *armtemplate.Expr, name string) *armtemplate.Expr {
	if !isPlainWord(name) {
		return element(p, base, text(p, name))
	}
	return &armtemplate.Expr{Kind: armtemplate.ExprProperty, Text: name, Args: []*armtemplate.Expr{base}, Pos: p}
}

func isPlainWord(name string) bool {
	for i := range len(name) {
		if !isWord(name[i]) {
			return false
		}
	}
	return name != "" && !isDigit(name[0])
}

func element(p armtemplate.Pos, base, index *armtemplate.Expr) *armtemplate.Expr {
	return &armtemplate.Expr{Kind: armtemplate.ExprIndex, Args: []*armtemplate.Expr{base, index}, Pos: p}
}

func (l *lowerer) faulty(p armtemplate.Pos) *armtemplate.Expr { return l.call(p, FaultFunction) }

// expr makes an ARM expression of a value.
func (l *lowerer) expr(e Expr, s *scope) *armtemplate.Expr {
	p := s.unit.pos(e.Place())
	if !l.enter(s.unit, e.Place()) {
		return l.faulty(p)
	}
	defer l.leave()
	switch e := e.(type) {
	case *String:
		return l.stringExpr(e, p, s)
	case *Int:
		return integer(p, int64(e.Value))
	case *Bool:
		return l.call(p, strconv.FormatBool(e.Value))
	case *Null:
		return l.call(p, "null")
	case *Paren:
		return l.expr(e.Inner, s)
	case *NonNull:
		return l.expr(e.Base, s)
	case *Unary:
		return l.unary(e, p, s)
	case *Binary:
		return l.binary(e, p, s)
	case *Ternary:
		return l.call(p, "if", l.expr(e.Cond, s), l.expr(e.Yes, s), l.expr(e.No, s))
	case *Array:
		return l.arrayExpr(e, p, s)
	case *Object:
		return l.objectExpr(e, p, s)
	case *Lambda:
		return l.lambda(e, p, s, nil)
	case *For:
		return l.mapped(e, p, s)
	case *Call:
		return l.functionCall(e, p, s)
	case *MethodCall:
		return l.methodCall(e, p, s)
	case *Ident:
		return l.ident(e, p, s)
	case *Nested:
		return l.nested(e, p, s)
	case *Property:
		return l.property(e, p, s)
	case *Index:
		return l.index(e, p, s)
	}
	return l.faulty(p) // Bad, and what only types are made of: it is reported where it was read
}

func (l *lowerer) stringExpr(e *String, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	if len(e.Holes) == 0 {
		return text(p, e.Parts[0])
	}
	var format strings.Builder
	args := make([]*armtemplate.Expr, 1, len(e.Holes)+1)
	braces := strings.NewReplacer("{", "{{", "}", "}}")
	for i, part := range e.Parts {
		format.WriteString(braces.Replace(part))
		if i < len(e.Holes) {
			format.WriteString("{" + strconv.Itoa(i) + "}")
			args = append(args, l.expr(e.Holes[i], s))
		}
	}
	args[0] = text(p, format.String())
	return l.call(p, "format", args...)
}

func (l *lowerer) unary(e *Unary, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	switch e.Op {
	case Exclamation:
		return l.call(p, "not", l.expr(e.Base, s))
	case Minus:
		if n, ok := e.Base.(*Int); ok {
			return integer(p, -int64(n.Value))
		}
		return l.call(p, "sub", integer(p, 0), l.expr(e.Base, s))
	default:
		return l.expr(e.Base, s)
	}
}

var binaryFunctions = map[Kind]string{
	LogicalOr: "or", LogicalAnd: "and", Equals: "equals", LeftChevron: "less", LessThanOrEqual: "lessOrEquals",
	RightChevron: "greater", GreaterThanOrEqual: "greaterOrEquals", Plus: "add", Minus: "sub", Asterisk: "mul",
	Slash: "div", Modulo: "mod", DoubleQuestion: "coalesce",
}

func (l *lowerer) binary(e *Binary, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	left, right := l.expr(e.Left, s), l.expr(e.Right, s)
	switch e.Op {
	case NotEquals:
		return l.call(p, "not", l.call(p, "equals", left, right))
	case EqualsInsensitive, NotEqualsInsensitive:
		same := l.call(p, "equals", l.call(p, "toLower", left), l.call(p, "toLower", right))
		if e.Op == NotEqualsInsensitive {
			return l.call(p, "not", same)
		}
		return same
	default:
		return l.call(p, binaryFunctions[e.Op], left, right)
	}
}

// arrayExpr makes a list; lists that are spread in it are joined with the items between them.
func (l *lowerer) arrayExpr(e *Array, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	var chunks, items []*armtemplate.Expr
	spread := false
	flush := func() {
		if len(items) > 0 {
			chunks = append(chunks, l.call(p, "createArray", items...))
			items = nil
		}
	}
	for _, item := range e.Items {
		value := l.expr(item.Value, s)
		if !item.Spread {
			items = append(items, value)
			continue
		}
		flush()
		spread = true
		chunks = append(chunks, value)
	}
	flush()
	switch {
	case spread:
		return l.call(p, "flatten", l.call(p, "createArray", chunks...))
	case len(chunks) == 0:
		return l.call(p, "createArray")
	}
	return chunks[0]
}

// objectExpr makes an object; objects that are spread in it are merged with the properties between them.
func (l *lowerer) objectExpr(e *Object, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	var chunks, fields []*armtemplate.Expr
	spread := false
	flush := func() {
		if len(fields) > 0 {
			chunks = append(chunks, l.call(p, "createObject", fields...))
			fields = nil
		}
	}
	for _, item := range e.Items {
		switch {
		case item.Resource != nil:
		case item.Spread:
			flush()
			spread = true
			chunks = append(chunks, l.expr(item.Value, s))
		default:
			fields = append(fields, l.keyExpr(item.Key, s), l.expr(item.Value, s))
		}
	}
	flush()
	switch {
	case spread:
		return l.call(p, "shallowMerge", l.call(p, "createArray", chunks...))
	case len(chunks) == 0:
		return l.call(p, "createObject")
	}
	return chunks[0]
}

func (l *lowerer) keyExpr(key Expr, s *scope) *armtemplate.Expr {
	if name, ok := keyText(key); ok {
		return text(s.unit.pos(key.Place()), name)
	}
	return l.expr(key, s)
}

// lambda makes a function without name. With elements set its first variable stands for one of them.
func (l *lowerer) lambda(e *Lambda, p armtemplate.Pos, s *scope, elements *symbol) *armtemplate.Expr {
	args := make([]*armtemplate.Expr, 0, len(e.Params)+1)
	inner := s
	for i, name := range e.Params {
		at := s.unit.pos(name.Span)
		args = append(args, text(at, name.Text))
		b := &binding{cached: l.call(at, "lambdaVariables", text(at, name.Text))}
		if i == 0 {
			b.element = elements
		}
		inner = inner.with(name.Text, b)
	}
	return l.call(p, "lambda", append(args, l.expr(e.Body, inner))...)
}

// mapped makes a loop that stands where the template language has none: the function map does the same.
func (l *lowerer) mapped(e *For, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	params := []Name{e.Item}
	if e.Index.Text != "" {
		params = append(params, e.Index)
	}
	sym, _ := symbolOf(e.In, s)
	if sym != nil && !sym.isCollection() {
		sym = nil
	}
	body := l.lambda(&Lambda{e.Span, params, e.Body}, p, s, sym)
	return l.call(p, "map", l.expr(e.In, s), body)
}

// ident makes the value of a name.
func (l *lowerer) ident(e *Ident, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	local, sym := s.find(e.Name)
	if local != nil {
		if v := local.expr(); v != nil {
			return v
		}
		return l.faulty(p)
	}
	if sym == nil {
		l.unknownName(e, s)
		return l.faulty(p)
	}
	return l.symbol(sym, nil, p, e.Span, s)
}

func (l *lowerer) unknownName(e *Ident, s *scope) {
	if isNamespace(e.Name) {
		s.unit.fault(e.Span, "BCP057", "the namespace "+e.Name+" is no value")
		return
	}
	s.unit.fault(e.Span, "BCP057", "there is nothing with the name "+e.Name+" here")
}

// symbol makes the value of a symbol as a whole.
func (l *lowerer) symbol(sym *symbol, index *armtemplate.Expr, p armtemplate.Pos, at Span, s *scope) *armtemplate.Expr {
	switch sym.kind {
	case symParam:
		if sym.unit.file.Parameters {
			return l.assignedValue(sym, p, at, s)
		}
		return l.call(p, "parameters", text(p, sym.name))
	case symVar:
		return l.variable(sym, p, at, s)
	case symResource:
		return l.reference(sym, index, p, true)
	case symModule:
		return l.moduleReference(sym, index, p)
	case symImport:
		return l.importedValue(sym, p, at, s)
	case symExtension:
		return l.call(p, "extensions", text(p, sym.name))
	default:
	}
	s.unit.fault(at, "BCP063", "the name "+sym.name+" stands for no value")
	return l.faulty(p)
}

// variable names a variable of the template, or puts its value in place of it where it is known only late.
func (l *lowerer) variable(sym *symbol, p armtemplate.Pos, at Span, s *scope) *armtemplate.Expr {
	if !sym.mustInline() {
		name := l.declareVariable(sym, at, s)
		return l.call(p, "variables", text(p, name))
	}
	in := l.inlined[sym]
	if in == nil {
		in = &inlined{busy: true}
		l.inlined[sym] = in
		outer := l.deepest
		l.deepest = l.depth
		in.expr = l.expr(sym.variable.Value, sym.unit.root())
		in.height = l.deepest - l.depth
		l.deepest = max(outer, l.deepest)
		in.busy = false
	}
	if in.busy {
		s.unit.fault(at, "BCP080", "the value of "+sym.name+" hangs on itself")
		return l.faulty(p)
	}
	l.deepest = max(l.deepest, l.depth+in.height)
	if l.depth+in.height > maxLowering {
		s.unit.fault(at, "", "values lie more than "+strconv.Itoa(maxLowering)+" levels deep in one another")
		return l.faulty(p)
	}
	return in.expr
}

// declareVariable puts a variable into the template once and says under which name.
func (l *lowerer) declareVariable(sym *symbol, at Span, s *scope) string {
	if name, ok := l.names[sym]; ok {
		if name == "" {
			s.unit.fault(at, "BCP080", "the value of "+sym.name+" hangs on itself")
		}
		return name
	}
	name := l.freeName(sym)
	l.names[sym] = "" // its value is being made
	v := sym.variable
	root := sym.unit.root()
	at0 := sym.unit.pos(sym.at)
	if loop, ok := v.Value.(*For); ok {
		l.copies = append(l.copies, l.copyNode(name, loop, root, copyName{name, true}))
	} else {
		value := l.node(v.Value, root)
		l.variables = append(l.variables, armtemplate.Member{Name: name, Value: value, Pos: at0})
	}
	l.names[sym] = name
	return name
}

// freeName is the name of a symbol in the template: its own, that of the import, or one of its own making.
func (l *lowerer) freeName(sym *symbol) string {
	if sym.unit == l.u {
		return sym.name
	}
	if name := l.aliases[sym]; name != "" {
		return name
	}
	return l.freshName(sym.name)
}
