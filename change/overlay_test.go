// SPDX-License-Identifier: Apache-2.0

package change

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
)

// bakery is a tenant in which one identity is shared by a workload that a plan manages and
// one that it does not.
const bakery = `tenant bakery id=aaaaaaaa-0000-4000-8000-000000000000
subscription s
rg g in=s
rg other in=s
keyvault kv in=g .enableRbacAuthorization=true
keyvault far in=other .enableRbacAuthorization=true
identity u in=g principal=@p0 client=22222222-0000-4000-8000-000000000001
webapp api in=g user=u
webapp orders in=other user=u .siteConfig.appSettings.AZURE_CLIENT_ID=22222222-0000-4000-8000-000000000001
federated ci on=u issuer=https://ci.example subject=main
user ann id=@ann
assign ann Reader at other id=44444444-0000-4000-8000-000000000003
assign u "Key Vault Secrets User" at kv id=44444444-0000-4000-8000-000000000001
assign u "Key Vault Secrets User" at far id=44444444-0000-4000-8000-000000000002
can u Microsoft.KeyVault/vaults/secrets/getSecret/action kv data
can u Microsoft.KeyVault/vaults/secrets/getSecret/action far data
cannot u Microsoft.KeyVault/vaults/delete kv control
`

const (
	far    = "/subscriptions/s/resourceGroups/other/providers/Microsoft.KeyVault/vaults/far"
	orders = "/subscriptions/s/resourceGroups/other/providers/Microsoft.Web/sites/orders"
)

