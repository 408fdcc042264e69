// SPDX-License-Identifier: Apache-2.0

package clickhouse

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"clickhouse+http://db:8123/mivet":                  {Server: "http://db:8123", Database: "mivet"},
		"clickhouse+https://eva@db/mivet/?cluster=of_logs": {Server: "https://db", User: "eva", Database: "mivet", Cluster: "of_logs"},
	} {
		got, err := ParseAddress(text)
		if err != nil || *got != want || !IsAddress(text) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"clickhouse://db/mivet":                    "begins with neither",
		"clickhouse+http:///mivet":                 "no host",
		"clickhouse+http://eva:secret@db/mivet":    "holds a password",
		"clickhouse+http://db/":                    "no name of a database",
		"clickhouse+http://db/a b":                 "no name of a database",
		"clickhouse+http://db/mivet?cluster=a'b":   "no name of a cluster",
		"clickhouse+http://db/mivet?user=x":        "more than a cluster",
		"clickhouse+http://db:port/mivet":          "invalid port",
		"clickhouse+http://db/mivet#x":             "more than a cluster",
		"clickhouse+http://db/mivet?cluster=a;b=c": "more than a cluster",
	} {
		if got, err := ParseAddress(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %+v, %v, expected %q", text, got, err, want)
		}
	}
	for _, text := range []string{"facts.usage", "C:/x", "http://db", "clickhouse"} {
		if IsAddress(text) {
			t.Errorf("%s is taken for an address", text)
		}
	}
}

// What is in a name of an address gets into SQL: only letters, digits and underscores do.
func FuzzParseAddress(f *testing.F) {
	f.Add("clickhouse+http://eva@db:8123/mivet?cluster=logs")
	f.Add("clickhouse+http://db/a%27b")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		if !name.MatchString(a.Database) || a.Cluster != "" && !name.MatchString(a.Cluster) {
			t.Errorf("%+v", a)
		}
	})
}

func TestTicks(t *testing.T) {
	for _, s := range []string{"0001-01-01T00:00:00Z", "1969-12-31T23:59:59.9999999Z", "1970-01-01T00:00:00Z", "2026-11-02T08:00:00.1234567Z", "9999-12-31T23:59:59.9999999Z"} {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := timeOf(ticks(at)); !got.Equal(at) {
			t.Errorf("%s: %s", s, got)
		}
	}
	if !timeOf(math.MaxInt64).IsZero() || !timeOf(math.MinInt64).IsZero() {
		t.Error("the ends of the range are no time")
	}
}

