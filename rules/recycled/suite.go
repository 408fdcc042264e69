// SPDX-License-Identifier: Apache-2.0

// Package recycled holds the rules about principals that are gone, were replaced while
// their grants stayed, or are not there yet when they are granted something.
//
// The package does not take a principal for deleted because it was not found: that needs
// a directory that was read completely.
package recycled

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{OrphanedAssignment, RecreatedPrincipal, RefusedGrant, FixedAssignmentName, PlanTakesAccess}
}
