// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// Decisions that Microsoft's pages describe, in our own words. Unless another repository
// is named the page is in MicrosoftDocs/azure-docs, articles/role-based-access-control.

const (
	pharma       = sub + "/resourceGroups/pharma-sales"
	pharmaSt     = pharma + "/providers/Microsoft.Storage/storageAccounts/sample"
	pharmaVM     = pharma + "/providers/Microsoft.Compute/virtualMachines/vm1"
	otherRG      = sub + "/resourceGroups/pharma-sales-2"
	writeVM      = "Microsoft.Compute/virtualMachines/write"
	readVM       = "Microsoft.Compute/virtualMachines/read"
	deleteSt     = "Microsoft.Storage/storageAccounts/delete"
	exports      = "Microsoft.CostManagement/exports/"
	messages     = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/"
	containersOf = "Microsoft.Storage/storageAccounts/blobServices/containers/"
)

// documented is one tenant with the catalogue's roles.
type documented struct {
	s *mivet.Snapshot
	t *testing.T
}

func newDocumented(t *testing.T, grants ...mivet.RoleAssignment) *documented {
	t.Helper()
	return &documented{t: t, s: small(func(s *mivet.Snapshot) { s.RoleAssignments = grants })}
}

// assign is an assignment of a role by its name.
func assign(who mivet.PrincipalID, role, scope string) mivet.RoleAssignment {
	return mivet.RoleAssignment{Principal: who, RoleName: role, Scope: id(scope)}
}

// custom adds a role to the tenant.
func (d *documented) custom(name string, p ...mivet.Permission) *documented {
	d.s.RoleDefinitions = append(d.s.RoleDefinitions, mivet.RoleDefinition{ID: mivet.RoleID(name), Name: name, Permissions: p})
	return d
}

func (d *documented) deny(a mivet.DenyAssignment) *documented {
	d.s.DenyAssignments = append(d.s.DenyAssignments, a)
	return d
}

// is compares an answer. The catalogue decides about the plane.
func (d *documented) is(who mivet.PrincipalID, operation, resource string, effect Effect, cause Cause) *documented {
	d.t.Helper()
	return d.on(mivet.PlaneUnknown, who, operation, resource, effect, cause)
}

func (d *documented) on(plane mivet.Plane, who mivet.PrincipalID, operation, resource string, effect Effect, cause Cause) *documented {
	d.t.Helper()
	e := New(d.s, Options{Catalog: theCatalog(d.t)})
	r := Request{Principal: who, Operation: op(operation), Plane: plane, Resource: id(resource)}
	got := e.Check(r)
	if got.Effect != effect || got.Cause != cause {
		d.t.Errorf("%s on %s: %s because of %s, want %s because of %s", operation, resource, got.Effect, got.Cause, effect, cause)
	}
	if x := e.Explain(r); x.Decision != got {
		d.t.Errorf("Check says %+v, Explain %+v", got, x.Decision)
	}
	return d
}

