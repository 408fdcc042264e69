// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Properties of two tenants that differ in one thing. They need no second opinion on what
// is right.

// named makes everyone a principal that the directory names, so that another fact that
// names them tells nothing new.
func named(s *mivet.Snapshot) {
	for _, p := range genPeople {
		if !slices.ContainsFunc(s.Principals, func(x mivet.Principal) bool { return x.ID == p }) {
			s.Principals = append(s.Principals, mivet.Principal{ID: p})
		}
	}
}

// isPlacedIn reports whether a tenant speaks of the resource's subscription.
func isPlacedIn(s *mivet.Snapshot, r *Request) bool {
	q := refQuestion{s: s, r: r, resource: lower(r.Resource.String())}
	return q.isPlaced()
}

// rank orders the effects by how much they give.
func rank(e Effect) int { return slices.Index([]Effect{Denied, Unknown, Allowed}, e) }

// compare asks both tenants the same questions.
func compare(t *rapid.T, g *gen, before, after *mivet.Snapshot, ok func(r *Request, was, is Decision) bool) {
	was, is := New(before, Options{}), New(after, Options{})
	for range questionsPerTenant {
		r, _ := g.request()
		if !isPlacedIn(before, &r) || !isPlacedIn(after, &r) {
			continue
		}
		if x, y := was.Check(r), is.Check(r); !ok(&r, x, y) {
			t.Fatalf("%+v before, %+v after", x, y)
		}
	}
}

func TestAssignmentNeverRemoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		named(before)
		after := *before
		a := g.assignment()
		a.PrincipalType = ""
		after.RoleAssignments = append(slices.Clip(before.RoleAssignments), a)
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool { return rank(is.Effect) >= rank(was.Effect) })
	})
}

func TestDenyNeverAdds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		named(before)
		after := *before
		after.DenyAssignments = append(slices.Clip(before.DenyAssignments), g.deny())
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool { return rank(is.Effect) <= rank(was.Effect) })
	})
}

// A deny whose match is unknown turns allowed into unknown, and nothing else.
func TestDoubtfulDeny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		named(before)
		after := *before
		d := denyOf("/", mivet.Everyone)
		d.Condition = broken
		after.DenyAssignments = append(slices.Clip(before.DenyAssignments), d)
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool {
			return is.Effect == was.Effect || was.Effect == Allowed && is.Effect == Unknown
		})
	})
}

func TestWiderScopeNeverRemoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		after := *before
		after.RoleAssignments = slices.Clone(before.RoleAssignments)
		a := &after.RoleAssignments[g.count(len(after.RoleAssignments)-1, "which")]
		a.Scope = arm.Root()
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool { return rank(is.Effect) >= rank(was.Effect) })
	})
}

func shuffled[T any](t *rapid.T, list []T, label string) []T {
	if len(list) == 0 {
		return nil
	}
	return rapid.Permutation(list).Draw(t, label)
}

func TestOrderIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		after := *before
		after.ManagementGroups = shuffled(t, before.ManagementGroups, "groups")
		after.Subscriptions = shuffled(t, before.Subscriptions, "subscriptions")
		after.Identities = shuffled(t, before.Identities, "identities")
		after.Principals = shuffled(t, before.Principals, "principals")
		after.Memberships = shuffled(t, before.Memberships, "memberships")
		after.RoleDefinitions = shuffled(t, before.RoleDefinitions, "roles")
		after.RoleAssignments = shuffled(t, before.RoleAssignments, "assignments")
		after.DenyAssignments = shuffled(t, before.DenyAssignments, "denies")
		after.AccessPolicies = shuffled(t, before.AccessPolicies, "policies")
		after.LocalRoles = shuffled(t, before.LocalRoles, "local roles")
		after.LocalGrants = shuffled(t, before.LocalGrants, "local grants")
		after.Gaps = shuffled(t, before.Gaps, "gaps")
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool { return is.Effect == was.Effect })
	})
}

