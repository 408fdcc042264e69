// SPDX-License-Identifier: Apache-2.0

// Package tenant reads and writes tenants as text that people can read and change: for
// tests, for the demo and for the question "what if".
//
// The text is described in docs/tenant-text.md. One statement stands on one line; objects
// have short names and are referred to by them; full resource IDs and GUIDs are accepted
// wherever a name is. Every fact carries the file and the line of its statement.
//
// A text is a closed world: what it does not say is not there, and nothing is unknown
// unless a statement says so. The package guesses nothing: a name that is not declared is
// an error with its place, never a new object. It knows no built-in roles; the caller
// passes them in [Options]. It judges nothing either: conditions and patterns are taken
// as they are written.
package tenant
