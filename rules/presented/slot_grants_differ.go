// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed slot_grants_differ.md
var slotGrantsDoc string

// SlotGrantsDiffer finds deployment slots whose identity may do something that the identity
// on the other side of a swap may do nowhere.
var SlotGrantsDiffer = &vet.Rule{
	ID:       "slot-grants-differ",
	Title:    "A swap of slots changes what the code may do",
	Doc:      slotGrantsDoc,
	Category: "presented",
	Severity: mivet.SeverityMedium,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities, mivet.FactMemberships, mivet.FactRoleAssignments, mivet.FactAccessPolicies},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Set up staging environments in Azure App Service", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/azure/app-service/deploy-staging-slots",
		},
	},
	Check: checkSlots,
}

var zeroID arm.ID

func checkSlots(p *vet.Pass) error {
	for _, slot := range inOrder(p, is(slotType), anyResource) {
		site := p.Index().Resource(slot.ID.Parent())
		if site == nil || slot.Identity == nil && site.Identity == nil {
			continue
		}
		a, b := sideOf(p, slot), sideOf(p, site)
		if s, read := effective.Swapped(p.Index(), site, slot); read && s.Read {
			narrow(p, a, s.Slot, b, s.Site)
		}
		switch {
		case !a.known || !b.known:
			p.Unassessed(vet.Undecided{
				Subject: mivet.Subject{Resource: slot.ID, Name: slot.ID.Name()}, Source: slot.Source, Facts: mivet.FactIdentities,
				Reason: "the principals of the slot and of its site were not all read",
			})
		case len(a.without(b, anyRole)) == 0 && len(b.without(a, dataRole)) == 0:
			p.Pass()
		default:
			p.Report(slotFinding(p, a, b))
		}
	}
	return nil
}

// side is one of the two places that a swap exchanges the contents of: its identities stay.
type side struct {
	resource *mivet.Resource
	ids      []mivet.PrincipalID
	known    bool
	held     []vet.Holding
	policies []*mivet.AccessPolicy
}

func sideOf(p *vet.Pass, r *mivet.Resource) *side {
	s := &side{resource: r, known: true}
	add := func(id mivet.PrincipalID) {
		if id == "" {
			s.known = false
			return
		}
		s.ids = append(s.ids, id)
		s.held = append(s.held, p.Holdings(id)...)
		s.policies = append(s.policies, p.Policies(id)...)
	}
	if r.Identity == nil {
		return s
	}
	if r.Identity.System {
		add(r.Identity.SystemPrincipal)
	}
	for _, u := range r.Identity.User {
		m := p.Index().UserAssigned(u)
		if m == nil {
			s.known = false
			continue
		}
		add(m.Principal)
	}
	return s
}

// narrow leaves of each side what its code presents now and what the code of the other will
// present there, where all of it is certain: an identity that is attached and that no setting
// selects, before or after, makes no difference.
func narrow(p *vet.Pass, slot *side, slotAfter *effective.Carrier, site *side, siteAfter *effective.Carrier) {
	of := func(s *side, after *effective.Carrier) ([]mivet.PrincipalID, bool) {
		now, sure := presents(effective.NewCarrier(p.Index(), s.resource))
		then, sureThen := presents(after)
		return append(now, then...), sure && sureThen
	}
	a, sureOfSlot := of(slot, slotAfter)
	b, sureOfSite := of(site, siteAfter)
	if sureOfSlot && sureOfSite {
		slot.keep(p, a)
		site.keep(p, b)
	}
}

// presents lists the principals that a workload presents, and whether these are all.
func presents(w *effective.Carrier) ([]mivet.PrincipalID, bool) {
	all, err := w.Consumers("", "")
	if err != nil {
		return nil, false
	}
	var out []mivet.PrincipalID
	for i := range all {
		switch c := &all[i]; c.Status {
		case effective.Presents:
			if c.Identity.Principal == "" {
				return nil, false
			}
			out = append(out, c.Identity.Principal)
		case effective.Ambiguous, effective.NotRead, effective.AsWritten:
			if c.Kind != effective.KindSwitch { // what it switches on has a selector of its own
				return nil, false
			}
		case effective.Wrong, effective.NoneUsed:
		}
	}
	return out, true
}

// keep leaves what some principals hold.
func (s *side) keep(p *vet.Pass, ids []mivet.PrincipalID) {
	s.held, s.policies, s.ids = nil, nil, nil
	for _, id := range ids {
		if !slices.Contains(s.ids, id) {
			s.ids = append(s.ids, id)
			s.held = append(s.held, p.Holdings(id)...)
			s.policies = append(s.policies, p.Policies(id)...)
		}
	}
}

