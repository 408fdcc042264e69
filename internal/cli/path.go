// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/execpath"
)

// The drawings of paths.
const (
	formatMermaid = "mermaid"
	formatSVG     = "svg"
)

// pathFlags are what a question about paths can be given beside its arguments.
type pathFlags struct {
	in         inputFlags
	out        output
	at         string
	from       []string
	to         []string
	operation  string
	allow      []string
	techniques string
	count      int
	possible   bool
}

func (f *pathFlags) register(cmd *cobra.Command, drawn bool) {
	f.in.register(cmd)
	formats := []string{formatText, formatJSON}
	if drawn {
		formats = append(formats, formatMermaid, formatSVG)
		f.out.byName = func(file string) (string, bool) {
			switch {
			case strings.HasSuffix(file, ".mmd"):
				return formatMermaid, true
			case strings.HasSuffix(file, ".svg"):
				return formatSVG, true
			case strings.HasSuffix(file, ".json"):
				return formatJSON, true
			}
			return "", false
		}
	}
	f.out.register(cmd, formats...)
	fl := cmd.Flags()
	fl.StringVar(&f.at, "at", "", "the time of the question, such as 2026-11-01T09:00:00Z (default: when the input was taken, else now)")
	fl.StringVar(&f.techniques, "techniques", "", "a file of techniques of your own, one JSON object a line; a name that exists takes its place")
}

func (a *app) pathCommand() *cobra.Command {
	var f pathFlags
	cmd := &cobra.Command{
		Use:     "path [--from IDENTITY] --to TARGET [INPUT...]",
		Short:   "how somebody comes to act as an identity, step by step",
		GroupID: groupQuestions,
		Example: "  mivet path --from \"Alice Meyer\" --to settlement --demo\n" +
			"  mivet path --to bank-certificate --operation Microsoft.KeyVault/vaults/secrets/getSecret/action --demo\n" +
			"  mivet path --from \"Alice Meyer\" --to settlement --demo --output story.svg",
		Long: "TARGET is an identity or a resource; of a resource the end is whoever may do --operation there.\n" +
			"Without --from the shortest ways of those who are nearest are told. A path is certain if every\n" +
			"right is surely held and everything that closes a way was read and does not close it.",
		Args: a.args(0, -1),
	}
	cmd.RunE = a.run(func(ctx context.Context, args []string) (int, error) {
		if len(f.to) == 0 && f.operation == "" {
			return exitUsage, a.misuse(cmd, errors.New("--to is missing"))
		}
		return a.path(ctx, &f, args)
	})
	f.register(cmd, true)
	fl := cmd.Flags()
	fl.StringArrayVar(&f.from, "from", nil, "who begins; may be repeated (default: anybody)")
	fl.StringArrayVar(&f.to, "to", nil, "the identity or the resource where paths end; may be repeated")
	fl.StringVar(&f.operation, "operation", "", "what must be allowed at the resource (default for a secret: reading it)")
	fl.IntVarP(&f.count, "count", "k", 3, "how many paths at most")
	fl.BoolVar(&f.possible, "possible", false, "possible paths even where there are certain ones")
	return cmd
}

// paths is everything that is needed to ask about paths.
type paths struct {
	*questions
	graph *execpath.Graph
}

// preparePaths reads the inputs whole and joins them with the techniques.
func (a *app) preparePaths(ctx context.Context, f *pathFlags, inputs []string) (*paths, error) {
	at, err := parseTime(f.at)
	if err != nil {
		return nil, err
	}
	table, err := a.techniques(f.techniques)
	if err != nil {
		return nil, err
	}
	r, err := a.read(ctx, &f.in, inputs)
	if err != nil {
		return nil, err
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	q := &questions{app: a, at: firstTime(at, r.snap.TakenAt, a.Clock()), resolver: newResolver(r.snap)}
	q.engine = authz.New(r.snap, authz.Options{Catalog: cat, At: q.at})
	return &paths{q, execpath.New(r.snap, q.engine, execpath.Options{Catalog: cat, Table: table, At: q.at})}, nil
}

// techniques is the table that is built in, with rows of the user's own.
func (a *app) techniques(file string) (*execpath.Table, error) {
	table, err := execpath.Builtin()
	if err != nil || file == "" {
		return table, err
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading techniques: %w", err)
	}
	own, err := execpath.ReadTable(file, in)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("reading techniques: %w", err)
	}
	return table.Join(own), nil
}

// names says what people call a principal.
func (p *paths) names(id mivet.PrincipalID) (name, kind string) {
	if rest, ok := strings.CutPrefix(string(id), execpath.OutsidePrefix); ok {
		return rest, "outside of Azure"
	}
	if name, kind := p.describe(id); !strings.HasPrefix(string(id), "github:") && !strings.HasPrefix(string(id), "azuredevops:") {
		return name, kind
	}
	return string(id), "outside of Azure"
}

