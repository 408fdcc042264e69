// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// OfType returns the resources of a type at or below a scope, in the order of their IDs,
// each once. For the zero scope it returns all. The result must not be changed.
func (p *Pass) OfType(resourceType string, scope arm.ID) []*mivet.Resource {
	list := p.shared.lists.of(p.shared, arm.Fold(resourceType))
	level := scope.Level()
	if level == arm.LevelResource && list.top && !scope.HasType(resourceType) {
		return nil
	}
	switch level {
	case arm.LevelNone, arm.LevelRoot:
		return list.resources
	case arm.LevelManagementGroup:
		return p.belowGroup(list, scope)
	case arm.LevelSubscription, arm.LevelResourceGroup, arm.LevelResource, arm.LevelTenantResource:
	}
	return list.named(scope)
}

// Types lists the resource types that there are, folded, in order.
func (p *Pass) Types() []arm.Key { return slices.Sorted(maps.Keys(p.shared.types())) }

// named returns the resources at or below a scope by their names alone.
func (l *typeList) named(scope arm.ID) []*mivet.Resource {
	key := string(scope.Key())
	from, exact := slices.BinarySearch(l.keys, key)
	if exact {
		return l.resources[from : from+1]
	}
	from, _ = slices.BinarySearch(l.keys, key+"/")
	to, _ := slices.BinarySearch(l.keys, key+"0") // "0" follows "/"
	return l.resources[from:to]
}

// belowGroup keeps what it found, since a group holds much and is asked for often.
func (p *Pass) belowGroup(list *typeList, scope arm.ID) []*mivet.Resource {
	t := p.shared.places().tree
	outer, exact := t.Find(scope)
	if !exact {
		return list.named(scope)
	}
	list.mu.Lock()
	defer list.mu.Unlock()
	found, ok := list.groups[outer]
	if !ok {
		found = list.below(t, outer)
		list.groups[outer] = found
	}
	return found
}

// below returns the resources below a scope of the map of places. It costs what it finds.
func (l *typeList) below(t *arm.Tree, outer arm.Node) []*mivet.Resource {
	if l.placed == nil {
		l.placed = make([]placed, len(l.resources))
		for i, r := range l.resources {
			at, _ := t.Find(r.ID)
			l.placed[i] = placed{at, int32(i)}
		}
		slices.SortFunc(l.placed, func(a, b placed) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.index, b.index)) })
	}
	first := func(n arm.Node) int {
		return sort.Search(len(l.placed), func(i int) bool { return l.placed[i].at >= n })
	}
	inside := l.placed[first(outer):first(t.Last(outer)+1)]
	order := make([]int32, len(inside))
	for i := range inside {
		order[i] = inside[i].index
	}
	slices.Sort(order)
	out := make([]*mivet.Resource, len(order))
	for i, n := range order {
		out[i] = l.resources[n]
	}
	return out
}

// typeLists holds the list of each type that was asked for.
type typeLists struct {
	mu   sync.Mutex
	list map[arm.Key]*typeList
}

// typeList are the resources of one type with their keys, in the order of the keys.
type typeList struct {
	keys      []string
	resources []*mivet.Resource
	top       bool // none of them is in another resource

	mu     sync.Mutex
	placed []placed // once somebody asks
	groups map[arm.Node][]*mivet.Resource
}

// placed is a resource of a list, and where it is in the map of places.
type placed struct {
	at    arm.Node
	index int32
}

func (l *typeLists) of(sh *shared, key arm.Key) *typeList {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil {
		l.list = map[arm.Key]*typeList{}
	}
	list := l.list[key]
	if list == nil {
		list = newTypeList(sh.snapshot, sh.types()[key])
		l.list[key] = list
	}
	return list
}

