// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// A pattern that cannot be read makes unknown what it may decide, and nothing else.
func TestFaultyPatterns(t *testing.T) {
	f := func(p mivet.Permission, operation string, effect Effect, cause Cause) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "x", Name: "x", Permissions: []mivet.Permission{p}})
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "x", sub)}
		})
		wants(t, s, ask("p", operation, account), effect, cause)
	}
	f(mivet.Permission{Actions: []string{""}}, readAccount, Unknown, CauseRole)
	f(mivet.Permission{Actions: []string{"", "*/read"}}, readAccount, Allowed, CauseGrant)
	f(mivet.Permission{Actions: []string{"*/read", ""}}, writeRole, Unknown, CauseRole)
	f(mivet.Permission{Actions: []string{"*/read"}, NotActions: []string{""}}, readAccount, Unknown, CauseRole)
	f(mivet.Permission{Actions: []string{"*/read"}, NotActions: []string{""}}, writeRole, Denied, CauseNoGrant)
	f(mivet.Permission{Actions: []string{""}, NotActions: []string{"*/read"}}, readAccount, Denied, CauseNoGrant)
	f(mivet.Permission{Actions: []string{""}, Condition: never}, readAccount, Denied, CauseNoGrant)
	f(mivet.Permission{Actions: []string{""}, Condition: perhaps}, readAccount, Unknown, CauseRole)
	f(mivet.Permission{DataActions: []string{""}}, readAccount, Denied, CauseNoGrant)
}

// A fact that does not say where it holds is not taken to hold everywhere.
func TestFactsWithoutScope(t *testing.T) {
	s := small(func(s *mivet.Snapshot) { s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", "")} })
	wants(t, s, ask("p", readAccount, account), Unknown, CauseGap)
	wants(t, s, ask("p", writeRole, account), Denied, CauseNoGrant)
	wants(t, s, ask("q", readAccount, account), Denied, CauseNoGrant)
	s.RoleAssignments[0].Eligible = true
	wants(t, s, ask("p", readAccount, account), Denied, CauseEligible)
	s.RoleAssignments[0].Condition, s.RoleAssignments[0].Eligible = never, false
	wants(t, s, ask("p", readAccount, account), Denied, CauseNoGrant)

	s = small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", sub)}
		s.DenyAssignments = []mivet.DenyAssignment{denyOf("", "p")}
	})
	wants(t, s, ask("p", readAccount, account), Unknown, CauseDenyUnknown)
	s.DenyAssignments[0].ThisScopeOnly = true
	wants(t, s, ask("p", readAccount, account), Unknown, CauseDenyUnknown)
	s.DenyAssignments[0].Principals[0] = "q"
	wants(t, s, ask("p", readAccount, account), Allowed, CauseGrant)

	s = small(func(s *mivet.Snapshot) {
		s.Resources = []mivet.Resource{vaultWith("false")}
		s.AccessPolicies = []mivet.AccessPolicy{{Principal: "p", Secrets: []string{"get"}}}
	})
	wants(t, s, ask("p", getSecret, secret), Unknown, CauseGap)

	s = small(func(s *mivet.Snapshot) {
		s.LocalGrants = []mivet.LocalAssignment{{System: mivet.LocalCosmos, Role: "00000000-0000-0000-0000-000000000001", Principal: "p"}}
	})
	wants(t, s, ask("p", readItem, cosmos), Unknown, CauseGap)
}

// A question without a resource has no answer, as its resource may be any.
func TestNoResource(t *testing.T) {
	s := small(func(s *mivet.Snapshot) { s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", sub)} })
	wants(t, s, ask("p", readAccount, ""), Unknown, CauseGap)
}

// A fact that does not say whom it names may name anyone.
func TestFactsWithoutPrincipal(t *testing.T) {
	s := small(func(s *mivet.Snapshot) { s.RoleAssignments = []mivet.RoleAssignment{grantOf("", "reader", rg)} })
	wants(t, s, ask("p", readAccount, account), Unknown, CauseGap)
	wants(t, s, ask("", readAccount, account), Unknown, CauseGap)
	wants(t, s, ask("p", readAccount, sub2), Denied, CauseNoGrant)

	s = small(func(s *mivet.Snapshot) {
		s.Resources = []mivet.Resource{vaultWith("false")}
		s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Secrets: []string{"get"}}}
		s.LocalGrants = []mivet.LocalAssignment{{System: mivet.LocalCosmos, Account: id(cosmos), Role: "x"}}
	})
	wants(t, s, ask("p", getSecret, secret), Unknown, CauseGap)
	wants(t, s, ask("p", readItem, cosmos), Unknown, CauseGap)

	s = small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", sub)}
		s.DenyAssignments = []mivet.DenyAssignment{denyOf(rg, "")}
	})
	wants(t, s, ask("p", readAccount, account), Unknown, CauseDenyUnknown)
	s.DenyAssignments[0].Principals, s.DenyAssignments[0].Excluded = []mivet.PrincipalID{mivet.Everyone}, []mivet.PrincipalID{""}
	wants(t, s, ask("p", readAccount, account), Unknown, CauseDenyUnknown)

	s = small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("g", "reader", sub), grantOf("h", "reader", sub2)}
		s.Memberships = []mivet.Membership{{Group: "g"}, {Group: "h", Member: "q"}, {Member: "r"}}
	})
	wants(t, s, ask("p", readAccount, account), Unknown, CauseMembership)
	wants(t, s, ask("p", readAccount, sub2), Denied, CauseNoGrant)
	wants(t, s, ask("r", readAccount, sub2), Unknown, CauseMembership)
}