// identities finds the principals that words stand for.
func (p *paths) identities(ctx context.Context, words []string) ([]mivet.PrincipalID, error) {
	var out []mivet.PrincipalID
	for _, w := range words {
		if strings.HasPrefix(w, execpath.OutsidePrefix) {
			out = append(out, mivet.PrincipalID(w))
			continue
		}
		id, err := p.principal(ctx, w)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

const secretRead = "Microsoft.KeyVault/vaults/secrets/getSecret/action"

// goal is where paths end.
type goal struct {
	to []mivet.PrincipalID
	// operation and resource are what those at the end may do, where that was asked.
	operation arm.Operation
	resource  arm.ID
}

// goals finds where paths end: identities by name, or those who surely may do something at
// a resource.
func (p *paths) goals(ctx context.Context, f *pathFlags) (*goal, error) {
	g := &goal{}
	if f.operation == "" {
		for _, w := range f.to {
			if id, known, err := p.identity(w); err == nil && known {
				g.to = append(g.to, id)
			}
		}
		if len(g.to) == len(f.to) {
			return g, nil
		}
	}
	if len(f.to) > 1 {
		return nil, errorWithHint(usagef("several targets must all be identities"), "ask about one resource at a time")
	}
	word := f.operation
	if word == "" {
		word = secretRead
	}
	var err error
	if g.operation, err = p.operation(word); err != nil {
		return nil, err
	}
	if len(f.to) == 0 {
		p.anywhere(g)
		return g, nil
	}
	if g.resource, err = p.scope(ctx, f.to[0], g.operation.Provider()); err != nil {
		return nil, err
	}
	g.to = nil
	for h := range p.engine.WhoCan(authz.WhoCanQuery{Operation: g.operation, Resource: g.resource}) {
		if h.Effect == authz.Allowed {
			g.to = append(g.to, h.Principal)
		}
	}
	return g, nil
}

// anywhere ends paths at everybody whose roles give an operation at some scope.
func (p *paths) anywhere(g *goal) {
	seen := map[mivet.PrincipalID]bool{}
	for i := range p.snap.RoleAssignments {
		who := p.snap.RoleAssignments[i].Principal
		if seen[who] {
			continue
		}
		seen[who] = true
		d := p.engine.Check(authz.Request{Principal: who, Operation: g.operation, Resource: p.snap.RoleAssignments[i].Scope})
		if d.Effect == authz.Allowed {
			g.to = append(g.to, who)
		}
	}
}

func (a *app) path(ctx context.Context, f *pathFlags, inputs []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	p, err := a.preparePaths(ctx, f, inputs)
	if err != nil {
		return exitFailed, err
	}
	g, err := p.goals(ctx, f)
	if err != nil {
		return exitFailed, err
	}
	from, err := p.identities(ctx, f.from)
	if err != nil {
		return exitFailed, err
	}
	answer := pathAnswer{paths: p, goal: g, from: from}
	q := execpath.PathQuery{From: from, To: g.to, Level: execpath.Certain, Max: f.count}
	answer.found = p.graph.Paths(q)
	if f.possible || len(answer.found) == 0 {
		q.Level = execpath.Possible
		for _, path := range p.graph.Paths(q) {
			if path.Level == execpath.Possible && len(answer.found) < f.count {
				answer.found = append(answer.found, path)
			}
		}
	}
	if !g.operation.IsZero() {
		for i := range answer.found {
			answer.found[i].Goal = &execpath.Goal{Operation: g.operation, Resource: g.resource}
		}
	}
	return exitOK, a.emit(&f.out, answer.write)
}

// pathAnswer is what was found.
type pathAnswer struct {
	*paths
	goal  *goal
	from  []mivet.PrincipalID
	found []execpath.Path
}

type pathsJSON struct {
	SchemaVersion int              `json:"schemaVersion"`
	Question      pathQuestionJSON `json:"question"`
	Paths         []pathJSON       `json:"paths"`
	NotRead       []string         `json:"notRead,omitzero"`
}

type pathQuestionJSON struct {
	From      []principalJSON `json:"from,omitzero"`
	To        []principalJSON `json:"to"`
	Operation arm.Operation   `json:"operation,omitzero"`
	Resource  arm.ID          `json:"resource,omitzero"`
	At        time.Time       `json:"at"`
	Inputs    []string        `json:"inputs"`
}

func (p *paths) question(g *goal, from []mivet.PrincipalID) pathQuestionJSON {
	return pathQuestionJSON{
		From: p.principalsJSON(from), To: p.principalsJSON(g.to), Operation: g.operation, Resource: g.resource, At: p.at, Inputs: p.snap.Inputs,
	}
}

func (p *paths) principalsJSON(ids []mivet.PrincipalID) []principalJSON {
	out := []principalJSON{}
	for _, id := range ids {
		name, kind := p.names(id)
		out = append(out, principalJSON{id, name, kind})
	}
	return out
}

func (w *pathAnswer) write(out io.Writer, format string, colour bool) error {
	switch format {
	case formatJSON:
		return writeAnswer(out, "path", pathsJSON{1, w.question(w.goal, w.from), w.pathsJSON(w.found), w.unreadWords()})
	case formatMermaid:
		return execpath.WriteMermaid(out, w.found, w.names)
	case formatSVG:
		return execpath.WriteSVG(out, w.found, w.names)
	}
	p := newPrinter(out, colour)
	p.printf("%s\n", bold(w.summary()))
	for i := range w.found {
		p.printf("\n%s path, %s\n", levelWord(w.found[i].Level), counted(len(w.found[i].Steps), "step"))
		w.story(p, &w.found[i])
		if !w.goal.operation.IsZero() {
			last := w.found[i].Steps[len(w.found[i].Steps)-1].To
			name, _ := w.names(last)
			if w.goal.resource.IsZero() {
				p.printf("  %s may do %s\n", bold(name), w.goal.operation)
			} else {
				p.printf("  %s may do %s at %s\n", bold(name), w.goal.operation, w.goal.resource)
			}
		}
	}
	w.printUnread(p)
	return p.err
}

func (w *pathAnswer) summary() string {
	switch {
	case len(w.goal.to) == 0:
		return "nobody surely may do that, so no path ends there"
	case len(w.found) == 0:
		return "no path was found"
	case w.found[0].Level == execpath.Certain:
		return counted(len(w.found), "path")
	}
	return "no certain path; " + counted(len(w.found), "possible path")
}

func levelWord(l execpath.Level) painted {
	if l == execpath.Certain {
		return red(l.String())
	}
	return yellow(l.String())
}

// story tells a path step by step.
func (p *paths) story(out *printer, path *execpath.Path) {
	for i := range path.Steps {
		s := &path.Steps[i]
		from, _ := p.names(s.From)
		to, kind := p.names(s.To)
		switch {
		case s.Technique == "member":
			out.printf("  %d. %s is in %s\n", i+1, bold(from), bold(to))
		case s.Host.IsZero():
			out.printf("  %d. %s can act as %s (%s): %s\n", i+1, bold(from), bold(to), kind, s.How)
		default:
			out.printf("  %d. %s can act as %s (%s), at %s\n", i+1, bold(from), bold(to), kind, bold(s.Host.Name()))
		}
		p.evidence(out, s)
	}
}

// evidence prints what a step rests on.
func (p *paths) evidence(out *printer, s *execpath.Step) {
	line := func(label, text string) { out.printf("       %-9s %s\n", label, text) }
	if !s.Host.IsZero() {
		how := s.Technique + ": " + s.How
		if s.Certainty == execpath.Inferred {
			how += " (not demonstrated in public)"
		}
		line("how", how)
	}
	for i := range s.Rights {
		r := &s.Rights[i]
		line("right", fmt.Sprintf("%s (%s) on %s: %s", r.Operation, planeWords(r.Plane), r.Object, rightWords(r)))
		for k := range r.Reasons {
			line("  by", p.reasonLine(&r.Reasons[k]))
		}
	}
	if s.Link != nil {
		line("loads", fmt.Sprintf("%s: %s = %s (%s)", s.Link.Workload.Name(), s.Link.Setting, s.Link.Value, s.Link.Source))
	}
	for _, g := range s.Gates {
		if g.State == execpath.Unread {
			continue
		}
		line("open", fmt.Sprintf("%s: %s is %s", g.Gate.About, g.Setting, g.Value))
	}
	for _, w := range s.Why {
		line("unsure", w)
	}
	if len(s.Also) > 0 {
		line("also", "by "+strings.Join(s.Also, ", "))
	}
	if s.Technique == "member" || s.Host.IsZero() {
		line("source", s.Source.String())
	}
}

func rightWords(r *execpath.Right) string {
	if r.Effect == authz.Allowed {
		return "allowed"
	}
	return r.Effect.String() + ", " + r.Cause.String()
}

// unreadWords say what was not read that may hide paths.
func (p *paths) unreadWords() []string {
	var out []string
	for i := range p.snap.Gaps {
		g := &p.snap.Gaps[i]
		text := string(g.Facts) + " were not read: " + g.Reason
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

func (p *paths) printUnread(out *printer) {
	all := p.unreadWords()
	for i, text := range all {
		if i == 0 {
			out.printf("\nMore paths may be there:\n")
		}
		if i == maxCandidates {
			out.printf("  and %d more\n", len(all)-i)
			return
		}
		out.printf("  %s\n", text)
	}
}
