// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mivet/mivet/arm"
)

// typeArg finds the argument that is a resource type: the first with a slash, as
// subscription and group, which may stand before it, have none.
func (c *call) typeArg(from, most int) (int, string, error) {
	for i := from; i < len(c.args) && i <= from+most; i++ {
		if s, ok := c.args[i].(String); ok && strings.Contains(string(s), "/") {
			return i, string(s), nil
		}
	}
	return 0, "", errors.New("no argument is a resource type")
}

// names returns the arguments from one on as names; one may hold several with slashes.
func (c *call) names(from int, typ string) []Value {
	args := c.args[from:]
	if len(args) == strings.Count(strings.TrimRight(typ, "/"), "/") {
		return args
	}
	var out []Value
	for _, a := range args {
		out = append(out, segments(a)...)
	}
	return out
}

// resourceIDFunction is resourceId([subscription], [group], type, name…)
// (template-functions-resource.md#resourceid).
func resourceIDFunction(c *call) (Value, error) {
	i, typ, err := c.typeArg(0, 2)
	if err != nil {
		return c.unknownOr(err)
	}
	t := c.target()
	switch i {
	case 1:
		if t.level == arm.LevelSubscription {
			t.subscription = c.args[0]
		} else {
			t.group = c.args[0]
		}
	case 2:
		t.subscription, t.group, t.level = c.args[0], c.args[1], arm.LevelResourceGroup
	}
	scope := t.scopeID()
	switch key := arm.Fold(typ); {
	case tenantTypes[key]:
		scope = String("")
	case key == "microsoft.resources/resourcegroups":
		t.level = arm.LevelSubscription
		scope = t.scopeID()
	}
	return c.idOf(scope, typ, i+1)
}

func (c *call) idOf(scope Value, typ string, from int) (Value, error) {
	return resourceID(scope, typ, c.names(from, typ))
}

// unknownOr is the result if an argument is not known, and the error else.
func (c *call) unknownOr(err error) (Value, error) {
	for _, a := range c.args {
		if !c.ev.known(a) {
			return c.unknown(KindString), nil
		}
	}
	return nil, err
}

func subscriptionResourceID(c *call) (Value, error) {
	i, typ, err := c.typeArg(0, 1)
	if err != nil {
		return c.unknownOr(err)
	}
	t := c.target()
	t.level = arm.LevelSubscription
	if i == 1 {
		t.subscription = c.args[0]
	}
	return c.idOf(t.scopeID(), typ, i+1)
}

func managementGroupResourceID(c *call) (Value, error) {
	i, typ, err := c.typeArg(0, 1)
	if err != nil {
		return c.unknownOr(err)
	}
	t := c.target()
	t.level = arm.LevelManagementGroup
	if i == 1 {
		t.management = c.args[0]
	}
	return c.idOf(t.scopeID(), typ, i+1)
}

func tenantResourceID(c *call) (Value, error) {
	i, typ, err := c.typeArg(0, 0)
	if err != nil {
		return c.unknownOr(err)
	}
	return c.idOf(String(""), typ, i+1)
}

func extensionResourceID(c *call) (Value, error) {
	i, typ, err := c.typeArg(1, 0)
	if err != nil {
		return c.unknownOr(err)
	}
	return c.idOf(trimSlash(c.args[0]), typ, i+1)
}

// resourceOf finds what an argument names: a symbolic name, a name in the template, or an
// ID. The ID is "" where it cannot be told.
func (c *call) resourceOf(v Value) (id string, inst *instance) {
	text := Text(v)
	if isRelativeID(text) {
		text = Text(joinID(c.env.frame.dest.scopeID(), String("/providers/"), v))
	}
	if strings.HasPrefix(text, "/") {
		return text, c.ev.deployed[arm.Fold(text)]
	}
	for f := c.env.frame; f != nil; f = f.outer {
		if inst := f.bySymbol(text); inst != nil {
			return Text(inst.id), inst
		}
		if inst := f.names[arm.Fold(text)]; inst != nil {
			return Text(inst.id), inst
		}
	}
	return "", nil
}

// isRelativeID reports whether a text names a resource by types and names in turn, without
// its scope: "Microsoft.Web/sites/api".
func isRelativeID(text string) bool {
	provider, rest, ok := strings.Cut(text, "/")
	return ok && strings.Contains(provider, ".") && strings.Count(rest, "/")%2 == 1
}

