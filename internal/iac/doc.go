// SPDX-License-Identifier: Apache-2.0

// Package iac reads what other tools write about Azure into facts: Terraform plans and
// states in JSON (azurerm 3 to 5, azapi, azuread), ARM templates, Bicep files, what-if output, Bicep
// snapshots, and the output of AzureHound.
//
// Files are recognised by content, never by name ([Recognise]). Plans are read as streams:
// only an allow-list of attributes is kept, so memory follows the facts and not the file,
// and a secret that stands in a plan does not leave this package. Templates are small, and
// are evaluated by package armtemplate.
//
// The package decides nothing about access. It asks no provider and no Azure, runs no
// expression, and does not guess: what a plan says only by an expression that cannot be
// followed becomes a [mivet.Gap] with its address, and so does what such a file cannot hold
// by nature. A reference is followed to the object that it names; what an expression does
// around the reference (a suffix, a condition) is not in a plan.
//
// A principal that does not exist yet is [mivet.SymbolicPrincipal] of the address that will
// own it. A name or a subscription that is not known yet is written as "{address}" in IDs.
package iac
