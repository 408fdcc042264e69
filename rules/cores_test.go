// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"encoding/json"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
	"github.com/mivet/mivet/vet/vettest"
)

// On any number of cores the rules say the same.
func TestCoresDoNotMatter(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Generate(tenant.SizeOf(10_000)) // from so many on the rules run side by side
	if err != nil {
		t.Fatal(err)
	}
	on := func(cores int) string {
		t.Helper()
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		res, err := vet.Run(s, rules.All(), vet.Options{Catalog: cat, Now: vettest.Now})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal([]any{res.Findings(), res.Undecided(), res.Fixes()})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if one, four := on(1), on(4); one != four {
		t.Error(cmp.Diff(one, four))
	}
}
