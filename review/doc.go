// SPDX-License-Identifier: Apache-2.0

// Package review puts together what a person needs to decide about managed identities, and
// reads the decisions back: the pack for an access review, the change that follows from what
// was decided, and the plan by which an identity is taken out of service.
//
// Everything that can be decided on is a row with a name of its own, which follows from what
// the fact says: a decision names the row, so that no decision can slip to another grant. A
// pack names the digest of the facts that it was made of.
//
// The package decides nothing and changes nothing: what it writes is for review. It never
// calls a right unused that no log covers, and it says what was not read.
package review
