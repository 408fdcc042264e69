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

//go:embed federation_never_matches.md
var federationDoc string

// FederationNeverMatches finds federated credentials that no token can match.
var FederationNeverMatches = &vet.Rule{
	ID:       "federation-never-matches",
	Title:    "A federated credential that no token can match",
	Doc:      federationDoc,
	Category: "presented",
	Severity: mivet.SeverityMedium,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactFederatedCredentials},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Important considerations and restrictions for federated identity credentials", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations",
		},
		{
			Title: "OpenID Connect reference of GitHub Actions", Read: "2026-11-30",
			URL: "https://docs.github.com/actions/reference/security/oidc",
		},
	},
	Check: checkFederation,
}

func checkFederation(p *vet.Pass) error {
	var issuers []string
	for _, r := range p.OfType("Microsoft.ContainerService/managedClusters", arm.ID{}) {
		if v, ok := r.Setting("oidcIssuerProfile.issuerURL"); ok && v != "" && v != "null" {
			issuers = append(issuers, v)
		}
	}
	for i := range p.Snapshot.FederatedCredentials {
		c := &p.Snapshot.FederatedCredentials[i]
		why := effective.FederationFault(c, issuers)
		if why == "" {
			p.Pass()
			continue
		}
		owner := c.Identity
		p.Report(mivet.Finding{
			Subject: mivet.Subject{Resource: c.ID, Name: c.Name}, Source: c.Source,
			Message:     fmt.Sprintf("the federated credential %s can never match: %s", c.Name, why),
			Consequence: "the exchange is refused with AADSTS70021x; JavaScript then goes on to the identity of the node or the login of a developer tool",
			Evidence: []mivet.Evidence{
				{Kind: mivet.Configured, Source: c.Source, Fact: fmt.Sprintf("issuer %q, subject %q, audiences %q", c.Issuer, c.Subject, c.Audiences)},
				{Kind: mivet.Predicted, Source: c.Source, Fact: why},
			},
			Fix: mivet.Fix{
				Summary: fmt.Sprintf("remove %s, and write it anew with issuer, subject and audience exactly as the tokens say them", c.Name),
				Check:   "what a token of the workload says: its claims iss, sub and aud",
				Edits:   []mivet.Edit{{Kind: mivet.EditRemoveFederation, Federation: c}},
				Command: "az identity federated-credential list --identity-name " + owner.Name() + " --resource-group " + owner.ResourceGroup(),
			},
		})
	}
	return nil
}
