// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"time"

	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/minimize"
)

// span is when a right was used first and last, and from which origins.
type span struct {
	first, last time.Time
	origins     map[int]bool
}

func (s *span) add(t time.Time) {
	if t.IsZero() {
		return
	}
	if s.first.IsZero() || t.Before(s.first) {
		s.first = t
	}
	if t.After(s.last) {
		s.last = t
	}
}

// noteUse keeps when a right was used, and from where.
func (t *trimming) noteUse(key string, e *logs.Entry) {
	if t.uses == nil {
		t.uses = map[string]*span{}
	}
	if t.uses[key] == nil {
		t.uses[key] = &span{origins: map[int]bool{}}
	}
	t.uses[key].add(e.Time)
	t.uses[key].origins[t.origin(e)] = true
}

// replay is the test of a proposal on what it was not made from: one is made of the rights
// that were used in the first two thirds of the time, and held against those of the rest.
type replay struct {
	From  time.Time `json:"from"`
	Split time.Time `json:"split"`
	Until time.Time `json:"until"`
	// Rights is how many were used after the split, Refused those that the proposal made from
	// the time before it does not give.
	Rights  int             `json:"rights"`
	Refused []minimize.Need `json:"refused"`
}

// shortest is the time below which a split says nothing.
const shortest = 48 * time.Hour

// replayLogs learns on the first part of the logs and tests on the rest; nil where the logs
// are too short for that.
func (t *trimming) replayLogs() *replay {
	var all span
	for _, s := range t.uses {
		all.add(s.first)
		all.add(s.last)
	}
	if all.last.Sub(all.first) < shortest {
		return nil
	}
	r := &replay{From: all.first, Split: all.first.Add(all.last.Sub(all.first) * 2 / 3), Until: all.last, Refused: []minimize.Need{}}
	var learned, later []minimize.Need
	for i := range t.open {
		n := t.open[i]
		used := t.uses[needKey(&n)]
		if used == nil || used.first.IsZero() || !used.first.After(r.Split) || t.named[needKey(&n)] {
			learned = append(learned, n)
		}
		if used != nil && used.last.After(r.Split) {
			later = append(later, n)
		}
	}
	r.Rights = len(later)
	p, _ := t.problem(learned)
	found, err := p.Solve()
	if err != nil { // it cannot be: all of them together were solved
		return nil
	}
	for _, n := range later {
		if !t.isGiven(found.Grants, &n) {
			r.Refused = append(r.Refused, n)
		}
	}
	return r
}

// isGiven reports whether some grant gives a right.
func (t *trimming) isGiven(grants []minimize.Grant, n *minimize.Need) bool {
	for _, g := range grants {
		if t.holds(g.Scope, n.Scope) && authz.CompileRole(g.Role).Gives(n.Operation, n.Plane) == authz.Allowed {
			return true
		}
	}
	return false
}

func needKey(n *minimize.Need) string {
	return string(n.Operation.Key()) + " " + n.Plane.String() + " " + string(n.Scope.Key())
}

func (t *trimming) writeReplay(p *printer) {
	r := t.replayed
	switch {
	case len(t.uses) == 0:
		return
	case r == nil:
		p.printf("  the logs are too short to make a proposal of one part and to test it on the other\n")
		return
	case len(r.Refused) == 0:
		p.printf("  made of what was used until %s alone, it gives all %s used until %s\n", r.Split.Format(time.DateOnly), counted(r.Rights, "right"), r.Until.Format(time.DateOnly))
		return
	}
	p.printf("  %s: made of what was used until %s alone, it would have refused %d of %s used until %s;\n    the logs may not show all that is needed\n",
		yellow("overfit"), r.Split.Format(time.DateOnly), len(r.Refused), counted(r.Rights, "right"), r.Until.Format(time.DateOnly))
	for i, n := range r.Refused {
		if i == maxLost {
			p.printf("    and %d more\n", len(r.Refused)-i)
			break
		}
		p.printf("    %s at %s\n", n.Operation, n.Scope)
	}
}
