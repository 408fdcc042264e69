// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"strings"
	"testing"
)

// The form of a comparison for machines is the published one.
func TestEquivalentFitsItsSchema(t *testing.T) {
	for _, args := range []string{"policies roles", "orders-api staging --plane control", "shop-jobs resizer-id --scope pictures", "shop-jobs shop-jobs"} {
		var out, notes bytes.Buffer
		cmd := testCommand()
		cmd.Stdout, cmd.Stderr = &out, &notes
		code := cmd.Main(append([]string{"equivalent", "--demo", "--format", "json"}, strings.Fields(args)...))
		if code > 1 && code != 4 {
			t.Fatalf("%s: exit code %d, %s", args, code, notes.String())
		}
		if err := fitsSchema("../../docs/schema", out.Bytes()); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	for _, wrong := range []string{`{"schemaVersion": 1}`, `{"$schema": "equivalent-1.schema.json", "schemaVersion": 1, "same": "perhaps"}`, "[]", "{"} {
		if fitsSchema("../../docs/schema", []byte(wrong)) == nil {
			t.Errorf("the schema accepts %s", wrong)
		}
	}
}
