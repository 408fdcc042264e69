// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// headLength is how much of an input is looked at to recognise it.
const headLength = 64 << 10

// ReadTerraform reads a plan ("terraform show -json PLAN"), a state ("terraform show
// -json") or a raw state of version 4, and returns what Azure will hold after the plan as
// far as the file tells. name is how messages and sources call the input.
//
// Objects that the plan deletes are no facts of the snapshot and stay in its
// Declarations; objects that it forgets stay facts. A file that is none of the three gives
// an error that wraps [ErrNotSupported] or is an [*Error]; damage gives an [*Error] with
// line and byte.
func ReadTerraform(ctx context.Context, name string, r io.Reader) (*mivet.Snapshot, error) {
	doc, err := readDocument(ctx, name, r)
	if err != nil {
		return nil, err
	}
	return newBuilder(doc).build(), nil
}

// readDocument reads the file without making facts of it.
func readDocument(ctx context.Context, name string, r io.Reader) (*document, error) {
	buffered := bufio.NewReaderSize(r, headLength)
	head, err := buffered.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	kind := Recognise(head)
	switch kind {
	case KindTerraformPlan, KindTerraformState, KindTerraformRawState:
	default:
		return nil, kind.unsupported(name)
	}
	types := newTypeTable()
	attrs := attributeFields(types)
	doc := &document{
		file: name, kind: kind, types: types, vars: map[string]string{},
		config: &configuration{root: newConfigModule(""), providers: map[string]provider{}},
	}
	rd := &reader{
		scanner: newScanner(name, decodeText(buffered, head)), ctx: ctx, doc: doc,
		attrs: attrs, exprs: expressionFields(attrs), names: map[string]string{},
	}
	if err := rd.document(); err != nil {
		return nil, err
	}
	return doc, nil
}

// Tables that all documents share; they are only read.
var (
	sharedSettings = sync.OnceValue(settingsByType)
	sharedPaths    = sync.OnceValue(armSettings)
	sharedReaders  = sync.OnceValue(typeReaders)
	sharedAzapi    = sync.OnceValue(azapiReaders)
)

func newBuilder(doc *document) *builder {
	b := &builder{
		doc: doc, types: doc.types, follow: newFollower(doc),
		snap:     &mivet.Snapshot{Inputs: []string{doc.file}, TakenAt: doc.takenAt},
		settings: sharedSettings(), armPaths: sharedPaths(), readers: sharedReaders(), azapi: sharedAzapi(),
		ids: map[*object]arm.ID{}, resources: map[arm.Key]int{}, identities: map[string]int{}, subscriptions: map[arm.Key]int{},
		people: map[mivet.PrincipalID]bool{}, clients: map[string]mivet.PrincipalID{},
		roleNames: map[arm.Key]mivet.RoleID{}, scopes: map[string]arm.ID{}, mirrors: map[policyKey]bool{}, subs: map[string]string{},
		drifted: map[string][]mivet.PrincipalID{},
	}
	for _, o := range doc.objects {
		b.prepare(o)
	}
	for _, o := range doc.drift {
		b.drift(o)
	}
	return b
}

// prepare notes what other objects may refer to by value.
func (b *builder) prepare(o *object) {
	switch o.typ {
	case "azurerm_user_assigned_identity":
		v := b.view(o)
		if c := v.attrs.str("client_id"); c != "" && o.stays() {
			b.clients[c] = b.userAssignedPrincipal(v)
		}
	case "azuread_service_principal":
		v := b.view(o)
		if c := firstOf(v.attrs.str("client_id"), v.attrs.str("application_id")); c != "" && o.stays() {
			b.clients[c] = directoryID(v)
		}
	case "azurerm_role_definition":
		v := b.view(o)
		if n := v.attrs.str("name"); n != "" && o.stays() {
			b.roleNames[arm.Fold(n)] = b.roleID(v)
		}
	case "azurerm_key_vault_access_policy":
		b.mirror(o)
	case "azurerm_client_config", "azuread_client_config":
		if t := attributes(o.values()).str("tenant_id"); t != "" && b.snap.TenantID == "" {
			b.snap.TenantID = t
		}
	}
}

