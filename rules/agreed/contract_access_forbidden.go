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

//go:embed contract_access_forbidden.md
var contractAccessForbiddenDoc string

// ContractAccessForbidden finds access tests of a contract that must fail and do not.
var ContractAccessForbidden = &vet.Rule{
	ID:       "contract-access-forbidden",
	Title:    "Access that was ruled out and is there",
	Doc:      contractAccessForbiddenDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "access-excess-role",
	Needs:    accessNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{leastPrivilege},
	Check:    checkContractAccessForbidden,
}

func checkContractAccessForbidden(p *vet.Pass) error {
	return present(p, func(x *contract.Binding) {
		for i := range x.Tests {
			if t := &x.Tests[i]; !t.Allowed {
				checkForbidden(p, x, t)
			}
		}
	})
}

func checkForbidden(p *vet.Pass, x *contract.Binding, t *contract.BoundTest) {
	if !askable(p, x, t) {
		return
	}
	r := requestOf(x, t)
	e := p.Engine().Explain(r)
	switch e.Effect {
	case authz.Allowed:
		p.Report(forbiddenFinding(p, x, t, &e))
	case authz.Unknown:
		words, facts := missingWords(&e)
		undecided(p, x, t.At, facts, "%s: %s", t, words)
	case authz.Denied:
		if way := openWay(&e); way != nil {
			p.Report(aroundFinding(x, t, way))
			return
		}
		p.Pass()
	}
}

// openWay is a way to the same data that is open although the access itself is denied.
func openWay(e *authz.Explanation) *authz.Bypass {
	for i := range e.Bypasses {
		if e.Bypasses[i].Effect == authz.Allowed {
			return &e.Bypasses[i]
		}
	}
	return nil
}

func forbiddenFinding(p *vet.Pass, x *contract.Binding, t *contract.BoundTest, e *authz.Explanation) mivet.Finding {
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, t.At), Discriminator: testKey(t),
		Message:     fmt.Sprintf("%s must not be able to %s on %s, and is", x.Name, t.Access, t.Target.ID.Name()),
		Evidence:    []mivet.Evidence{agreedFact(t.At, "%s %s", x.Name, t)},
		Consequence: fmt.Sprintf("whoever comes to act as %s can do what was ruled out", x.Name),
		Fix: mivet.Fix{
			Summary: "take the grant away, or narrow it",
			Check:   "that the access tests that must pass do so without it",
			Command: fmt.Sprintf("mivet can %s %s %s --explain", x.Held, t.Question.Operation, t.Target.ID),
		},
	}
	for i := range e.Reasons {
		r := &e.Reasons[i]
		if r.Outcome != authz.Grants {
			continue
		}
		f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s holds %s", x.Name, grantWords(p, r))})
		if gone, ok := removal(r.Assignment, r.Policy, r.Local); ok && len(r.Via) <= 1 {
			f.Fix.Edits, f.Fix.Command = append(f.Fix.Edits, gone), ""
		}
	}
	return f
}

// aroundFinding is about a key or a grant of its own that leads to the same data.
func aroundFinding(x *contract.Binding, t *contract.BoundTest, way *authz.Bypass) mivet.Finding {
	f := mivet.Finding{
		Subject: subjectOf(x), Source: placeOf(x, t.At), Discriminator: testKey(t) + "|around",
		Message:     fmt.Sprintf("%s must not be able to %s on %s, and comes to it another way: %s", x.Name, t.Access, t.Target.ID.Name(), way.Yields),
		Evidence:    []mivet.Evidence{agreedFact(t.At, "%s %s", x.Name, t)},
		Consequence: fmt.Sprintf("whoever comes to act as %s can do what was ruled out, in two steps", x.Name),
		Fix: mivet.Fix{
			Summary: "take away the right that opens the way, or close it at the service",
			Check:   "who else uses it",
			Command: fmt.Sprintf("mivet can %s %s %s --explain", x.Held, t.Question.Operation, t.Target.ID),
		},
	}
	for _, s := range way.Steps {
		f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Predicted, Source: x.Fact, Fact: fmt.Sprintf("it may do %s at %s", s.Operation, s.Resource)})
	}
	return f
}
