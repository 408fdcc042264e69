// SPDX-License-Identifier: Apache-2.0

package kusto

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// Days reads the answer to [Table.Days]: how many entries there are on each day.
func Days(a *Answer) (map[usage.Day]int64, error) {
	day, entries := slices.Index(a.Columns, dayColumn), slices.Index(a.Columns, entriesColumn)
	if day < 0 || entries < 0 {
		return nil, fmt.Errorf("reading an answer: it has the columns %s", strings.Join(a.Columns, ", "))
	}
	out := map[usage.Day]int64{}
	for _, r := range a.Rows {
		t, err := timeOf(r[day])
		if err != nil {
			return nil, err
		}
		n, err := countOf(r[entries])
		if err != nil {
			return nil, err
		}
		out[usage.DayOf(t)] += n
	}
	return out, nil
}

func timeOf(v json.RawMessage) (time.Time, error) {
	var t time.Time
	if err := json.Unmarshal(v, &t); err != nil {
		return t, fmt.Errorf("reading an answer: %s is no time", clip(v))
	}
	return t.UTC(), nil
}

func countOf(v json.RawMessage) (int64, error) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("reading an answer: %s is no number of entries", clip(v))
	}
	return n, nil
}

func clip(v json.RawMessage) string {
	const most = 60
	return string(v[:min(most, len(v))])
}

// maxOrigins is how many origins of a principal are told apart; the others are one.
const maxOrigins = 64

// A Taker makes facts of answers.
type Taker struct {
	parser *logs.Parser

	entries  int64
	facts    map[factKey]*usage.Fact
	calls    map[callKey]*call
	origins  map[string]map[originKey]*usage.Origin
	seen     map[usage.Seen]*usage.Seen
	unmapped map[usage.Unmapped]int64
}

type factKey struct {
	principal, app string
	log            logs.Log
	action, scope  string
	plane          string
	day            usage.Day
}

// callKey is equal for groups of entries of one call.
type callKey struct {
	fact              factKey
	hour              int64
	correlation, call string
}

// call is what its entries say together.
type call struct {
	fact    *usage.Fact
	outcome logs.Outcome
	n       int64
}

type originKey struct{ client, host, credential, caller, agent string }

// NewTaker returns a taker. An error means that the program was built from damaged data.
func NewTaker() (*Taker, error) {
	p, err := logs.NewParser()
	if err != nil {
		return nil, err
	}
	return &Taker{
		parser: p, facts: map[factKey]*usage.Fact{}, calls: map[callKey]*call{}, origins: map[string]map[originKey]*usage.Origin{},
		seen: map[usage.Seen]*usage.Seen{}, unmapped: map[usage.Unmapped]int64{},
	}, nil
}

// Take adds the groups of an answer to [Table.Query].
func (k *Taker) Take(t *Table, a *Answer) error {
	at := make([]int, len(t.columns))
	for i, c := range t.columns {
		if at[i] = slices.Index(a.Columns, c.name); at[i] < 0 {
			return fmt.Errorf("reading an answer of %s: there is no column %s", t.Name, c.name)
		}
	}
	entries, first, last := slices.Index(a.Columns, entriesColumn), slices.Index(a.Columns, firstColumn), slices.Index(a.Columns, lastColumn)
	if entries < 0 || first < 0 || last < 0 {
		return fmt.Errorf("reading an answer of %s: it has the columns %s", t.Name, strings.Join(a.Columns, ", "))
	}
	for _, r := range a.Rows {
		n, err := countOf(r[entries])
		if err != nil {
			return err
		}
		begin, err := timeOf(r[first])
		if err != nil {
			return err
		}
		end, err := timeOf(r[last])
		if err != nil {
			return err
		}
		text, err := t.entry(at, r)
		if err != nil {
			return err
		}
		e, err := k.parser.Parse(text)
		if err != nil {
			return fmt.Errorf("reading an answer of %s: %w", t.Name, err)
		}
		k.group(e, n, begin, end)
	}
	return nil
}

// entry writes a group as one entry, in the form of the table.
func (t *Table) entry(at []int, r []json.RawMessage) ([]byte, error) {
	e := map[string]any{"Type": t.Name}
	if t.category != "" {
		e["Category"] = t.category
	}
	for i, c := range t.columns {
		v := any(r[at[i]])
		if c.raw {
			var s string
			if err := json.Unmarshal(r[at[i]], &s); err != nil {
				return nil, fmt.Errorf("reading an answer of %s: %s is no text", t.Name, c.name)
			}
			if s == "" {
				continue
			}
			v = json.RawMessage(s)
		}
		m, path := e, c.key
		if len(path) == 0 {
			path = []string{c.name}
		}
		for _, p := range path[:len(path)-1] {
			below, ok := m[p].(map[string]any)
			if !ok {
				below = map[string]any{}
				m[p] = below
			}
			m = below
		}
		m[path[len(path)-1]] = v
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("reading an answer of %s: %w", t.Name, err)
	}
	return b, nil
}

