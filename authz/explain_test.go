// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// told is what a test compares of a reason.
type told struct {
	Outcome                         Outcome
	Pattern, NotPattern, Note, Role string
	Match                           arm.Match
	Condition                       abac.Truth
	Via                             string
}

func tell(r *Reason) told {
	via := make([]string, len(r.Via))
	for i, p := range r.Via {
		via[i] = string(p)
	}
	return told{r.Outcome, r.Pattern, r.NotPattern, r.Note, r.RoleName, r.Match, r.ConditionValue, strings.Join(via, " ")}
}

// explained compares all reasons of an answer, and what is missing for it.
func explained(t *testing.T, s *mivet.Snapshot, r Request, reasons []told, missing ...string) {
	t.Helper()
	x := New(s, Options{}).Explain(r)
	var got []told
	for i := range x.Reasons {
		got = append(got, tell(&x.Reasons[i]))
	}
	if d := cmp.Diff(reasons, got); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	var lacks []string
	for _, m := range x.Missing {
		lacks = append(lacks, m.What)
	}
	if d := cmp.Diff(missing, lacks); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
}

// Every fact of the caller is told with what became of it, the deciding ones first.
func TestReasonsOfGrants(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.RoleDefinitions = append(s.RoleDefinitions,
			mivet.RoleDefinition{ID: "less", Name: "less", Permissions: []mivet.Permission{{Actions: []string{"*"}, NotActions: []string{"*/read"}}}},
			mivet.RoleDefinition{ID: "guarded", Name: "guarded", Permissions: []mivet.Permission{
				{Actions: []string{"*/write"}}, {Actions: []string{"Microsoft.Storage/*"}, Condition: never}, {Actions: []string{readAccount}, Condition: perhaps},
			}},
			mivet.RoleDefinition{ID: "closed", Name: "closed", Permissions: []mivet.Permission{{Actions: []string{"*/read"}, Condition: never}}},
		)
		s.Memberships = []mivet.Membership{{Group: "team", Member: "p"}, {Group: "org", Member: "team"}}
		eligible, late, refused := grantOf("p", "owner", sub), grantOf("p", "owner", rg), grantOf("p", "owner", account)
		eligible.Eligible, late.End, refused.Condition = true, s.TakenAt, never
		s.RoleAssignments = []mivet.RoleAssignment{
			grantOf("p", "less", sub), grantOf("p", "data", sub), grantOf("p", "owner", sub2), grantOf("p", "guarded", sub), grantOf("p", "closed", sub),
			eligible, late, refused, grantOf("org", "reader", rg), grantOf("q", "owner", sub), grantOf("p", "nowhere", sub),
		}
	})
	explained(t, s, ask("p", readAccount, account), []told{
		{Outcome: Grants, Pattern: "*/read", Match: arm.ByWildcard, Role: "reader", Via: "p team org"},
		{Outcome: MayGrant, Pattern: readAccount, Match: arm.ByName, Role: "guarded", Via: "p"},
		{Outcome: MayGrant, Role: "role nowhere", Note: "the definition of role nowhere is not known", Via: "p"},
		{Outcome: Eligible, Pattern: "*", Match: arm.ByWildcard, Role: "owner", Via: "p"},
		{Outcome: OutOfTime, Pattern: "*", Match: arm.ByWildcard, Role: "owner", Via: "p"},
		{Outcome: ConditionFails, Pattern: "*/read", Match: arm.ByWildcard, Role: "closed", Condition: abac.False, Via: "p"},
		{Outcome: ConditionFails, Pattern: "*", Match: arm.ByWildcard, Role: "owner", Condition: abac.False, Via: "p"},
		{Outcome: Subtracted, Pattern: "*", NotPattern: "*/read", Match: arm.ByWildcard, Role: "less", Via: "p"},
		{Outcome: OtherOperation, Role: "data", Via: "p"},
		{Outcome: OtherScope, Role: "owner", Via: "p"},
	}, "a condition looks at @Request[x]", "the definition of role nowhere is not known")
}

