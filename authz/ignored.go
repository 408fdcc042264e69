// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// Ignored says that a resource does not count a grant, or a part of it: its permission
// model, or another setting, lets something else decide.
type Ignored struct {
	Resource arm.ID
	// Plane is the side on which the grant does not count.
	Plane mivet.Plane
	// Whole is true where nothing that the grant gives there is left.
	Whole bool
	// Effect is Denied where the setting says so, and Unknown where it was not read.
	Effect Effect
	Why    string
}

const (
	ignoresRoles    = "the vault is under access policies and ignores data actions of roles"
	ignoresPolicies = "the vault is under role assignments and ignores access policies"
	modelNotRead    = "whether the vault is under access policies or role assignments was not read (" + modelSetting + ")"
)

// vaultModel describes vaults as the other models are described.
var vaultModel = settingModel{
	resourceType: vaultType, plane: mivet.PlaneData, prefixes: []string{vaultOperations}, setting: modelSetting, ignores: ignoresRoles,
}

// ignored lists the resources that do not count a grant: the one that it is held at or
// below, and of those below its scope the ones that leave nothing of a role.
func (e *Engine) ignored(g *grant, scope arm.ID) []Ignored {
	switch g.class() {
	case classPolicy:
		return e.ignoredPolicy(g, scope)
	case classRBAC, classDelegated:
	default:
		return nil
	}
	var out []Ignored
	ro := &e.roles[g.roleNumber()]
	for i := -1; i < len(settingModels); i++ {
		m := &vaultModel
		if i >= 0 {
			m = &settingModels[i]
		}
		touches, whole := ro.within(m)
		if touches {
			out = append(out, e.ignoredBy(m, g, scope, whole)...)
		}
	}
	return out
}

// ignoredPolicy is about the entry of a vault's access list.
func (e *Engine) ignoredPolicy(g *grant, vault arm.ID) []Ignored {
	found := Ignored{Resource: vault, Plane: mivet.PlaneData, Whole: true, Effect: Denied, Why: ignoresPolicies}
	switch e.listDecides(g.scope) {
	case abac.True:
		return nil
	case abac.Unknown:
		found.Effect, found.Why = Unknown, modelNotRead
	case abac.False:
	}
	return []Ignored{found}
}

// listDecides says whether the access list of a vault decides about its data.
func (e *Engine) listDecides(n arm.Node) abac.Truth {
	if t, known := e.vaults.models[n]; known {
		return t
	}
	return abac.Unknown
}

// ignoredBy lists the resources of a model's type that do not honour role assignments.
func (e *Engine) ignoredBy(m *settingModel, g *grant, scope arm.ID, whole bool) []Ignored {
	if at := ancestorOf(scope, m.resourceType); !at.IsZero() {
		return e.ignoredAt(m, at, whole)
	}
	if !whole {
		return nil
	}
	var out []Ignored
	for _, n := range e.modelled(m) {
		if g.covers(n) {
			out = append(out, e.ignoredAt(m, e.tree.ID(n), true)...)
		}
	}
	return slices.DeleteFunc(out, func(i Ignored) bool { return i.Effect != Denied })
}

// ignoredAt is about one resource.
func (e *Engine) ignoredAt(m *settingModel, at arm.ID, whole bool) []Ignored {
	found := Ignored{Resource: at, Plane: m.plane, Whole: whole, Effect: Denied, Why: m.ignores}
	switch e.honoursRoles(m, at) {
	case abac.True:
		return nil
	case abac.Unknown:
		found.Effect, found.Why = Unknown, m.missing().What
		if m == &vaultModel {
			found.Why = modelNotRead
		}
	case abac.False:
	}
	return []Ignored{found}
}

// honoursRoles says whether role assignments decide about what a model is about.
func (e *Engine) honoursRoles(m *settingModel, at arm.ID) abac.Truth {
	n, _ := e.tree.Find(at) // a grant's scope, or a resource with a model: it is in the tree
	switch r := e.models[n]; {
	case m == &vaultModel:
		return e.listDecides(n).Not()
	case r == nil:
		return abac.Unknown
	default:
		return m.honours(r)
	}
}

// modelled lists the resources that a model is about, in order.
func (e *Engine) modelled(m *settingModel) []arm.Node {
	if m == &vaultModel {
		return slices.Sorted(maps.Keys(e.vaults.models))
	}
	var out []arm.Node
	for n, r := range e.models {
		if r.ID.HasType(m.resourceType) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// within says whether a role gives operations that a model is about, and whether it gives
// nothing else.
func (r *role) within(m *settingModel) (touches, whole bool) {
	whole = r.def != nil
	for i := range r.perms {
		for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
			rules := r.perms[i].rules(plane)
			for _, p := range rules.grant {
				prefix := string(p.Prefix())
				inside := plane == m.plane && slices.ContainsFunc(m.prefixes, func(s string) bool { return strings.HasPrefix(prefix, s) })
				touches = touches || inside || plane == m.plane && slices.ContainsFunc(m.prefixes, func(s string) bool { return strings.HasPrefix(s, prefix) })
				whole = whole && inside
			}
			whole = whole && rules.grantFault == nil
		}
	}
	return touches, whole && touches
}

// obey takes into account what the models of resources leave of a right.
func (r *Right) obey() {
	for i := range r.Ignored {
		x := &r.Ignored[i]
		if !x.Whole || r.Effect == Denied || !x.Resource.Contains(r.Scope) {
			continue
		}
		r.Effect, r.Cause = x.Effect, CauseIgnored
		if x.Effect == Unknown {
			r.Cause = CauseModel
			if isVault(x.Resource) {
				r.Cause = CauseVaultModel
			}
		}
	}
}

// UnseenRights says what was not read that may add to the rights that [Engine.WhatCan]
// yields, or take from them: without it the list is whole.
func (e *Engine) UnseenRights(w WhatCanQuery) []Missing {
	r := Request{Principal: w.Principal, Groups: w.Groups, At: w.At}
	var q question
	q.ask(e, &r)
	t := trace{q: &q}
	groups := q.openGroups()
	for i := range e.gaps.list {
		if e.hidesRights(&q, &e.gaps.list[i]) || groups[int32(i)] {
			t.gap(int32(i))
		}
	}
	return t.missing
}

// hidesRights reports whether a gap may hide a grant of the caller, or what takes one back.
func (e *Engine) hidesRights(q *question, g *mivet.Gap) bool {
	switch g.Facts {
	case mivet.FactInput:
		return true
	case mivet.FactDelegations:
		if !q.mayBeForeign() {
			return false
		}
	case mivet.FactRoleAssignments, mivet.FactEligibleAssignments, mivet.FactDenyAssignments,
		mivet.FactAccessPolicies, mivet.FactLocalGrants, mivet.FactPathACLs:
	default:
		return false
	}
	about := e.people.find(mivet.NewPrincipalID(g.Subject))
	return about == noPerson || q.isIn(about) != abac.False
}

// openGroups are the gaps that leave open whether the caller is in a group that holds a
// grant.
func (q *question) openGroups() map[int32]bool {
	out := map[int32]bool{}
	for n := range q.e.people.ids {
		owner := int32(n)
		if len(q.e.grants.of(owner)) == 0 {
			continue
		}
		if gap := q.e.gaps.membership(q.e.people, q.who.number, owner); gap >= 0 && !out[gap] && !q.isSubject(owner) {
			out[gap] = true
		}
	}
	return out
}
