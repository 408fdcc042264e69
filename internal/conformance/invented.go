// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// A round is a set of parameters that two templates are compared with. Defaults alone leave most of a template that has
// conditions and optional parameters asleep, so others are made up from the declared types.
type round struct {
	name string // before a difference
	// value makes up the value of a parameter; nil leaves it out.
	value func(in *inventor, name string, decl *armtemplate.Node) armtemplate.Value
}

var rounds = []round{
	{"", func(*inventor, string, *armtemplate.Node) armtemplate.Value { return nil }},
	{"every parameter given: ", func(in *inventor, name string, decl *armtemplate.Node) armtemplate.Value {
		return in.value(name, decl, 0)
	}},
	{"every parameter unknown: ", func(_ *inventor, name string, decl *armtemplate.Node) armtemplate.Value {
		return armtemplate.NewUnknown("given('"+name+"')", armtemplate.KindAny, armtemplate.Origin{Kind: armtemplate.OriginParameter, Name: name})
	}},
}

// parameters makes up the parameters of a template for a round.
func (r round) parameters(root *armtemplate.Node) map[string]armtemplate.Value {
	in := &inventor{definitions: root.Get("definitions")}
	out := map[string]armtemplate.Value{}
	params := root.Get("parameters")
	if params == nil {
		return out
	}
	for _, m := range params.Members {
		in.left = maxInvented
		if v := r.value(in, m.Name, m.Value); v != nil {
			out[m.Name] = v
		}
	}
	return out
}

const (
	maxInvented      = 400 // values of one parameter
	maxInventedDepth = 6
)

// An inventor makes up values of declared types (definitions.md of the template reference).
type inventor struct {
	definitions *armtemplate.Node
	left        int
}

func textOf(n *armtemplate.Node) string {
	if n == nil || n.Kind != armtemplate.NodeString {
		return ""
	}
	return n.Text
}

// resolve follows a reference to a definition.
func (in *inventor) resolve(decl *armtemplate.Node) *armtemplate.Node {
	for range 10 {
		name, ok := strings.CutPrefix(textOf(decl.Get("$ref")), "#/definitions/")
		if !ok {
			break
		}
		next := in.definitions.Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
		if next == nil {
			break
		}
		decl = next
	}
	return decl
}

// value makes up a value; nil where there is none to make up.
func (in *inventor) value(name string, decl *armtemplate.Node, depth int) armtemplate.Value {
	decl = in.resolve(decl)
	if in.left--; in.left < 0 || depth > maxInventedDepth || decl.Kind != armtemplate.NodeObject {
		return nil
	}
	if allowed := decl.Get("allowedValues"); allowed != nil && len(allowed.Items) > 0 && textOf(decl.Get("type")) != "array" {
		return plainOf(allowed.Items[len(allowed.Items)-1])
	}
	switch strings.ToLower(textOf(decl.Get("type"))) {
	case "string", "securestring":
		return armtemplate.String(inventedText(name, decl))
	case "int":
		if n := decl.Get("minValue"); n != nil {
			return plainOf(n)
		}
		return armtemplate.Int(2)
	case "bool":
		return armtemplate.Bool(true)
	case "array":
		return in.list(name, decl, depth)
	case "object", "secureobject":
		return in.object(name, decl, depth)
	}
	return nil
}

func inventedText(name string, decl *armtemplate.Node) string {
	low := strings.ToLower(name)
	text := "p-" + name
	if strings.HasSuffix(low, "resourceid") || strings.HasSuffix(low, "resourceids") {
		text = "/subscriptions/11111111-0000-4000-8000-000000000003/resourceGroups/other/providers/Microsoft.Made/up/" + name
	}
	if n := decl.Get("maxLength"); n != nil {
		if most, err := strconv.Atoi(n.Text); err == nil && most < len(text) {
			return text[:max(most, 0)]
		}
	}
	return text
}

func (in *inventor) list(name string, decl *armtemplate.Node, depth int) armtemplate.Value {
	out := armtemplate.Array{}
	items := decl.Get("items")
	if items == nil || items.Kind != armtemplate.NodeObject {
		return append(out, armtemplate.String("p-"+name))
	}
	for i := range 2 {
		if v := in.value(name+strconv.Itoa(i), items, depth+1); v != nil {
			out = append(out, v)
		}
	}
	return out
}

// object gives every property a value, of a choice of types the first.
func (in *inventor) object(name string, decl *armtemplate.Node, depth int) armtemplate.Value {
	var fields []armtemplate.Field
	add := func(props *armtemplate.Node) {
		if props == nil {
			return
		}
		for _, m := range props.Members {
			if v := in.value(m.Name, m.Value, depth+1); v != nil {
				fields = append(fields, armtemplate.Field{Name: m.Name, Value: v})
			}
		}
	}
	add(decl.Get("properties"))
	if d := decl.Get("discriminator"); d != nil {
		if mapping := d.Get("mapping"); mapping != nil && len(mapping.Members) > 0 {
			add(in.resolve(mapping.Members[0].Value).Get("properties"))
		}
	}
	if more := decl.Get("additionalProperties"); more != nil && more.Kind == armtemplate.NodeObject {
		if v := in.value(name+"Value", more, depth+1); v != nil {
			fields = append(fields, armtemplate.Field{Name: "other", Value: v})
		}
	}
	return armtemplate.NewObject(fields...)
}

// plainOf is a value of JSON.
func plainOf(n *armtemplate.Node) armtemplate.Value {
	switch n.Kind {
	case armtemplate.NodeString:
		return armtemplate.String(n.Text)
	case armtemplate.NodeBool:
		return armtemplate.Bool(n.Bool)
	case armtemplate.NodeNumber:
		if i, err := json.Number(n.Text).Int64(); err == nil {
			return armtemplate.Int(i)
		}
	default:
	}
	return nil
}
