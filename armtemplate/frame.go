// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

// frame is one template while it is evaluated: the root, or one nested below it.
type frame struct {
	ev       *evaluator
	root     *Node
	path     string // names of the nested deployments
	depth    int
	target   target // what functions such as resourceGroup answer
	dest     target // where its resources go; differs from target in a nested template of outer scope
	params   map[arm.Key]*slot
	vars     map[arm.Key]*slot
	funcs    map[arm.Key]*Node
	outputs  []*outputSlot
	list     []*instance
	symbols  map[arm.Key][]*instance // by symbolic name
	names    map[arm.Key]*instance   // by the name as a whole; nil where it is not unique
	symbolic bool                    // resources have symbolic names
	base     *env                    // in which its expressions stand
	folder   string                  // of its file, from the folder of the root's file
	outer    *frame                  // of a nested template of outer scope: the one that holds it
	holder   *frame                  // of a nested template: the one that holds it
	under    Value                   // the condition of what holds it, if that is not known
}

// slot is a value that is evaluated when it is first asked for.
type slot struct {
	run   func() Value
	value Value
	busy  bool
	pos   Pos
	what  string
}

func (ev *evaluator) force(s *slot) Value {
	switch {
	case s.value != nil:
		return s.value
	case s.busy:
		return ev.fault(s.pos, fmt.Errorf("%s refers to itself", s.what))
	}
	s.busy = true
	v := s.run()
	s.busy = false
	s.value, s.run = v, nil
	return v
}

func (ev *evaluator) rootFrame(t *Template) *frame {
	f := newFrame(ev, t.root, "", 0)
	f.target = ev.rootTarget(t.level)
	f.dest = f.target
	f.declare(func(name string) (Value, bool) {
		for given, v := range ev.opts.Parameters {
			if sameName(given, name) {
				return ev.settle(Pos{}, func() (Value, error) { return ev.adopt(v) }), true
			}
		}
		return nil, false
	})
	return f
}

func newFrame(ev *evaluator, root *Node, path string, depth int) *frame {
	f := &frame{
		ev: ev, root: root, path: path, depth: depth, params: map[arm.Key]*slot{}, vars: map[arm.Key]*slot{},
		funcs: map[arm.Key]*Node{}, symbols: map[arm.Key][]*instance{}, names: map[arm.Key]*instance{},
	}
	f.base = &env{frame: f}
	return f
}

