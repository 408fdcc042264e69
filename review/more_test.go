// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/review"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/usage"
	"github.com/mivet/mivet/vet"
)

func revoke(t *testing.T, s *mivet.Snapshot, who mivet.PrincipalID) *review.Offboarding {
	t.Helper()
	c := openCatalog(t)
	return review.Revoke(who, &review.RevokeOptions{Snapshot: s, Catalog: c, Engine: authz.New(s, authz.Options{Catalog: c, At: s.TakenAt}), At: s.TakenAt})
}

// The steps of an offboarding take everything that is held, what stands in tokens before
// roles, and the identity last; made on the facts, nothing is left.
func TestRevoke(t *testing.T) {
	s := parse(t, shop)
	o := revoke(t, s, "11111111-0000-4000-8000-000000000009")
	var edits []mivet.Edit
	var titles []string
	for i := range o.Steps {
		titles = append(titles, o.Steps[i].Title)
		for _, a := range o.Steps[i].Actions {
			if a.Command == "" {
				t.Errorf("%s: no command", a.What)
			}
			if a.Edit != nil {
				edits = append(edits, *a.Edit)
			}
		}
	}
	want := []string{
		"Move what needs it", "Stop new tokens from outside", "Take what stands in tokens", "Take the rights", "Take what services keep themselves",
		"Take it from its workloads", review.WaitStep, "Delete the identity", "Take it out of code and contract",
	}
	if !slices.Equal(titles, want) {
		t.Errorf("steps %q", titles)
	}
	after, err := vet.Apply(s, edits)
	if err != nil {
		t.Fatal(err)
	}
	if left := review.NewInventory(after).Rows("11111111-0000-4000-8000-000000000009"); len(left) > 0 {
		t.Errorf("left: %+v", left[0])
	}
	if e := edits[len(edits)-1]; e.Kind != mivet.EditDeleteIdentity {
		t.Errorf("the last change is %s", e.Kind)
	}
	if len(o.Databases) != 3 || len(o.Breaks) != 2 || len(o.Denies) != 1 || len(o.Lost) != 1 || len(o.Copies) == 0 || len(o.Tokens) != 6 {
		t.Errorf("databases %v, breaks %v, denies %v, lost %v, copies %v, %d facts of tokens", o.Databases, o.Breaks, o.Denies, o.Lost, o.Copies, len(o.Tokens))
	}
	for _, f := range o.Tokens {
		if !strings.HasPrefix(f.Source, "https://learn.microsoft.com/") {
			t.Errorf("%s has the source %s", f.Fact, f.Source)
		}
	}
	all := strings.Join(o.NotSeen, "\n")
	if !strings.Contains(all, "users in 3 databases") || !strings.Contains(all, "path access lists") {
		t.Errorf("not seen:\n%s", all)
	}
	if i := slices.IndexFunc(o.Databases, func(d review.Database) bool { return d.Database.Name() == "orders" }); !strings.Contains(o.Databases[i].Known, "administrator of sql") ||
		!strings.Contains(o.Databases[i].Find, "'22222222-0000-4000-8000-000000000009'") || o.Databases[i].Drop != "DROP USER [jobs]" {
		t.Errorf("%+v", o.Databases[i])
	}
}

// Names that want to be more than names stay names in SQL.
func TestRevokeQuotes(t *testing.T) {
	s := parse(t, "tenant t taken=2026-11-20\nsubscription s\nrg r in s\nsqlserver q in r\nsqldb d in q\npostgres p in r\nmysql m in r\nsp bot name=\"a]b'c\\\"d\" id=11111111-0000-4000-8000-000000000001 client=none\n")
	s.Principals[0].ClientID = ""
	o := revoke(t, s, "11111111-0000-4000-8000-000000000001")
	var drops []string
	for _, d := range o.Databases {
		drops = append(drops, d.Drop, d.Find)
	}
	for _, want := range []string{"DROP USER [a]]b'c\"d]", `DROP ROLE "a]b'c""d"`, `DROP USER 'a]b''c"d'@'%'`, `name = 'a]b''c"d'`} {
		if !strings.Contains(strings.Join(drops, "\n"), want) {
			t.Errorf("lacks %s:\n%s", want, strings.Join(drops, "\n"))
		}
	}
	if o.Type != "" || len(o.Steps) != 1 {
		t.Errorf("type %q, steps %v", o.Type, o.Steps)
	}
}

