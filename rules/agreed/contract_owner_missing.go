// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_owner_missing.md
var contractOwnerMissingDoc string

// ContractOwnerMissing finds identities of a contract that nobody answers for, or another than the tags say.
var ContractOwnerMissing = &vet.Rule{
	ID:       "contract-owner-missing",
	Title:    "Identity of the contract without an owner",
	Doc:      contractOwnerMissingDoc,
	Category: "agreed",
	Severity: mivet.SeverityLow,
	Class:    "contract-violated",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkContractOwnerMissing,
}

func checkContractOwnerMissing(p *vet.Pass) error {
	b := p.Contract()
	if b == nil {
		return nil
	}
	for i := range b.Bindings {
		x := &b.Bindings[i]
		tagged, by := p.Owner(x.ID, mivet.Source{})
		switch {
		case x.Owner == "" || strings.HasPrefix(x.Owner, contract.Todo):
			p.Report(ownerOf(x, fmt.Sprintf("the contract names no owner of %s", x.Name), tagged))
		case tagged != "" && !strings.EqualFold(tagged, x.Owner):
			f := ownerOf(x, fmt.Sprintf("the contract says that %s answers for %s, and %s says %s", x.Owner, x.Name, by, tagged), tagged)
			f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Configured, Source: x.Fact, Fact: fmt.Sprintf("%s says %s", by, tagged)})
			p.Report(f)
		default:
			p.Pass()
		}
	}
	return nil
}

func ownerOf(x *contract.Binding, message, tagged string) mivet.Finding {
	owner := tagged
	if owner == "" {
		owner = "<team>"
	}
	return mivet.Finding{
		Subject: subjectOf(x), Source: x.Place("owner").Source(), Message: message,
		Evidence:    []mivet.Evidence{agreedFact(x.Place("owner"), "%q of its owner", x.Owner)},
		Consequence: "nobody is asked when it is misused, reviewed or no longer needed",
		Fix: mivet.Fix{
			Summary: "agree on who answers for it, in the contract and in the tag",
			Edits:   contractEdit(x, "owner", owner),
			Check:   "with those who are named; the name is yours to fill in",
		},
	}
}
