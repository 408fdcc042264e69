// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"fmt"
	"strings"
)

// ErrDamaged is wrapped by errors about files that are cut off or changed. [Recover]
// reads what is intact of them.
var ErrDamaged = errors.New("the file is damaged")

// Error says what is wrong with a file, and where.
type Error struct {
	// Frame is the number of the frame in the file, from 0 for the header; -1 where the
	// fault lies outside of frames.
	Frame int
	// Offset is where that frame begins, in bytes from the start of the file.
	Offset int64
	// Kind is the kind of records in the frame; empty where it is not known.
	Kind string
	// Record is the number of the record among its kind, from 1; 0 where the whole frame
	// is concerned.
	Record int64
	// Err is the fault, with what to do about it.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("reading snapshot: ")
	if e.Record > 0 {
		fmt.Fprintf(&b, "%s record %d: ", e.Kind, e.Record)
	}
	if e.Frame >= 0 {
		fmt.Fprintf(&b, "frame %d", e.Frame)
		if e.Record == 0 && e.Kind != "" {
			fmt.Fprintf(&b, " (%s)", e.Kind)
		}
		b.WriteString(" ")
	}
	fmt.Fprintf(&b, "at byte %d: %v", e.Offset, e.Err)
	return b.String()
}

// Unwrap returns the fault.
func (e *Error) Unwrap() error { return e.Err }

const fetchAgain = "fetch the file again, or recover what is intact"

// damaged is a fault of the file's bytes.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", fmt.Sprintf(format, args...), ErrDamaged, fetchAgain)
}
