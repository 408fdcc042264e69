// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// Place is where a statement of a contract stands. Lines and columns count from 1.
type Place struct {
	File         string
	Line, Column int
}

// String returns "file:line:column".
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Source returns the place as the source of a fact.
func (p Place) Source() mivet.Source {
	if p.File == "" {
		return mivet.Source{}
	}
	return mivet.Source{Origin: &mivet.Origin{File: p.File}, Line: p.Line}
}

// Weight tells faults apart that keep a contract from being used from those that its owner
// has to see to.
type Weight uint8

// The weights of faults.
const (
	// Wrong: the contract cannot be used.
	Wrong Weight = iota
	// Open: it can be used, and something is left to be said or done.
	Open
)

// An Error is one thing that is wrong with a contract.
type Error struct {
	Place
	Weight Weight
	// Message says what is wrong, without a full stop; Hint what to write instead, if that
	// can be said.
	Message, Hint string
}

// Error returns place and message on one line.
func (f Error) Error() string { return f.Place.String() + ": " + f.Message }

// Errors are all that is wrong with a contract, in the order of their places.
type Errors []Error

// Error returns one line for each fault.
func (fs Errors) Error() string {
	lines := make([]string, len(fs))
	for i := range fs {
		lines[i] = fs[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Wrong returns the faults that keep the contract from being used.
func (fs Errors) Wrong() Errors {
	return slices.DeleteFunc(slices.Clone(fs), func(f Error) bool { return f.Weight != Wrong })
}

// err returns the faults as an error, nil where there are none.
func (fs Errors) err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// maxFaults is how many faults are kept: who has more has another problem.
const maxFaults = 100

// journal collects faults.
type journal struct{ faults Errors }

func (j *journal) add(f Error) {
	if len(j.faults) < maxFaults && !slices.Contains(j.faults, f) {
		j.faults = append(j.faults, f)
	}
}

func (j *journal) wrong(at Place, hint, format string, args ...any) {
	j.add(Error{Place: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (j *journal) open(at Place, hint, format string, args ...any) {
	j.add(Error{Place: at, Weight: Open, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// sorted returns the faults in the order of their places.
func (j *journal) sorted() Errors {
	slices.SortStableFunc(j.faults, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return j.faults
}
