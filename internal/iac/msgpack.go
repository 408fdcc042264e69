// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"encoding/binary"
	"errors"
	"math"
)

var errMsgpack = errors.New("a value is damaged")

// msgpack decodes the values of a binary plan: MessagePack, with an extension for what is
// not known (zclconf/go-cty cty/msgpack; github.com/msgpack/msgpack spec.md).
type msgpack struct {
	b     []byte
	depth int
}

// unknownMsgpack stands for a value that is known only after apply.
type unknownMsgpack struct{}

func (m *msgpack) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.b) {
		return nil, errMsgpack
	}
	b := m.b[:n]
	m.b = m.b[n:]
	return b, nil
}

// number takes a length or an integer of that many bytes.
func (m *msgpack) number(n int) (uint64, error) {
	b, err := m.take(n)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[8-n:], b)
	return binary.BigEndian.Uint64(full[:]), nil
}

func (m *msgpack) value() (any, error) {
	if m.depth++; m.depth > maxDepth {
		return nil, errMsgpack
	}
	defer func() { m.depth-- }()
	head, err := m.take(1)
	if err != nil {
		return nil, err
	}
	switch c := head[0]; {
	case c <= 0x7f:
		return float64(c), nil
	case c >= 0xe0:
		return float64(int8(c)), nil //nolint:gosec // a negative number of one byte
	case c <= 0x8f:
		return m.members(int(c & 0x0f))
	case c <= 0x9f:
		return m.elements(int(c & 0x0f))
	case c <= 0xbf:
		return m.text(int(c & 0x1f))
	default:
		return m.long(c)
	}
}

// long takes a value whose head names a width.
func (m *msgpack) long(c byte) (any, error) {
	switch c {
	case 0xc0:
		return nil, nil
	case 0xc2, 0xc3:
		return c == 0xc3, nil
	case 0xca:
		n, err := m.number(4)
		return float64(math.Float32frombits(uint32(n))), err //nolint:gosec // four bytes were read
	case 0xcb:
		n, err := m.number(8)
		return math.Float64frombits(n), err
	case 0xcc, 0xcd, 0xce, 0xcf:
		n, err := m.number(1 << (c - 0xcc))
		return float64(n), err
	case 0xd0, 0xd1, 0xd2, 0xd3:
		size := 1 << (c - 0xd0)
		n, err := m.number(size)
		shift := 64 - 8*size
		return float64(int64(n<<shift) >> shift), err //nolint:gosec // the sign is carried over
	case 0xc4, 0xc5, 0xc6, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf:
		return m.sized(c)
	}
	return m.extension(c)
}

// sized takes a text, a list or an object whose length follows the head.
func (m *msgpack) sized(c byte) (any, error) {
	width := map[byte]int{0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4}[c]
	n, err := m.number(width)
	if err != nil {
		return nil, err
	}
	switch {
	case c >= 0xde:
		return m.members(int(n)) //nolint:gosec // four bytes at most
	case c >= 0xdc:
		return m.elements(int(n)) //nolint:gosec // four bytes at most
	default:
		return m.text(int(n)) //nolint:gosec // four bytes at most
	}
}

// extension takes an extension: what is not known, with or without what is known of it.
func (m *msgpack) extension(c byte) (any, error) {
	var n int
	switch {
	case c >= 0xd4 && c <= 0xd8:
		n = 1 << (c - 0xd4)
	case c >= 0xc7 && c <= 0xc9:
		size, err := m.number(1 << (c - 0xc7))
		if err != nil {
			return nil, err
		}
		n = int(size) //nolint:gosec // four bytes at most
	default:
		return nil, errMsgpack
	}
	if _, err := m.take(1); err != nil {
		return nil, err
	}
	_, err := m.take(n)
	return unknownMsgpack{}, err
}

func (m *msgpack) text(n int) (any, error) {
	b, err := m.take(n)
	return string(b), err
}

func (m *msgpack) elements(n int) (any, error) {
	if n > len(m.b) { // each takes a byte at least
		return nil, errMsgpack
	}
	// A value whose type the schema leaves open, as the bodies of azapi, comes as a pair: the
	// type in bytes, which nothing else is written in, and the value.
	open := n == 2 && m.b[0] >= 0xc4 && m.b[0] <= 0xc6
	out := make([]any, 0, n)
	for range n {
		v, err := m.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if open {
		return out[1], nil
	}
	return out, nil
}

func (m *msgpack) members(n int) (any, error) {
	if n > len(m.b) {
		return nil, errMsgpack
	}
	out := make(map[string]any, n)
	for range n {
		k, err := m.value()
		if err != nil {
			return nil, err
		}
		v, err := m.value()
		if err != nil {
			return nil, err
		}
		if name, ok := k.(string); ok {
			out[name] = v
		}
	}
	return out, nil
}

// unknownsApart takes a decoded value apart into what is known and what is not, as plans in JSON
// have them. u is nil where all is known.
func unknownsApart(v any) (known, u any) {
	switch v := v.(type) {
	case unknownMsgpack:
		return nil, true
	case map[string]any:
		k, un := make(map[string]any, len(v)), map[string]any{}
		for name, e := range v {
			a, b := unknownsApart(e)
			if k[name] = a; b != nil {
				un[name] = b
			}
		}
		if len(un) == 0 {
			return k, nil
		}
		return k, un
	case []any:
		k, un, open := make([]any, len(v)), make([]any, len(v)), false
		for i, e := range v {
			if k[i], un[i] = unknownsApart(e); un[i] != nil {
				open = true
			} else {
				un[i] = false
			}
		}
		if !open {
			return k, nil
		}
		return k, un
	default:
		return v, nil
	}
}