// rename gives everyone another name, in an order that is turned round.
func rename(id mivet.PrincipalID) mivet.PrincipalID {
	if i := slices.Index(genPeople, id); i >= 0 {
		return mivet.PrincipalID("renamed " + string(rune('z'-i)))
	}
	return id
}

func renameAll(ids []mivet.PrincipalID) []mivet.PrincipalID {
	out := make([]mivet.PrincipalID, len(ids))
	for i := range ids {
		out[i] = rename(ids[i])
	}
	return out
}

func renamed(s *mivet.Snapshot) *mivet.Snapshot {
	out := *s
	each(&out.Identities, func(x *mivet.Identity) { x.Principal = rename(x.Principal) })
	each(&out.Principals, func(x *mivet.Principal) { x.ID = rename(x.ID) })
	each(&out.Memberships, func(x *mivet.Membership) { x.Group, x.Member = rename(x.Group), rename(x.Member) })
	each(&out.RoleDefinitions, func(x *mivet.RoleDefinition) { x.ID = "new-" + x.ID })
	each(&out.RoleAssignments, func(x *mivet.RoleAssignment) {
		x.Principal = rename(x.Principal)
		if x.Role != "" {
			x.Role = "new-" + x.Role
		}
	})
	each(&out.DenyAssignments, func(x *mivet.DenyAssignment) {
		x.Principals, x.Excluded = renameAll(x.Principals), renameAll(x.Excluded)
	})
	each(&out.AccessPolicies, func(x *mivet.AccessPolicy) { x.Principal = rename(x.Principal) })
	each(&out.LocalGrants, func(x *mivet.LocalAssignment) { x.Principal = rename(x.Principal) })
	each(&out.Delegations, func(x *mivet.Delegation) {
		each(&x.Grants, func(y *mivet.DelegatedGrant) { y.Principal, y.Role = rename(y.Principal), "new-"+y.Role })
	})
	each(&out.Gaps, func(x *mivet.Gap) { x.Subject = string(rename(mivet.PrincipalID(x.Subject))) })
	return &out
}

// each changes a copy of a list.
func each[T any](list *[]T, change func(*T)) {
	*list = slices.Clone(*list)
	for i := range *list {
		change(&(*list)[i])
	}
}

func TestNamesAreIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		s := g.tenant()
		was, is := New(s, Options{}), New(renamed(s), Options{})
		for range questionsPerTenant {
			r, _ := g.request()
			x := was.Check(r)
			r.Principal, r.Groups = rename(r.Principal), renameAll(r.Groups)
			if y := is.Check(r); x != y {
				t.Fatalf("%+v before, %+v after", x, y)
			}
		}
	})
}

func upperID(i arm.ID) arm.ID { return id(strings.ToUpper(i.String())) }

func upperAll(texts []string) []string {
	out := make([]string, len(texts))
	for i := range texts {
		out[i] = strings.ToUpper(texts[i])
	}
	return out
}

func upperPermissions(perms []mivet.Permission) []mivet.Permission {
	each(&perms, func(p *mivet.Permission) {
		p.Actions, p.NotActions = upperAll(p.Actions), upperAll(p.NotActions)
		p.DataActions, p.NotDataActions = upperAll(p.DataActions), upperAll(p.NotDataActions)
	})
	return perms
}

