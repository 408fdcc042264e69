// SPDX-License-Identifier: Apache-2.0

// Package path holds the rules about ways around what role assignments say.
//
// A way is reported where it is open by what was read. The package does not follow ways
// from one identity to the next.
package path

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{KeyBesideIdentity}
}
