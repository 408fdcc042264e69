// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strconv"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func (b *builder) managementGroup(v *view) {
	id := b.ownID(v)
	if id.IsZero() {
		return
	}
	g := mivet.ManagementGroup{ID: id, Name: v.attrs.str("display_name"), Source: v.src}
	var problem string
	if g.Parent, problem = b.scope(v, "parent_management_group_id"); problem != "" {
		if problem != whyAbsent || !v.data {
			b.gap(v, mivet.FactManagementGroups, id, "its parent management group "+problem)
		}
	}
	b.snap.ManagementGroups = append(b.snap.ManagementGroups, g)
	for _, s := range v.attrs.list("subscription_ids") {
		b.subscriptionBelow(parsed("/subscriptions/"+s), id, "", v.src)
	}
}

// subscriptionBelow adds a subscription, or its parent to one that is known.
func (b *builder) subscriptionBelow(id, parent arm.ID, name string, src mivet.Source) {
	if id.IsZero() {
		return
	}
	key := id.Key()
	i, ok := b.subscriptions[key]
	if !ok {
		b.subscriptions[key] = len(b.snap.Subscriptions)
		b.snap.Subscriptions = append(b.snap.Subscriptions, mivet.Subscription{ID: id, Name: name, Parent: parent, Source: src})
		return
	}
	s := &b.snap.Subscriptions[i]
	if s.Parent.IsZero() {
		s.Parent = parent
	}
	s.Name = firstOf(s.Name, name)
}

func (b *builder) subscriptionParent(v *view) {
	group, whyGroup := b.scope(v, "management_group_id")
	sub, whySub := b.scope(v, "subscription_id")
	if whySub == whyMalformed {
		sub, whySub = parsed("/subscriptions/"+v.attrs.str("subscription_id")), ""
	}
	if whyGroup != "" || whySub != "" {
		b.gap(v, mivet.FactSubscriptions, arm.ID{}, "the plan does not tell which subscription it puts into which management group")
		return
	}
	b.subscriptionBelow(sub, group, "", v.src)
}

func (b *builder) subscriptionFact(v *view) {
	name := v.attrs.str("subscription_name")
	if name == "" {
		name = v.attrs.str("display_name")
	}
	b.subscriptionBelow(b.ownID(v), arm.ID{}, name, v.src)
}

func (b *builder) lock(v *view) {
	scope, problem := b.scope(v, "scope")
	if problem != "" {
		b.gap(v, mivet.FactLocks, arm.ID{}, "its scope "+problem)
		return
	}
	b.snap.Locks = append(b.snap.Locks, mivet.Lock{ID: b.ownID(v), Scope: scope, Level: v.attrs.str("lock_level"), Source: v.src})
}

// delegation reads an assignment of Azure Lighthouse together with its definition.
func (b *builder) delegation(v *view) {
	scope, problem := b.scope(v, "scope")
	if problem != "" {
		b.gap(v, mivet.FactDelegations, arm.ID{}, "its scope "+problem)
		return
	}
	definition := b.definitionOf(v)
	if definition == nil {
		b.gap(v, mivet.FactDelegations, scope, "its definition is not in the plan")
		return
	}
	d := mivet.Delegation{
		ID: knownID(v.attrs.str("id")), Scope: scope, Source: v.src,
		ManagingTenant: definition.attrs.str("managing_tenant_id"), Name: definition.attrs.str("name"),
	}
	for _, kind := range []string{"authorization", "eligible_authorization"} {
		for i, block := range definition.attrs.blocks(kind) {
			g := mivet.DelegatedGrant{Name: block.str("principal_display_name"), Eligible: kind != "authorization"}
			g.Principal, problem = b.principal(definition, false, kind, strconv.Itoa(i), "principal_id")
			g.Role = mivet.NewRoleID(block.str("role_definition_id"))
			for _, r := range block.list("delegated_role_definition_ids") {
				g.AssignableRoles = append(g.AssignableRoles, mivet.NewRoleID(r))
			}
			if problem != "" || g.Role == "" {
				b.gap(definition, mivet.FactDelegations, scope, "a principal or a role that it delegates to is known only after apply")
				continue
			}
			d.Grants = append(d.Grants, g)
		}
	}
	b.snap.Delegations = append(b.snap.Delegations, d)
}

