// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed shared_identity.md
var sharedIdentityDoc string

// SharedIdentity finds user-assigned identities that several workloads present, so that
// each has the rights of all.
var SharedIdentity = &vet.Rule{
	ID:       "shared-identity",
	Title:    "User-assigned identity shared across workloads",
	Doc:      sharedIdentityDoc,
	Category: "privilege",
	Severity: mivet.SeverityMedium,
	Class:    "identity-reused",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities, mivet.FactRoleAssignments},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkSharedIdentity,
}

func checkSharedIdentity(p *vet.Pass) error {
	for _, id := range userAssigned(p) {
		carriers := p.Carriers(id)
		if len(carriers) == 0 {
			continue
		}
		groups := workloads(p, carriers)
		if len(groups) < 2 {
			p.Pass()
			continue
		}
		p.Report(sharedFinding(p, id, groups))
	}
	return nil
}

// userAssigned returns the user-assigned identities, each once, in the order of their IDs.
func userAssigned(p *vet.Pass) []*mivet.Identity {
	var out []*mivet.Identity
	for i := range p.Snapshot.Identities {
		if id := &p.Snapshot.Identities[i]; id.Kind == mivet.UserAssigned && p.Index().UserAssigned(id.Resource) == id {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b *mivet.Identity) int {
		return strings.Compare(string(a.Resource.Key()), string(b.Resource.Key()))
	})
	return out
}

// workload is a set of carriers that are one application.
type workload struct{ carriers []*mivet.Resource }

func (w *workload) name() string {
	r := w.carriers[0]
	return vet.TypeWords(r.ID.Type()) + " " + r.ID.Name()
}

// workloads groups the carriers of an identity by their workload.
func workloads(p *vet.Pass, carriers []*mivet.Resource) []workload {
	var out []workload
	for _, w := range p.Workloads(carriers) {
		out = append(out, workload{carriers: w})
	}
	return out
}

func sharedFinding(p *vet.Pass, id *mivet.Identity, groups []workload) mivet.Finding {
	holdings := p.Holdings(id.Principal)
	reach := p.ReachBy(id.Principal)
	mix := mixOf(p, id, holdings)
	names := make([]string, len(groups))
	for i := range groups {
		names[i] = groups[i].name()
	}
	name := id.Resource.Name()
	f := mivet.Finding{
		Severity: sharedSeverity(&reach, mix),
		Subject:  mivet.Subject{Resource: id.Resource, Principal: id.Principal, Name: name},
		Message:  fmt.Sprintf("%s present the same identity %s", vet.AtMost(names, 3), name),
		Source:   id.Source,
		Reach:    &reach,
		Consequence: fmt.Sprintf("each can do what all of them need: %s; which needs what is not recorded, and logs do not tell them apart",
			mix.words()),
		Fix: splitFix(id, groups, holdings),
	}
	for i := range groups {
		for _, r := range groups[i].carriers {
			f.Evidence = append(f.Evidence, mivet.Evidence{
				Kind: mivet.Configured, Source: r.Source,
				Fact: fmt.Sprintf("%s %s carries %s", vet.TypeWords(r.ID.Type()), r.ID.Name(), name),
			})
		}
	}
	f.Evidence = append(f.Evidence, mix.evidence...)
	return f
}

// mix is the union of what an identity holds.
type mix struct {
	control, data []string
	evidence      []mivet.Evidence
}

func mixOf(p *vet.Pass, id *mivet.Identity, holdings []vet.Holding) mix {
	var m mix
	for i := range holdings {
		h := &holdings[i]
		what := h.Role.Label + " at " + p.ScopeWords(h.Scope())
		if h.Role.Powers.Has(vet.UsesData) && !p.Idle(h) {
			m.data = append(m.data, what)
		}
		if h.Role.Powers.Has(vet.Writes) {
			m.control = append(m.control, what)
		}
		m.evidence = append(m.evidence, p.HoldingFact(h))
	}
	for _, a := range p.Policies(id.Principal) {
		if id.Principal == "" {
			break
		}
		what := "an access policy of the key vault " + a.Vault.Name()
		m.data = append(m.data, what)
		m.evidence = append(m.evidence, mivet.Evidence{
			Kind: mivet.Configured, Source: a.Source, Fact: fmt.Sprintf("%s has %s", p.Name(id.Principal), what),
		})
	}
	slices.Sort(m.data)
	return m
}

func (m *mix) words() string {
	switch {
	case len(m.control) > 0 && len(m.data) > 0:
		return fmt.Sprintf("%s on the control plane, mixed with %s on the data plane", vet.AtMost(m.control, 1), vet.AtMost(m.data, 1))
	case len(m.control) > 0:
		return vet.AtMost(m.control, 3) + " on the control plane"
	case len(m.data) > 0:
		return vet.AtMost(m.data, 3) + " on the data plane"
	case len(m.evidence) > 0:
		return "reading what Resource Manager shows"
	}
	return "nothing yet, and everything that will be granted"
}

// sharedSeverity rises with what each workload gets from the others.
func sharedSeverity(r *mivet.Reach, m mix) mivet.Severity {
	switch {
	case r.Grants:
		return mivet.SeverityCritical
	case r.Changes >= manyResources, len(m.control) > 0 && len(m.data) > 0:
		return mivet.SeverityHigh
	case len(m.control)+len(m.data) > 1:
		return mivet.SeverityMedium
	}
	return mivet.SeverityLow
}

// splitFix gives every workload but the first an identity of its own with the same
// rights, so that nothing breaks, and takes the shared one from it.
func splitFix(id *mivet.Identity, groups []workload, holdings []vet.Holding) mivet.Fix {
	var edits []mivet.Edit
	for _, w := range groups[1:] {
		for _, r := range w.carriers {
			edits = append(edits, vet.OwnIdentity(r, id.Resource, holdings)...)
		}
	}
	return mivet.Fix{
		Summary: fmt.Sprintf("give %s an identity of its own with the same roles, then take away what it does not use",
			workloadNames(groups[1:])),
		Edits: edits,
		Check: "that no code selects the identity by its client ID",
	}
}

func workloadNames(groups []workload) string {
	names := make([]string, len(groups))
	for i := range groups {
		names[i] = groups[i].name()
	}
	return vet.AtMost(names, 2)
}
