// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

// Bounds of what is kept beside the facts.
const (
	maxOrigins  = 64      // of a principal
	maxUnmapped = 4096    // kinds of entries that name no right
	maxHabits   = 1 << 16 // what is looked up at once
)

// Summary is what an aggregator has counted.
type Summary struct {
	Entries  int64      `json:"entries"`
	Repeated int64      `json:"repeated,omitzero"` // entries that were there already
	Facts    []Fact     `json:"facts"`
	Origins  []Origin   `json:"origins,omitzero"`
	Seen     []Seen     `json:"seen,omitzero"`
	Unmapped []Unmapped `json:"unmapped,omitzero"`
}

// Aggregator counts entries. One goroutine uses it; several are put together by
// [Aggregator.Merge]. Its memory grows with what is told apart, not with the entries.
type Aggregator struct {
	entries, repeated int64

	principals names
	actions    names
	scopes     names
	who        []subject // by the number of the principal
	what       []right   // by the number of the action

	facts  table
	calls  map[hash]call
	buffer []byte

	habits habits

	seen     map[string]*Seen
	last     *Seen
	unmapped map[string]*Unmapped
}

// NewAggregator returns an empty aggregator.
func NewAggregator() *Aggregator {
	return &Aggregator{
		principals: names{}, actions: names{}, scopes: names{}, calls: map[hash]call{},
		seen: map[string]*Seen{}, unmapped: map[string]*Unmapped{},
	}
}

// names gives each text a number.
type names map[string]uint32

// of returns the number of a text, and whether it is new.
func (n names) of(b []byte) (id uint32, added bool) {
	if id, ok := n[string(b)]; ok {
		return id, false
	}
	id = uint32(len(n))
	n[string(b)] = id
	return id, true
}

// subject is a principal, or an application where no principal is named.
type subject struct {
	principal, app string
	origins        []origin
	more           *tally // of all that were too many to keep
}

// origin is an [Origin] as it is counted.
type origin struct {
	Origin
	*tally
}

// right is an action as a log names it.
type right struct {
	log    logs.Log
	plane  mivet.Plane
	action string
}

// call is one request to Resource Manager, of which several entries tell.
type call struct {
	row     int32
	outcome logs.Outcome
}

// Add counts an entry. It keeps nothing of the entry's memory.
func (a *Aggregator) Add(e *logs.Entry) {
	a.entries++
	byApp := e.Reason == logs.NoPrincipal && len(e.AppID) > 0
	if !e.Use() && !byApp {
		a.saw(e).add(DayOf(e.Time))
		a.leave(e)
		if len(e.Principal) > 0 && e.Log == logs.SignIn {
			s, _ := a.subject(e, false)
			s.origin(e).count(e)
		}
		return
	}
	if day := DayOf(e.Time); e.Log != logs.Activity || len(e.Correlation) == 0 {
		a.repeat(a.habit(e, byApp), e, day)
	} else {
		a.saw(e).add(day)
		s, who := a.subject(e, byApp)
		s.origin(e).count(e)
		a.call(a.facts.row(factKey{who, a.right(e), a.scope(e), day}), e)
	}
}

// Repeated counts an entry that was there already, and is not to be added.
func (a *Aggregator) Repeated() { a.repeated++ }

// subject finds the principal, or the application.
func (a *Aggregator) subject(e *logs.Entry, byApp bool) (*subject, uint32) {
	id := e.Principal
	if byApp {
		a.buffer = append(append(a.buffer[:0], '\x00'), e.AppID...)
		id = a.buffer
	}
	n, added := a.principals.of(id)
	if added {
		s := subject{}
		if byApp {
			s.app = strings.ToLower(string(e.AppID))
		} else {
			s.principal = strings.ToLower(string(id))
		}
		a.who = append(a.who, s)
	}
	return &a.who[n], n
}

func (a *Aggregator) right(e *logs.Entry) uint32 {
	a.buffer = append(append(a.buffer[:0], byte(e.Log), byte(e.Plane)), e.Action...)
	n, added := a.actions.of(a.buffer)
	if added {
		a.what = append(a.what, right{e.Log, e.Plane, string(e.Action)})
	}
	return n
}

