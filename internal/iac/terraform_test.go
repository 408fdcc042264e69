// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
)

func read(t *testing.T, text string) *mivet.Snapshot {
	t.Helper()
	s, err := ReadTerraform(context.Background(), "plan.json", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// gaps returns the reasons of the gaps of a kind, without those of every plan.
func gapsOf(s *mivet.Snapshot, facts mivet.FactKind) []string {
	var out []string
	for _, g := range s.Gaps {
		if g.Facts == facts && !strings.Contains(g.Reason, "only what it manages") {
			out = append(out, g.Subject+": "+g.Reason)
		}
	}
	return out
}

// changes makes a plan of new objects of azurerm: address and attributes, in turn. What is
// null in the attributes is known after apply.
func changes(pairs ...string) string {
	var list []string
	for pair := range slices.Chunk(pairs, 2) {
		var after map[string]any
		if err := json.Unmarshal([]byte(pair[1]), &after); err != nil {
			panic(err)
		}
		unknown := map[string]bool{"id": true}
		for k, v := range after {
			if v == nil {
				unknown[k] = true
				delete(after, k)
			}
		}
		a, _ := parseAddress(pair[0])
		typ, _, _ := strings.Cut(a.object, ".")
		one, _ := json.Marshal(map[string]any{ //nolint:errchkjson // maps of plain values
			"address": pair[0], "mode": "managed", "type": typ,
			"change": map[string]any{"actions": []string{"create"}, "after": after, "after_unknown": unknown},
		})
		list = append(list, string(one))
	}
	return strings.Join(list, ",\n")
}

func planOf(changes, config string) string {
	return `{"format_version":"1.2","resource_changes":[` + changes + `],"configuration":` + config + `}`
}

const noConfig = `{"root_module":{}}`

func TestTerraformFaults(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := ReadTerraform(context.Background(), "plan.json", strings.NewReader(text))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
	f(`{"format_version":"1.2","resource_changes":[`, "reading plan.json: line 1, byte 44: the text ends in the middle of a value; the file may be cut off")
	f("{\"format_version\":\"1.2\",\n\"resource_changes\":[\n{\"address\":\"azurerm_key_vault.kv\",\"change\":{\"after\":{\"name\":tru}}}]}",
		`line 3, byte 106: in azurerm_key_vault.kv: "tru" is not a JSON value`)
	f(`{"format_version":"1.2","resource_changes":[{"address":"`+strings.Repeat("a", maxName+1)+`"}]}`, "a name is longer than 64 KiB")
	f(`{"format_version":"1.2","planned_values":`+strings.Repeat(`{"child_modules":[`, 300), "nested deeper")
	f(`{"format_version":"1.2","resource_changes":[]}{"format_version":"1.2"}`, "there is more text after the value")
}

func TestTerraformOddShapes(t *testing.T) {
	f := func(text string) {
		t.Helper()
		s := read(t, text)
		if n := len(s.Resources) + len(s.RoleAssignments); n != 0 {
			t.Errorf("%s gives %d facts", text, n)
		}
	}
	f(`{"format_version":"1.0"}`)
	f(`{"format_version":"1.2","resource_changes":null,"configuration":null,"prior_state":null,"variables":null}`)
	f(`{"format_version":"1.2","resource_changes":[],"configuration":[]}`)
	f(`{"format_version":"1.2","resource_changes":[{"address":"a.b"},{"address":"x"}]}`)
	f(`{"format_version":"1.2","resource_changes":[{"address":"azurerm_role_assignment.x","type":"azurerm_role_assignment","change":{"actions":["create"],"after":[1],"after_unknown":"x"}}]}`)
	f(`{"format_version":"1.2","resource_changes":[{"address":"azurerm_linux_web_app.x","type":"azurerm_linux_web_app","change":{"actions":["create"],"after":{"identity":{"type":["SystemAssigned"]},"name":3,"resource_group_name":{}}}}]}`)
	f(`{"format_version":"1.2","resource_changes":[],"configuration":{"root_module":{"resources":[1,{"address":"a.b","expressions":{"scope":{"references":3}}}],"module_calls":{"m":{"module":null,"expressions":[]}}}}}`)
	f(`{"version":4,"lineage":"x","resources":[{"type":"a","name":"b","instances":[{"index_key":null},{"index_key":3,"attributes":null}]}]}`)
}

// Values of another type than Terraform writes would be left out, with the objects in
// them: they are errors that name the place.
func TestTerraformOtherTypes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := ReadTerraform(context.Background(), "plan.json", strings.NewReader(text))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Line == 0 {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	plan := func(member, want string) {
		t.Helper()
		f(`{"format_version":"1.2","terraform_version":"1.11.4",`+member+`}`, want)
	}
	plan(`"resource_changes":{}`, "line 1, byte 72: resource_changes is no list; give the output of")
	plan(`"resource_changes":[],"resource_drift":"x"`, "resource_drift is no list")
	plan(`"resource_changes":[],"deferred_changes":5`, "deferred_changes is no list")
	for _, other := range []string{"null", "1", `"x"`, "[]"} {
		plan(`"resource_changes":[{"address":"a.b"},`+other+`]`, "resource_changes[1] is no object")
	}
	plan(`"resource_changes":[{}]`, "resource_changes[0] has no address")
	plan(`"resource_changes":[{"address":5,"type":"azurerm_key_vault"}]`, "resource_changes[0] has no address")
	plan(`"resource_drift":[{"address":""}],"planned_values":{}`, "resource_drift[0] has no address")
	plan(`"resource_changes":[{"address":"a.b","change":5}]`, "in a.b: its change is no object")
	plan(`"resource_changes":[{"address":"a.b","change":null}]`, "in a.b: its change is no object")
	plan(`"resource_changes":[{"address":"a.b","change":{"actions":"create"}}]`, "in a.b: its actions are no list")
	plan(`"planned_values":3`, "a module is no object")
	plan(`"planned_values":{"root_module":{"resources":{}}}`, "resources is no list")
	plan(`"planned_values":{"root_module":{"child_modules":{}}}`, "child_modules is no list")
	plan(`"values":{"root_module":{"resources":[{"address":"a.b"},7]}}`, "resources[1] is no object")
	plan(`"values":{"root_module":{"resources":[{"mode":"managed"}]}}`, "resources[0] has no address")
	f(`{"version":4,"lineage":"x","resources":{}}`, "resources is no list")
	f(`{"version":4,"lineage":"x","resources":[3]}`, "resources[0] is no object")
	f(`{"version":4,"lineage":"x","resources":[{"instances":[]}]}`, "resources[0] has no type or name")
	f(`{"version":4,"lineage":"x","resources":[{"type":"a","name":"b","instances":{}}]}`, "instances is no list")
	f(`{"version":4,"lineage":"x","resources":[{"type":"a","name":"b","instances":[1]}]}`, "in a.b: instances[0] is no object")
	f(`{"format_version":"9.9","resource_changes":[]}`, `format_version is "9.9", and only versions 0 and 1 are known`)
	f(`{"format_version":12,"resource_changes":[]}`, "format_version is no text")
	read(t, `{"format_version":"0.2","resource_changes":[]}`)
}

// An identity of another form is not an absent one.
func TestIdentityOfAnotherForm(t *testing.T) {
	f := func(identity string, want bool) {
		t.Helper()
		s := read(t, `{"format_version":"1.2","resource_changes":[{"address":"azurerm_linux_web_app.x","type":"azurerm_linux_web_app","change":{"actions":["update"],"after":{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/x","identity":`+identity+`}}}]}`)
		found := false
		for i := range s.Gaps {
			found = found || s.Gaps[i].Subject == "azurerm_linux_web_app.x" && strings.Contains(s.Gaps[i].Reason, "its identity is not in the form that plans have")
		}
		if found != want {
			t.Errorf("%s: %+v", identity, s.Gaps)
		}
	}
	f(`"SystemAssigned"`, true)
	f(`[{"type":["SystemAssigned"]}]`, true)
	f(`[5]`, true)
	f(`true`, true)
	f(`null`, false)
	f(`[]`, false)
	f(`[{"type":"SystemAssigned","principal_id":"11111111-1111-1111-1111-111111111111"}]`, false)
}

// A member may come in any order: facts do not depend on it.
func TestTerraformOrder(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "create.plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	want := stripped(read(t, string(raw)))
	for _, order := range [][]string{
		{"configuration", "resource_changes", "variables", "timestamp", "format_version"},
		{"timestamp", "resource_changes", "configuration", "variables", "format_version"},
	} {
		var b strings.Builder
		for i, name := range order {
			fmt.Fprintf(&b, "%c%q:%s", "{,"[min(i, 1)], name, members[name])
		}
		b.WriteByte('}')
		if d := cmp.Diff(want, stripped(read(t, b.String()))); d != "" {
			t.Errorf("%v: %s", order, d)
		}
	}
	// The members of each object, turned around.
	var plan any
	if err := json.Unmarshal(raw, &plan); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, stripped(read(t, turned(plan)))); d != "" {
		t.Error(d)
	}
}

// turned writes a JSON value with its members in falling order of their names.
func turned(v any) string {
	switch v := v.(type) {
	case map[string]any:
		keys := sortedKeys(v)
		slices.Reverse(keys)
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = fmt.Sprintf("%q:%s", k, turned(v[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = turned(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		b, _ := json.Marshal(v) //nolint:errchkjson // it came out of JSON
		return string(b)
	}
}

// stripped prints facts without their lines.
func stripped(s *mivet.Snapshot) string {
	var b strings.Builder
	for line := range strings.Lines(printed(s)) {
		line, _, _ = strings.Cut(strings.TrimSuffix(line, "\n"), "  <")
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Plans of format 0.1 may hold planned_values only; where there are changes, these count.
func TestPlannedValues(t *testing.T) {
	values := `"planned_values":{"root_module":{"resources":[{"address":"azurerm_resource_group.rg","mode":"managed","type":"azurerm_resource_group","values":{"name":"old","id":"/subscriptions/1/resourceGroups/old"}}],
		"child_modules":[{"resources":[{"address":"module.m.azurerm_resource_group.rg","mode":"managed","type":"azurerm_resource_group","values":{"name":"in","id":"/subscriptions/1/resourceGroups/in"}}]}]}}`
	changes := `"resource_changes":[{"address":"azurerm_resource_group.rg","mode":"managed","type":"azurerm_resource_group","change":{"actions":["no-op"],"after":{"id":"/subscriptions/1/resourceGroups/new"}}}]`
	prior := `"prior_state":{"values":{"root_module":{"resources":[{"address":"data.azurerm_resource_group.d","mode":"data","type":"azurerm_resource_group","values":{"id":"/subscriptions/1/resourceGroups/read"}}]}}}`
	f := func(want string, members ...string) {
		t.Helper()
		s := read(t, `{"format_version":"0.1",`+strings.Join(members, ",")+"}")
		var names []string
		for i := range s.Resources {
			names = append(names, s.Resources[i].ID.Name())
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("old in", values)
	f("new", values, changes)
	f("new", changes, values)
	f("read new", prior, values, changes)
	f("old in read", prior, values)
	f("old in read", values, prior)
}

func TestSubscription(t *testing.T) {
	const vault = `{"name":"kv","resource_group_name":"g"}`
	f := func(config, want string, more ...string) {
		t.Helper()
		s := read(t, planOf(changes(append([]string{"azurerm_key_vault.kv", vault}, more...)...), config))
		if got := s.Resources[0].ID.SubscriptionID(); got != want {
			t.Errorf("%s: subscription %s, want %s", config, got, want)
		}
	}
	const id = "11111111-2222-4333-8444-555555555555"
	used := `"root_module":{"resources":[{"address":"azurerm_key_vault.kv","provider_config_key":"azurerm.two"},{"address":"azurerm_resource_group.g","provider_config_key":"azurerm.two"}]}`
	f(`{"provider_config":{"azurerm":{"expressions":{"subscription_id":{"constant_value":"`+id+`"}}}},"root_module":{}}`, id)
	f(`{"provider_config":{"azurerm.two":{"expressions":{"subscription_id":{"constant_value":"`+id+`"}}}},`+used+`}`, id)
	f(`{"provider_config":{"azurerm":{"expressions":{"subscription_id":{"references":["local.sub"]}}}},"root_module":{}}`, "{subscription of azurerm}")
	f(`{`+used+`}`, id, "azurerm_resource_group.g", `{"id":"/subscriptions/`+id+`/resourceGroups/g"}`)
	f(noConfig, "{subscription of azurerm}")
	s := read(t, planOf(changes("azurerm_key_vault.kv", vault), noConfig))
	if g := gapsOf(s, mivet.FactSubscriptions); len(g) != 1 || !strings.Contains(g[0], "does not say in which subscription") {
		t.Errorf("gaps %v", g)
	}
}

// One huge object becomes a gap with its address; the others are read.
func TestTooLarge(t *testing.T) {
	big := `{"name":"big","resource_group_name":"g","tags":{"x":"` + strings.Repeat("y", maxValue) + `"}}`
	s := read(t, planOf(changes("azurerm_key_vault.big", big, "azurerm_key_vault.small", `{"name":"small","resource_group_name":"g"}`), noConfig))
	if len(s.Resources) != 1 || s.Resources[0].ID.Name() != "small" {
		t.Errorf("resources %v", s.Resources)
	}
	want := []string{"azurerm_key_vault.big: it holds more than 16 MiB of what is read, and was left out in part"}
	if d := cmp.Diff(want, gapsOf(s, mivet.FactInput)); d != "" {
		t.Error(d)
	}
	if len(s.Declarations) != 2 {
		t.Errorf("%d declarations", len(s.Declarations))
	}
}

// What is not skipped because it is large but because it is not allowed costs nothing.
func TestLargeButNotRead(t *testing.T) {
	s := read(t, planOf(changes("azurerm_linux_web_app.a", `{"name":"a","resource_group_name":"g","app_settings":{"x":"`+strings.Repeat("y", maxValue+1)+`"}}`), noConfig))
	if g := gapsOf(s, mivet.FactInput); len(s.Resources) != 1 || g != nil {
		t.Errorf("%d resources, gaps %v", len(s.Resources), g)
	}
}

// Gaps that would say the same a thousand times are drawn together, and claim no less.
func TestGapsDrawnTogether(t *testing.T) {
	var pairs []string
	for i := range 500 {
		pairs = append(pairs, fmt.Sprintf("azurerm_role_assignment.x[%d]", i), `{"role_definition_name":"Reader","scope":"/subscriptions/1","principal_id":null}`)
	}
	s := read(t, planOf(changes(pairs...), noConfig))
	g := gapsOf(s, mivet.FactRoleAssignments)
	if len(g) != maxGapsAlike+1 || !strings.Contains(g[maxGapsAlike], "460 more objects") {
		t.Errorf("%d gaps, the last %s", len(g), g[len(g)-1])
	}
	if len(s.RoleAssignments) != 500 {
		t.Errorf("%d assignments", len(s.RoleAssignments))
	}
}

func TestDeferred(t *testing.T) {
	s := read(t, `{"format_version":"1.2","resource_changes":[],"deferred_changes":[{"reason":"unknown","resource_change":`+
		changes("azurerm_role_assignment.later", `{"scope":"/subscriptions/1"}`)+`}]}`)
	if len(s.RoleAssignments) != 0 || len(s.Declarations) != 1 || len(gapsOf(s, mivet.FactInput)) != 1 {
		t.Errorf("%d assignments, %d declarations, gaps %v", len(s.RoleAssignments), len(s.Declarations), gapsOf(s, mivet.FactInput))
	}
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var pairs []string
	for i := range 2000 {
		pairs = append(pairs, fmt.Sprintf("azurerm_key_vault.x[%d]", i), `{"name":"kv"}`)
	}
	_, err := ReadTerraform(ctx, "plan.json", strings.NewReader(planOf(changes(pairs...), noConfig)))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("reading goes on: %v", err)
	}
}

// No value of an attribute that is not allowed leaves the package, wherever it stands.
func TestNoSecrets(t *testing.T) {
	const secret = "s3cr3t"
	attrs := `{"name":"a","resource_group_name":"g","location":"westeurope","admin_password":"` + secret + `","site_credential":[{"password":"` + secret + `"}],
		"identity":[{"type":"SystemAssigned","certificate":"` + secret + `"}],"connection_string":[{"value":"` + secret + `"}],"primary_access_key":"` + secret + `",
		"body":"{\"properties\":{\"adminPassword\":\"` + secret + `\",\"enableRbacAuthorization\":true}}","output":{"properties":{"key":"` + secret + `"}}}`
	var pairs []string
	for typ := range newTypeTable() {
		pairs = append(pairs, typ+".x", attrs)
	}
	pairs = append(pairs, "azapi_resource.x", attrs, "azuread_application.x", attrs, "azurerm_resource_group.x", attrs)
	config := `{"provider_config":{"azurerm":{"expressions":{"client_secret":{"constant_value":"` + secret + `"}}}},
		"root_module":{"module_calls":{"m":{"expressions":{"password":{"constant_value":"` + secret + `"}},"module":{}}},"outputs":{"o":{"expression":{"constant_value":"` + secret + `"}}}}}`
	text := planOf(changes(pairs...), config)
	text = strings.Replace(text, `"configuration"`, `"variables":{"password":{"value":"`+secret+`"}},"output_changes":{"x":{"after":"`+secret+`"}},"configuration"`, 1)
	if got := printed(read(t, text)); strings.Contains(got, secret) {
		t.Error("a secret left the package")
	}
	doc, err := readDocument(context.Background(), "plan.json", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range doc.objects {
		if strings.Contains(string(o.after), secret) {
			t.Errorf("%s keeps a secret: %s", o.address, o.after)
		}
	}
	for name, v := range doc.vars {
		t.Errorf("the variable %s is kept: %s", name, v)
	}
}

func TestDriftKept(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "change.plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := readDocument(context.Background(), "change.plan.json", f)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.drift) != 1 || attributes(doc.drift[0].before).str("identity", "principal_id") == attributes(doc.drift[0].after).str("identity", "principal_id") {
		t.Errorf("drift %v", doc.drift)
	}
	for _, o := range doc.objects {
		if o.address == "azurerm_linux_web_app.replaced" && string(o.replace) != `[["name"]]` {
			t.Errorf("replaced because of %s", o.replace)
		}
	}
}

// The access list of a vault repeats separate policies only after a refresh: that of a new
// vault holds what is written in it.
func TestInlinePoliciesBesideSeparateOnes(t *testing.T) {
	const (
		vault  = "/subscriptions/" + testSub + "/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"
		inline = `"access_policy":[{"object_id":"` + oldPrincipal + `","secret_permissions":["Get"]},{"object_id":"` + newPrincipal + `","secret_permissions":["List"]}]`
		values = `{"id":"` + vault + `","name":"kv","resource_group_name":"g",` + inline + `}`
	)
	f := func(actions, before string, count, facts int) {
		t.Helper()
		s := read(t, planOf(
			`{"address":"azurerm_key_vault.kv","mode":"managed","type":"azurerm_key_vault","change":{"actions":[`+actions+`],"before":`+before+`,"after":`+values+`}},`+
				`{"address":"azurerm_key_vault_access_policy.p","mode":"managed","type":"azurerm_key_vault_access_policy","change":{"actions":["create"],"before":null,"after":{"key_vault_id":"`+
				vault+`","object_id":"`+oldPrincipal+`","secret_permissions":["Set"]}}}`, noConfig))
		if n := s.Declarations[0].InlinePolicies; n != count || len(s.AccessPolicies) != facts {
			t.Errorf("%s: %d blocks, %d facts; want %d and %d", actions, n, len(s.AccessPolicies), count, facts)
		}
	}
	f(`"create"`, "null", 2, 3)
	f(`"delete","create"`, values, 2, 3)
	f(`"no-op"`, values, 1, 2)
	f(`"update"`, values, 1, 2)
}

// What a plan holds of others is no fault of it: a rule that has nothing to look at there
// says nothing.
func TestInherentGaps(t *testing.T) {
	s := read(t, planOf(changes("random_id.x", `{}`, "azurerm_odd_thing.x", `{}`), noConfig))
	var inherent, others int
	for _, g := range s.Gaps {
		if g.Inherent {
			inherent++
		} else {
			others++
			if !strings.Contains(g.Reason, "not understood") {
				t.Errorf("a plan always lacks this: %+v", g)
			}
		}
	}
	if inherent == 0 || others == 0 {
		t.Errorf("%d gaps are inherent, %d are not: %+v", inherent, others, s.Gaps)
	}
}

// Which versions of the provider a plan allows is known of objects of key vaults.
func TestProviderVersions(t *testing.T) {
	f := func(providers, want string) {
		t.Helper()
		s := read(t, planOf(changes("azurerm_key_vault.kv", `{"name":"kv","resource_group_name":"g"}`, "azurerm_resource_group.g", `{"name":"g"}`),
			`{"provider_config":{`+providers+`},"root_module":{}}`))
		if got := s.Declarations[0].ProviderVersions; got != want {
			t.Errorf("%s: %q", providers, got)
		}
		if got := s.Declarations[1].ProviderVersions; got != "" {
			t.Errorf("a group has %q", got)
		}
	}
	f(`"azurerm":{"name":"azurerm","version_constraint":"~> 3.0"}`, "~> 3.0")
	f(`"azurerm":{"version_constraint":"~> 3.0"},"azurerm.two":{"alias":"two"},"module.m:azurerm":{"version_constraint":">= 3.5, < 4.0"},"azapi":{"version_constraint":"2.0.0"}`, "~> 3.0, >= 3.5, < 4.0")
	f(`"azurerm":{"version_constraint":"a secret = text"}`, "")
	f(`"azurerm":{"version_constraint":["1"]}`, "")
	f(`"azurerm":{}`, "")
}
