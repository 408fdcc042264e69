// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"strings"
	"testing"

	"github.com/mivet/mivet/arm"
)

func TestResources(t *testing.T) {
	r := clean(t, evaluated(t, `{`+schemaGroup+`,
		// a comment, and members given twice: the last counts
		"parameters": {"deploySlot": {"type": "bool", "defaultValue": false}, "none": {"type": "string", "nullable": true}},
		"variables": {"app": "old", /* again */ "app": "api"},
		"functions": [{"namespace": "my", "members": {"name": {
			"parameters": [{"name": "a", "type": "string"}, {"name": "b", "type": "string", "defaultValue": "x"}, {"name": "c", "type": "string"}],
			"output": {"type": "string", "value": "[concat(parameters('a'), '-', parameters('b'), coalesce(parameters('c'), ''))]"}}}}],
		"resources": [
			{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[My.Name(variables('APP'))]", "location": "[resourceGroup().location]",
			 "kind": "[[literal]", "dependsOn": ["plan"], "tags": {"[concat('a', 'b')]": 1.5},
			 "identity": {"type": "SystemAssigned"},
			 "resources": [
				{"type": "slots", "apiVersion": "2024-01-01", "name": "next", "condition": "[parameters('deploySlot')]"},
				{"type": "Microsoft.Web/sites/config", "apiVersion": "2024-01-01", "name": "[concat(variables('app'), '-x/web')]"},
				{"type": "providers/locks", "apiVersion": "2020-05-01", "name": "Microsoft.Authorization/keep"}
			 ]},
			{"type": "Microsoft.Web/sites/providers/roleAssignments", "apiVersion": "2022-04-01", "name": "api-x/Microsoft.Authorization/ra"},
			{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "rb", "scope": "Microsoft.Web/sites/api-x"},
			{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "rc", "scope": "[resourceId('Microsoft.Web/sites', 'api-x')]"},
			null,
		],
		"outputs": {"id": {"type": "String", "value": "[parameters('none')]"}, "no": {"condition": false, "type": "int", "value": 1},
			"many": {"type": "array", "copy": {"count": 2, "input": "[concat('x', copyIndex(1))]"}}}
	}`))
	same2(t, ids(r), []string{
		"Microsoft.Web/sites/api-x",
		"Microsoft.Web/sites/api-x/config/web",
		"Microsoft.Web/sites/api-x/providers/Microsoft.Authorization/locks/keep",
		"Microsoft.Web/sites/api-x/providers/Microsoft.Authorization/roleAssignments/ra",
		"Microsoft.Web/sites/api-x/providers/Microsoft.Authorization/roleAssignments/rb",
		"Microsoft.Web/sites/api-x/providers/Microsoft.Authorization/roleAssignments/rc",
	})
	site := r.Resources[0]
	same2(t, string(JSON(site.Body)), `{"location":"westeurope","kind":"[literal]","tags":{"ab":1.5},"identity":{"type":"SystemAssigned"}}`)
	same2(t, string(JSON(Array(site.DependsOn))), `["plan"]`)
	same2(t, site.Pos.Line, int32(9))
	f, _ := site.Body.Field("identity")
	same2(t, f.Pos, Pos{"app/main.json", 11, 5})
	same2(t, Text(r.Resources[2].Name), "api-x/Microsoft.Authorization/keep")
	same2(t, len(r.Resources[1].DependsOn), 1)
	same2(t, len(r.Outputs), 2)
	same2(t, string(JSON(r.Outputs[0].Value))+r.Outputs[0].Type, `nullstring`)
	same2(t, string(JSON(r.Outputs[1].Value)), `["x1","x2"]`)
}

