// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mivet/mivet/internal/collect"
)

// selfCheck compares the engine with what Azure says of the caller.
func (a *app) selfCheck(ctx context.Context, f *doctorFlags) (int, error) {
	config, err := a.azure(ctx, &f.azure)
	if err != nil {
		return exitFailed, err
	}
	progress := a.newProgress()
	config.Progress = progress.show
	check, err := collect.CheckSelf(ctx, config)
	progress.clear()
	if err != nil {
		return exitFailed, err
	}
	cat, err := a.catalog()
	if err != nil {
		return exitFailed, err
	}
	c, err := check.Compare(cat)
	if err != nil {
		return exitFailed, err
	}
	err = a.emit(&f.out, func(w io.Writer, format string, colour bool) error {
		if format == formatJSON {
			return writeAnswer(w, "doctor-self-check", selfCheckJSON{1, c})
		}
		return printComparison(newPrinter(w, colour), c)
	})
	switch {
	case err != nil:
		return exitFailed, err
	case c.Compared == 0:
		a.note("nothing could be compared: you may see no scope, or Azure did not say what you may do there")
		return exitUndecided, nil
	case len(c.Differences) == 0:
		return exitOK, nil
	}
	if f.save != "" {
		if err := saveCases(f.save, c); err != nil {
			return exitFailed, fmt.Errorf("writing the cases to %s: %w", f.save, err)
		}
		a.note("the differences were added to %s; please report them", f.save)
	}
	return exitFound, nil
}

// selfCheckJSON is a comparison with Azure for machines.
type selfCheckJSON struct {
	SchemaVersion int `json:"schemaVersion"`
	*collect.Comparison
}

func printComparison(p *printer, c *collect.Comparison) error {
	p.printf("compared %s at %s; %d more hang on what Azure's answer leaves out\n", counted(c.Compared, "answer"), counted(c.Scopes, "scope"), c.Undecided)
	if len(c.Differences) == 0 {
		if c.Compared > 0 {
			p.printf("the engine and Azure agree\n")
		}
		return p.err
	}
	p.printf("%s\n", counted(len(c.Differences), "difference"))
	word := map[bool]string{true: "allowed", false: "not allowed"}
	for i, d := range c.Differences {
		if i == maxListed {
			p.printf("  and %d more\n", len(c.Differences)-i)
			break
		}
		p.printf("  %s (%s) at %s\n      mivet says %s, Azure says %s\n", d.Operation.String(), d.Plane.String(), d.Scope.String(), word[d.Engine], word[d.Azure])
	}
	return p.err
}

// saveCases appends the cases of differences to a file.
func saveCases(file string, c *collect.Comparison) (err error) {
	out, err := os.OpenFile(filepath.Clean(file), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	for _, d := range c.Differences {
		if d.Case != nil {
			if _, err := out.Write(append(d.Case, '\n')); err != nil {
				return err
			}
		}
	}
	return nil
}
