// SPDX-License-Identifier: Apache-2.0

package recycled

import (
	"cmp"
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed recreated_principal.md
var recreatedPrincipalDoc string

// RecreatedPrincipal finds grants that hang on a principal which its resource had before.
var RecreatedPrincipal = &vet.Rule{
	ID:       "recreated-principal",
	Title:    "Grants hang on a principal that was recreated",
	Doc:      recreatedPrincipalDoc,
	Category: "recycled",
	Severity: mivet.SeverityHigh,
	Class:    "identity-recreated",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactRoleAssignments},
	Since:    "0.1.0",
	Sources:  OrphanedAssignment.Sources,
	Check:    checkRecreated,
}

// owner is a resource that had more than one principal.
type owner struct {
	facts []*mivet.Identity // one a principal
}

func checkRecreated(p *vet.Pass) error {
	var grants map[mivet.PrincipalID][]grant
	for _, o := range owners(p) {
		if grants == nil {
			grants = grantsByPrincipal(p)
		}
		current, why := currentOf(p, o)
		if current == nil {
			p.Unassessed(vet.Undecided{
				Subject: mivet.Subject{Resource: o.facts[0].Resource}, Source: o.facts[0].Source, Facts: mivet.FactIdentities, Reason: why,
			})
			continue
		}
		for _, old := range o.facts {
			if old.Principal != current.Principal {
				checkFormer(p, old, current, grants[old.Principal])
			}
		}
	}
	for _, e := range endings(p) {
		if e.successor == nil {
			continue
		}
		if grants == nil {
			grants = grantsByPrincipal(p)
		}
		if stranded := grants[e.principal]; len(stranded) > 0 {
			p.Report(strandedByPlan(p, &e, stranded))
		} else {
			p.Pass()
		}
	}
	return nil
}

// strandedByPlan reports grants to a principal that a plan replaces.
func strandedByPlan(p *vet.Pass, e *ending, stranded []grant) mivet.Finding {
	sortByKey(stranded)
	f := recreated(p, e.former(), e.successor, stranded)
	f.Subject.Address, f.Subject.Name = e.declaration.Address, e.name()
	f.Evidence[0].Fact = e.words()
	return f
}

// owners returns the resources of which the facts name at least two principals for one
// sort of identity.
func owners(p *vet.Pass) []owner {
	type key struct {
		kind     mivet.IdentityKind
		resource arm.Key
	}
	at := map[key]int{}
	var out []owner
	for _, m := range p.Identities() { // each principal once
		if m.Principal == "" {
			continue
		}
		k := key{m.Kind, m.Resource.Key()}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, owner{})
		}
		out[i].facts = append(out[i].facts, m)
	}
	return slices.DeleteFunc(out, func(o owner) bool { return len(o.facts) < 2 })
}

// currentOf returns the identity fact that holds now, or the reason why that is not known:
// the one that the resource itself carries, else the one that a change will make, else
// the only one that the directory knows, else the one that was read last.
func currentOf(p *vet.Pass, o owner) (current *mivet.Identity, why string) {
	if o.facts[0].Kind == mivet.SystemAssigned {
		if r := p.Index().Resource(o.facts[0].Resource); r != nil && r.Identity != nil {
			if m := only(o.facts, func(m *mivet.Identity) bool { return m.Principal == r.Identity.SystemPrincipal }); m != nil {
				return m, ""
			}
		}
	}
	for _, is := range []func(*mivet.Identity) bool{
		func(m *mivet.Identity) bool { _, symbolic := m.Principal.Symbolic(); return symbolic },
		func(m *mivet.Identity) bool { return p.Index().Principal(m.Principal) != nil },
	} {
		if m := only(o.facts, is); m != nil {
			return m, ""
		}
	}
	last := slices.MaxFunc(o.facts, func(a, b *mivet.Identity) int { return readAt(a).Compare(readAt(b)) })
	if m := only(o.facts, func(m *mivet.Identity) bool { return readAt(m).Equal(readAt(last)) }); m != nil {
		return m, ""
	}
	return nil, fmt.Sprintf("it has %d principals, and which of them holds now is not known", len(o.facts))
}

func readAt(m *mivet.Identity) time.Time {
	if m.Source.Origin == nil {
		return time.Time{}
	}
	return m.Source.Origin.ReadAt
}

// only returns the one fact for which is holds, or nil if there is none or more.
func only(facts []*mivet.Identity, is func(*mivet.Identity) bool) *mivet.Identity {
	var found *mivet.Identity
	for _, m := range facts {
		if !is(m) {
			continue
		}
		if found != nil {
			return nil
		}
		found = m
	}
	return found
}

