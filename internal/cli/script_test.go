// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mivet/mivet/internal/cli"
	"github.com/mivet/mivet/internal/lab"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts and the pages")

// scriptNow is the time at which all scripts run.
var scriptNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mivet":    func() { os.Exit(scriptMain(os.Args[1:])) },
		"workload": func() { os.Exit(workload()) },
	})
}

// scriptMain runs mivet. What it writes for machines must fit the schema that it names.
func scriptMain(args []string) int {
	var out bytes.Buffer
	cmd := testCommand()
	if i := slices.IndexFunc(args, func(a string) bool { return a == "--format" || a == "-f" }); i >= 0 && i+1 < len(args) && args[i+1] == "json" {
		cmd.Stdout = io.MultiWriter(os.Stdout, &out)
	}
	code := cmd.Main(args)
	if out.Len() == 0 {
		return code
	}
	if err := fitsSchema(os.Getenv("SCHEMAS"), out.Bytes()); err != nil {
		fmt.Fprintf(os.Stderr, "mivet %s: %v\n", strings.Join(args, " "), err)
		return 99
	}
	return code
}

// fitsSchema checks a result against the published schema that it names.
func fitsSchema(folder string, text []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	members, _ := v.(map[string]any)
	url, _ := members["$schema"].(string)
	if url == "" {
		return errors.New("the result names no schema")
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(folder, path.Base(url)))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// testCommand is mivet with a clock that stands still and without colour.
func testCommand() *cli.Command {
	return &cli.Command{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Getenv, Environ: os.Environ,
		Clock: scriptClock,
		Build: &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-script"}},
	}
}

// scriptClock stands still, unless a script speaks to clients that have a clock of their own.
func scriptClock() time.Time {
	if os.Getenv("SCRIPT_CLOCK") == "machine" {
		return time.Now()
	}
	return scriptNow
}

// TestScripts runs the whole command line. Each script is a text file with the files that
// it needs; "exits CODE mivet …" runs a command and compares the exit code. With -update
// the expected outputs are written anew.
func TestScripts(t *testing.T) { testscript.Run(t, scripts("../../testdata/script")) }

// scripts are the scripts of a folder, with the commands that they may use.
func scripts(folder string) testscript.Params {
	return testscript.Params{
		Dir:                folder,
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			schemas, err := filepath.Abs("../../docs/schema")
			if err != nil {
				return err
			}
			e.Setenv("SCHEMAS", schemas)
			e.Setenv("PIPELINE", filepath.Join(schemas, "..", "..", "pipeline"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "appears": appears, "uses": uses, "azure": azure, "values": values, "gather": gather, "pointed": pointed, "packs": packs,
		},
	}
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

// pointed points the commands that follow to the lab that runs in a folder.
func pointed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pointed FOLDER")
	}
	var about struct{ URL, TenantID, Secret string }
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0]+"/lab.json")), &about); err != nil || about.URL == "" {
		ts.Fatalf("reading what the lab says of itself: %v", err)
	}
	for name, value := range map[string]string{
		"MIVET_CLOUD": about.URL, "MIVET_CA_FILE": ts.MkAbs(args[0] + "/ca.pem"), "MIVET_AUTH": "client-secret",
		"AZURE_TENANT_ID": about.TenantID, "AZURE_CLIENT_ID": lab.OperatorID, "AZURE_CLIENT_SECRET": about.Secret,
	} {
		ts.Setenv(name, value)
	}
}