func parse(t *testing.T, text string) *mivet.Snapshot {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) (mivet.RoleID, bool) {
		r := c.RoleByName(name)
		if r == nil {
			return "", false
		}
		return r.ID, true
	}
	s, err := tenant.Parse("tenant.txt", strings.NewReader(text), tenant.Options{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// over lays the plan over a tenant.
func (w *world) over(text string) *World {
	w.t.Helper()
	return w.overSnapshot(parse(w.t, text))
}

func (w *world) overSnapshot(s *mivet.Snapshot) *World {
	w.t.Helper()
	c, err := catalog.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	return NewWorld(Over(&w.p, s, c), nil, c)
}

// names shortens IDs to the last name, for comparison.
func names(list []string) string {
	out := slices.Clone(list)
	for i, n := range out {
		out[i] = n[strings.LastIndexByte(n, '/')+1:]
	}
	return strings.Join(out, ",")
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// shared makes the identity anew, and the grant on the vault that follows it.
func shared(t *testing.T, actions string) *world {
	w := newWorld(t)
	w.do("uai", actions, ids+"u principal=p0 client=22222222-0000-4000-8000-000000000001", ids+"u principal=p1")
	w.do("app", "update", web+"api user="+ids+"u", web+"api user="+ids+"u")
	g := w.grant("ra", actions, read, kv, "p0", "p1")
	g.Source = from("ra")
	w.p.Before.RoleAssignments[0].ID = w.id(kv + "/providers/Microsoft.Authorization/roleAssignments/44444444-0000-4000-8000-000000000001")
	return w
}

// A shared identity that is made anew takes access from workloads that the plan does not
// manage, strands grants of others, and ends what is below it.
func TestOverSharedIdentity(t *testing.T) {
	x := shared(t, "delete create").over(bakery)
	same(t, "recycled", names(x.Recycled), "uai")
	same(t, "stranded", names(x.Stranded), "44444444-0000-4000-8000-000000000002")
	same(t, "lost", names(x.Lost), "orders,app")
	same(t, "gap", names(x.Gap), "orders,app")
	same(t, "swept", names(x.Swept), "ci")
	same(t, "rebound", names(x.Rebound), "ra")
	same(t, "broken", names(x.SelectorsBroken), "orders")
	same(t, "gained", names(x.Gained), "")
	var have []string
	for _, g := range x.Grants() {
		have = append(have, fmt.Sprintf("%s %v %s %s-%s-%s %d", names([]string{g.Address}), g.Managed, g.What, g.Before, g.During, g.After, len(g.Presenters)))
	}
	same(t, "grants", strings.Join(have, "; "),
		"ra true Key Vault Secrets User held-absent-held 3; 44444444-0000-4000-8000-000000000002 false Key Vault Secrets User held-orphaned-orphaned 3")
}

// The access tests of the tenant, at each moment.
func TestOverTests(t *testing.T) {
	f := func(w *world, want ...string) {
		t.Helper()
		var have []string
		for _, o := range w.over(bakery).Tests() {
			have = append(have, fmt.Sprintf("%s %s-%s-%s", o.Verdict, o.Before, o.During, o.After))
		}
		same(t, "tests", strings.Join(have, "; "), strings.Join(want, "; "))
	}
	f(shared(t, "delete create"), "failed allowed-denied-allowed", "failed allowed-denied-denied", "passed denied-denied-denied")
	f(shared(t, "create delete"), "passed allowed-allowed-allowed", "failed allowed-denied-denied", "passed denied-denied-denied")
	f(newWorld(t), "passed allowed-allowed-allowed", "passed allowed-allowed-allowed", "passed denied-denied-denied")
	w := newWorld(t)
	w.grant("temp", "create", "Contributor", "/subscriptions/s/resourceGroups/g", "", "p0")
	f(w, "passed allowed-allowed-allowed", "passed allowed-allowed-allowed", "failed denied-denied-allowed")
}

// What is not known does not pass.
func TestOverUndecided(t *testing.T) {
	x := newWorld(t).over(bakery + "gap \"role assignments\" at far reason=\"not read\"\n" +
		"cannot u Microsoft.KeyVault/vaults/delete far control\n")
	o := x.Tests()[3]
	if o.Verdict != Undecided || o.After != authz.Unknown || len(o.Missing) == 0 {
		t.Errorf("got %+v", o)
	}
}

// A resource that is made anew loses the grants on it that others made.
func TestOverSwept(t *testing.T) {
	w := newWorld(t)
	w.do("kv", "delete create", kv, kv)
	x := w.over(bakery)
	same(t, "swept", names(x.Swept), "44444444-0000-4000-8000-000000000001")
	same(t, "lost", names(x.Lost), "api,orders")
	w = newWorld(t)
	w.do("kv", "forget", kv, kv)
	same(t, "swept by a forgotten vault", names(w.over(bakery).Swept), "")
	w = newWorld(t)
	w.do("group", "delete", "/subscriptions/s/resourceGroups/other", "")
	same(t, "swept with a group", names(w.over(bakery).Swept), "44444444-0000-4000-8000-000000000003,44444444-0000-4000-8000-000000000002")
}

// A grant that the plan manages and leaves as it is is not one of others, although what was
// read of it holds no ID, and names its role otherwise than the tenant does.
func TestOverUnnamedGrant(t *testing.T) {
	text := bakery + "role own name=\"Shop reader\" dataActions=Microsoft.KeyVault/vaults/secrets/getSecret/action\nassign u own at other id=44444444-0000-4000-8000-000000000004\n"
	custom := parse(t, text).RoleDefinitions[0].ID
	f := func(name string, role mivet.RoleID, scope string) {
		t.Helper()
		w := newWorld(t)
		w.grant("ra", "no-op", name, scope, "p0", "p0")
		w.p.Before.RoleAssignments[0].Role, w.p.After.RoleAssignments[0].Role = role, role
		x := w.over(text)
		same(t, name+" swept", names(x.Swept), "")
		same(t, name+" lost", names(x.Lost), "")
		before, _ := x.Before()
		after, _ := x.After()
		for _, side := range []*mivet.Snapshot{before, after} {
			n := 0
			for i := range side.RoleAssignments {
				if a := &side.RoleAssignments[i]; a.Principal == "p0" && a.Scope.Equal(w.id(scope)) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: %d assignments of one", name, n)
			}
		}
	}
	f(read, "", kv)
	f(strings.ToUpper(read), "", kv)
	f("Shop reader", "", "/subscriptions/s/resourceGroups/other")
	f("Shop reader", custom, "/subscriptions/s/resourceGroups/other")
}

// An access policy is told as one that gives nothing where its vault uses role assignments.
func TestOverIdlePolicy(t *testing.T) {
	f := func(model, actions, want string) {
		t.Helper()
		w := newWorld(t)
		s := w.do("pol", actions, "", "")
		s.Grant = &Grant{Before: Bound{Principal: "p0"}, After: Bound{Principal: "p0"}}
		p := mivet.AccessPolicy{Vault: w.id(kv), Principal: "p0", Secrets: []string{"get", "list"}, Source: from("pol")}
		if actions != "create" {
			w.p.Before.AccessPolicies = append(w.p.Before.AccessPolicies, p)
		}
		if actions != "delete" {
			w.p.After.AccessPolicies = append(w.p.After.AccessPolicies, p)
		}
		same(t, model+" "+actions, w.over(strings.Replace(bakery, "kv in=g .enableRbacAuthorization=true", "kv in=g"+model, 1)).Grants()[0].What, want)
	}
	const words, idle = "policy secrets/get, policy secrets/list", " (for nothing: the vault uses role assignments)"
	f(" .enableRbacAuthorization=true", "create", words+idle)
	f(" .enableRbacAuthorization=true", "delete", words+idle)
	f(" .enableRbacAuthorization=false", "create", words)
	f("", "create", words)
}

// A workload that goes from its own identity to another one is asked for by its name: by
// either identity.
func TestOverWorkload(t *testing.T) {
	text := bakery + "webapp own in=g system principal=@s0\nassign own \"Key Vault Secrets User\" at far\nidentity next in=g principal=@n0\n"
	op, err := arm.ParseOperation("Microsoft.KeyVault/vaults/secrets/getSecret/action")
	if err != nil {
		t.Fatal(err)
	}
	f := func(actions, grant, want string, who Subject) {
		t.Helper()
		w := newWorld(t)
		w.do("own", actions, web+"own system=s0", web+"own user="+ids+"next")
		if grant != "" {
			w.grant("new", grant, read, far, map[bool]string{true: "n0"}[grant == "no-op"], "n0")
		}
		x := w.over(text)
		o := x.Ask(who, op, mivet.PlaneData, w.id(far))
		same(t, actions+" "+grant, fmt.Sprintf("%s-%s-%s", o.Before, o.During, o.After), want)
	}
	own := Subject{Workload: newWorld(t).id(web + "own")}
	f("update", "no-op", "allowed-allowed-allowed", own)
	f("update", "create", "allowed-denied-allowed", own)
	f("update", "", "allowed-denied-denied", own)
	f("delete create", "no-op", "allowed-denied-allowed", own)
	f("update", "no-op", "allowed-allowed-allowed", Subject{Address: "own"})
	f("delete create", "no-op", "allowed-denied-allowed", Subject{Address: "own"})
	f("update", "no-op", "allowed-denied-denied", Subject{Identity: own.Workload})
	f("update", "no-op", "allowed-denied-denied", Subject{Principal: "s0"})
	f("update", "no-op", "allowed-allowed-allowed", Subject{Identity: newWorld(t).id(ids + "next")})
	f("update", "create", "denied-denied-allowed", Subject{Principal: "n0"})
	f("update", "create", "denied-denied-denied", Subject{Principal: mivet.SymbolicPrincipal("nobody")})
	f("update", "create", "denied-denied-denied", Subject{Address: "nothing"})
}

// A role assignment whose principal cannot be changed stays with the old one.
func TestOverImpossible(t *testing.T) {
	w := newWorld(t)
	w.do("uai", "delete create", ids+"u principal=p0", ids+"u principal=p1")
	w.grant("ra", "update", read, kv, "p0", "p1")
	x := w.over(bakery)
	same(t, "impossible", names(x.Impossible), "ra")
	after, _ := x.After()
	for _, a := range after.RoleAssignments {
		if a.Principal == "p1" {
			t.Error("the new principal got the role")
		}
	}
	if g := x.Grants()[0]; g.Before != Held || g.After != Orphaned || g.During != Absent {
		t.Errorf("got %+v", g)
	}
	w = newWorld(t)
	w.do("app", "update", web+"api user="+ids+"u", web+"api system=s1")
	w.grant("empty", "create", read, kv, "", "").Grant.After.Empty = true
	g := w.over(bakery).Grants()[0]
	same(t, "what is planned and refused", string(g.Before+" "+g.During+" "+g.After)+" "+g.What, "absent absent absent what it gives is not known")
}

// A grant whose principal the plan does not tell follows the owner of the old one.
func TestOverOpenPrincipal(t *testing.T) {
	w := newWorld(t)
	w.do("uai", "create delete", ids+"u principal=p0", ids+"u principal=p1")
	w.grant("ra", "create delete", read, kv, "p0", "?")
	x := w.over(bakery)
	after, _ := x.After()
	found := slices.ContainsFunc(after.RoleAssignments, func(a mivet.RoleAssignment) bool { return a.Principal == "p1" && a.Scope.Equal(w.id(kv)) })
	if !found {
		t.Error("the grant did not follow")
	}
	if before, _ := x.Before(); len(before.RoleAssignments) != 3 {
		t.Errorf("%d role assignments before", len(before.RoleAssignments))
	}
}

// Facts of a tenant that came from another file are not those of the plan, and its
// principals are the newer or the older ones.
func TestOverOtherFile(t *testing.T) {
	s := parse(t, bakery)
	for i := range s.Resources {
		s.Resources[i].Source = from("app")
	}
	for i := range s.RoleAssignments {
		s.RoleAssignments[i].Source = from("ra")
	}
	s.TakenAt = time.Unix(200, 0)
	w := newWorld(t)
	w.p.After.TakenAt = time.Unix(100, 0)
	w.p.After.Gaps = []mivet.Gap{
		{Facts: mivet.FactRoleAssignments, Reason: "a plan holds only what it manages", Inherent: true},
		{Facts: mivet.FactInput, Reason: "other providers", Inherent: true},
	}
	w.do("uai", "no-op", ids+"u principal=p9", ids+"u principal=p9")
	x := w.overSnapshot(s)
	same(t, "recycled", names(x.Recycled), "uai")
	same(t, "lost", names(x.Lost), "api,orders")
	after, _ := x.After()
	var gaps []string
	for _, g := range after.Gaps {
		gaps = append(gaps, g.Reason)
	}
	same(t, "gaps", strings.Join(gaps, "; "), "other providers; the tenant was read after the plan was made and holds another principal: make the plan again")
	for _, r := range after.Resources {
		if address(r.Source) == "app" {
			t.Error("a fact of the tenant has the address of another file")
		}
	}
}

// What is changed in place, beside roles.
func TestOverPolicies(t *testing.T) {
	text := "tenant t\nsubscription s\nrg g in=s\nkeyvault kv in=g .enableRbacAuthorization=false\nwebapp api in=g system principal=@s0\npolicy api on kv secrets=get\n" +
		"can api Microsoft.KeyVault/vaults/secrets/getSecret/action kv data\n"
	f := func(actions, want string) {
		t.Helper()
		w := newWorld(t)
		step := w.do("kv", actions, kv, kv)
		w.p.Before.AccessPolicies = []mivet.AccessPolicy{{Vault: w.id(kv), Principal: "s0", Secrets: []string{"get"}, Source: from("kv")}}
		if step.stays() {
			w.p.After.AccessPolicies = w.p.Before.AccessPolicies
		}
		o := w.over(text).Tests()[0]
		same(t, actions, fmt.Sprintf("%s-%s-%s", o.Before, o.During, o.After), want)
	}
	f("update", "allowed-allowed-allowed")
	f("delete create", "allowed-denied-unknown") // the plan does not tell the model of the new vault
	f("delete", "allowed-denied-denied")
}

// The order of steps that leaves no gap.
func TestProcedures(t *testing.T) {
	f := func(w *world, text, want string, parts ...string) {
		t.Helper()
		var titles []string
		var all strings.Builder
		for _, p := range w.over(text).Procedures() {
			titles = append(titles, p.Title)
			all.WriteString(strings.Join(p.Steps, "\n"))
		}
		same(t, "titles", strings.Join(titles, "; "), want)
		for _, part := range parts {
			if !strings.Contains(all.String(), part) {
				t.Errorf("%q is not in:\n%s", part, all.String())
			}
		}
	}
	own := bakery + "webapp own in=g system principal=@s0\nassign own Reader at far\n"
	w := newWorld(t)
	s := w.do("own", "update", web+"own system=s0", web+"own user="+ids+"u")
	s.Selectors = []Selector{{Attribute: "key_vault_reference_identity_id"}}
	f(w, own, "from the system-assigned to a user-assigned identity", "identity (u)", "Reader at "+far, "key_vault_reference_identity_id, AZURE_CLIENT_ID")
	w = newWorld(t)
	w.do("api", "update", web+"api user="+ids+"u", web+"api system=s1")
	f(w, bakery, "from a user-assigned to the system-assigned identity", "detach the user-assigned identity (u)", "Key Vault Secrets User at "+kv)
	w = newWorld(t)
	w.do("own", "delete create", web+"own system=s0", web+"own system=s1")
	f(w, own, "a resource that is made anew with a system-assigned identity", "outlives")
	w = newWorld(t)
	w.do("own", "delete create", web+"own system=s0", strings.Replace(web, "/g/", "/other/", 1)+"own system=s1")
	f(w, own, "a move to another resource group", "from g to other", "Reader at "+far)
	f(shared(t, "delete create"), bakery, "a user-assigned identity that is made anew", orders, "https://ci.example main")
	w = newWorld(t)
	w.do("u", "delete create", ids+"u principal=p0", strings.Replace(ids, "/g/", "/other/", 1)+"u principal=p1")
	f(w, bakery, "a user-assigned identity that is made anew", "cannot move")
	w = newWorld(t)
	w.p.After.TenantID = "bbbbbbbb-0000-4000-8000-000000000000"
	w.do("u", "no-op", ids+"u principal=p0", ids+"u principal=p0")
	f(w, bakery, "from tenant aaaaaaaa-0000-4000-8000-000000000000 to tenant bbbbbbbb-0000-4000-8000-000000000000: a gap cannot be avoided", "1 identities are")
	w = newWorld(t)
	w.do("lone", "delete create", web+"lone system=x0", web+"lone system=x1")
	f(w, bakery, "a resource that is made anew with a system-assigned identity", "no grant of the old one is known")
}
