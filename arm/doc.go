// SPDX-License-Identifier: Apache-2.0

// Package arm knows the names of Azure Resource Manager: resource IDs and scopes,
// operations, and the wildcard patterns of role definitions.
//
// It parses, compares and orders names. It does not know what a resource is, whether
// it exists, or who may touch it; it reads nothing and has no clock.
//
// Names are compared the way Azure compares them, without regard to letter case and
// on whole segments. Callers never compare names as strings: they use [ID.Equal],
// [ID.Contains], [ID.Key], [Pattern.Match], or handles of a [Tree].
package arm
