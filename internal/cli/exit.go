// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// The exit codes of every command.
const (
	exitOK        = 0 // clean, allowed, as expected
	exitFound     = 1 // a finding, denied, another answer than expected
	exitUsage     = 2 // the command was not understood
	exitFailed    = 3 // could not run, or nothing was recognised in the input
	exitUndecided = 4 // what is known does not decide
)

// exitCodes is what help and the reference say of them.
func exitCodes() []exitMeaning {
	return []exitMeaning{
		{exitOK, "clean, allowed, as expected"},
		{exitFound, "a finding, denied, another answer than expected"},
		{exitUsage, "the command line was not understood"},
		{exitFailed, "could not run, or nothing in the input was recognised"},
		{exitUndecided, "undecided: always for can, whoami and equivalent; for other commands only with --require-complete"},
	}
}

type exitMeaning struct {
	code    int
	meaning string
}

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// hintedError carries advice: what the user can do about it, one line each.
type hintedError struct {
	err   error
	hints []string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// errorWithHint adds advice to an error; it is printed below the message.
func errorWithHint(err error, hints ...string) error {
	return &hintedError{err, hints}
}

// exitCode is the code that an error leads to.
func exitCode(err error) int {
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// hintsOf collects the advice of an error, the outermost first.
func hintsOf(err error) []string {
	var hints []string
	for err != nil {
		var h *hintedError
		if !errors.As(err, &h) {
			break
		}
		hints = append(hints, h.hints...)
		err = h.err
	}
	return hints
}

// reportError prints an error and its advice.
func (a *app) reportError(err error) {
	if errors.Is(err, context.Canceled) {
		a.message("interrupted")
		return
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(err.Error(), "\n"), "\n") {
		a.message("%s", line)
	}
	for _, h := range hintsOf(err) {
		a.message("hint: %s", h)
	}
}

// message prints one message, whatever --quiet says.
func (a *app) message(format string, args ...any) {
	p := newPrinter(a.Stderr, false)
	p.printf("mivet: "+format+"\n", args...)
}

// note prints what the user should know beside the result.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		a.message("note: "+format, args...)
	}
}
