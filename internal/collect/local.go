// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// administrator is the role of an Entra administrator of a database server.
const administrator = "Administrator"

// localRow is a role or a grant of a service's own authorization, in the words of the
// services.
type localRow struct {
	RoleName    string `json:"roleName"`
	Permissions []struct {
		DataActions    []string `json:"dataActions"`
		NotDataActions []string `json:"notDataActions"`
	} `json:"permissions"`

	Principal string `json:"principalId"`
	Object    string `json:"objectId"`
	AAD       string `json:"aadObjectId"`
	SID       string `json:"sid"`
	Role      string `json:"role"`
	RoleID    string `json:"roleDefinitionId"`
	Policy    string `json:"accessPolicyName"`
	Scope     string `json:"scope"`
}

// local takes roles and grants that a service keeps itself.
func (f *facts) local(account arm.ID, what string, p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, what, func(r *row) {
		l, ok := decoded[localRow](r)
		if !ok {
			f.odd[what]++
			return
		}
		f.localRow(account, r, &l, src)
	})
}

// localRow tells by its type what a row is.
func (f *facts) localRow(account arm.ID, r *row, l *localRow, src mivet.Source) {
	g := mivet.LocalAssignment{Account: account, Role: administrator, Principal: mivet.NewPrincipalID(first(l.Object, l.AAD, l.SID, l.Principal)), Source: src}
	switch typ := string(arm.Fold(r.id.Type())); {
	case strings.HasSuffix(typ, "/sqlroledefinitions"):
		out := mivet.LocalRole{System: mivet.LocalCosmos, Account: account, ID: r.id.Name(), Name: l.RoleName, Source: src}
		for _, p := range l.Permissions {
			out.DataActions = append(out.DataActions, p.DataActions...)
			out.NotDataActions = append(out.NotDataActions, p.NotDataActions...)
		}
		f.snap.LocalRoles = append(f.snap.LocalRoles, out)
		return
	case strings.HasSuffix(typ, "/sqlroleassignments"):
		g.System, g.Role, g.Scope = mivet.LocalCosmos, string(mivet.NewRoleID(l.RoleID)), below(account, l.Scope)
	case strings.HasPrefix(typ, "microsoft.kusto/"):
		g.System, g.Role = mivet.LocalKusto, l.Role
		if is(account.Type(), "Microsoft.Kusto/clusters/databases") {
			g.Account, g.Scope = account.Parent(), "/databases/"+account.Name()
		}
	case strings.HasPrefix(typ, "microsoft.cache/"):
		g.System, g.Role = mivet.LocalRedis, l.Policy
	case strings.HasPrefix(typ, "microsoft.sql/"):
		g.System = mivet.LocalSQLAdmin
	case strings.HasPrefix(typ, "microsoft.dbforpostgresql/"):
		g.System = mivet.LocalPostgreSQL
	case strings.HasPrefix(typ, "microsoft.dbformysql/"):
		g.System = mivet.LocalMySQL
	default:
		f.odd["local role assignments"]++
		return
	}
	f.localGrant(g)
}

func (f *facts) localGrant(g mivet.LocalAssignment) {
	if g.Principal == "" {
		f.odd["local role assignments"]++
		return
	}
	f.want(g.Principal)
	if f.once(strings.Join([]string{"local", string(g.Account.Key()), string(g.Principal), g.Role, g.Scope}, "|")) {
		f.snap.LocalGrants = append(f.snap.LocalGrants, g)
	}
}

// below returns the system's own scope below an account, given either form.
func below(account arm.ID, scope string) string {
	if id := parsed(scope); !id.IsZero() && account.Contains(id) {
		rest := strings.TrimRight(scope, "/")[len(strings.TrimRight(account.String(), "/")):]
		return first(rest, "/")
	}
	return first(scope, "/")
}

// sqlServer takes the Entra administrator that the row of a server names.
func (f *facts) sqlServer(r *row, src mivet.Source) {
	p, _ := decoded[struct {
		Administrators *struct {
			Type string `json:"administratorType"`
			SID  string `json:"sid"`
		} `json:"administrators"`
	}](r)
	if p.Administrators == nil || p.Administrators.SID == "" {
		return
	}
	f.localGrant(mivet.LocalAssignment{
		System: mivet.LocalSQLAdmin, Account: r.id, Role: administrator, Principal: mivet.NewPrincipalID(p.Administrators.SID), Source: src,
	})
}

// hsm takes the roles and grants of a managed HSM. Its IDs begin with a scope of its own,
// "/" or "/keys/…".
func (f *facts) hsm(account arm.ID, grants bool, p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what := callHSMRoles.what
	if grants {
		what = callHSMGrants.what
	}
	f.rows(p, what, func(r *row) {
		l, ok := decoded[localRow](r)
		if !ok {
			f.odd[what]++
			return
		}
		if grants {
			f.localGrant(mivet.LocalAssignment{
				System: mivet.LocalManagedHSM, Account: account, Scope: first(l.Scope, "/"), Role: string(mivet.NewRoleID(l.RoleID)),
				Principal: mivet.NewPrincipalID(l.Principal), Source: src,
			})
			return
		}
		out := mivet.LocalRole{System: mivet.LocalManagedHSM, Account: account, ID: r.id.Name(), Name: l.RoleName, Source: src}
		for _, p := range l.Permissions {
			out.DataActions = append(out.DataActions, p.DataActions...)
			out.NotDataActions = append(out.NotDataActions, p.NotDataActions...)
		}
		f.snap.LocalRoles = append(f.snap.LocalRoles, out)
	})
}
