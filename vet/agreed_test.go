// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

const agreedTenant = `tenant t taken=2026-11-20
subscription prod id=3d0c6b04-bb0e-4a0f-94d8-1f3b8a1e6c02
rg g in prod tag.owner=team
webapp api in g system
webapp web in g system
assign api Reader at g
`

func agreed(t *testing.T, text string) *contract.Contract {
	t.Helper()
	d, err := contract.Read("c.yaml", func(string) ([]byte, error) { return []byte("contract: 1\n" + text), nil })
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.For("")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// spy is a rule that reports every identity, and hands out its pass.
func spy(look func(*vet.Pass)) *vet.Rule {
	const url = "https://example.com/a"
	return &vet.Rule{
		ID: "spy", Title: "Spy", Category: "test", Severity: mivet.SeverityLow, Class: "contract-violated", Since: "0.1.0",
		Doc:   "# spy\n\nx\n\n## Why it matters\n\nx\n\n## How to fix it\n\nx\n\n## When it is right\n\nx\n\n## Sources\n\n" + url + "\n",
		Needs: []mivet.FactKind{mivet.FactIdentities}, Sources: []vet.Citation{{Title: "t", URL: url, Read: "2026-01-01"}},
		Check: func(p *vet.Pass) error {
			look(p)
			for _, id := range p.Identities() {
				p.Report(mivet.Finding{Subject: p.SubjectOf(id.Principal), Message: "it is there", Source: id.Source})
			}
			return nil
		},
	}
}

func TestContractInRun(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Parse("t.tenant", strings.NewReader(agreedTenant), tenant.Options{Role: func(n string) (mivet.RoleID, bool) { return cat.RoleByName(n).ID, true }})
	if err != nil {
		t.Fatal(err)
	}
	c := agreed(t, `stages: {prod: {environment: production, subscriptions: [3D0C6B04-bb0e-4a0f-94d8-1f3b8a1e6c02]}}
identities:
  orders-api: {address: api, type: SystemAssigned, ceiling: []}
exceptions:
  - {rule: spy, identity: orders-api, reason: r, owner: o, expires: 2027-01-01}
  - {rule: other, match: '*', reason: r, owner: o, expires: 2027-01-01}
`)
	look := func(p *vet.Pass) {
		b := p.Contract()
		if b == nil || b.Bindings[0].Presence != contract.Present || p.Allowed() == nil {
			t.Errorf("the contract is not bound: %+v", b)
		}
		if env := p.Environment(s.Resources[0].ID); env != "production" {
			t.Errorf("the environment of the stage is %q", env)
		}
	}
	res, err := vet.Run(s, []*vet.Rule{spy(look)}, vet.Options{Catalog: cat, Now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Contract: c})
	if err != nil {
		t.Fatal(err)
	}
	r := &res.Rules[0]
	if len(r.Findings) != 1 || len(r.Suppressed) != 1 || r.Suppressed[0].By.Match != "orders-api" || r.Suppressed[0].By.Place() != "c.yaml:6" {
		t.Errorf("open %+v, accepted %+v", r.Findings, r.Suppressed)
	}
	none := func(p *vet.Pass) {
		if p.Contract() != nil || p.Allowed() != nil {
			t.Error("there is a contract")
		}
	}
	if _, err := vet.Run(s, []*vet.Rule{spy(none)}, vet.Options{Catalog: cat}); err != nil {
		t.Fatal(err)
	}
	if owner := vet.Owners(s, vet.Settings{})(s.Resources[1].ID, mivet.Source{}); owner != "team" {
		t.Errorf("the owner is %q", owner)
	}
}

func TestApplyContract(t *testing.T) {
	c := agreed(t, "identities: {api: {address: api, type: SystemAssigned}}\n")
	edits := []mivet.Edit{{Kind: mivet.EditContract, Name: "api.owner", Value: "team"}, {Kind: mivet.EditSetTag}}
	if now := vet.ApplyContract(c, edits); now.Identities[0].Owner != "team" || c.Identities[0].Owner != "" {
		t.Errorf("%+v", now.Identities)
	}
	if vet.ApplyContract(nil, edits) != nil {
		t.Error("nothing becomes something")
	}
	s := &mivet.Snapshot{}
	if _, err := vet.Apply(s, edits[:1]); err != nil {
		t.Errorf("it is no change of facts: %v", err)
	}
	for form, text := range map[string]string{
		"az": strings.Join(vet.AzCommands(edits[:1]), ""), "terraform": vet.Terraform(edits[:1]), "bicep": vet.Bicep(edits[:1]),
	} {
		if !strings.Contains(text, "in the contract: api.owner: team") {
			t.Errorf("%s: %q", form, text)
		}
	}
	if _, err := vet.PatchTenant(s, "t", nil, edits[:1]); err == nil {
		t.Error("a tenant is patched")
	}
}