func uppered(s *mivet.Snapshot) *mivet.Snapshot {
	out := *s
	each(&out.ManagementGroups, func(x *mivet.ManagementGroup) { x.ID, x.Parent = upperID(x.ID), upperID(x.Parent) })
	each(&out.Subscriptions, func(x *mivet.Subscription) { x.ID, x.Parent = upperID(x.ID), upperID(x.Parent) })
	each(&out.Resources, func(x *mivet.Resource) { x.ID = upperID(x.ID) })
	each(&out.RoleDefinitions, func(x *mivet.RoleDefinition) {
		x.Name, x.Permissions = strings.ToUpper(x.Name), upperPermissions(x.Permissions)
	})
	each(&out.RoleAssignments, func(x *mivet.RoleAssignment) {
		x.Scope, x.RoleName = upperID(x.Scope), strings.ToLower(x.RoleName)
	})
	each(&out.DenyAssignments, func(x *mivet.DenyAssignment) {
		x.Scope, x.Permissions, x.Effect = upperID(x.Scope), upperPermissions(x.Permissions), mivet.DenyEffect(strings.ToUpper(string(x.Effect)))
	})
	each(&out.AccessPolicies, func(x *mivet.AccessPolicy) {
		x.Vault, x.Keys, x.Secrets = upperID(x.Vault), upperAll(x.Keys), upperAll(x.Secrets)
	})
	each(&out.LocalRoles, func(x *mivet.LocalRole) {
		x.ID, x.Account, x.DataActions = strings.ToUpper(x.ID), upperID(x.Account), upperAll(x.DataActions)
	})
	each(&out.LocalGrants, func(x *mivet.LocalAssignment) { x.Account, x.Scope = upperID(x.Account), strings.ToUpper(x.Scope) })
	each(&out.Gaps, func(x *mivet.Gap) { x.Scope = upperID(x.Scope) })
	return &out
}

func TestCaseIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: shape{gaps: true, denies: true, faults: true}}
		s := g.tenant()
		was, is := New(s, Options{}), New(uppered(s), Options{})
		for range questionsPerTenant {
			r, _ := g.request()
			x := was.Check(r)
			r.Operation, r.Resource = op(strings.ToUpper(r.Operation.String())), upperID(r.Resource)
			if y := is.Check(r); x != y {
				t.Fatalf("%+v before, %+v after", x, y)
			}
		}
	})
}

func TestTrueConditionIsNone(t *testing.T) {
	const holds = "ActionMatches{'*'}"
	always := func(text *string) {
		if *text == "" {
			*text = holds
		}
	}
	inside := func(perms []mivet.Permission) []mivet.Permission {
		each(&perms, func(p *mivet.Permission) { always(&p.Condition) })
		return perms
	}
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		after := *before
		each(&after.RoleDefinitions, func(x *mivet.RoleDefinition) { x.Permissions = inside(x.Permissions) })
		each(&after.RoleAssignments, func(x *mivet.RoleAssignment) { always(&x.Condition) })
		each(&after.DenyAssignments, func(x *mivet.DenyAssignment) {
			always(&x.Condition)
			x.Permissions = inside(x.Permissions)
		})
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool { return is == was })
	})
}

// What was unknown may become anything once it is read; what was known stays.
func TestReadingAGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		named(before)
		before.Gaps = append(before.Gaps, g.gap())
		after := *before
		i := g.count(len(before.Gaps)-1, "which")
		after.Gaps = slices.Delete(slices.Clone(before.Gaps), i, i+1)
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool {
			return was.Effect == Unknown || is.Effect == was.Effect
		})
	})
}

// Two roles give together what one role with the permission objects of both gives.
func TestRolesUnite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		before := g.tenant()
		one, two := g.permissions("one"), g.permissions("two")
		scope := g.scope("scope of both")
		after := *before
		define := func(s *mivet.Snapshot, name mivet.RoleID, perms []mivet.Permission) {
			s.RoleDefinitions = append(slices.Clip(s.RoleDefinitions), mivet.RoleDefinition{ID: name, Name: string(name), Permissions: perms})
			s.RoleAssignments = append(slices.Clip(s.RoleAssignments), mivet.RoleAssignment{Principal: "p", Role: name, Scope: scope})
		}
		define(before, "one", one)
		define(before, "two", two)
		define(&after, "both", slices.Concat(one, two))
		compare(t, g, before, &after, func(_ *Request, was, is Decision) bool { return is.Effect == was.Effect })
	})
}
