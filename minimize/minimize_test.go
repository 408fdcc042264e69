// SPDX-License-Identifier: Apache-2.0

package minimize_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/minimize"
)

var cat = func() *catalog.Catalog {
	c, err := catalog.Open()
	if err != nil {
		panic(err)
	}
	return c
}()

// builtin are the built-in roles that give without a condition of their own.
func builtin() []*mivet.RoleDefinition {
	var out []*mivet.RoleDefinition
	for i := range cat.Roles() {
		if r := &cat.Roles()[i]; !slices.ContainsFunc(r.Permissions, func(p mivet.Permission) bool { return p.Condition != "" }) {
			out = append(out, r)
		}
	}
	return out
}

var builtinRoles = minimize.NewRoles(cat, builtin())

const sub = "/subscriptions/00000000-0000-0000-0000-000000000001"

func id(t testing.TB, text string) arm.ID {
	t.Helper()
	i, err := arm.ParseID(sub + text)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func operation(t testing.TB, text string) arm.Operation {
	t.Helper()
	op, err := arm.ParseOperation(text)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// need reads "data OPERATION SCOPE" or "control OPERATION SCOPE".
func need(t testing.TB, text string) minimize.Need {
	t.Helper()
	f := strings.Fields(text)
	plane := mivet.PlaneControl
	if f[0] == "data" {
		plane = mivet.PlaneData
	}
	scope := ""
	if len(f) > 2 {
		scope = f[2]
	}
	return minimize.Need{Operation: operation(t, f[1]), Plane: plane, Scope: id(t, scope)}
}

func words(grants []minimize.Grant) []string {
	var out []string
	for _, g := range grants {
		out = append(out, g.Role.Name+" @ "+strings.TrimPrefix(g.Scope.String(), sub))
	}
	return out
}

func role(t testing.TB, name string) *mivet.RoleDefinition {
	t.Helper()
	r := cat.RoleByName(name)
	if r == nil {
		t.Fatalf("there is no role %s", name)
	}
	return r
}

const (
	vault   = "/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/shop-kv"
	other   = "/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/other-kv"
	storage = "/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata"
	getting = "data Microsoft.KeyVault/vaults/secrets/getSecret/action "
	reading = "data Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read "
	writing = "data Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write "
)

func TestSolve(t *testing.T) {
	owner := []minimize.Grant{{role(t, "Owner"), id(t, "")}, {role(t, "Key Vault Administrator"), id(t, "/resourceGroups/shop")}, {role(t, "Storage Blob Data Contributor"), id(t, storage)}}
	// A few roles alone: a later edition of the catalogue must not change what is expected.
	var few []*mivet.RoleDefinition
	for _, name := range []string{
		"Owner", "Key Vault Administrator", "Key Vault Secrets User", "Key Vault Secrets Officer", "Key Vault Reader",
		"Storage Blob Data Owner", "Storage Blob Data Contributor", "Storage Blob Data Reader",
	} {
		few = append(few, role(t, name))
	}
	roles := minimize.NewRoles(cat, few)
	f := func(name string, today []minimize.Grant, want []string, needs ...string) {
		t.Helper()
		p := minimize.Problem{Roles: roles, Today: today}
		for _, n := range needs {
			p.Needs = append(p.Needs, need(t, n))
		}
		got, err := p.Solve()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if d := cmp.Diff(want, words(got.Grants)); d != "" || !got.Proven || got.Bound != got.Cost {
			t.Errorf("%s: proven %t, bound %d of %d (-want +got):\n%s", name, got.Proven, got.Bound, got.Cost, d)
		}
	}
	f("nothing is needed", owner, nil)
	f("one secret, at the secret", owner, []string{"Key Vault Secrets User @ " + vault + "/secrets/db"}, getting+vault+"/secrets/db")
	f("a vault and what is in it", owner, []string{"Key Vault Secrets User @ " + vault}, getting+vault, getting+vault+"/secrets/db")
	f("two vaults, one grant each", owner, []string{"Key Vault Secrets User @ " + other, "Key Vault Secrets User @ " + vault}, getting+vault, getting+other)
	f("a blob read twice counts once", nil, []string{"Storage Blob Data Reader @ " + storage}, reading+storage, reading+storage)
	f("reading and writing", owner, []string{"Storage Blob Data Contributor @ " + storage}, reading+storage, writing+storage)
	f("only what is given today", []minimize.Grant{{role(t, "Key Vault Administrator"), id(t, vault)}}, []string{"Key Vault Secrets User @ " + vault}, getting+vault)
}

func TestUnmet(t *testing.T) {
	p := minimize.Problem{
		Roles: builtinRoles, Needs: []minimize.Need{need(t, getting+vault), need(t, reading+storage)},
		Today: []minimize.Grant{{role(t, "Storage Blob Data Reader"), id(t, storage)}},
	}
	for _, f := range []func() error{
		func() error { _, err := p.Solve(); return err },
		func() error { _, err := p.Front(); return err },
	} {
		var unmet *minimize.UnmetError
		if err := f(); !errors.As(err, &unmet) || len(unmet.Needs) != 1 || !strings.Contains(err.Error(), "getSecret") {
			t.Errorf("got %v, want the secret as what nobody may give", err)
		}
	}
}

func TestFrontTradesGrantsForRisk(t *testing.T) {
	p := minimize.Problem{Roles: builtinRoles, PerGrant: 1}
	for i := range 6 {
		p.Needs = append(p.Needs, need(t, fmt.Sprintf("%s%s%d", reading, storage, i)))
	}
	front, err := p.Front()
	if err != nil {
		t.Fatal(err)
	}
	if len(front) < 2 || len(front[0].Grants) != 1 || len(front[len(front)-1].Grants) != 6 {
		t.Fatalf("got %d proposals, the first with %d grants", len(front), len(front[0].Grants))
	}
	for i := 1; i < len(front); i++ {
		if len(front[i].Grants) <= len(front[i-1].Grants) || front[i].Risk >= front[i-1].Risk {
			t.Errorf("proposal %d has %d grants and risk %d after %d and %d", i, len(front[i].Grants), front[i].Risk, len(front[i-1].Grants), front[i-1].Risk)
		}
	}
}

func TestGivenUpSearchHasABound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := random(t, r, 20, 3)
	exact, err := p.Solve()
	if err != nil {
		t.Fatal(err)
	}
	p.MaxNodes = 1
	got, err := p.Solve()
	if err != nil {
		t.Fatal(err)
	}
	if got.Cost < exact.Cost || got.Bound > exact.Cost || exact.Nodes > 1 && got.Proven && got.Cost != exact.Cost {
		t.Errorf("cost %d, bound %d, proven %t; the cheapest costs %d", got.Cost, got.Bound, got.Proven, exact.Cost)
	}
}

func TestRolesWithUnknownPatternsAreLeftOut(t *testing.T) {
	secret := need(t, getting+vault)
	bad := []*mivet.RoleDefinition{
		{ID: "1", Name: "conditional", Permissions: []mivet.Permission{{DataActions: []string{"*"}, Condition: "@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'a'"}}},
		{ID: "2", Name: "unread", Permissions: []mivet.Permission{{DataActions: []string{"*"}, NotDataActions: []string{"Microsoft.KeyVault/\x00"}}}},
	}
	p := minimize.Problem{Needs: []minimize.Need{secret}, Roles: minimize.NewRoles(cat, bad)}
	if _, err := p.Solve(); err == nil {
		t.Error("a role that may not give it is proposed")
	}
}

// What a role gives in the tables is what the engine says it gives.
func TestRolesAgreeWithTheEngine(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	roles := builtin()
	var def *mivet.RoleDefinition
	var alone *minimize.Roles
	for n := range 400 {
		if n%20 == 0 {
			def = roles[r.IntN(len(roles))]
			alone = minimize.NewRoles(cat, []*mivet.RoleDefinition{def})
		}
		i := r.IntN(cat.NumOperations())
		op := cat.Operation(i)
		plane, _ := cat.Plane(i)
		if plane == mivet.PlaneUnknown {
			plane = mivet.PlaneControl
		}
		scope := id(t, vault)
		p := minimize.Problem{Needs: []minimize.Need{{Operation: op, Plane: plane, Scope: scope}}, Roles: alone}
		_, err := p.Solve()
		if want := authz.CompileRole(def).Gives(op, plane) == authz.Allowed; (err == nil) != want {
			t.Errorf("%s gives %s (%s): solved %t, want %t", def.Name, op, plane, err == nil, want)
		}
	}
}

// random makes a problem of needs that some built-in roles give, over a few scopes.
func random(t testing.TB, r *rand.Rand, needs, roles int) minimize.Problem {
	p := minimize.Problem{Roles: builtinRoles, Count: func(scope arm.ID, _ string) int {
		return map[arm.Level]int{arm.LevelResource: 1, arm.LevelResourceGroup: 10, arm.LevelSubscription: 100}[scope.Level()]
	}}
	all := builtin()
	for len(p.Needs) < needs {
		var from []*mivet.RoleDefinition
		for range roles {
			from = append(from, all[r.IntN(len(all))])
		}
		for range 40 {
			def := from[r.IntN(len(from))]
			i := r.IntN(cat.NumOperations())
			plane, _ := cat.Plane(i)
			if plane == mivet.PlaneUnknown || len(p.Needs) == needs {
				continue
			}
			// an operation that the role names, at one of a few resources
			op := named(r, def, plane)
			if op.IsZero() {
				continue
			}
			scope := id(t, fmt.Sprintf("/resourceGroups/g%d/providers/%s/things/r%d", r.IntN(3), op.Provider(), r.IntN(4)))
			p.Needs = append(p.Needs, minimize.Need{Operation: op, Plane: plane, Scope: scope})
		}
	}
	return p
}

// named picks an operation that a role names in full, or that one of its patterns matches.
func named(r *rand.Rand, def *mivet.RoleDefinition, plane mivet.Plane) arm.Operation {
	var texts []string
	for i := range def.Permissions {
		if plane == mivet.PlaneData {
			texts = append(texts, def.Permissions[i].DataActions...)
		} else {
			texts = append(texts, def.Permissions[i].Actions...)
		}
	}
	if len(texts) == 0 {
		return arm.Operation{}
	}
	op, err := arm.ParseOperation(texts[r.IntN(len(texts))])
	if i, known := cat.FindOperation(op); err == nil && known {
		if of, _ := cat.Plane(i); of == plane && authz.CompileRole(def).Gives(op, plane) == authz.Allowed {
			return op
		}
	}
	return arm.Operation{}
}

// A right is an operation on a plane.
type right struct {
	op    int
	plane mivet.Plane
}

// given lists by the engine what each of a few roles gives.
func given(defs []*mivet.RoleDefinition) map[*mivet.RoleDefinition][]right {
	out := map[*mivet.RoleDefinition][]right{}
	for _, def := range defs {
		c := authz.CompileRole(def)
		for i := range cat.NumOperations() {
			of, _ := cat.Plane(i)
			for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
				if (of == mivet.PlaneUnknown || of == plane) && c.Gives(cat.Operation(i), plane) == authz.Allowed {
					out[def] = append(out[def], right{i, plane})
				}
			}
		}
	}
	return out
}