func TestDocumentedRoles(t *testing.T) {
	// role-definitions.md, "Data actions example": Owner of the subscription manages the
	// account and reads no blob; a contributor to blob data at the account does both for
	// containers and blobs, and does not manage the account.
	newDocumented(t, assign("alice", "Owner", sub), assign("bob", "Storage Blob Data Contributor", pharmaSt)).
		is("alice", containersOf+"blobs/read", pharmaSt+"/blobServices/default/containers/c", Denied, CauseNoGrant).
		is("alice", "Microsoft.Storage/storageAccounts/listKeys/action", pharmaSt, Allowed, CauseGrant).
		is("bob", containersOf+"blobs/read", pharmaSt+"/blobServices/default/containers/c", Allowed, CauseGrant).
		is("bob", containersOf+"write", pharmaSt+"/blobServices/default/containers/c", Allowed, CauseGrant).
		is("bob", containersOf+"blobs/read", pharma, Denied, CauseNoGrant).
		is("bob", "Microsoft.Storage/storageAccounts/write", pharmaSt, Denied, CauseNoGrant)
	// overview.md, "Multiple role assignments": rights add up, a smaller one below takes
	// nothing away.
	newDocumented(t, assign("u", "Contributor", sub), assign("u", "Reader", pharma)).
		is("u", writeVM, pharmaVM, Allowed, CauseGrant)
	// role-definitions.md, "NotActions": Contributor manages all but access, and another
	// role gives what it leaves out.
	newDocumented(t, assign("u", "Contributor", sub), assign("v", "Contributor", sub), assign("v", "User Access Administrator", pharma)).
		is("u", writeRole, pharma, Denied, CauseNoGrant).
		is("u", "Microsoft.Authorization/elevateAccess/Action", sub, Denied, CauseNoGrant).
		is("u", "Microsoft.Resources/deploymentStacks/manageDenySetting/action", pharma, Denied, CauseNoGrant).
		is("u", "Microsoft.Authorization/roleAssignments/read", pharma, Allowed, CauseGrant).
		is("v", writeRole, pharma, Allowed, CauseGrant).
		is("v", writeRole, otherRG, Denied, CauseNoGrant)
	// custom-roles.md, "Custom role properties": letter case does not count.
	newDocumented(t, assign("u", "virtual machine CONTRIBUTOR", "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000001/RESOURCEGROUPS/PHARMA-SALES")).
		is("u", "MICROSOFT.COMPUTE/virtualMachines/START/action", pharma+"/providers/MICROSOFT.compute/VIRTUALMACHINES/VM1", Allowed, CauseGrant)
	// custom-roles.md, "Custom role example": an operator who monitors and restarts.
	newDocumented(t, grantOf("u", "operator", pharma)).
		custom("operator", mivet.Permission{Actions: []string{
			"Microsoft.Storage/*/read", "Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/start/action", "Microsoft.Compute/virtualMachines/restart/action",
		}}).
		is("u", readVM, pharmaVM, Allowed, CauseGrant).
		is("u", "Microsoft.Compute/virtualMachines/restart/action", pharmaVM, Allowed, CauseGrant).
		is("u", "Microsoft.Compute/virtualMachines/deallocate/action", pharmaVM, Denied, CauseNoGrant)
	// key-vault/general/rbac-guide.md (azure-security-docs): a secret's own assignment is
	// no right to list the vault, and none to another secret.
	d := newDocumented(t, assign("u", "Key Vault Secrets User", secret))
	d.s.Resources = []mivet.Resource{vaultWith("true")}
	d.is("u", getSecret, secret, Allowed, CauseGrant).
		is("u", getSecret, vault+"/secrets/other", Denied, CauseNoGrant).
		is("u", listSecrets, vault, Denied, CauseNoGrant)
}

// role-definitions.md, the tables of effective permissions.
func TestDocumentedSubtraction(t *testing.T) {
	f := func(p mivet.Permission, plane mivet.Plane, prefix string, verbs map[string]bool) {
		t.Helper()
		d := newDocumented(t, grantOf("u", "x", sub)).custom("x", p)
		for verb, want := range verbs {
			if want {
				d.on(plane, "u", prefix+verb, sub, Allowed, CauseGrant)
			} else {
				d.on(plane, "u", prefix+verb, sub, Denied, CauseNoGrant)
			}
		}
	}
	control, data := mivet.PlaneControl, mivet.PlaneData
	f(mivet.Permission{Actions: []string{exports + "*"}}, control, exports,
		map[string]bool{"action": true, "read": true, "write": true, "delete": true, "run/action": true})
	f(mivet.Permission{Actions: []string{exports + "*"}, NotActions: []string{exports + "delete"}}, control, exports,
		map[string]bool{"action": true, "read": true, "write": true, "delete": false, "run/action": true})
	f(mivet.Permission{DataActions: []string{messages + "*"}}, data, messages,
		map[string]bool{"read": true, "write": true, "delete": true, "add/action": true, "process/action": true})
	f(mivet.Permission{DataActions: []string{messages + "*"}, NotDataActions: []string{messages + "delete"}}, data, messages,
		map[string]bool{"read": true, "write": true, "delete": false, "add/action": true, "process/action": true})
	// What one object subtracts another grants: subtraction stays inside its object.
	newDocumented(t, grantOf("u", "x", sub)).
		custom("x", mivet.Permission{Actions: []string{"*"}, NotActions: []string{"*/delete"}}, mivet.Permission{Actions: []string{deleteSt}}).
		is("u", deleteSt, pharmaSt, Allowed, CauseGrant).
		is("u", "Microsoft.Compute/virtualMachines/delete", pharmaVM, Denied, CauseNoGrant)
	// The planes do not mix, whatever a name looks like.
	newDocumented(t, grantOf("u", "x", sub), grantOf("v", "y", sub)).
		custom("x", mivet.Permission{Actions: []string{containersOf + "blobs/read"}}).
		custom("y", mivet.Permission{DataActions: []string{readVM}}).
		on(data, "u", containersOf+"blobs/read", pharmaSt, Denied, CauseNoGrant).
		on(control, "v", readVM, pharmaVM, Denied, CauseNoGrant)
}

