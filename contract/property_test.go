// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
)

// published compiles the schema that is published.
func published(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("../docs/schema/contract-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	c := jsonschema.NewCompiler()
	if err == nil {
		err = c.AddResource("contract.json", doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// fits validates a contract with a library that knows nothing of the forms.
func fits(schema *jsonschema.Schema, text string) error {
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		return err
	}
	j, err := json.Marshal(v)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// A contract that is proposed for a tenant is read without a fault, fits the published
// schema, finds each identity, allows what it holds and no more, and its tests pass.
func TestProposedHolds(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	schema := published(t)
	identities, tests, limits := 0, 0, 0
	for seed := range uint64(4) {
		size := tenant.SizeOf(75)
		size.Seed, size.Conditions = seed, 0
		s, err := tenant.Generate(size)
		if err != nil {
			t.Fatal(err)
		}
		engine := authz.New(s, authz.Options{Catalog: cat})
		text := Propose(s, ProposeOptions{Engine: engine})
		if err := fits(schema, text); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		d, err := Read("mivet.yaml", func(name string) ([]byte, error) {
			if name != "mivet.yaml" {
				return nil, errors.New("no such file")
			}
			return []byte(text), nil
		})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		for _, e := range d.Check(CheckOptions{Catalog: cat, Custom: s.RoleDefinitions}) {
			if e.Weight == Wrong {
				t.Errorf("seed %d: %v", seed, e)
			}
		}
		c, err := d.For("")
		if err != nil {
			t.Fatal(err)
		}
		b := Bind(c, s, mivet.NewIndex(s))
		allowed := authz.New(b.Allowed(cat), authz.Options{Catalog: cat})
		for i := range b.Bindings {
			x := &b.Bindings[i]
			identities++
			if x.Presence != Present || x.Problem != "" {
				t.Errorf("seed %d: %s: %v %s", seed, x.Name, x.Presence, x.Problem)
				continue
			}
			for _, g := range x.Ceiling {
				if g.Err != nil {
					t.Errorf("seed %d: %s: %v", seed, x.Name, g.Err)
				}
				limits++
			}
			excess, err := x.Excess(engine, allowed)
			if err != nil || len(excess.OnlyA) > 0 {
				t.Errorf("seed %d: %s goes beyond its own contract: %+v %v", seed, x.Name, excess.OnlyA, err)
			}
			for _, q := range x.Tests {
				tests++
				got := engine.Check(authz.Request{Principal: x.Held, Operation: q.Question.Operation, Plane: q.Question.Plane, Resource: q.Target.ID})
				if q.Err != nil || (got.Effect == authz.Allowed) != q.Allowed {
					t.Errorf("seed %d: %s %s: %v %v", seed, x.Name, q.String(), got.Effect, q.Err)
				}
			}
		}
	}
	if identities < 20 || tests < 6 || limits < 20 {
		t.Errorf("only %d identities, %d tests and %d limits were seen", identities, tests, limits)
	}
}

// What goes beyond a ceiling is what a slow look at each operation and scope finds.
func TestExcessAgainstEachOperation(t *testing.T) {
	const base = `tenant t
subscription prod
rg orders in prod
rg other in prod
keyvault kv in orders .enableRbacAuthorization=true
secret one in kv
secret two in kv
storage files in orders
container pics in files
webapp api in orders system
`
	roles := []string{"Reader", "Key Vault Secrets User", "Key Vault Secrets Officer", "Contributor", "Storage Blob Data Reader", "Storage Blob Data Contributor", "Owner", "Key Vault Reader"}
	places := []string{"prod", "orders", "other", "kv", "one", "two", "files", "pics"}
	random := rand.New(rand.NewPCG(7, 7))
	_, cat := parse(t, base)
	beyond := 0
	operations := telling(cat)
	for round := range 20 {
		var grants, ceiling strings.Builder
		for range 1 + random.IntN(3) {
			fmt.Fprintf(&grants, "assign api %q at %s\n", roles[random.IntN(len(roles))], places[random.IntN(len(places))])
		}
		for range random.IntN(8) {
			fmt.Fprintf(&ceiling, "{role: %s, at: %s}, ", roles[random.IntN(len(roles))], places[random.IntN(len(places))])
		}
		s, _ := parse(t, base+grants.String())
		b := bind(t, s, "  api: {address: api, type: SystemAssigned, ceiling: ["+strings.TrimSuffix(ceiling.String(), ", ")+"]}\n")
		actual, allowed := authz.New(s, authz.Options{Catalog: cat}), authz.New(b.Allowed(cat), authz.Options{Catalog: cat})
		x := &b.Bindings[0]
		got, err := x.Excess(actual, allowed)
		if err != nil {
			t.Fatal(err)
		}
		what := ""
		for _, at := range scopesOf(s) {
			for _, i := range operations {
				plane, _ := cat.Plane(i)
				q := authz.Request{Principal: x.Held, Operation: cat.Operation(i), Plane: plane, Resource: at}
				if actual.Check(q).Effect == authz.Allowed && allowed.Check(q).Effect != authz.Allowed {
					what = fmt.Sprintf("%s at %s", cat.Operation(i), at)
					break
				}
			}
		}
		if (what != "") != (len(got.OnlyA) > 0) {
			t.Errorf("round %d: with\n%sand [%s] %d beyond, and one by one: %q", round, grants.String(), ceiling.String(), len(got.OnlyA), what)
		}
		if what != "" {
			beyond++
		}
	}
	if beyond == 0 || beyond == 20 {
		t.Errorf("%d of 20 go beyond: the rounds tell too little", beyond)
	}
}

// telling are the operations by which the roles of the test differ: those of their services,
// and every two hundredth of all others.
func telling(cat *catalog.Catalog) []int {
	var out []int
	for i := range cat.NumOperations() {
		key := string(cat.Operation(i).Key())
		plane, _ := cat.Plane(i)
		ours := strings.HasPrefix(key, "microsoft.keyvault/vaults/") || strings.HasPrefix(key, "microsoft.storage/storageaccounts/blobservices/") || strings.HasPrefix(key, "microsoft.authorization/roleassignments/")
		if plane != mivet.PlaneUnknown && (ours || i%200 == 0) {
			out = append(out, i)
		}
	}
	return out
}

// scopesOf are the subscription, the groups and the resources of a tenant.
func scopesOf(s *mivet.Snapshot) []arm.ID {
	var out []arm.ID
	for i := range s.Subscriptions {
		out = append(out, s.Subscriptions[i].ID)
	}
	for i := range s.Resources {
		out = append(out, s.Resources[i].ID)
	}
	return out
}
