// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/report"
	"github.com/mivet/mivet/vet"
)

func (a *app) convertCommand() *cobra.Command {
	var out output
	var undecided, all bool
	cmd := &cobra.Command{
		Use:     "convert RESULT",
		Short:   "write a saved result of scan in another form",
		GroupID: groupOther,
		Example: "  mivet convert found.json --format sarif --output found.sarif\n" +
			"  mivet scan prod.mivet --format json | mivet convert - -o - -o page.html",
		Long: "RESULT is what scan wrote as JSON or JSON Lines. Nothing is looked at again.",
		Args: a.args(1, 1),
	}
	cmd.RunE = a.run(func(_ context.Context, args []string) (int, error) {
		saved, err := a.readResult(args[0])
		if err != nil {
			return exitFailed, err
		}
		err = a.emit(&out, func(w io.Writer, format string, colour bool) error {
			look := report.TextOptions{Color: colour, Width: width(w), Undecided: undecided, Findings: shown(all)}
			return a.writeResults(w, format, look, saved.replay)
		})
		return exitOK, err
	})
	out.byName = report.FormatOf
	out.register(cmd, report.Formats()...)
	cmd.Flags().BoolVar(&undecided, "undecided", false, "list everything that could not be decided")
	cmd.Flags().BoolVar(&all, "all", false, "list every finding as text, not the 200 that matter most (other forms always do)")
	return cmd
}

// savedResult is a result that was read again, message by message.
type savedResult struct{ messages []report.Message }

// Handle keeps a message.
func (s *savedResult) Handle(m report.Message) error {
	s.messages = append(s.messages, m)
	return nil
}

func (s *savedResult) replay(h report.Handler) error {
	for _, m := range s.messages {
		if err := h.Handle(m); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) readResult(file string) (*savedResult, error) {
	var saved savedResult
	err := a.withInput(file, func(in io.Reader) error { return report.Read(in, &saved) })
	return &saved, resultError(file, err)
}

// readBaseline takes from an earlier result which findings it had, and since when; nil
// without a file.
func (a *app) readBaseline(file string) (b *vet.Baseline, err error) {
	if file == "" {
		return nil, nil
	}
	err = a.withInput(file, func(in io.Reader) error {
		b, err = report.ReadBaseline(in)
		return err
	})
	return b, resultError(file, err)
}

// resultError says what to do about a file that is no result.
func resultError(file string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("reading %s: %w", streamName(file, "standard input"), err)
	if errors.Is(err, report.ErrNotResults) {
		return errorWithHint(err, "write one with mivet scan INPUT --output FILE.json")
	}
	return err
}
