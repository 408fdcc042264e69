// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"io"
	"testing"

	"github.com/mivet/mivet/review"
	"github.com/mivet/mivet/tenant"
)

// BenchmarkBuild makes the pack of a tenant with 200 identities.
func BenchmarkBuild(b *testing.B) {
	s, err := tenant.Generate(tenant.SizeOf(2000))
	if err != nil {
		b.Fatal(err)
	}
	o := options(b, s)
	for b.Loop() {
		p := review.Build(o)
		if err := p.WriteHTML(io.Discard); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(p.Identities)), "identities")
	}
}
