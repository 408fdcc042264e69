// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"hash/maphash"
	"strings"
)

// String returns the ID as it was written, or "" for the zero ID.
func (id ID) String() string { return id.text }

// IsZero reports whether the ID is not known.
func (id ID) IsZero() bool { return id.text == "" }

// Key returns the comparable form.
func (id ID) Key() Key { return Fold(id.text) }

// Hash returns a number that is the same for equal names, for tables that keep no key of
// each. It does not allocate for IDs of up to 512 ASCII bytes.
func (id ID) Hash(seed maphash.Seed) uint64 {
	var stack [stackPath]byte
	if key, ok := foldInto(&stack, id.text); ok {
		return maphash.Bytes(seed, key)
	}
	return maphash.String(seed, string(Fold(id.text)))
}

// Equal reports whether both name the same scope. Two zero IDs are equal.
func (id ID) Equal(other ID) bool { return equalFold(id.text, other.text) }

// Contains reports whether an assignment at id applies to other, as far as the names
// tell: id is "/", is the same scope, or is a prefix of other on a segment boundary.
// Which management group holds a subscription cannot be read from a name; ask a [Tree].
func (id ID) Contains(other ID) bool {
	switch {
	case id.text == "" || other.text == "":
		return false
	case id.text == "/":
		return true
	}
	rest, ok := cutPrefixFold(other.text, id.text)
	return ok && (rest == "" || rest[0] == '/')
}

// Level returns the height of the scope.
func (id ID) Level() Level {
	if id.text == "" {
		return LevelNone
	}
	if id.text == "/" {
		return LevelRoot
	}
	w := walker{text: id.text}
	head := w.nextBoundary()
	if equalFold(head, "providers") {
		if !w.done() {
			return LevelResource
		}
		if id.inManagementGroups() {
			return LevelManagementGroup
		}
		return LevelTenantResource
	}
	if w.done() {
		return LevelSubscription
	}
	if equalFold(w.nextBoundary(), "resourceGroups") && w.done() {
		return LevelResourceGroup
	}
	return LevelResource
}

const managementGroupPrefix = "/providers/Microsoft.Management/managementGroups/"

func (id ID) inManagementGroups() bool {
	n := len(managementGroupPrefix)
	return len(id.text) > n && equalFold(id.text[:n], managementGroupPrefix)
}

// SubscriptionID returns the subscription's name, or "" above subscriptions.
func (id ID) SubscriptionID() string { return id.Subscription().Name() }

// Subscription returns the subscription's scope, or the zero ID above subscriptions.
func (id ID) Subscription() ID {
	w := walker{text: id.text}
	if !equalFold(w.nextBoundary(), "subscriptions") {
		return ID{}
	}
	return ID{text: id.text[:w.pos]}
}

// ResourceGroup returns the group's name, or "" outside of resource groups.
func (id ID) ResourceGroup() string { return id.ResourceGroupID().Name() }

// ResourceGroupID returns the group's scope, or the zero ID outside of resource groups.
func (id ID) ResourceGroupID() ID {
	w := walker{text: id.text}
	if !equalFold(w.nextBoundary(), "subscriptions") || !equalFold(w.nextBoundary(), "resourceGroups") {
		return ID{}
	}
	return ID{text: id.text[:w.pos]}
}

// Name returns the last segment: the name of the resource, the group, the subscription.
func (id ID) Name() string { return id.text[strings.LastIndexByte(id.text, '/')+1:] }

// resourcesProvider is the provider of groups and subscriptions, which no ID spells out.
const resourcesProvider = "Microsoft.Resources"

