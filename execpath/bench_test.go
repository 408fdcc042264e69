// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/tenant"
)

// largeSize is a tenant of that many resources, a tenth of them with identities.
func largeSize(b *testing.B, resources int) tenant.Size {
	size := tenant.SizeOf(resources)
	size.Identities, size.Assignments, size.Groups = resources/10, resources*3/10, max(resources/200, 1)
	for _, r := range openCatalog(b).Roles() {
		size.Roles = append(size.Roles, r.ID)
	}
	return size
}

// benchmarkLarge joins a large tenant, walks over all its symbolic edges, asks who can act
// as the identity that most can, and cuts that. One iteration is all of it.
func benchmarkLarge(b *testing.B, resources int) {
	s, err := tenant.Generate(largeSize(b, resources))
	if err != nil {
		b.Fatal(err)
	}
	cat, table := openCatalog(b), builtin(b)
	b.ResetTimer()
	for b.Loop() {
		begin, used := time.Now(), cpuSeconds(b)
		lap := func(name string) {
			b.ReportMetric(time.Since(begin).Seconds(), "s-"+name)
			b.ReportMetric(cpuSeconds(b)-used, "cpu-"+name)
			begin, used = time.Now(), cpuSeconds(b)
		}
		e := authz.New(s, authz.Options{Catalog: cat})
		lap("authz")
		g := New(s, e, Options{Catalog: cat, Table: table})
		lap("join")
		edges, targets := 0, 0
		g.Edges(func(x Symbolic) bool {
			edges, targets = edges+1, targets+x.Resources
			return true
		})
		lap("edges")
		target := busiest(g)
		lap("busiest")
		a := g.ActorsOf(target)
		lap("who")
		c := g.Choke(ChokeQuery{To: []mivet.PrincipalID{target}})
		lap("choke")
		if !c.Proved {
			b.Error("the cut was not proved")
		}
		b.ReportMetric(float64(edges), "edges")
		b.ReportMetric(float64(targets), "pairs")
		b.ReportMetric(float64(len(a.Reaching)), "actors")
		b.ReportMetric(float64(len(c.Facts)), "cut")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/(1<<20), "MB-sys")
	}
}

// cpuSeconds is the processor time that the program has used, on all cores.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// busiest is the identity with most holders at and above its resource.
func busiest(g *Graph) mivet.PrincipalID {
	best, most := mivet.PrincipalID(""), -1
	for i := range g.objects {
		o := &g.objects[i]
		if len(o.runs) == 0 || o.typ == typeOther {
			continue
		}
		n := 0
		for node := o.node; node != 0; node = g.tree.Parent(node) {
			n += len(g.byNode[nodeType{node, o.typ}])
		}
		if n > most {
			best, most = g.principals[o.runs[0]], n
		}
	}
	return best
}

func BenchmarkTenant10k(b *testing.B)  { benchmarkLarge(b, 10_000) }
func BenchmarkTenant100k(b *testing.B) { benchmarkLarge(b, 100_000) }
func BenchmarkTenant1M(b *testing.B)   { benchmarkLarge(b, 1_000_000) }
