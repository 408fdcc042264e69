// SPDX-License-Identifier: Apache-2.0

package forensics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/usage"
)

// Query asks what a principal could do in a window of time, and what it did.
type Query struct {
	Snapshot  *mivet.Snapshot
	Catalog   *catalog.Catalog
	Principal mivet.PrincipalID
	// From and To bound the window; To is not within. BaselineFrom leaves out what is older.
	From, To, BaselineFrom time.Time
	// Log is what the activity log tells of grants, Trace what the principal did, Logs what
	// entries there were at all.
	Log   *provenance.Log
	Trace *Trace
	Logs  *usage.Summary
	// Changes are those of what runs with the identity, as [execpath.Watcher] tells them.
	Changes []execpath.Change
	// Ceiling is the engine of the contract's ceiling; nil where nothing was agreed on.
	Ceiling *authz.Engine
}

// Class says what a doing is.
type Class string

// The classes.
const (
	// Expected: allowed, within the pattern, and within what was agreed on.
	Expected Class = "expected"
	// Outside: allowed, and outside of the pattern or of what was agreed on.
	Outside Class = "outside"
	// Refused by Azure.
	Refused Class = "refused"
	// Unexplained: Azure granted it, and nothing that is known gives it.
	Unexplained Class = "unexplained"
	// Undecided: the log does not say whether it was granted.
	Undecided Class = "undecided"
)

// Line is what was done with one right at one scope, as far as it is of one class.
type Line struct {
	Class     Class       `json:"class"`
	Log       logs.Log    `json:"log"`
	Operation string      `json:"operation"`
	Action    string      `json:"action,omitzero"`
	Plane     mivet.Plane `json:"plane"`
	Scope     arm.ID      `json:"scope"`
	Count     int64       `json:"count"`
	First     time.Time   `json:"first"`
	Last      time.Time   `json:"last"`
	// Addresses are where it came from, at most eight.
	Addresses []string `json:"addresses,omitzero"`
	Odd       []Oddity `json:"odd,omitzero"`
	// By is the grant that gives it, as far as one assignment does; Note says what else there
	// is to the answer.
	By   *mivet.RoleAssignment `json:"-"`
	Note string                `json:"note,omitzero"`
	// Sure is false where the answer of that time is not known.
	Sure bool `json:"sure"`
	// Source is the first entry.
	Source mivet.Source `json:"source"`
	// After is the last change of what runs with the identity before the first time, for what
	// was new.
	After *After `json:"-"`
}

// After is a change of content that came before something new.
type After struct {
	Change execpath.Change
	// Number is the place in the list of changes.
	Number int
	Delay  time.Duration
}

// Interval is a time in which nothing changed in what was possible.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Grants are the role assignments that held; those that may have held are in Possible.
	Grants   []mivet.RoleAssignment `json:"grants"`
	Possible []mivet.RoleAssignment `json:"possible,omitzero"`
}

// Gap is something that the answer does not cover.
type Gap struct {
	What string `json:"what"`
	// Fix says what would close it; empty where nothing does.
	Fix string `json:"fix,omitzero"`
}

// Report is the answer to a [Query].
type Report struct {
	Baseline  Baseline            `json:"baseline"`
	Intervals []Interval          `json:"intervals"`
	Tenures   []provenance.Tenure `json:"tenures"`
	Lines     []Line              `json:"lines"`
	Changes   []execpath.Change   `json:"-"`
	Gaps      []Gap               `json:"gaps"`
}

// Count sums the doings of a class.
func (r *Report) Count(c Class) (n int64) {
	for i := range r.Lines {
		if r.Lines[i].Class == c {
			n += r.Lines[i].Count
		}
	}
	return n
}

// examination is one run.
type examination struct {
	*Query
	history *provenance.History
	who     []mivet.PrincipalID // the principal and its groups
	tenures []provenance.Tenure
	cuts    []time.Time
	engines map[int]*moment
	pattern *pattern
	report  Report
	lines   map[string]int
}

// moment is an interval with its engine and the answers that were asked for.
type moment struct {
	snap    *mivet.Snapshot
	engine  *authz.Engine
	answers map[string]answer
}

// answer is what the engine says of a doing.
type answer struct {
	effect authz.Effect
	by     *mivet.RoleAssignment
}

// Examine answers a query.
func Examine(q *Query) *Report {
	x := examination{Query: q, history: q.Log.History(q.To), engines: map[int]*moment{}, pattern: newPattern(), lines: map[string]int{}}
	x.who = append([]mivet.PrincipalID{q.Principal}, q.Log.Groups(q.Principal)...)
	for _, t := range append(x.history.Of(x.who...), x.history.Unknown()...) {
		if t.Lasts || t.To.Latest.IsZero() || t.To.Latest.After(q.From) {
			if t.From.Earliest.IsZero() || t.From.Earliest.Before(q.To) {
				nameRole(q.Catalog, q.Snapshot, &t.Grant)
				x.tenures = append(x.tenures, t)
			}
		}
	}
	x.intervals()
	x.report.Changes = q.Changes
	for d := range q.Trace.All() {
		switch {
		case d.Principal != q.Principal || !d.At.Before(q.To):
		case d.At.Before(q.From):
			if !d.At.Before(q.BaselineFrom) {
				x.pattern.learn(&d)
			}
		default:
			x.pattern.settle() // doings come in order of time
			x.done(&d)
		}
	}
	x.pattern.settle()
	x.report.Baseline = x.pattern.Baseline
	x.report.Tenures = slices.DeleteFunc(slices.Clone(x.tenures), func(t provenance.Tenure) bool { return t.Unknown() })
	x.after()
	x.sort()
	x.gaps()
	return &x.report
}

