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
	f("if(parameters('b'), createObject('p', 1), createObject('p', 2)).p", "{if(if(parameters('b'), json('{\"p\":1}'), json('{\"p\":2}')), 1, 2)}")
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
