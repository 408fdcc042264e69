// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"errors"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	scanBuffer    = 64 << 10
	maxEmptyReads = 100
	maxDepth      = 512      // nesting of objects and arrays; plans stay below 60
	maxName       = 64 << 10 // bytes of a member name, an address, a type
	maxValue      = 16 << 20 // bytes kept of one resource
	adviceCut     = "the file may be cut off: write it again"
	adviceOrigin  = "no tool writes such a file; check where it comes from"
	adviceNoise   = `the input must be one JSON value, as "terraform show -json" writes it, without other output around it`
)

// scanner reads one JSON text from a stream, front to back. It holds one buffer, whatever
// the size of the text, and checks all of the grammar, also in what it skips.
type scanner struct {
	r     io.Reader
	buf   []byte
	pos   int   // next byte in buf
	end   int   // bytes in buf
	base  int64 // offset of buf[0] in the input
	line  int
	depth int
	err   error // of the reader, io.EOF included
	file  string
	text  []byte // the string that was read last
}

func newScanner(file string, r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, scanBuffer), line: 1, file: file}
}

// newTextScanner reads a text that lies in memory, such as JSON inside of a string.
func newTextScanner(file string, line int, text []byte) *scanner {
	return &scanner{buf: text, end: len(text), line: line, err: io.EOF, file: file}
}

// fill replaces the used buffer and reports whether there is a byte at pos.
func (s *scanner) fill() bool {
	for s.pos >= s.end {
		if s.err != nil {
			return false
		}
		s.base += int64(s.end)
		s.pos, s.end = 0, 0
		for range maxEmptyReads {
			if s.end, s.err = s.r.Read(s.buf); s.end > 0 || s.err != nil {
				break
			}
		}
		if s.end == 0 && s.err == nil {
			s.err = io.ErrNoProgress
		}
	}
	return true
}

func (s *scanner) offset() int64 { return s.base + int64(s.pos) }

func (s *scanner) fail(reason, advice string) error { return s.failBack(0, reason, advice) }

// failBack reports a fault that started so many bytes ago.
func (s *scanner) failBack(back int, reason, advice string) error {
	e := &Error{File: s.file, Line: s.line, Byte: s.offset() - int64(back), Reason: reason, Advice: advice}
	if s.pos >= s.end && s.err != nil {
		if errors.Is(s.err, io.EOF) {
			e.Reason, e.Advice = "the text ends in the middle of a value", adviceCut
		} else {
			e.Reason, e.Advice, e.Err = "the input cannot be read further", "", s.err
		}
	}
	return e
}

