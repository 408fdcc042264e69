// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Positions and lengths of texts count UTF-16 units, as in .NET.

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

func textLength(s string) int {
	if isASCII(s) {
		return len(s)
	}
	return len(utf16.Encode([]rune(s)))
}

// slice returns the units from one to another; both lie within the text.
func slice(s string, from, to int) string {
	if isASCII(s) {
		return s[from:to]
	}
	return string(utf16.Decode(utf16.Encode([]rune(s))[from:to]))
}

// mapText applies a function of texts to the pieces of a text that are known, where that
// is the same as to apply it to the whole.
func mapText(c *call, f func(string) string) (Value, error) {
	switch v := c.args[0].(type) {
	case String:
		return c.ev.text(f(string(v)))
	case *Unknown:
		u := c.unknown(KindString)
		u.segment = v.segment
		if v.typ != KindString || v.parts == nil {
			return u, nil
		}
		for _, p := range v.parts {
			if s, ok := p.(String); ok {
				p = String(f(string(s)))
			} else {
				inner := computed(KindString, c.name, p)
				inner.segment = isSegment(p)
				p = inner
			}
			u.parts = append(u.parts, p)
		}
		return u, nil
	default:
		return nil, c.wrong(0, "a string")
	}
}

func toLower(c *call) (Value, error) { return mapText(c, strings.ToLower) }
func toUpper(c *call) (Value, error) { return mapText(c, strings.ToUpper) }

func trim(c *call) (Value, error) {
	s, err := c.str(0)
	return String(strings.TrimFunc(s, unicode.IsSpace)), err
}

func replace(c *call) (Value, error) {
	s, err := c.strs(0)
	if err != nil {
		return nil, err
	}
	if s[1] == "" {
		return nil, errors.New("the text to be replaced is empty")
	}
	if grown := len(s[0]) + strings.Count(s[0], s[1])*(len(s[2])-len(s[1])); grown > c.ev.limits.Text {
		return nil, fmt.Errorf("the text is longer than %d bytes", c.ev.limits.Text)
	}
	return c.ev.text(strings.ReplaceAll(s[0], s[1], s[2]))
}

func substring(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	from, err := c.int(1)
	if err != nil {
		return nil, err
	}
	have := int64(textLength(s))
	n := have - from
	if len(c.args) == 3 {
		if n, err = c.int(2); err != nil {
			return nil, err
		}
	}
	if from < 0 || n < 0 || from > have || n > have-from {
		return nil, fmt.Errorf("the text has %d characters; asked for %d from %d on", have, n, from)
	}
	return String(slice(s, int(from), int(from+n))), nil
}

const maxPad = 1 << 16

func padLeft(c *call) (Value, error) {
	s := scalarText(c.args[0])
	if k := c.args[0].Kind(); k != KindString && k != KindInt {
		return nil, c.wrong(0, "a string or an integer")
	}
	width, err := c.int(1)
	if err != nil {
		return nil, err
	}
	pad := " "
	if len(c.args) == 3 {
		if pad, err = c.str(2); err != nil {
			return nil, err
		}
	}
	if textLength(pad) != 1 || width < 0 || width > maxPad {
		return nil, errors.New("it pads to a length that is not negative, with one character")
	}
	return c.ev.text(strings.Repeat(pad, max(0, int(width)-textLength(s))) + s)
}

// ignoreCase compares a text with the start or the end of another without regard to case;
// only the known pieces of a text count.
func ignoreCase(c *call, end bool) (Value, error) {
	for i := range c.args {
		if k := c.args[i].Kind(); k != KindString && k != KindAny {
			return nil, c.wrong(i, "a string")
		}
	}
	what, ok := c.args[1].(String)
	if !ok {
		return c.unknown(KindBool), nil
	}
	affix := strings.ToLower(string(what))
	test := strings.HasPrefix
	if end {
		test = strings.HasSuffix
	}
	ask := func(v Value) (bool, bool) {
		switch x := v.(type) {
		case String:
			return test(strings.ToLower(string(x)), affix), true
		case *Unknown:
			if piece, ok := outerPiece(x, end); ok && len(piece) >= len(affix) {
				return test(strings.ToLower(piece), affix), true
			}
		}
		return affix == "", affix == ""
	}
	if answer, decided := decide(c.args[0], ask); decided {
		return Bool(answer), nil
	}
	return c.unknown(KindBool), nil
}

