// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	"github.com/mivet/mivet"
)

const (
	// always, never and perhaps are conditions that hold, that do not, and that hang on
	// what a question gives.
	always  = "@Environment[UtcNow] DateTimeGreaterThan '2000-01-01T00:00:00.0Z'"
	never   = "@Environment[UtcNow] DateTimeLessThan '2000-01-01T00:00:00.0Z'"
	perhaps = "@Request[x] StringEquals 'y'"
	broken  = "@Request[x] StringEquals"
)

func gapOf(facts mivet.FactKind, scope, subject string) mivet.Gap {
	return mivet.Gap{Facts: facts, Scope: id(scope), Subject: subject, Reason: "no permission", Permission: "x/read"}
}

// A gap in the grants of one principal reaches those who are in it, and no further than
// its scope.
func TestGapsOfPrincipals(t *testing.T) {
	f := func(g mivet.Gap, who mivet.PrincipalID, resource string, want Effect) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.Principals = []mivet.Principal{{ID: "g", Type: mivet.TypeGroup}, {ID: "p", Type: mivet.TypeUser}, {ID: "q", Type: mivet.TypeUser}}
			s.Memberships = []mivet.Membership{{Group: "g", Member: "p"}}
			s.Gaps = []mivet.Gap{g}
		})
		cause := CauseNoGrant
		if want == Unknown {
			cause = CauseGap
		}
		wants(t, s, ask(who, readAccount, resource), want, cause)
	}
	f(gapOf(mivet.FactRoleAssignments, "", "g"), "g", account, Unknown)
	f(gapOf(mivet.FactRoleAssignments, "", "g"), "p", account, Unknown)
	f(gapOf(mivet.FactRoleAssignments, "", "g"), "q", account, Denied)
	f(gapOf(mivet.FactRoleAssignments, sub, "p"), "p", account, Unknown)
	f(gapOf(mivet.FactRoleAssignments, sub, "p"), "p", sub2, Denied)
	f(gapOf(mivet.FactRoleAssignments, sub, ""), "p", account, Unknown)
	f(gapOf(mivet.FactRoleAssignments, sub, ""), "p", sub2, Denied)
	f(gapOf(mivet.FactRoleAssignments, account, ""), "p", rg, Denied)
	// What is no principal's ID is an object of the input: it may be anyone's.
	f(gapOf(mivet.FactRoleAssignments, "", "azurerm_role_assignment.a"), "p", account, Unknown)
	f(gapOf(mivet.FactEligibleAssignments, "", ""), "p", account, Denied)
}

// A claimed group, and a group in which somebody may be, carry gaps as known ones do.
func TestGapsOfClaimedGroups(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Principals = []mivet.Principal{{ID: "g", Type: mivet.TypeGroup}}
		s.Gaps = []mivet.Gap{gapOf(mivet.FactRoleAssignments, sub, "g")}
	})
	r := ask("p", readAccount, account)
	wants(t, s, r, Denied, CauseNoGrant)
	r.Groups = []mivet.PrincipalID{"nobody", "g"}
	wants(t, s, r, Unknown, CauseGap)
	r.Groups = nil
	s.Gaps = append(s.Gaps, gapOf(mivet.FactMemberships, "", "g"))
	wants(t, s, r, Unknown, CauseGap)
}

// Members that were not read leave open who is in a group, and in the groups above it.
func TestGapsOfMemberships(t *testing.T) {
	f := func(subject, who string, resource string, want Effect) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.Principals = []mivet.Principal{{ID: "user", Type: mivet.TypeUser}}
			s.RoleAssignments = []mivet.RoleAssignment{
				grantOf("inner", "reader", rg), grantOf("outer", "reader", sub), grantOf("apart", "reader", sub2), grantOf("user", "reader", sub2),
			}
			s.Memberships = []mivet.Membership{{Group: "outer", Member: "inner"}, {Group: "apart", Member: "user"}}
			s.Gaps = []mivet.Gap{gapOf(mivet.FactMemberships, "", subject)}
		})
		cause := CauseNoGrant
		if want == Unknown {
			cause = CauseMembership
		}
		wants(t, s, ask(mivet.PrincipalID(who), readAccount, resource), want, cause)
	}
	const nobody = "99999999-9999-9999-9999-999999999999"
	f("inner", "p", rg, Unknown)
	f("inner", "p", sub, Unknown)
	f("inner", "p", sub2, Denied)
	f("outer", "p", rg, Unknown) // through the subscription
	f("apart", "p", sub, Denied)
	f("", "p", sub, Unknown)
	f("", "p", sub2, Unknown)
	f("address.of[0]", "p", sub, Unknown)
	// A principal whose groups were not read may be in any; nobody else is concerned.
	f("user", "user", sub, Unknown)
	f("user", "p", sub, Denied)
	f(nobody, nobody, sub, Unknown)
	f(nobody, "p", sub, Denied)
	f("principal of x", "p", sub, Denied)
}

