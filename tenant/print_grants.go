// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// extensionID returns the value of id= for something named below a scope: "" where the ID
// is the derived one.
func extensionID(id, scope arm.ID, typ, derived string) string {
	switch {
	case id.IsZero() && scope.IsZero():
		return ""
	case id.IsZero():
		return "none"
	case scope.IsZero():
		return quote(id.String())
	}
	name, ok := strings.CutPrefix(id.String(), extensionText(scope, typ, ""))
	switch {
	case !ok || strings.Contains(name, "/"):
		return quote(id.String())
	case name == derived:
		return ""
	default:
		return quote(name)
	}
}

func (p *printer) derive(parts ...string) string { return deriveNext(p.derived, parts) }

// condition writes a condition, and its version where it is not the usual one.
func condition(l *line, text, version string) *line {
	granted := ""
	if text != "" {
		granted = defaultVersion
	}
	return l.quoted("condition", text).unless("version", version, granted)
}

// block writes permission objects.
func (p *printer) block(l *line, list []mivet.Permission) {
	if len(list) == 0 {
		p.print(l)
		return
	}
	p.print(l.add("{"))
	for i := range list {
		q := &list[i]
		begun := len(q.Actions)+len(q.NotActions)+len(q.DataActions)+len(q.NotDataActions) > 0 || q.Condition != "" || q.ConditionVersion != ""
		if i > 0 || !begun {
			p.write("\tpermission\n")
		}
		p.patterns("actions", q.Actions)
		p.patterns("notActions", q.NotActions)
		p.patterns("dataActions", q.DataActions)
		p.patterns("notDataActions", q.NotDataActions)
		if q.Condition != "" || q.ConditionVersion != "" {
			it := new(line).add("condition", quote(q.Condition)).unless("version", q.ConditionVersion, defaultVersion)
			p.write("\t" + it.text.String() + "\n")
		}
	}
	p.write("}\n")
}

func (p *printer) patterns(keyword string, patterns []string) {
	for _, pattern := range patterns {
		p.write("\t" + keyword + " " + quote(pattern) + "\n")
	}
}

func (p *printer) roles() {
	for i := range p.s.RoleDefinitions {
		r := &p.s.RoleDefinitions[i]
		if p.later["role "+string(r.ID)] != i {
			continue
		}
		l := new(line).add("role")
		if name := p.roleDecls[r.ID].name; name != "" {
			l.add(quote(name)).unless("id", string(r.ID), deriveGUID("role", name)).unless("name", r.Name, name)
		} else {
			l.add(string(r.ID)).quoted("name", r.Name)
		}
		var scopes []string
		for _, text := range r.AssignableScopes {
			scopes = append(scopes, p.assignable(text))
		}
		if scopes != nil {
			l.add("at", strings.Join(scopes, ","))
		}
		p.block(l.flag(r.BuiltIn, "builtin").quoted("description", r.Description), r.Permissions)
	}
}

// assignable returns how a scope of a role is written, which is a text.
func (p *printer) assignable(text string) string {
	if name := p.scopeNames[text]; name != "" {
		return quote(name)
	}
	if id, err := arm.ParseID(text); err == nil && id.String() == text {
		return quote(text)
	}
	return literal(text)
}

// role returns the word and the attribute role= for a role of an assignment.
func (p *printer) role(id mivet.RoleID, name string) (word, attr string) {
	d := p.roleDecls[id]
	switch {
	case id == "" && (name == "" || p.roleWords[arm.Fold(name)] || full(name) || mivet.IsGUID(name)):
		return quote(name), "none"
	case id == "":
		return quote(name), ""
	case d != nil && d.name != "" && p.roleName(id) == name:
		return quote(d.name), ""
	case name == "" && mivet.IsGUID(string(id)):
		return string(id), ""
	default:
		return quote(name), quote(string(id))
	}
}

// roleName returns the display name of a declared role.
func (p *printer) roleName(id mivet.RoleID) string {
	return p.s.RoleDefinitions[p.later["role "+string(id)]].Name
}

