// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"github.com/mivet/mivet"
)

// isDirectoryObject reports whether a type of the provider azuread is a principal, or an
// application that has one.
func isDirectoryObject(typ string) bool {
	switch typ {
	case "azuread_group", "azuread_user", "azuread_service_principal", "azuread_application", "azuread_application_registration":
		return true
	default:
		return false
	}
}

func addDirectoryReaders(m map[string]typeReader) {
	m["azuread_group"] = (*builder).group
	m["azuread_group_without_members"] = (*builder).group
	m["azuread_user"] = (*builder).directoryPrincipal
	m["azuread_service_principal"] = (*builder).directoryPrincipal
	m["azuread_group_member"] = (*builder).groupMember
	m["azuread_app_role_assignment"] = (*builder).appRole
	m["azuread_directory_role_assignment"] = (*builder).directoryRole
	m["azuread_directory_role_eligibility_schedule_request"] = (*builder).directoryRole
	m["azuread_directory_role_member"] = (*builder).directoryRoleMember
	m["azuread_application_federated_identity_credential"] = (*builder).appCredential
	m["azuread_application_flexible_federated_identity_credential"] = (*builder).appCredential
	for _, t := range []string{"azuread_application", "azuread_application_registration", "azuread_client_config", "azurerm_client_config"} {
		m[t] = func(*builder, *view) {} // read where others refer to it
	}
}

// directoryTarget returns the principal that an attribute of a directory object names. An
// application is no principal: its service principal is an object of its own.
func (b *builder) directoryTarget(v *view, last string, clientOK bool) (mivet.PrincipalID, string) {
	app := v.typ == "azuread_application" || v.typ == "azuread_application_registration"
	switch {
	case last == "client_id" || last == "application_id":
		if !clientOK {
			return "", whyClientID
		}
		return b.clients[v.attrs.str(last)], ""
	case app || last != "" && last != "object_id" && last != "id":
		return "", ""
	default:
		return directoryID(v), ""
	}
}

// directoryID returns the object ID of a principal, or the symbol of one that the plan makes.
func directoryID(v *view) mivet.PrincipalID {
	if id := v.attrs.str("object_id"); id != "" && !v.replaced() {
		return mivet.NewPrincipalID(id)
	}
	if v.does("create") || v.unknown.unknown("object_id") {
		return mivet.SymbolicPrincipal(v.address)
	}
	return ""
}

func (b *builder) directoryPrincipal(v *view) {
	p := mivet.Principal{ID: directoryID(v), Name: v.attrs.str("display_name"), Source: v.src, Type: mivet.TypeUser}
	if v.typ == "azuread_service_principal" {
		p.Type = mivet.TypeServicePrincipal
		p.ClientID = v.attrs.str("client_id")
		if p.ClientID == "" {
			p.ClientID = v.attrs.str("application_id")
		}
		p.HomeTenant = v.attrs.str("application_tenant_id")
		p.Managed = v.attrs.str("type") == "ManagedIdentity"
	}
	if on, ok := v.attrs["account_enabled"].(bool); ok {
		p.Disabled = !on
	}
	b.person(p)
}

func (b *builder) group(v *view) {
	g := mivet.Principal{ID: directoryID(v), Name: v.attrs.str("display_name"), Type: mivet.TypeGroup, Source: v.src}
	b.person(g)
	if g.ID == "" {
		return
	}
	for _, m := range v.attrs.list("members") {
		b.snap.Memberships = append(b.snap.Memberships, mivet.Membership{Group: g.ID, Member: mivet.NewPrincipalID(m), Source: v.src})
	}
	if !anyUnknown(v.unknown["members"]) {
		return
	}
	t := b.trail(v, "members")
	known := len(t.lost) == 0 && len(t.targets) > 0
	for _, to := range t.targets {
		one, _ := b.principalOfTrail(trail{targets: []target{to}}, false)
		if one == "" {
			known = false
			continue
		}
		b.snap.Memberships = append(b.snap.Memberships, mivet.Membership{Group: g.ID, Member: one, Source: v.src})
	}
	if !known {
		b.gaps.add(mivet.Gap{
			Facts: mivet.FactMemberships, Subject: string(g.ID), Source: v.src, Reason: "a member " + whyNotFollow,
		})
	}
}

