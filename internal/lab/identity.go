// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// The endpoints of hosts stand below the ID of the resource that asks, since a lab has
// many: /imds/{resource} for the instance metadata service of machines, /msi/{resource}
// for the endpoint of App Service and its relatives.

// HostEnv is what a program on a resource finds in its environment, with which SDKs find
// its managed identities: the variables of App Service.
func (s *Server) HostEnv(resource arm.ID) map[string]string {
	return HostEnv(s.URL(), s.secret, resource)
}

// HostEnv is [Server.HostEnv] of a lab elsewhere, of which the address and the secret are
// known.
func HostEnv(url, secret string, resource arm.ID) map[string]string {
	return map[string]string{"IDENTITY_ENDPOINT": url + "/msi" + resource.String(), "IDENTITY_HEADER": hostHeader(secret, resource)}
}

// hostHeader is the secret that keeps other resources from asking.
func hostHeader(secret string, resource arm.ID) string {
	return guidOf("identity header", secret, string(resource.Key()))
}

// IMDS returns a transport for a program that runs on a resource: requests to the
// instance metadata service go to the lab, all others as the lab's client sends them.
func (s *Server) IMDS(resource arm.ID) http.RoundTripper {
	return &imdsTransport{s, resource, s.Client()}
}

type imdsTransport struct {
	s        *Server
	resource arm.ID
	client   *http.Client
}

// RoundTrip sends a request.
func (t *imdsTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != imdsHost {
		return t.client.Transport.RoundTrip(r) //nolint:wrapcheck // a transport hands on errors as they are
	}
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = "https", strings.TrimPrefix(t.s.URL(), "https://")
	out.URL.Path = "/imds" + t.resource.String() + r.URL.Path
	out.Host = ""
	return t.client.Transport.RoundTrip(out) //nolint:wrapcheck // see above
}

// Do sends a request, for SDKs that take a transport of that form.
func (t *imdsTransport) Do(r *http.Request) (*http.Response, error) { return t.RoundTrip(r) }

const imdsHost = "169.254.169.254"

// serveIdentity answers a host's own endpoint.
func (s *view) serveIdentity(w *recorder, r *http.Request) {
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, "/imds"); ok {
		resource, ok := strings.CutSuffix(rest, "/metadata/identity/oauth2/token")
		if !ok {
			identityError(w, http.StatusNotFound, "not_found", "The lab has nothing at "+path+".")
			return
		}
		if r.Header.Get("Metadata") != "true" {
			identityError(w, http.StatusBadRequest, "invalid_request", "Required metadata header not specified")
			return
		}
		s.identityToken(w, r, resource, "msi_res_id")
		return
	}
	resource := strings.TrimPrefix(path, "/msi")
	id := mustID(resource)
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-IDENTITY-HEADER")), []byte(hostHeader(s.secret, id))) != 1 {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"statusCode": 401, "message": "The header X-IDENTITY-HEADER is missing or wrong."})
		return
	}
	s.identityToken(w, r, resource, "mi_res_id")
}

func identityError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": message})
}

// identityToken issues a token of one of the identities that a resource carries. The texts
// of errors are those of the instance metadata service.
func (s *view) identityToken(w *recorder, r *http.Request, resource, resourceParameter string) {
	host := s.world.find(mustID(resource))
	if host == nil || host.node == nil || host.node.Identity == nil {
		identityError(w, http.StatusBadRequest, "invalid_request", "Identity not found")
		return
	}
	q := r.URL.Query()
	id, fault := s.choose(host.node, q.Get("client_id"), q.Get("object_id")+q.Get("principal_id"), q.Get(resourceParameter))
	if fault != "" {
		identityError(w, http.StatusBadRequest, "invalid_request", fault)
		return
	}
	aud := s.audience(q.Get("resource"))
	if aud == "" {
		identityError(w, http.StatusBadRequest, "invalid_resource", fmt.Sprintf(
			"AADSTS500011: The resource principal named %s was not found in the tenant named %s.", q.Get("resource"), s.world.tenant))
		return
	}
	w.caller = string(id.Principal)
	who := &account{id: id.Principal, client: id.ClientID, name: id.Resource.Name(), resource: id.Resource.String()}
	if id.Kind == mivet.UserAssigned {
		who.host = host.id.String()
	}
	text, expires, err := s.issue(who, aud, s.nowFor(w), 24*tokenLife)
	if err != nil {
		identityError(w, http.StatusInternalServerError, "server_error", err.Error())
		return
	}
	s.logSignIn(who, aud, s.nowFor(w))
	writeJSON(w, http.StatusOK, map[string]string{
		"access_token": text, "client_id": id.ClientID, "expires_on": strconv.FormatInt(expires.Unix(), 10), "expires_in": strconv.Itoa(24 * 3600),
		"not_before": strconv.FormatInt(s.now().Unix(), 10), "resource": q.Get("resource"), "token_type": "Bearer",
	})
}

// choose finds the identity that a request means, as the instance metadata service does.
func (s *view) choose(host *mivet.Resource, client, principal, resource string) (*mivet.Identity, string) {
	var carried []*mivet.Identity
	for _, u := range host.Identity.User {
		if id := s.world.identities[u.Key()]; id != nil {
			carried = append(carried, id)
		}
	}
	system := s.world.systems[host.ID.Key()]
	if client+principal+resource == "" {
		switch {
		case system != nil:
			return system, ""
		case len(carried) == 1:
			return carried[0], ""
		case len(carried) > 1:
			return nil, "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"
		}
		return nil, "Identity not found"
	}
	if system != nil {
		carried = append(carried, system)
	}
	for _, id := range carried {
		switch {
		case client != "" && strings.EqualFold(id.ClientID, client),
			principal != "" && id.Principal == mivet.NewPrincipalID(principal),
			resource != "" && id.Resource.Equal(mustID(resource)) && id.Kind == mivet.UserAssigned:
			return id, ""
		}
	}
	return nil, "Identity not found"
}
