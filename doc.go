// SPDX-License-Identifier: Apache-2.0

// Package mivet holds the nouns of the field: what can be known of a tenant's managed
// identities, their grants and their workloads, and what was found about them.
//
// The central value is [Snapshot]: everything that is known of a tenant at one time.
// Every fact carries its [Source]; everything that could not be read is a [Gap].
//
// The package has no behaviour beyond accessors. It reads nothing, decides nothing and
// has no clock: engines, sources and formats are packages of their own.
package mivet
