// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	"strings"
	"testing"

	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
	"github.com/mivet/mivet/vet/vettest"
)

// Where nobody names owners, the rule says once that it did not look.
func TestNobodyNamesOwners(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	f := func(tag string, settings vet.Settings, findings, undecided int) {
		t.Helper()
		text := "tenant t taken=2026-11-20\nsubscription prod\nrg orders in prod\nrg other in prod " + tag +
			"\nwebapp one in orders system\nwebapp two in orders system\n"
		s, err := tenant.Parse("t.tenant", strings.NewReader(text), tenant.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := vet.Run(s, []*vet.Rule{OwnerMissing}, vet.Options{Catalog: cat, Now: vettest.Now, Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		r := &res.Rules[0]
		if len(r.Findings) != findings || len(r.Undecided) != undecided {
			t.Errorf("%q, %+v: %d findings and %d undecided, want %d and %d", tag, settings, len(r.Findings), len(r.Undecided), findings, undecided)
		}
		for _, u := range r.Undecided {
			if !strings.Contains(u.Reason, "owner.tags") {
				t.Errorf("it is not said what would enable the rule: %s", u.Reason)
			}
		}
	}
	f("", vet.Settings{}, 0, 1)
	f("tag.environment=test", vet.Settings{}, 0, 1)
	f("tag.OWNER=team", vet.Settings{}, 2, 0)
	f(`tag.team=""`, vet.Settings{}, 2, 0)
	f("", vet.Settings{OwnerTags: []string{"accountable"}}, 2, 0)
	f("tag.accountable=team", vet.Settings{OwnerTags: []string{"accountable"}}, 2, 0)
	f("", vet.Settings{Owners: func(string) string { return "" }}, 2, 0)
}
