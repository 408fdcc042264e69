// SPDX-License-Identifier: Apache-2.0

package forensics_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/forensics"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/usage"
)

// examine asks about web on the eighth of November.
func examine(t *testing.T, text, log string, change func(*forensics.Query)) *forensics.Report {
	t.Helper()
	s := read(t, text)
	q := forensics.Query{
		Snapshot: s, Catalog: cat(), Principal: web, From: when(t, "2026-11-08T00:00:00Z"), To: when(t, "2026-11-09T00:00:00Z"), Log: provenance.NewLog(s),
		Trace: forensics.NewTrace(s, func(d *forensics.Doing) bool { return d.Principal == web }),
	}
	counts := usage.NewAggregator()
	each(t, log, func(e *logs.Entry, text []byte, at mivet.Source) {
		q.Log.Add(e, text, at)
		q.Trace.Add(e, text, at)
		counts.Add(e)
	})
	q.Logs = counts.Summary()
	if change != nil {
		change(&q)
	}
	return forensics.Examine(&q)
}

// usual is what web does each noon of the three weeks before.
func usual() string {
	var b strings.Builder
	for d := 18; d < 39; d++ {
		at := time.Date(2026, 10, d, 12, 0, 0, 0, time.UTC).Format(time.RFC3339)
		b.WriteString(secretCall(at, web, "SecretGet", "db", 200, "10.0.0.4"))
	}
	return b.String()
}

// lines are what a report tells, without what the test does not ask for.
func lines(r *forensics.Report) []string {
	var out []string
	for _, l := range r.Lines {
		var s strings.Builder
		s.WriteString(fmt.Sprintf("%s %d %s@%s", l.Class, l.Count, l.Operation, l.Scope.Name()))
		for _, o := range l.Odd {
			s.WriteString(" " + string(o))
		}
		if l.By != nil {
			s.WriteString(" by " + l.By.RoleName + "@" + l.By.Scope.Name())
		}
		if !l.Sure {
			s.WriteString(" unsure")
		}
		if l.Note != "" {
			s.WriteString(": " + l.Note)
		}
		out = append(out, s.String())
	}
	return out
}

const held = "assign web \"Key Vault Secrets User\" db created=2026-01-01\n"