// intervals cuts the window where something changes.
func (x *examination) intervals() {
	x.cuts = []time.Time{x.From}
	for _, t := range provenance.Changes(x.tenures) {
		if t.After(x.From) && t.Before(x.To) {
			x.cuts = append(x.cuts, t)
		}
	}
	for i, from := range x.cuts {
		v := Interval{From: from, To: x.To, Grants: []mivet.RoleAssignment{}}
		if i+1 < len(x.cuts) {
			v.To = x.cuts[i+1]
		}
		for j := range x.tenures {
			switch t := &x.tenures[j]; {
			case t.Unknown():
			case t.Presence(from) == provenance.Present:
				v.Grants = append(v.Grants, t.Grant)
			case t.Presence(from) == provenance.Possible:
				v.Possible = append(v.Possible, t.Grant)
			}
		}
		x.report.Intervals = append(x.report.Intervals, v)
	}
}

// moment returns the engine of a time in the window.
func (x *examination) moment(when time.Time) *moment {
	i, found := slices.BinarySearchFunc(x.cuts, when, time.Time.Compare)
	if !found {
		i--
	}
	m := x.engines[i]
	if m == nil {
		m = &moment{snap: x.history.At(x.cuts[i], x.who...), answers: map[string]answer{}}
		m.engine = authz.New(m.snap, authz.Options{Catalog: x.Catalog, At: x.cuts[i]})
		x.engines[i] = m
	}
	return m
}

// could asks whether a doing was allowed at its time. Of alternatives one must be, of rights
// that were needed together all.
func (x *examination) could(d *Doing) answer {
	m := x.moment(d.At)
	key := d.Action + "\x00" + d.Scope + "\x00" + d.Plane.String()
	if a, ok := m.answers[key]; ok {
		return a
	}
	a := answer{effect: authz.Unknown}
	if scope, err := arm.ParseID(d.Scope); err == nil && d.Action != "" {
		var at int
		if a.effect, at = ask(m.engine, x.Principal, d, scope); at >= 0 && at < len(m.snap.RoleAssignments) {
			a.by = &m.snap.RoleAssignments[at]
			nameRole(x.Catalog, x.Snapshot, a.by)
		}
	}
	m.answers[key] = a
	return a
}

// ask puts a doing to an engine. It returns the place of the assignment that decided, or -1.
func ask(e *authz.Engine, who mivet.PrincipalID, d *Doing, scope arm.ID) (best authz.Effect, fact int) {
	best, fact = authz.Denied, -1
	for way := range strings.SplitSeq(d.Action, "|") {
		all, by := authz.Allowed, -1
		for text := range strings.SplitSeq(way, "+") {
			op, err := arm.ParseOperation(text)
			if err != nil {
				all = authz.Unknown
				break
			}
			c := e.Check(authz.Request{Principal: who, Operation: op, Plane: d.Plane, Resource: scope})
			if c.Local == authz.NotLocal && c.Cause != authz.CauseDeny {
				by = c.Fact
			}
			if c.Effect == authz.Denied || all == authz.Allowed {
				all = c.Effect
			}
		}
		if all == authz.Allowed {
			return all, by
		}
		if all == authz.Unknown {
			best = authz.Unknown
		}
	}
	return best, fact
}

// lag is how long a change of assignments may take to be felt everywhere.
// Source: MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md
// ("changes can take up to 10 minutes to take effect").
const lag = 10 * time.Minute

// done takes a doing within the window.
func (x *examination) done(d *Doing) {
	a := x.could(d)
	l := Line{
		Log: d.Log, Operation: d.Operation, Action: d.Action, Plane: d.Plane, First: d.At, Source: d.Source, By: a.by, Sure: a.effect != authz.Unknown,
		Odd: x.pattern.odd(d),
	}
	if id, err := arm.ParseID(d.Scope); err == nil {
		l.Scope = x.Log.Spelled(id)
		l.Odd = append(l.Odd, x.agreed(d, id)...)
	}
	l.Class, l.Note = x.class(d, &l, a)
	key := fmt.Sprint(l.Class, "\x00", strings.ToLower(rightOf(d)), "\x00", d.Scope, "\x00", l.Odd, "\x00", l.Note, "\x00", byKey(l.By))
	i, ok := x.lines[key]
	if !ok {
		i = len(x.report.Lines)
		x.lines[key] = i
		x.report.Lines = append(x.report.Lines, l)
	}
	have := &x.report.Lines[i]
	have.Count += d.Count
	have.Last = d.At
	const most = 8
	if d.Address != "" && len(have.Addresses) < most && !slices.Contains(have.Addresses, d.Address) {
		have.Addresses = append(have.Addresses, d.Address)
	}
}

