// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// A delegation (Azure Lighthouse) gives principals of another tenant built-in roles at a
// subscription or group. Within limits (MicrosoftDocs/azure-docs
// articles/lighthouse/concepts/tenants-users-roles.md): custom roles and Owner are not
// supported; data actions of a role do not work; User Access Administrator permits
// nothing but to assign the roles that the delegation names to managed identities.
const (
	roleOwner            mivet.RoleID = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	roleUserAccessAdmin  mivet.RoleID = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
	delegatedNotCustom                = "Azure Lighthouse delegates built-in roles alone"
	delegatedNotOwner                 = "Azure Lighthouse does not delegate Owner"
	delegatedAdmin                    = "delegated, the role only assigns the roles that the delegation names, to managed identities"
	delegatedWithoutData              = "delegated, the role's data actions do not work"
)

// delegatedGrant is a place in Snapshot.Delegations.
type delegatedGrant struct{ delegation, grant int32 }

// Delegated returns the grant of a delegation that a [Decision] names: its Fact, where
// Local is [LocalDelegation]. Another number gives nils.
func (e *Engine) Delegated(fact int) (*mivet.Delegation, *mivet.DelegatedGrant) {
	if fact < 0 || fact >= len(e.delegated) {
		return nil, nil
	}
	at := e.delegated[fact]
	d := &e.snap.Delegations[at.delegation]
	return d, &d.Grants[at.grant]
}

// delegatedDrafts reads the grants of delegations. It numbers all of them, in order.
func (e *Engine) delegatedDrafts(rs *roleSet) []draft {
	var out []draft
	for i := range e.snap.Delegations {
		d := &e.snap.Delegations[i]
		for j := range d.Grants {
			g := &d.Grants[j]
			rd := doubted(d.Scope, "")
			if rd == nil && (g.Eligible || g.Role == roleUserAccessAdmin) {
				rd = &rider{}
			}
			if rd != nil {
				rd.eligible = g.Eligible
			}
			if rd != nil && g.Role == roleUserAccessAdmin && len(g.AssignableRoles) > 0 {
				rd.condition = compileCondition(onlyTheseRoles(g.AssignableRoles), "2.0")
			}
			out = append(out, draft{
				person: e.people.find(g.Principal), scope: d.Scope, role: rs.internDelegated(g), class: classDelegated,
				fact: int32(len(e.delegated)), rider: rd,
			})
			e.delegated = append(e.delegated, delegatedGrant{int32(i), int32(j)})
		}
	}
	return out
}

// onlyTheseRoles is the limit of a delegated User Access Administrator as a condition.
func onlyTheseRoles(roles []mivet.RoleID) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return "@Request[" + abac.RoleDefinitionID + "] ForAnyOfAnyValues:GuidEquals {" + strings.Join(names, ", ") + "} AND @Request[" +
		abac.PrincipalType + "] StringEqualsIgnoreCase 'ServicePrincipal'"
}

// internDelegated compiles what is left of a role when it is delegated.
func (rs *roleSet) internDelegated(g *mivet.DelegatedGrant) uint32 {
	key := roleKey{kind: roleDelegated, text: string(g.Role)}
	if g.Role == roleUserAccessAdmin && len(g.AssignableRoles) == 0 {
		key.text += " without roles"
	}
	return rs.internAs(key, func() role {
		def := rs.find(g.Role, "")
		r := role{def: def, name: string(g.Role)}
		switch {
		case def == nil, !def.BuiltIn, def.ID == roleOwner:
		case def.ID == roleUserAccessAdmin && len(g.AssignableRoles) == 0:
		case def.ID == roleUserAccessAdmin:
			r.perms = compilePermissions([]mivet.Permission{{Actions: []string{abac.RoleAssignmentWrite}}})
		default:
			r.perms = compilePermissions(withoutData(def.Permissions))
		}
		return r
	})
}

func withoutData(perms []mivet.Permission) []mivet.Permission {
	out := make([]mivet.Permission, len(perms))
	for i, p := range perms {
		p.DataActions, p.NotDataActions = nil, nil
		out[i] = p
	}
	return out
}

// delegatedLimit says what is lost of a role when it is delegated.
func delegatedLimit(def *mivet.RoleDefinition) string {
	switch {
	case def == nil:
		return ""
	case def.ID == roleOwner:
		return delegatedNotOwner
	case !def.BuiltIn:
		return delegatedNotCustom
	case def.ID == roleUserAccessAdmin:
		return delegatedAdmin
	case hasDataActions(def):
		return delegatedWithoutData
	default:
		return ""
	}
}

// mayBeForeign reports whether the caller may be of another tenant: no fact but a
// delegation speaks of it.
func (q *question) mayBeForeign() bool {
	return q.who.number == noPerson || q.who.number >= q.e.people.own
}
