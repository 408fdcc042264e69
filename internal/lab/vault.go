// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// vaultRoute is one operation of a vault: what stands in the path, the right that it takes,
// and its name in the vault's log (learn.microsoft.com/rest/api/keyvault, 7.6;
// MicrosoftDocs/azure-docs articles/role-based-access-control/permissions/security.md).
type vaultRoute struct {
	method string
	// path holds "{name}" and "{version}" for what differs.
	path      string
	name      string
	operation string
	// word is what an access policy calls the right.
	word string
	// whole is set where the right is asked at the vault, not at the object.
	whole bool
}

var vaultRoutes = []vaultRoute{
	{"GET", "secrets", "SecretList", "secrets/readMetadata/action", "list", true},
	{"GET", "secrets/{name}/versions", "SecretListVersions", "secrets/readMetadata/action", "list", false},
	{"GET", "secrets/{name}", "SecretGet", "secrets/getSecret/action", "get", false},
	{"GET", "secrets/{name}/{version}", "SecretGet", "secrets/getSecret/action", "get", false},
	{"PUT", "secrets/{name}", "SecretSet", "secrets/setSecret/action", "set", false},
	{"PATCH", "secrets/{name}/{version}", "SecretUpdate", "secrets/update/action", "set", false},
	{"DELETE", "secrets/{name}", "SecretDelete", "secrets/delete", "delete", false},
	{"GET", "deletedsecrets", "SecretListDeleted", "secrets/readMetadata/action", "list", true},
	{"GET", "deletedsecrets/{name}", "SecretGetDeleted", "secrets/readMetadata/action", "list", true},
	{"POST", "deletedsecrets/{name}/recover", "SecretRecover", "secrets/recover/action", "recover", true},
	{"DELETE", "deletedsecrets/{name}", "SecretPurge", "secrets/purge/action", "purge", true},
	{"GET", "keys", "KeyList", "keys/read", "list", true},
	{"GET", "keys/{name}/versions", "KeyListVersions", "keys/read", "list", false},
	{"GET", "keys/{name}", "KeyGet", "keys/read", "get", false},
	{"GET", "keys/{name}/{version}", "KeyGet", "keys/read", "get", false},
	{"POST", "keys/{name}/create", "KeyCreate", "keys/create/action", "create", true},
	{"DELETE", "keys/{name}", "KeyDelete", "keys/delete", "delete", false},
}

// vaultRouteOf finds the operation of a request, with the object's name and version.
func vaultRouteOf(method string, parts []string) (route *vaultRoute, name, version string) {
	for i := range vaultRoutes {
		route, want := &vaultRoutes[i], strings.Split(vaultRoutes[i].path, "/")
		if route.method != method || len(want) != len(parts) {
			continue
		}
		name, version, fits := "", "", true
		for j, p := range want {
			switch p {
			case "{name}":
				name = parts[j]
			case "{version}":
				version = parts[j]
			default:
				fits = fits && strings.EqualFold(p, parts[j])
			}
		}
		if fits && (name != "" || !strings.Contains(route.path, "{name}")) {
			return route, name, version
		}
	}
	return nil, "", ""
}

// serveVault answers as NAME.vault.azure.net does.
func (q *dataRequest) serveVault(err error) {
	q.w.Header().Set("x-ms-keyvault-service-version", "1.9.2784.1")
	if err != nil {
		q.vaultChallenge(err)
		return
	}
	if q.at == nil {
		vaultError(q.w, http.StatusNotFound, "VaultNotFound", "Vault not found: "+q.name, "")
		return
	}
	if q.r.URL.Query().Get("api-version") == "" {
		vaultError(q.w, http.StatusBadRequest, "BadParameter", "api-version must be specified", "")
		return
	}
	for len(q.parts) > 2 && q.parts[len(q.parts)-1] == "" { // clients ask for the newest version as /secrets/x/
		q.parts = q.parts[:len(q.parts)-1]
	}
	route, name, version := vaultRouteOf(q.r.Method, q.parts)
	if route == nil {
		vaultError(q.w, http.StatusNotFound, "NotFound", "The lab has nothing at "+q.r.Method+" "+q.r.URL.Path+".", "")
		return
	}
	q.act.name = route.name
	kind, _, _ := strings.Cut(route.operation, "/")
	if name != "" {
		q.act.target = kind + "/" + name
	}
	if !q.vaultAllows(route, kind, name) {
		return
	}
	q.vaults().serve(q, route, name, version)
}

