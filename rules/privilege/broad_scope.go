// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed broad_scope.md
var broadScopeDoc string

// BroadScope finds roles that can change nearly everything, or grant any role, at a
// resource group or wider.
var BroadScope = &vet.Rule{
	ID:       "broad-scope",
	Title:    "Broad role at a broad scope",
	Doc:      broadScopeDoc,
	Category: "privilege",
	Severity: mivet.SeverityMedium,
	Class:    "access-broad-scope",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources:  []vet.Citation{overview, scopes},
	Check:    checkBroadScope,
}

// broad are the powers that make a role broad.
const broad = vet.WritesMost | vet.DataMost | vet.GrantsRoles

func checkBroadScope(p *vet.Pass) error {
	for _, a := range p.Assignments() {
		if !wide(a.Scope) || !p.Holds(a) || p.Deleted(a) { // of a deleted one orphaned-assignment tells
			continue
		}
		checkBreadth(p, a)
	}
	return nil
}

// wide reports whether a scope holds more than one resource by its nature.
func wide(scope arm.ID) bool {
	switch scope.Level() {
	case arm.LevelRoot, arm.LevelManagementGroup, arm.LevelSubscription, arm.LevelResourceGroup:
		return true
	case arm.LevelNone, arm.LevelResource, arm.LevelTenantResource:
	}
	return false
}

func checkBreadth(p *vet.Pass, a *mivet.RoleAssignment) {
	h := vet.Holding{Holder: a.Principal, Assignment: a, Role: p.Role(a), Surely: a.Condition == ""}
	if h.Role.Definition == nil {
		p.Unassessed(unknownRole(p, &h))
		return
	}
	surely, unknown := p.Powers(&h)
	switch {
	case surely.Any(broad):
		p.Report(broadFinding(p, &h, surely))
	case unknown.Any(broad):
		p.Unassessed(undecidable(p, &h))
	default:
		p.Pass()
	}
}

// unknownRole says that a role's content was not read.
func unknownRole(p *vet.Pass, h *vet.Holding) vet.Undecided {
	return vet.Undecided{
		Subject: p.SubjectOf(h.Holder), Source: h.Assignment.Source, Facts: mivet.FactRoleDefinitions,
		Reason:     fmt.Sprintf("what the role %s permits is not in the input, and no built-in role has that name or ID", h.Role.Label),
		Permission: "Microsoft.Authorization/roleDefinitions/read",
	}
}

// undecidable says why it cannot be told what a holding gives.
func undecidable(p *vet.Pass, h *vet.Holding) vet.Undecided {
	why, facts := p.Undecidable(h)
	return vet.Undecided{
		Subject: p.SubjectOf(h.Holder), Source: h.Assignment.Source, Facts: facts,
		Reason: fmt.Sprintf("how much of %s at %s it can use is not known: %s", h.Role.Label, p.ScopeWords(h.Scope()), why),
	}
}

func broadFinding(p *vet.Pass, h *vet.Holding, powers vet.Powers) mivet.Finding {
	a := h.Assignment
	reach := p.ReachOf([]vet.Holding{*h})
	reach.Grants = powers.Has(vet.GrantsRoles)
	unless, unread := p.Unless(h)
	return mivet.Finding{
		Severity:      severityOf(p, h, &reach),
		Subject:       p.SubjectOf(a.Principal),
		Discriminator: discriminator(h),
		Message:       fmt.Sprintf("%s has %s over %s", p.Name(a.Principal), h.Role.Label, p.ScopeWords(a.Scope)),
		Source:        a.Source,
		Evidence:      append(broadEvidence(p, h, powers), unread...),
		Consequence: fmt.Sprintf("whoever acts as %s can %s%s; what is created there later is included",
			p.Name(a.Principal), vet.ReachWords(&reach), unless),
		Fix:   smallerFix(p, a, p.Replace(a)),
		Reach: &reach,
	}
}

// discriminator tells the roles of one principal apart.
func discriminator(h *vet.Holding) string {
	role := string(h.Assignment.Role)
	if role == "" {
		role = string(arm.Fold(h.Assignment.RoleName))
	}
	return role + "|" + string(h.Scope().Key())
}

func broadEvidence(p *vet.Pass, h *vet.Holding, powers vet.Powers) []mivet.Evidence {
	return []mivet.Evidence{p.HoldingFact(h), powerFact(h, powers.Words(broad))}
}

// powerFact says what a role's patterns make of its holder.
func powerFact(h *vet.Holding, words []string) mivet.Evidence {
	return mivet.Evidence{
		Kind: mivet.Predicted, Source: h.Role.Definition.Source,
		Fact: fmt.Sprintf("by its patterns %s %s", h.Role.Label, vet.List(words)),
	}
}

// severityOf computes a severity from what can be touched. A grant to people or their
// groups is one step less than one to an identity, which whoever changes its workload can
// use as well.
func severityOf(p *vet.Pass, h *vet.Holding, r *mivet.Reach) mivet.Severity {
	s := mivet.SeverityMedium
	above := h.Scope().Level() != arm.LevelResourceGroup && h.Scope().Level() != arm.LevelResource
	switch {
	case r.Grants && (above || r.Changes+r.Data >= manyResources):
		s = mivet.SeverityCritical
	case r.Grants, above, r.Changes+r.Data >= manyResources:
		s = mivet.SeverityHigh
	}
	switch p.Nature(h.Holder, h.Assignment.PrincipalType) {
	case vet.NaturePerson, vet.NatureGroup:
		s--
	case vet.NatureIdentity, vet.NatureService, vet.NatureDevice, vet.NatureUnknown:
	}
	return s
}

// manyResources is from how many resources on a resource group counts as more than one
// application.
const manyResources = 100

// smallerFix replaces an assignment by what its access tests need.
func smallerFix(p *vet.Pass, a *mivet.RoleAssignment, r vet.Replacement) mivet.Fix {
	who := p.Name(a.Principal)
	old := fmt.Sprintf("%s at %s", p.Role(a).Label, p.ScopeWords(a.Scope))
	f := mivet.Fix{Edits: r.Edits, Check: fmt.Sprintf("that its access tests are all that %s needs", who)}
	switch {
	case r.Known == 0:
		f.Summary = fmt.Sprintf("take %s from %s, and give it the roles that it uses at the resources that it uses", old, who)
		f.Check = fmt.Sprintf("what %s uses: no access test says it, so look at its log of the last 90 days", who)
	case r.Needed == 0:
		f.Summary = fmt.Sprintf("take %s from %s: its %s without it", old, who, pass(r.Known))
	case r.Edits == nil:
		f.Summary = fmt.Sprintf("replace %s by a custom role with the operations of its %s", old, vet.Count(r.Needed, "access test"))
	default:
		f.Summary = fmt.Sprintf("replace %s by %s, as its %s", old, added(p, r.Edits), asks(r.Needed))
	}
	return f
}

func pass(tests int) string {
	if tests == 1 {
		return "access test passes"
	}
	return vet.Count(tests, "access test") + " pass"
}

func asks(tests int) string {
	if tests == 1 {
		return "access test asks"
	}
	return vet.Count(tests, "access test") + " ask"
}

func added(p *vet.Pass, edits []mivet.Edit) string {
	var roles []string
	for _, e := range edits {
		if e.Kind == mivet.EditAddAssignment {
			roles = append(roles, e.Assignment.RoleName+" at "+p.ScopeWords(e.Assignment.Scope))
		}
	}
	return vet.AtMost(roles, 2)
}
