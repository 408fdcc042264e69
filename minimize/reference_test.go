// SPDX-License-Identifier: Apache-2.0

package minimize_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/minimize"
)

// A right is an operation on a plane.
type right struct {
	op    int
	plane mivet.Plane
}

func (x right) provider() string { return providers[x.op] }

var providers = func() []string {
	var out []string
	for i := range cat.NumOperations() {
		out = append(out, strings.ToLower(cat.Operation(i).Provider()))
	}
	return out
}()

// given lists by the engine what a role gives.
func given(def *mivet.RoleDefinition) []right {
	if list, ok := givenOf[def]; ok {
		return list
	}
	c := authz.CompileRole(def)
	list := []right{}
	for i := range cat.NumOperations() {
		of, _ := cat.Plane(i)
		for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
			if (of == mivet.PlaneUnknown || of == plane) && c.Gives(cat.Operation(i), plane) == authz.Allowed {
				list = append(list, right{i, plane})
			}
		}
	}
	givenOf[def] = list
	return list
}

var givenOf = map[*mivet.RoleDefinition][]right{}

// definition prices grants as the problem defines it, without any of the tables and
// shortcuts of the package.
type definition struct {
	*minimize.Problem
	regions []arm.ID
}

// define lists the places of a problem: the scopes of the needs, those that are named or
// given at today, and what joins two of the first.
func define(p *minimize.Problem) *definition {
	d := &definition{Problem: p}
	add := func(x arm.ID) {
		if !slices.ContainsFunc(d.regions, x.Equal) {
			d.regions = append(d.regions, x)
		}
	}
	for i := range p.Needs {
		add(p.Needs[i].Scope)
	}
	for _, s := range p.Scopes {
		add(s)
	}
	for _, a := range slices.Clone(d.regions) {
		for _, b := range d.regions {
			for s := a; s.Level() > arm.LevelRoot; s = s.Parent() {
				if s.Contains(b) {
					add(s)
					break
				}
			}
		}
	}
	for _, g := range p.Today {
		add(g.Scope)
	}
	return d
}

// size is how many resources of a provider lie in the region of a scope.
func (d *definition) size(s arm.ID, provider string) int64 {
	if s.Level() == arm.LevelResource && !minimize.Extends(provider) && !strings.Contains(strings.ToLower(s.String()), "/providers/"+provider+"/") {
		return 0
	}
	if d.Count == nil {
		return 1
	}
	n := d.Count(s)[provider]
	for _, b := range d.regions {
		between := func(m arm.ID) bool { return !m.Equal(s) && !m.Equal(b) && s.Contains(m) && m.Contains(b) }
		if !b.Equal(s) && s.Contains(b) && !slices.ContainsFunc(d.regions, between) {
			n -= d.Count(b)[provider]
		}
	}
	return int64(max(1, n))
}

// own is what a grant costs in itself.
func (d *definition) own(g minimize.Grant) int64 {
	perGrant, perForeign := d.PerGrant, d.PerForeign
	if perGrant == 0 {
		perGrant = 3
	}
	if perForeign == 0 {
		perForeign = 1000
	}
	if d.isForeign(g) {
		return int64(perGrant + max(0, perForeign))
	}
	return int64(perGrant)
}

// isForeign reports whether a role is made for another product than what it would be
// given for.
func (d *definition) isForeign(g minimize.Grant) bool {
	home, ok := homes[g.Role]
	if !ok {
		home = homeOf(g.Role)
		homes[g.Role] = home
	}
	return !slices.Contains(home, "*") && !slices.ContainsFunc(d.Needs, func(n minimize.Need) bool {
		return slices.Contains(home, strings.ToLower(n.Operation.Provider())) && covers([]minimize.Need{n}, []minimize.Grant{g})
	})
}

var homes = map[*mivet.RoleDefinition][]string{}

