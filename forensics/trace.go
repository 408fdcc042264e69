// SPDX-License-Identifier: Apache-2.0

package forensics

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// Doing is one use of a right, or the vain attempt.
type Doing struct {
	At        time.Time
	Principal mivet.PrincipalID
	Log       logs.Log
	// Operation is the name in the log. Action is the right, with "|" between alternatives
	// and "+" between rights that were needed together; empty where the log names none.
	Operation, Action string
	Plane             mivet.Plane
	// Scope is in lower case, as logs have it.
	Scope   string
	Outcome logs.Outcome
	Count   int64
	Address string
	Source  mivet.Source
}

// Trace keeps entries of principals in little memory. Entries of one call, and entries that
// were delivered twice, are kept once. One goroutine fills it.
type Trace struct {
	keep    func(*Doing) bool
	clients map[string]mivet.PrincipalID
	texts   []string
	numbers map[string]int32
	origins []*mivet.Origin
	rows    []row
	calls   map[string]int32 // of the activity log: the row of a call
	seen    map[uint64]struct{}
	sorted  bool
}

// row is a doing whose texts are numbers.
type row struct {
	at                                               int64
	principal, operation, action, scope, address, in int32
	line                                             int32
	count                                            int64
	log                                              logs.Log
	plane                                            mivet.Plane
	outcome                                          logs.Outcome
}

// NewTrace returns an empty trace that keeps what keep chooses. Principals of which a log
// names the application alone are known from the snapshot.
func NewTrace(s *mivet.Snapshot, keep func(*Doing) bool) *Trace {
	t := &Trace{keep: keep, clients: map[string]mivet.PrincipalID{}, numbers: map[string]int32{}, calls: map[string]int32{}, seen: map[uint64]struct{}{}}
	for i := range s.Principals {
		if p := &s.Principals[i]; p.ClientID != "" {
			t.clients[strings.ToLower(p.ClientID)] = p.ID
		}
	}
	for i := range s.Identities {
		if id := &s.Identities[i]; id.ClientID != "" && id.Principal != "" {
			t.clients[strings.ToLower(id.ClientID)] = id.Principal
		}
	}
	return t
}

// Add takes an entry, its JSON text and the place it was read from. Nothing of the entry's
// memory is kept.
func (t *Trace) Add(e *logs.Entry, text []byte, at mivet.Source) {
	refusedSignIn := e.Reason == logs.ConnectionOnly && e.Granted == logs.Refused
	if !e.Use() && e.Reason != logs.NoPrincipal && !refusedSignIn || e.Time.IsZero() {
		return
	}
	d := Doing{
		At: e.Time, Principal: mivet.NewPrincipalID(string(e.Principal)), Log: e.Log, Operation: string(e.Operation), Action: string(e.Action),
		Plane: e.Plane, Scope: string(e.Scope), Outcome: e.Granted, Count: max(1, e.Count), Address: string(e.Caller), Source: at,
	}
	if d.Principal == "" && len(e.AppID) > 0 {
		d.Principal = t.clients[strings.ToLower(string(e.AppID))]
	}
	if d.Principal == "" || !t.keep(&d) {
		return
	}
	digest := usage.Digest(text)
	if _, twice := t.seen[digest]; twice {
		return
	}
	t.seen[digest] = struct{}{}
	t.sorted = false
	if d.Log == logs.Activity && len(e.Correlation) > 0 {
		call := strings.ToLower(string(e.Correlation) + "\x00" + string(e.Call) + "\x00" + d.Action + "\x00" + d.Scope)
		if n, ok := t.calls[call]; ok {
			t.join(&t.rows[n], &d)
			return
		}
		t.calls[call] = int32(len(t.rows))
	}
	t.rows = append(t.rows, t.row(&d))
}

// join takes another entry of the same call: the worst outcome counts, and the first time.
func (t *Trace) join(r *row, d *Doing) {
	r.at = min(r.at, d.At.UnixNano())
	if d.Outcome > r.outcome {
		r.outcome = d.Outcome
		r.in, r.line = t.place(d.Source)
	}
}

func (t *Trace) row(d *Doing) row {
	in, line := t.place(d.Source)
	return row{
		at: d.At.UnixNano(), principal: t.number(string(d.Principal)), operation: t.number(d.Operation), action: t.number(d.Action),
		scope: t.number(d.Scope), address: t.number(d.Address), in: in, line: line, count: d.Count, log: d.Log, plane: d.Plane, outcome: d.Outcome,
	}
}

func (t *Trace) number(text string) int32 {
	n, ok := t.numbers[text]
	if !ok {
		n = int32(len(t.texts))
		text = strings.Clone(text)
		t.texts = append(t.texts, text)
		t.numbers[text] = n
	}
	return n
}

func (t *Trace) place(s mivet.Source) (in, line int32) {
	if n := len(t.origins); n == 0 || t.origins[n-1] != s.Origin {
		t.origins = append(t.origins, s.Origin)
	}
	return int32(len(t.origins) - 1), int32(s.Line)
}

// All yields what was kept in order of time.
func (t *Trace) All() iter.Seq[Doing] {
	if !t.sorted {
		slices.SortStableFunc(t.rows, func(a, b row) int {
			switch {
			case a.at < b.at:
				return -1
			case a.at > b.at:
				return 1
			}
			return 0
		})
		clear(t.calls) // rows have moved: entries of one call that come later are kept apart
		t.sorted = true
	}
	return func(yield func(Doing) bool) {
		for i := range t.rows {
			if !yield(t.doing(&t.rows[i])) {
				return
			}
		}
	}
}

func (t *Trace) doing(r *row) Doing {
	return Doing{
		At: time.Unix(0, r.at).UTC(), Principal: mivet.PrincipalID(t.texts[r.principal]), Log: r.log, Operation: t.texts[r.operation], Action: t.texts[r.action],
		Plane: r.plane, Scope: t.texts[r.scope], Outcome: r.outcome, Count: r.count, Address: t.texts[r.address],
		Source: mivet.Source{Origin: t.origins[r.in], Line: int(r.line)},
	}
}
