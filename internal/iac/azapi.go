// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func isAzapi(typ string) bool { return typ == "azapi_resource" || typ == "azapi_update_resource" }

// bareType drops the version from an ARM type with one: "Microsoft.Web/sites@2023-12-01".
func bareType(s string) string {
	t, _, _ := strings.Cut(s, "@")
	return t
}

// apiVersion returns the version with which an azapi object names its type, or "".
func (v *view) apiVersion() string {
	_, version, _ := strings.Cut(v.attrs.str("type"), "@")
	return version
}

// azapiID returns the ID of an object of the provider azapi, which names parent, type and
// name (Azure/terraform-provider-azapi docs/resources/resource.md).
func (b *builder) azapiID(v *view) arm.ID {
	for _, attr := range []string{"id", "resource_id"} {
		if id := knownID(v.attrs.str(attr)); !id.IsZero() {
			return id
		}
	}
	if id, problem := b.scope(v, "resource_id"); problem == "" {
		return id
	}
	provider, rest, ok := strings.Cut(v.armType(), "/")
	parent, problem := b.scope(v, "parent_id")
	if problem == whyAbsent && v.attrs.str("parent_id") == "" {
		parent = parsed("/subscriptions/" + b.subscription(v))
	}
	if !ok || parent.IsZero() {
		return arm.ID{}
	}
	name := b.name(v, "name")
	last := rest[strings.LastIndexByte(rest, '/')+1:]
	switch {
	case arm.Fold(v.armType()) == "microsoft.resources/resourcegroups":
		return parsed(parent.String() + "/resourceGroups/" + name)
	case strings.Contains(rest, "/"):
		return parsed(parent.String() + "/" + last + "/" + name)
	case parent.Level() == arm.LevelRoot:
		return parsed("/providers/" + provider + "/" + rest + "/" + name)
	default:
		return parsed(parent.String() + "/providers/" + provider + "/" + rest + "/" + name)
	}
}

// mergedAzapiDetail adds what the body of an azapi object says.
func (b *builder) mergedAzapiDetail(v *view, d mivet.Detail) mivet.Detail {
	d.Kind = v.attrs.str("body", "kind")
	d.ManagedBy = knownID(v.attrs.str("body", "managedBy"))
	if len(d.Tags) == 0 {
		d.Tags = textMap(at(v.attrs, "body", "tags"))
	}
	if m, ok := at(v.attrs, "body", "properties").(map[string]any); ok {
		d.Settings = armSettingsOf(b.armPaths, m)
	}
	return d
}

// azapiReader reads facts out of the body of a resource in Azure's own form.
type azapiReader func(b *builder, v *view, id arm.ID, props attrs)

// azapiReaders returns the readers by folded ARM type.
func azapiReaders() map[arm.Key]azapiReader {
	m := map[arm.Key]azapiReader{
		"microsoft.authorization/roleassignments":                                       (*builder).azapiAssignment,
		"microsoft.authorization/roleassignmentschedulerequests":                        (*builder).azapiAssignment,
		"microsoft.authorization/roleeligibilityschedulerequests":                       (*builder).azapiAssignment,
		"microsoft.authorization/roledefinitions":                                       (*builder).azapiRole,
		"microsoft.authorization/locks":                                                 (*builder).azapiLock,
		"microsoft.keyvault/vaults":                                                     (*builder).azapiPolicies,
		"microsoft.keyvault/vaults/accesspolicies":                                      (*builder).azapiPolicies,
		"microsoft.managedidentity/userassignedidentities/federatedidentitycredentials": (*builder).azapiCredential,
		"microsoft.management/managementgroups":                                         (*builder).azapiManagementGroup,
		"microsoft.management/managementgroups/subscriptions":                           (*builder).azapiSubscription,
		"microsoft.documentdb/databaseaccounts/sqlroledefinitions":                      (*builder).azapiCosmosRole,
		"microsoft.managedservices/registrationassignments":                             (*builder).azapiDelegation,
	}
	for t := range azapiLocal {
		m[t] = (*builder).azapiLocalGrant
	}
	return m
}

