// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// files opens what a test gives.
func files(texts map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := texts[name]
		if !ok {
			return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
		}
		return []byte(text), nil
	}
}

func read(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Read("mivet.yaml", files(map[string]string{"mivet.yaml": text}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const full = `contract: 1
organisation:
  types: {recreated: UserAssigned, alone: SystemAssigned}
  sharing: {workloads: 1, allowed: ["monitor-*"]}
  never:
    - {role: Owner, at: resource-group, reason: machines own nothing}
  review: 180
  require: [why, owner, tests]
  separation: {code: [team-orders]}
stages:
  prod:
    after: dev
    environment: production
    subscriptions: [3d0c6b04-bb0e-4a0f-94d8-1f3b8a1e6c02]
    values: {sub: prod-sub, kv: kv-prod}
  dev:
    values: {sub: dev-sub, kv: kv-dev}
identities:
  orders-api:
    resource: /subscriptions/${sub}/resourceGroups/orders/providers/Microsoft.Web/sites/orders-api
    address: azurerm_linux_web_app.api
    type: SystemAssigned
    why: one app, and nothing outside names its principal
    stable: true
    principal: {output: orders_api_principal_id}
    owner: team-orders
    workloads: azurerm_linux_web_app.api
    ceiling:
      - {role: Key Vault Secrets User, at: "${kv}/secrets/stripe", condition: ""}
      - {access: send, at: bus/queues/orders}
      - {operations: [Microsoft.Web/sites/read], plane: control, at: orders-api}
      - {policy: {secrets: [get]}, at: old-kv}
      - {local: cosmos, local-role: Cosmos DB Built-in Data Reader, scope: /dbs/a, at: db}
    tests:
      - {can: read secret, on: "${kv}/secrets/stripe"}
      - {cannot: Microsoft.KeyVault/vaults/secrets/setSecret/action, on: "${kv}", plane: data}
    separation: {code: [], run: [alice]}
    review: {every: 90, last: 2026-11-01, by: bob}
exceptions:
  - {rule: broad-scope, identity: orders-api, reason: the move, owner: team-orders, expires: 2027-01-31}
`

func TestRead(t *testing.T) {
	d := read(t, full)
	if got := d.stageNames(); got != "dev, prod" {
		t.Errorf("stages in the order %q", got)
	}
	c, err := d.For("prod")
	if err != nil {
		t.Fatal(err)
	}
	i := c.Identity("orders-api")
	if i == nil || c.Identity("other") != nil {
		t.Fatal("identities are not found by their names")
	}
	if i.Resource != "/subscriptions/prod-sub/resourceGroups/orders/providers/Microsoft.Web/sites/orders-api" || i.Ceiling[0].On.Text != "kv-prod/secrets/stripe" {
		t.Errorf("the values of the stage are not there: %q, %q", i.Resource, i.Ceiling[0].On.Text)
	}
	if i.Type != mivet.SystemAssigned || !i.Stable || i.Output != "orders_api_principal_id" || i.Owner != "team-orders" || len(i.Workloads) != 1 {
		t.Errorf("the identity is %+v", i)
	}
	if i.Separation.Code == nil || len(i.Separation.Code) != 0 || !slices.Equal(i.Separation.Run, []string{"alice"}) {
		t.Errorf("separation %+v", i.Separation)
	}
	if i.Review.Every != 90 || !i.Review.Last.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || i.Review.By != "bob" {
		t.Errorf("review %+v", i.Review)
	}
	g := i.Ceiling
	if g[2].Plane != mivet.PlaneControl || g[1].Plane != mivet.PlaneData || g[3].Policy.Secrets[0] != "get" || g[4].Local.Scope != "/dbs/a" {
		t.Errorf("ceiling %+v", g)
	}
	if i.Tests[0].String() != "can read secret on kv-prod/secrets/stripe" || i.Tests[1].Allowed || i.Tests[1].Plane != mivet.PlaneData {
		t.Errorf("tests %v", i.Tests)
	}
	if p := i.Place("tests"); p.Line != 35 || p.Column != 7 || i.Place("nothing") != i.At || i.At.Line != 19 {
		t.Errorf("places: tests %v, itself %v", p, i.At)
	}
	o := c.Organisation
	if o.Types.Recreated != "UserAssigned" || o.Sharing.Workloads != 1 || o.Never[0].At != "resource-group" || o.Review != 180 || o.Separation.Code[0] != "team-orders" {
		t.Errorf("organisation %+v", o)
	}
	if e := c.Exceptions[0]; e.Identity != "orders-api" || e.Expires.Day() != 31 || e.At.Line != 40 {
		t.Errorf("exception %+v", e)
	}
	if c.Stage.Environment != "production" || d.Stage("dev").Environment != "dev" || c.Title() != "mivet.yaml, stage prod" {
		t.Errorf("stage %+v, title %q", c.Stage, c.Title())
	}
}

func TestStages(t *testing.T) {
	f := func(text, stage, want string) {
		t.Helper()
		c, err := read(t, text).For(stage)
		switch {
		case want == "" && err != nil:
			t.Errorf("%v", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%+v, %v; want %q", c, err, want)
		}
	}
	const one = "contract: 1\nstages: {only: {values: {a: b}}}\nidentities: {x: {address: \"${a}\", type: UserAssigned}}\n"
	f(one, "", "")
	f(one, "only", "")
	f(one, "other", `it has no stage "other"`)
	f(full, "", "mivet.yaml:1:1: it has several stages")
	f("contract: 1\nidentities: {x: {address: \"${a}\", type: UserAssigned}}\n", "", "mivet.yaml:2:27: ${a} stands for nothing: the contract has no stages")
	f(strings.Replace(one, "${a}", "${b}", 1), "", "mivet.yaml:3:27: ${b} stands for nothing in the stage only")
	f("contract: 1\n", "prod", `it has no stage "prod"`)
}

// Each text has one fault, at that place.
func TestFaults(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, lines ...string) {
		t.Helper()
		text := strings.Join(lines, "\n") + "\n"
		var faults Errors
		d, err := Read("c", files(map[string]string{"c": text}))
		if d != nil {
			faults = d.Check(CheckOptions{Catalog: cat, Now: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Rules: func(id string) bool { return id == "broad-scope" }})
		} else if !errors.As(err, &faults) {
			t.Fatal(err)
		}
		if len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), want) {
			t.Errorf("faults:\n%v\nwant %q", faults, want)
		}
	}
	identity := func(lines ...string) []string {
		head := []string{"contract: 1", "identities:", "  x:", "    address: a", "    type: UserAssigned"}
		for _, l := range lines {
			head = append(head, "    "+l)
		}
		return head
	}
	f("c:1:1: it is empty", "")
	f("c:2:1: it is no YAML", "a: [")
	f("c:1:1: here must be a mapping, and is a list", "- a")
	f("c:1:1: the contract has no contract", "identities: {}")
	f("c:1:11: the form of contracts has no version 2", "contract: 2")
	f("c:1:11: contract must be a whole number", "contract: one")
	f(`c:2:1: the contract has no key "identites"`, "contract: 1", "identites: {}")
	f(`c:2:1: "contract" stands here twice`, "contract: 1", "contract: 1")
	f("c:2:3: a key must be a word", "contract: 1", "? [a]", ": b")
	f("c:2:11: extends must be a text, and is empty", "contract: 1", "extends: [~]")
	f("c:2:10: extends must be a text or a list of texts, and is a mapping", "contract: 1", "extends: {a: b}")
	f("c:2:13: identities must be a mapping of names, and is a list", "contract: 1", "identities: [a]")
	f("c:2:13: exceptions must be a list, and is a mapping", "contract: 1", "exceptions: {a: b}")
	f("c:2:22: values must be a mapping of names", "contract: 1", "stages: {a: {values: b}}")
	f("c:2:26: x must be a text, and is a list", "contract: 1", "stages: {a: {values: {x: [a]}}}")
	f(`c:6:5: the identity has no key "ownr"`, identity("ownr: a")...)
	f("c:4:11: type cannot be \"userassigned\"", "contract: 1", "identities:", "  x:", "    type: userassigned", "    address: a")
	f("c:3:3: x is named by nothing", "contract: 1", "identities:", "  x:", "    type: UserAssigned")
	f("c:4:5: the identity has no type", "contract: 1", "identities:", "  x:", "    address: a")
	f("c:6:13: stable must be true or false", identity("stable: perhaps")...)
	f("c:6:15: \"kv\" is no resource ID", identity("resource: kv")...)
	f("c:6:15: ", identity("resource: /subscriptions")...)
	f("c:6:16: the principal \"abc\" is no object ID", identity("principal: abc")...)
	f("c:6:16: the principal has no output", identity("principal: {}")...)
	f("c:6:10: x: somebody has to write the why", identity("why: 'TODO: why'")...)
	f("c:6:15: a part of a ceiling has one of", identity("ceiling: [{at: kv}]")...)
	f("c:6:23: local needs local-role", identity("ceiling: [{local: cosmos, at: kv}]")...)
	f("c:6:15: no role that Azure has built in is called \"Reder\"", identity("ceiling: [{role: Reder, at: kv}]")...)
	f("c:6:15: x: narrow it", identity("ceiling: [{role: Reader, at: kv, note: 'TODO: narrow it'}]")...)
	f("c:6:15: the condition", identity("ceiling: [{role: Reader, at: kv, condition: '((('}]")...)
	f("c:6:15: ", identity("ceiling: [{operations: [''], at: kv}]")...)
	f("c:6:15: \"eat secret\" is no access", identity("ceiling: [{access: eat secret, at: kv}]")...)
	f("c:6:13: a test has one of can and cannot", identity("tests: [{on: kv}]")...)
	f("c:6:13: \"sign secret\" is no access", identity("tests: [{can: sign secret, on: kv}]")...)
	f("c:6:13: \"read secret\" cannot be asked of Microsoft.Storage/storageAccounts", identity("tests: [{can: read secret, on: /subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a}]")...)
	f("c:6:36: ", identity("tests: [{can: read secret, on: /subscriptions}]")...)
	f("c:6:50: x has the test \"can read secret on kv\" twice", identity("tests: [{can: read secret, on: kv}         , {can: read secret, on: kv}]")...)
	f("c:6:50: x must and must not", identity("tests: [{can: read secret, on: kv}         , {cannot: read secret, on: kv}]")...)
	f("c:6:13: x was reviewed on 2027-01-01, which is yet to come", identity("review: {last: 2027-01-01}")...)
	f("c:6:20: last is no day", identity("review: {last: yesterday}")...)
	exception := func(entry string) []string {
		return append(identity(), "exceptions: ["+entry+"]")
	}
	f("c:6:14: the exception has no expires", exception("{rule: broad-scope, identity: x, reason: r, owner: o}")...)
	f("c:6:14: an exception has one of identity and match", exception("{rule: broad-scope, reason: r, owner: o, expires: 2027-01-01}")...)
	f("c:6:14: there is no identity \"y\"", exception("{rule: broad-scope, identity: y, reason: r, owner: o, expires: 2027-01-01}")...)
	f("c:6:14: there is no rule \"broad\"", exception("{rule: broad, identity: x, reason: r, owner: o, expires: 2027-01-01}")...)
	f("c:6:14: the exception of broad-scope expired on 2026-11-19", exception("{rule: broad-scope, identity: x, reason: r, owner: o, expires: 2026-11-19}")...)
	f("c:3:3: x says nothing about owner, which the organisation requires", append(identity(), "organisation: {require: [owner]}")...)
	f("c:6:13: x is reviewed every 90 days; the organisation wants 30", append(identity("review: {every: 90}"), "organisation: {review: 30}")...)
	f("c:6:24: no role that Azure has built in is called", append(identity(), "organisation: {never: [{role: Emperor, reason: r}]}")...)
	f("c:6:10: the stage a comes after \"b\", which is no stage", append(identity(), "stages: {a: {after: b}}")...)
	f("c:6:10: the stages wait for each other", append(identity(), "stages: {a: {after: a}}")...)
	f("c:6:10: \"x\" is no subscription", append(identity(), "stages: {a: {subscriptions: x}}")...)
}

func TestSameIdentityTwice(t *testing.T) {
	d := read(t, "contract: 1\nidentities:\n  x: {address: a, type: UserAssigned}\n  y: {address: a, type: UserAssigned}\n  z: {address: a, type: SystemAssigned}\n")
	faults := d.Check(CheckOptions{})
	if len(faults.Wrong()) != 1 || faults[0].Message != "y and x are the same identity" {
		t.Errorf("faults: %v", faults)
	}
}

func TestExtends(t *testing.T) {
	f := func(base, own, want string) *Document {
		t.Helper()
		d, err := Read("team/c", files(map[string]string{"org": "contract: 1\n" + base, "team/c": "contract: 1\nextends: ../org\n" + own}))
		switch {
		case want == "" && err != nil:
			t.Fatal(err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%v; want %q", err, want)
		}
		return d
	}
	d := f("organisation: {review: 90, never: [{role: Owner, reason: r}], require: why, separation: {code: [a, b]}}\nidentities: {theirs: {type: UserAssigned, address: a}}\nstages: {dev: {values: {a: x, b: y}}}\n"+
		"exceptions: [{rule: r, match: '*', reason: r, owner: o, expires: 2027-01-01}]\n",
		"organisation: {review: 30, never: [{role: Contributor, at: subscription, reason: r}], require: [why, owner], separation: {code: a}}\nstages: {dev: {environment: test, values: {b: z}}}\nidentities: {ours: {type: UserAssigned, address: '${a}${b}'}}\n", "")
	c, err := d.For("dev")
	if err != nil {
		t.Fatal(err)
	}
	o := c.Organisation
	if o.Review != 30 || len(o.Never) != 2 || !slices.Equal(o.Require, []string{"why", "owner"}) || !slices.Equal(o.Separation.Code, []string{"a"}) {
		t.Errorf("organisation %+v", o)
	}
	if len(c.Identities) != 1 || c.Identities[0].Address != "xz" || c.Stage.Environment != "test" || len(c.Exceptions) != 1 {
		t.Errorf("contract %+v", c)
	}
	if !slices.Equal(d.Files(), []string{"org", "team/c"}) {
		t.Errorf("files %q", d.Files())
	}
	f("organisation: {review: 90}\n", "organisation: {review: 91}\n", "team/c:3:24: the file that it extends wants a review more often")
	f("organisation: {types: {alone: UserAssigned}}\n", "organisation: {types: {alone: SystemAssigned}}\n", "the file that it extends says UserAssigned")
	f("organisation: {sharing: {workloads: 1}}\n", "organisation: {sharing: {workloads: 2}}\n", "allows fewer workloads")
	f("organisation: {sharing: {workloads: 2}}\n", "organisation: {sharing: {workloads: 0}}\n", "allows fewer workloads")
	f("organisation: {sharing: {workloads: 1}}\n", "organisation: {sharing: {allowed: x}}\n", `does not allow "x" to be shared`)
	f("organisation: {separation: {run: a}}\n", "organisation: {separation: {run: [a, b]}}\n", `does not name "b" here`)
	f("extends: team/c\n", "", "org:2:10: team/c extends itself, by team/c, org")
	if _, err := Read("c", files(map[string]string{"c": "contract: 1\nextends: nowhere\n"})); err == nil || !strings.Contains(err.Error(), "c:2:10: reading the contract nowhere") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Read("c", files(map[string]string{})); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file at all: %v", err)
	}
	if got := relative("a/b", "/c/../d"); got != "/d" {
		t.Errorf("an absolute name becomes %q", got)
	}
}

// Many files that extend each other are not read without end.
func TestExtendsBounded(t *testing.T) {
	texts := map[string]string{}
	for i := range 40 {
		texts[fmt.Sprint("f", i)] = fmt.Sprintf("contract: 1\nextends: [f%d, f%d]\n", i+1, i+2)
	}
	texts["f40"], texts["f41"] = "contract: 1\n", "contract: 1\n"
	if _, err := Read("f0", files(texts)); err == nil || !strings.Contains(err.Error(), "at most 16 files") {
		t.Errorf("%v", err)
	}
	if _, err := Read("c", files(map[string]string{"c": strings.Repeat(" ", MaxFile+1)})); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a large file: %v", err)
	}
}

