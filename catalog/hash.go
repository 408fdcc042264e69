// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"github.com/mivet/mivet/arm"
)

// folder makes the keys of many names in one piece of memory. For a name of ASCII letters
// it does what [arm.Fold] does.
type folder struct {
	room  strings.Builder
	bytes []byte
}

func (f *folder) fold(name string) string {
	f.bytes = append(f.bytes[:0], name...)
	for i, b := range f.bytes {
		if 'A' <= b && b <= 'Z' {
			f.bytes[i] = b + ('a' - 'A')
		} else if b >= utf8.RuneSelf {
			return string(arm.Fold(name))
		}
	}
	start := f.room.Len()
	f.room.Write(f.bytes)
	return f.room.String()[start:]
}

// hashIndex finds the place of a string in a list that does not change. It holds places,
// not strings, and is made much faster than a map: the catalogue is read at every start.
type hashIndex struct {
	seed  maphash.Seed
	slots []int32 // place + 1, 0 where empty; the length is a power of two
}

func newHashIndex(keys []string) hashIndex {
	size := 2
	for size < 2*len(keys) {
		size *= 2
	}
	x := hashIndex{seed: maphash.MakeSeed(), slots: make([]int32, size)}
	for i, key := range keys {
		at := x.slot(key)
		for x.slots[at] != 0 {
			at = (at + 1) & (size - 1)
		}
		x.slots[at] = int32(i + 1)
	}
	return x
}

func (x *hashIndex) slot(key string) int {
	return int(maphash.String(x.seed, key) & uint64(len(x.slots)-1))
}

// find returns the place of key in keys, the list that the index was made of.
func (x *hashIndex) find(keys []string, key string) (int, bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	for at := x.slot(key); x.slots[at] != 0; at = (at + 1) & (len(x.slots) - 1) {
		if i := int(x.slots[at] - 1); keys[i] == key {
			return i, true
		}
	}
	return 0, false
}
