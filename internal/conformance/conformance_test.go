// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/change"
)

func newRunner(t testing.TB) *Runner {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Catalog: cat})
}

// The cases of this repository hold, inferred ones too, and use every kind that they can.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../../testdata/corpus/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no cases: %v", err)
	}
	var report Report
	r := newRunner(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Add(t.Context(), r, filepath.Base(file), bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, fault := range report.Faults {
		t.Error(fault)
	}
	for i := range report.Differences {
		d := &report.Differences[i]
		t.Errorf("%s:%d: %s: %s, expected %s, answer %v (%s)", d.File, d.Line, d.ID, d.Outcome, d.Expected, d.Answer, d.Why)
	}
	asked := map[string]bool{}
	for _, k := range report.Kinds {
		asked[k.Kind] = true
	}
	for _, name := range r.Kinds() {
		if !asked[name] && name != "plan-inventory" && name != "plan" && name != kindPeer {
			t.Errorf("no case asks a question of kind %q", name)
		}
	}
}

// Each case of the repository names its source.
func TestCorpusHasSources(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/corpus/*.jsonl")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for c, err := range Cases(filepath.Base(file), bytes.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			var source struct{ Repo, Path string }
			if err := json.Unmarshal(c.Source, &source); err != nil || source.Repo == "" || source.Path == "" {
				t.Errorf("%s: no source", c.Place())
			}
			switch c.Basis {
			case "verbatim", "derived", "inferred":
			default:
				t.Errorf("%s: basis %q", c.Place(), c.Basis)
			}
		}
	}
}

func TestLinesThatAreNoCases(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		var got []string
		for c, err := range Cases("f", strings.NewReader(text)) {
			if err != nil {
				got = append(got, err.Error())
			} else {
				got = append(got, c.Place())
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	const good = `{"id":1,"kind":"k","input":{},"expected":null}`
	f("")
	f("\n \n")
	f(good+"\r\n\n"+good, "f:1", "f:3")
	f(good+"\n"+good[:20], "f:1", "f:2: at byte 20: unexpected end of JSON input; a line must hold one whole JSON object")
	f("[]\n"+good, "f:1: the line is a JSON array, not an object", "f:2")
	f(`{"id":1,"kind":7,"input":{}}`, `f:1: at byte 16: "kind" must not be a JSON number`)
	f(`{"kind":"k","input":{},"expected":1}`, `f:1: the case has no "id"`)
	f(`{"id":1,"input":{},"expected":1}`, `f:1: the case has no "kind"`)
	f(`{"id":1,"kind":"k","expected":1}`, `f:1: the case has no "input"`)
	f(`{"id":1,"kind":"k","input":{}}`, `f:1: the case has no "expected"; --answers needs none`)
	f(good+good, "f:1: at byte 47: invalid character '{' after top-level value; a line must hold one whole JSON object")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestReadErrors(t *testing.T) {
	for _, err := range Questions("f", brokenReader{}) {
		var line *LineError
		if !errors.As(err, &line) || line.Error() != "f:1: the disk is gone" {
			t.Errorf("error %v", err)
		}
	}
	long := strings.NewReader(strings.Repeat("x", maxLine+1))
	count := 0
	for _, err := range Questions("f", long) {
		count++
		if err == nil || !strings.Contains(err.Error(), "f:1: the line is longer than") {
			t.Errorf("error %v", err)
		}
	}
	if count != 1 {
		t.Errorf("%d results of an endless line", count)
	}
}

// Questions reads nothing but id, kind and input: labels of the wrong type do not matter.
func TestQuestionsReadNoLabels(t *testing.T) {
	text := `{"id":"a","kind":"wildcard","input":{"pattern":"*","action":"a/b"},"expected":[1,{"x":2}],"basis":5,"note":[]}`
	n := 0
	for c, err := range Questions("f", strings.NewReader(text)) {
		n++
		if err != nil || c.Expected != nil || c.Basis != "" || c.Note != "" || c.Source != nil {
			t.Errorf("case %+v, error %v", c, err)
		}
	}
	if n != 1 {
		t.Errorf("%d cases", n)
	}
}

// ask answers one question.
func ask(t *testing.T, r *Runner, kind, input string) (any, error) {
	t.Helper()
	return r.Answer(t.Context(), &Case{File: "f", Line: 1, ID: json.RawMessage(`"x"`), Kind: kind, Input: json.RawMessage(input)})
}

func TestAnswers(t *testing.T) {
	r := newRunner(t)
	f := func(kind, input string, want any) {
		t.Helper()
		if got, err := ask(t, r, kind, input); err != nil || got != want {
			t.Errorf("%s %s: answer %v, error %v; want %v", kind, input, got, err, want)
		}
	}
	f("wildcard", `{"pattern":"a/*","action":"A/B/c"}`, true)
	f("scope", `{"scope":"/subscriptions/1","resource":"/subscriptions/1/resourceGroups/a"}`, true)
	f("scope", `{"scope":"/providers/Microsoft.Management/managementGroups/top","resource":"/providers/Microsoft.Management/managementGroups/low","ancestors":["/providers/Microsoft.Management/managementGroups/top"]}`, true)
	f("scope", `{"scope":"/","resource":"/subscriptions/1","ancestors":["/"]}`, true)
	f("condition-operator", `{"condition":"Exists @Request[a]","attributes":{}}`, false)
	f("rbac", `{"principal":"u","action":"a/b/read","isDataAction":false,"resource":"/subscriptions/1","roleAssignments":[{"principal":"u","role":"ACDD72A7-3385-48EF-BD42-F606FBA81AE7","scope":"/"}]}`, "Allowed")
	f("rbac", `{"principal":"u","action":"Microsoft.Authorization/elevateAccess/action","isDataAction":false,"resource":"/","roleAssignments":[{"principal":"u","role":"Owner","scope":"/"}]}`, "Allowed")
}

// A question with a part missing has no answer; what may be left out has one.
func TestMissingFields(t *testing.T) {
	r := newRunner(t)
	f := func(kind, input, missing string) {
		t.Helper()
		got, err := ask(t, r, kind, input)
		var lacks *MissingError
		if got != nil || !errors.As(err, &lacks) || lacks.Field != missing {
			t.Errorf("%s %s: answer %v, error %v; want that %q is missing", kind, input, got, err, missing)
		}
	}
	whole := func(kind, input string, want any) {
		t.Helper()
		if got, err := ask(t, r, kind, input); err != nil || got != want {
			t.Errorf("%s %s: answer %v, error %v; want %v", kind, input, got, err, want)
		}
	}
	const (
		question = `"principal":"u","action":"Microsoft.Web/sites/read","resource":"/subscriptions/s"`
		control  = question + `,"isDataAction":false`
		reader   = `{"principal":"u","role":"Reader","scope":"/subscriptions/s"}`
	)
	whole("rbac", `{`+control+`,"roleAssignments":[`+reader+`]}`, "Allowed")
	whole("rbac", `{`+control+`,"roleAssignments":[{"principal":"u","role":{"permissions":[]},"scope":"/"}]}`, "NotAllowed")
	f("rbac", `{`+question+`,"roleAssignments":[`+reader+`]}`, "isDataAction")
	f("rbac", `{`+question+`,"isDataAction":null,"roleAssignments":[`+reader+`]}`, "isDataAction")
	f("rbac", `{`+control+`}`, "roleAssignments")
	f("rbac", `{"principal":"","action":"a/b","isDataAction":true,"resource":"/","roleAssignments":[]}`, "principal")
	f("rbac", `{"principal":"u","isDataAction":true,"resource":"/","roleAssignments":[]}`, "action")
	f("rbac", `{"principal":"u","action":"a/b","isDataAction":true,"roleAssignments":[]}`, "resource")
	f("rbac", `{`+control+`,"roleAssignments":[{"principal":"u","scope":"/subscriptions/s"}]}`, "role")
	f("rbac", `{`+control+`,"roleAssignments":[{"principal":"u","role":null,"scope":"/subscriptions/s"}]}`, "role")
	f("rbac", `{`+control+`,"roleAssignments":[{"principal":"u","role":{},"scope":"/subscriptions/s"}]}`, "role")
	f("rbac", `{`+control+`,"roleAssignments":[{"role":"Reader","scope":"/subscriptions/s"}]}`, "principal")
	f("rbac", `{`+control+`,"roleAssignments":[{"principal":"u","role":"Reader"}]}`, "scope")
	f("deny", `{`+control+`,"roleAssignments":[]}`, "denyAssignments")
	f("deny", `{`+control+`,"roleAssignments":[],"denyAssignments":[{"scope":"/","principals":["u"]}]}`, "permissions")
	f("deny", `{`+control+`,"roleAssignments":[],"denyAssignments":[{"scope":"/","permissions":[]}]}`, "principals")
	f("deny", `{`+control+`,"denyAssignments":[]}`, "roleAssignments")
	whole("deny", `{`+control+`,"denyAssignments":[{"scope":"/","principals":["u"],"permissions":[{"actions":["*"]}]}]}`, "Denied")
	f("condition-operator", `{"attributes":{}}`, "condition")
	f("scope", `{"scope":"/providers/Microsoft.Management/managementGroups/m","resource":"/subscriptions/s"}`, "ancestors")
	f("keyvault", `{"principal":"u","vault":{}}`, "operation")
	f("keyvault", `{"operation":"secrets/get","vault":{}}`, "principal")
	f("keyvault", `{"principal":"u","operation":"secrets/get","vault":{"accessPolicies":[{"permissions":{"secrets":["get"]}}]}}`, "objectId")
	f("keyvault", `{"principalRole":"Owner","attempt":"switch the permission model"}`, "vault")
	whole("keyvault", `{"principalRole":"Contributor","operation":"secrets/get"}`, "NotAllowed")
	f("managedhsm", `{"localRole":"Crypto User","action":"keys/read/action"}`, "scope")
	f("managedhsm", `{"scope":"/","action":"keys/read/action"}`, "localRole")
	f("managedhsm", `{"localRole":"Crypto User","scope":"/"}`, "action")
	f("adls", `{"operation":"Read a","path":["/","a"]}`, "role")
	f("adls", `{"operation":"Read a","role":null}`, "path")
	f("adls", `{"role":null,"path":["/","a"]}`, "operation")
	f("pim", `{"assignment":"active"}`, "roleGrantsAction")
	f("pim", `{"roleGrantsAction":true}`, "assignment")
}

// A case about conditions without attributes or suboperations leaves them open, where the
// decision hangs on them.
func TestConditionsWithoutAttributes(t *testing.T) {
	r := newRunner(t)
	f := func(more, condition string, want any) {
		t.Helper()
		input := `{"principal":"u","action":"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read","isDataAction":true,"resource":"/subscriptions/s"` + more +
			`,"roleAssignments":[{"principal":"u","role":"Storage Blob Data Reader","scope":"/","condition":"` + condition + `","conditionVersion":"2.0"}]}`
		if got, err := ask(t, r, "abac", input); got != want || (err == nil) != (want != nil) {
			t.Errorf("%s: answer %v, error %v; want %v", input, got, err, want)
		}
	}
	const name = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'x'"
	f("", name, nil)
	f(`,"attributes":{}`, name, "NotAllowed")
	f("", "SubOperationMatches{'Blob.List'}", nil)
	f(`,"subOperations":[]`, "SubOperationMatches{'Blob.List'}", "NotAllowed")
	f(`,"subOperations":["Blob.List"]`, "SubOperationMatches{'Blob.List'}", "Allowed")
	f("", "!(ActionMatches{'*/read'})", "NotAllowed")
}

// What the engines do not know is answered with a reason, never with a guess.
func TestNoAnswer(t *testing.T) {
	r := newRunner(t)
	f := func(kind, input, want string) {
		t.Helper()
		got, err := ask(t, r, kind, input)
		if got != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %s: answer %v, error %v; want an error with %q", kind, input, got, err, want)
		}
	}
	f("nothing", `{}`, `kind "nothing" is not supported`)
	f("wildcard", `{"pattern":"*"}`, "parsing operation")
	f("wildcard", `{"pattern":"","action":"a/b"}`, "parsing pattern")
	f("wildcard", `{"pattern":"*","action":"a/b","region":"west"}`, `unknown field "region"`)
	f("wildcard", `[]`, "a JSON array cannot be understood")
	f("scope", `{"scope":"x","resource":"/"}`, "reading the scope")
	f("scope", `{"scope":"/","resource":"x"}`, "reading the resource")
	f("scope", `{"scope":"/","resource":"/subscriptions/1","ancestors":["x"]}`, "reading an ancestor")
	f("scope", `{"scope":"/","resource":"/subscriptions/1","ancestors":["/subscriptions/2"]}`, "is not supported")
	f("plan-inventory", `{"plan":"x"}`, "no reader of plans")

	decision := func(more string) string {
		return `{"principal":"u","action":"a/b/read","isDataAction":false,"resource":"/subscriptions/1"` + more + `}`
	}
	f("rbac", decision(`,"roleAssignments":[{"principal":"u","role":"No Such Role","scope":"/"}]`), `role "No Such Role" is not in the catalogue`)
	f("rbac", decision(`,"roleAssignments":[{"principal":"u","role":"Owner","scope":"x"}]`), "reading role assignment 0")
	f("rbac", decision(`,"roleAssignments":[{"principal":"u","role":{"permissions":[{"verbs":["*"]}]},"scope":"/"}]`), `unknown field "verbs"`)
	f("rbac", decision(`,"delegations":[]`), `unknown field "delegations"`)
	f("deny", decision(`,"denyAssignments":[{"scope":"/","principals":[],"permissions":[],"effect":"maybe"}]`), `"maybe" of a deny assignment is not supported`)
	f("deny", decision(`,"denyAssignments":[{"scope":"x","principals":[],"permissions":[]}]`), "reading deny assignment 0")
	f("abac", decision(`,"attributes":{"resource":{"a":{"b":1}}}`), `reading the attribute "a"`)
	f("abac", decision(`,"roleAssignments":[{"principal":"u","role":"Reader","scope":"/","condition":"IpMatch{'1.2.3.4'}"}]`), "cannot decide it: a condition")
	f("condition-operator", `{"condition":"@Resource[","attributes":{}}`, "")
	f("condition-operator", `{"condition":"Exists @Request[a]","action":"x"}`, "parsing operation")
	f("condition-operator", `{"condition":"IpMatch{'1.2.3.4'}"}`, "cannot decide it")
}

