// SPDX-License-Identifier: Apache-2.0

// Package logfiles reads files and folders of log entries, plain or packed, into a ledger of
// facts: several files at once, or one large file in parts.
//
// It holds blocks of a few megabytes, never a file. An entry that cannot be read is counted,
// with file and line; the others still are. It does not judge what entries say.
package logfiles