// outerPiece returns the known text at the beginning or the end of a text.
func outerPiece(u *Unknown, end bool) (string, bool) {
	if u.parts == nil || u.typ != KindString {
		return "", false
	}
	p := u.parts[0]
	if end {
		p = u.parts[len(u.parts)-1]
	}
	s, ok := p.(String)
	return string(s), ok
}

func startsWith(c *call) (Value, error) { return ignoreCase(c, false) }
func endsWith(c *call) (Value, error)   { return ignoreCase(c, true) }

// split cuts a text at one of the separators. Of a text with unknown pieces the result is
// known as far as none of them can hold a separator.
func split(c *call) (Value, error) {
	var seps []string
	switch v := c.args[1].(type) {
	case String:
		seps = []string{string(v)}
	case Array:
		for _, s := range v {
			text, ok := s.(String)
			if !ok {
				return c.unknownOr(c.wrong(1, "a string or an array of strings"))
			}
			seps = append(seps, string(text))
		}
	default:
		return c.unknownOr(c.wrong(1, "a string or an array of strings"))
	}
	switch v := c.args[0].(type) {
	case String:
		return c.ev.array(textArray(splitAny(string(v), seps)))
	case *Unknown:
		if len(seps) == 1 && seps[0] == "/" && v.parts != nil && v.typ == KindString && allSegments(v.parts) {
			return c.ev.array(splitParts(v.parts, "/"))
		}
		u := c.unknown(KindArray)
		if len(seps) == 1 && seps[0] == "/" && v.parts != nil && v.typ == KindString {
			u.elements = splitParts(v.parts, "/")
		}
		return u, nil
	default:
		return nil, c.wrong(0, "a string")
	}
}

func textArray(ss []string) Array {
	a := make(Array, len(ss))
	for i, s := range ss {
		a[i] = String(s)
	}
	return a
}

func isSegment(v Value) bool {
	u, ok := v.(*Unknown)
	return !ok || u.segment
}

func allSegments(vs []Value) bool {
	return !slices.ContainsFunc(vs, func(v Value) bool { return !isSegment(v) })
}

func splitAny(s string, seps []string) []string {
	seps = slices.DeleteFunc(slices.Clone(seps), func(sep string) bool { return sep == "" })
	if len(seps) == 1 {
		return strings.Split(s, seps[0])
	}
	var out []string
	from := 0
	for i := 0; i < len(s); {
		at := slices.IndexFunc(seps, func(sep string) bool { return strings.HasPrefix(s[i:], sep) })
		if at < 0 {
			i++
			continue
		}
		out = append(out, s[from:i])
		i += len(seps[at])
		from = i
	}
	return append(out, s[from:])
}

func join(c *call) (Value, error) {
	sep, ok := c.args[1].(String)
	if !ok {
		return c.unknownOr(c.wrong(1, "a string"))
	}
	a, ok := c.args[0].(Array)
	if !ok {
		return c.unknownOr(c.wrong(0, "an array"))
	}
	pieces := make([]Value, 0, 2*len(a))
	for i, v := range a {
		if i > 0 && sep != "" {
			pieces = append(pieces, sep)
		}
		pieces = append(pieces, v)
	}
	return c.joined(pieces)
}

// joined puts pieces together, within the limit.
func (c *call) joined(pieces []Value) (Value, error) {
	size := 0
	for _, p := range pieces {
		size += c.ev.info(p).size
	}
	if err := c.ev.spend(size / 64); err != nil {
		return nil, err
	}
	if size > 2*c.ev.limits.Text+len(pieces)*nodeSize {
		return nil, fmt.Errorf("the text is longer than %d bytes", c.ev.limits.Text)
	}
	v := joined(c.name, pieces)
	if s, ok := v.(String); ok {
		return c.ev.text(string(s))
	}
	return v, nil
}

func stringOf(c *call) (Value, error) {
	if c.args[0].Kind() == KindString {
		return c.args[0], nil
	}
	if !c.ev.known(c.args[0]) {
		return c.unknown(KindString), nil
	}
	return c.joined(c.args)
}

func guidOf(c *call) (Value, error) { return c.hashed(GUID) }

func uniqueStringOf(c *call) (Value, error) { return c.hashed(UniqueString) }

