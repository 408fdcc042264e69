// SPDX-License-Identifier: Apache-2.0

package arm

import "strings"

// MaxOperationLength is the longest operation or pattern that is accepted, in bytes.
// The longest published operation has fewer than 200.
const MaxOperationLength = 1024

// Operation names something that can be done: a provider, a type and a verb, such as
// "Microsoft.KeyVault/vaults/secrets/getSecret/action". The same text may name an
// operation of the control plane or of the data plane; the name does not tell which.
// The zero Operation matches no pattern. Operations cannot be compared with ==.
type Operation struct {
	_      [0]func()
	text   string
	folded string
}

// ParseOperation reads an operation. Blanks around it are dropped. A wildcard, fewer
// than two segments, and an empty segment are errors of type [*Error].
func ParseOperation(s string) (Operation, error) {
	t := strings.TrimSpace(s)
	off, reason := checkName(t)
	if reason == "" {
		off, reason = checkOperation(t)
	}
	if reason != "" {
		return Operation{}, newError("operation", s, off, reason)
	}
	return Operation{text: t, folded: string(Fold(t))}, nil
}

// checkOperation returns the offset of the first fault and its reason, or an empty
// reason.
func checkOperation(t string) (int, string) {
	if i := strings.IndexByte(t, '*'); i >= 0 {
		return i, "an operation has no wildcard; a pattern has"
	}
	if !strings.Contains(t, "/") {
		return len(t), "an operation has the form Provider/type/verb"
	}
	at := 0
	for seg := range strings.SplitSeq(t, "/") {
		if seg == "" {
			return at, "there is an empty segment"
		}
		at += len(seg) + 1
	}
	return 0, ""
}

// checkName checks what operations and patterns have in common.
func checkName(t string) (int, string) {
	switch {
	case t == "":
		return 0, "it is empty"
	case len(t) > MaxOperationLength:
		return MaxOperationLength, "it is longer than 1024 bytes"
	}
	if off := badByte(t); off >= 0 {
		return off, "it holds a control character or is not valid UTF-8"
	}
	return 0, ""
}

// String returns the operation as it was written.
func (o Operation) String() string { return o.text }

// IsZero reports whether there is no operation.
func (o Operation) IsZero() bool { return o.text == "" }

// Key returns the comparable form.
func (o Operation) Key() Key { return Key(o.folded) }

// Equal reports whether both name the same operation.
func (o Operation) Equal(other Operation) bool { return o.folded == other.folded }

// Provider returns the resource provider, the part before the first slash.
func (o Operation) Provider() string {
	before, _, _ := strings.Cut(o.text, "/")
	return before
}

// MarshalText returns the text of the operation.
func (o Operation) MarshalText() ([]byte, error) { return []byte(o.text), nil }

// UnmarshalText parses an operation; an empty text gives the zero Operation.
func (o *Operation) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*o = Operation{}
		return nil
	}
	parsed, err := ParseOperation(string(b))
	if err != nil {
		return err
	}
	*o = parsed
	return nil
}
