// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The bounds of a text. A tenant too large for them belongs into a snapshot file.
const (
	// MaxLine is the longest line, in bytes, and the longest statement that is continued
	// over several lines.
	MaxLine = 1 << 20
	// MaxText is the longest text, in bytes.
	MaxText = 256 << 20
)

// A token is a word or one of the signs = , { }.
type token struct {
	text string
	// sign is the sign, or 0 for a word.
	sign byte
	// bare is true for a word that does not begin with a quotation mark.
	bare         bool
	line, column int
}

// is reports whether the token is that keyword, flag or preposition.
func (t token) is(word string) bool { return t.sign == 0 && t.bare && t.text == word }

// none reports whether the token is the word that leaves a value empty.
func (t token) none() bool { return t.is("none") }

// literal returns the text after "@", which stands for itself.
func (t token) literal() (string, bool) {
	if !t.bare {
		return "", false
	}
	return strings.CutPrefix(t.text, "@")
}

// A scanner splits a text into statements of tokens.
type scanner struct {
	r       *bufio.Reader
	fail    func(line, column int, message, hint string)
	comment func(line int, text string)

	size int64  // bytes read
	line int    // of text
	text string // the present line
	pos  int    // in text
	// seen and column are a place in text and its column, for counting on from there.
	seen, column int
	// owner is the line of the statement to which comments belong; 0 outside.
	owner  int
	length int // of the present statement
	bad    bool
	tokens []token
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the tokens of the next line, or of several lines that are one. It is empty
// for a blank line, and nil after an error in the line, which was reported. io.EOF ends
// the text; any other error is that of the reader.
func (s *scanner) next() ([]token, error) {
	s.tokens, s.bad, s.length = []token{}, false, 0
	block := s.owner
	for more := true; more; {
		if err := s.readLine(); err != nil {
			return s.end(err)
		}
		if s.owner == 0 {
			s.owner = s.line
		}
		var err error
		if more, err = s.scanLine(); err != nil {
			return s.end(err)
		}
	}
	s.owner = block
	if s.bad {
		return nil, nil
	}
	return s.tokens, nil
}

func (s *scanner) end(err error) ([]token, error) {
	if errors.Is(err, io.EOF) && len(s.tokens) > 0 && !s.bad {
		return s.tokens, nil
	}
	return nil, err
}

func (s *scanner) failAt(pos int, message, hint string) {
	s.bad = true
	s.fail(s.line, s.columnOf(pos), message, hint)
}

func (s *scanner) columnOf(pos int) int {
	if pos < s.seen {
		s.seen, s.column = 0, 1
	}
	s.column += utf8.RuneCountInString(s.text[s.seen:pos])
	s.seen = pos
	return s.column
}

var errStop = errors.New("the text cannot be read on")

// readLine reads a line. A line that is no text becomes empty, with an error reported.
func (s *scanner) readLine() error {
	s.line++
	s.pos, s.seen, s.column = 0, 0, 1
	s.text = ""
	var buf []byte
	for {
		part, err := s.r.ReadSlice('\n')
		s.size += int64(len(part))
		s.length += len(part)
		if reason := s.tooLong(); reason != "" {
			s.failAt(0, reason, "keep a large tenant in a snapshot file")
			return errStop
		}
		buf = append(buf, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(buf) > 0:
			s.text = strings.TrimSuffix(strings.TrimSuffix(string(buf), "\n"), "\r")
			s.checkText()
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			s.line--
			return err
		default:
			return fmt.Errorf("reading line %d: %w", s.line, err)
		}
	}
}

func (s *scanner) tooLong() string {
	switch {
	case s.length > MaxLine:
		return "the line is longer than 1 MiB"
	case s.size > MaxText:
		return "the text is longer than 256 MiB"
	default:
		return ""
	}
}

func (s *scanner) checkText() {
	if s.line == 1 {
		s.text = strings.TrimPrefix(s.text, "\ufeff")
	}
	for i := 0; i < len(s.text); i++ {
		if c := s.text[i]; c < 0x20 && c != '\t' || c == 0x7f {
			s.text = s.text[:i]
			s.failAt(i, fmt.Sprintf("the character 0x%02x does not belong into a text", c), "")
			return
		}
	}
	if !utf8.ValidString(s.text) {
		s.text = strings.ToValidUTF8(s.text, "?")
		s.failAt(0, "the line is not valid UTF-8", "")
	}
}

// scanLine reads the tokens of the present line and reports whether the next line
// continues it.
func (s *scanner) scanLine() (more bool, err error) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t':
			s.pos++
		case '#':
			if s.comment != nil {
				s.comment(s.owner, strings.TrimSpace(s.text[s.pos+1:]))
			}
			return false, nil
		case '=', ',', '{', '}':
			s.tokens = append(s.tokens, token{text: string(c), sign: c, line: s.line, column: s.columnOf(s.pos)})
			s.pos++
		default:
			if s.continues() {
				return true, nil
			}
			if err := s.scanWord(); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// continues reports whether a backslash stands at the end of the line.
func (s *scanner) continues() bool {
	return s.text[s.pos] == '\\' && strings.Trim(s.text[s.pos+1:], " \t") == ""
}

func (s *scanner) scanWord() error {
	t := token{line: s.line, column: s.columnOf(s.pos), bare: s.text[s.pos] != '"' && s.text[s.pos] != '`'}
	var b strings.Builder
	for s.pos < len(s.text) && !s.bad {
		c := s.text[s.pos]
		if strings.IndexByte(" \t=,{}", c) >= 0 || s.continues() {
			break
		}
		switch c {
		case '"':
			s.scanQuoted(&b)
		case '`':
			if err := s.scanRaw(&b); err != nil {
				return err
			}
		default:
			b.WriteByte(c)
			s.pos++
		}
	}
	if s.bad {
		s.pos = len(s.text)
		return nil
	}
	t.text = b.String()
	s.tokens = append(s.tokens, t)
	return nil
}

// scanQuoted reads "…", which ends on the same line.
func (s *scanner) scanQuoted(b *strings.Builder) {
	start := s.pos
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case '"':
			s.pos++
			return
		case '\\':
			if !s.scanEscape(b) {
				return
			}
		default:
			b.WriteByte(c)
		}
	}
	s.failAt(start, "the closing \" is missing on this line", "a text in `…` may span lines")
}

