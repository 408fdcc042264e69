// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParsePattern(t *testing.T) {
	f := func(in, text string, wildcards int, prefix, key string) {
		t.Helper()
		p, err := ParsePattern(in)
		if err != nil || p.String() != text || p.Wildcards() != wildcards || string(p.Prefix()) != prefix || string(p.Key()) != key || p.IsZero() {
			t.Errorf("ParsePattern(%q) = %q, %d wildcards, prefix %q, key %q, %v", in, p, p.Wildcards(), p.Prefix(), p.Key(), err)
		}
	}
	f("*", "*", 1, "", "*")
	f(" A/Read ", "A/Read", 0, "a/read", "a/read")
	f("A/*/Read", "A/*/Read", 1, "a/", "a/*/read")
	f("*/A/**", "*/A/**", 3, "", "*/a/**")
	f("\u00c9*", "\u00c9*", 1, "\u00e9", "\u00e9*")
	longest := strings.Repeat("*", MaxOperationLength)
	f(" "+longest+" ", longest, MaxOperationLength, "", longest)

	var zero Pattern
	if !zero.IsZero() || zero.Wildcards() != 0 || zero.Prefix() != "" || zero.Key() != "" {
		t.Error("the zero pattern is not empty")
	}
}

func TestParsePatternErrors(t *testing.T) {
	f := func(in string, offset int, reason string) {
		t.Helper()
		p, err := ParsePattern(in)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("ParsePattern(%q) = %q, %v, want an *Error", in, p, err)
		}
		if !p.IsZero() || e.Kind != "pattern" || e.Offset != offset || !strings.Contains(e.Reason, reason) {
			t.Errorf("ParsePattern(%q): at byte %d: %s; want byte %d: %s", in, e.Offset, e.Reason, offset, reason)
		}
	}
	f("", 0, "empty")
	f("  ", 2, "empty")
	f(" *\n/x", 2, "control")
	f(" *\xff", 2, "UTF-8")
	f(" "+strings.Repeat("*", MaxOperationLength+1), MaxOperationLength+1, "longer")
}

func TestMatchString(t *testing.T) {
	f := func(m Match, want string) {
		t.Helper()
		if m.String() != want {
			t.Errorf("match %d is %q, want %q", uint8(m), m, want)
		}
	}
	f(NoMatch, "no match")
	f(ByName, "by name")
	f(ByWildcard, "by wildcard")
	f(ByZeroSegment, "by zero segments")
	f(ByZeroSegment+1, "invalid")
}

