// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// world is what is served: the snapshot, its indexes, and the engine that decides. It is
// not changed after it was made.
type world struct {
	snap   *mivet.Snapshot
	cat    *catalog.Catalog
	engine *authz.Engine
	tenant string
	// bodies are the resources that were written, as they were, less their identity.
	bodies map[arm.Key]object
	lags   []lag
	// births are until when new principals are not known everywhere.
	births map[mivet.PrincipalID]time.Time
	// deletedVaults are those that can be recovered, by their names in small letters.
	deletedVaults map[string]deletedVault
	// raw returns what Resource Manager says of a resource, where that is known.
	raw func(arm.ID) (json.RawMessage, error)

	// resources are sorted by key, so that those of a subscription or a group are
	// neighbours. Groups and subscriptions are among them.
	resources []thing
	byKey     map[arm.Key]int32
	groups    []mivet.ManagementGroup
	groupAt   map[arm.Key]int32
	parents   map[arm.Key]arm.ID // of management groups and subscriptions

	identities map[arm.Key]*mivet.Identity // user-assigned ones by their own resource
	systems    map[arm.Key]*mivet.Identity // system-assigned ones by the resource that carries them
	policies   map[arm.Key][]*mivet.AccessPolicy
	roles      []mivet.RoleDefinition // custom ones first
	roleAt     map[mivet.RoleID]int32

	tree        *arm.Tree
	assignments []arm.Node // the scopes of the snapshot's role assignments
	denies      []arm.Node

	directory *directory

	operations sync.Map // string → authz.OperationRef

	// accounts are the things that hosts name, by type and name in small letters.
	accounts map[string]int32

	seenMu sync.Mutex
	seen   map[string]seenThings // what callers may read
}

// thing is a resource, a resource group or a subscription that is served.
type thing struct {
	key  arm.Key // of the ID: the list is sorted by it
	id   arm.ID
	typ  string
	node *mivet.Resource     // nil for what only follows from an ID
	sub  *mivet.Subscription // of subscriptions
}

const (
	groupType        = "Microsoft.Resources/resourceGroups"
	subscriptionType = "Microsoft.Resources/subscriptions"
	managementType   = "Microsoft.Management/managementGroups"
	identityType     = "Microsoft.ManagedIdentity/userAssignedIdentities"
	vaultType        = "Microsoft.KeyVault/vaults"
)

func newWorld(s *mivet.Snapshot, cat *catalog.Catalog) (*world, error) {
	return newLaggingWorld(s, cat, nil)
}

// newLaggingWorld makes a world in which some grants are under way.
func newLaggingWorld(s *mivet.Snapshot, cat *catalog.Catalog, lags []lag) (*world, error) {
	w := &world{
		snap: s, cat: cat, engine: authz.New(lagging(s, lags), authz.Options{Catalog: cat}), tenant: s.TenantID, lags: lags,
		byKey: make(map[arm.Key]int32, len(s.Resources)), groupAt: map[arm.Key]int32{}, parents: map[arm.Key]arm.ID{},
		identities: map[arm.Key]*mivet.Identity{}, systems: map[arm.Key]*mivet.Identity{},
		policies: map[arm.Key][]*mivet.AccessPolicy{}, roleAt: map[mivet.RoleID]int32{},
		seen: map[string]seenThings{}, accounts: map[string]int32{},
	}
	if !mivet.IsGUID(w.tenant) {
		w.tenant = guidOf("tenant", w.tenant)
	}
	w.addResources()
	w.addGroups()
	w.addRoles()
	for i := range s.Identities {
		id := &s.Identities[i]
		if id.Kind == mivet.UserAssigned {
			w.identities[id.Resource.Key()] = id
		} else {
			w.systems[id.Resource.Key()] = id
		}
	}
	for i := range s.AccessPolicies {
		p := &s.AccessPolicies[i]
		w.policies[p.Vault.Key()] = append(w.policies[p.Vault.Key()], p)
	}
	if err := w.addScopes(); err != nil {
		return nil, err
	}
	w.directory = newDirectory(s, cat, w.tenant)
	return w, nil
}

// addResources collects what has an ID below a subscription. Of what is there twice the
// later one counts; groups and subscriptions follow from what lies in them.
func (w *world) addResources() {
	s := w.snap
	found := make(map[arm.Key]thing, len(s.Resources)+len(s.Subscriptions))
	for i := range s.Subscriptions {
		sub := &s.Subscriptions[i]
		found[sub.ID.Key()] = thing{key: sub.ID.Key(), id: sub.ID, typ: subscriptionType, sub: sub}
		if !sub.Parent.IsZero() {
			w.parents[sub.ID.Key()] = sub.Parent
		}
	}
	imply := func(id arm.ID, typ string) {
		k := id.Key()
		if _, there := found[k]; !there && !id.IsZero() {
			found[k] = thing{key: k, id: id, typ: typ}
		}
	}
	var last arm.ID // neighbours mostly share a group
	for i := range s.Resources {
		r := &s.Resources[i]
		if r.ID.IsZero() {
			continue
		}
		typ := r.ID.Type()
		if r.ID.Level() == arm.LevelResourceGroup {
			typ = groupType
		}
		k := r.ID.Key()
		found[k] = thing{key: k, id: r.ID, typ: typ, node: r}
		if g := r.ID.ResourceGroupID(); g.IsZero() || !g.Equal(last) {
			last = g
			imply(g, groupType)
			imply(r.ID.Subscription(), subscriptionType)
		}
	}
	w.resources = make([]thing, 0, len(found))
	for _, t := range found {
		w.resources = append(w.resources, t)
	}
	slices.SortFunc(w.resources, func(a, b thing) int { return strings.Compare(string(a.key), string(b.key)) })
	for i := range w.resources {
		t := &w.resources[i]
		w.byKey[t.key] = int32(i)
		if slices.ContainsFunc(dataPlanes, func(p dataPlane) bool { return strings.EqualFold(p.typ, t.typ) }) {
			w.accounts[strings.ToLower(t.typ+"/"+t.id.Name())] = int32(i)
		}
	}
}

