// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"maps"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed crosses_environments.md
var crossesEnvironmentsDoc string

// CrossesEnvironments finds identities that are at home in one environment and present,
// or have rights, in another.
var CrossesEnvironments = &vet.Rule{
	ID:       "crosses-environments",
	Title:    "One identity across environments",
	Doc:      crossesEnvironmentsDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "identity-crosses-environments",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactResources, mivet.FactRoleAssignments},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkEnvironments,
}

// place is where an identity is or has rights, in an environment.
type place struct {
	environment string
	carrier     *mivet.Resource // it is attached here, or
	holding     *vet.Holding    // it holds this, or
	policy      *mivet.AccessPolicy
}

// fact is the evidence for a place.
func (pl *place) fact(p *vet.Pass, id *mivet.Identity) mivet.Evidence {
	name := id.Resource.Name()
	var e mivet.Evidence
	switch {
	case pl.carrier != nil:
		r := pl.carrier
		e = mivet.Evidence{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s %s carries %s", vet.TypeWords(r.ID.Type()), r.ID.Name(), name)}
	case pl.holding != nil:
		e = p.HoldingFact(pl.holding)
	default:
		a := pl.policy
		e = mivet.Evidence{Kind: mivet.Configured, Source: a.Source, Fact: fmt.Sprintf("an access policy of the key vault %s names %s", a.Vault.Name(), name)}
	}
	e.Fact += ", in " + pl.environment
	return e
}

func checkEnvironments(p *vet.Pass) error {
	known, looked := 0, 0
	for _, id := range p.Identities() {
		places := placesOf(p, id)
		home := homes(places)
		envs := environments(places)
		looked++
		switch {
		case len(envs) > 1:
			known++
			p.Report(crossingFinding(p, id, places, home))
		case len(envs) == 1:
			known++
			p.Pass()
		}
	}
	if looked > 0 && known == 0 {
		p.Unassessed(vet.Undecided{
			Subject: mivet.Subject{Name: "the tenant"}, Source: firstSource(p),
			Reason: "no tag and no entry of the subscription map says which environment anything belongs to",
		})
	}
	return nil
}

func firstSource(p *vet.Pass) mivet.Source { return p.Identities()[0].Source }

// placesOf returns where an identity is at home, is attached and has rights, as far as
// the environment there is known.
func placesOf(p *vet.Pass, id *mivet.Identity) []place {
	var out []place
	add := func(scope arm.ID, pl place) {
		if pl.environment = p.Environment(scope); pl.environment != "" {
			out = append(out, pl)
		}
	}
	for _, r := range p.Carriers(id) {
		add(r.ID, place{carrier: r})
	}
	holdings := p.Holdings(id.Principal)
	for i := range holdings {
		h := &holdings[i]
		if h.Role.Powers.Has(vet.Writes) || h.Role.Powers.Has(vet.UsesData) && !p.Idle(h) {
			add(h.Scope(), place{holding: h})
		}
	}
	for _, a := range p.Policies(id.Principal) {
		add(a.Vault, place{policy: a})
	}
	return out
}

func environments(places []place) []string {
	set := map[string]bool{}
	for _, pl := range places {
		set[pl.environment] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// homes returns the environment in which most carriers are; without carriers, that of
// most rights; of several the first by name.
func homes(places []place) string {
	count := map[string]int{}
	for _, pl := range places {
		count[pl.environment]++
		if pl.carrier != nil {
			count[pl.environment] += len(places)
		}
	}
	best := ""
	for _, e := range slices.Sorted(maps.Keys(count)) {
		if best == "" || count[e] > count[best] {
			best = e
		}
	}
	return best
}

func crossingFinding(p *vet.Pass, id *mivet.Identity, places []place, home string) mivet.Finding {
	name := id.Resource.Name()
	holdings := p.Holdings(id.Principal)
	reach := p.ReachBy(id.Principal)
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: id.Resource, Principal: id.Principal, Name: name}, Reach: &reach,
		Discriminator: string(id.Kind),
		Consequence:   fmt.Sprintf("a mistake or a break-in in one environment reaches the other, through %s", name),
		Fix:           mivet.Fix{Check: "what the other environment is used for, and give that an identity of its own there"},
	}
	var away []string
	carriers := 0
	for _, pl := range places {
		fact := pl.fact(p, id)
		f.Evidence = append(f.Evidence, fact)
		if pl.environment == home {
			continue
		}
		if f.Source.IsZero() {
			f.Source = fact.Source
		}
		if !slices.Contains(away, pl.environment) {
			away = append(away, pl.environment)
		}
		if pl.carrier != nil {
			carriers++
		}
	}
	slices.Sort(away)
	f.Message = fmt.Sprintf("%s belongs to %s and has rights in %s", name, home, vet.List(away))
	if carriers > 0 {
		f.Message = fmt.Sprintf("%s is attached in %s and in %s", name, home, vet.List(away))
	}
	f.Fix.Summary = fmt.Sprintf("keep %s to %s: take away what is in %s", name, home, vet.List(away))
	f.Fix.Edits = comeHome(p, id, places, home, holdings)
	return f
}

// comeHome takes away what is in other environments. A carrier there gets an identity of
// its own with the rights that lie there.
func comeHome(p *vet.Pass, id *mivet.Identity, places []place, home string, holdings []vet.Holding) []mivet.Edit {
	var edits []mivet.Edit
	done := map[*mivet.RoleAssignment]bool{}
	for _, pl := range places {
		switch {
		case pl.environment == home:
		case pl.carrier != nil:
			edits = append(edits, ownIdentity(p, id, pl.carrier, holdings)...)
		case pl.holding != nil && !done[pl.holding.Assignment]:
			done[pl.holding.Assignment] = true
			edits = append(edits, mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: pl.holding.Assignment})
		case pl.policy != nil:
			edits = append(edits, mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: pl.policy})
		}
	}
	return edits
}

func ownIdentity(p *vet.Pass, id *mivet.Identity, r *mivet.Resource, holdings []vet.Holding) []mivet.Edit {
	if id.Kind == mivet.SystemAssigned {
		return nil // it cannot be elsewhere
	}
	edits := []mivet.Edit{{Kind: mivet.EditAttachIdentity, Resource: r.ID}}
	for i := range holdings {
		if p.Environment(holdings[i].Scope()) != p.Environment(r.ID) {
			continue
		}
		a := *holdings[i].Assignment
		a.Principal, a.PrincipalType, a.ID = vet.SystemPrincipal(r), mivet.TypeServicePrincipal, arm.ID{}
		edits = append(edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &a})
	}
	return append(edits, mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: r.ID, Identity: id.Resource})
}
