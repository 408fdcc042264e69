// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strings"
	"testing"
)

// prelude declares what the expressions of the tests use.
const prelude = `
param p string
param o object
param list array
param flag bool
var v = 'text'
var late = site.properties.host
resource site 'Microsoft.Web/sites@2022-09-01' = {
  name: 'site-${p}'
  resource slot 'slots' = {
    name: 'blue'
  }
}
resource sites 'Microsoft.Web/sites@2022-09-01' = [for (x, i) in list: {
  name: '${x.name}${i}'
}]
resource maybe 'Microsoft.Web/sites@2022-09-01' = if (flag) {
  name: 'maybe'
}
resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: 'vault'
  scope: resourceGroup('other')
}
resource lateVault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: site.properties.vault
}
module mod 'mod.bicep' = {
  name: 'mod-${p}'
}
module mods 'mod.bicep' = [for x in list: {
  name: 'mods-${x}'
}]
module maybeMod 'mod.bicep' = if (flag) {
  name: 'maybeMod'
}
func twice(n int) int => n * 2
`

const (
	modFile   = "output id string = 'x'\n@secure()\noutput key string = 'y'\n"
	plainFile = "output id string = 'x'\n"
)

func TestLowerExpressions(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		c := compile(t, "main.bicep", prelude+"output out object = "+source+"\n", "mod.bicep", plainFile)
		if got := show(at(c.Template, "outputs", "out", "value")); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	// literals and operators
	f("'text'", "text")
	f("'[text]'", "['[text]']")
	f("12", "12")
	f("true", "true")
	f("null", "null")
	f("-5", "[-5]")
	f("-(5)", "[sub(0, 5)]")
	f("+flag", "[parameters('flag')]")
	f("!flag", "[not(parameters('flag'))]")
	f("'a${p}b{}${flag}'", "[format('a{0}b{{}}{1}', parameters('p'), parameters('flag'))]")
	f("1 + 2 - 3 * 4 / 5 % 6", "[sub(add(1, 2), mod(div(mul(3, 4), 5), 6))]")
	f("p == 'a' && p != 'b' || p =~ 'c' && p !~ 'd'", "[or(and(equals(parameters('p'), 'a'), not(equals(parameters('p'), 'b'))), "+
		"and(equals(toLower(parameters('p')), toLower('c')), not(equals(toLower(parameters('p')), toLower('d')))))]")
	f("1 < 2 ? 1 <= 2 : 3 > 4 ? 5 >= 6 : flag", "[if(less(1, 2), lessOrEquals(1, 2), if(greater(3, 4), greaterOrEquals(5, 6), parameters('flag')))]")
	f("p ?? 'a'", "[coalesce(parameters('p'), 'a')]")
	f("(p)", "[parameters('p')]")
	f("p!", "[parameters('p')]")
	f("v", "[variables('v')]")
	f("any(p)", "[parameters('p')]")
	f("any({ a: 1 })", "{a: 1}")
	f("nameof(site)", "['site']")
	f("nameof(o.a.b)", "['b']")
	f("nameof(site::slot)", "['slot']")
	f("nameof(o['x'][0])", "['x']")
	// objects and lists
	f("{ a: 1, 'b-c': p, '${p}': 2, copy: 3 }", "{a: 1, b-c: [parameters('p')], [format('{0}', parameters('p'))]: 2, [string('copy')]: 3}")
	f("{ '[a]': 1 }", "{[[a]: 1}")
	f("[1, p, []]", "(1, [parameters('p')], ())")
	f("{ a: 1, ...o, b: 2 }", "[shallowMerge(createArray(createObject('a', 1), parameters('o'), createObject('b', 2)))]")
	f("[1, ...list]", "[flatten(createArray(createArray(1), parameters('list')))]")
	f("[...list]", "[flatten(createArray(parameters('list')))]")
	f("union({}, { a: [], b: true, c: null })", "[union(createObject(), createObject('a', createArray(), 'b', true(), 'c', null()))]")
	f("{ a: [for x in list: x.b] }", "{copy: ({name: a, count: [length(parameters('list'))], input: [parameters('list')[copyIndex('a')].b]})}")
	f("{ a: [for (x, i) in list: { b: i }] }", "{copy: ({name: a, count: [length(parameters('list'))], input: {b: [copyIndex('a')]}})}")
	f("{ a: [for x in list: [x]] }", "{copy: ({name: a, count: [length(parameters('list'))], input: [createArray(parameters('list')[copyIndex('a')])]})}")
	f("union(list, [for x in list: x.b])", "[union(parameters('list'), map(parameters('list'), lambda('x', lambdaVariables('x').b)))]")
	f("union(list, [for (x, i) in list: i])", "[union(parameters('list'), map(parameters('list'), lambda('x', 'i', lambdaVariables('i'))))]")
	// properties and elements
	f("o.a.b", "[parameters('o').a.b]")
	f("o['a-b']", "[parameters('o')['a-b']]")
	f("o[p]", "[parameters('o')[parameters('p')]]")
	f("o.?a", "[tryGet(parameters('o'), 'a')]")
	f("o.?a.b.c", "[tryGet(parameters('o'), 'a', 'b', 'c')]")
	f("(o.?a).b", "[tryGet(parameters('o'), 'a').b]")
	f("o.?a!.b", "[tryGet(parameters('o'), 'a', 'b')]")
	f("any(o.?a).b", "[tryGet(parameters('o'), 'a', 'b')]")
	f("list[?0]", "[tryGet(parameters('list'), 0)]")
	f("list[^1]", "[indexFromEnd(parameters('list'), 1)]")
	f("list[?^1].a", "[tryIndexFromEnd(parameters('list'), 1, 'a')]")
	f("o.?a[^1]", "[tryGet(parameters('o'), 'a', createObject('value', 1, 'fromEnd', true()))]")
	// functions
	f("concat(p, 'a')", "[concat(parameters('p'), 'a')]")
	f("sys.concat(p)", "[concat(parameters('p'))]")
	f("az.resourceGroup().location", "[resourceGroup().location]")
	f("map(list, x => x.a)", "[map(parameters('list'), lambda('x', lambdaVariables('x').a))]")
	f("reduce(list, 0, (a, b) => a + b)", "[reduce(parameters('list'), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]")
	f("twice(2)", "[__bicep.twice(2)]")
	f("listKeys(site.id, '2022-09-01')", "[listKeys(resourceId('Microsoft.Web/sites', format('site-{0}', parameters('p'))), '2022-09-01')]")
}

