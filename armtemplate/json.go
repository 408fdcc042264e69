// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxBytes  = 64 << 20 // of one file; Resource Manager takes 4 MB
	maxNest   = 200      // of objects and arrays
	slabNodes = 256
	indexFrom = 16 // members from which names are looked up in a map
)

// parser reads JSON as Resource Manager does, which is more than JSON allows: comments,
// a comma before a closing bracket, single quotes, line breaks in strings, and members
// given twice, of which the last counts (Newtonsoft.Json, the reader behind Resource
// Manager: DuplicatePropertyNameHandling.Replace).
type parser struct {
	file      string
	src       []byte
	pos       int
	line      int32
	lineStart int
	depth     int
	slab      []Node
	names     map[string]string // names repeat
}

// ParseJSON reads one JSON value with its places. It accepts what Resource Manager accepts
// beyond the standard.
func ParseJSON(file string, src []byte) (*Node, error) {
	p := &parser{file: file, src: bytes.TrimPrefix(src, []byte("\uFEFF")), line: 1, names: map[string]string{}}
	if len(src) > maxBytes {
		return nil, p.fail("the file has more than " + strconv.Itoa(maxBytes) + " bytes")
	}
	n, err := p.value()
	if err != nil {
		return nil, err
	}
	if err := p.blanks(); err != nil {
		return nil, err
	}
	if p.pos < len(p.src) {
		return nil, p.fail("there is more text after the value" + p.found())
	}
	return n, nil
}

func (p *parser) here() Pos {
	return Pos{File: p.file, Line: p.line, Column: int32(p.pos-p.lineStart) + 1}
}

func (p *parser) fail(reason string) error { return &Error{Pos: p.here(), Reason: reason} }

func (p *parser) found() string {
	if p.pos >= len(p.src) {
		return ": the text ends here"
	}
	r, _ := utf8.DecodeRune(p.src[p.pos:])
	return ": found " + strconv.QuoteRune(r)
}

// blanks passes blanks and comments.
func (p *parser) blanks() error {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case '\n':
			p.pos++
			p.line++
			p.lineStart = p.pos
		case ' ', '\t', '\r':
			p.pos++
		case '/':
			if err := p.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (p *parser) comment() error {
	rest := p.src[p.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			p.pos += end
		} else {
			p.pos = len(p.src)
		}
		return nil
	case bytes.HasPrefix(rest, []byte("/*")):
		end := bytes.Index(rest[2:], []byte("*/"))
		if end < 0 {
			return p.fail("the comment that begins here does not end")
		}
		p.pass(end + 4)
		return nil
	default:
		return p.fail("expected a value or a comment" + p.found())
	}
}

// pass moves over n bytes that may hold line breaks.
func (p *parser) pass(n int) {
	for end := p.pos + n; p.pos < end; p.pos++ {
		if p.src[p.pos] == '\n' {
			p.line++
			p.lineStart = p.pos + 1
		}
	}
}

func (p *parser) node(kind NodeKind, pos Pos) *Node {
	if len(p.slab) == 0 {
		p.slab = make([]Node, slabNodes)
	}
	n := &p.slab[0]
	p.slab = p.slab[1:]
	n.Kind, n.Pos = kind, pos
	return n
}

func (p *parser) value() (*Node, error) {
	if err := p.blanks(); err != nil {
		return nil, err
	}
	if p.pos >= len(p.src) {
		return nil, p.fail("expected a value" + p.found())
	}
	pos := p.here()
	switch c := p.src[p.pos]; {
	case c == '{':
		return p.nested(pos, p.object)
	case c == '[':
		return p.nested(pos, p.array)
	case c == '"' || c == '\'':
		n := p.node(NodeString, pos)
		var err error
		n.Text, err = p.string()
		return n, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number(pos)
	default:
		return p.word(pos)
	}
}

func (p *parser) nested(pos Pos, read func(Pos) (*Node, error)) (*Node, error) {
	if p.depth++; p.depth > maxNest {
		return nil, p.fail("values are nested deeper than " + strconv.Itoa(maxNest))
	}
	p.pos++
	n, err := read(pos)
	p.depth--
	return n, err
}

// next passes blanks and says whether the list goes on: it takes the closing bracket, or
// the comma between elements.
func (p *parser) next(closing byte, first bool) (more bool, err error) {
	if err := p.blanks(); err != nil {
		return false, err
	}
	if p.pos < len(p.src) && p.src[p.pos] == ',' && !first {
		p.pos++
		if err := p.blanks(); err != nil {
			return false, err
		}
	} else if !first && (p.pos >= len(p.src) || p.src[p.pos] != closing) {
		return false, p.fail("expected ',' or " + strconv.QuoteRune(rune(closing)) + p.found())
	}
	if p.pos < len(p.src) && p.src[p.pos] == closing {
		p.pos++
		return false, nil
	}
	return true, nil
}

func (p *parser) array(pos Pos) (*Node, error) {
	n := p.node(NodeArray, pos)
	for first := true; ; first = false {
		more, err := p.next(']', first)
		if err != nil || !more {
			return n, err
		}
		item, err := p.value()
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, item)
	}
}

