// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
)

type shapersFlags struct {
	pathFlags
	of []string
}

func (a *app) shapersCommand() *cobra.Command {
	var f shapersFlags
	cmd := &cobra.Command{
		Use:     "shapers [--of WORKLOAD]... [INPUT...]",
		Short:   "who can shape a workload: its code, settings, content, image, templates, identity, pipeline",
		GroupID: groupQuestions,
		Example: "  mivet shapers --of settlement --demo\n" +
			"  mivet shapers prod.mivet --format json",
		Long: "Lists, for each workload that carries an identity, everybody who can change a part of it, and by\n" +
			"which right. Possible is what is eligible, was not read, or works when the workload takes what\n" +
			"was changed the next time. Those who can have it run what is there already are no shapers.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.shapers(ctx, &f, args) }),
	}
	f.register(cmd, false)
	cmd.Flags().StringArrayVar(&f.of, "of", nil, "the workload, by name or resource ID; may be repeated (default: all)")
	return cmd
}

func (a *app) shapers(ctx context.Context, f *shapersFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	p, err := a.preparePaths(ctx, &f.pathFlags, args)
	if err != nil {
		return exitFailed, err
	}
	w := shapersAnswer{paths: p}
	for _, word := range f.of {
		id, err := p.scope(ctx, word, "")
		if err != nil {
			return exitFailed, err
		}
		w.workloads = append(w.workloads, id)
	}
	if len(f.of) == 0 {
		w.workloads = p.graph.Workloads()
	}
	return exitOK, a.emit(&f.out, w.write)
}

type shapersAnswer struct {
	*paths
	workloads []arm.ID
}

type shapersJSON struct {
	SchemaVersion int                  `json:"schemaVersion"`
	Question      pathQuestionJSON     `json:"question"`
	Workloads     []shapedWorkloadJSON `json:"workloads"`
	NotRead       []string             `json:"notRead,omitzero"`
}

type shapedWorkloadJSON struct {
	Workload arm.ID       `json:"workload"`
	Shapers  []shaperJSON `json:"shapers"`
}

type shaperJSON struct {
	Principal  principalJSON  `json:"principal"`
	Aspect     string         `json:"aspect"`
	Level      string         `json:"level"`
	At         arm.ID         `json:"at"`
	Operation  arm.Operation  `json:"operation,omitzero"`
	Techniques []string       `json:"techniques"`
	Over       *principalJSON `json:"over,omitzero"`
	Link       *linkJSON      `json:"link,omitzero"`
}

func (w *shapersAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return w.writeJSON(out)
	}
	p := newPrinter(out, colour)
	if len(w.workloads) == 0 {
		p.printf("no workload in the input carries an identity\n")
	}
	for i, id := range w.workloads {
		if i > 0 {
			p.printf("\n")
		}
		list := w.graph.ShapersOf(id)
		people := map[mivet.PrincipalID]bool{}
		for k := range list {
			people[list[k].Principal] = true
		}
		p.printf("%s\n", bold(id.Name()+" ("+id.Type()+"): "+counted(len(people), "shaper")))
		for k := range list {
			w.line(p, id, &list[k])
		}
	}
	w.printUnread(p)
	return p.err
}

func (w *shapersAnswer) line(p *printer, workload arm.ID, s *execpath.Shaper) {
	name, kind := w.names(s.Principal)
	p.printf("  %-13s  %-8s  %s (%s)\n", s.Aspect, levelWord(s.Level), bold(name), kind)
	var parts []string
	if !s.Operation.IsZero() {
		parts = append(parts, s.Operation.String())
	}
	if !s.At.Equal(workload) {
		parts = append(parts, "at "+s.At.Name())
	}
	if s.Link != nil {
		parts = append(parts, fmt.Sprintf("which it loads (%s)", s.Link.Kind))
	}
	if s.Over != "" {
		over, _ := w.names(s.Over)
		parts = append(parts, "over "+over)
	}
	parts = append(parts, "["+strings.Join(s.Techniques, ", ")+"]")
	p.printf("                 %s\n", strings.Join(parts, " "))
}

func (w *shapersAnswer) writeJSON(out io.Writer) error {
	j := shapersJSON{SchemaVersion: 1, Question: w.question(&goal{}, nil), Workloads: []shapedWorkloadJSON{}, NotRead: w.unreadWords()}
	for _, id := range w.workloads {
		x := shapedWorkloadJSON{Workload: id, Shapers: []shaperJSON{}}
		for _, s := range w.graph.ShapersOf(id) {
			one := shaperJSON{
				Principal: w.named(s.Principal), Aspect: string(s.Aspect), Level: s.Level.String(), At: s.At, Operation: s.Operation, Techniques: s.Techniques,
			}
			if s.Over != "" {
				over := w.named(s.Over)
				one.Over = &over
			}
			if l := s.Link; l != nil {
				one.Link = &linkJSON{l.Workload, l.Content, string(l.Kind), l.Setting, l.Value, l.Source}
			}
			x.Shapers = append(x.Shapers, one)
		}
		j.Workloads = append(j.Workloads, x)
	}
	return writeAnswer(out, "shapers", j)
}
