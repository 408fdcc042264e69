// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

const (
	vault = "/SUBSCRIPTIONS/1/RESOURCEGROUPS/A/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV"
	hour  = "insights-logs-auditevent/resourceId=" + vault + "/y=2026/m=11/d=02/h=08/m=00/PT1H.json"
)

var now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func secretGet(principal, second string) string {
	return `{"time":"2026-11-02T08:15:` + second + `Z","category":"AuditEvent","operationName":"SecretGet","resourceId":"` + vault +
		`","identity":{"claim":{"oid":"` + principal + `"}},"properties":{"id":"https://kv.vault.azure.net/secrets/s","httpStatusCode":200}}` + "\n"
}

// settled are files of the past, so that their hours are closed.
func settled(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		past := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t testing.TB, l *usage.Ledger, at time.Time, paths ...string) *Report {
	t.Helper()
	r, err := Read(t.Context(), paths, Options{Now: at, Workers: 2, Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func gz(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

// row is an entry as a table has it.
type row struct {
	TimeGenerated  time.Time `parquet:"TimeGenerated,timestamp(microsecond)"`
	Type           string
	OperationName  string
	ResourceID     string `parquet:"_ResourceId"`
	ID             string `parquet:"Id"`
	Identity       string
	HTTPStatusCode int32 `parquet:"HttpStatusCode"`
	Tags           []string
}

func parquetFile(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	at := time.Date(2026, 11, 2, 8, 15, 4, 500000000, time.UTC)
	rows := make([]row, 3*rowsAtOnce)
	for i := range rows {
		rows[i] = row{at.Add(time.Duration(i) * time.Millisecond), "AZKVAuditLogs", "SecretGet", strings.ToLower(vault), "https://kv.vault.azure.net/secrets/s", `{"claim":{"oid":"p"}}`, 200, []string{"a", "b"}}
	}
	if err := parquet.Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func granted(l *usage.Ledger) (n int64) {
	for _, f := range l.Total().Facts {
		n += f.Granted
	}
	return n
}

func TestReadFolder(t *testing.T) {
	dir := settled(t, map[string][]byte{
		hour:            []byte(secretGet("p", "01") + secretGet("p", "02")),
		"b.json.gz":     gz(t, secretGet("p", "03")),
		"c/d.jsonl.zst": zst(t, secretGet("q", "04")),
		"e.json":        []byte(`{"records":[` + secretGet("q", "05") + `,` + secretGet("q", "06") + `]}`),
		"f.parquet":     parquetFile(t),
		"empty.json":    nil,
		"readme.md":     []byte("no log"),
		"faulty.log":    []byte(secretGet("p", "07") + "{moon\n" + secretGet("p", "08") + "{\"a\"\n"),
	})
	l := usage.NewLedger()
	r := read(t, l, now, dir)
	if r.Files != 7 || r.LeftOut != 1 || r.FaultCount != 2 || r.Entries != 8+3*rowsAtOnce {
		t.Errorf("%+v", r)
	}
	var faults []string
	for i := range r.Faults {
		faults = append(faults, strings.TrimPrefix(r.Faults[i].Error(), dir+string(filepath.Separator)))
	}
	if diff := cmp.Diff([]string{"faulty.log:2: byte 2: expected a string as the key", "faulty.log:4: byte 5: the text ends in the middle of a value"}, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if n := granted(l); n != 8+3*rowsAtOnce {
		t.Errorf("%d granted", n)
	}
	for _, f := range l.Total().Facts {
		if f.Scope != strings.ToLower(vault)+"/secrets/s" || f.Day.String() != "2026-11-02" {
			t.Errorf("%+v", f)
		}
	}
	var names []string
	for _, p := range l.Parts() {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"b.json.gz", "c/d.jsonl.zst", "e.json", "empty.json", "f.parquet", "faulty.log", hour}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	// Nothing changed: nothing is read again, whatever folder above is given.
	again := read(t, l, now.Add(time.Hour), filepath.Join(dir, "insights-logs-auditevent"), filepath.Join(dir, "b.json.gz"))
	if again.Files != 0 || again.Unchanged != 2 {
		t.Errorf("again: %+v", again)
	}
}

// An hour that is read again replaces its rows; an entry that comes again counts once while
// the hour is open.
func TestReadAgain(t *testing.T) {
	dir := settled(t, map[string][]byte{hour: []byte(secretGet("p", "01") + secretGet("p", "01") + secretGet("p", "02") + `{"time":"2026-11-02T08:1`)})
	soon := time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)
	l := usage.NewLedger()
	read(t, l, soon, dir)
	if n := granted(l); n != 2 || l.Total().Repeated != 1 || !l.Parts()[0].Unfinished {
		t.Errorf("%d granted, %d repeated", n, l.Total().Repeated)
	}
	path := filepath.Join(dir, filepath.FromSlash(hour))
	if err := os.WriteFile(path, []byte(secretGet("p", "01")+secretGet("p", "02")+secretGet("p", "03")), 0o600); err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(path))), "h=09", "m=00", "PT1H.json")
	if err := os.MkdirAll(filepath.Dir(next), 0o700); err != nil {
		t.Fatal(err)
	}
	if r := read(t, l, soon, dir); r.Files != 1 || granted(l) != 3 {
		t.Errorf("read again: %+v, %d granted", r, granted(l))
	}
	if err := os.WriteFile(next, []byte(secretGet("p", "03")+secretGet("p", "04")), 0o600); err != nil {
		t.Fatal(err)
	}
	if read(t, l, soon, dir); granted(l) != 4 || l.Total().Repeated != 1 {
		t.Errorf("with the next hour: %d granted, %d repeated", granted(l), l.Total().Repeated)
	}
}

// A large file gives the same, whether its hour is open or not, and whether it is plain or
// packed; an entry that comes again counts once, whoever reads it.
func TestLargeFile(t *testing.T) {
	var text bytes.Buffer
	distinct := int64(0)
	for ; text.Len() < large+large/2; distinct++ {
		line := secretGet(fmt.Sprint("p", distinct%7), fmt.Sprintf("%02d.%07d", distinct%60, distinct))
		text.WriteString(line)
		if distinct%1000 == 0 {
			text.WriteString(line)
		}
		if text.Len() < 2<<20 && distinct%500 == 0 {
			text.WriteString("{moon}\n\n")
		}
	}
	repeated := (distinct + 999) / 1000
	text.WriteString(`{"time":"2026`)
	dir := settled(t, map[string][]byte{"a.json": text.Bytes(), "b.json.gz": gz(t, text.String()), "c.json.zst": zst(t, text.String())})
	past := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	var first *Report
	var facts []usage.Fact
	for _, name := range []string{"a.json", "b.json.gz", "c.json.zst"} {
		for _, at := range []time.Time{now, past} {
			l := usage.NewLedger()
			r := read(t, l, at, filepath.Join(dir, name))
			p, total := l.Parts()[0], l.Total()
			if r.Entries != distinct || total.Repeated != repeated || total.Seen[0].Entries != distinct || !p.Unfinished || len(total.Facts) != 7 || len(r.Faults) != maxFaults {
				t.Errorf("%s: %+v, %d repeated, %d facts; expected %d and %d", name, r, total.Repeated, len(total.Facts), distinct, repeated)
			}
			if (len(p.Lines) == int(distinct)) != (at == past) {
				t.Errorf("%s: %d digests are kept", name, len(p.Lines))
			}
			if first == nil {
				first, facts = r, total.Facts
				continue
			}
			if diff := cmp.Diff(facts, total.Facts); diff != "" || r.FaultCount != first.FaultCount {
				t.Errorf("%s: %d faults, expected %d; facts (-want +got):\n%s", name, r.FaultCount, first.FaultCount, diff)
			}
			for i := range r.Faults {
				if r.Faults[i].Line != first.Faults[i].Line || r.Faults[i].Err.Error() != first.Faults[i].Err.Error() {
					t.Errorf("%s: fault %d: %v and %v", name, i, &r.Faults[i], &first.Faults[i])
				}
			}
		}
	}
}

// Calls of the activity log of which several entries tell count once, whichever worker reads
// them.
func TestCallsInSeveralBlocks(t *testing.T) {
	const calls = 3000
	const scope = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/a/providers/Microsoft.Web/sites/s"
	var text bytes.Buffer
	for i, status := range []string{"Start", "Accept", "Success"} {
		for call := range calls {
			fmt.Fprintf(&text, `{"time":"2026-11-02T08:%02d:%02dZ","category":"Administrative","operationName":"Microsoft.Web/sites/write","resourceId":"%s","resultType":"%s","correlationId":"c%d","operationId":"o",`+
				`"identity":{"authorization":{"action":"Microsoft.Web/sites/write","scope":"%s"},"claims":{"oid":"p"}}}`+"\n", i, call%60, scope, status, call, scope)
		}
	}
	out, err := split(t, &text)
	if err != nil {
		t.Fatal(err)
	}
	if f := out.part.Facts; len(f) != 1 || f[0].Granted != calls || f[0].Undecided != 0 {
		t.Errorf("%+v", f)
	}
}

// Many lines are told apart in little memory.
func TestDigests(t *testing.T) {
	const n = 100_000
	list, known := make([]uint64, n), make([]bool, n)
	for i := range list {
		list[i] = digest(fmt.Append(nil, i))
	}
	var d digests
	for round := range 2 {
		for i := range n / 100 {
			d.add(list[100*i:100*(i+1)], known[100*i:])
		}
		for i := range known {
			if known[i] != (round == 1) {
				t.Fatalf("round %d: line %d", round, i)
			}
		}
	}
	if len(d.slots) > 4*n || d.n != n {
		t.Errorf("%d of %d slots for %d lines", d.n, len(d.slots), n)
	}
	d.reset(0)
	d.add([]uint64{0, 0, list[0]}, known)
	if known[0] || !known[1] || known[2] || len(d.slots) > keptSlots {
		t.Errorf("after it was emptied: %v, %d slots", known[:3], len(d.slots))
	}
	bounded := digests{limit: 100}
	bounded.add(list, known)
	if bounded.n > 100 || len(bounded.slots) > firstSlots {
		t.Errorf("%d lines in %d slots", bounded.n, len(bounded.slots))
	}
}

// split reads a text in blocks.
func split(t testing.TB, in io.Reader) (*outcome, error) {
	t.Helper()
	workers, err := newWorkers(2, usage.NewLedger())
	if err != nil {
		t.Fatal(err)
	}
	r := reading{Options: Options{Now: now, Ledger: usage.NewLedger()}}
	return r.stream(t.Context(), file{path: "x", source: usage.Source{Name: "x", Read: now}}, in, workers)
}

type letters struct{}

func (letters) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// A line of any length is one fault, and what follows is read.
func TestEndlessLine(t *testing.T) {
	in := io.MultiReader(strings.NewReader(secretGet("p", "01")+`{"a":"`), io.LimitReader(letters{}, 5*logs.MaxEntry), strings.NewReader("\"}\n"+secretGet("p", "02")))
	out, err := split(t, in)
	if err != nil {
		t.Fatal(err)
	}
	if out.part.Faults != 1 || out.part.Entries != 2 || !errors.Is(out.faults[0].Err, logs.ErrTooLong) {
		t.Errorf("%+v, faults %v", out.part, out.faults)
	}
	out, err = split(t, io.MultiReader(strings.NewReader(secretGet("p", "01")), io.LimitReader(letters{}, 3*logs.MaxEntry)))
	if err != nil || out.part.Faults != 1 || out.part.Entries != 1 {
		t.Errorf("at the end: %+v (%v)", out, err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := settled(t, map[string][]byte{
		"a.json.gz":  gz(t, strings.Repeat(secretGet("p", "01"), 100))[:40],
		"b.json.gz":  {0x1F, 0x8B},
		"c.json.zst": zst(t, strings.Repeat(secretGet("p", "01"), 100))[:20],
		"d.parquet":  []byte("PAR1 and no more"),
		"e.parquet":  append(parquetFile(t)[:200], "garbage PAR1"...),
	})
	l := usage.NewLedger()
	r := read(t, l, now, dir)
	if len(r.Faults) != 5 || r.Files != 0 || len(l.Parts()) != 0 {
		t.Errorf("%+v", r)
	}
	for i := range r.Faults {
		if f := &r.Faults[i]; f.Line != 0 || errors.Unwrap(f) == nil || !strings.Contains(f.Error(), f.File) {
			t.Errorf("%v", f)
		}
	}
	if _, err := Read(t.Context(), []string{filepath.Join(dir, "moon")}, Options{Ledger: l}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that is not there: %v", err)
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := settled(t, map[string][]byte{hour: []byte(secretGet("p", "01"))})
	if _, err := Read(ctx, []string{dir}, Options{Now: now, Ledger: usage.NewLedger()}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	workers, err := newWorkers(1, usage.NewLedger())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{secretGet("p", "01"), "[" + secretGet("p", "01") + "]"} {
		r := reading{Options: Options{Ledger: usage.NewLedger()}}
		if _, err := r.stream(ctx, file{}, strings.NewReader(text), workers); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}

func TestDamagedParquetIsAnError(t *testing.T) {
	whole := parquetFile(t)
	for i := 0; i < len(whole); i += 1009 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x5A
		path := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := open(path)
		if err != nil {
			continue
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(in, 1<<20)); err != nil && !strings.Contains(err.Error(), "reading Parquet") {
			t.Errorf("byte %d: %v", i, err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkRead reads and counts a file of 20,000 entries of 300 identities.
func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	for i := range 20_000 {
		text.WriteString(secretGet(fmt.Sprint("p", i%300), fmt.Sprintf("%02d.%07d", i%60, i)))
	}
	dir := settled(b, map[string][]byte{hour: []byte(text.String())})
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if r := read(b, usage.NewLedger(), now, dir); r.Entries != 20_000 {
			b.Fatalf("%+v", r)
		}
	}
}
