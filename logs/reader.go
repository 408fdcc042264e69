// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxEntry is the longest entry that is read, in bytes. A longer one is skipped with an
// error, without being held in memory.
const MaxEntry = 8 << 20

// HeadSize is how many of the first bytes [IsLines] wants to see.
const HeadSize = 4 << 10

// Reader takes entries from a stream: JSON Lines as diagnostic settings write them, a list
// of entries, or batches {"records":[…]} and pages {"value":[…]}.
type Reader struct {
	p  *Parser
	in *bufio.Reader

	started    bool
	whole      bool // entries do not end with the line
	line, last int  // of the place, and of the entry that was returned
	buf, text  []byte
	unfinished bool
	gone       error
}

// NewReader returns a reader of a stream. See [NewParser] for the error.
func NewReader(r io.Reader) (*Reader, error) {
	p, err := NewParser()
	if err != nil {
		return nil, err
	}
	return p.Reader(r), nil
}

// Reader returns a reader of a stream that uses the parser. What it returns is valid until
// the parser is used again.
func (p *Parser) Reader(r io.Reader) *Reader {
	const size = 256 << 10
	return &Reader{p: p, in: bufio.NewReaderSize(r, size), line: 1}
}

// LineError is an entry that could not be read. What follows can.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// ErrTooLong says that an entry is longer than [MaxEntry].
var ErrTooLong = fmt.Errorf("the entry is longer than %d bytes", MaxEntry)

var errNoEntry = errors.New("expected a JSON object")

// Line returns the line on which the last entry began.
func (r *Reader) Line() int { return r.last }

// Text returns the last entry as it is in the stream, valid until the next call of Next.
func (r *Reader) Text() []byte { return r.text }

// Unfinished reports whether the stream ended inside an entry. The file of the current hour
// is written while it is read: the rest comes later.
func (r *Reader) Unfinished() bool { return r.unfinished }

// Next returns the next entry, valid until the next call, or [io.EOF]. After a [*LineError]
// reading may go on; any other error ends the stream.
func (r *Reader) Next() (*Entry, error) {
	if r.gone != nil {
		return nil, r.gone
	}
	if !r.started {
		r.started = true
		head, err := r.in.Peek(HeadSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, r.end(err)
		}
		if bytes.HasPrefix(head, byteOrderMark) {
			if _, err := r.in.Discard(len(byteOrderMark)); err != nil {
				return nil, r.end(err)
			}
		}
		r.whole = !IsLines(head)
	}
	if r.whole {
		return r.nextWhole()
	}
	return r.nextLine()
}

