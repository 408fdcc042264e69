// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fields is an allow-list of members. Below an array the list of the array itself holds
// for each element.
type fields struct {
	all  bool               // keep the whole value
	// The value is a body of azapi: an object, JSON inside of a string, or in a raw state an
	// object with its type beside it, {"value": …, "type": …}.
	text bool
	kids map[string]*fields // the members to keep of an object
	// of a map of settings: what may be kept of a value, by its name
	setting func(name, value string) string
	// named is true for a list of settings: objects with name and value
	named bool
}

var everything = &fields{all: true}

// newFields makes an allow-list of dotted paths: "identity.type" keeps that member of
// that member, "tags" all of it.
func newFields(paths ...string) *fields {
	root := &fields{kids: map[string]*fields{}}
	for _, p := range paths {
		root.add(p)
	}
	return root
}

func (f *fields) add(path string) *fields {
	for part := range strings.SplitSeq(path, ".") {
		if f.kids == nil {
			f.kids = map[string]*fields{}
		}
		next := f.kids[part]
		if next == nil {
			next = &fields{}
			f.kids[part] = next
		}
		f = next
	}
	f.all = len(f.kids) == 0
	return f
}

// of returns the list for a member, or nil if it is not allowed.
func (f *fields) of(name []byte) *fields {
	if f.all && f.kids == nil {
		return everything
	}
	return f.kids[string(name)]
}

// kept collects what an allow-list lets through, as JSON, up to a limit.
type kept struct {
	buf   []byte
	limit int
	over  bool // the limit was reached; buf is not JSON then
}

func (k *kept) reset() { k.buf, k.limit, k.over = k.buf[:0], maxValue, false }

func (k *kept) room() int {
	if k.over {
		return 0
	}
	return max(0, k.limit-len(k.buf))
}

func (k *kept) add(b ...byte) {
	if k.over = k.over || len(k.buf)+len(b) > k.limit; !k.over {
		k.buf = append(k.buf, b...)
	}
}

// value returns a copy of what was kept since from, or nil where the limit was reached.
func (k *kept) value(from int) json.RawMessage {
	if k.over {
		return nil
	}
	return json.RawMessage(bytes.Clone(k.buf[from:]))
}

// copy takes one value and keeps what f allows of it.
func (s *scanner) copy(k *kept, f *fields) error {
	if k.over {
		return s.skip()
	}
	switch s.peek() {
	case '{':
		return s.copyObject(k, f)
	case '[':
		k.add('[')
		err := s.array(func(i int) error {
			if i > 0 {
				k.add(',')
			}
			return s.copy(k, f)
		})
		k.add(']')
		return err
	case '"':
		return s.copyString(k, f)
	default:
		b, err := s.scalar()
		k.add(b...)
		return err
	}
}

func (s *scanner) copyObject(k *kept, f *fields) error {
	if f.named {
		return s.copyNamed(k, f)
	}
	if f.setting != nil {
		return s.copySettings(k, f)
	}
	from, wrapped := len(k.buf), false
	k.add('{')
	first := true
	err := s.object(func(name []byte) error {
		if f.text && string(name) == "value" && s.peek() == '{' {
			k.buf, wrapped = k.buf[:from], true
			return s.copyObject(k, &fields{kids: f.kids})
		}
		sub := f.of(name)
		if sub == nil || wrapped {
			return s.skip()
		}
		if !first {
			k.add(',')
		}
		first = false
		k.quote(name)
		k.add(':')
		return s.copy(k, sub)
	})
	if !wrapped {
		k.add('}')
	}
	return err
}

// maxSetting is how much of a setting is looked at; a longer one selects no identity.
const maxSetting = 4 << 10

// copySettings takes a map of settings: names, and what may be kept of values.
func (s *scanner) copySettings(k *kept, f *fields) error {
	k.add('{')
	n := 0
	err := s.object(func(name []byte) error {
		if n++; n > 1 {
			k.add(',')
		}
		key := string(name)
		k.quote(name)
		k.add(':')
		if s.peek() != '"' {
			return s.copy(k, everything)
		}
		b, ok, err := s.str(maxSetting)
		if err != nil {
			return err
		}
		value := longSetting
		if ok {
			value = strings.ToValidUTF8(string(b), "\uFFFD")
		}
		k.quote([]byte(f.setting(key, value)))
		return nil
	})
	k.add('}')
	return err
}

