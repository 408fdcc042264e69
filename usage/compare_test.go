// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/tenant"
)

const (
	web   = "11111111-0000-4000-8000-000000000001"
	jobs  = "11111111-0000-4000-8000-000000000009"
	sub   = "/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01"
	group = sub + "/resourcegroups/shop"
	kv    = group + "/providers/microsoft.keyvault/vaults/kv"
	blobs = group + "/providers/microsoft.storage/storageaccounts/shopdata/blobservices/default"
	get   = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
)

const tenantText = `tenant t taken=2026-11-20T06:00:00Z
mg root
mg shops in=root
subscription main id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01 in=shops
rg shop in=main
keyvault kv in=shop .enableRbacAuthorization=true
storage shopdata in=shop
servicebus bus in=shop
identity jobs in=shop principal=` + jobs + ` client=22222222-0000-4000-8000-000000000009
webapp web in=shop system principal=` + web + `
webapp worker in=shop user=jobs
webapp batch in=shop user=jobs
`

type world struct {
	snap   *mivet.Snapshot
	index  *mivet.Index
	engine *authz.Engine
}

func newWorld(t *testing.T, more string) *world {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}
	snap, err := tenant.Parse("t.txt", strings.NewReader(tenantText+more), tenant.Options{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	engine := authz.New(snap, authz.Options{Catalog: cat})
	return &world{snap, mivet.NewIndex(snap), engine}
}

func (w *world) compare(who string, s *Summary, window Window, apps ...string) *Report {
	q := Query{Principal: mivet.PrincipalID(who), Apps: apps, Tenant: w.snap, Logs: s, Window: window}
	for r := range w.engine.WhatCan(authz.WhatCanQuery{Principal: q.Principal, At: w.snap.TakenAt}) {
		q.Rights = append(q.Rights, r)
	}
	return Compare(&q)
}

func day(s string) Day { return DayOf(at(s + "T00:00:00Z")) }

func did(who, action, scope, when string, c Counts) Fact {
	c.First, c.Last = at(when+"T08:00:00Z"), at(when+"T09:00:00Z")
	return Fact{Principal: who, Log: logs.KeyVault, Action: action, Plane: mivet.PlaneData, Scope: scope, Day: day(when), Counts: c}
}

func logged(log logs.Log, category, resource, first, last string) Seen {
	return Seen{Log: log, Category: category, Resource: resource, Entries: 10, First: day(first), Last: day(last)}
}

// classes lists the evidence of a grant: class, number of operations, one of them.
func classes(g *Grant) map[Class]int {
	n := map[Class]int{}
	for i := range g.Unused {
		n[g.Unused[i].Class] += len(g.Unused[i].Actions)
	}
	return n
}

func TestCompareVault(t *testing.T) {
	w := newWorld(t, `assign web "Key Vault Secrets User" kv id=33333333-0000-4000-8000-000000000001`+"\n")
	s := &Summary{
		Facts: []Fact{
			did(web, get, kv+"/secrets/db", "2026-11-02", Counts{Granted: 3}),
			did(web, strings.ToUpper(get), kv+"/secrets/db", "2026-11-09", Counts{Granted: 2}),
			did(web, "Microsoft.KeyVault/vaults/secrets/setSecret/action", kv+"/secrets/db", "2026-11-03", Counts{Refused: 1}),
			did(web, "Microsoft.KeyVault/vaults/keys/read", kv+"/keys/k", "2026-11-03", Counts{Granted: 1}),
			did(web, get, kv+"2/secrets/db", "2026-11-03", Counts{Undecided: 1}),
			did(web, get, "", "2026-11-03", Counts{Granted: 1}),
			did(web, "no operation", kv, "2026-11-03", Counts{Granted: 1}),
			did("somebody", get, kv+"/secrets/db", "2026-11-03", Counts{Granted: 9}),
		},
		Seen:    []Seen{logged(logs.KeyVault, "AuditEvent", kv, "2026-11-02", "2026-11-19"), logged(logs.Storage, "StorageRead", blobs, "2026-11-01", "2026-11-20")},
		Origins: []Origin{{Principal: web, Caller: "a", Counts: Counts{Granted: 1}}, {Principal: web, Caller: "b", Counts: Counts{Granted: 5}}, {Principal: "somebody"}},
	}
	r := w.compare(web, s, Window{})
	if (r.Window != Window{day("2026-11-01"), day("2026-11-20")}) || r.Window.Days() != 20 {
		t.Errorf("window %+v", r.Window)
	}
	if len(r.Grants) != 1 {
		t.Fatalf("%d grants", len(r.Grants))
	}
	g := &r.Grants[0]
	want := []Use{{Action: get, Plane: mivet.PlaneData, Scope: kv + "/secrets/db", Log: "key-vault", Days: 2, Counts: Counts{Granted: 5, First: at("2026-11-02T08:00:00Z"), Last: at("2026-11-09T09:00:00Z")}}}
	if diff := cmp.Diff(want, g.Used); diff != "" {
		t.Errorf("used (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[Class]int{Covered: 1}, classes(g)); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	if len(r.Refused) != 1 || r.Refused[0].Refused != 1 {
		t.Errorf("refused %+v", r.Refused)
	}
	var elsewhere []string
	for _, u := range r.Elsewhere {
		elsewhere = append(elsewhere, u.Action)
	}
	if diff := cmp.Diff([]string{get, "no operation", "Microsoft.KeyVault/vaults/keys/read"}, elsewhere); diff != "" {
		t.Errorf("elsewhere (-want +got):\n%s", diff)
	}
	if r.Granted != 8 || r.Counts.Refused != 1 || r.Undecided != 1 || !r.Last.Equal(at("2026-11-09T09:00:00Z")) {
		t.Errorf("%+v", r.Counts)
	}
	if len(r.Origins) != 2 || r.Origins[0].Caller != "b" {
		t.Errorf("origins %+v", r.Origins)
	}
	// Only what lies in the window counts.
	r = w.compare(web, s, Window{day("2026-11-03"), day("2026-11-08")})
	if len(r.Grants[0].Used) != 0 || classes(&r.Grants[0])[Covered] != 2 {
		t.Errorf("in the window: %+v", r.Grants[0])
	}
}

// What is not covered is never called unused.
func TestEvidenceClasses(t *testing.T) {
	const (
		vaultRole  = `assign web "Key Vault Secrets User" kv`
		blobReader = `assign web "Storage Blob Data Reader" shopdata`
		busSender  = `assign web "Azure Service Bus Data Sender" bus`
		siteRole   = `assign web "Website Contributor" shop`
	)
	bus := group + "/providers/microsoft.servicebus/namespaces/bus"
	activity := func(first, last string) Seen { return logged(logs.Activity, "Administrative", kv, first, last) }
	whole := logged(logs.Graph, "", "", "2026-11-01", "2026-11-20")
	for name, c := range map[string]struct {
		assign string
		plane  mivet.Plane
		seen   []Seen
		want   []Class
		why    string
	}{
		"spans":                {vaultRole, mivet.PlaneData, []Seen{logged(logs.KeyVault, "AUDITEVENT", kv, "2026-11-02", "2026-11-19")}, []Class{Covered}, "the one resource"},
		"begins late":          {vaultRole, mivet.PlaneData, []Seen{logged(logs.KeyVault, "AuditEvent", kv, "2026-11-04", "2026-11-20")}, []Class{Off}, "do not span"},
		"ends early":           {vaultRole, mivet.PlaneData, []Seen{logged(logs.KeyVault, "AuditEvent", kv, "2026-11-01", "2026-11-10")}, []Class{Off}, "do not span"},
		"in two parts":         {vaultRole, mivet.PlaneData, []Seen{logged(logs.KeyVault, "AuditEvent", kv, "2026-11-01", "2026-11-10"), logged(logs.KeyVault, "auditevent", kv, "2026-11-11", "2026-11-20")}, []Class{Covered}, ""},
		"another vault":        {vaultRole, mivet.PlaneData, []Seen{logged(logs.KeyVault, "AuditEvent", kv+"2", "2026-11-01", "2026-11-20")}, []Class{Off}, "missing"},
		"nothing":              {vaultRole, mivet.PlaneData, nil, []Class{Off}, "missing"},
		"no time":              {vaultRole, mivet.PlaneData, []Seen{{Log: logs.KeyVault, Category: "AuditEvent", Resource: kv, First: NoDay, Last: NoDay}}, []Class{Off}, "missing"},
		"blobs":                {blobReader, mivet.PlaneData, []Seen{logged(logs.Storage, "StorageRead", blobs, "2026-11-01", "2026-11-20")}, []Class{Covered}, "StorageRead"},
		"the other category":   {blobReader, mivet.PlaneData, []Seen{logged(logs.Storage, "StorageWrite", blobs, "2026-11-01", "2026-11-20")}, []Class{Off}, "StorageRead"},
		"a tier without a log": {busSender, mivet.PlaneData, nil, []Class{Blind}, "premium"},
		"a tier with a log":    {busSender, mivet.PlaneData, []Seen{logged(logs.ServiceBus, "RuntimeAuditLogs", bus+"/queues/q", "2026-11-01", "2026-11-20")}, []Class{Covered}, ""},
		"reads and linked":     {siteRole, mivet.PlaneControl, []Seen{activity("2026-11-01", "2026-11-20")}, []Class{Covered, Blind, Blind}, ""},
		"no activity":          {siteRole, mivet.PlaneControl, nil, []Class{Off, Blind, Blind}, "activity log"},
		"activity begins late": {siteRole, mivet.PlaneControl, []Seen{activity("2026-11-05", "2026-11-20")}, []Class{Off, Blind, Blind}, "activity log"},
		"activity in parts":    {siteRole, mivet.PlaneControl, []Seen{activity("2026-11-01", "2026-11-05"), activity("2026-11-06", "2026-11-20")}, []Class{Covered, Blind, Blind}, ""},
		"from above":           {`assign web "Website Contributor" shops`, mivet.PlaneControl, []Seen{activity("2026-11-01", "2026-11-20")}, []Class{Covered, Blind, Blind}, ""},
		"no resource":          {`assign web "App Configuration Data Reader" shop`, mivet.PlaneData, nil, []Class{Off}, "no resource"},
		"no log at all":        {`assign web "Cognitive Services User" shop`, mivet.PlaneData, nil, []Class{Blind}, "no log is known"},
	} {
		w := newWorld(t, c.assign+" id=33333333-0000-4000-8000-000000000001\n")
		r := w.compare(web, &Summary{Seen: append(c.seen, whole)}, Window{})
		var got []Class
		var why strings.Builder
		for i := range r.Grants[0].Unused {
			if u := &r.Grants[0].Unused[i]; u.Plane == c.plane {
				got = append(got, u.Class)
				why.WriteString(u.Why + "; ")
			}
		}
		if !slices.Equal(got, c.want) || !strings.Contains(why.String(), c.why) {
			t.Errorf("%s: %v because %s, expected %v", name, got, why.String(), c.want)
		}
	}
}

// Diagnostic settings tell why a log is missing, and make nothing covered.
func TestDiagnosticSettings(t *testing.T) {
	const (
		secrets = `assign web "Key Vault Secrets User" kv`
		items   = `assign web "App Configuration Data Reader" config`
		config  = group + "/providers/Microsoft.AppConfiguration/configurationStores/config"
		sent    = "; a diagnostic setting sends them now, since when is not known"
		unsent  = "; its diagnostic settings do not send them"
	)
	f := func(assign, of, sends, want string) {
		t.Helper()
		setting := "resource Microsoft.Insights/diagnosticSettings d id=" + of + "/providers/Microsoft.Insights/diagnosticSettings/d " + sends + "\n"
		if sends == "none read" {
			setting = ""
		}
		w := newWorld(t, "resource Microsoft.AppConfiguration/configurationStores config id="+config+"\n"+setting+assign+" id=33333333-0000-4000-8000-000000000001\n")
		r := w.compare(web, &Summary{Seen: []Seen{logged(logs.Graph, "", "", "2026-11-01", "2026-11-20")}}, Window{})
		found := false
		for i := range r.Grants[0].Unused {
			u := &r.Grants[0].Unused[i]
			if u.Plane != mivet.PlaneData {
				continue
			}
			found = true
			if _, why, _ := strings.Cut(u.Why, "at the one resource"); u.Class != Off || why != want {
				t.Errorf("%s: %s because %s, want %q", sends, u.Class, u.Why, want)
			}
		}
		if !found {
			t.Errorf("%s: no right", sends)
		}
	}
	f(secrets, kv, "none read", "")
	f(secrets, kv, "", unsent)
	f(secrets, kv, ".logs[0].category=AuditEvent .logs[0].enabled=false", unsent)
	f(secrets, kv, ".logs[0].category=AzurePolicyEvaluationDetails .logs[0].enabled=true", unsent)
	f(secrets, kv, ".logs[0].category=AuditEvent .logs[0].enabled=true", sent)
	f(secrets, kv, ".logs[0].categoryGroup=audit .logs[0].enabled=true", sent)
	f(secrets, kv, ".logs[0].categoryGroup=allLogs .logs[0].category=null .logs[0].enabled=true", sent)
	f(secrets, config, ".logs[0].categoryGroup=allLogs .logs[0].enabled=true", "")
	f(items, config, ".logs[0].categoryGroup=audit .logs[0].enabled=true", "")
	f(items, config, ".logs[0].category=Audit .logs[0].enabled=true", unsent)
	f(items, config, ".logs[0].category=HttpRequest .logs[0].enabled=true", sent)
}

func TestStorageCategory(t *testing.T) {
	for action, want := range map[string]string{
		"microsoft.storage/storageaccounts/blobservices/containers/blobs/read":          "StorageRead",
		"microsoft.storage/storageaccounts/blobservices/containers/blobs/write":         "StorageWrite",
		"microsoft.storage/storageaccounts/blobservices/containers/blobs/add/action":    "StorageWrite",
		"microsoft.storage/storageaccounts/blobservices/containers/blobs/filter/action": "StorageRead",
		"microsoft.storage/storageaccounts/queueservices/queues/messages/delete":        "StorageDelete",
	} {
		if got := storageCategory(action); got != want {
			t.Errorf("%s: %s, expected %s", action, got, want)
		}
	}
}

// A use with alternatives marks those that the grant gives; what needs two is given whole.
func TestAlternatives(t *testing.T) {
	const blob = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
	w := newWorld(t, `assign web "Storage Blob Data Contributor" shopdata id=33333333-0000-4000-8000-000000000001`+"\n")
	for action, want := range map[string]bool{
		blob + "write | " + blob + "add/action":                       true,
		"Microsoft.Storage/x/y | " + blob + "add/action":              true,
		blob + "move/action | " + blob + "write + " + blob + "delete": true,
		blob + "write + Microsoft.Storage/x/y":                        false,
	} {
		r := w.compare(web, &Summary{Facts: []Fact{did(web, action, blobs+"/containers/orders", "2026-11-02", Counts{Granted: 1})}}, Window{day("2026-11-01"), day("2026-11-20")})
		if got := len(r.Grants[0].Used) == 1; got != want || (len(r.Elsewhere) == 0) != want {
			t.Errorf("%s: used %v, elsewhere %v", action, r.Grants[0].Used, r.Elsewhere)
		}
	}
}

// Logs that name an application alone are joined by its id; eligible grants serve nothing.
func TestApplicationsAndGrantsThatDoNotHold(t *testing.T) {
	w := newWorld(t, `assign jobs "Azure Service Bus Data Sender" bus id=33333333-0000-4000-8000-000000000001 eligible`+"\n")
	bus := group + "/providers/microsoft.servicebus/namespaces/bus"
	f := did("", "Microsoft.ServiceBus/namespaces/messages/send/action", bus+"/queues/q", "2026-11-02", Counts{Granted: 4})
	f.App = "22222222-0000-4000-8000-000000000009"
	r := w.compare(jobs, &Summary{Facts: []Fact{f}}, Window{day("2026-11-01"), day("2026-11-20")}, strings.ToUpper(f.App))
	if len(r.Elsewhere) != 1 || r.Elsewhere[0].Granted != 4 || len(r.Grants[0].Used) != 0 || len(r.Grants[0].Unused) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestPlaces(t *testing.T) {
	w := newWorld(t, "")
	p := newPlaces(w.snap)
	for scope, want := range map[string]bool{
		"/": true, sub: true, group: true, kv: true, kv + "/secrets/a": true, kv + "/secrets/b": false, group + "2": false, group + "/providers/microsoft.keyvault/vaults/k": false,
		"/providers/Microsoft.Management/managementGroups/shops": true, "/providers/Microsoft.Management/managementGroups/root": true,
		"/providers/Microsoft.Management/managementGroups/other": false,
	} {
		id, err := arm.ParseID(scope)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.contains(id, kv+"/secrets/a"); got != want {
			t.Errorf("%s contains the secret: %v", scope, got)
		}
	}
}

func TestAttribute(t *testing.T) {
	w := newWorld(t, "")
	site := func(name string) string { return group + "/providers/microsoft.web/sites/" + name }
	own := group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs"
	one := func(o Origin) Origin {
		o.Counts = Counts{Granted: 1, First: at("2026-11-02T08:00:00Z"), Last: at("2026-11-02T08:00:00Z")}
		return o
	}
	type attributed struct{ Resource, Credential, Evidence string }
	attribute := func(who string, origins ...Origin) []attributed {
		var out []attributed
		for _, x := range Attribute(w.index, w.snap, mivet.PrincipalID(who), origins) {
			out = append(out, attributed{x.Resource, x.Credential, x.Evidence})
		}
		return out
	}
	for name, c := range map[string]struct {
		who     string
		origins []Origin
		want    []attributed
	}{
		"token of a host":       {jobs, []Origin{one(Origin{Host: site("worker")})}, []attributed{{site("worker"), "", byHost}}},
		"token of the identity": {jobs, []Origin{one(Origin{Host: own, Caller: "x"})}, []attributed{{"", "", byNothing}}},
		"federated credential":  {jobs, []Origin{one(Origin{Credential: "fic"})}, []attributed{{"", "fic", byCredential}}},
		"address of a host":     {jobs, []Origin{one(Origin{Host: site("worker"), Caller: "x"}), one(Origin{Host: own, Caller: "x"})}, []attributed{{site("worker"), "", byHost}, {site("worker"), "", byAddress}}},
		"address of two hosts":  {jobs, []Origin{one(Origin{Host: site("worker"), Caller: "x"}), one(Origin{Host: site("batch"), Caller: "x"}), one(Origin{Caller: "x"})}, []attributed{{site("batch"), "", byHost}, {site("worker"), "", byHost}, {"", "", byNothing}}},
		"the only workload":     {web, []Origin{one(Origin{Caller: "x"})}, []attributed{{strings.Replace(strings.Replace(site("web"), "resourcegroups", "resourceGroups", 1), "microsoft.web", "Microsoft.Web", 1), "", byAlone}}},
		"nobody carries it":     {"stranger", []Origin{one(Origin{Caller: "x"})}, []attributed{{"", "", byNobody}}},
		"more than are kept":    {jobs, []Origin{one(Origin{More: true})}, []attributed{{"", "", byTooMany}}},
		"nothing":               {jobs, nil, nil},
	} {
		if diff := cmp.Diff(c.want, attribute(c.who, c.origins...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got := Attribute(w.index, w.snap, jobs, []Origin{one(Origin{Host: site("worker"), Caller: "a", Agent: "m"}), one(Origin{Host: strings.ToUpper(site("worker")), Caller: "b", Agent: "m"}), one(Origin{Host: site("worker"), Caller: "a", Agent: "n"})})
	if len(got) != 1 || got[0].Granted != 3 || !slices.Equal(got[0].Callers, []string{"a", "b"}) || !slices.Equal(got[0].Agents, []string{"m", "n"}) {
		t.Errorf("together: %+v", got)
	}
}

func TestWindowDays(t *testing.T) {
	for w, want := range map[Window]int{{NoDay, NoDay}: 0, {5, 4}: 0, {5, 5}: 1, {5, 9}: 5} {
		if got := w.Days(); got != want {
			t.Errorf("%v: %d", w, got)
		}
	}
}