func newTypeList(s *mivet.Snapshot, places []int32) *typeList {
	type pair struct {
		key      string
		resource *mivet.Resource
	}
	pairs := make([]pair, len(places))
	for n, i := range places {
		pairs[n] = pair{string(s.Resources[i].ID.Key()), &s.Resources[i]}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	pairs = slices.CompactFunc(pairs, func(a, b pair) bool { return a.key == b.key })
	l := &typeList{top: true, groups: map[arm.Node][]*mivet.Resource{}}
	for _, x := range pairs {
		l.top = l.top && x.resource.ID.Parent().Level() != arm.LevelResource
		l.keys = append(l.keys, x.key)
		l.resources = append(l.resources, x.resource)
	}
	return l
}

// typeIndex finds resources by their folded type.
func typeIndex(s *mivet.Snapshot) map[arm.Key][]int32 {
	out := map[arm.Key][]int32{}
	folded := map[string]arm.Key{}
	for i := range s.Resources {
		t := s.Resources[i].ID.Type()
		key, ok := folded[t]
		if !ok {
			key = arm.Fold(t)
			folded[t] = key
		}
		out[key] = append(out[key], int32(i))
	}
	return out
}

// Policies returns the vault access policies of a principal, in order.
func (p *Pass) Policies(id mivet.PrincipalID) []*mivet.AccessPolicy {
	return p.shared.local().policies[id]
}

// LocalGrants returns the grants of a principal in services' own systems, in order.
func (p *Pass) LocalGrants(id mivet.PrincipalID) []*mivet.LocalAssignment {
	return p.shared.local().grants[id]
}

type localLedger struct {
	policies map[mivet.PrincipalID][]*mivet.AccessPolicy
	grants   map[mivet.PrincipalID][]*mivet.LocalAssignment
	// others counts path ACLs, app roles and directory roles.
	others map[mivet.PrincipalID]int
}

func newLocalLedger(s *mivet.Snapshot) *localLedger {
	l := &localLedger{
		policies: map[mivet.PrincipalID][]*mivet.AccessPolicy{},
		grants:   map[mivet.PrincipalID][]*mivet.LocalAssignment{},
		others:   map[mivet.PrincipalID]int{},
	}
	for i := range s.AccessPolicies {
		a := &s.AccessPolicies[i]
		l.policies[a.Principal] = append(l.policies[a.Principal], a)
	}
	for i := range s.LocalGrants {
		a := &s.LocalGrants[i]
		l.grants[a.Principal] = append(l.grants[a.Principal], a)
	}
	for i := range s.PathACLs {
		l.others[s.PathACLs[i].Principal]++
	}
	for i := range s.AppRoles {
		l.others[s.AppRoles[i].Principal]++
	}
	for i := range s.DirectoryRoles {
		l.others[s.DirectoryRoles[i].Principal]++
	}
	for _, list := range l.policies {
		slices.SortStableFunc(list, func(a, b *mivet.AccessPolicy) int {
			return cmp.Or(cmp.Compare(a.Vault.Key(), b.Vault.Key()), cmp.Compare(a.ApplicationID, b.ApplicationID), compareSources(a.Source, b.Source))
		})
	}
	for _, list := range l.grants {
		slices.SortStableFunc(list, func(a, b *mivet.LocalAssignment) int {
			return cmp.Or(cmp.Compare(a.Account.Key(), b.Account.Key()), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Role, b.Role), compareSources(a.Source, b.Source))
		})
	}
	return l
}

// HoldsAnything reports whether a principal has a grant of any kind that a snapshot can
// hold: roles, eligible ones too, access policies, local grants, access lists, permissions
// of APIs and roles of the directory, by itself or through groups.
func (p *Pass) HoldsAnything(id mivet.PrincipalID) bool {
	l, book := p.shared.local(), p.shared.ledger()
	return slices.ContainsFunc(p.withGroups(id), func(at mivet.PrincipalID) bool {
		return len(book.assignments[at])+len(l.policies[at])+len(l.grants[at])+l.others[at] > 0
	})
}