func TestLoops(t *testing.T) {
	r := clean(t, evaluated(t, `{`+schemaGroup+`,
		"variables": {"names": ["a", "b"], "copy": [{"name": "upper", "count": 2, "input": "[toUpper(variables('names')[copyIndex('upper')])]"}],
			"object": {"fixed": 1, "copy": [{"name": "list", "count": "[length(variables('names'))]", "input": {"i": "[copyIndex('list', 1)]"}}]}},
		"resources": [
			{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[concat('site-', variables('upper')[copyIndex()])]",
			 "copy": {"name": "sites", "count": 2, "mode": "serial", "batchSize": 1},
			 "properties": {"copy": [{"name": "inner", "count": 2, "input": "[format('{0}{1}', copyIndex('sites'), copyIndex('inner'))]"}], "all": "[variables('object')]"}},
			{"type": "Microsoft.Web/serverfarms", "apiVersion": "2024-01-01", "name": "none", "copy": {"name": "n", "count": 0}}
		]}`))
	same2(t, ids(r), []string{"Microsoft.Web/sites/site-A", "Microsoft.Web/sites/site-B"})
	same2(t, string(JSON(r.Resources[1].Body)), `{"properties":{"all":{"fixed":1,"list":[{"i":1},{"i":2}]},"inner":["10","11"]}}`)
}

// A loop whose length is not known gives one resource, with an index that is not known.
func TestLoopsOfUnknownLength(t *testing.T) {
	r := clean(t, evaluated(t, `{`+schemaGroup+`, "languageVersion": "2.0", "parameters": {"names": {"type": "array"}},
		"variables": {"copy": [{"name": "v", "count": "[length(parameters('names'))]", "input": "[parameters('names')[copyIndex('v')]]"}]},
		"resources": {"site": {"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[concat('s', copyIndex(1))]",
			"copy": {"name": "sites", "count": "[length(parameters('names'))]"}, "identity": {"type": "SystemAssigned"},
			"tags": {"n": "[parameters('names')[copyIndex()]]", "v": "[length(variables('v'))]"}}},
		"outputs": {"p": {"type": "string", "value": "[reference('site[0]', '2024-01-01', 'full').identity.principalId]"},
			"all": {"type": "array", "value": "[references('site')]"}}}`))
	same2(t, ids(r), []string{"Microsoft.Web/sites/s{add(copyIndex('sites'), 1)}", "Microsoft.Web/sites/s1"}) // the first turn is named
	same2(t, r.Resources[0].Symbol, "site[{copyIndex('sites')}]")
	u, ok := r.Outputs[0].Value.(*Unknown)
	if !ok {
		t.Fatalf("%s", JSON(r.Outputs[0].Value))
	}
	same2(t, u.Origins()[0].Path, "identity.principalId")
	same2(t, r.Outputs[1].Value.Kind(), KindArray)
}

func TestSymbolicNames(t *testing.T) {
	r := clean(t, evaluated(t, `{`+schemaGroup+`, "languageVersion": "2.0",
		"definitions": {"opt": {"type": "string", "nullable": true}},
		"parameters": {"o": {"$ref": "#/definitions/opt"}},
		"resources": {
			"id": {"existing": true, "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31", "name": "id1", "resourceGroup": "other"},
			"vault": {"existing": true, "type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "v", "subscriptionId": "s2", "resourceGroup": "g2"},
			"off": {"condition": false, "type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[json('bad')]"},
			"sites": {"copy": {"name": "l", "count": 2}, "type": "Microsoft.Web/sites@2024-01-01", "name": "[format('s{0}', copyIndex())]",
				"dependsOn": "id",
				"resources": {"web": {"type": "config", "apiVersion": "2024-01-01", "name": "web"}}},
			"graph": {"import": "graph", "type": "Microsoft.Graph/applications@v1.0", "properties": {"uniqueName": "a"}},
			"ra": {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
				"name": "[guid(resourceInfo('vault').id)]", "scope": "[resourceInfo('vault').id]",
				"properties": {"principalId": "[reference('id').principalId]"}}
		},
		"outputs": {"loop": {"type": "array", "value": "[map(references('sites', 'full'), lambda('s', lambdaVariables('s').identity.principalId))]"},
			"one": {"type": "string", "value": "[reference('sites[1]', '2024-01-01', 'full').identity.principalId]"},
			"off": {"type": "string", "value": "[coalesce(parameters('o'), resourceInfo('ra').type)]"}}}`))
	same2(t, ids(r)[2:5], []string{"Microsoft.Web/sites/s0", "Microsoft.Web/sites/s0/config/web", "Microsoft.Web/sites/s1"})
	same2(t, Text(r.Resources[0].ID), "/subscriptions/"+shop.Subscription+"/resourceGroups/other/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1")
	same2(t, r.Resources[0].Existing, true)
	same2(t, r.Resources[2].Symbol+r.Resources[2].APIVersion, "sites[0]2024-01-01")
	same2(t, IsNull(r.Resources[6].ID), true)
	ra := r.Resources[7]
	same2(t, strings.HasPrefix(Text(ra.ID), "/subscriptions/s2/resourceGroups/g2/providers/Microsoft.KeyVault/vaults/v/providers/Microsoft.Authorization/roleAssignments/"), true)
	u, ok := At(ra.Body, "properties", "principalId").(*Unknown)
	if !ok {
		t.Fatal("the principal is known")
	}
	same2(t, u.Origins(), []Origin{{Kind: OriginResource, Resource: Text(r.Resources[0].ID), Path: "properties.principalId"}})
	a, ok := r.Outputs[0].Value.(Array)
	same2(t, ok && len(a) == 2, true)
	same2(t, string(JSON(a[1])), string(JSON(r.Outputs[1].Value)))
	same2(t, Text(r.Outputs[2].Value), "Microsoft.Authorization/roleAssignments")
}

