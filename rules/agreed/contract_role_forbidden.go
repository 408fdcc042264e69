// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_role_forbidden.md
var contractRoleForbiddenDoc string

// ContractRoleForbidden finds roles that no identity is to hold, held by one of a contract.
var ContractRoleForbidden = &vet.Rule{
	ID:       "contract-role-forbidden",
	Title:    "Role that the organisation rules out",
	Doc:      contractRoleForbiddenDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "access-broad-scope",
	Needs:    accessNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{leastPrivilege},
	Check:    checkContractRoleForbidden,
}

func checkContractRoleForbidden(p *vet.Pass) error {
	b := p.Contract()
	if b == nil || len(b.Organisation.Never) == 0 {
		return nil
	}
	return present(p, func(x *contract.Binding) {
		right := true
		holdings := p.Holdings(x.Held)
		for i := range holdings {
			h := &holdings[i]
			if n := never(p, b, h); n != nil {
				right = false
				p.Report(roleFinding(p, x, h, n))
			}
		}
		if right {
			p.Pass()
		}
	})
}

// never returns the rule of the organisation that a holding breaks, or nil.
func never(p *vet.Pass, b *contract.Bound, h *vet.Holding) *contract.Never {
	for i := range b.Organisation.Never {
		n := &b.Organisation.Never[i]
		role := contract.RoleOf(n.Role, p.Snapshot, p.Catalog)
		same := strings.EqualFold(h.Role.Label, n.Role) || role != nil && h.Assignment.Role == role.ID
		if same && wideAs(h.Scope().Level(), n.At) {
			return n
		}
	}
	return nil
}

// wideAs reports whether a scope is at a level or wider.
func wideAs(l arm.Level, word string) bool {
	switch word {
	case "resource-group":
		return l != arm.LevelResource && l != arm.LevelTenantResource
	case "subscription":
		return l == arm.LevelSubscription || l == arm.LevelManagementGroup || l == arm.LevelRoot
	case "management-group":
		return l == arm.LevelManagementGroup || l == arm.LevelRoot
	}
	return true
}

func roleFinding(p *vet.Pass, x *contract.Binding, h *vet.Holding, n *contract.Never) mivet.Finding {
	reach := p.ReachBy(x.Held)
	f := mivet.Finding{
		Subject: subjectOf(x), Discriminator: h.Role.Label + "|" + string(h.Scope().Key()), Source: h.Assignment.Source, Reach: &reach,
		Message: fmt.Sprintf("%s has %s over %s, which the organisation rules out: %s", x.Name, h.Role.Label, p.ScopeWords(h.Scope()), n.Reason),
		Evidence: []mivet.Evidence{
			p.HoldingFact(h),
			{Kind: mivet.Configured, Source: n.Place.Source(), Fact: fmt.Sprintf("the organisation rules out %s at: %s", n.Role, n.At)},
		},
		Consequence: fmt.Sprintf("whoever comes to act as %s can %s", x.Name, vet.ReachWords(&reach)),
		Fix: mivet.Fix{
			Summary: "give the smallest roles that its access tests need, at the resources, and take this one away",
			Check:   "that its access tests pass without it",
		},
	}
	if len(h.Via) == 0 {
		f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: h.Assignment}}
	} else {
		f.Fix.Command = "mivet what-can " + x.Name
	}
	return f
}
