// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"

	"github.com/mivet/mivet"
)

// actionDeploy is what a template says of a resource: it is made, or changed in place.
const actionDeploy = "deploy"

// bindDeployed returns what a template says with the principals that earlier inputs know:
// a resource that is there already keeps its principal when it is deployed again.
func bindDeployed(earlier, o *mivet.Snapshot) *mivet.Snapshot {
	known := map[mivet.PrincipalID]mivet.PrincipalID{}
	at := map[string]mivet.PrincipalID{}
	for i := range earlier.Identities {
		x := &earlier.Identities[i]
		if _, symbol := x.Principal.Symbolic(); !symbol && x.Principal != "" {
			at[keyOf(string(x.Kind), x.Resource)] = x.Principal
		}
	}
	deployed := map[string]bool{}
	for i := range o.Declarations {
		if d := &o.Declarations[i]; slices.Contains(d.Actions, actionDeploy) {
			deployed[string(d.Resource.Key())] = true
		}
	}
	for i := range o.Identities {
		x := &o.Identities[i]
		_, symbol := x.Principal.Symbolic()
		p := at[keyOf(string(x.Kind), x.Resource)]
		if symbol && p != "" && deployed[string(x.Resource.Key())] {
			known[x.Principal] = p
		}
	}
	if len(known) == 0 {
		return o
	}
	return withPrincipals(o, known)
}

// withPrincipals returns a snapshot with other principals in place of some.
func withPrincipals(o *mivet.Snapshot, to map[mivet.PrincipalID]mivet.PrincipalID) *mivet.Snapshot {
	c := *o
	set := func(p *mivet.PrincipalID) {
		if known, ok := to[*p]; ok {
			*p = known
		}
	}
	c.Identities = slices.Clone(o.Identities)
	for i := range c.Identities {
		set(&c.Identities[i].Principal)
	}
	c.Resources = slices.Clone(o.Resources)
	for i := range c.Resources {
		if a := c.Resources[i].Identity; a != nil && to[a.SystemPrincipal] != "" {
			bound := *a
			set(&bound.SystemPrincipal)
			c.Resources[i].Identity = &bound
		}
	}
	c.RoleAssignments = slices.Clone(o.RoleAssignments)
	for i := range c.RoleAssignments {
		set(&c.RoleAssignments[i].Principal)
	}
	c.AccessPolicies = slices.Clone(o.AccessPolicies)
	for i := range c.AccessPolicies {
		set(&c.AccessPolicies[i].Principal)
	}
	c.LocalGrants = slices.Clone(o.LocalGrants)
	for i := range c.LocalGrants {
		set(&c.LocalGrants[i].Principal)
	}
	return &c
}