func (p *printer) assignments() {
	for i := range p.s.RoleAssignments {
		a := &p.s.RoleAssignments[i]
		word, attr := p.role(a.Role, a.RoleName)
		l := new(line).add("assign", p.principal(a.Principal), word, "at", p.scope(a.Scope)).attr("role", attr)
		l.flag(a.Eligible, "eligible").time("from", a.Start).time("until", a.End)
		condition(l, a.Condition, a.ConditionVersion).flag(a.ConditionUnknown, "condition-unread").quoted("description", a.Description)
		if a.CreatedBy != "" {
			l.attr("by", p.principal(a.CreatedBy))
		}
		l.time("created", a.CreatedOn)
		switch {
		case a.PrincipalType == p.principalTypes[a.Principal]:
		case a.PrincipalType == "":
			l.attr("type", "none")
		default:
			l.attr("type", closed(string(a.PrincipalType), principalTypes))
		}
		if !a.DelegatedIdentity.IsZero() {
			l.attr("delegated-identity", p.scope(a.DelegatedIdentity))
		}
		p.print(l.attr("id", extensionID(a.ID, a.Scope, typeOfAssignment(a), p.derive(assignmentSeed(a)...))))
	}
}

func (p *printer) denials() {
	for i := range p.s.DenyAssignments {
		d := &p.s.DenyAssignments[i]
		l := new(line).add("deny", quote(d.Name), "at", p.scope(d.Scope))
		if len(d.Principals) == 0 {
			l.attr("principals", "none")
		}
		l.attr("principals", p.principalsText(d.Principals)).attr("excluded", p.principalsText(d.Excluded))
		if d.Effect != "" {
			l.attr("effect", closed(string(d.Effect), []string{string(mivet.DenyEnforced), string(mivet.DenyAudit)}))
		}
		l.flag(d.ThisScopeOnly, "this-scope-only").flag(d.SystemProtected, "protected")
		condition(l, d.Condition, d.ConditionVersion).quoted("description", d.Description)
		l.attr("id", extensionID(d.ID, d.Scope, denyType, p.derive("deny", d.Scope.String(), d.Name)))
		p.block(l, d.Permissions)
	}
}

func (p *printer) policies() {
	for i := range p.s.AccessPolicies {
		a := &p.s.AccessPolicies[i]
		p.print(new(line).add("policy", p.principal(a.Principal), "on", p.scope(a.Vault)).
			list("keys", a.Keys).list("secrets", a.Secrets).list("certificates", a.Certificates).list("storage", a.Storage).
			quoted("application", a.ApplicationID).unless("tenant", a.TenantID, p.s.TenantID))
	}
}

func (p *printer) locals() {
	for i := range p.s.LocalRoles {
		r := &p.s.LocalRoles[i]
		name := p.localShort[i]
		l := new(line).add("localrole", closed(string(r.System), localSystems), quote(name))
		if !r.Account.IsZero() {
			l.add("on", p.scope(r.Account))
		}
		l.unless("id", r.ID, deriveGUID("local role", string(r.System)+"\n"+name)).unless("name", r.Name, name)
		p.print(l.list("dataActions", r.DataActions).list("notDataActions", r.NotDataActions))
	}
	for i := range p.s.LocalGrants {
		g := &p.s.LocalGrants[i]
		word := quote(g.Role)
		if name, ok := p.localNames[string(g.System)+"\n"+g.Role]; ok {
			word = quote(name)
		} else if p.localWords[localKey(g.System, g.Role)] {
			word = literal(g.Role)
		}
		p.print(new(line).add("local", closed(string(g.System), localSystems), p.principal(g.Principal), word, "on", p.scope(g.Account)).
			quoted("scope", g.Scope))
	}
}

func (p *printer) acls() {
	for i := range p.s.PathACLs {
		a := &p.s.PathACLs[i]
		l := new(line).add("acl", p.scope(a.Container), quote(a.Path), closed(a.Tag, aclTags))
		if a.Principal != "" {
			l.add(p.principal(a.Principal))
		}
		if validRWX(a.Permissions) {
			l.add(a.Permissions)
		} else {
			l.add(literal(a.Permissions))
		}
		p.print(l)
	}
}

// namedRole writes a role of the directory or of an API.
func namedRole(l *line, id, name string) *line {
	switch {
	case name == "" && mivet.IsGUID(id):
		return l.add(id)
	case id == "" && mivet.IsGUID(name):
		return l.add(quote(name), "id=none")
	default:
		return l.add(quote(name)).quoted("id", id)
	}
}

