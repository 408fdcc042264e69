// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// identityKinds reads the type of an identity block. Providers and resource types spell
// "both" in four ways (Azure/bicep-types-az generated/**/types.json: "SystemAssigned,
// UserAssigned" with and without the blank, "SystemAssignedUserAssigned",
// "SystemAndUserAssigned").
func identityKinds(typ string) (system, user bool) {
	t := strings.ToLower(strings.ReplaceAll(typ, " ", ""))
	switch t {
	case "systemassigned":
		return true, false
	case "userassigned":
		return false, true
	case "systemassigned,userassigned", "userassigned,systemassigned", "systemassigneduserassigned", "systemanduserassigned":
		return true, true
	default:
		return false, false
	}
}

// identityType returns the type of an object's top-level identity block as written, or "".
// A type that is known only after apply is taken from a constant of the source.
func (v *view) identityType() string {
	if t := v.attrs.str("identity", "type"); t != "" {
		return t
	}
	if isAzapi(v.typ) {
		if t := v.attrs.str("body", "identity", "type"); t != "" {
			return t
		}
	}
	if v.unknown.unknown("identity", "type") {
		return v.expr("identity", "type").constant
	}
	return ""
}

// oddIdentity reports whether the object has an identity that is neither absent nor the
// block that Terraform writes, so that what it is cannot be told.
func (v *view) oddIdentity() bool {
	switch block := v.attrs["identity"].(type) {
	case nil:
		return false
	case []any:
		for _, e := range block {
			if m, ok := e.(map[string]any); !ok || !textOrNothing(m["type"]) {
				return true
			}
		}
		return false
	case map[string]any:
		return !textOrNothing(block["type"])
	default:
		return true
	}
}

func textOrNothing(v any) bool {
	_, text := v.(string)
	return text || v == nil
}

// carries reports whether the object has an identity block that names a sort of identity.
func (v *view) carries() bool {
	system, user := identityKinds(v.identityType())
	return system || user
}

// resourceFacts adds the resource, the identities on it and its settings.
func (b *builder) resourceFacts(v *view, id arm.ID) {
	r := mivet.Resource{ID: id, Location: v.attrs.str("location"), Detail: b.detail(v), Source: v.src}
	r.Identity = b.attachment(v, id)
	b.resource(r)
	switch {
	case isUserAssigned(v):
		b.userAssigned(v, id)
	case r.Identity != nil && r.Identity.System:
		b.identity(mivet.Identity{
			Kind: mivet.SystemAssigned, Resource: id, Principal: r.Identity.SystemPrincipal,
			TenantID: v.attrs.str("identity", "tenant_id"), Source: v.src,
		})
		if r.Identity.SystemPrincipal == "" {
			b.gap(v, mivet.FactIdentities, id, "the principal of its system-assigned identity is not in the file")
		}
	}
	b.serviceIdentities(v)
}

func (b *builder) userAssigned(v *view, id arm.ID) {
	p := b.userAssignedPrincipal(v)
	m := mivet.Identity{
		Kind: mivet.UserAssigned, Resource: id, Principal: p,
		ClientID: v.attrs.str("client_id"), TenantID: v.attrs.str("tenant_id"), Source: v.src,
	}
	if isAzapi(v.typ) {
		m.ClientID = v.attrs.str("output", "properties", "clientId")
		m.TenantID = v.attrs.str("output", "properties", "tenantId")
	}
	if v.replaced() {
		m.ClientID = ""
	}
	b.identity(m)
	if p == "" {
		b.gap(v, mivet.FactIdentities, id, "the principal of the identity is not in the file")
	}
}

// attachment returns the identities that an object carries, or nil.
func (b *builder) attachment(v *view, id arm.ID) *mivet.Attachment {
	system, user := identityKinds(v.identityType())
	if !system && !user {
		if t := v.identityType(); t != "" && !strings.EqualFold(t, "None") {
			b.gap(v, mivet.FactIdentities, id, "its identity is of the type "+strconv.Quote(t)+", which is none that Azure has")
		}
		if v.oddIdentity() {
			b.gap(v, mivet.FactIdentities, id, "its identity is not in the form that plans have")
		}
		if v.unknown.unknown("identity", "type") && at(v.exprs, "identity") != nil {
			b.gap(v, mivet.FactIdentities, id, "the type of its identity "+whyNotFollow)
		}
		return nil
	}
	a := &mivet.Attachment{System: system}
	if system {
		a.SystemPrincipal = b.systemPrincipal(v)
	}
	if user {
		a.User = b.attached(v, id)
	}
	return a
}

// attached returns the user-assigned identities of an identity block, known or referred to.
func (b *builder) attached(v *view, id arm.ID) []arm.ID {
	var out []arm.ID
	add := func(u arm.ID) {
		if u.IsZero() {
			return
		}
		for _, have := range out {
			if have.Equal(u) {
				return
			}
		}
		out = append(out, u)
	}
	for _, s := range v.attrs.list("identity", "identity_ids") {
		add(knownID(s))
	}
	if m, ok := at(v.attrs, "body", "identity", "userAssignedIdentities").(map[string]any); ok && isAzapi(v.typ) {
		for _, s := range sortedKeys(m) {
			add(knownID(s))
		}
	}
	if !anyUnknown(at(map[string]any(v.unknown), "identity", "identity_ids")) && !v.unknown.unknown("identity") {
		return out
	}
	t := b.trail(v, "identity", "identity_ids")
	for _, to := range t.targets {
		if to.object != nil && isUserAssigned(b.view(to.object)) && isIDAttr(to.attr) {
			add(b.idOf(to.object))
		} else if to.object == nil {
			add(knownID(to.literal))
		}
	}
	if len(t.lost) > 0 || len(t.targets) == 0 {
		b.gap(v, mivet.FactIdentities, id, "a user-assigned identity on it "+whyNotFollow)
	}
	return out
}

// serviceIdentityBlocks are blocks by which a cluster reports identities that Azure made
// for it: user-assigned ones in the group of its nodes.
var serviceIdentityBlocks = []string{
	"kubelet_identity",
	"key_vault_secrets_provider.secret_identity",
	"oms_agent.oms_agent_identity",
	"ingress_application_gateway.ingress_application_gateway_identity",
	"aci_connector_linux.connector_identity",
	"web_app_routing.web_app_routing_identity",
}

func (b *builder) serviceIdentities(v *view) {
	if !severalPrincipals(v.typ) {
		return
	}
	for _, block := range serviceIdentityBlocks {
		path := strings.Split(block, ".")
		get := func(name string) string { return v.attrs.str(append(path[:len(path):len(path)], name)...) }
		id := knownID(get("user_assigned_identity_id"))
		if id.IsZero() || v.replaced() {
			continue
		}
		b.resource(mivet.Resource{ID: id, Source: v.src})
		b.identity(mivet.Identity{
			Kind: mivet.UserAssigned, Resource: id, Principal: mivet.NewPrincipalID(get("object_id")),
			ClientID: get("client_id"), Source: v.src,
		})
	}
}
