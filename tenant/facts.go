// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// shownName returns the name of a declared object in Azure: what name= says, else the
// word by which it is declared, unless that is an ID.
func (b *builder) shownName(st *statement) string {
	t := nameOf(st)
	if _, isLiteral := t.literal(); isLiteral || full(t.text) || mivet.IsGUID(t.text) {
		return b.text(st, "name")
	}
	return b.textOr(st, "name", t.text)
}

func (b *builder) buildManagementGroup(st *statement) {
	b.s.ManagementGroups = append(b.s.ManagementGroups, mivet.ManagementGroup{
		ID: st.decl.id, Name: b.shownName(st), Parent: b.group(st), Source: b.source(st),
	})
}

func (b *builder) buildSubscription(st *statement) {
	b.s.Subscriptions = append(b.s.Subscriptions, mivet.Subscription{
		ID: st.decl.id, Name: b.shownName(st), Parent: b.group(st), Tags: b.pairs(st, "tag."), Source: b.source(st),
	})
}

// group returns the management group above.
func (b *builder) group(st *statement) arm.ID {
	id := b.optionalScope(st, "in")
	if !id.IsZero() && id.Level() != arm.LevelManagementGroup {
		b.reportAt(st.attr("in").values[0], fmt.Sprintf("%s lies in a management group", st.keyword.text), "")
	}
	return id
}

// checkGroups refuses management groups that lie in one another.
func (b *builder) checkGroups() {
	parents := map[arm.Key]arm.Key{}
	for _, g := range b.s.ManagementGroups {
		parents[g.ID.Key()] = g.Parent.Key()
	}
	settled := map[arm.Key]bool{}
	for i, g := range b.s.ManagementGroups {
		seen := map[arm.Key]bool{}
		k := g.ID.Key()
		for ; k != "" && !settled[k] && !seen[k]; k = parents[k] {
			seen[k] = true
		}
		if k != "" && seen[k] {
			b.report(b.s.ManagementGroups[i].Source.Line, 1, fmt.Sprintf("the management group %s lies in itself", g.ID.Name()), "")
		}
		for k := range seen {
			settled[k] = true
		}
	}
}

func (b *builder) buildResource(st *statement) {
	r := mivet.Resource{ID: st.decl.id, Location: b.text(st, "location"), Source: b.source(st)}
	d := mivet.Detail{Tags: b.pairs(st, "tag."), ManagedBy: b.optionalScope(st, "managed-by"), Settings: b.pairs(st, ".")}
	if st.alias != nil {
		d.Kind = st.alias.kind
	}
	d.Kind = b.textOr(st, "kind", d.Kind)
	if d.Kind != "" || d.Tags != nil || !d.ManagedBy.IsZero() || d.Settings != nil {
		r.Detail = &d
	}
	r.Identity = b.attachment(st)
	b.s.Resources = append(b.s.Resources, r)
	switch {
	case st.keyword.text == identityKeyword:
		b.addIdentity(st, mivet.UserAssigned)
	case st.has("system"):
		b.addIdentity(st, mivet.SystemAssigned)
	}
}

func (b *builder) attachment(st *statement) *mivet.Attachment {
	var a mivet.Attachment
	if st.holder != nil && st.keyword.text != identityKeyword {
		a.System, a.SystemPrincipal = true, st.holder.id
	}
	for i, id := range b.scopeList(st, "user") {
		if arm.Fold(id.Type()) != arm.Fold(identityType) {
			b.reportAt(st.attr("user").values[i], fmt.Sprintf("%s is no user-assigned identity", id), "")
		}
		a.User = append(a.User, id)
	}
	if !a.System && a.User == nil {
		return nil
	}
	return &a
}

// addIdentity adds a managed identity and its service principal.
func (b *builder) addIdentity(st *statement, kind mivet.IdentityKind) {
	d := st.holder
	b.s.Identities = append(b.s.Identities, mivet.Identity{
		Kind: kind, Resource: st.decl.id, Principal: d.id, ClientID: d.client, TenantID: b.s.TenantID, Source: b.source(st),
	})
	if d.id == "" {
		return
	}
	b.s.Principals = append(b.s.Principals, mivet.Principal{
		ID: d.id, Type: mivet.TypeServicePrincipal, Name: holderName(st.decl.id), ClientID: d.client, Managed: true, Source: b.source(st),
	})
}

