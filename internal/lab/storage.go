// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// storageError is an error of Blob and Queue Storage
// (learn.microsoft.com/rest/api/storageservices/status-and-error-codes2).
type storageError struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
	Detail  string `xml:"AuthenticationErrorDetail,omitempty"`
}

// fail writes an error. An answer to HEAD has only its headers.
func (q *dataRequest) fail(status int, code, message, detail string) {
	h := q.w.Header()
	q.act.said = code
	message = fmt.Sprintf("%s\nRequestId:%s\nTime:%s", message, h.Get("x-ms-request-id"), q.now().UTC().Format("2006-01-02T15:04:05.0000000Z"))
	if q.plane.api == APITable {
		q.tableFail(status, code, message)
		return
	}
	h.Set("x-ms-error-code", code)
	q.writeXML(status, storageError{Code: code, Message: message, Detail: detail})
}

// plainXML writes what encoding/xml escapes without need as Azure does: people search for it.
var plainXML = strings.NewReplacer("&#39;", "'", "&#xA;", "\n")

func (q *dataRequest) writeXML(status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		http.Error(q.w, "the lab cannot write its answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "application/xml")
	q.w.WriteHeader(status)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(append([]byte(xml.Header), plainXML.Replace(string(body))...)) // a caller that is gone needs no answer
	}
}

