// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed secret_outranks_identity.md
var secretOutranksDoc string

// SecretOutranksIdentity finds workloads whose settings hold a complete secret beside an
// identity.
var SecretOutranksIdentity = &vet.Rule{
	ID:       "secret-outranks-identity",
	Title:    "A secret in the settings outranks the identity",
	Doc:      secretOutranksDoc,
	Category: "presented",
	Severity: mivet.SeverityMedium,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Credential chains in the Azure libraries", Read: "2026-11-30",
			URL: "https://aka.ms/azsdk/go/identity/credential-chains",
		},
	},
	Check: func(p *vet.Pass) error {
		withSettings(p, func(w *effective.Carrier, env map[string]string) { checkSecret(p, w, env) })
		return nil
	},
}

func checkSecret(p *vet.Pass, w *effective.Carrier, env map[string]string) {
	name := ""
	for _, v := range []string{secretVariable, certVariable} {
		if name == "" && allSet(env, tenantVariable, clientIDVariable, v) {
			name = v
		}
	}
	if name == "" {
		p.Pass()
		return
	}
	r := w.Resource
	p.Report(mivet.Finding{
		Subject: mivet.Subject{Resource: r.ID, Name: r.ID.Name()}, Source: r.Source, Discriminator: w.Container,
		Message:     fmt.Sprintf("%s carries %s, and its settings hold an application with %s, which outranks it", what(r), carried(w), name),
		Consequence: "code that uses the default credential presents the application: what is granted to the identity is not used, and the secret lives on",
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s, %s and %s of %s are set", tenantVariable, clientIDVariable, name, what(r))},
			{Kind: mivet.Predicted, Source: r.Source, Fact: "all client libraries that are known try the variables first, and stop with an error if the secret is wrong"},
		},
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("take %s out of the settings of %s, and grant to the identity what the application holds", name, what(r)),
			Check:   "what the application may do that the identity may not",
			Edits:   settingEdit(w, name, ""),
		},
	})
}
