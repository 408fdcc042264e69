// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"fmt"
	"testing"

	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
	"github.com/mivet/mivet/vet/vettest"
)

func TestAllIsValid(t *testing.T) {
	if err := vet.Validate(rules.All()); err != nil {
		t.Error(err)
	}
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.All() {
		if cat.FindingClass(r.Class) == nil {
			t.Errorf("rule %s: the catalogue maps no finding class %q", r.ID, r.Class)
		}
	}
}

// BenchmarkScan runs all rules over generated tenants. The time should grow linearly.
func BenchmarkScan(b *testing.B) {
	cat, err := catalog.Open()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{2_000, 20_000, 200_000} {
		size := tenant.SizeOf(n)
		s, err := tenant.Generate(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("resources=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := vet.Run(s, rules.All(), vet.Options{Catalog: cat, Now: vettest.Now}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