// slowCost is what grants cost by the definition: each right in each region once.
func slowCost(gives map[*mivet.RoleDefinition][]right, regions []arm.ID, grants []minimize.Grant) int64 {
	total := 3 * int64(len(grants))
	for _, s := range regions {
		seen := map[right]bool{}
		for _, g := range grants {
			if !g.Scope.Contains(s) {
				continue
			}
			for _, x := range gives[g.Role] {
				if !seen[x] {
					seen[x] = true
					total += int64(minimize.Weight(cat.Operation(x.op), x.plane))
				}
			}
		}
	}
	return total
}

// The search agrees with trying all sets of grants, priced by the definition.
func TestSolveAgainstAllChoices(t *testing.T) {
	pool := []string{
		"Key Vault Secrets User", "Key Vault Reader", "Key Vault Secrets Officer", "Key Vault Administrator", "Key Vault Crypto User", "Key Vault Certificate User",
	}
	ops := []string{
		"data Microsoft.KeyVault/vaults/secrets/getSecret/action ", "data Microsoft.KeyVault/vaults/secrets/readMetadata/action ",
		"data Microsoft.KeyVault/vaults/keys/read ", "control Microsoft.KeyVault/vaults/read ", "data Microsoft.KeyVault/vaults/certificates/read ",
	}
	places := []string{"/resourceGroups/a/providers/Microsoft.KeyVault/vaults/one", "/resourceGroups/a/providers/Microsoft.KeyVault/vaults/two", "/resourceGroups/b/providers/Microsoft.KeyVault/vaults/three"}
	var defs []*mivet.RoleDefinition
	for _, name := range pool {
		defs = append(defs, role(t, name))
	}
	roles, gives := minimize.NewRoles(cat, defs), given(defs)
	rapid.Check(t, func(rt *rapid.T) {
		p := minimize.Problem{Roles: roles}
		for range rapid.IntRange(1, 3).Draw(rt, "needs") {
			p.Needs = append(p.Needs, need(t, rapid.SampledFrom(ops).Draw(rt, "operation")+rapid.SampledFrom(places).Draw(rt, "place")))
		}
		got, err := p.Solve()
		if err != nil {
			rt.Fatal(err)
		}
		scopes := []arm.ID{}
		for _, s := range append([]string{"", "/resourceGroups/a"}, places...) {
			if slices.ContainsFunc(p.Needs, func(n minimize.Need) bool { return id(t, s).Contains(n.Scope) }) {
				scopes = append(scopes, id(t, s))
			}
		}
		best := cheapest(&p, gives, scopes, regionsOf(p.Needs))
		if cost := slowCost(gives, regionsOf(p.Needs), got.Grants); cost != got.Cost || cost != best || !got.Proven {
			rt.Fatalf("cost %d, by the definition %d, the cheapest %d: %v", got.Cost, cost, best, words(got.Grants))
		}
	})
}

