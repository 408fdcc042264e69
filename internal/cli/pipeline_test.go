// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// What the files for pipelines hand on is what the script and the command take.
func TestPipelineFiles(t *testing.T) {
	script, err := os.ReadFile("../../pipeline/check.sh")
	if err != nil {
		t.Fatal(err)
	}
	reference, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, check, ok := strings.Cut(string(reference), "\n## mivet check\n")
	if !ok {
		t.Fatal("the reference does not know mivet check")
	}
	check, _, _ = strings.Cut(check, "\n## ")
	f := func(file, given string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, m := range regexp.MustCompile(`(MIVET_[A-Z]+): \$\{\{ `+given+`\.`).FindAllStringSubmatch(string(text), -1) {
			flag := "--" + strings.ToLower(strings.TrimPrefix(m[1], "MIVET_"))
			if !strings.Contains(string(script), m[1]) || !strings.Contains(check, "`"+flag) && !strings.Contains(string(script), "${"+m[1]) {
				t.Errorf("%s sets %s, which neither the script nor mivet check takes", file, m[1])
			}
		}
		for _, name := range []string{"PLAN", "MIVET_CONTRACT", "MIVET_STAGE", "MIVET_AGAINST", "MIVET_BIN", "MIVET_UNDECIDED"} {
			if !strings.Contains(string(text), name+": ${{ "+given+".") {
				t.Errorf("%s does not hand on %s", file, name)
			}
		}
	}
	f("../../pipeline/github/action.yml", "inputs")
	f("../../pipeline/azure-devops/check.yml", "parameters")
	hooks, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ ID, Entry, Files string }
	if err := yaml.Unmarshal(hooks, &list); err != nil || len(list) != 1 || list[0].Entry != "mivet contract check" {
		t.Errorf("the hook: %+v %v", list, err)
	}
	if !regexp.MustCompile(list[0].Files).MatchString("infra/mivet.yaml") {
		t.Error("the hook does not look at contracts")
	}
}
