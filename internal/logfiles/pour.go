// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// A Sink takes the entries of one file, in order.
type Sink interface {
	// Add takes an entry, which is valid until it returns.
	Add(line int, text []byte, e *logs.Entry) error
	// Close is called when the whole file was read, and at no other time.
	Close(f *usage.Source) error
}

// PourOptions say how [Pour] reads files. Ledger is not used.
type PourOptions struct {
	Options
	// Has reports whether a file need not be read again.
	Has func(f *usage.Source) bool
	// Begin opens a sink for a file; several goroutines call it.
	Begin func(f *usage.Source) Sink
}

// Pour reads files, and folders with everything below, and hands the entries of each file
// to a sink of its own.
func Pour(ctx context.Context, paths []string, o PourOptions) (*Report, error) {
	r := reading{Options: o.Options}
	r.Workers = max(1, r.Workers)
	files, err := r.find(paths)
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f file) bool {
		known := o.Has(&f.source)
		if known {
			r.report.Unchanged++
		}
		return known
	})
	err = r.each(ctx, files, func(ctx context.Context, _ int, f file) *outcome { return pour(ctx, f, o.Begin(&f.source)) })
	slices.SortFunc(r.report.Faults, func(a, b ReadError) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return &r.report, err
}

// pour reads a file into a sink.
func pour(ctx context.Context, f file, to Sink) *outcome {
	in, err := open(f.path)
	if err != nil {
		return failed(f, err)
	}
	out, err := pourStream(ctx, f, in, to)
	if err = errors.Join(err, in.Close()); err != nil {
		return failed(f, err)
	}
	if err := to.Close(&out.part.Source); err != nil {
		return failed(f, err)
	}
	return out
}

func pourStream(ctx context.Context, f file, in io.Reader, to Sink) (*outcome, error) {
	counted := &counter{r: in}
	entries, err := logs.NewReader(counted)
	if err != nil {
		return nil, err
	}
	out := outcome{part: &usage.Part{Source: f.source}}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := entries.Next()
		var line *logs.LineError
		switch {
		case errors.Is(err, io.EOF):
			out.part.Unfinished, out.bytes = entries.Unfinished(), counted.n
			return &out, nil
		case errors.As(err, &line):
			out.part.Faults++
			if len(out.faults) < maxFaults {
				out.faults = append(out.faults, ReadError{f.path, line.Line, line.Err})
			}
		case err != nil:
			return nil, err
		default:
			out.part.Entries++
			if err := to.Add(entries.Line(), entries.Text(), e); err != nil {
				return nil, err
			}
		}
	}
}
