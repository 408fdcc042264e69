// SPDX-License-Identifier: Apache-2.0

package recycled

import (
	"cmp"
	_ "embed" // the rule's page
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed orphaned_assignment.md
var orphanedAssignmentDoc string

// OrphanedAssignment finds grants whose principal the directory does not know.
var OrphanedAssignment = &vet.Rule{
	ID:       "orphaned-assignment",
	Title:    "Grant to a principal that no longer exists",
	Doc:      orphanedAssignmentDoc,
	Category: "recycled",
	Severity: mivet.SeverityLow,
	Class:    "identity-orphan-assignment",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Troubleshoot Azure RBAC", Read: "2026-11-21",
			URL: "https://github.com/MicrosoftDocs/azure-docs/blob/012ad308577ca7a4bcf96132a0e71b2819fa4a98/articles/role-based-access-control/troubleshooting.md",
		},
		{
			Title: "Managed identity best practice recommendations", Read: "2026-11-21",
			URL: "https://github.com/MicrosoftDocs/entra-docs/blob/15730cf6c6088cb1aa101c2348f5dc1e4a5b4c6d/docs/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations.md",
		},
	},
	Check: checkOrphans,
}

// grant is anything that gives rights to a principal.
type grant struct {
	principal mivet.PrincipalID
	said      mivet.PrincipalType
	// foreign says why the principal need not be in this directory; empty: it must be.
	foreign string
	what    string // "Contributor at the subscription prod"
	at      arm.ID
	key     string // tells the grants of one principal apart
	source  mivet.Source
	strong  bool
	remove  mivet.Edit
}

func checkOrphans(p *vet.Pass) error {
	read, ended := directory(p), endingsByPrincipal(p)
	grants := grantsOf(p, func(id mivet.PrincipalID) bool {
		if ended[id] == nil && present(p, id) {
			p.Pass()
			return false
		}
		return true
	})
	slices.SortStableFunc(grants, func(a, b grant) int {
		return cmp.Or(cmp.Compare(a.principal, b.principal), cmp.Compare(a.key, b.key))
	})
	for i := range grants {
		switch e := ended[grants[i].principal]; {
		case e == nil:
			checkGrant(p, &grants[i], read)
		case e.successor == nil:
			p.Report(leftBehind(&grants[i], e))
		default:
			p.Pass() // the rule about recreated principals tells of it
		}
	}
	return nil
}

// present reports whether a principal is there, or will be.
func present(p *vet.Pass, id mivet.PrincipalID) bool {
	_, symbolic := id.Symbolic()
	return symbolic || id == mivet.Everyone || p.Index().Principal(id) != nil || p.Index().Identity(id) != nil
}

// checkGrant looks at a grant to a principal that is not known to be there.
func checkGrant(p *vet.Pass, g *grant, read mivet.Source) {
	switch {
	case g.principal == "":
		p.Unassessed(vet.Undecided{
			Subject: mivet.Subject{Resource: g.at, Name: g.what}, Source: g.source, Facts: mivet.FactPrincipals,
			Reason: "the input does not tell to whom it is granted",
		})
	case g.foreign != "":
		p.Unassessed(undecided(g, mivet.Gap{Reason: g.foreign}))
	default:
		if gap := unread(p, g.principal); gap != nil {
			p.Unassessed(undecided(g, *gap))
			return
		}
		p.Report(orphan(p, g, read))
	}
}

// unread returns why a miss in the directory proves nothing, or nil if it proves that the
// principal is gone: the directory was read, and no gap concerns it.
func unread(p *vet.Pass, id mivet.PrincipalID) *mivet.Gap {
	if gap := p.GapAbout(mivet.FactPrincipals, string(id)); gap != nil {
		return gap
	}
	if gap := p.Gap(mivet.FactPrincipals, arm.ID{}); gap != nil {
		return gap
	}
	if len(p.Snapshot.Principals) == 0 {
		return &mivet.Gap{
			Facts: mivet.FactPrincipals, Reason: "the input holds no directory",
			Permission: "Microsoft Graph Directory.Read.All",
		}
	}
	return nil
}

func undecided(g *grant, gap mivet.Gap) vet.Undecided {
	return vet.Undecided{
		Subject: mivet.Subject{Principal: g.principal}, Source: g.source, Facts: mivet.FactPrincipals,
		Reason: fmt.Sprintf("whether it still exists, which holds %s, is not known: %s", g.what, gap.Reason), Permission: gap.Permission,
	}
}