// A vault whose permission model is not known has one of two: where both give, it gives.
func TestVaultModelUnknown(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Resources = []mivet.Resource{vaultWith("")}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("both", "data", rg), grantOf("role", "data", rg)}
		s.AccessPolicies = []mivet.AccessPolicy{
			{Vault: id(vault), Principal: "both", Secrets: []string{"get"}},
			{Vault: id(vault), Principal: "list", Secrets: []string{"get"}},
		}
	})
	wants(t, s, ask("both", getSecret, secret), Allowed, CauseGrant)
	wants(t, s, ask("role", getSecret, secret), Unknown, CauseVaultModel)
	wants(t, s, ask("list", getSecret, secret), Unknown, CauseVaultModel)
	wants(t, s, ask("none", getSecret, secret), Denied, CauseNoGrant)
	s.DenyAssignments = []mivet.DenyAssignment{denyOf(vault, mivet.Everyone)}
	wants(t, s, ask("both", getSecret, secret), Unknown, CauseVaultModel)
	wants(t, s, ask("role", getSecret, secret), Denied, CauseDeny)
	s.Resources, s.DenyAssignments = nil, nil
	wants(t, s, ask("both", getSecret, secret), Allowed, CauseGrant)
	wants(t, s, ask("none", getSecret, secret), Unknown, CauseVaultModel)
}

// The keys of a managed HSM and the items of Cosmos DB are under roles of their own only.
func TestLocalSystemsAlone(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "data", sub)}
		s.DenyAssignments = []mivet.DenyAssignment{denyOf(sub2, "p")}
		s.LocalGrants = []mivet.LocalAssignment{
			{System: mivet.LocalCosmos, Account: id(cosmos), Role: "00000000-0000-0000-0000-000000000001", Principal: "q"},
		}
	})
	wants(t, s, ask("p", signHSM, hsmKey), Denied, CauseNoGrant)
	wants(t, s, ask("p", readItem, cosmos), Denied, CauseNoGrant)
	wants(t, s, ask("p", readBlob, blobs), Allowed, CauseGrant)
	wants(t, s, ask("q", readItem, cosmos), Allowed, CauseGrant)
	s.DenyAssignments[0] = denyOf(sub, mivet.Everyone)
	wants(t, s, ask("q", readItem, cosmos), Allowed, CauseGrant)
	wants(t, s, ask("p", readItem, cosmos), Denied, CauseNoGrant)
	wants(t, s, ask("p", signHSM, "/subscriptions/none/resourceGroups/rg/providers/Microsoft.KeyVault/managedHSMs/h"), Unknown, CauseGap)
}

// The operations that only the roles of a service's own system hold are data operations,
// although the catalogue does not know their plane. Contributor has none of them.
func TestLocalPlane(t *testing.T) {
	for _, text := range []string{
		readItem, signHSM, "Microsoft.KeyVault/managedHSM/roleAssignments/write/action",
		"Microsoft.DocumentDB/databaseAccounts/readMetadata",
		"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery",
		"microsoft.documentdb/databaseaccounts/sqldatabases/containers/READCHANGEFEED",
	} {
		if got := PlaneOf(nil, op(text)); got != mivet.PlaneData {
			t.Errorf("%s: plane %s", text, got)
		}
	}
	for _, text := range []string{
		"Microsoft.DocumentDB/databaseAccounts/listKeys/action", "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/write",
		"Microsoft.KeyVault/managedHSMs/write", "Microsoft.DocumentDB/databaseAccounts/readMetadata/read",
	} {
		if got := PlaneOf(nil, op(text)); got != mivet.PlaneUnknown {
			t.Errorf("%s: plane %s", text, got)
		}
	}
	s := small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "all", sub)}
		s.LocalGrants = []mivet.LocalAssignment{
			{System: mivet.LocalCosmos, Account: id(cosmos), Role: "00000000-0000-0000-0000-000000000001", Principal: "q"},
		}
	})
	r := ask("p", readItem, cosmos)
	r.Plane = mivet.PlaneUnknown
	wants(t, s, r, Denied, CauseNoGrant)
	r.Principal = "q"
	wants(t, s, r, Allowed, CauseGrant)
	r.Operation = op("Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery")
	wants(t, s, r, Allowed, CauseGrant)
}

