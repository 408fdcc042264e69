// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"testing"
)

var small = Limits{Steps: 20_000, Resources: 100, Copies: 100, Depth: 5, Text: 1 << 16}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, -2.5e3, true, null, "x\u00e4\ud83d\ude00"], 'b': {c: "d",}, /* e */ "a": 2} // f`, "\uFEFF[]", `"\`, `{"a"`, `'`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		n, err := ParseJSON("f", src)
		if err != nil {
			return
		}
		// What was read can be printed and read again, and is the same.
		text := JSON(plainValue(n))
		again, err := ParseJSON("f", text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := JSON(plainValue(again)); string(got) != string(text) {
			t.Fatalf("%s became %s", text, got)
		}
	})
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		`[concat('a''b', 1, -2, my.f(x()).y[0]['z'], parameters('p'))]`, `[[x]`, `[a`, `[]`, `[format('{0:D3}{1,-5}{{', 1, 'x')]`,
		`[reduce(map(range(0, 3), lambda('x', add(lambdaVariables('x'), 1))), 0, lambda('a', 'b', mul(lambdaVariables('a'), lambdaVariables('b'))))]`,
		`[dateTimeAdd('2020-01-01', '-P1Y2M3DT4H5M6.7S', 'yyyy-MM-ddTHH:mm:ss.fffZ')]`, `[cidrSubnet('::/0', 128, 1)]`, `[uri('http://a/b', '../c')]`,
		`[union(parameters('o'), createObject('a', createArray(parameters('p'))))]`, `[substring(concat('ä😀', 'b'), 1, 2)]`,
		`[split(resourceId('Microsoft.Web/sites', parameters('p')), '/')[8]]`, `[json('{"a":[1,{}]}').a[1]]`, `[reference('api', '1', 'full').identity]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at := Pos{File: "f", Line: 1, Column: 1}
		if x, err := ParseExpression(s, at); err == nil {
			// An expression is printed as it can be read.
			text := x.String()
			y, err := ParseExpression("["+text+"]", at)
			if err != nil || y.String() != text {
				t.Fatalf("%q is printed as %q, which gives %v, %v", s, text, y, err)
			}
		}
		tm, err := FromNode(ObjectNode(at,
			Member{Name: "parameters", Value: ObjectNode(at, Member{Name: "p", Value: ObjectNode(at, Member{Name: "type", Value: StringNode(at, "string")})},
				Member{Name: "o", Value: ObjectNode(at, Member{Name: "type", Value: StringNode(at, "object")})})},
			Member{Name: "resources", Value: ArrayNode(at, ObjectNode(at, Member{Name: "type", Value: StringNode(at, "Microsoft.Web/sites")},
				Member{Name: "name", Value: StringNode(at, "api")}, Member{Name: "tags", Value: StringNode(at, s)}))},
			Member{Name: "outputs", Value: ObjectNode(at, Member{Name: "x", Value: ObjectNode(at, Member{Name: "value", Value: StringNode(at, s)})})}))
		if err != nil {
			t.Fatal(err)
		}
		r := tm.Evaluate(Options{Limits: small, Now: noon})
		if len(r.Outputs) != 1 {
			t.Fatalf("%d outputs", len(r.Outputs))
		}
		checkUnknowns(t, r.Outputs[0].Value)
	})
}

// checkUnknowns fails for an unknown that does not say where it comes from.
func checkUnknowns(t *testing.T, v Value) {
	t.Helper()
	switch x := v.(type) {
	case *Unknown:
		if len(x.Origins()) == 0 || len(x.String()) > maxUnknownText {
			t.Fatalf("%s has %d origins", x, len(x.Origins()))
		}
	case Array:
		for _, item := range x {
			checkUnknowns(t, item)
		}
	case *Object:
		for f := range x.Fields() {
			checkUnknowns(t, f.Value)
		}
	case nil:
		t.Fatal("a value is nil")
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		`{` + schemaGroup + `, "parameters": {"p": {"type": "array"}}, "variables": {"a": 1, "copy": [{"name": "l", "count": 2, "input": "[copyIndex('l')]"}]},
			"functions": [{"namespace": "n", "members": {"f": {"parameters": [{"name": "x"}], "output": {"value": "[parameters('x')]"}}}}],
			"resources": [{"type": "Microsoft.Web/sites", "name": "[n.f('a')]", "copy": {"name": "c", "count": "[length(parameters('p'))]"},
				"resources": [{"type": "slots", "name": "b", "scope": "/x/y"}]},
				{"type": "Microsoft.Resources/deployments", "name": "d", "scope": "/", "properties": {"templateLink": {"uri": "https://h/nested/a.json"}, "template": {"resources": {}}}}],
			"outputs": {"o": {"condition": "[not(true())]", "copy": {"count": 3, "input": 1}}}}`,
		`{` + schemaSubscription + `, "languageVersion": "2.0", "definitions": {"d": {"$ref": "#/definitions/d"}}, "parameters": {"p": {"$ref": "#/definitions/d", "nullable": true}},
			"resources": {"a": {"existing": true, "type": "A/b@1", "name": "x", "resourceGroup": "g"}, "b": {"type": "A/b/providers/c", "name": "x/P/y",
				"properties": {"r": "[references('a')]", "s": "[reference('b').x]"}},
				"m": {"type": "Microsoft.Resources/deployments", "name": "m", "properties": {"expressionEvaluationOptions": {"scope": "inner"},
					"parameters": {"q": {"value": "[reference('m').outputs.z.value]"}}, "template": {"parameters": {"q": {}}, "outputs": {"z": {"value": "[parameters('q')]"}}}}}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		tm, err := Parse("a/f.json", src)
		if err != nil {
			return
		}
		loads := 0
		r := tm.Evaluate(Options{Limits: small, Load: func(string) ([]byte, error) {
			if loads++; loads > 20 {
				return nil, errors.New("enough")
			}
			return src, nil
		}})
		for _, x := range r.Resources {
			checkUnknowns(t, x.ID)
			checkUnknowns(t, x.Name)
			checkUnknowns(t, x.Condition)
			checkUnknowns(t, x.Body)
			checkUnknowns(t, Array(x.DependsOn))
		}
		for _, o := range r.Outputs {
			checkUnknowns(t, o.Value)
		}
	})
}

func FuzzParseParameters(f *testing.F) {
	f.Add([]byte(`{"$schema": "x", "parameters": {"a": {"value": [1]}, "b": {"reference": {}}, "c": {"expression": "x"}}}`))
	f.Add([]byte(`{"a": {"value": null}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		given, err := ParseParameters("f", src)
		if err != nil {
			return
		}
		for _, v := range given {
			checkUnknowns(t, v)
		}
	})
}