// holderName returns the display name of a managed identity's service principal: that of
// its resource; for a slot, app/slots/slot
// (MicrosoftDocs/azure-docs articles/app-service/overview-managed-identity.md).
func holderName(id arm.ID) string {
	if arm.Fold(id.Type()) == arm.Fold(siteType+"/slots") {
		return id.Parent().Name() + "/slots/" + id.Name()
	}
	return id.Name()
}

func (b *builder) buildIdentity(st *statement) {
	id := mivet.Identity{
		Kind: mivet.SystemAssigned, Resource: b.optionalScope(st, "of"), Principal: b.optionalPrincipal(st, "principal"),
		ClientID: b.text(st, "client"), TenantID: b.textOr(st, "tenant", b.s.TenantID), Source: b.source(st),
	}
	if st.keyword.text == "user-identity" {
		id.Kind = mivet.UserAssigned
	}
	b.s.Identities = append(b.s.Identities, id)
}

func (b *builder) buildPrincipal(st *statement) {
	d := st.holder
	p := mivet.Principal{
		ID: d.id, Type: d.typ, Name: b.shownName(st), ClientID: d.client, HomeTenant: b.text(st, "tenant"),
		Managed: st.has("managed"), Disabled: st.has("disabled"), MembershipRule: b.text(st, "rule"), Source: b.source(st),
	}
	b.s.Principals = append(b.s.Principals, p)
	for _, o := range b.principalList(st, "owners") {
		b.s.Ownerships = append(b.s.Ownerships, mivet.Ownership{Owned: d.id, Owner: o, Source: b.source(st)})
	}
	for _, m := range b.principalList(st, "members") {
		b.s.Memberships = append(b.s.Memberships, mivet.Membership{Group: d.id, Member: m, Source: b.source(st)})
	}
}

func (b *builder) buildMember(st *statement) {
	t, ok := b.one(st, "of")
	if !ok {
		b.reportAt(st.keyword, "member needs a group", `write "of" and its name`)
		return
	}
	group, ok := b.principal(t)
	if !ok {
		return
	}
	for _, t := range st.args {
		if m, ok := b.principal(t); ok {
			b.s.Memberships = append(b.s.Memberships, mivet.Membership{Group: group, Member: m, Source: b.source(st)})
		}
	}
}

func (b *builder) buildOwner(st *statement) {
	t, ok := b.one(st, "of")
	if !ok {
		b.reportAt(st.keyword, "owner needs a group or a service principal", `write "of" and its name`)
		return
	}
	owned, ok := b.principal(t)
	if !ok {
		return
	}
	for _, t := range st.args {
		if o, ok := b.principal(t); ok {
			b.s.Ownerships = append(b.s.Ownerships, mivet.Ownership{Owned: owned, Owner: o, Source: b.source(st)})
		}
	}
}

func (b *builder) buildOutside(st *statement) {
	if p, ok := b.principal(st.args[0]); ok {
		b.s.OutsideRights = append(b.s.OutsideRights, mivet.OutsideRight{
			Holder: p, Issuer: b.text(st, "issuer"), Subject: b.text(st, "subject"), Runner: b.text(st, "runner"), How: b.text(st, "how"),
			Certain: st.has("certain"), Source: b.source(st),
		})
	}
}

// defaultAudience is what Azure's token endpoint expects in a federated token
// (MicrosoftDocs/entra-docs docs/workload-id/workload-identity-federation.md).
const defaultAudience = "api://AzureADTokenExchange"

func (b *builder) buildFederated(st *statement) {
	f := mivet.FederatedCredential{
		Name: st.args[0].text, Issuer: b.text(st, "issuer"), Subject: b.text(st, "subject"), Expression: b.text(st, "expression"),
		Audiences: []string{defaultAudience}, Source: b.source(st),
	}
	if st.attr("audiences") != nil {
		f.Audiences = b.texts(st, "audiences")
	}
	if t, ok := b.one(st, "on"); ok {
		b.bindFederated(&f, t)
	}
	f.AppObjectID = b.textOr(st, "app", f.AppObjectID)
	f.ClientID = b.textOr(st, "client", f.ClientID)
	if t, ok := b.one(st, "id"); ok {
		f.ID, _ = b.scope(t)
	} else if !f.Identity.IsZero() {
		f.ID, _ = b.parseID(st.args[0], credentialText(f.Identity, f.Name))
	}
	b.s.FederatedCredentials = append(b.s.FederatedCredentials, f)
}

func credentialText(identity arm.ID, name string) string {
	return identity.String() + "/federatedIdentityCredentials/" + name
}

