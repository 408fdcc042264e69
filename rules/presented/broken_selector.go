// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed broken_selector.md
var brokenSelectorDoc string

// BrokenSelector finds properties that select an identity which the resource cannot
// present.
var BrokenSelector = &vet.Rule{
	ID:       "broken-selector",
	Title:    "A selector that no attached identity answers to",
	Doc:      brokenSelectorDoc,
	Category: "presented",
	Severity: mivet.SeverityHigh,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Use Key Vault references as app settings", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/azure/app-service/app-service-key-vault-references",
		},
		{
			Title: "Managed identities in Azure Container Apps", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/azure/container-apps/managed-identity",
		},
	},
	Check: checkSelectors,
}

func checkSelectors(p *vet.Pass) error {
	for _, w := range carriers(p, selects, func(r *mivet.Resource) bool { return r.Detail != nil && len(r.Detail.Settings) > 0 }) {
		all, err := w.Selections()
		if err != nil {
			return err
		}
		for i := range all {
			switch c := &all[i]; c.Status {
			case effective.Wrong:
				p.Report(selectorFinding(w.Resource, c))
			case effective.Presents:
				p.Pass()
			case effective.NoneUsed, effective.Ambiguous, effective.NotRead, effective.AsWritten:
			}
		}
	}
	return nil
}

// selects reports whether a property of resources of that type selects an identity.
func selects(resourceType string) bool {
	all, err := effective.Selectors(resourceType)
	return err != nil || len(all) > 0 // an error is told where the selectors are used
}

func selectorFinding(r *mivet.Resource, c *effective.Consumer) mivet.Finding {
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source,
		Discriminator: c.Path,
		Message:       fmt.Sprintf("%s selects by %s an identity that it cannot present: %s", what(r), c.Path, c.Why),
		Consequence:   c.Effect,
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s of %s is %q", c.Path, what(r), c.Value)},
			{Kind: mivet.Predicted, Source: r.Source, Fact: c.Why},
		},
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("attach the identity that is meant to %s, or write the %s ID of one that is attached into %s", what(r), string(c.Kind), c.Path),
			Check:   "which identity is meant, and that it holds what it needs",
			Command: "az resource show --ids " + r.ID.String() + " --query \"[identity,properties." + c.Path + "]\"",
		},
	}
	if c.Meant != "" {
		f.Fix.Summary = fmt.Sprintf("write the %s ID of the same identity into %s of %s", string(c.Kind), c.Path, what(r))
		f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditSetSetting, Resource: r.ID, Name: c.Path, Value: c.Meant}}
	}
	if f.Consequence == "" {
		f.Consequence = "what uses the identity gets no token, or another one than is meant"
	}
	return f
}