// azapiLocal says how ARM types give rights in a service's own authorization system:
// which property names the principal, and which the role ("=" and a fixed one).
var azapiLocal = map[arm.Key]struct {
	system          mivet.LocalSystem
	principal, role string
	up              int // how many parents above the account is
}{
	"microsoft.documentdb/databaseaccounts/sqlroleassignments":          {mivet.LocalCosmos, "principalId", "roleDefinitionId", 1},
	"microsoft.kusto/clusters/principalassignments":                     {mivet.LocalKusto, "principalId", "role", 1},
	"microsoft.kusto/clusters/databases/principalassignments":           {mivet.LocalKusto, "principalId", "role", 2},
	"microsoft.cache/redis/accesspolicyassignments":                     {mivet.LocalRedis, "objectId", "accessPolicyName", 1},
	"microsoft.cache/redisenterprise/databases/accesspolicyassignments": {mivet.LocalRedis, "user.objectId", "accessPolicyName", 2},
	"microsoft.sql/servers/administrators":                              {mivet.LocalSQLAdmin, "sid", administrator, 1},
	"microsoft.sql/managedinstances/administrators":                     {mivet.LocalSQLAdmin, "sid", administrator, 1},
	"microsoft.dbforpostgresql/flexibleservers/administrators":          {mivet.LocalPostgreSQL, "objectId", administrator, 1},
	"microsoft.dbformysql/flexibleservers/administrators":               {mivet.LocalMySQL, "sid", administrator, 1},
}

// isAzapiGrant reports whether an ARM type binds rights to a principal.
func isAzapiGrant(armType string) bool {
	key := arm.Fold(armType)
	if _, ok := azapiLocal[key]; ok {
		return true
	}
	switch key {
	case "microsoft.authorization/roleassignments", "microsoft.authorization/roleassignmentschedulerequests",
		"microsoft.authorization/roleeligibilityschedulerequests", "microsoft.keyvault/vaults/accesspolicies",
		"microsoft.synapse/workspaces/administrators", "microsoft.synapse/workspaces/sqladministrators",
		"microsoft.documentdb/mongoclusters/users", "microsoft.documentdb/databaseaccounts/tableroleassignments",
		"microsoft.documentdb/databaseaccounts/cassandraroleassignments", "microsoft.documentdb/databaseaccounts/gremlinroleassignments",
		"microsoft.documentdb/databaseaccounts/mongomiroleassignments":
		return true
	default:
		return false
	}
}

func (b *builder) azapiFacts(v *view) {
	armType := v.armType()
	read := b.azapi[arm.Fold(armType)]
	props, _ := at(v.attrs, "body", "properties").(map[string]any)
	switch {
	case read != nil:
		read(b, v, b.ownID(v), props)
	case isAzapiGrant(armType):
		b.gaps.tally(mivet.FactLocalGrants, "grants of this type are not evaluated", armType, v.address, v.src)
	case v.unknown.unknown("body"):
		b.gaps.tally(mivet.FactResources, "the body is known only after apply", armType, v.address, v.src)
	}
}

// bodyPrincipal returns the principal that a property names.
func (b *builder) bodyPrincipal(v *view, clientOK bool, prop string) (mivet.PrincipalID, string) {
	return b.principal(v, clientOK, append([]string{"body", "properties"}, strings.Split(prop, ".")...)...)
}

func (b *builder) azapiAssignment(v *view, id arm.ID, props attrs) {
	a := mivet.RoleAssignment{
		Scope: id.Parent(), Role: mivet.NewRoleID(props.str("roleDefinitionId")),
		PrincipalType: mivet.PrincipalType(props.str("principalType")), Condition: props.str("condition"),
		ConditionVersion: props.str("conditionVersion"), Description: props.str("description"),
		Eligible: arm.Fold(v.armType()) == "microsoft.authorization/roleeligibilityschedulerequests",
		Source:   v.src,
	}
	a.DelegatedIdentity = knownID(props.str("delegatedManagedIdentityResourceId"))
	a.ConditionUnknown = v.unknown.unknown("body", "properties", "condition")
	facts := mivet.FactRoleAssignments
	if a.Eligible {
		facts = mivet.FactEligibleAssignments
	}
	if strings.HasPrefix(props.str("requestType"), "Admin") && !strings.HasSuffix(props.str("requestType"), "Assign") {
		return // a request that removes or changes, but gives nothing
	}
	if !v.does("create") {
		a.ID = knownID(v.attrs.str("id"))
	}
	if id.IsZero() {
		b.gap(v, facts, arm.ID{}, "its scope "+whyNotFollow)
		return
	}
	if a.Role == "" {
		t := b.trail(v, "body")
		t.targets = slices.DeleteFunc(t.targets, func(t target) bool { return !namesRole(t) })
		var ok bool
		if a.Role, a.RoleName, ok = b.roleOfTrail(t); !ok {
			b.gap(v, facts, a.Scope, "its role "+whyNotFollow)
			return
		}
	}
	if !b.azapiPrincipal(v, &a, facts) {
		return
	}
	b.snap.RoleAssignments = append(b.snap.RoleAssignments, a)
}

