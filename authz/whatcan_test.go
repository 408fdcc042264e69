// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// rightsOf lists roles with the effect and the cause of each.
func rightsOf(e *Engine, w WhatCanQuery) []string {
	var out []string
	for r := range e.WhatCan(w) {
		out = append(out, r.RoleName+" "+r.Scope.Name()+": "+r.Effect.String()+", "+r.Cause.String())
	}
	return out
}

func TestRights(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Memberships = []mivet.Membership{{Group: "g", Member: "p"}}
		s.Resources = []mivet.Resource{vaultWith("false")}
		grant := func(role mivet.RoleID, change func(*mivet.RoleAssignment)) {
			a := grantOf("p", role, rg)
			change(&a)
			s.RoleAssignments = append(s.RoleAssignments, a)
		}
		grant("reader", func(a *mivet.RoleAssignment) { a.Principal, a.Scope = "g", id(account) })
		grant("reader", func(*mivet.RoleAssignment) {})
		grant("owner", func(a *mivet.RoleAssignment) { a.Eligible = true })
		grant("owner", func(a *mivet.RoleAssignment) { a.End = s.TakenAt })
		grant("owner", func(a *mivet.RoleAssignment) { a.Condition = perhaps })
		grant("nowhere", func(*mivet.RoleAssignment) {})
		grant("nowhere", func(a *mivet.RoleAssignment) { a.Eligible = true })
		grant("data", func(a *mivet.RoleAssignment) { a.Scope = arm.ID{} })
		s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "p", Keys: []string{"get", "odd"}}}
		s.LocalGrants = []mivet.LocalAssignment{{System: mivet.LocalCosmos, Account: id(cosmos), Role: "x", Principal: "h"}}
	})
	e := New(s, Options{})
	want := []string{
		"data : unknown, facts that were not read",
		"reader rg: allowed, a grant", "owner rg: denied, eligible, not activated", "owner rg: denied, the time of the question",
		"owner rg: unknown, a condition", "role nowhere rg: unknown, a role that is not known", "role nowhere rg: denied, eligible, not activated",
		"access policy kv: allowed, a grant", "access policy kv: unknown, a condition", "reader st: allowed, a grant",
	}
	if d := cmp.Diff(want, rightsOf(e, WhatCanQuery{Principal: "p"})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want = []string{"role x of cosmos db: unknown, a role that is not known"}
	if d := cmp.Diff(want, rightsOf(e, WhatCanQuery{Principal: "q", Groups: []mivet.PrincipalID{"h"}})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for r := range e.WhatCan(WhatCanQuery{Principal: "p"}) {
		if r.Effect != Unknown {
			t.Error("the first right alone was asked for")
		}
		break
	}
}

func TestRightWithoutTime(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.TakenAt = time.Time{}
		a := grantOf("p", "reader", sub)
		a.Start = genTime
		s.RoleAssignments = []mivet.RoleAssignment{a}
	})
	if d := cmp.Diff([]string{"reader 00000000-0000-0000-0000-000000000001: unknown, the time of the question"}, rightsOf(New(s, Options{}), WhatCanQuery{Principal: "p"})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"reader 00000000-0000-0000-0000-000000000001: allowed, a grant"}, rightsOf(New(s, Options{}), WhatCanQuery{Principal: "p", At: genTime})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRightGives(t *testing.T) {
	f := func(p mivet.Permission, eligible bool, plane mivet.Plane, want Effect) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "x", Name: "x", Permissions: []mivet.Permission{p}})
			a := grantOf("p", "x", sub)
			a.Eligible = eligible
			s.RoleAssignments = []mivet.RoleAssignment{a}
		})
		for r := range New(s, Options{}).WhatCan(WhatCanQuery{Principal: "p"}) {
			if got := r.Gives(op(readAccount), plane); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			for range r.Operations(plane) {
				t.Error("there are no operations without a catalogue")
			}
		}
	}
	read := mivet.Permission{Actions: []string{"*/read"}}
	hangs := mivet.Permission{Actions: []string{"*/read"}, Condition: perhaps}
	f(read, false, mivet.PlaneControl, Allowed)
	f(read, false, mivet.PlaneData, Denied)
	f(read, true, mivet.PlaneControl, Denied)
	f(hangs, false, mivet.PlaneControl, Unknown)
	f(hangs, true, mivet.PlaneControl, Denied)
	f(mivet.Permission{Actions: []string{""}}, false, mivet.PlaneControl, Unknown)
}

