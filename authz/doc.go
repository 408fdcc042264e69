// SPDX-License-Identifier: Apache-2.0

// Package authz decides who can do what where in a tenant, and says why.
//
// An [Engine] is compiled once from a snapshot. It answers in three values: allowed,
// denied, or unknown where the answer hangs on something that the snapshot or the
// question does not tell. It refuses to guess: a gap never becomes an allowed or a
// denied. It reads nothing, changes nothing and has no clock; the time of a question
// is part of the question.
//
// What is not known is taken on its own at every place that asks for it: that one
// membership which was not read decides a grant and a deny assignment alike is not used.
// An answer can so stay unknown that is the same either way; none is allowed or denied
// that is not.
//
// The order of evaluation is Microsoft's (MicrosoftDocs/azure-docs
// articles/role-based-access-control/overview.md, "How Azure RBAC determines if a user
// has access to a resource"): the caller and its groups, the assignments that apply to
// the resource, deny assignments first, then per permission object what is granted less
// what is subtracted, then conditions. One surviving assignment is enough.
package authz
