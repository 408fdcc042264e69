// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
)

func (a *app) whoCanActAsCommand() *cobra.Command {
	var f pathFlags
	cmd := &cobra.Command{
		Use:     "who-can-act-as IDENTITY [INPUT...]",
		Short:   "who can act as an identity, by which right and through which workload",
		GroupID: groupQuestions,
		Example: "  mivet who-can-act-as settlement --demo\n" +
			"  mivet who-can-act-as orders-api prod.mivet --format json",
		Long: "Lists those who can do it in one step, with the evidence, and those who come to it over others.\n" +
			"Who can only have the identity used, by running what is there or through a service that acts\n" +
			"for them, is listed apart: that is no token.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.whoCanActAs(ctx, &f, args) }),
	}
	f.register(cmd, true)
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity)
	return cmd
}

func (a *app) whoCanActAs(ctx context.Context, f *pathFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	p, err := a.preparePaths(ctx, f, args[1:])
	if err != nil {
		return exitFailed, err
	}
	id, err := p.identities(ctx, args[:1])
	if err != nil {
		return exitFailed, err
	}
	w := actAsAnswer{paths: p, id: id[0], actors: p.graph.ActorsOf(id[0])}
	return exitOK, a.emit(&f.out, w.write)
}

type actAsAnswer struct {
	*paths
	id     mivet.PrincipalID
	actors execpath.Actors
}

type actAsJSON struct {
	SchemaVersion int              `json:"schemaVersion"`
	Question      pathQuestionJSON `json:"question"`
	Direct        []hopJSON        `json:"direct"`
	Reaching      []principalJSON  `json:"reaching"`
	Possibly      []principalJSON  `json:"possibly"`
	Using         []useJSON        `json:"using"`
	NotRead       []string         `json:"notRead,omitzero"`
}

type useJSON struct {
	Principal principalJSON `json:"principal"`
	Technique string        `json:"technique"`
	Kind      string        `json:"kind"`
	Host      arm.ID        `json:"host"`
	Effect    string        `json:"effect"`
}

func (w *actAsAnswer) steps() []execpath.Path {
	var out []execpath.Path
	for i := range w.actors.Direct {
		s := w.actors.Direct[i].Step
		out = append(out, execpath.Path{Level: s.Level, Steps: []execpath.Step{s}})
	}
	return out
}

func (w *actAsAnswer) write(out io.Writer, format string, colour bool) error {
	switch format {
	case formatJSON:
		return w.writeJSON(out)
	case formatMermaid:
		return execpath.WriteMermaid(out, w.steps(), w.names)
	case formatSVG:
		return execpath.WriteSVG(out, w.steps(), w.names)
	}
	p := newPrinter(out, colour)
	name, kind := w.names(w.id)
	p.printf("%s\n", bold(name+" ("+kind+"): "+counted(len(w.actors.Reaching), "principal")+" can act as it, "+counted(len(w.actors.Possibly), "more")+" possibly"))
	for i := range w.actors.Direct {
		s := &w.actors.Direct[i].Step
		from, kind := w.names(s.From)
		p.printf("\n%s  %s (%s)\n", levelWord(s.Level), bold(from), kind)
		if s.Host.IsZero() {
			p.printf("       %-9s %s\n", "how", s.How)
		} else {
			p.printf("       %-9s %s\n", "at", s.Host)
		}
		w.evidence(p, s)
	}
	w.list(p, "In the end, over others or groups", w.actors.Reaching)
	w.list(p, "Possibly", w.actors.Possibly)
	w.printUses(p)
	w.printUnread(p)
	return p.err
}

func (w *actAsAnswer) list(p *printer, title string, ids []mivet.PrincipalID) {
	if len(ids) == 0 {
		return
	}
	p.printf("\n%s:\n", title)
	for i, id := range ids {
		if i == maxNames {
			p.printf("  and %d more\n", len(ids)-i)
			return
		}
		name, kind := w.names(id)
		p.printf("  %s (%s)\n", name, kind)
	}
}

// maxNames is how many names a list for people has.
const maxNames = 40