func TestMatch(t *testing.T) {
	f := func(pattern, operation string, want Match) {
		t.Helper()
		p, o := mustPattern(t, pattern), mustOperation(t, operation)
		if got := p.Match(o); got != want || p.Matches(o) != (want != NoMatch) {
			t.Errorf("%s matches %s: %s, %v, want %s", pattern, operation, got, p.Matches(o), want)
		}
	}
	// No wildcard.
	f("microsoft.web/sites/restart/Action", "Microsoft.Web/sites/restart/action", ByName)
	f("Microsoft.Web/sites/read ", "Microsoft.Web/sites/read", ByName)
	f("Microsoft.Web/sites/read", "Microsoft.Web/sites/readx", NoMatch)
	f("Microsoft.Web/sites", "Microsoft.Web/sites/read", NoMatch)
	// One wildcard, slashes included.
	f("*", "Microsoft.Web/sites/read", ByWildcard)
	f("*/read", "Microsoft.Web/sites/slots/Read", ByWildcard)
	f("*/read", "Microsoft.Web/sites/listKeys/action", NoMatch)
	f("*/read", "Microsoft.DocumentDB/databaseAccounts/readonlykeys/read", ByWildcard)
	f("Microsoft.Compute/*", "Microsoft.Compute/virtualMachines/start/action", ByWildcard)
	f("Microsoft.Compute/*", "Microsoft.ComputeSchedule/autoActions/read", NoMatch)
	f("Microsoft.Network/*/read", "Microsoft.Network/networkSecurityGroups/securityRules/read", ByWildcard)
	f("Microsoft.Network/*/read", "Microsoft.Net/x/read", NoMatch)
	f("a/*c", "a/c", ByWildcard)
	f("a/b*b/c", "a/b/c", NoMatch) // the text on both sides may not overlap
	f("a/bb*b/c", "a/bb/c", NoMatch)
	// A wildcard that stands for no segment.
	f("Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", ByZeroSegment)
	f("Microsoft.App/sessionPools/*/write", "Microsoft.App/sessionPools/write", ByZeroSegment)
	f("Microsoft.App/sessionPools/*/write", "Microsoft.App/sessionPools/a/b/write", ByWildcard)
	f("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaultsx/read", NoMatch)
	f("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/write", NoMatch)
	f("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vault/read", NoMatch)
	f("a/b/*", "a/b", NoMatch)
	f("a/b/*read", "a/bread", NoMatch)
	f("a/b*/read", "a/bread", NoMatch)
	f("a/b*/read", "a/b/read", ByWildcard)
	f("a/b/*read", "a/b/read", ByWildcard)
	f("*/*", "a/b", ByWildcard)
	// More wildcards.
	f("*/sites/*", "Microsoft.Web/sites/read", ByWildcard)
	f("*/sites/*/read", "Microsoft.Web/sites/read", ByZeroSegment)
	f("Microsoft.*/*/read", "Microsoft.Web/sites/read", ByWildcard)
	f("a/*/*/b", "a/b", ByZeroSegment)
	f("a/*/*/b", "a/x/b", ByZeroSegment)
	f("a/*/*/b", "a/x/y/b", ByWildcard)
	f("a/*/b/*/c", "a/b/c", ByZeroSegment)
	f("a/*/b/*/c", "a/b/b/b/c", ByWildcard)
	f("a/*/b/*/c", "a/c", NoMatch)
	f("a/*/b*c*d", "a/bcd", ByZeroSegment)
	f("a*b*c", "a/c/b", NoMatch)
	f("x*b*c", "a/b/c", NoMatch)
	f("a/**", "a/b", ByWildcard)
	f("a/*b*b/c", "a/b/c", NoMatch)

	o := mustOperation(t, "a/b")
	if (Pattern{}).Match(o) != NoMatch || (Pattern{}).Match(Operation{}) != NoMatch {
		t.Error("the zero pattern matches something")
	}
	for _, text := range []string{"*", "**", "***"} {
		if p := mustPattern(t, text); p.Matches(Operation{}) {
			t.Errorf("%s matches the zero operation", p)
		}
	}
	one, exact := mustPattern(t, "A/*/c"), mustPattern(t, "A/B")
	noAlloc(t, "Match", func() { one.Match(o); exact.Match(o) })
}

func TestPatternText(t *testing.T) {
	type doc struct{ P Pattern }
	f := func(in, want string) {
		t.Helper()
		var d doc
		if err := json.Unmarshal([]byte(in), &d); err != nil {
			t.Fatalf("reading %s: %v", in, err)
		}
		if out, err := json.Marshal(d); err != nil || string(out) != want {
			t.Errorf("%s was written as %s, %v, want %s", in, out, err, want)
		}
	}
	f(`{"P":""}`, `{"P":""}`)
	f(`{"P":" A/*/Read "}`, `{"P":"A/*/Read"}`)

	p := mustPattern(t, "a/*")
	if err := p.UnmarshalText([]byte("\x00")); err == nil || p.String() != "a/*" {
		t.Errorf("a faulty text gave %v and the pattern %s", err, p)
	}
	if err := p.UnmarshalText(nil); err != nil || !p.IsZero() {
		t.Errorf("an empty text gave %v and the pattern %q", err, p)
	}
}

// matches is the definition of a wildcard, character by character.
func matches(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return matches(pattern[1:], s) || s != "" && matches(pattern, s[1:])
	}
	return s != "" && s[0] == pattern[0] && matches(pattern[1:], s[1:])
}

// matchesZero is the definition of the rule of zero segments: any "/*/" may be written as
// "/" first, and what that leaves again.
func matchesZero(pattern, s string) bool {
	if matches(pattern, s) {
		return true
	}
	for i := range pattern {
		if strings.HasPrefix(pattern[i:], "/*/") && matchesZero(pattern[:i]+pattern[i+2:], s) {
			return true
		}
	}
	return false
}

