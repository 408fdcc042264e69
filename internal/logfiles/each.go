// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"context"
	"errors"
	"io"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

// Take gets an entry, its text and its place. All are valid until it returns. An error ends
// the reading.
type Take = func(e *logs.Entry, text []byte, at mivet.Source) error

// Each gives all entries of files, and of folders with everything below, to a function. Files
// are read in the order of their names, entries in that of the file.
func Each(ctx context.Context, paths []string, take Take) (*Report, error) {
	var r reading
	files, err := r.find(paths)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := r.entries(ctx, f.path, take, func() (io.ReadCloser, error) { return open(f.path) }); err != nil {
			return nil, err
		}
	}
	return &r.report, nil
}

// EachOf gives all entries of a stream to a function. It may be packed, but not Parquet, whose
// beginning is at its end.
func EachOf(ctx context.Context, name string, in io.Reader, take Take) (*Report, error) {
	var r reading
	if err := r.entries(ctx, name, take, func() (io.ReadCloser, error) { return unpackStream(in) }); err != nil {
		return nil, err
	}
	return &r.report, nil
}

// entries reads one file. One that cannot be read on is a fault, not an error.
func (r *reading) entries(ctx context.Context, name string, take Take, open func() (io.ReadCloser, error)) error {
	broken := false
	gone := func(err error) {
		if err != nil && !broken {
			broken = true
			r.report.Faults = append(r.report.Faults, ReadError{File: name, Err: err})
		}
	}
	in, err := open()
	if err != nil {
		gone(err)
		return nil
	}
	defer func() { gone(in.Close()) }()
	entries, err := logs.NewReader(in)
	if err != nil {
		return err
	}
	r.report.Files++
	at, faults := mivet.Source{Origin: &mivet.Origin{File: name}}, 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, err := entries.Next()
		var line *logs.LineError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &line):
			r.report.FaultCount++
			if faults++; faults <= maxFaults {
				r.report.Faults = append(r.report.Faults, ReadError{name, line.Line, line.Err})
			}
			continue
		case err != nil:
			gone(err)
			return nil
		}
		r.report.Entries++
		at.Line = entries.Line()
		if err := take(e, entries.Text(), at); err != nil {
			return err
		}
	}
}
