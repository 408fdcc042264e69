// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/review"
)

// accessChangeJSON is access that was lost or gained.
type accessChangeJSON struct {
	extraJSON
	// Beside says what changed of the workloads that present the identity, or that nothing did.
	Beside string `json:"beside"`
	// Made says who made the grants that are new, as far as that is told; empty for what was
	// lost, of which the facts do not tell who took it.
	Made []string `json:"made"`
}

func (d *differing) accessJSON(list []authz.Extra, side int) []accessChangeJSON {
	c := comparison{of: d.of}
	out := []accessChangeJSON{}
	for i, x := range c.extras(list) {
		out = append(out, accessChangeJSON{x, d.beside(&list[i], side), d.makers(&list[i], side)})
	}
	return out
}

// makers tells who made the assignments that are there after and were not before, and that
// reach what was gained.
func (d *differing) makers(x *authz.Extra, side int) []string {
	out := []string{}
	if side == 0 || x.B == "" {
		return out
	}
	after := d.of[1]
	for _, a := range d.newGrants(x.B) {
		if !d.covers(a.Scope, x.Scope) {
			continue
		}
		text := roleWordsOf(a, after.index)
		switch {
		case a.CreatedBy == "" && a.CreatedOn.IsZero():
			text += ": the facts do not tell by whom"
		case a.CreatedBy == "":
			text += " on " + a.CreatedOn.UTC().Format(time.DateOnly)
		default:
			who, _ := after.describe(a.CreatedBy)
			text += " by " + who
			if !a.CreatedOn.IsZero() {
				text += " on " + a.CreatedOn.UTC().Format(time.DateOnly)
			}
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// newGrants are the assignments of a principal and its groups that were not there before.
func (d *differing) newGrants(who mivet.PrincipalID) []*mivet.RoleAssignment {
	if list, ok := d.fresh[who]; ok {
		return list
	}
	list := []*mivet.RoleAssignment{}
	for _, holder := range d.inv[1].WithGroups(who) {
		for _, r := range d.inv[1].Rows(holder) {
			if r.Edit.Assignment != nil && d.inv[0].Row(r.ID) == nil {
				list = append(list, r.Edit.Assignment)
			}
		}
	}
	d.fresh[who] = list
	return list
}

func roleWordsOf(a *mivet.RoleAssignment, x *mivet.Index) string {
	if d := x.Role(a.Role); d != nil {
		return d.Name
	}
	if a.RoleName != "" {
		return a.RoleName
	}
	return string(a.Role)
}

// besideRoles are the sorts of rights that no comparison of operations shows.
var besideRoles = []review.Kind{review.KindEligible, review.KindMember, review.KindAppRole, review.KindDirectory, review.KindFederation, review.KindPathACL}

// grantChangeJSON is a right beside the roles of Azure that an identity has on one side alone.
type grantChangeJSON struct {
	Identity principalJSON `json:"identity"`
	Kind     review.Kind   `json:"kind"`
	What     string        `json:"what"`
	gained   bool
}

// grants compares memberships, eligible assignments, permissions of applications, roles of
// the directory, federated credentials and lists of paths of all identities.
func (d *differing) grants() []grantChangeJSON {
	out := []grantChangeJSON{}
	for side := range d.inv {
		seen := map[mivet.PrincipalID]bool{}
		for i := range d.of[side].snap.Identities {
			who := d.of[side].snap.Identities[i].Principal
			if who == "" || seen[who] {
				continue
			}
			seen[who] = true
			for _, r := range d.inv[side].Rows(who) {
				if slices.Contains(besideRoles, r.Kind) && d.inv[1-side].Row(r.ID) == nil {
					out = append(out, grantChangeJSON{d.of[side].principalJSON(who), r.Kind, review.What(d.of[side].snap, d.of[side].index, d.cat, r), side == 1})
				}
			}
		}
	}
	return out
}