func (p *parser) object(pos Pos) (*Node, error) {
	n := p.node(NodeObject, pos)
	var index map[string]int
	for first := true; ; first = false {
		more, err := p.next('}', first)
		if err != nil || !more {
			return n, err
		}
		at := p.here()
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.blanks(); err != nil {
			return nil, err
		}
		if p.pos >= len(p.src) || p.src[p.pos] != ':' {
			return nil, p.fail("expected ':' after the name " + strconv.Quote(cut(name, 60)) + p.found())
		}
		p.pos++
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		n.Members, index = setMember(n.Members, index, Member{Name: name, Value: v, Pos: at})
	}
}

// setMember appends a member, or replaces the one of the same name.
func setMember(ms []Member, index map[string]int, m Member) ([]Member, map[string]int) {
	if len(ms) == indexFrom && index == nil {
		index = make(map[string]int, 4*indexFrom)
		for i := range ms {
			index[ms[i].Name] = i
		}
	}
	if index != nil {
		if i, ok := index[m.Name]; ok {
			ms[i] = m
			return ms, index
		}
		index[m.Name] = len(ms)
		return append(ms, m), index
	}
	for i := range ms {
		if ms[i].Name == m.Name {
			ms[i] = m
			return ms, index
		}
	}
	return append(ms, m), index
}

// name reads the name of a member, which may stand without quotes.
func (p *parser) name() (string, error) {
	if p.pos >= len(p.src) {
		return "", p.fail("expected a name" + p.found())
	}
	var s string
	if c := p.src[p.pos]; c == '"' || c == '\'' {
		var err error
		if s, err = p.string(); err != nil {
			return "", err
		}
	} else {
		from := p.pos
		for p.pos < len(p.src) && isWord(p.src[p.pos]) {
			p.pos++
		}
		if s = string(p.src[from:p.pos]); s == "" {
			return "", p.fail("expected a name in quotes" + p.found())
		}
	}
	if known, ok := p.names[s]; ok {
		return known, nil
	}
	if len(s) <= 64 {
		p.names[s] = s
	}
	return s, nil
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

func (p *parser) number(pos Pos) (*Node, error) {
	from := p.pos
	for p.pos < len(p.src) && strings.IndexByte("+-.0123456789eE", p.src[p.pos]) >= 0 {
		p.pos++
	}
	n := p.node(NodeNumber, pos)
	n.Text = string(p.src[from:p.pos])
	if _, err := strconv.ParseFloat(n.Text, 64); err != nil {
		return nil, &Error{Pos: pos, Reason: strconv.Quote(cut(n.Text, 60)) + " is no number"}
	}
	return n, nil
}

func (p *parser) word(pos Pos) (*Node, error) {
	from := p.pos
	for p.pos < len(p.src) && isWord(p.src[p.pos]) {
		p.pos++
	}
	switch w := string(p.src[from:p.pos]); w {
	case "true", "false":
		n := p.node(NodeBool, pos)
		n.Bool = w == "true"
		return n, nil
	case "null":
		return p.node(NodeNull, pos), nil
	case "":
		return nil, p.fail("expected a value" + p.found())
	default:
		return nil, &Error{Pos: pos, Reason: strconv.Quote(cut(w, 60)) + " is no value", Advice: "write strings in quotes"}
	}
}

// string reads a string with its quotes.
func (p *parser) string() (string, error) {
	start := p.here()
	quote := p.src[p.pos]
	p.pos++
	from := p.pos
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == quote:
			s := validText(p.src[from:p.pos])
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(start, quote, from)
		case c == '\n':
			p.pass(1)
		default:
			p.pos++
		}
	}
	return "", &Error{Pos: start, Reason: "the string that begins here does not end"}
}

func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}

// escaped reads the rest of a string that has escapes.
func (p *parser) escaped(start Pos, quote byte, from int) (string, error) {
	b := bytes.Clone(p.src[from:p.pos])
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == quote:
			p.pos++
			return validText(b), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, c)
			p.pass(1)
		}
	}
	return "", &Error{Pos: start, Reason: "the string that begins here does not end"}
}

func (p *parser) escape() (rune, error) {
	if p.pos+1 >= len(p.src) {
		return 0, p.fail("the text ends in the middle of a string")
	}
	c := p.src[p.pos+1]
	if c == 'u' {
		return p.unicode()
	}
	i := strings.IndexByte(`"\/'bfnrt`, c)
	if i < 0 {
		return 0, p.fail("a string holds the unknown escape \\" + string(rune(c)))
	}
	p.pos += 2
	return rune("\"\\/'\b\f\n\r\t"[i]), nil
}

func (p *parser) unicode() (rune, error) {
	r, ok := p.hex4(p.pos)
	if !ok {
		return 0, p.fail(`\u must be followed by four hexadecimal digits`)
	}
	p.pos += 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if low, ok := p.hex4(p.pos); ok {
		if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
			p.pos += 6
			return full, nil
		}
	}
	return utf8.RuneError, nil
}

// hex4 reads the escape \uXXXX at an offset.
func (p *parser) hex4(at int) (rune, bool) {
	if at+6 > len(p.src) || p.src[at] != '\\' || p.src[at+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.src[at+2:at+6]), 16, 16)
	return rune(n), err == nil
}

// cut shortens a text for a message.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
