// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"runtime"

	"github.com/spf13/cobra"
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
}

func (a *app) versionCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "the version, and the dates of the facts about Azure inside",
		GroupID: groupOther,
		Example: "  mivet version\n  mivet version --format json",
		Args:    a.args(0, 0),
		RunE: a.run(func(context.Context, []string) (int, error) {
			r := versionReport{
				SchemaVersion: 1,
				Version:       a.version(),
				Go:            runtime.Version(),
				Platform:      runtime.GOOS + "/" + runtime.GOARCH,
			}
			return exitOK, a.emit(&out, r.write)
		}),
	}
	out.register(cmd, formatText, formatJSON)
	return cmd
}

func (r versionReport) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeJSON(w, r)
	}
	p := newPrinter(w, colour)
	p.printf("mivet %s (%s, %s)\n", bold(r.Version), r.Go, r.Platform)
	return p.err
}