// copyNamed takes one setting of a list: its name, and what may be kept of its value. Of a
// value that comes before the name nothing is kept.
func (s *scanner) copyNamed(k *kept, f *fields) error {
	k.add('{')
	name, n := "", 0
	err := s.object(func(key []byte) error {
		if !slices.Contains([]string{"name", "value", "secret_name"}, string(key)) {
			return s.skip()
		}
		if n++; n > 1 {
			k.add(',')
		}
		k.quote(key)
		k.add(':')
		if s.peek() != '"' {
			return s.copy(k, everything)
		}
		what := string(key)
		b, ok, err := s.str(maxSetting)
		if err != nil {
			return err
		}
		text := longSetting
		if ok {
			text = strings.ToValidUTF8(string(b), "\uFFFD")
		}
		switch what {
		case "name":
			name = text
		case "value":
			text = f.setting(name, text)
		}
		k.quote([]byte(text))
		return nil
	})
	k.add('}')
	return err
}

// longSetting stands for a value that is not looked at; no form of a selector fits it.
const longSetting = "(a long value)"

func (s *scanner) copyString(k *kept, f *fields) error {
	b, ok, err := s.str(k.room())
	switch {
	case err != nil:
		return err
	case !ok:
		k.over = true
		return nil
	case f.text:
		k.nested(s, b, f)
	default:
		k.quote(b)
	}
	return nil
}

// nested keeps the allowed part of JSON inside of a string, or null where it is no JSON.
func (k *kept) nested(s *scanner, text []byte, f *fields) {
	from := len(k.buf)
	in := newTextScanner(s.file, s.line, text)
	inner := &fields{kids: f.kids}
	if in.peek() != '{' || in.copy(k, inner) != nil || in.finish() != nil {
		if k.buf = k.buf[:from]; !k.over {
			k.add([]byte("null")...)
		}
	}
}

// value takes one value and returns what f allows of it as a tree of map[string]any,
// []any, string, float64, bool and nil. room is how many bytes of strings may be kept; what
// does not fit is nil, and room is negative then.
func (s *scanner) value(f *fields, room *int) (any, error) {
	if *room < 0 {
		return nil, s.skip()
	}
	switch s.peek() {
	case '{':
		m := map[string]any{}
		return m, s.object(func(name []byte) error {
			sub := f.of(name)
			if sub == nil {
				return s.skip()
			}
			key := string(name)
			*room -= len(key)
			v, err := s.value(sub, room)
			m[key] = v
			return err
		})
	case '[':
		var list []any
		err := s.array(func(int) error {
			*room -= 8
			v, err := s.value(f, room)
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		b, ok, err := s.str(*room)
		if *room -= len(b); err != nil || !ok {
			*room = min(*room, -1)
			return nil, err
		}
		return strings.ToValidUTF8(string(b), "\uFFFD"), nil
	default:
		b, err := s.scalar()
		if err != nil {
			return nil, err
		}
		return scalarValue(b), nil
	}
}

func scalarValue(b []byte) any {
	switch b[0] {
	case 't':
		return true
	case 'f':
		return false
	case 'n':
		return nil
	}
	n, _ := strconv.ParseFloat(string(b), 64) // a number out of range is infinite
	return n
}

const hexDigits = "0123456789abcdef"

// quote adds a JSON string. Bytes that are not valid UTF-8 become U+FFFD.
func (k *kept) quote(b []byte) {
	k.add('"')
	for len(b) > 0 {
		n := 0
		for n < len(b) && b[n] >= 0x20 && b[n] < utf8.RuneSelf && b[n] != '"' && b[n] != '\\' {
			n++
		}
		k.add(b[:n]...)
		if b = b[n:]; len(b) == 0 {
			break
		}
		switch c := b[0]; {
		case c == '"' || c == '\\':
			k.add('\\', c)
			b = b[1:]
		case c < 0x20:
			k.add('\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			b = b[1:]
		default:
			r, size := utf8.DecodeRune(b)
			k.add(utf8.AppendRune(nil, r)...)
			b = b[size:]
		}
	}
	k.add('"')
}

// string takes a string of at most maxName bytes and returns it; other values are taken
// and give "". An overlong string is an error, because it names things.
func (s *scanner) string() (string, error) {
	if s.peek() != '"' {
		return "", s.skip()
	}
	b, ok, err := s.str(maxName)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", s.fail("a name is longer than 64 KiB", "no tool writes such a file; check where it comes from")
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// strings takes a list of strings; other values are taken and give nil.
func (s *scanner) strings() ([]string, error) {
	var list []string
	err := s.arrayOrSkip(func(int) error {
		v, err := s.string()
		if v != "" {
			list = append(list, v)
		}
		return err
	})
	return list, err
}

// bool takes a boolean; other values are taken and give false.
func (s *scanner) bool() (bool, error) {
	if c := s.peek(); c != 't' && c != 'f' {
		return false, s.skip()
	}
	b, err := s.scalar()
	return string(b) == "true", err
}
