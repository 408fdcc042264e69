// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"strings"
	"testing"
)

// What hangs on a parameter without a value stays unknown, and keeps as much as is known.
func TestUnknowns(t *testing.T) {
	const declared = `"parameters": {"s": {"type": "string"}, "a": {"type": "array"}, "o": {"type": "object"}, "n": {"type": "int"},
		"b": {"type": "bool"}, "z": {}}`
	f := func(expression, want string) {
		t.Helper()
		got, r := value(t, declared, "["+expression+"]")
		clean(t, r)
		if Text(got) != want {
			t.Errorf("%s\n is %s\nwant %s", expression, Text(got), want)
		}
	}
	f("parameters('s')", "{parameters('s')}")
	f("concat('a', parameters('s'), 'b')", "a{parameters('s')}b")
	f("concat(parameters('s'))", "{parameters('s')}")
	f("toUpper(concat('a', parameters('s')))", "A{toUpper(parameters('s'))}")
	f("format('{0}-{1}', 'x', parameters('s'))", "x-{parameters('s')}")
	f("join(createArray('x', parameters('s')), '/')", "x/{parameters('s')}")
	f("string(parameters('s'))", "{parameters('s')}")
	f("string(parameters('o'))", "{string(parameters('o'))}")
	f("startsWith(concat('abc', parameters('s')), 'AB')", "True")
	f("startsWith(concat('abc', parameters('s')), 'x')", "False")
	f("endsWith(concat('abc', parameters('s')), 'c')", "{endsWith(concat('abc', parameters('s')), 'c')}")
	f("startsWith(parameters('s'), parameters('s'))", "{startsWith(parameters('s'), parameters('s'))}")
	f("empty(concat('abc', parameters('s')))", "False")
	f("empty(parameters('s'))", "{empty(parameters('s'))}")
	f("length(createArray(parameters('s')))", "1")
	f("length(parameters('a'))", "{length(parameters('a'))}")
	f("contains(createArray('x', parameters('s')), 'x')", "True")
	f("contains(createArray('x', parameters('s')), 'y')", "{contains(json('[\"x\",\"[parameters('s')]\"]'), 'y')}")
	f("contains(createObject('k', parameters('s')), 'k')", "True")
	f("contains(concat(createArray('x'), parameters('a')), 'x')", "True")
	f("contains(concat('xyz', parameters('s')), 'y')", "True")
	f("contains(union(createObject('k', 1), parameters('o')), 'k')", "True")
	f("contains(null(), 'k')", "False")
	f("if(parameters('b'), 'x', 'x')", "x")
	f("if(parameters('b'), 'x', 'y')", "{if(parameters('b'), 'x', 'y')}")
	f("if(parameters('b'), createObject('p', 1), createObject('p', 2)).p", "{if(parameters('b'), 1, 2)}")
	f("if(parameters('b'), if(equals(parameters('n'), 1), createObject('p', 1), null()), createObject('q', 2)).p", "{if(parameters('b'), if(equals(parameters('n'), 1), 1, null), null)}")
	f("split(format('{0}/{1}', parameters('s'), 'x'), '/')[0]", "{parameters('s')}")
	f("split(format('{0}/{1}', parameters('s'), 'x'), '/')[1]", "x")
	f("split(format('{0}/{1}', parameters('s'), 'x'), '/')[2]", "{split(format(parameters('s'), ':x'), ':')[2]}")
	f("length(split(format('{0}/{1}', parameters('s'), 'x'), '/'))", "{length(split(format(parameters('s'), ':x'), ':'))}")
	f("coalesce(if(parameters('b'), 'x', 'y'), 'z')", "{if(parameters('b'), 'x', 'y')}")
	f("coalesce(if(parameters('b'), 'x', null()), 'z')", "{coalesce(if(parameters('b'), 'x', null), 'z')}")
	f("empty(if(parameters('b'), 'x', 'y'))", "False")
	f("equals(if(parameters('b'), 'x', 'y'), 'z')", "False")
	f("equals(parameters('s'), parameters('s'))", "True")
	f("equals(parameters('s'), null())", "False")
	f("equals(concat('long', parameters('s')), 'x')", "False")
	f("equals(parameters('s'), 'x')", "{equals(parameters('s'), 'x')}")
	f("equals(createArray(1, parameters('s')), createArray(2, 'x'))", "False")
	f("and(false(), parameters('b'))", "False")
	f("and(parameters('b'), false())", "False")
	f("and(parameters('b'), true())", "{parameters('b')}")
	f("or(parameters('b'), equals(parameters('n'), 1))", "{or(parameters('b'), equals(parameters('n'), 1))}")
	f("not(parameters('b'))", "{not(parameters('b'))}")
	f("coalesce(parameters('s'), 'x')", "{parameters('s')}")
	f("coalesce(parameters('z'), 'x')", "{coalesce(parameters('z'), 'x')}")
	f("add(parameters('n'), 1)", "{add(parameters('n'), 1)}")
	f("guid('a', parameters('s'))", "{guid('a', parameters('s'))}")
	f("union(createObject('k', 1), parameters('o')).k", "{coalesce(parameters('o').k, 1)}")
	f("union(parameters('o'), createObject('k', 1)).k", "1")
	f("union(createObject('k', createObject('q', 1)), createObject('k', parameters('o'))).k.q", "{coalesce(parameters('o').q, 1)}")
	f("union(createObject('k', createObject('q', 1)), createObject('k', parameters('s'))).k", "{parameters('s')}")
	f("shallowMerge(createArray(createObject('k', 1), parameters('o'))).j", "{parameters('o').j}")
	f("shallowMerge(parameters('a'))", "{shallowMerge(parameters('a'))}")
	f("first(parameters('a'))", "{first(parameters('a'))}")
	f("first(parameters('s'))", "{first(parameters('s'))}")
	f("take(parameters('s'), 3)", "{take(parameters('s'), 3)}")
	f("skip(createArray(1, 2), parameters('n'))", "{skip(json('[1,2]'), parameters('n'))}")
	f("indexFromEnd(parameters('a'), 1)", "{indexFromEnd(parameters('a'), 1)}")
	f("flatten(createArray(createArray(1), parameters('a')))", "{flatten(json('[[1],\"[parameters('a')]\"]'))}")
	f("flatten(parameters('a'))", "{flatten(parameters('a'))}")
	f("array(parameters('s'))[0]", "{parameters('s')}")
	f("array(parameters('z'))", "{array(parameters('z'))}")
	f("items(parameters('o'))", "{items(parameters('o'))}")
	f("objectKeys(parameters('o'))", "{objectKeys(parameters('o'))}")
	f("tryGet(parameters('o'), 'x', 'y')", "{parameters('o').x.y}")
	f("parameters('o')['with space'][0]", "{parameters('o').with space[0]}")
	f("parameters('o')[parameters('s')]", "{tryGet(parameters('o'), parameters('s'))}")
	f("createObject('k', 1)[parameters('s')]", "1")
	f("createArray(1, 2)[parameters('n')]", "{tryGet(parameters('n'), 1, 2)}")
	f("createArray()[parameters('n')]", "{tryGet(json('[]'), parameters('n'))}")
	f("createObject(parameters('s'), 1)", `{"{parameters('s')}":1}`)
	f("map(parameters('a'), lambda('x', lambdaVariables('x')))", "{map(parameters('a'), item(parameters('a')))}")
	f("mapValues(parameters('o'), lambda('x', 1))", "{mapValues(parameters('o'), 1)}")
	f("toObject(parameters('a'), lambda('x', 'k'))", "{toObject(parameters('a'), 'k')}")
	f("groupBy(parameters('a'), lambda('x', 'k'))", "{groupBy(parameters('a'), 'k')}")
	f("reduce(parameters('a'), 0, lambda('x', 'y', 1))", "{reduce(0, reduce(parameters('a'), 1))}")
	f("sort(createArray(parameters('s'), 'b'), lambda('x', 'y', less(lambdaVariables('x'), lambdaVariables('y'))))",
		"{sort(json('[\"[parameters('s')]\",\"b\"]'))}")
	f("resourceId('Microsoft.Web/sites', parameters('s'))",
		"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop/providers/Microsoft.Web/sites/{parameters('s')}")
	f("resourceId(parameters('s'), 'x')", "{resourceId(parameters('s'), 'x')}")
	f("last(split(resourceId('Microsoft.Web/sites', uniqueString(parameters('s'))), '/'))", "{uniqueString(parameters('s'))}")
	f("split(parameters('s'), '/')", "{split(parameters('s'), ':')}")
	f("split('a', parameters('s'))", "{split('a', parameters('s'))}")
	f("uri('https://h/', parameters('s'))", "https://h/{parameters('s')}")
	f("uri(parameters('s'), 'x.json')", "{parameters('s')}x.json")
	f("variables(parameters('s'))", "{variables(parameters('s'))}")
	f("utcNow(parameters('s'))", "{utcNow(parameters('s'))}")
	f("newGuid()", "{newGuid()}")
	f("pickZones('a', 'b', 'c')", "{pickZones('a', 'b', 'c')}")
	f("externalInput('sys.cli', 'x')", "{externalInput('sys.cli', 'x')}")
	f("listKeys('/subscriptions/s/x', '2020-01-01').keys[0].value", "{listkeys(':subscriptions:s:x').keys[0].value}")
	f("deployer().objectId", "{deployer().objectId}")
}