func (r *Reader) end(err error) error {
	r.gone = err
	return err
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// IsLines reports whether a stream that begins with these bytes has one entry on each line.
// It has not if it begins with a list, with a batch, or with an object that goes on in the
// next line.
func IsLines(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n")
	if len(head) == 0 || head[0] != '{' {
		return len(head) == 0 || head[0] != '['
	}
	rest := bytes.TrimLeft(head[1:], " \t\r")
	return len(rest) == 0 || rest[0] != '\n' && wrapper(head) == 0
}

// wrappers are keys of an object that holds nothing but a list of entries.
var wrappers = [...]string{`"records"`, `"value"`}

// wrapper returns the length of the beginning of a batch, {"records":[, or 0.
func wrapper(b []byte) int {
	rest := bytes.TrimLeft(b[1:], " \t\r\n")
	for _, w := range wrappers {
		if !bytes.HasPrefix(rest, []byte(w)) {
			continue
		}
		after := bytes.TrimLeft(rest[len(w):], " \t\r\n")
		if len(after) == 0 || after[0] != ':' {
			continue
		}
		after = bytes.TrimLeft(after[1:], " \t\r\n")
		if len(after) > 0 && after[0] == '[' {
			return len(b) - len(after) + 1
		}
	}
	return 0
}

// nextLine reads one line.
func (r *Reader) nextLine() (*Entry, error) {
	for {
		line, err := r.readLine()
		at := r.line
		if err == nil {
			r.line++
		}
		if errors.Is(err, ErrTooLong) {
			r.line++
			return nil, &LineError{at, err}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, r.end(err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			r.last = at
			e, bad := r.p.Parse(text)
			r.text = text
			if bad == nil {
				return e, nil
			}
			if err != nil && errors.Is(bad, ErrEnd) {
				r.unfinished = true
				return nil, r.end(io.EOF)
			}
			return nil, &LineError{at, bad}
		}
		if err != nil {
			return nil, r.end(err)
		}
	}
}

// readLine returns a line without its end. The last one comes with io.EOF.
func (r *Reader) readLine() ([]byte, error) {
	part, err := r.in.ReadSlice('\n')
	if err == nil {
		return part, nil
	}
	r.buf = append(r.buf[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = r.in.ReadSlice('\n')
		if len(r.buf)+len(part) > MaxEntry {
			return nil, r.skipLine(err)
		}
		r.buf = append(r.buf, part...)
	}
	return r.buf, err
}

// skipLine drops the rest of a line that is too long.
func (r *Reader) skipLine(err error) error {
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return ErrTooLong
}

// nextWhole finds the next object outside of lists and batches.
func (r *Reader) nextWhole() (*Entry, error) {
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return nil, r.end(err)
		}
		switch c {
		case '\n':
			r.line++
		case ' ', '\t', '\r', ',', '[', ']', '}':
		case '"':
			// A member behind the list of a batch, such as "nextLink".
			if err := r.skipMember(); err != nil {
				return nil, err
			}
		case '{':
			if err := r.in.UnreadByte(); err != nil {
				return nil, r.end(err)
			}
			head, err := r.in.Peek(wrapperSize)
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, r.end(err)
			}
			n := wrapper(head)
			if n == 0 {
				return r.nextObject()
			}
			r.line += bytes.Count(head[:n], []byte{'\n'})
			if _, err := r.in.Discard(n); err != nil {
				return nil, r.end(err)
			}
		default:
			at := r.line
			if err := r.skipToLine(); err != nil {
				return nil, err
			}
			return nil, &LineError{at, errNoEntry}
		}
	}
}

const wrapperSize = 256

// skipToLine drops the rest of a line.
func (r *Reader) skipToLine() error {
	var err error
	for {
		_, err = r.in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
	}
	if err == nil {
		r.line++
		return nil
	}
	if errors.Is(err, io.EOF) {
		r.gone = err
		return nil
	}
	return r.end(err)
}

// skipMember reads over the rest of a key, whose quote was read, and over its value if that
// is a scalar.
func (r *Reader) skipMember() error {
	in, escaped := true, false
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return r.end(err)
		}
		if c == '\n' {
			r.line++
		}
		switch {
		case escaped:
			escaped = false
		case in && c == '\\':
			escaped = true
		case c == '"':
			in = !in
		case !in && (c == ',' || c == '}' || c == ']'):
			return nil
		}
	}
}

// nextObject reads one object, up to the brace that closes it.
func (r *Reader) nextObject() (*Entry, error) {
	r.buf = r.buf[:0]
	r.last = r.line
	var b braces
	for {
		if _, err := r.in.Peek(1); err != nil {
			r.unfinished = errors.Is(err, io.EOF)
			return nil, r.end(err)
		}
		part, err := r.in.Peek(r.in.Buffered())
		if err != nil {
			return nil, r.end(err)
		}
		n, done := b.end(part)
		if len(r.buf)+n <= MaxEntry {
			r.buf = append(r.buf, part[:n]...)
		} else {
			b.long = true
		}
		r.line += bytes.Count(part[:n], []byte{'\n'})
		if _, err := r.in.Discard(n); err != nil {
			return nil, r.end(err)
		}
		if !done {
			continue
		}
		if b.long {
			return nil, &LineError{r.last, ErrTooLong}
		}
		r.text = r.buf
		e, bad := r.p.Parse(r.buf)
		if bad != nil {
			return nil, &LineError{r.last, bad}
		}
		return e, nil
	}
}

// braces finds the end of an object.
type braces struct {
	depth         int
	text, escaped bool
	long          bool
}

// end returns how many bytes of b belong to the object, and whether it ends there.
func (s *braces) end(b []byte) (n int, done bool) {
	for i, c := range b {
		switch {
		case s.escaped:
			s.escaped = false
		case s.text:
			switch c {
			case '\\':
				s.escaped = true
			case '"':
				s.text = false
			}
		case c == '"':
			s.text = true
		case c == '{':
			s.depth++
		case c == '}':
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(b), false
}
