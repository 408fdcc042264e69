// SPDX-License-Identifier: Apache-2.0

// Package hosts simulates the endpoints at which Azure's hosts give tokens to the code
// that runs on them: the instance metadata service, App Service and Container Apps, Cloud
// Shell and Azure ML, Azure Arc, Service Fabric, and the token endpoint of Entra ID.
//
// It follows the documented rules and error bodies. It is not Azure: tokens are not
// signed, nothing is remembered of a request but its log, and no rule that is not
// documented is made up.
package hosts

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Identity is a managed identity that is attached to a host.
type Identity struct {
	Name      string
	ClientID  string
	Principal string
	// Resource is the identity's own resource; empty for a system-assigned one.
	Resource string
}

// Mode is a state of the metadata service.
type Mode struct {
	// Status is what each request for a token is answered with; 0 for the rules. With All
	// the probe gets it too.
	Status int
	All    bool
	Body   string
	Type   string
	// Once is what the first request for a token alone is answered with, and RetryAfter
	// the header of that answer.
	Once       int
	RetryAfter string
	// Delay is the time before each answer.
	Delay time.Duration
}

// World is a host with its identities. It may be used by many requests at once.
type World struct {
	TenantID string
	System   *Identity
	User     []Identity
	IMDS     Mode
	// Secret is what the header of App Service and of Service Fabric must be.
	Secret string
	// AppStatus is the status of every answer of App Service; 0 for the rules.
	AppStatus int
	// KeyFile is the file with the key of the Azure Arc agent, KeyPath the path that the
	// agent names, and AgentSelects whether it knows user-assigned identities.
	KeyFile      string
	KeyPath      string
	AgentSelects bool
	// Workload is the resource that the host is, as a token names it.
	Workload string

	// SecretRefused and AssertionRefused are answers of Entra ID.
	SecretRefused    bool
	AssertionRefused bool
	// Clock tells the times in tokens; nil for the machine's.
	Clock func() time.Time
	// Sign makes a token of claims; nil for [Unsigned].
	Sign func(claims map[string]any) string

	mu   sync.Mutex
	seen map[string]int
}

// The paths of tokens.
const (
	IMDSPath = "/metadata/identity/oauth2/token"
	AppPath  = "/msi/token"
)

// reply writes a JSON answer.
func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return // the client is gone
	}
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	reply(w, status, map[string]any{"error": code, "error_description": description})
}

// count returns how often an endpoint was asked before.
func (w *World) count(endpoint string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[string]int{}
	}
	w.seen[endpoint]++
	return w.seen[endpoint] - 1
}

// selected returns the identity that parameters name, and whether they name any.
func (w *World) selected(q url.Values) (id *Identity, named bool) {
	for _, p := range []struct {
		names []string
		of    func(*Identity) string
	}{
		{[]string{"client_id", "clientid"}, func(i *Identity) string { return i.ClientID }},
		{[]string{"object_id", "principal_id"}, func(i *Identity) string { return i.Principal }},
		{[]string{"mi_res_id", "msi_res_id"}, func(i *Identity) string { return i.Resource }},
	} {
		for _, name := range p.names {
			if v := q.Get(name); v != "" {
				return w.find(v, p.of), true
			}
		}
	}
	return nil, false
}

// find compares without regard to letter case and does not trim.
func (w *World) find(value string, of func(*Identity) string) *Identity {
	if w.System != nil && strings.EqualFold(of(w.System), value) {
		return w.System
	}
	for i := range w.User {
		if strings.EqualFold(of(&w.User[i]), value) {
			return &w.User[i]
		}
	}
	return nil
}

// ServeIMDS is the metadata service of virtual machines, scale sets, cluster nodes and
// container groups (MicrosoftDocs/entra-docs managed-identities-faq.md, how-to-use-vm-token.md).
func (w *World) ServeIMDS(rw http.ResponseWriter, r *http.Request) {
	time.Sleep(w.IMDS.Delay)
	probe := r.Header.Get("Metadata") != "true"
	if m := w.IMDS; m.Status != 0 && (m.All || !probe) {
		rw.Header().Set("Content-Type", m.Type)
		rw.WriteHeader(m.Status)
		if _, err := rw.Write([]byte(m.Body)); err != nil {
			return
		}
		return
	}
	switch {
	case probe:
		refuse(rw, http.StatusBadRequest, "bad_request_102", "Required metadata header not specified")
		return
	case w.IMDS.Once != 0 && w.count("imds") == 0:
		if w.IMDS.RetryAfter != "" {
			rw.Header().Set("Retry-After", w.IMDS.RetryAfter)
		}
		refuse(rw, w.IMDS.Once, "unknown", "try again")
		return
	}
	q := r.URL.Query()
	if q.Get("api-version") == "" || q.Get("resource") == "" {
		refuse(rw, http.StatusBadRequest, "invalid_request", "Required query variables are missing")
		return
	}
	id, named := w.selected(q)
	switch {
	case named:
	case w.System != nil:
		id = w.System
	case len(w.User) == 1:
		id = &w.User[0]
	case len(w.User) > 1:
		refuse(rw, http.StatusBadRequest, "invalid_request", "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request")
		return
	}
	if id == nil {
		refuse(rw, http.StatusBadRequest, "invalid_request", "Identity not found")
		return
	}
	w.give(rw, id, q.Get("resource"), nil)
}

