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
		rows[i] = row{at, "AZKVAuditLogs", "SecretGet", strings.ToLower(vault), "https://kv.vault.azure.net/secrets/s", `{"claim":{"oid":"p"}}`, 200, []string{"a", "b"}}
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

// A large file gives the same, whether it is read in blocks or as a stream.
func TestLargeFile(t *testing.T) {
	var text bytes.Buffer
	for text.Len() < large+large/2 {
		for i := range 500 {
			text.WriteString(secretGet(fmt.Sprint("p", i%7), fmt.Sprintf("%02d", i%60)))
		}
		if text.Len() < 2<<20 {
			text.WriteString("{moon}\n\n")
		}
	}
	text.WriteString(`{"time":"2026`)
	one, two := usage.NewLedger(), usage.NewLedger()
	dir := settled(t, map[string][]byte{"a.json": text.Bytes(), "b.json": append([]byte("\xef\xbb\xbf["), "\n]"...)})
	past := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	blocks := read(t, one, now, filepath.Join(dir, "a.json"))
	stream := read(t, two, past, filepath.Join(dir, "a.json")) // an open hour is read as a stream
	total, other := one.Total(), two.Total()
	other.Entries, other.Repeated = other.Entries+other.Repeated, 0
	if len(blocks.Faults) == 0 || blocks.FaultCount != stream.FaultCount || !one.Parts()[0].Unfinished || !two.Parts()[0].Unfinished {
		t.Errorf("blocks %+v, stream %+v", blocks, stream)
	}
	for i := range blocks.Faults {
		if i < len(stream.Faults) && (blocks.Faults[i].Line != stream.Faults[i].Line || blocks.Faults[i].Err.Error() != stream.Faults[i].Err.Error()) {
			t.Errorf("fault %d: %v and %v", i, &blocks.Faults[i], &stream.Faults[i])
		}
	}
	if total.Entries != other.Entries || total.Seen[0].Entries != total.Entries || len(total.Facts) != len(other.Facts) || len(total.Facts) != 7 {
		t.Errorf("%d entries in %d facts, as a stream %d in %d", total.Entries, len(total.Facts), other.Entries, len(other.Facts))
	}
}

// split reads a text in blocks.
func split(t testing.TB, in io.Reader) (*outcome, error) {
	t.Helper()
	r := reading{Options: Options{Now: now, Workers: 2, Ledger: usage.NewLedger()}}
	return r.split(t.Context(), file{path: "x", source: usage.Source{Name: "x", Read: now}}, in)
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
	r := reading{Options: Options{Workers: 1, Ledger: usage.NewLedger()}}
	if _, err := r.split(ctx, file{}, strings.NewReader(secretGet("p", "01"))); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
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
