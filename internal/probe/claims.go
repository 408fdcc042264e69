// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
)

// Claims is what is kept of a token. It was not verified: it came from the host itself.
type Claims struct {
	Kind      effective.PresentedKind `json:"kind"`
	TenantID  string                  `json:"tenantId,omitzero"`
	ClientID  string                  `json:"clientId,omitzero"`
	Principal mivet.PrincipalID       `json:"principalId,omitzero"`
	// IdentityResource is the resource of a managed identity: that of the workload for a
	// system-assigned one. HostResource is the workload, where the token tells.
	IdentityResource string    `json:"identityResource,omitzero"`
	HostResource     string    `json:"hostResource,omitzero"`
	Issuer           string    `json:"issuer,omitzero"`
	Audience         string    `json:"audience,omitzero"`
	IssuedAt         time.Time `json:"issuedAt,omitzero"`
	ExpiresAt        time.Time `json:"expiresAt,omitzero"`
}

// rawClaims are the claims of a token of Entra ID, by version 1 and 2.
type rawClaims struct {
	Tid   string `json:"tid"`
	Appid string `json:"appid"`
	Azp   string `json:"azp"`
	Oid   string `json:"oid"`
	Idtyp string `json:"idtyp"`
	Scp   string `json:"scp"`
	MirID string `json:"xms_mirid"`
	AzRID string `json:"xms_az_rid"`
	Iss   string `json:"iss"`
	Aud   any    `json:"aud"`
	Iat   int64  `json:"iat"`
	Exp   int64  `json:"exp"`
	Nbf   int64  `json:"nbf"`
	UTI   string `json:"uti"`
}

// maxToken is the longest token that is read.
const maxToken = 1 << 16

// ReadClaims reads the claims of a token and forgets the token.
func ReadClaims(token string) (*Claims, error) {
	if len(token) > maxToken {
		return nil, errors.New("the token is longer than any of Entra ID")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token has no three parts; it is none of Entra ID")
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil, errors.New("the claims of the token are not in base64url") // the error would show a part of it
	}
	var raw rawClaims
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, errors.New("the claims of the token are no JSON object as Entra ID writes it")
	}
	return raw.claims(), nil
}

func (r *rawClaims) claims() *Claims {
	c := &Claims{
		Kind: r.kind(), TenantID: r.Tid, ClientID: r.Appid, Principal: mivet.NewPrincipalID(r.Oid),
		IdentityResource: r.MirID, HostResource: r.AzRID, Issuer: r.Iss,
	}
	if c.ClientID == "" {
		c.ClientID = r.Azp
	}
	if aud, ok := r.Aud.(string); ok {
		c.Audience = aud
	}
	if r.Iat > 0 {
		c.IssuedAt = time.Unix(r.Iat, 0).UTC()
	}
	if r.Exp > 0 {
		c.ExpiresAt = time.Unix(r.Exp, 0).UTC()
	}
	return c
}

// kind tells the sorts of identities apart, in the order in which vault-plugin-auth-azure
// and teleport do (path_login.go; the claim xms_mirid is there for managed identities
// alone).
func (r *rawClaims) kind() effective.PresentedKind {
	switch {
	case strings.Contains(string(arm.Fold(r.MirID)), "/userassignedidentities/"):
		return effective.UserAssigned
	case r.MirID != "":
		return effective.SystemAssigned
	case r.Idtyp == "app", r.Idtyp == "" && r.Scp == "":
		return effective.Application
	}
	return effective.Person
}

// Name says in a few words whose token it was.
func (c *Claims) Name() string {
	switch {
	case c.Kind == effective.UserAssigned:
		return "user-assigned identity " + c.IdentityResource[strings.LastIndexByte(c.IdentityResource, '/')+1:]
	case c.Kind == effective.SystemAssigned:
		return "system-assigned identity of " + c.IdentityResource[strings.LastIndexByte(c.IdentityResource, '/')+1:]
	case c.Kind == effective.Person:
		return "a person"
	}
	return fmt.Sprintf("application %s", c.ClientID)
}

// met is the answer of a token to a need.
func (c *Claims) met() effective.Met {
	m := effective.Met{Answer: effective.MetToken, Kind: c.Kind, Identity: effective.ManagedIdentity{Name: c.Name(), ClientID: c.ClientID, Principal: c.Principal}}
	if c.Kind == effective.UserAssigned {
		m.Identity.Resource = c.IdentityResource
	}
	return m
}
