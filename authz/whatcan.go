// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"iter"
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// WhatCanQuery asks what a principal can do.
type WhatCanQuery struct {
	Principal mivet.PrincipalID
	Groups    []mivet.PrincipalID
	At        time.Time
}

// Right is a grant that a principal holds, itself or through a group: its role at its
// scope and everything below, as far as no deny assignment, condition, or permission
// model takes it back. [Engine.Check] decides about a single operation and resource.
type Right struct {
	// One of these is set.
	Assignment *mivet.RoleAssignment
	Policy     *mivet.AccessPolicy
	Local      *mivet.LocalAssignment
	Delegation *mivet.Delegation
	// Delegated is the grant of the delegation.
	Delegated *mivet.DelegatedGrant

	Role     *mivet.RoleDefinition // nil: its definition is not known
	RoleName string
	Scope    arm.ID
	Via      []mivet.PrincipalID
	// Effect is Allowed for a grant that holds now, Denied for one that does not (eligible,
	// out of time, or ignored by the resource that it is held at), and Unknown where a
	// condition, a time, the role or the resource's permission model is not known.
	Effect Effect
	Cause  Cause
	// Ignored are resources that do not count the grant, or a part of it: the one that it is
	// held at or below, and of those below its scope the ones for which nothing is left.
	Ignored []Ignored
	Source  mivet.Source

	engine *Engine
	grant  *grant
}

// WhatCan calls yield for every grant of a principal, its own first, by scope.
func (e *Engine) WhatCan(w WhatCanQuery) iter.Seq[Right] {
	return func(yield func(Right) bool) {
		r := Request{Principal: w.Principal, Groups: w.Groups, At: w.At}
		var q question
		q.ask(e, &r)
		t := trace{q: &q}
		for i := -1; i < len(q.groups); i++ {
			for _, s := range q.subjects(i) {
				list := e.grants.of(s)
				for j := range list {
					if !yield(t.right(&q, &list[j])) {
						return
					}
				}
			}
		}
	}
}

func (t *trace) right(q *question, g *grant) Right {
	r := t.reason(q, g)
	out := Right{
		Assignment: r.Assignment, Policy: r.Policy, Local: r.Local, Delegation: r.Delegation, Delegated: r.Delegated, Role: r.Role, RoleName: r.RoleName,
		Scope: r.Scope, Via: r.Via, Source: r.Source, Effect: Allowed, Cause: CauseGrant, engine: q.e, grant: g,
	}
	if out.Role == nil {
		out.Effect, out.Cause = Unknown, CauseRole
	}
	if g.slow() {
		out.ride(q.e.grants.rider(g), q.at)
	}
	out.Ignored = q.e.ignored(g, out.Scope)
	out.obey()
	return out
}

// ride takes what decides beside the role into account.
func (r *Right) ride(rd *rider, at time.Time) {
	in := rd.inTime(at)
	switch {
	case rd.eligible:
		r.Effect, r.Cause = Denied, CauseEligible
	case in == abac.False:
		r.Effect, r.Cause = Denied, CauseTime
	case in == abac.Unknown:
		r.Effect, r.Cause = Unknown, CauseTime
	case rd.doubt != "":
		r.Effect, r.Cause = Unknown, rd.doubtWhy
	case rd.condition != nil:
		r.Effect, r.Cause = Unknown, CauseCondition
	}
}

// Operations calls yield for every operation of the catalogue that the right's role gives
// on a plane, conditions inside the role aside.
func (r *Right) Operations(plane mivet.Plane) iter.Seq[arm.Operation] {
	return func(yield func(arm.Operation) bool) {
		e := r.engine
		if e.cat == nil {
			return
		}
		for i := range e.cat.NumOperations() {
			row := e.rows.getKnown(i)
			if row.plane != mivet.PlaneUnknown && row.plane != plane {
				continue
			}
			switch row.code(r.grant.roleNumber(), plane) {
			case codeGrants, codeHangs:
				if !yield(e.cat.Operation(i)) {
					return
				}
			case codeNo, codeNotKnown:
			}
		}
	}
}

// Gives says whether the right's role gives an operation on a plane at the right's own
// scope: conditions inside the role make it unknown.
func (r *Right) Gives(op arm.Operation, plane mivet.Plane) Effect {
	q := question{e: r.engine, row: r.engine.rows.get(op), node: r.grant.scope, resource: r.Scope}
	q.on(plane)
	switch q.row.code(r.grant.roleNumber(), plane) {
	case codeGrants:
		return r.weighed(q.weight[r.grant.class()])
	case codeNo:
		return Denied
	default:
		if r.Effect == Denied {
			return Denied
		}
		return Unknown
	}
}

