// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// Credential says that what is stored at a resource signs a principal in.
type Credential struct {
	At        arm.ID
	Principal mivet.PrincipalID
	Source    mivet.Source
}

// Options say what a graph knows beside the snapshot.
type Options struct {
	Catalog *catalog.Catalog
	// Table is the table of techniques.
	Table *Table
	// At is the time of all questions; zero: when the snapshot was taken.
	At time.Time
	// ClosedWorld takes a setting that was not read for one that does not close a way.
	ClosedWorld bool
	Credentials []Credential
}

// Graph holds the symbolic edges of one snapshot. It is immutable once it is built and
// safe for concurrent use.
type Graph struct {
	snap   *mivet.Snapshot
	idx    *mivet.Index
	engine *authz.Engine
	cat    *catalog.Catalog
	o      Options
	tree   *arm.Tree

	plan       *plan
	principals []mivet.PrincipalID
	numbers    map[mivet.PrincipalID]int32

	objects []object
	byType  [][]int32 // objects of each type of the plan, by node
	places  [][]int32 // the same of resources without an identity, to which one could be attached
	byKey   map[arm.Key]int32
	// carriers are the objects that lead to a principal in any sense.
	carriers [][]int32
	denied   []arm.Node // scopes of deny assignments, sorted

	entries  []entry
	byNode   map[nodeType][]int32
	byHolder [][]int32

	groupsOf          [][]int32
	grants            [][]grantOf // the roles of each principal, its groups' aside
	plainIn, plainOut [][]int32
	plain             []plainEdge
	links             []Link
	inside            []bool // per federated credential: a cluster of the snapshot issues its tokens
}

type nodeType struct {
	node arm.Node
	typ  int16
}

// object is a resource that techniques are about.
type object struct {
	id   arm.ID
	res  *mivet.Resource // nil: the snapshot does not hold it
	node arm.Node
	typ  int16 // typeOther: no technique runs code there
	// own are the principals of the identities that are attached, runs those that code here
	// gets, content those of the workloads that load what is here, and creds those whose
	// credentials are here.
	own, runs, content, creds []int32
	gates                     gateMasks
	place                     bool // it carries no identity, and could
}

// New joins a snapshot with a table of techniques. The engine must be of the same
// snapshot.
func New(s *mivet.Snapshot, e *authz.Engine, o Options) *Graph {
	if o.Table == nil {
		o.Table = &Table{}
	}
	var b arm.TreeBuilder
	var beside sync.WaitGroup
	beside.Go(func() { addScopes(&b, s) })
	var links []Link
	beside.Go(func() { links = Links(s) })
	g := &Graph{
		snap: s, idx: mivet.NewIndex(s), engine: e, cat: o.Catalog, o: o,
		numbers: map[mivet.PrincipalID]int32{}, byKey: map[arm.Key]int32{}, byNode: map[nodeType][]int32{},
	}
	g.plan = newPlan(o.Table, e, o.Catalog)
	g.internPrincipals()
	beside.Wait()
	g.links = links
	g.addObjects()
	for i := range g.objects {
		b.Add(g.objects[i].id)
	}
	g.tree = b.Build()
	g.place()
	g.join()
	g.addPlain()
	return g
}

// Snapshot returns what the graph was built from.
func (g *Graph) Snapshot() *mivet.Snapshot { return g.snap }

// number interns a principal.
func (g *Graph) number(p mivet.PrincipalID) int32 {
	if n, ok := g.numbers[p]; ok {
		return n
	}
	n := int32(len(g.principals))
	g.numbers[p] = n
	g.principals = append(g.principals, p)
	return n
}

func (g *Graph) internPrincipals() {
	s := g.snap
	for i := range s.Principals {
		g.number(s.Principals[i].ID)
	}
	for i := range s.RoleAssignments {
		g.number(s.RoleAssignments[i].Principal)
	}
	for i := range s.Delegations {
		for _, d := range s.Delegations[i].Grants {
			g.number(d.Principal)
		}
	}
	for _, o := range s.Ownerships {
		g.number(o.Owner)
		g.number(o.Owned)
	}
	for _, c := range g.o.Credentials {
		g.number(c.Principal)
	}
	for i := range s.OutsideRights {
		g.number(s.OutsideRights[i].Holder)
	}
	for i := range s.Memberships {
		g.number(s.Memberships[i].Group)
		g.number(s.Memberships[i].Member)
	}
}

