// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

const serviceAuthorization = "Authorization"

// The operations with which rights are given beside assigning a role
// (MicrosoftDocs/azure-docs articles/role-based-access-control/custom-roles.md,
// pim-integration.md and elevate-access-global-admin.md).
const (
	opDefineRole = "Microsoft.Authorization/roleDefinitions/write"
	opSchedule   = "Microsoft.Authorization/roleAssignmentScheduleRequests/write"
	opElevate    = "Microsoft.Authorization/elevateAccess/action"
)

// grants adds the ways by giving oneself a role that gives the operation, or that opens
// one of its ways. Conditions that limit which roles may be given to whom are evaluated
// for each such role.
func (b *bypasser) grants() {
	write := operationOf(abac.RoleAssignmentWrite)
	step := b.check(write, b.r.Resource, b.assign("").WriteEnv())
	switch {
	case step.Decision.Effect == Denied:
		b.otherGrants()
	case b.whole:
		b.addGrant(step, nil, 0)
	default:
		roles := b.helpful()
		best, n, used := b.grantable(write, roles, step)
		if best != nil {
			b.addGrant(used, best, n)
		}
	}
}

func (b *bypasser) addGrant(step Step, role *mivet.RoleDefinition, n int) {
	w := Bypass{
		Class: WayEscalation, Kind: catalog.BypassGrant, Service: serviceAuthorization, Steps: []Step{step},
		Yields: "gives itself a role", Role: role, Roles: n, Effect: step.Decision.Effect,
	}
	if role != nil {
		w.Yields = "gives itself " + role.Name
	}
	b.out = append(b.out, w)
}

// grantable returns the first role that the principal may surely give itself, else one
// that it may be able to, how many there are of that sort, and the answer for it.
func (b *bypasser) grantable(write arm.Operation, roles []*mivet.RoleDefinition, each Step) (best *mivet.RoleDefinition, n int, used Step) {
	if each.Decision.Effect == Allowed && len(roles) > 0 {
		return roles[0], len(roles), each
	}
	for _, r := range roles {
		step := b.check(write, b.r.Resource, b.assign(r.ID).WriteEnv())
		switch {
		case step.Decision.Effect == Denied:
		case best == nil || step.Decision.Effect == Allowed && used.Decision.Effect != Allowed:
			best, n, used = r, 1, step
		case step.Decision.Effect == used.Decision.Effect:
			n++
		}
	}
	return best, n, used
}

// helpful are the roles that give the operation, and if roles do not count for it, those
// that open one of its ways.
func (b *bypasser) helpful() []*mivet.RoleDefinition {
	var out []*mivet.RoleDefinition
	every := b.e.everyRole()
	for i := range every {
		if b.helps(&every[i]) {
			out = append(out, every[i].def)
		}
	}
	return out
}

func (b *bypasser) helps(r *role) bool {
	if b.roles != abac.False {
		return r.code(b.row.op, b.plane) == codeGrants
	}
	return slices.ContainsFunc(b.actions, func(a arm.Operation) bool { return r.code(a, mivet.PlaneControl) == codeGrants })
}

// otherGrants adds the ways of those who cannot assign a role: to widen a role that they
// hold, to request an assignment, and to elevate access.
func (b *bypasser) otherGrants() {
	b.widen()
	if step := b.check(operationOf(opSchedule), b.r.Resource, nil); step.Decision.Effect != Denied {
		b.out = append(b.out, Bypass{
			Class: WayEscalation, Kind: catalog.BypassGrant, Service: serviceAuthorization, Steps: []Step{step},
			Yields: "requests an active assignment of a role for itself", Effect: step.Decision.Effect,
		})
	}
	for _, right := range b.e.DirectoryRights(WhatCanQuery{Principal: b.r.Principal, Groups: b.r.Groups, At: b.r.At}).Rights {
		if right.Role == nil || right.Effect == Denied || right.ToAzure != roadsToAzure[globalAdministrator] {
			continue
		}
		b.out = append(b.out, Bypass{
			Class: WayEscalation, Kind: catalog.BypassGrant, Service: "Microsoft Entra ID", Effect: right.Effect,
			Steps:  []Step{{Operation: operationOf(opElevate), Resource: arm.Root(), Decision: Decision{Effect: right.Effect, Cause: right.Cause, Fact: -1}}},
			Yields: "takes User Access Administrator at the root scope", Note: "as " + right.Name,
		})
	}
}

// widen adds the way by changing a custom role that the principal holds at or above the
// resource. That takes the right to do so at each of the role's assignable scopes.
func (b *bypasser) widen() {
	for right := range b.e.WhatCan(WhatCanQuery{Principal: b.r.Principal, Groups: b.r.Groups, At: b.r.At}) {
		if right.Cause == CauseIgnored && !right.grant.slow() {
			right.Effect = Allowed // what the role is changed to may count
		}
		if right.Assignment == nil || right.Role == nil || right.Role.BuiltIn || right.Effect == Denied || !right.covers(b.r.Resource) {
			continue
		}
		w := Bypass{
			Class: WayEscalation, Kind: catalog.BypassGrant, Service: serviceAuthorization, Role: right.Role, Roles: 1,
			Yields: "adds the operation to " + right.Role.Name + ", which it holds", Effect: right.Effect,
		}
		for _, text := range right.Role.AssignableScopes {
			scope, err := arm.ParseID(text)
			if err != nil {
				continue
			}
			step := b.check(operationOf(opDefineRole), scope, nil)
			w.Steps = append(w.Steps, step)
			if w.Effect = weaker(w.Effect, step.Decision.Effect); step.Decision.Effect == Denied {
				w.Effect = Denied
				break
			}
		}
		if w.Effect != Denied && len(w.Steps) > 0 {
			b.out = append(b.out, w)
			return
		}
	}
}

// covers reports whether the right's scope is at or above a resource.
func (r *Right) covers(id arm.ID) bool {
	n, _ := r.engine.tree.Find(id)
	return r.grant.covers(n)
}

// everyRole returns all roles that could be assigned, compiled: the catalogue's and the
// snapshot's own, by name. They are compiled when they are first asked for.
func (e *Engine) everyRole() []role {
	e.everyOnce.Do(func() {
		seen := map[mivet.RoleID]bool{}
		add := func(list []mivet.RoleDefinition) {
			for i := range list {
				if d := &list[i]; !seen[d.ID] {
					seen[d.ID] = true
					e.every = append(e.every, role{def: d, name: d.Name, perms: compilePermissions(d.Permissions)})
				}
			}
		}
		add(e.snap.RoleDefinitions)
		if e.cat != nil {
			add(e.cat.Roles())
		}
		slices.SortStableFunc(e.every, func(a, b role) int { return strings.Compare(a.name, b.name) })
	})
	return e.every
}
