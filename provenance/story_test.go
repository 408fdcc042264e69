// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/provenance"
)

// call is an entry of a successful call as a diagnostic export has it.
func call(at, operation, target, correlation, code, request string) string {
	return fmt.Sprintf(`{"time":%q,"resourceId":%q,"operationName":%q,"category":"Administrative","resultType":"Success","correlationId":%q,"identity":{"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":%q,"name":"Alice"}},"properties":{"statusCode":%q,"requestbody":%q}}`+"\n",
		at, target, operation, correlation, alice, code, request)
}

const (
	jobsID = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs"
	worker = group + "/providers/Microsoft.Web/sites/worker"
)

func story(t *testing.T, who mivet.PrincipalID, text string, log ...string) *provenance.Story {
	t.Helper()
	l := provenance.NewLog(read(t, text))
	entries(t, l, strings.Join(log, ""))
	return l.Story(who)
}

func TestWhoEnabled(t *testing.T) {
	f := func(name string, who mivet.PrincipalID, at string, sure bool, log ...string) {
		t.Helper()
		e := story(t, who, shop, log...).Enabled
		got := ""
		if e.Known() {
			got = e.At.Format("2006-01-02")
		}
		if got != at || e.Sure != sure || (at == "") != (e.Gap != "" && !e.Known()) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	on, off := `{"identity":{"type":"SystemAssigned"}}`, `{"identity":{"type":"None"}}`
	write := func(at, body string) string {
		return call(at+"T00:00:00Z", "Microsoft.Web/sites/write", site, at, "OK", body)
	}
	f("no log", web, "", false)
	f("nothing of it", web, "", false, noise("2026-05-01T00:00:00Z"))
	f("the first write", web, "2026-05-02", false, write("2026-05-02", ""), write("2026-05-03", ""))
	f("the write that says so", web, "2026-05-03", true, write("2026-05-02", ""), write("2026-05-03", on), write("2026-05-04", on))
	f("turned off and on", web, "2026-05-05", true, write("2026-05-03", on), write("2026-05-04", off), write("2026-05-05", `{"identity":{"type":"SystemAssigned, UserAssigned","userAssignedIdentities":{"`+jobsID+`":{}}}}`))
	f("deleted and made again", web, "2026-05-06", true, write("2026-05-03", on), call("2026-05-05T00:00:00Z", "Microsoft.Web/sites/delete", site, "d", "OK", ""), write("2026-05-06", on))
	f("what failed is nothing", web, "", false, strings.Replace(write("2026-05-03", on), "Success", "Failure", 1))
	f("an identity of its own", jobs, "2026-05-02", true, call("2026-05-02T00:00:00Z", "Microsoft.ManagedIdentity/userAssignedIdentities/write", jobsID, "i", "Created", ""))
	f("an identity that was changed", jobs, "2026-05-02", false, call("2026-05-02T00:00:00Z", "Microsoft.ManagedIdentity/userAssignedIdentities/write", jobsID, "i", "OK", ""))
	if s := story(t, alice, shop); s.Enabled.Gap == "" || s.Workloads != nil {
		t.Errorf("a person: %+v", s)
	}
}

func TestWhoDeployed(t *testing.T) {
	f := func(name, what, at string, sure bool, log ...string) {
		t.Helper()
		s := story(t, jobs, shop, log...)
		if len(s.Workloads) != 1 || !s.Workloads[0].Workload.Equal(id(t, worker)) {
			t.Fatalf("%s: workloads %+v", name, s.Workloads)
		}
		d := &s.Workloads[0].Deployed
		got := ""
		if d.Known() {
			got = d.At.Format("2006-01-02")
		}
		if d.What != what || got != at || d.Sure != sure {
			t.Errorf("%s: %+v", name, d)
		}
	}
	deploy := func(at, name, correlation, answer string) string {
		return strings.Replace(call(at+"T00:00:00Z", "Microsoft.Resources/deployments/write", group+"/providers/Microsoft.Resources/deployments/"+name, correlation, "OK", ""),
			`"requestbody":""`, fmt.Sprintf(`"responseBody":%q`, answer), 1)
	}
	write := func(at, correlation string) string {
		return call(at+"T00:00:30Z", "Microsoft.Web/sites/write", worker, correlation, "OK", "")
	}
	f("nobody", "", "", false)
	f("by hand", "Microsoft.Web/sites/write at worker", "2026-05-02", true, write("2026-05-02", "a"))
	f("by a deployment", "deployment v1 wrote it", "2026-05-02", true, deploy("2026-05-02", "v1", "a", ""), write("2026-05-02", "a"))
	f("by hand after a deployment", "Microsoft.Web/sites/write at worker", "2026-05-03", true, deploy("2026-05-02", "v1", "a", ""), write("2026-05-02", "a"), write("2026-05-03", "b"))
	f("by the last deployment", "deployment v2 wrote it", "2026-05-04", true, deploy("2026-05-02", "v1", "a", ""), write("2026-05-02", "a"), deploy("2026-05-04", "v2", "c", ""), write("2026-05-04", "c"))
	f("by what a deployment says", "deployment v1 wrote it", "2026-05-02", true, deploy("2026-05-02", "v1", "a", `{"properties":{"outputResources":[{"id":"`+worker+`"}]}}`))
	f("a deployment that says nothing", "deployment v1 ran in its scope", "2026-05-02", false, deploy("2026-05-02", "v1", "a", ""))
	f("a deployment of something else", "Microsoft.Web/sites/write at worker", "2026-05-02", true, write("2026-05-02", "a"), deploy("2026-05-03", "other", "z", ""))
	f("its settings", "Microsoft.Web/sites/config/write at appsettings", "2026-05-05", true, write("2026-05-02", "a"),
		call("2026-05-05T00:00:00Z", "Microsoft.Web/sites/config/write", worker+"/config/appsettings", "s", "OK", ""))
	f("published", "Microsoft.Web/sites/publish/action at worker", "2026-05-06", true, write("2026-05-02", "a"), call("2026-05-06T00:00:00Z", "Microsoft.Web/sites/publish/action", worker, "p", "OK", ""))
	f("only started", "Microsoft.Web/sites/write at worker", "2026-05-02", true, write("2026-05-02", "a"), call("2026-05-06T00:00:00Z", "Microsoft.Web/sites/start/action", worker, "p", "OK", ""))
}

func TestWhoMadeGrants(t *testing.T) {
	f := func(name, text string, by mivet.PrincipalID, at, gap string, log ...string) {
		t.Helper()
		g := story(t, web, text, log...).Grants
		if len(g) != 1 {
			t.Fatalf("%s: %d grants", name, len(g))
		}
		m := &g[0].Made
		got := ""
		if !m.At.IsZero() {
			got = m.At.Format("2006-01-02T15:04")
		}
		if m.By.ID != by || got != at || !strings.Contains(m.Gap, gap) || (gap == "") != (m.Gap == "") {
			t.Errorf("%s: %+v", name, m)
		}
	}
	with := func(what string) string { return strings.Replace(shop, "id=33333333", what+" id=33333333", 1) }
	f("nothing is told", shop, "", "", provenance.NoLog)
	f("the snapshot tells", with("by=alice created=2026-05-08T16:42:10Z"), alice, "2026-05-08T16:42", "")
	f("when and not who", with("created=2026-05-08T16:42:10Z"), "", "2026-05-08T16:42", "does not tell who made it, and "+provenance.NoLog)
	f("who and not when", with("by=alice"), alice, "", "does not tell when")
	f("the log begins later", with("created=2026-05-08T16:42:10Z"), "", "2026-05-08T16:42", "after it", noise("2026-06-01T00:00:00Z"))
	f("the log ends before", with("created=2026-05-08T16:42:10Z"), "", "2026-05-08T16:42", "before it", noise("2026-04-01T00:00:00Z"))
	f("the log spans it", with("created=2026-05-08T16:42:10Z"), "", "2026-05-08T16:42", "though it spans the time", noise("2026-04-01T00:00:00Z"), noise("2026-06-01T00:00:00Z"))
	f("another subscription", shop, "", "", "no activity log of", strings.ReplaceAll(noise("2026-04-01T00:00:00Z"), "7c0b8a52", "00000000"))
	f("the last of two", shop, alice, "2026-05-08T16:42", "", grantEntry("2026-03-01T00:00:00Z", "write", "Success", "Created", webBody), grantEntry("2026-05-08T16:42:12Z", "write", "Success", "Created", webBody))
	f("not a later one", with("created=2026-03-01T00:00:00Z by=alice"), alice, "2026-03-01T00:00", "", grantEntry("2026-05-08T16:42:12Z", "write", "Success", "Created", webBody))

	above := "tenant t\nsubscription main\nmg top\nsp web id=11111111-0000-4000-8000-000000000001\ngroup team members=web\nassign team Reader top\n"
	l := provenance.NewLog(read(t, above))
	entries(t, l, noise("2026-04-01T00:00:00Z"))
	g := l.Story(web).Grants
	if len(g) != 1 || g[0].Via == "" || !strings.Contains(g[0].Made.Gap, "above subscriptions") {
		t.Errorf("through a group, above: %+v", g)
	}
}
