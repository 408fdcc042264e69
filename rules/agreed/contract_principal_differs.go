// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_principal_differs.md
var contractPrincipalDiffersDoc string

// ContractPrincipalDiffers finds identities whose principal is not the one that was agreed on or captured.
var ContractPrincipalDiffers = &vet.Rule{
	ID:       "contract-principal-differs",
	Title:    "Principal that is not the expected one",
	Doc:      contractPrincipalDiffersDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "identity-recreated",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityOverview},
	Check:    checkContractPrincipalDiffers,
}

func checkContractPrincipalDiffers(p *vet.Pass) error {
	b := p.Contract()
	return present(p, func(x *contract.Binding) {
		want, by := x.Principal, "the contract"
		if want == "" {
			captured, output := p.Captured.Of(b.Contract, x.Identity)
			if captured == "" && x.Output != "" {
				undecided(p, x, x.Place("principal"), "", "the output %s, which holds its principal, was not given", x.Output)
				return
			}
			want, by = captured, "the output "+output
		}
		switch {
		case want == "":
		case x.Held == want:
			p.Pass()
		case x.Held == "":
			undecided(p, x, x.Place("principal"), mivet.FactIdentities, "its principal was not read")
		default:
			p.Report(principalFinding(p, x, want, by))
		}
	})
}

func principalFinding(p *vet.Pass, x *contract.Binding, want mivet.PrincipalID, by string) mivet.Finding {
	now := "is " + string(x.Held)
	if _, symbolic := x.Held.Symbolic(); symbolic {
		now = "will be a new one"
	}
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, x.Place("principal")),
		Message: fmt.Sprintf("the principal of %s must be %s, and %s", x.Name, want, now),
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: x.Place("principal").Source(), Fact: fmt.Sprintf("%s tells %s", by, want)},
			{Kind: mivet.Configured, Source: x.Fact, Fact: fmt.Sprintf("the principal of %s %s", x.ID.Name(), now)},
		},
		Consequence: "the identity was made anew: what names the old principal, in other grants, in databases, in other tenants, is held by nobody",
		Fix: mivet.Fix{
			Summary: "find out what names the old principal, let it follow, and write down the new one",
			Edits:   contractEdit(x, "principal", string(x.Held)),
			Check:   "mivet who-can and mivet scan for what is still granted to " + string(want),
		},
	}
	if p.HoldsAnything(want) {
		f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Configured, Source: x.Fact, Fact: "something is still granted to " + string(want)})
	}
	return f
}