// vaultChallenge answers a request without a token that is accepted
// (learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses).
func (q *dataRequest) vaultChallenge(err error) {
	resource := q.plane.audiences[0]
	for i, suffix := range q.plane.suffixes {
		if strings.HasSuffix(q.host, suffix) {
			resource = q.plane.audiences[i]
		}
	}
	q.w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization="%s/%s", resource="%s"`, q.URL(), q.world.tenant, resource))
	message := "AKV10000: Request is missing a Bearer or PoP token."
	var f *authError
	if errors.As(err, &f) {
		switch f.kind {
		case tokenMisplaced:
			message = fmt.Sprintf("AKV10022: Invalid audience. Expected %s, found: %s.", resource, f.claims.Aud)
		case tokenForeign:
			message = fmt.Sprintf("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/%s/, found %s.", q.world.tenant, f.claims.Iss)
		case tokenExpired:
			message = "AKV10015: The token is not within its valid time range." // the code is Azure's, the words are not established
		case tokenInvalid:
			message = "AKV10001: Error validating token." // as above
		case tokenMissing:
		}
	}
	vaultError(q.w, http.StatusUnauthorized, "Unauthorized", message, "")
}

func vaultError(w http.ResponseWriter, status int, code, message, inner string) {
	o := object{"code": code, "message": message}
	if inner != "" {
		o["innererror"] = object{"code": inner}
	}
	writeJSON(w, status, object{"error": o})
}

// vaultForbids refuses a caller, and keeps the text for the log.
func (q *dataRequest) vaultForbids(message, inner string) {
	q.act.said = message
	vaultError(q.w, http.StatusForbidden, "Forbidden", message, inner)
}

// callerLine names a caller as Key Vault does.
func callerLine(c *claims) string {
	line := fmt.Sprintf("appid=%s;oid=%s;iss=%s", c.AppID, c.OID, c.Iss)
	if c.MIRID != "" {
		line += ";xms_mirid=" + c.MIRID
	}
	if c.HostID != "" {
		line += ";xms_az_rid=" + c.HostID
	}
	return line
}

// vaultAllows decides, and answers what is refused in the words of Key Vault
// (learn.microsoft.com/azure/key-vault/general/rest-error-codes).
func (q *dataRequest) vaultAllows(route *vaultRoute, kind, name string) bool {
	location := ""
	if q.at.node != nil {
		location = q.at.node.Location
	}
	who, where := callerLine(&q.c.claims), fmt.Sprintf("%s;location=%s", q.at.id.Name(), location)
	switch q.outside() {
	case "connection":
		q.vaultForbids(fmt.Sprintf(
			"Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: %s\r\nVault: %s", who, where), "ForbiddenByConnection")
		return false
	case "firewall":
		q.vaultForbids(fmt.Sprintf(
			"Client address is not authorized and caller is not a trusted service.\r\nClient address: 127.0.0.1\r\nCaller: %s\r\nVault: %s", who, where), "ForbiddenByFirewall")
		return false
	}
	scope := q.at.id
	if !route.whole && name != "" {
		scope = q.child(kind + "/" + name)
	}
	operation := vaultType + "/" + route.operation
	if q.may(operation, mivet.PlaneData, scope, nil) {
		return true
	}
	if model, _ := q.at.setting("enableRbacAuthorization"); !strings.EqualFold(model, "true") {
		q.vaultForbids(fmt.Sprintf(
			"The user, group or application '%s' does not have %s %s permission on key vault '%s'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
			who, kind, route.word, where), "AccessDenied")
		return false
	}
	deny, reason := "null", "'DeniedWithNoValidRBAC'"
	if d := q.act.checks[len(q.act.checks)-1].decision; d.Cause == authz.CauseDeny && d.Fact >= 0 {
		deny, reason = "'"+q.world.denyID(d.Fact).Name()+"'", "'DeniedByDenyAssignment'"
	}
	q.vaultForbids(fmt.Sprintf(
		"Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n"+
			"Caller: %s\r\nAction: '%s'\r\nResource: '%s'\r\nAssignment: (not found)\r\nDenyAssignmentId: %s\r\nDecisionReason: %s \r\nVault: %s\r\n",
		who, operation, strings.ToLower(scope.String()), deny, reason, where), "ForbiddenByRbac")
	return false
}

// setting is a setting of a thing.
func (t *thing) setting(path string) (string, bool) {
	if t.node == nil {
		return "", false
	}
	return t.node.Setting(path)
}

func (w *world) denyID(fact int) arm.ID {
	d := &w.snap.DenyAssignments[fact]
	return extensionID(d.ID, d.Scope, denyType, d.Name)
}

// vaultContent is what is in a vault.
type vaultContent struct {
	secrets, deleted map[string]*secret
	// gone are names of the snapshot that were purged.
	gone map[string]bool
	keys map[string]*vaultKey
}

// secret is a secret with its versions, the newest last.
type secret struct {
	name     string
	versions []secretVersion
	since    int64 // when it was deleted
}

type secretVersion struct {
	id          string
	value       string
	contentType string
	tags        map[string]string
	enabled     bool
	created     int64
	updated     int64
}

type vaultKey struct {
	name, version string
	created       int64
	public        *rsa.PublicKey
}

// vaults returns the content of the vault that is asked. What the snapshot names has a
// value that says that the lab made it up. The caller must hold no lock.
func (q *dataRequest) vaults() *vaultContent {
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	v := q.contents.vault(q.at.id.Key())
	now := q.now().Unix()
	for _, t := range q.world.childrenOf(q.at.id, vaultType+"/secrets") {
		name := t.id.Name()
		if k := strings.ToLower(name); v.secrets[k] == nil && v.deleted[k] == nil && !v.gone[k] {
			v.set(name, secretVersion{value: "lab value of " + name, enabled: true, created: now, updated: now})
		}
	}
	for _, t := range q.world.childrenOf(q.at.id, vaultType+"/keys") {
		if name := t.id.Name(); v.keys[strings.ToLower(name)] == nil {
			v.keys[strings.ToLower(name)] = &vaultKey{name: name, version: versionID(), created: now}
		}
	}
	return v
}

// childrenOf lists the things of a type below a resource.
func (w *world) childrenOf(id arm.ID, typ string) []*thing {
	var list []*thing
	from, to := w.below(id)
	for i := from; i < to; i++ {
		if strings.EqualFold(w.resources[i].typ, typ) {
			list = append(list, &w.resources[i])
		}
	}
	return list
}

func versionID() string { return strings.ReplaceAll(guidOf("version", randomText(16)), "-", "") }

func (v *vaultContent) set(name string, version secretVersion) *secret {
	one := v.secrets[strings.ToLower(name)]
	delete(v.gone, strings.ToLower(name))
	if one == nil {
		one = &secret{name: name}
		v.secrets[strings.ToLower(name)] = one
	}
	version.id = versionID()
	one.versions = append(one.versions, version)
	return one
}

// find returns a version of a secret, the newest where none is named.
func (s *secret) find(version string) *secretVersion {
	if s == nil || len(s.versions) == 0 {
		return nil
	}
	if version == "" {
		return &s.versions[len(s.versions)-1]
	}
	for i := range s.versions {
		if strings.EqualFold(s.versions[i].id, version) {
			return &s.versions[i]
		}
	}
	return nil
}

// serve does what was allowed.
func (v *vaultContent) serve(q *dataRequest, route *vaultRoute, name, version string) {
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	if strings.HasPrefix(route.name, "Key") {
		v.serveKey(q, route, name, version)
		return
	}
	one := v.secrets[strings.ToLower(name)]
	at := one.find(version)
	gone := v.deleted[strings.ToLower(name)]
	switch route.name {
	case "SecretList":
		v.list(q, slices.Sorted(maps.Keys(v.secrets)), func(name string) object {
			s := v.secrets[name]
			return s.object(q, s.find(""), false, true)
		})
	case "SecretListVersions":
		if one == nil {
			q.noSecret(name)
			return
		}
		ids := []string{}
		for i := range one.versions {
			ids = append(ids, one.versions[i].id)
		}
		v.list(q, ids, func(id string) object { return one.object(q, one.find(id), false, false) })
	case "SecretGet":
		v.getSecret(q, one, at, name)
	case "SecretSet":
		v.setSecret(q, name, gone)
	case "SecretUpdate":
		v.updateSecret(q, one, at, name)
	case "SecretDelete":
		if one == nil {
			q.noSecret(name)
			return
		}
		one.since = q.now().Unix()
		delete(v.secrets, strings.ToLower(name))
		v.deleted[strings.ToLower(name)] = one
		writeJSON(q.w, http.StatusOK, one.deletedObject(q))
	default:
		v.serveDeleted(q, route, name, gone)
	}
}

func (v *vaultContent) getSecret(q *dataRequest, one *secret, at *secretVersion, name string) {
	switch {
	case at == nil:
		q.noSecret(name)
	case !at.enabled:
		vaultError(q.w, http.StatusForbidden, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
	default:
		writeJSON(q.w, http.StatusOK, one.object(q, at, true, false))
	}
}

// secretBody is what a secret is set or updated with.
type secretBody struct {
	Value       *string           `json:"value"`
	ContentType string            `json:"contentType"`
	Tags        map[string]string `json:"tags"`
	Attributes  struct {
		Enabled *bool `json:"enabled"`
	} `json:"attributes"`
}

func (v *vaultContent) setSecret(q *dataRequest, name string, gone *secret) {
	var body secretBody
	if err := json.NewDecoder(q.r.Body).Decode(&body); err != nil || body.Value == nil {
		vaultError(q.w, http.StatusBadRequest, "BadParameter", "Property  has invalid value\r\n", "")
		return
	}
	if gone != nil {
		vaultError(q.w, http.StatusConflict, "Conflict", fmt.Sprintf(
			"Secret %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.", name), "ObjectIsDeletedButRecoverable")
		return
	}
	now := q.now().Unix()
	version := secretVersion{value: *body.Value, contentType: body.ContentType, tags: body.Tags, enabled: body.Attributes.Enabled == nil || *body.Attributes.Enabled, created: now, updated: now}
	one := v.set(name, version)
	writeJSON(q.w, http.StatusOK, one.object(q, one.find(""), true, false))
}

func (v *vaultContent) updateSecret(q *dataRequest, one *secret, at *secretVersion, name string) {
	var body secretBody
	if err := json.NewDecoder(q.r.Body).Decode(&body); err != nil {
		vaultError(q.w, http.StatusBadRequest, "BadParameter", "Property  has invalid value\r\n", "")
		return
	}
	if at == nil {
		q.noSecret(name)
		return
	}
	if body.Attributes.Enabled != nil {
		at.enabled = *body.Attributes.Enabled
	}
	if body.ContentType != "" {
		at.contentType = body.ContentType
	}
	if body.Tags != nil {
		at.tags = body.Tags
	}
	at.updated = q.now().Unix()
	writeJSON(q.w, http.StatusOK, one.object(q, at, false, false))
}

// serveDeleted answers about secrets that were deleted and not purged.
func (v *vaultContent) serveDeleted(q *dataRequest, route *vaultRoute, name string, gone *secret) {
	if route.name == "SecretListDeleted" {
		v.list(q, slices.Sorted(maps.Keys(v.deleted)), func(name string) object {
			o := v.deleted[name].deletedObject(q)
			delete(o, "value")
			return o
		})
		return
	}
	if gone == nil {
		vaultError(q.w, http.StatusNotFound, "SecretNotFound", "Deleted Secret not found: "+name, "")
		return
	}
	switch route.name {
	case "SecretGetDeleted":
		writeJSON(q.w, http.StatusOK, gone.deletedObject(q))
	case "SecretRecover":
		delete(v.deleted, strings.ToLower(name))
		v.secrets[strings.ToLower(name)] = gone
		writeJSON(q.w, http.StatusOK, gone.object(q, gone.find(""), false, false))
	case "SecretPurge":
		delete(v.deleted, strings.ToLower(name))
		v.gone[strings.ToLower(name)] = true
		q.w.WriteHeader(http.StatusNoContent)
	}
}

func (q *dataRequest) noSecret(name string) {
	vaultError(q.w, http.StatusNotFound, "SecretNotFound", fmt.Sprintf(
		"A secret with (name/id) %s was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. "+
			"For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", name), "")
}

// object is a secret as the vault writes it; with all its versions together it has no
// version in its ID.
func (s *secret) object(q *dataRequest, v *secretVersion, value, whole bool) object {
	id := "https://" + q.host + "/secrets/" + s.name
	if !whole {
		id += "/" + v.id
	}
	o := object{"id": id, "attributes": object{
		"enabled": v.enabled, "created": v.created, "updated": v.updated, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
	}}
	if value {
		o["value"] = v.value
	}
	setText(o, "contentType", v.contentType)
	if len(v.tags) > 0 {
		o["tags"] = v.tags
	}
	return o
}

const recoverableFor = 90 * 24 * 3600

func (s *secret) deletedObject(q *dataRequest) object {
	o := object{}
	if v := s.find(""); v != nil {
		o = s.object(q, v, false, false)
	}
	o["recoveryId"] = "https://" + q.host + "/deletedsecrets/" + s.name
	o["deletedDate"], o["scheduledPurgeDate"] = s.since, s.since+recoverableFor
	return o
}

// vaultPage is how many elements a page has at most.
const vaultPage = 25

// list writes a page of names.
func (v *vaultContent) list(q *dataRequest, names []string, value func(string) object) {
	size, from := vaultPage, 0
	if n, err := strconv.Atoi(q.r.URL.Query().Get("maxresults")); err == nil && n > 0 && n < size {
		size = n
	}
	if n, err := strconv.Atoi(q.r.URL.Query().Get("$skiptoken")); err == nil && n > 0 && n <= len(names) {
		from = n
	}
	to := min(from+size, len(names))
	values := []any{}
	for _, name := range names[from:to] {
		values = append(values, value(name))
	}
	body := object{"value": values, "nextLink": nil}
	if to < len(names) {
		next := *q.r.URL
		query := next.Query()
		query.Set("$skiptoken", strconv.Itoa(to))
		next.RawQuery = query.Encode()
		body["nextLink"] = "https://" + q.r.Host + next.RequestURI()
	}
	writeJSON(q.w, http.StatusOK, body)
}

// serveKey answers about keys. The lab makes RSA keys; it neither signs nor decrypts.
func (v *vaultContent) serveKey(q *dataRequest, route *vaultRoute, name, version string) {
	one := v.keys[strings.ToLower(name)]
	if route.name == "KeyCreate" {
		one = &vaultKey{name: name, version: versionID(), created: q.now().Unix()}
		v.keys[strings.ToLower(name)] = one
	}
	if name != "" && (one == nil || version != "" && !strings.EqualFold(one.version, version)) {
		vaultError(q.w, http.StatusNotFound, "KeyNotFound", fmt.Sprintf(
			"A key with (name/id) %s was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. "+
				"For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", name), "")
		return
	}
	switch route.name {
	case "KeyList":
		v.list(q, slices.Sorted(maps.Keys(v.keys)), func(name string) object { return v.keys[name].item(q, true) })
		return
	case "KeyListVersions":
		v.list(q, []string{one.version}, func(string) object { return one.item(q, false) })
		return
	case "KeyDelete":
		delete(v.keys, strings.ToLower(name))
	}
	if one.public == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			vaultError(q.w, http.StatusInternalServerError, "InternalServerError", err.Error(), "")
			return
		}
		one.public = &key.PublicKey // nobody is served with the private one
	}
	o := one.item(q, false)
	o["key"] = object{
		"kid": o["kid"], "kty": "RSA", "key_ops": []any{"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"},
		"n": base64url.EncodeToString(one.public.N.Bytes()), "e": base64url.EncodeToString(big.NewInt(int64(one.public.E)).Bytes()),
	}
	delete(o, "kid")
	if route.name == "KeyDelete" {
		now := q.now().Unix()
		o["recoveryId"] = "https://" + q.host + "/deletedkeys/" + one.name
		o["deletedDate"], o["scheduledPurgeDate"] = now, now+recoverableFor
	}
	writeJSON(q.w, http.StatusOK, o)
}

func (k *vaultKey) item(q *dataRequest, whole bool) object {
	id := "https://" + q.host + "/keys/" + k.name
	if !whole {
		id += "/" + k.version
	}
	return object{"kid": id, "attributes": object{"enabled": true, "created": k.created, "updated": k.created, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}}
}
