// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mivet/mivet/denial"
)

// whySeries reads a log and tells its refusals apart.
func (a *app) whySeries(ctx context.Context, f *whyFlags, args []string) (int, error) {
	if len(args) > 0 {
		return exitUsage, usagef("--log takes no text")
	}
	r, closeIt, err := a.openText(f.log)
	if err != nil {
		return exitFailed, err
	}
	defer closeIt()
	s, err := denial.ReadSeries(r)
	if err != nil {
		return exitFailed, fmt.Errorf("%s: %w", f.log, err)
	}
	answer := seriesAnswer{Series: s}
	if err := answer.hold(ctx, a, f); err != nil {
		return exitFailed, err
	}
	code := exitOK
	if s.Refusals == 0 {
		code = exitFailed
	}
	return code, a.emit(&f.out, answer.write)
}

// seriesAnswer is a log with what its refusals mean.
type seriesAnswer struct {
	*denial.Series
	groups []*whyAnswer // as in Series
	names  *resolver    // nil without an input
}

// hold holds each group against the inputs.
func (s *seriesAnswer) hold(ctx context.Context, a *app, f *whyFlags) (err error) {
	var t *whyTenant
	if a.hasInput(&f.in) {
		if t, err = a.whyTenant(ctx, f); err != nil {
			return err
		}
		s.names = t.resolver
	}
	for _, g := range s.Groups {
		if t != nil {
			t.given.Formers = s.Formers(g)
		}
		w, err := t.answer(ctx, a, f, g.Denial)
		if err != nil {
			return err
		}
		s.groups = append(s.groups, w)
	}
	return nil
}

func (s *seriesAnswer) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "why-log", s.forMachines())
	}
	p := newPrinter(w, colour)
	p.printf("%s, %s of %s\n", counted(s.Lines, "line"), counted(s.Refusals, "refusal"), counted(s.sorts(), "sort"))
	if s.Uses > 0 {
		p.printf("%s that was not refused\n", counted(s.Uses, "use"))
	}
	if s.Faults > 0 {
		p.printf("%s of Azure's logs could not be read\n", counted(s.Faults, "batch"))
	}
	for i, g := range s.Groups {
		if !g.Granted {
			s.group(p, g, s.groups[i])
		}
	}
	for i := range s.Changes {
		s.change(p, &s.Changes[i])
	}
	if s.Dropped > 0 {
		p.printf("\n%s of further sorts are not told apart.\n", counted(s.Dropped, "refusal"))
	}
	return p.err
}

// sorts counts the groups of refusals.
func (s *seriesAnswer) sorts() (n int) {
	for _, g := range s.Groups {
		if !g.Granted {
			n++
		}
	}
	return n
}

func (s *seriesAnswer) group(p *printer, g *denial.Group, w *whyAnswer) {
	p.printf("\n%dx ", g.Count)
	w.writeHead(p)
	for _, x := range []struct{ label, text string }{{"slot", g.Slot}, {"revision", g.Revision}} {
		if x.text != "" {
			p.printf("  %-10s %s\n", x.label, x.text)
		}
	}
	p.printf("  %-10s %s\n", "first", momentWords(g.First))
	p.printf("  %-10s %s\n", "last", momentWords(g.Last))
	h := &w.Hypotheses[0]
	p.printf("  %-10s %s: %s\n", "likeliest", string(h.Cause), h.Cause.Meaning())
	if s.names == nil {
		return
	}
	for _, because := range h.Because {
		p.printf("  %-10s %s\n", "because", because)
	}
	if w.Fix != nil {
		p.printf("  %-10s %s\n", "fix", w.Fix.Command)
		if w.Fix.Remove != "" {
			p.printf("  %-10s %s\n", "then", w.Fix.Remove)
		}
	}
}

func (s *seriesAnswer) change(p *printer, c *denial.Change) {
	p.printf("\n%s at %s\n  from       %s\n  to         %s\n", bold("The caller changed"), momentWords(c.At), s.callerOf(c.From), s.callerOf(c.To))
	if c.Recreated() {
		p.printf("  both are   %s, which was made again between them\n", c.To.Caller.Identity)
	}
	if c.Beside != "" {
		p.printf("  before it  line %d: %s\n", c.BesideLine, c.Beside)
	}
}

// callerOf names the caller of a group, with where it ran.
func (s *seriesAnswer) callerOf(g *denial.Group) string {
	for i := range s.Groups {
		if s.Groups[i] != g {
			continue
		}
		var words strings.Builder
		words.WriteString(s.groups[i].callerWords())
		for _, where := range []string{g.Slot, g.Revision} {
			if where != "" {
				words.WriteString(", " + where)
			}
		}
		if g.Granted {
			words.WriteString(" (was not refused)")
		}
		return words.String()
	}
	return "" // a change is between groups of the series
}

func momentWords(m denial.Moment) string {
	if m.Time.IsZero() {
		return fmt.Sprintf("line %d", m.Line)
	}
	return fmt.Sprintf("line %d, %s", m.Line, m.Time.Format(time.RFC3339))
}

// seriesJSON is a log for machines.
type seriesJSON struct {
	SchemaVersion int `json:"schemaVersion"`
	Lines         int `json:"lines"`
	Refusals      int `json:"refusals"`
	// Uses counts entries of Azure's logs that tell of a use that was granted.
	Uses    int          `json:"uses"`
	Groups  []groupJSON  `json:"groups"`
	Changes []changeJSON `json:"changes"`
	Dropped int          `json:"dropped"`
}

type groupJSON struct {
	Denial     *denial.Denial      `json:"denial"`
	Granted    bool                `json:"granted,omitzero"`
	Slot       string              `json:"slot,omitzero"`
	Revision   string              `json:"revision,omitzero"`
	Count      int                 `json:"count"`
	First      denial.Moment       `json:"first"`
	Last       denial.Moment       `json:"last"`
	Hypotheses []denial.Hypothesis `json:"hypotheses,omitzero"`
	Fix        *denial.Fix         `json:"fix,omitzero"`
}

type changeJSON struct {
	From   denial.Caller `json:"from"`
	To     denial.Caller `json:"to"`
	At     denial.Moment `json:"at"`
	Beside string        `json:"beside,omitzero"`
	// Recreated is true where both are principals of one identity.
	Recreated bool `json:"recreated,omitzero"`
}

func (s *seriesAnswer) forMachines() seriesJSON {
	j := seriesJSON{SchemaVersion: 1, Lines: s.Lines, Refusals: s.Refusals, Uses: s.Uses, Groups: []groupJSON{}, Changes: []changeJSON{}, Dropped: s.Dropped}
	for i, g := range s.Groups {
		one := groupJSON{Denial: g.Denial, Granted: g.Granted, Slot: g.Slot, Revision: g.Revision, Count: g.Count, First: g.First, Last: g.Last}
		if s.names != nil && !g.Granted {
			one.Hypotheses, one.Fix = s.groups[i].Hypotheses, s.groups[i].Fix
		}
		j.Groups = append(j.Groups, one)
	}
	for _, c := range s.Changes {
		j.Changes = append(j.Changes, changeJSON{c.From.Caller, c.To.Caller, c.At, c.Beside, c.Recreated()})
	}
	return j
}