// homeOf are the providers of the product that a role is named after, else the one that has
// half of what it gives, what every resource has aside.
func homeOf(role *mivet.RoleDefinition) []string {
	for _, p := range role.Permissions {
		for _, text := range slices.Concat(p.Actions, p.DataActions) {
			if text[0] == '*' {
				return []string{"*"}
			}
		}
	}
	if p := minimize.ProductOf(role.Name); p != nil {
		return p
	}
	ofOthers, common := map[string]int{}, map[string]int{}
	total := 0
	for _, x := range given(role) {
		if minimize.Extends(x.provider()) {
			common[x.provider()]++
			continue
		}
		ofOthers[x.provider()]++
		total++
	}
	most := func(m map[string]int) (home string) {
		for _, p := range providers { // the first of equals, in the order of the catalogue
			if m[p] > m[home] {
				home = p
			}
		}
		return home
	}
	if total == 0 {
		return []string{most(common)}
	}
	if home := most(ofOthers); 2*ofOthers[home] >= total {
		return []string{home}
	}
	return nil
}

// cost is what grants cost: each right in each region once, and what each costs in itself.
func (d *definition) cost(grants []minimize.Grant) int64 {
	var total int64
	for _, g := range grants {
		total += d.own(g)
	}
	for _, s := range d.regions {
		seen := map[right]bool{}
		for _, g := range grants {
			if !g.Scope.Contains(s) {
				continue
			}
			for _, x := range given(g.Role) {
				if !seen[x] {
					seen[x] = true
					total += d.size(s, x.provider()) * int64(minimize.Weight(cat.Operation(x.op), x.plane))
				}
			}
		}
	}
	return total
}

// mayGive reports whether a grant is no wider than today.
func (d *definition) mayGive(g minimize.Grant) bool {
	if d.Today == nil {
		return true
	}
	have := map[right]bool{}
	for _, t := range d.Today {
		if t.Role == g.Role && t.Scope.Contains(g.Scope) {
			return true
		}
		if t.Scope.Contains(g.Scope) {
			for _, x := range given(t.Role) {
				have[x] = true
			}
		}
	}
	return !slices.ContainsFunc(given(g.Role), func(x right) bool { return !have[x] })
}

// candidates are all grants of the roles that cover something.
func (d *definition) candidates(roles []*mivet.RoleDefinition) []minimize.Grant {
	var out []minimize.Grant
	for _, role := range roles {
		for _, s := range d.regions {
			g := minimize.Grant{Role: role, Scope: s}
			if slices.ContainsFunc(d.Needs, func(n minimize.Need) bool { return covers([]minimize.Need{n}, []minimize.Grant{g}) }) && d.mayGive(g) {
				out = append(out, g)
			}
		}
	}
	return out
}

func covers(needs []minimize.Need, grants []minimize.Grant) bool {
	for _, n := range needs {
		if !slices.ContainsFunc(grants, func(g minimize.Grant) bool { return g.Scope.Contains(n.Scope) && gives(g.Role, n) }) {
			return false
		}
	}
	return true
}

// gives asks the engine.
func gives(role *mivet.RoleDefinition, n minimize.Need) bool {
	if compiled[role] == nil {
		compiled[role] = authz.CompileRole(role)
	}
	return compiled[role].Gives(n.Operation, n.Plane) == authz.Allowed
}

var compiled = map[*mivet.RoleDefinition]*authz.CompiledRole{}

// pool draws roles: some that cover each need, and some by chance.
func pool(r *rand.Rand, needs []minimize.Need, each int) []*mivet.RoleDefinition {
	var out []*mivet.RoleDefinition
	add := func(d *mivet.RoleDefinition) {
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	for _, n := range needs {
		var fit []*mivet.RoleDefinition
		for _, d := range builtin() {
			if gives(d, n) {
				fit = append(fit, d)
			}
		}
		for range each {
			add(fit[r.IntN(len(fit))])
		}
	}
	return out
}

// block is what the same roles give of one provider.
type block struct {
	provider string
	roles    map[*mivet.RoleDefinition]bool
	weight   int64
}

// blocks groups the rights of roles.
func blocks(roles []*mivet.RoleDefinition) []block {
	by := map[right][]int{}
	for i, d := range roles {
		for _, x := range given(d) {
			by[x] = append(by[x], i)
		}
	}
	index := map[string]int{}
	var out []block
	for x, list := range by {
		key := fmt.Sprint(x.provider(), list)
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out = append(out, block{x.provider(), map[*mivet.RoleDefinition]bool{}, 0})
			for _, n := range list {
				out[i].roles[roles[n]] = true
			}
		}
		out[i].weight += int64(minimize.Weight(cat.Operation(x.op), x.plane))
	}
	return out
}

