// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/change"
)

// answerChange tells what a Terraform plan does, by the addresses of its objects.
func answerChange(ctx context.Context, r *Runner, c *Case) (any, error) {
	var in struct {
		Plan  string  `json:"plan"`
		State *string `json:"state"`
	}
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := require(given{"plan", in.Plan != ""}); err != nil {
		return nil, err
	}
	if r.options.ReadChange == nil || r.options.ReadPlan == nil || r.options.Catalog == nil {
		return nil, errors.New("there is no reader of plans, or no catalogue")
	}
	p, err := r.options.ReadChange(ctx, in.Plan)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	var state *mivet.Snapshot
	if in.State != nil {
		if state, err = r.options.ReadPlan(ctx, *in.State); err != nil {
			return nil, fmt.Errorf("reading the state: %w", err)
		}
	}
	return change.Compare(p, state, r.options.Catalog), nil
}
