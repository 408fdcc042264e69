// SPDX-License-Identifier: Apache-2.0

package change

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A State is what a grant gives at one moment.
type State string

// The states of a grant.
const (
	Held     State = "held"     // its principal exists and has it
	Orphaned State = "orphaned" // it is there, and its principal is not
	Absent   State = "absent"   // it is not there
	Open     State = "open"     // who holds it is not known
)

// A GrantEffect is what becomes of one grant that a change touches.
type GrantEffect struct {
	// Address is the object that gives it, or how a grant outside of the change is called.
	Address string `json:"address"`
	// Managed is true for a grant of the change itself.
	Managed bool `json:"managed"`
	// What is given, such as the name of a role, and where.
	What  string `json:"what"`
	Scope arm.ID `json:"scope,omitzero"`
	// Was and Is hold it before and after; equal where that does not change.
	Was    mivet.PrincipalID `json:"was,omitzero"`
	Is     mivet.PrincipalID `json:"is,omitzero"`
	Before State             `json:"before"`
	During State             `json:"during"`
	After  State             `json:"after"`
	// Presenters are all that can present the identities concerned, also outside of the
	// change.
	Presenters []Presenter `json:"presenters"`
}

// A Presenter is something that gets tokens of an identity.
type Presenter struct {
	// Resource carries the identity; zero for a token of outside.
	Resource arm.ID `json:"resource,omitzero"`
	// Address is its address, where the change manages it.
	Address string `json:"address,omitzero"`
	// Trust is the issuer and subject that a federated credential trusts.
	Trust string `json:"trust,omitzero"`
	// Before and After say when it presents the identity.
	Before bool `json:"before"`
	After  bool `json:"after"`
}

// Grants lists what becomes of every grant that the change touches: those that it makes,
// changes or deletes, those that strand, and those of the tenant that end or strand.
func (w *World) Grants() []GrantEffect {
	k := w.k
	var out []GrantEffect
	said := k.sayings()
	for i := range k.Steps {
		s := &k.Steps[i]
		if s.Grant == nil || !s.acts() && !k.lists[stranded][s.Address] && !k.lists[impossible][s.Address] {
			continue
		}
		g := GrantEffect{Address: s.Address, Managed: true}
		g.What, g.Scope = said.of(s.Address)
		g.Was, g.Is = s.Grant.Before.Principal, k.boundAfter(s)
		g.Before, g.During, g.After = k.states(s, g.Was, g.Is)
		out = append(out, g)
	}
	out = append(out, k.outsideEffects(said)...)
	for i := range out {
		out[i].Presenters = k.presenters(out[i].Was, out[i].Is)
	}
	return out
}

// states says what a grant of the change gives at each moment.
func (k *comparison) states(s *Step, was, is mivet.PrincipalID) (before, during, after State) {
	before, during, after = Absent, Absent, Absent
	if s.existed() {
		before = k.stateOf(was, false)
	}
	switch {
	case k.absentAfter(s):
	case k.lists[impossible][s.Address] && !s.existed():
	case k.lists[impossible][s.Address]:
		after = k.stateOf(was, true)
	case s.stays():
		after = k.stateOf(is, true)
	}
	// Between, the least counts: what is made is not yet there, what is deleted is gone.
	switch {
	case before == Absent || after == Absent || s.replaced() && !s.createdFirst() || was != is && !s.createdFirst():
	case k.interruptedOwner(was):
		during = Orphaned
	default:
		during = after
	}
	return before, during, after
}

// stateOf is the state of a grant that is there, by its principal.
func (k *comparison) stateOf(p mivet.PrincipalID, after bool) State {
	_, gone := k.ceased[p]
	switch {
	case p == "":
		return Open
	case gone && (after || k.endedEarlier(p)):
		return Orphaned
	default:
		return Held
	}
}

// endedEarlier reports whether a principal ended outside of the change.
func (k *comparison) endedEarlier(p mivet.PrincipalID) bool {
	for _, ids := range k.was {
		if slices.Contains(ids, p) {
			return true
		}
	}
	return false
}

func (k *comparison) interruptedOwner(p mivet.PrincipalID) bool {
	m := k.before.index.Identity(p)
	return m != nil && !k.outlives(bearer{p, address(m.Source)})
}

