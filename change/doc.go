// SPDX-License-Identifier: Apache-2.0

// Package change tells what a plan does to principals, grants and workloads: which
// principals are recycled, which grants strand, follow or cannot be applied, which access
// is lost, and where there is a time without it.
//
// A plan is two snapshots, before and after, and the steps between them. A principal that
// does not exist yet is a symbol, and grants of the same plan bind to it. The package
// refuses to guess who an unknown principal will be where the plan does not tell: it says
// so. It judges access by identities alone, and no time for a role to spread.
package change