func TestAnswerWithoutCatalogue(t *testing.T) {
	got, err := ask(t, New(Options{}), "rbac", `{"principal":"u","action":"a/b","resource":"/","roleAssignments":[{"principal":"u","role":"Owner","scope":"/"}]}`)
	if got != nil || err == nil {
		t.Errorf("answer %v, error %v", got, err)
	}
}

func TestAnswerStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var report Report
	err := report.Add(ctx, New(Options{}), "f", strings.NewReader(`{"id":1,"kind":"wildcard","input":{},"expected":1}`))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestComparison(t *testing.T) {
	f := func(answer any, expected string, want, wantSets bool) {
		t.Helper()
		got, err := sameValue(answer, json.RawMessage(expected))
		gotSets, errSets := sameSets(answer, json.RawMessage(expected))
		if err != nil || errSets != nil || got != want || gotSets != wantSets {
			t.Errorf("%v and %s: %v, as sets %v; want %v, %v (%v, %v)", answer, expected, got, gotSets, want, wantSets, err, errSets)
		}
	}
	f("Allowed", `"Allowed"`, true, true)
	f("Allowed", `"allowed"`, false, false)
	f(true, `true`, true, true)
	f(true, `"true"`, false, false)
	f(nil, `null`, true, true)
	f(false, `null`, false, false)
	f(10, `1e1`, true, true)
	f(10, `10.0`, true, true)
	f(10, `1e999999999`, false, false)
	f(10, `"10"`, false, false)
	f([]string{"a", "b"}, `["a","b"]`, true, true)
	f([]string{"a", "b"}, `["b","a"]`, false, true)
	f([]string{"a", "b"}, `["b","a","a"]`, false, true)
	f([]string{"a", "b"}, `["a"]`, false, false)
	f([]string{}, `{}`, false, false)
	f(map[string]any{"a": 1}, `{"a":1}`, true, true)
	f(map[string]any{"a": 1}, `{"a":1,"b":null}`, false, false)
	f(map[string]any{"a": 1}, `{"b":1}`, false, false)
	f(map[string]any{"a": 1}, `[]`, false, false)
	if _, err := sameValue(1, json.RawMessage(`{`)); err == nil {
		t.Error("a broken expectation is compared")
	}
	if _, err := sameValue(func() {}, json.RawMessage(`1`)); err == nil {
		t.Error("an answer that is no JSON is compared")
	}
}

