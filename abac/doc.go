// SPDX-License-Identifier: Apache-2.0

// Package abac reads and evaluates the conditions of Azure role assignments, deny
// assignments and role definitions: the language of Azure attribute-based access control.
//
// A text is parsed ([Parse]), printed in one canonical form ([Print]), compiled once
// ([Compile]) and evaluated many times ([Condition.Eval]) in three values: what a run does
// not know stays [Unknown], and [Condition.Residual] says what would decide it.
// [Condition.Explain] gives the value of every comparison; [Lint] finds conditions that do
// not do what their author meant.
//
// The package does not fetch attributes, does not know which role assignments exist and
// never decides access: a condition that holds is one step of a decision made elsewhere. It
// never guesses: an operator that no public page documents parses, and its value is Unknown.
//
// Grammar and operators: MicrosoftDocs/azure-docs
// articles/role-based-access-control/conditions-format.md; Key Vault adds four string
// operators (MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-abac.md).
package abac
