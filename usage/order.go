// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"cmp"
	"slices"
)

// sort brings a summary into order and puts equal keys together: principals that were
// written in several letter cases, and parts of several files.
func (s *Summary) sort() {
	s.Facts = orderFacts(s.Facts)
	s.Origins = together(s.Origins, compareOrigins, func(a, b *Origin) { a.Merge(&b.Counts) })
	s.Seen = together(s.Seen, compareSeen, func(a, b *Seen) {
		a.Entries += b.Entries
		a.span(b.First, b.Last)
	})
	s.Unmapped = together(s.Unmapped, compareUnmapped, func(a, b *Unmapped) { a.Entries += b.Entries })
}

func together[T any](rows []T, compare func(a, b *T) int, merge func(a, b *T)) []T {
	if len(rows) == 0 {
		return rows
	}
	// Rows are large: their places are sorted, and each row is moved once.
	order := make([]*T, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	slices.SortFunc(order, compare)
	out := make([]T, 0, len(rows))
	for _, r := range order {
		if n := len(out); n > 0 && compare(&out[n-1], r) == 0 {
			merge(&out[n-1], r)
			continue
		}
		out = append(out, *r)
	}
	return out
}

// orderFacts does the same for facts, which are many and have few different texts: these are
// sorted, and the facts by the places of their texts.
func orderFacts(facts []Fact) []Fact {
	// Equal ones count as out of order here.
	if slices.IsSortedFunc(facts, func(a, b Fact) int { return cmp.Or(compareFacts(&a, &b), -1) }) {
		return facts
	}
	t := texts{numbers: map[string]uint32{"": 0}, list: []string{""}}
	rows := make([]placedFact, len(facts))
	for i := range facts {
		f := &facts[i]
		rows[i] = placedFact{
			[4]uint32{t.number(0, f.Principal), t.number(1, f.App), t.number(2, f.Scope), t.number(3, f.Action)}, //nolint:mnd // each text has its own last one
			uint64(f.Plane)<<40 | uint64(f.Log)<<32 | uint64(uint32(f.Day)^1<<31), i,                             // the days keep their order
		}
	}
	places := t.places()
	for i := range rows {
		for n, number := range rows[i].texts {
			rows[i].texts[n] = places[number]
		}
	}
	slices.SortFunc(rows, func(a, b placedFact) int {
		return cmp.Or(slices.Compare(a.texts[:], b.texts[:]), cmp.Compare(a.rest, b.rest))
	})
	out := make([]Fact, 0, len(facts))
	for i := range rows {
		f := &facts[rows[i].at]
		if i > 0 && rows[i].texts == rows[i-1].texts && rows[i].rest == rows[i-1].rest {
			out[len(out)-1].Merge(&f.Counts)
			continue
		}
		out = append(out, *f)
	}
	return out
}

// placedFact is a fact by the places of its texts in their order.
type placedFact struct {
	texts [4]uint32
	rest  uint64
	at    int
}

// texts numbers texts as they come. Facts that follow each other share most of theirs.
type texts struct {
	numbers map[string]uint32
	list    []string
	last    [4]string
	lastNr  [4]uint32
}

func (t *texts) number(field int, text string) uint32 {
	if text == t.last[field] {
		return t.lastNr[field]
	}
	n, ok := t.numbers[text]
	if !ok {
		n = uint32(len(t.list)) // in memory
		t.numbers[text] = n
		t.list = append(t.list, text)
	}
	t.last[field], t.lastNr[field] = text, n
	return n
}

// places returns the place of each text, by its number.
func (t *texts) places() []uint32 {
	order := slices.Sorted(slices.Values(t.list))
	places := make([]uint32, len(order))
	for place, text := range order {
		places[t.numbers[text]] = uint32(place) // in memory
	}
	return places
}