// group counts n entries that are alike.
func (k *Taker) group(e *logs.Entry, n int64, begin, end time.Time) {
	k.entries += n
	k.saw(e, n, begin)
	byApp := e.Reason == logs.NoPrincipal && len(e.AppID) > 0
	principal, app := strings.ToLower(string(e.Principal)), ""
	if byApp {
		principal, app = "", strings.ToLower(string(e.AppID))
	}
	if !e.Use() && !byApp {
		u := usage.Unmapped{Log: e.Log, Category: string(e.Category), Reason: e.Reason}
		if e.Reason == logs.UnknownOperation {
			u.Operation = string(e.Operation)
		}
		k.unmapped[u] += n
		if e.Log != logs.SignIn || principal == "" {
			return
		}
	}
	counts := counted(e.Granted, n*e.Count, begin, end)
	k.from(e, principal, app, &counts)
	if !e.Use() && !byApp {
		return
	}
	key := factKey{principal, app, e.Log, string(e.Action), string(e.Scope), e.Plane.String(), usage.DayOf(begin)}
	f := k.facts[key]
	if f == nil {
		f = &usage.Fact{Principal: principal, App: app, Log: e.Log, Action: key.action, Plane: e.Plane, Scope: key.scope, Day: key.day}
		k.facts[key] = f
	}
	if e.Log == logs.Activity && len(e.Correlation) > 0 {
		k.call(callKey{key, begin.Truncate(time.Hour).Unix(), string(e.Correlation), string(e.Call)}, f, e, begin, end)
		return
	}
	f.Merge(&counts)
}

func counted(o logs.Outcome, n int64, begin, end time.Time) usage.Counts {
	c := usage.Counts{First: begin, Last: end}
	switch o {
	case logs.Granted:
		c.Granted = n
	case logs.Refused:
		c.Refused = n
	default:
		c.Undecided = n
	}
	return c
}

// call counts a call once, with the outcome that says most.
func (k *Taker) call(key callKey, f *usage.Fact, e *logs.Entry, begin, end time.Time) {
	c := k.calls[key]
	if c == nil {
		c = &call{fact: f, outcome: e.Granted, n: e.Count}
		k.calls[key] = c
		one := counted(e.Granted, c.n, begin, end)
		f.Merge(&one)
		return
	}
	span := usage.Counts{First: begin, Last: end}
	f.Merge(&span)
	if e.Granted > c.outcome {
		less, more := counted(c.outcome, -c.n, time.Time{}, time.Time{}), counted(e.Granted, c.n, begin, end)
		f.Merge(&less)
		f.Merge(&more)
		c.outcome = e.Granted
	}
}

func (k *Taker) saw(e *logs.Entry, n int64, begin time.Time) {
	key := usage.Seen{Log: e.Log, Category: string(e.Category), Resource: string(e.Resource)}
	day := usage.DayOf(begin)
	s := k.seen[key]
	if s == nil {
		s = &usage.Seen{Log: key.Log, Category: key.Category, Resource: key.Resource, First: day, Last: day}
		k.seen[key] = s
	}
	s.Entries += n
	s.First, s.Last = min(s.First, day), max(s.Last, day)
}

// from counts where a principal came from.
func (k *Taker) from(e *logs.Entry, principal, app string, counts *usage.Counts) {
	who := principal + "\x00" + app
	of := k.origins[who]
	if of == nil {
		of = map[originKey]*usage.Origin{}
		k.origins[who] = of
	}
	o := usage.Origin{
		Principal: principal, App: string(e.AppID), Host: string(e.Host), Credential: string(e.Credential), Caller: string(e.Caller), Agent: string(e.Agent),
	}
	if app != "" {
		o.App = app
	}
	key := originKey{o.App, o.Host, o.Credential, o.Caller, o.Agent}
	if of[key] == nil && len(of) >= maxOrigins {
		o, key = usage.Origin{Principal: principal, App: app, More: true}, originKey{client: "\x00"}
	}
	if of[key] == nil {
		of[key] = &o
	}
	of[key].Merge(counts)
}

// Summary returns what was taken. It is not in order: [usage.Ledger] puts it there.
func (k *Taker) Summary() usage.Summary {
	out := usage.Summary{Entries: k.entries}
	for _, f := range k.facts {
		out.Facts = append(out.Facts, *f)
	}
	for _, of := range k.origins {
		for _, o := range of {
			out.Origins = append(out.Origins, *o)
		}
	}
	for _, s := range k.seen {
		out.Seen = append(out.Seen, *s)
	}
	for u, n := range k.unmapped {
		u.Entries = n
		out.Unmapped = append(out.Unmapped, u)
	}
	return out
}