func byKey(a *mivet.RoleAssignment) string {
	if a == nil {
		return ""
	}
	return string(a.ID.Key()) + "\x00" + string(a.Role)
}

// agreed asks the contract and the access tests.
func (x *examination) agreed(d *Doing, scope arm.ID) (out []Oddity) {
	if x.Ceiling != nil && d.Action != "" {
		if effect, _ := ask(x.Ceiling, x.Principal, d, scope); effect == authz.Denied {
			out = append(out, NotAgreed)
		}
	}
	for i := range x.Snapshot.AccessTests {
		t := &x.Snapshot.AccessTests[i]
		if t.Principal == x.Principal && !t.Allowed && t.Resource.Contains(scope) && asks(d.Action, t.Operation) {
			return append(out, Forbidden)
		}
	}
	return out
}

// asks reports whether an operation is among those of an action.
func asks(action string, op arm.Operation) bool {
	for text := range strings.FieldsFuncSeq(action, func(r rune) bool { return r == '|' || r == '+' }) {
		if o, err := arm.ParseOperation(text); err == nil && o.Equal(op) {
			return true
		}
	}
	return false
}

// class decides, with a note where the log and what is known of that time differ.
func (x *examination) class(d *Doing, l *Line, a answer) (Class, string) {
	switch d.Outcome {
	case logs.Refused:
		if a.effect == authz.Allowed {
			return Refused, x.lateGrant(d, a)
		}
		return Refused, ""
	case logs.Undecided:
		return Undecided, ""
	case logs.Granted:
	}
	if d.Action == "" {
		return Undecided, "the log names no right"
	}
	if a.effect == authz.Denied {
		return Unexplained, x.lateRemoval(d)
	}
	note := ""
	if a.effect == authz.Unknown {
		note = "whether it was allowed then is not known; Azure granted it"
	}
	if len(l.Odd) > 0 {
		return Outside, note
	}
	return Expected, note
}

// lateGrant explains a refusal of what should have been allowed.
func (x *examination) lateGrant(d *Doing, a answer) string {
	for i := range x.tenures {
		t := &x.tenures[i]
		if a.by != nil && byKey(&t.Grant) == byKey(a.by) && !t.From.Latest.IsZero() && d.At.Sub(t.From.Latest) < lag && !d.At.Before(t.From.Latest) {
			return "the grant was made less than ten minutes before: it was not felt everywhere yet"
		}
	}
	return "by what is known it was allowed: a token older than the grant, a rule of the network, or a denial that was not read"
}

// lateRemoval explains what was granted though nothing gave it.
func (x *examination) lateRemoval(d *Doing) string {
	m := x.moment(d.At)
	for i := range x.tenures {
		t := &x.tenures[i]
		if t.Unknown() || t.To.Latest.IsZero() || d.At.Before(t.To.Latest) || d.At.Sub(t.To.Latest) > lag {
			continue
		}
		s := *m.snap
		s.RoleAssignments = append(slices.Clone(m.snap.RoleAssignments), t.Grant)
		e := authz.New(&s, authz.Options{Catalog: x.Catalog, At: d.At})
		if scope, err := arm.ParseID(d.Scope); err == nil {
			if effect, _ := ask(e, x.Principal, d, scope); effect == authz.Allowed {
				return "a grant that gave it was removed less than ten minutes before: the removal was not felt everywhere yet"
			}
		}
	}
	return "by an assignment, a group or an access list that was not read, or that is gone without a trace in the log"
}

// contentClasses are the changes after which something else may run.
var contentClasses = []string{"code", "content", "image", "vm", "k8s", "apps", "automation", "template"}

// after finds for what was new the last change of content before it.
func (x *examination) after() {
	for i := range x.report.Lines {
		l := &x.report.Lines[i]
		if !slices.ContainsFunc(l.Odd, func(o Oddity) bool { return o == NewOperation || o == NewScope || o == NewAddress }) {
			continue
		}
		for n := range x.Changes {
			c := &x.Changes[n]
			if c.Refused || c.At.IsZero() || c.At.After(l.First) || !slices.Contains(contentClasses, c.Row.Class) {
				continue
			}
			if l.After == nil || !c.At.Before(l.After.Change.At) {
				l.After = &After{Change: *c, Number: n, Delay: l.First.Sub(c.At)}
			}
		}
	}
}

// order is how lines are told: what needs a look first.
var order = map[Class]int{Outside: 0, Unexplained: 1, Refused: 2, Undecided: 3, Expected: 4}

func (x *examination) sort() {
	slices.SortStableFunc(x.report.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(order[a.Class], order[b.Class]), a.First.Compare(b.First))
	})
}
