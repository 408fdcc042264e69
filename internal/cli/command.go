// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mivet/mivet/catalog"
)

// Command is one run of mivet. The zero value reads nothing, prints nothing and sees an
// empty environment.
type Command struct {
	// Stdin is read where an input is "-".
	Stdin io.Reader
	// Stdout takes results, Stderr everything else.
	Stdout, Stderr io.Writer
	// Env returns a variable of the environment, or "".
	Env func(name string) string
	// Environ lists all variables as NAME=VALUE; nil where they are not to be seen. One that
	// is set to nothing differs from one that is absent.
	Environ func() []string
	// Clock returns the time; nil stands for the clock of the machine.
	Clock func() time.Time
	// Build is what the binary knows of itself; nil stands for what the toolchain recorded.
	Build *debug.BuildInfo
}

// app is the state of one run: the command with its gaps filled, and the global flags.
type app struct {
	Command
	colour  string
	quiet   bool
	verbose bool
	code    int
	started bool // a command's own work has begun: an error is no longer one of usage
	lenient bool // the exit code is 0 whatever happens
	facts   *facts

	configFile string
	config     *config
	origins    map[string]string // where the value of each flag is from
	evidence   []*evidenceFile   // what a scan holds against workloads
}

func newApp(c Command) *app {
	if c.Stdin == nil {
		c.Stdin = strings.NewReader("")
	}
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	if c.Stderr == nil {
		c.Stderr = io.Discard
	}
	if c.Env == nil {
		c.Env = func(string) string { return "" }
	}
	if c.Environ == nil {
		c.Environ = func() []string { return nil }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Build == nil {
		c.Build, _ = debug.ReadBuildInfo()
	}
	return &app{Command: c, colour: "auto", config: &config{}, facts: &facts{}}
}

// Main runs mivet with the arguments after the program's name and returns the exit code.
// Interrupts end the run. A fault of mivet itself is reported like any error.
func (c *Command) Main(args []string) (code int) {
	a := newApp(*c)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt kills
	defer func() {
		if r := recover(); r != nil {
			code = a.reportFault(r)
		}
	}()
	root := a.rootCommand()
	root.SetArgs(append([]string{}, args...)) // nil would stand for those of the process
	err := root.ExecuteContext(ctx)
	if err == nil {
		return a.code
	}
	if !a.started {
		err = &usageError{err}
	}
	a.reportError(err)
	if a.lenient {
		return exitOK
	}
	return exitCode(err)
}

// facts are what is known of Azure itself, read once.
type facts struct {
	once    sync.Once
	catalog *catalog.Catalog
	err     error
}

// catalog opens the facts about Azure, once. It may be called by several goroutines.
func (a *app) catalog() (*catalog.Catalog, error) {
	a.facts.once.Do(func() {
		if a.facts.catalog, a.facts.err = catalog.Open(); a.facts.err != nil {
			a.facts.err = fmt.Errorf("opening the catalogue of Azure's roles and operations: %w", a.facts.err)
		}
	})
	return a.facts.catalog, a.facts.err
}

// reportFault tells of a panic without hiding where it was.
func (a *app) reportFault(r any) int {
	a.message("internal error: %s", fmt.Sprint(r))
	a.message("hint: this is a defect of mivet; please report it with the text below")
	fmt.Fprintf(a.Stderr, "%s", debug.Stack()) //nolint:errcheck // nothing is left to tell it to
	if a.lenient {
		return exitOK
	}
	return exitFailed
}
