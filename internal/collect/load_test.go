// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/tenant"
)

// machines is a tenant of virtual machines, each with an identity of its own and every
// third with a grant.
func machines(b *testing.B, subscriptions, each int) *mivet.Snapshot {
	b.Helper()
	s := &mivet.Snapshot{TakenAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), TenantID: "0b0b0b0b-0000-4000-8000-000000000000"}
	id := func(format string, args ...any) arm.ID {
		x, err := arm.ParseID(fmt.Sprintf(format, args...))
		if err != nil {
			b.Fatal(err)
		}
		return x
	}
	n := 0
	for i := range subscriptions {
		sub := id("/subscriptions/5b5b5b5b-0000-4000-8000-%012d", i)
		s.Subscriptions = append(s.Subscriptions, mivet.Subscription{ID: sub, Name: fmt.Sprintf("sub-%d", i)})
		group := id("%s/resourceGroups/machines", sub)
		s.Resources = append(s.Resources, mivet.Resource{ID: group, Location: "westeurope"})
		for k := range each {
			n++
			vm := id("%s/providers/Microsoft.Compute/virtualMachines/vm-%04d", group, k)
			p := mivet.PrincipalID(fmt.Sprintf("9a9a9a9a-0000-4000-8000-%012d", n))
			s.Resources = append(s.Resources, mivet.Resource{ID: vm, Location: "westeurope", Identity: &mivet.Attachment{System: true, SystemPrincipal: p}})
			s.Identities = append(s.Identities, mivet.Identity{Kind: mivet.SystemAssigned, Resource: vm, Principal: p})
			s.Principals = append(s.Principals, mivet.Principal{ID: p, Type: mivet.TypeServicePrincipal, Name: vm.Name(), Managed: true})
			if n%3 == 0 {
				s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{
					ID: id("%s/providers/Microsoft.Authorization/roleAssignments/7a7a7a7a-0000-4000-8000-%012d", group, n), Scope: group,
					Role: "acdd72a7-3385-48ef-bd42-f606fba81ae7", Principal: p, PrincipalType: mivet.TypeServicePrincipal,
				})
			}
		}
	}
	return s
}

// load collects a tenant once, with every quota enforced, and says how near it came to
// what they allow. It is run by hand: go test -run '^$' -bench Load -benchtime 1x.
func load(b *testing.B, s *mivet.Snapshot, latency time.Duration) {
	srv := serve(b, s, lab.Options{Quotas: lab.AzureQuotas(), Latency: latency})
	o := configFor(b, srv)
	o.Journal = b.TempDir() + "/journal"
	for b.Loop() {
		res, err := collect.Collect(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		e := res.Effort
		sent, throttled := 0, 0
		for _, c := range e.Requests {
			sent += c.Sent
			throttled += c.Throttled
		}
		b.Logf("%d resources, %d assignments, %d identities, %d gaps: %+v, wall %s, bound %s (%s), least %s",
			len(res.Snapshot.Resources), len(res.Snapshot.RoleAssignments), len(res.Snapshot.Identities), len(res.Snapshot.Gaps),
			e.Requests, e.Wall, e.Bound, e.Limit, e.Least)
		for _, g := range res.Snapshot.Gaps {
			b.Log(g.Facts, g.Scope, g.Reason)
		}
		b.ReportMetric(float64(sent), "requests")
		b.ReportMetric(float64(throttled), "throttled")
		b.ReportMetric(e.Wall.Seconds()/max(e.Bound.Seconds(), 0.001), "of-bound")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MB-heap")
		if err := res.Close(); err != nil {
			b.Fatal(err)
		}
		if err := collect.RemoveJournal(o.Journal); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSince goes on from a snapshot of a tenant in which nothing changed since.
func BenchmarkSince(b *testing.B) {
	s, err := tenant.Generate(tenant.SizeOf(200_000))
	if err != nil {
		b.Fatal(err)
	}
	old := lab.Change{At: time.Now().AddDate(0, 0, -2), Resource: s.Resources[0].ID, Kind: lab.ChangeUpdate}
	srv := serve(b, s, lab.Options{Changes: []lab.Change{old}, Quotas: lab.AzureQuotas()})
	o := configFor(b, srv)
	_, before := collected(b, o)
	o.Since = before
	for b.Loop() {
		res, err := collect.Collect(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		e := res.Effort
		b.Logf("%+v; %+v, wall %s, bound %s (%s)", *res.Since, e.Requests, e.Wall, e.Bound, e.Limit)
		b.ReportMetric(e.Wall.Seconds()/max(e.Bound.Seconds(), 0.001), "of-bound")
		if err := res.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, latency := range []time.Duration{0, 100 * time.Millisecond} {
		b.Run(fmt.Sprintf("machines=10000/latency=%s", latency), func(b *testing.B) { load(b, machines(b, 50, 200), latency) })
		b.Run(fmt.Sprintf("resources=40000/latency=%s", latency), func(b *testing.B) {
			s, err := tenant.Generate(tenant.SizeOf(40_000))
			if err != nil {
				b.Fatal(err)
			}
			load(b, s, latency)
		})
		b.Run(fmt.Sprintf("resources=200000/latency=%s", latency), func(b *testing.B) {
			s, err := tenant.Generate(tenant.SizeOf(200_000))
			if err != nil {
				b.Fatal(err)
			}
			load(b, s, latency)
		})
	}
}
