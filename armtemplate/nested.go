// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"fmt"
	"path"
	"strings"

	"github.com/mivet/mivet/arm"
)

// deploymentTarget returns where a nested deployment goes (deploy-to-resource-group.md and
// its neighbours): what it does not name is as in the template that holds it.
func (f *frame) deploymentTarget(inst *instance) (target, error) {
	t := f.dest
	t.name = inst.name
	n := inst.node
	get := func(member string) Value {
		if m := n.Get(member); !m.isNull() {
			return f.ev.node(m, inst.env)
		}
		return nil
	}
	if s := get("scope"); s != nil {
		return scopeTarget(t, s)
	}
	sub, group := get("subscriptionId"), get("resourceGroup")
	if sub != nil {
		t.subscription = sub
		t.level = arm.LevelSubscription
	}
	if group != nil {
		t.group = group
		t.level = arm.LevelResourceGroup
	}
	if sub != nil || group != nil {
		t.location = givenOr("", locationText(t.level))
	}
	return t, nil
}

// scopeTarget reads the scope of a deployment: the tenant, a management group, or more.
func scopeTarget(t target, scope Value) (target, error) {
	text := strings.ToLower(Text(scope))
	if text == "/" {
		t.level = arm.LevelRoot
		return t, nil
	}
	segs := segments(trimLeading(scope))
	switch {
	case strings.Contains(text, "microsoft.management/managementgroups/"):
		t.level, t.management = arm.LevelManagementGroup, segs[len(segs)-1]
	case strings.HasPrefix(text, "/subscriptions/") && len(segs) == 2:
		t.level, t.subscription = arm.LevelSubscription, segs[1]
	case strings.HasPrefix(text, "/subscriptions/") && len(segs) == 4:
		t.level, t.subscription, t.group = arm.LevelResourceGroup, segs[1], segs[3]
	case !Known(scope):
		t.level, t.management = arm.LevelManagementGroup, scope
	default:
		return t, fmt.Errorf("%q is no scope of a deployment", cut(text, 120))
	}
	return t, nil
}

func trimLeading(v Value) Value {
	if s, ok := v.(String); ok {
		return String(strings.Trim(string(s), "/"))
	}
	if u, ok := v.(*Unknown); ok && u.parts != nil {
		if s, ok := u.parts[0].(String); ok {
			return joined("concat", append([]Value{String(strings.TrimLeft(string(s), "/"))}, u.parts[1:]...))
		}
	}
	return v
}

// nestedState evaluates a nested deployment and returns what reference gives of it: its
// outputs are known, the rest is not.
func (ev *evaluator) nestedState(inst *instance) Value {
	state := resourceState(Text(inst.id)).member(".properties", ".properties")
	child, missing := ev.nestedFrame(inst)
	if child == nil {
		return NewUnknown(state.text, KindObject, Origin{Kind: OriginTemplate, Name: missing})
	}
	inst.child = child
	child.register()
	child.evaluate()
	outputs := &Object{}
	for _, o := range child.allOutputs() {
		body := NewObject(Field{Name: "type", Value: String(o.Type)}, Field{Name: "value", Value: o.Value, Pos: o.Pos})
		if _, err := ev.object(body); err != nil {
			return ev.fault(o.Pos, err)
		}
		outputs.set(Field{Name: o.Name, Value: body, Pos: o.Pos})
	}
	child.evaluate() // what the outputs alone refer to
	known := NewObject(Field{Name: "outputs", Value: outputs}, Field{Name: "provisioningState", Value: String("Succeeded")})
	for _, o := range []*Object{outputs, known} {
		if _, err := ev.object(o); err != nil {
			return ev.fault(inst.node.Pos, err)
		}
	}
	state.typ, state.parts = KindObject, []Value{state.member("", ""), known}
	return state
}

// resourceState is the run-time state of a resource as a whole.
func resourceState(id string) *Unknown {
	return NewUnknown("reference("+argText(String(id))+")", KindObject, Origin{Kind: OriginResource, Resource: id})
}

