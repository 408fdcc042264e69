// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/change"
)

const (
	deposedOld = "aaaaaaaa-0000-4000-8000-000000000001"
	deposedNew = "aaaaaaaa-0000-4000-8000-000000000002"
	sites      = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/"
)

// deposedPlan is what "terraform show -json" writes after a delete failed that came second:
// the address stands twice, and references mean the object that is there now.
const deposedPlan = `{"format_version":"1.2","resource_changes":[
{"address":"azurerm_linux_web_app.app[0]","mode":"managed","type":"azurerm_linux_web_app","name":"app","index":0,"provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["no-op"],
 "before":{"id":"` + sites + `two","name":"two","resource_group_name":"g","identity":[{"type":"SystemAssigned","principal_id":"` + deposedNew + `"}]},
 "after":{"id":"` + sites + `two","name":"two","resource_group_name":"g","identity":[{"type":"SystemAssigned","principal_id":"` + deposedNew + `"}]},"after_unknown":{}}},
{"address":"azurerm_linux_web_app.app[0]","mode":"managed","type":"azurerm_linux_web_app","name":"app","index":0,"deposed":"86a55e14","provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["delete"],
 "before":{"id":"` + sites + `one","name":"one","resource_group_name":"g","identity":[{"type":"SystemAssigned","principal_id":"` + deposedOld + `"}]},"after":null,"after_unknown":{}}},
{"address":"azurerm_role_assignment.fixed","mode":"managed","type":"azurerm_role_assignment","name":"fixed","deposed":null,"provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["no-op"],
 "before":{"scope":"/subscriptions/s/resourceGroups/g","role_definition_name":"Reader","principal_id":"` + deposedOld + `"},"after":{"scope":"/subscriptions/s/resourceGroups/g","role_definition_name":"Reader","principal_id":"` + deposedOld + `"},"after_unknown":{}}},
{"address":"azurerm_role_assignment.bound","mode":"managed","type":"azurerm_role_assignment","name":"bound","provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["create"],
 "before":null,"after":{"scope":"/subscriptions/s/resourceGroups/g","role_definition_name":"Reader"},"after_unknown":{"principal_id":true}}}],
"configuration":{"root_module":{"resources":[
 {"address":"azurerm_linux_web_app.app","mode":"managed","type":"azurerm_linux_web_app","name":"app","expressions":{"name":{"references":["var.name"]}}},
 {"address":"azurerm_role_assignment.bound","mode":"managed","type":"azurerm_role_assignment","name":"bound","expressions":{"principal_id":{"references":["azurerm_linux_web_app.app[0].identity[0].principal_id","azurerm_linux_web_app.app[0]"]}}}]}}}`

// deposedFile is the same as a plan file holds it.
func deposedFile(t *testing.T) []byte {
	t.Helper()
	app := func(name, principal string) map[string]any {
		return map[string]any{"id": sites + name, "name": name, "resource_group_name": "g", "identity": []any{map[string]any{"type": "SystemAssigned", "principal_id": principal}}}
	}
	grant := map[string]any{"scope": "/subscriptions/s/resourceGroups/g", "role_definition_name": "Reader", "principal_id": deposedOld}
	old := slices.Concat(field(changeDeposed, "86a55e14"), changed("azurerm_linux_web_app.app[0]", 5, app("one", deposedOld)))
	return planFile(t, slices.Concat(
		field(fieldVersion, planVersion), field(fieldComplete, 1),
		planned("azurerm_linux_web_app.app[0]", 0, app("two", deposedNew)), field(fieldChanges, old), planned("azurerm_role_assignment.fixed", 0, grant),
	), map[string]string{"tfstate": `{"version":4}`})
}

// A deposed object is an object of its own, whose principal lives until the plan deletes it.
func TestDeposed(t *testing.T) {
	const mark = "azurerm_linux_web_app.app[0] (deposed object 86a55e14)"
	file := deposedFile(t)
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() (*change.Plan, error){
		"JSON": func() (*change.Plan, error) { return ReadPlan(t.Context(), "p.json", strings.NewReader(deposedPlan)) },
		"binary plan": func() (*change.Plan, error) {
			return ReadBinaryPlan(t.Context(), "p", bytes.NewReader(file), int64(len(file)))
		},
	} {
		p, err := read()
		if err != nil {
			t.Fatal(name, err)
		}
		at := slices.IndexFunc(p.Steps, func(s change.Step) bool { return s.Deposed })
		if at < 0 || p.Steps[at].Address != mark || !slices.Equal(p.Steps[at].Actions, []string{"delete"}) {
			t.Fatalf("%s: steps %+v", name, p.Steps)
		}
		if got := principals(p.Before); !slices.Equal(got, []string{deposedOld, deposedNew}) {
			t.Errorf("%s: before %v", name, got)
		}
		if got := principals(p.After); !slices.Equal(got, []string{deposedNew}) {
			t.Errorf("%s: after %v", name, got)
		}
		r := change.Compare(p, nil, cat)
		if !slices.Equal(r.Destroyed, []string{mark}) || !slices.Equal(r.Stranded, []string{"azurerm_role_assignment.fixed"}) || len(r.Recycled)+len(r.Created) > 0 {
			t.Errorf("%s: destroyed %v, stranded %v, recycled %v, created %v", name, r.Destroyed, r.Stranded, r.Recycled, r.Created)
		}
		for _, d := range r.Details {
			if d.Address == mark && !strings.Contains(d.Text, "an earlier apply made its successor") {
				t.Errorf("%s: %s", name, d.Text)
			}
		}
		for _, a := range p.After.RoleAssignments {
			if a.Source.Origin.Address == "azurerm_role_assignment.bound" && a.Principal != deposedNew {
				t.Errorf("%s: the reference leads to %s", name, a.Principal)
			}
		}
	}
}

