// SPDX-License-Identifier: Apache-2.0

package armtemplate

import "fmt"

// Error says why a text is not a template, a parameter file or an expression, and where.
type Error struct {
	// Pos is the place of the fault.
	Pos Pos
	// Reason says what is wrong there.
	Reason string
	// Advice says what to do; empty where nothing better than mending the text is known.
	Advice string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s", e.Pos, e.Reason)
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}
