// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
)

// cheapest is the slow way to the cheapest choice: all of them.
func cheapest(sets [][]int, costs []int) int {
	best := -1
	for pick := range 1 << len(costs) {
		cost := 0
		for f, c := range costs {
			if pick>>f&1 != 0 {
				cost += c
			}
		}
		if best >= 0 && cost >= best {
			continue
		}
		if !slices.ContainsFunc(sets, func(s []int) bool {
			return !slices.ContainsFunc(s, func(f int) bool { return pick>>f&1 != 0 })
		}) {
			best = cost
		}
	}
	return best
}

func TestHitIsCheapest(t *testing.T) {
	for seed := range 300 {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		costs := make([]int, 1+r.IntN(9))
		for i := range costs {
			costs[i] = 1 + r.IntN(4)
		}
		sets := make([][]int, r.IntN(9))
		for i := range sets {
			for f := range costs {
				if r.IntN(3) == 0 {
					sets[i] = append(sets[i], f)
				}
			}
			if sets[i] == nil {
				sets[i] = []int{r.IntN(len(costs))}
			}
		}
		chosen, cost, bound, exact := hit(sets, costs)
		sum := 0
		for f := range chosen {
			sum += costs[f]
		}
		if want := max(cheapest(sets, costs), 0); cost != want || sum != cost || bound != cost || !exact {
			t.Fatalf("seed %d: chose %v for %d (bound %d, exact %v), the cheapest costs %d: sets %v, costs %v", seed, chosen, cost, bound, exact, want, sets, costs)
		}
		h := &hitter{sets: sets, costs: costs}
		greedy := h.greedy()
		if !h.meets(greedy) {
			t.Fatalf("seed %d: %v misses a set", seed, greedy)
		}
		if b := h.packing(map[int]bool{}, map[int]bool{}); b > cost {
			t.Fatalf("seed %d: the bound %d is above the cheapest %d", seed, b, cost)
		}
	}
}

// After a cut a new search finds nobody from elsewhere, but those in whose path nothing can
// be taken away; and no smaller set of assignments and memberships does the same.
func TestChokeCuts(t *testing.T) {
	cat, table := openCatalog(t), builtin(t)
	cuts := 0
	for seed := range 16 {
		s := randomTenant(t, rand.New(rand.NewPCG(uint64(seed), 11)))
		g := New(s, authz.New(s, authz.Options{Catalog: cat}), Options{Catalog: cat, Table: table})
		target, most := mivet.PrincipalID("u0"), -1 // the one that most come to
		for _, p := range g.principals {
			if n := len(g.Reaching([]mivet.PrincipalID{p}, Certain)); !g.isGroup(p) && n > most {
				target, most = p, n
			}
		}
		allow := []mivet.PrincipalID{"a"}
		cut := g.Choke(ChokeQuery{To: []mivet.PrincipalID{target}, Allow: allow})
		if !cut.Proved || !cut.Exact || cut.Bound != cut.Cost {
			t.Fatalf("seed %d: %+v", seed, cut)
		}
		left := func(without map[int]bool, members map[int]bool, facts []Fact, removed map[int]bool) int {
			var after *Graph
			if facts != nil {
				after = (&choker{g: g, all: facts}).without(removed)
			} else {
				c := *s
				c.RoleAssignments, c.Memberships = kept(s.RoleAssignments, without), kept(s.Memberships, members)
				after = New(&c, authz.New(&c, authz.Options{Catalog: cat}), Options{Catalog: cat, Table: table})
			}
			n := 0
			for _, p := range after.Reaching([]mivet.PrincipalID{target}, Certain) {
				if p != "a" && p != target && !after.isGroup(p) && !slices.Contains(cut.Uncut, p) {
					n++
				}
			}
			return n
		}
		all := map[int]bool{}
		for i := range cut.Facts {
			all[i] = true
		}
		if len(cut.Facts) > 0 {
			cuts++
			if n := left(nil, nil, cut.Facts, all); n > 0 {
				t.Fatalf("seed %d: %d still come there", seed, n)
			}
		}
		if cut.Cost > 2 || slices.ContainsFunc(cut.Facts, func(f Fact) bool { return f.Kind == FactSetting }) {
			continue
		}
		total := len(s.RoleAssignments) + len(s.Memberships)
		pick := func(list ...int) (map[int]bool, map[int]bool) {
			a, m := map[int]bool{}, map[int]bool{}
			for _, i := range list {
				if i < len(s.RoleAssignments) {
					a[i] = true
				} else {
					m[i-len(s.RoleAssignments)] = true
				}
			}
			return a, m
		}
		if cut.Cost > 0 {
			if a, m := pick(); left(a, m, nil, nil) == 0 {
				t.Fatalf("seed %d: nothing needs to be cut, and %d is", seed, cut.Cost)
			}
		}
		for i := range total {
			if a, m := pick(i); cut.Cost > 1 && left(a, m, nil, nil) == 0 {
				t.Fatalf("seed %d: fact %d alone is enough, and the cut costs %d", seed, i, cut.Cost)
			}
		}
	}
	if cuts < 5 {
		t.Errorf("only %d tenants had something to cut", cuts)
	}
}