func namesRole(t target) bool {
	return t.object != nil && (t.object.typ == "azurerm_role_definition" || isAzapi(t.object.typ)) && isIDAttr(t.attr)
}

// azapiPrincipal fills in the principal. Azure refuses to change it in place: the old
// object stays then, bound to the old principal
// (Azure error RoleAssignmentUpdateNotPermitted).
func (b *builder) azapiPrincipal(v *view, a *mivet.RoleAssignment, facts mivet.FactKind) bool {
	before := mivet.NewPrincipalID(attributes(v.before).str("body", "properties", "principalId"))
	after, problem := b.bodyPrincipal(v, false, "principalId")
	if v.does("update") && before != "" && before != after {
		a.Principal = before
		b.gap(v, facts, a.Scope, "the plan changes its principal in place, which Azure refuses: the old one stays")
		return true
	}
	if a.Principal = after; problem == "" && after != "" {
		return true
	}
	b.gap(v, facts, a.Scope, "its principal "+firstOf(problem, "is not in the file"))
	a.Principal = mivet.SymbolicPrincipal(v.address)
	switch problem {
	case whyAmbiguous, whyNotFollow, whyClientID, whyDeployed, whyOneOfSeveral:
		return true
	default:
		return false
	}
}

func (b *builder) azapiRole(v *view, _ arm.ID, props attrs) {
	d := mivet.RoleDefinition{
		ID: b.roleID(v), Name: props.str("roleName"), Description: props.str("description"),
		AssignableScopes: props.list("assignableScopes"), Source: v.src,
	}
	if anyUnknown(at(map[string]any(v.unknown), "body", "properties", "permissions")) || v.unknown.unknown("body") {
		b.gap(v, mivet.FactRoleDefinitions, arm.ID{}, "its permissions are known only after apply")
		return
	}
	for _, p := range props.blocks("permissions") {
		d.Permissions = append(d.Permissions, mivet.Permission{
			Actions: p.list("actions"), NotActions: p.list("notActions"),
			DataActions: p.list("dataActions"), NotDataActions: p.list("notDataActions"),
			Condition: p.str("condition"), ConditionVersion: p.str("conditionVersion"),
		})
	}
	b.snap.RoleDefinitions = append(b.snap.RoleDefinitions, d)
}

func (b *builder) azapiLock(v *view, id arm.ID, props attrs) {
	if id.IsZero() {
		b.gap(v, mivet.FactLocks, id, "its scope "+whyNotFollow)
		return
	}
	b.snap.Locks = append(b.snap.Locks, mivet.Lock{ID: id, Scope: id.Parent(), Level: props.str("level"), Source: v.src})
}

func (b *builder) azapiPolicies(v *view, id arm.ID, props attrs) {
	vault := id
	if arm.Fold(v.armType()) != "microsoft.keyvault/vaults" {
		if vault = id.Parent(); arm.Fold(id.Name()) == "remove" {
			return // it takes policies away
		}
	}
	if vault.IsZero() {
		b.gap(v, mivet.FactAccessPolicies, vault, "its vault "+whyNotFollow)
		return
	}
	for i, block := range props.blocks("accessPolicies") {
		p := armPolicy(block, vault, v.src)
		if p.Principal == "" {
			var problem string
			p.Principal, problem = b.principal(v, false, "body", "properties", "accessPolicies", strconv.Itoa(i), "objectId")
			if p.Principal == "" {
				b.gap(v, mivet.FactAccessPolicies, vault, "the principal of an access policy "+firstOf(problem, whyAbsent))
				continue
			}
		}
		b.snap.AccessPolicies = append(b.snap.AccessPolicies, p)
	}
}