func (c *call) hashed(hash func(...string) string) (Value, error) {
	for _, a := range c.args {
		if !c.ev.known(a) {
			u := c.unknown(KindString)
			u.segment = true
			return u, nil
		}
	}
	texts, err := c.strs(0)
	if err != nil {
		return nil, err
	}
	return String(hash(texts...)), nil
}

func base64Of(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	return c.ev.text(base64.StdEncoding.EncodeToString([]byte(s)))
}

func fromBase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("the text is not in base 64: %w", err)
	}
	return validText(b), nil
}

func base64ToString(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	s, err = fromBase64(s)
	return String(s), err
}

func base64ToJSON(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	if s, err = fromBase64(s); err != nil {
		return nil, err
	}
	return c.ev.literal(s)
}

func parseJSON(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	return c.ev.literal(s)
}

// literal reads JSON in which nothing is an expression.
func (ev *evaluator) literal(s string) (Value, error) {
	if err := ev.spend(len(s) / nodeSize); err != nil {
		return nil, err
	}
	n, err := ParseJSON("the text", []byte(s))
	if err != nil {
		return nil, err
	}
	return ev.adopt(plainValue(n))
}

func dataURI(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	return c.ev.text("data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(s)))
}

func dataURIToString(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	head, data, ok := strings.Cut(s, ",")
	if !ok || !strings.HasPrefix(strings.ToLower(head), "data:") {
		return nil, errors.New("the text is no data URI")
	}
	if strings.HasSuffix(strings.ToLower(head), ";base64") {
		data, err = fromBase64(data)
		return String(data), err
	}
	return String(unescape(data)), nil
}

const unreserved = "-_.~"

// uriComponent escapes as Uri.EscapeDataString of .NET does: all but letters, digits and
// the four marks of RFC 3986.
func uriComponent(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		ch := s[i]
		if '0' <= ch && ch <= '9' || 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z' || strings.IndexByte(unreserved, ch) >= 0 {
			b.WriteByte(ch)
		} else {
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return c.ev.text(b.String())
}

func unescape(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return validText(b)
}

func uriComponentToString(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	return String(unescape(s)), nil
}

// uri resolves a relative address. What a base that is not known ends in is not known
// either; the pieces are kept.
func uri(c *call) (Value, error) {
	base, ok := c.args[0].(String)
	rel, isText := c.args[1].(String)
	if !ok || !isText {
		for i := range c.args {
			if k := c.args[i].Kind(); k != KindString && k != KindAny {
				return nil, c.wrong(i, "a string")
			}
		}
		if ok && strings.HasSuffix(string(base), "/") {
			return joined(c.name, c.args), nil
		}
		u := c.unknown(KindString)
		u.parts = slices.Clone(c.args)
		return u, nil
	}
	b, err := url.Parse(string(base))
	if err != nil || b.Scheme == "" {
		return nil, fmt.Errorf("%q is no absolute address", cut(string(base), 120))
	}
	r, err := url.Parse(string(rel))
	if err != nil {
		return nil, fmt.Errorf("%q is no relative address", cut(string(rel), 120))
	}
	return c.ev.text(b.ResolveReference(r).String())
}

// parseURI and buildURI take an address apart and put it together
// (template-functions-string.md#parseuri).
func parseURI(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("%q is no absolute address", cut(s, 120))
	}
	pairs := []any{"scheme", String(u.Scheme), "host", String(u.Hostname())}
	if p, err := strconv.ParseInt(u.Port(), 10, 64); err == nil {
		pairs = append(pairs, "port", Int(p))
	}
	pairs = append(pairs, "path", String(u.EscapedPath()))
	if u.RawQuery != "" {
		pairs = append(pairs, "query", String("?"+u.RawQuery))
	}
	return c.make(pairs...)
}

func buildURI(c *call) (Value, error) {
	o, err := c.obj(0)
	if err != nil {
		return nil, err
	}
	text := func(name string) string { return scalarText(o.Get(name)) }
	s := text("scheme") + "://" + text("host")
	if port := text("port"); port != "" && port != "-1" {
		s += ":" + port
	}
	if p := text("path"); p != "" {
		s += "/" + strings.TrimPrefix(p, "/")
	}
	if q := text("query"); q != "" {
		s += "?" + strings.TrimPrefix(q, "?")
	}
	return c.ev.text(s)
}
