// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// reference reads an entry with encoding/json, by the same tables of keys.
type reference struct {
	vals   map[slot]string
	grants []map[slot]string
}

func (r *reference) set(to slot, text string) {
	switch {
	case to == slotNone, to == slotParent:
	case to > slotParent:
		if len(r.grants) > 0 {
			r.grants[len(r.grants)-1][to] = text
		}
	default:
		r.vals[to] = text
	}
}

func (r *reference) enter(in context) {
	if in == inGrant && len(r.grants) < maxGrants {
		r.grants = append(r.grants, map[slot]string{})
	}
}

func (r *reference) object(d *json.Decoder, t *keyTable, parent slot, level int) {
	for d.More() {
		name := token(d).(string) //nolint:errcheck,forcetypeassert // keys are strings
		var k *key
		if t != nil {
			k = t.find([]byte(name))
		}
		if k == nil {
			var skipped json.RawMessage
			must(d.Decode(&skipped))
			continue
		}
		to := k.slot
		if to == slotParent {
			to = parent
		}
		r.value(d, k.in, to, level)
	}
	token(d)
}

func (r *reference) value(d *json.Decoder, in context, to slot, level int) {
	var raw json.RawMessage
	must(d.Decode(&raw))
	r.text(raw, in, to, level)
}

func (r *reference) text(raw json.RawMessage, in context, to slot, level int) {
	switch raw[0] {
	case '"':
		var text string
		must(json.Unmarshal(raw, &text))
		nested := len(text) > 1 && (text[0] == '{' || text[0] == '[') && level < 4 && json.Valid([]byte(text))
		if in != inNone && nested {
			r.text(json.RawMessage(text), in, to, level+1)
			return
		}
		r.set(to, text)
	case '{':
		if in == inNone {
			return
		}
		d := numbers(raw)
		token(d)
		r.enter(in)
		r.object(d, &tables[in], to, level)
	case '[':
		if in != inGrant {
			return
		}
		var list []json.RawMessage
		must(json.Unmarshal(raw, &list))
		for _, element := range list {
			if element[0] == '{' {
				r.text(element, in, slotNone, level)
			}
		}
	case 'n':
	default:
		r.set(to, string(raw))
	}
}

func numbers(raw []byte) *json.Decoder {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d
}

func token(d *json.Decoder) json.Token {
	t, err := d.Token()
	must(err)
	return t
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// compare holds the scanner to encoding/json: the same texts are valid, and the same values
// are in them.
func compare(text []byte) error {
	var s scanner
	err := s.scan(text)
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if errors.Is(err, errDepth) {
		return nil
	}
	valid := json.Valid(text) && trimmed[0] == '{'
	if (err == nil) != valid {
		return fmt.Errorf("at byte %d, encoding/json says valid object %v: %w", s.i, valid, err)
	}
	if !valid {
		return nil
	}
	r := reference{vals: map[slot]string{}}
	d := numbers(text)
	token(d)
	r.object(d, &tables[inEntry], slotNone, 0)
	for n := slotNone + 1; n < numSlots; n++ {
		want, ok := r.vals[n]
		if has := s.seen&(1<<n) != 0; has != ok || string(s.get(n)) != want {
			return fmt.Errorf("slot %d: %q (%v), encoding/json reads %q (%v)", n, s.get(n), has, want, ok)
		}
	}
	if s.nGrants != len(r.grants) {
		return fmt.Errorf("%d grants, expected %d", s.nGrants, len(r.grants))
	}
	for i, g := range r.grants {
		have := s.grants[i]
		for n, v := range map[slot]value{slotGrantAction: have.action, slotGrantScope: have.scope, slotGrantAssignment: have.assignment} {
			if string(v.plain()) != g[n] {
				return fmt.Errorf("grant %d, slot %d: %q, expected %q", i, n, v.plain(), g[n])
			}
		}
	}
	return nil
}

// document makes a JSON text that uses the known keys, in odd forms.
func document(t *rapid.T, in context, depth int) string {
	var b strings.Builder
	space := func() { b.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "\n\t"}).Draw(t, "blank")) }
	b.WriteByte('{')
	for i := range rapid.IntRange(0, 6).Draw(t, "members") {
		if i > 0 {
			b.WriteByte(',')
		}
		space()
		name := rapid.StringMatching(`[a-zé"\\]{0,9}`).Draw(t, "name")
		inside := inNone
		if keys := tables[in].keys; len(keys) > 0 && rapid.IntRange(0, 3).Draw(t, "known") > 0 {
			k := keys[rapid.IntRange(0, len(keys)-1).Draw(t, "key")]
			name, inside = k.name, k.in
		}
		b.WriteString(quoted(t, name))
		space()
		b.WriteByte(':')
		space()
		b.WriteString(drawValue(t, inside, depth))
		space()
	}
	b.WriteByte('}')
	return b.String()
}

