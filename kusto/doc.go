// SPDX-License-Identifier: Apache-2.0

// Package kusto asks Kusto for the facts of package usage: Log Analytics, or Azure Data
// Explorer where the same tables were exported to.
//
// The queries only put entries together that differ in nothing a fact is made of, and count
// them. What a group means is decided by package logs, from the columns that it reads of a
// single entry: there is one place that knows which operation uses which right.
//
// It writes queries and reads answers; it sends nothing.
package kusto
