// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// taker keeps what sinks are told.
type taker struct {
	mu   sync.Mutex
	told []string
	fail string // the call that fails
}

func (k *taker) say(s string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, s)
	if s == k.fail {
		return errors.New("full")
	}
	return nil
}

type sink struct {
	to   *taker
	name string
}

func (s *sink) Add(line int, text []byte, e *logs.Entry) error {
	return s.to.say(fmt.Sprintf("%s:%d %s %d", s.name, line, e.Principal, len(text)))
}

func (s *sink) Close(f *usage.Source) error {
	return s.to.say(fmt.Sprintf("%s closed, unfinished %v, %d faults", s.name, f.Unfinished, f.Faults))
}

func pourAll(ctx context.Context, t *testing.T, k *taker, dir string) (*Report, error) {
	t.Helper()
	return Pour(ctx, []string{dir}, PourOptions{
		Options: Options{Now: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)},
		Has:     func(f *usage.Source) bool { return f.Name == "known.json" },
		Begin:   func(f *usage.Source) Sink { return &sink{k, f.Name} },
	})
}

func TestPour(t *testing.T) {
	entry := secretGet("p", "01")
	dir := settled(t, map[string][]byte{
		"a.json": []byte(entry + "{]\n" + entry + `{"time":"2026`), "known.json": []byte(entry), "z.txt": []byte(entry),
	})
	var k taker
	r, err := pourAll(t.Context(), t, &k, dir)
	if err != nil {
		t.Fatal(err)
	}
	length := len(entry) - 1
	want := []string{fmt.Sprintf("a.json:1 p %d", length), fmt.Sprintf("a.json:3 p %d", length), "a.json closed, unfinished true, 1 faults"}
	if !slices.Equal(k.told, want) {
		t.Errorf("%q, expected %q", k.told, want)
	}
	if r.Files != 1 || r.Unchanged != 1 || r.LeftOut != 1 || r.Entries != 2 || len(r.Faults) != 1 || r.Faults[0].Line != 2 {
		t.Errorf("%+v", r)
	}
}

// A sink that cannot take an entry, and a file that cannot be read, are faults of the file;
// its sink is not closed.
func TestPourFaults(t *testing.T) {
	entry := secretGet("p", "01")
	dir := settled(t, map[string][]byte{"a.json": []byte(entry), "b.json": []byte(entry)})
	for fail, closed := range map[string]int{fmt.Sprintf("a.json:1 p %d", len(entry)-1): 1, "a.json closed, unfinished false, 0 faults": 2} {
		k := taker{fail: fail}
		r, err := pourAll(t.Context(), t, &k, dir)
		if err != nil || len(r.Faults) != 1 || r.Faults[0].File != filepath.Join(dir, "a.json") {
			t.Errorf("%v, %+v", err, r)
		}
		n := 0
		for _, s := range k.told {
			if !slices.Contains([]string{fmt.Sprintf("a.json:1 p %d", len(entry)-1), fmt.Sprintf("b.json:1 p %d", len(entry)-1)}, s) {
				n++
			}
		}
		if n != closed {
			t.Errorf("%q", k.told)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "b.json"), []byte("\x1f\x8b broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	var k taker
	if r, err := pourAll(t.Context(), t, &k, dir); err != nil || len(r.Faults) != 1 || r.Files != 1 {
		t.Errorf("a broken file: %v, %+v", err, r)
	}
	if _, err := pourAll(t.Context(), t, &k, filepath.Join(dir, "missing")); err == nil {
		t.Error("a folder that is not there was read")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pourAll(ctx, t, &k, dir); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
