// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/minimize"
	"github.com/mivet/mivet/tenant"
)

// What is proposed for the identities of a made-up tenant holds: prove checks each proposal
// with the engine, and the test checks that it was there to be checked.
func TestTrimGeneratedTenant(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Generate(tenant.SizeOf(400))
	if err != nil {
		t.Fatal(err)
	}
	at := s.TakenAt
	e := authz.New(s, authz.Options{Catalog: cat, At: at})
	r := rand.New(rand.NewPCG(7, 8))
	proposed, trimmed := 0, 0
	for i := range s.RoleAssignments {
		who := s.RoleAssignments[i].Principal
		if i%12 != 0 || who == "" {
			continue
		}
		q := &questions{app: &app{}, at: at, resolver: newResolver(s), engine: e}
		x := &trimming{questions: q, cat: cat, who: who, from: map[string]int{}, seen: map[string]bool{}, named: map[string]bool{}}
		for right := range e.WhatCan(authz.WhatCanQuery{Principal: who, At: at}) {
			for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
				for op := range right.Operations(plane) {
					if r.IntN(200) == 0 {
						x.need("the test", op, plane, right.Scope)
					}
				}
			}
		}
		if len(x.needs) == 0 {
			continue
		}
		if err := x.propose(); err != nil {
			t.Errorf("%s: %v", who, err)
			continue
		}
		if err := x.prove(); err != nil {
			t.Errorf("%s, %d needs: %v", who, len(x.needs), err)
		}
		proposed++
		if len(x.edits) > 0 {
			trimmed++
		}
	}
	if proposed < 5 || trimmed < 3 {
		t.Errorf("%d proposals, %d of them with a change: too few to say anything", proposed, trimmed)
	}
}

// A proposal that takes away what is needed, or gives more, is not shown.
func TestProveRefuses(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	scope, err := arm.ParseID("/subscriptions/00000000-0000-0000-0000-000000000001")
	if err != nil {
		t.Fatal(err)
	}
	op, err := arm.ParseOperation("Microsoft.Storage/storageAccounts/read")
	if err != nil {
		t.Fatal(err)
	}
	reader, owner := cat.RoleByName("Reader"), cat.RoleByName("Owner")
	held := mivet.RoleAssignment{Role: reader.ID, Principal: "p", PrincipalType: mivet.TypeServicePrincipal, Scope: scope}
	s := &mivet.Snapshot{RoleAssignments: []mivet.RoleAssignment{held}}
	f := func(edits ...mivet.Edit) error {
		q := &questions{app: &app{}, resolver: newResolver(s), engine: authz.New(s, authz.Options{Catalog: cat})}
		x := &trimming{questions: q, cat: cat, who: "p", needs: []minimize.Need{{Operation: op, Plane: mivet.PlaneControl, Scope: scope}}, edits: edits}
		return x.prove()
	}
	if err := f(); err != nil {
		t.Errorf("no change: %v", err)
	}
	if err := f(mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: &held}); !errors.Is(err, errTrim) {
		t.Errorf("what is needed goes: %v", err)
	}
	wide := held
	wide.Role = owner.ID
	if err := f(mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &wide}); !errors.Is(err, errTrim) {
		t.Errorf("more is given: %v", err)
	}
}
