// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Bounds are the earliest and the latest time at which something can have happened. They
// are equal where it is known. A zero Earliest is without bound; a zero Latest too.
type Bounds struct {
	Earliest time.Time `json:"earliest,omitzero"`
	Latest   time.Time `json:"latest,omitzero"`
}

// Exact reports whether the time is known.
func (b Bounds) Exact() bool { return !b.Earliest.IsZero() && b.Earliest.Equal(b.Latest) }

func at(t time.Time) Bounds { return Bounds{t, t} }

// Tenure is the time in which a role assignment was there.
type Tenure struct {
	// Grant is what it gave. Where the log tells of a removal and nothing tells what was
	// removed, it has a scope and neither principal nor role.
	Grant mivet.RoleAssignment `json:"grant"`
	// From is when it began, To when it ended. To is without bounds while it lasts.
	From Bounds `json:"from"`
	To   Bounds `json:"to"`
	// Lasts is true where nothing says that it ended.
	Lasts bool `json:"lasts,omitzero"`
	// Made and Removed are the calls, where the log has them.
	Made    *Record `json:"made,omitzero"`
	Removed *Record `json:"removed,omitzero"`
	// Again are writes while it was there: changes of it, or the true beginning where the
	// snapshot tells another.
	Again []*Record `json:"again,omitzero"`
	// Gap says what the log and the snapshot do not explain together; empty for nothing.
	Gap string `json:"gap,omitzero"`
}

// Unknown reports whether it is not known what was given to whom.
func (t *Tenure) Unknown() bool { return t.Grant.Principal == "" }

// Presence says whether an assignment was there at a time.
type Presence uint8

// The answers.
const (
	Absent   Presence = iota // surely not
	Possible                 // not known
	Present                  // surely
)

// Presence answers for a time. At the very moment of a change the later state counts.
func (t *Tenure) Presence(when time.Time) Presence {
	begun := t.From.Earliest.IsZero() || when.After(t.From.Earliest) || t.From.Exact() && when.Equal(t.From.Latest)
	ended := !t.Lasts && !t.To.Latest.IsZero() && !when.Before(t.To.Latest)
	if !begun || ended {
		return Absent
	}
	sureStart := !t.From.Latest.IsZero() && !when.Before(t.From.Latest)
	sureEnd := t.Lasts || when.Before(t.To.Earliest) || !t.To.Exact() && when.Equal(t.To.Earliest)
	if sureStart && sureEnd {
		return Present
	}
	return Possible
}

// History is which role assignments there were and when.
type History struct {
	// Tenures are in the order of their beginning.
	Tenures []Tenure
	snap    *mivet.Snapshot
}

// observation is what is known of one assignment at one time.
type observation struct {
	when          time.Time
	before, after knowledge
	record        *Record               // nil for what the snapshot tells
	grant         *mivet.RoleAssignment // what was there before or after; nil: not told
	anchor        bool                  // the snapshot
}

// knowledge is whether an assignment was there.
type knowledge uint8

const (
	notTold knowledge = iota
	there
	notThere
)

// History goes back from the snapshot, as it was at a time, through what the log tells, and
// forward from there. Assignments that were removed are found, too.
func (l *Log) History(taken time.Time) *History {
	if !l.snap.TakenAt.IsZero() {
		taken = l.snap.TakenAt
	}
	h := &History{snap: l.snap}
	for _, g := range l.byAssignment(taken) {
		h.Tenures = append(h.Tenures, l.tenures(g)...)
	}
	slices.SortStableFunc(h.Tenures, func(a, b Tenure) int {
		return cmp.Or(a.From.Latest.Compare(b.From.Latest), strings.Compare(string(a.Grant.ID.Key()), string(b.Grant.ID.Key())))
	})
	return h
}

// grantKey names what can be there once at a time: Azure refuses a second assignment of the
// same role to the same principal at the same scope (RoleAssignmentExists).
func grantKey(a *mivet.RoleAssignment) string {
	role := string(a.Role)
	if role == "" {
		role = "name:" + string(arm.Fold(a.RoleName))
	}
	return string(a.Principal) + "\x00" + role + "\x00" + string(a.Scope.Key())
}

// track is all that is observed of one assignment.
type track struct {
	scope arm.ID
	grant *mivet.RoleAssignment // of the snapshot, or of the last body
	seen  []observation
}

