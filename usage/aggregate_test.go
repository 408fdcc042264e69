// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func entry(principal, action, scope, when string, granted logs.Outcome) *logs.Entry {
	e := logs.Entry{
		Log: logs.KeyVault, Category: []byte("AuditEvent"), Principal: []byte(principal), Action: []byte(action), Plane: mivet.PlaneData,
		Scope: []byte(scope), Granted: granted, Count: 1, Resource: []byte("/v"), AppID: []byte("app"), Caller: []byte("10.0.0.1"),
	}
	if when != "" {
		e.Time = at(when)
	}
	return &e
}

// summary is what was counted, in order.
func summary(a *Aggregator) *Summary {
	s := a.Summary()
	s.sort()
	return s
}

func TestAggregatorCounts(t *testing.T) {
	a := NewAggregator()
	a.Add(entry("P", "get", "/v/s", "2026-11-02T10:00:00Z", logs.Granted))
	a.Add(entry("p", "get", "/v/s", "2026-11-02T08:00:00Z", logs.Refused))
	a.Add(entry("p", "get", "/v/s", "2026-11-03T00:00:00Z", logs.Undecided))
	a.Add(entry("p", "get", "/v/s", "", logs.Granted))
	many := entry("p", "set", "/v/s", "2026-11-03T00:00:00Z", logs.Granted)
	many.Count = 9
	a.Add(many)
	got := summary(a)
	fact := func(action string, day Day, c Counts) Fact {
		return Fact{Principal: "p", Log: logs.KeyVault, Action: action, Plane: mivet.PlaneData, Scope: "/v/s", Day: day, Counts: c}
	}
	d2, d3 := at("2026-11-02T00:00:00Z"), at("2026-11-03T00:00:00Z")
	want := []Fact{
		fact("get", NoDay, Counts{Granted: 1}),
		fact("get", DayOf(d2), Counts{Granted: 1, Refused: 1, First: at("2026-11-02T08:00:00Z"), Last: at("2026-11-02T10:00:00Z")}),
		fact("get", DayOf(d3), Counts{Undecided: 1, First: d3, Last: d3}),
		fact("set", DayOf(d3), Counts{Granted: 9, First: d3, Last: d3}),
	}
	if diff := cmp.Diff(want, got.Facts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Entries != 5 || want[1].Total() != 2 {
		t.Errorf("%d entries", got.Entries)
	}
	if diff := cmp.Diff([]Seen{{Log: logs.KeyVault, Category: "AuditEvent", Resource: "/v", Entries: 5, First: DayOf(d2), Last: DayOf(d3)}}, got.Seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	if len(got.Origins) != 1 || got.Origins[0].Total() != 13 || got.Origins[0].Principal != "p" {
		t.Errorf("origins %+v", got.Origins)
	}
}

// An application stands for the principal where the log names no other; what names neither
// is counted by its reason.
func TestAggregatorWithoutPrincipal(t *testing.T) {
	a := NewAggregator()
	sent := entry("", "send", "/b", "2026-11-02T10:00:00Z", logs.Granted)
	sent.Reason, sent.AppID = logs.NoPrincipal, []byte("APP-1")
	a.Add(sent)
	key := entry("", "", "/b", "2026-11-02T10:00:00Z", logs.Undecided)
	key.Reason = logs.NoIdentity
	a.Add(key)
	a.Add(key)
	strange := entry("p", "", "/b", "2026-11-02T10:00:00Z", logs.Undecided)
	strange.Reason, strange.Operation = logs.UnknownOperation, []byte("Frob")
	a.Add(strange)
	token := entry("p", "", "", "2026-11-02T10:00:00Z", logs.Undecided)
	token.Log, token.Reason, token.Credential = logs.SignIn, logs.TokenOnly, []byte("fic")
	a.Add(token)
	s := summary(a)
	if len(s.Facts) != 1 || s.Facts[0].App != "app-1" || s.Facts[0].Principal != "" || s.Facts[0].Granted != 1 {
		t.Errorf("facts %+v", s.Facts)
	}
	want := []Unmapped{
		{Log: logs.KeyVault, Category: "AuditEvent", Reason: logs.NoIdentity, Entries: 2},
		{Log: logs.KeyVault, Category: "AuditEvent", Reason: logs.UnknownOperation, Operation: "Frob", Entries: 1},
		{Log: logs.SignIn, Category: "AuditEvent", Reason: logs.TokenOnly, Entries: 1},
	}
	if diff := cmp.Diff(want, s.Unmapped); diff != "" {
		t.Errorf("unmapped (-want +got):\n%s", diff)
	}
	if !slices.ContainsFunc(s.Origins, func(o Origin) bool { return o.Principal == "p" && o.Credential == "fic" }) {
		t.Errorf("the sign-in left no origin: %+v", s.Origins)
	}
}

// Started, accepted and succeeded are one call; a refusal counts more than all.
func TestAggregatorCountsCallsOnce(t *testing.T) {
	for name, c := range map[string]struct {
		outcomes []logs.Outcome
		want     Counts
	}{
		"succeeded": {[]logs.Outcome{logs.Undecided, logs.Granted, logs.Granted}, Counts{Granted: 1}},
		"late":      {[]logs.Outcome{logs.Granted, logs.Undecided}, Counts{Granted: 1}},
		"refused":   {[]logs.Outcome{logs.Undecided, logs.Granted, logs.Refused, logs.Granted}, Counts{Refused: 1}},
		"started":   {[]logs.Outcome{logs.Undecided}, Counts{Undecided: 1}},
	} {
		a := NewAggregator()
		for i, o := range c.outcomes {
			e := entry("p", "write", "/s", fmt.Sprintf("2026-11-02T10:00:0%dZ", i), o)
			e.Log, e.Correlation, e.Call = logs.Activity, []byte("c"), []byte("o")
			a.Add(e)
		}
		c.want.First, c.want.Last = at("2026-11-02T10:00:00Z"), at("2026-11-02T10:00:00Z").Add(time.Duration(len(c.outcomes)-1)*time.Second)
		if f := summary(a).Facts; len(f) != 1 || f[0].Counts != c.want {
			t.Errorf("%s: %+v", name, f)
		}
	}
	a := NewAggregator()
	for _, call := range []string{"1", "2"} {
		e := entry("p", "write", "/s", "2026-11-02T10:00:00Z", logs.Granted)
		e.Log, e.Correlation, e.Call = logs.Activity, []byte("c"), []byte(call)
		a.Add(e)
	}
	if f := summary(a).Facts; len(f) != 1 || f[0].Granted != 2 {
		t.Errorf("two calls: %+v", f)
	}
}

func TestRepeated(t *testing.T) {
	a, b := NewAggregator(), NewAggregator()
	a.Repeated()
	b.Repeated()
	a.Merge(b)
	if s := summary(a); s.Repeated != 2 || s.Entries != 0 {
		t.Errorf("%+v", s)
	}
}

// What is kept beside the facts is bounded.
func TestAggregatorIsBounded(t *testing.T) {
	a := NewAggregator()
	for i := range 3 * maxOrigins {
		e := entry("p", "get", "/v", "2026-11-02T10:00:00Z", logs.Granted)
		e.Caller = fmt.Append(nil, i)
		a.Add(e)
	}
	for i := range maxUnmapped + 100 {
		e := entry("", "", "/v", "2026-11-02T10:00:00Z", logs.Granted)
		e.Reason, e.Operation = logs.UnknownOperation, fmt.Append(nil, i)
		a.Add(e)
	}
	s := summary(a)
	last := s.Origins[len(s.Origins)-1]
	if len(s.Origins) != maxOrigins+1 || !last.More || last.Granted != 2*maxOrigins {
		t.Errorf("%d origins, the last %+v", len(s.Origins), last)
	}
	sum := int64(0)
	for _, u := range s.Unmapped {
		sum += u.Entries
	}
	if len(s.Unmapped) != maxUnmapped+1 || sum != maxUnmapped+100 {
		t.Errorf("%d kinds of unmapped entries, %d in sum", len(s.Unmapped), sum)
	}
}

// What several entries tell of one call is counted once, however they are shared out and in
// whatever order they come: on the day on which it began.
func TestCallsThatAreSharedOut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var entries []*logs.Entry
		for call := range 5 {
			for i := range 1 + random.IntN(4) {
				e := entry("p", fmt.Sprint("write", call%2), "/s", fmt.Sprintf("2026-11-02T23:5%d:00Z", 9-call-i), logs.Outcome(random.IntN(3)))
				if random.IntN(3) == 0 {
					e.Time = e.Time.Add(time.Hour)
				}
				e.Log, e.Correlation, e.Call = logs.Activity, fmt.Append(nil, "c", call), []byte("o")
				entries = append(entries, e)
			}
		}
		one, parts := NewAggregator(), []*Aggregator{NewAggregator(), NewAggregator(), NewAggregator()}
		for _, e := range entries {
			one.Add(e)
		}
		random.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		for _, e := range entries {
			parts[random.IntN(len(parts))].Add(e)
		}
		for _, p := range parts[1:] {
			parts[0].Merge(p)
		}
		want, got := summary(one).Facts, summary(parts[0]).Facts
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-one +merged):\n%s", diff)
		}
		sum := int64(0)
		for i := range got {
			sum += got[i].Total()
		}
		if sum != 5 {
			t.Fatalf("%d calls, expected 5: %+v", sum, got)
		}
	}
}