func (a *Aggregator) scope(e *logs.Entry) uint32 {
	n, _ := a.scopes.of(e.Scope)
	return n
}

// call counts a call of which several entries tell (started, accepted, succeeded) one time,
// on the day of the first, with the outcome that says most: a refusal, else that it was
// granted.
func (a *Aggregator) call(row int32, e *logs.Entry) {
	a.buffer = join(a.buffer[:0], e.Correlation, e.Call, e.Action, e.Scope)
	h := hashOf(a.buffer)
	a.facts.rows[row].at(e.Time)
	c, known := a.calls[h]
	if !known {
		a.facts.rows[row].add(e.Granted, 1)
		a.calls[h] = call{row, e.Granted}
		return
	}
	a.again(h, c, call{row, e.Granted})
}

// again puts together what two entries tell of one call. The first is counted.
func (a *Aggregator) again(h hash, c, d call) {
	best := c
	if a.facts.rows[d.row].day < a.facts.rows[c.row].day {
		best.row = d.row
	}
	best.outcome = max(c.outcome, d.outcome) // a refusal says more than a grant, and that more than nothing
	if best != c {
		a.facts.rows[c.row].add(c.outcome, -1)
		a.facts.rows[best.row].add(best.outcome, 1)
		a.calls[h] = best
	}
}

// saw finds the resource that wrote the entry, and its category.
func (a *Aggregator) saw(e *logs.Entry) *Seen {
	s := a.last
	if s != nil && s.Log == e.Log && s.Resource == string(e.Resource) && s.Category == string(e.Category) {
		return s
	}
	a.buffer = join(append(a.buffer[:0], byte(e.Log)), e.Category, e.Resource)
	if s = a.seen[string(a.buffer)]; s == nil {
		s = &Seen{Log: e.Log, Category: string(e.Category), Resource: string(e.Resource), First: NoDay, Last: NoDay}
		a.seen[string(a.buffer)] = s
	}
	a.last = s
	return s
}

func (s *Seen) add(day Day) {
	s.Entries++
	s.span(day, day)
}

func (s *Seen) span(first, last Day) {
	if first != NoDay && (s.First == NoDay || first < s.First) {
		s.First = first
	}
	if last > s.Last {
		s.Last = last
	}
}

// leave counts an entry that is no use of a right.
func (a *Aggregator) leave(e *logs.Entry) {
	operation := []byte(nil)
	if e.Reason == logs.UnknownOperation {
		operation = e.Operation
	}
	a.buffer = append(append(append(a.buffer[:0], byte(e.Log)), e.Category...), 0)
	a.buffer = append(append(append(a.buffer, e.Reason...), 0), operation...)
	u := a.unmapped[string(a.buffer)]
	if u == nil {
		if len(a.unmapped) >= maxUnmapped {
			// Too many names: what follows is counted by its reason alone.
			a.buffer = append(append(a.buffer[:0], byte(e.Log), 0), e.Reason...)
			u = a.unmapped[string(a.buffer)]
			operation = nil
		}
		if u == nil {
			u = &Unmapped{Log: e.Log, Reason: e.Reason, Operation: string(operation)}
			if len(a.unmapped) < maxUnmapped {
				u.Category = string(e.Category)
			}
			a.unmapped[string(a.buffer)] = u
		}
	}
	u.Entries++
}

// origin finds where an operation came from.
func (s *subject) origin(e *logs.Entry) *tally {
	for i := range s.origins {
		o := &s.origins[i]
		if o.Agent == string(e.Agent) && o.Caller == string(e.Caller) && o.Host == string(e.Host) &&
			o.Credential == string(e.Credential) && o.App == string(e.AppID) {
			return o.tally
		}
	}
	return s.find(&Origin{App: string(e.AppID), Host: string(e.Host), Credential: string(e.Credential), Caller: string(e.Caller), Agent: string(e.Agent)})
}

