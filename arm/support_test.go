// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func mustID(t testing.TB, s string) ID {
	t.Helper()
	id, err := ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func mustOperation(t testing.TB, s string) Operation {
	t.Helper()
	o, err := ParseOperation(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustPattern(t testing.TB, s string) Pattern {
	t.Helper()
	p, err := ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// noAlloc fails if f allocates.
func noAlloc(t *testing.T, what string, f func()) {
	t.Helper()
	if a := testing.AllocsPerRun(50, f); a != 0 {
		t.Errorf("%s allocates %v times", what, a)
	}
}

// letters are what generated names are made of: each small, and as a capital. Some pairs
// differ in length, and some letters look like a capital of another and are none.
var letters = [][2]string{
	{"a", "A"},
	{"k", "K"},
	{"z", "Z"},
	{"1", "1"},
	{"-", "-"},
	{"(", "("},
	{"\u00e9", "\u00c9"},         // e with acute
	{"\u2c65", "\u023a"},         // a with stroke: three bytes small, two as a capital
	{"\u03c9", "\u03a9"},         // omega
	{"\u2126", "\u2126"},         // Ohm sign
	{"\u212a", "\u212a"},         // Kelvin sign
	{"\U00010428", "\U00010400"}, // Deseret long I, four bytes
}

// words are segments that mean something elsewhere in an ID.
var words = []string{"providers", "subscriptions", "resourceGroups", "microsoft.management", "managementGroups"}

// name draws a segment.
func name() *rapid.Generator[string] {
	letter := rapid.Custom(func(t *rapid.T) string {
		return letters[rapid.IntRange(0, len(letters)-1).Draw(t, "letter")][0]
	})
	made := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(letter, 1, 3).Draw(t, "letters"), "")
	})
	return rapid.OneOf(made, rapid.Just("a"), rapid.Just("a b"), rapid.SampledFrom(words))
}

// respell draws another spelling of the same name.
func respell(t *rapid.T, s string) string {
	for _, l := range letters {
		if rapid.Bool().Draw(t, "capital") {
			s = strings.ReplaceAll(s, l[0], l[1])
		}
	}
	if rapid.Bool().Draw(t, "middle") {
		s = strings.ReplaceAll(s, "r", "R")
	}
	return s
}

// part is a scope of its own within an ID: the reference that IDs are compared with.
type part struct{ provider, typ, name string }

func (p part) text() string {
	if p.provider == "" {
		return "/" + p.typ + "/" + p.name
	}
	return "/providers/" + p.provider + "/" + p.typ + "/" + p.name
}

// path is an ID as the parts it is made of; the empty path is the root.
type path []part

func (p path) text() string {
	if len(p) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, x := range p {
		b.WriteString(x.text())
	}
	return b.String()
}

// below reports whether p is q or lies below it, by names alone.
func (p path) below(q path) bool {
	if len(q) > len(p) {
		return false
	}
	for i := range q {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

func (p path) level() Level {
	switch {
	case len(p) == 0:
		return LevelRoot
	case len(p) == 1 && p[0].provider == "":
		return LevelSubscription
	case len(p) == 1 && p[0].provider == "microsoft.management" && p[0].typ == "managementGroups":
		return LevelManagementGroup
	case len(p) == 1:
		return LevelTenantResource
	case len(p) == 2 && p[1].provider == "" && p[0].provider == "":
		return LevelResourceGroup
	}
	return LevelResource
}

// resourceType finds the last provider and joins the types from there on.
func (p path) resourceType() string {
	if len(p) == 0 {
		return ""
	}
	provider, from := "Microsoft.Resources", len(p)-1
	for i, x := range p {
		if x.provider != "" {
			provider, from = x.provider, i
		}
	}
	for _, x := range p[from:] {
		provider += "/" + x.typ
	}
	return provider
}

// paths draws the IDs of the grammar.
func paths() *rapid.Generator[path] {
	return rapid.Custom(func(t *rapid.T) path {
		var p path
		switch rapid.IntRange(0, 4).Draw(t, "top") {
		case 0: // the root, or a resource of the tenant
		case 1:
			p = path{{"microsoft.management", "managementGroups", name().Draw(t, "group")}}
		default:
			p = path{{"", "subscriptions", name().Draw(t, "subscription")}}
			if rapid.Bool().Draw(t, "in group") {
				p = append(p, part{"", "resourceGroups", name().Draw(t, "group")})
			}
		}
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			x := part{"", name().Draw(t, "type"), name().Draw(t, "name")}
			held := len(p) > 0 && (p[0].provider != "" || p[len(p)-1].provider != "" || len(p) > 2)
			if !held || x.typ == "providers" || rapid.Bool().Draw(t, "extension") {
				x.provider = name().Draw(t, "provider")
			}
			p = append(p, x)
		}
		return p
	})
}

func drawID(t *rapid.T, p path) ID {
	id, err := ParseID(respell(t, p.text()))
	if err != nil {
		t.Fatalf("the grammar gave what is not an ID: %v", err)
	}
	return id
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