// In a state both are in Azure.
func TestDeposedState(t *testing.T) {
	const attributes = `{"id":"` + sites + `%","name":"%","resource_group_name":"g","identity":[{"type":"SystemAssigned","principal_id":"?"}]}`
	of := func(name, principal string) string {
		return strings.NewReplacer("%", name, "?", principal).Replace(attributes)
	}
	const head = `{"address":"azurerm_linux_web_app.app","mode":"managed","type":"azurerm_linux_web_app","name":"app","provider_name":"registry.terraform.io/hashicorp/azurerm",`
	for name, text := range map[string]string{
		"raw": `{"version":4,"resources":[{"mode":"managed","type":"azurerm_linux_web_app","name":"app","provider":"provider[\"registry.terraform.io/hashicorp/azurerm\"]","instances":[
			{"attributes":` + of("two", deposedNew) + `},{"deposed":"86a55e14","attributes":` + of("one", deposedOld) + `}]}]}`,
		"shown": `{"format_version":"1.0","values":{"root_module":{"resources":[` + head + `"values":` + of("two", deposedNew) + `},` + head + `"deposed_key":"86a55e14","values":` + of("one", deposedOld) + `}]}}}`,
	} {
		s, err := ReadTerraform(t.Context(), "s.json", strings.NewReader(text))
		if err != nil {
			t.Fatal(name, err)
		}
		if got := principals(s); !slices.Equal(got, []string{deposedOld, deposedNew}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func principals(s *mivet.Snapshot) []string {
	var out []string
	for i := range s.Identities {
		out = append(out, string(s.Identities[i].Principal))
	}
	slices.Sort(out)
	return out
}

// Members that Terraform writes once must not stand twice; of attributes the last counts.
func TestTwice(t *testing.T) {
	read := func(r io.Reader) (*mivet.Snapshot, error) { return ReadTerraform(t.Context(), "p.json", r) }
	const resource = `"address":"azurerm_user_assigned_identity.a","type":"azurerm_user_assigned_identity"`
	for text, member := range map[string]string{
		`{"format_version":"1.2","resource_changes":[],` + "\n" + `"resource_changes":[]}`:                                                             `"resource_changes"`,
		`{"format_version":"1.2","resource_changes":[{` + resource + `,` + "\n" + `"type":"x","change":{"actions":["create"]}}]}`:                      `"type"`,
		`{"format_version":"1.2","resource_changes":[{` + resource + `,"change":{"actions":["no-op"],` + "\n" + `"actions":["delete"]}}]}`:             `"actions"`,
		`{"format_version":"1.2","resource_changes":[{` + resource + `,"change":{"actions":["create"],"after":{},` + "\n" + `"after":{"name":"b"}}}]}`: `"after"`,
		`{"format_version":"1.0","values":{"root_module":{"resources":[],` + "\n" + `"resources":[]}}}`:                                                `"resources"`,
		`{"format_version":"1.0","values":{"root_module":{"resources":[{` + resource + `,"values":{},` + "\n" + `"values":{}}]}}}`:                     `"values"`,
		`{"version":4,"resources":[{"mode":"managed","type":"x","name":"y",` + "\n" + `"name":"z","instances":[]}]}`:                                   `"name"`,
		`{"version":4,"resources":[{"mode":"managed","type":"x","name":"y","instances":[{"attributes":{},` + "\n" + `"attributes":{"name":"q"}}]}]}`:   `"attributes"`,
	} {
		_, err := read(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), "the member "+member+" stands twice") || !strings.Contains(err.Error(), "p.json: line 2") {
			t.Errorf("%s: %v", text, err)
		}
	}
	s, err := read(strings.NewReader(`{"format_version":"1.2","resource_changes":[{` + resource + `,"change":{"actions":["create"],"before":null,
		"after":{"name":"a","name":"b","resource_group_name":"g","location":"x"},"after_unknown":{"principal_id":false,"principal_id":true}}}]}`))
	if err != nil || len(s.Identities) != 1 || s.Identities[0].Resource.Name() != "b" {
		t.Fatalf("%v %+v", err, s)
	}
	if _, symbolic := s.Identities[0].Principal.Symbolic(); !symbolic {
		t.Errorf("%+v", s.Identities)
	}
}
