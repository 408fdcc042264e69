// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/redact"
)

// draft is the next state of the world while it is written. Its snapshot shares its slices
// with the present one, so they are replaced and never changed in place.
type draft struct {
	snap   mivet.Snapshot
	bodies map[arm.Key]object
	lags   []lag
	births map[mivet.PrincipalID]time.Time
	// deletedVaults are those that can be recovered, by their names in small letters.
	deletedVaults map[string]deletedVault

	delay time.Duration // of propagation
	now   time.Time
}

// lag is a grant that Azure's caches do not know of yet: one that was made, or taken away.
type lag struct {
	assignment mivet.RoleAssignment
	until      time.Time
	gone       bool
}

// publish makes the next state of the world. Requests that are under way keep the state that
// they began with. The caller holds the lock of writers.
func (s *Server) publish(edit func(d *draft) error) error {
	old := s.live.Load()
	d := &draft{
		snap: *old.snap, bodies: maps.Clone(old.bodies), births: maps.Clone(old.births), deletedVaults: maps.Clone(old.deletedVaults),
		delay: s.options.Propagation, now: s.now(),
	}
	if d.bodies == nil {
		d.bodies = map[arm.Key]object{}
	}
	if d.births == nil {
		d.births = map[mivet.PrincipalID]time.Time{}
	}
	if d.deletedVaults == nil {
		d.deletedVaults = map[string]deletedVault{}
	}
	for _, l := range old.lags {
		if d.now.Before(l.until) {
			d.lags = append(d.lags, l)
		}
	}
	if err := edit(d); err != nil {
		return err
	}
	w, err := newLaggingWorld(&d.snap, old.cat, d.lags)
	if err != nil {
		return fmt.Errorf("writing to what the lab serves: %w", err)
	}
	w.raw, w.bodies, w.births, w.deletedVaults = old.raw, d.bodies, d.births, d.deletedVaults
	if err := s.keepChanges(old, w); err != nil {
		return err
	}
	s.live.Store(w)
	return nil
}

// without returns a list without the elements that go.
func without[T any](list []T, goes func(*T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), func(e T) bool { return goes(&e) })
}

// with returns a list with one more element.
func with[T any](list []T, e T) []T { return append(slices.Clip(list), e) }

// written is the origin of what was written to the lab.
var written = &mivet.Origin{API: "PUT to the lab"}

// putResource takes a resource as it is now.
func (d *draft) putResource(r mivet.Resource) {
	r.Source = mivet.Source{Origin: written}
	d.snap.Resources = with(without(d.snap.Resources, func(o *mivet.Resource) bool { return o.ID.Equal(r.ID) }), r)
}

// deleteBelow deletes what is at an ID and below it. Principals of identities go; what was
// granted to them elsewhere stays, and points at nothing. Vaults can be recovered.
func (d *draft) deleteBelow(id arm.ID) {
	s := &d.snap
	in := func(other arm.ID) bool { return !other.IsZero() && id.Contains(other) }
	for i := range s.Identities {
		if in(s.Identities[i].Resource) {
			d.forget(s.Identities[i].Principal)
		}
	}
	s.Identities = without(s.Identities, func(i *mivet.Identity) bool { return in(i.Resource) })
	for i := range s.Resources {
		if r := &s.Resources[i]; in(r.ID) && strings.EqualFold(r.ID.Type(), vaultType) {
			d.keepVault(r)
		}
	}
	s.Resources = without(s.Resources, func(r *mivet.Resource) bool { return in(r.ID) })
	s.RoleAssignments = without(s.RoleAssignments, func(a *mivet.RoleAssignment) bool { return in(a.Scope) })
	s.DenyAssignments = without(s.DenyAssignments, func(a *mivet.DenyAssignment) bool { return in(a.Scope) })
	s.AccessPolicies = without(s.AccessPolicies, func(p *mivet.AccessPolicy) bool { return in(p.Vault) })
	s.LocalRoles = without(s.LocalRoles, func(r *mivet.LocalRole) bool { return in(r.Account) })
	s.LocalGrants = without(s.LocalGrants, func(g *mivet.LocalAssignment) bool { return in(g.Account) })
	s.PathACLs = without(s.PathACLs, func(p *mivet.PathACL) bool { return in(p.Container) })
	s.Locks = without(s.Locks, func(l *mivet.Lock) bool { return in(l.Scope) })
	s.FederatedCredentials = without(s.FederatedCredentials, func(f *mivet.FederatedCredential) bool { return in(f.Identity) })
	for k := range d.bodies {
		if k == id.Key() || strings.HasPrefix(string(k), string(id.Key())+"/") {
			delete(d.bodies, k)
		}
	}
}

