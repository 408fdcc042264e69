// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

// Rules that run side by side get the same answers from what they share.
func TestRulesRunSideBySide(t *testing.T) {
	s, err := tenant.Generate(tenant.SizeOf(10_000)) // from so many on they do
	if err != nil {
		t.Fatal(err)
	}
	const copies = 4
	for i := range s.RoleAssignments[:50] {
		a := &s.RoleAssignments[i]
		s.AccessTests = append(s.AccessTests, mivet.AccessTest{Principal: a.Principal, Resource: a.Scope, Allowed: true})
	}
	said := make([]string, copies)
	rules := make([]*vet.Rule, copies)
	for n := range rules {
		r := goodRule()
		r.ID = fmt.Sprintf("some-rule-%c", 'a'+n)
		r.Doc = strings.Replace(goodPage, "some-rule", r.ID, 1)
		r.Check = func(p *vet.Pass) error {
			said[n] = everything(p)
			return nil
		}
		rules[n] = r
	}
	if _, err := vet.Run(s, rules, vet.Options{Catalog: openCatalog(t), Now: now}); err != nil {
		t.Fatal(err)
	}
	for n := range said {
		if said[n] != said[0] || said[n] == "" {
			t.Errorf("rule %d was told something else than the first", n)
		}
	}
}

// everything asks a pass for what rules share.
func everything(p *vet.Pass) string {
	var b strings.Builder
	scopes := []string{"", "/"}
	for i := range p.Snapshot.ManagementGroups {
		scopes = append(scopes, p.Snapshot.ManagementGroups[i].ID.String())
	}
	for _, text := range scopes {
		var scope arm.ID
		if err := scope.UnmarshalText([]byte(text)); err != nil {
			return err.Error()
		}
		for _, kind := range []string{"Microsoft.KeyVault/vaults", "Microsoft.Storage/storageAccounts"} {
			fmt.Fprintln(&b, text, kind, len(p.OfType(kind, scope)))
		}
	}
	for _, id := range p.Workers()[:200] {
		fmt.Fprintln(&b, id, len(p.Holdings(id)), p.ReachBy(id), len(p.Policies(id)), p.HoldsAnything(id))
	}
	for _, a := range p.Assignments()[:200] {
		needed, known := p.Needs(a)
		fmt.Fprintln(&b, a.ID, p.Role(a).Powers, p.Environment(a.Scope), p.ScopeWords(a.Scope), len(needed), known)
	}
	return b.String()
}
