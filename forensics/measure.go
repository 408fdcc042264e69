// SPDX-License-Identifier: Apache-2.0

package forensics

import (
	"errors"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/minimize"
)

// Measure says what a grant weighs: it asks [minimize] with the measures of the caller, so
// that all commands weigh alike.
type Measure struct {
	Catalog *catalog.Catalog
	// Contains and Count are those of [minimize.Problem], Weight that of [minimize.NewRoles].
	Contains func(scope, below arm.ID) bool
	Count    func(scope arm.ID) map[string]int
	Weight   func(op arm.Operation, plane mivet.Plane) int

	defs   []*mivet.RoleDefinition
	roles  *minimize.Roles
	byName *minimize.Roles // the same, weighed by the names of operations; nil until it is asked
}

// load compares the roles of a snapshot and of Azure with all operations, once.
func (m *Measure) load(s *mivet.Snapshot) {
	if m.roles != nil {
		return
	}
	for _, list := range [][]mivet.RoleDefinition{s.RoleDefinitions, m.Catalog.Roles()} {
		for i := range list {
			if d := &list[i]; !slices.ContainsFunc(m.defs, func(x *mivet.RoleDefinition) bool { return x.ID == d.ID }) {
				m.defs = append(m.defs, d)
			}
		}
	}
	m.roles = minimize.NewRoles(m.Catalog, m.defs, m.Weight)
}

func (m *Measure) problem(needs []minimize.Need) *minimize.Problem {
	return &minimize.Problem{Needs: needs, Roles: m.roles, Contains: m.Contains, Count: m.Count}
}

// plain is the same problem where an operation weighs what its name tells.
func (m *Measure) plain(needs []minimize.Need) *minimize.Problem {
	if m.byName == nil {
		m.byName = minimize.NewRoles(m.Catalog, m.defs, nil)
	}
	p := m.problem(needs)
	p.Roles = m.byName
	return p
}

// risk weighs a role at some places.
func risk(p *minimize.Problem, role *mivet.RoleDefinition, scopes ...arm.ID) int64 {
	p.Scopes = scopes
	var grants []minimize.Grant
	for _, s := range scopes {
		grants = append(grants, minimize.Grant{Role: role, Scope: s})
	}
	return p.Risk(grants)
}

// definition is the role of an assignment, nil where it is not known.
func (m *Measure) definition(a *mivet.RoleAssignment) *mivet.RoleDefinition {
	for _, d := range m.defs {
		if a.Role != "" && d.ID == a.Role || a.Role == "" && strings.EqualFold(d.Name, a.RoleName) {
			return d
		}
	}
	return nil
}

func (m *Measure) holds(scope, below arm.ID) bool {
	if m.Contains != nil {
		return m.Contains(scope, below)
	}
	return scope.Contains(below)
}

// smallest is the least that covers needs; why says in a clause why there is none.
func (m *Measure) smallest(needs []minimize.Need) (p *minimize.Proposal, why string) {
	if len(needs) == 0 {
		return nil, "the log does not name the right that was refused"
	}
	p, err := m.problem(needs).Solve()
	var unmet *minimize.UnmetError
	switch {
	case errors.As(err, &unmet):
		return nil, "no role that is known covers " + unmet.Needs[0].Operation.String()
	case err != nil:
		return nil, err.Error()
	}
	return p, ""
}

// needsOf are the rights that a doing asked for. Of alternatives the first stands for all.
func needsOf(d *Doing, spelled func(arm.ID) arm.ID) []minimize.Need {
	scope, err := arm.ParseID(d.Scope)
	if err != nil || d.Action == "" {
		return nil
	}
	way, _, _ := strings.Cut(d.Action, "|")
	var out []minimize.Need
	for text := range strings.SplitSeq(way, "+") {
		op, err := arm.ParseOperation(text)
		if err != nil {
			return nil
		}
		out = append(out, minimize.Need{Operation: op, Plane: d.Plane, Scope: spelled(scope)})
	}
	return out
}

// nameRole gives an assignment the name of its role, which a log does not tell.
func nameRole(cat *catalog.Catalog, s *mivet.Snapshot, a *mivet.RoleAssignment) {
	if a.RoleName != "" || a.Role == "" {
		return
	}
	for i := range s.RoleDefinitions {
		if d := &s.RoleDefinitions[i]; d.ID == a.Role {
			a.RoleName = d.Name
			return
		}
	}
	if d := cat.Role(a.Role); d != nil {
		a.RoleName = d.Name
	}
}
