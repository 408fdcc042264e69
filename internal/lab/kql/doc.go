// SPDX-License-Identifier: Apache-2.0

// Package kql runs a small part of the Kusto query language over tables in memory, in the
// dialect of Azure Resource Graph.
//
// It is strict: what it does not understand to the letter is an error with its place, and
// never a wrong answer. It knows no table of its own, reads nothing, and has no clock.
//
// It understands one table name, followed by where, extend, project, project-away,
// project-rename, order by, sort by, top, take, limit, distinct, count and summarize (with
// count, countif, min and max), and the functions that the queries of mivet use.
package kql