func TestLowerReferences(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		c := compile(t, "main.bicep", prelude+"output out object = "+source+"\n", "mod.bicep", plainFile)
		if got := show(at(c.Template, "outputs", "out", "value")); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	const site = "resourceId('Microsoft.Web/sites', format('site-{0}', parameters('p')))"
	f("site.id", "["+site+"]")
	f("site.name", "[format('site-{0}', parameters('p'))]")
	f("site.type", "['Microsoft.Web/sites']")
	f("site.apiVersion", "['2022-09-01']")
	f("site.properties.host", "[reference('site').host]")
	f("site.identity.principalId", "[reference('site', '2022-09-01', 'full').identity.principalId]")
	f("site['id']", "["+site+"]")
	f("site", "[reference('site', '2022-09-01', 'full')]")
	f("site.?properties", "[tryGet(reference('site', '2022-09-01', 'full'), 'properties')]")
	f("site.listKeys().a", "[listKeys('site', '2022-09-01').a]")
	f("site.listKeys('2020-01-01', {})", "[listKeys('site', '2020-01-01', createObject())]")
	f("late", "[reference('site').host]")
	f("maybe.?id", "[if(parameters('flag'), resourceId('Microsoft.Web/sites', 'maybe'), null())]")
	f("maybe.?properties.a", "[tryGet(if(parameters('flag'), reference('maybe', '2022-09-01', 'full'), null()), 'properties', 'a')]")
	f("site::slot.id", "[resourceId('Microsoft.Web/sites/slots', format('site-{0}', parameters('p')), 'blue')]")
	f("site::slot.properties.a", "[reference('site::slot').a]")
	f("site::slot.name", "['blue']")
	f("vault.id", "[extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, 'other'), 'Microsoft.KeyVault/vaults', 'vault')]")
	f("vault.properties.a", "[reference('vault').a]")
	f("lateVault.properties.a", "[reference(resourceId('Microsoft.KeyVault/vaults', reference('site').vault), '2023-07-01').a]")
	f("lateVault.listKeys()", "[listKeys(resourceId('Microsoft.KeyVault/vaults', reference('site').vault), '2023-07-01')]")
	f("mod.name", "[format('mod-{0}', parameters('p'))]")
	f("mod.outputs.id", "[reference('mod').outputs.id.value]")
	f("mod.outputs.?id", "[tryGet(tryGet(reference('mod').outputs, 'id'), 'value')]")
	f("maybeMod.?outputs.id", "[tryGet(if(parameters('flag'), reference('maybeMod'), null()), 'outputs', 'id', 'value')]")
	f("mod.outputs", "[reference('mod').outputs]")
	f("(flag ? mod : maybeMod).outputs.id", "[if(parameters('flag'), reference('mod'), reference('maybeMod')).outputs.id.value]")
	// elements by symbolic name: the file declares a function
	f("sites[0].id", "[resourceId('Microsoft.Web/sites', format('{0}{1}', parameters('list')[0].name, 0))]")
	f("sites[0].name", "[format('{0}{1}', parameters('list')[0].name, 0)]")
	f("sites[0].properties.a", "[reference(format('sites[{0}]', 0)).a]")
	f("sites[0].identity", "[reference(format('sites[{0}]', 0), '2022-09-01', 'full').identity]")
	f("sites[length(list)].listKeys()", "[listKeys(format('sites[{0}]', length(parameters('list'))), '2022-09-01')]")
	f("mods[1].outputs.id", "[reference(format('mods[{0}]', 1)).outputs.id.value]")
	f("mods[1].name", "[format('mods-{0}', parameters('list')[1])]")
	f("map(mods, m => m.outputs.id)", "[map(references('mods'), lambda('m', lambdaVariables('m').outputs.id.value))]")
	f("map(sites, s => s.id)", "[map(references('sites', 'full'), lambda('s', lambdaVariables('s').id))]")
	f("[for m in mods: m.outputs.id]", "nothing") // an output that is a loop has no value
}

