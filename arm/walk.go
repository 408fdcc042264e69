// SPDX-License-Identifier: Apache-2.0

package arm

import "strings"

// walker reads the segments of an ID from left to right.
type walker struct {
	text string
	pos  int // the offset of the next segment's slash, or len(text)
}

func (w *walker) done() bool { return w.pos >= len(w.text) }

// next returns the next segment, or "" at the end and for an empty segment. pos stands
// behind it.
func (w *walker) next() string {
	if w.done() {
		return ""
	}
	start := w.pos + 1
	end := strings.IndexByte(w.text[start:], '/')
	if end < 0 {
		end = len(w.text)
	} else {
		end += start
	}
	w.pos = end
	return w.text[start:end]
}

// nextBoundary moves behind the next part of a valid ID that is a scope of its own
// (a subscription, a group, a resource, a child) and returns the part's first segment.
func (w *walker) nextBoundary() string {
	head := w.next()
	w.next()
	if equalFold(head, "providers") {
		w.next()
		w.next()
	}
	return head
}
