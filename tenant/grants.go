// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// The types of what is named below a scope.
const (
	assignmentType = "Microsoft.Authorization/roleAssignments"
	eligibleType   = "Microsoft.Authorization/roleEligibilitySchedules"
	denyType       = "Microsoft.Authorization/denyAssignments"
	lockType       = "Microsoft.Authorization/locks"
	delegationType = "Microsoft.ManagedServices/registrationAssignments"
)

func (b *builder) number(st *statement, key string) int {
	t, ok := b.one(st, key)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(t.text)
	if err != nil || n < 0 {
		b.reportAt(t, fmt.Sprintf("%q is no number", t.text), "")
	}
	return n
}

// derive returns the GUID of something without a name from what it says. Equal ones get
// different GUIDs.
func (b *builder) derive(parts ...string) string { return deriveNext(b.derived, parts) }

func deriveNext(seen map[string]int, parts []string) string {
	text := strings.Join(parts, "\n")
	seen[text]++
	if n := seen[text]; n > 1 {
		text += "\n" + strconv.Itoa(n)
	}
	return deriveGUID("below a scope", text)
}

// extensionID returns the ID of something named below a scope: what id= says, which may
// be its name alone, else the derived name.
func (b *builder) extensionID(st *statement, scope arm.ID, typ, derived string) arm.ID {
	t, ok := b.one(st, "id")
	switch {
	case !ok:
		t = st.keyword
		t.text = derived
	case t.none():
		return arm.ID{}
	case full(t.text):
		id, _ := b.parseID(t, t.text)
		return id
	}
	if scope.IsZero() {
		return arm.ID{}
	}
	id, _ := b.parseID(t, extensionText(scope, typ, t.text))
	return id
}

func extensionText(scope arm.ID, typ, name string) string {
	return strings.TrimSuffix(scope.String(), "/") + "/providers/" + typ + "/" + name
}

// condition returns a condition and its version, which is 2.0 where nothing is said.
func (b *builder) condition(st *statement) (text, version string) {
	text = b.text(st, "condition")
	if text != "" {
		version = defaultVersion
	}
	return text, b.textOr(st, "version", version)
}

const defaultVersion = "2.0"

// permissions returns the permission objects of a statement: the first is begun by its
// attributes.
func (b *builder) permissions(st *statement, withCondition bool) []mivet.Permission {
	var list []mivet.Permission
	first := mivet.Permission{
		Actions: b.texts(st, "actions"), NotActions: b.texts(st, "notActions"),
		DataActions: b.texts(st, "dataActions"), NotDataActions: b.texts(st, "notDataActions"),
	}
	begun := first.Actions != nil || first.NotActions != nil || first.DataActions != nil || first.NotDataActions != nil
	if withCondition {
		first.Condition, first.ConditionVersion = b.condition(st)
		begun = begun || first.Condition != "" || first.ConditionVersion != ""
	}
	if begun {
		list = append(list, first)
	}
	for _, it := range st.items {
		if it.keyword.text == "permission" || len(list) == 0 {
			list = append(list, mivet.Permission{})
		}
		b.addItem(&list[len(list)-1], it)
	}
	return list
}

func (b *builder) addItem(p *mivet.Permission, it *statement) {
	var patterns []string
	for _, t := range it.args {
		patterns = append(patterns, t.text)
	}
	switch it.keyword.text {
	case "actions":
		p.Actions = append(p.Actions, patterns...)
	case "notActions":
		p.NotActions = append(p.NotActions, patterns...)
	case "dataActions":
		p.DataActions = append(p.DataActions, patterns...)
	case "notDataActions":
		p.NotDataActions = append(p.NotDataActions, patterns...)
	case "condition":
		p.Condition, p.ConditionVersion = patterns[0], b.textOr(it, "version", defaultVersion)
	}
}

func (b *builder) buildRole(st *statement) {
	t := nameOf(st)
	id := mivet.NewRoleID(t.text)
	if d := b.roles[arm.Fold(t.text)]; d != nil && !mivet.IsGUID(t.text) {
		id = d.id
	}
	r := mivet.RoleDefinition{
		ID: id, Name: b.shownName(st), Description: b.text(st, "description"), BuiltIn: st.has("builtin"),
		Permissions: b.permissions(st, true), Source: b.source(st),
	}
	if a := st.attr("at"); a != nil {
		for _, t := range a.values {
			if lit, ok := t.literal(); ok {
				r.AssignableScopes = append(r.AssignableScopes, lit)
			} else if scope, ok := b.scope(t); ok {
				r.AssignableScopes = append(r.AssignableScopes, scope.String())
			}
		}
	}
	b.s.RoleDefinitions = append(b.s.RoleDefinitions, r)
}