// cell is what the same of some grants give.
type cell struct {
	weight  int64
	members []int // of the grants, rising
}

// cells cuts what grants give into cells.
func (d *definition) cells(grants []minimize.Grant, roles []*mivet.RoleDefinition) []cell {
	list := blocks(roles)
	index := map[string]int{}
	var out []cell
	for _, s := range d.regions {
		sizes := map[string]int64{}
		for _, b := range list {
			size, ok := sizes[b.provider]
			if !ok {
				size = d.size(s, b.provider)
				sizes[b.provider] = size
			}
			var members []int
			for i, g := range grants {
				if size > 0 && b.roles[g.Role] && g.Scope.Contains(s) {
					members = append(members, i)
				}
			}
			if members == nil {
				continue
			}
			key := fmt.Sprint(members)
			i, ok := index[key]
			if !ok {
				i = len(out)
				index[key] = i
				out = append(out, cell{members: members})
			}
			out[i].weight += size * b.weight
		}
	}
	return out
}

// cheapest tries every set of grants of which each covers something new.
func (d *definition) cheapest(all []minimize.Grant, roles []*mivet.RoleDefinition) int64 {
	cells := d.cells(all, roles)
	fits := make([][]bool, len(all)) // of a grant: the needs that it covers
	owns := make([]int64, len(all))
	for i := range all {
		owns[i] = d.own(all[i])
		for _, n := range d.Needs {
			fits[i] = append(fits[i], covers([]minimize.Need{n}, all[i:i+1]))
		}
	}
	best := int64(1) << 62
	chosen := make([]bool, len(all))
	left := make([]int, len(d.Needs)) // how many of the chosen cover a need
	var try func(from int)
	try = func(from int) {
		if !slices.Contains(left, 0) {
			cost := int64(0)
			for i := range all {
				if chosen[i] {
					cost += owns[i]
				}
			}
			for _, c := range cells {
				if slices.ContainsFunc(c.members, func(i int) bool { return chosen[i] }) {
					cost += c.weight
				}
			}
			best = min(best, cost)
			return
		}
		for i := from; i < len(all); i++ {
			helps := false
			for n, ok := range fits[i] {
				helps = helps || ok && left[n] == 0
			}
			if !helps {
				continue
			}
			change := func(by int) {
				chosen[i] = by > 0
				for n, ok := range fits[i] {
					if ok {
						left[n] += by
					}
				}
			}
			change(1)
			try(i + 1)
			change(-1)
		}
	}
	try(0)
	return best
}

// tiny draws a problem of a few needs, roles and places, at times with grants of today.
func tiny(t testing.TB, r *rand.Rand) (minimize.Problem, []*mivet.RoleDefinition) {
	p := estate(t, r, 1+r.IntN(3), 12)
	if r.IntN(2) == 0 {
		p = crowded(t, r, 1+r.IntN(3), 12)
	}
	p.Scopes = p.Scopes[:min(len(p.Scopes), r.IntN(3))]
	if r.IntN(3) == 0 {
		p.PerForeign = []int{-1, 10, 1000}[r.IntN(3)]
	}
	roles := pool(r, p.Needs, 1+r.IntN(2))
	if r.IntN(2) == 0 { // today some of the roles are given, so that all needs are met
		p.Today = []minimize.Grant{}
		for _, n := range p.Needs {
			i := slices.IndexFunc(roles, func(d *mivet.RoleDefinition) bool { return gives(d, n) })
			p.Today = append(p.Today, minimize.Grant{Role: roles[i], Scope: n.Scope})
			if r.IntN(2) == 0 {
				p.Today[len(p.Today)-1].Scope = id(t, "")
			}
		}
	}
	p.Roles = minimize.NewRoles(cat, roles, nil)
	return p, roles
}

