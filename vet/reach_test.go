// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

// What is counted over intervals is what is found by looking at each resource, whatever
// was asked before.
func TestReachIsWhatLookingAtEachResourceFinds(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at each resource of many tenants")
	}
	r := rand.New(rand.NewPCG(7, 11))
	for range 15 {
		size := tenant.SizeOf(30 + r.IntN(70))
		size.Seed = r.Uint64()
		size.Assignments = 1 + r.IntN(30)
		s, err := tenant.Generate(size)
		if err != nil {
			t.Fatal(err)
		}
		known, resources := answers{}, slices.Concat(s.Resources, namedOnly(s))
		with(t, s, vet.Settings{}, func(p *vet.Pass) {
			for _, id := range p.Workers() {
				holdings := p.Holdings(id)
				for i := range holdings {
					compareReach(t, p, known, resources, holdings[i:i+1])
				}
				compareReach(t, p, known, resources, holdings)
			}
		})
	}
}

// answers remembers what a role does with a type.
type answers map[*vet.Role]map[string]bool

func (a answers) of(r *vet.Role, question string, ask func() bool) bool {
	if a[r] == nil {
		a[r] = map[string]bool{}
	}
	if _, ok := a[r][question]; !ok {
		a[r][question] = ask()
	}
	return a[r][question]
}

func compareReach(t *testing.T, p *vet.Pass, known answers, resources []mivet.Resource, holdings []vet.Holding) {
	t.Helper()
	got := p.ReachOf(holdings)
	want := slowReach(p, known, resources, holdings)
	if d := cmp.Diff(want, [3]int{got.Changes, got.Data, got.Secrets}); d != "" {
		t.Errorf("%d holdings, of %s: changes, data, secrets: %s", len(holdings), holdings[0].Holder, d)
	}
}

// namedOnly returns the resources that role assignments name and the snapshot does not hold.
func namedOnly(s *mivet.Snapshot) []mivet.Resource {
	var out []mivet.Resource
	for i := range s.RoleAssignments {
		id := s.RoleAssignments[i].Scope
		for id.Parent().Level() == arm.LevelResource {
			id = id.Parent()
		}
		is := func(r mivet.Resource) bool { return r.ID.Equal(id) }
		if id.Level() == arm.LevelResource && !slices.ContainsFunc(s.Resources, is) && !slices.ContainsFunc(out, is) {
			out = append(out, mivet.Resource{ID: id})
		}
	}
	return out
}

// slowReach asks of each resource that is in no other whether a holding reaches it.
func slowReach(p *vet.Pass, known answers, resources []mivet.Resource, holdings []vet.Holding) (n [3]int) {
	for i := range resources {
		id := resources[i].ID
		kind := string(arm.Fold(id.Type()))
		if strings.Count(kind, "/") != 1 || strings.HasPrefix(kind, "microsoft.resources/") {
			continue
		}
		reaches := func(does func(*vet.Role) bool, within bool) bool {
			return slices.ContainsFunc(holdings, func(h vet.Holding) bool {
				at := p.Covers(h.Scope(), id) || within && id.Contains(h.Scope())
				return h.Surely && at && does(h.Role)
			})
		}
		vault := kind == "microsoft.keyvault/vaults"
		ruled := !vault || vet.VaultModelOf(&resources[i]) == vet.ModelRoles
		found := [3]bool{
			reaches(func(r *vet.Role) bool {
				return known.of(r, "change "+kind, func() bool { return slowChanges(r, kind) })
			}, false),
			ruled && reaches(func(r *vet.Role) bool {
				return known.of(r, "use "+kind, func() bool { return slowData(p.Catalog, r, kind) })
			}, true),
			vault && ruled && reaches(func(r *vet.Role) bool { return r.Powers.Has(vet.ReadsSecrets) }, true),
		}
		for i, yes := range found {
			if yes {
				n[i]++
			}
		}
	}
	return n
}

func slowChanges(r *vet.Role, kind string) bool {
	for _, name := range []string{kind + "/write", kind + "/delete"} {
		if op, err := arm.ParseOperation(name); err == nil && r.Grants(op, mivet.PlaneControl) {
			return true
		}
	}
	return false
}

func slowData(c *catalog.Catalog, r *vet.Role, kind string) bool {
	known := false
	for i := range c.NumOperations() {
		op := c.Operation(i)
		plane, _ := c.Plane(i)
		parts := strings.Split(string(op.Key()), "/")
		if plane != mivet.PlaneData || strings.Join(parts[:min(2, len(parts))], "/") != kind {
			continue
		}
		known = true
		if r.Grants(op, mivet.PlaneData) {
			return true
		}
	}
	return !known && slices.ContainsFunc(patternsOf(r), func(pattern string) bool {
		prefix, _, _ := strings.Cut(string(arm.Fold(pattern)), "*")
		return strings.Contains(prefix, "/") && (strings.HasPrefix(kind+"/", prefix) || strings.HasPrefix(prefix, kind+"/"))
	})
}

func patternsOf(r *vet.Role) []string {
	if r.Definition == nil {
		return nil
	}
	var out []string
	for i := range r.Definition.Permissions {
		out = append(out, r.Definition.Permissions[i].DataActions...)
	}
	return out
}
