// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

const managementGroups = "/providers/Microsoft.Management/managementGroups/"

// managementGroupID returns the scope of a management group; number 0 is the root group.
func (g *generator) managementGroupID(i int) arm.ID {
	if i == 0 {
		return g.id(managementGroups + g.tenant)
	}
	return g.id(fmt.Sprintf("%smg-%d", managementGroups, i))
}

// managementGroup makes a tree in which each group has up to four below it.
func (g *generator) managementGroup(i int) {
	m := mivet.ManagementGroup{ID: g.managementGroupID(i), Name: fmt.Sprintf("Management group %d", i), Source: g.graph}
	if i == 0 {
		m.Name = "Tenant Root Group"
	} else {
		m.Parent = g.managementGroupID((i - 1) / 4)
	}
	g.part.ManagementGroups = append(g.part.ManagementGroups, m)
}

func (g *generator) subscriptionText(i int) string {
	return "/subscriptions/" + guid(g.rand(kindSubscription, i))
}

var environments = []string{"prod", "test", "dev"}

func (g *generator) subscription(i int) {
	r := g.rand(kindSubscription, i)
	guid(r) // the subscription's own
	g.part.Subscriptions = append(g.part.Subscriptions, mivet.Subscription{
		ID: g.id(g.subscriptionText(i)), Name: fmt.Sprintf("sub-%04d", i), Parent: g.managementGroupID(r.IntN(g.size.ManagementGroups + 1)),
		Tags: map[string]string{"env": environments[i%len(environments)]}, Source: g.graph,
	})
}

// subscriptionOf returns the subscription of a resource: whole groups, in turn, of
// neighbouring resources.
func (g *generator) subscriptionOf(resource int) int {
	groups := (g.size.Resources + groupSize - 1) / groupSize
	if groups == 0 {
		return 0
	}
	return resource / groupSize * g.size.Subscriptions / groups
}

// resourceKind is a type of generated resources.
type resourceKind struct {
	typ    string
	prefix string
	weight int // of 100
	kind   string
	// settings are properties with their values, the common one first.
	settings [][]string
	child    string // type and name of something below it that is granted on
}

// Resources that can carry an identity, and others. Weights by feel for what tenants
// are made of.
var carriers = []resourceKind{
	{typ: siteType, prefix: "app", weight: 30, kind: "app,linux"},
	{typ: siteType, prefix: "func", weight: 25, kind: "functionapp,linux"},
	{typ: "Microsoft.Compute/virtualMachines", prefix: "vm", weight: 15},
	{typ: "Microsoft.App/containerApps", prefix: "ca", weight: 10},
	{typ: "Microsoft.ContainerService/managedClusters", prefix: "aks", weight: 5, settings: [][]string{{"disableLocalAccounts", "false", "true"}}},
	{typ: "Microsoft.Logic/workflows", prefix: "logic", weight: 5},
	{typ: "Microsoft.DataFactory/factories", prefix: "adf", weight: 4},
	{typ: "Microsoft.Automation/automationAccounts", prefix: "aa", weight: 3},
	{typ: "Microsoft.Compute/virtualMachineScaleSets", prefix: "vmss", weight: 3},
}

var targets = []resourceKind{
	{typ: storageType, prefix: "st", weight: 20, kind: "StorageV2", settings: [][]string{{"allowSharedKeyAccess", "true", "false"}}, child: "blobServices/default/containers/orders"},
	{typ: vaultType, prefix: "kv", weight: 10, settings: [][]string{{"enableRbacAuthorization", "true", "false"}}, child: "secrets/db"},
	{typ: "Microsoft.Network/networkInterfaces", prefix: "nic", weight: 18},
	{typ: "Microsoft.Compute/disks", prefix: "disk", weight: 16},
	{typ: "Microsoft.Network/networkSecurityGroups", prefix: "nsg", weight: 10},
	{typ: "Microsoft.Network/privateEndpoints", prefix: "pe", weight: 8},
	{typ: busType, prefix: "sb", weight: 6, settings: [][]string{{"disableLocalAuth", "false", "true"}}, child: "queues/orders"},
	{typ: "Microsoft.Sql/servers/databases", prefix: "main/db", weight: 5},
	{typ: "Microsoft.ContainerRegistry/registries", prefix: "acr", weight: 3, settings: [][]string{{"adminUserEnabled", "false", "true"}}},
	{typ: aiType, prefix: "oai", weight: 2, kind: "OpenAI", settings: [][]string{{"disableLocalAuth", "true", "false"}}},
	{typ: "Microsoft.DocumentDB/databaseAccounts", prefix: "cosmos", weight: 2, settings: [][]string{{"disableLocalAuth", "false", "true"}}},
}

var assignedIdentity = resourceKind{typ: identityType, prefix: "id"}

func pick(r *rand.Rand, kinds []resourceKind) *resourceKind {
	n := r.IntN(100)
	for i := range kinds {
		if n -= kinds[i].weight; n < 0 {
			return &kinds[i]
		}
	}
	return &kinds[0]
}

// memberOf returns the number of a resource among those that are no groups.
func memberOf(resource int) int { return resource - resource/groupSize - 1 }

// resourceAt returns the resource of that number among those that are no groups.
func resourceAt(member int) int { return member + member/(groupSize-1) + 1 }