// The search agrees with trying all sets of grants, priced by the definition.
func TestSolveAgainstAllChoices(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		p, roles := tiny(t, r)
		got, err := p.Solve()
		if err != nil {
			t.Fatal(err)
		}
		d := define(&p)
		best := d.cheapest(d.candidates(roles), roles)
		if cost := d.cost(got.Grants); cost != got.Cost || cost != best || !got.Proven || got.Bound != cost {
			t.Errorf("seed %d: cost %d, by the definition %d, the cheapest %d: %v", seed, got.Cost, cost, best, words(got.Grants))
		}
		if risk := p.Risk(got.Grants); risk != got.Risk {
			t.Errorf("seed %d: risk %d, and %d when asked for", seed, got.Risk, risk)
		}
		for _, g := range got.Grants {
			if !d.mayGive(g) {
				t.Errorf("seed %d: %v is wider than today", seed, words([]minimize.Grant{g}))
			}
			listed := slices.ContainsFunc(got.Foreign, func(f minimize.Grant) bool { return f.Role == g.Role && f.Scope.Equal(g.Scope) })
			if listed != d.isForeign(g) {
				t.Errorf("seed %d: %v made for another product: %t", seed, words([]minimize.Grant{g}), d.isForeign(g))
			}
		}
	}
}

// Every proposal of a front is the cheapest under some cost of a grant, and is better than
// the best in one respect.
func TestFront(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	some := 0
	for range 40 {
		p := estate(t, r, 1+r.IntN(8), 20)
		best, others, err := p.Front()
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.Solve()
		if err != nil || again.Cost != best.Cost {
			t.Fatalf("the best costs %d, alone %d: %v", best.Cost, again.Cost, err)
		}
		if len(best.Foreign) > 0 { // what does without other products' roles is listed, if there is anything
			p.PerForeign = 1 << 30
			if own, err := p.Solve(); err != nil || len(own.Foreign) < len(best.Foreign) && !slices.ContainsFunc(others, func(o *minimize.Proposal) bool { return len(o.Foreign) == len(own.Foreign) }) {
				t.Errorf("%v is not listed beside %v: %v", words(own.Grants), words(best.Grants), err)
			}
			p.PerForeign = 0
		}
		for _, o := range others {
			some++
			if !covers(p.Needs, o.Grants) {
				t.Errorf("%v does not cover the needs", words(o.Grants))
			}
			if fewer, own, risk := len(o.Grants) < len(best.Grants), len(o.Foreign) < len(best.Foreign), o.Risk < best.Risk; !fewer && !own && !risk {
				t.Errorf("%v is no better than %v", words(o.Grants), words(best.Grants))
			}
		}
	}
	if some < 20 {
		t.Errorf("%d alternatives: too few to say anything", some)
	}
}

// A thousandth of a second is enough for a proposal with a bound that holds.
func TestLargeProblemsHaveABound(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	p := crowded(t, r, 60, 80)
	p.MaxWork = 1
	got, err := p.Solve()
	if err != nil {
		t.Fatal(err)
	}
	p.MaxWork = 0
	better, err := p.Solve()
	if err != nil {
		t.Fatal(err)
	}
	if !covers(p.Needs, got.Grants) || got.Bound > better.Cost || better.Cost > got.Cost || better.Bound < got.Bound {
		t.Errorf("given up: %d to %d; searched: %d to %d (%s)", got.Bound, got.Cost, better.Bound, better.Cost, fmt.Sprint(words(got.Grants)))
	}
}

// Each product is one that a built-in role is named after.
func TestProducts(t *testing.T) {
	for _, words := range minimize.ProductWords() {
		if !slices.ContainsFunc(cat.Roles(), func(d mivet.RoleDefinition) bool { return strings.Contains(strings.ToLower(d.Name), words) }) {
			t.Errorf("no role is named after %q", words)
		}
	}
	f := func(role, want string) {
		t.Helper()
		if got := builtinRoles.MadeFor(cat.RoleByName(role)); got != want {
			t.Errorf("%s is made for %q, want %q", role, got, want)
		}
	}
	f("Storage Blob Data Reader", "microsoft.storage")
	f("CosmosDB Fleet Analytics Storage Data Writer", "microsoft.documentdb")
	f("Azure Center for SAP solutions reader", "microsoft.workloads")
	f("Key Vault Secrets User", "microsoft.keyvault")
	f("Virtual Machine Contributor", "microsoft.compute")
	f("Reader", "*")
	if got := builtinRoles.MadeFor(nil); got != "" {
		t.Errorf("an unknown role is made for %q", got)
	}
}
