// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Query asks what of its rights an identity used.
type Query struct {
	// Principal is the object id. Apps are the application ids of the identity, for logs that
	// name nothing else.
	Principal mivet.PrincipalID
	Apps      []string
	// Rights are the grants of the identity, as [authz.Engine.WhatCan] lists them.
	Rights []authz.Right
	// Tenant holds the resources and subscriptions that the rights count for.
	Tenant *mivet.Snapshot
	// Logs is what was read.
	Logs *Summary
	// Window is zero for the days that the logs span.
	Window Window
}

// Use is one right at one scope that was used, or refused.
type Use struct {
	Action string      `json:"action"`
	Plane  mivet.Plane `json:"plane"`
	Scope  string      `json:"scope"`
	Log    string      `json:"log"`
	// Days is on how many days.
	Days int `json:"days"`
	Counts
}

// Unused are rights of one grant that have no entry, with what that proves.
type Unused struct {
	Evidence
	Plane   mivet.Plane     `json:"plane"`
	Actions []arm.Operation `json:"actions"`
}

// Grant is one grant with the use of it.
type Grant struct {
	Right  authz.Right
	Used   []Use
	Unused []Unused
}

// Report is the answer to a [Query].
type Report struct {
	Window Window
	// Grants are in the order of the query.
	Grants []Grant
	// Refused are rights that were asked for and not granted. Elsewhere are rights that were
	// granted although no grant of the query gives them: by a grant that is gone, a list of
	// another system, or one that was not read.
	Refused   []Use
	Elsewhere []Use
	// Origins are where the identity's operations came from.
	Origins []Origin
	// First and Last are the times of the first and the last entry of the identity.
	Counts
}

// Compare holds what was used against what was granted.
func Compare(q *Query) *Report { return NewComparer(q.Tenant, q.Logs, q.Window).Compare(q) }

// Comparer answers for one identity after the other: what they have in common, the logs and
// the tenant, is looked at once. One goroutine uses it.
type Comparer struct {
	evidence *evidence
	window   Window
	logs     *Summary
	facts    map[string][]int32 // by principal or application, in lower case
	origins  map[string][]int32
}

// NewComparer looks at the logs and the tenant. A zero window is that of the logs.
func NewComparer(tenant *mivet.Snapshot, logs *Summary, w Window) *Comparer {
	if w == (Window{}) {
		w = spanOf(logs.Seen)
	}
	c := &Comparer{evidence: newEvidence(tenant, logs.Seen, w), window: w, logs: logs, facts: map[string][]int32{}, origins: map[string][]int32{}}
	for i := range logs.Facts {
		k := subjectKey(logs.Facts[i].Principal, logs.Facts[i].App)
		c.facts[k] = append(c.facts[k], int32(i))
	}
	for i := range logs.Origins {
		k := subjectKey(logs.Origins[i].Principal, logs.Origins[i].App)
		c.origins[k] = append(c.origins[k], int32(i))
	}
	return c
}

// subjectKey names whom an entry is about: the application counts where that alone is known.
func subjectKey(principal, app string) string {
	if principal != "" {
		return strings.ToLower(principal)
	}
	return "app " + strings.ToLower(app)
}

