// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/mivet/mivet"
)

// ReadMocks reads a file of plans by their names, as the tests of policies for conftest
// have them: {"mock": {"NAME": {"resource_changes": […]}}}. The plans lack the version of
// their format.
func ReadMocks(ctx context.Context, name string, r io.Reader) (map[string]*mivet.Snapshot, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTemplate))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	var file struct {
		Mock map[string]map[string]json.RawMessage `json:"mock"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	out := make(map[string]*mivet.Snapshot, len(file.Mock))
	for key, plan := range file.Mock {
		plan["format_version"] = json.RawMessage(`"1.2"`)
		text, err := json.Marshal(plan)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %s: %w", name, key, err)
		}
		if out[key], err = ReadTerraform(ctx, name, bytes.NewReader(text)); err != nil {
			return nil, err
		}
	}
	return out, nil
}