// nestedFrame makes the frame of what a deployment deploys; nil if its template is not
// here, with the name of what is missing.
func (ev *evaluator) nestedFrame(inst *instance) (child *frame, missing string) {
	f, props := inst.frame, inst.node.Get("properties")
	name := strings.TrimPrefix(f.path+"/"+Text(inst.name), "/")
	if f.depth >= ev.limits.Depth {
		ev.tell(Fault, inst.node.Pos, fmt.Sprintf("deployments are nested deeper than %d", ev.limits.Depth))
		return nil, name
	}
	// Only the root may be deployed in the complete mode (deployment-modes.md; Resource Manager
	// answers "Specified deployment mode 'Complete' is not supported for nested deployment",
	// MicrosoftDocs/azure-docs issue 13214, Azure/bicep issue 1367).
	if mode := props.Get("mode"); mode != nil && sameName(Text(ev.node(mode, inst.env)), "Complete") {
		ev.tell(Fault, mode.Pos, "a nested deployment takes the mode Incremental alone: with Complete Resource Manager refuses it")
	}
	dest, err := f.deploymentTarget(inst)
	if err != nil {
		ev.tell(Fault, inst.node.Pos, err.Error())
		return nil, name
	}
	template, folder, outer := props.Get("template"), f.folder, outerScope(ev, props, inst.env)
	if !template.isObject() {
		t, at, why := ev.linked(inst, props)
		if t == nil {
			return nil, why
		}
		template, folder, outer = t.root, at, false
	}
	child = newFrame(ev, template, name, f.depth+1)
	child.folder, child.dest, child.target, child.holder = folder, dest, dest, f
	child.under = f.under
	if inst.cond != Bool(true) {
		child.under = inst.cond
	}
	if outer {
		child.shareWith(f, inst.env)
		return child, ""
	}
	child.declare(ev.arguments(inst, props))
	return child, ""
}

// outerScope reports whether the expressions of a nested template belong to the template
// that holds it, which they do unless it says otherwise
// (linked-templates.md#expression-evaluation-scope-in-nested-templates).
func outerScope(ev *evaluator, props *Node, e *env) bool {
	s := props.Get("expressionEvaluationOptions").Get("scope")
	return !sameName(Text(ev.node(s, e)), "inner")
}

// shareWith gives a nested template of outer scope the names of the one that holds it.
func (f *frame) shareWith(outer *frame, e *env) {
	f.outer, f.target = outer, outer.target
	f.params, f.vars, f.funcs = outer.params, outer.vars, outer.funcs
	base := *e
	base.frame = f
	f.base = &base
	f.declareOutputs()
}

// arguments returns the parameters that a deployment passes to its template. Each is
// evaluated when it is asked for.
func (ev *evaluator) arguments(inst *instance, props *Node) func(string) (Value, bool) {
	n := props.Get("parameters")
	if props.Get("parametersLink") != nil {
		ev.tell(Incomplete, props.Get("parametersLink").Pos, "the parameters of this deployment lie in a file of their own, which is not read")
	}
	if n != nil && !n.isObject() {
		v := ev.node(n, inst.env)
		return func(name string) (Value, bool) {
			p := At(v, name)
			if p == nil {
				return nil, false
			}
			if given := At(p, "value"); given != nil {
				return given, true
			}
			return secret(name), true
		}
	}
	return func(name string) (Value, bool) {
		p := n.Get(name)
		switch {
		case p == nil:
			return nil, false
		case p.isObject() && p.Get("value") != nil:
			return ev.node(p.Get("value"), inst.env), true
		case p.isObject() && p.Get("reference") != nil:
			return secret(name), true
		}
		v := At(ev.node(p, inst.env), "value") // a loop, or an expression for all of it
		return v, v != nil
	}
}

// secret is a parameter whose value lies in a vault.
func secret(name string) Value {
	return NewUnknown("secret('"+name+"')", KindString, Origin{Kind: OriginSecret, Name: name})
}

const maxLinkTries = 12

// linked returns a template that lies in a file of its own, with its folder; or the name
// under which it was looked for.
func (ev *evaluator) linked(inst *instance, props *Node) (t *Template, folder, missing string) {
	n := props.Get("templateLink")
	if n.isNull() {
		ev.tell(Incomplete, inst.node.Pos, "the deployment has no template that can be read")
		return nil, "", Text(inst.name)
	}
	link := ev.node(n, inst.env)
	name := ""
	for _, member := range []string{"relativePath", "uri", "id"} {
		v := At(link, member)
		if IsNull(v) {
			continue
		}
		name = Text(v)
		for _, p := range inst.frame.linkPaths(member, v) {
			if t := ev.load(n, p); t != nil && !inst.frame.below(t) {
				return t, folderOf(p), ""
			}
		}
	}
	ev.tell(Incomplete, n.Pos, fmt.Sprintf("the linked template %s is not among the files", name))
	return nil, "", name
}

