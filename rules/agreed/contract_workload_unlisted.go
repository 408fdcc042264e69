// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_workload_unlisted.md
var contractWorkloadUnlistedDoc string

// ContractWorkloadUnlisted finds workloads that carry an identity and that the contract does not list.
var ContractWorkloadUnlisted = &vet.Rule{
	ID:       "contract-workload-unlisted",
	Title:    "Workload that uses an identity without being listed",
	Doc:      contractWorkloadUnlistedDoc,
	Category: "agreed",
	Severity: mivet.SeverityMedium,
	Class:    "identity-reused",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkContractWorkloadUnlisted,
}

func checkContractWorkloadUnlisted(p *vet.Pass) error {
	return present(p, func(x *contract.Binding) {
		if x.Identity.Workloads == nil {
			return
		}
		for i := range x.Workloads {
			if w := &x.Workloads[i]; w.Err != nil {
				undecided(p, x, w.Name.At, "", "a workload that it lists: %v", w.Err)
				return
			}
		}
		id := p.Index().Identity(x.Held)
		if id == nil {
			undecided(p, x, x.Place("workloads"), mivet.FactIdentities, "its principal is not known, and so not what carries it")
			return
		}
		right := true
		for _, r := range p.Carriers(id) {
			if !listed(x, r) {
				right = false
				p.Report(unlistedFinding(p, x, r, id))
			}
		}
		if gap := unreadResources(p, x.ID.Subscription()); gap != nil && x.Type == mivet.UserAssigned {
			p.Blocked(subjectOf(x), gap)
			return
		}
		if right {
			p.Pass()
		}
	})
}

// listed reports whether a carrier, or what it is a part of, is among the workloads.
func listed(x *contract.Binding, r *mivet.Resource) bool {
	for i := range x.Workloads {
		if id := x.Workloads[i].ID; id.Equal(r.ID) || id.Contains(r.ID) {
			return true
		}
	}
	return x.Type == mivet.SystemAssigned && x.ID.Equal(r.ID) && len(x.Workloads) == 0
}

func unlistedFinding(p *vet.Pass, x *contract.Binding, r *mivet.Resource, id *mivet.Identity) mivet.Finding {
	what := vet.TypeWords(r.ID.Type()) + " " + r.ID.Name()
	reach := p.ReachBy(x.Held)
	f := mivet.Finding{
		Subject: subjectOf(x), Discriminator: string(r.ID.Key()), Source: r.Source, Reach: &reach,
		Message: fmt.Sprintf("%s uses %s and is not among its workloads", what, x.Name),
		Evidence: []mivet.Evidence{
			agreedFact(x.Place("workloads"), "which workloads may use %s", x.Name),
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s carries it", what)},
		},
		Consequence: fmt.Sprintf("it has the rights that were agreed on for others: it can %s", vet.ReachWords(&reach)),
		Fix: mivet.Fix{
			Summary: "give it an identity of its own, or list it",
			Edits:   []mivet.Edit{{Kind: mivet.EditDetachIdentity, Resource: r.ID, Identity: id.Resource}},
			Check:   "that it does not need it, by its own access tests",
		},
	}
	if id.Kind == mivet.SystemAssigned {
		f.Fix.Edits[0].Identity = arm.ID{}
	}
	return f
}
