// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A question about a principal and a resource that nobody asked about lately waits for
// memory more than for anything else. So a handle of a principal says where the grants of
// it and of its groups lie: these, side by side and 16 bytes each, are all that a question
// by handles reads. Their places depend on nothing else that is read, so that the
// processor reads them at the same time.

// perLine is how many grants there are to a cache line.
const perLine = 4

// touch begins to read grants. Without it the processor would begin with the later ones
// only after it has looked at the first. The result is 0, and there so that the reads are
// not left out.
func touch(list []grant) arm.Node {
	all := arm.Node(0)
	for i := 0; i < len(list); i += perLine {
		all |= list[i].scope
	}
	return all >> 31 // scopes are not negative
}

// PrincipalRef is an interned principal of one engine. It is 32 bytes, two to a cache line.
type PrincipalRef struct {
	number int32
	// count is how many runs there are, own grants first; more than fit: they are found
	// through the groups.
	count int32
	runs  [maxRuns]run
}

// maxRuns is how many lists of grants a handle holds: most principals are in few groups
// that hold any.
const maxRuns = 3

// run is a part of grants.all.
type run struct{ from, to int32 }

// stranger is a principal that the snapshot does not name.
var stranger = PrincipalRef{number: noPerson}

// refOf makes the handle of a principal.
func (p *people) refOf(number int32, g *grants) PrincipalRef {
	ref := PrincipalRef{number: number}
	for _, s := range p.subjects.of(number) {
		in := run{g.start[s], g.start[s+1]}
		if in.from == in.to {
			continue
		}
		if ref.count < maxRuns {
			ref.runs[ref.count] = in
		}
		ref.count++
	}
	return ref
}

// ResourceRef is an interned resource of one engine.
type ResourceRef struct {
	id    arm.ID
	node  arm.Node
	exact bool
	place place
	open  bool // see [Engine.isOpen]
}

// OperationRef is an interned operation of one engine.
type OperationRef struct{ row *row }

// Principal interns a principal. One that the snapshot does not name is interned as such.
func (e *Engine) Principal(id mivet.PrincipalID) PrincipalRef {
	return *e.people.handle(id)
}

// Resource interns a resource.
func (e *Engine) Resource(id arm.ID) ResourceRef {
	q := question{e: e, resource: id}
	q.node, q.exact = e.tree.Find(id)
	place := e.placeOf(&q)
	return ResourceRef{id: id, node: q.node, exact: q.exact, place: place, open: e.isOpen(q.node, place)}
}

// Operation interns an operation.
func (e *Engine) Operation(op arm.Operation) OperationRef { return OperationRef{e.rows.get(op)} }

// CheckRef answers as [Engine.Check] does for a request of these three and nothing else.
// The references must be of this engine.
func (e *Engine) CheckRef(p PrincipalRef, o OperationRef, r *ResourceRef, plane mivet.Plane, at time.Time) Decision {
	if plane == mivet.PlaneUnknown {
		plane = o.row.plane
	}
	if r.open && e.isPlain(o.row, plane) {
		if d, ok := e.fast(&p, o.row, plane, r.node); ok {
			return d
		}
	}
	q := question{
		e: e, who: p, resource: r.id, node: r.node, exact: r.exact, place: r.place, row: o.row, at: at,
	}
	if q.at.IsZero() {
		q.at = e.at
	}
	return q.decidePlanes(plane)
}

// isOpen reports whether nothing but grants decides at a place: no deny assignment at or
// above it, nothing unread.
func (e *Engine) isOpen(n arm.Node, p place) bool {
	return !e.unread && p == placeKnown && (len(e.denies.all) == 0 || e.denies.near[n] < 0)
}

// isPlain reports whether nothing but grants decides about an operation, at a place where
// nothing else does: no system of a service's own.
func (e *Engine) isPlain(r *row, plane mivet.Plane) bool {
	return plane != mivet.PlaneUnknown && !e.decidedBeside(r, plane)
}

// decidedBeside reports whether something beside roles may decide about an operation: an
// access list, a service's own system, a setting of the resource.
func (e *Engine) decidedBeside(r *row, plane mivet.Plane) bool {
	return plane == mivet.PlaneData && (r.vault || r.local || r.blob && e.lakes.any) || r.modelled(plane)
}

// fast looks for a grant that surely gives the operation. It reports false where
// something else than a plain role decides, so that the facts must be weighed in full.
func (e *Engine) fast(p *PrincipalRef, r *row, plane mivet.Plane, n arm.Node) (Decision, bool) {
	none := Decision{Effect: Denied, Cause: CauseNoGrant, Fact: -1}
	if p.count > maxRuns {
		return none, false
	}
	for _, in := range p.runs[:p.count] {
		none.Fact += int(touch(e.grants.all[in.from:in.to]))
	}
	shift := 0
	if plane == mivet.PlaneData {
		shift = 2
	}
	for _, in := range p.runs[:p.count] {
		list := e.grants.all[in.from:in.to]
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
	}
	return none, true
}