func TestDocumentedScopes(t *testing.T) {
	// scope-overview.md: what is given above holds below, on whole segments.
	newDocumented(t, assign("u", "Reader", pharma)).
		is("u", readVM, pharmaVM, Allowed, CauseGrant).
		is("u", readVM, pharmaVM+"/extensions/e", Allowed, CauseGrant).
		is("u", readVM, otherRG, Denied, CauseNoGrant).
		is("u", readVM, sub, Denied, CauseNoGrant).
		is("u", "Microsoft.Authorization/roleAssignments/read", pharma+"/providers/Microsoft.Authorization/roleAssignments/a", Allowed, CauseGrant)
	newDocumented(t, assign("u", "Storage Blob Data Reader", pharmaSt+"/blobServices/default/containers/blob-container-01")).
		is("u", containersOf+"blobs/read", pharmaSt+"/blobServices/default/containers/blob-container-01", Allowed, CauseGrant).
		is("u", containersOf+"blobs/read", pharmaSt+"/blobServices/default/containers/blob-container-02", Denied, CauseNoGrant).
		is("u", containersOf+"blobs/read", pharmaSt, Denied, CauseNoGrant)
	// Management groups: the tree decides, over any depth; root is above all of them
	// (elevate-access-global-admin.md).
	d := newDocumented(t, assign("u", "Reader", groupA), assign("v", "Reader", "/"), assign("w", "Reader", groupC))
	d.s.ManagementGroups = []mivet.ManagementGroup{{ID: id(groupA)}, {ID: id(groupB), Parent: id(groupA)}, {ID: id(groupC), Parent: id(groupA)}}
	d.s.Subscriptions[0].Parent = id(groupB)
	d.is("u", readVM, pharmaVM, Allowed, CauseGrant).
		is("v", readVM, pharmaVM, Allowed, CauseGrant).
		is("w", readVM, pharmaVM, Denied, CauseNoGrant).
		is("u", readVM, sub2, Denied, CauseNoGrant).
		is("u", readVM, groupC, Allowed, CauseGrant)
}

func TestDocumentedGroups(t *testing.T) {
	// overview.md, "Role assignments": Marketing may create what it wants in one group.
	d := newDocumented(t, assign("marketing", "Contributor", pharma))
	d.s.Memberships = []mivet.Membership{
		{Group: "marketing", Member: "m"},
		{Group: "marketing", Member: "interns"},
		{Group: "interns", Member: "i"},
		{Group: "interns", Member: "marketing"}, // groups may form a circle
	}
	d.is("m", writeVM, pharmaVM, Allowed, CauseGrant).
		is("i", writeVM, pharmaVM, Allowed, CauseGrant).
		is("interns", writeVM, pharmaVM, Allowed, CauseGrant).
		is("n", writeVM, pharmaVM, Denied, CauseNoGrant).
		is("m", writeVM, sub, Denied, CauseNoGrant)
	// overview.md, step 1: groups come with the caller's token, too.
	e := New(d.s, Options{})
	r := Request{Principal: "n", Groups: []mivet.PrincipalID{"interns"}, Operation: op(writeVM), Plane: mivet.PlaneControl, Resource: id(pharmaVM)}
	d.s.RoleDefinitions = append(d.s.RoleDefinitions, mivet.RoleDefinition{ID: "contributor", Name: "Contributor", Permissions: []mivet.Permission{{Actions: []string{"*"}}}})
	if got := e.Check(r); got.Effect != Unknown || got.Cause != CauseRole {
		t.Errorf("without the role's definition: %+v", got)
	}
	e = New(d.s, Options{})
	if got := e.Check(r); got.Effect != Allowed {
		t.Errorf("with a claimed group: %+v", got)
	}
	via := e.Explain(r).Reasons[0].Via
	if len(via) != 3 || via[0] != "n" || via[1] != "interns" || via[2] != "marketing" {
		t.Errorf("path %v", via)
	}
}

