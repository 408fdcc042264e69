// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// The data planes of services stand at hosts of their own: NAME.vault.azure.net and the
// like. [Server.Client] and the lab as a proxy lead there.
const (
	APIVault      API = "vault"
	APIBlob       API = "blob"
	APIQueue      API = "queue"
	APIServiceBus API = "servicebus"
	APITable      API = "table"
	APICosmos     API = "cosmos"
	APIAppConfig  API = "appconfig"
	APIOpenAI     API = "openai"
)

// dataPlane is a service that is asked at a host of the resource itself.
type dataPlane struct {
	api API
	typ string // of the resource that a host names
	// suffixes are what stands behind the name: Azure's, and the one that the lab's own
	// metadata gives to tools.
	suffixes []string
	// audiences are for whom its tokens are; "*" stands for the name of a resource.
	audiences []string
}

// dataPlanes are the services that the lab speaks for. Audiences:
// learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses,
// learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory,
// learn.microsoft.com/azure/service-bus-messaging/service-bus-managed-service-identity,
// learn.microsoft.com/azure/cosmos-db/how-to-connect-role-based-access-control (and
// Azure/azure-sdk-for-go sdk/data/azcosmos, which asks for the account's own),
// learn.microsoft.com/azure/azure-app-configuration/rest-api-authentication-azure-ad,
// learn.microsoft.com/azure/ai-foundry/openai/how-to/managed-identity.
var dataPlanes = []dataPlane{
	{APIVault, vaultType, []string{".vault.azure.net", ".vault.lab.invalid"}, []string{"https://vault.azure.net", "https://vault.lab.invalid"}},
	{
		APIBlob, storageType,
		[]string{".blob.core.windows.net", ".blob.core.lab.invalid"},
		[]string{"https://storage.azure.com", "https://*.blob.core.windows.net", "https://*.blob.core.lab.invalid"},
	},
	{
		APIQueue, storageType,
		[]string{".queue.core.windows.net", ".queue.core.lab.invalid"},
		[]string{"https://storage.azure.com", "https://*.queue.core.windows.net", "https://*.queue.core.lab.invalid"},
	},
	{APIServiceBus, busType, []string{".servicebus.windows.net", ".servicebus.lab.invalid"}, []string{"https://servicebus.azure.net", "https://*.servicebus.windows.net"}},
	{
		APITable, storageType,
		[]string{".table.core.windows.net", ".table.core.lab.invalid"},
		[]string{"https://storage.azure.com", "https://*.table.core.windows.net", "https://*.table.core.lab.invalid"},
	},
	{APICosmos, cosmosType, []string{".documents.azure.com"}, []string{"https://*.documents.azure.com", "https://cosmos.azure.com"}},
	{APIAppConfig, configType, []string{".azconfig.io"}, []string{"https://*.azconfig.io", "https://azconfig.io"}},
	{APIOpenAI, aiType, []string{".openai.azure.com", ".cognitiveservices.azure.com"}, []string{"https://cognitiveservices.azure.com"}},
}

const (
	storageType = "Microsoft.Storage/storageAccounts"
	busType     = "Microsoft.ServiceBus/namespaces"
	configType  = "Microsoft.AppConfiguration/configurationStores"
	aiType      = "Microsoft.CognitiveServices/accounts"
)

// planeOf finds the service behind a host, and the name that the host begins with.
func planeOf(host string) (p *dataPlane, name string) {
	for i := range dataPlanes {
		for _, suffix := range dataPlanes[i].suffixes {
			if name, ok := strings.CutSuffix(host, suffix); ok && name != "" && !strings.Contains(name, ".") {
				return &dataPlanes[i], name
			}
		}
	}
	return nil, ""
}

// planeOfAudience finds the service that takes tokens for an audience.
func planeOfAudience(aud string) *dataPlane {
	aud = strings.ToLower(aud)
	for i := range dataPlanes {
		for _, known := range dataPlanes[i].audiences {
			before, after, wild := strings.Cut(known, "*")
			name := strings.TrimSuffix(strings.TrimPrefix(aud, before), after)
			if aud == known || wild && strings.HasPrefix(aud, before) && strings.HasSuffix(aud, after) && name != "" && !strings.ContainsAny(name, "./") {
				return &dataPlanes[i]
			}
		}
	}
	return nil
}

// audiencesFor are the audiences that the resource of a name accepts, with the slash that
// some clients put behind them and without.
func (p *dataPlane) audiencesFor(name string) []string {
	var list []string
	for _, a := range p.audiences {
		a = strings.Replace(a, "*", name, 1)
		list = append(list, a, a+"/")
	}
	return list
}

