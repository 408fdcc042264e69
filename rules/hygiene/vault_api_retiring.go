// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed vault_api_retiring.md
var vaultAPIRetiringDoc string

// VaultAPIRetiring finds objects of Key Vault that code writes with a version of the
// interface that retires.
var VaultAPIRetiring = &vet.Rule{
	ID:       "vault-api-retiring",
	Title:    "Key vault written with an API version that retires",
	Doc:      vaultAPIRetiringDoc,
	Category: "hygiene",
	Severity: mivet.SeverityMedium,
	Class:    "keyvault-access-policy-escalation",
	Needs:    []mivet.FactKind{mivet.FactInput},
	Since:    "0.1.0",
	Sources:  []vet.Citation{vaultVersions, vaultDefault},
	Check:    checkVaultVersions,
}

// firstLasting is the first version of Key Vault's control plane that stays, and retirement
// the day on which those before it end
// (https://learn.microsoft.com/azure/key-vault/general/migrate-api-version).
const firstLasting = "2026-02-01"

var retirement = time.Date(2027, time.February, 27, 0, 0, 0, 0, time.UTC)

// lastingProvider is the first version of the provider azurerm that writes key vaults with
// firstLasting. It is of 14 July 2026 (hashicorp/terraform-provider-azurerm CHANGELOG-v4.md).
var lastingProvider = version{4, 81, 0}

func checkVaultVersions(p *vet.Pass) error {
	for i := range p.Snapshot.Declarations {
		d := &p.Snapshot.Declarations[i]
		if !isVaultType(d.Resource.Type()) || !writes(d.Actions) {
			continue
		}
		if d.APIVersion == "" {
			checkProvider(p, d)
			continue
		}
		date, _, _ := strings.Cut(d.APIVersion, "-preview")
		switch _, err := time.Parse(time.DateOnly, date); {
		case err != nil:
			p.Unassessed(vet.Undecided{
				Subject: mivet.Subject{Resource: d.Resource, Address: d.Address, Name: d.Resource.Name()}, Source: d.Source, Facts: mivet.FactInput,
				Reason: fmt.Sprintf("its API version is %q, which is no date", d.APIVersion),
			})
		case date < firstLasting:
			p.Report(retiringFinding(p, d))
		default:
			p.Pass()
		}
	}
	return nil
}

// checkProvider looks at the versions of a provider that picks the API version itself.
func checkProvider(p *vet.Pass, d *mivet.Declaration) {
	if d.ProviderVersions == "" {
		return // a state, or a file that says nothing of it
	}
	switch s, ok := spanOf(d.ProviderVersions); {
	case ok && s.below(lastingProvider):
		p.Report(retiringFinding(p, d))
	case ok && s.reaches(lastingProvider):
		p.Pass()
	default:
		p.Unassessed(vet.Undecided{
			Subject: mivet.Subject{Resource: d.Resource, Address: d.Address, Name: d.Resource.Name()}, Source: d.Source, Facts: mivet.FactInput,
			Reason: fmt.Sprintf("azurerm %s allows versions that write it with the API version that retires, and others: .terraform.lock.hcl beside it tells which was chosen", d.ProviderVersions),
		})
	}
}

// isVaultType reports whether a type is one of Key Vault's own: its versions are those of
// all of them.
func isVaultType(typ string) bool {
	provider, _, _ := strings.Cut(string(arm.Fold(typ)), "/")
	return provider == "microsoft.keyvault"
}

// writes reports whether what is declared is still there after the change: a state tells
// no actions, and what is only deleted is not written once more.
func writes(actions []string) bool {
	return len(actions) == 0 || slices.ContainsFunc(actions, func(a string) bool { return a != "delete" && a != "forget" })
}

func retiringFinding(p *vet.Pass, d *mivet.Declaration) mivet.Finding {
	severity, verb := mivet.SeverityMedium, "retires"
	if !p.Now.Before(retirement) {
		severity, verb = mivet.SeverityHigh, "retired"
	}
	day := retirement.Format(time.DateOnly)
	name := vet.TypeWords(d.Resource.Type()) + " " + d.Resource.Name()
	with, fact := "API version "+d.APIVersion+", which", "it is declared with API version "+d.APIVersion
	if d.APIVersion == "" {
		with = fmt.Sprintf("azurerm %s, whose API version", d.ProviderVersions)
		fact = fmt.Sprintf("the code allows azurerm %s, and API version %s is used from 4.81.0 on", d.ProviderVersions, firstLasting)
	}
	f := mivet.Finding{
		Severity: severity, Subject: mivet.Subject{Resource: d.Resource, Address: d.Address, Name: d.Resource.Name()}, Source: d.Source,
		Message:     fmt.Sprintf("%s is written with %s %s on %s", name, with, verb, day),
		Evidence:    []mivet.Evidence{{Kind: mivet.Configured, Source: d.Source, Fact: fact}},
		Consequence: "from that day on Azure refuses the deployment; the vault itself and its data stay",
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("write it with API version %s", firstLasting),
			Edits:   []mivet.Edit{{Kind: mivet.EditSetAPIVersion, Resource: d.Resource, Name: d.Address, Value: firstLasting}},
			Check:   "what else has a version of its own: modules, pipelines, SDKs",
		},
	}
	if d.APIVersion == "" {
		f.Fix.Summary = fmt.Sprintf("raise azurerm to 4.81.0 or later, which uses API version %s", firstLasting)
		f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditRaiseProvider, Name: "azurerm", Value: "4.81.0"}}
		return f // the provider itself writes the permission model
	}
	if arm.Fold(d.Resource.Type()) == arm.Fold(vaultType) && !modelSaid(p.Index().Resource(d.Resource)) {
		f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Configured, Source: d.Source, Fact: "enableRbacAuthorization is not written"})
		f.Consequence += "; with the newer version a new vault uses role assignments where nothing is written, with this one access policies"
		f.Fix.Summary = fmt.Sprintf("write enableRbacAuthorization as the vault has it, then API version %s", firstLasting)
	}
	return f
}

// modelSaid reports whether a vault's permission model is written down.
func modelSaid(r *mivet.Resource) bool {
	if r == nil {
		return false
	}
	v, read := r.Setting("enableRbacAuthorization")
	return read && v != "null"
}
