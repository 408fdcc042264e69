// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// extras lists a difference as "who at scope: operations (by)", one line per extra, with
// the last names alone.
func extras(list []Extra) []string {
	var out []string
	for _, x := range list {
		var ops []string
		for _, o := range x.Operations {
			_, name, _ := strings.Cut(o.String(), "/")
			ops = append(ops, name)
		}
		who := string(x.A)
		if x.A != x.B {
			who += "|" + string(x.B)
		}
		var text strings.Builder
		text.WriteString(fmt.Sprintf("%s at %s: %s (%s)", who, x.Scope.Name(), strings.Join(ops, " "), strings.Join(x.By, ", ")))
		if x.Why != "" {
			text.WriteString(" " + x.Why)
		}
		for _, id := range x.Except {
			text.WriteString(" except at " + id.Name())
		}
		out = append(out, text.String())
	}
	return out
}

func testDifference(t *testing.T, got Difference, same abac.Truth, a, b, open []string) {
	t.Helper()
	if got.Same() != same {
		t.Errorf("same is %s, want %s", got.Same(), same)
	}
	for _, x := range []struct {
		name      string
		got, want []string
	}{{"only A", extras(got.OnlyA), a}, {"only B", extras(got.OnlyB), b}, {"undecided", extras(got.Undecided), open}} {
		if !slices.Equal(x.got, x.want) {
			t.Errorf("%s: got %q,\nwant %q", x.name, x.got, x.want)
		}
	}
}

// The move of a vault from access policies to roles.
func TestEquivalentForTheMoveToRoles(t *testing.T) {
	cat := theCatalog(t)
	f := func(p mivet.AccessPolicy, roles []string, same abac.Truth, a, b, open []string) {
		t.Helper()
		s := around(vault, map[string]string{modelSetting: "false"}, roles...)
		p.Vault, p.Principal = id(vault), "mill"
		s.AccessPolicies = []mivet.AccessPolicy{p}
		e := New(s, Options{Catalog: cat})
		testDifference(t, Equivalent(Side{Engine: e, Counted: CountPolicies}, Side{Engine: e, Counted: CountRoles}, Extent{Scope: id(vault)}), same, a, b, open)
	}
	list := func(s ...string) []string { return s }
	f(mivet.AccessPolicy{Secrets: list("get", "list")}, list("Key Vault Secrets User"), abac.True, nil, nil, nil)
	f(mivet.AccessPolicy{Secrets: list("get")}, nil, abac.False, list("mill at kv: vaults/secrets/getSecret/action (access policy)"), nil, nil)
	f(mivet.AccessPolicy{Secrets: list("get", "set")}, list("Key Vault Secrets User"), abac.False,
		list("mill at kv: vaults/secrets/setSecret/action vaults/secrets/update/action (access policy)"),
		list("mill at kv: vaults/secrets/readMetadata/action (Key Vault Secrets User)"), nil)
	// The mapping of rbac-migration.md: wrap, unwrap, get and list become Crypto Service
	// Encryption User.
	f(mivet.AccessPolicy{Keys: list("get", "list", "wrapKey", "unwrapKey")}, list("Key Vault Crypto Service Encryption User"), abac.True, nil, nil, nil)
	f(mivet.AccessPolicy{Keys: list("list")}, list("Key Vault Reader"), abac.False, nil,
		list("mill at kv: vaults/certificates/contacts/read vaults/certificates/issuers/read vaults/certificates/read vaults/secrets/readMetadata/action (Key Vault Reader)"),

		list("mill at kv: vaults/keys/read (access policy, Key Vault Reader) a condition"))
	// Control operations are not compared: access policies say nothing of them.
	f(mivet.AccessPolicy{}, list("Contributor"), abac.True, nil, nil, nil)
}

