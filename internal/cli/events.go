// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/logs"
)

func (a *app) eventsCommand() *cobra.Command {
	var f pathFlags
	cmd := &cobra.Command{
		Use:     "events LOG [INPUT...]",
		Short:   "who changed what runs as which identity, from a log",
		GroupID: groupQuestions,
		Example: "  az monitor activity-log list --offset 7d > activity.json\n" +
			"  mivet events activity.json prod.mivet",
		Long: "LOG is an export of the activity log, or of a resource log of storage, a registry or App Service:\n" +
			"JSON Lines, a list, or records of a diagnostic setting, packed or not, or a folder of these; - reads\n" +
			"standard input. An event marks a workload as dirty: what is true of it now is known when it is read\n" +
			"again. Exit code 1 says that somebody changed a workload whom no right in the input explains.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.events(ctx, &f, args) }),
	}
	f.register(cmd, false)
	return cmd
}

func (a *app) events(ctx context.Context, f *pathFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	p, err := a.preparePaths(ctx, f, args[1:])
	if err != nil {
		return exitFailed, err
	}
	w := eventsAnswer{paths: p}
	if err := a.readEvents(ctx, args[0], p.graph, &w.log); err != nil {
		return exitFailed, err
	}
	if err := a.emit(&f.out, w.write); err != nil {
		return exitFailed, err
	}
	if slices.ContainsFunc(w.log.Changes, func(c execpath.Change) bool { return c.Known == execpath.Unexplained && !c.Refused }) {
		return exitFound, nil
	}
	return exitOK, nil
}

// eventLog is what a log tells of changes.
type eventLog struct {
	Changes []execpath.Change
	// Entries is how many there were, Others how many change nothing, Faulty how many could
	// not be read, with the first of them.
	Entries, Others, Faulty int
	Fault                   string
}

