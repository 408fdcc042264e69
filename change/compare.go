// SPDX-License-Identifier: Apache-2.0

package change

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// comparison collects what a plan does.
type comparison struct {
	*Plan
	state   *mivet.Snapshot
	catalog *catalog.Catalog

	before, after side
	steps         map[string]*Step // by address
	// ceased are the principals that end, with what becomes of them: the principal of the
	// same owner afterwards, "" for none.
	ceased map[mivet.PrincipalID]mivet.PrincipalID
	// was are principals that an owner had in the state and has no longer as the plan begins.
	was map[string][]mivet.PrincipalID

	places  map[arm.Key]arm.ID         // scopes as they are written
	lists   map[string]map[string]bool // addresses by the name of their list
	details []Detail
	noise   bool // a grant, an attachment or a selector changes
	// outsiders are the workloads of the tenant that the change touches and does not manage, by
	// their resource IDs.
	outsiders []string
}

// side is one snapshot, by address.
type side struct {
	index     *mivet.Index
	owners    map[string]*mivet.Identity
	resources map[string]*mivet.Resource
	addresses map[arm.Key]string // of resources
	grants    []held
}

func newComparison(p *Plan, state *mivet.Snapshot, c *catalog.Catalog) *comparison {
	k := &comparison{
		Plan: p, state: state, catalog: c, steps: make(map[string]*Step, len(p.Steps)),
		ceased: map[mivet.PrincipalID]mivet.PrincipalID{}, was: map[string][]mivet.PrincipalID{},
		lists: map[string]map[string]bool{}, places: map[arm.Key]arm.ID{},
	}
	for i := range p.Steps {
		k.steps[p.Steps[i].Address] = &p.Steps[i]
	}
	k.before, k.after = newSide(p.Before), newSide(p.After)
	return k
}

func newSide(s *mivet.Snapshot) side {
	d := side{
		index: mivet.NewIndex(s), owners: map[string]*mivet.Identity{}, resources: map[string]*mivet.Resource{},
		addresses: make(map[arm.Key]string, len(s.Resources)),
	}
	for i := range s.Resources {
		r := &s.Resources[i]
		if a := address(r.Source); a != "" && d.resources[a] == nil {
			d.resources[a], d.addresses[r.ID.Key()] = r, a
		}
	}
	for i := range s.Identities {
		m := &s.Identities[i]
		a := address(m.Source)
		// A cluster also reports identities that Azure made for it; they are not its own.
		if r := d.resources[a]; a != "" && r != nil && r.ID.Equal(m.Resource) {
			d.owners[a] = m
		}
	}
	return d
}

func address(s mivet.Source) string {
	if s.Origin == nil {
		return ""
	}
	return s.Origin.Address
}

// add puts an address into a list, with what there is to say of it.
func (k *comparison) add(list, address, text string, args ...any) {
	if k.lists[list] == nil {
		k.lists[list] = map[string]bool{}
	}
	if k.lists[list][address] {
		return
	}
	k.lists[list][address] = true
	d := Detail{Address: address, What: list, Text: fmt.Sprintf(text, args...)}
	if s := k.steps[address]; s != nil {
		d.Source = s.Source
	}
	k.details = append(k.details, d)
}

// The names of the lists.
const (
	recycled   = "recycled"
	destroyed  = "destroyed"
	created    = "created"
	stranded   = "stranded"
	rebound    = "rebound"
	impossible = "impossible"
	gap        = "gap"
	lost       = "lost"
	broad      = "broad"
	selectors  = "selectors_broken"
	unmanaged  = "unmanaged"
	gained     = "gained"
	swept      = "swept"
)

func (k *comparison) list(name string) []string {
	out := slices.Sorted(maps.Keys(k.lists[name]))
	if out == nil {
		return []string{}
	}
	return out
}

