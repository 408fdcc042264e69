// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_type_differs.md
var contractTypeDiffersDoc string

// ContractTypeDiffers finds identities whose type is not the one of the contract.
var ContractTypeDiffers = &vet.Rule{
	ID:       "contract-type-differs",
	Title:    "Identity of another type than was agreed on",
	Doc:      contractTypeDiffersDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "contract-violated",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityOverview},
	Check:    checkContractTypeDiffers,
}

func checkContractTypeDiffers(p *vet.Pass) error {
	b := p.Contract()
	if b == nil {
		return nil
	}
	for i := range b.Bindings {
		x := &b.Bindings[i]
		switch x.Presence {
		case contract.Present:
			p.Pass()
		case contract.OtherType:
			p.Report(typeFinding(p, x))
		case contract.Absent, contract.Unclear: // told by contract-identity-missing
		}
	}
	return nil
}

func typeFinding(p *vet.Pass, x *contract.Binding) mivet.Finding {
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, x.Place("type")),
		Message: fmt.Sprintf("%s must be %s, and is not: %s", x.Name, x.Type, x.Problem),
		Evidence: []mivet.Evidence{
			agreedFact(x.Place("type"), "that %s is %s%s", x.Name, x.Type, because(x)),
			{Kind: mivet.Configured, Source: x.Fact, Fact: x.Problem},
		},
		Consequence: "its principal lives longer or shorter than was agreed on, and grants and captured IDs are those of another",
		Fix: mivet.Fix{
			Summary: "give it the identity that was agreed on, or agree on this one, with the reason",
			Edits:   contractEdit(x, "type", string(x.Has[0])),
			Check:   "which of the two is meant; the grants have to follow before the old identity goes",
		},
	}
	if r := p.Index().Resource(x.ID); r != nil && x.Type == mivet.SystemAssigned && p.Index().UserAssigned(x.ID) == nil {
		f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditAttachIdentity, Resource: x.ID}}
	}
	return f
}

// because is the reason that the contract gives for a type.
func because(x *contract.Binding) string {
	if x.Why == "" {
		return ""
	}
	return ", because " + x.Why
}
