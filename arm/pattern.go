// SPDX-License-Identifier: Apache-2.0

package arm

import "strings"

// Pattern is an entry of a role's actions, notActions, dataActions or notDataActions:
// an operation in which "*" stands for any run of characters, slashes included
// (MicrosoftDocs/azure-docs articles/role-based-access-control/role-definitions.md).
//
// "/*/" also stands for a single slash: Managed Identity Operator holds
// Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action, and Resource Manager
// asks for Microsoft.ManagedIdentity/userAssignedIdentities/assign/action when it checks
// it (Azure/aad-pod-identity issue 443). No page states this rule; a match that hangs on
// it says so ([ByZeroSegment]).
type Pattern struct {
	_     [0]func()
	text  string
	parts []string // folded, what stands between the wildcards
}

// Match says whether and how a pattern matches an operation.
type Match uint8

// The ways to match.
const (
	NoMatch       Match = iota // it does not match
	ByName                     // the pattern has no wildcard and is the operation
	ByWildcard                 // a wildcard stands for a run of characters
	ByZeroSegment              // it matches only if "/*/" may stand for "/"
)

var matchNames = [...]string{"no match", "by name", "by wildcard", "by zero segments"}

// String returns the match in words.
func (m Match) String() string {
	if int(m) < len(matchNames) {
		return matchNames[m]
	}
	return "invalid"
}

// ParsePattern reads a pattern. Blanks around it are dropped, because published roles
// have some. An empty text and control characters are errors of type [*Error].
func ParsePattern(s string) (Pattern, error) {
	t := strings.TrimSpace(s)
	if off, reason := checkName(t); reason != "" {
		return Pattern{}, newError("pattern", s, off, reason)
	}
	return Pattern{text: t, parts: strings.Split(string(Fold(t)), "*")}, nil
}

// String returns the pattern as it was written, without blanks around it.
func (p Pattern) String() string { return p.text }

// Key returns the comparable form of the pattern's text. Patterns with different keys
// may still match the same operations.
func (p Pattern) Key() Key { return Key(strings.Join(p.parts, "*")) }

// IsZero reports whether there is no pattern.
func (p Pattern) IsZero() bool { return p.text == "" }

// Wildcards returns how many "*" the pattern has. Custom roles may have one a string
// (MicrosoftDocs/azure-docs articles/role-based-access-control/custom-roles.md).
func (p Pattern) Wildcards() int { return max(0, len(p.parts)-1) }

// Prefix returns the folded text before the first wildcard. The keys of all operations
// that match start with it, also where "/*/" stands for "/".
func (p Pattern) Prefix() Key {
	if len(p.parts) == 0 {
		return ""
	}
	return Key(p.parts[0])
}

// Matches reports whether the pattern matches the operation in any way.
func (p Pattern) Matches(o Operation) bool { return p.Match(o) != NoMatch }

// Match says how the pattern matches the operation.
func (p Pattern) Match(o Operation) Match {
	s := o.folded
	if s == "" {
		return NoMatch
	}
	switch len(p.parts) {
	case 0:
		return NoMatch
	case 1:
		if p.parts[0] == s {
			return ByName
		}
		return NoMatch
	case 2:
		return matchOne(p.parts[0], p.parts[1], s)
	}
	if matchMany(p.parts, s, false) {
		return ByWildcard
	}
	if matchMany(p.parts, s, true) {
		return ByZeroSegment
	}
	return NoMatch
}

// matchOne matches a pattern with one wildcard between prefix and suffix.
func matchOne(prefix, suffix, s string) Match {
	if len(s) >= len(prefix)+len(suffix) && strings.HasPrefix(s, prefix) && strings.HasSuffix(s, suffix) {
		return ByWildcard
	}
	if len(s) == len(prefix)+len(suffix)-1 && joinsOnSlash(prefix, suffix) &&
		strings.HasPrefix(s, prefix) && strings.HasSuffix(s, suffix[1:]) {
		return ByZeroSegment
	}
	return NoMatch
}

func joinsOnSlash(before, after string) bool {
	return strings.HasSuffix(before, "/") && strings.HasPrefix(after, "/")
}

// matchMany follows every place of s at which the parts read so far can end. Its cost
// is the length of s times the length of the pattern. With zero, "/*/" may be "/".
func matchMany(parts []string, s string, zero bool) bool {
	ends := make([]bool, len(s)+1)
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	ends[len(parts[0])] = true
	for i := 1; i < len(parts); i++ {
		next := make([]bool, len(s)+1)
		part := parts[i]
		slash := zero && joinsOnSlash(parts[i-1], part)
		started := false // some earlier place could end: the wildcard runs on from it
		for at := 0; at <= len(s); at++ {
			if slash && ends[at] && strings.HasPrefix(s[at:], part[1:]) {
				next[at+len(part)-1] = true
			}
			started = started || ends[at]
			if started && strings.HasPrefix(s[at:], part) {
				next[at+len(part)] = true
			}
		}
		ends = next
	}
	return ends[len(s)]
}

// MarshalText returns the text of the pattern.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// UnmarshalText parses a pattern; an empty text gives the zero Pattern.
func (p *Pattern) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*p = Pattern{}
		return nil
	}
	parsed, err := ParsePattern(string(b))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