func grantsByPrincipal(p *vet.Pass) map[mivet.PrincipalID][]grant {
	out := map[mivet.PrincipalID][]grant{}
	for _, g := range grantsOf(p, func(mivet.PrincipalID) bool { return true }) {
		out[g.principal] = append(out[g.principal], g)
	}
	return out
}

// checkFormer reports the grants that hang on a former principal.
func checkFormer(p *vet.Pass, old, current *mivet.Identity, stranded []grant) {
	if len(stranded) == 0 {
		p.Pass()
		return
	}
	sortByKey(stranded)
	p.Report(recreated(p, old, current, stranded))
}

func sortByKey(grants []grant) {
	slices.SortStableFunc(grants, func(a, b grant) int { return cmp.Compare(a.key, b.key) })
}

func recreated(p *vet.Pass, old, current *mivet.Identity, stranded []grant) mivet.Finding {
	name := current.Resource.Name()
	if owner, symbolic := current.Principal.Symbolic(); symbolic && name == "" {
		name = owner
	}
	reach := p.ReachBy(old.Principal)
	f := mivet.Finding{
		Subject:       mivet.Subject{Resource: current.Resource, Principal: current.Principal, Name: name},
		Discriminator: string(old.Principal), Source: stranded[0].source, Reach: &reach,
		Message: fmt.Sprintf("%s of %s still %s on %s, the principal that it had before",
			vet.Count(len(stranded), "grant"), name, hang(len(stranded)), old.Principal),
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: old.Source, Fact: fmt.Sprintf("%s %s had the principal %s", vet.TypeWords(old.Resource.Type()), name, old.Principal)},
			{Kind: mivet.Configured, Source: current.Source, Fact: presentPrincipal(current)},
		},
		Fix: mivet.Fix{Check: "that nothing else uses the old principal"},
	}
	var lost []string
	for _, g := range stranded {
		f.Evidence = append(f.Evidence, mivet.Evidence{
			Kind: mivet.Configured, Source: g.source, Fact: fmt.Sprintf("%s is granted to %s", g.what, old.Principal),
		})
		has := successorHas(p, &g, current)
		if !has {
			lost = append(lost, g.what)
		}
		f.Fix.Edits = append(f.Fix.Edits, rebind(&g, current, has)...)
	}
	f.Severity = mivet.SeverityMedium
	f.Consequence = "the new principal has the same rights already; the old grants count in the limits and mislead who reads them"
	if len(lost) > 0 {
		f.Severity = mivet.SeverityHigh
		f.Consequence = fmt.Sprintf("%s gets 403: its new principal does not hold %s", name, vet.AtMost(lost, 2))
	}
	f.Fix.Summary = fmt.Sprintf("bind the %s to the present principal of %s", vet.Count(len(stranded), "grant"), name)
	return f
}

func presentPrincipal(m *mivet.Identity) string {
	if _, symbolic := m.Principal.Symbolic(); symbolic {
		return "it gets a new principal with the change"
	}
	return fmt.Sprintf("it has the principal %s", m.Principal)
}

func hang(n int) string {
	if n == 1 {
		return "hangs"
	}
	return "hang"
}

// successorHas reports whether the present principal has the grant as well.
func successorHas(p *vet.Pass, g *grant, current *mivet.Identity) bool {
	switch {
	case g.remove.Assignment != nil:
		want := *g.remove.Assignment
		want.Principal = current.Principal
		return slices.ContainsFunc(p.Holdings(current.Principal), func(h vet.Holding) bool { return vet.SameAssignment(h.Assignment, &want) })
	case g.remove.Policy != nil:
		return slices.ContainsFunc(p.Policies(current.Principal), func(a *mivet.AccessPolicy) bool { return a.Vault.Equal(g.remove.Policy.Vault) })
	case g.remove.Grant != nil:
		return slices.ContainsFunc(p.LocalGrants(current.Principal), func(a *mivet.LocalAssignment) bool {
			return a.Account.Equal(g.remove.Grant.Account) && a.Role == g.remove.Grant.Role && a.Scope == g.remove.Grant.Scope
		})
	}
	return false
}

// rebind removes a grant from the old principal and, for a role assignment that the new
// one lacks, gives it to that. Lists of services are written by their own tools.
func rebind(g *grant, current *mivet.Identity, has bool) []mivet.Edit {
	edits := []mivet.Edit{g.remove}
	if g.remove.Assignment != nil && !has {
		a := *g.remove.Assignment
		a.Principal, a.PrincipalType, a.ID = current.Principal, mivet.TypeServicePrincipal, arm.ID{}
		edits = append(edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &a})
	}
	return edits
}
