// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

var errOverflow = errors.New("the result has no room in 64 bits")

func (c *call) twoInts() (a, b int64, err error) {
	if a, err = c.int(0); err != nil {
		return 0, 0, err
	}
	b, err = c.int(1)
	return a, b, err
}

func add(c *call) (Value, error) {
	a, b, err := c.twoInts()
	if err != nil {
		return nil, err
	}
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return nil, errOverflow
	}
	return Int(sum), nil
}

func sub(c *call) (Value, error) {
	a, b, err := c.twoInts()
	if err != nil {
		return nil, err
	}
	diff := a - b
	if (diff < a) != (b > 0) && b != 0 {
		return nil, errOverflow
	}
	return Int(diff), nil
}

func mul(c *call) (Value, error) {
	a, b, err := c.twoInts()
	if err != nil {
		return nil, err
	}
	p := a * b
	hi, _ := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 || a != 0 && (p/a != b || a == -1 && b == math.MinInt64) {
		return nil, errOverflow
	}
	return Int(p), nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func div(c *call) (Value, error) {
	a, b, err := c.twoInts()
	switch {
	case err != nil:
		return nil, err
	case b == 0:
		return nil, errors.New("it divides by zero")
	case a == math.MinInt64 && b == -1:
		return nil, errOverflow
	}
	return Int(a / b), nil
}

func mod(c *call) (Value, error) {
	a, b, err := c.twoInts()
	switch {
	case err != nil:
		return nil, err
	case b == 0:
		return nil, errors.New("it divides by zero")
	case b == -1:
		return Int(0), nil
	}
	return Int(a % b), nil
}

func intOf(c *call) (Value, error) {
	switch v := c.args[0].(type) {
	case Int:
		return v, nil
	case Float:
		if math.Abs(float64(v)) < math.MaxInt64 {
			return Int(math.RoundToEven(float64(v))), nil
		}
		return nil, errOverflow
	case Bool:
		if v {
			return Int(1), nil
		}
		return Int(0), nil
	case String:
		n, err := strconv.ParseInt(strings.TrimSpace(string(v)), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no integer", cut(string(v), 60))
		}
		return Int(n), nil
	default:
		return nil, c.wrong(0, "a string or an integer")
	}
}

func floatOf(c *call) (Value, error) {
	if n, ok := number(c.args[0]); ok {
		return Float(n), nil
	}
	s, err := c.str(0)
	if err != nil {
		return nil, c.wrong(0, "a string or a number")
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("%q is no number", cut(s, 60))
	}
	return Float(f), nil
}

func (c *call) prefix() (netip.Prefix, error) {
	s, err := c.str(0)
	if err != nil {
		return netip.Prefix{}, err
	}
	if !strings.Contains(s, "/") {
		if a, err := netip.ParseAddr(s); err == nil {
			return netip.PrefixFrom(a, a.BitLen()), nil
		}
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no range of addresses, such as 10.0.0.0/16", cut(s, 60))
	}
	return p, nil
}

// A wide is an address as a number of 128 bits.
type wide struct{ hi, lo uint64 }

func wideOf(a netip.Addr) wide {
	b := a.As16()
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (w wide) addr(v4 bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], w.hi)
	binary.BigEndian.PutUint64(b[8:], w.lo)
	a := netip.AddrFrom16(b)
	if v4 {
		return a.Unmap()
	}
	return a
}

func (w wide) plus(o wide) wide {
	lo, carry := bits.Add64(w.lo, o.lo, 0)
	hi, _ := bits.Add64(w.hi, o.hi, carry)
	return wide{hi, lo}
}

// shifted is n << by.
func shifted(n uint64, by int) wide {
	switch {
	case by >= 128:
		return wide{}
	case by >= 64:
		return wide{hi: n << (by - 64)}
	case by == 0:
		return wide{lo: n}
	default:
		return wide{hi: n >> (64 - by), lo: n << by}
	}
}

// last is the last address of a range.
func lastAddr(p netip.Prefix) wide {
	w := wideOf(p.Masked().Addr())
	host := p.Addr().BitLen() - p.Bits()
	ones := shifted(1, host).plus(wide{^uint64(0), ^uint64(0)})
	return w.plus(ones)
}

// parseCIDR describes a range of addresses (template-functions-cidr.md#parsecidr).
func parseCIDR(c *call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return nil, err
	}
	v4 := p.Addr().Is4()
	first, last := wideOf(p.Masked().Addr()), lastAddr(p)
	mask := netip.PrefixFrom(wide{^uint64(0), ^uint64(0)}.addr(false), 128)
	if v4 {
		mask = netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 32)
	}
	pairs := []any{
		"network", String(p.Masked().Addr().String()),
		"netmask", String(netip.PrefixFrom(mask.Addr(), p.Bits()).Masked().Addr().String()),
	}
	firstUsable, lastUsable := first, last
	if v4 {
		pairs = append(pairs, "broadcast", String(last.addr(true).String()))
		if p.Bits() < 31 {
			firstUsable = first.plus(wide{lo: 1})
			lastUsable = last.plus(wide{^uint64(0), ^uint64(0)})
		}
	}
	pairs = append(pairs, "firstUsable", String(firstUsable.addr(v4).String()), "lastUsable", String(lastUsable.addr(v4).String()),
		"cidr", Int(p.Bits()))
	return c.make(pairs...)
}

func cidrSubnet(c *call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return nil, err
	}
	size, err := c.int(1)
	if err != nil {
		return nil, err
	}
	index, err := c.int(2)
	if err != nil {
		return nil, err
	}
	width := p.Addr().BitLen()
	if size < int64(p.Bits()) || size > int64(width) {
		return nil, fmt.Errorf("the size /%d is not within /%d and /%d", size, p.Bits(), width)
	}
	if more := int(size) - p.Bits(); index < 0 || more < 63 && index >= 1<<more {
		return nil, fmt.Errorf("the range %s has no part number %d of the size /%d", p, index, size)
	}
	a := wideOf(p.Masked().Addr()).plus(shifted(uint64(index), width-int(size))).addr(p.Addr().Is4())
	return String(netip.PrefixFrom(a, int(size)).String()), nil
}

func cidrHost(c *call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return nil, err
	}
	index, err := c.int(1)
	if err != nil {
		return nil, err
	}
	host := p.Addr().BitLen() - p.Bits()
	skipped := int64(1) // the address of the network itself
	if host <= 1 {
		skipped = 0
	}
	if index < 0 || host < 62 && index+skipped >= 1<<host {
		return nil, fmt.Errorf("the range %s has no address number %d", p, index)
	}
	return String(wideOf(p.Masked().Addr()).plus(wide{lo: uint64(index + skipped)}).addr(p.Addr().Is4()).String()), nil
}
