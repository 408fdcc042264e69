// SPDX-License-Identifier: Apache-2.0

package logs

import "bytes"

// habit is what a step remembers of its values. Many of them never change: the category, the
// client, the tenant. Steps with such values that follow each other are joined to a run, and
// one comparison does for all of them.
type habit struct {
	last   []byte // value, with its closing quote
	same   uint16 // how often it came in a row
	misses uint8  // how often another one came
	varies bool   // too often: it is not watched any more
	run    *run
}

const (
	maxMisses  = 32
	maxWatched = 256 // bytes of a value
	joinAfter  = 32  // equal values in a row
	joinWith   = joinAfter / 2
	shortRun   = 32 // bytes for which a run is worth while
)

// run is the text of several steps with their values.
type run struct {
	text         string
	fills        []fill
	next         int32 // the step behind it
	hits, misses int
}

// fill is a value in a run.
type fill struct {
	to        slot
	grant     int8
	odd       bool
	from, end int
}

// watch takes a value. It reports whether it came so often that a run may begin here.
func (h *habit) watch(text []byte) bool {
	if bytes.Equal(text, h.last) {
		if h.same++; h.same < joinAfter {
			return false
		}
		h.same = 0
		return true
	}
	if h.same = 0; h.misses >= maxMisses || len(text) > maxWatched {
		*h = habit{varies: true}
		return false
	}
	h.misses++
	h.last = append(h.last[:0], text...)
	return false
}

// reconsider counts that an entry left a run. One that most entries leave is given up.
func (h *habit) reconsider() {
	if h.run.misses++; 4*h.run.misses > 4*joinAfter+h.run.hits {
		*h = habit{}
	}
}

// along reads a run at a place of the scanner's text and returns its length, or 0.
func (r *run) along(s *scanner, i int) int {
	n := len(r.text)
	if len(s.b)-i < n || string(s.b[i:i+n]) != r.text {
		return 0
	}
	r.hits++
	for j := range r.fills {
		f := &r.fills[j]
		s.take(f.to, f.grant, value{s.b[i+f.from : i+f.end], f.odd})
	}
	return n
}

// join makes a run that begins with a step, if others follow.
func (f *forms) join(first int32) {
	r := run{}
	var text []byte
	n := 0
	for at := first; at != 0; n++ {
		p := &f.steps[at]
		if p.kind == stepEnd || p.varies || p.run != nil || at != first && p.same < joinWith {
			break
		}
		text = append(text, f.text[p.at:p.at+uint32(p.size)]...)
		from := len(text)
		text = append(text, p.last...)
		to := len(text)
		if p.kind != stepWord {
			to-- // the quote
		}
		if p.to != slotNone && (p.kind != stepWord || p.last[0] != 'n') {
			_, odd, _ := endOfString(text, from) // it was read before
			r.fills = append(r.fills, fill{p.to, p.grant, odd && p.kind != stepWord, from, to})
		}
		p.same = 0
		r.next = p.next
		at = p.next
	}
	if n > 1 || len(text) >= shortRun {
		r.text = string(text)
		f.steps[first].run = &r
	}
}