// withGroups returns a principal and the groups that it is in, the nearest first.
func (p *Pass) withGroups(id mivet.PrincipalID) []mivet.PrincipalID {
	book := p.shared.ledger()
	out := []mivet.PrincipalID{id}
	for i := 0; i < len(out); i++ {
		for _, g := range book.groups[out[i]] {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// Identities returns the managed identities, each once, in the order of their resources.
// The result must not be changed.
func (p *Pass) Identities() []*mivet.Identity { return p.shared.identities() }

func orderIdentities(s *mivet.Snapshot) []*mivet.Identity {
	type keyed struct {
		resource arm.Key
		identity *mivet.Identity
	}
	all := make([]keyed, len(s.Identities))
	for i := range s.Identities {
		all[i] = keyed{s.Identities[i].Resource.Key(), &s.Identities[i]}
	}
	compare := func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.resource, b.resource), cmp.Compare(a.identity.Kind, b.identity.Kind), cmp.Compare(a.identity.Principal, b.identity.Principal))
	}
	slices.SortStableFunc(all, compare)
	all = slices.CompactFunc(all, func(a, b keyed) bool { return compare(a, b) == 0 })
	out := make([]*mivet.Identity, len(all))
	for i := range all {
		out[i] = all[i].identity
	}
	return out
}

// Workers returns the principals that are not people: managed identities and other
// service principals, in order.
func (p *Pass) Workers() []mivet.PrincipalID { return p.shared.workers(p) }

func findWorkers(p *Pass) []mivet.PrincipalID {
	seen := map[mivet.PrincipalID]bool{}
	var out []mivet.PrincipalID
	add := func(id mivet.PrincipalID, said mivet.PrincipalType) {
		if id == "" || seen[id] {
			return
		}
		seen[id] = true
		if n := p.Nature(id, said); n == NatureIdentity || n == NatureService {
			out = append(out, id)
		}
	}
	s := p.Snapshot
	for i := range s.Identities {
		add(s.Identities[i].Principal, mivet.TypeServicePrincipal)
	}
	for i := range s.Principals {
		add(s.Principals[i].ID, s.Principals[i].Type)
	}
	for i := range s.RoleAssignments {
		add(s.RoleAssignments[i].Principal, s.RoleAssignments[i].PrincipalType)
	}
	slices.Sort(out)
	return out
}

// VaultModel is how a key vault decides about its data.
type VaultModel uint8

// The permission models.
const (
	ModelUnknown  VaultModel = iota // the setting was not read
	ModelPolicies                   // its access list decides; data-plane roles count for nothing
	ModelRoles                      // role assignments decide; its access list counts for nothing
)

// VaultModelOf returns the permission model of a vault. A vault whose setting is not set
// uses its access list, as those do that were made before API version 2026-02-01
// (MicrosoftDocs/azure-security-docs articles/key-vault/general/access-control-default.md).
func VaultModelOf(r *mivet.Resource) VaultModel {
	v, read := r.Setting("enableRbacAuthorization")
	switch {
	case !read:
		return ModelUnknown
	case strings.EqualFold(v, "true"):
		return ModelRoles
	}
	return ModelPolicies
}

// Environment returns the environment of a scope, in the normal spelling: from its own
// tags, else those of its resource group, else those of its subscription, else the map of
// subscriptions; "" where none says it. It is never guessed from a name.
func (p *Pass) Environment(id arm.ID) string {
	found, ok := p.memo.environments[id.String()]
	if !ok {
		found = p.environment(id)
		p.memo.environments[id.String()] = found
	}
	return found
}

func (p *Pass) environment(id arm.ID) string {
	for at := id; !at.IsZero() && at.Level() == arm.LevelResource; at = at.Parent() {
		if e := p.taggedEnvironment(at); e != "" {
			return e
		}
	}
	if e := p.taggedEnvironment(id.ResourceGroupID()); e != "" {
		return e
	}
	sub := id.Subscription()
	if sub.IsZero() {
		return ""
	}
	if tags := p.shared.subscriptions()[sub.Key()]; tags != nil {
		if e := firstTag(tags, p.environmentTags()); e != "" {
			return normalEnvironment(e)
		}
	}
	for name, e := range p.Settings.SubscriptionEnvironments {
		if arm.Fold(name) == arm.Fold(sub.Name()) {
			return normalEnvironment(e)
		}
	}
	return ""
}

