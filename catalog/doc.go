// SPDX-License-Identifier: Apache-2.0

// Package catalog knows what Azure itself defines: built-in roles, operations, resource
// types, keys that go around roles, application permissions and control frameworks.
//
// It is data of a day, embedded in the program and described by a manifest: each table
// has its sources with commit, date and licence ([Catalog.Tables]). It asks nobody for
// news and decides nothing: it does not know who holds a role, whether a condition is
// true, or whether an operation that it lacks exists. What the sources do not say stays
// unknown; no plane and no tier is guessed.
//
// The tables are written by internal/catalogen from a folder of public data, which is
// not part of the repository. NOTICE carries the notices of the sources.
package catalog
