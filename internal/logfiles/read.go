// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"bytes"
	"cmp"
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

// large is the size from which one file may be read by all workers together.
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
	files, err := r.find(paths)
	if err != nil {
		return nil, err
	}
	if r.workers, err = newWorkers(max(1, r.Workers), o.Ledger); err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f file) bool { return o.Ledger.Has(&f.source) })
	r.report.Unchanged = r.found - len(files)
	r.remember(files)
	alone, shared := r.sort(files)
	one := func(ctx context.Context, i int, f file) *outcome { return r.read(ctx, f, r.workers[i:i+1]) }
	if err := r.each(ctx, alone, one); err != nil {
		return nil, err
	}
	for _, f := range shared {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.put(r.read(ctx, f, r.workers))
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
	workers []*worker
	known   digests // of the lines of all files whose hour is open
	found   int

	mu     sync.Mutex
	report Report
}

// remember takes the lines of the files that are not read now.
func (r *reading) remember(files []file) {
	now := make(map[string]bool, len(files))
	for i := range files {
		now[files[i].source.Name] = true
	}
	for _, p := range r.Ledger.Parts() {
		if now[p.Name] {
			continue
		}
		r.known.add(p.Lines, make([]bool, len(p.Lines)))
	}
}

// sort tells files that a worker reads alone, the largest first, from those that all of them
// read together: these are so large a part of all that the others would wait for the end.
// Packed files are unpacked side by side where there are several.
func (r *reading) sort(files []file) (alone, shared []file) {
	slices.SortStableFunc(files, func(a, b file) int { return cmp.Compare(b.source.Size, a.source.Size) })
	total, packed := int64(0), 0
	for _, f := range files {
		total += f.source.Size
		if isPacked(f.path) {
			packed++
		}
	}
	most := max(large, total/int64(2*len(r.workers)))
	for _, f := range files {
		if f.source.Size <= most || isPacked(f.path) && packed >= len(r.workers) {
			alone = append(alone, f)
		} else {
			shared = append(shared, f)
		}
	}
	if n := bigOnes(alone) % len(r.workers); n > 0 {
		// The last ones would leave workers without anything to do.
		shared = append(shared, alone[:n]...)
		alone = alone[n:]
	}
	return alone, shared
}

// bigOnes counts the files at the beginning that are large and not packed.
func bigOnes(files []file) (n int) {
	for n < len(files) && files[n].source.Size >= large && !isPacked(files[n].path) {
		n++
	}
	return n
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
	r.found = len(files)
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

func isPacked(path string) bool {
	name := strings.ToLower(path)
	return slices.ContainsFunc(packedEndings, func(e string) bool { return strings.HasSuffix(name, e) })
}

func isEntryFile(path string) bool {
	name := strings.ToLower(path)
	for _, p := range packedEndings {
		name = strings.TrimSuffix(name, p)
	}
	return slices.ContainsFunc(entryEndings, func(e string) bool { return strings.HasSuffix(name, e) })
}

// each reads files, several at once; a worker is told its number.
func (r *reading) each(ctx context.Context, files []file, one func(ctx context.Context, i int, f file) *outcome) error {
	work := make(chan file)
	var wait sync.WaitGroup
	for i := range max(1, r.Workers) {
		wait.Go(func() {
			for f := range work {
				r.put(one(ctx, i, f))
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

// failed is the outcome of a file that could not be read.
func failed(f file, err error) *outcome {
	return &outcome{faults: []ReadError{{File: f.path, Err: err}}}
}

// read reads a file with these workers.
func (r *reading) read(ctx context.Context, f file, workers []*worker) *outcome {
	in, err := open(f.path)
	if err != nil {
		return failed(f, err)
	}
	out, err := r.stream(ctx, f, in, workers)
	if cerr := in.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err == nil {
		err = out.findLines(f.path)
	}
	if err != nil {
		return failed(f, err)
	}
	return out
}

// stream reads what is in a file.
func (r *reading) stream(ctx context.Context, f file, in io.Reader, workers []*worker) (*outcome, error) {
	before, isOpen := &r.known, f.source.Open()
	if !isOpen {
		before = &workers[0].own
		before.reset(f.source.Size / lineSize)
	}
	for _, w := range workers {
		w.begin(before, isOpen)
	}
	head := make([]byte, logs.HeadSize)
	n, err := fill(in, head)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s := blocks{in: io.MultiReader(bytes.NewReader(head[:n]), in)}
	if logs.IsLines(head[:n]) {
		err = together(workers, func(w *worker) error { return w.run(ctx, &s) })
	} else {
		counted := counter{r: s.in}
		err = workers[0].whole(ctx, &counted)
		s.total = counted.n
	}
	if err != nil {
		return nil, err
	}
	return r.outcome(f, s.total, workers), nil
}

// together lets all workers do something, and returns what stopped one of them.
func together(workers []*worker, do func(w *worker) error) error {
	errs := make([]error, len(workers))
	var wait sync.WaitGroup
	for i, w := range workers[1:] {
		wait.Go(func() { errs[i+1] = do(w) })
	}
	errs[0] = do(workers[0])
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// outcome puts together what the workers found.
func (r *reading) outcome(f file, size int64, workers []*worker) *outcome {
	out := outcome{part: &usage.Part{Source: f.source}, bytes: size}
	agg := workers[0].agg
	for i, w := range workers {
		if i > 0 {
			agg.Merge(w.agg)
		}
		w.agg = nil
		out.part.Faults += w.faulty
		out.part.Unfinished = out.part.Unfinished || w.unfinished
		out.part.Lines = append(out.part.Lines, w.lines...)
		for _, fault := range w.faults {
			fault.File = f.path
			out.faults = append(out.faults, fault)
		}
	}
	out.part.Summary = *agg.Summary()
	return &out
}

// whole reads entries that do not end with the line.
func (w *worker) whole(ctx context.Context, in io.Reader) error {
	entries := w.parser.Reader(in)
	const often = 1024
	for n := 0; ; n++ {
		if n%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e, err := entries.Next()
		var line *logs.LineError
		switch {
		case errors.Is(err, io.EOF):
			w.unfinished = entries.Unfinished()
			return nil
		case errors.As(err, &line):
			w.fault(ReadError{Line: line.Line, Err: line.Err})
		case err != nil:
			return err
		default:
			hash, known := [1]uint64{w.digest(entries.Text())}, [1]bool{}
			w.before.add(hash[:], known[:])
			w.entry(e, hash[0], known[0])
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
