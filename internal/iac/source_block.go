// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// computed are the attributes that the provider fills in, beside "id", of objects that
// others refer to.
var computed = map[string][]string{
	"azurerm_user_assigned_identity": {"principal_id", "client_id", "tenant_id"},
	"azurerm_role_definition":        {"role_definition_id", "role_definition_resource_id"},
	"azuread_service_principal":      {"object_id"},
	"azuread_application":            {"object_id", "client_id"},
	"azuread_group":                  {"object_id"},
	"azuread_user":                   {"object_id"},
}

// known makes the arguments of objects that are evaluated known to others, as far as they
// are referred to.
func (s *sources) known(m *sourceModule) {
	asked := map[string]map[string]bool{} // by "type.name"
	for _, b := range m.blocks {
		for _, ref := range bodyReferences(b.Body) {
			if a, ok := parseAddress(ref); ok && !strings.HasPrefix(a.object, "data.") && a.index == "" {
				if asked[a.object] == nil {
					asked[a.object] = map[string]bool{}
				}
				first, _, _ := strings.Cut(a.attr, ".")
				asked[a.object][first] = true
			}
		}
	}
	byType := map[string]map[string]cty.Value{}
	for _, b := range m.blocks {
		if b.Type != "resource" || len(b.Labels) != 2 {
			continue
		}
		typ, name := b.Labels[0], b.Labels[1]
		if byType[typ] == nil {
			byType[typ] = map[string]cty.Value{}
		}
		byType[typ][name] = m.known(b, asked[typ+"."+name])
	}
	for typ, names := range byType {
		for address := range asked { // a reference to an object that is not there is unknown, no error
			if t, name, _ := strings.Cut(address, "."); t == typ && names[name] == cty.NilVal {
				names[name] = cty.DynamicVal
			}
		}
		m.values[typ] = objectOf(names)
	}
}

// known is an object with the attributes that are asked of it.
func (m *sourceModule) known(b sourceBlock, asked map[string]bool) cty.Value {
	if len(asked) == 0 || asked[""] || b.Body.Attributes["count"] != nil || b.Body.Attributes["for_each"] != nil {
		return cty.DynamicVal
	}
	attrs := map[string]cty.Value{}
	for name := range asked {
		attrs[name] = cty.DynamicVal
		if a := b.Body.Attributes[name]; a != nil {
			attrs[name] = m.value(a.Expr, nil)
		}
	}
	return cty.ObjectVal(attrs)
}

// bodyReferences lists what a body refers to, in all its blocks.
func bodyReferences(b *hclsyntax.Body) []string {
	var out []string
	for _, a := range b.Attributes {
		out = append(out, referencesOf(a.Expr)...)
	}
	for _, inner := range b.Blocks {
		out = append(out, bodyReferences(inner.Body)...)
	}
	return out
}

// block adds the objects of a resource or a data source.
func (s *sources) block(m *sourceModule, b sourceBlock) {
	typ, name := b.Labels[0], b.Labels[1]
	base := typ + "." + name
	if b.Type == "data" {
		base = "data." + base
	}
	c := &configResource{provider: providerKey(b.Body, typ), exprs: s.filtered(b, sourceExpressions(m, b.Body), s.reader.exprs)}
	for _, a := range []string{"for_each", "count"} {
		if x := b.Body.Attributes[a]; x != nil {
			c.each = append(c.each, referencesOf(x.Expr)...)
		}
	}
	m.config.resources[base] = c
	for _, x := range s.instances(m, b) {
		after, unknown := m.body(b.Body, x.each)
		s.complete(typ, after, unknown)
		o := &object{
			address: joinModule(m.instance, base+x.index), typ: typ, data: b.Type == "data", file: b.file,
			line: b.TypeRange.Start.Line, actions: []string{actionDeploy},
			after: s.filtered(b, after, s.reader.attrs), unknown: s.filtered(b, unknown, s.reader.attrs),
		}
		s.doc.objects = append(s.doc.objects, o)
	}
}

// complete says what the provider does with what is not written: it computes some, and
// others have their default.
func (s *sources) complete(typ string, after, unknown map[string]any) {
	for _, name := range append([]string{"id"}, computed[typ]...) {
		if after[name] == nil {
			unknown[name] = true
		}
	}
	if blocks, ok := after["identity"].([]any); ok {
		for i := range blocks {
			inner, _ := unknown["identity"].([]any)
			for len(inner) <= i {
				inner = append(inner, map[string]any{})
			}
			if u, ok := inner[i].(map[string]any); ok {
				u["principal_id"], u["tenant_id"] = true, true
			}
			unknown["identity"] = inner
		}
	}
	for _, x := range s.settings[typ] {
		first, _, _ := strings.Cut(x.from, ".")
		if _, ok := after[first]; !ok && unknown[first] == nil {
			after[first] = nil
		}
	}
}

