// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/mivet/mivet"
)

func BenchmarkWrite200k(b *testing.B) {
	s := tenantOf(b, 200_000, 20_000, 60_000)
	n := 0
	for b.Loop() {
		var file bytes.Buffer
		if err := Write(&file, s, WriteOptions{Redactor: keepAll{}}); err != nil {
			b.Fatal(err)
		}
		n = file.Len()
	}
	b.ReportMetric(float64(n)/(1<<20), "MiB/file")
	b.ReportMetric(float64(b.N)*300_000/b.Elapsed().Seconds(), "records/s")
}

func benchmarkRead(b *testing.B, resources int, o ReadOptions) {
	file := written(b, tenantOf(b, resources, resources/10, resources*3/10))
	b.SetBytes(int64(len(file)))
	runtime.GC()
	records := 0
	for b.Loop() {
		s, err := Read(bytes.NewReader(file), int64(len(file)), o)
		if err != nil {
			b.Fatal(err)
		}
		records = len(s.Resources) + len(s.Identities) + len(s.Principals) + len(s.RoleAssignments)
	}
	b.ReportMetric(float64(b.N)*float64(records)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkRead200k(b *testing.B) { benchmarkRead(b, 200_000, ReadOptions{}) }

// What a question about access needs of the file.
func BenchmarkReadGrants200k(b *testing.B) {
	benchmarkRead(b, 200_000, ReadOptions{Kinds: []mivet.FactKind{
		mivet.FactManagementGroups, mivet.FactSubscriptions, mivet.FactIdentities, mivet.FactPrincipals,
		mivet.FactMemberships, mivet.FactRoleDefinitions, mivet.FactRoleAssignments, mivet.FactDenyAssignments,
	}})
}

func BenchmarkRead2M(b *testing.B) { benchmarkRead(b, 2_000_000, ReadOptions{}) }

// BenchmarkMemory reports what a resource costs when it is in memory.
func BenchmarkMemory(b *testing.B) {
	const n = 200_000
	file := written(b, tenantOf(b, n, 0, 0))
	var before, after runtime.MemStats
	var s *mivet.Snapshot
	for b.Loop() {
		s = nil //nolint:ineffassign,wastedassign // lets go of the one before
		runtime.GC()
		runtime.ReadMemStats(&before)
		s = read(b, file)
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/resource")
	text := 0
	for i := range s.Resources {
		text += len(s.Resources[i].ID.String())
	}
	b.ReportMetric(float64(text)/n, "ID-B/resource")
	_, _ = io.Discard.Write(nil)
}
