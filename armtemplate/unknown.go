// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// OriginKind says why a value is not known.
type OriginKind uint8

// The reasons.
const (
	OriginParameter  OriginKind = iota // a parameter got no value: Name
	OriginResource                     // the run-time state of a resource: Resource, Path
	OriginSecret                       // what a list function gives: Resource, Name of the function
	OriginDeployment                   // what only the deployment knows: subscription, group, location, caller
	OriginTime                         // the time, and what is new in each run
	OriginTemplate                     // a template that is not here: Name
	OriginLoop                         // the elements of a loop of unknown length
	OriginFault                        // it cannot be evaluated; a diagnostic says why
)

var originNames = [...]string{
	OriginParameter: "parameter", OriginResource: "resource", OriginSecret: "secret", OriginDeployment: "deployment",
	OriginTime: "time", OriginTemplate: "template", OriginLoop: "loop", OriginFault: "fault",
}

// String returns the kind in one word.
func (k OriginKind) String() string {
	if int(k) < len(originNames) {
		return originNames[k]
	}
	return originNames[OriginFault]
}

// Origin is one thing that an [Unknown] hangs on.
type Origin struct {
	Kind OriginKind
	// Name is the parameter, the function, or the template.
	Name string
	// Resource is the ID of the resource; parts that are not known stand in braces.
	Resource string
	// Path is what of the resource is meant, from the top of its body: "identity.principalId",
	// "properties.principalId", "outputs.x.value". Empty means all of it.
	Path string
}

const (
	maxUnknownText = 1024 // bytes; longer expressions end in a digest
	maxOrigins     = 64
	maxChoices     = 16
)

// Unknown is a value that cannot be known before the deployment. Two with the same text
// are the same value.
type Unknown struct {
	text    string
	typ     Kind
	origins []Origin
	parts   []Value
	choices []Value
	// elements are those of a list that has others only if a piece of a text holds a slash:
	// names do not, and names are what is split so.
	elements []Value
	branch   []Value // of if: the condition and the two values, from which choices were made
	direct   bool    // the state of one thing, of which a property is a property too
	segment  bool    // a text that surely has no slash
}

// Kind returns the type that the value will have, KindAny if that is not known either.
func (u *Unknown) Kind() Kind { return u.typ }

// String returns the expression that remains, in which all that is known has its value.
func (u *Unknown) String() string { return u.text }

// Origins returns what the value hangs on, each once, at most 64.
func (u *Unknown) Origins() []Origin { return slices.Clone(u.origins) }

// Parts returns the pieces, in order, of which a text or a list is put together, or the
// objects of which an object is merged, of which later ones win; nil if it is none.
func (u *Unknown) Parts() []Value { return slices.Clone(u.parts) }

// Choices returns the values of which it will be one, where a condition or a missing value
// decides; nil if it is no choice.
func (u *Unknown) Choices() []Value { return slices.Clone(u.choices) }

// NewUnknown returns an unknown with one origin, for values that a caller passes as
// parameters. The text is the expression that people are shown.
func NewUnknown(text string, typ Kind, origin Origin) *Unknown {
	return &Unknown{text: boundText(text), typ: typ, origins: []Origin{origin}, direct: true}
}

func boundText(s string) string {
	if len(s) <= maxUnknownText {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return cut(s, maxUnknownText-40) + " #" + hex.EncodeToString(sum[:8])
}

// computed returns the result of a function whose arguments are not all known.
func computed(typ Kind, fn string, args ...Value) *Unknown {
	var b strings.Builder
	b.WriteString(fn + "(")
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(argText(a))
	}
	b.WriteString(")")
	return &Unknown{text: boundText(b.String()), typ: typ, origins: originsOf(args...)}
}

// argText prints a value as the argument of an expression.
func argText(v Value) string {
	switch x := v.(type) {
	case *Unknown:
		return x.text
	case String:
		return "'" + strings.ReplaceAll(string(x), "'", "''") + "'"
	case Array, *Object:
		return "json('" + boundText(string(JSON(v))) + "')"
	default:
		return string(JSON(v))
	}
}

// originsOf collects the origins of all unknowns in the values, in order, each once.
func originsOf(vs ...Value) []Origin {
	var c originSet
	for _, v := range vs {
		c.add(v)
	}
	return c.list
}

type originSet struct {
	list []Origin
	seen int // values looked at, against large ones
}

func (c *originSet) add(v Value) {
	if c.seen++; c.seen > 1<<14 || len(c.list) >= maxOrigins {
		return
	}
	switch x := v.(type) {
	case *Unknown:
		for _, o := range x.origins {
			if len(c.list) < maxOrigins && !slices.Contains(c.list, o) {
				c.list = append(c.list, o)
			}
		}
	case Array:
		for _, item := range x {
			c.add(item)
		}
	case *Object:
		for _, f := range x.fields {
			c.add(f.Value)
		}
	}
}