// A row has a value for each column, whatever an entry holds.
func TestRow(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	s := usage.Source{Name: "a\tb", Hour: at, Read: at.Add(time.Hour)}
	cell := func(e *logs.Entry, column string) string {
		t.Helper()
		var r row
		r.entry(&s, 7, []byte("{}"), e)
		values := strings.Split(strings.TrimSuffix(string(r.b), "\n"), "\t")
		if len(values) != len(entryColumns) {
			t.Fatalf("%d values, %d columns", len(values), len(entryColumns))
		}
		for i, c := range entryColumns {
			if c.name == column {
				return values[i]
			}
		}
		t.Fatalf("no column %s", column)
		return ""
	}
	entry := func() *logs.Entry {
		return &logs.Entry{
			Log: logs.Activity, Principal: []byte("P1"), AppID: []byte("APP"), Action: []byte("a/b"), Plane: mivet.PlaneControl, Scope: []byte("/x\\y\n\x00"),
			Granted: logs.Granted, Time: at, Count: 2, Correlation: []byte("c"),
		}
	}
	e := entry()
	for column, want := range map[string]string{
		"source": `a\tb`, "hour": "2026-11-02 08:00:00", "line": "7", "principal": "p1", "app": "", "client": "APP", "scope": `/x\\y\n\0`,
		"used": "1", "came": "1", "outcome": "1", "count": "2", "first": cell(e, "last"), "plane": "control", "log": "activity",
	} {
		if got := cell(e, column); got != want {
			t.Errorf("%s: %q, expected %q", column, got, want)
		}
	}
	call := cell(e, "together")
	if call == cell(e, "digest") {
		t.Error("a call stands alone")
	}
	for name, change := range map[string]func(*logs.Entry){
		"the same call, later": func(e *logs.Entry) { e.Time, e.Granted = at.Add(59*time.Minute), logs.Undecided },
		"another hour":         func(e *logs.Entry) { e.Time = at.Add(time.Hour) },
		"another scope":        func(e *logs.Entry) { e.Scope = []byte("/y") },
		"another principal":    func(e *logs.Entry) { e.Principal = []byte("p2") },
		"no correlation":       func(e *logs.Entry) { e.Correlation = nil },
	} {
		e := entry()
		change(e)
		if same := cell(e, "together") == call; same != (name == "the same call, later") {
			t.Errorf("%s: the same call: %v", name, same)
		}
	}
	e = entry()
	e.Log, e.Reason, e.Principal, e.Time = logs.ServiceBus, logs.NoPrincipal, nil, time.Time{}
	if cell(e, "principal") != "" || cell(e, "app") != "app" || cell(e, "client") != "app" || cell(e, "used") != "1" {
		t.Error("an application stands for the principal")
	}
	if cell(e, "day") != noDay || cell(e, "first") != "9223372036854775807" || cell(e, "last") != "-9223372036854775808" {
		t.Error("an entry without a time has one")
	}
	e.Reason, e.Operation, e.Granted = logs.UnknownOperation, []byte("Dance"), logs.Refused
	if cell(e, "used") != "0" || cell(e, "came") != "0" || cell(e, "operation") != "Dance" || cell(e, "outcome") != "2" {
		t.Error("what names no right is used")
	}
	e = &logs.Entry{Log: logs.SignIn, Reason: logs.TokenOnly, Principal: []byte("p")}
	if cell(e, "used") != "0" || cell(e, "came") != "1" {
		t.Error("a sign-in tells where a principal came from, and of no use")
	}
}

// fake stands for a server: it keeps what is sent, and answers what it was told to.
type fake struct {
	mu      sync.Mutex
	got     []string
	body    map[string]string // of INSERT, by table
	answers map[string]string // by a part of the statement
	status  int
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	statement := r.URL.Query().Get("query")
	if statement == "" {
		statement = string(body)
	} else {
		f.body[strings.Fields(statement)[2]] += string(body)
	}
	user, password, _ := r.BasicAuth()
	f.got = append(f.got, user+":"+password+" "+statement)
	for part, answer := range f.answers {
		if strings.Contains(statement, part) {
			if f.status != 0 {
				w.WriteHeader(f.status)
			}
			_, _ = io.WriteString(w, answer) // a recorder does not fail
			return
		}
	}
}