// peek skips blanks and returns the next byte without taking it; 0 at the end.
func (s *scanner) peek() byte {
	for s.fill() {
		switch c := s.buf[s.pos]; c {
		case '\n':
			s.line++
			s.pos++
		case ' ', '\t', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if got := s.peek(); got != c || s.pos >= s.end {
		return s.fail("expected "+strconv.QuoteRune(rune(c))+s.found(got), "")
	}
	s.pos++
	return nil
}

func (s *scanner) found(c byte) string {
	if s.pos >= s.end {
		return ""
	}
	return ", found " + strconv.QuoteRune(rune(c))
}

// finish checks that nothing but blanks follows the value.
func (s *scanner) finish() error {
	if c := s.peek(); s.pos < s.end {
		return s.fail("there is more text after the value"+s.found(c), adviceNoise)
	}
	if !errors.Is(s.err, io.EOF) {
		return s.fail("", "")
	}
	return nil
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > maxDepth {
		return s.fail("values are nested deeper than "+strconv.Itoa(maxDepth), "no tool writes such a file; check where it comes from")
	}
	return nil
}

// object calls member for each member, with its name. The name is valid until the next
// call of any method. member must take the value.
func (s *scanner) object(member func(name []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		name, ok, err := s.str(maxName)
		switch {
		case err != nil:
			return err
		case !ok:
			return s.fail("a member name is longer than 64 KiB", adviceOrigin)
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if s.peek() == '}' {
			s.pos++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// array calls element before each element, with its index. element must take the value.
func (s *scanner) array(element func(i int) error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return err
		}
		if s.peek() == ']' {
			s.pos++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// skip takes one value and keeps nothing of it.
func (s *scanner) skip() error {
	switch c := s.peek(); c {
	case '{':
		return s.object(func([]byte) error { return s.skip() })
	case '[':
		return s.array(func(int) error { return s.skip() })
	case '"':
		return s.skipString()
	default:
		_, err := s.scalar()
		return err
	}
}

// objectOrSkip is object for an object, and skip for any other value.
func (s *scanner) objectOrSkip(member func(name []byte) error) error {
	if s.peek() != '{' {
		return s.skip()
	}
	return s.object(member)
}

// arrayOrSkip is array for an array, and skip for any other value.
func (s *scanner) arrayOrSkip(element func(i int) error) error {
	if s.peek() != '[' {
		return s.skip()
	}
	return s.array(element)
}

// scalar takes a number, true, false or null, and returns its text.
func (s *scanner) scalar() ([]byte, error) {
	s.text = s.text[:0]
	for s.fill() {
		c := s.buf[s.pos]
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '+' || c == '.') {
			break
		}
		if len(s.text) >= 1024 {
			return nil, s.fail("a number is longer than 1 KiB", "")
		}
		s.text = append(s.text, c)
		s.pos++
	}
	switch string(s.text) {
	case "true", "false", "null":
		return s.text, nil
	}
	if !isNumber(s.text) {
		if len(s.text) == 0 {
			return nil, s.fail("expected a value"+s.found(s.peek()), "")
		}
		return nil, s.failBack(len(s.text), strconv.Quote(string(s.text))+" is not a JSON value", adviceNoise)
	}
	return s.text, nil
}

func isNumber(b []byte) bool {
	digits := func() bool {
		n := 0
		for len(b) > 0 && '0' <= b[0] && b[0] <= '9' {
			b, n = b[1:], n+1
		}
		return n > 0
	}
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) > 1 && b[0] == '0' && '0' <= b[1] && b[1] <= '9' || !digits() {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b = b[1:]; !digits() {
			return false
		}
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(b) == 0
}

// skipString takes a string and keeps nothing of it.
func (s *scanner) skipString() error {
	_, _, err := s.str(0)
	return err
}

// str takes a string and returns its value, valid until the next call. A string longer
// than limit is taken to its end and reported as not ok. Bytes that are not valid UTF-8
// become U+FFFD where the value is used as text (see stringValue).
func (s *scanner) str(limit int) (value []byte, ok bool, err error) {
	if err := s.expect('"'); err != nil {
		return nil, false, err
	}
	s.text = s.text[:0]
	ok = true
	for s.fill() {
		run, c := s.run()
		if ok = ok && len(s.text)+len(run) <= limit; ok {
			s.text = append(s.text, run...)
		}
		switch {
		case c == '"':
			s.pos++
			return s.text, ok, nil
		case c == '\\':
			if err := s.escape(ok); err != nil {
				return nil, false, err
			}
		case c != 0:
			return nil, false, s.fail("a string holds the control character "+strconv.QuoteRune(rune(c)), adviceCut)
		}
	}
	return nil, false, s.fail("", "")
}

// run takes the plain bytes up to a quote, a backslash or a control character, or to the
// end of the buffer, and returns that byte without taking it; 0 at the end of the buffer.
func (s *scanner) run() (run []byte, stop byte) {
	b := s.buf[s.pos:s.end]
	for i, c := range b {
		if c == '"' || c == '\\' || c < 0x20 {
			s.pos += i
			if c == 0 {
				c = 1 // told apart from the end of the buffer; a control character either way
			}
			return b[:i], c
		}
	}
	s.pos = s.end
	return b, 0
}

var plainEscapes = [...]struct{ from, to byte }{
	{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'b', '\b'}, {'f', '\f'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'},
}

// escape takes one escape sequence and, if keep, appends its value to text.
func (s *scanner) escape(keep bool) error {
	s.pos++
	if !s.fill() {
		return s.fail("", "")
	}
	c := s.buf[s.pos]
	s.pos++
	for _, e := range plainEscapes {
		if e.from == c {
			if keep {
				s.text = append(s.text, e.to)
			}
			return nil
		}
	}
	if c != 'u' {
		return s.fail("a string holds the unknown escape \\"+string(rune(c)), "")
	}
	r, err := s.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		if r, err = s.lowSurrogate(r); err != nil {
			return err
		}
	}
	if keep {
		s.text = utf8.AppendRune(s.text, r)
	}
	return nil
}

// lowSurrogate completes a pair. A lone half becomes U+FFFD; an escape after it that is
// no low half is taken with it, as its value cannot be told from damage.
func (s *scanner) lowSurrogate(high rune) (rune, error) {
	if !s.fill() || s.buf[s.pos] != '\\' {
		return utf8.RuneError, nil
	}
	s.pos++
	if !s.fill() {
		return 0, s.fail("", "")
	}
	if s.buf[s.pos] != 'u' {
		s.pos++
		return utf8.RuneError, nil
	}
	s.pos++
	low, err := s.hex4()
	if err != nil {
		return 0, err
	}
	return utf16.DecodeRune(high, low), nil
}

func (s *scanner) hex4() (rune, error) {
	var r rune
	for range 4 {
		if !s.fill() {
			return 0, s.fail("", "")
		}
		c := s.buf[s.pos]
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, s.fail(`\u must be followed by four hexadecimal digits`, "")
		}
		s.pos++
	}
	return r, nil
}
