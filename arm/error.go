// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error says why a text is not a name of Resource Manager, and where.
type Error struct {
	// Kind is the sort of name that was expected: "resource ID", "operation" or "pattern".
	Kind string
	// Input is the text as given, cut to at most 200 bytes.
	Input string
	// Offset is the place of the fault in the text as given, in bytes from 0: the first
	// byte of what is wrong, or the place at which something is missing. It can lie
	// behind the end of Input where that was cut.
	Offset int
	// Reason says what is wrong there and what was expected.
	Reason string
}

const maxShownInput = 200

func (e *Error) Error() string {
	return fmt.Sprintf("parsing %s %q: at byte %d: %s", e.Kind, e.Input, e.Offset, e.Reason)
}

// newError makes an error of a fault at an offset of the input without the blanks before
// it, which every parser drops first.
func newError(kind, input string, offset int, reason string) *Error {
	blanks := len(input) - len(strings.TrimLeftFunc(input, unicode.IsSpace))
	return &Error{Kind: kind, Input: shown(input), Offset: blanks + offset, Reason: reason}
}

// shown cuts a text for a message, before a character rather than in it.
func shown(s string) string {
	if len(s) <= maxShownInput {
		return s
	}
	n := maxShownInput
	for n > maxShownInput-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