func TestExamine(t *testing.T) {
	f := func(name, text, log string, wants ...string) {
		t.Helper()
		if got := lines(examine(t, text, log, nil)); !slices.Equal(got, wants) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(wants, "\n"))
		}
	}
	noon := "2026-11-08T12:00:00Z"
	get := func(at, secret string, status int, address string) string {
		return secretCall(at, web, "SecretGet", secret, status, address)
	}
	const by = " by Key Vault Secrets User@db"
	const unread = ": by an assignment, a group or an access list that was not read, or that is gone without a trace in the log"
	f("as usual", shop+held, usual()+get(noon, "db", 200, "10.0.0.4"), "expected 1 SecretGet@db"+by)
	f("another principal is not told", shop+held, usual()+secretCall(noon, other, "SecretGet", "db", 200, "10.0.0.4"))
	f("before and after the window", shop+held, usual()+get("2026-11-09T00:00:00Z", "db", 200, "10.0.0.4"))
	f("no pattern, nothing new", shop+held, get("2026-11-08T03:00:00Z", "db", 200, "203.0.113.9"), "expected 1 SecretGet@db"+by)
	f("a new operation", shop+held, usual()+secretCall(noon, web, "SecretListVersions", "db", 200, "10.0.0.4"), "outside 1 SecretListVersions@db operation"+by)
	f("a new network", shop+held, usual()+get(noon, "db", 200, "203.0.113.9"), "outside 1 SecretGet@db address"+by)
	f("the same network", shop+held, usual()+get(noon, "db", 200, "10.0.0.77"), "expected 1 SecretGet@db"+by)
	f("a new hour", shop+held, usual()+get("2026-11-08T03:00:00Z", "db", 200, "10.0.0.4"), "outside 1 SecretGet@db hour"+by)
	f("an hour beside", shop+held, usual()+get("2026-11-08T13:59:00Z", "db", 200, "10.0.0.4"), "expected 1 SecretGet@db"+by)
	f("refused", shop+held, usual()+get(noon, "none", 403, "10.0.0.4"), "refused 1 SecretGet@none scope")
	f("refused though it holds the right", shop+held, usual()+get(noon, "db", 403, "10.0.0.4"),
		"refused 1 SecretGet@db"+by+": by what is known it was allowed: a token older than the grant, a rule of the network, or a denial that was not read")
	f("granted by nothing that is known", shop, usual()+get(noon, "db", 200, "10.0.0.4"), "unexplained 1 SecretGet@db"+unread)
	f("delivered twice", shop+held, usual()+strings.Repeat(get(noon, "db", 200, "10.0.0.4"), 2), "expected 1 SecretGet@db"+by)

	// Grants of that time, not of today.
	allow, deny := grant("2026-11-08T02:00:00Z", web, secretsUser, vault), revoke("2026-11-08T03:00:00Z", secretsUser, vault)
	f("by a grant that is gone", shop, usual()+allow+deny+get("2026-11-08T02:30:00Z", "x", 200, "10.0.0.4"), "outside 1 SecretGet@x scope hour by Key Vault Secrets User@kv")
	f("before the grant", shop, usual()+allow+deny+get("2026-11-08T01:30:00Z", "x", 403, "10.0.0.4"), "refused 1 SecretGet@x scope hour")
	f("long after the removal", shop, usual()+allow+deny+get("2026-11-08T03:30:00Z", "x", 200, "10.0.0.4"), "unexplained 1 SecretGet@x scope hour"+unread)
	f("just after the removal", shop, usual()+allow+deny+get("2026-11-08T03:04:00Z", "x", 200, "10.0.0.4"),
		"unexplained 1 SecretGet@x scope hour: a grant that gave it was removed less than ten minutes before: the removal was not felt everywhere yet")
	f("just after the grant", shop, usual()+allow+deny+get("2026-11-08T02:05:00Z", "x", 403, "10.0.0.4"),
		"refused 1 SecretGet@x scope hour by Key Vault Secrets User@kv: the grant was made less than ten minutes before: it was not felt everywhere yet")
	f("through the group", strings.Replace(shop+held, "assign web", "assign team", 1), usual()+get(noon, "db", 200, "10.0.0.4"), "expected 1 SecretGet@db"+by)
	f("of a grant that was made later", strings.Replace(shop+held, "2026-01-01", "2026-11-10T00:00:00Z", 1), usual()+get(noon, "db", 200, "10.0.0.4"), "unexplained 1 SecretGet@db"+unread)
	f("made at a time that is not told", strings.Replace(shop+held, " created=2026-01-01", "", 1), usual()+get(noon, "db", 200, "10.0.0.4"),
		"expected 1 SecretGet@db unsure: whether it was allowed then is not known; Azure granted it")
	f("removed by its name alone", shop, usual()+get(noon, "db", 200, "10.0.0.4")+revoke("2026-11-08T20:00:00Z", secretsUser, vault),
		"expected 1 SecretGet@db unsure: whether it was allowed then is not known; Azure granted it")
	// What was agreed on.
	f("an access test forbids it", shop+held+"cannot web Microsoft.KeyVault/vaults/secrets/getSecret/action kv data\n", usual()+get(noon, "db", 200, "10.0.0.4"), "outside 1 SecretGet@db test"+by)
	f("an access test of something else", shop+held+"cannot web Microsoft.KeyVault/vaults/secrets/delete kv data\n", usual()+get(noon, "db", 200, "10.0.0.4"), "expected 1 SecretGet@db"+by)
	// The activity log: two entries of one call are one doing.
	f("through Resource Manager", shop+"assign web Contributor shop created=2026-01-01\n", usual()+failure("2026-11-08T12:00:00Z"),
		"refused 1 Microsoft.Storage/storageAccounts/write@a operation by Contributor@shop: by what is known it was allowed: a token older than the grant, a rule of the network, or a denial that was not read")
	f("only begun", shop+held, usual()+strings.Split(failure("2026-11-08T12:00:00Z"), "\n")[0], "undecided 1 Microsoft.Storage/storageAccounts/write@a operation")
}

func TestExamineAgainstAContract(t *testing.T) {
	r := examine(t, shop+held, usual()+secretCall("2026-11-08T12:00:00Z", web, "SecretGet", "db", 200, "10.0.0.4"), func(q *forensics.Query) {
		q.Ceiling = authz.New(read(t, shop), authz.Options{Catalog: cat()})
	})
	if got := lines(r); !slices.Equal(got, []string{"outside 1 SecretGet@db contract by Key Vault Secrets User@db"}) {
		t.Errorf("%v", got)
	}
}

