// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"
	"testing"

	"github.com/mivet/mivet/arm"
)

func TestTypeTable(t *testing.T) {
	types := newTypeTable()
	if len(types) < 1200 {
		t.Fatalf("only %d types", len(types))
	}
	for typ := range types {
		row, ok := types.row(typ)
		if !ok || !strings.ContainsRune("RSTXA", rune(row.level)) {
			t.Errorf("%s has level %q", typ, row.level)
			continue
		}
		if row.level == 'A' {
			if row.path != "" {
				t.Errorf("%s is a part of something and has a path", typ)
			}
			continue
		}
		checkRow(t, typ, row)
	}
}

func checkRow(t *testing.T, typ string, row typeRow) {
	t.Helper()
	segments := row.segments()
	var text strings.Builder
	text.WriteString("/subscriptions/s/resourceGroups/g/providers/" + row.path[:strings.IndexByte(row.path, '/')])
	for _, s := range segments {
		text.WriteString("/" + s.typ + "/name")
	}
	id, err := arm.ParseID(text.String())
	if err != nil {
		t.Errorf("%s: %v", typ, err)
		return
	}
	if n := row.depth(id.Type()); n != len(segments) {
		t.Errorf("%s: its own type has depth %d of %d", typ, n, len(segments))
	}
	last := segments[len(segments)-1]
	if len(last.args) == 0 && last.name == "" {
		t.Errorf("%s: nothing names it", typ)
	}
	if row.level == 'X' && len(row.parents) == 0 {
		t.Errorf("%s: nothing tells what it lies on", typ)
	}
}

func TestIdentityKinds(t *testing.T) {
	f := func(text string, system, user bool) {
		t.Helper()
		if s, u := identityKinds(text); s != system || u != user {
			t.Errorf("%q: system %v, user %v", text, s, u)
		}
	}
	f("SystemAssigned", true, false)
	f("UserAssigned", false, true)
	f("SystemAssigned, UserAssigned", true, true)
	f("SystemAssigned,UserAssigned", true, true)
	f("SystemAssignedUserAssigned", true, true)
	f("SystemAndUserAssigned", true, true)
	f("systemassigned", true, false)
	f("None", false, false)
	f("", false, false)
}
