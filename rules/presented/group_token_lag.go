// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed group_token_lag.md
var groupTokenLagDoc string

// GroupTokenLag finds managed identities that hold grants through a group alone.
var GroupTokenLag = &vet.Rule{
	ID:       "group-token-lag",
	Title:    "A grant of a managed identity that its tokens learn of a day late",
	Doc:      groupTokenLagDoc,
	Category: "presented",
	Severity: mivet.SeverityLow,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactMemberships, mivet.FactRoleAssignments},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Managed identity best practice recommendations", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations",
		},
	},
	Check: checkGroupLag,
}

func checkGroupLag(p *vet.Pass) error {
	for _, id := range p.Identities() {
		if id.Principal == "" || len(p.Carriers(id)) == 0 {
			continue
		}
		all := slices.Clone(p.Holdings(id.Principal))
		through := map[mivet.PrincipalID][]vet.Holding{} // by the group it is a member of
		var order []mivet.PrincipalID
		for i := range all {
			h := &all[i]
			if len(h.Via) == 0 || directToo(all, h) {
				continue
			}
			if _, known := through[h.Via[0]]; !known {
				order = append(order, h.Via[0])
			}
			through[h.Via[0]] = append(through[h.Via[0]], *h)
		}
		if len(order) == 0 {
			p.Pass()
		}
		slices.Sort(order)
		for _, group := range order {
			p.Report(lagFinding(p, id, group, through[group]))
		}
	}
	return nil
}

// directToo reports whether an identity holds the same role itself, at the same scope or
// above it.
func directToo(all []vet.Holding, h *vet.Holding) bool {
	return slices.ContainsFunc(all, func(o vet.Holding) bool {
		return len(o.Via) == 0 && o.Assignment.Condition == "" && o.Assignment.Role == h.Assignment.Role && o.Scope().Contains(h.Scope())
	})
}

func lagFinding(p *vet.Pass, id *mivet.Identity, group mivet.PrincipalID, held []vet.Holding) mivet.Finding {
	f := mivet.Finding{
		Subject: p.SubjectOf(id.Principal), Source: membershipSource(p, group, id), Discriminator: string(group),
		Message: fmt.Sprintf("%s holds %s through the group %s alone, and its tokens learn of a change of members up to a day late",
			p.Name(id.Principal), roleWords(held), p.Name(group)),
		Consequence: "a workload that is taken into the group is refused for up to 24 hours, and one that is taken out keeps its access as long; nothing hurries it",
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("grant to %s itself what it needs of these roles", p.Name(id.Principal)),
			Check:   "that the group is not the place where access is reviewed",
		},
	}
	for i := range held {
		f.Evidence = append(f.Evidence, p.HoldingFact(&held[i]))
		a := *held[i].Assignment
		a.Principal, a.PrincipalType = id.Principal, mivet.TypeServicePrincipal
		a.ID = zeroID // the new one gets an ID of its own
		f.Fix.Edits = append(f.Fix.Edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &a})
	}
	f.Fix.Command = vet.AzCommands(f.Fix.Edits[:1])[0]
	return f
}

func roleWords(held []vet.Holding) string {
	var names []string
	for i := range held {
		if !slices.Contains(names, held[i].Role.Label) {
			names = append(names, held[i].Role.Label)
		}
	}
	return vet.AtMost(names, 3)
}

// membershipSource is where the membership was read, else the identity.
func membershipSource(p *vet.Pass, group mivet.PrincipalID, id *mivet.Identity) mivet.Source {
	for i := range p.Snapshot.Memberships {
		if m := &p.Snapshot.Memberships[i]; m.Group == group && m.Member == id.Principal {
			return m.Source
		}
	}
	return id.Source
}
