// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"hash/maphash"
	"math/bits"
	"sync"
)

// seed is secret, and new for each process: nobody can write a line that is taken for the
// repetition of another.
var seed = maphash.MakeSeed()

// digest identifies a line while mivet runs. Digests that are kept for later are those of the
// ledger, which take twice the time.
func digest(line []byte) uint64 { return maphash.Bytes(seed, line) }

// digests is a set of the digests of lines that several goroutines add to: 8 bytes each, and
// at most as many again that are free.
type digests struct {
	mu    sync.Mutex
	n     int
	slots []uint64 // 0: free; a power of two of them
	// limit is how many it may hold, 0 for any number; a set that is full begins anew.
	limit int
}

const (
	firstSlots = 1 << 10
	// keptSlots bounds the memory of a set that is emptied.
	keptSlots = 1 << 16
	// maxLines bounds the lines of one file of the past that are told apart: 128 MiB.
	maxLines = 8 << 20
	// lineSize is what an entry has in the mean, in bytes.
	lineSize = 1500
)

// add puts digests into the set and says which were there before. All of them are looked up
// one right after the other, so that the waits for memory overlap.
func (d *digests) add(list []uint64, known []bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, h := range list {
		if d.limit > 0 && d.n >= d.limit {
			clear(d.slots)
			d.n = 0
		}
		if d.n >= len(d.slots)/8*5 {
			d.grow()
		}
		if known[i] = !d.put(max(h, 1)); !known[i] { // 0 marks what is free
			d.n++
		}
	}
}

func (d *digests) put(h uint64) bool {
	mask := uint64(len(d.slots) - 1)
	i := h & mask
	for d.slots[i] != 0 {
		if d.slots[i] == h {
			return false
		}
		i = (i + 1) & mask
	}
	d.slots[i] = h
	return true
}

func (d *digests) grow() {
	old := d.slots
	d.slots = make([]uint64, max(firstSlots, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			d.put(h)
		}
	}
}

// reset empties the set and makes room for about so many.
func (d *digests) reset(lines int64) {
	if d.n = 0; len(d.slots) > keptSlots {
		d.slots = nil
	}
	clear(d.slots)
	if want := min(lines, maxLines) * 8 / 5; want > int64(len(d.slots)) {
		d.slots = make([]uint64, 1<<bits.Len64(uint64(want-1))) // want is above 0
	}
}
