// SPDX-License-Identifier: Apache-2.0

// Package presented holds the rules about which identity a workload presents.
//
// The package looks at what the platform does when nothing is selected. It does not
// predict what a client library does with its settings.
package presented

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{UnselectedIdentity}
}
