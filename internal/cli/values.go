// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"os"

	"github.com/mivet/mivet/internal/conformance"
)

// conformanceValues counts what the templates of folders say and what of it is known.
func (a *app) conformanceValues(ctx context.Context, f *conformanceFlags, folders []string) (int, error) {
	report := conformance.NewValueReport()
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if err != nil {
			return exitFailed, err
		}
		if !info.IsDir() {
			return exitUsage, usagef("--values takes folders, and %s is a file", folder)
		}
		r, err := a.conformanceRunner(folder)
		if err != nil {
			return exitFailed, err
		}
		if err := report.AddFolder(ctx, r, folder, os.DirFS(folder), f.folderOptions()); err != nil {
			return exitFailed, err
		}
	}
	if report.Templates == 0 {
		return exitFailed, errorWithHint(usagef("there is no template"), "name a folder that holds ARM templates or Bicep files")
	}
	write := func(w io.Writer, format string, colour bool) error {
		if format == formatJSON {
			return writeAnswer(w, "conformance-values", report)
		}
		p := newPrinter(w, colour)
		writeValues(p, report, a.verbose)
		return p.err
	}
	return exitOK, a.emit(&f.out, write)
}

func writeValues(p *printer, r *conformance.ValueReport, verbose bool) {
	p.printf("%s, %s, %s\n\n", counted(r.Templates, "template"), counted(r.Resources, "resource"), counted(len(r.Unreadable), "unreadable file"))
	p.printf("%-10s %7s %10s %9s %6s %9s\n", "values", "all", "evaluated", "symbolic", "lost", "not lost")
	all := conformance.ValueFigure{Kind: "all"}
	line := func(f conformance.ValueFigure) {
		share := 100.0
		if n := f.Total(); n > 0 {
			share = 100 * float64(n-f.Lost) / float64(n)
		}
		p.printf("%-10s %7d %10d %9d %6d %8.2f%%\n", f.Kind, f.Total(), f.Evaluated, f.Symbolic, f.Lost, share)
	}
	for _, k := range r.Kinds {
		line(k)
		all.Evaluated += k.Evaluated
		all.Symbolic += k.Symbolic
		all.Lost += k.Lost
	}
	line(all)
	if !verbose {
		return
	}
	for _, l := range r.Lost {
		p.printf("\nlost       %s %s\n           %s\n", l.Kind, l.Place, l.Text)
	}
	for _, u := range r.Unreadable {
		p.printf("\nunreadable %s\n", u)
	}
}
