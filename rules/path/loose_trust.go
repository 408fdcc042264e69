// SPDX-License-Identifier: Apache-2.0

package path

import (
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed loose_trust.md
var looseTrustDoc string

// LooseTrust finds federated credentials that trust more than one place of an outside
// issuer, or one where others put code.
var LooseTrust = &vet.Rule{
	ID:       "loose-trust",
	Title:    "Federated credential that trusts too much",
	Doc:      looseTrustDoc,
	Category: "path",
	Severity: mivet.SeverityHigh,
	Class:    "federated-credential-broad",
	Needs:    []mivet.FactKind{mivet.FactFederatedCredentials},
	Since:    "0.1.0",
	Sources: []vet.Citation{{
		Title: "OpenID Connect reference: subject claims", Read: "2026-11-30",
		URL: "https://docs.github.com/en/actions/reference/security/oidc",
	}, {
		Title: "Flexible federated identity credentials", Read: "2026-11-30",
		URL: "https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials",
	}},
	Check: checkLooseTrust,
}

func checkLooseTrust(p *vet.Pass) error {
	for i := range p.Snapshot.FederatedCredentials {
		f := &p.Snapshot.FederatedCredentials[i]
		why, who := looseness(f)
		if why == "" {
			p.Pass()
			continue
		}
		subject := mivet.Subject{Resource: f.Identity, Name: f.Identity.Name()}
		if f.Identity.IsZero() {
			subject = mivet.Subject{Address: f.ClientID + f.AppObjectID, Name: "application " + f.ClientID + f.AppObjectID}
		}
		if g := untold(p, f); g != nil {
			p.Blocked(subject, g)
			continue
		}
		p.Report(mivet.Finding{
			Severity: mivet.SeverityHigh, Subject: subject, Discriminator: f.Name, Source: f.Source,
			Message: fmt.Sprintf("the federated credential %s of %s %s", f.Name, subject, why),
			Evidence: []mivet.Evidence{{
				Kind: mivet.Configured, Source: f.Source,
				Fact: fmt.Sprintf("tokens of %s for %s are trusted", f.Issuer, trusted(f)),
			}},
			Consequence: who + " gets a token of the identity",
			Fix: mivet.Fix{
				Summary: "remove it, and name one environment or one protected branch in the subject of another",
				Edits:   []mivet.Edit{{Kind: mivet.EditRemoveFederation, Federation: f}},
				Check:   "the pipeline that should use it has a credential with its own subject first",
			},
		})
	}
	return nil
}

// untold returns the gap that says that the subject of a credential is not known.
func untold(p *vet.Pass, f *mivet.FederatedCredential) *mivet.Gap {
	if trusted(f) != "" || f.Source.Origin == nil || f.Source.Origin.Address == "" {
		return nil
	}
	g := p.GapAbout(mivet.FactFederatedCredentials, f.Source.Origin.Address)
	if g == nil || g.Subject != f.Source.Origin.Address {
		return nil
	}
	return g
}

func trusted(f *mivet.FederatedCredential) string {
	if f.Expression != "" {
		return f.Expression
	}
	return f.Subject
}

// looseness says what is too wide in a credential, and who profits; empty for nothing.
func looseness(f *mivet.FederatedCredential) (why, who string) {
	text := strings.ToLower(trusted(f))
	switch {
	case strings.HasSuffix(text, ":pull_request"):
		return "trusts pull requests", "whoever may open one in the repository, before anybody has looked at it,"
	case f.Expression != "" && strings.Contains(text, "*") && !strings.Contains(text, "environment:"):
		return "trusts every subject that matches a pattern", "whoever may make a branch, a tag or a repository of a fitting name"
	case text == "" && f.Expression == "":
		return "trusts a subject that is empty", "whoever the issuer gives a token without a subject"
	}
	return "", ""
}
