// SPDX-License-Identifier: Apache-2.0

// Package attest takes proof of which identity a workload presents: a token of the
// workload for mivet's own audience, verified by the keys of its issuer.
//
// It records principal, resource and the time of issue, never the token: of that a digest
// alone, by which one that comes again is known. A token that was seen before gives its
// first record back and refreshes nothing. The package grants nothing to anybody.
package attest
