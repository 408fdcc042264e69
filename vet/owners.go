// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// NamesOwners reports whether anybody writes down who owns what: the settings name tags or
// owners of files, or something carries one of the tags, be it with an empty value. Where
// nobody does, the lack of an owner says nothing about one identity.
func (p *Pass) NamesOwners() bool {
	if len(p.Settings.OwnerTags) > 0 || p.Settings.Owners != nil {
		return true
	}
	tagged := func(tags map[string]string) bool {
		for k := range tags {
			if slices.ContainsFunc(p.OwnerTags(), func(name string) bool { return strings.EqualFold(k, name) }) {
				return true
			}
		}
		return false
	}
	for i := range p.Snapshot.Resources {
		if d := p.Snapshot.Resources[i].Detail; d != nil && tagged(d.Tags) {
			return true
		}
	}
	return slices.ContainsFunc(p.Snapshot.Subscriptions, func(s mivet.Subscription) bool { return tagged(s.Tags) })
}

// TagsUnread returns the gap behind which the tags of a resource may be: one that is known
// by its name alone, from an input that does not hold all resources. It is nil where the
// tags were read.
func (p *Pass) TagsUnread(r *mivet.Resource) *mivet.Gap {
	if r.Detail != nil || r.Location != "" {
		return nil
	}
	if gap := p.GapAbout(mivet.FactResources, r.ID.String()); gap != nil {
		return gap
	}
	return p.Gap(mivet.FactResources, r.ID)
}

// Owners returns a function that tells who owns a resource of a snapshot, or "".
func Owners(s *mivet.Snapshot, settings Settings) func(id arm.ID, declared mivet.Source) string {
	p := &Pass{Snapshot: s, Settings: settings, shared: newShared(s, nil)}
	return func(id arm.ID, declared mivet.Source) string {
		owner, _ := p.Owner(id, declared)
		return owner
	}
}
