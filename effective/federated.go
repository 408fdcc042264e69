// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// The issuers and audiences that are known by name. All are compared byte by byte
// (MicrosoftDocs/entra-docs docs/workload-id/workload-identity-federation-considerations.md;
// https://docs.github.com/actions/reference/security/oidc).
const (
	githubIssuer     = "https://token.actions.githubusercontent.com"
	exchangeAudience = "api://AzureADTokenExchange"
	accountPrefix    = "system:serviceaccount:"
)

// FederationFault says why no token can ever match a federated credential, a clause
// without a full stop; empty where none is known to be impossible. Issuers are those of
// clusters that are known.
func FederationFault(c *mivet.FederatedCredential, issuers []string) string {
	if why := issuerFault(c.Issuer, issuers); why != "" {
		return why
	}
	if why := audienceFault(c.Audiences); why != "" {
		return why
	}
	if c.Expression != "" {
		return "" // a pattern takes the place of the subject
	}
	return subjectFault(c)
}

// nearly reports whether two texts differ in letter case, blanks or a slash at the end
// alone.
func nearly(a, b string) bool {
	plain := func(s string) arm.Key { return arm.Fold(strings.TrimRight(strings.TrimSpace(s), "/")) }
	return a != b && plain(a) == plain(b)
}

func issuerFault(issuer string, known []string) string {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.TrimSpace(issuer) != issuer {
		return fmt.Sprintf("the issuer %q is no https address", issuer)
	}
	if slices.Contains(append([]string{githubIssuer}, known...), issuer) {
		return ""
	}
	for _, k := range append([]string{githubIssuer}, known...) {
		if nearly(issuer, k) {
			return fmt.Sprintf("the issuer is %q, and tokens say %q: they are compared byte by byte", issuer, k)
		}
	}
	return ""
}

func audienceFault(audiences []string) string {
	if len(audiences) == 0 {
		return ""
	}
	for _, a := range audiences {
		if !nearly(a, exchangeAudience) {
			return ""
		}
	}
	return fmt.Sprintf("the audience is %q, and tokens say %q: they are compared byte by byte", audiences[0], exchangeAudience)
}

func subjectFault(c *mivet.FederatedCredential) string {
	switch {
	case c.Subject == "":
		return ""
	case strings.TrimSpace(c.Subject) != c.Subject:
		return fmt.Sprintf("the subject %q begins or ends with a blank", c.Subject)
	case strings.Contains(c.Subject, "*"):
		return fmt.Sprintf("the subject %q holds a *, which stands for itself alone", c.Subject)
	case c.Issuer == githubIssuer:
		return githubFault(c.Subject)
	case strings.HasPrefix(c.Subject, accountPrefix):
		return accountFault(c.Subject)
	case nearly(c.Subject[:min(len(c.Subject), len(accountPrefix))], accountPrefix):
		return fmt.Sprintf("the subject %q does not begin with %q in that spelling", c.Subject, accountPrefix)
	}
	return ""
}

// accountFault looks at the subject of a Kubernetes service account.
func accountFault(subject string) string {
	parts := strings.Split(strings.TrimPrefix(subject, accountPrefix), ":")
	if len(parts) != 2 || parts[0] == "" || parts[1] == "" {
		return fmt.Sprintf("the subject %q does not have the form %sNAMESPACE:NAME", subject, accountPrefix)
	}
	if strings.ToLower(subject) != subject {
		return fmt.Sprintf("the subject %q holds upper-case letters, which names in Kubernetes do not have", subject)
	}
	return ""
}

// githubFault looks at the subject of a job of GitHub. Owners may customise what follows
// the repository, so that only forms of GitHub's own are judged.
func githubFault(subject string) string {
	rest, ok := strings.CutPrefix(subject, "repo:")
	switch {
	case !strings.Contains(subject, ":"):
		return fmt.Sprintf("the subject %q is no claim with its value, as all of GitHub are", subject)
	case !ok:
		return "" // customised
	}
	repo, what, ok := strings.Cut(rest, ":")
	switch {
	case strings.Count(repo, "/") != 1 || strings.HasPrefix(repo, "/") || strings.HasSuffix(repo, "/"):
		return fmt.Sprintf("the subject %q names no OWNER/REPOSITORY", subject)
	case !ok || what == "":
		return fmt.Sprintf("the subject %q ends after the repository; it needs a ref, an environment or pull_request", subject)
	case strings.HasPrefix(what, "ref:") && !strings.HasPrefix(what, "ref:refs/"):
		return fmt.Sprintf("the subject %q holds a ref that does not begin with refs/", subject)
	}
	return ""
}
