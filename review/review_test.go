// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/review"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

var catalogOnce = sync.OnceValues(catalog.Open)

func openCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalogOnce()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t testing.TB, text string) *mivet.Snapshot {
	t.Helper()
	c := openCatalog(t)
	s, err := tenant.Parse("t.tenant", strings.NewReader(text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if d := c.RoleByName(name); d != nil {
			return d.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const shop = `tenant shop taken=2026-11-20T06:00:00Z
mg all
subscription main id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01 in=all
rg shop in=main
keyvault kv in=shop .enableRbacAuthorization=true
keyvault old in=shop .enableRbacAuthorization=false
cosmos orders-db in=shop
sqlserver sql in=shop
sqldb orders in=sql
postgres pg in=shop
mysql my in=shop
storage files in=shop
container in in=files
identity jobs in=shop principal=11111111-0000-4000-8000-000000000009 client=22222222-0000-4000-8000-000000000009 tag.purpose="the nightly run"
webapp worker in=shop user=jobs .siteConfig.appSettings.AZURE_CLIENT_ID=22222222-0000-4000-8000-000000000009
webapp web in=shop system principal=11111111-0000-4000-8000-000000000008
group readers id=11111111-0000-4000-8000-000000000002 members=jobs
group all-readers id=11111111-0000-4000-8000-000000000005 members=readers
user ann id=11111111-0000-4000-8000-000000000003
assign jobs "Key Vault Administrator" kv description="CHG-17" created=2025-11-20 by=ann
assign jobs "Storage Blob Data Contributor" files condition="@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'in'" until=2027-01-31
assign jobs Reader at shop eligible
assign readers Reader at main
assign all-readers Reader at all
policy jobs on old secrets=get,list
local cosmos jobs 00000000-0000-0000-0000-000000000002 on orders-db
local sqladmin jobs administrator on sql
acl in /x/ user jobs r-x
approle jobs User.Read.All id=df021288-bdef-4463-88db-98f22de89214 api="Microsoft Graph" api-principal=11111111-0000-4000-8000-000000000004
directoryrole jobs Reports id=4a5d8f65-41da-4de4-8968-e035b65339cf
federated github on jobs issuer=https://token.actions.githubusercontent.com subject=repo:shop/jobs:ref:refs/heads/main
deny "no deletes" at shop principals=jobs {
	actions */delete
}
can jobs Microsoft.KeyVault/vaults/secrets/getSecret/action kv data
gap "path access lists" reason="path access lists are not read"
`

// options are those of a pack of everything.
func options(t testing.TB, s *mivet.Snapshot) *review.Options {
	t.Helper()
	c := openCatalog(t)
	table, err := execpath.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	results, err := vet.Run(s, rules.All(), vet.Options{Catalog: c, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	e := authz.New(s, authz.Options{Catalog: c, At: s.TakenAt})
	return &review.Options{
		Snapshot: s, Catalog: c, Engine: e, Paths: execpath.New(s, e, execpath.Options{Catalog: c, Table: table, At: s.TakenAt}), Results: results,
		Owner: vet.Owners(s, vet.Settings{}), At: s.TakenAt, Now: now, Version: "test", Inputs: []review.Input{{Name: "t.tenant", SHA256: "00"}},
	}
}

func find(t *testing.T, p *review.Pack, name string) *review.Identity {
	t.Helper()
	i := slices.IndexFunc(p.Identities, func(x review.Identity) bool { return x.Name == name })
	if i < 0 {
		t.Fatalf("there is no identity %s", name)
	}
	return &p.Identities[i]
}

// Each thing that an identity holds is a row, with what is known of it; what comes through a
// group is shown and decided on at the membership.
func TestBuild(t *testing.T) {
	s := parse(t, shop)
	p := review.Build(options(t, s))
	if p.Total != 2 || len(p.Identities) != 2 || p.Facts != review.Digest(s) || len(p.NotRead) != 1 {
		t.Errorf("total %d, %d identities, facts %s, not read %v", p.Total, len(p.Identities), p.Facts, p.NotRead)
	}
	x := find(t, p, "jobs")
	kinds := map[review.Kind]int{}
	rows := map[string]bool{}
	for _, g := range x.Grants {
		kinds[g.Kind]++
		if (g.Row == "") == (len(g.Via) == 0) {
			t.Errorf("%s %s: row %q, through %v", g.Kind, g.What, g.Row, g.Via)
		}
		if g.Row != "" && rows[g.Row] {
			t.Errorf("the row %s is there twice", g.Row)
		}
		rows[g.Row] = true
	}
	want := map[review.Kind]int{
		review.KindRole: 4, review.KindEligible: 1, review.KindPolicy: 1, review.KindLocal: 2, review.KindPathACL: 1, review.KindMember: 1, review.KindAppRole: 1,
		review.KindDirectory: 1, review.KindFederation: 1,
	}
	if d := cmp.Diff(want, kinds); d != "" {
		t.Errorf("grants by kind (-want +got):\n%s", d)
	}
	if x.Owner != "" || x.Purpose[0] != "the nightly run (tag purpose)" || len(x.Presented) != 2 || x.Why != "" || !strings.HasPrefix(x.Advice, "SystemAssigned") {
		t.Errorf("owner %q, purpose %v, presented %v, why %q, advice %q", x.Owner, x.Purpose, x.Presented, x.Why, x.Advice)
	}
	i := slices.IndexFunc(x.Grants, func(g review.Grant) bool { return g.What == "Key Vault Administrator" })
	if g := &x.Grants[i]; g.Justification != "CHG-17" || g.CreatedBy != "ann" || g.AgeDays == nil || *g.AgeDays != 365 || g.Use.Word != review.UseUnasked || g.Holds != "yes" {
		t.Errorf("grant %+v", g)
	}
	if len(p.Riskiest) != 2 || p.Riskiest[0] != x.Row || p.Identity(x.Row).Name != "jobs" || p.Identity("r0") != nil {
		t.Errorf("riskiest %v", p.Riskiest)
	}
	// A decision for each row, and none for what comes through groups.
	if n := len(p.Decisions); n != 2+len(rows)-1+len(x.Findings)+len(find(t, p, "web").Grants)+len(find(t, p, "web").Findings) {
		t.Errorf("%d decisions", n)
	}
}

// The same facts have the same digest and the same rows, in whatever order they come.
func TestDigest(t *testing.T) {
	s := parse(t, shop)
	lines := strings.SplitAfter(shop, "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "assign readers") })
	lines[i], lines[i+1] = lines[i+1], lines[i]
	other := parse(t, strings.Join(lines, ""))
	if review.Digest(s) != review.Digest(other) {
		t.Error("the order of facts changes the digest")
	}
	a, b := review.Build(options(t, s)), review.Build(options(t, other))
	if d := cmp.Diff(a.Decisions, b.Decisions, cmp.AllowUnexported(review.Decision{})); d != "" {
		t.Errorf("rows:\n%s", d)
	}
	for _, change := range [][2]string{
		{"CHG-17", "CHG-18"},
		{"secrets=get,list", "secrets=get"},
		{"taken=2026-11-20", "taken=2026-11-21"},
		{"until=2027-01-31", "until=2027-02-28"},
		{"acl in /x/ user jobs r-x", "acl in /x/ user jobs rwx"},
		{"approle jobs User.Read.All", "approle jobs User.Read"},
		{"not read\"", "not read yet\""},
		{"members=jobs", "members=ann"},
		{"subject=repo:shop/jobs", "subject=repo:shop/job"},
		{"*/delete", "*/write"},
		{"directoryrole jobs Reports", "directoryrole jobs Other"},
	} {
		if changed := strings.Replace(shop, change[0], change[1], 1); review.Digest(parse(t, changed)) == review.Digest(s) {
			t.Errorf("%s to %s does not change the digest", change[0], change[1])
		}
	}
}

func decide(rows ...map[string]string) []byte {
	out := []map[string]string{}
	for _, r := range rows {
		d := map[string]string{"decision": "remove", "reviewer": "Ann Meyer", "date": "2026-11-30", "reason": "not needed"}
		for k, v := range r {
			if v == "" {
				delete(d, k)
				continue
			}
			d[k] = v
		}
		out = append(out, d)
	}
	text, _ := json.Marshal(map[string]any{"facts": "FACTS", "decisions": out}) //nolint:errchkjson // texts alone
	return text
}

func apply(t *testing.T, s *mivet.Snapshot, data []byte, results *vet.Results) (*review.Plan, error) {
	t.Helper()
	sheet, err := review.ReadSheet("d.json", bytes.ReplaceAll(data, []byte("FACTS"), []byte(review.Digest(s))))
	if err != nil {
		return nil, err
	}
	return review.Apply(sheet, &review.ApplyOptions{
		Snapshot: s, Catalog: openCatalog(t), Results: results, Now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), MaxDays: 180,
	})
}

// holdings are the facts of grants, as texts, so that sets can be compared.
func holdings(s *mivet.Snapshot) map[string]int {
	out := map[string]int{}
	add := func(kind string, v any) {
		text, _ := json.Marshal(v) //nolint:errchkjson // facts are texts
		out[kind+" "+string(text)]++
	}
	for i := range s.RoleAssignments {
		add("assignment", &s.RoleAssignments[i])
	}
	for i := range s.AccessPolicies {
		add("policy", &s.AccessPolicies[i])
	}
	for i := range s.LocalGrants {
		add("local", &s.LocalGrants[i])
	}
	for i := range s.PathACLs {
		add("acl", &s.PathACLs[i])
	}
	for i := range s.Memberships {
		add("member", &s.Memberships[i])
	}
	for i := range s.AppRoles {
		add("app role", &s.AppRoles[i])
	}
	for i := range s.DirectoryRoles {
		add("directory role", &s.DirectoryRoles[i])
	}
	for i := range s.FederatedCredentials {
		add("federation", &s.FederatedCredentials[i])
	}
	return out
}

// without leaves out the facts of some rows, each looked at by itself.
func without(s *mivet.Snapshot, picked func(row string) bool) *mivet.Snapshot {
	out := *s
	gone := func(holder mivet.PrincipalID, put func(one *mivet.Snapshot)) bool {
		one := &mivet.Snapshot{Identities: s.Identities}
		put(one)
		return slices.ContainsFunc(review.NewInventory(one).Rows(holder), func(r *review.Row) bool { return r.Kind != review.KindIdentity && picked(r.ID) })
	}
	out.RoleAssignments = slices.DeleteFunc(slices.Clone(s.RoleAssignments), func(f mivet.RoleAssignment) bool {
		return gone(f.Principal, func(one *mivet.Snapshot) { one.RoleAssignments = []mivet.RoleAssignment{f} })
	})
	out.AccessPolicies = slices.DeleteFunc(slices.Clone(s.AccessPolicies), func(f mivet.AccessPolicy) bool {
		return gone(f.Principal, func(one *mivet.Snapshot) { one.AccessPolicies = []mivet.AccessPolicy{f} })
	})
	out.LocalGrants = slices.DeleteFunc(slices.Clone(s.LocalGrants), func(f mivet.LocalAssignment) bool {
		return gone(f.Principal, func(one *mivet.Snapshot) { one.LocalGrants = []mivet.LocalAssignment{f} })
	})
	out.PathACLs = slices.DeleteFunc(slices.Clone(s.PathACLs), func(f mivet.PathACL) bool {
		return gone(f.Principal, func(one *mivet.Snapshot) { one.PathACLs = []mivet.PathACL{f} })
	})
	out.Memberships = slices.DeleteFunc(slices.Clone(s.Memberships), func(f mivet.Membership) bool {
		return gone(f.Member, func(one *mivet.Snapshot) { one.Memberships = []mivet.Membership{f} })
	})
	out.AppRoles = slices.DeleteFunc(slices.Clone(s.AppRoles), func(f mivet.AppRoleAssignment) bool {
		return gone(f.Principal, func(one *mivet.Snapshot) { one.AppRoles = []mivet.AppRoleAssignment{f} })
	})
	out.DirectoryRoles = slices.DeleteFunc(slices.Clone(s.DirectoryRoles), func(f mivet.DirectoryRoleAssignment) bool {
		return gone(f.Principal, func(one *mivet.Snapshot) { one.DirectoryRoles = []mivet.DirectoryRoleAssignment{f} })
	})
	out.FederatedCredentials = slices.DeleteFunc(slices.Clone(s.FederatedCredentials), func(f mivet.FederatedCredential) bool {
		i := slices.IndexFunc(s.Identities, func(x mivet.Identity) bool { return x.Resource.Equal(f.Identity) })
		return i >= 0 && gone(s.Identities[i].Principal, func(one *mivet.Snapshot) { one.FederatedCredentials = []mivet.FederatedCredential{f} })
	})
	return &out
}

// Whatever rows of grants are removed: made on the facts, the change takes exactly those, and
// the way back gives exactly those back.
func TestRemovalsAreExact(t *testing.T) {
	size := tenant.SizeOf(400)
	size.Seed = 7
	generated, err := tenant.Generate(size)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*mivet.Snapshot{parse(t, shop), generated} {
		inv := review.NewInventory(s)
		var rows []*review.Row
		for i := range s.Identities {
			for _, r := range inv.Rows(s.Identities[i].Principal) {
				if r.Kind != review.KindIdentity {
					rows = append(rows, r)
				}
			}
		}
		if len(rows) < 8 {
			t.Fatalf("%d rows", len(rows))
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 40 {
			picked := map[string]*review.Row{}
			var list []map[string]string
			for range 1 + random.IntN(8) {
				r := rows[random.IntN(len(rows))]
				if picked[r.ID] == nil {
					picked[r.ID] = r
					list = append(list, map[string]string{"row": r.ID})
				}
			}
			plan, err := apply(t, s, decide(list...), nil)
			if err != nil {
				t.Fatal(err)
			}
			after, err := vet.Apply(s, plan.Edits())
			if err != nil {
				t.Fatal(err)
			}
			want := holdings(without(s, func(id string) bool { return picked[id] != nil }))
			if d := cmp.Diff(want, holdings(after)); d != "" {
				t.Fatalf("removing %v (-want +got):\n%s", list, d)
			}
			if len(holdings(s))-len(want) < len(picked) {
				t.Fatalf("%d facts for %d rows", len(holdings(s))-len(want), len(picked))
			}
			back, lost := vet.Inverse(plan.Edits())
			again, err := vet.Apply(after, back)
			if err != nil || len(lost) > 0 {
				t.Fatal(err, lost)
			}
			inv := review.NewInventory(again) // a made-up tenant has some assignments twice, which Azure refuses
			for _, r := range rows {
				if inv.Row(r.ID) == nil {
					t.Fatalf("the way back does not give back %s", r.ID)
				}
			}
		}
	}
}

func rowOf(t *testing.T, p *review.Pack, what string) string {
	t.Helper()
	for _, x := range p.Identities {
		for _, g := range x.Grants {
			if strings.Contains(g.What, what) && g.Row != "" {
				return g.Row
			}
		}
	}
	t.Fatalf("no row is about %q", what)
	return ""
}

// A reduced grant is put in the place of the wider one, with its condition, and never wider.
func TestReduce(t *testing.T) {
	s := parse(t, shop)
	p := review.Build(options(t, s))
	vault, blobs := rowOf(t, p, "Key Vault Administrator"), rowOf(t, p, "Storage Blob Data Contributor")
	plan, err := apply(t, s, decide(
		map[string]string{"row": vault, "decision": "reduce", "targetRole": "key vault secrets user", "reason": "reads one secret"},
		map[string]string{"row": blobs, "decision": "reduce", "targetRole": "Storage Blob Data Reader", "targetScope": s.RoleAssignments[1].Scope.String() + "/blobServices/default/containers/in"},
	), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) != 2 || len(plan.Broken) != 0 {
		t.Fatalf("plan %+v", plan)
	}
	add := plan.Changes[1].Edits[0]
	if add.Kind != mivet.EditAddAssignment || add.Assignment.Condition == "" || add.Assignment.End.IsZero() || add.Assignment.RoleName != "Storage Blob Data Reader" || plan.Changes[1].Edits[1].Kind != mivet.EditRemoveAssignment {
		t.Errorf("edits %+v", plan.Changes[1].Edits)
	}
	for form, want := range map[string]string{
		review.FormTerraform: `"azurerm_role_assignment" "mivet_3"`, review.FormBicep: "mivetAssignment3", review.FormAz: "--description 'reads one secret'",
		review.FormRollback: "az role assignment create --assignee-object-id 11111111-0000-4000-8000-000000000009 --assignee-principal-type ServicePrincipal --role 'Key Vault Administrator'",
	} {
		text, err := plan.Text(form)
		if err != nil || !strings.Contains(text, want) || form != review.FormRollback && !strings.Contains(text, "by Ann Meyer on 2026-11-30: reads one secret") {
			t.Errorf("%s lacks %q: %v\n%s", form, want, err, text)
		}
	}
	f := func(want string, row map[string]string) {
		t.Helper()
		row["decision"] = "reduce"
		if _, err := apply(t, s, decide(row), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("which is not given today", map[string]string{"row": vault, "targetRole": "Owner"})
	f("which is not given today", map[string]string{"row": vault, "targetScope": "/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01/resourceGroups/shop"})
	f("gives what today's gives", map[string]string{"row": vault, "targetRole": "Key Vault Administrator"})
	f(`there is no role "Blob Clerk"`, map[string]string{"row": vault, "targetRole": "Blob Clerk"})
	f("nothing is said of what", map[string]string{"row": vault})
	f(`the scope "somewhere" is not known`, map[string]string{"row": vault, "targetScope": "somewhere"})
	f("only a role assignment can", map[string]string{"row": rowOf(t, p, "secrets get"), "targetRole": "Reader"})
}

// A removal that breaks an access test is told, in every form.
func TestBroken(t *testing.T) {
	s := parse(t, shop)
	p := review.Build(options(t, s))
	plan, err := apply(t, s, decide(map[string]string{"row": rowOf(t, p, "Key Vault Administrator")}), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := plan.Text(review.FormAz)
	if err != nil || len(plan.Broken) != 1 || !strings.Contains(text, "# BREAKS the access test at t.tenant:") {
		t.Errorf("%v, broken %v\n%s", err, plan.Broken, text)
	}
}

// Of an identity that is removed everything goes, and the identity last.
func TestRemoveIdentity(t *testing.T) {
	s := parse(t, shop)
	p := review.Build(options(t, s))
	jobs, web := find(t, p, "jobs"), find(t, p, "web")
	plan, err := apply(t, s, decide(
		map[string]string{"row": jobs.Row}, map[string]string{"row": rowOf(t, p, "Key Vault Administrator")}, map[string]string{"row": web.Row},
	), nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := vet.Apply(s, plan.Edits())
	if err != nil {
		t.Fatal(err)
	}
	if left := review.NewInventory(after).Rows("11111111-0000-4000-8000-000000000009"); len(left) > 0 || len(after.Identities) > 0 {
		t.Errorf("%d rows and %d identities are left", len(left), len(after.Identities))
	}
	if len(plan.Lost) != 2 {
		t.Errorf("lost %v", plan.Lost)
	}
	text, err := plan.Text(review.FormRollback)
	if err != nil || !strings.Contains(text, "# cannot be undone: delete-identity") {
		t.Errorf("%v\n%s", err, text)
	}
	_, err = apply(t, s, decide(map[string]string{"row": jobs.Row}, map[string]string{"row": rowOf(t, p, "Key Vault Administrator"), "decision": "keep"}), nil)
	if err == nil || !strings.Contains(err.Error(), "a grant is not removed and its identity is") {
		t.Errorf("%v", err)
	}
}

// What is kept until a day becomes an exception, where a finding is about it.
func TestExceptions(t *testing.T) {
	s := parse(t, shop)
	o := options(t, s)
	p := review.Build(o)
	x := find(t, p, "jobs")
	if len(x.Findings) == 0 {
		t.Fatal("no finding is about jobs")
	}
	row := x.Findings[0].Row
	plan, err := apply(t, s, decide(map[string]string{"row": row, "decision": "keep", "until": "2027-01-31", "reason": "the \"run\": moves in January"},
		map[string]string{"row": rowOf(t, p, "member of readers"), "decision": "ask", "reason": "who needs it?"}), o.Results)
	if err != nil {
		t.Fatal(err)
	}
	text, err := plan.Text(review.FormContract)
	if err != nil || len(plan.Accepted) != 1 || len(plan.Asked) != 1 || len(plan.Edits()) != 0 || !strings.Contains(text, "match: "+x.Findings[0].Fingerprint[:12]) {
		t.Errorf("%v, %+v\n%s", err, plan.Accepted, text)
	}
	f := func(want string, row map[string]string) {
		t.Helper()
		if _, err := apply(t, s, decide(row), o.Results); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("a finding cannot be decided on with remove", map[string]string{"row": row})
	f("no finding is about", map[string]string{"row": rowOf(t, p, "secrets get"), "decision": "keep", "until": "2027-01-31"})
	f("is over", map[string]string{"row": row, "decision": "keep", "until": "2026-11-29"})
	f("more than 180 days ahead", map[string]string{"row": row, "decision": "keep", "until": "2028-01-31"})
	f("is no day", map[string]string{"row": row, "decision": "keep", "until": "next year"})
}

// Everything that is wrong with decisions is told with its place, and nothing is changed then.
func TestFaults(t *testing.T) {
	s := parse(t, shop)
	p := review.Build(options(t, s))
	vault := rowOf(t, p, "Key Vault Administrator")
	f := func(want string, rows ...map[string]string) {
		t.Helper()
		_, err := apply(t, s, decide(rows...), nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "d.json:1:") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(`there is no row "r000000000000"`, map[string]string{"row": "r000000000000"})
	f("is decided on twice", map[string]string{"row": vault}, map[string]string{"row": vault})
	f(`"burn" is no decision`, map[string]string{"row": vault, "decision": "burn"})
	f("names no reviewer", map[string]string{"row": vault, "reviewer": ""})
	f("gives no reason", map[string]string{"row": vault, "reason": ""})
	f("has no date", map[string]string{"row": vault, "date": ""})
	f("is no day", map[string]string{"row": vault, "date": "12/1/2026"})
	f("is in the future", map[string]string{"row": vault, "date": "2026-12-24"})
	f("nothing is decided", map[string]string{"row": vault, "decision": ""})
	f("a target is given", map[string]string{"row": vault, "targetRole": "Reader"})
	f("an exception has a last day", map[string]string{"row": vault, "until": "2026-12-24"})
	f("a decision names no row", map[string]string{})
	other := parse(t, strings.Replace(shop, "CHG-17", "CHG-18", 1))
	sheet, err := review.ReadSheet("d.json", bytes.ReplaceAll(decide(map[string]string{"row": vault}), []byte("FACTS"), []byte(p.Facts)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := review.Apply(sheet, &review.ApplyOptions{Snapshot: other, Catalog: openCatalog(t)}); err == nil || !strings.Contains(err.Error(), "other facts") {
		t.Errorf("%v", err)
	}
}

// A pack is written in all forms, and what CSV and JSON hold is read back blank.
func TestForms(t *testing.T) {
	p := review.Build(options(t, parse(t, shop)))
	var page, text, table bytes.Buffer
	if err := p.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{p.Facts, "Key Vault Administrator", "path access lists are not read", "CHG-17", "nobody is named"} {
		for form, have := range map[string]string{"HTML": page.String(), "Markdown": text.String()} {
			if !strings.Contains(strings.ReplaceAll(have, "<wbr>", ""), want) {
				t.Errorf("%s lacks %q", form, want)
			}
		}
	}
	for _, bad := range []string{"<script", "http-equiv=\"refresh\"", "src=", "url("} {
		if strings.Contains(page.String(), bad) {
			t.Errorf("the page is not by itself: %s", bad)
		}
	}
	js, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(table.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	through := 0
	for _, x := range p.Identities {
		for _, g := range x.Grants {
			if g.Row == "" {
				through++
			}
		}
	}
	if len(rows) != 1+len(p.Decisions)+through {
		t.Errorf("%d rows in CSV, %d decisions", len(rows), len(p.Decisions))
	}
	for file, data := range map[string][]byte{"p.json": js, "p.csv": table.Bytes()} {
		sheet, err := review.ReadSheet(file, data)
		if err != nil {
			t.Fatal(err)
		}
		if sheet.Facts != p.Facts || sheet.Blank != len(p.Decisions) || len(sheet.Decisions) > 0 {
			t.Errorf("%s: facts %s, %d blank of %d, %d decided", file, sheet.Facts, sheet.Blank, len(p.Decisions), len(sheet.Decisions))
		}
	}
}

// Without findings, logs, contract and paths a pack says less, and says so.
func TestBare(t *testing.T) {
	s := parse(t, shop)
	o := options(t, s)
	o.Results, o.Paths, o.Owner, o.Inputs = nil, nil, nil, nil
	o.Only = func(id *mivet.Identity, _ string) bool { return id.Kind == mivet.SystemAssigned }
	o.Selection = []string{"system-assigned"}
	p := review.Build(o)
	if p.Total != 2 || len(p.Identities) != 1 || p.Logs != nil || p.Contract != nil || p.Identities[0].Risk.Severity != "" {
		t.Errorf("pack %+v", p)
	}
	var page bytes.Buffer
	if err := p.WriteHTML(&page); err != nil || !strings.Contains(page.String(), "system-assigned: 1 of 2 identities") {
		t.Errorf("%v\n%s", err, page.String())
	}
}

// An identity whose principal was not read is in the pack, and nothing is claimed of it.
func TestPrincipalNotRead(t *testing.T) {
	s := parse(t, "tenant t taken=2026-11-20\nsubscription s\nrg r in s\nidentity ghost in r\n")
	s.Identities[0].Principal = ""
	p := review.Build(options(t, s))
	if x := &p.Identities[0]; len(x.Grants) != 0 || len(x.NotRead) != 1 || x.Name != "ghost" {
		t.Errorf("%+v", x)
	}
}
