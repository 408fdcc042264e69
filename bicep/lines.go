// SPDX-License-Identifier: Apache-2.0

package bicep

import "sort"

// lineTable holds the offset at which each line begins. Lines end with \n, \r\n or \r.
type lineTable []int

func newLineTable(source string) lineTable {
	t := lineTable{len(byteOrderMark(source))}
	for i := range len(source) {
		switch source[i] {
		case '\n':
			t = append(t, i+1)
		case '\r':
			if i+1 >= len(source) || source[i+1] != '\n' {
				t = append(t, i+1)
			}
		}
	}
	return t
}

// position is the line and column of an offset, both from 1.
func (t lineTable) position(offset int) (line, column int) {
	i := sort.SearchInts(t, offset+1) - 1
	if i < 0 {
		return 1, 1
	}
	return i + 1, offset - t[i] + 1
}

// locate fills in the line and column of diagnostics.
func (t lineTable) locate(list []Diagnostic) {
	for i := range list {
		list[i].Line, list[i].Column = t.position(list[i].Span.Start)
	}
}