func anyRole(*vet.Holding) bool { return true }

// dataRole leaves out roles that change resources: a slot is better without them.
func dataRole(h *vet.Holding) bool {
	return h.Role.Powers.Has(vet.UsesData) && !h.Role.Powers.Has(vet.Writes)
}

// without lists what a side holds of which the other holds no role like it anywhere. The
// same role at another resource is what slots for tests are made for.
func (s *side) without(o *side, counts func(*vet.Holding) bool) []string {
	var out []string
	for i := range s.held {
		if h := &s.held[i]; counts(h) && !o.has(h.Assignment) && !slices.Contains(out, h.Role.Label) {
			out = append(out, h.Role.Label)
		}
	}
	if len(s.policies) > 0 && len(o.policies) == 0 && !o.hasData() {
		out = append(out, "an access policy of the key vault "+s.policies[0].Vault.Name())
	}
	return out
}

func (s *side) has(a *mivet.RoleAssignment) bool {
	return slices.ContainsFunc(s.held, func(h vet.Holding) bool {
		return h.Assignment.Role == a.Role && (a.Role != "" || arm.Fold(h.Assignment.RoleName) == arm.Fold(a.RoleName))
	})
}

// hasData reports whether a side holds a role on data, such as one of a vault under roles.
func (s *side) hasData() bool {
	return slices.ContainsFunc(s.held, func(h vet.Holding) bool { return h.Role.Powers.Has(vet.UsesData) })
}

// receiver is the principal of a side that a grant should go to, "" where that is not clear.
func (s *side) receiver() mivet.PrincipalID {
	switch a := s.resource.Identity; {
	case a == nil:
		return ""
	case a.System:
		return a.SystemPrincipal
	case len(s.ids) == 1:
		return s.ids[0]
	}
	return ""
}

func slotFinding(p *vet.Pass, slot, site *side) mivet.Finding {
	r := slot.resource
	lost, kept := slot.without(site, anyRole), site.without(slot, dataRole)
	f := mivet.Finding{
		Severity: mivet.SeverityMedium,
		Subject:  mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source,
		Fix: mivet.Fix{
			Summary: "give both sides the same roles, or one user-assigned identity that both carry",
			Check:   "which of the roles the code needs",
			Command: "az resource show --ids " + r.ID.String() + " --query identity",
		},
	}
	name := r.ID.Parent().Name() + "/" + r.ID.Name()
	if len(lost) > 0 {
		f.Message = fmt.Sprintf("the code in the slot %s loses %s when it is swapped into production", name, vet.AtMost(lost, 3))
		f.Consequence = "what was tested in the slot is refused in production: the identities stay where they are, and that of production holds no such role anywhere"
	} else {
		f.Severity = mivet.SeverityLow
		f.Message = fmt.Sprintf("the code of production loses %s when it is swapped into the slot %s", vet.AtMost(kept, 3), name)
		f.Consequence = "the slot cannot show that the next version works, and a version that is swapped back waits there without its rights"
	}
	for _, s := range []*side{slot, site} {
		if len(s.ids) == 0 {
			f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Configured, Source: s.resource.Source, Fact: what(s.resource) + " carries no identity"})
		}
		for i := range s.held {
			f.Evidence = append(f.Evidence, p.HoldingFact(&s.held[i]))
		}
	}
	if !slot.decides() && !site.decides() {
		f.Fix.Edits = append(missingGrants(slot, site), missingGrants(site, slot)...)
	}
	return f
}

// decides reports whether a person has to decide what the other side should get: an access
// policy, a role that changes resources, or nobody clear who would receive it.
func (s *side) decides() bool {
	return s.receiver() == "" || len(s.policies) > 0 || slices.ContainsFunc(s.held, func(h vet.Holding) bool { return h.Role.Powers.Has(vet.Writes) })
}

// missingGrants gives one side the roles that only the other holds.
func missingGrants(from, to *side) []mivet.Edit {
	var out []mivet.Edit
	for i := range from.held {
		if to.has(from.held[i].Assignment) {
			continue
		}
		a := *from.held[i].Assignment
		a.Principal, a.PrincipalType, a.ID = to.receiver(), mivet.TypeServicePrincipal, zeroID
		out = append(out, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &a})
	}
	return out
}