// outsideEffects are the grants of the tenant that end or strand.
func (k *comparison) outsideEffects(said sayings) []GrantEffect {
	var out []GrantEffect
	seen := map[string]bool{}
	for i := range k.before.grants {
		h := &k.before.grants[i]
		if h.address != "" {
			continue
		}
		name := h.label()
		gone, orphaned := k.lists[swept][name], k.lists[stranded][name]
		if seen[name] || !gone && !orphaned {
			continue
		}
		seen[name] = true
		g := GrantEffect{
			Address: name, What: said.words(h) + said.idle(h), Scope: h.scope, Was: h.principal, Is: h.principal,
			Before: k.stateOf(h.principal, false), During: Orphaned, After: Orphaned,
		}
		if gone {
			g.During, g.After = Absent, Absent
		}
		out = append(out, g)
	}
	return out
}

// presenters lists what can present one of the principals.
func (k *comparison) presenters(ids ...mivet.PrincipalID) []Presenter {
	out := []Presenter{}
	at := map[string]int{}
	add := func(key string, p Presenter, after bool) {
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, p)
		}
		out[i].Before, out[i].After = out[i].Before || !after, out[i].After || after
		out[i].Address = cmp.Or(out[i].Address, p.Address)
	}
	for n, d := range []*side{&k.before, &k.after} {
		s := []*mivet.Snapshot{k.Before, k.After}[n]
		for _, id := range slices.Compact(slices.Clone(ids)) {
			m := d.index.Identity(id)
			if id == "" || m == nil {
				continue
			}
			d.index.Carriers(m, func(r *mivet.Resource) bool {
				add(cmp.Or(address(r.Source), string(r.ID.Key())), Presenter{Resource: r.ID, Address: address(r.Source)}, n == 1)
				return true
			})
			for i := range s.FederatedCredentials {
				if f := &s.FederatedCredentials[i]; m.Kind == mivet.UserAssigned && f.Identity.Equal(m.Resource) {
					trust := f.Issuer + " " + cmp.Or(f.Subject, f.Expression)
					add("trust "+trust, Presenter{Address: address(f.Source), Trust: trust}, n == 1)
				}
			}
		}
	}
	return out
}

// sayings say what grants give, by the address of those of the change.
type sayings struct {
	k         *comparison
	byAddress map[string][]*held
}

func (k *comparison) sayings() sayings {
	s := sayings{k, map[string][]*held{}}
	for _, list := range [][]held{k.before.grants, k.after.grants} {
		for i := range list {
			if h := &list[i]; h.address != "" {
				s.byAddress[h.address] = append(s.byAddress[h.address], h)
			}
		}
	}
	return s
}

// of says what the object of an address gives, and where; as it is after, where it is.
func (s sayings) of(address string) (string, arm.ID) {
	list := s.byAddress[address]
	if len(list) == 0 {
		return s.planned(address)
	}
	last := list[len(list)-1]
	var words []string
	for _, h := range list {
		if w := s.words(h); h.principal == last.principal && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ") + s.idle(last), last.scope
}

// planned says what a grant would give that is on neither side as planned.
func (s sayings) planned(where string) (string, arm.ID) {
	for i := range s.k.After.RoleAssignments {
		if a := &s.k.After.RoleAssignments[i]; address(a.Source) == where {
			return s.words(&held{what: "role " + s.k.roleName(&s.k.after, a)}), a.Scope
		}
	}
	return "what it gives is not known", arm.ID{}
}

// idle says of an access policy that its vault ignores it: under role assignments the list
// counts for nothing (MicrosoftDocs/azure-security-docs
// articles/key-vault/general/access-control-default.md).
func (s sayings) idle(h *held) string {
	if !strings.HasPrefix(h.what, "policy ") {
		return ""
	}
	for _, d := range []*side{&s.k.after, &s.k.before} {
		if r := d.index.Resource(h.scope); r != nil {
			if on, _ := r.Setting("enableRbacAuthorization"); strings.EqualFold(on, "true") {
				return " (for nothing: the vault uses role assignments)"
			}
			return ""
		}
	}
	return ""
}

func (s sayings) words(h *held) string {
	what := h.what
	if id, ok := strings.CutPrefix(what, "role "); ok {
		what = s.k.nameOfRole(id)
	}
	return what
}