// Habits that are too many are forgotten, and nothing is counted otherwise.
func TestHabitsAreBounded(t *testing.T) {
	a := NewAggregator()
	const n = maxHabits + 100
	e := entry("p", "get", "/v", "2026-11-02T10:00:00Z", logs.Granted)
	for i := range n {
		e.Scope = fmt.Append(e.Scope[:0], "/v/", i)
		for day := range 6 {
			if i%1000 == 0 || day < 2 {
				e.Time = at("2026-11-02T10:00:00Z").Add(time.Duration(day%5) * 24 * time.Hour)
				a.Add(e)
			}
		}
	}
	s := summary(a)
	if len(a.habits.list) > maxHabits || len(s.Facts) != 2*n+3*(n/1000+1) || s.Facts[0].Granted != 2 || s.Origins[0].Granted != 2*n+4*(n/1000+1) {
		t.Errorf("%d habits, %d facts, %+v", len(a.habits.list), len(s.Facts), s.Origins)
	}
}

// Texts that would be alike when they are put one behind the other are told apart.
func TestTextsAreToldApart(t *testing.T) {
	a := NewAggregator()
	for _, c := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"a\x00", "c"}, {"a", "\x00c"}} {
		e := entry("p", c[0], "/s"+c[1], "2026-11-02T10:00:00Z", logs.Granted)
		e.Host, e.Caller = []byte(c[0]), []byte(c[1])
		a.Add(e)
	}
	if s := summary(a); len(s.Facts) != 5 || len(s.Origins) != 5 {
		t.Errorf("%d facts, %d origins", len(s.Facts), len(s.Origins))
	}
}