func (b *builder) definitionOf(v *view) *view {
	want, _ := b.scope(v, "lighthouse_definition_id")
	for _, t := range b.trail(v, "lighthouse_definition_id").targets {
		if t.object != nil && t.object.typ == "azurerm_lighthouse_definition" {
			return b.view(t.object)
		}
	}
	for _, o := range b.doc.objects {
		if o.typ == "azurerm_lighthouse_definition" && o.stays() && !want.IsZero() && b.idOf(o).Equal(want) {
			return b.view(o)
		}
	}
	return nil
}

// azapiDelegation reads an assignment of Azure Lighthouse in Azure's own form, together with its definition
// (MicrosoftDocs/azure-docs articles/lighthouse/how-to/onboard-customer.md).
func (b *builder) azapiDelegation(v *view, id arm.ID, props attrs) {
	if id.IsZero() {
		b.gap(v, mivet.FactDelegations, id, "its scope "+whyNotFollow)
		return
	}
	scope := id.Parent()
	definition := b.registration(v, knownID(props.str("registrationDefinitionId")))
	if definition == nil {
		b.gap(v, mivet.FactDelegations, scope, "its definition is not in the file")
		return
	}
	said := attributes(nil)
	if m, ok := at(definition.attrs, "body", "properties").(map[string]any); ok {
		said = m
	}
	d := mivet.Delegation{
		ID: id, Scope: scope, Source: v.src,
		ManagingTenant: said.str("managedByTenantId"), Name: said.str("registrationDefinitionName"),
	}
	for _, kind := range []string{"authorizations", "eligibleAuthorizations"} {
		blocks := said.blocks(kind)
		open, some := at(map[string]any(definition.unknown), "body", "properties", kind).([]any)
		if definition.unknown.unknown("body", "properties", kind) || some && len(open) > len(blocks) {
			b.gap(definition, mivet.FactDelegations, scope, "what it delegates is not all known before the deployment")
		}
		for i, block := range blocks {
			g := mivet.DelegatedGrant{Name: block.str("principalIdDisplayName"), Eligible: kind != "authorizations"}
			var problem string
			g.Principal, problem = b.principal(definition, false, "body", "properties", kind, strconv.Itoa(i), "principalId")
			g.Role = mivet.NewRoleID(block.str("roleDefinitionId"))
			for _, r := range block.list("delegatedRoleDefinitionIds") {
				g.AssignableRoles = append(g.AssignableRoles, mivet.NewRoleID(r))
			}
			if problem != "" || g.Principal == "" || g.Role == "" {
				b.gap(definition, mivet.FactDelegations, scope, "a principal or a role that it delegates to is known only after the deployment")
				continue
			}
			d.Grants = append(d.Grants, g)
		}
	}
	b.snap.Delegations = append(b.snap.Delegations, d)
}

// registration finds the definition of a delegation among the objects of the file.
func (b *builder) registration(v *view, want arm.ID) *view {
	for _, t := range b.trail(v, "body").targets {
		if t.object != nil && isAzapi(t.object.typ) && isRegistration(b.view(t.object).armType()) {
			return b.view(t.object)
		}
	}
	if want.IsZero() {
		return nil
	}
	if d := b.registrations[want.Key()]; d != nil {
		return d
	}
	for _, o := range b.doc.objects {
		if isAzapi(o.typ) && o.stays() && b.idOf(o).Equal(want) {
			return b.view(o)
		}
	}
	return nil
}

func isRegistration(armType string) bool {
	return arm.Fold(armType) == "microsoft.managedservices/registrationdefinitions"
}

// templateDeployment says that a template inside of the plan is not read.
func (b *builder) templateDeployment(v *view) {
	scope := b.ownID(v).Parent()
	for _, facts := range []mivet.FactKind{mivet.FactResources, mivet.FactIdentities, mivet.FactRoleAssignments} {
		b.gap(v, facts, scope, "the ARM template that it deploys is not read")
	}
}