func TestIntervals(t *testing.T) {
	r := examine(t, shop+held, usual()+grant("2026-11-08T02:00:00Z", web, secretsUser, vault)+revoke("2026-11-08T03:00:00Z", secretsUser, vault)+
		grant("2026-11-01T00:00:00Z", web, contributor, group)+revoke("2026-11-02T00:00:00Z", contributor, group)+ // over before the window
		grant("2026-11-10T00:00:00Z", web, owner, group), nil)
	var got []string
	for _, v := range r.Intervals {
		var s strings.Builder
		s.WriteString(v.From.Format("15:04") + "-" + v.To.Format("15:04"))
		for _, g := range v.Grants {
			s.WriteString(" " + g.Scope.Name())
		}
		got = append(got, s.String())
	}
	if want := []string{"00:00-02:00 db", "02:00-03:00 db kv", "03:00-00:00 db"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if len(r.Tenures) != 2 || r.Tenures[1].Removed == nil || r.Tenures[1].Removed.Source.Line != 23 {
		t.Errorf("tenures %+v", r.Tenures)
	}
	b := &r.Baseline
	if b.Entries != 21 || b.Days != 21 || !slices.Equal(b.Networks, []string{"10.0.0.0/24"}) || !slices.Equal(b.Hours, []int{12}) {
		t.Errorf("baseline %+v", b)
	}
}

func TestWhatCameAfterAChange(t *testing.T) {
	changed := func(at, class string, refused bool) execpath.Change {
		return execpath.Change{Event: execpath.Event{At: when(t, at), Principal: alice, Row: &execpath.EventRow{Class: class, Operation: "PutBlob"}, Refused: refused}, Identities: []mivet.PrincipalID{web}}
	}
	changes := []execpath.Change{
		changed("2026-11-07T00:00:00Z", "code", false), changed("2026-11-08T11:50:00Z", "content", false), changed("2026-11-08T11:55:00Z", "content", true),
		changed("2026-11-08T11:56:00Z", "blind", false), changed("2026-11-08T12:01:00Z", "content", false),
	}
	log := usual() + secretCall("2026-11-08T12:00:00Z", web, "SecretListVersions", "db", 200, "10.0.0.4") + secretCall("2026-11-08T12:00:30Z", web, "SecretGet", "db", 200, "10.0.0.4")
	r := examine(t, shop+held, log, func(q *forensics.Query) { q.Changes = changes })
	if len(r.Lines) != 2 || r.Lines[0].After == nil || r.Lines[0].After.Number != 1 || r.Lines[0].After.Delay != 10*time.Minute {
		t.Fatalf("%+v", r.Lines)
	}
	if r.Lines[1].After != nil {
		t.Error("what is usual comes after nothing")
	}
}

func TestGaps(t *testing.T) {
	f := func(name, text, log string, wants ...string) {
		t.Helper()
		var all []string
		for _, g := range examine(t, text, log, nil).Gaps {
			all = append(all, g.What+" | "+g.Fix)
		}
		for _, w := range wants {
			if !slices.ContainsFunc(all, func(g string) bool { return strings.Contains(g, w) }) {
				t.Errorf("%s: nothing says %q:\n%s", name, w, strings.Join(all, "\n"))
			}
		}
	}
	f("no logs", shop+held, "", "AuditEvent entries are missing", "export AuditEvent of", "no activity log was read", "no entry of the identity before the window")
	f("a few days", shop+held, secretCall("2026-11-07T12:00:00Z", web, "SecretGet", "db", 200, "10.0.0.4"), "rests on 1 days")
	f("removed by its name", shop+held, revoke("2026-11-08T03:00:00Z", secretsUser, vault), "an assignment at "+vault+" was removed at 2026-11-08T03:00:00Z", "read a snapshot from before")
	f("the log begins within", shop+held, grant("2026-11-08T05:00:00Z", other, secretsUser, vault), "before 2026-11-08T05:00:00Z: the activity log that was read begins then")
	f("the log ends before", shop+held, grant("2026-11-01T05:00:00Z", other, secretsUser, vault), "after 2026-11-01T05:00:00Z: the activity log that was read ends then")
	f("groups and lists", shop+"policy web on old secrets=get\n", "", "who was in which group then", "1 of them are taken as the snapshot has them")
	f("denies", shop+"deny \"no\" at shop principals=everyone {\n\tactions */delete\n}\n", "", "deny assignments of that time")
	f("a role that was changed", shop+held, admin("2026-11-10T00:00:00Z", "Microsoft.Authorization/roleDefinitions/write", sub+"/providers/Microsoft.Authorization/roleDefinitions/"+secretsUser, "Created", ""), "what Key Vault Secrets User gave before 2026-11-10")
	f("gone without a trace", shop, grant("2026-11-01T00:00:00Z", web, secretsUser, vault), "Key Vault Secrets User at "+vault+": its removal is not in the log")
	var roam strings.Builder
	for d := 1; d < 8; d++ {
		roam.WriteString(secretCall(fmt.Sprintf("2026-11-0%dT12:00:00Z", d), web, "SecretGet", "db", 200, fmt.Sprintf("10.0.%d.4", d)))
	}
	f("addresses that change", shop+held, roam.String(), "addresses: they changed all the time")
	var wander strings.Builder
	for d := 1; d < 8; d++ {
		for k := range 3 {
			wander.WriteString(secretCall(fmt.Sprintf("2026-11-0%dT12:0%d:00Z", d, k), web, "SecretGet", fmt.Sprintf("s%d-%d", d, k), 200, "10.0.0.4"))
		}
	}
	f("places that change", shop+held, wander.String(), "places: it came to new ones all the time")
	if got := lines(examine(t, shop+held, wander.String()+secretCall("2026-11-08T12:00:00Z", web, "SecretGet", "db", 200, "10.0.0.4"), nil)); !slices.Equal(got, []string{"expected 1 SecretGet@db by Key Vault Secrets User@db"}) {
		t.Errorf("a new place among new places: %v", got)
	}
}

// What the interval engines say is what one engine of each moment says.
func TestAgainstEachMoment(t *testing.T) {
	var log strings.Builder
	log.WriteString(usual())
	type change struct {
		at    time.Time
		scope string
		on    bool
	}
	var all []change
	scopes := []string{secret, vault, group}
	state := map[string]bool{}
	for i := range 20 {
		c := change{at: time.Date(2026, 11, 8, i, 30, 0, 0, time.UTC), scope: scopes[i*7%3]}
		c.on = !state[c.scope]
		state[c.scope] = c.on
		all = append(all, c)
		if c.on {
			log.WriteString(grant(c.at.Format(time.RFC3339), web, secretsUser, c.scope))
		} else {
			log.WriteString(revoke(c.at.Format(time.RFC3339), secretsUser, c.scope))
		}
	}
	asked := []string{"db", "x"}
	for h := range 20 {
		log.WriteString(secretCall(time.Date(2026, 11, 8, h, 45, h, 0, time.UTC).Format(time.RFC3339), web, "SecretGet", asked[h%2], 200, "10.0.0.4"))
	}
	var text strings.Builder
	text.WriteString(shop)
	for scope, on := range state {
		if on {
			text.WriteString("assign web \"Key Vault Secrets User\" " + map[string]string{secret: "db", vault: "kv", group: "shop"}[scope] + "\n")
		}
	}
	r := examine(t, text.String(), log.String(), nil)
	allowed := map[bool]int64{}
	for h := range 20 {
		at := time.Date(2026, 11, 8, h, 45, h, 0, time.UTC)
		now := map[string]bool{}
		for _, c := range all {
			if !c.at.After(at) {
				now[c.scope] = c.on
			}
		}
		target, yes := id(t, vault+"/secrets/"+asked[h%2]), false
		for scope, on := range now {
			yes = yes || on && id(t, scope).Contains(target)
		}
		allowed[yes]++
	}
	if got := r.Count(forensics.Unexplained); got != allowed[false] {
		t.Errorf("%d not explained, want %d", got, allowed[false])
	}
	if got := r.Count(forensics.Outside) + r.Count(forensics.Expected); got != allowed[true] {
		t.Errorf("%d allowed, want %d", got, allowed[true])
	}
}

func TestWhatIsNoRightIsNotTold(t *testing.T) {
	r := examine(t, shop+held, usual()+strings.ReplaceAll(secretCall("2026-11-08T12:00:00Z", web, "SecretGet", "db", 200, "10.0.0.4"), "SecretGet", "Rise"), nil)
	if len(r.Lines) != 0 {
		t.Errorf("%+v", r.Lines)
	}
}
