// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// OperatorID is the client ID and the object ID of the one caller that may read
// everything. It is no part of the tenant: it appears in nothing that is served.
const OperatorID = "0b5e7a70-1ab0-4000-8000-0000000000aa"

// claims are those of the lab's access tokens, which have the form of Entra ID's v1 tokens
// (learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
type claims struct {
	Aud      string   `json:"aud"`
	Iss      string   `json:"iss"`
	Iat      int64    `json:"iat"`
	Nbf      int64    `json:"nbf"`
	Exp      int64    `json:"exp"`
	AppID    string   `json:"appid,omitzero"`
	AppIDACR string   `json:"appidacr,omitzero"`
	IDP      string   `json:"idp,omitzero"`
	IDTyp    string   `json:"idtyp,omitzero"`
	OID      string   `json:"oid"`
	Roles    []string `json:"roles,omitzero"`
	Sub      string   `json:"sub"`
	TID      string   `json:"tid"`
	Uti      string   `json:"uti,omitzero"`
	Ver      string   `json:"ver"`
	Wids     []string `json:"wids,omitzero"`
	MIRID    string   `json:"xms_mirid,omitzero"`
	// HostID is the resource that carries a user-assigned identity and asked for the token.
	HostID string `json:"xms_az_rid,omitzero"`
}

// tokenLife is how long tokens live. Entra ID gives an application's 60 to 90 minutes.
const tokenLife = time.Hour

// caller is who sent a request.
type caller struct {
	claims
	operator  bool
	principal mivet.PrincipalID
	ref       authz.PrincipalRef
}

// key tells callers apart for quotas and kept results.
func (c *caller) key() string { return c.OID }

// The resources that tokens are for.
const (
	forARM   = "https://management.azure.com"
	forGraph = "https://graph.microsoft.com"
	forHSM   = "https://managedhsm.azure.net"
)

// audience returns the resource that a scope or a resource stands for, "" if the lab
// issues no tokens for it. A token for the lab's own address is good for all its sides,
// which have one address together.
func (s *view) audience(resource string) string {
	resource = strings.TrimRight(strings.TrimSuffix(resource, "/.default"), "/")
	switch strings.ToLower(resource) {
	case forARM, "https://management.core.windows.net", "https://management.usgovcloudapi.net", "https://management.chinacloudapi.cn",
		"https://management.core.chinacloudapi.cn", "https://management.core.usgovcloudapi.net":
		return forARM
	case s.URL():
		return s.URL()
	case forGraph, "00000003-0000-0000-c000-000000000000", "https://graph.microsoft.us", "https://microsoftgraph.chinacloudapi.cn":
		return forGraph
	case forHSM, forLogs, "api://azureadtokenexchange", "api://mivet":
		return resource
	}
	if planeOfAudience(resource) != nil {
		return resource
	}
	return ""
}

// issue makes a token for a principal.
func (s *view) issue(p *account, aud string, now time.Time, life time.Duration) (string, time.Time, error) {
	c := claims{
		Aud: aud, Iss: "https://sts.windows.net/" + s.world.tenant + "/", IDP: "https://sts.windows.net/" + s.world.tenant + "/",
		Iat: now.Unix(), Nbf: now.Unix(), Exp: now.Add(life).Unix(),
		AppID: p.client, AppIDACR: "1", IDTyp: "app", OID: string(p.id), Sub: string(p.id), TID: s.world.tenant,
		Uti: randomText(16), Ver: "1.0", MIRID: p.resource, HostID: p.host,
	}
	if p.user {
		c.IDTyp, c.AppIDACR = "user", "0"
	}
	if aud == forGraph || aud == s.URL() {
		c.Roles, c.Wids = s.world.directory.permissions(p.id), s.world.directory.roleIDs(p.id)
	}
	key, err := signingKey()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("making the key that signs tokens: %w", err)
	}
	text, err := signToken(key, c)
	return text, now.Add(life), err
}

// authError is a token that is not accepted, with the code and the words of Resource
// Manager. Other services say the same in words of their own, and go by kind.
type authError struct {
	kind          authKind
	claims        claims
	code, message string
}

// authKind is what is wrong with a token.
type authKind uint8

const (
	tokenMissing   authKind = iota // there is none
	tokenInvalid                   // it cannot be read, or nobody known signed it
	tokenForeign                   // it is another tenant's
	tokenExpired                   // its time is over, or has not begun
	tokenMisplaced                 // it is for another service
)

func (f *authError) Error() string { return f.code + ": " + f.message }

