// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // DuckDB has it too
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet/internal/logfiles"
	"github.com/mivet/mivet/usage"
)

// contend runs a contender in this process.
func contend(name string, files []string, duck string) (*result, error) {
	past := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // all hours are closed then
	switch name {
	case "lines":
		return countLines(files)
	case "mivet":
		return aggregate(files, past, false)
	case "mivet-new": // hours are open: the digests of all lines are kept
		return aggregate(files, time.Now(), false) //nolint:forbidigo // the files are new
	case "mivet-groups":
		return aggregate(files, past, true)
	case "json":
		return standard(files)
	case "duckdb":
		return duckDB(files, duck, false)
	case "duckdb-groups":
		return duckDB(files, duck, true)
	}
	return nil, fmt.Errorf("there is no contender %q", name)
}

// aggregate is what mivet usage does with --logs.
func aggregate(files []string, now time.Time, groups bool) (*result, error) {
	const limit, percent = 320 << 20, 400
	debug.SetMemoryLimit(limit)
	debug.SetGCPercent(percent)
	ledger := usage.NewLedger()
	report, err := logfiles.Read(context.Background(), files, logfiles.Options{Now: now, Workers: runtime.GOMAXPROCS(0), Ledger: ledger})
	if err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, &report.Faults[0]
	}
	total := ledger.Total()
	r := result{Rows: total.Entries + total.Repeated, Bytes: report.Bytes, Groups: int64(len(total.Facts))}
	sum := uint64(0)
	for i := range total.Facts {
		f := &total.Facts[i]
		r.Granted += f.Granted
		r.Refused += f.Refused
		if groups {
			const form = "2006-01-02T15:04:05.0000000Z"
			d := md5.Sum(fmt.Appendf(nil, "%s|%s|%s|%s|%d|%d|%s|%s", f.Principal, f.Action, f.Scope, f.Day, f.Granted, f.Refused, f.First.Format(form), f.Last.Format(form))) //nolint:gosec // no secret
			sum += uint64(binary.BigEndian.Uint32(d[:]))
		}
	}
	if groups {
		r.Sum = fmt.Sprint(sum)
	}
	return &r, nil
}

// countLines is the floor: it reads the files, unpacks them if they are packed, and counts
// line ends.
func countLines(files []string) (*result, error) {
	var r result
	var rows, size atomic.Int64
	err := share(files, func(name string) error {
		in, err := unpacked(name)
		if err != nil {
			return err
		}
		buf := make([]byte, 256<<10)
		for {
			n, err := in.Read(buf)
			rows.Add(int64(bytes.Count(buf[:n], []byte{'\n'})))
			size.Add(int64(n))
			if errors.Is(err, io.EOF) {
				return in.Close()
			}
			if err != nil {
				return errors.Join(err, in.Close())
			}
		}
	})
	r.Rows, r.Bytes = rows.Load(), size.Load()
	return &r, err
}

func unpacked(name string) (io.ReadCloser, error) {
	f, err := os.Open(name) //nolint:gosec // the caller names it
	if err != nil {
		return nil, err
	}
	var in io.Reader = f
	switch filepath.Ext(name) {
	case ".gz":
		in, err = gzip.NewReader(f)
	case ".zst":
		in, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{in, f}, nil
}

// share gives the files to as many goroutines as there are processors.
func share(files []string, do func(name string) error) error {
	work := make(chan string)
	errs := make(chan error, len(files))
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for name := range work {
				errs <- do(name)
			}
		})
	}
	for _, name := range files {
		work <- name
	}
	close(work)
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pack writes files packed, and returns their names.
func pack(files []string, dir, form string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	ending := map[string]string{"gzip": ".gz", "zstd": ".zst"}[form]
	var names []string
	for _, name := range files {
		names = append(names, filepath.Join(dir, strings.TrimSuffix(filepath.Base(name), ".json")+".json"+ending))
	}
	var next atomic.Int32
	return names, share(files, func(name string) error { return packFile(name, names[next.Add(1)-1], form) })
}

func packFile(name, to, form string) (err error) {
	in, err := os.Open(name) //nolint:gosec // the caller names it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	f, err := os.Create(to) //nolint:gosec // the caller names it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var out io.WriteCloser = gzip.NewWriter(f)
	if form == "zstd" {
		if out, err = zstd.NewWriter(f, zstd.WithEncoderConcurrency(1)); err != nil {
			return err
		}
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
