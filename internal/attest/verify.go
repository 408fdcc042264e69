// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
)

// Claims is what a verified token says.
type Claims struct {
	TenantID  string
	Principal mivet.PrincipalID
	ClientID  string
	// Resource is that of the identity (the claim xms_mirid), and Host that of the workload,
	// where the token tells.
	Resource, Host    string
	IssuedAt, Expires time.Time
	Issuer, Audience  string
}

// Verifier checks tokens of one tenant for one audience.
type Verifier struct {
	// Discovery is the address of the issuer's configuration.
	Discovery string
	Audience  string
	Tenant    string
	Client    *http.Client
	Now       func() time.Time

	mu     sync.Mutex
	issuer string
	keys   map[string]*rsa.PublicKey
	read   time.Time
}

// The limits of what is taken.
const (
	maxToken    = 32 << 10
	maxDocument = 1 << 20
	skew        = 2 * time.Minute
	keysFor     = 24 * time.Hour
	keysAnew    = time.Minute // an unknown key makes the keys be read again, at most this often
	minBits     = 2048
)

// RefusalError is why a token is not taken. It never holds a part of the token.
type RefusalError struct{ Why string }

func (r *RefusalError) Error() string { return r.Why }

func refuse(format string, args ...any) error { return &RefusalError{fmt.Sprintf(format, args...)} }

type tokenHeader struct {
	Alg  string   `json:"alg"`
	Kid  string   `json:"kid"`
	Crit []string `json:"crit"`
}

type tokenClaims struct {
	Iss   string `json:"iss"`
	Aud   string `json:"aud"`
	Tid   string `json:"tid"`
	Oid   string `json:"oid"`
	Appid string `json:"appid"`
	Azp   string `json:"azp"`
	Idtyp string `json:"idtyp"`
	Scp   string `json:"scp"`
	MirID string `json:"xms_mirid"`
	AzRID string `json:"xms_az_rid"`
	Iat   int64  `json:"iat"`
	Nbf   int64  `json:"nbf"`
	Exp   int64  `json:"exp"`
}

// Verify checks signature, issuer, audience, times and tenant of a token. An error that
// is a [RefusalError] is the token's; any other tells that the issuer could not be asked.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > maxToken {
		return nil, refuse("the token is longer than any of Entra ID")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, refuse("the token has no three parts")
	}
	var head tokenHeader
	var claims tokenClaims
	if decode(parts[0], &head) != nil || decode(parts[1], &claims) != nil {
		return nil, refuse("the token is no JSON Web Token")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, refuse("the signature is not in base64url")
	}
	if head.Alg != "RS256" || len(head.Crit) > 0 {
		return nil, refuse("the token is not signed with RS256")
	}
	key, err := v.key(ctx, head.Kid)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		return nil, refuse("the signature is not that of the issuer")
	}
	return v.check(&claims)
}

func decode(part string, v any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// check compares what a signed token says.
func (v *Verifier) check(c *tokenClaims) (*Claims, error) {
	now := v.Now()
	v.mu.Lock()
	issuer := v.issuer
	v.mu.Unlock()
	switch {
	case c.Iss != issuer:
		return nil, refuse("the issuer is %q, not %q", c.Iss, issuer)
	case c.Tid != v.Tenant:
		return nil, refuse("the tenant is %q, not %q", c.Tid, v.Tenant)
	case c.Aud != v.Audience:
		return nil, refuse("the audience is %q, not %q", c.Aud, v.Audience)
	case c.Exp == 0 || c.Iat == 0:
		return nil, refuse("the token does not say when it was issued and when it expires")
	case now.Add(-skew).After(time.Unix(c.Exp, 0)):
		return nil, refuse("the token expired at %s", time.Unix(c.Exp, 0).UTC().Format(time.RFC3339))
	case c.Nbf != 0 && now.Add(skew).Before(time.Unix(c.Nbf, 0)), now.Add(skew).Before(time.Unix(c.Iat, 0)):
		return nil, refuse("the token is not valid yet")
	case c.Oid == "":
		return nil, refuse("the token names no principal")
	case c.Scp != "" || c.Idtyp == "user":
		return nil, refuse("the token is that of a person, not of a workload")
	}
	out := &Claims{
		TenantID: c.Tid, Principal: mivet.NewPrincipalID(c.Oid), ClientID: c.Appid, Resource: c.MirID, Host: c.AzRID,
		IssuedAt: time.Unix(c.Iat, 0).UTC(), Expires: time.Unix(c.Exp, 0).UTC(), Issuer: c.Iss, Audience: c.Aud,
	}
	if out.ClientID == "" {
		out.ClientID = c.Azp
	}
	return out, nil
}

// key returns a key of the issuer. The keys are read again after a day, and when a token
// names one that is not among them.
func (v *Verifier) key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.Now()
	age := now.Sub(v.read)
	if v.keys == nil || age > keysFor || v.keys[kid] == nil && age > keysAnew {
		if err := v.readKeys(ctx); err != nil {
			return nil, fmt.Errorf("reading the keys of the issuer: %w", err)
		}
		v.read = now
	}
	if k := v.keys[kid]; k != nil {
		return k, nil
	}
	return nil, refuse("the token is signed with a key that the issuer does not have")
}

// readKeys reads the configuration of the issuer and its keys.
func (v *Verifier) readKeys(ctx context.Context) error {
	var doc struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := v.get(ctx, v.Discovery, &doc); err != nil {
		return err
	}
	if doc.Issuer == "" || doc.Keys == "" {
		return errors.New("the configuration names no issuer or no keys")
	}
	var set struct {
		Keys []struct{ Kty, Kid, N, E, Use string }
	}
	if err := v.get(ctx, doc.Keys, &set); err != nil {
		return err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(k.N)
		e, errE := base64.RawURLEncoding.DecodeString(k.E)
		if k.Kty != "RSA" || k.Use != "" && k.Use != "sig" || errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
			continue
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if key.N.BitLen() >= minBits {
			keys[k.Kid] = key
		}
	}
	v.issuer, v.keys = strings.ReplaceAll(doc.Issuer, "{tenantid}", v.Tenant), keys
	return nil
}

func (v *Verifier) get(ctx context.Context, address string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	if r.URL.Scheme != "https" {
		return fmt.Errorf("%s is not https", address)
	}
	res, err := v.Client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxDocument))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, res.Status)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", address, err)
	}
	return nil
}