func TestReport(t *testing.T) {
	line := func(id, kind, input, expected, basis string) string {
		return fmt.Sprintf(`{"id":%q,"kind":%q,"input":%s,"expected":%s,"basis":%q}`+"\n", id, kind, input, expected, basis)
	}
	const yes = `{"pattern":"*","action":"a/b"}`
	text := line("1", "wildcard", yes, "true", "verbatim") +
		line("2", "wildcard", yes, "false", "derived") +
		line("3", "wildcard", yes, "false", "inferred") +
		line("4", "wildcard", `{}`, "false", "verbatim") +
		line("5", "astrology", `{}`, "1", "verbatim") +
		"broken\n"
	var report Report
	if err := report.Add(t.Context(), New(Options{}), "f", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	want := []KindReport{
		{Kind: "astrology", Figures: Figures{Cases: 1, Unanswered: 1}},
		{Kind: "wildcard", Supported: true, Figures: Figures{Cases: 3, Agree: 1, Disagree: 1, Unanswered: 1}, Inferred: Figures{Cases: 1, Disagree: 1}},
	}
	if d := cmp.Diff(want, report.Kinds); d != "" {
		t.Errorf("kinds (-want +got):\n%s", d)
	}
	if len(report.Faults) != 1 || len(report.Differences) != 4 {
		t.Errorf("%d faults, %d differences", len(report.Faults), len(report.Differences))
	}
	figures, inferred := report.Total()
	if figures != (Figures{4, 1, 1, 2}) || inferred != (Figures{1, 0, 1, 0}) {
		t.Errorf("total %v, inferred %v", figures, inferred)
	}
}

func TestInventory(t *testing.T) {
	declarations := []mivet.Declaration{
		{Address: "azurerm_linux_web_app.b", IdentityType: "SystemAssigned, UserAssigned", FirstPrincipal: true, Actions: []string{"create"}},
		{Address: "azurerm_linux_web_app.a", IdentityType: "UserAssigned", Actions: []string{"create"}},
		{Address: "azurerm_linux_web_app.old", IdentityType: "SystemAssigned", Actions: []string{"delete"}},
		{Address: "azurerm_linux_web_app.kept", IdentityType: "SystemAssigned", Actions: []string{"no-op"}},
		{Address: "azurerm_user_assigned_identity.z", UserAssigned: true, FirstPrincipal: true, Actions: []string{"create"}},
		{Address: "azurerm_role_assignment.g", Grant: true, Actions: []string{"create"}},
		{Address: "azurerm_key_vault.v", InlinePolicies: 2, Actions: []string{"create"}},
		{Address: "azurerm_federated_identity_credential.f", FederatedCredential: true, Actions: []string{"create"}},
	}
	asked := ""
	r := New(Options{ReadPlan: func(_ context.Context, path string) (*mivet.Snapshot, error) {
		asked = path
		return &mivet.Snapshot{Declarations: declarations}, nil
	}})
	got, err := ask(t, r, "plan-inventory", `{"plan":"p/q.json"}`)
	if err != nil || asked != "p/q.json" {
		t.Fatalf("asked for %q, error %v", asked, err)
	}
	want := inventory{
		Carriers: map[string]string{
			"azurerm_linux_web_app.a": "UserAssigned", "azurerm_linux_web_app.b": "SystemAssigned, UserAssigned", "azurerm_linux_web_app.kept": "SystemAssigned",
		},
		UserAssigned:         []string{"azurerm_user_assigned_identity.z"},
		Created:              []string{"azurerm_linux_web_app.b", "azurerm_user_assigned_identity.z"},
		Grants:               []string{"azurerm_role_assignment.g"},
		InlineAccessPolicies: map[string]int{"azurerm_key_vault.v": 2},
		FederatedCredentials: []string{"azurerm_federated_identity_credential.f"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("inventory (-want +got):\n%s", d)
	}
	broken := New(Options{ReadPlan: func(context.Context, string) (*mivet.Snapshot, error) { return nil, errors.New("no such file") }})
	if _, err := ask(t, broken, "plan-inventory", `{"plan":"x"}`); err == nil || err.Error() != "reading the plan: no such file" {
		t.Errorf("error %v", err)
	}
}

// No input makes the runner fail otherwise than with an error.
func FuzzAnswer(f *testing.F) {
	for _, k := range kinds() {
		f.Add(k.name, []byte(`{}`))
	}
	f.Add("wildcard", []byte(`{"pattern":"a/*/b","action":"a/b"}`))
	f.Add("scope", []byte(`{"scope":"/","resource":"/subscriptions/1","ancestors":["/providers/Microsoft.Management/managementGroups/a"]}`))
	f.Add("deny", []byte(`{"principal":"u","groups":["g"],"action":"a/b","resource":"/subscriptions/1/providers/a/b/c","roleAssignments":[{"principal":"g","role":"Owner","scope":"/"}],"denyAssignments":[{"scope":"/","principals":["u"],"permissions":[{"actions":["*"]}]}]}`))
	f.Add("condition-operator", []byte(`{"condition":"@Resource[a] StringEquals 'b'","attributes":{"resource":{"a":["b"]}},"action":"a/b"}`))
	r := newRunner(f)
	f.Fuzz(func(t *testing.T, kind string, input []byte) {
		answer, err := r.Answer(t.Context(), &Case{Kind: kind, Input: input})
		if (answer == nil) == (err == nil) {
			t.Errorf("answer %v, error %v", answer, err)
		}
	})
}

// A plan is read by whoever runs the cases; the state before it may be missing.
func TestPlans(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	at := mivet.Source{Origin: &mivet.Origin{File: "p", Address: "a"}}
	id, err := arm.ParseID("/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a")
	if err != nil {
		t.Fatal(err)
	}
	side := func(principal mivet.PrincipalID) *mivet.Snapshot {
		return &mivet.Snapshot{
			Resources:  []mivet.Resource{{ID: id, Identity: &mivet.Attachment{System: true, SystemPrincipal: principal}, Source: at}},
			Identities: []mivet.Identity{{Kind: mivet.SystemAssigned, Resource: id, Principal: principal, Source: at}},
		}
	}
	asked := ""
	r := New(Options{
		Catalog: cat,
		ReadPlan: func(_ context.Context, path string) (*mivet.Snapshot, error) {
			asked += "state " + path
			return side("older"), nil
		},
		ReadChange: func(_ context.Context, path string) (*change.Plan, error) {
			asked += "plan " + path + ", "
			return &change.Plan{Before: side("old"), After: side("old"), Steps: []change.Step{{Address: "a", Type: "t", Actions: []string{"no-op"}, Source: at}}}, nil
		},
	})
	f := func(input, want string) {
		t.Helper()
		answer, err := r.Answer(t.Context(), &Case{Kind: "plan", Input: json.RawMessage(input)})
		if err != nil {
			want, got := want, err.Error()
			if got != want {
				t.Errorf("the error is %q, want %q", got, want)
			}
			return
		}
		text, err := json.Marshal(answer)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("the answer is %s (%v), want %s", text, err, want)
		}
	}
	f(`{"plan":"p","state":"s"}`, `"recycled":["a"]`)
	if asked != "plan p, state s" {
		t.Errorf("read was %q", asked)
	}
	f(`{"plan":"p","state":null}`, `"quiet":true`)
	f(`{"state":null}`, `the input has no "plan"`)
	r = New(Options{})
	f(`{"plan":"p","state":null}`, "there is no reader of plans, or no catalogue")
}
