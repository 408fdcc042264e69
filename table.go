// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"hash/maphash"

	"github.com/mivet/mivet/arm"
)

// idTable finds the places of a list by the IDs that are there. It keeps eight bytes a
// slot and no key, since a large tenant has millions of resources.
type idTable struct {
	seed  maphash.Seed
	slots []idSlot // open addressing
	id    func(place int) arm.ID
}

// idSlot is a place of the list. The tag spares looking at an ID that is another.
type idSlot struct {
	tag   uint32
	place uint32 // plus one; 0 is free
}

// newIDTable makes a table for the places below n.
func newIDTable(n int, id func(place int) arm.ID) *idTable {
	size := 4
	for 3*size < 4*n { // at most three quarters are taken
		size *= 2
	}
	return &idTable{seed: maphash.MakeSeed(), slots: make([]idSlot, size), id: id}
}

// put adds a place. It returns the place of the same ID that it takes the turn of, or -1.
func (t *idTable) put(place int) (before int) {
	s, tag := t.slot(t.id(place))
	before = int(s.place) - 1
	*s = idSlot{tag, uint32(place) + 1}
	return before
}

// get returns the last place of an ID that was put, or -1.
func (t *idTable) get(id arm.ID) int {
	s, _ := t.slot(id)
	return int(s.place) - 1
}

// slot returns the slot of an ID, or the free one where it belongs, and its tag.
func (t *idTable) slot(id arm.ID) (s *idSlot, tag uint32) {
	hash := id.Hash(t.seed)
	mask, tag := uint64(len(t.slots)-1), uint32(hash>>32)
	for i := hash & mask; ; i = (i + 1) & mask {
		s = &t.slots[i]
		if s.place == 0 || s.tag == tag && t.id(int(s.place)-1).Equal(id) {
			return s, tag
		}
	}
}