// The table of facts is a map from keys to rows.
func TestTable(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	var facts table
	rows := map[factKey]int32{}
	for range 20_000 {
		k := factKey{random.Uint32N(30), random.Uint32N(5), random.Uint32N(50), []Day{NoDay, -1, 0, 20_000}[random.IntN(4)]}
		row := facts.row(k)
		if want, known := rows[k]; known && row != want || !known && int(row) != len(rows) {
			t.Fatalf("%+v is in row %d of %d, expected %d (%v)", k, row, len(rows), want, known)
		}
		rows[k] = row
	}
	if len(facts.rows) != len(rows) || 2*len(facts.rows) > len(facts.index) {
		t.Errorf("%d rows in %d places, expected %d", len(facts.rows), len(facts.index), len(rows))
	}
	for k, row := range rows {
		if facts.rows[row].factKey != k {
			t.Errorf("row %d: %+v, expected %+v", row, facts.rows[row].factKey, k)
		}
	}
}

func TestTimesOfFacts(t *testing.T) {
	f := func(times []string, first, last string) {
		t.Helper()
		facts := table{}
		row := facts.row(factKey{})
		for _, s := range times {
			var when time.Time
			if s != "" {
				when = at(s)
			}
			facts.rows[row].at(when)
		}
		c := facts.rows[row].counts()
		for what, pair := range map[string][2]string{"first": {first, c.First.Format(time.RFC3339Nano)}, "last": {last, c.Last.Format(time.RFC3339Nano)}} {
			if pair[0] != pair[1] {
				t.Errorf("%v: %s %s, expected %s", times, what, pair[1], pair[0])
			}
		}
	}
	const none = "0001-01-01T00:00:00Z"
	f(nil, none, none)
	f([]string{""}, none, none)
	f([]string{"2026-11-02T10:00:00.1234567Z", "", "2026-11-02T10:00:00.000000001Z"}, "2026-11-02T10:00:00.000000001Z", "2026-11-02T10:00:00.1234567Z")
	f([]string{"1969-12-31T23:59:59.5Z"}, "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z")
	f([]string{"0022-01-01T00:00:00Z", "9999-01-01T00:00:00Z"}, "1677-09-21T00:12:43.145224192Z", "2262-04-11T23:47:16.854775807Z")
}

