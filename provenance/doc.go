// SPDX-License-Identifier: Apache-2.0

// Package provenance says who stands behind an identity and what it holds: who enabled it,
// who made each grant and when, who deployed what runs with it, and which grants there were
// at a time that is past.
//
// A [Log] takes entries of the activity log. [Log.Story] joins them with what a snapshot
// says of its makers; [Log.History] goes back from the snapshot through the grants and
// removals that were logged. [PromiseOf] reads in the description of a grant for how long it
// was meant.
//
// It does not guess: whoever is not told is a gap with its reason, and a time that is not
// known has bounds. It judges nobody, reads no file and has no clock.
package provenance
