// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/minimize"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

// What is proposed for the identities of made-up tenants holds: every access test passes,
// everything that was used is given, and nothing is given that was not. The engine says so,
// asked for each operation of each grant, beside what prove does.
func TestTrimGeneratedTenant(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	proposed, trimmed := 0, 0
	for seed, resources := range []int{150, 300} {
		s, err := tenant.Generate(tenant.SizeOf(resources))
		if err != nil {
			t.Fatal(err)
		}
		at := s.TakenAt
		r := rand.New(rand.NewPCG(uint64(seed), 8))
		var roles *minimize.Roles
		for i := range s.RoleAssignments {
			who := s.RoleAssignments[i].Principal
			if i%12 != 0 || who == "" {
				continue
			}
			e := authz.New(s, authz.Options{Catalog: cat, At: at})
			q := &questions{app: &app{}, at: at, resolver: newResolver(s), engine: e}
			x := &trimming{questions: q, cat: cat, who: who, from: map[string]int{}, seen: map[string]bool{}, named: map[string]bool{}, roles: roles}
			s.AccessTests = nil
			for right := range e.WhatCan(authz.WhatCanQuery{Principal: who, At: at}) {
				for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
					for op := range right.Operations(plane) {
						switch r.IntN(400) {
						case 0:
							x.need("the test", op, plane, right.Scope)
						case 1: // an access test
							x.need("access tests", op, plane, right.Scope)
							s.AccessTests = append(s.AccessTests, mivet.AccessTest{Principal: who, Operation: op, Plane: plane, Resource: right.Scope, Allowed: true})
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
			roles = x.roles
			if err := x.prove(); err != nil {
				t.Errorf("%s, %d needs: %v", who, len(x.needs), err)
			}
			checkProposal(t, cat, x)
			proposed++
			if len(x.edits) > 0 {
				trimmed++
			}
		}
	}
	if proposed < 8 || trimmed < 5 {
		t.Errorf("%d proposals, %d of them with a change: too few to say anything", proposed, trimmed)
	}
}

// Identities of a made-up tenant, shared by two workloads, are split.
func TestSplitGeneratedTenant(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Generate(tenant.SizeOf(200))
	if err != nil {
		t.Fatal(err)
	}
	split := 0
	r := rand.New(rand.NewPCG(9, 10))
	for i := range s.RoleAssignments {
		who := s.RoleAssignments[i].Principal
		at := slices.IndexFunc(s.Identities, func(d mivet.Identity) bool { return d.Principal == who && d.Kind == mivet.UserAssigned })
		if at < 0 || split == 4 {
			continue
		}
		c := *s
		c.Resources = slices.Clone(s.Resources)
		for n := range 2 {
			c.Resources[n].Identity = &mivet.Attachment{User: []arm.ID{s.Identities[at].Resource}}
		}
		e := authz.New(&c, authz.Options{Catalog: cat, At: s.TakenAt})
		q := &questions{app: &app{}, at: s.TakenAt, resolver: newResolver(&c), engine: e}
		x := &trimming{questions: q, cat: cat, who: who, from: map[string]int{}, seen: map[string]bool{}, named: map[string]bool{}}
		for right := range e.WhatCan(authz.WhatCanQuery{Principal: who, At: s.TakenAt}) {
			for op := range right.Operations(mivet.PlaneControl) {
				if r.IntN(300) == 0 {
					x.need("the test", op, mivet.PlaneControl, right.Scope)
				}
			}
		}
		if len(x.needs) == 0 {
			continue
		}
		if err := x.propose(); err != nil {
			t.Fatal(err)
		}
		plan, err := x.split()
		if err != nil {
			t.Errorf("%s: %v", who, err)
			continue
		}
		split++
		checkSplit(t, cat, plan)
	}
	if split == 0 {
		t.Error("nothing was split")
	}
}

// checkProposal asks the engine about each need and each operation of each new grant.
func checkProposal(t *testing.T, cat *catalog.Catalog, x *trimming) {
	t.Helper()
	after, err := vet.Apply(x.snap, x.edits)
	if err != nil {
		t.Fatal(err)
	}
	now := authz.New(after, authz.Options{Catalog: cat, At: x.at})
	for i := range x.needs {
		if d := now.Check(x.needs[i].Request(x.who)); d.Effect != authz.Allowed {
			t.Errorf("%s: %s at %s is %s", x.who, x.needs[i].Operation, x.needs[i].Scope, d.Effect)
		}
	}
	for i := range x.snap.AccessTests {
		a := &x.snap.AccessTests[i]
		if d := now.Check(authz.Request{Principal: a.Principal, Operation: a.Operation, Plane: a.Plane, Resource: a.Resource}); d.Effect != authz.Allowed {
			t.Errorf("%s: the access test of %s at %s is %s", x.who, a.Operation, a.Resource, d.Effect)
		}
	}
	checkNotWider(t, cat, x, x.proposal.Grants)
	for _, o := range x.others {
		checkNotWider(t, cat, x, o.Grants)
	}
}

// checkNotWider asks the engine whether each operation of some grants is held today.
func checkNotWider(t *testing.T, cat *catalog.Catalog, x *trimming, grants []minimize.Grant) {
	t.Helper()
	for _, g := range grants {
		gives := authz.CompileRole(g.Role)
		for i := range cat.NumOperations() {
			plane, _ := cat.Plane(i)
			op := cat.Operation(i)
			if plane == mivet.PlaneUnknown || gives.Gives(op, plane) != authz.Allowed {
				continue
			}
			if d := x.engine.Check(authz.Request{Principal: x.who, Operation: op, Plane: plane, Resource: g.Scope}); d.Effect == authz.Denied { // what is not known today is not known after
				t.Errorf("%s: %s at %s would give %s, which is %s today", x.who, g.Role.Name, g.Scope, op, d.Effect)
				return
			}
		}
	}
}

// checkSplit holds each new identity against what the shared one holds, and that all that is
// used has an identity that may.
func checkSplit(t *testing.T, cat *catalog.Catalog, s *splitting) {
	t.Helper()
	if len(s.parts) < 2 || len(s.unattributed) != len(s.open) { // nothing was logged, so nothing is attributed
		t.Errorf("%s: %d identities, %d of %d needs unattributed", s.who, len(s.parts), len(s.unattributed), len(s.open))
	}
	for i := range s.parts {
		p := &s.parts[i]
		checkNotWider(t, cat, s.trimming, p.Proposal.Grants)
		for _, n := range s.unattributed {
			if !s.isGiven(p.Proposal.Grants, &n) {
				t.Errorf("%s: %s would not give %s", s.who, p.Identity.Name(), n.Operation)
			}
		}
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
