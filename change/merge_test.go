// SPDX-License-Identifier: Apache-2.0

package change

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func id(t testing.TB, s string) arm.ID {
	t.Helper()
	v, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sameIDs lets go-cmp compare resource IDs as Azure does.
var sameIDs = cmp.Comparer(func(a, b arm.ID) bool { return a.Equal(b) })

const vaultID = "/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"

func TestMergeLeavesOneInputAlone(t *testing.T) {
	s := &mivet.Snapshot{RoleAssignments: make([]mivet.RoleAssignment, 2)}
	if got := Merge([]*mivet.Snapshot{s}); got != s {
		t.Error("the only input was copied")
	}
}

func TestMergeResources(t *testing.T) {
	old := &mivet.Snapshot{
		Inputs: []string{"old"},
		Resources: []mivet.Resource{
			{
				ID: id(t, vaultID), Location: "westeurope",
				Detail: &mivet.Detail{Kind: "v", Tags: map[string]string{"a": "1"}, Settings: map[string]string{"x": "1", "y": "1"}},
			},
			{ID: id(t, "/subscriptions/1/resourceGroups/g")},
		},
	}
	recent := &mivet.Snapshot{
		Inputs: []string{"new"}, TakenAt: time.Unix(1, 0),
		Resources: []mivet.Resource{
			{
				ID:     id(t, "/SUBSCRIPTIONS/1/resourcegroups/G/providers/microsoft.keyvault/vaults/KV"),
				Detail: &mivet.Detail{Settings: map[string]string{"y": "2"}},
			},
		},
	}
	got := Merge([]*mivet.Snapshot{old, recent})
	want := []mivet.Resource{
		{
			ID: id(t, vaultID), Location: "westeurope",
			Detail: &mivet.Detail{Kind: "v", Tags: map[string]string{"a": "1"}, Settings: map[string]string{"x": "1", "y": "2"}},
		},
		{ID: id(t, "/subscriptions/1/resourceGroups/g")},
	}
	if d := cmp.Diff(want, got.Resources, sameIDs); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"old", "new"}, got.Inputs); d != "" {
		t.Error(d)
	}
	if old.Resources[0].Detail.Settings["y"] != "1" {
		t.Error("the detail of an input was changed")
	}
}

func TestMergeAssignments(t *testing.T) {
	at := id(t, vaultID)
	name := func(s string) arm.ID {
		return id(t, vaultID+"/providers/Microsoft.Authorization/roleAssignments/"+s)
	}
	got := Merge([]*mivet.Snapshot{
		{RoleAssignments: []mivet.RoleAssignment{
			{ID: name("a"), Role: "r1", Principal: "p", Scope: at, Description: "why"},
			{ID: name("b"), Role: "r2", Principal: "p", Scope: at},
			{Role: "r3", Principal: "p", Scope: at},
			{Role: "r3", Principal: "p", Scope: at, Eligible: true},
		}},
		{RoleAssignments: []mivet.RoleAssignment{
			{ID: name("a"), Role: "r1", Principal: "q", Scope: at},
			{Role: "r2", Principal: "p", Scope: at, Condition: "c"},
			{ID: name("c"), Role: "r3", Principal: "p", Scope: at},
		}},
	})
	want := []mivet.RoleAssignment{
		{ID: name("a"), Role: "r1", Principal: "q", Scope: at, Description: "why"},
		{ID: name("b"), Role: "r2", Principal: "p", Scope: at, Condition: "c"},
		{ID: name("c"), Role: "r3", Principal: "p", Scope: at},
		{Role: "r3", Principal: "p", Scope: at, Eligible: true},
	}
	if d := cmp.Diff(want, got.RoleAssignments, sameIDs); d != "" {
		t.Errorf("assignments (-want +got):\n%s", d)
	}
}

// Reading an input twice adds no fact, whatever the kind.
func TestMergeIsIdempotent(t *testing.T) {
	at := id(t, vaultID)
	s := &mivet.Snapshot{
		ManagementGroups:     []mivet.ManagementGroup{{ID: id(t, "/providers/Microsoft.Management/managementGroups/m")}},
		Subscriptions:        []mivet.Subscription{{ID: id(t, "/subscriptions/1")}},
		Resources:            []mivet.Resource{{ID: at}},
		Identities:           []mivet.Identity{{Kind: mivet.SystemAssigned, Resource: at, Principal: "p"}},
		Principals:           []mivet.Principal{{ID: "p"}},
		Memberships:          []mivet.Membership{{Group: "g", Member: "p"}},
		FederatedCredentials: []mivet.FederatedCredential{{Identity: at, Name: "f"}},
		RoleDefinitions:      []mivet.RoleDefinition{{ID: "r"}},
		RoleAssignments:      []mivet.RoleAssignment{{Role: "r", Principal: "p", Scope: at}},
		DenyAssignments:      []mivet.DenyAssignment{{ID: at, Scope: at}},
		AccessPolicies:       []mivet.AccessPolicy{{Vault: at, Principal: "p"}},
		LocalRoles:           []mivet.LocalRole{{System: mivet.LocalCosmos, Account: at, ID: "r"}},
		LocalGrants:          []mivet.LocalAssignment{{System: mivet.LocalCosmos, Account: at, Role: "r", Principal: "p"}},
		PathACLs:             []mivet.PathACL{{Container: at, Path: "/", Tag: "user", Principal: "p"}},
		AppRoles:             []mivet.AppRoleAssignment{{Principal: "p", API: "a", RoleID: "r"}},
		DirectoryRoles:       []mivet.DirectoryRoleAssignment{{Principal: "p", RoleID: "r"}},
		Delegations:          []mivet.Delegation{{ID: at}},
		Locks:                []mivet.Lock{{ID: at}},
	}
	got := Merge([]*mivet.Snapshot{s, s})
	if d := cmp.Diff(s, got, sameIDs); d != "" {
		t.Errorf("read twice (-once +twice):\n%s", d)
	}
}

