// SPDX-License-Identifier: Apache-2.0

// Package rules is the list of all rules, suite by suite.
//
// The list is also the editorial policy: a rule that is not here does not run. A rule is
// left out where the facts that would decide it cannot be read, where it repeats another
// rule, or where being right about it takes a guess. The package holds no rule itself.
package rules

//go:generate sh -c "cd .. && MIVET_UPDATE=1 go test -run TestRuleDocs ."

import (
	"slices"

	"github.com/mivet/mivet/rules/agreed"
	"github.com/mivet/mivet/rules/hygiene"
	"github.com/mivet/mivet/rules/path"
	"github.com/mivet/mivet/rules/presented"
	"github.com/mivet/mivet/rules/privilege"
	"github.com/mivet/mivet/rules/recycled"
	"github.com/mivet/mivet/vet"
)

// All returns every rule, suite by suite.
func All() []*vet.Rule {
	return slices.Concat(
		presented.Suite(), recycled.Suite(), privilege.Suite(), path.Suite(), agreed.Suite(), hygiene.Suite(),
	)
}
