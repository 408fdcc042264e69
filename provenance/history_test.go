// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/provenance"
)

// grantEntry is a call about the grant of the tests as a diagnostic export has it.
func grantEntry(at, verb, status, code, body string) string {
	return fmt.Sprintf(`{"time":%q,"resourceId":%q,"operationName":"Microsoft.Authorization/roleAssignments/%s","category":"Administrative","resultType":%q,"correlationId":%q,"identity":{"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":%q}},"properties":{"statusCode":%q,"requestbody":%q}}`+"\n",
		at, grantID, verb, status, at+verb, alice, code, body)
}

var webBody = `{"Id":"33333333-0000-4000-8000-000000000001","Properties":{"PrincipalId":"` + string(web) + `","RoleDefinitionId":"/x/` + secretsUser + `","Scope":"` + vault + `"}}`

// noise is an entry of the subscription that tells of no grant.
func noise(at string) string {
	return `{"time":"` + at + `","category":"Administrative","operationName":"Microsoft.Storage/storageAccounts/write","resourceId":"` + group + `/providers/Microsoft.Storage/storageAccounts/other","resultType":"Success"}` + "\n"
}

var withoutGrant = strings.Replace(shop, "assign web", "# assign web", 1)

func TestHistory(t *testing.T) {
	const taken = "2026-11-20T06:00:00Z"
	// Each answer is one tenure: from, to, as they are told.
	f := func(name, tenantText, log string, wants ...string) {
		t.Helper()
		l := provenance.NewLog(read(t, tenantText))
		entries(t, l, log)
		var got []string
		for _, n := range l.History(when(t, taken)).Tenures {
			got = append(got, tell(&n))
		}
		if !slices.Equal(got, wants) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(wants, "\n"))
		}
	}
	made := strings.Replace(shop, "id=33333333", "created=2026-05-08T16:42:10Z id=33333333", 1)
	write, remove := grantEntry("2026-05-08T16:42:12Z", "write", "Success", "Created", webBody), grantEntry("2026-06-01T00:00:00Z", "delete", "Success", "OK", "")
	f("nothing is told", shop, "", "web ?.."+taken+" to now")
	f("the snapshot tells", made, "", "web 2026-05-08T16:42:10Z to now")
	f("both tell", made, write, "web 2026-05-08T16:42:12Z to now")
	f("the log tells", shop, write, "web 2026-05-08T16:42:12Z to now")
	f("before the log", shop, noise("2026-05-01T00:00:00Z"), "web ?..2026-05-01T00:00:00Z to now")
	f("removed", withoutGrant, write+remove, "web 2026-05-08T16:42:12Z to 2026-06-01T00:00:00Z")
	f("removed, made before the log", withoutGrant, noise("2026-05-01T00:00:00Z")+remove, "unknown ?..2026-05-01T00:00:00Z to 2026-06-01T00:00:00Z")
	f("removed by an entry that alone is there", withoutGrant, remove, "unknown ?..2026-06-01T00:00:00Z to 2026-06-01T00:00:00Z")
	f("removed by an entry with the answer", withoutGrant, strings.Replace(remove, `"requestbody":""`, `"responseBody":`+fmt.Sprintf("%q", webBody), 1), "web ?..2026-06-01T00:00:00Z to 2026-06-01T00:00:00Z")
	f("removed and made again", made, grantEntry("2026-03-01T00:00:00Z", "write", "Success", "Created", webBody)+grantEntry("2026-04-01T00:00:00Z", "delete", "Success", "OK", "")+write,
		"web 2026-03-01T00:00:00Z to 2026-04-01T00:00:00Z", "web 2026-05-08T16:42:12Z to now")
	f("made again without a trace", made, grantEntry("2026-03-01T00:00:00Z", "write", "Success", "Created", webBody),
		"web 2026-03-01T00:00:00Z to 2026-03-01T00:00:00Z..2026-05-08T16:42:10Z", "web 2026-05-08T16:42:10Z to now")
	f("gone without a trace", withoutGrant, write, "web 2026-05-08T16:42:12Z to 2026-05-08T16:42:12Z.."+taken)
	f("failed", withoutGrant, grantEntry("2026-05-08T16:42:12Z", "write", "Failure", "Conflict", webBody))
	f("only begun", withoutGrant, grantEntry("2026-05-08T16:42:12Z", "write", "Start", "", webBody))
	f("nothing to remove", withoutGrant, grantEntry("2026-06-01T00:00:00Z", "delete", "Success", "NoContent", ""))
	f("changed, not made", shop, grantEntry("2026-06-01T00:00:00Z", "write", "Success", "OK", webBody), "web ?..2026-06-01T00:00:00Z to now")
	f("written after the snapshot", withoutGrant, grantEntry("2026-11-21T00:00:00Z", "write", "Success", "Created", webBody), "web 2026-11-21T00:00:00Z to now")
	f("removed after the snapshot", made, grantEntry("2026-11-21T00:00:00Z", "delete", "Success", "OK", ""), "web 2026-05-08T16:42:10Z to 2026-11-21T00:00:00Z")
	f("the day of a text", strings.Replace(shop, "id=33333333", "created=2026-05-08 id=33333333", 1), write, "web 2026-05-08T16:42:12Z to now")
	f("another name for the same grant", strings.Replace(shop, "id=33333333-0000-4000-8000-000000000001", "", 1), write, "web 2026-05-08T16:42:12Z to now")
	f("until a day", strings.Replace(made, "created=", "until=2026-06-30 created=", 1), "", "web 2026-05-08T16:42:10Z to 2026-06-30T00:00:00Z")
	f("not read", "tenant t taken="+taken+"\nsubscription main id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01\ngap \"role assignments\" reason=\"denied\"\n", write, "web 2026-05-08T16:42:12Z to now")
}