// byAssignment gathers observations by assignment.
func (l *Log) byAssignment(taken time.Time) []*track {
	var order []*track
	byKey, byID := map[string]*track{}, map[arm.Key]string{}
	get := func(k string, scope arm.ID) *track {
		t := byKey[k]
		if t == nil {
			t = &track{scope: scope}
			byKey[k] = t
			order = append(order, t)
		}
		return t
	}
	for i := range l.snap.RoleAssignments {
		a := &l.snap.RoleAssignments[i]
		if a.Eligible {
			continue
		}
		k := grantKey(a)
		if !a.ID.IsZero() {
			byID[a.ID.Key()] = k
		}
		t := get(k, a.Scope)
		t.grant = a
		t.seen = append(t.seen, observation{when: taken, before: there, after: there, grant: a, anchor: true})
	}
	for _, r := range l.Records() {
		if r.Done() && r.Grant != nil && r.is("write", typeAssignment) {
			byID[r.Grant.ID.Key()] = grantKey(r.Grant)
		}
	}
	for _, r := range l.Records() {
		l.observe(r, get, byID)
	}
	for _, t := range order {
		t.anchor(l.snap, taken)
	}
	return order
}

// observe adds what a record tells to the assignment that it is about.
func (l *Log) observe(r *Record, get func(string, arm.ID) *track, byID map[arm.Key]string) {
	if !r.Done() {
		return
	}
	scope, id := r.Target.Parent(), r.Target
	if r.Grant != nil {
		scope, id = r.Grant.Scope, r.Grant.ID
	}
	o := observation{when: r.Ended, record: r, grant: r.Grant}
	switch {
	case r.is("write", typeSchedule) && r.Grant != nil:
		l.activation(r, get)
		return
	case r.is("write", typeAssignment):
		o.after = there
	case r.is("delete", typeAssignment):
		if o.before, o.after = there, notThere; strings.Contains(strings.ToLower(strings.ReplaceAll(r.Code, " ", "")), "nocontent") {
			o.before = notThere // there was nothing to remove
		}
	default:
		return
	}
	k, ok := byID[id.Key()]
	switch {
	case r.Grant != nil:
		k = grantKey(r.Grant)
	case !ok:
		k = "id:" + string(id.Key())
	}
	t := get(k, l.Spelled(scope))
	if t.grant == nil && r.Grant != nil {
		t.grant = r.Grant
	}
	t.seen = append(t.seen, o)
}

// activation is a grant for a time: what Privileged Identity Management activates ends by
// itself.
func (l *Log) activation(r *Record, get func(string, arm.ID) *track) {
	t := get(grantKey(r.Grant), r.Grant.Scope)
	if t.grant == nil {
		t.grant = r.Grant
	}
	start := r.Grant.Start
	if start.IsZero() {
		start = r.Ended
	}
	t.seen = append(t.seen, observation{when: start, after: there, record: r, grant: r.Grant})
	if !r.Grant.End.IsZero() {
		t.seen = append(t.seen, observation{when: r.Grant.End, after: notThere, record: r, grant: r.Grant})
	}
}

// anchor adds what the snapshot tells: when the assignment was made, when it ends, and that
// it is not there.
func (t *track) anchor(s *mivet.Snapshot, taken time.Time) {
	i := slices.IndexFunc(t.seen, func(o observation) bool { return o.anchor })
	if i < 0 {
		known := notThere
		if slices.ContainsFunc(s.Gaps, func(g mivet.Gap) bool {
			return g.Facts == mivet.FactRoleAssignments && !g.Inherent && (g.Scope.IsZero() || g.Scope.Contains(t.scope))
		}) {
			known = notTold
		}
		t.seen = append(t.seen, observation{when: taken, before: known, after: known, anchor: true})
		return
	}
	a := t.seen[i].grant
	made := a.CreatedOn
	if a.Start.After(made) {
		made = a.Start
	}
	if !made.IsZero() && !slices.ContainsFunc(t.seen, func(o observation) bool {
		return o.record != nil && o.after == there && sameTime(o.when, made)
	}) {
		t.seen = append(t.seen, observation{when: made, before: notThere, after: there, grant: a})
	}
	if a.End.IsZero() {
		return
	}
	if !a.End.After(taken) {
		t.seen[i].before, t.seen[i].after = notTold, notTold // it is listed, and gives nothing any more
	}
	t.seen = append(t.seen, observation{when: a.End, before: there, after: notThere, grant: a})
}

