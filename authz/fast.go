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
// resource, nothing unread, no permission model of a vault.
func (e *Engine) isPlain(r *row, plane mivet.Plane, n arm.Node, p place) bool {
	return !e.unread && p == placeKnown && plane != mivet.PlaneUnknown && e.denies.near[n] < 0 &&
		!(r.vault && plane == mivet.PlaneData)
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
	for _, s := range e.people.subjects.of(person) {
		list := e.grants.of(s)
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
			case c == codeNo:
			case c == codeGrants && !g.slow():
				return Decision{Effect: Allowed, Cause: CauseGrant, Fact: int(g.fact), Local: g.local()}, true
			default:
				return none, false
			}
		}
	}
	return none, true
}
