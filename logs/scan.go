// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested. Entries of Azure have less than ten levels.
const maxDepth = 256

// value is the text of a JSON scalar as it was written; a string is without its quotes.
type value struct {
	b []byte
	// odd marks a string with escapes or with bytes beyond ASCII: encoding/json reads it.
	odd bool
}

// scanner walks over one JSON text, checks it as encoding/json does, and keeps the scalars
// that keys of a table name. Where a key occurs twice, the later one counts.
type scanner struct {
	b    []byte
	i    int
	text int // how many JSON texts inside strings were entered

	seen uint64 // bit n: slot n has a value
	vals [numSlots]value

	grants  [maxGrants]grant
	nGrants int

	noting bool // the values are noted in marks, as long as the entry can become a path
	marks  []mark
}

// grant is one element of what a service says about its check of a right.
type grant struct{ action, scope, assignment value }

// maxGrants bounds the elements that are kept; entries have one or two.
const maxGrants = 16

// ErrEnd says that a text ends in the middle of a value.
var ErrEnd = errors.New("the text ends in the middle of a value")

var (
	errDepth  = fmt.Errorf("values are nested deeper than %d", maxDepth)
	errString = errors.New("a control character inside a string")
	errEscape = errors.New("an escape that JSON does not have")
	errToken  = errors.New("no JSON value")
	errMember = errors.New("expected a string as the key")
	errColon  = errors.New("expected a colon behind the key")
	errComma  = errors.New("expected a comma or the end of the list")
	errAfter  = errors.New("more text behind the value")
	errObject = errors.New("the entry is no JSON object")
)

// scan reads one object. An error leaves the place in s.i.
func (s *scanner) scan(b []byte) error {
	s.begin(b)
	s.noting, s.marks = true, s.marks[:0]
	s.space()
	if s.i >= len(b) {
		return ErrEnd
	}
	if b[s.i] != '{' {
		return errObject
	}
	s.i++
	if err := s.object(&tables[inEntry], slotNone, 1); err != nil {
		return err
	}
	s.space()
	if s.i < len(b) {
		return errAfter
	}
	return nil
}

func (s *scanner) begin(b []byte) {
	s.b, s.i, s.seen, s.nGrants, s.text, s.noting = b, 0, 0, 0, 0, false
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek skips blanks and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return s.b[s.i]
	}
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// object reads behind the opening brace. A key without a slot of its own that stands for
// the whole object, such as "value", gets that of the parent.
func (s *scanner) object(t *keyTable, parent slot, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	if s.peek() == '}' {
		s.i++
		return nil
	}
	for {
		k, err := s.key(t)
		if err != nil {
			return err
		}
		if err := s.member(k, parent, depth); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			return nil
		case 0:
			return ErrEnd
		default:
			return errComma
		}
	}
}

// key reads a key and the colon behind it. t may be nil.
func (s *scanner) key(t *keyTable) (*key, error) {
	switch s.peek() {
	case '"':
	case 0:
		return nil, ErrEnd
	default:
		return nil, errMember
	}
	s.i++
	v, err := s.str()
	if err != nil {
		return nil, err
	}
	switch s.peek() {
	case ':':
		s.i++
	case 0:
		return nil, ErrEnd
	default:
		return nil, errColon
	}
	switch {
	case t == nil:
		return nil, nil
	case v.odd:
		return t.find(v.plain()), nil
	}
	return t.find(v.b), nil
}

// member reads the value of a key; k is nil for one that is not known.
func (s *scanner) member(k *key, parent slot, depth int) error {
	c := s.peek()
	if k == nil {
		return s.skip(c, depth)
	}
	to := k.slot
	if to == slotParent {
		to = parent
	}
	switch c {
	case '"':
		s.i++
		from := s.i
		v, err := s.str()
		if err != nil {
			return err
		}
		kind := stepText
		if k.in != inNone {
			kind = stepInner
			if s.inner(v, k.in, to) {
				s.noting = false
				return nil
			}
		}
		s.note(kind, from, to)
		s.set(to, v)
		return nil
	case '{':
		if k.in == inNone {
			return s.skip(c, depth)
		}
		s.i++
		s.enter(k.in)
		return s.object(&tables[k.in], to, depth+1)
	case '[':
		if k.in != inGrant {
			return s.skip(c, depth)
		}
		s.i++
		return s.grantList(depth + 1)
	}
	at := s.i
	if err := s.scalar(c, to); err != nil || c == 'n' {
		return err
	}
	s.set(to, value{b: s.b[at:s.i]})
	return nil
}

// enter begins a new element where a table describes one of several.
func (s *scanner) enter(in context) {
	if in != inGrant {
		return
	}
	if s.nGrants < maxGrants {
		s.grants[s.nGrants] = grant{}
		s.nGrants++
	}
}

func (s *scanner) set(to slot, v value) {
	switch to {
	case slotNone, slotParent:
	case slotGrantAction, slotGrantScope, slotGrantAssignment:
		if s.nGrants == 0 {
			return
		}
		g := &s.grants[s.nGrants-1]
		switch to {
		case slotGrantAction:
			g.action = v
		case slotGrantScope:
			g.scope = v
		default:
			g.assignment = v
		}
	default:
		s.vals[to] = v
		s.seen |= 1 << to
	}
}