// dataHosts are the hosts of all data planes, for the certificate.
func dataHosts() []string {
	var list []string
	for i := range dataPlanes {
		for _, suffix := range dataPlanes[i].suffixes {
			list = append(list, "*"+suffix)
		}
	}
	return list
}

// isDataHost reports whether a host stands for a resource of the lab.
func isDataHost(host string) bool {
	p, _ := planeOf(host)
	return p != nil || strings.HasSuffix(host, hsmSuffix)
}

// dataRequest is a request to a data plane, taken apart.
type dataRequest struct {
	*view
	w     *recorder
	r     *http.Request
	c     *caller
	plane *dataPlane
	host  string
	name  string // of the vault, the account or the namespace
	at    *thing // that resource
	parts []string
	act   act
}

// act is what a request to a data plane came to, as the service's own log tells it.
type act struct {
	// name is the operation in the words of the log.
	name string
	// checks are the rights that were asked for, in order.
	checks []check
	// target is the object within the service, such as "secrets/x"; often empty.
	target string
	// said is the text of a refusal.
	said string
}

// check is one right that was asked for.
type check struct {
	operation string
	scope     arm.ID
	granted   bool
	decision  authz.Decision
}

// serveData answers at the host of a resource.
func (s *view) serveData(w *recorder, r *http.Request) {
	host := hostOf(r)
	plane, name := planeOf(host)
	q := &dataRequest{view: s, w: w, r: r, plane: plane, host: host, name: name, at: s.world.account(plane.typ, name)}
	q.parts = strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if plane.api == APICosmos {
		plainBearer(r.Header)
	}
	c, err := s.authenticate(w, r, plane.audiencesFor(name)...)
	if err == nil {
		q.c, w.caller = c, c.OID
	}
	defer q.log()
	switch plane.api { //nolint:exhaustive // the others are no data planes
	case APIVault:
		q.serveVault(err)
	case APIBlob:
		q.serveBlob(err)
	case APIQueue:
		q.serveQueue(err)
	case APIServiceBus:
		q.serveBus(err)
	case APITable:
		q.serveTable(err)
	case APICosmos:
		q.serveCosmos(err)
	case APIAppConfig:
		q.serveConfig(err)
	case APIOpenAI:
		q.serveModel(err)
	}
}

// account finds the resource that a host names. Names of such resources are unique in all
// of Azure.
func (w *world) account(typ, name string) *thing {
	if i, ok := w.accounts[strings.ToLower(typ+"/"+name)]; ok {
		return &w.resources[i]
	}
	return nil
}

// may decides one right with what is known of the request, and remembers it for the log.
func (q *dataRequest) may(operation string, plane mivet.Plane, scope arm.ID, given *abac.Env) bool {
	k := check{operation: operation, scope: scope, decision: authz.Decision{Fact: -1}}
	if q.c.operator {
		k.granted = true
		q.act.checks = append(q.act.checks, k)
		return true
	}
	op, err := arm.ParseOperation(operation)
	if err == nil {
		k.decision = q.world.engine.Check(authz.Request{
			Principal: q.c.principal, Operation: op, Plane: plane, Resource: scope, Given: given, At: q.now(),
		})
		k.granted = k.decision.Effect == authz.Allowed
	}
	q.w.Header().Set(decisionHeader, k.decision.Effect.String()+": "+k.decision.Cause.String())
	q.act.checks = append(q.act.checks, k)
	return k.granted
}

// mayAny decides whether one of several rights is there, each of which is enough.
func (q *dataRequest) mayAny(plane mivet.Plane, scope arm.ID, given func(operation string) *abac.Env, operations ...string) bool {
	return slices.ContainsFunc(operations, func(o string) bool { return q.may(o, plane, scope, given(o)) })
}

// outside reports whether the firewall of the resource keeps the caller out, and how.
func (q *dataRequest) outside() string {
	if !q.options.Outside || q.at.node == nil {
		return ""
	}
	if v, _ := q.at.node.Setting("publicNetworkAccess"); strings.EqualFold(v, "Disabled") {
		return "connection"
	}
	if v, _ := q.at.node.Setting("networkAcls.defaultAction"); strings.EqualFold(v, "Deny") {
		return "firewall"
	}
	return ""
}

// child is the ID of something in the resource that is asked.
func (q *dataRequest) child(path string) arm.ID {
	if id := mustID(q.at.id.String() + "/" + path); !id.IsZero() {
		return id
	}
	return q.at.id // names that cannot be part of an ID: only a right at the whole resource covers them
}

// httpTime is a time as headers of storage have it.
func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// etagOf makes an entity tag of a counter, as storage writes them.
func etagOf(n uint64) string { return fmt.Sprintf(`"0x8DC%013X"`, n) }
