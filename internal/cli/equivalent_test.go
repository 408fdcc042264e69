// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The form of a comparison for machines is the published one.
func TestEquivalentFitsItsSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/schema/equivalent-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("equivalent.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("equivalent.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return schema.Validate(v)
	}
	for _, args := range []string{"policies roles", "orders-api staging --plane control", "shop-jobs resizer-id --scope pictures", "shop-jobs shop-jobs"} {
		var out, notes bytes.Buffer
		cmd := testCommand()
		cmd.Stdout, cmd.Stderr = &out, &notes
		code := cmd.Main(append([]string{"equivalent", "--demo", "--format", "json"}, strings.Fields(args)...))
		if code > 1 && code != 4 {
			t.Fatalf("%s: exit code %d, %s", args, code, notes.String())
		}
		if err := valid(out.String()); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	if valid(`{"schemaVersion": 1, "same": "perhaps"}`) == nil {
		t.Error("the schema accepts anything")
	}
}
