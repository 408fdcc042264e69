// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/lifecycle"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_type_unfounded.md
var contractTypeUnfoundedDoc string

// ContractTypeUnfounded finds identities of another type than their workload asks for, of
// which nobody wrote down why.
var ContractTypeUnfounded = &vet.Rule{
	ID:       "contract-type-unfounded",
	Title:    "Type of an identity that nothing speaks for",
	Doc:      contractTypeUnfoundedDoc,
	Category: "agreed",
	Severity: mivet.SeverityMedium,
	Class:    "contract-violated",
	Needs:    contractNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityOverview},
	Check:    checkContractTypeUnfounded,
}

func checkContractTypeUnfounded(p *vet.Pass) error {
	b := p.Contract()
	if b == nil {
		return nil
	}
	signs := lifecycle.NewSigns(p.Snapshot)
	t := b.Organisation.Types
	rules := lifecycle.Rules{
		Recreated: mivet.IdentityKind(t.Recreated), Stable: mivet.IdentityKind(t.Stable),
		Shared: mivet.IdentityKind(t.Shared), Alone: mivet.IdentityKind(t.Alone),
	}
	return present(p, func(x *contract.Binding) {
		use, carried := useOf(p, signs, x)
		if !carried {
			return // nothing presents it: nothing speaks for one type or the other
		}
		advice := lifecycle.Advise(use, rules)
		explained := x.Why != "" && !strings.HasPrefix(x.Why, contract.Todo)
		switch open := openOf(p, signs, x); {
		case explained:
			p.Pass()
		case open != "" && len(use.Recreated) == 0 && x.Type == mivet.SystemAssigned:
			p.Unassessed(vet.Undecided{
				Subject: subjectOf(x), Source: placeOf(x, x.Place("type")), Facts: mivet.FactInput,
				Reason: open + ": say lifetime in the contract",
			})
		case advice.Type == x.Type:
			p.Pass()
		default:
			p.Report(unfoundedFinding(x, &use, &advice))
		}
	})
}

// useOf is what is known of the workloads that present an identity; false where none does.
func useOf(p *vet.Pass, signs *lifecycle.Signs, x *contract.Binding) (lifecycle.Use, bool) {
	use := lifecycle.Use{Stable: x.Stable}
	carriers := []*mivet.Resource{}
	if id := p.Index().Identity(x.Held); id != nil {
		carriers = p.Carriers(id)
	}
	if x.Lifetime != "" && x.Lifetime != contract.Permanent {
		use.Recreated = append(use.Recreated, mivet.Evidence{
			Kind: mivet.Configured, Source: x.Place("lifetime").Source(), Fact: "the contract says that each " + strings.ReplaceAll(x.Lifetime, "-", " ") + " makes it anew",
		})
	}
	for _, r := range carriers {
		use.Recreated = append(use.Recreated, signs.Of(r.ID)...)
	}
	use.Workloads = len(p.Workloads(carriers))
	_, symbolic := x.Held.Symbolic()
	if x.Type == mivet.SystemAssigned && x.Principal != "" && x.Held != "" && x.Held != x.Principal && !symbolic {
		use.Recreated = append(use.Recreated, mivet.Evidence{
			Kind: mivet.Configured, Source: x.Place("principal").Source(), Fact: fmt.Sprintf("two principals of %s are in evidence: %s was another one", x.ID.Name(), x.Principal),
		})
	}
	return use, len(carriers) > 0
}

// openOf says why it cannot be told whether what presents an identity is made anew, or "".
// What the contract says of it counts.
func openOf(p *vet.Pass, signs *lifecycle.Signs, x *contract.Binding) string {
	id := p.Index().Identity(x.Held)
	if x.Lifetime != "" || id == nil {
		return ""
	}
	for _, r := range p.Carriers(id) {
		if why := signs.Open(r.ID); why != "" {
			return why
		}
	}
	return ""
}

func unfoundedFinding(x *contract.Binding, use *lifecycle.Use, advice *lifecycle.Advice) mivet.Finding {
	consequence := "it outlives its workload, and can be attached to others"
	if x.Type == mivet.SystemAssigned {
		consequence = "what names its principal (grants by hand, databases, other tenants) breaks when the resource is made anew"
	}
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, x.Place("type")),
		Message: fmt.Sprintf("%s is %s, and should be %s: %s; nobody wrote down why", x.Name, x.Type, advice.Type, advice.Because),
		Evidence: []mivet.Evidence{
			agreedFact(x.Place("type"), "that %s is %s, and no why", x.Name, x.Type),
			{Kind: mivet.Predicted, Source: x.Fact, Fact: fmt.Sprintf("%s present it", vet.Count(use.Workloads, "workload"))},
		},
		Consequence: consequence,
		Fix: mivet.Fix{
			Summary: "give it the type that its workload asks for, in steps that leave no gap, or write down why not",
			Edits:   contractEdit(x, "why", "<why this case is another one>"),
			Check:   "what names its principal outside of the code",
		},
	}
	for _, e := range use.Recreated {
		if e.Source.IsZero() {
			e.Source = x.Fact
		}
		f.Evidence = append(f.Evidence, e)
	}
	return f
}
