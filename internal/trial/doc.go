// SPDX-License-Identifier: Apache-2.0

// Package trial puts the access tests of a contract to the services themselves, in the
// workload, with its own token.
//
// It sends only requests that change nothing even where they are allowed: reading, names that
// nobody uses, preconditions that cannot hold, bodies that are refused. For an access that
// cannot be asked for in such a way it has no request, and says so. Of an answer it keeps the
// status and an error code; what a service tells of its data is dropped unread. Tokens go to
// the service that they are for and nowhere else.
package trial
