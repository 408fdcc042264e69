// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed privileged_workload.md
var privilegedWorkloadDoc string

// PrivilegedWorkload finds roles on identities of workloads by which the workload can
// become more than the role says.
var PrivilegedWorkload = &vet.Rule{
	ID:       "privileged-workload",
	Title:    "Privileged role on a workload's identity",
	Doc:      privilegedWorkloadDoc,
	Category: "privilege",
	Severity: mivet.SeverityHigh,
	Class:    "access-excess-role",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources:  []vet.Citation{overview, delegation, vaultGuide, identityPractice},
	Check:    checkPrivilegedWorkload,
}

func checkPrivilegedWorkload(p *vet.Pass) error {
	seen := map[mivet.PrincipalID]bool{}
	for _, id := range p.Workers() {
		seen[id] = true
		for _, h := range p.Holdings(id) {
			checkHolding(p, &h)
		}
	}
	for _, a := range p.Assignments() {
		if p.Holds(a) && !seen[a.Principal] && !p.Deleted(a) {
			checkUnknownHolder(p, a)
		}
	}
	return nil
}

func checkHolding(p *vet.Pass, h *vet.Holding) {
	if h.Role.Definition == nil {
		p.Unassessed(unknownRole(p, h))
		return
	}
	surely, unknown := p.Powers(h)
	surely, unknown = here(surely, h.Scope()), here(unknown, h.Scope())
	switch {
	case surely != 0:
		p.Report(privilegedFinding(p, h, surely))
	case unknown != 0:
		p.Unassessed(undecidable(p, h))
	default:
		p.Pass()
	}
}

// here returns the privileged powers that can be used at a scope: a single resource that
// is no vault has no access policies.
func here(powers vet.Powers, scope arm.ID) vet.Powers {
	powers &= vet.Privileged
	if wide(scope) {
		return powers
	}
	powers &^= vet.WritesMost | vet.DataMost | vet.AssignsIdentities | vet.EditsRoles
	switch arm.Fold(scope.Type()) {
	case "microsoft.keyvault/vaults":
		return powers &^ vet.WritesFederation
	case "microsoft.managedidentity/userassignedidentities":
		return powers &^ vet.WritesVaultPolicies
	}
	return powers &^ (vet.WritesVaultPolicies | vet.WritesFederation)
}

// checkUnknownHolder says so where a privileged role hangs on a principal of which it is
// not known whether it is an identity, or on a group whose members were not read.
func checkUnknownHolder(p *vet.Pass, a *mivet.RoleAssignment) {
	h := vet.Holding{Holder: a.Principal, Assignment: a, Role: p.Role(a), Surely: a.Condition == ""}
	if here(h.Role.Powers, a.Scope) == 0 {
		return
	}
	var gap *mivet.Gap
	reason := "its kind is not known"
	switch p.Nature(a.Principal, a.PrincipalType) {
	case vet.NatureGroup:
		gap = p.GapAbout(mivet.FactMemberships, string(a.Principal))
		reason = "who is in it was not read"
		if gap == nil {
			return
		}
	case vet.NatureUnknown:
		gap = p.GapAbout(mivet.FactPrincipals, string(a.Principal))
	case vet.NaturePerson, vet.NatureIdentity, vet.NatureService, vet.NatureDevice:
		return
	}
	u := vet.Undecided{Subject: p.SubjectOf(a.Principal), Source: a.Source, Facts: mivet.FactPrincipals, Reason: reason}
	if gap != nil {
		u.Facts, u.Permission, u.Reason = gap.Facts, gap.Permission, reason+": "+gap.Reason
	}
	u.Reason = fmt.Sprintf("it holds %s at %s, and %s", h.Role.Label, p.ScopeWords(a.Scope), u.Reason)
	p.Unassessed(u)
}

func privilegedFinding(p *vet.Pass, h *vet.Holding, powers vet.Powers) mivet.Finding {
	a := h.Assignment
	reach := p.ReachOf([]vet.Holding{*h})
	f := mivet.Finding{
		Severity:      severityOf(p, h, &reach),
		Subject:       p.SubjectOf(h.Holder),
		Discriminator: discriminator(h),
		Message:       fmt.Sprintf("%s, %s, holds %s at %s", p.Name(h.Holder), natureWords(p, h), h.Role.Label, p.ScopeWords(a.Scope)),
		Source:        a.Source,
		Evidence:      []mivet.Evidence{p.HoldingFact(h)},
		Reach:         &reach,
	}
	words := powers.Words(vet.Privileged)
	unless, unread := p.Unless(h)
	f.Evidence = append(f.Evidence, powerFact(h, words))
	f.Evidence = append(f.Evidence, carrierFacts(p, h.Holder)...)
	f.Evidence = append(f.Evidence, unread...)
	f.Consequence = fmt.Sprintf("code that runs there can %s%s; it %s", vet.ReachWords(&reach), unless, vet.AtMost(words, 2))
	f.Fix = smallerFix(p, a, p.Replace(a))
	if len(h.Via) > 0 {
		f.Fix.Check = "what the other members of the group need, and " + f.Fix.Check
	}
	return f
}

// natureWords says what a holder is. Of one that a change will make nothing is known
// where no fact says what it belongs to.
func natureWords(p *vet.Pass, h *vet.Holding) string {
	_, later := h.Holder.Symbolic()
	if later && p.Index().Identity(h.Holder) == nil && p.Index().Principal(h.Holder) == nil && h.Assignment.PrincipalType == "" {
		return "which is known only after apply"
	}
	return "the " + p.Nature(h.Holder, h.Assignment.PrincipalType).String() + carried(p, h.Holder)
}

// carried says where an identity is attached.
func carried(p *vet.Pass, id mivet.PrincipalID) string {
	m := p.Index().Identity(id)
	if m == nil {
		return ""
	}
	carriers := p.Carriers(m)
	switch len(carriers) {
	case 0:
		return ""
	case 1:
		return " of " + vet.TypeWords(carriers[0].ID.Type()) + " " + carriers[0].ID.Name()
	}
	return " of " + vet.Count(len(carriers), "resource")
}

// carrierFacts are the attachments of an identity as evidence.
func carrierFacts(p *vet.Pass, id mivet.PrincipalID) []mivet.Evidence {
	m := p.Index().Identity(id)
	if m == nil {
		return nil
	}
	var out []mivet.Evidence
	for _, r := range p.Carriers(m) {
		out = append(out, mivet.Evidence{
			Kind: mivet.Configured, Source: r.Source,
			Fact: fmt.Sprintf("%s %s carries %s", vet.TypeWords(r.ID.Type()), r.ID.Name(), p.Name(id)),
		})
	}
	return out
}
