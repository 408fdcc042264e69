// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"fmt"
	"strings"
	"testing"
)

// Templates that would take all memory or all time are stopped with a diagnostic.
func TestLimits(t *testing.T) {
	f := func(template, want string, l Limits) {
		t.Helper()
		r := parsed(t, `{`+schemaGroup+`, `+template+`}`).Evaluate(Options{Target: shop, Limits: l})
		told(t, r, want)
	}
	doubled := func(step string, n int) string {
		var b strings.Builder
		b.WriteString(`"variables": {"v0": ` + step[:strings.Index(step, "|")])
		for i := range n {
			fmt.Fprintf(&b, `, "v%d": "[%s]"`, i+1, strings.ReplaceAll(step[strings.Index(step, "|")+1:], "$", fmt.Sprintf("variables('v%d')", i)))
		}
		fmt.Fprintf(&b, `}, "outputs": {"x": {"type": "string", "value": "[variables('v%d')]"}}`, n)
		return b.String()
	}
	f(doubled(`"0123456789abcdef"|concat($, $)`, 60), "the text is longer than", Limits{})
	f(doubled(`"0123456789abcdef"|replace($, '0', $)`, 60), "the text is longer than", Limits{})
	f(doubled(`"0123456789abcdef"|join(createArray($, $), $)`, 60), "the text is longer than", Limits{})
	f(doubled(`[1]|concat($, $)`, 60), "the value is larger than", Limits{})
	f(doubled(`[1]|createArray($, $)`, 60), "the value is larger than", Limits{})
	f(doubled(`{"a": 1}|createObject('a', $, 'b', $)`, 60), "the value is larger than", Limits{})
	f(doubled(`1|add($, 1)`, 3000), "nested deeper than", Limits{})
	f(`"outputs": {"x": {"type": "array", "value": "[map(range(0, 10000), lambda('x', map(range(0, 10000), lambda('y', 1))))]"}}`,
		"takes more than 100000 steps", Limits{Steps: 100_000})
	f(`"resources": [{"type": "Microsoft.Web/sites", "name": "[concat('x', copyIndex())]", "copy": {"name": "c", "count": 100}}]`,
		"more than 10 resources", Limits{Resources: 10})
	deep := `{"resources": []}`
	for range 25 {
		deep = `{"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": ` + deep + `}}]}`
	}
	f(`"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": `+deep+`}}]`, "nested deeper than 20", Limits{})
	f(`"outputs": {"x": {"type": "array", "copy": {"count": 1000, "input": "[range(0, 10000)]"}}}`, "steps", Limits{Steps: 2000})
}

// Unknowns that are put together over and over stay small.
func TestUnknownsStaySmall(t *testing.T) {
	var b strings.Builder
	b.WriteString(`"parameters": {"p": {"type": "string"}, "o": {"type": "object"}, "b": {"type": "bool"}}, "variables": {"s0": "[parameters('p')]", "o0": "[parameters('o')]", "c0": 1`)
	for i := range 200 {
		fmt.Fprintf(&b, `, "s%d": "[concat(variables('s%d'), 'x', variables('s%d'))]"`, i+1, i, i)
		fmt.Fprintf(&b, `, "o%d": "[union(variables('o%d'), variables('o%d'))]"`, i+1, i, i)
		fmt.Fprintf(&b, `, "c%d": "[if(parameters('b'), variables('c%d'), createArray(variables('c%d')))]"`, i+1, i, i)
	}
	b.WriteString(`}`)
	v, r := value(t, b.String(), "[createArray(variables('s200'), variables('o200').a.b, variables('c100'))]")
	clean(t, r)
	if n := len(JSON(v)); n > 1<<16 {
		t.Errorf("the value has %d bytes", n)
	}
}
