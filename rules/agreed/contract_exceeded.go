// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_exceeded.md
var contractExceededDoc string

// ContractExceeded finds grants that give an identity more than its ceiling.
var ContractExceeded = &vet.Rule{
	ID:       "contract-exceeded",
	Title:    "More access than was agreed on",
	Doc:      contractExceededDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "access-excess-role",
	Needs:    accessNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{leastPrivilege},
	Check:    checkContractExceeded,
}

func checkContractExceeded(p *vet.Pass) error {
	allowed := p.Allowed()
	return present(p, func(x *contract.Binding) {
		if x.Identity.Ceiling == nil {
			return
		}
		bad := false
		for i := range x.Ceiling {
			if g := &x.Ceiling[i]; g.Err != nil {
				bad = true
				undecided(p, x, g.At, "", "a part of its ceiling allows nothing: %v", g.Err)
			}
		}
		diff, err := x.Excess(p.Engine(), allowed)
		if err != nil {
			undecided(p, x, x.Place("ceiling"), mivet.FactIdentities, "%v", err)
			return
		}
		for i := range diff.Undecided {
			if e := &diff.Undecided[i]; e.A != "" {
				undecided(p, x, x.Place("ceiling"), "", "what %s gives at %s: %s", vet.List(e.By), p.ScopeWords(e.Scope), e.Why)
				bad = true
			}
		}
		switch {
		case len(diff.OnlyA) > 0:
			reportExcess(p, x, diff.OnlyA)
		case !bad:
			p.Pass()
		}
	})
}

// operations lists some operations.
func operations(ops []arm.Operation) string {
	words := make([]string, len(ops))
	for i := range ops {
		words[i] = ops[i].String()
	}
	return vet.AtMost(words, 3)
}

// reportExcess makes a finding of each grant that gives more than the ceiling.
func reportExcess(p *vet.Pass, x *contract.Binding, extras []authz.Extra) {
	for r := range p.Engine().WhatCan(authz.WhatCanQuery{Principal: x.Held}) {
		var mine []authz.Extra
		for i := range extras {
			e := &extras[i]
			if e.A == x.Held && (p.Covers(r.Scope, e.Scope) || r.Scope.IsZero()) && gives(&r, e) {
				mine = append(mine, *e)
			}
		}
		if len(mine) > 0 {
			p.Report(excessFinding(p, x, &r, mine))
		}
	}
}

// gives reports whether a grant gives an operation of those.
func gives(r *authz.Right, e *authz.Extra) bool {
	return slices.ContainsFunc(e.Operations, func(op arm.Operation) bool { return r.Gives(op, e.Plane) == authz.Allowed })
}

func excessFinding(p *vet.Pass, x *contract.Binding, r *authz.Right, extras []authz.Extra) mivet.Finding {
	what, severity := "reading", mivet.SeverityMedium
	ranks := [4][]arm.Operation{} // what weighs most first
	scopes := []string{}
	for i := range extras {
		for _, op := range extras[i].Operations {
			if r.Gives(op, extras[i].Plane) != authz.Allowed {
				continue
			}
			rank := 0
			if extras[i].Plane != mivet.PlaneData {
				rank = 2
			}
			if lastWord(op) == "read" {
				rank++
			} else {
				what, severity = "more than reading", mivet.SeverityHigh
			}
			ranks[rank] = append(ranks[rank], op)
		}
		if s := p.ScopeWords(extras[i].Scope); !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	ops := slices.Concat(ranks[:]...)
	reason := authz.Reason{Policy: r.Policy, Local: r.Local, RoleName: r.RoleName, Scope: r.Scope}
	f := mivet.Finding{
		Severity: severity, Subject: subjectOf(x), Source: r.Source,
		Discriminator: strings.Join([]string{r.RoleName, string(r.Scope.Key()), r.Source.String()}, "|"),
		Message:       fmt.Sprintf("%s has %s, which gives %s beyond its ceiling: %s", x.Name, grantWords(p, &reason), vet.Count(len(ops), "operation"), operations(ops)),
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s holds %s", x.Name, grantWords(p, &reason))},
			agreedFact(x.Place("ceiling"), "what %s may do at most", x.Name),
			{Kind: mivet.Predicted, Source: r.Source, Fact: fmt.Sprintf("beyond the ceiling it can do %s at %s", operations(ops), vet.AtMost(scopes, 2))},
		},
		Consequence: fmt.Sprintf("whoever comes to act as %s can do %s that nobody agreed on", x.Name, what),
		Fix: mivet.Fix{
			Summary: "take the grant away and give what the ceiling holds, or agree on more, with a reason",
			Check:   "that the access tests of the contract pass without it",
		},
	}
	if gone, ok := removal(r.Assignment, r.Policy, r.Local); ok && len(r.Via) <= 1 {
		f.Fix.Edits = append(instead(p, x, r), gone)
	} else {
		f.Fix.Command = "mivet what-can " + x.Name
	}
	return f
}

func lastWord(op arm.Operation) string {
	s := string(op.Key())
	return s[strings.LastIndexByte(s, '/')+1:]
}

// instead gives the roles of the ceiling that lie below a grant, before that goes.
func instead(p *vet.Pass, x *contract.Binding, r *authz.Right) []mivet.Edit {
	var out []mivet.Edit
	for i := range x.Ceiling {
		g := &x.Ceiling[i]
		if g.Err != nil || g.Role == "" || g.Condition != "" || r.Scope.IsZero() || !p.Covers(r.Scope, g.Scope.ID) {
			continue
		}
		role := contract.RoleOf(g.Role, p.Snapshot, p.Catalog)
		if role == nil {
			continue
		}
		a := assignmentOf(x, role, g)
		held := slices.ContainsFunc(p.Snapshot.RoleAssignments, func(o mivet.RoleAssignment) bool {
			return o.Principal == a.Principal && o.Scope.Equal(a.Scope) && (o.Role == a.Role || arm.Fold(o.RoleName) == arm.Fold(a.RoleName) && o.Role == "")
		})
		if !held {
			out = append(out, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: a})
		}
	}
	return out
}
