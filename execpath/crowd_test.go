// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
)

// What is told of one identity after the other is what is told of each by itself.
func TestCrowdAgrees(t *testing.T) {
	for seed := range uint64(12) {
		s := randomTenant(t, rand.New(rand.NewPCG(seed, 3)))
		table, err := Builtin()
		if err != nil {
			t.Fatal(err)
		}
		g := New(s, authz.New(s, authz.Options{}), Options{Table: table})
		crowd := g.Crowd()
		sorted := func(ids []mivet.PrincipalID) []mivet.PrincipalID {
			ids = slices.DeleteFunc(append([]mivet.PrincipalID{}, ids...), g.isGroup)
			slices.Sort(ids)
			return ids
		}
		for _, id := range g.principals {
			one, all := g.ActorsOf(id), crowd.Around(id, 2)
			if len(one.Direct) != all.Direct || len(all.Steps) != min(2, all.Direct) {
				t.Fatalf("%d, %s: %d direct, %d steps, want %d", seed, id, all.Direct, len(all.Steps), len(one.Direct))
			}
			for i, step := range all.Steps {
				if step.From != one.Direct[i].Step.From || step.Technique != one.Direct[i].Step.Technique {
					t.Fatalf("%d, %s: step %d is from %s", seed, id, i, step.From)
				}
			}
			if d := cmp.Diff([][]mivet.PrincipalID{sorted(one.Reaching), sorted(one.Possibly), sorted(g.Reachable(id, Certain))},
				[][]mivet.PrincipalID{sorted(all.Reaching), sorted(all.Possibly), sorted(all.Comes)}); d != "" {
				t.Fatalf("%d, %s (-alone +crowd):\n%s", seed, id, d)
			}
			if len(g.AuthorityOf(id, Certain)) != len(all.Authority) {
				t.Fatalf("%d, %s: authority at %v", seed, id, all.Authority)
			}
		}
	}
	if got := (&Graph{}).Crowd().Around("nobody", 1); got.Direct != 0 || got.Reaching != nil {
		t.Errorf("%+v of nobody", got)
	}
}
