// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// held is one access that a grant gives: a role at a scope, or a permission of an access
// policy.
type held struct {
	principal mivet.PrincipalID
	// what names the access without its place, such as "role 4633458b-…".
	what  string
	scope arm.ID
	// address is the object that gives it; a vault's for a policy written inside, "" for one
	// that the change does not manage.
	address string
	// id is the assignment's own ID, where it has one.
	id     arm.ID
	source mivet.Source
}

// label names a grant: by its address, its ID, or what it gives.
func (h *held) label() string {
	switch {
	case h.address != "":
		return h.address
	case !h.id.IsZero():
		return h.id.String()
	default:
		what, _, _ := strings.Cut(h.what, "/")
		return what + " of " + string(h.principal) + " at " + h.scope.String()
	}
}

// grants finds out what becomes of each grant.
func (k *comparison) grants() {
	for i := range k.Steps {
		s := &k.Steps[i]
		if s.Grant == nil {
			continue
		}
		g := s.Grant
		switch {
		case !s.existed() && g.After.Empty:
			k.add(impossible, s.Address, "its principal is planned as an empty text; Azure refuses it, and a second run has it")
		case !s.existed(), !s.stays():
			k.noise = true
		default:
			k.grant(s)
		}
	}
	k.before.grants = k.holdings(&k.before, k.Before)
	k.after.grants = k.settle(k.holdings(&k.after, k.After))
	k.broad()
}

// grant compares the two sides of a grant that is there on both.
func (k *comparison) grant(s *Step) {
	g, now := s.Grant, k.boundAfter(s)
	old := g.Before.Principal
	changed := old != "" && now != "" && old != now
	switch {
	case g.After.Empty:
		k.add(impossible, s.Address, "its principal is planned as an empty text; Azure refuses it, and a second run has it")
	case s.impossibleUpdate(changed):
		k.add(impossible, s.Address, "Azure does not change the principal of a role assignment (RoleAssignmentUpdateNotPermitted): the old one stays")
	case changed && !s.forgotten():
		k.add(rebound, s.Address, "it was held by %s, and will be by %s", named(old), named(now))
	}
	keeps := now
	if k.lists[impossible][s.Address] && !s.replaced() {
		keeps = old
	}
	if _, gone := k.ceased[keeps]; gone && keeps != "" && !k.absentAfter(s) {
		k.add(stranded, s.Address, "it stays, and is held by %s, which ends", named(keeps))
	}
	if len(s.Actions) > 0 && !s.does("no-op") && !s.does("read") {
		k.noise = k.noise || changed || s.replaced() || s.does("update") && g.Role
	}
}

// impossibleUpdate reports whether a step changes the principal of a role assignment in
// place.
func (s *Step) impossibleUpdate(changed bool) bool {
	return changed && s.Grant.Role && s.does("update")
}

// absentAfter reports whether a grant that was to be replaced is not there afterwards: the
// old one is deleted and the new one refused.
func (k *comparison) absentAfter(s *Step) bool {
	return !s.stays() || s.Grant.After.Empty && (s.replaced() || !s.existed())
}

// boundAfter is the principal of a grant afterwards. Where the plan does not show whom it
// takes, it is taken to follow the owner of the principal that it had.
func (k *comparison) boundAfter(s *Step) mivet.PrincipalID {
	g := s.Grant
	if !g.After.Open {
		return g.After.Principal
	}
	if successor, gone := k.ceased[g.Before.Principal]; gone && successor != "" {
		return successor
	}
	return g.Before.Principal
}

// settle puts the grants of the plan as they will really be: an impossible update leaves
// the old one, a principal that is not told follows its owner, and what the plan does not
// tell of a grant that stays is taken from before.
func (k *comparison) settle(all []held) []held {
	seen := map[string]bool{}
	var out []held
	for _, h := range all {
		s := k.steps[h.address]
		if s == nil || s.Grant == nil {
			out = append(out, h)
			continue
		}
		if k.absentAfter(s) || k.lists[impossible][s.Address] {
			continue
		}
		seen[h.address] = true
		if h.principal = k.boundAfter(s); s.Grant.After.Principal != "" && !s.Grant.After.Open {
			h.principal = s.Grant.After.Principal
		}
		out = append(out, h)
	}
	for _, h := range k.before.grants {
		s := k.steps[h.address]
		if s == nil || s.Grant == nil || seen[h.address] || k.absentAfter(s) {
			continue
		}
		if !k.lists[impossible][s.Address] {
			h.principal = k.boundAfter(s)
		}
		h.scope = k.moved(h.scope)
		out = append(out, h)
	}
	return out
}

