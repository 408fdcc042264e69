// SPDX-License-Identifier: Apache-2.0

// Command bench races mivet against general authorization engines on the same tenant and
// the same questions, and measures mivet alone on a large tenant.
//
// It is a module of its own, so that none of the engines becomes a dependency of the
// product. It refuses to print a time for an engine whose answers differ from those of
// the others. It is run by hand; no test and no CI step depends on a time.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// options are the flags of the command.
type options struct {
	assignments []int
	only        string
	questions   int
	budget      time.Duration
	seed        uint64
	runs        int
	profile     string

	scale bool
	large largeShape

	plan   string
	planMB int
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	o, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.plan != "" {
		return writePlan(o.plan, o.planMB)
	}
	stop, err := startProfile(o.profile)
	if err != nil {
		return err
	}
	defer stop()
	out := bufio.NewWriter(w)
	defer out.Flush() //nolint:errcheck // a broken pipe ends the run anyway
	describe(out)
	if o.scale {
		return runScale(out, o)
	}
	return runRaces(out, o)
}

func parseFlags(args []string) (options, error) {
	o := options{large: defaultShape()}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	sizes := f.String("assignments", "1000,4000", "races: role assignments of each tenant, by commas")
	f.StringVar(&o.only, "only", "", "races: run only the engines whose names contain one of these words, by commas")
	f.IntVar(&o.questions, "questions", 20000, "questions to ask at most")
	f.DurationVar(&o.budget, "t", 3*time.Second, "time for each measurement; slow engines are asked less")
	f.Uint64Var(&o.seed, "seed", 1, "seed of tenant and questions")
	f.IntVar(&o.runs, "runs", 3, "scale: measure this often and keep the best of each figure")
	f.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of the measurements to this file")
	f.BoolVar(&o.scale, "scale", false, "measure mivet alone on a large tenant")
	f.IntVar(&o.large.resources, "resources", o.large.resources, "scale: resources")
	f.IntVar(&o.large.identities, "identities", o.large.identities, "scale: managed identities")
	f.IntVar(&o.large.assignments, "grants", o.large.assignments, "scale: role assignments")
	f.StringVar(&o.plan, "plan", "", "write a large Terraform plan to this file, and do nothing else")
	f.IntVar(&o.planMB, "plan-mb", 200, "plan: its size in MB")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("reading the arguments: %q is not a flag", f.Arg(0))
	}
	if o.large.resources < 1 || o.large.identities < 1 || o.large.assignments < 1 || o.questions < 1 || o.runs < 1 {
		return o, errors.New("reading the arguments: every size must be at least 1")
	}
	o.large.seed = o.seed
	for s := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return o, fmt.Errorf("reading -assignments: %q is not a number of at least 1", s)
		}
		o.assignments = append(o.assignments, n)
	}
	return o, nil
}

func startProfile(name string) (stop func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("creating the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("starting the profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: closing the profile:", err)
		}
	}, nil
}

// describe prints what a reader needs to compare two runs: the machine, the toolchain and
// the versions of the engines.
func describe(w io.Writer) {
	fmt.Fprintf(w, "%s, %s/%s, %d CPUs", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if name := cpuName(); name != "" {
		fmt.Fprintf(w, ", %s", name)
	}
	fmt.Fprintf(w, "; reading the clock takes %s, subtracted from single times\n", short(clockCost()))
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	var engines []string
	for _, m := range info.Deps {
		if racedModules[m.Path] {
			engines = append(engines, m.Path+" "+m.Version)
		}
	}
	fmt.Fprintln(w, strings.Join(engines, ", "))
}

// racedModules are the modules whose versions are printed.
var racedModules = map[string]bool{
	"github.com/cedar-policy/cedar-go":   true,
	"github.com/casbin/casbin/v2":        true,
	"github.com/open-policy-agent/opa":   true,
	"github.com/openfga/openfga":         true,
	"github.com/openfga/language/pkg/go": true,
}

// cpuName reads the processor's name where the system tells it in a file.
func cpuName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
