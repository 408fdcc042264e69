// SPDX-License-Identifier: Apache-2.0

package logs

import "bytes"

// Entries of one source are alike in all but their values: keys, braces and blanks come in
// the same order, byte for byte. forms keeps what stood between the values of entries that
// were scanned, as a tree: entries that begin alike share the beginning. An entry that goes
// along a path of it has the slots that the scanner found on the first one, and no key needs
// to be looked up again. One that leaves all paths is scanned, and its path added.
type forms struct {
	steps []step
	text  []byte // of all steps
	first int32  // step; 0: none
	idle  int    // entries that were not added since the tree is full
}

// step is one value and the text before it.
type step struct {
	at    uint32 // of its text
	size  uint16
	kind  stepKind
	to    slot
	grant int8  // which one, for slots of one
	next  int32 // the first step behind it; 0: none
	other int32 // another step in its place; 0: none

	habit // of its values
}

type stepKind uint8

const (
	stepText  stepKind = iota // a string: the text before ends with its quote
	stepInner                 // a string that may hold JSON
	stepWord                  // a number, true, false or null
	stepEnd                   // no value: the text is the rest of the entry
)

// Bounds of the tree.
const (
	maxSteps    = 1 << 13
	maxStepText = 1 << 19
	maxOthers   = 16      // in the place of one step
	maxMarks    = 512     // values of an entry
	idleEntries = 1 << 14 // until a full tree is emptied
)

// mark is a value that the scanner found.
type mark struct {
	from, end int
	kind      stepKind
	to        slot
	grant     int8
}

// note keeps a value, as long as the entry can become a path.
func (s *scanner) note(kind stepKind, from int, to slot) {
	if !s.noting || s.text > 0 {
		return
	}
	if len(s.marks) >= maxMarks {
		s.noting = false
		return
	}
	m := mark{from: from, end: s.i, kind: kind, to: to, grant: -1}
	switch to {
	case slotGrantAction, slotGrantScope, slotGrantAssignment:
		if m.grant = int8(s.nGrants - 1); m.grant < 0 { // at most maxGrants
			m.to = slotNone
		}
	case slotParent:
		m.to = slotNone
	default:
	}
	s.marks = append(s.marks, m)
}

// along reads an entry along the paths. Where it returns false the entry is to be scanned;
// where it returns true the text ends with it.
func (f *forms) along(s *scanner, b []byte) bool {
	s.begin(b)
	i, at := 0, f.first
	for at != 0 {
		p := &f.steps[at]
		if p.run != nil {
			if n := p.run.along(s, i); n > 0 {
				i, at = i+n, p.run.next
				continue
			}
			p.reconsider()
		}
		from := i + int(p.size)
		if from > len(b) || string(b[i:from]) != string(f.text[p.at:p.at+uint32(p.size)]) {
			at = p.other
			continue
		}
		end := from
		switch p.kind {
		case stepText, stepInner:
			var odd bool
			var err error
			if end, odd, err = endOfString(b, from); err != nil || p.kind == stepInner && mayHoldJSON(b[from:end]) {
				at = p.other
				continue
			}
			if p.to != slotNone {
				s.take(p.to, p.grant, value{b[from:end], odd})
			}
			end++
		case stepWord:
			s.i = from
			if s.scalar(s.at(), slotNone) != nil {
				at = p.other
				continue
			}
			if end = s.i; p.to != slotNone && b[from] != 'n' {
				s.take(p.to, p.grant, value{b: b[from:end]})
			}
		case stepEnd:
			s.i = from
			if s.space(); s.i < len(b) {
				at = p.other
				continue
			}
			s.grantsUpTo(int(p.grant))
			return true
		}
		if !p.varies && p.watch(b[from:end]) {
			f.join(at)
		}
		i, at = end, p.next
	}
	return false
}

// take keeps the value of a step.
func (s *scanner) take(to slot, grant int8, v value) {
	if grant >= 0 {
		s.grantsUpTo(int(grant) + 1)
	}
	s.set(to, v)
}

// grantsUpTo begins elements until there are n.
func (s *scanner) grantsUpTo(n int) {
	for s.nGrants < n {
		s.grants[s.nGrants] = grant{}
		s.nGrants++
	}
}

// add makes a path of an entry that was just scanned.
func (f *forms) add(s *scanner) {
	if !s.noting {
		return
	}
	if len(f.steps)+len(s.marks)+1 > maxSteps || len(f.text)+len(s.b) > maxStepText {
		if f.idle++; f.idle < idleEntries {
			return
		}
		f.steps, f.text, f.first, f.idle = f.steps[:0], f.text[:0], 0, 0
	}
	if len(f.steps) == 0 {
		f.steps = append(f.steps, step{}) // number 0 is none
	}
	from, in := 0, &f.first
	for i := range s.marks {
		m := &s.marks[i]
		if in = f.child(in, s.b[from:m.from], step{kind: m.kind, to: m.to, grant: m.grant}); in == nil {
			return
		}
		from = m.end
	}
	rest := bytes.TrimRight(s.b[from:], " \t\r\n")
	f.child(in, rest, step{kind: stepEnd, grant: int8(s.nGrants)}) // at most maxGrants
}

// child finds the step behind a text, or makes it, and returns the place of what is next. It
// returns nil where there may be none.
func (f *forms) child(in *int32, text []byte, p step) *int32 {
	if len(text) > 1<<16-1 {
		return nil
	}
	for others := 0; *in != 0; others++ {
		c := &f.steps[*in]
		if c.kind == p.kind && c.to == p.to && c.grant == p.grant && bytes.Equal(f.text[c.at:c.at+uint32(c.size)], text) {
			return &c.next
		}
		if others == maxOthers {
			return nil
		}
		in = &c.other
	}
	p.at, p.size = uint32(len(f.text)), uint16(len(text)) // both have bounds
	f.text = append(f.text, text...)
	*in = int32(len(f.steps)) // at most maxSteps
	f.steps = append(f.steps, p)
	return &f.steps[len(f.steps)-1].next
}
