// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
)

func (a *app) snapshotCommand() *cobra.Command {
	var in inputFlags
	var file string
	cmd := &cobra.Command{
		Use:     "snapshot INPUT... --output FILE",
		Short:   "write what the inputs tell as one snapshot, redacted",
		GroupID: groupOther,
		Example: "  mivet snapshot azurehound.json --output prod.mivet\n" +
			"  zstd -dc prod.mivet | jq 'select(.kind == \"roleAssignment\") | .fact.scope'",
		Long: "A snapshot loads faster than what it was made from, and holds no secret: everything passes an\n" +
			"allow-list before it is written. What the inputs did not tell stays unknown in it.",
		Args: a.args(0, -1),
	}
	in.registerDemo(cmd)
	cmd.Flags().StringVarP(&file, "output", "o", "", `write to this file, "-" for standard output`)
	cmd.RunE = a.run(func(ctx context.Context, args []string) (int, error) {
		switch {
		case file == "":
			return exitUsage, a.misuse(cmd, errors.New("--output is missing"))
		case file == "-" && isTerminal(a.Stdout):
			return exitUsage, a.misuse(cmd, errors.New("a snapshot is not written to a terminal"))
		}
		r, err := a.read(ctx, &in, args)
		if err != nil {
			return exitFailed, err
		}
		a.tellGaps(r.snap)
		return exitOK, a.writeSnapshot(r.snap, file)
	})
	return cmd
}

// writeSnapshot writes a snapshot to a file or to standard output.
func (a *app) writeSnapshot(s *mivet.Snapshot, file string) error {
	cleaner, err := redact.New(redact.Options{})
	if err != nil {
		return fmt.Errorf("preparing the redaction: %w", err)
	}
	write := func(w io.Writer) error {
		return snapshot.Write(w, s, snapshot.WriteOptions{Redactor: cleaner, Tool: "mivet " + a.version()})
	}
	if file == "-" {
		err = write(a.Stdout)
	} else {
		err = writeFile(file, write)
	}
	if err != nil {
		return fmt.Errorf("writing the snapshot to %s: %w", streamName(file, "standard output"), err)
	}
	return nil
}