func TestEquivalentOfTwoTenants(t *testing.T) {
	one := New(small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "own", rg), grantOf("baker", "own", rg), grantOf("old", "own", account)}
		s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "own", Name: "Own", Permissions: []mivet.Permission{{
			Actions: []string{"A.B/c/read", "A.B/c/write"}, NotActions: []string{"A.B/c/write"}, DataActions: []string{"A.B/c/read"},
		}}})
	}), Options{})
	two := New(small(func(s *mivet.Snapshot) {
		s.Memberships = []mivet.Membership{{Group: "team", Member: "mill"}, {Group: "team", Member: "new"}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("team", "own", sub), grantOf("baker", "own", account)}
		s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "own", Permissions: []mivet.Permission{{Actions: []string{"A.B/c/read"}}}})
	}), Options{})
	f := func(a, b Side, within Extent, same abac.Truth, onlyA, onlyB []string) {
		t.Helper()
		testDifference(t, Equivalent(a, b, within), same, onlyA, onlyB, nil)
	}
	data := "00000000-0000-0000-0000-000000000001"
	f(Side{Engine: one}, Side{Engine: two}, Extent{Plane: mivet.PlaneControl}, abac.False,
		[]string{"baker at rg: c/read (Own) except at st", "old| at st: c/read (Own)"},
		[]string{"mill at " + data + ": c/read (own) except at rg", "|new at " + data + ": c/read (own)"})
	f(Side{Engine: one, Principals: []mivet.PrincipalID{"mill"}}, Side{Engine: two, Principals: []mivet.PrincipalID{"mill"}}, Extent{Scope: id(rg)}, abac.False,
		[]string{"mill at rg: c/read (Own)"}, nil) // data
	f(Side{Engine: one, Principals: []mivet.PrincipalID{"mill"}}, Side{Engine: two, Principals: []mivet.PrincipalID{"mill"}}, Extent{Scope: id(rg), Plane: mivet.PlaneControl}, abac.True, nil, nil)
	// One identity takes the place of another.
	f(Side{Engine: one, Principals: []mivet.PrincipalID{"mill"}}, Side{Engine: one, Principals: []mivet.PrincipalID{"baker"}}, Extent{}, abac.True, nil, nil)
	f(Side{Engine: one, Principals: []mivet.PrincipalID{"mill", "old"}}, Side{Engine: one, Principals: []mivet.PrincipalID{"old"}}, Extent{Plane: mivet.PlaneControl}, abac.False,
		[]string{"mill|old at rg: c/read (Own) except at st", "old| at st: c/read (Own)"}, nil)
	f(Side{Engine: one, Principals: []mivet.PrincipalID{"old"}}, Side{Engine: one, Principals: []mivet.PrincipalID{"mill", "old"}}, Extent{Scope: id(account), Plane: mivet.PlaneControl}, abac.False,
		nil, []string{"|old at st: c/read (Own)"})
	if got := Equivalent(Side{Engine: one}, Side{Engine: two}, Extent{}); got.Compared == 0 {
		t.Error("nothing was compared")
	}
}

func TestEquivalentUnderOtherFacts(t *testing.T) {
	f := func(a, b func(*mivet.Snapshot), same abac.Truth, onlyA, onlyB, open []string) {
		t.Helper()
		base := func(change func(*mivet.Snapshot)) *Engine {
			return New(small(func(s *mivet.Snapshot) {
				s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "r", Permissions: []mivet.Permission{{Actions: []string{"A.B/c/read"}}}})
				s.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "r", rg)}
				change(s)
			}), Options{})
		}
		testDifference(t, Equivalent(Side{Engine: base(a)}, Side{Engine: base(b)}, Extent{Plane: mivet.PlaneControl}), same, onlyA, onlyB, open)
	}
	nothing := func(*mivet.Snapshot) {}
	conditioned := func(text string) func(*mivet.Snapshot) {
		return func(s *mivet.Snapshot) { s.RoleAssignments[0].Condition = text }
	}
	const one, other = "@Request[a:b] StringEquals 'x'", "@Request[a:b] StringEquals 'y'"
	f(nothing, conditioned(one), abac.Unknown, nil, nil, []string{"mill at rg: c/read (r) a condition"})
	f(conditioned(one), conditioned(one), abac.True, nil, nil, nil)
	f(conditioned(one), conditioned(other), abac.Unknown, nil, nil, []string{"mill at rg: c/read (r) a condition"})
	denied := func(s *mivet.Snapshot) { s.DenyAssignments = append(s.DenyAssignments, denyOf(account, "mill")) }
	f(nothing, denied, abac.False, []string{"mill at st: c/read (r)"}, nil, nil)
	eligible := func(s *mivet.Snapshot) { s.RoleAssignments[0].Eligible = true }
	gone := func(s *mivet.Snapshot) { s.RoleAssignments = nil }
	f(eligible, gone, abac.Unknown, nil, nil, []string{"mill| at rg: c/read (r) eligible, not activated"})
	f(eligible, eligible, abac.True, nil, nil, nil)
	f(nothing, eligible, abac.Unknown, nil, nil, []string{"mill at rg: c/read (r) eligible, not activated"})
	gap := func(s *mivet.Snapshot) {
		s.Gaps = []mivet.Gap{{Facts: mivet.FactRoleAssignments, Scope: id(sub2), Reason: "lost"}}
	}
	f(gap, gap, abac.True, nil, nil, nil)
	f(gap, nothing, abac.Unknown, nil, nil, []string{"mill at 00000000-0000-0000-0000-000000000002: c/read () facts that were not read"})
	unknown := func(s *mivet.Snapshot) { s.RoleAssignments[0].Role, s.RoleAssignments[0].RoleName = "", "Lost" }
	f(unknown, unknown, abac.True, nil, nil, nil)
	ends := func(s *mivet.Snapshot) { s.RoleAssignments[0].End = s.TakenAt.Add(-time.Hour) }
	f(nothing, ends, abac.False, []string{"mill at rg: c/read (r)"}, nil, nil)
}