// A principal passes through parameters and outputs of nested templates.
func TestNested(t *testing.T) {
	r := clean(t, evaluated(t, `{`+schemaGroup+`,
		"parameters": {"on": {"type": "bool"}},
		"resources": [
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "app", "condition": "[parameters('on')]",
		 "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
			"parameters": {"name": {"value": "api"}, "key": {"reference": {"keyVault": {"id": "x"}, "secretName": "s"}},
				"list": {"copy": [{"name": "value", "count": 2, "input": "[copyIndex('value')]"}]}},
			"template": {`+schemaGroup+`, "parameters": {"name": {"type": "string"}, "key": {"type": "securestring"}, "list": {"type": "array"}},
				"resources": [{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[parameters('name')]", "identity": {"type": "SystemAssigned"},
					"tags": {"n": "[length(parameters('list'))]", "k": "[parameters('key')]"}}],
				"outputs": {"principal": {"type": "string", "value": "[reference(resourceId('Microsoft.Web/sites', parameters('name')), '2024-01-01', 'full').identity.principalId]"}}}}},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "grant", "subscriptionId": "s2", "resourceGroup": "g2",
		 "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
			"parameters": {"p": {"value": "[reference(resourceId('Microsoft.Resources/deployments', 'app')).outputs.principal.value]"}},
			"template": {`+schemaGroup+`, "parameters": {"p": {"type": "string"}},
				"resources": [{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "[guid(parameters('p'), resourceGroup().id)]",
					"properties": {"principalId": "[parameters('p')]"}}]}}},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "outer", "resourceGroup": "g3",
		 "properties": {"mode": "Incremental",
			"template": {`+schemaGroup+`, "variables": {"v": "inner"},
				"resources": [{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[concat('x', resourceGroup().name)]"}]}}}
		],
		"outputs": {"state": {"type": "object", "value": "[reference('app').provisioningState]"},
			"full": {"type": "string", "value": "[reference('app', '2022-09-01', 'full').properties.outputs.principal.value]"},
			"other": {"type": "object", "value": "[reference('app').templateHash]"}}}`))
	same2(t, len(r.Resources), 6)
	site, grant := r.Resources[1], r.Resources[3]
	same2(t, site.Deployment, "app")
	same2(t, Text(site.Condition), "{parameters('on')}")
	same2(t, string(JSON(site.Body.Get("tags"))), `{"n":2,"k":"[secret('key')]"}`)
	same2(t, r.Resources[0].Body.Get("properties").Kind(), KindObject)
	same2(t, At(r.Resources[0].Body, "properties", "template") == nil, true)
	same2(t, strings.HasPrefix(Text(grant.ID), "/subscriptions/s2/resourceGroups/g2/providers/Microsoft.Authorization/roleAssignments/{guid(reference("), true)
	u, ok := At(grant.Body, "properties", "principalId").(*Unknown)
	if !ok {
		t.Fatal("the principal is known")
	}
	principal := []Origin{{Kind: OriginResource, Resource: Text(site.ID), Path: "identity.principalId"}}
	same2(t, u.Origins(), principal)
	same2(t, Text(r.Resources[5].ID), "/subscriptions/"+shop.Subscription+"/resourceGroups/g3/providers/Microsoft.Web/sites/xshop")
	same2(t, Text(r.Outputs[0].Value), "Succeeded")
	if u, ok := r.Outputs[1].Value.(*Unknown); !ok || len(u.Origins()) != 1 {
		t.Errorf("%s", JSON(r.Outputs[1].Value))
	}
	same2(t, Known(r.Outputs[2].Value), false)
}

