// SPDX-License-Identifier: Apache-2.0

// Package forensics looks back: what an identity could do in a window of time, what it did
// there, and what of that was new; and which grants were made in a hurry, after refusals, and
// never taken back.
//
// [Trace] keeps the entries that matter. [Examine] holds them against the grants of their
// time, the pattern before the window and what was agreed on. [Urgency] finds bursts of
// refusals with a broad grant behind them, [Overdue] grants that outlived their promise.
//
// It says what the facts say together, with the line of the log for each, and what is not
// covered. Whether somebody meant harm it does not say: new is not abused.
package forensics