// storageOpen answers what is refused before rights are looked at: the token, the account,
// its keys and its firewall.
func (q *dataRequest) storageOpen(err error) bool {
	q.w.Header().Set("x-ms-version", q.r.Header.Get("x-ms-version"))
	switch {
	case q.at == nil:
		// In Azure there would be no such host.
		q.fail(http.StatusNotFound, "ResourceNotFound", "The lab has no storage account '"+q.name+"'.", "")
		return false
	case strings.HasPrefix(q.r.Header.Get("Authorization"), "SharedKey") || q.r.URL.Query().Has("sig"):
		if v, _ := q.at.setting("allowSharedKeyAccess"); strings.EqualFold(v, "false") {
			q.fail(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.", "")
			return false
		}
		q.fail(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
			"The lab takes tokens, and no signatures that are made with account keys.")
		return false
	case err != nil:
		q.storageChallenge(err)
		return false
	case q.outside() != "":
		q.fail(http.StatusForbidden, "AuthorizationFailure", "This request is not authorized to perform this operation.", "")
		return false
	}
	return true
}

// storageChallenge answers a request without a token that is accepted
// (learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory, "Bearer challenge").
func (q *dataRequest) storageChallenge(err error) {
	q.w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer authorization_uri=%s/%s/oauth2/authorize resource_id=https://storage.azure.com", q.URL(), q.world.tenant))
	detail := ""
	var f *authError
	if errors.As(err, &f) {
		switch f.kind {
		case tokenMissing:
			q.fail(http.StatusUnauthorized, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.", "")
			return
		case tokenMisplaced:
			detail = "Audience validation failed. Audience did not match."
		case tokenForeign:
			detail = "Issuer validation failed. Issuer did not match."
		case tokenExpired:
			detail = "Lifetime validation failed. The token is expired."
		case tokenInvalid:
			detail = "Signature validation failed. Signature did not match."
		}
	}
	q.fail(http.StatusUnauthorized, "InvalidAuthenticationInfo", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.", detail)
}

// storageAllows decides whether one of several rights is there, and answers what is refused.
func (q *dataRequest) storageAllows(name string, plane mivet.Plane, scope arm.ID, given func(operation string) *abac.Env, operations ...string) bool {
	q.act.name = name
	if q.mayAny(plane, scope, given, operations...) {
		return true
	}
	q.fail(http.StatusForbidden, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.", "")
	return false
}

// env tells conditions what is known of a request to storage, and that there is nothing else
// (MicrosoftDocs/azure-docs articles/storage/blobs/storage-auth-abac-attributes.md).
func (q *dataRequest) env(fill func(e *abac.Env)) func(operation string) *abac.Env {
	return func(operation string) *abac.Env {
		e := &abac.Env{}
		if op, err := arm.ParseOperation(operation); err == nil {
			e.Operation = op
		}
		e.Set(abac.Resource, storageType+":name", abac.String(q.at.id.Name()))
		if v, ok := q.at.setting("isHnsEnabled"); ok {
			e.Set(abac.Resource, storageType+":isHnsEnabled", abac.Bool(strings.EqualFold(v, "true")))
		}
		e.Set(abac.Environment, "isPrivateLink", abac.Bool(false))
		e.SetNow(q.now())
		fill(e)
		e.Close()
		return e
	}
}

// conditions are the headers that bind a request to a state of the object.
// It answers 412 or 409 and reports false where they do not hold.
func (q *dataRequest) conditions(exists bool, etag string, modified time.Time) bool {
	h := q.r.Header
	match := func(list string) bool {
		for tag := range strings.SplitSeq(list, ",") {
			if tag = strings.TrimSpace(tag); exists && (tag == "*" || tag == etag) {
				return true
			}
		}
		return false
	}
	switch none := h.Get("If-None-Match"); {
	case none == "*" && exists && q.r.Method == http.MethodPut:
		q.fail(http.StatusConflict, "BlobAlreadyExists", "The specified blob already exists.", "")
		return false
	case none != "" && match(none) && (q.r.Method == http.MethodGet || q.r.Method == http.MethodHead):
		q.w.Header().Set("ETag", etag)
		q.w.WriteHeader(http.StatusNotModified)
		return false
	case h.Get("If-Match") != "" && !match(h.Get("If-Match")), none != "" && match(none):
		q.fail(http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.", "")
		return false
	}
	if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && exists && modified.Truncate(time.Second).After(t) {
		q.fail(http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.", "")
		return false
	}
	return true
}

// accountKeys answers POST {account}/listKeys. Whether the account takes them is another
// question (allowSharedKeyAccess); the lab's own data planes take tokens only.
func (q *armRequest) accountKeys() {
	account := mustID(q.path[:strings.LastIndexByte(q.path, '/')])
	one := q.s.world.find(account)
	if one == nil || !strings.EqualFold(one.typ, storageType) {
		q.getThing(account)
		return
	}
	if !q.allowed(storageType+"/listkeys/action", account) {
		return
	}
	var keys []any
	for _, name := range []string{"key1", "key2"} {
		sum := sha512.Sum512([]byte("mivet lab\x00" + name + "\x00" + q.s.secret + "\x00" + string(one.key)))
		keys = append(keys, object{"keyName": name, "value": base64.StdEncoding.EncodeToString(sum[:]), "permissions": "FULL"})
	}
	q.write(object{"keys": keys})
}

// storageServices are the services that every account has, with what they are where nobody
// said otherwise (Azure/azure-rest-api-specs storage 2023-05-01 blob.json, file.json, queue.json,
// table.json).
var storageServices = map[string]object{
	"blobservices":  {"cors": object{"corsRules": []any{}}, "deleteRetentionPolicy": object{"enabled": false}},
	"fileservices":  {"cors": object{"corsRules": []any{}}, "shareDeleteRetentionPolicy": object{"enabled": true, "days": 7}, "protocolSettings": object{"smb": object{}}},
	"queueservices": {"cors": object{"corsRules": []any{}}},
	"tableservices": {"cors": object{"corsRules": []any{}}},
}

// storageService answers GET {account}/{service}/default where nobody wrote it; false for a
// path of another kind.
func (q *armRequest) storageService(t target) bool {
	account := q.s.world.find(t.parent)
	p, known := storageServices[strings.ToLower(t.last)]
	if !known || account == nil || !strings.EqualFold(account.typ, storageType) || !strings.EqualFold(t.name, "default") || q.s.world.find(mustID(q.path)) != nil {
		return false
	}
	if q.allowed(t.typ+"/read", t.parent) {
		q.write(object{"id": account.id.String() + "/" + t.last + "/default", "name": "default", "type": t.typ, "properties": p})
	}
	return true
}