func (b *builder) buildAssignment(st *statement) {
	scope, ok := b.at(st, "at", 2)
	if !ok {
		return
	}
	a := mivet.RoleAssignment{
		Scope: scope, Description: b.text(st, "description"), Eligible: st.has("eligible"), ConditionUnknown: st.has("condition-unread"),
		Start: b.time(st, "from"), End: b.time(st, "until"), CreatedOn: b.time(st, "created"), CreatedBy: b.optionalPrincipal(st, "by"),
		DelegatedIdentity: b.optionalScope(st, "delegated-identity"), Source: b.source(st),
	}
	a.Principal, _ = b.principal(st.args[0])
	a.Condition, a.ConditionVersion = b.condition(st)
	if t, ok := b.one(st, "role"); ok {
		a.Role, a.RoleName = mivet.NewRoleID(b.value(t)), b.value(st.args[1])
	} else {
		a.Role, a.RoleName, _ = b.role(st.args[1])
	}
	var typ mivet.PrincipalType
	if d := b.byID[a.Principal]; d != nil {
		typ = d.typ
	}
	a.PrincipalType = b.principalType(st, typ)
	a.ID = b.extensionID(st, scope, typeOfAssignment(&a), deriveNext(b.derived, assignmentSeed(&a)))
	b.s.RoleAssignments = append(b.s.RoleAssignments, a)
}

func typeOfAssignment(a *mivet.RoleAssignment) string {
	if a.Eligible {
		return eligibleType
	}
	return assignmentType
}

// assignmentSeed returns what the derived name of an assignment depends on. A resolver of
// role names must not change it, nor the place of the line in its text.
func assignmentSeed(a *mivet.RoleAssignment) []string {
	role := a.RoleName
	if role == "" {
		role = string(a.Role)
	}
	return []string{typeOfAssignment(a), a.Scope.String(), string(a.Principal), role}
}

func (b *builder) buildDeny(st *statement) {
	scope, ok := b.at(st, "at", 1)
	if !ok {
		return
	}
	d := mivet.DenyAssignment{
		Name: st.args[0].text, Description: b.text(st, "description"), Scope: scope, ThisScopeOnly: st.has("this-scope-only"),
		Principals: b.principalList(st, "principals"), Excluded: b.principalList(st, "excluded"),
		Permissions: b.permissions(st, false), SystemProtected: st.has("protected"), Source: b.source(st),
	}
	d.Condition, d.ConditionVersion = b.condition(st)
	if t, ok := b.one(st, "effect"); ok && !t.none() {
		d.Effect = mivet.DenyEffect(b.oneOf(t, "effect", string(mivet.DenyEnforced), string(mivet.DenyAudit)))
	}
	if st.attr("principals") == nil {
		b.reportAt(st.keyword, "deny needs principals", "write principals=everyone, or their names")
	}
	d.ID = b.extensionID(st, scope, denyType, b.derive("deny", scope.String(), d.Name))
	b.s.DenyAssignments = append(b.s.DenyAssignments, d)
}

func (b *builder) buildPolicy(st *statement) {
	vault, ok := b.at(st, "on", 1)
	if !ok {
		return
	}
	p := mivet.AccessPolicy{
		Vault: vault, ApplicationID: b.text(st, "application"), TenantID: b.textOr(st, "tenant", b.s.TenantID),
		Keys: b.texts(st, "keys"), Secrets: b.texts(st, "secrets"), Certificates: b.texts(st, "certificates"),
		Storage: b.texts(st, "storage"), Source: b.source(st),
	}
	p.Principal, _ = b.principal(st.args[0])
	b.s.AccessPolicies = append(b.s.AccessPolicies, p)
}

var localSystems = []string{
	string(mivet.LocalCosmos), string(mivet.LocalManagedHSM), string(mivet.LocalKusto), string(mivet.LocalRedis),
	string(mivet.LocalSQLAdmin), string(mivet.LocalPostgreSQL), string(mivet.LocalMySQL),
}

func (b *builder) localSystem(t token) mivet.LocalSystem {
	return mivet.LocalSystem(b.oneOf(t, "local authorization system", localSystems...))
}

func localKey(system mivet.LocalSystem, name string) arm.Key {
	return arm.Fold(string(system) + "\n" + name)
}

func (b *builder) declareLocalRole(st *statement) {
	system, t := b.localSystem(st.args[0]), st.args[1]
	key := localKey(system, t.text)
	if other := b.localRoles[key]; other != nil {
		b.duplicate(t, other.Source.Line)
		return
	}
	b.localRoles[key] = &mivet.LocalRole{
		System: system, ID: b.textOr(st, "id", deriveGUID("local role", string(system)+"\n"+t.text)), Name: b.textOr(st, "name", t.text),
		DataActions: b.texts(st, "dataActions"), NotDataActions: b.texts(st, "notDataActions"), Source: b.source(st),
	}
}

