// SPDX-License-Identifier: Apache-2.0

package armtemplate

// ParseParameters reads a parameter file
// (MicrosoftDocs/azure-docs articles/azure-resource-manager/templates/parameter-files.md):
// the values by name. One that lies in a vault is an [Unknown].
func ParseParameters(file string, src []byte) (map[string]Value, error) {
	root, err := ParseJSON(file, src)
	if err != nil {
		return nil, err
	}
	if !root.isObject() {
		return nil, &Error{Pos: root.Pos, Reason: "a parameter file is an object"}
	}
	list := root.Get("parameters")
	if list == nil && root.Get("$schema") == nil {
		list = root // the bare values, as az takes them
	}
	if list != nil && !list.isObject() {
		return nil, &Error{Pos: list.Pos, Reason: "parameters must be an object by name"}
	}
	out := map[string]Value{}
	for _, m := range members(list) {
		v, err := parameterValue(m)
		if err != nil {
			return nil, err
		}
		out[m.Name] = v
	}
	return out, nil
}

func parameterValue(m Member) (Value, error) {
	value, ref := m.Value.Get("value"), m.Value.Get("reference")
	switch {
	case value != nil:
		return plainValue(value), nil
	case ref != nil:
		return secret(m.Name), nil
	case m.Value.Get("expression") != nil:
		return NewUnknown("parameters('"+m.Name+"')", KindAny, Origin{Kind: OriginParameter, Name: m.Name}), nil
	default:
		return nil, &Error{Pos: m.Pos, Reason: "the parameter has neither a value nor a reference to a vault", Advice: `write {"value": …}`}
	}
}

// plainValue returns a node in which nothing is an expression.
func plainValue(n *Node) Value {
	switch n.Kind {
	case NodeString:
		return String(n.Text)
	case NodeBool:
		return Bool(n.Bool)
	case NodeNumber:
		return numberOf(n.Text)
	case NodeArray:
		a := make(Array, 0, len(n.Items))
		for _, item := range n.Items {
			a = append(a, plainValue(item))
		}
		return a
	case NodeObject:
		o := &Object{fields: make([]Field, 0, len(n.Members))}
		for _, m := range n.Members {
			o.set(Field{Name: m.Name, Value: plainValue(m.Value), Pos: m.Pos})
		}
		return o
	default:
		return Null{}
	}
}
