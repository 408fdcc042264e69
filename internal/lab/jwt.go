// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
)

// signingKey signs all tokens of this process. Making one takes long, and a lab's tokens
// are no secret.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// maxToken is the longest token that is read, in bytes.
const maxToken = 32 << 10

var base64url = base64.RawURLEncoding

// header is that of a JSON Web Token (RFC 7515).
type header struct {
	Alg     string   `json:"alg"`
	Typ     string   `json:"typ,omitzero"`
	Kid     string   `json:"kid,omitzero"`
	X5t     string   `json:"x5t,omitzero"`
	X5tS256 string   `json:"x5t#S256,omitzero"`
	X5c     []string `json:"x5c,omitzero"`
}

// keyID names a key: the digest of its modulus.
func keyID(key *rsa.PublicKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64url.EncodeToString(sum[:20])
}

// signToken writes a token over claims.
func signToken(key *rsa.PrivateKey, claims any) (string, error) {
	id := keyID(&key.PublicKey)
	head, err := json.Marshal(header{Alg: "RS256", Typ: "JWT", Kid: id, X5t: id})
	if err != nil {
		return "", fmt.Errorf("writing the header of a token: %w", err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("writing the claims of a token: %w", err)
	}
	signed := base64url.EncodeToString(head) + "." + base64url.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed + "." + base64url.EncodeToString(sig), nil
}

// jwt is a token that was read and not yet checked.
type jwt struct {
	header header
	claims json.RawMessage
	signed string
	sig    []byte
}

func parseToken(text string) (*jwt, error) {
	if len(text) > maxToken {
		return nil, errors.New("the token is too long")
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token does not have three parts")
	}
	t := &jwt{signed: parts[0] + "." + parts[1]}
	head, err := base64url.DecodeString(parts[0])
	if err == nil {
		err = json.Unmarshal(head, &t.header)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the token's header: %w", err)
	}
	if t.claims, err = base64url.DecodeString(parts[1]); err != nil {
		return nil, fmt.Errorf("reading the token's claims: %w", err)
	}
	if t.sig, err = base64url.DecodeString(parts[2]); err != nil {
		return nil, fmt.Errorf("reading the token's signature: %w", err)
	}
	return t, nil
}

var errSignature = errors.New("the signature is not that of the key")

// verify checks the signature. No other algorithms than these are taken, so that a token
// cannot choose to be trusted.
func (t *jwt) verify(key crypto.PublicKey) error {
	sum := sha256.Sum256([]byte(t.signed))
	switch key := key.(type) {
	case *rsa.PublicKey:
		var err error
		switch t.header.Alg {
		case "RS256":
			err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], t.sig)
		case "PS256":
			err = rsa.VerifyPSS(key, crypto.SHA256, sum[:], t.sig, nil)
		default:
			return fmt.Errorf("the algorithm %q is not accepted", t.header.Alg)
		}
		if err != nil {
			return errSignature
		}
		return nil
	case *ecdsa.PublicKey:
		if t.header.Alg != "ES256" || len(t.sig) != 64 {
			return fmt.Errorf("the algorithm %q is not accepted", t.header.Alg)
		}
		r, s := new(big.Int).SetBytes(t.sig[:32]), new(big.Int).SetBytes(t.sig[32:])
		if !ecdsa.Verify(key, sum[:], r, s) {
			return errSignature
		}
		return nil
	}
	return errors.New("the key is of no known kind")
}

// jwk is a public key as discovery shows it (RFC 7517).
type jwk struct {
	Kty string `json:"kty"`
	Use string `json:"use"`
	Kid string `json:"kid"`
	X5t string `json:"x5t"`
	N   string `json:"n"`
	E   string `json:"e"`
}

func jwkOf(key *rsa.PublicKey) jwk {
	id := keyID(key)
	return jwk{
		Kty: "RSA", Use: "sig", Kid: id, X5t: id,
		N: base64url.EncodeToString(key.N.Bytes()), E: base64url.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
}
