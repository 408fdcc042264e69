// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// PrincipalRef is an interned principal of one engine.
type PrincipalRef struct{ number int32 }

// ResourceRef is an interned resource of one engine.
type ResourceRef struct {
	id    arm.ID
	node  arm.Node
	exact bool
	place place
}

// OperationRef is an interned operation of one engine.
type OperationRef struct{ row *row }

// Principal interns a principal. One that the snapshot does not name is interned as such.
func (e *Engine) Principal(id mivet.PrincipalID) PrincipalRef {
	return PrincipalRef{e.people.find(id)}
}

// Resource interns a resource.
func (e *Engine) Resource(id arm.ID) ResourceRef {
	q := question{e: e, resource: id}
	q.node, q.exact = e.tree.Find(id)
	return ResourceRef{id: id, node: q.node, exact: q.exact, place: e.placeOf(&q)}
}

// Operation interns an operation.
func (e *Engine) Operation(op arm.Operation) OperationRef { return OperationRef{e.rows.get(op)} }

// CheckRef answers as [Engine.Check] does for a request of these three and nothing else.
// The references must be of this engine.
func (e *Engine) CheckRef(p PrincipalRef, o OperationRef, r *ResourceRef, plane mivet.Plane, at time.Time) Decision {
	if plane == mivet.PlaneUnknown {
		plane = o.row.plane
	}
	if e.isPlain(o.row, plane, r.node, r.place) {
		if d, ok := e.fast(p.number, o.row, plane, r.node); ok {
			return d
		}
	}
	q := question{
		e: e, person: p.number, resource: r.id, node: r.node, exact: r.exact, place: r.place, row: o.row, at: at,
	}
	if q.at.IsZero() {
		q.at = e.at
	}
	return q.decidePlanes(plane)
}

// isPlain reports whether nothing but grants decides: no deny assignment at or above the
// resource, nothing unread, no system of a service's own.
func (e *Engine) isPlain(r *row, plane mivet.Plane, n arm.Node, p place) bool {
	return !e.unread && p == placeKnown && plane != mivet.PlaneUnknown && e.denies.near[n] < 0 &&
		!e.decidedBeside(r, plane)
}

// decidedBeside reports whether something beside roles may decide about an operation: an
// access list, a service's own system, a setting of the resource.
func (e *Engine) decidedBeside(r *row, plane mivet.Plane) bool {
	return plane == mivet.PlaneData && (r.vault || r.local || r.blob && e.lakes.any) || r.modelled(plane)
}

// fast looks for a grant that surely gives the operation. It reports false where
// something else than a plain role decides, so that the facts must be weighed in full.
func (e *Engine) fast(person int32, r *row, plane mivet.Plane, n arm.Node) (Decision, bool) {
	none := Decision{Effect: Denied, Cause: CauseNoGrant, Fact: -1}
	if person == noPerson {
		return none, true
	}
	shift := 0
	if plane == mivet.PlaneData {
		shift = 2
	}
	own := &e.spans[person]
	d, ok := fastIn(e.grants.all[own.from:own.to], r, shift, n)
	if !ok || d.Effect == Allowed {
		return d, ok
	}
	for _, s := range e.people.subjects.items[own.groups:own.groupsEnd] {
		d, ok := fastIn(e.grants.of(s), r, shift, n)
		if !ok || d.Effect == Allowed {
			return d, ok
		}
	}
	return none, true
}

// fastIn looks through the grants of one subject.
func fastIn(list []grant, r *row, shift int, n arm.Node) (Decision, bool) {
	none := Decision{Effect: Denied, Cause: CauseNoGrant, Fact: -1}
	if len(list) > shortList {
		return none, false
	}
	for i := range list {
		g := &list[i]
		if !g.covers(n) {
			continue
		}
		c := code(r.codes[g.roleNumber()] >> shift & 3)
		switch {
		case c == codeNo || !g.ofRoles():
		case c == codeGrants && !g.slow():
			return Decision{Effect: Allowed, Cause: CauseGrant, Fact: int(g.fact), Local: g.local()}, true
		default:
			return none, false
		}
	}
	return none, true
}

// span is where a principal's grants and groups lie, side by side, so that a question
// about somebody new reads one place for them.
type span struct {
	from, to          int32 // in grants.all
	groups, groupsEnd int32 // in people.subjects.items, without the principal itself
}

func newSpans(p *people, g *grants) []span {
	out := make([]span, len(p.ids))
	for i := range out {
		out[i] = span{
			from: g.start[i], to: g.start[i+1],
			groups: p.subjects.start[i] + 1, groupsEnd: p.subjects.start[i+1],
		}
	}
	return out
}
