// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

// Bounds of what is kept beside the facts.
const (
	maxOrigins  = 64   // of a principal
	maxUnmapped = 4096 // kinds of entries that name no right
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

	index  map[factKey]int32
	facts  []factRow
	calls  map[uint64]call
	seed   maphash.Seed
	buffer []byte

	once      map[uint64]struct{} // digests of the entries; nil: none are kept
	elsewhere map[uint64]struct{}

	seen     map[string]*Seen
	last     *Seen
	unmapped map[string]*Unmapped
}

// NewAggregator returns an empty aggregator.
func NewAggregator() *Aggregator {
	return &Aggregator{
		principals: names{}, actions: names{}, scopes: names{}, index: map[factKey]int32{}, calls: map[uint64]call{},
		seed: maphash.MakeSeed(), seen: map[string]*Seen{}, unmapped: map[string]*Unmapped{},
	}
}

// CountOnce makes the aggregator leave out entries that are equal byte for byte to an
// earlier one, or to one whose digest is given: services deliver some twice. It takes 16
// bytes or more of memory an entry.
func (a *Aggregator) CountOnce(elsewhere map[uint64]struct{}) {
	a.once, a.elsewhere = map[uint64]struct{}{}, elsewhere
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
	origins        []Origin
	more           *Origin
}

// right is an action as a log names it.
type right struct {
	log    logs.Log
	plane  mivet.Plane
	action string
}

type factKey struct {
	who, what, where uint32
	day              Day
}

type factRow struct {
	factKey
	Counts
}

// call is one request to Resource Manager, of which several entries tell.
type call struct {
	row     int32
	outcome logs.Outcome
}

// Repeats reports whether a line was there before, and keeps it in mind. It reports false
// where entries are not counted once.
func (a *Aggregator) Repeats(line []byte) bool {
	if a.once == nil {
		return false
	}
	d := Digest(line)
	_, here := a.once[d]
	if _, there := a.elsewhere[d]; here || there {
		a.repeated++
		return true
	}
	a.once[d] = struct{}{}
	return false
}

// Lines returns the digests of the entries, in order; nil where they are not counted once.
func (a *Aggregator) Lines() []uint64 { return slices.Sorted(maps.Keys(a.once)) }

// Add counts an entry. It keeps nothing of the entry's memory.
func (a *Aggregator) Add(e *logs.Entry) {
	a.entries++
	a.saw(e)
	byApp := e.Reason == logs.NoPrincipal && len(e.AppID) > 0
	if !e.Use() && !byApp {
		a.leave(e)
		if len(e.Principal) == 0 || e.Log != logs.SignIn {
			return
		}
		who, _ := a.subject(e, false)
		a.from(who, e)
		return
	}
	who, number := a.subject(e, byApp)
	a.from(who, e)
	row := a.row(factKey{number, a.right(e), a.scope(e), DayOf(e.Time)})
	if e.Log == logs.Activity && len(e.Correlation) > 0 {
		a.call(row, e)
		return
	}
	a.facts[row].add(e.Granted, e.Count, e.Time)
}

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

func (a *Aggregator) row(k factKey) int32 {
	if i, ok := a.index[k]; ok {
		return i
	}
	i := int32(len(a.facts))
	a.index[k] = i
	a.facts = append(a.facts, factRow{factKey: k})
	return i
}

// call counts a call of which several entries tell (started, accepted, succeeded) one time,
// with the outcome that says most: a refusal, else that it was granted.
func (a *Aggregator) call(row int32, e *logs.Entry) {
	a.buffer = append(append(a.buffer[:0], e.Correlation...), 0)
	a.buffer = append(append(a.buffer, e.Call...), 0)
	a.buffer = append(append(a.buffer, e.Action...), 0)
	a.buffer = append(a.buffer, e.Scope...)
	h := maphash.Bytes(a.seed, a.buffer)
	c, known := a.calls[h]
	if !known {
		a.calls[h] = call{row, e.Granted}
		a.facts[row].add(e.Granted, e.Count, e.Time)
		return
	}
	counts := &a.facts[c.row].Counts
	counts.span(e.Time, e.Time)
	if e.Granted > c.outcome { // a refusal says more than a grant, and that more than nothing
		counts.add(c.outcome, -1, time.Time{})
		counts.add(e.Granted, 1, e.Time)
		a.calls[h] = call{c.row, e.Granted}
	}
}