const agreement = `contract: 1
organisation:
  review: 90
identities:
  jobs:
    resource: /subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs
    type: UserAssigned
    why: a partner lists its principal
    owner: team-night
    review: {last: 2026-05-01, by: Ann Meyer}
    tests:
      - can: read secret
        on: kv/secrets/db
    ceiling:
      - policy: {secrets: [get, list]}
        at: old
        note: until the vault moves to roles
      - local: cosmos
        local-role: 00000000-0000-0000-0000-000000000002
        at: orders-db
      - role: Storage Blob Data Contributor
        at: files
exceptions:
  - rule: group-token-lag
    identity: jobs
    reason: moves in January
    owner: Ann Meyer
    expires: 2027-01-31
`

func bind(t *testing.T, s *mivet.Snapshot) *contract.Bound {
	t.Helper()
	doc, err := contract.Read("mivet.yaml", func(string) ([]byte, error) { return []byte(agreement), nil })
	if err != nil {
		t.Fatal(err)
	}
	c, err := doc.For("")
	if err != nil {
		t.Fatal(err)
	}
	return contract.Bind(c, s, mivet.NewIndex(s))
}

// entry is one entry of a log as usage counts it.
func entry(t *testing.T, a *usage.Aggregator, line string) {
	t.Helper()
	r, err := logs.NewReader(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	a.Add(e)
}

func vaultEntry(day, vault, operation, status string) string {
	return `{"time":"` + day + `T06:00:00Z","category":"AuditEvent","operationName":"` + operation + `","resultType":"Success","resourceId":"/SUBSCRIPTIONS/7C0B8A52-41A1-4F7B-9A65-0A4A5A6A7A01/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/` + vault +
		`","identity":{"claim":{"oid":"11111111-0000-4000-8000-000000000009"}},"properties":{"id":"https://kv.vault.azure.net/secrets/db/1","httpStatusCode":` + status + `,"isRbacAuthorized":` + map[string]string{"200": "true", "403": "false"}[status] + `}}` + "\n"
}

// A contract tells owners, reasons and deadlines, logs tell use and who did what.
func TestContractAndLogs(t *testing.T) {
	s := parse(t, shop)
	o := options(t, s)
	o.Bound = bind(t, s)
	a := usage.NewAggregator()
	entry(t, a, vaultEntry("2026-10-01", "KV", "SecretGet", "200"))
	entry(t, a, vaultEntry("2026-11-01", "KV", "SecretSet", "403"))
	o.Logs, o.Activity = a.Summary(), provenance.NewLog(s)
	var err error
	if o.Results, err = vet.Run(s, rules.All(), vet.Options{Catalog: o.Catalog, Now: o.Now, Contract: o.Bound.Contract}); err != nil {
		t.Fatal(err)
	}
	p := review.Build(o)
	x := find(t, p, "jobs")
	if x.Owner != "team-night" || x.Why != "a partner lists its principal" || !x.Review.Overdue || x.Review.Due.Format(time.DateOnly) != "2026-07-30" {
		t.Errorf("owner %q, why %q, review %+v", x.Owner, x.Why, x.Review)
	}
	if len(x.Exceptions) != 1 || x.Exceptions[0].Expired || p.Contract == nil || p.Logs.Days != 32 || x.Enabled != "not known: "+provenance.NoLog || len(x.Deployed) != 1 {
		t.Errorf("exceptions %+v, logs %+v, enabled %q, deployed %q", x.Exceptions, p.Logs, x.Enabled, x.Deployed)
	}
	grant := func(what string) *review.Grant {
		i := slices.IndexFunc(x.Grants, func(g review.Grant) bool { return strings.Contains(g.What, what) && len(g.Via) == 0 })
		if i < 0 {
			t.Fatalf("no grant %q", what)
		}
		return &x.Grants[i]
	}
	vault := grant("Key Vault Administrator")
	if vault.Use.Word != review.UseUsed || vault.Use.Times != 1 || vault.Use.Unused == 0 || vault.Use.Last.IsZero() {
		t.Errorf("use %+v", vault.Use)
	}
	if g := grant("Blob Data"); g.Use.Word != review.UseNotSeen || g.Use.Evidence != string(usage.Off) || g.Justification == "" || !strings.HasPrefix(g.Holds, "not known") {
		t.Errorf("%+v", g)
	}
	if g := grant("secrets get"); g.Justification != "until the vault moves to roles" {
		t.Errorf("%+v", g)
	}
	if g := grant("cosmos"); !strings.HasPrefix(g.Justification, "agreed as its ceiling") {
		t.Errorf("%+v", g)
	}
	if x.Use.Word != review.UseUsed || len(x.Use.Refused) != 1 {
		t.Errorf("use %+v", x.Use)
	}
	var page, text, table bytes.Buffer
	for _, err := range []error{p.WriteHTML(&page), p.WriteMarkdown(&text), p.WriteCSV(&table)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"moves in January", "mivet.yaml", "2026-07-30"} {
		if !strings.Contains(page.String(), want) || !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in every form", want)
		}
	}
	if !strings.Contains(table.String(), "other operations not used") || strings.Contains(table.String(), "no logs") {
		t.Errorf("CSV:\n%s", table.String())
	}
}

