// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed powerless_identity.md
var powerlessIdentityDoc string

// PowerlessIdentity finds identities that hold nothing.
var PowerlessIdentity = &vet.Rule{
	ID:       "powerless-identity",
	Title:    "Identity without any permission",
	Doc:      powerlessIdentityDoc,
	Category: "hygiene",
	Severity: mivet.SeverityInfo,
	Class:    "identity-unused",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactRoleAssignments, mivet.FactAccessPolicies, mivet.FactMemberships},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkPowerless,
}

// grantFacts are the kinds of facts that a permission can hide in.
var grantFacts = []mivet.FactKind{
	mivet.FactRoleAssignments, mivet.FactAccessPolicies, mivet.FactMemberships, mivet.FactLocalGrants,
	mivet.FactAppRoles, mivet.FactDirectoryRoles, mivet.FactPathACLs,
}

func checkPowerless(p *vet.Pass) error {
	for _, id := range p.Identities() {
		switch {
		case id.Principal == "" || id.Kind == mivet.UserAssigned && len(p.Carriers(id)) == 0:
			continue // nobody's, or found by another rule
		case p.HoldsAnything(id.Principal):
			p.Pass()
			continue
		}
		if gap := hiddenGrant(p, id.Principal); gap != nil {
			p.Blocked(subject(id), gap)
			continue
		}
		p.Report(powerlessFinding(p, id))
	}
	return nil
}

func hiddenGrant(p *vet.Pass, id mivet.PrincipalID) *mivet.Gap {
	for _, kind := range grantFacts {
		if gap := p.Gap(kind, arm.ID{}); gap != nil {
			return gap
		}
		if gap := p.GapAbout(kind, string(id)); gap != nil {
			return gap
		}
	}
	return nil
}

func powerlessFinding(p *vet.Pass, id *mivet.Identity) mivet.Finding {
	name := id.Resource.Name()
	f := mivet.Finding{
		Subject: subject(id), Discriminator: string(id.Kind), Source: id.Source,
		Message: fmt.Sprintf("the identity %s holds no permission of any kind", name),
		Evidence: []mivet.Evidence{{
			Kind: mivet.Configured, Source: id.Source,
			Fact: fmt.Sprintf("none of %s and %s names %s or a group that it is in",
				vet.Count(len(p.Snapshot.RoleAssignments), "role assignment"), vet.Count(len(p.Snapshot.AccessPolicies), "access policy"), id.Principal),
		}},
		Consequence: "either a grant is missing, and the workload gets 403, or the identity is not used and only waits for the next grant",
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("take the identity from %s, or give it what the workload needs", carrierNames(p, id)),
			Check:   "whether the workload asks for tokens, and grants inside a database, which Azure does not show",
		},
	}
	for _, r := range p.Carriers(id) {
		e := mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: r.ID}
		if id.Kind == mivet.UserAssigned {
			e.Identity = id.Resource
		}
		f.Fix.Edits = append(f.Fix.Edits, e)
	}
	return f
}

func carrierNames(p *vet.Pass, id *mivet.Identity) string {
	var names []string
	for _, r := range p.Carriers(id) {
		names = append(names, vet.TypeWords(r.ID.Type())+" "+r.ID.Name())
	}
	if len(names) == 0 {
		return "its resource"
	}
	return vet.AtMost(names, 2)
}
