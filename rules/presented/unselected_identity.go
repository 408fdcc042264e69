// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed unselected_identity.md
var unselectedIdentityDoc string

// UnselectedIdentity finds workloads with several identities of which none is selected.
var UnselectedIdentity = &vet.Rule{
	ID:       "unselected-identity",
	Title:    "Several identities and none selected",
	Doc:      unselectedIdentityDoc,
	Category: "presented",
	Severity: mivet.SeverityMedium,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "How to use managed identities for App Service and Azure Functions", Read: "2026-11-21",
			URL: "https://learn.microsoft.com/azure/app-service/overview-managed-identity",
		},
		{
			Title: "Managed identities for Azure resources frequently asked questions", Read: "2026-11-21",
			URL: "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq",
		},
	},
	Check: checkUnselected,
}

// selectors are the variables of code that name an identity.
var selectors = []string{"AZURE_CLIENT_ID", "ManagedIdentityClientId"}

func checkUnselected(p *vet.Pass) error {
	carriers := inOrder(p, func(r *mivet.Resource) bool { return choices(r) > 1 && catalog.RunsCode(r.ID.Type()) })
	for _, r := range carriers {
		checkCarrier(p, r)
	}
	return nil
}

// choices counts the identities that a resource carries.
func choices(r *mivet.Resource) int {
	if r.Identity == nil {
		return 0
	}
	n := len(r.Identity.User)
	if r.Identity.System {
		n++
	}
	return n
}

func checkCarrier(p *vet.Pass, r *mivet.Resource) {
	if managed(r) {
		return // a cluster chooses for its own machines
	}
	if selected(r) {
		p.Pass()
		return
	}
	if hasSettings(r.ID.Type()) {
		if gap := settingsGap(p, r); gap != nil {
			p.Blocked(mivet.Subject{Resource: r.ID}, gap)
			return
		}
	}
	p.Report(unselectedFinding(p, r))
}

func managed(r *mivet.Resource) bool {
	return r.Detail != nil && !r.Detail.ManagedBy.IsZero() || arm.Fold(r.ID.Type()) == "microsoft.containerservice/managedclusters"
}

func selected(r *mivet.Resource) bool {
	return slices.ContainsFunc(selectors, func(name string) bool { return effective.HasVariable(r, name) })
}

// hasSettings reports whether a resource of that type has settings in Azure that may
// select an identity. On others the code alone does.
func hasSettings(resourceType string) bool {
	switch arm.Fold(resourceType) {
	case "microsoft.web/sites", "microsoft.web/sites/slots", "microsoft.app/containerapps", "microsoft.app/jobs",
		"microsoft.containerinstance/containergroups":
		return true
	}
	return false
}

// settingsGap returns why it is not known whether a setting selects: a gap, unless the
// settings of this resource were read.
func settingsGap(p *vet.Pass, r *mivet.Resource) *mivet.Gap {
	if _, read := effective.VariablesOf(r); read {
		return nil
	}
	return p.Gap(mivet.FactAppSettings, r.ID)
}

func unselectedFinding(p *vet.Pass, r *mivet.Resource) mivet.Finding {
	what := vet.TypeWords(r.ID.Type()) + " " + r.ID.Name()
	names := make([]string, 0, len(r.Identity.User))
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source,
	}
	for _, u := range r.Identity.User {
		names = append(names, u.Name())
	}
	slices.Sort(names)
	switch {
	case r.Identity.System:
		f.Severity = mivet.SeverityLow
		f.Message = fmt.Sprintf("%s carries %s beside its own, and nothing selects one", what, vet.AtMost(names, 3))
		f.Consequence = fmt.Sprintf("code that names none presents the system-assigned identity, and what is granted to %s is not used", vet.AtMost(names, 2))
	default:
		f.Severity = mivet.SeverityHigh
		f.Message = fmt.Sprintf("%s carries %s, and nothing selects one", what, vet.AtMost(names, 3))
		f.Consequence = "code that names none gets 400 instead of a token, or falls back to another credential"
	}
	f.Evidence = []mivet.Evidence{
		{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s carries %s, system-assigned: %t", what, vet.AtMost(names, 4), r.Identity.System)},
		{Kind: mivet.Predicted, Source: r.Source, Fact: "no setting that was read names an identity; the code may"},
	}
	f.Fix = selectFix(p, r, what, names)
	return f
}

// selectFix keeps one identity where the others hold nothing; else a person must choose.
func selectFix(p *vet.Pass, r *mivet.Resource, what string, names []string) mivet.Fix {
	f := mivet.Fix{
		Summary: fmt.Sprintf("select one in %s by its client ID, or take away the others", what),
		Check:   "which of them the code needs",
		Command: "az resource show --ids " + r.ID.String() + " --query identity",
	}
	idle, kept := idleIdentities(p, r)
	if len(kept) == 1 && len(idle) > 0 {
		f.Summary = fmt.Sprintf("take %s from %s: %s", vet.AtMost(names, 2), what, "only one of its identities holds anything")
		f.Command, f.Edits = "", idle
		return f
	}
	if setting, ok := selectorOf(r.ID.Type()); ok && !r.Identity.System {
		first := slices.MinFunc(r.Identity.User, func(a, b arm.ID) int { return strings.Compare(string(a.Key()), string(b.Key())) })
		client := "<client ID of " + first.Name() + ">"
		if m := p.Index().UserAssigned(first); m != nil && m.ClientID != "" {
			client = m.ClientID
		}
		f.Edits = []mivet.Edit{{Kind: mivet.EditSetSetting, Resource: r.ID, Name: setting, Value: client}}
		f.Command = "az webapp config appsettings set --ids " + r.ID.String() + " --settings AZURE_CLIENT_ID=" + client
	}
	return f
}

// idleIdentities returns edits that detach the user-assigned identities which hold
// nothing, and the names of those that hold something.
func idleIdentities(p *vet.Pass, r *mivet.Resource) (idle []mivet.Edit, kept []string) {
	if r.Identity.System && p.HoldsAnything(r.Identity.SystemPrincipal) {
		kept = append(kept, "system")
	}
	for _, u := range r.Identity.User {
		m := p.Index().UserAssigned(u)
		if m != nil && m.Principal != "" && !p.HoldsAnything(m.Principal) {
			idle = append(idle, mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: r.ID, Identity: u})
			continue
		}
		kept = append(kept, u.Name())
	}
	if r.Identity.System && len(kept) == 1 && kept[0] != "system" {
		idle = append(idle, mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: r.ID})
	}
	slices.SortFunc(idle, func(a, b mivet.Edit) int { return strings.Compare(string(a.Identity.Key()), string(b.Identity.Key())) })
	return idle, kept
}

func selectorOf(resourceType string) (string, bool) {
	switch arm.Fold(resourceType) {
	case "microsoft.web/sites", "microsoft.web/sites/slots":
		return "siteConfig.appSettings." + selectors[0], true
	}
	return "", false
}
