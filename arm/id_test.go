// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseID(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		id, err := ParseID(in)
		if err != nil || id.String() != want {
			t.Errorf("ParseID(%q) = %q, %v, want %q", in, id, err, want)
		}
	}
	f("/", "/")
	f(" //\t", "/")
	f("/ /", "/")
	f("/subscriptions/S", "/subscriptions/S")
	f("/subscriptions/s/", "/subscriptions/s")
	f("\u00a0/SUBSCRIPTIONS/s/ / \n", "/SUBSCRIPTIONS/s")
	f("/subscriptions/ s", "/subscriptions/ s")
	f("/subscriptions/a b/resourcegroups/\u00c9\ufffd", "/subscriptions/a b/resourcegroups/\u00c9\ufffd")
	f("/subscriptions/s/providers/N/t/n", "/subscriptions/s/providers/N/t/n")
	f("/providers/Microsoft.Management/managementGroups/mg", "/providers/Microsoft.Management/managementGroups/mg")
	f("/providers/N/providers/providers", "/providers/N/providers/providers")
	f("/providers/N/t/n/PROVIDERS/M/u/m", "/providers/N/t/n/PROVIDERS/M/u/m")
	longest := "/subscriptions/" + strings.Repeat("s", MaxIDLength-len("/subscriptions/"))
	f(" "+longest+" ", longest)
}

func TestParseIDErrors(t *testing.T) {
	f := func(in string, offset int, reason string) {
		t.Helper()
		id, err := ParseID(in)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("ParseID(%q) = %q, %v, want an *Error", in, id, err)
		}
		if !id.IsZero() || e.Kind != "resource ID" || e.Offset != offset || !strings.Contains(e.Reason, reason) {
			t.Errorf("ParseID(%q) = %q, at byte %d: %s; want byte %d: %s", in, id, e.Offset, e.Reason, offset, reason)
		}
	}
	f("", 0, "empty")
	f(" \t", 2, "empty")
	f("subscriptions/x", 0, "start with")
	f("  subscriptions/x", 2, "start with")
	f("\u00a0x", 2, "start with")
	f("/foo/x", 1, "start with")
	f(" /foo/x", 2, "start with")
	f("//subscriptions/x", 1, "start with")
	f("/subscriptions", 14, "subscription is missing")
	f(" /subscriptions/ ", 15, "subscription is missing")
	f("/subscriptions//resourceGroups/r", 15, "subscription is missing")
	f("/subscriptions/x/foo/bar", 17, "expected")
	f("/subscriptions/x//bar", 17, "expected")
	f("/subscriptions/x/resourceGroups", 31, "name is missing")
	f("/subscriptions/x/resourceGroups//providers", 32, "name is missing")
	f("/subscriptions/x/resourceGroups/r/foo", 34, "expected")
	f("/subscriptions/x/providers", 26, "provider is missing")
	f("/subscriptions/x/providers//t/n", 27, "provider is missing")
	f("/subscriptions/x/providers/Microsoft.Web", 40, "type is missing")
	f("/subscriptions/x/providers/N//n", 29, "empty segment")
	f("/subscriptions/x/providers/N/t", 30, "name is missing after the type t")
	f("/subscriptions/x/providers/N/t//u/m", 31, "name is missing after the type t")
	f("/subscriptions/x/providers/N/t/n//m", 33, "empty segment")
	f("/subscriptions/x/providers/N/t/n/u", 34, "name is missing after the type u")
	f("/subscriptions/x/providers/N/t/n/providers", 42, "provider is missing")
	f("/subscriptions/x/providers/N/t/n/providers/M", 44, "type is missing")
	f("/subscriptions/a\x00b", 16, "control")
	f("/subscriptions/a\x1fb", 16, "control")
	f("/subscriptions/a\x7fb", 16, "control")
	f("/subscriptions/\u00e9\u009bb", 17, "control") // it starts a sequence of commands on a terminal
	f("/subscriptions/\u00e9\xffb", 17, "UTF-8")
	f("/subscriptions/a\xc3", 16, "UTF-8")
	f("/subscriptions /x", 14, "blank")
	f("/subscriptions/ /resourceGroups/r", 15, "blank")
	f(" /subscriptions/x/resourceGroups/r\u00a0/providers/N/t/n", 34, "blank")
	f("  /subscriptions/"+strings.Repeat("s", MaxIDLength), 2+MaxIDLength, "longer")
	f("/subscriptions/x/providers/N/"+strings.Repeat("t", 300), 329, "type "+strings.Repeat("t", 200))
}

