// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
)

const shop = `tenant shop taken=2026-11-20
mg top
subscription prod in top
rg orders in prod tag.owner=team-orders
webapp orders-api in orders system
webapp both in orders system user=jobs
webapp two in orders user=jobs,other
webapp one in orders user=jobs
webapp bare in orders
webapp strange in orders system-principal=none
identity jobs in orders
identity other in orders
keyvault orders-kv in orders .enableRbacAuthorization=true
secret stripe-key in orders-kv
storage files in orders
container invoices in files
servicebus bus in orders
sbqueue mails in bus
cosmos db in orders
group senders members=orders-api
assign orders-api "Key Vault Secrets User" at stripe-key
assign senders "Azure Service Bus Data Sender" at mails
assign jobs "Storage Blob Data Reader" at orders condition="(@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'files')"
assign jobs Contributor at prod
policy both on orders-kv secrets=get
local cosmos two-id 00000000-0000-0000-0000-000000000001 on db
identity two-id in orders
declare azurerm_linux_web_app.api azurerm_linux_web_app of orders-api
declare azurerm_key_vault.new azurerm_key_vault
`

func parse(t *testing.T, text string) (*mivet.Snapshot, *catalog.Catalog) {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) (mivet.RoleID, bool) {
		if d := cat.RoleByName(name); d != nil {
			return d.ID, true
		}
		return "", false
	}
	s, err := tenant.Parse("shop.tenant", strings.NewReader(text), tenant.Options{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return s, cat
}

func bind(t *testing.T, s *mivet.Snapshot, identities string) *Bound {
	t.Helper()
	c, err := read(t, "contract: 1\nidentities:\n"+identities).For("")
	if err != nil {
		t.Fatal(err)
	}
	return Bind(c, s, mivet.NewIndex(s))
}

func TestBindIdentity(t *testing.T) {
	s, _ := parse(t, shop)
	const orders = "/subscriptions/prod/resourceGroups/orders/providers/"
	f := func(named, kind string, presence Presence, problem, held string) {
		t.Helper()
		b := bind(t, s, fmt.Sprintf("  x: {%s, type: %sAssigned}\n", named, kind)).Binding("x")
		if b.Presence != presence || !strings.Contains(b.Problem, problem) || (problem == "") != (b.Problem == "") {
			t.Errorf("%s: %d, %q", named, b.Presence, b.Problem)
		}
		got := ""
		if m := mivet.NewIndex(s).Identity(b.Held); m != nil {
			got = m.Resource.Name()
		}
		if got != held {
			t.Errorf("%s: it holds %q, want %q", named, got, held)
		}
	}
	f("address: azurerm_linux_web_app.api", "System", Present, "", "orders-api")
	f("resource: "+orders+"Microsoft.Web/sites/Orders-API", "System", Present, "", "orders-api")
	f("address: orders-api", "System", Present, "", "orders-api")
	f("address: jobs", "User", Present, "", "jobs")
	f("address: jobs", "System", OtherType, "is a user-assigned identity", "jobs")
	f("address: both", "User", Present, "", "jobs")
	f("address: one", "System", OtherType, "has a user-assigned identity", "")
	f("address: orders-api", "User", OtherType, "has a system-assigned identity", "")
	f("address: two", "User", Unclear, "carries 2 user-assigned identities", "")
	f("address: bare", "System", Absent, "carries no identity", "")
	f("address: strange", "System", Present, "", "")
	f("address: nowhere", "System", Absent, `"nowhere" is not in the input`, "")
	f("resource: "+orders+"Microsoft.Web/sites/nowhere", "System", Absent, "there is no", "")
	f("address: azurerm_key_vault.new", "System", Absent, "is not known yet", "")
}

func TestBindNames(t *testing.T) {
	s, _ := parse(t, shop+"rg twins in prod\nkeyvault twin-a in orders name=twin\nkeyvault twin-b in twins name=twin\n")
	b := bind(t, s, "  x: {address: jobs, type: UserAssigned}\n")
	f := func(name, want string) {
		t.Helper()
		got := b.Resolve(Name{Text: name})
		text := got.ID.String()
		if got.Err != nil {
			text = got.Err.Error()
		}
		if !strings.HasSuffix(text, want) {
			t.Errorf("%s: %s", name, text)
		}
	}
	f("orders-kv", "/vaults/orders-kv")
	f("ORDERS-kv/secrets/x", "/vaults/orders-kv/secrets/x")
	f("azurerm_linux_web_app.api/slots/blue", "/sites/orders-api/slots/blue")
	f("orders", "/resourceGroups/orders")
	f("prod", "/subscriptions/prod")
	f("top", "/managementGroups/top")
	f("/subscriptions/x", "/subscriptions/x")
	f("azurerm_key_vault.new", "is not known yet")
	f("twin", "write the resource ID")
	f("nothing/secrets/x", "is not in the input")
	if b.Binding("y") != nil {
		t.Error("there is a y")
	}
}

func TestBindTests(t *testing.T) {
	s, cat := parse(t, shop)
	f := func(access, on, operation, plane string) {
		t.Helper()
		b := bind(t, s, fmt.Sprintf("  x: {address: jobs, type: UserAssigned, tests: [{can: %q, on: %q}], ceiling: [{access: %q, at: %q}], workloads: [%q]}\n", access, on, access, on, on)).Binding("x")
		got := b.Tests[0]
		if plane == "" {
			if got.Err == nil || !strings.Contains(got.Err.Error(), operation) {
				t.Errorf("%s on %s: %v", access, on, got.Err)
			}
			return
		}
		if got.Err != nil || got.Question.Operation.String() != operation || got.Question.Plane.String() != plane {
			t.Errorf("%s on %s: %v %v %v", access, on, got.Question.Operation, got.Question.Plane, got.Err)
		}
		if b.Ceiling[0].Question.Operation.String() != operation || b.Workloads[0].Err != nil {
			t.Errorf("ceiling %+v, workload %+v", b.Ceiling[0], b.Workloads[0])
		}
	}
	f("read", "orders-kv/secrets/x", "Microsoft.KeyVault/vaults/secrets/getSecret/action", "data")
	f("Read Secrets", "orders-kv", "Microsoft.KeyVault/vaults/secrets/getSecret/action", "data")
	f("read", "orders-kv", "say which", "")
	f("read resource", "orders-kv", "Microsoft.KeyVault/vaults/read", "control")
	f("write", "orders-api", "Microsoft.Web/sites/write", "control")
	f("read", "orders", "Microsoft.Resources/subscriptions/resourceGroups/read", "control")
	f("delete entities", "files", "Microsoft.Storage/storageAccounts/tableServices/tables/entities/delete", "data")
	f("send", "mails", "Microsoft.ServiceBus/namespaces/messages/send/action", "data")
	f("send message", "files", "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action", "data")
	f("send event", "mails", "cannot be asked of Microsoft.ServiceBus/namespaces/queues", "")
	f("send", "orders-api", "write the operation", "")
	f("read", "/subscriptions/s", "Microsoft.Resources/subscriptions/read", "control")
	f("read", "/", "write the operation", "")
	f("one two three", "orders-kv", "is no access", "")
	f("eat", "orders-kv", "is no access", "")
	f("read", "nowhere", "is not in the input", "")
	f("Microsoft.Web/sites/read", "orders-api", "Microsoft.Web/sites/read", "unknown")

	// Each word asks for an operation that a built-in role or a service's list knows.
	for i := range phrases {
		p := &phrases[i]
		id := parsedID(t, p.on[0])
		q, err := ask(p.verb+" "+p.noun, mivet.PlaneUnknown, id)
		if err != nil {
			t.Errorf("%s %s on %s: %v", p.verb, p.noun, p.on[0], err)
			continue
		}
		if got := Phrase(q, id); got != p.verb+" "+p.noun && p.verb != "list" {
			t.Errorf("%s %s is told as %q", p.verb, p.noun, got)
		}
		if _, ok := cat.FindOperation(q.Operation); !ok && !byPattern[p.on[len(p.on)-1]] {
			t.Errorf("no list knows %s", q.Operation)
		}
	}
	if q := (Question{Plane: mivet.PlaneControl}); Phrase(q, parsedID(t, vaults)) != "" {
		t.Error("an empty operation has words")
	}
}

// byPattern are the services whose roles name their data operations by patterns, or that
// keep roles of their own.
var byPattern = map[string]bool{serviceBus: true, eventHubs: true, cosmos: true}

// parsedID makes an ID of a type.
func parsedID(t *testing.T, resourceType string) arm.ID {
	t.Helper()
	words := strings.Split(resourceType, "/")
	var text strings.Builder
	text.WriteString("/subscriptions/s/resourceGroups/g/providers/" + words[0])
	for _, w := range words[1:] {
		text.WriteString("/" + w + "/n")
	}
	id, err := arm.ParseID(text.String())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestPropose(t *testing.T) {
	s, cat := parse(t, shop)
	engine := authz.New(s, authz.Options{Catalog: cat})
	text := Propose(s, ProposeOptions{
		Engine: engine, Extends: "org.yaml", Comments: []string{"a: comment"},
		Owner: func(id arm.ID, _ mivet.Source) string {
			if id.Name() == "jobs" {
				return "team-orders"
			}
			return ""
		},
	})
	org := "contract: 1\n"
	d, err := Read("mivet.yaml", files(map[string]string{"mivet.yaml": text, "org.yaml": org}))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	faults := d.Check(CheckOptions{Catalog: cat})
	if len(faults.Wrong()) > 0 {
		t.Errorf("%v\n%s", faults.Wrong(), text)
	}
	c, err := d.For("")
	if err != nil {
		t.Fatal(err)
	}
	b := Bind(c, s, mivet.NewIndex(s))
	for i := range b.Bindings {
		x := &b.Bindings[i]
		if x.Presence != Present {
			t.Errorf("%s: %s", x.Name, x.Problem)
		}
		for _, test := range x.Tests {
			want := authz.Denied
			if test.Allowed {
				want = authz.Allowed
			}
			got := engine.Check(authz.Request{Principal: x.Held, Operation: test.Question.Operation, Plane: test.Question.Plane, Resource: test.Target.ID})
			if test.Err != nil || got.Effect != want {
				t.Errorf("%s: the proposed test %q does not pass: %v %v", x.Name, test.Test, got.Effect, test.Err)
			}
		}
	}
	for _, want := range []string{
		"# a: comment\n", "address: azurerm_linux_web_app.api\n", "owner: team-orders\n", "owner: TODO\n",
		"through the group senders", "over the whole subscription", "over the whole resource group",
		"condition: \"(@Resource[", "policy: {secrets: [get]}", "local: cosmos\n", "workloads: []",
		"{can: send message, on: /subscriptions/prod/resourceGroups/orders/providers/Microsoft.ServiceBus/namespaces/bus/queues/mails}",
		"{can: read secret, on: /subscriptions/prod/resourceGroups/orders/providers/Microsoft.KeyVault/vaults/orders-kv/secrets/stripe-key}",
		"3 resources share it", "  two-id:\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the contract lacks %q:\n%s", want, text)
		}
	}
	if empty := Propose(&mivet.Snapshot{}, ProposeOptions{}); !strings.HasSuffix(empty, "identities:\n  {}\n") {
		t.Errorf("of nothing: %q", empty)
	}
	only := Propose(s, ProposeOptions{Engine: engine, Only: func(i *mivet.Identity) bool { return i.Resource.Name() == "other" }})
	if strings.Contains(only, "orders-api") || !strings.Contains(only, "  other:\n") {
		t.Errorf("only one: %s", only)
	}
}

// Two identities of one name do not get the same name in the contract.
func TestProposeNames(t *testing.T) {
	p := &proposal{taken: map[string]bool{}}
	f := func(id, want string) {
		t.Helper()
		parsed, err := arm.ParseID(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.nameFor(&mivet.Identity{Resource: parsed}); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	const site = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/"
	f(site+"api", "api")
	f(site+"api", "g-api")
	f(site+"api", "api-2")
	f(site+"{a b}", "a-b")
}

func TestYAMLText(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := yamlText(s); got != want {
			t.Errorf("%q is written %s", s, got)
		}
	}
	f("", "")
	f("plain text", "plain text")
	f("/subscriptions/x", "/subscriptions/x")
	f("Yes", `"Yes"`)
	f("a: b", `"a: b"`)
	f("1", `"1"`)
	f("a # b", `"a # b"`)
	if got := yamlFlow("/{a}"); got != `"/{a}"` {
		t.Errorf("in braces it is written %s", got)
	}
}
