// SPDX-License-Identifier: Apache-2.0

package recycled

import (
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed plan_takes_access.md
var planTakesAccessDoc string

// PlanTakesAccess finds objects of a plan that lose access by it, for good or for a time.
var PlanTakesAccess = &vet.Rule{
	ID:       "plan-takes-access",
	Title:    "Plan that takes access away",
	Doc:      planTakesAccessDoc,
	Category: "recycled",
	Severity: mivet.SeverityMedium,
	Class:    "identity-recreated",
	Needs:    []mivet.FactKind{mivet.FactInput},
	Since:    "0.1.0",
	Sources:  OrphanedAssignment.Sources,
	Check:    checkPlanTakesAccess,
}

// effects say how each effect of a plan is told, by its word.
var effects = map[string]struct {
	severity                          mivet.Severity
	message, consequence, fix, before string
}{
	"lost": {
		mivet.SeverityHigh, "%s loses access by this plan", "its requests are refused from then on",
		"bind the grants to the principal by reference, or give it a user-assigned identity that outlives it", "that nothing else holds the same access",
	},
	"gap": {
		mivet.SeverityMedium, "%s is without access for a time while this plan is applied", "its requests are refused until the successor is there and in effect",
		"apply first a user-assigned identity and its grants, and attach it; mivet check lists the steps in their order", "that the workload presents the new identity",
	},
	"selectors_broken": {
		mivet.SeverityHigh, "%s selects an identity that it will not carry", "what is read with it (secrets, images, keys) is refused",
		"point the selector at an identity that the resource carries after the plan", "that this identity holds what is read with it",
	},
	"impossible": {
		mivet.SeverityHigh, "%s cannot be applied as planned", "the apply stops there with an error, after other changes were made",
		"make the assignment anew with its principal: a name that hangs on the principal, or replace_triggered_by", "that the old assignment is deleted",
	},
	"unmanaged": {
		mivet.SeverityLow, "%s leaves management and stays in Azure", "nobody sees it in a plan any more, and it keeps giving what it gives",
		"delete it, or note who looks after it from now on", "who relies on it",
	},
}

func checkPlanTakesAccess(p *vet.Pass) error {
	for i := range p.Snapshot.Declarations {
		d := &p.Snapshot.Declarations[i]
		told := false
		for _, e := range d.Effects {
			word, text, _ := strings.Cut(e, ": ")
			how, known := effects[word]
			if !known || word == "impossible" && d.Refused != "" { // that is told by another rule
				continue
			}
			told = true
			f := mivet.Finding{
				Severity: how.severity, Subject: mivet.Subject{Address: d.Address, Name: d.Address, Resource: d.Resource}, Discriminator: word, Source: d.Source,
				Message:     fmt.Sprintf(how.message, d.Address),
				Evidence:    []mivet.Evidence{{Kind: mivet.Predicted, Source: d.Source, Fact: fmt.Sprintf("%s: %s", d.Address, text)}},
				Consequence: how.consequence,
				Fix:         mivet.Fix{Summary: how.fix, Check: how.before, Command: "mivet check <the plan>"},
			}
			if word == "impossible" {
				f.Fix.Edits, f.Fix.Command = []mivet.Edit{{Kind: mivet.EditNameByPrincipal, Name: d.Address}}, ""
			}
			p.Report(f)
		}
		if !told && len(d.Actions) > 0 {
			p.Pass()
		}
	}
	return nil
}