// tell writes a tenure in one line.
func tell(n *provenance.Tenure) string {
	bounds := func(b provenance.Bounds) string {
		one := func(t time.Time) string {
			if t.IsZero() {
				return "?"
			}
			return t.UTC().Format(time.RFC3339)
		}
		if b.Exact() {
			return one(b.Latest)
		}
		return one(b.Earliest) + ".." + one(b.Latest)
	}
	who := "web"
	if n.Unknown() {
		who = "unknown"
	}
	if n.Lasts {
		return who + " " + bounds(n.From) + " to now"
	}
	return who + " " + bounds(n.From) + " to " + bounds(n.To)
}

func TestActivationEndsByItself(t *testing.T) {
	const body = `{"properties":{"principalId":"11111111-0000-4000-8000-000000000001","roleDefinitionId":"/x/b24988ac-6180-42a0-ab88-20f7382dd24c","requestType":"SelfActivate","scheduleInfo":{"startDateTime":"2026-05-08T10:00:00Z","expiration":{"type":"AfterDuration","duration":"PT8H"}}}}`
	entry := func(body string) string {
		return fmt.Sprintf(`{"time":"2026-05-08T10:00:05Z","resourceId":%q,"operationName":"Microsoft.Authorization/roleAssignmentScheduleRequests/write","category":"Administrative","resultType":"Success","correlationId":"p","properties":{"requestbody":%q}}`,
			group+"/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/44444444-0000-4000-8000-000000000001", body)
	}
	l := provenance.NewLog(read(t, withoutGrant))
	entries(t, l, entry(body))
	all := l.History(when(t, "2026-11-20T06:00:00Z")).Of(web)
	if len(all) != 1 || tell(&all[0]) != "web 2026-05-08T10:00:05Z to 2026-05-08T18:00:05Z" {
		t.Errorf("%+v", all)
	}
	for _, other := range []string{strings.Replace(body, "SelfActivate", "SelfDeactivate", 1), `{"properties":{}}`, `{`} {
		l := provenance.NewLog(read(t, withoutGrant))
		entries(t, l, entry(other))
		if n := len(l.History(when(t, "2026-11-20T06:00:00Z")).Tenures); n != 0 {
			t.Errorf("%s: %d tenures", other, n)
		}
	}
}

// A slow reference: all courses of one assignment over a few days that agree with what is
// told. What holds in all of them is sure, what holds in one is possible.

const days = 8

// course is one of them: bit d says that the assignment was there after the change of day d.
type course uint16

func (c course) after(d int) bool { return c&(1<<d) != 0 }

// event is a logged call of a day; 0 none.
type event uint8

const (
	quiet event = iota
	makes
	updates
	removes
)

// told is what the log and the snapshot say.
type told struct {
	begin   int // the first day of the log
	events  [days]event
	taken   int // after the changes of which day the snapshot was taken
	there   bool
	created int // the day by the snapshot, -1: not told
}

// agrees reports whether a course is possible. Before the log it may have begun once.
func (x *told) agrees(c course) bool {
	was := false
	for d := range days {
		is := c.after(d)
		switch {
		case d < x.begin:
			if was && !is {
				return false
			}
		case x.events[d] == quiet && is != was, x.events[d] == makes && (was || !is), x.events[d] == updates && !is, x.events[d] == removes && (is || !was):
			return false
		}
		if x.created == d && (was || !is) {
			return false
		}
		was = is
	}
	return c.after(x.taken) == x.there
}