func orphan(p *vet.Pass, g *grant, read mivet.Source) mivet.Finding {
	f := mivet.Finding{
		Subject:       mivet.Subject{Principal: g.principal},
		Discriminator: g.key,
		Message:       fmt.Sprintf("the principal %s no longer exists and still holds %s", g.principal, g.what),
		Source:        g.source,
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: g.source, Fact: fmt.Sprintf("%s is granted to %s%s", g.what, g.principal, saidType(g.said))},
			{Kind: mivet.Configured, Source: read, Fact: fmt.Sprintf("the directory was read, and it is none of its %s", vet.Count(len(p.Snapshot.Principals), "principal"))},
		},
		Consequence: "a successor of the same name has lost these rights; the leftover counts in the limit of 4000 a subscription, and a principal that is restored has it again",
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("remove %s from the deleted principal, and give that to the successor if there is one", g.what),
			Edits:   []mivet.Edit{g.remove},
			Check:   "who took the place of the principal, and whether that has the grants it needs",
		},
	}
	if g.strong {
		f.Severity = mivet.SeverityMedium
	}
	return f
}

func saidType(t mivet.PrincipalType) string {
	if t == "" {
		return ""
	}
	return " as " + string(t)
}

// directory returns the place of the directory's first principal, for the evidence.
func directory(p *vet.Pass) mivet.Source {
	if len(p.Snapshot.Principals) == 0 {
		return mivet.Source{}
	}
	return slices.MinFunc(p.Snapshot.Principals, func(a, b mivet.Principal) int { return cmp.Compare(a.ID, b.ID) }).Source
}

// grantsOf returns the grants of the principals that are wanted.
func grantsOf(p *vet.Pass, wanted func(mivet.PrincipalID) bool) []grant {
	return slices.Concat(assignmentGrants(p, wanted), policyGrants(p, wanted), localGrants(p, wanted))
}

func assignmentGrants(p *vet.Pass, wanted func(mivet.PrincipalID) bool) []grant {
	var out []grant
	for _, a := range p.Assignments() {
		if !wanted(a.Principal) {
			continue
		}
		role := p.Role(a)
		g := grant{
			principal: a.Principal, said: a.PrincipalType, at: a.Scope, source: a.Source,
			what:   role.Label + " at " + p.ScopeWords(a.Scope),
			key:    "role|" + string(a.Role) + "|" + string(a.Scope.Key()),
			strong: role.Powers.Any(vet.Privileged),
			remove: mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: a},
		}
		if a.Role == "" {
			g.key = "role|" + string(arm.Fold(a.RoleName)) + "|" + string(a.Scope.Key())
		}
		switch {
		case a.PrincipalType == mivet.TypeForeignGroup:
			g.foreign = "it is a group of another directory"
		case !a.DelegatedIdentity.IsZero():
			g.foreign = "it is a managed identity of another tenant, by delegation"
		}
		out = append(out, g)
	}
	return out
}

func policyGrants(p *vet.Pass, wanted func(mivet.PrincipalID) bool) []grant {
	var out []grant
	for i := range p.Snapshot.AccessPolicies {
		a := &p.Snapshot.AccessPolicies[i]
		if !wanted(a.Principal) {
			continue
		}
		g := grant{
			principal: a.Principal, at: a.Vault, source: a.Source, what: "an access policy of the key vault " + a.Vault.Name(),
			key:    "policy|" + a.ApplicationID + "|" + string(a.Vault.Key()),
			strong: len(a.Secrets) > 0,
			remove: mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: a},
		}
		if a.TenantID != "" && p.Snapshot.TenantID != "" && arm.Fold(a.TenantID) != arm.Fold(p.Snapshot.TenantID) {
			g.foreign = "it is a principal of another tenant"
		}
		out = append(out, g)
	}
	return out
}

func localGrants(p *vet.Pass, wanted func(mivet.PrincipalID) bool) []grant {
	var out []grant
	for i := range p.Snapshot.LocalGrants {
		a := &p.Snapshot.LocalGrants[i]
		if !wanted(a.Principal) {
			continue
		}
		out = append(out, grant{
			principal: a.Principal, at: a.Account, source: a.Source,
			what:   fmt.Sprintf("the local role %s of %s %s", a.Role, vet.TypeWords(a.Account.Type()), a.Account.Name()),
			key:    "local|" + string(a.System) + "|" + string(a.Account.Key()) + "|" + a.Scope + "|" + a.Role,
			remove: mivet.Edit{Kind: mivet.EditRemoveLocalGrant, Grant: a},
		})
	}
	return out
}
