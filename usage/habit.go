// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/mivet/mivet/logs"
)

// habit is all that an entry has in common with those of other times: who did what where,
// from where, and which log tells of it. Most entries repeat one. It is found at once, and
// what repeats it is counted in it, by day; now and then that is put where it belongs.
type habit struct {
	hash hash
	key  factKey // without the day
	from *tally
	seen *Seen
	days [3]dayCount
}

// dayCount is what was counted on a day; entries is 0 where it is free.
type dayCount struct {
	day     Day
	entries int32
	tally
}

// habits finds a habit by the hash of what is common.
type habits struct {
	list  []habit
	index []int32 // number of a habit, from 1; a power of two of them, at most half in use
}

// seeds are those of all hashes, in all aggregators alike, so that these can be merged. They
// are other ones in each process: nobody can choose texts that fall together.
var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// hash stands for texts that were joined: 128 bits, so that no two of them are ever alike.
type hash [2]uint64

func hashOf(b []byte) hash { return hash{maphash.Bytes(seeds[0], b), maphash.Bytes(seeds[1], b)} }

// join appends texts so that they can be told apart.
func join(b []byte, texts ...[]byte) []byte {
	for _, t := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	return b
}

// find returns a habit, or nil.
func (t *habits) find(h hash) *habit {
	if len(t.index) == 0 {
		return nil
	}
	if n := t.index[t.place(h)]; n != 0 {
		return &t.list[n-1]
	}
	return nil
}

// place returns where the habit stands, or where it is to be put.
func (t *habits) place(h hash) uint64 {
	mask := uint64(len(t.index) - 1)
	i := h[0] & mask
	for t.index[i] != 0 && t.list[t.index[i]-1].hash != h {
		i = (i + 1) & mask
	}
	return i
}

// add keeps a new habit.
func (t *habits) add(h *habit) *habit {
	t.list = append(t.list, *h)
	if 2*len(t.list) > len(t.index) {
		t.index = make([]int32, max(firstIndex, 2*len(t.index)))
		for i := range t.list {
			t.index[t.place(t.list[i].hash)] = int32(i + 1) // at most maxHabits
		}
	} else {
		t.index[t.place(h.hash)] = int32(len(t.list)) // at most maxHabits
	}
	return &t.list[len(t.list)-1]
}

// clear forgets all habits.
func (t *habits) clear() {
	t.list = t.list[:0]
	clear(t.index)
}

// habit finds the habit of an entry.
func (a *Aggregator) habit(e *logs.Entry, byApp bool) *habit {
	id := e.Principal
	if byApp {
		id = nil
	}
	a.buffer = join(append(a.buffer[:0], byte(e.Log), byte(e.Plane)), id, e.AppID, e.Host, e.Credential, e.Caller, e.Agent, e.Category, e.Resource, e.Action, e.Scope)
	key := hashOf(a.buffer)
	if h := a.habits.find(key); h != nil {
		return h
	}
	if len(a.habits.list) >= maxHabits {
		a.settle()
		a.habits.clear()
	}
	s, who := a.subject(e, byApp)
	return a.habits.add(&habit{hash: key, key: factKey{who, a.right(e), a.scope(e), NoDay}, from: s.origin(e), seen: a.saw(e)})
}

// repeat counts an entry in its habit. Entries come in the order of their days, more or less.
func (a *Aggregator) repeat(h *habit, e *logs.Entry, day Day) {
	var d *dayCount
	for i := range h.days {
		if d = &h.days[i]; d.entries == 0 || d.day == day && d.entries < math.MaxInt32 {
			break
		}
		d = nil
	}
	if d == nil {
		a.put(h)
		d = &h.days[0]
	}
	if d.entries == 0 {
		d.day, d.tally = day, *newTally()
	}
	d.entries++
	d.count(e)
}

// put takes what was counted in a habit to where it belongs.
func (a *Aggregator) put(h *habit) {
	for i := range h.days {
		d := &h.days[i]
		if d.entries == 0 {
			continue
		}
		k := h.key
		k.day = d.day
		row := a.facts.row(k)
		a.facts.rows[row].merge(&d.tally)
		h.from.merge(&d.tally)
		h.seen.Entries += int64(d.entries)
		h.seen.span(d.day, d.day)
		d.entries = 0
	}
}

// settle does so with all habits.
func (a *Aggregator) settle() {
	for i := range a.habits.list {
		a.put(&a.habits.list[i])
	}
}
