// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"sync"
)

// Options says how a [Redactor] works.
type Options struct {
	// Key makes digests of dropped settings, so that a change of their values is seen.
	// Without a key there are no digests. It must have at least 16 bytes and must be kept
	// apart from what is written.
	Key []byte
	// KeyID names the key in what is written. It is needed with a key.
	KeyID string
}

// Redactor removes what may be secret. It is safe for concurrent use.
type Redactor struct {
	table  *table
	key    []byte
	keyID  string
	mu     sync.Mutex
	report Report
}

// Report counts what was removed since a [Redactor] was made. It holds no value.
type Report struct {
	// Dropped counts properties that are not on the allow-list, by resource type and path.
	// A property stands for everything below it.
	Dropped map[Place]int
	// Secrets counts values that were allowed by their place and looked like secrets.
	Secrets map[Place]int
	// Settings counts the values of settings that were dropped. Their names stayed.
	Settings int
	// Texts counts free texts in which something was replaced.
	Texts int
	// KeyID names the key of the digests; empty without digests.
	KeyID string
}

// Place is where a value stood.
type Place struct {
	// Type is the resource type as it was given.
	Type string
	// Path is the place in the resource: [] is an element of a list, {*} a key that may
	// itself tell something.
	Path string
}

// maxPlaces bounds the size of a report. What is beyond it is counted under the empty
// Place.
const maxPlaces = 10_000

const minKey = 16

// New makes a Redactor. It reads the allow-list once.
func New(o Options) (*Redactor, error) {
	switch {
	case len(o.Key) == 0 && o.KeyID != "":
		return nil, errors.New("making a redactor: there is a key ID and no key")
	case len(o.Key) > 0 && o.KeyID == "":
		return nil, errors.New("making a redactor: the key has no ID, so nobody could tell digests of two keys apart")
	case len(o.Key) > 0 && len(o.Key) < minKey:
		return nil, errors.New("making a redactor: the key is shorter than 16 bytes, so digests could be guessed")
	}
	t, err := newTable(pathsText, selectorsText)
	if err != nil {
		return nil, err
	}
	return &Redactor{
		table: t, key: o.Key, keyID: o.KeyID,
		report: Report{Dropped: map[Place]int{}, Secrets: map[Place]int{}, KeyID: o.KeyID},
	}, nil
}

// Report returns what was removed so far.
func (r *Redactor) Report() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.report
	out.Dropped, out.Secrets = maps.Clone(out.Dropped), maps.Clone(out.Secrets)
	return out
}

func (r *Redactor) dropped(p Place) { r.count(r.report.Dropped, p) }

func (r *Redactor) secret(p Place) { r.count(r.report.Secrets, p) }

func (r *Redactor) count(places map[Place]int, p Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := places[p]; !ok && len(places) >= maxPlaces {
		p = Place{}
	}
	places[p]++
}

// instead returns what is written in place of a setting's value: a digest if there is a
// key. Equal values of settings with one name have equal digests.
func (r *Redactor) instead(name, value string) string {
	if value == Marker || r.keyID != "" && ownDigest(value, r.keyID) {
		return value // it has been here before
	}
	r.mu.Lock()
	r.report.Settings++
	r.mu.Unlock()
	if len(r.key) == 0 {
		return Marker
	}
	h := hmac.New(sha256.New, r.key)
	_, _ = h.Write([]byte(name + "\x00" + value)) // a hash does not fail
	return "hmac:" + r.keyID + ":" + hex.EncodeToString(h.Sum(nil)[:16])
}

// Text returns a free text with everything in it that looks like a secret replaced by
// [Marker]. See [Text].
func (r *Redactor) Text(s string) string {
	t := Text(s)
	if t != s {
		r.mu.Lock()
		r.report.Texts++
		r.mu.Unlock()
	}
	return t
}

// ownDigest reports whether a value is a digest that instead made with that key.
func ownDigest(value, keyID string) bool {
	digits, ok := strings.CutPrefix(value, "hmac:"+keyID+":")
	if !ok || len(digits) != 32 {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}
