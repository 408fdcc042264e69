// SPDX-License-Identifier: Apache-2.0

// Package change tells what a change does to principals, grants and workloads: which
// principals are recycled, which grants strand, follow or cannot be applied, which access
// is lost, and where there is a time without it.
//
// A change is a [Plan], whatever language it was written in: facts before, facts after, and
// the steps between them. Whoever reads a language makes one. It must
//
//   - give each fact that the change manages the address of its object
//     (Source.Origin.Address), the same on both sides, and leave others without;
//   - put into Before what Azure holds of these objects (for a template: what the tenant
//     holds at their IDs), into After what it will hold, with
//     [mivet.SymbolicPrincipal] for principals that do not exist yet; a resource that is
//     deployed over an existing one keeps its principal;
//   - write one [Step] per object, with Actions in the words of a Terraform plan ("create",
//     "update", "delete", "no-op", "forget", in their order: "delete", "create" is not
//     "create", "delete"), and Grant and Selectors where the object has them.
//
// [Compare] judges a plan by itself. [Over] lays it over what is known of the whole tenant
// first, so that grants and workloads that the change does not manage count too, and
// [NewWorld] compiles the moments before, during and after it, for questions about access.
//
// The package refuses to guess who an unknown principal will be where the change does not
// tell: it says so. It judges access by identities alone, and no time for a role to spread.
// During is the least that holds at any time: it assumes no order between steps but that of
// the actions of one object.
package change