// readEvents reads a log and tells what its events changed, in the order of time.
func (a *app) readEvents(ctx context.Context, file string, g *execpath.Graph, log *eventLog) error {
	table, err := execpath.Events()
	if err != nil {
		return err
	}
	watch := g.Watch()
	r, err := eachEntry(ctx, file, a.Stdin, func(e *logs.Entry, _ []byte, _ mivet.Source) error {
		log.Entries++
		event, ok := eventOf(table, e)
		if !ok {
			log.Others++
			return nil
		}
		log.Changes = append(log.Changes, watch.Changes(&event)...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	log.Faulty += int(r.FaultCount)
	if len(r.Faults) > 0 && log.Fault == "" {
		log.Fault = r.Faults[0].Error()
	}
	if log.Entries == 0 && log.Faulty > 0 {
		return errorWithHint(errors.New(log.Fault), "a log is JSON: one entry a line, a list, or {\"records\": […]}")
	}
	slices.SortStableFunc(log.Changes, func(x, y execpath.Change) int { return x.At.Compare(y.At) })
	return nil
}

// eventOf is the event that an entry tells, if it changes what runs with an identity.
func eventOf(table *execpath.EventTable, e *logs.Entry) (execpath.Event, bool) {
	log := string(e.Category)
	switch e.Log {
	case logs.Activity, logs.EventGrid:
		log = "activity"
	case logs.Storage:
		log = "storage"
	default: // a resource log goes by its category
	}
	operation := string(e.Operation)
	row := table.Find(log, operation)
	if row == nil && log == "activity" && len(e.Action) > 0 {
		row = table.Find(log, string(e.Action))
	}
	if row == nil && e.Log == logs.EventGrid {
		row = table.Find("event-grid", operation)
	}
	if row == nil {
		return execpath.Event{}, false
	}
	scope, err := arm.ParseID(string(e.Scope))
	if err != nil || scope.IsZero() {
		if scope, err = arm.ParseID(string(e.Resource)); err != nil {
			return execpath.Event{}, false
		}
	}
	return execpath.Event{
		At: e.Time, Principal: mivet.NewPrincipalID(string(e.Principal)), ClientID: string(e.AppID), Row: row, Scope: scope,
		Refused: e.Granted == logs.Refused,
	}, true
}

type eventsAnswer struct {
	*paths
	log eventLog
}

type eventsJSON struct {
	SchemaVersion int                `json:"schemaVersion"`
	Question      pathQuestionJSON   `json:"question"`
	Entries       int                `json:"entries"`
	Faulty        int                `json:"faulty,omitzero"`
	Changes       []loggedChangeJSON `json:"changes"`
	ReadAgain     []dirtyJSON        `json:"readAgain"`
}

type loggedChangeJSON struct {
	At         time.Time       `json:"at,omitzero"`
	By         *principalJSON  `json:"by,omitzero"`
	Class      string          `json:"class"`
	Operation  string          `json:"operation"`
	What       string          `json:"what"`
	Scope      arm.ID          `json:"scope"`
	Refused    bool            `json:"refused,omitzero"`
	Workload   arm.ID          `json:"workload,omitzero"`
	Identities []principalJSON `json:"identities,omitzero"`
	Link       *linkJSON       `json:"link,omitzero"`
	Known      string          `json:"known"`
}

type dirtyJSON struct {
	Workload arm.ID    `json:"workload"`
	Last     time.Time `json:"last,omitzero"`
	Events   int       `json:"events"`
}

func (p *paths) loggedChangeJSON(c *execpath.Change) loggedChangeJSON {
	j := loggedChangeJSON{
		At: c.At, Class: c.Row.Class, Operation: c.Row.Operation, What: c.Row.What, Scope: c.Scope, Refused: c.Refused, Workload: c.Workload,
		Known: c.Known.String(),
	}
	if c.Principal != "" {
		by := p.named(c.Principal)
		j.By = &by
	}
	for _, id := range c.Identities {
		j.Identities = append(j.Identities, p.named(id))
	}
	if l := c.Link; l != nil {
		j.Link = &linkJSON{l.Workload, l.Content, string(l.Kind), l.Setting, l.Value, l.Source}
	}
	return j
}

// dirty are the workloads to read again: those that were changed after the input was taken,
// or at a time that is not known.
func (w *eventsAnswer) dirty() []dirtyJSON {
	out := []dirtyJSON{}
	for i := range w.log.Changes {
		c := &w.log.Changes[i]
		if c.Workload.IsZero() || c.Refused || !c.At.IsZero() && !c.At.After(w.snap.TakenAt) {
			continue
		}
		k := slices.IndexFunc(out, func(d dirtyJSON) bool { return d.Workload.Equal(c.Workload) })
		if k < 0 {
			k = len(out)
			out = append(out, dirtyJSON{Workload: c.Workload})
		}
		out[k].Events++
		if c.At.After(out[k].Last) {
			out[k].Last = c.At
		}
	}
	return out
}

func (w *eventsAnswer) write(out io.Writer, format string, colour bool) error {
	dirty := w.dirty()
	if format == formatJSON {
		j := eventsJSON{
			SchemaVersion: 1, Question: w.question(&goal{}, nil), Entries: w.log.Entries, Faulty: w.log.Faulty, Changes: []loggedChangeJSON{}, ReadAgain: dirty,
		}
		for i := range w.log.Changes {
			j.Changes = append(j.Changes, w.loggedChangeJSON(&w.log.Changes[i]))
		}
		return writeAnswer(out, "events", j)
	}
	p := newPrinter(out, colour)
	p.printf("%s\n", bold(fmt.Sprintf("%s in %s", counted(len(w.log.Changes), "change"), counted(w.log.Entries, "log entry"))))
	for i := range w.log.Changes {
		p.printf("\n")
		w.change(p, &w.log.Changes[i])
	}
	for i, d := range dirty {
		if i == 0 {
			p.printf("\nChanged after the input was taken; read them again:\n")
		}
		name := d.Workload.Name()
		if name != shownName(d.Workload) {
			name = d.Workload.String() // a slot's name alone says nothing
		}
		p.printf("  mivet snapshot --for %s   (%s, the last at %s)\n", name, counted(d.Events, "event"), when(d.Last))
	}
	if w.log.Faulty > 0 {
		p.printf("\n%s could not be read; the first: %s\n", counted(w.log.Faulty, "entry"), w.log.Fault)
	}
	return p.err
}

// change tells one change: who, what, and which identity is concerned.
func (p *paths) change(out *printer, c *execpath.Change) {
	who := "somebody without a name (a key, a signature, or nobody signed in)"
	if c.Principal != "" {
		who, _ = p.names(c.Principal)
	}
	var as []string
	for _, id := range c.Identities {
		name, _ := p.names(id)
		as = append(as, name)
	}
	did := "changed"
	if c.Refused {
		did = "tried in vain to change"
	}
	switch {
	case !c.Workload.IsZero():
		out.printf("%s  %s %s what runs as %s\n", when(c.At), bold(who), did, bold(strings.Join(as, " and ")))
	case len(as) > 0:
		out.printf("%s  %s %s %s\n", when(c.At), bold(who), did, bold(strings.Join(as, " and ")))
	default:
		out.printf("%s  %s: %s at %s, which concerns no workload of the input\n", when(c.At), bold(who), c.Row.Operation, c.Scope.Name())
	}
	out.printf("       %-9s %s: %s [%s]\n", "what", c.Row.Operation, c.Row.What, c.Row.Class)
	out.printf("       %-9s %s\n", "at", c.Scope)
	if c.Link != nil {
		out.printf("       %-9s %s: %s = %s\n", "loads", c.Link.Workload.Name(), c.Link.Setting, c.Link.Value)
	}
	switch c.Known {
	case execpath.Explained:
		out.printf("       %-9s %s shapes %s by a right in the input\n", "known", who, c.Workload.Name())
	case execpath.Unexplained:
		out.printf("       %-9s %s\n", "known", yellow("no right in the input lets "+who+" do that"))
	case execpath.NotAsked:
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return "at a time that is not told"
	}
	return t.UTC().Format(time.RFC3339)
}