func TestLevels(t *testing.T) {
	f := func(schema, resources string, level arm.Level, want ...string) {
		t.Helper()
		tm := parsed(t, `{`+schema+`, "resources": [`+resources+`]}`)
		same2(t, tm.Level(), level)
		r := clean(t, tm.Evaluate(Options{Target: shop}))
		var got []string
		for _, x := range r.Resources {
			got = append(got, Text(x.ID))
		}
		same2(t, got, want)
	}
	deployment := func(member, schema string) string {
		return `{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d"` + member + `, "properties": {"template": {` + schema +
			`, "resources": [{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "r"}]}}}`
	}
	const sub = "/subscriptions/11111111-2222-3333-4444-555555555555"
	f(schemaSubscription, `{"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2021-04-01", "name": "g"},
		{"type": "Microsoft.Authorization/roleDefinitions", "apiVersion": "2022-04-01", "name": "d"}`, arm.LevelSubscription,
		sub+"/resourceGroups/g", sub+"/providers/Microsoft.Authorization/roleDefinitions/d")
	f(schemaSubscription, deployment(`, "resourceGroup": "g"`, schemaGroup), arm.LevelSubscription,
		sub+"/resourceGroups/g/providers/Microsoft.Resources/deployments/d", sub+"/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/r")
	f(schemaGroup, deployment(`, "subscriptionId": "s2"`, schemaSubscription), arm.LevelResourceGroup,
		"/subscriptions/s2/providers/Microsoft.Resources/deployments/d", "/subscriptions/s2/providers/Microsoft.Authorization/roleAssignments/r")
	f(schemaManagement, deployment(`, "scope": "Microsoft.Management/managementGroups/m2"`, schemaManagement), arm.LevelManagementGroup,
		"/providers/Microsoft.Management/managementGroups/m2/providers/Microsoft.Resources/deployments/d",
		"/providers/Microsoft.Management/managementGroups/m2/providers/Microsoft.Authorization/roleAssignments/r")
	f(schemaManagement, deployment(`, "scope": "/"`, schemaTenant), arm.LevelManagementGroup,
		"/providers/Microsoft.Resources/deployments/d", "/providers/Microsoft.Authorization/roleAssignments/r")
	f(schemaTenant, deployment(`, "scope": "/subscriptions/s3"`, schemaSubscription), arm.LevelRoot,
		"/subscriptions/s3/providers/Microsoft.Resources/deployments/d", "/subscriptions/s3/providers/Microsoft.Authorization/roleAssignments/r")
	f(schemaTenant, deployment(`, "scope": "[concat('/subscriptions/s3/resourceGroups/g')]"`, schemaGroup), arm.LevelRoot,
		"/subscriptions/s3/resourceGroups/g/providers/Microsoft.Resources/deployments/d",
		"/subscriptions/s3/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/r")
	f(schemaTenant, `{"type": "Microsoft.Management/managementGroups", "apiVersion": "2020-05-01", "name": "m"},
		{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "r", "scope": "Microsoft.Management/managementGroups/m"},
		{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "q", "scope": "/"}`, arm.LevelRoot,
		"/providers/Microsoft.Management/managementGroups/m",
		"/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Authorization/roleAssignments/r",
		"/providers/Microsoft.Authorization/roleAssignments/q")
	r := parsed(t, `{`+schemaTenant+`, "resources": [`+deployment(`, "scope": "nowhere/x"`, schemaTenant)+`]}`).Evaluate(Options{})
	told(t, r, "is no scope of a deployment")
}

