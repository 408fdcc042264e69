// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"math"
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

	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
)

// answers are the answers that a lab gave; it tells when there were enough.
type answers struct {
	mu     sync.Mutex
	asked  map[string]bool // the requests, by their names
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
	for _, name := range namesOf(e) {
		a.asked[name] = true
	}
}

// namesOf names a request as the journal does: method, path with query, and the beginning of
// the SHA-256 of the body. A batch is the requests in it.
func namesOf(e lab.Exchange) []string {
	version, batch := strings.CutSuffix(e.Path, "/$batch")
	if !batch {
		name := e.Method + " " + e.Path
		if e.Method == http.MethodPost && len(e.Body) > 0 {
			sum := sha256.Sum256(e.Body)
			name += " " + hex.EncodeToString(sum[:8])
		}
		return []string{name}
	}
	var body struct {
		Requests []struct {
			Method, URL string
		}
	}
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return []string{"a batch that cannot be read: " + err.Error()}
	}
	var names []string
	for _, r := range body.Requests {
		names = append(names, r.Method+" "+version+r.URL)
	}
	return names
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

// kept returns what the pages of a journal answer, by the kind of their lists. A record is
// the size of the rest, its checksum, the length of the name, the number of the page, the
// name, the page (internal/collect/journal.go).
func kept(t *testing.T, journal string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(journal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	unpack, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unpack.Close()
	out := map[string]string{}
	for len(b) >= 16 {
		size, name := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[8:]))
		if len(b) < size+8 {
			break
		}
		raw, err := unpack.DecodeAll(b[16+name:size+8], nil)
		if err != nil {
			t.Fatal(err)
		}
		var page struct{ Asked string }
		if err := json.Unmarshal(raw, &page); err != nil {
			t.Fatal(err)
		}
		what, _, _ := strings.Cut(string(b[16:16+name]), "\x00")
		if page.Asked != "" {
			out[page.Asked] = what
		} else if what != "mivet journal 1" {
			t.Errorf("a page of %s does not say what it answers", what)
		}
		b = b[size+8:]
	}
	return out
}

// TestKilled kills a collection at ten random moments. What comes out in the end is the
// same file to the byte, and what was answered and kept is not asked for again, of whatever
// kind the list is.
func TestKilled(t *testing.T) {
	name, text := tenants.Demo()
	count := &answers{asked: map[string]bool{}}
	env := labFor(t, name, text, lab.Options{Observe: count.observe, Latency: 2 * time.Millisecond})
	dir := t.TempDir()
	args := []string{"snapshot", "--with", "settings,logs,children", "--output"}
	whole, killed := filepath.Join(dir, "whole.mivet"), filepath.Join(dir, "killed.mivet")
	if out, err := child(env, append(args, whole)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	needed, spared := count.n, map[string]bool{}
	run := func(killAfter int) (finished bool) {
		t.Helper()
		pages := kept(t, killed+".journal")
		count.mu.Lock()
		clear(count.asked)
		count.mu.Unlock()
		reached := count.after(killAfter)
		c := child(env, append(args, killed)...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- c.Wait() }()
		select {
		case <-reached:
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-done //nolint:errcheck // it was killed
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			finished = true
		}
		count.mu.Lock()
		defer count.mu.Unlock()
		for request, what := range pages {
			if spared[what] = true; count.asked[request] {
				t.Errorf("%s: %s was answered and kept, and is asked for again", what, request)
			}
		}
		return finished
	}
	for kills := 0; kills < 10; {
		if !run(1 + rand.IntN(needed/3)) {
			kills++ // else it was finished, and the next one begins anew
		}
	}
	if !run(math.MaxInt) {
		t.Fatal("it did not come to its end")
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
	if len(spared) < 15 {
		t.Errorf("only lists of these kinds were kept over a kill: %v", slices.Sorted(maps.Keys(spared)))
	}
}