func (b *builder) groupMember(v *view) {
	group, whyGroup := b.principal(v, false, "group_object_id")
	member, whyMember := b.principal(v, false, "member_object_id")
	if group == "" || member == "" {
		b.gaps.add(mivet.Gap{
			Facts: mivet.FactMemberships, Subject: v.address, Source: v.src,
			Reason: "its group or its member " + firstOf(whyGroup, whyMember, "is not in the file"),
		})
		return
	}
	b.snap.Memberships = append(b.snap.Memberships, mivet.Membership{Group: group, Member: member, Source: v.src})
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (b *builder) appRole(v *view) {
	a := mivet.AppRoleAssignment{RoleID: v.attrs.str("app_role_id"), APIName: v.attrs.str("resource_display_name"), Source: v.src}
	var problem string
	a.Principal, problem = b.principal(v, false, "principal_object_id")
	a.API, _ = b.principal(v, false, "resource_object_id")
	b.directoryFact(v, mivet.FactAppRoles, a.Principal, a.RoleID, problem, func() { b.snap.AppRoles = append(b.snap.AppRoles, a) })
}

func (b *builder) directoryRole(v *view) {
	a := mivet.DirectoryRoleAssignment{
		RoleID: v.attrs.str("role_id"), DirectoryScope: v.attrs.str("directory_scope_id"), Source: v.src,
		Eligible: v.typ == "azuread_directory_role_eligibility_schedule_request",
	}
	var problem string
	arg := "principal_object_id"
	if a.Eligible {
		arg, a.RoleID = "principal_id", v.attrs.str("role_definition_id")
	}
	a.Principal, problem = b.principal(v, false, arg)
	b.directoryFact(v, mivet.FactDirectoryRoles, a.Principal, a.RoleID, problem, func() { b.snap.DirectoryRoles = append(b.snap.DirectoryRoles, a) })
}

func (b *builder) directoryRoleMember(v *view) {
	a := mivet.DirectoryRoleAssignment{RoleID: b.directoryRoleTemplate(v), DirectoryScope: "/", Source: v.src}
	var problem string
	a.Principal, problem = b.principal(v, false, "member_object_id")
	b.directoryFact(v, mivet.FactDirectoryRoles, a.Principal, a.RoleID, problem, func() { b.snap.DirectoryRoles = append(b.snap.DirectoryRoles, a) })
}

// directoryRoleTemplate returns the template of the role that a membership names: the
// object ID of a role differs from tenant to tenant and says nothing.
func (b *builder) directoryRoleTemplate(v *view) string {
	for _, t := range b.trail(v, "role_object_id").targets {
		if t.object != nil {
			return b.view(t.object).attrs.str("template_id")
		}
	}
	return ""
}

// directoryFact adds a fact of the directory, or the gap for one that cannot be stated.
func (b *builder) directoryFact(v *view, facts mivet.FactKind, p mivet.PrincipalID, role, problem string, add func()) {
	if p != "" && role != "" {
		add()
		return
	}
	b.gaps.add(mivet.Gap{
		Facts: facts, Subject: v.address, Source: v.src,
		Reason: "its principal or its role " + firstOf(problem, whyNotFollow),
	})
}

func (b *builder) appCredential(v *view) {
	c := mivet.FederatedCredential{
		AppObjectID: bareRole(firstOf(v.attrs.str("application_id"), v.attrs.str("application_object_id"))),
		Name:        v.attrs.str("display_name"), Issuer: v.attrs.str("issuer"), Subject: v.attrs.str("subject"),
		Expression: v.attrs.str("claims_matching_expression"), Source: v.src,
	}
	c.Audiences = v.attrs.list("audiences")
	if s := v.attrs.str("audience"); s != "" {
		c.Audiences = []string{s}
	}
	if c.AppObjectID == "" {
		c.AppObjectID = b.application(v)
	}
	b.credential(v, c)
}

// application returns the address in braces of the application that a credential refers to.
func (b *builder) application(v *view) string {
	for _, arg := range []string{"application_id", "application_object_id"} {
		for _, t := range b.trail(v, arg).targets {
			if t.object != nil {
				return inBraces(t.object.address)
			}
		}
	}
	return ""
}
