// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	_ "embed" // the rule's page
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed provider_retired.md
var providerRetiredDoc string

// ProviderRetired finds code whose provider speaks to a service that is there no more.
var ProviderRetired = &vet.Rule{
	ID:       "provider-retired",
	Title:    "Provider that speaks to a retired service",
	Doc:      providerRetiredDoc,
	Category: "hygiene",
	Severity: mivet.SeverityHigh,
	Class:    "identity-orphan-assignment",
	Needs:    []mivet.FactKind{mivet.FactInput},
	Since:    "0.1.0",
	Sources:  []vet.Citation{graphRetirement, graphProvider},
	Check:    checkProviderRetired,
}

// firstGraph is the first version of the provider azuread that speaks to Microsoft Graph
// alone, and graphGone the day on which Azure AD Graph ended.
var firstGraph = version{2, 0, 0}

const graphGone = "2025-07-01"

func checkProviderRetired(p *vet.Pass) error {
	for _, d := range spokesmen(p.Snapshot) {
		subject := mivet.Subject{Resource: d.Resource, Address: d.Address, Name: d.Address}
		switch s, ok := spanOf(d.ProviderVersions); {
		case ok && s.below(firstGraph):
			p.Report(mivet.Finding{
				Severity: mivet.SeverityHigh, Subject: subject, Source: d.Source,
				Message: fmt.Sprintf("azuread %s speaks to Azure AD Graph, which ended on %s", d.ProviderVersions, graphGone),
				Evidence: []mivet.Evidence{{Kind: mivet.Configured, Source: d.Source, Fact: fmt.Sprintf(
					"the code allows azuread %s, and versions before 2.0 use Azure AD Graph", d.ProviderVersions)}},
				Consequence: "no run can read or change what the code says of applications, principals and groups, not even to take access away",
				Fix: mivet.Fix{
					Summary: "raise azuread to 2.0 or later",
					Edits:   []mivet.Edit{{Kind: mivet.EditRaiseProvider, Name: "azuread", Value: "2.0.0"}},
					Check:   "which arguments have other names from 2.0 on: name, reply_urls, homepage and others",
				},
			})
		case ok && s.reaches(firstGraph):
			p.Pass()
		default:
			p.Unassessed(vet.Undecided{
				Subject: subject, Source: d.Source, Facts: mivet.FactInput,
				Reason: fmt.Sprintf("azuread %s allows versions before 2.0 and later ones: .terraform.lock.hcl beside it tells which was chosen", d.ProviderVersions),
			})
		}
	}
	return nil
}

// spokesmen are objects of the provider, the first by address of all with the same versions.
func spokesmen(s *mivet.Snapshot) []*mivet.Declaration {
	first := map[string]*mivet.Declaration{}
	for i := range s.Declarations {
		d := &s.Declarations[i]
		if !strings.HasPrefix(d.Type, "azuread_") || d.ProviderVersions == "" {
			continue
		}
		if old := first[d.ProviderVersions]; old == nil || d.Address < old.Address {
			first[d.ProviderVersions] = d
		}
	}
	return slices.SortedFunc(maps.Values(first), func(a, b *mivet.Declaration) int { return strings.Compare(a.Address, b.Address) })
}
