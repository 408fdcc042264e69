// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"iter"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/mivet/mivet/arm"
)

// Kind is the sort of a [Value].
type Kind uint8

// The kinds of values. KindAny is the type of an [Unknown] of which not even the type is
// known.
const (
	KindAny Kind = iota
	KindNull
	KindBool
	KindInt
	KindFloat
	KindString
	KindArray
	KindObject
)

var kindNames = [...]string{
	KindAny: "any", KindNull: "null", KindBool: "boolean", KindInt: "integer", KindFloat: "number", KindString: "string",
	KindArray: "array", KindObject: "object",
}

// String returns the kind in one word.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindAny]
}

// Value is an evaluated value: [Null], [Bool], [Int], [Float], [String], [Array], *[Object]
// or *[Unknown]. Values are not changed after they are made; they may share parts.
type Value interface {
	// Kind returns the sort of the value; of an Unknown its type as far as it is known.
	Kind() Kind
}

// The kinds of values that are known.
type (
	// Null is the JSON null.
	Null struct{}
	// Bool is a boolean.
	Bool bool
	// Int is an integer, the only number that functions calculate with.
	Int int64
	// Float is a number that is no 64-bit integer.
	Float float64
	// String is a text.
	String string
	// Array is a list.
	Array []Value
)

// Kind returns KindNull.
func (Null) Kind() Kind { return KindNull }

// Kind returns KindBool.
func (Bool) Kind() Kind { return KindBool }

// Kind returns KindInt.
func (Int) Kind() Kind { return KindInt }

// Kind returns KindFloat.
func (Float) Kind() Kind { return KindFloat }

// Kind returns KindString.
func (String) Kind() Kind { return KindString }

// Kind returns KindArray.
func (Array) Kind() Kind { return KindArray }

// Kind returns KindObject.
func (*Object) Kind() Kind { return KindObject }

// Object is an object: fields in order, found without regard to case.
type Object struct {
	fields []Field
	index  map[arm.Key]int // from indexFrom fields on
	size   int             // about what it would take printed, set when an evaluation makes it
	open   bool            // it holds something unknown, set with size
}

// Field is a member of an [Object] with the place where it was written, if there is one.
type Field struct {
	Name  string
	Value Value
	Pos   Pos
}

// NewObject returns an object of the fields; of several with one name the last counts.
func NewObject(fields ...Field) *Object {
	o := &Object{fields: make([]Field, 0, len(fields))}
	for _, f := range fields {
		o.set(f)
	}
	return o
}

// find returns the position of a field, or -1.
func (o *Object) find(name string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[arm.Fold(name)]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(o.fields, func(f Field) bool { return sameName(f.Name, name) })
}

func (o *Object) set(f Field) {
	if i := o.find(f.Name); i >= 0 {
		o.fields[i].Value, o.fields[i].Pos = f.Value, f.Pos
		return
	}
	o.fields = append(o.fields, f)
	switch {
	case o.index != nil:
		o.index[arm.Fold(f.Name)] = len(o.fields) - 1
	case len(o.fields) == indexFrom:
		o.index = make(map[arm.Key]int, 4*indexFrom)
		for i := range o.fields {
			o.index[arm.Fold(o.fields[i].Name)] = i
		}
	}
}

// Len returns the number of fields; 0 of a nil object.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.fields)
}

// Get returns the value of a field, or nil if there is none.
func (o *Object) Get(name string) Value {
	if i := o.find(name); i >= 0 {
		return o.fields[i].Value
	}
	return nil
}

// Field returns a field with its place; ok is false if there is none.
func (o *Object) Field(name string) (f Field, ok bool) {
	if i := o.find(name); i >= 0 {
		return o.fields[i], true
	}
	return Field{}, false
}

// Fields returns the fields in order.
func (o *Object) Fields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		if o == nil {
			return
		}
		for _, f := range o.fields {
			if !yield(f) {
				return
			}
		}
	}
}

