// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcome is what a run left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// runMain runs the command line in a test. Settings of the environment stand before the
// arguments, as in a shell.
func runMain(args ...string) outcome {
	env := map[string]string{}
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "-") {
		name, value, _ := strings.Cut(args[0], "=")
		env[name] = value
		args = args[1:]
	}
	var stdout, stderr bytes.Buffer
	c := Command{
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Env:   func(name string) string { return env[name] },
		Build: &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}},
	}
	code := c.Main(args)
	return outcome{code, stdout.String(), stderr.String()}
}

func TestUsageErrors(t *testing.T) {
	f := func(stderr string, args ...string) {
		t.Helper()
		got := runMain(args...)
		want := outcome{exitUsage, "", stderr}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); d != "" {
			t.Errorf("mivet %q (-want +got):\n%s", args, d)
		}
	}
	f("mivet: a command is missing\n" +
		"mivet: hint: \"mivet demo\" is a good first one; \"mivet help\" lists all\n")
	f("mivet: there is no command \"nothing-like-it\"\n"+
		"mivet: hint: \"mivet help\" lists the commands\n", "nothing-like-it")
	f("mivet: there is no command \"verison\"\n"+
		"mivet: hint: did you mean \"version\"?\n", "verison")
	f("mivet: there is no command \"nothing\"\n"+
		"mivet: hint: \"mivet help\" lists the commands\n", "help", "nothing")
	f("mivet: unknown flag: --nothing\n"+
		"mivet: hint: usage: mivet version [flags]\n"+
		"mivet: hint: \"mivet version --help\" shows examples\n", "version", "--nothing")
	f("mivet: argument \"more\" is one too many\n"+
		"mivet: hint: usage: mivet version [flags]\n"+
		"mivet: hint: \"mivet version --help\" shows examples\n", "version", "more")
	f("mivet: arguments are missing\n"+
		"mivet: hint: usage: mivet conformance FILE|FOLDER... [flags]\n"+
		"mivet: hint: \"mivet conformance --help\" shows examples\n", "conformance")
	f("mivet: invalid argument \"red\" for \"--color\" flag: it must be one of [auto always never]\n"+
		"mivet: hint: usage: mivet version [flags]\n"+
		"mivet: hint: \"mivet version --help\" shows examples\n", "version", "--color", "red")
	f("mivet: format \"xml\" is not one of text, json\n", "version", "--format", "xml")
}

func TestHelpShowsExamplesFirst(t *testing.T) {
	for _, args := range [][]string{{"help", "conformance"}, {"conformance", "--help"}} {
		got := runMain(args...)
		if got.code != exitOK || got.stderr != "" {
			t.Errorf("mivet %q: exit %d, stderr %q", args, got.code, got.stderr)
		}
		examples, usage := strings.Index(got.stdout, "\nExamples\n"), strings.Index(got.stdout, "\nUsage\n")
		if examples < 0 || usage < examples {
			t.Errorf("mivet %q: examples at %d, usage at %d", args, examples, usage)
		}
	}
}

// Each command says what it is for, shows an example and stands in a group.
func TestCommandsAreDescribed(t *testing.T) {
	a := newApp(Command{})
	root := a.rootCommand()
	for _, c := range root.Commands() {
		if c.Hidden {
			continue
		}
		if c.Short == "" || c.Example == "" || c.GroupID == "" && c.Name() != "help" {
			t.Errorf("command %s has no description, no example or no group", c.Name())
		}
		if strings.HasSuffix(c.Short, ".") {
			t.Errorf("command %s: its description ends with a full stop", c.Name())
		}
	}
}

func TestExitCodesAreExplained(t *testing.T) {
	help := runMain("help").stdout
	for i, e := range exitCodes() {
		if e.code != i {
			t.Errorf("exit code %d stands at place %d", e.code, i)
		}
		if line := fmt.Sprintf("  %d  %s\n", e.code, e.meaning); !strings.Contains(help, line) {
			t.Errorf("the help does not have %q", line)
		}
	}
}

func TestFaultIsReported(t *testing.T) {
	var stderr bytes.Buffer
	a := newApp(Command{Stderr: &stderr})
	code := func() (code int) {
		defer func() { code = a.reportFault(recover()) }()
		panic("\x1b]0;boom")
	}()
	if code != exitFailed || !strings.HasPrefix(stderr.String(), `mivet: internal error: \x1b]0;boom`+"\n") {
		t.Errorf("exit %d, stderr %q", code, stderr.String())
	}
}

func TestHintsOfNestedErrors(t *testing.T) {
	err := errorWithHint(fmt.Errorf("outside: %w", errorWithHint(errors.New("inside"), "b", "c")), "a")
	if d := cmp.Diff([]string{"a", "b", "c"}, hintsOf(err)); d != "" {
		t.Error(d)
	}
}

func TestVersion(t *testing.T) {
	if got := runMain("--version"); got.stdout != "mivet v0.1.0\n" {
		t.Errorf("--version prints %q", got.stdout)
	}
	if got := runMain("version"); !strings.HasPrefix(got.stdout, "mivet v0.1.0 (go") {
		t.Errorf("version prints %q", got.stdout)
	}
}