// regionsOf are the needs' scopes and those that join them.
func regionsOf(needs []minimize.Need) []arm.ID {
	var out []arm.ID
	add := func(x arm.ID) {
		if !slices.ContainsFunc(out, x.Equal) {
			out = append(out, x)
		}
	}
	for _, a := range needs {
		add(a.Scope)
		for _, b := range needs {
			for s := a.Scope; !s.IsZero() && s.Level() != arm.LevelRoot; s = s.Parent() {
				if s.Contains(b.Scope) {
					add(s)
					break
				}
			}
		}
	}
	return out
}

// cheapest tries every set of grants of which each covers something new.
func cheapest(p *minimize.Problem, gives map[*mivet.RoleDefinition][]right, scopes, regions []arm.ID) int64 {
	var all []minimize.Grant
	for d := range gives {
		for _, s := range scopes {
			all = append(all, minimize.Grant{Role: d, Scope: s})
		}
	}
	best := int64(1) << 62
	var try func(from int, chosen []minimize.Grant)
	try = func(from int, chosen []minimize.Grant) {
		if covers(p.Needs, chosen) {
			best = min(best, slowCost(gives, regions, chosen))
			return
		}
		if len(chosen) == len(p.Needs) {
			return
		}
		for i := from; i < len(all); i++ {
			if slices.ContainsFunc(p.Needs, func(n minimize.Need) bool {
				return !covers([]minimize.Need{n}, chosen) && covers([]minimize.Need{n}, all[i:i+1])
			}) {
				try(i+1, append(slices.Clone(chosen), all[i]))
			}
		}
	}
	try(0, nil)
	return best
}

