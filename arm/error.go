// SPDX-License-Identifier: Apache-2.0

package arm

import "fmt"

// Error says why a text is not a name of Resource Manager, and where.
type Error struct {
	// Kind is the sort of name that was expected: "resource ID", "operation" or "pattern".
	Kind string
	// Input is the text as given, cut after 200 bytes.
	Input string
	// Offset is the place of the fault in Input, in bytes from 0.
	Offset int
	// Reason says what is wrong there and what was expected.
	Reason string
}

const maxShownInput = 200

func (e *Error) Error() string {
	return fmt.Sprintf("parsing %s %q: at byte %d: %s", e.Kind, e.Input, e.Offset, e.Reason)
}

func newError(kind, input string, offset int, reason string) *Error {
	if len(input) > maxShownInput {
		input = input[:maxShownInput]
	}
	return &Error{Kind: kind, Input: input, Offset: offset, Reason: reason}
}
