// SPDX-License-Identifier: Apache-2.0

// Package denial reads what Azure says when it refuses: an error text, a log line or a
// JSON body becomes the service, the error code, the caller, the operation and the
// resource, and the causes that such a refusal has, most likely first.
//
// It refuses to guess. A text that no form of the table matches is an unknown one, and a
// text that several causes produce lists them all with what tells them apart. It never
// answers that a broader role is needed.
package denial