func TestDocumentedDenies(t *testing.T) {
	deny := func(change func(*mivet.DenyAssignment)) mivet.DenyAssignment {
		d := mivet.DenyAssignment{
			Scope: id(pharma), Principals: []mivet.PrincipalID{mivet.Everyone}, Permissions: []mivet.Permission{{Actions: []string{"*/delete"}}},
		}
		change(&d)
		return d
	}
	f := func(effect Effect, cause Cause, resource string, change func(*mivet.DenyAssignment)) {
		t.Helper()
		d := newDocumented(t, assign("u", "Owner", sub)).deny(deny(change))
		d.s.Memberships = []mivet.Membership{{Group: "team", Member: "u"}}
		d.is("u", deleteSt, resource, effect, cause)
	}
	everyone := func(*mivet.DenyAssignment) {}
	// overview.md: a deny assignment blocks even if a role gives access.
	f(Denied, CauseDeny, pharmaSt, everyone)
	f(Allowed, CauseGrant, otherRG, everyone)
	// deny-assignments.md, properties: excluded principals, one's groups included.
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Excluded = []mivet.PrincipalID{"u"} })
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Excluded = []mivet.PrincipalID{"team"} })
	f(Denied, CauseDeny, pharmaSt, func(d *mivet.DenyAssignment) { d.Excluded = []mivet.PrincipalID{"v"} })
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Principals = []mivet.PrincipalID{"v"} })
	f(Denied, CauseDeny, pharmaSt, func(d *mivet.DenyAssignment) { d.Principals = []mivet.PrincipalID{"v", "team"} })
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Excluded, d.Principals = d.Principals, nil })
	// "Does not apply to child scopes".
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.ThisScopeOnly = true })
	f(Denied, CauseDeny, pharma, func(d *mivet.DenyAssignment) { d.ThisScopeOnly = true })
	// Actions less what they leave out, and data actions apart.
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Permissions[0].NotActions = []string{"Microsoft.Storage/*"} })
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) {
		d.Permissions[0] = mivet.Permission{DataActions: []string{"*"}}
	})
	// Azure/bicep-types-az denyAssignments 2024-07-01-preview: audit logs, and blocks nothing.
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Effect = mivet.DenyAudit })
	f(Denied, CauseDeny, pharmaSt, func(d *mivet.DenyAssignment) { d.Effect = mivet.DenyEnforced })
	f(Unknown, CauseDenyUnknown, pharmaSt, func(d *mivet.DenyAssignment) { d.Effect = "later" })
	// Conditions of deny assignments: of the assignment and of a permission.
	f(Denied, CauseDeny, pharmaSt, func(d *mivet.DenyAssignment) { d.Condition = always })
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Condition = never })
	f(Allowed, CauseGrant, pharmaSt, func(d *mivet.DenyAssignment) { d.Permissions[0].Condition = never })
	f(Unknown, CauseDenyUnknown, pharmaSt, func(d *mivet.DenyAssignment) { d.Permissions[0].Condition = perhaps })
	// Without any role it is the lack of a role that counts, unless a deny matches.
	newDocumented(t).deny(deny(func(d *mivet.DenyAssignment) { d.Principals = []mivet.PrincipalID{"v"} })).
		is("u", deleteSt, pharmaSt, Denied, CauseNoGrant).is("v", deleteSt, pharmaSt, Denied, CauseDeny)
	newDocumented(t).deny(deny(func(d *mivet.DenyAssignment) { d.Condition = perhaps })).
		is("u", deleteSt, pharmaSt, Denied, CauseNoGrant)
}

