// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strings"
	"testing"

	"github.com/mivet/mivet/armtemplate"
)

func TestParameters(t *testing.T) {
	p, err := CompileParameters("env/main.bicepparam", Options{Files: tree(t,
		"main.bicep", "param a string\nparam b int = 1\nparam c array\nparam d object\nparam e string\nparam f string\nparam g string\nparam h array\nparam i string\nparam j string\nparam k string = 'x'\n",
		"lib.bicep", "@export()\nvar shared = 'lib'\n@export()\nfunc twice(s string) string => '${s}${s}'\n",
		"base.bicepparam", "using none\nparam e = 'base'\nparam i = 'from base'\n",
		"env/main.bicepparam", "using '../main.bicep'\nextends '../base.bicepparam'\nimport { shared, twice } from '../lib.bicep'\nvar v = 'v'\nvar loop = [for i in range(0, 2): i]\n"+
			"param a = '${v}${shared}'\nparam b = 2 + 3\nparam c = [for (x, n) in loop: x + n]\nparam d = {\n x: a\n y: base.i\n}\nparam e = twice('e')\n"+
			"param f = readEnvironmentVariable('HOME', 'none')\nparam g = az.getSecret('sub', 'group', 'vault', 'secret')\nparam h = [f]\nparam j = externalInput('sys.cli', 'x')\n",
	)})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Diagnostics {
		t.Errorf("%s:%d:%d: %s %s", d.File, d.Line, d.Column, d.Code, d.Message)
	}
	f := func(name, want string) {
		t.Helper()
		if got := string(armtemplate.JSON(p.Values[name])); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	f("a", `"vlib"`)
	f("b", "5")
	f("c", "[0,2]")
	f("d", `{"x":"vlib","y":"from base"}`)
	f("e", `"ee"`)
	f("i", `"from base"`)
	f("f", `"[parameters('readEnvironmentVariable HOME')]"`)
	f("g", `"[getSecret('sub', 'group', 'vault', 'secret')]"`)
	f("h", `["[parameters('readEnvironmentVariable HOME')]"]`)
	f("j", `"[parameters('externalInput sys.cli')]"`)
	if got := strings.Join(p.Names, ""); got != "eiabcdfghj" {
		t.Errorf("the names are %s", got)
	}
	if at := p.Places["a"]; at.File != "env/main.bicepparam" || at.Line != 6 || at.Column != 7 {
		t.Errorf("a is at %s", at)
	}
	if p.TemplateName != "main.bicep" || p.Template == nil || p.Faulty() {
		t.Errorf("the template is %q", p.TemplateName)
	}
	secret, ok := p.Values["g"].(*armtemplate.Unknown)
	if !ok || len(secret.Origins()) != 1 || secret.Origins()[0].Kind != armtemplate.OriginSecret || secret.Origins()[0].Resource != "/subscriptions/sub/resourceGroups/group/providers/Microsoft.KeyVault/vaults/vault" {
		t.Errorf("the secret is %v", secret)
	}
}

func TestParametersOfTemplates(t *testing.T) {
	p, err := CompileParameters("a.bicepparam", Options{Files: tree(t, "a.bicepparam", "using 'a.json'\nparam x = 1\n",
		"a.json", `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "parameters": {"x": {"type": "int"}}, "resources": []}`)})
	if err != nil || len(p.Diagnostics) > 0 || p.TemplateName != "a.json" {
		t.Errorf("%v %v %q", err, p.Diagnostics, p.TemplateName)
	}
	p, err = CompileParameters("a.bicepparam", Options{Files: tree(t, "a.bicepparam", "using none\nparam x = 1\n")})
	if err != nil || len(p.Diagnostics) > 0 || p.Template != nil {
		t.Errorf("without template: %v %v", err, p.Diagnostics)
	}
}

func TestParameterFileFaults(t *testing.T) {
	f := func(want string, files ...string) {
		t.Helper()
		p, err := CompileParameters("a.bicepparam", Options{Files: tree(t, append([]string{"t.bicep", "param x int\nparam y int = 1\nparam z int?\n"}, files...)...)})
		if err != nil {
			t.Fatal(err)
		}
		if got := faults(p.Diagnostics); got != want || want != "" && !p.Faulty() {
			t.Errorf("%s\n got %s\nwant %s", files[1], got, want)
		}
	}
	f("", "a.bicepparam", "using 't.bicep'\nparam x = 1\n")
	f("BCP258@1:1", "a.bicepparam", "using 't.bicep'\n")
	f("BCP259@3:7", "a.bicepparam", "using 't.bicep'\nparam x = 1\nparam w = 1\n")
	f("BCP091@1:7", "a.bicepparam", "using 'none.bicep'\n")
	f("BCP057@1:11", "a.bicepparam", "param x = nothing\n")
	f("BCP080@1:11", "a.bicepparam", "param x = x\n")
	f("BCP080@1:11 BCP080@2:11", "a.bicepparam", "param x = y\nparam y = x\n")
	f("BCP338@1:11", "a.bicepparam", "param x = int('a')\n")
	f("BCP028@2:7", "a.bicepparam", "param x = 1\nparam x = 2\n")
	f("BCP053@1:11", "a.bicepparam", "param x = base.y\n")
	f("BCP091@1:9", "a.bicepparam", "extends 'none.bicepparam'\n")
	f("BCP091@1:9", "a.bicepparam", "extends 't.bicep'\n")
	f("BCP091@1:9", "a.bicepparam", "extends 'b.bicepparam'\n", "b.bicepparam", "extends 'a.bicepparam'\n")
	f("BCP009@1:10", "a.bicepparam", "param x =\n")
}