// What a deny assignment takes away, and why another does not.
func TestReasonsOfDenies(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Principals = []mivet.Principal{{ID: "p", Type: mivet.TypeUser}, {ID: "q", Type: mivet.TypeUser}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", sub)}
		s.RoleAssignments[0].Condition = always
		own, other, excluded := denyOf(sub, mivet.Everyone), denyOf(rg, "q"), denyOf(rg, mivet.Everyone)
		own.ThisScopeOnly, excluded.Excluded = true, []mivet.PrincipalID{"p"}
		silent, subtracted, failing := denyOf(rg, "p"), denyOf(rg, "p"), denyOf(rg, "p")
		silent.Permissions = []mivet.Permission{{Actions: []string{"*/write"}}}
		subtracted.Permissions[0].NotActions = []string{"*/read"}
		failing.Condition = never
		s.DenyAssignments = []mivet.DenyAssignment{own, other, excluded, silent, subtracted, failing}
	})
	names := []told{
		{Outcome: NotDenied, Note: "it does not name the principal", Pattern: "*", Match: arm.ByWildcard},
		{Outcome: NotDenied, Note: "it excludes the principal", Pattern: "*", Match: arm.ByWildcard},
		{Outcome: NotDenied, Note: "it does not name the operation"},
		{Outcome: NotDenied, Note: "it does not name the operation", Pattern: "*", NotPattern: "*/read", Match: arm.ByWildcard},
		{Outcome: NotDenied, Note: "its condition does not hold", Pattern: "*", Match: arm.ByWildcard, Condition: abac.False},
		{Outcome: NotDenied, Note: "it holds at its own scope only", Pattern: "*", Match: arm.ByWildcard},
	}
	granted := told{Outcome: Grants, Pattern: "*/read", Match: arm.ByWildcard, Role: "reader", Via: "p", Condition: abac.True}
	explained(t, s, ask("p", readAccount, account), append([]told{granted}, names...))
	s.DenyAssignments = append(s.DenyAssignments, denyOf(account, "p"))
	granted.Outcome = Blocked
	explained(t, s, ask("p", readAccount, account),
		append([]told{{Outcome: Denies, Pattern: "*", Match: arm.ByWildcard}, granted}, names...))
}

// Each thing that leaves a deny assignment open is told.
func TestReasonsOfDoubtfulDenies(t *testing.T) {
	f := func(change func(*mivet.Snapshot, *mivet.DenyAssignment), missing ...string) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "reader", sub)}
			d := denyOf(rg, mivet.Everyone)
			change(s, &d)
			s.DenyAssignments = []mivet.DenyAssignment{d}
		})
		x := New(s, Options{}).Explain(ask("p", readAccount, account))
		if x.Effect != Unknown || x.Cause != CauseDenyUnknown {
			t.Errorf("%s because of %s", x.Effect, x.Cause)
		}
		var lacks []string
		for _, m := range x.Missing {
			lacks = append(lacks, m.What)
		}
		if d := cmp.Diff(missing, lacks); d != "" {
			t.Errorf("missing (-want +got):\n%s", d)
		}
	}
	const open = "whether a deny assignment blocks is not known: "
	f(func(_ *mivet.Snapshot, d *mivet.DenyAssignment) { d.Scope = arm.ID{} }, open+noScope)
	f(func(_ *mivet.Snapshot, d *mivet.DenyAssignment) { d.Effect = "odd" }, open+"what its effect odd does is not published")
	f(func(_ *mivet.Snapshot, d *mivet.DenyAssignment) { d.Excluded = []mivet.PrincipalID{""} }, open+"whom it excludes is not known")
	f(func(_ *mivet.Snapshot, d *mivet.DenyAssignment) { d.Condition = perhaps }, "a condition looks at @Request[x]")
	f(func(_ *mivet.Snapshot, d *mivet.DenyAssignment) { d.Permissions[0].Condition = perhaps }, "a condition looks at @Request[x]")
	f(func(_ *mivet.Snapshot, d *mivet.DenyAssignment) { d.Permissions[0].Actions = []string{""} },
		open+`parsing pattern "": at byte 0: it is empty`)
	f(func(_ *mivet.Snapshot, d *mivet.DenyAssignment) { d.Condition = broken },
		open+`parsing condition: line 1, column 25 (byte 24): expected an attribute or a value, found the end of the text`)
	f(func(s *mivet.Snapshot, d *mivet.DenyAssignment) {
		d.Principals = []mivet.PrincipalID{"g"}
		s.Gaps = []mivet.Gap{gapOf(mivet.FactMemberships, "", "g")}
	}, "group members were not read: no permission")
	f(func(s *mivet.Snapshot, d *mivet.DenyAssignment) {
		d.Scope = id(groupA)
		s.Gaps = []mivet.Gap{gapOf(mivet.FactManagementGroups, "", "")}
	}, "management groups were not read: no permission")
	f(func(s *mivet.Snapshot, d *mivet.DenyAssignment) {
		d.Principals = nil
		s.Gaps = []mivet.Gap{gapOf(mivet.FactDenyAssignments, "", "")}
	}, "deny assignments were not read: no permission")
}