// expression is the same in terms of the library.
func expression(pattern string, zero bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] != '*':
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case zero && i > 0 && pattern[i-1] == '/' && strings.HasPrefix(pattern[i+1:], "/"):
			b.WriteString("(?:.*/)?")
			i++
			if strings.HasPrefix(pattern[i+1:], "*/") {
				b.WriteString("(?:.*/)?")
				i += 2
			}
		default:
			b.WriteString(".*")
		}
	}
	return regexp.MustCompile(b.String() + `\z`)
}

func slowMatch(pattern, s string) Match {
	switch {
	case s == "":
		return NoMatch
	case pattern == s:
		return ByName
	case matches(pattern, s):
		return ByWildcard
	case matchesZero(pattern, s):
		return ByZeroSegment
	}
	return NoMatch
}

// operationFor draws an operation that has a chance to match: the wildcards of the
// pattern are filled in, or left out with a slash.
func operationFor(t *rapid.T, pattern string) string {
	if rapid.Bool().Draw(t, "zero") {
		pattern = strings.Replace(pattern, "/*/", "/", 1)
	}
	for strings.Contains(pattern, "*") {
		pattern = strings.Replace(pattern, "*", rapid.StringMatching(`([ab]/?){0,2}`).Draw(t, "filling"), 1)
	}
	return pattern
}

// shortTexts returns every text of at most n characters.
func shortTexts(alphabet string, n int) []string {
	all, last := []string{""}, []string{""}
	for range n {
		var next []string
		for _, s := range last {
			for i := range alphabet {
				next = append(next, s+alphabet[i:i+1])
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

func TestMatchOfEveryShortPattern(t *testing.T) {
	var operations []Operation
	for _, s := range shortTexts("a/", 8) {
		if o, err := ParseOperation(s); err == nil {
			operations = append(operations, o)
		}
	}
	counts := make(map[Match]int)
	for _, text := range shortTexts("a/*", 6)[1:] {
		p := mustPattern(t, text)
		for _, o := range operations {
			got := p.Match(o)
			counts[got]++
			if want := slowMatch(text, o.String()); got != want {
				t.Fatalf("%s matches %s: %s, want %s", p, o, got, want)
			}
		}
	}
	for m := NoMatch; m <= ByZeroSegment; m++ {
		if counts[m] < 10 {
			t.Errorf("only %d cases were %s", counts[m], m)
		}
	}
}

func TestMatchAgainstItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[aB]?(/\*?|[AB]|\*){1,5}(/\*/)?[ab]?`).Draw(t, "pattern")
		fitting := rapid.Custom(func(t *rapid.T) string { return operationFor(t, pattern) })
		operation := rapid.OneOf(rapid.StringMatching(`[ab](/[ab]{1,2}){1,4}`), fitting, fitting).Draw(t, "operation")
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		o, err := ParseOperation(operation)
		if err != nil {
			t.Skip("not an operation")
		}
		small, s := strings.ToLower(pattern), strings.ToLower(operation)
		got, want := p.Match(o), slowMatch(small, s)
		if got != want {
			t.Errorf("%s matches %s: %s, want %s", pattern, operation, got, want)
		}
		if byName := expression(small, false).MatchString(s); byName != (got == ByName || got == ByWildcard) {
			t.Errorf("%s matches %s: %s, the expression says %v", pattern, operation, got, byName)
		}
		if got != NoMatch && !strings.HasPrefix(string(o.Key()), string(p.Prefix())) {
			t.Errorf("%s matches %s, which does not start with %s", pattern, operation, p.Prefix())
		}
		if p.Wildcards() != strings.Count(pattern, "*") || p.Key() != Fold(pattern) {
			t.Errorf("%s has %d wildcards and the key %s", pattern, p.Wildcards(), p.Key())
		}
	})
}

func TestZeroSegmentAgainstExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`a(/\*|/\*/\*|b|\*){1,2}/b(/\*/a)?`).Draw(t, "pattern")
		operation := operationFor(t, pattern)
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		o, err := ParseOperation(operation)
		if err != nil {
			t.Skip("not an operation")
		}
		if got, want := p.Matches(o), expression(pattern, true).MatchString(operation); got != want {
			t.Errorf("%s matches %s: %v, the expression says %v", pattern, operation, got, want)
		}
	})
}