// bindFederated says whose credential it is: that of a user-assigned identity, or of the
// application of a service principal.
func (b *builder) bindFederated(f *mivet.FederatedCredential, t token) {
	name, _, _ := strings.Cut(t.text, "/")
	if full(t.text) || b.scopes[arm.Fold(name)] != nil {
		f.Identity, _ = b.scope(t)
		return
	}
	if d := b.principalDecl(t); d != nil {
		f.AppObjectID, f.ClientID = applicationOf(d), d.client
	}
}

// applicationOf returns the object ID of a service principal's application.
func applicationOf(d *principalDecl) string { return deriveGUID("application", d.name) }

var lockLevels = []string{"CanNotDelete", "ReadOnly"}

func (b *builder) buildLock(st *statement) {
	scope, ok := b.at(st, "at", 1)
	if !ok {
		return
	}
	l := mivet.Lock{Scope: scope, Level: b.oneOf(st.args[0], "level of locks", lockLevels...), Source: b.source(st)}
	l.ID = b.extensionID(st, scope, lockType, b.derive("lock", scope.String(), l.Level))
	b.s.Locks = append(b.s.Locks, l)
}

func (b *builder) buildTest(st *statement) {
	t := mivet.AccessTest{Allowed: st.keyword.text == "can", Source: b.source(st)}
	switch {
	case st.has("data") && st.has("control"):
		b.reportAt(st.flags[1], "an operation is asked on one plane", "")
	case st.has("data"):
		t.Plane = mivet.PlaneData
	case st.has("control"):
		t.Plane = mivet.PlaneControl
	}
	t.Principal, _ = b.principal(st.args[0])
	if !st.args[1].none() {
		op, err := arm.ParseOperation(st.args[1].text)
		if err != nil {
			b.reportAt(st.args[1], fmt.Sprintf("%q is no operation: %s", st.args[1].text, reason(err)), "")
		}
		t.Operation = op
	}
	t.Resource, _ = b.scope(st.args[2])
	b.s.AccessTests = append(b.s.AccessTests, t)
}

// factKinds are the kinds of facts that may be missing.
var factKinds = []string{
	string(mivet.FactManagementGroups), string(mivet.FactSubscriptions), string(mivet.FactResources), string(mivet.FactIdentities),
	string(mivet.FactPrincipals), string(mivet.FactMemberships), string(mivet.FactOwners), string(mivet.FactRoleDefinitions), string(mivet.FactRoleAssignments),
	string(mivet.FactEligibleAssignments), string(mivet.FactDenyAssignments), string(mivet.FactAccessPolicies), string(mivet.FactLocalGrants),
	string(mivet.FactPathACLs), string(mivet.FactFederatedCredentials), string(mivet.FactOutsideRights), string(mivet.FactAppRoles), string(mivet.FactDirectoryRoles),
	string(mivet.FactLocks), string(mivet.FactDelegations), string(mivet.FactAppSettings), string(mivet.FactInput),
}

func (b *builder) buildGap(st *statement) {
	g := mivet.Gap{
		Facts: mivet.FactKind(b.oneOf(st.args[0], "kind of facts", factKinds...)), Subject: b.text(st, "subject"),
		Reason: b.text(st, "reason"), Permission: b.text(st, "permission"), Inherent: st.has("inherent"), Source: b.source(st),
	}
	if len(st.args) > 1 || st.attr("at") != nil {
		g.Scope, _ = b.at(st, "at", 1)
	}
	b.s.Gaps = append(b.s.Gaps, g)
}

func (b *builder) buildDeclaration(st *statement) {
	d := mivet.Declaration{
		Address: st.args[0].text, Type: st.args[1].text, Resource: b.optionalScope(st, "of"), Actions: b.texts(st, "actions"),
		IdentityType: b.text(st, "identity"), UserAssigned: st.has("user-assigned"), Grant: st.has("grant"),
		FederatedCredential: st.has("federated"), InlinePolicies: b.number(st, "inline-policies"),
		FormerPrincipals: b.principalList(st, "former"), Refused: b.text(st, "refused"), WaitsFor: b.texts(st, "waits-for"),
		FixedName: st.has("fixed-name"), Effects: b.texts(st, "effects"), APIVersion: b.text(st, "api-version"),
		ProviderVersions: b.text(st, "provider-versions"), Varies: b.texts(st, "varies"), Source: b.source(st),
	}
	b.s.Declarations = append(b.s.Declarations, d)
}