func (w *actAsAnswer) printUses(p *printer) {
	for i, u := range w.actors.Using {
		if i == 0 {
			p.printf("\nNo token, but the identity is used for them, or may be:\n")
		}
		if i == maxNames {
			p.printf("  and %d more\n", len(w.actors.Using)-i)
			return
		}
		name, _ := w.names(u.Principal)
		p.printf("  %s, by %s (%s) at %s\n", name, u.Technique.ID, u.Technique.Kind, u.Host.Name())
	}
}

func (w *actAsAnswer) writeJSON(out io.Writer) error {
	j := actAsJSON{
		SchemaVersion: 1, Question: w.question(&goal{to: []mivet.PrincipalID{w.id}}, nil), Direct: []hopJSON{}, Using: []useJSON{},
		Reaching: w.principalsJSON(w.actors.Reaching), Possibly: w.principalsJSON(w.actors.Possibly), NotRead: w.unreadWords(),
	}
	for i := range w.actors.Direct {
		j.Direct = append(j.Direct, w.hopJSON(&w.actors.Direct[i].Step))
	}
	for _, u := range w.actors.Using {
		j.Using = append(j.Using, useJSON{w.named(u.Principal), u.Technique.ID, string(u.Technique.Kind), u.Host, u.Effect.String()})
	}
	return writeAnswer(out, "who-can-act-as", j)
}

func (a *app) blastCommand() *cobra.Command {
	var f pathFlags
	cmd := &cobra.Command{
		Use:     "blast IDENTITY [INPUT...]",
		Short:   "what somebody comes to act as, and where it can give itself rights",
		GroupID: groupQuestions,
		Example: "  mivet blast shop-jobs --demo",
		Long:    "Tells the shortest path to everybody that it comes to act as, certain ones first.",
		Args:    a.args(1, -1),
		RunE:    a.run(func(ctx context.Context, args []string) (int, error) { return a.blast(ctx, &f, args) }),
	}
	f.register(cmd, true)
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity)
	return cmd
}

func (a *app) blast(ctx context.Context, f *pathFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	p, err := a.preparePaths(ctx, f, args[1:])
	if err != nil {
		return exitFailed, err
	}
	id, err := p.identities(ctx, args[:1])
	if err != nil {
		return exitFailed, err
	}
	w := blastAnswer{paths: p, id: id[0], blast: p.graph.BlastOf(id[0])}
	return exitOK, a.emit(&f.out, w.write)
}

type blastAnswer struct {
	*paths
	id    mivet.PrincipalID
	blast execpath.Blast
}

type blastJSON struct {
	SchemaVersion int              `json:"schemaVersion"`
	Question      pathQuestionJSON `json:"question"`
	Authority     []arm.ID         `json:"authority"`
	Paths         []pathJSON       `json:"paths"`
	NotRead       []string         `json:"notRead,omitzero"`
}

func (w *blastAnswer) write(out io.Writer, format string, colour bool) error {
	switch format {
	case formatJSON:
		j := blastJSON{1, w.question(&goal{}, []mivet.PrincipalID{w.id}), w.blast.Authority, w.pathsJSON(w.blast.Paths), w.unreadWords()}
		if j.Authority == nil {
			j.Authority = []arm.ID{}
		}
		return writeAnswer(out, "blast", j)
	case formatMermaid:
		return execpath.WriteMermaid(out, w.blast.Paths, w.names)
	case formatSVG:
		return execpath.WriteSVG(out, w.blast.Paths, w.names)
	}
	p := newPrinter(out, colour)
	sure := 0
	for i := range w.blast.Paths {
		if w.blast.Paths[i].Level == execpath.Certain {
			sure++
		}
	}
	name, _ := w.names(w.id)
	p.printf("%s\n", bold(name+" comes to act as "+counted(sure, "principal")+", and possibly as "+counted(len(w.blast.Paths)-sure, "more")))
	for _, scope := range w.blast.Authority {
		p.printf("  it can give itself rights at %s\n", scope)
	}
	for i := range w.blast.Paths {
		path := &w.blast.Paths[i]
		last := path.Steps[len(path.Steps)-1]
		to, kind := w.names(last.To)
		p.printf("\n%s  %s (%s), %s\n", levelWord(path.Level), bold(to), kind, counted(len(path.Steps), "step"))
		w.story(p, path)
	}
	w.printUnread(p)
	return p.err
}
