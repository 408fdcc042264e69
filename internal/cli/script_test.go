// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mivet/mivet/internal/cli"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts and the pages")

// scriptNow is the time at which all scripts run.
var scriptNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mivet": func() { os.Exit(testCommand().Main(os.Args[1:])) }})
}

// testCommand is mivet with a clock that stands still and without colour.
func testCommand() *cli.Command {
	return &cli.Command{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Getenv, Environ: os.Environ,
		Clock: func() time.Time { return scriptNow },
		Build: &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-script"}},
	}
}

// TestScripts runs the whole command line. Each script is a text file with the files that
// it needs; "exits CODE mivet …" runs a command and compares the exit code. With -update
// the expected outputs are written anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "../../testdata/script",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Cmds:               map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "appears": appears},
	})
}

// exits runs a command that must leave with a given code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("%q is no exit code", args[0])
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// appears waits for a file that a command in the background makes.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: appears FILE")
	}
	for range 500 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("%s does not appear", args[0])
}
