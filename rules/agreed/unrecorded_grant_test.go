// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/vet"
	"github.com/mivet/mivet/vet/vettest"
)

// A description that was not read is not a missing one.
func TestUnreadDescription(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	scope, err := arm.ParseID("/subscriptions/s")
	if err != nil {
		t.Fatal(err)
	}
	f := func(description string, unknown bool, findings, undecided int) {
		t.Helper()
		a := mivet.RoleAssignment{
			Role: cat.RoleByName("Owner").ID, Principal: "p", Scope: scope,
			Description: description, DescriptionUnknown: unknown,
		}
		s := &mivet.Snapshot{RoleAssignments: []mivet.RoleAssignment{a}, Principals: []mivet.Principal{{ID: "p", Type: mivet.TypeUser}}}
		res, err := vet.Run(s, []*vet.Rule{UnrecordedGrant}, vet.Options{Catalog: cat, Now: vettest.Now})
		if err != nil {
			t.Fatal(err)
		}
		r := &res.Rules[0]
		if len(r.Findings) != findings || len(r.Undecided) != undecided {
			t.Errorf("%q, %t: %d findings and %d undecided, want %d and %d", description, unknown, len(r.Findings), len(r.Undecided), findings, undecided)
		}
		for _, u := range r.Undecided {
			if !strings.Contains(u.Reason, "does not tell the description") {
				t.Errorf("reason %q", u.Reason)
			}
		}
	}
	f("", false, 1, 0)
	f("", true, 0, 1)
	f("on call", false, 0, 0)
	f("on call", true, 0, 0)
}
