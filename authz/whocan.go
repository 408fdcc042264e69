// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// WhoCanQuery asks who can do an operation on a resource.
type WhoCanQuery struct {
	Operation arm.Operation
	Plane     mivet.Plane // as in [Request]
	Resource  arm.ID
	Given     *abac.Env
	At        time.Time
}

func (w *WhoCanQuery) request(p mivet.PrincipalID) Request {
	return Request{Principal: p, Operation: w.Operation, Plane: w.Plane, Resource: w.Resource, Given: w.Given, At: w.At}
}

// Holder is a principal that can do what was asked, or may be able to.
type Holder struct {
	Principal mivet.PrincipalID
	Decision
}

// WhoCan calls yield for every principal of the snapshot for which [Engine.Check] answers
// allowed or unknown, in the order of their IDs. Groups are principals too. Its cost is
// in proportion to the answer, and to the roles that are granted at and above the resource.
//
// A principal that is not among them is denied, or unknown where [Engine.AnyoneElse] is:
// it answers for all others at once.
func (e *Engine) WhoCan(w WhoCanQuery) iter.Seq[Holder] {
	return func(yield func(Holder) bool) {
		var q question
		r := w.request("")
		q.ask(e, &r)
		for _, n := range q.candidates() {
			q.caller, q.who = e.people.ids[n], e.people.refOf(n, e.grants)
			d := q.decidePlanes(w.Plane)
			if d.Effect != Denied && !yield(Holder{Principal: q.caller, Decision: d}) {
				return
			}
		}
	}
}

// AnyoneElse explains the answer for a principal that no grant at the resource names and
// that is in no group: denied, or unknown where something was not read.
func (e *Engine) AnyoneElse(w WhoCanQuery) Explanation {
	return e.Explain(w.request(""))
}

// candidates are all principals for which an answer may differ from [Engine.AnyoneElse]:
// those who hold a grant that gives the operation at or above the resource, those of whom
// something was not read or whom a deny assignment treats apart, and all their members.
func (q *question) candidates() []int32 {
	e := q.e
	found := map[int32]bool{}
	var stack []int32
	note := func(n int32) {
		if !found[n] {
			found[n] = true
			stack = append(stack, n)
		}
	}
	e.granted(q, note)
	for n := range e.gaps.persons() {
		note(n)
	}
	if q.row.blob && e.lakes.holders(q, note) {
		for n := range e.people.ids {
			note(int32(n))
		}
	}
	if e.unread || q.place != placeKnown {
		e.named(q, note)
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, m := range e.people.members.of(n) {
			note(m)
		}
	}
	return e.sortedByID(found)
}

// granted notes everyone who holds a grant that gives the operation, at or above the
// resource. It looks at each role that is granted there once, however many hold it.
func (e *Engine) granted(q *question, note func(int32)) {
	rows := []*row{q.row}
	if q.row.blob && e.lakes.any {
		rows = append(rows, e.rows.get(operationOf(blobSuperUser)))
	}
	gives := func(role uint32) bool {
		return slices.ContainsFunc(rows, func(r *row) bool { return r.codes[role] != 0 })
	}
	for n := q.node; ; n = e.tree.Parent(n) {
		for _, r := range e.grants.rolesOf(n) {
			if !gives(r.role) {
				continue
			}
			for _, holder := range e.grants.holders[r.from:r.to] {
				note(holder)
			}
		}
		if n == arm.RootNode {
			break
		}
	}
	if q.place == placeNoParent {
		for _, i := range e.grants.high {
			if gives(e.grants.all[i].roleNumber()) {
				note(e.grants.owner[i])
			}
		}
	}
}

// named notes everyone whom a deny assignment that may reach the resource names or
// excludes: where something was not read, their answers differ from those of others.
func (e *Engine) named(q *question, note func(int32)) {
	for i := range e.denies.all {
		d := &e.denies.all[i]
		if !e.tree.Contains(d.scope, q.node) && !q.mayBeBelow(d.scope) {
			continue
		}
		for _, list := range [][]int32{d.principals, d.excluded} {
			for _, n := range list {
				note(n)
			}
		}
	}
}

func (e *Engine) sortedByID(set map[int32]bool) []int32 {
	out := make([]int32, 0, len(set))
	for n := range set {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b int32) int {
		return comparePrincipals(e.people.ids[a], e.people.ids[b])
	})
	return out
}

func comparePrincipals(a, b mivet.PrincipalID) int { return strings.Compare(string(a), string(b)) }
