// SPDX-License-Identifier: Apache-2.0

package change

import (
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A resource that is there keeps its principal when a template deploys it; one that a plan
// makes anew does not.
func TestMergeDeployed(t *testing.T) {
	id, err := arm.ParseID("/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/api")
	if err != nil {
		t.Fatal(err)
	}
	symbol := mivet.SymbolicPrincipal(id.String())
	live := &mivet.Snapshot{Identities: []mivet.Identity{{Kind: mivet.SystemAssigned, Resource: id, Principal: "old"}}}
	f := func(action string, want mivet.PrincipalID, former int) {
		t.Helper()
		template := &mivet.Snapshot{
			Declarations:    []mivet.Declaration{{Address: id.String(), Resource: id, Actions: []string{action}}},
			Identities:      []mivet.Identity{{Kind: mivet.SystemAssigned, Resource: id, Principal: symbol}},
			Resources:       []mivet.Resource{{ID: id, Identity: &mivet.Attachment{System: true, SystemPrincipal: symbol}}},
			RoleAssignments: []mivet.RoleAssignment{{Principal: symbol, Scope: id, Role: "r"}},
			AccessPolicies:  []mivet.AccessPolicy{{Principal: symbol, Vault: id}},
			LocalGrants:     []mivet.LocalAssignment{{Principal: symbol, Account: id}},
		}
		s := Merge([]*mivet.Snapshot{live, template})
		for _, got := range []mivet.PrincipalID{
			s.Identities[0].Principal, s.Resources[0].Identity.SystemPrincipal, s.RoleAssignments[0].Principal, s.AccessPolicies[0].Principal,
			s.LocalGrants[0].Principal,
		} {
			if got != want {
				t.Errorf("%s: the principal is %q, want %q", action, got, want)
			}
		}
		if n := len(s.Declarations) - 1; n != former {
			t.Errorf("%s: %d former principals, want %d", action, n, former)
		}
		if template.Identities[0].Principal != symbol {
			t.Error("the template's own facts are changed")
		}
	}
	f("deploy", "old", 0)
	f("create", symbol, 1)
}
