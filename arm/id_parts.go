// SPDX-License-Identifier: Apache-2.0

package arm

import "strings"

// String returns the ID as it was written, or "" for the zero ID.
func (id ID) String() string { return id.text }

// IsZero reports whether the ID is not known.
func (id ID) IsZero() bool { return id.text == "" }

// Key returns the comparable form.
func (id ID) Key() Key { return Fold(id.text) }

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
	case len(other.text) > len(id.text) && other.text[len(id.text)] == '/':
		return equalFold(id.text, other.text[:len(id.text)])
	}
	return equalFold(id.text, other.text)
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
func (id ID) SubscriptionID() string {
	w := walker{text: id.text}
	if !equalFold(w.next(), "subscriptions") {
		return ""
	}
	return w.next()
}

// Subscription returns the subscription's scope, or the zero ID above subscriptions.
func (id ID) Subscription() ID {
	w := walker{text: id.text}
	if !equalFold(w.nextBoundary(), "subscriptions") {
		return ID{}
	}
	return ID{text: id.text[:w.pos]}
}

// ResourceGroup returns the group's name, or "" outside of resource groups.
func (id ID) ResourceGroup() string {
	w := walker{text: id.text}
	w.nextBoundary()
	if w.done() || !equalFold(w.next(), "resourceGroups") {
		return ""
	}
	return w.next()
}

// ResourceGroupID returns the group's scope, or the zero ID outside of resource groups.
func (id ID) ResourceGroupID() ID {
	w := walker{text: id.text}
	w.nextBoundary()
	if w.done() || !equalFold(w.nextBoundary(), "resourceGroups") {
		return ID{}
	}
	return ID{text: id.text[:w.pos]}
}

// Name returns the last segment: the name of the resource, the group, the subscription.
func (id ID) Name() string { return id.text[strings.LastIndexByte(id.text, '/')+1:] }

// Type returns the resource type of the last part, with its provider: for example
// "Microsoft.Web/sites/slots". Groups and subscriptions have the types of the provider
// Microsoft.Resources; the root has none.
func (id ID) Type() string {
	if id.text == "" || id.text == "/" {
		return ""
	}
	provider, types := "", []string(nil)
	w := walker{text: id.text}
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
		provider = "Microsoft.Resources"
	}
	return provider + "/" + strings.Join(types, "/")
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

// Child returns the ID of a child of a resource, of the given type (one segment) and
// name. It returns an error where the result is not an ID, as below a subscription.
func (id ID) Child(typ, name string) (ID, error) {
	return ParseID(id.text + "/" + typ + "/" + name)
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

// HasType reports whether [ID.Type] is typ, without regard to case and without
// allocating.
func (id ID) HasType(typ string) bool {
	w := walker{text: id.text}
	start := -1
	for !w.done() {
		if head := w.next(); equalFold(head, "providers") {
			start = w.pos
			w.next()
			w.next()
		}
		w.next()
	}
	if start < 0 {
		return id.Type() == typ || equalFold(id.Type(), typ)
	}
	w.pos = start
	rest := typ
	for first := true; !w.done(); first = false {
		want, tail, _ := strings.Cut(rest, "/")
		if !equalFold(w.next(), want) {
			return false
		}
		rest = tail
		if first {
			continue
		}
		w.next()
	}
	return rest == ""
}
