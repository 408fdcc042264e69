// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mivet/mivet/internal/clickhouse"
	"github.com/mivet/mivet/internal/logfiles"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// The entries, and the answers that every engine must give.
const (
	exports = "../../testdata/engines/exports.txtar"
	again   = "../../testdata/engines/again.txtar"
	golden  = "../../testdata/engines/facts.jsonl"
	renewed = "../../testdata/engines/facts-again.jsonl"
)

// unpack writes the files of an archive into a folder.
func unpack(t *testing.T, dir, archive string) {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		write(t, filepath.Join(dir, filepath.FromSlash(f.Name)), string(f.Data))
	}
}

// lines writes a summary, a fact a line.
func lines(t *testing.T, s *usage.Summary) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	put := func(kind string, v any) {
		b.WriteString(kind + " ")
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	put("entries", []int64{s.Entries, s.Repeated})
	for i := range s.Facts {
		put("fact", s.Facts[i])
	}
	for i := range s.Origins {
		put("origin", s.Origins[i])
	}
	for i := range s.Seen {
		put("seen", s.Seen[i])
	}
	for i := range s.Unmapped {
		put("unmapped", s.Unmapped[i])
	}
	return b.String()
}

// agree compares a summary with the answer in a file.
func agree(t *testing.T, engine, file string, s *usage.Summary) {
	t.Helper()
	got := lines(t, s)
	if os.Getenv("MIVET_UPDATE") != "" && engine == "embedded" {
		write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-the answer +got):\n%s", engine, diff)
	}
}

// now is in the 48 hours in which all files are open.
var now = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

func embedded(t *testing.T, l *usage.Ledger, dir string, now time.Time) {
	t.Helper()
	r, err := logfiles.Read(t.Context(), []string{dir}, logfiles.Options{Now: now, Workers: 1, Ledger: l})
	if err != nil || len(r.Faults) > 0 {
		t.Fatal(err, r)
	}
}

// The streaming aggregator of package usage is the first engine: its answer is the one that
// the others must give.
func TestEmbedded(t *testing.T) {
	dir, l := t.TempDir(), usage.NewLedger()
	unpack(t, dir, exports)
	embedded(t, l, dir, now)
	agree(t, "embedded", golden, l.Total())
	unpack(t, dir, again)
	embedded(t, l, dir, now.Add(time.Hour))
	agree(t, "embedded", renewed, l.Total())
}

func load(t *testing.T, s *clickhouse.Store, dir string, now time.Time) *logfiles.Report {
	t.Helper()
	r, err := logfiles.Pour(t.Context(), []string{dir}, logfiles.PourOptions{
		Options: logfiles.Options{Now: now, Workers: 2}, Has: s.Has, Begin: func(f *usage.Source) logfiles.Sink { return s.Load(t.Context(), f) },
	})
	if err != nil || len(r.Faults) > 0 {
		t.Fatal(err, r)
	}
	return r
}

func summary(t *testing.T, s *clickhouse.Store, of ...string) *usage.Summary {
	t.Helper()
	sum, err := s.Summary(t.Context(), of...)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func opened(t *testing.T, a *clickhouse.Address) *clickhouse.Store {
	t.Helper()
	s, err := clickhouse.Open(t.Context(), a, "", clickhouse.Client())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs statements on a server.
func run(t *testing.T, server string, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server, strings.NewReader(statement)) //nolint:gosec // the server that whoever runs the test names
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req) //nolint:gosec // as above
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v, %s", statement, err, text)
		}
	}
}

// Two shards give the answers of the embedded engine, also where an hour is read again; and
// so does one server.
func TestClickHouse(t *testing.T) {
	urls := servers(t, 2)
	for name, a := range map[string]*clickhouse.Address{
		"two shards": {Server: urls[0], Database: "spread", Cluster: "shards"},
		"one server": {Server: urls[1], Database: "alone"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, u := range urls {
				run(t, u, "CREATE DATABASE "+a.Database)
				if a.Cluster != "" {
					run(t, u, a.Schema()...)
				}
			}
			answers(t, a, name)
		})
	}
}

// A server that is there already, for example one of another release, gives the same answers.
func TestOwnServer(t *testing.T) {
	server := os.Getenv("MIVET_CLICKHOUSE")
	if !strings.HasPrefix(server, "http") {
		t.Skip("MIVET_CLICKHOUSE=http://HOST:PORT make clickhouse runs this against a server")
	}
	a := &clickhouse.Address{Server: server, Database: "mivet_test"}
	run(t, server, "CREATE DATABASE "+a.Database)
	defer run(t, server, "DROP DATABASE "+a.Database)
	answers(t, a, "own server")
}

// answers loads the entries, and an hour of them again, and asks for the facts.
func answers(t *testing.T, a *clickhouse.Address, name string) {
	t.Helper()
	dir := t.TempDir()
	unpack(t, dir, exports)
	s := opened(t, a)
	load(t, s, dir, now)
	agree(t, name, golden, summary(t, s))
	unpack(t, dir, again)
	s = opened(t, a)
	if r := load(t, s, dir, now.Add(time.Hour)); r.Files != 1 || r.Unchanged != 23 {
		t.Errorf("read %d files again, %d unchanged", r.Files, r.Unchanged)
	}
	agree(t, name, renewed, summary(t, s))
	interrupted(t, s, a, name, hour(t))
}

// A reading that did not come to its end does not count; what was replaced can be removed.
func interrupted(t *testing.T, s *clickhouse.Store, a *clickhouse.Address, name, source string) {
	t.Helper()
	of := summary(t, s).Facts[0]
	l := s.Load(t.Context(), &usage.Source{Name: source, Read: now.Add(2 * time.Hour)})
	// Rows are sent when there are enough of them.
	e := &logs.Entry{Principal: []byte("p"), Action: []byte("a"), Scope: []byte("/"), Log: logs.Storage, Count: 1, Time: now, Agent: make([]byte, 8<<20)}
	if err := l.Add(1, []byte("{}"), e); err != nil {
		t.Fatal(err)
	}
	agree(t, name, renewed, summary(t, s))
	run(t, a.Server, a.Tidy())
	agree(t, name, renewed, summary(t, s))

	// One principal, or one application, is asked for alone.
	for _, id := range []string{of.Principal + of.App, strings.ToUpper(of.Principal + of.App)} {
		for _, f := range summary(t, s, id).Facts {
			if f.Principal != of.Principal || f.App != of.App {
				t.Errorf("%s: %+v", id, f)
			}
		}
	}
	if got := summary(t, s, "nobody"); len(got.Facts) > 0 || len(got.Origins) > 0 || len(got.Seen) == 0 {
		t.Errorf("of nobody: %+v", got)
	}
}

func TestPassword(t *testing.T) {
	a := &clickhouse.Address{Server: servers(t, 1)[0], Database: "default", User: "reader"}
	if _, err := clickhouse.Open(t.Context(), a, "of-logs", clickhouse.Client()); err != nil {
		t.Error(err)
	}
	_, err := clickhouse.Open(t.Context(), a, "wrong", clickhouse.Client())
	if err == nil || !strings.Contains(err.Error(), "ClickHouse answers") {
		t.Error(err)
	}
}

// hour is the file that is read again.
func hour(t *testing.T) string {
	t.Helper()
	a, err := txtar.ParseFile(again)
	if err != nil {
		t.Fatal(err)
	}
	return a.Files[0].Name
}
