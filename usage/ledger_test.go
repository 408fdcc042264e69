// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet/logs"
)

func TestHourOf(t *testing.T) {
	const blob = "insights-logs-auditevent/resourceId=/SUBSCRIPTIONS/1/RESOURCEGROUPS/A/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV/"
	for name, want := range map[string]string{
		blob + "y=2026/m=11/d=02/h=08/m=00/PT1H.json": "2026-11-02T08:00:00Z",
		blob + "Y=2026/M=1/D=2/H=3/M=00/PT1H.json":    "2026-01-02T03:00:00Z",
		`x\y=2026\m=11\d=02\h=08\m=00\PT1H.json`:      "2026-11-02T08:00:00Z",
		blob + "y=2026/m=13/d=02/h=08/m=00/PT1H.json": "",
		blob + "y=2026/m=02/d=30/h=08/m=00/PT1H.json": "",
		blob + "y=2026/m=02/d=20/h=24/m=00/PT1H.json": "",
		blob + "y=2026/m=xx/d=02/h=08/m=00/PT1H.json": "",
		blob + "y=2026/m=11/d=02/PT1H.json":           "",
		"PT1H.json":                                   "",
		"":                                            "",
	} {
		got := HourOf(name)
		if want == "" != got.IsZero() || want != "" && !got.Equal(at(want)) {
			t.Errorf("%s: %v, expected %q", name, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	hour := at("2026-11-02T08:00:00Z")
	for name, c := range map[string]struct {
		s    Source
		want bool
	}{
		"in the hour":      {Source{Hour: hour, Read: hour.Add(time.Minute)}, true},
		"late data":        {Source{Hour: hour, Read: hour.Add(48 * time.Hour)}, true},
		"closed":           {Source{Hour: hour, Read: hour.Add(49 * time.Hour)}, false},
		"unfinished":       {Source{Hour: hour, Read: hour.Add(100 * time.Hour), Unfinished: true}, true},
		"no hour, new":     {Source{Modified: hour, Read: hour.Add(time.Hour)}, true},
		"no hour, settled": {Source{Modified: hour, Read: hour.Add(48 * time.Hour)}, false},
	} {
		if got := c.s.Open(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func part(name string, read time.Time, granted int64) *Part {
	p := Part{
		Source: Source{Name: name, Hour: at("2026-11-02T08:00:00Z"), Size: granted, Modified: at("2026-11-02T08:30:00Z"), Read: read},
		Lines:  []uint64{1, 2, uint64(granted)},
	}
	p.Entries = granted
	p.Facts = []Fact{{Principal: "p", Log: logs.KeyVault, Action: "a", Scope: "/s", Day: 5, Counts: Counts{Granted: granted}}}
	p.Origins = []Origin{{Principal: "p", Caller: "10.0.0.1", Counts: Counts{Granted: granted}}}
	p.Seen = []Seen{{Log: logs.KeyVault, Resource: "/v", Entries: granted, First: 5, Last: 5}}
	p.Unmapped = []Unmapped{{Log: logs.Storage, Reason: logs.NoIdentity, Entries: 1}}
	return &p
}

// Reading an hour again replaces what it said; other hours stay.
func TestLedgerReplaces(t *testing.T) {
	l := NewLedger()
	soon, later := at("2026-11-02T09:00:00Z"), at("2026-11-09T09:00:00Z")
	l.Put(part("a", soon, 3))
	l.Put(part("b", soon, 4))
	if n := l.Total().Facts[0].Granted; n != 7 {
		t.Errorf("%d granted", n)
	}
	kept := func(name string) int { return len(l.parts[name].Lines) }
	if kept("b") != 3 {
		t.Errorf("%d digests", kept("b"))
	}
	l.Put(part("a", later, 5))
	total := l.Total()
	if len(total.Facts) != 1 || total.Facts[0].Granted != 9 || total.Entries != 9 || len(total.Seen) != 1 || total.Seen[0].Entries != 9 ||
		len(total.Origins) != 1 || total.Unmapped[0].Entries != 2 {
		t.Errorf("read again: %+v", total)
	}
	if kept("a") != 0 {
		t.Errorf("%d digests of a closed hour", kept("a"))
	}
	l.Close(soon)
	if kept("b") != 3 {
		t.Error("the digests of an open hour are forgotten")
	}
	l.Close(later)
	if kept("b") != 0 {
		t.Error("the digests of a closed hour are kept")
	}
	same := part("a", later, 5).Source
	if !l.Has(&same) {
		t.Error("a file that did not change is not known")
	}
	for name, change := range map[string]func(*Source){
		"size": func(s *Source) { s.Size++ }, "time": func(s *Source) { s.Modified = later }, "name": func(s *Source) { s.Name = "c" },
	} {
		other := same
		if change(&other); l.Has(&other) {
			t.Errorf("%s: a file that changed is taken for known", name)
		}
	}
}

func TestFileRoundTrip(t *testing.T) {
	l := NewLedger()
	l.Put(part("a", at("2026-11-02T09:00:00Z"), 3))
	l.Put(part("b", at("2026-11-09T09:00:00Z"), 4))
	var out bytes.Buffer
	if err := Write(&out, l); err != nil {
		t.Fatal(err)
	}
	if !IsFacts(out.Bytes()) || IsFacts([]byte("{}")) {
		t.Error("a file of facts is not recognised")
	}
	back, err := Read(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l.Parts(), back.Parts()); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	for n := range out.Len() {
		if _, err := Read(bytes.NewReader(out.Bytes()[:n])); err == nil {
			t.Errorf("cut off at byte %d of %d: no error", n, out.Len())
		}
	}
}

func TestReadRefuses(t *testing.T) {
	const head = `{"kind":"header","format":"mivet-usage","version":3,"key":"AAAAAAAAAAAAAAAAAAAAAA=="}` + "\n"
	for text, want := range map[string]string{
		"":                                   "cut off",
		"moon":                               ErrNoFacts.Error(),
		`{"kind":"header","format":"other"}`: ErrNoFacts.Error(),
		`{"kind":"header","format":"mivet-usage","version":9}`:              "version 9",
		`{"kind":"header","format":"mivet-usage","version":3,"key":"AAAA"}`: "the key of the file has 3 bytes",
		head:                               "cut off",
		head + "moon\n":                    "line 2",
		head + `{"kind":"fact","fact":{}}`: `"fact" before any source`,
		head + `{"kind":"source","source":{"name":"a"}}` + "\n" + `{"kind":"moon"}`: `"moon" says nothing`,
		head + `{"kind":"end","records":7}`:                                         "1 records, the end says 7",
		head + `{"kind":"end","records":1}` + "\n" + `{"kind":"end"}`:               "behind the end",
		head + `{"kind":"` + strings.Repeat("x", maxRecord):                         "line 2",
	} {
		if _, err := Read(bytes.NewReader(pack(t, text))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, expected %q", text, err, want)
		}
	}
	if _, err := Read(strings.NewReader("no zstd")); err == nil {
		t.Error("another file is read")
	}
	if err := Write(brokenWriter{}, NewLedger()); err == nil {
		t.Error("an error of the writer is lost")
	}
	if _, err := Read(iotest.ErrReader(errBroken)); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
}

var errBroken = errors.New("the cable is out")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func pack(t testing.TB, text string) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(text), nil)
}

// A ledger knows lines again after it was written and read; another one does not.
func TestDigester(t *testing.T) {
	sum := func(l *Ledger, line string) uint64 {
		t.Helper()
		d, err := l.Digester()
		if err != nil {
			t.Fatal(err)
		}
		if again := d.Sum([]byte(line)); d.Sum([]byte("x")) == d.Sum([]byte("y")) || d.Sum([]byte(line)) != again {
			t.Error("lines are not told apart")
		}
		return d.Sum([]byte(line))
	}
	l := NewLedger()
	var out bytes.Buffer
	if err := Write(&out, l); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := sum(l, "line"), sum(back, "line"), sum(NewLedger(), "line"); a != b || a == c {
		t.Errorf("%x, read back %x, another ledger %x", a, b, c)
	}
}

func FuzzRead(f *testing.F) {
	l := NewLedger()
	l.Put(part("a", at("2026-11-02T09:00:00Z"), 3))
	var out bytes.Buffer
	if err := writeRecords(&out, l); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add([]byte(`{"kind":"header","format":"mivet-usage","version":3,"key":"AAAAAAAAAAAAAAAAAAAAAA=="}` + "\n" + `{"kind":"end","records":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := readRecords(bytes.NewReader(text))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeRecords(&again, l); err != nil {
			t.Fatal(err)
		}
		back, err := readRecords(&again)
		if err != nil {
			t.Fatal(err)
		}
		a, errA := json.Marshal(l.Parts())
		b, errB := json.Marshal(back.Parts())
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s\nread back as\n%s (%v, %v)", a, b, errA, errB)
		}
	})
}
