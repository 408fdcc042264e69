// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"

	"github.com/mivet/mivet"
)

// selection describes how facts of a kind are chosen: by a key, and by the place at which
// they hold, of which one in each subscription is always read.
type selection[T any] struct {
	want func(key []byte) bool
	// look finds both in a line without decoding it; not ok: it must be decoded. The key of
	// one that is wanted in any case is nil.
	look func(line []byte) (key, place []byte, ok bool)
	// of returns both from a fact.
	of func(*T) (key, place string)
}

// chosenResources chooses resources by their IDs.
func chosenResources(want func([]byte) bool) *selection[mivet.Resource] {
	return &selection[mivet.Resource]{
		want: want,
		look: func(line []byte) (key, place []byte, ok bool) {
			c := cursor{b: line}
			c.envelope(kindResource)
			c.expect(`{"id":`)
			id := c.text()
			return id, id, !c.bad && len(id) > 0
		},
		of: func(r *mivet.Resource) (key, place string) { return r.ID.String(), r.ID.String() },
	}
}

// chosenAssignments chooses role assignments by their principals. One that names nobody
// may be anyone's.
func chosenAssignments(want func([]byte) bool) *selection[mivet.RoleAssignment] {
	return &selection[mivet.RoleAssignment]{
		want: func(key []byte) bool { return len(key) == 0 || want(key) },
		look: func(line []byte) (key, place []byte, ok bool) {
			key, ok = member(line, `"principal":"`)
			place, there := member(line, `"scope":"`)
			return key, place, ok && there
		},
		of: func(a *mivet.RoleAssignment) (key, place string) { return string(a.Principal), a.Scope.String() },
	}
}

// member returns the text behind a name in a line. Quotes inside of texts are escaped, so
// that the name stands nowhere else. It is not ok if the line does not have it in that
// form, or the text is not plain.
func member(line []byte, name string) (text []byte, ok bool) {
	i := bytes.Index(line, []byte(name))
	if i < 0 {
		return nil, false
	}
	text = line[i+len(name):]
	before, _, ok := bytes.Cut(text, []byte{'"'})
	if !ok {
		return nil, false
	}
	return before, plain(before)
}

// readChosen decodes those facts of a frame that are chosen.
func readChosen[T any](d *decoder, l list[T], s *selection[T], e *entry) ([]T, error) {
	c := chooser{seen: map[string]bool{}}
	var rows []T
	d.memory.begin()
	err := d.records(e, func(line []byte) error {
		key, place, ok := s.look(line)
		if ok = ok && len(d.file.upgrades) == 0; ok && !c.first(place) && !s.want(key) {
			return nil
		}
		var row T
		err := readRow(d, l, &row, e.Of, line)
		if err == nil && !ok {
			key, place := s.of(&row)
			ok = c.first([]byte(place)) || s.want([]byte(key))
		}
		if err == nil && ok {
			rows = append(rows, row)
		}
		return err
	})
	return rows, err
}

// chooser knows the subscriptions that were met in a frame.
type chooser struct {
	last string
	seen map[string]bool
}

// first reports whether a place is the first one in its subscription.
func (c *chooser) first(place []byte) bool {
	sub := subscriptionOf(place)
	if string(sub) == c.last {
		return false
	}
	c.last = string(sub)
	first := !c.seen[c.last]
	c.seen[c.last] = true
	return first
}

// subscriptionOf returns what an ID begins with up to the name of its subscription, in
// whatever spelling; all of it where there is no more.
func subscriptionOf(id []byte) []byte {
	n := 0
	for i := range id {
		if id[i] == '/' {
			if n++; n == 3 {
				return id[:i]
			}
		}
	}
	return id
}