// Nothing is known of the target: IDs keep their form.
func TestUnknownTarget(t *testing.T) {
	r := clean(t, parsed(t, `{`+schemaGroup+`, "parameters": {"a": {"type": "string"}}, "resources": [
		{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[parameters('a')]"},
		{"type": "Microsoft.Web/sites/slots", "apiVersion": "2024-01-01", "name": "[parameters('a')]"},
		{"type": "Microsoft.Web/sites/providers/locks", "apiVersion": "2024-01-01", "name": "[parameters('a')]"},
		{"type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01", "name": "l", "scope": "[parameters('a')]"},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d", "scope": "[parameters('a')]",
			"properties": {"template": {`+schemaManagement+`, "resources": []}}}]}`).Evaluate(Options{}))
	const group = "/subscriptions/{subscription().subscriptionId}/resourceGroups/{resourceGroup().name}/providers/"
	same2(t, ids(r), []string{
		group + "Microsoft.Web/sites/{parameters('a')}",
		group + "Microsoft.Web/sites/slots/{parameters('a')}",
		group + "Microsoft.Web/sites/providers/locks/{parameters('a')}",
		"{parameters('a')}/providers/Microsoft.Authorization/locks/l",
		"/providers/Microsoft.Management/managementGroups/{parameters('a')}/providers/Microsoft.Resources/deployments/d",
	})
	if _, err := arm.ParseID(Text(r.Resources[0].ID)); err != nil {
		t.Error(err)
	}
}

func TestLinked(t *testing.T) {
	files := map[string]string{
		"nested/site.json": `{` + schemaGroup + `, "parameters": {"n": {"type": "string"}}, "resources": [
			{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "[parameters('n')]"},
			{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "deep", "properties": {"templateLink": {"relativePath": "deep.json"}}}]}`,
		"nested/deep.json": `{` + schemaGroup + `, "resources": [{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "deep"}]}`,
		"nested/bad.json":  `{`,
		"main.json":        `{` + schemaGroup + `}`,
	}
	var asked []string
	load := func(p string) ([]byte, error) {
		asked = append(asked, p)
		if s, ok := files[p]; ok {
			return []byte(s), nil
		}
		return nil, errors.New("not there")
	}
	f := func(link string, want int, diagnostic string) *Result {
		t.Helper()
		r := parsed(t, `{`+schemaGroup+`,
			"parameters": {"base": {"type": "string", "defaultValue": "[deployment().properties.templateLink.uri]"}, "p": {"type": "object", "defaultValue": {"n": {"value": "x"}}}},
			"resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d",
				"properties": {"templateLink": `+link+`, "parameters": "[parameters('p')]"}}],
			"outputs": {"x": {"type": "string", "value": "[reference('d').outputs.y.value]"}}}`).Evaluate(Options{Target: shop, Load: load})
		same2(t, len(r.Resources), want)
		if diagnostic != "" {
			told(t, r, diagnostic)
			u, ok := r.Outputs[0].Value.(*Unknown)
			if !ok || u.Origins()[0].Kind != OriginTemplate || u.Origins()[0].Path != "outputs.y.value" {
				t.Errorf("%s", JSON(r.Outputs[0].Value))
			}
		}
		return r
	}
	r := f(`{"relativePath": "nested/site.json"}`, 4, "")
	same2(t, ids(r)[1:], []string{"Microsoft.Web/sites/x", "Microsoft.Resources/deployments/deep", "Microsoft.Web/sites/deep"})
	same2(t, r.Resources[3].Pos.File, "app/nested/deep.json")
	same2(t, r.Resources[3].Deployment, "d/deep")
	f(`{"uri": "[uri(parameters('base'), 'nested/site.json')]"}`, 4, "")
	f(`{"uri": "[concat(parameters('base'), '/nested/site.json', '?sas')]"}`, 4, "")
	f(`{"uri": "https://raw.example.net/repo/master/app/nested/site.json?x"}`, 4, "")
	f(`{"uri": "https://raw.example.net/repo/master/other/main.json"}`, 1, "the linked template https://raw.example.net/repo/master/other/main.json is not among the files")
	f(`{"uri": "https://raw.example.net/repo/app/main.json"}`, 1, "is not among the files") // it would hold itself
	f(`{"uri": "nowhere"}`, 1, "is not among the files")
	f(`{"uri": "[parameters('base')]"}`, 1, "is not among the files")
	f(`{"relativePath": "nested/bad.json"}`, 1, "the linked template cannot be read")
	f(`{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/templateSpecs/t/versions/1"}`, 1, "is not among the files")
	f(`null`, 1, "has no template that can be read")
	same2(t, len(asked) < 60, true)
}