// saw keeps that the resource wrote an entry of the category.
func (a *Aggregator) saw(e *logs.Entry) {
	day := DayOf(e.Time)
	s := a.last
	if s == nil || s.Log != e.Log || s.Resource != string(e.Resource) || s.Category != string(e.Category) {
		a.buffer = append(append(append(a.buffer[:0], byte(e.Log)), e.Category...), 0)
		a.buffer = append(a.buffer, e.Resource...)
		if s = a.seen[string(a.buffer)]; s == nil {
			s = &Seen{Log: e.Log, Category: string(e.Category), Resource: string(e.Resource), First: NoDay, Last: NoDay}
			a.seen[string(a.buffer)] = s
		}
		a.last = s
	}
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

// from keeps where an operation came from. Most come from where the last one did.
func (a *Aggregator) from(s *subject, e *logs.Entry) {
	for i := range s.origins {
		o := &s.origins[i]
		if o.Agent == string(e.Agent) && o.Caller == string(e.Caller) && o.Host == string(e.Host) &&
			o.Credential == string(e.Credential) && o.App == string(e.AppID) {
			o.add(e.Granted, e.Count, e.Time)
			if i > 0 {
				s.origins[i], s.origins[i-1] = s.origins[i-1], s.origins[i]
			}
			return
		}
	}
	if len(s.origins) >= maxOrigins {
		if s.more == nil {
			s.more = &Origin{More: true}
		}
		s.more.add(e.Granted, e.Count, e.Time)
		return
	}
	o := Origin{App: string(e.AppID), Host: string(e.Host), Credential: string(e.Credential), Caller: string(e.Caller), Agent: string(e.Agent)}
	o.add(e.Granted, e.Count, e.Time)
	s.origins = append(s.origins, o)
}

// Merge adds what another aggregator has counted. Entries of one call that went to
// different ones are counted in both.
func (a *Aggregator) Merge(b *Aggregator) {
	a.entries += b.entries
	a.repeated += b.repeated
	for d := range b.once {
		a.once[d] = struct{}{}
	}
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
	for i := range b.facts {
		f := &b.facts[i]
		a.facts[a.row(factKey{who[f.who], what[f.what], where[f.where], f.day})].Merge(&f.Counts)
	}
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

func (s *subject) merge(o *subject) {
	for i := range o.origins {
		s.take(&o.origins[i])
	}
	if o.more != nil {
		s.take(o.more)
	}
}

// take adds an origin of the same subject.
func (s *subject) take(o *Origin) {
	same := func(m Origin) bool {
		return m.Agent == o.Agent && m.Caller == o.Caller && m.Host == o.Host && m.Credential == o.Credential && m.App == o.App
	}
	i := slices.IndexFunc(s.origins, same)
	switch {
	case i >= 0 && !o.More:
		s.origins[i].Merge(&o.Counts)
	case len(s.origins) < maxOrigins && !o.More:
		s.origins = append(s.origins, *o)
	default:
		if s.more == nil {
			s.more = &Origin{More: true}
		}
		s.more.Merge(&o.Counts)
	}
}

// Summary returns all that was counted, in order.
func (a *Aggregator) Summary() *Summary {
	out := &Summary{Entries: a.entries, Repeated: a.repeated, Facts: make([]Fact, 0, len(a.facts))}
	scopes := make([]string, len(a.scopes))
	for text, n := range a.scopes {
		scopes[n] = text
	}
	for i := range a.facts {
		f := &a.facts[i]
		s, r := &a.who[f.who], &a.what[f.what]
		out.Facts = append(out.Facts, Fact{
			Principal: s.principal, App: s.app, Log: r.log, Action: r.action, Plane: r.plane, Scope: scopes[f.where], Day: f.day, Counts: f.Counts,
		})
	}
	for i := range a.who {
		s := &a.who[i]
		list := s.origins
		if s.more != nil {
			list = append(slices.Clip(list), *s.more)
		}
		for _, o := range list {
			o.Principal = s.principal
			if s.app != "" {
				o.App = s.app
			}
			out.Origins = append(out.Origins, o)
		}
	}
	for _, s := range a.seen {
		out.Seen = append(out.Seen, *s)
	}
	for _, u := range a.unmapped {
		out.Unmapped = append(out.Unmapped, *u)
	}
	out.sort()
	return out
}

// sort brings a summary into order and puts equal keys together: principals that were
// written in several letter cases, and parts of several files.
func (s *Summary) sort() {
	s.Facts = together(s.Facts, compareFacts, func(a, b *Fact) { a.Merge(&b.Counts) })
	s.Origins = together(s.Origins, compareOrigins, func(a, b *Origin) { a.Merge(&b.Counts) })
	s.Seen = together(s.Seen, compareSeen, func(a, b *Seen) {
		a.Entries += b.Entries
		a.span(b.First, b.Last)
	})
	s.Unmapped = together(s.Unmapped, compareUnmapped, func(a, b *Unmapped) { a.Entries += b.Entries })
}

func together[T any](rows []T, compare func(a, b *T) int, merge func(a, b *T)) []T {
	if len(rows) == 0 {
		return rows
	}
	// Rows are large: their places are sorted, and each row is moved once.
	order := make([]*T, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	slices.SortFunc(order, compare)
	out := make([]T, 0, len(rows))
	for _, r := range order {
		if n := len(out); n > 0 && compare(&out[n-1], r) == 0 {
			merge(&out[n-1], r)
			continue
		}
		out = append(out, *r)
	}
	return out
}
