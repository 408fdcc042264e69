// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/cli.md is what the command itself writes.
func TestReferenceIsCurrent(t *testing.T) {
	var want bytes.Buffer
	c := testCommand()
	c.Stdout = &want
	if code := c.Main([]string{"reference"}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	compareFile(t, "../../docs/cli.md", want.String())
}

// compareFile compares a file with what it should hold; with -update it writes it.
func compareFile(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(got), want); d != "" {
		t.Errorf("%s is not current; run go test ./internal/cli -update (-file +now):\n%s", name, d)
	}
}

var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	transcript   = regexp.MustCompile(`(?s)<!-- transcript:begin (.*?) -->\n(.*?)<!-- transcript:end -->`)
)

// Every console block of the pages is run: a line that begins with "$ mivet" is the
// command, the lines up to the next one what it prints to standard output. "| head -N"
// behind a command cuts the output, and a last line "..." says so.
func TestTranscripts(t *testing.T) {
	t.Chdir("../..")
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fresh := consoleBlock.ReplaceAllStringFunc(string(text), func(block string) string {
			blocks++
			return runBlock(t, page, block)
		})
		if fresh != string(text) {
			compareFile(t, page, fresh)
		}
		for _, m := range transcript.FindAllStringSubmatch(fresh, -1) {
			if !strings.Contains(m[2], "$ "+m[1]) {
				t.Errorf("%s: the transcript of %q does not run it", page, m[1])
			}
		}
	}
	if blocks == 0 {
		t.Error("no page has a console block")
	}
}

// The example of docs/configuration.md is a configuration.
func TestConfigurationExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatal("the page has no example")
	}
	file := filepath.Join(t.TempDir(), "example.yaml")
	if err := os.WriteFile(file, m[1], 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	c := testCommand()
	c.Stdout, c.Stderr, c.Env = &stdout, &stderr, func(string) string { return "" }
	if code := c.Main([]string{"config", "show", "--config", file}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	for _, want := range []string{"prod.mivet", "env, stage", "critical=7, high=30", "owner-missing=2027-01-01", "suppressions               1"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the settings do not have %q:\n%s", want, &stdout)
		}
	}
}

// runBlock runs the commands of a block and returns the block as it should be.
func runBlock(t *testing.T, page, block string) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("```console\n")
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
		if !ok {
			continue
		}
		out.WriteString(line)
		args, limit := splitCommand(t, command)
		if args[0] != "mivet" {
			t.Fatalf("%s: %q is no command of mivet", page, command)
		}
		out.WriteString(head(runArgs(args[1:]), limit))
	}
	return out.String() + "```"
}

func runArgs(args []string) string {
	var stdout bytes.Buffer
	c := testCommand()
	c.Stdout, c.Stderr = &stdout, &bytes.Buffer{}
	c.Env = func(string) string { return "" }
	c.Main(args)
	return stdout.String()
}

// splitCommand splits a command as a shell does, as far as pages need it: at blanks, with
// single quotes.
func splitCommand(t *testing.T, command string) (args []string, limit int) {
	t.Helper()
	command, pipe, cut := strings.Cut(command, " | head -")
	if cut {
		n, err := strconv.Atoi(pipe)
		if err != nil {
			t.Fatalf("%q: %v", command, err)
		}
		limit = n
	}
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			args = append(args, part)
			continue
		}
		args = append(args, strings.Fields(part)...)
	}
	return args, limit
}

func head(text string, limit int) string {
	lines := strings.SplitAfter(text, "\n")
	if limit == 0 || len(lines) <= limit {
		return text
	}
	return strings.Join(lines[:limit], "") + "...\n"
}