func folderOf(file string) string {
	file = strings.ReplaceAll(file, `\`, "/")
	i := strings.LastIndexByte(file, '/')
	return file[:i+1]
}

// declare makes slots of parameters, variables, functions and outputs.
func (f *frame) declare(given func(name string) (Value, bool)) {
	for _, m := range members(f.root.Get("parameters")) {
		f.params[arm.Fold(m.Name)] = &slot{
			pos: m.Pos, what: "the parameter " + m.Name,
			run: func() Value { return f.parameter(m, given) },
		}
	}
	f.declareVariables()
	for _, ns := range items(f.root.Get("functions")) {
		for _, m := range members(ns.Get("members")) {
			f.funcs[arm.Fold(ns.Get("namespace").text()+"."+m.Name)] = m.Value
		}
	}
	f.declareOutputs()
}

func members(n *Node) []Member {
	if !n.isObject() {
		return nil
	}
	return n.Members
}

func items(n *Node) []*Node {
	if !n.isArray() {
		return nil
	}
	return n.Items
}

func (f *frame) declareVariables() {
	for _, m := range members(f.root.Get("variables")) {
		if isPropertyCopy(m) {
			for _, l := range m.Value.Items {
				name := l.Get("name").text()
				f.vars[arm.Fold(name)] = &slot{
					pos: l.Pos, what: "the variable " + name,
					run: func() Value { return f.ev.propertyLoop(l, f.base) },
				}
			}
			continue
		}
		f.vars[arm.Fold(m.Name)] = &slot{
			pos: m.Pos, what: "the variable " + m.Name,
			run: func() Value { return f.ev.node(m.Value, f.base) },
		}
	}
}

// parameter returns the value of a parameter: the one given, else its default, else null
// if it may be missing, else an unknown.
func (f *frame) parameter(m Member, given func(string) (Value, bool)) Value {
	v, ok := given(m.Name)
	def := m.Value.Get("defaultValue")
	if ok && (v.Kind() != KindNull || def == nil) {
		if u, open := v.(*Unknown); open && def != nil && slices.ContainsFunc(u.choices, IsNull) {
			return u.orElse(f.ev.node(def, f.base)) // null is as good as nothing
		}
		return v
	}
	if def != nil {
		return f.ev.node(def, f.base)
	}
	if f.nullable(m.Value) {
		return Null{}
	}
	kind := f.kindOf(m.Value)
	if f.depth > 0 {
		f.ev.tell(Fault, m.Pos, fmt.Sprintf("the parameter %q of the nested template gets no value and has no default", m.Name))
	}
	if one := items(m.Value.Get("allowedValues")); len(one) == 1 {
		return f.ev.node(one[0], f.base)
	}
	name := m.Name
	if f.path != "" {
		name = f.path + "/" + name
	}
	return NewUnknown("parameters('"+name+"')", kind, Origin{Kind: OriginParameter, Name: name})
}

// definition follows $ref to a type of the template (definitions.md), a few steps at most.
func (f *frame) definition(decl *Node) *Node {
	for range 10 {
		ref := decl.Get("$ref").text()
		name, ok := strings.CutPrefix(ref, "#/definitions/")
		if !ok {
			break
		}
		next := f.root.Get("definitions").Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
		if next == nil {
			break
		}
		decl = next
	}
	return decl
}

func (f *frame) nullable(decl *Node) bool {
	for _, n := range []*Node{decl.Get("nullable"), f.definition(decl).Get("nullable")} {
		if n != nil && n.Kind == NodeBool && n.Bool {
			return true
		}
	}
	return false
}

func (f *frame) kindOf(decl *Node) Kind { return kindOfType(f.definition(decl).Get("type").text()) }

func kindOfType(typ string) Kind {
	switch strings.ToLower(typ) {
	case "string", "securestring":
		return KindString
	case "int":
		return KindInt
	case "bool":
		return KindBool
	case "object", "secureobject":
		return KindObject
	case "array":
		return KindArray
	default:
		return KindAny
	}
}

// instance is one resource while it is evaluated.
type instance struct {
	frame   *frame
	node    *Node
	env     *env
	symbol  string // with the index in a loop
	base    string // the symbolic name without it
	typ     string
	version string
	name    Value
	id      Value
	cond    Value
	scope   Value
	body    *Object
	depends []Value
	exists  bool
	child   *frame
	nested  *slot // of a deployment: what reference gives
	parent  *instance
}

// register finds out which resources there are and what they are called.
func (f *frame) register() {
	r := f.root.Get("resources")
	if r.isObject() {
		f.symbolic = true
		for _, m := range r.Members {
			f.add(m.Value, m.Name, nil, f.base)
		}
		return
	}
	for _, n := range items(r) {
		f.add(n, "", nil, f.base)
	}
}

// add registers a resource, once or for each turn of its loop, and what it holds.
func (f *frame) add(n *Node, symbol string, parent *instance, e *env) {
	if !n.isObject() {
		if !n.isNull() {
			f.ev.tell(Fault, n.Pos, "a resource is an object")
		}
		return
	}
	f.ev.resourceLoop(n, e, func(in *env, index Value) {
		f.addOne(n, symbol, parent, in, index)
	})
}

func (f *frame) addOne(n *Node, symbol string, parent *instance, e *env, index Value) {
	ev := f.ev
	if ev.resources++; ev.resources > ev.limits.Resources {
		ev.tell(Fault, n.Pos, fmt.Sprintf("the template has more than %d resources; the rest is not read", ev.limits.Resources))
		return
	}
	inst := &instance{frame: f, node: n, env: e, base: symbol, symbol: symbol, parent: parent}
	if index != nil && symbol != "" {
		inst.symbol = symbol + "[" + Text(index) + "]"
	}
	inst.cond = ev.condition(n.Get("condition"), e)
	if inst.cond == Bool(false) {
		if symbol != "" {
			f.symbols[arm.Fold(symbol)] = append(f.symbols[arm.Fold(symbol)], inst)
			ev.quiet++ // it is not deployed
			f.identify(inst)
			ev.quiet--
		}
		return
	}
	f.identify(inst)
	f.list = append(f.list, inst)
	f.index(inst)
	kids := n.Get("resources")
	if kids.isObject() {
		for _, m := range kids.Members {
			f.add(m.Value, m.Name, inst, e)
		}
		return
	}
	for _, kid := range items(kids) {
		f.add(kid, "", inst, e)
	}
}

// index makes an instance findable by references.
func (f *frame) index(inst *instance) {
	if inst.base != "" {
		key := arm.Fold(inst.base)
		f.symbols[key] = append(f.symbols[key], inst)
	}
	name := arm.Fold(Text(inst.name))
	if _, taken := f.names[name]; taken {
		f.names[name] = nil
	} else {
		f.names[name] = inst
	}
	if inst.isDeployment() && !inst.exists {
		inst.nested = &slot{pos: inst.node.Pos, what: "the deployment " + Text(inst.name), run: func() Value { return f.ev.nestedState(inst) }}
		f.ev.deployed[arm.Fold(Text(inst.id))] = inst
	}
}

func (i *instance) isDeployment() bool { return sameName(i.typ, "Microsoft.Resources/deployments") }

// condition evaluates the condition of a resource or an output.
func (ev *evaluator) condition(n *Node, e *env) Value {
	if n.isNull() {
		return Bool(true)
	}
	v := ev.node(n, e)
	b, err := toBool(v)
	if err != nil {
		return ev.fault(n.Pos, fmt.Errorf("the condition is no boolean: %w", err))
	}
	return b
}

// evaluate makes the bodies of all resources, and evaluates what is nested.
func (f *frame) evaluate() {
	for i := 0; i < len(f.list); i++ { // a reference to one turn of a loop may add it
		inst := f.list[i]
		if inst.body != nil {
			continue
		}
		f.body(inst)
		if inst.nested != nil {
			f.ev.force(inst.nested)
		}
	}
}

// What of a resource is no part of its body.
var notBody = []string{
	"type", "apiVersion", "name", "copy", "condition", "dependsOn", "resources", "comments", "scope", "existing",
	"metadata", "subscriptionId", "resourceGroup", "@options",
}

func (f *frame) body(inst *instance) {
	o := &Object{}
	for _, m := range inst.node.Members {
		if m.Name == "" || slices.ContainsFunc(notBody, func(n string) bool { return sameName(n, m.Name) }) {
			continue
		}
		if sameName(m.Name, "extension") && f.isResourceManager(m.Value.text()) {
			continue
		}
		if inst.isDeployment() && sameName(m.Name, "properties") {
			o.set(Field{Name: m.Name, Value: f.ev.deploymentProperties(m.Value, inst.env), Pos: m.Pos})
			continue
		}
		o.set(Field{Name: m.Name, Value: f.ev.node(m.Value, inst.env), Pos: m.Pos})
	}
	if _, err := f.ev.object(o); err != nil {
		f.ev.fault(inst.node.Pos, err)
	}
	inst.body = o
	inst.depends = f.dependsOn(inst)
}

// deploymentProperties leaves out what is evaluated by itself.
func (ev *evaluator) deploymentProperties(n *Node, e *env) Value {
	if !n.isObject() {
		return ev.node(n, e)
	}
	c := &Node{Kind: NodeObject, Pos: n.Pos}
	for _, m := range n.Members {
		if !sameName(m.Name, "template") && !sameName(m.Name, "parameters") {
			c.Members = append(c.Members, m)
		}
	}
	return ev.node(c, e)
}

func (f *frame) dependsOn(inst *instance) []Value {
	n := inst.node.Get("dependsOn")
	var out []Value
	switch v := f.ev.node(n, inst.env).(type) {
	case Array:
		out = v
	case String, *Unknown:
		out = []Value{v}
	}
	if inst.parent != nil {
		out = append(slices.Clone(out), inst.parent.id)
	}
	return out
}

// flatten puts the resources of the frame and of all below it into the result.
func (f *frame) flatten() {
	for _, inst := range f.list {
		f.ev.result.Resources = append(f.ev.result.Resources, &Resource{
			Symbol: inst.symbol, Type: inst.typ, APIVersion: inst.version, ID: inst.id, Name: inst.name,
			Existing: inst.exists, Condition: inst.condition(), Body: inst.body, DependsOn: inst.depends,
			Deployment: f.path, Pos: inst.node.Pos,
		})
		if inst.child != nil {
			inst.child.flatten()
		}
	}
}

// condition is the one of the resource itself, as far as it is not known; what holds it
// may have one too.
func (i *instance) condition() Value {
	if i.cond == Bool(true) && i.frame.under != nil {
		return i.frame.under
	}
	return i.cond
}
