// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// Options say how files are read.
type Options struct {
	// Now is the time at which they are read: it decides which hours are open.
	Now time.Time
	// Workers is how many goroutines read and parse; at least 1.
	Workers int
	// Ledger takes what the files say. What it has of a file that did not change stays.
	Ledger *usage.Ledger
}

// maxFaults is how many faults of a file are kept with their lines.
const maxFaults = 10

// large is the size from which one file is read by all workers together.
const large = 16 << 20

// A ReadError is an entry, or a file, that could not be read.
type ReadError struct {
	File string
	Line int // 0: the whole file
	Err  error
}

func (f *ReadError) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %v", f.File, f.Err)
	}
	return fmt.Sprintf("%s:%d: %v", f.File, f.Line, f.Err)
}

// Unwrap returns the cause.
func (f *ReadError) Unwrap() error { return f.Err }

// Report is what reading came to.
type Report struct {
	Files, Unchanged, LeftOut int
	Bytes                     int64
	Entries                   int64
	// FaultCount is how many entries could not be read, Faults the first ones of each file,
	// and every file that could not be read.
	FaultCount int64
	Faults     []ReadError
}

// entryEndings are those of files in a folder that hold entries.
var entryEndings = []string{".json", ".jsonl", ".ndjson", ".log", ".parquet"}

// packedEndings may follow.
var packedEndings = []string{".gz", ".zst", ".zstd"}

// file is one file to be read.
type file struct {
	path   string
	source usage.Source
}

// Read reads files, and folders with everything below. A path that cannot be looked at is
// an error; a file that cannot be read is a fault of the report.
func Read(ctx context.Context, paths []string, o Options) (*Report, error) {
	r := reading{Options: o}
	r.Workers = max(1, r.Workers)
	files, err := r.find(paths)
	if err != nil {
		return nil, err
	}
	var small, big []file
	for _, f := range files {
		switch {
		case o.Ledger.Has(&f.source):
			r.report.Unchanged++
		case f.source.Size >= large && !f.source.Open():
			big = append(big, f)
		default:
			small = append(small, f)
		}
	}
	if err := r.each(ctx, small, r.alone); err != nil {
		return nil, err
	}
	for _, f := range big {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.put(r.whole(ctx, f))
	}
	slices.SortFunc(r.report.Faults, func(a, b ReadError) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return &r.report, ctx.Err()
}

type reading struct {
	Options

	mu     sync.Mutex
	report Report
}

// find lists the files of the paths.
func (r *reading) find(paths []string) ([]file, error) {
	var files []file
	known := map[string]bool{}
	add := func(path, name string, info fs.FileInfo) {
		if known[path] {
			return
		}
		known[path] = true
		s := usage.Source{Name: name, Hour: usage.HourOf(name), Size: info.Size(), Modified: info.ModTime().UTC(), Read: r.Now}
		files = append(files, file{path, s})
	}
	for _, root := range paths {
		root = filepath.Clean(root)
		info, err := os.Stat(root)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			add(root, sourceName(filepath.Base(root), root), info)
			continue
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if !isEntryFile(path) {
				r.report.LeftOut++
				return nil
			}
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			add(path, sourceName(rel, path), info)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("looking for logs: %w", err)
		}
	}
	return files, nil
}

// sourceName is how the ledger knows a file: from its container on, where the path has one,
// so that it does not hang on the folder that was given.
func sourceName(rel, path string) string {
	slashed := "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")
	if i := strings.LastIndex(slashed, "/insights-"); i >= 0 {
		return slashed[i+1:]
	}
	return filepath.ToSlash(rel)
}

func isEntryFile(path string) bool {
	name := strings.ToLower(path)
	for _, p := range packedEndings {
		name = strings.TrimSuffix(name, p)
	}
	return slices.ContainsFunc(entryEndings, func(e string) bool { return strings.HasSuffix(name, e) })
}

// each reads small files, several at once.
func (r *reading) each(ctx context.Context, files []file, one func(context.Context, file) *outcome) error {
	work := make(chan file)
	var wait sync.WaitGroup
	for range r.Workers {
		wait.Go(func() {
			for f := range work {
				r.put(one(ctx, f))
			}
		})
	}
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		work <- f
	}
	close(work)
	wait.Wait()
	return ctx.Err()
}

// outcome is what reading one file came to.
type outcome struct {
	part   *usage.Part
	faults []ReadError
	bytes  int64
}

// put takes an outcome into the ledger and the report. A file that could not be read whole
// leaves the ledger as it was.
func (r *reading) put(o *outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Faults = append(r.report.Faults, o.faults...)
	r.report.Bytes += o.bytes
	if o.part == nil {
		return
	}
	r.report.Files++
	r.report.Entries += o.part.Entries
	r.report.FaultCount += o.part.Faults
	if r.Ledger != nil {
		r.Ledger.Put(o.part)
	}
}

// elsewhere asks the ledger under the lock.
func (r *reading) elsewhere(name string) map[uint64]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Ledger.Elsewhere(name)
}

// failed is the outcome of a file that could not be read.
func failed(f file, err error) *outcome {
	return &outcome{faults: []ReadError{{File: f.path, Err: err}}}
}

// alone reads a file with one goroutine.
func (r *reading) alone(ctx context.Context, f file) *outcome {
	in, err := open(f.path)
	if err != nil {
		return failed(f, err)
	}
	out, err := r.stream(ctx, f, in)
	if cerr := in.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err != nil {
		return failed(f, err)
	}
	return out
}

// stream reads a stream entry by entry.
func (r *reading) stream(ctx context.Context, f file, in io.Reader) (*outcome, error) {
	counted := &counter{r: in}
	entries, err := logs.NewReader(counted)
	if err != nil {
		return nil, err
	}
	agg := usage.NewAggregator()
	if f.source.Open() {
		agg.CountOnce(r.elsewhere(f.source.Name))
	}
	out := outcome{part: &usage.Part{Source: f.source}}
	const often = 1024
	for n := 0; ; n++ {
		if n%often == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		e, err := entries.Next()
		var line *logs.LineError
		switch {
		case errors.Is(err, io.EOF):
			out.part.Unfinished = entries.Unfinished()
			out.part.Summary, out.part.Lines = *agg.Summary(), agg.Lines()
			out.bytes = counted.n
			return &out, nil
		case errors.As(err, &line):
			out.part.Faults++
			if len(out.faults) < maxFaults {
				out.faults = append(out.faults, ReadError{f.path, line.Line, line.Err})
			}
		case err != nil:
			return nil, err
		case !agg.Repeats(entries.Text()):
			agg.Add(e)
		}
	}
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