// At follows names from a value through objects and unknowns; nil where there is nothing.
func At(v Value, names ...string) Value {
	for _, name := range names {
		switch x := v.(type) {
		case *Object:
			v = x.Get(name)
		case *Unknown:
			v = x.property(name)
		default:
			return nil
		}
	}
	return v
}

// IsNull reports whether a value is null or is not there.
func IsNull(v Value) bool { return v == nil || v.Kind() == KindNull }

// Known reports whether a value holds nothing unknown, at any depth.
func Known(v Value) bool { return firstUnknown(v) == nil }

func firstUnknown(v Value) *Unknown {
	switch x := v.(type) {
	case *Unknown:
		return x
	case Array:
		for _, item := range x {
			if u := firstUnknown(item); u != nil {
				return u
			}
		}
	case *Object:
		for _, f := range x.fields {
			if u := firstUnknown(f.Value); u != nil {
				return u
			}
		}
	}
	return nil
}

// Equal compares two values as the function equals does. It is decided only if neither
// hangs on something that is not known, or both are the same unknown.
func Equal(a, b Value) (equal, decided bool) {
	ua, isA := a.(*Unknown)
	ub, isB := b.(*Unknown)
	switch {
	case isA && isB && ua.text == ub.text:
		return true, true
	case isA || isB:
		return false, false
	}
	switch x := a.(type) {
	case Array:
		y, ok := b.(Array)
		if !ok || len(x) != len(y) {
			return false, true
		}
		return all(len(x), func(i int) (bool, bool) { return Equal(x[i], y[i]) })
	case *Object:
		y, ok := b.(*Object)
		if !ok || x.Len() != y.Len() {
			return false, true
		}
		return all(x.Len(), func(i int) (bool, bool) {
			other := y.Get(x.fields[i].Name)
			if other == nil {
				return false, true
			}
			return Equal(x.fields[i].Value, other)
		})
	default:
		return scalarEqual(a, b), true
	}
}

func scalarEqual(a, b Value) bool {
	if na, ok := number(a); ok {
		nb, ok := number(b)
		return ok && na == nb
	}
	switch b.(type) {
	case Array, *Object:
		return false
	}
	return a == b
}

// all is a three-valued and: one that is surely false decides.
func all(n int, holds func(int) (bool, bool)) (value, decided bool) {
	value, decided = true, true
	for i := range n {
		v, ok := holds(i)
		if ok && !v {
			return false, true
		}
		decided = decided && ok
		value = value && v
	}
	return value, decided
}

func number(v Value) (float64, bool) {
	switch x := v.(type) {
	case Int:
		return float64(x), true
	case Float:
		return float64(x), true
	default:
		return 0, false
	}
}

// JSON returns a value as compact JSON, in the form in which the function string gives it.
// An unknown is a string with its expression in brackets.
func JSON(v Value) []byte { return appendJSON(nil, v) }

func appendJSON(b []byte, v Value) []byte {
	switch x := v.(type) {
	case Bool:
		return strconv.AppendBool(b, bool(x))
	case Int:
		return strconv.AppendInt(b, int64(x), 10)
	case Float:
		return append(b, floatText(float64(x))...)
	case String:
		return appendQuoted(b, string(x))
	case Array:
		b = append(b, '[')
		for i, item := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case *Object:
		b = append(b, '{')
		for i, f := range x.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, f.Name), ':')
			b = appendJSON(b, f.Value)
		}
		return append(b, '}')
	case *Unknown:
		return appendQuoted(b, "["+x.text+"]")
	default:
		return append(b, "null"...)
	}
}

// floatText prints a number as Newtonsoft.Json does: never without a fraction.
func floatText(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'G', -1, 64)
}

// appendQuoted writes a string with the escapes that Newtonsoft.Json uses: it leaves all
// text outside of ASCII as it is, except line separators.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b = append(b, '\\', byte(r))
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\f':
			b = append(b, `\f`...)
		case '\b':
			b = append(b, `\b`...)
		default:
			if r < 0x20 || r == 0x85 || r == 0x2028 || r == 0x2029 {
				b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
			} else {
				b = utf8.AppendRune(b, r)
			}
		}
	}
	return append(b, '"')
}
