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

var builtinRoles = minimize.NewRoles(cat, builtin(), nil)

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
	roles := minimize.NewRoles(cat, few, nil)
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
		func() error { _, _, err := p.Front(); return err },
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
	best, others, err := p.Front()
	if err != nil {
		t.Fatal(err)
	}
	if len(others) == 0 || len(others[0].Grants) != 1 || len(best.Grants) != 6 {
		t.Fatalf("got %d proposals beside the best, which has %d grants", len(others), len(best.Grants))
	}
	front := append(others, best)
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
	p.MaxWork = 1
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
	p := minimize.Problem{Needs: []minimize.Need{secret}, Roles: minimize.NewRoles(cat, bad, nil)}
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
			alone = minimize.NewRoles(cat, []*mivet.RoleDefinition{def}, nil)
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
	p := minimize.Problem{Roles: builtinRoles, Count: small}
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
