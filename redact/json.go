// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"unicode/utf8"
)

// The functions in this file take JSON apart that [json.Valid] has accepted. They copy
// nothing, since most of a resource is dropped.

// members calls f for each member of an object, in its order, with the JSON texts of
// key and value.
func members(object []byte, f func(key, value []byte)) {
	for i := skipSpace(object, 1); i < len(object) && object[i] == '"'; {
		k := valueLength(object[i:])
		key := object[i : i+k]
		i = skipSpace(object, i+k)
		i = skipSpace(object, i+1) // the colon
		v := valueLength(object[i:])
		f(key, object[i:i+v])
		i = next(object, i+v)
	}
}

// elements calls f for each element of a list, in its order.
func elements(list []byte, f func(value []byte)) {
	for i := skipSpace(list, 1); i < len(list) && list[i] != ']'; {
		v := valueLength(list[i:])
		f(list[i : i+v])
		i = next(list, i+v)
	}
}

// next returns the place of what follows a member or an element.
func next(b []byte, i int) int {
	if i = skipSpace(b, i); i < len(b) && b[i] == ',' {
		i = skipSpace(b, i+1)
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// valueLength returns the length of the value that b begins with.
func valueLength(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
		case ',', ' ', '\n', '\t', '\r', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue // within a number or a word
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// stringEnd returns the place of the quote that ends the string which begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

// unquote returns the text of a JSON string, and false for another value.
func unquote(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if inner := value[1 : len(value)-1]; isPlain(inner) {
		return string(inner), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// isPlain reports whether the bytes between quotes are the text itself.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