// filter keeps what it surely keeps, and tells the rest apart.
func TestFilterOfUnknowns(t *testing.T) {
	v, r := value(t, `"parameters": {"s": {"type": "string"}}`,
		"[filter(createArray('a', 'b', 'c'), lambda('x', or(equals(lambdaVariables('x'), parameters('s')), equals(lambdaVariables('x'), 'a'))))]")
	clean(t, r)
	u, ok := v.(*Unknown)
	if !ok || len(u.Parts()) != 3 {
		t.Fatalf("%s has not three parts", JSON(v))
	}
	same2(t, string(JSON(u.Parts()[0])), `["a"]`)
}

func TestOrigins(t *testing.T) {
	const site = `"resources": [{"type": "Microsoft.Web/sites", "apiVersion": "2024-01-01", "name": "api"}]`
	f := func(expression string, want ...Origin) {
		t.Helper()
		got, r := value(t, `"parameters": {"s": {"type": "string"}}, `+site, "["+expression+"]")
		clean(t, r)
		u, ok := got.(*Unknown)
		if !ok {
			t.Fatalf("%s = %s", expression, JSON(got))
		}
		same2(t, u.Origins(), want)
	}
	id := "/subscriptions/" + shop.Subscription + "/resourceGroups/shop/providers/Microsoft.Web/sites/api"
	principal := Origin{Kind: OriginResource, Resource: id, Path: "identity.principalId"}
	param := Origin{Kind: OriginParameter, Name: "s"}
	f("reference(resourceId('Microsoft.Web/sites', 'api'), '2024-01-01', 'full').identity.principalId", principal)
	f("reference('api', '2024-01-01', 'Full')['identity']['principalId']", principal)
	f("tryGet(tryGet(reference('api', '2024-01-01', 'full'), 'identity'), 'principalId')", principal)
	f("reference('api').state", Origin{Kind: OriginResource, Resource: id, Path: "properties.state"})
	f("reference('api', '2024-01-01', 'full').identity.userAssignedIdentities['/a/b'].principalId",
		Origin{Kind: OriginResource, Resource: id, Path: "identity.userAssignedIdentities['/a/b'].principalId"})
	f("concat(reference('api', '2024-01-01', 'full').identity.principalId, parameters('s'))", principal, param)
	f("if(equals(parameters('s'), 'x'), reference('api', '2024-01-01', 'full').identity.principalId, 'y')", param, principal)
	f("guid(reference('api', '2024-01-01', 'full').identity.principalId)", principal)
	f("listKeys('api', '2024-01-01')", Origin{Kind: OriginSecret, Name: "listkeys", Resource: id})
	f("reference(parameters('s')).x", Origin{Kind: OriginResource, Resource: "{parameters('s')}", Path: "properties.x"}, param)
}

