// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargets(t *testing.T) {
	f := func(format string, files []string, want ...target) {
		t.Helper()
		o := output{format: format, files: files, formats: []string{"text", "json", "sarif"}}
		got, err := o.targets()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(target{})); d != "" {
			t.Error(d)
		}
	}
	f("", nil, target{"-", "text"})
	f("json", nil, target{"-", "json"})
	f("", []string{"a.json", "-", "b.sarif", "c.txt"}, target{"a.json", "json"}, target{"-", "text"}, target{"b.sarif", "sarif"}, target{"c.txt", "text"})
	f("sarif", []string{"a.json"}, target{"a.json", "sarif"})
}

func TestOutputFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "v.json")
	got := runMain("version", "-o", file, "-o", "-")
	if got.code != exitOK || !strings.HasPrefix(got.stdout, "mivet v0.1.0") {
		t.Fatalf("exit %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `"version": "v0.1.0"`) {
		t.Errorf("the file holds %q, error %v", text, err)
	}
	got = runMain("version", "-o", filepath.Join(dir, "no", "such", "folder.json"))
	if got.code != exitFailed || !strings.HasPrefix(got.stderr, "mivet: writing the result to ") {
		t.Errorf("exit %d, stderr %q", got.code, got.stderr)
	}
}

// A result that cannot be written in full leaves the old one as it was.
func TestWriteFileIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "result")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := writeFile(file, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(file); string(text) != "old" {
		t.Errorf("the file holds %q", text)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestWriteFileToADevice(t *testing.T) {
	if err := writeFile(os.DevNull, func(w io.Writer) error {
		_, err := io.WriteString(w, "x")
		return err
	}); err != nil {
		t.Error(err)
	}
}