// holdings lists what the grants of a snapshot give.
func (k *comparison) holdings(d *side, s *mivet.Snapshot) []held {
	var out []held
	add := func(p mivet.PrincipalID, what string, scope, id arm.ID, src mivet.Source) {
		if p != "" {
			out = append(out, held{principal: p, what: what, scope: scope, address: address(src), id: id, source: src})
		}
	}
	for i := range s.RoleAssignments {
		a := &s.RoleAssignments[i]
		what := "role " + k.roleName(d, a)
		if a.Eligible {
			what = "eligible " + what
		}
		add(a.Principal, what, a.Scope, a.ID, a.Source)
	}
	for i := range s.AccessPolicies {
		p := &s.AccessPolicies[i]
		for _, list := range []struct {
			name  string
			words []string
		}{{"keys", p.Keys}, {"secrets", p.Secrets}, {"certificates", p.Certificates}, {"storage", p.Storage}} {
			for _, word := range list.words {
				add(p.Principal, "policy "+list.name+"/"+strings.ToLower(word), p.Vault, arm.ID{}, p.Source)
			}
		}
	}
	for i := range s.LocalGrants {
		g := &s.LocalGrants[i]
		add(g.Principal, strings.TrimSpace(string(g.System)+" "+g.Role+" "+g.Scope), g.Account, arm.ID{}, g.Source)
	}
	return out
}

// roleName is one name for a role, whether it is given by its ID or by its name.
func (k *comparison) roleName(d *side, a *mivet.RoleAssignment) string {
	if r := k.definition(d, a); r != nil {
		return string(r.ID)
	}
	if a.Role != "" {
		return string(a.Role)
	}
	return strings.ToLower(a.RoleName)
}

func (k *comparison) definition(d *side, a *mivet.RoleAssignment) *mivet.RoleDefinition {
	if a.Role != "" {
		if r := d.index.Role(a.Role); r != nil {
			return r
		}
		if r := k.catalog.Role(a.Role); r != nil {
			return r
		}
	}
	if a.RoleName == "" {
		return nil
	}
	for i := range k.After.RoleDefinitions {
		if r := &k.After.RoleDefinitions[i]; strings.EqualFold(r.Name, a.RoleName) {
			return r
		}
	}
	return k.catalog.RoleByName(a.RoleName)
}

// broad finds the grants that the plan makes and that are broad.
func (k *comparison) broad() {
	for i := range k.After.RoleAssignments {
		a := &k.After.RoleAssignments[i]
		s := k.steps[address(a.Source)]
		if s == nil || s.Grant == nil || !s.does("create") || !wide(a.Scope) {
			continue
		}
		if r := k.definition(&k.after, a); r != nil && sweeping(r) {
			k.add(broad, s.Address, "it gives %s over %s", r.Name, a.Scope)
		}
	}
}

// wide reports whether a scope is a resource group or wider.
func wide(id arm.ID) bool {
	switch id.Level() {
	case arm.LevelRoot, arm.LevelManagementGroup, arm.LevelSubscription, arm.LevelResourceGroup:
		return true
	default:
		return false
	}
}

// The operation that grants roles.
const grantsRoles = "Microsoft.Authorization/roleAssignments/write"

// sweeping reports whether a role has all actions, or grants roles.
func sweeping(d *mivet.RoleDefinition) bool {
	op, err := arm.ParseOperation(grantsRoles)
	return slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool {
		return slices.Contains(p.Actions, "*") || err == nil && matches(p.Actions, op) && !matches(p.NotActions, op)
	})
}

func matches(patterns []string, op arm.Operation) bool {
	return slices.ContainsFunc(patterns, func(text string) bool {
		p, err := arm.ParsePattern(text)
		return err == nil && p.Matches(op)
	})
}