func TestErrorShowsItsInput(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		var e *Error
		if _, err := ParseID(in); !errors.As(err, &e) || e.Input != want {
			t.Errorf("ParseID(%q): %v, want the input %q", in, err, want)
		}
	}
	f(" x", " x")
	f(strings.Repeat("x", 200), strings.Repeat("x", 200))
	f(strings.Repeat("x", 201), strings.Repeat("x", 200))
	f(strings.Repeat("x", 199)+"\u00e9", strings.Repeat("x", 199))
	f(strings.Repeat("x", 197)+"\U00010400", strings.Repeat("x", 197))
	f(strings.Repeat("x", 196)+"\U00010400x", strings.Repeat("x", 196)+"\U00010400")
	f(strings.Repeat("\x80", 300), strings.Repeat("\x80", 196))

	_, err := ParseID(" /subscriptions/\x1b[0m")
	want := `parsing resource ID " /subscriptions/\x1b[0m": at byte 16: it holds a control character or is not valid UTF-8`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if _, err := ParseID("/subscriptions/x/providers/N/" + strings.Repeat("t", 300)); len(err.Error()) > 600 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

func TestLevelString(t *testing.T) {
	f := func(l Level, want string) {
		t.Helper()
		if l.String() != want {
			t.Errorf("level %d is %q, want %q", uint8(l), l, want)
		}
	}
	f(LevelNone, "none")
	f(LevelRoot, "root")
	f(LevelTenantResource, "tenant resource")
	f(LevelManagementGroup, "management group")
	f(LevelSubscription, "subscription")
	f(LevelResourceGroup, "resource group")
	f(LevelResource, "resource")
	f(LevelResource+1, "invalid")
}

