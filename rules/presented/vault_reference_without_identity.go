// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed vault_reference_without_identity.md
var vaultReferenceDoc string

// VaultReferenceWithoutIdentity finds references to a vault that no identity can resolve.
var VaultReferenceWithoutIdentity = &vet.Rule{
	ID:       "vault-reference-without-identity",
	Title:    "A Key Vault reference that no identity resolves",
	Doc:      vaultReferenceDoc,
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
	},
	Check: checkVaultReferences,
}

const referenceProperty = "keyVaultReferenceIdentity"

func checkVaultReferences(p *vet.Pass) error {
	for _, w := range carriers(p, sites, func(r *mivet.Resource) bool { return r.Detail != nil }) {
		env, _ := w.Variables()
		names := references(env)
		if len(names) == 0 {
			continue
		}
		value, read := w.Resource.Setting(referenceProperty)
		switch {
		case w.System != nil && !read:
			p.Pass() // the default works, whatever else may be selected
		case !read:
			p.Unassessed(vet.Undecided{Subject: mivet.Subject{Resource: w.Resource.ID, Name: w.Resource.ID.Name()}, Source: w.Resource.Source, Reason: "the property " + referenceProperty + " was not read"})
		case usable(w, value):
			p.Pass()
		default:
			p.Report(referenceFinding(w, names, value))
		}
	}
	return nil
}

func sites(resourceType string) bool {
	t := string(arm.Fold(resourceType))
	return t == "microsoft.web/sites" || t == "microsoft.web/sites/slots"
}

// references names the settings that refer to a vault.
func references(env map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.HasPrefix(strings.ToLower(env[name]), "@microsoft.keyvault(") {
			out = append(out, name)
		}
	}
	return out
}

// usable reports whether the identity of references is attached.
func usable(w *effective.Carrier, value string) bool {
	all, err := w.Selections()
	return err == nil && slices.ContainsFunc(all, func(c effective.Consumer) bool {
		return c.Path == referenceProperty && c.Value == value && c.Status == effective.Presents
	})
}

func referenceFinding(w *effective.Carrier, names []string, value string) mivet.Finding {
	r := w.Resource
	selected := "nothing is selected, which means the system-assigned identity"
	if value != "" && value != "null" {
		selected = referenceProperty + " is " + value
	}
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source,
		Message:     fmt.Sprintf("%s refers to a vault in %s, and the identity for that is not attached", what(r), vet.AtMost(names, 3)),
		Consequence: "the code sees the text @Microsoft.KeyVault(...) in place of the secret",
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: r.Source, Fact: selected},
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s carries %s", what(r), orNothing(carried(w)))},
		},
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("set %s of %s to the resource ID of an attached identity, or enable its system-assigned one", referenceProperty, what(r)),
			Check:   "that the identity may read the secrets",
			Command: "az resource update --ids " + r.ID.String() + " --set properties." + referenceProperty + "=IDENTITY-RESOURCE-ID",
		},
	}
	if w.System == nil && len(w.User) == 1 {
		f.Fix.Summary = fmt.Sprintf("let %s resolve the references of %s", w.User[0].Name, what(r))
		f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditSetSetting, Resource: r.ID, Name: referenceProperty, Value: w.User[0].Resource}}
	}
	return f
}

func orNothing(s string) string {
	if s == "" {
		return "no identity"
	}
	return s
}
