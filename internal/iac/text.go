// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	markUTF8    = []byte("\xEF\xBB\xBF")
	markUTF16LE = []byte("\xFF\xFE")
	markUTF16BE = []byte("\xFE\xFF")
)

// plainText returns the start of an input as UTF-8 without a byte order mark. Windows
// PowerShell writes what is redirected to a file as UTF-16.
func plainText(head []byte) []byte {
	switch {
	case bytes.HasPrefix(head, markUTF8):
		return head[len(markUTF8):]
	case bytes.HasPrefix(head, markUTF16LE):
		return fromUTF16(nil, head[2:], binary.LittleEndian)
	case bytes.HasPrefix(head, markUTF16BE):
		return fromUTF16(nil, head[2:], binary.BigEndian)
	default:
		return head
	}
}

// decodeText returns the input as UTF-8 without a byte order mark. head is what r was
// seen to start with.
func decodeText(r io.Reader, head []byte) io.Reader {
	skip, order := 0, binary.ByteOrder(nil)
	switch {
	case bytes.HasPrefix(head, markUTF8):
		skip = len(markUTF8)
	case bytes.HasPrefix(head, markUTF16LE):
		skip, order = 2, binary.LittleEndian
	case bytes.HasPrefix(head, markUTF16BE):
		skip, order = 2, binary.BigEndian
	}
	body := &skipReader{r: r, skip: skip}
	if order == nil {
		return body
	}
	return &utf16Reader{r: body, order: order}
}

// skipReader leaves out the first bytes.
type skipReader struct {
	r    io.Reader
	skip int
}

func (s *skipReader) Read(p []byte) (int, error) {
	for s.skip > 0 {
		var junk [4]byte
		n, err := s.r.Read(junk[:min(s.skip, len(junk))])
		if s.skip -= n; err != nil {
			return 0, err
		}
	}
	return s.r.Read(p)
}

// utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	raw   []byte // bytes that are not decoded yet: fewer than four
	out   []byte
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		var buf [16 << 10]byte
		n, err := u.r.Read(buf[:])
		u.raw, u.err = append(u.raw, buf[:n]...), err
		whole := len(u.raw) &^ 1
		if whole >= 2 && err == nil && utf16.IsSurrogate(rune(u.order.Uint16(u.raw[whole-2:]))) {
			whole -= 2 // its other half may follow
		}
		if err != nil && whole < len(u.raw) {
			u.out = append(fromUTF16(u.out, u.raw[:whole], u.order), string(utf8.RuneError)...)
			break
		}
		u.out = fromUTF16(u.out, u.raw[:whole], u.order)
		u.raw = append(u.raw[:0], u.raw[whole:]...)
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func fromUTF16(to, raw []byte, order binary.ByteOrder) []byte {
	for i := 0; i+1 < len(raw); i += 2 {
		r := rune(order.Uint16(raw[i:]))
		if utf16.IsSurrogate(r) {
			if i+3 < len(raw) {
				r = utf16.DecodeRune(r, rune(order.Uint16(raw[i+2:])))
			} else {
				r = utf8.RuneError
			}
			if r != utf8.RuneError {
				i += 2
			}
		}
		to = utf8.AppendRune(to, r)
	}
	return to
}
