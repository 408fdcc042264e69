// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// A tenant is what every engine is told. It holds only what all of them can express:
// roles with wildcards and subtracted operations, groups in groups, and scopes in a tree.
// It holds no conditions, no deny assignments, no key vaults and nothing bounded in time.
type tenant struct {
	operations  []operation
	roles       []mivet.RoleDefinition
	scopes      []scope
	members     []membership
	assignments []assignment
}

// An operation is one that questions ask for.
type operation struct {
	name string
	data bool
	typ  string // the type of the resources it is asked of
}

// A scope is a management group, a subscription, a resource group or a resource.
type scope struct {
	id     string
	parent int // -1 for the tenant's root group
}

// A membership puts a principal or a group into a group.
type membership struct{ member, group string }

// An assignment gives a role to a principal or a group at a scope.
type assignment struct {
	principal string
	group     bool
	role      int
	scope     int
}

// A question asks whether a principal may do an operation on a resource.
type question struct {
	principal string
	operation int
	resource  int
}

// racedOperations are asked of resources of their types. They are also the closed list
// over which roles are expanded for engines without patterns.
var racedOperations = []operation{
	{name: "Microsoft.Compute/virtualMachines/read", typ: "Microsoft.Compute/virtualMachines"},
	{name: "Microsoft.Compute/virtualMachines/start/action", typ: "Microsoft.Compute/virtualMachines"},
	{name: "Microsoft.Compute/virtualMachines/write", typ: "Microsoft.Compute/virtualMachines"},
	{name: "Microsoft.Storage/storageAccounts/read", typ: "Microsoft.Storage/storageAccounts"},
	{name: "Microsoft.Storage/storageAccounts/listKeys/action", typ: "Microsoft.Storage/storageAccounts"},
	{name: "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", data: true, typ: "Microsoft.Storage/storageAccounts"},
	{name: "Microsoft.Web/sites/read", typ: "Microsoft.Web/sites"},
	{name: "Microsoft.Web/sites/restart/Action", typ: "Microsoft.Web/sites"},
	{name: "Microsoft.ServiceBus/namespaces/read", typ: "Microsoft.ServiceBus/namespaces"},
	{name: "Microsoft.ServiceBus/namespaces/messages/send/action", data: true, typ: "Microsoft.ServiceBus/namespaces"},
	{name: "Microsoft.Authorization/roleAssignments/write", typ: "Microsoft.Web/sites"},
}

// oftenAssigned are the roles that half of the assignments give; the others give any
// built-in role.
var oftenAssigned = []string{
	"Reader", "Contributor", "Owner", "Virtual Machine Contributor", "Storage Account Contributor", "Website Contributor",
	"Storage Blob Data Reader", "Storage Blob Data Contributor", "Azure Service Bus Data Sender", "Azure Service Bus Data Owner",
	"User Access Administrator", "Managed Identity Operator", "Monitoring Reader", "Log Analytics Contributor",
}

// The shape of the tenant that the published figures of other engines were measured on.
const (
	racedPrincipals     = 300
	racedGroups         = 60
	racedResourceGroups = 100
	resourcesPerGroup   = 10
	racedSubscriptions  = 4
)

// newTenant makes up a tenant with so many assignments. The same seed gives the same one.
func newTenant(cat *catalog.Catalog, assignments int, seed uint64) *tenant {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not for secrets
	t := &tenant{operations: racedOperations, roles: unconditional(cat.Roles())}
	t.growScopes()
	t.growGroups(r)
	often := t.often()
	for range assignments {
		a := assignment{principal: principalName(r.IntN(racedPrincipals)), role: r.IntN(len(t.roles)), scope: t.drawScope(r)}
		if r.IntN(2) == 0 {
			a.role = often[r.IntN(len(often))]
		}
		if r.IntN(3) == 0 {
			a.principal, a.group = groupName(r.IntN(racedGroups)), true
		}
		t.assignments = append(t.assignments, a)
	}
	return t
}

// unconditional leaves out the roles that hold conditions, which not every engine has.
func unconditional(all []mivet.RoleDefinition) []mivet.RoleDefinition {
	return slices.DeleteFunc(slices.Clone(all), func(d mivet.RoleDefinition) bool {
		return slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool { return p.Condition != "" })
	})
}

func (t *tenant) often() []int {
	var found []int
	for i := range t.roles {
		if slices.Contains(oftenAssigned, t.roles[i].Name) {
			found = append(found, i)
		}
	}
	return found
}

// growScopes adds the root group, two groups below it, the subscriptions, their resource
// groups and the resources.
func (t *tenant) growScopes() {
	root := t.addScope("/providers/Microsoft.Management/managementGroups/root", -1)
	var groups, subs []int
	for i := range 2 {
		groups = append(groups, t.addScope(fmt.Sprintf("/providers/Microsoft.Management/managementGroups/mg-%d", i), root))
	}
	for i := range racedSubscriptions {
		subs = append(subs, t.addScope(fmt.Sprintf("/subscriptions/%08d-0000-4000-8000-000000000000", i+1), groups[i%len(groups)]))
	}
	for i := range racedResourceGroups {
		sub := subs[i%len(subs)]
		rg := t.addScope(fmt.Sprintf("%s/resourceGroups/rg-%d", t.scopes[sub].id, i), sub)
		for j := range resourcesPerGroup {
			typ := racedOperations[(i+j*3)%len(racedOperations)].typ
			t.addScope(fmt.Sprintf("%s/providers/%s/r%d-%d", t.scopes[rg].id, typ, i, j), rg)
		}
	}
}

