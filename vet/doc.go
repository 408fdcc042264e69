// SPDX-License-Identifier: Apache-2.0

// Package vet runs rules over a snapshot and collects what they say.
//
// A [Rule] is a value: what it looks for, which facts it needs, its page, and a function.
// [Run] gives each rule a [Pass] and returns one [Result] per rule with an outcome of its
// own: finding, pass, not applicable, not assessed, error. Where facts that a rule needs
// were not read, the result says exactly that, with the permission that would close the
// gap; what could be decided beside it is still reported.
//
// The package reads no file and no clock: the time is [Options.Now], and suppressions and
// baselines are given as text by the caller. It refuses rules without a page, and it
// changes nothing: [Apply] works on a copy of the snapshot.
package vet
