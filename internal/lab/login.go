// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/sha1" //nolint:gosec // x5t is the SHA-1 of a certificate (RFC 7515)
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
)

// account is who can sign in.
type account struct {
	id     mivet.PrincipalID
	client string
	name   string
	// resource is the ID of a managed identity's resource.
	resource string
	// host is the resource that carries a user-assigned one.
	host string
	user bool
}

// account finds an application by its client ID; nil if there is none.
func (s *view) account(client string) *account {
	if strings.EqualFold(client, OperatorID) {
		return &account{id: OperatorID, client: OperatorID, name: "lab operator"}
	}
	if sp := s.world.directory.byClient[strings.ToLower(client)]; sp != nil {
		return &account{id: sp.ID, client: sp.ClientID, name: sp.Name}
	}
	return nil
}

// serveLogin answers as login.microsoftonline.com does.
func (s *view) serveLogin(w *recorder, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	tenant, rest := parts[0], strings.ToLower(strings.Join(parts[1:], "/"))
	switch rest {
	case "discovery/instance":
		s.instanceDiscovery(w)
		return
	case "v2.0/.well-known/openid-configuration", ".well-known/openid-configuration":
		if s.ownTenant(w, tenant) {
			writeJSON(w, http.StatusOK, s.openID(tenant, strings.HasPrefix(rest, "v2.0")))
		}
		return
	case "discovery/v2.0/keys", "discovery/keys":
		key, err := signingKey()
		if err != nil {
			writeError(w, http.StatusInternalServerError, "server_error", err.Error())
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"keys": []jwk{jwkOf(&key.PublicKey)}})
		return
	case "oauth2/v2.0/token", "oauth2/token":
		if s.ownTenant(w, tenant) {
			s.token(w, r)
		}
		return
	}
	if strings.HasPrefix(rest, "userrealm/") || strings.HasPrefix(strings.ToLower(r.URL.Path), "/common/userrealm/") {
		writeJSON(w, http.StatusOK, map[string]string{"account_type": "Managed", "domain_name": "lab.invalid", "cloud_instance_name": "localhost"})
		return
	}
	writeError(w, http.StatusNotFound, "NotFound", "The lab has nothing at "+r.Method+" "+r.URL.Path+".")
}

// ownTenant refuses other tenants than the one that is served.
func (s *view) ownTenant(w http.ResponseWriter, tenant string) bool {
	if strings.EqualFold(tenant, s.world.tenant) || strings.EqualFold(tenant, s.world.snap.TenantID) ||
		slices.Contains([]string{"common", "organizations", adfsTenant}, strings.ToLower(tenant)) {
		return true
	}
	s.refuseLogin(w, http.StatusBadRequest, 90002, "invalid_request", fmt.Sprintf(
		"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", tenant))
	return false
}

// loginError is an error of the token endpoint
// (learn.microsoft.com/entra/identity-platform/reference-error-codes).
type loginError struct {
	status  int
	code    int
	name    string
	message string
}

func (f *loginError) Error() string { return fmt.Sprintf("AADSTS%d: %s", f.code, f.message) }

func (s *view) refuseLogin(w http.ResponseWriter, status, code int, name, message string) {
	now := s.now().UTC()
	trace, correlation := guidOf("trace", randomText(8)), guidOf("correlation", randomText(8))
	writeJSON(w, status, map[string]any{
		"error": name,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			code, message, trace, correlation, now.Format("2006-01-02 15:04:05Z")),
		"error_codes": []int{code}, "timestamp": now.Format("2006-01-02 15:04:05Z"), "trace_id": trace, "correlation_id": correlation,
		"error_uri": fmt.Sprintf("%s/error?code=%d", s.URL(), code),
	})
}

func (s *view) instanceDiscovery(w http.ResponseWriter) {
	host := strings.TrimPrefix(s.URL(), "https://")
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": s.URL() + "/" + s.world.tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []any{map[string]any{
			"preferred_network": host, "preferred_cache": host, "aliases": []string{host},
		}},
	})
}

// adfsTenant stands in the path in place of a tenant for Active Directory Federation
// Services. The lab answers there as well: with an authority of that form, az and the
// Python library ask nobody else whether the host may be trusted.
const adfsTenant = "adfs"

func (s *view) openID(tenant string, v2 bool) map[string]any {
	base := s.URL() + "/" + s.world.tenant
	if tenant == adfsTenant {
		base = s.URL() + "/" + adfsTenant
	}
	issuer, token, authorize := "https://sts.windows.net/"+s.world.tenant+"/", base+"/oauth2/token", base+"/oauth2/authorize"
	if v2 {
		issuer, token, authorize = base+"/v2.0", base+"/oauth2/v2.0/token", base+"/oauth2/v2.0/authorize"
	}
	return map[string]any{
		"issuer": issuer, "token_endpoint": token, "authorization_endpoint": authorize, "jwks_uri": base + "/discovery/v2.0/keys",
		"device_authorization_endpoint":         base + "/oauth2/v2.0/devicecode",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported": []string{"code"}, "scopes_supported": []string{"openid", "profile", "email", "offline_access"},
		"claims_supported":    []string{"sub", "iss", "aud", "exp", "iat", "oid", "tid", "ver"},
		"tenant_region_scope": nil, "cloud_instance_name": "localhost", "cloud_graph_host_name": strings.TrimPrefix(s.URL(), "https://"),
		"msgraph_host": strings.TrimPrefix(s.URL(), "https://"),
	}
}

const clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// token answers the token endpoint: an application shows its secret, its certificate or
// the token of an issuer that it trusts.
func (s *view) token(w *recorder, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		s.refuseLogin(w, http.StatusBadRequest, 900144, "invalid_request", "The request body must contain the following parameter: 'grant_type'.")
		return
	}
	who, f := s.signIn(r)
	if f == nil {
		f = s.grant(w, r, who)
	}
	if f != nil {
		s.refuseLogin(w, f.status, f.code, f.name, f.message)
	}
}

func (s *view) signIn(r *http.Request) (*account, *loginError) {
	form := r.PostForm
	client := form.Get("client_id")
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
	case "":
		return nil, &loginError{http.StatusBadRequest, 900144, "invalid_request", "The request body must contain the following parameter: 'grant_type'."}
	default:
		return nil, &loginError{http.StatusBadRequest, 70003, "unsupported_grant_type", fmt.Sprintf("The app requested an unsupported grant type '%s'.", grant)}
	}
	if client == "" {
		return nil, &loginError{http.StatusBadRequest, 900144, "invalid_request", "The request body must contain the following parameter: 'client_id'."}
	}
	who := s.account(client)
	if who == nil {
		return nil, &loginError{http.StatusBadRequest, 700016, "unauthorized_client", fmt.Sprintf(
			"Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant "+
				"or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", client, s.world.tenant)}
	}
	if sp := s.world.directory.byClient[strings.ToLower(client)]; sp != nil && sp.Disabled {
		return nil, &loginError{http.StatusUnauthorized, 7000112, "unauthorized_client", fmt.Sprintf("Application '%s'(%s) is disabled.", client, who.name)}
	}
	switch assertion := form.Get("client_assertion"); {
	case assertion != "" && form.Get("client_assertion_type") == clientAssertionType:
		return who, s.checkAssertion(who, assertion)
	case form.Get("client_secret") == "":
		return nil, &loginError{http.StatusUnauthorized, 7000218, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	case s.managed(who) || subtle.ConstantTimeCompare([]byte(form.Get("client_secret")), []byte(s.secret)) != 1:
		return nil, &loginError{http.StatusUnauthorized, 7000215, "invalid_client", fmt.Sprintf(
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", client)}
	}
	return who, nil
}

// managed reports whether an account is a managed identity, which has no secret.
func (s *view) managed(who *account) bool {
	sp := s.world.directory.byID[who.id]
	return sp != nil && sp.Managed
}

// grant issues the token.
func (s *view) grant(w *recorder, r *http.Request, who *account) *loginError {
	resource := r.PostForm.Get("scope")
	for part := range strings.FieldsSeq(resource) {
		if strings.HasSuffix(part, "/.default") {
			resource = part
		}
	}
	if resource == "" {
		resource = r.PostForm.Get("resource")
	}
	aud := s.audience(resource)
	if aud == "" {
		return &loginError{http.StatusBadRequest, 500011, "invalid_resource", fmt.Sprintf(
			"The resource principal named %s was not found in the tenant named %s.", resource, s.world.tenant)}
	}
	text, _, err := s.issue(who, aud, s.nowFor(w), tokenLife)
	if err != nil {
		return &loginError{http.StatusInternalServerError, 90033, "server_error", err.Error()}
	}
	seconds := int(tokenLife / time.Second)
	writeJSON(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": text,
	})
	return nil
}

// clientCert is a certificate that the lab made for an application.
type clientCert struct {
	client string
	cert   *x509.Certificate
}

// ClientCertificate makes a certificate with which an application signs in, and returns
// it with its key as one PEM text.
func (s *Server) ClientCertificate(clientID string) ([]byte, error) {
	cert, text, err := s.authority.client(time.Now(), clientID)
	if err != nil {
		return nil, err
	}
	one := clientCert{strings.ToLower(clientID), cert}
	sum1, sum256 := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw) //nolint:gosec // x5t
	s.certMu.Lock()
	defer s.certMu.Unlock()
	s.certs[string(sum1[:])] = one
	s.certs[string(sum256[:])] = one
	return text, nil
}

// assertionClaims are what an application says of itself, or an issuer of a workload.
type assertionClaims struct {
	Iss string   `json:"iss"`
	Sub string   `json:"sub"`
	Aud audience `json:"aud"`
	Exp int64    `json:"exp"`
	Nbf int64    `json:"nbf"`
}

// audience is a text or a list of texts.
type audience []string

// UnmarshalJSON reads either form.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return fmt.Errorf("reading the audience of a token: %w", err)
	}
	*a = many
	return nil
}