// weighed is the right's effect on an operation whose grants count, do not, or may.
func (r *Right) weighed(counts abac.Truth) Effect {
	switch {
	case r.Effect == Denied || counts == abac.False:
		return Denied
	case counts == abac.Unknown:
		return Unknown
	default:
		return r.Effect
	}
}

// Matrix answers one operation for many principals and resources. Row i holds the
// answers for principal i, in the order of the resources.
type Matrix struct {
	Effects [][]Effect
}

// Matrix answers as [Engine.Check] would for every pair. Its cost is in proportion to the
// answers that it writes plus the grants of the principals.
func (e *Engine) Matrix(principals []mivet.PrincipalID, w WhoCanQuery, resources []arm.ID) Matrix {
	m := newMatrixRun(e, &w, resources)
	out := Matrix{Effects: make([][]Effect, len(principals))}
	cells := make([]Effect, len(principals)*len(resources))
	for i, p := range principals {
		row := cells[i*len(resources) : (i+1)*len(resources)]
		m.fill(p, row)
		out.Effects[i] = row
	}
	return out
}

// matrixRun is the work that all rows of a matrix share.
type matrixRun struct {
	e         *Engine
	w         *WhoCanQuery
	resources []arm.ID
	order     []int32    // resources by node
	nodes     []arm.Node // of the ordered resources
	// plain says that only sure grants of the caller decide: one plane, no deny, no gap,
	// and no system of a service's own.
	plain bool
	plane mivet.Plane
	row   *row
}

func newMatrixRun(e *Engine, w *WhoCanQuery, resources []arm.ID) *matrixRun {
	m := &matrixRun{e: e, w: w, resources: resources, row: e.rows.get(w.Operation), plane: w.Plane}
	if m.plane == mivet.PlaneUnknown {
		m.plane = m.row.plane
	}
	nodes := make([]arm.Node, len(resources))
	m.order = make([]int32, len(resources))
	placed := true
	for i := range resources {
		nodes[i], _ = e.tree.Find(resources[i])
		m.order[i] = int32(i)
		q := question{e: e, resource: resources[i], node: nodes[i]}
		placed = placed && e.placeOf(&q) == placeKnown
	}
	slices.SortFunc(m.order, func(a, b int32) int { return int(nodes[a]) - int(nodes[b]) })
	m.nodes = make([]arm.Node, len(resources))
	for i, o := range m.order {
		m.nodes[i] = nodes[o]
	}
	m.plain = placed && m.plane != mivet.PlaneUnknown && len(e.denies.all) == 0 && !e.unread &&
		!e.decidedBeside(m.row, m.plane)
	return m
}

// fill answers for one principal.
func (m *matrixRun) fill(p mivet.PrincipalID, row []Effect) {
	n := m.e.people.find(p)
	if !m.plain {
		m.ask(p, row)
		return
	}
	for i := range row {
		row[i] = Denied
	}
	if n == noPerson {
		return
	}
	for _, s := range m.e.people.subjects.of(n) {
		list := m.e.grants.of(s)
		for i := range list {
			m.mark(p, &list[i], row)
		}
	}
}

// mark writes the answers that a grant gives.
func (m *matrixRun) mark(p mivet.PrincipalID, g *grant, row []Effect) {
	c := m.row.code(g.roleNumber(), m.plane)
	if c == codeNo || !g.ofRoles() {
		return
	}
	from, _ := slices.BinarySearch(m.nodes, g.scope)
	to, _ := slices.BinarySearch(m.nodes, g.last+1)
	sure := c == codeGrants && !g.slow()
	for i := from; i < to; i++ {
		at := m.order[i]
		if sure {
			row[at] = Allowed
		} else if row[at] == Denied {
			row[at] = m.e.Check(m.request(p, int(at))).Effect
		}
	}
}

func (m *matrixRun) ask(p mivet.PrincipalID, row []Effect) {
	for i := range row {
		row[i] = m.e.Check(m.request(p, i)).Effect
	}
}

func (m *matrixRun) request(p mivet.PrincipalID, i int) Request {
	r := m.w.request(p)
	r.Resource = m.resources[i]
	return r
}