// A scope of a local system that is not understood to its end is not widened.
func TestLocalScopes(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.LocalRoles = []mivet.LocalRole{
			{System: mivet.LocalManagedHSM, ID: "user", DataActions: []string{"Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/backup/start/action"}},
			{System: mivet.LocalManagedHSM, ID: "wide", DataActions: []string{"Microsoft.KeyVault/managedHsm/*"}},
		}
		add := func(who mivet.PrincipalID, system mivet.LocalSystem, account, scope, role string) {
			s.LocalGrants = append(s.LocalGrants, mivet.LocalAssignment{System: system, Account: id(account), Scope: scope, Role: role, Principal: who})
		}
		add("all", mivet.LocalManagedHSM, hsm, "/", "user")
		add("keys", mivet.LocalManagedHSM, hsm, "/keys", "user")
		add("wide", mivet.LocalManagedHSM, hsm, "/keys", "wide")
		add("one", mivet.LocalManagedHSM, hsm, "/keys/k", "user")
		add("other", mivet.LocalManagedHSM, hsm, "/keys/k2", "user")
		add("full", mivet.LocalManagedHSM, hsm, hsm+"/keys/K", "user")
		add("db", mivet.LocalCosmos, cosmos, "/dbs/d", "00000000-0000-0000-0000-000000000001")
		add("odd", mivet.LocalCosmos, cosmos, "/dbs/d/colls", "00000000-0000-0000-0000-000000000001")
		add("blank", mivet.LocalManagedHSM, hsm, "/keys/k ", "user")
	})
	const backup = "Microsoft.KeyVault/managedHsm/backup/start/action"
	data := func(who mivet.PrincipalID, operation, resource string) Request {
		return Request{Principal: who, Operation: op(operation), Plane: mivet.PlaneData, Resource: id(resource)}
	}
	wants(t, s, data("all", signHSM, hsmKey), Allowed, CauseGrant)
	wants(t, s, data("all", backup, hsm), Allowed, CauseGrant)
	wants(t, s, data("keys", signHSM, hsmKey), Allowed, CauseGrant)
	wants(t, s, data("keys", backup, hsm), Denied, CauseNoGrant)
	wants(t, s, data("wide", signHSM, hsmKey), Unknown, CauseGap)
	wants(t, s, data("one", signHSM, hsmKey), Allowed, CauseGrant)
	wants(t, s, data("other", signHSM, hsmKey), Denied, CauseNoGrant)
	wants(t, s, data("blank", signHSM, hsmKey), Unknown, CauseGap)
	wants(t, s, data("full", signHSM, hsmKey), Allowed, CauseGrant)
	wants(t, s, data("db", readItem, cosmos+"/sqlDatabases/d/containers/c"), Allowed, CauseGrant)
	wants(t, s, data("db", readItem, cosmos+"/sqlDatabases/e"), Denied, CauseNoGrant)
	wants(t, s, data("odd", readItem, cosmos+"/sqlDatabases/d/containers/c"), Unknown, CauseGap)
}

// A role of one system gives nothing in another, even where what it gives is not known.
func TestLocalSystemsApart(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.LocalGrants = []mivet.LocalAssignment{
			{System: mivet.LocalManagedHSM, Account: id(hsm), Role: "nowhere", Principal: "p"},
			{System: mivet.LocalRedis, Account: id(cosmos), Role: "Data Owner", Principal: "p"},
		}
	})
	wants(t, s, ask("p", signHSM, hsm), Unknown, CauseRole)
	wants(t, s, ask("p", readItem, hsm), Denied, CauseNoGrant)
	wants(t, s, ask("p", readItem, cosmos), Denied, CauseNoGrant)
	wants(t, s, ask("p", readAccount, hsm), Denied, CauseNoGrant)
	x := New(s, Options{}).Explain(ask("p", readItem, hsm))
	if len(x.Reasons) != 1 || x.Reasons[0].Outcome != OtherOperation {
		t.Errorf("reasons %+v", x.Reasons)
	}
}