func (p *Pass) taggedEnvironment(id arm.ID) string {
	if id.IsZero() {
		return ""
	}
	if r := p.Index().Resource(id); r != nil && r.Detail != nil {
		return normalEnvironment(firstTag(r.Detail.Tags, p.environmentTags()))
	}
	return ""
}

// DefaultEnvironmentTags and DefaultOwnerTags are the tags that are looked at without
// settings.
func DefaultEnvironmentTags() []string { return []string{"environment", "env", "stage"} }

// DefaultOwnerTags are the tags that hold an owner.
func DefaultOwnerTags() []string { return []string{"owner", "owners", "team", "contact"} }

func (p *Pass) environmentTags() []string {
	if p.Settings.EnvironmentTags != nil {
		return p.Settings.EnvironmentTags
	}
	return DefaultEnvironmentTags()
}

// OwnerTags returns the names of the tags that hold an owner, at least one.
func (p *Pass) OwnerTags() []string {
	if len(p.Settings.OwnerTags) > 0 {
		return p.Settings.OwnerTags
	}
	return DefaultOwnerTags()
}

// firstTag returns the value of the first tag that is set. Tag names have no letter case.
func firstTag(tags map[string]string, names []string) string {
	for _, name := range names {
		best := ""
		for k, v := range tags {
			if arm.Fold(k) == arm.Fold(name) && strings.TrimSpace(v) != "" && (best == "" || v < best) {
				best = v
			}
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// spellings are other ways to write an environment.
var spellings = map[string]string{
	"prod": "production", "prd": "production", "live": "production",
	"dev": "development", "tst": "test", "testing": "test", "stg": "staging", "stage": "staging", "preprod": "staging", "pre-production": "staging",
}

// normalEnvironment brings the spellings of one environment together. What is shared by
// environments has none.
func normalEnvironment(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "shared", "common", "global", "all", "none":
		return ""
	}
	if long, ok := spellings[s]; ok {
		return long
	}
	return s
}

// Owner returns who owns a resource and who says so: its tags, those of its resource
// group or its subscription, or the owner of the file that it is declared in.
func (p *Pass) Owner(id arm.ID, declared mivet.Source) (owner, by string) {
	for at := id; !at.IsZero() && at.Level() == arm.LevelResource; at = at.Parent() {
		if r := p.Index().Resource(at); r != nil && r.Detail != nil {
			if o := firstTag(r.Detail.Tags, p.OwnerTags()); o != "" {
				return o, "a tag of " + at.Name()
			}
		}
	}
	if r := p.Index().Resource(id.ResourceGroupID()); r != nil && r.Detail != nil {
		if o := firstTag(r.Detail.Tags, p.OwnerTags()); o != "" {
			return o, "a tag of the resource group"
		}
	}
	if o := firstTag(p.shared.subscriptions()[id.Subscription().Key()], p.OwnerTags()); o != "" {
		return o, "a tag of the subscription"
	}
	if p.Settings.Owners != nil && declared.Origin != nil && declared.Origin.File != "" {
		if o := p.Settings.Owners(declared.Origin.File); o != "" {
			return o, "the owners of " + declared.Origin.File
		}
	}
	return "", ""
}

func subscriptionTags(s *mivet.Snapshot) map[arm.Key]map[string]string {
	out := make(map[arm.Key]map[string]string, len(s.Subscriptions))
	for i := range s.Subscriptions {
		out[s.Subscriptions[i].ID.Key()] = s.Subscriptions[i].Tags
	}
	return out
}
