// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"context"
	"errors"
	"io"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

// Each gives all entries of files, and of folders with everything below, to a function: the
// entry, its text and its place, all valid until the function returns. Files are read in the
// order of their names, entries in that of the file. An error of the function ends it.
func Each(ctx context.Context, paths []string, take func(e *logs.Entry, text []byte, at mivet.Source) error) (*Report, error) {
	r := reading{Options: Options{Workers: 1}}
	files, err := r.find(paths)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		faults, err := r.entries(ctx, f, take)
		r.report.Faults = append(r.report.Faults, faults...)
		if err != nil {
			return nil, err
		}
	}
	return &r.report, nil
}

// entries reads one file. A file that cannot be read on is a fault, not an error.
func (r *reading) entries(ctx context.Context, f file, take func(*logs.Entry, []byte, mivet.Source) error) (faults []ReadError, err error) {
	in, err := open(f.path)
	if err != nil {
		return []ReadError{{File: f.path, Err: err}}, nil
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	entries, err := logs.NewReader(in)
	if err != nil {
		return nil, err
	}
	r.report.Files++
	at := mivet.Source{Origin: &mivet.Origin{File: f.path}}
	for {
		if err := ctx.Err(); err != nil {
			return faults, err
		}
		e, err := entries.Next()
		var line *logs.LineError
		switch {
		case errors.Is(err, io.EOF):
			return faults, nil
		case errors.As(err, &line):
			if r.report.FaultCount++; len(faults) < maxFaults {
				faults = append(faults, ReadError{f.path, line.Line, line.Err})
			}
			continue
		case err != nil:
			return append(faults, ReadError{File: f.path, Err: err}), nil
		}
		r.report.Entries++
		at.Line = entries.Line()
		if err := take(e, entries.Text(), at); err != nil {
			return faults, err
		}
	}
}
