// SPDX-License-Identifier: Apache-2.0

// Package path holds the rules about ways around what role assignments say.
//
// A way is reported where it is open by what was read. The package does not follow ways
// from one identity to the next: mivet path does.
package path

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{CodeBesideData, ContentWriters, KeyBesideIdentity, LooseTrust, RewritesItself, ShapedFromBelow}
}

var identityPractice = vet.Citation{
	Title: "Managed identity best practice recommendations", Read: "2026-11-21",
	URL: "https://github.com/MicrosoftDocs/entra-docs/blob/15730cf6c6088cb1aa101c2348f5dc1e4a5b4c6d/docs/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations.md",
}