// linkPaths returns where a linked template may lie, the likeliest first. Of an address
// that is known, the file in this tree is the one with the longest equal end; of one whose
// beginning is not known, such as deployment().properties.templateLink.uri, the rest is
// the path.
func (f *frame) linkPaths(member string, v Value) []string {
	switch x := v.(type) {
	case String:
		p, _, _ := strings.Cut(string(x), "?")
		if member == "relativePath" {
			return []string{path.Join(f.folder, p)}
		}
		_, rest, ok := strings.Cut(p, "://")
		if !ok {
			return nil
		}
		return f.endsOf(strings.Split(rest, "/")[1:])
	case *Unknown:
		for i, p := range x.parts {
			s, ok := p.(String)
			if ok && i > 0 && strings.Contains(string(s), ".json") {
				p, _, _ := strings.Cut(string(s), "?")
				return []string{path.Join(f.folder, strings.TrimLeft(p, "/"))}
			}
		}
	}
	return nil
}

// endsOf returns the ends of an address as paths, the longest first. A bare file name
// belongs to this tree only if the folders before it have one name: many templates are
// called azuredeploy.json.
func (f *frame) endsOf(segs []string) []string {
	var out []string
	for i := max(0, len(segs)-maxLinkTries); i < len(segs)-1; i++ {
		out = append(out, path.Join(f.folder, path.Join(segs[i:]...)))
	}
	here := path.Base(path.Dir(strings.ReplaceAll(f.root.Pos.File, `\`, "/")))
	if n := len(segs); n > 1 && sameName(segs[n-2], here) {
		out = append(out, path.Join(f.folder, segs[n-1]))
	}
	return out
}

// below reports whether a template is the one of the frame or of one that holds it:
// another of the same name is meant then.
func (f *frame) below(t *Template) bool {
	for ; f != nil; f = f.holder {
		if f.root.Pos.File == t.root.Pos.File {
			return true
		}
	}
	return false
}

// load reads a linked template, once; nil if it is not there or is none.
func (ev *evaluator) load(n *Node, p string) *Template {
	if t, ok := ev.loaded[p]; ok || ev.opts.Load == nil {
		return t
	}
	ev.loaded[p] = nil
	src, err := ev.opts.Load(p)
	if err != nil {
		return nil
	}
	t, err := Parse(path.Join(folderOf(ev.rootFile), p), src)
	if err != nil {
		ev.tell(Incomplete, n.Pos, fmt.Sprintf("the linked template cannot be read: %v", err))
		return nil
	}
	ev.loaded[p] = t
	return t
}

// outputSlot is an output before it is evaluated.
type outputSlot struct {
	name string
	node *Node
	pos  Pos
	cond slot
	slot slot
}

func (f *frame) declareOutputs() {
	for _, m := range members(f.root.Get("outputs")) {
		o := &outputSlot{name: m.Name, node: m.Value, pos: m.Pos}
		o.cond = slot{pos: m.Pos, what: "the condition of the output " + m.Name, run: func() Value {
			return f.ev.condition(m.Value.Get("condition"), f.base)
		}}
		o.slot = slot{pos: m.Pos, what: "the output " + m.Name, run: func() Value { return f.output(m.Value) }}
		f.outputs = append(f.outputs, o)
	}
}

func (f *frame) output(n *Node) Value {
	if c := n.Get("copy"); c.isObject() {
		loop := &Node{Kind: NodeObject, Pos: c.Pos, Members: append([]Member{{Name: "name", Value: StringNode(c.Pos, "")}}, c.Members...)}
		return f.ev.propertyLoop(loop, f.base)
	}
	return f.ev.node(n.Get("value"), f.base)
}

func (f *frame) allOutputs() []Output {
	var out []Output
	for _, o := range f.outputs {
		if f.ev.force(&o.cond) == Bool(false) {
			continue
		}
		out = append(out, Output{
			Name: o.name, Type: strings.ToLower(f.definition(o.node).Get("type").text()), Value: f.ev.force(&o.slot), Pos: o.pos,
		})
	}
	return out
}
