// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// subscriptionList takes the subscriptions that Resource Manager lists.
func (f *facts) subscriptionList(p *page, src mivet.Source) []arm.ID {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []arm.ID
	f.rows(p, callSubscriptions.what, func(r *row) {
		if r.id.Level() == arm.LevelSubscription {
			f.subscription(r.id, src)
			ids = append(ids, r.id)
		}
	})
	return ids
}

// emptyGroups returns the management groups that no subscription lies below.
func (f *facts) emptyGroups() []arm.ID {
	f.mu.Lock()
	defer f.mu.Unlock()
	parent := map[arm.Key]arm.ID{}
	for _, g := range f.snap.ManagementGroups {
		parent[g.ID.Key()] = g.Parent
	}
	full := map[arm.Key]bool{}
	for _, s := range f.snap.Subscriptions {
		for at := s.Parent; !at.IsZero() && !full[at.Key()]; at = parent[at.Key()] {
			full[at.Key()] = true
		}
	}
	var out []arm.ID
	for _, g := range f.snap.ManagementGroups {
		if !full[g.ID.Key()] {
			out = append(out, g.ID)
		}
	}
	return out
}

// unknownPrincipals returns, in order, the principals that facts name and that the
// directory has not told about.
func (f *facts) unknownPrincipals() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for id := range f.wanted {
		if _, ok := f.principals[id]; !ok && mivet.IsGUID(string(id)) {
			ids = append(ids, string(id))
		}
	}
	slices.Sort(ids)
	return ids
}

// groupIDs returns the groups that something names, in order.
func (f *facts) groupIDs() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, p := range f.snap.Principals {
		if p.Type == mivet.TypeGroup {
			ids = append(ids, string(p.ID))
		}
	}
	slices.Sort(ids)
	return ids
}

// unseen adds the gaps that follow from what the answers did not say.
func (r *run) unseen() {
	f := r.facts
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lakes()
	for _, o := range []struct {
		option Option
		facts  mivet.FactKind
		reason string
	}{
		{WithSettings, mivet.FactAppSettings, "app settings were not asked for; --with settings reads them"},
		{WithChildren, mivet.FactResources, "what lies below vaults, storage accounts and namespaces was not asked for; --with children reads the names"},
	} {
		if !r.with(o.option) {
			f.addGap(mivet.Gap{Facts: o.facts, Reason: o.reason, Inherent: true})
		}
	}
	if len(f.snap.Subscriptions) == 0 {
		f.addGap(mivet.Gap{
			Facts: mivet.FactSubscriptions, Reason: "the caller sees no subscription", Permission: "Reader at the tenant root group, or at the subscriptions that matter",
		})
	}
	root := parsed("/providers/" + typeMG + "/" + r.caller.Tenant)
	if !f.told[root.Key()] {
		f.addGap(mivet.Gap{
			Facts: mivet.FactSubscriptions, Permission: "Microsoft.Management/managementGroups/read", Inherent: true,
			Reason: "the tenant root group cannot be seen, so that there may be management groups and subscriptions that nobody told of",
		})
	}
	f.invisible()
	f.behind()
}

// behind looks for resources that others know: the directory, which names the resource of
// each managed identity, and locks. Where Resource Graph does not show them it is behind.
func (f *facts) behind() {
	type unlisted struct {
		sub   arm.ID
		count int
		first arm.ID
	}
	missing := map[arm.Key]*unlisted{}
	look := func(id arm.ID) {
		sub := id.Subscription()
		_, listed := f.resources[id.Key()]
		if _, seen := f.subs[sub.Key()]; listed || !seen || id.Level() < arm.LevelResource {
			return
		}
		m := missing[sub.Key()]
		if m == nil {
			m = &unlisted{sub: sub, first: id}
			missing[sub.Key()] = m
		}
		if m.count++; id.Key() < m.first.Key() {
			m.first = id
		}
	}
	for _, id := range f.claimed {
		look(id)
	}
	for i := range f.snap.Locks {
		if id := f.snap.Locks[i].Scope; id.Parent().Level() < arm.LevelResource { // children are in no list
			look(id)
		}
	}
	for _, m := range missing {
		for _, kind := range []mivet.FactKind{mivet.FactResources, mivet.FactIdentities} {
			f.addGap(mivet.Gap{
				Facts: kind, Scope: m.sub,
				Reason: fmt.Sprintf("Resource Graph is behind, or they were deleted a moment ago: it does not show %s that the directory or a lock names, the first %s", count(m.count, "resource"), m.first),
			})
		}
	}
}

// maxLakes is how many accounts have a gap of their own.
const maxLakes = 100

// lakes notes the storage accounts whose files may have access lists of their own: those
// with a hierarchical namespace, or of which that is not known.
func (f *facts) lakes() {
	gap := mivet.Gap{
		Facts: mivet.FactPathACLs, Inherent: true,
		Reason: "access lists of files and directories are data, which a snapshot of a tenant does not read",
	}
	var at []arm.ID
	for i := range f.snap.Resources {
		r := &f.snap.Resources[i]
		if !r.ID.HasType("Microsoft.Storage/storageAccounts") {
			continue
		}
		if v, read := r.Setting("isHnsEnabled"); !read || v == "true" {
			at = append(at, r.ID)
		}
	}
	if len(at) > maxLakes {
		f.addGap(gap)
		return
	}
	for _, id := range at {
		g := gap
		g.Scope = id
		f.addGap(g)
	}
}

// invisible looks for subscriptions that Resource Manager lists and Resource Graph does
// not show: nothing in them was read.
func (f *facts) invisible() {
	shown := map[arm.Key]bool{}
	for _, s := range f.snap.Subscriptions {
		if s.Name != "" || !s.Parent.IsZero() {
			shown[s.ID.Key()] = true
		}
	}
	for _, s := range f.snap.Subscriptions {
		if shown[s.ID.Key()] {
			continue
		}
		for _, c := range []*call{callContainers, callResources, callAuthorization} {
			for _, kind := range c.facts {
				f.addGap(mivet.Gap{
					Facts: kind, Scope: s.ID, Permission: "Reader at the subscription",
					Reason: "Resource Manager lists the subscription and Resource Graph shows nothing of it",
				})
			}
		}
	}
}

// settleOdd turns rows that could not be understood into gaps.
func (f *facts) settleOdd() {
	kinds := map[string][]mivet.FactKind{}
	for _, c := range table() {
		kinds[c.what] = c.facts
	}
	for what, n := range f.odd {
		list := kinds[what]
		if len(list) == 0 {
			list = []mivet.FactKind{mivet.FactInput}
		}
		for _, kind := range list {
			f.addGap(mivet.Gap{Facts: kind, Reason: fmt.Sprintf("%s of the list of %s could not be understood", count(n, "row"), what)})
		}
	}
}
