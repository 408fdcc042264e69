// SPDX-License-Identifier: Apache-2.0

// Command logs makes up log entries and races their aggregation: mivet, encoding/json and
// DuckDB over the same files, beside a scan that only counts lines.
//
// It is a module of its own and is run by hand; no test depends on a time. Each contender
// runs in a process of its own. It refuses to print a time for one whose groups differ.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mivet/mivet/internal/logfiles"
	"github.com/mivet/mivet/usage"
)

// result is what a contender found.
type result struct {
	Rows, Groups, Granted, Refused, Bytes int64
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "logs:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("dir", "build/logs", "folder of the entries")
	rows := flag.Int("rows", 10_000_000, "entries to make up")
	files := flag.Int("files", 10, "files to share them out to")
	principals := flag.Int("principals", 2000, "identities")
	make := flag.Bool("generate", false, "make up entries, then stop")
	one := flag.String("one", "", "run this contender alone, in this process")
	duck := flag.String("duckdb", "duckdb", "how to call DuckDB: a command that takes SQL on standard input and writes CSV, or python:PATH for a Python that has the module")
	only := flag.String("only", "lines,mivet,duckdb,json", "contenders, in order")
	share := flag.Int("json-files", 1, "files that encoding/json reads: it would take long for all")
	flag.Parse()
	if *make {
		return generate(*dir, shape{rows: *rows, files: *files, principals: *principals, vaults: 200, accounts: 100})
	}
	names, err := filepath.Glob(filepath.Join(*dir, "logs-*"))
	if err != nil || len(names) == 0 {
		return errors.Join(err, fmt.Errorf("%s holds no logs-*: run with -generate first", *dir))
	}
	if *one != "" {
		r, err := contend(*one, names, *duck)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	var first *result
	for name := range strings.SplitSeq(*only, ",") {
		list := names
		if name == "json" {
			list = names[:min(*share, len(names))]
		}
		r, took, cpu, rss, err := apart(name, *dir, *duck, len(list))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if r.Groups > 0 && len(list) == len(names) {
			if first == nil {
				first = r
			} else if r.Groups != first.Groups || r.Granted != first.Granted || r.Refused != first.Refused {
				return fmt.Errorf("%s finds %+v, the first contender %+v", name, r, first)
			}
		}
		fmt.Printf("%-8s %9d rows %8d groups %7.2f s wall %7.2f s CPU %9.0f rows/s %7.0f MB/s %5d MB RSS\n", name, r.Rows, r.Groups, took.Seconds(), cpu.Seconds(),
			float64(r.Rows)/took.Seconds(), float64(r.Bytes)/1e6/took.Seconds(), rss>>10)
	}
	return nil
}

// apart runs a contender in a process of its own.
func apart(name, dir, duck string, files int) (*result, time.Duration, time.Duration, int64, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, 0, 0, err
	}
	cmd := exec.CommandContext(context.Background(), self, "-one", name, "-dir", dir, "-duckdb", duck, "-json-files", fmt.Sprint(files)) //nolint:gosec // itself
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	begin := time.Now() //nolint:forbidigo // it measures
	if err := cmd.Run(); err != nil {
		return nil, 0, 0, 0, err
	}
	took := time.Since(begin) //nolint:forbidigo // it measures
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return nil, 0, 0, 0, err
	}
	state := cmd.ProcessState
	rss := int64(0)
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		rss = u.Maxrss
	}
	return &r, took, state.UserTime() + state.SystemTime(), rss, nil
}

func contend(name string, files []string, duck string) (*result, error) {
	if name == "json" {
		n := flag.Lookup("json-files").Value.(flag.Getter).Get().(int) //nolint:forcetypeassert // it is an int
		files = files[:min(n, len(files))]
	}
	switch name {
	case "lines":
		return countLines(files)
	case "mivet":
		return aggregate(files)
	case "json":
		return standard(files)
	case "duckdb":
		return duckDB(files, duck)
	}
	return nil, fmt.Errorf("there is no contender %q", name)
}

// aggregate is what mivet usage does with --logs.
func aggregate(files []string) (*result, error) {
	const limit = 384 << 20
	debug.SetMemoryLimit(limit)
	ledger := usage.NewLedger()
	later := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // all hours are closed
	report, err := logfiles.Read(context.Background(), files, logfiles.Options{Now: later, Workers: runtime.GOMAXPROCS(0), Ledger: ledger})
	if err != nil {
		return nil, err
	}
	r := result{Rows: report.Entries, Bytes: report.Bytes}
	total := ledger.Total()
	r.Groups = int64(len(total.Facts))
	for i := range total.Facts {
		r.Granted += total.Facts[i].Granted
		r.Refused += total.Facts[i].Refused
	}
	return &r, nil
}

// countLines is the floor: it reads the files and counts line ends.
func countLines(files []string) (*result, error) {
	var r result
	var rows, size atomic.Int64
	err := share(files, func(name string) error {
		f, err := os.Open(name) //nolint:gosec // the caller names it
		if err != nil {
			return err
		}
		buf := make([]byte, 1<<20)
		for {
			n, err := f.Read(buf)
			rows.Add(int64(bytes.Count(buf[:n], []byte{'\n'})))
			size.Add(int64(n))
			if errors.Is(err, io.EOF) {
				return f.Close()
			}
			if err != nil {
				return errors.Join(err, f.Close())
			}
		}
	})
	r.Rows, r.Bytes = rows.Load(), size.Load()
	return &r, err
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
