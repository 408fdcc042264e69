// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// A question costs no memory, whatever it takes to answer it. Access lists of paths are
// the exception: a path is a text that is taken apart.
func TestCheckDoesNotAllocate(t *testing.T) {
	if underRace {
		t.Skip("the race detector empties pools")
	}
	given := &abac.Env{}
	given.Set(abac.Request, "x", abac.String("y"))
	f := func(name string, change func(*mivet.Snapshot), r Request) {
		t.Helper()
		e := New(small(change), Options{Catalog: theCatalog(t)})
		e.Check(r)
		if n := testing.AllocsPerRun(100, func() { e.Check(r) }); n != 0 {
			t.Errorf("%s: Check allocates %v times", name, n)
		}
		p, o, at := e.Principal(r.Principal), e.Operation(r.Operation), e.Resource(r.Resource)
		if n := testing.AllocsPerRun(100, func() { e.CheckRef(p, o, &at, r.Plane, time.Time{}) }); n != 0 {
			t.Errorf("%s: CheckRef allocates %v times", name, n)
		}
	}
	grants := func(a ...mivet.RoleAssignment) func(*mivet.Snapshot) {
		return func(s *mivet.Snapshot) { s.RoleAssignments = a }
	}
	conditioned := func(text string) mivet.RoleAssignment {
		a := grantOf("p", "data", sub)
		a.Condition = text
		return a
	}
	read := ask("p", readAccount, account)
	blob := ask("p", readBlob, blobs)
	blob.Given = given
	f("a grant", grants(grantOf("p", "reader", sub)), read)
	f("no grant", grants(grantOf("q", "reader", sub)), read)
	f("a stranger", nil, read)
	f("an operation that the catalogue does not know", grants(grantOf("p", "reader", sub)), ask("p", "Microsoft.Odd/things/read", account))
	f("a built-in role with conditions", grants(assign("p", "Key Vault Data Access Administrator", sub)), ask("p", writeRole, vault))
	f("time", grants(conditioned(always)), blob)
	f("a name", grants(conditioned("@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'c'")), blob)
	f("what is given", grants(conditioned(perhaps)), blob)
	f("a condition that cannot be read", grants(conditioned(broken)), blob)
	f("a window", func(s *mivet.Snapshot) {
		a := grantOf("p", "reader", sub)
		a.Start = s.TakenAt
		s.RoleAssignments = []mivet.RoleAssignment{a}
	}, read)
	f("a deny", func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", sub)}
		s.DenyAssignments = []mivet.DenyAssignment{denyOf(sub, "q"), denyOf(rg, "g"), denyOf(account, mivet.Everyone)}
		s.DenyAssignments[2].Condition = perhaps
		s.Memberships = []mivet.Membership{{Group: "g", Member: "h"}}
	}, read)
	f("many grants", func(s *mivet.Snapshot) {
		for i := range 2 * shortList {
			s.RoleAssignments = append(s.RoleAssignments, grantOf("p", "none", fmt.Sprintf("%s%d", rg, i)))
		}
		s.RoleAssignments = append(s.RoleAssignments, grantOf("p", "reader", sub))
	}, read)
	f("gaps of every kind", func(s *mivet.Snapshot) {
		s.Principals = []mivet.Principal{{ID: "p"}, {ID: "g"}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("g", "reader", sub), grantOf("p", "reader", groupA)}
		s.DenyAssignments = []mivet.DenyAssignment{denyOf(groupB, "p")}
		for _, facts := range genFacts {
			s.Gaps = append(s.Gaps, gapOf(facts, "", ""), gapOf(facts, groupA, ""), gapOf(facts, sub, "p"))
		}
	}, read)
	for _, model := range []string{"true", "false", ""} {
		f("a vault with model "+model, func(s *mivet.Snapshot) {
			s.Resources = []mivet.Resource{vaultWith(model)}
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "data", sub)}
			s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "p", Secrets: []string{"get", "odd"}}}
		}, ask("p", getSecret, secret))
	}
	f("a local role", func(s *mivet.Snapshot) {
		s.LocalGrants = []mivet.LocalAssignment{{System: mivet.LocalCosmos, Account: id(cosmos), Role: "00000000-0000-0000-0000-000000000001", Principal: "p"}}
	}, ask("p", readItem, cosmos))
	both := read
	both.Plane = mivet.PlaneUnknown
	both.Operation = op("Microsoft.Odd/things/read")
	f("both planes", grants(grantOf("p", "all", sub)), both)
}

// Claimed groups cost no memory either.
func TestCheckWithGroupsDoesNotAllocate(t *testing.T) {
	if underRace {
		t.Skip("the race detector empties pools")
	}
	e := New(small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("g", "reader", sub)}
	}), Options{})
	r := ask("p", readAccount, account)
	r.Groups = []mivet.PrincipalID{"h", "g"}
	if n := testing.AllocsPerRun(100, func() { e.Check(r) }); n != 0 {
		t.Errorf("Check allocates %v times", n)
	}
}