// Without need for symbolic names elements are named by their IDs.
func TestElementsByID(t *testing.T) {
	files := func(source string) []string {
		return []string{"main.bicep", strings.ReplaceAll(prelude, "func twice(n int) int => n * 2\n", "") + "output out object = " + source + "\n", "mod.bicep", plainFile}
	}
	f := func(source, want string) {
		t.Helper()
		c := compile(t, files(source)...)
		if got := show(at(c.Template, "outputs", "out", "value")); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("sites[0].properties.a", "[reference(resourceId('Microsoft.Web/sites', format('{0}{1}', parameters('list')[0].name, 0)), '2022-09-01').a]")
	f("mods[1].outputs.id", "[reference(resourceId('Microsoft.Resources/deployments', format('mods-{0}', parameters('list')[1])), '2025-04-01').outputs.id.value]")
	f("site.properties.a", "[reference('site').a]")
}

func TestSecureOutputs(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		c := compile(t, "main.bicep", prelude+"output out object = "+source+"\n", "mod.bicep", modFile)
		if got := show(at(c.Template, "outputs", "out", "value")); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("mod.outputs.key", "[listOutputsWithSecureValues('mod', '2025-04-01').key]")
	f("mod.outputs.id", "[reference('mod').outputs.id.value]")
	f("mod.outputs", "[listOutputsWithSecureValues('mod', '2025-04-01')]")
}

func TestLowerResources(t *testing.T) {
	f := func(source, symbol, want string) {
		t.Helper()
		c := compile(t, "main.bicep", source, "mod.bicep", "param a string = ''\nparam r resource 'Microsoft.Web/sites@2022-09-01'\n")
		if got := show(at(c.Template, "resources", symbol)); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("resource a 'A.B/c@1' = {\n name: 'x'\n location: 'l'\n properties: { d: 1 }\n}", "a",
		"{type: A.B/c, apiVersion: 1, name: x, location: l, properties: {d: 1}}")
	f("param c bool\nresource a 'A.B/c@1' = if (c) {\n name: 'x'\n}", "a", "{condition: [parameters('c')], type: A.B/c, apiVersion: 1, name: x}")
	f("param l array\n@batchSize(2)\nresource a 'A.B/c@1' = [for x in l: {\n name: x\n}]", "a",
		"{copy: {name: a, count: [length(parameters('l'))], mode: serial, batchSize: 2}, type: A.B/c, apiVersion: 1, name: [parameters('l')[copyIndex()]]}")
	f("param l array\nresource a 'A.B/c@1' = [for (x, i) in l: if (x.on) {\n name: 'n${i}'\n}]", "a",
		"{copy: {name: a, count: [length(parameters('l'))]}, condition: [parameters('l')[copyIndex()].on], type: A.B/c, apiVersion: 1, name: [format('n{0}', copyIndex())]}")
	f("resource a 'A.B/c@1' existing = {\n name: 'x'\n}", "a", "{existing: true, type: A.B/c, apiVersion: 1, name: x}")
	// children
	f("resource a 'A.B/c@1' = {\n name: 'x'\n}\nresource b 'A.B/c/d@1' = {\n parent: a\n name: 'y'\n}", "b",
		"{type: A.B/c/d, apiVersion: 1, name: [format('{0}/{1}', 'x', 'y')], dependsOn: (['a'])}")
	f("param f bool\nresource a 'A.B/c@1' = if (f) {\n name: 'x'\n resource b 'd@2' = {\n  name: 'y'\n  properties: { p: a.properties.q }\n }\n}", "a::b",
		"{condition: [parameters('f')], type: A.B/c/d, apiVersion: 2, name: [format('{0}/{1}', 'x', 'y')], properties: {p: [reference('a').q]}, dependsOn: (['a'])}")
	f("param l array\nresource a 'A.B/c@1' = [for x in l: {\n name: x\n}]\nresource b 'A.B/c/d@1' = [for (x, i) in l: {\n parent: a[i]\n name: 'y'\n}]", "b",
		"{copy: {name: b, count: [length(parameters('l'))]}, type: A.B/c/d, apiVersion: 1, name: [format('{0}/{1}', parameters('l')[copyIndex()], 'y')], dependsOn: ([format('a[{0}]', copyIndex())])}")
	f("resource a 'A.B/c/d@1' existing = {\n name: 'x/y'\n}\nresource b 'A.B/c/d/e@1' = {\n parent: a\n name: 'z'\n}", "b",
		"{type: A.B/c/d/e, apiVersion: 1, name: [format('{0}/{1}/{2}', split('x/y', '/')[0], split('x/y', '/')[1], 'z')]}")
	// scopes
	f("resource a 'A.B/c@1' = {\n name: 'x'\n}\nresource b 'A.E/f@1' = {\n scope: a\n name: 'y'\n}\noutput i string = b.id", "b",
		"{type: A.E/f, apiVersion: 1, scope: [resourceId('A.B/c', 'x')], name: y, dependsOn: (['a'])}")
	f("resource a 'A.B/c@1' = {\n name: 'x'\n scope: tenant()\n}", "a", "{type: A.B/c, apiVersion: 1, scope: ['/'], name: x}")
	f("resource a 'A.B/c@1' existing = {\n name: 'x'\n scope: resourceGroup('s', 'g')\n}", "a",
		"{existing: true, type: A.B/c, apiVersion: 1, subscriptionId: ['s'], resourceGroup: ['g'], name: x}")
	f("resource a 'A.B/c@1' existing = {\n name: 'x'\n scope: subscription()\n}", "a",
		"{existing: true, type: A.B/c, apiVersion: 1, subscriptionId: [subscription().subscriptionId], name: x}")
	f("resource a 'A.B/c@1' existing = {\n name: 'x'\n scope: managementGroup('m')\n}", "a",
		"{existing: true, type: A.B/c, apiVersion: 1, scope: [tenantResourceId('Microsoft.Management/managementGroups', 'm')], name: x}")
	// modules
	const deployment = "type: Microsoft.Resources/deployments, apiVersion: 2025-04-01, "
	const inner = "expressionEvaluationOptions: {scope: inner}, mode: Incremental"
	c := compile(t, "main.bicep", "param l array\nresource w 'Microsoft.Web/sites@2022-09-01' = {\n name: 'w'\n}\nmodule m 'mod.bicep' = {\n name: 'n'\n params: {\n  a: 'b'\n  r: w\n }\n}\n"+
		"module u 'mod.bicep' = [for x in l: {\n params: {\n  a: x\n  r: w\n }\n}]\nmodule s 'mod.bicep' = {\n name: 's'\n scope: subscription()\n params: {\n  a: x ? '1' : '2'\n  r: w\n }\n}\nparam x bool\n",
		"mod.bicep", "param a string = ''\nparam r resource 'Microsoft.Web/sites@2022-09-01'\n")
	for _, want := range []struct{ symbol, text string }{
		{"m", "{" + deployment + "name: n, properties: {" + inner + ", parameters: {a: {value: b}, r: {value: [resourceId('Microsoft.Web/sites', 'w')]}}"},
		{"u", "{copy: {name: u, count: [length(parameters('l'))]}, " + deployment + "name: [format('u-{0}-{1}', copyIndex(), uniqueString('u', deployment().name))], properties: {" + inner},
		{"s", "{" + deployment + "name: s, subscriptionId: [subscription().subscriptionId], location: [resourceGroup().location], properties: {" + inner +
			", parameters: {a: [if(parameters('x'), createObject('value', '1'), createObject('value', '2'))]"},
	} {
		if got := show(at(c.Template, "resources", want.symbol)); !strings.HasPrefix(got, want.text) {
			t.Errorf("%s\n got %s\nwant %s…", want.symbol, got, want.text)
		}
	}
}

func TestModuleSecrets(t *testing.T) {
	c := compile(t, "main.bicep", "param x bool\nparam l array\nresource v 'Microsoft.KeyVault/vaults@2023-07-01' existing = {\n name: 'v'\n}\n"+
		"module m 'mod.bicep' = {\n name: 'n'\n params: {\n  a: v.getSecret('s')\n  b: v.getSecret('s', '1')\n  c: x ? v.getSecret('s', '2') : v.getSecret('t')\n  d: [for y in l: y.z]\n }\n}",
		"mod.bicep", "@secure()\nparam a string\n@secure()\nparam b string\n@secure()\nparam c string\nparam d array\n")
	want := "{a: {reference: {keyVault: {id: [resourceId('Microsoft.KeyVault/vaults', 'v')]}, secretName: s}}, " +
		"b: {reference: {keyVault: {id: [resourceId('Microsoft.KeyVault/vaults', 'v')]}, secretName: s, secretVersion: 1}}, " +
		"c: [if(parameters('x'), createObject('reference', createObject('keyVault', createObject('id', resourceId('Microsoft.KeyVault/vaults', 'v')), 'secretName', 's', 'secretVersion', '2')), " +
		"createObject('reference', createObject('keyVault', createObject('id', resourceId('Microsoft.KeyVault/vaults', 'v')), 'secretName', 't')))], " +
		"d: {copy: ({name: value, count: [length(parameters('l'))], input: [parameters('l')[copyIndex('value')].z]})}}"
	if got := show(at(c.Template, "resources", "m", "properties", "parameters")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestScopes(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		c := compile(t, "main.bicep", source, "mod.bicep", "targetScope = 'subscription'\n")
		if got := show(at(c.Template, "outputs", "i", "value")); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	id := func(scope, body string) string {
		return "targetScope = '" + scope + "'\n" + body + "\noutput i string = a.id"
	}
	f(id("subscription", "resource a 'A.B/c@1' = {\n name: 'x'\n}"), "[subscriptionResourceId('A.B/c', 'x')]")
	f(id("subscription", "resource a 'A.B/c@1' existing = {\n name: 'x'\n scope: subscription('s')\n}"), "[subscriptionResourceId('s', 'A.B/c', 'x')]")
	f(id("tenant", "resource a 'A.B/c@1' = {\n name: 'x'\n}"), "[tenantResourceId('A.B/c', 'x')]")
	f(id("managementGroup", "resource a 'A.B/c@1' = {\n name: 'x'\n}"), "[extensionResourceId(managementGroup().id, 'A.B/c', 'x')]")
	f(id("managementGroup", "resource a 'A.B/c@1' existing = {\n name: 'x'\n scope: managementGroup('m')\n}"),
		"[extensionResourceId(tenantResourceId('Microsoft.Management/managementGroups', 'm'), 'A.B/c', 'x')]")
	f(id("subscription", "resource g 'Microsoft.Resources/resourceGroups@2022-09-01' = {\n name: 'g'\n}\nresource a 'A.B/c@1' existing = {\n name: 'x'\n scope: g\n}"),
		"[extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, 'g'), 'A.B/c', 'x')]")
	f(id("tenant", "resource g 'Microsoft.Management/managementGroups@2021-04-01' existing = {\n name: 'g'\n}\nresource a 'A.B/c@1' existing = {\n name: 'x'\n scope: g\n}"),
		"[extensionResourceId(tenantResourceId('Microsoft.Management/managementGroups', 'g'), 'A.B/c', 'x')]")
	f(id("resourceGroup", "param n string\nvar g = empty(n) ? resourceGroup() : resourceGroup(n)\nresource a 'A.B/c@1' existing = {\n name: 'x'\n scope: g\n}"),
		"[resourceId('A.B/c', 'x')]")
	f(id("resourceGroup", "param n string\nvar g = empty(n) ? az.resourceGroup() : any({})\nresource a 'A.B/c@1' existing = {\n name: 'x'\n scope: g\n}"), "[resourceId('A.B/c', 'x')]")
	f(id("resourceGroup", "resource b 'A.D/e@1' existing = {\n name: 'y'\n scope: resourceGroup('g')\n}\nresource a 'A.B/c@1' existing = {\n name: 'x'\n scope: b\n}"),
		"[extensionResourceId(extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, 'g'), 'A.D/e', 'y'), 'A.B/c', 'x')]")
}

func TestScopeOfDeployments(t *testing.T) {
	f := func(scope, of, want string) {
		t.Helper()
		c := compile(t, "main.bicep", "targetScope = '"+scope+"'\nmodule m 'mod.bicep' = {\n name: 'n'\n scope: "+of+"\n}\n", "mod.bicep", "")
		got := show(at(c.Template, "resources", "m"))
		got, _, _ = strings.Cut(strings.TrimPrefix(got, "{type: Microsoft.Resources/deployments, apiVersion: 2025-04-01, name: n, "), "properties")
		if got != want {
			t.Errorf("%s in %s\n got %s\nwant %s", of, scope, got, want)
		}
	}
	f("subscription", "resourceGroup('g')", "resourceGroup: ['g'], ")
	f("managementGroup", "subscription('s')", "subscriptionId: ['s'], location: [deployment().location], ")
	f("tenant", "managementGroup('m')", "scope: [format('Microsoft.Management/managementGroups/{0}', 'm')], location: [deployment().location], ")
	f("subscription", "tenant()", "scope: ['/'], location: [deployment().location], ")
	f("tenant", "tenant()", "location: [deployment().location], ")
}

func TestDependencies(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		c := compile(t, "main.bicep", prelude+"resource last 'A.B/c@1' = {\n name: 'x'\n "+body+"\n}\n", "mod.bicep", plainFile)
		if got := show(at(c.Template, "resources", "last", "dependsOn")); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
	f("", "nothing")
	f("p: site.id", "(['site'])")
	f("p: late", "(['site'])")
	f("p: v", "nothing")
	f("p: [site.properties.a, mod.outputs.id, site.id]", "(['mod'], ['site'])")
	f("p: sites[0].id", "([format('sites[{0}]', 0)])")
	f("p: [sites[0].id, map(sites, s => s.id)]", "(['sites'])")
	f("p: map(list, i => sites[i].id)", "(['sites'])")
	f("dependsOn: [sites, mods[1]]", "([format('mods[{0}]', 1)], ['sites'])")
	f("p: vault.id", "nothing")
	f("p: vault.properties.a", "(['vault'])")
	f("p: lateVault.id", "(['site'])")
	f("p: lateVault.properties.a", "(['site'])")
	f("p: site::slot.id", "(['site::slot'])")
	f("p: nameof(site)", "(['site'])")
	f("p: flag ? '${site.id}' : -1 > 2 ? site!.id : (sites[(1 + -2)].id)", "(['site'], [format('sites[{0}]', add(1, -2))])")
}

func TestTypeMembers(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		c := compile(t, "main.bicep", source+"\n", "types.bicep", "@export()\ntype t = 'x' | 'y'\n@export()\n@secure()\ntype s = object\n@export()\ntype o = {\n a: int[]\n *: bool\n}\n")
		if got := show(at(c.Template, "parameters", "p")); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f("param p string", "{type: string}")
	f("@secure()\nparam p string", "{type: securestring}")
	f("@secure()\nparam p object = {}", "{type: secureObject, defaultValue: {}}")
	f("@minLength(1)\n@maxLength(2)\nparam p string", "{type: string, minLength: 1, maxLength: 2}")
	f("@minValue(1)\n@maxValue(2)\n@allowed([1, 2])\nparam p int = 1", "{type: int, allowedValues: (1, 2), minValue: 1, maxValue: 2, defaultValue: 1}")
	f("param p string?", "{type: string, nullable: true}")
	f("param p (string?)!", "{type: string}")
	f("param p 'a' | 'b'", "{type: string, allowedValues: (a, b)}")
	f("param p -1 | 2", "{type: int, allowedValues: (-1, 2)}")
	f("param p true", "{type: bool, allowedValues: (true)}")
	f("param p !true", "{type: bool}")
	f("param p 'a' | null", "{type: string, nullable: true, allowedValues: (a)}")
	f("param p 'a' | string", "{type: string}")
	f("param p string[]", "{type: array}")
	f("param p [string]", "{type: array}")
	f("param p { a: string }", "{type: object}")
	f("param p resourceInput<'A.B/c@1'>", "{type: object}")
	f("param p resource 'A.B/c@1'", "{type: string}")
	f("type t = int\nparam p t", "{type: int}")
	f("type t = { a: string, b: [int, bool], c: { d: int }[] }\nparam p t.a", "{type: string}")
	f("type t = { a: string, b: [int, bool], c: { d: int }[] }\nparam p t.b[1]", "{type: bool}")
	f("type t = { a: string, b: [int, bool], c: ({ d: int }?)[]? }\nparam p t.c[*].d", "{type: int}")
	f("type t = { *: string }\nparam p t.*", "{type: string}")
	f("type t = { a: string }\nparam p t['a']", "{type: string}")
	f("type t = t2\ntype t2 = t\nparam p t", "{}")
	f("param p sys.string", "{type: string}")
	f("import { t as u } from 'types.bicep'\nparam p u", "{type: string, allowedValues: (x, y)}")
	f("import { s } from 'types.bicep'\nparam p s", "{type: secureObject}")
	f("import * as types from 'types.bicep'\nparam p types.t", "{type: string, allowedValues: (x, y)}")
	f("import * as types from 'types.bicep'\nparam p types.o.a", "{type: array}")
}
