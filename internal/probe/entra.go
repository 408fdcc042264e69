// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mivet/mivet/effective"
)

// assertionType is what Entra ID calls a federated token.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// exchange sends the federated token of the pod to Entra ID, as the libraries do.
func (a *asker) exchange(ctx context.Context, n effective.Need) (effective.Met, *Claims) {
	assertion, err := os.ReadFile(filepath.Clean(n.File))
	if n.File == "" || err != nil {
		return effective.Met{Answer: effective.MetFileMissing, Text: "the token file cannot be read"}, nil
	}
	form := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {strings.TrimSpace(string(assertion))}}
	return a.entra(ctx, n, form)
}

// secret uses a client secret. A certificate needs a signature and a password is no
// identity of a workload: both are told and not tried.
func (a *asker) secret(ctx context.Context, n effective.Need) (effective.Met, *Claims) {
	if n.Source != effective.EntraSecret {
		return effective.Met{Answer: effective.MetExchangeRefused, Text: "certificates and passwords are not tried"}, nil
	}
	return a.entra(ctx, n, url.Values{"client_secret": {a.env["AZURE_CLIENT_SECRET"]}})
}

// entra asks the token endpoint of a tenant.
func (a *asker) entra(ctx context.Context, n effective.Need, form url.Values) (effective.Met, *Claims) {
	authority := a.env["AZURE_AUTHORITY_HOST"]
	if authority == "" {
		authority = "https://login.microsoftonline.com/"
	}
	if !strings.HasPrefix(authority, "https://") {
		return effective.Met{Answer: effective.MetUnreachable, Text: "AZURE_AUTHORITY_HOST is not https"}, nil
	}
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", n.Client)
	form.Set("scope", strings.TrimSuffix(a.resource, "/")+"/.default")
	address := strings.TrimSuffix(authority, "/") + "/" + url.PathEscape(n.Tenant) + "/oauth2/v2.0/token"
	r, err := newRequest(ctx, http.MethodPost, address, form, http.Header{})
	if err != nil {
		return effective.Met{Answer: effective.MetUnreachable, Text: err.Error()}, nil
	}
	got, err := a.send(a.login, r)
	if err != nil {
		return failure(err), nil
	}
	return a.readAnswer(got.status, got.body, n)
}
