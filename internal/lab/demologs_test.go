// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/tenant"
)

// teller plays what happened in the demo tenant, in the lab, and keeps what it logs.
type teller struct {
	t     *testing.T
	s     *Server
	clock *Clock
	snap  *mivet.Snapshot
	// from is the address of each step, by its time as logs have it.
	from map[string]string
}

// at moves the clock to a time. Nothing goes back.
func (h *teller) at(when, address string) {
	h.t.Helper()
	to, err := time.Parse("2006-01-02 15:04:05", when)
	if err != nil || to.Before(h.clock.Now()) {
		h.t.Fatalf("%s: %v, or before %s", when, err, h.clock.Now())
	}
	h.clock.Advance(to.Sub(h.clock.Now()))
	h.from[logTime(to)] = address
}

// as signs somebody in at one of the sides.
func (h *teller) as(name, aud string) *dataClient {
	h.t.Helper()
	i := slices.IndexFunc(h.snap.Principals, func(p mivet.Principal) bool { return p.Name == name })
	if i < 0 {
		h.t.Fatalf("the demo tenant has no %q", name)
	}
	p := &h.snap.Principals[i]
	who := &account{id: p.ID, client: p.ClientID, name: p.Name, user: p.Type == mivet.TypeUser}
	if who.user {
		who.client = "04b07795-8ddb-461a-bbee-02f9e1bf7b46" // the command line of Azure
	}
	for k := range h.snap.Identities {
		if d := &h.snap.Identities[k]; d.Principal == p.ID {
			who.resource = d.Resource.String()
		}
	}
	text, _, err := h.s.view().issue(who, aud, h.clock.Now(), tokenLife)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &dataClient{t: h.t, s: h.s, http: h.s.Client(), token: text, header: map[string]string{"Content-Type": "application/json", "x-ms-version": "2023-11-03", "User-Agent": agents[who.user]}}
	h.t.Cleanup(c.http.CloseIdleConnections)
	return c
}

var agents = map[bool]string{false: "azsdk-net-Security.KeyVault.Secrets/4.6.0", true: "AZURECLI/2.67.0"}

