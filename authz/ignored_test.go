// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

// heldBy lists what the principal p holds, each right on a line.
func heldBy(e *Engine) []string {
	var out []string
	for r := range e.WhatCan(WhatCanQuery{Principal: "p"}) {
		var line strings.Builder
		line.WriteString(r.RoleName + " at " + r.Scope.Name() + ": " + r.Effect.String() + ", " + r.Cause.String())
		for _, x := range r.Ignored {
			line.WriteString("; " + x.Resource.Name() + " " + x.Plane.String() + " " + x.Effect.String())
			if x.Whole {
				line.WriteString(" whole")
			}
		}
		out = append(out, line.String())
	}
	return out
}

// A right that the resource's model does not count is said to be none.
func TestIgnoredRights(t *testing.T) {
	f := func(model, role, scope string, want ...string) {
		t.Helper()
		e := New(small(func(s *mivet.Snapshot) {
			s.Resources = []mivet.Resource{vaultWith(model)}
			if model == "absent" {
				s.Resources = nil
			}
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", theCatalog(t).RoleByName(role).ID, scope)}
		}), Options{Catalog: theCatalog(t)})
		if got := heldBy(e); !slices.Equal(got, want) {
			t.Errorf("%q, %s at %s:\n got %q\nwant %q", model, role, scope, got, want)
		}
	}
	const secrets = "Key Vault Secrets User"
	f("false", secrets, vault, secrets+" at kv: denied, the resource's permission model, which ignores it; kv data denied whole")
	f("null", secrets, secret, secrets+" at s: denied, the resource's permission model, which ignores it; kv data denied whole")
	f("true", secrets, vault, secrets+" at kv: allowed, a grant")
	f("", secrets, vault, secrets+" at kv: unknown, the vault's permission model; kv data unknown whole")
	f("absent", secrets, vault, secrets+" at kv: unknown, the vault's permission model; kv data unknown whole")
	f("false", secrets, rg, secrets+" at rg: allowed, a grant; kv data denied whole")
	f("", secrets, rg, secrets+" at rg: allowed, a grant")
	f("true", secrets, rg, secrets+" at rg: allowed, a grant")
	f("false", secrets, account, secrets+" at st: allowed, a grant")
	f("false", "Key Vault Administrator", vault, "Key Vault Administrator at kv: allowed, a grant; kv data denied")
	f("", "Key Vault Administrator", vault, "Key Vault Administrator at kv: allowed, a grant; kv data unknown")
	f("false", "Owner", vault, "Owner at kv: allowed, a grant")
	f("false", "Reader", rg, "Reader at rg: allowed, a grant")
}

func TestIgnoredPolicies(t *testing.T) {
	f := func(model, want string) {
		t.Helper()
		e := New(small(func(s *mivet.Snapshot) {
			s.Resources = []mivet.Resource{vaultWith(model)}
			s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "p", Secrets: []string{"get"}}}
		}), Options{})
		got := heldBy(e)
		if len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q: got %q, want %q", model, got, want)
		}
	}
	f("false", "allowed, a grant")
	f("null", "allowed, a grant")
	f("true", "denied, the resource's permission model, which ignores it; kv data denied whole")
	f("", "unknown, the vault's permission model; kv data unknown whole")
}

// Each mode of a registry ignores what the other honours.
func TestIgnoredByRegistry(t *testing.T) {
	f := func(mode, role, want string) {
		t.Helper()
		s := withSettings(registry, registryMode, mode)
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", theCatalog(t).RoleByName(role).ID, registry)}
		if got := heldBy(New(s, Options{Catalog: theCatalog(t)})); len(got) != 1 || !strings.HasPrefix(got[0], role+" at ") || !strings.HasSuffix(got[0], want) {
			t.Errorf("%s in mode %s: got %q, want %q", role, mode, got, want)
		}
	}
	f("AbacRepositoryPermissions", "AcrPull", "control denied whole")
	f("LegacyRegistryPermissions", "AcrPull", "allowed, a grant")
	f("AbacRepositoryPermissions", "Container Registry Repository Reader", "allowed, a grant")
	f("LegacyRegistryPermissions", "Container Registry Repository Reader", "data denied whole")
}

