// SPDX-License-Identifier: Apache-2.0

// Package forge reads who can get a token of an outside issuer that identities in Azure
// trust: from GitHub and from Azure DevOps by their REST interfaces, and from a repository
// that is checked out.
//
// It only reads, and it is asked for by name. What it may not see is a gap; what somebody
// else has to agree to is possible, not certain. Its snapshots are joined with that of the
// tenant.
package forge
