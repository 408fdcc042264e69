// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/forensics"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/usage"
)

type forensicsFlags struct {
	in             inputFlags
	out            output
	logs           logFlags
	agreed         contractFlags
	from, to, base string
}

func (a *app) forensicsCommand() *cobra.Command {
	var f forensicsFlags
	cmd := &cobra.Command{
		Use:     "forensics PRINCIPAL [INPUT...]",
		Short:   "what this identity could do in a window of time, what it did, and what of that was new",
		GroupID: groupQuestions,
		Example: "  mivet forensics settlement --from 2026-11-08 --to 2026-11-09 --demo\n" +
			"  mivet forensics orders-api --from 2026-11-08T02:00:00Z --to 2026-11-08T06:00:00Z --logs exported/ --in prod.mivet\n" +
			"  mivet forensics orders-api --from 2026-11-08 --to 2026-11-09 --logs exported/ --in prod.mivet --contract mivet.contract.yaml",
		Long: "What was possible is rebuilt from the role assignments of the input back through the grants and\n" +
			"removals in the activity log, removed ones too, and the engine answers for each time between two\n" +
			"changes. What was done comes from all logs. It is held against the time before the window: rights,\n" +
			"places, networks and hours that are new; and against the contract and the access tests of the\n" +
			"input. What was new after a change of code, image, package, settings or a command is told with\n" +
			"that change.\n\n" +
			"What was allowed and usual, what was allowed and is not, what was refused, and what Azure granted\n" +
			"though nothing that is known gives it, stand apart. New is not abused: it is where to look.\n\n" +
			"Exit code 1: something was outside of the pattern or of what was agreed on, or is not explained.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.forensics(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON)
	f.logs.register(cmd)
	f.agreed.register(cmd, "hold what was done against this contract")
	fl := cmd.Flags()
	fl.StringVar(&f.from, "from", "", "the beginning of the window, such as 2026-11-08 or 2026-11-08T02:00:00Z")
	fl.StringVar(&f.to, "to", "", "its end, which is not within (default: when the input was taken)")
	fl.StringVar(&f.base, "baseline", "", "take what is usual from this time on (default: all that the logs hold before the window)")
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity)
	return cmd
}

// lookback is one run.
type lookback struct {
	*paths
	cat      *catalog.Catalog
	who      mivet.PrincipalID
	from, to time.Time
	contract string // its name, "" for none
	report   *forensics.Report
	entries  int64
}

func (a *app) forensics(ctx context.Context, f *forensicsFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	if !f.logs.given(f.in.demo) {
		return exitUsage, errorWithHint(usagef("there is nothing that tells of use"), "add --logs FOLDER")
	}
	l, code, err := a.lookBack(ctx, f, args)
	if err != nil {
		return code, err
	}
	if err := a.emit(&f.out, l.write); err != nil {
		return exitFailed, err
	}
	if l.report.Count(forensics.Outside)+l.report.Count(forensics.Unexplained) > 0 {
		return exitFound, nil
	}
	return exitOK, nil
}

// lookBack reads inputs and logs and asks.
func (a *app) lookBack(ctx context.Context, f *forensicsFlags, args []string) (*lookback, int, error) {
	l := &lookback{}
	var err error
	if l.cat, err = a.catalog(); err != nil {
		return nil, exitFailed, err
	}
	if l.paths, err = a.preparePaths(ctx, &pathFlags{in: f.in}, args[1:]); err != nil {
		return nil, exitFailed, err
	}
	base, err := l.window(f)
	if err != nil {
		return nil, exitUsage, err
	}
	if l.who, err = l.principal(ctx, args[0]); err != nil {
		return nil, exitFailed, err
	}
	q := forensics.Query{Snapshot: l.snap, Catalog: l.cat, Principal: l.who, From: l.from, To: l.to, BaselineFrom: base}
	if f.agreed.file != "" {
		t, err := a.terms(&f.agreed)
		if err != nil {
			return nil, exitFailed, err
		}
		q.Ceiling, l.contract = l.ceiling(t), t.contract.Title()
		if q.Ceiling == nil {
			a.note("%s says nothing about what %s may do", l.contract, l.title(l.who))
		}
	}
	if err := a.gather(ctx, f, l, &q); err != nil {
		return nil, exitFailed, err
	}
	l.report = forensics.Examine(&q)
	return l, exitOK, nil
}

// window reads the times.
func (l *lookback) window(f *forensicsFlags) (base time.Time, err error) {
	if f.from == "" {
		return base, errorWithHint(usagef("--from is missing"), "a window begins somewhere: --from 2026-11-08")
	}
	for text, to := range map[*string]*time.Time{&f.from: &l.from, &f.to: &l.to, &f.base: &base} {
		if *to, err = parseTime(*text); err != nil {
			return base, err
		}
	}
	l.to = firstTime(l.to, l.at)
	if !l.from.Before(l.to) {
		return base, usagef("the window ends at %s, before it begins at %s", when(l.to), when(l.from))
	}
	return base, nil
}

// ceiling is the engine of what the contract allows the identity; nil where it says nothing.
func (l *lookback) ceiling(t *terms) *authz.Engine {
	bound := contract.Bind(t.contract, l.snap, l.index)
	i := slices.IndexFunc(bound.Bindings, func(b contract.Binding) bool { return b.Held == l.who })
	if i < 0 || bound.Bindings[i].Identity.Ceiling == nil {
		return nil
	}
	return authz.New(bound.Allowed(l.cat), authz.Options{Catalog: l.cat, At: l.at})
}

// gather reads the logs once for all that is asked of them.
func (a *app) gather(ctx context.Context, f *forensicsFlags, l *lookback, q *forensics.Query) error {
	table, err := execpath.Events()
	if err != nil {
		return err
	}
	watch := l.graph.Watch()
	q.Log = provenance.NewLog(l.snap)
	q.Trace = forensics.NewTrace(l.snap, func(d *forensics.Doing) bool { return d.Principal == l.who })
	counts := usage.NewAggregator()
	seen := map[uint64]bool{}
	dull := map[string]bool{} // places of which no change is one of the identity
	err = a.eachEntry(ctx, &f.logs, func(e *logs.Entry, text []byte, at mivet.Source) {
		l.entries++
		counts.Add(e)
		q.Log.Add(e, text, at)
		q.Trace.Add(e, text, at)
		event, ok := eventOf(table, e)
		if !ok {
			return
		}
		place := event.Row.Operation + "\x00" + string(e.Scope)
		if !event.At.Before(l.to) || begun(e) || dull[place] || seen[usage.Digest(text)] {
			return
		}
		none := true
		for _, c := range watch.Changes(&event) {
			if slices.Contains(c.Identities, l.who) {
				none, seen[usage.Digest(text)] = false, true
				c.Scope = q.Log.Spelled(c.Scope)
				q.Changes = append(q.Changes, c)
			}
		}
		dull[place] = none
	})
	slices.SortStableFunc(q.Changes, func(x, y execpath.Change) int { return x.At.Compare(y.At) })
	q.Logs = counts.Summary()
	return err
}

// begun reports whether an entry of the activity log tells the beginning of a call: its end
// has an entry of its own.
func begun(e *logs.Entry) bool { return e.Log == logs.Activity && e.Granted == logs.Undecided }