// inner reads a string that holds a JSON object or list, as some exports write nested
// values. It returns false for any other string, which is then a plain value.
func (s *scanner) inner(v value, in context, to slot) bool {
	const deepest = 4
	if !mayHoldJSON(v.b) || s.text >= deepest {
		return false
	}
	text := v.plain()
	if len(text) < 2 || text[0] != '{' && text[0] != '[' || !json.Valid(text) {
		return false
	}
	outer, at, level := s.b, s.i, s.text
	s.b, s.i, s.text = text, 0, level+1
	k := key{slot: to, in: in}
	err := s.member(&k, to, 1)
	s.b, s.i, s.text = outer, at, level
	return err == nil
}

// mayHoldJSON reports whether a string begins like a JSON object or list, or with an escape
// that may stand for such a beginning.
func mayHoldJSON(b []byte) bool {
	return len(b) > 1 && (b[0] == '{' || b[0] == '[' || b[0] == '\\')
}

// grantList reads behind the opening bracket of a list of objects.
func (s *scanner) grantList(depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		c := s.peek()
		var err error
		if c == '{' {
			s.i++
			s.enter(inGrant)
			err = s.object(&tables[inGrant], slotNone, depth+1)
		} else {
			err = s.skip(c, depth)
		}
		if err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		case 0:
			return ErrEnd
		default:
			return errComma
		}
	}
}

// skip reads over the value that begins with c.
func (s *scanner) skip(c byte, depth int) error {
	switch c {
	case '"':
		s.i++
		from := s.i
		_, err := s.str()
		s.note(stepText, from, slotNone)
		return err
	case '{':
		s.i++
		return s.object(nil, slotNone, depth+1)
	case '[':
		s.i++
		return s.list(depth + 1)
	}
	return s.scalar(c, slotNone)
}

// scalar reads a value that begins with c and is no string.
func (s *scanner) scalar(c byte, to slot) (err error) {
	from := s.i
	switch c {
	case 't':
		err = s.word("true")
	case 'f':
		err = s.word("false")
	case 'n':
		err = s.word("null")
	case 0:
		err = ErrEnd
	default:
		err = s.number()
	}
	s.note(stepWord, from, to)
	return err
}

func (s *scanner) list(depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		if err := s.skip(s.peek(), depth); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		case 0:
			return ErrEnd
		default:
			return errComma
		}
	}
}

func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return errToken
	}
	s.i += len(w)
	return nil
}

// number reads a number of RFC 8259, section 6.
func (s *scanner) number() error {
	if s.at() == '-' {
		s.i++
	}
	switch c := s.at(); {
	case c == '0':
		s.i++
	case c >= '1' && c <= '9':
		s.digits()
	default:
		return errToken
	}
	if s.at() == '.' {
		s.i++
		if !s.digits() {
			return errToken
		}
	}
	if c := s.at(); c == 'e' || c == 'E' {
		s.i++
		if c := s.at(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return errToken
		}
	}
	return nil
}

// at returns the byte at the place, 0 at the end.
func (s *scanner) at() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i > from
}

// Masks for eight bytes at once.
const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	quotes = '"' * ones
	slants = '\\' * ones
	blanks = ' ' * ones
)

// str reads behind the opening quote of a string, up to and with the closing one.
func (s *scanner) str() (value, error) {
	from := s.i
	end, odd, err := endOfString(s.b, from)
	if s.i = end; err != nil {
		return value{}, err
	}
	s.i++
	return value{b: s.b[from:end], odd: odd}, nil
}

// endOfString finds the quote that closes a string whose text begins at i; an error is at
// the place it returns. It looks at eight bytes at once for a quote, a backslash and a
// control character; the lowest bit that is set belongs to the first of them.
func endOfString(b []byte, i int) (end int, odd bool, err error) {
	var high uint64
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			q, l := w^quotes, w^slants
			m := ((q-ones)&^q | (l-ones)&^l | (w-blanks)&^w) & highs
			if m == 0 {
				high |= w
				i += 8
				continue
			}
			n := bits.TrailingZeros64(m)
			high |= w & (1<<n - 1)
			i += n >> 3
			break
		}
		if i >= len(b) {
			return len(b), false, ErrEnd
		}
		switch c := b[i]; {
		case c == '"':
			return i, odd || high&highs != 0, nil
		case c == '\\':
			n := escape(b[i+1:])
			if n == 0 {
				return i, false, errEscape
			}
			odd = true
			i += 1 + n
		case c < ' ':
			return i, false, errString
		default:
			if c >= utf8.RuneSelf {
				odd = true
			}
			i++
		}
	}
}

// escape returns the length of what follows a backslash, 0 if it is none.
func escape(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(b) < 5 {
			return 0
		}
		for _, c := range b[1:5] {
			if !isHex(c) {
				return 0
			}
		}
		return 5
	}
	return 0
}

func isHex(c byte) bool {
	return c-'0' <= 9 || (c|0x20)-'a' <= 5
}

// plain returns the text of a value. Strings with escapes, and those that are not UTF-8,
// are read by encoding/json.
func (v value) plain() []byte {
	if !v.odd {
		return v.b
	}
	if utf8.Valid(v.b) && bytes.IndexByte(v.b, '\\') < 0 {
		return v.b
	}
	quoted := make([]byte, 0, len(v.b)+2)
	quoted = append(append(append(quoted, '"'), v.b...), '"')
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return v.b // the scanner has checked it
	}
	return []byte(text)
}

// get returns the text in a slot, nil where there is none.
func (s *scanner) get(n slot) []byte {
	if s.seen&(1<<n) == 0 {
		return nil
	}
	if v := s.vals[n]; v.odd {
		return v.plain()
	}
	return s.vals[n].b
}

// first returns the first text that is not empty.
func (s *scanner) first(slots ...slot) []byte {
	for _, n := range slots {
		if b := s.get(n); len(b) > 0 {
			return b
		}
	}
	return nil
}
