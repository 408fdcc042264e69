// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed stale_client_id.md
var staleClientIDDoc string

// StaleClientID finds code that asks for an identity which its host does not carry.
var StaleClientID = &vet.Rule{
	ID:       "stale-client-id",
	Title:    "AZURE_CLIENT_ID of an identity that is not attached",
	Doc:      staleClientIDDoc,
	Category: "presented",
	Severity: mivet.SeverityHigh,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "DefaultAzureCredential of the Azure SDK for Go", Read: "2026-11-30",
			URL: "https://github.com/Azure/azure-sdk-for-go/blob/main/sdk/azidentity/default_azure_credential.go",
		},
	},
	Check: func(p *vet.Pass) error {
		withSettings(p, func(w *effective.Carrier, env map[string]string) { checkClientID(p, w, env) })
		return nil
	},
}

const (
	clientIDVariable = "AZURE_CLIENT_ID"
	tenantVariable   = "AZURE_TENANT_ID"
	secretVariable   = "AZURE_CLIENT_SECRET" //nolint:gosec // the name of a variable
	certVariable     = "AZURE_CLIENT_CERTIFICATE_PATH"
	tokenVariable    = "AZURE_FEDERATED_TOKEN_FILE"
)

func checkClientID(p *vet.Pass, w *effective.Carrier, env map[string]string) {
	id := env[clientIDVariable]
	if !asksIdentity(env) {
		p.Pass() // none is asked for, or the client ID is that of an application
		return
	}
	m, known := w.Attached(id)
	switch {
	case m != nil:
		p.Pass()
		return
	case !known:
		p.Unassessed(vet.Undecided{Subject: mivet.Subject{Resource: w.Resource.ID, Name: w.Resource.ID.Name()}, Source: w.Resource.Source, Facts: mivet.FactIdentities, Reason: "the client IDs of the attached identities were not read"})
		return
	}
	r := w.Resource
	p.Report(mivet.Finding{
		Subject: mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source, Discriminator: w.Container,
		Message:     fmt.Sprintf("%s asks by %s for an identity that is not attached to it", what(r), clientIDVariable),
		Consequence: "code that uses Go or a pinned chain gets no token; JavaScript and Python go on to the login of a developer tool, if there is one",
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s of %s is %s", clientIDVariable, what(r), id)},
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s carries %s", what(r), carried(w))},
			{Kind: mivet.Predicted, Source: r.Source, Fact: "the host answers 400, since none of these has that client ID"},
		},
		Fix: clientIDFix(w),
	})
}

// asksIdentity reports whether code is told to ask for an identity by its client ID, and not
// for an application.
func asksIdentity(env map[string]string) bool {
	return mivet.IsGUID(env[clientIDVariable]) &&
		!allSet(env, tenantVariable, secretVariable) && !allSet(env, tenantVariable, certVariable) && !allSet(env, tenantVariable, tokenVariable)
}

// carried lists what is attached.
func carried(w *effective.Carrier) string {
	var names []string
	if w.System != nil {
		names = append(names, "a system-assigned identity")
	}
	for _, m := range w.User {
		names = append(names, m.Name)
	}
	return vet.AtMost(names, 4)
}

// clientIDFix writes the client ID of the only attached identity, else a person chooses.
func clientIDFix(w *effective.Carrier) mivet.Fix {
	r := w.Resource
	f := mivet.Fix{
		Summary: fmt.Sprintf("attach the identity that is meant to %s, or set %s to the client ID of one that is attached", what(r), clientIDVariable),
		Check:   "whether the identity was made again under its name: it has another client ID then",
		Command: "az resource show --ids " + r.ID.String() + " --query identity",
	}
	if w.System == nil && len(w.User) == 1 && hasSettings(r.ID.Type()) {
		f.Command, f.Edits = "", settingEdit(w, clientIDVariable, w.User[0].ClientID)
	}
	return f
}
