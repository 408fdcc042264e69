// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"maps"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// without builds the graph anew from what is left when facts are taken away.
func (g *Graph) without(all []Fact, removed map[int]bool) *Graph {
	gone := map[FactKind]map[int]bool{}
	settings := map[arm.Key]map[string]string{}
	for i := range removed {
		f := &all[i]
		if f.Kind == FactSetting {
			k := f.Resource.Key()
			if settings[k] == nil {
				settings[k] = map[string]string{}
			}
			settings[k][f.Setting] = f.Value
			continue
		}
		if gone[f.Kind] == nil {
			gone[f.Kind] = map[int]bool{}
		}
		gone[f.Kind][f.Index] = true
	}
	s := *g.snap
	s.RoleAssignments = kept(s.RoleAssignments, gone[FactAssignment])
	s.Memberships = kept(s.Memberships, gone[FactMembership])
	s.AccessPolicies = kept(s.AccessPolicies, gone[FactPolicy])
	s.DirectoryRoles = kept(s.DirectoryRoles, gone[FactDirectory])
	s.AppRoles = kept(s.AppRoles, gone[FactAppRole])
	s.FederatedCredentials = kept(s.FederatedCredentials, gone[FactFederated])
	s.Resources = changed(s.Resources, settings)
	o := g.o
	o.Owners = kept(o.Owners, gone[FactOwner])
	e := authz.New(&s, authz.Options{Catalog: g.cat, At: g.o.At})
	return New(&s, e, o)
}

// kept is a list without some of its elements.
func kept[T any](list []T, gone map[int]bool) []T {
	if len(gone) == 0 {
		return list
	}
	out := make([]T, 0, len(list))
	for i := range list {
		if !gone[i] {
			out = append(out, list[i])
		}
	}
	return out
}

// changed is a list of resources with some settings changed.
func changed(list []mivet.Resource, settings map[arm.Key]map[string]string) []mivet.Resource {
	if len(settings) == 0 {
		return list
	}
	out := make([]mivet.Resource, len(list))
	copy(out, list)
	for i := range out {
		now := settings[out[i].ID.Key()]
		if now == nil || out[i].Detail == nil {
			continue
		}
		d := *out[i].Detail
		d.Settings = maps.Clone(d.Settings)
		maps.Copy(d.Settings, now)
		out[i].Detail = &d
	}
	return out
}