// scanEscape reads one escape and leaves pos at its last byte.
func (s *scanner) scanEscape(b *strings.Builder) bool {
	start := s.pos
	s.pos++
	rest := s.text[s.pos:]
	for _, e := range [...]struct{ in, out string }{{`"`, `"`}, {`\`, `\`}, {"n", "\n"}, {"t", "\t"}, {"r", "\r"}} {
		if strings.HasPrefix(rest, e.in) {
			b.WriteString(e.out)
			return true
		}
	}
	if hex, ok := strings.CutPrefix(rest, "u{"); ok {
		hex, _, ok = strings.Cut(hex, "}")
		n, err := strconv.ParseInt(hex, 16, 32)
		if r := rune(n); ok && err == nil && utf8.ValidRune(r) {
			b.WriteRune(r)
			s.pos += len("u{") + len(hex)
			return true
		}
	}
	s.failAt(start, `after \ one of " \ n t r u{…} is expected`, `write \\ for a backslash`)
	return false
}

// scanRaw reads `…`, which may span lines.
func (s *scanner) scanRaw(b *strings.Builder) error {
	line, column := s.line, s.columnOf(s.pos)
	s.pos++
	for {
		before, _, closed := strings.Cut(s.text[s.pos:], "`")
		b.WriteString(before)
		if closed {
			s.pos += len(before) + 1
			return nil
		}
		err := s.readLine()
		if errors.Is(err, io.EOF) {
			s.bad = true
			s.fail(line, column, "the closing ` is missing", "")
		}
		if err != nil {
			return err
		}
		b.WriteByte('\n')
	}
}
