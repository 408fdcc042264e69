// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

const contributor mivet.RoleID = "b24988ac-6180-42a0-ab88-20f7382dd24c"

// builtInRoles are the few that delegations are tested with.
func builtInRoles() []mivet.RoleDefinition {
	return []mivet.RoleDefinition{
		{ID: roleOwner, Name: "Owner", BuiltIn: true, Permissions: []mivet.Permission{{Actions: []string{"*"}}}},
		{ID: roleUserAccessAdmin, Name: "User Access Administrator", BuiltIn: true, Permissions: []mivet.Permission{{Actions: []string{"*/read", "Microsoft.Authorization/*"}}}},
		{ID: contributor, Name: "Contributor", BuiltIn: true, Permissions: []mivet.Permission{{
			Actions: []string{"*"}, NotActions: []string{"Microsoft.Authorization/*/Write"}, DataActions: []string{"*"},
		}}},
	}
}

func delegated(grants ...mivet.DelegatedGrant) *mivet.Snapshot {
	return small(func(s *mivet.Snapshot) {
		s.RoleDefinitions = append(s.RoleDefinitions, builtInRoles()...)
		s.Delegations = []mivet.Delegation{{Scope: id(rg), ManagingTenant: "partner", Grants: grants}}
		s.Memberships = []mivet.Membership{{Group: "crew", Member: "ann"}}
	})
}

// The limits of MicrosoftDocs/azure-docs articles/lighthouse/concepts/tenants-users-roles.md.
func TestDelegations(t *testing.T) {
	f := func(g mivet.DelegatedGrant, r Request, effect Effect, cause Cause) {
		t.Helper()
		g.Principal = "crew"
		wants(t, delegated(g), r, effect, cause)
	}
	reads := ask("crew", readAccount, account)
	f(mivet.DelegatedGrant{Role: contributor}, reads, Allowed, CauseGrant)
	f(mivet.DelegatedGrant{Role: contributor}, ask("ann", readAccount, account), Allowed, CauseGrant)
	f(mivet.DelegatedGrant{Role: contributor}, ask("crew", readAccount, sub), Denied, CauseNoGrant)
	f(mivet.DelegatedGrant{Role: contributor}, ask("crew", writeRole, account), Denied, CauseNoGrant)
	f(mivet.DelegatedGrant{Role: contributor}, ask("crew", readBlob, blobs), Denied, CauseNoGrant)
	f(mivet.DelegatedGrant{Role: contributor, Eligible: true}, reads, Denied, CauseEligible)
	f(mivet.DelegatedGrant{Role: roleOwner}, reads, Denied, CauseNoGrant)
	f(mivet.DelegatedGrant{Role: "reader"}, reads, Denied, CauseNoGrant)
	f(mivet.DelegatedGrant{Role: "unheard of"}, reads, Unknown, CauseRole)

	// User Access Administrator does nothing but to assign the named roles.
	admin := mivet.DelegatedGrant{Role: roleUserAccessAdmin, AssignableRoles: []mivet.RoleID{contributor}}
	assign := func(role, typ string) Request {
		r := ask("crew", writeRole, account)
		r.Given = abac.RoleAssignment{RoleDefinitionID: role, PrincipalID: "11111111-2222-3333-4444-555555555555", PrincipalType: typ}.WriteEnv()
		return r
	}
	f(admin, reads, Denied, CauseNoGrant)
	f(admin, assign(string(contributor), "ServicePrincipal"), Allowed, CauseGrant)
	f(admin, assign(string(contributor), "User"), Denied, CauseNoGrant)
	f(admin, assign(string(roleOwner), "ServicePrincipal"), Denied, CauseNoGrant)
	f(admin, ask("crew", writeRole, account), Unknown, CauseCondition)
	f(mivet.DelegatedGrant{Role: roleUserAccessAdmin}, assign(string(contributor), "ServicePrincipal"), Denied, CauseNoGrant)
	admin.Eligible = true
	f(admin, assign(string(contributor), "ServicePrincipal"), Denied, CauseEligible)
}

func TestDelegationsAndOtherFacts(t *testing.T) {
	grant := mivet.DelegatedGrant{Principal: "crew", Role: contributor}
	f := func(r Request, effect Effect, cause Cause, change func(*mivet.Snapshot)) {
		t.Helper()
		s := delegated(mivet.DelegatedGrant{Principal: "x", Role: contributor}, grant)
		change(s)
		wants(t, s, r, effect, cause)
	}
	reads := ask("crew", readAccount, account)
	f(reads, Denied, CauseDeny, func(s *mivet.Snapshot) { s.DenyAssignments = append(s.DenyAssignments, denyOf(rg, mivet.Everyone)) })
	f(reads, Unknown, CauseGap, func(s *mivet.Snapshot) { s.Delegations[0].Scope = id("") })
	f(ask("stranger", readAccount, account), Unknown, CauseGap, func(s *mivet.Snapshot) { s.Delegations[0].Grants[0].Principal = "" })

	// Whom a fact of this tenant names is not of another.
	lost := func(s *mivet.Snapshot) {
		s.Gaps = append(s.Gaps, mivet.Gap{Facts: mivet.FactDelegations, Scope: id(sub)})
		s.Principals = append(s.Principals, mivet.Principal{ID: "cook"})
	}
	f(ask("stranger", readAccount, account), Unknown, CauseGap, lost)
	f(ask("x", readAccount, sub), Unknown, CauseGap, lost)
	f(ask("cook", readAccount, account), Denied, CauseNoGrant, lost)
	f(ask("stranger", readAccount, sub2), Denied, CauseNoGrant, lost)
}

func TestDelegationsAreShown(t *testing.T) {
	f := func(role mivet.RoleID, says string) {
		t.Helper()
		s := delegated(mivet.DelegatedGrant{Principal: "x", Role: contributor}, mivet.DelegatedGrant{Principal: "crew", Role: role})
		e := New(s, Options{})
		x := e.Explain(ask("ann", readAccount, account))
		if len(x.Reasons) != 1 || x.Reasons[0].Delegation != &s.Delegations[0] || x.Reasons[0].Delegated != &s.Delegations[0].Grants[1] {
			t.Fatalf("%+v", x.Reasons)
		}
		if note := x.Reasons[0].Note; !strings.Contains(note, says) || says == "" && note != "" {
			t.Errorf("the role %s has the note %q", role, note)
		}
		n := 0
		for right := range e.WhatCan(WhatCanQuery{Principal: "ann"}) {
			if right.Delegation == nil || right.Delegated.Role != role || len(right.Via) != 2 {
				t.Errorf("%+v", right)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%d rights", n)
		}
	}
	f(contributor, "data actions do not work")
	f(roleOwner, "does not delegate Owner")
	f(roleUserAccessAdmin, "only assigns")
	f("reader", "built-in roles alone")
	f("unheard of", "is not known")

	s := delegated(mivet.DelegatedGrant{Principal: "x"}, mivet.DelegatedGrant{Principal: "crew", Role: contributor})
	e := New(s, Options{})
	d := e.Check(ask("crew", readAccount, account))
	if delegation, grant := e.Delegated(d.Fact); d.Local != LocalDelegation || delegation != &s.Delegations[0] || grant != &s.Delegations[0].Grants[1] {
		t.Errorf("%+v", d)
	}
	if delegation, grant := e.Delegated(7); delegation != nil || grant != nil {
		t.Error(delegation, grant)
	}
	if got := delegatedLimit(&mivet.RoleDefinition{BuiltIn: true}); got != "" {
		t.Error(got)
	}
}
