// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Reasons why a value could not be told. They are part of gaps.
const (
	whyAbsent    = "is not set"
	whyEmpty     = "is planned as an empty text, which Azure refuses: the plan cannot be applied in one run"
	whyAmbiguous = "may be one of several objects: the plan does not hold the expression that decides"
	whyNotFollow = "is known only after apply, and the plan does not show what it comes from"
	whyClientID  = "names a client ID where the principal (object) ID is needed"
	whyMalformed = "is no resource ID"
	whyDeployed  = "is known only after the deployment, and the template does not show whose it is"

	whyOneOfSeveral = "is one of several: what decides is known only after the deployment"
)

// maxScopes bounds the memory for scopes that were parsed before.
const maxScopes = 1 << 16

// principal returns the principal that an attribute names. problem says why it is not
// known; a symbolic principal stands in then where that is better than none.
func (b *builder) principal(v *view, clientOK bool, path ...string) (id mivet.PrincipalID, problem string) {
	switch known := at(v.attrs, path...).(type) {
	case string:
		if strings.TrimSpace(known) == "" {
			return "", whyEmpty
		}
		if p, ok := b.clients[strings.ToLower(known)]; ok && clientOK {
			return p, ""
		}
		return mivet.NewPrincipalID(known), ""
	case nil:
		if !v.unknown.unknown(path...) {
			return "", whyAbsent
		}
		if v.declared != nil {
			return b.declaredPrincipal(v, clientOK, path)
		}
	}
	return b.principalOfTrail(b.trail(v, path...), clientOK)
}