func (b *builder) build() *mivet.Snapshot {
	b.versions = map[string]string{"azurerm": b.doc.config.versionsOf("azurerm"), "azuread": b.doc.config.versionsOf("azuread")}
	b.snap.Declarations = make([]mivet.Declaration, 0, len(b.doc.objects))
	for _, o := range b.doc.objects {
		b.object(o)
		if isGrant(o.typ) { // nothing refers to it
			o.before, o.after, o.unknown = nil, nil, nil
		}
	}
	for _, o := range b.doc.deferred {
		v := b.view(o)
		b.declare(v)
		b.gaps.tally(mivet.FactInput, "the plan puts off objects of this type and says little of them", o.typ, o.address, v.src)
	}
	b.tenant()
	b.byNature()
	b.snap.Gaps = b.gaps.list()
	if len(b.doc.lock) > 0 {
		Lock(b.snap, path.Join(b.doc.file, LockFile), b.doc.lock)
	}
	return b.snap
}

// object adds the facts of one object and its declaration.
func (b *builder) object(o *object) {
	v := b.view(o)
	provider := providerName(o)
	if provider != "azurerm" && provider != "azapi" && provider != "azuread" {
		b.gaps.tally(mivet.FactInput, otherProviders, provider, o.address, v.src)
		return
	}
	if !o.data {
		b.declare(v)
	}
	if !o.stays() {
		return
	}
	if o.over {
		b.gap(v, mivet.FactInput, arm.ID{}, "it holds more than 16 MiB of what is read, and was left out in part")
	}
	read := b.readers[o.typ]
	row, known := b.types.row(o.typ)
	switch {
	case !known && read == nil && o.typ != "azurerm_resource_group":
		b.gaps.tally(mivet.FactInput, "objects of this type are not understood", o.typ, o.address, v.src)
		return
	case known && row.level == 'A' && read == nil:
		b.gaps.tally(mivet.FactInput, nothingRead, "", o.typ, v.src)
	}
	b.asResource(v, provider)
	if read != nil {
		read(b, v)
	}
}

// asResource adds the resource that an object is. Grants, definitions and the like are
// facts of their own kinds.
func (b *builder) asResource(v *view, provider string) {
	if provider == "azuread" || isGrant(v.typ) || isFederatedCredential(v.typ) || notResource(v.typ) ||
		isAzapi(v.typ) && notResource(string(arm.Fold(v.armType()))) {
		return
	}
	id := b.ownID(v)
	switch {
	case !id.IsZero():
		b.resourceFacts(v, id)
	case v.carries():
		b.gap(v, mivet.FactIdentities, id, "the plan does not tell the ID of the resource that carries its identity")
	case isAzapi(v.typ):
		b.gap(v, mivet.FactResources, id, "its parent "+whyNotFollow)
	default:
		if row, ok := b.types.row(v.typ); ok && row.level != 'A' && !v.data {
			b.gaps.tally(mivet.FactResources, "the plan does not tell the ID of objects of this type", v.typ, v.address, v.src)
		}
	}
}

// notResource reports whether a type makes no resource that others find by its ID.
func notResource(typ string) bool {
	switch typ {
	case "azurerm_role_definition", "azurerm_management_group", "azurerm_management_lock",
		"azurerm_lighthouse_definition", "azurerm_lighthouse_assignment", "azurerm_subscription",
		"azurerm_cosmosdb_sql_role_definition", "azurerm_client_config",
		"microsoft.authorization/roleassignments", "microsoft.authorization/roledefinitions", "microsoft.authorization/locks",
		"microsoft.authorization/roleassignmentschedulerequests", "microsoft.authorization/roleeligibilityschedulerequests",
		"microsoft.management/managementgroups", "microsoft.management/managementgroups/subscriptions",
		"microsoft.keyvault/vaults/accesspolicies",
		"microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
		"microsoft.documentdb/databaseaccounts/sqlroledefinitions":
		return true
	default:
		_, local := azapiLocal[arm.Key(typ)]
		return local
	}
}