func (p *printer) appRoles() {
	for i := range p.s.AppRoles {
		a := &p.s.AppRoles[i]
		l := namedRole(new(line).add("approle", p.principal(a.Principal)), a.RoleID, a.Role).quoted("api", a.APIName)
		if a.API != "" {
			l.attr("api-principal", p.principal(a.API))
		}
		p.print(l)
	}
}

func (p *printer) directoryRoles() {
	for i := range p.s.DirectoryRoles {
		a := &p.s.DirectoryRoles[i]
		l := namedRole(new(line).add("directoryrole", p.principal(a.Principal)), a.RoleID, a.Role)
		p.print(l.unless("at", a.DirectoryScope, "/").flag(a.Eligible, "eligible").time("from", a.Start).time("until", a.End))
	}
}

func (p *printer) delegations() {
	for i := range p.s.Delegations {
		d := &p.s.Delegations[i]
		l := new(line).add("delegation", quote(d.Name), "at", p.scope(d.Scope)).quoted("tenant", d.ManagingTenant)
		l.attr("id", extensionID(d.ID, d.Scope, delegationType, p.derive("delegation", d.Scope.String(), d.ManagingTenant, d.Name)))
		if len(d.Grants) == 0 {
			p.print(l)
			continue
		}
		p.print(l.add("{"))
		for _, g := range d.Grants {
			it := new(line).add("grant", p.principal(g.Principal), p.roleID(g.Role)).quoted("name", g.Name).flag(g.Eligible, "eligible")
			var roles []string
			for _, id := range g.AssignableRoles {
				roles = append(roles, p.roleID(id))
			}
			p.write("\t" + it.attr("roles", strings.Join(roles, ",")).text.String() + "\n")
		}
		p.write("}\n")
	}
}

// roleID returns how a role is referred to where only its ID counts.
func (p *printer) roleID(id mivet.RoleID) string {
	if d := p.roleDecls[id]; d != nil && d.name != "" {
		return quote(d.name)
	}
	if mivet.IsGUID(string(id)) {
		return string(id)
	}
	return literal(string(id))
}

func (p *printer) locks() {
	for i := range p.s.Locks {
		k := &p.s.Locks[i]
		l := new(line).add("lock", closed(k.Level, lockLevels), "at", p.scope(k.Scope))
		p.print(l.attr("id", extensionID(k.ID, k.Scope, lockType, p.derive("lock", k.Scope.String(), k.Level))))
	}
}

func (p *printer) declarations() {
	for i := range p.s.Declarations {
		d := &p.s.Declarations[i]
		l := new(line).add("declare", quote(d.Address), quote(d.Type))
		if !d.Resource.IsZero() {
			l.add("of", p.scope(d.Resource))
		}
		l.list("actions", d.Actions).quoted("identity", d.IdentityType)
		l.flag(d.UserAssigned, "user-assigned").flag(d.Grant, "grant").flag(d.FederatedCredential, "federated").flag(d.FixedName, "fixed-name")
		if len(d.FormerPrincipals) > 0 {
			l.attr("former", p.principalsText(d.FormerPrincipals))
		}
		if d.InlinePolicies != 0 {
			l.attr("inline-policies", strconv.Itoa(d.InlinePolicies))
		}
		p.print(l.quoted("refused", d.Refused).list("waits-for", d.WaitsFor).list("effects", d.Effects).quoted("api-version", d.APIVersion).quoted("provider-versions", d.ProviderVersions).list("varies", d.Varies))
	}
}

func (p *printer) tests() {
	for i := range p.s.AccessTests {
		t := &p.s.AccessTests[i]
		l := new(line).add("cannot")
		if t.Allowed {
			l = new(line).add("can")
		}
		l.add(p.principal(t.Principal))
		if t.Operation.IsZero() {
			l.add("none")
		} else {
			l.add(quote(t.Operation.String()))
		}
		p.print(l.add(p.scope(t.Resource)).flag(t.Plane != mivet.PlaneUnknown, t.Plane.String()))
	}
}

func (p *printer) gaps() {
	for i := range p.s.Gaps {
		g := &p.s.Gaps[i]
		l := new(line).add("gap", closed(string(g.Facts), factKinds))
		if !g.Scope.IsZero() {
			l.add("at", p.scope(g.Scope))
		}
		p.print(l.quoted("subject", g.Subject).quoted("reason", g.Reason).quoted("permission", g.Permission).flag(g.Inherent, "inherent"))
	}
}