// A difference says where below it does not hold.
func TestEquivalentExcept(t *testing.T) {
	with := func(grants ...mivet.RoleAssignment) *Engine {
		return New(small(func(s *mivet.Snapshot) {
			s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "r", Permissions: []mivet.Permission{{Actions: []string{"A.B/c/read", "A.B/c/write"}}}},
				mivet.RoleDefinition{ID: "w", Permissions: []mivet.Permission{{Actions: []string{"A.B/c/write"}}}})
			s.RoleAssignments = grants
			s.DenyAssignments = []mivet.DenyAssignment{denyOf(account, "mill")}
		}), Options{})
	}
	f := func(a, b *Engine, same abac.Truth, onlyA, onlyB []string) {
		t.Helper()
		testDifference(t, Equivalent(Side{Engine: a}, Side{Engine: b}, Extent{Plane: mivet.PlaneControl}), same, onlyA, onlyB, nil)
	}
	// Nobody may do it at the account, and a right there too takes one operation out.
	f(with(grantOf("mill", "r", sub)), with(grantOf("mill", "w", rg)), abac.False,
		[]string{
			"mill at 00000000-0000-0000-0000-000000000001: c/read (r) except at st",
			"mill at 00000000-0000-0000-0000-000000000001: c/write (r) except at rg",
		}, nil)
	f(with(grantOf("mill", "w", rg)), with(grantOf("mill", "r", sub)), abac.False,
		nil, []string{
			"mill at 00000000-0000-0000-0000-000000000001: c/read (r) except at st",
			"mill at 00000000-0000-0000-0000-000000000001: c/write (r) except at rg",
		})
}

// In force, models of vaults, settings and access lists count.
func TestEquivalentInForce(t *testing.T) {
	cat := theCatalog(t)
	tenant := func(model string, words ...string) *Engine {
		s := around(vault, map[string]string{modelSetting: model}, "Key Vault Secrets User")
		s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "mill", Secrets: words}}
		return New(s, Options{Catalog: cat})
	}
	f := func(a, b *Engine, within Extent, same abac.Truth, onlyA, onlyB, open []string) {
		t.Helper()
		within.Plane = mivet.PlaneData
		testDifference(t, Equivalent(Side{Engine: a}, Side{Engine: b}, within), same, onlyA, onlyB, open)
	}
	f(tenant("true"), tenant("false", "get", "list"), Extent{}, abac.True, nil, nil, nil)
	f(tenant("true"), tenant("false", "get"), Extent{}, abac.False, []string{"mill at kv: vaults/secrets/readMetadata/action (Key Vault Secrets User)"}, nil, nil)
	lost := func() *Engine {
		s := around(vault, map[string]string{modelSetting: "false"})
		s.Gaps = []mivet.Gap{{Facts: mivet.FactAccessPolicies, Reason: "lost"}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "data", rg)}
		return New(s, Options{Catalog: cat})
	}
	f(lost(), lost(), Extent{Scope: id(vault)}, abac.True, nil, nil, nil)
	f(tenant("false", "get"), tenant("false", "get", "purge"), Extent{}, abac.False, nil, []string{"mill at kv: vaults/secrets/purge/action (access policy)"}, nil)
	lake := func(entries ...string) *Engine { return New(lakeWith(t, "true", entries...), Options{}) }
	e := lake(throughRoot, "/a user:mill=r--")
	got := Equivalent(Side{Engine: e, Principals: []mivet.PrincipalID{"mill"}}, Side{Engine: lake(), Principals: []mivet.PrincipalID{"mill"}}, Extent{})
	if got.Compared != 0 {
		t.Errorf("no operation is known, and %d were compared", got.Compared)
	}
	withCatalog := New(lakeWith(t, "true", throughRoot, "/a user:mill=r--"), Options{Catalog: cat})
	empty := New(lakeWith(t, "true"), Options{Catalog: cat})
	got = Equivalent(Side{Engine: withCatalog, Principals: []mivet.PrincipalID{"mill"}}, Side{Engine: empty, Principals: []mivet.PrincipalID{"mill"}}, Extent{Plane: mivet.PlaneData})
	if got.Same() != abac.Unknown || len(got.Undecided) != 1 || !slices.ContainsFunc(got.Undecided[0].Operations, func(o arm.Operation) bool { return o.Equal(op(readBlob)) }) {
		t.Errorf("%+v", got)
	}
}

