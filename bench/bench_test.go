// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

func mustCatalog(t *testing.T) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// smallTenant holds what engines get wrong: a name that begins like another, groups in
// groups, grants above the subscription, what a role subtracts and another gives again,
// and letters of either case.
func smallTenant(t *testing.T, cat *catalog.Catalog) *tenant {
	t.Helper()
	s := &tenant{operations: racedOperations}
	for _, name := range []string{"Reader", "Contributor", "Owner", "Virtual Machine Contributor", "Storage Blob Data Reader"} {
		d := cat.RoleByName(name)
		if d == nil {
			t.Fatalf("the catalogue has no role %s", name)
		}
		s.roles = append(s.roles, *d)
	}
	root := s.addScope("/providers/Microsoft.Management/managementGroups/Root", -1)
	left := s.addScope("/providers/Microsoft.Management/managementGroups/left", root)
	sub1 := s.addScope("/subscriptions/00000001-0000-4000-8000-00000000000A", left)
	sub2 := s.addScope("/subscriptions/00000002-0000-4000-8000-000000000000", root)
	rg1 := s.addScope(s.scopes[sub1].id+"/resourceGroups/RG-1", sub1)
	rg10 := s.addScope(s.scopes[sub1].id+"/resourceGroups/RG-10", sub1)
	rg2 := s.addScope(s.scopes[sub2].id+"/resourceGroups/rg-1", sub2)
	for _, rg := range []int{rg1, rg10, rg2} {
		s.addScope(s.scopes[rg].id+"/providers/Microsoft.Compute/virtualMachines/vm", rg)
	}
	s.addScope(s.scopes[rg10].id+"/providers/Microsoft.Storage/storageAccounts/st", rg10)
	s.members = []membership{
		{principalName(0), groupName(1)}, {groupName(1), groupName(2)}, {principalName(1), groupName(1)}, {principalName(1), groupName(3)},
	}
	s.assignments = []assignment{
		{groupName(2), true, 0, left},                   // Reader through two groups
		{principalName(2), false, 3, rg1},               // Virtual Machine Contributor
		{principalName(3), false, 1, sub1},              // Contributor
		{groupName(3), true, 2, rg10},                   // Owner
		{principalName(4), false, 4, len(s.scopes) - 1}, // Storage Blob Data Reader
	}
	return s
}

// Resources and operations of the small tenant.
const (
	vm1, vm10, vm2, st              = 7, 8, 9, 10
	vmRead, vmStart, vmWrite        = 0, 1, 2
	stRead, stKeys, blobRead, grant = 3, 4, 5, 10
)

func TestAnswers(t *testing.T) {
	cat := mustCatalog(t)
	small := smallTenant(t, cat)
	var qs []question
	var want []bool
	f := func(principal, operation, resource int, allowed bool) {
		qs = append(qs, question{principalName(principal), operation, resource})
		want = append(want, allowed)
	}
	f(0, vmRead, vm1, true)
	f(0, vmRead, vm10, true)
	f(0, vmRead, vm2, false)
	f(0, vmWrite, vm1, false)
	f(0, blobRead, st, false)
	f(1, vmWrite, vm1, false)
	f(1, vmWrite, vm10, true)
	f(1, grant, vm10, true)
	f(1, blobRead, st, false)
	f(2, vmStart, vm1, true)
	f(2, vmStart, vm10, false)
	f(2, vmStart, vm2, false)
	f(2, vmRead, vm1, true)
	f(3, vmWrite, vm10, true)
	f(3, stKeys, st, true)
	f(3, grant, vm1, false)
	f(3, blobRead, st, false)
	f(4, blobRead, st, true)
	f(4, stRead, st, false)
	f(4, blobRead, vm10, false)
	f(5, vmRead, vm1, false)
	for _, r := range racers(cat) {
		t.Run(r.name, func(t *testing.T) {
			got, _, err := answersOf(r, small, qs)
			if err != nil {
				t.Fatal(err)
			}
			for i := range qs {
				if got[i] != want[i] {
					t.Errorf("%s: %s of %s on %s: %t, want %t",
						r.name, small.operations[qs[i].operation].name, qs[i].principal, small.scopes[qs[i].resource].id, got[i], want[i])
				}
			}
		})
	}
}

// A race must end with the first engine that answers differently.
func TestRaceRefuses(t *testing.T) {
	cat := mustCatalog(t)
	small := smallTenant(t, cat)
	qs := []question{{principalName(0), vmRead, vm1}, {principalName(5), vmRead, vm1}}
	generous := racer{"generous", func(*tenant, []question) (asker, error) {
		return func(int) (bool, error) { return true, nil }, nil
	}}
	var out bytes.Buffer
	err := race(&out, small, qs, []racer{{"reference", loadNaive}, generous}, time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "generous: question 1") {
		t.Errorf("the error is %v, want one that names the engine and the question", err)
	}
	if strings.Contains(out.String(), "| generous") {
		t.Errorf("a time was printed:\n%s", out.String())
	}
	if err := race(&out, small, qs, []racer{{"reference", loadNaive}, {"mivet", loadMivet(cat)}}, time.Millisecond); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "2 equal") {
		t.Errorf("the table does not say what was compared:\n%s", out.String())
	}
}