func covers(needs []minimize.Need, grants []minimize.Grant) bool {
	for _, n := range needs {
		if !slices.ContainsFunc(grants, func(g minimize.Grant) bool {
			return g.Scope.Contains(n.Scope) && authz.CompileRole(g.Role).Gives(n.Operation, n.Plane) == authz.Allowed
		}) {
			return false
		}
	}
	return true
}

// BenchmarkSolve proposes grants for 20 rights of 1 to 4 built-in roles at up to 12 resources of
// three resource groups. The slowest of 200 problems is reported beside the mean.
func BenchmarkSolve(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	var problems []minimize.Problem
	for range 200 {
		problems = append(problems, random(b, r, 1+r.IntN(20), 1+r.IntN(4)))
	}
	nodes, unproven := 0, 0
	for i := 0; b.Loop(); i++ {
		p, err := problems[i%len(problems)].Solve()
		if err != nil {
			b.Fatal(err)
		}
		nodes = max(nodes, p.Nodes)
		if !p.Proven {
			unproven++
		}
	}
	b.ReportMetric(float64(nodes), "nodes-max")
	b.ReportMetric(float64(unproven), "unproven")
}

func BenchmarkNewRoles(b *testing.B) {
	for b.Loop() {
		minimize.NewRoles(cat, builtin())
	}
}
