// SPDX-License-Identifier: Apache-2.0

package forensics

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/usage"
)

func (x *examination) gap(fix, format string, args ...any) {
	g := Gap{What: fmt.Sprintf(format, args...), Fix: fix}
	if !slices.Contains(x.report.Gaps, g) {
		x.report.Gaps = append(x.report.Gaps, g)
	}
}

// gaps says what the answer does not cover.
func (x *examination) gaps() {
	x.report.Gaps = []Gap{}
	x.blindness()
	x.unwritten()
	x.unpatterned()
	x.standing()
}

// blindness asks for each right that held in the window whether a log would have shown its
// use.
func (x *examination) blindness() {
	if x.Logs == nil {
		return
	}
	q := usage.Query{Principal: x.Principal, Tenant: x.Snapshot, Logs: x.Logs, Window: usage.Window{First: usage.DayOf(x.From), Last: usage.DayOf(x.To.Add(-time.Nanosecond))}}
	seen := map[string]bool{}
	for _, from := range x.cuts {
		m := x.moment(from)
		for r := range m.engine.WhatCan(authz.WhatCanQuery{Principal: x.Principal, At: from}) {
			key := fmt.Sprint(r.RoleName, r.Scope.Key(), r.Source)
			if r.Effect != authz.Denied && !seen[key] {
				seen[key] = true
				q.Rights = append(q.Rights, r)
			}
		}
	}
	blind := 0
	for _, g := range usage.Compare(&q).Grants {
		for i := range g.Unused {
			switch u := &g.Unused[i]; u.Class {
			case usage.Off:
				fix := ""
				if u.Category != "" && u.Missing != "" {
					fix = "export " + u.Category + " of " + u.Missing
				}
				x.gap(fix, "what it did by %s at %s: %s", g.Right.RoleName, g.Right.Scope, u.Why)
			case usage.Blind:
				blind += len(u.Actions)
			case usage.Covered:
			}
		}
	}
	if blind > 0 {
		x.gap("", "operations that are in no log, whoever does them, such as reads of Resource Manager: it could do %d of them", blind)
	}
}

// unwritten says what the history of grants does not know.
func (x *examination) unwritten() {
	for i := range x.tenures {
		t := &x.tenures[i]
		switch {
		case t.Unknown():
			end := "is gone"
			if t.Removed != nil {
				end = "was removed at " + stamp(t.Removed.At) + " (" + t.Removed.Source.String() + ")"
			}
			x.gap("read a snapshot from before, or logs that reach back to when it was made",
				"an assignment at %s %s, and the log does not tell whose it was: %s", t.Grant.Scope, end, t.Grant.ID.Name())
		case t.Gap != "":
			x.gap("", "%s at %s: %s", roleOf(&t.Grant), t.Grant.Scope, t.Gap)
		}
	}
	if n := x.Log.Faults; n > 0 {
		x.gap("", "%d entries of the activity log whose details could not be read", n)
	}
	subs := map[string]bool{}
	for i := range x.tenures {
		scope := x.tenures[i].Grant.Scope
		sub := scope.Subscription()
		if sub.IsZero() || subs[sub.String()] {
			continue
		}
		subs[sub.String()] = true
		span := x.Log.Span(scope)
		fix := "export the activity log of " + sub.String() + " (it keeps 90 days by itself)"
		switch {
		case span.First.IsZero():
			x.gap(fix, "grants that were made and removed in %s: %s", sub, provenance.NoLog)
		case span.First.After(x.From):
			x.gap(fix, "grants that were made and removed in %s before %s: the activity log that was read begins then", sub, stamp(span.First))
		}
		if !span.First.IsZero() && span.Last.Before(x.To) && x.To.Sub(span.Last) > 24*time.Hour {
			x.gap(fix, "grants in %s after %s: the activity log that was read ends then", sub, stamp(span.Last))
		}
	}
	for _, r := range x.Log.Records() {
		if !strings.HasSuffix(strings.ToLower(r.Operation), "/roledefinitions/write") || !r.Done() || !r.At.After(x.From) {
			continue
		}
		if i := slices.IndexFunc(x.tenures, func(t provenance.Tenure) bool { return t.Grant.Role == mivet.NewRoleID(r.Target.Name()) }); i >= 0 {
			x.gap("", "what %s gave before %s: it was changed then (%s)", roleOf(&x.tenures[i].Grant), stamp(r.At), r.Source)
		}
	}
}

func roleOf(a *mivet.RoleAssignment) string {
	if a.RoleName != "" {
		return a.RoleName
	}
	return "role " + string(a.Role)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// unpatterned says what the pattern does not rest on.
func (x *examination) unpatterned() {
	p := x.pattern
	const fix = "give logs of the weeks before the window"
	switch {
	case !p.known():
		x.gap(fix, "what is usual: no entry of the identity before the window was read, so nothing is called new")
		return
	case p.Days < leastDays:
		x.gap(fix, "what is usual rests on %d days with entries: what is done once a week or a month looks new, and hours are not judged", p.Days)
	}
	if p.roams {
		x.gap("", "addresses: they changed all the time before, so a new one is not called so")
	}
	if p.wanders {
		x.gap("", "places: it came to new ones all the time before, so a new one is not called so")
	}
}

// standing says what is taken as the snapshot has it, for all times.
func (x *examination) standing() {
	if len(x.who) > 1 {
		x.gap("ask the audit log of the directory", "who was in which group then: the activity log does not tell, so the groups of the snapshot are taken")
	}
	s := x.Snapshot
	lists := 0
	for i := range s.AccessPolicies {
		if slices.Contains(x.who, s.AccessPolicies[i].Principal) {
			lists++
		}
	}
	for i := range s.LocalGrants {
		if slices.Contains(x.who, s.LocalGrants[i].Principal) {
			lists++
		}
	}
	for i := range s.PathACLs {
		if slices.Contains(x.who, s.PathACLs[i].Principal) {
			lists++
		}
	}
	if lists > 0 {
		x.gap("", "access policies, local roles and path lists of that time: %d of them are taken as the snapshot has them", lists)
	}
	if len(s.DenyAssignments) > 0 {
		x.gap("", "deny assignments of that time: those of the snapshot are taken")
	}
}