func TestMergePeople(t *testing.T) {
	got := Merge([]*mivet.Snapshot{
		{
			Principals: []mivet.Principal{{ID: "p", Name: "orders", Type: mivet.TypeServicePrincipal, Managed: true}},
			Identities: []mivet.Identity{{Kind: mivet.UserAssigned, Resource: id(t, vaultID), Principal: "p", ClientID: "c"}},
		},
		{
			Principals: []mivet.Principal{{ID: "p", ClientID: "c"}},
			Identities: []mivet.Identity{{Kind: mivet.UserAssigned, Resource: id(t, vaultID), Principal: "q"}},
		},
	})
	wantPrincipals := []mivet.Principal{{ID: "p", Name: "orders", Type: mivet.TypeServicePrincipal, Managed: true, ClientID: "c"}}
	wantIdentities := []mivet.Identity{{Kind: mivet.UserAssigned, Resource: id(t, vaultID), Principal: "q", ClientID: "c"}}
	if d := cmp.Diff(wantPrincipals, got.Principals); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(wantIdentities, got.Identities, sameIDs); d != "" {
		t.Error(d)
	}
}

// A later input tells that a principal is another one; the earlier one is kept as former.
func TestMergeKeepsFormerPrincipals(t *testing.T) {
	app := id(t, "/subscriptions/1/resourceGroups/g/providers/Microsoft.Web/sites/a")
	with := func(p mivet.PrincipalID) *mivet.Snapshot {
		return &mivet.Snapshot{Identities: []mivet.Identity{{Kind: mivet.SystemAssigned, Resource: app, Principal: p}}}
	}
	f := func(want []mivet.PrincipalID, snaps ...*mivet.Snapshot) {
		t.Helper()
		got := Merge(snaps)
		var former []mivet.PrincipalID
		for _, d := range got.Declarations {
			former = append(former, d.FormerPrincipals...)
		}
		if d := cmp.Diff(want, former); d != "" || len(got.Identities) != 1 {
			t.Errorf("%d identities; former principals (-want +got):\n%s", len(got.Identities), d)
		}
	}
	f(nil, with("p"), with("p"))
	f(nil, with(""), with("p"))
	f(nil, with("p"), with(""))
	f([]mivet.PrincipalID{"p"}, with("p"), with("q"))
	f([]mivet.PrincipalID{"p", "q"}, with("p"), with("q"), with("r"))
}

// A plan that deletes a grant takes it out of what a state or a snapshot says.
func TestMergeDeletes(t *testing.T) {
	vault := id(t, vaultID)
	ra := id(t, vaultID+"/providers/Microsoft.Authorization/roleAssignments/1")
	at := func(address string) mivet.Source { return mivet.Source{Origin: &mivet.Origin{Address: address}} }
	old := func() *mivet.Snapshot {
		return &mivet.Snapshot{
			RoleAssignments: []mivet.RoleAssignment{{ID: ra, Principal: "p", Scope: vault}, {Principal: "q", Scope: vault, Source: at("ra.a")}},
			AccessPolicies:  []mivet.AccessPolicy{{Vault: vault, Principal: "p", Source: at("ap.a")}, {Vault: vault, Principal: "q", Source: at("ap.a")}},
			LocalGrants:     []mivet.LocalAssignment{{Account: vault, Principal: "p", Source: at("lg.a")}},
		}
	}
	f := func(want string, declarations ...mivet.Declaration) {
		t.Helper()
		got := Merge([]*mivet.Snapshot{old(), {Declarations: declarations}})
		var have strings.Builder
		for _, a := range got.RoleAssignments {
			have.WriteString("role " + string(a.Principal) + " ")
		}
		for _, p := range got.AccessPolicies {
			have.WriteString("policy " + string(p.Principal) + " ")
		}
		for _, g := range got.LocalGrants {
			have.WriteString("local " + string(g.Principal) + " ")
		}
		if have.String() != want {
			t.Errorf("got %q, want %q", have.String(), want)
		}
	}
	gone := func(address string, id arm.ID, actions ...string) mivet.Declaration {
		return mivet.Declaration{Address: address, Resource: id, Actions: actions, Grant: true}
	}
	ends := mivet.Declaration{Address: "app", Actions: []string{"delete", "create"}, FormerPrincipals: []mivet.PrincipalID{"p"}}
	f("role p role q policy p policy q local p ")
	f("role p role q policy p policy q local p ", gone("x", ra, "update"), gone("ap.a", arm.ID{}, "delete"))
	f("role q policy p policy q local p ", gone("x", ra, "delete", "create"))
	f("role p role q policy q ", gone("ap.a", arm.ID{}, "delete", "create"), gone("lg.a", arm.ID{}, "delete"), gone("ra.a", arm.ID{}, "delete"), ends)
}
