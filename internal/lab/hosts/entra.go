// SPDX-License-Identifier: Apache-2.0

package hosts

import (
	"net/http"
	"strings"
)

// ServeEntra is the part of Entra ID that a client without a person needs: discovery, and
// tokens for a secret or for a federated assertion.
func (w *World) ServeEntra(rw http.ResponseWriter, r *http.Request) {
	host := "https://" + r.Host
	switch {
	case r.URL.Path == "/common/discovery/instance":
		reply(rw, http.StatusOK, map[string]any{
			"tenant_discovery_endpoint": host + "/" + w.TenantID + "/v2.0/.well-known/openid-configuration",
			"api-version":               "1.1",
			"metadata": []map[string]any{{
				"preferred_network": r.Host, "preferred_cache": r.Host,
				"aliases": []string{r.Host, "login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"},
			}},
		})
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		tenant := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0]
		reply(rw, http.StatusOK, map[string]any{
			"token_endpoint":         host + "/" + tenant + "/oauth2/v2.0/token",
			"authorization_endpoint": host + "/" + tenant + "/oauth2/v2.0/authorize",
			"issuer":                 host + "/" + tenant + "/v2.0",
			"jwks_uri":               host + "/" + tenant + "/discovery/v2.0/keys",
		})
	case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") && r.Method == http.MethodPost:
		w.exchange(rw, r)
	default:
		http.NotFound(rw, r)
	}
}

// exchange gives a token for the client ID that was sent. The texts of refusals are those
// of Entra ID.
func (w *World) exchange(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(rw, http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	f := r.Form
	switch {
	case f.Get("client_assertion") != "" && w.AssertionRefused:
		refuse(rw, http.StatusUnauthorized, "invalid_client", "AADSTS700213: No matching federated identity record found for presented assertion subject. Trace ID: 0 Correlation ID: 0")
		return
	case f.Get("client_secret") != "" && w.SecretRefused:
		refuse(rw, http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided. Trace ID: 0 Correlation ID: 0")
		return
	case f.Get("client_assertion") == "" && f.Get("client_secret") == "" && f.Get("password") == "":
		refuse(rw, http.StatusBadRequest, "invalid_request", "AADSTS900144: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
		return
	}
	const lifetime = 3599
	now, client := w.now(), f.Get("client_id")
	claims := map[string]any{
		"aud": strings.TrimSuffix(f.Get("scope"), "/.default"), "iss": "https://sts.windows.net/" + w.TenantID + "/", "tid": w.TenantID,
		"appid": client, "oid": "sp-of-" + client, "sub": "sp-of-" + client, "idtyp": "app", "appidacr": "2",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Unix() + lifetime,
	}
	reply(rw, http.StatusOK, map[string]any{"access_token": w.sign(claims), "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime})
}