// find returns the count of an origin, which is kept unless there are too many.
func (s *subject) find(o *Origin) *tally {
	for i := range s.origins {
		if s.origins[i].Origin == *o {
			return s.origins[i].tally
		}
	}
	if len(s.origins) < maxOrigins {
		s.origins = append(s.origins, origin{*o, newTally()})
		return s.origins[len(s.origins)-1].tally
	}
	if s.more == nil {
		s.more = newTally()
	}
	return s.more
}

// Merge adds what another aggregator has counted. The other one is not to be used again.
func (a *Aggregator) Merge(b *Aggregator) {
	a.settle()
	b.settle()
	a.entries += b.entries
	a.repeated += b.repeated
	who := make([]uint32, len(b.who))
	for key, n := range b.principals {
		id, added := a.principals.of([]byte(key))
		if who[n] = id; added {
			a.who = append(a.who, subject{principal: b.who[n].principal, app: b.who[n].app})
		}
		a.who[id].merge(&b.who[n])
	}
	what := make([]uint32, len(b.what))
	for key, n := range b.actions {
		id, added := a.actions.of([]byte(key))
		if what[n] = id; added {
			a.what = append(a.what, b.what[n])
		}
	}
	where := make([]uint32, len(b.scopes))
	for key, n := range b.scopes {
		where[n], _ = a.scopes.of([]byte(key))
	}
	rows := make([]int32, len(b.facts.rows))
	for i := range b.facts.rows {
		f := &b.facts.rows[i]
		rows[i] = a.facts.row(factKey{who[f.who], what[f.what], where[f.where], f.day})
		a.facts.rows[rows[i]].merge(&f.tally)
	}
	a.mergeCalls(b, rows)
	for key, s := range b.seen {
		if mine := a.seen[key]; mine != nil {
			mine.Entries += s.Entries
			mine.span(s.First, s.Last)
		} else {
			a.seen[key] = s
		}
	}
	for key, u := range b.unmapped {
		if mine := a.unmapped[key]; mine != nil {
			mine.Entries += u.Entries
		} else {
			a.unmapped[key] = u
		}
	}
}

// mergeCalls takes the calls of another aggregator, whose rows were taken already. A call of
// which both know was counted twice.
func (a *Aggregator) mergeCalls(b *Aggregator, rows []int32) {
	for h, d := range b.calls {
		d.row = rows[d.row]
		c, known := a.calls[h]
		if !known {
			a.calls[h] = d
			continue
		}
		a.facts.rows[d.row].add(d.outcome, -1)
		a.again(h, c, d)
	}
}

func (s *subject) merge(o *subject) {
	for i := range o.origins {
		s.find(&o.origins[i].Origin).merge(o.origins[i].tally)
	}
	if o.more != nil {
		if s.more == nil {
			s.more = newTally()
		}
		s.more.merge(o.more)
	}
}

// Summary returns all that was counted, in no order; [Ledger.Total] brings it into one.
func (a *Aggregator) Summary() *Summary {
	a.settle()
	out := &Summary{Entries: a.entries, Repeated: a.repeated, Facts: make([]Fact, 0, len(a.facts.rows))}
	scopes := make([]string, len(a.scopes))
	for text, n := range a.scopes {
		scopes[n] = text
	}
	for i := range a.facts.rows {
		f := &a.facts.rows[i]
		if f.total() == 0 {
			continue // the end of a call that is counted on another day
		}
		s, r := &a.who[f.who], &a.what[f.what]
		out.Facts = append(out.Facts, Fact{
			Principal: s.principal, App: s.app, Log: r.log, Action: r.action, Plane: r.plane, Scope: scopes[f.where], Day: f.day, Counts: f.counts(),
		})
	}
	for i := range a.who {
		s := &a.who[i]
		list := s.origins
		if s.more != nil {
			list = append(slices.Clip(list), origin{Origin{More: true}, s.more})
		}
		for _, o := range list {
			o.Principal, o.Counts = s.principal, o.counts()
			if s.app != "" {
				o.App = s.app
			}
			out.Origins = append(out.Origins, o.Origin)
		}
	}
	for _, s := range a.seen {
		out.Seen = append(out.Seen, *s)
	}
	for _, u := range a.unmapped {
		out.Unmapped = append(out.Unmapped, *u)
	}
	return out
}