// of lists what is about the identity of a query, in order.
func of(index map[string][]int32, q *Query) []int32 {
	list := slices.Clone(index[subjectKey(string(q.Principal), "")])
	for _, app := range q.Apps {
		list = append(list, index[subjectKey("", app)]...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Compare answers a query, of which it takes the identity and its rights.
func (x *Comparer) Compare(q *Query) *Report {
	c := comparison{q: q, shared: x, evidence: x.evidence}
	r := &Report{Window: x.window}
	uses := c.uses(r.Window)
	marked := make([]map[mark]bool, len(q.Rights))
	r.Grants = make([]Grant, len(q.Rights))
	for i := range q.Rights {
		r.Grants[i].Right, marked[i] = q.Rights[i], map[mark]bool{}
	}
	for _, u := range uses {
		r.Merge(&u.Counts)
		if u.Refused > 0 {
			r.Refused = append(r.Refused, u)
		}
		if u.Granted+u.Undecided == 0 {
			continue
		}
		served := false
		for i := range q.Rights {
			if c.serves(&q.Rights[i], &u, marked[i]) {
				r.Grants[i].Used = append(r.Grants[i].Used, u)
				served = true
			}
		}
		if !served && u.Granted > 0 {
			r.Elsewhere = append(r.Elsewhere, u)
		}
	}
	for i := range r.Grants {
		r.Grants[i].Unused = c.unused(&r.Grants[i].Right, marked[i])
	}
	for _, i := range of(x.origins, q) {
		r.Origins = append(r.Origins, x.logs.Origins[i])
	}
	slices.SortStableFunc(r.Origins, func(a, b Origin) int { return cmp.Compare(b.Total(), a.Total()) })
	return r
}

// spanOf returns the days of all entries.
func spanOf(seen []Seen) Window {
	s := Seen{First: NoDay, Last: NoDay}
	for i := range seen {
		s.span(seen[i].First, seen[i].Last)
	}
	return Window{s.First, s.Last}
}

type comparison struct {
	q        *Query
	shared   *Comparer
	evidence *evidence
}

// mark is an operation of a grant that was used.
type mark struct {
	operation arm.Key
	plane     mivet.Plane
}

// uses puts the facts of the identity within the window together, over days and over the
// letter case of the action.
func (c *comparison) uses(w Window) []Use {
	type key struct {
		action, scope, log string
		plane              mivet.Plane
	}
	index := map[key]int{}
	days := map[key]map[Day]bool{}
	var uses []Use
	for _, i := range of(c.shared.facts, c.q) {
		f := &c.shared.logs.Facts[i]
		if f.Day != NoDay && (f.Day < w.First || f.Day > w.Last) {
			continue
		}
		k := key{strings.ToLower(f.Action), f.Scope, f.Log.String(), f.Plane}
		at, ok := index[k]
		if !ok {
			at = len(uses)
			index[k], days[k] = at, map[Day]bool{}
			uses = append(uses, Use{Action: f.Action, Plane: f.Plane, Scope: f.Scope, Log: k.log})
		}
		uses[at].Merge(&f.Counts)
		if days[k][f.Day] = true; f.Day != NoDay {
			uses[at].Days = len(days[k])
		}
	}
	slices.SortStableFunc(uses, func(a, b Use) int {
		return cmp.Or(strings.Compare(a.Scope, b.Scope), strings.Compare(strings.ToLower(a.Action), strings.ToLower(b.Action)), cmp.Compare(a.Plane, b.Plane))
	})
	return uses
}

// serves reports whether a grant gives what was used, and marks its operations. Of several
// alternatives the first that it gives counts; which one was checked is not known.
func (c *comparison) serves(r *authz.Right, u *Use, marked map[mark]bool) bool {
	if r.Effect == authz.Denied || u.Scope == "" || !c.evidence.places.contains(r.Scope, u.Scope) {
		return false
	}
	for alternative := range strings.SplitSeq(u.Action, " | ") {
		var ops []arm.Operation
		given := true
		for text := range strings.SplitSeq(alternative, " + ") {
			op, err := arm.ParseOperation(text)
			if err != nil || r.Gives(op, u.Plane) == authz.Denied {
				given = false
				break
			}
			ops = append(ops, op)
		}
		if !given {
			continue
		}
		for _, op := range ops {
			marked[mark{arm.Fold(op.String()), u.Plane}] = true
		}
		return true
	}
	return false
}

// unused lists what a grant gives and nobody saw used, by evidence.
func (c *comparison) unused(r *authz.Right, marked map[mark]bool) []Unused {
	if r.Effect == authz.Denied {
		return nil
	}
	type key struct {
		of    *Evidence
		plane mivet.Plane
	}
	index := map[key]int{}
	var out []Unused
	for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
		for op := range r.Operations(plane) {
			folded := arm.Fold(op.String())
			if marked[mark{folded, plane}] {
				continue
			}
			e := c.evidence.of(string(folded), plane, r.Scope)
			at, ok := index[key{e, plane}]
			if !ok {
				at = len(out)
				index[key{e, plane}] = at
				out = append(out, Unused{Evidence: *e, Plane: plane})
			}
			out[at].Actions = append(out[at].Actions, op)
		}
	}
	order := []Class{Covered, Off, Blind}
	slices.SortStableFunc(out, func(a, b Unused) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Class), slices.Index(order, b.Class)), cmp.Compare(b.Plane, a.Plane), strings.Compare(a.Category, b.Category))
	})
	return out
}
