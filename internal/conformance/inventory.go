// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mivet/mivet"
)

// inventory is what a plan contains, by the addresses of its objects.
type inventory struct {
	// Carriers gives the type of the identity block.
	Carriers     map[string]string `json:"carriers"`
	UserAssigned []string          `json:"user_assigned"`
	// Created are the objects that get their first principal.
	Created []string `json:"created"`
	// Grants are objects of their own; what is written inside a vault is not among them.
	Grants               []string       `json:"grants"`
	InlineAccessPolicies map[string]int `json:"inline_access_policies"`
	FederatedCredentials []string       `json:"federated_credentials"`
}

// answerInventory lists what a Terraform plan contains.
func answerInventory(ctx context.Context, r *Runner, c *Case) (any, error) {
	var in struct{ Plan string }
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if r.options.ReadPlan == nil {
		return nil, errors.New("there is no reader of plans")
	}
	snap, err := r.options.ReadPlan(ctx, in.Plan)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	return takeInventory(snap.Declarations), nil
}

func takeInventory(all []mivet.Declaration) inventory {
	inv := inventory{
		Carriers: map[string]string{}, UserAssigned: []string{}, Created: []string{},
		Grants: []string{}, InlineAccessPolicies: map[string]int{}, FederatedCredentials: []string{},
	}
	for i := range all {
		if gone(&all[i]) {
			continue
		}
		inv.add(&all[i])
	}
	slices.Sort(inv.UserAssigned)
	slices.Sort(inv.Created)
	slices.Sort(inv.Grants)
	slices.Sort(inv.FederatedCredentials)
	return inv
}

// gone reports whether a plan deletes or forgets the object.
func gone(d *mivet.Declaration) bool {
	return len(d.Actions) == 1 && (d.Actions[0] == "delete" || d.Actions[0] == "forget")
}

func (inv *inventory) add(d *mivet.Declaration) {
	if d.IdentityType != "" {
		inv.Carriers[d.Address] = d.IdentityType
	}
	if d.UserAssigned {
		inv.UserAssigned = append(inv.UserAssigned, d.Address)
	}
	if d.FirstPrincipal {
		inv.Created = append(inv.Created, d.Address)
	}
	if d.Grant {
		inv.Grants = append(inv.Grants, d.Address)
	}
	if d.InlinePolicies > 0 {
		inv.InlineAccessPolicies[d.Address] = d.InlinePolicies
	}
	if d.FederatedCredential {
		inv.FederatedCredentials = append(inv.FederatedCredentials, d.Address)
	}
}