// The roles that a service defines itself: the tenant's own come first, and among those
// the account's, the later the better.
func TestLocalRoleDefinitions(t *testing.T) {
	f := func(grant mivet.LocalAssignment, operation string, want Effect, roles ...mivet.LocalRole) {
		t.Helper()
		grant.Principal = "p"
		s := small(func(s *mivet.Snapshot) { s.LocalRoles, s.LocalGrants = roles, []mivet.LocalAssignment{grant} })
		e := New(s, Options{Catalog: theCatalog(t)})
		r := Request{Principal: "p", Operation: op(operation), Plane: mivet.PlaneData, Resource: grant.Account}
		if got := e.Check(r); got.Effect != want {
			t.Errorf("%s because of %s, want %s", got.Effect, got.Cause, want)
		}
	}
	onHSM := func(role string) mivet.LocalAssignment {
		return mivet.LocalAssignment{System: mivet.LocalManagedHSM, Account: id(hsm), Role: role}
	}
	f(onHSM("Managed HSM Crypto User"), signHSM, Allowed)
	f(onHSM("21dbd100-6940-42c2-9190-5d6cb909625b"), signHSM, Allowed)
	f(onHSM("/providers/Microsoft.Authorization/roleDefinitions/21DBD100-6940-42C2-9190-5D6CB909625B"), signHSM, Allowed)
	f(onHSM("Managed HSM Administrator"), signHSM, Denied)
	f(onHSM("Managed HSM Nobody"), signHSM, Unknown)
	f(onHSM(""), signHSM, Unknown)
	inCosmos := mivet.LocalAssignment{System: mivet.LocalCosmos, Account: id(cosmos), Role: "r"}
	role := func(account string, actions ...string) mivet.LocalRole {
		return mivet.LocalRole{System: mivet.LocalCosmos, ID: "r", Account: id(account), DataActions: actions}
	}
	all := "Microsoft.DocumentDB/*"
	f(inCosmos, readItem, Allowed, role(cosmos, all))
	f(inCosmos, readItem, Unknown, role(cosmos+"2", all))
	f(inCosmos, readItem, Allowed, role("", all))
	f(inCosmos, readItem, Denied, role(cosmos), role("", all))
	f(inCosmos, readItem, Denied, role("", all), role(cosmos))
	f(inCosmos, readItem, Denied, role(cosmos, all), role(cosmos))
}

// oneAttribute answers for one attribute.
type oneAttribute struct{ key, value string }

func (o oneAttribute) Attribute(_ abac.Source, key arm.Key) (abac.Value, abac.Presence) {
	if key == arm.Fold(o.key) {
		return abac.String(o.value), abac.Known
	}
	return abac.Value{}, abac.NotKnown
}

// What a caller adds about attributes comes before what the engine sees itself.
func TestAttributesOfTheCaller(t *testing.T) {
	const name = "Microsoft.Storage/storageAccounts:name"
	f := func(condition string, given *abac.Env, want Effect) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			a := grantOf("p", "data", sub)
			a.Condition = condition
			s.RoleAssignments = []mivet.RoleAssignment{a}
		})
		r := ask("p", readBlob, blobs)
		r.Given = given
		if got := New(s, Options{}).Check(r); got.Effect != want {
			t.Errorf("%s because of %s, want %s", got.Effect, got.Cause, want)
		}
	}
	own := "@Resource[" + name + "] StringEquals 'st'"
	f(own, nil, Allowed)
	f(own, &abac.Env{More: oneAttribute{name, "other"}}, Denied)
	f(own, &abac.Env{More: oneAttribute{"x", "other"}}, Allowed)
	f(perhaps, &abac.Env{More: oneAttribute{"x", "y"}}, Allowed)
	set := &abac.Env{}
	set.Set(abac.Resource, name, abac.String("other"))
	f(own, set, Denied)
	f(always, set, Allowed)
	past := &abac.Env{}
	past.SetNow(genTime.AddDate(-50, 0, 0))
	f(always, past, Denied)
	strict, compatible := &abac.Env{}, &abac.Env{Mode: abac.Compatible}
	strict.Close()
	compatible.Close()
	f("!("+perhaps+")", strict, Unknown)
	f("!("+perhaps+")", compatible, Allowed)
}
