// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"errors"
	"strings"
	"testing"
)

func mustID(t testing.TB, s string) ID {
	t.Helper()
	id, err := ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTreeQuick(t *testing.T) {
	var b TreeBuilder
	b.Add(mustID(t, "/subscriptions/S1/resourceGroups/rg-10/providers/Microsoft.Web/sites/a/slots/s"))
	b.Add(mustID(t, "/subscriptions/S1/resourceGroups/rg-1"))
	if err := b.Link(mustID(t, "/subscriptions/s1"), mustID(t, "/providers/Microsoft.Management/managementGroups/mg")); err != nil {
		t.Fatal(err)
	}
	tree := b.Build()
	mg, ok := tree.Find(mustID(t, "/providers/microsoft.management/managementgroups/MG"))
	if !ok {
		t.Fatal("management group not found")
	}
	n, ok := tree.Find(mustID(t, "/SUBSCRIPTIONS/s1/resourcegroups/RG-10/providers/microsoft.web/sites/A/slots/other"))
	if ok || tree.ID(n).Name() != "a" || !tree.Contains(mg, n) {
		t.Fatalf("found %v %v", tree.ID(n), ok)
	}
	rg1, _ := tree.Find(mustID(t, "/subscriptions/s1/resourceGroups/rg-1"))
	if tree.Contains(rg1, n) {
		t.Fatal("rg-1 must not contain rg-10")
	}
	if err := b.Link(mustID(t, "/providers/Microsoft.Management/managementGroups/mg"), mustID(t, "/providers/Microsoft.Management/managementGroups/mg")); err == nil {
		t.Fatal("a circle was accepted")
	}
	id := mustID(t, "/SUBSCRIPTIONS/s1/resourcegroups/RG-10/providers/microsoft.web/sites/A/slots/other")
	if a := testing.AllocsPerRun(100, func() { tree.Find(id) }); a != 0 {
		t.Fatalf("Find allocates %v times", a)
	}
}

func TestParseIDErrors(t *testing.T) {
	f := func(in, reason string) {
		t.Helper()
		_, err := ParseID(in)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Reason, reason) {
			t.Errorf("ParseID(%q) = %v, want %q", in, err, reason)
		}
	}
	f("", "empty")
	f("subscriptions/x", "start with")
	f("/subscriptions", "missing")
	f("/subscriptions/x/foo/bar", "expected")
	f("/subscriptions/x/providers/Microsoft.Web", "type is missing")
	f("/subscriptions/x/providers/Microsoft.Web/sites", "name is missing")
	f("/subscriptions/x/resourceGroups/r/providers/Microsoft.Web/sites/a/providers", "provider is missing")
	f("/subscriptions//resourceGroups/r", "missing")
	f("/foo/x", "start with")
}
