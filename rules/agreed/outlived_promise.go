// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/vet"
)

//go:embed outlived_promise.md
var outlivedPromiseDoc string

// OutlivedPromise finds grants that were said to end and are still there.
var OutlivedPromise = &vet.Rule{
	ID:       "outlived-promise",
	Title:    "Temporary grant that is still there",
	Doc:      outlivedPromiseDoc,
	Category: "agreed",
	Severity: mivet.SeverityMedium,
	Class:    "exception-expired",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkPromises,
}

func checkPromises(p *vet.Pass) error {
	now := p.Snapshot.TakenAt
	if now.IsZero() {
		now = p.Now
	}
	for _, a := range p.Assignments() {
		promise := provenance.PromiseOf(a)
		if promise == nil || a.Eligible {
			continue
		}
		switch broken, decided := promise.Broken(a.CreatedOn, now); {
		case !decided:
			p.Unassessed(vet.Undecided{
				Subject: p.SubjectOf(a.Principal), Source: a.Source, Facts: mivet.FactRoleAssignments,
				Reason: fmt.Sprintf("whether %s should have lost %s by now is not known: %q names no day, and the input does not tell when the assignment was made",
					p.Name(a.Principal), p.Role(a).Label, promise.Words),
				Permission: "Microsoft.Authorization/roleAssignments/read",
			})
		case broken:
			p.Report(promiseFinding(p, a, promise))
		default:
			p.Pass()
		}
	}
	return nil
}

func promiseFinding(p *vet.Pass, a *mivet.RoleAssignment, promise *provenance.Promise) mivet.Finding {
	h := vet.Holding{Holder: a.Principal, Assignment: a, Role: p.Role(a), Surely: true}
	reach := p.ReachOf([]vet.Holding{h})
	role := string(a.Role)
	if role == "" {
		role = string(arm.Fold(a.RoleName))
	}
	over := "it names no day, and was made on " + a.CreatedOn.UTC().Format(time.DateOnly)
	if !promise.Until.IsZero() {
		over = "that was over on " + promise.Until.Format(time.DateOnly)
	}
	return mivet.Finding{
		Subject: p.SubjectOf(a.Principal), Discriminator: role + "|" + string(a.Scope.Key()), Source: a.Source, Reach: &reach,
		Message: fmt.Sprintf("%s still has %s over %s, which was promised to end", p.Name(a.Principal), h.Role.Label, p.ScopeWords(a.Scope)),
		Evidence: []mivet.Evidence{
			p.HoldingFact(&h),
			{Kind: mivet.Configured, Source: a.Source, Fact: fmt.Sprintf("its description says %q; %s", promise.Words, over)},
		},
		Consequence: "whoever gave it for a time believes that it is gone, and nobody looks at what it allows",
		Fix: mivet.Fix{
			Summary: "remove the assignment, or write down why it stays and for how long",
			Edits:   []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: a}},
			Check:   "with its owner, and by `mivet trim` with the logs: what is still needed gets a grant of its own",
		},
	}
}
