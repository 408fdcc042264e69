// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Who is in what, what is above what, and what was not read: the second half of the
// reference evaluator.

// isIn asks whether the caller is a principal or in it.
func (q *refQuestion) isIn(id mivet.PrincipalID, use string) bool {
	if slices.Contains(q.subjects(), id) {
		return true
	}
	return q.mayBeIn(id) && q.w.maybe("%s: the caller is in %s", use, id)
}

// subjects are the caller, the groups that it claims, and every group that these are in.
func (q *refQuestion) subjects() []mivet.PrincipalID {
	all := append([]mivet.PrincipalID{q.r.Principal}, q.r.Groups...)
	all = slices.DeleteFunc(all, func(p mivet.PrincipalID) bool { return p == "" })
	for i := 0; i < len(all); i++ {
		all = q.addGroups(all, all[i])
	}
	return all
}

func (q *refQuestion) addGroups(to []mivet.PrincipalID, member mivet.PrincipalID) []mivet.PrincipalID {
	for _, m := range q.s.Memberships {
		if m.Member == member && m.Group != "" && !slices.Contains(to, m.Group) {
			to = append(to, m.Group)
		}
	}
	return to
}

// mayBeIn asks whether memberships that were not read could put the caller into a group.
func (q *refQuestion) mayBeIn(group mivet.PrincipalID) bool {
	if !q.mayBeGroup(group) {
		return false
	}
	for _, g := range q.gapsOf(mivet.FactMemberships) {
		about := mivet.PrincipalID(g.Subject)
		switch {
		case !q.isPrincipal(about) && !mivet.IsGUID(g.Subject), about == q.r.Principal && about != "":
			return true
		case q.mayBeGroup(about):
			above := []mivet.PrincipalID{about}
			for i := 0; i < len(above); i++ {
				above = q.addGroups(above, above[i])
			}
			if slices.Contains(above, group) {
				return true
			}
		}
	}
	return false
}

// mayBeGroup asks whether a principal can have members, by what the directory says, else
// by memberships, identities and assignments.
func (q *refQuestion) mayBeGroup(id mivet.PrincipalID) bool {
	kind := ""
	for _, a := range q.s.RoleAssignments {
		if a.Principal == id && a.PrincipalType != "" && kind != "Group" {
			kind = string(a.PrincipalType)
		}
	}
	for _, i := range q.s.Identities {
		if i.Principal == id {
			kind = "ServicePrincipal"
		}
	}
	for _, m := range q.s.Memberships {
		if m.Group == id {
			kind = "Group"
		}
	}
	for _, p := range q.s.Principals {
		if p.ID == id && p.Type != "" {
			kind = string(p.Type)
		}
	}
	return kind == "" || kind == "Group" || kind == "ForeignGroup"
}

// isPrincipal asks whether a fact names a principal of that ID.
func (q *refQuestion) isPrincipal(id mivet.PrincipalID) bool {
	for _, d := range q.s.Delegations {
		for _, g := range d.Grants {
			if g.Principal == id && id != "" {
				return true
			}
		}
	}
	return q.isNamed(id)
}

// isNamed asks whether another fact than a delegation names the principal.
func (q *refQuestion) isNamed(id mivet.PrincipalID) bool {
	named := map[mivet.PrincipalID]bool{}
	for _, a := range q.s.RoleAssignments {
		named[a.Principal] = true
	}
	for _, d := range q.s.DenyAssignments {
		for _, p := range slices.Concat(d.Principals, d.Excluded) {
			named[p] = true
		}
	}
	for _, p := range q.s.AccessPolicies {
		named[p.Principal] = true
	}
	for _, g := range q.s.LocalGrants {
		named[g.Principal] = true
	}
	for _, i := range q.s.Identities {
		named[i.Principal] = true
	}
	for _, m := range q.s.Memberships {
		named[m.Member], named[m.Group] = true, true
	}
	for _, p := range q.s.Principals {
		named[p.ID] = true
	}
	return id != "" && named[id]
}

