// SPDX-License-Identifier: Apache-2.0

package recycled

import (
	"cmp"
	_ "embed" // the rule's page
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed fixed_assignment_name.md
var fixedAssignmentNameDoc string

// FixedAssignmentName finds role assignments of templates whose name stays the same when
// their principal becomes another.
var FixedAssignmentName = &vet.Rule{
	ID:       "fixed-assignment-name",
	Title:    "Role assignment named without its principal",
	Doc:      fixedAssignmentNameDoc,
	Category: "recycled",
	Severity: mivet.SeverityLow,
	Class:    "identity-recreated",
	Needs:    []mivet.FactKind{mivet.FactInput},
	Since:    "0.1.0",
	Sources:  OrphanedAssignment.Sources,
	Check:    checkFixedName,
}

func checkFixedName(p *vet.Pass) error {
	var grants []*mivet.Declaration
	for i := range p.Snapshot.Declarations {
		if d := &p.Snapshot.Declarations[i]; d.Grant {
			grants = append(grants, d)
		}
	}
	slices.SortFunc(grants, func(a, b *mivet.Declaration) int {
		return cmp.Or(cmp.Compare(a.Source.String(), b.Source.String()), cmp.Compare(a.Address, b.Address))
	})
	for _, d := range grants {
		if !d.FixedName {
			p.Pass()
			continue
		}
		p.Report(fixedNameFinding(d))
	}
	return nil
}

func fixedNameFinding(d *mivet.Declaration) mivet.Finding {
	name := d.Resource.Name()
	return mivet.Finding{
		Subject: mivet.Subject{Address: d.Address, Name: name}, Source: d.Source,
		Message: fmt.Sprintf("the role assignment %s keeps its name when its principal becomes another", name),
		Evidence: []mivet.Evidence{{
			Kind: mivet.Configured, Source: d.Source,
			Fact: fmt.Sprintf("%s reads its principal off an identity by reference(), and its name does not hang on that principal", name),
		}},
		Consequence: "once the identity is made anew, each deployment stops at this assignment with RoleAssignmentUpdateNotPermitted, " +
			"and the old one stays, bound to a principal that is gone",
		Fix: mivet.Fix{
			Summary: "put the assignment into a nested deployment or module that gets the principal as a parameter, and name it guid(scope, principal, role)",
			Edits:   []mivet.Edit{{Kind: mivet.EditNameByPrincipal, Name: d.Address}},
			Check:   "that the old assignment is deleted, since the new name makes a second one",
		},
	}
}
