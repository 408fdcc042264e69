// SPDX-License-Identifier: Apache-2.0

// Package logs reads what Azure wrote down: entries of the activity log, of resource logs
// and of sign-ins become who used which right where, when, and whether it was granted.
//
// It decides the kind of an entry by its category and shape, never by the name of a file.
// It names a right only where the entry does or where the operation has a known one; what
// names no right, or no identity, is returned all the same and says why ([Reason]), so that
// it can be counted. It does not know who was granted what and it draws no conclusion from
// an entry that is missing.
//
// [Parser] reads one entry from its JSON text and allocates nothing for the common kinds.
// [Reader] takes entries from a stream: JSON Lines, a list, or batches of "records".
package logs
