// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The results of functions that Azure/bicep publishes.
func TestPublishedResults(t *testing.T) {
	b, err := os.ReadFile("testdata/functions.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Call string
			Args []json.RawMessage
			Want json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 47 {
		t.Errorf("%d vectors, want 47", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		var args []string
		for _, a := range v.Args {
			args = append(args, "json('"+strings.ReplaceAll(string(a), "'", "''")+"')")
		}
		expression := "[" + v.Call + "(" + strings.Join(args, ", ") + ")]"
		got, r := value(t, "", expression)
		clean(t, r)
		want, err := ParseJSON("want", v.Want)
		if err != nil {
			t.Fatal(err)
		}
		if eq, _ := Equal(got, plainValue(want)); !eq {
			t.Errorf("%s = %s, want %s", expression, JSON(got), v.Want)
		}
	}
}

// gives returns a check of the value of an expression.
func gives(t *testing.T) func(expression, want string) {
	return func(expression, want string) {
		t.Helper()
		got, r := value(t, "", "["+expression+"]")
		clean(t, r)
		if string(JSON(got)) != want {
			t.Errorf("%s = %s, want %s", expression, JSON(got), want)
		}
	}
}

func TestLogicAndTextFunctions(t *testing.T) {
	f := gives(t)
	f("if(true(), 'a', div(1, 0))", `"a"`)
	f("if('false', div(1, 0), 'b')", `"b"`)
	f("and(true(), false(), div(1, 0))", `false`)
	f("or(false(), bool('True'), div(1, 0))", `true`)
	f("and(true(), bool(1))", `true`)
	f("not(or(false(), false()))", `true`)
	f("equals('a', 'A')", `false`)
	f("equals(json('{\"a\":[1,2]}'), json('{\"A\":[1,2]}'))", `true`)
	f("equals(1, '1')", `false`)
	f("equals(createArray(1), createArray(1, 2))", `false`)
	f("equals(createObject('a', 1), createObject('b', 1))", `false`)
	f("equals(null(), '')", `false`)
	f("less(1, 2)", `true`)
	f("lessOrEquals('b', 'a')", `false`)
	f("greater('b', 'a')", `true`)
	f("greaterOrEquals(2, 2)", `true`)
	f("coalesce(null(), null(), 'x', div(1, 0))", `"x"`)
	f("coalesce(null())", `null`)
	f("concat('a', 1, true())", `"a1True"`)
	f("toUpper('straße')", `"STRAßE"`)
	f("toLower('ÄB')", `"äb"`)
	f("trim('\t a ')", `"a"`)
	f("replace('a-b-c', '-', '')", `"abc"`)
	f("substring('hello', 1, 3)", `"ell"`)
	f("substring('hello', 2)", `"llo"`)
	f("substring('a😀b', 1, 2)", `"😀"`)
	f("padLeft(5, 3, '0')", `"005"`)
	f("padLeft('long', 2)", `"long"`)
	f("startsWith('Hello', 'heL')", `true`)
	f("endsWith('Hello', 'x')", `false`)
	f("split('a;b,c', createArray(',', ';'))", `["a","b","c"]`)
	f("split('abc', '')", `["abc"]`)
	f("join(createArray(), ',')", `""`)
	f("string(createObject('a', createArray(1, 'x')))", `"{\"a\":[1,\"x\"]}"`)
	f("string(null())", `""`)
	f("string(false())", `"False"`)
	f("string(1)", `"1"`)
	f("length('a😀')", `3`)
	f("first('😀a')", `"�"`)
	f("last('abc')", `"c"`)
	f("first('')", `""`)
	f("indexOf('Hello', 'LO')", `3`)
	f("indexOf('Hello', 'x')", `-1`)
	f("lastIndexOf('abcabc', 'B')", `4`)
	f("indexOf(createArray('a', 'B'), 'b')", `-1`)
	f("base64ToString(base64('ä'))", `"ä"`)
	f("base64ToJson(base64('{\"a\": 1}')).a", `1`)
	f("dataUriToString('data:text/plain,a%20b')", `"a b"`)
	f("dataUriToString(dataUri('x'))", `"x"`)
	f("uriComponent('a/b ä~')", `"a%2Fb%20%C3%A4~"`)
	f("uriComponentToString('a%2Fb%zz%')", `"a/b%zz%"`)
	f("uri('https://contoso.org/firstpath/myscript.sh', 'second/x.sh')", `"https://contoso.org/firstpath/second/x.sh"`)
	f("uri('https://contoso.org/firstpath/', 'x.sh')", `"https://contoso.org/firstpath/x.sh"`)
	f("parseUri('https://h:8080/p?q=1').port", `8080`)
	f("parseUri('https://h/p?q=1')", `{"scheme":"https","host":"h","path":"/p","query":"?q=1"}`)
	f("buildUri(createObject('scheme', 'https', 'host', 'h', 'port', 8080, 'path', 'p', 'query', 'q=1'))", `"https://h:8080/p?q=1"`)
	f("format('{0}, {1,4}|{1,-4}|{{}} {2:D3} {3}', 'a', 7, 5, createArray(1))", `"a,    7|7   |{} 005 [1]"`)
	f("format('{0:X} {0:x4} {0:N0} {0:F1} {0:G} {1:000} {2:P0} {3:d}', 1234567, 7, 2, -3)", `"12D687 12d687 1,234,567 1234567.0 1234567 007 200 % -3"`)
	f("guid('foo', 'bar', 'baz')", `"2ed86837-7c7c-5eaa-9864-dd077fd19b0d"`)
	f("json('{\"a\": \"[concat(1)]\", \"b\": null, \"c\": 1.5}')", `{"a":"[concat(1)]","b":null,"c":1.5}`)
}

func TestListAndObjectFunctions(t *testing.T) {
	f := gives(t)
	f("array('a')", `["a"]`)
	f("array(createArray('a'))", `["a"]`)
	f("concat(createArray(1), createArray(2))", `[1,2]`)
	f("concat(createArray(), createArray())", `[]`)
	f("contains(createArray('a'), 'A')", `false`)
	f("contains(createObject('Key', 1), 'KEY')", `true`)
	f("contains('abc', 'b')", `true`)
	f("empty(createArray())", `true`)
	f("empty(null())", `true`)
	f("empty(createObject('a', 1))", `false`)
	f("length(createObject('a', 1))", `1`)
	f("take(createArray(1, 2, 3), 5)", `[1,2,3]`)
	f("skip(createArray(1, 2, 3), -1)", `[1,2,3]`)
	f("skip('abc', 5)", `""`)
	f("flatten(createArray(createArray(1), createArray(2, 3)))", `[1,2,3]`)
	f("indexFromEnd(createArray(1, 2), 1)", `2`)
	f("tryIndexFromEnd(createArray(1, 2), 3)", `null`)
	f("range(-1, 3)", `[-1,0,1]`)
	f("min(3, 1, 2)", `1`)
	f("max(createArray(3, 1, 2))", `3`)
	f("union(createArray(1, 2), createArray(2, 3))", `[1,2,3]`)
	f("intersection(createArray(1, 2, 2), createArray(2, 3))", `[2]`)
	f("union(createObject('a', createObject('x', 1), 'b', createArray(1)), createObject('a', createObject('y', 2), 'b', createArray(2)))",
		`{"a":{"x":1,"y":2},"b":[2]}`)
	f("shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2))))", `{"a":{"y":2}}`)
	f("intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3), createObject('a', 1))", `{"a":1}`)
	f("items(createObject('b', 1, 'a', 2))", `[{"key":"a","value":2},{"key":"b","value":1}]`)
	f("objectKeys(createObject('b', 1, 'a', 2))", `["b","a"]`)
	f("tryGet(createObject('a', createArray(1)), 'a', 0)", `1`)
	f("tryGet(createObject('a', 1), 'b', 'c')", `null`)
	f("tryGet(createArray(1), 3)", `null`)
	f("createObject('a', 1).A", `1`)
	f("createArray('x', 'y')[1]", `"y"`)
	f("any('x')", `"x"`)
	// lambdas
	f("map(createArray(1, 2), lambda('x', 'i', add(lambdaVariables('x'), lambdaVariables('i'))))", `[1,3]`)
	f("filter(createArray(1, 2, 3), lambda('x', greater(lambdaVariables('x'), 1)))", `[2,3]`)
	f("reduce(createArray(1, 2, 3), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))", `6`)
	f("sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", `[1,2,3]`)
	f("toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', toUpper(lambdaVariables('x'))))", `{"a":"A","b":"B"}`)
	f("toObject(createArray('a'), lambda('x', lambdaVariables('x')))", `{"a":"a"}`)
	f("groupBy(createArray('aa', 'b', 'cc'), lambda('x', string(length(lambdaVariables('x')))))", `{"2":["aa","cc"],"1":["b"]}`)
	f("mapValues(createObject('a', 1), lambda('x', add(lambdaVariables('x'), 1)))", `{"a":2}`)
	f("map(createArray(1), lambda('x', map(createArray(10), lambda('y', add(lambdaVariables('x'), lambdaVariables('y'))))))", `[[11]]`)
}

func TestNumberAndDateFunctions(t *testing.T) {
	f := gives(t)
	f("add(1, 2)", `3`)
	f("sub(1, 2)", `-1`)
	f("mul(-2, 3)", `-6`)
	f("div(-7, 2)", `-3`)
	f("mod(-7, 2)", `-1`)
	f("mod(5, -1)", `0`)
	f("int('42')", `42`)
	f("int(json('2.5'))", `2`)
	f("int(true())", `1`)
	f("float('1.5')", `1.5`)
	f("float(3)", `3.0`)
	f("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", `"4/7/2023 2:53:14 PM"`)
	f("dateTimeAdd('2020-04-07T14:53:14Z', 'P3Y')", `"2023-04-07T14:53:14Z"`)
	f("dateTimeAdd('2020-04-07T14:53:14Z', '-P9D', 'yyyy-MM-dd')", `"2020-03-29"`)
	f("dateTimeAdd('2020-04-07T14:53:14Z', 'P1M1W1DT1H1M1.5S', 'u')", `"2020-05-15 15:54:15Z"`)
	f("dateTimeFromEpoch(1683040573)", `"2023-05-02T15:16:13Z"`)
	f("dateTimeToEpoch('2023-05-02T15:16:13Z')", `1683040573`)
	f("utcNow()", `"20260304T120506Z"`)
	f("utcNow('dddd, d MMM yyyy h:m:s tt H:HH.fff FF \\x \"at\" K zzz')", `"Wednesday, 4 Mar 2026 12:5:6 PM 12:12.000  x at Z +00:00"`)
	f("utcNow('d')", `"03/04/2026"`)
	f("parseCidr('10.144.0.0/20')", `{"network":"10.144.0.0","netmask":"255.255.240.0","broadcast":"10.144.15.255",`+
		`"firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","cidr":20}`)
	f("parseCidr('fdad:3236:5555::/48')", `{"network":"fdad:3236:5555::","netmask":"ffff:ffff:ffff::","firstUsable":"fdad:3236:5555::",`+
		`"lastUsable":"fdad:3236:5555:ffff:ffff:ffff:ffff:ffff","cidr":48}`)
	f("parseCidr('10.0.0.1').cidr", `32`)
	f("cidrSubnet('10.144.0.0/20', 24, 15)", `"10.144.15.0/24"`)
	f("cidrSubnet('fdad:3236:5555::/48', 52, 1)", `"fdad:3236:5555:1000::/52"`)
	f("cidrHost('10.144.3.0/24', 0)", `"10.144.3.1"`)
	f("cidrHost('fdad:3236:5555:3::/64', 4)", `"fdad:3236:5555:3::5"`)
	f("cidrHost('10.0.0.0/31', 1)", `"10.0.0.1"`)
}

func TestNameFunctions(t *testing.T) {
	f := gives(t)
	f("resourceId('Microsoft.Web/sites/slots', 'a', 'b')",
		`"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop/providers/Microsoft.Web/sites/a/slots/b"`)
	f("resourceId('Microsoft.Web/sites/slots', 'a/b')",
		`"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop/providers/Microsoft.Web/sites/a/slots/b"`)
	f("resourceId('other', 'Microsoft.Web/sites/', 'a')",
		`"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/other/providers/Microsoft.Web/sites/a"`)
	f("resourceId('s', 'g', 'Microsoft.Web/sites', 'a')", `"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a"`)
	f("resourceId('Microsoft.Resources/resourceGroups', 'g')", `"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g"`)
	f("subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
		`"/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Authorization/roleDefinitions/r"`)
	f("subscriptionResourceId('s', 'Microsoft.Authorization/roleDefinitions', 'r')", `"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r"`)
	f("tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')", `"/providers/Microsoft.Authorization/roleDefinitions/r"`)
	f("tenantResourceId('Microsoft.Resources/subscriptions', 's')", `"/subscriptions/s"`)
	f("resourceId('Microsoft.Management/managementGroups', 'm')", `"/providers/Microsoft.Management/managementGroups/m"`)
	f("managementGroupResourceId('Microsoft.Authorization/policyDefinitions', 'p')",
		`"/providers/Microsoft.Management/managementGroups/corp/providers/Microsoft.Authorization/policyDefinitions/p"`)
	f("managementGroupResourceId('other', 'Microsoft.Authorization/policyDefinitions', 'p')",
		`"/providers/Microsoft.Management/managementGroups/other/providers/Microsoft.Authorization/policyDefinitions/p"`)
	f("extensionResourceId('/subscriptions/s/', 'Microsoft.Authorization/locks', 'l')", `"/subscriptions/s/providers/Microsoft.Authorization/locks/l"`)
	f("subscription().id", `"/subscriptions/11111111-2222-3333-4444-555555555555"`)
	f("resourceGroup().id", `"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop"`)
	f("resourceGroup().location", `"westeurope"`)
	f("managementGroup().id", `"/providers/Microsoft.Management/managementGroups/corp"`)
	f("tenant().tenantId", `"7a0c5c1e-0000-4000-8000-000000000001"`)
	f("deployment().name", `"main"`)
	f("deployment().properties.template.contentVersion", `"1.0.0.0"`)
	f("environment().suffixes.storage", `"core.windows.net"`)
	f("deployer().tenantId", `"7a0c5c1e-0000-4000-8000-000000000001"`)
	f("sys.concat('a')", `"a"`)
	f("CONCAT('a', 'b')", `"ab"`)
}

// What fails is an unknown with a diagnostic that says why.
func TestFunctionFaults(t *testing.T) {
	f := func(expression, want string) {
		t.Helper()
		got, r := value(t, "", "["+expression+"]")
		u, ok := got.(*Unknown)
		if !ok || len(u.Origins()) != 1 || u.Origins()[0].Kind != OriginFault {
			t.Errorf("%s = %s, want a fault", expression, JSON(got))
		}
		told(t, r, want)
	}
	f("nothing()", "there is no function of this name")
	f("concat('a'", "expected ',' or ')'")
	f("not()", "it takes 1 arguments, 0 are given")
	f("substring()", "it takes 2 to 3 arguments, 0 are given")
	f("coalesce()", "it takes at least 1 arguments")
	f("if('maybe', 1, 2)", "a string is no boolean")
	f("and(true(), 'x')", "argument 2: a string is no boolean")
	f("not('x')", "no boolean")
	f("bool(createArray())", "an array is no boolean")
	f("less('a', 1)", "argument 2 must be a string like the first")
	f("less(1, 'a')", "argument 2 must be a number like the first")
	f("less(null(), 1)", "argument 1 must be a number or a string and is null")
	f("fail('stop here')", "stop here")
	f("replace('a', '', 'b')", "the text to be replaced is empty")
	f("substring('abc', 2, 5)", "the text has 3 characters; asked for 5 from 2 on")
	f("padLeft('a', 100000)", "pads to a length")
	f("padLeft(true(), 2)", "a string or an integer")
	f("startsWith(1, 'a')", "argument 1 must be a string")
	f("split('a', 1)", "a string or an array of strings")
	f("split('a', createArray(1))", "a string or an array of strings")
	f("split(1, 'a')", "argument 1 must be a string")
	f("join('a', ',')", "argument 1 must be an array")
	f("join(createArray(), 1)", "argument 2 must be a string")
	f("format(1)", "argument 1 must be a string")
	f("format('{1}', 'a')", `asks for the argument "1"; there are 1`)
	f("format('{', 'a')", "single brace")
	f("format('}', 'a')", "single brace")
	f("format('{0,x}', 'a')", "is no width")
	f("format('{0:#.##}', 1)", "is not known here")
	f("format('{0:P}', 9223372036854775807)", "no room in 64 bits")
	f("guid(1)", "argument 1 must be a string")
	f("base64ToString('%')", "not in base 64")
	f("dataUriToString('x')", "no data URI")
	f("uri('x', 'y')", "no absolute address")
	f("uri(1, 'y')", "argument 1 must be a string")
	f("parseUri('x')", "no absolute address")
	f("buildUri('x')", "argument 1 must be an object")
	f("json('{')", "expected a name")
	f("concat(createArray(1), 'a')", "argument 2 must be an array like the others")
	f("contains('a', 1)", "argument 2 must be a string like the first")
	f("contains(1, 1)", "argument 1 must be a string, an array or an object")
	f("empty(1)", "argument 1 must be a string, an array or an object")
	f("length(null())", "argument 1 must be a string, an array or an object")
	f("first(1)", "argument 1 must be an array or a string")
	f("take(createObject(), 1)", "argument 1 must be an array or a string")
	f("take('a', 'b')", "argument 2 must be an integer")
	f("indexOf(1, 1)", "argument 1 must be an array or a string")
	f("indexOf('a', 1)", "argument 2 must be a string")
	f("indexFromEnd(createArray(), 1)", "no element 1 from its end")
	f("indexFromEnd('a', 1)", "an array and an integer")
	f("flatten(createArray(1))", "an array of arrays")
	f("flatten('a')", "argument 1 must be an array")
	f("range(1, 10001)", "0 to 10000 numbers")
	f("min(createArray())", "the array is empty")
	f("max('a')", "it takes integers")
	f("createObject('a')", "names and values in turn")
	f("createObject(1, 2)", "argument 1 must be a string")
	f("union('a', 'b')", "argument 1 must be an object or an array")
	f("union(createArray(), createObject())", "argument 2 must be an array like the others")
	f("shallowMerge('a')", "argument 1 must be an array")
	f("shallowMerge(createArray('a'))", "an array of objects")
	f("intersection('a', 'b')", "an object or an array")
	f("intersection(createArray(), 'b')", "argument 2 must be an array")
	f("intersection(createObject('a', 1), 'b')", "argument 2 must be an object")
	f("items('a')", "argument 1 must be an object")
	f("objectKeys('a')", "argument 1 must be an object")
	f("map('a', lambda('x', 1))", "argument 1 must be an array")
	f("map(createArray(), 'x')", "argument 2 must be a lambda")
	f("map(createArray(), lambda('x', 'y', 'z', 1))", "it takes at most 2")
	f("map(createArray(1), lambda(1, 1))", "named by strings")
	f("map(createArray(1), lambda('x', lambdaVariables('y')))", `no lambda with the variable "y"`)
	f("lambda('x', 1)", "a lambda stands only as an argument")
	f("filter(createArray(1), lambda('x', 'y'))", "no boolean")
	f("sort(createArray(1, 2), lambda('x', 'y', 'z'))", "no boolean")
	f("reduce('a', 0, lambda('x', 'y', 1))", "argument 1 must be an array")
	f("mapValues('a', lambda('x', 1))", "argument 1 must be an object")
	f("toObject(createArray(1), lambda('x', createArray()))", "a key is a string, not an array")
	f("groupBy(createArray(1), lambda('x', null()))", "a key is a string, not null")
	f("add('1', 1)", "argument 1 must be an integer and is a string")
	f("add(9223372036854775807, 1)", "no room in 64 bits")
	f("sub(-9223372036854775808, 1)", "no room in 64 bits")
	f("mul(9223372036854775807, 2)", "no room in 64 bits")
	f("div(1, 0)", "divides by zero")
	f("div(-9223372036854775808, -1)", "no room in 64 bits")
	f("mod(1, 0)", "divides by zero")
	f("int('x')", `"x" is no integer`)
	f("int(createArray())", "a string or an integer")
	f("float('x')", `"x" is no number`)
	f("float(null())", "a string or a number")
	f("dateTimeAdd('x', 'P1D')", "is no time")
	f("dateTimeAdd('2020-01-01', '1D')", "is no duration")
	f("dateTimeAdd('2020-01-01', 'P1X')", "is no duration")
	f("dateTimeAdd('2020-01-01', 'PD')", "is no duration")
	f("dateTimeToEpoch('x')", "is no time")
	f("dateTimeFromEpoch(999999999999)", "outside of the years")
	f("utcNow('\"x')", "does not end")
	f("utcNow('ffffffff')", "more than seven digits")
	f("parseCidr('x')", "no range of addresses")
	f("cidrSubnet('10.0.0.0/24', 16, 0)", "is not within /24 and /32")
	f("cidrSubnet('10.0.0.0/24', 26, 4)", "no part number 4")
	f("cidrHost('10.0.0.0/30', 3)", "no address number 3")
	f("resourceId('a', 'b')", "no argument is a resource type")
	f("resourceId('Microsoft.Web/sites', 'a', 'b')", "takes 1 names, there are 2")
	f("tenantResourceId('a', 'Microsoft.Web/sites')", "no argument is a resource type")
	f("subscriptionResourceId('a', 'b')", "no argument is a resource type")
	f("managementGroupResourceId('a', 'b')", "no argument is a resource type")
	f("extensionResourceId('a', 'b', 'c')", "no argument is a resource type")
	f("parameters('x')", `the template has no parameter "x"`)
	f("variables('x')", `the template has no variable "x"`)
	f("variables(1)", "the name of a variable is a string")
	f("copyIndex()", "outside of a loop")
	f("references('x')", "no loop of resources")
	f("resourceInfo('x')", "no resource")
	f("createObject('a', 1).b", `there is no property "b"; there are: a`)
	f("createArray(1)[1]", "the index 1 is outside of the list")
	f("createArray(1).a", "chosen by an integer")
	f("createObject('a', 1)[0]", "chosen by a string")
	f("null().a", `null has no properties: asked for "a"`)
	f("'text'[0]", "a string has no properties")
}
