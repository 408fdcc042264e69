// SPDX-License-Identifier: Apache-2.0

// Package recycled holds the rules about principals that are gone or were replaced while
// their grants stayed.
//
// The package does not take a principal for deleted because it was not found: that needs
// a directory that was read completely.
package recycled

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{OrphanedAssignment, RecreatedPrincipal}
}
