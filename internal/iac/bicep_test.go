// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet/armtemplate"
)

// bicepFacts compiles and reads a file of names and texts in turn.
func bicepFacts(t *testing.T, name string, opts BicepOptions, files ...string) (string, *Bicep) {
	t.Helper()
	tree := fstest.MapFS{}
	last := ""
	for i, text := range files {
		if i%2 == 0 {
			last = text
		} else {
			tree[last] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	opts.Files, opts.Folder = tree, "infra"
	opts.Target = armtemplate.Target{Subscription: "11111111-1111-1111-1111-111111111111", ResourceGroup: "shop"}
	b, err := CompileBicep(name, opts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Facts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var gaps strings.Builder
	for _, g := range s.Gaps {
		if !g.Inherent {
			gaps.WriteString("\ngap: " + g.Reason + " at " + g.Source.String())
		}
	}
	return printed(s) + gaps.String(), b
}

const bicepMain = "param name string\nresource site 'Microsoft.Web/sites@2024-04-01' = {\n name: name\n identity: {\n  type: 'SystemAssigned'\n }\n}\n" +
	"module grant 'grant.bicep' = {\n name: 'grant'\n params: {\n  principal: site.identity.principalId\n }\n}\n"

const bicepGrant = "param principal string\nresource a 'Microsoft.Authorization/roleAssignments@2022-04-01' = {\n name: guid(principal)\n properties: {\n  principalId: principal\n" +
	"  roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')\n }\n}\n"

// What a module assigns binds to the identity of a resource in another file.
func TestBicepFacts(t *testing.T) {
	const principal = "principal of /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shop/providers/Microsoft.Web/sites/orders"
	given := BicepOptions{Parameters: map[string]armtemplate.Value{"name": armtemplate.String("orders")}}
	got, b := bicepFacts(t, "main.bicep", given, "main.bicep", bicepMain, "grant.bicep", bicepGrant)
	contains(t, got, `to "`+principal+`"`, "!gap: parameters")
	if strings.Join(b.Sources, " ") != "grant.bicep main.bicep" {
		t.Errorf("the sources are %s", b.Sources)
	}

	got, b = bicepFacts(t, "p.bicepparam", BicepOptions{}, "main.bicep", bicepMain, "grant.bicep", bicepGrant, "p.bicepparam", "using 'main.bicep'\nparam name = 'orders'\n")
	contains(t, got, `to "`+principal+`"`)
	if strings.Join(b.Sources, " ") != "grant.bicep main.bicep p.bicepparam" {
		t.Errorf("the sources are %s", b.Sources)
	}
	// what is given wins
	got, _ = bicepFacts(t, "p.bicepparam", given, "main.bicep", bicepMain, "grant.bicep", bicepGrant, "p.bicepparam", "using 'main.bicep'\nparam name = 'bills'\n")
	contains(t, got, `to "`+principal+`"`)

	got, _ = bicepFacts(t, "main.bicep", BicepOptions{}, "main.bicep", bicepMain, "grant.bicep", bicepGrant)
	contains(t, got, "gap: parameters have no value")
	got, _ = bicepFacts(t, "none.bicepparam", BicepOptions{}, "none.bicepparam", "using none\nparam a = 1\n")
	contains(t, got, "!gap:")
}

func TestBicepGaps(t *testing.T) {
	got, _ := bicepFacts(t, "main.bicep", BicepOptions{}, "main.bicep", bicepMain+"output o string = nowhere\n")
	contains(t, got, "gap: the file has an error: there is nothing with the name nowhere here at infra/main.bicep:14",
		"gap: the file has an error: this file cannot be read", "!bicepFault", "!linked template")
	got, _ = bicepFacts(t, "main.bicep", BicepOptions{}, "main.bicep", "module m 'br/public:a:1' = {\n name: 'm'\n}\n")
	contains(t, got, "linked template bicep:br/public:a:1")
	for _, name := range []string{"none.bicep", "none.bicepparam"} {
		if _, err := CompileBicep(name, BicepOptions{Files: fstest.MapFS{}}); err == nil {
			t.Errorf("%s is not there and is read", name)
		}
	}
}
