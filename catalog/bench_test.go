// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"testing"

	"github.com/mivet/mivet/arm"
)

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindOperation(b *testing.B) {
	c := open(b)
	op := parse(b, "microsoft.keyvault/vaults/secrets/getsecret/action")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.FindOperation(op); !ok {
			b.Fatal("not found")
		}
	}
}

func open(tb testing.TB) *Catalog {
	tb.Helper()
	c, err := Open()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func parse(tb testing.TB, s string) arm.Operation {
	tb.Helper()
	op, err := arm.ParseOperation(s)
	if err != nil {
		tb.Fatal(err)
	}
	return op
}
