// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed developer_credentials.md
var developerCredentialsDoc string

// DeveloperCredentials finds workloads in Azure whose settings send the default credential
// to the logins of developers.
var DeveloperCredentials = &vet.Rule{
	ID:       "developer-credentials",
	Title:    "Settings of a workload that ask for a developer's login",
	Doc:      developerCredentialsDoc,
	Category: "presented",
	Severity: mivet.SeverityMedium,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Credential chains in the Azure Identity library for .NET", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains",
		},
		{
			Title: "DefaultAzureCredential of the Azure SDK for Go", Read: "2026-11-30",
			URL: "https://github.com/Azure/azure-sdk-for-go/blob/main/sdk/azidentity/default_azure_credential.go",
		},
	},
	Check: func(p *vet.Pass) error {
		withSettings(p, func(w *effective.Carrier, env map[string]string) { checkSelection(p, w, env) })
		return nil
	},
}

const selectionVariable = "AZURE_TOKEN_CREDENTIALS"

// ofDevelopers reports whether a value of the variable leaves only logins of people: the
// word for all of them, or the name of one. Libraries read it in any letter case.
func ofDevelopers(value string) bool {
	switch arm.Fold(value) {
	case "dev", "azureclicredential", "azuredeveloperclicredential", "azurepowershellcredential", "visualstudiocredential",
		"visualstudiocodecredential", "intellijcredential", "interactivebrowsercredential", "brokercredential":
		return true
	}
	return false
}

func checkSelection(p *vet.Pass, w *effective.Carrier, env map[string]string) {
	value := env[selectionVariable]
	if !ofDevelopers(value) {
		p.Pass()
		return
	}
	r := w.Resource
	f := mivet.Finding{
		Severity: mivet.SeverityMedium,
		Subject:  mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source,
		Discriminator: w.Container,
		Message:       fmt.Sprintf("%s sets %s to %s, so that its code never asks for the identity it carries", what(r), selectionVariable, value),
		Consequence:   "the code gets no token; or, where somebody signed in to a developer tool in its image, that of a person",
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s of %s is %s", selectionVariable, what(r), value)},
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s carries %s", what(r), carried(w))},
			{Kind: mivet.Predicted, Source: r.Source, Fact: "with this value the default credential tries the tools of developers alone"},
		},
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("set %s of %s to prod", selectionVariable, what(r)),
			Check:   "that the identity holds what the code needs",
			Edits:   settingEdit(w, selectionVariable, "prod"),
		},
	}
	if p.Environment(r.ID) == "production" {
		f.Severity = mivet.SeverityHigh
	}
	p.Report(f)
}