func TestIDParts(t *testing.T) {
	type parts struct {
		Level                           Level
		Subscription, SubscriptionID    string
		ResourceGroup, ResourceGroupID  string
		Type, Name, Parent, GrandParent string
	}
	f := func(in string, want parts) {
		t.Helper()
		var id ID
		if in != "" {
			id = mustID(t, in)
		}
		got := parts{
			id.Level(), id.Subscription().String(), id.SubscriptionID(), id.ResourceGroup(), id.ResourceGroupID().String(),
			id.Type(), id.Name(), id.Parent().String(), id.Parent().Parent().String(),
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
		if !id.HasType(want.Type) || id.HasType(want.Type+"/") || id.HasType(want.Type+"/x") || id.HasType("x"+want.Type) {
			t.Errorf("%s: HasType does not agree with the type %q", in, want.Type)
		}
	}
	f("", parts{})
	f("/", parts{Level: LevelRoot})
	f("/Subscriptions/S", parts{LevelSubscription, "/Subscriptions/S", "S", "", "", "Microsoft.Resources/Subscriptions", "S", "/", ""})
	f("/subscriptions/s/ResourceGroups/R", parts{
		LevelResourceGroup, "/subscriptions/s", "s", "R", "/subscriptions/s/ResourceGroups/R",
		"Microsoft.Resources/ResourceGroups", "R", "/subscriptions/s", "/",
	})
	f("/subscriptions/s/resourceGroups/r/Providers/N/t/n/u/m", parts{
		LevelResource, "/subscriptions/s", "s", "r", "/subscriptions/s/resourceGroups/r",
		"N/t/u", "m", "/subscriptions/s/resourceGroups/r/Providers/N/t/n", "/subscriptions/s/resourceGroups/r",
	})
	f("/subscriptions/s/providers/N/t/n/providers/M/v/g", parts{
		LevelResource, "/subscriptions/s", "s", "", "",
		"M/v", "g", "/subscriptions/s/providers/N/t/n", "/subscriptions/s",
	})
	f("/subscriptions/s/resourceGroups/r/providers/N/topics/n/subscriptions/z", parts{
		LevelResource, "/subscriptions/s", "s", "r", "/subscriptions/s/resourceGroups/r",
		"N/topics/subscriptions", "z", "/subscriptions/s/resourceGroups/r/providers/N/topics/n", "/subscriptions/s/resourceGroups/r",
	})
	// A child type of that name does not make a resource group.
	f("/subscriptions/s/providers/N/t/n/resourceGroups/r", parts{
		LevelResource, "/subscriptions/s", "s", "", "",
		"N/t/resourceGroups", "r", "/subscriptions/s/providers/N/t/n", "/subscriptions/s",
	})
	f("/providers/N/t/n/resourceGroups/r", parts{LevelResource, "", "", "", "", "N/t/resourceGroups", "r", "/providers/N/t/n", "/"})
	f("/providers/Microsoft.Authorization/roleDefinitions/d", parts{
		LevelTenantResource, "", "", "", "", "Microsoft.Authorization/roleDefinitions", "d", "/", "",
	})
	f("/PROVIDERS/microsoft.management/managementgroups/mg", parts{
		LevelManagementGroup, "", "", "", "", "microsoft.management/managementgroups", "mg", "/", "",
	})
	f("/providers/Microsoft.Management/managementGroups/mg/providers/N/t/n", parts{
		LevelResource, "", "", "", "", "N/t", "n", "/providers/Microsoft.Management/managementGroups/mg", "/",
	})
	f("/providers/Microsoft.Management/managementGroupsX/mg", parts{
		LevelTenantResource, "", "", "", "", "Microsoft.Management/managementGroupsX", "mg", "/", "",
	})
	f("/providers/Microsoft.Management/x/y", parts{LevelTenantResource, "", "", "", "", "Microsoft.Management/x", "y", "/", ""})
}

func TestHasType(t *testing.T) {
	f := func(id, typ string, want bool) {
		t.Helper()
		if got := mustID(t, id).HasType(typ); got != want {
			t.Errorf("%s: HasType(%q) = %v", id, typ, got)
		}
	}
	const child = "/subscriptions/s/providers/Microsoft.Web/sites/a/slots/b"
	f(child, "MICROSOFT.WEB/SITES/SLOTS", true)
	f(child, "Microsoft.Web/sites/slots/", false)
	f(child, "Microsoft.Other/sites/slots", false)
	f(child, "Microsoft.Web/other/slots", false)
	f(child, "Microsoft.Web/sites", false)
	f(child, "Microsoft.Web/sites/a", false)
	f(child, "Microsoft.Web", false)
	f(child, "", false)
	f(child+"/providers/M/t/n", "m/T", true)
	f(child+"/providers/M/t/n", "Microsoft.Web/sites/slots", false)
	f("/subscriptions/s", "microsoft.resources/subscriptions", true)
	f("/subscriptions/s", "Microsoft.Resources/resourceGroups", false)
	f("/subscriptions/s", "Microsoft.Web/subscriptions", false)
	f("/subscriptions/s", "Microsoft.Resources", false)
	f("/subscriptions/s/resourceGroups/r", "Microsoft.Resources/resourcegroups", true)
	f("/subscriptions/s/resourceGroups/r", "Microsoft.Resources/subscriptions", false)
	f("/", "", true)
	f("/", "Microsoft.Resources/", false)

	id, group := mustID(t, child), mustID(t, "/subscriptions/s/resourceGroups/r")
	noAlloc(t, "HasType of a resource", func() { id.HasType("microsoft.web/sites/SLOTS") })
	noAlloc(t, "HasType of a group", func() { group.HasType("microsoft.resources/resourcegroups") })
}

func TestContains(t *testing.T) {
	f := func(outer, inner string, want bool) {
		t.Helper()
		if got := mustID(t, outer).Contains(mustID(t, inner)); got != want {
			t.Errorf("%s contains %s: %v, want %v", outer, inner, got, want)
		}
	}
	const s = "/subscriptions/s"
	f("/", "/", true)
	f("/", s, true)
	f("/", "/providers/Microsoft.Management/managementGroups/mg", true)
	f(s, "/", false)
	f(s, "/SUBSCRIPTIONS/S", true)
	f(s, "/subscriptions/S/resourcegroups/r", true)
	f(s+"/resourceGroups/r", s, false)
	f(s+"/resourceGroups/rg-1", s+"/resourceGroups/rg-10", false)
	f(s+"/resourceGroups/rg-10", s+"/resourceGroups/rg-1", false)
	f(s+"/resourceGroups/rg-1", s+"/resourceGroups/rg-2", false)
	f(s+"/resourceGroups/rg-1", s+"/RESOURCEGROUPS/RG-1/providers/N/t/n", true)
	f("/providers/Microsoft.Management/managementGroups/mg", s, false)
	f("/subscriptions/\u023a", "/subscriptions/\u2c65/resourceGroups/r", true) // one byte longer
	f("/subscriptions/\u2c65", "/subscriptions/\u023a/resourceGroups/r", true)
	f("/subscriptions/\u2c65", "/subscriptions/\u023ax/resourceGroups/r", false)
	f("/subscriptions/\u212a", "/subscriptions/k/resourceGroups/r", false)

	root, id := Root(), mustID(t, s+"/resourceGroups/r")
	if (ID{}).Contains(root) || (ID{}).Contains(ID{}) || root.Contains(ID{}) || id.Contains(ID{}) {
		t.Error("what is not known must be in nothing and hold nothing")
	}
	if !(ID{}).IsZero() || root.IsZero() || !(ID{}).Equal(ID{}) || (ID{}).Equal(root) {
		t.Error("the zero ID is only equal to itself")
	}
	other := mustID(t, s+"/RESOURCEGROUPS/r/providers/n/t/n")
	noAlloc(t, "Contains", func() { id.Contains(other) })
	noAlloc(t, "Equal", func() { id.Equal(other) })
}

func TestChild(t *testing.T) {
	f := func(parent, typ, name, want string) {
		t.Helper()
		id, err := mustID(t, parent).Child(typ, name)
		if err != nil || id.String() != want {
			t.Errorf("child %q %q of %s = %q, %v, want %q", typ, name, parent, id, err, want)
		}
	}
	f("/", "subscriptions", "s", "/subscriptions/s")
	f("/subscriptions/s", "resourceGroups", "r", "/subscriptions/s/resourceGroups/r")
	f("/subscriptions/s/providers/N/t/n", "u", "m", "/subscriptions/s/providers/N/t/n/u/m")
	f("/subscriptions/s/providers/N/t/n", "u", "providers", "/subscriptions/s/providers/N/t/n/u/providers")
	f("/subscriptions/s/providers/N/t/n", "u", " m", "/subscriptions/s/providers/N/t/n/u/ m")
}

func TestChildErrors(t *testing.T) {
	f := func(parent ID, typ, name string, offset int, reason string) {
		t.Helper()
		id, err := parent.Child(typ, name)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("child %q %q of %s = %q, %v, want an *Error", typ, name, parent, id, err)
		}
		if !id.IsZero() || e.Offset != offset || !strings.Contains(e.Reason, reason) {
			t.Errorf("child %q %q of %s: at byte %d: %s; want byte %d: %s", typ, name, parent, e.Offset, e.Reason, offset, reason)
		}
	}
	res := mustID(t, "/providers/N/t/n")
	f(ID{}, "subscriptions", "s", 0, "not known")
	f(ID{}, "a/b", "s", 0, "not known")
	f(Root(), "u", "m", 1, "start with")
	f(Root(), "", "", 1, "start with")
	f(mustID(t, "/subscriptions/s"), "u", "m", 17, "expected")
	f(mustID(t, "/subscriptions/s/resourceGroups/r"), "resourceGroups", "m", 34, "expected")
	f(res, "", "", 17, "empty segment")
	f(res, "", "m", 17, "empty segment")
	f(res, "u", "", 19, "name is missing")
	f(res, "u", "m ", 20, "blank")
	f(res, "u\n", "m", 18, "control")
	f(res, "u/v", "m", 18, "type is a single segment")
	f(res, "u/v", "m/w", 18, "type is a single segment")
	f(res, "u/v/w", "m", 18, "type is a single segment")
	f(res, "u", "m/v/w", 20, "name is a single segment")
	f(res, "u", "m/", 20, "name is a single segment")
	f(res, "providers", "N", 28, "type is missing")
	f(res, "u", strings.Repeat("m", MaxIDLength), MaxIDLength, "longer")
}

