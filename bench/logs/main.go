// SPDX-License-Identifier: Apache-2.0

// Command logs makes up log entries and races their aggregation: mivet, encoding/json and
// DuckDB over the same files, beside a scan that only counts lines; from the page cache, from
// the disk, with many groups, and packed.
//
// It is a module of its own and is run by hand; no test depends on a time. Each contender
// runs in a process of its own. Before the race all groups of mivet and DuckDB are compared.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// result is what a contender found.
type result struct {
	Rows, Groups, Granted, Refused, Bytes int64
	// Sum is over digests of all groups with their counts and times, where that was asked for.
	Sum string
	RSS int64 // of a process of its own that did the work
}

type options struct {
	dir, duck   string
	rows, files int
	principals  int
	keep        bool
	one         string
	only        string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "logs:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	var o options
	flag.StringVar(&o.dir, "dir", "", "folder for the entries, which are made up where it has none; default a temporary one")
	flag.StringVar(&o.duck, "duckdb", "duckdb", "how to call DuckDB: a command that takes SQL on standard input and writes CSV, or python:PATH for a Python that has the module")
	flag.IntVar(&o.rows, "rows", 10_000_000, "entries")
	flag.IntVar(&o.files, "files", 10, "files to share them out to")
	flag.IntVar(&o.principals, "principals", 2000, "identities")
	flag.BoolVar(&o.keep, "keep", false, "leave the entries there")
	flag.StringVar(&o.one, "one", "", "run this contender alone, over the files that are named, in this process")
	flag.StringVar(&o.only, "only", "check,cached,disk,many,gzip,zstd", "parts of the race")
	flag.Parse()
	if o.one != "" {
		r, err := contend(o.one, flag.Args(), o.duck)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "mivet-logs-"); err != nil {
			return err
		}
	}
	if !o.keep {
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	return race(&o)
}

// race runs the parts.
func race(o *options) error {
	files, err := generated(filepath.Join(o.dir, "all"), shape{rows: o.rows, files: o.files, principals: o.principals, vaults: 200, accounts: 100})
	if err != nil {
		return err
	}
	load()
	for part := range strings.SplitSeq(o.only, ",") {
		fmt.Printf("\n%s\n", part)
		if err := o.part(part, files); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	load()
	return nil
}

// fewer is how many files encoding/json and packing are given: they take long.
const fewer = 3

func (o *options) part(part string, files []string) error {
	few := files[:min(fewer, len(files))]
	switch part {
	case "check":
		return o.heat(files, []string{"mivet-groups", "duckdb-groups"}, nil)
	case "cached":
		if err := o.heat(files, []string{"lines", "lines", "mivet", "duckdb", "mivet-new"}, nil); err != nil {
			return err
		}
		return o.heat(few[:1], []string{"json"}, nil)
	case "disk":
		return o.heat(files, []string{"lines", "mivet", "lines", "mivet", "duckdb"}, evict)
	case "many":
		many, err := generated(filepath.Join(o.dir, "many"), shape{rows: o.rows / 10, files: o.files, principals: o.principals, vaults: 200, accounts: 100})
		if err != nil {
			return err
		}
		return o.heat(many, []string{"lines", "mivet", "duckdb"}, nil)
	case "gzip", "zstd":
		packed, err := pack(few, filepath.Join(o.dir, part), part)
		if err != nil {
			return err
		}
		return o.heat(packed, []string{"lines", "mivet", "duckdb"}, nil)
	}
	return fmt.Errorf("there is no part %q", part)
}

// heat runs contenders one after the other. All must find the same.
func (o *options) heat(files, names []string, before func(files []string) error) error {
	var first *result
	for _, name := range names {
		if before != nil {
			if err := before(files); err != nil {
				return err
			}
		}
		r, took, cpu, rss, err := apart(name, o.duck, files)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if r.Groups > 0 {
			if first == nil {
				first = r
			} else if r.Rows != first.Rows || r.Groups != first.Groups || r.Granted != first.Granted || r.Refused != first.Refused || r.Sum != first.Sum {
				return fmt.Errorf("%s finds %+v, the first contender %+v", name, r, first)
			}
		}
		fmt.Printf("%-13s %9d rows %8d groups %7.2f s wall %7.2f s CPU %9.0f rows/s %9.0f rows/CPU-s %6.0f MB/s %5d MB RSS %s\n", name, r.Rows, r.Groups, took.Seconds(), cpu.Seconds(),
			float64(r.Rows)/took.Seconds(), float64(r.Rows)/cpu.Seconds(), float64(r.Bytes)/1e6/took.Seconds(), rss>>10, r.Sum)
	}
	return nil
}

// apart runs a contender in a process of its own.
func apart(name, duck string, files []string) (*result, time.Duration, time.Duration, int64, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, 0, 0, err
	}
	cmd := exec.CommandContext(context.Background(), self, append([]string{"-one", name, "-duckdb", duck}, files...)...) //nolint:gosec // itself
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
	return &r, took, state.UserTime() + state.SystemTime(), max(r.RSS, memory(state)), nil
}

// memory is the largest of a process, in KiB.
func memory(state *os.ProcessState) int64 {
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss
	}
	return 0
}

// load says how busy the machine is.
func load() {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return
	}
	fmt.Printf("load %s, %d processors\n", strings.Join(strings.Fields(string(text))[:3], " "), runtime.NumCPU())
}

// evict drops files from the page cache.
func evict(files []string) error {
	for _, name := range files {
		f, err := os.Open(name) //nolint:gosec // the caller names it
		if err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return errors.Join(err, f.Close())
		}
		const dontNeed = 4
		if _, _, e := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0); e != 0 {
			return errors.Join(e, f.Close())
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