// Facts are put in order as a plain sort does it.
func TestOrderFacts(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	word := func() string { return []string{"", "a", "b", "ab", "c"}[random.IntN(5)] }
	for range 100 {
		var facts []Fact
		for range random.IntN(60) {
			facts = append(facts, Fact{
				Principal: word(), App: word(), Log: logs.Log(random.IntN(3)), Action: word(), Plane: mivet.Plane(random.IntN(3)), Scope: word(),
				Day: []Day{NoDay, -5, 0, 7}[random.IntN(4)], Counts: Counts{Granted: 1},
			})
		}
		want := together(slices.Clone(facts), compareFacts, func(a, b *Fact) { a.Merge(&b.Counts) })
		got := orderFacts(facts)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, orderFacts(slices.Clone(got))); diff != "" {
			t.Fatalf("again (-want +got):\n%s", diff)
		}
	}
}

// Entries that are shared out and put together again give the same.
func TestMerge(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	one, parts := NewAggregator(), []*Aggregator{NewAggregator(), NewAggregator(), NewAggregator()}
	for range 2000 {
		e := entry(fmt.Sprint("p", random.IntN(5)), fmt.Sprint("a", random.IntN(4)), fmt.Sprint("/s", random.IntN(6)), fmt.Sprintf("2026-11-0%dT0%d:00:00Z", 1+random.IntN(5), random.IntN(9)), logs.Outcome(random.IntN(3)))
		e.Caller = fmt.Append(nil, random.IntN(3))
		if random.IntN(5) == 0 {
			e.Reason = logs.NoIdentity
		}
		one.Add(e)
		parts[random.IntN(len(parts))].Add(e)
	}
	for _, p := range parts[1:] {
		parts[0].Merge(p)
	}
	if diff := cmp.Diff(summary(one), summary(parts[0])); diff != "" {
		t.Errorf("(-one +merged):\n%s", diff)
	}
}

func TestMergeKeepsBounds(t *testing.T) {
	var parts [2]*Aggregator
	for p := range parts {
		parts[p] = NewAggregator()
		for i := range maxOrigins + 1 {
			e := entry("p", "get", "/v", "2026-11-02T10:00:00Z", logs.Granted)
			e.Caller = fmt.Append(nil, p, i)
			parts[p].Add(e)
		}
	}
	parts[0].Merge(parts[1])
	s := summary(parts[0])
	if last := s.Origins[len(s.Origins)-1]; len(s.Origins) != maxOrigins+1 || last.Granted != maxOrigins+2 {
		t.Errorf("%d origins, the last %+v", len(s.Origins), last)
	}
}

func TestDay(t *testing.T) {
	for text, want := range map[string]string{"2026-11-02T23:59:59Z": "2026-11-02", "1970-01-01T00:00:00Z": "1970-01-01", "1969-12-31T23:59:59Z": "1969-12-31", "1969-12-31T00:00:00Z": "1969-12-31"} {
		d := DayOf(at(text))
		if d.String() != want {
			t.Errorf("%s: %s", text, d)
		}
		var back Day
		if b, err := d.MarshalText(); err != nil || back.UnmarshalText(b) != nil || back != d {
			t.Errorf("%s: read back as %s", text, back)
		}
	}
	if DayOf(time.Time{}) != NoDay || NoDay.String() != "" {
		t.Error("the zero time has a day")
	}
	var d Day
	if err := d.UnmarshalText(nil); err != nil || d != NoDay {
		t.Errorf("no text: %v (%v)", d, err)
	}
	if err := d.UnmarshalText([]byte("moon")); err == nil || !strings.Contains(err.Error(), "reading a day") {
		t.Errorf("%v", err)
	}
}

func BenchmarkAdd(b *testing.B) {
	a := NewAggregator()
	e := entry("6b0a1c52-7a1f-4a57-9d5b-0c0c4f4a0001", "Microsoft.KeyVault/vaults/secrets/getSecret/action", "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourcegroups/shop/providers/microsoft.keyvault/vaults/kv/secrets/a", "2026-11-02T10:00:00Z", logs.Granted)
	b.ReportAllocs()
	for b.Loop() {
		a.Add(e)
	}
}
