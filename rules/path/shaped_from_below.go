// SPDX-License-Identifier: Apache-2.0

package path

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/vet"
)

//go:embed shaped_from_below.md
var shapedFromBelowDoc string

// ShapedFromBelow finds workloads that an identity of a less trusted environment can change,
// and so act as.
var ShapedFromBelow = &vet.Rule{
	ID:       "shaped-from-below",
	Title:    "Workload that a less trusted environment shapes",
	Doc:      shapedFromBelowDoc,
	Category: "path",
	Severity: mivet.SeverityHigh,
	Class:    "identity-crosses-environments",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactResources, mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkShapedFromBelow,
}

// trust orders the environments that are known by name: code moves up, and rights do not.
var trust = map[string]int{"sandbox": 1, "development": 2, "test": 3, "qa": 3, "uat": 4, "staging": 5, "production": 6}

func checkShapedFromBelow(p *vet.Pass) error {
	g, err := paths(p)
	if g == nil || err != nil {
		return err
	}
	for _, id := range p.Identities() {
		home, rank := homeOf(p, id)
		if rank == 0 || id.Principal == "" {
			continue // that no environment is known at all, crosses-environments tells
		}
		found := false
		g.Direct(id.Principal, func(at arm.ID, to mivet.PrincipalID, step func() execpath.Step) bool {
			there := p.Environment(at)
			if to == id.Principal || trust[there] <= rank {
				return true
			}
			found = true
			s := step()
			p.Report(shapedFromBelow(p, id, home, at, there, &s))
			return false // one is enough: the fix is the same
		})
		if !found {
			p.Pass()
		}
	}
	return nil
}

// homeOf is the least trusted environment in which an identity is presented.
func homeOf(p *vet.Pass, id *mivet.Identity) (home string, rank int) {
	for _, r := range p.Carriers(id) {
		e := p.Environment(r.ID)
		if n := trust[e]; n > 0 && (rank == 0 || n < rank) {
			home, rank = e, n
		}
	}
	return home, rank
}

func shapedFromBelow(p *vet.Pass, id *mivet.Identity, home string, at arm.ID, there string, s *execpath.Step) mivet.Finding {
	from, to := p.Name(id.Principal), p.Name(s.To)
	f := mivet.Finding{
		Severity: mivet.SeverityHigh, Subject: p.SubjectOf(id.Principal), Discriminator: string(at.Key()),
		Message:     fmt.Sprintf("%s, of %s, can act as %s, of %s, at %s", from, home, to, there, at.Name()),
		Evidence:    stepFacts(p, s),
		Consequence: fmt.Sprintf("whoever may run code in %s runs code in %s", home, there),
	}
	reach := p.ReachBy(s.To)
	f.Reach = &reach
	cutStep(p, &f, s)
	return f
}
