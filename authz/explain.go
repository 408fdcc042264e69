// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// Explain answers a request as [Engine.Check] does, and says everything that was weighed:
// every grant of the principal and its groups with what became of it, every deny
// assignment at the resource, what was not seen, and what beside authorization bears on
// the request. It never stops early. Where the answer for data is not allowed it adds the
// ways around it, see [Engine.Bypasses].
func (e *Engine) Explain(r Request) Explanation {
	var q question
	q.ask(e, &r)
	plane := r.Plane
	if plane == mivet.PlaneUnknown {
		plane = q.row.plane
	}
	if plane != mivet.PlaneUnknown {
		x := q.explain(plane)
		x.Notes = q.notes()
		if x.Effect != Allowed && (plane == mivet.PlaneData || q.row.modelled(plane)) {
			x.Bypasses = e.Bypasses(r)
		}
		return x
	}
	control, data := q.explain(mivet.PlaneControl), q.explain(mivet.PlaneData)
	x := Explanation{Decision: q.decidePlanes(mivet.PlaneUnknown)}
	x.Reasons = append(control.Reasons, data.Reasons...)
	x.Missing = append(control.Missing, data.Missing...)
	for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
		q.on(plane)
		x.Notes = append(x.Notes, q.notes()...)
	}
	if x.Cause == CausePlane {
		x.Missing = append(x.Missing, Missing{
			What: "the plane of the operation is not known, and the answer is " + control.Effect.String() +
				" on the control plane and " + data.Effect.String() + " on the data plane",
			Fix: "ask for one plane",
		})
	}
	sortReasons(x.Reasons)
	return x
}

func (q *question) explain(plane mivet.Plane) Explanation {
	q.on(plane)
	v := verdict{trace: &trace{q: q}}
	v.gather(q)
	sortReasons(v.trace.reasons)
	d := v.decision()
	if q.weight[classPolicy] == abac.Unknown {
		d = q.decideModels()
	}
	return Explanation{Decision: d, Plane: plane, Reasons: v.trace.reasons, Missing: v.trace.missing}
}

// sortReasons puts the deciding reasons first and keeps the order of the facts otherwise.
func sortReasons(rs []Reason) {
	slices.SortStableFunc(rs, func(a, b Reason) int { return cmp.Compare(a.Outcome, b.Outcome) })
}
