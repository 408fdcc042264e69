// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a value.
type Kind uint8

// The types of values. The attribute tables of the storage pages use String, StringList,
// Boolean, DateTime and GUID; conditions also compare whole numbers.
const (
	KindList Kind = iota // none, one or several values
	KindString
	KindInt
	KindBool
	KindTime
	KindGUID
)

var kindNames = [...]string{"list", "string", "whole number", "boolean", "date", "GUID"}

// String returns the name of the type in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// Value is the value of an attribute: one value, or a list of them. The zero Value is the
// empty list. Values are immutable.
//
// A string is read as the type that an operator asks for, if it can be: a date, a GUID, a
// whole number, true or false. So a caller that has only text need not know the types.
type Value struct {
	kind Kind
	text string // of a string; a GUID as it was given
	num  int64  // a whole number; 0 or 1; 100 ns since 1970
	guid guid
	list []Value
}

// String makes a value of a text.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Int makes a value of a whole number.
func Int(n int64) Value { return Value{kind: KindInt, num: n} }

// Bool makes a boolean value.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Time makes a value of a point in time, cut to 100 ns. Years before 0 and after 9999 count
// as the first and last moment between.
func Time(t time.Time) Value { return Value{kind: KindTime, num: ticksOf(t)} }

// GUID makes a value of a GUID with or without dashes, or of a resource ID that ends in one,
// such as that of a role definition. It is [String], read once in advance; a text that names
// no GUID is a string.
func GUID(s string) Value {
	if g, ok := parseGUIDName(s); ok {
		return Value{kind: KindGUID, text: s, guid: g}
	}
	return String(s)
}

// List makes one value of several. Lists inside are taken apart, in order.
func List(values ...Value) Value {
	var list []Value
	for _, v := range values {
		if v.kind == KindList {
			list = append(list, v.list...)
		} else {
			list = append(list, v)
		}
	}
	return Value{list: list}
}

// Strings makes one value of several texts.
func Strings(texts ...string) Value {
	list := make([]Value, len(texts))
	for i, t := range texts {
		list[i] = String(t)
	}
	return Value{list: list}
}

// ValueOf makes a value of what encoding/json decodes: a string, a boolean, a number without
// fraction, or a list of these. Anything else is an error.
func ValueOf(v any) (Value, error) {
	switch v := v.(type) {
	case string:
		return String(v), nil
	case bool:
		return Bool(v), nil
	case float64:
		if n := int64(v); float64(n) == v && v < 1<<53 && v > -1<<53 {
			return Int(n), nil
		}
		return Value{}, fmt.Errorf("reading an attribute: conditions know whole numbers only, not %v", v)
	case json.Number:
		if n, ok := parseInt(v.String()); ok {
			return Int(n), nil
		}
		return Value{}, fmt.Errorf("reading an attribute: conditions know whole numbers only, not %s", v)
	case []any:
		list := make([]Value, len(v))
		for i, item := range v {
			value, err := ValueOf(item)
			if err != nil {
				return Value{}, fmt.Errorf("reading item %d of a list: %w", i, err)
			}
			list[i] = value
		}
		return List(list...), nil
	default:
		return Value{}, fmt.Errorf("reading an attribute: a value of type %T is none that a condition compares", v)
	}
}

// Kind returns the type of the value.
func (v Value) Kind() Kind { return v.kind }

// Len returns how many values there are: 1, save for a list.
func (v Value) Len() int { return v.size() }

// String returns the value as it would stand in a condition; a list in braces.
func (v Value) String() string {
	switch v.kind {
	case KindList:
		items := make([]string, len(v.list))
		for i := range v.list {
			items[i] = v.list[i].String()
		}
		return "{" + strings.Join(items, ", ") + "}"
	case KindInt:
		return strconv.FormatInt(v.num, 10)
	case KindBool:
		return strconv.FormatBool(v.num != 0)
	case KindTime:
		return quoted(ticksText(v.num))
	case KindGUID:
		return v.guid.String()
	default:
		return quoted(v.text)
	}
}

func quoted(s string) string {
	var b strings.Builder
	printString(&b, s)
	return b.String()
}

func (v *Value) size() int {
	if v.kind == KindList {
		return len(v.list)
	}
	return 1
}

// at returns one of the values; i is below size.
func (v *Value) at(i int) *Value {
	if v.kind == KindList {
		return &v.list[i]
	}
	return v
}

// scalar is one value in the form that a family of operators compares.
type scalar struct {
	text string
	num  int64
	guid guid
}

// scalar converts a value that is no list. It reports false if the value is not of the
// family and is no text that can be read so.
func (v *Value) scalar(f family) (scalar, bool) {
	switch f {
	case ofString:
		return scalar{text: v.text}, v.kind == KindString || v.kind == KindGUID
	case ofGUID:
		if v.kind == KindGUID {
			return scalar{guid: v.guid}, true
		}
		g, ok := parseGUIDName(v.text)
		return scalar{guid: g}, ok
	default:
		n, ok := v.number(f)
		return scalar{num: n}, ok
	}
}

// number converts a value to what the ordered families and booleans compare.
func (v *Value) number(f family) (int64, bool) {
	switch {
	case f == ofInt && v.kind == KindInt, f == ofTime && v.kind == KindTime, f == ofBool && v.kind == KindBool:
		return v.num, true
	case v.kind != KindString:
		return 0, false
	case f == ofInt:
		return parseInt(v.text)
	case f == ofTime:
		return parseTime(v.text)
	}
	b, ok := parseBool(v.text)
	return Bool(b).num, ok
}

// literalValue returns the value of a literal; a set is a list.
func literalValue(o Operand) Value {
	switch o := o.(type) {
	case StringLiteral:
		return String(o.Value)
	case IntLiteral:
		return Int(o.Value)
	case BoolLiteral:
		return Bool(o.Value)
	case GUIDLiteral:
		return GUID(o.Value)
	case Set:
		list := make([]Value, len(o.Items))
		for i, item := range o.Items {
			list[i] = literalValue(item)
		}
		return List(list...)
	case Attribute:
	}
	return Value{}
}
