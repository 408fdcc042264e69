// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed unrecorded_grant.md
var unrecordedGrantDoc string

// UnrecordedGrant finds broad grants of which nobody wrote down why.
var UnrecordedGrant = &vet.Rule{
	ID:       "unrecorded-grant",
	Title:    "Broad grant without a recorded reason",
	Doc:      unrecordedGrantDoc,
	Category: "agreed",
	Severity: mivet.SeverityLow,
	Class:    "access-broad-scope",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources:  []vet.Citation{limits},
	Check:    checkUnrecorded,
}

// broad are the powers that need a reason.
const broad = vet.WritesMost | vet.DataMost | vet.GrantsRoles | vet.EditsRoles

func checkUnrecorded(p *vet.Pass) error {
	for _, a := range p.Assignments() {
		if !p.Holds(a) || !wide(a.Scope) || !p.Role(a).Powers.Any(broad) || a.Condition != "" {
			continue
		}
		switch {
		case a.Description != "":
			p.Pass()
		case a.DescriptionUnknown:
			p.Unassessed(unreadReason(p, a))
		default:
			p.Report(unrecordedFinding(p, a))
		}
	}
	return nil
}

// unreadReason says that a description may be there.
func unreadReason(p *vet.Pass, a *mivet.RoleAssignment) vet.Undecided {
	return vet.Undecided{
		Subject: p.SubjectOf(a.Principal), Source: a.Source, Facts: mivet.FactRoleAssignments,
		Reason: fmt.Sprintf("whether anything says why it has %s over %s is not known: the input does not tell the description of the assignment",
			p.Role(a).Label, p.ScopeWords(a.Scope)),
		Permission: "Microsoft.Authorization/roleAssignments/read",
	}
}

func wide(scope arm.ID) bool {
	switch scope.Level() {
	case arm.LevelRoot, arm.LevelManagementGroup, arm.LevelSubscription, arm.LevelResourceGroup:
		return true
	case arm.LevelNone, arm.LevelResource, arm.LevelTenantResource:
	}
	return false
}

// reasonForm is what a person must fill in.
const reasonForm = "<why, for whom, until when>"

func unrecordedFinding(p *vet.Pass, a *mivet.RoleAssignment) mivet.Finding {
	h := vet.Holding{Holder: a.Principal, Assignment: a, Role: p.Role(a), Surely: true}
	reach := p.ReachOf([]vet.Holding{h})
	role := string(a.Role)
	if role == "" {
		role = string(arm.Fold(a.RoleName))
	}
	described := *a
	described.Description = reasonForm
	return mivet.Finding{
		Subject: p.SubjectOf(a.Principal), Discriminator: role + "|" + string(a.Scope.Key()), Source: a.Source, Reach: &reach,
		Message: fmt.Sprintf("nothing says why %s has %s over %s", p.Name(a.Principal), h.Role.Label, p.ScopeWords(a.Scope)),
		Evidence: []mivet.Evidence{
			p.HoldingFact(&h),
			{Kind: mivet.Configured, Source: a.Source, Fact: "the assignment has no description" + made(a)},
		},
		Consequence: "a review can neither keep nor remove it: nobody knows who would miss it",
		Fix: mivet.Fix{
			Summary: "write into the assignment's description why it is there, for whom and until when, or remove it",
			Edits:   []mivet.Edit{{Kind: mivet.EditDescribeAssignment, Assignment: &described}},
			Check:   "with its owner; the text is yours to fill in",
		},
	}
}

func made(a *mivet.RoleAssignment) string {
	if a.CreatedOn.IsZero() {
		return ""
	}
	return ", and was created on " + a.CreatedOn.UTC().Format("2006-01-02")
}