// The management groups above a subscription decide which grants it inherits.
func TestGapsOfPlaces(t *testing.T) {
	tree := func(change func(*mivet.Snapshot)) *mivet.Snapshot {
		return small(func(s *mivet.Snapshot) {
			s.TenantID = tenantID
			s.ManagementGroups = []mivet.ManagementGroup{
				{ID: id(tenantMG)}, {ID: id(groupA), Parent: id(tenantMG)}, {ID: id(groupB)}, {ID: id(groupC), Parent: id(groupB)},
			}
			s.Subscriptions[0].Parent = id(groupA)
			s.Subscriptions[1].Parent = id(groupB)
			s.RoleAssignments = []mivet.RoleAssignment{
				grantOf("a", "reader", groupA), grantOf("b", "reader", groupB), grantOf("c", "reader", groupC), grantOf("root", "reader", tenantMG),
			}
			s.Gaps = []mivet.Gap{gapOf(mivet.FactManagementGroups, "", "")}
			change(s)
		})
	}
	plain := tree(func(*mivet.Snapshot) {})
	wants(t, plain, ask("a", readAccount, sub), Allowed, CauseGrant)
	wants(t, plain, ask("root", readAccount, sub), Allowed, CauseGrant)
	wants(t, plain, ask("b", readAccount, sub), Denied, CauseNoGrant)
	wants(t, plain, ask("b", readAccount, sub2), Allowed, CauseGrant)
	wants(t, plain, ask("a", readAccount, sub2), Unknown, CauseGap)
	wants(t, plain, ask("a", writeRole, sub2), Denied, CauseNoGrant)
	// c is below b, so it cannot be above what is below b.
	wants(t, plain, ask("c", readAccount, sub2), Denied, CauseNoGrant)
	wants(t, plain, ask("c", readAccount, groupB), Denied, CauseNoGrant)
	wants(t, plain, ask("b", readAccount, "/"), Denied, CauseNoGrant)

	deny := tree(func(s *mivet.Snapshot) {
		s.DenyAssignments = []mivet.DenyAssignment{denyOf(groupA, "b"), denyOf(groupC, "b")}
	})
	wants(t, deny, ask("b", readAccount, sub2), Unknown, CauseDenyUnknown)
	deny.DenyAssignments = deny.DenyAssignments[1:]
	wants(t, deny, ask("b", readAccount, sub2), Allowed, CauseGrant)

	// Facts at a group that may be above were not read.
	unread := tree(func(s *mivet.Snapshot) { s.Gaps = append(s.Gaps, gapOf(mivet.FactRoleAssignments, groupA, "")) })
	wants(t, unread, ask("p", readAccount, sub2), Unknown, CauseGap)
	wants(t, unread, ask("p", readAccount, sub), Unknown, CauseGap)
	unread.Gaps[1] = gapOf(mivet.FactRoleAssignments, groupC, "")
	wants(t, unread, ask("p", readAccount, sub2), Denied, CauseNoGrant)
	unread.Gaps[1] = gapOf(mivet.FactDenyAssignments, groupA, "")
	wants(t, unread, ask("b", readAccount, sub2), Unknown, CauseDenyUnknown)

	// Somebody may be in a group that holds a grant at a group that may be above.
	both := tree(func(s *mivet.Snapshot) { s.Gaps = append(s.Gaps, gapOf(mivet.FactMemberships, "", "a")) })
	wants(t, both, ask("p", readAccount, sub2), Unknown, CauseMembership)
	wants(t, both, ask("p", writeRole, sub2), Denied, CauseNoGrant)
	wants(t, both, ask("p", readAccount, sub), Unknown, CauseMembership)
}

