// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_review_overdue.md
var contractReviewOverdueDoc string

// ContractReviewOverdue finds identities that nobody looked at within the time that was agreed on.
var ContractReviewOverdue = &vet.Rule{
	ID:       "contract-review-overdue",
	Title:    "Review that is overdue",
	Doc:      contractReviewOverdueDoc,
	Category: "agreed",
	Severity: mivet.SeverityLow,
	Class:    "contract-violated",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{leastPrivilege},
	Check:    checkContractReviewOverdue,
}

func checkContractReviewOverdue(p *vet.Pass) error {
	b := p.Contract()
	if b == nil || p.Now.IsZero() {
		return nil
	}
	for i := range b.Bindings {
		x := &b.Bindings[i]
		every := x.Review.Every
		if most := b.Organisation.Review; most > 0 && (every == 0 || every > most) {
			every = most
		}
		if every == 0 {
			continue
		}
		due := x.Review.Last.AddDate(0, 0, every)
		switch {
		case x.Review.Last.IsZero():
			p.Report(reviewFinding(p, x, every, fmt.Sprintf("%s was never reviewed, and must be every %s", x.Name, vet.Count(every, "day"))))
		case !p.Now.Before(due.AddDate(0, 0, 1)):
			days := int(p.Now.Sub(due).Hours() / 24)
			p.Report(reviewFinding(p, x, every, fmt.Sprintf("the review of %s is overdue by %s", x.Name, vet.Count(days, "day"))))
		default:
			p.Pass()
		}
	}
	return nil
}

func reviewFinding(p *vet.Pass, x *contract.Binding, every int, message string) mivet.Finding {
	last := "never"
	if !x.Review.Last.IsZero() {
		last = "last on " + x.Review.Last.Format(time.DateOnly)
		if x.Review.By != "" {
			last += " by " + x.Review.By
		}
	}
	return mivet.Finding{
		Subject: subjectOf(x), Source: x.Place("review").Source(), Message: message,
		Evidence:    []mivet.Evidence{agreedFact(x.Place("review"), "every %s, and %s", vet.Count(every, "day"), last)},
		Consequence: "what it no longer needs stays, and nobody notices",
		Fix: mivet.Fix{
			Summary: "look at its ceiling, its tests and its workloads, and write down the day",
			Edits:   contractEdit(x, "last", p.Now.Format(time.DateOnly)),
			Check:   "with its owner",
		},
	}
}
