// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// journal writes what happens in the lab as Azure exports it to a storage account: a folder
// for each category, resource and hour, one JSON object a line
// (MicrosoftDocs/azure-monitor-docs articles/azure-monitor/platform/resource-logs.md).
type journal struct {
	dir string // "" for none

	mu  sync.Mutex
	err error // the first that went wrong
}

// add writes one entry of a category. The resource is as the path names it:
// "resourceId=/SUBSCRIPTIONS/…" or "tenantId=…".
func (j *journal) add(container, of string, at time.Time, entry object) {
	if j.dir == "" {
		return
	}
	at = at.UTC()
	path := filepath.Join(j.dir, container, filepath.FromSlash(of), at.Format("y=2006"), at.Format("m=01"), at.Format("d=02"), at.Format("h=15"), "m=00", "PT1H.json")
	line, err := json.Marshal(entry)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		err = appendLine(path, line)
	}
	if err != nil && j.err == nil {
		j.err = fmt.Errorf("writing a log of the lab: %w", err)
	}
}

func appendLine(path string, line []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err //nolint:wrapcheck // the caller says what was written
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // as above
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// fault returns the first thing that went wrong.
func (j *journal) fault() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// resourcePath is a resource as paths of exports name it.
func resourcePath(id arm.ID) string {
	return "resourceId=" + strings.TrimSuffix(strings.ToUpper(id.String()), "/")
}

// logTime is a time as logs have it.
func logTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// loggedAddress is where all callers of a lab come from.
const loggedAddress = "127.0.0.1"

// evidence is the role assignment behind a decision, as the activity log names it: GUIDs
// without dashes. It is nil where none decided.
func (w *world) evidence(d authz.Decision) (a *mivet.RoleAssignment, o object) {
	if d.Effect != authz.Allowed || d.Local != authz.NotLocal || d.Fact < 0 || d.Fact >= len(w.snap.RoleAssignments) {
		return nil, nil
	}
	a = &w.snap.RoleAssignments[d.Fact]
	role := w.roleOf(a)
	name := a.RoleName
	if at, ok := w.roleAt[role]; ok {
		name = w.roles[at].Name
	}
	plain := func(s string) string { return strings.ReplaceAll(s, "-", "") }
	return a, object{
		"role": name, "roleAssignmentScope": a.Scope.String(), "roleAssignmentId": plain(w.assignmentID(a).Name()),
		"roleDefinitionId": plain(string(role)), "principalId": plain(string(a.Principal)), "principalType": string(w.typeOf(a)),
	}
}

// logActivity writes a write through Resource Manager into the activity log: its start and
// its end (MicrosoftDocs/azure-monitor-docs articles/azure-monitor/platform/activity-log-schema.md).
func (q *armRequest) logActivity() {
	if q.asked.operation == "" {
		return // refused before it was known what it is
	}
	c := &q.c.claims
	authorization := object{"scope": q.asked.scope.String(), "action": q.asked.operation}
	if q.asked.evidence != nil {
		authorization["evidence"] = q.asked.evidence
	}
	claims := object{
		"aud": c.Aud, "iss": c.Iss, "iat": strconv.FormatInt(c.Iat, 10), "nbf": strconv.FormatInt(c.Nbf, 10), "exp": strconv.FormatInt(c.Exp, 10),
		"appid": c.AppID, "appidacr": c.AppIDACR, "idtyp": c.IDTyp, "uti": c.Uti, "ver": c.Ver,
		"http://schemas.microsoft.com/identity/claims/objectidentifier":        c.OID,
		"http://schemas.microsoft.com/identity/claims/tenantid":                c.TID,
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": c.Sub,
	}
	setText(claims, "xms_mirid", c.MIRID)
	entry := func(typ, signature, code string) object {
		properties := object{
			"statusCode": code, "serviceRequestId": q.w.Header().Get("x-ms-request-id"), "eventCategory": "Administrative",
			"entity": q.asked.target.String(), "message": q.asked.operation, "hierarchy": q.asked.target.SubscriptionID(),
		}
		if typ == "Start" {
			setText(properties, "requestbody", q.said)
		}
		return object{
			"time": logTime(q.s.now()), "resourceId": strings.ToUpper(q.asked.target.String()), "operationName": strings.ToUpper(q.asked.operation), "category": "Administrative",
			"resultType": typ, "resultSignature": signature, "durationMs": "0", "callerIpAddress": loggedAddress, "correlationId": q.w.Header().Get("x-ms-correlation-request-id"),
			"identity": object{"authorization": authorization, "claims": claims}, "level": "Information", "location": "global",
			"properties": properties,
		}
	}
	of := resourcePath(q.asked.target.Subscription())
	const container = "insights-activity-logs"
	status := strings.ReplaceAll(http.StatusText(q.w.status), " ", "")
	q.s.journal.add(container, of, q.s.now(), entry("Start", "Started.", ""))
	if q.w.status < 400 {
		q.s.journal.add(container, of, q.s.now(), entry("Success", "Succeeded."+status, status))
	} else {
		q.s.journal.add(container, of, q.s.now(), entry("Failure", "Failed."+status, status))
	}
}

// log writes a request to a data plane into the log of its service.
func (q *dataRequest) log() {
	if q.at == nil {
		return
	}
	switch q.plane.api { //nolint:exhaustive // Service Bus logs single requests in premium namespaces alone; of the others no entry that tells the caller is published
	case APIVault:
		q.logVault()
	case APIBlob, APIQueue, APITable:
		q.logStorage()
	case APICosmos:
		q.logCosmos()
	case APIAppConfig:
		q.logConfig()
	}
}

// logVault writes an audit event. Its resultType is "Success" also for what was refused
// (MicrosoftDocs/azure-security-docs articles/key-vault/general/logging.md).
func (q *dataRequest) logVault() {
	p := object{
		"clientInfo": q.r.UserAgent(), "requestUri": "https://" + q.host + q.r.URL.RequestURI(), "httpStatusCode": q.w.status,
		"isAddressAuthorized": q.outside() == "", "addressAuthorizationType": "PublicNetworkAccess", "tlsVersion": "TLS1_3",
	}
	if q.act.target != "" {
		p["id"] = "https://" + q.host + "/" + q.act.target
	}
	claim := object{}
	if q.c != nil {
		claim = object{"oid": q.c.OID, "appid": q.c.AppID, "appidacr": q.c.AppIDACR, "idtyp": q.c.IDTyp, "ipaddr": loggedAddress}
		setText(claim, "xms_mirid", q.c.MIRID)
		setText(claim, "xms_az_rid", q.c.HostID)
	}
	name := q.act.name
	if q.c == nil {
		name = "Authentication"
	}
	if name == "" {
		return // no operation of a vault
	}
	if n := len(q.act.checks); n > 0 {
		k := q.act.checks[n-1]
		flag := "isAccessPolicyMatch"
		if v, _ := q.at.setting("enableRbacAuthorization"); strings.EqualFold(v, "true") {
			flag = "isRbacAuthorized"
		}
		p[flag] = k.granted
		if a, _ := q.world.evidence(k.decision); a != nil {
			p["appliedAssignmentId"] = q.world.assignmentID(a).Name()
		}
	}
	signature := http.StatusText(q.w.status)
	entry := object{
		"time": logTime(q.now()), "category": "AuditEvent", "operationName": name, "operationVersion": q.r.URL.Query().Get("api-version"),
		"resultType": "Success", "resultSignature": signature, "resultDescription": q.act.said, "durationMs": "0", "callerIpAddress": loggedAddress,
		"correlationId": q.w.Header().Get("x-ms-correlation-request-id"), "resourceId": strings.ToUpper(q.at.id.String()),
		"identity": object{"claim": claim}, "properties": p,
	}
	q.journal.add("insights-logs-auditevent", resourcePath(q.at.id), q.now(), entry)
}

// logStorage writes a request to Blob, Queue or Table Storage
// (MicrosoftDocs/azure-docs articles/storage/blobs/monitor-blob-storage-reference.md).
func (q *dataRequest) logStorage() {
	if q.act.name == "" {
		return // it is not known what it is
	}
	category := "StorageWrite"
	switch {
	case strings.HasPrefix(q.act.name, "Get"), strings.HasPrefix(q.act.name, "List"), strings.HasPrefix(q.act.name, "Peek"), strings.HasPrefix(q.act.name, "Query"):
		category = "StorageRead"
	case strings.HasPrefix(q.act.name, "Delete"), strings.HasPrefix(q.act.name, "Clear"):
		category = "StorageDelete"
	}
	service := q.at.id.String() + "/" + string(q.plane.api) + "Services/default"
	var checks []any
	for _, k := range q.act.checks {
		one := object{"action": k.operation}
		if a, _ := q.world.evidence(k.decision); a != nil {
			one["roleAssignmentId"], one["roleDefinitionId"] = q.world.assignmentID(a).Name(), string(q.world.roleOf(a))
			one["principals"] = []any{object{"id": string(a.Principal), "type": string(q.world.typeOf(a))}}
		}
		if k.decision.Cause == authz.CauseDeny && k.decision.Fact >= 0 {
			one["denyAssignmentId"] = q.world.denyID(k.decision.Fact).Name()
		}
		if k.granted { // what was refused before another right was found is not told
			checks = nil
		}
		checks = append(checks, one)
	}
	sum := sha256.Sum256([]byte(q.r.Header.Get("Authorization")))
	text := "Success"
	if q.act.said != "" {
		text = q.act.said
	}
	entry := object{
		"time": logTime(q.now()), "resourceId": service, "category": category, "operationName": q.act.name, "operationVersion": q.r.Header.Get("x-ms-version"), "schemaVersion": "1.0",
		"statusCode": q.w.status, "statusText": text, "durationMs": 0, "callerIpAddress": q.r.RemoteAddr, "correlationId": q.w.Header().Get("x-ms-request-id"),
		"uri": "https://" + q.host + q.r.URL.RequestURI(), "protocol": "HTTPS", "resourceType": storageType + "/" + string(q.plane.api) + "Services",
		"identity": object{
			"type": "OAuth", "tokenHash": strings.ToUpper(hex.EncodeToString(sum[:])), "authorization": checks,
			"requester": object{"appId": q.c.AppID, "audience": q.c.Aud, "objectId": q.c.OID, "tenantId": q.c.TID, "tokenIssuer": q.c.Iss},
		},
		"properties": object{
			"accountName": q.at.id.Name(), "objectKey": "/" + q.at.id.Name() + q.act.target, "serviceType": string(q.plane.api), "operationCount": 0,
			"userAgentHeader": q.r.UserAgent(), "clientRequestId": q.r.Header.Get("x-ms-client-request-id"), "tlsVersion": "TLS 1.3",
		},
	}
	q.journal.add("insights-logs-"+strings.ToLower(category), resourcePath(q.at.id)+"/"+strings.ToUpper(string(q.plane.api))+"SERVICES/DEFAULT", q.now(), entry)
}

// signInResources are the services that tokens are for, as sign-ins name them: their
// application IDs (MicrosoftDocs/SupportArticles-docs support/entra/entra-id/governance/verify-first-party-apps-sign-in.md).
var signInResources = map[API][2]string{
	APIManagement: {"Windows Azure Service Management API", "797f4846-ba00-4fd7-ba43-dac1f8f63013"},
	APIGraph:      {"Microsoft Graph", "00000003-0000-0000-c000-000000000000"},
	APIVault:      {"Azure Key Vault", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"},
	APIBlob:       {"Azure Storage", "e406a681-f3d4-42a8-90b6-c2b029497af1"},
	APIServiceBus: {"Microsoft.ServiceBus", "80a10ef9-8168-493d-abf9-3297c4ef6e3c"},
}

// logSignIn writes that a managed identity got a token
// (learn.microsoft.com/azure/azure-monitor/reference/tables/aadmanagedidentitysigninlogs).
func (s *view) logSignIn(who *account, aud string, at time.Time) {
	api := API("")
	switch p := planeOfAudience(aud); {
	case p != nil:
		api = p.api
	case aud == forARM:
		api = APIManagement
	case aud == forGraph:
		api = APIGraph
	}
	resource, ok := signInResources[api]
	if !ok {
		resource = [2]string{aud, ""}
	}
	id := guidOf("sign-in", randomText(16))
	tenant := "/tenants/" + s.world.tenant + "/providers/Microsoft.aadiam"
	s.journal.add("insights-logs-managedidentitysigninlogs", "tenantId="+s.world.tenant, at, object{
		"time": logTime(at), "resourceId": tenant, "operationName": "Sign-in activity", "operationVersion": "1.0", "category": "ManagedIdentitySignInLogs", "tenantId": s.world.tenant,
		"resultType": "0", "resultSignature": "None", "durationMs": 0, "correlationId": guidOf("correlation", randomText(8)), "Level": 4, "location": "",
		"properties": object{
			"id": id, "createdDateTime": logTime(at), "ipAddress": "", "status": object{"errorCode": 0}, "servicePrincipalId": string(who.id), "servicePrincipalName": who.name,
			"appId": who.client, "resourceDisplayName": resource[0], "resourceId": resource[1], "uniqueTokenIdentifier": base64.RawStdEncoding.EncodeToString([]byte(id)),
		},
	})
}
