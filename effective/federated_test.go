// SPDX-License-Identifier: Apache-2.0

package effective_test

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
)

func TestFederationFault(t *testing.T) {
	const cluster = "https://westeurope.oic.prod-aks.azure.com/t/c/"
	const github = "https://token.actions.githubusercontent.com"
	f := func(issuer, subject, audience, want string) {
		t.Helper()
		c := &mivet.FederatedCredential{Issuer: issuer, Subject: subject, Audiences: strings.Fields(audience)}
		got := effective.FederationFault(c, []string{cluster})
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s %s %s: %q, want %q", issuer, subject, audience, got, want)
		}
	}
	const good = "api://AzureADTokenExchange"
	f(cluster, "system:serviceaccount:shop:orders", good, "")
	f(github, "repo:acme/shop:ref:refs/heads/main", good, "")
	f(github, "repo:acme/shop:environment:prod", good, "")
	f(github, "repo:acme/shop:pull_request", "", "")
	f(github, "repository_owner:acme", good, "")
	f("https://idp.example.com", "anything", "api://own", "")
	f(cluster[:len(cluster)-1], "system:serviceaccount:shop:orders", good, "compared byte by byte")
	f(github+"/", "repo:acme/shop:pull_request", good, "compared byte by byte")
	f("http://idp.example.com", "x", good, "no https address")
	f(" https://idp.example.com", "x", good, "no https address")
	f(cluster, "system:serviceaccount:shop:orders", "api://azureadtokenexchange", "the audience is")
	f(cluster, "system:serviceaccount:shop:orders", "api://azureadtokenexchange "+good, "")
	f(cluster, "system:serviceaccount:orders", good, "NAMESPACE:NAME")
	f(cluster, "system:serviceaccount:shop:Orders", good, "upper-case")
	f(cluster, "System:ServiceAccount:shop:orders", good, "in that spelling")
	f(cluster, "system:serviceaccount:shop:*", good, "stands for itself alone")
	f(cluster, "system:serviceaccount:shop:orders ", good, "blank")
	f(github, "repo:acme/shop", good, "ends after the repository")
	f(github, "repo:shop:pull_request", good, "OWNER/REPOSITORY")
	f(github, "repo:acme/shop:ref:main", good, "does not begin with refs/")
	c := &mivet.FederatedCredential{Issuer: github, Expression: "claims['sub'] matches 'repo:acme/*'"}
	if got := effective.FederationFault(c, nil); got != "" {
		t.Errorf("a pattern: %s", got)
	}
}