func TestIDText(t *testing.T) {
	type doc struct{ ID ID }
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
	f(`{"ID":""}`, `{"ID":""}`)
	f(`{"ID":"/"}`, `{"ID":"/"}`)
	f(`{"ID":" /Subscriptions/\u00c9/ "}`, "{\"ID\":\"/Subscriptions/\u00c9\"}")

	id := mustID(t, "/subscriptions/s")
	if err := id.UnmarshalText([]byte("/x")); err == nil || id.String() != "/subscriptions/s" {
		t.Errorf("a faulty text gave %v and the ID %s", err, id)
	}
	if err := id.UnmarshalText(nil); err != nil || !id.IsZero() {
		t.Errorf("an empty text gave %v and the ID %q", err, id)
	}
}

// testID checks what holds for every ID.
func testID(t interface{ Errorf(string, ...any) }, id ID) {
	if id.Level() < LevelRoot || id.Level() > LevelResource {
		t.Errorf("%s has the level %s", id, id.Level())
	}
	if again, err := ParseID(id.String()); err != nil || again.String() != id.String() {
		t.Errorf("%s is read again as %q, %v", id, again, err)
	}
	var copied ID
	text, err := id.MarshalText()
	if err == nil {
		err = copied.UnmarshalText(text)
	}
	if err != nil || copied.String() != id.String() {
		t.Errorf("%s is written and read as %q, %v", id, copied, err)
	}
	if id.Key() != Fold(id.String()) || !id.Equal(copied) || !id.Contains(copied) {
		t.Errorf("%s is not equal to itself", id)
	}
	if typ := id.Type(); !id.HasType(typ) || id.HasType(typ+"/") || id.HasType("?"+typ) || id.HasType(typ+"/t") {
		t.Errorf("%s: HasType does not agree with the type %s", id, typ)
	}
	if id.Level() == LevelRoot {
		return
	}
	up := id.Parent()
	if !up.Contains(id) || id.Contains(up) || up.Level() > id.Level() {
		t.Errorf("%s (%s) is the parent of %s (%s)", up, up.Level(), id, id.Level())
	}
	if rest := strings.TrimPrefix(id.String(), strings.TrimSuffix(up.String(), "/")); strings.Count(rest, "/") == 2 {
		segments := strings.Split(rest, "/")
		if child, err := up.Child(segments[1], id.Name()); err != nil || child.String() != id.String() {
			t.Errorf("%s is the child %s of its parent, %v", id, child, err)
		}
	} else if !strings.EqualFold(strings.Split(rest, "/")[1], "providers") || strings.Count(rest, "/") != 4 {
		t.Errorf("%s lies below its parent by %s", id, rest)
	}
	testID(t, up)
}