// checkAssertion checks a token in place of a secret: one that the application signed with
// its certificate, or one of an issuer that it trusts.
func (s *view) checkAssertion(who *account, text string) *loginError {
	t, err := parseToken(text)
	var c assertionClaims
	if err == nil {
		err = json.Unmarshal(t.claims, &c)
	}
	if err != nil {
		return &loginError{http.StatusUnauthorized, 50027, "invalid_client", "JWT token is invalid or malformed: " + err.Error() + "."}
	}
	now := s.now().Unix()
	if c.Exp <= now || c.Nbf > now+300 {
		return &loginError{http.StatusUnauthorized, 700024, "invalid_client", fmt.Sprintf(
			"Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s.", stamp(now), stamp(c.Nbf), stamp(c.Exp))}
	}
	if strings.EqualFold(c.Iss, who.client) {
		return s.checkCertificate(who, t, &c)
	}
	return s.checkFederated(who, t, &c)
}

func (s *view) checkCertificate(who *account, t *jwt, c *assertionClaims) *loginError {
	s.certMu.Lock()
	one, ok := s.certs[thumbprint(t.header.X5tS256)]
	if !ok {
		one, ok = s.certs[thumbprint(t.header.X5t)]
	}
	s.certMu.Unlock()
	if !ok && len(t.header.X5c) > 0 {
		one, ok = s.chained(t.header.X5c[0])
	}
	switch {
	case !ok || one.client != strings.ToLower(who.client):
		return &loginError{http.StatusUnauthorized, 700027, "invalid_client", fmt.Sprintf(
			"The certificate with identifier used to sign the client assertion is not registered on application '%s'.", who.client)}
	case t.verify(one.cert.PublicKey) != nil:
		return &loginError{http.StatusUnauthorized, 700027, "invalid_client", "Client assertion contains an invalid signature."}
	case !slices.ContainsFunc(c.Aud, func(a string) bool { return strings.HasPrefix(a, s.URL()+"/") }):
		return &loginError{http.StatusUnauthorized, 700023, "invalid_client", fmt.Sprintf(
			"Client assertion audience claim does not match Realm issuer. Review the documentation at https://aka.ms/entra-certificate-credentials. Audience: %v.", c.Aud)}
	}
	return nil
}

// thumbprint reads the digest of a certificate in a header. Some libraries write it with the
// alphabet of URLs, as they should, and some with the other one.
func thumbprint(text string) string {
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	raw, err := base64url.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(raw)
}

// chained reads a certificate that the assertion brings with it, if the lab signed it.
func (s *view) chained(text string) (clientCert, bool) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return clientCert{}, false
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil || cert.CheckSignatureFrom(s.authority.cert) != nil {
		return clientCert{}, false
	}
	return clientCert{strings.ToLower(cert.Subject.CommonName), cert}, true
}

// checkFederated finds the credential that trusts the issuer's token. The lab stands for
// all issuers: their tokens are signed with its own key, see [Server.FederatedToken].
func (s *view) checkFederated(who *account, t *jwt, c *assertionClaims) *loginError {
	key, err := signingKey()
	if err == nil {
		err = t.verify(&key.PublicKey)
	}
	if err != nil {
		return &loginError{http.StatusUnauthorized, 700211, "invalid_client", "The signature of the presented assertion is not that of its issuer '" + c.Iss + "': " + err.Error() + "."}
	}
	list := s.world.directory.credentials(who)
	if len(list) == 0 {
		return &loginError{http.StatusUnauthorized, 70025, "invalid_client", fmt.Sprintf("The client '%s'(%s) has no configured federated identity credentials.", who.client, who.name)}
	}
	aud := ""
	if len(c.Aud) > 0 {
		aud = c.Aud[0]
	}
	said := fmt.Sprintf("Issuer: '%s' Subject: '%s' Audience: '%s'. https://learn.microsoft.com/entra/workload-id/workload-identity-federation", c.Iss, c.Sub, aud)
	issuer, subject := false, false
	for _, f := range list {
		if f.Issuer != c.Iss {
			continue
		}
		issuer = true
		if f.Subject != c.Sub { // without regard to case would be wrong: the values must match exactly
			continue
		}
		subject = true
		if slices.ContainsFunc(f.Audiences, func(a string) bool { return slices.Contains(c.Aud, a) }) {
			return nil
		}
	}
	switch {
	case !issuer:
		return &loginError{http.StatusUnauthorized, 700211, "invalid_client", "No matching federated identity record found for presented assertion issuer '" + c.Iss + "'. " + said}
	case !subject:
		return &loginError{http.StatusUnauthorized, 700213, "invalid_client", "No matching federated identity record found for presented assertion subject '" + c.Sub + "'. " + said}
	}
	return &loginError{http.StatusUnauthorized, 700212, "invalid_client", "No matching federated identity record found for presented assertion audience '" + aud + "'. " + said}
}

// FederatedToken makes a token of an outside issuer for a workload, such as GitHub's for a
// job. The lab stands for every issuer.
func (s *Server) FederatedToken(issuer, subject, audience string) (string, error) {
	key, err := signingKey()
	if err != nil {
		return "", fmt.Errorf("making the key that signs tokens: %w", err)
	}
	now := s.now()
	return signToken(key, map[string]any{
		"iss": issuer, "sub": subject, "aud": audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(tokenLife).Unix(), "jti": randomText(16),
	})
}