// identityOf returns the identity that belongs to a resource. Identities are spread
// evenly.
func (g *generator) identityOf(resource int) (k int, ok bool) {
	if resource%groupSize == 0 || g.size.Identities == 0 {
		return 0, false
	}
	m := memberOf(resource)
	k = m * g.size.Identities / g.members
	return k, (m+1)*g.size.Identities/g.members > k
}

// resourceOf returns the resource that an identity belongs to.
func (g *generator) resourceOf(k int) int {
	return resourceAt(((k+1)*g.members+g.size.Identities-1)/g.size.Identities - 1)
}

// userAssigned reports the sort of an identity.
func userAssigned(k int) bool { return k%5 == 1 || k%5 == 3 }

// described is all of a resource that follows from its number.
type described struct {
	kind     *resourceKind
	text     string
	identity int // -1: none
	rand     *rand.Rand
}

func (g *generator) groupText(resource int) string {
	return fmt.Sprintf("%s/resourceGroups/rg-%05d", g.subscriptionText(g.subscriptionOf(resource)), resource/groupSize)
}

func (g *generator) describe(i int) described {
	r := g.rand(kindResource, i)
	d := described{text: g.groupText(i), identity: -1, rand: r}
	if i%groupSize == 0 {
		return d
	}
	k, has := g.identityOf(i)
	switch {
	case has && userAssigned(k):
		d.kind, d.identity = &assignedIdentity, k
	case has:
		d.kind, d.identity = pick(r, carriers), k
	case chance(r, 6):
		d.kind = pick(r, carriers)
	default:
		d.kind = pick(r, targets)
	}
	d.text += "/providers/" + typedName(d.kind.typ, fmt.Sprintf("%s%07d%02x", d.kind.prefix, i, r.IntN(256)))
	return d
}

// typedName puts type and name together: of A/b/c and x/y it makes A/b/x/c/y.
func typedName(typ, name string) string {
	const parentType = "Microsoft.Sql/servers"
	if child, ok := strings.CutPrefix(typ, parentType+"/"); ok {
		parent, own, _ := strings.Cut(name, "/")
		return parentType + "/" + parent + "/" + child + "/" + own
	}
	return typ + "/" + name
}

var locations = []string{"westeurope", "northeurope", "germanywestcentral", "eastus2", "swedencentral"}

func (g *generator) resource(i int) {
	d := g.describe(i)
	x := mivet.Resource{ID: g.id(d.text), Location: locations[few(d.rand, len(locations))], Source: g.graph}
	if d.kind == nil {
		x.Detail = &mivet.Detail{Tags: tagsOf(d.rand)}
		g.part.Resources = append(g.part.Resources, x)
		return
	}
	x.Detail = detailOf(d)
	if d.identity >= 0 {
		g.identity(d.identity, &x)
	}
	g.attach(i, d, &x)
	g.part.Resources = append(g.part.Resources, x)
}

func detailOf(d described) *mivet.Detail {
	detail := &mivet.Detail{Kind: d.kind.kind}
	if !chance(d.rand, 4) {
		detail.Tags = tagsOf(d.rand)
	}
	for _, s := range d.kind.settings {
		value := s[1]
		if chance(d.rand, 5) {
			value = s[2]
		}
		detail.Settings = map[string]string{s[0]: value}
	}
	return detail
}

func tagsOf(r *rand.Rand) map[string]string {
	return map[string]string{"env": environments[r.IntN(len(environments))], "owner": fmt.Sprintf("team-%02d", few(r, 60))}
}

// principalOf returns the principal and the client ID of an identity.
func (g *generator) principalOf(k int) (principal mivet.PrincipalID, client string) {
	r := g.rand(kindIdentity, k)
	return mivet.PrincipalID(guid(r)), guid(r)
}

func (g *generator) identity(k int, x *mivet.Resource) {
	principal, client := g.principalOf(k)
	id := mivet.Identity{Kind: mivet.SystemAssigned, Resource: x.ID, Principal: principal, ClientID: client, TenantID: g.tenant, Source: g.graph}
	if userAssigned(k) {
		id.Kind = mivet.UserAssigned
	} else {
		x.Identity = &mivet.Attachment{System: true, SystemPrincipal: principal}
	}
	g.part.Identities = append(g.part.Identities, id)
	g.part.Principals = append(g.part.Principals, mivet.Principal{
		ID: principal, Type: mivet.TypeServicePrincipal, Name: x.ID.Name(), ClientID: client, HomeTenant: g.tenant, Managed: true, Source: g.people,
	})
}

// attach gives some carriers user-assigned identities from nearby.
func (g *generator) attach(i int, d described, x *mivet.Resource) {
	if !isCarrier(d.kind) || g.size.Identities == 0 {
		return
	}
	r := g.rand(kindAttachment, i)
	if d.identity >= 0 && !chance(r, 4) {
		return
	}
	near := min(memberOf(i)*g.size.Identities/g.members, g.size.Identities-1)
	var taken []int
	for range 1 + few(r, 3) {
		k := near - r.IntN(min(near+1, 10))
		if !userAssigned(k) || slices.Contains(taken, k) {
			continue
		}
		taken = append(taken, k)
		if x.Identity == nil {
			x.Identity = &mivet.Attachment{}
		}
		x.Identity.User = append(x.Identity.User, g.id(g.describe(g.resourceOf(k)).text))
	}
}

func isCarrier(k *resourceKind) bool {
	for i := range carriers {
		if k == &carriers[i] {
			return true
		}
	}
	return false
}