// Equal names have equal hashes; names that differ have different ones, but for chance.
func TestHash(t *testing.T) {
	seed := maphash.MakeSeed()
	rapid.Check(t, func(t *rapid.T) {
		p := paths().Draw(t, "path")
		a, b, other := drawID(t, p), drawID(t, p), drawID(t, paths().Draw(t, "other"))
		if !a.Equal(b) || a.Hash(seed) != b.Hash(seed) {
			t.Errorf("%s and %s are one name, and have different hashes", a, b)
		}
		if !a.Equal(other) && a.Hash(seed) == other.Hash(seed) {
			t.Errorf("%s and %s have one hash", a, other)
		}
	})
	long := mustID(t, "/subscriptions/S/resourceGroups/"+strings.Repeat("G", 2*stackPath))
	if long.Hash(seed) != mustID(t, strings.ToLower(long.String())).Hash(seed) {
		t.Error("a long name has another hash in small letters")
	}
	id := mustID(t, "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/App")
	noAlloc(t, "the hash of an ID", func() { id.Hash(seed) })
	noAlloc(t, "the type of a resource that is in no other", func() { _ = id.Type() })
}

func TestIDAgainstItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := paths().Draw(t, "path")
		id := drawID(t, p)
		testID(t, id)
		if id.Level() != p.level() || Fold(id.Type()) != Fold(p.resourceType()) {
			t.Errorf("%s is a %s, a %s; want %s, %s", id, id.Level(), id.Type(), p.level(), p.resourceType())
		}
		if typ := respell(t, p.resourceType()); !id.HasType(typ) {
			t.Errorf("%s has not the type %s", id, typ)
		}
		var up, sub, group ID
		if len(p) > 0 {
			up = drawID(t, p[:len(p)-1])
			if Fold(id.Name()) != Fold(p[len(p)-1].name) {
				t.Errorf("%s has the name %s", id, id.Name())
			}
		}
		if len(p) > 0 && p[0].provider == "" {
			sub = drawID(t, p[:1])
			if len(p) > 1 && p[1].provider == "" {
				group = drawID(t, p[:2])
			}
		}
		if !id.Parent().Equal(up) || !id.Subscription().Equal(sub) || !id.ResourceGroupID().Equal(group) {
			t.Errorf("%s: parent %s, subscription %s, group %s", id, id.Parent(), id.Subscription(), id.ResourceGroupID())
		}
	})
}

func TestContainsAgainstParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := paths().Draw(t, "p"), paths().Draw(t, "q")
		if rapid.Bool().Draw(t, "related") {
			q = p[:rapid.IntRange(0, len(p)).Draw(t, "upper")]
		}
		a, b := drawID(t, p), drawID(t, q)
		if got, want := b.Contains(a), p.below(q); got != want {
			t.Errorf("%s contains %s: %v, want %v", b, a, got, want)
		}
		same := p.below(q) && q.below(p)
		if a.Equal(b) != same || (a.Key() == b.Key()) != same {
			t.Errorf("%s equals %s: %v, want %v", a, b, a.Equal(b), same)
		}
		typ := q.resourceType()
		if got, want := a.HasType(typ), Fold(a.Type()) == Fold(typ); got != want {
			t.Errorf("%s has the type %s: %v, want %v", a, typ, got, want)
		}
	})
}
