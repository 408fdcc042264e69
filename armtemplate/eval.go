// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/mivet/mivet/arm"
)

const (
	maxEvalDepth   = 2000     // of calls within calls, through variables and functions
	maxValueSize   = 16 << 20 // bytes of one value, about
	maxTotalSize   = 1 << 30  // bytes of all values that were ever made, about
	maxDiagnostics = 200
	nodeSize       = 16
)

// evaluator is what one evaluation shares, over all its nested templates.
type evaluator struct {
	opts      Options
	rootFile  string
	limits    Limits
	functions map[string]*function
	exprs     map[*Node]*Expr
	arrays    map[*Value]valueInfo
	deployed  map[arm.Key]*instance // nested deployments by ID
	loaded    map[string]*Template  // linked templates by path
	result    *Result
	steps     int
	total     int
	depth     int
	resources int
	quiet     int // above 0, faults are no diagnostics
	told      map[Diagnostic]bool
}

type valueInfo struct {
	size  int
	known bool
}

// Evaluate evaluates the template. It always returns a result: what could not be evaluated
// is an [Unknown] with a diagnostic.
func (t *Template) Evaluate(opts Options) *Result {
	ev := &evaluator{
		opts: opts, rootFile: t.root.Pos.File, limits: opts.Limits.withDefaults(), functions: functionTable,
		exprs: map[*Node]*Expr{}, arrays: map[*Value]valueInfo{}, deployed: map[arm.Key]*instance{},
		loaded: map[string]*Template{}, result: &Result{Level: t.level}, told: map[Diagnostic]bool{},
	}
	f := ev.rootFrame(t)
	f.register()
	f.evaluate()
	ev.result.Outputs = f.allOutputs()
	f.evaluate() // what the outputs alone refer to
	f.flatten()
	return ev.result
}

func (l Limits) withDefaults() Limits {
	l.Steps = cmp.Or(l.Steps, 20_000_000)
	l.Resources = cmp.Or(l.Resources, 20_000)
	l.Copies = cmp.Or(l.Copies, 10_000)
	l.Depth = cmp.Or(l.Depth, 20)
	l.Text = cmp.Or(l.Text, 4<<20)
	return l
}

// tell adds a diagnostic, each once.
func (ev *evaluator) tell(s Severity, pos Pos, text string) {
	if ev.quiet > 0 || len(ev.result.Diagnostics) >= maxDiagnostics {
		return
	}
	d := Diagnostic{Severity: s, Pos: pos, Text: text}
	if !ev.told[d] {
		ev.told[d] = true
		ev.result.Diagnostics = append(ev.result.Diagnostics, d)
	}
}

// spend counts work and fails when there was too much.
func (ev *evaluator) spend(n int) error {
	if ev.steps += n; ev.steps > ev.limits.Steps {
		return fmt.Errorf("the evaluation takes more than %d steps", ev.limits.Steps)
	}
	return nil
}

// known reports whether a value holds nothing unknown. It looks only at the top, because
// values are measured when they are made.
func (ev *evaluator) known(v Value) bool { return ev.info(v).known }

func (ev *evaluator) info(v Value) valueInfo {
	switch x := v.(type) {
	case String:
		return valueInfo{nodeSize + len(x), true}
	case *Unknown:
		return valueInfo{nodeSize + len(x.text), false}
	case *Object:
		return valueInfo{max(x.size, nodeSize), !x.open}
	case Array:
		if len(x) == 0 {
			return valueInfo{nodeSize, true}
		}
		if i, ok := ev.arrays[&x[0]]; ok {
			return i
		}
		return ev.measureArray(x)
	default:
		return valueInfo{nodeSize, true}
	}
}

func (ev *evaluator) measureArray(a Array) valueInfo {
	i := valueInfo{nodeSize, true}
	for _, item := range a {
		in := ev.info(item)
		i.size = min(i.size+in.size, math.MaxInt32)
		i.known = i.known && in.known
	}
	return i
}

// array returns a list that was just made, measured.
func (ev *evaluator) array(a Array) (Value, error) {
	if len(a) == 0 {
		return a, nil
	}
	i := ev.measureArray(a)
	ev.arrays[&a[0]] = i
	return a, ev.made(i.size, len(a))
}

// object returns an object that was just made, measured.
func (ev *evaluator) object(o *Object) (Value, error) {
	o.size, o.open = nodeSize, false
	for _, f := range o.fields {
		in := ev.info(f.Value)
		o.size = min(o.size+in.size+len(f.Name), math.MaxInt32)
		o.open = o.open || !in.known
	}
	return o, ev.made(o.size, 4*len(o.fields))
}

// text returns a text that was just made.
func (ev *evaluator) text(s string) (Value, error) {
	if len(s) > ev.limits.Text {
		return nil, fmt.Errorf("the text is longer than %d bytes", ev.limits.Text)
	}
	return String(s), ev.made(nodeSize, len(s)/nodeSize)
}