// declare adds what the plan says of a managed object.
func (b *builder) declare(v *view) {
	d := mivet.Declaration{
		Address: v.address, Type: v.typ, Actions: v.actions, Source: v.src,
		UserAssigned: isUserAssigned(v), FirstPrincipal: v.stays() && v.firstPrincipal(),
		Grant: v.isGrant(), FederatedCredential: v.isFederatedCredential(),
	}
	if v.declared != nil {
		d.Type, d.FixedName, d.APIVersion = v.armType(), v.declared.fixedName, v.declared.version
	} else if isAzapi(v.typ) {
		d.APIVersion = v.apiVersion()
	} else if tellsVersions(v.typ) {
		d.ProviderVersions = b.versions[providerName(v.object)]
	}
	if v.carries() {
		d.IdentityType = v.identityType()
		d.Varies = b.varies(v)
	}
	if providerName(v.object) != "azuread" {
		d.Resource = b.ownID(v)
		if d.Grant && d.Resource.IsZero() && v.replaced() {
			d.Resource = b.ownID(&view{object: v.object, attrs: attributes(v.before)})
		}
		d.InlinePolicies = b.inlineCount(v)
		d.FormerPrincipals = b.formerPrincipals(v)
	}
	b.snap.Declarations = append(b.snap.Declarations, d)
}

func (v *view) isGrant() bool {
	return isGrant(v.typ) || isAzapi(v.typ) && isAzapiGrant(v.armType())
}

func (v *view) isFederatedCredential() bool {
	return isFederatedCredential(v.typ) ||
		isAzapi(v.typ) && arm.Fold(v.armType()) == "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials"
}

// tenant fills in the directory from a provider block or from an identity.
func (b *builder) tenant() {
	for _, key := range sortedKeys(b.doc.config.providers) {
		if t := b.doc.config.providers[key].tenant.constant; b.snap.TenantID == "" && mivet.IsGUID(t) {
			b.snap.TenantID = t
		}
	}
	for _, id := range b.snap.Identities {
		if b.snap.TenantID == "" {
			b.snap.TenantID = id.TenantID
		}
	}
}

// byNature adds the gaps of every plan and state: it holds what it manages, and nothing of
// the rest of the tenant.
func (b *builder) byNature() {
	what := "a state"
	switch b.doc.kind {
	case KindTerraformPlan:
		what = "a plan"
	case KindTerraformSource:
		what = "source"
	case KindARMTemplate, KindBicepSnapshot:
		what = "a template"
	case KindWhatIf:
		what = "a what-if"
	default:
	}
	src := mivet.Source{Origin: &mivet.Origin{File: b.doc.file}}
	for _, facts := range []mivet.FactKind{
		mivet.FactManagementGroups, mivet.FactSubscriptions, mivet.FactResources, mivet.FactIdentities, mivet.FactPrincipals,
		mivet.FactMemberships, mivet.FactRoleDefinitions, mivet.FactRoleAssignments, mivet.FactEligibleAssignments,
		mivet.FactAccessPolicies, mivet.FactLocalGrants, mivet.FactPathACLs, mivet.FactFederatedCredentials,
		mivet.FactAppRoles, mivet.FactDirectoryRoles, mivet.FactLocks, mivet.FactDelegations,
	} {
		b.gaps.add(mivet.Gap{Facts: facts, Source: src, Reason: what + " holds only what it manages: there may be others in the tenant", Inherent: true})
	}
	b.gaps.add(mivet.Gap{Facts: mivet.FactDenyAssignments, Source: src, Reason: what + " holds no deny assignments", Inherent: true})
	settings := "app settings are not read from " + what
	if b.doc.kind == KindTerraformPlan || b.doc.kind == KindTerraformState || b.doc.kind == KindTerraformRawState || b.doc.kind == KindTerraformSource {
		settings = what + " holds the settings of the apps that it manages: there may be others in the tenant"
	}
	b.gaps.add(mivet.Gap{Facts: mivet.FactAppSettings, Source: src, Reason: settings, Inherent: true})
	if b.doc.failed {
		b.gaps.add(mivet.Gap{Facts: mivet.FactInput, Source: src, Reason: "the plan stopped with an error and is not complete"})
	}
	if b.doc.partial {
		b.gaps.add(mivet.Gap{Facts: mivet.FactInput, Source: src, Reason: "the plan is not complete: it was limited to some objects, or puts some off"})
	}
}

// firstPrincipal reports whether the plan gives the object a principal that it had not. A
// replacement gives a new one in place of the old one, which is no first one unless there
// was none.
func (v *view) firstPrincipal() bool {
	after, _ := identityKinds(v.identityType())
	if !after && !isUserAssigned(v) {
		return false
	}
	switch {
	case v.does("create") && !v.replaced():
		return true
	case isUserAssigned(v):
		return false
	case v.does("update") || v.replaced():
		before, _ := identityKinds((&view{object: v.object, attrs: attributes(v.before)}).identityType())
		return !before
	default:
		return false
	}
}
