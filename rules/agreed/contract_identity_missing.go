// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_identity_missing.md
var contractIdentityMissingDoc string

// ContractIdentityMissing finds identities that a contract names and the tenant does not have.
var ContractIdentityMissing = &vet.Rule{
	ID:       "contract-identity-missing",
	Title:    "Identity of the contract that is not there",
	Doc:      contractIdentityMissingDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "contract-violated",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityOverview},
	Check:    checkContractIdentityMissing,
}

func checkContractIdentityMissing(p *vet.Pass) error {
	b := p.Contract()
	if b == nil {
		return nil
	}
	for i := range b.Bindings {
		x := &b.Bindings[i]
		gap := unreadResources(p, x.ID)
		switch {
		case x.Presence == contract.Present, x.Presence == contract.OtherType:
			p.Pass()
		case x.Presence == contract.Unclear:
			undecided(p, x, x.At, "", "%s", x.Problem)
		case gap != nil && p.Index().Resource(x.ID) == nil:
			p.Blocked(subjectOf(x), gap)
		default:
			p.Report(missingFinding(p, x))
		}
	}
	return nil
}

func missingFinding(p *vet.Pass, x *contract.Binding) mivet.Finding {
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, x.At),
		Message:     fmt.Sprintf("%s is not there: %s", x.Name, x.Problem),
		Evidence:    []mivet.Evidence{agreedFact(x.Place("type"), "that %s is a %s identity", x.Name, x.Type)},
		Consequence: "its workload has no identity to present, or another one than was agreed on",
		Fix: mivet.Fix{
			Summary: "deploy it, or take it out of the contract",
			Check:   "whether it has another name by now",
			Command: "mivet contract check",
		},
	}
	r := p.Index().Resource(x.ID)
	if r != nil {
		f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Configured, Source: r.Source, Fact: r.ID.Name() + " carries no identity"})
	}
	if r != nil && x.Type == mivet.SystemAssigned {
		f.Fix.Summary = "switch on its system-assigned identity, or take it out of the contract"
		f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditAttachIdentity, Resource: x.ID}}
		f.Fix.Command = ""
	}
	return f
}
