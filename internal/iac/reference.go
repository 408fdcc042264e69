// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"slices"
	"strings"
)

// target is something that an expression refers to: an attribute of an object, or a
// constant.
type target struct {
	object  *object
	attr    string // "identity.principal_id"; empty where the plan does not tell
	literal string
}

// trail is the outcome of following the references of one expression.
type trail struct {
	targets []target
	// lost are the references that lead nowhere a plan shows, such as "local.id".
	lost []string
	// workspace is true where the name of the workspace is a part of it.
	workspace bool
}

const maxHops = 32 // modules nest less deeply; what passes it is a loop

// follower follows references through variables and outputs of modules.
type follower struct {
	doc      *document
	byConfig map[string][]instance // objects by their address in the source
	exact    map[string]*object    // and by their full address
	modules  map[string]*configModule
	// instances are the instances of modules that hold objects.
	instances map[string]bool
}

type instance struct {
	o *object
	a address
}

func newFollower(doc *document) *follower {
	f := &follower{doc: doc, byConfig: map[string][]instance{}, exact: map[string]*object{}, modules: map[string]*configModule{}, instances: map[string]bool{}}
	for _, o := range doc.objects {
		if !isGrant(o.typ) && o.stays() && o.deposed == "" { // nothing refers to a grant, nor to what was deposed
			f.add(o)
		}
	}
	for _, o := range doc.deferred {
		f.add(o)
	}
	f.collect(doc.config.root)
	return f
}

func (f *follower) add(o *object) {
	if a, ok := parseAddress(o.address); ok {
		key := a.config()
		f.byConfig[key] = append(f.byConfig[key], instance{o, a})
		f.exact[o.address] = o
		f.instances[a.instance] = true
	}
}

func (f *follower) collect(m *configModule) {
	f.modules[m.path] = m
	for _, c := range m.calls {
		f.collect(c.module)
	}
}

// source returns what the configuration says of an object, or nil.
func (f *follower) source(a address) *configResource {
	if m := f.modules[a.module]; m != nil {
		return m.resources[a.object]
	}
	return nil
}

// follow resolves the references of an expression that stands in the object at from.
func (f *follower) follow(from address, refs []string) trail {
	var t trail
	f.walk(&t, placed(from, refs), f.eachOf(from), refs, "", 0)
	return t
}

func (f *follower) eachOf(from address) []string {
	if c := f.source(from); c != nil {
		return c.each
	}
	return nil
}

// placed drops the index of a place from which an expression does not use it: only with
// each.key, each.value or count.index does an index of its own choose instances of others.
func placed(from address, refs []string) address {
	if !slices.ContainsFunc(refs, func(r string) bool { return strings.HasPrefix(r, "each.") || strings.HasPrefix(r, "count.") }) {
		from.index = ""
	}
	return from
}

// walk follows refs as they stand in the module of from. tail is an attribute path that
// is still to be applied to what they yield.
func (f *follower) walk(t *trail, from address, each, refs []string, tail string, hops int) {
	if hops > maxHops {
		t.lost = append(t.lost, refs...)
		return
	}
	for _, ref := range longest(refs) {
		f.step(t, from, each, ref, tail, hops+1)
	}
}

// longest drops the references that are a prefix of another one: a plan lists
// "a.b.c[0].d" together with "a.b.c[0]", "a.b.c" and "a.b".
func longest(refs []string) []string {
	var out []string
	for i, r := range refs {
		shadowed := slices.ContainsFunc(refs, func(o string) bool {
			return len(o) > len(r) && strings.HasPrefix(o, r) && (o[len(r)] == '.' || o[len(r)] == '[')
		})
		if !shadowed && !slices.Contains(refs[:i], r) {
			out = append(out, r)
		}
	}
	return out
}

func (f *follower) step(t *trail, from address, each []string, ref, tail string, hops int) {
	parts := splitAddress(ref)
	root, _ := cutIndex(parts[0])
	switch root {
	case "each", "count":
		if len(parts) > 1 && root == "each" && parts[1] != "key" {
			if len(each) == 0 {
				t.lost = append(t.lost, ref)
				return
			}
			f.walk(t, from, nil, each, join(attrPath(parts[2:]), tail), hops)
		}
	case "terraform":
		t.workspace = t.workspace || strings.HasPrefix(ref, "terraform.workspace")
	case "path", "self": // they name nothing in Azure
	case "var":
		f.variable(t, from, parts, ref, tail, hops)
	case "module":
		f.output(t, from, parts, ref, tail, hops)
	default:
		f.object(t, from, ref, tail)
	}
}

