// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"strings"
	"testing"
)

func TestEveryKeyIsFound(t *testing.T) {
	for c := inEntry; c < numContexts; c++ {
		table := &tables[c]
		for i := range table.keys {
			name := table.keys[i].name
			if name != strings.ToLower(name) {
				t.Errorf("context %d: %q is not in lower case", c, name)
			}
			for _, spelled := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
				if got := table.find([]byte(spelled)); got != &table.keys[i] {
					t.Errorf("context %d: %q finds %v", c, spelled, got)
				}
			}
			for _, other := range []string{name + "x", name[1:], ""} {
				if got := table.find([]byte(other)); got != nil && got.name == name {
					t.Errorf("context %d: %q finds %v", c, other, got)
				}
			}
		}
	}
}