func faked(t *testing.T, answers map[string]string) (*fake, *Address) {
	t.Helper()
	f := &fake{answers: answers, body: map[string]string{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, &Address{Server: server.URL, Database: "db"}
}

func TestStore(t *testing.T) {
	counts := `"Granted":2,"Refused":1,"Undecided":0,"First":17619120000000000,"Last":17619120000000000`
	f, a := faked(t, map[string]string{
		"FROM db.sources ":    `{"source":"one","size":5,"modified":17619120000000001,"unfinished":0}` + "\n" + `{"source":"two","size":5,"modified":1,"unfinished":1}` + "\n",
		"FROM system.cluster": `{"slots":3}`,
		"FROM db.facts ":      `{"principal":"p","app":"","log":"key-vault","action":"get","plane":"data","scope":"/v","day":20400,` + counts + "}\n",
		"FROM db.origins ":    strings.Repeat(`{"principal":"p","app":"","client":"c","host":"h","credential":"","caller":"1","agent":"x",`+counts+"}\n", 1),
		"FROM db.seen ":       `{"log":"key-vault","category":"AuditEvent","resource":"/v","Entries":3,"Lines":4,"First":2147483647,"Last":-2147483648}` + "\n",
		"FROM db.unmapped ":   `{"log":"storage","category":"StorageRead","reason":"no right","operation":"","Entries":1}` + "\n",
	})
	a.Cluster = "shards"
	s, err := Open(t.Context(), a, "word", Client())
	if err != nil {
		t.Fatal(err)
	}
	at := timeOf(17619120000000001)
	for want, source := range map[bool]usage.Source{
		true:  {Name: "one", Size: 5, Modified: at.Add(time.Nanosecond)},
		false: {Name: "two", Size: 5, Modified: timeOf(1)},
	} {
		if got := s.Has(&source); got != want {
			t.Errorf("%s: %v", source.Name, got)
		}
	}
	if s.Has(&usage.Source{Name: "one", Size: 6, Modified: at}) || s.Has(&usage.Source{Name: "three"}) {
		t.Error("a file that changed is taken as read")
	}
	l := s.Load(t.Context(), &usage.Source{Name: "new"})
	if err := l.Add(1, []byte("{}"), &logs.Entry{Principal: []byte("p"), Action: []byte("a"), Count: 1}); err != nil {
		t.Fatal(err)
	}
	if len(f.body) > 0 {
		t.Error("rows are sent one by one")
	}
	if err := l.Close(&usage.Source{Name: "new", Size: 2}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(f.body["db.entries"], "\n"); n != 1 {
		t.Errorf("%d rows of entries", n)
	}
	if n := strings.Count(f.body["db.sources"], "\n"); n != 3 {
		t.Errorf("%d rows of the file, expected one for each slot", n)
	}
	sum, err := s.Summary(t.Context(), "P'1", "app")
	if err != nil {
		t.Fatal(err)
	}
	c := usage.Counts{Granted: 2, Refused: 1, First: timeOf(17619120000000000), Last: timeOf(17619120000000000)}
	want := &usage.Summary{
		Entries: 3, Repeated: 1,
		Facts:    []usage.Fact{{Principal: "p", Log: logs.KeyVault, Action: "get", Plane: mivet.PlaneData, Scope: "/v", Day: 20400, Counts: c}},
		Origins:  []usage.Origin{{Principal: "p", App: "c", Host: "h", Caller: "1", Agent: "x", Counts: c}},
		Seen:     []usage.Seen{{Log: logs.KeyVault, Category: "AuditEvent", Resource: "/v", Entries: 3, First: usage.NoDay, Last: usage.NoDay}},
		Unmapped: []usage.Unmapped{{Log: logs.Storage, Category: "StorageRead", Reason: "no right", Entries: 1}},
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	asked := strings.Join(f.got, "\n")
	for _, part := range []string{"default:word SELECT", `principal IN ('p\'1', 'app') OR app IN ('p\'1', 'app')`} {
		if !strings.Contains(asked, part) {
			t.Errorf("%q was not asked:\n%s", part, asked)
		}
	}
}

// Origins beyond the bound are one.
func TestManyOrigins(t *testing.T) {
	line := `{"principal":"p","app":"","client":"c","host":"","credential":"","caller":"N","agent":"","Granted":1,"Refused":0,"Undecided":0,"First":1,"Last":1}` + "\n"
	var all strings.Builder
	for i := range maxOrigins + 5 {
		all.WriteString(strings.Replace(line, "N", strings.Repeat("x", i+1), 1))
	}
	_, a := faked(t, map[string]string{"FROM db.origins_local ": all.String()})
	s, err := Open(t.Context(), a, "", Client())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sum.Origins); n != maxOrigins+1 || !sum.Origins[n-1].More || sum.Origins[n-1].Granted != 5 {
		t.Errorf("%d origins, the last %+v", n, sum.Origins[n-1])
	}
}

// Nothing that goes wrong is taken for an empty answer.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		status  int
		want    string
	}{
		"refused":             {map[string]string{"FROM db.facts": "Code: 192. DB::Exception: Unknown user\nStack trace"}, 500, "ClickHouse answers 500: Code: 192. DB::Exception: Unknown user"},
		"cut in the middle":   {map[string]string{"FROM db.seen": `{"log":"key-vault"}` + "\nCode: 241. DB::Exception: Memory limit"}, 0, "asking for seen: ClickHouse answers: Code: 241"},
		"no fact":             {map[string]string{"FROM db.facts": `{"principal":1}`}, 0, "asking for facts: reading the answer"},
		"no log":              {map[string]string{"FROM db.facts": `{"log":"x"}`}, 0, `"x" is no log`},
		"no plane":            {map[string]string{"FROM db.facts": `{"log":"storage","plane":"x"}`}, 0, `plane "x"`},
		"no origin":           {map[string]string{"FROM db.origins": `{"principal":1}`}, 0, "asking for origins"},
		"nothing seen":        {map[string]string{"FROM db.seen": `{"log":1}`}, 0, "asking for seen"},
		"seen by no log":      {map[string]string{"FROM db.seen": `{"log":"x"}`}, 0, `"x" is no log`},
		"no reason":           {map[string]string{"FROM db.unmapped": `{"log":1}`}, 0, "asking for unmapped"},
		"unmapped of no log":  {map[string]string{"FROM db.unmapped": `{"log":"x"}`}, 0, `"x" is no log`},
		"a row without end":   {map[string]string{"FROM db.facts": "{" + strings.Repeat(" ", 33<<20)}, 0, "token too long"},
		"the files":           {map[string]string{"FROM db.sources": `{"source":1}`}, 0, "asking which files are there"},
		"tables cannot be":    {map[string]string{"CREATE TABLE": "no"}, 403, "making the tables: ClickHouse answers 403: no"},
		"writing is refused":  {map[string]string{"INSERT INTO db.entries": "read only"}, 500, "writing entries of f: ClickHouse answers 500: read only"},
		"the end is refused":  {map[string]string{"INSERT INTO db.sources": "read only"}, 500, "writing sources of f"},
		"the shards":          {map[string]string{"system.clusters": "{"}, 0, "asking for the shards"},
		"there is no cluster": {map[string]string{"system.clusters": `{"slots":0}`}, 0, `knows no cluster "shards"`},
	} {
		f, a := faked(t, c.answers)
		f.status = c.status
		if strings.Contains(name, "shards") || strings.Contains(name, "cluster") {
			a.Cluster = "shards"
		}
		err := everything(t, a)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", name, err, c.want)
		}
	}
	if err := everything(t, &Address{Server: "http://127.0.0.1:1", Database: "db"}); err == nil || !strings.Contains(err.Error(), "asking ClickHouse at http://127.0.0.1:1") || strings.Contains(err.Error(), "CREATE") {
		t.Errorf("nobody there: %v", err)
	}
	if err := everything(t, &Address{Server: "http://[", Database: "db"}); err == nil {
		t.Error("an address that is none is asked")
	}
}

// everything writes and asks once.
func everything(t *testing.T, a *Address) error {
	t.Helper()
	s, err := Open(t.Context(), a, "", Client())
	if err != nil {
		return err
	}
	l := s.Load(t.Context(), &usage.Source{Name: "f"})
	if err := l.Add(1, []byte("{}"), &logs.Entry{}); err != nil {
		return err
	}
	if err := l.Close(&usage.Source{Name: "f"}); err != nil {
		return err
	}
	_, err = s.Summary(t.Context())
	return err
}

// Rows are sent when there are enough of them.
func TestBatches(t *testing.T) {
	f, a := faked(t, nil)
	s, err := Open(t.Context(), a, "", Client())
	if err != nil {
		t.Fatal(err)
	}
	l := s.Load(t.Context(), &usage.Source{Name: "f"})
	e := &logs.Entry{Agent: []byte(strings.Repeat("x", batch/2))}
	for line := range 3 {
		if err := l.Add(line, []byte("{}"), e); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(f.body["db.entries_local"], "\n"); n != 2 {
		t.Errorf("%d rows were sent before the end", n)
	}
}