// What is missing is told with what would decide it.
func TestMissing(t *testing.T) {
	f := func(r Request, change func(*mivet.Snapshot), what, fix string) {
		t.Helper()
		x := New(small(change), Options{}).Explain(r)
		if len(x.Missing) == 0 || x.Effect != Unknown {
			t.Fatalf("%s because of %s, missing %+v", x.Effect, x.Cause, x.Missing)
		}
		if m := x.Missing[0]; m.What != what || m.Fix != fix {
			t.Errorf("missing %q, fix %q; want %q, fix %q", m.What, m.Fix, what, fix)
		}
	}
	read := ask("p", readAccount, account)
	grant := func(change func(*mivet.RoleAssignment)) func(*mivet.Snapshot) {
		return func(s *mivet.Snapshot) {
			a := grantOf("p", "reader", sub)
			change(&a)
			s.RoleAssignments = []mivet.RoleAssignment{a}
		}
	}
	f(read, func(s *mivet.Snapshot) { s.Gaps = []mivet.Gap{gapOf(mivet.FactRoleAssignments, "", "")} },
		"role assignments were not read: no permission", "read them with x/read")
	f(read, func(s *mivet.Snapshot) { s.RoleAssignments = []mivet.RoleAssignment{grantOf("", "reader", sub)} },
		"role assignments were not read: number 1 of the role assignments does not say whom it names", "")
	f(read, grant(func(a *mivet.RoleAssignment) { a.Scope = arm.ID{} }), "what a grant gives is not known: "+noScope, "")
	f(read, grant(func(a *mivet.RoleAssignment) { a.Condition = perhaps }), "a condition looks at @Request[x]", "give its value with the question")
	f(read, grant(func(a *mivet.RoleAssignment) { a.Condition = "SubOperationMatches{'Blob.List'}" }),
		"a condition looks at the suboperations of the request: the suboperations of the request", "give them with the question")
	f(read, grant(func(a *mivet.RoleAssignment) { a.Condition = "@Request[x] IpMatch 'y'" }),
		"what a part of a condition means is not published: @Request[x] IpMatch 'y'", "")
	f(read, grant(func(a *mivet.RoleAssignment) { a.Condition, a.ConditionVersion = always, "9.0" }),
		"what the grant gives hangs on more than the question tells: reading a condition: version 9.0 is not known, only 1.0 and 2.0 are", "")
	f(ask("p", readAccount, "/subscriptions/none"), nil, noteNoSubscription, "take a snapshot that includes it")
	f(ask("p", readAccount, ""), nil, noteNoResource, "take a snapshot that includes it")
	f(ask("p", getSecret, secret), nil, noteNoVault, "take a snapshot that includes it")
	f(ask("p", getSecret, secret), func(s *mivet.Snapshot) {
		s.Resources = []mivet.Resource{vaultWith("")}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "data", sub)}
	}, "the vault's permission model was not read (enableRbacAuthorization)", "read the vault (Microsoft.KeyVault/vaults/read)")
	f(read, func(s *mivet.Snapshot) {
		s.TakenAt = time.Time{}
		a := grantOf("p", "reader", sub)
		a.Start = genTime
		s.RoleAssignments = []mivet.RoleAssignment{a}
	}, "the grant is bounded in time and the question has none", "give the time of the question")
	both := ask("p", "Microsoft.Odd/things/read", account)
	both.Plane = mivet.PlaneUnknown
	f(both, grant(func(*mivet.RoleAssignment) {}),
		"the plane of the operation is not known, and the answer is allowed on the control plane and denied on the data plane", "ask for one plane")
}

// Where the plane is not known, the firmer refusal is told.
func TestBothPlanes(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "data", sub), grantOf("q", "all", sub), grantOf("r", "data", sub)}
		s.RoleAssignments[0].Eligible = true
		d := denyOf(sub, "r")
		d.Permissions = []mivet.Permission{{DataActions: []string{"*"}}}
		s.DenyAssignments = []mivet.DenyAssignment{d}
	})
	f := func(who mivet.PrincipalID, effect Effect, cause Cause) {
		t.Helper()
		r := Request{Principal: who, Operation: op("Microsoft.Odd/things/read"), Resource: id(account)}
		wants(t, s, r, effect, cause)
		if x := New(s, Options{}).Explain(r); x.Plane != mivet.PlaneUnknown {
			t.Errorf("plane %s", x.Plane)
		}
	}
	f("p", Denied, CauseEligible)
	f("q", Allowed, CauseGrant)
	f("r", Denied, CauseDeny)
	f("s", Denied, CauseNoGrant)
}

