// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// The roles that give their holder everything at a scope, or all rights to give it: who
// may grant one of them is not restricted
// (MicrosoftDocs/azure-docs articles/role-based-access-control/built-in-roles/privileged.md).
const (
	OwnerRole      mivet.RoleID = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	UserAdminRole  mivet.RoleID = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
	RBACAdminRole  mivet.RoleID = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
	requestRoleID               = "Microsoft.Authorization/roleAssignments:RoleDefinitionId"
	requestWho                  = "Microsoft.Authorization/roleAssignments:PrincipalId"
	requestWhoType              = "Microsoft.Authorization/roleAssignments:PrincipalType"
)

// MayGrant answers whether a principal may write an assignment of a role, to itself, at a
// scope. Conditions of assignments and inside roles are evaluated for exactly that
// request, and deny assignments count.
func (p *Pass) MayGrant(who mivet.PrincipalID, role mivet.RoleID, scope arm.ID) authz.Decision {
	op := p.shared.roles().ops.named[GrantsRoles]
	if len(op) == 0 {
		return authz.Decision{Fact: -1}
	}
	env := &abac.Env{}
	env.Set(abac.Request, requestRoleID, abac.GUID(string(role)))
	env.Set(abac.Request, requestWho, principalValue(who))
	env.Set(abac.Request, requestWhoType, abac.String(string(mivet.TypeServicePrincipal)))
	env.Close(abac.Request)
	return p.Engine().Check(authz.Request{
		Principal: who, Operation: op[0], Plane: mivet.PlaneControl, Resource: scope, Given: env,
	})
}

// GrantsFreely answers whether a holding lets its holder grant itself, without a
// restriction, the roles that give everything. A holding that could not is Denied; one
// whose condition cannot be decided is Unknown.
func (p *Pass) GrantsFreely(h *Holding) authz.Effect {
	if !h.Role.Powers.Any(GrantsRoles | GrantsSome) {
		return authz.Denied
	}
	answer := authz.Denied
	for _, role := range []mivet.RoleID{OwnerRole, UserAdminRole, RBACAdminRole} {
		d := p.MayGrant(h.Holder, role, h.Scope())
		switch {
		case d.Effect == authz.Allowed:
			return p.unlessOther(h)
		case d.Effect == authz.Unknown:
			answer = authz.Unknown
		}
	}
	return answer
}

// unlessOther tells whether it is this holding that allows what the holder may do: a
// restricted one beside an unrestricted one is not to blame.
func (p *Pass) unlessOther(h *Holding) authz.Effect {
	if h.Role.Powers.Has(GrantsRoles) && h.Assignment.Condition == "" {
		return authz.Allowed
	}
	for _, o := range p.Holdings(h.Holder) {
		free := o.Role.Powers.Has(GrantsRoles) && o.Assignment.Condition == ""
		if free && o.Scope().Contains(h.Scope()) {
			return authz.Denied
		}
	}
	return authz.Allowed
}

// Powers returns what a holding makes of its holder at its scope. A power to grant roles
// that is restricted by a condition is left as [GrantsSome]; one that cannot be decided is
// returned in unknown as well.
func (p *Pass) Powers(h *Holding) (surely, unknown Powers) {
	surely = h.Role.Powers
	if h.Assignment.Condition != "" {
		surely, unknown = 0, surely&^(GrantsRoles|GrantsSome)
	}
	if !h.Role.Powers.Any(GrantsRoles | GrantsSome) {
		return surely, unknown
	}
	surely &^= GrantsRoles
	surely |= GrantsSome
	switch p.GrantsFreely(h) {
	case authz.Allowed:
		surely = surely&^GrantsSome | GrantsRoles
	case authz.Unknown:
		unknown |= GrantsRoles
	case authz.Denied:
	}
	return surely, unknown
}

func principalValue(id mivet.PrincipalID) abac.Value {
	if mivet.IsGUID(string(id)) {
		return abac.GUID(string(id))
	}
	return abac.String(string(id))
}
