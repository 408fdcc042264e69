// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var journalNow = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func openTest(t *testing.T, path, of string, now time.Time) (*journal, string) {
	t.Helper()
	j, why, err := openJournal(path, of, now)
	if err != nil {
		t.Fatal(err)
	}
	return j, why
}

func pageOf(rows ...string) *page {
	p := &page{At: journalNow, Next: "next"}
	for _, r := range rows {
		p.Rows = append(p.Rows, json.RawMessage(r))
	}
	return p
}

func put(t *testing.T, j *journal, list string, n int, p *page) {
	t.Helper()
	if err := j.put(pageKey{list, n}, p); err != nil {
		t.Fatal(err)
	}
}

func rowsIn(t *testing.T, j *journal, list string, n int) string {
	t.Helper()
	p, ok, err := j.get(pageKey{list, n})
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "-"
	}
	var b strings.Builder
	for _, r := range p.Rows {
		b.Write(r)
	}
	return b.String()
}

func TestJournalGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j, _ := openTest(t, path, "me", journalNow)
	put(t, j, "a", 0, pageOf(`{"x":1}`, `{"x":2}`))
	put(t, j, "a", 1, &page{Fail: &RequestError{What: "a", Status: 403, Code: "no"}})
	if got := rowsIn(t, j, "a", 0); got != `{"x":1}{"x":2}` {
		t.Errorf("read back %s", got)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	j, why := openTest(t, path, "me", journalNow.Add(time.Hour))
	defer j.close() //nolint:errcheck // a test
	if why != "" || j.found != 2 || !j.started.Equal(journalNow) {
		t.Errorf("%q, %d pages, started %s", why, j.found, j.started)
	}
	if got := rowsIn(t, j, "a", 0); got != `{"x":1}{"x":2}` {
		t.Errorf("read back %s", got)
	}
	p, _, err := j.get(pageKey{"a", 1})
	if err != nil || p.Fail == nil || p.Fail.Status != 403 {
		t.Errorf("the failure was not kept: %+v %v", p, err)
	}
	if got := rowsIn(t, j, "a", 2); got != "-" {
		t.Errorf("a page that nobody wrote: %s", got)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
}

// TestJournalIsCut: whatever a kill leaves of the file, whole records are read and the
// rest is written over.
func TestJournalIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j, _ := openTest(t, path, "me", journalNow)
	put(t, j, "a", 0, pageOf(`{"x":1}`))
	first := j.end
	put(t, j, "b", 0, pageOf(`{"x":2}`))
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := first; cut < int64(len(whole)); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, why := openTest(t, path, "me", journalNow)
		if why != "" || j.found != 1 || rowsIn(t, j, "b", 0) != "-" {
			t.Fatalf("cut at %d: %q, %d pages", cut, why, j.found)
		}
		put(t, j, "b", 0, pageOf(`{"x":3}`))
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
		j, _ = openTest(t, path, "me", journalNow)
		if got := rowsIn(t, j, "a", 0) + rowsIn(t, j, "b", 0); got != `{"x":1}{"x":3}` {
			t.Fatalf("cut at %d: %s", cut, got)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
	}
	// A record that was changed ends what is read.
	whole[len(whole)-1]++
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	j, _ = openTest(t, path, "me", journalNow)
	defer j.close() //nolint:errcheck // a test
	if j.found != 1 {
		t.Errorf("%d pages of a damaged file", j.found)
	}
}

func TestJournalOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j, _ := openTest(t, path, "me", journalNow)
	put(t, j, "a", 0, pageOf(`{"x":1}`))
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	f := func(of string, now time.Time, want string) {
		t.Helper()
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		j, why := openTest(t, path, of, now)
		if !strings.Contains(why, want) || j.found != 0 || rowsIn(t, j, "a", 0) != "-" {
			t.Errorf("%q: %q, %d pages", of, why, j.found)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f("you", journalNow, "another collection")
	f("me", journalNow.Add(maxAge+time.Second), "is from 2026-11-30")
	f("me", journalNow.Add(-2*time.Hour), "is from")
	if _, _, err := openJournal(filepath.Join(path, "below-a-file"), "me", journalNow); err == nil {
		t.Error("a journal below a file was opened")
	}
}

// TestJournalInUse: a second run does not write into the journal of the first, and may when
// that has ended.
func TestJournalInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j, _ := openTest(t, path, "me", journalNow)
	put(t, j, "a", 0, pageOf(`{"x":1}`))
	if _, _, err := openJournal(path, "me", journalNow); !errors.Is(err, errInUse) || !strings.Contains(err.Error(), "--journal") {
		t.Errorf("two runs have one journal: %v", err)
	}
	if got := rowsIn(t, j, "a", 0); got != `{"x":1}` {
		t.Errorf("the second one spoiled it: %s", got)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	j, why := openTest(t, path, "me", journalNow)
	if j.found != 1 || why != "" {
		t.Errorf("%d pages, %q", j.found, why)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
}

func TestJournalInMemory(t *testing.T) {
	j, _ := openTest(t, "", "me", journalNow)
	put(t, j, "a", 0, pageOf(`{"x":1}`))
	if got := rowsIn(t, j, "a", 0); got != `{"x":1}` {
		t.Error(got)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
}

func TestRemoveJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	if err := RemoveJournal(path); err != nil {
		t.Errorf("there was none: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := RemoveJournal(path); err == nil {
		t.Error("a folder was removed")
	}
}

func FuzzScanJournal(f *testing.F) {
	path := filepath.Join(f.TempDir(), "j")
	j, _, err := openJournal(path, "me", journalNow)
	if err != nil {
		f.Fatal(err)
	}
	if err := j.put(pageKey{"a", 0}, pageOf(`{}`)); err != nil {
		f.Fatal(err)
	}
	if err := j.close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:20])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		last := int64(0)
		end, err := scanJournal(bytes.NewReader(b), func(_ pageKey, p place) {
			if p.offset != last || p.size < recordHead || p.offset+int64(p.size) > int64(len(b)) {
				t.Fatalf("a record at %d of %d bytes in %d", p.offset, p.size, len(b))
			}
			last = p.offset + int64(p.size)
		})
		if err != nil || end != last {
			t.Fatalf("ends at %d after %d: %v", end, last, err)
		}
	})
}