// What Gives says of a right is what Check says, if the right is all that is held.
func TestGivesFollowsTheModel(t *testing.T) {
	for _, model := range []string{"true", "false", "null", ""} {
		for _, role := range []mivet.RoleID{"owner", "data", "all"} {
			e := New(small(func(s *mivet.Snapshot) {
				s.Resources = []mivet.Resource{vaultWith(model)}
				s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", role, vault)}
			}), Options{})
			for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
				want := e.Check(Request{Principal: "p", Operation: op(getSecret), Plane: plane, Resource: id(vault)}).Effect
				for r := range e.WhatCan(WhatCanQuery{Principal: "p"}) {
					if got := r.Gives(op(getSecret), plane); got != want {
						t.Errorf("model %q, %s, %s: Gives says %s, Check %s", model, role, plane, got, want)
					}
				}
			}
		}
	}
}

// The list of rights is whole unless something was not read that bears on it.
func TestUnseenRights(t *testing.T) {
	base := func(s *mivet.Snapshot) {
		s.Principals = []mivet.Principal{{ID: "p", Type: mivet.TypeServicePrincipal}, {ID: "q", Type: mivet.TypeUser}, {ID: "g", Type: mivet.TypeGroup}, {ID: "idle", Type: mivet.TypeGroup}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", rg), grantOf("q", "owner", sub), grantOf("g", "owner", sub2)}
	}
	f := func(gap mivet.Gap, want bool) {
		t.Helper()
		e := New(small(func(s *mivet.Snapshot) {
			base(s)
			gap.Reason = "it was forbidden"
			s.Gaps = []mivet.Gap{gap}
		}), Options{})
		got := e.UnseenRights(WhatCanQuery{Principal: "p"})
		if (len(got) == 1) != want || len(got) > 1 {
			t.Errorf("%+v: got %+v, want one: %t", gap, got, want)
		}
	}
	f(mivet.Gap{Facts: mivet.FactRoleAssignments}, true)
	f(mivet.Gap{Facts: mivet.FactRoleAssignments, Scope: id(sub2)}, true)
	f(mivet.Gap{Facts: mivet.FactRoleAssignments, Subject: "azurerm_role_assignment.a"}, true)
	f(mivet.Gap{Facts: mivet.FactRoleAssignments, Subject: "p"}, true)
	f(mivet.Gap{Facts: mivet.FactRoleAssignments, Subject: "q"}, false)
	f(mivet.Gap{Facts: mivet.FactEligibleAssignments}, true)
	f(mivet.Gap{Facts: mivet.FactDenyAssignments}, true)
	f(mivet.Gap{Facts: mivet.FactAccessPolicies, Scope: id(vault)}, true)
	f(mivet.Gap{Facts: mivet.FactLocalGrants}, true)
	f(mivet.Gap{Facts: mivet.FactPathACLs}, true)
	f(mivet.Gap{Facts: mivet.FactInput}, true)
	f(mivet.Gap{Facts: mivet.FactMemberships}, true)
	f(mivet.Gap{Facts: mivet.FactMemberships, Subject: "p"}, true)
	f(mivet.Gap{Facts: mivet.FactMemberships, Subject: "g"}, true)
	f(mivet.Gap{Facts: mivet.FactMemberships, Subject: "q"}, false)
	f(mivet.Gap{Facts: mivet.FactMemberships, Subject: "idle"}, false)
	f(mivet.Gap{Facts: mivet.FactDelegations}, false)
	f(mivet.Gap{Facts: mivet.FactResources}, false)
	if got := New(small(base), Options{}).UnseenRights(WhatCanQuery{Principal: "p"}); got != nil {
		t.Errorf("nothing is missing, got %+v", got)
	}
}