// A grant under both conditions, the role's and its own, tells the one that counts.
func TestReasonsOfConditions(t *testing.T) {
	f := func(inside, own string, outcome Outcome, text string, value abac.Truth, residual string, undecided int) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "x", Name: "x", Permissions: []mivet.Permission{{Actions: []string{"*"}, Condition: inside}}})
			a := grantOf("p", "x", sub)
			a.Condition = own
			s.RoleAssignments = []mivet.RoleAssignment{a}
		})
		r := New(s, Options{}).Explain(ask("p", readAccount, account)).Reasons[0]
		if r.Outcome != outcome || r.Condition != text || r.ConditionValue != value || r.Residual != residual || len(r.Undecided) != undecided {
			t.Errorf("%s, %q %s, left %q, %d undecided", r.Outcome, r.Condition, r.ConditionValue, r.Residual, len(r.Undecided))
		}
	}
	const other = "@Request[z] StringEquals 'y'"
	f("", "", Grants, "", abac.Unknown, "", 0)
	f(always, "", Grants, always, abac.True, "", 0)
	f("", always, Grants, always, abac.True, "", 0)
	f(always, "ActionMatches{'*'}", Grants, "ActionMatches{'*'}", abac.True, "", 0)
	f(perhaps, always, MayGrant, perhaps, abac.Unknown, perhaps, 1)
	f(always, perhaps, MayGrant, perhaps, abac.Unknown, perhaps, 1)
	f(perhaps, other, MayGrant, perhaps, abac.Unknown, perhaps, 2)
	f(perhaps, never, ConditionFails, never, abac.False, "", 0)
	f(never, perhaps, ConditionFails, never, abac.False, "", 0)
	f(broken, always, MayGrant, broken, abac.Unknown, "", 0)
}

// Reasons of facts that are no role assignments.
func TestReasonsBesideRoles(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Resources = []mivet.Resource{vaultWith("true")}
		s.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "p", Secrets: []string{"get"}}}
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("p", "data", vault)}
		s.LocalGrants = []mivet.LocalAssignment{{System: mivet.LocalCosmos, Account: id(cosmos), Scope: "/dbs/d", Role: "Cosmos DB Built-in Data Reader", Principal: "p"}}
	})
	secretReasons := []told{
		{Outcome: Grants, Pattern: "*", Match: arm.ByWildcard, Role: "data", Via: "p"},
		{Outcome: ModelIgnores, Pattern: getSecret, Match: arm.ByName, Role: "access policy", Via: "p"},
		{Outcome: OtherScope, Role: "Cosmos DB Built-in Data Reader", Via: "p"},
	}
	explained(t, s, ask("p", getSecret, vault), secretReasons)
	x := New(s, Options{}).Explain(ask("p", readItem, cosmos+"/sqlDatabases/d"))
	if x.Local != LocalGrant || x.Reasons[0].Local != &s.LocalGrants[0] || x.Reasons[0].Scope.String() != cosmos+"/sqlDatabases/d" {
		t.Errorf("%+v", x.Decision)
	}
	s.Resources[0] = vaultWith("false")
	x = New(s, Options{}).Explain(ask("p", getSecret, vault))
	if x.Local != LocalPolicy || x.Reasons[0].Policy != &s.AccessPolicies[0] || x.Reasons[1].Outcome != ModelIgnores {
		t.Errorf("%+v", x.Decision)
	}
}

// A claimed group that leads nowhere still has its reasons under its own name.
func TestReasonsOfClaimedGroups(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("h", "reader", sub)}
		s.Memberships = []mivet.Membership{{Group: "h", Member: "g"}, {Group: "x", Member: "p"}}
		s.Gaps = []mivet.Gap{gapOf(mivet.FactMemberships, "", "h")}
	})
	r := ask("p", readAccount, account)
	explained(t, s, r, []told{{Outcome: MayGrant, Role: "reader", Via: "h", Note: "whether the principal is a member was not read"}},
		"group members were not read: no permission")
	r.Groups = []mivet.PrincipalID{"unheard", "x", "g"}
	explained(t, s, r, []told{{Outcome: Grants, Pattern: "*/read", Match: arm.ByWildcard, Role: "reader", Via: "p g h"}})
}

// Names are words, and what has no name says so.
func TestNames(t *testing.T) {
	text := func(m interface{ MarshalText() ([]byte, error) }) string {
		b, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	seen := map[string]bool{}
	for c := range Cause(len(causeNames)) {
		if c.String() == "" || seen[c.String()] || text(c) != c.String() {
			t.Errorf("cause %d: %q", c, c)
		}
		seen[c.String()] = true
	}
	for o := range numberOfOutcomes {
		if o.String() == "" || seen[o.String()] || text(o) != o.String() {
			t.Errorf("outcome %d: %q", o, o)
		}
		seen[o.String()] = true
	}
	for e, want := range map[Effect]string{Unknown: "unknown", Allowed: "allowed", Denied: "denied"} {
		if e.String() != want || text(e) != want {
			t.Errorf("effect %d: %q", e, e)
		}
	}
	if got := Cause(200).String() + Outcome(200).String(); got != "invalidinvalid" {
		t.Errorf("%q", got)
	}
}
