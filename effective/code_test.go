// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"testing"

	"github.com/mivet/mivet"
)

// Variables are read from each form in which resources have them; containers that differ are
// several codes.
func TestVariablesOf(t *testing.T) {
	f := func(want string, read bool, settings map[string]string) {
		t.Helper()
		r := &mivet.Resource{Detail: &mivet.Detail{Settings: settings}}
		env, got := VariablesOf(r)
		if fmt.Sprint(env) != "map["+want+"]" || got != read {
			t.Errorf("%v: %v %t, want %s %t", settings, env, got, want, read)
		}
	}
	f("A:1", true, map[string]string{"siteConfig.appSettings.A": "1", "siteConfig.appSettings.N": "null", "siteConfig.x": "2"})
	f("A:1", true, map[string]string{"template.containers[0].env.A": "1"})
	f("A:1 B:2", true, map[string]string{"template.containers[0].env.A": "1", "template.containers[12].env.B": "2"})
	f("A:1", true, map[string]string{"template.containers[0].env.A": "1", "template.containers[1].env.A": "1"})
	f("B:2", true, map[string]string{"template.containers[0].env.A": "1", "template.containers[1].env.A": "3", "template.containers[1].env.B": "2"})
	f("", false, map[string]string{"template.containers[0].env.AZURE_CLIENT_ID": "1", "template.containers[1].env.AZURE_CLIENT_ID": "3"})
	f("A:1", true, map[string]string{"containers[0].properties.environmentVariables.A": "1"})
	f("", false, map[string]string{"initContainers[0].properties.environmentVariables.A": "1", "template.initContainers[0].env.A": "1", "template.containers[0].image": "x"})
	f("", false, nil)
	if env, read := VariablesOf(&mivet.Resource{}); len(env) != 0 || read {
		t.Errorf("of nothing: %v %t", env, read)
	}
	two := &mivet.Resource{Detail: &mivet.Detail{Settings: map[string]string{"template.containers[1].env.A": "3", "template.containers[0].env.A": "1", "env.E": "", "env.N": "null"}}}
	w := &Carrier{Resource: two}
	if path, ok := w.VariablePath("A"); path != "template.containers[0].env.A" || !ok {
		t.Errorf("%q %t", path, ok)
	}
	if _, ok := w.VariablePath("B"); ok {
		t.Error("B is nowhere")
	}
	if !HasVariable(two, "A") || HasVariable(two, "E") || HasVariable(two, "N") || HasVariable(two, "B") || HasVariable(&mivet.Resource{}, "A") {
		t.Error("what is set and what is not")
	}
	if path, ok := (&Carrier{Resource: &mivet.Resource{}}).VariablePath("A"); ok {
		t.Errorf("of nothing: %q", path)
	}
}
