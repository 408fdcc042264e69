// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"testing"

	"github.com/mivet/mivet"
)

// A registry ignores roles as a vault does; one that was not read may.
func TestIgnoredByRegistries(t *testing.T) {
	pulls := []mivet.Permission{{Actions: []string{pull}}}
	f := func(mode, scope, want string) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			if mode != "absent" {
				s.Resources = []mivet.Resource{{ID: id(registry), Detail: &mivet.Detail{Settings: map[string]string{registryMode: mode}}}}
			}
			s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "pulls", Name: "pulls", Permissions: pulls})
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "pulls", scope)}
		})
		if got := heldBy(New(s, Options{})); !slices.Equal(got, []string{want}) {
			t.Errorf("%s at %s:\n got %q\nwant %q", mode, scope, got, want)
		}
	}
	const abacMode = "AbacRepositoryPermissions"
	f("null", registry, "pulls at r: allowed, a grant")
	f(abacMode, registry, "pulls at r: denied, the resource's permission model, which ignores it; r control denied whole")
	f("absent", registry, "pulls at r: unknown, a setting of the resource; r control unknown whole")
	f("absent", registry+"/repositories/x", "pulls at x: unknown, a setting of the resource; r control unknown whole")
	f("null", rg, "pulls at rg: allowed, a grant")
	f(abacMode, rg, "pulls at rg: allowed, a grant; r control denied whole")
	f(abacMode, sub2, "pulls at 00000000-0000-0000-0000-000000000002: allowed, a grant")
}

// A role that a vault ignores can be changed to one that it does not.
func TestBypassByWideningAnIgnoredRole(t *testing.T) {
	f := func(model string, want ...string) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.Resources = []mivet.Resource{vaultWith(model)}
			s.RoleDefinitions = append(s.RoleDefinitions,
				mivet.RoleDefinition{ID: "own", Name: "own", AssignableScopes: []string{sub}, Permissions: []mivet.Permission{{DataActions: []string{listSecrets}}}},
				mivet.RoleDefinition{ID: "author", Name: "author", BuiltIn: true, Permissions: []mivet.Permission{{Actions: []string{opDefineRole}}}})
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "own", vault), grantOf("mill", "author", sub)}
		})
		list := New(s, Options{Catalog: theCatalog(t)}).Bypasses(dataQuestion(getSecret, secret))
		if got := waysOf(list); !slices.Equal(got, want) {
			t.Errorf("model %s: got %q, want %q", model, got, want)
		}
	}
	widened := WayEscalation.String() + " roleDefinitions/write allowed"
	f("true", widened)
	f("false", widened)
}
