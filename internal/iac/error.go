// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"errors"
	"fmt"
)

// Error says why an input cannot be read, where, and what to do about it.
type Error struct {
	// File is the name of the input as the caller gave it.
	File string
	// Line is the line from 1, and Byte the offset from 0, of the fault.
	Line int
	Byte int64
	// Reason says what is wrong there.
	Reason string
	// Advice says what to do; empty where nothing better than mending the file is known.
	Advice string
	// Err is the cause, if reading itself failed.
	Err error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("reading %s: line %d, byte %d: %s", e.File, e.Line, e.Byte, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrNotSupported is wrapped by errors about files that were recognised and that this
// version cannot read.
var ErrNotSupported = errors.New("not supported here")
