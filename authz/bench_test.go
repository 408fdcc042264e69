// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// large is a tenant of 1 million resources, 100,000 identities and 300,000 assignments.
// It is built once for all benchmarks.
type large struct {
	engine    *Engine
	catalog   *catalog.Catalog
	people    []mivet.PrincipalID
	resources []arm.ID
	ops       []arm.Operation
}

func newLarge(tb testing.TB, resources, identities, assignments int) *large {
	tb.Helper()
	cat, err := catalog.Open()
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	l := &large{catalog: cat}
	for i := range identities {
		l.people = append(l.people, mivet.NewPrincipalID(fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), i)))
	}
	types := []string{"Microsoft.Compute/virtualMachines", "Microsoft.Storage/storageAccounts", "Microsoft.Web/sites", "Microsoft.ServiceBus/namespaces"}
	for i := range resources {
		id := fmt.Sprintf("/subscriptions/%08d-0000-0000-0000-000000000000/resourceGroups/rg-%05d/providers/%s/r-%07d", i/20000, i/50, types[i%len(types)], i)
		parsed, err := arm.ParseID(id)
		if err != nil {
			tb.Fatal(err)
		}
		l.resources = append(l.resources, parsed)
	}
	for _, name := range []string{
		"Microsoft.Compute/virtualMachines/start/action", "Microsoft.Storage/storageAccounts/listKeys/action",
		"Microsoft.Web/sites/write", "Microsoft.Compute/virtualMachines/read", "Microsoft.Authorization/roleAssignments/write",
	} {
		op, err := arm.ParseOperation(name)
		if err != nil {
			tb.Fatal(err)
		}
		l.ops = append(l.ops, op)
	}
	l.engine = New(l.snapshot(r, assignments), Options{Catalog: cat})
	return l
}

func (l *large) snapshot(r *rand.Rand, assignments int) *mivet.Snapshot {
	s := &mivet.Snapshot{TakenAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	for i := range l.resources {
		s.Resources = append(s.Resources, mivet.Resource{ID: l.resources[i]})
	}
	roles := l.catalog.Roles()
	for range assignments {
		scope := l.resources[r.IntN(len(l.resources))]
		switch k := r.IntN(100); {
		case k < 2:
			scope = scope.Subscription()
		case k < 40:
			scope = scope.ResourceGroupID()
		}
		s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{
			Principal: l.people[r.IntN(len(l.people))], PrincipalType: mivet.TypeServicePrincipal,
			Role: roles[r.IntN(len(roles))].ID, Scope: scope,
		})
	}
	return s
}

func BenchmarkCheck(b *testing.B) {
	l := newLarge(b, 1_000_000, 100_000, 300_000)
	r := rand.New(rand.NewPCG(3, 4))
	questions := make([]Request, 1<<17)
	for i := range questions {
		questions[i] = Request{
			Principal: l.people[r.IntN(len(l.people))], Operation: l.ops[r.IntN(len(l.ops))],
			Resource: l.resources[r.IntN(len(l.resources))], Plane: mivet.PlaneControl,
		}
	}
	for _, op := range l.ops {
		l.engine.rows.get(op)
	}
	b.Run("strings", func(b *testing.B) {
		b.ReportAllocs()
		took := make([]time.Duration, 0, 1<<20)
		i := 0
		for b.Loop() {
			start := time.Now()
			l.engine.Check(questions[i&(1<<17-1)])
			if len(took) < cap(took) {
				took = append(took, time.Since(start))
			}
			i++
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
		b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
	})
	b.Run("handles", func(b *testing.B) {
		type handles struct {
			p PrincipalRef
			o OperationRef
			r ResourceRef
		}
		refs := make([]handles, len(questions))
		for i, q := range questions {
			refs[i] = handles{l.engine.Principal(q.Principal), l.engine.Operation(q.Operation), l.engine.Resource(q.Resource)}
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			h := &refs[i&(1<<17-1)]
			l.engine.CheckRef(h.p, h.o, &h.r, mivet.PlaneControl, time.Time{})
			i++
		}
	})
	b.Run("matrix", func(b *testing.B) {
		w := WhoCanQuery{Operation: l.ops[0], Plane: mivet.PlaneControl}
		for b.Loop() {
			l.engine.Matrix(l.people[:1000], w, l.resources[:5000])
		}
	})
}