// grant writes a role assignment, under the name that the demo tenant has for it where it
// has one.
func (h *teller) grant(who, role, principal string, scope, said string) string {
	h.t.Helper()
	to := h.snap.Principals[slices.IndexFunc(h.snap.Principals, func(p mivet.Principal) bool { return p.Name == principal })].ID
	name := "5f0c9d1e-7a34-4b8e-9c21-d06e3a7b4f58"
	def := testCatalog.RoleByName(role)
	for i := range h.snap.RoleAssignments {
		if a := &h.snap.RoleAssignments[i]; a.Principal == to && a.Role == def.ID && strings.EqualFold(a.Scope.String(), scope) {
			name = a.ID.Name()
		}
	}
	path := scope + "/providers/" + assignmentType + "/" + name + "?api-version=2022-04-01"
	body, err := json.Marshal(object{"properties": object{
		"roleDefinitionId": "/subscriptions/shop-prod/providers/" + definitionType + "/" + string(def.ID), "principalId": string(to), "principalType": "ServicePrincipal", "description": said,
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.as(who, forARM).expect(201, "PUT", h.s.URL()+path, string(body))
	return path
}

const (
	demoPayments = "/subscriptions/shop-prod/resourceGroups/payments"
	demoOrders   = "/subscriptions/shop-prod/resourceGroups/orders"
	demoVault    = demoOrders + "/providers/Microsoft.KeyVault/vaults/orders-kv"
	ordersKV     = "https://orders-kv.vault.azure.net"
	paymentsKV   = "https://payments-kv.vault.azure.net"
	settlement   = "https://shopreleases.blob.core.windows.net/packages/settlement.zip"
)

// tell plays the story of the comments in the tenant: the Friday of mistake 1, and a night in
// which mistakes 6 and 13 are used.
func (h *teller) tell() {
	const office, cloud, abroad = "198.51.100.23", "20.50.2.14", "203.0.113.88"
	h.at("2026-04-02 09:30:00", "20.102.35.7")
	h.as("Pipeline: deploy", forARM).expect(200, "PUT", h.s.URL()+demoPayments+"/providers/Microsoft.Web/sites/settlement?api-version=2023-12-01",
		`{"location":"westeurope","kind":"functionapp,linux","identity":{"type":"SystemAssigned"},"properties":{}}`)
	for _, at := range []string{"15:31:04", "15:39:11", "15:47:20", "15:58:02", "16:06:45", "16:15:09", "16:24:33", "16:40:02"} {
		h.at("2026-05-08 "+at, cloud)
		h.as("orders-api", vaultAud).expect(403, "GET", ordersKV+"/secrets/stripe-key"+v7, "")
	}
	h.at("2026-05-08 16:42:10", office)
	h.grant("Alice Meyer", "Contributor", "orders-api", demoOrders, "temporary, until the 403 is understood")
	for _, at := range []string{"16:48:40", "16:59:12"} {
		h.at("2026-05-08 "+at, cloud)
		h.as("orders-api", vaultAud).expect(403, "GET", ordersKV+"/secrets/stripe-key"+v7, "")
	}
	h.at("2026-05-08 17:20:31", office)
	h.grant("Alice Meyer", "Key Vault Secrets User", "orders-api", demoVault+"/secrets/stripe-key", "")
	h.at("2026-05-08 17:31:50", cloud)
	h.as("orders-api", vaultAud).expect(200, "GET", ordersKV+"/secrets/stripe-key"+v7, "")

	h.at("2026-10-15 09:12:00", office)
	h.as("Bruno Costa", blobAud).with("x-ms-blob-type", "BlockBlob", "x-ms-version", "2023-11-03").expect(201, "PUT", settlement, "one")
	for day := time.Date(2026, 10, 18, 0, 0, 0, 0, time.UTC); day.Before(time.Date(2026, 11, 8, 0, 0, 0, 0, time.UTC)); day = day.AddDate(0, 0, 1) {
		h.nightly(day)
	}
	const function, pipeline = "20.50.7.31", "20.102.35.7"
	h.at("2026-11-08 02:11:18", abroad)
	h.as("Bruno Costa", blobAud).with("x-ms-blob-type", "BlockBlob", "x-ms-version", "2023-11-03").expect(201, "PUT", settlement, "two")
	h.at("2026-11-08 02:14:02", function)
	h.as("settlement", blobAud).expect(200, "GET", settlement, "")
	h.at("2026-11-08 02:16:27", function)
	h.as("settlement", vaultAud).expect(200, "GET", paymentsKV+"/secrets/bank-certificate/versions"+v7, "")
	for _, at := range []string{"02:20:05", "02:21:40", "02:24:58"} {
		h.at("2026-11-08 "+at, function)
		h.as("settlement", vaultAud).expect(403, "GET", ordersKV+"/secrets/stripe-key"+v7, "")
	}
	h.at("2026-11-08 02:31:12", pipeline)
	grant := h.grant("Pipeline: deploy", "Key Vault Secrets User", "settlement", demoVault, "")
	for at, secret := range map[string]string{"02:44:10": "stripe-key"} {
		h.at("2026-11-08 "+at, function)
		h.as("settlement", vaultAud).expect(200, "GET", ordersKV+"/secrets/"+secret+v7, "")
	}
	h.at("2026-11-08 02:44:31", function)
	h.as("settlement", vaultAud).expect(200, "GET", ordersKV+"/secrets/erp-token"+v7, "")
	h.at("2026-11-08 03:05:44", pipeline)
	h.as("Pipeline: deploy", forARM).expect(200, "DELETE", h.s.URL()+grant, "")
	h.at("2026-11-08 03:20:03", function)
	h.as("settlement", vaultAud).expect(403, "GET", ordersKV+"/secrets/stripe-key"+v7, "")
	for day := time.Date(2026, 11, 8, 0, 0, 0, 0, time.UTC); day.Before(time.Date(2026, 11, 11, 0, 0, 0, 0, time.UTC)); day = day.AddDate(0, 0, 1) {
		h.nightly(day)
	}
}

// nightly is what settlement does each night.
func (h *teller) nightly(day time.Time) {
	h.at(day.Format(time.DateOnly)+" 22:30:05", "20.50.7.31")
	h.as("settlement", blobAud).expect(200, "GET", settlement, "")
	h.at(day.Format(time.DateOnly)+" 22:30:41", "20.50.7.31")
	h.as("settlement", vaultAud).expect(200, "GET", paymentsKV+"/secrets/bank-certificate"+v7, "")
}

// before is the demo tenant before the story: Alice was Owner of what she is only eligible
// for today, and what the story grants was not there.
func before(s *mivet.Snapshot) *mivet.Snapshot {
	out := *s
	out.RoleAssignments = nil
	for _, a := range s.RoleAssignments {
		if p := mivet.NewIndex(s).PrincipalName(a.Principal); p == "orders-api" && (a.RoleName == "Contributor" || a.Scope.Name() == "stripe-key") {
			continue
		}
		out.RoleAssignments = append(out.RoleAssignments, a)
	}
	alice := s.Principals[slices.IndexFunc(s.Principals, func(p mivet.Principal) bool { return p.Name == "Alice Meyer" })].ID
	out.RoleAssignments = append(out.RoleAssignments, mivet.RoleAssignment{
		ID:   mustID(demoOrders + "/providers/" + assignmentType + "/0d6f4a52-93be-4c17-8f60-2b1e7c95ad34"),
		Role: testCatalog.RoleByName("Owner").ID, RoleName: "Owner", Principal: alice, PrincipalType: mivet.TypeUser, Scope: mustID(demoOrders),
	})
	return &out
}

// chance are the parts of entries that are drawn.
var chance = regexp.MustCompile(`"(correlationId|serviceRequestId|uti|tokenHash|clientRequestId|tokenIssuer)":"[^"]*"`)

// TestDemoLogs plays the story of the demo tenant in the lab. Its logs are those that are
// built in; MIVET_UPDATE=1 writes them anew.
func TestDemoLogs(t *testing.T) {
	name, text := tenants.Demo()
	s, err := tenant.Parse(name, bytes.NewReader(text), tenant.Options{Role: func(n string) (mivet.RoleID, bool) {
		if r := testCatalog.RoleByName(n); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := teller{t: t, clock: NewClock(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)), snap: s, from: map[string]string{}}
	h.s = start(t, before(s), Options{Now: h.clock.Now, Logs: dir})
	h.tell()
	if t.Failed() {
		t.FailNow()
	}
	made := h.files(dir)
	for _, name := range slices.Sorted(maps.Keys(made)) {
		path := filepath.Join("tenants", "demo-logs", name)
		if os.Getenv("MIVET_UPDATE") != "" {
			if err := os.WriteFile(path, []byte(made[name]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	have := map[string]string{}
	for _, f := range tenants.DemoLogs() {
		have[f.Name] = string(f.Text)
	}
	if !slices.Equal(slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(have))) {
		t.Fatalf("files %v, want %v", slices.Collect(maps.Keys(have)), slices.Collect(maps.Keys(made)))
	}
	for name := range made {
		if blank(made[name]) != blank(have[name]) {
			t.Errorf("%s is not what the lab writes; MIVET_UPDATE=1 writes it", name)
		}
	}
}

func blank(text string) string { return chance.ReplaceAllString(text, `"$1":""`) }

// files joins what the lab wrote into one file for each category, in order of time, with the
// addresses of the story.
func (h *teller) files(dir string) map[string]string {
	h.t.Helper()
	lines := map[string][]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		container, _, _ := strings.Cut(path, "/")
		lines[container] = slices.AppendSeq(lines[container], strings.Lines(string(text)))
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for container, list := range lines {
		slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(timeIn(a), timeIn(b)) })
		for _, line := range list {
			address := h.from[timeIn(line)]
			if address == "" {
				h.t.Fatalf("no step has the time of %s", line)
			}
			line = regexp.MustCompile(`"callerIpAddress":"127\.0\.0\.1(:\d+)?"`).ReplaceAllStringFunc(line, func(s string) string {
				port := ""
				if strings.Count(s, ":") > 1 {
					port = ":49152" // storage logs have one
				}
				return `"callerIpAddress":"` + address + port + `"`
			})
			out[container+".json"] += strings.ReplaceAll(line, `"ipaddr":"127.0.0.1"`, `"ipaddr":"`+address+`"`)
		}
	}
	return out
}

var logged = regexp.MustCompile(`"time":"([^"]*)"`)

func timeIn(line string) string {
	if m := logged.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}
