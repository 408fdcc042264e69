// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/mivet/mivet/internal/cli"
)

// BenchmarkQuestions asks the questions of the command line of a snapshot: one of 20,000
// resources, or the file that MIVET_BENCH names ("mivet generate --resources 200000").
func BenchmarkQuestions(b *testing.B) {
	file := os.Getenv("MIVET_BENCH")
	if file == "" {
		file = filepath.Join(b.TempDir(), "large.mivet")
		run(b, 0, "generate", "--resources", "20000", "-o", file)
	}
	const (
		operation = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
		somebody  = "11111111-2222-4333-8444-555555555555"
		somewhere = "/subscriptions/1"
	)
	for name, args := range map[string][]string{
		"can":      {"can", somebody, operation, somewhere, "--in", file, "-q"},
		"who-can":  {"who-can", operation, somewhere, "--in", file, "-q"},
		"what-can": {"what-can", somebody, "--in", file, "-q"},
		"scan":     {"scan", file, "-q", "-f", "jsonl"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run(b, -1, args...)
			}
		})
	}
}

// run runs a command; the exit code must be the given one, unless that is below 0.
func run(tb testing.TB, want int, args ...string) {
	tb.Helper()
	c := cli.Command{Stdout: io.Discard, Stderr: io.Discard, Env: func(string) string { return "" }}
	if code := c.Main(args); want >= 0 && code != want {
		tb.Fatalf("%v left with %d, want %d", args, code, want)
	}
}