// The operations of a right are those that its role gives, by the catalogue's planes.
func TestOperationsOfRights(t *testing.T) {
	cat := theCatalog(t)
	s := small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{assign("p", "Key Vault Secrets User", sub)}
	})
	for r := range New(s, Options{Catalog: cat}).WhatCan(WhatCanQuery{Principal: "p"}) {
		var got []string
		for o := range r.Operations(mivet.PlaneData) {
			got = append(got, string(o.Key()))
		}
		want := []string{"microsoft.keyvault/vaults/secrets/getsecret/action", "microsoft.keyvault/vaults/secrets/readmetadata/action"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		for range r.Operations(mivet.PlaneControl) {
			t.Error("Key Vault Secrets User gives no actions")
		}
		for range r.Operations(mivet.PlaneData) {
			break
		}
	}
}

// A matrix has a row for each principal and a column for each resource, also where there
// are none.
func TestMatrixShape(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", rg), grantOf("p", "all", sub2), grantOf("q", "nowhere", sub)}
		s.RoleAssignments[1].Condition = perhaps
	})
	e := New(s, Options{})
	w := WhoCanQuery{Operation: op(readAccount), Plane: mivet.PlaneControl}
	got := e.Matrix([]mivet.PrincipalID{"q", "p", "stranger"}, w, []arm.ID{id(sub2), id(account), id(sub)})
	want := [][]Effect{{Denied, Unknown, Unknown}, {Unknown, Allowed, Denied}, {Denied, Denied, Denied}}
	if d := cmp.Diff(want, got.Effects); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if m := e.Matrix(nil, w, nil); len(m.Effects) != 0 {
		t.Errorf("%v", m)
	}
	if m := e.Matrix([]mivet.PrincipalID{"p"}, w, nil); len(m.Effects) != 1 || len(m.Effects[0]) != 0 {
		t.Errorf("%v", m)
	}
}

// Somebody with many grants is answered by the scopes above the resource, and where these
// are too many, by looking at each grant.
func TestManyGrants(t *testing.T) {
	var deep strings.Builder
	deep.WriteString(account)
	for range 2 * chainLength {
		deep.WriteString("/t/n")
	}
	s := small(func(s *mivet.Snapshot) {
		for i := range 2 * shortList {
			s.RoleAssignments = append(s.RoleAssignments, grantOf("p", "none", fmt.Sprint(rg, "-", i)))
		}
		s.RoleAssignments = append(s.RoleAssignments, grantOf("p", "data", rg), grantOf("p", "reader", rg), grantOf("p", "owner", sub2))
		s.Principals = []mivet.Principal{{ID: "q"}}
		s.RoleAssignments = append(s.RoleAssignments, grantOf("q", "reader", deep.String()))
	})
	e := New(s, Options{})
	f := func(resource string, want Effect, fact int) {
		t.Helper()
		r := ask("p", readAccount, resource)
		if got := e.Check(r); got.Effect != want || got.Fact != fact {
			t.Errorf("%s: %+v", resource, got)
		}
		if got := e.Explain(r); got.Decision != e.Check(r) {
			t.Errorf("%s: %+v", resource, got.Decision)
		}
	}
	reader := slices.IndexFunc(s.RoleAssignments, func(a mivet.RoleAssignment) bool { return a.Role == "reader" })
	f(account, Allowed, reader)
	f(deep.String(), Allowed, reader)
	f(rg+"-7", Denied, -1)
	f(sub2, Allowed, reader+1)
	f(sub, Denied, -1)
}