func TestTemplateFaults(t *testing.T) {
	f := func(resources, want string) {
		t.Helper()
		told(t, evaluated(t, `{`+schemaGroup+`, "variables": {"loop": "[variables('loop')]"}, "resources": [`+resources+`]}`), want)
	}
	const site = `"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01"`
	f(`1`, "a resource is an object")
	f(`{"name": "x"}`, "has no type")
	f(`{`+site+`}`, "has no name")
	f(`{"type": "[newGuid()]", "name": "x"}`, "the type of a resource is not known")
	f(`{`+site+`, "name": "a/b"}`, "takes 1 names, there are 2")
	f(`{"type": "sites", "name": "a"}`, "is no resource type")
	f(`{"type": "Microsoft.Web/sites/providers/locks", "name": "a"}`, "takes 3 names, there are 1")
	f(`{`+site+`, "name": "x", "condition": "perhaps"}`, "the condition is no boolean")
	f(`{`+site+`, "name": "x", "copy": {"name": "c", "count": "two"}}`, "the count of a loop is an integer, not a string")
	f(`{`+site+`, "name": "x", "copy": {"name": "c", "count": -1}}`, "the loop runs -1 times")
	f(`{`+site+`, "name": "x", "copy": {"name": "c", "count": 10001}}`, "at most 10000 are evaluated, and Resource Manager takes 800")
	f(`{`+site+`, "name": "x", "properties": {"copy": [{"name": "c", "count": "x", "input": 1}]}}`, "the count of a loop")
	f(`{`+site+`, "name": "x", "tags": {"a": "[variables('loop')]"}}`, "the variable loop refers to itself")
	f(`{`+site+`, "name": "[copyIndex('other')]", "copy": {"name": "c", "count": 1}}`, `no loop with the name "other"`)
	f(`{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parametersLink": {"uri": "x"},
		"template": {"parameters": {"p": {"type": "string"}}, "resources": [{`+site+`, "name": "[parameters('p')]"}]}}}`,
		`the parameter "p" of the nested template gets no value and has no default`)
	f(`{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"mode": "[toLower('Complete')]", "template": {"resources": []}}}`,
		"takes the mode Incremental alone")
	f(`{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"parametersLink": {"uri": "x"}, "expressionEvaluationOptions": {"scope": "inner"},
		"template": {"resources": []}}}`, "lie in a file of their own")
}

func TestUserFunctionFaults(t *testing.T) {
	const functions = `"functions": [{"namespace": "my", "members": {
		"empty": {"parameters": []}, "vars": {"output": {"value": "[variables('x')]"}}, "self": {"output": {"value": "[my.self()]"}},
		"param": {"parameters": [{"name": "a"}], "output": {"value": "[parameters('b')]"}}, "ref": {"output": {"value": "[reference('x')]"}}}}]`
	f := func(call, want string) {
		t.Helper()
		_, r := value(t, functions, call)
		told(t, r, want)
	}
	f("[my.empty()]", "the function has no output")
	f("[my.empty(1)]", "it takes 0 arguments, 1 are given")
	f("[my.vars()]", "cannot read variables")
	f("[my.param(1)]", `the function has no parameter "b"`)
	f("[my.ref()]", "cannot call reference")
	f("[my.self()]", "nested deeper than")
	f("[my.missing()]", "there is no function of this name")
}