// What is decided whole is signed in the contract; an exception on a grant is that of the
// findings about it.
func TestSigned(t *testing.T) {
	s := parse(t, strings.Replace(shop, "assign readers Reader at main\n", "assign readers Reader at main\nassign jobs Owner at main\n", 1))
	o := options(t, s)
	p := review.Build(o)
	x := find(t, p, "jobs")
	var list []map[string]string
	for _, g := range x.Grants {
		if g.Row != "" {
			list = append(list, map[string]string{"row": g.Row, "decision": "keep", "reason": ""})
		}
	}
	list = append(list, map[string]string{"row": x.Row, "decision": "keep"})
	sheet, err := review.ReadSheet("d.json", bytes.ReplaceAll(decide(list...), []byte("FACTS"), []byte(p.Facts)))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := review.Apply(sheet, &review.ApplyOptions{Snapshot: s, Catalog: o.Catalog, Results: o.Results, Bound: bind(t, s), Now: o.Now})
	if err != nil {
		t.Fatal(err)
	}
	text, err := plan.Text(review.FormContract)
	if err != nil || len(plan.Reviewed) != 1 || len(plan.Kept) != len(list) || !strings.Contains(text, "# everything about jobs was decided") || !strings.Contains(text, "2026-11-30") {
		t.Errorf("%v, reviewed %v\n%s", err, plan.Reviewed, text)
	}
	plan, err = apply(t, s, decide(map[string]string{"row": rowOf(t, p, "Owner"), "decision": "keep", "until": "2027-01-31"}), o.Results)
	if err != nil || len(plan.Accepted) == 0 {
		t.Errorf("%v, %+v", err, plan)
	}
}

// A file of decisions that is damaged is refused with a place.
func TestSheetFaults(t *testing.T) {
	f := func(data, want string) {
		t.Helper()
		_, err := review.ReadSheet("s", []byte(data))
		var faults review.SheetErrors
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", data, err, want)
		}
	}
	f("", "s:1:1: it is empty")
	f("\xff\xfeab", "it is UTF-16")
	f("row,decision,facts\nr1,keep,\"a", "s:2:")
	f("row,decision,facts,reason\nr1,keep,a,\xff\n", "is no UTF-8")
	f("row,decision,facts\nr1,keep,a\nr2,keep,b\n", "s:3:9: the row is of another pack")
	f("row,decision,facts\n,keep,a\n", "a decision names no row")
	f("kind,what\n", `no column "row"`)
	f("{", "it is no pack in JSON")
	f(`{"decisions":[]}`, `it has no "facts"`)
	f(`{"facts":"a","decisions":{}}`, "decisions must be a list")
	f(`{"facts":"a","decisions":[1]}`, "an object must stand here")
	f(`{"facts":"a","decisions":[{"row":1}]}`, "it is no pack in JSON")
	f(`{"facts":"a","decisions":[{"colour":"red"}]}`, `has no member "colour"`)
	f(`{"facts":"a","decisions":[{"decision":"keep"}]}`, "names no row")
	f(`{"facts":1}`, "it is no pack in JSON")
}

// Who holds something at, above or below a scope touches it.
func TestTouches(t *testing.T) {
	s := parse(t, shop)
	inv, covers := review.NewInventory(s), vet.Coverage(s)
	jobs, web := s.Identities[0].Principal, s.Identities[1].Principal
	if s.Identities[0].Kind != mivet.UserAssigned {
		jobs, web = web, jobs
	}
	for i := range s.Resources {
		if !inv.Touches(jobs, s.Resources[i].ID, covers) {
			t.Errorf("a reader of everything does not touch %s", s.Resources[i].ID)
		}
		if inv.Touches(web, s.Resources[i].ID, covers) {
			t.Errorf("an identity without grants touches %s", s.Resources[i].ID)
		}
	}
}
