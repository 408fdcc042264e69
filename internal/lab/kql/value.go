// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Type is the type of a column.
type Type uint8

// The types. A string is never null; the others may be.
const (
	String Type = iota
	Long
	Real
	Bool
	Datetime
	Dynamic
)

// String returns the type as Kusto writes it.
func (t Type) String() string {
	return [...]string{"string", "long", "real", "bool", "datetime", "dynamic"}[t]
}

// Column is a column of a table.
type Column struct {
	Name string
	Type Type
}

// A value is nil, string, int64, float64, bool, map[string]any or []any. Times are texts
// in RFC 3339 and in UTC, which order as texts do.

// numberOf returns a number of either type.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// textOf is tostring().
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// equal is ==, or =~ where fold is set. ok is false where both are null: the answer is
// null then (learn.microsoft.com/kusto/query/scalar-data-types/null-values).
func equal(a, b any, fold bool) (same, ok bool) {
	if a == nil || b == nil {
		return false, a != nil || b != nil
	}
	if x, isNumber := numberOf(a); isNumber {
		y, both := numberOf(b)
		return both && x == y, true
	}
	switch x := a.(type) {
	case bool:
		y, both := b.(bool)
		return both && x == y, true
	case string:
		y, both := b.(string)
		if fold {
			return both && strings.EqualFold(x, y), true
		}
		return both && x == y, true
	}
	return textOf(a) == textOf(b), true
}

// compare orders two values of one type; nulls come first.
func compare(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	if x, isNumber := numberOf(a); isNumber {
		y, _ := numberOf(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	if x, isBool := a.(bool); isBool {
		y, _ := b.(bool)
		switch {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	}
	return strings.Compare(textOf(a), textOf(b))
}