// principalOf is the principal of an attached identity; one that was not read has a
// symbolic name.
func (g *Graph) principalOf(system bool, resource arm.ID, known mivet.PrincipalID) int32 {
	if !system {
		if m := g.idx.UserAssigned(resource); m != nil {
			known = m.Principal
		}
	}
	if known == "" {
		known = mivet.SymbolicPrincipal(resource.String())
	}
	return g.number(known)
}

// attached are the principals of the identities that a resource carries.
func (g *Graph) attached(r *mivet.Resource) []int32 {
	if r.Identity == nil {
		return nil
	}
	var out []int32
	if r.Identity.System {
		out = append(out, g.principalOf(true, r.ID, r.Identity.SystemPrincipal))
	}
	for _, u := range r.Identity.User {
		out = append(out, g.principalOf(false, u, ""))
	}
	return out
}

// addObjects lists what techniques can be about: carriers of identities, the identities
// themselves, clusters, and content that a workload loads or that signs somebody in.
func (g *Graph) addObjects() {
	for i := range g.snap.Resources {
		r := &g.snap.Resources[i]
		if n, twice := g.byKey[r.ID.Key()]; twice {
			g.objects[n].res, g.objects[n].own = r, g.attached(r)
			continue
		}
		if r.Identity == nil && !isCluster(r.ID) {
			continue
		}
		g.addObject(r.ID, r, g.attached(r))
	}
	for i := range g.snap.Identities {
		m := &g.snap.Identities[i]
		if m.Kind == mivet.UserAssigned {
			self := []int32{g.principalOf(false, m.Resource, m.Principal)}
			n := g.addObject(m.Resource, g.idx.Resource(m.Resource), self)
			g.objects[n].own, g.objects[n].runs = self, self
		}
	}
	g.addPlaces()
	for i := range g.objects {
		o := &g.objects[i]
		if !isCluster(o.id) {
			o.runs = g.runsAs(o)
		}
	}
	g.addClusters()
	for i := range g.links {
		g.addContent(g.links[i].Content, g.links[i].Workload)
	}
	g.addComputes()
	for _, c := range g.o.Credentials {
		n := g.addObject(c.At, g.idx.Resource(c.At), nil)
		g.objects[n].creds = appendNew(g.objects[n].creds, g.number(c.Principal))
	}
	g.carriers = make([][]int32, len(g.principals))
	for i := range g.objects {
		o := &g.objects[i]
		for _, list := range [][]int32{o.own, o.runs, o.content, o.creds} {
			for _, p := range list {
				g.carriers[p] = appendNew(g.carriers[p], int32(i))
			}
		}
	}
}

// maxPlaces bounds how many resources without an identity are kept of one type in one
// resource group: one place is enough.
const maxPlaces = 4

// addPlaces adds resources without an identity to which one could be attached: some of each
// type in each group, and every one that has a role assignment of its own.
func (g *Graph) addPlaces() {
	types := map[int16]bool{}
	for i := range g.plan.hosting {
		types[g.plan.hosting[i].typ] = true
	}
	granted := map[arm.Key]bool{}
	for i := range g.snap.RoleAssignments {
		if s := g.snap.RoleAssignments[i].Scope; s.Level() == arm.LevelResource {
			granted[s.Key()] = true
		}
	}
	type groupType struct {
		group arm.Key
		typ   int16
	}
	count := map[groupType]int{}
	for i := range g.snap.Resources {
		r := &g.snap.Resources[i]
		if r.Identity != nil || r.ID.Level() != arm.LevelResource {
			continue
		}
		t := g.plan.typeOf(r.ID)
		if t == typeOther || !types[t] {
			continue
		}
		if _, known := g.byKey[r.ID.Key()]; known {
			continue
		}
		k := groupType{r.ID.ResourceGroupID().Key(), t}
		if count[k] >= maxPlaces && !granted[r.ID.Key()] {
			continue
		}
		count[k]++
		g.objects[g.addObject(r.ID, r, nil)].place = true
	}
}

// runsAs are the identities that code on a resource gets.
func (g *Graph) runsAs(o *object) []int32 {
	if o.id.HasType("Microsoft.VirtualMachineImages/imageTemplates") && o.res != nil {
		var out []int32
		for _, v := range settingsUnder(o.res, "vmProfile.userAssignedIdentities") {
			if id, err := arm.ParseID(v); err == nil {
				out = appendNew(out, g.principalOf(false, id, ""))
			}
		}
		return out
	}
	return o.own
}