func (k *comparison) report() *Report {
	r := &Report{
		Recycled: k.list(recycled), Destroyed: k.list(destroyed), Created: k.list(created), Stranded: k.list(stranded),
		Rebound: k.list(rebound), Impossible: k.list(impossible), Gap: k.list(gap), Lost: k.list(lost), Broad: k.list(broad),
		SelectorsBroken: k.list(selectors), Unmanaged: k.list(unmanaged), Gained: k.list(gained), Swept: k.list(swept), Details: k.details,
	}
	r.Quiet = !k.noise
	for name, l := range k.lists {
		r.Quiet = r.Quiet && (name == gained || len(l) == 0) // who gains does so by a grant
	}
	return r
}

// principals finds out which principals are recycled, end or begin.
func (k *comparison) principals() {
	k.drift()
	for i := range k.Steps {
		s := &k.Steps[i]
		old, now := k.before.owners[s.Address], k.after.owners[s.Address]
		if !s.existed() {
			old = nil
		}
		if !s.stays() {
			now = nil
		}
		switch {
		case old != nil && now != nil && s.replaced():
			k.end(old.Principal, now.Principal)
			k.add(recycled, s.Address, "its principal %s ends with the old object; the new one has another", named(old.Principal))
		case old != nil && now != nil && s.forgotten() && s.does("create"):
			k.add(recycled, s.Address, "its principal %s stays with the object that is forgotten; the new one has another", named(old.Principal))
		case old != nil && now != nil && len(k.was[s.Address]) > 0:
			k.add(recycled, s.Address, "its principal was replaced outside of the plan: %s was, %s is", named(k.was[s.Address][0]), named(now.Principal))
		case old != nil && now == nil && s.Deposed:
			k.end(old.Principal, "")
			k.add(destroyed, s.Address, "an earlier apply made its successor and could not delete it; its principal %s lives on until now and ends", named(old.Principal))
		case old != nil && now == nil:
			k.end(old.Principal, "")
			k.add(destroyed, s.Address, "its principal %s ends without a successor", named(old.Principal))
		case old == nil && now != nil && len(k.was[s.Address]) > 0:
			k.add(recycled, s.Address, "its principal %s ended outside of the plan; it gets another one", named(k.was[s.Address][0]))
		case old == nil && now != nil:
			k.add(created, s.Address, "it gets its first principal")
		}
		for _, id := range k.was[s.Address] {
			successor := mivet.PrincipalID("")
			if now != nil {
				successor = now.Principal
			}
			k.end(id, successor)
		}
		k.attachment(s)
	}
}

func named(id mivet.PrincipalID) string {
	if id == "" {
		return "(which the file does not name)"
	}
	return string(id)
}

func (k *comparison) end(id, successor mivet.PrincipalID) {
	if id != "" {
		k.ceased[id] = successor
	}
}

// drift notes the principals that the state has and that are gone as the plan begins.
func (k *comparison) drift() {
	note := func(address string, id mivet.PrincipalID) {
		m := k.before.owners[address]
		if id != "" && (m == nil || m.Principal != id) && !slices.Contains(k.was[address], id) {
			k.was[address] = append(k.was[address], id)
		}
	}
	for i := range k.Steps {
		for _, id := range k.Steps[i].Drifted {
			note(k.Steps[i].Address, id)
		}
	}
	if k.state == nil {
		return
	}
	old := newSide(k.state)
	for i := range k.Steps {
		s := &k.Steps[i]
		for _, a := range []string{s.Address, s.Previous} {
			if m := old.owners[a]; m != nil && a != "" {
				note(s.Address, m.Principal)
			}
		}
	}
}

// attachment compares the identities that a resource carries.
func (k *comparison) attachment(s *Step) {
	if !s.existed() || !s.stays() {
		return
	}
	a, b := k.before.resources[s.Address], k.after.resources[s.Address]
	if a != nil && b != nil && !sameAttachment(a.Identity, b.Identity) {
		k.noise = true
	}
}

func sameAttachment(a, b *mivet.Attachment) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.System != b.System || len(a.User) != len(b.User) {
		return false
	}
	for _, u := range a.User {
		if !slices.ContainsFunc(b.User, u.Equal) {
			return false
		}
	}
	return true
}

// management notes what leaves management.
func (k *comparison) management() {
	for i := range k.Steps {
		if s := &k.Steps[i]; s.forgotten() {
			k.add(unmanaged, s.Address, "it leaves management, and stays in Azure as it is")
		}
	}
}