// bySymbol finds an instance by its symbolic name, which has an index in a loop.
func (f *frame) bySymbol(symbol string) *instance {
	base, index, inLoop := strings.Cut(symbol, "[")
	all := f.symbols[arm.Fold(base)]
	if !inLoop && len(all) > 0 {
		return all[0]
	}
	for _, inst := range all {
		if sameName(inst.symbol, symbol) {
			return inst
		}
	}
	if len(all) > 0 && !isIndexed(all[0]) {
		return f.turn(all[0], strings.TrimSuffix(index, "]"))
	}
	return nil
}

// turn is one turn of a loop of a length that is not known, which is deployed if the loop
// gets that far; any turn, if the index is not known either.
func (f *frame) turn(some *instance, index string) *instance {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= f.ev.limits.Copies || len(f.symbols[arm.Fold(some.base)]) > maxTurns {
		return some
	}
	l := some.env.loops
	e := *some.env
	e.loops = &loop{name: l.name, index: Int(i), count: l.count, outer: l.outer}
	before := len(f.list)
	f.addOne(some.node, some.base, some.parent, &e, Int(i))
	if len(f.list) == before {
		return some
	}
	inst := f.list[before]
	if inst.cond == Bool(true) {
		inst.cond = computed(KindBool, "less", Int(i), l.count)
	}
	return inst
}

const maxTurns = 100 // of one loop of unknown length

// reference is the run-time state of a resource: of a deployment of this template what it
// gives out, of all others an unknown that names the resource
// (template-functions-resource.md#reference).
func reference(c *call) (Value, error) {
	if c.env.inner {
		return nil, errors.New("a function of the template cannot call reference")
	}
	full := len(c.args) == 3 && sameName(Text(c.args[2]), "full")
	return c.state(c.args[0], full)
}

func (c *call) state(name Value, full bool) (Value, error) {
	id, inst := c.resourceOf(name)
	if inst != nil && inst.nested != nil && inst.cond != Bool(false) {
		props := c.ev.force(inst.nested)
		if !full {
			return props, nil
		}
		return c.make("id", inst.id, "name", inst.name, "properties", props)
	}
	if inst != nil && id == "" { // a resource of an extension: its symbolic name is all it has
		u := NewUnknown("reference('"+inst.symbol+"')", KindObject, Origin{Kind: OriginResource, Resource: inst.symbol})
		return u, nil
	}
	if id == "" {
		if Known(name) && !c.env.frame.symbolic {
			return c.nameless(name, full), nil
		}
		if Known(name) {
			return nil, fmt.Errorf("the template has no resource %q", cut(Text(name), 120))
		}
		id = Text(name)
	}
	u := resourceState(id)
	u.origins = append(u.origins, originsOf(name)...)
	if full {
		return u, nil
	}
	return u.member(".properties", ".properties"), nil
}

// nameless is the state of a resource that is named by its name alone and is not in the
// template.
func (c *call) nameless(name Value, full bool) Value {
	u := resourceState(Text(name))
	if full {
		return u
	}
	return u.member(".properties", ".properties")
}

// references are the states of all turns of a loop.
func references(c *call) (Value, error) {
	full := len(c.args) == 2 && sameName(Text(c.args[1]), "full")
	list := c.env.frame.symbols[arm.Fold(Text(c.args[0]))]
	if list == nil {
		return nil, fmt.Errorf("the template has no loop of resources %q", cut(Text(c.args[0]), 120))
	}
	a := make(Array, 0, len(list))
	for _, inst := range list {
		if inst.cond == Bool(false) {
			continue
		}
		if !isIndexed(inst) {
			return computed(KindArray, c.name, c.args[0], inst.id), nil
		}
		v, err := c.state(String(inst.symbol), full)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	return c.ev.array(a)
}

// isIndexed reports whether the turn of a loop is known.
func isIndexed(inst *instance) bool {
	return inst.env.loops == nil || inst.env.loops.index.Kind() == KindInt && Known(inst.env.loops.index)
}

func resourceInfo(c *call) (Value, error) {
	_, inst := c.resourceOf(c.args[0])
	if inst == nil {
		return c.unknownOr(fmt.Errorf("the template has no resource %q", cut(Text(c.args[0]), 120)))
	}
	return c.make("id", inst.id, "name", inst.name, "type", String(inst.typ), "apiVersion", String(inst.version))
}

// listOf stands for all functions that begin with list: keys, mostly.
func listOf(c *call) (Value, error) {
	id, _ := c.resourceOf(c.args[0])
	if id == "" {
		id = Text(c.args[0])
	}
	u := NewUnknown(c.name+"("+argText(String(id))+")", KindObject, Origin{Kind: OriginSecret, Name: c.name, Resource: id})
	u.direct = false
	return u, nil
}
