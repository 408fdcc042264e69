// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
)

// The kinds of edges.
const (
	houndDrawn = "azurehound-edge"       // an edge that BloodHound draws and that is right
	houndFalse = "azurehound-false-edge" // one that it draws although nothing comes of it
)

const grantOperation = "Microsoft.Authorization/roleAssignments/write"

// houndRole is a role from which BloodHound makes an edge, and what the edge claims.
type houndRole struct {
	id   mivet.RoleID
	edge string
	// types are the resources on which it gives the edge; none: every object.
	types []string
	// below is true where it follows containment; otherwise the scope has to be the object.
	below bool
	// claims is the operation that the holder has then; "" is writing the object.
	claims string
	plane  mivet.Plane
}

// houndRoles are BloodHound's eleven roles (SpecterOps/BloodHound packages/go/ein/azure.go,
// bloodhound-docs docs/resources/edges).
var houndRoles = []houndRole{
	{id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", edge: "AZOwner", below: true, claims: grantOperation},
	{id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", edge: "AZUserAccessAdministrator", below: true, claims: grantOperation},
	{id: "b24988ac-6180-42a0-ab88-20f7382dd24c", edge: "AZContributor", below: true, types: []string{
		typeVM, typeScaleSet, typeSite, typeWorkflow, typeAutomation, typeCluster, typeRegistry, typeVault, typeGroup, typeSubscription, typeManagementGroup,
	}},
	{id: "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", edge: "AZVMContributor", types: []string{typeVM, typeScaleSet}},
	{
		id: "1c0163c0-47e6-4577-8991-ea5c82e286e4", edge: "AZVMAdminLogin", types: []string{typeVM},
		claims: "Microsoft.Compute/virtualMachines/loginAsAdmin/action", plane: mivet.PlaneData,
	},
	{id: "4f8fab4f-1852-4a58-a46a-8eaf358af14a", edge: "AZAvereContributor", types: []string{typeVM}},
	{id: "f25e0fa2-a7c8-4377-a976-54943a77a395", edge: "AZKeyVaultKVContributor", types: []string{typeVault}},
	{id: "de139f84-1756-47ae-9be6-808fbbe84772", edge: "AZWebsiteContributor", types: []string{typeSite}},
	{id: "f353d9bd-d4a6-484e-a77a-8050b599b867", edge: "AZAutomationContributor", types: []string{typeAutomation}},
	{id: "87a39d53-fc1b-424a-814c-f7e04687dc9e", edge: "AZLogicAppContributor", types: []string{typeWorkflow}},
	{id: "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8", edge: "AZAKSContributor", types: []string{typeCluster}},
}

// The types of the objects.
const (
	typeVM              = "Microsoft.Compute/virtualMachines"
	typeScaleSet        = "Microsoft.Compute/virtualMachineScaleSets"
	typeSite            = "Microsoft.Web/sites"
	typeWorkflow        = "Microsoft.Logic/workflows"
	typeAutomation      = "Microsoft.Automation/automationAccounts"
	typeCluster         = "Microsoft.ContainerService/managedClusters"
	typeRegistry        = "Microsoft.ContainerRegistry/registries"
	typeVault           = "Microsoft.KeyVault/vaults"
	typeGroup           = "Microsoft.Resources/resourceGroups"
	typeSubscription    = "Microsoft.Resources/subscriptions"
	typeManagementGroup = "Microsoft.Management/managementGroups"
)

// houndCarriers are the types whose identity gets an edge AZManagedIdentity.
var houndCarriers = []string{typeVM, typeScaleSet, typeSite, typeWorkflow, typeAutomation, typeRegistry}

// AddAzureHound compares the edges that BloodHound makes of AzureHound's output with the
// answers for the same tenant. The edges are made anew here, from the assignments and the
// objects; those that are false are counted apart, and nothing may be found there.
func (p *Report) AddAzureHound(ctx context.Context, r *Runner, name string, s *mivet.Snapshot) error {
	table, err := execpath.Builtin()
	if err != nil {
		return err
	}
	p.SchemaVersion = 1
	p.Files = append(p.Files, name)
	e := authz.New(s, authz.Options{Catalog: r.options.Catalog})
	h := &houndWorld{
		report: p, file: name, catalog: r.options.Catalog, snap: s, index: mivet.NewIndex(s), engine: e,
		graph: execpath.New(s, e, execpath.Options{Catalog: r.options.Catalog, Table: table}),
		reach: map[mivet.PrincipalID][]mivet.PrincipalID{}, parents: map[arm.Key]arm.ID{},
	}
	for i := range s.ManagementGroups {
		h.parents[s.ManagementGroups[i].ID.Key()] = s.ManagementGroups[i].Parent
	}
	for i := range s.Subscriptions {
		h.parents[s.Subscriptions[i].ID.Key()] = s.Subscriptions[i].Parent
	}
	objects := h.objects()
	for i := range s.RoleAssignments {
		if err := ctx.Err(); err != nil {
			return err
		}
		h.assignment(&s.RoleAssignments[i], objects)
	}
	for i := range s.Resources {
		h.carrier(&s.Resources[i])
	}
	for i := range s.DirectoryRoles {
		h.credentials(&s.DirectoryRoles[i])
	}
	slices.SortFunc(p.Kinds, func(a, b KindReport) int { return strings.Compare(a.Kind, b.Kind) })
	return nil
}

type houndWorld struct {
	report  *Report
	file    string
	catalog *catalog.Catalog
	snap    *mivet.Snapshot
	index   *mivet.Index
	engine  *authz.Engine
	graph   *execpath.Graph
	reach   map[mivet.PrincipalID][]mivet.PrincipalID
	// parents are the management groups above management groups and subscriptions.
	parents map[arm.Key]arm.ID
}

// objects are the nodes of the graph in Azure.
func (h *houndWorld) objects() []arm.ID {
	var out []arm.ID
	for i := range h.snap.ManagementGroups {
		out = append(out, h.snap.ManagementGroups[i].ID)
	}
	for i := range h.snap.Subscriptions {
		out = append(out, h.snap.Subscriptions[i].ID)
	}
	for i := range h.snap.Resources {
		out = append(out, h.snap.Resources[i].ID)
	}
	return out
}

// above reports whether a scope contains an object, by the management groups too.
func (h *houndWorld) above(scope, object arm.ID) bool {
	if scope.Contains(object) {
		return true
	}
	at := object.Subscription()
	if object.Level() == arm.LevelManagementGroup {
		at = object
	}
	for range h.parents { // a circle ends too
		if at = h.parents[at.Key()]; at.IsZero() || at.Equal(scope) {
			break
		}
	}
	return !at.IsZero() && at.Equal(scope)
}

// assignment makes the edges of one role assignment.
func (h *houndWorld) assignment(a *mivet.RoleAssignment, objects []arm.ID) {
	id := a.Role
	if def := h.catalog.RoleByName(a.RoleName); id == "" && def != nil {
		id = def.ID
	}
	i := slices.IndexFunc(houndRoles, func(r houndRole) bool { return r.id == id })
	if i < 0 {
		return
	}
	role := &houndRoles[i]
	for _, object := range objects {
		inside := a.Scope.Equal(object) || role.below && h.above(a.Scope, object)
		if !inside || len(role.types) > 0 && !slices.ContainsFunc(role.types, object.HasType) {
			continue
		}
		h.control(a, role, object)
		for _, to := range h.carried(object) {
			if to == a.Principal {
				continue
			}
			edge := fmt.Sprintf("%s -%s-> %s -AZManagedIdentity-> %s", a.Principal, role.edge, object, to)
			// Whoever gives itself any role counts as somebody who acts as all that is below.
			if why := houndNoCode(object); why != "" && role.claims != grantOperation {
				h.note(houndFalse, edge, why, !h.reaches(a.Principal, object, to), a.Source)
				continue
			}
			h.note(houndDrawn, edge, "acts as it", h.reaches(a.Principal, arm.ID{}, to), a.Source)
		}
	}
}

// control is the edge from the holder to the object: the holder has the operation that the
// edge is about.
func (h *houndWorld) control(a *mivet.RoleAssignment, role *houndRole, object arm.ID) {
	edge := fmt.Sprintf("%s -%s-> %s", a.Principal, role.edge, object)
	operation := role.claims
	if operation == "" {
		operation = object.Type() + "/write"
		if object.Level() != arm.LevelResource {
			operation = "Microsoft.Resources/deployments/write"
		}
	}
	held := h.holds(a.Principal, operation, role.plane, object)
	if object.HasType(typeVault) && role.claims == "" {
		// The edge says that all secrets can be read. That takes a vault whose access list the
		// holder may write and that honours it.
		if v, _ := h.setting(object, "enableRbacAuthorization"); v == "true" {
			read := h.holds(a.Principal, "Microsoft.KeyVault/vaults/secrets/getSecret/action", mivet.PlaneData, object)
			h.note(houndFalse, edge, "the vault's access list decides nothing", !read || h.grants(a.Principal, object), a.Source)
			return
		}
	}
	h.note(houndDrawn, edge, "holds "+operation, held, a.Source)
}

// carrier is the edge from a resource to its identity.
func (h *houndWorld) carrier(r *mivet.Resource) {
	if !slices.ContainsFunc(houndCarriers, r.ID.HasType) {
		return
	}
	for _, to := range h.carried(r.ID) {
		edge := fmt.Sprintf("%s -AZManagedIdentity-> %s", r.ID, to)
		if why := houndNoCode(r.ID); why != "" {
			h.note(houndFalse, edge, why, !h.graph.Runs(r.ID, to), r.Source)
			continue
		}
		h.note(houndDrawn, edge, "code there acts as it", h.graph.Runs(r.ID, to), r.Source)
	}
}

// credentials are the edges of those who may add secrets to service principals. To that of a
// managed identity they are false: Entra refuses it (SpecterOps/BloodHound issue 943).
func (h *houndWorld) credentials(d *mivet.DirectoryRoleAssignment) {
	if d.RoleID != applicationAdministrator && d.RoleID != cloudApplicationAdministrator {
		return
	}
	for i := range h.snap.Principals {
		p := &h.snap.Principals[i]
		if p.Type != mivet.TypeServicePrincipal || p.ID == d.Principal {
			continue
		}
		edge := fmt.Sprintf("%s -AZAddSecret-> %s", d.Principal, p.ID)
		switch {
		case p.Managed:
			found := slices.ContainsFunc(h.graph.Steps(d.Principal, execpath.Possible), func(s execpath.Step) bool {
				return s.To == p.ID && s.Host.IsZero()
			})
			h.note(houndFalse, edge, "a managed identity takes no secret", !found, d.Source)
		case p.HomeTenant == "" || strings.EqualFold(p.HomeTenant, h.snap.TenantID):
			h.note(houndDrawn, edge, "adds a credential", h.reaches(d.Principal, arm.ID{}, p.ID), d.Source)
		}
	}
}

// The roles of the directory that may add credentials to any application.
const (
	applicationAdministrator      = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	cloudApplicationAdministrator = "158c047a-c907-4556-b7ef-446551a6b5f7"
)

// houndNoCode says why code at an object does not get the object's identity.
func houndNoCode(object arm.ID) string {
	if object.HasType(typeRegistry) {
		return "a registry runs nothing with its identity, which fetches its key alone; tasks have their own"
	}
	return ""
}

func (h *houndWorld) carried(object arm.ID) []mivet.PrincipalID {
	r := h.index.Resource(object)
	if r == nil || r.Identity == nil {
		return nil
	}
	var out []mivet.PrincipalID
	if r.Identity.SystemPrincipal != "" {
		out = append(out, r.Identity.SystemPrincipal)
	}
	for _, u := range r.Identity.User {
		if m := h.index.UserAssigned(u); m != nil && m.Principal != "" {
			out = append(out, m.Principal)
		}
	}
	return out
}

func (h *houndWorld) setting(object arm.ID, path string) (string, bool) {
	if r := h.index.Resource(object); r != nil {
		return r.Setting(path)
	}
	return "", false
}

// holds reports whether a principal has an operation, or may have it: the collector reads no
// condition, so nothing is certain.
func (h *houndWorld) holds(who mivet.PrincipalID, operation string, plane mivet.Plane, at arm.ID) bool {
	op, err := arm.ParseOperation(operation)
	if err != nil {
		return false
	}
	d := h.engine.Check(authz.Request{Principal: who, Operation: op, Plane: plane, Resource: at})
	return d.Effect != authz.Denied
}

func (h *houndWorld) grants(who mivet.PrincipalID, at arm.ID) bool {
	return h.holds(who, grantOperation, mivet.PlaneControl, at)
}

// reaches reports whether somebody comes to act as an identity; with an object, over that
// object alone.
func (h *houndWorld) reaches(from mivet.PrincipalID, over arm.ID, to mivet.PrincipalID) bool {
	if !over.IsZero() {
		return slices.ContainsFunc(h.graph.Steps(from, execpath.Possible), func(s execpath.Step) bool { return s.To == to && s.Host.Equal(over) })
	}
	list, ok := h.reach[from]
	if !ok {
		list = h.graph.Reachable(from, execpath.Possible)
		h.reach[from] = list
	}
	return slices.Contains(list, to)
}

// note counts an edge.
func (h *houndWorld) note(kind, edge, expected string, ok bool, src mivet.Source) {
	p := h.report
	i := slices.IndexFunc(p.Kinds, func(k KindReport) bool { return k.Kind == kind })
	if i < 0 {
		p.Kinds = append(p.Kinds, KindReport{Kind: kind, Supported: true})
		i = len(p.Kinds) - 1
	}
	outcome := Agreed
	if !ok {
		outcome = Disagreed
		p.Differences = append(p.Differences, Difference{
			File: h.file, Line: src.Line, ID: quoted(edge), Kind: kind, Outcome: outcome, Expected: quoted(expected), Answer: "no",
		})
	}
	p.Kinds[i].add(outcome)
}
