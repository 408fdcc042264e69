// SPDX-License-Identifier: Apache-2.0

// Package usage turns log entries into facts, who used which right where on which day, and
// holds them against what was granted.
//
// [Aggregator] counts a stream of entries. [Ledger] keeps facts by the file and hour they
// came from, so that a file that is read again replaces what it said before. [Compare]
// tells granted rights that were used from those that were not, with the class of evidence
// for each: that something was not used is said only where a log would have shown it.
//
// It does not read files, and it never takes the lack of an entry for a fact.
package usage
