// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"math"
	"math/bits"
	"time"

	"github.com/mivet/mivet/logs"
)

// factKey is a fact by the numbers of its texts.
type factKey struct {
	who, what, where uint32
	day              Day
}

// factRow is a fact as it is counted: one line of a cache.
type factRow struct {
	factKey
	tally
	_ uint64
}

// tally is [Counts] with times in nanoseconds.
type tally struct {
	granted, refused, undecided int64
	first, last                 int64 // first > last: none
}

func newTally() *tally { return &tally{first: math.MaxInt64, last: math.MinInt64} }

// count takes an entry.
func (t *tally) count(e *logs.Entry) {
	t.add(e.Granted, e.Count)
	t.at(e.Time)
}

func (t *tally) add(o logs.Outcome, n int64) {
	switch o {
	case logs.Granted:
		t.granted += n
	case logs.Refused:
		t.refused += n
	default:
		t.undecided += n
	}
}

// at takes the time of an entry. One that int64 has no nanoseconds for, before 1677 or after
// 2262, counts as the end of these.
func (t *tally) at(when time.Time) {
	if when.IsZero() {
		return
	}
	const second = int64(time.Second)
	n := int64(math.MaxInt64)
	switch s := when.Unix(); {
	case s <= math.MinInt64/second:
		n = math.MinInt64
	case s < math.MaxInt64/second:
		n = s*second + int64(when.Nanosecond())
	}
	t.first, t.last = min(t.first, n), max(t.last, n)
}

func (t *tally) merge(o *tally) {
	t.granted += o.granted
	t.refused += o.refused
	t.undecided += o.undecided
	t.first, t.last = min(t.first, o.first), max(t.last, o.last)
}

func (t *tally) total() int64 { return t.granted + t.refused + t.undecided }

func (t *tally) counts() Counts {
	c := Counts{Granted: t.granted, Refused: t.refused, Undecided: t.undecided}
	if t.first <= t.last {
		c.First, c.Last = time.Unix(0, t.first).UTC(), time.Unix(0, t.last).UTC()
	}
	return c
}

// table finds the row of a fact. It is a map whose keys stand in the rows, so that a fact is
// one look into a small index and one into its row.
type table struct {
	rows  []factRow
	index []int32 // number of a row, from 1; a power of two of them, at most half in use
}

const firstIndex = 1 << 6

// row returns the number of the row of a key, which is made if there is none.
func (t *table) row(k factKey) int32 {
	if 2*len(t.rows) >= len(t.index) {
		t.grow()
	}
	i := t.place(k)
	if n := t.index[i]; n != 0 {
		return n - 1
	}
	t.rows = append(t.rows, factRow{factKey: k, tally: *newTally()})
	t.index[i] = int32(len(t.rows)) // a row is 64 bytes: memory ends before
	return int32(len(t.rows) - 1)   // the same
}

// place returns where the key stands, or where it is to be put.
func (t *table) place(k factKey) uint64 {
	mask := uint64(len(t.index) - 1)
	i := k.hash() & mask
	for t.index[i] != 0 && t.rows[t.index[i]-1].factKey != k {
		i = (i + 1) & mask
	}
	return i
}

func (t *table) grow() {
	t.index = make([]int32, max(firstIndex, 2*len(t.index)))
	for i := range t.rows {
		t.index[t.place(t.rows[i].factKey)] = int32(i + 1) // as above
	}
}

// hash mixes the numbers. They are given out one after the other, by nobody who could choose
// them so that many fall together.
func (k factKey) hash() uint64 {
	const a, b = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
	high, low := bits.Mul64(uint64(k.who)<<32^uint64(k.what)^a, uint64(k.where)<<32^uint64(uint32(k.day))^b) // all bits of the day
	return high ^ low
}
