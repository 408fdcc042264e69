// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_shared_widely.md
var contractSharedWidelyDoc string

// ContractSharedWidely finds identities of a contract that serve more workloads than the
// organisation allows.
var ContractSharedWidely = &vet.Rule{
	ID:       "contract-shared-widely",
	Title:    "Identity that serves more workloads than the organisation allows",
	Doc:      contractSharedWidelyDoc,
	Category: "agreed",
	Severity: mivet.SeverityMedium,
	Class:    "identity-reused",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkContractSharedWidely,
}

func checkContractSharedWidely(p *vet.Pass) error {
	b := p.Contract()
	if b == nil || b.Organisation.Sharing.Workloads == 0 {
		return nil
	}
	sharing := &b.Organisation.Sharing
	return present(p, func(x *contract.Binding) {
		exempt := func(pattern string) bool { return vet.MatchesName(pattern, x.Name, x.ID.Name()) }
		if x.Type != mivet.UserAssigned || slices.ContainsFunc(sharing.Allowed, exempt) {
			return
		}
		id := p.Index().Identity(x.Held)
		if id == nil {
			undecided(p, x, sharing.Place, mivet.FactIdentities, "its principal is not known, and so not what carries it")
			return
		}
		workloads := p.Workloads(p.Carriers(id))
		gap := unreadResources(p, x.ID.Subscription())
		switch {
		case len(workloads) > sharing.Workloads:
			p.Report(sharedWidelyFinding(p, x, sharing, workloads, id))
		case gap != nil:
			p.Blocked(subjectOf(x), gap)
		default:
			p.Pass()
		}
	})
}

// splitOff gives those workloads an identity of their own that the organisation does not
// allow to share one. Those that the contract lists keep theirs before others.
func splitOff(p *vet.Pass, x *contract.Binding, most int, workloads [][]*mivet.Resource, id *mivet.Identity) []mivet.Edit {
	rank := func(w []*mivet.Resource) int {
		if listed(x, w[0]) {
			return 0
		}
		return 1
	}
	order := slices.SortedStableFunc(slices.Values(workloads), func(a, b []*mivet.Resource) int { return rank(a) - rank(b) })
	var edits []mivet.Edit
	holdings := p.Holdings(x.Held)
	for _, w := range order[most:] {
		for _, r := range w {
			edits = append(edits, vet.OwnIdentity(r, id.Resource, holdings)...)
		}
	}
	return edits
}

func sharedWidelyFinding(p *vet.Pass, x *contract.Binding, sharing *contract.Sharing, workloads [][]*mivet.Resource, id *mivet.Identity) mivet.Finding {
	reach := p.ReachBy(x.Held)
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, x.At), Reach: &reach,
		Message: fmt.Sprintf("%s present %s, and the organisation allows %d for one identity", vet.Count(len(workloads), "workload"), x.Name, sharing.Workloads),
		Evidence: []mivet.Evidence{{
			Kind: mivet.Configured, Source: sharing.Place.Source(), Fact: fmt.Sprintf("the organisation says at most %s for one identity", vet.Count(sharing.Workloads, "workload")),
		}},
		Consequence: fmt.Sprintf("whoever comes to run code in one of them has the rights of all, and no log tells them apart: it can %s", vet.ReachWords(&reach)),
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("give %s an identity of its own with the same roles, then take away what it does not use; or let the organisation allow %s to be shared",
				vet.Count(len(workloads)-sharing.Workloads, "workload"), x.Name),
			Edits: splitOff(p, x, sharing.Workloads, workloads, id),
			Check: "that no code selects the identity by its client ID",
		},
	}
	for _, w := range workloads {
		r := w[0]
		f.Evidence = append(f.Evidence, mivet.Evidence{
			Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s %s carries it", vet.TypeWords(r.ID.Type()), r.ID.Name()),
		})
	}
	return f
}