// principalOfTrail returns the principal that an expression yields whose value is not
// known yet.
func (b *builder) principalOfTrail(t trail, clientOK bool) (mivet.PrincipalID, string) {
	var found []mivet.PrincipalID
	problem := whyNotFollow
	for _, to := range t.targets {
		var id mivet.PrincipalID
		why := ""
		switch {
		case to.object == nil && mivet.IsGUID(to.literal):
			id = mivet.NewPrincipalID(to.literal)
		case to.object != nil:
			id, why = b.principalOf(to.object, to.attr, clientOK)
		}
		if why != "" {
			problem = why
		}
		if id != "" && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	if len(found) > 1 { // what is known at plan time does not make a value unknown
		found = slices.DeleteFunc(found, func(id mivet.PrincipalID) bool { _, symbol := id.Symbolic(); return !symbol })
	}
	switch {
	case len(found) > 1, len(found) == 1 && len(t.lost) > 0:
		return "", whyAmbiguous
	case len(found) == 1:
		return found[0], ""
	default:
		return "", problem
	}
}

// principalOf returns the principal that an attribute of an object names; "" where the
// attribute names none.
func (b *builder) principalOf(o *object, attr string, clientOK bool) (mivet.PrincipalID, string) {
	v := b.view(o)
	last := attr[strings.LastIndexByte(attr, '.')+1:]
	switch {
	case strings.HasPrefix(attr, "kubelet_identity"):
		return b.computedPrincipal(v, "kubelet_identity"), ""
	case isUserAssigned(v):
		return b.userAssignedTarget(v, last, clientOK)
	case isDirectoryObject(o.typ):
		return b.directoryTarget(v, last, clientOK)
	case attr == "" && severalPrincipals(o.typ):
		return "", whyAmbiguous
	case attr == "", attr == "identity", attr == "identity.principal_id", attr == "output", strings.HasSuffix(attr, "identity.principalId"):
		return b.systemPrincipal(v), ""
	case last == "client_id" || last == "application_id":
		return "", whyClientID
	case last == "principal_id" || last == "object_id":
		path := strings.Split(attr, ".")
		if p := v.attrs.str(path...); p != "" && !v.replaced() {
			return mivet.NewPrincipalID(p), ""
		}
		if v.unknown.unknown(path...) {
			return mivet.SymbolicPrincipal(v.address + "." + strings.TrimSuffix(attr, "."+last)), ""
		}
	}
	return "", ""
}

// severalPrincipals reports whether a type has principals beside its own identity, so that
// a reference without an attribute does not tell which is meant.
func severalPrincipals(typ string) bool {
	return typ == "azurerm_kubernetes_cluster" || typ == "azurerm_kubernetes_automatic_cluster"
}

func (b *builder) userAssignedTarget(v *view, last string, clientOK bool) (mivet.PrincipalID, string) {
	switch last {
	case "", "output", "principal_id", "principalId", "object_id", "properties":
		return b.userAssignedPrincipal(v), ""
	case "client_id", "clientId":
		if clientOK {
			return b.userAssignedPrincipal(v), ""
		}
		return "", whyClientID
	default:
		return "", ""
	}
}

// isUserAssigned reports whether an object is a user-assigned identity.
func isUserAssigned(v *view) bool {
	return v.typ == "azurerm_user_assigned_identity" ||
		isAzapi(v.typ) && arm.Fold(v.armType()) == "microsoft.managedidentity/userassignedidentities"
}

// userAssignedPrincipal returns the principal of a user-assigned identity: the known one,
// or the symbol of one that the plan makes.
func (b *builder) userAssignedPrincipal(v *view) mivet.PrincipalID {
	known := v.attrs.str("principal_id")
	if isAzapi(v.typ) {
		known = v.attrs.str("output", "properties", "principalId")
	}
	if known != "" && !v.replaced() {
		return mivet.NewPrincipalID(known)
	}
	if v.makes() || v.unknown.unknown("principal_id") && v.typ == "azurerm_user_assigned_identity" {
		return mivet.SymbolicPrincipal(v.address)
	}
	return ""
}

// systemPrincipal returns the principal of the system-assigned identity that an object
// will carry, or "". It goes by the type of the identity: after a change of the type,
// principal_id may still hold that of an identity which is gone.
func (b *builder) systemPrincipal(v *view) mivet.PrincipalID {
	if system, _ := identityKinds(v.identityType()); !system {
		return ""
	}
	known := v.attrs.str("identity", "principal_id")
	switch {
	case v.makes():
		return mivet.SymbolicPrincipal(v.address)
	case v.does("update"):
		before := attributes(v.before)
		if had, _ := identityKinds(before.str("identity", "type")); !had {
			return mivet.SymbolicPrincipal(v.address)
		}
		if known == "" {
			known = before.str("identity", "principal_id")
		}
	}
	return mivet.NewPrincipalID(known)
}

// makes reports whether the object is new, or may be: a template does not tell.
func (v *view) makes() bool { return v.does("create") || v.does(actionDeploy) }

// computedPrincipal returns the principal of an identity that a service makes by itself,
// such as that of the nodes of a cluster.
func (b *builder) computedPrincipal(v *view, block string) mivet.PrincipalID {
	if known := v.attrs.str(block, "object_id"); known != "" && !v.replaced() {
		return mivet.NewPrincipalID(known)
	}
	return mivet.SymbolicPrincipal(v.address + "." + block)
}

// scope returns the ID that an attribute holds or refers to, and why not.
func (b *builder) scope(v *view, path ...string) (arm.ID, string) {
	switch known := at(v.attrs, path...).(type) {
	case string:
		if known == "" {
			return arm.ID{}, whyAbsent
		}
		id, ok := b.scopes[known]
		if !ok {
			if id = knownID(known); len(b.scopes) < maxScopes {
				b.scopes[known] = id
			}
		}
		if id.IsZero() {
			return id, whyMalformed
		}
		return id, ""
	case nil:
		if !v.unknown.unknown(path...) {
			return arm.ID{}, whyAbsent
		}
	}
	t := b.trail(v, path...)
	var found []arm.ID
	for _, to := range t.targets {
		id := parsed(to.literal)
		if to.object != nil {
			id = b.idOfTarget(to)
		}
		if !id.IsZero() && !slices.ContainsFunc(found, id.Equal) {
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 1 && len(t.lost) == 0 && !t.mixed():
		return found[0], ""
	case len(found) > 0:
		return arm.ID{}, whyAmbiguous
	default:
		return arm.ID{}, whyNotFollow
	}
}

// mixed reports whether an expression uses attributes of several objects, or something
// beside an ID: its value is put together then, and not the ID of any of them.
func (t trail) mixed() bool {
	for _, to := range t.targets {
		if to.object != nil && !isIDAttr(to.attr) || to.object != t.targets[0].object {
			return true
		}
	}
	return false
}

func isIDAttr(attr string) bool {
	switch attr {
	case "", "id", "resource_id", "resource_manager_id", "resource_versionless_id", "role_definition_resource_id":
		return true
	default:
		return false
	}
}

func (b *builder) idOfTarget(t target) arm.ID {
	if isIDAttr(t.attr) {
		return b.idOf(t.object)
	}
	return knownID(b.view(t.object).attrs.str(strings.Split(t.attr, ".")...))
}

// role returns the role that an assignment names: by GUID, by name, or both.
func (b *builder) role(v *view) (id mivet.RoleID, name, problem string) {
	name = v.attrs.str("role_definition_name")
	if known := v.attrs.str("role_definition_id"); known != "" {
		known, _, _ = strings.Cut(known, "|")
		return mivet.NewRoleID(known), name, ""
	}
	if name != "" {
		return b.roleNames[arm.Fold(name)], name, ""
	}
	for _, arg := range []string{"role_definition_id", "role_definition_name"} {
		if v.unknown.unknown(arg) {
			if id, name, ok := b.roleOfTrail(b.trail(v, arg)); ok {
				return id, name, ""
			}
		}
	}
	return "", "", whyNotFollow
}

func (b *builder) roleOfTrail(t trail) (id mivet.RoleID, name string, ok bool) {
	if len(t.targets) != 1 || len(t.lost) > 0 {
		return "", "", false
	}
	to := t.targets[0]
	if to.object == nil {
		return mivet.NewRoleID(to.literal), "", to.literal != ""
	}
	v := b.view(to.object)
	if v.typ != "azurerm_role_definition" && arm.Fold(v.armType()) != "microsoft.authorization/roledefinitions" {
		return "", "", false
	}
	return b.roleID(v), v.attrs.str("name"), true
}

// roleID returns the GUID of a role that the plan makes or reads. Before the GUID is
// known, the address in braces stands for it.
func (b *builder) roleID(v *view) mivet.RoleID {
	for _, attr := range []string{"role_definition_id", "role_definition_resource_id", "id", "resource_id"} {
		if s, _, _ := strings.Cut(v.attrs.str(attr), "|"); s != "" {
			return mivet.NewRoleID(s)
		}
	}
	if isAzapi(v.typ) {
		if id := b.ownID(v); !id.IsZero() {
			return mivet.NewRoleID(id.Name())
		}
	}
	return mivet.RoleID(strings.ToLower(inBraces(v.address)))
}
