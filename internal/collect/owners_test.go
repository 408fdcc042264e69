// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/tenant"
)

// The owners of groups and applications come back, with those whom nothing else names, and
// so does the rule of a dynamic group. Of more owners than a list shows a gap tells.
func TestOwners(t *testing.T) {
	var text strings.Builder
	text.WriteString("tenant owners\nsubscription main id=11111111-0000-4000-8000-000000000001\nuser ann\ngroup team owners=ann\n" +
		"group dynamic owners=pipeline rule=\"user.city -eq 'Ulm'\"\nsp pipeline owners=ann\nsp crowded\n" +
		"assign team Reader at main\nassign dynamic Reader at main\n")
	for i := range 21 {
		fmt.Fprintf(&text, "user u%d\nowner u%d of crowded\n", i, i)
	}
	want, err := tenant.Parse("owners", strings.NewReader(text.String()), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, want, lab.Options{})
	res, err := collect.Collect(t.Context(), configFor(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	got := res.Snapshot
	ids := map[string]mivet.PrincipalID{}
	for i := range got.Principals {
		p := &got.Principals[i]
		ids[p.Name] = p.ID
		if p.Name == "dynamic" && p.MembershipRule != "user.city -eq 'Ulm'" {
			t.Errorf("the rule is %q", p.MembershipRule)
		}
	}
	owns := map[[2]mivet.PrincipalID]int{}
	crowded := 0
	for _, o := range got.Ownerships {
		if owns[[2]mivet.PrincipalID{o.Owner, o.Owned}]++; o.Owned == ids["crowded"] {
			crowded++
		}
	}
	for _, pair := range [][2]string{{"ann", "team"}, {"ann", "pipeline"}, {"pipeline", "dynamic"}, {"u0", "crowded"}} {
		if n := owns[[2]mivet.PrincipalID{ids[pair[0]], ids[pair[1]]}]; n != 1 || ids[pair[0]] == "" {
			t.Errorf("%s owns %s %d times", pair[0], pair[1], n)
		}
	}
	if crowded != 20 || !strings.Contains(gapTexts(got), "more owners than a list shows") {
		t.Errorf("%d owners of crowded; the gaps are\n%s", crowded, gapTexts(got))
	}
}