// addGroups collects the management groups; the tenant's root group is always there.
func (w *world) addGroups() {
	root := mustID("/providers/Microsoft.Management/managementGroups/" + w.tenant)
	add := func(g mivet.ManagementGroup) {
		if at, there := w.groupAt[g.ID.Key()]; there {
			w.groups[at] = g
			return
		}
		w.groupAt[g.ID.Key()] = int32(len(w.groups))
		w.groups = append(w.groups, g)
	}
	add(mivet.ManagementGroup{ID: root, Name: "Tenant Root Group"})
	for i := range w.snap.ManagementGroups {
		add(w.snap.ManagementGroups[i])
	}
	for i := range w.groups {
		g := &w.groups[i]
		if g.Parent.IsZero() && !g.ID.Equal(root) {
			g.Parent = root
		}
		if !g.Parent.IsZero() {
			w.parents[g.ID.Key()] = g.Parent
		}
	}
	for i := range w.resources {
		if t := &w.resources[i]; t.typ == subscriptionType {
			if _, there := w.parents[t.id.Key()]; !there {
				w.parents[t.id.Key()] = root
			}
		}
	}
}

func (w *world) addRoles() {
	add := func(r *mivet.RoleDefinition) {
		if at, there := w.roleAt[r.ID]; there {
			w.roles[at] = *r
			return
		}
		w.roleAt[r.ID] = int32(len(w.roles))
		w.roles = append(w.roles, *r)
	}
	builtIn := w.cat.Roles()
	for i := range builtIn {
		add(&builtIn[i])
	}
	for i := range w.snap.RoleDefinitions {
		add(&w.snap.RoleDefinitions[i])
	}
}

// addScopes numbers the scopes at which something is said, below their management groups.
func (w *world) addScopes() error {
	var b arm.TreeBuilder
	for i := range w.groups {
		b.Add(w.groups[i].ID)
	}
	for i := range w.resources {
		if w.resources[i].typ == subscriptionType {
			b.Add(w.resources[i].id)
		}
	}
	for i := range w.snap.RoleAssignments {
		b.Add(w.snap.RoleAssignments[i].Scope)
	}
	for i := range w.snap.DenyAssignments {
		b.Add(w.snap.DenyAssignments[i].Scope)
	}
	link := func(id arm.ID) error {
		if up, there := w.parents[id.Key()]; there {
			if err := b.Link(id, up); err != nil {
				return fmt.Errorf("placing %s below %s: %w", id, up, err)
			}
		}
		return nil
	}
	for i := range w.groups {
		if err := link(w.groups[i].ID); err != nil {
			return err
		}
	}
	for i := range w.resources {
		if w.resources[i].typ == subscriptionType {
			if err := link(w.resources[i].id); err != nil {
				return err
			}
		}
	}
	w.tree = b.Build()
	for i := range w.snap.RoleAssignments {
		n, _ := w.tree.Find(w.snap.RoleAssignments[i].Scope)
		w.assignments = append(w.assignments, n)
	}
	for i := range w.snap.DenyAssignments {
		n, _ := w.tree.Find(w.snap.DenyAssignments[i].Scope)
		w.denies = append(w.denies, n)
	}
	return nil
}

// below returns the bounds of the things below an ID in the sorted list.
func (w *world) below(id arm.ID) (from, to int) {
	key := strings.TrimSuffix(string(id.Key()), "/")
	at := func(k string) int {
		i, _ := slices.BinarySearchFunc(w.resources, k, func(t thing, k string) int { return strings.Compare(string(t.key), k) })
		return i
	}
	return at(key + "/"), at(key + "0") // '0' is the character after '/'
}

// find returns the thing of an ID, or nil.
func (w *world) find(id arm.ID) *thing {
	if i, ok := w.byKey[id.Key()]; ok {
		return &w.resources[i]
	}
	return nil
}

// operation interns an operation.
func (w *world) operation(name string) (authz.OperationRef, error) {
	if ref, ok := w.operations.Load(name); ok {
		o, _ := ref.(authz.OperationRef)
		return o, nil
	}
	op, err := arm.ParseOperation(name)
	if err != nil {
		return authz.OperationRef{}, fmt.Errorf("deciding a request: %w", err)
	}
	ref := w.engine.Operation(op)
	w.operations.Store(name, ref)
	return ref, nil
}

// mustID is for IDs that are made of constants and names that were checked; a text that is
// none gives the zero ID, which nothing equals.
func mustID(text string) arm.ID {
	id, err := arm.ParseID(text)
	if err != nil {
		return arm.ID{}
	}
	return id
}