// A subscription that was not read itself has no known place; one that was read has.
func TestGapsOfSubscriptions(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Subscriptions = []mivet.Subscription{{ID: id(sub), Parent: id(groupA)}}
		s.Resources = []mivet.Resource{{ID: id(sub2 + "/resourceGroups/rg")}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("b", "reader", groupB)}
		s.Gaps = []mivet.Gap{gapOf(mivet.FactSubscriptions, "", "")}
	})
	wants(t, s, ask("b", readAccount, sub), Denied, CauseNoGrant)
	wants(t, s, ask("b", readAccount, sub2), Unknown, CauseGap)
	wants(t, s, ask("b", readAccount, "/subscriptions/none"), Unknown, CauseGap)
	s.Gaps = nil
	wants(t, s, ask("b", readAccount, sub2), Denied, CauseNoGrant)
	wants(t, s, ask("b", readAccount, "/subscriptions/none"), Unknown, CauseGap)
	wants(t, s, ask("b", readAccount, "/providers/Microsoft.Management/managementGroups/none"), Unknown, CauseGap)
	wants(t, s, ask("b", readAccount, "/providers/Microsoft.Capacity/resourceProviders/x"), Denied, CauseNoGrant)
}

// Management groups that form a circle, or hang below what is none, have no known place,
// whichever of them comes first.
func TestCircles(t *testing.T) {
	one := mivet.ManagementGroup{ID: id(groupA), Parent: id(groupB)}
	two := mivet.ManagementGroup{ID: id(groupB), Parent: id(groupA)}
	for _, groups := range [][]mivet.ManagementGroup{{one, two}, {two, one}} {
		s := small(func(s *mivet.Snapshot) {
			s.ManagementGroups = groups
			s.Subscriptions[0].Parent = id(groupA)
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("a", "reader", groupA), grantOf("b", "reader", groupB)}
		})
		wants(t, s, ask("a", readAccount, account), Allowed, CauseGrant)
		wants(t, s, ask("b", readAccount, account), Unknown, CauseGap)
		wants(t, s, ask("a", readAccount, groupB), Unknown, CauseGap)
		wants(t, s, ask("a", readAccount, sub2), Denied, CauseNoGrant)
	}
	s := small(func(s *mivet.Snapshot) {
		s.ManagementGroups = []mivet.ManagementGroup{{ID: id(groupA), Parent: id(groupA)}, {ID: id(groupB), Parent: id(rg)}}
		s.Subscriptions[0].Parent = id(rg)
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("a", "reader", groupA), grantOf("b", "reader", groupB)}
	})
	wants(t, s, ask("a", readAccount, sub), Unknown, CauseGap)
	wants(t, s, ask("b", readAccount, groupA), Unknown, CauseGap)
	wants(t, s, ask("a", readAccount, groupB), Unknown, CauseGap)
	wants(t, s, ask("a", readAccount, sub2), Denied, CauseNoGrant)
}

// Whoever WhoCan does not name has the answer of AnyoneElse, or is denied.
func TestAnyoneElseWithDenies(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Principals = []mivet.Principal{{ID: "free"}, {ID: "other"}, {ID: "", Name: "nobody"}}
		s.Memberships = []mivet.Membership{{Group: "club", Member: "member"}}
		d := denyOf(sub, mivet.Everyone)
		d.Excluded = []mivet.PrincipalID{"free", "club"}
		s.DenyAssignments = []mivet.DenyAssignment{d}
		s.Gaps = []mivet.Gap{gapOf(mivet.FactRoleAssignments, "", "")}
	})
	e := New(s, Options{})
	w := WhoCanQuery{Operation: op(readAccount), Plane: mivet.PlaneControl, Resource: id(account)}
	if d := e.AnyoneElse(w); d.Effect != Denied || d.Cause != CauseDeny {
		t.Errorf("anyone else: %s because of %s", d.Effect, d.Cause)
	}
	got := map[mivet.PrincipalID]Effect{}
	for h := range e.WhoCan(w) {
		got[h.Principal] = h.Effect
	}
	for _, who := range []mivet.PrincipalID{"free", "club", "member"} {
		if got[who] != Unknown || len(got) != 3 {
			t.Errorf("%s: %v", who, got)
		}
	}
}
