// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed unattached_identity.md
var unattachedIdentityDoc string

// UnattachedIdentity finds user-assigned identities that nothing presents.
var UnattachedIdentity = &vet.Rule{
	ID:       "unattached-identity",
	Title:    "Identity attached to nothing",
	Doc:      unattachedIdentityDoc,
	Category: "hygiene",
	Severity: mivet.SeverityLow,
	Class:    "identity-unused",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities, mivet.FactFederatedCredentials},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkUnattached,
}

func checkUnattached(p *vet.Pass) error {
	used := mentioned(p)
	for _, id := range p.Identities() {
		if id.Kind != mivet.UserAssigned || p.Index().UserAssigned(id.Resource) != id {
			continue
		}
		if len(p.Carriers(id)) > 0 || used[id.Resource.Key()] {
			p.Pass()
			continue
		}
		if gap := hidden(p); gap != nil {
			p.Blocked(subject(id), gap)
			continue
		}
		p.Report(unattachedFinding(p, id))
	}
	return nil
}

// hidden returns the gap behind which a carrier or a credential may be, or nil. A carrier
// may be in any subscription of the tenant, so that every gap counts.
func hidden(p *vet.Pass) *mivet.Gap {
	for _, kind := range []mivet.FactKind{mivet.FactResources, mivet.FactFederatedCredentials} {
		if gap := p.Gap(kind, arm.ID{}); gap != nil {
			return gap
		}
	}
	return nil
}

// mentioned returns the identities that are used without being attached: by tokens from
// outside, or named by a setting of a resource.
func mentioned(p *vet.Pass) map[arm.Key]bool {
	out := map[arm.Key]bool{}
	for i := range p.Snapshot.FederatedCredentials {
		out[p.Snapshot.FederatedCredentials[i].Identity.Key()] = true
	}
	for i := range p.Snapshot.Resources {
		d := p.Snapshot.Resources[i].Detail
		if d == nil {
			continue
		}
		for _, v := range d.Settings {
			if len(v) > 0 && v[0] == '/' {
				out[arm.Fold(v)] = true
			}
		}
	}
	return out
}

func subject(id *mivet.Identity) mivet.Subject {
	return mivet.Subject{Resource: id.Resource, Principal: id.Principal, Name: id.Resource.Name()}
}

func unattachedFinding(p *vet.Pass, id *mivet.Identity) mivet.Finding {
	holdings := p.Holdings(id.Principal)
	reach := p.ReachBy(id.Principal)
	name := id.Resource.Name()
	f := mivet.Finding{
		Subject: subject(id), Source: id.Source, Reach: &reach,
		Message: fmt.Sprintf("no resource carries the identity %s, and no token from outside may act as it", name),
		Evidence: []mivet.Evidence{{
			Kind: mivet.Configured, Source: id.Source,
			Fact: fmt.Sprintf("none of %s carries it, and it has no federated credential", vet.Count(len(p.Snapshot.Resources), "resource")),
		}},
		Consequence: fmt.Sprintf("nobody misses %s, and whoever may assign identities can put it on a machine of their own", name),
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("delete the identity %s", name),
			Check:   "that no deployment attaches it from time to time",
		},
	}
	for i := range holdings {
		f.Evidence = append(f.Evidence, p.HoldingFact(&holdings[i]))
		if len(holdings[i].Via) == 0 {
			f.Fix.Edits = append(f.Fix.Edits, mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: holdings[i].Assignment})
		}
	}
	for _, a := range p.Policies(id.Principal) {
		f.Fix.Edits = append(f.Fix.Edits, mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: a})
	}
	f.Fix.Edits = append(f.Fix.Edits, mivet.Edit{Kind: mivet.EditDeleteIdentity, Resource: id.Resource})
	switch {
	case len(f.Fix.Edits) > 1:
		f.Fix.Summary = fmt.Sprintf("remove the grants of %s, then delete it", name)
		f.Consequence = fmt.Sprintf("whoever may assign identities can put it on a machine of their own and %s", vet.ReachWords(&reach))
		f.Severity = mivet.SeverityMedium
		if reach.Grants {
			f.Severity = mivet.SeverityHigh
		}
	default:
	}
	return f
}
