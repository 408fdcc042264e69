// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Templates of a folder are read at once; what is said of them stands in their order, and the first that is broken is told.
func TestTemplatesOfFolder(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const head = `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",`
	for i := range 20 {
		put(fmt.Sprintf("t%02d.json", i), head+`"parameters":{"n":{"type":"string"}},"resources":[{"type":"Microsoft.Web/sites","name":"[parameters('n')]"}]}`)
		put(fmt.Sprintf("t%02d.parameters.json", i), fmt.Sprintf(`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#","parameters":{"n":{"value":"site%d"}}}`, i))
	}
	got := runMain("scan", dir, "--deploy-to", "g")
	last := -1
	for i := range 20 {
		at := strings.Index(got.stderr, fmt.Sprintf("t%02d.json: read with the parameters", i))
		if at <= last {
			t.Fatalf("template %d is told at %d, the one before at %d:\n%s", i, at, last, got.stderr)
		}
		last = at
	}
	if !strings.Contains(got.stdout, "20 resources") {
		t.Errorf("%s", got.stdout)
	}
	put("t05.json", head+`"resources":[}`)
	put("t15.json", head+`"resources":[}`)
	if got = runMain("scan", dir); got.code != exitFailed || !strings.Contains(got.stderr, "t05.json:1:") || strings.Contains(got.stderr, "t15.json") {
		t.Errorf("%d %s", got.code, got.stderr)
	}
}
