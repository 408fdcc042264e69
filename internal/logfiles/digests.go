// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"hash/maphash"
	"sync"
)

// seed is secret, and new for each process: nobody can write a line that is taken for the
// repetition of another.
var seed = maphash.MakeSeed()

// digest identifies a line while mivet runs.
func digest(line []byte) uint64 { return maphash.Bytes(seed, line) }

// digests is a set of the digests of lines that several goroutines add to: 8 bytes each, and
// at most as many again that are free.
type digests struct {
	shards [numShards]shard
	// limit is how many a shard may hold, 0 for any number; one that is full begins anew.
	limit int
}

const (
	shardBits = 6
	numShards = 1 << shardBits
	// firstSlots is how many a shard begins with; a set that is used again keeps up to
	// keptSlots.
	firstSlots = 1 << 6
	keptSlots  = 1 << 10
	// maxLines bounds the lines of one file of the past that are told apart: 128 MiB.
	maxLines = 8 << 20
)

type shard struct {
	mu    sync.Mutex
	n     int
	slots []uint64 // 0: free
	_     [16]byte // a cache line for each
}

// add puts a digest into the set and reports whether it is new there.
func (d *digests) add(h uint64) bool {
	if h == 0 {
		h = 1 // 0 marks what is free
	}
	s := &d.shards[h>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.limit > 0 && s.n >= d.limit {
		clear(s.slots)
		s.n = 0
	}
	if s.n >= len(s.slots)/8*5 {
		s.grow()
	}
	if !s.put(h) {
		return false
	}
	s.n++
	return true
}

func (s *shard) put(h uint64) bool {
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for s.slots[i] != 0 {
		if s.slots[i] == h {
			return false
		}
		i = (i + 1) & mask
	}
	s.slots[i] = h
	return true
}

func (s *shard) grow() {
	old := s.slots
	s.slots = make([]uint64, max(firstSlots, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			s.put(h)
		}
	}
}

// reset empties the set.
func (d *digests) reset() {
	for i := range d.shards {
		s := &d.shards[i]
		if s.n = 0; len(s.slots) > keptSlots {
			s.slots = nil
			continue
		}
		clear(s.slots)
	}
}
