// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// testError checks what holds for every error about a text.
func testError(t *testing.T, text string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%q gave the error %v", text, err)
	}
	if e.Offset < 0 || e.Offset > len(text) || !strings.HasPrefix(text, e.Input) || len(e.Input) > maxShownInput || e.Reason == "" {
		t.Fatalf("%q gave the error %#v", text, e)
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"", "/", " //", "/subscriptions/s", "/subscriptions/s/", "/subscriptions//s", "/subscriptions/s /x",
		"/Subscriptions/S/resourceGroups/rg-1/providers/Microsoft.Web/sites/a/slots/b",
		"/subscriptions/s/resourceGroups/r/providers/N/t/n/providers/Microsoft.Authorization/roleAssignments/g",
		"/providers/Microsoft.Management/managementGroups/mg", "/providers/N/providers/providers/providers/N/t/n",
		"/subscriptions/s/providers/N/topics/t/subscriptions/u", "/providers/N/t/n/resourceGroups/r",
		"/subscriptions/\u023a\u212a\u2126/resourceGroups/\u0130", "/subscriptions/\xff", "/subscriptions/a\u009b",
		"subscriptions/s", "/subscriptions/s/foo/bar", "/subscriptions/s/providers/N/t", "\u00a0/subscriptions/s\u2003",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			if !id.IsZero() {
				t.Fatalf("%q gave both %s and %v", s, id, err)
			}
			testError(t, s, err)
			return
		}
		if !strings.Contains(s, id.String()) || !utf8.ValidString(id.String()) {
			t.Fatalf("%q was read as %q", s, id)
		}
		testID(t, id)
	})
}

func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{
		{"*", "Microsoft.Web/sites/read"},
		{"*/read", "Microsoft.Web/sites/Read"},
		{" A/b ", "a/B"},
		{"", "read"},
		{"Microsoft.App/sessionPools/*/write", "Microsoft.App/sessionPools/write"},
		{"a/*/*/b", "a/b"},
		{"a/*/b*c*d", "a/bcd"},
		{"a/bb*b/c", "a/bb/c"},
		{"**", "a/b"},
		{"\u023a*", "\u2c65/b"},
		{"a\xff*", "a/\xff"},
		{"a/*", "a/*"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, operation string) {
		p, errP := ParsePattern(pattern)
		if errP != nil {
			testError(t, pattern, errP)
		}
		o, errO := ParseOperation(operation)
		if errO != nil {
			testError(t, operation, errO)
		}
		var copiedP Pattern
		if err := copiedP.UnmarshalText([]byte(p.String())); err != nil || copiedP.Key() != p.Key() {
			t.Fatalf("%q is read again as %q, %v", p, copiedP, err)
		}
		var copiedO Operation
		if err := copiedO.UnmarshalText([]byte(o.String())); err != nil || !copiedO.Equal(o) {
			t.Fatalf("%q is read again as %q, %v", o, copiedO, err)
		}
		got := p.Match(o)
		if p.IsZero() || o.IsZero() {
			if got != NoMatch {
				t.Fatalf("%q matches %q", p, o)
			}
			return
		}
		if p.Wildcards() > 3 || len(operation) > 60 {
			return // the reference is too slow
		}
		if want := slowMatch(string(p.Key()), string(o.Key())); got != want {
			t.Fatalf("%q matches %q: %s, want %s", p, o, got, want)
		}
		if got != NoMatch && !strings.HasPrefix(string(o.Key()), string(p.Prefix())) {
			t.Fatalf("%q matches %q, which does not start with %q", p, o, p.Prefix())
		}
	})
}

// FuzzTree reads a line as an ID to add, as a link "child < group", or as a question
// that starts with "?".
func FuzzTree(f *testing.F) {
	const mg = "/providers/Microsoft.Management/managementGroups/"
	for _, s := range []string{
		"", "/", "/subscriptions/s", "/subscriptions/S\n/subscriptions/s/resourceGroups/rg-1\n?/subscriptions/s/resourceGroups/rg-10",
		"/subscriptions/s < " + mg + "a\n" + mg + "A < " + mg + "b\n" + mg + "b < " + mg + "a",
		"/subscriptions/s/providers/N/t/n < " + mg + "a\n/subscriptions/s < " + mg + "a\n/subscriptions/s < " + mg + "b",
		"/subscriptions/\u2c65/providers/N/t/n\n?/subscriptions/\u023a/providers/N/t/N\n?/subscriptions/\u023a/resourceGroups/r",
		"/providers/N/t/n\n?/providers/N/t/n/u/m\n?/\n?x", "/subscriptions/s" + "/providers/N/t/n" + strings.Repeat("/a/b", 200),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		if len(script) > 4000 {
			return // the reference compares every scope with every other
		}
		var b TreeBuilder
		want := slowTree{"/": ""}
		questions := []ID{{}}
		for line := range strings.Lines(script) {
			left, right, isLink := strings.Cut(line, " < ")
			left, isQuestion := strings.CutPrefix(left, "?")
			var id, group ID
			var err error
			if id, err = ParseID(left); err != nil {
				continue
			}
			if isLink {
				if group, err = ParseID(right); err != nil {
					continue
				}
			}
			switch {
			case isQuestion:
				questions = append(questions, id)
			case !isLink:
				b.Add(id)
				want.add(id)
			default:
				may := (id.Level() == LevelSubscription || id.Level() == LevelManagementGroup) && group.Level() == LevelManagementGroup
				if err := b.Link(id, group); (err == nil) != (may && want.link(id, group)) {
					t.Fatalf("putting %s below %s: %v", id, group, err)
				}
			}
		}
		testTree(t, b.Build(), want, questions)
	})
}
