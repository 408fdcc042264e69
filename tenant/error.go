// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
)

// MaxErrors is how many errors of one text are collected before reading stops.
const MaxErrors = 20

// Error is a mistake in a text, with its place.
type Error struct {
	File string
	// Line and Column are counted from 1; columns in characters.
	Line, Column int
	// Message says what is wrong and what was expected there.
	Message string
	// Hint is what to do about it, such as a name that was perhaps meant; often empty.
	Hint string
}

// Error returns "file:line:column: message; hint".
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Errors are all mistakes of a text in the order of their lines, at most [MaxErrors].
type Errors []*Error

// Error returns one line for each mistake.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single mistakes, for errors.As.
func (es Errors) Unwrap() []error {
	list := make([]error, len(es))
	for i, e := range es {
		list[i] = e
	}
	return list
}

// didYouMean returns the hint for a misspelt word, or "" where no candidate is near.
func didYouMean(word string, candidates []string) string {
	best, least := "", max(1, len(word)/3)+1
	folded := string(arm.Fold(word))
	for _, c := range candidates {
		if d := distance(folded, string(arm.Fold(c)), least+1); d < least || d == least && best != "" && c < best {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that
// turn a into b. It gives up at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			d := last[j]
			if a[i] != b[j] {
				d = 1 + min(last[j], last[j+1], row[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			row[j+1] = d
			least = min(least, d)
		}
		if least >= limit {
			return limit
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
