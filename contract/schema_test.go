// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// The published schema is that of the forms, accepts what is read, and refuses what is not.
func TestSchema(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile("../docs/schema/contract-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, published) {
		t.Error("docs/schema/contract-1.schema.json is not that of the forms: run go generate ./internal/cli")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("contract.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	f := func(text string, valid bool) {
		t.Helper()
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != valid {
			t.Errorf("%s\n%v", text, err)
		}
	}
	quoted := strings.ReplaceAll(strings.ReplaceAll(full, "last: 2026-11-01", `last: "2026-11-01"`), "expires: 2027-01-31", `expires: "2027-01-31"`)
	f(quoted, true)
	f("contract: 1\nstages: {dev: ~}\n", true)
	f("contract: 2\n", false)
	f("contract: 1\nidentities: {x: {type: Other, address: a}}\n", false)
	f("contract: 1\nidentities: {x: {address: a}}\n", false)
	f("contract: 1\nidentites: {}\n", false)
	f("contract: 1\nidentities: {x: ~}\n", false)
}
