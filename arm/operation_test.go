// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseOperation(t *testing.T) {
	f := func(in, text, key, provider string) {
		t.Helper()
		o, err := ParseOperation(in)
		if err != nil || o.String() != text || string(o.Key()) != key || o.Provider() != provider || o.IsZero() {
			t.Errorf("ParseOperation(%q) = %q, key %q, provider %q, %v", in, o, o.Key(), o.Provider(), err)
		}
	}
	f("Microsoft.Web/sites/Read", "Microsoft.Web/sites/Read", "microsoft.web/sites/read", "Microsoft.Web")
	f("\tA/b \n", "A/b", "a/b", "A")
	f("\u00c9/a b", "\u00c9/a b", "\u00e9/a b", "\u00c9")
	longest := "a/" + strings.Repeat("b", MaxOperationLength-2)
	f(" "+longest+" ", longest, longest, "a")
}

func TestParseOperationErrors(t *testing.T) {
	f := func(in string, offset int, reason string) {
		t.Helper()
		o, err := ParseOperation(in)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("ParseOperation(%q) = %q, %v, want an *Error", in, o, err)
		}
		if !o.IsZero() || e.Kind != "operation" || e.Offset != offset || !strings.Contains(e.Reason, reason) {
			t.Errorf("ParseOperation(%q): at byte %d: %s; want byte %d: %s", in, e.Offset, e.Reason, offset, reason)
		}
	}
	f("", 0, "empty")
	f(" ", 1, "empty")
	f(" read ", 5, "has the form")
	f("*", 0, "wildcard")
	f(" a/*", 3, "wildcard")
	f("/a", 0, "empty segment")
	f(" /a", 1, "empty segment")
	f("a/", 2, "empty segment")
	f("a//b", 2, "empty segment")
	f("a/b//c", 4, "empty segment")
	f(" a/b\x00", 4, "control")
	f("a/\u0085b", 2, "control")
	f(" a/\xff", 3, "UTF-8")
	f(" a/"+strings.Repeat("b", MaxOperationLength-1), MaxOperationLength+1, "longer")
}

func TestOperationEqual(t *testing.T) {
	a, b := mustOperation(t, "A/b/READ"), mustOperation(t, "a/B/read")
	if !a.Equal(b) || a.Key() != b.Key() || a.Equal(mustOperation(t, "a/b/write")) || a.Equal(Operation{}) {
		t.Error("operations are equal if they differ in case alone")
	}
	var zero Operation
	if !zero.IsZero() || !zero.Equal(Operation{}) || zero.Key() != "" || zero.Provider() != "" {
		t.Error("the zero operation is not empty")
	}
}

func TestOperationText(t *testing.T) {
	type doc struct{ O Operation }
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
	f(`{"O":""}`, `{"O":""}`)
	f(`{"O":" A/Read "}`, `{"O":"A/Read"}`)

	o := mustOperation(t, "a/b")
	if err := o.UnmarshalText([]byte("x")); err == nil || o.String() != "a/b" {
		t.Errorf("a faulty text gave %v and the operation %s", err, o)
	}
	if err := o.UnmarshalText(nil); err != nil || !o.IsZero() {
		t.Errorf("an empty text gave %v and the operation %q", err, o)
	}
}

func TestOperationLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(name(), 2, 4).Draw(t, "segments"), "/")
		a, err := ParseOperation(text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseOperation(respell(t, text))
		if err != nil || !a.Equal(b) || b.Key() != Fold(text) {
			t.Errorf("%s and %s are not the same, %v", a, b, err)
		}
		var c Operation
		out, err := b.MarshalText()
		if err == nil {
			err = c.UnmarshalText(out)
		}
		if err != nil || c.String() != b.String() || !c.Equal(a) {
			t.Errorf("%s is written and read as %s, %v", b, c, err)
		}
	})
}
