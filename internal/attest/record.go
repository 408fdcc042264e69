// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
)

// Record is one attestation: which principal a workload proved to present.
type Record struct {
	Principal mivet.PrincipalID `json:"principalId"`
	ClientID  string            `json:"clientId,omitzero"`
	TenantID  string            `json:"tenantId"`
	// Resource is that of the identity, and Host that of the workload, where the token told.
	Resource string `json:"resource,omitzero"`
	Host     string `json:"host,omitzero"`
	// IssuedAt is when the token was issued: the time of the evidence. ReceivedAt is when it
	// came first.
	IssuedAt   time.Time `json:"issuedAt"`
	ReceivedAt time.Time `json:"receivedAt"`
	// Digest is the SHA-256 of what was signed, by which a token that comes again is known.
	Digest string `json:"digest"`
}

// Ledger keeps records. It appends each to a writer, one JSON object a line.
type Ledger struct {
	mu      sync.Mutex
	out     io.Writer
	records map[string]Record
}

// maxRecords bounds the memory of a ledger.
const maxRecords = 1 << 20

// maxRecord is the longest line of a ledger.
const maxRecord = 1 << 16

// OpenLedger reads the records that there are, and appends new ones to out.
func OpenLedger(name string, in io.Reader, out io.Writer) (*Ledger, error) {
	l := &Ledger{out: out, records: map[string]Record{}}
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxRecord)
	for n := 1; s.Scan(); n++ {
		var r Record
		if err := json.Unmarshal(s.Bytes(), &r); err != nil || r.Digest == "" {
			return nil, fmt.Errorf("%s:%d: it is no record of an attestation; move the file away to begin a new one", name, n)
		}
		l.records[r.Digest] = r
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return l, nil
}

// digest is that of the signed part of a token: another signature over the same does not
// make another token.
func digest(token string) string {
	signed := token[:max(0, strings.LastIndexByte(token, '.'))]
	sum := sha256.Sum256([]byte(signed))
	return hex.EncodeToString(sum[:])
}

// Add records a verified token. One that was seen before gives its first record back.
func (l *Ledger) Add(token string, c *Claims, now time.Time) (r Record, first bool, err error) {
	d := digest(token)
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, seen := l.records[d]; seen {
		return r, false, nil
	}
	if len(l.records) >= maxRecords {
		return Record{}, false, errors.New("the ledger is full; begin a new one")
	}
	r = Record{
		Principal: c.Principal, ClientID: c.ClientID, TenantID: c.TenantID, Resource: c.Resource, Host: c.Host,
		IssuedAt: c.IssuedAt, ReceivedAt: now.UTC().Truncate(time.Second), Digest: d,
	}
	line, err := json.Marshal(r)
	if err != nil {
		return Record{}, false, fmt.Errorf("writing a record: %w", err)
	}
	if _, err := l.out.Write(append(line, '\n')); err != nil {
		return Record{}, false, fmt.Errorf("writing a record: %w", err)
	}
	l.records[d] = r
	return r, true, nil
}

// Answer is what a workload is told.
type Answer struct {
	Record
	// First is false for a token that was seen before: nothing was refreshed.
	First bool `json:"first"`
}

// Handler takes tokens: POST / with "Authorization: Bearer TOKEN".
func Handler(v *Verifier, l *Ledger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			write(w, http.StatusUnauthorized, map[string]string{"error": "there is no bearer token"})
			return
		}
		claims, err := v.Verify(r.Context(), token)
		var refusal *RefusalError
		switch {
		case errors.As(err, &refusal):
			write(w, http.StatusUnauthorized, map[string]string{"error": refusal.Why})
			return
		case err != nil:
			write(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
			return
		}
		record, first, err := l.Add(token, claims, v.Now())
		if err != nil {
			write(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
		write(w, http.StatusOK, Answer{record, first})
	})
	return mux
}

func write(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return // whoever asked is gone
	}
}