// made bounds the size of a value and of all of them: those that share parts look small in
// memory and are large when printed.
func (ev *evaluator) made(size, own int) error {
	if size > maxValueSize {
		return fmt.Errorf("the value is larger than %d bytes", maxValueSize)
	}
	if ev.total += (own + 1) * nodeSize; ev.total > maxTotalSize {
		return fmt.Errorf("the values of the template need more than %d bytes", maxTotalSize)
	}
	return nil
}

// adopt measures a value that somebody else made.
func (ev *evaluator) adopt(v Value) (Value, error) {
	switch x := v.(type) {
	case nil:
		return Null{}, nil
	case Array:
		a := make(Array, len(x))
		for i := range x {
			item, err := ev.adopt(x[i])
			if err != nil {
				return nil, err
			}
			a[i] = item
		}
		return ev.array(a)
	case *Object:
		o := &Object{fields: make([]Field, 0, len(x.fields))}
		for _, f := range x.fields {
			item, err := ev.adopt(f.Value)
			if err != nil {
				return nil, err
			}
			f.Value = item
			o.set(f)
		}
		return ev.object(o)
	}
	return v, nil
}

// fault makes a value of what could not be evaluated.
func (ev *evaluator) fault(pos Pos, err error) Value {
	ev.tell(Fault, pos, err.Error())
	return NewUnknown("fault("+argText(String(err.Error()))+")", KindAny, Origin{Kind: OriginFault, Name: err.Error()})
}

// env is where an expression stands: in which template, loops, lambdas and function.
type env struct {
	frame  *frame
	loops  *loop
	lambda *binding
	args   map[arm.Key]Value // of the user function whose body this is
	inner  bool              // the body of a user function
}

// loop is an iteration that surrounds an expression.
type loop struct {
	name     string
	index    Value
	count    Value // where it is not known
	property bool  // an iteration of properties, not of a resource or an output
	outer    *loop
}

type binding struct {
	name  string
	value Value
	outer *binding
}

func (e *env) in(l *loop) *env {
	c := *e
	l.outer = e.loops
	c.loops = l
	return &c
}

// posError is an error with the place of the call that failed.
type posError struct {
	pos Pos
	err error
}

func (p *posError) Error() string { return p.err.Error() }
func (p *posError) Unwrap() error { return p.err }

// node evaluates a node. What fails becomes an unknown with a diagnostic, as near to the
// fault as possible.
func (ev *evaluator) node(n *Node, e *env) Value {
	if n == nil {
		return Null{}
	}
	if err := ev.spend(1); err != nil {
		return ev.fault(n.Pos, err)
	}
	switch n.Kind {
	case NodeBool:
		return Bool(n.Bool)
	case NodeNumber:
		return numberOf(n.Text)
	case NodeString:
		if IsExpression(n.Text) {
			return ev.expressionNode(n, e)
		}
		return String(literalText(n.Text))
	case NodeExpr:
		return ev.settle(n.Pos, func() (Value, error) { return ev.expr(n.Expr, e) })
	case NodeArray:
		return ev.arrayNode(n, e)
	case NodeObject:
		return ev.objectNode(n, e)
	default:
		return Null{}
	}
}

func numberOf(text string) Value {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Int(i)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Null{}
	}
	return Float(f)
}

// settle turns an error into an unknown.
func (ev *evaluator) settle(pos Pos, run func() (Value, error)) Value {
	v, err := run()
	if err == nil {
		return v
	}
	if p, ok := err.(*posError); ok { //nolint:errorlint // it is made right here, never wrapped
		pos = p.pos
	}
	return ev.fault(pos, err)
}

func (ev *evaluator) parsed(n *Node) (*Expr, error) {
	if x, ok := ev.exprs[n]; ok {
		return x, nil
	}
	x, err := ParseExpression(n.Text, n.Pos)
	if err != nil {
		if bad, ok := err.(*Error); ok { //nolint:errorlint // ParseExpression returns no other
			return nil, &posError{bad.Pos, fmt.Errorf("%s", bad.Reason)}
		}
		return nil, err
	}
	ev.exprs[n] = x
	return x, nil
}

func (ev *evaluator) expressionNode(n *Node, e *env) Value {
	return ev.settle(n.Pos, func() (Value, error) {
		x, err := ev.parsed(n)
		if err != nil {
			return nil, err
		}
		return ev.expr(x, e)
	})
}

func (ev *evaluator) arrayNode(n *Node, e *env) Value {
	a := make(Array, 0, len(n.Items))
	for _, item := range n.Items {
		a = append(a, ev.node(item, e))
	}
	return ev.settle(n.Pos, func() (Value, error) { return ev.array(a) })
}