func (b *builder) buildLocalRole(st *statement) {
	lit, isLiteral := st.args[0].literal()
	if !isLiteral {
		lit = st.args[0].text
	}
	r := *b.localRoles[localKey(mivet.LocalSystem(lit), st.args[1].text)]
	r.Account = b.optionalScope(st, "on")
	b.s.LocalRoles = append(b.s.LocalRoles, r)
}

func (b *builder) buildLocalGrant(st *statement) {
	account, ok := b.at(st, "on", 3)
	if !ok {
		return
	}
	g := mivet.LocalAssignment{System: b.localSystem(st.args[0]), Account: account, Scope: b.text(st, "scope"), Source: b.source(st)}
	g.Principal, _ = b.principal(st.args[1])
	lit, isLiteral := st.args[2].literal()
	declared := b.localRoles[localKey(g.System, st.args[2].text)]
	switch {
	case isLiteral:
		g.Role = lit
	case declared != nil:
		g.Role = declared.ID
	default:
		g.Role = st.args[2].text
	}
	b.s.LocalGrants = append(b.s.LocalGrants, g)
}

func (b *builder) buildACL(st *statement) {
	a := mivet.PathACL{
		Path: st.args[1].text, Tag: b.oneOf(st.args[2], "entry of access lists", aclTags...),
		Source: b.source(st),
	}
	a.Container, _ = b.scope(st.args[0])
	if len(st.args) > 4 {
		a.Principal, _ = b.principal(st.args[3])
	}
	t := st.args[len(st.args)-1]
	lit, isLiteral := t.literal()
	if a.Permissions = lit; !isLiteral {
		a.Permissions = t.text
	}
	if !isLiteral && !validRWX(t.text) {
		b.reportAt(t, fmt.Sprintf("%q are no permissions of a path", t.text), `write three letters of "rwx" or "-", such as r-x`)
	}
	b.s.PathACLs = append(b.s.PathACLs, a)
}

var aclTags = []string{"user", "group", "mask", "other"}

func validRWX(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range 3 {
		if s[i] != "rwx"[i] && s[i] != '-' {
			return false
		}
	}
	return true
}

// namedRole reads a role of the directory or of an API: a GUID, or a name with id=.
func (b *builder) namedRole(st *statement) (id, name string) {
	if t := st.args[1]; mivet.IsGUID(t.text) && st.attr("id") == nil {
		return t.text, ""
	}
	return b.text(st, "id"), b.value(st.args[1])
}

func (b *builder) buildAppRole(st *statement) {
	a := mivet.AppRoleAssignment{API: b.optionalPrincipal(st, "api-principal"), APIName: b.text(st, "api"), Source: b.source(st)}
	a.Principal, _ = b.principal(st.args[0])
	a.RoleID, a.Role = b.namedRole(st)
	b.s.AppRoles = append(b.s.AppRoles, a)
}

func (b *builder) buildDirectoryRole(st *statement) {
	a := mivet.DirectoryRoleAssignment{
		DirectoryScope: b.textOr(st, "at", "/"), Eligible: st.has("eligible"),
		Start: b.time(st, "from"), End: b.time(st, "until"), Source: b.source(st),
	}
	a.Principal, _ = b.principal(st.args[0])
	a.RoleID, a.Role = b.namedRole(st)
	b.s.DirectoryRoles = append(b.s.DirectoryRoles, a)
}

func (b *builder) buildDelegation(st *statement) {
	scope, ok := b.at(st, "at", 1)
	if !ok {
		return
	}
	d := mivet.Delegation{Scope: scope, ManagingTenant: b.text(st, "tenant"), Name: st.args[0].text, Source: b.source(st)}
	for _, it := range st.items {
		g := mivet.DelegatedGrant{Name: b.text(it, "name"), Eligible: it.has("eligible")}
		g.Principal, _ = b.principal(it.args[0])
		g.Role, _ = b.roleID(it.args[1])
		if a := it.attr("roles"); a != nil {
			for _, t := range a.values {
				if id, ok := b.roleID(t); ok {
					g.AssignableRoles = append(g.AssignableRoles, id)
				}
			}
		}
		d.Grants = append(d.Grants, g)
	}
	d.ID = b.extensionID(st, scope, delegationType, b.derive("delegation", scope.String(), d.ManagingTenant, d.Name))
	b.s.Delegations = append(b.s.Delegations, d)
}
