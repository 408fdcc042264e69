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

type integrityFlags struct {
	pathFlags
	since string
	logs  []string
}

func (a *app) integrityCommand() *cobra.Command {
	var f integrityFlags
	cmd := &cobra.Command{
		Use:     "integrity [--since BEFORE] [--log LOG]... [INPUT...]",
		Short:   "what executes in each workload, and what of it changed",
		GroupID: groupQuestions,
		Example: "  mivet integrity prod.mivet\n" +
			"  mivet integrity --since yesterday.mivet --log activity.json prod.mivet",
		Long: "Prints a fingerprint of what executes in each workload and slot: package, images, version, settings\n" +
			"(secret values by the digests that the snapshot keeps), extensions, start-up commands, mounts. With\n" +
			"--since it tells what differs from an earlier snapshot, a swap of slots too, and with --log who did it\n" +
			"as far as a log tells. A change under the same identity is one that no review of rights sees. Exit\n" +
			"code 1 says that something changed. What neither snapshot tells is not compared.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.integrity(ctx, &f, args) }),
	}
	f.register(cmd, false)
	cmd.Flags().StringVar(&f.since, "since", "", "an earlier snapshot, or another input of the same tenant")
	cmd.Flags().StringArrayVar(&f.logs, "log", nil, "a log that tells who changed what; may be repeated")
	return cmd
}

func (a *app) integrity(ctx context.Context, f *integrityFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	if f.since == "" && len(f.logs) > 0 {
		return exitUsage, errorWithHint(usagef("--log needs --since"), "mivet events LOG tells what a log says of one snapshot")
	}
	p, err := a.preparePaths(ctx, &f.pathFlags, args)
	if err != nil {
		return exitFailed, err
	}
	w := integrityAnswer{paths: p}
	if f.since == "" {
		w.prints = execpath.Fingerprints(p.snap)
		return exitOK, a.emit(&f.out, w.write)
	}
	before, err := a.read(ctx, &inputFlags{}, []string{f.since})
	if err != nil {
		return exitFailed, err
	}
	w.since, w.before = f.since, before.snap
	w.drifts = execpath.Drifts(before.snap, p.snap)
	for _, file := range f.logs {
		var log eventLog
		if err := a.readEvents(ctx, file, p.graph, &log); err != nil {
			return exitFailed, err
		}
		execpath.Attribute(w.drifts, log.Changes, before.snap.TakenAt, p.snap.TakenAt)
	}
	if err := a.emit(&f.out, w.write); err != nil {
		return exitFailed, err
	}
	if len(w.drifts) > 0 {
		return exitFound, nil
	}
	return exitOK, nil
}

type integrityAnswer struct {
	*paths
	prints []execpath.Fingerprint
	since  string
	before *mivet.Snapshot
	drifts []execpath.Drift
}

type integrityJSON struct {
	SchemaVersion int               `json:"schemaVersion"`
	Inputs        []string          `json:"inputs"`
	Since         string            `json:"since,omitzero"`
	Fingerprints  []fingerprintJSON `json:"fingerprints,omitzero"`
	Drifts        []driftJSON       `json:"drifts,omitzero"`
}

type fingerprintJSON struct {
	Workload arm.ID            `json:"workload"`
	Sum      string            `json:"sum"`
	Parts    map[string]string `json:"parts"`
	Source   mivet.Source      `json:"source,omitzero"`
}

type driftJSON struct {
	Workload        arm.ID             `json:"workload"`
	Kind            string             `json:"kind"`
	With            arm.ID             `json:"with,omitzero"`
	IdentityChanged bool               `json:"identityChanged"`
	Changes         []nameChangeJSON   `json:"changes"`
	By              []loggedChangeJSON `json:"by"`
	Source          mivet.Source       `json:"source,omitzero"`
}