func TestParameters(t *testing.T) {
	tm := parsed(t, `{`+schemaGroup+`,
		"parameters": {"given": {"type": "string"}, "Default": {"type": "int", "defaultValue": "[add(1, 1)]"}, "one": {"type": "string", "allowedValues": ["only"]},
			"none": {"type": "object", "nullable": true}, "list": {"type": "array", "defaultValue": ["d"]}},
		"outputs": {"x": {"type": "array", "value": "[createArray(parameters('given'), parameters('default'), parameters('one'), parameters('none'), parameters('list'))]"}}}`)
	given, err := ParseParameters("p.json", []byte(`{"$schema": "x/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": {
		"GIVEN": {"value": {"a": [1, 1.5, true, null, "[text]"]}}, "list": {"value": null}}}`))
	if err != nil {
		t.Fatal(err)
	}
	r := clean(t, tm.Evaluate(Options{Parameters: given}))
	same2(t, string(JSON(r.Outputs[0].Value)), `[{"a":[1,1.5,true,null,"[text]"]},2,"only",null,["d"]]`)

	given, err = ParseParameters("p.json", []byte(`{"a": {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}, "b": {"expression": "[x]"}}`))
	if err != nil {
		t.Fatal(err)
	}
	same2(t, Text(given["a"])+Text(given["b"]), "{secret('a')}{parameters('b')}")

	f := func(text, want string) {
		t.Helper()
		if _, err := ParseParameters("p.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f(`[]`, "p.json:1:1: a parameter file is an object")
	f(`{`, "expected a name")
	f(`{"parameters": []}`, "parameters must be an object by name")
	f(`{"parameters": {"a": 1}}`, `neither a value nor a reference to a vault; write {"value": …}`)
}

func TestParseFaults(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := Parse("t.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f(`[]`, "t.json:1:1: a template is an object")
	f(`{"$schema": "x/other.json#"}`, "the schema is not one of a deployment template")
	f(`{"resources": 1}`, "resources must be a list, or an object by symbolic name")
	f("{\n  \"a\": x}", `t.json:2:8: "x" is no value; write strings in quotes`)
	f(`{"a": }`, "expected a value: found '}'")
	f(`{"a" 1}`, `expected ':' after the name "a": found '1'`)
	f(`{"a": 1 "b"}`, "expected ',' or '}'")
	f(`{"a": "x`, "the string that begins here does not end")
	f(`{"a": "\`, "the text ends in the middle of a string")
	f(`{"a": "\n`, "does not end")
	f(`{"a": "\q"}`, `unknown escape \q`)
	f(`{"a": "\u12"}`, "four hexadecimal digits")
	f(`{"a": 1.2.3}`, `"1.2.3" is no number`)
	f(`{} x`, "there is more text after the value")
	f(`/* x`, "the comment that begins here does not end")
	f(`/x`, "expected a value or a comment")
	f(`{?}`, "expected a name in quotes")
	f(`{`, "the text ends here")
	f(``, "expected a value: the text ends here")
	f(strings.Repeat("[", 300), "values are nested deeper than 200")
	f(strings.Repeat(" ", maxBytes+1), "the file has more than")
}

func TestJSON(t *testing.T) {
	_, err := ParseJSON("x", []byte("\uFEFF{'a': 'it''s', // end\n b: [1, true, null,], \"c\": \"\\u00e4\\ud83d\\ude00\\ud83dx\\\"\\n\n\xff\", 'a': \"two\"}//"))
	if err == nil {
		t.Error("two strings follow one another without a fault")
	}
	n, err := ParseJSON("x", []byte("\uFEFF{'a': 'its', // end\n b: [1, true, null,], \"c\": \"\\u00e4\\ud83d\\ude00\\ud83dx\\\"\\n\n\xff\", 'a': \"two\"}//"))
	if err != nil {
		t.Fatal(err)
	}
	same2(t, string(JSON(plainValue(n))), `{"a":"two","b":[1,true,null],"c":"ä😀`+"\uFFFD"+`x\"\n\n`+"\uFFFD"+`"}`)
	same2(t, n.Get("B") != nil && n.Get("x") == nil && (*Node)(nil).Get("x") == nil, true)
	var many strings.Builder
	for i := range 100 {
		many.WriteString(`"m` + string(rune('a'+i%50)) + `": ` + string(rune('0'+i/50)) + `,`)
	}
	n, err = ParseJSON("x", []byte("{"+many.String()+"}"))
	if err != nil {
		t.Fatal(err)
	}
	same2(t, len(n.Members), 50)
	same2(t, n.Members[7].Value.Text, "1")
	o, ok := plainValue(n).(*Object)
	same2(t, ok && o.Len() == 50 && o.Get("MB") != nil && o.Get("zz") == nil, true)
}

// A compiler builds templates of nodes and expressions.
func TestFromNode(t *testing.T) {
	at := Pos{"main.bicep", 7, 3}
	name := &Expr{Kind: ExprCall, Text: "concat", Pos: at, Args: []*Expr{
		{Kind: ExprString, Text: "[it's"},
		{Kind: ExprInt, Int: -4},
		{Kind: ExprProperty, Text: "a", Args: []*Expr{{Kind: ExprIndex, Args: []*Expr{{Kind: ExprCall, Text: "createArray", Args: []*Expr{
			{Kind: ExprCall, Text: "createObject", Args: []*Expr{{Kind: ExprString, Text: "a"}, {Kind: ExprInt, Int: 5}}},
		}}, {Kind: ExprInt}}}}},
	}}
	same2(t, name.String(), "concat('[it''s', -4, createArray(createObject('a', 5))[0].a)")
	site := ObjectNode(at, Member{Name: "type", Value: StringNode(at, "Microsoft.Web/sites")}, Member{Name: "name", Value: ExprNode(name)})
	tm, err := FromNode(ObjectNode(at, Member{Name: "resources", Value: ArrayNode(at, site)}))
	if err != nil {
		t.Fatal(err)
	}
	r := clean(t, tm.Evaluate(Options{Target: shop}))
	same2(t, ids(r), []string{"Microsoft.Web/sites/[it's-45"})
	same2(t, r.Resources[0].Pos, at)
	same2(t, tm.Node().Kind, NodeObject)
	if _, err := ParseExpression("text", at); err == nil {
		t.Error("a text without brackets is taken for an expression")
	}
	if _, err := ParseExpression("["+strings.Repeat("a", maxExpression)+"]", at); err == nil {
		t.Error("a very long expression is read")
	}
	x, err := ParseExpression("["+name.String()+" ]", at)
	if err != nil {
		t.Fatal(err)
	}
	same2(t, x.String(), name.String())
	for _, bad := range []string{
		"[a(1 2)]", "[a(b[1)]", "[a().]", "[a]", "['x]", "[9999999999999999999]", "[a()x]", "[]", "[a.b]", "[a(b.)]",
		"[" + strings.Repeat("a(", 300) + "]", "[a()" + strings.Repeat(".b", 300) + "]",
	} {
		if _, err := ParseExpression(bad, at); err == nil {
			t.Errorf("%s is taken for an expression", cut(bad, 30))
		}
	}
}

// A resource of an extension is known by its symbolic name; the extension may be Azure Resource Manager itself.
func TestExtensionAliases(t *testing.T) {
	template, err := Parse("t.json", []byte(`{
		"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "languageVersion": "2.2-experimental", "contentVersion": "1.0.0.0",
		"extensions": {"az": {"name": "AzureResourceManager", "version": "1.0"}, "k8s": {"name": "Kubernetes", "version": "1.0"}},
		"resources": {
			"site": {"extension": "az", "type": "Microsoft.Web/sites", "apiVersion": "2022-09-01", "name": "s"},
			"pod": {"extension": "k8s", "type": "core/Pod@v1", "properties": {"a": "[reference('site').x]"}}
		},
		"outputs": {"o": {"type": "string", "value": "[reference('pod').spec.host]"}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	r := template.Evaluate(Options{Target: Target{Subscription: "s", ResourceGroup: "g"}})
	if len(r.Diagnostics) > 0 {
		t.Errorf("diagnostics: %v", r.Diagnostics)
	}
	if got := Text(r.Resources[0].ID); got != "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/s" {
		t.Errorf("the site is %s", got)
	}
	if r.Resources[0].Body.Get("extension") != nil || !IsNull(r.Resources[1].ID) || r.Resources[1].Body.Get("extension") == nil {
		t.Error("the extension of Azure Resource Manager is none")
	}
	if got := string(JSON(r.Outputs[0].Value)); got != `"[reference('pod').spec.host]"` {
		t.Errorf("the output is %s", got)
	}
}