// pim-integration.md: eligible assignments must be activated, active ones may be bounded
// in time.
func TestDocumentedTime(t *testing.T) {
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	bounded := assign("u", "Owner", sub)
	bounded.Start, bounded.End = day(time.January, 1), day(time.February, 1)
	eligible := assign("e", "Owner", sub)
	eligible.Eligible = true
	late := eligible
	late.Principal, late.End = "late", day(time.February, 1)
	d := newDocumented(t, bounded, eligible, late, assign("late", "Reader", sub))
	d.s.TakenAt = day(time.January, 15)
	d.is("u", deleteSt, pharmaSt, Allowed, CauseGrant).is("e", deleteSt, pharmaSt, Denied, CauseEligible).
		is("e", "Microsoft.Storage/storageAccounts/read", pharmaSt, Denied, CauseEligible).
		is("late", deleteSt, pharmaSt, Denied, CauseEligible).is("late", "Microsoft.Storage/storageAccounts/read", pharmaSt, Allowed, CauseGrant)
	d.s.TakenAt = day(time.February, 2)
	d.is("u", deleteSt, pharmaSt, Denied, CauseNoGrant).is("late", deleteSt, pharmaSt, Denied, CauseNoGrant)
}

// Conditions of assignments, in the words of the storage pages
// (articles/storage/blobs/storage-auth-abac-examples.md) and of the delegation pages
// (delegate-role-assignments-examples.md).
func TestDocumentedConditions(t *testing.T) {
	f := func(role, condition, operation, resource string, want Effect, given func(*abac.Env)) {
		t.Helper()
		a := assign("u", role, sub)
		a.Condition, a.ConditionVersion = condition, "2.0"
		e := New(newDocumented(t, a).s, Options{Catalog: theCatalog(t)})
		r := Request{Principal: "u", Operation: op(operation), Resource: id(resource)}
		if given != nil {
			r.Given = &abac.Env{}
			given(r.Given)
		}
		if got := e.Check(r); got.Effect != want {
			t.Errorf("%s on %s: %s because of %s, want %s", operation, resource, got.Effect, got.Cause, want)
		}
	}
	const (
		blobData = "Storage Blob Data Contributor"
		blue     = pharmaSt + "/blobServices/default/containers/blue"
		red      = pharmaSt + "/blobServices/default/containers/red"
		onlyBlue = "((!(ActionMatches{'" + containersOf + "blobs/read'})) OR (@Resource[" + containersOf + "name] StringEquals 'blue'))"
	)
	named := "((!(ActionMatches{'" + containersOf + "blobs/read'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'blue'))"
	f(blobData, named, containersOf+"blobs/read", blue, Allowed, nil)
	f(blobData, named, containersOf+"blobs/read", red, Denied, nil)
	f(blobData, named, containersOf+"blobs/write", red, Allowed, nil) // not targeted, so not restricted
	f(blobData, named, containersOf+"blobs/read", pharmaSt, Unknown, nil)
	f(blobData, onlyBlue, containersOf+"blobs/read", blue, Unknown, nil) // no such attribute is known
	f(blobData, "@Resource[", containersOf+"blobs/read", blue, Unknown, nil)
	f(blobData, "@Environment[UtcNow] DateTimeGreaterThan '2026-01-01T00:00:00.0Z'", containersOf+"blobs/read", blue, Allowed, nil)
	f(blobData, "@Environment[UtcNow] DateTimeLessThan '2026-01-01T00:00:00.0Z'", containersOf+"blobs/read", blue, Denied, nil)
	path := "@Resource[" + blobPathAttribute + "] StringLike 'readonly/*'"
	tell := func(path string) func(*abac.Env) {
		return func(e *abac.Env) { e.Set(abac.Resource, blobPathAttribute, abac.String(path)) }
	}
	f(blobData, path, containersOf+"blobs/read", blue, Unknown, nil)
	f(blobData, path, containersOf+"blobs/read", blue, Allowed, tell("readonly/a.txt"))
	f(blobData, path, containersOf+"blobs/read", blue, Denied, tell("other/a.txt"))
	const backup = "5e467623-bb1f-42f4-a55d-6e525e11384b"
	delegate := "((!(ActionMatches{'" + writeRole + "'})) OR (@Request[" + abac.RoleDefinitionID + "] ForAnyOfAnyValues:GuidEquals {" + backup + "}))"
	ask := func(role string) func(*abac.Env) {
		return func(e *abac.Env) { e.Set(abac.Request, abac.RoleDefinitionID, abac.GUID(role)) }
	}
	f("Role Based Access Control Administrator", delegate, writeRole, pharma, Unknown, nil)
	f("Role Based Access Control Administrator", delegate, writeRole, pharma, Allowed, ask(backup))
	f("Role Based Access Control Administrator", delegate, writeRole, pharma, Denied, ask("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"))
	f("Role Based Access Control Administrator", delegate, "Microsoft.Authorization/roleAssignments/delete", pharma, Allowed, nil)
	// A role's own condition counts beside the assignment's: both must hold.
	f("Key Vault Data Access Administrator", delegate, writeRole, pharma, Denied, ask(backup))
	f("Key Vault Data Access Administrator", delegate, writeRole, pharma, Denied, ask("4633458b-17de-408a-b874-0445c86b69e6"))
	f("Key Vault Data Access Administrator", "", writeRole, pharma, Allowed, ask("4633458b-17de-408a-b874-0445c86b69e6"))
	// key-vault/general/rbac-abac.md (azure-security-docs): the secret's name, which requests
	// to set one carry too.
	name := "@Request[Microsoft.KeyVault/vaults/secrets:name] StringEquals 's'"
	f("Key Vault Secrets Officer", name, "Microsoft.KeyVault/vaults/secrets/setSecret/action", vault+"/secrets/s", Unknown, nil) // the vault's model
	f("Key Vault Secrets Officer", name, "Microsoft.KeyVault/vaults/secrets/setSecret/action", vault+"/secrets/t", Unknown, nil)
}

