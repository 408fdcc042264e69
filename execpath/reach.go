// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
)

// Reach returns the techniques of which a role satisfies a way alone, at one scope, each
// right on its plane. Conditions inside the role and gates are not looked at; a right
// outside of Azure is never satisfied by a role.
func (t *Table) Reach(def *mivet.RoleDefinition) []*Technique {
	role := authz.CompileRole(def)
	var out []*Technique
	for i := range t.rows {
		row := &t.rows[i]
		if slices.ContainsFunc(row.Ways, func(w Way) bool {
			return !slices.ContainsFunc(w.Needs, func(n Need) bool {
				return n.Plane == OnExternal || role.Gives(n.op, n.plane()) != authz.Allowed
			})
		}) {
			out = append(out, row)
		}
	}
	return out
}
