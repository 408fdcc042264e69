// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_access_missing.md
var contractAccessMissingDoc string

// ContractAccessMissing finds access tests of a contract that must pass and do not.
var ContractAccessMissing = &vet.Rule{
	ID:       "contract-access-missing",
	Title:    "Access that was agreed on and is not there",
	Doc:      contractAccessMissingDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "contract-violated",
	Needs:    accessNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{leastPrivilege},
	Check:    checkContractAccessMissing,
}

func checkContractAccessMissing(p *vet.Pass) error {
	return present(p, func(x *contract.Binding) {
		for i := range x.Tests {
			if t := &x.Tests[i]; t.Allowed {
				checkAccess(p, x, t)
			}
		}
	})
}

// askable reports whether an access test can be put, and says why not.
func askable(p *vet.Pass, x *contract.Binding, t *contract.BoundTest) bool {
	switch {
	case t.Err != nil:
		undecided(p, x, t.At, "", "%s cannot be asked: %v", t, t.Err)
	case x.Held == "":
		undecided(p, x, t.At, mivet.FactIdentities, "%s: its principal is not known", t)
	default:
		return true
	}
	return false
}

func checkAccess(p *vet.Pass, x *contract.Binding, t *contract.BoundTest) {
	if !askable(p, x, t) {
		return
	}
	r := requestOf(x, t)
	switch d := p.Engine().Check(r); d.Effect {
	case authz.Allowed:
		p.Pass()
	case authz.Unknown:
		e := p.Engine().Explain(r)
		words, facts := missingWords(&e)
		undecided(p, x, t.At, facts, "%s: %s", t, words)
	case authz.Denied:
		p.Report(accessFinding(p, x, t, &d))
	}
}

func accessFinding(p *vet.Pass, x *contract.Binding, t *contract.BoundTest, d *authz.Decision) mivet.Finding {
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, t.At), Discriminator: testKey(t),
		Message: fmt.Sprintf("%s must be able to %s on %s, and is not: %s", x.Name, t.Access, t.Target.ID.Name(), d.Cause),
		Evidence: []mivet.Evidence{
			agreedFact(t.At, "%s %s", x.Name, t),
			{Kind: mivet.Predicted, Source: x.Fact, Fact: fmt.Sprintf("%s on %s is denied: %s", t.Question.Operation, t.Target.ID, d.Cause)},
		},
		Consequence: "the workload is refused when it asks",
		Fix: mivet.Fix{
			Summary: "grant what the ceiling holds for it",
			Check:   "that nothing denies it, and that the vault or account counts roles",
			Command: fmt.Sprintf("mivet can %s %s %s --explain", x.Held, t.Question.Operation, t.Target.ID),
		},
	}
	a := ceilingRole(p, x, t)
	if a == nil && x.Identity.Ceiling == nil {
		if role := p.SmallestRole(t.Question.Operation, t.Question.Plane); role != nil {
			f.Fix.Summary = "grant the smallest role that gives it"
			a = &mivet.RoleAssignment{Role: role.ID, RoleName: role.Name, Principal: x.Held, PrincipalType: mivet.TypeServicePrincipal, Scope: t.Target.ID}
		}
	}
	if a != nil && d.Cause != authz.CauseDeny {
		f.Fix.Edits, f.Fix.Command = []mivet.Edit{{Kind: mivet.EditAddAssignment, Assignment: a}}, ""
	}
	return f
}

// testKey tells the tests of one identity apart.
func testKey(t *contract.BoundTest) string {
	return string(t.Question.Operation.Key()) + "|" + string(t.Target.ID.Key())
}
