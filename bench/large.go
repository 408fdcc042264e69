// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// A largeShape says how large the tenant of the scale run is.
type largeShape struct {
	resources, identities, assignments int
	seed                               uint64
}

func defaultShape() largeShape {
	return largeShape{resources: 1_000_000, identities: 100_000, assignments: 300_000}
}

const (
	perSubscription  = 20_000 // resources
	perResourceGroup = 50     // resources
	largeGroups      = 2_000
	managementGroups = 8
)

// A large tenant: identities that mostly hold roles themselves, some in groups, scopes of
// every level.
type large struct {
	shape     largeShape
	r         *rand.Rand
	people    []mivet.PrincipalID
	groups    []mivet.PrincipalID
	resources []arm.ID
	// about holds, per assignment, a resource at or below its scope.
	about    []int
	snapshot *mivet.Snapshot
}

var largeTypes = []string{
	"Microsoft.Compute/virtualMachines", "Microsoft.Storage/storageAccounts", "Microsoft.Web/sites", "Microsoft.ServiceBus/namespaces",
}

func newLarge(shape largeShape, cat *catalog.Catalog) (*large, error) {
	l := &large{
		shape: shape, r: rand.New(rand.NewPCG(shape.seed, 3)), //nolint:gosec // not for secrets
		snapshot: &mivet.Snapshot{TakenAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), TenantID: largeTenant},
	}
	for i := range shape.identities {
		l.people = append(l.people, mivet.NewPrincipalID(fmt.Sprintf("%08x-0000-4000-8000-%012x", l.r.Uint32(), i)))
	}
	for i := range largeGroups {
		l.groups = append(l.groups, mivet.NewPrincipalID(fmt.Sprintf("%08x-0000-4000-9000-%012x", l.r.Uint32(), i)))
	}
	if err := l.grow(); err != nil {
		return nil, err
	}
	l.join()
	l.assign(cat.Roles())
	return l, nil
}

const largeTenant = "30000000-0000-4000-8000-000000000000"

// grow adds management groups, subscriptions, resources and the identities' own resources.
func (l *large) grow() error {
	root, err := l.managementGroup(largeTenant, arm.ID{})
	if err != nil {
		return err
	}
	var groups []arm.ID
	for i := range managementGroups {
		g, err := l.managementGroup(fmt.Sprintf("mg-%d", i), root)
		if err != nil {
			return err
		}
		groups = append(groups, g)
	}
	for i := range l.shape.resources {
		sub := fmt.Sprintf("/subscriptions/%08d-0000-4000-8000-000000000000", i/perSubscription+1)
		if i%perSubscription == 0 {
			id, err := arm.ParseID(sub)
			if err != nil {
				return err
			}
			l.snapshot.Subscriptions = append(l.snapshot.Subscriptions, mivet.Subscription{
				ID: id, Parent: groups[i/perSubscription%len(groups)],
			})
		}
		id, err := arm.ParseID(fmt.Sprintf("%s/resourceGroups/rg-%05d/providers/%s/r-%07d",
			sub, i/perResourceGroup, largeTypes[i%len(largeTypes)], i))
		if err != nil {
			return err
		}
		l.resources = append(l.resources, id)
		l.snapshot.Resources = append(l.snapshot.Resources, mivet.Resource{ID: id})
	}
	return nil
}

func (l *large) managementGroup(name string, parent arm.ID) (arm.ID, error) {
	id, err := arm.ParseID("/providers/Microsoft.Management/managementGroups/" + name)
	l.snapshot.ManagementGroups = append(l.snapshot.ManagementGroups, mivet.ManagementGroup{ID: id, Parent: parent})
	return id, err
}

// join puts every fifth identity into one or two groups.
func (l *large) join() {
	for i, p := range l.people {
		l.snapshot.Identities = append(l.snapshot.Identities, mivet.Identity{
			Kind: mivet.SystemAssigned, Resource: l.resources[i%len(l.resources)], Principal: p,
		})
		if i%5 != 0 {
			continue
		}
		for range 1 + l.r.IntN(2) {
			l.snapshot.Memberships = append(l.snapshot.Memberships, mivet.Membership{Member: p, Group: l.groups[l.r.IntN(largeGroups)]})
		}
	}
}

// assign gives built-in roles: one in ten to a group, at 0.1 % management groups, 2 %
// subscriptions, 38 % resource groups, and resources.
func (l *large) assign(roles []mivet.RoleDefinition) {
	for range l.shape.assignments {
		about := l.r.IntN(len(l.resources))
		l.about = append(l.about, about)
		a := mivet.RoleAssignment{
			Principal: l.people[l.r.IntN(len(l.people))], PrincipalType: mivet.TypeServicePrincipal,
			Role: roles[l.r.IntN(len(roles))].ID, Scope: l.resources[about],
		}
		if l.r.IntN(10) == 0 {
			a.Principal, a.PrincipalType = l.groups[l.r.IntN(largeGroups)], mivet.TypeGroup
		}
		switch k := l.r.IntN(1000); {
		case k < 1:
			a.Scope = l.snapshot.ManagementGroups[l.r.IntN(len(l.snapshot.ManagementGroups))].ID
		case k < 21:
			a.Scope = a.Scope.Subscription()
		case k < 400:
			a.Scope = a.Scope.ResourceGroupID()
		}
		l.snapshot.RoleAssignments = append(l.snapshot.RoleAssignments, a)
	}
}
