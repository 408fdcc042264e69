// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIDLength is the longest ID that is accepted, in bytes. Resource Manager itself
// limits a request URL to 8 kB, and no known resource ID comes near that.
const MaxIDLength = 8192

// ID is a resource ID or a scope: the place at which access is granted or asked for.
// The zero ID stands for "not known" and contains nothing.
//
// Grammar (MicrosoftDocs/azure-docs articles/role-based-access-control/scope-overview.md):
//
//	/
//	/providers/Microsoft.Management/managementGroups/{name}
//	/subscriptions/{subscription}
//	/subscriptions/{subscription}/resourceGroups/{group}
//	{any of these}/providers/{namespace}/{type}/{name}[/{type}/{name}…]
//
// The letters are kept as written. An ID cannot be compared with ==; see [ID.Equal].
type ID struct {
	_    [0]func()
	text string
}

// Root is the scope "/" above all management groups.
func Root() ID { return ID{text: "/"} }

// Level is the height of a scope.
type Level uint8

// The levels, from unknown to the lowest.
const (
	LevelNone            Level = iota // the zero ID
	LevelRoot                         // "/"
	LevelTenantResource               // a resource of the tenant itself, such as a role definition
	LevelManagementGroup              // a management group
	LevelSubscription                 // a subscription
	LevelResourceGroup                // a resource group
	LevelResource                     // a resource, or something below one
)

var levelNames = [...]string{"none", "root", "tenant resource", "management group", "subscription", "resource group", "resource"}

// String returns the level in words, for messages.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return "invalid"
}

// ParseID reads an ID. Blanks around it and slashes at its end are dropped. A missing
// leading slash, an empty segment, a blank at the end of a segment, a type without a
// name, and control characters are errors of type [*Error].
//
// Resource Manager refuses names that end in a blank
// (microsoft/vscode-azureappservice issue 1294 shows its message).
func ParseID(s string) (ID, error) {
	t := strings.TrimSpace(s)
	for len(t) > 1 && t[len(t)-1] == '/' {
		t = strings.TrimRightFunc(t[:len(t)-1], unicode.IsSpace)
	}
	if off, reason := checkID(t); reason != "" {
		return ID{}, newError("resource ID", s, off, reason)
	}
	return ID{text: t}, nil
}

// checkID walks the grammar. It returns the offset of the first fault and its reason, or
// an empty reason.
func checkID(t string) (int, string) {
	switch {
	case t == "":
		return 0, "it is empty"
	case len(t) > MaxIDLength:
		return MaxIDLength, "it is longer than 8192 bytes"
	case t[0] != '/':
		return 0, `it must start with "/"`
	case t == "/":
		return 0, ""
	}
	if !isPlain(t) {
		if off := badByte(t); off >= 0 {
			return off, "it holds a control character or is not valid UTF-8"
		}
		if off := badBlank(t); off >= 0 {
			return off, "a segment ends in a blank"
		}
	}
	w := walker{text: t}
	head := w.next()
	switch {
	case equalFold(head, "subscriptions"):
		if w.next() == "" {
			return w.pos, `a subscription is missing after "subscriptions"`
		}
		if w.done() {
			return 0, ""
		}
		return checkBelowSubscription(&w)
	case equalFold(head, "providers"):
		return checkProvider(&w)
	default:
		return 1, `it must start with "/subscriptions/" or "/providers/"`
	}
}

func checkBelowSubscription(w *walker) (int, string) {
	at := w.pos + 1
	seg := w.next()
	if equalFold(seg, "resourceGroups") {
		if w.next() == "" {
			return w.pos, `a name is missing after "resourceGroups"`
		}
		if w.done() {
			return 0, ""
		}
		at = w.pos + 1
		seg = w.next()
	}
	if !equalFold(seg, "providers") {
		return at, `"providers" or "resourceGroups" is expected here`
	}
	return checkProvider(w)
}

// checkProvider reads {namespace}/{type}/{name}… after a "providers" segment, and any
// extension resource that follows behind a further "providers".
func checkProvider(w *walker) (int, string) {
	for {
		if w.next() == "" {
			return w.pos, `a resource provider is missing after "providers"`
		}
		again, off, reason := checkPairs(w)
		if !again {
			return off, reason
		}
	}
}

// checkPairs reads type and name pairs. It stops at the end, at a fault, or behind a
// "providers" segment that starts an extension resource (again is true then).
func checkPairs(w *walker) (again bool, offset int, reason string) {
	for pairs := 0; ; pairs++ {
		if w.done() {
			if pairs == 0 {
				return false, w.pos, "a resource type is missing after the resource provider"
			}
			return false, 0, ""
		}
		at := w.pos + 1
		typ := w.next()
		switch {
		case typ == "":
			return false, at, "there is an empty segment"
		case pairs > 0 && equalFold(typ, "providers"):
			return true, 0, ""
		case w.next() == "":
			return false, w.pos, "a name is missing after the type " + shown(typ)
		}
	}
}

// isPlain reports whether a text is of visible ASCII, as nearly all names are. Then it
// has neither bad bytes nor blanks.
func isPlain(t string) bool {
	for i := 0; i < len(t); i++ {
		if t[i] <= ' ' || t[i] >= 0x7f {
			return false
		}
	}
	return true
}

// badByte returns the place of the first control character or byte that is not UTF-8,
// or -1.
func badByte(t string) int {
	for i := 0; i < len(t); {
		r, n := utf8.DecodeRuneInString(t[i:])
		if unicode.IsControl(r) || r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// badBlank returns the place of the first blank that ends a segment, or -1.
func badBlank(t string) int {
	for w := (walker{text: t}); !w.done(); {
		if r, n := utf8.DecodeLastRuneInString(w.next()); unicode.IsSpace(r) {
			return w.pos - n
		}
	}
	return -1
}