// The text of an unknown is bounded, and two that differ have different texts.
func TestLongUnknowns(t *testing.T) {
	a := NewUnknown(strings.Repeat("a", 5000)+"1", KindString, Origin{})
	b := NewUnknown(strings.Repeat("a", 5000)+"2", KindString, Origin{})
	if len(a.String()) > maxUnknownText || a.String() == b.String() {
		t.Errorf("%d bytes, equal: %t", len(a.String()), a.String() == b.String())
	}
	if eq, decided := Equal(a, b); eq || decided {
		t.Error("two unknowns are taken for one")
	}
}

func TestKinds(t *testing.T) {
	for k, want := range map[Kind]string{KindAny: "any", KindObject: "object", 99: "any"} {
		same2(t, k.String(), want)
	}
	for k, want := range map[OriginKind]string{OriginParameter: "parameter", OriginFault: "fault", 99: "fault"} {
		same2(t, k.String(), want)
	}
	same2(t, Incomplete.String()+" "+Fault.String(), "incomplete fault")
	same2(t, Pos{"a.json", 3, 4}.String(), "a.json:3:4")
}

// In a loop whose length is not known, each turn that is named is a resource of its own.
func TestTurnsOfUnknownLoop(t *testing.T) {
	const loop = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "languageVersion": "2.0",
		"parameters": {"n": {"type": "int"}, "all": {"type": "bool"}},
		"resources": {
			"sites": {"copy": {"name": "sites", "count": "[parameters('n')]"}, "type": "Microsoft.Web/sites", "apiVersion": "2024-04-01", "name": "[format('site{0}', copyIndex())]"},
			"maybe": {"copy": {"name": "maybe", "count": "[parameters('n')]"}, "condition": "[parameters('all')]", "type": "Microsoft.Web/sites", "apiVersion": "2024-04-01", "name": "[format('maybe{0}', copyIndex())]"},
			"one": {"type": "Microsoft.Web/sites", "apiVersion": "2024-04-01", "name": "one", "properties": {
				"a": "[reference('sites[0]', '2024-04-01', 'full').identity.principalId]", "b": "[reference('sites[1]', '2024-04-01', 'full').identity.principalId]",
				"c": "[resourceInfo('sites[1]').id]", "any": "[resourceInfo(format('sites[{0}]', parameters('n'))).name]", "far": "[resourceInfo('sites[99999999]').name]"}}},
		"outputs": {"m": {"type": "string", "value": "[resourceInfo('maybe[3]').name]"}}}`
	tpl, err := Parse("main.json", []byte(loop))
	if err != nil {
		t.Fatal(err)
	}
	r := tpl.Evaluate(Options{Target: Target{Subscription: "s", ResourceGroup: "g"}})
	var got []string
	for _, x := range r.Resources {
		got = append(got, x.Symbol+" "+Text(x.Name)+" if "+Text(x.Condition))
	}
	want := "sites[{copyIndex('sites')}] site{copyIndex('sites')} if True|maybe[{copyIndex('maybe')}] maybe{copyIndex('maybe')} if {parameters('all')}|one one if True|" +
		"sites[0] site0 if {less(0, parameters('n'))}|sites[1] site1 if {less(1, parameters('n'))}|maybe[3] maybe3 if {parameters('all')}"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	props := At(r.Resources[2].Body, "properties")
	const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/"
	for name, want := range map[string]string{
		"a": "reference('" + id + "site0').identity.principalId", "b": "reference('" + id + "site1').identity.principalId",
		"c": id + "site1", "any": "site{copyIndex('sites')}", "far": "site{copyIndex('sites')}",
	} {
		got := At(props, name)
		text := Text(got)
		if u, ok := got.(*Unknown); ok && (name == "a" || name == "b") {
			text = u.String()
		}
		if text != want {
			t.Errorf("%s is %s, want %s", name, text, want)
		}
	}
	if m := Text(r.Outputs[0].Value); m != "maybe3" {
		t.Errorf("the output is %s", m)
	}
	if len(r.Diagnostics) > 0 {
		t.Errorf("%v", r.Diagnostics)
	}
}

func TestClouds(t *testing.T) {
	f := func(cloud, expression, want string) {
		t.Helper()
		tpl, err := Parse("main.json", []byte(`{"resources": [], "outputs": {"o": {"type": "string", "value": "[`+expression+`]"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		r := tpl.Evaluate(Options{Target: Target{Cloud: cloud}})
		if got := Text(r.Outputs[0].Value); got != want {
			t.Errorf("%s in %q is %s, want %s", expression, cloud, got, want)
		}
	}
	f("", "environment().suffixes.keyvaultDns", ".vault.azure.net")
	f("azurecloud", "environment().name", "AzureCloud")
	f("AzureUSGovernment", "environment().suffixes.keyvaultDns", ".vault.usgovcloudapi.net")
	f("AzureUSGovernment", "environment().authentication.audiences[1]", "https://management.usgovcloudapi.net/")
	f("AzureChinaCloud", "environment().suffixes.storage", "core.chinacloudapi.cn")
	f("AzureChinaCloud", "environment().suffixes.azureFrontDoorEndpointSuffix", "{environment().suffixes.azureFrontDoorEndpointSuffix}")
	f("Custom", "environment().name", "Custom")
	f("Custom", "environment().suffixes.storage", "{environment().suffixes.storage}")
	f("Custom", "environment().authentication.audiences[0]", "{environment().authentication.audiences[0]}")
}

// A parameter that may be null has its default then.
func TestDefaultInPlaceOfNull(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		tpl, err := Parse("main.json", []byte(`{"languageVersion": "2.0", "parameters": {"b": {"type": "bool"}, "c": {"type": "bool"}, "o": {"type": "object"}}, "resources": {
			"m": {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "m", "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
				"parameters": {"p": {"value": "[`+value+`]"}},
				"template": {"parameters": {"p": {"type": "string", "defaultValue": "d"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}}}}},
			"outputs": {"o": {"type": "string", "value": "[reference('m').outputs.o.value]"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		r := tpl.Evaluate(Options{})
		if got := Text(r.Outputs[0].Value); got != want {
			t.Errorf("%s is %s, want %s", value, got, want)
		}
	}
	f("null()", "d")
	f("'x'", "x")
	f("if(parameters('b'), 'x', null())", "{if(parameters('b'), 'x', 'd')}")
	f("if(parameters('b'), if(parameters('c'), null(), 'y'), 'x')", "{if(parameters('b'), if(parameters('c'), 'd', 'y'), 'x')}")
	f("coalesce(if(parameters('b'), 'x', null()), if(parameters('c'), 'y', null()))",
		"{coalesce(coalesce(if(parameters('b'), 'x', null), if(paramet… #3fbff9aa4454}")
	f("parameters('o').p", "{parameters('o').p}")
}
