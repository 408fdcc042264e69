// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/catalog"
)

// version is the version that the toolchain recorded, or "(devel)".
func (a *app) version() string {
	if a.Build == nil || a.Build.Main.Version == "" {
		return "(devel)"
	}
	return a.Build.Main.Version
}

// versionReport is what `version --format json` prints.
type versionReport struct {
	SchemaVersion int    `json:"schemaVersion"`
	Version       string `json:"version"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
	// DataDate is the day of the built-in roles; the tables have days of their own.
	DataDate string         `json:"dataDate"`
	Tables   []versionTable `json:"tables"`
}

// versionTable is one table of facts about Azure.
type versionTable struct {
	Name    string `json:"name"`
	Rows    int    `json:"rows"`
	Date    string `json:"date,omitzero"`
	Source  string `json:"source"`
	License string `json:"license"`
	SHA256  string `json:"sha256"`
}

func (a *app) versionCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:         "version",
		Short:       "the version, and the dates of the facts about Azure inside",
		GroupID:     groupOther,
		Annotations: map[string]string{unconfigured: "yes"},
		Example:     "  mivet version\n  mivet version --format json",
		Args:        a.args(0, 0),
		RunE: a.run(func(context.Context, []string) (int, error) {
			cat, err := a.catalog()
			if err != nil {
				return exitFailed, err
			}
			return exitOK, a.emit(&out, a.versionReport(cat).write)
		}),
	}
	out.register(cmd, formatText, formatJSON)
	return cmd
}

func (a *app) versionReport(cat *catalog.Catalog) *versionReport {
	r := &versionReport{
		SchemaVersion: 1, Version: a.version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		DataDate: cat.Date(),
	}
	for _, t := range cat.Tables() {
		r.Tables = append(r.Tables, versionTable{t.Name, t.Rows, t.Date(), t.Source(), t.License(), t.SHA256})
	}
	return r
}

func (r *versionReport) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "version", r)
	}
	p := newPrinter(w, colour)
	p.printf("mivet %s (%s, %s)\n", bold(r.Version), r.Go, r.Platform)
	p.printf("facts about Azure as of %s\n\n", r.DataDate)
	width := 0
	for _, t := range r.Tables {
		width = max(width, len(t.Name))
	}
	for _, t := range r.Tables {
		first, _, more := strings.Cut(t.Source, "; ")
		if more {
			first += " and others"
		}
		p.printf("  %-*s %6d rows  %-10s  %s\n", width, t.Name, t.Rows, t.Date, faint(first))
	}
	p.printf("\n--format json has every source, licence and checksum.\n")
	return p.err
}
