// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
)

// answers counts the answers that a lab gave, and tells when there were enough.
type answers struct {
	mu     sync.Mutex
	by     map[string]int
	n      int
	enough int
	reach  chan struct{}
}

func (a *answers) observe(e lab.Exchange) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.Status != 200 || e.API == lab.APILogin || strings.HasPrefix(e.Path, "/metadata/") {
		return
	}
	if a.n++; a.n == a.enough {
		close(a.reach)
	}
	if e.Method == http.MethodGet {
		a.by[e.Path]++
	}
}

// after returns a channel that is closed when so many more answers were given.
func (a *answers) after(more int) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.enough, a.reach = a.n+more, make(chan struct{})
	return a.reach
}

// child is mivet as a process of its own, which can be killed.
func child(env map[string]string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0]) //nolint:gosec // this test itself
	c.Args = append([]string{"mivet"}, args...)
	c.Env = os.Environ()
	for k, v := range env {
		c.Env = append(c.Env, k+"="+v)
	}
	return c
}

// keptLists returns the paths of the lists whose first page is in a journal, of some kinds:
// record by record the size of the rest, its checksum, the length of the name, the number
// of the page, the name (internal/collect/journal.go).
func keptLists(t *testing.T, journal string) []string {
	t.Helper()
	suffix := map[string]string{
		"locks": "/providers/Microsoft.Authorization/locks", "deny assignments": "/providers/Microsoft.Authorization/denyAssignments",
		"eligible assignments": "/providers/Microsoft.Authorization/roleEligibilityScheduleInstances", "federated credentials": "/federatedIdentityCredentials",
		"schedules of assignments": "/providers/Microsoft.Authorization/roleAssignmentScheduleInstances",
	}
	b, err := os.ReadFile(journal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for len(b) >= 16 {
		size, name := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[8:]))
		if len(b) < size+8 {
			break
		}
		parts := strings.Split(string(b[16:16+name]), "\x00")
		if end := suffix[parts[0]]; end != "" {
			out = append(out, parts[1]+end)
		}
		b = b[size+8:]
	}
	return out
}

// TestKilled kills a collection at ten random moments. What comes out in the end is the
// same file to the byte, and what was answered and kept is not asked for again.
func TestKilled(t *testing.T) {
	name, text := tenants.Demo()
	count := &answers{by: map[string]int{}}
	env := labFor(t, name, text, lab.Options{Observe: count.observe, Latency: 2 * time.Millisecond})
	dir := t.TempDir()
	whole, killed := filepath.Join(dir, "whole.mivet"), filepath.Join(dir, "killed.mivet")
	if out, err := child(env, "snapshot", "--with", "settings", "--output", whole).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	needed, checked := count.n, 0
	for kills := 0; kills < 10; kills++ {
		kept := keptLists(t, killed+".journal")
		count.mu.Lock()
		clear(count.by)
		count.mu.Unlock()
		run := child(env, "snapshot", "--with", "settings", "--output", killed)
		reached := count.after(1 + rand.IntN(needed/8))
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- run.Wait() }()
		select {
		case <-reached:
			if err := run.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-done //nolint:errcheck // it was killed
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			kills = 10 // it was finished before
		}
		count.mu.Lock()
		for path := range count.by {
			path, _, _ = strings.Cut(path, "?")
			if checked++; slices.Contains(kept, path) {
				t.Errorf("%s was kept and is asked for again", path)
			}
		}
		count.mu.Unlock()
	}
	if out, err := child(env, "snapshot", "--with", "settings", "--output", killed).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(killed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("the file of the run that was killed differs: %d and %d bytes", len(a), len(b))
	}
	if checked == 0 {
		t.Error("no request was looked at")
	}
}