// authenticate finds out who sent a request. An error is of type *authError.
func (s *view) authenticate(w *recorder, r *http.Request, audiences ...string) (*caller, error) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return nil, &authError{tokenMissing, claims{}, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."}
	}
	t, err := parseToken(strings.TrimSpace(text))
	if err != nil {
		return nil, &authError{tokenInvalid, claims{}, "InvalidAuthenticationToken", "The access token is invalid: " + err.Error() + "."}
	}
	key, err := signingKey()
	if err == nil {
		err = t.verify(&key.PublicKey)
	}
	var c caller
	if err == nil {
		err = json.Unmarshal(t.claims, &c.claims)
	}
	if err != nil {
		return nil, &authError{tokenInvalid, claims{}, "InvalidAuthenticationToken", "The access token is invalid: " + err.Error() + "."}
	}
	now := s.nowFor(w).Unix()
	switch {
	case c.TID != s.world.tenant:
		return nil, &authError{tokenForeign, c.claims, "InvalidAuthenticationTokenTenant", fmt.Sprintf(
			"The access token is from the wrong issuer '%s'. It must match the tenant '%s' associated with this subscription.", c.Iss, s.world.tenant)}
	case now >= c.Exp:
		return nil, &authError{tokenExpired, c.claims, "ExpiredAuthenticationToken", fmt.Sprintf(
			"The access token expiry UTC time '%s' is earlier than current UTC time '%s'.", stamp(c.Exp), stamp(now))}
	case now < c.Nbf-300: // five minutes of skew are forgiven
		return nil, &authError{tokenExpired, c.claims, "InvalidAuthenticationToken", fmt.Sprintf(
			"The access token is not yet valid: it begins at '%s', current UTC time '%s'.", stamp(c.Nbf), stamp(now))}
	case !slices.Contains(audiences, c.Aud) && c.Aud != s.URL():
		return nil, &authError{tokenMisplaced, c.claims, "InvalidAuthenticationTokenAudience", fmt.Sprintf(
			"The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences '%s'.", c.Aud, strings.Join(audiences, ","))}
	}
	c.operator = c.OID == OperatorID
	c.principal = mivet.NewPrincipalID(c.OID)
	c.ref = s.world.engine.Principal(c.principal)
	return &c, nil
}

func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format("1/2/2006 3:04:05 PM") }

// may decides whether a caller may do something, and says what decided.
func (s *view) may(c *caller, operation string, at arm.ID) (bool, string) {
	return s.mayOn(c, operation, at, mivet.PlaneControl)
}

func (s *view) mayOn(c *caller, operation string, at arm.ID, plane mivet.Plane) (bool, string) {
	if c.operator {
		return true, "the operator"
	}
	op, err := s.world.operation(operation)
	if err != nil {
		return false, err.Error()
	}
	ref := s.world.engine.Resource(at)
	d := s.world.engine.CheckRef(c.ref, op, &ref, plane, s.now())
	return d.Effect == authz.Allowed, d.Effect.String() + ": " + d.Cause.String()
}

// readOperation is what reading a thing of a type asks for.
func readOperation(typ string) string {
	switch typ {
	case subscriptionType:
		return "Microsoft.Resources/subscriptions/read"
	case groupType:
		return "Microsoft.Resources/subscriptions/resourceGroups/read"
	}
	return typ + "/read"
}

// visible lists the numbers of the things that a caller may read, once per caller: a world
// does not change. Rights that end while the lab runs are looked at again.
func (s *view) visible(c *caller) []int32 {
	w := s.world
	w.seenMu.Lock()
	defer w.seenMu.Unlock()
	if v, ok := w.seen[c.key()]; ok && s.now().Sub(v.at) < time.Minute && !s.now().Before(v.at) {
		return v.things
	}
	list := make([]int32, 0, len(w.resources))
	for i := range w.resources {
		if ok, _ := s.may(c, readOperation(w.resources[i].typ), w.resources[i].id); ok || s.reaches(c, &w.resources[i]) {
			list = append(list, int32(i))
		}
	}
	w.seen[c.key()] = seenThings{s.now(), list}
	return list
}

// reaches reports whether a caller sees a subscription because it may read something in
// it: Resource Manager lists every subscription in which a caller has a role.
func (s *view) reaches(c *caller, t *thing) bool {
	if t.typ != subscriptionType {
		return false
	}
	n, ok := s.world.tree.Find(t.id)
	if !ok {
		return false
	}
	return slices.ContainsFunc(s.world.nodesOf(c.principal), func(at arm.Node) bool { return s.world.tree.Contains(n, at) })
}

// nodesOf returns the scopes of the role assignments of a principal and its groups.
func (w *world) nodesOf(p mivet.PrincipalID) []arm.Node {
	mine := w.directory.groupsOf(p)
	var nodes []arm.Node
	for i := range w.snap.RoleAssignments {
		a := &w.snap.RoleAssignments[i]
		if !a.Eligible && (a.Principal == p || slices.Contains(mine, a.Principal)) {
			nodes = append(nodes, w.assignments[i])
		}
	}
	return nodes
}

type seenThings struct {
	at     time.Time
	things []int32
}

// refuseARM answers a token that is not accepted, as Resource Manager does.
func (s *view) refuseARM(w http.ResponseWriter, err error) {
	var f *authError
	if !errors.As(err, &f) {
		f = &authError{code: "AuthenticationFailed", message: err.Error()}
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(
		`Bearer authorization_uri="%s/%s", error="invalid_token", error_description="%s"`, s.URL(), s.world.tenant, f.message))
	writeError(w, http.StatusUnauthorized, f.code, f.message)
}

// forbid answers a request that the caller may not make, in the words of Resource Manager.
func forbid(w http.ResponseWriter, c *caller, operation string, at arm.ID, why string) {
	w.Header().Set(decisionHeader, why)
	client := c.AppID
	if client == "" {
		client = c.OID
	}
	writeError(w, http.StatusForbidden, "AuthorizationFailed", fmt.Sprintf(
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. "+
			"If access was recently granted, please refresh your credentials.", client, c.OID, operation, at))
}

// decisionHeader says on answers of the lab what its engine decided; Azure has no such
// header.
const decisionHeader = "x-mivet-lab-decision"
