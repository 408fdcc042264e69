// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strings"
	"time"

	"github.com/mivet/mivet/arm"
)

// Presence says what a run knows of an attribute.
type Presence uint8

// The three cases. The zero Presence is NotKnown.
const (
	NotKnown Presence = iota // the run cannot say whether the attribute is there, or what it is
	Absent                   // the request, resource or caller has no such attribute
	Known                    // the value is known
)

var presenceNames = [...]string{"not known", "absent", "known"}

// String returns the case in words.
func (p Presence) String() string {
	if int(p) < len(presenceNames) {
		return presenceNames[p]
	}
	return "invalid"
}

// Mode says what NOT makes of a comparison that fails because an attribute is absent or of
// the wrong type.
type Mode uint8

// The modes.
//
// A comparison on an absent attribute does not let the request through: an operation that
// does not carry the attribute "will fail the authorization access check"
// (storage-auth-abac-attributes.md#suboperations), and a list call without secret name gets
// 403 (Key Vault, rbac-abac.md). Whether the comparison is false, so that NOT makes it true,
// or an error, which NOT leaves one, no page says; the examples put NOT Exists beside
// StringNotEquals and never negate a comparison. Strict is the default because it holds for
// both readings: it answers True or False only where they agree. It differs from Compatible
// in nothing else, and in no condition without a negated comparison.
const (
	Strict     Mode = iota // Unknown
	Compatible             // True, as if the comparison were plainly false
)

// Attributes answers for attributes that an [Env] does not hold itself, so that a caller
// need not collect values that no condition asks for.
type Attributes interface {
	// Attribute returns the value of an attribute, by the key that [AttributeKey] gives.
	// NotKnown leaves the answer to the world that the Env assumes.
	Attribute(source Source, key arm.Key) (Value, Presence)
}

// Env is what a run knows of one request. The zero Env knows nothing: every condition that
// depends on anything is Unknown. An Env may be read by several goroutines at once, but not
// while one of them changes it.
type Env struct {
	// Operation is what is asked for. While it is zero, ActionMatches is Unknown. Conditions
	// do not tell actions from data actions: the name alone is matched.
	Operation arm.Operation
	// Mode says how negated comparisons on absent attributes count.
	Mode Mode
	// More answers for attributes that were not set; nil if there is nothing more.
	More Attributes

	attributes []attribute
	closed     [len(sourceNames)]bool
}

// attribute is one entry of an Env. Few are set, so they are searched one by one; the hash
// spares comparing long names that share a prefix.
type attribute struct {
	ref      reference
	presence Presence
	value    Value
}

// reference names an attribute so that it can be found quickly.
type reference struct {
	source Source
	key    arm.Key
	hash   uint64
}

func newReference(source Source, name string) reference {
	if source.String() == "" {
		source = 0 // no source: never set by a condition
	}
	key := AttributeKey(name)
	hash := uint64(14695981039346656037) ^ uint64(source) // FNV-1a
	for i := 0; i < len(key); i++ {
		hash = (hash ^ uint64(key[i])) * 1099511628211
	}
	return reference{source: source, key: key, hash: hash}
}

func (r reference) equal(o reference) bool {
	return r.hash == o.hash && r.source == o.source && r.key == o.key
}

const caseSensitiveKey = "<$key_case_sensitive$>"

// AttributeKey returns the comparable form of an attribute's name. Case does not count, save
// for the key in "…/tags:Key<$key_case_sensitive$>"
// (storage-auth-abac-attributes.md#blob-index-tags-values-in-key).
func AttributeKey(name string) arm.Key {
	folded := arm.Fold(name)
	colon := strings.IndexByte(name, ':')
	if colon < 0 || !strings.HasSuffix(string(folded), caseSensitiveKey) {
		return folded
	}
	end := len(name) - len(caseSensitiveKey)
	return arm.Fold(name[:colon]) + arm.Key(name[colon:end]) + caseSensitiveKey
}

// Set gives an attribute a value. A later call for the same attribute wins.
func (e *Env) Set(source Source, name string, v Value) {
	e.put(attribute{ref: newReference(source, name), presence: Known, value: v})
}

// SetAbsent says that the attribute is not there.
func (e *Env) SetAbsent(source Source, name string) {
	e.put(attribute{ref: newReference(source, name), presence: Absent})
}

// SetNotKnown says that the run cannot know the attribute, even where the source is closed.
func (e *Env) SetNotKnown(source Source, name string) {
	e.put(attribute{ref: newReference(source, name), presence: NotKnown})
}

func (e *Env) put(a attribute) {
	for i := range e.attributes {
		if e.attributes[i].ref.equal(a.ref) {
			e.attributes[i] = a
			return
		}
	}
	e.attributes = append(e.attributes, a)
}

// Close says that attributes which were not set are absent, in the given sources, or in all
// if none is given. In a source that is not closed they are not known.
func (e *Env) Close(sources ...Source) {
	if len(sources) == 0 {
		sources = []Source{Resource, Request, Principal, Environment}
	}
	for _, s := range sources {
		if int(s) < len(e.closed) {
			e.closed[s] = true
		}
	}
}

const (
	subOperationName = "subOperation"
	utcNowName       = "UtcNow"
)

// SetSubOperations gives all suboperations of the request; no name means that it has none.
// They are the attribute @Request[subOperation], which the first syntax of conditions used
// instead of SubOperationMatches. Known names: Blob.List, Blob.Read.WithTagConditions,
// Blob.Write.WithTagHeaders, Blob.Write.Tier (storage-auth-abac-attributes.md).
func (e *Env) SetSubOperations(names ...string) {
	e.Set(Request, subOperationName, Strings(names...))
}

// SetNow gives the time of the request, @Environment[UtcNow].
func (e *Env) SetNow(t time.Time) { e.Set(Environment, utcNowName, Time(t)) }

// Lookup returns what is known of an attribute.
func (e *Env) Lookup(source Source, name string) (Value, Presence) {
	ref := newReference(source, name)
	var more Value
	v, p := e.find(&ref, &more)
	return *v, p
}

// find returns the value in place, so that nothing is copied; a value that More gives is put
// into more.
func (e *Env) find(ref *reference, more *Value) (*Value, Presence) {
	for i := range e.attributes {
		if a := &e.attributes[i]; a.ref.equal(*ref) {
			return &a.value, a.presence
		}
	}
	if e.More != nil {
		v, p := e.More.Attribute(ref.source, ref.key)
		if p != NotKnown {
			*more = v
			return more, p
		}
	}
	if e.closed[ref.source] {
		return more, Absent
	}
	return more, NotKnown
}
