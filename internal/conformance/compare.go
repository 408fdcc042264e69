// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// sameValue compares an answer with a JSON text by value: strings exactly, numbers as
// numbers, lists in order, objects by their fields.
func sameValue(answer any, expected json.RawMessage) (bool, error) {
	return compare(answer, expected, false)
}

// sameSets is sameValue with lists compared as sets.
func sameSets(answer any, expected json.RawMessage) (bool, error) {
	return compare(answer, expected, true)
}

func compare(answer any, expected json.RawMessage, sets bool) (bool, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return false, fmt.Errorf("writing the answer: %w", err)
	}
	got, err := decodeValue(text)
	if err != nil {
		return false, err
	}
	want, err := decodeValue(expected)
	if err != nil {
		return false, fmt.Errorf("reading the expected answer: %w", err)
	}
	return same(got, want, sets), nil
}

func decodeValue(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func same(a, b any, sets bool) bool {
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		return ok && sameNumber(a, n)
	case []any:
		l, ok := b.([]any)
		if !ok {
			return false
		}
		if sets {
			return sameMembers(a, l)
		}
		return slices.EqualFunc(a, l, func(x, y any) bool { return same(x, y, sets) })
	case map[string]any:
		m, ok := b.(map[string]any)
		return ok && sameFields(a, m, sets)
	default:
		return a == b
	}
}

func sameFields(a, b map[string]any, sets bool) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		w, ok := b[k]
		if !ok || !same(v, w, sets) {
			return false
		}
	}
	return true
}

// sameMembers compares two lists as sets: order and repetition do not count.
func sameMembers(a, b []any) bool {
	covers := func(a, b []any) bool {
		for _, x := range a {
			if !slices.ContainsFunc(b, func(y any) bool { return same(x, y, true) }) {
				return false
			}
		}
		return true
	}
	return covers(a, b) && covers(b, a)
}

// sameNumber compares by value, so that 10 and 1e1 are one number. Numbers with huge
// exponents are compared as they are written.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, okX := new(big.Rat).SetString(shortNumber(a))
	y, okY := new(big.Rat).SetString(shortNumber(b))
	return okX && okY && x.Cmp(y) == 0
}

// shortNumber returns "" for a number whose exact value would be costly to hold.
func shortNumber(n json.Number) string {
	_, exponent, _ := strings.Cut(strings.ToLower(string(n)), "e")
	if len(n) > 64 || len(exponent) > 3 {
		return ""
	}
	return string(n)
}