func (t *tenant) addScope(id string, parent int) int {
	t.scopes = append(t.scopes, scope{id: id, parent: parent})
	return len(t.scopes) - 1
}

// growGroups puts each principal into up to three groups, and every fourth group into
// another one. A group is only put into one of a lower number, so there is no circle.
func (t *tenant) growGroups(r *rand.Rand) {
	for i := range racedPrincipals {
		for _, g := range r.Perm(racedGroups)[:r.IntN(4)] {
			t.members = append(t.members, membership{principalName(i), groupName(g)})
		}
	}
	for g := 4; g < racedGroups; g += 4 {
		t.members = append(t.members, membership{groupName(g), groupName(r.IntN(g))})
	}
}

// drawScope picks mostly resources and resource groups, seldom anything higher.
func (t *tenant) drawScope(r *rand.Rand) int {
	switch k := r.IntN(1000); {
	case k < 2:
		return r.IntN(3) // a management group
	case k < 15:
		return 3 + r.IntN(racedSubscriptions)
	}
	for {
		i := 3 + racedSubscriptions + r.IntN(len(t.scopes)-3-racedSubscriptions)
		if t.isResource(i) == (r.IntN(4) != 0) {
			return i
		}
	}
}

func (t *tenant) isResource(i int) bool {
	id := t.scopes[i].id
	return strings.HasPrefix(id, "/subscriptions/") && strings.Contains(id, "/providers/")
}

func principalName(i int) string { return fmt.Sprintf("10000000-0000-4000-8000-%012x", i) }
func groupName(i int) string     { return fmt.Sprintf("20000000-0000-4000-8000-%012x", i) }

// questions makes up n questions. Half are drawn so that an assignment may grant them,
// since nearly all others are denied.
func (t *tenant) questions(n int, seed uint64) []question {
	d := newDraw(t, seed)
	out := make([]question, n)
	for i := range out {
		q, ok := question{}, false
		for try := 0; i%2 == 0 && try < 20 && !ok; try++ {
			q, ok = d.granted(&t.assignments[d.r.IntN(len(t.assignments))])
		}
		if !ok {
			q = d.any()
		}
		out[i] = q
	}
	return out
}

// A draw makes up questions.
type draw struct {
	t         *tenant
	r         *rand.Rand
	gives     [][]bool
	resources []int
	inScope   map[int][]int    // resources at or below a scope
	inGroup   map[string][]int // numbers of the principals in a group
}

func newDraw(t *tenant, seed uint64) *draw {
	d := &draw{
		t: t, r: rand.New(rand.NewPCG(seed, 2)), gives: t.expand(), //nolint:gosec // not for secrets
		inScope: map[int][]int{}, inGroup: map[string][]int{},
	}
	for i := range t.scopes {
		if !t.isResource(i) {
			continue
		}
		d.resources = append(d.resources, i)
		for _, s := range t.above(i) {
			d.inScope[s] = append(d.inScope[s], i)
		}
	}
	subjects := t.closure()
	for i := range racedPrincipals {
		for _, s := range subjects(principalName(i)) {
			d.inGroup[s] = append(d.inGroup[s], i)
		}
	}
	return d
}

// any asks for an operation that the resource's type has.
func (d *draw) any() question {
	q := question{principal: principalName(d.r.IntN(racedPrincipals)), resource: d.resources[d.r.IntN(len(d.resources))]}
	ops := d.operations(q.resource, func(int) bool { return true })
	q.operation = ops[d.r.IntN(len(ops))]
	return q
}

// granted asks for what an assignment grants, if it grants any of the listed operations
// to anybody.
func (d *draw) granted(a *assignment) (question, bool) {
	below, people := d.inScope[a.scope], d.inGroup[a.principal]
	if len(people) == 0 {
		return question{}, false
	}
	q := question{principal: principalName(people[d.r.IntN(len(people))]), resource: below[d.r.IntN(len(below))]}
	ops := d.operations(q.resource, func(op int) bool { return d.gives[a.role][op] })
	if len(ops) == 0 {
		return question{}, false
	}
	q.operation = ops[d.r.IntN(len(ops))]
	return q, true
}

func (d *draw) operations(resource int, wanted func(op int) bool) []int {
	typ := d.t.typeOf(resource)
	var ops []int
	for i, o := range d.t.operations {
		if o.typ == typ && wanted(i) {
			ops = append(ops, i)
		}
	}
	return ops
}

func (t *tenant) typeOf(resource int) string {
	_, rest, _ := strings.Cut(t.scopes[resource].id, "/providers/")
	return rest[:strings.LastIndexByte(rest, '/')]
}

// closure returns, for a principal or group, itself and every group that it is in.
func (t *tenant) closure() func(string) []string {
	direct := map[string][]string{}
	for _, m := range t.members {
		direct[m.member] = append(direct[m.member], m.group)
	}
	return func(of string) []string {
		all := []string{of}
		for i := 0; i < len(all); i++ {
			for _, g := range direct[all[i]] {
				if !slices.Contains(all, g) {
					all = append(all, g)
				}
			}
		}
		return all
	}
}

// above returns a scope and all scopes above it, the lowest first.
func (t *tenant) above(i int) []int {
	var chain []int
	for ; i >= 0; i = t.scopes[i].parent {
		chain = append(chain, i)
	}
	return chain
}
