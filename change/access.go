// SPDX-License-Identifier: Apache-2.0

package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// way is how a workload comes to an access: by which of its identities, and which grant.
type way struct {
	principal mivet.PrincipalID
	owner     string // the address of the identity; empty for one that the plan does not manage
	grant     string // the address of the grant; empty likewise
}

// accessKey names an access: what, and where.
type accessKey struct {
	what  string
	scope arm.Key
}

// key names an access, and remembers how its place is written.
func (k *comparison) key(what string, scope arm.ID) accessKey {
	if _, ok := k.places[scope.Key()]; !ok {
		k.places[scope.Key()] = scope
	}
	return accessKey{what, scope.Key()}
}

// access compares what each workload can reach before and after, and all the time between.
func (k *comparison) access() {
	before := k.waysOf(&k.before, k.before.grants, true)
	after := k.waysOf(&k.after, k.after.grants, false)
	past := before
	if len(k.was) > 0 {
		past = k.waysInState()
	}
	for i := range k.Steps {
		k.accessOf(&k.Steps[i], past[k.Steps[i].Address], before[k.Steps[i].Address], after[k.Steps[i].Address])
	}
	for _, name := range k.outsiders {
		k.accessOf(&Step{Address: name}, past[name], before[name], after[name])
	}
}

// accessOf compares what one workload can reach. Past is before, with what it had by
// principals that ended outside of the change.
func (k *comparison) accessOf(s *Step, past, before, now map[accessKey][]way) {
	if !s.stays() || !k.runsCode(s.Address) {
		return
	}
	missing := func(from, to map[accessKey][]way) string {
		var out []string
		for key := range from {
			if len(to[key]) == 0 {
				out = append(out, k.words(key))
			}
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	if gone := missing(past, now); gone != "" {
		k.add(lost, s.Address, "it has no longer %s", gone)
	}
	if more := missing(now, past); more != "" {
		k.add(gained, s.Address, "it gets %s", more)
	}
	k.gaps(s, before, now)
}

// words names an access for people.
func (k *comparison) words(key accessKey) string {
	what := key.what
	if id, ok := strings.CutPrefix(what, "role "); ok {
		what = k.nameOfRole(id)
	}
	return fmt.Sprintf("%s at %s", what, k.places[key.scope])
}

// nameOfRole is the name of a role for people.
func (k *comparison) nameOfRole(id string) string {
	for _, d := range []*mivet.RoleDefinition{k.after.index.Role(mivet.RoleID(id)), k.catalog.Role(mivet.RoleID(id))} {
		if d != nil {
			return d.Name
		}
	}
	return "role " + id
}

// runsCode reports whether an object of the plan is a workload, on either side.
func (k *comparison) runsCode(address string) bool {
	for _, d := range []*side{&k.before, &k.after} {
		if r := d.resources[address]; r != nil && r.Identity != nil && catalog.RunsCode(r.ID.Type()) {
			return true
		}
	}
	return false
}

// gaps reports a workload that has an access on both sides and not all the time between.
func (k *comparison) gaps(s *Step, before, after map[accessKey][]way) {
	var all []string
	for key, ways := range before {
		if len(after[key]) == 0 {
			continue
		}
		if why := k.broken(s, ways, after[key]); why != "" {
			all = append(all, k.words(key)+": "+why)
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		k.add(gap, s.Address, "for a time it is without %s", strings.Join(all, "; and "))
	}
}

// broken says why an access is not there all the time; "" where it is. An access goes on
// where one way to it is on both sides untouched, or where every part of a new way is there
// before the old part is deleted.
func (k *comparison) broken(s *Step, before, after []way) string {
	if s.replaced() && !s.createdFirst() {
		return "the workload is deleted before it is created again"
	}
	if !s.replaced() {
		for _, w := range before {
			if slices.Contains(after, w) && k.untouched(w) {
				return ""
			}
		}
	}
	why := ""
	for _, w := range after {
		if why = k.late(w, before); why == "" {
			return ""
		}
	}
	return why
}

// untouched reports whether neither identity nor grant of a way is made anew.
func (k *comparison) untouched(w way) bool {
	for _, a := range []string{w.owner, w.grant} {
		if s := k.steps[a]; s != nil && s.replaced() {
			return false
		}
	}
	return true
}

// late says which part of a new way is not there before the old way ends.
func (k *comparison) late(w way, before []way) string {
	for _, part := range []struct{ address, what string }{{w.owner, "its identity"}, {w.grant, "the grant"}} {
		s := k.steps[part.address]
		if s == nil {
			continue
		}
		switch {
		case s.replaced() && !s.createdFirst():
			return fmt.Sprintf("%s %s is deleted before it is created again", part.what, part.address)
		case s.does("create") && !s.replaced() && k.endsMeanwhile(before):
			return fmt.Sprintf("%s %s is created while the old way ends, in no certain order", part.what, part.address)
		case s.does("update") && part.address == w.grant && !slices.ContainsFunc(before, func(o way) bool { return o.grant == w.grant && o.principal == w.principal }):
			if k.endsMeanwhile(before) {
				return fmt.Sprintf("the grant %s changes while the old way ends, in no certain order", part.address)
			}
		}
	}
	return ""
}

// endsMeanwhile reports whether every old way ends with the plan.
func (k *comparison) endsMeanwhile(before []way) bool {
	return !slices.ContainsFunc(before, func(w way) bool {
		_, gone := k.ceased[w.principal]
		s := k.steps[w.grant]
		return !gone && (s == nil || s.stays() && !s.replaced() && !s.does("update"))
	})
}

// waysOf lists the ways of each workload to each access. The scopes of before are named as
// they are after.
func (k *comparison) waysOf(d *side, grants []held, rename bool) map[string]map[accessKey][]way {
	by := map[mivet.PrincipalID][]held{}
	for _, h := range grants {
		if rename {
			h.scope = k.moved(h.scope)
		}
		by[h.principal] = append(by[h.principal], h)
	}
	out := map[string]map[accessKey][]way{}
	for a, r := range d.resources {
		if r.Identity == nil {
			continue
		}
		for _, m := range carried(d, r) {
			for _, h := range by[m.principal] {
				key := k.key(h.what, h.scope)
				if out[a] == nil {
					out[a] = map[accessKey][]way{}
				}
				w := m
				w.grant = h.address
				if !slices.Contains(out[a][key], w) {
					out[a][key] = append(out[a][key], w)
				}
			}
		}
	}
	return out
}

// carried lists the identities that a resource carries, as the beginnings of ways.
func carried(d *side, r *mivet.Resource) []way {
	var out []way
	if p := r.Identity.SystemPrincipal; p != "" {
		out = append(out, way{principal: p, owner: address(r.Source)})
	}
	for _, u := range r.Identity.User {
		if m := d.index.UserAssigned(u); m != nil && m.Principal != "" {
			out = append(out, way{principal: m.Principal, owner: address(m.Source)})
		}
	}
	return out
}

// waysInState adds to the ways of before those that a workload had by principals that
// ended outside of the plan.
func (k *comparison) waysInState() map[string]map[accessKey][]way {
	out := k.waysOf(&k.before, k.before.grants, true)
	grants := k.before.grants
	if k.state != nil {
		old := newSide(k.state)
		grants = slices.Concat(grants, k.holdings(&old, k.state))
	}
	for owner, ids := range k.was {
		for a, r := range k.before.resources {
			if a != owner && !carriesOwner(&k.before, r, owner) {
				continue
			}
			for _, h := range grants {
				if !slices.Contains(ids, h.principal) {
					continue
				}
				if out[a] == nil {
					out[a] = map[accessKey][]way{}
				}
				key := k.key(h.what, k.moved(h.scope))
				out[a][key] = append(out[a][key], way{principal: h.principal, owner: owner, grant: h.address})
			}
		}
	}
	return out
}

// carriesOwner reports whether a resource carries the user-assigned identity of an address.
func carriesOwner(d *side, r *mivet.Resource, owner string) bool {
	return r.Identity != nil && slices.ContainsFunc(r.Identity.User, func(u arm.ID) bool { return d.addresses[u.Key()] == owner })
}

// moved names a scope as it will be after the plan: an object whose ID changes keeps its
// address.
func (k *comparison) moved(id arm.ID) arm.ID {
	for at := id; !at.IsZero() && at.Level() >= arm.LevelResourceGroup; at = at.Parent() {
		a, ok := k.before.addresses[at.Key()]
		if !ok {
			continue
		}
		r := k.after.resources[a]
		if r == nil || r.ID.Equal(at) {
			return id
		}
		to, err := arm.ParseID(r.ID.String() + id.String()[len(at.String()):])
		if err != nil {
			return id
		}
		return to
	}
	return id
}