type nameChangeJSON struct {
	Part   string `json:"part"`
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

func (w *integrityAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return w.writeJSON(out)
	}
	p := newPrinter(out, colour)
	if w.since != "" {
		w.printDrifts(p)
		return p.err
	}
	p.printf("%s\n", bold(counted(len(w.prints), "workload")))
	for i := range w.prints {
		f := &w.prints[i]
		p.printf("\n%s  %s\n", bold(shownName(f.Workload)), f.Sum())
		for _, part := range execpath.Parts() {
			if v, ok := f.Parts[part]; ok {
				p.printf("  %-11s %s\n", part, v)
			}
		}
		if pinned, images := f.Pinned(); images && !pinned {
			p.printf("  %s\n", yellow("an image is named by a tag: what it is can change without a trace here"))
		}
	}
	return p.err
}

// shownName is the name of a workload, with its site for a slot.
func shownName(id arm.ID) string {
	if id.HasType(slotTypeName) {
		return id.Parent().Name() + "/slots/" + id.Name()
	}
	return id.Name()
}

func (w *integrityAnswer) printDrifts(p *printer) {
	if len(w.drifts) == 0 {
		p.printf("%s\n", bold("what executes is the same as in "+w.since+", as far as both tell"))
		return
	}
	p.printf("%s\n", bold(counted(len(w.drifts), "workload")+" differ from "+w.since))
	for i := range w.drifts {
		d := &w.drifts[i]
		p.printf("\n")
		switch {
		case d.Kind == execpath.DriftSwapped:
			p.printf("%s  %s with %s, under the identities that were there\n", bold(shownName(d.Workload)), d.Kind, shownName(d.With))
		case d.Kind == execpath.DriftChanged && !d.IdentityChanged:
			p.printf("%s  %s, under the same identity\n", bold(shownName(d.Workload)), d.Kind)
		case d.Kind == execpath.DriftChanged:
			p.printf("%s  %s, and so did its identity\n", bold(shownName(d.Workload)), d.Kind)
		default:
			p.printf("%s  %s\n", bold(shownName(d.Workload)), d.Kind)
		}
		for _, c := range d.Changes {
			p.printf("  %-11s %s: %s -> %s\n", c.Part, c.Name, orNothing(c.Before), orNothing(c.After))
		}
		for k := range d.By {
			c := &d.By[k]
			who := "somebody without a name"
			if c.Principal != "" {
				who, _ = w.names(c.Principal)
			}
			p.printf("  %-11s %s, %s, %s\n", "by", who, c.Row.Operation, when(c.At))
		}
		if len(d.By) == 0 {
			p.printf("  %-11s no event that was read tells\n", "by")
		}
	}
}

func orNothing(s string) string {
	if s == "" {
		return "(not set)"
	}
	return s
}

func (w *integrityAnswer) writeJSON(out io.Writer) error {
	j := integrityJSON{SchemaVersion: 1, Inputs: w.snap.Inputs, Since: w.since}
	for i := range w.prints {
		f := &w.prints[i]
		x := fingerprintJSON{Workload: f.Workload, Sum: f.Sum(), Parts: map[string]string{}, Source: f.Source}
		for part, v := range f.Parts {
			x.Parts[string(part)] = v
		}
		j.Fingerprints = append(j.Fingerprints, x)
	}
	for i := range w.drifts {
		d := &w.drifts[i]
		x := driftJSON{
			Workload: d.Workload, Kind: string(d.Kind), With: d.With, IdentityChanged: d.IdentityChanged, Changes: []nameChangeJSON{}, By: []loggedChangeJSON{},
			Source: d.Source,
		}
		for _, c := range d.Changes {
			x.Changes = append(x.Changes, nameChangeJSON{string(c.Part), c.Name, c.Before, c.After})
		}
		for k := range d.By {
			x.By = append(x.By, w.loggedChangeJSON(&d.By[k]))
		}
		j.Drifts = append(j.Drifts, x)
	}
	return writeAnswer(out, "integrity", j)
}