func TestHistoryAgainstAllCourses(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	day := func(d int) time.Time { return time.Date(2026, 5, 1+d, 12, 0, 0, 0, time.UTC) }
	for range 1200 {
		x := random(r)
		if !x.there && x.events == ([days]event{}) {
			continue // nothing speaks of it: no answer can
		}
		text := shop
		if x.created >= 0 {
			text = strings.Replace(text, "id=33333333", "created="+day(x.created).Format(time.RFC3339)+" id=33333333", 1)
		}
		if !x.there {
			text = withoutGrant
		}
		taken := day(x.taken).Add(2 * time.Hour)
		text = strings.Replace(text, "taken=2026-11-20T06:00:00Z", "taken="+taken.Format(time.RFC3339), 1)
		l := provenance.NewLog(read(t, text))
		lines := []string{noise(day(x.begin - 1).Add(time.Hour).Format(time.RFC3339)), noise(day(days).Format(time.RFC3339))}
		for d, e := range x.events {
			at := day(d).Format(time.RFC3339)
			switch e {
			case makes:
				lines = append(lines, grantEntry(at, "write", "Start", "", webBody), grantEntry(at, "write", "Success", "Created", ""))
			case updates:
				lines = append(lines, grantEntry(at, "write", "Success", "OK", webBody))
			case removes:
				lines = append(lines, grantEntry(at, "delete", "Start", "", ""), grantEntry(at, "delete", "Success", "OK", ""))
			case quiet:
			}
		}
		lines = append(lines, lines[r.IntN(len(lines))]) // delivered twice, and in any order
		r.Shuffle(len(lines), func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
		entries(t, l, strings.Join(lines, ""))
		check(t, &x, l.History(taken), day)
		if t.Failed() {
			t.Fatalf("%+v", x)
		}
	}
}

// random draws a course and what is told of it.
func random(r *rand.Rand) told {
	x := told{begin: r.IntN(4), taken: r.IntN(days), created: -1}
	was, last := false, -1
	for d := range days {
		is := was
		if r.IntN(3) == 0 {
			is = !was
			if d < x.begin {
				is = true
			}
		}
		switch {
		case is && !was:
			if d >= x.begin {
				x.events[d] = makes
			}
			if d <= x.taken {
				last = d
			}
		case was && !is:
			x.events[d] = removes
		case is && d >= x.begin && r.IntN(6) == 0:
			x.events[d] = updates
		}
		if was = is; d == x.taken {
			x.there = is
		}
	}
	if x.there && r.IntN(2) == 0 {
		x.created = last
	}
	return x
}

// check holds the presence at each day against all courses.
func check(t *testing.T, x *told, h *provenance.History, day func(int) time.Time) {
	t.Helper()
	var always, ever [days]bool
	for d := range always {
		always[d] = true
	}
	for c := range course(1 << days) {
		if !x.agrees(c) {
			continue
		}
		for d := range days {
			always[d] = always[d] && c.after(d)
			ever[d] = ever[d] || c.after(d)
		}
	}
	for d := range days {
		want := provenance.Absent
		switch {
		case always[d]:
			want = provenance.Present
		case ever[d]:
			want = provenance.Possible
		}
		got := provenance.Absent
		for i := range h.Tenures {
			got = max(got, h.Tenures[i].Presence(day(d).Add(2*time.Hour)))
		}
		if got != want {
			t.Errorf("day %d: %d, want %d", d, got, want)
		}
	}
}

func TestSnapshotOfThePast(t *testing.T) {
	l := provenance.NewLog(read(t, withoutGrant))
	entries(t, l, noise("2026-05-01T00:00:00Z")+grantEntry("2026-05-08T16:42:12Z", "write", "Success", "Created", webBody)+grantEntry("2026-06-01T00:00:00Z", "delete", "Success", "OK", "")+
		strings.ReplaceAll(grantEntry("2026-07-01T00:00:00Z", "delete", "Success", "OK", ""), "33333333", "55555555"))
	h := l.History(when(t, "2026-11-20T06:00:00Z"))
	f := func(at string, grants, gaps int) {
		t.Helper()
		s := h.At(when(t, at), web)
		if len(s.RoleAssignments) != grants || len(s.Gaps) != gaps {
			t.Errorf("%s: %d grants, %d gaps: %+v", at, len(s.RoleAssignments), len(s.Gaps), s.Gaps)
		}
	}
	f("2026-04-30T00:00:00Z", 0, 1) // the one that was removed in July may have been there
	f("2026-05-08T16:42:11Z", 0, 1)
	f("2026-05-08T16:42:12Z", 1, 1)
	f("2026-06-01T00:00:00Z", 0, 1)
	f("2026-07-02T00:00:00Z", 0, 0)
	if n := len(provenance.Changes(h.Tenures)); n != 4 {
		t.Errorf("%d changes: %v", n, provenance.Changes(h.Tenures))
	}
	possible := provenance.NewLog(read(t, shop)).History(when(t, "2026-11-20T06:00:00Z")).At(when(t, "2026-05-01T00:00:00Z"), web)
	if len(possible.RoleAssignments) != 1 || !possible.RoleAssignments[0].ConditionUnknown {
		t.Errorf("what may have been there is not sure: %+v", possible.RoleAssignments)
	}
	if other := h.At(when(t, "2026-05-20T00:00:00Z"), mivet.PrincipalID("nobody")); len(other.RoleAssignments) != 0 {
		t.Error("a grant of somebody else")
	}
}