// Type returns the resource type of the last part, with its provider: for example
// "Microsoft.Web/sites/slots". Groups and subscriptions have the types of the provider
// Microsoft.Resources; the root has none.
func (id ID) Type() string {
	if id.text == "" || id.text == "/" {
		return ""
	}
	w := walker{text: id.text}
	if typ, ok := plainType(&w); ok {
		return typ
	}
	provider, types := "", []string(nil)
	for !w.done() {
		head := w.next()
		switch {
		case equalFold(head, "providers"):
			provider = w.next()
			types = append(types[:0], w.next())
		case provider == "":
			types = append(types[:0], head)
		default:
			types = append(types, head)
		}
		w.next()
	}
	if provider == "" {
		provider = resourcesProvider
	}
	return provider + "/" + strings.Join(types, "/")
}

// plainType returns the type of a resource that is in no other, which its ID spells out.
// Where it is another one, the walker is back at the beginning.
func plainType(w *walker) (string, bool) {
	for !w.done() {
		if !equalFold(w.next(), "providers") {
			w.next()
			continue
		}
		from := w.pos + 1
		w.next()
		w.next()
		to := w.pos
		if w.next(); !w.done() {
			break
		}
		return w.text[from:to], true
	}
	w.pos = 0
	return "", false
}

// endsAs reports whether the segment before the name is the last one of a type. Most
// resources are told from most types by it alone.
func endsAs(text, typ string) bool {
	name := strings.LastIndexByte(text, '/')
	if name <= 0 {
		return true // the root, or nothing
	}
	seg := text[strings.LastIndexByte(text[:name], '/')+1 : name]
	return equalFold(seg, typ[strings.LastIndexByte(typ, '/')+1:])
}

// HasType reports whether [ID.Type] is typ, without regard to case and without
// allocating for ASCII.
func (id ID) HasType(typ string) bool {
	if !endsAs(id.text, typ) {
		return false
	}
	w := walker{text: id.text}
	head, provider := "", -1
	for !w.done() {
		head = w.next()
		if equalFold(head, "providers") {
			provider = w.pos
			w.next()
			w.next()
		}
		w.next()
	}
	want, rest, more := strings.Cut(typ, "/")
	if head == "" {
		return typ == ""
	}
	if provider < 0 {
		return equalFold(want, resourcesProvider) && equalFold(rest, head)
	}
	w.pos = provider
	if !equalFold(w.next(), want) {
		return false
	}
	for !w.done() {
		want, rest, more = strings.Cut(rest, "/")
		if !equalFold(w.next(), want) {
			return false
		}
		w.next()
	}
	return !more
}

// Parent returns the scope that directly holds this one by name: the resource of a
// child or an extension, the group of a resource, the subscription of a group. For
// management groups, subscriptions and resources of the tenant it is the root, since a
// name does not tell more. The root and the zero ID have no parent.
func (id ID) Parent() ID {
	if id.text == "" || id.text == "/" {
		return ID{}
	}
	w := walker{text: id.text}
	last := 0
	for {
		w.nextBoundary()
		if w.done() {
			break
		}
		last = w.pos
	}
	if last == 0 {
		return Root()
	}
	return ID{text: id.text[:last]}
}

// Child returns the ID of what lies directly below id by name: a child of a resource, a
// group of a subscription, a subscription of the root. The type and the name are one
// segment each; anything that would not give an ID of that parent is an error of type
// [*Error] whose Input is the whole text. The zero ID has no children.
func (id ID) Child(typ, name string) (ID, error) {
	base := strings.TrimSuffix(id.text, "/")
	text := base + "/" + typ + "/" + name
	off, reason := checkID(text)
	switch {
	case id.text == "":
		off, reason = 0, "the scope above it is not known"
	case strings.Contains(typ, "/"):
		off, reason = len(base)+1+strings.IndexByte(typ, '/'), "a type is a single segment here"
	case strings.Contains(name, "/"):
		off, reason = len(base)+len(typ)+2+strings.IndexByte(name, '/'), "a name is a single segment"
	}
	if reason != "" {
		return ID{}, newError("resource ID", text, off, reason)
	}
	return ID{text: text}, nil
}

// MarshalText returns the text of the ID.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.text), nil }

// UnmarshalText parses an ID; an empty text gives the zero ID.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
