// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError says why a text is not a condition, and where.
type SyntaxError struct {
	// Offset is the place of the fault in bytes from 0.
	Offset int
	// Line and Column are the place for people, both from 1; Column counts characters.
	Line, Column int
	// Expected says what may stand there.
	Expected string
	// Found says what stands there.
	Found string
	// Hint says what to do, if the fault is a common one; else it is empty.
	Hint string
}

// Error returns the place, what was expected, what was found, and the hint.
func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("parsing condition: line %d, column %d (byte %d): expected %s, found %s",
		e.Line, e.Column, e.Offset, e.Expected, e.Found)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Position returns line and column of a byte offset in text, both counted from 1, columns
// in characters. An offset outside the text counts as the nearest end.
func Position(text string, offset int) (line, column int) {
	offset = min(max(offset, 0), len(text))
	before := text[:offset]
	line = 1 + strings.Count(before, "\n")
	column = 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return line, column
}

func syntaxError(text string, offset int, expected, found, hint string) *SyntaxError {
	line, column := Position(text, offset)
	return &SyntaxError{Offset: offset, Line: line, Column: column, Expected: expected, Found: found, Hint: hint}
}
