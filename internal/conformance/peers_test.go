// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// peerSnapshots are what the files of the tests hold.
func peerSnapshots(t *testing.T) map[string]*mivet.Snapshot {
	t.Helper()
	const group = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/g"
	id := func(s string) arm.ID {
		parsed, err := arm.ParseID(group + "/providers/" + s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	at := func(line int) mivet.Source { return mivet.Source{Line: line} }
	declared := func(lines ...int) []mivet.Declaration {
		var list []mivet.Declaration
		for _, l := range lines {
			list = append(list, mivet.Declaration{Source: at(l)})
		}
		return list
	}
	role := func(scope string, actions, not []string) mivet.RoleDefinition {
		return mivet.RoleDefinition{ID: "r", Name: "r", AssignableScopes: []string{scope}, Source: at(3), Permissions: []mivet.Permission{{Actions: actions, NotActions: not}}}
	}
	return map[string]*mivet.Snapshot{
		"f/sites.json": {
			Resources: []mivet.Resource{
				{ID: id("Microsoft.Web/sites/none"), Source: at(10), Detail: &mivet.Detail{Kind: "functionapp,linux"}},
				{ID: id("Microsoft.Web/sites/some"), Source: at(20), Identity: &mivet.Attachment{System: true}},
				{ID: id("Microsoft.Web/sites/open"), Source: at(30)},
			},
			Gaps:         []mivet.Gap{{Facts: mivet.FactIdentities, Scope: id("Microsoft.Web/sites/open")}},
			Declarations: declared(10, 20, 30),
		},
		"f/registry.json": {Resources: []mivet.Resource{
			{ID: id("Microsoft.ContainerRegistry/registries/on"), Detail: &mivet.Detail{Settings: map[string]string{"adminUserEnabled": "true"}}},
			{ID: id("Microsoft.ContainerRegistry/registries/unset")},
			{ID: id("Microsoft.CognitiveServices/accounts/unset")},
			{ID: id("Microsoft.CognitiveServices/accounts/off"), Detail: &mivet.Detail{Settings: map[string]string{"disableLocalAuth": "True"}}},
		}},
		"f/owner.json":   {RoleDefinitions: []mivet.RoleDefinition{role("/subscriptions/11111111-2222-4333-8444-555555555555", []string{"*"}, nil)}},
		"f/group.json":   {RoleDefinitions: []mivet.RoleDefinition{role(group, []string{"*"}, nil)}},
		"f/not.json":     {RoleDefinitions: []mivet.RoleDefinition{role(group, []string{"*"}, []string{"Microsoft.Authorization/*/write"})}},
		"f/reader.json":  {RoleDefinitions: []mivet.RoleDefinition{role(group, []string{"*/read", "bad pattern"}, nil)}},
		"f/planned.json": {Resources: []mivet.Resource{{ID: id("Microsoft.Web/sites/x"), Source: mivet.Source{Origin: &mivet.Origin{Address: "azurerm_linux_web_app.x"}}}}},
	}
}

func TestPeerRules(t *testing.T) {
	snaps := peerSnapshots(t)
	r := New(Options{ReadInput: func(_ context.Context, path string) (*mivet.Snapshot, error) {
		if s := snaps[path]; s != nil {
			return s, nil
		}
		return nil, errors.New("there is no such file")
	}})
	f := func(rule, files, fail, pass, want string) {
		t.Helper()
		peer, rule, _ := strings.Cut(rule, " ")
		line := `{"id":"x","peer":"` + peer + `","rule":"` + rule + `","title":"t","format":["arm"],"path":"f","files":` + files + `,"unit":"file","fail":` + fail + `,"pass":` + pass + `}`
		var report Report
		if err := report.Add(t.Context(), r, "v.jsonl", strings.NewReader(line)); err != nil {
			t.Fatal(err)
		}
		got := "agrees"
		for _, d := range report.Differences {
			got = string(d.Outcome) + " " + d.Why
		}
		if len(report.Faults) > 0 {
			got = report.Faults[0]
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%s %s: %s, want %s", rule, files, got, want)
		}
	}
	const sites, differs = `["sites.json","TA-1.json","positive_expected_result.json"]`, string(Disagreed)
	f("checkov CKV_AZURE_71", sites, `["Microsoft.Web/sites.none"]`, `["Microsoft.Web/sites.some","open"]`, "agrees")
	f("checkov CKV_AZURE_71", sites, `[["sites.json",10],["sites.json",19]]`, `[]`, "agrees")
	f("checkov CKV_AZURE_71", sites, `[["sites.json",20]]`, `[]`, differs)
	f("checkov CKV_AZURE_71", sites, `[["sites.json"]]`, `[]`, differs)
	f("checkov CKV_AZURE_71", sites, `["some"]`, `[]`, differs)
	f("checkov CKV_AZURE_71", sites, `[1]`, `[]`, differs)
	f("checkov CKV_AZURE_71", sites, `[]`, `["sites.json"]`, differs)
	f("checkov CKV_AZURE_71", `["planned.json"]`, `["azurerm_linux_web_app.x"]`, `[]`, "agrees")
	f("template-analyzer TA-000013", sites, `["none"]`, `[]`, "agrees")
	f("template-analyzer TA-000007", sites, `[]`, `["none"]`, "agrees")
	f("checkov CKV_AZURE_137", `["registry.json"]`, `["Microsoft.ContainerRegistry/registries.on"]`, `["unset"]`, "agrees")
	f("checkov CKV_AZURE_236", `["registry.json"]`, `["unset"]`, `["off"]`, "agrees")
	f("checkov CKV_AZURE_39", `["owner.json","group.json"]`, `["owner.json"]`, `["group.json"]`, "agrees")
	f("kics 8fa9ceea-881f-4ef0-b0b8-728f589699a7", `["owner.json","not.json","reader.json"]`, `[["owner.json",3]]`, `["not.json","reader.json"]`, "agrees")
	f("kics none", sites, `[]`, `[]`, string(Unanswered)+" kics none is not supported")
	f("checkov CKV_AZURE_71", `["gone.json"]`, `[]`, `[]`, string(Unanswered)+" reading gone.json: there is no such file")
	f("checkov CKV_AZURE_71", `"gone.json"`, `[]`, `[]`, `v.jsonl:1: the case has no "kind"`)
}

// The verdicts themselves are no part of the question.
func TestPeerQuestion(t *testing.T) {
	line := `{"id":1,"peer":"p","rule":"r","files":["a"],"unit":"file","fail":["a"],"pass":["b"]}`
	for c, err := range Questions("v.jsonl", strings.NewReader(line)) {
		if err != nil || c.Kind != kindPeer || c.Expected != nil || strings.Contains(string(c.Input), `"b"`) || strings.Contains(string(c.Input), "fail") {
			t.Errorf("%+v %v", c, err)
		}
	}
	if _, err := New(Options{}).Answer(t.Context(), &Case{Kind: kindPeer, Input: []byte(`{"peer":"checkov","rule":"CKV_AZURE_71"}`)}); err == nil {
		t.Error("without a reader there is an answer")
	}
}