// armPolicy reads an access policy in Azure's own form.
func armPolicy(a attrs, vault arm.ID, src mivet.Source) mivet.AccessPolicy {
	return mivet.AccessPolicy{
		Vault: vault, Principal: mivet.NewPrincipalID(a.str("objectId")), ApplicationID: a.str("applicationId"), TenantID: a.str("tenantId"),
		Keys: a.list("permissions", "keys"), Secrets: a.list("permissions", "secrets"),
		Certificates: a.list("permissions", "certificates"), Storage: a.list("permissions", "storage"), Source: src,
	}
}

func (b *builder) azapiCredential(v *view, id arm.ID, props attrs) {
	c := mivet.FederatedCredential{
		ID: id, Identity: id.Parent(), Name: v.attrs.str("name"), Issuer: props.str("issuer"),
		Subject: props.str("subject"), Audiences: props.list("audiences"), Source: v.src,
	}
	c.Expression = props.str("claimsMatchingExpression", "value")
	if id.IsZero() {
		b.gap(v, mivet.FactFederatedCredentials, id, "its identity "+whyNotFollow)
		return
	}
	b.snap.FederatedCredentials = append(b.snap.FederatedCredentials, c)
	if v.unknown.unknown("body", "properties", "issuer") || v.unknown.unknown("body", "properties", "subject") {
		b.gap(v, mivet.FactFederatedCredentials, c.Identity, "its issuer or subject is known only after apply")
	}
}

func (b *builder) azapiManagementGroup(v *view, id arm.ID, props attrs) {
	g := mivet.ManagementGroup{ID: id, Name: props.str("displayName"), Parent: knownID(props.str("details", "parent", "id")), Source: v.src}
	if id.IsZero() {
		return
	}
	if g.Parent.IsZero() {
		b.gap(v, mivet.FactManagementGroups, id, "its parent management group is not in the plan")
	}
	b.snap.ManagementGroups = append(b.snap.ManagementGroups, g)
}

func (b *builder) azapiSubscription(v *view, id arm.ID, _ attrs) {
	b.subscriptionBelow(parsed("/subscriptions/"+id.Name()), id.Parent(), "", v.src)
}

func (b *builder) azapiLocalGrant(v *view, id arm.ID, props attrs) {
	g := azapiLocal[arm.Fold(v.armType())]
	a := mivet.LocalAssignment{System: g.system, Account: id, Source: v.src}
	for range g.up {
		a.Account = a.Account.Parent()
	}
	if id.IsZero() {
		b.gap(v, mivet.FactLocalGrants, id, "the plan does not tell which resource it belongs to")
		return
	}
	if fixed, ok := strings.CutPrefix(g.role, "="); ok {
		a.Role = fixed
	} else {
		a.Role = bareRole(props.str(g.role))
	}
	if db := id.Parent(); g.system == mivet.LocalKusto && g.up == 2 {
		a.Scope = "/databases/" + db.Name()
	}
	if s := props.str("scope"); s != "" {
		a.Scope = scopeBelow(s, a.Account)
	}
	var problem string
	if a.Principal, problem = b.bodyPrincipal(v, g.system == mivet.LocalKusto, g.principal); a.Principal == "" || a.Role == "" {
		b.gap(v, mivet.FactLocalGrants, a.Account, "its principal or its role "+firstOf(problem, whyNotFollow))
		return
	}
	b.snap.LocalGrants = append(b.snap.LocalGrants, a)
}

func (b *builder) azapiCosmosRole(v *view, id arm.ID, props attrs) {
	if id.IsZero() {
		return
	}
	r := mivet.LocalRole{System: mivet.LocalCosmos, Account: id.Parent(), ID: id.Name(), Name: props.str("roleName"), Source: v.src}
	for _, p := range props.blocks("permissions") {
		r.DataActions = append(r.DataActions, p.list("dataActions")...)
		r.NotDataActions = append(r.NotDataActions, p.list("notDataActions")...)
	}
	b.snap.LocalRoles = append(b.snap.LocalRoles, r)
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
