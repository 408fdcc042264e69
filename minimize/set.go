// SPDX-License-Identifier: Apache-2.0

package minimize

import "math/bits"

// set is a set of small numbers.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) within(t set) bool {
	for i, w := range s {
		if w&^t[i] != 0 {
			return false
		}
	}
	return true
}

func (s set) union(t set) {
	for i, w := range t {
		s[i] |= w
	}
}

func (s set) subtract(t set) {
	for i, w := range t {
		s[i] &^= w
	}
}

// each calls f with the numbers of the set in rising order.
func (s set) each(f func(int)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			f(i*64 + bits.TrailingZeros64(w))
		}
	}
}