// The same seed must give the same tenant and questions, and a good part of both answers.
func TestTenant(t *testing.T) {
	cat := mustCatalog(t)
	one, other := newTenant(cat, 1000, 7), newTenant(cat, 1000, 7)
	if len(one.assignments) != 1000 || len(one.scopes) != 3+racedSubscriptions+racedResourceGroups*(1+resourcesPerGroup) {
		t.Errorf("the tenant has %d assignments and %d scopes", len(one.assignments), len(one.scopes))
	}
	for i := range one.assignments {
		if one.assignments[i] != other.assignments[i] {
			t.Fatalf("assignment %d differs between two tenants of one seed", i)
		}
	}
	qs := one.questions(2000, 7)
	_, allowed, err := answersOf(racer{"naive", loadNaive}, one, qs)
	if err != nil {
		t.Fatal(err)
	}
	if allowed < 600 || allowed > 1400 {
		t.Errorf("%d of %d questions are allowed", allowed, len(qs))
	}
	for i, q := range one.questions(2000, 7) {
		if q != qs[i] {
			t.Fatalf("question %d differs between two draws of one seed", i)
		}
	}
}

func TestRule(t *testing.T) {
	f := func(pattern, op string, want bool) {
		t.Helper()
		r := compileRule(pattern)
		if got := r.matches(op); got != want {
			t.Errorf("%q matches %q: %t, want %t", pattern, op, got, want)
		}
	}
	f("*", "a/b/read", true)
	f("*/read", "a/b/read", true)
	f("*/read", "a/b/readall", false)
	f("A/B/read ", "a/b/read", true)
	f("a/*/read", "a/b/c/read", true)
	f("a/*/read", "a/read", true)
	f("a/*/read", "b/read", false)
	f("a/*", "a/", true)
	f("ab*ba", "aba", false)
}

func TestExpand(t *testing.T) {
	s := &tenant{operations: racedOperations, roles: []mivet.RoleDefinition{{Permissions: []mivet.Permission{
		{Actions: []string{"Microsoft.Compute/*"}, NotActions: []string{"*/write"}},
		{Actions: []string{"Microsoft.Compute/virtualMachines/write"}, DataActions: []string{"*"}, NotDataActions: []string{"*/send/action"}},
	}}}}
	for i, given := range s.expand()[0] {
		want := i == vmRead || i == vmStart || i == vmWrite || i == blobRead
		if given != want {
			t.Errorf("%s is given: %t, want %t", s.operations[i].name, given, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	f := func(n, p, want int) {
		t.Helper()
		sorted := make([]time.Duration, n)
		for i := range sorted {
			sorted[i] = time.Duration(i + 1)
		}
		if got := quantile(sorted, p); got != time.Duration(want) {
			t.Errorf("quantile %d of 1 to %d is %d, want %d", p, n, got, want)
		}
	}
	f(0, 50, 0)
	f(1, 50, 1)
	f(1, 99, 1)
	f(2, 50, 1)
	f(100, 50, 50)
	f(100, 99, 99)
	f(1000, 99, 990)
	f(101, 99, 100)
}

func TestShort(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := short(d); got != want {
			t.Errorf("%d ns prints as %q, want %q", d, got, want)
		}
	}
	f(0, "0 ns")
	f(999, "999 ns")
	f(1500, "1.5 µs")
	f(12_345_678, "12.3 ms")
	f(2*time.Second, "2 s")
}

// The scale run on a small tenant: every table is there, and the two ways of asking agree.
func TestScale(t *testing.T) {
	var out bytes.Buffer
	o := options{questions: 50, budget: time.Millisecond, seed: 3, large: largeShape{resources: 3000, identities: 500, assignments: 900, seed: 3}}
	if err := runScale(&out, o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3000 resources, 500 identities", "handles, just read", "matrix of 500 principals", "who-can, 2000 questions"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}
}

func TestFlags(t *testing.T) {
	f := func(arg, want string) {
		t.Helper()
		o, err := parseFlags(strings.Fields(arg))
		switch {
		case err == nil && want != "":
			t.Errorf("%q is accepted: %+v", arg, o)
		case err != nil && (want == "" || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want an error with %q", arg, err, want)
		}
	}
	f("", "")
	f("-assignments 10,20 -only OPA", "")
	f("-assignments 0", "at least 1")
	f("-assignments x", "at least 1")
	f("-scale -resources 0", "at least 1")
	f("races", "not a flag")
}
