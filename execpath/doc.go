// SPDX-License-Identifier: Apache-2.0

// Package execpath finds who can act as a managed identity: by which right, through which
// workload, and how sure that is.
//
// The ways are data: a [Table] of techniques, each with the operations that must be held
// together, the object that each is checked on, and what configuration must say before the
// way is open. A [Graph] joins them with one snapshot. An edge is symbolic: a holder of
// rights, a scope with everything below it, and the ways that are open there. Single
// identities appear only where a question asks for them.
//
// It refuses to decide about authorization itself: each right of each step is an answer of
// package authz. It refuses to guess: an eligible right, an unread setting or an unread
// group makes a way possible, never certain. It reads nothing and changes nothing.
package execpath