// forget takes a principal out of the directory. Role assignments, access policies and
// grants of services to it stay: so Azure leaves them.
func (d *draft) forget(p mivet.PrincipalID) {
	s := &d.snap
	s.Principals = without(s.Principals, func(o *mivet.Principal) bool { return o.ID == p })
	s.Memberships = without(s.Memberships, func(m *mivet.Membership) bool { return m.Member == p })
	s.AppRoles = without(s.AppRoles, func(a *mivet.AppRoleAssignment) bool { return a.Principal == p })
	s.DirectoryRoles = without(s.DirectoryRoles, func(a *mivet.DirectoryRoleAssignment) bool { return a.Principal == p })
}

// bear gives a resource an identity with a principal that there never was before.
func (d *draft) bear(kind mivet.IdentityKind, resource arm.ID) mivet.PrincipalID {
	i := mivet.Identity{
		Kind: kind, Resource: resource, Principal: mivet.PrincipalID(guidOf("principal", randomText(16))), ClientID: guidOf("client", randomText(16)),
		TenantID: d.snap.TenantID, Source: mivet.Source{Origin: written},
	}
	d.snap.Identities = with(d.snap.Identities, i)
	d.snap.Principals = with(d.snap.Principals, mivet.Principal{
		ID: i.Principal, Type: mivet.TypeServicePrincipal, Name: resource.Name(), ClientID: i.ClientID, Managed: true, Source: i.Source,
	})
	if d.delay > 0 {
		d.births[i.Principal] = d.now.Add(d.delay)
	}
	return i.Principal
}

// dropSystem ends the system-assigned identity of a resource.
func (d *draft) dropSystem(resource arm.ID) {
	for i := range d.snap.Identities {
		if id := &d.snap.Identities[i]; id.Kind != mivet.UserAssigned && id.Resource.Equal(resource) {
			d.forget(id.Principal)
		}
	}
	d.snap.Identities = without(d.snap.Identities, func(i *mivet.Identity) bool { return i.Kind != mivet.UserAssigned && i.Resource.Equal(resource) })
}

// putAssignment takes a role assignment, and dropAssignment takes it away. Both reach the
// engine late if Azure's delays are played.
func (d *draft) putAssignment(a mivet.RoleAssignment) {
	a.Source = mivet.Source{Origin: written}
	d.snap.RoleAssignments = with(without(d.snap.RoleAssignments, func(o *mivet.RoleAssignment) bool { return o.ID.Equal(a.ID) }), a)
	if d.delay > 0 {
		d.lags = append(d.lags, lag{a, d.now.Add(d.delay), false})
	}
}

func (d *draft) dropAssignment(a *mivet.RoleAssignment) {
	gone := *a
	d.snap.RoleAssignments = without(d.snap.RoleAssignments, func(o *mivet.RoleAssignment) bool { return o.Scope.Equal(gone.Scope) && sameAssignment(o, &gone) })
	d.lags = slices.DeleteFunc(d.lags, func(l lag) bool { return sameAssignment(&l.assignment, &gone) })
	if d.delay > 0 {
		d.lags = append(d.lags, lag{gone, d.now.Add(d.delay), true})
	}
}

func sameAssignment(a, b *mivet.RoleAssignment) bool {
	if a.ID.IsZero() && b.ID.IsZero() {
		return a.Principal == b.Principal && a.Role == b.Role && a.RoleName == b.RoleName && a.Scope.Equal(b.Scope) && a.Condition == b.Condition
	}
	return a.ID.Equal(b.ID)
}

// lagging returns the snapshot as the engine knows it while grants are under way.
func lagging(s *mivet.Snapshot, lags []lag) *mivet.Snapshot {
	if len(lags) == 0 {
		return s
	}
	late := *s
	late.RoleAssignments = slices.Clone(s.RoleAssignments)
	for _, l := range lags {
		if l.gone {
			a := l.assignment
			if a.End.IsZero() || l.until.Before(a.End) {
				a.End = l.until
			}
			late.RoleAssignments = append(late.RoleAssignments, a)
			continue
		}
		for i := range late.RoleAssignments {
			if a := &late.RoleAssignments[i]; sameAssignment(a, &l.assignment) && a.Start.Before(l.until) {
				a.Start = l.until
			}
		}
	}
	return &late
}

// settler reads from a resource what decides something for identities.
type settler struct{ r *redact.Redactor }

// settings returns the settings of a resource as it was written.
func (s *settler) settings(typ string, body object) (map[string]string, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("reading the settings of a resource: %w", err)
	}
	kept, err := s.r.Properties(typ, raw)
	if err != nil {
		return nil, fmt.Errorf("reading the settings of a resource: %w", err)
	}
	var o struct {
		Properties json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(kept, &o); err != nil {
		return nil, fmt.Errorf("reading the settings of a resource: %w", err)
	}
	return s.r.Settings(typ, o.Properties), nil
}