func (g *Graph) addObject(id arm.ID, r *mivet.Resource, own []int32) int32 {
	if n, ok := g.byKey[id.Key()]; ok {
		return n
	}
	n := int32(len(g.objects))
	g.byKey[id.Key()] = n
	g.objects = append(g.objects, object{id: id, res: r, own: own, typ: g.plan.typeOf(id)})
	return n
}

// addContent makes stored content an object that yields what its consumer runs as.
func (g *Graph) addContent(content, workload arm.ID) {
	w, ok := g.byKey[workload.Key()]
	if !ok {
		return // it carries no identity
	}
	for id := content; !id.IsZero() && id.Level() == arm.LevelResource; id = id.Parent() {
		n := g.addObject(id, g.idx.Resource(id), nil)
		for _, p := range g.objects[w].runs {
			g.objects[n].content = appendNew(g.objects[n].content, p)
		}
	}
}

// addComputes makes the storage of a workspace content of its computes too: they run its
// notebooks.
func (g *Graph) addComputes() {
	storage := map[arm.Key]*Link{}
	for i := range g.links {
		if l := &g.links[i]; l.Kind == LinkStorage {
			storage[l.Workload.Key()] = l
		}
	}
	for i := range g.objects {
		id := g.objects[i].id
		if l := storage[id.Parent().Key()]; l != nil && id.HasType("Microsoft.MachineLearningServices/workspaces/computes") {
			next := *l
			next.Workload = id
			g.links = append(g.links, next)
			g.addContent(l.Content, id)
		}
	}
}

func appendNew(list []int32, n int32) []int32 {
	if slices.Contains(list, n) {
		return list
	}
	return append(list, n)
}

// addScopes puts every scope at which rights are given or taken into a tree.
func addScopes(b *arm.TreeBuilder, s *mivet.Snapshot) {
	for i := range s.Subscriptions {
		b.Add(s.Subscriptions[i].ID)
	}
	for i := range s.ManagementGroups {
		b.Add(s.ManagementGroups[i].ID)
	}
	for i := range s.RoleAssignments {
		b.Add(s.RoleAssignments[i].Scope)
	}
	for i := range s.Delegations {
		b.Add(s.Delegations[i].Scope)
	}
	for i := range s.DenyAssignments {
		b.Add(s.DenyAssignments[i].Scope)
	}
	// A circle, or a parent that is none, is a fault that the engine's answers tell of.
	for i := range s.ManagementGroups {
		if p := s.ManagementGroups[i].Parent; !p.IsZero() {
			_ = b.Link(s.ManagementGroups[i].ID, p)
		}
	}
	for i := range s.Subscriptions {
		if p := s.Subscriptions[i].Parent; !p.IsZero() {
			_ = b.Link(s.Subscriptions[i].ID, p)
		}
	}
}

// place gives objects their nodes, and orders them by type and node.
func (g *Graph) place() {
	g.byType, g.places = make([][]int32, len(g.plan.types)), make([][]int32, len(g.plan.types))
	for i := range g.objects {
		o := &g.objects[i]
		o.node, _ = g.tree.Find(o.id)
		if o.place && len(o.content)+len(o.creds)+len(o.runs) == 0 {
			g.places[o.typ] = append(g.places[o.typ], int32(i))
			continue
		}
		if o.typ != typeOther {
			g.byType[o.typ] = append(g.byType[o.typ], int32(i))
		}
		g.byType[typeAny] = append(g.byType[typeAny], int32(i))
	}
	for _, lists := range [][][]int32{g.byType, g.places} {
		for t := range lists {
			slices.SortFunc(lists[t], func(a, b int32) int { return int(g.objects[a].node - g.objects[b].node) })
		}
	}
	masks := map[maskKey]gateMasks{}
	for i := range g.objects {
		g.objects[i].gates = g.gatesOf(&g.objects[i], masks)
	}
	for i := range g.snap.DenyAssignments {
		n, exact := g.tree.Find(g.snap.DenyAssignments[i].Scope)
		if exact {
			g.denied = append(g.denied, n)
		}
	}
	slices.Sort(g.denied)
}

