// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"sync"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Many may ask one engine at once, also for what nobody asked for before. Run with -race.
func TestManyAskAtOnce(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Resources = []mivet.Resource{vaultWith("")}
		s.Memberships = []mivet.Membership{{Group: "g", Member: "p"}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("g", "all", sub), grantOf("q", "reader", rg), assign("r", "Storage Blob Data Owner", account)}
		s.RoleAssignments[2].Condition = perhaps
		s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "q", Secrets: []string{"all"}}}
		s.DenyAssignments = []mivet.DenyAssignment{denyOf(vault, "g")}
		s.Gaps = []mivet.Gap{gapOf(mivet.FactRoleAssignments, sub2, "")}
	})
	people := []mivet.PrincipalID{"p", "q", "r", "g", "stranger"}
	var requests []Request
	for _, p := range people {
		for _, o := range append([]string{"Microsoft.Odd/things/read", "Microsoft.Odd/things/write"}, genOps...) {
			for _, at := range []string{sub, rg, account, blobs, secret, sub2} {
				requests = append(requests, Request{Principal: p, Operation: op(o), Resource: id(at)})
			}
		}
	}
	alone := New(s, Options{Catalog: theCatalog(t)})
	want := make([]Decision, len(requests))
	for i := range requests {
		want[i] = alone.Check(requests[i])
	}
	e := New(s, Options{Catalog: theCatalog(t)})
	var all sync.WaitGroup
	for first := range 8 {
		all.Go(func() {
			for i := range requests {
				at := (i + first*len(requests)/8) % len(requests)
				r := requests[at]
				if got := e.Check(r); got != want[at] {
					t.Errorf("%s on %s: %+v, alone %+v", r.Operation, r.Resource, got, want[at])
				}
				if got := e.Explain(r); got.Decision != want[at] {
					t.Errorf("%s on %s: %+v, alone %+v", r.Operation, r.Resource, got.Decision, want[at])
				}
			}
			for range e.WhoCan(WhoCanQuery{Operation: op(readBlob), Resource: id(blobs)}) {
				continue
			}
			for right := range e.WhatCan(WhatCanQuery{Principal: "p"}) {
				for range right.Operations(mivet.PlaneData) {
					break
				}
			}
			e.Matrix(people, WhoCanQuery{Operation: op(readAccount)}, []arm.ID{id(account), id(sub2)})
		})
	}
	all.Wait()
}

// More made-up operations than the engine keeps are answered all the same.
func TestManyOddOperations(t *testing.T) {
	s := small(func(s *mivet.Snapshot) { s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", sub)} })
	e := New(s, Options{})
	for i := range maxOddRows + 10 {
		name := "Microsoft.Odd/" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + "/read"
		if d := e.Check(ask("p", name, account)); d.Effect != Allowed {
			t.Fatalf("%s: %+v", name, d)
		}
	}
	if n := len(e.rows.odd); n != maxOddRows {
		t.Errorf("%d rows are kept, want %d", n, maxOddRows)
	}
}
