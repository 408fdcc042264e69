// SPDX-License-Identifier: Apache-2.0

package path

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed content_writers.md
var contentWritersDoc string

// ContentWriters finds those who can change what a workload loads, and so act as its
// identity, without a right on the workload itself.
var ContentWriters = &vet.Rule{
	ID:       "content-writers",
	Title:    "Who writes the content acts as the workload",
	Doc:      contentWritersDoc,
	Category: "path",
	Severity: mivet.SeverityHigh,
	Class:    "execution-path-write",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactResources, mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources: []vet.Citation{{
		Title: "Run your Azure Functions from a package file", Read: "2026-11-30",
		URL: "https://learn.microsoft.com/azure/azure-functions/run-functions-from-deployment-package",
	}},
	Check: checkContentWriters,
}

func checkContentWriters(p *vet.Pass) error {
	g, err := paths(p)
	if g == nil || err != nil {
		return err
	}
	written := map[mivet.PrincipalID]bool{}
	for _, s := range g.Writers() {
		written[s.To] = true
		from, to := p.Name(s.From), p.Name(s.To)
		f := mivet.Finding{
			Severity: mivet.SeverityHigh, Subject: p.SubjectOf(s.To), Discriminator: string(s.From) + " " + string(s.Host.Key()),
			Message:     fmt.Sprintf("%s can act as %s by writing %s, which %s loads", from, to, s.Host.Name(), s.Workload.Name()),
			Evidence:    stepFacts(p, &s),
			Consequence: fmt.Sprintf("everything that %s may do, whoever is in %s can do, and no log names them", to, from),
		}
		reach := p.ReachBy(s.To)
		f.Reach = &reach
		cutStep(p, &f, &s)
		p.Report(f)
	}
	for _, l := range g.Links() {
		r := p.Index().Resource(l.Workload)
		if r != nil && r.Identity != nil && !written[r.Identity.SystemPrincipal] {
			p.Pass()
		}
	}
	return nil
}
