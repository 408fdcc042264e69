// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet/catalog"
)

const templateHead = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", `

var openedCatalog = sync.OnceValues(catalog.Open)

// outcomeOf compares the pairs of a folder of names and texts in turn, and gives what became of them.
func outcomeOf(t *testing.T, files ...string) string {
	t.Helper()
	tree := fstest.MapFS{}
	name := ""
	for i, text := range files {
		if i%2 == 0 {
			name = text
		} else {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	cat, err := openedCatalog()
	if err != nil {
		t.Fatal(err)
	}
	var report Report
	if err := report.AddFolder(t.Context(), New(Options{Catalog: cat}), "folder", tree, FolderOptions{}); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, k := range report.Kinds {
		switch {
		case k.Agree > 0:
			out = append(out, k.Kind+" agrees")
		case k.Unanswered > 0:
			out = append(out, k.Kind+" unanswered: "+report.Differences[0].Why)
		default:
			answer, _ := report.Differences[0].Answer.(string)
			out = append(out, k.Kind+" differs: "+answer)
		}
	}
	return strings.Join(out, "; ")
}

func TestTemplatePairs(t *testing.T) {
	f := func(source, compiled, want string) {
		t.Helper()
		if got := outcomeOf(t, "a.bicep", source, "a.json", templateHead+compiled+"}"); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	const agrees = "bicep-template agrees"
	// how a value is written does not matter
	f("var x = 1\noutput o int = x + 1", `"resources": [], "outputs": {"o": {"type": "int", "value": 2}}`, agrees)
	f("param p string\noutput o string = 'a${p}'", `"parameters": {"p": {"type": "string"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[concat('a', parameters('p'))]"}}`,
		"bicep-template differs: output o: …\"[format('a', parameters('p'))]\" instead of …\"[concat('a', parameters('p'))]\"")
	// IDs have no case, all else has
	f("resource a 'Microsoft.Web/sites@2022-09-01' = {\n name: 'x'\n tags: { t: resourceId('microsoft.web/serverFarms', 'y') }\n}",
		`"resources": [{"type": "microsoft.web/SITES", "apiVersion": "2022-09-01", "name": "X", "tags": {"t": "[resourceId('Microsoft.Web/serverfarms', 'y')]"}}]`, agrees)
	f("resource a 'Microsoft.Web/sites@2022-09-01' = {\n name: 'x'\n kind: 'App'\n}", `"resources": [{"type": "Microsoft.Web/sites", "apiVersion": "2022-09-01", "name": "x", "kind": "app"}]`,
		"bicep-template differs:  microsoft.web/sites /subscriptions/5b8d2e11-0000-4000-8000-000000000002/resourcegroups/conformance/providers/microsoft.web/sites/x: …2022-09-01 if true {\"kind\":\"App\"} instead of …2022-09-01 if true {\"kind\":\"app\"}")
	// what is missing, and what is too much
	f("", `"resources": [], "outputs": {"o": {"type": "int", "value": 2}}`, "bicep-template differs: there is no output o")
	f("output o int = 2", `"resources": []`, "bicep-template differs: there is output o")
	f("resource a 'Microsoft.Web/sites@2022-09-01' existing = {\n name: 'x'\n}", `"resources": []`, agrees)
	// two resources of one ID are two
	f("param p bool\nresource a 'Microsoft.Web/sites@2022-09-01' = if (p) {\n name: 'x'\n}\nresource b 'Microsoft.Web/sites@2022-09-01' = if (!p) {\n name: 'x'\n}",
		`"parameters": {"p": {"type": "bool"}}, "resources": [{"type": "Microsoft.Web/sites", "apiVersion": "2022-09-01", "name": "x", "condition": "[parameters('p')]"}]`,
		"bicep-template differs: there is  microsoft.web/sites /subscriptions/5b8d2e11-0000-4000-8000-000000000002/resourcegroups/conformance/providers/microsoft.web/sites/x again")
	f("output o array = [null, { 'a/providers/B': 1 }]", `"resources": [], "outputs": {"o": {"type": "array", "value": [null, {"A/providers/b": 1}]}}`, agrees)
}

// Templates that differ only in what is optional differ.
func TestRounds(t *testing.T) {
	f := func(params, source, compiled, want string) {
		t.Helper()
		got := outcomeOf(t, "a.bicep", source, "a.json", `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "languageVersion": "2.0",
			"definitions": {"t": {"type": "object", "properties": {"n": {"type": "string", "maxLength": 3}, "k": {"type": "int", "minValue": 7}, "more": {"$ref": "#/definitions/t"}}, "additionalProperties": {"type": "bool"}},
				"d": {"type": "object", "discriminator": {"propertyName": "kind", "mapping": {"a": {"$ref": "#/definitions/da"}}}}, "da": {"type": "object", "properties": {"kind": {"type": "string", "allowedValues": ["a"]}}}},
			"parameters": {`+params+`}, "resources": {}, "outputs": {"o": {"type": "string", "value": "`+compiled+`"}}}`)
		if want != "" {
			want = "bicep-template differs: " + want
		} else {
			want = "bicep-template agrees"
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	given := func(value string) string {
		return "every parameter given: output o: …" + value + " instead of …\"\""
	}
	text := `"p": {"type": "string", "defaultValue": ""}`
	f(text, "param p string = ''\noutput o string = p", "[parameters('p')]", "")
	f(text, "param p string = ''\noutput o string = empty(p) ? '' : 'x'", "", given(`"x"`))
	f(text, "param p string = ''\noutput o string = p == 'never' ? 'x' : ''", "", "every parameter unknown: output o: …\"[if(equals(given('p'), 'never'), 'x', '')]\" instead of …\"\"")
	ref := `"p": {"$ref": "#/definitions/t", "nullable": true}`
	f(ref, "param p object?\noutput o string = p.?more.?n ?? ''", "", given(`"p-n"`))
	f(ref, "param p object?\noutput o string = string(p.?k ?? '')", "", given(`"7"`))
	f(ref, "param p object?\noutput o string = string(p.?other ?? '')", "", given(`"True"`))
	f(`"p": {"$ref": "#/definitions/d", "nullable": true}`, "param p object?\noutput o string = p.?kind ?? ''", "", given(`"a"`))
	f(`"p": {"type": "array", "defaultValue": []}`, "param p array = []\noutput o string = join(p, '')", "", given(`"p-p"`))
	f(`"p": {"type": "array", "items": {"type": "int"}, "defaultValue": []}`, "param p array = []\noutput o string = join(p, '')", "", given(`"22"`))
	f(`"p": {"type": "int", "allowedValues": [1, 5], "nullable": true}`, "param p int?\noutput o string = string(p ?? '')", "", given(`"5"`))
	f(`"p": {"type": "bool", "allowedValues": [true], "nullable": true}`, "param p bool?\noutput o string = string(p ?? '')", "", given(`"True"`))
	f(`"subnetResourceId": {"type": "string", "defaultValue": ""}`, "param subnetResourceId string = ''\noutput o string = length(split(subnetResourceId, '/')) > 8 ? 'x' : ''", "", given(`"x"`))
}

func TestFolderHasNoPairs(t *testing.T) {
	generated := func(by string) string {
		return templateHead + `"metadata": {"_generator": {"name": "` + by + `"}}, "resources": []}`
	}
	if got := outcomeOf(t, "q/main.bicep", "", "q/azuredeploy.json", generated("bicep")); got != "bicep-template agrees" {
		t.Error(got)
	}
	for _, files := range [][]string{
		{"q/main.bicep", "", "q/azuredeploy.json", generated("a person")},
		{"q/main.bicep", "", "q/azuredeploy.json", "{"},
		{"a.bicep", "", "a.json", "no JSON"},
		{"a.bicep", "", "a.json", `{"$schema": "https://example.com/other.json"}`},
		{"a.bicep", "", "b.json", templateHead + `"resources": []}`},
		{"a.tokens.bicep", "", "a.diagnostics.bicep", ""},
		{"a.bicepparam", "", "a.json", `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"}`},
	} {
		if got := outcomeOf(t, files...); got != "" {
			t.Errorf("%s: %s", files, got)
		}
	}
}

func TestTokenPairs(t *testing.T) {
	f := func(source, listing, want string) {
		t.Helper()
		if got := outcomeOf(t, "a.bicep", source, "a.tokens.bicep", listing); got != want {
			t.Errorf("%q\n got %s\nwant %s", source, got, want)
		}
	}
	f("a\r\n", "//@[00:01) Identifier |a|\r\n//@[01:03) NewLine |\\r\\n|\r\n//@[00:00) EndOfFile ||", "bicep-tokens agrees")
	f("\ufeff'😀' a", "//@[00:04) StringComplete |'😀'|\n//@[05:06) Identifier |a|\n//@[06:06) EndOfFile ||", "bicep-tokens agrees")
	f("'''\n", "//@[00:04) StringComplete |'''\\n|", "bicep-tokens agrees")
	f("a", "//@[00:01) Identifier |a|", "bicep-tokens differs: token 1: [1:1) EndOfFile || instead of the end")
	f("", "//@[00:00) EndOfFile ||\n//@[00:00) EndOfFile ||", "bicep-tokens differs: token 1: the end instead of [0:0) EndOfFile ||")
}

// A file system that fails is an error, not a folder without pairs.
type failingFS struct{}

var errFailing = errors.New("the disk is gone")

func (failingFS) Open(string) (fs.File, error) { return nil, errFailing }

func TestFolderUnreadable(t *testing.T) {
	var report Report
	if err := report.AddFolder(t.Context(), New(Options{}), "folder", failingFS{}, FolderOptions{}); !errors.Is(err, errFailing) {
		t.Errorf("a broken disk: %v", err)
	}
}