func (ev *evaluator) objectNode(n *Node, e *env) Value {
	o := &Object{fields: make([]Field, 0, len(n.Members))}
	var loops []*Node
	for _, m := range n.Members {
		if isPropertyCopy(m) {
			loops = append(loops, m.Value.Items...)
			continue
		}
		o.set(Field{Name: ev.memberName(m, e), Value: ev.node(m.Value, e), Pos: m.Pos})
	}
	for _, l := range loops {
		o.set(Field{Name: l.Get("name").text(), Value: ev.propertyLoop(l, e), Pos: l.Pos})
	}
	return ev.settle(n.Pos, func() (Value, error) { return ev.object(o) })
}

// memberName evaluates the name of a property, which may be an expression; one that is not
// known stands in braces.
func (ev *evaluator) memberName(m Member, e *env) string {
	if !IsExpression(m.Name) {
		return literalText(m.Name)
	}
	return Text(ev.node(&Node{Kind: NodeString, Text: m.Name, Pos: m.Pos}, e))
}

// expr evaluates an expression.
func (ev *evaluator) expr(x *Expr, e *env) (Value, error) {
	if ev.depth++; ev.depth > maxEvalDepth {
		ev.depth--
		return nil, &posError{x.Pos, fmt.Errorf("calls are nested deeper than %d", maxEvalDepth)}
	}
	defer func() { ev.depth-- }()
	if err := ev.spend(1); err != nil {
		return nil, &posError{x.Pos, err}
	}
	switch x.Kind {
	case ExprString:
		return String(x.Text), nil
	case ExprInt:
		return Int(x.Int), nil
	case ExprCall:
		return ev.call(x, e)
	default:
		return ev.taken(x, e)
	}
}

// taken evaluates a property or an element of a value.
func (ev *evaluator) taken(x *Expr, e *env) (Value, error) {
	of, err := ev.expr(x.Args[0], e)
	if err != nil {
		return nil, err
	}
	var key Value = String(x.Text)
	if x.Kind == ExprIndex {
		if key, err = ev.expr(x.Args[1], e); err != nil {
			return nil, err
		}
	}
	v, err := ev.element(of, key)
	if err != nil {
		return nil, &posError{x.Pos, err}
	}
	return v, nil
}

// element returns a property of an object or an element of a list.
func (ev *evaluator) element(of, key Value) (Value, error) {
	v, err := tryElement(of, key)
	if v != nil || err != nil {
		return v, err
	}
	if i, ok := key.(Int); ok {
		return nil, fmt.Errorf("the index %d is outside of the list", i)
	}
	o, _ := of.(*Object)
	return nil, fmt.Errorf("there is no property %q; there are: %s", Text(key), propertyNames(o))
}

func propertyNames(o *Object) string {
	var names []string
	for f := range o.Fields() {
		if len(names) == 10 {
			names = append(names, "…")
			break
		}
		names = append(names, cut(f.Name, 40))
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// tryElement is element; nil if there is none.
func tryElement(of, key Value) (Value, error) {
	if u, ok := of.(*Unknown); ok {
		return elementOfUnknown(u, key), nil
	}
	if _, ok := key.(*Unknown); ok {
		return elementByUnknown(of, key)
	}
	switch x := of.(type) {
	case *Object:
		name, ok := key.(String)
		if !ok {
			return nil, fmt.Errorf("a property is chosen by a string, not by %s", withArticle(key.Kind()))
		}
		return x.Get(string(name)), nil
	case Array:
		i, ok := key.(Int)
		if !ok {
			return nil, fmt.Errorf("an element of a list is chosen by an integer, not by %s", withArticle(key.Kind()))
		}
		if i < 0 || int64(i) >= int64(len(x)) {
			return nil, nil
		}
		return x[i], nil
	default:
		return nil, fmt.Errorf("%s has no properties: asked for %q", withArticle(of.Kind()), cut(Text(key), 60))
	}
}

func withArticle(k Kind) string {
	switch k {
	case KindNull:
		return "null"
	case KindInt, KindArray, KindObject, KindAny:
		return "an " + k.String()
	default:
		return "a " + k.String()
	}
}

func elementOfUnknown(u *Unknown, key Value) Value {
	switch k := key.(type) {
	case String:
		return u.property(string(k))
	case Int:
		if k >= 0 && int(k) < len(u.elements) {
			return u.elements[k]
		}
		return u.member("["+strconv.FormatInt(int64(k), 10)+"]", "["+strconv.FormatInt(int64(k), 10)+"]")
	default:
		return computed(KindAny, "tryGet", u, key)
	}
}

// elementByUnknown is an element that is not known which: one of those that are there.
func elementByUnknown(of, key Value) (Value, error) {
	var options []Value
	switch x := of.(type) {
	case *Object:
		for _, f := range x.fields {
			options = append(options, f.Value)
		}
	case Array:
		options = x
	default:
		return nil, fmt.Errorf("%s has no properties", withArticle(of.Kind()))
	}
	if len(options) == 0 || len(options) > maxChoices {
		return computed(KindAny, "tryGet", of, key), nil
	}
	return choice("tryGet", []Value{key}, options), nil
}
