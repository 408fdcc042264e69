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

var grantors = [...]mivet.RoleID{OwnerRole, UserAdminRole, RBACAdminRole}

// MayGrant answers whether a principal may write an assignment of a role, to itself, at a
// scope, by what was read. Conditions of assignments and inside roles are evaluated for
// exactly that request, and deny assignments count. What was not read does not: an answer
// that only such facts leave open is the one that the others give, and [Pass.Unread] says
// what could take a grant away.
func (p *Pass) MayGrant(who mivet.PrincipalID, role mivet.RoleID, scope arm.ID) authz.Decision {
	r, ok := p.grantRequest(who, role, scope)
	if !ok {
		return authz.Decision{Fact: -1}
	}
	d := p.Engine().Check(r)
	if d.Effect != authz.Unknown {
		return d
	}
	read := p.shared.asRead().Check(r)
	if read.Effect == authz.Denied && read.Cause == authz.CauseDeny {
		return d // whom it denies is what was not read
	}
	return read
}

func (p *Pass) grantRequest(who mivet.PrincipalID, role mivet.RoleID, scope arm.ID) (r authz.Request, ok bool) {
	op := p.memo.roles.ops.named[GrantsRoles]
	if len(op) == 0 {
		return r, false
	}
	env := &abac.Env{}
	env.Set(abac.Request, requestRoleID, abac.GUID(string(role)))
	env.Set(abac.Request, requestWho, principalValue(who))
	env.Set(abac.Request, requestWhoType, abac.String(string(mivet.TypeServicePrincipal)))
	env.Close(abac.Request)
	return authz.Request{
		Principal: who, Operation: op[0], Plane: mivet.PlaneControl, Resource: scope, Given: env,
	}, true
}

// GrantsFreely answers whether a holding lets its holder grant itself, without a
// restriction, the roles that give everything, by what was read; see [Pass.MayGrant]. A
// holding that could not is Denied; one whose condition cannot be decided is Unknown.
func (p *Pass) GrantsFreely(h *Holding) authz.Effect {
	if !h.Role.Powers.Any(GrantsRoles | GrantsSome) {
		return authz.Denied
	}
	answer := authz.Denied
	for _, role := range grantors {
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
	if h.Role.Powers.Has(GrantsRoles) && !p.restricted(h.Assignment) {
		return authz.Allowed
	}
	for _, o := range p.Holdings(h.Holder) {
		free := o.Role.Powers.Has(GrantsRoles) && !p.restricted(o.Assignment)
		if free && o.Scope().Contains(h.Scope()) {
			return authz.Denied
		}
	}
	return authz.Allowed
}

// Powers returns what a holding makes of its holder at its scope, by what was read. A
// condition of the assignment is evaluated for each operation. A power to grant roles that
// is restricted by a condition is left as [GrantsSome]; one that cannot be decided is
// returned in unknown, and [Pass.Undecidable] says why.
func (p *Pass) Powers(h *Holding) (surely, unknown Powers) {
	surely = h.Role.Powers
	if p.restricted(h.Assignment) {
		surely, unknown = p.memo.roles.under(h.Role, h.Assignment)
	}
	surely &^= GrantsRoles | GrantsSome
	unknown &^= GrantsRoles | GrantsSome
	if !h.Role.Powers.Any(GrantsRoles | GrantsSome) {
		return surely, unknown
	}
	switch p.GrantsFreely(h) {
	case authz.Allowed:
		surely |= GrantsRoles
	case authz.Unknown:
		surely, unknown = surely|GrantsSome, unknown|GrantsRoles
	case authz.Denied:
		surely |= GrantsSome
	}
	return surely, unknown
}

func principalValue(id mivet.PrincipalID) abac.Value {
	if mivet.IsGUID(string(id)) {
		return abac.GUID(string(id))
	}
	return abac.String(string(id))
}
