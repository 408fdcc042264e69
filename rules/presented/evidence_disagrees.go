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

//go:embed evidence_disagrees.md
var evidenceDisagreesDoc string

// EvidenceDisagrees finds workloads of which it was seen at run time that they present
// another identity than is configured or predicted.
var EvidenceDisagrees = &vet.Rule{
	ID:       "evidence-disagrees",
	Title:    "A workload presents another identity than it should",
	Doc:      evidenceDisagreesDoc,
	Category: "presented",
	Severity: mivet.SeverityHigh,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Managed identity sign-in logs", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/entra/identity/monitoring-health/concept-managed-identity-sign-ins",
		},
	},
	Check: checkEvidence,
}

func checkEvidence(p *vet.Pass) error {
	if p.Settings.Evidence == nil {
		return nil
	}
	for _, w := range carriers(p, effective.RunsCode, func(r *mivet.Resource) bool { return !managed(r) }) {
		consumers, err := w.Consumers("", "")
		if err != nil {
			return err
		}
		seen, changed := p.Settings.Evidence(w, consumers)
		if len(seen) == 0 {
			continue
		}
		e := effective.Weigh(append(w.Statements(consumers, p.Snapshot.TakenAt), seen...), changed, "")
		sure := slices.IndexFunc(e.Disagreements, func(d effective.Disagreement) bool { return d.Sure })
		switch {
		case sure >= 0:
			p.Report(evidenceFinding(p, w, e, &e.Disagreements[sure]))
		case len(e.Disagreements) > 0:
			p.Unassessed(vet.Undecided{
				Subject: mivet.Subject{Resource: w.Resource.ID, Name: w.Resource.ID.Name()}, Source: w.Resource.Source,
				Reason: "evidence may disagree, and it is not known when the workload changed last: " + e.Disagreements[0].Why,
			})
		default:
			p.Pass()
		}
	}
	return nil
}

func evidenceFinding(p *vet.Pass, w *effective.Carrier, e *effective.Evidence, d *effective.Disagreement) mivet.Finding {
	r := w.Resource
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source,
		Message:     fmt.Sprintf("what is known of the identity of %s does not agree: %s", what(r), d.Why),
		Consequence: "grants are held by an identity that the workload does not present, and what it does present is not what was reviewed",
		Fix: mivet.Fix{
			Summary: "find out which of the two is right: whether the workload was made again, or its code selects another identity",
			Check:   "that the snapshot is newer than the evidence",
			Command: "mivet identity " + r.ID.String(),
		},
	}
	for i := range e.Statements {
		s := &e.Statements[i]
		f.Evidence = append(f.Evidence, mivet.Evidence{Kind: s.Kind, Source: s.Source, Fact: s.Fact + " (" + string(s.Age) + ")"})
		if (s.Kind == mivet.Observed || s.Kind == mivet.Attested) && len(s.Principals) == 1 {
			if id := detached(p, w, s.Principals[0]); id != nil {
				f.Fix.Summary = fmt.Sprintf("attach %s, which the workload was seen to present, or find out where its token came from", id.Resource.Name())
				f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditAttachIdentity, Resource: r.ID, Identity: id.Resource}}
			}
		}
	}
	return f
}

// detached is the user-assigned identity of a principal, where the workload does not carry
// it by what was read; nil for others.
func detached(p *vet.Pass, w *effective.Carrier, principal mivet.PrincipalID) *mivet.Identity {
	m := p.Index().Identity(principal)
	if m == nil || m.Kind != mivet.UserAssigned ||
		slices.ContainsFunc(w.User, func(u effective.ManagedIdentity) bool { return arm.Fold(u.Resource) == m.Resource.Key() }) {
		return nil
	}
	return m
}