// ServeApp is the endpoint of App Service, Functions and Container Apps
// (MicrosoftDocs/azure-docs articles/app-service/overview-managed-identity.md).
func (w *World) ServeApp(rw http.ResponseWriter, r *http.Request) {
	switch {
	case w.AppStatus != 0:
		reply(rw, w.AppStatus, map[string]any{"statusCode": w.AppStatus, "message": "simulated"})
		return
	case w.Secret != "" && r.Header.Get("X-IDENTITY-HEADER") != w.Secret:
		reply(rw, http.StatusUnauthorized, map[string]any{"statusCode": http.StatusUnauthorized, "message": "Unauthorized"})
		return
	}
	id, named := w.selected(r.URL.Query())
	if !named {
		id = w.System // never a sole user-assigned one
	}
	if id == nil {
		reply(rw, http.StatusBadRequest, map[string]any{"statusCode": http.StatusBadRequest, "message": "Unable to load the proper Managed Identity."})
		return
	}
	w.give(rw, id, r.URL.Query().Get("resource"), nil)
}

// ServeMSI is the endpoint behind MSI_ENDPOINT: Cloud Shell, and with a secret Azure ML.
func (w *World) ServeMSI(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(rw, http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	id, named := w.selected(r.Form)
	if !named {
		id = w.System
	}
	if id == nil {
		refuse(rw, http.StatusBadRequest, "invalid_request", "No managed identity was found")
		return
	}
	w.give(rw, id, r.Form.Get("resource"), nil)
}

// ServeArc is the agent of Azure Arc: a challenge that names a file, then its content
// (MicrosoftDocs/azure-management-docs articles/azure-arc/servers/managed-identity-authentication.md).
func (w *World) ServeArc(rw http.ResponseWriter, r *http.Request) {
	key, err := os.ReadFile(filepath.Clean(w.KeyFile))
	authorization := r.Header.Get("Authorization")
	if authorization == "" || err == nil && authorization != "Basic "+string(key) {
		rw.Header().Set("WWW-Authenticate", "Basic realm="+w.KeyPath)
		refuse(rw, http.StatusUnauthorized, "unauthorized_client", "the key of the agent is needed")
		return
	}
	q := r.URL.Query()
	id, named := w.selected(q)
	var echo map[string]any
	if !w.AgentSelects || !named {
		id = w.System // an old agent looks at no selector
	} else {
		echo = map[string]any{}
		for _, name := range []string{"client_id", "object_id", "msi_res_id"} {
			if q.Has(name) {
				echo[name] = q.Get(name)
			}
		}
	}
	if id == nil {
		refuse(rw, http.StatusBadRequest, "invalid_request", "Identity not found")
		return
	}
	w.give(rw, id, q.Get("resource"), echo)
}

// ServeFabric is the endpoint of Service Fabric; its identity is fixed by the application's
// manifest.
func (w *World) ServeFabric(rw http.ResponseWriter, r *http.Request) {
	if w.Secret != "" && r.Header.Get("Secret") != w.Secret {
		refuse(rw, http.StatusUnauthorized, "unauthorized", "the secret is wrong")
		return
	}
	id := w.System
	if id == nil && len(w.User) > 0 {
		id = &w.User[0]
	}
	if id == nil {
		refuse(rw, http.StatusBadRequest, "invalid_request", "Identity not found")
		return
	}
	w.give(rw, id, r.URL.Query().Get("resource"), nil)
}

// give answers with a token.
func (w *World) give(rw http.ResponseWriter, id *Identity, resource string, echo map[string]any) {
	const lifetime = 86400
	now := w.now()
	claims := map[string]any{
		"aud": resource, "iss": "https://sts.windows.net/" + w.TenantID + "/", "tid": w.TenantID,
		"appid": id.ClientID, "oid": id.Principal, "sub": id.Principal, "idtyp": "app", "appidacr": "2",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Unix() + lifetime,
	}
	switch {
	case id.Resource != "":
		claims["xms_mirid"] = id.Resource
		if w.Workload != "" {
			claims["xms_az_rid"] = w.Workload
		}
	case w.Workload != "":
		claims["xms_mirid"] = w.Workload
	}
	body := map[string]any{
		"access_token": w.sign(claims), "client_id": id.ClientID, "resource": resource, "token_type": "Bearer",
		"expires_in": strconv.Itoa(lifetime), "expires_on": strconv.FormatInt(now.Unix()+lifetime, 10), "not_before": strconv.FormatInt(now.Unix(), 10),
	}
	maps.Copy(body, echo)
	reply(rw, http.StatusOK, body)
}

func (w *World) sign(claims map[string]any) string {
	if w.Sign != nil {
		return w.Sign(claims)
	}
	return Unsigned(claims)
}

func (w *World) now() time.Time {
	if w.Clock != nil {
		return w.Clock()
	}
	return time.Now()
}

// Unsigned returns a token of claims that nobody signed.
func Unsigned(claims map[string]any) string {
	part := func(v map[string]any) string {
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]any{"alg": "none", "typ": "JWT"}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString([]byte("unsigned"))
}