// variable follows a variable to the argument of the module's call, or to its value.
func (f *follower) variable(t *trail, from address, parts []string, ref, tail string, hops int) {
	if len(parts) < 2 {
		t.lost = append(t.lost, ref)
		return
	}
	name, _ := cutIndex(parts[1])
	tail = join(attrPath(parts[2:]), tail)
	m := f.modules[from.module]
	if m == nil || m.parent == nil {
		if v := f.doc.vars[name]; v != "" && tail == "" {
			t.targets = append(t.targets, target{literal: v})
			return
		}
		t.lost = append(t.lost, ref)
		return
	}
	call := m.parent.calls[m.name]
	arg, ok := call.args[name]
	switch {
	case !ok || arg.constant == "" && len(arg.refs) == 0:
		t.lost = append(t.lost, ref)
	case arg.constant != "":
		t.targets = append(t.targets, target{literal: arg.constant})
	default:
		f.walk(t, placed(outOf(from), arg.refs), call.each, arg.refs, tail, hops)
	}
}

// outOf returns the place of the call of the module that from stands in.
func outOf(from address) address {
	up := from
	up.object, up.attr = "", ""
	if i := strings.LastIndex(up.module, "module."); i >= 0 {
		up.module = strings.TrimSuffix(up.module[:i], ".")
	}
	parts := splitAddress(up.instance)
	if len(parts) >= 2 {
		up.instance = strings.Join(parts[:len(parts)-2], ".")
		_, up.index = cutIndex(parts[len(parts)-1])
	}
	return up
}

// output follows an output of a called module.
func (f *follower) output(t *trail, from address, parts []string, ref, tail string, hops int) {
	if len(parts) < 3 {
		t.lost = append(t.lost, ref)
		return
	}
	name, index := cutIndex(parts[1])
	m := f.modules[from.module]
	if m == nil || m.calls[name] == nil {
		t.lost = append(t.lost, ref)
		return
	}
	called := m.calls[name].module
	key, _ := cutIndex(parts[2])
	out, ok := called.outputs[key]
	switch {
	case !ok || out.constant == "" && len(out.refs) == 0:
		t.lost = append(t.lost, ref)
	case out.constant != "":
		t.targets = append(t.targets, target{literal: out.constant})
	default:
		inside := address{module: called.path, instance: joinModule(from.instance, "module."+name+index)}
		if own := inside.instance + from.index; index == "" && f.instances[own] {
			inside.instance = own
		}
		f.walk(t, inside, nil, out.refs, join(attrPath(parts[3:]), tail), hops)
	}
}

// object resolves a reference to an object of the same module.
func (f *follower) object(t *trail, from address, ref, tail string) {
	a, ok := parseAddress(ref)
	if !ok {
		t.lost = append(t.lost, ref)
		return
	}
	found := f.pick(a, from)
	if len(found) == 0 {
		t.lost = append(t.lost, ref)
		return
	}
	for _, o := range found {
		t.targets = append(t.targets, target{object: o, attr: join(a.attr, tail)})
	}
}

// maxInstances is how many objects one reference may mean before it counts as lost.
const maxInstances = 64

// pick chooses the instances that a reference means: those of the same instance of the
// module, and of them the one of the index that is written, else that of the same index
// as the object that refers.
func (f *follower) pick(ref, from address) []*object {
	base := joinModule(from.instance, ref.object)
	for _, key := range []string{base + ref.index, base + from.index} {
		if o := f.exact[key]; o != nil && ref.index != "[*]" {
			return []*object{o}
		}
		if ref.index != "" {
			break
		}
	}
	var out []*object
	for _, n := range f.byConfig[joinModule(from.module, ref.object)] {
		if from.instance == "" || strings.HasPrefix(n.a.instance+".", from.instance+".") {
			out = append(out, n.o)
		}
		if len(out) > maxInstances {
			return nil
		}
	}
	return out
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	default:
		return a + "." + b
	}
}
