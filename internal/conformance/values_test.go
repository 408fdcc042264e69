// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Values are counted once as they are by default and once with every parameter unknown.
func TestValues(t *testing.T) {
	tree := fstest.MapFS{
		"main.bicep": {Data: []byte(`param who string = '11111111-2222-4333-8444-555555555555'
resource site 'Microsoft.Web/sites@2023-12-01' = {
  name: 'site'
  location: 'westeurope'
  identity: { type: 'SystemAssigned' }
}
resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(site.id)
  properties: {
    principalId: who
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
  }
}
`)},
		"vault.json": {Data: []byte(`{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
  "parameters": {"policies": {"type": "array", "defaultValue": []}, "user": {"type": "object", "defaultValue": {}}, "id": {"type": "string", "defaultValue": "a"}},
  "resources": [
    {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "a", "properties": {"accessPolicies": "[parameters('policies')]"}},
    {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "b", "properties": {"accessPolicies": [{"objectId": "[reference('x').principalId]"}]}},
    {"type": "Microsoft.Web/sites", "apiVersion": "2023-12-01", "name": "c", "identity": {"type": "UserAssigned", "userAssignedIdentities": {"[parameters('id')]": {}}}},
    {"type": "Microsoft.Web/sites", "apiVersion": "2023-12-01", "name": "d", "identity": {"type": "UserAssigned", "userAssignedIdentities": "[parameters('user')]"}},
    {"type": "Microsoft.Web/sites", "apiVersion": "2023-12-01", "name": "e", "identity": "[if(equals(parameters('id'), 'a'), null(), parameters('user'))]"},
    {"type": "Microsoft.Web/sites", "apiVersion": "2023-12-01", "name": "f", "identity": {"type": "[base64ToString('not base64')]"}}
  ]}`)},
		"broken.bicep": {Data: []byte("resource x = {")},
		"broken.json":  {Data: []byte(`{"$schema": "deploymentTemplate.json", "resources": [`)},
		"other.json":   {Data: []byte(`{"a": 1}`)},
		"read.me":      {Data: []byte("text")},
	}
	p := NewValueReport()
	if err := p.AddFolder(context.Background(), &Runner{}, "folder", tree, FolderOptions{}); err != nil {
		t.Fatal(err)
	}
	want := []ValueFigure{
		{valueIdentity, 8, 3, 2}, // both rounds: the known types, those that hang on parameters, the fault
		{valuePrincipal, 1, 4, 0},
		{valueRole, 2, 0, 0},
		{valueScope, 2, 0, 0},
	}
	if p.Templates != 2 || len(p.Unreadable) != 2 || p.Resources != 8 {
		t.Errorf("%d templates, %d resources, unreadable %q", p.Templates, p.Resources, p.Unreadable)
	}
	if d := cmp.Diff(want, p.Kinds); d != "" {
		t.Errorf("figures (-want +got):\n%s\nlost: %v", d, p.Lost)
	}
	total := 0
	for i := range p.Kinds {
		total += p.Kinds[i].Total()
	}
	if total != 22 {
		t.Errorf("%d values in all", total)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := NewValueReport().AddFolder(ctx, &Runner{}, "folder", tree, FolderOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was stopped ends with %v", err)
	}
}

func TestControlsOfCode(t *testing.T) {
	account := func(settings map[string]string) *mivet.Resource {
		return &mivet.Resource{Detail: &mivet.Detail{Settings: settings}}
	}
	for _, c := range []struct {
		settings map[string]string
		want     bool
	}{
		{map[string]string{}, false},
		{map[string]string{"isHnsEnabled": "true"}, true},
		{map[string]string{"isHnsEnabled": "true", "isLocalUserEnabled": "false"}, false},
		{map[string]string{"isLocalUserEnabled": "true"}, true},
	} {
		if got := localUsers(account(c.settings)); got != c.want {
			t.Errorf("%v: local users %t", c.settings, got)
		}
	}
	server := func(name string) arm.ID {
		id, err := arm.ParseID("/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/g/providers/Microsoft.Sql/servers/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	snap := &mivet.Snapshot{
		Resources:   []mivet.Resource{{ID: server("bare")}, {ID: server("held")}, {ID: server("open")}},
		LocalGrants: []mivet.LocalAssignment{{System: mivet.LocalSQLAdmin, Account: server("held")}},
		Gaps:        []mivet.Gap{{Facts: mivet.FactLocalGrants, Scope: server("open")}},
		RoleDefinitions: []mivet.RoleDefinition{
			{ID: "1", Name: "all", AssignableScopes: []string{"/"}, Permissions: []mivet.Permission{{Actions: []string{"*"}}}},
			{ID: "2", Name: "some", AssignableScopes: []string{"/"}, Permissions: []mivet.Permission{{Actions: []string{"*/read"}}}},
		},
		FederatedCredentials: []mivet.FederatedCredential{
			{Name: "wide", Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:shop/*:*", Source: mivet.Source{Origin: &mivet.Origin{Address: "wide"}}},
			{Name: "plain", Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:shop/api:environment:production", Audiences: []string{"api://AzureADTokenExchange"}, Source: mivet.Source{Origin: &mivet.Origin{Address: "plain"}}},
		},
	}
	names := func(list []found) string {
		var out []string
		for _, f := range list {
			out = append(out, f.name)
		}
		return strings.Join(out, " ")
	}
	for what, got := range map[string][2]string{
		"servers without an administrator":        {"bare", names(withoutAdministrator(snap))},
		"roles that own everything":               {"1", names(ownsEverything(snap))},
		"credentials that trust or match wrongly": {"wide", names(badCredentials(snap))},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, want %q", what, got[1], got[0])
		}
	}
}
