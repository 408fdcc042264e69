// SPDX-License-Identifier: Apache-2.0

package vettest

import (
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

// What a contract expects stands in its comments, and what is wrong with it is a fault.
func TestContractBesideATenant(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	rule := noReader(nothing)
	rule.Check = func(*vet.Pass) error { return nil }
	f := func(text string, want ...string) {
		t.Helper()
		c := newCheck(rule, cat, "x.tenant", head, text)
		if len(c.faults) != len(want) {
			t.Fatalf("faults:\n%s\nwant %d", strings.Join(c.faults, "\n"), len(want))
		}
		for i := range want {
			if !strings.Contains(c.faults[i], want[i]) {
				t.Errorf("fault %q does not contain %q", c.faults[i], want[i])
			}
		}
	}
	f("contract: 1\n")
	f("contract: 1 # want no-reader `^b`\n", "no such finding: want no-reader")
	f("contract: [\n", "x.yaml:")
}

func TestEvidenceOfTags(t *testing.T) {
	id, err := arm.ParseID("/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a")
	if err != nil {
		t.Fatal(err)
	}
	r := mivet.Resource{ID: id, Detail: &mivet.Detail{Tags: map[string]string{"attested": "p", "seen": "q", "changed": "2026-11-18"}}}
	seen, changed := evidenceOf(&effective.Carrier{Resource: &r}, nil)
	kinds := map[mivet.EvidenceKind]mivet.PrincipalID{}
	for _, s := range seen {
		kinds[s.Kind] = s.Principals[0]
	}
	if len(seen) != 2 || kinds[mivet.Attested] != "p" || kinds[mivet.Observed] != "q" || !changed.Equal(time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("seen %v, changed %s", kinds, changed)
	}
	if seen, changed := evidenceOf(&effective.Carrier{Resource: &mivet.Resource{ID: id}}, nil); seen != nil || !changed.IsZero() {
		t.Errorf("without tags: %v, %s", seen, changed)
	}
}