// A condition on the name of a secret, in a vault of roles.
func TestDocumentedSecretNames(t *testing.T) {
	f := func(condition, operation, resource string, want Effect) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.Resources = []mivet.Resource{vaultWith("true")}
			a := grantOf("u", "data", rg)
			a.Condition = condition
			s.RoleAssignments = []mivet.RoleAssignment{a}
		})
		r := Request{Principal: "u", Operation: op(operation), Plane: mivet.PlaneData, Resource: id(resource)}
		if got := New(s, Options{}).Check(r); got.Effect != want {
			t.Errorf("%s on %s: %s because of %s, want %s", operation, resource, got.Effect, got.Cause, want)
		}
	}
	const set = "Microsoft.KeyVault/vaults/secrets/setSecret/action"
	inRequest := "@Request[Microsoft.KeyVault/vaults/secrets:name] StringEquals 's'"
	inResource := "@Resource[Microsoft.KeyVault/vaults/secrets:name] StringEquals 's'"
	f(inRequest, set, secret, Allowed)
	f(inRequest, set, vault+"/secrets/t", Denied)
	f(inRequest, "Microsoft.KeyVault/vaults/secrets/restore/action", secret, Allowed)
	f(inRequest, getSecret, secret, Unknown) // only requests to set and to restore carry it
	f(inRequest, set, vault, Unknown)
	f(inResource, getSecret, secret, Allowed)
	f(inResource, getSecret, vault+"/secrets/t", Denied)
	f(inResource, listSecrets, vault, Unknown)
	f("@Resource[Microsoft.KeyVault/vaults:name] StringEquals 'kv'", getSecret, secret, Allowed)
}

// The settings of a type decide about it where, without them, an answer is unknown that is
// settled with them.
func TestDecidingTypes(t *testing.T) {
	types := DecidingTypes()
	for i, typ := range types {
		if slices.Contains(types[:i], typ) {
			t.Errorf("%s is listed twice", typ)
		}
	}
	for i := range settingModels {
		if typ := settingModels[i].resourceType; !slices.Contains(types, typ) {
			t.Errorf("%s has a setting that decides, and is not listed", typ)
		}
	}
	for _, typ := range []string{vaultType, storageType} {
		if !slices.Contains(types, typ) {
			t.Errorf("%s is not listed", typ)
		}
	}
}
