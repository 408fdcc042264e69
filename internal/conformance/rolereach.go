// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/execpath"
)

// answerRoleReach lists the techniques that a built-in role satisfies alone.
func answerRoleReach(_ context.Context, r *Runner, c *Case) (any, error) {
	var in struct{ Role, Name string }
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := require(given{"role", in.Role+in.Name != ""}); err != nil {
		return nil, err
	}
	if r.options.Catalog == nil {
		return nil, errors.New("there is no catalogue of built-in roles")
	}
	def := r.options.Catalog.Role(mivet.NewRoleID(in.Role))
	if in.Role == "" {
		def = r.options.Catalog.RoleByName(in.Name)
	}
	if def == nil {
		return nil, fmt.Errorf("the catalogue has no built-in role %s %q", in.Role, in.Name)
	}
	table, err := execpath.Builtin()
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, t := range table.Reach(def) {
		ids = append(ids, t.ID)
	}
	slices.Sort(ids)
	return ids, nil
}
