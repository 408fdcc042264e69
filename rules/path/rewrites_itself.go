// SPDX-License-Identifier: Apache-2.0

package path

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/vet"
)

//go:embed rewrites_itself.md
var rewritesItselfDoc string

// RewritesItself finds identities that can change the code, the settings or the content of
// the workload that presents them.
var RewritesItself = &vet.Rule{
	ID:       "rewrites-itself",
	Title:    "Identity that can rewrite its own workload",
	Doc:      rewritesItselfDoc,
	Category: "path",
	Severity: mivet.SeverityMedium,
	Class:    "execution-path-write",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactResources, mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkRewritesItself,
}

func checkRewritesItself(p *vet.Pass) error {
	g, err := paths(p)
	if g == nil || err != nil {
		return err
	}
	found := map[mivet.PrincipalID]bool{}
	for _, s := range g.Selves() {
		found[s.From] = true
		name := p.Name(s.From)
		f := mivet.Finding{
			Severity: mivet.SeverityMedium, Subject: p.SubjectOf(s.From), Discriminator: string(s.Host.Key()),
			Message:     fmt.Sprintf("%s can change what runs as %s, at %s", name, name, s.Host.Name()),
			Evidence:    stepFacts(p, &s),
			Consequence: "who breaks into the workload once changes its code for good, and stays when the hole is closed",
		}
		cutStep(p, &f, &s)
		p.Report(f)
	}
	for _, id := range p.Workers() {
		if !found[id] {
			p.Pass()
		}
	}
	return nil
}

// scanUpTo is up to how many resources a scan follows paths: joining a larger tenant takes
// longer than everything else in it.
const scanUpTo = 50_000

// paths are those of the pass; nil, and told as not decided, for a tenant that is too large
// for a scan.
func paths(p *vet.Pass) (*execpath.Graph, error) {
	if n := len(p.Snapshot.Resources); n > scanUpTo {
		p.Unassessed(vet.Undecided{
			Subject: mivet.Subject{Name: "the tenant"},
			Reason:  fmt.Sprintf("a scan follows paths up to %d resources, and there are %d: ask mivet who-can-act-as about single identities", scanUpTo, n),
		})
		return nil, nil
	}
	return p.Paths()
}

// stepFacts are the statements that a step rests on.
func stepFacts(p *vet.Pass, s *execpath.Step) []mivet.Evidence {
	var out []mivet.Evidence
	for i := range s.Rights {
		r := &s.Rights[i]
		for k := range r.Reasons {
			x := &r.Reasons[k]
			out = append(out, mivet.Evidence{
				Kind: mivet.Configured, Source: x.Source,
				Fact: fmt.Sprintf("%s holds %s at %s, which gives %s", p.Name(x.Via[len(x.Via)-1]), x.RoleName, p.ScopeWords(x.Scope), r.Operation),
			})
			break
		}
	}
	if l := s.Link; l != nil {
		out = append(out, mivet.Evidence{Kind: mivet.Configured, Source: l.Source, Fact: fmt.Sprintf("%s loads %s (%s)", l.Workload.Name(), l.Value, l.Setting)})
	}
	return append(out, mivet.Evidence{Kind: mivet.Predicted, Source: s.Source, Fact: s.Technique + ": " + s.How})
}

// cutStep gives a finding its place, and the fix that takes the right away.
func cutStep(p *vet.Pass, f *mivet.Finding, s *execpath.Step) {
	f.Source = s.Source
	f.Fix = mivet.Fix{
		Summary: "take the right away from " + p.Name(s.From),
		Check:   "the access tests of " + p.Name(s.From) + " still pass",
	}
	a := s.Assignment()
	if a == nil {
		return
	}
	f.Source = a.Source
	gone := *a
	f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: &gone}}
}
