// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A question about a principal and a resource that nobody asked about lately waits for
// memory more than for anything else. So what it reads is kept small and apart: twelve
// bytes per grant, those of one principal side by side. A handle of a principal says where
// they lie, a handle of a resource which scopes they may be at; the reads depend on nothing
// else, so that the processor does them at the same time.

// brief is what a first look at a grant takes: where it is, its role with its marks, and
// its fact, as in [grant].
type brief struct {
	scope arm.Node
	role  uint32
	fact  int32
}

func newBriefs(all []grant) []brief {
	out := make([]brief, len(all))
	for i := range all {
		out[i] = brief{all[i].scope, all[i].role, all[i].fact}
	}
	return out
}

// perLine is how many briefs there are to a cache line, at least.
const perLine = 5

// touch begins to read briefs. Without it the processor would begin with the later ones
// only after it has looked at the first. The result is 0, and there so that it is not
// left out.
func touch(list []brief) arm.Node {
	all := arm.Node(0)
	for i := 0; i < len(list); i += perLine {
		all |= list[i].scope
	}
	return all >> 31 // scopes are not negative
}

// lineage are the scopes at which a grant covers a place: its own and all above.
type lineage struct {
	// marks has the bit of each scope's number, modulo 64: most others are told by it.
	marks uint64
	// count is how many there are; more than fit: the place is too deep for a first look.
	count int32
	nodes [maxLineage]arm.Node
}

// maxLineage holds six levels of management groups, subscription, group, and a resource
// with several others inside one another.
const maxLineage = 15

func lineageOf(t *arm.Tree, n arm.Node) (l lineage) {
	for {
		if l.count < maxLineage {
			l.nodes[l.count] = n
		}
		l.count++
		l.marks |= 1 << (n & 63)
		if n == arm.RootNode {
			return l
		}
		n = t.Parent(n)
	}
}

func (l *lineage) has(n arm.Node) bool {
	return l.marks>>(n&63)&1 != 0 && slices.Contains(l.nodes[:l.count], n)
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

// run is a part of all grants.
type run struct{ from, to int32 }

// stranger is a principal that the snapshot does not name.
var stranger = PrincipalRef{number: noPerson}

// newRefs makes the handles of all principals.
func newRefs(p *people, g *grants) []PrincipalRef {
	out := make([]PrincipalRef, len(p.ids))
	for i := range out {
		ref := &out[i]
		ref.number = int32(i)
		for _, s := range p.subjects.of(int32(i)) {
			r := run{g.start[s], g.start[s+1]}
			if r.from == r.to {
				continue
			}
			if ref.count < maxRuns {
				ref.runs[ref.count] = r
			}
			ref.count++
		}
	}
	return out
}

// ResourceRef is an interned resource of one engine.
type ResourceRef struct {
	id    arm.ID
	node  arm.Node
	exact bool
	place place
	open  bool // see [Engine.isOpen]
	line  lineage
}

// OperationRef is an interned operation of one engine.
type OperationRef struct{ row *row }

// Principal interns a principal. One that the snapshot does not name is interned as such.
func (e *Engine) Principal(id mivet.PrincipalID) PrincipalRef {
	return *e.ref(e.people.find(id))
}

func (e *Engine) ref(person int32) *PrincipalRef {
	if person == noPerson {
		return &stranger
	}
	return &e.refs[person]
}

// Resource interns a resource.
func (e *Engine) Resource(id arm.ID) ResourceRef {
	q := question{e: e, resource: id}
	q.node, q.exact = e.tree.Find(id)
	place := e.placeOf(&q)
	return ResourceRef{id: id, node: q.node, exact: q.exact, place: place, open: e.isOpen(q.node, place), line: lineageOf(e.tree, q.node)}
}

// Operation interns an operation.
func (e *Engine) Operation(op arm.Operation) OperationRef { return OperationRef{e.rows.get(op)} }

// CheckRef answers as [Engine.Check] does for a request of these three and nothing else.
// The references must be of this engine.
func (e *Engine) CheckRef(p *PrincipalRef, o OperationRef, r *ResourceRef, plane mivet.Plane, at time.Time) Decision {
	if plane == mivet.PlaneUnknown {
		plane = o.row.plane
	}
	if r.open && e.isPlain(o.row, plane) {
		if d, ok := e.fast(p, o.row, plane, &r.line); ok {
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
func (e *Engine) fast(p *PrincipalRef, r *row, plane mivet.Plane, l *lineage) (Decision, bool) {
	none := Decision{Effect: Denied, Cause: CauseNoGrant, Fact: -1}
	if p.count > maxRuns || l.count > maxLineage {
		return none, false
	}
	for _, in := range p.runs[:p.count] {
		none.Fact += int(touch(e.briefs[in.from:in.to]))
	}
	shift := 0
	if plane == mivet.PlaneData {
		shift = 2
	}
	for _, in := range p.runs[:p.count] {
		list := e.briefs[in.from:in.to]
		if len(list) > shortList {
			return none, false
		}
		for i := range list {
			b := &list[i]
			if !l.has(b.scope) {
				continue
			}
			g := grant{role: b.role}
			c := code(r.codes[g.roleNumber()] >> shift & 3)
			switch {
			case c == codeNo || !g.ofRoles():
			case c == codeGrants && !g.slow():
				return Decision{Effect: Allowed, Cause: CauseGrant, Fact: int(b.fact), Local: g.local()}, true
			default:
				return none, false
			}
		}
	}
	return none, true
}