func TestHash(t *testing.T) {
	a := read(t, full).Hash()
	f := func(old, now string, same bool) {
		t.Helper()
		text := strings.Replace(full, old, now, 1)
		if text == full {
			t.Fatalf("%q is not in the text", old)
		}
		if b := read(t, text).Hash(); (a == b) != same {
			t.Errorf("%q for %q: the hash is the same: %t", now, old, a == b)
		}
	}
	f("contract: 1", "# a comment\ncontract: 1", true)
	f("    stable: true\n    principal: {output: orders_api_principal_id}\n", "    principal: {output: orders_api_principal_id}\n    stable: true\n", true)
	f("{sub: prod-sub, kv: kv-prod}", "{kv: kv-prod, sub: prod-sub}", true)
	f("stable: true", "stable: false", false)
	f("kv: kv-prod", "kv: kv-other", false)
	f("can: read secret", "can: list secrets", false)
	if len(a) != 64 {
		t.Errorf("hash %q", a)
	}
}

func TestPlace(t *testing.T) {
	f := func(p Place, want string) {
		t.Helper()
		if p.String() != want {
			t.Errorf("%q, want %q", p, want)
		}
	}
	f(Place{"f", 1, 2}, "f:1:2")
	f(Place{"f", 1, 0}, "f:1")
	f(Place{File: "f"}, "f")
	if s := (Place{"f", 3, 2}).Source(); s.Line != 3 || s.Origin.File != "f" || !(Place{}).Source().IsZero() {
		t.Errorf("source %v", s)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(full)
	f.Add("contract: 1\nextends: c\n")
	f.Add("contract: &a 1\nstages: *a\n")
	f.Add("contract: 1\nidentities: {a: {type: UserAssigned, address: '${x}', ceiling: [{role: ~}], tests: [{can: read, on: /}]}}\n")
	f.Add("a: &x [*x, *x]\n<<: *x\n")
	cat, err := catalog.Open()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Read("c", files(map[string]string{"c": text}))
		if (d == nil) == (err == nil) {
			t.Fatalf("document %v and error %v", d, err)
		}
		if err != nil {
			return
		}
		if d.Hash() == "" {
			t.Error("no hash")
		}
		for _, fault := range d.Check(CheckOptions{Catalog: cat}) {
			if fault.Line == 0 || fault.Column == 0 || fault.Message == "" {
				t.Errorf("a fault without a place: %+v", fault)
			}
		}
	})
}

// Large and hostile files end in a fault, not in hours.
func TestBounds(t *testing.T) {
	f := func(what, text, want string) {
		t.Helper()
		d, err := Read("c", files(map[string]string{"c": text}))
		if err == nil {
			err = d.Check(CheckOptions{}).err()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %.200v", what, err)
		}
	}
	f("nested lists", strings.Repeat("[", 100_000), "it is no YAML")
	f("many stages", "contract: 1\nstages:\n"+lines("  s%d: ~\n", 65), "at most 64 stages")
	f("a long list of people", "contract: 1\norganisation: {separation: {code: ["+lines("p%d, ", 1001)+"]}}\n", "at most 1000")
	f("many shared", "contract: 1\norganisation: {sharing: {allowed: ["+lines("p%d, ", 1001)+"]}}\n", "at most 1000")
	f("many tests", "contract: 1\nidentities: {x: {address: a, type: UserAssigned, tests: ["+lines("{can: read, on: kv/%d}, ", 50_000)+"{can: read, on: kv/7}]}}\n", "twice")
	f("many faults", "contract: 1\n"+lines("k%d: 1\n", 10_000), "has no key")
}

func lines(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
