// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// attrs is a decoded JSON object: the allowed attributes of one side of a resource, the
// unknown ones, or expressions. A nil attrs holds nothing.
type attrs map[string]any

// attributes decodes one side of an object.
func attributes(raw json.RawMessage) attrs {
	if raw == nil {
		return nil
	}
	room := math.MaxInt
	v, err := newTextScanner("", 1, raw).value(everything, &room)
	m, ok := v.(map[string]any)
	if err != nil || !ok { // the side is no object, so it has no attributes
		return nil
	}
	return m
}

// at follows a path of member names and indexes ("identity", "0", "type"). Where a list
// of one element stands for a block, the index may be left out.
func at(v any, path ...string) any {
	for _, p := range path {
		if l, ok := v.([]any); ok {
			if i, err := strconv.Atoi(p); err == nil {
				if i < 0 || i >= len(l) {
					return nil
				}
				v = l[i]
				continue
			}
			if len(l) == 0 {
				return nil
			}
			v = l[0]
		}
		switch o := v.(type) {
		case map[string]any:
			v = o[p]
		case attrs:
			v = o[p]
		default:
			return nil
		}
	}
	return v
}

// str returns a string attribute, or "".
func (a attrs) str(path ...string) string {
	s, _ := at(a, path...).(string)
	return s
}

// list returns a list of strings; other elements are left out.
func (a attrs) list(path ...string) []string { return texts(at(a, path...)) }

func texts(v any) []string {
	l, _ := v.([]any)
	var out []string
	for _, e := range l {
		if s, ok := e.(string); ok && s != "" {
			out = append(out, s)
		}
	}
	return out
}

// blocks returns the elements of a list of blocks, or the one block of an object.
func (a attrs) blocks(path ...string) []attrs { return blocksOf(at(a, path...)) }

func blocksOf(v any) []attrs {
	switch v := v.(type) {
	case map[string]any:
		return []attrs{v}
	case []any:
		var out []attrs
		for _, e := range v {
			m, _ := e.(map[string]any)
			out = append(out, m) // a nil block keeps the place of an unknown one
		}
		return out
	default:
		return nil
	}
}

// unknown reports whether the value at a path of after_unknown, or one that holds it, is
// known only after apply.
func (a attrs) unknown(path ...string) bool {
	var v any = map[string]any(a)
	for i := 0; ; i++ {
		if b, ok := v.(bool); ok {
			return b
		}
		if i == len(path) {
			return false
		}
		v = at(v, path[i])
	}
}

// anyUnknown reports whether something at or below a value of after_unknown is unknown.
func anyUnknown(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case []any:
		if slices.ContainsFunc(v, anyUnknown) {
			return true
		}
	case map[string]any:
		for _, e := range v {
			if anyUnknown(e) {
				return true
			}
		}
	}
	return false
}

// scalarText returns a boolean, number or string as a setting's text: "true", "12", the
// string; "null" for null; the elements of a list of strings with commas between them.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case string:
		return v, true
	case []any:
		return strings.Join(texts(v), ","), true
	default:
		return "", false
	}
}
