// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
)

// BloodHound draws an edge where the role of an assignment is one of eleven. It follows
// containment for three of them; the others count at the object itself alone
// (SpecterOps/BloodHound packages/go/ein/azure.go).
var (
	bloodhoundInherited = []mivet.RoleID{
		"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", // Owner
		"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", // User Access Administrator
		"b24988ac-6180-42a0-ab88-20f7382dd24c", // Contributor
	}
	bloodhoundExact = map[mivet.RoleID][]string{
		"9980e02c-c2be-4d73-94e8-173b1dc7cf3c": {"Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachineScaleSets"},
		"1c0163c0-47e6-4577-8991-ea5c82e286e4": {"Microsoft.Compute/virtualMachines"},
		"4f8fab4f-1852-4a58-a46a-8eaf358af14a": {"Microsoft.Compute/virtualMachines"},
		"de139f84-1756-47ae-9be6-808fbbe84772": {"Microsoft.Web/sites"},
		"f353d9bd-d4a6-484e-a77a-8050b599b867": {"Microsoft.Automation/automationAccounts"},
		"87a39d53-fc1b-424a-814c-f7e04687dc9e": {"Microsoft.Logic/workflows"},
	}
	// What runs nobody's code with the identity of the resource: the edge is false.
	bloodhoundFalse = []string{"Microsoft.ContainerRegistry/registries"}
)

// bloodhoundEdges are the edges from a principal over a resource to its identities.
func bloodhoundEdges(s *mivet.Snapshot) map[string]bool {
	x := mivet.NewIndex(s)
	out := map[string]bool{}
	for i := range s.RoleAssignments {
		a := &s.RoleAssignments[i]
		for k := range s.Resources {
			r := &s.Resources[k]
			inherited := slices.Contains(bloodhoundInherited, a.Role) && a.Scope.Contains(r.ID)
			exact := a.Scope.Equal(r.ID) && slices.ContainsFunc(bloodhoundExact[a.Role], func(t string) bool { return r.ID.HasType(t) })
			if !inherited && !exact || slices.ContainsFunc(bloodhoundFalse, func(t string) bool { return r.ID.HasType(t) }) {
				continue
			}
			for _, p := range identitiesOf(x, r) {
				if p != a.Principal {
					out[edgeName(a.Principal, p)] = true
				}
			}
		}
	}
	return out
}

func edgeName(from, to mivet.PrincipalID) string { return fmt.Sprintf("%s > %s", from, to) }

func identitiesOf(x *mivet.Index, r *mivet.Resource) []mivet.PrincipalID {
	var out []mivet.PrincipalID
	if r.Identity == nil {
		return nil
	}
	if r.Identity.SystemPrincipal != "" {
		out = append(out, r.Identity.SystemPrincipal)
	}
	for _, u := range r.Identity.User {
		if m := x.UserAssigned(u); m != nil && m.Principal != "" {
			out = append(out, m.Principal)
		}
	}
	return out
}

// Every edge that BloodHound's table of roles gives is found, less those that are false;
// and none to the principal of a managed identity by adding a secret.
func TestAzureHoundPaths(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	table, err := execpath.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/azurehound.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadAzureHound(t.Context(), "azurehound.json", strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	e := authz.New(s, authz.Options{Catalog: cat})
	g := execpath.New(s, e, execpath.Options{Catalog: cat, Table: table})
	found := map[string]bool{}
	for i := range s.RoleAssignments {
		p := s.RoleAssignments[i].Principal
		for _, to := range g.Reachable(p, execpath.Possible) {
			found[edgeName(p, to)] = true
		}
	}
	edges := bloodhoundEdges(s)
	for name := range edges {
		if !found[name] {
			t.Errorf("%s is not found", name)
		}
	}
	t.Logf("%d edges of BloodHound's table, %d pairs found", len(edges), len(found))
	if len(edges) == 0 {
		t.Error("the sample has no edge")
	}
}