// quoted spells a string in one of several ways.
func quoted(t *rapid.T, s string) string {
	switch rapid.IntRange(0, 5).Draw(t, "spelling") {
	case 0:
		var b strings.Builder
		b.WriteByte('"')
		for _, r := range s {
			if r > 0xffff {
				b.WriteRune(r)
				continue
			}
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		return b.String() + `"`
	case 1:
		return strconv.QuoteToASCII(strings.Map(func(r rune) rune {
			if r < ' ' || r > 0xffff || r == 0x7f {
				return 'x'
			}
			return r
		}, s))
	default:
		text, err := json.Marshal(s)
		must(err)
		return string(text)
	}
}

func drawValue(t *rapid.T, in context, depth int) string {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth > 3 {
		kind = min(kind, 5)
	}
	switch kind {
	case 0:
		return rapid.SampledFrom([]string{"true", "false", "null", "0", "-1.5e+10", "403", "200.0", "1E3"}).Draw(t, "scalar")
	case 1, 2, 3, 4, 5:
		return quoted(t, rapid.SampledFrom([]string{"", "a", "Success", "{}", `{"a":1}`, "[]", "[1]", "{", "été", "\xff\xfe", "12345678", "1234567\"", "\x00\x1f"}).Draw(t, "text"))
	case 6:
		return "[" + strings.Join(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawValue(t, in, depth+1) }), 0, 3).Draw(t, "list"), ",") + "]"
	case 7:
		return quoted(t, document(t, in, depth+1))
	default:
		return document(t, in, depth+1)
	}
}

func TestScannerAgainstEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(document(t, inEntry, 0))
		if err := compare(text); err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		// The same with a byte that was changed or is missing.
		i := rapid.IntRange(0, len(text)-1).Draw(t, "place")
		damaged := bytes.Clone(text)
		damaged[i] = rapid.SampledFrom([]byte("\"\\{}[],: \n\x01\x80x0-.e")).Draw(t, "byte")
		for _, text := range [][]byte{damaged, text[:i]} {
			if err := compare(text); err != nil {
				t.Fatalf("%q\n%v", text, err)
			}
		}
	})
}

func TestScannerOnWords(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `{}`, ` {} `, `{} x`, `[]`, `"x"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `{"a":01}`, `{"a":-}`, `{"a":1.}`,
		`{"a":1e}`, `{"a":1e+}`, `{"a":tru}`, `{"a":nul`, `{"a":[1,2}`, `{"a":[1 2]}`, `{"a":[}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\`,
		"{\"a\":\"\x1f\"}", "{\"a\":\"1234567\x1f\"}", `{"a":"12345678901234567890"}`, `{"a":"1234567é901234567\n"}`, `{"time":"\ud800"}`, `{"time":"x\u00e9"}`,
		`{"authorization":[1,{"action":"a"},{"action":"b"}]}`, `{"authorization":[}`, `{"authorization":[1`, `{"authorization":[1 1]}`, `{"authorization":[]}`,
		`{"identity":"{\"claim\":{\"oid\":\"x\"}}"}`, `{"identity":"{bad}"}`, `{"properties":"{\"properties\":\"{}\"}"}`, `{"category":{"value":"x"}}`,
		`{"category":{"value":{"value":"x"}}}`, `{"time":1,"time":null,"time":"2"}`, `{"a":{"b":[{"c":{}}]}}`,
	} {
		if err := compare([]byte(text)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

func TestScannerBoundsDepth(t *testing.T) {
	for _, open := range []string{`{"a":`, `[`, `{"authorization":`} {
		text := `{"a":` + strings.Repeat(open, 100_000)
		var s scanner
		if err := s.scan([]byte(text)); !errors.Is(err, errDepth) {
			t.Errorf("%s…: %v, expected %v", open, err, errDepth)
		}
	}
	if err := new(scanner).scan([]byte(`{"authorization":` + strings.Repeat("[", maxDepth+2))); !errors.Is(err, errDepth) {
		t.Errorf("nested lists: %v", err)
	}
}

func TestGrantsAreBounded(t *testing.T) {
	text := `{"authorization":[` + strings.Repeat(`{"action":"a/b/c"},`, 100) + `{"action":"last"}]}`
	var s scanner
	if err := s.scan([]byte(text)); err != nil || s.nGrants != maxGrants {
		t.Errorf("%d grants (%v), expected %d", s.nGrants, err, maxGrants)
	}
}