// tenures reads the observations of one assignment in order of time.
func (l *Log) tenures(t *track) []Tenure {
	slices.SortStableFunc(t.seen, func(a, b observation) int { return a.when.Compare(b.when) })
	begin := l.Span(t.scope).First
	var out []Tenure
	var open *Tenure
	state, since := notTold, time.Time{}
	for i := range t.seen {
		o := &t.seen[i]
		switch {
		case o.before == there && state != there:
			open = t.start(o, state, since, begin)
		case o.before == notThere && state == there:
			open.To = Bounds{since, o.when}
			open.Gap = "its removal is not in the log"
			out, open = append(out, *open), nil
			state = notThere
		}
		if o.before == there {
			state = there
		}
		if o.anchor && o.after == there {
			open.Grant = *o.grant // the snapshot knows more of it than the call
		}
		switch {
		case o.after == there && state != there:
			open = &Tenure{Grant: t.given(o), From: at(o.when), Made: o.record}
			if o.record != nil && changes(o.record) && (state == notTold || begin.IsZero() || begin.After(since)) {
				open.From.Earliest = since // it may have been a change of one that was there
				open.Gap = "the log does not tell whether that call made it, or changed one that was there"
			}
		case o.after == there && o.record != nil:
			open.Again = append(open.Again, o.record)
		case o.after == notThere && state == there:
			open.To, open.Removed = at(o.when), o.record
			out, open = append(out, *open), nil
		}
		if o.after != notTold {
			state = o.after
		}
		since = o.when
	}
	if open != nil {
		open.Lasts = true
		out = append(out, *open)
	}
	return out
}

// changes reports whether a write may have been one of an assignment that was there: Azure
// answers 200 to that, and 201 to a new one
// (learn.microsoft.com/rest/api/authorization/role-assignments/create).
func changes(r *Record) bool {
	code := strings.ToLower(r.Code)
	code = code[strings.LastIndexByte(code, '.')+1:]
	return r.is("write", typeAssignment) && (code == "ok" || code == "200")
}

// start begins a tenure of which only a later moment is known.
func (t *track) start(o *observation, state knowledge, since, begin time.Time) *Tenure {
	n := &Tenure{Grant: t.given(o), From: Bounds{Latest: o.when}}
	if state == notThere {
		n.From.Earliest = since
		n.Gap = "it was made, and that is not in the log"
	}
	if !begin.IsZero() && begin.Before(o.when) && begin.After(n.From.Earliest) {
		n.From.Latest, n.Gap = begin, "" // the log holds every write of its time: it was made before
	}
	return n
}

// given is what an assignment gave, as far as that is known at an observation.
func (t *track) given(o *observation) mivet.RoleAssignment {
	switch {
	case o.grant != nil:
		return *o.grant
	case t.grant != nil:
		return *t.grant
	}
	return mivet.RoleAssignment{ID: o.record.Target, Scope: t.scope, Source: o.record.Source}
}

// Of returns the tenures of principals, such as an identity and its groups.
func (h *History) Of(who ...mivet.PrincipalID) []Tenure {
	var out []Tenure
	for i := range h.Tenures {
		if t := &h.Tenures[i]; !t.Unknown() && slices.Contains(who, t.Grant.Principal) {
			out = append(out, *t)
		}
	}
	return out
}

// Unknown returns the tenures of which it is not known what they gave to whom.
func (h *History) Unknown() []Tenure {
	var out []Tenure
	for i := range h.Tenures {
		if h.Tenures[i].Unknown() {
			out = append(out, h.Tenures[i])
		}
	}
	return out
}

// Changes returns the times at which something changes for principals, or may, in order.
func Changes(tenures []Tenure) []time.Time {
	var out []time.Time
	for i := range tenures {
		t := &tenures[i]
		for _, when := range []time.Time{t.From.Earliest, t.From.Latest, t.To.Earliest, t.To.Latest} {
			if !when.IsZero() {
				out = append(out, when)
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// At returns the snapshot as it was at a time, as far as the assignments of principals go:
// it holds no others. One that may have been there has an unknown condition, so that no
// engine takes it for sure; removals of which nothing tells what was removed are gaps.
func (h *History) At(when time.Time, who ...mivet.PrincipalID) *mivet.Snapshot {
	s := *h.snap
	s.RoleAssignments, s.Gaps = nil, slices.Clone(h.snap.Gaps)
	s.TakenAt = when
	for i := range h.snap.RoleAssignments {
		if a := &h.snap.RoleAssignments[i]; a.Eligible && slices.Contains(who, a.Principal) {
			s.RoleAssignments = append(s.RoleAssignments, *a)
		}
	}
	for i := range h.Tenures {
		t := &h.Tenures[i]
		p := t.Presence(when)
		switch {
		case p == Absent:
		case t.Unknown():
			s.Gaps = append(s.Gaps, mivet.Gap{
				Facts: mivet.FactRoleAssignments, Scope: t.Grant.Scope, Source: t.Grant.Source,
				Reason: "an assignment was removed later, and the log does not tell whose it was",
			})
		case slices.Contains(who, t.Grant.Principal):
			a := t.Grant
			a.Start, a.End = time.Time{}, time.Time{} // the tenure says it
			a.ConditionUnknown = a.ConditionUnknown || p == Possible
			s.RoleAssignments = append(s.RoleAssignments, a)
		}
	}
	return &s
}
