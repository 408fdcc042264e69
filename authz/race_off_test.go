// SPDX-License-Identifier: Apache-2.0

//go:build !race

package authz

// underRace is true where the race detector counts: it takes away what a pool holds.
const underRace = false
