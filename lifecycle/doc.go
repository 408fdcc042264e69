// SPDX-License-Identifier: Apache-2.0

// Package lifecycle says whether a resource is made anew, what makes it so, and which type of
// managed identity follows from that.
//
// A system-assigned identity lives and dies with its resource: made anew, the resource has
// another principal under the same name. The package looks for signs of that in what a plan
// does, in principals that have ended, and in what the provider of Terraform makes anew. It
// does not count scaling out, which makes no new principal, and it knows nothing of what is
// not in evidence: no sign is no proof.
package lifecycle