// choice returns a value that is one of several, decided by what is in by. Choices of
// choices become one list.
func choice(fn string, by, options []Value) Value {
	var flat []Value
	typ := KindNull
	for _, o := range options {
		if k := o.Kind(); typ == KindNull {
			typ = k
		} else if k != typ && k != KindNull {
			typ = KindAny
		}
		if u, ok := o.(*Unknown); ok && u.choices != nil {
			flat = append(flat, u.choices...)
		} else {
			flat = append(flat, o)
		}
	}
	if same(options) {
		return options[0]
	}
	u := computed(typ, fn, append(slices.Clone(by), options...)...)
	if len(flat) <= maxChoices {
		u.choices = flat
		if fn == "if" && len(by) == 1 && len(options) == 2 {
			u.branch = []Value{by[0], options[0], options[1]}
		}
	}
	return u
}

// orElse is a value that may be null, with another in place of null.
func (u *Unknown) orElse(other Value) Value {
	if u.branch == nil {
		v := computed(other.Kind(), "coalesce", u, other)
		v.choices = append(slices.DeleteFunc(slices.Clone(u.choices), IsNull), other)
		return v
	}
	options := slices.Clone(u.branch[1:])
	for i, o := range options {
		if in, open := o.(*Unknown); open && slices.ContainsFunc(in.choices, IsNull) {
			options[i] = in.orElse(other)
		} else if IsNull(o) {
			options[i] = other
		}
	}
	return choice("if", u.branch[:1], options)
}

// same reports whether all values are surely equal.
func same(vs []Value) bool {
	if len(vs) == 0 {
		return false
	}
	for _, v := range vs[1:] {
		if eq, decided := Equal(vs[0], v); !eq || !decided {
			return false
		}
	}
	return true
}

// property returns a property of a value that is not known.
func (u *Unknown) property(name string) Value {
	if u.branch != nil {
		return choice("if", u.branch[:1], properties(u.branch[1:], name))
	}
	if u.choices != nil {
		return choice("if", []Value{&Unknown{text: u.text, origins: u.origins}}, properties(u.choices, name))
	}
	if u.parts != nil && u.typ == KindObject {
		return u.mergedProperty(name)
	}
	return u.member("."+name, pathStep(name))
}

// properties takes a property of each value, null where there is none.
func properties(of []Value, name string) []Value {
	options := make([]Value, len(of))
	for i, v := range of {
		if options[i] = At(v, name); options[i] == nil {
			options[i] = Null{}
		}
	}
	return options
}

// mergedProperty looks for a property from the last object that was merged to the first:
// what stands behind an unknown object may be replaced by it.
func (u *Unknown) mergedProperty(name string) Value {
	var options []Value
	for _, p := range slices.Backward(u.parts) {
		v := At(p, name)
		if v == nil {
			continue
		}
		options = append(options, v)
		if _, ok := p.(*Object); ok {
			break
		}
	}
	return choice("coalesce", nil, options)
}

// member extends the text and, of the state of one resource, the path.
func (u *Unknown) member(text, step string) *Unknown {
	m := &Unknown{text: boundText(u.text + text), origins: u.origins, direct: u.direct}
	if k := u.origins[0].Kind; u.direct && (k == OriginResource || k == OriginTemplate) {
		m.origins = slices.Clone(u.origins)
		m.origins[0].Path = strings.TrimPrefix(u.origins[0].Path+step, ".")
	}
	return m
}

// pathStep returns a name as a step of a path; one that is no plain word is quoted.
func pathStep(name string) string {
	for i := 0; i < len(name); i++ {
		if !isNameByte(name[i]) {
			return "['" + name + "']"
		}
	}
	return "." + name
}

// joined returns a text that is put together of pieces.
func joined(fn string, pieces []Value) Value {
	var parts []Value
	known := ""
	for _, p := range pieces {
		switch x := p.(type) {
		case *Unknown:
			if known != "" {
				parts = append(parts, String(known))
				known = ""
			}
			if x.parts != nil && x.typ == KindString {
				parts = append(parts, x.parts...)
			} else {
				parts = append(parts, x)
			}
		default:
			known += scalarText(p)
		}
	}
	if len(parts) == 0 {
		return String(known)
	}
	if known != "" {
		parts = append(parts, String(known))
	}
	if len(parts) == 1 && parts[0].Kind() == KindString {
		return parts[0]
	}
	u := computed(KindString, fn, parts...)
	if len(parts) <= maxOrigins {
		u.parts = parts
	}
	return u
}

const maxBraced = 80 // bytes of an unknown inside of a text

// Text returns a value as text for people and for IDs: what is not known stands in braces,
// without slashes, so that an ID keeps its segments. A long expression ends in a digest.
func Text(v Value) string {
	u, ok := v.(*Unknown)
	if !ok {
		return scalarText(v)
	}
	if u.parts == nil || u.typ != KindString {
		text := u.text
		if len(text) > maxBraced {
			sum := sha256.Sum256([]byte(text))
			text = cut(text, maxBraced-20) + " #" + hex.EncodeToString(sum[:6])
		}
		return "{" + strings.ReplaceAll(text, "/", ":") + "}"
	}
	var b strings.Builder
	for _, p := range u.parts {
		b.WriteString(Text(p))
	}
	return b.String()
}

// scalarText prints a known value as the functions concat, format and string do: booleans
// as .NET prints them.
func scalarText(v Value) string {
	switch x := v.(type) {
	case nil, Null:
		return ""
	case String:
		return string(x)
	case Bool:
		if x {
			return "True"
		}
		return "False"
	default:
		return string(JSON(v))
	}
}
