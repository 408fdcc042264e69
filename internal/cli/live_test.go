// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/cli"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/tenant"
)

func parsedTenant(t *testing.T, name string, text []byte) *mivet.Snapshot {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Parse(name, bytes.NewReader(text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// labFor serves a tenant text and returns the environment that leads mivet there.
func labFor(t *testing.T, name string, text []byte, o lab.Options) map[string]string {
	t.Helper()
	srv, err := lab.Start(parsedTenant(t, name, text), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"MIVET_CLOUD": srv.URL(), "MIVET_GRAPH": srv.GraphURL(), "MIVET_CA_FILE": ca, "MIVET_AUTH": "client-secret",
		"AZURE_TENANT_ID": srv.TenantID(), "AZURE_CLIENT_ID": lab.OperatorID, "AZURE_CLIENT_SECRET": srv.Secret(),
	}
}

// runLive runs mivet with an environment and the clock of the machine.
func runLive(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	c := cli.Command{Stdout: &out, Stderr: &errs, Env: func(n string) string { return env[n] }, Clock: time.Now}
	code = c.Main(args)
	return code, out.String(), errs.String()
}

// scanned is what a scan found, without the places where facts were read.
type scanned struct {
	findings  map[string]string // by fingerprint
	undecided string
}

func scan(t *testing.T, input string) scanned {
	t.Helper()
	_, stdout, stderr := runLive(nil, "scan", input, "--format", "json")
	var r struct {
		Findings  []map[string]any `json:"findings"`
		Undecided []map[string]any `json:"undecided"`
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	out := scanned{findings: map[string]string{}}
	for _, f := range r.Findings {
		key, _ := f["fingerprint"].(string)
		out.findings[key] = jsonOf(t, withoutSources(f))
	}
	out.undecided = jsonOf(t, r.Undecided)
	return out
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func withoutSources(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "source")
		for k, e := range v {
			v[k] = withoutSources(e)
		}
	case []any:
		for i, e := range v {
			v[i] = withoutSources(e)
		}
	}
	return v
}

// TestSnapshotLive reads the demo tenant from a lab. Nothing is found that its text does not
// tell, and what is not found is named as undecided.
func TestSnapshotLive(t *testing.T) {
	name, text := tenants.Demo()
	live := snapshotOf(t, labFor(t, name, text, lab.Options{}))
	got, want := scan(t, live), scan(t, written(t, name, text))
	for key, f := range got.findings {
		if want.findings[key] == "" {
			t.Errorf("found in the live tenant and not in its text:\n%s", f)
		}
	}
	for key, f := range want.findings {
		var about struct {
			Rule string `json:"rule"`
		}
		if err := json.Unmarshal([]byte(f), &about); err != nil {
			t.Fatal(err)
		}
		if got.findings[key] == "" && !strings.Contains(got.undecided, strconv.Quote(about.Rule)) {
			t.Errorf("neither found in the live tenant nor undecided there:\n%s", f)
		}
	}
}

func written(t *testing.T, name string, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// snapshotOf reads the tenant that an environment leads to into a file, at the time at
// which scripts run.
func snapshotOf(t *testing.T, env map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	live := filepath.Join(dir, "live.mivet")
	code, stdout, stderr := runLive(env, "snapshot", "--with", "settings,children", "--digest-key", filepath.Join(dir, "key"), "--output", live)
	if code != 0 || stdout != "" || !strings.Contains(stderr, "note: read 3 subscriptions") {
		t.Fatalf("%d %s %s", code, stdout, stderr)
	}
	if _, err := os.Stat(live + ".journal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal of a finished run is still there: %v", err)
	}
	return live
}

// TestLiveAsText: the demo tenant read from a lab and read from its text give the same
// results, byte for byte. Four things are told to both sides, or to neither:
//
//   - Access tests are the owner's, and no API of Azure has them: they stand beside the live
//     snapshot as an input of their own, as they would in a repository.
//   - Access lists of paths are data, which a snapshot does not read: the text tells the gap in
//     their place.
//   - Resource Graph gives a site with all its settings, so that one which is not set is known to
//     be so; a text tells only what is set, and the rest is unknown. The text tells it too.
//   - Where a fact was read is a line of a file here and a request there: the members "source" are
//     taken out, and of "run" what names the inputs and their time.
//
// Everything else is compared as it is printed: rules, outcomes, counts, findings with their
// evidence, fixes and fingerprints, what is undecided, and the order of it all.
func TestLiveAsText(t *testing.T) {
	name, text := tenants.Demo()
	live := snapshotOf(t, labFor(t, name, text, lab.Options{}))
	demo := parsedTenant(t, name, text)
	var tests bytes.Buffer
	if err := tenant.Write(&tests, &mivet.Snapshot{TakenAt: demo.TakenAt, TenantID: demo.TenantID, AccessTests: demo.AccessTests}); err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(l string) bool { return strings.HasPrefix(l, "acl ") })
	for i, l := range lines {
		if keyword, rest, _ := strings.Cut(l, " "); slices.Contains([]string{"webapp", "functionapp", "slot"}, keyword) {
			name, rest, _ := strings.Cut(rest, " ")
			lines[i] = keyword + " " + name + " .keyVaultReferenceIdentity=null " + rest
		}
	}
	lines = append(lines, `gap "path access lists" at shoplake inherent reason="access lists of files and directories are data, which a snapshot of a tenant does not read"`)
	got := results(t, live, written(t, "tests.tenant", tests.Bytes()))
	want := results(t, written(t, name, []byte(strings.Join(lines, ""))))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the live tenant gives other results than its text (-text, +live):\n%s", d)
	}
	if !strings.Contains(got, `"fingerprint"`) {
		t.Error("nothing was found at all")
	}
}

// results are what a scan prints, without sources and inputs.
func results(t *testing.T, inputs ...string) string {
	t.Helper()
	code, stdout, stderr := runLive(nil, append([]string{"scan", "--format", "json"}, inputs...)...)
	var r map[string]any
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 1 {
		t.Fatalf("%d %v: %s", code, err, stderr)
	}
	run, _ := r["run"].(map[string]any)
	for _, k := range []string{"now", "takenAt", "inputs"} {
		if run[k] == nil {
			t.Errorf("the results do not say %s", k)
		}
		delete(run, k)
	}
	return jsonOf(t, withoutSources(r))
}

// TestSnapshotSince goes on from a snapshot of which a change is told, and from one of
// which none can be.
func TestSnapshotSince(t *testing.T) {
	name, text := tenants.Demo()
	site := parsedTenant(t, name, text).Resources[1].ID
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.mivet"), filepath.Join(dir, "second.mivet")
	f := func(env map[string]string, want string, args ...string) {
		t.Helper()
		if code, _, stderr := runLive(env, append([]string{"snapshot"}, args...)...); !strings.Contains(stderr, want) {
			t.Errorf("%v: %d %s, want %s", args, code, stderr, want)
		}
	}
	env := labFor(t, name, text, lab.Options{Changes: []lab.Change{{At: time.Now().AddDate(0, 0, -2), Resource: site, Kind: lab.ChangeUpdate}}})
	f(env, "note: read 3 subscriptions", "-o", first)
	f(env, "15 resources did not change, 34 were read again, 0 are gone", "-o", second, "--since", first)
	f(env, "15 resources did not change, 34 were read again, 0 are gone", "-o", second, "--since", second)
	f(labFor(t, name, text, lab.Options{}), "all resources were read: Azure keeps no change from before", "-o", second, "--since", first)
	f(env, "reading the earlier snapshot missing.mivet: ", "-o", second, "--since", "missing.mivet")
	f(env, "reading the earlier snapshot", "-o", second, "--since", env["MIVET_CA_FILE"])
	f(env, "there can be no --for and no INPUT", "-o", second, "--since", first, "--for", "orders-api")
}

func TestSnapshotLiveFails(t *testing.T) {
	f := func(want string, env map[string]string, args ...string) {
		t.Helper()
		code, _, stderr := runLive(env, append([]string{"snapshot", "--output", filepath.Join(t.TempDir(), "x.mivet")}, args...)...)
		if code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	f(`--with "nothing" is none of settings, logs, children`, nil, "--with", "nothing")
	f(`it is none of public, china, usgov`, nil, "--cloud", "mars")
	f(`it must be one of`, nil, "--auth", "magic")
	f(`AZURE_CLIENT_SECRET is not set`, nil, "--auth", "client-secret")
	f(`does not begin with https://`, nil, "--graph", "http://x")
	f(`no such file`, nil, "--ca-file", "missing.pem")
	pem := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(pem, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(`holds no certificate`, nil, "--ca-file", pem)
	f(`hexadecimal`, map[string]string{"AZURE_CLIENT_SECRET": "x", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, "--auth", "client-secret", "--digest-key", pem)
	name, text := tenants.Demo()
	env := labFor(t, name, text, lab.Options{})
	env["AZURE_CLIENT_SECRET"] = "wrong"
	f(`signing in: `, env)
}

// clientOf returns the client ID of a principal of a tenant text.
func clientOf(t *testing.T, name string, text []byte, principal string) string {
	t.Helper()
	for _, p := range parsedTenant(t, name, text).Principals {
		if p.Name == principal {
			return p.ClientID
		}
	}
	t.Fatalf("the text has no principal %q", principal)
	return ""
}

func TestDoctor(t *testing.T) {
	name, text := tenants.Demo()
	env := labFor(t, name, text, lab.Options{})
	f := func(wantCode int, want string, args ...string) string {
		t.Helper()
		code, stdout, stderr := runLive(env, append([]string{"doctor"}, args...)...)
		if code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	f(0, "everything that mivet asks for can be read: 22 questions")
	f(0, `"missing": null`, "--format", "json")

	// Owner of one subscription, without any right in the directory.
	env["AZURE_CLIENT_ID"] = clientOf(t, name, text, "Pipeline: deploy")
	out := f(4, "cannot read", "--require-complete")
	for _, want := range []string{
		"service principals\n", "needs     Application.Read.All\n", "unknown   names, and whether a principal still exists",
		"the tenant root group\n", "needs     Microsoft.Management/managementGroups/read\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the text lacks %q:\n%s", want, out)
		}
	}
}

func TestDoctorRole(t *testing.T) {
	f := func(has, hasNot []string, args ...string) {
		t.Helper()
		code, stdout, stderr := runLive(nil, append([]string{"doctor", "--role"}, args...)...)
		if code != 0 || !strings.Contains(stderr, "application permissions of Microsoft Graph: Application.Read.All, GroupMember.Read.All") {
			t.Fatalf("%d %s", code, stderr)
		}
		for _, h := range has {
			if !strings.Contains(stdout, strconv.Quote(h)) {
				t.Errorf("%v: the role lacks %s", args, h)
			}
		}
		for _, h := range hasNot {
			if strings.Contains(stdout, h) {
				t.Errorf("%v: the role has %s", args, h)
			}
		}
	}
	reads := []string{"Microsoft.Authorization/denyAssignments/read", "Microsoft.ResourceGraph/resources/read", "Microsoft.Web/sites/read", "Microsoft.KeyVault/vaults/read"}
	f(reads, []string{`"*/read"`, `/write"`, `/delete"`, `/action"`, "vaults/secrets/read"})
	f(append(reads, "Microsoft.Web/sites/config/list/action", "/subscriptions/s"), []string{"/write", "listKeys"}, "--with", "settings", "--scope", "/subscriptions/s")
	f([]string{"graphApplicationPermissions", "Microsoft.KeyVault/vaults/secrets/read"}, nil, "--with", "children", "--format", "json")
	if code, _, stderr := runLive(nil, "doctor", "--role", "--with", "x"); code != 2 {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestSelfCheck(t *testing.T) {
	name, text := tenants.Demo()
	env := labFor(t, name, text, lab.Options{})
	cases := filepath.Join(t.TempDir(), "cases.jsonl")
	f := func(client string, wantCode int, want string) {
		t.Helper()
		env["AZURE_CLIENT_ID"] = client
		code, stdout, stderr := runLive(env, "doctor", "--self-check", "--save", cases)
		if code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%s: exit code %d\n%s%s", client, code, stdout, stderr)
		}
	}
	f(clientOf(t, name, text, "Pipeline: deploy"), 0, "the engine and Azure agree")
	if _, err := os.Stat(cases); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("cases were written without a difference: %v", err)
	}
	f(clientOf(t, name, text, "Acme Analytics"), 4, "nothing could be compared")

	// The operator of the lab reads everything without an assignment that says so: the engine
	// cannot know that, and the difference must be found and kept.
	f(lab.OperatorID, 1, "mivet says not allowed, Azure says allowed")
	kept, err := os.ReadFile(cases)
	if err != nil || !strings.Contains(string(kept), `"expected":"Allowed"`) || strings.Contains(string(kept), "shop") {
		t.Errorf("%v %s", err, kept)
	}
	code, stdout, stderr := runLive(nil, "conformance", cases)
	if code != 1 || !strings.Contains(stdout, "rbac") {
		t.Errorf("the kept cases: exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestSnapshotFor: what was read of one identity decides about it, and about nothing else.
func TestSnapshotFor(t *testing.T) {
	name, text := tenants.Demo()
	env := labFor(t, name, text, lab.Options{})
	const (
		bus   = "/subscriptions/shop-prod/resourceGroups/orders/providers/Microsoft.ServiceBus/namespaces/shop-bus/queues/new-orders"
		vault = "/subscriptions/shop-prod/resourceGroups/orders/providers/Microsoft.KeyVault/vaults/orders-kv"
		cosmo = "/subscriptions/shop-prod/resourceGroups/orders/providers/Microsoft.DocumentDB/databaseAccounts/orders-db"
	)
	var worker string
	for _, i := range parsedTenant(t, name, text).Identities {
		if i.Resource.Name() == "orders-worker" {
			worker = string(i.Principal)
		}
	}
	f := func(target string) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "now.mivet")
		code, _, stderr := runLive(env, "snapshot", "--for", target, "--output", out)
		requests := regexp.MustCompile(`note: ([0-9]+) requests? in`).FindStringSubmatch(stderr)
		if code != 0 || requests == nil {
			t.Fatalf("%s: %d %s", target, code, stderr)
		}
		if n, err := strconv.Atoi(requests[1]); err != nil || n > 20 {
			t.Errorf("%s: %s requests", target, requests[1])
		}
		can := func(wantCode int, who, operation, where string) {
			t.Helper()
			if code, stdout, stderr := runLive(nil, "can", who, operation, where, "--in", out, "--plane", "data"); code != wantCode {
				t.Errorf("%s: %s %s %s: exit code %d, want %d\n%s%s", target, who, operation, where, code, wantCode, stdout, stderr)
			}
		}
		can(0, worker, "Microsoft.ServiceBus/namespaces/messages/receive/action", bus)
		can(1, worker, "Microsoft.KeyVault/vaults/secrets/getSecret/action", vault)
		can(4, worker, "Microsoft.ServiceBus/namespaces/messages/receive/action", "/subscriptions/shop-test")
		can(4, worker, "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read", cosmo)
	}
	f("orders-worker")
	f(worker)
	f("/subscriptions/shop-prod/resourceGroups/orders/providers/Microsoft.Web/sites/orders-worker")
	fails := func(want string, args ...string) {
		t.Helper()
		code, _, stderr := runLive(env, append([]string{"snapshot", "--output", filepath.Join(t.TempDir(), "x")}, args...)...)
		if code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	fails("no resource of that name", "--for", "nobody")
	fails("no ID of a resource", "--for", "/providers/x")
	fails("there can be no INPUT", "--for", "x", "file")
}