// gapsOf are the gaps of a kind; a fact that names nobody is one.
func (q *refQuestion) gapsOf(kind mivet.FactKind) []mivet.Gap {
	var out []mivet.Gap
	for _, g := range q.s.Gaps {
		if g.Facts == kind {
			out = append(out, g)
		}
	}
	nobody := func(of mivet.FactKind, who mivet.PrincipalID, scope arm.ID) {
		if of == kind && who == "" {
			out = append(out, mivet.Gap{Scope: scope})
		}
	}
	for _, a := range q.s.RoleAssignments {
		nobody(mivet.FactRoleAssignments, a.Principal, a.Scope)
	}
	for _, p := range q.s.AccessPolicies {
		nobody(mivet.FactAccessPolicies, p.Principal, p.Vault)
	}
	for _, g := range q.s.LocalGrants {
		nobody(mivet.FactLocalGrants, g.Principal, g.Account)
	}
	for _, d := range q.s.DenyAssignments {
		for _, p := range d.Principals {
			nobody(mivet.FactDenyAssignments, p, d.Scope)
		}
	}
	for _, d := range q.s.Delegations {
		for _, g := range d.Grants {
			nobody(mivet.FactDelegations, g.Principal, d.Scope)
		}
	}
	for _, m := range q.s.Memberships {
		if kind == mivet.FactMemberships && (m.Group == "" || m.Member == "") {
			out = append(out, mivet.Gap{Subject: string(m.Group + m.Member)})
		}
	}
	return out
}

// hidden asks whether a fact that was not read is there and reaches the question.
func (q *refQuestion) hidden(kind mivet.FactKind, use string) bool {
	if kind != mivet.FactAccessPolicies && kind != mivet.FactDelegations && !q.isPlaced() && q.w.maybe("a hidden %s", use) {
		return true
	}
	for i, g := range q.gapsOf(kind) {
		who := mivet.PrincipalID(g.Subject)
		if q.isPrincipal(who) && !slices.Contains(q.subjects(), who) && !q.mayBeIn(who) {
			continue
		}
		scope := lower(g.Scope.String())
		if (scope == "" || q.isAbove(scope) || q.mayBeAbove(scope)) && q.w.maybe("a hidden %s in gap %d", use, i) {
			return true
		}
	}
	return false
}

// covers asks whether a fact at a scope applies to the resource.
func (q *refQuestion) covers(scope, use string) bool {
	scope = lower(scope)
	switch {
	case scope == "":
		return q.w.maybe("%s reaches the resource", use)
	case q.isAbove(scope):
		return true
	default:
		return q.mayBeAbove(scope) && q.w.maybe("%s: %s is above the resource", use, scope)
	}
}

// isAbove asks whether a scope is the resource or above it, as far as facts tell.
func (q *refQuestion) isAbove(scope string) bool { return isAtOrBelow(q.s, q.resource, scope) }

// isAtOrBelow compares on whole segments, and climbs the management groups.
func isAtOrBelow(s *mivet.Snapshot, resource, scope string) bool {
	if resource == "" {
		return scope == "/"
	}
	return scope == "/" || resource == scope || strings.HasPrefix(resource, scope+"/") || slices.Contains(groupsAbove(s, resource), scope)
}

// container returns the subscription or management group that a name starts with.
func container(resource string) string {
	parts := strings.Split(resource, "/")
	switch {
	case len(parts) > 2 && parts[1] == "subscriptions":
		return strings.Join(parts[:3], "/")
	case len(parts) > 4 && parts[2] == "microsoft.management" && parts[3] == "managementgroups":
		return strings.Join(parts[:5], "/")
	default:
		return ""
	}
}

