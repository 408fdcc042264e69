// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"github.com/mivet/mivet"
)

// roster finds principals by their IDs. Those of Entra are GUIDs: their bytes and all that
// is then wanted stand in the hash table itself, so that a look-up reads one place of
// memory, and not the text of the ID that stands somewhere else. The zero value is empty.
type roster struct {
	slots  []rosterSlot // open addressing
	used   int
	seed   guid
	others map[mivet.PrincipalID]*PrincipalRef
}

// rosterSlot is a cache line.
type rosterSlot struct {
	id  guid // zero: free
	ref PrincipalRef
	_   [16]byte
}

// guid is the bytes of an ID in the usual form of a GUID, with small letters.
type guid [2]uint64

// place works out where a principal stands, if another does not have its place. The GUID
// is zero for an ID of another form. Multiplying spreads the GUIDs, and since nobody knows
// the seed, none can be chosen to meet.
func (r *roster) place(id mivet.PrincipalID) (g guid, at uint64) {
	g, ok := parseGUID(id)
	if !ok || len(r.slots) == 0 {
		return guid{}, 0
	}
	return g, r.hash(g)
}

func (r *roster) hash(g guid) uint64 {
	high, low := bits.Mul64(g[0]^r.seed[0], g[1]^r.seed[1])
	return (high ^ low) & uint64(len(r.slots)-1)
}

// at returns the handle of a principal of which the place is worked out.
func (r *roster) at(id mivet.PrincipalID, g guid, at uint64) *PrincipalRef {
	if g == (guid{}) {
		if ref, ok := r.others[id]; ok {
			return ref
		}
		return &stranger
	}
	for {
		switch s := &r.slots[at]; s.id {
		case g:
			return &s.ref
		case guid{}:
			return &stranger
		}
		at = (at + 1) & uint64(len(r.slots)-1)
	}
}

func (r *roster) find(id mivet.PrincipalID) int32 { return r.handle(id).number }

func (r *roster) handle(id mivet.PrincipalID) *PrincipalRef {
	g, at := r.place(id)
	return r.at(id, g, at)
}

// add gives a number to an ID that has none.
func (r *roster) add(id mivet.PrincipalID, number int32) {
	ref := PrincipalRef{number: number}
	g, ok := parseGUID(id)
	if !ok {
		if r.others == nil {
			r.others = map[mivet.PrincipalID]*PrincipalRef{}
		}
		r.others[id] = &ref
		return
	}
	if r.used++; 2*r.used > len(r.slots) {
		r.grow()
	}
	r.put(rosterSlot{id: g, ref: ref})
}

func (r *roster) put(s rosterSlot) {
	at := r.hash(s.id)
	for r.slots[at].id != (guid{}) {
		at = (at + 1) & uint64(len(r.slots)-1)
	}
	r.slots[at] = s
}

func (r *roster) grow() {
	old := r.slots
	if old == nil {
		seed := maphash.MakeSeed()
		r.seed = guid{maphash.String(seed, "0"), maphash.String(seed, "1")}
	}
	r.slots = make([]rosterSlot, max(16, 2*len(old)))
	for _, s := range old {
		if s.id != (guid{}) {
			r.put(s)
		}
	}
}

// settle completes the handles, which up to then have numbers alone.
func (r *roster) settle(of func(number int32) PrincipalRef) {
	for i := range r.slots {
		if s := &r.slots[i]; s.id != (guid{}) {
			s.ref = of(s.ref.number)
		}
	}
	for _, ref := range r.others {
		*ref = of(ref.number)
	}
}

// hexDigits holds the value of each digit, and notHex for what is none. Capitals are none:
// IDs are compared as they are written.
var hexDigits = func() (t [256]byte) {
	for i := range t {
		t[i] = notHex
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	return t
}()

const notHex = 0xff

// guidStarts are the places of the bytes in the text.
var guidStarts = [16]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// parseGUID reports false for an ID of another form, and for the GUID of zeros, which
// stands for everyone and is nobody.
func parseGUID(id mivet.PrincipalID) (g guid, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return g, false
	}
	var b [16]byte
	bad := byte(0)
	for i, at := range &guidStarts {
		high, low := hexDigits[id[at]], hexDigits[id[at+1]]
		bad |= high | low
		b[i] = high<<4 | low
	}
	g = guid{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
	return g, bad < 16 && g != guid{}
}