// below returns the objects of a type at or below a scope, by node.
func (g *Graph) below(t int16, n arm.Node) []int32 { return g.within(g.byType[t], n) }

// placesBelow returns some resources of a type at or below a scope to which an identity could
// be attached: those that carry one, then those that don't.
func (g *Graph) placesBelow(t int16, n arm.Node) []int32 {
	list, more := g.below(t, n), g.within(g.places[t], n)
	list, more = list[:min(len(list), maxTried)], more[:min(len(more), maxTried)]
	if len(more) == 0 {
		return list
	}
	return slices.Concat(list, more)
}

func (g *Graph) within(list []int32, n arm.Node) []int32 {
	last := g.tree.Last(n)
	from := sort.Search(len(list), func(i int) bool { return g.objects[list[i]].node >= n })
	to := from + sort.Search(len(list)-from, func(i int) bool { return g.objects[list[from+i]].node > last })
	return list[from:to]
}

// deniedBelow reports whether a deny assignment stands strictly below a scope.
func (g *Graph) deniedBelow(n arm.Node) bool {
	i, _ := slices.BinarySearch(g.denied, n+1)
	return i < len(g.denied) && g.denied[i] <= g.tree.Last(n)
}

// namespaceOf is the namespace of a service account in the subject of a token.
func namespaceOf(subject string) (string, bool) {
	rest, ok := strings.CutPrefix(subject, "system:serviceaccount:")
	space, _, named := strings.Cut(rest, ":")
	return space, ok && named && space != ""
}

// isCluster reports whether the identities of a resource are not the ones attached to it
// but those of its nodes and pods.
func isCluster(id arm.ID) bool {
	return id.HasType("Microsoft.ContainerService/managedClusters") || id.HasType("Microsoft.Kubernetes/connectedClusters")
}

// addClusters finds what code in a cluster runs as: the kubelet's identity and those of
// its add-ons, the identities of its nodes' scale sets, and those that trust its issuer.
// The identity of the control plane is not given to nodes.
func (g *Graph) addClusters() {
	var clusters []int32
	nodes := map[arm.Key]int32{}
	issuers := map[string]int32{}
	for i := range g.objects {
		o := &g.objects[i]
		if !isCluster(o.id) {
			continue
		}
		clusters = append(clusters, int32(i))
		nodes[o.id.Key()] = int32(i)
		if o.res == nil {
			continue
		}
		if v, ok := o.res.Setting("nodeResourceGroup"); ok && v != "null" {
			if id, err := o.id.Subscription().Child("resourceGroups", v); err == nil {
				nodes[id.Key()] = int32(i)
			}
		}
		for _, path := range []string{"oidcIssuerProfile.issuerURL", "oidcIssuerProfile.issuerUrl"} {
			if v, ok := o.res.Setting(path); ok && v != "null" {
				issuers[issuerKey(v)] = int32(i)
			}
		}
		for _, v := range settingsUnder(o.res, "identityProfile") {
			if id, err := arm.ParseID(v); err == nil {
				o.runs = appendNew(o.runs, g.principalOf(false, id, ""))
			}
		}
	}
	if len(clusters) == 0 {
		return
	}
	for i := range g.objects {
		o := &g.objects[i]
		if !o.id.HasType("Microsoft.Compute/virtualMachineScaleSets") {
			continue
		}
		c, ok := nodes[o.id.ResourceGroupID().Key()]
		if !ok && o.res != nil && o.res.Detail != nil {
			c, ok = nodes[o.res.Detail.ManagedBy.Key()]
		}
		for _, p := range o.own {
			if ok {
				g.objects[c].runs = appendNew(g.objects[c].runs, p)
			}
		}
	}
	for i := range g.snap.FederatedCredentials {
		f := &g.snap.FederatedCredentials[i]
		c, ok := issuers[issuerKey(f.Issuer)]
		g.inside = append(g.inside, ok)
		if !ok || f.Identity.IsZero() {
			continue
		}
		trusted := g.principalOf(false, f.Identity, "")
		g.objects[c].runs = appendNew(g.objects[c].runs, trusted)
		if space, isAccount := namespaceOf(f.Subject); isAccount {
			n := g.addObject(below(g.objects[c].id, "namespaces", space), g.objects[c].res, nil)
			g.objects[n].runs = appendNew(g.objects[n].runs, trusted)
		}
	}
}