func TestLabels(t *testing.T) {
	s := delegated(mivet.DelegatedGrant{Principal: "crew", Role: contributor})
	s.LocalGrants = []mivet.LocalAssignment{{Role: "Data Reader"}}
	s.PathACLs = []mivet.PathACL{{Path: "/a"}}
	s.RoleAssignments = []mivet.RoleAssignment{{Role: "reader"}, {RoleName: "Told"}, {Role: "4633458b-17de-408a-b874-0445c86b69e6"}}
	e := New(s, Options{Catalog: theCatalog(t)})
	for want, d := range map[string]Decision{
		"":                       {Fact: -1},
		"reader":                 {Cause: CauseGrant},
		"Told":                   {Fact: 1},
		"Key Vault Secrets User": {Fact: 2},
		"access policy":          {Local: LocalPolicy},
		"Data Reader":            {Local: LocalGrant},
		"access list of /a":      {Local: LocalPathACL},
		"Contributor":            {Local: LocalDelegation},
	} {
		if got := e.labelOf(d); got != want {
			t.Errorf("%+v is %q, want %q", d, got, want)
		}
	}
	if got := e.labelOf(Decision{Cause: CauseDeny}); got != "" {
		t.Error(got)
	}
}

// Whatever the tenant, it is equivalent to itself, and what it has more than another is
// what Check says.
func TestEquivalentAgreesWithCheck(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := &gen{t: rt}
		a, b := New(g.tenant(), Options{}), New(g.tenant(), Options{})
		if d := Equivalent(Side{Engine: a}, Side{Engine: a}, Extent{}); d.Same() != abac.True {
			rt.Fatalf("a tenant differs from itself: %+v", d)
		}
		d := Equivalent(Side{Engine: a}, Side{Engine: b}, Extent{})
		for k, list := range [][]Extra{d.OnlyA, d.OnlyB} {
			for _, x := range list {
				for _, o := range x.Operations {
					r := Request{Operation: o, Plane: x.Plane, Resource: x.Scope}
					r.Principal = x.A
					da := a.Check(r)
					r.Principal = x.B
					db := b.Check(r)
					want := [2]Effect{Allowed, Denied}
					if k == 1 {
						want = [2]Effect{Denied, Allowed}
					}
					if got := [2]Effect{da.Effect, db.Effect}; got != want {
						rt.Fatalf("%s %s at %s: checks say %v, want %v", x.A, o, x.Scope, got, want)
					}
					for _, r.Resource = range x.Except {
						r.Principal = x.A
						da := a.Check(r)
						r.Principal = x.B
						db := b.Check(r)
						eligible := da.Cause == CauseEligible || db.Cause == CauseEligible // not decided
						if got := [2]Effect{da.Effect, db.Effect}; got == want && !eligible {
							rt.Fatalf("%s %s at %s is excepted, and checks say %v", x.A, o, r.Resource, got)
						}
					}
				}
			}
		}
	})
}

func ExampleEquivalent() {
	cat, err := catalog.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	kv, _ := arm.ParseID("/subscriptions/s/resourceGroups/r/providers/Microsoft.KeyVault/vaults/kv")
	engine := New(&mivet.Snapshot{
		Resources:       []mivet.Resource{{ID: kv}},
		AccessPolicies:  []mivet.AccessPolicy{{Vault: kv, Principal: "mill", Secrets: []string{"get", "set"}}},
		RoleAssignments: []mivet.RoleAssignment{{Principal: "mill", RoleName: "Key Vault Secrets User", Scope: kv}},
	}, Options{Catalog: cat})
	d := Equivalent(Side{Engine: engine, Counted: CountPolicies}, Side{Engine: engine, Counted: CountRoles}, Extent{Scope: kv})
	fmt.Println("the same:", d.Same())
	for _, x := range d.OnlyA {
		fmt.Println("lost:", x.Operations)
	}
	for _, x := range d.OnlyB {
		fmt.Println("gained:", x.Operations, "by", x.By[0])
	}
	// Output:
	// the same: false
	// lost: [Microsoft.KeyVault/vaults/secrets/setSecret/action Microsoft.KeyVault/vaults/secrets/update/action]
	// gained: [Microsoft.KeyVault/vaults/secrets/readMetadata/action] by Key Vault Secrets User
}

// BenchmarkEquivalent compares two broad roles over all operations at one scope.
func BenchmarkEquivalent(b *testing.B) {
	cat := theCatalog(b)
	a, c := New(around(account, nil, "Owner", "Reader"), Options{Catalog: cat}), New(around(account, nil, "Contributor"), Options{Catalog: cat})
	for b.Loop() {
		Equivalent(Side{Engine: a}, Side{Engine: c}, Extent{})
	}
}
