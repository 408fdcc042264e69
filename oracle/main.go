// SPDX-License-Identifier: Apache-2.0

// Command oracle runs real client libraries of Azure against simulated hosts and compares
// what they did with what mivet predicts.
//
// It is a module of its own, so that the libraries do not become dependencies of the
// product. It needs Linux with user namespaces, the command ip, and for JavaScript node
// with the packages of package.json beside it (npm ci). Nothing leaves the machine: the
// clients run in a network of their own that has no way out.
package main

import (
	"bufio"
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
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet/internal/conformance"
)

// input is a case of kind sdk.
type input struct {
	SDK     string            `json:"sdk"`
	Version string            `json:"version"`
	Env     map[string]string `json:"env"`
	request
	Host hostInput `json:"host"`
}

type line struct {
	ID    string          `json:"id"`
	Kind  string          `json:"kind"`
	Input json.RawMessage `json:"input"`
}

// answer is what a client presented, in the form of the cases.
type answer struct {
	Outcome    string  `json:"outcome"`
	Credential *string `json:"credential"`
	Source     *string `json:"source"`
	Identity   *string `json:"identity"`
}

// report is one case with what the client did and what was predicted.
type report struct {
	ID        string `json:"id"`
	Agrees    bool   `json:"agrees"`
	Did       any    `json:"did"`
	Predicted any    `json:"predicted"`
	Error     string `json:"error,omitempty"`
}

type options struct {
	cases   string
	clients string
	workers int
	verbose bool
	limit   time.Duration
}

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		code = 3
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	if len(args) > 0 && args[0] == "client" {
		return 0, goClient()
	}
	var o options
	f := flag.NewFlagSet("oracle", flag.ContinueOnError)
	f.StringVar(&o.cases, "cases", "configurations.jsonl", "the configurations, one JSON object a line")
	f.StringVar(&o.clients, "clients", ".", "the folder with client.mjs and node_modules; LANGUAGE-VERSION below it where the version is not that of this module")
	f.IntVar(&o.workers, "workers", 2, "how many hosts are simulated at once")
	f.BoolVar(&o.verbose, "v", false, "print each case")
	f.DurationVar(&o.limit, "limit", 4*time.Minute, "the longest time of one client")
	worker := f.String("worker", "", "used by the program itself")
	if err := f.Parse(args); err != nil {
		return 2, err
	}
	if *worker != "" {
		return 0, work(&o, *worker)
	}
	lines, err := readLines(o.cases)
	if err != nil {
		return 3, err
	}
	return compare(&o, lines)
}

func readLines(file string) ([]string, error) {
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool { return strings.TrimSpace(l) == "" }), nil
}

// compare gives the cases to workers, each in a host of its own, and prints where client
// and prediction differ.
func compare(o *options, lines []string) (int, error) {
	begin := time.Now()
	clients, err := filepath.Abs(o.clients)
	if err != nil {
		return 3, err
	}
	outputs := make([]bytes.Buffer, o.workers)
	var running []*exec.Cmd
	for i := range outputs {
		var mine []string
		for j := i; j < len(lines); j += o.workers {
			mine = append(mine, lines[j])
		}
		cmd := apart([]string{"-worker", fmt.Sprint(i), "-clients", clients, "-limit", o.limit.String()})
		cmd.Stdin, cmd.Stdout = strings.NewReader(strings.Join(mine, "\n")), &outputs[i]
		if err := cmd.Start(); err != nil {
			return 3, fmt.Errorf("starting a host in namespaces of its own (are user namespaces allowed here?): %w", err)
		}
		running = append(running, cmd)
	}
	var failed error
	for _, cmd := range running {
		failed = errors.Join(failed, cmd.Wait())
	}
	if failed != nil {
		return 3, failed
	}
	total, differ := 0, 0
	for i := range outputs {
		d := json.NewDecoder(&outputs[i])
		for {
			var r report
			if err := d.Decode(&r); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return 3, err
			}
			total++
			if !r.Agrees {
				differ++
			}
			if o.verbose || !r.Agrees {
				show(&r)
			}
		}
	}
	fmt.Printf("%d of %d: the client did what was predicted (%.0f s)\n", total-differ, total, time.Since(begin).Seconds())
	switch {
	case total != len(lines):
		return 3, fmt.Errorf("%d of %d cases came back", total, len(lines))
	case differ > 0:
		return 1, nil
	}
	return 0, nil
}

func show(r *report) {
	verdict := "agrees"
	if !r.Agrees {
		verdict = "DIFFERS"
	}
	did, _ := json.Marshal(r.Did)
	predicted, _ := json.Marshal(r.Predicted)
	fmt.Printf("%s %s\n  client    %s\n", verdict, r.ID, did)
	if !r.Agrees {
		fmt.Printf("  predicted %s\n  %s\n", predicted, strings.ReplaceAll(r.Error, "\n", "\n  "))
	}
}

// work runs cases in a host of its own.
func work(o *options, name string) error {
	scratch, err := os.MkdirTemp("", "oracle-"+name+"-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	s := new(stage)
	h := &host{options: o, scratch: scratch, stage: s}
	if err := errors.Join(furnish(scratch), h.prepare()); err != nil {
		return err
	}
	enc := json.NewEncoder(os.Stdout)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("reading a case: %w", err)
		}
		r, err := h.one(&l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.ID, err)
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return in.Err()
}

// predict is what mivet says of a case.
func predict(ctx context.Context, l *line) (any, error) {
	id, err := json.Marshal(l.ID)
	if err != nil {
		return nil, err
	}
	return conformance.New(conformance.Options{}).Answer(ctx, &conformance.Case{ID: id, Kind: l.Kind, Input: l.Input})
}