func providerKey(b *hclsyntax.Body, typ string) string {
	if a := b.Attributes["provider"]; a != nil {
		if refs := referencesOf(a.Expr); len(refs) == 1 {
			return refs[0]
		}
	}
	name, _, _ := strings.Cut(typ, "_")
	return name
}

// filtered keeps what is allowed of a tree, as it is kept of a plan.
func (s *sources) filtered(b sourceBlock, tree map[string]any, f *fields) json.RawMessage {
	text, err := json.Marshal(tree)
	if err != nil {
		s.gap(b.TypeRange, b.file, strings.Join(b.Labels, "."), "its arguments cannot be written as JSON: "+err.Error())
		return nil
	}
	var k kept
	k.reset()
	if err := newTextScanner(b.file, b.TypeRange.Start.Line, text).copy(&k, f); err != nil {
		return nil // the text was written just now
	}
	return k.value(0)
}

// body evaluates a body: what is known, and what is unknown, as a plan has them.
func (m *sourceModule) body(b *hclsyntax.Body, each map[string]cty.Value) (after, unknown map[string]any) {
	after, unknown = map[string]any{}, map[string]any{}
	for name, a := range b.Attributes {
		v, u := split(m.value(a.Expr, each))
		if v != nil || u == nil {
			after[name] = v
		}
		if u != nil {
			unknown[name] = u
		}
	}
	for _, inner := range b.Blocks {
		if inner.Type == "dynamic" && len(inner.Labels) == 1 {
			m.dynamic(inner, each, after, unknown)
			continue
		}
		a, u := m.body(inner.Body, each)
		addBlock(inner.Type, a, u, after, unknown)
	}
	return after, unknown
}

func addBlock(name string, a, u, after, unknown map[string]any) {
	list, _ := after[name].([]any)
	after[name] = append(list, a)
	if known, taken := unknown[name].(bool); taken && known {
		return
	}
	inner, _ := unknown[name].([]any)
	unknown[name] = append(inner, u)
}

// dynamic writes out a dynamic block.
func (m *sourceModule) dynamic(b *hclsyntax.Block, each map[string]cty.Value, after, unknown map[string]any) {
	name := b.Labels[0]
	var content *hclsyntax.Body
	for _, inner := range b.Body.Blocks {
		if inner.Type == "content" {
			content = inner.Body
		}
	}
	v := cty.DynamicVal
	if a := b.Body.Attributes["for_each"]; a != nil {
		v = m.value(a.Expr, each)
	}
	if content == nil || !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		unknown[name] = true
		return
	}
	iterator := name
	if a := b.Body.Attributes["iterator"]; a != nil {
		if refs := referencesOf(a.Expr); len(refs) == 1 {
			iterator = refs[0]
		}
	}
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		inner := map[string]cty.Value{iterator: cty.ObjectVal(map[string]cty.Value{"key": key, "value": e})}
		maps.Copy(inner, each)
		a, u := m.body(content, inner)
		addBlock(name, a, u, after, unknown)
	}
}

// split takes a value apart into what is known and what is not; u is nil where all is known.
func split(v cty.Value) (known, u any) {
	switch {
	case !v.IsKnown():
		return nil, true
	case v.IsNull():
		return nil, nil
	case v.IsWhollyKnown():
		text, err := ctyjson.SimpleJSONValue{Value: v}.MarshalJSON()
		var out any
		if err != nil || json.Unmarshal(text, &out) != nil {
			return nil, true
		}
		return out, nil
	}
	if v.Type().IsObjectType() || v.Type().IsMapType() {
		k, un := map[string]any{}, map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			key, e := it.Element()
			a, b := split(e)
			if k[key.AsString()] = a; b != nil {
				un[key.AsString()] = b
			}
		}
		return k, un
	}
	k, un := []any{}, []any{}
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		a, b := split(e)
		k, un = append(k, a), append(un, b)
	}
	return k, un
}

// sourceExpressions says what each argument refers to, as the configuration of a plan does.
func sourceExpressions(m *sourceModule, b *hclsyntax.Body) map[string]any {
	out := map[string]any{}
	for name, a := range b.Attributes {
		e := m.expressionOf(a.Expr)
		if e.constant != "" {
			said := map[string]any{"constant_value": e.constant}
			if slices.Contains(naming, name) { // a default may be another one in a run
				said["references"] = m.withoutLocals(referencesOf(a.Expr), 0)
			}
			out[name] = said
			continue
		}
		out[name] = map[string]any{"references": e.refs}
	}
	for _, inner := range b.Blocks {
		name, body := inner.Type, inner.Body
		if name == "dynamic" && len(inner.Labels) == 1 {
			name = inner.Labels[0]
			for _, c := range body.Blocks {
				if c.Type == "content" {
					body = c.Body
				}
			}
		}
		list, _ := out[name].([]any)
		out[name] = append(list, sourceExpressions(m, body))
	}
	return out
}