// groupsAbove climbs from the subscription or management group of a resource.
func groupsAbove(s *mivet.Snapshot, resource string) []string {
	at := container(resource)
	var out []string
	for at != "" {
		out = append(out, at)
		if at, _ = parentOf(s, at); slices.Contains(out, at) {
			break
		}
	}
	return out
}

// parentOf returns the management group directly above, and whether what the facts say of
// it cannot be.
func parentOf(s *mivet.Snapshot, child string) (parent string, cannotBe bool) {
	said := saidParent(s, child)
	seen := []string{child}
	for at := said; at != ""; at = saidParent(s, at) {
		if at == child {
			return "", true
		}
		if slices.Contains(seen, at) {
			break
		}
		seen = append(seen, at)
	}
	if said != "" && container(said) != said || strings.HasPrefix(said, "/subscriptions/") {
		return "", true
	}
	return said, false
}

func saidParent(s *mivet.Snapshot, child string) (said string) {
	for _, g := range s.ManagementGroups {
		if p := lower(g.Parent.String()); lower(g.ID.String()) == child && p != "" {
			said = p
		}
	}
	for _, x := range s.Subscriptions {
		if p := lower(x.Parent.String()); lower(x.ID.String()) == child && p != "" {
			said = p
		}
	}
	return said
}

// mayBeAbove asks whether a management group may be above the resource although no fact
// says so.
func (q *refQuestion) mayBeAbove(scope string) bool {
	if !strings.HasPrefix(scope, "/providers/") || container(scope) != scope || q.isAbove(scope) || !q.hasOpenTop() {
		return false
	}
	chain := groupsAbove(q.s, q.resource)
	return !isAtOrBelow(q.s, scope, chain[len(chain)-1])
}

// hasOpenTop asks whether the highest known group or subscription above the resource may
// be below others.
func (q *refQuestion) hasOpenTop() bool {
	chain := groupsAbove(q.s, q.resource)
	if len(chain) == 0 || !q.isPlaced() {
		return false
	}
	top := chain[len(chain)-1]
	if strings.HasPrefix(top, "/providers/") && strings.HasSuffix(top, "/"+lower(q.s.TenantID)) {
		return false
	}
	if _, cannotBe := parentOf(q.s, top); cannotBe {
		return true
	}
	reaches := func(kind mivet.FactKind) bool {
		return slices.ContainsFunc(q.s.Gaps, func(g mivet.Gap) bool {
			return g.Facts == kind && (g.Scope.IsZero() || q.isAbove(lower(g.Scope.String())))
		})
	}
	return reaches(mivet.FactManagementGroups) || reaches(mivet.FactSubscriptions) && strings.HasPrefix(top, "/subscriptions/")
}

// isPlaced asks whether any fact speaks of the resource's subscription or management
// group. What belongs to the tenant itself needs none.
func (q *refQuestion) isPlaced() bool {
	at := container(q.resource)
	if at == "" {
		return q.resource != ""
	}
	spoken := false
	speak := func(ids ...arm.ID) {
		for _, id := range ids {
			spoken = spoken || container(lower(id.String())) == at
		}
	}
	for _, x := range q.s.Subscriptions {
		speak(x.ID, x.Parent)
	}
	for _, x := range q.s.ManagementGroups {
		speak(x.ID, x.Parent)
	}
	for _, x := range q.s.RoleAssignments {
		speak(x.Scope)
	}
	for _, x := range q.s.DenyAssignments {
		speak(x.Scope)
	}
	for _, x := range q.s.AccessPolicies {
		speak(x.Vault)
	}
	for _, x := range q.s.LocalGrants {
		speak(x.Account)
	}
	for _, x := range q.s.Delegations {
		speak(x.Scope)
	}
	for _, x := range q.s.PathACLs {
		speak(x.Container)
	}
	for _, x := range q.s.Gaps {
		speak(x.Scope)
	}
	for _, x := range q.s.Resources {
		speak(x.ID)
	}
	return spoken
}