// What an access test hangs on is cut only where nothing else does it.
func TestChokeSparesTests(t *testing.T) {
	vm := mustID(t, sub+"/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm")
	s := &mivet.Snapshot{
		Subscriptions:   []mivet.Subscription{{ID: mustID(t, sub)}},
		Resources:       []mivet.Resource{{ID: vm, Identity: &mivet.Attachment{System: true, SystemPrincipal: "vm-id"}, Detail: &mivet.Detail{Settings: map[string]string{"osProfile.allowExtensionOperations": "true"}}}},
		Principals:      []mivet.Principal{{ID: "ann", Type: mivet.TypeUser}, {ID: "ops", Type: mivet.TypeGroup}},
		Memberships:     []mivet.Membership{{Group: "ops", Member: "ann"}},
		RoleAssignments: []mivet.RoleAssignment{{Principal: "ops", RoleName: "Virtual Machine Contributor", Scope: mustID(t, sub)}},
	}
	restart := mivet.AccessTest{Principal: "ops", Plane: mivet.PlaneControl, Resource: vm, Allowed: true}
	if err := restart.Operation.UnmarshalText([]byte("Microsoft.Compute/virtualMachines/restart/action")); err != nil {
		t.Fatal(err)
	}
	s.AccessTests = []mivet.AccessTest{restart}
	cat := openCatalog(t)
	row := `{"id":"VM-01","kind":"exec","result":"host","hosts":["Microsoft.Compute/virtualMachines"],"certainty":"published","ways":[{"needs":[{"operation":"Microsoft.Compute/virtualMachines/runCommand/action","plane":"control","on":"host"}],"gates":["vm-agent"]}],"how":"","identity":"","about":"","sources":["x"]}`
	choke := func(row string) Cut {
		table, err := ReadTable("t", strings.NewReader(row))
		if err != nil {
			t.Fatal(err)
		}
		g := New(s, authz.New(s, authz.Options{Catalog: cat}), Options{Catalog: cat, Table: table})
		return g.Choke(ChokeQuery{To: []mivet.PrincipalID{"vm-id"}})
	}
	if c := choke(row); len(c.Facts) != 1 || c.Facts[0].Kind != FactMembership || len(c.Broken) != 0 {
		t.Errorf("the membership is the one to cut: %+v", c)
	}
	s.AccessTests[0].Principal = "ann"
	c := choke(row)
	if len(c.Facts) != 1 || c.Facts[0].Kind != FactSetting || c.Facts[0].Value != "false" || len(c.Broken) != 0 {
		t.Errorf("the setting is the one to change: %+v", c)
	}
	if c := choke(strings.Replace(row, "vm-agent", "storage-network", 1)); len(c.Broken) != 1 || !c.Proved {
		t.Errorf("the test that breaks is named: %+v", c)
	}
}

// What is dropped of a large tenant does not bear on who comes to a target.
func TestNarrowed(t *testing.T) {
	cat, table := openCatalog(t), builtin(t)
	for seed := range 20 {
		s := randomTenant(t, rand.New(rand.NewPCG(uint64(seed), 5)))
		g := New(s, authz.New(s, authz.Options{Catalog: cat}), Options{Catalog: cat, Table: table})
		for _, target := range []mivet.PrincipalID{"u0", "u1", "h0", "h1", "h2"} {
			n, ok := g.numbers[target]
			if !ok {
				continue
			}
			less := *s
			cone := g.cone([]int32{n})
			less.Resources, less.Identities = g.narrowResources(s, cone)
			g.narrow(&less, cone)
			narrow := New(&less, authz.New(&less, authz.Options{Catalog: cat}), Options{Catalog: cat, Table: table})
			for _, level := range []Level{Certain, Possible} {
				want := g.Reaching([]mivet.PrincipalID{target}, level)
				got := narrow.Reaching([]mivet.PrincipalID{target}, level)
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(want, got) {
					t.Fatalf("seed %d, %s to %s: got %v, want %v", seed, level, target, got, want)
				}
			}
		}
	}
}
