// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

// What mutation testing found that nothing asked for.

func TestFirstNumberWithoutAName(t *testing.T) {
	for first, want := range map[fmt.Stringer]string{
		PathOperation(len(pathOperationNames)): "invalid", WayClass(len(wayNames)): "invalid", Cause(len(causeNames)): "invalid",
		NoteKind(len(noteNames)): "invalid", Outcome(len(outcomeNames)): "invalid", Validity(len(validityNames)): "invalid",
	} {
		if got := first.String(); got != want {
			t.Errorf("%T says %q, want %q", first, got, want)
		}
	}
}

// Who turns a vault to access policies is told what that yields, and what is not certain.
func TestWordsOfTheWayThroughTheModel(t *testing.T) {
	e := New(around(vault, map[string]string{modelSetting: "true"}, "Contributor"), Options{Catalog: theCatalog(t)})
	ways := e.Bypasses(dataQuestion(getSecret, vault))
	if !slices.ContainsFunc(ways, func(w Bypass) bool {
		return strings.HasPrefix(w.Yields, "turns the vault to access policies and ") && strings.Contains(w.Note, "unrestricted roleAssignments/write")
	}) {
		t.Errorf("%+v", ways)
	}
}

// A way is not surer than the step that opens it.
func TestWayThroughADoubtfulSwitch(t *testing.T) {
	s := around(account, map[string]string{"allowSharedKeyAccess": "false"}, "Contributor")
	s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "keys", Name: "keys", Permissions: []mivet.Permission{{Actions: []string{"Microsoft.Storage/storageAccounts/listKeys/action"}}}})
	s.RoleAssignments[0].Condition = perhaps
	s.RoleAssignments = append(s.RoleAssignments, grantOf("mill", "keys", rg))
	ways := New(s, Options{Catalog: theCatalog(t)}).Bypasses(dataQuestion(readBlob, blobs))
	i := slices.IndexFunc(ways, func(w Bypass) bool {
		return w.Class == WayEscalation && len(w.Steps) == 2 && strings.HasSuffix(w.Steps[1].Operation.String(), "/listKeys/action")
	})
	if i < 0 || ways[i].Effect != Unknown {
		t.Errorf("%d of %q", i, waysOf(ways))
	}
}

// What was not read of somebody's rights in the directory is missing for that one alone.
func TestGapsOfDirectoryRights(t *testing.T) {
	const one, other = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
	e := New(small(func(s *mivet.Snapshot) {
		s.Principals = []mivet.Principal{{ID: one}, {ID: other}}
		s.Gaps = []mivet.Gap{{Facts: mivet.FactAppRoles, Subject: one, Reason: "forbidden"}}
	}), Options{})
	for who, want := range map[mivet.PrincipalID]int{one: 1, other: 0} {
		if got := e.DirectoryRights(WhatCanQuery{Principal: who}).Missing; len(got) != want {
			t.Errorf("%s: %d are missing, want %d", who, len(got), want)
		}
	}
}
