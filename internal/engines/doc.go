// SPDX-License-Identifier: Apache-2.0

// Package engines holds the engines that count log entries against each other: the same
// entries must give the same facts on each of them. It has tests and no code.
package engines
