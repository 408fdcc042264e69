// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func testFaults(t *testing.T, what string, got []Fault, want Validity, says string) {
	t.Helper()
	if v := ValidityOf(got); v != want {
		t.Errorf("%s is %s, want %s: %+v", what, v, want, got)
	}
	found := says == ""
	for _, fault := range got {
		found = found || strings.Contains(fault.What+" "+fault.Code, says)
		if fault.Source == "" || fault.What == "" {
			t.Errorf("%s: %+v has no source or says nothing", what, fault)
		}
	}
	if !found {
		t.Errorf("%s: no fault says %q: %+v", what, says, got)
	}
}

func scopeOf(t *testing.T, text string) arm.ID {
	t.Helper()
	id, err := arm.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestRoleFaults(t *testing.T) {
	const (
		subscription = "/subscriptions/s"
		group        = "/providers/Microsoft.Management/managementGroups/g"
	)
	f := func(change func(*mivet.RoleDefinition), want Validity, says string) {
		t.Helper()
		d := mivet.RoleDefinition{Name: "Custom", AssignableScopes: []string{subscription}, Permissions: []mivet.Permission{{Actions: []string{"*/read"}}}}
		change(&d)
		testFaults(t, fmt.Sprint(d), RoleFaults(&d), want, says)
	}
	scopes := func(s ...string) func(*mivet.RoleDefinition) {
		return func(d *mivet.RoleDefinition) { d.AssignableScopes = s }
	}
	actions := func(s ...string) func(*mivet.RoleDefinition) {
		return func(d *mivet.RoleDefinition) { d.Permissions[0].Actions = s }
	}
	f(func(*mivet.RoleDefinition) {}, Accepted, "")
	f(scopes(subscription, "/subscriptions/t/resourceGroups/r"), Accepted, "")
	f(scopes(group, subscription), Accepted, "")
	// Not recommended, but possible (role-definitions.md).
	f(scopes("/subscriptions/s/resourceGroups/r/providers/Microsoft.KeyVault/vaults/v"), Accepted, "")
	f(func(d *mivet.RoleDefinition) {
		d.AssignableScopes = []string{group}
		d.Permissions[0].DataActions = []string{"Microsoft.KeyVault/vaults/secrets/*"}
	}, Accepted, "")
	f(scopes(), Rejected, "no assignable scope")
	f(scopes("/"), Rejected, "the root")
	f(scopes("/subscriptions/*"), Rejected, "wildcard")
	f(scopes("nowhere"), Rejected, "is no scope")
	f(scopes(group, group+"2"), Rejected, "more than one management group")
	f(scopes(strings.Split(strings.Repeat(subscription+" ", 2001), " ")[:2001]...), Rejected, "more than 2000")
	f(scopes(strings.Split(strings.Repeat(subscription+" ", 2000), " ")[:2000]...), Accepted, "")
	f(actions("Microsoft.Compute/*/read"), Accepted, "")
	f(actions("Microsoft.Compute/*/*/read"), Rejected, "more than one wildcard")
	f(func(d *mivet.RoleDefinition) { d.Permissions[0].NotDataActions = []string{"*/*"} }, Rejected, "more than one wildcard")
	f(actions("a b\x00"), Rejected, "is none")
	f(func(d *mivet.RoleDefinition) { d.Name = "" }, Rejected, "a name")
	f(func(d *mivet.RoleDefinition) { d.Name = strings.Repeat("é", 512) }, Accepted, "")
	f(func(d *mivet.RoleDefinition) { d.Name = strings.Repeat("n", 513) }, Rejected, "512")
	f(func(d *mivet.RoleDefinition) { d.Description = strings.Repeat("n", 2049) }, Rejected, "2048")
	f(func(d *mivet.RoleDefinition) {
		*d = mivet.RoleDefinition{BuiltIn: true, AssignableScopes: []string{"/"}}
	}, Accepted, "")
}

func TestAssignmentFaults(t *testing.T) {
	const (
		subscription = "/subscriptions/s"
		group        = "/providers/Microsoft.Management/managementGroups/g"
	)
	data := mivet.RoleDefinition{ID: "r", Permissions: []mivet.Permission{
		{Actions: []string{"*/read"}, NotActions: []string{"a/b/read"}},
		{DataActions: []string{"Microsoft.Storage/*"}, NotDataActions: []string{"Microsoft.Storage/x/y"}},
	}}
	builtIn := data
	builtIn.BuiltIn = true
	bound := mivet.RoleDefinition{ID: "r", AssignableScopes: []string{"/subscriptions/t"}}
	f := func(role *mivet.RoleDefinition, change func(*mivet.RoleAssignment), want Validity, says string, others ...mivet.RoleAssignment) {
		t.Helper()
		a := mivet.RoleAssignment{Role: "r", Principal: "p", Scope: scopeOf(t, subscription)}
		change(&a)
		testFaults(t, fmt.Sprintf("%+v", a), AssignmentFaults(&a, role, others), want, says)
	}
	same := func(*mivet.RoleAssignment) {}
	at := func(s string) func(*mivet.RoleAssignment) {
		return func(a *mivet.RoleAssignment) { a.Scope = scopeOf(t, s) }
	}
	conditioned := func(text, version string) func(*mivet.RoleAssignment) {
		return func(a *mivet.RoleAssignment) { a.Condition, a.ConditionVersion = text, version }
	}
	f(nil, same, Accepted, "")
	f(&data, same, Accepted, "")
	f(&data, at(group), Rejected, "cannot be assigned at a management group")
	f(&builtIn, at(group), Accepted, "")
	f(&mivet.RoleDefinition{}, at(group), Accepted, "")
	f(&bound, same, Rejected, "assignable scope")
	f(&bound, at("/subscriptions/t/resourceGroups/r"), Accepted, "")
	f(&mivet.RoleDefinition{AssignableScopes: []string{group}}, same, Accepted, "")
	f(&mivet.RoleDefinition{AssignableScopes: []string{"?"}}, same, Accepted, "")

	const guids = "@Resource[a:b] GuidEquals 11111111-1111-1111-1111-111111111111"
	f(&data, conditioned(guids, "2.0"), FailsAtUse, "AuthorizationFailed")
	f(nil, conditioned(guids, "2.0"), Accepted, "")
	f(&data, conditioned("@Resource[a:b] StringEquals 'x'", "2.0"), Accepted, "")
	f(nil, conditioned("@Resource[a:b] StringEquals 'x'", "1.0"), Rejected, "1.0")
	f(nil, conditioned("@Resource[a:b] StringEquals 'x", "2.0"), Rejected, "")
	f(nil, conditioned("@Resource[a:b] StringEquals '"+strings.Repeat("x", 8192)+"'", "2.0"), Rejected, "8 kB")
	f(nil, func(a *mivet.RoleAssignment) { a.Description = strings.Repeat("x", 2049) }, Rejected, "2 kB")

	eligible := func(typ mivet.PrincipalType, condition string) func(*mivet.RoleAssignment) {
		return func(a *mivet.RoleAssignment) { a.Eligible, a.PrincipalType, a.Condition = true, typ, condition }
	}
	f(nil, eligible(mivet.TypeServicePrincipal, ""), Rejected, "cannot be eligible")
	f(nil, eligible(mivet.TypeUser, ""), Accepted, "")
	f(nil, eligible(mivet.TypeUser, "@Resource[a:b] StringEquals 'x'"), Accepted, "")
	f(nil, eligible(mivet.TypeUser, "@Principal[a:b] StringEquals 'x'"), Rejected, "attributes of the principal")
	f(nil, func(a *mivet.RoleAssignment) { a.PrincipalType = mivet.TypeServicePrincipal }, Accepted, "")

	id := scopeOf(t, subscription+"/providers/Microsoft.Authorization/roleAssignments/1")
	other := mivet.RoleAssignment{ID: id, Role: "r", Principal: "p", Scope: scopeOf(t, "/subscriptions/S")}
	f(nil, same, Rejected, "already", other)
	f(nil, conditioned("@Resource[a:b] StringEquals 'x'", "2.0"), Rejected, "side by side", other)
	f(nil, func(a *mivet.RoleAssignment) { a.ID = id }, Accepted, "", other)
	f(nil, func(a *mivet.RoleAssignment) { a.ID, a.Principal = id, "q" }, Rejected, "RoleAssignmentUpdateNotPermitted", other)
	f(nil, func(a *mivet.RoleAssignment) { a.Principal = "q" }, Accepted, "", other)

	many := func(scope string, n int) []mivet.RoleAssignment {
		list := make([]mivet.RoleAssignment, n)
		for i := range list {
			list[i] = mivet.RoleAssignment{Principal: "other", Role: "r", Scope: scopeOf(t, scope)}
		}
		return list
	}
	f(nil, same, Rejected, "RoleAssignmentLimitExceeded", many(subscription+"/resourceGroups/r", 4000)...)
	f(nil, same, Accepted, "", many(subscription, 3999)...)
	f(nil, same, Accepted, "", many("/subscriptions/t", 4000)...)
	f(nil, at(group), Rejected, "500", many(group, 500)...)
	f(nil, at(group), Accepted, "", many(group, 499)...)
	f(nil, at("/"), Accepted, "", many("/", 5000)...)
}

func TestDenyFaults(t *testing.T) {
	f := func(change func(*mivet.DenyAssignment), want Validity, says string) {
		t.Helper()
		d := mivet.DenyAssignment{
			Principals: []mivet.PrincipalID{mivet.Everyone}, Excluded: []mivet.PrincipalID{"admin"},
			Permissions: []mivet.Permission{{Actions: []string{"*/delete", "Microsoft.Storage/storageAccounts/*"}}},
		}
		change(&d)
		testFaults(t, fmt.Sprintf("%+v", d), DenyFaults(&d), want, says)
	}
	f(func(*mivet.DenyAssignment) {}, Accepted, "")
	f(func(d *mivet.DenyAssignment) { d.Principals, d.Excluded = []mivet.PrincipalID{"p"}, nil }, Accepted, "")
	f(func(d *mivet.DenyAssignment) { d.Excluded = nil }, Rejected, "needs a principal")
	f(func(d *mivet.DenyAssignment) { d.Excluded = []mivet.PrincipalID{mivet.Everyone} }, Rejected, "cannot be excluded")
	f(func(d *mivet.DenyAssignment) { d.Principals = []mivet.PrincipalID{"p", "q"} }, Rejected, "one user")
	f(func(d *mivet.DenyAssignment) { d.ThisScopeOnly = true }, Rejected, "child scopes")
	f(func(d *mivet.DenyAssignment) { d.Permissions = nil }, Rejected, "no action")
	f(func(d *mivet.DenyAssignment) { d.Permissions[0].Actions = []string{"*/Read"} }, Rejected, "read actions")
	f(func(d *mivet.DenyAssignment) { d.Permissions[0].Actions = []string{"a b\x00"} }, Rejected, "is none")
	f(func(d *mivet.DenyAssignment) { d.Permissions[0].DataActions = []string{"*"} }, Rejected, "data actions")
	f(func(d *mivet.DenyAssignment) { d.Permissions[0].NotDataActions = []string{"*"} }, Rejected, "data actions")
	testFaults(t, "a user", DeniedTypeFaults(mivet.TypeUser), Accepted, "")
	testFaults(t, "a group", DeniedTypeFaults(mivet.TypeGroup), Rejected, "Group")
}

func TestValidityNames(t *testing.T) {
	if Rejected.String() != "rejected" || Validity(9).String() != "invalid" {
		t.Error(Rejected, Validity(9))
	}
}

func ExampleRoleFaults() {
	role := mivet.RoleDefinition{Name: "Too much", AssignableScopes: []string{"/"}}
	for _, fault := range RoleFaults(&role) {
		fmt.Println(fault.Validity, "-", fault.What)
	}
	// Output:
	// rejected - its assignable scope is the root, which built-in roles have alone
}
